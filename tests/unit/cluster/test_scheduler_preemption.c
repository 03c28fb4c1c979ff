/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Preemption: who goes, from which node, and what is said when nobody can. */
#include "unit/cluster/scheduling.h"

/* A pod of priority 100 that asks for 4 of 8 CPUs. */
#define IMPORTANT(more) \
	"{'metadata':{'name':'hi','namespace':'default','uid':'hi','labels':{'app':'hi'}}," \
	"'spec':{'priority':100,'containers':[{'name':'c','resources':{'requests':{'cpu':'4'}}}" \
	"]" more "},'status':{'phase':'Pending'}}"

static void started(
        struct scheduling *s, const char *name, const char *node, int priority, const char *time)
{
	kt_auto_free char *json = kt_asprintf(
	        "{'metadata':{'name':'%s','namespace':'default','uid':'pod-%s','labels':{'app':"
	        "'web'}},'spec':{'nodeName':'%s','priority':%d,'containers':[{'name':'c',"
	        "'resources':{'requests':{'cpu':'3'}}}]},'status':{'phase':'Running','startTime':"
	        "'2026-01-01T%sZ'}}",
	        name, name, node, priority, time);

	scheduling_put(s, "pods", json);
}

static void assert_chosen(const struct scheduling *s, const char *node)
{
	assert_non_null(s->decision.preemption.chosen);
	assert_string_equal(s->decision.preemption.chosen->node->name, node);
}

static void only_as_many_go_as_must(void **state)
{
	struct scheduling *s = *state;

	scheduling_node(s, "a", NULL);
	scheduling_pod(s, "low", "a", "3", ",'priority':1");
	scheduling_pod(s, "mid", "a", "3", ",'priority':2");
	scheduling_pod(s, "equal", "a", "1", ",'priority':100");
	scheduling_decide(s, IMPORTANT(""));
	assert_null(s->decision.node);
	/* the more important one is given back; it fits beside the newcomer */
	assert_string_equal(scheduling_victims(s, "a"), "low");
	assert_chosen(s, "a");
	assert_string_equal(s->decision.message, "0/1 nodes are available: 1 Insufficient cpu.");
	/* the snapshot is as it was */
	scheduling_decide(s, IMPORTANT(""));
	assert_string_equal(scheduling_victims(s, "a"), "low");
}

static void among_equals_the_younger_goes(void **state)
{
	struct scheduling *s = *state;

	scheduling_node(s, "a", NULL);
	started(s, "old", "a", 1, "01:00:00");
	started(s, "young", "a", 1, "02:00:00");
	scheduling_decide(s, IMPORTANT(""));
	assert_string_equal(scheduling_victims(s, "a"), "young");
}

static void the_node_with_the_least_harm(void **state)
{
	struct scheduling *s = *state;

	scheduling_node(s, "a", NULL);
	scheduling_node(s, "b", NULL);
	scheduling_pod(s, "a1", "a", "7", ",'priority':50");
	scheduling_pod(s, "b1", "b", "7", ",'priority':10");
	scheduling_decide(s, IMPORTANT(""));
	assert_chosen(s, "b"); /* its most important victim is the least important */

	/* as important, but more of them in sum */
	scheduling_pod(s, "b1", "b", "3", ",'priority':50");
	scheduling_pod(s, "b2", "b", "3", ",'priority':5");
	scheduling_pod(s, "b3", "b", "2", ",'priority':5");
	scheduling_decide(s, IMPORTANT(""));
	assert_string_equal(scheduling_victims(s, "b"), "b2 b3");
	assert_chosen(s, "b");
	scheduling_pod(s, "a1", "a", "7", ",'priority':5");
	scheduling_decide(s, IMPORTANT(""));
	assert_chosen(s, "a");
}

static void the_latest_start_breaks_the_tie(void **state)
{
	struct scheduling *s = *state;

	scheduling_node(s, "a", NULL);
	scheduling_node(s, "b", NULL);
	scheduling_pod(s, "a0", "a", "4", ",'priority':100");
	scheduling_pod(s, "b0", "b", "4", ",'priority':100");
	started(s, "a1", "a", 1, "01:00:00");
	started(s, "b1", "b", 1, "03:00:00");
	scheduling_decide(s, IMPORTANT(""));
	assert_chosen(s, "b");
	/* what has not started is younger than all */
	scheduling_pod(s, "a1", "a", "3", ",'priority':1");
	scheduling_decide(s, IMPORTANT(""));
	assert_chosen(s, "a");
}

static void budgets_are_kept_where_possible(void **state)
{
	struct scheduling *s = *state;

	scheduling_node(s, "a", NULL);
	scheduling_node(s, "b", NULL);
	scheduling_pod(s, "a1", "a", "7", ",'priority':1");
	scheduling_put(s, "pods",
	        "{'metadata':{'name':'b1','namespace':'other','uid':'pod-b1','labels':{'app':"
	        "'web'}},'spec':{'nodeName':'b','priority':2,'containers':[{'name':'c','resources':"
	        "{'requests':{'cpu':'7'}}}]},'status':{'phase':'Running'}}");
	scheduling_put(s, "podDisruptionBudgets",
	        "{'metadata':{'name':'web','namespace':'default'},'spec':{'selector':{'matchLabels'"
	        ":{'app':'web'}}},'status':{'disruptionsAllowed':0}}");
	scheduling_decide(s, IMPORTANT(""));
	assert_chosen(s, "b"); /* though its victim is more important */
	scheduling_put(s, "podDisruptionBudgets",
	        "{'metadata':{'name':'web','namespace':'default'},'spec':{'selector':{'matchLabels'"
	        ":{'app':'web'}}},'status':{'disruptionsAllowed':1}}");
	scheduling_decide(s, IMPORTANT(""));
	assert_chosen(s, "a");
	/* an eviction under way has been counted */
	scheduling_put(s, "podDisruptionBudgets",
	        "{'metadata':{'name':'web','namespace':'default'},'spec':{'selector':{'matchLabels'"
	        ":{'app':'web'}}},'status':{'disruptionsAllowed':0,'disruptedPods':{'a1':"
	        "'2026-01-01T00:00:00Z'}}}");
	scheduling_decide(s, IMPORTANT(""));
	assert_chosen(s, "a");
	/* a selector that matches everything protects nothing here */
	scheduling_put(s, "podDisruptionBudgets",
	        "{'metadata':{'name':'web','namespace':'default'},'spec':{'selector':{}},'status':"
	        "{'disruptionsAllowed':0}}");
	scheduling_decide(s, IMPORTANT(""));
	assert_chosen(s, "a");
}

static void a_violating_pod_has_the_better_chance_to_stay(void **state)
{
	struct scheduling *s = *state;

	scheduling_node(s, "a", NULL);
	scheduling_pod(s, "kept", "a", "3", ",'priority':1");
	scheduling_put(s, "pods",
	        "{'metadata':{'name':'goes','namespace':'default','uid':'pod-goes','labels':{'app':"
	        "'other'}},'spec':{'nodeName':'a','priority':2,'containers':[{'name':'c',"
	        "'resources':{'requests':{'cpu':'3'}}}]},'status':{'phase':'Running'}}");
	scheduling_put(s, "podDisruptionBudgets",
	        "{'metadata':{'name':'web','namespace':'default'},'spec':{'selector':{'matchLabels'"
	        ":{'app':'web'}}},'status':{'disruptionsAllowed':0}}");
	scheduling_decide(s, IMPORTANT(""));
	assert_string_equal(scheduling_victims(s, "a"), "goes");
	assert_int_equal(s->decision.preemption.chosen->n_violations, 0);
}

static void some_may_not(void **state)
{
	struct scheduling *s = *state;

	scheduling_node(s, "a", NULL);
	scheduling_pod(s, "low", "a", "7", ",'priority':1");
	scheduling_decide(s, IMPORTANT(",'preemptionPolicy':'Never'"));
	assert_null(s->decision.preemption.chosen);
	assert_string_equal(s->decision.message,
	        "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, "
	        "preemption: not eligible due to preemptionPolicy=Never.");
	/* Its victims are still going. */
	scheduling_put(s, "pods",
	        "{'metadata':{'name':'low','namespace':'default','uid':'pod-low','labels':{'app':"
	        "'web'},'deletionTimestamp':'2026-01-01T00:00:00Z'},'spec':{'nodeName':'a',"
	        "'priority':1,'containers':[{'name':'c','resources':{'requests':{'cpu':'7'}}}]},"
	        "'status':{'phase':'Running','conditions':[{'type':'DisruptionTarget','status':"
	        "'True','reason':'PreemptionByScheduler'}]}}");
	scheduling_decide(s,
	        "{'metadata':{'name':'hi','namespace':'default','uid':'hi'},'spec':{'priority':100,"
	        "'containers':[{'name':'c','resources':{'requests':{'cpu':'4'}}}]},'status':{"
	        "'nominatedNodeName':'a'}}");
	assert_string_equal(s->decision.message,
	        "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, "
	        "preemption: not eligible due to a terminating pod on the nominated node.");
}

static void each_node_says_why_not(void **state)
{
	struct scheduling *s = *state;

	scheduling_node(s, "a", NULL);
	scheduling_node(s, "b", NULL);
	scheduling_put(s, "nodes",
	        "{'metadata':{'name':'small'},'spec':{},'status':{'allocatable':{'cpu':'2',"
	        "'memory':'1Gi','pods':'110'}}}");
	scheduling_put(s, "nodes",
	        "{'metadata':{'name':'port'},'spec':{},'status':{'allocatable':{'cpu':'8',"
	        "'memory':'1Gi','pods':'110'}}}");
	scheduling_pod(s, "a1", "a", "6", ",'priority':100");
	scheduling_pod(s, "b1", "b", "6", ",'priority':100");
	scheduling_pod(s, "b2", "b", "1", ",'priority':1");
	scheduling_put(s, "pods",
	        "{'metadata':{'name':'p','namespace':'default'},'spec':{'nodeName':'port',"
	        "'priority':100,'containers':[{'name':'c','ports':[{'hostPort':80}]}]},'status':"
	        "{}}");
	scheduling_decide(s,
	        "{'metadata':{'name':'hi','namespace':'default'},'spec':{'priority':100,"
	        "'containers':[{'name':'c','ports':[{'hostPort':80}],'resources':{'requests':"
	        "{'cpu':'4'}}}]}}");
	assert_string_equal(s->decision.message,
	        "0/4 nodes are available: 1 node(s) didn't have free ports for the requested pod "
	        "ports, 3 Insufficient cpu. no new claims to deallocate, preemption: 0/4 nodes are "
	        "available: 1 Insufficient cpu, 1 Preemption is not helpful for scheduling, 2 No "
	        "preemption victims found for incoming pod.");
}

/* What the plugins counted before must follow the pods that are taken and given back. */
static void spreading_and_affinity_follow(void **state)
{
	struct scheduling *s = *state;
	static const char spread[] =
	        IMPORTANT(",'topologySpreadConstraints':[{'maxSkew':1,'topologyKey':"
	                  "'kubernetes.io/hostname','whenUnsatisfiable':'DoNotSchedule',"
	                  "'labelSelector':{'matchLabels':{'app':'web'}}}],'nodeSelector':"
	                  "{'kubernetes.io/hostname':'a'}");

	scheduling_node(s, "a", NULL);
	scheduling_node(s, "b", NULL);
	scheduling_pod(s, "a1", "a", "1", ",'priority':1");
	scheduling_pod(s, "a2", "a", "1", ",'priority':2");
	/* With nodeAffinityPolicy Honor only "a" is a domain: nothing is wrong with the skew. */
	scheduling_decide(s, spread);
	assert_fits(s, "a");
	scheduling_decide(s,
	        "{'metadata':{'name':'hi','namespace':'default','labels':{'app':'web'}},'spec':{"
	        "'priority':100,'containers':[{'name':'c'}],'nodeSelector':{"
	        "'kubernetes.io/hostname':'a'},'topologySpreadConstraints':[{'maxSkew':1,"
	        "'topologyKey':'kubernetes.io/hostname','whenUnsatisfiable':'DoNotSchedule',"
	        "'nodeAffinityPolicy':'Ignore','labelSelector':{'matchLabels':{'app':'web'}}}]}}");
	assert_refused(s, "a", "node(s) didn't match pod topology spread constraints");
	assert_string_equal(scheduling_victims(s, "a"), "a2 a1");
	scheduling_decide(s,
	        "{'metadata':{'name':'hi','namespace':'default'},'spec':{'priority':100,"
	        "'containers':[{'name':'c'}],'nodeSelector':{'kubernetes.io/hostname':'a'},"
	        "'affinity':{'podAntiAffinity':{'requiredDuringSchedulingIgnoredDuringExecution':"
	        "[{'topologyKey':'kubernetes.io/hostname','labelSelector':{'matchLabels':{'app':"
	        "'web'}}}]}}}}");
	assert_string_equal(scheduling_victims(s, "a"), "a2 a1");
}

static void nominated_pods_hold_their_place(void **state)
{
	struct scheduling *s = *state;

	scheduling_node(s, "a", NULL);
	scheduling_put(s, "pods",
	        "{'metadata':{'name':'soon','namespace':'default','uid':'soon'},'spec':{"
	        "'priority':100,'containers':[{'name':'c','resources':{'requests':{'cpu':'6'}}}]},"
	        "'status':{'nominatedNodeName':'a'}}");
	scheduling_decide(s, IMPORTANT(""));
	assert_refused(s, "a", "Insufficient cpu");
	/* a more important one need not wait */
	scheduling_decide(s,
	        "{'metadata':{'name':'top','namespace':'default'},'spec':{'priority':101,"
	        "'containers':[{'name':'c','resources':{'requests':{'cpu':'4'}}}]}}");
	assert_fits(s, "a");
	/* nor the nominated pod itself, and it looks at no other node */
	scheduling_node(s, "b", NULL);
	scheduling_pod(s, "half", "a", "1", ",'priority':1");
	scheduling_decide(s,
	        "{'metadata':{'name':'soon','namespace':'default','uid':'soon'},'spec':{"
	        "'priority':100,'containers':[{'name':'c','resources':{'requests':{'cpu':'6'}}}]},"
	        "'status':{'nominatedNodeName':'a'}}");
	assert_string_equal(s->decision.node->name, "a");
	/* gone, its place is free */
	scheduling_put(s, "-pods", "{'metadata':{'name':'soon','uid':'soon'}}");
	scheduling_put(s, "-nodes", "{'metadata':{'name':'b'}}");
	scheduling_decide(s, IMPORTANT(""));
	assert_fits(s, "a");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, scheduling_setup, scheduling_teardown)
	const struct CMUnitTest tests[] = {
	        T(only_as_many_go_as_must),
	        T(among_equals_the_younger_goes),
	        T(the_node_with_the_least_harm),
	        T(the_latest_start_breaks_the_tie),
	        T(budgets_are_kept_where_possible),
	        T(a_violating_pod_has_the_better_chance_to_stay),
	        T(some_may_not),
	        T(each_node_says_why_not),
	        T(spreading_and_affinity_follow),
	        T(nominated_pods_hold_their_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
