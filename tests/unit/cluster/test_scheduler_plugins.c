/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rules of single plugins that decide where a pod may go and what a node is worth to it. */
#include "unit/cluster/scheduling.h"

#define WEB \
	"{'metadata':{'name':'new','namespace':'default','labels':{'app':'web','tier':'x'}}," \
	"'spec':{'containers':[{'name':'c','resources':{'requests':{'cpu':'1'}}}]}}"
#define OWNED(kind, name) \
	"{'metadata':{'name':'new','namespace':'default','labels':{'app':'web'}," \
	"'ownerReferences':[{'kind':'" kind "','name':'" name \
	"','controller':true}]},'spec':{'containers':[{'name':'c','resources':{'requests':" \
	"{'cpu':'1'}}}]}}"

/* Two nodes alike but for a pod that counts nothing and matches. */
static void put_two_zones(struct scheduling *s)
{
	scheduling_node(s, "a", "z1");
	scheduling_node(s, "b", "z2");
	scheduling_pod(s, "p1", "a", NULL, NULL);
	scheduling_pod(s, "p2", "a", NULL, NULL);
	scheduling_pod(s, "other", "b", NULL, NULL);
	scheduling_put(s, "pods",
	        "{'metadata':{'name':'other','namespace':'default','uid':'pod-other','labels':"
	        "{'app':'db'}},'spec':{'nodeName':'b','containers':[{'name':'c'}]},'status':{}}");
	/* three pods of 100m and 200Mi each weigh alike on scores */
	scheduling_put(s, "pods",
	        "{'metadata':{'name':'other2','namespace':'default','labels':{'app':'db'}},'spec':"
	        "{'nodeName':'b','containers':[{'name':'c'}]},'status':{}}");
}

static int64_t advantage_of_b(struct scheduling *s, const char *pod)
{
	scheduling_decide(s, pod);
	return scheduling_total(s, "b") - scheduling_total(s, "a");
}

static void pods_of_a_service_are_spread(void **state)
{
	struct scheduling *s = *state;

	put_two_zones(s);
	assert_int_equal(advantage_of_b(s, WEB), 0);
	scheduling_put(s, "services",
	        "{'metadata':{'name':'s','namespace':'elsewhere'},'spec':{'selector':{'app':'web'}"
	        "}}");
	scheduling_put(s, "services",
	        "{'metadata':{'name':'none','namespace':'default'},'spec':{'selector':{}}}");
	scheduling_put(s, "services",
	        "{'metadata':{'name':'db','namespace':'default'},'spec':{'selector':{'app':'db'}}"
	        "}");
	assert_int_equal(advantage_of_b(s, WEB), 0);
	scheduling_put(s, "services",
	        "{'metadata':{'name':'web','namespace':'default'},'spec':{'selector':{'app':'web'}"
	        "}}");
	/* raw scores 2 ln 4 + 2 + 2 ln 4 + 4 = 11.5 and 6: 50 and 100, weight 2 */
	assert_int_equal(advantage_of_b(s, WEB), 100);
	/* constraints of its own, even empty ones of another kind, end the defaulting */
	assert_int_equal(
	        advantage_of_b(s, "{'metadata':{'name':'new','namespace':'default','labels':{'app':"
	                          "'web'}},'spec':{'containers':[{'name':'c'}],"
	                          "'topologySpreadConstraints':[{'maxSkew':5,'topologyKey':"
	                          "'kubernetes.io/hostname','whenUnsatisfiable':'DoNotSchedule',"
	                          "'labelSelector':{'matchLabels':{'app':'web'}}}]}}"),
	        0);
	scheduling_put(s, "-services", "{'metadata':{'name':'web','namespace':'default'}}");
	assert_int_equal(advantage_of_b(s, WEB), 0);
}

static void pods_of_a_controller_are_spread(void **state)
{
	struct scheduling *s = *state;

	put_two_zones(s);
	assert_int_equal(advantage_of_b(s, OWNED("ReplicaSet", "web")), 0);
	scheduling_put(s, "replicaSets",
	        "{'metadata':{'name':'web','namespace':'default'},'spec':{'selector':{"
	        "'matchExpressions':[{'key':'app','operator':'In','values':['web']}]}}}");
	scheduling_put(s, "statefulSets",
	        "{'metadata':{'name':'db','namespace':'default'},'spec':{'selector':{'matchLabels'"
	        ":{'app':'db'}}}}");
	scheduling_put(s, "replicationControllers",
	        "{'metadata':{'name':'web','namespace':'default'},'spec':{'selector':{'app':'web'}"
	        "}}");
	assert_int_equal(advantage_of_b(s, OWNED("ReplicaSet", "web")), 100);
	assert_int_equal(advantage_of_b(s, OWNED("ReplicationController", "web")), 100);
	/* whoever is named: the pods its selector matches count, here those on b */
	assert_int_equal(advantage_of_b(s, OWNED("StatefulSet", "db")), -100);
	assert_int_equal(advantage_of_b(s, OWNED("Job", "web")), 0);
	/* A service and its controller: both must match. */
	scheduling_put(s, "services",
	        "{'metadata':{'name':'web','namespace':'default'},'spec':{'selector':{'app':'web'}"
	        "}}");
	assert_int_equal(advantage_of_b(s, OWNED("StatefulSet", "db")), 0);
}

static void a_node_without_a_zone_takes_part_by_default(void **state)
{
	struct scheduling *s = *state;

	put_two_zones(s);
	scheduling_node(s, "c", NULL);
	scheduling_put(s, "services",
	        "{'metadata':{'name':'web','namespace':'default'},'spec':{'selector':{'app':'web'}"
	        "}}");
	scheduling_decide(s, WEB);
	/* without a zone less is counted against it */
	assert_true(scheduling_total(s, "c") > scheduling_total(s, "a"));
	scheduling_decide(s,
	        "{'metadata':{'name':'new','namespace':'default','labels':{'app':'web'}},'spec':{"
	        "'containers':[{'name':'c'}],'topologySpreadConstraints':[{'maxSkew':1,"
	        "'topologyKey':'topology.kubernetes.io/zone','whenUnsatisfiable':'ScheduleAnyway',"
	        "'labelSelector':{'matchLabels':{'app':'web'}}}]}}");
	assert_true(scheduling_total(s, "c") < scheduling_total(s, "b"));
}

/* The arrays of counts must say what counting anew would say, whatever happened. */
static void tallies_keep_up(void **state)
{
	struct scheduling *s = *state;
	struct kt_json_at selector = {"{\"matchLabels\":{\"app\":\"web\"}}", 29};
	const struct kt_pod_tally *tally;
	uint32_t seed = 1;

	for (int i = 0; i < 2000; i++) {
		char node[16], pod[16], json[512];
		int op = (int)((seed = seed * 1103515245 + 12345) >> 16) % 10;
		int n = (int)(seed >> 8) % 6, p = (int)(seed >> 12) % 40;

		snprintf(node, sizeof(node), "n%d", n);
		snprintf(pod, sizeof(pod), "p%d", p);
		if (op == 0) {
			snprintf(json, sizeof(json), "{'metadata':{'name':'%s'}}", node);
			scheduling_put(s, "-nodes", json);
		} else if (op == 1) {
			scheduling_node(s, node, p % 2 ? "z1" : p % 3 ? "z2" : NULL);
		} else if (op < 4) {
			snprintf(json, sizeof(json), "{'metadata':{'name':'%s','uid':'pod-%s'}}",
			        pod, pod);
			scheduling_put(s, "-pods", json);
		} else {
			snprintf(json, sizeof(json),
			        "{'metadata':{'name':'%s','namespace':'%s','uid':'pod-%s','labels':"
			        "{'app':'%s'}%s},'spec':{'nodeName':'%s'},'status':{}}",
			        pod, p % 5 ? "default" : "other", pod, op < 8 ? "web" : "db",
			        op == 5 ? ",'deletionTimestamp':'2026-01-01T00:00:00Z'" : "", node);
			scheduling_put(s, "pods", json);
		}
		tally = kt_pod_tally_of(&s->snapshot, KT_SV("default"), selector);
		for (size_t k = 0; k < s->snapshot.nodes.n; k++) {
			const struct kt_node_info *info = s->snapshot.nodes.items[k];
			struct kt_sv zone = {0};
			int32_t wanted = 0;

			for (size_t q = 0; q < info->pods.n; q++) {
				const struct kt_object *object = info->pods.items[q]->object;

				wanted += kt_sv_is(info->pods.items[q]->namespace, "default") &&
				          !object->deletion_timestamp.len &&
				          kt_selector_matches(tally->selector, object);
			}
			assert_int_equal(kt_pod_tally_count(tally, info), wanted);
			struct kt_topology *zones =
			        kt_topology_of(&s->snapshot, KT_SV("topology.kubernetes.io/zone"));
			bool has = kt_object_label(
			        info->object, KT_SV("topology.kubernetes.io/zone"), &zone);

			assert_int_equal(kt_topology_value(zones, info),
			        has ? (uintptr_t)kt_map_get_sv(&zones->values, zone) : 0);
		}
		if (i % 100 == 99)
			kt_tallies_trim(s->snapshot.tallies, i % 200 == 99 ? 0 : 1000);
	}
}

static void named_nodes_are_the_only_ones_tried(void **state)
{
	struct scheduling *s = *state;

	scheduling_node(s, "a", NULL);
	scheduling_node(s, "b", NULL);
	scheduling_node(s, "c", NULL);
#define NAMED(terms) \
	"{'metadata':{'name':'new','namespace':'default'},'spec':{'containers':[{'name':'c'}]," \
	"'affinity':{'nodeAffinity':{'requiredDuringSchedulingIgnoredDuringExecution':{" \
	"'nodeSelectorTerms':[" terms "]}}}}}"
#define NAME_IN(values) \
	"{'matchFields':[{'key':'metadata.name','operator':'In','values':[" values "]}]}"
	scheduling_decide(s, NAMED(NAME_IN("'b'")));
	assert_refused(s, "a", "node(s) didn't satisfy plugin(s) [NodeAffinity]");
	assert_string_equal(s->decision.node->name, "b");
	scheduling_decide(s, NAMED(NAME_IN("'b'") "," NAME_IN("'gone','c'")));
	assert_refused(s, "a", "node(s) didn't satisfy plugin(s) [NodeAffinity]");
	assert_int_equal(s->decision.n_feasible, 2);
	/* one term without a name opens all nodes to the search */
	scheduling_decide(s, NAMED(NAME_IN("'b'") ",{'matchExpressions':[{'key':'x','operator':"
	                                          "'Exists'}]}"));
	assert_refused(s, "a", "node(s) didn't match Pod's node affinity/selector");
	scheduling_decide(s, NAMED(NAME_IN("'gone'")));
	assert_string_equal(s->decision.message,
	        "0/3 nodes are available: 3 node(s) didn't satisfy plugin(s) [NodeAffinity]. no "
	        "new claims to deallocate, preemption: 0/3 nodes are available: 3 Preemption is "
	        "not helpful for scheduling.");
	scheduling_decide(
	        s, NAMED("{'matchFields':[{'key':'metadata.name','operator':'In','values':['a']},"
	                 "{'key':'metadata.name','operator':'In','values':['b']}]}"));
	assert_string_equal(s->decision.message,
	        "0/3 nodes are available: pod affinity terms conflict. not found");
}

static void an_image_has_the_size_its_first_node_told(void **state)
{
	struct scheduling *s = *state;
	static const char node[] =
	        "{'metadata':{'name':'%s'},'spec':{},'status':{'allocatable':{'cpu':'8','memory':"
	        "'32Gi','pods':'110'},'images':[{'names':['i:1'],'sizeBytes':%d}]}}";
	char json[512];

	snprintf(json, sizeof(json), node, "a", 900000000);
	scheduling_put(s, "nodes", json);
	snprintf(json, sizeof(json), node, "b", 100000000);
	scheduling_put(s, "nodes", json);
	scheduling_decide(s,
	        "{'metadata':{'name':'new','namespace':'default'},'spec':{'containers':[{'name':"
	        "'c','image':'i:1'}]}}");
	assert_int_equal(scheduling_total(s, "a"), scheduling_total(s, "b"));
	/* (900 MB - 23 MiB) of (1000 MiB - 23 MiB): 85 of 100, beside 300 for taints and 99 for
	 * what is free */
	assert_int_equal(scheduling_total(s, "a"), 300 + 98 + 85);
}

/* Names count once for each node; an image mounted as a volume counts like a container's. */
static void an_image_volume_draws_its_pod(void **state)
{
	struct scheduling *s = *state;

	scheduling_node(s, "a", NULL);
	scheduling_put(s, "nodes",
	        "{'metadata':{'name':'b'},'spec':{},'status':{'allocatable':{'cpu':'8','memory':"
	        "'32Gi','pods':'110'},'images':[{'names':['i:latest','i:latest'],'sizeBytes':"
	        "800000000},{'names':['i:latest'],'sizeBytes':1}]}}");
	scheduling_decide(s,
	        "{'metadata':{'name':'new','namespace':'default'},'spec':{'containers':[{'name':"
	        "'c','image':'j'}],'volumes':[{'name':'e','emptyDir':{}},{'name':'v','image':{"
	        "'reference':'i'}}]}}");
	/* half of the nodes have it: (400 MB - 23 MiB) of (1000 MiB - 23 MiB) */
	assert_int_equal(scheduling_total(s, "b") - scheduling_total(s, "a"), 36);
}

static struct kt_pod_info *read_pod(struct scheduling *s, const char *json)
{
	kt_auto_object struct kt_object *object = scheduling_object(s, json);

	return kt_pod_info_create(object);
}

static void a_resized_pod_counts_with_the_larger(void **state)
{
	struct scheduling *s = *state;
	static const char form[] =
	        "{'metadata':{'name':'p','namespace':'default'},'spec':{'nodeName':'n',"
	        "'containers':[{'name':'c','resources':{'requests':{'cpu':'2','memory':'1Gi'}}},"
	        "{'name':'d','resources':{'requests':{'cpu':'1'}}}]},'status':{%s"
	        "'containerStatuses':[{'name':'c','resources':{'requests':{'cpu':'3','memory':"
	        "'512Mi'}},'allocatedResources':{'cpu':'1','memory':'2Gi'}}]}}";
	char json[1024];
	struct kt_pod_info *pod;

	snprintf(json, sizeof(json), form, "");
	pod = read_pod(s, json);
	assert_int_equal(pod->requests.milli_cpu, 4000);
	assert_int_equal(pod->requests.memory_bytes, INT64_C(2) << 30);
	kt_pod_info_destroy(pod);
	/* refused: what is wished for does not count, for the container that tells what it has */
	snprintf(json, sizeof(json), form,
	        "'conditions':[{'type':'PodResizePending','reason':'Infeasible'}],");
	pod = read_pod(s, json);
	assert_int_equal(pod->requests.milli_cpu, 3000 + 1000);
	kt_pod_info_destroy(pod);
	snprintf(json, sizeof(json), form,
	        "'conditions':[{'type':'PodResizePending','reason':'Deferred'}],");
	pod = read_pod(s, json);
	assert_int_equal(pod->requests.memory_bytes, INT64_C(2) << 30);
	kt_pod_info_destroy(pod);
}

/* Only sidecars are resized: what another init container is said to have does not count. */
static void only_init_containers_that_stay_are_resized(void **state)
{
	struct scheduling *s = *state;
	struct kt_pod_info *pod = read_pod(s,
	        "{'metadata':{'name':'p','namespace':'default'},'spec':{'initContainers':[{'name':"
	        "'i','resources':{'requests':{'cpu':'1'}}},{'name':'s','restartPolicy':'Always',"
	        "'resources':{'requests':{'cpu':'1'}}}],'containers':[{'name':'c'}]},'status':{"
	        "'initContainerStatuses':[{'name':'i','resources':{'requests':{'cpu':'9'}}},"
	        "{'name':'s','resources':{'requests':{'cpu':'2'}}}]}}");

	assert_int_equal(pod->requests.milli_cpu, 2000);
	kt_pod_info_destroy(pod);
}

/* A status without resources says nothing of them, whatever was allocated. */
static void a_status_without_resources_is_none(void **state)
{
	struct scheduling *s = *state;
	struct kt_pod_info *pod = read_pod(s,
	        "{'metadata':{'name':'p','namespace':'default'},'spec':{'containers':[{'name':'c',"
	        "'resources':{'requests':{'cpu':'1'}}},{'name':'d','resources':{'requests':{'cpu':"
	        "'1'}}}]},'status':{'conditions':[{'type':'PodResizePending','reason':"
	        "'Infeasible'}],'containerStatuses':[{'name':'c','allocatedResources':{'cpu':"
	        "'5'}},{'name':'d','resources':{}}]}}");

	assert_int_equal(pod->requests.milli_cpu, 1000 + 0);
	kt_pod_info_destroy(pod);
}

static void asking_for_nothing_is_no_omission(void **state)
{
	struct scheduling *s = *state;
	struct kt_pod_info *pod = read_pod(s,
	        "{'metadata':{'name':'p','namespace':'default'},'spec':{'containers':[{'name':'c',"
	        "'resources':{'requests':{'cpu':'0','memory':'0'}}},{'name':'d'}]}}");

	assert_int_equal(pod->scored_milli_cpu, 100);
	assert_int_equal(pod->scored_memory_bytes, 200 << 20);
	kt_pod_info_destroy(pod);
}

static void requests_of_the_pod_as_a_whole(void **state)
{
	struct scheduling *s = *state;
	struct kt_pod_info *pod = read_pod(s,
	        "{'metadata':{'name':'p','namespace':'default'},'spec':{'overhead':{'cpu':'100m'},"
	        "'resources':{'requests':{'cpu':'4','hugepages-2Mi':'8Mi','example.com/gpu':'7'}},"
	        "'containers':[{'name':'c','resources':{'requests':{'cpu':'1','memory':'1Gi'}}},"
	        "{'name':'d'}]}}");

	assert_int_equal(pod->requests.milli_cpu, 4100);
	assert_int_equal(pod->requests.memory_bytes, INT64_C(1) << 30);
	assert_int_equal(kt_resources_scalar(&pod->requests, "hugepages-2Mi"), 8 << 20);
	assert_int_equal(kt_resources_scalar(&pod->requests, "example.com/gpu"), 0);
	/* On a node nothing more is assumed of the container that asks for nothing; to be placed
	 * only containers count, as upstream has it. */
	assert_int_equal(pod->scored_milli_cpu, 4100);
	assert_int_equal(pod->scored_memory_bytes, INT64_C(1) << 30);
	assert_int_equal(pod->asked_milli_cpu, 1000 + 100 + 100);
	assert_int_equal(pod->asked_memory_bytes, INT64_C(1224) << 20);
	kt_pod_info_destroy(pod);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, scheduling_setup, scheduling_teardown)
	const struct CMUnitTest tests[] = {
	        T(pods_of_a_service_are_spread),
	        T(pods_of_a_controller_are_spread),
	        T(a_node_without_a_zone_takes_part_by_default),
	        T(tallies_keep_up),
	        T(named_nodes_are_the_only_ones_tried),
	        T(an_image_has_the_size_its_first_node_told),
	        T(an_image_volume_draws_its_pod),
	        T(a_resized_pod_counts_with_the_larger),
	        T(only_init_containers_that_stay_are_resized),
	        T(a_status_without_resources_is_none),
	        T(asking_for_nothing_is_no_omission),
	        T(requests_of_the_pod_as_a_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
