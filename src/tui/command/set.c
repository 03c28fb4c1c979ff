/* SPDX-License-Identifier: GPL-3.0-or-later */
/* set image, resources, serviceaccount: one field of the pods that a workload makes. */
#include "tui/command/set.h"
#include "tui/command/output.h"

#include "api/machinery/patch.h"
#include "api/machinery/quantity.h"
#include "api/schema/schema.h"
#include "api/status.h"

#include <errno.h>
#include <fnmatch.h>

static const struct kt_option PLAIN_OPTIONS[] = {KT_SET_OPTIONS};

static const struct kt_option RESOURCES_OPTIONS[] = {
        KT_SET_CONTAINERS,
        {.name = "limits",
                .type = KT_OPTION_STRING,
                .value_name = "cpu=1,memory=1Gi",
                .help = "what a container may use"},
        {.name = "requests",
                .type = KT_OPTION_STRING,
                .value_name = "cpu=1,memory=1Gi",
                .help = "what a container is given at least"},
        KT_SET_OPTIONS,
};

json_t *kt_set_pod_spec(const json_t *object)
{
	static const char *const PATHS[] = {
	        "spec.template.spec", "spec.jobTemplate.spec.template.spec"};

	for (size_t i = 0; i < KT_ARRAY_SIZE(PATHS); i++)
		if (kt_jget(object, PATHS[i]))
			return kt_jget(object, PATHS[i]);
	return kt_jget(object, "spec.containers") ? json_object_get(object, "spec") : NULL;
}

/* Sends what differs. */
int kt_set_one(
        struct kt_command_context *ctx, struct kt_target *target, void *arg, struct kt_err *err)
{
	kt_auto_free char *name = kt_asprintf("%s/%s", target->resource->plural, target->name),
	                  *object = kt_asprintf("%s/%s", target->resource->kind, target->name);
	struct kt_set_change *change = arg;
	kt_auto_json json_t *after = json_deep_copy(target->live);
	const struct kt_kind *kind = kt_builtin_kind(
	        target->resource->group, target->resource->version, target->resource->kind);
	json_t *changed = change->whole ? after : kt_set_pod_spec(after);

	if (!changed)
		return kt_fail(err, EINVAL,
		        "error: %s/%s the object is not a pod or does not have a pod template: "
		        "*%s.%s\n",
		        kt_opt_bool(ctx, "local") ? target->resource->singular
		                                  : target->resource->plural,
		        target->name, target->resource->version, target->resource->kind);
	change->target = name;
	change->object = object;
	if (change->apply(ctx, changed, change, err) < 0)
		return err->code;
	if (json_equal(target->live, after) && !kt_opt_bool(ctx, "local"))
		return 0;
	if (kt_is_dry_run_client(ctx))
		return kt_print_result(ctx, target->resource, after, change->done, err);
	kt_auto_json json_t *patch =
	        kind ? kt_diff_three_way(target->live, after, target->live, kind->type, err)
	             : kt_diff_merge(target->live, after);

	if (!patch)
		return err->code;
	kt_auto_free char *path = kt_target_path(target, NULL);
	kt_auto_free char *query = kt_write_query(ctx);
	kt_auto_free char *full = kt_asprintf("%s%s", path, query);
	kt_auto_json json_t *answer = kt_session_request(ctx, "PATCH", full,
	        kind ? "application/strategic-merge-patch+json" : "application/merge-patch+json",
	        patch, err);

	if (answer)
		return kt_print_result(ctx, target->resource, answer, change->done, err);
	if (!change->failure || err->reason == KT_REASON_CONFLICT)
		return err->code;
	kt_auto_err why = KT_ERR_INIT;

	kt_err_move(&why, err);
	return kt_fail(err, EIO, "%s %s", change->failure, kt_err_message(&why));
}

bool kt_set_is_assignment(const char *word)
{
	return strchr(word, '=') || (strlen(word) > 1 && kt_ends_with(word, "-"));
}

/* The words that are no objects stand behind them; what the objects are is in front. */
int kt_set_run(struct kt_command_context *ctx, struct kt_set_change change, kt_target_fn *fn)
{
	int all = ctx->argc, first = all;

	while (first > 0 && kt_set_is_assignment(ctx->argv[first - 1]))
		first--;
	change.words = &ctx->argv[first];
	change.n_words = all - first;
	ctx->argc = first;
	int code = kt_targets_run(
	        ctx, KT_TARGET_FILES | KT_TARGET_NEED_NAME | KT_TARGET_LIVE, fn, &change);

	ctx->argc = all;
	return code;
}

/* Image */

static const char *const LISTS[] = {"initContainers", "containers"};

static bool set_image_of(json_t *spec, const char *name, const char *image)
{
	bool found = false;
	json_t *container;
	size_t i;

	for (size_t list = 0; list < KT_ARRAY_SIZE(LISTS); list++) {
		json_array_foreach(json_object_get(spec, LISTS[list]), i, container) {
			if (strcmp(name, "*") != 0 && !kt_streq(kt_jstr(container, "name"), name))
				continue;
			json_object_set_new(container, "image", json_string(image));
			found = true;
		}
	}
	return found;
}

static int apply_images(struct kt_command_context *ctx, json_t *spec,
        const struct kt_set_change *change, struct kt_err *err)
{
	(void)ctx;
	for (int i = 0; i < change->n_words; i++) {
		const char *equals = strchr(change->words[i], '=');

		if (!equals || equals == change->words[i])
			return kt_fail(err, EINVAL,
			        "invalid image specification %s, expected "
			        "CONTAINER=IMAGE",
			        change->words[i]);
		kt_auto_free char *name =
		        kt_strndup(change->words[i], (size_t)(equals - change->words[i]));

		if (!set_image_of(spec, name, equals + 1))
			return kt_fail(err, ENOENT, "unable to find container named \"%s\"", name);
	}
	return 0;
}

static int run_image(struct kt_command_context *ctx)
{
	if (ctx->argc && !kt_set_is_assignment(ctx->argv[ctx->argc - 1]) && ctx->argc < 3)
		return kt_command_fail(ctx, NULL, "at least one image update is required");
	return kt_set_run(ctx,
	        (struct kt_set_change){.apply = apply_images,
	                .done = "image updated",
	                .failure = "failed to patch image update to pod template:"},
	        kt_set_one);
}

/* Resources and service account */

bool kt_set_is_meant(const struct kt_command_context *ctx, const json_t *container)
{
	const char *name = kt_jstr(container, "name");

	return fnmatch(kt_opt_string(ctx, "containers"), name ? name : "", 0) == 0;
}

/* "cpu=1,memory=1Gi". New reference, NULL with err. */
static json_t *amounts_of(const char *text, struct kt_err *err)
{
	struct kt_sv rest = kt_sv_of(text ? text : ""), part;
	json_t *amounts = json_object();

	while (rest.len && kt_sv_split(&rest, ',', &part)) {
		kt_auto_free char *name = kt_sv_dup(part);
		char *equals = strchr(name, '=');
		struct kt_quantity amount;
		kt_auto_err ignored = KT_ERR_INIT;

		if (!equals)
			kt_fail(err, EINVAL,
			        "Invalid argument syntax %s, expected <resource>=<value>", name);
		else if (kt_quantity_parse(kt_sv_of(equals + 1), &amount, &ignored) < 0)
			kt_fail(err, EINVAL,
			        "quantities must match the regular expression "
			        "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
		if (err->code) {
			json_decref(amounts);
			return NULL;
		}
		*equals = '\0';
		json_object_set_new(amounts, name, json_string(equals + 1));
	}
	return amounts;
}

static int give_resources(struct kt_command_context *ctx, json_t *container, struct kt_err *err)
{
	static const char *const SIDES[] = {"limits", "requests"};

	if (!json_object_get(container, "resources"))
		json_object_set_new(container, "resources", json_object());
	json_t *resources = json_object_get(container, "resources");

	for (size_t side = 0; side < KT_ARRAY_SIZE(SIDES); side++) {
		kt_auto_json json_t *amounts = amounts_of(kt_opt_string(ctx, SIDES[side]), err);

		if (!amounts)
			return err->code;
		if (!json_object_size(amounts))
			continue;
		if (!json_object_get(resources, SIDES[side]))
			json_object_set_new(resources, SIDES[side], json_object());
		json_object_update(json_object_get(resources, SIDES[side]), amounts);
	}
	return 0;
}

static int apply_resources(struct kt_command_context *ctx, json_t *spec,
        const struct kt_set_change *change, struct kt_err *err)
{
	json_t *container;
	bool any = false;
	size_t i;

	(void)change;
	for (size_t list = 0; list < KT_ARRAY_SIZE(LISTS); list++) {
		json_array_foreach(json_object_get(spec, LISTS[list]), i, container) {
			if (!kt_set_is_meant(ctx, container))
				continue;
			any = true;
			if (give_resources(ctx, container, err) < 0)
				return err->code;
		}
	}
	return any ? 0
	           : kt_fail(err, ENOENT, "unable to find container named %s",
	                     kt_opt_string(ctx, "containers"));
}

static int run_resources(struct kt_command_context *ctx)
{
	if (!kt_opt_string(ctx, "limits") && !kt_opt_string(ctx, "requests"))
		return kt_command_fail(ctx, NULL,
		        "you must specify an update to requests or limits (in the form of "
		        "--requests/--limits)");
	return kt_set_run(ctx,
	        (struct kt_set_change){.apply = apply_resources,
	                .done = "resource requirements updated",
	                .failure = "failed to patch resources update to pod template"},
	        kt_set_one);
}

static int apply_account(struct kt_command_context *ctx, json_t *spec,
        const struct kt_set_change *change, struct kt_err *err)
{
	(void)ctx;
	(void)err;
	json_object_set_new(spec, "serviceAccountName", json_string(change->words[0]));
	return 0;
}

/* The account is the last word. */
static int run_account(struct kt_command_context *ctx)
{
	if (!ctx->argc)
		return kt_command_fail(ctx, NULL, "serviceaccount is required");
	struct kt_set_change change = {.apply = apply_account,
	        .done = "serviceaccount updated",
	        .failure = "failed to patch ServiceAccountName",
	        .words = &ctx->argv[ctx->argc - 1],
	        .n_words = 1};

	ctx->argc--;
	int code = kt_targets_run(
	        ctx, KT_TARGET_FILES | KT_TARGET_NEED_NAME | KT_TARGET_LIVE, kt_set_one, &change);

	ctx->argc++;
	return code;
}

static const enum kt_completion OBJECTS[] = {KT_COMPLETE_RESOURCE_OR_NAME, KT_COMPLETE_NONE};

#define SUBCOMMAND(word, text, how, opts) \
	static const struct kt_command set_##word = { \
	        .name = #word, \
	        .group = "Change", \
	        .usage = "set " how, \
	        .summary = text, \
	        .options = opts, \
	        .arguments = OBJECTS, \
	        .needs_client = true, \
	        .prints_typed = true, \
	        .run = run_##word, \
	};

SUBCOMMAND(
        image, "Give containers another image", "image TYPE NAME CONTAINER=IMAGE…", PLAIN_OPTIONS)
SUBCOMMAND(resources, "Set what containers may use and are given",
        "resources TYPE NAME [--limits=cpu=1,memory=1Gi] [--requests=…]", RESOURCES_OPTIONS)

static const struct kt_command set_account = {
        .name = "serviceaccount",
        .aliases = (const char *const[]){"sa", NULL},
        .group = "Change",
        .usage = "set serviceaccount TYPE NAME ACCOUNT",
        .summary = "Give pods another service account",
        .options = PLAIN_OPTIONS,
        .arguments = OBJECTS,
        .prints_typed = true,
        .needs_client = true,
        .run = run_account,
};

const struct kt_command kt_command_set = {
        .name = "set",
        .group = "Change",
        .usage = "set (env|image|resources|selector|serviceaccount|subject) TYPE NAME …",
        .summary = "Set a field of workloads",
        .help = "Examples:\n"
                "  kube-tui set image deploy/web nginx=nginx:1.29\n"
                "  kube-tui set env deploy/web COLOR=blue DEBUG-\n"
                "  kube-tui set resources deploy/web --limits=cpu=1,memory=512Mi",
        .subcommands =
                (const struct kt_command *const[]){&kt_command_set_env, &set_image, &set_resources,
                        &kt_command_set_selector, &set_account, &kt_command_set_subject, NULL},
};
