/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Selectors against stored bytes. */
#include "api/machinery/selector_internal.h"

/* The value at a dotted path, or {NULL}. */
static struct kt_json_at value_at(struct kt_json_at doc, const char *path)
{
	char key[256];

	while (*path && doc.p) {
		size_t len = strcspn(path, ".");

		if (len >= sizeof(key))
			return (struct kt_json_at){0};
		memcpy(key, path, len);
		key[len] = 0;
		doc = kt_json_member(doc, key);
		path += len + (path[len] == '.');
	}
	return doc;
}

static bool field_satisfied(const struct requirement *r, const struct kt_object *object)
{
	const char *path = r->path ? r->path : r->key;
	kt_auto_free char *unescaped = NULL;
	struct kt_json_at at;
	struct kt_sv text;

	if (!strcmp(path, "metadata.name"))
		return kt_requirement_satisfied(r, true, kt_object_name(object));
	if (!strcmp(path, "metadata.namespace"))
		return kt_requirement_satisfied(r, true, kt_object_namespace(object));
	at = value_at(kt_object_doc(object), path);
	text = kt_sv_of(r->absent ? r->absent : "");
	if (at.p && kt_json_is_string(at)) {
		if (!kt_json_string_sv(at, &text)) {
			unescaped = kt_json_string_dup(at);
			text = kt_sv_of(unescaped);
		}
	} else if (at.p && *at.p != '{' && *at.p != '[' && *at.p != 'n') {
		text = (struct kt_sv){at.p, at.len};
	}
	return kt_requirement_satisfied(r, true, text);
}

bool kt_selector_matches(const struct kt_selector *selector, const struct kt_object *object)
{
	if (!selector)
		return true;
	if (selector->nothing)
		return false;
	for (size_t i = 0; i < selector->requirements.n; i++) {
		const struct requirement *r = &selector->requirements.items[i];
		struct kt_sv value = {0};
		bool present;

		if (selector->by_fields) {
			if (!field_satisfied(r, object))
				return false;
			continue;
		}
		present = kt_object_label(object, kt_sv_of(r->key), &value);
		if (!kt_requirement_satisfied(r, present, value))
			return false;
	}
	return true;
}
