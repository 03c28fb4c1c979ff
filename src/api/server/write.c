/* SPDX-License-Identifier: GPL-3.0-or-later */
/* create and update, and what the other writes share with them. */
#include "api/server/write.h"

#include "api/machinery/limits.h"
#include "api/machinery/managed.h"
#include "api/server/access.h"
#include "api/server/admit.h"
#include "api/server/delete.h"
#include "api/server/encode.h"
#include "api/server/limits.h"
#include "api/server/operations.h"
#include "api/server/server_impl.h"
#include "api/server/versions.h"
#include "api/server/webhook_versions.h"
#include "base/log.h"
#include "base/time.h"

#include <errno.h>

#define NAME_SUFFIX_CHARS 5
#define GENERATED_NAME_MAX 63 /* base and suffix: a name that is a label as well */

static const char *kind_version(struct kt_request *request)
{
	char text[256];

	kt_kind_api_version(request->state->kind, text, sizeof(text));
	return kt_arena_strdup(&request->arena, text);
}

static void free_also(struct kt_rule_context *rules)
{
	for (size_t i = 0; rules && i < rules->n_also; i++)
		kt_object_unref(rules->also[i].object);
	if (rules)
		rules->n_also = 0;
}

void kt_write_begin(struct kt_request *request)
{
	struct kt_request_state *state = request->state;

	for (size_t i = 0; i < state->n_ops; i++) {
		kt_object_unref(state->ops[i].object);
		kt_object_unref(state->ops[i].ret_object);
	}
	state->n_ops = 0;
	kt_object_unref(kt_steal(&state->current));
	json_decref(kt_steal(&state->old));
	json_decref(kt_steal(&state->object));
	state->precondition_revision = 0;
	state->is_create = state->is_unchanged = state->is_delete = false;
	state->is_mutated = false;
	if (state->rules) {
		free_also(state->rules);
		state->rules->errors.n = 0;
		kt_err_clear(&state->rules->err);
	}
}

static void free_rules(void *arg)
{
	struct kt_rule_context *rules = arg;

	for (size_t i = 0; i < rules->n_warnings; i++)
		free(rules->warnings[i]);
	free(rules->warnings);
	free_also(rules);
	free(rules->also);
	kt_err_clear(&rules->err);
}

struct kt_rule_context *kt_write_rules(struct kt_request *request, enum kt_rule_operation operation)
{
	struct kt_request_state *state = request->state;

	if (!state->rules) {
		struct kt_rule_context *rules =
		        kt_arena_new(&request->arena, struct kt_rule_context);
		rules->kind = state->kind;
		rules->subresource = state->subresource ? state->subresource->name : NULL;
		rules->namespace = state->route.namespace;
		rules->dry_run = state->dry_run;
		rules->user = request->user ? request->user->name : "";
		rules->requester = request->user;
		rules->now_ns = kt_loop_wall_ns(request->loop);
		rules->loop = request->loop;
		rules->server = request->server;
		rules->storage = request->server->storage;
		rules->arena = &request->arena;
		rules->errors.arena = &request->arena;
		state->rules = rules;
		state->rules_free = free_rules;
	}
	state->rules->operation = operation;
	state->rules->sent = state->sent;
	return state->rules;
}

void kt_write_take_warnings(struct kt_request *request)
{
	struct kt_rule_context *rules = request->state->rules;

	for (size_t i = 0; i < rules->n_warnings; i++) {
		kt_request_warn(request, "%s", rules->warnings[i]);
		free(rules->warnings[i]);
	}
	rules->n_warnings = 0;
}

static int fail_lost(struct kt_request *request)
{
	const struct kt_request_state *state = request->state;

	return kt_fail_conflict(&request->err, state->kind->group, state->kind->plural,
	        state->route.name,
	        "the object has been modified; please apply your changes to the latest version and "
	        "try again");
}

int kt_write_load(struct kt_request *request, bool missing_ok)
{
	struct kt_request_state *state = request->state;
	struct kt_storage *storage = request->server->storage;
	const char *name = state->route.name;

	state->key = kt_server_key(&request->arena, state->kind, state->route.namespace, name);
	int status = storage->ops->get(storage, state->key, 0, &state->current, &request->err);
	if (status == -ENOENT) {
		kt_err_clear(&request->err);
		if (missing_ok)
			return 0;
		return kt_fail_not_found(
		        &request->err, state->kind->group, state->kind->plural, name);
	}
	if (status < 0)
		return status;
	state->old = kt_convert_old(state);
	if (!state->old)
		return fail_lost(request);
	return 0;
}

static json_t *metadata_of(json_t *object)
{
	json_t *metadata = json_object_get(object, "metadata");

	if (!json_is_object(metadata)) {
		json_object_set_new(object, "metadata", json_object());
		metadata = json_object_get(object, "metadata");
	}
	return metadata;
}

int kt_write_check_names(struct kt_request *request, json_t *object)
{
	const struct kt_route *route = &request->state->route;
	json_t *metadata = metadata_of(object);
	const char *namespace = kt_jstr(metadata, "namespace");
	const char *name = kt_jstr(metadata, "name");

	if (request->state->kind->flags & KT_KIND_NAMESPACED) {
		if (namespace && *namespace && !kt_streq(namespace, route->namespace))
			return kt_fail(&request->err, EINVAL,
			        "the namespace of the provided object does not match the namespace "
			        "sent on the request");
		json_object_set_new(metadata, "namespace", json_string(route->namespace));
	} else {
		json_object_del(metadata,
		        "namespace"); /* cluster-scoped: upstream drops one without a word */
	}
	if (!*route->name)
		return 0;
	if (name && *name && !kt_streq(name, route->name))
		return kt_fail(&request->err, EINVAL,
		        "the name of the object (%s) does not match the name on the URL (%s)", name,
		        route->name);
	json_object_set_new(metadata, "name", json_string(route->name));
	return 0;
}

/* Letters and digits that make no words and are not mistaken for one another. */
static void generate_name(struct kt_request *request, json_t *metadata, const char *base)
{
	static const char alphabet[] = "bcdfghjklmnpqrstvwxz2456789";
	char name[GENERATED_NAME_MAX + 1];
	size_t len = KT_MIN(strlen(base), (size_t)(GENERATED_NAME_MAX - NAME_SUFFIX_CHARS));

	memcpy(name, base, len);
	for (int i = 0; i < NAME_SUFFIX_CHARS; i++)
		name[len++] = alphabet[kt_loop_random_below(request->loop, sizeof(alphabet) - 1)];
	name[len] = '\0';
	json_object_set_new(metadata, "name", json_string(name));
}

int kt_write_fill_create(struct kt_request *request)
{
	struct kt_request_state *state = request->state;
	json_t *metadata = metadata_of(state->object);
	const char *name = kt_jstr(metadata, "name"), *base = kt_jstr(metadata, "generateName");
	char time[KT_TIME_TEXT_MAX], uid[37];

	if ((!name || !*name) && base && *base) {
		generate_name(request, metadata, base);
		state->is_generated = true;
	}
	kt_loop_random_uuid(request->loop, uid);
	kt_time_format(kt_loop_wall_ns(request->loop), time);
	json_object_set_new(metadata, "uid", json_string(uid));
	json_object_set_new(metadata, "creationTimestamp", json_string(time));
	json_object_del(metadata, "deletionTimestamp");
	json_object_del(metadata, "deletionGracePeriodSeconds");
	json_object_del(metadata, "selfLink");
	name = kt_jstr(metadata, "name");
	state->error_name = kt_arena_strdup(&request->arena, name ? name : "");
	state->key = kt_server_key(
	        &request->arena, state->kind, state->route.namespace, state->error_name);
	return 0;
}

/* The part of the object that this endpoint does not write is not the caller's. */
static void reset_other_part(struct kt_request *request)
{
	struct kt_request_state *state = request->state;

	if (!(state->kind->flags & KT_KIND_HAS_STATUS) || state->subresource || state->is_create)
		return; /* of a new object the kind's rules decide */
	json_t *status = json_object_get(state->old, "status");
	if (status)
		json_object_set_new(state->object, "status", json_deep_copy(status));
	else if (state->kind->flags & KT_KIND_CUSTOM)
		json_object_del(state->object, "status");
	else if (json_object_get(state->object, "status"))
		json_object_set_new(state->object, "status", json_object());
}

static int record_managers(struct kt_request *request)
{
	struct kt_request_state *state = request->state;
	struct kt_apply apply = {
	        .type = state->kind->type,
	        .kind = state->kind,
	        .api_version = kind_version(request),
	        .subresource = state->subresource ? state->subresource->name : NULL,
	        .manager = kt_write_manager(request),
	        .now_ns = kt_loop_wall_ns(request->loop),
	};

	if (kt_streq(apply.subresource, "scale"))
		apply.now_ns = 0; /* entries of /scale have no time */
	return kt_managed_update(
	        &apply, state->object, state->is_create ? NULL : state->old, &request->err);
}

int kt_write_mutate(struct kt_request *request, bool applied)
{
	struct kt_request_state *state = request->state;
	enum kt_rule_operation operation = state->is_create ? KT_RULE_CREATE : KT_RULE_UPDATE;
	struct kt_rule_context *rules = kt_write_rules(request, operation);

	if (!applied && (state->kind->flags & KT_KIND_CUSTOM))
		kt_type_drop_nulls(state->kind->type, state->object);
	kt_rules_default(rules, state->object);
	if (!applied) {
		reset_other_part(request);
		if (record_managers(request) < 0)
			return request->err.code;
	}
	return kt_admit_mutate(request);
}

static int take_rules_error(struct kt_request *request)
{
	struct kt_rule_context *rules = request->state->rules;

	kt_assert(rules->err.code != 0);
	return kt_err_move(&request->err, &rules->err);
}

int kt_write_default(struct kt_request *request)
{
	struct kt_request_state *state = request->state;
	if (state->is_spliced)
		return 0;
	struct kt_rule_context *rules =
	        kt_write_rules(request, state->is_create ? KT_RULE_CREATE : KT_RULE_UPDATE);

	/* A webhook may do what the caller may, and no more. */
	if (state->is_mutated) {
		if (kt_write_check_names(request, state->object) < 0)
			return request->err.code;
		reset_other_part(request);
	}
	if (state->is_create && kt_write_fill_create(request) < 0)
		return request->err.code;
	kt_rules_default(rules, state->object);
	if (kt_rules_prepare(rules, state->object, state->old) < 0)
		return take_rules_error(request);
	return 0;
}

int kt_write_validate(struct kt_request *request)
{
	struct kt_request_state *state = request->state;
	struct kt_rule_context *rules = state->rules;

	if (state->is_spliced)
		return 0;
	kt_rules_validate(rules, state->object, state->old);
	kt_write_take_warnings(request);
	if (rules->errors.n) {
		const char *name = kt_jstr(state->object, "metadata.name");
		kt_field_errors_fail(&rules->errors, kt_rules_error_group(state->kind),
		        state->kind->kind, name ? name : "", &request->err);
		kt_err_set_about(&request->err, kt_rules_error_group(state->kind),
		        state->kind->kind, name, NULL);
		return request->err.code;
	}
	return kt_admit_validate(request);
}

void kt_write_add_op(struct kt_request *request, struct kt_storage_op op)
{
	struct kt_request_state *state = request->state;

	kt_assert(state->n_ops < KT_STORAGE_OPS_MAX);
	state->ops[state->n_ops++] = op;
}

/* Events are told, not kept. */
#define EVENT_LIFETIME_S 3600 /* kube-apiserver's --event-ttl */

static bool is_event(const struct kt_kind *kind)
{
	return kt_streq(kind->storage_prefix, "/registry/events");
}

/* Upstream keeps objects in etcd, as protobuf where there is one, and etcd takes no larger request.
 */
static int check_size(struct kt_request *request, const struct kt_type *type, const json_t *stored,
        size_t json_bytes)
{
	kt_auto_str bytes = KT_STR_INIT;

	if (json_bytes <= KT_STORED_BYTES_MAX)
		return 0;
	if (kt_codec_has_protobuf(type) &&
	        kt_codec_encode_protobuf(&bytes, type, stored, &request->err) < 0)
		return request->err.code;
	if (bytes.len && bytes.len <= KT_STORED_BYTES_MAX)
		return 0;
	return kt_fail_reason(
	        &request->err, KT_REASON_UNKNOWN, EPROTO, "etcdserver: request is too large");
}

struct kt_object *kt_write_object(struct kt_request *request, const char *key, json_t *tree)
{
	const struct kt_kind *kind = request->state->kind;
	kt_auto_json json_t *stored = kt_convert_stored(request->state, tree);
	kt_auto_str json = KT_STR_INIT;
	struct kt_object *object = NULL;

	const struct kt_type *type = kt_versions_stored_kind(kind)->type;

	kt_codec_encode_json(&json, type, stored);
	if (check_size(request, type, stored, json.len) < 0)
		return NULL;
	if (kt_object_create(
	            kt_sv_of(key), (struct kt_sv){json.data, json.len}, &object, &request->err) < 0)
		return NULL;
	if (is_event(kind))
		object->expires_wall_ns =
		        kt_loop_wall_ns(request->loop) + EVENT_LIFETIME_S * KT_NS_PER_S;
	return object;
}

/* An update that changes no byte is answered with what is there, and nobody's watch wakes. */
static bool is_unchanged(const struct kt_request_state *state, const struct kt_object *object)
{
	return state->current && object->json_len == state->current->json_len &&
	       !memcmp(kt_object_json(object), kt_object_json(state->current), object->json_len);
}

static void answer_dry_run(struct kt_request *request)
{
	struct kt_request_state *state = request->state;

	/* Nothing is stored: the object has the revision it had, or none. */
	if (state->current)
		state->stored =
		        kt_object_at_revision(state->ops[0].object, state->current->revision);
	else
		state->stored = kt_object_ref(state->ops[0].object);
}

#define ATTEMPTS_MAX 64 /* at one object: more writers than that on one name never get anywhere */

static int fail_exists(struct kt_request *request)
{
	const struct kt_request_state *state = request->state;
	const struct kt_object *there = state->ops[0].ret_object;

	kt_fail_already_exists(
	        &request->err, state->kind->group, state->kind->plural, state->error_name);
	if (there && there->deletion_timestamp.len)
		kt_wrap(&request->err, "object is being deleted");
	return request->err.code;
}

static void retry(struct kt_request *request)
{
	if (request->aborted || ++request->state->attempts > ATTEMPTS_MAX) {
		kt_pipeline_resume(request, fail_lost(request));
		return;
	}
	kt_pipeline_retry(request);
}

/* Somebody was faster. */
static void on_condition(struct kt_request *request, struct kt_storage_txn *txn)
{
	struct kt_request_state *state = request->state;

	if (txn->failed_op > 0) {
		retry(request);
	} else if (state->is_create) {
		if (state->is_generated && state->attempts < 8)
			retry(request);
		else
			kt_pipeline_resume(request, fail_exists(request));
	} else if (state->precondition_revision) {
		kt_pipeline_resume(request, fail_lost(request));
	} else {
		retry(request);
	}
}

static void on_done(struct kt_storage_txn *txn)
{
	struct kt_request_state *state = kt_container_of(txn, struct kt_request_state, txn);
	struct kt_request *request = state->request;

	switch (txn->status) {
	case 0:
		if (state->has_second_step) {
			state->has_second_step = false;
			state->marked = kt_steal(&state->ops[0].ret_object);
			kt_pipeline_retry(request);
			break;
		}
		if (!state->stored && !state->result)
			state->stored = kt_steal(&state->ops[0].ret_object);
		kt_pipeline_resume(request, 0);
		break;
	case -EEXIST:
	case -ENOENT:
	case -ESTALE:
		on_condition(request, txn);
		break;
	case -EROFS:
		kt_pipeline_resume(request,
		        kt_fail_reason(&request->err, KT_REASON_INTERNAL_ERROR, EROFS,
		                "the store has stopped taking writes; see the server's log"));
		break;
	default:
		kt_pipeline_resume(request,
		        kt_fail_reason(&request->err, KT_REASON_INTERNAL_ERROR, txn->status,
		                "the store refused the write: %s", strerror(-txn->status)));
	}
}

int kt_write_submit(struct kt_request *request)
{
	struct kt_request_state *state = request->state;
	struct kt_storage *storage = request->server->storage;

	state->request = request;
	state->txn = (struct kt_storage_txn){
	        .ops = state->ops, .n_ops = state->n_ops, .loop = request->loop, .done = on_done};
	int status = storage->ops->submit(storage, &state->txn, &request->err);
	if (status == -EAGAIN) {
		kt_fail_reason(&request->err, KT_REASON_TOO_MANY_REQUESTS, EAGAIN,
		        "too many writes are waiting, try again");
		request->err.retry_after_s = 1;
		return -EAGAIN;
	}
	return status < 0 ? status : KT_STAGE_WAIT;
}

/* The rules' and the admission's own objects go in the same transaction. */
static void add_also(struct kt_request *request)
{
	struct kt_rule_context *rules = request->state->rules;

	for (size_t i = 0; rules && i < rules->n_also; i++)
		kt_write_add_op(request, rules->also[i]);
	if (rules)
		rules->n_also = 0;
}

static bool is_finished(const struct kt_kind *kind, json_t *object)
{
	return kt_jget(object, "metadata.deletionTimestamp") &&
	       !json_array_size(kt_jget(object, "metadata.finalizers")) &&
	       kt_jint(object, "metadata.deletionGracePeriodSeconds", 0) == 0 &&
	       !kt_delete_is_deferred(kind, object);
}

static int run_after(struct kt_request *request)
{
	struct kt_request_state *state = request->state;
	const struct kt_rules *rules = kt_rules_find(state->kind->group, state->kind->kind);

	if (!rules || !rules->after || (state->kind->flags & KT_KIND_CUSTOM))
		return 0;
	if (rules->after(state->rules, state->is_delete ? NULL : state->object, state->old) < 0)
		return take_rules_error(request);
	return 0;
}

/* What the store would say about a new name. */
static int check_free_name(struct kt_request *request)
{
	struct kt_request_state *state = request->state;
	struct kt_storage *storage = request->server->storage;
	kt_auto_err missing = KT_ERR_INIT;

	if (storage->ops->get(storage, state->key, 0, &state->ops[0].ret_object, &missing) < 0)
		return 0;
	return fail_exists(request);
}

int kt_write_commit(struct kt_request *request)
{
	struct kt_request_state *state = request->state;
	struct kt_storage_op op = {.kind = KT_STORAGE_PUT, .key = state->key};

	if (state->is_spliced) {
		if (!state->is_unchanged)
			return kt_write_submit(request);
		state->stored = kt_object_ref(state->current);
		return 0;
	}
	state->is_delete = !state->is_create && is_finished(state->kind, state->object);
	if (run_after(request) < 0)
		return request->err.code;
	if (!state->is_create) {
		op.expect_revision = state->current->revision;
		json_object_set_new(metadata_of(state->object), "resourceVersion",
		        json_sprintf("%lld", (long long)state->current->revision));
	} else if (state->dry_run) {
		json_object_del(metadata_of(state->object), "resourceVersion");
	} else {
		/* Keeps its canonical place for the revision that the store puts there: equal
		 * objects are equal bytes. */
		json_object_set_new(
		        metadata_of(state->object), "resourceVersion", json_string("0"));
	}
	op.object = kt_write_object(request, state->key, state->object);
	if (!op.object)
		return request->err.code;
	if (state->is_delete)
		op.kind = KT_STORAGE_DELETE;
	state->is_unchanged = !state->is_delete && is_unchanged(state, op.object);
	kt_write_add_op(request, op);
	if (state->is_create)
		state->success_status = 201;
	if (state->dry_run && state->is_create && check_free_name(request) < 0)
		return request->err.code;
	if (state->dry_run || state->is_unchanged) {
		free_also(state->rules);
		answer_dry_run(request);
		return 0;
	}
	add_also(request);
	return kt_write_submit(request);
}

static int create_decode(struct kt_request *request)
{
	struct kt_request_state *state = request->state;

	if (kt_write_options(request, "CreateOptions") < 0)
		return request->err.code;
	return kt_write_decode(
	        request, state->kind->type, kind_version(request), state->kind->kind);
}

static int check_no_revision(struct kt_request *request)
{
	const char *revision = kt_jstr(request->state->body, "metadata.resourceVersion");

	if (!revision || !*revision || request->state->dry_run)
		return 0;
	if (revision[strspn(revision, "0123456789")])
		return 0;
	if (kt_streq(revision, "0"))
		return 0;
	return kt_fail_reason(&request->err, KT_REASON_UNKNOWN, EPROTO,
	        "resourceVersion should not be set on objects to be created");
}

static int create_mutate(struct kt_request *request)
{
	struct kt_request_state *state = request->state;

	kt_write_begin(request);
	state->is_create = true;
	state->object = json_deep_copy(state->body);
	if (kt_write_check_names(request, state->object) < 0)
		return request->err.code;
	const char *name = kt_jstr(state->object, "metadata.name");
	state->error_name = kt_arena_strdup(&request->arena, name ? name : "");
	return kt_write_mutate(request, false);
}

static int create_commit(struct kt_request *request)
{
	return check_no_revision(request) < 0 ? request->err.code : kt_write_commit(request);
}

const struct kt_operation kt_operation_create = {
        .name = "create",
        .decode = create_decode,
        .mutate = create_mutate,
        .defaults = kt_write_default,
        .validate = kt_write_validate,
        .commit = create_commit,
        .encode = kt_encode_result,
};

/* "", "0" and absence ask for nothing. */
static int parse_revision(struct kt_request *request, const json_t *object, int64_t *ret_revision)
{
	const char *text = kt_jstr(object, "metadata.resourceVersion");

	*ret_revision = 0;
	if (!text || !*text)
		return 0;
	int status = text[strspn(text, "0123456789")] ? -EINVAL
	                                              : kt_sv_int64(kt_sv_of(text), ret_revision);
	if (status < 0)
		return kt_fail_reason(&request->err, KT_REASON_UNKNOWN, EPROTO,
		        "strconv.ParseUint: parsing \"%s\": %s", text,
		        status == -ERANGE ? "value out of range" : "invalid syntax");
	return 0;
}

static int fail_uid(struct kt_request *request, const char *wanted, const char *there)
{
	const struct kt_request_state *state = request->state;
	const char *key = state->key;
	kt_auto_free char *why = NULL;

	/* A dry run looks at the key without the store's prefix. */
	if (state->dry_run && kt_starts_with(key, "/registry"))
		key += strlen("/registry");
	why = kt_asprintf("StorageError: invalid object, Code: 4, Key: %s, ResourceVersion: 0, "
	                  "AdditionalErrorMsg: Precondition "
	                  "failed: UID in precondition: %s, UID in object meta: %s",
	        key, wanted, there);
	return kt_fail_conflict(
	        &request->err, state->kind->group, state->kind->plural, state->route.name, why);
}

int kt_write_check_revision(struct kt_request *request)
{
	struct kt_request_state *state = request->state;
	const char *uid = kt_jstr(state->object, "metadata.uid"),
	           *there = kt_jstr(state->old, "metadata.uid");

	if (parse_revision(request, state->object, &state->precondition_revision) < 0)
		return request->err.code;
	/* What a patch makes of the uid is for validation. */
	if (!state->is_patch && uid && *uid && there && !kt_streq(uid, there))
		return fail_uid(request, uid, there);
	if (!state->precondition_revision) {
		if (!(state->kind->flags & KT_KIND_REQUIRE_RV) || state->is_patch)
			return 0;
		struct kt_field_errors errors = {.arena = &request->arena};
		kt_auto_json json_t *zero = json_integer(0);
		kt_field_invalid(&errors, "metadata.resourceVersion", zero,
		        "must be specified for an update");
		/* The one place where upstream names the resource instead of the kind. */
		kt_field_errors_fail(&errors, state->kind->group, state->kind->plural,
		        state->route.name, &request->err);
		kt_err_set_about(&request->err, state->kind->group, state->kind->plural,
		        state->route.name, NULL);
		return request->err.code;
	}
	if (state->precondition_revision != state->current->revision)
		return fail_lost(request);
	return 0;
}

static int update_decode(struct kt_request *request)
{
	struct kt_request_state *state = request->state;

	if (kt_write_options(request, "UpdateOptions") < 0)
		return request->err.code;
	if (kt_write_decode(request, state->kind->type, kind_version(request), state->kind->kind) <
	        0)
		return request->err.code;
	const char *name = kt_jstr(state->body, "metadata.name");
	if (!name || !*name)
		return kt_fail(&request->err, EINVAL,
		        "the name of the object (%s based on URL) was undeterminable: name must be "
		        "provided",
		        state->route.name);
	return kt_write_check_names(request, state->body);
}

static int update_mutate(struct kt_request *request)
{
	struct kt_request_state *state = request->state;
	bool may_create = (state->kind->flags & KT_KIND_CREATE_ON_UPDATE) && !state->subresource;

	kt_write_begin(request);
	if (kt_write_load(request, may_create) < 0)
		return request->err.code;
	state->object = json_deep_copy(state->body);
	state->is_create = !state->current;
	state->error_name = state->route.name;
	if (state->is_create) {
		if (kt_access_second_verb(request, "create") < 0)
			return request->err.code;
	} else if (kt_write_check_revision(request) < 0) {
		return request->err.code;
	}
	return kt_write_mutate(request, false);
}

const struct kt_operation kt_operation_update = {
        .name = "update",
        .decode = update_decode,
        .mutate = update_mutate,
        .defaults = kt_write_default,
        .validate = kt_write_validate,
        .commit = kt_write_commit,
        .encode = kt_encode_result,
};
