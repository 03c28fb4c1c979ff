/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pods on simulated nodes, on a virtual loop against a client without a server. */
#include "support/support.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "runtime/simulated/simulated.h"
#include "support/world.h"

#include <errno.h>

static bool all_ready;

#define PODS "/api/v1/namespaces/default/pods"

static void on_ready(void *arg)
{
	(void)arg;
	all_ready = true;
}

static void destroy(void *part)
{
	kt_simulated_destroy(part);
}

static void start(struct world *world, int n_nodes)
{
	struct kt_simulated *simulated;
	kt_auto_err err = KT_ERR_INIT;

	all_ready = false;
	assert_int_equal(
	        kt_simulated_create(
	                &(struct kt_simulated_options){.client = fake_client_get(world->fake),
	                        .loop = world->loop,
	                        .n_nodes = n_nodes,
	                        .name_prefix = "n-",
	                        .on_ready = on_ready},
	                &simulated, &err),
	        0);
	kt_simulated_start(simulated);
	world->part = simulated;
	world->destroy_part = destroy;
}

static int setup(void **state)
{
	world_setup(state);
	start(*state, 2);
	return 0;
}

/* annotations and more of the container, as JSON members or "". */
static void put_pod(struct world *world, const char *annotations, const char *spec)
{
	kt_auto_free char *text = kt_asprintf(
	        "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'a','annotations':{%s}},'spec':"
	        "{'nodeName':'n-0001','containers':[{'name':'c','image':'nginx'}]%s},'status':{'"
	        "phase':'Pending'}}",
	        annotations, spec);

	fake_put(world->fake, PODS, text);
}

static const char *phase(struct world *world)
{
	static char text[32];
	json_t *pod = fake_get(world->fake, PODS "/a");

	snprintf(text, sizeof(text), "%s", pod ? kt_jstr(pod, "status.phase") : "gone");
	json_decref(pod);
	return text;
}

static char *field(struct world *world, const char *path)
{
	json_t *pod = fake_get(world->fake, PODS "/a");
	json_t *value = kt_jget(pod, path);
	struct kt_str out = KT_STR_INIT;

	if (json_is_string(value))
		kt_str_puts(&out, json_string_value(value));
	else if (value)
		kt_json_write(&out, value, 0);
	json_decref(pod);
	return kt_str_steal(&out);
}

static void assert_field(struct world *world, const char *path, const char *want)
{
	kt_auto_free char *have = field(world, path);

	assert_string_equal(have, want);
}

static void nodes_register_and_are_ready(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *node = NULL, *lease = NULL;

	world_run_ms(world, 100);
	assert_true(all_ready);
	node = fake_get(world->fake, "/api/v1/nodes/n-0002");
	assert_string_equal(kt_jstr(node, "spec.podCIDR"), "10.244.1.0/24");
	assert_string_equal(kt_jstr(node, "status.allocatable.pods"), "110");
	assert_string_equal(kt_jstr(node, "status.conditions.3.type"), "Ready");
	world_run_ms(world, 30000);
	lease = fake_get(world->fake,
	        "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n-0002");
	assert_string_equal(kt_jstr(lease, "spec.holderIdentity"), "n-0002");
	assert_int_equal(kt_jint(lease, "spec.leaseDurationSeconds", 0), 40);
}

/* The node's lease exists and was renewed within a quarter of its duration. */
static void assert_lease_is_fresh(struct world *world, int node)
{
	kt_auto_free char *path = kt_asprintf(
	        "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n-%04d", node);
	kt_auto_json json_t *lease = fake_get(world->fake, path);
	const char *renewed;
	int64_t renewed_ns;

	assert_non_null(lease);
	renewed = kt_jstr(lease, "spec.renewTime");
	assert_int_equal(kt_time_parse(kt_sv_of(renewed), &renewed_ns), 0);
	assert_true(kt_loop_wall_ns(world->loop) - renewed_ns <=
	            kt_jint(lease, "spec.leaseDurationSeconds", 0) * KT_NS_PER_S / 4);
}

/* A node without a fresh lease is taken for dead; one whose lease is renewed seldom says so from
 * the start. */
static void many_nodes_keep_their_leases(void **state)
{
	enum { NODES = 1000, SECONDS = 400, STEP = 50 };
	struct world *world = *state;

	kt_simulated_destroy(world->part);
	start(world, NODES);
	world_run_ms(world, 2000);
	assert_true(all_ready);
	for (int s = 0; s <= SECONDS; s += STEP) {
		for (int node = 1; node <= NODES; node++)
			assert_lease_is_fresh(world, node);
		world_run_ms(world, STEP * 1000);
	}
}

static void a_plain_pod_runs_after_one_write(void **state)
{
	struct world *world = *state;
	size_t before;

	world_run_ms(world, 100);
	put_pod(world, "", "");
	before = fake_writes(world->fake);
	world_run_ms(world, 0);
	world_run_ms(world, 0);
	assert_string_equal(phase(world), "Running");
	assert_field(world, "status.podIP", "10.244.0.2");
	assert_field(world, "status.hostIP", "172.18.0.2");
	assert_field(world, "status.containerStatuses.0.ready", "true");
	assert_field(world, "status.containerStatuses.0.image", "docker.io/library/nginx:latest");
	assert_field(world, "status.conditions.2.status", "True");
	world_run_ms(world, 60000);
	/* One status, three events, and the leases. */
	assert_in_range(fake_writes(world->fake) - before, 4, 4 + 2 * 7);
}

static void delays_show_on_the_way(void **state)
{
	struct world *world = *state;

	world_run_ms(world, 100);
	put_pod(world,
	        "'simulated.kube-tui.io/pull-time':'2s','simulated.kube-tui.io/ready-time':'5s'",
	        "");
	world_run_ms(world, 1000);
	assert_string_equal(phase(world), "Pending");
	assert_field(world, "status.containerStatuses.0.state.waiting.reason", "ContainerCreating");
	world_run_ms(world, 2000);
	assert_string_equal(phase(world), "Running");
	assert_field(world, "status.containerStatuses.0.ready", "false");
	world_run_ms(world, 5000);
	assert_field(world, "status.containerStatuses.0.ready", "true");
}

static int64_t count_of(struct world *world, const char *reason)
{
	for (size_t i = 0;; i++) {
		kt_auto_json json_t *event = fake_nth(world->fake, "/api/v1/events", i);

		if (!event || kt_streq(kt_jstr(event, "reason"), reason))
			return event ? kt_jint(event, "count", 0) : 0;
	}
}

static void crashes_back_off(void **state)
{
	struct world *world = *state;

	world_run_ms(world, 100);
	put_pod(world,
	        "'simulated.kube-tui.io/run-time':'1s','simulated.kube-tui.io/exit-code':'3'", "");
	world_run_ms(world, 2500);
	assert_string_equal(phase(world), "Running");
	assert_field(world, "status.containerStatuses.0.restartCount", "1");
	assert_field(world, "status.containerStatuses.0.state.waiting.reason", "CrashLoopBackOff");
	assert_field(world, "status.containerStatuses.0.lastState.terminated.exitCode", "3");
	world_run_ms(world, 10000);
	assert_field(world, "status.containerStatuses.0.restartCount", "2");
	/* It is told of each time the kubelet looks, 10 to 15 s apart, until the pod has used up
	 * its events. */
	world_run_ms(world, 240000);
	assert_in_range(count_of(world, "BackOff"), 8, 24);
	assert_field(world, "status.containerStatuses.0.restartCount", "5");
}

static void a_pod_that_does_not_restart_ends(void **state)
{
	struct world *world = *state;

	world_run_ms(world, 100);
	put_pod(world, "'simulated.kube-tui.io/run-time':'3s'", ",'restartPolicy':'Never'");
	world_run_ms(world, 1000);
	assert_string_equal(phase(world), "Running");
	world_run_ms(world, 3000);
	assert_string_equal(phase(world), "Succeeded");
	assert_field(world, "status.containerStatuses.0.state.terminated.reason", "Completed");
	assert_field(world, "status.conditions.2.reason", "PodCompleted");
}

static void init_containers_come_first(void **state)
{
	struct world *world = *state;

	world_run_ms(world, 100);
	put_pod(world, "'simulated.kube-tui.io/i.run-time':'2s'",
	        ",'initContainers':[{'name':'i','image':'busybox'},{'name':'s','image':'proxy','"
	        "restartPolicy':'Always'}]");
	world_run_ms(world, 1000);
	assert_string_equal(phase(world), "Pending");
	assert_field(world, "status.initContainerStatuses.0.state.running.startedAt",
	        "2023-11-14T22:13:20Z");
	assert_field(world, "status.containerStatuses.0.state.waiting.reason", "PodInitializing");
	world_run_ms(world, 1500);
	assert_string_equal(phase(world), "Running");
	assert_field(world, "status.initContainerStatuses.0.state.terminated.reason", "Completed");
	assert_field(world, "status.initContainerStatuses.1.ready", "true");
}

static void deletion_takes_its_grace(void **state)
{
	struct world *world = *state;

	world_run_ms(world, 100);
	put_pod(world, "'simulated.kube-tui.io/termination-time':'4s'", "");
	world_run_ms(world, 1000);
	fake_delete(world->fake, PODS "/a");
	world_run_ms(world, 3000);
	assert_string_equal(phase(world), "Running");
	world_run_ms(world, 2000);
	assert_string_equal(phase(world), "gone");
}

static void a_restart_of_the_program_goes_on(void **state)
{
	struct world *world = *state;
	kt_auto_free char *id = NULL;

	world_run_ms(world, 100);
	put_pod(world,
	        "'simulated.kube-tui.io/run-time':'100s','simulated.kube-tui.io/exit-code':'1'",
	        "");
	world_run_ms(world, 50000);
	id = field(world, "status.containerStatuses.0.containerID");
	kt_simulated_destroy(world->part);
	start(world, 2);
	world_run_ms(world, 1000);
	assert_true(all_ready);
	assert_field(world, "status.containerStatuses.0.containerID", id);
	assert_field(world, "status.containerStatuses.0.restartCount", "0");
	world_run_ms(world, 52000);
	assert_field(world, "status.containerStatuses.0.restartCount", "1");
}

/* The storage class; per node its status, its lease and that it starts. Who gives a returning node
 * up for its old heartbeat is told again. */
static void nodes_that_are_there_are_not_made_again(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *node = NULL;
	size_t before;

	world_run_ms(world, 100);
	kt_simulated_destroy(world->part);
	before = fake_writes(world->fake);
	start(world, 2);
	world_run_ms(world, 100);
	assert_true(all_ready);
	assert_int_equal(fake_writes(world->fake) - before, 1 + 2 * 3);
	world_run_ms(world, 100000); /* nothing but leases from here on */
	assert_int_equal(fake_writes(world->fake) - before, 1 + 2 * 3 + 2 * 10);
	fake_patch(world->fake, "/api/v1/nodes/n-0001/status",
	        "{'status':{'conditions':[{'type':'Ready','status':'Unknown'}]}}");
	world_run_ms(world, 100);
	node = fake_get(world->fake, "/api/v1/nodes/n-0001");
	assert_string_equal(kt_jstr(node, "status.conditions.3.status"), "True");
}

static void missing_references_hold_it(void **state)
{
	struct world *world = *state;

	world_run_ms(world, 100);
	fake_put(world->fake, PODS,
	        "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'a'},'spec':{'nodeName':'n-"
	        "0001','volumes':[{'name':'v',"
	        "'configMap':{'name':'settings'}}],'containers':[{'name':'c','image':'nginx','env':"
	        "[{'name':'E','valueFrom':{'secretKeyRef':"
	        "{'name':'key','key':'k'}}}]}]},'status':{'phase':'Pending'}}");
	world_run_ms(world, 100);
	assert_field(world, "status.containerStatuses.0.state.waiting.reason", "ContainerCreating");
	fake_put(world->fake, "/api/v1/namespaces/default/configmaps",
	        "{'metadata':{'name':'settings'}}");
	world_run_ms(world, 10000);
	assert_field(world, "status.containerStatuses.0.state.waiting.reason",
	        "CreateContainerConfigError");
	assert_field(world, "status.containerStatuses.0.state.waiting.message",
	        "secret \"key\" not found");
	fake_put(world->fake, "/api/v1/namespaces/default/secrets", "{'metadata':{'name':'key'}}");
	world_run_ms(world, 20000);
	assert_string_equal(phase(world), "Running");
}

static void a_new_image_restarts_the_container(void **state)
{
	struct world *world = *state;

	world_run_ms(world, 100);
	put_pod(world, "", "");
	world_run_ms(world, 100);
	fake_patch(world->fake, PODS "/a",
	        "{'spec':{'containers':[{'name':'c','image':'nginx:2','resources':{'requests':{'"
	        "cpu':'1'}}}]}}");
	world_run_ms(world, 100);
	assert_field(world, "status.containerStatuses.0.restartCount", "1");
	assert_field(world, "status.containerStatuses.0.image", "docker.io/library/nginx:2");
	assert_field(world, "status.containerStatuses.0.allocatedResources.cpu", "1");
	assert_string_equal(phase(world), "Running");
}

static char *read_log(struct world *world, const char *query)
{
	struct kt_simulated_log *log;
	struct kt_err err = KT_ERR_INIT;
	struct kt_str out = KT_STR_INIT;
	struct kt_task wake;
	struct kt_buf *piece;

	assert_int_equal(kt_simulated_log_open(world->part, "default", "a", query, &log, &err), 0);
	kt_task_init(&wake, NULL);
	kt_simulated_log_set_wake(log, world->loop, &wake);
	while (kt_simulated_log_pull(log, &piece) == 1) {
		kt_str_add(&out, piece->data, piece->len);
		kt_buf_unref(piece);
	}
	kt_simulated_log_close(log);
	return kt_str_steal(&out);
}

static void logs_grow(void **state)
{
	struct world *world = *state;
	struct kt_simulated_log *log;
	kt_auto_err err = KT_ERR_INIT;

	world_run_ms(world, 100);
	put_pod(world,
	        "'simulated.kube-tui.io/log-lines':'{n} of "
	        "{container}','simulated.kube-tui.io/log-rate':'2'",
	        "");
	world_run_ms(world, 2000);
	{
		kt_auto_free char *all = read_log(world, ""),
		                  *tail = read_log(world, "tailLines=2&container=c");
		kt_auto_free char *few = read_log(world, "limitBytes=7");

		assert_string_equal(all, "0 of c\n1 of c\n2 of c\n3 of c\n4 of c\n");
		assert_string_equal(tail, "3 of c\n4 of c\n");
		assert_string_equal(few, "0 of c\n");
	}
	assert_int_equal(
	        kt_simulated_log_open(world->part, "default", "a", "previous=true", &log, &err),
	        -EINVAL);
	assert_string_equal(
	        kt_err_message(&err), "previous terminated container \"c\" in pod \"a\" not found");
}

static void ephemeral_containers_end(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *event = NULL;

	world_run_ms(world, 100);
	put_pod(world,
	        "'simulated.kube-tui.io/run-time':'forever','simulated.kube-tui.io/"
	        "told.run-time':'20s','simulated.kube-tui.io/told.exit-code':'3','"
	        "simulated.kube-tui.io/told.pull-time':'2s'",
	        "");
	world_run_ms(world, 1000);
	fake_patch(world->fake, PODS "/a",
	        "{'spec':{'ephemeralContainers':[{'name':'told','image':'busybox'}]}}");
	world_run_ms(world, 1000);
	assert_field(world, "status.ephemeralContainerStatuses.0.state.waiting.reason",
	        "ContainerCreating");
	fake_patch(world->fake, PODS "/a",
	        "{'spec':{'ephemeralContainers':[{'name':'told','image':'busybox'},{'name':'shell'"
	        ",'image':'busybox','command':['sh']},{'name':'nap','image':'busybox','command':"
	        "['sleep','5']}]}}");
	world_run_ms(world, 10000);
	assert_field(world, "status.ephemeralContainerStatuses.0.state.running.startedAt",
	        "2023-11-14T22:13:23Z");
	assert_field(world, "status.ephemeralContainerStatuses.0.ready", "false");
	assert_field(
	        world, "status.ephemeralContainerStatuses.2.state.terminated.reason", "Completed");
	/* They go on after a restart of the program. */
	kt_simulated_destroy(world->part);
	start(world, 2);
	world_run_ms(world, 20000);
	assert_field(world, "status.ephemeralContainerStatuses.0.state.terminated.exitCode", "3");
	assert_field(world, "status.ephemeralContainerStatuses.0.state.terminated.finishedAt",
	        "2023-11-14T22:13:43Z");
	assert_field(world, "status.ephemeralContainerStatuses.1.state.running.startedAt",
	        "2023-11-14T22:13:22Z");
	assert_field(world, "status.ephemeralContainerStatuses.2.restartCount", "0");
	assert_field(world, "status.phase", "Running");
	assert_field(world, "status.containerStatuses.0.ready", "true");
	for (size_t i = 0; !kt_streq(kt_jstr(event, "reason"), "Pulling"); i++) {
		json_decref(event);
		event = fake_nth(world->fake, "/api/v1/events", i);
		assert_non_null(event);
	}
	assert_string_equal(
	        kt_jstr(event, "involvedObject.fieldPath"), "spec.ephemeralContainers{told}");
}

#define LEASE_1 "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n-0001"

static char *renewed_at(struct world *world)
{
	kt_auto_json json_t *lease = fake_get(world->fake, LEASE_1);

	return kt_strdup(kt_jstr(lease, "spec.renewTime"));
}

static void annotate_node(struct world *world, const char *key, const char *value)
{
	kt_auto_free char *patch = kt_asprintf(
	        "{'metadata':{'annotations':{'simulated.kube-tui.io/%s':%s}}}", key, value);

	fake_patch(world->fake, "/api/v1/nodes/n-0001", patch);
}

static void a_stopped_node_says_nothing(void **state)
{
	struct world *world = *state;
	kt_auto_free char *before = NULL, *after = NULL, *back = NULL;
	kt_auto_json json_t *node = NULL, *lease = NULL;
	struct kt_simulated_log *log;
	kt_auto_err err = KT_ERR_INIT;

	world_run_ms(world, 100);
	put_pod(world, "", "");
	world_run_ms(world, 1000);
	assert_field(world, "status.phase", "Running");
	annotate_node(world, "stopped", "'true'");
	world_run_ms(world, 1000);
	before = renewed_at(world);
	lease = fake_get(world->fake, LEASE_1);
	assert_int_equal(kt_jint(lease, "spec.leaseDurationSeconds", 0), 40);
	fake_delete(world->fake, PODS "/a");
	/* A restart of the program does not start it. */
	kt_simulated_destroy(world->part);
	start(world, 2);
	world_run_ms(world, 60000);
	assert_true(all_ready);
	after = renewed_at(world);
	assert_string_equal(before, after);
	assert_string_equal(phase(world), "Running");
	assert_true(kt_simulated_log_open(world->part, "default", "a", "", &log, &err) < 0);
	assert_null(kt_simulated_node_metrics(world->part, "n-0001", NULL));
	/* The life-cycle controller gives it up; then it is back. */
	fake_patch(world->fake, "/api/v1/nodes/n-0001/status",
	        "{'status':{'conditions':[{'type':'Ready','status':'Unknown',"
	        "'lastTransitionTime':'2023-11-14T22:13:59Z'}]}}");
	world_run_ms(world, 1000);
	annotate_node(world, "stopped", "null");
	world_run_ms(world, 1000);
	back = renewed_at(world);
	assert_string_not_equal(back, after);
	assert_string_equal(phase(world), "gone");
	node = fake_get(world->fake, "/api/v1/nodes/n-0001");
	assert_string_equal(kt_jstr(node, "status.conditions.3.status"), "True");
	assert_string_equal(
	        kt_jstr(node, "status.conditions.3.lastTransitionTime"), "2023-11-14T22:14:23Z");
}

static void a_node_can_be_unwell(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *node = NULL;

	world_run_ms(world, 5000);
	annotate_node(world, "not-ready", "'the network plugin is not ready'");
	annotate_node(world, "disk-pressure", "'true'");
	world_run_ms(world, 1000);
	node = fake_get(world->fake, "/api/v1/nodes/n-0001");
	assert_string_equal(kt_jstr(node, "status.conditions.1.status"), "True");
	assert_string_equal(kt_jstr(node, "status.conditions.1.reason"), "KubeletHasDiskPressure");
	assert_string_equal(
	        kt_jstr(node, "status.conditions.2.lastTransitionTime"), "2023-11-14T22:13:20Z");
	assert_string_equal(kt_jstr(node, "status.conditions.3.status"), "False");
	assert_string_equal(
	        kt_jstr(node, "status.conditions.3.message"), "the network plugin is not ready");
	assert_string_equal(
	        kt_jstr(node, "status.conditions.3.lastTransitionTime"), "2023-11-14T22:13:25Z");
}

static json_t *pod_named(struct world *world, const char *name)
{
	kt_auto_free char *path = kt_asprintf(PODS "/%s", name);

	return fake_get(world->fake, path);
}

/* What was given out before a restart stays given out: a new pod that is seen first gets another.
 */
static void addresses_outlive_a_restart(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *first = NULL, *second = NULL;

	world_run_ms(world, 100);
	put_pod(world, "", "");
	world_run_ms(world, 1000);
	kt_simulated_destroy(world->part);
	fake_delete(world->fake, PODS "/a");
	fake_put(world->fake, PODS,
	        "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'new'},'spec':{'nodeName':"
	        "'n-0001','containers':[{'name':'c','image':'nginx'}]},'status':{'phase':"
	        "'Pending'}}");
	fake_put(world->fake, PODS,
	        "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'old'},'spec':{'nodeName':"
	        "'n-0001','containers':[{'name':'c','image':'nginx'}]},'status':{'phase':"
	        "'Running','podIP':'10.244.0.2','startTime':'2023-11-14T22:13:20Z'}}");
	start(world, 2);
	world_run_ms(world, 1000);
	first = pod_named(world, "old");
	second = pod_named(world, "new");
	assert_string_equal(kt_jstr(first, "status.podIP"), "10.244.0.2");
	assert_string_equal(kt_jstr(second, "status.podIP"), "10.244.0.3");
}

/* The kubelet has the last word on whether a pod of a living node is ready. */
static void what_others_say_of_a_pod_is_put_right(void **state)
{
	struct world *world = *state;
	size_t before;

	world_run_ms(world, 100);
	put_pod(world, "", "");
	world_run_ms(world, 1000);
	assert_field(world, "status.conditions.2.status", "True");
	before = fake_writes(world->fake);
	fake_patch(world->fake, PODS "/a/status",
	        "{'status':{'conditions':[{'type':'Ready','status':'False'}]}}");
	world_run_ms(world, 1000);
	assert_field(world, "status.conditions.2.type", "Ready");
	assert_field(world, "status.conditions.2.status", "True");
	assert_true(fake_writes(world->fake) <= before + 2);
}

static void readiness_gates_open(void **state)
{
	struct world *world = *state;

	world_run_ms(world, 100);
	put_pod(world, "", ",'readinessGates':[{'conditionType':'x.io/up'}]");
	world_run_ms(world, 1000);
	assert_field(world, "status.conditions.2.status", "False");
	assert_field(world, "status.conditions.2.reason", "ReadinessGatesNotReady");
	fake_patch(world->fake, PODS "/a/status",
	        "{'status':{'conditions':[{'type':'Ready','status':'False'},"
	        "{'type':'x.io/up','status':'True'}]}}");
	world_run_ms(world, 1000);
	assert_field(world, "status.conditions.2.type", "Ready");
	assert_field(world, "status.conditions.2.status", "True");
}

static void usage_is_told(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *pod = NULL, *node = NULL;
	kt_auto_err err = KT_ERR_INIT;

	world_run_ms(world, 100);
	put_pod(world,
	        "'simulated.kube-tui.io/cpu-usage':'250m','simulated.kube-tui.io/"
	        "memory-usage':'64Mi'",
	        "");
	world_run_ms(world, 1000);
	pod = kt_simulated_pod_metrics(world->part, "default", "a", &err);
	assert_string_equal(kt_jstr(pod, "containers.0.usage.cpu"), "250000000n");
	assert_string_equal(kt_jstr(pod, "containers.0.usage.memory"), "65536Ki");
	node = kt_simulated_node_metrics(world->part, "n-0001", &err);
	assert_string_equal(kt_jstr(node, "usage.cpu"), "280000000n");
	assert_null(kt_simulated_node_metrics(world->part, "other", &err));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, world_teardown)
	const struct CMUnitTest tests[] = {
	        T(nodes_register_and_are_ready),
	        T(many_nodes_keep_their_leases),
	        T(a_plain_pod_runs_after_one_write),
	        T(delays_show_on_the_way),
	        T(crashes_back_off),
	        T(a_pod_that_does_not_restart_ends),
	        T(init_containers_come_first),
	        T(deletion_takes_its_grace),
	        T(a_restart_of_the_program_goes_on),
	        T(nodes_that_are_there_are_not_made_again),
	        T(logs_grow),
	        T(ephemeral_containers_end),
	        T(a_stopped_node_says_nothing),
	        T(a_node_can_be_unwell),
	        T(addresses_outlive_a_restart),
	        T(what_others_say_of_a_pod_is_put_right),
	        T(readiness_gates_open),
	        T(usage_is_told),
	        T(missing_references_hold_it),
	        T(a_new_image_restarts_the_container),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
