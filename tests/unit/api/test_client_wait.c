/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Waiting for a call, against a client that the test plays. */
#include "support/support.h"

#include "api/client/client.h"
#include "base/mem.h"

#include <errno.h>
#include <string.h>

struct fake {
	struct kt_client client;
	struct kt_call *call;
	struct kt_timer timer;
	struct kt_cancel *cancel; /* asked for instead of answering */
	int n_cancelled, n_destroyed;
};

static void on_timer(struct kt_timer *timer)
{
	struct fake *fake = kt_container_of(timer, struct fake, timer);
	struct kt_call *call = fake->call;

	if (fake->cancel) {
		kt_cancel_ask(fake->cancel);
		return;
	}
	call->status = 200;
	call->ret_body = kt_buf_create("yes", 3);
	call->ret_warnings = kt_strdup("careful");
	call->done(call);
}

static void fake_call(struct kt_client *client, struct kt_call *call)
{
	struct fake *fake = kt_container_of(client, struct fake, client);

	assert_non_null(call->loop);
	fake->call = call;
	kt_timer_init(&fake->timer, call->loop, on_timer);
	kt_timer_set_after_ms(&fake->timer, 1);
}

static void fake_cancel(struct kt_client *client, struct kt_call *call)
{
	struct fake *fake = kt_container_of(client, struct fake, client);

	assert_ptr_equal(fake->call, call);
	fake->n_cancelled++;
}

static void fake_destroy(struct kt_client *client)
{
	kt_container_of(client, struct fake, client)->n_destroyed++;
}

static const struct kt_client_ops fake_ops = {
        .call = fake_call, .cancel = fake_cancel, .destroy = fake_destroy};

static void test_answer(void **state)
{
	struct fake fake = {.client.ops = &fake_ops};
	struct kt_call call = {.method = "GET", .path = "/"};

	(void)state;
	assert_int_equal(kt_client_call_wait(&fake.client, &call, NULL), 0);
	assert_int_equal(call.status, 200);
	assert_memory_equal(call.ret_body->data, "yes", 3);
	assert_null(call.loop);
	assert_null(call.done);
	kt_call_finish(&call);
	assert_null(call.ret_body);
	assert_null(call.ret_warnings);
	/* and once more */
	assert_int_equal(kt_client_call_wait(&fake.client, &call, NULL), 0);
	kt_call_finish(&call);
}

static void test_cancelled(void **state)
{
	struct kt_cancel cancel;
	struct fake fake = {.client.ops = &fake_ops, .cancel = &cancel};
	struct kt_call call = {.method = "GET", .path = "/"};

	(void)state;
	kt_cancel_open(&cancel);
	assert_int_equal(kt_client_call_wait(&fake.client, &call, &cancel), -ECANCELED);
	assert_int_equal(fake.n_cancelled, 1);
	kt_call_finish(&call);
	/* it stays asked for until reset */
	assert_true(kt_cancel_is_asked(&cancel));
	assert_int_equal(kt_client_call_wait(&fake.client, &call, &cancel), -ECANCELED);
	kt_call_finish(&call);
	kt_cancel_reset(&cancel);
	fake.cancel = NULL;
	assert_int_equal(kt_client_call_wait(&fake.client, &call, &cancel), 0);
	kt_call_finish(&call);
	kt_cancel_close(&cancel);
}

static void test_destroy_takes_null(void **state)
{
	struct fake fake = {.client.ops = &fake_ops};

	(void)state;
	kt_client_destroy(NULL);
	kt_client_destroy(&fake.client);
	assert_int_equal(fake.n_destroyed, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_answer),
	        cmocka_unit_test(test_cancelled),
	        cmocka_unit_test(test_destroy_takes_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
