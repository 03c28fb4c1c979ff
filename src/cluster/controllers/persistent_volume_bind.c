/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is written when a claim and a volume come together and part. */
#include "api/status.h"
#include "base/mem.h"
#include "cluster/controllers/persistent_volume.h"

bool volume_has_annotation(const struct kt_object *object, const char *key)
{
	kt_auto_free char *value = kt_annotation(object, key);

	return value != NULL;
}

char *volume_path(const struct kt_object *volume)
{
	return kt_asprintf("/api/v1/persistentvolumes/%.*s", KT_SVP(kt_object_name(volume)));
}

char *volume_claim_path(const struct kt_object *claim)
{
	return kt_asprintf("/api/v1/namespaces/%.*s/persistentvolumeclaims/%.*s",
	        KT_SVP(kt_object_namespace(claim)), KT_SVP(kt_object_name(claim)));
}

void volume_set_phase(struct volume_controller *own, struct kt_pass *pass,
        const struct kt_object *volume, const char *phase)
{
	kt_auto_free char *path = volume_path(volume);
	json_t *status;

	if (kt_json_string_is(kt_field_of(volume, "status", "phase"), phase))
		return;
	status = kt_status_tree(volume);
	json_object_set_new(status, "phase", json_string(phase));
	json_object_set_new(status, "lastPhaseTransitionTime", kt_time_json(kt_pass_wall_ns(pass)));
	kt_patch_status(pass, own->volumes, volume, path, status);
}

/* The capacity is that at the moment of binding: a resize changes it
 * later. */
void volume_set_claim_phase(struct volume_controller *own, struct kt_pass *pass,
        const struct kt_object *claim, const char *phase, const json_t *volume)
{
	kt_auto_free char *path = volume_claim_path(claim);
	json_t *status = kt_status_tree(claim);
	bool becomes = !kt_streq(kt_jstr(status, "phase"), phase);

	json_object_set_new(status, "phase", json_string(phase));
	if (!volume) {
		json_object_del(status, "accessModes");
		json_object_del(status, "capacity");
	} else {
		json_object_set(status, "accessModes", kt_jget(volume, "spec.accessModes"));
		if (becomes)
			json_object_set(status, "capacity", kt_jget(volume, "spec.capacity"));
	}
	kt_patch_status(pass, own->claims, claim, path, status);
}

void volume_lose_claim(struct volume_controller *own, struct kt_pass *pass,
        const struct kt_object *claim, const char *reason, const char *why)
{
	if (!kt_json_string_is(kt_field_of(claim, "status", "phase"), "Lost"))
		kt_reconciler_event(own->reconciler, claim, "Warning", reason, "%s", why);
	volume_set_claim_phase(own, pass, claim, "Lost", NULL);
}

/* The version in the body makes it a compare and swap: the user or the scheduler may have been
 * faster. The change brings us back for the rest. */
void volume_patch(struct kt_pass *pass, struct kt_informer *informer,
        const struct kt_object *object, const char *path, json_t *body)
{
	struct kt_sv version = kt_object_span(object, object->resource_version);
	json_t *metadata = json_object_get(body, "metadata");

	json_object_set_new(metadata, "resourceVersion", json_stringn(version.p, version.len));
	kt_pass_send(pass,
	        &(struct kt_pass_write){.method = "PATCH",
	                .content_type = KT_PATCH_MERGE,
	                .body = body,
	                .informer = informer},
	        "%s", path);
}

/* True when the volume says so already. */
static bool bind_volume(struct volume_controller *own, struct kt_pass *pass,
        const struct kt_object *claim, const struct kt_object *volume, const json_t *tree)
{
	struct kt_sv namespace = kt_object_namespace(claim), name = kt_object_name(claim),
	             uid = kt_object_uid(claim);
	struct kt_sv version = kt_object_span(claim, claim->resource_version);
	kt_auto_free char *path = volume_path(volume);
	kt_auto_json json_t *body = NULL;

	if (kt_sv_is(uid, kt_jstr(tree, "spec.claimRef.uid")))
		return true;
	body = json_pack("{s:{},s:{s:{s:s,s:s,s:s%,s:s%,s:s%,s:s%}}}", "metadata", "spec",
	        "claimRef", "apiVersion", "v1", "kind", "PersistentVolumeClaim", "namespace",
	        namespace.p, namespace.len, "name", name.p, name.len, "uid", uid.p, uid.len,
	        "resourceVersion", version.p, version.len);
	if (!volume_is_reserved_for(tree, claim))
		json_object_set_new(json_object_get(body, "metadata"), "annotations",
		        json_pack("{s:s}", VOLUME_BOUND_BY_CONTROLLER, "yes"));
	volume_patch(pass, own->volumes, volume, path, body);
	return false;
}

/* True when the claim says so already. */
static bool bind_claim(struct volume_controller *own, struct kt_pass *pass,
        const struct kt_object *claim, const struct kt_object *volume)
{
	struct kt_sv named = {0};
	bool is_named = kt_json_string_sv(kt_field_of(claim, "spec", "volumeName"), &named) &&
	                kt_sv_eq(named, kt_object_name(volume));
	kt_auto_free char *path = volume_claim_path(claim);
	kt_auto_json json_t *body = NULL;
	struct kt_sv name = kt_object_name(volume);

	if (is_named && volume_has_annotation(claim, VOLUME_BIND_COMPLETED))
		return true;
	body = json_pack("{s:{s:{s:s}}}", "metadata", "annotations", VOLUME_BIND_COMPLETED, "yes");
	if (!is_named) {
		json_object_set_new(kt_jget(body, "metadata.annotations"),
		        VOLUME_BOUND_BY_CONTROLLER, json_string("yes"));
		json_object_set_new(
		        body, "spec", json_pack("{s:s%}", "volumeName", name.p, name.len));
	}
	volume_patch(pass, own->claims, claim, path, body);
	return false;
}

void volume_bind(struct volume_controller *own, struct kt_pass *pass, struct kt_object *claim,
        const struct kt_object *volume)
{
	kt_auto_json json_t *tree = kt_object_tree(volume);

	if (!bind_volume(own, pass, claim, volume, tree))
		return;
	volume_set_phase(own, pass, volume, "Bound");
	if (bind_claim(own, pass, claim, volume))
		volume_set_claim_phase(own, pass, claim, "Bound", tree);
}

/* Of a volume whose claim took another: what the controller chose is forgotten, of what the user
 * wrote the uid alone. */
void volume_unbind(
        struct volume_controller *own, struct kt_pass *pass, const struct kt_object *volume)
{
	kt_auto_free char *path = volume_path(volume);
	kt_auto_json json_t *body =
	        volume_has_annotation(volume, VOLUME_BOUND_BY_CONTROLLER)
	                ? json_pack("{s:{s:{s:n}},s:{s:n}}", "metadata", "annotations",
	                          VOLUME_BOUND_BY_CONTROLLER, "spec", "claimRef")
	                : json_pack("{s:{},s:{s:{s:n}}}", "metadata", "spec", "claimRef", "uid");

	volume_patch(pass, own->volumes, volume, path, body);
}
