/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CustomResourceDefinition: what schema/crd.h knows about definitions. crds.c of the server serves
 * them. */
#include "api/machinery/openapi_format.h"
#include "api/schema/crd.h"
#include "api/server/rules/admission_match.h"
#include "api/server/rules/check.h"
#include "api/server/rules/meta.h"
#include "api/server/rules/workload.h"

static void definition_default(struct kt_rule_context *c, json_t *object)
{
	(void)c;
	kt_crd_default(object);
}

/* Every version that was ever stored is remembered until an administrator says that none is left in
 * it. */
static void remember_stored_version(json_t *object)
{
	json_t *stored = kt_jget(object, "status.storedVersions"), *version, *item;
	const char *name = NULL;
	size_t i;

	json_array_foreach(kt_jget(object, "spec.versions"), i, version) {
		if (kt_jbool(version, "storage", false)) {
			name = kt_jstr(version, "name");
			break;
		}
	}
	json_array_foreach(stored, i, item) {
		if (kt_streq(json_string_value(item), name))
			return;
	}
	if (name && json_is_array(stored))
		json_array_append_new(stored, json_string(name));
}

static int definition_prepare(struct kt_rule_context *c, json_t *object, const json_t *old)
{
	(void)old;
	/* The status was taken away just now: a new definition gets its first one. */
	kt_crd_default(object);
	if (!c->subresource)
		remember_stored_version(object);
	return 0;
}

/* The unversioned struct has the client directly below the conversion. */
static void check_conversion_client(struct kt_rule_context *c, const json_t *object)
{
	const json_t *client = kt_jget(object, "spec.conversion.webhook.clientConfig");
	struct kt_at at = kt_at_alone(kt_type_lookup("io.k8s.apiextensions-apiserver.pkg.apis."
	                                             "apiextensions.v1.WebhookClientConfig"),
	        client, "spec.conversion.webhookClientConfig");

	if (client && kt_streq(kt_jstr(object, "spec.conversion.strategy"), "Webhook"))
		kt_check_webhook_client(c, &at);
}

static void definition_validate(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	/* Any finalizer goes. */
	if (old)
		kt_meta_validate_common_update(c, object, old);
	else
		kt_meta_validate_common(c, object, NULL);
	kt_auto_json json_t *shown = json_deep_copy(object);
	if (!kt_jget(object, "spec.versions") && json_is_array(kt_jget(c->sent, "spec.versions")))
		json_object_set_new(json_object_get(shown, "spec"), "versions", json_array());
	kt_crd_validate(shown, old, &c->errors);
	check_conversion_client(c, object);
}

/* A string of a format that nobody checks is probably misspelled. */
static void warn_formats(struct kt_rule_context *c, const json_t *schema)
{
	static const char *const maps[] = {"properties", "patternProperties", "definitions"};
	static const char *const single[] = {"items", "additionalProperties", "not"};
	const char *format = kt_jstr(schema, "format"), *key;
	json_t *inner;
	if (format && *format && kt_streq(kt_jstr(schema, "type"), "string") &&
	        !kt_openapi_format_is_known(format))
		kt_rule_warn(c, "unrecognized format \"%s\"", format);
	for (size_t i = 0; i < KT_ARRAY_SIZE(maps); i++)
		json_object_foreach(json_object_get(schema, maps[i]), key, inner) {
			warn_formats(c, inner);
		}
	for (size_t i = 0; i < KT_ARRAY_SIZE(single); i++)
		if (json_is_object(json_object_get(schema, single[i])))
			warn_formats(c, json_object_get(schema, single[i]));
}

static void definition_warn(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	size_t i;
	json_t *version;
	if (c->subresource || kt_is_same_generation(object, old))
		return;
	json_array_foreach(kt_jget(object, "spec.versions"), i, version) {
		warn_formats(c, kt_jget(version, "schema.openAPIV3Schema"));
	}
}

const struct kt_rules kt_rules_apiextensions_definition = {
        .group = "apiextensions.k8s.io",
        .kind = "CustomResourceDefinition",
        .default_object = definition_default,
        .prepare = definition_prepare,
        .validate = definition_validate,
        .warn = definition_warn,
};
