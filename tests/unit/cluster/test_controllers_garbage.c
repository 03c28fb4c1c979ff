/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Garbage collection, namespace deletion and endpoints, on a virtual loop against a client without
 * a server. */
#include "support/support.h"

#include "base/mem.h"
#include "base/str.h"
#include "controllers_world.h"

#define MAPS "/api/v1/namespaces/default/configmaps"

/* owner NULL: none; block: blockOwnerDeletion. */
static void put_map(struct world *world, const char *name, const char *owner, bool block,
        const char *finalizers)
{
	kt_auto_free char *references = NULL, *text = NULL;

	if (owner) {
		kt_auto_free char *path = kt_asprintf(MAPS "/%s", owner);
		kt_auto_json json_t *object = fake_get(world->fake, path);

		references = kt_asprintf(",'ownerReferences':[{'apiVersion':'v1','kind':'ConfigMap'"
		                         ",'name':'%s','uid':'%s',"
		                         "'blockOwnerDeletion':%s}]",
		        owner, object ? kt_jstr(object, "metadata.uid") : "gone",
		        block ? "true" : "false");
	}
	text = kt_asprintf("{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'%s','"
	                   "finalizers':[%s]%s}}",
	        name, finalizers, references ? references : "");
	fake_put(world->fake, MAPS, text);
}

static bool exists(struct world *world, const char *name)
{
	kt_auto_free char *path = kt_asprintf(MAPS "/%s", name);
	kt_auto_json json_t *object = fake_get(world->fake, path);

	return object != NULL;
}

static void dependents_go_with_their_owner(void **state)
{
	struct world *world = *state;

	put_map(world, "owner", NULL, false, "");
	put_map(world, "child", "owner", false, "");
	put_map(world, "grandchild", "child", false, "");
	put_map(world, "other", NULL, false, "");
	world_run_ms(world, 5000);
	assert_true(exists(world, "grandchild"));
	fake_delete(world->fake, MAPS "/owner");
	world_run_ms(world, 5000);
	assert_false(exists(world, "child"));
	assert_false(exists(world, "grandchild"));
	assert_true(exists(world, "other"));
}

static void an_owner_that_never_was_counts_as_gone(void **state)
{
	struct world *world = *state;

	put_map(world, "child", "nobody", false, "");
	world_run_ms(world, 5000);
	assert_false(exists(world, "child"));
}

static void foreground_waits_for_what_blocks(void **state)
{
	struct world *world = *state;

	put_map(world, "owner", NULL, false, "'foregroundDeletion'");
	put_map(world, "child", "owner", true, "'example.com/hold'");
	world_run_ms(world, 5000);
	fake_delete(world->fake, MAPS "/owner");
	world_run_ms(world, 5000);
	assert_true(exists(world, "owner"));
	assert_true(exists(world, "child"));
	fake_patch(world->fake, MAPS "/child", "{'metadata':{'finalizers':null}}");
	world_run_ms(world, 5000);
	assert_false(exists(world, "child"));
	assert_false(exists(world, "owner"));
}

/* Each waits for the next, and the last for the first. */
static void a_circle_goes_in_the_foreground(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *last = NULL;
	kt_auto_free char *patch = NULL;

	put_map(world, "first", NULL, false, "'foregroundDeletion'");
	put_map(world, "second", "first", true, "");
	put_map(world, "last", "second", true, "");
	last = fake_get(world->fake, MAPS "/last");
	patch = kt_asprintf("{'metadata':{'ownerReferences':[{'apiVersion':'v1','kind':'ConfigMap'"
	                    ",'name':'last','uid':'%s','blockOwnerDeletion':true}]}}",
	        kt_jstr(last, "metadata.uid"));
	fake_patch(world->fake, MAPS "/first", patch);
	world_run_ms(world, 5000);
	assert_true(exists(world, "first"));
	fake_delete(world->fake, MAPS "/first");
	world_run_ms(world, 5000);
	assert_false(exists(world, "first"));
	assert_false(exists(world, "second"));
	assert_false(exists(world, "last"));
}

static void orphans_stay(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *child = NULL;

	put_map(world, "owner", NULL, false, "'orphan'");
	put_map(world, "child", "owner", true, "");
	world_run_ms(world, 5000);
	fake_delete(world->fake, MAPS "/owner");
	world_run_ms(world, 5000);
	assert_false(exists(world, "owner"));
	child = fake_get(world->fake, MAPS "/child");
	assert_non_null(child);
	assert_int_equal(json_array_size(kt_jget(child, "metadata.ownerReferences")), 0);
}

static void a_namespace_goes_with_all_it_holds(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *namespace = NULL;

	fake_put(world->fake, "/api/v1/namespaces",
	        "{'apiVersion':'v1','kind':'Namespace','metadata':{'name':'default'},'spec':"
	        "{'finalizers':['kubernetes']}}");
	put_map(world, "a", NULL, false, "");
	put_map(world, "held", NULL, false, "'example.com/hold','also.example.com/hold'");
	fake_put(world->fake, "/api/v1/namespaces/default/serviceaccounts",
	        "{'apiVersion':'v1','kind':'ServiceAccount','metadata':{'name':'held','finalizers':"
	        "['example.com/hold']}}");
	world_run_ms(world, 5000);
	assert_int_equal(fake_count(world->fake, "/api/v1/serviceaccounts"), 2);
	fake_delete(world->fake, "/api/v1/namespaces/default");
	world_run_ms(world, 5000);
	assert_false(exists(world, "a"));
	namespace = fake_get(world->fake, "/api/v1/namespaces/default");
	assert_string_equal(
	        kt_jstr(namespace, "status.conditions.3.type"), "NamespaceContentRemaining");
	assert_string_equal(kt_jstr(namespace, "status.conditions.3.message"),
	        "Some resources are remaining: configmaps. has 1 resource instances, "
	        "serviceaccounts. has 1 resource instances");
	assert_string_equal(kt_jstr(namespace, "status.conditions.4.message"),
	        "Some content in the namespace has finalizers remaining: also.example.com/hold in "
	        "1 resource instances, example.com/hold in 2 resource instances");
	fake_patch(world->fake, "/api/v1/namespaces/default/serviceaccounts/held",
	        "{'metadata':{'finalizers':null}}");
	fake_patch(world->fake, MAPS "/held", "{'metadata':{'finalizers':null}}");
	world_run_ms(world, 5000);
	json_decref(namespace);
	namespace = fake_get(world->fake, "/api/v1/namespaces/default");
	assert_null(namespace);
	assert_int_equal(fake_count(world->fake, "/api/v1/serviceaccounts"), 0);
}

static void pods_of_a_namespace_go_first(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *namespace = NULL, *pod = NULL;

	fake_put(world->fake, "/api/v1/namespaces",
	        "{'apiVersion':'v1','kind':'Namespace','metadata':{'name':'default'},'spec':"
	        "{'finalizers':['kubernetes']}}");
	put_map(world, "a", NULL, false, "");
	fake_put(world->fake, "/api/v1/namespaces/default/pods",
	        "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'p','finalizers':["
	        "'example.com/hold']},'spec':{'containers':[{'name':'c'}]}}");
	world_run_ms(world, 5000);
	fake_delete(world->fake, "/api/v1/namespaces/default");
	world_run_ms(world, 5000);
	pod = fake_get(world->fake, "/api/v1/namespaces/default/pods/p");
	assert_non_null(kt_jstr(pod, "metadata.deletionTimestamp"));
	assert_true(exists(world, "a"));
	fake_patch(world->fake, "/api/v1/namespaces/default/pods/p",
	        "{'metadata':{'finalizers':null}}");
	world_run_ms(world, 5000);
	assert_false(exists(world, "a"));
	namespace = fake_get(world->fake, "/api/v1/namespaces/default");
	assert_null(namespace);
}

static void put_pod(struct world *world, const char *name, const char *ip, bool ready)
{
	kt_auto_free char *text =
	        kt_asprintf("{'apiVersion':'v1','kind':'Pod','metadata':{'name':'%s','labels':{'"
	                    "app':'web'}},'spec':"
	                    "{'nodeName':'n','containers':[{'name':'c','ports':[{'name':'http','"
	                    "containerPort':8080}]}]},'status':{'podIP':'%s',"
	                    "'phase':'Running','conditions':[{'type':'Ready','status':'%s'}]}}",
	                name, ip, ready ? "True" : "False");

	fake_put(world->fake, "/api/v1/namespaces/default/pods", text);
}

static void services_have_endpoints(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *slice = NULL, *endpoints = NULL;

	fake_put(world->fake, "/api/v1/namespaces/default/services",
	        "{'apiVersion':'v1','kind':'Service','metadata':{'name':'web'},'spec':"
	        "{'selector':{'app':'web'},'ports':[{'name':'h','port':80,'targetPort':'http','"
	        "protocol':'TCP'}]}}");
	world_run_ms(world, 5000);
	assert_int_equal(fake_count(world->fake, "/apis/discovery.k8s.io/v1/endpointslices"), 1);
	put_pod(world, "a", "10.0.0.1", true);
	put_pod(world, "b", "10.0.0.2", false);
	world_run_ms(world, 5000);
	assert_int_equal(fake_count(world->fake, "/apis/discovery.k8s.io/v1/endpointslices"), 1);
	slice = fake_nth(world->fake, "/apis/discovery.k8s.io/v1/endpointslices", 0);
	assert_int_equal(kt_jint(slice, "ports.0.port", 0), 8080);
	assert_int_equal(json_array_size(json_object_get(slice, "endpoints")), 2);
	assert_true(kt_jbool(slice, "endpoints.0.conditions.ready", false));
	assert_false(kt_jbool(slice, "endpoints.1.conditions.ready", true));
	endpoints = fake_get(world->fake, "/api/v1/namespaces/default/endpoints/web");
	assert_string_equal(kt_jstr(endpoints, "subsets.0.addresses.0.ip"), "10.0.0.1");
	assert_string_equal(kt_jstr(endpoints, "subsets.0.notReadyAddresses.0.ip"), "10.0.0.2");
	assert_int_equal(kt_jint(endpoints, "subsets.0.ports.0.port", 0), 8080);
}

static void slices_hold_a_hundred(void **state)
{
	struct world *world = *state;
	size_t sum = 0, n;

	fake_put(world->fake, "/api/v1/namespaces/default/services",
	        "{'apiVersion':'v1','kind':'Service','metadata':{'name':'web'},'spec':"
	        "{'selector':{'app':'web'},'ports':[{'port':80,'protocol':'TCP'}]}}");
	for (int i = 0; i < 250; i++) {
		char name[16], ip[20];

		snprintf(name, sizeof(name), "p%d", i);
		snprintf(ip, sizeof(ip), "10.0.%d.%d", i / 200, i % 200 + 1);
		put_pod(world, name, ip, true);
	}
	world_run_ms(world, 5000);
	n = fake_count(world->fake, "/apis/discovery.k8s.io/v1/endpointslices");
	assert_int_equal(n, 3);
	for (size_t i = 0; i < n; i++) {
		kt_auto_json json_t *slice =
		        fake_nth(world->fake, "/apis/discovery.k8s.io/v1/endpointslices", i);

		assert_true(json_array_size(json_object_get(slice, "endpoints")) <= 100);
		sum += json_array_size(json_object_get(slice, "endpoints"));
	}
	assert_int_equal(sum, 250);
}

#define CLAIMS "/api/v1/namespaces/default/persistentvolumeclaims"

static void claims_find_a_volume_or_get_one(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *claim = NULL, *volume = NULL;

	fake_put(world->fake, "/apis/storage.k8s.io/v1/storageclasses",
	        "{'apiVersion':'storage.k8s.io/v1','kind':'StorageClass','metadata':"
	        "{'name':'standard'},'provisioner':'kube-tui.io/"
	        "simulated','reclaimPolicy':'Delete','volumeBindingMode':'WaitForFirstConsumer'}");
	fake_put(world->fake, "/api/v1/persistentvolumes",
	        "{'apiVersion':'v1','kind':'PersistentVolume','metadata':{'name':'small'},'spec':"
	        "{'capacity':{'storage':'5Gi'},'accessModes':['ReadWriteOnce'],'"
	        "persistentVolumeReclaimPolicy':'Retain'}}");
	fake_put(world->fake, CLAIMS,
	        "{'apiVersion':'v1','kind':'PersistentVolumeClaim','metadata':{'name':'fixed'},'"
	        "spec':{'accessModes':"
	        "['ReadWriteOnce'],'resources':{'requests':{'storage':'3Gi'}}}}");
	fake_put(world->fake, CLAIMS,
	        "{'apiVersion':'v1','kind':'PersistentVolumeClaim','metadata':{'name':'data','"
	        "finalizers':"
	        "['kubernetes.io/"
	        "pvc-protection']},'spec':{'storageClassName':'standard','accessModes':['"
	        "ReadWriteOnce'],'resources':"
	        "{'requests':{'storage':'1Gi'}}}}");
	world_run_ms(world, 5000);
	claim = fake_get(world->fake, CLAIMS "/fixed");
	assert_string_equal(kt_jstr(claim, "status.phase"), "Bound");
	assert_string_equal(kt_jstr(claim, "spec.volumeName"), "small");
	json_decref(claim);
	claim = fake_get(world->fake, CLAIMS "/data");
	assert_string_equal(kt_jstr(claim, "status.phase"), "Pending");
	fake_put(world->fake, "/api/v1/namespaces/default/pods",
	        "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'user'},'spec':{'volumes':"
	        "[{'name':'v','persistentVolumeClaim':{'claimName':'data'}}]}}");
	world_run_ms(world, 5000);
	json_decref(claim);
	claim = fake_get(world->fake, CLAIMS "/data");
	assert_string_equal(kt_jstr(claim, "status.phase"), "Pending");
	/* the scheduler chooses a node */
	fake_patch(world->fake, CLAIMS "/data",
	        "{'metadata':{'annotations':{'volume.kubernetes.io/selected-node':'one'}}}");
	fake_patch(
	        world->fake, "/api/v1/namespaces/default/pods/user", "{'spec':{'nodeName':'one'}}");
	world_run_ms(world, 5000);
	json_decref(claim);
	claim = fake_get(world->fake, CLAIMS "/data");
	assert_string_equal(kt_jstr(claim, "status.phase"), "Bound");
	assert_string_equal(kt_jstr(claim, "status.capacity.storage"), "1Gi");
	/* In use it stays; then it goes, and its volume with it. The other volume is kept. */
	fake_delete(world->fake, CLAIMS "/data");
	world_run_ms(world, 5000);
	json_decref(claim);
	claim = fake_get(world->fake, CLAIMS "/data");
	assert_non_null(claim);
	fake_patch(world->fake, "/api/v1/namespaces/default/pods/user/status",
	        "{'status':{'phase':'Succeeded'}}");
	fake_delete(world->fake, "/api/v1/namespaces/default/pods/user");
	fake_delete(world->fake, CLAIMS "/fixed");
	world_run_ms(world, 5000);
	json_decref(claim);
	claim = fake_get(world->fake, CLAIMS "/data");
	assert_null(claim);
	assert_int_equal(fake_count(world->fake, "/api/v1/persistentvolumes"), 1);
	volume = fake_get(world->fake, "/api/v1/persistentvolumes/small");
	assert_string_equal(kt_jstr(volume, "status.phase"), "Released");
}

static void budgets_and_roles_are_summed_up(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *budget = NULL, *role = NULL;

	fake_put(world->fake, "/apis/policy/v1/namespaces/default/poddisruptionbudgets",
	        "{'apiVersion':'policy/v1','kind':"
	        "'PodDisruptionBudget','metadata':{'name':'b'},'spec':{'minAvailable':1,'selector':"
	        "{'matchLabels':{'app':'web'}}}}");
	put_pod(world, "a", "10.0.0.1", true);
	put_pod(world, "b", "10.0.0.2", true);
	put_pod(world, "c", "10.0.0.3", false);
	fake_put(world->fake, "/apis/rbac.authorization.k8s.io/v1/clusterroles",
	        "{'metadata':{'name':'part','labels':{'to':'whole'}},'rules':"
	        "[{'verbs':['get'],'resources':['pods']}]}");
	fake_put(world->fake, "/apis/rbac.authorization.k8s.io/v1/clusterroles",
	        "{'metadata':{'name':'whole'},'aggregationRule':"
	        "{'clusterRoleSelectors':[{'matchLabels':{'to':'whole'}}]}}");
	world_run_ms(world, 5000);
	budget = fake_get(world->fake, "/apis/policy/v1/namespaces/default/poddisruptionbudgets/b");
	assert_int_equal(kt_jint(budget, "status.currentHealthy", 0), 2);
	assert_int_equal(kt_jint(budget, "status.expectedPods", 0), 3);
	assert_int_equal(kt_jint(budget, "status.disruptionsAllowed", 0), 1);
	role = fake_get(world->fake, "/apis/rbac.authorization.k8s.io/v1/clusterroles/whole");
	assert_string_equal(kt_jstr(role, "rules.0.resources.0"), "pods");
}

static void quotas_count_what_is_there(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *quota = NULL;

	fake_put(world->fake, "/api/v1/namespaces/default/resourcequotas",
	        "{'apiVersion':'v1','kind':'ResourceQuota','metadata':{'name':'q'},"
	        "'spec':{'hard':{'pods':'10','count/pods':'10','requests.cpu':'4','configmaps':'5',"
	        "'count/deployments.apps':'2'}}}");
	fake_put(world->fake, "/api/v1/namespaces/default/pods",
	        "{'metadata':{'name':'over'},'spec':{'containers':[{'name':'c','resources':"
	        "{'requests':{'cpu':'7'}}}]},'status':{'phase':'Succeeded'}}");
	fake_put(world->fake, "/api/v1/namespaces/default/pods",
	        "{'metadata':{'name':'a'},'spec':{'containers':[{'name':'c','resources':"
	        "{'requests':{'cpu':'250m'}}},{'name':'d','resources':{'requests':{'cpu':'1'}}}]}"
	        "}");
	put_map(world, "m", NULL, false, "");
	world_run_ms(world, 5000);
	quota = fake_get(world->fake, "/api/v1/namespaces/default/resourcequotas/q");
	assert_string_equal(kt_jstr(quota, "status.used.pods"), "1");
	assert_string_equal(kt_jstr(quota, "status.used.count/pods"), "2");
	assert_string_equal(
	        json_string_value(json_object_get(kt_jget(quota, "status.used"), "requests.cpu")),
	        "1250m");
	assert_string_equal(kt_jstr(quota, "status.used.configmaps"), "1");
	assert_string_equal(json_string_value(json_object_get(
	                            kt_jget(quota, "status.used"), "count/deployments.apps")),
	        "0");
	fake_delete(world->fake, "/api/v1/namespaces/default/pods/a");
	world_run_ms(world, 5000);
	json_decref(quota);
	quota = fake_get(world->fake, "/api/v1/namespaces/default/resourcequotas/q");
	assert_string_equal(kt_jstr(quota, "status.used.pods"), "0");
}

static const char *used_of(struct world *world, const char *quota, const char *resource)
{
	static char text[64];
	kt_auto_free char *path =
	        kt_asprintf("/api/v1/namespaces/default/resourcequotas/%s", quota);
	kt_auto_json json_t *object = fake_get(world->fake, path);
	const char *used =
	        json_string_value(json_object_get(kt_jget(object, "status.used"), resource));

	snprintf(text, sizeof(text), "%s", used ? used : "");
	return text;
}

static void put_scoped_quota(
        struct world *world, const char *name, const char *expression, const char *hard)
{
	kt_auto_free char *text =
	        kt_asprintf("{'apiVersion':'v1','kind':'ResourceQuota','metadata':{'name':'%s'},"
	                    "'spec':{'hard':{%s},'scopeSelector':{'matchExpressions':[%s]}}}",
	                name, hard, expression);

	fake_put(world->fake, "/api/v1/namespaces/default/resourcequotas", text);
}

static void quotas_count_what_is_in_scope(void **state)
{
	struct world *world = *state;

	put_scoped_quota(world, "across",
	        "{'scopeName':'CrossNamespacePodAffinity','operator':'Exists'}",
	        "'pods':'5','requests.cpu':'5'");
	put_scoped_quota(world, "gold",
	        "{'scopeName':'VolumeAttributesClass','operator':'In','values':['gold']}",
	        "'persistentvolumeclaims':'5','requests.storage':'5Gi'");
	fake_put(world->fake, "/api/v1/namespaces/default/pods",
	        "{'metadata':{'name':'plain'},'spec':{'containers':[{'name':'c'}],'affinity':{"
	        "'podAffinity':{'requiredDuringSchedulingIgnoredDuringExecution':["
	        "{'topologyKey':'t'}]}}}}");
	fake_put(world->fake, "/api/v1/namespaces/default/pods",
	        "{'metadata':{'name':'across'},'spec':{'overhead':{'cpu':'250m'},"
	        "'resources':{'requests':{'cpu':'2'}},'containers':[{'name':'c','resources':{"
	        "'requests':{'cpu':'1'}}}],'affinity':{'podAntiAffinity':{"
	        "'preferredDuringSchedulingIgnoredDuringExecution':[{'weight':1,"
	        "'podAffinityTerm':{'topologyKey':'t','namespaces':['a']}}]}}}}");
	fake_put(world->fake, "/api/v1/namespaces/default/persistentvolumeclaims",
	        "{'metadata':{'name':'a'},'spec':{'volumeAttributesClassName':'gold',"
	        "'resources':{'requests':{'storage':'1Gi'}}}}");
	fake_put(world->fake, "/api/v1/namespaces/default/persistentvolumeclaims",
	        "{'metadata':{'name':'b'},'spec':{'resources':{'requests':{'storage':'1Gi'}}}}");
	fake_put(world->fake, "/api/v1/namespaces/default/persistentvolumeclaims",
	        "{'metadata':{'name':'d'},'spec':{'resources':{'requests':{'storage':'1Gi'}}},"
	        "'status':{'currentVolumeAttributesClassName':'gold'}}");
	world_run_ms(world, 5000);
	assert_string_equal(used_of(world, "across", "pods"), "1");
	assert_string_equal(used_of(world, "across", "requests.cpu"), "2250m");
	assert_string_equal(used_of(world, "gold", "persistentvolumeclaims"), "2");
	assert_string_equal(used_of(world, "gold", "requests.storage"), "2Gi");
}

/* The event with this reason; NULL. */
static json_t *event_of(struct world *world, const char *reason)
{
	for (size_t i = 0;; i++) {
		json_t *event = fake_nth(world->fake, "/api/v1/events", i);

		if (!event || kt_streq(kt_jstr(event, "reason"), reason))
			return event;
		json_decref(event);
	}
}

static int64_t count_of(struct world *world, const char *reason)
{
	kt_auto_json json_t *event = event_of(world, reason);

	return event ? kt_jint(event, "count", 0) : 0;
}

#define CLAIMS "/api/v1/namespaces/default/persistentvolumeclaims"

static void put_claim(struct world *world, const char *class)
{
	kt_auto_free char *text =
	        kt_asprintf("{'apiVersion':'v1','kind':'PersistentVolumeClaim','metadata':{'name':"
	                    "'c'},'spec':{%s'accessModes':['ReadWriteOnce'],'resources':{"
	                    "'requests':{'storage':'1Gi'}}},'status':{'phase':'Pending'}}",
	                class);

	fake_put(world->fake, CLAIMS, text);
}

static void put_user(struct world *world, const char *name)
{
	kt_auto_free char *text = kt_asprintf(
	        "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'%s'},'spec':{'containers':[{"
	        "'name':'c'}],'volumes':[{'name':'v','persistentVolumeClaim':{'claimName':'c'}}]}}",
	        name);

	fake_put(world->fake, "/api/v1/namespaces/default/pods", text);
}

static void a_pending_claim_says_why_each_15_s(void **state)
{
	struct world *world = *state;
	char name[16];

	put_claim(world, "'storageClassName':'',");
	world_run_ms(world, 1000);
	/* What wakes the controller is no reason to say it again. */
	for (int i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "p%d", i);
		put_user(world, name);
		world_run_ms(world, 100);
	}
	assert_int_equal(count_of(world, "FailedBinding"), 1);
	world_run_ms(world, 14000);
	assert_int_equal(count_of(world, "FailedBinding"), 2);
	/* The burst, and then one each five minutes that counts them all. */
	world_run_ms(world, 3600 * 1000);
	assert_in_range(count_of(world, "FailedBinding"), 220, 242);
	fake_delete(world->fake, CLAIMS "/c");
	world_run_ms(world, 1000);
	put_claim(world, "'storageClassName':'',");
	world_run_ms(world, 1000);
	assert_int_equal(fake_count(world->fake, "/api/v1/events"), 2);
}

static void a_claim_waits_for_its_consumer(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *event = NULL;

	fake_put(world->fake, "/apis/storage.k8s.io/v1/storageclasses",
	        "{'apiVersion':'storage.k8s.io/v1','kind':'StorageClass','metadata':{'name':'l'},"
	        "'provisioner':'kubernetes.io/no-provisioner','volumeBindingMode':"
	        "'WaitForFirstConsumer'}");
	put_claim(world, "'storageClassName':'l',");
	world_run_ms(world, 1000);
	assert_int_equal(count_of(world, "WaitForFirstConsumer"), 1);
	put_user(world, "a");
	put_user(world, "b");
	world_run_ms(world, 15000);
	assert_int_equal(count_of(world, "WaitForFirstConsumer"), 1);
	event = event_of(world, "WaitForPodScheduled");
	assert_string_equal(kt_jstr(event, "message"), "waiting for pods a,b to be scheduled");
}

static void a_budget_of_nothing_says_so(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *event = NULL;

	fake_put(world->fake, "/apis/policy/v1/namespaces/default/poddisruptionbudgets",
	        "{'apiVersion':'policy/v1','kind':'PodDisruptionBudget','metadata':{'name':'b'},"
	        "'spec':{'minAvailable':1,'selector':{'matchLabels':{'app':'none'}}}}");
	world_run_ms(world, 1000);
	event = event_of(world, "NoPods");
	assert_string_equal(kt_jstr(event, "message"), "No matching pods found");
}

#define REQUESTS "/apis/certificates.k8s.io/v1/certificatesigningrequests"

static void put_request(
        struct world *world, const char *name, const char *signer, const char *base64)
{
	kt_auto_free char *text = kt_asprintf(
	        "{'apiVersion':'certificates.k8s.io/v1','kind':'CertificateSigningRequest',"
	        "'metadata':{'name':'%s'},'spec':{'signerName':'%s','request':'%s','usages':["
	        "'client auth']}}",
	        name, signer, base64);

	fake_put(world->fake, REQUESTS, text);
}

static void approve(struct world *world, const char *name)
{
	kt_auto_free char *path = kt_asprintf(REQUESTS "/%s/status", name);

	world_run_ms(world, 1000);
	fake_patch(world->fake, path,
	        "{'status':{'conditions':[{'type':'Approved','status':'True','lastUpdateTime':"
	        "'2023-11-14T22:13:20Z'}]}}");
	world_run_ms(world, 1000);
}

static void approved_requests_are_signed(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *good = NULL, *bad = NULL, *other = NULL;

	put_request(world, "good", "kubernetes.io/kube-apiserver-client", "Z29vZA==");
	put_request(world, "bad", "kubernetes.io/kubelet-serving", "YmFk");
	put_request(world, "other", "example.com/own", "Z29vZA==");
	put_request(world, "asked", "kubernetes.io/kube-apiserver-client", "Z29vZA==");
	approve(world, "good");
	approve(world, "bad");
	approve(world, "other");
	good = fake_get(world->fake, REQUESTS "/good");
	assert_string_equal(kt_jstr(good, "status.certificate"), "Z29vZCBmb3IgY2xpZW50IGF1dGg=");
	bad = fake_get(world->fake, REQUESTS "/bad");
	assert_null(kt_jstr(bad, "status.certificate"));
	assert_string_equal(kt_jstr(bad, "status.conditions.1.reason"), "SignerValidationFailure");
	assert_string_equal(kt_jstr(bad, "status.conditions.1.message"),
	        "not for kubernetes.io/kubelet-serving");
	other = fake_get(world->fake, REQUESTS "/other");
	assert_null(kt_jstr(other, "status.certificate"));
	/* Answered ones go after an hour, others after a day. */
	world_run_ms(world, 3600 * 1000);
	assert_int_equal(fake_count(world->fake, REQUESTS), 1);
	world_run_ms(world, 23 * 3600 * 1000);
	assert_int_equal(fake_count(world->fake, REQUESTS), 0);
}

static const char *approval(struct world *world, const char *name, const char *user,
        const char *group, const char *base64)
{
	kt_auto_free char *path = kt_asprintf(REQUESTS "/%s", name);
	kt_auto_free char *text = kt_asprintf(
	        "{'apiVersion':'certificates.k8s.io/v1','kind':'CertificateSigningRequest',"
	        "'metadata':{'name':'%s'},'spec':{'signerName':"
	        "'kubernetes.io/kube-apiserver-client-kubelet','request':'%s','usages':['client "
	        "auth'],'username':'%s','groups':['%s']}}",
	        name, base64, user, group);
	static char message[128];
	json_t *request;

	fake_put(world->fake, REQUESTS, text);
	world_run_ms(world, 1000);
	request = fake_get(world->fake, path);
	snprintf(message, sizeof(message), "%s",
	        kt_jstr(request, "status.conditions.0.message")
	                ? kt_jstr(request, "status.conditions.0.message")
	                : "");
	json_decref(request);
	return message;
}

/* "n" is bg==, "bad" is no node's. */
static void kubelets_get_their_certificate(void **state)
{
	static const char own[] = "Auto approving self kubelet client certificate after "
	                          "SubjectAccessReview.",
	                  any[] = "Auto approving kubelet client certificate after "
	                          "SubjectAccessReview.";
	struct world *world = *state;
	kt_auto_json json_t *request = NULL;

	assert_string_equal(approval(world, "a", "n", "granted:selfnodeclient", "bg=="), own);
	assert_string_equal(approval(world, "b", "n", "granted:nodeclient", "bg=="), any);
	assert_string_equal(approval(world, "c", "boot", "granted:nodeclient", "bg=="), any);
	assert_string_equal(approval(world, "d", "boot", "granted:selfnodeclient", "bg=="), "");
	assert_string_equal(approval(world, "e", "n", "other", "bg=="), "");
	assert_string_equal(approval(world, "f", "bad", "granted:nodeclient", "YmFk"), "");
	request = fake_get(world->fake, REQUESTS "/a");
	assert_string_equal(kt_jstr(request, "status.conditions.0.reason"), "AutoApproved");
	assert_non_null(kt_jstr(request, "status.certificate"));
}

/* Which volume it gets is the scheduler's choice, told by a reservation. */
static void a_late_claim_takes_only_what_is_reserved(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *claim = NULL;

	fake_put(world->fake, "/apis/storage.k8s.io/v1/storageclasses",
	        "{'apiVersion':'storage.k8s.io/v1','kind':'StorageClass','metadata':{'name':'l'},"
	        "'provisioner':'kubernetes.io/no-provisioner','volumeBindingMode':"
	        "'WaitForFirstConsumer'}");
	fake_put(world->fake, "/api/v1/persistentvolumes",
	        "{'apiVersion':'v1','kind':'PersistentVolume','metadata':{'name':'v'},'spec':{"
	        "'storageClassName':'l','capacity':{'storage':'5Gi'},'accessModes':['"
	        "ReadWriteOnce'],'persistentVolumeReclaimPolicy':'Retain'}}");
	fake_put(world->fake, CLAIMS,
	        "{'apiVersion':'v1','kind':'PersistentVolumeClaim','metadata':{'name':'c'},'spec':{"
	        "'storageClassName':'l','accessModes':['ReadWriteOnce'],'resources':{'requests':"
	        "{'storage':'1Gi'}}}}");
	put_user(world, "a");
	world_run_ms(world, 1000);
	claim = fake_get(world->fake, CLAIMS "/c");
	assert_string_equal(kt_jstr(claim, "status.phase"), "Pending");
	json_decref(claim);
	fake_patch(world->fake, "/api/v1/persistentvolumes/v",
	        "{'spec':{'claimRef':{'namespace':'default','name':'c'}}}");
	world_run_ms(world, 1000);
	claim = fake_get(world->fake, CLAIMS "/c");
	assert_string_equal(kt_jstr(claim, "status.phase"), "Bound");
	assert_string_equal(kt_jstr(claim, "spec.volumeName"), "v");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, controllers_setup, world_teardown)
	const struct CMUnitTest tests[] = {
	        T(dependents_go_with_their_owner),
	        T(an_owner_that_never_was_counts_as_gone),
	        T(foreground_waits_for_what_blocks),
	        T(a_circle_goes_in_the_foreground),
	        T(orphans_stay),
	        T(a_namespace_goes_with_all_it_holds),
	        T(pods_of_a_namespace_go_first),
	        T(services_have_endpoints),
	        T(slices_hold_a_hundred),
	        T(claims_find_a_volume_or_get_one),
	        T(approved_requests_are_signed),
	        T(kubelets_get_their_certificate),
	        T(a_budget_of_nothing_says_so),
	        T(a_pending_claim_says_why_each_15_s),
	        T(a_claim_waits_for_its_consumer),
	        T(a_late_claim_takes_only_what_is_reserved),
	        T(budgets_and_roles_are_summed_up),
	        T(quotas_count_what_is_there),
	        T(quotas_count_what_is_in_scope),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
