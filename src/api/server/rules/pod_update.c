/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an update of a pod, of its status, its resources or its debug containers may change. */
#include "api/server/rules/meta.h"
#include "api/server/rules/pod.h"
#include "api/server/rules/quantities.h"

#define MAY_CHANGE \
	"`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`" \
	"spec.tolerations` (only " \
	"additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be " \
	"set to 1 if it was " \
	"previously negative)"

static void copy_member(json_t *to, const json_t *from, const char *name)
{
	json_t *value = json_object_get(from, name);
	if (value)
		json_object_set_new(to, name, json_deep_copy(value));
	else
		json_object_del(to, name);
}

/* Images may change: each container of the list is compared as if it had the old one. */
static bool check_images(struct kt_rule_context *c, const struct kt_at *spec,
        const json_t *old_spec, const char *list)
{
	struct kt_at containers = kt_at(spec, list);
	if (kt_at_n(&containers) == json_array_size(json_object_get(old_spec, list)))
		return true;
	kt_add_forbidden(c, &containers, "pod updates may not add or remove containers");
	return false;
}

static void check_empty_images(
        struct kt_rule_context *c, const struct kt_at *spec, const char *list)
{
	struct kt_at containers = kt_at(spec, list);
	KT_EACH(container, &containers) {
		struct kt_at image = kt_at(&container, "image");
		kt_check_required(c, &image);
	}
}

static void check_deadline(
        struct kt_rule_context *c, const struct kt_at *spec, const json_t *old_spec)
{
	struct kt_at at = kt_at(spec, "activeDeadlineSeconds");
	const json_t *old = json_object_get(old_spec, "activeDeadlineSeconds");
	if (!at.value && old) {
		kt_add_invalid(c, &at, "must not update from a positive integer to nil value");
		return;
	}
	if (!at.value)
		return;
	if (kt_at_int(&at) < 0 || kt_at_int(&at) > INT32_MAX)
		kt_add_invalid(c, &at, "must be between 0 and 2147483647, inclusive");
	else if (old && json_integer_value(old) < kt_at_int(&at))
		kt_add_invalid(c, &at, "must be less than or equal to previous value");
}

static bool same_toleration(const json_t *a, const json_t *b)
{
	static const char *const members[] = {"key", "operator", "value", "effect"};
	for (size_t i = 0; i < KT_ARRAY_SIZE(members); i++)
		if (strcmp(kt_text_of(a, members[i]), kt_text_of(b, members[i])) != 0)
			return false;
	return true;
}

/* Old tolerations stay, but for their seconds. */
static void check_toleration_update(
        struct kt_rule_context *c, const struct kt_at *spec, const json_t *old_spec)
{
	struct kt_at at = kt_at(spec, "tolerations");
	size_t i, j;
	json_t *old, *now;
	json_array_foreach(json_object_get(old_spec, "tolerations"), i, old) {
		bool found = false;
		json_array_foreach(at.value, j, now) {
			found |= same_toleration(old, now);
		}
		if (!found) {
			kt_add_forbidden(c, &at,
			        "existing toleration can not be modified except its "
			        "tolerationSeconds");
			return;
		}
	}
	kt_check_tolerations(c, &at);
}

/* Scheduling gates can only go. */
static void check_gates(struct kt_rule_context *c, const struct kt_at *spec, const json_t *old_spec)
{
	struct kt_at gates = kt_at(spec, "schedulingGates");
	size_t i;
	json_t *old;
	KT_EACH(gate, &gates) {
		struct kt_at name = kt_at(&gate, "name");
		bool known = false;
		json_array_foreach(json_object_get(old_spec, "schedulingGates"), i, old) {
			known |= strcmp(kt_text_of(old, "name"), kt_at_text(&name)) == 0;
		}
		if (!known)
			kt_add_forbidden(c, &name,
			        "only deletion is allowed, but found new scheduling gate '%s'",
			        kt_at_text(&name));
	}
}

static bool only_added(const json_t *now, const json_t *old)
{
	const char *key;
	json_t *value, *members = (json_t *)(uintptr_t)old;
	json_object_foreach(members, key, value) {
		if (!json_equal(json_object_get(now, key), value))
			return false;
	}
	return true;
}

static bool list_starts_with(const json_t *now, const json_t *old)
{
	if (json_array_size(now) < json_array_size(old))
		return false;
	for (size_t i = 0; i < json_array_size(old); i++)
		if (!json_equal(json_array_get(now, i), json_array_get(old, i)))
			return false;
	return true;
}

static void check_gated_terms(
        struct kt_rule_context *c, const struct kt_at *spec, const json_t *old_spec)
{
	const char *const path = "affinity.nodeAffinity."
	                         "requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms";
	const json_t *old_terms = kt_jget(old_spec, path);
	if (!json_array_size(old_terms))
		return;
	struct kt_at affinity = kt_at(spec, "affinity"), node = kt_at(&affinity, "nodeAffinity");
	struct kt_at required = kt_at(&node, "requiredDuringSchedulingIgnoredDuringExecution");
	struct kt_at terms = kt_at(&required, "nodeSelectorTerms");
	if (kt_at_n(&terms) != json_array_size(old_terms)) {
		kt_auto_json json_t *empty = json_array();
		kt_add_invalid_value(c, &terms, terms.value ? terms.value : empty,
		        "no additions/deletions to non-empty NodeSelectorTerms list are allowed");
		return;
	}
	KT_EACH(term, &terms) {
		const json_t *old = json_array_get(old_terms, kt_i_term);
		if (!list_starts_with(json_object_get(term.value, "matchExpressions"),
		            json_object_get(old, "matchExpressions")) ||
		        !list_starts_with(json_object_get(term.value, "matchFields"),
		                json_object_get(old, "matchFields")))
			kt_add_invalid(
			        c, &term, "only additions are allowed (no mutations or deletions)");
	}
}

/* While a pod is gated its placement may still be narrowed. */
static void check_gated_changes(
        struct kt_rule_context *c, const struct kt_at *spec, const json_t *old_spec, json_t *copy)
{
	if (!json_array_size(json_object_get(old_spec, "schedulingGates")))
		return;
	struct kt_at selector = kt_at(spec, "nodeSelector");
	if (!json_equal(selector.value, json_object_get(old_spec, "nodeSelector"))) {
		if (!only_added(selector.value, json_object_get(old_spec, "nodeSelector")))
			kt_add_invalid(c, &selector,
			        "only additions to spec.nodeSelector are allowed (no mutations or "
			        "deletions)");
		copy_member(copy, old_spec, "nodeSelector");
	}
	const json_t *node = kt_jget(spec->value, "affinity.nodeAffinity");
	const json_t *old_node = kt_jget(old_spec, "affinity.nodeAffinity");
	if (kt_same(node, old_node))
		return;
	check_gated_terms(c, spec, old_spec);
	json_t *affinity = json_object_get(copy, "affinity");
	if (!affinity)
		json_object_set_new(copy, "affinity", affinity = json_object());
	if (old_node)
		json_object_set_new(affinity, "nodeAffinity", json_deep_copy(old_node));
	else
		json_object_del(affinity, "nodeAffinity");
	if (!json_object_size(affinity) && !json_object_get(old_spec, "affinity"))
		json_object_del(copy, "affinity");
}

/* A copy of the new spec with everything put back that may change: whatever still differs may not.
 */
static void put_back(json_t *copy, const json_t *old_spec)
{
	static const char *const lists[] = {"containers", "initContainers"};
	for (size_t l = 0; l < 2; l++) {
		size_t i;
		json_t *container;
		json_array_foreach(json_object_get(copy, lists[l]), i, container) {
			copy_member(container,
			        json_array_get(json_object_get(old_spec, lists[l]), i), "image");
		}
	}
	copy_member(copy, old_spec, "activeDeadlineSeconds");
	copy_member(copy, old_spec, "tolerations");
	copy_member(copy, old_spec, "schedulingGates");
	if (kt_jint(old_spec, "terminationGracePeriodSeconds", 0) < 0 &&
	        kt_jint(copy, "terminationGracePeriodSeconds", 0) == 1)
		copy_member(copy, old_spec, "terminationGracePeriodSeconds");
}

void kt_check_pod_update(struct kt_rule_context *c, const json_t *pod, const json_t *old)
{
	struct kt_at root = kt_at_root(c, pod), spec = kt_at(&root, "spec");
	const json_t *old_spec = json_object_get(old, "spec");
	kt_meta_validate_update(c, pod, old);
	if (!check_images(c, &spec, old_spec, "containers") ||
	        !check_images(c, &spec, old_spec, "initContainers"))
		return;
	check_empty_images(c, &spec, "containers");
	check_empty_images(c, &spec, "initContainers");
	check_deadline(c, &spec, old_spec);
	check_gates(c, &spec, old_spec);
	check_toleration_update(c, &spec, old_spec);
	kt_auto_json json_t *copy = json_deep_copy(spec.value);
	put_back(copy, old_spec);
	check_gated_changes(c, &spec, old_spec, copy);
	if (!kt_same(copy, old_spec))
		kt_add_changed(c, &spec, old_spec, copy,
		        "pod updates may not change fields other than " MAY_CHANGE);
}

static void add_changed_container(struct kt_rule_context *c, const struct kt_at *list,
        const json_t *before, const json_t *now)
{
	struct kt_at at = *list;
	at.type = list->type->elem;
	kt_add_changed(c, &at, before, now,
	        "existing ephemeral containers \"%s\" may not be changed",
	        kt_text_of(before, "name"));
}

/* Debug containers are only ever added. */
void kt_check_pod_debug_update(struct kt_rule_context *c, const json_t *pod, const json_t *old)
{
	struct kt_at root = kt_at_root(c, pod), spec = kt_at(&root, "spec"),
	             list = kt_at(&spec, "ephemeralContainers");
	size_t i, j;
	json_t *before, *now;
	json_array_foreach(kt_jget(old, "spec.ephemeralContainers"), i, before) {
		const json_t *found = NULL;
		json_array_foreach(list.value, j, now) {
			if (strcmp(kt_text_of(now, "name"), kt_text_of(before, "name")) == 0)
				found = now;
		}
		if (!found)
			kt_add_forbidden(c, &list,
			        "existing ephemeral containers \"%s\" may not be removed\n",
			        kt_text_of(before, "name"));
		else if (!json_equal(found, before))
			add_changed_container(c, &list, before, found);
	}
}

/* Status */

static void check_addresses(struct kt_rule_context *c, const struct kt_at *list, bool by_member)
{
	int families[2] = {0, 0};
	KT_EACH(entry, list) {
		struct kt_at at = by_member
		                          ? kt_at(&entry, "ip")
		                          : kt_at_with(&entry, json_object_get(entry.value, "ip"));
		at.type = NULL;
		kt_check_format(c, &at, "ip");
		families[strchr(kt_at_text(&at), ':') != NULL]++;
	}
	if (families[0] > 1 || families[1] > 1)
		kt_add_invalid(c, list, "may specify no more than one IP for each IP family");
}

void kt_check_pod_status_update(struct kt_rule_context *c, const json_t *pod, const json_t *old)
{
	struct kt_at root = kt_at_root(c, pod), status = kt_at(&root, "status");
	struct kt_at nominated = kt_at(&status, "nominatedNodeName"),
	             qos = kt_at(&status, "qosClass");
	struct kt_at ips = kt_at(&status, "podIPs"), host_ips = kt_at(&status, "hostIPs");
	struct kt_at generation = kt_at(&status, "observedGeneration");
	const json_t *old_status = json_object_get(old, "status");
	kt_meta_validate_update(c, pod, old);
	kt_check_optional_format(c, &nominated, "dns1123-subdomain");
	if (strcmp(kt_text_of(old_status, "qosClass"), "") != 0)
		kt_check_immutable(c, &qos, json_object_get(old_status, "qosClass"));
	if (kt_at_int(&generation) < 0)
		kt_add_invalid(c, &generation, "must be a non-negative integer");
	check_addresses(c, &ips, false);
	const char *host = kt_text_of(status.value, "hostIP");
	if (kt_at_n(&host_ips)) {
		struct kt_at first = kt_at_index(&host_ips, 0), ip = kt_at(&first, "ip");
		if (!kt_at_is(&ip, host))
			kt_add_invalid(c, &ip, "must be equal to `hostIP`");
	}
	check_addresses(c, &host_ips, true);
}

/* Resizing */

static bool lost_resource(const json_t *now, const json_t *old)
{
	const char *name;
	json_t *value, *members = (json_t *)(uintptr_t)old;
	json_object_foreach(members, name, value) {
		if (!json_object_get(now, name))
			return true;
	}
	return false;
}

static void check_resized(
        struct kt_rule_context *c, const struct kt_at *container, const json_t *old)
{
	struct kt_at resources = kt_at(container, "resources");
	struct kt_at limits = kt_at(&resources, "limits"), requests = kt_at(&resources, "requests");
	if (lost_resource(requests.value, kt_jget(old, "resources.requests")))
		kt_add_forbidden(c, &requests, "resource requests cannot be removed");
	if (lost_resource(limits.value, kt_jget(old, "resources.limits")))
		kt_add_forbidden(c, &limits, "resource limits cannot be removed");
}

/* Takes cpu and memory of the new spec back to the old values; what differs then may not be
 * resized. */
static void put_back_compute(json_t *container, const json_t *old)
{
	static const char *const maps[] = {"limits", "requests"}, *const names[] = {
	                                                                  "cpu", "memory"};
	json_t *resources = json_object_get(container, "resources");
	if (!resources)
		json_object_set_new(container, "resources", resources = json_object());
	for (size_t m = 0; m < 2; m++) {
		json_t *map = json_object_get(resources, maps[m]);
		const json_t *old_map = json_object_get(json_object_get(old, "resources"), maps[m]);
		if (!map && old_map)
			json_object_set_new(resources, maps[m], map = json_object());
		for (size_t n = 0; map && n < 2; n++)
			copy_member(map, old_map, names[n]);
		if (map && !json_object_size(map) && !old_map)
			json_object_del(resources, maps[m]);
	}
	copy_member(container, old, "resizePolicy");
}

static bool is_sidecar(const json_t *container)
{
	return strcmp(kt_text_of(container, "restartPolicy"), "Always") == 0;
}

void kt_check_pod_resize(struct kt_rule_context *c, const json_t *pod, const json_t *old)
{
	struct kt_at root = kt_at_root(c, pod), spec = kt_at(&root, "spec"),
	             containers = kt_at(&spec, "containers");
	struct kt_at init = kt_at(&spec, "initContainers");
	const json_t *old_spec = json_object_get(old, "spec");
	if (json_object_get(old_spec, "resources")) {
		kt_field_forbidden(&c->errors, "[]",
		        "resize of pods with pod-level resources is forbidden when "
		        "InPlacePodLevelResourcesVerticalScalingEnabled feature gate is disabled");
		return;
	}
	if (strcmp(kt_pod_qos(spec.value), kt_pod_qos(old_spec)) != 0)
		kt_add_invalid_text(c, &spec, kt_pod_qos(old_spec),
		        "Pod QOS Class may not change as a result of resizing");
	kt_auto_json json_t *copy = json_deep_copy(spec.value);
	KT_EACH(container, &containers) {
		const json_t *before =
		        json_array_get(json_object_get(old_spec, "containers"), kt_i_container);
		check_resized(c, &container, before);
		put_back_compute(
		        json_array_get(json_object_get(copy, "containers"), kt_i_container),
		        before);
	}
	bool init_changed = false;
	KT_EACH(container, &init) {
		const json_t *before =
		        json_array_get(json_object_get(old_spec, "initContainers"), kt_i_container);
		json_t *mine =
		        json_array_get(json_object_get(copy, "initContainers"), kt_i_container);
		if (is_sidecar(container.value))
			check_resized(c, &container, before);
		else if (!kt_same(json_object_get(container.value, "resources"),
		                 json_object_get(before, "resources")))
			init_changed = true;
		put_back_compute(mine, before);
	}
	if (init_changed)
		kt_add_forbidden(
		        c, &spec, "resources for non-sidecar init containers are immutable");
	if (!kt_same(copy, old_spec))
		kt_add_forbidden(c, &spec, "only cpu and memory resources are mutable");
}
