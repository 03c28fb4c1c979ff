/* SPDX-License-Identifier: GPL-3.0-or-later */
/* StatefulSets and DaemonSets on a virtual loop against a client without a server. */
#include "support/support.h"

#include "base/mem.h"
#include "base/str.h"
#include "controllers_world.h"

#define PODS "/api/v1/namespaces/default/pods"

#define SETS "/apis/apps/v1/namespaces/default/statefulsets"

static void put_stateful_set(struct world *world, const char *more)
{
	kt_auto_free char *text = kt_asprintf(
	        "{'apiVersion':'apps/"
	        "v1','kind':'StatefulSet','metadata':{'name':'db'},'spec':{'replicas':3,"
	        "'serviceName':'db','selector':{'matchLabels':{'app':'db'}},'updateStrategy':{'"
	        "type':'RollingUpdate'},"
	        "'volumeClaimTemplates':[{'metadata':{'name':'data'},'spec':{'accessModes':['"
	        "ReadWriteOnce']}}],"
	        "'template':{'metadata':{'labels':{'app':'db'}},'spec':{'containers':[{'name':'c','"
	        "image':'v1'}]}}%s}}",
	        more);

	fake_put(world->fake, SETS, text);
}

static void stateful_pods_come_in_order(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *pod = NULL, *claim = NULL, *set = NULL;

	put_stateful_set(world, "");
	world_run_ms(world, 5000);
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 1);
	world_settle(world, world_running);
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 3);
	pod = fake_get(world->fake, PODS "/db-2");
	assert_string_equal(kt_jstr(pod, "spec.hostname"), "db-2");
	assert_string_equal(
	        kt_jstr(pod, "spec.volumes.0.persistentVolumeClaim.claimName"), "data-db-2");
	claim = fake_get(
	        world->fake, "/api/v1/namespaces/default/persistentvolumeclaims/data-db-2");
	assert_non_null(claim);
	set = fake_get(world->fake, SETS "/db");
	assert_int_equal(kt_jint(set, "status.readyReplicas", 0), 3);
	assert_int_equal(kt_jint(set, "status.currentReplicas", 0), 3);
	fake_patch(world->fake, SETS "/db", "{'spec':{'replicas':1}}");
	world_run_ms(world, 5000);
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 1);
	json_decref(pod);
	pod = fake_get(world->fake, PODS "/db-0");
	assert_non_null(pod);
}

static void stateful_updates_go_from_the_top(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *set = NULL, *high = NULL, *low = NULL, *revision = NULL;
	kt_auto_str data = KT_STR_INIT, sorted = KT_STR_INIT;

	put_stateful_set(world, ",'podManagementPolicy':'Parallel'");
	world_settle(world, world_running);
	fake_patch(world->fake, SETS "/db",
	        "{'spec':{'updateStrategy':{'rollingUpdate':{'partition':1}},'template':{'spec':{'"
	        "containers':"
	        "[{'name':'c','image':'v2'}]}}}}");
	world_settle(world, world_running);
	high = fake_get(world->fake, PODS "/db-2");
	low = fake_get(world->fake, PODS "/db-0");
	assert_string_equal(kt_jstr(high, "spec.containers.0.image"), "v2");
	assert_string_equal(kt_jstr(low, "spec.containers.0.image"), "v1");
	set = fake_get(world->fake, SETS "/db");
	assert_int_equal(kt_jint(set, "status.updatedReplicas", 0), 2);
	assert_int_equal(fake_count(world->fake, "/apis/apps/v1/controllerrevisions"), 2);
	revision = fake_nth(world->fake, "/apis/apps/v1/controllerrevisions", 0);
	kt_json_write(&data, json_object_get(revision, "data"), 0);
	kt_json_write(&sorted, json_object_get(revision, "data"), KT_JSON_SORT);
	assert_string_equal(kt_str_text(&data), kt_str_text(&sorted));
	fake_patch(world->fake, SETS "/db",
	        "{'spec':{'updateStrategy':{'rollingUpdate':{'partition':0}}}}");
	world_settle(world, world_running);
	json_decref(set);
	set = fake_get(world->fake, SETS "/db");
	assert_int_equal(kt_jint(set, "status.updatedReplicas", 0), 3);
	assert_string_equal(
	        kt_jstr(set, "status.currentRevision"), kt_jstr(set, "status.updateRevision"));
}

static void several_may_miss_at_once(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *high = NULL, *low = NULL;
	int n_gone = 0;

	put_stateful_set(world, ",'podManagementPolicy':'Parallel'");
	world_settle(world, world_running);
	fake_patch(world->fake, SETS "/db",
	        "{'spec':{'updateStrategy':{'rollingUpdate':{'maxUnavailable':2}},'template':{"
	        "'spec':{'containers':[{'name':'c','image':'v2'}]}}}}");
	world_run_ms(world, 1000);
	for (size_t i = 0; i < 3; i++) {
		kt_auto_json json_t *pod = fake_nth(world->fake, "/api/v1/pods", i);

		n_gone += kt_streq(kt_jstr(pod, "spec.containers.0.image"), "v2");
	}
	assert_int_equal(n_gone, 2);
	low = fake_get(world->fake, PODS "/db-0");
	assert_string_equal(kt_jstr(low, "spec.containers.0.image"), "v1");
	world_settle(world, world_running);
	high = fake_get(world->fake, PODS "/db-0");
	assert_string_equal(kt_jstr(high, "spec.containers.0.image"), "v2");
}

#define CLAIMS "/api/v1/namespaces/default/persistentvolumeclaims"

/* A pod must find its claims, also when making one fails at first or somebody deletes it. */
static void claims_come_before_their_pod(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *again = NULL;

	fake_refuse(world->fake, "persistentvolumeclaims", 1000);
	put_stateful_set(world, "");
	world_run_ms(world, 1000);
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 0);
	fake_refuse(world->fake, "persistentvolumeclaims", 0);
	world_run_ms(world, 5000);
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 1);
	fake_patch(world->fake, PODS "/db-0", "{'status':{'phase':'Pending'}}");
	fake_delete(world->fake, CLAIMS "/data-db-0");
	fake_patch(world->fake, PODS "/db-0", "{'metadata':{'annotations':{'a':'b'}}}");
	world_run_ms(world, 1000);
	again = fake_get(world->fake, CLAIMS "/data-db-0");
	assert_non_null(again);
}

static void claims_are_kept_or_go(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *claim = NULL, *kept = NULL;

	put_stateful_set(world, ",'podManagementPolicy':'Parallel',"
	                        "'persistentVolumeClaimRetentionPolicy':{'whenDeleted':'Delete',"
	                        "'whenScaled':'Delete'}");
	world_settle(world, world_running);
	claim = fake_get(world->fake, CLAIMS "/data-db-2");
	assert_string_equal(kt_jstr(claim, "metadata.ownerReferences.0.kind"), "StatefulSet");
	fake_patch(world->fake, SETS "/db", "{'spec':{'replicas':2}}");
	world_settle(world, world_running);
	json_decref(claim);
	claim = fake_get(world->fake, CLAIMS "/data-db-2");
	assert_int_equal(json_array_size(kt_jget(claim, "metadata.ownerReferences")), 1);
	assert_string_equal(kt_jstr(claim, "metadata.ownerReferences.0.kind"), "Pod");
	assert_string_equal(kt_jstr(claim, "metadata.ownerReferences.0.name"), "db-2");
	fake_patch(world->fake, SETS "/db",
	        "{'spec':{'persistentVolumeClaimRetentionPolicy':{'whenDeleted':'Retain',"
	        "'whenScaled':'Retain'}}}");
	world_settle(world, world_running);
	kept = fake_get(world->fake, CLAIMS "/data-db-1");
	assert_int_equal(json_array_size(kt_jget(kept, "metadata.ownerReferences")), 0);
	fake_patch(world->fake, SETS "/db", "{'spec':{'replicas':0}}");
	world_settle(world, world_running);
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 0);
	json_decref(kept);
	kept = fake_get(world->fake, CLAIMS "/data-db-1");
	assert_int_equal(json_array_size(kt_jget(kept, "metadata.ownerReferences")), 0);
}

static void claims_of_others_are_left_alone(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *claim = NULL;

	put_stateful_set(world, ",'podManagementPolicy':'Parallel',"
	                        "'persistentVolumeClaimRetentionPolicy':{'whenScaled':'Delete'}");
	world_settle(world, world_running);
	fake_patch(world->fake, CLAIMS "/data-db-1",
	        "{'metadata':{'ownerReferences':[{'apiVersion':'v1','kind':'ConfigMap',"
	        "'name':'m','uid':'somebody','controller':true}]}}");
	fake_patch(world->fake, SETS "/db", "{'spec':{'replicas':0}}");
	world_settle(world, world_running);
	world_settle(world, world_running);
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 0);
	claim = fake_get(world->fake, CLAIMS "/data-db-1");
	assert_int_equal(json_array_size(kt_jget(claim, "metadata.ownerReferences")), 1);
	assert_string_equal(kt_jstr(claim, "metadata.ownerReferences.0.kind"), "ConfigMap");
}

#define DAEMONS "/apis/apps/v1/namespaces/default/daemonsets"

/* Ready, and heard of for a long time to come. */
static void put_node(struct world *world, const char *name, const char *spec)
{
	kt_auto_free char *text = kt_asprintf(
	        "{'apiVersion':'v1','kind':'Node','metadata':{'name':'%s'},'spec':{%s},'status':{'"
	        "conditions':"
	        "[{'type':'Ready','status':'True','lastHeartbeatTime':'2099-01-01T00:00:00Z'}]}}",
	        name, spec);

	fake_put(world->fake, "/api/v1/nodes", text);
}

static void assert_told(struct world *world, const char *kind, const char *message)
{
	for (size_t i = 0;; i++) {
		kt_auto_json json_t *event = fake_nth(world->fake, "/api/v1/events", i);

		if (!event)
			fail_msg("nothing says \"%s\"", message);
		if (kt_streq(kt_jstr(event, "involvedObject.kind"), kind) &&
		        kt_streq(kt_jstr(event, "message"), message))
			return;
	}
}

static void a_lost_node_loses_its_pods(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *node = NULL, *pod = NULL;

	put_node(world, "a", "");
	put_node(world, "b", "");
	fake_put(world->fake, PODS,
	        "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'patient'},'spec':{'nodeName':"
	        "'a','tolerations':[{'operator':'Exists','tolerationSeconds':6000}]},"
	        "'status':{'phase':'Running'}}");
	fake_put(world->fake, PODS,
	        "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'p'},'spec':{'nodeName':'a','"
	        "tolerations':[{'key':"
	        "'node.kubernetes.io/"
	        "unreachable','operator':'Exists','effect':'NoExecute','tolerationSeconds':300}]},'"
	        "status':{'phase':'Running',"
	        "'conditions':[{'type':'Ready','status':'True'}]}}");
	world_run_ms(world, 1000);
	fake_patch(world->fake, "/api/v1/nodes/a/status",
	        "{'status':{'conditions':[{'type':'Ready','status':'True','lastHeartbeatTime':"
	        "'2023-11-14T22:13:20Z'}]}}");
	world_run_ms(world, 60000);
	node = fake_get(world->fake, "/api/v1/nodes/a");
	assert_string_equal(world_condition(node, "Ready", "status"), "Unknown");
	assert_string_equal(kt_jstr(node, "spec.taints.0.key"), "node.kubernetes.io/unreachable");
	pod = fake_get(world->fake, PODS "/p");
	assert_string_equal(world_condition(pod, "Ready", "status"), "False");
	assert_null(kt_jstr(pod, "metadata.deletionTimestamp"));
	assert_told(world, "Node", "Node a status is now: NodeNotReady");
	assert_told(world, "Pod", "Node is not ready");
	world_run_ms(world, 300000);
	json_decref(pod);
	pod = fake_get(world->fake, PODS "/p");
	assert_non_null(kt_jstr(pod, "metadata.deletionTimestamp"));
	assert_string_equal(
	        world_condition(pod, "DisruptionTarget", "reason"), "DeletionByTaintManager");
	/* It is heard of again. */
	fake_patch(world->fake, "/api/v1/nodes/a/status",
	        "{'status':{'conditions':[{'type':'Ready','status':'True','lastHeartbeatTime':"
	        "'2099-01-01T00:00:00Z'}]}}");
	world_run_ms(world, 1000);
	json_decref(node);
	node = fake_get(world->fake, "/api/v1/nodes/a");
	assert_int_equal(json_array_size(kt_jget(node, "spec.taints")), 0);
	assert_told(world, "Pod", "Cancelling deletion of Pod default/patient");
}

static void put_set(struct world *world, const char *name, int replicas, const char *owner_uid)
{
	kt_auto_free char *text = kt_asprintf(
	        "{'apiVersion':'apps/v1','kind':'ReplicaSet','metadata':{'name':'%s',"
	        "'ownerReferences':[{'apiVersion':'v1','kind':'ConfigMap','name':'m','uid':'%s',"
	        "'controller':true}]},'spec':{'replicas':%d,'selector':{'matchLabels':{'app':'%s'}}"
	        ",'template':{'metadata':{'labels':{'app':'%s'}},'spec':{'containers':[{'name':'c'}"
	        "]}}}}",
	        name, owner_uid, replicas, name, name);

	fake_put(world->fake, "/apis/apps/v1/namespaces/default/replicasets", text);
}

/* It is adopted by the set of that name. */
static void put_ready(struct world *world, const char *set, const char *node, int second)
{
	kt_auto_free char *text = kt_asprintf(
	        "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'%s-%s','labels':{'app':'%s'}},"
	        "'spec':{'nodeName':'%s','containers':[{'name':'c'}]},'status':{'phase':'Running',"
	        "'conditions':[{'type':'Ready','status':'True','lastTransitionTime':"
	        "'2023-11-14T22:13:%02dZ'}]}}",
	        set, node, set, node, second);

	fake_put(world->fake, PODS, text);
}

static void set_ready(struct world *world, const char *node, const char *ready)
{
	kt_auto_free char *path = kt_asprintf("/api/v1/nodes/%s/status", node);
	kt_auto_free char *status = kt_asprintf(
	        "{'status':{'conditions':[{'type':'Ready','status':'%s','lastHeartbeatTime':"
	        "'2099-01-01T00:00:00Z'}]}}",
	        ready);

	fake_patch(world->fake, path, status);
	world_run_ms(world, 1000);
}

static bool is_evicted(struct world *world, const char *name)
{
	kt_auto_free char *path = kt_asprintf("/api/v1/nodes/%s", name);
	kt_auto_json json_t *node = fake_get(world->fake, path);
	json_t *taint;
	size_t i;

	json_array_foreach(kt_jget(node, "spec.taints"), i, taint) {
		if (kt_streq(kt_jstr(taint, "effect"), "NoExecute"))
			return true;
	}
	return false;
}

/* A node after the other falls; when the last one does it is likelier that we are cut off. */
static void nobody_is_driven_out_of_a_lost_cluster(void **state)
{
	struct world *world = *state;

	put_node(world, "a", "");
	put_node(world, "b", "");
	set_ready(world, "a", "False");
	assert_true(is_evicted(world, "a"));
	set_ready(world, "b", "False");
	assert_false(is_evicted(world, "a"));
	assert_false(is_evicted(world, "b"));
	set_ready(world, "b", "True");
	assert_true(is_evicted(world, "a"));
	assert_false(is_evicted(world, "b"));
}

/* The taint that a person puts on a node that is surely dead frees its pods, once it is not ready
 * and they are to go. */
static void pods_of_a_node_out_of_service_are_freed(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *pod = NULL;

	put_node(world, "a", "");
	put_node(world, "b", "");
	put_ready(world, "p", "a", 1);
	fake_delete(world->fake, PODS "/p-a");
	fake_patch(world->fake, "/api/v1/nodes/a",
	        "{'spec':{'taints':[{'key':'node.kubernetes.io/out-of-service','value':"
	        "'nodeshutdown','effect':'NoExecute'}]}}");
	world_run_ms(world, 1000);
	pod = fake_get(world->fake, PODS "/p-a");
	assert_non_null(pod); /* the node may still end it */
	set_ready(world, "a", "False");
	json_decref(pod);
	pod = fake_get(world->fake, PODS "/p-a");
	assert_null(pod);
}

/* Of five, three are more than 55 of 100 and more than two. */
static void a_zone_that_mostly_fell_keeps_its_pods(void **state)
{
	struct world *world = *state;
	static const char *const names[] = {"a", "b", "c", "d", "e"};

	for (size_t i = 0; i < KT_ARRAY_SIZE(names); i++)
		put_node(world, names[i], "");
	set_ready(world, "a", "False");
	set_ready(world, "b", "False");
	set_ready(world, "c", "False");
	assert_true(is_evicted(world, "a"));
	assert_true(is_evicted(world, "b"));
	assert_false(is_evicted(world, "c"));
	set_ready(world, "a", "True");
	assert_false(is_evicted(world, "a"));
	assert_true(is_evicted(world, "c"));
}

static void daemons_run_on_every_node_that_fits(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *set = NULL, *pod = NULL;

	put_node(world, "a", "");
	put_node(world, "b", "'taints':[{'key':'x','effect':'NoSchedule'}]");
	fake_put(world->fake, DAEMONS,
	        "{'apiVersion':'apps/"
	        "v1','kind':'DaemonSet','metadata':{'name':'d'},'spec':{'selector':{'matchLabels':"
	        "{'app':'d'}},'updateStrategy':{'type':'RollingUpdate','rollingUpdate':{'"
	        "maxUnavailable':1,'maxSurge':0}},'template':"
	        "{'metadata':{'labels':{'app':'d'}},'spec':{'containers':[{'name':'c','image':'v1'}"
	        "]}}}}");
	world_settle(world, world_running);
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 1);
	pod = fake_nth(world->fake, "/api/v1/pods", 0);
	assert_string_equal(
	        kt_jstr(pod, "spec.affinity.nodeAffinity."
	                     "requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms.0."
	                     "matchFields.0.values.0"),
	        "a");
	put_node(world, "c", "");
	world_settle(world, world_running);
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 2);
	set = fake_get(world->fake, DAEMONS "/d");
	assert_int_equal(kt_jint(set, "status.desiredNumberScheduled", 0), 2);
	assert_int_equal(kt_jint(set, "status.numberReady", 0), 2);
	fake_patch(world->fake, DAEMONS "/d",
	        "{'spec':{'template':{'spec':{'containers':[{'name':'c','image':'v2'}]}}}}");
	world_settle(world, world_running);
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 2);
	for (size_t i = 0; i < 2; i++) {
		json_decref(pod);
		pod = fake_nth(world->fake, "/api/v1/pods", i);
		assert_string_equal(kt_jstr(pod, "spec.containers.0.image"), "v2");
	}
	json_decref(set);
	set = fake_get(world->fake, DAEMONS "/d");
	assert_int_equal(kt_jint(set, "status.updatedNumberScheduled", 0), 2);
}

#define DAEMON(more) \
	"{'apiVersion':'apps/v1','kind':'DaemonSet','metadata':{'name':'d'},'spec':{'selector':{" \
	"'matchLabels':{'app':'d'}},'updateStrategy':{'type':'RollingUpdate','rollingUpdate':" \
	"{" more \
	"}},'template':{'metadata':{'labels':{'app':'d'}},'spec':{'containers':[{'name':'c'," \
	"'image':'v1'}]}}}}"

static size_t count_made(struct world *world)
{
	size_t n = 0;

	for (size_t i = 0;; i++) {
		kt_auto_json json_t *event = fake_nth(world->fake, "/api/v1/events", i);

		if (!event)
			return n;
		if (kt_streq(kt_jstr(event, "reason"), "SuccessfulCreate"))
			n += (size_t)KT_MAX(kt_jint(event, "count", 1), 1);
	}
}

/* A second after the first, two after the second, and so on. */
static void daemons_that_fail_come_back_ever_later(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *pod = NULL;

	put_node(world, "a", "");
	fake_put(world->fake, DAEMONS, DAEMON("'maxUnavailable':1,'maxSurge':0"));
	for (int i = 0; i < 600; i++) {
		world_run_ms(world, 100);
		world_play_node(world, "{'status':{'phase':'Failed'}}");
	}
	/* at 0, 1, 3, 7, 15 and 31 seconds, and the next is due at 63 */
	assert_in_range(count_made(world), 6, 8);
	pod = fake_nth(world->fake, "/api/v1/pods", 0);
	assert_string_equal(kt_jstr(pod, "status.phase"), "Failed");
}

/* How many pods of the one node come, of which each fails at once. */
static int count_failures(struct world *world, int n_steps, int64_t step_ms)
{
	kt_auto_free char *last = NULL;
	int n = 0;

	for (int i = 0; i < n_steps; i++) {
		kt_auto_json json_t *pod = NULL;
		const char *name;

		world_run_ms(world, step_ms);
		world_play_node(world, "{'status':{'phase':'Failed'}}");
		pod = fake_nth(world->fake, "/api/v1/pods", 0);
		name = kt_jstr(pod, "metadata.name");
		if (kt_streq(name, last))
			continue;
		free(last);
		last = kt_strdup(name);
		n++;
	}
	return n;
}

/* After many failures a quarter of an hour passes between two, and not more; half an hour without
 * one, and it is as if there had been none. */
static void daemons_that_fail_are_not_given_up(void **state)
{
	struct world *world = *state;

	put_node(world, "a", "");
	fake_put(world->fake, DAEMONS, DAEMON("'maxUnavailable':1,'maxSurge':0"));
	/* eleven pods in the first 20 minutes, and six in the 100 minutes after those */
	assert_in_range(count_failures(world, 720, 10000), 16, 18);
	for (int i = 0; i < 100; i++) {
		world_run_ms(world, 10000);
		world_play_node(world, world_running);
	}
	world_run_ms(world, 31 * 60000);
	kt_auto_json json_t *pod = fake_nth(world->fake, "/api/v1/pods", 0);
	kt_auto_free char *path = kt_asprintf(PODS "/%s/status", kt_jstr(pod, "metadata.name"));

	assert_string_equal(kt_jstr(pod, "status.phase"), "Running");
	fake_patch(world->fake, path, "{'status':{'phase':'Failed'}}");
	/* at 0, 1, 3, 7 and 15 seconds again */
	assert_in_range(count_failures(world, 200, 100), 5, 6);
}

/* Of two pods on a node the older stays; one that waits for its node is the younger. */
static void daemons_keep_the_pod_that_has_its_node(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *set = NULL, *pod = NULL;
	kt_auto_free char *second = NULL;

	put_node(world, "a", "");
	fake_put(world->fake, DAEMONS, DAEMON("'maxUnavailable':1,'maxSurge':0"));
	world_run_ms(world, 1000);
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 1);
	set = fake_get(world->fake, DAEMONS "/d");
	second = kt_asprintf(
	        "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'second','labels':{'app':'d'},"
	        "'ownerReferences':[{'apiVersion':'apps/v1','kind':'DaemonSet','name':'d','uid':"
	        "'%s','controller':true}]},'spec':{'nodeName':'a','containers':[{'name':'c'}]},"
	        "'status':{'phase':'Running'}}",
	        kt_jstr(set, "metadata.uid"));
	fake_put(world->fake, PODS, second);
	world_run_ms(world, 1000);
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 1);
	pod = fake_nth(world->fake, "/api/v1/pods", 0);
	assert_string_equal(kt_jstr(pod, "metadata.name"), "second");
}

/* Nothing new comes on a node before the old pod is gone, and till then that one is told of. */
static void daemons_make_room_first(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *set = NULL, *pod = NULL;
	kt_auto_free char *path = NULL, *status_path = NULL;

	put_node(world, "a", "");
	fake_put(world->fake, DAEMONS, DAEMON("'maxUnavailable':1,'maxSurge':0"));
	world_settle(world, world_running);
	pod = fake_nth(world->fake, "/api/v1/pods", 0);
	path = kt_asprintf(PODS "/%s", kt_jstr(pod, "metadata.name"));
	status_path = kt_asprintf("%s/status", path);
	fake_patch(world->fake, path, "{'spec':{'nodeName':'a'}}");
	fake_delete(world->fake, path); /* it has 30 s to end */
	world_run_ms(world, 5000);
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 1);
	set = fake_get(world->fake, DAEMONS "/d");
	assert_int_equal(kt_jint(set, "status.currentNumberScheduled", 0), 1);
	assert_int_equal(kt_jint(set, "status.numberReady", 0), 1);
	fake_patch(world->fake, status_path, "{'status':{'phase':'Succeeded'}}");
	fake_delete(world->fake, path);
	world_run_ms(world, 1000);
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 1);
	assert_int_equal(count_made(world), 2);
}

/* A pod that tolerates none of a node's NoExecute taints goes, whatever other taints come first. */
static void daemons_leave_nodes_that_turn_them_out(void **state)
{
	struct world *world = *state;

	put_node(world, "a", "");
	fake_put(world->fake, DAEMONS, DAEMON("'maxUnavailable':1,'maxSurge':0"));
	world_settle(world, world_running);
	fake_patch(world->fake, "/api/v1/nodes/a",
	        "{'spec':{'taints':[{'key':'x','effect':'NoSchedule'}]}}");
	world_run_ms(world, 1000);
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 1);
	fake_patch(world->fake, "/api/v1/nodes/a",
	        "{'spec':{'taints':[{'key':'x','effect':'NoSchedule'},{'key':'y','effect':"
	        "'NoExecute'}]}}");
	world_run_ms(world, 1000);
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 0);
}

/* Where most pods of the owner's sets are one goes first; only then does age count. */
static void sets_of_one_owner_thin_out_together(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *map = NULL, *crowded = NULL, *alone = NULL;

	put_node(world, "a", "");
	put_node(world, "b", "");
	fake_put(world->fake, "/api/v1/namespaces/default/configmaps",
	        "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'m'}}");
	map = fake_get(world->fake, "/api/v1/namespaces/default/configmaps/m");
	put_ready(world, "new", "a", 1);
	put_ready(world, "old", "a", 1);
	put_ready(world, "old", "b", 15);
	put_set(world, "new", 1, kt_jstr(map, "metadata.uid"));
	put_set(world, "old", 2, kt_jstr(map, "metadata.uid"));
	world_run_ms(world, 1000);
	fake_patch(world->fake, "/apis/apps/v1/namespaces/default/replicasets/old",
	        "{'spec':{'replicas':1}}");
	world_run_ms(world, 1000);
	crowded = fake_get(world->fake, PODS "/old-a");
	alone = fake_get(world->fake, PODS "/old-b");
	assert_non_null(kt_jstr(crowded, "metadata.deletionTimestamp"));
	assert_null(kt_jstr(alone, "metadata.deletionTimestamp"));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, controllers_setup, world_teardown)
	const struct CMUnitTest tests[] = {
	        T(stateful_pods_come_in_order),
	        T(stateful_updates_go_from_the_top),
	        T(several_may_miss_at_once),
	        T(claims_come_before_their_pod),
	        T(claims_are_kept_or_go),
	        T(claims_of_others_are_left_alone),
	        T(daemons_run_on_every_node_that_fits),
	        T(daemons_that_fail_come_back_ever_later),
	        T(daemons_that_fail_are_not_given_up),
	        T(daemons_keep_the_pod_that_has_its_node),
	        T(daemons_make_room_first),
	        T(daemons_leave_nodes_that_turn_them_out),
	        T(sets_of_one_owner_thin_out_together),
	        T(a_lost_node_loses_its_pods),
	        T(nobody_is_driven_out_of_a_lost_cluster),
	        T(a_zone_that_mostly_fell_keeps_its_pods),
	        T(pods_of_a_node_out_of_service_are_freed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
