/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What must never happen, held against every event of the store as it comes. The checker knows
 * nothing but the store's events: it keeps its own copy of the state, which rest.c looks at once
 * all is at rest.
 */
#include "sim/sim.h"

#include "sim/fields.h"

#include "api/machinery/quantity.h"
#include "base/log.h"
#include "base/mem.h"

enum {
	STORM_S = 10, /* of virtual time, in which one object is written */
	STORM_WRITES = 100,
};

/* How often one object was written since then. */
struct writes {
	int64_t since_s;
	unsigned n;
};

struct sim_check {
	struct sim *sim;
	struct kt_task wake;
	struct kt_storage_watch *watch;
	struct kt_map live;   /* key -> object (reference) */
	struct kt_map writes; /* key -> struct writes */
	int64_t revision;
	uint64_t n_changes;
	uint64_t n_restless; /* of them, what a restart is no reason for */
};

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

	while (kt_json_next_element(sim_field(pod, "spec", "containers"), &it, &container)) {
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
		if (sim_is_kind(object, "Pod") &&
		        kt_sv_eq(sim_text(object, "spec", "nodeName"), node_name) &&
		        !sim_is_finished(object))
			add_pod_usage(&used, object);
		else if (sim_is_kind(object, "Node") && kt_sv_eq(kt_object_name(object), node_name))
			node = object;
	}
	if (!node)
		return; /* deleted in the moment of binding: such a pod is collected */
	struct kt_json_at allocatable = sim_field(node, "status", "allocatable");
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
	struct kt_sv node = sim_text(pod, "spec", "nodeName");
	struct kt_sv old_node = old_pod ? sim_text(old_pod, "spec", "nodeName") : KT_SV("");

	if (old_node.len && !kt_sv_eq(old_node, node))
		sim_fail(check->sim, "%s moved from %.*s to %.*s", kt_object_key(pod),
		        (int)old_node.len, old_node.p, (int)node.len, node.p);
	if (old_pod && sim_is_finished(old_pod) && !sim_is_finished(pod))
		sim_fail(check->sim, "%s had finished and runs again", kt_object_key(pod));
	if (node.len && !old_node.len && !sim_is_finished(pod))
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
	if (sim_number(object, "metadata", "generation", 0) <
	        sim_number(old_object, "metadata", "generation", 0))
		sim_fail(check->sim, "the generation of %s went back", kt_object_key(object));
}

static void check_job(
        struct sim_check *check, const struct kt_object *old_job, const struct kt_object *job)
{
	static const char *const counts[] = {"succeeded", "failed"};

	for (size_t i = 0; old_job && i < KT_ARRAY_SIZE(counts); i++)
		if (sim_number(job, "status", counts[i], 0) <
		        sim_number(old_job, "status", counts[i], 0))
			sim_fail(check->sim, "%s: status.%s went back", kt_object_key(job),
			        counts[i]);
	if (old_job && ((sim_is_true(old_job, "Complete") && !sim_is_true(job, "Complete")) ||
	                       (sim_is_true(old_job, "Failed") && !sim_is_true(job, "Failed"))))
		sim_fail(check->sim, "%s had ended and goes on", kt_object_key(job));
	if (sim_is_true(job, "Complete") && sim_is_true(job, "Failed"))
		sim_fail(check->sim, "%s is complete and failed", kt_object_key(job));
}

static void check_budget(
        struct sim_check *check, const struct kt_object *old_budget, const struct kt_object *budget)
{
	(void)old_budget;
	if (sim_number(budget, "status", "disruptionsAllowed", 0) < 0)
		sim_fail(check->sim, "%s was overdrawn", kt_object_key(budget));
}

static const struct {
	const char *kind;
	void (*check)(struct sim_check *check, const struct kt_object *old_object,
	        const struct kt_object *object);
} kind_rules[] = {
        {"Pod", check_pod},
        {"Job", check_job},
        {"PodDisruptionBudget", check_budget},
};

/* Nobody has a reason to write one object again and again. */
static void check_storm(struct sim_check *check, const struct kt_object *object)
{
	const char *key = kt_object_key(object);
	struct writes *writes = kt_map_get(&check->writes, key);

	if (!writes) {
		writes = kt_new(struct writes);
		kt_map_set(&check->writes, key, writes);
	}
	if (sim_seconds(check->sim) >= writes->since_s + STORM_S)
		*writes = (struct writes){.since_s = sim_seconds(check->sim)};
	if (++writes->n == STORM_WRITES)
		sim_fail(check->sim, "%s was written %u times in %d s", key, writes->n, STORM_S);
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

/* What beats for ever even when nothing happens: a claim that nobody uses is told so again and
 * again. */
static bool is_heartbeat(const struct kt_object *object)
{
	return sim_is_kind(object, "Lease") ||
	       kt_json_string_is(
	               kt_json_member(kt_object_doc(object), "reason"), "WaitForFirstConsumer");
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
	/* A kubelet that starts says how its node is, and events tell who started. */
	check->n_restless += !is_heartbeat(event->object) && !sim_is_kind(event->object, "Node") &&
	                     !sim_is_kind(event->object, "Event");
	hash_event(sim, event);
	check_order(check, event);
	if (!is_put) {
		kt_map_del(&check->live, kt_object_key(event->object));
		return;
	}
	kt_map_set(&check->live, kt_object_key(event->object), kt_object_ref(event->object));
	check_object(check, event->prev, event->object);
	check_storm(check, event->object);
	for (size_t i = 0; i < KT_ARRAY_SIZE(kind_rules); i++)
		if (sim_is_kind(event->object, kind_rules[i].kind))
			kind_rules[i].check(check, event->prev, event->object);
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
	kt_map_init(&check->writes, free);
	kt_task_init(&check->wake, on_wake);
	return sim_check_resume(sim);
}

void sim_check_finish(struct sim *sim)
{
	if (!sim->check)
		return;
	sim_check_pause(sim);
	kt_map_finish(&sim->check->live);
	kt_map_finish(&sim->check->writes);
	free(kt_steal(&sim->check));
}

uint64_t sim_check_n_restless(const struct sim *sim)
{
	return sim->check->n_restless;
}

uint64_t sim_check_n_changes(const struct sim *sim)
{
	return sim->check->n_changes;
}

char *sim_check_unrest(struct sim *sim)
{
	return sim_rest_unrest(&sim->check->live);
}
