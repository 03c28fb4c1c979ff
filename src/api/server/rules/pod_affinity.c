/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Node and pod affinity, node selectors, label selectors. */
#include "api/machinery/names.h"
#include "api/server/rules/pod.h"

static void check_key_format(struct kt_rule_context *c, const struct kt_at *key)
{
	kt_check_format(c, key, "qualified-name");
}

/* Label selectors (metav1.LabelSelector) */

static void check_selector_requirement(struct kt_rule_context *c, const struct kt_at *requirement)
{
	struct kt_at key = kt_at(requirement, "key"), operator= kt_at(requirement, "operator");
	struct kt_at values = kt_at(requirement, "values");
	if (kt_at_is(&operator, "In") || kt_at_is(&operator, "NotIn")) {
		if (!kt_at_n(&values))
			kt_add_required(
			        c, &values, "must be specified when `operator` is 'In' or 'NotIn'");
	} else if (kt_at_is(&operator, "Exists") || kt_at_is(&operator, "DoesNotExist")) {
		if (kt_at_n(&values))
			kt_add_forbidden(c, &values,
			        "may not be specified when `operator` is 'Exists' or "
			        "'DoesNotExist'");
	} else {
		kt_add_invalid(c, &operator, "not a valid selector operator");
	}
	check_key_format(c, &key);
	KT_EACH(value, &values) {
		kt_check_format(c, &value, "label-value");
	}
}

void kt_check_label_selector(struct kt_rule_context *c, const struct kt_at *selector)
{
	if (!selector->value)
		return;
	struct kt_at labels = kt_at(selector, "matchLabels"),
	             expressions = kt_at(selector, "matchExpressions");
	if (labels.value)
		kt_field_labels(&c->errors, kt_at_path(c, &labels), labels.value);
	KT_EACH(requirement, &expressions) {
		check_selector_requirement(c, &requirement);
	}
}

/* Node selectors */

static void check_node_requirement(struct kt_rule_context *c, const struct kt_at *requirement)
{
	struct kt_at key = kt_at(requirement, "key"), operator= kt_at(requirement, "operator");
	struct kt_at values = kt_at(requirement, "values");
	if (kt_at_is(&operator, "In") || kt_at_is(&operator, "NotIn")) {
		if (!kt_at_n(&values))
			kt_add_required(
			        c, &values, "must be specified when `operator` is 'In' or 'NotIn'");
	} else if (kt_at_is(&operator, "Exists") || kt_at_is(&operator, "DoesNotExist")) {
		if (kt_at_n(&values))
			kt_add_forbidden(c, &values,
			        "may not be specified when `operator` is 'Exists' or "
			        "'DoesNotExist'");
	} else if (kt_at_is(&operator, "Gt") || kt_at_is(&operator, "Lt")) {
		if (kt_at_n(&values) != 1)
			kt_add_required(c, &values,
			        "must be specified single value when `operator` is 'Lt' or 'Gt'");
	} else {
		kt_add_invalid(c, &operator, "not a valid selector operator");
	}
	check_key_format(c, &key);
}

static void check_label_values(struct kt_rule_context *c, const struct kt_at *requirement)
{
	struct kt_at values = kt_at(requirement, "values");
	KT_EACH(value, &values) {
		kt_check_format(c, &value, "label-value");
	}
}

static void check_field_requirement(struct kt_rule_context *c, const struct kt_at *requirement)
{
	struct kt_at key = kt_at(requirement, "key"), operator= kt_at(requirement, "operator");
	struct kt_at values = kt_at(requirement, "values");
	if (!kt_at_is(&operator, "In") && !kt_at_is(&operator, "NotIn"))
		kt_add_invalid(c, &operator, "not a valid selector operator");
	else if (kt_at_n(&values) != 1)
		kt_add_required(c, &values,
		        "must be only one value when `operator` is 'In' or 'NotIn' for node field "
		        "selector");
	if (!kt_at_is(&key, "metadata.name")) {
		kt_add_invalid(c, &key, "not a valid field selector key");
		return;
	}
	KT_EACH(value, &values) {
		kt_check_format(c, &value, "dns1123-subdomain");
	}
}

void kt_check_node_selector_term(struct kt_rule_context *c, const struct kt_at *term)
{
	struct kt_at expressions = kt_at(term, "matchExpressions"),
	             fields = kt_at(term, "matchFields");
	KT_EACH(requirement, &expressions) {
		check_node_requirement(c, &requirement);
		check_label_values(c, &requirement);
	}
	KT_EACH(requirement, &fields) {
		check_field_requirement(c, &requirement);
	}
}

void kt_check_node_selector(struct kt_rule_context *c, const struct kt_at *selector)
{
	struct kt_at terms = kt_at(selector, "nodeSelectorTerms");
	if (!kt_at_n(&terms)) {
		kt_add_required(c, &terms, "must have at least one node selector term");
		return;
	}
	KT_EACH(term, &terms) {
		kt_check_node_selector_term(c, &term);
	}
}

static void check_weight(struct kt_rule_context *c, const struct kt_at *term)
{
	struct kt_at weight = kt_at(term, "weight");
	if (kt_at_int(&weight) < 1 || kt_at_int(&weight) > 100)
		kt_add_invalid(c, &weight, "must be in the range 1-100");
}

static void check_node_affinity(struct kt_rule_context *c, const struct kt_at *affinity)
{
	struct kt_at required = kt_at(affinity, "requiredDuringSchedulingIgnoredDuringExecution");
	struct kt_at preferred = kt_at(affinity, "preferredDuringSchedulingIgnoredDuringExecution");
	if (required.value)
		kt_check_node_selector(c, &required);
	KT_EACH(term, &preferred) {
		struct kt_at preference = kt_at(&term, "preference");
		check_weight(c, &term);
		kt_check_node_selector_term(c, &preference);
	}
}

/* Pod affinity */

static bool selector_has_key(const json_t *selector, const char *key)
{
	if (json_object_get(json_object_get(selector, "matchLabels"), key))
		return true;
	size_t i;
	json_t *expression;
	json_array_foreach(json_object_get(selector, "matchExpressions"), i, expression) {
		if (strcmp(kt_text_of(expression, "key"), key) == 0)
			return true;
	}
	return false;
}

static bool list_has(const json_t *list, const char *text)
{
	size_t i;
	json_t *item;
	json_array_foreach(list, i, item) {
		if (kt_streq(json_string_value(item), text))
			return true;
	}
	return false;
}

/* Keys whose values come from the pod itself may not be in the selector already. */
static void check_label_keys(
        struct kt_rule_context *c, const struct kt_at *term, const struct kt_at *keys)
{
	const json_t *selector = json_object_get(term->value, "labelSelector");
	KT_EACH(key, keys) {
		check_key_format(c, &key);
	}
	if (!selector && kt_at_n(keys))
		kt_add_forbidden(c, keys, "must not be specified when labelSelector is not set");
	/* the merged requirements of a stored pod carry these keys, so that only creation can tell
	 */
	if (c->operation == KT_RULE_CREATE) {
		KT_EACH(key, keys) {
			struct kt_at at = kt_at_index(term, kt_i_key);
			at.value = key.value;
			at.type = key.type;
			if (selector_has_key(selector, kt_at_text(&key)))
				kt_add_invalid(
				        c, &at, "exists in both %s and labelSelector", keys->name);
		}
	}
}

static void check_key_lists(struct kt_rule_context *c, const struct kt_at *term)
{
	struct kt_at match = kt_at(term, "matchLabelKeys"),
	             mismatch = kt_at(term, "mismatchLabelKeys");
	check_label_keys(c, term, &match);
	check_label_keys(c, term, &mismatch);
	KT_EACH(key, &match) {
		if (list_has(mismatch.value, kt_at_text(&key)))
			kt_add_invalid(
			        c, &key, "exists in both matchLabelKeys and mismatchLabelKeys");
	}
}

static void check_pod_affinity_term(struct kt_rule_context *c, const struct kt_at *term)
{
	struct kt_at selector = kt_at(term, "labelSelector"),
	             ns_selector = kt_at(term, "namespaceSelector");
	struct kt_at namespaces = kt_at(term, "namespaces"), topology = kt_at(term, "topologyKey");
	kt_check_label_selector(c, &selector);
	kt_check_label_selector(c, &ns_selector);
	KT_EACH(ns, &namespaces) {
		struct kt_at at = kt_at(term, "namespace");
		at.value = ns.value;
		kt_check_format(c, &at, "dns1123-label");
	}
	check_key_lists(c, term);
	if (!*kt_at_text(&topology))
		kt_add_required(c, &topology, "can not be empty");
	kt_check_format(c, &topology, "qualified-name");
}

static void check_pod_terms(struct kt_rule_context *c, const struct kt_at *affinity)
{
	struct kt_at required = kt_at(affinity, "requiredDuringSchedulingIgnoredDuringExecution");
	struct kt_at preferred = kt_at(affinity, "preferredDuringSchedulingIgnoredDuringExecution");
	KT_EACH(term, &required) {
		check_pod_affinity_term(c, &term);
	}
	KT_EACH(term, &preferred) {
		struct kt_at inner = kt_at(&term, "podAffinityTerm");
		check_weight(c, &term);
		check_pod_affinity_term(c, &inner);
	}
}

void kt_check_pod_affinity(struct kt_pod *pod)
{
	struct kt_at affinity = kt_at(pod->spec, "affinity");
	struct kt_at node = kt_at(&affinity, "nodeAffinity"),
	             with = kt_at(&affinity, "podAffinity");
	struct kt_at against = kt_at(&affinity, "podAntiAffinity");
	if (node.value)
		check_node_affinity(pod->c, &node);
	check_pod_terms(pod->c, &with);
	check_pod_terms(pod->c, &against);
}
