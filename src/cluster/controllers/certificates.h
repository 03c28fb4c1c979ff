/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the controllers of CertificateSigningRequests share: what they read of one, and how they
 * run. */
#ifndef KT_CLUSTER_CONTROLLERS_CERTIFICATES_H
#define KT_CLUSTER_CONTROLLERS_CERTIFICATES_H

#include "cluster/controllers/meta.h"

#define KT_CERTIFICATE_REQUESTS "/apis/certificates.k8s.io/v1/certificatesigningrequests"
#define KT_CERTIFICATE_USAGES_MAX 32

struct kt_certificate_request {
	json_t *tree;
	char *name;
	struct kt_str pem;
	const char *usages[KT_CERTIFICATE_USAGES_MAX]; /* into the tree, NULL-terminated */
	struct kt_signing signing;                     /* of the above */
};

/* -EINVAL: its request is no base64; finish it all the same. */
int kt_certificate_request_read(
        struct kt_certificate_request *request, const struct kt_object *object);
void kt_certificate_request_finish(struct kt_certificate_request *request);
#define kt_auto_certificate_request \
	__attribute__((cleanup(kt_certificate_request_finish))) struct kt_certificate_request

/* A reconciler that has every request that is made or changed. */
struct kt_certificate_controller {
	struct kt_reconciler *reconciler;
	struct kt_informer *requests;
	const struct kt_signer
	        *signer; /* NULL: none is signed, and nobody can tell what one says */
};

/* reconcile's arg is the controller. */
struct kt_certificate_controller *kt_certificate_controller_create(
        struct kt_controllers *controllers, const char *name,
        void (*reconcile)(void *arg, struct kt_pass *pass, const char *key));
void kt_certificate_controller_destroy(void *controller);

#endif
