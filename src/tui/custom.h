/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a person brings along in k9s' files: aliases.yaml, hotkeys.yaml, plugins.yaml and the
 * snippets in plugins/, and what settings.h tells of. Read from $K9S_CONFIG_DIR (else
 * $XDG_CONFIG_HOME/k9s), then from the context's folder below $XDG_DATA_HOME/k9s/clusters, then
 * from $XDG_CONFIG_HOME/kube-tui; what comes later replaces what has the same name. Entries that
 * cannot be used are told and left out, the others count. UI thread.
 */
#ifndef KT_TUI_CUSTOM_H
#define KT_TUI_CUSTOM_H

#include "base/map.h"
#include "base/str.h"
#include "base/vec.h"
#include "tui/settings.h"

#include <stdbool.h>
#include <stdint.h>

#define KT_CUSTOM_INPUTS_MAX 5

struct kt_custom_input {
	char *name, *label, *type, *fallback; /* fallback "": none */
	char **options;                       /* NULL-terminated */
	bool required;
};

struct kt_custom_key {
	char *id, *description;
	uint32_t key;
	bool is_plugin;
	char *command;                  /* a program, or the line of a hotkey */
	char **args, **pipes, **scopes; /* NULL-terminated */
	struct kt_custom_input inputs[KT_CUSTOM_INPUTS_MAX];
	size_t n_inputs;
	bool background, confirm, override, dangerous, quiet, keep_history;
};

struct kt_custom {
	struct kt_map aliases; /* word -> char * of a line */
	KT_VEC(struct kt_custom_key) keys;
	struct kt_settings settings;
};

void kt_custom_init(struct kt_custom *custom);
void kt_custom_finish(struct kt_custom *custom);
/* Everything of these folders anew. warnings: a line for each fault, with the file's name. */
void kt_custom_load(struct kt_custom *custom, const char *cluster, const char *context,
        struct kt_str *warnings);
/* One file's text; what: 'a'liases, 'c'onfig, 'h'otkeys, 'j'umps, 'p'lugins, 'v'iews. */
void kt_custom_parse(struct kt_custom *custom, char what, const char *path, struct kt_sv text,
        struct kt_str *warnings);
/* "Ctrl-K", "Shift-2", "F5", "space", "a"; false: no such key. */
bool kt_custom_key_parse(const char *name, uint32_t *ret_key);
/* The line with aliases put in for its first word; heap. */
char *kt_custom_unalias(const struct kt_custom *custom, const char *line);

/* $NAME ${NAME} $!NAME ${!NAME} by value(); an unknown name is left as it stands. */
typedef bool kt_custom_value_fn(void *arg, const char *name, struct kt_str *out);
void kt_custom_expand(const char *text, kt_custom_value_fn *value, void *arg, struct kt_str *out);

#endif
