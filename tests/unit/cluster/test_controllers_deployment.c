/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Deployments and ReplicaSets together with the scheduler and a simulated node, on a virtual loop.
 */
#include "support/support.h"

#include "base/mem.h"
#include "base/str.h"
#include "controllers_world.h"

static const char deployment[] = "{'apiVersion':'apps/"
                                 "v1','kind':'Deployment','metadata':{'name':'web'},'spec':{'"
                                 "replicas':3,'progressDeadlineSeconds':600,"
                                 "'revisionHistoryLimit':10,'strategy':{'type':'RollingUpdate','"
                                 "rollingUpdate':{'maxSurge':1,'maxUnavailable':0}},"
                                 "'selector':{'matchLabels':{'app':'web'}},'template':{'metadata':{"
                                 "'labels':{'app':'web'}},'spec':{'containers':"
                                 "[{'name':'c','image':'nginx:1'}]}}}}";

static void make_ready(struct world *world)
{
	for (size_t i = 0;; i++) {
		json_t *pod = fake_nth(world->fake, "/api/v1/namespaces/default/pods", i);
		kt_auto_free char *path = NULL;

		if (!pod)
			return;
		path = kt_asprintf(
		        "/api/v1/namespaces/default/pods/%s/status", kt_jstr(pod, "metadata.name"));
		if (!kt_jget(pod, "status.phase"))
			fake_patch(world->fake, path,
			        "{'status':{'phase':'Running','conditions':[{'type':'Ready','"
			        "status':'True',"
			        "'lastTransitionTime':'2023-11-14T22:13:20Z'}]}}");
		json_decref(pod);
	}
}

/* Pods become ready as they come, until nothing moves any more. */
static void settle(struct world *world)
{
	for (int i = 0; i < 20; i++) {
		world_run_ms(world, 1000);
		make_ready(world);
	}
	world_run_ms(world, 1000);
}

static json_t *get(struct world *world)
{
	return fake_get(world->fake, "/apis/apps/v1/namespaces/default/deployments/web");
}

static const char *condition(json_t *object, const char *type, const char *field)
{
	json_t *item;
	size_t i;

	json_array_foreach(kt_jget(object, "status.conditions"), i, item)
		if (kt_streq(kt_jstr(item, "type"), type))
			return kt_jstr(item, field);
	return NULL;
}

static void a_new_one_gets_its_pods(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *set = NULL, *pod = NULL, *object = NULL;

	fake_put(world->fake, "/apis/apps/v1/namespaces/default/deployments", deployment);
	settle(world);
	assert_int_equal(fake_count(world->fake, "/apis/apps/v1/replicasets"), 1);
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 3);
	set = fake_nth(world->fake, "/apis/apps/v1/replicasets", 0);
	assert_string_equal(kt_jstr(set, "metadata.ownerReferences.0.name"), "web");
	assert_string_equal(json_string_value(json_object_get(kt_jget(set, "metadata.annotations"),
	                            "deployment.kubernetes.io/revision")),
	        "1");
	assert_int_equal(kt_jint(set, "status.availableReplicas", 0), 3);
	pod = fake_nth(world->fake, "/api/v1/pods", 0);
	assert_string_equal(kt_jstr(pod, "metadata.labels.pod-template-hash"),
	        kt_jstr(set, "metadata.labels.pod-template-hash"));
	assert_string_equal(kt_jstr(pod, "metadata.ownerReferences.0.kind"), "ReplicaSet");
	object = get(world);
	assert_int_equal(kt_jint(object, "status.readyReplicas", 0), 3);
	assert_int_equal(kt_jint(object, "status.observedGeneration", 0), 1);
	assert_string_equal(condition(object, "Progressing", "reason"), "NewReplicaSetAvailable");
	assert_string_equal(condition(object, "Available", "status"), "True");
}

/* The status of the old set is behind its new size: that must not pass for spare pods. */
static void shrinking_and_rolling_at_once_keeps_what_is_wanted(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *old = NULL;
	kt_auto_free char *status = NULL;

	fake_put(world->fake, "/apis/apps/v1/namespaces/default/deployments", deployment);
	fake_patch(world->fake, "/apis/apps/v1/namespaces/default/deployments/web",
	        "{'spec':{'replicas':9,'strategy':{'rollingUpdate':{'maxUnavailable':1}}}}");
	settle(world);
	old = fake_nth(world->fake, "/apis/apps/v1/replicasets", 0);
	status = kt_asprintf("%s/status", kt_jstr(old, "metadata.name"));
	fake_refuse(world->fake, status, 5);
	fake_patch(world->fake, "/apis/apps/v1/namespaces/default/deployments/web",
	        "{'spec':{'replicas':4,'template':{'spec':{'containers':[{'name':'c','image':"
	        "'nginx:2'}]}}}}");
	world_run_ms(world, 1000);
	json_decref(old);
	old = fake_nth(world->fake, "/apis/apps/v1/replicasets", 0);
	assert_int_equal(kt_jint(old, "spec.replicas", -1), 3);
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 5);
}

static void a_new_template_rolls_out(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *object = NULL, *old = NULL, *new = NULL;

	fake_put(world->fake, "/apis/apps/v1/namespaces/default/deployments", deployment);
	settle(world);
	fake_patch(world->fake, "/apis/apps/v1/namespaces/default/deployments/web",
	        "{'spec':{'template':{'spec':{'containers':[{'name':'c','image':'nginx:2'}]}}}}");
	world_run_ms(world, 1000);
	/* One more than wanted, none missing. */
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 4);
	settle(world);
	assert_int_equal(fake_count(world->fake, "/apis/apps/v1/replicasets"), 2);
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 3);
	old = fake_nth(world->fake, "/apis/apps/v1/replicasets", 0);
	new = fake_nth(world->fake, "/apis/apps/v1/replicasets", 1);
	assert_int_equal(kt_jint(old, "spec.replicas", -1), 0);
	assert_int_equal(kt_jint(new, "spec.replicas", -1), 3);
	object = get(world);
	assert_string_equal(
	        json_string_value(json_object_get(kt_jget(object, "metadata.annotations"),
	                "deployment.kubernetes.io/revision")),
	        "2");
	assert_int_equal(kt_jint(object, "status.updatedReplicas", 0), 3);
	assert_int_equal(kt_jint(object, "status.replicas", 0), 3);
	/* Back again: the first ReplicaSet is used once more, as revision 3. */
	fake_patch(world->fake, "/apis/apps/v1/namespaces/default/deployments/web",
	        "{'spec':{'template':{'spec':{'containers':[{'name':'c','image':'nginx:1'}]}}}}");
	settle(world);
	assert_int_equal(fake_count(world->fake, "/apis/apps/v1/replicasets"), 2);
	json_decref(old);
	old = fake_nth(world->fake, "/apis/apps/v1/replicasets", 0);
	assert_int_equal(kt_jint(old, "spec.replicas", -1), 3);
	assert_string_equal(json_string_value(json_object_get(kt_jget(old, "metadata.annotations"),
	                            "deployment.kubernetes.io/revision")),
	        "3");
	assert_string_equal(json_string_value(json_object_get(kt_jget(old, "metadata.annotations"),
	                            "deployment.kubernetes.io/revision-history")),
	        "1");
}

static void scaling_changes_the_one_set(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *object = NULL;

	fake_put(world->fake, "/apis/apps/v1/namespaces/default/deployments", deployment);
	settle(world);
	fake_patch(world->fake, "/apis/apps/v1/namespaces/default/deployments/web",
	        "{'spec':{'replicas':7}}");
	settle(world);
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 7);
	fake_patch(world->fake, "/apis/apps/v1/namespaces/default/deployments/web",
	        "{'spec':{'replicas':2}}");
	settle(world);
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 2);
	object = get(world);
	assert_int_equal(kt_jint(object, "status.availableReplicas", 0), 2);
}

/* Two sets that an earlier Deployment left behind, when another size was wanted. */
static void recreating_ends_several_old_sets(void **state)
{
	struct world *world = *state;

	for (int i = 0; i < 2; i++) {
		kt_auto_free char *set = kt_asprintf(
		        "{'apiVersion':'apps/v1','kind':'ReplicaSet','metadata':{'name':'left-%d',"
		        "'labels':{'app':'web'},'annotations':{"
		        "'deployment.kubernetes.io/desired-replicas':'3'}},'spec':{'replicas':2,"
		        "'selector':{'matchLabels':{'app':'web','v':'%d'}},'template':{'metadata':"
		        "{'labels':{'app':'web','v':'%d'}},'spec':{'containers':[{'name':'c',"
		        "'image':'left:%d'}]}}}}",
		        i, i, i, i);
		fake_put(world->fake, "/apis/apps/v1/namespaces/default/replicasets", set);
	}
	fake_put(world->fake, "/apis/apps/v1/namespaces/default/deployments",
	        "{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'name':'web'},'spec':{"
	        "'replicas':1,'strategy':{'type':'Recreate'},'selector':{'matchLabels':{'app':"
	        "'web'}},'template':{'metadata':{'labels':{'app':'web'}},'spec':{'containers':"
	        "[{'name':'c','image':'nginx:1'}]}}}}");
	settle(world);
	assert_int_equal(fake_count(world->fake, "/apis/apps/v1/replicasets"), 3);
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 1);
}

static bool is_told(struct world *world, const char *reason, const char *message)
{
	size_t n = fake_count(world->fake, "/api/v1/events");
	bool found = false;

	for (size_t i = 0; i < n; i++) {
		kt_auto_json json_t *event = fake_nth(world->fake, "/api/v1/events", i);

		found = found || (kt_streq(kt_jstr(event, "reason"), reason) &&
		                         kt_streq(kt_jstr(event, "message"), message));
	}
	return found;
}

/* Nobody serves the metrics of objects and of the world outside. The Deployment stands for its own
 * scale here. */
static void metrics_that_nobody_serves(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *scaler = NULL;

	fake_put(world->fake, "/apis/apps/v1/namespaces/default/deployments", deployment);
	world_run_ms(world, 1000);
	fake_patch(world->fake, "/apis/apps/v1/namespaces/default/deployments/web/status",
	        "{'status':{'selector':'app=web','replicas':3}}");
	fake_put(world->fake, "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers",
	        "{'apiVersion':'autoscaling/v2','kind':'HorizontalPodAutoscaler','metadata':{"
	        "'name':'h'},'spec':{'scaleTargetRef':{'apiVersion':'apps/v1','kind':"
	        "'Deployment','name':'web'},'maxReplicas':5,'metrics':["
	        "{'type':'External','external':{'metric':{'name':'q','selector':{'matchLabels':{"
	        "'a':'b'}}},'target':{'type':'Value','value':'1'}}},"
	        "{'type':'Object','object':{'describedObject':{'kind':'Service','name':'s',"
	        "'apiVersion':'v1'},'metric':{'name':'o'},'target':{'type':'Value','value':'1'"
	        "}}}]}}");
	world_run_ms(world, 1000);
	assert_true(is_told(world, "FailedGetObjectMetric",
	        "unable to get metric o: Service on default s/unable to fetch metrics from custom "
	        "metrics API: no known available metric versions found"));
	assert_true(is_told(world, "FailedComputeMetricsReplicas",
	        "invalid metrics (2 invalid out of 2), first error is: failed to get q external "
	        "metric value: failed to get q external metric: unable to get external metric "
	        "default/q/&LabelSelector{MatchLabels:map[string]string{a: b,},MatchExpressions:[]"
	        "LabelSelectorRequirement{},}: unable to fetch metrics from external metrics API: "
	        "the server could not find the requested resource (get "
	        "q.external.metrics.k8s.io)"));
	scaler = fake_get(
	        world->fake, "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers/h");
	assert_string_equal(
	        condition(scaler, "ScalingActive", "reason"), "FailedGetExternalMetric");
}

static void refused_writes_come_back(void **state)
{
	struct world *world = *state;

	fake_refuse(world->fake, "/pods", 5);
	fake_put(world->fake, "/apis/apps/v1/namespaces/default/deployments", deployment);
	settle(world);
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 3);
}

static void nothing_is_written_when_nothing_changes(void **state)
{
	struct world *world = *state;
	size_t before;

	fake_put(world->fake, "/apis/apps/v1/namespaces/default/deployments", deployment);
	settle(world);
	before = fake_writes(world->fake);
	fake_break_watches(world->fake);
	world_run_ms(world, 60000);
	assert_int_equal(fake_writes(world->fake), before);
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 3);
}

static void namespaces_get_their_account_and_certificate(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *map = NULL, *account = NULL;

	fake_put(world->fake, "/api/v1/namespaces",
	        "{'apiVersion':'v1','kind':'Namespace','metadata':{'name':'a'}}");
	world_run_ms(world, 1000);
	map = fake_get(world->fake, "/api/v1/namespaces/a/configmaps/kube-root-ca.crt");
	assert_string_equal(
	        json_string_value(json_object_get(kt_jget(map, "data"), "ca.crt")), "PEM");
	account = fake_get(world->fake, "/api/v1/namespaces/a/serviceaccounts/default");
	assert_non_null(account);
	fake_patch(world->fake, "/api/v1/namespaces/a/configmaps/kube-root-ca.crt",
	        "{'data':{'ca.crt':'other'}}");
	world_run_ms(world, 1000);
	json_decref(map);
	map = fake_get(world->fake, "/api/v1/namespaces/a/configmaps/kube-root-ca.crt");
	assert_string_equal(
	        json_string_value(json_object_get(kt_jget(map, "data"), "ca.crt")), "PEM");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(shrinking_and_rolling_at_once_keeps_what_is_wanted,
	                controllers_setup, world_teardown),
	        cmocka_unit_test_setup_teardown(
	                a_new_one_gets_its_pods, controllers_setup, world_teardown),
	        cmocka_unit_test_setup_teardown(
	                a_new_template_rolls_out, controllers_setup, world_teardown),
	        cmocka_unit_test_setup_teardown(
	                scaling_changes_the_one_set, controllers_setup, world_teardown),
	        cmocka_unit_test_setup_teardown(
	                recreating_ends_several_old_sets, controllers_setup, world_teardown),
	        cmocka_unit_test_setup_teardown(
	                metrics_that_nobody_serves, controllers_setup, world_teardown),
	        cmocka_unit_test_setup_teardown(
	                refused_writes_come_back, controllers_setup, world_teardown),
	        cmocka_unit_test_setup_teardown(
	                nothing_is_written_when_nothing_changes, controllers_setup, world_teardown),
	        cmocka_unit_test_setup_teardown(namespaces_get_their_account_and_certificate,
	                controllers_setup, world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
