/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A pod of a runtime class costs what the class says and goes where the class can run. */
#include "api/server/admission/plugins.h"
#include "api/server/rules/check.h"
#include "api/server/rules/quantities.h"
#include "api/status.h"

#include <errno.h>

static bool same_amounts(const json_t *a, const json_t *b)
{
	const char *name;
	json_t *value, *members = (json_t *)(uintptr_t)a;
	if (json_object_size(a) != json_object_size(b))
		return false;
	json_object_foreach(members, name, value) {
		if (!json_object_get(b, name) ||
		        kt_quantities_cmp(value, json_object_get(b, name)) != 0)
			return false;
	}
	return true;
}

static int merge_node_selector(
        struct kt_admission_context *a, json_t *spec, const json_t *scheduling)
{
	json_t *wanted = json_object_get(scheduling, "nodeSelector"),
	       *selector = json_object_get(spec, "nodeSelector"), *value;
	const char *key;
	json_object_foreach(wanted, key, value) {
		const char *own = json_string_value(json_object_get(selector, key));
		if (own && strcmp(own, json_string_value(value)) != 0)
			return kt_admission_forbid(a,
			        "conflict: runtimeClass.scheduling.nodeSelector[%s] = %s; "
			        "pod.spec.nodeSelector[%s] = %s",
			        key, json_string_value(value), key, own);
	}
	if (!json_object_size(wanted))
		return 0;
	if (!selector)
		json_object_set_new(spec, "nodeSelector", selector = json_object());
	json_object_update(selector, wanted);
	return 0;
}

/* Does `more` tolerate everything that `less` does? */
static bool covers(const json_t *more, const json_t *less)
{
	const char *key = kt_text_of(more, "key"), *effect = kt_text_of(more, "effect");
	const char *operator= kt_text_of(more, "operator");
	const json_t *limit = json_object_get(more, "tolerationSeconds");
	bool exists = strcmp(operator, "Exists") == 0;
	if (json_equal(more, less))
		return true;
	if (strcmp(key, kt_text_of(less, "key")) != 0 && !(!*key && exists))
		return false;
	if (*effect && strcmp(effect, kt_text_of(less, "effect")) != 0)
		return false;
	if (strcmp(effect, "NoExecute") == 0 && limit &&
	        (!json_object_get(less, "tolerationSeconds") ||
	                kt_jint(less, "tolerationSeconds", 0) > json_integer_value(limit)))
		return false;
	if (exists)
		return true;
	return strcmp(kt_text_of(less, "operator"), "Exists") != 0 &&
	       strcmp(kt_text_of(more, "value"), kt_text_of(less, "value")) == 0;
}

static bool is_redundant(const json_t *kept, const json_t *all, size_t index)
{
	const json_t *own = json_array_get(all, index);
	for (size_t i = 0; i < json_array_size(kept); i++)
		if (covers(json_array_get(kept, i), own))
			return true;
	for (size_t i = index + 1; i < json_array_size(all); i++)
		if (!json_equal(own, json_array_get(all, i)) && covers(json_array_get(all, i), own))
			return true;
	return false;
}

/* The pod's and the class's; what another one covers is left out. */
static void merge_tolerations(json_t *spec, const json_t *scheduling)
{
	json_t *wanted = json_object_get(scheduling, "tolerations"), *toleration;
	kt_auto_json json_t *all = json_array();
	size_t i;
	if (json_object_get(spec, "tolerations"))
		json_array_extend(all, json_object_get(spec, "tolerations"));
	if (wanted)
		json_array_extend(all, wanted);
	if (!json_array_size(all))
		return;
	json_t *kept = json_array();
	json_array_foreach(all, i, toleration) {
		if (!is_redundant(kept, all, i))
			json_array_append(kept, toleration);
	}
	json_object_set_new(spec, "tolerations", kept);
}

static int mutate(struct kt_admission_context *a, json_t *object, const json_t *old)
{
	(void)old;
	json_t *spec = json_object_get(object, "spec");
	if (a->operation != KT_ADMIT_CREATE || !kt_admission_is(a, "", "pods", NULL) || !spec)
		return 0;
	const char *name = json_string_value(json_object_get(spec, "runtimeClassName"));
	const json_t *own = json_object_get(spec, "overhead");
	if (name && !*name)
		return kt_fail_reason(
		        &a->err, KT_REASON_UNKNOWN, EIO, "resource name may not be empty");
	kt_auto_json json_t *class =
	        name ? kt_admission_read(a, "node.k8s.io", "runtimeclasses", "", name) : NULL;
	if (name && !class)
		return kt_admission_forbid(a, "pod rejected: RuntimeClass \"%s\" not found", name);
	const json_t *fixed = kt_jget(class, "overhead.podFixed"),
	             *scheduling = json_object_get(class, "scheduling");
	if (own && !json_object_size(fixed))
		return kt_admission_forbid(a, "pod rejected: Pod Overhead set without "
		                              "corresponding RuntimeClass defined Overhead");
	if (own && !same_amounts(own, fixed))
		return kt_admission_forbid(a, "pod rejected: Pod's Overhead doesn't match "
		                              "RuntimeClass's defined Overhead");
	if (json_object_size(fixed))
		json_object_set_new(spec, "overhead", json_deep_copy(fixed));
	if (merge_node_selector(a, spec, scheduling) < 0)
		return a->err.code;
	if (scheduling)
		merge_tolerations(spec, scheduling);
	return 0;
}

const struct kt_admission_plugin kt_admission_runtime_class = {
        .name = "RuntimeClass",
        .on_by_default = true,
        .mutate = mutate,
};
