/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GnuTLS for the server: TLS 1.2 and 1.3 with AEAD ciphers, ALPN, and client certificates as
 * identities. */
#include "api/server/http/connection.h"

#include "base/vec.h"

#include <errno.h>
#include <gnutls/x509.h>

/* What Go's server offers, less the ciphers without authentication of their data. */
#define PRIORITIES \
	"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+" \
	"CHACHA20-POLY1305:" \
	"-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:-MAC-ALL:+AEAD:-GROUP-ALL:+GROUP-X25519:+GROUP-" \
	"SECP256R1:" \
	"+GROUP-SECP384R1:%SERVER_PRECEDENCE"

static gnutls_datum_t datum(const char *text)
{
	return (gnutls_datum_t){(unsigned char *)(uintptr_t)text, (unsigned)strlen(text)};
}

static int load_certificate(
        struct kt_http_shared *shared, const struct kt_http_server_options *options)
{
	gnutls_datum_t cert, key;

	if (options->cert_file)
		return gnutls_certificate_set_x509_key_file(shared->credentials, options->cert_file,
		        options->key_file, GNUTLS_X509_FMT_PEM);
	if (!options->cert_pem || !options->key_pem)
		return GNUTLS_E_NO_CERTIFICATE_FOUND;
	cert = datum(options->cert_pem);
	key = datum(options->key_pem);
	return gnutls_certificate_set_x509_key_mem(
	        shared->credentials, &cert, &key, GNUTLS_X509_FMT_PEM);
}

/* Returns how many certificates were taken. */
static int load_client_ca(
        struct kt_http_shared *shared, const struct kt_http_server_options *options)
{
	gnutls_datum_t ca;

	if (options->client_ca_file)
		return gnutls_certificate_set_x509_trust_file(
		        shared->credentials, options->client_ca_file, GNUTLS_X509_FMT_PEM);
	if (!options->client_ca_pem)
		return 1;
	ca = datum(options->client_ca_pem);
	return gnutls_certificate_set_x509_trust_mem(shared->credentials, &ca, GNUTLS_X509_FMT_PEM);
}

int kt_http_tls_open(struct kt_http_shared *shared, const struct kt_http_server_options *options,
        struct kt_err *err)
{
	int r = gnutls_certificate_allocate_credentials(&shared->credentials);

	if (r < 0)
		return kt_fail(err, ENOMEM, "TLS: %s", gnutls_strerror(r));
	r = load_certificate(shared, options);
	if (r < 0)
		return kt_fail(err, EINVAL, "server certificate %s: %s",
		        options->cert_file ? options->cert_file : "in memory", gnutls_strerror(r));
	r = load_client_ca(shared, options);
	if (r <= 0)
		return kt_fail(err, EINVAL, "client CA %s: %s",
		        options->client_ca_file ? options->client_ca_file : "in memory",
		        r ? gnutls_strerror(r) : "no certificate in it");
	r = gnutls_priority_init(&shared->priorities, PRIORITIES, NULL);
	if (r < 0)
		return kt_fail(err, EINVAL, "TLS priorities: %s", gnutls_strerror(r));
	return 0;
}

void kt_http_tls_close(struct kt_http_shared *shared)
{
	if (shared->credentials)
		gnutls_certificate_free_credentials(shared->credentials);
	if (shared->priorities)
		gnutls_priority_deinit(shared->priorities);
	shared->credentials = NULL;
	shared->priorities = NULL;
}

int kt_http_tls_session(struct kt_http_conn *conn, gnutls_session_t *ret_session)
{
	static const char h2[] = "h2", http11[] = "http/1.1";
	struct kt_http_shared *shared = conn->worker->shared;
	gnutls_datum_t names[] = {
	        {(unsigned char *)(uintptr_t)h2, sizeof(h2) - 1},
	        {(unsigned char *)(uintptr_t)http11, sizeof(http11) - 1},
	};
	gnutls_session_t session;
	int r = gnutls_init(
	        &session, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL | GNUTLS_NO_TICKETS);

	if (r < 0)
		return -ENOMEM;
	r = gnutls_priority_set(session, shared->priorities);
	if (r >= 0)
		r = gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, shared->credentials);
	if (r >= 0)
		r = gnutls_alpn_set_protocols(session, names, 2, GNUTLS_ALPN_SERVER_PRECEDENCE);
	if (r < 0) {
		gnutls_deinit(session);
		return -EINVAL;
	}
	gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUEST);
	*ret_session = session;
	return 0;
}

const struct kt_http_protocol *kt_http_tls_protocol(gnutls_session_t session)
{
	gnutls_datum_t chosen;

	if (gnutls_alpn_get_selected_protocol(session, &chosen) == 0 && chosen.size == 2 &&
	        !memcmp(chosen.data, "h2", 2))
		return &kt_http2_protocol;
	return &kt_http1_protocol;
}

/* One value of a name part of the subject; NULL: there are no more. */
static char *subject_part(gnutls_x509_crt_t crt, const char *oid, unsigned index)
{
	char small[256];
	size_t len = sizeof(small);
	int r = gnutls_x509_crt_get_dn_by_oid(crt, oid, index, 0, small, &len);

	if (r == GNUTLS_E_SHORT_MEMORY_BUFFER) {
		kt_auto_free char *big = kt_zalloc(len + 1);

		r = gnutls_x509_crt_get_dn_by_oid(crt, oid, index, 0, big, &len);
		return r < 0 || strlen(big) != len ? NULL : kt_steal(&big);
	}
	/* A NUL inside a name would be one user to us and another to the CA. */
	return r < 0 || memchr(small, 0, len) ? NULL : kt_strndup(small, len);
}

/* CN is the user, each O a group. kube-apiserver also tells by which certificate: credential-id. */
static struct kt_user *user_of_certificate(gnutls_x509_crt_t crt)
{
	kt_auto_free char *name = subject_part(crt, GNUTLS_OID_X520_COMMON_NAME, 0);
	KT_VEC(char *) groups = {0};
	unsigned char digest[32];
	size_t digest_len = sizeof(digest);
	struct kt_user *user;
	char *group;

	if (!name || !*name)
		return NULL;
	for (unsigned i = 0; (group = subject_part(crt, GNUTLS_OID_X520_ORGANIZATION_NAME, i)); i++)
		kt_vec_push(&groups, group);
	kt_vec_push(&groups, kt_strdup("system:authenticated"));
	kt_vec_push(&groups, NULL);
	user = kt_user_create(name, NULL, (const char *const *)groups.items);
	for (size_t i = 0; i < groups.n; i++)
		free(groups.items[i]);
	kt_vec_finish(&groups);
	if (gnutls_x509_crt_get_fingerprint(crt, GNUTLS_DIG_SHA256, digest, &digest_len) == 0) {
		char text[80] = "X509SHA256=";

		for (size_t i = 0; i < digest_len; i++)
			snprintf(text + 11 + 2 * i, 3, "%02x", digest[i]);
		user->extra =
		        json_pack("{s:[s]}", "authentication.kubernetes.io/credential-id", text);
	}
	return user;
}

void kt_http_tls_identify(struct kt_http_conn *conn)
{
	static const char purpose[] = GNUTLS_KP_TLS_WWW_CLIENT;
	gnutls_typed_vdata_st want = {
	        .type = GNUTLS_DT_KEY_PURPOSE_OID,
	        .data = (unsigned char *)(uintptr_t)purpose,
	        .size = sizeof(purpose) - 1,
	};
	unsigned n = 0, status = 0;
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(conn->tls, &n);
	gnutls_x509_crt_t crt;

	if (!chain || n == 0)
		return;
	conn->bad_certificate = true;
	if (gnutls_certificate_verify_peers(conn->tls, &want, 1, &status) < 0 || status != 0)
		return;
	if (gnutls_x509_crt_init(&crt) < 0)
		return;
	if (gnutls_x509_crt_import(crt, &chain[0], GNUTLS_X509_FMT_DER) == 0)
		conn->user = user_of_certificate(crt);
	gnutls_x509_crt_deinit(crt);
	conn->bad_certificate = conn->user == NULL;
}
