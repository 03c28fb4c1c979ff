/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes a pod's status: one patch whenever what there is to say has changed, one at a time per
 * pod. */
#include "runtime/simulated/internal.h"

#include "api/status.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"

#define WRITE_RETRY_MS 1000

static const char *const condition_types[SIM_N_CONDITIONS] = {
        [SIM_READY_TO_START] = "PodReadyToStartContainers",
        [SIM_INITIALIZED] = "Initialized",
        [SIM_READY] = "Ready",
        [SIM_CONTAINERS_READY] = "ContainersReady",
};

static void fnv(char ret_hex[65], const char *text, size_t len)
{
	/* Four words: an id of a container is 256 bits. */
	for (uint64_t word = 0; word < 4; word++) {
		uint64_t h = UINT64_C(14695981039346656037) + word * UINT64_C(0x9E3779B97F4A7C15);

		for (size_t i = 0; i < len; i++)
			h = (h ^ (unsigned char)text[i]) * UINT64_C(1099511628211);
		h ^= h >> 29;
		snprintf(ret_hex + word * 16, 17, "%016llx", (unsigned long long)h);
	}
}

void sim_container_id(struct kt_sv uid, const char *container, int run, char ret_hex[65])
{
	kt_auto_free char *text = kt_asprintf("%.*s/%s/%d", (int)uid.len, uid.p, container, run);

	fnv(ret_hex, text, strlen(text));
}

static bool all_main(const struct sim_pod *pod, bool (*test)(const struct sim_container *container))
{
	for (size_t i = pod->n_init; i < pod->n_containers; i++)
		if (!test(&pod->containers[i]))
			return false;
	return true;
}

static bool has_exited(const struct sim_container *container)
{
	return container->state == SIM_EXITED;
}

static bool is_complete(const struct sim_container *container)
{
	return container->state == SIM_EXITED && container->current.any &&
	       container->current.code == 0;
}

static bool is_over(const char *phase)
{
	return strcmp(phase, "Succeeded") == 0 || strcmp(phase, "Failed") == 0;
}

const char *sim_pod_phase(const struct sim_pod *pod)
{
	bool any = false;

	if (pod->failed_deadline)
		return "Failed";
	for (size_t i = 0; i < pod->n_init; i++)
		if (pod->containers[i].kind == SIM_INIT && pod->containers[i].state == SIM_EXITED &&
		        pod->containers[i].current.code != 0)
			return "Failed";
	if (pod->stopped || all_main(pod, has_exited))
		return all_main(pod, is_complete) ? "Succeeded" : "Failed";
	for (size_t i = pod->n_init; i < pod->n_containers; i++) {
		const struct sim_container *container = &pod->containers[i];

		if (container->state == SIM_RUNNING || container->current.any ||
		        container->last.any)
			any = true;
		else if (container->state != SIM_EXITED)
			return "Pending";
	}
	return any ? "Running" : "Pending";
}

static bool is_initialized(const struct sim_pod *pod)
{
	for (size_t i = 0; i < pod->n_init; i++) {
		const struct sim_container *container = &pod->containers[i];

		if (container->kind == SIM_SIDECAR
		                ? !container->started && container->state != SIM_EXITED
		                : !is_complete(container))
			return false;
	}
	return true;
}

static bool containers_ready(const struct sim_pod *pod)
{
	for (size_t i = 0; i < pod->n_containers; i++)
		if (pod->containers[i].kind != SIM_INIT && !pod->containers[i].ready)
			return false;
	return true;
}

/* Custom conditions that readinessGates ask for are somebody else's; all must be True. */
static bool gates_open(const struct sim_pod *pod)
{
	struct kt_json_at doc = kt_object_doc(pod->object),
	                  gates = kt_json_find(doc, "spec", "readinessGates", NULL), gate;
	struct kt_json_iter g = {0};

	while (gates.p && kt_json_next_element(gates, &g, &gate)) {
		struct kt_json_at conditions = kt_json_find(doc, "status", "conditions", NULL),
		                  condition;
		struct kt_json_iter c = {0};
		struct kt_sv type = {0}, have;
		bool open = false;

		kt_json_string_sv(kt_json_member(gate, "conditionType"), &type);
		while (conditions.p && kt_json_next_element(conditions, &c, &condition))
			if (kt_json_string_sv(kt_json_member(condition, "type"), &have) &&
			        kt_sv_eq(type, have))
				open = kt_json_string_is(
				        kt_json_member(condition, "status"), "True");
		if (!open)
			return false;
	}
	return true;
}

static void write_time(struct kt_str *out, const char *key, int64_t wall_ns)
{
	char text[KT_TIME_TEXT_MAX];

	kt_time_format(wall_ns, text);
	kt_str_printf(out, "\"%s\":\"%s\"", key, text);
}

static void write_terminated(struct kt_str *out, const struct sim_pod *pod,
        const struct sim_container *container, const struct sim_exit *end)
{
	char id[65];

	sim_container_id(kt_object_uid(pod->object), container->name, end->run, id);
	kt_str_printf(out,
	        "{\"terminated\":{\"containerID\":\"containerd://"
	        "%s\",\"exitCode\":%d,\"reason\":\"%s\",",
	        id, end->code, end->code ? "Error" : "Completed");
	write_time(out, "startedAt", end->started_wall_ns);
	kt_str_putc(out, ',');
	write_time(out, "finishedAt", end->finished_wall_ns);
	kt_str_puts(out, "}}");
}

static void write_waiting(struct kt_str *out, const char *reason, const char *message)
{
	kt_str_printf(out, "{\"waiting\":{\"reason\":\"%s\"", reason);
	if (message) {
		kt_str_puts(out, ",\"message\":");
		kt_json_write_string(out, message, strlen(message));
	}
	kt_str_puts(out, "}}");
}

static void write_back_off(
        struct kt_str *out, const struct sim_pod *pod, const struct sim_container *container)
{
	struct kt_sv namespace = kt_object_namespace(pod->object),
	             name = kt_object_name(pod->object);
	struct kt_sv uid = kt_object_uid(pod->object);
	/* backoff_ns is the next one already. */
	int64_t ns = container->backoff_ns >= SIM_BACKOFF_MAX_NS
	                     ? container->backoff_ns
	                     : KT_MAX(container->backoff_ns / 2, SIM_BACKOFF_MIN_NS);
	char took[KT_TIME_TEXT_MAX];
	kt_auto_free char *text = NULL;

	kt_duration_format(ns, took);
	text = kt_asprintf("back-off %s restarting failed container=%s pod=%.*s_%.*s(%.*s)", took,
	        container->name, (int)name.len, name.p, (int)namespace.len, namespace.p,
	        (int)uid.len, uid.p);
	write_waiting(out, "CrashLoopBackOff", text);
}

static void write_state(
        struct kt_str *out, const struct sim_pod *pod, const struct sim_container *container)
{
	kt_auto_free char *text = NULL;

	switch (container->state) {
	case SIM_RUNNING:
		kt_str_puts(out, "{\"running\":{");
		write_time(out, "startedAt", container->started_wall_ns);
		kt_str_puts(out, "}}");
		break;
	case SIM_EXITED:
		if (container->current.any)
			write_terminated(out, pod, container, &container->current);
		else
			write_waiting(out, "ContainerCreating", NULL);
		break;
	case SIM_BACKOFF:
		write_back_off(out, pod, container);
		break;
	case SIM_CONFIG_ERROR:
		write_waiting(out, "CreateContainerConfigError",
		        sim_references_error(pod->references, container->name));
		break;
	case SIM_PULL_BACKOFF:
		text = kt_asprintf("Back-off pulling image \"%s\": ErrImagePull: %s",
		        container->image, container->plan.pull_error);
		write_waiting(out, "ImagePullBackOff", text);
		break;
	case SIM_IDLE:
		write_waiting(out, pod->n_init ? "PodInitializing" : "ContainerCreating", NULL);
		break;
	default:
		write_waiting(out,
		        container->kind >= SIM_MAIN && !pod->n_init ? "ContainerCreating"
		                                                    : "PodInitializing",
		        NULL);
		break;
	}
}

/* The name as a container runtime reports it: with registry, repository and tag. */
static char *full_image_name(const char *image)
{
	const char *slash = strchr(image, '/'), *last = strrchr(image, '/');
	size_t host_len = slash ? (size_t)(slash - image) : 0;
	bool has_host = slash && (memchr(image, '.', host_len) || memchr(image, ':', host_len) ||
	                                 strncmp(image, "localhost/", 10) == 0);
	bool has_tag = strchr(image, '@') || strchr(last ? last : image, ':');

	return kt_asprintf("%s%s%s",
	        has_host ? ""
	        : slash  ? "docker.io/"
	                 : "docker.io/library/",
	        image, has_tag ? "" : ":latest");
}

static void write_image(struct kt_str *out, const struct sim_container *container)
{
	kt_auto_free char *full = full_image_name(container->image);
	char *last = strrchr(full, '/'), *colon, *at;
	char digest[65];

	fnv(digest, full, strlen(full));
	kt_str_puts(out, "\"image\":");
	kt_json_write_string(out, full, strlen(full));
	if ((at = strchr(full, '@'))) {
		kt_str_puts(out, ",\"imageID\":");
		kt_json_write_string(out, full, strlen(full));
		return;
	}
	colon = strchr(last ? last : full, ':');
	if (colon)
		*colon = '\0';
	kt_str_puts(out, ",\"imageID\":");
	{
		kt_auto_free char *id = kt_asprintf("%s@sha256:%s", full, digest);

		kt_json_write_string(
		        out, container->pulled ? id : "", container->pulled ? strlen(id) : 0);
	}
}

/* Without the closing brace. */
static void write_container(
        struct kt_str *out, const struct sim_pod *pod, const struct sim_container *container)
{
	bool has_run = container->state == SIM_RUNNING || container->current.any;
	const struct sim_exit *last =
	        container->state == SIM_BACKOFF ? &container->current : &container->last;
	bool ready = container->kind == SIM_INIT        ? is_complete(container)
	             : container->kind == SIM_EPHEMERAL ? false
	                                                : container->ready;
	char id[65];

	kt_str_puts(out, "{\"name\":");
	kt_json_write_string(out, container->name, strlen(container->name));
	kt_str_puts(out, ",\"state\":");
	write_state(out, pod, container);
	kt_str_puts(out, ",\"lastState\":");
	if (last->any)
		write_terminated(out, pod, container, last);
	else
		kt_str_puts(out, "{}");
	kt_str_printf(out, ",\"ready\":%s,", ready ? "true" : "false");
	if (container->kind != SIM_EPHEMERAL) /* nothing probes it */
		kt_str_printf(out, "\"started\":%s,", container->started ? "true" : "false");
	kt_str_printf(out, "\"restartCount\":%d,", container->run);
	write_image(out, container);
	if (has_run || last->any) {
		sim_container_id(kt_object_uid(pod->object), container->name, container->run, id);
		kt_str_printf(out, ",\"containerID\":\"containerd://%s\"", id);
	}
}

/* As the spec has them: what was asked for is what runs, also after a resize. */
static void write_resources(struct kt_str *out, struct kt_json_at spec)
{
	struct kt_json_at resources = kt_json_member(spec, "resources"), requests;

	if (!resources.p || resources.len <= 2)
		return;
	requests = kt_json_member(resources, "requests");
	if (requests.p)
		kt_str_printf(out, ",\"allocatedResources\":%.*s", (int)requests.len, requests.p);
	kt_str_printf(out, ",\"resources\":%.*s", (int)resources.len, resources.p);
}

static void write_containers(
        struct kt_str *out, const struct sim_pod *pod, const char *key, size_t from, size_t to)
{
	struct kt_json_at list = kt_object_field(pod->object, KT_SECTION_SPEC, "initContainers"),
	                  spec;
	struct kt_json_iter it = {0};

	if (from == to)
		return;
	if (to == pod->n_containers)
		list = kt_object_field(pod->object, KT_SECTION_SPEC, "containers");
	kt_str_printf(out, ",\"%s\":[", key);
	for (size_t i = from; i < to; i++) {
		if (i > from)
			kt_str_putc(out, ',');
		write_container(out, pod, &pod->containers[i]);
		if (list.p && kt_json_next_element(list, &it, &spec))
			write_resources(out, spec);
		kt_str_putc(out, '}');
	}
	kt_str_putc(out, ']');
}

static void write_ephemeral(struct kt_str *out, const struct sim_pod *pod)
{
	if (!pod->n_ephemeral)
		return;
	kt_str_puts(out, ",\"ephemeralContainerStatuses\":[");
	for (size_t i = 0; i < pod->n_ephemeral; i++) {
		if (i)
			kt_str_putc(out, ',');
		write_container(out, pod, &pod->ephemeral[i]);
		kt_str_putc(out, '}');
	}
	kt_str_putc(out, ']');
}

/* Why a condition is False. */
static void write_reason(
        struct kt_str *out, const struct sim_pod *pod, enum sim_condition which, const char *phase)
{
	bool init = which == SIM_INITIALIZED, first = true;
	const char *kind = init ? "incomplete" : "unready";

	if (which == SIM_READY_TO_START)
		return;
	if (!init && is_over(phase)) {
		kt_str_printf(out, ",\"reason\":\"%s\"",
		        strcmp(phase, "Succeeded") == 0 ? "PodCompleted" : "PodFailed");
		return;
	}
	if (which == SIM_READY && containers_ready(pod)) {
		kt_str_puts(out, ",\"reason\":\"ReadinessGatesNotReady\"");
		return;
	}
	kt_str_printf(out, ",\"reason\":\"%s\",\"message\":\"containers with %s status: [",
	        init ? "ContainersNotInitialized" : "ContainersNotReady", kind);
	for (size_t i = 0; i < pod->n_containers; i++) {
		const struct sim_container *container = &pod->containers[i];
		bool bad = init ? container->kind == SIM_INIT && !is_complete(container)
		                : container->kind != SIM_INIT && !container->ready;

		if (!bad || (init && i >= pod->n_init))
			continue;
		kt_str_printf(out, "%s%s", first ? "" : " ", container->name);
		first = false;
	}
	kt_str_puts(out, "]\"");
}

static void write_conditions(struct kt_str *out, struct sim_pod *pod, const char *phase)
{
	bool over = is_over(phase);
	bool ready = containers_ready(pod) && !over, now[SIM_N_CONDITIONS];
	int64_t generation = 0, wall = kt_loop_wall_ns(pod->simulated->loop);

	kt_json_int64(kt_object_field(pod->object, KT_SECTION_METADATA, "generation"), &generation);
	now[SIM_READY_TO_START] = !over;
	now[SIM_INITIALIZED] = is_initialized(pod);
	now[SIM_CONTAINERS_READY] = ready;
	now[SIM_READY] = ready && gates_open(pod);
	kt_str_puts(out, "\"conditions\":[");
	for (size_t i = 0; i < SIM_N_CONDITIONS; i++) {
		if (!pod->condition_wall_ns[i] || pod->condition[i] != now[i])
			pod->condition_wall_ns[i] = wall;
		pod->condition[i] = now[i];
		kt_str_printf(out, "%s{\"type\":\"%s\",\"status\":\"%s\",\"lastProbeTime\":null,",
		        i ? "," : "", condition_types[i], now[i] ? "True" : "False");
		write_time(out, "lastTransitionTime", pod->condition_wall_ns[i]);
		if (generation)
			kt_str_printf(out, ",\"observedGeneration\":%lld", (long long)generation);
		if (!now[i]) {
			pod->condition_was_false[i] = true;
			write_reason(out, pod, (enum sim_condition)i, phase);
		} else if (pod->condition_was_false[i]) {
			kt_str_puts(out, ",\"reason\":null,\"message\":null"); /* the patch takes
			                                                          them away */
		}
		kt_str_putc(out, '}');
	}
	kt_str_putc(out, ']');
}

static void write_status(struct kt_str *out, struct sim_pod *pod)
{
	struct kt_sv uid = kt_object_uid(pod->object);
	const char *phase = sim_pod_phase(pod);
	int64_t generation;
	char ip[16];

	kt_str_printf(out, "{\"metadata\":{\"uid\":\"%.*s\"},\"status\":{\"phase\":\"%s\",",
	        (int)uid.len, uid.p, phase);
	if (pod->failed_deadline)
		kt_str_puts(out, "\"reason\":\"DeadlineExceeded\",\"message\":\"Pod was active on "
		                 "the node longer than the specified deadline\",");
	if (kt_json_int64(
	            kt_object_field(pod->object, KT_SECTION_METADATA, "generation"), &generation))
		kt_str_printf(out, "\"observedGeneration\":%lld,", (long long)generation);
	write_conditions(out, pod, phase);
	kt_str_printf(out, ",\"hostIP\":\"%s\",\"hostIPs\":[{\"ip\":\"%s\"}],", pod->node->ip,
	        pod->node->ip);
	if (pod->host_network || pod->ip_host) {
		if (pod->host_network)
			snprintf(ip, sizeof(ip), "%s", pod->node->ip);
		else
			sim_node_pod_ip(pod->node, pod->ip_host, ip);
		kt_str_printf(out, "\"podIP\":\"%s\",\"podIPs\":[{\"ip\":\"%s\"}],", ip, ip);
	}
	write_time(out, "startTime", pod->started_wall_ns);
	write_containers(out, pod, "initContainerStatuses", 0, pod->n_init);
	write_containers(out, pod, "containerStatuses", pod->n_init, pod->n_containers);
	write_ephemeral(out, pod);
	kt_str_puts(out, "}}");
}

struct pod_call {
	struct kt_simulated *simulated;
	char uid[];
};

static struct pod_call *pod_call_create(struct sim_pod *pod)
{
	struct kt_sv uid = kt_object_uid(pod->object);
	struct pod_call *call = kt_zalloc(sizeof(*call) + uid.len + 1);

	call->simulated = pod->simulated;
	memcpy(call->uid, uid.p, uid.len);
	pod->simulated->n_pod_writes++;
	return call;
}

/* Is a condition other than it was written? */
static bool has_other_conditions(const struct sim_pod *pod)
{
	struct kt_json_at list = kt_object_field(pod->object, KT_SECTION_STATUS, "conditions"),
	                  condition;
	struct kt_json_iter it = {0};

	while (list.p && kt_json_next_element(list, &it, &condition))
		for (size_t i = 0; i < SIM_N_CONDITIONS; i++)
			if (kt_json_string_is(
			            kt_json_member(condition, "type"), condition_types[i]) &&
			        !kt_json_string_is(kt_json_member(condition, "status"),
			                pod->condition[i] ? "True" : "False"))
				return true;
	return false;
}

void sim_pod_check_status(struct sim_pod *pod)
{
	/* What is older than our last word says nothing new. */
	if (pod->ended || pod->end_ns != SIM_FOREVER || pod->write_under_way ||
	        !pod->written_revision || pod->object->revision <= pod->written_revision)
		return;
	if (has_other_conditions(pod))
		pod->written_hash = 0;
	else if (!kt_object_field(pod->object, KT_SECTION_SPEC, "readinessGates").p)
		return;
	sim_pod_write_status(pod);
}

/* The pod may be gone by the time of the answer. */
static struct sim_pod *pod_call_end(struct pod_call *call)
{
	struct sim_pod *pod = kt_map_get(&call->simulated->pods, call->uid);

	call->simulated->n_pod_writes--;
	free(call);
	return pod;
}

/* After a status that was written. Only when all know that the pod has ended its address is free.
 */
static void go_on(struct sim_pod *pod)
{
	if (!pod->write_again && is_over(sim_pod_phase(pod)))
		sim_pod_release_ip(pod);
	if (pod->write_again) {
		pod->write_again = false;
		sim_pod_write_status(pod);
	} else if (pod->stopped) {
		sim_pod_send_delete(pod);
	} else {
		sim_pod_check_status(pod);
	}
}

static void status_written(void *arg, struct kt_call *call)
{
	struct pod_call *own = arg;
	struct kt_simulated *simulated = own->simulated;
	struct sim_pod *pod = pod_call_end(own);

	if (pod) {
		enum kt_reason reason = call->err.code ? kt_err_reason(&call->err) : KT_REASON_NONE;

		pod->write_under_way = false;
		if (reason == KT_REASON_NOT_FOUND) {
			pod->gone = true;
		} else if (call->err.code) {
			kt_log_warning("nodes", "status of pod %s: %s", pod->key,
			        kt_err_message(&call->err));
			pod->written_hash = 0;
			kt_timer_set_after_ms(&pod->timer, WRITE_RETRY_MS);
			if (pod->stopped)
				sim_pod_send_delete(pod);
		} else {
			pod->written_revision = kt_call_revision(call);
			go_on(pod);
		}
	}
	sim_next_waiting_write(simulated);
}

void sim_pod_write_status(struct sim_pod *pod)
{
	struct kt_sv namespace = kt_object_namespace(pod->object),
	             name = kt_object_name(pod->object);
	struct kt_call_spec spec = {.method = "PATCH",
	        .content_type = KT_PATCH_STRATEGIC,
	        .done = status_written,
	        .drop = free};
	kt_auto_str body = KT_STR_INIT;
	uint64_t hash;

	if (pod->node->stopped)
		return;
	if (pod->write_under_way) {
		pod->write_again = true;
		return;
	}
	if (pod->simulated->n_pod_writes >= KT_SIMULATED_WRITES_MAX) {
		pod->write_under_way = pod->write_again =
		        true; /* sim_next_waiting_write() comes back */
		kt_vec_push(&pod->simulated->waiting_writes, kt_sv_dup(kt_object_uid(pod->object)));
		return;
	}
	write_status(&body, pod);
	hash = kt_hash_bytes(body.data, body.len);
	if (hash == pod->written_hash) {
		if (pod->stopped)
			sim_pod_send_delete(pod);
		return;
	}
	pod->written_hash = hash;
	pod->write_under_way = true;
	spec.body = &body;
	spec.arg = pod_call_create(pod);
	kt_calls_send(pod->simulated->calls, &spec, "/api/v1/namespaces/%.*s/pods/%.*s/status",
	        (int)namespace.len, namespace.p, (int)name.len, name.p);
}

void sim_next_waiting_write(struct kt_simulated *simulated)
{
	while (simulated->first_waiting < simulated->waiting_writes.n &&
	        simulated->n_pod_writes < KT_SIMULATED_WRITES_MAX) {
		kt_auto_free char *uid =
		        kt_steal(&simulated->waiting_writes.items[simulated->first_waiting]);
		struct sim_pod *pod = kt_map_get(&simulated->pods, uid);

		simulated->first_waiting++;
		if (!pod)
			continue;
		pod->write_under_way = pod->write_again = false;
		sim_pod_write_status(pod);
	}
	if (simulated->first_waiting == simulated->waiting_writes.n)
		simulated->first_waiting = simulated->waiting_writes.n = 0;
}

static void deleted(void *arg, struct kt_call *call)
{
	struct pod_call *own = arg;
	struct kt_simulated *simulated = own->simulated;
	struct sim_pod *pod = pod_call_end(own);

	if (pod) {
		enum kt_reason reason = call->err.code ? kt_err_reason(&call->err) : KT_REASON_NONE;

		if (!call->err.code || reason == KT_REASON_NOT_FOUND) {
			pod->gone = true;
		} else {
			kt_log_warning("nodes", "deleting pod %s: %s", pod->key,
			        kt_err_message(&call->err));
			pod->delete_sent = pod->stopped = false;
			kt_timer_set_after_ms(&pod->timer, WRITE_RETRY_MS);
		}
	}
	sim_next_waiting_write(simulated);
}

void sim_pod_send_delete(struct sim_pod *pod)
{
	struct kt_sv namespace = kt_object_namespace(pod->object),
	             name = kt_object_name(pod->object);
	struct kt_sv uid = kt_object_uid(pod->object);
	kt_auto_str body = KT_STR_INIT;
	struct kt_call_spec spec = {
	        .method = "DELETE", .done = deleted, .drop = free, .body = &body};

	if (pod->delete_sent || pod->node->stopped)
		return;
	pod->delete_sent = true;
	kt_str_printf(&body,
	        "{\"apiVersion\":\"v1\",\"kind\":\"DeleteOptions\",\"gracePeriodSeconds\":0,"
	        "\"preconditions\":"
	        "{\"uid\":\"%.*s\"}}",
	        (int)uid.len, uid.p);
	spec.arg = pod_call_create(pod);
	kt_calls_send(pod->simulated->calls, &spec, "/api/v1/namespaces/%.*s/pods/%.*s",
	        (int)namespace.len, namespace.p, (int)name.len, name.p);
}
