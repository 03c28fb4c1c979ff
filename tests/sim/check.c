/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What must never happen, held against every event of the store as it comes; and what must be so
 * once all is at rest. The checker knows nothing but the store's events: it keeps its own copy of
 * the state.
 */
#include "sim/sim.h"

#include "api/machinery/quantity.h"
#include "base/log.h"
#include "base/mem.h"

struct sim_check {
	struct sim *sim;
	struct kt_task wake;
	struct kt_storage_watch *watch;
	struct kt_map live; /* key -> object (reference) */
	int64_t revision;
	uint64_t n_changes;
};

static struct kt_json_at field(const struct kt_object *object, const char *a, const char *b)
{
	return kt_json_find(kt_object_doc(object), a, b, NULL);
}

/* "" when absent. */
static struct kt_sv text(const struct kt_object *object, const char *a, const char *b)
{
	struct kt_sv value;

	return kt_json_string_sv(field(object, a, b), &value) ? value : KT_SV("");
}

static int64_t number(
        const struct kt_object *object, const char *a, const char *b, int64_t fallback)
{
	int64_t value;

	return kt_json_int64(field(object, a, b), &value) ? value : fallback;
}

static bool is_kind(const struct kt_object *object, const char *kind)
{
	return kt_json_string_is(kt_json_member(kt_object_doc(object), "kind"), kind);
}

static bool is_finished(const struct kt_object *pod)
{
	struct kt_sv phase = text(pod, "status", "phase");

	return kt_sv_is(phase, "Succeeded") || kt_sv_is(phase, "Failed");
}

/* FNV-1a: not for attackers, only to compare two runs. */
static void add_to_hash(struct sim *sim, const void *data, size_t len)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i++)
		sim->hash = (sim->hash ^ p[i]) * UINT64_C(0x100000001b3);
}

static void hash_event(struct sim *sim, const struct kt_storage_event *event)
{
	const struct kt_object *object = event->object;

	add_to_hash(sim, &event->revision, sizeof(event->revision));
	add_to_hash(sim, &event->type, sizeof(event->type));
	add_to_hash(sim, kt_object_key(object), object->key_len);
	/* A fresh key pair is real randomness, in every run another. */
	if (!strstr(kt_object_key(object), "/kube-root-ca.crt"))
		add_to_hash(sim, kt_object_json(object), object->json_len);
}

struct usage {
	int64_t cpu_milli, memory, pods;
};

static int64_t quantity_of(struct kt_json_at value, bool milli)
{
	kt_auto_free char *value_text = kt_json_string_dup(value);

	if (!value_text)
		return 0;
	return milli ? kt_quantity_text_milli(value_text) : kt_quantity_text_value(value_text);
}

static void add_pod_usage(struct usage *usage, const struct kt_object *pod)
{
	struct kt_json_iter it = {0};
	struct kt_json_at container;

	while (kt_json_next_element(field(pod, "spec", "containers"), &it, &container)) {
		struct kt_json_at requests = kt_json_find(container, "resources", "requests", NULL);
		usage->cpu_milli += quantity_of(kt_json_member(requests, "cpu"), true);
		usage->memory += quantity_of(kt_json_member(requests, "memory"), false);
	}
	usage->pods++;
}

/* A pod was bound to a node: all that run there must fit. */
static void check_capacity(struct sim_check *check, struct kt_sv node_name)
{
	struct usage used = {0}, limit = {0};
	const struct kt_object *node = NULL;
	size_t it = 0;
	void *value;

	while (kt_map_next(&check->live, &it, NULL, &value)) {
		const struct kt_object *object = value;
		if (is_kind(object, "Pod") &&
		        kt_sv_eq(text(object, "spec", "nodeName"), node_name) &&
		        !is_finished(object))
			add_pod_usage(&used, object);
		else if (is_kind(object, "Node") && kt_sv_eq(kt_object_name(object), node_name))
			node = object;
	}
	if (!node) {
		sim_fail(check->sim, "a pod was bound to %.*s, which does not exist",
		        (int)node_name.len, node_name.p);
		return;
	}
	struct kt_json_at allocatable = field(node, "status", "allocatable");
	limit.cpu_milli = quantity_of(kt_json_member(allocatable, "cpu"), true);
	limit.memory = quantity_of(kt_json_member(allocatable, "memory"), false);
	limit.pods = quantity_of(kt_json_member(allocatable, "pods"), false);
	if (used.cpu_milli > limit.cpu_milli || used.memory > limit.memory ||
	        used.pods > limit.pods)
		sim_fail(check->sim,
		        "%.*s holds more than it can: cpu %lldm of %lldm, %lld of %lld pods",
		        (int)node_name.len, node_name.p, (long long)used.cpu_milli,
		        (long long)limit.cpu_milli, (long long)used.pods, (long long)limit.pods);
}

static void check_pod(
        struct sim_check *check, const struct kt_object *old_pod, const struct kt_object *pod)
{
	struct kt_sv node = text(pod, "spec", "nodeName");
	struct kt_sv old_node = old_pod ? text(old_pod, "spec", "nodeName") : KT_SV("");

	if (old_node.len && !kt_sv_eq(old_node, node))
		sim_fail(check->sim, "%s moved from %.*s to %.*s", kt_object_key(pod),
		        (int)old_node.len, old_node.p, (int)node.len, node.p);
	if (old_pod && is_finished(old_pod) && !is_finished(pod))
		sim_fail(check->sim, "%s had finished and runs again", kt_object_key(pod));
	if (node.len && !old_node.len && !is_finished(pod))
		check_capacity(check, node);
}

/* What holds for every kind. */
static void check_object(
        struct sim_check *check, const struct kt_object *old_object, const struct kt_object *object)
{
	if (!old_object)
		return;
	if (!kt_sv_eq(kt_object_uid(old_object), kt_object_uid(object)))
		sim_fail(check->sim, "%s changed its uid without being deleted",
		        kt_object_key(object));
	if (old_object->deletion_timestamp.len && !object->deletion_timestamp.len)
		sim_fail(check->sim, "%s was being deleted and is not any more",
		        kt_object_key(object));
	if (number(object, "metadata", "generation", 0) <
	        number(old_object, "metadata", "generation", 0))
		sim_fail(check->sim, "the generation of %s went back", kt_object_key(object));
}

/* The object as the checker had it must be what the store says was before. */
static void check_order(struct sim_check *check, const struct kt_storage_event *event)
{
	struct kt_object *known = kt_map_get(&check->live, kt_object_key(event->object));

	if (event->revision < check->revision)
		sim_fail(check->sim, "revision %lld came after %lld", (long long)event->revision,
		        (long long)check->revision);
	if (!known != !event->prev || (known && known->revision != event->prev->revision))
		sim_fail(check->sim, "the event of %s does not follow the one before",
		        kt_object_key(event->object));
	check->revision = event->revision;
}

/* What beats for ever even when nothing happens, and what tells of it. */
static bool is_heartbeat(const struct kt_object *object)
{
	return is_kind(object, "Lease") || is_kind(object, "Event") || is_kind(object, "Node");
}

static void on_event(struct sim_check *check, struct kt_storage_event *event)
{
	struct sim *sim = check->sim;
	bool is_put = event->type == KT_STORAGE_EVENT_PUT;

	if (sim->options.verbose)
		fprintf(stderr, "%6lld s  %c %lld %s\n", (long long)sim_seconds(sim),
		        is_put ? '+' : '-', (long long)event->revision,
		        kt_object_key(event->object));
	sim->n_events++;
	check->n_changes += !is_heartbeat(event->object);
	hash_event(sim, event);
	check_order(check, event);
	if (!is_put) {
		kt_map_del(&check->live, kt_object_key(event->object));
		return;
	}
	kt_map_set(&check->live, kt_object_key(event->object), kt_object_ref(event->object));
	check_object(check, event->prev, event->object);
	if (is_kind(event->object, "Pod"))
		check_pod(check, event->prev, event->object);
}

void sim_check_pump(struct sim *sim)
{
	struct sim_check *check = sim->check;
	struct kt_storage_event event;
	int rc = 0;

	while (check->watch && (rc = sim->storage->ops->watch_next(check->watch, &event)) == 1) {
		on_event(check, &event);
		kt_storage_event_finish(&event);
	}
	if (rc < 0)
		sim_fail(sim, "the checker's watch fell behind");
}

static void on_wake(struct kt_task *task)
{
	sim_check_pump(kt_container_of(task, struct sim_check, wake)->sim);
}

static void unref_object(void *object)
{
	kt_object_unref(object);
}

int sim_check_resume(struct sim *sim)
{
	struct sim_check *check = sim->check;
	kt_auto_err err = KT_ERR_INIT;
	int rc = sim->storage->ops->watch_open(
	        sim->storage, "", check->revision, sim->loop, &check->wake, &check->watch, &err);

	if (rc < 0)
		sim_fail(sim, "watching from revision %lld: %s", (long long)check->revision,
		        kt_err_message(&err));
	return rc;
}

void sim_check_pause(struct sim *sim)
{
	struct sim_check *check = sim->check;

	sim_check_pump(sim);
	if (check->watch)
		sim->storage->ops->watch_close(check->watch);
	check->watch = NULL;
	/* a wake may be in the mailbox */
	kt_loop_run_until(sim->loop, kt_loop_now_ns(sim->loop));
}

int sim_check_start(struct sim *sim)
{
	struct sim_check *check = kt_new(struct sim_check);

	sim->check = check;
	check->sim = sim;
	check->revision = 1;
	kt_map_init(&check->live, unref_object);
	kt_task_init(&check->wake, on_wake);
	return sim_check_resume(sim);
}

void sim_check_finish(struct sim *sim)
{
	if (!sim->check)
		return;
	sim_check_pause(sim);
	kt_map_finish(&sim->check->live);
	free(kt_steal(&sim->check));
}

uint64_t sim_check_n_changes(const struct sim *sim)
{
	return sim->check->n_changes;
}

static char *unrest_of_deployment(const struct kt_object *d)
{
	int64_t wanted = number(d, "spec", "replicas", 1);

	if (number(d, "status", "observedGeneration", 0) != number(d, "metadata", "generation", 0))
		return kt_asprintf("%s: its generation was not observed", kt_object_key(d));
	if (number(d, "status", "replicas", 0) != wanted ||
	        number(d, "status", "updatedReplicas", 0) != wanted ||
	        number(d, "status", "availableReplicas", 0) != wanted)
		return kt_asprintf("%s: wants %lld, has %lld, updated %lld, available %lld",
		        kt_object_key(d), (long long)wanted,
		        (long long)number(d, "status", "replicas", 0),
		        (long long)number(d, "status", "updatedReplicas", 0),
		        (long long)number(d, "status", "availableReplicas", 0));
	return NULL;
}

static char *unrest_of_replica_set(const struct kt_object *set)
{
	int64_t wanted = number(set, "spec", "replicas", 1);

	if (number(set, "status", "replicas", 0) != wanted ||
	        number(set, "status", "availableReplicas", 0) != wanted)
		return kt_asprintf("%s: wants %lld, has %lld, available %lld", kt_object_key(set),
		        (long long)wanted, (long long)number(set, "status", "replicas", 0),
		        (long long)number(set, "status", "availableReplicas", 0));
	return NULL;
}

static char *unrest_of_stateful_set(const struct kt_object *set)
{
	int64_t wanted = number(set, "spec", "replicas", 1);

	if (number(set, "status", "observedGeneration", 0) !=
	        number(set, "metadata", "generation", 0))
		return kt_asprintf("%s: its generation was not observed", kt_object_key(set));
	if (number(set, "status", "replicas", 0) != wanted ||
	        number(set, "status", "readyReplicas", 0) != wanted)
		return kt_asprintf("%s: wants %lld, has %lld, ready %lld", kt_object_key(set),
		        (long long)wanted, (long long)number(set, "status", "replicas", 0),
		        (long long)number(set, "status", "readyReplicas", 0));
	return NULL;
}

static char *unrest_of_daemon_set(const struct kt_object *set)
{
	int64_t wanted = number(set, "status", "desiredNumberScheduled", -1);

	if (wanted <= 0 || number(set, "status", "numberReady", 0) != wanted ||
	        number(set, "status", "currentNumberScheduled", 0) != wanted)
		return kt_asprintf("%s: wants %lld, has %lld, ready %lld", kt_object_key(set),
		        (long long)wanted,
		        (long long)number(set, "status", "currentNumberScheduled", 0),
		        (long long)number(set, "status", "numberReady", 0));
	return NULL;
}

static char *unrest_of_job(const struct kt_object *job)
{
	if (!text(job, "status", "completionTime").len)
		return kt_asprintf("%s: not complete, %lld succeeded", kt_object_key(job),
		        (long long)number(job, "status", "succeeded", 0));
	if (number(job, "status", "succeeded", 0) < number(job, "spec", "completions", 1))
		return kt_asprintf("%s: complete with %lld of %lld", kt_object_key(job),
		        (long long)number(job, "status", "succeeded", 0),
		        (long long)number(job, "spec", "completions", 1));
	return NULL;
}

static char *unrest_of_pod(const struct kt_object *pod)
{
	struct kt_sv phase = text(pod, "status", "phase");

	if (!text(pod, "spec", "nodeName").len)
		return kt_asprintf("%s: not bound", kt_object_key(pod));
	if (!kt_sv_is(phase, "Running") && !is_finished(pod))
		return kt_asprintf("%s: phase %.*s", kt_object_key(pod), (int)phase.len, phase.p);
	return NULL;
}

static const struct {
	const char *kind;
	char *(*unrest)(const struct kt_object *object);
} rest_rules[] = {
        {"Deployment", unrest_of_deployment},
        {"ReplicaSet", unrest_of_replica_set},
        {"StatefulSet", unrest_of_stateful_set},
        {"DaemonSet", unrest_of_daemon_set},
        {"Job", unrest_of_job},
        {"Pod", unrest_of_pod},
};

/* One of the owners must exist, else the garbage collector has work left. */
static bool is_orphan(const struct kt_object *object, const struct kt_map *uids)
{
	struct kt_sv owners = kt_object_span(object, object->owner_references);
	struct kt_json_iter it = {0};
	struct kt_json_at owner;
	struct kt_sv uid;
	bool any = false;

	while (owners.p && kt_json_next_element(kt_json_doc(owners.p, owners.len), &it, &owner)) {
		any = true;
		if (kt_json_string_sv(kt_json_member(owner, "uid"), &uid) &&
		        kt_map_get_sv(uids, uid))
			return false;
	}
	return any;
}

static bool has_namespace(const struct sim_check *check, const struct kt_object *object)
{
	struct kt_sv namespace = kt_object_namespace(object);
	kt_auto_free char *key = NULL;

	if (!namespace.len)
		return true;
	key = kt_asprintf("/registry/namespaces/%.*s", (int)namespace.len, namespace.p);
	return kt_map_has(&check->live, key);
}

static char *unrest_of(
        const struct sim_check *check, const struct kt_object *object, const struct kt_map *uids)
{
	if (object->deletion_timestamp.len)
		return kt_asprintf("%s: still being deleted", kt_object_key(object));
	if (is_orphan(object, uids))
		return kt_asprintf("%s: its owner is gone", kt_object_key(object));
	if (!has_namespace(check, object) && !is_kind(object, "Event"))
		return kt_asprintf("%s: its namespace is gone", kt_object_key(object));
	for (size_t i = 0; i < KT_ARRAY_SIZE(rest_rules); i++) {
		if (is_kind(object, rest_rules[i].kind)) {
			char *unrest = rest_rules[i].unrest(object);
			if (unrest)
				return unrest;
		}
	}
	return NULL;
}

char *sim_check_unrest(struct sim *sim)
{
	struct sim_check *check = sim->check;
	struct kt_map uids;
	char *unrest = NULL;
	size_t it = 0;
	void *value;

	kt_map_init(&uids, NULL);
	while (kt_map_next(&check->live, &it, NULL, &value))
		kt_map_set_sv(&uids, kt_object_uid(value), value);
	it = 0;
	while (!unrest && kt_map_next(&check->live, &it, NULL, &value))
		unrest = unrest_of(check, value, &uids);
	kt_map_finish(&uids);
	return unrest;
}
