/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who may approve and sign certificate requests, and whom nobody may become by asking. */
#include "api/server/admission/plugins.h"
#include "api/server/auth/authorize.h"
#include "api/server/rules/check.h"
#include "api/server/server_impl.h"

#include <gnutls/x509.h>

static bool may(struct kt_admission_context *a, const char *verb, const char *signer)
{
	struct kt_server *server = a->rules->server;
	if (!server || !server->authorizer)
		return true;
	const char *slash = strchr(signer, '/');
	const char *domain =
	        slash ? kt_arena_printf(a->rules->arena, "%.*s/*", (int)(slash - signer), signer)
	              : signer;
	const char *const names[] = {signer, domain};
	for (size_t i = 0; i < 2; i++) {
		struct kt_attributes attributes = {
		        .user = a->user,
		        .verb = verb,
		        .group = "certificates.k8s.io",
		        .version = "*",
		        .resource = "signers",
		        .name = names[i],
		};
		kt_auto_free char *reason = NULL;
		if (kt_authorize(server->authorizer, &attributes, &reason))
			return true;
	}
	return false;
}

static int validate_approval(
        struct kt_admission_context *a, const json_t *object, const json_t *old)
{
	(void)object;
	if (a->operation != KT_ADMIT_UPDATE || !kt_admission_is(a, "certificates.k8s.io",
	                                               "certificatesigningrequests", "approval"))
		return 0;
	const char *signer = kt_text_of(json_object_get(old, "spec"), "signerName");
	return may(a, "approve", signer)
	               ? 0
	               : kt_admission_forbid(a,
	                         "user not permitted to approve requests with signerName \"%s\"",
	                         signer);
}

static int validate_signing(struct kt_admission_context *a, const json_t *object, const json_t *old)
{
	if (a->operation != KT_ADMIT_UPDATE ||
	        !kt_admission_is(a, "certificates.k8s.io", "certificatesigningrequests", "status"))
		return 0;
	if (kt_same(kt_jget(object, "status.certificate"), kt_jget(old, "status.certificate")))
		return 0;
	const char *signer = kt_text_of(json_object_get(old, "spec"), "signerName");
	return may(a, "sign", signer)
	               ? 0
	               : kt_admission_forbid(a,
	                         "user not permitted to sign requests with signerName \"%s\"",
	                         signer);
}

/* Is one of the request's organizations system:masters? Those would be above RBAC for ever. */
static bool asks_for_masters(const char *base64)
{
	kt_auto_str pem = KT_STR_INIT;
	gnutls_x509_crq_t request;
	bool found = false;
	if (kt_base64_decode(&pem, kt_sv_of(base64)) < 0 || gnutls_x509_crq_init(&request) < 0)
		return false;
	gnutls_datum_t data = {(unsigned char *)(uintptr_t)kt_str_text(&pem), (unsigned)pem.len};
	if (gnutls_x509_crq_import(request, &data, GNUTLS_X509_FMT_PEM) == 0) {
		char name[256];
		for (unsigned i = 0;; i++) {
			size_t size = sizeof(name);
			if (gnutls_x509_crq_get_dn_by_oid(request,
			            GNUTLS_OID_X520_ORGANIZATION_NAME, i, 0, name, &size) < 0)
				break;
			found |= size == strlen("system:masters") &&
			         memcmp(name, "system:masters", size) == 0;
		}
	}
	gnutls_x509_crq_deinit(request);
	return found;
}

static int validate_subject(struct kt_admission_context *a, const json_t *object, const json_t *old)
{
	(void)old;
	const json_t *spec = json_object_get(object, "spec");
	if (a->operation != KT_ADMIT_CREATE ||
	        !kt_admission_is(a, "certificates.k8s.io", "certificatesigningrequests", NULL) ||
	        strcmp(kt_text_of(spec, "signerName"), "kubernetes.io/kube-apiserver-client") != 0)
		return 0;
	if (asks_for_masters(kt_text_of(spec, "request")))
		return kt_admission_forbid(a, "use of kubernetes.io/kube-apiserver-client signer "
		                              "with system:masters group is not allowed");
	return 0;
}

const struct kt_admission_plugin kt_admission_certificate_approval = {
        .name = "CertificateApproval",
        .on_by_default = true,
        .validate = validate_approval,
};
const struct kt_admission_plugin kt_admission_certificate_signing = {
        .name = "CertificateSigning",
        .on_by_default = true,
        .validate = validate_signing,
};
const struct kt_admission_plugin kt_admission_certificate_subject_restriction = {
        .name = "CertificateSubjectRestriction",
        .on_by_default = true,
        .validate = validate_subject,
};
