/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/editor_program.h"

#include <errno.h>

int kt_editor_program_run(struct kt_ui *ui, const char *file, struct kt_err *err)
{
	static const char *const names[] = {"K9S_EDITOR", "KUBE_EDITOR", "VISUAL", "EDITOR"};
	const char *program = NULL;

	for (size_t i = 0; i < KT_ARRAY_SIZE(names) && (!program || !*program); i++)
		program = getenv(names[i]);
	if (!program || !*program)
		program = "vi";
	kt_auto_free char *command = kt_asprintf("%s \"$1\"", program); /* it may have arguments */
	char *argv[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c", command,
	        (char *)(uintptr_t) "sh", (char *)(uintptr_t)file, NULL};
	int status = kt_ui_spawn(ui, argv, err);

	return status > 0 ? kt_fail(err, EIO, "the editor \"%s\" ended with status %d", program,
	                            status)
	                  : status;
}
