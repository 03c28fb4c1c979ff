/* SPDX-License-Identifier: GPL-3.0-or-later */
/* label and annotate: the same verb on two maps of the metadata. */
#include "api/machinery/patch.h"
#include "tui/command/options.h"
#include "tui/command/output.h"
#include "tui/command/target.h"

#include <errno.h>

static const struct kt_option OPTIONS[] = {
        {.name = "overwrite",
                .type = KT_OPTION_BOOL,
                .help = "change keys that have another value"},
        {.name = "list", .type = KT_OPTION_BOOL, .help = "show what is there"},
        KT_OPTION_RESOURCE_VERSION,
        KT_OPTION_FILENAME,
        KT_OPTION_RECURSIVE,
        KT_OPTION_SELECTOR,
        KT_OPTION_FIELD_SELECTOR,
        KT_OPTION_ALL,
        KT_OPTION_ALL_NAMESPACES,
        KT_OPTION_OUTPUT,
        KT_OPTION_DRY_RUN,
        KT_OPTION_LOCAL,
        {.name = "field-manager",
                .type = KT_OPTION_STRING,
                .value_name = "NAME",
                .help = "the manager that owns the fields written"},
        KT_OPTION_END,
};

struct change {
	const char *field;  /* "labels", "annotations" */
	const char *noun;   /* "label" */
	const char *done;   /* "labeled" */
	const char *undone; /* "unlabeled": keys went and none came */
	json_t *set;        /* key -> value */
	json_t *removed;    /* list of keys */
};

static bool is_change(const char *word)
{
	size_t len = strlen(word);

	return (strchr(word, '=') && word[0] != '=') || (len > 1 && word[len - 1] == '-');
}

/* Changes stand behind the objects: cuts them off the arguments. */
static int take_changes(struct kt_command_context *ctx, struct change *change, struct kt_err *err)
{
	int first = ctx->argc;

	while (first > 0 && is_change(ctx->argv[first - 1]))
		first--;
	for (int i = first; i < ctx->argc; i++) {
		const char *word = ctx->argv[i], *equals = strchr(word, '=');
		kt_auto_free char *key =
		        kt_strndup(word, equals ? (size_t)(equals - word) : strlen(word) - 1);

		if (equals)
			json_object_set_new(change->set, key, json_string(equals + 1));
		else
			json_array_append_new(change->removed, json_string(key));
		if (!equals && json_object_get(change->set, key))
			return kt_fail(err, EINVAL,
			        "can not both modify and remove a %s in the same command",
			        change->noun);
	}
	ctx->argc = first;
	if (!json_object_size(change->set) && !json_array_size(change->removed) &&
	        !kt_opt_bool(ctx, "list"))
		return kt_fail(err, EINVAL, "at least one %s update is required", change->noun);
	return 0;
}

static int check_overwrite(const struct kt_command_context *ctx, const struct change *change,
        const json_t *map, struct kt_err *err)
{
	const char *key;
	json_t *value;

	if (kt_opt_bool(ctx, "overwrite"))
		return 0;
	json_object_foreach(change->set, key, value) {
		const char *now = json_string_value(json_object_get(map, key));

		if (now && strcmp(now, json_string_value(value)) != 0)
			return kt_fail(err, EEXIST,
			        "'%s' already has a value (%s), and --overwrite is false", key,
			        now);
	}
	return 0;
}

static json_t *patch_of(
        const struct kt_command_context *ctx, const struct change *change, const json_t *map)
{
	const char *version = kt_opt_string(ctx, "resource-version"), *key;
	json_t *keys = json_object(), *value;
	size_t i;

	json_object_foreach(change->set, key, value) {
		if (!json_equal(json_object_get(map, key), value))
			json_object_set(keys, key, value);
	}
	json_array_foreach(change->removed, i, value) {
		if (json_object_get(map, json_string_value(value)))
			json_object_set_new(keys, json_string_value(value), json_null());
		else
			fprintf(ctx->out, "%s \"%s\" not found.\n", change->noun,
			        json_string_value(value));
	}
	if (!json_object_size(keys)) {
		json_decref(keys);
		return NULL;
	}
	json_t *metadata = json_object();

	json_object_set_new(metadata, change->field, keys);
	if (version)
		json_object_set_new(metadata, "resourceVersion", json_string(version));
	return json_pack("{s:o}", "metadata", metadata);
}

static void list_map(struct kt_command_context *ctx, const json_t *map)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)map, key, value)
		fprintf(ctx->out, "%s=%s\n", key, json_string_value(value));
}

static int change_one(
        struct kt_command_context *ctx, struct kt_target *target, void *arg, struct kt_err *err)
{
	const struct change *change = arg;
	const json_t *map =
	        json_object_get(json_object_get(target->live, "metadata"), change->field);

	if (kt_opt_bool(ctx, "list")) {
		list_map(ctx, map);
		return 0;
	}
	if (check_overwrite(ctx, change, map, err) < 0)
		return err->code;
	kt_auto_json json_t *patch = patch_of(ctx, change, map);
	kt_auto_free char *not_done = kt_asprintf("not %s", change->done);
	const char *done = json_object_size(change->set) ? change->done : change->undone;

	if (!patch)
		return kt_print_result(ctx, target->resource, target->live, not_done, err);
	if (kt_is_dry_run_client(ctx)) {
		kt_auto_json json_t *after = kt_patch_merge(target->live, patch, err);

		return after ? kt_print_result(ctx, target->resource, after, done, err) : err->code;
	}
	kt_auto_free char *path = kt_target_path(target, NULL);
	kt_auto_free char *query = kt_write_query(ctx);
	kt_auto_free char *full = kt_asprintf("%s%s", path, query);
	kt_auto_json json_t *answer =
	        kt_session_request(ctx, "PATCH", full, "application/merge-patch+json", patch, err);

	return answer ? kt_print_result(ctx, target->resource, answer, done, err) : err->code;
}

static int run_change(struct kt_command_context *ctx, struct change change)
{
	kt_auto_err err = KT_ERR_INIT;
	int code;

	change.set = json_object();
	change.removed = json_array();
	if (take_changes(ctx, &change, &err) < 0)
		code = kt_command_fail(ctx, &err, NULL);
	else
		code = kt_targets_run(ctx, KT_TARGET_FILES | KT_TARGET_NEED_NAME | KT_TARGET_LIVE,
		        change_one, &change);
	json_decref(change.set);
	json_decref(change.removed);
	return code;
}

static int run_label(struct kt_command_context *ctx)
{
	return run_change(ctx, (struct change){.field = "labels",
	                               .noun = "label",
	                               .done = "labeled",
	                               .undone = "unlabeled"});
}

static int run_annotate(struct kt_command_context *ctx)
{
	return run_change(ctx, (struct change){.field = "annotations",
	                               .noun = "annotation",
	                               .done = "annotated",
	                               .undone = "annotated"});
}

static const enum kt_completion ARGUMENTS[] = {KT_COMPLETE_RESOURCE_OR_NAME, KT_COMPLETE_NONE};

const struct kt_command kt_command_label = {
        .name = "label",
        .group = "Change",
        .usage = "label (-f FILE | TYPE NAME…) KEY=VALUE… KEY-…",
        .summary = "Set or remove labels",
        .help = "Examples:\n"
                "  kube-tui label pod web-0 tier=front\n"
                "  kube-tui label pods --all stage-",
        .options = OPTIONS,
        .arguments = ARGUMENTS,
        .needs_client = true,
        .run = run_label,
};

const struct kt_command kt_command_annotate = {
        .name = "annotate",
        .group = "Change",
        .usage = "annotate (-f FILE | TYPE NAME…) KEY=VALUE… KEY-…",
        .summary = "Set or remove annotations",
        .help = "Examples:\n"
                "  kube-tui annotate deploy web kubernetes.io/change-cause='new image'",
        .options = OPTIONS,
        .arguments = ARGUMENTS,
        .needs_client = true,
        .run = run_annotate,
};
