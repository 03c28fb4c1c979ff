/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tokens, reviews and evictions through the whole pipeline. */
#include "api/pipeline.h"

#define ACCOUNTS "/api/v1/namespaces/default/serviceaccounts"
#define BUDGETS "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
#define PODS "/api/v1/namespaces/default/pods"
#define MERGE "application/merge-patch+json"

/* The answer to a POST, which must have this status. The caller releases it. */
static json_t *post(struct kt_pipeline *f, const char *path, const char *body, int status)
{
	struct kt_waited w;

	kt_pipeline_request(f, f->admin, &w, "POST", path, NULL, body);
	assert_int_equal(w.call.status, status);
	json_t *tree = kt_json_tree(kt_call_answer(&w.call));
	kt_call_finish(&w.call);
	return tree;
}

static void make_account(struct kt_pipeline *f)
{
	json_decref(post(f, ACCOUNTS, "{\"metadata\":{\"name\":\"default\"}}", 201));
}

static void test_token_requests_tell_their_place(void **state)
{
	static const char path[] = ACCOUNTS "/default/token";
	struct kt_pipeline *f = *state;
	struct kt_waited w;

	make_account(f);
	kt_auto_json json_t *token = post(f, path, "{}", 201);
	assert_string_equal(kt_jstr(token, "metadata.name"), "default");
	assert_string_equal(kt_jstr(token, "metadata.namespace"), "default");
	assert_non_null(kt_jstr(token, "metadata.creationTimestamp"));
	assert_true(json_is_null(kt_jget(token, "spec.boundObjectRef")));
	kt_pipeline_request(
	        f, f->admin, &w, "POST", path, NULL, "{\"metadata\":{\"name\":\"other\"}}");
	assert_int_equal(w.call.status, 422);
	assert_string_equal(w.call.err.message,
	        "TokenRequest.authentication.k8s.io \"default\" is invalid: metadata.name: Invalid "
	        "value: \"other\": must match the service account name if specified");
	kt_call_finish(&w.call);
}

static void test_reviews_name_who_asks(void **state)
{
	kt_auto_json json_t *review = post(*state,
	        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews?fieldManager=me",
	        "{\"spec\":{\"nonResourceAttributes\":{\"path\":\"/\",\"verb\":\"get\"}}}", 201);

	assert_string_equal(kt_jstr(review, "metadata.managedFields.0.manager"), "me");
	assert_non_null(kt_jget(review, "metadata.managedFields.0.fieldsV1.f:spec"));
}

static void patch(struct kt_pipeline *f, const char *path, const char *body)
{
	struct kt_waited w;

	kt_pipeline_request(f, f->admin, &w, "PATCH", path, MERGE, body);
	assert_int_equal(w.call.status, 200);
	kt_call_finish(&w.call);
}

/* As upstream: the budget is asked first. */
static void test_refused_preconditions_cost_a_disruption(void **state)
{
	struct kt_pipeline *f = *state;

	make_account(f);
	json_decref(post(f, PODS,
	        "{\"metadata\":{\"name\":\"p\",\"labels\":{\"a\":\"b\"}},\"spec\":{\"containers\":["
	        "{"
	        "\"name\":\"c\",\"image\":\"i\"}]}}",
	        201));
	patch(f, PODS "/p/status",
	        "{\"status\":{\"phase\":\"Running\",\"conditions\":[{\"type\":\"Ready\",\"status\":"
	        "\"True\"}]}}");
	json_decref(post(f, BUDGETS,
	        "{\"metadata\":{\"name\":\"b\"},\"spec\":{\"selector\":{\"matchLabels\":{\"a\":"
	        "\"b\"}},"
	        "\"minAvailable\":1}}",
	        201));
	patch(f, BUDGETS "/b/status",
	        "{\"status\":{\"observedGeneration\":1,\"disruptionsAllowed\":2,\"currentHealthy\":"
	        "3,"
	        "\"desiredHealthy\":1,\"expectedPods\":3}}");
	json_decref(post(f, PODS "/p/eviction",
	        "{\"metadata\":{\"name\":\"p\"},\"deleteOptions\":{\"preconditions\":{\"uid\":"
	        "\"x\"}}}",
	        409));
	kt_auto_json json_t *after = kt_pipeline_read(f, BUDGETS "/b");
	assert_int_equal(kt_jint(after, "status.disruptionsAllowed", 0), 1);
	assert_non_null(kt_jget(after, "status.disruptedPods.p"));
	kt_auto_json json_t *there = kt_pipeline_read(f, PODS "/p");
	assert_null(kt_jget(there, "metadata.deletionTimestamp"));
	json_decref(post(f, PODS "/p/eviction", "{\"metadata\":{\"name\":\"p\"}}", 201));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_token_requests_tell_their_place,
	                kt_pipeline_setup, kt_pipeline_teardown),
	        cmocka_unit_test_setup_teardown(
	                test_reviews_name_who_asks, kt_pipeline_setup, kt_pipeline_teardown),
	        cmocka_unit_test_setup_teardown(test_refused_preconditions_cost_a_disruption,
	                kt_pipeline_setup, kt_pipeline_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
