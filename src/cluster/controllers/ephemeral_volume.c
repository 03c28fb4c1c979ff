/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Generic ephemeral volumes: the claim POD-VOLUME of each, owned by its pod (KEP-1698). */
#include "api/status.h"
#include "base/log.h"
#include "base/mem.h"
#include "cluster/controllers/meta.h"
#include "cluster/controllers/table.h"

struct ephemeral_controller {
	struct kt_reconciler *reconciler;
	struct kt_informer *pods, *claims;
};

static void make_claim(struct ephemeral_controller *own, struct kt_pass *pass,
        struct kt_object *pod, struct kt_sv volume, struct kt_json_at at)
{
	struct kt_sv namespace = kt_object_namespace(pod);
	kt_auto_free char *name =
	        kt_asprintf("%.*s-%.*s", KT_SVP(kt_object_name(pod)), KT_SVP(volume));
	struct kt_object *have = kt_informer_get(own->claims, namespace, kt_sv_of(name));
	kt_auto_json json_t *template = NULL, *body = NULL;
	static const char *const kept[] = {"labels", "annotations"};
	struct kt_owner owner;
	json_t *metadata;

	if (have &&
	        (!kt_controller_owner(have, &owner) || !kt_sv_eq(owner.uid, kt_object_uid(pod)))) {
		kt_reconciler_event(own->reconciler, pod, "Warning", "FailedCreate",
		        "PVC %.*s/%s was not created for pod %.*s/%.*s (pod is not owner)",
		        KT_SVP(namespace), name, KT_SVP(namespace), KT_SVP(kt_object_name(pod)));
		kt_pass_fail(pass);
	}
	if (have)
		return;
	template = kt_json_tree(at);
	metadata = json_pack("{s:s,s:s%,s:[o]}", "name", name, "namespace", namespace.p,
	        namespace.len, "ownerReferences", kt_owner_reference(pod, "v1", "Pod"));
	for (size_t i = 0; i < KT_ARRAY_SIZE(kept); i++) {
		json_t *value = json_object_get(json_object_get(template, "metadata"), kept[i]);

		if (value)
			json_object_set(metadata, kept[i], value);
	}
	body = json_pack("{s:s,s:s,s:o,s:O}", "apiVersion", "v1", "kind", "PersistentVolumeClaim",
	        "metadata", metadata, "spec", json_object_get(template, "spec"));
	kt_pass_send(pass,
	        &(struct kt_pass_write){.method = "POST", .body = body, .informer = own->claims},
	        "/api/v1/namespaces/%.*s/persistentvolumeclaims", KT_SVP(namespace));
}

static void reconcile(void *arg, struct kt_pass *pass, const char *key)
{
	struct ephemeral_controller *own = arg;
	struct kt_object *pod = kt_pass_object(pass, own->pods);
	struct kt_json_at list, volume;
	struct kt_json_iter it = {0};

	(void)key;
	if (!pod || kt_is_deleting(pod))
		return;
	list = kt_field_of(pod, "spec", "volumes");
	while (list.p && kt_json_next_element(list, &it, &volume)) {
		struct kt_json_at template =
		        kt_json_find(volume, "ephemeral", "volumeClaimTemplate", NULL);
		struct kt_sv name;

		if (template.p && kt_json_string_sv(kt_json_member(volume, "name"), &name))
			make_claim(own, pass, pod, name, template);
	}
}

static bool has_ephemeral(const struct kt_object *pod)
{
	struct kt_json_at list = kt_field_of(pod, "spec", "volumes"), volume;
	struct kt_json_iter it = {0};

	while (list.p && kt_json_next_element(list, &it, &volume))
		if (kt_json_member(volume, "ephemeral").p)
			return true;
	return false;
}

static void pod_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct ephemeral_controller *own = arg;

	if (!old_object && new_object && has_ephemeral(new_object))
		kt_reconciler_add_object(own->reconciler, new_object);
}

static void *create(struct kt_controllers *controllers)
{
	struct ephemeral_controller *own = kt_new(struct ephemeral_controller);

	own->reconciler =
	        kt_reconciler_create(&(struct kt_reconciler_options){.controllers = controllers,
	                .name = "ephemeral_volume",
	                .reconcile = reconcile,
	                .arg = own});
	own->pods = kt_controllers_informer(controllers, "/api/v1/pods");
	own->claims = kt_controllers_informer(controllers, "/api/v1/persistentvolumeclaims");
	kt_informer_add_handler(
	        own->pods, &(struct kt_informer_handler){.on_change = pod_changed, .arg = own});
	return own;
}

static void destroy(void *controller)
{
	struct ephemeral_controller *own = controller;

	kt_reconciler_destroy(own->reconciler);
	free(own);
}

const struct kt_controller kt_controller_ephemeral_volume = {
        "ephemeral-volume-controller", create, destroy};
