/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * May they? Members of system:masters may do everything; nodes what their pods need (the Node
 * authorizer); everybody what Roles and ClusterRoles bound to them say (RBAC).
 *
 * Roles and bindings are kept parsed in an index that a storage watch on the server's loop brings
 * up to date; all HTTP threads read it. A binding therefore counts a moment after it was stored, as
 * with kube-apiserver. Source: the RBAC and Node authorization pages of the Kubernetes
 * documentation.
 */
#ifndef KT_API_SERVER_AUTH_AUTHORIZE_H
#define KT_API_SERVER_AUTH_AUTHORIZE_H

#include "api/server/request.h"

struct kt_authorizer;

/* What somebody wants to do. Strings are borrowed; "" or NULL is absent. */
struct kt_attributes {
	const struct kt_user *user;
	const char *verb;
	const char *group, *version, *resource, *subresource, *namespace, *name;
	const char *field_selector; /* of a list, watch or deletecollection, as in the query */
	const char *path;           /* not NULL: no resource but this path */
};

/* Loads what is stored and follows it on `loop`. */
int kt_authorizer_create(struct kt_storage *storage, struct kt_loop *loop,
        struct kt_authorizer **ret_authorizer, struct kt_err *err);
void kt_authorizer_destroy(struct kt_authorizer *authorizer);
/* Takes in everything stored up to now; on `loop` only. For after bootstrapping, and tests. */
int kt_authorizer_sync(struct kt_authorizer *authorizer, struct kt_err *err);

/* *ret_reason (heap, NULL when there is none): by which binding it is allowed, or what went wrong
 * while asking. Returns whether. */
bool kt_authorize(struct kt_authorizer *authorizer, const struct kt_attributes *attributes,
        char **ret_reason);
/* The 403 in upstream's words, with details; reason may be NULL. */
int kt_fail_forbidden(
        struct kt_err *err, const struct kt_attributes *attributes, const char *reason);

/* Impersonate-User, -Uid, -Group, -Extra-*: asks whether request->user may, then replaces it.
 * *ret_original gets the real caller's reference (NULL when nobody is impersonated). */
int kt_impersonate(struct kt_authorizer *authorizer, struct kt_request *request,
        struct kt_user **ret_original, struct kt_err *err);

/* The status of a SelfSubjectRulesReview. New reference. */
json_t *kt_authorizer_rules(
        struct kt_authorizer *authorizer, const struct kt_user *user, const char *namespace);

/* Nobody gives more than they have: to be asked before a write of resource (roles, clusterroles,
 * rolebindings, clusterrolebindings of rbac.authorization.k8s.io). old is NULL on create. 403 or
 * 404 in upstream's words. */
int kt_rbac_check_write(struct kt_authorizer *authorizer, const struct kt_user *user,
        const char *resource, const char *namespace, const json_t *object, const json_t *old,
        struct kt_err *err);

#endif
