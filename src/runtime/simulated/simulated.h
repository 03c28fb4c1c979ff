/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Simulated nodes: the kubelet's contract without processes. Registers Node objects, keeps their
 * leases, and takes every pod bound to one of them through its life: image pull, init containers,
 * sidecars, main containers, readiness, restarts with back-off, termination with grace, completion.
 * What a pod does is data in its annotations; without any it starts at once and runs for ever (the
 * pod of a Job ends with success after a second unless its image is pause, `sleep N` after N
 * seconds). Ephemeral containers live the same way, are never restarted, and hold up nothing; init
 * and ephemeral containers hear of run-time and exit-code only by their own names.
 *
 * Annotations "simulated.kube-tui.io/KEY", each also as "simulated.kube-tui.io/CONTAINER.KEY" for
 * one container:
 *   pull-time         Go duration; 0s: the image is there already
 *   pull-error        text: pulling fails with it, for ever
 *   start-time        duration between pull and running
 *   ready-time        duration between running and ready; default: the probes' initialDelaySeconds
 *   ready             "false": never becomes ready
 *   run-time          duration until it exits, or "forever"
 *   exit-code         one number, or a list "1,1,0": the n-th run's, the last one repeats
 *   termination-time  duration between the termination signal and the exit
 *   cpu-usage, memory-usage  quantities for `kubectl top`
 *   log-rate          lines per second; 0: silent
 *   log-lines         lines to say in turn, separated by newlines; {n} {pod} {container} {time} are
 *                     filled in
 *
 * What a node does is data in the Node's annotations (kubectl annotate node dev-worker-0001 …):
 *   stopped           "true": the machine is off. It renews no lease, says nothing, its pods
 *                     neither start nor end and have no logs; without the annotation it is back
 *   not-ready         text: Ready is False with this message
 *   memory-pressure, disk-pressure, pid-pressure  "true": so is the condition
 *
 * Everything runs on the options' loop. The functions of the node connector (logs, metrics) may be
 * called from any thread. Cost follows change: an idle pod has no timer; leases are written at most
 * KT_SIMULATED_LEASES_PER_S times a second however many nodes there are, with a duration that fits.
 */
#ifndef KT_RUNTIME_SIMULATED_SIMULATED_H
#define KT_RUNTIME_SIMULATED_SIMULATED_H

#include "api/client/client.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/loop.h"

#include <jansson.h>

#define KT_SIMULATED_NODES_MAX 20000
#define KT_SIMULATED_LEASES_PER_S 2       /* one that stops says so: a slow round costs nothing */
#define KT_SIMULATED_WRITES_MAX 256       /* registrations and status writes under way at once */
#define KT_SIMULATED_LOG_LINES_MAX 100000 /* older lines were rotated away */

struct kt_simulated;

struct kt_simulated_options {
	struct kt_client *client; /* outlives it */
	struct kt_loop *loop;
	int n_nodes;
	const char *name_prefix; /* "dev-worker-" gives dev-worker-0001 …; NULL: "node-" */
	const char *cpu, *memory, *ephemeral_storage; /* capacity; NULL: "8", "32Gi", "100Gi" */
	int pods;                                     /* capacity; 0: 110 */
	void (*on_ready)(void *arg); /* all nodes are registered and Ready; may be NULL */
	void *arg;
};

int kt_simulated_create(const struct kt_simulated_options *options,
        struct kt_simulated **ret_simulated, struct kt_err *err);
void kt_simulated_start(struct kt_simulated *simulated);
/* On the loop's thread, after every log was closed. NULL is ignored. */
void kt_simulated_destroy(struct kt_simulated *simulated);

/* True for a node of this simulation. Any thread. */
bool kt_simulated_has_node(const struct kt_simulated *simulated, const char *node);

/* A log being read: pulled piece by piece. One thread at a time. */
struct kt_simulated_log;
/* query: container, follow, previous, sinceSeconds, sinceTime, timestamps, tailLines, limitBytes as
 * in the URL. */
int kt_simulated_log_open(struct kt_simulated *simulated, const char *namespace, const char *pod,
        const char *query, struct kt_simulated_log **ret_log, struct kt_err *err);
/* Where to say that more may be there; before the first pull, which then happens on that loop's
 * thread. */
void kt_simulated_log_set_wake(
        struct kt_simulated_log *log, struct kt_loop *loop, struct kt_task *wake);
/* 1: *ret_piece filled (a reference); 0: nothing now, wake will be posted; -ENODATA: the end. */
int kt_simulated_log_pull(struct kt_simulated_log *log, struct kt_buf **ret_piece);
void kt_simulated_log_close(struct kt_simulated_log *log);

/* metrics.k8s.io/v1beta1 NodeMetrics and PodMetrics, new trees. node_metrics: -ENOENT when it is
 * none of ours. */
json_t *kt_simulated_node_metrics(
        struct kt_simulated *simulated, const char *node, struct kt_err *err);
json_t *kt_simulated_pod_metrics(
        struct kt_simulated *simulated, const char *namespace, const char *pod, struct kt_err *err);

#endif
