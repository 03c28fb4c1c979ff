/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Namespaces and service accounts. */
#include "api/machinery/names.h"
#include "api/server/rules/meta.h"

#define NAME_LABEL "kubernetes.io/metadata.name"
#define FINALIZER "kubernetes"

static json_t *object_of(json_t *parent, const char *name)
{
	json_t *object = json_object_get(parent, name);
	if (!json_is_object(object))
		json_object_set_new(parent, name, object = json_object());
	return object;
}

/* The label by which selectors can name a namespace; it always says the truth. */
static void default_namespace(struct kt_rule_context *c, json_t *object)
{
	(void)c;
	json_t *meta = json_object_get(object, "metadata");
	const char *name = kt_text_of(meta, "name");
	if (*name)
		json_object_set_new(object_of(meta, "labels"), NAME_LABEL, json_string(name));
}

static void add_finalizer(json_t *object)
{
	json_t *spec = object_of(object, "spec"), *list = json_object_get(spec, "finalizers"),
	       *item;
	size_t i;
	if (!list)
		json_object_set_new(spec, "finalizers", list = json_array());
	json_array_foreach(list, i, item) {
		if (kt_streq(json_string_value(item), FINALIZER))
			return;
	}
	json_array_append_new(list, json_string(FINALIZER));
}

static void take(json_t *object, const json_t *old, const char *name)
{
	json_t *value = json_object_get(old, name);
	if (value)
		json_object_set_new(object, name, json_deep_copy(value));
	else
		json_object_del(object, name);
}

static int prepare_namespace(struct kt_rule_context *c, json_t *object, const json_t *old)
{
	if (!old) {
		json_object_set_new(object, "status", json_pack("{s:s}", "phase", "Active"));
		add_finalizer(object);
	} else if (!c->subresource) {
		take(object, old, "spec");
	} else if (strcmp(c->subresource, "finalize") == 0) {
		take(object, old, "status");
	}
	default_namespace(c, object);
	return 0;
}

static void check_finalizer(struct kt_rule_context *c, const struct kt_at *at)
{
	static const char *const standard[] = {"kubernetes", "orphan", "foregroundDeletion", NULL};
	kt_check_format(c, at, "qualified-name");
	if (!strchr(kt_at_text(at), '/') && !kt_is_one_of(kt_at_text(at), standard))
		kt_add_invalid(c, at,
		        "name is neither a standard finalizer name nor is it fully qualified");
}

static void check_phase(struct kt_rule_context *c, const struct kt_at *root)
{
	struct kt_at status = kt_at(root, "status"), phase = kt_at(&status, "phase");
	bool ending = kt_jget(root->value, "metadata.deletionTimestamp") != NULL;
	phase.name = "Phase"; /* as upstream spells it */
	if (!ending && !kt_at_is(&phase, "Active"))
		kt_add_invalid(c, &phase, "may only be 'Active' if `deletionTimestamp` is empty");
	if (ending && !kt_at_is(&phase, "Terminating"))
		kt_add_invalid(
		        c, &phase, "may only be 'Terminating' if `deletionTimestamp` is not empty");
}

static void validate_namespace(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	struct kt_at root = kt_at_root(c, object), spec = kt_at(&root, "spec"),
	             finalizers = kt_at(&spec, "finalizers");
	if (!old) {
		kt_meta_validate(c, object, NULL);
		KT_EACH(finalizer, &finalizers) { /* reported at the list */
			struct kt_at at = kt_at_with(&finalizers, finalizer.value);
			at.type = NULL;
			check_finalizer(c, &at);
		}
		return;
	}
	if (!c->subresource)
		kt_meta_validate(c, object, NULL);
	kt_meta_validate_update(c, object, old);
	if (c->subresource && strcmp(c->subresource, "status") == 0) {
		check_phase(c, &root);
		return;
	}
	KT_EACH(finalizer, &finalizers) {
		if (c->subresource)
			check_finalizer(c, &finalizer);
	}
}

const struct kt_rules kt_rules_core_namespace = {
        .group = "",
        .kind = "Namespace",
        .default_object = default_namespace,
        .prepare = prepare_namespace,
        .validate = validate_namespace,
};

/* ServiceAccount */

/* Of secrets only their names mean anything. */
static int prepare_service_account(struct kt_rule_context *c, json_t *object, const json_t *old)
{
	(void)c;
	(void)old;
	size_t i;
	json_t *secret;
	json_array_foreach(json_object_get(object, "secrets"), i, secret) {
		json_t *name = json_object_get(secret, "name");
		json_array_set_new(json_object_get(object, "secrets"), i,
		        name ? json_pack("{s:O}", "name", name) : json_object());
	}
	return 0;
}

static void warn_service_account(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	static const char *const annotation = "kubernetes.io/enforce-mountable-secrets";
	if (!old && json_object_get(kt_jget(object, "metadata.annotations"), annotation))
		kt_rule_warn(c,
		        "metadata.annotations[%s]: deprecated in v1.32+; prefer separate "
		        "namespaces to isolate access to mounted secrets",
		        annotation);
}

static void validate_service_account(
        struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	kt_meta_validate_both(c, object, old);
}

const struct kt_rules kt_rules_core_service_account = {
        .group = "",
        .kind = "ServiceAccount",
        .prepare = prepare_service_account,
        .validate = validate_service_account,
        .warn = warn_service_account,
};
