/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/save.h"

#include "base/path.h"

#define COPY_MAX_BYTES \
	56000u /* encoded it stays below what terminals take (74994, as k9s has it) */

char *kt_dump_folder(const struct kt_ui *ui)
{
	kt_auto_free char *home = kt_state_home();
	const char *wished = ui->custom.settings.dump_folder;

	return wished ? kt_strdup(wished) : kt_path_join(home, "screen-dumps");
}

void kt_save_dump(struct kt_ui *ui, const char *name, struct kt_sv content)
{
	kt_auto_free char *folder = kt_dump_folder(ui);
	kt_auto_free char *file = kt_strdup(name);
	kt_auto_err err = KT_ERR_INIT;

	for (char *c = file; *c; c++)
		if (*c == '/' || *c == ':')
			*c = '-';
	kt_auto_free char *path = kt_path_join(folder, file);

	if (kt_make_dirs(folder, 0700, &err) < 0 || kt_write_file(path, content, 0600, &err) < 0)
		kt_ui_flash(ui, KT_FLASH_ERROR, "not saved: %s", kt_err_message(&err));
	else
		kt_ui_flash(ui, KT_FLASH_INFO, "saved to %s", path);
}

void kt_copy(struct kt_ui *ui, struct kt_sv text)
{
	kt_auto_str encoded = KT_STR_INIT;

	if (text.len > COPY_MAX_BYTES) {
		kt_ui_flash(ui, KT_FLASH_WARN, "too much to copy: save it with Ctrl-S");
		return;
	}
	kt_base64_encode(&encoded, text.p, text.len);
	kt_screen_copy(kt_str_text(&encoded));
	kt_ui_flash(ui, KT_FLASH_INFO, "copied %zu bytes", text.len);
}
