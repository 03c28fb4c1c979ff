/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Answers of webhooks: what is taken and what is refused. */
#include "api/server/admission/review.h"
#include "api/status.h"
#include "support/support.h"

#define UID "11111111-2222-3333-4444-555555555555"
#define V1 "\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\","
#define RESPONSE(fields) "{" V1 "\"response\":{\"uid\":\"" UID "\"," fields "}}"
#define INVALID "received invalid webhook response: "
#define PATCH "\"patch\":\"W10=\"" /* [] */

static void test_answers(void **state)
{
	static const struct {
		const char *body, *version;
		bool may_patch;
		const char *error; /* NULL: it is taken */
	} cases[] = {
	        {RESPONSE("\"allowed\":true"), "v1", false, NULL},
	        {RESPONSE("\"allowed\":true," PATCH ",\"patchType\":\"JSONPatch\""), "v1", true,
	                NULL},
	        {RESPONSE("\"allowed\":true," PATCH), "v1", true,
	                INVALID "webhook returned response.patch but not response.patchType"},
	        {RESPONSE("\"allowed\":true,\"patchType\":\"JSONPatch\""), "v1", true,
	                INVALID "webhook returned response.patchType but not response.patch"},
	        {RESPONSE("\"allowed\":true,\"patchType\":\"JSONPatch\""), "v1", false,
	                INVALID "validating webhook may not return response.patchType"},
	        {RESPONSE("\"allowed\":true," PATCH), "v1", false,
	                INVALID "validating webhook may not return response.patch"},
	        {"{" V1 "\"response\":{\"allowed\":true}}", "v1", false,
	                INVALID "expected response.uid=\"" UID "\", got \"\""},
	        {"{\"response\":{\"uid\":\"" UID "\"}}", "v1", false,
	                INVALID "expected webhook response of admission.k8s.io/v1, "
	                        "Kind=AdmissionReview, got /, Kind="},
	        {"{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"response\":{\"uid\":\"" UID "\"}}",
	                "v1", false,
	                INVALID "expected webhook response of admission.k8s.io/v1, "
	                        "Kind=AdmissionReview, got /v1, Kind=Pod"},
	        {"{" V1 "\"request\":{}}", "v1", false, INVALID "webhook response was absent"},
	        /* the older version asks for less */
	        {"{\"response\":{\"allowed\":true}}", "v1beta1", false, NULL},
	        {"{\"response\":{\"allowed\":true," PATCH "}}", "v1beta1", true, NULL},
	};

	(void)state;
	for (size_t i = 0; i < KT_ARRAY_SIZE(cases); i++) {
		struct kt_review_answer answer = {0};
		kt_auto_err err = KT_ERR_INIT;
		int r = kt_review_read(kt_sv_of(cases[i].body), cases[i].version, UID,
		        cases[i].may_patch, &answer, &err);

		if ((r < 0) != (cases[i].error != NULL) ||
		        (r < 0 && strcmp(kt_err_message(&err), cases[i].error) != 0))
			fail_msg("case %zu: %s", i, kt_err_message(&err));
		kt_review_answer_finish(&answer);
	}
}

/* A patch that is none is not a failed call: failurePolicy has no say. */
static void test_broken_patch(void **state)
{
	struct kt_review_answer answer = {0};
	kt_auto_err err = KT_ERR_INIT;

	(void)state;
	assert_true(kt_review_read(kt_sv_of(RESPONSE("\"allowed\":true,\"patchType\":\"JSONPatch\","
	                                             "\"patch\":\"ew==\"")),
	                    "v1", UID, true, &answer, &err) < 0);
	assert_int_equal(err.reason, KT_REASON_INTERNAL_ERROR);
}

static void test_denials(void **state)
{
	static const struct {
		const char *status, *message;
		int http_status;
		enum kt_reason reason;
	} cases[] = {
	        {"{}", "admission webhook \"h\" denied the request without explanation", 400,
	                KT_REASON_UNKNOWN},
	        {"{\"message\":\"no\"}", "admission webhook \"h\" denied the request: no", 400,
	                KT_REASON_UNKNOWN},
	        {"{\"reason\":\"Forbidden\",\"code\":403}",
	                "admission webhook \"h\" denied the request: Forbidden", 403,
	                KT_REASON_FORBIDDEN},
	        /* never a success */
	        {"{\"message\":\"no\",\"code\":200}",
	                "admission webhook \"h\" denied the request: no", 400, KT_REASON_UNKNOWN},
	        {"{\"message\":\"later\",\"code\":429,\"reason\":\"TooManyRequests\"}",
	                "admission webhook \"h\" denied the request: later", 429,
	                KT_REASON_TOO_MANY_REQUESTS},
	};

	(void)state;
	for (size_t i = 0; i < KT_ARRAY_SIZE(cases); i++) {
		kt_auto_json json_t *status = kt_json_parse(kt_sv_of(cases[i].status), NULL, NULL);
		kt_auto_err err = KT_ERR_INIT;

		assert_true(kt_review_deny("h", status, &err) < 0);
		assert_string_equal(kt_err_message(&err), cases[i].message);
		assert_int_equal(kt_err_http_status(&err), cases[i].http_status);
		assert_int_equal(kt_err_reason(&err), cases[i].reason);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_answers),
	        cmocka_unit_test(test_broken_patch),
	        cmocka_unit_test(test_denials),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
