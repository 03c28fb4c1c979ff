/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VolumeZone: a volume with zone or region labels is reached only from nodes of that zone. */
#include "cluster/scheduler/plugin.h"

#define ZONE "topology.kubernetes.io/zone"
#define REGION "topology.kubernetes.io/region"

static const struct {
	const char *key, *newer; /* the newer name of an old label */
} labels[] = {
        {"failure-domain.beta.kubernetes.io/zone", ZONE},
        {"failure-domain.beta.kubernetes.io/region", REGION},
        {ZONE, ZONE},
        {REGION, REGION},
};

struct wanted {
	size_t label;        /* of the table */
	struct kt_sv values; /* "a__b": one of them */
};

struct zones {
	struct wanted *items;
	size_t n;
};

static enum kt_plugin_code fail(struct kt_reasons *reasons, const char *text)
{
	kt_vec_push(&reasons->texts, text);
	return KT_PLUGIN_UNRESOLVABLE;
}

/* A claim without a volume yet: fine when it waits for its first consumer. */
static enum kt_plugin_code check_unbound(
        struct kt_cycle *cycle, const struct kt_object *claim, struct kt_reasons *reasons)
{
	struct kt_sv name = kt_claim_class_name(claim);
	const struct kt_object *class;

	if (!name.len)
		return fail(reasons, "PersistentVolumeClaim had no pv name and storageClass name");
	class = kt_volumes_get(&cycle->snapshot->volumes, KT_VOLUME_CLASSES, name);
	if (!class)
		return fail(reasons,
		        kt_arena_printf(cycle->arena,
		                "storageclass.storage.k8s.io \"%.*s\" not found", KT_SVP(name)));
	return kt_class_waits(class) ? KT_PLUGIN_OK : fail(reasons, "PersistentVolume had no name");
}

static enum kt_plugin_code read_claim(struct kt_cycle *cycle, const struct kt_object *claim,
        struct zones *zones, struct kt_reasons *reasons)
{
	struct kt_sv name = kt_claim_volume_name(claim), value;
	const struct kt_object *volume;

	if (!name.len)
		return check_unbound(cycle, claim, reasons);
	volume = kt_volumes_get(&cycle->snapshot->volumes, KT_VOLUME_VOLUMES, name);
	if (!volume)
		return fail(reasons, kt_arena_printf(cycle->arena,
		                             "persistentvolume \"%.*s\" not found", KT_SVP(name)));
	for (size_t i = 0; i < KT_ARRAY_SIZE(labels); i++)
		if (kt_object_label(volume, kt_sv_of(labels[i].key), &value))
			zones->items[zones->n++] = (struct wanted){i, value};
	return KT_PLUGIN_OK;
}

static enum kt_plugin_code pre_filter(
        struct kt_cycle *cycle, void **state, struct kt_reasons *reasons)
{
	const struct kt_pod_info *pod = cycle->pod;
	struct zones *zones;

	if (!pod->claims.n)
		return KT_PLUGIN_SKIP;
	zones = kt_arena_new(cycle->arena, struct zones);
	*state = zones;
	zones->items = kt_arena_alloc(
	        cycle->arena, pod->claims.n * KT_ARRAY_SIZE(labels) * sizeof(*zones->items));
	for (size_t i = 0; i < pod->claims.n; i++) {
		const struct kt_object *claim = kt_volumes_get(&cycle->snapshot->volumes,
		        KT_VOLUME_CLAIMS, kt_sv_of(pod->claims.items[i].key));

		if (pod->claims.items[i].ephemeral)
			continue;
		enum kt_plugin_code code =
		        claim ? read_claim(cycle, claim, zones, reasons)
		              : fail(reasons, kt_arena_printf(cycle->arena,
		                                      "persistentvolumeclaim \"%s\" not found",
		                                      pod->claims.items[i].name));

		if (code != KT_PLUGIN_OK)
			return code;
	}
	return zones->n ? KT_PLUGIN_OK : KT_PLUGIN_SKIP;
}

static bool one_of(struct kt_sv values, struct kt_sv have)
{
	while (values.len) {
		const char *end = memmem(values.p, values.len, "__", 2);
		size_t len = end ? (size_t)(end - values.p) : values.len;

		if (kt_sv_eq((struct kt_sv){values.p, len}, have))
			return true;
		if (!end)
			return false;
		values = (struct kt_sv){end + 2, values.len - len - 2};
	}
	return false;
}

static bool in_some_zone(const struct kt_node_info *node)
{
	struct kt_sv value;

	for (size_t i = 0; i < KT_ARRAY_SIZE(labels); i++)
		if (kt_object_label(node->object, kt_sv_of(labels[i].key), &value))
			return true;
	return false;
}

static enum kt_plugin_code filter(struct kt_cycle *cycle, void *state,
        const struct kt_node_info *node, struct kt_reasons *reasons)
{
	const struct zones *zones = state;

	(void)cycle;
	/* A cluster without zones: the labels mean nothing there. */
	if (!in_some_zone(node))
		return KT_PLUGIN_OK;
	for (size_t i = 0; i < zones->n; i++) {
		const struct wanted *wanted = &zones->items[i];
		struct kt_sv have;

		if ((kt_object_label(node->object, kt_sv_of(labels[wanted->label].key), &have) ||
		            kt_object_label(
		                    node->object, kt_sv_of(labels[wanted->label].newer), &have)) &&
		        one_of(wanted->values, have))
			continue;
		return fail(reasons, "node(s) had no available volume zone");
	}
	return KT_PLUGIN_OK;
}

const struct kt_plugin kt_plugin_volume_zone = {
        .name = "VolumeZone",
        .wakes = KT_EVENT_NODE_ADDED | KT_EVENT_NODE_LABELS | KT_EVENT_VOLUME,
        .pre_filter = pre_filter,
        .filter = filter,
};
