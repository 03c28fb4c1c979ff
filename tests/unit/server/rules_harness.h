/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One write as the pipeline does it, without server and sockets: decode, defaults, admission,
 * preparation, validation; the answer is a status, a body and warnings. Other objects lie in a
 * store in memory.
 */
#ifndef KT_TESTS_UNIT_SERVER_RULES_HARNESS_H
#define KT_TESTS_UNIT_SERVER_RULES_HARNESS_H

#include "support/support.h"

#include "api/codec/codec.h"
#include "api/server/admission/admission.h"
#include "api/server/rules/lookup.h"
#include "api/server/rules/rules.h"
#include "api/status.h"
#include "base/time.h"
#include "cluster/store/store.h"

#include <errno.h>

#define HARNESS_NOW_NS INT64_C(1767225600000000000)

struct harness {
	struct kt_loop *loop;
	struct kt_storage *storage;
	struct kt_admission *admission;
	struct kt_user *user;
};

struct answer {
	int status;
	json_t *body;  /* owned */
	char *warning; /* as the header; owned, may be NULL */
};

static inline void answer_finish(struct answer *answer)
{
	json_decref(answer->body);
	free(answer->warning);
	*answer = (struct answer){0};
}

static inline void harness_init(struct harness *h)
{
	kt_auto_err err = KT_ERR_INIT;
	struct kt_loop_options loop = {
	        .is_virtual = true, .seed = 1, .start_wall_ns = HARNESS_NOW_NS};
	static const char *const groups[] = {"system:masters", "system:authenticated", NULL};
	h->loop = kt_loop_create(&loop, &err);
	assert_non_null(h->loop);
	struct kt_store_options store = {.loop = h->loop};
	assert_int_equal(kt_store_open(&store, &h->storage, &err), 0);
	assert_int_equal(kt_admission_create(NULL, NULL, &h->admission, &err), 0);
	h->user = kt_user_create("admin", "admin", groups);
}

static inline void harness_finish(struct harness *h)
{
	kt_user_unref(h->user);
	kt_admission_destroy(h->admission);
	h->storage->ops->destroy(h->storage);
	kt_loop_destroy(h->loop);
}

static inline void harness_ignore(struct kt_storage_txn *txn)
{
	(void)txn;
}

/* Puts an object, or takes it away when tree is NULL. */
static inline void harness_store(struct harness *h, const char *key, const json_t *tree)
{
	kt_auto_str json = KT_STR_INIT;
	kt_auto_err err = KT_ERR_INIT;
	struct kt_storage_op op = {
	        .kind = KT_STORAGE_DELETE, .key = key, .expect_revision = KT_STORAGE_ANY};
	if (tree) {
		kt_json_write(&json, tree, 0);
		op.kind = KT_STORAGE_PUT;
		assert_int_equal(kt_object_create(kt_sv_of(key),
		                         (struct kt_sv){json.data, json.len}, &op.object, &err),
		        0);
	}
	struct kt_storage_txn txn = {
	        .ops = &op, .n_ops = 1, .loop = h->loop, .done = harness_ignore};
	assert_int_equal(h->storage->ops->submit(h->storage, &txn, &err), 0);
	kt_loop_run(h->loop, &err);
	kt_object_unref(op.object);
	kt_object_unref(op.ret_object);
}

/* What a write is about. */
struct harness_write {
	const struct kt_kind *kind;
	const char *namespace, *subresource;
	const json_t *old; /* NULL: create */
	const json_t *body;
	bool live;
};

struct harness_run {
	struct harness *h;
	const struct harness_write *write;
	struct kt_arena arena;
	struct kt_rule_context rules;
	struct kt_admission_context admission;
	struct kt_warnings warnings;
	struct kt_err err;
	json_t *object, *sent;
};

static inline int harness_names(struct harness_run *run)
{
	json_t *meta = json_object_get(run->object, "metadata");
	const char *namespace = kt_jstr(meta, "namespace"), *name = kt_jstr(meta, "name");
	const char *old_name = kt_jstr(run->write->old, "metadata.name"),
	           *base = kt_jstr(meta, "generateName");
	bool namespaced = run->write->kind->flags & KT_KIND_NAMESPACED;
	if (namespaced && namespace && *namespace && strcmp(namespace, run->write->namespace) != 0)
		return kt_fail(&run->err, EINVAL,
		        "the namespace of the provided object does not match the namespace sent on "
		        "the request");
	if (namespaced)
		json_object_set_new(meta, "namespace", json_string(run->write->namespace));
	else
		json_object_del(meta, "namespace");
	if (old_name && name && *name && strcmp(name, old_name) != 0)
		return kt_fail(&run->err, EINVAL,
		        "the name of the object (%s) does not match the name on the URL (%s)", name,
		        old_name);
	if (old_name)
		json_object_set_new(meta, "name", json_string(old_name));
	else if ((!name || !*name) && base && *base)
		json_object_set_new(meta, "name", json_sprintf("%sabcde", base));
	return 0;
}

static inline int harness_uid_conflict(struct harness_run *run, const char *name, const char *uid)
{
	const struct kt_kind *kind = run->write->kind;
	const char *prefix = kind->storage_prefix + strlen("/registry");
	bool namespaced = kind->flags & KT_KIND_NAMESPACED;
	kt_auto_free char *why =
	        kt_asprintf("StorageError: invalid object, Code: 4, Key: %s/%s%s%s, "
	                    "ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in "
	                    "precondition: %s, UID in object meta: %s",
	                prefix, namespaced ? run->write->namespace : "", namespaced ? "/" : "",
	                name, uid, kt_jstr(run->write->old, "metadata.uid"));
	return kt_fail_conflict(&run->err, kind->group, kind->plural, name, why);
}

/* uid and revision are preconditions of an update. */
static inline int harness_preconditions(struct harness_run *run)
{
	const json_t *old = run->write->old;
	const char *uid = kt_jstr(run->object, "metadata.uid"),
	           *name = kt_jstr(run->object, "metadata.name");
	const char *rv = kt_jstr(run->object, "metadata.resourceVersion");
	if (!old)
		return 0;
	if (uid && *uid && strcmp(uid, kt_jstr(old, "metadata.uid")) != 0)
		return harness_uid_conflict(run, name, uid);
	if (rv && *rv && strcmp(rv, kt_jstr(old, "metadata.resourceVersion")) != 0)
		return kt_fail_conflict(&run->err, run->write->kind->group,
		        run->write->kind->plural, name,
		        "the object has been modified; please apply your changes to the latest "
		        "version and try again");
	return 0;
}

static inline void harness_fill_create(struct harness_run *run)
{
	json_t *meta = json_object_get(run->object, "metadata");
	char uid[37], now[KT_TIME_TEXT_MAX];
	if (run->write->old)
		return;
	kt_loop_random_uuid(run->h->loop, uid);
	kt_time_format(HARNESS_NOW_NS, now);
	json_object_set_new(meta, "uid", json_string(uid));
	json_object_set_new(meta, "creationTimestamp", json_string(now));
	json_object_del(meta, "managedFields");
}

static inline int harness_decode(struct harness_run *run)
{
	const struct kt_kind *kind = run->write->kind;
	char api_version[128];
	kt_auto_str text = KT_STR_INIT;
	kt_json_write(&text, run->write->body, 0);
	kt_kind_api_version(kind, api_version, sizeof(api_version));
	struct kt_codec_options options = {
	        .media = KT_MEDIA_JSON,
	        .strict = KT_STRICT_STRICT,
	        .api_version = api_version,
	        .kind = kind->kind,
	        .ret_sent = &run->sent,
	};
	return kt_codec_decode((struct kt_sv){text.data, text.len}, kind->type, &options,
	        &run->object, &run->warnings, &run->err);
}

static inline void harness_contexts(struct harness_run *run)
{
	const struct harness_write *write = run->write;
	run->rules = (struct kt_rule_context){
	        .kind = write->kind,
	        .subresource = write->subresource,
	        .operation = write->old ? KT_RULE_UPDATE : KT_RULE_CREATE,
	        .namespace = write->namespace,
	        .dry_run = !write->live,
	        .user = "admin",
	        .requester = run->h->user,
	        .now_ns = HARNESS_NOW_NS,
	        .loop = run->h->loop,
	        .storage = run->h->storage,
	        .arena = &run->arena,
	        .sent = run->sent,
	        .errors = {.arena = &run->arena},
	};
	const char *name = kt_jstr(run->object, "metadata.name");
	run->admission = (struct kt_admission_context){
	        .kind = write->kind,
	        .subresource = write->subresource,
	        .operation = write->old ? KT_ADMIT_UPDATE : KT_ADMIT_CREATE,
	        .namespace = write->namespace,
	        .name = name ? name : "",
	        .dry_run = !write->live,
	        .user = run->h->user,
	        .rules = &run->rules,
	};
}

static inline int harness_steps(struct harness_run *run)
{
	const struct harness_write *write = run->write;
	if (harness_decode(run) < 0 || harness_names(run) < 0 || harness_preconditions(run) < 0)
		return run->err.code;
	harness_contexts(run);
	kt_rules_default(&run->rules, run->object);
	if (kt_admission_mutate(run->h->admission, &run->admission, run->object, write->old) < 0)
		return kt_err_move(&run->err, &run->admission.err);
	harness_fill_create(run);
	kt_rules_default(&run->rules, run->object);
	if (kt_rules_prepare(&run->rules, run->object, write->old) < 0)
		return kt_err_move(&run->err, &run->rules.err);
	kt_rules_validate(&run->rules, run->object, write->old);
	if (run->rules.errors.n) {
		const char *name = kt_jstr(run->object, "metadata.name");
		kt_field_errors_fail(&run->rules.errors, kt_rules_error_group(write->kind),
		        write->kind->kind, name ? name : "", &run->err);
		return run->err.code;
	}
	if (kt_admission_validate(run->h->admission, &run->admission, run->object, write->old) < 0)
		return kt_err_move(&run->err, &run->admission.err);
	return 0;
}

static inline char *harness_warning_text(const struct kt_rule_context *rules)
{
	kt_auto_str text = KT_STR_INIT;
	for (size_t i = 0; i < rules->n_warnings; i++) {
		kt_str_printf(&text, "%s299 - \"", i ? ", " : "");
		for (const char *p = rules->warnings[i]; *p; p++) {
			if (*p == '"' || *p == '\\')
				kt_str_putc(&text, '\\');
			kt_str_putc(&text, *p);
		}
		kt_str_putc(&text, '"');
	}
	return text.len ? kt_str_steal(&text) : NULL;
}

/* ret_object: what would be stored; may be NULL. */
static inline struct answer harness_do(
        struct harness *h, const struct harness_write *write, json_t **ret_object)
{
	struct harness_run run = {.h = h, .write = write};
	struct answer answer = {0};
	kt_arena_init(&run.arena);
	if (harness_steps(&run) < 0) {
		const char *name = kt_jstr(run.object, "metadata.name");
		bool invalid = kt_err_http_status(&run.err) == 422;
		struct kt_status_details about = {.group = kt_rules_error_group(write->kind),
		        .kind = write->kind->kind,
		        .name = name};
		answer.body = kt_status_of_err(&run.err, invalid ? &about : NULL);
		answer.status = kt_err_http_status(&run.err);
	} else {
		if (write->live && !(write->kind->flags &
		                           KT_KIND_VIRTUAL)) /* stored objects have a revision */
			json_object_set_new(json_object_get(run.object, "metadata"),
			        "resourceVersion", json_string("7"));
		answer.body = kt_codec_canonical(write->kind->type, run.object);
		answer.status = write->old ? 200 : 201;
		if (ret_object)
			*ret_object = json_incref(run.object);
	}
	answer.warning = harness_warning_text(&run.rules);
	for (size_t i = 0; i < run.rules.n_warnings; i++)
		free(run.rules.warnings[i]);
	free(run.rules.warnings);
	for (size_t i = 0; i < run.rules.n_also; i++)
		kt_object_unref(run.rules.also[i].object);
	free(run.rules.also);
	kt_warnings_finish(&run.warnings);
	kt_err_clear(&run.err);
	kt_err_clear(&run.rules.err);
	kt_err_clear(&run.admission.err);
	json_decref(run.object);
	json_decref(run.sent);
	kt_arena_finish(&run.arena);
	return answer;
}

#endif
