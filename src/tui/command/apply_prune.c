/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/command/apply_prune.h"

#include "tui/command/apply_last.h"
#include "tui/command/options.h"
#include "tui/command/output.h"

#include <errno.h>

/* What kubectl looks at without --prune-allowlist, in its order. */
static const char *const DEFAULT_KINDS[] = {"core/v1/ConfigMap", "core/v1/Endpoints",
        "core/v1/Namespace", "core/v1/PersistentVolumeClaim", "core/v1/PersistentVolume",
        "core/v1/Pod", "core/v1/ReplicationController", "core/v1/Secret", "core/v1/Service",
        "batch/v1/Job", "batch/v1/CronJob", "networking.k8s.io/v1/Ingress", "apps/v1/DaemonSet",
        "apps/v1/Deployment", "apps/v1/ReplicaSet", "apps/v1/StatefulSet"};

struct prune {
	struct kt_command_context *ctx;
	const struct kt_applied *applied;
	const char *const *kinds; /* group/version/kind */
	size_t n_kinds;
};

static int check_kind(const char *text, struct kt_err *err)
{
	const char *first = strchr(text, '/'), *second = first ? strchr(first + 1, '/') : NULL;

	return second && !strchr(second + 1, '/')
	               ? 0
	               : kt_fail(err, EINVAL,
	                         "invalid GroupVersionKind format: %s, please follow "
	                         "<group/version/kind>",
	                         text);
}

int kt_prune_check(const struct kt_command_context *ctx, struct kt_err *err)
{
	const char *selector = kt_opt_string(ctx, "selector");
	const struct kt_strings *kinds = kt_opt_strings(ctx, "prune-allowlist");

	if (!kt_opt_bool(ctx, "prune"))
		return 0;
	if (kt_opt_bool(ctx, "all") && selector && *selector)
		return kt_fail(err, EINVAL, "cannot set --all and --selector at the same time");
	if (!kt_opt_bool(ctx, "all") && (!selector || !*selector))
		return kt_fail(err, EINVAL,
		        "all resources selected for prune without explicitly passing --all. To "
		        "prune all resources, pass the --all flag. If you did not mean to prune "
		        "all resources, specify a label selector");
	if (kt_opt_bool(ctx, "server-side"))
		return kt_fail(err, EINVAL,
		        "--prune is in alpha and doesn't currently work on objects created by "
		        "server-side apply");
	for (size_t i = 0; i < kinds->n; i++)
		if (check_kind(kinds->items[i], err) < 0)
			return err->code;
	return kt_check_cascade(ctx, err);
}

json_t *kt_delete_options(const struct kt_command_context *ctx)
{
	json_t *options = json_pack("{s:s, s:s, s:s}", "kind", "DeleteOptions", "apiVersion", "v1",
	        "propagationPolicy", kt_propagation(kt_opt_string(ctx, "cascade")));
	int64_t grace = kt_opt_int(ctx, "grace-period");

	if (grace >= 0)
		json_object_set_new(options, "gracePeriodSeconds", json_integer(grace));
	if (kt_streq(kt_opt_string(ctx, "dry-run"), "server"))
		json_object_set_new(options, "dryRun", json_pack("[s]", "All"));
	return options;
}

static const struct kt_resource *resource_of(
        const struct prune *prune, const char *kind, struct kt_err *err)
{
	const char *slash = strrchr(kind, '/');
	kt_auto_free char *api_version = kt_strndup(kind, (size_t)(slash - kind));
	const char *plain =
	        kt_starts_with(api_version, "core/") ? api_version + strlen("core/") : api_version;

	return kt_session_resource_of_kind(prune->ctx->session, plain, slash + 1, err);
}

static bool was_applied(const struct prune *prune, const json_t *object)
{
	const char *uid = kt_jstr(object, "metadata.uid");

	return json_object_get(kt_jget(object, "metadata.annotations"), KT_LAST_APPLIED) && uid &&
	       !json_object_get(prune->applied->uids, uid) &&
	       !kt_jstr(object, "metadata.deletionTimestamp");
}

static int prune_object(const struct prune *prune, const struct kt_resource *resource,
        const json_t *object, struct kt_err *err)
{
	struct kt_command_context *ctx = prune->ctx;
	kt_auto_free char *path = kt_resource_path(resource, kt_jstr(object, "metadata.namespace"),
	        kt_jstr(object, "metadata.name"), NULL);
	kt_auto_json json_t *options = kt_delete_options(ctx);

	if (!kt_is_dry_run_client(ctx)) {
		kt_auto_json json_t *answer =
		        kt_session_request(ctx, "DELETE", path, NULL, options, err);

		if (!answer && err->code != -ENOENT)
			return err->code;
		kt_err_clear(err);
	}
	return kt_print_result(ctx, resource, object, "pruned", err);
}

static int prune_collection(const struct prune *prune, const struct kt_resource *resource,
        const char *namespace, struct kt_err *err)
{
	kt_auto_free char *path = kt_resource_path(resource, namespace, NULL, NULL),
	                  *query = kt_targets_query(prune->ctx);
	kt_auto_free char *full = kt_asprintf("%s%s%s", path, *query ? "?" : "", query);
	kt_auto_free char *api_version = kt_resource_api_version(resource);
	kt_auto_json json_t *list = kt_session_get(prune->ctx, full, NULL, err);
	json_t *object;
	size_t i;

	if (!list)
		return err->code;
	json_array_foreach(json_object_get(list, "items"), i, object) {
		/* items of a list come without them */
		json_object_set_new(object, "apiVersion", json_string(api_version));
		json_object_set_new(object, "kind", json_string(resource->kind));
		if (was_applied(prune, object) && prune_object(prune, resource, object, err) < 0)
			return err->code;
	}
	return 0;
}

/* Of kinds with a namespace in this one, or, without one, of the others. */
static int prune_namespace(const struct prune *prune, const char *namespace, struct kt_err *err)
{
	for (size_t i = 0; i < prune->n_kinds; i++) {
		const struct kt_resource *resource = resource_of(prune, prune->kinds[i], err);

		if (!resource && err->code)
			return err->code;
		if (!resource)
			return kt_fail(err, ENOENT, "no matches for kind %s", prune->kinds[i]);
		if (resource->namespaced == (namespace != NULL) &&
		        prune_collection(prune, resource, namespace, err) < 0)
			return err->code;
	}
	return 0;
}

int kt_prune(struct kt_command_context *ctx, const struct kt_applied *applied)
{
	const struct kt_strings *given = kt_opt_strings(ctx, "prune-allowlist");
	struct prune prune = {.ctx = ctx,
	        .applied = applied,
	        .kinds = given->n ? (const char *const *)given->items : DEFAULT_KINDS,
	        .n_kinds = given->n ? given->n : KT_ARRAY_SIZE(DEFAULT_KINDS)};
	kt_auto_err err = KT_ERR_INIT;
	const char *namespace;
	json_t *yes;

	json_object_foreach(applied->namespaces, namespace, yes)
		if (prune_namespace(&prune, namespace, &err) < 0)
			return kt_command_fail(ctx, &err, "error pruning namespaced object");
	if (prune_namespace(&prune, NULL, &err) < 0)
		return kt_command_fail(ctx, &err, "error pruning nonNamespaced object");
	return KT_EXIT_OK;
}
