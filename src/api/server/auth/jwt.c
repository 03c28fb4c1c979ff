/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/auth/jwt.h"

#include "base/log.h"

#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>

#define HALF 32 /* bytes of r, s, x and y on P-256 */

struct kt_jwt_key {
	gnutls_privkey_t private;
	gnutls_pubkey_t public;
	char kid[64];
	char *header; /* base64url, with its dot */
};

static gnutls_datum_t datum(const void *data, size_t len)
{
	return (gnutls_datum_t){(unsigned char *)(uintptr_t)data, (unsigned)len};
}

/* The key's name: a hash of its public half, as kube-apiserver names keys. */
static int set_kid(struct kt_jwt_key *key)
{
	kt_auto_str text = KT_STR_INIT;
	unsigned char digest[32];
	gnutls_datum_t der;
	int r = gnutls_pubkey_export2(key->public, GNUTLS_X509_FMT_DER, &der);

	if (r < 0)
		return r;
	r = gnutls_hash_fast(GNUTLS_DIG_SHA256, der.data, der.size, digest);
	gnutls_free(der.data);
	if (r < 0)
		return r;
	kt_base64url_encode(&text, digest, sizeof(digest));
	snprintf(key->kid, sizeof(key->kid), "%s", kt_str_text(&text));
	return 0;
}

static void set_header(struct kt_jwt_key *key)
{
	kt_auto_free char *json = kt_asprintf("{\"alg\":\"ES256\",\"kid\":\"%s\"}", key->kid);
	kt_auto_str text = KT_STR_INIT;

	kt_base64url_encode(&text, json, strlen(json));
	kt_str_putc(&text, '.');
	key->header = kt_str_steal(&text);
}

int kt_jwt_key_create(const char *pem, struct kt_jwt_key **ret_key, struct kt_err *err)
{
	struct kt_jwt_key *key = kt_new(struct kt_jwt_key);
	gnutls_datum_t data = datum(pem, strlen(pem));
	unsigned bits = 0;
	int r = gnutls_privkey_init(&key->private);

	if (r >= 0)
		r = gnutls_pubkey_init(&key->public);
	if (r >= 0)
		r = gnutls_privkey_import_x509_raw(
		        key->private, &data, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (r >= 0 && gnutls_privkey_get_pk_algorithm(key->private, &bits) != GNUTLS_PK_ECDSA)
		r = GNUTLS_E_UNSUPPORTED_SIGNATURE_ALGORITHM;
	if (r >= 0)
		r = gnutls_pubkey_import_privkey(key->public, key->private, 0, 0);
	if (r >= 0)
		r = set_kid(key);
	if (r < 0 || bits != 256) {
		kt_jwt_key_destroy(key);
		return kt_fail(
		        err, EINVAL, "token key: %s", r < 0 ? gnutls_strerror(r) : "not on P-256");
	}
	set_header(key);
	*ret_key = key;
	return 0;
}

void kt_jwt_key_destroy(struct kt_jwt_key *key)
{
	if (!key)
		return;
	if (key->private)
		gnutls_privkey_deinit(key->private);
	if (key->public)
		gnutls_pubkey_deinit(key->public);
	free(key->header);
	free(key);
}

/* A number as exactly 32 bytes, big-endian. */
static void pad(unsigned char out[HALF], const gnutls_datum_t *number)
{
	size_t skip = number->size > HALF ? number->size - HALF : 0, len = number->size - skip;

	memset(out, 0, HALF);
	memcpy(out + HALF - len, number->data + skip, len);
}

char *kt_jwt_sign(const struct kt_jwt_key *key, const json_t *claims)
{
	kt_auto_str json = KT_STR_INIT, text = KT_STR_INIT;
	unsigned char raw[2 * HALF];
	gnutls_datum_t data, signature, part_r, part_s;
	int r;

	kt_json_write(&json, claims, KT_JSON_SORT);
	kt_str_puts(&text, key->header);
	kt_base64url_encode(&text, json.data, json.len);
	data = datum(text.data, text.len);
	r = gnutls_privkey_sign_data(key->private, GNUTLS_DIG_SHA256, 0, &data, &signature);
	kt_assert(r >= 0);
	r = gnutls_decode_rs_value(&signature, &part_r, &part_s);
	kt_assert(r >= 0);
	pad(raw, &part_r);
	pad(raw + HALF, &part_s);
	gnutls_free(signature.data);
	gnutls_free(part_r.data);
	gnutls_free(part_s.data);
	kt_str_putc(&text, '.');
	kt_base64url_encode(&text, raw, sizeof(raw));
	return kt_str_steal(&text);
}

static int refuse(struct kt_err *err, const char *why)
{
	return kt_fail(err, EACCES, "invalid bearer token: %s", why);
}

static json_t *decode_json(struct kt_sv part)
{
	kt_auto_str text = KT_STR_INIT;

	if (kt_base64url_decode(&text, part) < 0)
		return NULL;
	return kt_json_parse((struct kt_sv){kt_str_text(&text), text.len}, NULL, NULL);
}

static bool signature_fits(
        const struct kt_jwt_key *key, struct kt_sv content, struct kt_sv signature)
{
	kt_auto_str raw = KT_STR_INIT;
	gnutls_datum_t data = datum(content.p, content.len), r_part, s_part, der;
	int r;

	if (kt_base64url_decode(&raw, signature) < 0 || raw.len != 2 * HALF)
		return false;
	r_part = datum(raw.data, HALF);
	s_part = datum(raw.data + HALF, HALF);
	if (gnutls_encode_rs_value(&der, &r_part, &s_part) < 0)
		return false;
	r = gnutls_pubkey_verify_data2(key->public, GNUTLS_SIGN_ECDSA_SHA256, 0, &data, &der);
	gnutls_free(der.data);
	return r >= 0;
}

int kt_jwt_verify(
        const struct kt_jwt_key *key, struct kt_sv token, json_t **ret_claims, struct kt_err *err)
{
	struct kt_sv rest = token, header, payload;
	kt_auto_json json_t *head = NULL, *claims = NULL;
	const char *kid;

	if (token.len > KT_JWT_BYTES_MAX || !kt_sv_split(&rest, '.', &header) ||
	        !kt_sv_split(&rest, '.', &payload) || !rest.p || memchr(rest.p, '.', rest.len))
		return refuse(err, "malformed");
	head = decode_json(header);
	if (!json_is_object(head) || !kt_streq(kt_jstr(head, "alg"), "ES256") ||
	        json_object_get(head, "crit"))
		return refuse(err, "unsupported algorithm");
	kid = kt_jstr(head, "kid");
	if (kid && strcmp(kid, key->kid))
		return refuse(err, "unknown key");
	if (!signature_fits(key, (struct kt_sv){token.p, (size_t)(rest.p - 1 - token.p)}, rest))
		return refuse(err, "wrong signature");
	claims = decode_json(payload);
	if (!json_is_object(claims))
		return refuse(err, "malformed claims");
	*ret_claims = kt_steal(&claims);
	return 0;
}

static void set_number(json_t *jwk, const char *name, const gnutls_datum_t *number)
{
	kt_auto_str text = KT_STR_INIT;
	unsigned char bytes[HALF];

	pad(bytes, number);
	kt_base64url_encode(&text, bytes, HALF);
	json_object_set_new(jwk, name, json_string(kt_str_text(&text)));
}

json_t *kt_jwt_jwk(const struct kt_jwt_key *key)
{
	json_t *jwk = json_pack("{s:s, s:s, s:s, s:s, s:s}", "use", "sig", "kty", "EC", "kid",
	        key->kid, "crv", "P-256", "alg", "ES256");
	gnutls_ecc_curve_t curve;
	gnutls_datum_t x, y;
	int r = gnutls_pubkey_export_ecc_raw(key->public, &curve, &x, &y);

	kt_assert(r >= 0);
	set_number(jwk, "x", &x);
	set_number(jwk, "y", &y);
	gnutls_free(x.data);
	gnutls_free(y.data);
	return jwk;
}
