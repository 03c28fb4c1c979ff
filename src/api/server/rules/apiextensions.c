/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CustomResourceDefinition: what schema/crd.h knows about definitions. crds.c of the server serves
 * them. */
#include "api/schema/crd.h"
#include "api/server/rules/check.h"
#include "api/server/rules/meta.h"

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
		if (kt_jbool(version, "storage", false))
			name = kt_jstr(version, "name");
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

static void definition_validate(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	/* Any finalizer goes. */
	if (old)
		kt_meta_validate_common_update(c, object, old);
	else
		kt_meta_validate_common(c, object, NULL);
	kt_crd_validate(object, old, &c->errors);
}

const struct kt_rules kt_rules_apiextensions_definition = {
        .group = "apiextensions.k8s.io",
        .kind = "CustomResourceDefinition",
        .default_object = definition_default,
        .prepare = definition_prepare,
        .validate = definition_validate,
};
