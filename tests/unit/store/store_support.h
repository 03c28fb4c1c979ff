/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A store with a loop to wait on, and short words for what the tests do with it. One thread per
 * struct. */
#ifndef KT_TESTS_STORE_SUPPORT_H
#define KT_TESTS_STORE_SUPPORT_H

#include "support/support.h"

#include "base/mem.h"
#include "cluster/store/store.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

struct test_store {
	struct kt_loop *loop;
	struct kt_storage *storage;
	int last_status;
};

struct waiting_txn {
	struct kt_storage_txn txn;
	bool done;
};

static inline void on_txn_done(struct kt_storage_txn *txn)
{
	kt_container_of(txn, struct waiting_txn, txn)->done = true;
}

/* Runs the transaction to its end; returns its status. The results of the ops are the caller's. */
static inline int run_txn(
        struct test_store *store, struct kt_storage_op *ops, size_t n, int64_t *ret_revision)
{
	struct waiting_txn waiting = {
	        .txn = {.ops = ops, .n_ops = n, .loop = store->loop, .done = on_txn_done},
	};
	int rc = store->storage->ops->submit(store->storage, &waiting.txn, NULL);

	if (rc < 0)
		return rc;
	while (!waiting.done)
		assert_true(kt_loop_run_once(store->loop, 10000, NULL) > 0);
	if (ret_revision)
		*ret_revision = waiting.txn.revision;
	return waiting.txn.status;
}

static inline struct kt_object *make_object(const char *key, const char *value)
{
	struct kt_object *object = NULL;
	kt_auto_free char *json =
	        kt_asprintf("{\"metadata\":{\"name\":\"x\"},\"value\":\"%s\"}", value);

	assert_int_equal(kt_object_create(kt_sv_of(key), kt_sv_of(json), &object, NULL), 0);
	return object;
}

/* Returns the revision or the negative status. */
static inline int64_t change(struct test_store *store, enum kt_storage_op_kind kind,
        const char *key, const char *value, int64_t expect)
{
	kt_auto_object struct kt_object *object = value ? make_object(key, value) : NULL;
	struct kt_storage_op op = {
	        .kind = kind, .key = key, .expect_revision = expect, .object = object};
	int64_t revision = 0;
	int rc = run_txn(store, &op, 1, &revision);

	kt_object_unref(op.ret_object);
	return rc < 0 ? rc : revision;
}

static inline int64_t put(struct test_store *store, const char *key, const char *value)
{
	return change(store, KT_STORAGE_PUT, key, value, KT_STORAGE_ANY);
}

static inline int64_t del(struct test_store *store, const char *key)
{
	return change(store, KT_STORAGE_DELETE, key, NULL, KT_STORAGE_ANY);
}

/* The "value" of an object as a string of static storage; "-" for none. */
static inline const char *value_of(const struct kt_object *object)
{
	static char text[4][128];
	static unsigned turn;
	struct kt_sv value = {0};

	if (!object)
		return "-";
	assert_true(kt_json_string_sv(kt_json_member(kt_object_doc(object), "value"), &value));
	char *to = text[turn++ % 4];
	snprintf(to, sizeof(text[0]), "%.*s", (int)value.len, value.p);
	return to;
}

/* The value at a revision; "-" when it is not there, "!" with the code on errors. */
static inline const char *value_at(struct test_store *store, const char *key, int64_t revision)
{
	kt_auto_object struct kt_object *object = NULL;
	static char error[32];
	int rc = store->storage->ops->get(store->storage, key, revision, &object, NULL);

	if (rc == -ENOENT)
		return "-";
	if (rc < 0) {
		snprintf(error, sizeof(error), "!%d", rc);
		return error;
	}
	return value_of(object);
}

/* "key=value key=value …" of a range, heap. */
static inline char *list_text(struct test_store *store, const char *prefix, int64_t revision)
{
	kt_auto_str text = KT_STR_INIT;
	struct kt_storage_list list = {0};
	int rc = store->storage->ops->range(store->storage,
	        &(struct kt_storage_range){.prefix = prefix, .revision = revision}, &list, NULL);

	if (rc < 0)
		kt_str_printf(&text, "!%d", rc);
	for (size_t i = 0; i < list.n; i++)
		kt_str_printf(&text, "%s%s=%s", i ? " " : "", kt_object_key(list.objects[i]),
		        value_of(list.objects[i]));
	kt_storage_list_finish(&list);
	return kt_str_steal(&text);
}

static inline void assert_list(
        struct test_store *store, const char *prefix, int64_t revision, const char *expected)
{
	kt_auto_free char *text = list_text(store, prefix, revision);

	assert_string_equal(text, expected);
}

static inline void open_store(struct test_store *store, const struct kt_store_options *options)
{
	kt_auto_err err = KT_ERR_INIT;

	if (!store->loop)
		store->loop = kt_loop_create(&(struct kt_loop_options){0}, NULL);
	if (kt_store_open(options, &store->storage, &err) < 0)
		fail_msg("%s", kt_err_message(&err));
}

static inline void close_store(struct test_store *store)
{
	if (store->storage)
		store->storage->ops->destroy(store->storage);
	store->storage = NULL;
	kt_loop_destroy(store->loop);
	store->loop = NULL;
}

#endif
