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

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, world_teardown)
	const struct CMUnitTest tests[] = {
	        T(the_emptier_node_wins),
	        T(no_node_is_overbooked),
	        T(a_waiting_pod_says_why),
	        T(a_refused_binding_is_tried_again),
	        T(gates_and_taints_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
