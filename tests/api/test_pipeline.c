/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Requests through the whole pipeline, by the in-process client, on a store in memory. */
#include "api/pipeline.h"

#include "api/server/server.h"

#include <errno.h>

#define MAPS "/api/v1/namespaces/default/configmaps"

static void test_create_read_update_delete(void **state)
{
	struct kt_pipeline *f = *state;
	struct kt_waited w;

	kt_pipeline_request(f, f->admin, &w, "POST", MAPS, NULL,
	        "{\"metadata\":{\"name\":\"a\"},\"data\":{\"k\":\"v\"}}");
	assert_int_equal(w.call.status, 201);
	assert_non_null(w.call.ret_object);
	assert_true(w.call.ret_object->revision > 0);
	assert_true(kt_sv_is(kt_object_name(w.call.ret_object), "a"));
	kt_call_finish(&w.call);

	assert_int_equal(
	        kt_pipeline_status(f, f->admin, "POST", MAPS, "{\"metadata\":{\"name\":\"a\"}}"),
	        409);
	kt_pipeline_request(f, f->admin, &w, "PUT", MAPS "/a", NULL,
	        "{\"metadata\":{\"name\":\"a\",\"resourceVersion\":\"1\"},\"data\":{\"k\":\"w\"}}");
	assert_int_equal(w.call.status, 409);
	assert_string_equal(w.call.err.message,
	        "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; "
	        "please apply your "
	        "changes to the latest version and try again");
	kt_call_finish(&w.call);
	assert_int_equal(kt_pipeline_status(f, f->admin, "PUT", MAPS "/a",
	                         "{\"metadata\":{\"name\":\"a\"},\"data\":{\"k\":\"w\"}}"),
	        200);
	kt_pipeline_request(f, f->admin, &w, "GET", MAPS "/a", NULL, NULL);
	assert_true(kt_json_string_is(
	        kt_json_find(kt_object_doc(w.call.ret_object), "data", "k", NULL), "w"));
	kt_call_finish(&w.call);
	assert_int_equal(kt_pipeline_status(f, f->admin, "DELETE", MAPS "/a", NULL), 200);
	assert_int_equal(kt_pipeline_status(f, f->admin, "GET", MAPS "/a", NULL), 404);
}

static void test_unchanged_update_keeps_revision(void **state)
{
	struct kt_pipeline *f = *state;
	struct kt_waited w;

	kt_pipeline_request(f, f->admin, &w, "POST", MAPS, NULL,
	        "{\"metadata\":{\"name\":\"same\"},\"data\":{\"k\":\"v\"}}");
	int64_t revision = w.call.ret_object->revision;
	kt_call_finish(&w.call);
	kt_pipeline_request(f, f->admin, &w, "PATCH", MAPS "/same", "application/merge-patch+json",
	        "{\"data\":{\"k\":\"v\"}}");
	assert_int_equal(w.call.status, 200);
	assert_int_equal(w.call.ret_object->revision, revision);
	kt_call_finish(&w.call);
}

static void test_dry_run_stores_nothing(void **state)
{
	struct kt_pipeline *f = *state;

	assert_int_equal(kt_pipeline_status(f, f->admin, "POST", MAPS "?dryRun=All",
	                         "{\"metadata\":{\"name\":\"dry\"}}"),
	        201);
	assert_int_equal(kt_pipeline_status(f, f->admin, "GET", MAPS "/dry", NULL), 404);
}

static void test_authorization(void **state)
{
	struct kt_pipeline *f = *state;
	struct kt_waited w;

	kt_pipeline_request(f, f->jane, &w, "GET", MAPS, NULL, NULL);
	assert_int_equal(w.call.status, 403);
	assert_string_equal(w.call.err.message,
	        "configmaps is forbidden: User \"jane\" cannot list resource \"configmaps\" in API "
	        "group \"\" in the namespace \"default\"");
	kt_call_finish(&w.call);
}

/* Patches without a revision never lose: each is made anew on what is there. */
static void test_concurrent_patches(void **state)
{
	enum { WRITERS = 40 };
	struct kt_pipeline *f = *state;
	struct kt_waited writers[WRITERS] = {0}, w;
	char path[] = MAPS "/many";

	kt_pipeline_request(
	        f, f->admin, &w, "POST", MAPS, NULL, "{\"metadata\":{\"name\":\"many\"}}");
	kt_call_finish(&w.call);
	for (int i = 0; i < WRITERS; i++) {
		kt_auto_free char *body = kt_asprintf("{\"data\":{\"k%d\":\"v\"}}", i);
		writers[i].call = (struct kt_call){.method = "PATCH",
		        .path = path,
		        .content_type = "application/merge-patch+json",
		        .body = kt_buf_create(body, strlen(body)),
		        .loop = f->loop,
		        .done = kt_pipeline_on_done};
		kt_client_call(f->admin, &writers[i].call);
	}
	for (int i = 0; i < WRITERS; i++) {
		kt_pipeline_turn_until(f, &writers[i].done);
		assert_int_equal(writers[i].call.status, 200);
		kt_buf_unref(writers[i].call.body);
		kt_call_finish(&writers[i].call);
	}
	kt_pipeline_request(f, f->admin, &w, "GET", path, NULL, NULL);
	kt_auto_json json_t *tree = kt_object_tree(w.call.ret_object);
	assert_int_equal(json_object_size(json_object_get(tree, "data")), WRITERS);
	kt_call_finish(&w.call);
}

struct seen {
	struct kt_watch watch;
	char log[4096]; /* "A:a M:a D:a B " */
	bool initial_done, three, ended;
	int events;
};

static void on_event(struct kt_watch *watch, enum kt_watch_type type, struct kt_object *object)
{
	struct seen *seen = kt_container_of(watch, struct seen, watch);
	struct kt_sv name = kt_object_name(object);
	size_t len = strlen(seen->log);

	if (type == KT_WATCH_BOOKMARK) {
		seen->initial_done = true;
		return;
	}
	snprintf(seen->log + len, sizeof(seen->log) - len, "%c:%.*s ", "AMDB"[type], (int)name.len,
	        name.p);
	seen->three = ++seen->events >= 3;
}

static void on_end(struct kt_watch *watch, struct kt_err *err)
{
	(void)err;
	kt_container_of(watch, struct seen, watch)->ended = true;
}

static void test_watch_with_selector(void **state)
{
	struct kt_pipeline *f = *state;
	struct seen seen = {.watch = {.path = MAPS "?labelSelector=on",
	                            .loop = f->loop,
	                            .on_event = on_event,
	                            .on_end = on_end}};
	struct kt_waited w;

	kt_pipeline_request(f, f->admin, &w, "POST", MAPS, NULL,
	        "{\"metadata\":{\"name\":\"x\",\"labels\":{\"on\":\"1\"}}}");
	kt_call_finish(&w.call);
	kt_client_watch(f->admin, &seen.watch);
	kt_pipeline_turn_until(f, &seen.initial_done);
	/* Leaves the selection, then enters it again. */
	kt_pipeline_request(f, f->admin, &w, "PATCH", MAPS "/x", "application/merge-patch+json",
	        "{\"metadata\":{\"labels\":{\"on\":null}}}");
	kt_call_finish(&w.call);
	kt_pipeline_request(f, f->admin, &w, "PATCH", MAPS "/x", "application/merge-patch+json",
	        "{\"metadata\":{\"labels\":{\"on\":\"2\"}}}");
	kt_call_finish(&w.call);
	kt_pipeline_turn_until(f, &seen.three);
	assert_string_equal(seen.log, "A:x D:x A:x ");
	kt_client_watch_stop(f->admin, &seen.watch);
	assert_int_equal(kt_pipeline_status(f, f->admin, "DELETE", MAPS "/x", NULL), 200);
	assert_int_equal(seen.events, 3);
	assert_false(seen.ended);
}

static size_t count_events(struct kt_pipeline *f, const char *group, const char *selector)
{
	kt_auto_free char *path =
	        kt_asprintf("%s/namespaces/default/events?fieldSelector=%s", group, selector);
	kt_auto_json json_t *list = kt_pipeline_read(f, path);

	return json_array_size(json_object_get(list, "items"));
}

/* The same events, by the names that each of the two groups has for their fields. */
static void test_events_are_selected_by_their_groups_fields(void **state)
{
	static const char core[] = "/api/v1", events[] = "/apis/events.k8s.io/v1";
	struct kt_pipeline *f = *state;

	assert_int_equal(
	        kt_pipeline_status(f, f->admin, "POST", "/api/v1/namespaces/default/events",
	                "{\"metadata\":{\"name\":\"e\"},\"involvedObject\":{\"kind\":\"Pod\","
	                "\"namespace\":\"default\",\"name\":\"p\"},\"reason\":\"Tried\","
	                "\"type\":\"Normal\",\"source\":{\"component\":\"tester\"}}"),
	        201);
	assert_int_equal(count_events(f, core, "involvedObject.name=p,reason=Tried"), 1);
	assert_int_equal(count_events(f, events, "regarding.name=p,reason=Tried"), 1);
	assert_int_equal(count_events(f, events, "regarding.name=q"), 0);
	assert_int_equal(count_events(f, events, "reportingController=x,type=Normal"), 0);
	assert_int_equal(kt_pipeline_status(f, f->admin, "GET",
	                         "/apis/events.k8s.io/v1/events?fieldSelector="
	                         "involvedObject.name=p",
	                         NULL),
	        400);
}

static void test_watch_refused(void **state)
{
	struct kt_pipeline *f = *state;
	struct seen seen = {.watch = {.path = "/api/v1/nothings",
	                            .loop = f->loop,
	                            .on_event = on_event,
	                            .on_end = on_end}};

	kt_client_watch(f->admin, &seen.watch);
	assert_false(seen.ended);
	kt_pipeline_turn_until(f, &seen.ended);
	assert_null(seen.watch.impl);
}

static void test_deletecollection(void **state)
{
	struct kt_pipeline *f = *state;
	struct kt_waited w;

	for (int i = 0; i < 50; i++) {
		kt_auto_free char *body =
		        kt_asprintf("{\"metadata\":{\"name\":\"c%d\",\"labels\":{\"set\":\"%s\"}}}",
		                i, i % 2 ? "odd" : "even");
		assert_int_equal(kt_pipeline_status(f, f->admin, "POST", MAPS, body), 201);
	}
	assert_int_equal(
	        kt_pipeline_status(f, f->admin, "DELETE", MAPS "?labelSelector=set%3Dodd", NULL),
	        200);
	kt_pipeline_request(f, f->admin, &w, "GET", MAPS "?labelSelector=set", NULL, NULL);
	kt_auto_json json_t *list = kt_json_parse(
	        (struct kt_sv){w.call.ret_body->data, w.call.ret_body->len}, NULL, NULL);
	assert_int_equal(json_array_size(json_object_get(list, "items")), 25);
	kt_call_finish(&w.call);
}

/* What came after the first page was read is not counted. */
static void test_pages_count_what_is_left(void **state)
{
	struct kt_pipeline *f = *state;
	struct kt_waited w;

	for (int i = 0; i < 5; i++) {
		kt_auto_free char *body = kt_asprintf("{\"metadata\":{\"name\":\"p%d\"}}", i);
		assert_int_equal(kt_pipeline_status(f, f->admin, "POST", MAPS, body), 201);
	}
	kt_auto_free char *path = kt_strdup(MAPS "?limit=2");
	for (int left = 3; left >= -1; left -= 2) {
		kt_pipeline_request(f, f->admin, &w, "GET", path, NULL, NULL);
		assert_int_equal(w.call.status, 200);
		kt_auto_json json_t *list = kt_json_parse(
		        (struct kt_sv){w.call.ret_body->data, w.call.ret_body->len}, NULL, NULL);
		kt_call_finish(&w.call);
		assert_int_equal(kt_jint(list, "metadata.remainingItemCount", -1), left);
		free(path);
		path = kt_asprintf(MAPS "?limit=2&continue=%s", kt_jstr(list, "metadata.continue"));
		kt_auto_free char *body = kt_asprintf("{\"metadata\":{\"name\":\"q%d\"}}", left);
		kt_pipeline_status(f, f->admin, "POST", MAPS, body);
	}
}

#define ENDPOINTS "/api/v1/namespaces/default/endpoints/kubernetes"
#define SLICE "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes"
#define SERVICE "/api/v1/namespaces/default/services/kubernetes"
#define AUTHENTICATION \
	"/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication"

static void test_service_kubernetes_leads_to_the_server(void **state)
{
	struct kt_pipeline *f = *state;

	assert_int_equal(kt_pipeline_status(f, f->admin, "GET", ENDPOINTS, NULL), 404);
	for (int port = 6001; port <= 6002; port++) { /* the second start got another port */
		kt_server_advertise(f->server, "127.0.0.1", port);
		for (int tries = 0; tries < 1000; tries++) {
			kt_auto_json json_t *service = kt_pipeline_read(f, SERVICE);
			if (kt_jint(service, "spec.ports.0.targetPort", 0) == port)
				break;
		}
		kt_auto_json json_t *endpoints = kt_pipeline_read(f, ENDPOINTS);
		kt_auto_json json_t *slice = kt_pipeline_read(f, SLICE);
		kt_auto_json json_t *service = kt_pipeline_read(f, SERVICE);
		assert_string_equal(kt_jstr(endpoints, "subsets.0.addresses.0.ip"), "127.0.0.1");
		assert_int_equal(kt_jint(endpoints, "subsets.0.ports.0.port", 0), port);
		assert_string_equal(kt_jstr(slice, "endpoints.0.addresses.0"), "127.0.0.1");
		assert_int_equal(kt_jint(slice, "ports.0.port", 0), port);
		assert_int_equal(kt_jint(slice, "metadata.generation", 0), port - 6000);
		assert_int_equal(kt_jint(service, "spec.ports.0.targetPort", 0), port);
	}
	kt_auto_json json_t *trust = kt_pipeline_read(f, AUTHENTICATION);
	assert_true(kt_starts_with(json_string_value(json_object_get(
	                                   json_object_get(trust, "data"), "client-ca-file")),
	        "-----BEGIN CERTIFICATE-----"));
	kt_auto_json json_t *before = kt_pipeline_read(f, SLICE);
	kt_server_advertise(f->server, "127.0.0.1", 6002);
	kt_auto_json json_t *after = kt_pipeline_read(f, SLICE);
	assert_true(json_equal(before, after));
}

static void test_cancelled_call_is_silent(void **state)
{
	struct kt_pipeline *f = *state;
	struct kt_waited w = {.call = {.method = "GET",
	                              .path = MAPS,
	                              .loop = f->loop,
	                              .done = kt_pipeline_on_done}};

	kt_client_call(f->admin, &w.call);
	kt_client_cancel(f->admin, &w.call);
	assert_int_equal(kt_pipeline_status(f, f->admin, "GET", MAPS, NULL), 200);
	assert_false(w.done);
}

static void test_node_binds_and_reports(void **state)
{
	struct kt_pipeline *f = *state;
	struct kt_waited w;
	static const char pods[] = "/api/v1/namespaces/default/pods";

	assert_int_equal(kt_pipeline_status(f, f->admin, "POST",
	                         "/api/v1/namespaces/default/serviceaccounts",
	                         "{\"metadata\":{\"name\":\"default\"}}"),
	        201);
	assert_int_equal(kt_pipeline_status(f, f->admin, "POST", pods,
	                         "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"containers\":[{"
	                         "\"name\":\"c\",\"image\":\"i\"}]}}"),
	        201);
	kt_pipeline_request(f, f->admin, &w, "PATCH", "/api/v1/namespaces/default/pods/p/status",
	        "application/merge-patch+json", "{\"status\":{\"nominatedNodeName\":\"n9\"}}");
	assert_int_equal(w.call.status, 200);
	kt_call_finish(&w.call);
	assert_int_equal(
	        kt_pipeline_status(f, f->admin, "POST", "/api/v1/namespaces/default/pods/p/binding",
	                "{\"metadata\":{\"name\":\"p\"},\"target\":{\"kind\":\"Node\","
	                "\"name\":\"n1\"}}"),
	        201);
	assert_int_equal(
	        kt_pipeline_status(f, f->admin, "POST", "/api/v1/namespaces/default/pods/p/binding",
	                "{\"metadata\":{\"name\":\"p\"},\"target\":{\"kind\":\"Node\","
	                "\"name\":\"n2\"}}"),
	        409);
	kt_pipeline_request(f, f->admin, &w, "PATCH", "/api/v1/namespaces/default/pods/p/status",
	        "application/strategic-merge-patch+json",
	        "{\"status\":{\"phase\":\"Running\",\"podIP\":\"10.0.0.7\"}}");
	assert_int_equal(w.call.status, 200);
	kt_auto_json json_t *pod = kt_object_tree(w.call.ret_object);
	assert_string_equal(kt_jstr(pod, "spec.nodeName"), "n1");
	assert_null(kt_jget(pod, "status.nominatedNodeName"));
	assert_string_equal(kt_jstr(pod, "status.phase"), "Running");
	assert_string_equal(kt_jstr(pod, "status.conditions.0.type"), "PodScheduled");
	assert_string_equal(kt_jstr(pod, "status.qosClass"), "BestEffort");
	kt_call_finish(&w.call);
}

/* The entry of managedFields for /status; NULL when there is none. */
static const json_t *status_entry(const json_t *object)
{
	const json_t *list = kt_jget(object, "metadata.managedFields");

	for (size_t i = 0; i < json_array_size(list); i++)
		if (kt_streq(kt_jstr(json_array_get(list, i), "subresource"), "status"))
			return json_array_get(list, i);
	return NULL;
}

#define BUDGETS "/apis/policy/v1/namespaces/default/poddisruptionbudgets"

/* What a component of this process writes into a status is recorded as anybody else's. */
static void test_status_has_a_manager(void **state)
{
	struct kt_pipeline *f = *state;
	struct kt_waited w;

	assert_int_equal(kt_pipeline_status(f, f->admin, "POST", BUDGETS,
	                         "{\"metadata\":{\"name\":\"b\"},\"spec\":{\"minAvailable\":1}}"),
	        201);
	kt_pipeline_request(f, f->admin, &w, "PATCH", BUDGETS "/b/status",
	        "application/merge-patch+json",
	        "{\"status\":{\"currentHealthy\":2,\"desiredHealthy\":1}}");
	assert_int_equal(w.call.status, 200);
	kt_auto_json json_t *budget = kt_object_tree(w.call.ret_object);
	const json_t *entry = status_entry(budget);
	assert_non_null(entry);
	assert_string_equal(kt_jstr(entry, "manager"), "test");
	assert_string_equal(kt_jstr(entry, "operation"), "Update");
	assert_string_equal(kt_jstr(entry, "apiVersion"), "policy/v1");
	assert_non_null(kt_jget(entry, "fieldsV1.f:status.f:currentHealthy"));
	assert_null(kt_jget(entry, "fieldsV1.f:spec"));
	assert_int_equal(json_array_size(kt_jget(budget, "metadata.managedFields")), 2);
	assert_non_null(kt_jget(budget, "metadata.managedFields.0.fieldsV1.f:spec.f:minAvailable"));
	assert_int_equal(kt_jint(budget, "status.currentHealthy", 0), 2);
	assert_int_equal(kt_jint(budget, "spec.minAvailable", 0), 1);
	int64_t revision = w.call.ret_object->revision;
	kt_call_finish(&w.call);
	kt_pipeline_request(f, f->admin, &w, "PATCH", BUDGETS "/b/status",
	        "application/merge-patch+json", "{\"status\":{\"currentHealthy\":2}}");
	assert_int_equal(w.call.ret_object->revision, revision);
	kt_call_finish(&w.call);
}

#define POLICIES "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
static const char policy[] =
        "{\"metadata\":{\"name\":\"few\"},\"spec\":{\"matchConstraints\":{\"resourceRules\":[{"
        "\"apiGroups\":[\"policy\"],\"apiVersions\":[\"*\"],\"operations\":[\"UPDATE\"],"
        "\"resources\":[\"poddisruptionbudgets/status\"]}]},\"validations\":[{\"expression\":"
        "\"object.status.currentHealthy < 5\"}]}}";

static void test_policy_sees_status_writes(void **state)
{
	struct kt_pipeline *f = *state;
	struct kt_waited w;

	assert_int_equal(kt_pipeline_status(f, f->admin, "POST", BUDGETS,
	                         "{\"metadata\":{\"name\":\"b\"},\"spec\":{\"minAvailable\":1}}"),
	        201);
	assert_int_equal(kt_pipeline_status(f, f->admin, "POST", POLICIES, policy), 201);
	assert_int_equal(
	        kt_pipeline_status(f, f->admin, "POST",
	                "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings",
	                "{\"metadata\":{\"name\":\"few\"},\"spec\":{\"policyName\":\"few\","
	                "\"validationActions\":[\"Deny\"]}}"),
	        201);
	kt_pipeline_request(f, f->admin, &w, "PATCH", BUDGETS "/b/status",
	        "application/merge-patch+json", "{\"status\":{\"currentHealthy\":4}}");
	assert_int_equal(w.call.status, 200);
	kt_call_finish(&w.call);
	kt_pipeline_request(f, f->admin, &w, "PATCH", BUDGETS "/b/status",
	        "application/merge-patch+json", "{\"status\":{\"currentHealthy\":5}}");
	assert_int_equal(w.call.status, 422);
	kt_call_finish(&w.call);
}

/* Who asks is asked about: the user of the request, and a service account that may nothing. */
static void test_policy_asks_the_authorizer(void **state)
{
	static const char
	        bound[] = "{\"metadata\":{\"name\":\"may\"},\"spec\":{\"policyName\":\"may\","
	                  "\"validationActions\":[\"Deny\"]}}",
	        asks[] = "{\"metadata\":{\"name\":\"may\"},\"spec\":{\"matchConstraints\":{"
	                 "\"resourceRules\":[{\"apiGroups\":[\"\"],\"apiVersions\":[\"*\"],"
	                 "\"operations\":[\"CREATE\"],\"resources\":[\"configmaps\"]}]},"
	                 "\"validations\":[{\"expression\":\"object.metadata.name == 'own' ? "
	                 "authorizer.requestResource.check('ruin').allowed() : "
	                 "authorizer.serviceAccount('default', 'x').path('/logs')"
	                 ".check('get').allowed()\"}]}}";
	struct kt_pipeline *f = *state;

	assert_int_equal(kt_pipeline_status(f, f->admin, "POST", POLICIES, asks), 201);
	assert_int_equal(
	        kt_pipeline_status(f, f->admin, "POST",
	                "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings",
	                bound),
	        201);
	assert_int_equal(
	        kt_pipeline_status(f, f->admin, "POST", MAPS, "{\"metadata\":{\"name\":\"own\"}}"),
	        201);
	assert_int_equal(kt_pipeline_status(
	                         f, f->admin, "POST", MAPS, "{\"metadata\":{\"name\":\"other\"}}"),
	        422);
}

/* What an applied configuration holds twice is told as fieldValidation says. */
static void test_apply_of_duplicates(void **state)
{
	static const struct {
		const char *validation;
		int status;
		bool warns;
	} cases[] = {{"Ignore", 200, false}, {"Warn", 200, true}, {"Strict", 400, false}};
	struct kt_pipeline *f = *state;
	struct kt_waited w;

	assert_int_equal(
	        kt_pipeline_status(f, f->admin, "POST", "/api/v1/namespaces/default/configmaps",
	                "{\"metadata\":{\"name\":\"twice\"}}"),
	        201);
	for (size_t i = 0; i < KT_ARRAY_SIZE(cases); i++) {
		kt_auto_free char *path = kt_asprintf("/api/v1/namespaces/default/configmaps/twice"
		                                      "?fieldManager=m&fieldValidation=%s",
		        cases[i].validation);

		kt_pipeline_request(f, f->admin, &w, "PATCH", path, "application/apply-patch+yaml",
		        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: twice}\n"
		        "data:\n  a: one\n  a: two\n");
		assert_int_equal(w.call.status, cases[i].status);
		assert_int_equal(w.call.ret_warnings != NULL, cases[i].warns);
		kt_call_finish(&w.call);
	}
}

/* A review comes as it is or not at all. */
static void test_reviews_have_no_table(void **state)
{
	static const char path[] = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
	                  body[] = "{\"spec\":{\"nonResourceAttributes\":{\"path\":\"/\",\"verb\":"
	                           "\"get\"}}}";
	struct kt_pipeline *f = *state;
	struct kt_waited w = {.call = {.method = "POST",
	                              .path = path,
	                              .accept = "application/json;as=Table;v=v1;g=meta.k8s.io",
	                              .loop = f->loop,
	                              .done = kt_pipeline_on_done,
	                              .body = kt_buf_create(body, strlen(body))}};

	kt_client_call(f->admin, &w.call);
	kt_pipeline_turn_until(f, &w.done);
	kt_buf_unref(w.call.body);
	assert_int_equal(w.call.status, 406);
	kt_call_finish(&w.call);
	assert_int_equal(kt_pipeline_status(f, f->admin, "POST", path, body), 201);
}

#define QUOTAS "/api/v1/namespaces/default/resourcequotas"
#define CLAIMS "/api/v1/namespaces/default/persistentvolumeclaims"
#define CLAIM(name, class) \
	"{\"metadata\":{\"name\":\"" name "\"},\"spec\":{\"accessModes\":[" \
	"\"ReadWriteOnce\"],\"volumeAttributesClassName\":\"" class "\",\"resources\":{" \
	                                                            "\"requests\":{\"storage\":" \
	                                                            "\"1Gi\"}}}}"

static void test_quota_of_a_volume_attributes_class(void **state)
{
	static const char quota[] =
	        "{\"metadata\":{\"name\":\"q\"},\"spec\":{\"hard\":{\"persistentvolumeclaims\":"
	        "\"1\"},\"scopeSelector\":{\"matchExpressions\":[{\"scopeName\":"
	        "\"VolumeAttributesClass\",\"operator\":\"In\",\"values\":[\"gold\"]}]}}}",
	                  counted[] = "{\"status\":{\"hard\":{\"persistentvolumeclaims\":\"1\"},"
	                              "\"used\":{\"persistentvolumeclaims\":\"0\"}}}";
	struct kt_pipeline *f = *state;
	struct kt_waited w;

	assert_int_equal(kt_pipeline_status(f, f->admin, "POST", QUOTAS, quota), 201);
	kt_pipeline_request(f, f->admin, &w, "PATCH", QUOTAS "/q/status",
	        "application/merge-patch+json", counted);
	assert_int_equal(w.call.status, 200);
	kt_call_finish(&w.call);
	assert_int_equal(kt_pipeline_status(f, f->admin, "POST", CLAIMS, CLAIM("a", "gold")), 201);
	assert_int_equal(kt_pipeline_status(f, f->admin, "POST", CLAIMS, CLAIM("b", "gold")), 403);
	assert_int_equal(
	        kt_pipeline_status(f, f->admin, "POST", CLAIMS, CLAIM("c", "silver")), 201);
}

#define ADDRESSES "/apis/networking.k8s.io/v1/ipaddresses"
#define ADDRESS(name) \
	"{\"metadata\":{\"name\":\"" name "\"},\"spec\":{\"parentRef\":" \
	"{\"resource\":\"services\",\"name\":\"a\",\"namespace\":\"default\"}}}"

static void test_addresses_are_named_so(void **state)
{
	struct kt_pipeline *f = *state;
	struct kt_waited w;

	assert_int_equal(
	        kt_pipeline_status(f, f->admin, "POST", ADDRESSES, ADDRESS("192.168.1.2")), 201);
	assert_int_equal(
	        kt_pipeline_status(f, f->admin, "POST", ADDRESSES, ADDRESS("fe80::1")), 201);
	assert_int_equal(
	        kt_pipeline_status(f, f->admin, "POST", ADDRESSES, ADDRESS("fe80:0::1")), 422);
	kt_pipeline_request(f, f->admin, &w, "POST", ADDRESSES, NULL, ADDRESS("nope"));
	assert_int_equal(w.call.status, 422);
	assert_non_null(strstr(w.call.err.message, "unable to parse IP"));
	kt_call_finish(&w.call);
	kt_pipeline_request(f, f->admin, &w, "PATCH", ADDRESSES "/fe80::1",
	        "application/merge-patch+json", "{\"spec\":{\"parentRef\":{\"name\":\"b\"}}}");
	assert_int_equal(w.call.status, 422);
	assert_non_null(strstr(w.call.err.message, "field is immutable"));
	kt_call_finish(&w.call);
	assert_int_equal(kt_pipeline_status(f, f->admin, "POST", ADDRESSES,
	                         "{\"metadata\":{\"name\":\"::1\"}}"),
	        422);
}
#define PODS "/api/v1/namespaces/default/pods"

/* A pod with one argument of n times the text. The caller frees it. */
static char *pod_of(const char *name, const char *text, size_t n)
{
	struct kt_str out = KT_STR_INIT;

	kt_str_printf(&out,
	        "{\"metadata\":{\"name\":\"%s\"},\"spec\":{\"containers\":[{\"name\":\"c\","
	        "\"image\":\"i\",\"args\":[\"",
	        name);
	for (size_t i = 0; i < n; i++)
		kt_str_puts(&out, text);
	kt_str_puts(&out, "\"]}]}}");
	return kt_str_steal(&out);
}

/* What upstream's store would not take; it keeps protobuf, which has no escapes. */
static void test_objects_are_stored_up_to_a_size(void **state)
{
	struct kt_pipeline *f = *state;
	struct kt_waited w;
	kt_auto_free char *large = pod_of("large", "eight  .", 200 * 1024);
	kt_auto_free char *escaped = pod_of("escaped", "\\u0007", 300 * 1024);

	assert_int_equal(kt_pipeline_status(f, f->admin, "POST",
	                         "/api/v1/namespaces/default/serviceaccounts",
	                         "{\"metadata\":{\"name\":\"default\"}}"),
	        201);
	kt_pipeline_request(f, f->admin, &w, "POST", PODS, NULL, large);
	assert_int_equal(w.call.status, 500);
	assert_string_equal(w.call.err.message, "etcdserver: request is too large");
	kt_call_finish(&w.call);
	assert_int_equal(kt_pipeline_status(f, f->admin, "POST", PODS, escaped), 201);
}

static void test_bad_words_are_told_as_go_does(void **state)
{
	struct kt_pipeline *f = *state;
	struct kt_waited w;

	/* {"v":"meta.k8s.io/v1" */
	kt_pipeline_request(f, f->admin, &w, "GET",
	        MAPS "?limit=1&continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEi", NULL, NULL);
	assert_int_equal(w.call.status, 400);
	assert_string_equal(w.call.err.message,
	        "invalid continue token: continue key is not valid: unexpected end of JSON input");
	kt_call_finish(&w.call);
	kt_pipeline_request(f, f->admin, &w, "PATCH", MAPS "/a?fieldManager=m",
	        "application/apply-patch+yaml", "- a");
	assert_int_equal(w.call.status, 400);
	assert_string_equal(w.call.err.message,
	        "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot "
	        "unmarshal array into Go value of type map[string]interface {}");
	kt_call_finish(&w.call);
}

#define HEADLESS "/api/v1/namespaces/default/services"

/* A headless service without selector may have any family, but an update that only takes the
 * selector away asks for none. */
static void test_headless_families_stay(void **state)
{
	struct kt_pipeline *f = *state;
	struct kt_waited w;

	assert_int_equal(
	        kt_pipeline_status(f, f->admin, "POST", HEADLESS,
	                "{\"metadata\":{\"name\":\"h\"},\"spec\":{\"clusterIP\":\"None\","
	                "\"ipFamilyPolicy\":\"PreferDualStack\",\"selector\":{\"a\":\"b\"}}}"),
	        201);
	kt_pipeline_request(f, f->admin, &w, "PATCH", HEADLESS "/h", "application/merge-patch+json",
	        "{\"spec\":{\"selector\":null}}");
	assert_int_equal(w.call.status, 200);
	kt_call_finish(&w.call);
	kt_auto_json json_t *service = kt_pipeline_read(f, HEADLESS "/h");
	assert_int_equal(json_array_size(kt_jget(service, "spec.ipFamilies")), 1);
	kt_pipeline_request(f, f->admin, &w, "PATCH", HEADLESS "/h", "application/merge-patch+json",
	        "{\"spec\":{\"ipFamilies\":null}}");
	assert_int_equal(w.call.status, 200);
	kt_call_finish(&w.call);
	kt_auto_json json_t *both = kt_pipeline_read(f, HEADLESS "/h");
	assert_int_equal(json_array_size(kt_jget(both, "spec.ipFamilies")), 2);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(
	                test_create_read_update_delete, kt_pipeline_setup, kt_pipeline_teardown),
	        cmocka_unit_test_setup_teardown(test_unchanged_update_keeps_revision,
	                kt_pipeline_setup, kt_pipeline_teardown),
	        cmocka_unit_test_setup_teardown(
	                test_dry_run_stores_nothing, kt_pipeline_setup, kt_pipeline_teardown),
	        cmocka_unit_test_setup_teardown(
	                test_authorization, kt_pipeline_setup, kt_pipeline_teardown),
	        cmocka_unit_test_setup_teardown(
	                test_concurrent_patches, kt_pipeline_setup, kt_pipeline_teardown),
	        cmocka_unit_test_setup_teardown(
	                test_watch_with_selector, kt_pipeline_setup, kt_pipeline_teardown),
	        cmocka_unit_test_setup_teardown(test_events_are_selected_by_their_groups_fields,
	                kt_pipeline_setup, kt_pipeline_teardown),
	        cmocka_unit_test_setup_teardown(
	                test_watch_refused, kt_pipeline_setup, kt_pipeline_teardown),
	        cmocka_unit_test_setup_teardown(
	                test_deletecollection, kt_pipeline_setup, kt_pipeline_teardown),
	        cmocka_unit_test_setup_teardown(
	                test_pages_count_what_is_left, kt_pipeline_setup, kt_pipeline_teardown),
	        cmocka_unit_test_setup_teardown(test_service_kubernetes_leads_to_the_server,
	                kt_pipeline_setup, kt_pipeline_teardown),
	        cmocka_unit_test_setup_teardown(
	                test_cancelled_call_is_silent, kt_pipeline_setup, kt_pipeline_teardown),
	        cmocka_unit_test_setup_teardown(
	                test_node_binds_and_reports, kt_pipeline_setup, kt_pipeline_teardown),
	        cmocka_unit_test_setup_teardown(
	                test_status_has_a_manager, kt_pipeline_setup, kt_pipeline_teardown),
	        cmocka_unit_test_setup_teardown(
	                test_policy_sees_status_writes, kt_pipeline_setup, kt_pipeline_teardown),
	        cmocka_unit_test_setup_teardown(
	                test_reviews_have_no_table, kt_pipeline_setup, kt_pipeline_teardown),
	        cmocka_unit_test_setup_teardown(
	                test_addresses_are_named_so, kt_pipeline_setup, kt_pipeline_teardown),
	        cmocka_unit_test_setup_teardown(test_quota_of_a_volume_attributes_class,
	                kt_pipeline_setup, kt_pipeline_teardown),
	        cmocka_unit_test_setup_teardown(
	                test_apply_of_duplicates, kt_pipeline_setup, kt_pipeline_teardown),
	        cmocka_unit_test_setup_teardown(test_objects_are_stored_up_to_a_size,
	                kt_pipeline_setup, kt_pipeline_teardown),
	        cmocka_unit_test_setup_teardown(test_bad_words_are_told_as_go_does,
	                kt_pipeline_setup, kt_pipeline_teardown),
	        cmocka_unit_test_setup_teardown(
	                test_policy_asks_the_authorizer, kt_pipeline_setup, kt_pipeline_teardown),
	        cmocka_unit_test_setup_teardown(
	                test_headless_families_stay, kt_pipeline_setup, kt_pipeline_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
