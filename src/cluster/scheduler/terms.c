/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cluster/scheduler/terms.h"

#include "base/json.h"

static char *string_dup(struct kt_json_at object, const char *key)
{
	char *text = kt_json_string_dup(kt_json_member(object, key));

	return text ? text : kt_strdup("");
}

static struct kt_selector *read_selector(struct kt_json_at at)
{
	kt_auto_json json_t *tree = at.p ? kt_json_tree(at) : NULL;
	struct kt_selector *selector = NULL;

	/* the API server has checked it */
	return kt_selector_of_json(tree, &selector, NULL) < 0 ? NULL : selector;
}

static void read_term(
        struct kt_json_at at, struct kt_sv own_namespace, int32_t weight, kt_affinity_terms *terms)
{
	struct kt_affinity_term term = {.weight = weight};
	struct kt_json_at list = kt_json_member(at, "namespaces"),
	                  selector = kt_json_member(at, "namespaceSelector"), item;
	struct kt_json_iter it = {0};

	term.selector = read_selector(kt_json_member(at, "labelSelector"));
	term.topology_key = string_dup(at, "topologyKey");
	while (list.p && kt_json_next_element(list, &it, &item))
		kt_vec_push(&term.namespaces, kt_json_string_dup(item));
	if (selector.p)
		term.namespace_selector = read_selector(selector);
	else if (!term.namespaces.n)
		kt_vec_push(&term.namespaces, kt_sv_dup(own_namespace));
	kt_vec_push(terms, term);
}

static void read_terms(struct kt_json_at affinity, struct kt_sv namespace,
        kt_affinity_terms *required, kt_affinity_terms *preferred)
{
	struct kt_json_at list = kt_json_member(
	                          affinity, "requiredDuringSchedulingIgnoredDuringExecution"),
	                  item;
	struct kt_json_iter it = {0};

	while (list.p && kt_json_next_element(list, &it, &item))
		read_term(item, namespace, 0, required);
	list = kt_json_member(affinity, "preferredDuringSchedulingIgnoredDuringExecution");
	it = (struct kt_json_iter){0};
	while (list.p && kt_json_next_element(list, &it, &item)) {
		int64_t weight = 0;

		kt_json_int64(kt_json_member(item, "weight"), &weight);
		read_term(kt_json_member(item, "podAffinityTerm"), namespace, (int32_t)weight,
		        preferred);
	}
}

void kt_affinity_terms_read(struct kt_json_at affinity, struct kt_sv namespace,
        kt_affinity_terms terms[KT_AFFINITY_KINDS])
{
	if (!affinity.p)
		return;
	read_terms(kt_json_member(affinity, "podAffinity"), namespace, &terms[KT_AFFINITY_REQUIRED],
	        &terms[KT_AFFINITY_PREFERRED]);
	read_terms(kt_json_member(affinity, "podAntiAffinity"), namespace, &terms[KT_ANTI_REQUIRED],
	        &terms[KT_ANTI_PREFERRED]);
}

void kt_affinity_terms_finish(kt_affinity_terms *terms)
{
	for (size_t i = 0; i < terms->n; i++) {
		struct kt_affinity_term *term = &terms->items[i];

		for (size_t j = 0; j < term->namespaces.n; j++)
			free(term->namespaces.items[j]);
		kt_vec_finish(&term->namespaces);
		kt_selector_destroy(term->selector);
		kt_selector_destroy(term->namespace_selector);
		free(term->topology_key);
	}
	kt_vec_finish(terms);
}

static bool in_namespaces(const struct kt_affinity_term *term, struct kt_sv namespace,
        const struct kt_map *namespaces)
{
	for (size_t i = 0; i < term->namespaces.n; i++)
		if (kt_sv_is(namespace, term->namespaces.items[i]))
			return true;
	if (!term->namespace_selector)
		return false;
	const struct kt_object *object = kt_map_get_sv(namespaces, namespace);

	/* the empty selector is every namespace, also one not seen yet */
	return object ? kt_selector_matches(term->namespace_selector, object)
	              : kt_selector_is_empty(term->namespace_selector);
}

bool kt_affinity_term_matches(const struct kt_affinity_term *term, const struct kt_object *pod,
        const struct kt_map *namespaces)
{
	return term->selector && in_namespaces(term, kt_object_namespace(pod), namespaces) &&
	       kt_selector_matches(term->selector, pod);
}
