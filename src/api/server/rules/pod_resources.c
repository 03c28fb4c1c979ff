/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Requests, limits and claims: of containers, and of whole pods. */
#include "api/server/rules/names.h"
#include "api/server/rules/pod.h"
#include "api/server/rules/quantities.h"

/* The pod's claims a container may name, as the messages list them. */
static const char *claim_names(struct kt_pod *pod)
{
	struct kt_at claims = kt_at(pod->spec, "resourceClaims");
	struct kt_names names = {.arena = pod->c->arena};
	KT_EACH(claim, &claims) {
		if (*kt_text_of(claim.value, "name"))
			kt_names_add(&names, kt_text_of(claim.value, "name"));
	}
	if (!names.n)
		return NULL;
	qsort(names.items, names.n, sizeof(*names.items), kt_strp_cmp);
	const char *text = names.items[0];
	for (size_t i = 1; i < names.n; i++)
		text = kt_path(pod->c->arena, "%s, %s", text, names.items[i]);
	return text;
}

static bool is_pod_claim(struct kt_pod *pod, const char *name)
{
	struct kt_at claims = kt_at(pod->spec, "resourceClaims");
	KT_EACH(claim, &claims) {
		if (strcmp(kt_text_of(claim.value, "name"), name) == 0)
			return true;
	}
	return false;
}

static void add_unknown_claim(struct kt_pod *pod, const struct kt_at *claim, const char *name)
{
	const char *known = claim_names(pod);
	const char *text = known ? kt_path(pod->c->arena,
	                                   "Not found: \"%s\": must be one of the names in "
	                                   "pod.spec.resourceClaims: %s",
	                                   name, known)
	                         : kt_path(pod->c->arena,
	                                   "Not found: \"%s\": must be one of the names in "
	                                   "pod.spec.resourceClaims which is empty",
	                                   name);
	kt_field_error_add(
	        &pod->c->errors, KT_FIELD_ERROR_NOT_FOUND, kt_at_path(pod->c, claim), text);
}

/* A claim is used once whole, or once per request in it. */
static void check_claims(struct kt_pod *pod, const struct kt_at *claims)
{
	struct kt_names whole = {.arena = pod->c->arena}, parts = whole, any = whole;
	KT_EACH(claim, claims) {
		const char *name = kt_text_of(claim.value, "name"),
		           *request = kt_text_of(claim.value, "request");
		struct kt_at at = kt_at(&claim, "request");
		if (!*name) {
			kt_add_required(pod->c, &claim, "");
			continue;
		}
		const char *key = *request ? kt_path(pod->c->arena, "%s/%s", name, request) : name;
		bool taken = kt_names_has(&whole, name) ||
		             (*request ? kt_names_has(&parts, key) : kt_names_has(&any, name));
		if (taken) {
			struct kt_at shown = kt_at_with(&claim, NULL);
			kt_auto_json json_t *text = json_string(key);
			shown.value = text;
			shown.type = NULL;
			kt_add_duplicate(pod->c, &shown);
		}
		kt_names_add(&any, name);
		kt_names_add(*request ? &parts : &whole, key);
		if (!is_pod_claim(pod, name))
			add_unknown_claim(pod, &claim, name);
		kt_check_optional_format(pod->c, &at, "dns1123-label");
	}
}

static void check_hugepages(struct kt_rule_context *c, const struct kt_at *at, const char *name)
{
	kt_auto_json json_t *size = json_string(name + strlen("hugepages-"));
	kt_nanos unit = kt_quantities_nanos(size), value = kt_quantities_nanos(at->value);
	if (unit <= 0 || value % unit != 0)
		kt_add_invalid(c, at, "%s is not positive integer multiple of %s",
		        kt_quantities_text(c, at->value), name);
}

static void check_entry(struct kt_rule_context *c, const struct kt_at *at, const char *name)
{
	kt_check_container_resource_name(c, at, name);
	kt_check_quantity(c, at, name);
	if (kt_resource_is_hugepages(name))
		check_hugepages(c, at, name);
}

static void check_against_limit(struct kt_rule_context *c, const struct kt_at *requests,
        const struct kt_at *limits, const char *name)
{
	const json_t *request = json_object_get(requests->value, name),
	             *limit = json_object_get(limits->value, name);
	if (!limit) {
		if (!kt_resource_may_overcommit(name))
			kt_add_required(
			        c, limits, "Limit must be set for non overcommitable resources");
		return;
	}
	int order = kt_quantities_cmp(request, limit);
	if (order != 0 && !kt_resource_may_overcommit(name))
		kt_add_invalid_text(c, requests, kt_quantities_text(c, request),
		        "must be equal to %s limit of %s", name, kt_quantities_text(c, limit));
	else if (order > 0)
		kt_add_invalid_text(c, requests, kt_quantities_text(c, request),
		        "must be less than or equal to %s limit of %s", name,
		        kt_quantities_text(c, limit));
}

static bool has_compute(const json_t *map)
{
	return json_object_get(map, "cpu") || json_object_get(map, "memory");
}

static bool has_hugepages(const json_t *map)
{
	const char *name;
	json_t *value;
	json_t *members = (json_t *)(uintptr_t)map;
	json_object_foreach(members, name, value) {
		if (kt_resource_is_hugepages(name))
			return true;
	}
	return false;
}

void kt_check_container_resources(struct kt_pod *pod, const struct kt_at *resources)
{
	struct kt_rule_context *c = pod->c;
	if (!json_object_size(resources->value))
		return;
	struct kt_at limits = kt_at(resources, "limits"), requests = kt_at(resources, "requests");
	struct kt_at claims = kt_at(resources, "claims");
	struct kt_keys keys = kt_at_keys(c, &limits);
	for (size_t i = 0; i < keys.n; i++) {
		struct kt_at at = kt_at_key(&limits, keys.names[i]);
		check_entry(c, &at, keys.names[i]);
	}
	keys = kt_at_keys(c, &requests);
	for (size_t i = 0; i < keys.n; i++) {
		struct kt_at at = kt_at_key(&requests, keys.names[i]);
		kt_check_container_resource_name(c, &at, keys.names[i]);
		kt_check_quantity(c, &at, keys.names[i]);
		check_against_limit(c, &requests, &limits, keys.names[i]);
		if (kt_resource_is_hugepages(keys.names[i]))
			check_hugepages(c, &at, keys.names[i]);
	}
	bool compute = has_compute(limits.value) || has_compute(requests.value);
	if (!compute && (has_hugepages(limits.value) || has_hugepages(requests.value)) &&
	        !json_object_get(pod->spec->value, "resources"))
		kt_add_forbidden(c, resources, "HugePages require cpu or memory");
	check_claims(pod, &claims);
}

/* The whole pod */

static const char *const pod_level[] = {"cpu", "hugepages-", "memory", NULL};

static void check_pod_entry(struct kt_rule_context *c, const struct kt_at *at, const char *name)
{
	if (kt_check_resource_name(c, at, name) && strcmp(name, "cpu") != 0 &&
	        strcmp(name, "memory") != 0 && !kt_resource_is_hugepages(name)) {
		kt_auto_json json_t *text = json_string(name);
		struct kt_at shown = kt_at_with(at, text);
		shown.type = NULL;
		kt_add_not_supported(c, &shown, pod_level);
	}
	kt_check_quantity(c, at, name);
	if (kt_resource_is_hugepages(name))
		check_hugepages(c, at, name);
}

/* Sum of what the containers request, or the largest init container if that is more. */
static kt_nanos aggregate_requests(struct kt_pod *pod, const char *name, const json_t **ret_one)
{
	static const char *const lists[] = {"initContainers", "containers"};
	kt_nanos sum = 0, init_max = 0, sidecars = 0;
	for (size_t l = 0; l < 2; l++) {
		struct kt_at containers = kt_at(pod->spec, lists[l]);
		KT_EACH(container, &containers) {
			const json_t *value = json_object_get(
			        kt_jget(container.value, "resources.requests"), name);
			kt_nanos n = kt_quantities_nanos(value);
			*ret_one = value ? value : *ret_one;
			if (l == 1)
				sum += n;
			else if (strcmp(kt_text_of(container.value, "restartPolicy"), "Always") ==
			         0)
				sidecars += n;
			else
				init_max = KT_MAX(init_max, n + sidecars);
		}
	}
	return KT_MAX(sum + sidecars, init_max);
}

static void check_container_limits(
        struct kt_pod *pod, const struct kt_at *resources, const char *name, const json_t *limit)
{
	static const char *const lists[] = {"initContainers", "containers"};
	for (size_t l = 0; l < 2; l++) {
		struct kt_at containers = kt_at(pod->spec, lists[l]),
		             shown = kt_at(resources, lists[l]);
		KT_EACH(container, &containers) {
			const json_t *value =
			        json_object_get(kt_jget(container.value, "resources.limits"), name);
			struct kt_at index = kt_at_index(&shown, kt_i_container),
			             key = kt_at_key(&index, name);
			struct kt_at at = kt_at(&key, "limits");
			if (value && kt_quantities_cmp(value, limit) > 0)
				kt_add_invalid_text(pod->c, &at, kt_quantities_text(pod->c, value),
				        "must be less than or equal to pod limits of %s",
				        kt_quantities_text(pod->c, limit));
		}
	}
}

void kt_check_pod_resources(struct kt_pod *pod)
{
	struct kt_rule_context *c = pod->c;
	struct kt_at resources = kt_at(pod->spec, "resources");
	if (!resources.value)
		return;
	struct kt_at limits = kt_at(&resources, "limits"), requests = kt_at(&resources, "requests");
	struct kt_at claims = kt_at(&resources, "claims");
	if (kt_at_n(&claims))
		kt_add_forbidden(c, &claims, "claims may not be set for Resources at pod-level");
	struct kt_keys keys = kt_at_keys(c, &limits);
	for (size_t i = 0; i < keys.n; i++) {
		struct kt_at at = kt_at_key(&limits, keys.names[i]);
		check_pod_entry(c, &at, keys.names[i]);
	}
	keys = kt_at_keys(c, &requests);
	for (size_t i = 0; i < keys.n; i++) {
		struct kt_at at = kt_at_key(&requests, keys.names[i]);
		check_pod_entry(c, &at, keys.names[i]);
		check_against_limit(c, &requests, &limits, keys.names[i]);
	}
	for (size_t i = 0; i < keys.n; i++) {
		struct kt_at at = kt_at_key(&requests, keys.names[i]);
		const json_t *one = NULL;
		kt_nanos sum = aggregate_requests(pod, keys.names[i], &one);
		if (one && sum > kt_quantities_nanos(at.value))
			kt_add_invalid_text(c, &at, kt_quantities_text(c, at.value),
			        "must be greater than or equal to aggregate container requests of "
			        "%s",
			        kt_quantities_print(c, sum, one));
	}
	keys = kt_at_keys(c, &limits);
	for (size_t i = 0; i < keys.n; i++)
		check_container_limits(pod, &resources, keys.names[i],
		        json_object_get(limits.value, keys.names[i]));
}
