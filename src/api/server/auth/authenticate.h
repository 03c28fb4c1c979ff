/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who calls? Tried in this order: the client certificate (the transport has set request->user), a
 * bearer token (static token file, service-account tokens, bootstrap tokens), anonymous. A token
 * that nobody knows is 401, never anonymous.
 *
 * An authenticator is safe to use from all HTTP threads; the objects that tokens are bound to are
 * read from storage, which does not block. Accepted tokens are remembered for 10 s, as
 * kube-apiserver does: that long a deleted account's token may still work. Source: KEP-1205 (bound
 * tokens), RFC 7515, 7518, 7519; the API reference of TokenReview and TokenRequest.
 */
#ifndef KT_API_SERVER_AUTH_AUTHENTICATE_H
#define KT_API_SERVER_AUTH_AUTHENTICATE_H

#include "api/server/pki.h"
#include "api/server/request.h"

struct kt_authenticator;

struct kt_authenticator_options {
	struct kt_storage *storage;
	const struct kt_pki *pki; /* token key; outlives the authenticator */
	const char *issuer;       /* NULL: https://kubernetes.default.svc; the API audience too */
	const char *token_auth_file; /* CSV token,user,uid,"group1,group2"; NULL: none */
	bool anonymous;
};

int kt_authenticator_create(const struct kt_authenticator_options *options,
        struct kt_authenticator **ret_auth, struct kt_err *err);
void kt_authenticator_destroy(struct kt_authenticator *auth);

/* Sets request->user. -EACCES with reason Unauthorized. */
int kt_authenticate(struct kt_authenticator *auth, struct kt_request *request, struct kt_err *err);

/* Which user a token stands for; now_ns is Unix time. audiences (NULL-terminated) NULL: the API
 * server's own; *ret_audiences (may be NULL to ask for none) becomes the list of those that the
 * token is good for. -EACCES when it is nobody's. */
int kt_authenticate_token(struct kt_authenticator *auth, struct kt_sv token,
        const char *const *audiences, int64_t now_ns, struct kt_user **ret_user,
        json_t **ret_audiences, struct kt_err *err);

/* Fills the status of a TokenReview tree. -EINVAL with causes for a bad spec. */
int kt_token_review(
        struct kt_authenticator *auth, json_t *review, int64_t now_ns, struct kt_err *err);

/* POST serviceaccounts/NAME/token: checks the TokenRequest tree, fills defaults into its spec and
 * writes its status. Errors are worded for the client (404, 409, 422 with causes, 400). */
int kt_token_request(struct kt_authenticator *auth, struct kt_loop *loop, const char *namespace,
        const char *service_account, json_t *request, struct kt_err *err);

/* The text of a token for a Secret of type kubernetes.io/service-account-token; heap. */
char *kt_token_legacy(struct kt_authenticator *auth, const char *namespace, const char *secret,
        const char *service_account, const char *service_account_uid);

/* /openid/v1/jwks (application/jwk-set+json) and /.well-known/openid-configuration
 * (application/json). */
void kt_token_jwks(const struct kt_authenticator *auth, struct kt_str *out);
void kt_token_openid_configuration(const struct kt_authenticator *auth, struct kt_str *out);

#endif
