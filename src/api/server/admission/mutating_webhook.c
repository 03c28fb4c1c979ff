/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * MutatingAdmissionWebhook: one after another, each is shown what the one before made. The object
 * is decoded and defaulted after each patch. When one changed the object, the whole mutating walk
 * is done once more; then those with reinvocationPolicy IfNeeded are asked again if the object
 * changed after their turn, by a later webhook or by another plugin. Never is one asked first in
 * the second walk.
 *
 * Who manages which field was recorded before (api/server/write.c): what a webhook changes belongs
 * to nobody, as with the real server. managedFields that a webhook broke are put back with a
 * warning.
 */
#include "api/codec/codec.h"
#include "api/machinery/patch.h"
#include "api/server/admission/plugins.h"
#include "api/server/admission/webhook_call.h"
#include "api/server/versions.h"

#include <errno.h>

#define FAILED_OPEN "failed-open.mutation.webhook.admission.k8s.io/round_%d_index_"

struct kt_admission_reinvocation {
	struct kt_webhook_set *set; /* the same in both walks */
	bool *is_called;            /* and may be asked again: by index in the set */
	bool *is_wanted;            /* to be asked again */
	json_t *output;             /* of the first walk's webhooks */
};

/* A walk along the webhooks. */
struct chain {
	struct kt_admission_context *a;
	struct kt_admission_reinvocation *reinvocation;
	struct kt_policy_subject subject;
	json_t *object; /* changed in place; NULL for a delete */
	json_t *namespace_object;
	struct kt_webhook_call call; /* the one under way */
	size_t next, n_called;
};

void kt_webhook_reinvocation_free(struct kt_admission_reinvocation *reinvocation)
{
	if (!reinvocation)
		return;
	kt_webhook_set_unref(reinvocation->set);
	free(reinvocation->is_called);
	free(reinvocation->is_wanted);
	json_decref(reinvocation->output);
	free(reinvocation);
}

static void want_called(struct kt_admission_reinvocation *reinvocation)
{
	for (size_t i = 0; i < reinvocation->set->n; i++) {
		reinvocation->is_wanted[i] |= reinvocation->is_called[i];
		reinvocation->is_called[i] = false;
	}
}

static struct kt_admission_reinvocation *reinvocation_create(struct kt_webhook_set *set)
{
	struct kt_admission_reinvocation *reinvocation = kt_new(struct kt_admission_reinvocation);

	reinvocation->set = set;
	reinvocation->is_called = kt_new_array(bool, set->n + 1);
	reinvocation->is_wanted = kt_new_array(bool, set->n + 1);
	return reinvocation;
}

static void destroy(struct chain *c)
{
	kt_webhook_call_finish(&c->call);
	json_decref(c->namespace_object);
	free(c);
}

static bool is_entry(const json_t *entry)
{
	const char *operation = kt_jstr(entry, "operation"), *type = kt_jstr(entry, "fieldsType");
	const char *version = kt_jstr(entry, "apiVersion");

	return (kt_streq(operation, "Apply") || kt_streq(operation, "Update")) &&
	       kt_streq(type, "FieldsV1") && version && *version &&
	       json_is_object(json_object_get(entry, "fieldsV1"));
}

/* What a webhook may not break. */
static void keep_managers(struct chain *c, json_t *made)
{
	json_t *before = kt_jget(c->object, "metadata.managedFields"),
	       *after = kt_jget(made, "metadata.managedFields");
	bool valid = true;

	for (size_t i = 0; i < json_array_size(after); i++)
		valid &= is_entry(json_array_get(after, i));
	if (valid)
		return;
	kt_rule_warn(c->a->rules,
	        ".metadata.managedFields was in an invalid state after admission; this could be "
	        "caused by an outdated mutating admission controller; please fix your requests");
	if (before)
		json_object_set(json_object_get(made, "metadata"), "managedFields", before);
	else
		json_object_del(json_object_get(made, "metadata"), "managedFields");
}

/* What the webhook is shown, patched and decoded; NULL with err. */
static json_t *patched(struct chain *c, const json_t *patch, struct kt_err *err)
{
	const struct kt_type *type = c->a->view ? c->a->view_type : c->call.kind->type;
	kt_auto_json json_t *shown = kt_review_show(c->a, c->call.kind, c->object);
	kt_auto_json json_t *made = kt_patch_json(shown, patch, err);
	json_t *decoded = NULL;

	if (!made)
		return NULL;
	if (!json_is_object(made)) {
		kt_fail(err, EINVAL, "the patch leaves no object");
		return NULL;
	}
	json_object_set(made, "apiVersion", json_object_get(shown, "apiVersion"));
	json_object_set(made, "kind", json_object_get(shown, "kind"));
	return kt_codec_normalize(made, type, KT_STRICT_IGNORE, &decoded, NULL, err) < 0 ? NULL
	                                                                                 : decoded;
}

/* The object of the request that the decoded one means. Takes it. */
static json_t *taken(struct chain *c, json_t **decoded)
{
	kt_auto_json json_t *from = kt_steal(decoded);
	json_t *made;

	if (c->a->view) {
		made = json_deep_copy(c->object);
		c->a->take_view(c->a, made, from);
		return made;
	}
	return c->call.kind == c->a->kind ? kt_steal(&from) : kt_versions_convert(c->a->kind, from);
}

static int apply(struct chain *c, const json_t *patch)
{
	struct kt_admission_context *a = c->a;
	const char *name = c->call.hook->name;
	kt_auto_err err = KT_ERR_INIT;
	kt_auto_json json_t *decoded = NULL, *made = NULL;

	if (!c->object) {
		kt_fail(&err, EINVAL,
		        "admission webhook \"%s\" attempted to modify the object, which is not "
		        "supported for this operation",
		        name);
		return kt_webhook_internal_error(kt_err_message(&err), &a->err);
	}
	decoded = patched(c, patch, &err);
	if (!decoded)
		return kt_webhook_internal_error(kt_err_message(&err), &a->err);
	made = taken(c, &decoded);
	keep_managers(c, made);
	kt_rules_default(a->rules, made);
	if (kt_json_equal(c->object, made))
		return 0;
	json_object_clear(c->object);
	json_object_update(c->object, made);
	want_called(c->reinvocation);
	a->is_changed = a->wants_again = true;
	return 1;
}

static void tell_audit(struct chain *c, bool changed)
{
	const struct kt_webhook *hook = c->call.hook;
	kt_auto_free char *key = kt_asprintf("mutation.webhook.admission.k8s.io/round_%d_index_%zu",
	        c->a->is_again ? 1 : 0, c->n_called);
	kt_auto_json json_t *value = json_pack("{s:s,s:s,s:b}", "configuration",
	        hook->configuration, "webhook", hook->name, "mutated", changed ? 1 : 0);
	kt_auto_str text = KT_STR_INIT;

	kt_json_write(&text, value, 0);
	kt_admission_annotate(c->a, key, kt_str_text(&text));
}

/* The verdict of the call is there. */
static int settle(struct chain *c)
{
	struct kt_webhook_call *call = &c->call;
	const struct kt_webhook *hook = call->hook;
	int r = 0;

	kt_webhook_call_take_words(call);
	if (call->err.code && !call->is_failure) {
		r = kt_err_move(&c->a->err, &call->err);
	} else if (call->err.code && !hook->ignores_failure) {
		r = kt_webhook_internal_error(kt_err_message(&call->err), &c->a->err);
	} else if (call->err.code) {
		kt_auto_free char *key = kt_asprintf(FAILED_OPEN, c->a->is_again ? 1 : 0);

		kt_webhook_call_failed_open(call, key, c->n_called);
	} else {
		if (json_array_size(call->answer.patch))
			r = apply(c, call->answer.patch);
		if (r >= 0) {
			tell_audit(c, r > 0);
			c->reinvocation->is_called[c->next - 1] = hook->is_reinvoked;
		}
	}
	kt_webhook_call_finish(call);
	c->n_called++;
	return KT_MIN(r, 0);
}

static int go_on(struct chain *c);

static void on_done(struct kt_webhook_call *call)
{
	struct chain *c = call->arg;
	struct kt_admission_context *a = c->a;
	int r = settle(c);

	if (r == 0)
		r = go_on(c);
	if (r == KT_ADMIT_WAIT)
		return;
	destroy(c);
	kt_admission_resume(a, r);
}

/* From the next webhook on: 0 at the end, KT_ADMIT_WAIT, or negative. */
static int go_on(struct chain *c)
{
	struct kt_admission_reinvocation *reinvocation = c->reinvocation;

	while (c->next < reinvocation->set->n) {
		size_t i = c->next++;
		const struct kt_webhook *hook = &reinvocation->set->hooks[i];
		const struct kt_kind *kind;
		int r;

		if (c->a->is_again && !reinvocation->is_wanted[i])
			continue;
		r = kt_webhook_matches(hook, &c->subject, &kind, &c->a->err);
		if (r < 0)
			return r;
		if (r == 0)
			continue;
		c->call = (struct kt_webhook_call){.hook = hook,
		        .kind = kind,
		        .a = c->a,
		        .may_patch = true,
		        .done = on_done,
		        .arg = c};
		r = kt_webhook_call_show(&c->call, &c->subject);
		if (r != KT_ADMIT_WAIT)
			r = settle(c);
		if (r != 0)
			return r;
	}
	/* For the question whether the plugins of the second walk changed it. */
	if (c->a->wants_again && !c->a->is_again)
		reinvocation->output = json_deep_copy(c->object);
	return 0;
}

static void cancel(struct kt_admission_context *a)
{
	destroy(a->waiting);
}

static bool find_set(struct kt_admission_context *a)
{
	struct kt_webhook_set *set;

	if (a->reinvocation)
		return true;
	set = kt_webhook_set_get(a, true);
	if (set)
		a->reinvocation = reinvocation_create(set);
	return set != NULL;
}

static int mutate(struct kt_admission_context *a, json_t *object, const json_t *old)
{
	struct chain *c;
	int r;

	if (kt_webhook_is_exempt(a) || !find_set(a))
		return 0;
	if (a->is_again && !kt_json_equal(object, a->reinvocation->output))
		want_called(a->reinvocation);
	c = kt_new(struct chain);
	c->a = a;
	c->reinvocation = a->reinvocation;
	c->object = object;
	c->namespace_object = kt_webhook_namespace(a);
	c->subject = (struct kt_policy_subject){a, object, old, c->namespace_object};
	r = go_on(c);
	if (r != KT_ADMIT_WAIT) {
		destroy(c);
		return r;
	}
	a->waiting = c;
	a->cancel = cancel;
	return r;
}

const struct kt_admission_plugin kt_admission_mutating_webhook = {
        .name = "MutatingAdmissionWebhook",
        .on_by_default = true,
        .mutate = mutate,
};
