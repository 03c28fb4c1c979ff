/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An object in a person's editor: $KUBE_EDITOR, else $EDITOR, else vi. What edit, create --edit and
 * apply edit-last-applied share. -o json shows it as JSON, --windows-line-endings with CR LF.
 */
#ifndef KT_TUI_COMMAND_EDITING_H
#define KT_TUI_COMMAND_EDITING_H

#include "tui/command/command.h"

/* 0, or a code with err: then the text comes back with the reason, to be mended. */
typedef int kt_edit_save_fn(
        struct kt_command_context *ctx, const json_t *after, void *arg, struct kt_err *err);

/* Until it is saved, or given up by leaving the text as it is. */
int kt_edit_object(struct kt_command_context *ctx, const json_t *before, kt_edit_save_fn *save,
        void *arg, struct kt_err *err);
/* -o of commands that edit: json, yaml or kyaml. */
int kt_check_edit_output(const struct kt_command_context *ctx, struct kt_err *err);

#define KT_OPTION_WINDOWS_LINE_ENDINGS \
	{ \
		.name = "windows-line-endings", .type = KT_OPTION_BOOL, \
		.help = "CR LF in what is edited" \
	}

#endif
