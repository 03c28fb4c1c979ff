/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/machinery/managed_internal.h"

#include <errno.h>

static int decode_entry(struct kt_managed *managed, json_t *entry)
{
	const char *operation = kt_jstr(entry, "operation");
	const char *manager = kt_jstr(entry, "manager");
	const char *api_version = kt_jstr(entry, "apiVersion");
	const char *type = kt_jstr(entry, "fieldsType");
	const char *subresource = kt_jstr(entry, "subresource");
	struct kt_managed_entry result = {.manager = manager ? manager : "",
	        .api_version = api_version ? api_version : "",
	        .subresource = subresource ? subresource : "",
	        .time = kt_jstr(entry, "time"),
	        .source = entry};

	if (!type)
		result.source = NULL; /* written anew with its type */
	result.applied = kt_streq(operation, "Apply");
	if ((!result.applied && !kt_streq(operation, "Update")) || !result.api_version[0])
		return -EINVAL;
	if (type && strcmp(type, "FieldsV1"))
		return -EINVAL;
	if (kt_fieldset_parse(managed->arena, json_object_get(entry, "fieldsV1"), &result.set) < 0)
		return -EINVAL;
	kt_vec_push(&managed->entries, result);
	return 0;
}

int kt_managed_decode(struct kt_managed *managed, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (decode_entry(managed, json_array_get(list, i)) < 0) {
			managed->entries.n = 0;
			return -EINVAL;
		}
	}
	return 0;
}

void kt_managed_finish(struct kt_managed *managed)
{
	kt_vec_finish(&managed->entries);
}

struct kt_managed_entry *kt_managed_find(
        struct kt_managed *managed, const struct kt_managed_entry *like)
{
	for (size_t i = 0; i < managed->entries.n; i++) {
		struct kt_managed_entry *entry = &managed->entries.items[i];

		if (entry->applied != like->applied || strcmp(entry->manager, like->manager) ||
		        strcmp(entry->subresource, like->subresource))
			continue;
		/* an applier is the same whatever version it speaks */
		if (entry->applied || !strcmp(entry->api_version, like->api_version))
			return entry;
	}
	return NULL;
}

void kt_managed_set(struct kt_managed *managed, size_t i, const struct kt_fieldset *set)
{
	struct kt_managed_entry *entry = &managed->entries.items[i];

	if (kt_fieldset_is_empty(set)) {
		kt_vec_remove(&managed->entries, i);
		return;
	}
	if (!kt_fieldset_equal(entry->set, set)) {
		entry->set = set;
		entry->source = NULL;
	}
}

static int compare_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

static int compare_entries(const void *a, const void *b)
{
	const struct kt_managed_entry *x = a, *y = b;
	int order = (int)y->applied - (int)x->applied; /* "Apply" < "Update" */

	if (!order)
		order = compare_text(x->time, y->time); /* RFC 3339 in UTC sorts as text */
	if (!order)
		order = strcmp(x->manager, y->manager);
	if (!order)
		order = strcmp(x->api_version, y->api_version);
	return order ? order : strcmp(x->subresource, y->subresource);
}

static json_t *encode_entry(const struct kt_managed_entry *entry)
{
	json_t *result;

	if (entry->source)
		return json_incref(entry->source);
	result = json_object();
	json_object_set_new(result, "manager", json_string_nocheck(entry->manager));
	json_object_set_new(result, "operation", json_string(entry->applied ? "Apply" : "Update"));
	json_object_set_new(result, "apiVersion", json_string_nocheck(entry->api_version));
	if (entry->time)
		json_object_set_new(result, "time", json_string_nocheck(entry->time));
	json_object_set_new(result, "fieldsType", json_string("FieldsV1"));
	json_object_set_new(result, "fieldsV1", kt_fieldset_json(entry->set));
	if (entry->subresource[0])
		json_object_set_new(result, "subresource", json_string_nocheck(entry->subresource));
	return result;
}

json_t *kt_managed_encode(struct kt_managed *managed)
{
	json_t *result;

	if (!managed->entries.n)
		return NULL;
	qsort(managed->entries.items, managed->entries.n, sizeof(*managed->entries.items),
	        compare_entries);
	result = json_array();
	for (size_t i = 0; i < managed->entries.n; i++)
		json_array_append_new(result, encode_entry(&managed->entries.items[i]));
	return result;
}
