/* SPDX-License-Identifier: GPL-3.0-or-later */
/* edit: an object's YAML in $KUBE_EDITOR or $EDITOR; the difference goes to the server as a patch.
 * replace: a manifest instead of what is there. */
#include "tui/command/options.h"
#include "tui/command/output.h"
#include "tui/command/target.h"

#include "api/machinery/patch.h"
#include "api/schema/schema.h"
#include "base/path.h"
#include "base/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#define EDITED_MAX_BYTES (3u << 20)

static const struct kt_option EDIT_OPTIONS[] = {
        KT_OPTION_FILENAME,
        KT_OPTION_RECURSIVE,
        KT_OPTION_OUTPUT,
        KT_OPTION_VALIDATE,
        KT_OPTION_FIELD_MANAGER("kubectl-edit"),
        {.name = "subresource",
                .type = KT_OPTION_STRING,
                .value_name = "NAME",
                .help = "status instead of the object"},
        KT_OPTION_END,
};

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

/* Lets a person edit `text`; *ret_text is what came back. 1: unchanged or emptied. */
static int edit_text(
        const char *text, const char *failure, struct kt_str *ret_text, struct kt_err *err)
{
	kt_auto_str whole = KT_STR_INIT;
	const char *tmp = getenv("TMPDIR");
	kt_auto_free char *path =
	        kt_asprintf("%s/kube-tui-edit-XXXXXX.yaml", tmp && *tmp ? tmp : "/tmp");
	kt_auto_close int fd = mkostemps(path, (int)strlen(".yaml"), O_CLOEXEC);

	if (fd < 0)
		return kt_fail(err, errno, "cannot make a temporary file: %s", strerror(errno));
	kt_str_puts(&whole, HEADER);
	if (failure)
		write_comment(&whole, failure);
	kt_str_puts(&whole, text);
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

static json_t *shown(const struct kt_command_context *ctx, const json_t *object)
{
	json_t *copy = json_deep_copy(object);

	if (!kt_opt_bool(ctx, "show-managed-fields"))
		json_object_del(json_object_get(copy, "metadata"), "managedFields");
	return copy;
}

static int save(struct kt_command_context *ctx, const struct kt_target *target,
        const json_t *before, const json_t *after, struct kt_err *err)
{
	const struct kt_kind *kind = kt_builtin_kind(
	        target->resource->group, target->resource->version, target->resource->kind);
	kt_auto_json json_t *patch =
	        kind ? kt_diff_three_way(before, after, before, kind->type, err)
	             : kt_diff_merge(before, after);

	if (!patch)
		return err->code;
	kt_auto_free char *path = kt_target_path(target, kt_opt_string(ctx, "subresource"));
	kt_auto_free char *query = kt_write_query(ctx);
	kt_auto_free char *full = kt_asprintf("%s%s", path, query);
	kt_auto_json json_t *answer = kt_session_request(ctx, "PATCH", full,
	        kind ? "application/strategic-merge-patch+json" : "application/merge-patch+json",
	        patch, err);

	return answer ? kt_print_result(ctx, target->resource, answer, "edited", err) : err->code;
}

/* Until it is saved, or given up by leaving the text as it is. */
static int edit_one(
        struct kt_command_context *ctx, struct kt_target *target, void *arg, struct kt_err *err)
{
	(void)arg;
	kt_auto_json json_t *before = shown(ctx, target->live);
	kt_auto_str text = KT_STR_INIT;
	kt_auto_free char *failure = NULL;

	kt_yaml_write(&text, before);
	for (;;) {
		kt_auto_str edited = KT_STR_INIT;
		kt_auto_err one = KT_ERR_INIT;
		int r = edit_text(kt_str_text(&text), failure, &edited, err);

		if (r < 0)
			return r;
		kt_auto_json json_t *after =
		        kt_yaml_parse_one((struct kt_sv){kt_str_text(&edited), edited.len}, &one);

		if (r == 1 || (after && json_equal(before, after)) || (!after && !one.code)) {
			fputs(failure ? "Edit cancelled, no valid changes were saved.\n"
			              : "Edit cancelled, no changes made.\n",
			        failure ? ctx->err : ctx->out);
			return failure ? kt_fail(err, EINVAL, "%s", failure) : 0;
		}
		if (after && save(ctx, target, before, after, &one) == 0)
			return 0;
		free(failure);
		failure = kt_strdup(kt_err_message(&one));
		/* the header and what was written by hand come back, without the old failure */
		kt_str_clear(&text);
		const char *body = kt_str_text(&edited);

		while (*body == '#') {
			const char *end = strchr(body, '\n');

			body = end ? end + 1 : body + strlen(body);
		}
		kt_str_puts(&text, body);
	}
}

static int run_edit(struct kt_command_context *ctx)
{
	return kt_targets_run(
	        ctx, KT_TARGET_FILES | KT_TARGET_NEED_NAME | KT_TARGET_LIVE, edit_one, NULL);
}

/* Replace */

static const struct kt_option REPLACE_OPTIONS[] = {
        KT_OPTION_FILENAME,
        KT_OPTION_RECURSIVE,
        KT_OPTION_OUTPUT,
        KT_OPTION_DRY_RUN,
        KT_OPTION_VALIDATE,
        KT_OPTION_FIELD_MANAGER("kubectl-replace"),
        {.name = "force",
                .type = KT_OPTION_BOOL,
                .help = "delete the object first, then create it"},
        {.name = "subresource",
                .type = KT_OPTION_STRING,
                .value_name = "NAME",
                .help = "status or scale instead of the object"},
        KT_OPTION_END,
};

static int replace_one(
        struct kt_command_context *ctx, struct kt_target *target, void *arg, struct kt_err *err)
{
	(void)arg;
	if (!target->name)
		return kt_fail(err, EINVAL, "%s: metadata.name is required", target->source);
	kt_auto_free char *path = kt_target_path(target, kt_opt_string(ctx, "subresource"));
	kt_auto_free char *query = kt_write_query(ctx);
	kt_auto_free char *full = kt_asprintf("%s%s", path, query);

	if (kt_is_dry_run_client(ctx))
		return kt_print_result(ctx, target->resource, target->object, "replaced", err);
	if (kt_opt_bool(ctx, "force")) {
		kt_auto_json json_t *options = json_pack("{s:i}", "gracePeriodSeconds", 0);
		kt_auto_json json_t *gone =
		        kt_session_request(ctx, "DELETE", path, NULL, options, err);

		if (!gone && err->code != -ENOENT)
			return err->code;
		kt_err_clear(err);
		kt_auto_free char *collection =
		        kt_resource_path(target->resource, target->namespace, NULL, NULL);
		kt_auto_free char *create = kt_asprintf("%s%s", collection, query);
		kt_auto_json json_t *answer =
		        kt_session_request(ctx, "POST", create, NULL, target->object, err);

		return answer ? kt_print_result(ctx, target->resource, answer, "replaced", err)
		              : err->code;
	}
	kt_auto_json json_t *answer =
	        kt_session_request(ctx, "PUT", full, NULL, target->object, err);

	return answer ? kt_print_result(ctx, target->resource, answer, "replaced", err)
	              : kt_wrap(err, "error when replacing \"%s\"", target->source);
}

static int run_replace(struct kt_command_context *ctx)
{
	if (!kt_opt_strings(ctx, "filename")->n)
		return kt_command_fail(ctx, NULL, "must specify one of -f and -k");
	return kt_targets_run(ctx, KT_TARGET_FILES, replace_one, NULL);
}

static const enum kt_completion ARGUMENTS[] = {KT_COMPLETE_RESOURCE_OR_NAME, KT_COMPLETE_NONE};

const struct kt_command kt_command_edit = {
        .name = "edit",
        .group = "Change",
        .usage = "edit (-f FILE | TYPE NAME…)",
        .summary = "Change an object in your editor",
        .help = "The editor is $KUBE_EDITOR, else $EDITOR, else vi. What the server refuses comes "
                "back with the reason.\n"
                "In the terminal UI the key e opens the built-in editor instead.",
        .options = EDIT_OPTIONS,
        .arguments = ARGUMENTS,
        .needs_client = true,
        .run = run_edit,
};

const struct kt_command kt_command_replace = {
        .name = "replace",
        .group = "Change",
        .usage = "replace -f FILE [--force]",
        .summary = "Put a manifest in the place of an object",
        .options = REPLACE_OPTIONS,
        .needs_client = true,
        .run = run_replace,
};
