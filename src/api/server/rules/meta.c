/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/rules/meta.h"

#include "api/machinery/names.h"

#include <ctype.h>

#define ANNOTATIONS_SIZE_MAX_BYTES (256 * 1024) /* sum of all keys and values; upstream's limit */

void kt_check_labels(struct kt_rule_context *c, const struct kt_at *labels)
{
	if (labels->value)
		kt_field_labels(&c->errors, kt_at_path(c, labels), labels->value);
}

/* Annotation keys may be upper case: the check is made on the lowered key. */
void kt_check_annotations(struct kt_rule_context *c, const struct kt_at *annotations)
{
	size_t size_bytes = 0;
	const char *key;
	json_t *value;
	json_object_foreach(annotations->value, key, value) {
		size_bytes += strlen(key) + json_string_length(value);
		char *lower = kt_arena_strdup(c->arena, key);
		for (char *p = lower; *p; p++)
			*p = (char)tolower((unsigned char)*p);
		struct kt_messages messages = {0};
		size_t n = kt_format_check("qualified-name", kt_sv_of(lower), &messages);
		for (size_t i = 0; i < n; i++)
			kt_add_invalid_text(c, annotations, key, "%s", messages.items[i]);
	}
	if (size_bytes > ANNOTATIONS_SIZE_MAX_BYTES)
		kt_add_too_long(c, annotations, ANNOTATIONS_SIZE_MAX_BYTES);
}

#define MANAGER_MAX_BYTES 128
/* Names that may be any path segment have no limit upstream but what a request may have. Each of
 * these can be asked for, with every byte escaped (KT_HTTP_HEAD_BYTES_MAX). */
#define SEGMENT_MAX_BYTES 16384
#define SUBRESOURCE_MAX_BYTES 256

static void check_not_empty(struct kt_rule_context *c, const struct kt_at *owner, const char *name)
{
	struct kt_at at = kt_at(owner, name);
	if (!*kt_at_text(&at))
		kt_add_invalid(c, &at, "must not be empty");
}

/* Errors of one owner are reported at the list, without an index. */
static void check_owner(struct kt_rule_context *c, const struct kt_at *owners, const json_t *value)
{
	struct kt_at owner = kt_at_with(owners, value);
	owner.type = owners->type ? owners->type->elem : NULL;
	struct kt_at api_version = kt_at(&owner, "apiVersion");
	const char *text = kt_at_text(&api_version), *slash = strchr(text, '/');
	if (!*text || (slash && (!slash[1] || strchr(slash + 1, '/'))))
		kt_add_invalid(c, &api_version, "version must not be empty");
	check_not_empty(c, &owner, "kind");
	check_not_empty(c, &owner, "name");
	check_not_empty(c, &owner, "uid");
	if (kt_at_is(&api_version, "v1") && strcmp(kt_text_of(value, "kind"), "Event") == 0)
		kt_add_invalid(c, &owner, "/v1, Kind=Event is disallowed from being an owner");
}

static void check_owners(struct kt_rule_context *c, const struct kt_at *meta)
{
	struct kt_at owners = kt_at(meta, "ownerReferences");
	const json_t *controller = NULL, *owner;
	size_t i;
	json_array_foreach(owners.value, i, owner) {
		check_owner(c, &owners, owner);
		if (!kt_bool_of(owner, "controller"))
			continue;
		if (controller)
			kt_add_invalid(c, &owners,
			        "Only one reference can have Controller set to true. Found "
			        "\"true\" in references for %s/%s and %s/%s",
			        kt_text_of(controller, "kind"), kt_text_of(controller, "name"),
			        kt_text_of(owner, "kind"), kt_text_of(owner, "name"));
		controller = controller ? controller : owner;
	}
}

static bool has_text(const json_t *list, const char *text)
{
	size_t i;
	json_t *item;
	json_array_foreach(list, i, item) {
		if (kt_streq(json_string_value(item), text))
			return true;
	}
	return false;
}

static void check_finalizers(struct kt_rule_context *c, const struct kt_at *meta)
{
	struct kt_at finalizers = kt_at(meta, "finalizers");
	if (!kt_at_n(&finalizers))
		return;
	KT_EACH(finalizer, &finalizers) {
		struct kt_messages messages = {0};
		size_t n = kt_format_check(
		        "qualified-name", kt_sv_of(kt_at_text(&finalizer)), &messages);
		for (size_t i = 0; i < n; i++)
			kt_add_invalid_text(
			        c, &finalizers, kt_at_text(&finalizer), "%s", messages.items[i]);
	}
	if (has_text(finalizers.value, "orphan") &&
	        has_text(finalizers.value, "foregroundDeletion"))
		kt_add_invalid(c, &finalizers,
		        "finalizer orphan and foregroundDeletion cannot be both set");
}

/* A finalizer of Kubernetes' own kinds is a well-known word or has a domain. */
static void check_finalizer_names(struct kt_rule_context *c, const json_t *object)
{
	static const char *const standard[] = {"kubernetes", "orphan", "foregroundDeletion", NULL};
	struct kt_at root = kt_at_root(c, object), meta = kt_at(&root, "metadata"),
	             finalizers = kt_at(&meta, "finalizers");
	KT_EACH(finalizer, &finalizers) {
		if (!strchr(kt_at_text(&finalizer), '/') &&
		        !kt_is_one_of(kt_at_text(&finalizer), standard))
			kt_add_invalid(c, &finalizer,
			        "name is neither a standard finalizer name nor is it fully "
			        "qualified");
	}
}

/* The end of a prefix is cut where a hyphen would be refused only because more follows. */
static void check_generate_name(
        struct kt_rule_context *c, const struct kt_at *at, const char *format)
{
	const char *text = kt_at_text(at);
	size_t len = strlen(text);
	char *masked = kt_arena_strndup(c->arena, text, len);
	if (len > 1 && masked[len - 1] == '-' && strcmp(format, "path-segment") != 0)
		masked[len - 2] = 'a', masked[len - 1] = '\0';
	struct kt_messages messages = {0};
	size_t n = kt_format_check(format, kt_sv_of(masked), &messages);
	for (size_t i = 0; i < n; i++)
		kt_add_invalid(c, at, "%s", messages.items[i]);
}

static void check_namespace(struct kt_rule_context *c, const struct kt_at *meta)
{
	struct kt_at ns = kt_at(meta, "namespace");
	if (c->kind->flags & KT_KIND_NAMESPACED)
		kt_check_required_format(c, &ns, "dns1123-label");
	else if (*kt_at_text(&ns))
		kt_add_forbidden(c, &ns, "not allowed on this type");
}

/* What may be written by hand into managedFields and would stay there. */
static void check_managed_fields(struct kt_rule_context *c, const struct kt_at *meta)
{
	struct kt_at list = kt_at(meta, "managedFields");
	for (size_t i = 0; i < json_array_size(list.value); i++) {
		struct kt_at entry = kt_at_index(&list, i), manager = kt_at(&entry, "manager");
		struct kt_at subresource = kt_at(&entry, "subresource");
		if (strlen(kt_at_text(&manager)) > MANAGER_MAX_BYTES)
			kt_add_too_long(c, &manager, MANAGER_MAX_BYTES);
		if (strlen(kt_at_text(&subresource)) > SUBRESOURCE_MAX_BYTES)
			kt_add_too_long(c, &subresource, SUBRESOURCE_MAX_BYTES);
	}
}

void kt_meta_validate_common(
        struct kt_rule_context *c, const json_t *object, const char *name_format)
{
	struct kt_at root = kt_at_root(c, object), meta = kt_at(&root, "metadata");
	struct kt_at name = kt_at(&meta, "name"), generate = kt_at(&meta, "generateName");
	const char *format = name_format ? name_format : c->kind->name_format;
	if (!format)
		format = "dns1123-subdomain";
	if (*kt_at_text(&generate))
		check_generate_name(c, &generate, format);
	if (!*kt_at_text(&name))
		kt_add_required(c, &name, "name or generateName is required");
	else
		kt_check_format(c, &name, format);
	if (!strcmp(format, "path-segment") && strlen(kt_at_text(&name)) > SEGMENT_MAX_BYTES)
		kt_add_too_long(c, &name, SEGMENT_MAX_BYTES);
	check_namespace(c, &meta);
	struct kt_at generation = kt_at(&meta, "generation"), labels = kt_at(&meta, "labels");
	struct kt_at annotations = kt_at(&meta, "annotations");
	kt_check_non_negative(c, &generation);
	kt_check_labels(c, &labels);
	kt_check_annotations(c, &annotations);
	check_owners(c, &meta);
	check_finalizers(c, &meta);
	check_managed_fields(c, &meta);
}

void kt_meta_validate(struct kt_rule_context *c, const json_t *object, const char *name_format)
{
	kt_meta_validate_common(c, object, name_format);
	check_finalizer_names(c, object);
}

/* Whoever deletes counts on the finalizers that are there; later ones would never be served. */
static void check_no_new_finalizers(
        struct kt_rule_context *c, const struct kt_at *meta, const json_t *old_meta)
{
	struct kt_at finalizers = kt_at(meta, "finalizers");
	const json_t *before = json_object_get(old_meta, "finalizers");
	kt_auto_str extra = KT_STR_INIT;
	size_t i;
	json_t *item;
	json_array_foreach(finalizers.value, i, item) {
		if (!has_text(before, json_string_value(item)))
			kt_str_printf(
			        &extra, "%s\"%s\"", extra.len ? ", " : "", json_string_value(item));
	}
	if (extra.len)
		kt_add_forbidden(c, &finalizers,
		        "no new finalizers can be added if the object is being deleted, found new "
		        "finalizers []string{%s}",
		        kt_str_text(&extra));
}

void kt_meta_validate_common_update(
        struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	static const char *const fixed[] = {
	        "name",
	        "namespace",
	        "uid",
	        "creationTimestamp",
	        "deletionTimestamp",
	        "deletionGracePeriodSeconds",
	};
	struct kt_at root = kt_at_root(c, object), meta = kt_at(&root, "metadata");
	const json_t *old_meta = json_object_get(old, "metadata");
	if (json_object_get(old_meta, "deletionTimestamp"))
		check_no_new_finalizers(c, &meta, old_meta);
	struct kt_at generation = kt_at(&meta, "generation");
	if (kt_at_int(&generation) < json_integer_value(json_object_get(old_meta, "generation")))
		kt_add_invalid(c, &generation, "must not be decremented");
	for (size_t i = 0; i < KT_ARRAY_SIZE(fixed); i++) {
		struct kt_at at = kt_at(&meta, fixed[i]);
		kt_check_immutable(c, &at, json_object_get(old_meta, fixed[i]));
	}
	struct kt_at labels = kt_at(&meta, "labels"), annotations = kt_at(&meta, "annotations");
	kt_check_labels(c, &labels);
	kt_check_annotations(c, &annotations);
	check_owners(c, &meta);
	check_managed_fields(c, &meta);
}

void kt_meta_validate_update(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	kt_meta_validate_common_update(c, object, old);
	check_finalizer_names(c, object);
}

void kt_meta_validate_both(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	if (old)
		kt_meta_validate_update(c, object, old);
	kt_meta_validate(c, object, NULL);
}

static void keep_old(json_t *meta, const json_t *old_meta, const char *name)
{
	json_t *value = json_object_get(old_meta, name);
	if (value)
		json_object_set(meta, name, value);
	else
		json_object_del(meta, name);
}

/* One owner is listed once; the client is told. */
static void drop_double_owners(struct kt_rule_context *c, json_t *meta)
{
	json_t *owners = json_object_get(meta, "ownerReferences"), *owner;
	if (json_array_size(owners) < 2)
		return;
	kt_auto_str doubles = KT_STR_INIT;
	for (size_t i = 0; i < json_array_size(owners); i++) {
		owner = json_array_get(owners, i);
		for (size_t j = i + 1; j < json_array_size(owners);) {
			if (!json_equal(owner, json_array_get(owners, j))) {
				j++;
				continue;
			}
			kt_str_printf(&doubles, "%s%s", doubles.len ? ", " : "",
			        kt_text_of(owner, "uid"));
			json_array_remove(owners, j);
		}
	}
	if (doubles.len)
		kt_rule_warn(c,
		        ".metadata.ownerReferences contains duplicate entries; API server dedups "
		        "owner references in 1.20+, and may "
		        "reject such requests as early as 1.24; please fix your requests; "
		        "duplicate UID(s) observed: %s",
		        kt_str_text(&doubles));
}

void kt_meta_prepare(struct kt_rule_context *c, json_t *object, const json_t *old)
{
	json_t *meta = json_object_get(object, "metadata");
	const json_t *old_meta = json_object_get(old, "metadata");
	json_object_del(meta, "selfLink");
	drop_double_owners(c, meta);
	if (!old) {
		json_object_del(meta, "deletionTimestamp");
		json_object_del(meta, "deletionGracePeriodSeconds");
		return;
	}
	if (!*kt_text_of(meta, "uid"))
		keep_old(meta, old_meta, "uid");
	keep_old(meta, old_meta, "creationTimestamp");
	if (!json_object_get(meta, "deletionTimestamp")) {
		/* an update can neither start nor take back a deletion */
		keep_old(meta, old_meta, "deletionTimestamp");
		keep_old(meta, old_meta, "deletionGracePeriodSeconds");
	}
	keep_old(meta, old_meta, "generation");
	if (!json_object_get(meta, "resourceVersion"))
		keep_old(meta, old_meta, "resourceVersion");
}
