/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * NodeVolumeLimits: how many volumes of a CSI driver a node takes, as its CSINode says. A volume
 * that several pods of the node use counts once.
 */
#include "cluster/scheduler/plugin.h"

#include "api/client/sections.h"

/* A volume that a claim stands for: one of a driver. */
struct volume {
	struct kt_sv driver, handle;
};

struct volumes {
	struct volume *items; /* arena memory */
	size_t n;
};

/* The driver that has made the claim's volume, or will make it. */
static bool volume_of(const struct kt_volumes *all, const char *key, struct volume *ret_volume)
{
	const struct kt_object *claim = kt_volumes_get(all, KT_VOLUME_CLAIMS, kt_sv_of(key)),
	                       *object;
	struct kt_sv name;
	struct kt_json_at csi;

	if (!claim)
		return false;
	name = kt_claim_volume_name(claim);
	object = name.len ? kt_volumes_get(all, KT_VOLUME_VOLUMES, name) : NULL;
	if (object) {
		csi = kt_object_field(object, KT_SECTION_SPEC, "csi");
		return csi.p &&
		       kt_json_string_sv(kt_json_member(csi, "driver"), &ret_volume->driver) &&
		       kt_json_string_sv(kt_json_member(csi, "volumeHandle"), &ret_volume->handle);
	}
	name = kt_claim_class_name(claim);
	object = name.len ? kt_volumes_get(all, KT_VOLUME_CLASSES, name) : NULL;
	ret_volume->handle = kt_sv_of(key); /* as good as any that no other claim has */
	return object && kt_json_string_sv(kt_json_member(kt_object_doc(object), "provisioner"),
	                         &ret_volume->driver);
}

static void add_volumes(const struct kt_volumes *all, const struct kt_pod_info *pod,
        struct volumes *volumes, const struct volumes *but)
{
	for (size_t i = 0; i < pod->claims.n; i++) {
		struct volume volume;
		bool known = false;

		if (!volume_of(all, pod->claims.items[i].key, &volume))
			continue;
		for (size_t v = 0; v < volumes->n; v++)
			known |= kt_sv_eq(volumes->items[v].driver, volume.driver) &&
			         kt_sv_eq(volumes->items[v].handle, volume.handle);
		for (size_t v = 0; but && v < but->n; v++)
			known |= kt_sv_eq(but->items[v].driver, volume.driver) &&
			         kt_sv_eq(but->items[v].handle, volume.handle);
		if (!known)
			volumes->items[volumes->n++] = volume;
	}
}

static enum kt_plugin_code pre_filter(
        struct kt_cycle *cycle, void **state, struct kt_reasons *reasons)
{
	(void)state;
	(void)reasons;
	return cycle->pod->claims.n ? KT_PLUGIN_OK : KT_PLUGIN_SKIP;
}

static size_t count(const struct volumes *volumes, struct kt_sv driver)
{
	size_t n = 0;

	for (size_t i = 0; i < volumes->n; i++)
		n += kt_sv_eq(volumes->items[i].driver, driver);
	return n;
}

/* What the pods of the node use already. */
static struct volumes attached(struct kt_cycle *cycle, const struct kt_node_info *node)
{
	struct volumes volumes = {0};
	size_t max = 0;

	for (size_t i = 0; i < node->pods.n; i++)
		max += node->pods.items[i]->claims.n;
	volumes.items = kt_arena_alloc(cycle->arena, (max + 1) * sizeof(*volumes.items));
	for (size_t i = 0; i < node->pods.n; i++)
		add_volumes(&cycle->snapshot->volumes, node->pods.items[i], &volumes, NULL);
	return volumes;
}

static enum kt_plugin_code filter(struct kt_cycle *cycle, void *state,
        const struct kt_node_info *node, struct kt_reasons *reasons)
{
	const struct kt_object *csi_node = kt_volumes_get(
	        &cycle->snapshot->volumes, KT_VOLUME_CSI_NODES, kt_sv_of(node->name));
	struct kt_json_at list, item;
	struct kt_json_iter it = {0};
	struct volumes here, more = {0};
	struct kt_sv driver;
	int64_t limit;

	(void)state;
	if (!csi_node)
		return KT_PLUGIN_OK;
	here = attached(cycle, node);
	more.items = kt_arena_alloc(cycle->arena, cycle->pod->claims.n * sizeof(*more.items));
	add_volumes(&cycle->snapshot->volumes, cycle->pod, &more, &here);
	list = kt_object_field(csi_node, KT_SECTION_SPEC, "drivers");
	while (list.p && kt_json_next_element(list, &it, &item)) {
		if (!kt_json_string_sv(kt_json_member(item, "name"), &driver) ||
		        !kt_json_int64(kt_json_find(item, "allocatable", "count", NULL), &limit) ||
		        !count(&more, driver))
			continue;
		if ((int64_t)(count(&here, driver) + count(&more, driver)) <= limit)
			continue;
		kt_vec_push(&reasons->texts, "node(s) exceed max volume count");
		return KT_PLUGIN_UNSCHEDULABLE;
	}
	return KT_PLUGIN_OK;
}

const struct kt_plugin kt_plugin_node_volume_limits = {
        .name = "NodeVolumeLimits",
        .wakes = KT_EVENT_NODE_ADDED | KT_EVENT_POD_REMOVED | KT_EVENT_VOLUME,
        .pre_filter = pre_filter,
        .filter = filter,
};
