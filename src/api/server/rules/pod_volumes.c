/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Volumes of a pod: one source each, and what only pods have (files from maps, secrets, the
 * downward API, ephemeral claims). */
#include "api/server/rules/meta.h"
#include "api/server/rules/names.h"
#include "api/server/rules/pod.h"
#include "api/server/rules/quantities.h"
#include "api/server/rules/volumes.h"

#define TOKEN_SECONDS_MIN 600
#define TOKEN_SECONDS_MAX ((int64_t)1 << 32)

static void check_mode(struct kt_rule_context *c, const struct kt_at *parent, const char *name)
{
	struct kt_at mode = kt_at(parent, name);
	if (mode.value && (kt_at_int(&mode) < 0 || kt_at_int(&mode) > 0777))
		kt_add_invalid(
		        c, &mode, "must be a number between 0 and 0777 (octal), both inclusive");
}

static void check_empty_dir(struct kt_rule_context *c, const struct kt_at *source)
{
	struct kt_at limit = kt_at(source, "sizeLimit");
	if (kt_quantities_nanos(limit.value) < 0)
		kt_add_forbidden(c, &limit, "SizeLimit field must be a valid resource quantity");
}

/* A file may not leave its volume, nor look like one of the kubelet's own. */
static void check_file_path(struct kt_rule_context *c, const struct kt_at *path)
{
	kt_check_descending_path(c, path);
	if (kt_starts_with(kt_at_text(path), "..") && !kt_has_backsteps(kt_at_text(path)))
		kt_add_invalid(c, path, "must not start with '..'");
}

static void check_items(struct kt_rule_context *c, const struct kt_at *source)
{
	struct kt_at items = kt_at(source, "items");
	KT_EACH(item, &items) {
		struct kt_at key = kt_at(&item, "key"), path = kt_at(&item, "path");
		kt_check_required(c, &key);
		if (kt_check_required(c, &path))
			check_file_path(c, &path);
		check_mode(c, &item, "mode");
	}
}

static void check_secret(struct kt_rule_context *c, const struct kt_at *source)
{
	struct kt_at name = kt_at(source, "secretName");
	kt_check_required(c, &name);
	check_mode(c, source, "defaultMode");
	check_items(c, source);
}

static void check_config_map(struct kt_rule_context *c, const struct kt_at *source)
{
	struct kt_at name = kt_at(source, "name");
	kt_check_required(c, &name);
	check_mode(c, source, "defaultMode");
	check_items(c, source);
}

/* Files of the downward API are reported at the source, without an index. */
static void check_downward_item(
        struct kt_rule_context *c, const struct kt_at *source, const json_t *item)
{
	static const char *const fields[] = {
	        "metadata.annotations",
	        "metadata.labels",
	        "metadata.name",
	        "metadata.namespace",
	        "metadata.uid",
	        NULL,
	};
	struct kt_at at = kt_at_with(source, item), list = kt_at(source, "items");
	at.type = list.type ? list.type->elem : NULL;
	struct kt_at path = kt_at(&at, "path"), field = kt_at(&at, "fieldRef"),
	             resource = kt_at(&at, "resourceFieldRef");
	if (kt_check_required(c, &path))
		check_file_path(c, &path);
	if (field.value) {
		kt_check_field_ref(c, &field, fields);
		if (resource.value)
			kt_add_invalid_text(c, source, "resource",
			        "fieldRef and resourceFieldRef can not be specified "
			        "simultaneously");
	} else if (resource.value) {
		kt_check_resource_field_ref(c, &resource, true);
	} else {
		kt_add_required(c, source, "one of fieldRef and resourceFieldRef is required");
	}
	struct kt_at mode = kt_at(&at, "mode");
	if (mode.value && (kt_at_int(&mode) < 0 || kt_at_int(&mode) > 0777))
		kt_add_invalid(
		        c, &mode, "must be a number between 0 and 0777 (octal), both inclusive");
}

static void check_downward(struct kt_rule_context *c, const struct kt_at *source)
{
	size_t i;
	json_t *item;
	check_mode(c, source, "defaultMode");
	json_array_foreach(json_object_get(source->value, "items"), i, item) {
		check_downward_item(c, source, item);
	}
}

/* Projected volumes: every file needs a path of its own, but tokens hide what stands in their way
 * (pod_overlaps.c warns of it). `shown` is the bad value in the message. */
static void claim_path(struct kt_rule_context *c, const struct kt_at *projected,
        struct kt_names *paths, const char *path, const char *shown)
{
	if (*path && !kt_names_add(paths, path))
		kt_add_invalid_text(c, projected, shown, "conflicting duplicate paths");
}

/* shown: NULL for the path itself. */
static void claim_item_paths(struct kt_rule_context *c, const struct kt_at *projected,
        struct kt_names *paths, const struct kt_at *source, const char *shown)
{
	size_t i;
	json_t *item;
	json_array_foreach(json_object_get(source->value, "items"), i, item) {
		const char *path = kt_text_of(item, "path");
		claim_path(c, projected, paths, path, shown ? shown : path);
	}
}

static void check_token(
        struct kt_rule_context *c, const struct kt_at *projected, const struct kt_at *token)
{
	struct kt_at seconds = kt_at(token, "expirationSeconds"), path = kt_at(projected, "path");
	if (kt_at_int(&seconds) < TOKEN_SECONDS_MIN)
		kt_add_invalid(c, &seconds, "may not specify a duration less than 10 minutes");
	if (kt_at_int(&seconds) > TOKEN_SECONDS_MAX)
		kt_add_invalid(c, &seconds, "may not specify a duration larger than 2^32 seconds");
	path.value = json_object_get(token->value, "path");
	path.type = NULL;
	if (kt_check_required(c, &path))
		check_file_path(c, &path);
}

static void check_bundle(struct kt_rule_context *c, const struct kt_at *bundle)
{
	struct kt_at name = kt_at(bundle, "name"), signer = kt_at(bundle, "signerName"),
	             path = kt_at(bundle, "path");
	struct kt_at selector = kt_at(bundle, "labelSelector");
	if (name.value && signer.value)
		kt_add_invalid(c, bundle, "only one of name and signerName may be used");
	else if (!name.value && !signer.value)
		kt_add_required(c, bundle, "either name or signerName must be specified");
	kt_check_label_selector(c, &selector);
	if (kt_check_required(c, &path))
		check_file_path(c, &path);
}

static void check_projection(struct kt_rule_context *c, const struct kt_at *projected,
        const struct kt_at *source, struct kt_names *paths)
{
	static const char *const members[] = {
	        "secret",
	        "configMap",
	        "downwardAPI",
	        "serviceAccountToken",
	        "clusterTrustBundle",
	        "podCertificate",
	};
	int n = 0;
	for (size_t i = 0; i < KT_ARRAY_SIZE(members); i++) {
		struct kt_at at = kt_at(source, members[i]), name = kt_at(&at, "name");
		if (!at.value)
			continue;
		if (n++ > 0) {
			kt_add_forbidden(
			        c, source, "may not specify more than 1 volume type per source");
			continue;
		}
		if (i <= 1) {
			kt_check_required(c, &name);
			check_items(c, &at);
			claim_item_paths(c, projected, paths, &at, kt_at_text(&name));
		} else if (i == 2) {
			check_downward(c, &at);
			claim_item_paths(c, projected, paths, &at, NULL);
		} else if (i == 3) {
			check_token(c, projected, &at);
		} else if (i == 4) {
			const char *path = kt_text_of(at.value, "path");
			check_bundle(c, &at);
			claim_path(c, projected, paths, path, path);
		}
	}
}

static void check_projected(struct kt_rule_context *c, const struct kt_at *source)
{
	struct kt_names paths = {.arena = c->arena};
	struct kt_at sources = kt_at(source, "sources");
	check_mode(c, source, "defaultMode");
	KT_EACH(projection, &sources) {
		check_projection(c, source, &projection, &paths);
	}
}

static void check_csi(struct kt_rule_context *c, const struct kt_at *source)
{
	struct kt_at driver = kt_at(source, "driver"),
	             secret = kt_at(source, "nodePublishSecretRef");
	kt_check_csi_driver_name(c, &driver);
	if (!secret.value)
		return;
	struct kt_at name = kt_at(source, "name"); /* reported without the reference's own name */
	name.value = json_object_get(secret.value, "name");
	name.type = NULL;
	if (!*kt_at_text(&name))
		kt_add_required(c, &name, "");
	else
		kt_check_format(c, &name, "dns1123-subdomain");
}

/* A claim made for one pod; its metadata may only carry labels and annotations. */
static void check_ephemeral(struct kt_rule_context *c, const struct kt_at *source)
{
	struct kt_at template = kt_at(source, "volumeClaimTemplate"),
	             meta = kt_at(&template, "metadata");
	struct kt_at spec = kt_at(&template, "spec");
	if (!template.value) {
		kt_add_required(c, &template, "");
		return;
	}
	struct kt_at labels = kt_at(&meta, "labels"), annotations = kt_at(&meta, "annotations");
	kt_check_annotations(c, &annotations);
	kt_check_labels(c, &labels);
	struct kt_keys keys = kt_at_keys(c, &meta);
	for (size_t i = 0; i < keys.n; i++) {
		struct kt_at at = kt_at(&meta, keys.names[i]);
		if (!kt_is_one_of(
		            keys.names[i], (const char *const[]){"labels", "annotations", NULL}))
			kt_add_forbidden(c, &at, "cannot be set");
	}
	kt_check_claim_spec(c, &spec, true);
}

static void check_image(struct kt_rule_context *c, const struct kt_at *source, bool is_pod)
{
	struct kt_at reference = kt_at(source, "reference"), policy = kt_at(source, "pullPolicy");
	if (is_pod || *kt_at_text(&reference))
		kt_check_required(c, &reference);
	kt_check_optional_enum(c, &policy);
}

/* In the order in which upstream looks for them: all after the first are too many. */
static const char *const order[] = {
        "emptyDir",
        "hostPath",
        "gitRepo",
        "gcePersistentDisk",
        "awsElasticBlockStore",
        "secret",
        "nfs",
        "iscsi",
        "glusterfs",
        "flocker",
        "persistentVolumeClaim",
        "rbd",
        "cinder",
        "cephfs",
        "quobyte",
        "downwardAPI",
        "fc",
        "configMap",
        "azureFile",
        "vsphereVolume",
        "photonPersistentDisk",
        "portworxVolume",
        "azureDisk",
        "storageos",
        "projected",
        "scaleIO",
        "csi",
        "ephemeral",
        "image",
};

static void check_source(struct kt_pod *pod, const struct kt_at *source)
{
	struct kt_rule_context *c = pod->c;
	static const struct {
		const char *name;
		void (*check)(struct kt_rule_context *c, const struct kt_at *source);
	} own[] = {
	        {"emptyDir", check_empty_dir},
	        {"secret", check_secret},
	        {"configMap", check_config_map},
	        {"downwardAPI", check_downward},
	        {"projected", check_projected},
	        {"csi", check_csi},
	        {"ephemeral", check_ephemeral},
	};
	for (size_t i = 0; i < KT_ARRAY_SIZE(own); i++) {
		if (strcmp(own[i].name, source->name) == 0) {
			own[i].check(c, source);
			return;
		}
	}
	if (strcmp(source->name, "image") == 0) {
		check_image(c, source, pod->is_pod);
		return;
	}
	const struct kt_volume_source *plain = kt_volume_source_find(source->name);
	struct kt_at at = *source;
	if (plain && plain->shown)
		at.name = plain->shown;
	if (plain)
		plain->check(c, &at);
}

static void check_sources(struct kt_pod *pod, const struct kt_at *volume)
{
	int n = 0;
	for (size_t i = 0; i < KT_ARRAY_SIZE(order); i++) {
		struct kt_at source = kt_at(volume, order[i]);
		if (!source.value)
			continue;
		if (n++ == 0) {
			check_source(pod, &source);
			continue;
		}
		const struct kt_volume_source *plain = kt_volume_source_find(order[i]);
		if (plain && plain->shown)
			source.name = plain->shown;
		kt_add_forbidden(pod->c, &source, "may not specify more than 1 volume type");
	}
	if (n == 0)
		kt_add_required(pod->c, volume, "must specify a volume type");
}

/* The claim of an ephemeral volume is named after pod and volume; that name must be one. */
static void check_claim_name(
        struct kt_pod *pod, const struct kt_at *volume, const struct kt_at *name)
{
	const char *pod_name = kt_text_of(pod->meta, "name");
	if (!pod->is_pod || !*pod_name || !json_object_get(volume->value, "ephemeral"))
		return;
	kt_auto_json json_t *text =
	        json_string(kt_path(pod->c->arena, "%s-%s", pod_name, kt_at_text(name)));
	struct kt_at claim = kt_at_with(name, text);
	if (strlen(json_string_value(text)) > 253)
		kt_add_invalid(pod->c, name, "PVC name \"%s\": must be no more than 253 characters",
		        kt_at_text(&claim));
}

void kt_check_pod_volumes(struct kt_pod *pod)
{
	struct kt_rule_context *c = pod->c;
	struct kt_at volumes = kt_at(pod->spec, "volumes");
	pod->volumes.arena = c->arena;
	KT_EACH(volume, &volumes) {
		struct kt_at name = kt_at(&volume, "name");
		size_t before = c->errors.n;
		check_sources(pod, &volume);
		if (kt_check_required(c, &name))
			kt_check_format(c, &name, "dns1123-label");
		if (kt_names_has(&pod->volumes, kt_at_text(&name)))
			kt_add_duplicate(c, &name);
		if (c->errors.n == before)
			kt_names_add(&pod->volumes, kt_at_text(&name));
		check_claim_name(pod, &volume, &name);
	}
}
