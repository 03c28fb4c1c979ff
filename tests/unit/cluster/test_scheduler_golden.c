/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Recorded decisions of a real kube-scheduler (shared/golden/scheduling): node by node which plugin
 * refuses it and why, the totals of the others, the best nodes, the message, and what preemption
 * finds. KT_VERBOSE=1 names the cases that differ.
 */
#include "support/support.h"

#include "cluster/scheduler/framework.h"

#include <stdio.h>

/* What of a case may differ; each has its floor. */
enum part { NODES, TOTALS, BEST, MESSAGE, VICTIMS, PARTS };

static const struct {
	const char *name;
	size_t floor;
} parts[PARTS] = {
        [NODES] = {"every node judged alike", 546},
        [TOTALS] = {"every total alike", 363},
        [BEST] = {"the same best nodes", 363},
        [MESSAGE] = {"the same message", 186},
        [VICTIMS] = {"the same victims and nominated node", 186},
};

struct totals {
	size_t cases, alike[PARTS], of[PARTS];
};

static struct kt_object *object_of(const json_t *tree)
{
	kt_auto_str text = KT_STR_INIT;
	struct kt_object *object = NULL;

	kt_json_write(&text, tree, 0);
	assert_int_equal(kt_object_create(KT_SV("k"), (struct kt_sv){kt_str_text(&text), text.len},
	                         &object, NULL),
	        0);
	return object;
}

static void feed(struct kt_snapshot *snapshot, const json_t *list,
        void (*set)(struct kt_snapshot *, struct kt_object *))
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item) {
		/* every object needs a uid of its own */
		if (!kt_jstr(item, "metadata.uid")) {
			kt_auto_free char *uid =
			        kt_asprintf("uid-%zu-%s", i, kt_jstr(item, "metadata.name"));

			json_object_set_new(
			        json_object_get(item, "metadata"), "uid", json_string(uid));
		}
		struct kt_object *object = object_of(item);

		set(snapshot, object);
		kt_object_unref(object);
	}
}

static const struct kt_node_refusal *refusal_of(
        const struct kt_decision *decision, const char *node)
{
	for (size_t i = 0; i < decision->n_refusals; i++)
		if (!strcmp(decision->refusals[i].node->name, node))
			return &decision->refusals[i];
	return NULL;
}

static bool same_reasons(const struct kt_node_refusal *refusal, const json_t *wanted)
{
	json_t *reason;
	size_t i;

	if (refusal->n_reasons != json_array_size(wanted))
		return false;
	json_array_foreach(wanted, i, reason) {
		bool found = false;

		for (size_t j = 0; j < refusal->n_reasons; j++)
			found |= !strcmp(refusal->reasons[j], json_string_value(reason));
		if (!found)
			return false;
	}
	return true;
}

static bool same_fits(const struct kt_decision *decision, const json_t *nodes)
{
	const char *name;
	json_t *wanted;

	json_object_foreach((json_t *)(uintptr_t)nodes, name, wanted) {
		const struct kt_node_refusal *refusal = refusal_of(decision, name);

		if (kt_jbool(wanted, "fits", false) != !refusal)
			return false;
		if (!refusal)
			continue;
		if (strcmp(refusal->plugin->name, kt_jstr(wanted, "plugin")) != 0 ||
		        !same_reasons(refusal, json_object_get(wanted, "reasons")) ||
		        (refusal->code == KT_PLUGIN_UNRESOLVABLE) !=
		                kt_jbool(wanted, "unresolvable", false))
			return false;
	}
	return true;
}

static bool same_totals(const struct kt_decision *decision, const json_t *nodes)
{
	for (size_t i = 0; decision->totals && i < decision->n_feasible; i++) {
		const json_t *wanted = json_object_get(nodes, decision->feasible[i]->name);

		if (decision->totals[i] != kt_jint(wanted, "total", -1))
			return false;
	}
	return true;
}

static bool has_text(const json_t *list, const char *text)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item) {
		if (!strcmp(json_string_value(item), text))
			return true;
	}
	return false;
}

/* The chosen one is among them, and so is every other with as large a total. */
static bool same_best(const struct kt_decision *decision, const json_t *best)
{
	size_t n = 1;
	int64_t max = 0;

	if (!decision->node || !has_text(best, decision->node->name))
		return false;
	for (size_t i = 0; decision->totals && i < decision->n_feasible; i++)
		max = KT_MAX(max, decision->totals[i]);
	for (size_t i = 0; decision->totals && i < decision->n_feasible; i++) {
		if (decision->totals[i] != max || decision->feasible[i] == decision->node)
			continue;
		n++;
		if (!has_text(best, decision->feasible[i]->name))
			return false;
	}
	return n == json_array_size(best);
}

static bool same_candidate(const struct kt_candidate *candidate, const json_t *wanted)
{
	const json_t *victims = json_object_get(wanted, "victims");

	if (candidate->n_victims != json_array_size(victims) ||
	        (int64_t)candidate->n_violations != kt_jint(wanted, "pdbViolations", -1))
		return false;
	for (size_t i = 0; i < candidate->n_victims; i++) {
		const struct kt_pod_info *victim = candidate->victims[i];
		kt_auto_free char *name =
		        kt_asprintf("%.*s/%.*s", KT_SVP(victim->namespace), KT_SVP(victim->name));

		if (!has_text(victims, name))
			return false;
	}
	return true;
}

static bool same_preemption(const struct kt_preemption *preemption, const json_t *wanted)
{
	const json_t *candidates = json_object_get(wanted, "candidates"),
	             *nominated = json_object_get(wanted, "nominated");

	if (preemption->ran != kt_jbool(wanted, "ran", false) ||
	        preemption->eligible != kt_jbool(wanted, "eligible", false) ||
	        preemption->n_candidates != json_object_size(candidates))
		return false;
	for (size_t i = 0; i < preemption->n_candidates; i++) {
		const struct kt_candidate *candidate = &preemption->candidates[i];

		if (!same_candidate(candidate, json_object_get(candidates, candidate->node->name)))
			return false;
	}
	return preemption->chosen ? has_text(nominated, preemption->chosen->node->name)
	                          : !json_array_size(nominated);
}

static void count(struct totals *totals, const json_t *test, enum part part, bool alike)
{
	totals->of[part]++;
	totals->alike[part] += alike;
	if (!alike && getenv("KT_VERBOSE"))
		print_message("%s differs in: %s\n", kt_jstr(test, "id"), parts[part].name);
}

static void compare(struct totals *totals, const json_t *test, const struct kt_decision *decision)
{
	const json_t *expect = json_object_get(test, "expect");
	const json_t *nodes = json_object_get(expect, "nodes");
	bool shortcut = kt_jstr(expect, "shortcut") != NULL;

	totals->cases++;
	/* On the nominated node no other is looked at. */
	if (!shortcut)
		count(totals, test, NODES, same_fits(decision, nodes));
	if (kt_streq(kt_jstr(expect, "outcome"), "scheduled")) {
		count(totals, test, TOTALS, same_totals(decision, nodes));
		count(totals, test, BEST, same_best(decision, json_object_get(expect, "best")));
		return;
	}
	count(totals, test, MESSAGE, kt_streq(decision->message, kt_jstr(expect, "message")));
	count(totals, test, VICTIMS,
	        same_preemption(&decision->preemption, json_object_get(expect, "preemption")));
	if (getenv("KT_VERBOSE") && !kt_streq(decision->message, kt_jstr(expect, "message")))
		print_message("  %s\n  %s\n", decision->message, kt_jstr(expect, "message"));
}

static void set_claim(struct kt_snapshot *snapshot, struct kt_object *object)
{
	kt_volumes_set(&snapshot->volumes, KT_VOLUME_CLAIMS, object);
}

static void set_volume(struct kt_snapshot *snapshot, struct kt_object *object)
{
	kt_volumes_set(&snapshot->volumes, KT_VOLUME_VOLUMES, object);
}

static void set_class(struct kt_snapshot *snapshot, struct kt_object *object)
{
	kt_volumes_set(&snapshot->volumes, KT_VOLUME_CLASSES, object);
}

static void set_csi_node(struct kt_snapshot *snapshot, struct kt_object *object)
{
	kt_volumes_set(&snapshot->volumes, KT_VOLUME_CSI_NODES, object);
}

static void set_service(struct kt_snapshot *snapshot, struct kt_object *object)
{
	kt_owners_set_service(&snapshot->owners, object);
}

static void set_replication_controller(struct kt_snapshot *snapshot, struct kt_object *object)
{
	kt_owners_set_controller(&snapshot->owners, "ReplicationController", object);
}

static void set_replica_set(struct kt_snapshot *snapshot, struct kt_object *object)
{
	kt_owners_set_controller(&snapshot->owners, "ReplicaSet", object);
}

static void set_stateful_set(struct kt_snapshot *snapshot, struct kt_object *object)
{
	kt_owners_set_controller(&snapshot->owners, "StatefulSet", object);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(kt_jstr(*(json_t *const *)a, "metadata.name"),
	        kt_jstr(*(json_t *const *)b, "metadata.name"));
}

/* A scheduler gets its nodes from the API server's list, which is in the order of names; of an
 * image whose nodes tell different sizes it remembers the first. */
static void feed_nodes(struct kt_snapshot *snapshot, const json_t *list)
{
	size_t n = json_array_size(list);
	json_t **nodes = kt_new_array(json_t *, n + 1);
	kt_auto_json json_t *sorted = json_array();

	for (size_t i = 0; i < n; i++)
		nodes[i] = json_array_get(list, i);
	qsort(nodes, n, sizeof(*nodes), compare_names);
	for (size_t i = 0; i < n; i++)
		json_array_append(sorted, nodes[i]);
	free(nodes);
	feed(snapshot, sorted, kt_snapshot_set_node);
}

static void feed_all(struct kt_snapshot *snapshot, const json_t *test)
{
	static const struct {
		const char *key;
		void (*set)(struct kt_snapshot *, struct kt_object *);
	} table[] = {
	        {"namespaces", kt_snapshot_set_namespace},
	        {"pods", kt_snapshot_set_pod},
	        {"services", set_service},
	        {"replicationControllers", set_replication_controller},
	        {"replicaSets", set_replica_set},
	        {"statefulSets", set_stateful_set},
	        {"persistentVolumes", set_volume},
	        {"persistentVolumeClaims", set_claim},
	        {"storageClasses", set_class},
	        {"csiNodes", set_csi_node},
	        {"podDisruptionBudgets", kt_snapshot_set_budget},
	};

	feed_nodes(snapshot, json_object_get(test, "nodes"));
	for (size_t i = 0; i < KT_ARRAY_SIZE(table); i++)
		feed(snapshot, json_object_get(test, table[i].key), table[i].set);
}

static void decide(json_t *test, struct totals *totals)
{
	struct kt_snapshot snapshot;
	struct kt_arena arena;
	struct kt_decision decision;
	const json_t *expect = json_object_get(test, "expect");
	struct kt_object *object = object_of(json_object_get(test, "pod"));
	struct kt_pod_info *pod = kt_pod_info_create(object);
	const char *reason = NULL;

	kt_arena_init(&arena);
	if (!kt_framework_pre_enqueue(object, &arena, &reason)) {
		assert_string_equal(kt_jstr(expect, "outcome"), "gated");
		assert_string_equal(reason, kt_jstr(expect, "message"));
	} else {
		kt_snapshot_init(&snapshot);
		feed_all(&snapshot, test);
		kt_framework_schedule(&snapshot, pod, NULL, &arena, &decision);
		compare(totals, test, &decision);
		kt_decision_finish(&decision);
		kt_snapshot_finish(&snapshot);
	}
	kt_pod_info_destroy(pod);
	kt_object_unref(object);
	kt_arena_finish(&arena);
}

static void test_recorded(void **state)
{
	struct totals totals = {0};

	(void)state;
	for (int file = 0; file < 12; file++) {
		char name[64];

		snprintf(name, sizeof(name), "golden/scheduling/cases-%02d.json", file);
		KT_TEST_NEEDS_SHARED(path, name);
		kt_auto_json json_t *cases = json_load_file(path, 0, NULL);
		json_t *test;
		size_t i;

		assert_non_null(cases);
		json_array_foreach(cases, i, test)
			decide(test, &totals);
	}
	for (int part = 0; part < PARTS; part++)
		print_message("scheduler: %s in %zu of %zu cases\n", parts[part].name,
		        totals.alike[part], totals.of[part]);
	for (int part = 0; part < PARTS; part++)
		assert_true(totals.alike[part] >= parts[part].floor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_recorded)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
