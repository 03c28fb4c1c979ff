/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/versions.h"

#include "api/codec/codec.h"
#include "api/machinery/limits.h"
#include "api/schema/crd.h"
#include "api/server/autoscaler_versions.h"

const struct kt_kind *kt_versions_stored_kind(const struct kt_kind *kind)
{
	if (kt_streq(kind->version, kind->storage_version) && !kind->storage_prefix)
		return kind;
	const struct kt_kind_set *set = kind->set;
	for (size_t i = 0; i < set->n_kinds; i++) {
		const struct kt_kind *other = &set->kinds[i];
		if (kt_streq(other->version, kind->storage_version) &&
		        kt_streq(other->kind, kind->kind) &&
		        kt_streq(other->storage_prefix, kind->storage_prefix))
			return other;
	}
	return kind;
}

/* Canonical objects begin {"kind":"Pod","apiVersion":"v1", */
bool kt_versions_is_same(const struct kt_kind *kind, const struct kt_object *object)
{
	char api_version[256], head[512];

	kt_kind_api_version(kind, api_version, sizeof(api_version));
	int len = snprintf(head, sizeof(head), "{\"kind\":\"%s\",\"apiVersion\":\"%s\"", kind->kind,
	        api_version);
	if (len > 0 && (size_t)len < sizeof(head) && object->json_len > (uint32_t)len &&
	        !memcmp(kt_object_json(object), head, (size_t)len))
		return true;
	return kt_json_string_is(kt_json_member(kt_object_doc(object), "apiVersion"), api_version);
}

/* Was it stored before its definition became what it is? */
static bool is_stale(const struct kt_kind *kind, const struct kt_object *object)
{
	const struct kt_crd *crd = kt_crd_of_kind(kind);

	return crd && object->revision <= crd->since_revision;
}

bool kt_versions_is_native(const struct kt_kind *kind, const struct kt_object *object)
{
	return kt_versions_is_same(kind, object) && !is_stale(kind, object);
}

static void rename_key(json_t *tree, const char *from, const char *to)
{
	json_t *value = json_object_get(tree, from);

	if (!value)
		return;
	json_object_set(tree, to, value);
	json_object_del(tree, from);
}

static void event_to_core(json_t *tree)
{
	rename_key(tree, "note", "message");
	rename_key(tree, "regarding", "involvedObject");
	rename_key(tree, "deprecatedSource", "source");
	rename_key(tree, "deprecatedFirstTimestamp", "firstTimestamp");
	rename_key(tree, "deprecatedLastTimestamp", "lastTimestamp");
	rename_key(tree, "deprecatedCount", "count");
	rename_key(tree, "reportingController", "reportingComponent");
}

static void event_from_core(json_t *tree)
{
	rename_key(tree, "message", "note");
	rename_key(tree, "involvedObject", "regarding");
	rename_key(tree, "source", "deprecatedSource");
	rename_key(tree, "firstTimestamp", "deprecatedFirstTimestamp");
	rename_key(tree, "lastTimestamp", "deprecatedLastTimestamp");
	rename_key(tree, "count", "deprecatedCount");
	rename_key(tree, "reportingComponent", "reportingController");
}

static const struct {
	const char *kind, *from, *to;
	void (*convert)(json_t *tree);
} conversions[] = {
        {"Event", "events.k8s.io/v1", "v1", event_to_core},
        {"Event", "v1", "events.k8s.io/v1", event_from_core},
        {"HorizontalPodAutoscaler", "autoscaling/v1", "autoscaling/v2", kt_autoscaler_v1_to_v2},
        {"HorizontalPodAutoscaler", "autoscaling/v2", "autoscaling/v1", kt_autoscaler_v2_to_v1},
};

static void convert(const struct kt_kind *kind, json_t *tree)
{
	char to[256];
	const char *from = kt_jstr(tree, "apiVersion");

	kt_kind_api_version(kind, to, sizeof(to));
	for (size_t i = 0; from && i < KT_ARRAY_SIZE(conversions); i++)
		if (kt_streq(conversions[i].kind, kind->kind) &&
		        kt_streq(conversions[i].from, from) && kt_streq(conversions[i].to, to)) {
			conversions[i].convert(tree);
			break;
		}
	json_object_set_new(tree, "apiVersion", json_string(to));
}

/* Takes the tree. One version of a custom resource may know fewer fields than another: what it does
 * not know goes. */
static json_t *fitting(const struct kt_kind *kind, json_t **tree)
{
	json_t *pruned = NULL;

	if ((kind->flags & KT_KIND_CUSTOM) &&
	        kt_codec_normalize(*tree, kind->type, KT_STRICT_IGNORE, &pruned, NULL, NULL) == 0)
		return pruned;
	return kt_steal(tree);
}

/* Takes the tree: what the storage version does not know goes, what it has a default for comes, as
 * upstream does when it reads. */
static json_t *refreshed_as(const struct kt_kind *stored, json_t **tree)
{
	json_t *fresh = fitting(stored, tree);

	if (stored->flags & KT_KIND_CUSTOM) {
		kt_type_drop_nulls(stored->type, fresh);
		kt_type_default(stored->type, fresh);
	}
	return fresh;
}

json_t *kt_versions_tree(const struct kt_kind *kind, const struct kt_object *object)
{
	kt_auto_json json_t *tree = kt_object_tree(object);

	if (is_stale(kind, object)) {
		json_t *fresh = refreshed_as(kt_versions_stored_kind(kind), &tree);

		json_decref(tree);
		tree = fresh;
	}
	if (kt_versions_is_same(kind, object))
		return kt_steal(&tree);
	convert(kind, tree);
	return fitting(kind, &tree);
}

/* Annotations that upstream's unversioned structs hold in a field. */
static const struct {
	const char *group, *kind, *annotation;
} hub_fields[] = {
        {"apps", "DaemonSet", "deprecated.daemonset.template.generation"},
};

json_t *kt_versions_hub(const struct kt_kind *kind, const struct kt_object *object)
{
	if (kind->flags & KT_KIND_CUSTOM)
		return kt_versions_tree(kind, object);
	json_t *tree = kt_object_tree(object);
	json_t *metadata = json_object_get(tree, "metadata"),
	       *annotations = json_object_get(metadata, "annotations");

	for (size_t i = 0; i < KT_ARRAY_SIZE(hub_fields); i++)
		if (kt_streq(kind->kind, hub_fields[i].kind) &&
		        kt_streq(kind->group, hub_fields[i].group))
			json_object_del(annotations, hub_fields[i].annotation);
	if (annotations && !json_object_size(annotations))
		json_object_del(metadata, "annotations");
	return tree;
}

json_t *kt_versions_convert(const struct kt_kind *kind, const json_t *tree)
{
	kt_auto_json json_t *copy = json_deep_copy(tree);

	convert(kind, copy);
	return fitting(kind, &copy);
}

json_t *kt_versions_to_stored(const struct kt_kind *kind, json_t *tree)
{
	const struct kt_kind *stored = kt_versions_stored_kind(kind);

	if (stored == kind)
		return json_incref(tree);
	kt_auto_json json_t *copy = json_deep_copy(tree);
	convert(stored, copy);
	return refreshed_as(stored, &copy);
}
