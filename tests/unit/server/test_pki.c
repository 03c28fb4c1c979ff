/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/pki.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "support/support.h"

#include <errno.h>
#include <gnutls/x509.h>
#include <sys/stat.h>
#include <time.h>

static gnutls_x509_crt_t import(const char *pem)
{
	gnutls_x509_crt_t crt;
	gnutls_datum_t data = {(unsigned char *)(uintptr_t)pem, (unsigned)strlen(pem)};

	assert_int_equal(gnutls_x509_crt_init(&crt), 0);
	assert_int_equal(gnutls_x509_crt_import(crt, &data, GNUTLS_X509_FMT_PEM), 0);
	return crt;
}

static void test_certificates(void **state)
{
	static const char *const names[] = {
	        "127.0.0.1",
	        "::1",
	        "localhost",
	        "kubernetes.default.svc",
	        "10.96.0.1",
	        "192.0.2.7",
	        "cluster.example",
	};
	static const char *const more[] = {"cluster.example", NULL};
	struct kt_pki_options options = {.advertise_address = "192.0.2.7", .names = more};
	struct kt_pki *pki = NULL;
	gnutls_x509_crt_t ca, server, admin;
	unsigned status = 1;
	char text[64];
	size_t len = sizeof(text);

	(void)state;
	assert_int_equal(kt_pki_open(NULL, &options, &pki, NULL), 0);
	ca = import(kt_pki_pem(pki, KT_PKI_CA_CERT));
	server = import(kt_pki_pem(pki, KT_PKI_SERVER_CERT));
	admin = import(kt_pki_pem(pki, KT_PKI_ADMIN_CERT));
	assert_int_equal(gnutls_x509_crt_verify(server, &ca, 1, 0, &status), 0);
	assert_int_equal(status, 0);
	assert_int_equal(gnutls_x509_crt_verify(admin, &ca, 1, 0, &status), 0);
	assert_int_equal(status, 0);
	for (size_t i = 0; i < KT_ARRAY_SIZE(names); i++)
		assert_true(gnutls_x509_crt_check_hostname(server, names[i]));
	assert_false(gnutls_x509_crt_check_hostname(server, "evil.example"));
	assert_int_equal(
	        gnutls_x509_crt_get_dn_by_oid(admin, GNUTLS_OID_X520_COMMON_NAME, 0, 0, text, &len),
	        0);
	assert_string_equal(text, "kubernetes-admin");
	len = sizeof(text);
	assert_int_equal(gnutls_x509_crt_get_dn_by_oid(
	                         admin, GNUTLS_OID_X520_ORGANIZATION_NAME, 0, 0, text, &len),
	        0);
	assert_string_equal(text, "system:masters");
	gnutls_x509_crt_deinit(ca);
	gnutls_x509_crt_deinit(server);
	gnutls_x509_crt_deinit(admin);
	kt_pki_close(pki);
}

/* What was made once stays; what is lost or no longer fits is made anew under the same CA. */
static void test_folder(void **state)
{
	char *dir = kt_test_make_dir();
	kt_auto_free char *sub = kt_path_join(dir, "pki"), *ca = NULL, *server = NULL,
	                  *token = NULL, *admin = NULL;
	struct kt_pki_options other = {.service_cluster_ip_range = "fd00::/108"};
	struct kt_pki *pki = NULL;
	struct stat st;

	(void)state;
	assert_int_equal(kt_pki_open(sub, NULL, &pki, NULL), 0);
	ca = kt_strdup(kt_pki_pem(pki, KT_PKI_CA_CERT));
	server = kt_strdup(kt_pki_pem(pki, KT_PKI_SERVER_CERT));
	admin = kt_strdup(kt_pki_pem(pki, KT_PKI_ADMIN_CERT));
	token = kt_strdup(kt_pki_pem(pki, KT_PKI_TOKEN_KEY));
	assert_int_equal(stat(sub, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(stat(kt_pki_file(pki, KT_PKI_SERVER_KEY), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_null(kt_pki_file(pki, KT_PKI_TOKEN_KEY));
	assert_int_equal(remove(kt_pki_file(pki, KT_PKI_ADMIN_KEY)), 0);
	kt_pki_close(pki);

	assert_int_equal(kt_pki_open(sub, NULL, &pki, NULL), 0);
	assert_string_equal(ca, kt_pki_pem(pki, KT_PKI_CA_CERT));
	assert_string_equal(token, kt_pki_pem(pki, KT_PKI_TOKEN_KEY));
	assert_string_equal(server, kt_pki_pem(pki, KT_PKI_SERVER_CERT));
	assert_string_not_equal(admin, kt_pki_pem(pki, KT_PKI_ADMIN_CERT));
	assert_int_equal(stat(kt_pki_file(pki, KT_PKI_ADMIN_KEY), &st), 0);
	kt_pki_close(pki);

	assert_int_equal(kt_pki_open(sub, &other, &pki, NULL), 0);
	assert_string_not_equal(server, kt_pki_pem(pki, KT_PKI_SERVER_CERT));
	assert_string_equal(ca, kt_pki_pem(pki, KT_PKI_CA_CERT));
	kt_pki_close(pki);
	kt_test_remove_dir(dir);
}

static void test_open_folder_is_refused(void **state)
{
	char *dir = kt_test_make_dir();
	kt_auto_err err = KT_ERR_INIT;
	struct kt_pki *pki = NULL;

	(void)state;
	assert_int_equal(chmod(dir, 0755), 0);
	assert_int_equal(kt_pki_open(dir, NULL, &pki, &err), -EPERM);
	assert_null(pki);
	kt_test_remove_dir(dir);
}

static void test_broken_authority_is_told(void **state)
{
	char *dir = kt_test_make_dir();
	kt_auto_free char *path = kt_path_join(dir, "authority.pem");
	kt_auto_err err = KT_ERR_INIT;
	struct kt_pki *pki = NULL;

	(void)state;
	assert_int_equal(chmod(dir, 0700), 0);
	assert_int_equal(kt_write_file(path, KT_SV("nothing\n"), 0600, NULL), 0);
	assert_int_equal(kt_pki_open(dir, NULL, &pki, &err), -EINVAL);
	assert_non_null(strstr(kt_err_message(&err), "authority.pem"));
	kt_test_remove_dir(dir);
}

/* A request for this common name and organization, with a DNS name unless NULL; heap. */
static char *make_request(const char *cn, const char *organization, const char *dns)
{
	gnutls_x509_privkey_t key;
	gnutls_x509_crq_t crq;
	gnutls_datum_t out;
	char *text;

	assert_int_equal(gnutls_x509_privkey_init(&key), 0);
	assert_int_equal(gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
	                         GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
	        0);
	assert_int_equal(gnutls_x509_crq_init(&crq), 0);
	assert_int_equal(gnutls_x509_crq_set_key(crq, key), 0);
	assert_int_equal(gnutls_x509_crq_set_dn_by_oid(
	                         crq, GNUTLS_OID_X520_COMMON_NAME, 0, cn, (unsigned)strlen(cn)),
	        0);
	assert_int_equal(gnutls_x509_crq_set_dn_by_oid(crq, GNUTLS_OID_X520_ORGANIZATION_NAME, 0,
	                         organization, (unsigned)strlen(organization)),
	        0);
	if (dns)
		assert_int_equal(gnutls_x509_crq_set_subject_alt_name(crq, GNUTLS_SAN_DNSNAME, dns,
		                         (unsigned)strlen(dns), GNUTLS_FSAN_SET),
		        0);
	assert_int_equal(gnutls_x509_crq_sign2(crq, key, GNUTLS_DIG_SHA256, 0), 0);
	assert_int_equal(gnutls_x509_crq_export2(crq, GNUTLS_X509_FMT_PEM, &out), 0);
	text = kt_strdup((char *)out.data);
	gnutls_free(out.data);
	gnutls_x509_crq_deinit(crq);
	gnutls_x509_privkey_deinit(key);
	return text;
}

static void test_signing(void **state)
{
	static const char *const usages[] = {"digital signature", "server auth", NULL};
	kt_auto_free char *pem = make_request("system:node:a", "system:nodes", "a.example"),
	                  *cert = NULL, *name = NULL;
	struct kt_pki_request request = {.name = "r",
	        .pem = pem,
	        .signer = KT_SIGNER_KUBELET_SERVING,
	        .usages = usages,
	        .expiration_s = 3600};
	struct kt_pki *pki = NULL;
	gnutls_x509_crt_t ca, crt;
	unsigned status = 1, usage = 0;
	char text[64];
	size_t len = sizeof(text);

	(void)state;
	assert_int_equal(kt_pki_open(NULL, &(struct kt_pki_options){0}, &pki, NULL), 0);
	assert_int_equal(kt_pki_check_request(&request, &name, NULL), 0);
	assert_string_equal(name, "system:node:a");
	assert_int_equal(kt_pki_sign_request(pki, &request, &cert, NULL), 0);
	ca = import(kt_pki_pem(pki, KT_PKI_CA_CERT));
	crt = import(cert);
	assert_int_equal(gnutls_x509_crt_verify(crt, &ca, 1, 0, &status), 0);
	assert_int_equal(status, 0);
	assert_true(gnutls_x509_crt_check_hostname(crt, "a.example"));
	assert_int_equal(
	        gnutls_x509_crt_get_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, 0, text, &len),
	        0);
	assert_string_equal(text, "system:node:a");
	len = sizeof(text);
	assert_int_equal(gnutls_x509_crt_get_key_purpose_oid(crt, 0, text, &len, NULL), 0);
	assert_string_equal(text, GNUTLS_KP_TLS_WWW_SERVER);
	assert_int_equal(gnutls_x509_crt_get_key_usage(crt, &usage, NULL), 0);
	assert_int_equal(usage, GNUTLS_KEY_DIGITAL_SIGNATURE);
	assert_in_range(
	        gnutls_x509_crt_get_expiration_time(crt), time(NULL) + 3500, time(NULL) + 3600);
	assert_in_range(
	        gnutls_x509_crt_get_activation_time(crt), time(NULL) - 310, time(NULL) - 300);
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_crt_deinit(ca);
	kt_pki_close(pki);
}

static void assert_refused(
        const struct kt_pki *pki, const struct kt_pki_request *request, const char *message)
{
	kt_auto_free char *cert = NULL, *name = NULL;
	kt_auto_err err = KT_ERR_INIT, same = KT_ERR_INIT;

	assert_int_equal(kt_pki_sign_request(pki, request, &cert, &err), -EINVAL);
	assert_string_equal(kt_err_message(&err), message);
	assert_int_equal(kt_pki_check_request(request, &name, &same), -EINVAL);
	assert_string_equal(kt_err_message(&same), message);
	assert_null(name);
}

static void test_signing_refuses(void **state)
{
	static const char *const server[] = {"digital signature", "server auth", NULL};
	static const char *const client[] = {"client auth", NULL};
	kt_auto_free char *person = make_request("jane", "people", NULL),
	                  *nameless = make_request("system:node:a", "system:nodes", NULL);
	struct kt_pki_request request = {.name = "r", .pem = person, .usages = server};
	struct kt_pki *pki = NULL;

	(void)state;
	assert_int_equal(kt_pki_open(NULL, &(struct kt_pki_options){0}, &pki, NULL), 0);
	request.signer = KT_SIGNER_CLIENT;
	assert_refused(pki, &request, "invalid usage for client certificate: server auth");
	request.signer = KT_SIGNER_KUBELET_SERVING;
	assert_refused(pki, &request, "subject organization is not system:nodes");
	request.pem = nameless;
	assert_refused(pki, &request, "DNS or IP subjectAltName is required");
	request.signer = KT_SIGNER_KUBELET_CLIENT;
	request.usages = client;
	assert_refused(pki, &request, "usages did not match [digital signature client auth]");
	kt_pki_close(pki);
}

/* RFC 5915: as many octets as the curve's order has, however small or large the number. */
static void test_keys_have_their_full_width(void **state)
{
	static const unsigned char start[] = {0x02, 0x01, 0x01, 0x04, 0x20};

	(void)state;
	for (int i = 0; i < 20; i++) { /* half of all keys have the first bit set */
		kt_auto_free char *cert = NULL, *key = NULL;
		struct kt_pki *pki = NULL;
		gnutls_datum_t text, der;
		gnutls_x509_privkey_t read;

		assert_int_equal(kt_pki_open(NULL, NULL, &pki, NULL), 0);
		assert_int_equal(kt_pki_issue_client(pki, "ann", NULL, &cert, &key, NULL), 0);
		text = (gnutls_datum_t){(unsigned char *)key, (unsigned)strlen(key)};
		assert_int_equal(gnutls_pem_base64_decode2("PRIVATE KEY", &text, &der), 0);
		assert_int_equal(der.size, 138);
		assert_memory_equal(der.data + 31, start, sizeof(start));
		gnutls_free(der.data);
		assert_int_equal(gnutls_x509_privkey_init(&read), 0);
		assert_int_equal(gnutls_x509_privkey_import(read, &text, GNUTLS_X509_FMT_PEM), 0);
		assert_int_equal(gnutls_x509_privkey_verify_params(read), 0);
		gnutls_x509_privkey_deinit(read);
		kt_pki_close(pki);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_certificates),
	        cmocka_unit_test(test_keys_have_their_full_width),
	        cmocka_unit_test(test_signing),
	        cmocka_unit_test(test_signing_refuses),
	        cmocka_unit_test(test_folder),
	        cmocka_unit_test(test_open_folder_is_refused),
	        cmocka_unit_test(test_broken_authority_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
