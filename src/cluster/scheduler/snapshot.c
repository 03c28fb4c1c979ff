/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cluster/scheduler/snapshot.h"

#include "api/client/sections.h"
#include "base/log.h"
#include "base/mem.h"

static void node_free(void *value)
{
	struct kt_node_info *node = value;

	kt_resources_finish(&node->allocatable);
	kt_resources_finish(&node->requested);
	kt_vec_finish(&node->taints);
	kt_vec_finish(&node->images);
	kt_vec_finish(&node->pods);
	kt_object_unref(node->object);
	free(node->name);
	free(node);
}

static void pod_free(void *value)
{
	kt_pod_info_destroy(value);
}

static void object_free(void *value)
{
	kt_object_unref(value);
}

void kt_snapshot_init(struct kt_snapshot *snapshot)
{
	*snapshot = (struct kt_snapshot){0};
	kt_map_init(&snapshot->nodes_by_name, node_free);
	kt_map_init(&snapshot->pods_by_uid, pod_free);
	kt_map_init(&snapshot->namespaces, object_free);
	kt_map_init(&snapshot->image_nodes, NULL);
}

void kt_snapshot_finish(struct kt_snapshot *snapshot)
{
	kt_map_finish(&snapshot->pods_by_uid);
	kt_map_finish(&snapshot->nodes_by_name);
	kt_map_finish(&snapshot->namespaces);
	kt_map_finish(&snapshot->image_nodes);
	kt_vec_finish(&snapshot->nodes);
}

static struct kt_node_info *get_or_add_node(struct kt_snapshot *snapshot, struct kt_sv name)
{
	struct kt_node_info *node = kt_map_get_sv(&snapshot->nodes_by_name, name);

	if (!node) {
		node = kt_new(struct kt_node_info);
		node->name = kt_sv_dup(name);
		kt_map_set_sv(&snapshot->nodes_by_name, name, node);
	}
	return node;
}

static void read_taints(struct kt_node_info *node, struct kt_json_at spec)
{
	struct kt_json_at list = kt_json_member(spec, "taints"), item;
	struct kt_json_iter it = {0};

	node->taints.n = 0;
	while (list.p && kt_json_next_element(list, &it, &item)) {
		struct kt_taint taint = {0};

		kt_json_string_sv(kt_json_member(item, "key"), &taint.key);
		kt_json_string_sv(kt_json_member(item, "value"), &taint.value);
		kt_json_string_sv(kt_json_member(item, "effect"), &taint.effect);
		kt_vec_push(&node->taints, taint);
	}
}

/* Takes the node's images out of the count, or puts them in. */
static void count_images(struct kt_snapshot *snapshot, const struct kt_node_info *node, int change)
{
	for (size_t i = 0; i < node->images.n; i++) {
		kt_auto_free char *name = kt_sv_dup(node->images.items[i].name);
		intptr_t n = (intptr_t)(uintptr_t)kt_map_get(&snapshot->image_nodes, name) + change;

		if (n > 0)
			kt_map_set(&snapshot->image_nodes, name, (void *)(uintptr_t)n);
		else
			kt_map_del(&snapshot->image_nodes, name);
	}
}

static void drop_images(struct kt_snapshot *snapshot, struct kt_node_info *node)
{
	count_images(snapshot, node, -1);
	node->images.n = 0;
}

static void read_images(
        struct kt_snapshot *snapshot, struct kt_node_info *node, struct kt_json_at status)
{
	struct kt_json_at list = kt_json_member(status, "images"), item, names, name;
	struct kt_json_iter it = {0};

	while (list.p && kt_json_next_element(list, &it, &item)) {
		struct kt_json_iter each = {0};
		struct kt_image image = {0};

		kt_json_int64(kt_json_member(item, "sizeBytes"), &image.size_bytes);
		names = kt_json_member(item, "names");
		while (names.p && kt_json_next_element(names, &each, &name))
			if (kt_json_string_sv(name, &image.name))
				kt_vec_push(&node->images, image);
	}
	count_images(snapshot, node, 1);
}

void kt_snapshot_set_namespace(struct kt_snapshot *snapshot, struct kt_object *object)
{
	kt_map_set_sv(&snapshot->namespaces, kt_object_name(object), kt_object_ref(object));
}

void kt_snapshot_remove_namespace(struct kt_snapshot *snapshot, struct kt_sv name)
{
	kt_auto_free char *key = kt_sv_dup(name);

	kt_map_del(&snapshot->namespaces, key);
}

void kt_snapshot_set_node(struct kt_snapshot *snapshot, struct kt_object *object)
{
	struct kt_node_info *node = get_or_add_node(snapshot, kt_object_name(object));
	struct kt_json_at doc = kt_object_doc(object), spec = kt_json_member(doc, "spec");
	struct kt_object *old = node->object;

	if (!old) {
		node->index = (uint32_t)snapshot->nodes.n;
		kt_vec_push(&snapshot->nodes, node);
	}
	drop_images(snapshot, node);
	node->object = kt_object_ref(object);
	kt_object_unref(old);
	read_images(snapshot, node, kt_json_member(doc, "status"));
	node->unschedulable = kt_json_bool(kt_json_member(spec, "unschedulable"), false);
	read_taints(node, spec);
	kt_resources_finish(&node->allocatable);
	node->allocatable = (struct kt_resources){0};
	kt_resources_add_json(&node->allocatable, kt_json_find(doc, "status", "allocatable", NULL));
}

static void drop_if_unused(struct kt_snapshot *snapshot, struct kt_node_info *node)
{
	if (!node->object && !node->pods.n)
		node_free(kt_map_take(&snapshot->nodes_by_name, node->name));
}

void kt_snapshot_remove_node(struct kt_snapshot *snapshot, struct kt_sv name)
{
	struct kt_node_info *node = kt_map_get_sv(&snapshot->nodes_by_name, name), *last;

	if (!node || !node->object)
		return;
	last = snapshot->nodes.items[--snapshot->nodes.n];
	last->index = node->index;
	snapshot->nodes.items[node->index] = last;
	node->taints.n = 0; /* they point into the object */
	drop_images(snapshot, node);
	kt_object_unref(kt_steal(&node->object));
	drop_if_unused(snapshot, node);
}

static void count_terms(struct kt_snapshot *snapshot, const struct kt_pod_info *pod, int change)
{
	bool any = false;

	for (int kind = 0; kind < KT_AFFINITY_KINDS; kind++)
		any |= pod->terms[kind].n > 0;
	if (any)
		snapshot->n_affinity_pods += (size_t)change;
	if (pod->terms[KT_ANTI_REQUIRED].n)
		snapshot->n_anti_affinity_pods += (size_t)change;
}

static void count_pod(struct kt_node_info *node, struct kt_pod_info *pod)
{
	pod->node = node;
	pod->node_slot = (uint32_t)node->pods.n;
	kt_vec_push(&node->pods, pod);
	kt_resources_add(&node->requested, &pod->requests);
	node->scored_milli_cpu += pod->scored_milli_cpu;
	node->scored_memory_bytes += pod->scored_memory_bytes;
}

static void uncount_pod(struct kt_pod_info *pod)
{
	struct kt_node_info *node = pod->node;
	struct kt_pod_info *last = node->pods.items[--node->pods.n];

	last->node_slot = pod->node_slot;
	node->pods.items[pod->node_slot] = last;
	kt_resources_sub(&node->requested, &pod->requests);
	node->scored_milli_cpu -= pod->scored_milli_cpu;
	node->scored_memory_bytes -= pod->scored_memory_bytes;
	pod->node = NULL;
}

void kt_snapshot_remove_pod(struct kt_snapshot *snapshot, struct kt_sv uid)
{
	struct kt_pod_info *pod = kt_map_get_sv(&snapshot->pods_by_uid, uid);
	kt_auto_free char *key = NULL;
	struct kt_node_info *node;

	if (!pod)
		return;
	node = pod->node;
	count_terms(snapshot, pod, -1);
	uncount_pod(pod);
	key = kt_sv_dup(uid);
	kt_pod_info_destroy(kt_map_take(&snapshot->pods_by_uid, key));
	drop_if_unused(snapshot, node);
}

static void add_pod(struct kt_snapshot *snapshot, struct kt_object *object,
        struct kt_node_info *node, bool assumed)
{
	struct kt_pod_info *pod = kt_pod_info_create(object);

	pod->assumed = assumed;
	count_pod(node ? node : get_or_add_node(snapshot, pod->node_name), pod);
	count_terms(snapshot, pod, 1);
	kt_map_set_sv(&snapshot->pods_by_uid, pod->uid, pod);
}

void kt_snapshot_set_pod(struct kt_snapshot *snapshot, struct kt_object *object)
{
	struct kt_sv uid = kt_object_uid(object), node_name = {0};

	kt_json_string_sv(kt_object_field(object, KT_SECTION_SPEC, "nodeName"), &node_name);
	if (!node_name.len) {
		struct kt_pod_info *pod = kt_map_get_sv(&snapshot->pods_by_uid, uid);

		if (pod && pod->assumed)
			return; /* an event from before our binding */
	}
	kt_snapshot_remove_pod(snapshot, uid);
	if (node_name.len && !kt_pod_has_ended(object))
		add_pod(snapshot, object, NULL, false);
}

void kt_snapshot_assume(
        struct kt_snapshot *snapshot, struct kt_object *object, struct kt_node_info *node)
{
	kt_assert(!kt_map_get_sv(&snapshot->pods_by_uid, kt_object_uid(object)));
	add_pod(snapshot, object, node, true);
}
