/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A snapshot to decide on, for tests of the scheduler's plugins and of preemption: objects are
 * given as JSON text in which single quotes stand for double ones.
 */
#ifndef KT_TESTS_UNIT_CLUSTER_SCHEDULING_H
#define KT_TESTS_UNIT_CLUSTER_SCHEDULING_H

#include "support/support.h"

#include "cluster/scheduler/framework.h"

struct scheduling {
	struct kt_snapshot snapshot;
	struct kt_arena arena;
	struct kt_decision decision; /* the last */
	struct kt_object *object;    /* of the pod decided last */
	struct kt_pod_info *pod;
	size_t n_objects;
};

/* cmocka's setup and teardown. */
int scheduling_setup(void **state);
int scheduling_teardown(void **state);

/* An object of any namespace; a uid is filled in. The caller unrefs it. */
struct kt_object *scheduling_object(struct scheduling *s, const char *json);
/* resource: as in the recorded cases, "nodes", "pods", "services", "replicaSets", …; "-nodes" takes
 * one away. */
void scheduling_put(struct scheduling *s, const char *resource, const char *json);
/* The common ones: a node with 8 CPUs in a zone (NULL: none), a pod on a node. cpu NULL: it asks
 * for nothing. more: further members of the pod's spec, like ",'priority':1". */
void scheduling_node(struct scheduling *s, const char *name, const char *zone);
void scheduling_pod(struct scheduling *s, const char *name, const char *node, const char *cpu,
        const char *more);

/* Decides; what is asserted after it lives until the next call. */
void scheduling_decide(struct scheduling *s, const char *json);
/* NULL: the node is feasible. Else its reasons joined by "; ". */
const char *scheduling_refusal(struct scheduling *s, const char *node);
int64_t scheduling_total(const struct scheduling *s, const char *node);
/* "b: p1 p2", the candidate of this node as text; NULL when there is none. */
const char *scheduling_victims(struct scheduling *s, const char *node);

#define assert_fits(s, node) assert_null(scheduling_refusal(s, node))
#define assert_refused(s, node, why) assert_string_equal(scheduling_refusal(s, node), why)

#endif
