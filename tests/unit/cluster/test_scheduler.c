/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The scheduler's loop: queue, decision, binding, condition; on a virtual loop against a client
 * without a server. */
#include "support/support.h"

#include "base/mem.h"
#include "base/str.h"
#include "cluster/scheduler/scheduler.h"
#include "support/world.h"

#define PODS "/api/v1/namespaces/default/pods"

static void destroy(void *part)
{
	kt_scheduler_destroy(part);
}

static int setup(void **state)
{
	struct kt_scheduler *scheduler;
	struct world *world;
	kt_auto_err err = KT_ERR_INIT;

	world_setup(state);
	world = *state;
	assert_int_equal(
	        kt_scheduler_create(
	                &(struct kt_scheduler_options){
	                        .client = fake_client_get(world->fake), .loop = world->loop},
	                &scheduler, &err),
	        0);
	kt_scheduler_start(scheduler);
	world->part = scheduler;
	world->destroy_part = destroy;
	return 0;
}

static void put_node(struct world *world, const char *name, const char *cpu)
{
	kt_auto_free char *text = kt_asprintf("{'apiVersion':'v1','kind':'Node','metadata':{'name':"
	                                      "'%s'},'spec':{},'status':{'allocatable':"
	                                      "{'cpu':'%s','memory':'8Gi','pods':'110'}}}",
	        name, cpu);

	fake_put(world->fake, "/api/v1/nodes", text);
}

static void put_pod(struct world *world, const char *name, const char *cpu)
{
	kt_auto_free char *text = kt_asprintf(
	        "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'%s'},'spec':{'schedulerName':"
	        "'default-scheduler','containers':[{'name':'c','resources':{'requests':{'cpu':'%s'}"
	        "}}]},'status':{'phase':'Pending'}}",
	        name, cpu);

	fake_put(world->fake, PODS, text);
}

static void assert_node(struct world *world, const char *name, const char *node)
{
	kt_auto_free char *path = kt_asprintf(PODS "/%s", name);
	kt_auto_json json_t *pod = fake_get(world->fake, path);

	if (node)
		assert_string_equal(kt_jstr(pod, "spec.nodeName"), node);
	else
		assert_null(kt_jstr(pod, "spec.nodeName"));
}

static void the_emptier_node_wins(void **state)
{
	struct world *world = *state;

	put_node(world, "small", "2");
	put_node(world, "large", "8");
	put_pod(world, "a", "1");
	world_run_ms(world, 100);
	assert_node(world, "a", "large");
}

static void no_node_is_overbooked(void **state)
{
	struct world *world = *state;

	put_node(world, "one", "2");
	for (int i = 0; i < 5; i++) {
		char name[16];

		snprintf(name, sizeof(name), "p%d", i);
		put_pod(world, name, "1");
	}
	world_run_ms(world, 100);
	assert_node(world, "p0", "one");
	assert_node(world, "p1", "one");
	assert_node(world, "p2", NULL);
	/* Room for one more comes with a deletion. */
	fake_delete(world->fake, PODS "/p0");
	fake_patch(world->fake, PODS "/p0",
	        "{'metadata':{'deletionGracePeriodSeconds':0},'status':{'phase':'Failed'}}");
	world_run_ms(world, 20000);
	assert_node(world, "p2", "one");
	assert_node(world, "p3", NULL);
}

static void a_waiting_pod_says_why(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *pod = NULL, *event = NULL;

	put_node(world, "one", "2");
	put_pod(world, "a", "3");
	world_run_ms(world, 100);
	pod = fake_get(world->fake, PODS "/a");
	assert_string_equal(kt_jstr(pod, "status.conditions.0.reason"), "Unschedulable");
	assert_string_equal(kt_jstr(pod, "status.conditions.0.message"),
	        "0/1 nodes are available: 1 Insufficient cpu. no new claims to "
	        "deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for "
	        "scheduling.");
	event = fake_nth(world->fake, "/api/v1/events", 0);
	assert_string_equal(kt_jstr(event, "reason"), "FailedScheduling");
	assert_string_equal(kt_jstr(event, "involvedObject.name"), "a");
	put_node(world, "two", "4");
	world_run_ms(world, 3000);
	assert_node(world, "a", "two");
}

static void equals_share_alike(void **state)
{
	struct world *world = *state;
	int n[3] = {0};

	put_node(world, "n0", "8");
	put_node(world, "n1", "8");
	put_node(world, "n2", "8");
	for (int i = 0; i < 60; i++) {
		kt_auto_json json_t *pod = NULL;

		put_pod(world, "p", "1");
		world_run_ms(world, 100);
		pod = fake_get(world->fake, PODS "/p");
		assert_non_null(kt_jstr(pod, "spec.nodeName"));
		n[kt_jstr(pod, "spec.nodeName")[1] - '0']++;
		fake_delete(world->fake, PODS "/p");
		fake_patch(world->fake, PODS "/p", "{'metadata':{'deletionGracePeriodSeconds':0}}");
		world_run_ms(world, 100);
	}
	for (int i = 0; i < 3; i++)
		assert_in_range(n[i], 10, 30);
}

static void a_refused_binding_is_tried_again(void **state)
{
	struct world *world = *state;

	fake_refuse(world->fake, "/binding", 2);
	put_node(world, "one", "2");
	put_pod(world, "a", "2");
	world_run_ms(world, 10000);
	assert_node(world, "a", "one");
}

static void gates_and_taints_hold(void **state)
{
	struct world *world = *state;

	put_node(world, "one", "2");
	fake_put(world->fake, PODS,
	        "{'metadata':{'name':'gated'},'spec':{'schedulingGates':[{'name':'x'}],'containers'"
	        ":[{'name':'c'}]}}");
	put_pod(world, "a", "1");
	world_run_ms(world, 100);
	assert_node(world, "gated", NULL);
	assert_node(world, "a", "one");
	fake_patch(world->fake, "/api/v1/nodes/one",
	        "{'spec':{'taints':[{'key':'k','effect':'NoSchedule'}]}}");
	fake_patch(world->fake, PODS "/gated", "{'spec':{'schedulingGates':null}}");
	world_run_ms(world, 100);
	assert_node(world, "gated", NULL);
	fake_patch(world->fake, "/api/v1/nodes/one", "{'spec':{'taints':null}}");
	world_run_ms(world, 20000);
	assert_node(world, "gated", "one");
}

static void put_priority_pod(struct world *world, const char *name, int priority, const char *cpu)
{
	kt_auto_free char *text = kt_asprintf(
	        "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'%s'},'spec':{'schedulerName':"
	        "'default-scheduler','priority':%d,'containers':[{'name':'c','resources':{'"
	        "requests'"
	        ":{'cpu':'%s'}}}]},'status':{'phase':'Pending'}}",
	        name, priority, cpu);

	fake_put(world->fake, PODS, text);
}

static json_t *event_of(struct world *world, const char *pod, const char *reason)
{
	for (size_t i = 0; i < fake_count(world->fake, "/api/v1/events"); i++) {
		json_t *event = fake_nth(world->fake, "/api/v1/events", i);

		if (kt_streq(kt_jstr(event, "reason"), reason) &&
		        kt_streq(kt_jstr(event, "involvedObject.name"), pod))
			return event;
		json_decref(event);
	}
	return NULL;
}

static void the_more_important_pushes_others_aside(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *pod = NULL, *event = NULL;

	put_node(world, "one", "4");
	put_priority_pod(world, "low", 1, "3");
	world_run_ms(world, 100);
	assert_node(world, "low", "one");
	put_priority_pod(world, "high", 9, "3");
	world_run_ms(world, 100);
	/* The victim goes in its own time; meanwhile the place is kept. */
	pod = fake_get(world->fake, PODS "/low");
	assert_non_null(kt_jstr(pod, "metadata.deletionTimestamp"));
	assert_string_equal(kt_jstr(pod, "status.conditions.0.type"), "DisruptionTarget");
	assert_string_equal(kt_jstr(pod, "status.conditions.0.reason"), "PreemptionByScheduler");
	assert_string_equal(kt_jstr(pod, "status.conditions.0.message"),
	        "default-scheduler: preempting to accommodate a higher priority pod");
	event = event_of(world, "low", "Preempted");
	assert_non_null(strstr(kt_jstr(event, "message"), "Preempted by pod "));
	assert_non_null(strstr(kt_jstr(event, "message"), " on node one"));
	json_decref(pod);
	pod = fake_get(world->fake, PODS "/high");
	assert_string_equal(kt_jstr(pod, "status.nominatedNodeName"), "one");
	assert_string_equal(kt_jstr(pod, "status.conditions.0.message"),
	        "0/1 nodes are available: 1 Insufficient cpu.");
	assert_node(world, "high", NULL);
	put_priority_pod(world, "late", 1, "1");
	fake_delete(world->fake, PODS "/low");
	fake_patch(world->fake, PODS "/low",
	        "{'metadata':{'deletionGracePeriodSeconds':0},'status':{'phase':'Failed'}}");
	world_run_ms(world, 5000);
	assert_node(world, "high", "one");
	assert_node(world, "late", "one");
}

static void a_victim_is_chosen_once(void **state)
{
	struct world *world = *state;
	size_t writes;

	put_node(world, "one", "4");
	put_node(world, "two", "4");
	put_priority_pod(world, "a", 1, "3");
	put_priority_pod(world, "b", 1, "3");
	world_run_ms(world, 100);
	put_priority_pod(world, "high", 9, "3");
	world_run_ms(world, 100);
	writes = fake_writes(world->fake);
	/* Whatever happens, it waits for the one it has chosen. */
	fake_put(world->fake, PODS,
	        "{'metadata':{'name':'ended'},'spec':{'nodeName':'two','containers':[{'name':'c'}]}"
	        ",'status':{'phase':'Running'}}");
	fake_patch(world->fake, PODS "/ended/status", "{'status':{'phase':'Succeeded'}}");
	world_run_ms(world, 20000);
	kt_auto_json json_t *a = fake_get(world->fake, PODS "/a"),
	                    *b = fake_get(world->fake, PODS "/b"),
	                    *high = fake_get(world->fake, PODS "/high");

	assert_int_equal(!kt_jstr(a, "metadata.deletionTimestamp") +
	                         !kt_jstr(b, "metadata.deletionTimestamp"),
	        1);
	assert_non_null(strstr(kt_jstr(high, "status.conditions.0.message"),
	        "not eligible due to a terminating pod on the nominated node."));
	assert_true(fake_writes(world->fake) > writes);
}

static void a_changed_pod_is_tried_again(void **state)
{
	struct world *world = *state;

	fake_put(world->fake, "/api/v1/nodes",
	        "{'metadata':{'name':'one'},'spec':{'taints':[{'key':'k','effect':'NoSchedule'}]},"
	        "'status':{'allocatable':{'cpu':'4','memory':'8Gi','pods':'110'}}}");
	put_pod(world, "a", "1");
	world_run_ms(world, 20000);
	assert_node(world, "a", NULL);
	fake_patch(world->fake, PODS "/a", "{'spec':{'tolerations':[{'operator':'Exists'}]}}");
	world_run_ms(world, 100);
	assert_node(world, "a", "one");
}

#define CLAIMS "/api/v1/namespaces/default/persistentvolumeclaims"

static void put_late_claim(struct world *world, const char *provisioner)
{
	kt_auto_free char *text =
	        kt_asprintf("{'metadata':{'name':'late'},'provisioner':'%s','volumeBindingMode':"
	                    "'WaitForFirstConsumer'}",
	                provisioner);

	fake_put(world->fake, "/apis/storage.k8s.io/v1/storageclasses", text);
	fake_put(world->fake, CLAIMS,
	        "{'metadata':{'name':'c'},'spec':{'accessModes':['ReadWriteOnce'],"
	        "'storageClassName':'late','resources':{'requests':{'storage':'1Gi'}}},'status':{"
	        "'phase':'Pending'}}");
	fake_put(world->fake, PODS,
	        "{'metadata':{'name':'a'},'spec':{'schedulerName':'default-scheduler','containers':"
	        "[{'name':'c'}],'volumes':[{'name':'v','persistentVolumeClaim':{'claimName':'c'}}]}"
	        ",'status':{'phase':'Pending'}}");
}

/* As the volume controller does. */
static void bind_claim(struct world *world, const char *volume)
{
	kt_auto_free char *text = kt_asprintf(
	        "{'metadata':{'annotations':{'pv.kubernetes.io/bind-completed':'yes'}},'spec':{"
	        "'volumeName':'%s'}}",
	        volume);

	fake_patch(world->fake, CLAIMS "/c", text);
	fake_patch(world->fake, CLAIMS "/c/status", "{'status':{'phase':'Bound'}}");
}

static void a_claim_is_provided_for_before_its_pod(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *claim = NULL, *pod = NULL;

	put_node(world, "one", "2");
	put_late_claim(world, "example.com/disk");
	world_run_ms(world, 1000);
	assert_node(world, "a", NULL);
	claim = fake_get(world->fake, CLAIMS "/c");
	assert_string_equal(
	        json_string_value(json_object_get(kt_jget(claim, "metadata.annotations"),
	                "volume.kubernetes.io/selected-node")),
	        "one");
	pod = fake_get(world->fake, PODS "/a");
	assert_string_equal(kt_jstr(pod, "status.nominatedNodeName"), "one");
	bind_claim(world, "pv");
	world_run_ms(world, 100);
	assert_node(world, "a", "one");
}

static void a_chosen_volume_is_reserved(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *claim = NULL, *volume = NULL;

	put_node(world, "one", "2");
	fake_put(world->fake, "/api/v1/persistentvolumes",
	        "{'metadata':{'name':'pv'},'spec':{'accessModes':['ReadWriteOnce'],"
	        "'storageClassName':'late','capacity':{'storage':'1Gi'}},'status':{'phase':"
	        "'Available'}}");
	/* refused once: it is tried again */
	fake_refuse(world->fake, "/persistentvolumes/pv", 1);
	put_late_claim(world, "kubernetes.io/no-provisioner");
	world_run_ms(world, 5000);
	claim = fake_get(world->fake, CLAIMS "/c");
	volume = fake_get(world->fake, "/api/v1/persistentvolumes/pv");
	assert_string_equal(kt_jstr(volume, "spec.claimRef.name"), "c");
	assert_string_equal(kt_jstr(volume, "spec.claimRef.uid"), kt_jstr(claim, "metadata.uid"));
	assert_node(world, "a", NULL);
	bind_claim(world, "pv");
	world_run_ms(world, 100);
	assert_node(world, "a", "one");
	assert_null(kt_jget(claim, "metadata.annotations"));
}

static void a_claim_that_is_not_bound_in_time(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *event = NULL;

	put_node(world, "one", "2");
	put_late_claim(world, "example.com/disk");
	world_run_ms(world, 605000);
	event = event_of(world, "a", "FailedScheduling");
	assert_string_equal(kt_jstr(event, "message"),
	        "running PreBind plugin \"VolumeBinding\": binding volumes: context deadline "
	        "exceeded");
	/* and yet, later */
	bind_claim(world, "pv");
	fake_put(world->fake, "/api/v1/persistentvolumes",
	        "{'metadata':{'name':'pv'},'spec':{},'status':{'phase':'Bound'}}");
	world_run_ms(world, 20000);
	assert_node(world, "a", "one");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, world_teardown)
	const struct CMUnitTest tests[] = {
	        T(the_emptier_node_wins),
	        T(no_node_is_overbooked),
	        T(a_waiting_pod_says_why),
	        T(equals_share_alike),
	        T(a_refused_binding_is_tried_again),
	        T(gates_and_taints_hold),
	        T(the_more_important_pushes_others_aside),
	        T(a_victim_is_chosen_once),
	        T(a_changed_pod_is_tried_again),
	        T(a_claim_is_provided_for_before_its_pod),
	        T(a_chosen_volume_is_reserved),
	        T(a_claim_that_is_not_bound_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
