/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/command/editing.h"

#include "tui/command/session.h"

#include "base/path.h"
#include "base/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#define EDITED_MAX_BYTES (3u << 20)

static bool is_json(const struct kt_command_context *ctx)
{
	return kt_streq(kt_opt_string(ctx, "output"), "json");
}

static const char HEADER[] =
        "# Please edit the object below. Lines beginning with a '#' will be ignored,\n"
        "# and an empty file will abort the edit. If an error occurs while saving this file will "
        "be\n"
        "# reopened with the relevant failures.\n#\n";

/* Runs the editor through a shell, as $EDITOR may hold arguments; the file's name is its first
 * parameter. */
static int run_editor(const char *path, struct kt_err *err)
{
	const char *editor = getenv("KUBE_EDITOR");
	int status;

	if (!editor || !*editor)
		editor = getenv("EDITOR");
	if (!editor || !*editor)
		editor = "vi";
	kt_auto_free char *script = kt_asprintf("%s \"$1\"", editor);
	pid_t pid = fork();

	if (pid < 0)
		return kt_fail(err, errno, "cannot start the editor: %s", strerror(errno));
	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", script, "kube-tui-edit", path, (char *)NULL);
		_exit(127);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return kt_fail(err, EIO, "there was a problem with the editor \"%s\"", editor);
	return 0;
}

static void write_comment(struct kt_str *out, const char *text)
{
	struct kt_sv rest = kt_sv_of(text), line;

	while (text && kt_sv_split(&rest, '\n', &line))
		kt_str_printf(out, "# %.*s\n", (int)line.len, line.p);
	kt_str_puts(out, "#\n");
}

static void add_carriage_returns(struct kt_str *text)
{
	kt_auto_free char *plain = kt_str_steal(text);

	for (const char *p = plain; *p; p++) {
		if (*p == '\n')
			kt_str_putc(text, '\r');
		kt_str_putc(text, *p);
	}
}

/* Lets a person edit `text`; *ret_text is what came back. 1: unchanged or emptied. */
static int edit_text(const struct kt_command_context *ctx, const char *text, const char *failure,
        struct kt_str *ret_text, struct kt_err *err)
{
	kt_auto_str whole = KT_STR_INIT;
	const char *format = is_json(ctx) ? "json" : "yaml";
	const char *tmp = getenv("TMPDIR");
	kt_auto_free char *path =
	        kt_asprintf("%s/kube-tui-edit-XXXXXX.%s", tmp && *tmp ? tmp : "/tmp", format);
	kt_auto_close int fd = mkostemps(path, (int)strlen(".yaml"), O_CLOEXEC);

	if (fd < 0)
		return kt_fail(err, errno, "cannot make a temporary file: %s", strerror(errno));
	kt_str_puts(&whole, HEADER);
	if (failure)
		write_comment(&whole, failure);
	kt_str_puts(&whole, text);
	if (kt_opt_bool(ctx, "windows-line-endings"))
		add_carriage_returns(&whole);
	int r = kt_write_all(fd, kt_str_text(&whole), whole.len, err);

	if (r == 0)
		r = run_editor(path, err);
	if (r == 0)
		r = kt_read_file(path, EDITED_MAX_BYTES, ret_text, err);
	unlink(path);
	if (r < 0)
		return r;
	return !strcmp(kt_str_text(&whole), kt_str_text(ret_text));
}

/* The header is written again, with the next failure in the place of this one. */
static const char *without_header(const char *text)
{
	while (*text == '#') {
		const char *end = strchr(text, '\n');

		text = end ? end + 1 : text + strlen(text);
	}
	return text;
}

static void write_object(
        const struct kt_command_context *ctx, const json_t *object, struct kt_str *out)
{
	if (!is_json(ctx)) {
		kt_yaml_write(out, object);
		return;
	}
	kt_json_write(out, object, KT_JSON_PRETTY | KT_JSON_SORT);
	kt_str_putc(out, '\n');
}

int kt_edit_object(struct kt_command_context *ctx, const json_t *before, kt_edit_save_fn *save,
        void *arg, struct kt_err *err)
{
	kt_auto_str text = KT_STR_INIT;
	kt_auto_free char *failure = NULL;

	write_object(ctx, before, &text);
	for (;;) {
		kt_auto_str edited = KT_STR_INIT;
		kt_auto_err one = KT_ERR_INIT;
		int r = edit_text(ctx, kt_str_text(&text), failure, &edited, err);

		if (r < 0)
			return r;
		kt_auto_json json_t *after =
		        kt_yaml_parse_one((struct kt_sv){kt_str_text(&edited), edited.len}, &one);

		if (r == 1 || (after && json_equal(before, after)) || (!after && !one.code)) {
			fputs(failure ? "Edit cancelled, no valid changes were saved.\n"
			              : "Edit cancelled, no changes made.\n",
			        ctx->err);
			return failure ? kt_fail(err, EINVAL, "%s", failure) : 0;
		}
		if (after && save(ctx, after, arg, &one) == 0)
			return 0;
		free(failure);
		failure = kt_strdup(kt_err_message(&one));
		kt_str_clear(&text);
		kt_str_puts(&text, without_header(kt_str_text(&edited)));
	}
}

int kt_check_edit_output(const struct kt_command_context *ctx, struct kt_err *err)
{
	static const char *const FORMATS[] = {"json", "kyaml", "yaml"};
	const char *output = kt_opt_string(ctx, "output");

	for (size_t i = 0; output && i < KT_ARRAY_SIZE(FORMATS); i++)
		if (!strcmp(output, FORMATS[i]))
			return 0;
	return output ? kt_fail(err, EINVAL,
	                        "unable to match a printer suitable for the output format \"%s\", "
	                        "allowed formats are: json,kyaml,yaml",
	                        output)
	              : 0;
}
