/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The server from inside: only files of api/server include this. The struct is filled by
 * kt_server_create() and constant afterwards; what changes later lives behind its own pointer with
 * its own lock (CRDs, RBAC, metrics).
 */
#ifndef KT_API_SERVER_SERVER_IMPL_H
#define KT_API_SERVER_SERVER_IMPL_H

#include "api/server/pipeline.h"
#include "api/server/resources.h"
#include "api/server/server.h"

struct kt_server {
	struct kt_server_options options; /* strings are copies */
	struct kt_storage *storage;
	struct kt_loop *loop;
	struct kt_resources *resources;         /* which kinds are served (resources.h) */
	struct kt_openapi_cache *openapi;       /* openapi_documents.h */
	struct kt_metrics *metrics;             /* metrics.h */
	struct kt_pki *own_pki;                 /* when the options bring none */
	struct kt_authenticator *authenticator; /* auth/ */
	struct kt_authorizer *authorizer;
	struct kt_flow *flow;           /* flow.h */
	struct kt_admission *admission; /* admission/admission.h */
	struct kt_audit *audit;         /* audit.h; NULL: off */
	struct kt_crds *crds;           /* crds.h */
	int64_t started_wall_ns;
	atomic_bool ready;
	atomic_int secure_port; /* of the HTTP server; 0: none yet */
};

/* The version of the API that is served. */
#define KT_SERVER_GIT_VERSION "v1.35.4+kube-tui"

/* parts.c */
int kt_server_start_parts(struct kt_server *server, struct kt_err *err);
void kt_server_stop_parts(struct kt_server *server);

/* The storage key of an object; namespace "" for cluster-scoped kinds. Arena string. */
char *kt_server_key(struct kt_arena *arena, const struct kt_kind *kind, const char *namespace,
        const char *name);

#endif
