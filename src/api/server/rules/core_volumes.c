/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Persistent volumes and claims. */
#include "api/server/rules/meta.h"
#include "api/server/rules/node_labels.h"
#include "api/server/rules/pod.h"
#include "api/server/rules/quantities.h"
#include "api/server/rules/volumes.h"
#include "base/time.h"

#define MOUNT_OPTIONS "volume.beta.kubernetes.io/mount-options"
#define OLD_CLASS "volume.beta.kubernetes.io/storage-class"

static bool is_status(const struct kt_rule_context *c)
{
	return c->subresource && strcmp(c->subresource, "status") == 0;
}

static void validate_meta(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	if (old)
		kt_meta_validate_update(c, object, old);
	else
		kt_meta_validate(c, object, NULL);
}

/* Sources of volumes, in the order in which upstream looks for them. */
static const char *const sources[] = {
        "hostPath",
        "gcePersistentDisk",
        "awsElasticBlockStore",
        "glusterfs",
        "flocker",
        "nfs",
        "rbd",
        "quobyte",
        "cephfs",
        "iscsi",
        "cinder",
        "fc",
        "azureFile",
        "vsphereVolume",
        "photonPersistentDisk",
        "portworxVolume",
        "azureDisk",
        "scaleIO",
        "local",
        "storageos",
        "csi",
};

static void check_csi_secret(
        struct kt_rule_context *c, const struct kt_at *source, const char *member)
{
	struct kt_at ref = kt_at(source, member), name = kt_at(&ref, "name"),
	             namespace = kt_at(&ref, "namespace");
	if (!ref.value)
		return;
	kt_check_required_format(c, &name, "dns1123-subdomain");
	kt_check_required_format(c, &namespace, "dns1123-label");
}

static void check_csi(struct kt_rule_context *c, const struct kt_at *source)
{
	static const char *const secrets[] = {
	        "controllerPublishSecretRef",
	        "controllerExpandSecretRef",
	        "nodePublishSecretRef",
	        "nodeExpandSecretRef",
	};
	struct kt_at driver = kt_at(source, "driver"), handle = kt_at(source, "volumeHandle");
	kt_check_csi_driver_name(c, &driver);
	kt_check_required(c, &handle);
	for (size_t i = 0; i < KT_ARRAY_SIZE(secrets); i++)
		check_csi_secret(c, source, secrets[i]);
}

static void check_local(struct kt_rule_context *c, const struct kt_at *source)
{
	struct kt_at path = kt_at(source, "path");
	if (kt_check_required(c, &path))
		kt_check_no_backsteps(c, &path);
}

/* What a volume's source needs beyond what a pod's does: the secrets' namespaces. */
static void check_namespaces(struct kt_rule_context *c, const struct kt_at *source)
{
	if (strcmp(source->name, "cinder") == 0) {
		struct kt_at ref = kt_at(source, "secretRef"), namespace = kt_at(&ref, "namespace");
		if (ref.value)
			kt_check_required(c, &namespace);
	} else if (strcmp(source->name, "glusterfs") == 0) {
		struct kt_at namespace = kt_at(source, "endpointsNamespace");
		if (namespace.value && !kt_at_text(&namespace)[0])
			kt_add_invalid(c, &namespace,
			        "if the endpointnamespace is set, it must be a valid namespace "
			        "name");
	}
}

static void check_source(struct kt_rule_context *c, const struct kt_at *source)
{
	const struct kt_volume_source *plain = kt_volume_source_find(source->name);
	if (strcmp(source->name, "csi") == 0)
		check_csi(c, source);
	else if (strcmp(source->name, "local") == 0)
		check_local(c, source);
	else if (plain)
		plain->check(c, source);
	check_namespaces(c, source);
}

static bool check_sources(struct kt_rule_context *c, const struct kt_at *spec)
{
	bool found = false;
	for (size_t i = 0; i < KT_ARRAY_SIZE(sources); i++) {
		struct kt_at source = kt_at(spec, sources[i]);
		if (!source.value)
			continue;
		if (found)
			kt_add_forbidden(c, &source, "may not specify more than 1 volume type");
		else
			check_source(c, &source);
		found = true;
	}
	return found;
}

static void check_capacity(struct kt_rule_context *c, const struct kt_at *spec)
{
	static const char *const storage[] = {"storage", NULL};
	struct kt_at capacity = kt_at(spec, "capacity");
	struct kt_keys keys = kt_at_keys(c, &capacity);
	if (!keys.n)
		kt_add_required(c, &capacity, "");
	if (!json_object_get(capacity.value, "storage") || keys.n > 1) {
		kt_add_not_supported(c, &capacity, storage);
		return;
	}
	struct kt_at at = kt_at_key(&capacity, "storage");
	kt_check_basic_resource(c, &at);
	if (kt_quantities_nanos(at.value) <= 0)
		kt_add_invalid_text(
		        c, &at, kt_quantities_text(c, at.value), "must be greater than zero");
}

static void check_affinity(struct kt_rule_context *c, const struct kt_at *spec)
{
	struct kt_at affinity = kt_at(spec, "nodeAffinity"),
	             required = kt_at(&affinity, "required");
	if (!affinity.value) {
		if (json_object_get(spec->value, "local"))
			kt_add_required(c, &affinity, "Local volume requires node affinity");
		return;
	}
	if (!required.value)
		kt_add_required(c, &required, "must specify required node constraints");
	else
		kt_check_node_selector(c, &required);
}

static void check_inline(struct kt_rule_context *c, const struct kt_at *spec)
{
	static const char *const forbidden[] = {
	        "capacity",
	        "claimRef",
	        "persistentVolumeReclaimPolicy",
	        "storageClassName",
	        "volumeAttributesClassName",
	};
	struct kt_at csi = kt_at(spec, "csi");
	for (size_t i = 0; i < KT_ARRAY_SIZE(forbidden); i++) {
		struct kt_at at = kt_at(spec, forbidden[i]);
		if (!kt_same(at.value, NULL))
			kt_add_forbidden(
			        c, &at, "may not be specified in the context of inline volumes");
	}
	if (!csi.value)
		kt_add_required(c, &csi, "has to be specified in the context of inline volumes");
}

static void check_old_mount_options(
        struct kt_rule_context *c, const struct kt_at *spec, const struct kt_at *meta)
{
	static const char *const mountable[] = {
	        "gcePersistentDisk",
	        "awsElasticBlockStore",
	        "glusterfs",
	        "nfs",
	        "rbd",
	        "quobyte",
	        "cephfs",
	        "iscsi",
	        "cinder",
	        "azureFile",
	        "vsphereVolume",
	        "azureDisk",
	        "photonPersistentDisk",
	        "csi",
	        "storageos",
	};
	struct kt_at annotations = kt_at(meta, "annotations"),
	             at = kt_at(&annotations, MOUNT_OPTIONS);
	if (!at.value)
		return;
	for (size_t i = 0; i < KT_ARRAY_SIZE(mountable); i++)
		if (json_object_get(spec->value, mountable[i]))
			return;
	kt_add_forbidden(c, &at, "may not specify mount options for this volume type");
}

void kt_check_volume_spec(struct kt_rule_context *c, const struct kt_at *spec,
        const struct kt_at *meta, bool is_inline)
{
	static const char *const modes[] = {"Block", "Filesystem", NULL};
	static const char *const policies[] = {"Delete", "Recycle", "Retain", NULL};
	struct kt_at access = kt_at(spec, "accessModes"),
	             policy = kt_at(spec, "persistentVolumeReclaimPolicy");
	struct kt_at class = kt_at(spec, "storageClassName"), mode = kt_at(spec, "volumeMode");
	struct kt_at attributes = kt_at(spec, "volumeAttributesClassName");
	if (is_inline)
		check_inline(c, spec);
	if (!kt_at_n(&access))
		kt_add_required(c, &access, "");
	kt_check_access_modes(c, &access);
	if (!is_inline) {
		check_capacity(c, spec);
		if (*kt_at_text(&policy))
			kt_check_in(c, &policy, policies);
	}
	if (json_object_get(spec->value, "nodeAffinity") || !is_inline)
		check_affinity(c, spec);
	if (!check_sources(c, spec))
		kt_add_required(c, spec, "must specify a volume type");
	const char *path = kt_text_of(json_object_get(spec->value, "hostPath"), "path");
	if (strcmp(path, "/") == 0 && kt_at_is(&policy, "Recycle"))
		kt_add_forbidden(c, &policy, "may not be 'recycle' for a hostPath mount of '/'");
	if (*kt_at_text(&class))
		kt_check_format(c, &class, "dns1123-subdomain");
	if (mode.value)
		kt_check_in(c, &mode, modes);
	if (attributes.value && !*kt_at_text(&attributes))
		kt_add_required(c, &attributes, "an empty string is disallowed");
	else if (attributes.value)
		kt_check_format(c, &attributes, "dns1123-subdomain");
	if (meta)
		check_old_mount_options(c, spec, meta);
}

/* PersistentVolume */

static int prepare_volume(struct kt_rule_context *c, json_t *object, const json_t *old)
{
	char now[KT_TIME_TEXT_MAX];
	kt_time_format(c->now_ns, now);
	if (!old) {
		json_object_set_new(object, "status",
		        json_pack(
		                "{s:s, s:s}", "phase", "Pending", "lastPhaseTransitionTime", now));
		return 0;
	}
	json_t *status = json_object_get(object, "status");
	const char *phase = kt_text_of(json_object_get(old, "status"), "phase");
	bool moved = is_status(c) && strcmp(kt_text_of(status, "phase"), phase) != 0;
	if (moved && kt_same(json_object_get(status, "lastPhaseTransitionTime"),
	                     kt_jget(old, "status.lastPhaseTransitionTime")))
		json_object_set_new(status, "lastPhaseTransitionTime", json_string(now));
	return 0;
}

static void check_volume_update(struct kt_rule_context *c, const struct kt_at *root,
        const struct kt_at *spec, const json_t *old)
{
	const json_t *before = json_object_get(old, "spec");
	for (size_t i = 0; i < KT_ARRAY_SIZE(sources); i++) {
		struct kt_at at = kt_at(spec, "persistentvolumesource");
		if (kt_same(json_object_get(spec->value, sources[i]),
		            json_object_get(before, sources[i])) &&
		        !json_object_get(spec->value, sources[i]) ==
		                !json_object_get(before, sources[i]))
			continue;
		at.type = kt_type_lookup("io.k8s.api.core.v1.PersistentVolumeSource");
		kt_add_changed(c, &at, before, spec->value,
		        "spec.persistentvolumesource is immutable after creation");
		break;
	}
	struct kt_at mode = kt_at(root, "volumeMode"), affinity = kt_at(root, "nodeAffinity"),
	             own = kt_at(spec, "nodeAffinity");
	mode.value = json_object_get(spec->value, "volumeMode");
	mode.type = NULL;
	kt_check_immutable(c, &mode, json_object_get(before, "volumeMode"));
	if (json_object_get(before, "nodeAffinity") &&
	        !kt_same(own.value, json_object_get(before, "nodeAffinity")))
		kt_add_invalid_other(c, &affinity, &own,
		        "field is immutable, except for updating from beta label to GA");
}

static void validate_volume(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	struct kt_at root = kt_at_root(c, object), spec = kt_at(&root, "spec"),
	             meta = kt_at(&root, "metadata");
	if (old && is_status(c)) {
		kt_meta_validate_update(c, object, old);
		return;
	}
	for (int i = 0; i < (old ? 2 : 1); i++) { /* for the volume, and again for its update */
		kt_meta_validate(c, object, NULL);
		kt_check_volume_spec(c, &spec, i == 0 ? &meta : NULL, false);
	}
	if (old)
		check_volume_update(c, &root, &spec, old);
}

static void warn_old_annotations(struct kt_rule_context *c, const json_t *object)
{
	const json_t *annotations = kt_jget(object, "metadata.annotations");
	if (json_object_get(annotations, OLD_CLASS))
		kt_rule_warn(c,
		        "metadata.annotations[" OLD_CLASS
		        "]: deprecated since v1.8; use \"storageClassName\" attribute instead");
	if (json_object_get(annotations, MOUNT_OPTIONS))
		kt_rule_warn(c,
		        "metadata.annotations[" MOUNT_OPTIONS
		        "]: deprecated since v1.31; use \"mountOptions\" attribute instead");
}

static void warn_volume(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	struct kt_at root = kt_at_root(c, object), spec = kt_at(&root, "spec");
	(void)old;
	if (c->subresource)
		return;
	struct kt_at affinity = kt_at(&spec, "nodeAffinity"),
	             required = kt_at(&affinity, "required");
	kt_warn_node_terms(c, &required);
	warn_old_annotations(c, object);
	if (strcmp(kt_text_of(json_object_get(object, "spec"), "persistentVolumeReclaimPolicy"),
	            "Recycle") == 0)
		kt_rule_warn(c, "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is "
		                "deprecated. Instead, the recommended approach is to "
		                "use dynamic provisioning.");
	kt_warn_old_sources(c, &spec, false);
}

static void default_volume(struct kt_rule_context *c, json_t *object)
{
	json_t *spec = json_object_get(object, "spec");
	(void)c;
	if (spec && !*kt_text_of(spec, "persistentVolumeReclaimPolicy"))
		json_object_set_new(spec, "persistentVolumeReclaimPolicy", json_string("Retain"));
	kt_quantities_default_list(json_object_get(spec, "capacity"));
}

const struct kt_rules kt_rules_core_persistent_volume = {
        .group = "",
        .kind = "PersistentVolume",
        .default_object = default_volume,
        .prepare = prepare_volume,
        .validate = validate_volume,
        .warn = warn_volume,
};

/* PersistentVolumeClaim */

static bool is_known_source(const json_t *source)
{
	const char *kind = kt_text_of(source, "kind"), *group = kt_text_of(source, "apiGroup");
	return (!*group && strcmp(kind, "PersistentVolumeClaim") == 0) ||
	       (strcmp(group, "snapshot.storage.k8s.io") == 0 &&
	               strcmp(kind, "VolumeSnapshot") == 0);
}

/* dataSource takes two kinds and drops the others; dataSourceRef takes any; each fills in the
 * other. */
static void pair_sources(json_t *spec)
{
	json_t *source = json_object_get(spec, "dataSource"),
	       *ref = json_object_get(spec, "dataSourceRef");
	if (source && !ref && !is_known_source(source)) {
		json_object_del(spec, "dataSource");
		source = NULL;
	}
	if (ref && *kt_text_of(ref, "namespace")) { /* across namespaces: off by default */
		json_object_del(spec, "dataSourceRef");
		ref = NULL;
	}
	if (source && !ref)
		json_object_set_new(spec, "dataSourceRef", json_deep_copy(source));
	else if (ref && !source)
		json_object_set_new(spec, "dataSource", json_deep_copy(ref));
}

static int prepare_claim(struct kt_rule_context *c, json_t *object, const json_t *old)
{
	if (is_status(c))
		return 0;
	if (!old)
		json_object_set_new(object, "status", json_pack("{s:s}", "phase", "Pending"));
	pair_sources(json_object_get(object, "spec"));
	return 0;
}

static void check_claim_update(
        struct kt_rule_context *c, const struct kt_at *spec, const json_t *old)
{
	const json_t *before = json_object_get(old, "spec"),
	             *status = json_object_get(old, "status");
	kt_auto_json json_t *copy = json_deep_copy(spec->value);
	bool bound = strcmp(kt_text_of(status, "phase"), "Bound") == 0;
	if (!*kt_text_of(before, "volumeName") && *kt_text_of(copy, "volumeName"))
		json_object_del(copy, "volumeName");
	json_t *resources = json_object_get(copy, "resources");
	const json_t *old_requests = kt_jget(before, "resources.requests");
	json_t *new_requests = json_object_get(resources, "requests"),
	       *old_size = json_object_get(old_requests, "storage");
	if (bound && new_requests && old_size)
		json_object_set(new_requests, "storage", old_size);
	if (bound && json_object_get(copy, "volumeAttributesClassName")) {
		json_t *class = json_object_get(before, "volumeAttributesClassName");
		if (class)
			json_object_set(copy, "volumeAttributesClassName", class);
		else
			json_object_del(copy, "volumeAttributesClassName");
	}
	if (!json_object_get(before, "storageClassName") &&
	        !json_object_get(kt_jget(old, "metadata.annotations"), OLD_CLASS))
		json_object_del(copy, "storageClassName"); /* a default may come late */
	if (!kt_same(copy, before))
		kt_add_changed(c, spec, before, copy,
		        "spec is immutable after creation except resources.requests and "
		        "volumeAttributesClassName for bound claims");
	const json_t *now = kt_jget(spec->value, "resources.requests.storage"),
	             *was = kt_jget(old_requests, "storage");
	struct kt_at list = kt_at(spec, "resources"), requests = kt_at(&list, "requests"),
	             storage = kt_at(&requests, "storage");
	if (kt_quantities_cmp(now, was) < 0 &&
	        kt_quantities_cmp(now, kt_jget(status, "capacity.storage")) <= 0)
		kt_add_forbidden(c, &storage, "field can not be less than status.capacity");
	struct kt_at own = kt_at(spec, "volumeMode"),
	             mode = kt_at_alone(own.type, own.value, "volumeMode");
	kt_check_immutable(c, &mode, json_object_get(before, "volumeMode"));
}

static void check_claim_status(struct kt_rule_context *c, const struct kt_at *root)
{
	static const char *const states[] = {"ControllerResizeInProgress",
	        "ControllerResizeInfeasible", "NodeResizeInProgress", "NodeResizeInfeasible",
	        "NodeResizePending", NULL};
	static const char *const storage[] = {"storage", NULL};
	static const char *const maps[] = {"capacity", "allocatedResources"};
	struct kt_at status = kt_at(root, "status"),
	             list = kt_at(&status, "allocatedResourceStatuses");
	for (size_t m = 0; m < 2; m++) {
		struct kt_at map = kt_at(&status, maps[m]);
		struct kt_keys keys = kt_at_keys(c, &map);
		for (size_t i = 0; i < keys.n; i++) {
			struct kt_at at = kt_at_key(&map, keys.names[i]);
			kt_check_basic_resource(c, &at);
		}
	}
	struct kt_keys keys = kt_at_keys(c, &list);
	for (size_t i = 0; i < keys.n; i++) {
		kt_auto_json json_t *name = json_string(keys.names[i]);
		struct kt_at shown = kt_at_with(&list, name);
		shown.type = NULL;
		if (strcmp(keys.names[i], "storage") != 0 && !strchr(keys.names[i], '/'))
			kt_add_not_supported(c, &shown, storage);
		else if (!kt_is_one_of(kt_text_of(list.value, keys.names[i]), states))
			kt_add_not_supported(c, &shown, states);
	}
}

static void validate_claim(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	struct kt_at root = kt_at_root(c, object), spec = kt_at(&root, "spec");
	validate_meta(c, object, old);
	if (old && is_status(c)) {
		check_claim_status(c, &root);
		return;
	}
	if (old)
		kt_meta_validate(c, object, NULL);
	kt_check_claim_spec(c, &spec, false);
	if (old)
		check_claim_update(c, &spec, old);
}

static void warn_claim(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	static const char *const maps[] = {"limits", "requests"};
	struct kt_at root = kt_at_root(c, object), spec = kt_at(&root, "spec"),
	             resources = kt_at(&spec, "resources");
	(void)old;
	if (c->subresource)
		return;
	warn_old_annotations(c, object);
	for (size_t m = 0; m < 2; m++) {
		struct kt_at map = kt_at(&resources, maps[m]), at = kt_at_key(&map, "storage");
		kt_warn_fraction(c, kt_at_path(c, &at), at.value);
	}
}

static void default_claim(struct kt_rule_context *c, json_t *object)
{
	(void)c;
	kt_quantities_default_list(kt_jget(object, "spec.resources.limits"));
	kt_quantities_default_list(kt_jget(object, "spec.resources.requests"));
	kt_quantities_default_list(kt_jget(object, "status.capacity"));
}

const struct kt_rules kt_rules_core_persistent_volume_claim = {
        .group = "",
        .kind = "PersistentVolumeClaim",
        .default_object = default_claim,
        .prepare = prepare_claim,
        .validate = validate_claim,
        .warn = warn_claim,
};
