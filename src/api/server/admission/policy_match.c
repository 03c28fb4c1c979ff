/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/admission/policy_match.h"

#include "api/machinery/selector.h"

const char *kt_policy_operation(const struct kt_admission_context *a)
{
	static const char *const names[] = {
	        [KT_ADMIT_CREATE] = "CREATE",
	        [KT_ADMIT_UPDATE] = "UPDATE",
	        [KT_ADMIT_DELETE] = "DELETE",
	        [KT_ADMIT_CONNECT] = "CONNECT",
	};

	return names[a->operation];
}

static bool lists(const json_t *list, const char *text)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *entry = json_string_value(json_array_get(list, i));

		if (kt_streq(entry, "*") || kt_streq(entry, text))
			return true;
	}
	return false;
}

/* "pods", "pods/status", "pods/ *", "* /status", "*" (no sub-resource), "* / *" */
static bool is_resource(const char *pattern, const char *plural, const char *subresource)
{
	const char *slash = strchr(pattern, '/');
	struct kt_sv resource = {pattern, slash ? (size_t)(slash - pattern) : strlen(pattern)};

	if (!kt_sv_is(resource, "*") && !kt_sv_is(resource, plural))
		return false;
	if (!slash)
		return !subresource;
	return !strcmp(slash + 1, "*") || kt_streq(slash + 1, subresource);
}

static bool lists_resource(const json_t *list, const struct kt_kind *kind, const char *subresource)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *pattern = json_string_value(json_array_get(list, i));

		if (pattern && is_resource(pattern, kind->plural, subresource))
			return true;
	}
	return false;
}

static bool in_scope(const char *scope, const struct kt_kind *kind)
{
	bool namespaced = kind->flags & KT_KIND_NAMESPACED;

	if (!scope || !strcmp(scope, "*"))
		return true;
	return namespaced == !strcmp(scope, "Namespaced");
}

bool kt_policy_rule_matches(
        const struct kt_admission_context *a, const struct kt_kind *kind, const json_t *rule)
{
	const json_t *names = json_object_get(rule, "resourceNames");

	if (!lists(json_object_get(rule, "operations"), kt_policy_operation(a)) ||
	        !lists(json_object_get(rule, "apiGroups"), kind->group) ||
	        !lists(json_object_get(rule, "apiVersions"), kind->version) ||
	        !lists_resource(json_object_get(rule, "resources"), kind, a->subresource) ||
	        !in_scope(kt_jstr(rule, "scope"), kind))
		return false;
	return !json_array_size(names) || lists(names, a->name);
}

bool kt_policy_any_rule(
        const struct kt_admission_context *a, const struct kt_kind *kind, const json_t *rules)
{
	for (size_t i = 0; i < json_array_size(rules); i++)
		if (kt_policy_rule_matches(a, kind, json_array_get(rules, i)))
			return true;
	return false;
}

static bool selects(const json_t *label_selector, const json_t *labels)
{
	struct kt_selector *selector;
	bool matches;

	if (!json_object_size(label_selector))
		return true;
	if (kt_selector_of_json(label_selector, &selector, NULL) < 0)
		return false;
	matches = kt_selector_matches_labels(selector, labels);
	kt_selector_destroy(selector);
	return matches;
}

/* Cluster-scoped objects are not held against a namespace selector, namespaces against their own
 * labels. */
static bool namespace_selected(const struct kt_policy_subject *subject, const json_t *selector)
{
	const json_t *object = subject->namespace_object;

	if (kt_admission_is(subject->a, "", "namespaces", NULL))
		object = subject->object ? subject->object : subject->old;
	return !object || selects(selector, kt_jget(object, "metadata.labels"));
}

static bool object_selected(const struct kt_policy_subject *subject, const json_t *selector)
{
	if (!json_object_size(selector))
		return true;
	return (subject->object &&
	               selects(selector, kt_jget(subject->object, "metadata.labels"))) ||
	       (subject->old && selects(selector, kt_jget(subject->old, "metadata.labels")));
}

bool kt_policy_matches(const struct kt_policy_subject *subject, const json_t *match)
{
	const json_t *rules = json_object_get(match, "resourceRules");

	if (!match)
		return true;
	if (json_array_size(rules) && !kt_policy_any_rule(subject->a, subject->a->kind, rules))
		return false;
	if (kt_policy_any_rule(
	            subject->a, subject->a->kind, json_object_get(match, "excludeResourceRules")))
		return false;
	return namespace_selected(subject, json_object_get(match, "namespaceSelector")) &&
	       object_selected(subject, json_object_get(match, "objectSelector"));
}
