/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/pki.h"

#include "api/server/pki_internal.h"

#include "base/log.h"
#include "base/path.h"
#include "base/vec.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DAY_S 86400
#define CA_DAYS 3650
#define LEAF_DAYS 365
#define RENEW_DAYS 30          /* leaves are made anew that long before their end */
#define BACKDATE_S 3600        /* clocks of clients may be behind */
#define REQUEST_BACKDATE_S 300 /* of a signed request; kube-controller-manager's */
#define FILE_BYTES_MAX (256 * 1024)

struct kt_pki {
	char *dir;
	char *pem[KT_PKI_N_ITEMS];
	char *file[KT_PKI_N_ITEMS];
	gnutls_x509_privkey_t ca_key;
	gnutls_x509_crt_t ca_crt;
};

static const char *const file_names[KT_PKI_N_ITEMS] = {
        [KT_PKI_CA_CERT] = "ca.crt",
        [KT_PKI_SERVER_CERT] = "server.crt",
        [KT_PKI_SERVER_KEY] = "server.key",
        [KT_PKI_ADMIN_CERT] = "admin.crt",
        [KT_PKI_ADMIN_KEY] = "admin.key",
        [KT_PKI_TOKEN_PUBLIC] = "sa.pub",
};

static void free_crt(gnutls_x509_crt_t *crt)
{
	if (*crt)
		gnutls_x509_crt_deinit(*crt);
}
static void free_key(gnutls_x509_privkey_t *key)
{
	if (*key)
		gnutls_x509_privkey_deinit(*key);
}
#define auto_crt __attribute__((cleanup(free_crt))) gnutls_x509_crt_t
#define auto_key __attribute__((cleanup(free_key))) gnutls_x509_privkey_t

static int tls_fail(struct kt_err *err, const char *what, int r)
{
	return kt_fail(err, EINVAL, "%s: %s", what, gnutls_strerror(r));
}

static int make_key(gnutls_x509_privkey_t *ret_key, struct kt_err *err)
{
	auto_key key = NULL;
	int r = gnutls_x509_privkey_init(&key);

	if (r >= 0)
		r = gnutls_x509_privkey_generate(
		        key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
	if (r < 0)
		return tls_fail(err, "making a key", r);
	*ret_key = kt_steal(&key);
	return 0;
}

static char *take_datum(gnutls_datum_t *datum)
{
	char *text = kt_strndup((const char *)datum->data, datum->size);

	gnutls_free(datum->data);
	return text;
}

#define P256_LEN 32

/* A number in its full width, which it loses or outgrows by a zero in what GnuTLS gives. */
static void put_number(unsigned char *out, const gnutls_datum_t *number)
{
	const unsigned char *p = number->data;
	size_t len = number->size;

	for (; len && !*p; len--)
		p++;
	kt_assert(len <= P256_LEN);
	memset(out, 0, P256_LEN - len);
	memcpy(out + P256_LEN - len, p, len);
}

/* PKCS #8 (RFC 5958) around an ECPrivateKey (RFC 5915), whose number has as many octets as the
 * curve's order: GnuTLS writes it like an INTEGER, and ring, rustls' library, refuses 33 octets. */
static int key_pem(gnutls_x509_privkey_t key, char **ret_pem, struct kt_err *err)
{
	static const unsigned char head[] = {0x30, 0x81, 0x87, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06,
	        0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
	        0x3d, 0x03, 0x01, 0x07, 0x04, 0x6d, 0x30, 0x6b, 0x02, 0x01, 0x01, 0x04, 0x20};
	static const unsigned char public[] = {0xa1, 0x44, 0x03, 0x42, 0x00, 0x04};
	unsigned char der[sizeof(head) + sizeof(public) + 3 * P256_LEN], *p = der;
	gnutls_datum_t x = {0}, y = {0}, k = {0}, text = {der, sizeof(der)}, out;
	gnutls_ecc_curve_t curve;
	int r = gnutls_x509_privkey_export_ecc_raw(key, &curve, &x, &y, &k);

	if (r >= 0 && curve != GNUTLS_ECC_CURVE_SECP256R1)
		r = GNUTLS_E_ECC_UNSUPPORTED_CURVE;
	if (r >= 0) {
		memcpy(p, head, sizeof(head));
		put_number(p += sizeof(head), &k);
		memcpy(p += P256_LEN, public, sizeof(public));
		put_number(p += sizeof(public), &x);
		put_number(p + P256_LEN, &y);
		r = gnutls_pem_base64_encode2("PRIVATE KEY", &text, &out);
	}
	gnutls_free(x.data);
	gnutls_free(y.data);
	gnutls_free(k.data);
	gnutls_memset(der, 0, sizeof(der));
	if (r < 0)
		return tls_fail(err, "writing a key", r);
	*ret_pem = take_datum(&out);
	return 0;
}

int pki_crt_pem(gnutls_x509_crt_t crt, char **ret_pem, struct kt_err *err)
{
	gnutls_datum_t out;
	int r = gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &out);

	if (r < 0)
		return tls_fail(err, "writing a certificate", r);
	*ret_pem = take_datum(&out);
	return 0;
}

static int public_pem(gnutls_x509_privkey_t key, char **ret_pem, struct kt_err *err)
{
	gnutls_privkey_t private = NULL;
	gnutls_pubkey_t public = NULL;
	gnutls_datum_t out;
	int r = gnutls_privkey_init(&private);

	if (r >= 0)
		r = gnutls_privkey_import_x509(private, key, 0);
	if (r >= 0)
		r = gnutls_pubkey_init(&public);
	if (r >= 0)
		r = gnutls_pubkey_import_privkey(public, private, 0, 0);
	if (r >= 0)
		r = gnutls_pubkey_export2(public, GNUTLS_X509_FMT_PEM, &out);
	if (r >= 0)
		*ret_pem = take_datum(&out);
	if (public)
		gnutls_pubkey_deinit(public);
	if (private)
		gnutls_privkey_deinit(private);
	return r < 0 ? tls_fail(err, "writing a public key", r) : 0;
}

/* And version and serial. */
static int set_dates(gnutls_x509_crt_t crt, time_t backdate_s, time_t end)
{
	unsigned char serial[16];
	int r = gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof(serial));

	serial[0] = (serial[0] & 0x7f) | 0x40; /* positive and of full length */
	if (r >= 0)
		r = gnutls_x509_crt_set_version(crt, 3);
	if (r >= 0)
		r = gnutls_x509_crt_set_serial(crt, serial, sizeof(serial));
	if (r >= 0)
		r = gnutls_x509_crt_set_activation_time(crt, time(NULL) - backdate_s);
	return r < 0 ? r : gnutls_x509_crt_set_expiration_time(crt, end);
}

/* What every certificate has: version, serial, dates, key, identifiers. */
static int begin_crt(
        gnutls_x509_crt_t *ret_crt, gnutls_x509_privkey_t key, int days, struct kt_err *err)
{
	auto_crt crt = NULL;
	unsigned char id[20];
	size_t id_len = sizeof(id);
	int r = gnutls_x509_crt_init(&crt);

	if (r >= 0)
		r = set_dates(crt, BACKDATE_S, time(NULL) + (time_t)days * DAY_S);
	if (r >= 0)
		r = gnutls_x509_crt_set_key(crt, key);
	if (r >= 0)
		r = gnutls_x509_crt_get_key_id(crt, 0, id, &id_len);
	if (r >= 0)
		r = gnutls_x509_crt_set_subject_key_id(crt, id, id_len);
	if (r < 0)
		return tls_fail(err, "making a certificate", r);
	*ret_crt = kt_steal(&crt);
	return 0;
}

static int set_name(gnutls_x509_crt_t crt, const char *oid, const char *value)
{
	return gnutls_x509_crt_set_dn_by_oid(crt, oid, 0, value, (unsigned)strlen(value));
}

static int make_ca(struct kt_pki *pki, struct kt_err *err)
{
	auto_crt crt = NULL;
	auto_key key = NULL;
	int r = make_key(&key, err);

	if (r >= 0)
		r = begin_crt(&crt, key, CA_DAYS, err);
	if (r < 0)
		return r;
	r = set_name(crt, GNUTLS_OID_X520_COMMON_NAME, "kubernetes");
	if (r >= 0)
		r = gnutls_x509_crt_set_basic_constraints(crt, 1, -1);
	if (r >= 0)
		r = gnutls_x509_crt_set_key_usage(
		        crt, GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_DIGITAL_SIGNATURE);
	if (r >= 0)
		r = gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0);
	if (r < 0)
		return tls_fail(err, "making the CA", r);
	pki->ca_key = kt_steal(&key);
	pki->ca_crt = kt_steal(&crt);
	return pki_crt_pem(pki->ca_crt, &pki->pem[KT_PKI_CA_CERT], err);
}

int pki_sign(const struct kt_pki *pki, gnutls_x509_crt_t crt, struct kt_err *err)
{
	unsigned char id[64];
	size_t id_len = sizeof(id);
	int r = gnutls_x509_crt_get_subject_key_id(pki->ca_crt, id, &id_len, NULL);

	if (r >= 0)
		r = gnutls_x509_crt_set_authority_key_id(crt, id, id_len);
	if (r >= 0)
		r = gnutls_x509_crt_set_basic_constraints(crt, 0, -1);
	if (r >= 0)
		r = gnutls_x509_crt_sign2(crt, pki->ca_crt, pki->ca_key, GNUTLS_DIG_SHA256, 0);
	return r < 0 ? tls_fail(err, "signing a certificate", r) : 0;
}

int pki_date(const struct kt_pki *pki, gnutls_x509_crt_t crt, int64_t seconds)
{
	time_t ca_end = gnutls_x509_crt_get_expiration_time(pki->ca_crt);

	return set_dates(crt, REQUEST_BACKDATE_S, KT_MIN(time(NULL) + (time_t)seconds, ca_end));
}

/* Signs a leaf with the CA and writes both halves. */
static int sign_leaf(const struct kt_pki *pki, gnutls_x509_crt_t crt, gnutls_x509_privkey_t key,
        const char *purpose, char **ret_cert, char **ret_key, struct kt_err *err)
{
	kt_auto_free char *cert = NULL;
	int r = gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_DIGITAL_SIGNATURE);

	if (r >= 0)
		r = gnutls_x509_crt_set_key_purpose_oid(crt, purpose, 0);
	if (r < 0)
		return tls_fail(err, "signing a certificate", r);
	r = pki_sign(pki, crt, err);
	if (r >= 0)
		r = pki_crt_pem(crt, &cert, err);
	if (r >= 0)
		r = key_pem(key, ret_key, err);
	if (r >= 0)
		*ret_cert = kt_steal(&cert);
	return r;
}

int kt_pki_issue_client(const struct kt_pki *pki, const char *cn, const char *const *groups,
        char **ret_cert_pem, char **ret_key_pem, struct kt_err *err)
{
	auto_crt crt = NULL;
	auto_key key = NULL;
	int r = make_key(&key, err);

	if (r >= 0)
		r = begin_crt(&crt, key, LEAF_DAYS, err);
	if (r < 0)
		return r;
	for (; r >= 0 && groups && *groups; groups++)
		r = set_name(crt, GNUTLS_OID_X520_ORGANIZATION_NAME, *groups);
	if (r >= 0)
		r = set_name(crt, GNUTLS_OID_X520_COMMON_NAME, cn);
	if (r < 0)
		return tls_fail(err, cn, r);
	return sign_leaf(pki, crt, key, GNUTLS_KP_TLS_WWW_CLIENT, ret_cert_pem, ret_key_pem, err);
}

typedef KT_VEC(char *) names;

static void names_finish(names *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->items[i]);
	kt_vec_finish(list);
}

/* "10.96.0.0/16" -> "10.96.0.1" */
static int first_service_address(const char *range, char *ret_text, size_t size, struct kt_err *err)
{
	kt_auto_free char *base = kt_strndup(range, strcspn(range, "/"));
	unsigned char bytes[16];
	int family = strchr(base, ':') ? AF_INET6 : AF_INET, last = family == AF_INET6 ? 15 : 3;

	if (inet_pton(family, base, bytes) != 1)
		return kt_fail(err, EINVAL, "service range %s is no network", range);
	bytes[last]++;
	if (!inet_ntop(family, bytes, ret_text, (socklen_t)size))
		return kt_fail(err, errno, "service range %s: %s", range, strerror(errno));
	return 0;
}

static int server_names(const struct kt_pki_options *options, names *list, struct kt_err *err)
{
	static const char *const fixed[] = {
	        "127.0.0.1",
	        "::1",
	        "localhost",
	        "kubernetes",
	        "kubernetes.default",
	        "kubernetes.default.svc",
	        "kubernetes.default.svc.cluster.local",
	};
	const char *range = options && options->service_cluster_ip_range
	                            ? options->service_cluster_ip_range
	                            : "10.96.0.0/16";
	char service[INET6_ADDRSTRLEN];
	int r = first_service_address(range, service, sizeof(service), err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < KT_ARRAY_SIZE(fixed); i++)
		kt_vec_push(list, kt_strdup(fixed[i]));
	kt_vec_push(list, kt_strdup(service));
	if (options && options->advertise_address)
		kt_vec_push(list, kt_strdup(options->advertise_address));
	for (size_t i = 0; options && options->names && options->names[i]; i++)
		kt_vec_push(list, kt_strdup(options->names[i]));
	return 0;
}

static int add_server_name(gnutls_x509_crt_t crt, const char *name)
{
	unsigned char bytes[16];

	if (inet_pton(AF_INET, name, bytes) == 1)
		return gnutls_x509_crt_set_subject_alt_name(
		        crt, GNUTLS_SAN_IPADDRESS, bytes, 4, GNUTLS_FSAN_APPEND);
	if (inet_pton(AF_INET6, name, bytes) == 1)
		return gnutls_x509_crt_set_subject_alt_name(
		        crt, GNUTLS_SAN_IPADDRESS, bytes, 16, GNUTLS_FSAN_APPEND);
	return gnutls_x509_crt_set_subject_alt_name(
	        crt, GNUTLS_SAN_DNSNAME, name, (unsigned)strlen(name), GNUTLS_FSAN_APPEND);
}

static int make_server(struct kt_pki *pki, const names *list, struct kt_err *err)
{
	auto_crt crt = NULL;
	auto_key key = NULL;
	int r = make_key(&key, err);

	if (r >= 0)
		r = begin_crt(&crt, key, LEAF_DAYS, err);
	if (r < 0)
		return r;
	r = set_name(crt, GNUTLS_OID_X520_COMMON_NAME, "kube-apiserver");
	for (size_t i = 0; i < list->n && r >= 0; i++)
		r = add_server_name(crt, list->items[i]);
	if (r < 0)
		return tls_fail(err, "names of the server certificate", r);
	return sign_leaf(pki, crt, key, GNUTLS_KP_TLS_WWW_SERVER, &pki->pem[KT_PKI_SERVER_CERT],
	        &pki->pem[KT_PKI_SERVER_KEY], err);
}

static gnutls_datum_t datum(const char *text)
{
	return (gnutls_datum_t){(unsigned char *)(uintptr_t)text, (unsigned)strlen(text)};
}

static int import_crt(const char *pem, gnutls_x509_crt_t *ret_crt)
{
	auto_crt crt = NULL;
	gnutls_datum_t data = datum(pem);

	if (gnutls_x509_crt_init(&crt) < 0 ||
	        gnutls_x509_crt_import(crt, &data, GNUTLS_X509_FMT_PEM) < 0)
		return -EINVAL;
	*ret_crt = kt_steal(&crt);
	return 0;
}

static int import_key(const char *pem, gnutls_x509_privkey_t *ret_key)
{
	auto_key key = NULL;
	gnutls_datum_t data = datum(pem);

	if (gnutls_x509_privkey_init(&key) < 0 ||
	        gnutls_x509_privkey_import(key, &data, GNUTLS_X509_FMT_PEM) < 0)
		return -EINVAL;
	*ret_key = kt_steal(&key);
	return 0;
}

/* A leaf on the disk is still good: ours, its key fits and is written as we write keys, far from
 * its end, and with all names. */
static bool leaf_is_good(
        const struct kt_pki *pki, const char *cert_text, const char *key_text, const names *list)
{
	auto_crt crt = NULL;
	auto_key key = NULL;
	unsigned char a[64], b[64];
	size_t a_len = sizeof(a), b_len = sizeof(b);
	kt_auto_free char *written = NULL;
	unsigned status = 0;

	if (!cert_text || !key_text || import_crt(cert_text, &crt) < 0 ||
	        import_key(key_text, &key) < 0)
		return false;
	if (gnutls_x509_crt_verify(crt, &pki->ca_crt, 1, 0, &status) < 0 || status)
		return false;
	if (gnutls_x509_crt_get_key_id(crt, 0, a, &a_len) < 0 ||
	        gnutls_x509_privkey_get_key_id(key, 0, b, &b_len) < 0 || a_len != b_len ||
	        memcmp(a, b, a_len))
		return false;
	if (gnutls_x509_crt_get_expiration_time(crt) < time(NULL) + (time_t)RENEW_DAYS * DAY_S)
		return false;
	if (key_pem(key, &written, NULL) < 0 || !kt_streq(written, key_text))
		return false;
	for (size_t i = 0; list && i < list->n; i++)
		if (!gnutls_x509_crt_check_hostname2(crt, list->items[i], 0))
			return false;
	return true;
}

static char *read_text(const char *dir, const char *name)
{
	kt_auto_free char *path = kt_path_join(dir, name);
	kt_auto_str text = KT_STR_INIT;

	if (kt_read_file(path, FILE_BYTES_MAX, &text, NULL) < 0)
		return NULL;
	return kt_str_steal(&text);
}

/* Without a sync: what is lost in a crash is made again from authority.pem. */
static int write_text(const char *path, const char *text, struct kt_err *err)
{
	kt_auto_free char *temporary = kt_asprintf("%s.new", path);
	kt_auto_close int fd =
	        open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int r;

	if (fd < 0)
		return kt_fail(err, errno, "%s: %s", temporary, strerror(errno));
	r = kt_write_all(fd, text, strlen(text), err);
	if (r < 0)
		return kt_wrap(err, "%s", temporary);
	if (rename(temporary, path) < 0)
		return kt_fail(err, errno, "%s: %s", path, strerror(errno));
	return 0;
}

/* The n-th block of one kind of a PEM file, or NULL. */
static char *pem_block(const char *text, const char *kind, int n)
{
	kt_auto_free char *begin = kt_asprintf("-----BEGIN %s-----", kind),
	                  *end = kt_asprintf("-----END %s-----\n", kind);
	const char *p = text, *q;

	for (; (p = strstr(p, begin)); p++)
		if (n-- == 0)
			return (q = strstr(p, end)) ? kt_strndup(p, (size_t)(q - p) + strlen(end))
			                            : NULL;
	return NULL;
}

static int load_authority(
        struct kt_pki *pki, const char *text, const char *path, struct kt_err *err)
{
	kt_auto_free char *ca_key = pem_block(text, "PRIVATE KEY", 0);
	auto_key token = NULL;

	pki->pem[KT_PKI_CA_CERT] = pem_block(text, "CERTIFICATE", 0);
	pki->pem[KT_PKI_TOKEN_KEY] = pem_block(text, "PRIVATE KEY", 1);
	if (!ca_key || !pki->pem[KT_PKI_CA_CERT] || !pki->pem[KT_PKI_TOKEN_KEY] ||
	        import_key(ca_key, &pki->ca_key) < 0 ||
	        import_crt(pki->pem[KT_PKI_CA_CERT], &pki->ca_crt) < 0 ||
	        import_key(pki->pem[KT_PKI_TOKEN_KEY], &token) < 0)
		return kt_fail(err, EINVAL,
		        "%s does not hold a CA certificate, its key and a token key", path);
	return public_pem(token, &pki->pem[KT_PKI_TOKEN_PUBLIC], err);
}

static int make_authority(struct kt_pki *pki, const char *path, struct kt_err *err)
{
	kt_auto_free char *ca_key = NULL;
	kt_auto_str text = KT_STR_INIT;
	auto_key token = NULL;
	int r = make_ca(pki, err);

	if (r >= 0)
		r = make_key(&token, err);
	if (r >= 0)
		r = key_pem(pki->ca_key, &ca_key, err);
	if (r >= 0)
		r = key_pem(token, &pki->pem[KT_PKI_TOKEN_KEY], err);
	if (r >= 0)
		r = public_pem(token, &pki->pem[KT_PKI_TOKEN_PUBLIC], err);
	if (r < 0 || !path)
		return r;
	kt_str_printf(
	        &text, "%s%s%s", pki->pem[KT_PKI_CA_CERT], ca_key, pki->pem[KT_PKI_TOKEN_KEY]);
	return kt_write_file(path, (struct kt_sv){text.data, text.len}, 0600, err);
}

static int open_dir(struct kt_pki *pki, const char *dir, struct kt_err *err)
{
	struct stat st;
	int r = kt_make_dirs(dir, 0700, err);

	if (r < 0)
		return r;
	if (stat(dir, &st) < 0)
		return kt_fail(err, errno, "%s: %s", dir, strerror(errno));
	if (st.st_uid != geteuid() || (st.st_mode & 077))
		return kt_fail(err, EPERM,
		        "%s holds private keys and must be yours alone (mode 0700)", dir);
	pki->dir = kt_strdup(dir);
	for (int i = 0; i < KT_PKI_N_ITEMS; i++)
		if (file_names[i])
			pki->file[i] = kt_path_join(dir, file_names[i]);
	return 0;
}

static int open_authority(struct kt_pki *pki, struct kt_err *err)
{
	kt_auto_free char *path = pki->dir ? kt_path_join(pki->dir, "authority.pem") : NULL;
	kt_auto_str text = KT_STR_INIT;
	kt_auto_err why = KT_ERR_INIT;
	int r = path ? kt_read_file(path, FILE_BYTES_MAX, &text, &why) : -ENOENT;

	if (r >= 0)
		return load_authority(pki, kt_str_text(&text), path, err);
	if (r != -ENOENT)
		return kt_err_move(err, &why);
	return make_authority(pki, path, err);
}

static int open_leaves(struct kt_pki *pki, const struct kt_pki_options *options, struct kt_err *err)
{
	static const char *const masters[] = {"system:masters", NULL};
	__attribute__((cleanup(names_finish))) names list = {0};
	int r = server_names(options, &list, err);

	if (r < 0)
		return r;
	for (int i = KT_PKI_SERVER_CERT; pki->dir && i <= KT_PKI_ADMIN_KEY; i++)
		pki->pem[i] = read_text(pki->dir, file_names[i]);
	if (!leaf_is_good(pki, pki->pem[KT_PKI_SERVER_CERT], pki->pem[KT_PKI_SERVER_KEY], &list)) {
		free(kt_steal(&pki->pem[KT_PKI_SERVER_CERT]));
		free(kt_steal(&pki->pem[KT_PKI_SERVER_KEY]));
		r = make_server(pki, &list, err);
	}
	if (r >= 0 &&
	        !leaf_is_good(pki, pki->pem[KT_PKI_ADMIN_CERT], pki->pem[KT_PKI_ADMIN_KEY], NULL)) {
		free(kt_steal(&pki->pem[KT_PKI_ADMIN_CERT]));
		free(kt_steal(&pki->pem[KT_PKI_ADMIN_KEY]));
		r = kt_pki_issue_client(pki, "kubernetes-admin", masters,
		        &pki->pem[KT_PKI_ADMIN_CERT], &pki->pem[KT_PKI_ADMIN_KEY], err);
	}
	return r;
}

/* Files that differ from what is in memory are written. */
static int write_files(const struct kt_pki *pki, struct kt_err *err)
{
	for (int i = 0; pki->dir && i < KT_PKI_N_ITEMS; i++) {
		kt_auto_free char *there =
		        file_names[i] ? read_text(pki->dir, file_names[i]) : NULL;
		int r;

		if (!file_names[i] || kt_streq(there, pki->pem[i]))
			continue;
		r = write_text(pki->file[i], pki->pem[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

int kt_pki_open(const char *dir, const struct kt_pki_options *options, struct kt_pki **ret_pki,
        struct kt_err *err)
{
	struct kt_pki *pki = kt_new(struct kt_pki);
	int r = dir ? open_dir(pki, dir, err) : 0;

	if (r >= 0)
		r = open_authority(pki, err);
	if (r >= 0)
		r = open_leaves(pki, options, err);
	if (r >= 0)
		r = write_files(pki, err);
	if (r < 0) {
		kt_pki_close(pki);
		return r;
	}
	*ret_pki = pki;
	return 0;
}

void kt_pki_close(struct kt_pki *pki)
{
	if (!pki)
		return;
	for (int i = 0; i < KT_PKI_N_ITEMS; i++) {
		free(pki->pem[i]);
		free(pki->file[i]);
	}
	free_key(&pki->ca_key);
	free_crt(&pki->ca_crt);
	free(pki->dir);
	free(pki);
}

const char *kt_pki_pem(const struct kt_pki *pki, enum kt_pki_item item)
{
	return pki->pem[item];
}

const char *kt_pki_file(const struct kt_pki *pki, enum kt_pki_item item)
{
	return pki->file[item];
}
