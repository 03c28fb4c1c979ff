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
	kt_vec_finish(&node->nominated);
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
	kt_map_init(&snapshot->images, free);
	kt_map_init(&snapshot->nominated, pod_free);
	kt_map_init(&snapshot->budgets, object_free);
	kt_owners_init(&snapshot->owners);
	kt_volumes_init(&snapshot->volumes);
	snapshot->tallies = kt_new(struct kt_tallies);
}

void kt_snapshot_finish(struct kt_snapshot *snapshot)
{
	kt_map_finish(&snapshot->pods_by_uid);
	kt_map_finish(&snapshot->nominated);
	kt_map_finish(&snapshot->nodes_by_name);
	kt_map_finish(&snapshot->budgets);
	kt_owners_finish(&snapshot->owners);
	kt_volumes_finish(&snapshot->volumes);
	kt_tallies_finish(snapshot->tallies);
	free(snapshot->tallies);
	kt_vec_finish(&snapshot->free_ids);
	kt_map_finish(&snapshot->namespaces);
	kt_map_finish(&snapshot->images);
	kt_vec_finish(&snapshot->nodes);
}

static struct kt_node_info *get_or_add_node(struct kt_snapshot *snapshot, struct kt_sv name)
{
	struct kt_node_info *node = kt_map_get_sv(&snapshot->nodes_by_name, name);

	if (!node) {
		node = kt_new(struct kt_node_info);
		node->name = kt_sv_dup(name);
		node->id = snapshot->free_ids.n ? snapshot->free_ids.items[--snapshot->free_ids.n]
		                                : snapshot->n_ids++;
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
		const struct kt_image *image = &node->images.items[i];
		struct kt_image_spread *spread = kt_map_get_sv(&snapshot->images, image->name);
		kt_auto_free char *name = NULL;

		if (!spread) {
			spread = kt_new(struct kt_image_spread);
			spread->size_bytes = image->size_bytes;
			kt_map_set_sv(&snapshot->images, image->name, spread);
		}
		spread->n_nodes += (size_t)change;
		if (spread->n_nodes)
			continue;
		name = kt_sv_dup(image->name);
		kt_map_del(&snapshot->images, name);
	}
}

static void drop_images(struct kt_snapshot *snapshot, struct kt_node_info *node)
{
	count_images(snapshot, node, -1);
	node->images.n = 0;
}

static bool has_image(const struct kt_node_info *node, struct kt_sv name)
{
	for (size_t i = 0; i < node->images.n; i++)
		if (kt_sv_eq(node->images.items[i].name, name))
			return true;
	return false;
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
			if (kt_json_string_sv(name, &image.name) && !has_image(node, image.name))
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
	kt_tallies_node(snapshot->tallies, node);
}

static void drop_if_unused(struct kt_snapshot *snapshot, struct kt_node_info *node)
{
	if (node->object || node->pods.n || node->nominated.n)
		return;
	kt_vec_push(&snapshot->free_ids, node->id);
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
	kt_tallies_node(snapshot->tallies, node);
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

void kt_snapshot_put(
        struct kt_snapshot *snapshot, struct kt_node_info *node, struct kt_pod_info *pod)
{
	kt_assert(!pod->node);
	pod->node = node;
	pod->node_slot = (uint32_t)node->pods.n;
	kt_vec_push(&node->pods, pod);
	kt_resources_add(&node->requested, &pod->requests);
	node->scored_milli_cpu += pod->scored_milli_cpu;
	node->scored_memory_bytes += pod->scored_memory_bytes;
	kt_tallies_pod(snapshot->tallies, pod, 1);
	for (size_t i = 0; i < pod->claims.n; i++)
		kt_volumes_use(&snapshot->volumes, pod->claims.items[i].key, 1);
}

void kt_snapshot_take(struct kt_snapshot *snapshot, struct kt_pod_info *pod)
{
	struct kt_node_info *node = pod->node;
	struct kt_pod_info *last = node->pods.items[--node->pods.n];

	last->node_slot = pod->node_slot;
	node->pods.items[pod->node_slot] = last;
	kt_resources_sub(&node->requested, &pod->requests);
	node->scored_milli_cpu -= pod->scored_milli_cpu;
	node->scored_memory_bytes -= pod->scored_memory_bytes;
	kt_tallies_pod(snapshot->tallies, pod, -1);
	for (size_t i = 0; i < pod->claims.n; i++)
		kt_volumes_use(&snapshot->volumes, pod->claims.items[i].key, -1);
	pod->node = NULL;
}

/* The pod counts nowhere any longer. */
static void uncount_pod(struct kt_snapshot *snapshot, struct kt_sv uid)
{
	struct kt_pod_info *pod = kt_map_get_sv(&snapshot->pods_by_uid, uid);
	kt_auto_free char *key = NULL;
	struct kt_node_info *node;

	if (!pod)
		return;
	node = pod->node;
	count_terms(snapshot, pod, -1);
	kt_snapshot_take(snapshot, pod);
	key = kt_sv_dup(uid);
	kt_pod_info_destroy(kt_map_take(&snapshot->pods_by_uid, key));
	drop_if_unused(snapshot, node);
}

static struct kt_pod_info *add_pod(struct kt_snapshot *snapshot, struct kt_object *object,
        struct kt_node_info *node, bool assumed)
{
	struct kt_pod_info *pod = kt_pod_info_create(object);

	pod->assumed = assumed;
	kt_snapshot_put(snapshot, node ? node : get_or_add_node(snapshot, pod->node_name), pod);
	count_terms(snapshot, pod, 1);
	kt_map_set_sv(&snapshot->pods_by_uid, pod->uid, pod);
	return pod;
}

static void drop_nomination(struct kt_snapshot *snapshot, struct kt_sv uid)
{
	kt_auto_free char *key = kt_sv_dup(uid);
	struct kt_pod_info *pod = kt_map_take(&snapshot->nominated, key);

	if (!pod)
		return;
	struct kt_node_info *node = kt_map_get_sv(&snapshot->nodes_by_name, pod->node_name);

	for (size_t i = 0; i < node->nominated.n; i++)
		if (node->nominated.items[i] == pod) {
			kt_vec_remove(&node->nominated, i);
			break;
		}
	drop_if_unused(snapshot, node);
	kt_pod_info_destroy(pod);
}

static void add_nomination(struct kt_snapshot *snapshot, struct kt_object *object,
        struct kt_sv node_name, bool assumed)
{
	struct kt_pod_info *pod = kt_pod_info_create(object);
	struct kt_node_info *node = get_or_add_node(snapshot, node_name);

	pod->assumed = assumed;
	pod->node_name = kt_sv_of(node->name);
	kt_vec_push(&node->nominated, pod);
	kt_map_set_sv(&snapshot->nominated, pod->uid, pod);
}

void kt_snapshot_nominate(
        struct kt_snapshot *snapshot, struct kt_object *pod, struct kt_node_info *node)
{
	drop_nomination(snapshot, kt_object_uid(pod));
	if (node)
		add_nomination(snapshot, pod, kt_sv_of(node->name), true);
}

/* What a pending pod's status says of its nominated node. Ours stays until the status has it. */
static void set_pending(struct kt_snapshot *snapshot, struct kt_object *object)
{
	struct kt_sv uid = kt_object_uid(object), name = kt_pod_nominated_node(object);
	const struct kt_pod_info *old = kt_map_get_sv(&snapshot->nominated, uid);

	if (kt_pod_has_ended(object) || (!name.len && !(old && old->assumed))) {
		drop_nomination(snapshot, uid);
		return;
	}
	bool assumed = !name.len;
	kt_auto_free char *node = name.len ? kt_sv_dup(name) : kt_sv_dup(old->node_name);

	drop_nomination(snapshot, uid);
	add_nomination(snapshot, object, kt_sv_of(node), assumed);
}

void kt_snapshot_remove_pod(struct kt_snapshot *snapshot, struct kt_sv uid)
{
	uncount_pod(snapshot, uid);
	drop_nomination(snapshot, uid);
}

void kt_snapshot_set_pod(struct kt_snapshot *snapshot, struct kt_object *object)
{
	struct kt_sv uid = kt_object_uid(object), node_name = {0};
	const struct kt_pod_info *pod = kt_map_get_sv(&snapshot->pods_by_uid, uid);

	kt_json_string_sv(kt_object_field(object, KT_SECTION_SPEC, "nodeName"), &node_name);
	if (node_name.len) {
		bool preempted = pod && pod->preempted;

		kt_snapshot_remove_pod(snapshot, uid);
		if (!kt_pod_has_ended(object))
			add_pod(snapshot, object, NULL, false)->preempted = preempted;
	} else if (!pod || !pod->assumed) { /* else an event from before our binding */
		uncount_pod(snapshot, uid);
		set_pending(snapshot, object);
	}
}

void kt_snapshot_assume(
        struct kt_snapshot *snapshot, struct kt_object *object, struct kt_node_info *node)
{
	kt_assert(!kt_map_get_sv(&snapshot->pods_by_uid, kt_object_uid(object)));
	drop_nomination(snapshot, kt_object_uid(object));
	add_pod(snapshot, object, node, true);
}

static char *budget_key(const struct kt_object *budget)
{
	return kt_asprintf(
	        "%.*s/%.*s", KT_SVP(kt_object_namespace(budget)), KT_SVP(kt_object_name(budget)));
}

void kt_snapshot_set_budget(struct kt_snapshot *snapshot, struct kt_object *budget)
{
	kt_auto_free char *key = budget_key(budget);

	kt_map_set(&snapshot->budgets, key, kt_object_ref(budget));
}

void kt_snapshot_remove_budget(struct kt_snapshot *snapshot, const struct kt_object *budget)
{
	kt_auto_free char *key = budget_key(budget);

	kt_map_del(&snapshot->budgets, key);
}
