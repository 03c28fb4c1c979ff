/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Recorded decisions of a real kube-scheduler (shared/golden/scheduling): node by node which plugin
 * refuses it and why, and whether the node we choose is one of the best. Features that the plugins
 * here do not know (volumes, preemption …) make some cases differ; the floors below keep what
 * agrees from being lost.
 */
#include "support/support.h"

#include "cluster/scheduler/framework.h"

#include <stdio.h>

#define FITS_FLOOR 380 /* cases in which every node is judged alike */
#define BEST_FLOOR 290 /* scheduled cases in which our choice is one of the best */

struct totals {
	size_t cases, fits_alike, scheduled, best;
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

static bool in_best(const struct kt_decision *decision, const json_t *best)
{
	json_t *name;
	size_t i;

	json_array_foreach(best, i, name) {
		if (decision->node && !strcmp(decision->node->name, json_string_value(name)))
			return true;
	}
	return false;
}

static void decide(json_t *test, struct totals *totals)
{
	struct kt_snapshot snapshot;
	struct kt_arena arena;
	struct kt_decision decision;
	const json_t *expect = json_object_get(test, "expect");

	if (kt_streq(kt_jstr(expect, "outcome"), "gated"))
		return;
	kt_arena_init(&arena);
	kt_snapshot_init(&snapshot);
	feed(&snapshot, json_object_get(test, "namespaces"), kt_snapshot_set_namespace);
	feed(&snapshot, json_object_get(test, "nodes"), kt_snapshot_set_node);
	feed(&snapshot, json_object_get(test, "pods"), kt_snapshot_set_pod);
	struct kt_object *object = object_of(json_object_get(test, "pod"));
	struct kt_pod_info *pod = kt_pod_info_create(object);

	kt_framework_schedule(&snapshot, pod, NULL, &arena, &decision);
	totals->cases++;
	totals->fits_alike += same_fits(&decision, json_object_get(expect, "nodes"));
	if (kt_streq(kt_jstr(expect, "outcome"), "scheduled")) {
		totals->scheduled++;
		totals->best += in_best(&decision, json_object_get(expect, "best"));
	}
	if (getenv("KT_VERBOSE") && !in_best(&decision, json_object_get(expect, "best")) &&
	        kt_streq(kt_jstr(expect, "outcome"), "scheduled"))
		print_message("%s (%s)\n", kt_jstr(test, "id"), kt_jstr(test, "class"));
	kt_decision_finish(&decision);
	kt_pod_info_destroy(pod);
	kt_object_unref(object);
	kt_snapshot_finish(&snapshot);
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
	print_message(
	        "scheduler: every node alike in %zu of %zu cases, one of the best in %zu of %zu\n",
	        totals.fits_alike, totals.cases, totals.best, totals.scheduled);
	assert_true(totals.fits_alike >= FITS_FLOOR);
	assert_true(totals.best >= BEST_FLOOR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_recorded)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
