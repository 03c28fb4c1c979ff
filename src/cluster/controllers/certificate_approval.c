/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Approves what kubelets ask for when they join: a client certificate of a node, for whoever may
 * create certificatesigningrequests/nodeclient, and the renewal of one's own, for whoever may
 * create …/selfnodeclient. Everybody else waits for a person.
 */
#include "base/log.h"
#include "base/mem.h"
#include "cluster/controllers/certificates.h"
#include "cluster/controllers/table.h"

#define KUBELET_SIGNER "kubernetes.io/kube-apiserver-client-kubelet"
#define REVIEWS "/apis/authorization.k8s.io/v1/subjectaccessreviews"

enum { OWN, ANY }; /* who asks for its own name may have it by either permission */

static const struct {
	const char *subresource, *message;
} permissions[] = {
        [OWN] = {"selfnodeclient",
                "Auto approving self kubelet client certificate after SubjectAccessReview."},
        [ANY] = {"nodeclient",
                "Auto approving kubelet client certificate after SubjectAccessReview."},
};

/* A question under way. */
struct question {
	struct kt_certificate_controller *own;
	struct kt_object *request; /* reference */
	size_t i;                  /* of permissions */
};

static void question_free(void *arg)
{
	struct question *question = arg;

	kt_object_unref(question->request);
	free(question);
}

static void approve(struct kt_certificate_controller *own, struct kt_pass *pass,
        const struct kt_object *object, const char *message)
{
	json_t *status = kt_status_tree(object);
	struct kt_sv version = kt_object_span(object, object->resource_version);
	kt_auto_json json_t *body = NULL;

	kt_set_condition(kt_status_conditions(status), "Approved", "True", "AutoApproved", message,
	        kt_pass_wall_ns(pass), true);
	body = json_pack("{s:{s:s%},s:o}", "metadata", "resourceVersion", version.p, version.len,
	        "status", status);
	kt_pass_send(pass,
	        &(struct kt_pass_write){.method = "PATCH",
	                .content_type = KT_PATCH_MERGE,
	                .body = body,
	                .informer = own->requests},
	        KT_CERTIFICATE_REQUESTS "/%.*s/approval", KT_SVP(kt_object_name(object)));
}

static void ask(struct kt_certificate_controller *own, struct kt_pass *pass,
        struct kt_object *object, size_t first);

static void answered(struct kt_pass *pass, struct kt_call *call, void *arg)
{
	const struct question *question = arg;
	bool allowed =
	        kt_json_bool(kt_json_find(kt_call_answer(call), "status", "allowed", NULL), false);

	if (call->err.code)
		kt_pass_check(pass, call);
	else if (allowed)
		approve(question->own, pass, question->request, permissions[question->i].message);
	else
		ask(question->own, pass, question->request, question->i + 1);
}

/* May whoever asks have it? One permission after the other, from the first-th on. */
static void ask(struct kt_certificate_controller *own, struct kt_pass *pass,
        struct kt_object *object, size_t first)
{
	kt_auto_json json_t *tree = NULL, *body = NULL;
	const json_t *spec;
	struct question *question;

	if (first == KT_ARRAY_SIZE(permissions))
		return;
	tree = kt_object_tree(object);
	spec = json_object_get(tree, "spec");
	body = json_pack("{s:s,s:s,s:{s:s*,s:s*,s:O*,s:O*,s:{s:s,s:s,s:s,s:s}}}", "apiVersion",
	        "authorization.k8s.io/v1", "kind", "SubjectAccessReview", "spec", "user",
	        kt_jstr(spec, "username"), "uid", kt_jstr(spec, "uid"), "groups",
	        json_object_get(spec, "groups"), "extra", json_object_get(spec, "extra"),
	        "resourceAttributes", "group", "certificates.k8s.io", "resource",
	        "certificatesigningrequests", "verb", "create", "subresource",
	        permissions[first].subresource);
	question = kt_new(struct question);
	*question = (struct question){own, kt_object_ref(object), first};
	kt_pass_send(pass,
	        &(struct kt_pass_write){.method = "POST",
	                .body = body,
	                .done = answered,
	                .arg = question,
	                .free_arg = question_free},
	        REVIEWS);
}

static void reconcile(void *arg, struct kt_pass *pass, const char *key)
{
	struct kt_certificate_controller *own = arg;
	struct kt_object *object = kt_pass_object(pass, own->requests);
	kt_auto_certificate_request request = {0};
	kt_auto_free char *node = NULL;
	kt_auto_err err = KT_ERR_INIT;

	(void)key;
	if (!object || !own->signer || kt_condition_is_true(object, "Approved") ||
	        kt_condition_is_true(object, "Denied") ||
	        kt_field_of(object, "status", "certificate").p ||
	        !kt_json_string_is(kt_field_of(object, "spec", "signerName"), KUBELET_SIGNER))
		return;
	if (kt_certificate_request_read(&request, object) < 0 ||
	        own->signer->check(own->signer->arg, &request.signing, &node, &err) < 0)
		return; /* no node's, then */
	ask(own, pass, object, kt_streq(node, kt_jstr(request.tree, "spec.username")) ? OWN : ANY);
}

static void *create(struct kt_controllers *controllers)
{
	return kt_certificate_controller_create(controllers, "csrapproving", reconcile);
}

const struct kt_controller kt_controller_certificate_approval = {
        "certificatesigningrequest-approving-controller", create,
        kt_certificate_controller_destroy};
