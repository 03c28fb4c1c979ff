/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ResourceQuota status: what of each limited resource a namespace uses. Admission raises `used` as
 * objects come; this lowers it when they go and fills it in for a new quota. A write never goes
 * over a newer one of admission's: it names the version it read.
 */
#include "api/machinery/quantity.h"
#include "api/status.h"
#include "base/log.h"
#include "base/mem.h"
#include "cluster/controllers/meta.h"
#include "cluster/controllers/resources.h"
#include "cluster/controllers/table.h"

struct quota_controller {
	struct kt_reconciler *reconciler;
	struct kt_informer *quotas, *pods, *services, *claims;
	struct kt_cluster_resources *resources;
};

/* What a quota's scopes say of a pod. */
static bool is_best_effort(const struct kt_object *pod)
{
	return kt_json_string_is(kt_field_of(pod, "status", "qosClass"), "BestEffort");
}

static bool names_namespaces(const json_t *term)
{
	return json_array_size(json_object_get(term, "namespaces")) ||
	       json_object_get(term, "namespaceSelector");
}

static bool crosses_namespaces(const struct kt_object *pod)
{
	static const char *const kinds[] = {"podAffinity", "podAntiAffinity"};
	struct kt_json_at at = kt_field_of(pod, "spec", "affinity");
	kt_auto_json json_t *affinity = at.p ? kt_json_tree(at) : NULL;

	for (size_t k = 0; k < KT_ARRAY_SIZE(kinds); k++) {
		const json_t *kind = json_object_get(affinity, kinds[k]);
		json_t *term;
		size_t i;

		json_array_foreach(
		        json_object_get(kind, "requiredDuringSchedulingIgnoredDuringExecution"), i,
		        term)
			if (names_namespaces(term))
				return true;
		json_array_foreach(
		        json_object_get(kind, "preferredDuringSchedulingIgnoredDuringExecution"), i,
		        term)
			if (names_namespaces(json_object_get(term, "podAffinityTerm")))
				return true;
	}
	return false;
}

static bool scope_matches(const char *scope, const struct kt_object *pod)
{
	bool has_deadline = kt_int_at(pod, "spec", "activeDeadlineSeconds", -1) >= 0;

	if (kt_streq(scope, "Terminating"))
		return has_deadline;
	if (kt_streq(scope, "NotTerminating"))
		return !has_deadline;
	if (kt_streq(scope, "BestEffort"))
		return is_best_effort(pod);
	if (kt_streq(scope, "NotBestEffort"))
		return !is_best_effort(pod);
	return kt_streq(scope, "CrossNamespacePodAffinity") && crosses_namespaces(pod);
}

/* One of up to three classes, as an expression of a scope wants it. */
static bool class_matches(const json_t *expression, char *const *have, size_t n)
{
	const char *operator= kt_jstr(expression, "operator");
	bool in = false, any = false;
	json_t *value;
	size_t i;

	for (size_t c = 0; c < n; c++) {
		any = any || (have[c] && *have[c]);
		json_array_foreach(json_object_get(expression, "values"), i, value)
			in = in || kt_streq(have[c], json_string_value(value));
	}
	if (kt_streq(operator, "In"))
		return in;
	if (kt_streq(operator, "NotIn"))
		return !in;
	return kt_streq(operator, "Exists") == any;
}

static bool priority_matches(const json_t *expression, const struct kt_object *pod)
{
	kt_auto_free char *have = kt_json_string_dup(kt_field_of(pod, "spec", "priorityClassName"));

	return class_matches(expression, &have, 1);
}

/* Of its scopes VolumeAttributesClass alone is about claims. */
static bool claim_in_scope(const json_t *spec, const struct kt_object *claim)
{
	json_t *item;
	size_t i;

	if (json_array_size(json_object_get(spec, "scopes")))
		return false;
	json_array_foreach(kt_jget(spec, "scopeSelector.matchExpressions"), i, item) {
		struct kt_json_at status = kt_json_member(kt_object_doc(claim), "status");
		kt_auto_free char *wanted =
		        kt_json_string_dup(kt_field_of(claim, "spec", "volumeAttributesClassName"));
		kt_auto_free char *current = kt_json_string_dup(
		        kt_json_member(status, "currentVolumeAttributesClassName"));
		kt_auto_free char *target = kt_json_string_dup(kt_json_find(
		        status, "modifyVolumeStatus", "targetVolumeAttributesClassName", NULL));
		char *classes[] = {wanted, current, target};

		if (!kt_streq(kt_jstr(item, "scopeName"), "VolumeAttributesClass") ||
		        !class_matches(item, classes, KT_ARRAY_SIZE(classes)))
			return false;
	}
	return true;
}

static bool in_scope(const json_t *spec, const struct kt_object *pod)
{
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(spec, "scopes"), i, item)
		if (!scope_matches(json_string_value(item), pod))
			return false;
	json_array_foreach(kt_jget(spec, "scopeSelector.matchExpressions"), i, item) {
		const char *scope = kt_jstr(item, "scopeName");

		if (kt_streq(scope, "PriorityClass") ? !priority_matches(item, pod)
		                                     : !scope_matches(scope, pod))
			return false;
	}
	return true;
}

static struct kt_quantity quantity_at(struct kt_json_at at)
{
	struct kt_quantity q = kt_quantity_from_int64(0, KT_QUANTITY_DECIMAL_SI);
	struct kt_sv text;

	if (at.p && !kt_json_string_sv(at, &text))
		text = (struct kt_sv){at.p, at.len};
	if (at.p)
		kt_quantity_parse(text, &q, NULL);
	return q;
}

/* The larger of the containers' sum and the largest init container; sidecars count with both. */
static struct kt_quantity containers_sum(
        const struct kt_object *pod, const char *kind, const char *resource)
{
	struct kt_quantity sum = kt_quantity_from_int64(0, KT_QUANTITY_DECIMAL_SI), sidecars = sum,
	                   peak = sum;
	struct kt_json_at list = kt_field_of(pod, "spec", "initContainers"), item;
	struct kt_json_iter it = {0};

	while (list.p && kt_json_next_element(list, &it, &item)) {
		struct kt_quantity own =
		        quantity_at(kt_json_find(item, "resources", kind, resource, NULL));

		if (kt_json_string_is(kt_json_member(item, "restartPolicy"), "Always"))
			sidecars = kt_quantity_add(sidecars, own);
		else if (kt_quantity_cmp(kt_quantity_add(own, sidecars), peak) > 0)
			peak = kt_quantity_add(own, sidecars);
	}
	list = kt_field_of(pod, "spec", "containers");
	it = (struct kt_json_iter){0};
	sum = sidecars;
	while (list.p && kt_json_next_element(list, &it, &item))
		sum = kt_quantity_add(
		        sum, quantity_at(kt_json_find(item, "resources", kind, resource, NULL)));
	return kt_quantity_cmp(peak, sum) > 0 ? peak : sum;
}

/* What the pod says as a whole goes before what its containers say; its overhead comes on top. */
static struct kt_quantity pod_sum(
        const struct kt_object *pod, const char *kind, const char *resource)
{
	struct kt_json_at whole = kt_json_find(
	                          kt_field_of(pod, "spec", "resources"), kind, resource, NULL),
	                  overhead = kt_json_member(kt_field_of(pod, "spec", "overhead"), resource);
	struct kt_quantity sum = whole.p ? quantity_at(whole) : containers_sum(pod, kind, resource);

	return !kt_quantity_sign(sum) ? sum : kt_quantity_add(sum, quantity_at(overhead));
}

static bool has_ended(const struct kt_object *pod)
{
	return kt_pod_phase_is(pod, "Succeeded") || kt_pod_phase_is(pod, "Failed");
}

/* "count/pods" counts what is stored, "pods" what may still run. */
static struct kt_quantity count_pods(
        struct quota_controller *own, const json_t *spec, struct kt_sv namespace, bool with_ended)
{
	kt_auto_objects pods = {0};
	int64_t n = 0;

	kt_collect_indexed(own->pods, "namespace", namespace, &pods);
	for (size_t i = 0; i < pods.n; i++)
		n += (with_ended || !has_ended(pods.items[i])) && in_scope(spec, pods.items[i]);
	return kt_quantity_from_int64(n, KT_QUANTITY_DECIMAL_SI);
}

static struct kt_quantity sum_pods(struct quota_controller *own, const json_t *spec,
        struct kt_sv namespace, const char *kind, const char *resource)
{
	struct kt_quantity sum = kt_quantity_from_int64(0, KT_QUANTITY_DECIMAL_SI);
	kt_auto_objects pods = {0};

	kt_collect_indexed(own->pods, "namespace", namespace, &pods);
	for (size_t i = 0; i < pods.n; i++)
		if (!has_ended(pods.items[i]) && in_scope(spec, pods.items[i]))
			sum = kt_quantity_add(sum, pod_sum(pods.items[i], kind, resource));
	return sum;
}

static struct kt_quantity count_services(
        struct quota_controller *own, struct kt_sv namespace, const char *what)
{
	kt_auto_objects services = {0};
	int64_t n = 0;

	kt_collect_indexed(own->services, "namespace", namespace, &services);
	for (size_t i = 0; i < services.n; i++) {
		kt_auto_json json_t *spec =
		        kt_json_tree(kt_json_member(kt_object_doc(services.items[i]), "spec"));
		const char *type = kt_jstr(spec, "type");
		json_t *port;
		size_t p;

		if (strcmp(what, "loadbalancers") == 0) {
			n += kt_streq(type, "LoadBalancer");
			continue;
		}
		json_array_foreach(json_object_get(spec, "ports"), p, port)
			n += kt_jint(port, "nodePort", 0) > 0;
	}
	return kt_quantity_from_int64(n, KT_QUANTITY_DECIMAL_SI);
}

/* persistentvolumeclaims, requests.storage, CLASS.storageclass.storage.k8s.io/requests.storage and
 * …/persistentvolumeclaims. */
static struct kt_quantity sum_claims(struct quota_controller *own, const json_t *spec,
        struct kt_sv namespace, struct kt_sv class, bool storage)
{
	struct kt_quantity sum = kt_quantity_from_int64(0, KT_QUANTITY_DECIMAL_SI);
	kt_auto_objects claims = {0};

	kt_collect_indexed(own->claims, "namespace", namespace, &claims);
	for (size_t i = 0; i < claims.n; i++) {
		struct kt_sv have = {0};

		kt_json_string_sv(kt_field_of(claims.items[i], "spec", "storageClassName"), &have);
		if ((class.len && !kt_sv_eq(have, class)) || !claim_in_scope(spec, claims.items[i]))
			continue;
		sum = kt_quantity_add(
		        sum, storage ? quantity_at(kt_json_find(
		                               kt_field_of(claims.items[i], "spec", "resources"),
		                               "requests", "storage", NULL))
		                     : kt_quantity_from_int64(1, KT_QUANTITY_DECIMAL_SI));
	}
	return sum;
}

/* "count/deployments.apps" and the old plain names; false when no such resource is served. */
static bool count_objects(struct quota_controller *own, struct kt_sv namespace, const char *name,
        struct kt_quantity *ret)
{
	size_t it = 0;
	struct kt_resource *resource;

	while (kt_resource_next(own->resources, &it, &resource)) {
		kt_auto_free char *full =
		        *resource->group ? kt_asprintf("%s.%s", resource->name, resource->group)
		                         : kt_strdup(resource->name);
		kt_auto_objects objects = {0};

		if (strcmp(full, name) != 0 || !resource->informer)
			continue;
		kt_collect_indexed(resource->informer, "namespace", namespace, &objects);
		*ret = kt_quantity_from_int64((int64_t)objects.n, KT_QUANTITY_DECIMAL_SI);
		return true;
	}
	return false;
}

static bool measure(struct quota_controller *own, const json_t *spec, struct kt_sv namespace,
        const char *name, struct kt_quantity *ret)
{
	const char *class = strstr(name, ".storageclass.storage.k8s.io/");

	if (strcmp(name, "pods") == 0 || strcmp(name, "count/pods") == 0)
		*ret = count_pods(own, spec, namespace, *name == 'c');
	else if (class)
		*ret = sum_claims(own, spec, namespace,
		        (struct kt_sv){name, (size_t)(class - name)},
		        kt_ends_with(name, "/requests.storage"));
	else if (strcmp(name, "requests.storage") == 0)
		*ret = sum_claims(own, spec, namespace, (struct kt_sv){0}, true);
	else if (kt_ends_with(name, "persistentvolumeclaims"))
		*ret = sum_claims(own, spec, namespace, (struct kt_sv){0}, false);
	else if (kt_starts_with(name, "requests.") || kt_starts_with(name, "limits."))
		*ret = sum_pods(own, spec, namespace, *name == 'r' ? "requests" : "limits",
		        strchr(name, '.') + 1);
	else if (strcmp(name, "cpu") == 0 || strcmp(name, "memory") == 0 ||
	         strcmp(name, "ephemeral-storage") == 0)
		*ret = sum_pods(own, spec, namespace, "requests", name);
	else if (kt_starts_with(name, "services."))
		*ret = count_services(own, namespace, name + 9);
	else
		return count_objects(
		        own, namespace, kt_starts_with(name, "count/") ? name + 6 : name, ret);
	return true;
}

static void reconcile(void *arg, struct kt_pass *pass, const char *key)
{
	struct quota_controller *own = arg;
	struct kt_object *quota = kt_pass_object(pass, own->quotas);
	kt_auto_json json_t *tree = NULL, *used = NULL, *body = NULL;
	struct kt_sv namespace, version;
	const char *name;
	json_t *hard, *value;

	(void)key;
	if (!quota || kt_is_deleting(quota) || !kt_cluster_resources_synced(own->resources))
		return;
	tree = kt_object_tree(quota);
	namespace = kt_object_namespace(quota);
	hard = kt_jget(tree, "spec.hard");
	used = json_object();
	json_object_foreach(hard, name, value) {
		struct kt_quantity q;
		char text[KT_QUANTITY_TEXT_MAX];

		if (!measure(own, json_object_get(tree, "spec"), namespace, name, &q))
			continue;
		kt_quantity_format(q, text);
		json_object_set_new(used, name, json_string(text));
	}
	if (json_equal(used, kt_jget(tree, "status.used")) &&
	        json_equal(hard, kt_jget(tree, "status.hard")))
		return;
	version = kt_object_span(quota, quota->resource_version);
	body = json_object();
	json_object_set(body, "hard", hard ? hard : json_null());
	json_object_set(body, "used", used);
	value = json_pack("{s:{s:s%},s:O}", "metadata", "resourceVersion", version.p, version.len,
	        "status", body);
	json_decref(body);
	body = value;
	kt_pass_send(pass,
	        &(struct kt_pass_write){.method = "PATCH",
	                .content_type = KT_PATCH_MERGE,
	                .body = body,
	                .informer = own->quotas},
	        "/api/v1/namespaces/%.*s/resourcequotas/%.*s/status", KT_SVP(namespace),
	        KT_SVP(kt_object_name(quota)));
}

static bool add_quota(void *arg, struct kt_object *quota)
{
	struct quota_controller *own = arg;

	kt_reconciler_add_object(own->reconciler, quota);
	return true;
}

static void quota_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	(void)old_object;
	if (new_object)
		add_quota(arg, new_object);
}

/* Only what lowers use: coming objects were counted by admission. */
static void object_changed(void *arg, struct kt_resource *resource, struct kt_object *old_object,
        struct kt_object *new_object)
{
	struct quota_controller *own = arg;
	bool ends;

	if (!resource->namespaced || !kt_informer_count(own->quotas))
		return;
	ends = new_object && old_object && strcmp(resource->name, "pods") == 0 &&
	       !*resource->group && kt_pod_is_active(old_object) != kt_pod_is_active(new_object);
	if (!new_object || !old_object || ends ||
	        (!*resource->group &&
	                (strcmp(resource->name, "services") == 0 ||
	                        strcmp(resource->name, "persistentvolumeclaims") == 0)))
		kt_informer_each_indexed(own->quotas, "namespace",
		        kt_object_namespace(new_object ? new_object : old_object), add_quota, own);
}

static void resources_synced(void *arg)
{
	struct quota_controller *own = arg;

	kt_informer_each(own->quotas, add_quota, own);
}

static void *create(struct kt_controllers *controllers)
{
	struct quota_controller *own = kt_new(struct quota_controller);

	own->reconciler =
	        kt_reconciler_create(&(struct kt_reconciler_options){.controllers = controllers,
	                .name = "resourcequota-controller",
	                .reconcile = reconcile,
	                .arg = own});
	own->quotas = kt_controllers_informer(controllers, "/api/v1/resourcequotas");
	own->pods = kt_controllers_informer(controllers, "/api/v1/pods");
	own->services = kt_controllers_informer(controllers, "/api/v1/services");
	own->claims = kt_controllers_informer(controllers, "/api/v1/persistentvolumeclaims");
	own->resources = kt_resources_of(controllers);
	kt_informer_add_handler(
	        own->quotas, &(struct kt_informer_handler){.on_change = quota_changed, .arg = own});
	kt_cluster_resources_add_handler(own->resources,
	        &(struct kt_resources_handler){
	                .on_change = object_changed, .on_synced = resources_synced, .arg = own});
	return own;
}

static void destroy(void *controller)
{
	struct quota_controller *own = controller;

	kt_reconciler_destroy(own->reconciler);
	free(own);
}

const struct kt_controller kt_controller_resource_quota = {
        "resourcequota-controller", create, destroy};
