/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Limit ranges and resource quotas. */
#include "api/machinery/names.h"
#include "api/server/rules/meta.h"
#include "api/server/rules/names.h"
#include "api/server/rules/quantities.h"

/* LimitRange */

static void copy_missing(json_t *item, const char *to, const char *from)
{
	json_t *source = json_object_get(item, from), *target = json_object_get(item, to), *value;
	const char *name;
	if (!json_object_size(source))
		return;
	if (!target)
		json_object_set_new(item, to, target = json_object());
	json_object_foreach(source, name, value) {
		if (!json_object_get(target, name))
			json_object_set(target, name, value);
	}
}

static void default_limit_range(struct kt_rule_context *c, json_t *object)
{
	static const char *const lists[] = {
	        "max", "min", "default", "defaultRequest", "maxLimitRequestRatio"};
	(void)c;
	size_t i;
	json_t *item;
	json_array_foreach(kt_jget(object, "spec.limits"), i, item) {
		for (size_t l = 0; l < KT_ARRAY_SIZE(lists); l++)
			kt_quantities_default_list(json_object_get(item, lists[l]));
		if (strcmp(kt_text_of(item, "type"), "Container") != 0)
			continue;
		copy_missing(item, "default", "max");
		copy_missing(item, "defaultRequest", "default");
		copy_missing(item, "defaultRequest", "min");
	}
}

static void check_limit_type(struct kt_rule_context *c, const struct kt_at *type)
{
	static const char *const standard[] = {"Pod", "Container", "PersistentVolumeClaim", NULL};
	if (kt_check_format(c, type, "qualified-name") && !strchr(kt_at_text(type), '/') &&
	        !kt_is_one_of(kt_at_text(type), standard))
		kt_add_invalid(c, type, "must be a standard limit type or fully qualified");
}

static void check_limit_names(struct kt_rule_context *c, const struct kt_at *item,
        const char *map_name, struct kt_names *names)
{
	struct kt_at map = kt_at(item, map_name);
	const char *type = kt_text_of(item->value, "type");
	struct kt_keys keys = kt_at_keys(c, &map);
	for (size_t i = 0; i < keys.n; i++) {
		struct kt_at at = kt_at_key(&map, keys.names[i]);
		if (strcmp(type, "Pod") == 0 || strcmp(type, "Container") == 0)
			kt_check_container_resource_name(c, &at, keys.names[i]);
		else
			kt_check_resource_name(c, &at, keys.names[i]);
		kt_names_add(names, keys.names[i]);
	}
}

/* Says `what` at map[name] when a is more than b. */
static void check_order(struct kt_rule_context *c, const struct kt_at *item, const char *map_name,
        const char *name, const json_t *shown, const json_t *a, const json_t *b, const char *fmt)
{
	if (!a || !b || kt_quantities_cmp(a, b) <= 0)
		return;
	struct kt_at map = kt_at(item, map_name), at = kt_at_key(&map, name);
	const char *gap = strstr(fmt, "%s"), *gap2 = strstr(gap + 2, "%s");
	kt_add_invalid_text(c, &at, kt_quantities_text(c, shown), "%.*s%s%.*s%s", (int)(gap - fmt),
	        fmt, kt_quantities_text(c, a), (int)(gap2 - gap - 2), gap + 2,
	        kt_quantities_text(c, b));
}

static void check_ratio(struct kt_rule_context *c, const struct kt_at *item, const char *name,
        const json_t *min, const json_t *max)
{
	struct kt_at map = kt_at(item, "maxLimitRequestRatio"), at = kt_at_key(&map, name);
	const char *text = kt_quantities_text(c, at.value);
	if (!at.value)
		return;
	if (kt_quantities_nanos(at.value) < 1000000000)
		kt_add_invalid_text(c, &at, text, "ratio %s is less than 1", text);
	if (!min || !max)
		return;
	double ratio = (double)kt_quantities_nanos(at.value) / 1e9;
	double bound = (double)kt_quantities_nanos(max) / (double)kt_quantities_nanos(min);
	if (ratio > bound)
		kt_add_invalid_text(
		        c, &at, text, "ratio %s is greater than max/min = %f", text, bound);
}

static void check_limit(struct kt_rule_context *c, const struct kt_at *item, const char *name)
{
	const json_t *min = json_object_get(json_object_get(item->value, "min"), name);
	const json_t *max = json_object_get(json_object_get(item->value, "max"), name);
	const json_t *def = json_object_get(json_object_get(item->value, "default"), name);
	const json_t *request =
	        json_object_get(json_object_get(item->value, "defaultRequest"), name);
	check_order(
	        c, item, "min", name, min, min, max, "min value %s is greater than max value %s");
	check_order(c, item, "defaultRequest", name, request, min, request,
	        "min value %s is greater than default request value %s");
	check_order(c, item, "defaultRequest", name, request, request, max,
	        "default request value %s is greater than max value %s");
	check_order(c, item, "defaultRequest", name, request, request, def,
	        "default request value %s is greater than default limit value %s");
	check_order(c, item, "default", name, min, min, def,
	        "min value %s is greater than default value %s");
	check_order(c, item, "default", name, max, def, max,
	        "default value %s is greater than max value %s");
	check_ratio(c, item, name, min, max);
	if (!kt_resource_may_overcommit(name) && def && request &&
	        kt_quantities_cmp(def, request) != 0) {
		struct kt_at map = kt_at(item, "defaultRequest"), at = kt_at_key(&map, name);
		kt_add_invalid_text(c, &at, kt_quantities_text(c, request),
		        "default value %s must equal to defaultRequest value %s in %s",
		        kt_quantities_text(c, def), kt_quantities_text(c, request), name);
	}
}

static void check_limit_item(struct kt_rule_context *c, const struct kt_at *limits,
        const struct kt_at *item, struct kt_names *types)
{
	struct kt_names names = {.arena = c->arena};
	struct kt_at type = kt_at(item, "type"), def = kt_at(item, "default"),
	             request = kt_at(item, "defaultRequest");
	check_limit_type(c, &type);
	if (!kt_names_add(types, kt_at_text(&type)))
		kt_add_duplicate(c, &type);
	check_limit_names(c, item, "max", &names);
	check_limit_names(c, item, "min", &names);
	if (kt_at_is(&type, "Pod")) {
		if (kt_at_n(&def))
			kt_add_forbidden(c, &def, "may not be specified when `type` is 'Pod'");
		if (kt_at_n(&request))
			kt_add_forbidden(c, &request, "may not be specified when `type` is 'Pod'");
	} else {
		check_limit_names(c, item, "default", &names);
		check_limit_names(c, item, "defaultRequest", &names);
	}
	if (kt_at_is(&type, "PersistentVolumeClaim") && !kt_jget(item->value, "min.storage") &&
	        !kt_jget(item->value, "max.storage"))
		kt_add_required(c, limits,
		        "either minimum or maximum storage value is required, but neither was "
		        "provided");
	check_limit_names(c, item, "maxLimitRequestRatio", &names);
	for (size_t i = 0; i < names.n; i++)
		check_limit(c, item, names.items[i]);
}

static void validate_limit_range(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	struct kt_names types = {.arena = c->arena};
	struct kt_at root = kt_at_root(c, object), spec = kt_at(&root, "spec"),
	             limits = kt_at(&spec, "limits");
	(void)old;
	kt_meta_validate(c, object, NULL);
	KT_EACH(item, &limits) {
		check_limit_item(c, &limits, &item, &types);
	}
}

const struct kt_rules kt_rules_core_limit_range = {
        .group = "",
        .kind = "LimitRange",
        .default_object = default_limit_range,
        .validate = validate_limit_range,
};

/* ResourceQuota */

static const char *const compute[] = {
        "pods",
        "cpu",
        "memory",
        "ephemeral-storage",
        "requests.cpu",
        "requests.memory",
        "requests.ephemeral-storage",
        "limits.cpu",
        "limits.memory",
        "limits.ephemeral-storage",
        NULL,
};
static const char *const objects[] = {
        "requests.storage",
        "resourcequotas",
        "services",
        "replicationcontrollers",
        "secrets",
        "persistentvolumeclaims",
        "configmaps",
        "services.nodeports",
        "services.loadbalancers",
        NULL,
};

static bool is_quota_resource(const char *name)
{
	return kt_is_one_of(name, compute) || kt_is_one_of(name, objects) ||
	       kt_resource_is_hugepages(name) || kt_starts_with(name, "requests.hugepages-");
}

static bool scope_fits(const char *scope, const char *resource)
{
	if (strcmp(scope, "BestEffort") == 0)
		return strcmp(resource, "pods") == 0;
	if (strcmp(scope, "VolumeAttributesClass") == 0)
		return strcmp(resource, "persistentvolumeclaims") == 0 ||
		       strcmp(resource, "requests.storage") == 0;
	return kt_is_one_of(resource, compute);
}

static void check_amounts(struct kt_rule_context *c, const struct kt_at *map)
{
	struct kt_keys keys = kt_at_keys(c, map);
	for (size_t i = 0; i < keys.n; i++) {
		const char *name = keys.names[i];
		struct kt_at at = kt_at_key(map, name);
		kt_check_resource_name(c, &at, name);
		if (!strchr(name, '/') && !is_quota_resource(name) &&
		        kt_format_is("qualified-name", name))
			kt_add_invalid_text(c, &at, name, "must be a standard resource for quota");
		kt_check_quantity(c, &at, name);
	}
}

static const char *const scopes_known[] = {
        "Terminating",
        "NotTerminating",
        "BestEffort",
        "NotBestEffort",
        "PriorityClass",
        "CrossNamespacePodAffinity",
        "VolumeAttributesClass",
        NULL,
};

static bool conflicts(const struct kt_names *scopes)
{
	return (kt_names_has(scopes, "BestEffort") && kt_names_has(scopes, "NotBestEffort")) ||
	       (kt_names_has(scopes, "Terminating") && kt_names_has(scopes, "NotTerminating"));
}

/* True when a limited resource is outside of what the scope is about. */
static void check_scope_fits(struct kt_rule_context *c, const struct kt_at *spec,
        const struct kt_at *at, const char *scope)
{
	struct kt_at hard = kt_at(spec, "hard");
	struct kt_keys keys = kt_at_keys(c, &hard);
	for (size_t i = 0; i < keys.n; i++)
		if (is_quota_resource(keys.names[i]) && !scope_fits(scope, keys.names[i]))
			kt_add_invalid(c, at, "unsupported scope applied to resource");
}

static void check_scopes(struct kt_rule_context *c, const struct kt_at *spec)
{
	struct kt_at scopes = kt_at(spec, "scopes");
	struct kt_names seen = {.arena = c->arena};
	KT_EACH(scope, &scopes) {
		if (!kt_is_one_of(kt_at_text(&scope), scopes_known))
			kt_add_invalid(c, &scopes, "unsupported scope");
		check_scope_fits(c, spec, &scopes, kt_at_text(&scope));
		kt_names_add(&seen, kt_at_text(&scope));
	}
	if (conflicts(&seen))
		kt_add_invalid(c, &scopes, "conflicting scopes");
}

static void check_scope_operator(
        struct kt_rule_context *c, const struct kt_at *list, const json_t *requirement)
{
	static const char *const bare[] = {"BestEffort", "NotBestEffort", "Terminating",
	        "NotTerminating", "CrossNamespacePodAffinity", NULL};
	struct kt_at element =
	        kt_at_with(list, requirement); /* reported at the list, without an index */
	element.type = list->type ? list->type->elem : NULL;
	struct kt_at name = kt_at(&element, "scopeName"), operator= kt_at(&element, "operator"),
	             values = kt_at(&element, "values");
	if (kt_is_one_of(kt_at_text(&name), bare) && !kt_at_is(&operator, "Exists"))
		kt_add_invalid(c, &operator,
		        "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, "
		        "ResourceQuotaScopeNotTerminating, "
		        "ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or "
		        "ResourceQuotaScopeCrossNamespacePodAffinity");
	if (kt_at_is(&operator, "In") || kt_at_is(&operator, "NotIn")) {
		if (!kt_at_n(&values))
			kt_add_required(c, &values,
			        "must be at least one value when `operator` is 'In' or 'NotIn' for "
			        "scope selector");
	} else if (kt_at_is(&operator, "Exists") || kt_at_is(&operator, "DoesNotExist")) {
		if (kt_at_n(&values))
			kt_add_invalid(c, &values,
			        "must be no value when `operator` is 'Exist' or 'DoesNotExist' for "
			        "scope selector");
	} else {
		kt_add_invalid(c, &operator, "not a valid selector operator");
	}
}

static void check_scope_selector(struct kt_rule_context *c, const struct kt_at *spec)
{
	struct kt_at selector = kt_at(spec, "scopeSelector"),
	             list = kt_at(&selector, "matchExpressions");
	struct kt_names seen = {.arena = c->arena};
	size_t i;
	json_t *requirement;
	json_array_foreach(list.value, i, requirement) {
		struct kt_at name = kt_at(&list, "scopeName"), whole = list;
		name.value = json_object_get(requirement, "scopeName");
		whole.value = selector.value;
		whole.type = selector.type;
		if (!kt_is_one_of(kt_at_text(&name), scopes_known))
			kt_add_invalid_text(c, &name, kt_at_text(&name), "unsupported scope");
		check_scope_fits(c, spec, &whole, kt_at_text(&name));
		check_scope_operator(c, &list, requirement);
		kt_names_add(&seen, kt_at_text(&name));
	}
	if (conflicts(&seen))
		kt_add_invalid(c, &list, "conflicting scopes");
}

static void default_resource_quota(struct kt_rule_context *c, json_t *object)
{
	(void)c;
	kt_quantities_default_list(kt_jget(object, "spec.hard"));
	kt_quantities_default_list(kt_jget(object, "status.hard"));
	kt_quantities_default_list(kt_jget(object, "status.used"));
}

static void validate_resource_quota(
        struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	struct kt_at root = kt_at_root(c, object), spec = kt_at(&root, "spec"),
	             hard = kt_at(&spec, "hard");
	struct kt_at status = kt_at(&root, "status"), status_hard = kt_at(&status, "hard"),
	             used = kt_at(&status, "used");
	struct kt_at scopes = kt_at(&spec, "scopes");
	if (old && c->subresource) {
		kt_meta_validate_update(c, object, old);
		check_amounts(c, &status_hard);
		check_amounts(c, &used);
		return;
	}
	if (old)
		kt_meta_validate_update(c, object, old);
	else
		kt_meta_validate(c, object, NULL);
	check_amounts(c, &hard);
	check_scopes(c, &spec);
	check_scope_selector(c, &spec);
	if (old)
		kt_check_immutable(c, &scopes, kt_jget(old, "spec.scopes"));
}

static void warn_resource_quota(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	static const char *const pairs[][2] = {{"cpu", "limits.cpu"}, {"memory", "limits.memory"},
	        {"requests.cpu", "limits.cpu"}, {"requests.memory", "limits.memory"}};
	const json_t *hard = kt_jget(object, "spec.hard");
	if (old || c->subresource)
		return;
	for (size_t i = 0; i < KT_ARRAY_SIZE(pairs); i++) {
		const json_t *request = json_object_get(hard, pairs[i][0]),
		             *limit = json_object_get(hard, pairs[i][1]);
		if (request && limit && kt_quantities_cmp(request, limit) > 0)
			kt_rule_warn(c, "ResourceQuota %s (%s) should be less than %s (%s)",
			        pairs[i][0], kt_quantities_text(c, request), pairs[i][1],
			        kt_quantities_text(c, limit));
	}
}

const struct kt_rules kt_rules_core_resource_quota = {
        .group = "",
        .kind = "ResourceQuota",
        .default_object = default_resource_quota,
        .validate = validate_resource_quota,
        .warn = warn_resource_quota,
};
