/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VolumeRestrictions: disks that two pods of a node may not share, and claims of access mode
 * ReadWriteOncePod, which one pod of the cluster may use at a time (KEP-2485). */
#include "cluster/scheduler/plugin.h"

struct restrictions {
	KT_VEC(const char *) exclusive; /* keys of the pod's ReadWriteOncePod claims */
	size_t n_in_use;
};

static enum kt_plugin_code pre_filter(
        struct kt_cycle *cycle, void **state, struct kt_reasons *reasons)
{
	const struct kt_volumes *volumes = &cycle->snapshot->volumes;
	const struct kt_pod_info *pod = cycle->pod;
	struct restrictions *own;

	if (!pod->claims.n)
		return pod->has_disks ? KT_PLUGIN_OK : KT_PLUGIN_SKIP;
	own = kt_arena_new(cycle->arena, struct restrictions);
	*state = own;
	for (size_t i = 0; i < pod->claims.n; i++) {
		const char *key = pod->claims.items[i].key;
		const struct kt_object *claim =
		        kt_volumes_get(volumes, KT_VOLUME_CLAIMS, kt_sv_of(key));

		if (pod->claims.items[i].ephemeral)
			continue; /* no other pod uses it; VolumeBinding asks whether it is there */
		if (!claim) {
			kt_vec_push(
			        &reasons->texts, kt_arena_printf(cycle->arena,
			                                 "persistentvolumeclaim \"%s\" not found",
			                                 pod->claims.items[i].name));
			return KT_PLUGIN_UNRESOLVABLE;
		}
		if (!kt_claim_has_mode(claim, "ReadWriteOncePod"))
			continue;
		kt_vec_push(&own->exclusive, key);
		own->n_in_use += kt_volumes_uses(volumes, key);
	}
	return own->n_in_use || pod->has_disks ? KT_PLUGIN_OK : KT_PLUGIN_SKIP;
}

static void finish(struct kt_cycle *cycle, void *state)
{
	struct restrictions *own = state;

	(void)cycle;
	if (own)
		kt_vec_finish(&own->exclusive);
}

static void pod_changed(struct kt_cycle *cycle, void *state, const struct kt_node_info *node,
        const struct kt_pod_info *pod, int change)
{
	struct restrictions *own = state;

	(void)cycle;
	(void)node;
	for (size_t i = 0; own && i < own->exclusive.n; i++)
		for (size_t c = 0; c < pod->claims.n; c++)
			if (kt_streq(own->exclusive.items[i], pod->claims.items[c].key))
				own->n_in_use += (size_t)change;
}

static bool same(struct kt_json_at a, struct kt_json_at b, const char *key)
{
	struct kt_sv x = {0}, y = {0};

	kt_json_string_sv(kt_json_member(a, key), &x);
	kt_json_string_sv(kt_json_member(b, key), &y);
	return kt_sv_eq(x, y);
}

static bool both_read(struct kt_json_at a, struct kt_json_at b)
{
	return kt_json_bool(kt_json_member(a, "readOnly"), false) &&
	       kt_json_bool(kt_json_member(b, "readOnly"), false);
}

static bool share_monitor(struct kt_json_at a, struct kt_json_at b)
{
	struct kt_json_at x = kt_json_member(a, "monitors"), y = kt_json_member(b, "monitors");
	struct kt_json_iter i = {0};
	struct kt_json_at one, other;
	struct kt_sv left, right;

	while (x.p && kt_json_next_element(x, &i, &one)) {
		struct kt_json_iter j = {0};

		while (y.p && kt_json_next_element(y, &j, &other))
			if (kt_json_string_sv(one, &left) && kt_json_string_sv(other, &right) &&
			        kt_sv_eq(left, right))
				return true;
	}
	return false;
}

static bool pool_is(struct kt_json_at rbd, const char *pool)
{
	struct kt_json_at at = kt_json_member(rbd, "pool");

	return at.p ? kt_json_string_is(at, pool) : kt_streq(pool, "rbd");
}

static bool same_pool(struct kt_json_at a, struct kt_json_at b)
{
	struct kt_json_at at = kt_json_member(a, "pool");
	kt_auto_free char *pool = at.p ? kt_json_string_dup(at) : kt_strdup("rbd");

	return pool && pool_is(b, pool);
}

static bool volumes_conflict(struct kt_json_at a, struct kt_json_at b)
{
	struct kt_json_at x = kt_json_member(a, "gcePersistentDisk"),
	                  y = kt_json_member(b, "gcePersistentDisk");

	if (x.p && y.p && same(x, y, "pdName") && !both_read(x, y))
		return true;
	x = kt_json_member(a, "awsElasticBlockStore");
	y = kt_json_member(b, "awsElasticBlockStore");
	if (x.p && y.p && same(x, y, "volumeID"))
		return true;
	x = kt_json_member(a, "iscsi");
	y = kt_json_member(b, "iscsi");
	if (x.p && y.p && same(x, y, "iqn") && !both_read(x, y))
		return true;
	x = kt_json_member(a, "rbd");
	y = kt_json_member(b, "rbd");
	return x.p && y.p && share_monitor(x, y) && same_pool(x, y) && same(x, y, "image") &&
	       !both_read(x, y);
}

static bool pods_conflict(const struct kt_pod_info *a, const struct kt_pod_info *b)
{
	struct kt_json_at mine = kt_json_member(a->spec, "volumes"),
	                  theirs = kt_json_member(b->spec, "volumes"), one, other;
	struct kt_json_iter i = {0};

	while (mine.p && kt_json_next_element(mine, &i, &one)) {
		struct kt_json_iter j = {0};

		while (theirs.p && kt_json_next_element(theirs, &j, &other))
			if (volumes_conflict(one, other))
				return true;
	}
	return false;
}

static enum kt_plugin_code filter(struct kt_cycle *cycle, void *state,
        const struct kt_node_info *node, struct kt_reasons *reasons)
{
	const struct restrictions *own = state;

	for (size_t i = 0; cycle->pod->has_disks && i < node->pods.n; i++) {
		const struct kt_pod_info *other = node->pods.items[i];

		if (!other->has_disks || !pods_conflict(cycle->pod, other))
			continue;
		kt_vec_push(&reasons->texts, "node(s) had no available disk");
		return KT_PLUGIN_UNSCHEDULABLE;
	}
	if (!own || !own->n_in_use)
		return KT_PLUGIN_OK;
	kt_vec_push(&reasons->texts,
	        "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access "
	        "mode already in-use by another pod");
	return KT_PLUGIN_UNSCHEDULABLE;
}

const struct kt_plugin kt_plugin_volume_restrictions = {
        .name = "VolumeRestrictions",
        .wakes = KT_EVENT_NODE_ADDED | KT_EVENT_POD_REMOVED | KT_EVENT_VOLUME,
        .pre_filter = pre_filter,
        .filter = filter,
        .pod_changed = pod_changed,
        .finish = finish,
};
