/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Node objects and their leases. */
#include "runtime/simulated/internal.h"

#include "api/status.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"

#define KUBELET_VERSION "v1.35.4"
#define RENEW_SECONDS 10 /* the kubelet's; the lease lasts four times as long */
#define REGISTER_RETRY_MS 1000

static void lease_timer_fired(struct kt_timer *timer);
static void set_lease_timer(struct kt_simulated *simulated);
static void register_timer_fired(struct kt_timer *timer);

/* Octets two and three of a node's /24: 10.244.0.0 and up first, then below, never the
 * services' 10.96.0.0/12. */
static uint32_t subnet(const struct sim_node *node)
{
	return node->index < 12 * 256 ? 244 * 256 + node->index
	                              : 128 * 256 + (node->index - 12 * 256);
}

void sim_node_pod_ip(const struct sim_node *node, uint8_t host, char ret_text[16])
{
	snprintf(ret_text, 16, "10.%u.%u.%u", (subnet(node) >> 8) & 255, subnet(node) & 255, host);
}

uint8_t sim_node_take_ip(struct sim_node *node)
{
	for (unsigned i = 2; i < 255; i++)
		if (!(node->used_ips[i / 64] >> (i % 64) & 1)) {
			node->used_ips[i / 64] |= UINT64_C(1) << (i % 64);
			return (uint8_t)i;
		}
	return 0;
}

void sim_node_release_ip(struct sim_node *node, uint8_t host)
{
	node->used_ips[host / 64] &= ~(UINT64_C(1) << (host % 64));
}

void sim_nodes_create(struct kt_simulated *simulated, const char *prefix)
{
	simulated->nodes = kt_new_array(struct sim_node, (size_t)simulated->n_nodes + 1);
	kt_map_init(&simulated->nodes_by_name, NULL);
	for (int i = 0; i < simulated->n_nodes; i++) {
		struct sim_node *node = &simulated->nodes[i];
		unsigned address = (unsigned)i + 2;

		node->index = (uint32_t)i;
		node->name = kt_asprintf("%s%04d", prefix, i + 1);
		node->ip = kt_asprintf("172.18.%u.%u", address / 256, address % 256);
		kt_map_set(&simulated->nodes_by_name, node->name, node);
	}
	kt_timer_init(&simulated->lease_timer, simulated->loop, lease_timer_fired);
	kt_timer_init(&simulated->register_timer, simulated->loop, register_timer_fired);
	simulated->lease_round_ns =
	        KT_MAX(RENEW_SECONDS, simulated->n_nodes / KT_SIMULATED_LEASES_PER_S) * KT_NS_PER_S;
}

void sim_nodes_destroy(struct kt_simulated *simulated)
{
	kt_timer_cancel(&simulated->lease_timer);
	kt_timer_cancel(&simulated->register_timer);
	kt_vec_finish(&simulated->to_register);
	for (int i = 0; i < simulated->n_nodes; i++) {
		free(simulated->nodes[i].name);
		free(simulated->nodes[i].ip);
		free(simulated->nodes[i].uid);
	}
	free(simulated->nodes);
	kt_map_finish(&simulated->nodes_by_name);
}

static json_t *node_resources(const struct kt_simulated *simulated)
{
	kt_auto_free char *pods = kt_asprintf("%d", simulated->pods_max);

	return json_pack("{s:s,s:s,s:s,s:s}", "cpu", simulated->cpu, "memory", simulated->memory,
	        "ephemeral-storage", simulated->ephemeral_storage, "pods", pods);
}

static json_t *node_info(struct kt_simulated *simulated, const struct sim_node *node)
{
	uint64_t id[2] = {kt_hash_bytes(node->name, strlen(node->name)), node->index};
	char machine_id[33];

	(void)simulated;
	id[1] = kt_hash_bytes(id, sizeof(id));
	snprintf(machine_id, sizeof(machine_id), "%016llx%016llx", (unsigned long long)id[0],
	        (unsigned long long)id[1]);
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "machineID", machine_id,
	        "systemUUID", machine_id, "bootID", machine_id, "kernelVersion", "6.1.0-kube-tui",
	        "osImage", "kube-tui simulated node", "containerRuntimeVersion",
	        "simulated://" KT_VERSION, "kubeletVersion", KUBELET_VERSION, "kubeProxyVersion",
	        "", "operatingSystem", "linux", "architecture", "amd64");
}

static json_t *node_status(struct kt_simulated *simulated, struct sim_node *node)
{
	return json_pack("{s:o,s:o,s:o,s:[{s:s,s:s},{s:s,s:s}],s:{s:{s:i}},s:o}", "capacity",
	        node_resources(simulated), "allocatable", node_resources(simulated), "conditions",
	        sim_node_conditions(simulated, node), "addresses", "type", "InternalIP", "address",
	        node->ip, "type", "Hostname", "address", node->name, "daemonEndpoints",
	        "kubeletEndpoint", "Port", 10250, "nodeInfo", node_info(simulated, node));
}

static json_t *node_object(struct kt_simulated *simulated, struct sim_node *node)
{
	char first[16], cidr[24];

	sim_node_pod_ip(node, 0, first);
	snprintf(cidr, sizeof(cidr), "%s/24", first);
	return json_pack("{s:s,s:s,s:{s:s,s:{s:s,s:s,s:s,s:s,s:s},s:{s:s}},s:{s:s,s:[s]},s:o}",
	        "apiVersion", "v1", "kind", "Node", "metadata", "name", node->name, "labels",
	        "beta.kubernetes.io/arch", "amd64", "beta.kubernetes.io/os", "linux",
	        "kubernetes.io/arch", "amd64", "kubernetes.io/hostname", node->name,
	        "kubernetes.io/os", "linux", "annotations", "simulated.kube-tui.io/node", "true",
	        "spec", "podCIDR", cidr, "podCIDRs", cidr, "status", node_status(simulated, node));
}

struct registration {
	struct kt_simulated *simulated;
	struct sim_node *node;
};

static void register_more(struct kt_simulated *simulated);
static void register_again(struct registration *registration);

static void count_registered(struct kt_simulated *simulated, struct sim_node *node)
{
	node->registered = true;
	if (++simulated->n_registered < simulated->n_nodes)
		return;
	set_lease_timer(simulated);
	if (simulated->on_ready)
		simulated->on_ready(simulated->arg);
}

static int64_t version_of(struct kt_sv text)
{
	int64_t version = 0;

	return kt_sv_int64(text, &version) == 0 ? version : 0;
}

/* Given up after our word, and seen before the answer to it. */
static bool was_overwritten(const struct kt_simulated *simulated, const struct sim_node *node,
        const struct kt_call *call)
{
	struct kt_object *object =
	        kt_informer_get(simulated->nodes_informer, (struct kt_sv){0}, kt_sv_of(node->name));
	struct kt_sv answered = {0};

	kt_json_string_sv(
	        kt_json_find(kt_call_answer(call), "metadata", "resourceVersion", NULL), &answered);
	return object && sim_node_is_given_up(object) &&
	       version_of(kt_object_span(object, object->resource_version)) > version_of(answered);
}

static void node_registered(
        struct kt_simulated *simulated, struct sim_node *node, const struct kt_call *call)
{
	struct kt_event event = {
	        .about = {.api_version = KT_SV("v1"),
	                .kind = KT_SV("Node"),
	                .name = kt_sv_of(node->name),
	                .uid = kt_sv_of(node->name)},
	        .type = "Normal",
	        .reason = "Starting",
	        .host = node->name,
	};

	free(node->uid);
	node->uid = kt_json_string_dup(kt_json_find(kt_call_answer(call), "metadata", "uid", NULL));
	kt_event_record(simulated->recorder, &event, "Starting kubelet.");
	/* At once: without it, or with one of a smaller cluster, nobody knows how seldom it is
	 * renewed. */
	sim_node_renew_lease(simulated, node);
	count_registered(simulated, node);
	if (was_overwritten(simulated, node, call))
		sim_node_post_status(simulated, node);
}

static void registration_done(void *arg, struct kt_call *call)
{
	struct registration *registration = arg;
	struct kt_simulated *simulated = registration->simulated;

	if (call->err.code && kt_err_reason(&call->err) == KT_REASON_ALREADY_EXISTS) {
		register_again(registration);
		return;
	}
	simulated->under_way--;
	if (call->err.code) {
		kt_log_warning("nodes", "registering %s: %s", registration->node->name,
		        kt_err_message(&call->err));
		kt_vec_push(&simulated->to_register, registration->node);
		kt_timer_set_after_ms(&simulated->register_timer, REGISTER_RETRY_MS);
	} else {
		node_registered(simulated, registration->node, call);
	}
	free(registration);
	if (!kt_timer_is_set(&simulated->register_timer))
		register_more(simulated);
}

/* A node of an earlier life is there already: its status becomes ours again. */
static void send_registration(struct registration *registration, bool exists)
{
	struct kt_simulated *simulated = registration->simulated;
	struct kt_call_spec spec = {.method = exists ? "PATCH" : "POST",
	        .done = registration_done,
	        .arg = registration,
	        .drop = free,
	        .content_type = exists ? KT_PATCH_STRATEGIC : NULL};
	kt_auto_json json_t *body = NULL;

	if (exists) {
		body = json_pack("{s:o}", "status", node_status(simulated, registration->node));
		kt_calls_send_json(simulated->calls, &spec, body, "/api/v1/nodes/%s/status",
		        registration->node->name);
	} else {
		body = node_object(simulated, registration->node);
		kt_calls_send_json(simulated->calls, &spec, body, "/api/v1/nodes");
	}
}

/* Its lease is there, too, and renewed at once. Should the controller, which still knows the old
 * heartbeat, give the node up after this, node_changed() answers. */
static void register_again(struct registration *registration)
{
	registration->node->has_lease = true;
	send_registration(registration, true);
}

static bool is_known(const struct kt_simulated *simulated, const struct sim_node *node)
{
	return kt_informer_get(
	               simulated->nodes_informer, (struct kt_sv){0}, kt_sv_of(node->name)) != NULL;
}

static void register_more(struct kt_simulated *simulated)
{
	while (simulated->to_register.n && simulated->under_way < KT_SIMULATED_WRITES_MAX) {
		struct sim_node *node = simulated->to_register.items[--simulated->to_register.n];
		struct registration *registration;

		if (node->stopped) {
			node->has_lease = true;
			count_registered(simulated, node);
			continue;
		}
		registration = kt_new(struct registration);
		registration->simulated = simulated;
		registration->node = node;
		simulated->under_way++;
		/* Unlike a kubelet we have seen all nodes: no need to be refused one by one. */
		if (is_known(simulated, node))
			register_again(registration);
		else
			send_registration(registration, false);
	}
}

static void register_timer_fired(struct kt_timer *timer)
{
	register_more(kt_container_of(timer, struct kt_simulated, register_timer));
}

void sim_nodes_register(struct kt_simulated *simulated)
{
	if (!simulated->n_nodes && simulated->on_ready)
		simulated->on_ready(simulated->arg);
	for (int i = simulated->n_nodes - 1; i >= 0; i--)
		kt_vec_push(&simulated->to_register, &simulated->nodes[i]);
	register_more(simulated);
}

static void lease_created(void *arg, struct kt_call *call)
{
	struct sim_node *node = arg;

	if (!call->err.code || kt_err_reason(&call->err) == KT_REASON_ALREADY_EXISTS)
		node->has_lease = true;
}

static void lease_renewed(void *arg, struct kt_call *call)
{
	struct sim_node *node = arg;

	if (call->err.code && kt_err_reason(&call->err) == KT_REASON_NOT_FOUND)
		node->has_lease = false;
}

void sim_node_post_status(struct kt_simulated *simulated, struct sim_node *node)
{
	struct kt_call_spec spec = {.method = "PATCH", .content_type = KT_PATCH_STRATEGIC};
	kt_auto_json json_t *body = json_pack("{s:o}", "status", node_status(simulated, node));

	kt_calls_send_json(simulated->calls, &spec, body, "/api/v1/nodes/%s/status", node->name);
}

static void write_lease(struct kt_simulated *simulated, struct sim_node *node, int64_t round_ns)
{
	kt_auto_str body = KT_STR_INIT;
	struct kt_call_spec spec = {.body = &body, .arg = node};
	long long duration = 4 * round_ns / KT_NS_PER_S;
	char now[KT_TIME_TEXT_MAX];

	kt_time_format_micro(kt_loop_wall_ns(simulated->loop), now);
	if (node->has_lease) {
		spec.method = "PATCH";
		spec.content_type = KT_PATCH_MERGE;
		spec.done = lease_renewed;
		kt_str_printf(&body,
		        "{\"spec\":{\"renewTime\":\"%s\",\"leaseDurationSeconds\":%lld}}", now,
		        duration);
		kt_calls_send(simulated->calls, &spec,
		        "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/%s",
		        node->name);
		return;
	}
	spec.method = "POST";
	spec.done = lease_created;
	kt_str_printf(&body,
	        "{\"apiVersion\":\"coordination.k8s.io/"
	        "v1\",\"kind\":\"Lease\",\"metadata\":{\"name\":\"%s\","
	        "\"namespace\":\"kube-node-lease\",\"ownerReferences\":[{\"apiVersion\":\"v1\","
	        "\"kind\":\"Node\",\"name\":\"%s\","
	        "\"uid\":\"%s\"}]},\"spec\":{\"holderIdentity\":\"%s\",\"leaseDurationSeconds\":%"
	        "lld,\"renewTime\":\"%s\"}}",
	        node->name, node->name, node->uid ? node->uid : "", node->name, duration, now);
	kt_calls_send(simulated->calls, &spec,
	        "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases");
}

void sim_node_renew_lease(struct kt_simulated *simulated, struct sim_node *node)
{
	if (!node->stopped)
		write_lease(simulated, node, simulated->lease_round_ns);
}

void sim_node_end_lease(struct kt_simulated *simulated, struct sim_node *node)
{
	write_lease(simulated, node, RENEW_SECONDS * KT_NS_PER_S);
}

static int lease_batch(const struct kt_simulated *simulated)
{
	return KT_MIN(simulated->n_nodes, KT_SIMULATED_LEASES_PER_S);
}

/* A few leases at a time, so that a round over all nodes takes lease_round_ns. */
static void set_lease_timer(struct kt_simulated *simulated)
{
	int64_t period = simulated->lease_round_ns * lease_batch(simulated) / simulated->n_nodes;

	kt_timer_set(&simulated->lease_timer, kt_loop_now_ns(simulated->loop) + period);
}

static void lease_timer_fired(struct kt_timer *timer)
{
	struct kt_simulated *simulated = kt_container_of(timer, struct kt_simulated, lease_timer);

	for (int i = 0; i < lease_batch(simulated); i++) {
		sim_node_renew_lease(simulated, &simulated->nodes[simulated->next_lease]);
		simulated->next_lease = (simulated->next_lease + 1) % simulated->n_nodes;
	}
	set_lease_timer(simulated);
}
