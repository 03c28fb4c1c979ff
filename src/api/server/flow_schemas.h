/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which FlowSchema a request belongs to. Schemas are parsed once and sorted by precedence; a set of
 * them is immutable. What is counted per schema outlives it as long as a request knows it.
 * Source: the flowcontrol.apiserver.k8s.io/v1 API reference.
 */
#ifndef KT_API_SERVER_FLOW_SCHEMAS_H
#define KT_API_SERVER_FLOW_SCHEMAS_H

#include "api/server/flow_seats.h"
#include "api/server/pipeline.h"
#include "base/map.h"

enum kt_flow_reason {
	KT_FLOW_REASON_QUEUE_FULL,
	KT_FLOW_REASON_CONCURRENCY_LIMIT,
	KT_FLOW_REASON_TIME_OUT,
	KT_FLOW_REASON_CANCELLED,
	KT_FLOW_REASONS
};

#define KT_FLOW_BUCKETS 14 /* the last: +Inf */

struct kt_flow_stats {
	atomic_uint refs;
	char *schema, *level;
	atomic_ullong dispatched, rejected[KT_FLOW_REASONS];
	atomic_int waiting, executing;
	atomic_ullong waited[KT_FLOW_BUCKETS], waited_ns, executed[KT_FLOW_BUCKETS], executed_ns;
};
void kt_flow_stats_unref(struct kt_flow_stats *stats);

struct kt_flow_rule; /* flow_schemas.c */
struct kt_flow_schema {
	const char *name, *uid, *level_uid;
	int64_t precedence;
	enum { KT_FLOW_ALL_ONE, KT_FLOW_BY_USER, KT_FLOW_BY_NAMESPACE } distinguisher;
	struct kt_flow_rule *rules;
	size_t n_rules;
	struct kt_flow_level *level; /* reference */
	struct kt_flow_stats *stats; /* reference */
};

struct kt_flow_schemas {
	struct kt_arena arena;
	struct kt_flow_schema *items;
	size_t n;
};

struct kt_flow_schemas *kt_flow_schemas_create(size_t n_max);
/* `tree` is a valid FlowSchema, `level` that of its name; its reference is taken over. */
void kt_flow_schemas_add(struct kt_flow_schemas *schemas, const json_t *tree,
        struct kt_flow_level *level, const char *level_uid);
/* Takes over the counters of the set before; to be called when all are added. */
void kt_flow_schemas_finish(struct kt_flow_schemas *schemas, const struct kt_flow_schemas *before);
void kt_flow_schemas_destroy(struct kt_flow_schemas *schemas);
/* NULL: none matches. */
const struct kt_flow_schema *kt_flow_schemas_match(
        const struct kt_flow_schemas *schemas, const struct kt_request *request);
uint64_t kt_flow_hash(const struct kt_flow_schema *schema, const struct kt_request *request);

#endif
