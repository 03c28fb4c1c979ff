/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ImageLocality: prefers nodes that have the pod's images, those it mounts as volumes included; an
 * image that few nodes have counts less, lest all pods gather there. */
#include "cluster/scheduler/plugin.h"

#define MIB (INT64_C(1) << 20)
#define MIN_BYTES (23 * MIB)
#define MAX_BYTES_PER_CONTAINER (1000 * MIB)

/* A name without a tag means :latest. */
static const char *normalized(struct kt_arena *arena, struct kt_sv image)
{
	const char *colon = memrchr(image.p, ':', image.len),
	           *slash = memrchr(image.p, '/', image.len);

	if (colon && (!slash || colon > slash))
		return kt_arena_strndup(arena, image.p, image.len);
	return kt_arena_printf(arena, "%.*s:latest", (int)image.len, image.p);
}

struct wanted {
	size_t n, n_containers;
	struct {
		const char *name;
		int64_t scaled_bytes; /* by the share of nodes that have it */
	} images[];
};

static void add_image(struct kt_cycle *cycle, struct kt_sv image, struct wanted *wanted)
{
	const char *name = normalized(cycle->arena, image);
	const struct kt_image_spread *spread = kt_map_get(&cycle->snapshot->images, name);

	if (!spread)
		return;
	wanted->images[wanted->n].name = name;
	wanted->images[wanted->n++].scaled_bytes =
	        (int64_t)((double)spread->size_bytes *
	                  ((double)spread->n_nodes / (double)cycle->snapshot->nodes.n));
}

static void add_containers(struct kt_cycle *cycle, const char *field, struct wanted *wanted)
{
	struct kt_json_at list = kt_json_member(cycle->pod->spec, field), item;
	struct kt_json_iter it = {0};
	struct kt_sv image;

	while (list.p && kt_json_next_element(list, &it, &item)) {
		wanted->n_containers++;
		if (kt_json_string_sv(kt_json_member(item, "image"), &image))
			add_image(cycle, image, wanted);
	}
}

static void add_volumes(struct kt_cycle *cycle, struct wanted *wanted)
{
	struct kt_json_at list = kt_json_member(cycle->pod->spec, "volumes"), item, image;
	struct kt_json_iter it = {0};
	struct kt_sv reference;

	while (list.p && kt_json_next_element(list, &it, &item)) {
		image = kt_json_member(item, "image");
		if (image.p && kt_json_string_sv(kt_json_member(image, "reference"), &reference))
			add_image(cycle, reference, wanted);
	}
}

static size_t count(struct kt_json_at list)
{
	struct kt_json_iter it = {0};
	struct kt_json_at item;
	size_t n = 0;

	while (list.p && kt_json_next_element(list, &it, &item))
		n++;
	return n;
}

static enum kt_plugin_code pre_score(
        struct kt_cycle *cycle, void **state, struct kt_node_info *const *nodes, size_t n)
{
	size_t max = count(kt_json_member(cycle->pod->spec, "containers")) +
	             count(kt_json_member(cycle->pod->spec, "initContainers")) +
	             count(kt_json_member(cycle->pod->spec, "volumes"));
	struct wanted *wanted =
	        kt_arena_alloc(cycle->arena, sizeof(*wanted) + max * sizeof(wanted->images[0]));

	(void)nodes;
	(void)n;
	add_containers(cycle, "initContainers", wanted);
	add_containers(cycle, "containers", wanted);
	add_volumes(cycle, wanted);
	*state = wanted;
	return KT_PLUGIN_OK;
}

static bool has_image(const struct kt_node_info *node, const char *name)
{
	for (size_t i = 0; i < node->images.n; i++)
		if (kt_sv_is(node->images.items[i].name, name))
			return true;
	return false;
}

static int64_t score(struct kt_cycle *cycle, void *state, const struct kt_node_info *node)
{
	const struct wanted *wanted = state;
	int64_t sum = 0, max = MAX_BYTES_PER_CONTAINER * (int64_t)wanted->n_containers;

	(void)cycle;
	for (size_t i = 0; i < wanted->n && node->images.n; i++)
		if (has_image(node, wanted->images[i].name))
			sum += wanted->images[i].scaled_bytes;
	sum = KT_MIN(KT_MAX(sum, MIN_BYTES), max);
	return max > MIN_BYTES ? KT_SCORE_MAX * (sum - MIN_BYTES) / (max - MIN_BYTES) : 0;
}

const struct kt_plugin kt_plugin_image_locality = {
        .name = "ImageLocality",
        .weight = 1,
        .pre_score = pre_score,
        .score = score,
};
