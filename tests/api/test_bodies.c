/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bodies that are none: the answers say what is wrong in upstream's words. */
#include "api/pipeline.h"

#define MAPS "/api/v1/namespaces/default/configmaps"
#define UNRECOGNIZED "the object provided is unrecognized (must be of type ConfigMap): "
#define PARSE "couldn't get version/kind; json parse error: "
#define STRUCT \
	"json: cannot unmarshal array into Go value of type struct { APIVersion string " \
	"\"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }"
#define MERGE "application/merge-patch+json"
#define STRATEGIC "application/strategic-merge-patch+json"

static const struct refusal {
	const char *method, *path, *type, *body;
	int status;
	const char *message;
} refusals[] = {
        {"POST", MAPS, NULL, "{\"a\":", 400,
                UNRECOGNIZED PARSE "unexpected end of JSON input ({\"a\":)"},
        {"POST", MAPS, NULL, "abc", 400,
                UNRECOGNIZED PARSE "invalid character 'a' looking for beginning of value (616263)"},
        {"POST", MAPS, NULL, "", 400, UNRECOGNIZED PARSE "unexpected end of JSON input (<empty>)"},
        {"POST", MAPS, NULL, "[]", 400, UNRECOGNIZED PARSE STRUCT " (5b5d)"},
        {"POST", MAPS, NULL, "null", 422,
                "ConfigMap \"\" is invalid: metadata.name: Required value: name or generateName "
                "is required"},
        {"POST", MAPS, "application/yaml", "a: [", 400,
                UNRECOGNIZED "yaml: line 1: did not find expected node content (613a205b)"},
        {"POST", MAPS, "application/yaml", "a: b: c", 400,
                UNRECOGNIZED
                "yaml: mapping values are not allowed in this context (613a20623a2063)"},
        {"POST", MAPS, "application/yaml", "a:\n\t- b", 400,
                UNRECOGNIZED
                "yaml: line 2: found character that cannot start any token (613a0a092d2062)"},
        {"PATCH", MAPS "/m", MERGE, "[]", 400,
                "error decoding patch: json: cannot unmarshal array into Go value of type "
                "map[string]interface {}"},
        {"PATCH", MAPS "/m", STRATEGIC, "[]", 400,
                "json: cannot unmarshal array into Go value of type map[string]interface {}"},
        {"PATCH", MAPS "/m", MERGE, "{", 400, "error decoding patch: unexpected end of JSON input"},
        {"PATCH", MAPS "/m?fieldManager=m", "application/apply-patch+yaml", "a: \"b", 400,
                "error decoding YAML: error converting YAML to JSON: yaml: found unexpected end "
                "of stream"},
        {"DELETE", MAPS "/m", NULL, "{\"gracePeriodSeconds\":\"x\"}", 400,
                "DeleteOptions in version \"v1\" cannot be handled as a DeleteOptions: json: "
                "cannot unmarshal string into Go struct field DeleteOptions.gracePeriodSeconds "
                "of type int64"},
        {"DELETE", MAPS "/m", NULL, "x", 400,
                "the object provided is unrecognized (must be of type "
                "DeleteOptions): " PARSE
                "invalid character 'x' looking for beginning of value (78)"},
};

static void test_refusals(void **state)
{
	struct kt_pipeline *f = *state;
	struct kt_waited w;

	assert_int_equal(
	        kt_pipeline_status(f, f->admin, "POST", MAPS, "{\"metadata\":{\"name\":\"m\"}}"),
	        201);
	for (size_t i = 0; i < KT_ARRAY_SIZE(refusals); i++) {
		const struct refusal *r = &refusals[i];

		kt_pipeline_request(f, f->admin, &w, r->method, r->path, r->type, r->body);
		assert_string_equal(w.call.err.message, r->message);
		assert_int_equal(w.call.status, r->status);
		kt_call_finish(&w.call);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(
	                test_refusals, kt_pipeline_setup, kt_pipeline_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
