/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What upstream says about a definition apart from its schemas, in its order. */
#include "api/expr/jsonpath.h"
#include "api/machinery/names.h"
#include "api/schema/crd_internal.h"

#include <ctype.h>

#define APPROVAL "api-approved.kubernetes.io"
#define CATEGORY_MAX 63

static const char *const column_types[] = {"boolean", "date", "integer", "number", "string", NULL};
static const char *const column_formats[] = {
        "byte", "date", "date-time", "double", "float", "int32", "int64", "password", NULL};

static const char *text_of(const json_t *object, const char *path)
{
	const char *text = kt_jstr(object, path);

	return text ? text : "";
}

static bool one_of(const char *value, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(*list, value) == 0)
			return true;
	return false;
}

static void invalid(
        struct kt_field_errors *errors, const char *field, const char *value, const char *message)
{
	kt_auto_json json_t *string = json_string(value);

	kt_field_invalid(errors, field, string, "%s", message);
}

static void check_name(const json_t *definition, struct kt_field_errors *errors)
{
	const char *name = text_of(definition, "metadata.name"),
	           *group = text_of(definition, "spec.group");
	kt_auto_free char *want =
	        kt_asprintf("%s.%s", text_of(definition, "spec.names.plural"), group);

	if (*name && strcmp(name, want) != 0)
		invalid(errors, "metadata.name", name,
		        "must be spec.names.plural+\".\"+spec.group");
}

static void check_approval(const json_t *definition, struct kt_field_errors *errors)
{
	const char *group = text_of(definition, "spec.group");
	const char *approval = json_string_value(
	        json_object_get(kt_jget(definition, "metadata.annotations"), APPROVAL));
	bool guarded = kt_ends_with(group, ".k8s.io") || kt_ends_with(group, ".kubernetes.io") ||
	               kt_streq(group, "k8s.io") || kt_streq(group, "kubernetes.io");

	if (!guarded)
		return;
	if (!approval) {
		kt_field_required(errors, "metadata.annotations[" APPROVAL "]",
		        "protected groups must have approval annotation \"" APPROVAL
		        "\", see https://github.com/kubernetes/enhancements/pull/1111");
	} else if (!kt_starts_with(approval, "https://") &&
	           !kt_starts_with(approval, "unapproved")) {
		invalid(errors, "metadata.annotations[" APPROVAL "]", approval,
		        "protected groups must have approval annotation \"" APPROVAL
		        "\" with either a URL or a reason starting with \"unapproved\", see "
		        "https://github.com/kubernetes/enhancements/pull/1111");
	}
}

static void check_group(const json_t *spec, struct kt_field_errors *errors)
{
	const char *group = text_of(spec, "group");

	if (!*group)
		kt_field_required(errors, "spec.group", "");
	else if (kt_field_format(errors, "spec.group", group, "dns1123-subdomain") &&
	         !strchr(group, '.'))
		invalid(errors, "spec.group", group, "should be a domain with at least one dot");
}

static void check_scope(const json_t *spec, struct kt_field_errors *errors)
{
	static const char *const scopes[] = {"Cluster", "Namespaced", NULL};
	const char *scope = text_of(spec, "scope");

	if (!*scope)
		kt_field_required(errors, "spec.scope", "");
	else if (!one_of(scope, scopes))
		kt_field_not_supported(
		        errors, "spec.scope", json_object_get(spec, "scope"), scopes);
}

/* --- versions --- */

/* Filters and all: printer columns of real definitions have them. */
static bool is_json_path(const char *text)
{
	kt_auto_free char *action = kt_asprintf("{%s}", text);
	struct kt_jsonpath *path = NULL;
	bool parses = kt_jsonpath_parse(action, false, &path, NULL) == 0;

	kt_jsonpath_destroy(path);
	return parses;
}

static void check_column(const json_t *column, const char *path, struct kt_field_errors *errors)
{
	struct kt_arena *a = errors->arena;
	const char *type = text_of(column, "type"), *format = text_of(column, "format"),
	           *json_path = text_of(column, "jsonPath");

	if (!*text_of(column, "name"))
		kt_field_required(errors, kt_path(a, "%s.name", path), "");
	if (!*type)
		kt_field_required(errors, kt_path(a, "%s.type", path),
		        "must be one of boolean,date,integer,number,string");
	else if (!one_of(type, column_types))
		invalid(errors, kt_path(a, "%s.type", path), type,
		        "must be one of boolean,date,integer,number,string");
	if (*format && !one_of(format, column_formats))
		invalid(errors, kt_path(a, "%s.format", path), format,
		        "must be one of byte,date,date-time,double,float,int32,int64,password");
	if (!*json_path)
		kt_field_required(errors, kt_path(a, "%s.JSONPath", path), "");
	else if (json_path[0] != '.' || !is_json_path(json_path))
		invalid(errors, kt_path(a, "%s.JSONPath", path), json_path,
		        "must be a simple json path starting with .");
}

static void check_simple_path(const json_t *scale, const char *key, const char *under,
        bool required, const char *path, struct kt_field_errors *errors)
{
	const char *value = text_of(scale, key),
	           *field = kt_path(errors->arena, "%s.%s", path, key);
	kt_auto_free char *prefix = kt_asprintf(".%s.", under);
	kt_auto_free char *message = kt_asprintf("should be a json path under .%s", under);

	if (!*value) {
		if (required)
			kt_field_required(errors, field, "");
		return;
	}
	if (value[0] != '.' || strpbrk(value, " []{}$@()*?'\""))
		invalid(errors, field, value, "must be a simple json path starting with .");
	else if (!kt_starts_with(value, prefix))
		invalid(errors, field, value, message);
}

static void check_scale(const json_t *scale, const char *path, struct kt_field_errors *errors)
{
	const char *selector = text_of(scale, "labelSelectorPath");

	if (!scale)
		return;
	check_simple_path(scale, "specReplicasPath", "spec", true, path, errors);
	check_simple_path(scale, "statusReplicasPath", "status", true, path, errors);
	if (!*selector)
		return;
	if (selector[0] != '.')
		invalid(errors, kt_path(errors->arena, "%s.labelSelectorPath", path), selector,
		        "must be a simple json path starting with .");
	else if (!kt_starts_with(selector, ".spec.") && !kt_starts_with(selector, ".status."))
		invalid(errors, kt_path(errors->arena, "%s.labelSelectorPath", path), selector,
		        "should be a json path under either .spec or .status");
}

/* The schema a simple path leads to; NULL when there is none. */
static const json_t *schema_at(const json_t *schema, const char *path)
{
	struct kt_sv rest = kt_sv_of(path + 1), part;

	while (schema && kt_sv_split(&rest, '.', &part)) {
		kt_auto_free char *name = kt_sv_dup(part);

		schema = json_object_get(json_object_get(schema, "properties"), name);
	}
	return schema;
}

static void check_selectable(
        const json_t *list, const json_t *schema, const char *path, struct kt_field_errors *errors)
{
	json_t *entry, *earlier;
	size_t i, j;

	json_array_foreach(list, i, entry) {
		const char *json_path = text_of(entry, "jsonPath"),
		           *field = kt_path(errors->arena, "%s[%zu].jsonPath", path, i);
		const json_t *target;
		const char *type;

		if (!*json_path) {
			kt_field_required(errors, field, "");
			continue;
		}
		if (json_path[0] != '.' && json_path[0] != '[') {
			int first = (int)strcspn(json_path, ".[");
			kt_auto_free char *why =
			        kt_asprintf("is an invalid path: expected [ or . but got: %.*s",
			                first, json_path);

			invalid(errors, field, json_path, why);
			continue;
		}
		target = kt_starts_with(json_path, ".metadata") ? NULL
		                                                : schema_at(schema, json_path);
		type = text_of(target, "type");
		if (!target)
			invalid(errors, field, json_path,
			        "is an invalid path: does not refer to a valid field");
		else if (strcmp(type, "string") != 0 && strcmp(type, "boolean") != 0 &&
		         strcmp(type, "integer") != 0)
			invalid(errors, field, json_path,
			        "must point to a field of type string, boolean or integer. Enum "
			        "string fields and strings with formats are allowed.");
		json_array_foreach(list, j, earlier) {
			if (j < i && strcmp(text_of(earlier, "jsonPath"), json_path) == 0) {
				kt_field_duplicate(
				        errors, field, json_object_get(entry, "jsonPath"));
				break;
			}
		}
	}
}

/* Upstream stands what all versions have in common at the top: its messages then leave the version
 * out. */
struct hoisted {
	bool schema, subresources, columns;
};

static struct hoisted hoist(const json_t *versions)
{
	const json_t *first = json_array_get(versions, 0), *version;
	struct hoisted out = {json_array_size(versions) > 0, json_array_size(versions) > 0,
	        json_array_size(versions) > 0};
	size_t i;

	json_array_foreach(versions, i, version) {
		out.schema &= json_equal(
		        json_object_get(version, "schema"), json_object_get(first, "schema"));
		out.subresources &= json_equal(json_object_get(version, "subresources"),
		        json_object_get(first, "subresources"));
		out.columns &= json_equal(json_object_get(version, "additionalPrinterColumns"),
		        json_object_get(first, "additionalPrinterColumns"));
	}
	return out;
}

static void check_version_extras(const json_t *version, const char *path, const struct hoisted *top,
        struct kt_field_errors *errors)
{
	struct kt_arena *a = errors->arena;
	const json_t *schema = kt_jget(version, "schema.openAPIV3Schema"),
	             *selectable = json_object_get(version, "selectableFields");
	json_t *column;
	size_t i;

	if (json_array_size(selectable)) {
		const char *field = kt_path(a, "%s.selectableFields", path);

		if (!schema)
			invalid(errors, field, "",
			        "may only be set when `version.schema.openAPIV3Schema` is not "
			        "included");
		else
			check_selectable(selectable, schema, field, errors);
	}
	if (!top->subresources)
		check_scale(kt_jget(version, "subresources.scale"),
		        kt_path(a, "%s.subresources.scale", path), errors);
	if (top->columns)
		return;
	json_array_foreach(json_object_get(version, "additionalPrinterColumns"), i, column)
		check_column(
		        column, kt_path(a, "%s.additionalPrinterColumns[%zu]", path, i), errors);
}

static void check_version(
        const json_t *version, size_t i, const struct hoisted *top, struct kt_field_errors *errors)
{
	const char *path = kt_path(errors->arena, "spec.versions[%zu]", i),
	           *warning = kt_jstr(version, "deprecationWarning");
	const json_t *schema = kt_jget(version, "schema.openAPIV3Schema");
	bool has_status = json_object_get(json_object_get(version, "subresources"), "status");

	if (!schema)
		kt_field_required(
		        errors, kt_path(errors->arena, "%s.schema.openAPIV3Schema", path), "");
	kt_field_format(errors, kt_path(errors->arena, "%s.name", path), text_of(version, "name"),
	        "dns1035-label");
	if (warning && !kt_jbool(version, "deprecated", false))
		invalid(errors, kt_path(errors->arena, "%s.deprecationWarning", path), warning,
		        "can only be set for deprecated versions");
	if (warning && !*warning)
		invalid(errors, kt_path(errors->arena, "%s.deprecationWarning", path), warning,
		        "must not be an empty string");
	if (schema && !top->schema)
		crd_validate_schema(schema,
		        kt_path(errors->arena, "%s.schema.openAPIV3Schema", path), has_status,
		        errors);
	check_version_extras(version, path, top, errors);
}

static void check_hoisted(
        const json_t *versions, const struct hoisted *top, struct kt_field_errors *errors)
{
	const json_t *first = json_array_get(versions, 0),
	             *schema = kt_jget(first, "schema.openAPIV3Schema");
	bool has_status = json_object_get(json_object_get(first, "subresources"), "status");
	json_t *column;
	size_t i;

	if (top->schema && schema)
		crd_validate_schema(schema, "spec.validation.openAPIV3Schema", has_status, errors);
	if (top->subresources)
		check_scale(
		        kt_jget(first, "subresources.scale"), "spec.subresources.scale", errors);
	if (!top->columns)
		return;
	json_array_foreach(json_object_get(first, "additionalPrinterColumns"), i, column)
		check_column(column,
		        kt_path(errors->arena, "spec.additionalPrinterColumns[%zu]", i), errors);
}

/* A version as upstream prints its own struct; what all versions share stands elsewhere in it. */
static json_t *printed_version(const json_t *version, const struct hoisted *top)
{
	const json_t *warning = json_object_get(version, "deprecationWarning");
	const json_t *fields = json_object_get(version, "selectableFields");
	json_t *schema = top->schema ? NULL : json_object_get(version, "schema");
	json_t *subresources = top->subresources ? NULL : json_object_get(version, "subresources");
	json_t *columns =
	        top->columns ? NULL : json_object_get(version, "additionalPrinterColumns");

	return json_pack("{s:s, s:b, s:b, s:b, s:O?, s:O?, s:O?, s:O?, s:O?}", "Name",
	        text_of(version, "name"), "Served", kt_jbool(version, "served", false), "Storage",
	        kt_jbool(version, "storage", false), "Deprecated",
	        kt_jbool(version, "deprecated", false), "DeprecationWarning", warning, "Schema",
	        schema, "Subresources", subresources, "AdditionalPrinterColumns", columns,
	        "SelectableFields", fields);
}

static json_t *printed_versions(const json_t *versions, const struct hoisted *top)
{
	json_t *list, *version;
	size_t i;

	if (!versions)
		return json_null();
	list = json_array();
	json_array_foreach(versions, i, version)
		json_array_append_new(list, printed_version(version, top));
	return list;
}

static void check_version_set(const json_t *versions, const struct hoisted *top, const char *single,
        struct kt_field_errors *errors)
{
	kt_auto_json json_t *printed = printed_versions(versions, top);
	size_t n_storage = 0, i, j;
	json_t *version, *other;
	bool unique = true;

	json_array_foreach(versions, i, version) {
		n_storage += kt_jbool(version, "storage", false);
		json_array_foreach(versions, j, other)
			unique &= j >= i ||
			          strcmp(text_of(version, "name"), text_of(other, "name")) != 0;
	}
	if (!unique)
		kt_field_invalid(
		        errors, "spec.versions", printed, "must contain unique version names");
	if (n_storage != 1)
		kt_field_invalid(errors, "spec.versions", printed,
		        "must have exactly one version marked as storage version");
	if (single && *single)
		kt_field_format(errors, "spec.version", single, "dns1035-label");
}

/* --- names --- */

static void check_mixed_case(struct kt_field_errors *errors, const char *field, const char *value)
{
	kt_auto_free char *lower = kt_strdup(value);
	struct kt_messages messages = {0};

	for (char *p = lower; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	if (kt_format_check("dns1035-label", kt_sv_of(lower), &messages) == 0)
		return;
	kt_auto_str joined = KT_STR_INIT;

	for (size_t i = 0; i < messages.n; i++)
		kt_str_printf(&joined, "%s%s", i ? "," : "", messages.items[i]);
	kt_auto_free char *why = kt_asprintf(
	        "may have mixed case, but should otherwise match: %s", kt_str_text(&joined));

	invalid(errors, field, value, why);
}

static void check_label(struct kt_field_errors *errors, const char *field, const char *value)
{
	struct kt_messages messages = {0};
	kt_auto_str joined = KT_STR_INIT;

	if (kt_format_check("dns1035-label", kt_sv_of(value), &messages) == 0)
		return;
	for (size_t i = 0; i < messages.n; i++)
		kt_str_printf(&joined, "%s%s", i ? "," : "", messages.items[i]);
	invalid(errors, field, value, kt_str_text(&joined));
}

static void check_names(const json_t *names, struct kt_field_errors *errors)
{
	const char *kind = text_of(names, "kind"), *list_kind = text_of(names, "listKind"),
	           *plural = text_of(names, "plural");
	const char *singular = text_of(names, "singular");
	json_t *entry;
	size_t i;

	if (*plural)
		check_label(errors, "spec.names.plural", plural);
	if (*singular)
		check_label(errors, "spec.names.singular", singular);
	if (*kind)
		check_mixed_case(errors, "spec.names.kind", kind);
	if (*list_kind)
		check_mixed_case(errors, "spec.names.listKind", list_kind);
	json_array_foreach(json_object_get(names, "shortNames"), i, entry)
		check_label(errors, kt_path(errors->arena, "spec.names.shortNames[%zu]", i),
		        json_string_value(entry));
	if (*kind && strcmp(kind, list_kind) == 0)
		invalid(errors, "spec.names.listKind", list_kind,
		        "kind and listKind may not be the same");
	json_array_foreach(json_object_get(names, "categories"), i, entry)
		check_label(errors, kt_path(errors->arena, "spec.names.categories[%zu]", i),
		        json_string_value(entry));
}

static void require_names(const json_t *names, struct kt_field_errors *errors)
{
	static const char *const keys[] = {"plural", "singular", "kind", "listKind"};

	for (size_t i = 0; i < KT_ARRAY_SIZE(keys); i++)
		if (!*text_of(names, keys[i]))
			kt_field_required(
			        errors, kt_path(errors->arena, "spec.names.%s", keys[i]), "");
}

/* --- conversion, status --- */

static void check_conversion(const json_t *conversion, struct kt_field_errors *errors)
{
	static const char *const strategies[] = {"None", "Webhook", NULL};
	const char *strategy = text_of(conversion, "strategy");
	const json_t *webhook = json_object_get(conversion, "webhook"),
	             *reviews = json_object_get(webhook, "conversionReviewVersions");
	json_t *entry;
	size_t i;
	bool known = false;

	if (!conversion)
		return;
	if (!*strategy) {
		kt_field_required(errors, "spec.conversion.strategy", "");
		return;
	}
	if (!one_of(strategy, strategies)) {
		kt_field_not_supported(errors, "spec.conversion.strategy",
		        json_object_get(conversion, "strategy"), strategies);
	}
	if (strcmp(strategy, "Webhook") != 0) {
		if (json_object_get(webhook, "clientConfig"))
			kt_field_forbidden(errors, "spec.conversion.webhookClientConfig",
			        "should not be set when strategy is not set to Webhook");
		if (json_array_size(reviews))
			kt_field_forbidden(errors, "spec.conversion.conversionReviewVersions",
			        "should not be set when strategy is not set to Webhook");
		return;
	}
	if (!json_object_get(webhook, "clientConfig"))
		kt_field_required(errors, "spec.conversion.webhookClientConfig",
		        "required when strategy is set to Webhook");
	if (json_array_size(reviews) == 0) {
		kt_field_required(errors, "spec.conversion.conversionReviewVersions", "");
		return;
	}
	json_array_foreach(reviews, i, entry)
		known |= kt_streq(json_string_value(entry), "v1") ||
		         kt_streq(json_string_value(entry), "v1beta1");
	if (!known)
		kt_field_invalid(errors, "spec.conversion.conversionReviewVersions", reviews,
		        "must include at least one of v1, v1beta1");
}

static void check_stored(const json_t *definition, struct kt_field_errors *errors)
{
	const json_t *versions = kt_jget(definition, "spec.versions"),
	             *stored = kt_jget(definition, "status.storedVersions");
	json_t *version, *entry;
	size_t i, j;

	if (json_array_size(stored) == 0) {
		kt_auto_json json_t *null = json_null();

		kt_field_invalid(errors, "status.storedVersions", null,
		        "must have at least one stored version");
		return;
	}
	json_array_foreach(versions, i, version) {
		bool found = false;

		if (!kt_jbool(version, "storage", false))
			continue;
		json_array_foreach(stored, j, entry)
			found |= kt_streq(json_string_value(entry), text_of(version, "name"));
		if (!found)
			kt_field_invalid(errors, "status.storedVersions", stored,
			        "must have the storage version %s", text_of(version, "name"));
	}
	json_array_foreach(stored, j, entry) {
		bool found = false;

		json_array_foreach(versions, i, version)
			found |= kt_streq(json_string_value(entry), text_of(version, "name"));
		if (!found)
			kt_field_invalid(errors,
			        kt_path(errors->arena, "status.storedVersions[%zu]", j), entry,
			        "missing from spec.versions; %s was previously a storage version, "
			        "and must remain in "
			        "spec.versions until a storage migration ensures no data remains "
			        "persisted in %s and removes %s "
			        "from status.storedVersions",
			        json_string_value(entry), json_string_value(entry),
			        json_string_value(entry));
	}
}

static bool is_established(const json_t *definition)
{
	json_t *condition;
	size_t i;

	json_array_foreach(kt_jget(definition, "status.conditions"), i, condition)
		if (kt_streq(kt_jstr(condition, "type"), "Established") &&
		        kt_streq(kt_jstr(condition, "status"), "True"))
			return true;
	return false;
}

static void check_immutable(const json_t *definition, const json_t *old, const char *path,
        struct kt_field_errors *errors)
{
	const char *now = text_of(definition, path);

	if (strcmp(now, text_of(old, path)) != 0)
		invalid(errors, path, now, "field is immutable");
}

static bool schema_has_default(const json_t *schema)
{
	const char *key;
	json_t *value;

	if (json_object_get(schema, "default"))
		return true;
	json_object_foreach(json_object_get(schema, "properties"), key, value)
		if (schema_has_default(value))
			return true;
	return (json_is_object(json_object_get(schema, "items")) &&
	               schema_has_default(json_object_get(schema, "items"))) ||
	       (json_is_object(json_object_get(schema, "additionalProperties")) &&
	               schema_has_default(json_object_get(schema, "additionalProperties")));
}

static bool has_defaults(const json_t *versions)
{
	json_t *version;
	size_t i;

	json_array_foreach(versions, i, version)
		if (schema_has_default(kt_jget(version, "schema.openAPIV3Schema")))
			return true;
	return false;
}

void kt_crd_validate(const json_t *definition, const json_t *old, struct kt_field_errors *errors)
{
	const json_t *spec = json_object_get(definition, "spec"),
	             *versions = json_object_get(spec, "versions");
	const json_t *names = json_object_get(spec, "names");
	const struct hoisted top = hoist(versions);
	json_t *version;
	size_t i;

	if (!old)
		check_name(definition, errors);
	check_group(spec, errors);
	check_scope(spec, errors);
	if (kt_jbool(spec, "preserveUnknownFields", false) && has_defaults(versions))
		kt_field_invalid(errors, "spec.preserveUnknownFields",
		        json_object_get(spec, "preserveUnknownFields"),
		        "must be false in order to use defaults in the schema");
	if (kt_jbool(spec, "preserveUnknownFields", false))
		kt_field_invalid(errors, "spec.preserveUnknownFields",
		        json_object_get(spec, "preserveUnknownFields"),
		        "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in "
		        "spec.versions[*].schema instead");
	json_array_foreach(versions, i, version)
		check_version(version, i, &top, errors);
	check_version_set(versions, &top,
	        json_array_size(versions) ? text_of(json_array_get(versions, 0), "name") : NULL,
	        errors);
	check_hoisted(versions, &top, errors);
	require_names(names, errors);
	check_names(names, errors);
	check_conversion(json_object_get(spec, "conversion"), errors);
	check_stored(definition, errors);
	check_approval(definition, errors);
	if (!old)
		return;
	check_immutable(definition, old, "spec.group", errors);
	check_immutable(definition, old, "spec.names.plural", errors);
	if (is_established(old)) {
		check_immutable(definition, old, "spec.scope", errors);
		check_immutable(definition, old, "spec.names.kind", errors);
	}
}
