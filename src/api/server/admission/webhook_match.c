/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which webhooks are asked about a write. */
#include "api/server/admission/cel_authority.h"
#include "api/server/admission/review.h"
#include "api/server/admission/webhook_set.h"
#include "api/server/webhook_conversion.h"
#include "api/status.h"

#include <errno.h>

static bool selects(const struct kt_selector *selector, const json_t *object)
{
	return object && kt_selector_matches_labels(selector, kt_jget(object, "metadata.labels"));
}

/* 1, 0, or negative: the namespace is not there. Cluster-scoped objects are in no namespace and
 * never left out, a namespace is held against its own labels. */
static int namespace_selected(
        const struct kt_webhook *hook, const struct kt_policy_subject *subject, struct kt_err *err)
{
	const struct kt_admission_context *a = subject->a;
	const json_t *object = subject->namespace_object;

	if (!hook->namespaces)
		return 1;
	if (kt_streq(a->kind->plural, "namespaces") && !*a->kind->group)
		object = subject->object && !a->subresource ? subject->object
		         : subject->old                     ? subject->old
		                                            : subject->object;
	else if (!(a->kind->flags & KT_KIND_NAMESPACED))
		return 1;
	if (!object)
		return kt_fail_not_found(err, "", "namespaces", a->namespace);
	return selects(hook->namespaces, object);
}

static bool object_selected(const struct kt_webhook *hook, const struct kt_policy_subject *subject)
{
	if (!hook->objects)
		return true;
	if (subject->a->view) /* a Scale has no labels */
		return kt_selector_matches_labels(hook->objects, NULL);
	return selects(hook->objects, subject->object) || selects(hook->objects, subject->old);
}

/* The same objects under another group or version. */
static bool is_equivalent(const struct kt_kind *kind, const struct kt_kind *other)
{
	return other != kind && kt_streq(other->kind, kind->kind) && kind->storage_prefix &&
	       kt_streq(other->storage_prefix, kind->storage_prefix);
}

/* As what the webhook's rules name the resource; NULL: they do not. */
static const struct kt_kind *named_kind(
        const struct kt_webhook *hook, const struct kt_admission_context *a)
{
	const json_t *rules = json_object_get(hook->tree, "rules");
	const struct kt_kind_set *set = a->kind->set;

	if (kt_policy_any_rule(a, a->kind, rules))
		return a->kind;
	/* Versions that a webhook converts are shown as the request has them. */
	bool is_shown_as_is = kt_conversion_webhook(a->kind) != NULL;
	for (size_t i = 0; hook->matches_equivalent && i < json_array_size(rules); i++)
		for (size_t k = 0; set && k < set->n_kinds; k++)
			if (is_equivalent(a->kind, &set->kinds[k]) &&
			        kt_policy_rule_matches(a, &set->kinds[k], json_array_get(rules, i)))
				return is_shown_as_is ? a->kind : &set->kinds[k];
	return NULL;
}

/* 1, 0, or negative with why. */
static int test(const struct kt_webhook_condition *condition, struct kt_admission_context *a,
        const struct kt_cel_binding *bindings, size_t n_bindings, struct kt_err *err)
{
	struct kt_cel_run run = {.bindings = bindings, .n_bindings = n_bindings};
	struct kt_cel_question asked;
	kt_auto_err why = KT_ERR_INIT;
	int r;

	kt_cel_authority(a, &asked, &run);

	if (!condition->cel)
		return kt_fail(err, EINVAL, "expression '%s' resulted in error: %s",
		        condition->expression, condition->fault);
	r = kt_cel_test(condition->cel, &run, &why);
	if (r < 0)
		return kt_fail(err, EINVAL, "expression '%s' resulted in error: %s",
		        condition->expression, kt_err_message(&why));
	return r;
}

/* 1: all are true; 0: one is false, or one failed and failures are ignored; negative with why one
 * failed. */
static int meets_conditions(const struct kt_webhook *hook, const struct kt_policy_subject *subject,
        const struct kt_kind *kind, struct kt_err *err)
{
	struct kt_admission_context *a = subject->a;
	kt_auto_json json_t *object = kt_review_show(a, kind, subject->object);
	kt_auto_json json_t *old = kt_review_show(a, kind, subject->old);
	kt_auto_json json_t *request = kt_review_request(a, kind);
	const struct kt_cel_binding bindings[] = {{"object", object ? object : json_null()},
	        {"oldObject", old ? old : json_null()}, {"request", request}};
	kt_auto_err first = KT_ERR_INIT;

	json_t *options = kt_admission_options(a);
	json_object_set(request, "options", options ? options : json_null());
	for (size_t i = 0; i < hook->n_conditions; i++) {
		kt_auto_err why = KT_ERR_INIT;
		int r = test(&hook->conditions[i], a, bindings, KT_ARRAY_SIZE(bindings), &why);

		if (r == 0)
			return 0; /* false wins over what could not be judged */
		if (r < 0 && !first.code)
			kt_err_move(&first, &why);
	}
	if (!first.code)
		return 1;
	return hook->ignores_failure ? 0 : kt_err_move(err, &first);
}

static int refuse(struct kt_admission_context *a, struct kt_err *why, struct kt_err *err)
{
	int r = kt_fail_reason(err, KT_REASON_FORBIDDEN, EACCES, "%s%s%s \"%s\" is forbidden: %s",
	        a->kind->plural, *a->kind->group ? "." : "", a->kind->group, a->name,
	        kt_err_message(why));

	kt_err_set_about(err, a->kind->group, a->kind->plural, a->name, NULL);
	return r;
}

int kt_webhook_matches(const struct kt_webhook *hook, const struct kt_policy_subject *subject,
        const struct kt_kind **ret_kind, struct kt_err *err)
{
	const struct kt_kind *kind = named_kind(hook, subject->a);
	kt_auto_err why = KT_ERR_INIT;
	int r;

	if (!kind || !object_selected(hook, subject))
		return 0;
	r = namespace_selected(hook, subject, err);
	if (r <= 0)
		return r;
	*ret_kind = kind;
	r = hook->n_conditions ? meets_conditions(hook, subject, kind, &why) : 1;
	return r < 0 ? refuse(subject->a, &why, err) : r;
}
