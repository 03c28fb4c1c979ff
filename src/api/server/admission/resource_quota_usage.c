/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/admission/resource_quota_usage.h"

#include "api/server/rules/pod.h"
#include "api/server/rules/quantities.h"
#include "api/server/rules/service.h"

static bool is_kind(const struct kt_kind *kind, const char *plural)
{
	return !*kind->group && strcmp(kind->plural, plural) == 0;
}

static void set_amount(
        struct kt_rule_context *c, json_t *usage, const char *name, kt_nanos n, const json_t *like)
{
	json_object_set_new(usage, name, json_string(kt_quantities_print(c, n, like)));
}

/* Pods: what the scheduler counts. */

static kt_nanos pod_amount(
        const json_t *spec, const char *map, const char *resource, const json_t **ret_like)
{
	static const char *const lists[] = {"initContainers", "containers"};
	kt_nanos sum = 0, init_max = 0, sidecars = 0;
	for (size_t l = 0; l < 2; l++) {
		size_t i;
		json_t *container;
		json_array_foreach(json_object_get(spec, lists[l]), i, container) {
			const json_t *value = json_object_get(
			        json_object_get(json_object_get(container, "resources"), map),
			        resource);
			kt_nanos n = kt_quantities_nanos(value);
			*ret_like = value ? value : *ret_like;
			if (l == 1)
				sum += n;
			else if (strcmp(kt_text_of(container, "restartPolicy"), "Always") == 0)
				sidecars += n;
			else
				init_max = KT_MAX(init_max, n + sidecars);
		}
	}
	const json_t *whole =
	        json_object_get(json_object_get(json_object_get(spec, "resources"), map), resource);
	kt_nanos total = whole ? kt_quantities_nanos(whole) : KT_MAX(sum + sidecars, init_max);
	*ret_like = whole ? whole : *ret_like;
	if (*ret_like)
		total += kt_quantities_nanos(
		        json_object_get(json_object_get(spec, "overhead"), resource));
	return total;
}

static void collect_names(json_t *names, const json_t *spec)
{
	static const char *const lists[] = {"initContainers", "containers"}, *const maps[] = {
	                                                                             "requests",
	                                                                             "limits"};
	for (size_t l = 0; l < 2; l++) {
		size_t i;
		json_t *container, *value;
		const char *name;
		json_array_foreach(json_object_get(spec, lists[l]), i, container) {
			for (size_t m = 0; m < 2; m++)
				json_object_foreach(
				        json_object_get(
				                json_object_get(container, "resources"), maps[m]),
				        name, value) {
					json_object_set_new(names, name, json_true());
				}
		}
	}
}

static void count_pod(struct kt_rule_context *c, json_t *usage, const json_t *pod)
{
	const json_t *spec = json_object_get(pod, "spec");
	const char *phase = kt_text_of(json_object_get(pod, "status"), "phase"), *name;
	kt_auto_json json_t *names = json_object();
	json_t *value;
	if (strcmp(phase, "Succeeded") == 0 || strcmp(phase, "Failed") == 0)
		return;
	json_object_set_new(usage, "pods", json_string("1"));
	collect_names(names, spec);
	json_object_foreach(names, name, value) {
		const json_t *like = NULL;
		kt_nanos n = pod_amount(spec, "requests", name, &like);
		if (like) {
			set_amount(
			        c, usage, kt_arena_printf(c->arena, "requests.%s", name), n, like);
			if (kt_resource_is_native(name))
				set_amount(c, usage, name, n, like);
		}
		like = NULL;
		n = pod_amount(spec, "limits", name, &like);
		if (like && kt_resource_may_overcommit(name))
			set_amount(c, usage, kt_arena_printf(c->arena, "limits.%s", name), n, like);
	}
}

static void count_service(json_t *usage, const json_t *service)
{
	const json_t *spec = json_object_get(service, "spec");
	size_t ports = json_array_size(json_object_get(spec, "ports"));
	json_object_set_new(usage, "services", json_string("1"));
	if (kt_service_needs_node_port(spec))
		json_object_set_new(usage, "services.nodeports", json_sprintf("%zu", ports));
	if (kt_service_is(spec, "LoadBalancer"))
		json_object_set_new(usage, "services.loadbalancers", json_string("1"));
}

static void count_claim(struct kt_rule_context *c, json_t *usage, const json_t *claim)
{
	json_t *storage = kt_jget(claim, "spec.resources.requests.storage");
	const char *class = kt_text_of(json_object_get(claim, "spec"), "storageClassName");
	json_object_set_new(usage, "persistentvolumeclaims", json_string("1"));
	if (storage)
		json_object_set(usage, "requests.storage", storage);
	if (!*class)
		return;
	json_object_set_new(usage,
	        kt_arena_printf(
	                c->arena, "%s.storageclass.storage.k8s.io/persistentvolumeclaims", class),
	        json_string("1"));
	if (storage)
		json_object_set(usage,
		        kt_arena_printf(
		                c->arena, "%s.storageclass.storage.k8s.io/requests.storage", class),
		        storage);
}

json_t *kt_quota_usage(struct kt_rule_context *c, const struct kt_kind *kind, const json_t *object)
{
	static const char *const counted[] = {
	        "configmaps", "secrets", "replicationcontrollers", "resourcequotas", NULL};
	if (!object || !(kind->flags & KT_KIND_NAMESPACED) || (kind->flags & KT_KIND_VIRTUAL))
		return NULL;
	json_t *usage = json_object();
	json_object_set_new(usage,
	        kt_arena_printf(c->arena, "count/%s%s%s", kind->plural, *kind->group ? "." : "",
	                kind->group),
	        json_string("1"));
	if (is_kind(kind, "pods"))
		count_pod(c, usage, object);
	else if (is_kind(kind, "services"))
		count_service(usage, object);
	else if (is_kind(kind, "persistentvolumeclaims"))
		count_claim(c, usage, object);
	else if (!*kind->group && kt_is_one_of(kind->plural, counted))
		json_object_set_new(usage, kind->plural, json_string("1"));
	return usage;
}

/* Scopes */

static bool has_value(const json_t *list, const char *text)
{
	size_t i;
	json_t *item;
	json_array_foreach(list, i, item) {
		if (kt_streq(json_string_value(item), text))
			return true;
	}
	return false;
}

static bool matches_class(const json_t *requirement, const char *class)
{
	const char *operator= kt_text_of(requirement, "operator");
	const json_t *values = json_object_get(requirement, "values");
	if (strcmp(operator, "In") == 0)
		return has_value(values, class);
	if (strcmp(operator, "NotIn") == 0)
		return !has_value(values, class);
	return (strcmp(operator, "DoesNotExist") == 0) == (*class == '\0');
}

static bool crosses_namespaces(const json_t *spec)
{
	static const char *const places[] = {"affinity.podAffinity", "affinity.podAntiAffinity"};
	for (size_t p = 0; p < 2; p++) {
		const json_t *affinity = kt_jget(spec, places[p]);
		size_t i;
		json_t *term;
		json_array_foreach(
		        json_object_get(affinity, "requiredDuringSchedulingIgnoredDuringExecution"),
		        i, term) {
			if (json_array_size(json_object_get(term, "namespaces")) ||
			        json_object_get(term, "namespaceSelector"))
				return true;
		}
		json_array_foreach(json_object_get(affinity,
		                           "preferredDuringSchedulingIgnoredDuringExecution"),
		        i, term) {
			if (json_array_size(kt_jget(term, "podAffinityTerm.namespaces")) ||
			        kt_jget(term, "podAffinityTerm.namespaceSelector"))
				return true;
		}
	}
	return false;
}

static bool in_scope(const char *scope, const json_t *requirement, const json_t *pod)
{
	const json_t *spec = json_object_get(pod, "spec");
	bool terminating = json_object_get(spec, "activeDeadlineSeconds") != NULL;
	bool best_effort = strcmp(kt_pod_qos(spec), "BestEffort") == 0;
	if (strcmp(scope, "Terminating") == 0)
		return terminating;
	if (strcmp(scope, "NotTerminating") == 0)
		return !terminating;
	if (strcmp(scope, "BestEffort") == 0)
		return best_effort;
	if (strcmp(scope, "NotBestEffort") == 0)
		return !best_effort;
	if (strcmp(scope, "CrossNamespacePodAffinity") == 0)
		return crosses_namespaces(spec);
	const char *class = kt_text_of(spec, "priorityClassName");
	return strcmp(scope, "PriorityClass") == 0 &&
	       (requirement ? matches_class(requirement, class) : *class != '\0');
}

/* The classes of a claim: what it shall have, has, and is on its way to. */
static bool has_attributes_class(const json_t *claim, const json_t *values)
{
	static const char *const places[] = {"spec.volumeAttributesClassName",
	        "status.currentVolumeAttributesClassName",
	        "status.modifyVolumeStatus.targetVolumeAttributesClassName"};
	for (size_t p = 0; p < KT_ARRAY_SIZE(places); p++) {
		const char *class = kt_jstr(claim, places[p]);
		if (class && *class && (!values || has_value(values, class)))
			return true;
	}
	return false;
}

/* requirement NULL: the scope as such, which is that there is a class. */
static bool claim_in_scope(const char *scope, const json_t *requirement, const json_t *claim)
{
	const char *operator= requirement ? kt_text_of(requirement, "operator") : "Exists";
	const json_t *values = json_object_get(requirement, "values");
	if (strcmp(scope, "VolumeAttributesClass") != 0)
		return false;
	if (strcmp(operator, "In") == 0)
		return has_attributes_class(claim, values);
	if (strcmp(operator, "NotIn") == 0)
		return !has_attributes_class(claim, values);
	return (strcmp(operator, "Exists") == 0) == has_attributes_class(claim, NULL);
}

bool kt_quota_matches(const json_t *quota, const struct kt_kind *kind, const json_t *object)
{
	bool is_claim = is_kind(kind, "persistentvolumeclaims");
	const json_t *scopes = kt_jget(quota, "spec.scopes"),
	             *selector = kt_jget(quota, "spec.scopeSelector.matchExpressions");
	size_t i;
	json_t *item;
	if (!json_array_size(scopes) && !json_array_size(selector))
		return true;
	if (!is_claim && !is_kind(kind, "pods"))
		return false;
	bool (*const matches)(const char *, const json_t *, const json_t *) =
	        is_claim ? claim_in_scope : in_scope;
	json_array_foreach(scopes, i, item) {
		if (!matches(json_string_value(item), NULL, object))
			return false;
	}
	json_array_foreach(selector, i, item) {
		if (!matches(kt_text_of(item, "scopeName"), item, object))
			return false;
	}
	return true;
}

static bool states(const json_t *container, const char *resource)
{
	const json_t *resources = json_object_get(container, "resources");
	const json_t *requests = json_object_get(resources, "requests"),
	             *limits = json_object_get(resources, "limits");
	if (kt_starts_with(resource, "limits."))
		return json_object_get(limits, resource + strlen("limits.")) != NULL;
	if (kt_starts_with(resource, "requests."))
		return json_object_get(requests, resource + strlen("requests.")) != NULL;
	return json_object_get(requests, resource) != NULL;
}

const char *kt_quota_missing(struct kt_rule_context *c, const json_t *hard,
        const struct kt_kind *kind, const json_t *object)
{
	static const char *const computed[] = {
	        "cpu", "limits.cpu", "limits.memory", "memory", "requests.cpu", "requests.memory"};
	static const char *const lists[] = {"initContainers", "containers"};
	kt_auto_str text = KT_STR_INIT;
	if (!is_kind(kind, "pods") || kt_jget(object, "spec.resources"))
		return NULL;
	for (size_t r = 0; r < KT_ARRAY_SIZE(computed); r++) {
		kt_auto_str names = KT_STR_INIT;
		if (!json_object_get(hard, computed[r]))
			continue;
		for (size_t l = 0; l < 2; l++) {
			size_t i;
			json_t *container;
			json_array_foreach(
			        json_object_get(json_object_get(object, "spec"), lists[l]), i,
			        container) {
				if (!states(container, computed[r]))
					kt_str_printf(&names, "%s%s", names.len ? "," : "",
					        kt_text_of(container, "name"));
			}
		}
		if (names.len)
			kt_str_printf(&text, "%s%s for: %s", text.len ? "; " : "", computed[r],
			        kt_str_text(&names));
	}
	return text.len ? kt_arena_printf(c->arena, "must specify %s", kt_str_text(&text)) : NULL;
}
