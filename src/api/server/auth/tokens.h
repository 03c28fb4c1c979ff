/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The kinds of bearer tokens, each in a file of its own; authenticate.c asks one after another.
 * Every method returns 0 with *ret_user, -ENOENT when the token is none of its kind (the next is
 * asked), or another negative code when it is and is not good. Any thread.
 */
#ifndef KT_API_SERVER_AUTH_TOKENS_H
#define KT_API_SERVER_AUTH_TOKENS_H

#include "api/server/auth/authenticate.h"
#include "api/server/auth/jwt.h"

#include <pthread.h>

#define KT_AUTH_CACHE_MAX 1024              /* tokens remembered; then all are forgotten */
#define KT_AUTH_CACHE_NS (10 * KT_NS_PER_S) /* kube-apiserver's time, too */
#define KT_AUTH_DELETED_LEEWAY_NS \
	(60 * KT_NS_PER_S) /* a pod being deleted keeps its token that long past its deletion time \
	                    */

struct kt_token_file;

struct kt_authenticator {
	struct kt_storage *storage;
	struct kt_jwt_key *key;
	char *issuer;
	struct kt_token_file *file; /* NULL: none */
	bool anonymous;
	pthread_mutex_t cache_lock; /* protects cache; taken alone */
	struct kt_map *cache;       /* SHA-256 of a token as hex -> struct cached */
};

/* token_file.c */
int kt_token_file_read(const char *path, struct kt_token_file **ret_file, struct kt_err *err);
void kt_token_file_free(struct kt_token_file *file);
int kt_token_file_find(
        const struct kt_token_file *file, struct kt_sv token, struct kt_user **ret_user);

/* bootstrap_token.c */
int kt_bootstrap_token_find(
        struct kt_storage *storage, struct kt_sv token, int64_t now_ns, struct kt_user **ret_user);

/* service_account.c; *ret_audiences: those of the token, a list. */
int kt_service_account_token_find(const struct kt_authenticator *auth, struct kt_sv token,
        int64_t now_ns, struct kt_user **ret_user, json_t **ret_audiences, struct kt_err *err);

/* A tree of what is stored; NULL: does not exist. New reference. */
json_t *kt_auth_read(struct kt_storage *storage, const char *fmt, ...)
        __attribute__((format(printf, 2, 3)));

#endif
