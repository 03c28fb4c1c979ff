/* SPDX-License-Identifier: GPL-3.0-or-later */
/* diff: what apply would change, as the server would store it. */
#include "tui/command/apply_last.h"
#include "tui/command/options.h"
#include "tui/command/target.h"
#include "tui/command/text_diff.h"

#include "base/yaml.h"

#include <errno.h>

#define EXIT_DIFFERS 1
#define EXIT_TROUBLE 2

static const struct kt_option OPTIONS[] = {
        KT_OPTION_FILENAME,
        KT_OPTION_RECURSIVE,
        KT_OPTION_SELECTOR,
        {.name = "server-side",
                .type = KT_OPTION_BOOL,
                .help = "what apply --server-side would change"},
        {.name = "concurrency",
                .type = KT_OPTION_INT,
                .fallback = "1",
                .value_name = "N",
                .help = "as kubectl has it; one after the other"},
        {.name = "field-manager",
                .type = KT_OPTION_STRING,
                .value_name = "NAME",
                .fallback = "kubectl-client-side-apply",
                .help = "the manager that apply would be"},
        {.name = "force-conflicts",
                .type = KT_OPTION_BOOL,
                .help = "server-side: show also what others own"},
        {.name = "show-managed-fields", .type = KT_OPTION_BOOL, .help = "managedFields too"},
        KT_OPTION_END,
};

static void shorten(const struct kt_command_context *ctx, json_t *object)
{
	json_t *metadata = json_object_get(object, "metadata");

	if (!kt_opt_bool(ctx, "show-managed-fields"))
		json_object_del(metadata, "managedFields");
}

/* Secret values never reach the screen: equal ones become ***, changed ones tell before and after
 * apart. */
static void mask(json_t *before, json_t *after)
{
	json_t *old_data = json_object_get(before, "data"),
	       *new_data = json_object_get(after, "data"), *value;
	const char *key;

	if (!kt_streq(kt_jstr(after, "kind"), "Secret"))
		return;
	json_object_foreach(new_data, key, value) {
		bool changed = old_data && json_object_get(old_data, key) &&
		               !json_equal(json_object_get(old_data, key), value);

		json_object_set_new(new_data, key, json_string(changed ? "*** (after)" : "***"));
		if (old_data && json_object_get(old_data, key))
			json_object_set_new(
			        old_data, key, json_string(changed ? "*** (before)" : "***"));
	}
	json_object_foreach(old_data, key, value) {
		if (!json_object_get(new_data, key))
			json_object_set_new(old_data, key, json_string("***"));
	}
}

/* What the server would store: a server-side apply that is not carried out. */
static json_t *dry_apply(
        struct kt_command_context *ctx, const struct kt_target *target, struct kt_err *err)
{
	kt_auto_free char *path = kt_target_path(target, NULL);
	kt_auto_str full = KT_STR_INIT;

	kt_str_printf(&full, "%s?dryRun=All&fieldManager=", path);
	kt_url_escape(&full, kt_opt_given(ctx, "field-manager")
	                             ? kt_opt_string(ctx, "field-manager")
	                             : "kubectl");
	if (kt_opt_bool(ctx, "force-conflicts"))
		kt_str_puts(&full, "&force=true");
	return kt_session_request(ctx, "PATCH", kt_str_text(&full), "application/apply-patch+yaml",
	        target->object, err);
}

/* "apps.v1.Deployment.default.web". Heap. */
static char *file_name(const struct kt_target *target)
{
	const struct kt_resource *resource = target->resource;

	return kt_asprintf("%s%s%s.%s.%s.%s", resource->group, *resource->group ? "." : "",
	        resource->version, resource->kind, target->namespace ? target->namespace : "",
	        target->name);
}

/* In the order of files in a folder; what cannot be used comes first. */
static int by_file_name(const void *a, const void *b)
{
	const struct kt_target *one = a, *other = b;

	if (!one->resource || !other->resource || !one->name || !other->name)
		return (one->resource && one->name) - (other->resource && other->name);
	kt_auto_free char *name = file_name(one), *other_name = file_name(other);

	return strcmp(name, other_name);
}

/* 1 when they differ. */
static int diff_one(struct kt_command_context *ctx, struct kt_target *target, struct kt_err *err)
{
	if (kt_target_error(target, err) < 0)
		return err->code;
	if (!target->name)
		return kt_fail(err, EINVAL, "%s: metadata.name is required", target->source);
	kt_auto_free char *path = kt_target_path(target, NULL);
	kt_auto_json json_t *before = kt_session_get(ctx, path, NULL, err);

	if (!before && err->code != -ENOENT)
		return err->code;
	kt_err_clear(err);
	kt_auto_json json_t *after = kt_opt_bool(ctx, "server-side")
	                                     ? dry_apply(ctx, target, err)
	                                     : kt_apply_try(ctx, target, before, err);
	kt_auto_str old_text = KT_STR_INIT, new_text = KT_STR_INIT;

	if (!after)
		return err->code;
	shorten(ctx, before);
	shorten(ctx, after);
	mask(before, after);
	if (before)
		kt_yaml_write(&old_text, before);
	kt_yaml_write(&new_text, after);
	kt_auto_free char *name = file_name(target);
	struct kt_diff_names names = {name, name};

	if (strcmp(kt_str_text(&old_text), kt_str_text(&new_text)) != 0)
		fprintf(ctx->out, "diff -u -N LIVE/%s MERGED/%s\n", name, name);

	return kt_text_diff_print(
	        ctx->out, kt_str_text(&old_text), kt_str_text(&new_text), &names, ctx->out_is_tty);
}

static int run(struct kt_command_context *ctx)
{
	kt_auto_err err = KT_ERR_INIT;
	struct kt_targets targets = {0};
	int code = KT_EXIT_OK;

	if (kt_opt_bool(ctx, "force-conflicts") && !kt_opt_bool(ctx, "server-side"))
		kt_fail(&err, EINVAL, "--force-conflicts only works with --server-side");
	else if (!kt_opt_strings(ctx, "filename")->n)
		kt_fail(&err, EINVAL, "must specify one of -f and -k");
	else
		kt_targets_parse(ctx, 0, KT_TARGET_FILES | KT_TARGET_NONE_IS_FINE, &targets, &err);
	if (err.code) {
		kt_command_fail(ctx, &err, NULL);
		return EXIT_TROUBLE;
	}
	if (targets.n)
		qsort(targets.items, targets.n, sizeof(*targets.items), by_file_name);
	for (size_t i = 0; i < targets.n; i++) {
		kt_auto_err one = KT_ERR_INIT;
		int r = diff_one(ctx, &targets.items[i], &one);

		if (r < 0)
			kt_command_fail(ctx, &one, NULL);
		code = r < 0 ? EXIT_TROUBLE : KT_MAX(code, r ? EXIT_DIFFERS : KT_EXIT_OK);
	}
	kt_targets_finish(&targets);
	return code;
}

const struct kt_command kt_command_diff = {
        .name = "diff",
        .group = "Look",
        .usage = "diff -f FILE",
        .summary = "Show what apply would change",
        .help = "Exit codes: 0 no difference, 1 differences, 2 an error.",
        .options = OPTIONS,
        .needs_client = true,
        .reads = true,
        .run = run,
};
