/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A folder of this machine: manifests to look at, edit, compare and apply; saved tables. */
#include "tui/editor_program.h"
#include "tui/keys.h"
#include "tui/save.h"
#include "tui/view/list.h"
#include "tui/view/output.h"

#include "tui/command/words.h"

#include "base/path.h"
#include "base/time.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

enum { FILE_BYTES_MAX = 16 << 20 };

/* What the words say: quotes taken away, ~ and what is relative made whole. "": here. */
static char *path_of(const char *argument)
{
	struct kt_tokens tokens;

	kt_words_split(argument, &tokens);
	const char *text = tokens.n && tokens.items[0].text ? tokens.items[0].text : ".";
	const char *home = *text == '~' && (!text[1] || text[1] == '/') ? getenv("HOME") : NULL;
	kt_auto_free char *wished = home ? kt_asprintf("%s%s", home, text + 1) : kt_strdup(text);
	char *path = realpath(wished, NULL);

	kt_tokens_finish(&tokens);
	return path ? path : kt_steal(&wished);
}

/* As one word of a command line. */
static char *quoted(const char *path)
{
	struct kt_str out = KT_STR_INIT;

	if (!strchr(path, '\''))
		return kt_asprintf("'%s'", path);
	kt_str_putc(&out, '"');
	for (; *path; path++)
		kt_str_printf(&out, strchr("\"\\$", *path) ? "\\%c" : "%c", *path);
	kt_str_putc(&out, '"');
	return kt_str_steal(&out);
}

static void add_entry(struct kt_view *view, const char *folder, const char *name, int64_t now_ns)
{
	kt_auto_free char *path = kt_path_join(folder, name);
	kt_auto_free char *word = quoted(path);
	char age[KT_TIME_TEXT_MAX];
	struct stat info;

	if (stat(path, &info) < 0 || !(S_ISDIR(info.st_mode) || S_ISREG(info.st_mode)))
		return;
	bool is_folder = S_ISDIR(info.st_mode);
	kt_auto_free char *shown = kt_asprintf("%s%s", name, is_folder ? "/" : "");
	kt_auto_free char *size =
	        is_folder ? kt_strdup("") : kt_asprintf("%lld", (long long)info.st_size);

	kt_duration_human(now_ns - (int64_t)info.st_mtime * KT_NS_PER_S, age);
	kt_list_view_add(view, word, (const char *[]){shown, size, age},
	        is_folder ? KT_ROW_PLAIN : KT_ROW_COMPLETED);
}

static void show_folder(struct kt_ui *ui, const char *path, DIR *folder)
{
	static const char *const columns[] = {"Name", "Size", "Modified", NULL};
	kt_auto_free char *title = kt_asprintf("Dir(%s)", path);
	struct kt_view *view =
	        kt_list_view_create(ui, &(struct kt_list_view_options){.title = title,
	                                        .crumb = "dir",
	                                        .context = KT_IN_FOLDER,
	                                        .columns = columns,
	                                        .enter = "dir {name}"});
	struct dirent *entry;

	while ((entry = readdir(folder)))
		if (*entry->d_name != '.' || !strcmp(entry->d_name, ".."))
			add_entry(view, path, entry->d_name, kt_loop_wall_ns(ui->loop));
	kt_table_sort(kt_list_view_table(view), 0, false);
	kt_list_view_tell(view, "This folder is empty");
	kt_ui_push(ui, view);
}

static void show_file(struct kt_ui *ui, const char *path)
{
	kt_auto_str text = KT_STR_INIT;
	kt_auto_err err = KT_ERR_INIT;
	bool is_yaml = kt_ends_with(path, ".yaml") || kt_ends_with(path, ".yml");

	if (kt_read_file(path, FILE_BYTES_MAX, &text, &err) < 0)
		kt_ui_flash(ui, KT_FLASH_ERROR, "%s", kt_err_message(&err));
	else
		kt_ui_push(ui, kt_text_view_create(ui, path, "file",
		                       (struct kt_sv){kt_str_text(&text), text.len},
		                       is_yaml ? KT_YAML : KT_PLAIN));
}

static void run(struct kt_ui *ui, const char *argument)
{
	kt_auto_free char *path = path_of(argument);
	DIR *folder = opendir(path);

	if (folder) {
		show_folder(ui, path, folder);
		closedir(folder);
	} else if (errno == ENOTDIR) {
		show_file(ui, path);
	} else {
		kt_ui_flash(ui, KT_FLASH_ERROR, "%s: %s", path, strerror(errno));
	}
}

static void run_dumps(struct kt_ui *ui, const char *argument)
{
	kt_auto_free char *folder = kt_dump_folder(ui);
	kt_auto_free char *word = quoted(folder);

	(void)argument;
	if (kt_make_dirs(folder, 0700, NULL) >= 0)
		run(ui, word);
}

static void run_edit(struct kt_ui *ui, const char *argument)
{
	kt_auto_free char *path = path_of(argument);
	kt_auto_err err = KT_ERR_INIT;

	if (kt_editor_program_run(ui, path, &err) < 0)
		kt_ui_flash(ui, KT_FLASH_ERROR, "%s", kt_err_message(&err));
}

const struct kt_ui_verb kt_screen_folder = {.name = "dir",
        .aliases = "dirs ls",
        .help = "manifests of a folder: dir [PATH]",
        .run = run};
const struct kt_ui_verb kt_screen_dumps = {.name = "screendumps",
        .aliases = "screendump sd",
        .help = "what Ctrl-S saved",
        .run = run_dumps};
const struct kt_ui_verb kt_screen_edit_file = {.name = "edit-file", .run = run_edit};
