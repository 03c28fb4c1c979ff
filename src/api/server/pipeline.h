/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The pipeline: one const array of stages that every request walks in order (pipeline.c), and what
 * a request knows on its way.
 *
 * A request is first routed: its path and method give a struct kt_route and an operation (operation
 * tables below: get, list, create, …; discovery and health are operations too). The operation fills
 * the stages it has something to say in; authentication, flow control, authorization, encoding of
 * errors and audit are the same for all.
 *
 * A stage returns 0 (next stage), KT_STAGE_WAIT (it will call kt_pipeline_resume() on the request's
 * loop) or a negative code with request->err filled, which leads straight to the encode stage.
 * commit may start the request over at mutate when another writer was first (kt_pipeline_retry()).
 * Around mutate, commit and encode stand the conversions of webhook_versions.h, which most kinds do
 * not have.
 *
 * Memory: everything in the state dies with the request; const char * members live in its arena.
 */
#ifndef KT_API_SERVER_PIPELINE_H
#define KT_API_SERVER_PIPELINE_H

#include "api/codec/codec.h"
#include "api/machinery/selector.h"
#include "api/server/request.h"
#include "api/server/server.h"
#include "api/status.h"

#define KT_STAGE_WAIT 1

static inline const char *kt_or_empty(const char *text)
{
	return text ? text : "";
}

/* What a path and a method mean. Strings are never NULL; "" is absent. */
struct kt_route {
	bool is_resource; /* below /api/VERSION or /apis/GROUP/VERSION */
	const char *path; /* decoded, without the query */
	const char *group, *version, *namespace, *resource, *name, *subresource;
	const char *rest; /* what follows the sub-resource (proxy paths) */
	const char *verb; /* get, list, watch, create, update, patch, delete, deletecollection; else
	                     the method in lower case */
	bool legacy_watch; /* /api/v1/watch/… */
};

struct kt_query_param {
	const char *name, *value; /* decoded */
};

/* How the answer is written. */
enum kt_form {
	KT_FORM_OBJECT,
	KT_FORM_TABLE,
	KT_FORM_PARTIAL,
	KT_FORM_DISCOVERY_V2,
	KT_FORM_DISCOVERY_V2BETA1
};

struct kt_accept {
	enum kt_media media;
	enum kt_form form;
	bool pretty;
	bool partial_list;        /* PARTIAL: the list form was asked for */
	const char *form_version; /* meta.k8s.io version asked for: "v1", "v1beta1" */
};

/* One way of answering. Absent functions have nothing to do. */
struct kt_operation {
	const char *name;
	int (*decode)(struct kt_request *request);
	int (*mutate)(struct kt_request *request);
	int (*defaults)(struct kt_request *request);
	int (*validate)(struct kt_request *request);
	int (*commit)(struct kt_request *request);
	int (*encode)(struct kt_request *request);
};

struct kt_admit;
struct kt_convert;

struct kt_request_state {
	unsigned stage;
	bool failed;
	int attempts;       /* of the commit */
	int64_t started_ns; /* loop time */
	struct kt_route route;
	KT_VEC(struct kt_query_param) query;
	const struct kt_operation *operation;
	const struct kt_kind *kind; /* NULL for what is no resource */
	const struct kt_subresource *subresource;
	struct kt_crd *crd;               /* keeps a run-time kind alive; NULL for built-in ones */
	const struct kt_kind *table_kind; /* columns when they are not those of kind */
	const char *error_name;           /* of the object in details, where the route has none */
	struct kt_accept accept;
	struct kt_user *impersonator; /* the real caller when request->user is impersonated */

	/* options of writes */
	bool dry_run, force;
	enum kt_strict strict;
	const char *field_manager;
	const char *strict_error; /* what a patch holds twice, where that is refused */
	struct kt_warnings warnings;

	/* decoded body, the object before and after; trees in the version of the request */
	json_t *body;
	json_t *sent; /* the body or the patched object before it was brought in shape; may be NULL
	               */
	struct kt_object *current; /* as stored; NULL: does not exist */
	json_t *old, *object;
	bool is_create;                /* what the write turned out to be */
	bool is_unchanged;             /* nothing to write */
	bool is_delete;                /* the update removes the object: its last finalizer went */
	int64_t precondition_revision; /* the caller's resourceVersion; 0: none */
	struct kt_rule_context *rules; /* arena; rules_free frees what it holds */
	void (*rules_free)(void *rules);
	bool is_generated; /* the name is of our making: another may be tried */
	bool is_patch;
	bool is_spliced; /* ops are ready: status_splice.h */
	char *key;
	struct kt_storage_op ops[KT_STORAGE_OPS_MAX];
	size_t n_ops;
	struct kt_storage_txn txn;
	struct kt_field_errors *field_errors;
	struct kt_flow_pass *flow;  /* flow.h; NULL: not counted */
	struct kt_admit *admit;     /* admission under way (admit.c); arena */
	struct kt_convert *convert; /* webhook_versions.h; NULL: nothing is converted by one */
	json_t *audit_annotations;  /* NULL: none */
	bool is_mutated;            /* by a webhook */

	struct kt_request *request; /* of txn */
	bool has_second_step; /* the write is done again after it succeeded: mark, then delete */
	struct kt_object *marked; /* what the first step stored */

	/* result: either of them */
	struct kt_object *stored; /* bytes in storage version */
	json_t *result;           /* a tree of result_type */
	const struct kt_type *result_type;
	int success_status; /* 0: 200 */

	void *operation_data; /* of the operation; freed by operation_free */
	void (*operation_free)(void *data);
};

/* Called by kt_request_destroy(): frees the state and what it holds. */
void kt_pipeline_finish(struct kt_request *request);

/* Goes on after KT_STAGE_WAIT. status: 0, or a negative code with request->err filled. On the
 * request's loop. */
void kt_pipeline_resume(struct kt_request *request, int status);
/* Goes back to mutate; to be called instead of resume. */
void kt_pipeline_retry(struct kt_request *request);

/* The query; name as in the URL. NULL when absent. */
const char *kt_request_query(const struct kt_request *request, const char *name);
bool kt_request_query_bool(const struct kt_request *request, const char *name);
/* Go's ParseInt words on failure (400). Absent or "": fallback. */
int kt_request_query_int(
        struct kt_request *request, const char *name, int64_t fallback, int64_t *ret_value);

void kt_request_warn(struct kt_request *request, const char *fmt, ...)
        __attribute__((format(printf, 2, 3)));

#endif
