/* SPDX-License-Identifier: GPL-3.0-or-later */
/* NodeAffinity: nodeSelector and nodeAffinity, required and preferred. */
#include "cluster/scheduler/plugin.h"

static bool value_in(struct kt_json_at values, struct kt_sv text)
{
	struct kt_json_iter it = {0};
	struct kt_json_at item;
	struct kt_sv value;

	while (values.p && kt_json_next_element(values, &it, &item))
		if (kt_json_string_sv(item, &value) && kt_sv_eq(value, text))
			return true;
	return false;
}

static bool compare_number(struct kt_json_at values, struct kt_sv have, bool greater)
{
	struct kt_json_iter it = {0};
	struct kt_json_at item;
	struct kt_sv text;
	int64_t a, b;

	if (!kt_json_next_element(values, &it, &item) || !kt_json_string_sv(item, &text))
		return false;
	if (kt_sv_int64(have, &a) < 0 || kt_sv_int64(text, &b) < 0)
		return false;
	return greater ? a > b : a < b;
}

static bool requirement_matches(struct kt_json_at requirement, bool present, struct kt_sv have)
{
	struct kt_json_at values = kt_json_member(requirement, "values");
	struct kt_sv operator= {0};

	kt_json_string_sv(kt_json_member(requirement, "operator"), &operator);
	if (kt_sv_is(operator, "Exists"))
		return present;
	if (kt_sv_is(operator, "DoesNotExist"))
		return !present;
	if (kt_sv_is(operator, "NotIn"))
		return !present || !value_in(values, have);
	if (!present)
		return false;
	if (kt_sv_is(operator, "In"))
		return value_in(values, have);
	if (kt_sv_is(operator, "Gt"))
		return compare_number(values, have, true);
	return kt_sv_is(operator, "Lt") && compare_number(values, have, false);
}

static bool requirements_match(
        struct kt_json_at list, const struct kt_object *node, bool fields, size_t *n)
{
	struct kt_json_iter it = {0};
	struct kt_json_at item;

	while (list.p && kt_json_next_element(list, &it, &item)) {
		struct kt_sv key = {0}, have = {0};
		bool present;

		(*n)++;
		kt_json_string_sv(kt_json_member(item, "key"), &key);
		if (fields) {
			present = kt_sv_is(key, "metadata.name");
			have = kt_object_name(node);
		} else {
			present = kt_object_label(node, key, &have);
		}
		if (!requirement_matches(item, present, have))
			return false;
	}
	return true;
}

bool kt_node_selector_term_matches(struct kt_json_at term, const struct kt_object *node)
{
	size_t n = 0;

	/* An empty term matches nothing. */
	return requirements_match(kt_json_member(term, "matchExpressions"), node, false, &n) &&
	       requirements_match(kt_json_member(term, "matchFields"), node, true, &n) && n > 0;
}

bool kt_node_selector_matches(struct kt_json_at node_selector, const struct kt_object *node)
{
	struct kt_json_at terms = kt_json_member(node_selector, "nodeSelectorTerms"), term;
	struct kt_json_iter it = {0};

	while (terms.p && kt_json_next_element(terms, &it, &term))
		if (kt_node_selector_term_matches(term, node))
			return true;
	return false;
}

static bool labels_match(struct kt_json_at selector, const struct kt_object *node)
{
	struct kt_json_iter it = {0};
	struct kt_json_at value;
	struct kt_sv key, want, have;

	while (selector.p && kt_json_next_member(selector, &it, &key, &value))
		if (!kt_json_string_sv(value, &want) || !kt_object_label(node, key, &have) ||
		        !kt_sv_eq(want, have))
			return false;
	return true;
}

static const char *const required_key = "requiredDuringSchedulingIgnoredDuringExecution";
static const char *const preferred_key = "preferredDuringSchedulingIgnoredDuringExecution";

static struct kt_json_at node_affinity(const struct kt_pod_info *pod)
{
	return pod->affinity.p ? kt_json_member(pod->affinity, "nodeAffinity")
	                       : (struct kt_json_at){0};
}

typedef KT_VEC(struct kt_sv) names;

static bool has_name(const names *list, struct kt_sv name)
{
	for (size_t i = 0; i < list->n; i++)
		if (kt_sv_eq(list->items[i], name))
			return true;
	return false;
}

static void read_values(struct kt_json_at requirement, names *out)
{
	struct kt_json_at values = kt_json_member(requirement, "values"), item;
	struct kt_json_iter it = {0};
	struct kt_sv name;

	while (values.p && kt_json_next_element(values, &it, &item))
		if (kt_json_string_sv(item, &name) && !has_name(out, name))
			kt_vec_push(out, name);
}

/* Adds the nodes that a term names (metadata.name In …); false when it names none. */
static bool term_names(struct kt_json_at term, names *all)
{
	struct kt_json_at fields = kt_json_member(term, "matchFields"), item;
	struct kt_json_iter it = {0};
	names own = {0};
	bool any = false;

	while (fields.p && kt_json_next_element(fields, &it, &item)) {
		names here = {0};
		size_t kept = 0;

		if (!kt_json_string_is(kt_json_member(item, "key"), "metadata.name") ||
		        !kt_json_string_is(kt_json_member(item, "operator"), "In"))
			continue;
		read_values(item, any ? &here : &own);
		for (size_t i = 0; any && i < own.n; i++)
			if (has_name(&here, own.items[i]))
				own.items[kept++] = own.items[i];
		if (any)
			own.n = kept;
		any = true;
		kt_vec_finish(&here);
	}
	for (size_t i = 0; i < own.n; i++)
		if (!has_name(all, own.items[i]))
			kt_vec_push(all, own.items[i]);
	kt_vec_finish(&own);
	return any;
}

/* The names when every term names nodes: a DaemonSet's pod need not be tried on all. */
static bool all_names(struct kt_json_at required, names *ret_names)
{
	struct kt_json_at terms = kt_json_member(required, "nodeSelectorTerms"), term;
	struct kt_json_iter it = {0};
	bool any = false;

	while (terms.p && kt_json_next_element(terms, &it, &term)) {
		if (!term_names(term, ret_names))
			return false;
		any = true;
	}
	return any;
}

static enum kt_plugin_code pre_filter(
        struct kt_cycle *cycle, void **state, struct kt_reasons *reasons)
{
	struct kt_json_at affinity = node_affinity(cycle->pod), required = {0};
	enum kt_plugin_code code = KT_PLUGIN_OK;
	names list = {0};

	(void)state;
	if (affinity.p)
		required = kt_json_member(affinity, required_key);
	if (!cycle->pod->node_selector.p && !required.p)
		return KT_PLUGIN_SKIP;
	if (required.p && all_names(required, &list)) {
		cycle->narrowed = list.n > 0;
		cycle->only = kt_arena_alloc(cycle->arena, (list.n + 1) * sizeof(*cycle->only));
		for (size_t i = 0; i < list.n; i++) {
			struct kt_node_info *node =
			        kt_map_get_sv(&cycle->snapshot->nodes_by_name, list.items[i]);

			if (node && node->object)
				cycle->only[cycle->n_only++] = node;
		}
		if (!list.n) {
			kt_vec_push(&reasons->texts, "pod affinity terms conflict");
			code = KT_PLUGIN_UNRESOLVABLE;
		}
	}
	kt_vec_finish(&list);
	return code;
}

bool kt_node_affinity_allows(const struct kt_pod_info *pod, const struct kt_object *node)
{
	struct kt_json_at affinity = node_affinity(pod);
	struct kt_json_at required =
	        affinity.p ? kt_json_member(affinity, required_key) : (struct kt_json_at){0};

	return labels_match(pod->node_selector, node) &&
	       (!required.p || kt_node_selector_matches(required, node));
}

static enum kt_plugin_code filter(struct kt_cycle *cycle, void *state,
        const struct kt_node_info *node, struct kt_reasons *reasons)
{
	(void)state;
	if (kt_node_affinity_allows(cycle->pod, node->object))
		return KT_PLUGIN_OK;
	kt_vec_push(&reasons->texts, "node(s) didn't match Pod's node affinity/selector");
	return KT_PLUGIN_UNRESOLVABLE;
}

static enum kt_plugin_code pre_score(
        struct kt_cycle *cycle, void **state, struct kt_node_info *const *nodes, size_t n)
{
	struct kt_json_at affinity = node_affinity(cycle->pod);

	(void)state;
	(void)nodes;
	(void)n;
	return affinity.p && kt_json_member(affinity, preferred_key).p ? KT_PLUGIN_OK
	                                                               : KT_PLUGIN_SKIP;
}

static int64_t score(struct kt_cycle *cycle, void *state, const struct kt_node_info *node)
{
	struct kt_json_at list = kt_json_member(node_affinity(cycle->pod), preferred_key), item;
	struct kt_json_iter it = {0};
	int64_t sum = 0, weight;

	(void)state;
	while (kt_json_next_element(list, &it, &item))
		if (kt_json_int64(kt_json_member(item, "weight"), &weight) &&
		        kt_node_selector_term_matches(
		                kt_json_member(item, "preference"), node->object))
			sum += weight;
	return sum;
}

static void normalize(struct kt_cycle *cycle, void *state, struct kt_node_info *const *nodes,
        int64_t *scores, size_t n)
{
	(void)cycle;
	(void)state;
	(void)nodes;
	kt_normalize_scores(scores, n, false);
}

const struct kt_plugin kt_plugin_node_affinity = {
        .name = "NodeAffinity",
        .weight = 2,
        .wakes = KT_EVENT_NODE_ADDED | KT_EVENT_NODE_LABELS,
        .pre_filter = pre_filter,
        .filter = filter,
        .pre_score = pre_score,
        .score = score,
        .normalize = normalize,
};
