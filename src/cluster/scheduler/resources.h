/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Amounts of resources as the scheduler counts them: cpu in thousandths, all else in whole units.
 * The four that every cluster has are fields; others (extended resources, hugepages) are a short
 * list by name.
 */
#ifndef KT_CLUSTER_SCHEDULER_RESOURCES_H
#define KT_CLUSTER_SCHEDULER_RESOURCES_H

#include "base/json.h"
#include "base/vec.h"

#include <stdint.h>

struct kt_scalar_resource {
	char *name;
	int64_t value;
};

struct kt_resources {
	int64_t milli_cpu, memory_bytes, ephemeral_bytes, pods;
	KT_VEC(struct kt_scalar_resource) scalars;
};

void kt_resources_finish(struct kt_resources *resources);
/* Reads a map of quantities ({"cpu": "500m", …}); what was there before is added to. Malformed
 * quantities count as 0. */
void kt_resources_add_json(struct kt_resources *resources, struct kt_json_at map);
void kt_resources_add(struct kt_resources *to, const struct kt_resources *what);
void kt_resources_sub(struct kt_resources *from, const struct kt_resources *what);
/* Each field becomes the larger of the two. */
void kt_resources_max(struct kt_resources *to, const struct kt_resources *what);
void kt_resources_set_scalar(struct kt_resources *resources, const char *name, int64_t value);
int64_t kt_resources_scalar(const struct kt_resources *resources, const char *name);

/* A quantity, rounded up to whole units or, with milli, to thousandths; -EINVAL. */
int kt_resource_parse(struct kt_sv text, bool milli, int64_t *ret_value);

#endif
