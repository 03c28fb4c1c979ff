/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What no table can state about a kind: computed defaults, strategies (what create and update do to
 * an object before it is stored), validation that needs code, warnings. One file per group
 * (rules/core_pod.c, rules/apps.c, …) with one const struct kt_rules per kind; rules/table.c lists
 * them; everything generic stays in machinery and the pipeline.
 *
 * Order for a write: decode → admission(mutating) … → table defaults and `default_object` right
 * after decoding (and after each patch) → `prepare` → admission(mutating) → defaults again →
 * generic metadata validation → table limits → `validate` → admission(validating). Hooks work on
 * jansson trees in place. They never block; reads of other objects go to ctx->storage (synced
 * memory).
 */
#ifndef KT_API_SERVER_RULES_RULES_H
#define KT_API_SERVER_RULES_RULES_H

#include "api/machinery/field_errors.h"
#include "api/schema/schema.h"
#include "api/storage/storage.h"

struct kt_user;

enum kt_rule_operation { KT_RULE_CREATE, KT_RULE_UPDATE };

struct kt_rule_context {
	const struct kt_kind *kind;
	const char *subresource; /* NULL for the main resource */
	enum kt_rule_operation operation;
	const char *namespace; /* "" for cluster-scoped */
	bool dry_run;
	const char *user;                /* who asks */
	const struct kt_user *requester; /* the same in full; NULL for the server itself */
	int64_t now_ns;                  /* Unix time */
	struct kt_loop *loop;            /* random source, for allocators */
	struct kt_server *server;        /* options such as the service range */
	struct kt_storage *storage;
	struct kt_arena *arena;
	struct kt_field_errors errors; /* validate appends */
	/* The object as the caller wrote it, or NULL, and the one that is validated: an empty list
	 * or map that was written out is absent in the tree, but defaulting and messages tell it
	 * from one that was not ("[]", not "null"): kt_at_sent(). */
	const json_t *sent, *subject;
	/* Warning headers; heap strings freed by the pipeline. */
	char **warnings;
	size_t n_warnings;
	/* Set by prepare to refuse with something else than 422. */
	struct kt_err err;
	/* Objects to write or delete in the same transaction (allocated addresses …): appended with
	 * kt_rule_also(). */
	struct kt_storage_op *also;
	size_t n_also;
};

/* Each text once; what comes behind KT_RULE_WARNINGS_MAX is more than an answer has room for. */
#define KT_RULE_WARNINGS_MAX 512
void kt_rule_warn(struct kt_rule_context *ctx, const char *fmt, ...)
        __attribute__((format(printf, 2, 3)));

struct kt_rules {
	const char *group, *kind;
	const char *error_group; /* in messages and details, where it is not the kind's own ("");
	                            NULL: the kind's */
	bool creates_status;     /* a new object keeps the status it was sent with */
	bool annotations_count;  /* a change of annotations raises metadata.generation too */
	/* Defaults that depend on other fields (imagePullPolicy by tag, …); tables' own defaults
	 * are already in. */
	void (*default_object)(struct kt_rule_context *ctx, json_t *object);
	/* Before storing: clear what users may not set, keep what updates may not touch, fill in
	 * status and addresses. old is NULL on create. 0 or a negative code with ctx->err. */
	int (*prepare)(struct kt_rule_context *ctx, json_t *object, const json_t *old);
	/* Appends to ctx->errors in upstream's order. old is NULL on create. */
	void (*validate)(struct kt_rule_context *ctx, const json_t *object, const json_t *old);
	/* Calls kt_rule_warn(). */
	void (*warn)(struct kt_rule_context *ctx, const json_t *object, const json_t *old);
	/* May the object be deleted now, and what becomes of it first (graceful deletion: sets
	 * grace seconds)? NULL: at once. */
	int (*prepare_delete)(struct kt_rule_context *ctx, json_t *object, int64_t *grace_seconds);
	/* After a delete (object NULL) or an update was decided: what else goes in the transaction
	 * (addresses given back). */
	int (*after)(struct kt_rule_context *ctx, const json_t *object, const json_t *old);
};

/* NULL when a kind needs none. */
const struct kt_rules *kt_rules_find(const char *group, const char *kind);

/* The group that errors about this kind name. */
const char *kt_rules_error_group(const struct kt_kind *kind);

/* Everything between decoding and admission, and everything after it; both handle tables, generic
 * metadata and the kind's own rules. */
void kt_rules_default(struct kt_rule_context *ctx, json_t *object);
int kt_rules_prepare(struct kt_rule_context *ctx, json_t *object, const json_t *old);
/* Runs every check in upstream's order: metadata, table limits, the kind's own; fills ctx->errors.
 */
void kt_rules_validate(struct kt_rule_context *ctx, const json_t *object, const json_t *old);

#endif
