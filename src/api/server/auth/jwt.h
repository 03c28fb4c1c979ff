/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Signed tokens: JWS compact form with ES256 and nothing else ("none" and every other algorithm are
 * refused). A key is immutable; any thread may use it. Source: RFC 7515, 7517, 7518.
 */
#ifndef KT_API_SERVER_AUTH_JWT_H
#define KT_API_SERVER_AUTH_JWT_H

#include "base/err.h"
#include "base/json.h"

#define KT_JWT_BYTES_MAX 16384 /* a bound token has about 1 KiB */

struct kt_jwt_key;

/* pem: a private P-256 key. */
int kt_jwt_key_create(const char *pem, struct kt_jwt_key **ret_key, struct kt_err *err);
void kt_jwt_key_destroy(struct kt_jwt_key *key);
/* The token's text; heap. */
char *kt_jwt_sign(const struct kt_jwt_key *key, const json_t *claims);
/* -EACCES unless the key signed it; says nothing about what the claims claim. */
int kt_jwt_verify(
        const struct kt_jwt_key *key, struct kt_sv token, json_t **ret_claims, struct kt_err *err);
/* The public half as a JSON Web Key. New reference. */
json_t *kt_jwt_jwk(const struct kt_jwt_key *key);

#endif
