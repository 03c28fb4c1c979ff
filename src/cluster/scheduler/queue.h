/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The scheduling queue: pods that wait for a decision, in order of priority and then age. A pod is
 * in one of four places:
 *   active         ready to be tried
 *   backoff        tried in vain; ready when its back-off ends (1 s, doubling, at most 10 s)
 *   unschedulable  tried in vain; waits for a cluster event that its refusing plugins named, or
 *                  five minutes
 *   gated          not to be tried (pre_enqueue); waits for a change of the pod
 *
 * Bounded by the number of pods in the cluster. Everything on one loop.
 */
#ifndef KT_CLUSTER_SCHEDULER_QUEUE_H
#define KT_CLUSTER_SCHEDULER_QUEUE_H

#include "api/storage/object.h"
#include "base/loop.h"

#include <stdint.h>

#define KT_QUEUE_BACKOFF_MIN_MS 1000
#define KT_QUEUE_BACKOFF_MAX_MS 10000
#define KT_QUEUE_UNSCHEDULABLE_MAX_MS 300000 /* then a pod is tried again whatever happened */

struct kt_pod_queue;

struct kt_queued_pod {
	struct kt_object *object; /* reference: the newest state */
	int32_t priority;
	uint32_t attempts;
	uint32_t wakes;   /* kt_cluster_event bits, while unschedulable */
	int64_t since_ns; /* of being queued first */
	/* the queue's own */
	uint64_t seq;
	int64_t due_ns;
	uint32_t heap_index;
	uint8_t place;
	char uid[];
};

/* wake(arg) is called whenever the active queue becomes non-empty by time or event. */
struct kt_pod_queue *kt_pod_queue_create(struct kt_loop *loop, void (*wake)(void *arg), void *arg);
void kt_pod_queue_destroy(struct kt_pod_queue *queue);
/* A new or changed pending pod. One that was tried in vain is tried again, after its back-off, when
 * its spec or labels changed. */
void kt_pod_queue_put(struct kt_pod_queue *queue, struct kt_object *object, bool gated);
void kt_pod_queue_remove(struct kt_pod_queue *queue, struct kt_sv uid); /* absent: nothing */
/* The next pod; it stays known to the queue (place: under way) until removed or returned. NULL when
 * none is active. */
struct kt_queued_pod *kt_pod_queue_pop(struct kt_pod_queue *queue);
/* Tried in vain: waits for one of `wakes`. wakes 0: only back-off (a write failed). */
void kt_pod_queue_return(struct kt_pod_queue *queue, struct kt_queued_pod *pod, uint32_t wakes);
/* Something happened in the cluster. */
void kt_pod_queue_event(struct kt_pod_queue *queue, uint32_t events);
struct kt_queued_pod *kt_pod_queue_find(struct kt_pod_queue *queue, struct kt_sv uid);

#endif
