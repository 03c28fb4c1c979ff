/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Signs certificate requests as the signers of the control plane do. */
#include "api/server/pki_internal.h"

#include "base/mem.h"
#include "base/str.h"

#include <errno.h>

#define DURATION_MIN_S 600
#define DURATION_MAX_S (INT64_C(365) * 86400) /* cluster-signing-duration */
#define SAN_OID "2.5.29.17"
#define VALUE_MAX 300

static const struct {
	const char *name;
	unsigned key_usage;  /* bit of the key usage extension */
	const char *purpose; /* or an extended one */
} usages[] = {
        {"signing", GNUTLS_KEY_DIGITAL_SIGNATURE, NULL},
        {"digital signature", GNUTLS_KEY_DIGITAL_SIGNATURE, NULL},
        {"content commitment", GNUTLS_KEY_NON_REPUDIATION, NULL},
        {"key encipherment", GNUTLS_KEY_KEY_ENCIPHERMENT, NULL},
        {"key agreement", GNUTLS_KEY_KEY_AGREEMENT, NULL},
        {"data encipherment", GNUTLS_KEY_DATA_ENCIPHERMENT, NULL},
        {"cert sign", GNUTLS_KEY_KEY_CERT_SIGN, NULL},
        {"crl sign", GNUTLS_KEY_CRL_SIGN, NULL},
        {"encipher only", GNUTLS_KEY_ENCIPHER_ONLY, NULL},
        {"decipher only", GNUTLS_KEY_DECIPHER_ONLY, NULL},
        {"any", 0, GNUTLS_KP_ANY},
        {"server auth", 0, GNUTLS_KP_TLS_WWW_SERVER},
        {"client auth", 0, GNUTLS_KP_TLS_WWW_CLIENT},
        {"code signing", 0, GNUTLS_KP_CODE_SIGNING},
        {"email protection", 0, GNUTLS_KP_EMAIL_PROTECTION},
        {"s/mime", 0, GNUTLS_KP_EMAIL_PROTECTION},
        {"ipsec end system", 0, "1.3.6.1.5.5.7.3.5"},
        {"ipsec tunnel", 0, "1.3.6.1.5.5.7.3.6"},
        {"ipsec user", 0, "1.3.6.1.5.5.7.3.7"},
        {"timestamping", 0, GNUTLS_KP_TIME_STAMPING},
        {"ocsp signing", 0, GNUTLS_KP_OCSP_SIGNING},
        {"microsoft sgc", 0, "1.3.6.1.4.1.311.10.3.3"},
        {"netscape sgc", 0, "2.16.840.1.113730.4.1"},
};

static void free_crq(gnutls_x509_crq_t *crq)
{
	if (*crq)
		gnutls_x509_crq_deinit(*crq);
}

static void free_crt(gnutls_x509_crt_t *crt)
{
	if (*crt)
		gnutls_x509_crt_deinit(*crt);
}

static bool has_usage(const struct kt_pki_request *request, const char *name)
{
	for (const char *const *usage = request->usages; usage && *usage; usage++)
		if (strcmp(*usage, name) == 0)
			return true;
	return false;
}

/* For every client of the API server; kubelets have to say more. */
static int check_client(const struct kt_pki_request *request, struct kt_err *err)
{
	for (const char *const *usage = request->usages; usage && *usage; usage++)
		if (strcmp(*usage, "digital signature") != 0 &&
		        strcmp(*usage, "key encipherment") != 0 &&
		        strcmp(*usage, "client auth") != 0)
			return kt_fail(
			        err, EINVAL, "invalid usage for client certificate: %s", *usage);
	if (!has_usage(request, "client auth"))
		return kt_fail(
		        err, EINVAL, "missing required usage for client certificate: client auth");
	return 0;
}

/* Exactly `purpose` and "digital signature", maybe with "key encipherment". */
static int check_kubelet_usages(
        const struct kt_pki_request *request, const char *purpose, struct kt_err *err)
{
	bool good = has_usage(request, purpose) && has_usage(request, "digital signature");

	for (const char *const *usage = request->usages; usage && *usage; usage++)
		good = good &&
		       (strcmp(*usage, purpose) == 0 || strcmp(*usage, "digital signature") == 0 ||
		               strcmp(*usage, "key encipherment") == 0);
	return good ? 0
	            : kt_fail(err, EINVAL, "usages did not match [digital signature %s]", purpose);
}

static int check_node_subject(gnutls_x509_crq_t crq, struct kt_err *err)
{
	char value[VALUE_MAX];
	size_t size = sizeof(value);

	if (gnutls_x509_crq_get_dn_by_oid(
	            crq, GNUTLS_OID_X520_ORGANIZATION_NAME, 0, 0, value, &size) < 0 ||
	        strcmp(value, "system:nodes") != 0)
		return kt_fail(err, EINVAL, "subject organization is not system:nodes");
	size = sizeof(value);
	if (gnutls_x509_crq_get_dn_by_oid(
	            crq, GNUTLS_OID_X520_ORGANIZATION_NAME, 1, 0, value, &size) >= 0)
		return kt_fail(err, EINVAL, "subject organization is not system:nodes");
	size = sizeof(value);
	if (gnutls_x509_crq_get_dn_by_oid(crq, GNUTLS_OID_X520_COMMON_NAME, 0, 0, value, &size) <
	                0 ||
	        strncmp(value, "system:node:", 12) != 0)
		return kt_fail(err, EINVAL, "subject common name does not begin with system:node:");
	return 0;
}

static int check_names(gnutls_x509_crq_t crq, bool serving, struct kt_err *err)
{
	bool any = false;

	for (unsigned i = 0;; i++) {
		char value[VALUE_MAX];
		size_t size = sizeof(value);
		unsigned critical;
		int type =
		        gnutls_x509_crq_get_subject_alt_name(crq, i, value, &size, NULL, &critical);

		if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			break;
		if (type < 0)
			return kt_fail(
			        err, EINVAL, "reading subjectAltName: %s", gnutls_strerror(type));
		if (type == GNUTLS_SAN_RFC822NAME)
			return kt_fail(err, EINVAL, "Email subjectAltNames are not allowed");
		if (type == GNUTLS_SAN_URI)
			return kt_fail(err, EINVAL, "URI subjectAltNames are not allowed");
		if (!serving)
			return kt_fail(err, EINVAL, "%s subjectAltNames are not allowed",
			        type == GNUTLS_SAN_DNSNAME ? "DNS" : "IP");
		any = true;
	}
	return any || !serving ? 0 : kt_fail(err, EINVAL, "DNS or IP subjectAltName is required");
}

static int check_request(
        gnutls_x509_crq_t crq, const struct kt_pki_request *request, struct kt_err *err)
{
	bool serving = strcmp(request->signer, KT_SIGNER_KUBELET_SERVING) == 0;
	int r;

	if (strcmp(request->signer, KT_SIGNER_CLIENT) == 0)
		return check_client(request, err);
	if (!serving && strcmp(request->signer, KT_SIGNER_KUBELET_CLIENT) != 0)
		return 0; /* legacy-unknown */
	r = check_node_subject(crq, err);
	if (r >= 0)
		r = check_names(crq, serving, err);
	if (r >= 0)
		r = check_kubelet_usages(request, serving ? "server auth" : "client auth", err);
	return r;
}

static int set_usages(gnutls_x509_crt_t crt, const struct kt_pki_request *request)
{
	unsigned bits = 0;
	int r = 0;

	for (size_t i = 0; i < KT_ARRAY_SIZE(usages) && r >= 0; i++) {
		if (!has_usage(request, usages[i].name))
			continue;
		bits |= usages[i].key_usage;
		if (usages[i].purpose)
			r = gnutls_x509_crt_set_key_purpose_oid(crt, usages[i].purpose, 0);
	}
	return r >= 0 && bits ? gnutls_x509_crt_set_key_usage(crt, bits) : r;
}

static bool has_names(gnutls_x509_crq_t crq)
{
	char value[VALUE_MAX];
	size_t size = sizeof(value);

	return gnutls_x509_crq_get_subject_alt_name(crq, 0, value, &size, NULL, NULL) !=
	       GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE;
}

static int fill(const struct kt_pki *pki, gnutls_x509_crt_t crt, gnutls_x509_crq_t crq,
        const struct kt_pki_request *request)
{
	int64_t seconds = request->expiration_s > 0 ? request->expiration_s : DURATION_MAX_S;
	unsigned char id[20];
	size_t id_len = sizeof(id);
	int r = pki_date(pki, crt, KT_MAX(KT_MIN(seconds, DURATION_MAX_S), DURATION_MIN_S));

	if (r >= 0)
		r = gnutls_x509_crt_set_crq(crt, crq);
	if (r >= 0 && has_names(crq))
		r = gnutls_x509_crt_set_crq_extension_by_oid(crt, crq, SAN_OID, 0);
	if (r >= 0)
		r = gnutls_x509_crt_get_key_id(crt, 0, id, &id_len);
	if (r >= 0)
		r = gnutls_x509_crt_set_subject_key_id(crt, id, id_len);
	return r >= 0 ? set_usages(crt, request) : r;
}

/* Read and found to hold what its signer demands. */
static int read_request(
        const struct kt_pki_request *request, gnutls_x509_crq_t *ret_crq, struct kt_err *err)
{
	__attribute__((cleanup(free_crq))) gnutls_x509_crq_t crq = NULL;
	gnutls_datum_t text = {
	        (unsigned char *)(uintptr_t)request->pem, (unsigned)strlen(request->pem)};
	int r = gnutls_x509_crq_init(&crq);

	if (r >= 0)
		r = gnutls_x509_crq_import(crq, &text, GNUTLS_X509_FMT_PEM);
	if (r >= 0)
		r = gnutls_x509_crq_verify(crq, 0);
	if (r < 0)
		return kt_fail(err, EINVAL, "unable to parse csr \"%s\": %s", request->name,
		        gnutls_strerror(r));
	r = check_request(crq, request, err);
	if (r >= 0)
		*ret_crq = kt_steal(&crq);
	return r;
}

int kt_pki_check_request(
        const struct kt_pki_request *request, char **ret_common_name, struct kt_err *err)
{
	__attribute__((cleanup(free_crq))) gnutls_x509_crq_t crq = NULL;
	char value[VALUE_MAX];
	size_t size = sizeof(value);
	int r = read_request(request, &crq, err);

	if (r < 0)
		return r;
	r = gnutls_x509_crq_get_dn_by_oid(crq, GNUTLS_OID_X520_COMMON_NAME, 0, 0, value, &size);
	if (r < 0)
		return kt_fail(err, EINVAL, "reading the subject of \"%s\": %s", request->name,
		        gnutls_strerror(r));
	*ret_common_name = kt_strdup(value);
	return 0;
}

int kt_pki_sign_request(const struct kt_pki *pki, const struct kt_pki_request *request,
        char **ret_cert_pem, struct kt_err *err)
{
	__attribute__((cleanup(free_crq))) gnutls_x509_crq_t crq = NULL;
	__attribute__((cleanup(free_crt))) gnutls_x509_crt_t crt = NULL;
	int r = read_request(request, &crq, err);

	if (r < 0)
		return r;
	r = gnutls_x509_crt_init(&crt);
	if (r >= 0)
		r = fill(pki, crt, crq, request);
	if (r < 0)
		return kt_fail(err, EIO, "signing \"%s\": %s", request->name, gnutls_strerror(r));
	r = pki_sign(pki, crt, err);
	return r < 0 ? r : pki_crt_pem(crt, ret_cert_pem, err);
}
