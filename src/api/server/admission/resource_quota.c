/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Quotas: the object and the quota's new status.used are written in one transaction, on the
 * condition that the quota is still as it was read; a race makes the pipeline try the whole request
 * again. So no two requests can spend the same amount.
 */
#include "api/server/admission/plugins.h"
#include "api/server/admission/resource_quota_usage.h"
#include "api/server/rules/check.h"
#include "api/server/rules/lookup.h"
#include "api/server/rules/quantities.h"

/* `a=1,b=2` of the named resources, sorted. */
static void print(struct kt_rule_context *c, struct kt_str *out, const json_t *amounts,
        const struct kt_keys *keys)
{
	for (size_t i = 0; i < keys->n; i++)
		kt_str_printf(out, "%s%s=%s", i ? "," : "", keys->names[i],
		        kt_quantities_text(c, json_object_get(amounts, keys->names[i])));
}

/* What the object adds: all of it when it is new, the difference on an update. */
static json_t *added_usage(struct kt_admission_context *a, const json_t *object, const json_t *old)
{
	json_t *usage = kt_quota_usage(a->rules, a->kind, object);
	kt_auto_json json_t *before = old ? kt_quota_usage(a->rules, a->kind, old) : NULL;
	const char *name;
	json_t *value;
	void *next;
	json_object_foreach_safe(usage, next, name, value) {
		const json_t *was = json_object_get(before, name);
		if (!was)
			continue;
		kt_nanos delta = kt_quantities_nanos(value) - kt_quantities_nanos(was);
		if (delta == 0)
			json_object_del(usage, name);
		else
			json_object_set_new(usage, name,
			        json_string(kt_quantities_print(a->rules, delta, value)));
	}
	return usage;
}

/* Names of what this quota limits and the object adds to. */
static struct kt_keys touched(
        struct kt_admission_context *a, const json_t *hard, const json_t *usage)
{
	struct kt_keys keys = {.names = kt_arena_alloc(a->rules->arena,
	                               (json_object_size(usage) + 1) * sizeof(*keys.names))};
	const char *name;
	json_t *value, *members = (json_t *)(uintptr_t)usage;
	json_object_foreach(members, name, value) {
		if (json_object_get(hard, name))
			keys.names[keys.n++] = name;
	}
	qsort(keys.names, keys.n, sizeof(*keys.names), kt_strp_cmp);
	return keys;
}

static int refuse(struct kt_admission_context *a, const json_t *quota, const json_t *usage,
        const struct kt_keys *keys)
{
	const json_t *hard = kt_jget(quota, "status.hard"), *used = kt_jget(quota, "status.used");
	kt_auto_str wanted = KT_STR_INIT, spent = KT_STR_INIT, limited = KT_STR_INIT;
	print(a->rules, &wanted, usage, keys);
	print(a->rules, &spent, used, keys);
	print(a->rules, &limited, hard, keys);
	return kt_admission_forbid(a, "exceeded quota: %s, requested: %s, used: %s, limited: %s",
	        kt_jstr(quota, "metadata.name"), kt_str_text(&wanted), kt_str_text(&spent),
	        kt_str_text(&limited));
}

static int check_amounts(struct kt_admission_context *a, const json_t *quota, const json_t *usage,
        const struct kt_keys *keys)
{
	const json_t *hard = kt_jget(quota, "status.hard"), *used = kt_jget(quota, "status.used");
	struct kt_keys over = {
	        .names = kt_arena_alloc(a->rules->arena, (keys->n + 1) * sizeof(*over.names))};
	for (size_t i = 0; i < keys->n; i++) {
		const char *name = keys->names[i];
		kt_nanos delta = kt_quantities_nanos(json_object_get(usage, name));
		kt_nanos now = kt_quantities_nanos(json_object_get(used, name)) + delta;
		if (delta > 0 && now > kt_quantities_nanos(json_object_get(hard, name)))
			over.names[over.n++] = name;
	}
	return over.n ? refuse(a, quota, usage, &over) : 0;
}

static void spend(struct kt_admission_context *a, json_t *quota, const char *key, int64_t revision,
        const json_t *usage, const struct kt_keys *keys)
{
	json_t *used = kt_jget(quota, "status.used");
	const struct kt_kind *kind = kt_builtin_resource("", "v1", "resourcequotas");
	if (!keys->n)
		return;
	if (!used)
		json_object_set_new(json_object_get(quota, "status"), "used", used = json_object());
	for (size_t i = 0; i < keys->n; i++) {
		const json_t *before = json_object_get(used, keys->names[i]),
		             *more = json_object_get(usage, keys->names[i]);
		kt_nanos n = kt_quantities_nanos(before) + kt_quantities_nanos(more);
		bool zero = kt_quantities_nanos(before) == 0;
		json_object_set_new(used, keys->names[i],
		        json_string(kt_quantities_print(a->rules, n, zero ? more : before)));
	}
	kt_rule_also_put(a->rules, key, revision, kind->type, quota);
}

/* The quota's controller has not said yet what is used. */
static int refuse_unknown(
        struct kt_admission_context *a, const json_t *quota, const struct kt_keys *keys)
{
	kt_auto_str names = KT_STR_INIT;
	for (size_t i = 0; i < keys->n; i++)
		kt_str_printf(&names, "%s%s", i ? "," : "", keys->names[i]);
	return kt_admission_forbid(a, "status unknown for quota: %s, resources: %s",
	        kt_jstr(quota, "metadata.name"), kt_str_text(&names));
}

static int check_quota(struct kt_admission_context *a, json_t *quota, int64_t revision,
        const json_t *object, const json_t *usage)
{
	const json_t *hard = kt_jget(quota, "spec.hard"), *known = kt_jget(quota, "status.hard");
	const json_t *used = kt_jget(quota, "status.used");
	const char *name = kt_jstr(quota, "metadata.name");
	if (!kt_quota_matches(quota, a->kind, object))
		return 0;
	const char *missing = kt_quota_missing(a->rules, hard, a->kind, object);
	if (missing && a->operation == KT_ADMIT_CREATE)
		return kt_admission_forbid(a, "failed quota: %s: %s", name, missing);
	struct kt_keys keys = touched(a, hard, usage);
	for (size_t i = 0; i < keys.n; i++)
		if (!json_object_get(known, keys.names[i]) || !json_object_get(used, keys.names[i]))
			return refuse_unknown(a, quota, &keys);
	if (check_amounts(a, quota, usage, &keys) < 0)
		return a->err.code;
	spend(a, quota, kt_rule_key(a->rules, "", "resourcequotas", a->namespace, name), revision,
	        usage, &keys);
	return 0;
}

static bool counts_updates(const struct kt_admission_context *a)
{
	return kt_admission_is(a, "", "services", NULL) ||
	       kt_admission_is(a, "", "persistentvolumeclaims", NULL) ||
	       kt_admission_is(a, "", "pods", "resize");
}

static int validate(struct kt_admission_context *a, const json_t *object, const json_t *old)
{
	struct kt_storage_list list;
	bool create = a->operation == KT_ADMIT_CREATE && !a->subresource;
	if (!object || !*a->namespace ||
	        (!create && !(a->operation == KT_ADMIT_UPDATE && counts_updates(a))))
		return 0;
	if (kt_admission_list(a, "", "resourcequotas", a->namespace, &list) < 0)
		return 0;
	int r = 0;
	kt_auto_json json_t *usage = list.n ? added_usage(a, object, old) : NULL;
	for (size_t i = 0; i < list.n && r == 0 && json_object_size(usage); i++) {
		kt_auto_json json_t *quota = kt_object_tree(list.objects[i]);
		r = check_quota(a, quota, list.objects[i]->revision, object, usage);
	}
	kt_storage_list_finish(&list);
	return r;
}

const struct kt_admission_plugin kt_admission_resource_quota = {
        .name = "ResourceQuota",
        .on_by_default = true,
        .validate = validate,
};
