/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is no object: the list of paths, health, and how JSON is laid out for whom. */
#include "api/pipeline.h"

#include "api/server/server.h"

/* The text of the answer, which must have this status. The caller frees it. */
static char *text_of(struct kt_pipeline *f, const char *path, int status)
{
	struct kt_waited w;

	kt_pipeline_request(f, f->admin, &w, "GET", path, NULL, NULL);
	assert_int_equal(w.call.status, status);
	struct kt_sv answer = kt_call_body(&w.call);
	char *text = strndup(answer.p, answer.len);
	kt_call_finish(&w.call);
	return text;
}

static void test_index_lists_sorted_paths(void **state)
{
	struct kt_pipeline *f = *state;
	kt_auto_free char *text = text_of(f, "/", 200);

	assert_non_null(strstr(text, "{\n  \"paths\": [\n    \"/.well-known/openid-configuration\","
	                             "\n    \"/api\",\n    \"/api/v1\",\n    \"/apis\",\n    \"/"
	                             "apis/admissionregistration.k8s.io\",\n"));
	assert_non_null(strstr(text, "\"/readyz/etcd-readiness\""));
	assert_null(strstr(text, "\"/livez/etcd-readiness\""));
}

static void test_health_tells_what_it_left_out(void **state)
{
	struct kt_pipeline *f = *state;
	kt_auto_free char *text =
	        text_of(f, "/livez?verbose&exclude=etcd&exclude=b&exclude=a&exclude=b", 200);

	assert_non_null(strstr(text, "[+]ping ok\n"));
	assert_non_null(strstr(text, "[+]etcd excluded: ok\n"));
	assert_non_null(strstr(text, "warn: some health checks cannot be excluded: no matches for "
	                             "\"a\",\"b\"\nlivez check passed\n"));
	kt_auto_free char *ready = text_of(f, "/readyz/etcd-readiness", 200);
	assert_string_equal(ready, "ok");
	assert_int_equal(
	        kt_pipeline_status(f, f->admin, "GET", "/livez/etcd-readiness", NULL), 404);
}

#define PLACE "/api/v1/namespaces"

/* curl's user is a person. */
static void test_answers_for_people_are_laid_out(void **state)
{
	static const char *const groups[] = {"system:masters", "system:authenticated", NULL};
	static const struct {
		const char *agent, *path;
		bool pretty;
	} cases[] = {
	        {"curl/7.88", PLACE, true},
	        {"Mozilla/5.0 (X11)", PLACE, true},
	        {"curl/7.88", PLACE "?pretty=false", false},
	        {"kubectl/v1", PLACE "?pretty=1", true},
	        {"kubectl/v1", PLACE "?pretty=yes", false},
	        {"kubectl/v1", PLACE, false},
	};
	struct kt_pipeline *f = *state;
	struct kt_waited w;

	for (size_t i = 0; i < KT_ARRAY_SIZE(cases); i++) {
		struct kt_user *user = kt_user_create("admin", NULL, groups);
		struct kt_client *client =
		        kt_inprocess_client_create(f->server, user, cases[i].agent);
		kt_user_unref(user);
		kt_pipeline_request(f, client, &w, "GET", cases[i].path, NULL, NULL);
		assert_int_equal(w.call.status, 200);
		struct kt_sv text = kt_call_body(&w.call);
		assert_int_equal(memcmp(text.p, "{\n  \"kind\"", 10) == 0, cases[i].pretty);
		kt_call_finish(&w.call);
		kt_client_destroy(client);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(
	                test_index_lists_sorted_paths, kt_pipeline_setup, kt_pipeline_teardown),
	        cmocka_unit_test_setup_teardown(test_health_tells_what_it_left_out,
	                kt_pipeline_setup, kt_pipeline_teardown),
	        cmocka_unit_test_setup_teardown(test_answers_for_people_are_laid_out,
	                kt_pipeline_setup, kt_pipeline_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
