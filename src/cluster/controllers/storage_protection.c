/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A claim that a pod uses, and a volume that a claim is bound to, are not removed before their use
 * ends: the finalizers go when it has. */
#include "api/status.h"
#include "base/log.h"
#include "base/mem.h"
#include "cluster/controllers/meta.h"
#include "cluster/controllers/table.h"

#define CLAIM_FINALIZER "kubernetes.io/pvc-protection"
#define VOLUME_FINALIZER "kubernetes.io/pv-protection"

struct protection_controller {
	struct kt_reconciler *reconciler;
	struct kt_informer *claims, *volumes, *pods;
};

/* A pod without a node does not use it yet, and gets none while the claim goes; waiting for such a
 * pod would never end. */
static bool claim_is_used(const struct protection_controller *own, const struct kt_object *claim)
{
	kt_auto_objects pods = {0};

	kt_collect_users_of_claim(own->pods, claim, &pods);
	for (size_t i = 0; i < pods.n; i++)
		if (kt_pod_node(pods.items[i]).len &&
		        !kt_pod_phase_is(pods.items[i], "Succeeded") &&
		        !kt_pod_phase_is(pods.items[i], "Failed"))
			return true;
	return false;
}

static void remove_finalizer(struct kt_pass *pass, struct kt_informer *informer,
        const struct kt_object *object, const char *finalizer, const char *path)
{
	struct kt_sv version = kt_object_span(object, object->resource_version);
	kt_auto_json json_t *body = json_pack("{s:{s:s%,s:o}}", "metadata", "resourceVersion",
	        version.p, version.len, "finalizers", kt_finalizers_without(object, finalizer));

	kt_pass_send(pass,
	        &(struct kt_pass_write){.method = "PATCH",
	                .content_type = KT_PATCH_MERGE,
	                .body = body,
	                .informer = informer},
	        "%s", path);
}

/* Keys: "namespace/claim", or a volume's name. */
static void reconcile(void *arg, struct kt_pass *pass, const char *key)
{
	struct protection_controller *own = arg;
	bool is_claim = strchr(key, '/') != NULL;
	struct kt_object *object = kt_pass_object(pass, is_claim ? own->claims : own->volumes);
	kt_auto_free char *path = NULL;

	if (!object || !kt_is_deleting(object))
		return;
	if (is_claim && kt_has_finalizer(object, CLAIM_FINALIZER) && !claim_is_used(own, object)) {
		path = kt_asprintf("/api/v1/namespaces/%.*s/persistentvolumeclaims/%.*s",
		        KT_SVP(kt_object_namespace(object)), KT_SVP(kt_object_name(object)));
		remove_finalizer(pass, own->claims, object, CLAIM_FINALIZER, path);
	} else if (!is_claim && kt_has_finalizer(object, VOLUME_FINALIZER) &&
	           !kt_json_string_is(kt_field_of(object, "status", "phase"), "Bound")) {
		path = kt_asprintf(
		        "/api/v1/persistentvolumes/%.*s", KT_SVP(kt_object_name(object)));
		remove_finalizer(pass, own->volumes, object, VOLUME_FINALIZER, path);
	}
}

static void object_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct protection_controller *own = arg;

	(void)old_object;
	if (new_object && kt_is_deleting(new_object))
		kt_reconciler_add_object(own->reconciler, new_object);
}

static void add_key(void *ctx, struct kt_sv key)
{
	struct protection_controller *own = ctx;
	kt_auto_free char *text = kt_sv_dup(key);

	kt_reconciler_add(own->reconciler, text);
}

/* A pod that ends or goes uses its claims no more. */
static void pod_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	if (old_object && (!new_object || kt_pod_phase_is(new_object, "Succeeded") ||
	                          kt_pod_phase_is(new_object, "Failed")))
		kt_index_by_claim(old_object, add_key, arg);
}

static void *create(struct kt_controllers *controllers)
{
	struct protection_controller *own = kt_new(struct protection_controller);

	own->reconciler =
	        kt_reconciler_create(&(struct kt_reconciler_options){.controllers = controllers,
	                .name = "persistentvolumeclaim-protection-controller",
	                .reconcile = reconcile,
	                .arg = own});
	own->claims = kt_controllers_informer(controllers, "/api/v1/persistentvolumeclaims");
	own->volumes = kt_controllers_informer(controllers, "/api/v1/persistentvolumes");
	own->pods = kt_controllers_informer(controllers, "/api/v1/pods");
	kt_controllers_index(controllers, "/api/v1/pods", "claim", kt_index_by_claim);
	kt_informer_add_handler(own->claims,
	        &(struct kt_informer_handler){.on_change = object_changed, .arg = own});
	kt_informer_add_handler(own->volumes,
	        &(struct kt_informer_handler){.on_change = object_changed, .arg = own});
	kt_informer_add_handler(
	        own->pods, &(struct kt_informer_handler){.on_change = pod_changed, .arg = own});
	return own;
}

static void destroy(void *controller)
{
	struct protection_controller *own = controller;

	kt_reconciler_destroy(own->reconciler);
	free(own);
}

const struct kt_controller kt_controller_storage_protection = {
        "storage-protection-controller", create, destroy};
