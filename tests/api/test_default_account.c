/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A pod that comes before the account `default` of its namespace waits for it. */
#include "api/pipeline.h"

#define PODS "/api/v1/namespaces/default/pods"
#define ACCOUNTS "/api/v1/namespaces/default/serviceaccounts"
#define POD(more) \
	"{\"metadata\":{\"name\":\"p\"},\"spec\":{" more \
	"\"containers\":[{\"name\":\"c\",\"image\":\"i:1\"}]}}"

/* The call is on its way; it is looked at until nothing is left to do at once. */
static void begin(struct kt_pipeline *f, struct kt_waited *w, const char *body)
{
	kt_auto_err err = KT_ERR_INIT;

	*w = (struct kt_waited){.call = {.method = "POST",
	                                .path = PODS,
	                                .loop = f->loop,
	                                .done = kt_pipeline_on_done,
	                                .body = kt_buf_create(body, strlen(body))}};
	kt_client_call(f->admin, &w->call);
	while (kt_loop_run_once(f->loop, 0, &err) > 0)
		;
}

static void finish(struct kt_waited *w)
{
	kt_buf_unref(w->call.body);
	kt_call_finish(&w->call);
}

static void make_account(struct kt_pipeline *f)
{
	assert_int_equal(kt_pipeline_status(f, f->admin, "POST", ACCOUNTS,
	                         "{\"metadata\":{\"name\":\"default\"},"
	                         "\"imagePullSecrets\":[{\"name\":\"s\"}]}"),
	        201);
}

static void test_it_waits(void **state)
{
	struct kt_pipeline *f = *state;
	struct kt_waited w;

	begin(f, &w, POD(""));
	assert_false(w.done);
	make_account(f);
	kt_pipeline_turn_until(f, &w.done);
	assert_int_equal(w.call.status, 201);
	finish(&w);
	kt_auto_json json_t *pod = kt_pipeline_read(f, PODS "/p");
	assert_string_equal(kt_jstr(pod, "spec.imagePullSecrets.0.name"), "s");
	assert_string_equal(kt_jstr(pod, "spec.containers.0.volumeMounts.0.mountPath"),
	        "/var/run/secrets/kubernetes.io/serviceaccount");
}

static void test_but_not_for_ever(void **state)
{
	struct kt_pipeline *f = *state;
	struct kt_waited w;

	begin(f, &w, POD(""));
	assert_false(w.done);
	kt_pipeline_turn_until(f, &w.done);
	assert_int_equal(w.call.status, 403);
	assert_non_null(strstr(kt_err_message(&w.call.err),
	        "error looking up service account default/default: serviceaccount \"default\" not "
	        "found"));
	finish(&w);
}

static void test_nor_for_another(void **state)
{
	struct kt_pipeline *f = *state;
	struct kt_waited w;

	begin(f, &w, POD("\"serviceAccountName\":\"robot\","));
	assert_true(w.done);
	assert_int_equal(w.call.status, 403);
	finish(&w);
}

static void test_who_goes_away_waits_no_longer(void **state)
{
	struct kt_pipeline *f = *state;
	struct kt_waited w;

	begin(f, &w, POD(""));
	kt_client_cancel(f->admin, &w.call);
	make_account(f);
	assert_false(w.done);
	assert_int_equal(kt_pipeline_status(f, f->admin, "GET", PODS "/p", NULL), 404);
	finish(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(
	                test_it_waits, kt_pipeline_setup, kt_pipeline_teardown),
	        cmocka_unit_test_setup_teardown(
	                test_but_not_for_ever, kt_pipeline_setup, kt_pipeline_teardown),
	        cmocka_unit_test_setup_teardown(
	                test_nor_for_another, kt_pipeline_setup, kt_pipeline_teardown),
	        cmocka_unit_test_setup_teardown(test_who_goes_away_waits_no_longer,
	                kt_pipeline_setup, kt_pipeline_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
