/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/delete.h"

#include "api/server/admit.h"
#include "api/server/crds.h"
#include "api/server/encode.h"
#include "api/server/operations.h"
#include "api/server/server_impl.h"
#include "api/server/write.h"
#include "base/log.h"
#include "base/time.h"

#include <errno.h>

#define FINALIZER_ORPHAN "orphan"
#define FINALIZER_FOREGROUND "foregroundDeletion"
#define DELETE_OPTIONS_TYPE "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"

static int query_options(struct kt_request *request, json_t *options)
{
	struct kt_request_state *state = request->state;
	const char *grace = kt_request_query(request, "gracePeriodSeconds");
	const char *policy = kt_request_query(request, "propagationPolicy");
	int64_t seconds;

	if (grace && *grace) {
		if (kt_request_query_int(request, "gracePeriodSeconds", 0, &seconds) < 0)
			return request->err.code;
		json_object_set_new(options, "gracePeriodSeconds", json_integer(seconds));
	}
	if (policy && *policy)
		json_object_set_new(options, "propagationPolicy", json_string(policy));
	if (kt_request_query(request, "orphanDependents"))
		json_object_set_new(options, "orphanDependents",
		        json_boolean(kt_request_query_bool(request, "orphanDependents")));
	for (size_t i = 0; i < state->query.n; i++)
		if (kt_streq(state->query.items[i].name, "dryRun")) {
			json_t *values = json_object_get(options, "dryRun");
			if (!values) {
				values = json_array();
				json_object_set_new(options, "dryRun", values);
			}
			json_array_append_new(values, json_string(state->query.items[i].value));
		}
	return 0;
}

static int decode_body(struct kt_request *request)
{
	struct kt_request_state *state = request->state;
	struct kt_sv body = {request->body->data, request->body->len};
	struct kt_codec_options options = {.strict = KT_STRICT_IGNORE, .kind = "DeleteOptions"};

	if (kt_write_media(request, &options.media) < 0)
		return request->err.code;
	if (kt_codec_decode(body, kt_type_lookup(DELETE_OPTIONS_TYPE), &options, &state->body, NULL,
	            &request->err) < 0) {
		if (!kt_starts_with(kt_err_message(&request->err), "the object provided"))
			kt_wrap(&request->err, "DeleteOptions in version \"v1\" cannot be handled "
			                       "as a DeleteOptions");
		return request->err.code;
	}
	const char *kind = kt_jstr(state->body, "kind"),
	           *version = kt_jstr(state->body, "apiVersion");
	if (kind && *kind && !kt_streq(kind, "DeleteOptions"))
		return kt_fail(&request->err, EINVAL,
		        "%s in version \"%s\" cannot be handled as a DeleteOptions: converting "
		        "(%s.%s) to "
		        "(v1.DeleteOptions): unknown conversion",
		        kind, version ? version : "", version ? version : "", kind);
	return 0;
}

static int check_options(struct kt_request *request)
{
	static const char *const policies[] = {"Foreground", "Background", "Orphan", "nil", NULL};
	static const char *const dry_runs[] = {"All", NULL};
	struct kt_field_errors errors = {.arena = &request->arena};
	json_t *options = request->state->body, *dry_run = json_object_get(options, "dryRun"),
	       *value;
	const char *policy = kt_jstr(options, "propagationPolicy");
	size_t i;

	if (policy && json_object_get(options, "orphanDependents"))
		kt_field_invalid(&errors, "propagationPolicy",
		        json_object_get(options, "propagationPolicy"),
		        "orphanDependents and deletionPropagation cannot be both set");
	if (policy && strcmp(policy, "Foreground") != 0 && strcmp(policy, "Background") != 0 &&
	        strcmp(policy, "Orphan") != 0)
		kt_field_not_supported(&errors, "propagationPolicy",
		        json_object_get(options, "propagationPolicy"), policies);
	json_array_foreach(dry_run, i, value)
		if (!kt_streq(json_string_value(value), "All")) {
			kt_field_not_supported(&errors, "dryRun", dry_run, dry_runs);
			break;
		}
	request->state->dry_run = json_array_size(dry_run) > 0;
	if (!errors.n)
		return 0;
	kt_field_errors_fail(&errors, "meta.k8s.io", "DeleteOptions", "", &request->err);
	kt_err_set_about(&request->err, "meta.k8s.io", "DeleteOptions", NULL, NULL);
	return request->err.code;
}

int kt_delete_decode(struct kt_request *request)
{
	struct kt_request_state *state = request->state;

	if (request->body && request->body->len) {
		if (decode_body(request) < 0)
			return request->err.code;
	} else {
		state->body = json_object();
		if (query_options(request, state->body) < 0)
			return request->err.code;
	}
	return check_options(request);
}

static int check_preconditions(struct kt_request *request)
{
	const struct kt_request_state *state = request->state;
	const char *uid = kt_jstr(state->body, "preconditions.uid");
	const char *revision = kt_jstr(state->body, "preconditions.resourceVersion");
	const char *uid_there = kt_jstr(state->old, "metadata.uid");
	char revision_there[24];
	kt_auto_free char *why = NULL;

	snprintf(revision_there, sizeof(revision_there), "%lld",
	        (long long)state->current->revision);
	if (uid && !kt_streq(uid, uid_there))
		why = kt_asprintf("the UID in the precondition (%s) does not match the UID in "
		                  "record (%s). The object might have "
		                  "been deleted and then recreated",
		        uid, uid_there);
	else if (revision && !kt_streq(revision, revision_there))
		why = kt_asprintf("the ResourceVersion in the precondition (%s) does not match the "
		                  "ResourceVersion in record "
		                  "(%s). The object might have been modified",
		        revision, revision_there);
	if (!why)
		return 0;
	return kt_fail_conflict(
	        &request->err, state->kind->group, state->kind->kind, state->route.name, why);
}

static bool has_finalizer(const json_t *object, const char *name)
{
	size_t i;
	json_t *value;

	json_array_foreach(kt_jget(object, "metadata.finalizers"), i, value)
		if (kt_streq(json_string_value(value), name))
			return true;
	return false;
}

/* Which of the two garbage collection finalizers the object gets. */
static void wanted_finalizers(
        const struct kt_request_state *state, bool *ret_orphan, bool *ret_foreground)
{
	const json_t *options = state->body, *orphan = json_object_get(options, "orphanDependents");
	const char *policy = kt_jstr(options, "propagationPolicy");

	*ret_orphan = *ret_foreground = false;
	if (orphan) {
		*ret_orphan = json_is_true(orphan);
	} else if (policy) {
		*ret_orphan = kt_streq(policy, "Orphan");
		*ret_foreground = kt_streq(policy, "Foreground");
	} else {
		*ret_orphan = has_finalizer(state->old, FINALIZER_ORPHAN);
		*ret_foreground = has_finalizer(state->old, FINALIZER_FOREGROUND);
		if (!*ret_orphan && !*ret_foreground)
			*ret_orphan = kt_streq(state->kind->default_delete, "Orphan");
	}
}

static void set_finalizers(struct kt_request_state *state)
{
	json_t *metadata = json_object_get(state->object, "metadata");
	json_t *kept = json_array(), *value;
	bool orphan, foreground;
	size_t i;

	wanted_finalizers(state, &orphan, &foreground);
	json_array_foreach(json_object_get(metadata, "finalizers"), i, value) {
		const char *name = json_string_value(value);
		if (!kt_streq(name, FINALIZER_ORPHAN) && !kt_streq(name, FINALIZER_FOREGROUND))
			json_array_append(kept, value);
	}
	if (orphan)
		json_array_append_new(kept, json_string(FINALIZER_ORPHAN));
	if (foreground)
		json_array_append_new(kept, json_string(FINALIZER_FOREGROUND));
	if (json_array_size(kept))
		json_object_set(metadata, "finalizers", kept);
	else
		json_object_del(metadata, "finalizers");
	json_decref(kept);
}

static void mark(struct kt_request *request, int64_t grace_s, bool show_grace)
{
	struct kt_request_state *state = request->state;
	json_t *metadata = json_object_get(state->object, "metadata");
	int64_t generation = kt_jint(metadata, "generation", 0);
	int64_t now = kt_loop_wall_ns(request->loop);
	char time[KT_TIME_TEXT_MAX];

	kt_time_format(now + grace_s * KT_NS_PER_S, time);
	json_object_set_new(metadata, "deletionTimestamp", json_string(time));
	/* Kinds with a life cycle of their own are marked alone. */
	if (!show_grace)
		return;
	json_object_set_new(metadata, "deletionGracePeriodSeconds", json_integer(grace_s));
	if (generation > 0)
		json_object_set_new(metadata, "generation", json_integer(generation + 1));
}

/* A deletion under way gets less time, never more. */
static void shorten(struct kt_request_state *state, int64_t grace_s)
{
	json_t *metadata = json_object_get(state->object, "metadata");
	const char *text = kt_jstr(metadata, "deletionTimestamp");
	int64_t old_s = kt_jint(metadata, "deletionGracePeriodSeconds", 0), when;
	char time[KT_TIME_TEXT_MAX];

	if (grace_s >= old_s || !text || kt_time_parse(kt_sv_of(text), &when) < 0)
		return;
	kt_time_format(when - (old_s - grace_s) * KT_NS_PER_S, time);
	json_object_set_new(metadata, "deletionTimestamp", json_string(time));
	json_object_set_new(metadata, "deletionGracePeriodSeconds", json_integer(grace_s));
}

/* Kinds whose own life cycle ends before the object may go. Returns true when it has to stay for
 * now. */
static bool defer_namespace(json_t *object)
{
	json_t *status = json_object_get(object, "status");

	if (!json_array_size(kt_jget(object, "spec.finalizers")))
		return false;
	if (!status) {
		json_object_set_new(object, "status", json_object());
		status = json_object_get(object, "status");
	}
	json_object_set_new(status, "phase", json_string("Terminating"));
	return true;
}

/* The instances go first: crds.c sees to that and takes the finalizer away. */
static bool defer_definition(json_t *object)
{
	json_t *metadata = json_object_get(object, "metadata");
	json_t *finalizers = json_object_get(metadata, "finalizers");

	if (kt_jget(object, "metadata.deletionTimestamp"))
		return json_array_size(finalizers) > 0;
	if (!finalizers) {
		finalizers = json_array();
		json_object_set_new(metadata, "finalizers", finalizers);
	}
	if (!has_finalizer(object, KT_CRD_FINALIZER))
		json_array_append_new(finalizers, json_string(KT_CRD_FINALIZER));
	return true;
}

static const struct {
	const char *group, *kind;
	bool (*defer)(json_t *object);
} deferred[] = {
        {"", "Namespace", defer_namespace},
        {"apiextensions.k8s.io", "CustomResourceDefinition", defer_definition},
};

bool kt_delete_is_deferred(const struct kt_kind *kind, json_t *object)
{
	for (size_t i = 0; i < KT_ARRAY_SIZE(deferred); i++)
		if (kt_streq(deferred[i].kind, kind->kind) &&
		        kt_streq(deferred[i].group, kind->group))
			return deferred[i].defer(object);
	return false;
}

static int ask_rules(struct kt_request *request, int64_t *grace_s)
{
	struct kt_request_state *state = request->state;
	struct kt_rule_context *context = kt_write_rules(request, KT_RULE_UPDATE);
	const struct kt_rules *rules = kt_rules_find(state->kind->group, state->kind->kind);

	if ((state->kind->flags & KT_KIND_CUSTOM) || !rules || !rules->prepare_delete)
		return 0;
	if (rules->prepare_delete(context, state->object, grace_s) < 0)
		return kt_err_move(&request->err, &context->err);
	return 0;
}

static int plan_after(struct kt_request *request)
{
	struct kt_request_state *state = request->state;
	struct kt_rule_context *context = kt_write_rules(request, KT_RULE_UPDATE);
	const struct kt_rules *rules = kt_rules_find(state->kind->group, state->kind->kind);

	if ((state->kind->flags & KT_KIND_CUSTOM) || !rules || !rules->after)
		return 0;
	if (rules->after(context, NULL, state->old) < 0)
		return kt_err_move(&request->err, &context->err);
	return 0;
}

static void add_op(
        struct kt_request *request, enum kt_storage_op_kind op_kind, struct kt_object *object)
{
	const struct kt_request_state *state = request->state;

	kt_write_add_op(request, (struct kt_storage_op){.kind = op_kind,
	                                 .key = state->key,
	                                 .expect_revision = state->current->revision,
	                                 .object = object});
}

/* The grace period: what was asked for, what the kind makes of it; 0 for kinds that know none. */
static int find_grace(struct kt_request *request, int64_t *ret_grace_s)
{
	const struct kt_request_state *state = request->state;
	json_t *asked = json_object_get(state->body, "gracePeriodSeconds");

	*ret_grace_s = 0;
	if (!(state->kind->flags & KT_KIND_GRACEFUL))
		return 0;
	*ret_grace_s = asked ? (int64_t)json_integer_value(asked) : -1;
	if (asked && *ret_grace_s < 0)
		*ret_grace_s = 1;
	if (ask_rules(request, ret_grace_s) < 0)
		return request->err.code;
	if (*ret_grace_s < 0)
		*ret_grace_s = 0;
	return 0;
}

int kt_delete_plan(struct kt_request *request)
{
	struct kt_request_state *state = request->state;
	bool graceful = state->kind->flags & KT_KIND_GRACEFUL;
	int64_t grace_s;

	if (check_preconditions(request) < 0)
		return request->err.code;
	state->object = json_deep_copy(state->old);
	if (find_grace(request, &grace_s) < 0)
		return request->err.code;
	set_finalizers(state);
	bool wait = kt_delete_is_deferred(state->kind, state->object);
	bool marked = kt_jget(state->old, "metadata.deletionTimestamp") != NULL;
	bool pending = json_array_size(kt_jget(state->object, "metadata.finalizers")) > 0;
	if (marked && graceful)
		shorten(state, grace_s);
	else if (!marked && (graceful || pending || wait))
		mark(request, grace_s, !wait);
	grace_s = graceful ? kt_jint(state->object, "metadata.deletionGracePeriodSeconds", 0) : 0;
	bool stays = wait || pending || grace_s > 0;
	if (!stays && plan_after(request) < 0)
		return request->err.code;
	struct kt_object *object = kt_write_object(request, state->key, state->object);
	if (!object)
		return request->err.code;
	state->is_delete = !stays;
	state->is_unchanged =
	        stays && object->json_len == state->current->json_len &&
	        !memcmp(kt_object_json(object), kt_object_json(state->current), object->json_len);
	add_op(request, stays ? KT_STORAGE_PUT : KT_STORAGE_DELETE, object);
	return 0;
}

/* Between the two steps a kubelet may have removed the object that it saw terminating, and its
 * owner may have made another of the same name: what was asked for has been done. */
static bool is_gone(struct kt_request *request)
{
	struct kt_request_state *state = request->state;

	if (!state->marked)
		return false;
	if (!state->current)
		return !request->err.code || kt_err_reason(&request->err) == KT_REASON_NOT_FOUND;
	return !kt_sv_eq(kt_object_uid(state->current), kt_object_uid(state->marked));
}

static int delete_mutate(struct kt_request *request)
{
	kt_write_begin(request);
	int r = kt_write_load(request, false);
	if (is_gone(request)) {
		kt_err_clear(&request->err);
		return 0;
	}
	if (r < 0)
		return r;
	kt_write_rules(request, KT_RULE_UPDATE);
	/* The second step of a deletion that was admitted is not asked about again. */
	return request->state->marked ? 0 : kt_admit_delete(request);
}

/* After admission, which may have waited. */
static int delete_plan(struct kt_request *request)
{
	return is_gone(request) ? 0 : kt_delete_plan(request);
}

static json_t *success_status(const struct kt_request *request)
{
	const struct kt_request_state *state = request->state;
	json_t *details = json_object();
	const char *uid = kt_jstr(state->old, "metadata.uid");

	json_object_set_new(details, "name", json_string(state->route.name));
	if (*state->kind->group)
		json_object_set_new(details, "group", json_string(state->kind->group));
	json_object_set_new(details, "kind", json_string(state->kind->plural));
	if (uid)
		json_object_set_new(details, "uid", json_string(uid));
	return json_pack("{s:s,s:s,s:{},s:s,s:o}", "kind", "Status", "apiVersion", "v1", "metadata",
	        "status", "Success", "details", details);
}

static bool marks_first(const struct kt_request_state *state)
{
	const struct kt_object *made = state->ops[0].object;

	return state->is_delete && (state->kind->flags & KT_KIND_GRACEFUL) &&
	       (made->json_len != state->current->json_len ||
	               memcmp(kt_object_json(made), kt_object_json(state->current),
	                       made->json_len));
}

static int delete_commit(struct kt_request *request)
{
	struct kt_request_state *state = request->state;
	struct kt_rule_context *rules = state->rules;

	if (state->is_delete && !(state->kind->flags & KT_KIND_RETURNS_DELETED)) {
		json_decref(state->result);
		state->result = success_status(request);
		state->result_type = kt_type_lookup("io.k8s.apimachinery.pkg.apis.meta.v1.Status");
	}
	if (!state->n_ops) { /* somebody else has removed it */
		state->stored = kt_object_ref(state->marked);
		return 0;
	}
	if (state->dry_run || state->is_unchanged) {
		for (size_t i = 0; i < rules->n_also; i++)
			kt_object_unref(rules->also[i].object);
		rules->n_also = 0;
		state->stored = state->result ? NULL
		                              : kt_object_at_revision(state->ops[0].object,
		                                        state->current->revision);
		return 0;
	}
	if (marks_first(state)) {
		/* Watchers see the object terminating before it is gone. What goes with the
		 * deletion goes with the second step. */
		state->ops[0].kind = KT_STORAGE_PUT;
		state->has_second_step = true;
		return kt_write_submit(request);
	}
	for (size_t i = 0; i < rules->n_also; i++)
		kt_write_add_op(request, rules->also[i]);
	rules->n_also = 0;
	return kt_write_submit(request);
}

const struct kt_operation kt_operation_delete = {
        .name = "delete",
        .decode = kt_delete_decode,
        .mutate = delete_mutate,
        .defaults = delete_plan,
        .commit = delete_commit,
        .encode = kt_encode_result,
};
