/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The status of ValidatingAdmissionPolicies: what is odd about their validations once it is known
 * what `object` is. Each kind that matchConstraints names in full is tried, at most ten of them;
 * wildcards, sub-resources and kinds that nobody serves are not. Looked at once per generation, it
 * is no verdict: a policy with warnings works as it is. Source: the documentation's page
 * "Validating Admission Policy", type checking.
 */
#include "api/expr/cel.h"
#include "api/schema/crd.h"
#include "base/mem.h"
#include "cluster/controllers/meta.h"
#include "cluster/controllers/table.h"

#define POLICIES "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
#define DEFINITIONS "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
#define KINDS_MAX 10

struct policy_status_controller {
	struct kt_reconciler *reconciler;
	struct kt_informer *policies, *definitions;
};

/* A kind that `object` may be. */
struct subject {
	const struct kt_kind *kind;
	struct kt_crd *crd; /* reference; NULL: built in */
};

struct policy_check {
	struct policy_status_controller *own;
	const json_t *spec;
	struct subject subjects[KINDS_MAX];
	size_t n_subjects;
	const char **variables; /* NULL-terminated */
	json_t *warnings;       /* borrowed from the status */
};

static const struct kt_kind *custom_kind(struct policy_status_controller *own, const char *group,
        const char *version, const char *resource, struct kt_crd **ret_crd)
{
	kt_auto_free char *name = kt_asprintf("%s.%s", resource, group);
	struct kt_object *object =
	        kt_informer_get(own->definitions, (struct kt_sv){0}, kt_sv_of(name));
	kt_auto_json json_t *definition = object ? kt_object_tree(object) : NULL;
	kt_auto_crd struct kt_crd *crd = definition ? kt_crd_compile(definition) : NULL;

	for (size_t i = 0; crd && i < crd->set.n_kinds; i++)
		if (kt_streq(crd->set.kinds[i].version, version)) {
			const struct kt_kind *kind = &crd->set.kinds[i];

			*ret_crd = kt_steal(&crd);
			return kind;
		}
	return NULL;
}

static void add_subject(
        struct policy_check *check, const char *group, const char *version, const char *resource)
{
	struct kt_crd *crd = NULL;
	const struct kt_kind *kind = kt_builtin_resource(group, version, resource);

	if (check->n_subjects == KINDS_MAX)
		return;
	if (!kind)
		kind = custom_kind(check->own, group, version, resource, &crd);
	for (size_t i = 0; kind && i < check->n_subjects; i++) {
		const struct kt_kind *known = check->subjects[i].kind;

		if (kt_streq(known->group, group) && kt_streq(known->version, version) &&
		        kt_streq(known->plural, resource))
			kind = NULL;
	}
	if (kind)
		check->subjects[check->n_subjects++] =
		        (struct subject){.kind = kind, .crd = kt_steal(&crd)};
	kt_crd_unref(crd);
}

static void add_subjects_of(struct policy_check *check, const json_t *rule)
{
	json_t *group, *version, *resource;
	size_t g, v, r;

	json_array_foreach(json_object_get(rule, "apiGroups"), g, group)
		json_array_foreach(json_object_get(rule, "apiVersions"), v, version)
			json_array_foreach(json_object_get(rule, "resources"), r, resource)
				add_subject(check, json_string_value(group),
				        json_string_value(version), json_string_value(resource));
}

/* "apps/v1, Kind=Deployment: ERROR: …" for one subject, on a line of its own. */
static void check_for(struct policy_check *check, const struct subject *subject, const char *text,
        struct kt_str *out)
{
	const struct kt_cel_variable variables[] = {
	        {.name = "object", .type = subject->kind->type},
	        {.name = "oldObject", .type = subject->kind->type},
	        {.name = "request"},
	        {.name = "namespaceObject"},
	        {.name = "authorizer", .authorizer = true},
	        {.name = "params"},
	};
	const struct kt_cel_env env = {.variables = variables,
	        .n_variables = KT_ARRAY_SIZE(variables),
	        .policy_variables = check->variables};
	kt_auto_cel struct kt_cel *cel = NULL;
	kt_auto_err err = KT_ERR_INIT;

	if (kt_cel_compile(text, &env, &cel, &err) == 0)
		return;
	kt_str_printf(out, "%s%s/%s, Kind=%s: %s", out->len ? "\n" : "", subject->kind->group,
	        subject->kind->version, subject->kind->kind, kt_err_message(&err));
}

static void check_expression(
        struct policy_check *check, const json_t *validation, size_t i, const char *field)
{
	const char *text = kt_jstr(validation, field);
	kt_auto_str warning = KT_STR_INIT;

	for (size_t s = 0; text && *text && s < check->n_subjects; s++)
		check_for(check, &check->subjects[s], text, &warning);
	if (warning.len)
		json_array_append_new(
		        check->warnings, json_pack("{s:o,s:s}", "fieldRef",
		                                 json_sprintf("spec.validations[%zu].%s", i, field),
		                                 "warning", kt_str_text(&warning)));
}

static void check_policy(struct policy_check *check)
{
	const json_t *variables = json_object_get(check->spec, "variables");
	json_t *item;
	size_t i;

	check->variables = kt_new_array(const char *, json_array_size(variables) + 1);
	json_array_foreach(variables, i, item)
		check->variables[i] = kt_jstr(item, "name");
	json_array_foreach(kt_jget(check->spec, "matchConstraints.resourceRules"), i, item)
		add_subjects_of(check, item);
	json_array_foreach(json_object_get(check->spec, "validations"), i, item) {
		check_expression(check, item, i, "expression");
		check_expression(check, item, i, "messageExpression");
	}
	for (i = 0; i < check->n_subjects; i++)
		kt_crd_unref(check->subjects[i].crd);
	free(check->variables);
}

static void reconcile(void *arg, struct kt_pass *pass, const char *key)
{
	struct policy_status_controller *own = arg;
	struct kt_object *policy = kt_pass_object(pass, own->policies);
	kt_auto_json json_t *tree = NULL, *warnings = NULL;
	json_t *status, *checking;
	int64_t generation;

	if (!policy || kt_is_deleting(policy))
		return;
	tree = kt_object_tree(policy);
	generation = kt_jint(tree, "metadata.generation", 0);
	if (kt_jint(tree, "status.observedGeneration", 0) >= generation)
		return;
	warnings = json_array();
	check_policy(&(struct policy_check){
	        .own = own, .spec = json_object_get(tree, "spec"), .warnings = warnings});
	status = kt_status_tree(policy);
	checking = json_object();
	if (json_array_size(warnings))
		json_object_set(checking, "expressionWarnings", warnings);
	json_object_set_new(status, "typeChecking", checking);
	json_object_set_new(status, "observedGeneration", json_integer(generation));
	kt_auto_free char *path = kt_asprintf(POLICIES "/%s", key);
	kt_patch_status(pass, own->policies, policy, path, status);
}

static void policy_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct policy_status_controller *own = arg;

	(void)old_object;
	if (new_object)
		kt_reconciler_add_object(own->reconciler, new_object);
}

static void *create(struct kt_controllers *controllers)
{
	struct policy_status_controller *own = kt_new(struct policy_status_controller);

	own->reconciler =
	        kt_reconciler_create(&(struct kt_reconciler_options){.controllers = controllers,
	                .name = "validatingadmissionpolicy-status-controller",
	                .reconcile = reconcile,
	                .arg = own});
	own->policies = kt_controllers_informer(controllers, POLICIES);
	own->definitions = kt_controllers_informer(controllers, DEFINITIONS);
	kt_informer_add_handler(own->policies,
	        &(struct kt_informer_handler){.on_change = policy_changed, .arg = own});
	return own;
}

static void destroy(void *controller)
{
	struct policy_status_controller *own = controller;

	kt_reconciler_destroy(own->reconciler);
	free(own);
}

const struct kt_controller kt_controller_admission_policy_status = {
        "validatingadmissionpolicy-status-controller", create, destroy};
