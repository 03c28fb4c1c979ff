/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The cases of golden/validation: a base object and one change of it, as its README describes. */
#ifndef KT_TESTS_SUPPORT_GOLDEN_H
#define KT_TESTS_SUPPORT_GOLDEN_H

#include "base/json.h"

static inline char *golden_unescape(struct kt_sv part)
{
	kt_auto_str out = KT_STR_INIT;

	for (size_t i = 0; i < part.len; i++) {
		if (part.p[i] == '~' && i + 1 < part.len)
			kt_str_putc(&out, part.p[++i] == '1' ? '/' : '~');
		else
			kt_str_putc(&out, part.p[i]);
	}
	return kt_str_steal(&out);
}

static inline void golden_set(json_t *parent, const char *key, json_t *value)
{
	size_t i = (size_t)strtoul(key, NULL, 10);

	if (json_is_object(parent) && value)
		json_object_set(parent, key, value);
	else if (json_is_object(parent))
		json_object_del(parent, key);
	else if (!value)
		json_array_remove(parent, i);
	else if (i < json_array_size(parent))
		json_array_set(parent, i, value);
	else
		json_array_append(parent, value);
}

static inline void golden_merge(json_t *target, json_t *patch)
{
	const char *key;
	json_t *value;

	json_object_foreach(patch, key, value) {
		json_t *present = json_object_get(target, key);

		if (json_is_null(value))
			json_object_del(target, key);
		else if (json_is_object(value) && json_is_object(present))
			golden_merge(present, value);
		else
			json_object_set(target, key, value);
	}
}

/* NULL when the case's operation is not one of these. */
static inline json_t *golden_changed(const json_t *base, const json_t *test)
{
	json_t *object = json_deep_copy(base), *parent = object,
	       *value = json_object_get(test, "value");
	kt_auto_json json_t *filled = NULL;
	const char *op = kt_jstr(test, "op");
	struct kt_sv rest = kt_sv_of(kt_jstr(test, "path")), part;
	kt_auto_free char *key = NULL;

	if (json_object_get(test, "fill")) {
		size_t n = (size_t)kt_jint(test, "fill", 0);
		kt_auto_free char *text = kt_alloc(n + 1);

		memset(text, 'x', n);
		filled = json_stringn(text, n);
		value = filled;
	}
	kt_sv_split(&rest, '/', &part);
	while (kt_sv_split(&rest, '/', &part)) {
		if (key && parent)
			parent = json_is_array(parent)
			                 ? json_array_get(parent, (size_t)strtoul(key, NULL, 10))
			                 : json_object_get(parent, key);
		free(key);
		key = golden_unescape(part);
	}
	if (strcmp(op, "merge") == 0) {
		if (key && parent)
			parent = json_is_array(parent)
			                 ? json_array_get(parent, (size_t)strtoul(key, NULL, 10))
			                 : json_object_get(parent, key);
		golden_merge(parent, value);
	} else if (key && parent && (strcmp(op, "set") == 0 || strcmp(op, "remove") == 0)) {
		golden_set(parent, key, strcmp(op, "set") == 0 ? value : NULL);
	} else {
		json_decref(object);
		return NULL;
	}
	return object;
}

#endif
