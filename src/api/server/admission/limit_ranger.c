/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Defaults and bounds of a namespace's LimitRanges for containers, pods and claims. */
#include "api/server/admission/plugins.h"
#include "api/server/rules/quantities.h"

static const char *const container_lists[] = {"initContainers", "containers"};

static json_t *object_of(json_t *parent, const char *name)
{
	json_t *object = json_object_get(parent, name);
	if (!object)
		json_object_set_new(parent, name, object = json_object());
	return object;
}

/* Names of what was filled in, for the annotation. */
static void fill(
        json_t *resources, const char *map_name, const json_t *defaults, struct kt_str *set)
{
	const char *name;
	json_t *value, *members = (json_t *)(uintptr_t)defaults;
	json_object_foreach(members, name, value) {
		json_t *map = object_of(resources, map_name);
		if (json_object_get(map, name))
			continue;
		json_object_set(map, name, value);
		kt_str_printf(set, "%s%s", set->len ? ", " : "", name);
	}
}

static void default_container(
        json_t *container, const json_t *item, bool is_init, struct kt_str *note)
{
	kt_auto_str requests = KT_STR_INIT, limits = KT_STR_INIT;
	json_t *resources = object_of(container, "resources");
	fill(resources, "limits", json_object_get(item, "default"), &limits);
	fill(resources, "requests", json_object_get(item, "defaultRequest"), &requests);
	const char *kind = is_init ? "init container" : "container",
	           *name = kt_text_of(container, "name");
	if (requests.len)
		kt_str_printf(note, "%s%s request for %s %s", note->len ? "; " : "",
		        kt_str_text(&requests), kind, name);
	if (limits.len)
		kt_str_printf(note, "%s%s limit for %s %s", note->len ? "; " : "",
		        kt_str_text(&limits), kind, name);
}

static void default_pod(json_t *pod, const json_t *range)
{
	kt_auto_str note = KT_STR_INIT;
	size_t i, j;
	json_t *item, *container;
	json_array_foreach(kt_jget(range, "spec.limits"), i, item) {
		if (strcmp(kt_text_of(item, "type"), "Container") != 0)
			continue;
		for (size_t l = 2; l-- > 0;)
			json_array_foreach(
			        json_object_get(json_object_get(pod, "spec"), container_lists[l]),
			        j, container) {
				default_container(container, item, l == 0, &note);
			}
	}
	if (!note.len)
		return;
	json_t *annotations = object_of(json_object_get(pod, "metadata"), "annotations");
	json_object_set_new(annotations, "kubernetes.io/limit-ranger",
	        json_sprintf("LimitRanger plugin set: %s", kt_str_text(&note)));
}

typedef int (*each_range)(struct kt_admission_context *a, json_t *object, const json_t *range);

static int for_ranges(struct kt_admission_context *a, json_t *object, each_range fn)
{
	struct kt_storage_list list;
	if (kt_admission_list(a, "", "limitranges", a->namespace, &list) < 0)
		return 0;
	int r = 0;
	for (size_t i = 0; i < list.n && r == 0; i++) {
		kt_auto_json json_t *range = kt_object_tree(list.objects[i]);
		r = fn(a, object, range);
	}
	kt_storage_list_finish(&list);
	return r;
}

static int mutate_range(struct kt_admission_context *a, json_t *object, const json_t *range)
{
	(void)a;
	default_pod(object, range);
	return 0;
}

static int mutate(struct kt_admission_context *a, json_t *object, const json_t *old)
{
	(void)old;
	if (a->operation != KT_ADMIT_CREATE || !kt_admission_is(a, "", "pods", NULL) ||
	        !json_object_get(object, "spec"))
		return 0;
	return for_ranges(a, object, mutate_range);
}

/* Bounds. All that is broken is told at once. */

struct reasons {
	struct kt_str text;
	size_t n;
};

static void say(struct reasons *why, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(struct reasons *why, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	kt_str_puts(&why->text, why->n++ ? ", " : "");
	kt_str_vprintf(&why->text, fmt, ap);
	va_end(ap);
}

static void check_min(struct kt_rule_context *c, struct reasons *why, const char *type,
        const char *name, const json_t *min, const json_t *requests, const json_t *limits)
{
	const json_t *request = json_object_get(requests, name),
	             *limit = json_object_get(limits, name);
	const char *bound = kt_quantities_text(c, min);
	if (!request)
		say(why, "minimum %s usage per %s is %s.  No request is specified", name, type,
		        bound);
	else if (kt_quantities_cmp(request, min) < 0)
		say(why, "minimum %s usage per %s is %s, but request is %s", name, type, bound,
		        kt_quantities_text(c, request));
	if (limit && kt_quantities_cmp(limit, min) < 0)
		say(why, "minimum %s usage per %s is %s, but limit is %s", name, type, bound,
		        kt_quantities_text(c, limit));
}

static void check_max(struct kt_rule_context *c, struct reasons *why, const char *type,
        const char *name, const json_t *max, const json_t *requests, const json_t *limits)
{
	const json_t *request = json_object_get(requests, name),
	             *limit = json_object_get(limits, name);
	const char *bound = kt_quantities_text(c, max);
	if (!limit)
		say(why, "maximum %s usage per %s is %s.  No limit is specified", name, type,
		        bound);
	else if (kt_quantities_cmp(limit, max) > 0)
		say(why, "maximum %s usage per %s is %s, but limit is %s", name, type, bound,
		        kt_quantities_text(c, limit));
	if (request && kt_quantities_cmp(request, max) > 0)
		say(why, "maximum %s usage per %s is %s, but request is %s", name, type, bound,
		        kt_quantities_text(c, request));
}

static void check_ratio(struct kt_rule_context *c, struct reasons *why, const char *type,
        const char *name, const json_t *ratio, const json_t *requests, const json_t *limits)
{
	const json_t *request = json_object_get(requests, name),
	             *limit = json_object_get(limits, name);
	if (!request || kt_quantities_nanos(request) == 0) {
		say(why,
		        "%s max limit to request ratio per %s is %s, but no request is specified "
		        "or request is 0",
		        name, type, kt_quantities_text(c, ratio));
		return;
	}
	if (!limit || kt_quantities_nanos(limit) == 0) {
		say(why,
		        "%s max limit to request ratio per %s is %s, but no limit is specified or "
		        "limit is 0",
		        name, type, kt_quantities_text(c, ratio));
		return;
	}
	double actual = (double)kt_quantities_nanos(limit) / (double)kt_quantities_nanos(request);
	if (actual > (double)kt_quantities_nanos(ratio) / 1e9)
		say(why, "%s max limit to request ratio per %s is %s, but provided ratio is %f",
		        name, type, kt_quantities_text(c, ratio), actual);
}

typedef void (*bound_fn)(struct kt_rule_context *c, struct reasons *why, const char *type,
        const char *name, const json_t *bound, const json_t *requests, const json_t *limits);

static void check_bounds(struct kt_rule_context *c, struct reasons *why, const json_t *item,
        const json_t *requests, const json_t *limits)
{
	static const struct {
		const char *name;
		bound_fn fn;
	} bounds[] = {
	        {"min", check_min}, {"max", check_max}, {"maxLimitRequestRatio", check_ratio}};
	const char *type = kt_text_of(item, "type");
	for (size_t i = 0; i < KT_ARRAY_SIZE(bounds); i++) {
		const char *name;
		json_t *value;
		json_object_foreach(json_object_get(item, bounds[i].name), name, value) {
			bounds[i].fn(c, why, type, name, value, requests, limits);
		}
	}
}

/* Sums over the containers of a pod; a resource that only some of them limit has no limit. */
static json_t *pod_total(struct kt_rule_context *c, const json_t *pod, const char *map)
{
	static const char *const lists[] = {"containers", "initContainers"};
	json_t *total = json_object();
	for (size_t l = 0; l < 2; l++) {
		size_t i;
		json_t *container, *value;
		const char *name;
		json_array_foreach(
		        json_object_get(json_object_get(pod, "spec"), lists[l]), i, container) {
			bool sums = l == 0 ||
			            strcmp(kt_text_of(container, "restartPolicy"), "Always") == 0;
			json_object_foreach(
			        json_object_get(json_object_get(container, "resources"), map), name,
			        value) {
				const json_t *before = json_object_get(total, name);
				kt_nanos n = kt_quantities_nanos(before),
				         own = kt_quantities_nanos(value);
				n = sums ? n + own : KT_MAX(n, own);
				json_object_set_new(
				        total, name, json_string(kt_quantities_print(c, n, value)));
			}
		}
	}
	return total;
}

static int refuse(struct kt_admission_context *a, struct reasons *why)
{
	int r = 0;
	if (why->n)
		r = kt_admission_forbid(a, why->n > 1 ? "[%s]" : "%s", kt_str_text(&why->text));
	kt_str_finish(&why->text);
	return r;
}

static int validate_pod(struct kt_admission_context *a, json_t *pod, const json_t *range)
{
	struct reasons why = {0};
	kt_auto_json json_t *requests = pod_total(a->rules, pod, "requests");
	kt_auto_json json_t *limits = pod_total(a->rules, pod, "limits");
	size_t i, j;
	json_t *item, *container;
	json_array_foreach(kt_jget(range, "spec.limits"), i, item) {
		if (strcmp(kt_text_of(item, "type"), "Pod") == 0)
			check_bounds(a->rules, &why, item, requests, limits);
		for (size_t l = 0; strcmp(kt_text_of(item, "type"), "Container") == 0 && l < 2; l++)
			json_array_foreach(json_object_get(json_object_get(pod, "spec"),
			                           container_lists[1 - l]),
			        j, container) {
				check_bounds(a->rules, &why, item,
				        kt_jget(container, "resources.requests"),
				        kt_jget(container, "resources.limits"));
			}
	}
	return refuse(a, &why);
}

static int validate_claim(struct kt_admission_context *a, json_t *claim, const json_t *range)
{
	struct reasons why = {0};
	const json_t *requests = kt_jget(claim, "spec.resources.requests");
	size_t i;
	json_t *item;
	json_array_foreach(kt_jget(range, "spec.limits"), i, item) {
		if (strcmp(kt_text_of(item, "type"), "PersistentVolumeClaim") != 0)
			continue;
		const json_t *min = kt_jget(item, "min.storage"),
		             *max = kt_jget(item, "max.storage");
		const json_t *request = json_object_get(requests, "storage");
		if (min && kt_quantities_cmp(request, min) < 0)
			say(&why,
			        "minimum storage usage per PersistentVolumeClaim is %s, but "
			        "request is %s",
			        kt_quantities_text(a->rules, min),
			        kt_quantities_text(a->rules, request));
		if (max && kt_quantities_cmp(request, max) > 0)
			say(&why,
			        "maximum storage usage per PersistentVolumeClaim is %s, but "
			        "request is %s",
			        kt_quantities_text(a->rules, max),
			        kt_quantities_text(a->rules, request));
	}
	return refuse(a, &why);
}

static int validate(struct kt_admission_context *a, const json_t *object, const json_t *old)
{
	(void)old;
	json_t *borrowed = (json_t *)(uintptr_t)object;
	if (!object)
		return 0;
	if (kt_admission_is(a, "", "pods", NULL) && a->operation == KT_ADMIT_CREATE)
		return for_ranges(a, borrowed, validate_pod);
	if (kt_admission_is(a, "", "persistentvolumeclaims", NULL))
		return for_ranges(a, borrowed, validate_claim);
	return 0;
}

const struct kt_admission_plugin kt_admission_limit_ranger = {
        .name = "LimitRanger",
        .on_by_default = true,
        .mutate = mutate,
        .validate = validate,
};
