/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What budgets make of pods that nobody controls, or whose owner has no scale. */
#include "support/support.h"

#include "base/mem.h"
#include "controllers_world.h"

#define BUDGETS "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
#define PODS "/api/v1/namespaces/default/pods"

static void put_budget(struct world *world, const char *spec)
{
	kt_auto_free char *text = kt_asprintf(
	        "{'apiVersion':'policy/v1','kind':'PodDisruptionBudget','metadata':{'name':'b'},"
	        "'spec':{%s'selector':{'matchLabels':{'app':'web'}}}}",
	        spec);

	fake_put(world->fake, BUDGETS, text);
}

/* owner: kind and uid of the one that controls it; NULL: nobody. */
static void put_pod(struct world *world, const char *name, const char *owner)
{
	kt_auto_free char *text = kt_asprintf(
	        "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'%s','labels':{'app':'web'}%s},"
	        "'spec':{'nodeName':'n','containers':[{'name':'c'}]},'status':{'phase':'Running',"
	        "'conditions':[{'type':'Ready','status':'True'}]}}",
	        name, owner ? owner : "");

	fake_put(world->fake, PODS, text);
}

static json_t *status(struct world *world)
{
	return fake_get(world->fake, BUDGETS "/b");
}

static void pods_of_nobody_do_not_count(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *budget = NULL, *set = NULL;
	kt_auto_free char *owner = NULL;

	fake_put(world->fake, "/apis/apps/v1/namespaces/default/replicasets",
	        "{'apiVersion':'apps/v1','kind':'ReplicaSet','metadata':{'name':'s'},'spec':{"
	        "'replicas':2,'selector':{'matchLabels':{'app':'other'}},'template':{'metadata':{"
	        "'labels':{'app':'other'}},'spec':{'containers':[{'name':'c'}]}}}}");
	set = fake_get(world->fake, "/apis/apps/v1/namespaces/default/replicasets/s");
	owner = kt_asprintf(",'ownerReferences':[{'apiVersion':'apps/v1','kind':'ReplicaSet','name'"
	                    ":'s','uid':'%s','controller':true}]",
	        kt_jstr(set, "metadata.uid"));
	put_budget(world, "'maxUnavailable':'50%',");
	put_pod(world, "lonely", NULL);
	world_run_ms(world, 1000);
	budget = status(world);
	assert_int_equal(kt_jint(budget, "status.expectedPods", -1), 0);
	assert_int_equal(kt_jint(budget, "status.disruptionsAllowed", -1), 0);
	assert_string_equal(
	        world_condition(budget, "DisruptionAllowed", "reason"), "InsufficientPods");
	assert_true(world_has_event(world, "UnmanagedPods",
	        "Pods selected by this PodDisruptionBudget (selector: app=web) were found to be "
	        "unmanaged. As a result, the status of the PDB cannot be calculated correctly, "
	        "which may result in undefined behavior. To account for these pods please set "
	        "\".spec.minAvailable\" field of the PDB to an integer value."));
	fake_patch(world->fake, "/apis/apps/v1/namespaces/default/replicasets/s",
	        "{'spec':{'selector':{'matchLabels':{'app':'web'}}}}");
	put_pod(world, "owned", owner);
	world_run_ms(world, 1000);
	json_decref(budget);
	budget = status(world);
	assert_int_equal(kt_jint(budget, "status.expectedPods", -1), 2);
	assert_int_equal(kt_jint(budget, "status.desiredHealthy", -1), 1);
}

static void an_owner_without_a_scale_stops_it(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *budget = NULL;

	put_budget(world, "'minAvailable':1,");
	put_pod(world, "p",
	        ",'ownerReferences':[{'apiVersion':'batch/v1','kind':'Job','name':'j','uid':'u',"
	        "'controller':true}]");
	world_run_ms(world, 1000);
	fake_patch(world->fake, BUDGETS "/b",
	        "{'spec':{'minAvailable':null,'maxUnavailable':1},'metadata':{'generation':2}}");
	world_run_ms(world, 1000);
	budget = status(world);
	assert_string_equal(world_condition(budget, "DisruptionAllowed", "reason"), "SyncFailed");
	assert_string_equal(world_condition(budget, "DisruptionAllowed", "message"),
	        "jobs.batch does not implement the scale subresource");
	assert_int_equal(kt_jint(budget, "status.disruptionsAllowed", -1), 0);
	/* what was counted before stands */
	assert_int_equal(kt_jint(budget, "status.currentHealthy", -1), 1);
	assert_int_equal(kt_jint(budget, "status.observedGeneration", -1), 1);
	assert_true(world_has_event(world, "CalculateExpectedPodCountFailed",
	        "Failed to calculate the number of expected pods: jobs.batch does not implement "
	        "the scale subresource"));
}

static void a_budget_of_nothing_allows_nothing(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *budget = NULL;

	put_budget(world, "");
	put_pod(world, "p", NULL);
	world_run_ms(world, 1000);
	budget = status(world);
	assert_int_equal(kt_jint(budget, "status.desiredHealthy", -1), 0);
	assert_int_equal(kt_jint(budget, "status.expectedPods", -1), 0);
	assert_int_equal(kt_jint(budget, "status.currentHealthy", -1), 1);
	assert_int_equal(kt_jint(budget, "status.disruptionsAllowed", -1), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, controllers_setup, world_teardown)
	const struct CMUnitTest tests[] = {
	        T(pods_of_nobody_do_not_count),
	        T(an_owner_without_a_scale_stops_it),
	        T(a_budget_of_nothing_allows_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
