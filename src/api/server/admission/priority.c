/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The number behind a pod's priority class, and at most one class that is the default. */
#include "api/server/admission/plugins.h"
#include "api/server/rules/check.h"

/* The default class with the lowest value, as upstream picks. New reference or NULL. */
static json_t *default_class(struct kt_admission_context *a)
{
	struct kt_storage_list list;
	json_t *best = NULL;
	if (kt_admission_list(a, "scheduling.k8s.io", "priorityclasses", "", &list) < 0)
		return NULL;
	for (size_t i = 0; i < list.n; i++) {
		if (!kt_json_bool(
		            kt_json_find(kt_object_doc(list.objects[i]), "globalDefault", NULL),
		            false))
			continue;
		kt_auto_json json_t *class = kt_object_tree(list.objects[i]);
		if (best && kt_jint(class, "value", 0) >= kt_jint(best, "value", 0))
			continue;
		json_decref(best);
		best = json_incref(class);
	}
	kt_storage_list_finish(&list);
	return best;
}

static int admit_create(struct kt_admission_context *a, json_t *spec)
{
	const char *name = kt_text_of(spec, "priorityClassName");
	kt_auto_json json_t *class =
	        *name ? kt_admission_read(a, "scheduling.k8s.io", "priorityclasses", "", name)
	              : default_class(a);
	if (*name && !class)
		return kt_admission_forbid(a, "no PriorityClass with name %s was found", name);
	int64_t value = kt_jint(class, "value", 0);
	const char *policy = class ? kt_text_of(class, "preemptionPolicy") : "";
	if (!*policy)
		policy = "PreemptLowerPriority";
	const json_t *given = json_object_get(spec, "priority");
	if (given && json_integer_value(given) != value)
		return kt_admission_forbid(a,
		        "the integer value of priority (%lld) must not be provided in pod spec; "
		        "priority admission controller computed "
		        "%lld from the given PriorityClass name",
		        (long long)json_integer_value(given), (long long)value);
	const char *given_policy = kt_text_of(spec, "preemptionPolicy");
	if (*given_policy && strcmp(given_policy, policy) != 0)
		return kt_admission_forbid(a,
		        "the string value of PreemptionPolicy (%s) must not be provided in pod "
		        "spec; priority admission controller "
		        "computed %s from the given PriorityClass name",
		        given_policy, policy);
	if (class && !*name)
		json_object_set(spec, "priorityClassName", kt_jget(class, "metadata.name"));
	json_object_set_new(spec, "priority", json_integer(value));
	json_object_set_new(spec, "preemptionPolicy", json_string(policy));
	return 0;
}

/* Old clients drop fields they do not know. */
static void keep(json_t *spec, const json_t *old_spec, const char *name)
{
	if (!json_object_get(spec, name) && json_object_get(old_spec, name))
		json_object_set(spec, name, json_object_get(old_spec, name));
}

static int mutate(struct kt_admission_context *a, json_t *object, const json_t *old)
{
	json_t *spec = json_object_get(object, "spec");
	if (!kt_admission_is(a, "", "pods", NULL) || !spec)
		return 0;
	if (a->operation == KT_ADMIT_CREATE)
		return admit_create(a, spec);
	if (a->operation == KT_ADMIT_UPDATE) {
		keep(spec, json_object_get(old, "spec"), "priority");
		keep(spec, json_object_get(old, "spec"), "preemptionPolicy");
	}
	return 0;
}

static int validate(struct kt_admission_context *a, const json_t *object, const json_t *old)
{
	(void)old;
	if (!object || !kt_admission_is(a, "scheduling.k8s.io", "priorityclasses", NULL) ||
	        !kt_bool_of(object, "globalDefault"))
		return 0;
	kt_auto_json json_t *other = default_class(a);
	const char *name = other ? kt_jstr(other, "metadata.name") : NULL;
	if (!name || kt_streq(name, a->name))
		return 0;
	return kt_admission_forbid(a,
	        "PriorityClass %s is already marked as default. Only one default can exist", name);
}

const struct kt_admission_plugin kt_admission_priority = {
        .name = "Priority",
        .on_by_default = true,
        .mutate = mutate,
        .validate = validate,
};
