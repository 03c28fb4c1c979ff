/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A controller's work queue on a loop: keys wait at most once, are worked one at a time per key,
 * come back with exponential back-off after a failure or at a set time. client-go's rate-limited
 * queue, without threads.
 *
 * Bounded by the number of distinct keys. `process` starts the work for a key and, when it is over
 * (maybe many calls later), somebody calls kt_workqueue_done(). A key added while it is worked on
 * runs again afterwards.
 */
#ifndef KT_API_CLIENT_WORKQUEUE_H
#define KT_API_CLIENT_WORKQUEUE_H

#include "base/loop.h"

#include <stdbool.h>
#include <stddef.h>

struct kt_workqueue;

struct kt_workqueue_options {
	struct kt_loop *loop;
	void (*process)(void *arg, const char *key);
	void *arg;
	size_t parallel;    /* keys worked on at once; 0: 1 */
	int backoff_min_ms; /* 0: 5 */
	int backoff_max_ms; /* 0: 1000000, as client-go */
};

struct kt_workqueue *kt_workqueue_create(const struct kt_workqueue_options *options);
void kt_workqueue_destroy(struct kt_workqueue *queue);
void kt_workqueue_add(struct kt_workqueue *queue, const char *key);
void kt_workqueue_add_after_ms(struct kt_workqueue *queue, const char *key, int64_t after_ms);
/* Ends the work on key. failed: it comes back after its back-off; else its back-off is forgotten.
 */
void kt_workqueue_done(struct kt_workqueue *queue, const char *key, bool failed);

#endif
