/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The volume plugins: which nodes a pod's claims allow, and what becomes of the claims. */
#include "unit/cluster/scheduling.h"

#include "cluster/scheduler/plugins/volume_binding.h"

#define POD_WITH(volumes) \
	"{'metadata':{'name':'new','namespace':'default'},'spec':{'containers':[{'name':'c'}]," \
	"'volumes':[" volumes "]}}"
#define CLAIM_VOLUME(claim) \
	"{'name':'v-" claim "','persistentVolumeClaim':{'claimName':'" claim "'}}"
#define BOUND_CLAIM(name, volume, modes) \
	"{'metadata':{'name':'" name "','namespace':'default','annotations':{" \
	"'pv.kubernetes.io/bind-completed':'yes'}},'spec':{'accessModes':['" modes \
	"'],'storageClassName':'late','volumeName':'" volume "'},'status':{'phase':'Bound'}}"
#define OPEN_CLAIM(name, size, class) \
	"{'metadata':{'name':'" name \
	"','namespace':'default'},'spec':{'accessModes':['ReadWriteOnce']," \
	"'storageClassName':'" class "','resources':{'requests':{'storage':'" size \
	                             "'}}},'status':{'phase':'Pending'}}"
#define ON_NODE(node) \
	"'nodeAffinity':{'required':{'nodeSelectorTerms':[{'matchExpressions':[{'key':" \
	"'kubernetes.io/hostname','operator':'In','values':['" node "']}]}]}}"
#define VOLUME(name, size, more) \
	"{'metadata':{'name':'" name "'},'spec':{'accessModes':['ReadWriteOnce']," \
	"'storageClassName':'late','capacity':{'storage':'" size "'}" more \
	"},'status':{'phase':'Available'}}"

static void put_base(struct scheduling *s)
{
	scheduling_node(s, "a", "z1");
	scheduling_node(s, "b", "z2");
	scheduling_put(s, "storageClasses",
	        "{'metadata':{'name':'late'},'provisioner':'kubernetes.io/no-provisioner',"
	        "'volumeBindingMode':'WaitForFirstConsumer'}");
	scheduling_put(s, "storageClasses",
	        "{'metadata':{'name':'made'},'provisioner':'example.com/disk','volumeBindingMode':"
	        "'WaitForFirstConsumer','allowedTopologies':[{'matchLabelExpressions':[{'key':"
	        "'topology.kubernetes.io/zone','values':['z2','z3']}]}]}");
	scheduling_put(s, "storageClasses",
	        "{'metadata':{'name':'now'},'provisioner':'example.com/disk','volumeBindingMode':"
	        "'Immediate'}");
}

static void assert_refused_at_once(struct scheduling *s, const char *pod, const char *why)
{
	kt_auto_free char *message = kt_asprintf("0/2 nodes are available: %s. not found", why);

	scheduling_decide(s, pod);
	assert_string_equal(s->decision.message, message);
	assert_false(s->decision.preemption.ran);
	assert_true(s->decision.wakes & KT_EVENT_VOLUME);
}

static void claims_that_cannot_be_dealt_with(void **state)
{
	struct scheduling *s = *state;

	put_base(s);
	assert_refused_at_once(
	        s, POD_WITH(CLAIM_VOLUME("c")), "persistentvolumeclaim \"c\" not found");
	assert_refused_at_once(s, POD_WITH("{'name':'e','ephemeral':{}}"),
	        "waiting for ephemeral volume controller to create the persistentvolumeclaim "
	        "\"new-e\"");
	scheduling_put(s, "persistentVolumeClaims", OPEN_CLAIM("new-e", "1Gi", "late"));
	assert_refused_at_once(s, POD_WITH("{'name':'e','ephemeral':{}}"),
	        "PVC default/new-e was not created for pod default/new (pod is not owner)");
	scheduling_put(s, "persistentVolumeClaims", OPEN_CLAIM("c", "1Gi", "now"));
	assert_refused_at_once(
	        s, POD_WITH(CLAIM_VOLUME("c")), "pod has unbound immediate PersistentVolumeClaims");
	/* a class that is gone binds nothing late */
	scheduling_put(s, "persistentVolumeClaims", OPEN_CLAIM("c", "1Gi", "gone"));
	assert_refused_at_once(
	        s, POD_WITH(CLAIM_VOLUME("c")), "pod has unbound immediate PersistentVolumeClaims");
	scheduling_put(s, "persistentVolumeClaims", BOUND_CLAIM("c", "gone", "ReadWriteOnce"));
	assert_refused_at_once(
	        s, POD_WITH(CLAIM_VOLUME("c")), "persistentvolume \"gone\" not found");
	scheduling_put(s, "persistentVolumeClaims",
	        "{'metadata':{'name':'c','namespace':'default'},'spec':{'storageClassName':'late',"
	        "'volumeName':'gone'},'status':{'phase':'Lost'}}");
	assert_refused_at_once(s, POD_WITH(CLAIM_VOLUME("c")),
	        "persistentvolumeclaim \"c\" bound to non-existent persistentvolume \"gone\"");
	scheduling_put(s, "persistentVolumeClaims",
	        "{'metadata':{'name':'c','namespace':'default','deletionTimestamp':"
	        "'2026-01-01T00:00:00Z'},'spec':{'storageClassName':'late'},'status':{}}");
	assert_refused_at_once(
	        s, POD_WITH(CLAIM_VOLUME("c")), "persistentvolumeclaim \"c\" is being deleted");
}

static void an_unbound_claim_is_the_least_trouble(void **state)
{
	struct scheduling *s = *state;

	put_base(s);
	scheduling_put(s, "persistentVolumeClaims", OPEN_CLAIM("c", "1Gi", "now"));
	scheduling_put(s, "persistentVolumeClaims",
	        "{'metadata':{'name':'d','namespace':'default','deletionTimestamp':"
	        "'2026-01-01T00:00:00Z'},'spec':{'storageClassName':'late'},'status':{}}");
	assert_refused_at_once(s, POD_WITH(CLAIM_VOLUME("c") "," CLAIM_VOLUME("d")),
	        "persistentvolumeclaim \"d\" is being deleted");
}

static void a_bound_volume_draws_its_pod(void **state)
{
	struct scheduling *s = *state;

	put_base(s);
	scheduling_put(s, "persistentVolumes", VOLUME("pv", "1Gi", "," ON_NODE("b")));
	scheduling_put(s, "persistentVolumeClaims", BOUND_CLAIM("c", "pv", "ReadWriteOnce"));
	scheduling_decide(s, POD_WITH(CLAIM_VOLUME("c")));
	assert_refused(s, "a", "node(s) didn't match PersistentVolume's node affinity");
	assert_string_equal(s->decision.node->name, "b");
	/* by the older labels of zones as well, and "__" for several */
	scheduling_put(s, "persistentVolumes",
	        "{'metadata':{'name':'pv','labels':{'failure-domain.beta.kubernetes.io/zone':"
	        "'z0__z1'}},'spec':{},'status':{'phase':'Bound'}}");
	scheduling_node(s, "nowhere", NULL);
	scheduling_decide(s, POD_WITH(CLAIM_VOLUME("c")));
	assert_fits(s, "a");
	assert_refused(s, "b", "node(s) had no available volume zone");
	assert_fits(s, "nowhere"); /* a node without any zone label is not asked */
}

static const char *plan(struct scheduling *s, const char *node)
{
	struct kt_volume_plan found;
	kt_auto_str out = KT_STR_INIT;

	kt_volume_binding_plan(&s->snapshot, s->pod, kt_map_get(&s->snapshot.nodes_by_name, node),
	        &s->arena, &found);
	for (size_t i = 0; i < found.n; i++)
		kt_str_printf(&out, "%s%.*s=%.*s", i ? " " : "",
		        KT_SVP(kt_object_name(found.items[i].claim)),
		        KT_SVP(found.items[i].volume ? kt_object_name(found.items[i].volume)
		                                     : KT_SV("new")));
	return kt_arena_strdup(&s->arena, kt_str_text(&out));
}

static void late_claims_get_the_smallest_that_is_there(void **state)
{
	struct scheduling *s = *state;

	put_base(s);
	scheduling_put(s, "persistentVolumes", VOLUME("b-large", "9Gi", "," ON_NODE("b")));
	scheduling_put(s, "persistentVolumes", VOLUME("b-small", "2Gi", "," ON_NODE("b")));
	scheduling_put(s, "persistentVolumes", VOLUME("a-tiny", "1Gi", "," ON_NODE("a")));
	scheduling_put(s, "persistentVolumeClaims", OPEN_CLAIM("c", "2Gi", "late"));
	scheduling_put(s, "persistentVolumeClaims", OPEN_CLAIM("d", "1500Mi", "late"));
	scheduling_decide(s, POD_WITH(CLAIM_VOLUME("c")));
	assert_refused(s, "a", "node(s) didn't find available persistent volumes to bind");
	assert_string_equal(plan(s, "b"), "c=b-small");
	/* two claims, two volumes; the smaller claim chooses first */
	scheduling_decide(s, POD_WITH(CLAIM_VOLUME("c") "," CLAIM_VOLUME("d")));
	assert_fits(s, "b");
	assert_string_equal(plan(s, "b"), "d=b-small c=b-large");
	/* what was chosen for another a moment ago is taken */
	kt_volumes_assume(&s->snapshot.volumes, KT_SV("b-large"), "default/x");
	scheduling_decide(s, POD_WITH(CLAIM_VOLUME("c") "," CLAIM_VOLUME("d")));
	assert_refused(s, "b", "node(s) didn't find available persistent volumes to bind");
	/* until the volume itself says whose it is */
	scheduling_put(s, "persistentVolumes",
	        VOLUME("b-large", "9Gi",
	                "," ON_NODE("b") ",'claimRef':{'namespace':'default','name':'c'}"));
	scheduling_decide(s, POD_WITH(CLAIM_VOLUME("c") "," CLAIM_VOLUME("d")));
	assert_string_equal(plan(s, "b"), "d=b-small c=b-large");
}

static void not_any_volume_will_do(void **state)
{
	struct scheduling *s = *state;
	static const char why[] = "node(s) didn't find available persistent volumes to bind";

	put_base(s);
	scheduling_put(s, "persistentVolumeClaims", OPEN_CLAIM("c", "2Gi", "late"));
	scheduling_put(s, "persistentVolumes", VOLUME("pv", "2Gi", ",'volumeMode':'Block'"));
	scheduling_decide(s, POD_WITH(CLAIM_VOLUME("c")));
	assert_refused(s, "a", why);
	scheduling_put(s, "persistentVolumes",
	        "{'metadata':{'name':'pv'},'spec':{'accessModes':['ReadOnlyMany'],"
	        "'storageClassName':'late','capacity':{'storage':'2Gi'}},'status':{'phase':"
	        "'Available'}}");
	scheduling_decide(s, POD_WITH(CLAIM_VOLUME("c")));
	assert_refused(s, "a", why);
	scheduling_put(s, "persistentVolumes",
	        VOLUME("pv", "2Gi", ",'claimRef':{'namespace':'default','name':'other'}"));
	scheduling_decide(s, POD_WITH(CLAIM_VOLUME("c")));
	assert_refused(s, "a", why);
	scheduling_put(
	        s, "persistentVolumes", VOLUME("pv", "2Gi", ",'volumeAttributesClassName':'fast'"));
	scheduling_decide(s, POD_WITH(CLAIM_VOLUME("c")));
	assert_refused(s, "a", why);
	scheduling_put(s, "persistentVolumes", VOLUME("pv", "2Gi", ""));
	scheduling_decide(s, POD_WITH(CLAIM_VOLUME("c")));
	assert_fits(s, "a");
}

static void volumes_are_made_where_the_class_allows(void **state)
{
	struct scheduling *s = *state;

	put_base(s);
	scheduling_put(s, "persistentVolumeClaims", OPEN_CLAIM("c", "2Gi", "made"));
	scheduling_decide(s, POD_WITH(CLAIM_VOLUME("c")));
	assert_refused(s, "a", "node(s) didn't find available persistent volumes to bind");
	assert_string_equal(plan(s, "b"), "c=new");
	/* a node chosen before stays the only one */
	scheduling_node(s, "b2", "z2");
	scheduling_put(s, "persistentVolumeClaims",
	        "{'metadata':{'name':'c','namespace':'default','annotations':{"
	        "'volume.kubernetes.io/selected-node':'b2'}},'spec':{'storageClassName':'made'},"
	        "'status':{'phase':'Pending'}}");
	scheduling_decide(s, POD_WITH(CLAIM_VOLUME("c")));
	assert_refused(s, "b", "node(s) didn't find available persistent volumes to bind");
	assert_string_equal(s->decision.node->name, "b2");
}

#define CAPACITY(name, class, zone, more) \
	"{'metadata':{'name':'" name \
	"','namespace':'kube-system'},'storageClassName':'" class "','nodeTopology':{'" \
	                                                          "matchLabels':{'topology." \
	                                                          "kubernetes.io/zone':'" zone \
	                                                          "'}}" more "}"

static void volumes_are_made_where_there_is_room(void **state)
{
	struct scheduling *s = *state;
	static const char why[] = "node(s) did not have enough free storage";

	put_base(s);
	scheduling_put(s, "storageClasses",
	        "{'metadata':{'name':'any'},'provisioner':'example.com/disk','volumeBindingMode':"
	        "'WaitForFirstConsumer'}");
	scheduling_put(s, "persistentVolumeClaims", OPEN_CLAIM("c", "2Gi", "any"));
	/* a driver that does not tell has room everywhere */
	scheduling_put(s, "csiDrivers", "{'metadata':{'name':'example.com/disk'},'spec':{}}");
	scheduling_decide(s, POD_WITH(CLAIM_VOLUME("c")));
	assert_fits(s, "a");
	scheduling_put(s, "csiDrivers",
	        "{'metadata':{'name':'example.com/disk'},'spec':{'storageCapacity':true}}");
	scheduling_put(s, "csiStorageCapacities", CAPACITY("1", "any", "z1", ",'capacity':'2Gi'"));
	scheduling_put(
	        s, "csiStorageCapacities", CAPACITY("2", "other", "z2", ",'capacity':'9Gi'"));
	scheduling_decide(s, POD_WITH(CLAIM_VOLUME("c")));
	assert_fits(s, "a");
	assert_refused(s, "b", why);
	assert_true(s->decision.wakes & KT_EVENT_VOLUME);
	/* of much room no single volume may have all */
	scheduling_put(s, "csiStorageCapacities",
	        CAPACITY("1", "any", "z1", ",'capacity':'9Gi','maximumVolumeSize':'2047Mi'"));
	scheduling_put(s, "csiStorageCapacities", CAPACITY("2", "any", "z2", ""));
	/* without a topology it is room of no node */
	scheduling_put(s, "csiStorageCapacities",
	        "{'metadata':{'name':'3','namespace':'kube-system'},'storageClassName':'any',"
	        "'capacity':'9Gi'}");
	scheduling_decide(s, POD_WITH(CLAIM_VOLUME("c")));
	assert_refused(s, "a", why);
	assert_refused(s, "b", why);
	assert_string_equal(s->decision.message,
	        "0/2 nodes are available: 2 node(s) did not have enough free storage. no new "
	        "claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not "
	        "helpful for scheduling.");
}

static void one_pod_at_a_time(void **state)
{
	struct scheduling *s = *state;
	static const char why[] =
	        "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access "
	        "mode already in-use by another pod";

	put_base(s);
	scheduling_put(s, "persistentVolumes", VOLUME("pv", "1Gi", ""));
	scheduling_put(s, "persistentVolumeClaims", BOUND_CLAIM("c", "pv", "ReadWriteOncePod"));
	scheduling_pod(s, "user", "a", "1", ",'priority':1,'volumes':[" CLAIM_VOLUME("c") "]");
	scheduling_decide(s, POD_WITH(CLAIM_VOLUME("c")));
	assert_refused(s, "a", why);
	assert_refused(s, "b", why);
	/* Preemption of its user helps, on the user's node. */
	scheduling_decide(s,
	        "{'metadata':{'name':'new','namespace':'default'},'spec':{'priority':2,"
	        "'containers':[{'name':'c'}],'volumes':[" CLAIM_VOLUME("c") "]}}");
	assert_string_equal(scheduling_victims(s, "a"), "user");
	assert_null(scheduling_victims(s, "b"));
	scheduling_put(s, "-pods", "{'metadata':{'name':'user','uid':'pod-user'}}");
	scheduling_decide(s, POD_WITH(CLAIM_VOLUME("c")));
	assert_fits(s, "a");
}

static void disks_are_not_shared_on_a_node(void **state)
{
	struct scheduling *s = *state;

	put_base(s);
	scheduling_pod(s, "user", "a", "1",
	        ",'volumes':[{'name':'r','rbd':{'monitors':['m1','m2'],'image':'i'}},{'name':'g',"
	        "'gcePersistentDisk':{'pdName':'g','readOnly':true}},{'name':'e',"
	        "'awsElasticBlockStore':{'volumeID':'e','readOnly':true}}]");
	scheduling_decide(s, POD_WITH("{'name':'r','rbd':{'monitors':['m2'],'image':'i','pool':"
	                              "'rbd'}}"));
	assert_refused(s, "a", "node(s) had no available disk");
	assert_fits(s, "b");
	scheduling_decide(s, POD_WITH("{'name':'r','rbd':{'monitors':['m2'],'image':'i','pool':"
	                              "'p'}}"));
	assert_fits(s, "a");
	scheduling_decide(
	        s, POD_WITH("{'name':'g','gcePersistentDisk':{'pdName':'g','readOnly':true}}"));
	assert_fits(s, "a");
	scheduling_decide(s, POD_WITH("{'name':'g','gcePersistentDisk':{'pdName':'g'}}"));
	assert_refused(s, "a", "node(s) had no available disk");
	/* not even for reading */
	scheduling_decide(s,
	        POD_WITH("{'name':'e','awsElasticBlockStore':{'volumeID':'e','readOnly':true}}"));
	assert_refused(s, "a", "node(s) had no available disk");
}

static void a_node_takes_so_many_volumes(void **state)
{
	struct scheduling *s = *state;

	put_base(s);
#define CSI(handle) ",'csi':{'driver':'example.com/disk','volumeHandle':'" handle "'}"
	scheduling_put(s, "csiNodes",
	        "{'metadata':{'name':'a'},'spec':{'drivers':[{'name':'other','allocatable':{"
	        "'count':0}},{'name':'example.com/disk','allocatable':{'count':2}}]}}");
	scheduling_put(s, "persistentVolumes", VOLUME("p1", "1Gi", CSI("h1")));
	scheduling_put(s, "persistentVolumes", VOLUME("p2", "1Gi", CSI("h2")));
	scheduling_put(s, "persistentVolumes", VOLUME("p3", "1Gi", CSI("h3")));
	scheduling_put(s, "persistentVolumeClaims", BOUND_CLAIM("c1", "p1", "ReadWriteMany"));
	scheduling_put(s, "persistentVolumeClaims", BOUND_CLAIM("c2", "p2", "ReadWriteMany"));
	scheduling_put(s, "persistentVolumeClaims", BOUND_CLAIM("c3", "p3", "ReadWriteMany"));
	scheduling_put(s, "persistentVolumeClaims", OPEN_CLAIM("c4", "1Gi", "made"));
	scheduling_pod(s, "u1", "a", "1", ",'volumes':[" CLAIM_VOLUME("c1") "]");
	scheduling_pod(
	        s, "u2", "a", "1", ",'volumes':[" CLAIM_VOLUME("c1") "," CLAIM_VOLUME("c2") "]");
	scheduling_decide(s, POD_WITH(CLAIM_VOLUME("c3")));
	assert_refused(s, "a", "node(s) exceed max volume count");
	assert_fits(s, "b"); /* nobody said how many */
	/* what is there already costs nothing more */
	scheduling_decide(s, POD_WITH(CLAIM_VOLUME("c1") "," CLAIM_VOLUME("c2")));
	assert_fits(s, "a");
	/* one that will be made counts for the driver that will make it */
	scheduling_node(s, "a", "z2");
	scheduling_decide(s, POD_WITH(CLAIM_VOLUME("c4")));
	assert_refused(s, "a", "node(s) exceed max volume count");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, scheduling_setup, scheduling_teardown)
	const struct CMUnitTest tests[] = {
	        T(claims_that_cannot_be_dealt_with),
	        T(an_unbound_claim_is_the_least_trouble),
	        T(a_bound_volume_draws_its_pod),
	        T(late_claims_get_the_smallest_that_is_there),
	        T(not_any_volume_will_do),
	        T(volumes_are_made_where_the_class_allows),
	        T(volumes_are_made_where_there_is_room),
	        T(one_pod_at_a_time),
	        T(disks_are_not_shared_on_a_node),
	        T(a_node_takes_so_many_volumes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
