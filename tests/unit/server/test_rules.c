/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rules of kinds that clients meet often, one by one and without the recorded answers. */
#include "rules_harness.h"

#define NAMESPACE "rules-ns"

static int setup(void **state)
{
	struct harness *h = kt_new(struct harness);

	harness_init(h);
	kt_auto_json json_t *namespace = json_pack(
	        "{s:{s:s},s:{s:s}}", "metadata", "name", NAMESPACE, "status", "phase", "Active");
	harness_store(h, "/registry/namespaces/" NAMESPACE, namespace);
	kt_auto_json json_t *account =
	        json_pack("{s:{s:s,s:s}}", "metadata", "name", "default", "namespace", NAMESPACE);
	harness_store(h, "/registry/serviceaccounts/" NAMESPACE "/default", account);
	*state = h;
	return 0;
}

static int teardown(void **state)
{
	harness_finish(*state);
	free(*state);
	return 0;
}

/* The answer to a create (old NULL) or update of the body. */
static struct answer write_body(struct harness *h, const struct kt_kind *kind, const json_t *old,
        const json_t *body, json_t **ret_object)
{
	struct harness_write write = {.kind = kind,
	        .namespace = kind->flags & KT_KIND_NAMESPACED ? NAMESPACE : "",
	        .old = old,
	        .body = body,
	        .live = true};

	return harness_do(h, &write, ret_object);
}

static struct answer create(
        struct harness *h, const struct kt_kind *kind, const char *text, json_t **ret_object)
{
	kt_auto_err err = KT_ERR_INIT;
	kt_auto_json json_t *body = kt_json_parse(kt_sv_of(text), NULL, &err);

	if (!body)
		fail_msg("%s", kt_err_message(&err));
	return write_body(h, kind, NULL, body, ret_object);
}

#define POD_SPEC "\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]"

static void test_hidden_files_are_warned_of(void **state)
{
	const struct kt_kind *pod = kt_builtin_kind("", "v1", "Pod");
	struct answer answer = create(*state, pod,
	        "{\"metadata\":{\"name\":\"p\"},\"spec\":{" POD_SPEC
	        ",\"automountServiceAccountToken\":false,\"volumes\":["
	        "{\"name\":\"v\",\"projected\":{\"sources\":[{\"serviceAccountToken\":{\"path\":"
	        "\"token\"}},{\"secret\":{\"name\":\"s\","
	        "\"items\":[{\"key\":\"a\",\"path\":\"token\"},"
	        "{\"key\":\"b\",\"path\":\"b\"}]}}]}},"
	        "{\"name\":\"m\",\"configMap\":{\"name\":\"m\",\"items\":[{\"key\":\"a\",\"path\":"
	        "\"d\"},{\"key\":\"b\",\"path\":\"d/b\"},{\"key\":\"c\",\"path\":\"dd\"}]}}]}}",
	        NULL);

	assert_int_equal(answer.status, 201);
	assert_non_null(strstr(answer.warning, "volume \\\"v\\\" (Projected): overlapping paths: "
	                                       "\\\"token\\\" (Secret \\\"s\\\") with "
	                                       "\\\"token\\\" (ServiceAccountToken)"));
	assert_non_null(
	        strstr(answer.warning, "volume \\\"m\\\" (ConfigMap \\\"m\\\"): overlapping paths: "
	                               "\\\"d/b\\\" with \\\"d\\\"\""));
	answer_finish(&answer);
	answer = create(*state, pod,
	        "{\"metadata\":{\"name\":\"p\"},\"spec\":{" POD_SPEC ",\"volumes\":["
	        "{\"name\":\"v\","
	        "\"projected\":{\"sources\":[{\"configMap\":{\"name\":\"m\",\"items\":"
	        "[{\"key\":\"a\",\"path\":\"x\"}]}},"
	        "{\"secret\":{\"name\":\"s\",\"items\":[{\"key\":"
	        "\"a\",\"path\":\"x\"}]}}]}}]}}",
	        NULL);
	assert_int_equal(answer.status, 422);
	assert_string_equal(kt_jstr(answer.body, "details.causes.0.message"),
	        "Invalid value: \"s\": conflicting duplicate paths");
	answer_finish(&answer);
}

#define APPARMOR "container.apparmor.security.beta.kubernetes.io/"

static void test_old_apparmor_annotations(void **state)
{
	const struct kt_kind *pod = kt_builtin_kind("", "v1", "Pod");
	kt_auto_json json_t *object = NULL;
	struct answer answer = create(*state, pod,
	        "{\"metadata\":{\"name\":\"p\",\"annotations\":{\"" APPARMOR
	        "c\":\"localhost/mine\"}},\"spec\":{" POD_SPEC "}}",
	        &object);

	assert_int_equal(answer.status, 201);
	assert_string_equal(kt_jstr(object, "spec.containers.0.securityContext.appArmorProfile."
	                                    "localhostProfile"),
	        "mine");
	answer_finish(&answer);
	answer = create(*state, pod,
	        "{\"metadata\":{\"name\":\"p\",\"annotations\":{\"" APPARMOR
	        "none\":\"odd\"}},\"spec\":{" POD_SPEC "}}",
	        NULL);
	assert_int_equal(answer.status, 422);
	assert_string_equal(kt_jstr(answer.body, "details.causes.0.message"),
	        "Invalid value: \"none\": container not found");
	assert_string_equal(kt_jstr(answer.body, "details.causes.1.message"),
	        "Invalid value: \"odd\": invalid AppArmor profile name: \"odd\"");
	answer_finish(&answer);
}

static void test_requests_of_the_whole_pod(void **state)
{
	kt_auto_json json_t *object = NULL;
	struct answer answer = create(*state, kt_builtin_kind("", "v1", "Pod"),
	        "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"resources\":{\"limits\":{"
	        "\"memory\":\"1Gi\"}},\"containers\":[{\"name\":\"c\",\"image\":\"i\","
	        "\"resources\":{\"requests\":{\"cpu\":\"100m\"}}}]}}",
	        &object);

	assert_int_equal(answer.status, 201);
	/* Of the containers where they have any, else the limit. */
	assert_string_equal(kt_jstr(object, "spec.resources.requests.cpu"), "100m");
	assert_string_equal(kt_jstr(object, "spec.resources.requests.memory"), "1Gi");
	answer_finish(&answer);
	answer = create(*state, kt_builtin_kind("", "v1", "Pod"),
	        "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"resources\":{\"limits\":{"
	        "\"ephemeral-storage\":\"1Gi\"}}," POD_SPEC "}}",
	        NULL);
	assert_int_equal(answer.status, 422);
	assert_int_equal(json_array_size(kt_jget(answer.body, "details.causes")), 1);
	answer_finish(&answer);
}

#define SPREAD \
	"\"topologySpreadConstraints\":[{\"maxSkew\":1,\"topologyKey\":\"zone\"," \
	"\"whenUnsatisfiable\":\"DoNotSchedule\"}]"

static void test_template_is_warned_of_once_a_generation(void **state)
{
	const struct kt_kind *kind = kt_builtin_kind("apps", "v1", "Deployment");
	kt_auto_json json_t *object = NULL;
	struct answer answer = create(*state, kind,
	        "{\"metadata\":{\"name\":\"d\"},"
	        "\"spec\":{\"selector\":{\"matchLabels\":{\"a\":\"b\"}},"
	        "\"template\":{\"metadata\":{\"labels\":{\"a\":\"b\"}},\"spec\":{" POD_SPEC
	        "," SPREAD "}}}}",
	        &object);

	assert_int_equal(answer.status, 201);
	assert_non_null(answer.warning);
	answer_finish(&answer);
	kt_auto_json json_t *labelled = json_deep_copy(object);
	json_object_set_new(
	        json_object_get(labelled, "metadata"), "labels", json_pack("{s:s}", "x", "y"));
	answer = write_body(*state, kind, object, labelled, NULL);
	assert_int_equal(answer.status, 200);
	assert_null(answer.warning);
	answer_finish(&answer);
	kt_auto_json json_t *scaled = json_deep_copy(object);
	json_object_set_new(json_object_get(scaled, "spec"), "replicas", json_integer(3));
	answer = write_body(*state, kind, object, scaled, NULL);
	assert_int_equal(answer.status, 200);
	assert_non_null(answer.warning);
	answer_finish(&answer);
}

static void test_names_that_pods_will_bear(void **state)
{
	static const char job[] =
	        "{\"metadata\":{\"name\":\"a.b\"},\"spec\":{\"template\":{\"spec\":{" POD_SPEC
	        ",\"restartPolicy\":\"Never\"}}}}";
	kt_auto_free char *cron =
	        kt_asprintf("{\"metadata\":{\"name\":\"a.b\"},"
	                    "\"spec\":{\"schedule\":\"* * * * *\",\"jobTemplate\":"
	                    "%s}}",
	                job);
	struct answer answer = create(*state, kt_builtin_kind("batch", "v1", "Job"), job, NULL);

	assert_int_equal(answer.status, 201);
	assert_non_null(strstr(answer.warning, "metadata.name: this is used in Pod names"));
	answer_finish(&answer);
	answer = create(*state, kt_builtin_kind("batch", "v1", "CronJob"), cron, NULL);
	assert_int_equal(answer.status, 201);
	assert_non_null(strstr(answer.warning, "metadata.name: this is used in Pod names"));
	answer_finish(&answer);
}

/* A message of the answer to a create. */
static void expect_invalid(
        struct harness *h, const struct kt_kind *kind, const char *body, const char *message)
{
	struct answer answer = create(h, kind, body, NULL);

	assert_int_equal(answer.status, 422);
	if (!strstr(kt_jstr(answer.body, "message"), message))
		fail_msg("%s\ninstead of %s", kt_jstr(answer.body, "message"), message);
	answer_finish(&answer);
}

static void test_empty_is_not_absent(void **state)
{
	const struct kt_kind *set = kt_builtin_kind("apps", "v1", "ReplicaSet");
	const struct kt_kind *volume = kt_builtin_kind("", "v1", "PersistentVolume");
	const struct kt_kind *scaler =
	        kt_builtin_kind("autoscaling", "v2", "HorizontalPodAutoscaler");

	expect_invalid(*state, set,
	        "{\"metadata\":{\"name\":\"s\"},\"spec\":{\"selector\":{\"matchLabels\":{\"a\":"
	        "\"b\"}},\"template\":{\"metadata\":{\"labels\":{}},\"spec\":{" POD_SPEC "}}}}",
	        "spec.template.metadata.labels: Invalid value: {}: `selector` does not match");
	expect_invalid(*state, set,
	        "{\"metadata\":{\"name\":\"s\"},\"spec\":{\"selector\":{\"matchLabels\":{\"a\":"
	        "\"b\"}},\"template\":{\"metadata\":{},\"spec\":{" POD_SPEC "}}}}",
	        "spec.template.metadata.labels: Invalid value: null: `selector` does not match");
	expect_invalid(*state, volume,
	        "{\"metadata\":{\"name\":\"v\"},\"spec\":{\"capacity\":{},\"accessModes\":["
	        "\"ReadWriteOnce\"],\"nfs\":{\"server\":\"s\",\"path\":\"/\"}}}",
	        "spec.capacity: Unsupported value: {}: supported values: \"storage\"");
	/* An empty list of policies is not the default's to fill. */
	expect_invalid(*state, scaler,
	        "{\"metadata\":{\"name\":\"h\"},\"spec\":{\"maxReplicas\":2,\"scaleTargetRef\":{"
	        "\"kind\":\"Deployment\",\"name\":\"d\"},\"behavior\":{\"scaleUp\":{\"policies\":"
	        "[]}}}}",
	        "spec.behavior.scaleUp.policies: Required value: must specify at least one Policy");
}

static void test_amounts_past_int64(void **state)
{
	const struct kt_kind *volume = kt_builtin_kind("", "v1", "PersistentVolume");
	const struct kt_kind *quota = kt_builtin_kind("", "v1", "ResourceQuota");
#define VOLUME_OF(amount) \
	"{\"metadata\":{\"name\":\"v\"},\"spec\":{\"capacity\":{\"storage\":\"" amount \
	"\"},\"accessModes\":[\"ReadWriteOnce\"],\"nfs\":{\"server\":\"s\",\"path\":\"/\"}}}"

	expect_invalid(*state, volume, VOLUME_OF("9999999999999999999"),
	        "spec.capacity[storage]: Invalid value: -8446744073709551617: must be a valid "
	        "resource quantity");
	expect_invalid(*state, volume, VOLUME_OF("-5"),
	        "[spec.capacity[storage]: Invalid value: -5: must be a valid resource quantity, "
	        "spec.capacity[storage]: Invalid value: \"-5\": must be greater than zero]");
	expect_invalid(*state, quota,
	        "{\"metadata\":{\"name\":\"q\"},\"spec\":{\"hard\":{\"pods\":"
	        "\"9999999999999999999\"}}}",
	        "spec.hard[pods]: Invalid value: \"9999999999999999999\": must be an integer");
}

/* A constraint's key may be in its selector once: that is what the pod's label was merged in as. */
static void test_spread_keys(void **state)
{
	const struct kt_kind *pod = kt_builtin_kind("", "v1", "Pod");
#define SPREAD_POD(labels) \
	"{\"metadata\":{\"name\":\"p\",\"labels\":{" labels "}},\"spec\":{" POD_SPEC \
	",\"topologySpreadConstraints\":[{\"maxSkew\":1,\"topologyKey\":\"k\"," \
	"\"whenUnsatisfiable\":\"DoNotSchedule\",\"matchLabelKeys\":[\"x\"]," \
	"\"labelSelector\":{\"matchLabels\":{\"x\":\"y\"}}}]}}"
	struct answer answer = create(*state, pod, SPREAD_POD("\"a\":\"b\""), NULL);

	assert_int_equal(answer.status, 201);
	answer_finish(&answer);
	expect_invalid(*state, pod, SPREAD_POD("\"x\":\"y\""),
	        "spec.topologySpreadConstraints[0].matchLabelKeys[0]: Invalid value: \"x\": exists "
	        "in both matchLabelKeys and labelSelector");
}

static void test_mapped_addresses_are_warned_of(void **state)
{
	const struct kt_kind *endpoints = kt_builtin_kind("", "v1", "Endpoints");
	struct answer answer = create(*state, endpoints,
	        "{\"metadata\":{\"name\":\"e\"},\"subsets\":[{\"addresses\":[{\"ip\":"
	        "\"::ffff:1.2.3.4\"}],\"ports\":[{\"port\":1}]}]}",
	        NULL);

	assert_int_equal(answer.status, 201);
	assert_non_null(
	        strstr(answer.warning, "subsets[0].addresses[0].ip: non-standard IP address "
	                               "\\\"::ffff:1.2.3.4\\\" will be considered invalid in "
	                               "a future Kubernetes release: use \\\"1.2.3.4\\\""));
	answer_finish(&answer);
}

/* The message of an update that is not valid, or that it is. */
static void expect_update(struct harness *h, const struct kt_kind *kind, const char *old_text,
        const char *text, const char *message)
{
	kt_auto_json json_t *old = NULL, *body = kt_json_parse(kt_sv_of(text), NULL, NULL);
	struct answer answer = create(h, kind, old_text, &old);

	assert_int_equal(answer.status, 201);
	answer_finish(&answer);
	answer = write_body(h, kind, old, body, NULL);
	if (message) {
		assert_int_equal(answer.status, 422);
		assert_non_null(strstr(kt_jstr(answer.body, "message"), message));
	} else {
		assert_int_equal(answer.status, 200);
	}
	answer_finish(&answer);
}

static void test_mandatory_flow_objects_are_fixed(void **state)
{
	const struct kt_kind *level =
	        kt_builtin_kind("flowcontrol.apiserver.k8s.io", "v1", "PriorityLevelConfiguration");
#define LEVEL(name, spec) "{\"metadata\":{\"name\":\"" name "\"},\"spec\":{" spec "}}"
#define LIMITED(shares) \
	"\"type\":\"Limited\",\"limited\":{\"nominalConcurrencyShares\":" shares \
	",\"limitResponse\":{\"type\":\"Reject\"}}"
#define EXEMPT(shares) "\"type\":\"Exempt\",\"exempt\":{\"nominalConcurrencyShares\":" shares "}"
	static const struct {
		const char *key, *old, *new, *message;
	} cases[] = {
	        {"catch-all", LEVEL("catch-all", LIMITED("5")), LEVEL("catch-all", LIMITED("6")),
	                "spec of 'catch-all' must equal the fixed value"},
	        {"catch-all", LEVEL("catch-all", LIMITED("5")), LEVEL("catch-all", LIMITED("5")),
	                NULL},
	        {"other", LEVEL("other", LIMITED("5")), LEVEL("other", LIMITED("6")), NULL},
	        /* of this one a member may change */
	        {"exempt", LEVEL("exempt", EXEMPT("0")), LEVEL("exempt", EXEMPT("7")), NULL},
	};

	for (size_t i = 0; i < KT_ARRAY_SIZE(cases); i++) {
		kt_auto_free char *key =
		        kt_asprintf("/registry/prioritylevelconfigurations/%s", cases[i].key);
		kt_auto_json json_t *there = NULL;
		struct answer answer = create(*state, level, cases[i].old, &there);

		assert_int_equal(answer.status, 201);
		answer_finish(&answer);
		harness_store(*state, key, there);
		expect_update(*state, level, cases[i].old, cases[i].new, cases[i].message);
		harness_store(*state, key, NULL);
	}
}

static void test_flow_schemas(void **state)
{
	const struct kt_kind *schema =
	        kt_builtin_kind("flowcontrol.apiserver.k8s.io", "v1", "FlowSchema");
#define SCHEMA(subject, rules) \
	"{\"metadata\":{\"name\":\"s\"},\"spec\":{\"priorityLevelConfiguration\":{\"name\":\"p\"}" \
	"," \
	"\"rules\":[{\"subjects\":[" subject "]," rules "}]}}"
#define URLS(urls) \
	SCHEMA("{\"kind\":\"User\",\"user\":{\"name\":\"u\"}}", \
	        "\"nonResourceRules\":[{\"verbs\":[\"get\"],\"nonResourceURLs\":[" urls "]}]")
#define RULE "\"nonResourceRules\":[{\"verbs\":[\"*\"],\"nonResourceURLs\":[\"*\"]}]"
	static const struct {
		const char *body, *message;
	} cases[] = {
	        {SCHEMA("{\"kind\":\"Robot\"}", RULE),
	                "subjects[0].kind: Unsupported value: \"Robot\": supported values: "
	                "\"Group\", \"ServiceAccount\", \"User\""},
	        {SCHEMA("{\"kind\":\"User\"}", RULE),
	                "subjects[0].user: Required value: user is required when subject kind is "
	                "'User'"},
	        {SCHEMA("{\"kind\":\"Group\",\"group\":{\"name\":\"g\"},\"user\":{\"name\":\"u\"}}",
	                 RULE),
	                "subjects[0].user: Forbidden: user is forbidden when subject kind is not "
	                "'User'"},
	        {SCHEMA("{\"kind\":\"ServiceAccount\",\"serviceAccount\":{\"name\":\"*\"}}", RULE),
	                "serviceAccount.namespace: Required value: must specify namespace for "
	                "service account"},
	        {URLS("\"x\""), "nonResourceURLs[0]: Invalid value: \"x\": must start with slash"},
	        {URLS("\"/a/*/b\""), "\"/a/*/b\": wildcard can only do suffix matching"},
	        {URLS("\"/a*\""), "\"/a*\": wildcard can only do suffix matching"},
	        {URLS("\"*\",\"/a\""),
	                "if '*' is present, must not specify other non-resource URLs"},
	        {SCHEMA("{\"kind\":\"User\",\"user\":{\"name\":\"u\"}}",
	                 "\"resourceRules\":[{\"verbs\":[\"look\"],\"apiGroups\":[],\"resources\":["
	                 "\"*\",\"a\"],\"namespaces\":[\"N\"]}]"),
	                "resourceRules[0].verbs: Unsupported value: [\"look\"]: supported values: "
	                "\"create\", \"delete\", \"deletecollection\", \"get\", \"list\", "
	                "\"patch\", \"proxy\", \"update\", \"watch\""},
	        {SCHEMA("{\"kind\":\"User\",\"user\":{\"name\":\"u\"}}",
	                 "\"resourceRules\":[{\"verbs\":[\"*\"],\"apiGroups\":[\"*\"],"
	                 "\"resources\":[\"*\"],\"clusterScope\":true,\"namespaces\":[\"N\"]}]"),
	                "namespaces[0]: Invalid value: \"N\": each member of this list must be "
	                "'*' or a DNS-1123 label"},
	};

	for (size_t i = 0; i < KT_ARRAY_SIZE(cases); i++)
		expect_invalid(*state, schema, cases[i].body, cases[i].message);
	struct answer answer = create(*state, schema, URLS("\"/a/*\",\"/\",\"/b/c\""), NULL);
	assert_int_equal(answer.status, 201);
	answer_finish(&answer);
}

static void test_storage_capacities_and_attributes(void **state)
{
	const struct kt_kind *class =
	        kt_builtin_kind("storage.k8s.io", "v1", "VolumeAttributesClass");
	const struct kt_kind *capacity =
	        kt_builtin_kind("storage.k8s.io", "v1", "CSIStorageCapacity");

	expect_invalid(*state, class, "{\"metadata\":{\"name\":\"c\"}}",
	        "[driverName: Required value, parameters: Required value: must contain at least "
	        "one "
	        "key/value pair]");
	expect_invalid(*state, capacity,
	        "{\"metadata\":{\"name\":\"c\"},\"storageClassName\":\"s\",\"capacity\":\"-1\"}",
	        "capacity: Invalid value: \"-1\": must be greater than or equal to 0");
#define CAPACITY(class) "{\"metadata\":{\"name\":\"c\"},\"storageClassName\":\"" class "\"}"
	expect_update(*state, capacity, CAPACITY("s"), CAPACITY("t"),
	        "storageClassName: Invalid value: \"t\": field is immutable");
#define ATTRIBUTES(driver, value) \
	"{\"metadata\":{\"name\":\"c\"},\"driverName\":\"" driver \
	"\",\"parameters\":{\"a\":\"" value "\"}}"
	expect_update(*state, class, ATTRIBUTES("d", "1"), ATTRIBUTES("e", "2"),
	        "[driverName: Forbidden: updates to driverName are forbidden., parameters: "
	        "Forbidden: updates to parameters are forbidden.]");
	expect_update(*state, class, ATTRIBUTES("d", "1"), ATTRIBUTES("d", "1"), NULL);
#define STORAGE_CLASS(provisioner) \
	"{\"metadata\":{\"name\":\"c\"},\"provisioner\":\"" provisioner "\"}"
	expect_update(*state, kt_builtin_kind("storage.k8s.io", "v1", "StorageClass"),
	        STORAGE_CLASS("d"), STORAGE_CLASS("e"),
	        "provisioner: Forbidden: updates to provisioner are forbidden.");
}

static void test_conversion_clients(void **state)
{
	const struct kt_kind *definition =
	        kt_builtin_kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition");
#define DEFINITION(client) \
	"{\"metadata\":{\"name\":\"things.example.com\"},\"spec\":{\"group\":\"example.com\"," \
	"\"scope\":\"Cluster\",\"names\":{\"plural\":\"things\",\"kind\":\"Thing\"},\"versions\":" \
	"[{" \
	"\"name\":\"v1\",\"served\":true,\"storage\":true,\"schema\":{\"openAPIV3Schema\":{" \
	"\"type\":\"object\"}}}],\"conversion\":{\"strategy\":\"Webhook\",\"webhook\":{" \
	"\"conversionReviewVersions\":[\"v1\"],\"clientConfig\":" client "}}}}"

	expect_invalid(*state, definition, DEFINITION("{}"),
	        "spec.conversion.webhookClientConfig: Required value: exactly one of url or "
	        "service "
	        "is required");
	expect_invalid(*state, definition, DEFINITION("{\"url\":\"http://x\"}"),
	        "spec.conversion.webhookClientConfig.url: Invalid value: \"http\": 'https' is the "
	        "only allowed URL scheme");
}

static void test_avoided_pods(void **state)
{
	const struct kt_kind *node = kt_builtin_kind("", "v1", "Node");
#define AVOIDS(value) \
	"{\"metadata\":{\"name\":\"n\",\"annotations\":{" \
	"\"scheduler.alpha.kubernetes.io/preferAvoidPods\":\"" value "\"}}}"

	expect_invalid(*state, node, AVOIDS("x"),
	        "metadata.annotations.AvoidPods: Invalid value: "
	        "\"scheduler.alpha.kubernetes.io/preferAvoidPods\": invalid character 'x' looking "
	        "for beginning of value");
	expect_invalid(*state, node, AVOIDS("{\\\"preferAvoidPods\\\":[{}]}"),
	        "metadata.annotations.scheduler.alpha.kubernetes.io/"
	        "preferAvoidPods[0].PodSignature: "
	        "Required value");
	struct answer answer = create(*state, node, AVOIDS(""), NULL);
	assert_int_equal(answer.status, 201);
	answer_finish(&answer);
}

static char *without_backslashes(const char *text)
{
	char *copy = kt_strdup(text ? text : ""), *to = copy;

	for (const char *p = copy; *p; p++)
		if (*p != '\\')
			*to++ = *p;
	*to = '\0';
	return copy;
}

/* What is accepted and warned of: labels that were renamed, addresses given twice. */
static void test_node_labels_are_warned_of(void **state)
{
#define KEY "failure-domain.beta.kubernetes.io/zone"
#define NOW "deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead"
#define TERM(values) \
	"{\"matchExpressions\":[{\"key\":\"" KEY "\",\"operator\":\"In\",\"values\":[" values "]}" \
	"]}"
	static const struct {
		const char *group, *kind, *body, *warning;
	} cases[] = {
	        {"", "Pod",
	                "{\"metadata\":{\"name\":\"p\"},\"spec\":{"
	                "\"containers\":[{\"name\":\"c\",\"image\":\"i\"}],\"affinity\":{"
	                "\"nodeAffinity\":"
	                "{\"preferredDuringSchedulingIgnoredDuringExecution\":[{\"weight\":1,"
	                "\"preference\":" TERM("\"a\"") "}]}}}}",
	                "spec.affinity.nodeAffinity."
	                "preferredDuringSchedulingIgnoredDuringExecution[0]"
	                ".preference.matchExpressions[0].key: " KEY " is " NOW},
	        {"", "Pod",
	                "{\"metadata\":{\"name\":\"p\"},\"spec\":{"
	                "\"containers\":[{\"name\":\"c\",\"image\":\"i\"}],\"hostAliases\":[{"
	                "\"ip\":"
	                "\"1.1.1.1\"},{\"ip\":\"1.1.1.1\"}]}}",
	                "spec.hostAliases[1].ip: duplicate ip \"1.1.1.1\""},
	        {"node.k8s.io", "RuntimeClass",
	                "{\"metadata\":{\"name\":\"r\"},\"handler\":\"h\",\"scheduling\":{"
	                "\"nodeSelector\":"
	                "{\"" KEY "\":\"a\"}}}",
	                "scheduling.nodeSelector: " NOW},
	        {"storage.k8s.io", "StorageClass",
	                "{\"metadata\":{\"name\":\"s\"},\"provisioner\":\"p\","
	                "\"allowedTopologies\":[{"
	                "\"matchLabelExpressions\":[{\"key\":\"" KEY "\",\"values\":[\"a\"]}]}]}",
	                "allowedTopologies[0].matchLabelExpressions[0].key: " KEY " is " NOW},
	        {"", "PersistentVolume",
	                "{\"metadata\":{\"name\":\"v\"},\"spec\":{\"capacity\":{\"storage\":"
	                "\"1Gi\"},"
	                "\"accessModes\":[\"ReadWriteOnce\"],\"local\":{\"path\":\"/"
	                "x\"},\"nodeAffinity\":{"
	                "\"required\":{\"nodeSelectorTerms\":[" TERM("\"a\"") "]}}}}",
	                "spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0].key:"
	                " " KEY " is " NOW},
	};

	for (size_t i = 0; i < KT_ARRAY_SIZE(cases); i++) {
		const struct kt_kind *kind = kt_builtin_kind(cases[i].group, "v1", cases[i].kind);
		struct answer answer = create(*state, kind, cases[i].body, NULL);

		assert_int_equal(answer.status, 201);
		kt_auto_free char *unquoted = without_backslashes(answer.warning);
		assert_non_null(strstr(unquoted, cases[i].warning));
		answer_finish(&answer);
	}
}

static void test_warnings_have_an_end(void **state)
{
	struct kt_rule_context rules = {0};

	(void)state;
	for (int i = 0; i < 2 * KT_RULE_WARNINGS_MAX; i++) {
		kt_rule_warn(&rules, "number %d", i);
		kt_rule_warn(&rules, "number %d", i);
	}
	assert_int_equal(rules.n_warnings, KT_RULE_WARNINGS_MAX);
	assert_string_equal(rules.warnings[1], "number 1");
	for (size_t i = 0; i < rules.n_warnings; i++)
		free(rules.warnings[i]);
	free(rules.warnings);
}

/* What can be made can be asked for, and taken away: a request's head holds any name. */
static void test_no_name_is_too_long_to_be_asked_for(void **state)
{
	static const char *const kinds[][2] = {
	        {"rbac.authorization.k8s.io", "ClusterRole"}, {"", "Event"}};

	for (size_t i = 0; i < KT_ARRAY_SIZE(kinds); i++) {
		const struct kt_kind *kind = kt_builtin_kind(kinds[i][0], "v1", kinds[i][1]);
		for (int more = 0; more < 2; more++) {
			kt_auto_free char *name = kt_alloc(16384 + 2);
			memset(name, 'a', 16385);
			name[16384 + more] = '\0';
			kt_auto_json json_t *body = json_pack("{s:{s:s,s:s*},s:{s:s}}", "metadata",
			        "name", name, "namespace",
			        kind->flags & KT_KIND_NAMESPACED ? NAMESPACE : NULL,
			        "involvedObject", "namespace", NAMESPACE);
			if (!(kind->flags & KT_KIND_NAMESPACED))
				json_object_del(body, "involvedObject");
			struct answer answer = write_body(*state, kind, NULL, body, NULL);
			assert_int_equal(answer.status, more ? 422 : 201);
			if (more)
				assert_non_null(strstr(kt_jstr(answer.body, "message"),
				        "metadata.name: Too long: may not be more than 16384 "
				        "bytes"));
			answer_finish(&answer);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(
	                test_no_name_is_too_long_to_be_asked_for, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_hidden_files_are_warned_of, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_requests_of_the_whole_pod, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_old_apparmor_annotations, setup, teardown),
	        cmocka_unit_test_setup_teardown(
	                test_template_is_warned_of_once_a_generation, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_names_that_pods_will_bear, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_empty_is_not_absent, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_amounts_past_int64, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_spread_keys, setup, teardown),
	        cmocka_unit_test_setup_teardown(
	                test_mapped_addresses_are_warned_of, setup, teardown),
	        cmocka_unit_test_setup_teardown(
	                test_mandatory_flow_objects_are_fixed, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_flow_schemas, setup, teardown),
	        cmocka_unit_test_setup_teardown(
	                test_storage_capacities_and_attributes, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_conversion_clients, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_node_labels_are_warned_of, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_avoided_pods, setup, teardown),
	        cmocka_unit_test(test_warnings_have_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
