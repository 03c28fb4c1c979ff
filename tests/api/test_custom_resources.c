/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Custom resources through the whole pipeline: their definitions, what is stored, and scale. */
#include "api/pipeline.h"

#define THING "{\"apiVersion\":\"example.com/v1\",\"kind\":\"Thing\","
static const char definition[] =
        "{\"metadata\":{\"name\":\"things.example.com\"},\"spec\":{\"group\":\"example.com\","
        "\"scope\":\"Namespaced\",\"names\":{"
        "\"plural\":\"things\",\"singular\":\"thing\",\"kind\":\"Thing\",\"listKind\":"
        "\"ThingList\"},\"versions\":[{\"name\":"
        "\"v1\",\"served\":true,\"storage\":true,\"schema\":{\"openAPIV3Schema\":{\"type\":"
        "\"object\",\"properties\":{\"spec\":{"
        "\"type\":\"object\",\"properties\":{\"size\":{\"type\":\"integer\",\"minimum\":1,"
        "\"default\":3},\"deep\":{\"type\":\"object\",\"properties\":{\"replicas\":{\"type\":"
        "\"integer\"}}}}},\"status\":{\"type\":\"object\",\"properties\":{\"replicas\":{\"type\":"
        "\"integer\"}}}}}},\"subresources\":{\"status\":{},\"scale\":{\"specReplicasPath\":"
        "\".spec.deep.replicas\",\"statusReplicasPath\":\".status.replicas\"}}}]}}";

static const char definitions[] = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
static const char things[] = "/apis/example.com/v1/namespaces/default/things";

static void define_things(struct kt_pipeline *f)
{
	int tries = 0;

	assert_int_equal(kt_pipeline_status(f, f->admin, "POST", definitions, definition), 201);
	/* Served a moment later; each request gives the loop a turn. */
	while (kt_pipeline_status(f, f->admin, "GET", things, NULL) != 200)
		assert_true(tries++ < 1000);
}

static void test_custom_resource(void **state)
{
	struct kt_pipeline *f = *state;
	struct kt_waited w;
	int tries;

	assert_int_equal(kt_pipeline_status(f, f->admin, "GET", things, NULL), 404);
	define_things(f);
	kt_pipeline_request(f, f->admin, &w, "POST", things, NULL,
	        THING "\"metadata\":{\"name\":\"t\"},\"spec\":{}}");
	assert_int_equal(w.call.status, 201);
	kt_auto_json json_t *thing = kt_object_tree(w.call.ret_object);
	assert_int_equal(kt_jint(thing, "spec.size", 0), 3);
	kt_call_finish(&w.call);
	assert_int_equal(kt_pipeline_status(f, f->admin, "POST", things,
	                         THING "\"metadata\":{\"name\":\"u\"},\"spec\":{\"size\":0}}"),
	        422);
	kt_auto_free char *path = kt_asprintf("%s/things.example.com", definitions);
	assert_int_equal(kt_pipeline_status(f, f->admin, "DELETE", path, NULL), 200);
	for (tries = 0; kt_pipeline_status(f, f->admin, "GET", path, NULL) != 404; tries++)
		assert_true(tries < 1000);
	assert_int_equal(kt_pipeline_status(f, f->admin, "GET", things, NULL), 404);
}

/* The object at the path as a tree of its answer. */
/* What was stored before the definition changed is read as if it had been stored after it. */
static void test_old_objects_are_read_through_a_new_definition(void **state)
{
	static const char change[] =
	        "[{\"op\":\"add\",\"path\":\"/spec/versions/0/schema/openAPIV3Schema/properties/"
	        "spec/"
	        "properties/colour\",\"value\":{\"type\":\"string\",\"default\":\"red\"}},"
	        "{\"op\":\"remove\",\"path\":\"/spec/versions/0/schema/openAPIV3Schema/properties/"
	        "spec/properties/size\"}]";
	struct kt_pipeline *f = *state;
	kt_auto_free char *path = kt_asprintf("%s/things.example.com", definitions),
	                  *named = kt_asprintf("%s/t", things);
	kt_auto_json json_t *list = NULL;
	struct kt_waited w;

	define_things(f);
	assert_int_equal(kt_pipeline_status(f, f->admin, "POST", things,
	                         THING "\"metadata\":{\"name\":\"t\"},\"spec\":{\"size\":5}}"),
	        201);
	kt_pipeline_request(f, f->admin, &w, "PATCH", path, "application/json-patch+json", change);
	assert_int_equal(w.call.status, 200);
	kt_call_finish(&w.call);
	for (int tries = 0;; tries++) {
		kt_auto_json json_t *thing = kt_pipeline_read(f, named);

		assert_true(tries < 1000);
		if (!kt_jstr(thing, "spec.colour"))
			continue;
		assert_string_equal(kt_jstr(thing, "spec.colour"), "red");
		assert_null(kt_jget(thing, "spec.size"));
		break;
	}
	/* A write that leaves spec alone stores what is read. */
	kt_pipeline_request(f, f->admin, &w, "PATCH", named, "application/merge-patch+json",
	        "{\"metadata\":{\"labels\":{\"a\":\"b\"}}}");
	assert_int_equal(w.call.status, 200);
	kt_auto_json json_t *thing = kt_object_tree(w.call.ret_object);
	assert_string_equal(kt_jstr(thing, "spec.colour"), "red");
	assert_null(kt_jget(thing, "spec.size"));
	kt_call_finish(&w.call);
	list = kt_pipeline_read(f, things);
	assert_string_equal(kt_jstr(list, "items.0.spec.colour"), "red");
}

#define SERVICES "/apis/apiregistration.k8s.io/v1/apiservices"

static void wait_for_status(struct kt_pipeline *f, const char *path, int wanted)
{
	for (int tries = 0; kt_pipeline_status(f, f->admin, "GET", path, NULL) != wanted; tries++)
		assert_true(tries < 1000);
}

static void test_definition_brings_an_api_service(void **state)
{
	struct kt_pipeline *f = *state;
	kt_auto_free char *path = kt_asprintf("%s/things.example.com", definitions);

	define_things(f);
	wait_for_status(f, SERVICES "/v1.example.com", 200);
	kt_auto_json json_t *service = kt_pipeline_read(f, SERVICES "/v1.example.com");
	assert_string_equal(kt_jstr(service, "spec.group"), "example.com");
	assert_int_equal(kt_jint(service, "spec.groupPriorityMinimum", 0), 1000);
	assert_string_equal(kt_jstr(service, "status.conditions.0.reason"), "Local");
	assert_int_equal(kt_pipeline_status(f, f->admin, "DELETE", path, NULL), 200);
	wait_for_status(f, SERVICES "/v1.example.com", 404);
	assert_int_equal(kt_pipeline_status(f, f->admin, "GET", SERVICES "/v1.apps", NULL), 200);
}

/* A Scale may be written without a revision, and where there was no number yet. */
static void test_custom_scale(void **state)
{
	struct kt_pipeline *f = *state;
	struct kt_waited w;
	kt_auto_free char *thing = kt_asprintf("%s/t", things);
	kt_auto_free char *scale = kt_asprintf("%s/scale", thing);
	kt_auto_free char *status = kt_asprintf("%s/status", thing);

	define_things(f);
	assert_int_equal(kt_pipeline_status(f, f->admin, "POST", things,
	                         THING "\"metadata\":{\"name\":\"t\"},\"spec\":{\"size\":1}}"),
	        201);
	assert_int_equal(kt_pipeline_status(f, f->admin, "GET", scale, NULL), 500);
	kt_pipeline_request(f, f->admin, &w, "PATCH", scale, "application/merge-patch+json",
	        "{\"spec\":{\"replicas\":2}}");
	assert_int_equal(w.call.status, 200);
	kt_call_finish(&w.call);
	assert_int_equal(kt_pipeline_status(f, f->admin, "PUT", scale,
	                         "{\"metadata\":{\"name\":\"t\"},\"spec\":{\"replicas\":7}}"),
	        200);
	assert_int_equal(kt_pipeline_status(f, f->admin, "PUT", scale,
	                         "{\"metadata\":{\"name\":\"t\",\"uid\":\"another\"},\"spec\":{"
	                         "\"replicas\":8}}"),
	        409);
	kt_pipeline_request(f, f->admin, &w, "GET", thing, NULL, NULL);
	kt_auto_json json_t *object = kt_object_tree(w.call.ret_object);
	assert_int_equal(kt_jint(object, "spec.deep.replicas", 0), 7);
	assert_int_equal(kt_jint(object, "metadata.generation", 0), 3);
	kt_call_finish(&w.call);
	kt_pipeline_request(f, f->admin, &w, "PATCH", scale, "application/merge-patch+json",
	        "{\"spec\":{\"replicas\":-1}}");
	assert_int_equal(w.call.status, 422);
	assert_string_equal(w.call.err.message, "Thing.example.com \"t\" is invalid: "
	                                        ".spec.deep.replicas: Invalid value: -1: should "
	                                        "be a non-negative integer");
	kt_call_finish(&w.call);
	kt_pipeline_request(f, f->admin, &w, "PATCH", status, "application/merge-patch+json",
	        "{\"status\":{\"replicas\":\"two\"}}");
	assert_int_equal(w.call.status, 422);
	assert_string_equal(w.call.err.message,
	        "Thing.example.com \"t\" is invalid: [status.replicas: Invalid value: \"string\": "
	        "replicas in body must be of type integer: \"string\", .status.replicas: Invalid "
	        "value: 0: .status.replicas accessor error: two is of the type string, expected "
	        "int64]");
	kt_call_finish(&w.call);
}

static const char two_versions[] =
        "{\"metadata\":{\"name\":\"twos.example.com\"},\"spec\":{\"group\":\"example.com\","
        "\"scope\":\"Namespaced\",\"names\":{\"plural\":\"twos\",\"kind\":\"Two\"},\"versions\":[{"
        "\"name\":\"v1\",\"served\":true,\"storage\":true,\"schema\":{\"openAPIV3Schema\":{"
        "\"type\":"
        "\"object\",\"properties\":{\"spec\":{\"type\":\"object\",\"properties\":{\"new\":{"
        "\"type\":"
        "\"string\",\"default\":\"n\"}}}}}}},{\"name\":\"v1beta1\",\"served\":true,\"storage\":"
        "false,"
        "\"schema\":{\"openAPIV3Schema\":{\"type\":\"object\",\"properties\":{\"spec\":{\"type\":"
        "\"object\",\"properties\":{\"old\":{\"type\":\"string\",\"default\":\"o\"}}}}}}}]}}";

/* What comes in another version has the storage version's defaults when that one is read. */
static void test_defaults_of_the_storage_version(void **state)
{
	static const char v1[] = "/apis/example.com/v1/namespaces/default/twos",
	                  beta[] = "/apis/example.com/v1beta1/namespaces/default/twos";
	struct kt_pipeline *f = *state;

	assert_int_equal(kt_pipeline_status(f, f->admin, "POST", definitions, two_versions), 201);
	wait_for_status(f, beta, 200);
	assert_int_equal(kt_pipeline_status(f, f->admin, "POST", beta,
	                         "{\"apiVersion\":\"example.com/v1beta1\",\"kind\":\"Two\","
	                         "\"metadata\":{\"name\":\"t\"},\"spec\":{}}"),
	        201);
	kt_auto_free char *path = kt_asprintf("%s/t", v1), *old_path = kt_asprintf("%s/t", beta);
	kt_auto_json json_t *stored = kt_pipeline_read(f, path);
	kt_auto_json json_t *converted = kt_pipeline_read(f, old_path);
	assert_string_equal(kt_jstr(stored, "spec.new"), "n");
	assert_null(kt_jget(stored, "spec.old"));
	assert_null(kt_jget(converted, "spec.new"));
	assert_null(kt_jget(converted, "spec.old"));
}

#define COLUMN(type, path) "{\"name\":\"C\",\"type\":\"" type "\",\"jsonPath\":\"" path "\"}"

static const char columns[] =
        "{\"metadata\":{\"name\":\"rows.example.com\"},\"spec\":{\"group\":\"example.com\","
        "\"scope\":\"Namespaced\",\"names\":{\"plural\":\"rows\",\"kind\":\"Row\"},\"versions\":[{"
        "\"name\":\"v1\",\"served\":true,\"storage\":true,\"additionalPrinterColumns\":[" COLUMN(
                "string", ".spec.list[*].x") "," COLUMN("string", ".spec.map") "," COLUMN("string",
                ".spec.float") "," COLUMN("string", ".spec.none") "," COLUMN("integer",
                ".spec.float") "," COLUMN("number", ".spec.text") "," COLUMN("boolean",
                ".spec.yes") "," COLUMN("date", ".spec.text") "," COLUMN("date",
                ".spec.old") "," COLUMN("string",
                ".spec.missing") "],\"schema\":{\"openAPIV3Schema\":{\"type\":\"object\","
                                 "\"properties\":{\"spec\":{"
                                 "\"type\":\"object\",\"x-kubernetes-preserve-unknown-fields\":"
                                 "true}}}}}]}}";

/* A column shows the first of what its path finds, if it is of the column's type. */
static void test_columns(void **state)
{
	static const char rows[] = "/apis/example.com/v1/namespaces/default/rows";
	struct kt_pipeline *f = *state;
	struct kt_waited w = {.call = {.method = "GET",
	                              .path = rows,
	                              .accept = "application/json;as=Table;v=v1;g=meta.k8s.io",
	                              .loop = f->loop,
	                              .done = kt_pipeline_on_done}};

	assert_int_equal(kt_pipeline_status(f, f->admin, "POST", definitions, columns), 201);
	wait_for_status(f, rows, 200);
	assert_int_equal(kt_pipeline_status(f, f->admin, "POST", rows,
	                         "{\"apiVersion\":\"example.com/"
	                         "v1\",\"kind\":\"Row\",\"metadata\":{\"name\":"
	                         "\"r\"},\"spec\":{\"list\":[{\"x\":\"a\"},{\"x\":\"b\"}],\"map\":{"
	                         "\"k\":[1]},"
	                         "\"float\":2.5,\"none\":null,\"yes\":true,\"text\":\"soon\","
	                         "\"old\":\"\"}}"),
	        201);
	kt_client_call(f->admin, &w.call);
	kt_pipeline_turn_until(f, &w.done);
	kt_auto_json json_t *table = kt_json_tree(kt_call_answer(&w.call));
	kt_auto_str text = KT_STR_INIT;
	kt_json_write(&text, kt_jget(table, "rows.0.cells"), 0);
	assert_string_equal(kt_str_text(&text),
	        "[\"r\",\"a\",\"{\\\"k\\\":[1]}\",\"2.5\",\"<no value>\",2,null,true,\"<invalid>\","
	        "\"<unknown>\",null]");
	kt_call_finish(&w.call);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(
	                test_custom_resource, kt_pipeline_setup, kt_pipeline_teardown),
	        cmocka_unit_test_setup_teardown(test_old_objects_are_read_through_a_new_definition,
	                kt_pipeline_setup, kt_pipeline_teardown),
	        cmocka_unit_test_setup_teardown(test_definition_brings_an_api_service,
	                kt_pipeline_setup, kt_pipeline_teardown),
	        cmocka_unit_test_setup_teardown(
	                test_custom_scale, kt_pipeline_setup, kt_pipeline_teardown),
	        cmocka_unit_test_setup_teardown(
	                test_columns, kt_pipeline_setup, kt_pipeline_teardown),
	        cmocka_unit_test_setup_teardown(test_defaults_of_the_storage_version,
	                kt_pipeline_setup, kt_pipeline_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
