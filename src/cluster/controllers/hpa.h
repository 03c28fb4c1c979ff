/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the autoscaler share: one HorizontalPodAutoscaler as one pass sees it. */
#ifndef KT_CLUSTER_CONTROLLERS_HPA_H
#define KT_CLUSTER_CONTROLLERS_HPA_H

#include "cluster/controllers/meta.h"
#include "cluster/controllers/resources.h"

#define HPA_HISTORY_MAX 256

/* What was wanted, or by how much it was scaled, and when; oldest first. */
struct hpa_past {
	struct {
		int64_t wall_ns, n;
	} items[HPA_HISTORY_MAX];
	size_t n;
};

struct hpa_memory {
	struct hpa_past wishes, ups, downs;
};

struct hpa_controller {
	struct kt_reconciler *reconciler;
	struct kt_informer *autoscalers, *pods;
	struct kt_cluster_resources *resources;
	struct kt_map memories; /* key -> hpa_memory */
};

/* One pass, across its calls. */
struct hpa_work {
	struct hpa_controller *own;
	struct hpa_memory *memory; /* as long as the pass lives */
	struct kt_object *object;
	json_t *tree, *status;
	const json_t *behavior; /* NULL: none */
	char *scale_path;
	struct kt_selector *selector;
	int64_t current, least, most, wall_ns;
	char *metric;   /* what decides: "cpu resource utilization (percentage of request)" */
	int64_t wanted; /* -1: no metric could be read */
	char *why;      /* reason of the rescaling */
	int refs;       /* each call under way holds one */
};

void hpa_condition(struct hpa_work *work, const char *type, bool value, const char *reason,
        const char *message, ...) __attribute__((format(printf, 5, 6)));
void hpa_remember(struct hpa_past *past, int64_t wall_ns, int64_t n);

/* hpa_behavior.c: what may become of a wish now, with its conditions. */
int64_t hpa_limit(struct hpa_work *work, int64_t wanted);

/* hpa_metrics.c: reads the metrics of the target's pods (NULL: they could not be had, and why) into
 * wanted, metric, status and conditions. False when they do not do. */
bool hpa_read_metrics(struct hpa_work *work, const json_t *list, const char *why);

#endif
