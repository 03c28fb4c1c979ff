/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a person does to a simulated node by its annotations, and what its conditions then say. */
#include "runtime/simulated/internal.h"

#include "base/mem.h"
#include "base/time.h"

struct telling {
	const char *reason, *message, *event;
};

static const struct {
	const char *type, *annotation;
	const char *good_status, *bad_status;
	struct telling good, bad;
} conditions[SIM_N_NODE_CONDITIONS] = {
        {"MemoryPressure", "memory-pressure", "False", "True",
                {"KubeletHasSufficientMemory", "kubelet has sufficient memory available",
                        "NodeHasSufficientMemory"},
                {"KubeletHasInsufficientMemory", "kubelet has insufficient memory available",
                        "NodeHasInsufficientMemory"}},
        {"DiskPressure", "disk-pressure", "False", "True",
                {"KubeletHasNoDiskPressure", "kubelet has no disk pressure",
                        "NodeHasNoDiskPressure"},
                {"KubeletHasDiskPressure", "kubelet has disk pressure", "NodeHasDiskPressure"}},
        {"PIDPressure", "pid-pressure", "False", "True",
                {"KubeletHasSufficientPID", "kubelet has sufficient PID available",
                        "NodeHasSufficientPID"},
                {"KubeletHasInsufficientPID", "kubelet has insufficient PID available",
                        "NodeHasInsufficientPID"}},
        {"Ready", "not-ready", "True", "False",
                {"KubeletReady", "kubelet is posting ready status", "NodeReady"},
                {"KubeletNotReady", NULL, "NodeNotReady"}},
};

static const struct telling *telling_of(const struct sim_node *node, size_t i)
{
	return node->bad[i] ? &conditions[i].bad : &conditions[i].good;
}

static void tell(struct kt_simulated *simulated, const struct sim_node *node, size_t i)
{
	struct kt_event event = {
	        .about = {.api_version = KT_SV("v1"),
	                .kind = KT_SV("Node"),
	                .name = kt_sv_of(node->name),
	                .uid = kt_sv_of(node->name)},
	        .type = "Normal",
	        .reason = telling_of(node, i)->event,
	        .host = node->name,
	};

	kt_event_record(simulated->recorder, &event, "Node %s status is now: %s", node->name,
	        telling_of(node, i)->event);
}

json_t *sim_node_conditions(struct kt_simulated *simulated, struct sim_node *node)
{
	json_t *list = json_array();
	char now[KT_TIME_TEXT_MAX], since[KT_TIME_TEXT_MAX];

	kt_time_format(kt_loop_wall_ns(simulated->loop), now);
	for (size_t i = 0; i < SIM_N_NODE_CONDITIONS; i++) {
		const struct telling *telling = telling_of(node, i);
		const char *message = telling->message ? telling->message : node->not_ready;

		if (!node->since_ns[i]) {
			node->since_ns[i] = kt_loop_wall_ns(simulated->loop);
			if (node->registered)
				tell(simulated, node, i);
		}
		kt_time_format(node->since_ns[i], since);
		json_array_append_new(list,
		        json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "type", conditions[i].type, "status",
		                node->bad[i] ? conditions[i].bad_status : conditions[i].good_status,
		                "lastHeartbeatTime", now, "lastTransitionTime", since, "reason",
		                telling->reason, "message", message));
	}
	return list;
}

static bool is_true(const struct kt_object *object, const char *key)
{
	kt_auto_free char *text = sim_annotation(object, "", key);

	return text && *text && strcmp(text, "false") != 0;
}

/* True when the node has something else to say than before. */
static bool read_annotations(struct sim_node *node, const struct kt_object *object)
{
	char *not_ready = sim_annotation(object, "", conditions[SIM_NODE_READY].annotation);
	bool changed = !!not_ready != !!node->not_ready ||
	               (not_ready && strcmp(not_ready, node->not_ready) != 0);

	free(node->not_ready);
	node->not_ready = not_ready;
	for (size_t i = 0; i < SIM_N_NODE_CONDITIONS; i++) {
		bool bad = i == SIM_NODE_READY ? not_ready != NULL
		                               : is_true(object, conditions[i].annotation);

		changed = changed || bad != node->bad[i];
		node->bad[i] = bad;
	}
	return changed;
}

/* Since when the API server says what we say; what it says otherwise begins anew with our next
 * word. */
static void read_conditions(struct sim_node *node, const struct kt_object *object)
{
	struct kt_json_at list = kt_object_field(object, KT_SECTION_STATUS, "conditions"), item;
	struct kt_json_iter it = {0};

	while (list.p && kt_json_next_element(list, &it, &item))
		for (size_t i = 0; i < SIM_N_NODE_CONDITIONS; i++) {
			struct kt_json_at status = kt_json_member(item, "status");
			struct kt_sv text = {0};

			if (!kt_json_string_is(kt_json_member(item, "type"), conditions[i].type))
				continue;
			node->since_ns[i] = 0;
			if (kt_json_string_is(status, node->bad[i] ? conditions[i].bad_status
			                                           : conditions[i].good_status) &&
			        kt_json_string_sv(
			                kt_json_member(item, "lastTransitionTime"), &text))
				kt_time_parse(text, &node->since_ns[i]);
		}
}

bool sim_node_is_given_up(const struct kt_object *object)
{
	struct kt_json_at list = kt_object_field(object, KT_SECTION_STATUS, "conditions"), item;
	struct kt_json_iter it = {0};

	while (list.p && kt_json_next_element(list, &it, &item))
		for (size_t i = 0; i < SIM_N_NODE_CONDITIONS; i++)
			if (kt_json_string_is(kt_json_member(item, "type"), conditions[i].type) &&
			        kt_json_string_is(kt_json_member(item, "status"), "Unknown"))
				return true;
	return false;
}

/* Pods of nodes that are back say again how they are: in between others spoke for them. */
static void resync_fired(struct kt_timer *timer)
{
	struct kt_simulated *simulated = kt_container_of(timer, struct kt_simulated, resync_timer);
	size_t it = 0;
	void *value;

	while (kt_map_next(&simulated->pods, &it, NULL, &value)) {
		struct sim_pod *pod = value;

		if (!pod->node->resync)
			continue;
		pod->written_hash = 0;
		if (pod->stopped)
			sim_pod_send_delete(pod);
		else
			sim_pod_advance(pod);
	}
	for (int i = 0; i < simulated->n_nodes; i++)
		simulated->nodes[i].resync = false;
}

static void node_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct kt_simulated *simulated = arg;
	struct sim_node *node = kt_map_get_sv(
	        &simulated->nodes_by_name, kt_object_name(new_object ? new_object : old_object));
	bool stopped, was_stopped, changed, given_up;

	if (!node || !new_object)
		return;
	stopped = is_true(new_object, "stopped");
	was_stopped = atomic_exchange(&node->stopped, stopped);
	changed = read_annotations(node, new_object);
	read_conditions(node, new_object);
	given_up = sim_node_is_given_up(new_object);
	if (!node->uid)
		node->uid = kt_sv_dup(kt_object_uid(new_object));
	if (stopped && !was_stopped && node->registered)
		sim_node_end_lease(simulated, node);
	if (stopped || !node->registered || (!changed && !given_up && !was_stopped))
		return;
	sim_node_post_status(simulated, node);
	if (given_up || was_stopped) {
		sim_node_renew_lease(simulated, node);
		node->resync = true;
		kt_timer_set(&simulated->resync_timer, kt_loop_now_ns(simulated->loop));
	}
}

/* Which nodes are stopped is known now. */
static void nodes_synced(void *arg)
{
	struct kt_simulated *simulated = arg;

	kt_informer_start(simulated->pods_informer);
	sim_nodes_register(simulated);
}

void sim_node_states_create(struct kt_simulated *simulated)
{
	kt_timer_init(&simulated->resync_timer, simulated->loop, resync_fired);
	simulated->nodes_informer =
	        kt_informer_create(simulated->client, simulated->loop, "/api/v1/nodes");
	kt_informer_add_handler(simulated->nodes_informer,
	        &(struct kt_informer_handler){
	                .on_change = node_changed, .on_synced = nodes_synced, .arg = simulated});
}

void sim_node_states_destroy(struct kt_simulated *simulated)
{
	kt_informer_destroy(simulated->nodes_informer);
	kt_timer_cancel(&simulated->resync_timer);
	for (int i = 0; i < simulated->n_nodes; i++)
		free(simulated->nodes[i].not_ready);
}
