/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The informer against a client that the test plays. */
#include "support/support.h"

#include "api/client/informer.h"
#include "base/mem.h"

#include <errno.h>

struct fixture {
	struct kt_client client;
	struct kt_loop *loop;
	struct kt_informer *informer;
	struct kt_watch *watch; /* running; NULL: none */
	int n_watches;
	struct kt_str log;
};

static void fake_watch(struct kt_client *client, struct kt_watch *watch)
{
	struct fixture *f = kt_container_of(client, struct fixture, client);

	assert_null(f->watch);
	f->watch = watch;
	f->n_watches++;
}

static void fake_stop(struct kt_client *client, struct kt_watch *watch)
{
	struct fixture *f = kt_container_of(client, struct fixture, client);

	assert_ptr_equal(f->watch, watch);
	f->watch = NULL;
}

static const struct kt_client_ops fake_ops = {.watch = fake_watch, .watch_stop = fake_stop};

static void on_change(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct fixture *f = arg;
	struct kt_object *object = new_object ? new_object : old_object;
	struct kt_sv name = kt_object_name(object);

	kt_str_printf(&f->log, "%s%.*s@%lld ",
	        !old_object   ? "+"
	        : !new_object ? "-"
	                      : "~",
	        (int)name.len, name.p, (long long)object->revision);
}

static void on_synced(void *arg)
{
	kt_str_puts(&((struct fixture *)arg)->log, "synced ");
}

static void settle(struct fixture *f, int64_t ms)
{
	kt_loop_run_until(f->loop, kt_loop_now_ns(f->loop) + ms * KT_NS_PER_MS);
}

static int setup(void **state)
{
	struct fixture *f = kt_new(struct fixture);

	f->client.ops = &fake_ops;
	f->loop = kt_loop_create(&(struct kt_loop_options){.is_virtual = true, .seed = 1}, NULL);
	f->informer = kt_informer_create(&f->client, f->loop, "/api/v1/pods");
	kt_informer_add_handler(
	        f->informer, &(struct kt_informer_handler){
	                             .on_change = on_change, .on_synced = on_synced, .arg = f});
	kt_informer_add_index(f->informer, "node", kt_index_by_node);
	kt_informer_add_index(f->informer, "owner", kt_index_by_controller_uid);
	kt_informer_start(f->informer);
	settle(f, 1);
	assert_non_null(f->watch);
	assert_int_equal(f->watch->from_revision, 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	kt_informer_destroy(f->informer);
	assert_null(f->watch);
	kt_loop_destroy(f->loop);
	kt_str_finish(&f->log);
	free(f);
	return 0;
}

static void send(struct fixture *f, enum kt_watch_type type, const char *namespace,
        const char *name, int64_t revision, const char *rest)
{
	kt_auto_object struct kt_object *object = NULL;
	kt_auto_free char *json = kt_asprintf("{\"metadata\":{\"name\":\"%s\",\"namespace\":\"%s\","
	                                      "\"resourceVersion\":\"%lld\"%s}",
	        name, namespace, (long long)revision, rest ? rest : "}");

	assert_int_equal(kt_object_create(KT_SV(""), kt_sv_of(json), &object, NULL), 0);
	f->watch->on_event(f->watch, type, object);
}

static void end_watch(struct fixture *f, int code)
{
	kt_auto_err err = KT_ERR_INIT;
	struct kt_watch *watch = kt_steal(&f->watch);

	if (code)
		kt_fail(&err, code, "ended");
	watch->on_end(watch, &err);
}

static void assert_log(struct fixture *f, const char *expected)
{
	assert_string_equal(kt_str_text(&f->log), expected);
	kt_str_clear(&f->log);
}

static void test_list_then_events(void **state)
{
	struct fixture *f = *state;

	send(f, KT_WATCH_ADDED, "b", "x", 7, NULL);
	send(f, KT_WATCH_ADDED, "a", "x", 5, NULL);
	assert_false(kt_informer_synced(f->informer));
	send(f, KT_WATCH_BOOKMARK, "", "", 9, NULL);
	assert_true(kt_informer_synced(f->informer));
	assert_int_equal(kt_informer_revision(f->informer), 9);
	send(f, KT_WATCH_MODIFIED, "a", "x", 10, NULL);
	send(f, KT_WATCH_DELETED, "b", "x", 11, NULL);
	send(f, KT_WATCH_DELETED, "b", "x", 11, NULL); /* unknown by now */
	assert_log(f, "+x@7 +x@5 synced ~x@10 -x@11 ");
	assert_int_equal(kt_informer_count(f->informer), 1);
	assert_int_equal(kt_informer_get(f->informer, KT_SV("a"), KT_SV("x"))->revision, 10);
	assert_null(kt_informer_get(f->informer, KT_SV("b"), KT_SV("x")));
}

static void test_goes_on_where_it_was(void **state)
{
	struct fixture *f = *state;

	send(f, KT_WATCH_BOOKMARK, "", "", 9, NULL);
	send(f, KT_WATCH_ADDED, "a", "x", 10, NULL);
	end_watch(f, 0);
	settle(f, 1);
	assert_non_null(f->watch);
	assert_int_equal(f->watch->from_revision, 10);
	/* failures wait longer and longer */
	end_watch(f, ECONNREFUSED);
	settle(f, 50);
	assert_null(f->watch);
	settle(f, 400);
	assert_non_null(f->watch);
	end_watch(f, ECONNREFUSED);
	settle(f, 150);
	assert_null(f->watch);
	settle(f, 600);
	assert_non_null(f->watch);
	assert_log(f, "synced +x@10 ");
}

static void test_lists_again_after_gone(void **state)
{
	struct fixture *f = *state;

	send(f, KT_WATCH_ADDED, "a", "gone", 5, NULL);
	send(f, KT_WATCH_ADDED, "a", "same", 6, NULL);
	send(f, KT_WATCH_ADDED, "a", "newer", 7, NULL);
	send(f, KT_WATCH_BOOKMARK, "", "", 9, NULL);
	kt_str_clear(&f->log);
	end_watch(f, ESTALE);
	settle(f, 1000);
	assert_int_equal(f->watch->from_revision, 0);
	send(f, KT_WATCH_ADDED, "a", "newer", 20, NULL);
	end_watch(f, ECONNRESET); /* in the middle: from the start again */
	settle(f, 1000);
	assert_int_equal(f->watch->from_revision, 0);
	send(f, KT_WATCH_ADDED, "a", "same", 6, NULL);
	send(f, KT_WATCH_ADDED, "a", "newer", 20, NULL);
	send(f, KT_WATCH_ADDED, "a", "more", 21, NULL);
	assert_log(f, "~newer@20 +more@21 ");
	send(f, KT_WATCH_BOOKMARK, "", "", 30, NULL);
	assert_log(f, "-gone@5 ");
	assert_int_equal(kt_informer_revision(f->informer), 30);
}

static bool add_name(void *arg, struct kt_object *object)
{
	struct kt_sv name = kt_object_name(object);

	kt_str_printf(arg, "%.*s ", (int)name.len, name.p);
	return true;
}

static void assert_indexed(
        struct fixture *f, const char *index, const char *value, const char *expected)
{
	kt_auto_str names = KT_STR_INIT;

	kt_informer_each_indexed(f->informer, index, kt_sv_of(value), add_name, &names);
	assert_string_equal(kt_str_text(&names), expected);
}

static void test_indexes_follow_changes(void **state)
{
	struct fixture *f = *state;

	send(f, KT_WATCH_ADDED, "a", "p2", 2, "},\"spec\":{\"nodeName\":\"n1\"}");
	send(f, KT_WATCH_ADDED, "a", "p1", 3,
	        ",\"ownerReferences\":[{\"uid\":\"u1\"},{\"uid\":\"u2\",\"controller\":true}]},"
	        "\"spec\":{\"nodeName\":\"n1\"}");
	send(f, KT_WATCH_ADDED, "a", "p3", 4, "},\"spec\":{}");
	assert_indexed(f, "node", "n1", "p1 p2 ");
	assert_indexed(f, "owner", "u2", "p1 ");
	assert_indexed(f, "owner", "u1", "");
	send(f, KT_WATCH_MODIFIED, "a", "p3", 5, "},\"spec\":{\"nodeName\":\"n2\"}");
	send(f, KT_WATCH_DELETED, "a", "p1", 6, NULL);
	assert_indexed(f, "node", "n1", "p2 ");
	assert_indexed(f, "node", "n2", "p3 ");
	assert_indexed(f, "owner", "u2", "");
}

static void test_order_is_the_stores(void **state)
{
	struct fixture *f = *state;
	kt_auto_str names = KT_STR_INIT;

	send(f, KT_WATCH_ADDED, "a", "3", 2, NULL);
	send(f, KT_WATCH_ADDED, "b", "5", 3, NULL);
	send(f, KT_WATCH_ADDED, "a-b", "1", 4, NULL); /* '-' < '/' */
	send(f, KT_WATCH_ADDED, "ab", "4", 5, NULL);
	send(f, KT_WATCH_ADDED, "a", "2", 6, NULL);
	kt_informer_each(f->informer, add_name, &names);
	assert_string_equal(kt_str_text(&names), "1 2 3 4 5 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_list_then_events, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_goes_on_where_it_was, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_lists_again_after_gone, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_indexes_follow_changes, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_order_is_the_stores, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
