/* SPDX-License-Identifier: GPL-3.0-or-later */
/* apply: makes the cluster's objects look like the manifests, client-side (three-way patch) or
 * server-side. */
#include "tui/command/apply_last.h"
#include "tui/command/apply_prune.h"
#include "tui/command/apply_server.h"
#include "tui/command/options.h"
#include "tui/command/output.h"
#include "tui/command/wait.h"

#include "api/machinery/patch.h"
#include "api/schema/schema.h"
#include "api/status.h"

#include <errno.h>

static const struct kt_option OPTIONS[] = {
        KT_OPTION_FILENAME,
        KT_OPTION_RECURSIVE,
        KT_OPTION_SELECTOR,
        KT_OPTION_OUTPUT,
        KT_OPTION_DRY_RUN,
        KT_OPTION_VALIDATE,
        {.name = "field-manager",
                .type = KT_OPTION_STRING,
                .value_name = "NAME",
                .fallback = KT_CLIENT_SIDE_MANAGER,
                .help = "the manager that owns the fields written "
                        "(server-side: " KT_SERVER_SIDE_MANAGER ")"},
        {.name = "server-side",
                .type = KT_OPTION_BOOL,
                .help = "the server merges and remembers who owns which field"},
        {.name = "force-conflicts",
                .type = KT_OPTION_BOOL,
                .help = "server-side: take fields that others own"},
        {.name = "overwrite",
                .type = KT_OPTION_BOOL,
                .fallback = "true",
                .help = "change what differs in the cluster"},
        {.name = "force",
                .type = KT_OPTION_BOOL,
                .help = "delete and create again what cannot be patched"},
        {.name = "prune",
                .type = KT_OPTION_BOOL,
                .help = "delete what was applied earlier and is in the manifests no more"},
        {.name = "prune-allowlist",
                .type = KT_OPTION_STRINGS,
                .value_name = "GROUP/VERSION/KIND",
                .help = "--prune: only objects of these kinds"},
        {.name = "all", .type = KT_OPTION_BOOL, .help = "--prune: without a selector"},
        KT_OPTION_CASCADE,
        KT_OPTION_GRACE_PERIOD,
        KT_OPTION_TIMEOUT("0s", "--force: how long to wait until it is gone"),
        {.name = "wait", .type = KT_OPTION_BOOL, .help = "as kubectl has it; it always waits"},
        {.name = "openapi-patch",
                .type = KT_OPTION_BOOL,
                .fallback = "true",
                .help = "as kubectl has it"},
        {.name = "subresource",
                .type = KT_OPTION_STRING,
                .value_name = "NAME",
                .help = "server-side: status or scale instead of the object"},
        KT_OPTION_END,
};

static int check_options(const struct kt_command_context *ctx, struct kt_err *err)
{
	if (kt_opt_bool(ctx, "force-conflicts") && !kt_opt_bool(ctx, "server-side"))
		return kt_fail(err, EINVAL, "--force-conflicts only works with --server-side");
	if (kt_is_dry_run_client(ctx) && kt_opt_bool(ctx, "server-side"))
		return kt_fail(err, EINVAL,
		        "--dry-run=client doesn't work with --server-side (did you mean "
		        "--dry-run=server instead?)");
	if (kt_opt_bool(ctx, "force") && kt_opt_bool(ctx, "server-side"))
		return kt_fail(err, EINVAL, "--force cannot be used with --server-side");
	if (kt_opt_bool(ctx, "force") && kt_streq(kt_opt_string(ctx, "dry-run"), "server"))
		return kt_fail(err, EINVAL, "--dry-run=server cannot be used with --force");
	if (kt_opt_given(ctx, "subresource") && !kt_opt_bool(ctx, "server-side"))
		return kt_fail(
		        err, EINVAL, "--subresource can only be specified for --server-side");
	if (kt_prune_check(ctx, err) < 0)
		return err->code;
	if (!kt_opt_strings(ctx, "filename")->n)
		return kt_fail(err, EINVAL, "must specify one of -f and -k");
	return kt_check_write_options(ctx, err);
}

/* -o prints what came of all objects at once: one of them as it is, several as a List. done keeps
 * it; without -o, and for -o name, it is said at once. */
static int done(struct kt_command_context *ctx, const struct kt_target *target,
        struct kt_applied *applied, const json_t *object, const char *what, struct kt_err *err)
{
	const char *output = kt_opt_string(ctx, "output"), *uid = kt_jstr(object, "metadata.uid");

	if (uid)
		json_object_set_new(applied->uids, uid, json_true());
	if (target->namespace)
		json_object_set_new(applied->namespaces, target->namespace, json_true());
	if (!output || !strcmp(output, "name"))
		return kt_print_result(ctx, target->resource, object, what, err);
	json_array_append(applied->results, (json_t *)(uintptr_t)object);
	return 0;
}

static int print_results(struct kt_command_context *ctx, const json_t *results, struct kt_err *err)
{
	kt_auto_json json_t *list = json_array_size(results) == 1
	                                    ? json_incref(json_array_get(results, 0))
	                                    : json_pack("{s:s, s:O, s:s, s:{}}", "apiVersion", "v1",
	                                              "items", results, "kind", "List", "metadata");
	struct kt_printer *printer;

	if (kt_printer_create(ctx, false, false, &printer, err) < 0)
		return err->code;
	int r = kt_printer_object(printer, NULL, list, err);

	kt_printer_destroy(printer);
	return r;
}

static int apply_server_side(struct kt_command_context *ctx, const struct kt_target *target,
        struct kt_applied *applied, struct kt_err *err)
{
	kt_auto_json json_t *answer = kt_apply_server_side(ctx, target, err);

	return answer ? done(ctx, target, applied, answer, "serverside-applied", err) : err->code;
}

/* Client-side */

static const struct kt_type *merge_type(const struct kt_resource *resource)
{
	const struct kt_kind *kind =
	        kt_builtin_kind(resource->group, resource->version, resource->kind);

	return kind ? kind->type : NULL;
}

/* The annotation's text as a tree; NULL when there is none or it is no JSON. */
static json_t *last_applied(const json_t *live)
{
	const char *text = json_string_value(
	        json_object_get(kt_jget(live, "metadata.annotations"), KT_LAST_APPLIED));

	return text ? kt_json_parse(kt_sv_of(text), NULL, NULL) : NULL;
}

static int create_new(struct kt_command_context *ctx, const struct kt_target *target,
        const json_t *whole, struct kt_applied *applied, struct kt_err *err)
{
	kt_auto_free char *path = kt_resource_path(target->resource, target->namespace, NULL, NULL);
	kt_auto_free char *query = kt_write_query(ctx);
	kt_auto_free char *full = kt_asprintf("%s%s", path, query);

	if (kt_is_dry_run_client(ctx))
		return done(ctx, target, applied, whole, "created", err);
	kt_auto_json json_t *answer = kt_session_request(ctx, "POST", full, NULL, whole, err);

	if (!answer)
		return kt_wrap(err, "error when creating \"%s\"", target->source);
	return done(ctx, target, applied, answer, "created", err);
}

/* --force: what cannot be patched goes and comes again. */
static int make_again(struct kt_command_context *ctx, const struct kt_target *target,
        const json_t *whole, const json_t *live, struct kt_applied *applied, struct kt_err *err)
{
	kt_auto_free char *path = kt_target_path(target, NULL);
	kt_auto_json json_t *options = kt_delete_options(ctx);
	struct kt_target old = *target;
	const struct kt_targets one = {.items = &old, .n = 1};

	kt_err_clear(err);
	kt_auto_json json_t *gone = kt_session_request(ctx, "DELETE", path, NULL, options, err);

	if (!gone && err->code != -ENOENT)
		return err->code;
	kt_err_clear(err);
	old.live = (json_t *)(uintptr_t)live;
	if (kt_wait_deleted(ctx, &one, kt_opt_int(ctx, "timeout")) != KT_EXIT_OK)
		return kt_fail(err, ETIMEDOUT, "%s is still there", target->name);
	kt_auto_free char *collection =
	        kt_resource_path(target->resource, target->namespace, NULL, NULL);
	kt_auto_free char *query = kt_write_query(ctx);
	kt_auto_free char *full = kt_asprintf("%s%s", collection, query);
	kt_auto_json json_t *answer = kt_session_request(ctx, "POST", full, NULL, whole, err);

	return answer ? done(ctx, target, applied, answer, "configured", err) : err->code;
}

/* Sends the patch; NULL with err. New reference. */
static json_t *send_patch(struct kt_command_context *ctx, const struct kt_target *target,
        const json_t *patch, const char *query, struct kt_err *err)
{
	kt_auto_free char *path = kt_target_path(target, NULL);
	kt_auto_free char *full = kt_asprintf("%s%s", path, query);

	return kt_session_request(ctx, "PATCH", full,
	        merge_type(target->resource) ? "application/strategic-merge-patch+json"
	                                     : "application/merge-patch+json",
	        patch, err);
}

static json_t *patch_for(
        const struct kt_target *target, const json_t *whole, const json_t *live, struct kt_err *err)
{
	kt_auto_json json_t *before = last_applied(live);

	return kt_diff_three_way(before, whole, live, merge_type(target->resource), err);
}

json_t *kt_apply_try(struct kt_command_context *ctx, const struct kt_target *target,
        const json_t *live, struct kt_err *err)
{
	kt_auto_free char *path = kt_resource_path(target->resource, target->namespace, NULL, NULL);
	kt_auto_str query = KT_STR_INIT;

	kt_str_puts(&query, "?dryRun=All&fieldValidation=Warn&fieldManager=");
	kt_url_escape(&query, kt_opt_string(ctx, "field-manager"));
	if (!live) {
		kt_auto_free char *full = kt_asprintf("%s%s", path, kt_str_text(&query));

		return kt_session_request(ctx, "POST", full, NULL, target->object, err);
	}
	/* the annotation is kept out of the comparison, as kubectl diff does */
	kt_auto_json json_t *whole = kt_with_last_applied(ctx, target->object, target->namespace);

	json_object_del(kt_jget(whole, "metadata.annotations"), KT_LAST_APPLIED);
	kt_auto_json json_t *patch = patch_for(target, whole, live, err);

	if (!patch)
		return NULL;
	return json_object_size(patch) ? send_patch(ctx, target, patch, kt_str_text(&query), err)
	                               : json_deep_copy(live);
}

static int patch_live(struct kt_command_context *ctx, const struct kt_target *target,
        const json_t *whole, const json_t *live, struct kt_applied *applied, struct kt_err *err)
{
	kt_auto_json json_t *patch = patch_for(target, whole, live, err);

	if (!patch)
		return err->code;
	if (kt_is_dry_run_client(ctx))
		return done(ctx, target, applied, live, "configured", err);
	if (json_object_size(patch) == 0)
		return done(ctx, target, applied, live, "unchanged", err);
	kt_auto_free char *query = kt_write_query(ctx);
	kt_auto_json json_t *answer = send_patch(ctx, target, patch, query, err);

	if (!answer && kt_opt_bool(ctx, "force") && (err->status == 409 || err->status == 422))
		return make_again(ctx, target, whole, live, applied, err);
	if (!answer)
		return kt_wrap(err, "error when applying patch to \"%s\"", target->source);
	return done(ctx, target, applied, answer, "configured", err);
}

static int apply_client_side(struct kt_command_context *ctx, const struct kt_target *target,
        struct kt_applied *applied, struct kt_err *err)
{
	kt_auto_json json_t *whole = kt_with_last_applied(ctx, target->object, target->namespace);
	kt_auto_free char *path = kt_target_path(target, NULL);
	kt_auto_json json_t *live = kt_session_get(ctx, path, NULL, err);

	if (!live && err->code != -ENOENT)
		return err->code;
	if (!live) {
		kt_err_clear(err);
		return create_new(ctx, target, whole, applied, err);
	}
	if (!json_object_get(kt_jget(live, "metadata.annotations"), KT_LAST_APPLIED)) {
		fprintf(ctx->err,
		        "Warning: resource %s/%s is missing the " KT_LAST_APPLIED
		        " annotation which is required by kube-tui apply. kube-tui apply should "
		        "only "
		        "be used on resources created declaratively by either kube-tui create "
		        "--save-config or kube-tui apply. The missing annotation will be patched "
		        "automatically.\n",
		        target->resource->plural, target->name);
	}
	return patch_live(ctx, target, whole, live, applied, err);
}

static int apply_one(
        struct kt_command_context *ctx, struct kt_target *target, void *arg, struct kt_err *err)
{
	if (!target->name)
		return kt_fail(err, EINVAL, "from %s: cannot use generate name with apply",
		        kt_jstr(target->object, "metadata.generateName")
		                ? kt_jstr(target->object, "metadata.generateName")
		                : target->source);
	return kt_opt_bool(ctx, "server-side") ? apply_server_side(ctx, target, arg, err)
	                                       : apply_client_side(ctx, target, arg, err);
}

static int run(struct kt_command_context *ctx)
{
	kt_auto_err err = KT_ERR_INIT;

	if (check_options(ctx, &err) < 0)
		return kt_command_fail(ctx, &err, NULL);
	kt_auto_json json_t *results = json_array(), *uids = json_object(),
	                    *namespaces = json_object();
	struct kt_applied applied = {results, uids, namespaces};
	int code = kt_targets_run(ctx, KT_TARGET_FILES, apply_one, &applied);

	if (code == KT_EXIT_OK && json_array_size(results) && print_results(ctx, results, &err) < 0)
		return kt_command_fail(ctx, &err, NULL);
	return code == KT_EXIT_OK && kt_opt_bool(ctx, "prune") ? kt_prune(ctx, &applied) : code;
}

const struct kt_command kt_command_apply = {
        .name = "apply",
        .group = "Change",
        .usage = "apply -f FILE [--server-side] [--dry-run=server]",
        .summary = "Make objects look like their manifests",
        .help = "Examples:\n"
                "  kube-tui apply -f app.yaml\n"
                "  kube-tui apply -f k8s/ -R --server-side\n"
                "  cat app.yaml | kube-tui apply -f -",
        .options = OPTIONS,
        .subcommands = (const struct kt_command *const[]){&kt_command_edit_last_applied,
                &kt_command_set_last_applied, &kt_command_view_last_applied, NULL},
        .needs_client = true,
        .run = run,
};
