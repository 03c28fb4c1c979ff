/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small questions that the checks ask of an object's bytes. */
#ifndef KT_TESTS_SIM_FIELDS_H
#define KT_TESTS_SIM_FIELDS_H

#include "api/storage/object.h"
#include "base/json.h"
#include "base/map.h"

#include <stdlib.h>
#include <string.h>

static inline struct kt_json_at sim_field(
        const struct kt_object *object, const char *a, const char *b)
{
	return kt_json_find(kt_object_doc(object), a, b, NULL);
}

/* "" when absent. */
static inline struct kt_sv sim_text(const struct kt_object *object, const char *a, const char *b)
{
	struct kt_sv value;

	return kt_json_string_sv(sim_field(object, a, b), &value) ? value : KT_SV("");
}

static inline int64_t sim_number(
        const struct kt_object *object, const char *a, const char *b, int64_t fallback)
{
	int64_t value;

	return kt_json_int64(sim_field(object, a, b), &value) ? value : fallback;
}

static inline bool sim_is_kind(const struct kt_object *object, const char *kind)
{
	return kt_json_string_is(kt_json_member(kt_object_doc(object), "kind"), kind);
}

static inline bool sim_is_finished(const struct kt_object *pod)
{
	struct kt_sv phase = sim_text(pod, "status", "phase");

	return kt_sv_is(phase, "Succeeded") || kt_sv_is(phase, "Failed");
}

static inline bool sim_has_finalizer(const struct kt_object *object, const char *finalizer)
{
	struct kt_json_iter it = {0};
	struct kt_json_at item;

	while (kt_json_next_element(sim_field(object, "metadata", "finalizers"), &it, &item))
		if (kt_json_string_is(item, finalizer))
			return true;
	return false;
}

/* status.conditions' entry of a type; p NULL: none. */
static inline struct kt_json_at sim_condition(const struct kt_object *object, const char *type)
{
	struct kt_json_iter it = {0};
	struct kt_json_at condition;

	while (kt_json_next_element(sim_field(object, "status", "conditions"), &it, &condition))
		if (kt_json_string_is(kt_json_member(condition, "type"), type))
			return condition;
	return (struct kt_json_at){0};
}

static inline bool sim_is_true(const struct kt_object *object, const char *type)
{
	return kt_json_string_is(kt_json_member(sim_condition(object, type), "status"), "True");
}

/* Of the owner that controls it; "" when there is none. */
static inline struct kt_sv sim_controller(const struct kt_object *object)
{
	struct kt_json_iter it = {0};
	struct kt_json_at owner;
	struct kt_sv uid;

	while (kt_json_next_element(sim_field(object, "metadata", "ownerReferences"), &it, &owner))
		if (kt_json_bool(kt_json_member(owner, "controller"), false) &&
		        kt_json_string_sv(kt_json_member(owner, "uid"), &uid))
			return uid;
	return KT_SV("");
}

/* Goes through those of `live` below a prefix of the store: "/registry/pods/". */
static inline bool sim_next(const struct kt_map *live, const char *prefix, size_t *it,
        const struct kt_object **ret_object)
{
	const char *key;
	void *value;

	while (kt_map_next(live, it, &key, &value)) {
		if (strncmp(key, prefix, strlen(prefix)) == 0) {
			*ret_object = value;
			return true;
		}
	}
	return false;
}

#endif
