/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/rules/rules.h"

#include "api/machinery/limits.h"
#include "api/machinery/patch.h"
#include "api/server/rules/check.h"
#include "api/server/rules/custom.h"
#include "api/server/rules/meta.h"
#include "api/server/rules/table.h"

void kt_rule_warn(struct kt_rule_context *c, const char *fmt, ...)
{
	va_list ap;
	if (c->n_warnings == KT_RULE_WARNINGS_MAX)
		return;
	va_start(ap, fmt);
	char *text = kt_vasprintf(fmt, ap);
	va_end(ap);
	for (size_t i = 0; i < c->n_warnings; i++) {
		if (strcmp(c->warnings[i], text) == 0) { /* each text is sent once */
			free(text);
			return;
		}
	}
	c->warnings = kt_reallocarray(c->warnings, c->n_warnings + 1, sizeof(*c->warnings));
	c->warnings[c->n_warnings++] = text;
}

static int cmp_rules(const void *key, const void *entry)
{
	const struct kt_rules *wanted = key, *rules = *(const struct kt_rules *const *)entry;
	int order = strcmp(wanted->group, rules->group);
	return order ? order : strcmp(wanted->kind, rules->kind);
}

const struct kt_rules *kt_rules_find(const char *group, const char *kind)
{
	struct kt_rules wanted = {.group = group, .kind = kind};
	const struct kt_rules *const *found = bsearch(
	        &wanted, kt_rules_table, kt_rules_table_n, sizeof(kt_rules_table[0]), cmp_rules);
	return found ? *found : NULL;
}

static const struct kt_rules *rules_of(const struct kt_rule_context *c)
{
	return c->kind->flags & KT_KIND_CUSTOM ? NULL
	                                       : kt_rules_find(c->kind->group, c->kind->kind);
}

const char *kt_rules_error_group(const struct kt_kind *kind)
{
	const struct kt_rules *rules =
	        kind->flags & KT_KIND_CUSTOM ? NULL : kt_rules_find(kind->group, kind->kind);
	return rules && rules->error_group ? rules->error_group : kind->group;
}

void kt_rules_default(struct kt_rule_context *c, json_t *object)
{
	const struct kt_rules *rules = rules_of(c);
	kt_type_default(c->kind->type, object);
	if (rules && rules->default_object)
		rules->default_object(c, object);
}

static void set_or_drop(json_t *object, const char *name, json_t *value)
{
	if (value)
		json_object_set(object, name, value);
	else
		json_object_del(object, name);
}

/* The main resource leaves the status alone, /status everything else. */
/* The status of a custom resource takes nothing else along: its metadata stays, but for who manages
 * what. */
static void keep_custom_metadata(struct kt_rule_context *c, json_t *object, const json_t *old)
{
	json_t *managers = kt_jget(object, "metadata.managedFields"),
	       *meta = json_deep_copy(json_object_get(old, "metadata"));
	const char *revision = kt_jstr(object, "metadata.resourceVersion");
	if (!(c->kind->flags & KT_KIND_CUSTOM) || !json_is_object(meta)) {
		json_decref(meta);
		return;
	}
	if (managers)
		json_object_set(meta, "managedFields", managers);
	else
		json_object_del(meta, "managedFields");
	if (revision)
		json_object_set_new(meta, "resourceVersion", json_string(revision));
	json_object_set_new(object, "metadata", meta);
}

static void split_status(struct kt_rule_context *c, json_t *object, const json_t *old)
{
	const struct kt_rules *rules = rules_of(c);
	if (!(c->kind->flags & KT_KIND_HAS_STATUS))
		return;
	if (!c->subresource && !old && rules && rules->creates_status)
		return;
	if (!old && (c->kind->flags & KT_KIND_STATUS_ON_CREATE))
		return;
	if (!c->subresource) {
		json_t *status = old ? json_object_get(old, "status") : NULL;
		if (status)
			json_object_set_new(object, "status", json_deep_copy(status));
		else if (c->kind->flags & KT_KIND_CUSTOM)
			json_object_del(object, "status"); /* no struct that is always there */
		else
			json_object_set_new(object, "status", json_object());
		return;
	}
	if (strcmp(c->subresource, "status") != 0 || !old)
		return;
	keep_custom_metadata(c, object, old);
	const char *key;
	json_t *value;
	void *next;
	json_object_foreach_safe(object, next, key, value) {
		if (!kt_is_one_of(key, (const char *const[]){
		                               "apiVersion", "kind", "metadata", "status", NULL}))
			json_object_del(object, key);
	}
	json_t *borrowed = (json_t *)(uintptr_t)old;
	json_object_foreach(borrowed, key, value) {
		if (!kt_is_one_of(key, (const char *const[]){
		                               "apiVersion", "kind", "metadata", "status", NULL}))
			set_or_drop(object, key, value);
	}
}

static const char *const not_spec[] = {"apiVersion", "kind", "metadata", "status", NULL};

/* Has `object` a member that `old` has not so? */
static bool custom_changed(const json_t *object, const json_t *old)
{
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)object, key, value) {
		const json_t *other = json_object_get(old, key);
		if (!kt_is_one_of(key, not_spec) && (!other || !kt_json_equal(value, other)))
			return true;
	}
	return false;
}

/* True when anything but metadata and status differs. */
static bool spec_changed(const json_t *object, const json_t *old)
{
	const char *key;
	json_t *value, *a = (json_t *)(uintptr_t)object, *b = (json_t *)(uintptr_t)old;
	json_object_foreach(a, key, value) {
		if (!kt_is_one_of(key, not_spec) && !kt_same(value, json_object_get(old, key)))
			return true;
	}
	json_object_foreach(b, key, value) {
		if (!kt_is_one_of(key, not_spec) && !kt_same(value, json_object_get(object, key)))
			return true;
	}
	return false;
}

/* Of a custom resource every byte counts; a struct's zero values are as good as absent. */
static bool raises_generation(
        const struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	if (!(c->kind->flags & KT_KIND_CUSTOM))
		return spec_changed(object, old);
	return custom_changed(object, old) || custom_changed(old, object);
}

static void set_generation(struct kt_rule_context *c, json_t *object, const json_t *old)
{
	if (!(c->kind->flags & KT_KIND_GENERATION))
		return;
	json_t *meta = json_object_get(object, "metadata");
	int64_t generation = 1;
	const struct kt_rules *rules = rules_of(c);
	if (old) {
		bool noted = rules && rules->annotations_count && !c->subresource &&
		             !kt_same(kt_jget(object, "metadata.annotations"),
		                     kt_jget(old, "metadata.annotations"));
		generation = kt_jint(old, "metadata.generation", 0) +
		             (noted || raises_generation(c, object, old));
	}
	if (generation > 0)
		json_object_set_new(meta, "generation", json_integer(generation));
}

int kt_rules_prepare(struct kt_rule_context *c, json_t *object, const json_t *old)
{
	const struct kt_rules *rules = rules_of(c);
	if (c->kind->flags & KT_KIND_VIRTUAL) /* reviews and bindings are answered, not kept */
		return rules && rules->prepare ? rules->prepare(c, object, old) : 0;
	kt_meta_prepare(c, object, old);
	split_status(c, object, old);
	int r = rules && rules->prepare ? rules->prepare(c, object, old) : 0;
	if (r < 0)
		return r;
	set_generation(c, object, old);
	return 0;
}

/* Kinds without rules of their own. */
static void validate_by_table(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	kt_meta_validate_both(c, object, old);
	if (c->kind->flags & KT_KIND_CUSTOM) { /* a definition's schema has words of its own */
		kt_custom_validate(c, object, old);
		return;
	}
	struct kt_at root = kt_at_root(c, object);
	kt_check_limits(c, &root, old);
}

void kt_rules_validate(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	const struct kt_rules *rules = rules_of(c);
	c->errors.arena = c->arena;
	c->subject = object;
	bool stored = !(c->kind->flags & KT_KIND_VIRTUAL);
	if (old && stored) { /* what upstream checks for every update, before the kind's own
		                strategy */
		kt_meta_validate_common(c, object, "path-segment");
		kt_meta_validate_common_update(c, object, old);
	}
	if (rules && rules->validate)
		rules->validate(c, object, old);
	else if (stored)
		validate_by_table(c, object, old);
	if (!old && stored && c->errors.n == 0)
		kt_meta_validate_common(c, object, "path-segment");
	if (c->errors.n == 0 && rules && rules->warn)
		rules->warn(c, object, old);
}
