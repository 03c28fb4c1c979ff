/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * CertificateSigningRequests of the control plane's own signers: one that somebody approved is
 * signed with the cluster's CA, or fails when it does not hold what its signer demands. Old ones
 * go: a day after they were asked for, an hour after they were answered.
 */
#include "api/status.h"
#include "base/log.h"
#include "base/mem.h"
#include "cluster/controllers/certificates.h"
#include "cluster/controllers/table.h"

#include <errno.h>

#define PENDING_S (24 * 3600)
#define ANSWERED_S 3600

static const char *const signers[] = {"kubernetes.io/kube-apiserver-client",
        "kubernetes.io/kube-apiserver-client-kubelet", "kubernetes.io/kubelet-serving",
        "kubernetes.io/legacy-unknown"};

static bool is_ours(struct kt_json_at signer)
{
	for (size_t i = 0; i < KT_ARRAY_SIZE(signers); i++)
		if (kt_json_string_is(signer, signers[i]))
			return true;
	return false;
}

static void write_status(struct kt_certificate_controller *own, struct kt_pass *pass,
        const struct kt_object *object, json_t *status)
{
	kt_auto_free char *path =
	        kt_asprintf(KT_CERTIFICATE_REQUESTS "/%.*s", KT_SVP(kt_object_name(object)));

	kt_patch_status(pass, own->requests, object, path, status);
}

static void refuse(struct kt_certificate_controller *own, struct kt_pass *pass,
        const struct kt_object *object, const char *why)
{
	json_t *status = kt_status_tree(object);

	kt_set_condition(kt_status_conditions(status), "Failed", "True", "SignerValidationFailure",
	        why, kt_pass_wall_ns(pass), true);
	write_status(own, pass, object, status);
}

static void sign(
        struct kt_certificate_controller *own, struct kt_pass *pass, const struct kt_object *object)
{
	kt_auto_certificate_request request = {0};
	kt_auto_free char *certificate = NULL;
	kt_auto_str answer = KT_STR_INIT;
	kt_auto_err err = KT_ERR_INIT;
	json_t *status;
	int r = kt_certificate_request_read(&request, object);

	if (r >= 0)
		r = own->signer->sign(own->signer->arg, &request.signing, &certificate, &err);
	if (r == -EINVAL) {
		refuse(own, pass, object, kt_err_message(&err));
		return;
	}
	if (r < 0) {
		kt_log_warning("controllers", "%s", kt_err_message(&err));
		kt_pass_fail(pass);
		return;
	}
	kt_base64_encode(&answer, certificate, strlen(certificate));
	status = kt_status_tree(object);
	json_object_set_new(status, "certificate", json_string(kt_str_text(&answer)));
	write_status(own, pass, object, status);
}

/* When it goes; wall. */
static int64_t end_ns(const struct kt_object *object)
{
	static const char *const answers[] = {"Approved", "Denied", "Failed"};
	int64_t latest = 0;

	for (size_t i = 0; i < KT_ARRAY_SIZE(answers); i++)
		if (kt_condition_is_true(object, answers[i]))
			latest = KT_MAX(latest,
			        kt_time_at(kt_condition(object, answers[i]), "lastUpdateTime"));
	return latest ? latest + ANSWERED_S * KT_NS_PER_S
	              : kt_created_ns(object) + PENDING_S * KT_NS_PER_S;
}

static void reconcile(void *arg, struct kt_pass *pass, const char *key)
{
	struct kt_certificate_controller *own = arg;
	struct kt_object *object = kt_pass_object(pass, own->requests);
	int64_t wall_ns = kt_pass_wall_ns(pass), end;

	if (!object || kt_is_deleting(object))
		return;
	end = end_ns(object);
	if (end <= wall_ns) {
		kt_pass_send(pass,
		        &(struct kt_pass_write){
		                .method = "DELETE", .informer = own->requests, .target = object},
		        KT_CERTIFICATE_REQUESTS "/%s", key);
		return;
	}
	kt_pass_again_after_ms(pass, (end - wall_ns) / KT_NS_PER_MS + 1);
	if (!own->signer || !kt_condition_is_true(object, "Approved") ||
	        kt_condition_is_true(object, "Denied") || kt_condition_is_true(object, "Failed") ||
	        kt_field_of(object, "status", "certificate").p)
		return;
	if (is_ours(kt_field_of(object, "spec", "signerName")))
		sign(own, pass, object);
}

static void *create(struct kt_controllers *controllers)
{
	return kt_certificate_controller_create(controllers, "csrsigning", reconcile);
}

const struct kt_controller kt_controller_certificate_signing = {
        "certificatesigningrequest-signing-controller", create, kt_certificate_controller_destroy};
