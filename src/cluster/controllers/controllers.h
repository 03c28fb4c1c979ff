/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * All controllers of the control plane on one loop: each one is a file of its own with one entry in
 * the table of controllers.c. They share one informer per resource, and each has a work queue of
 * its own (reconciler.h).
 *
 * Threads: everything on the loop of the options.
 */
#ifndef KT_CLUSTER_CONTROLLERS_CONTROLLERS_H
#define KT_CLUSTER_CONTROLLERS_CONTROLLERS_H

#include "api/client/client.h"
#include "base/err.h"
#include "base/loop.h"

struct kt_controllers;

/* What a CertificateSigningRequest asks for. Strings are borrowed. */
struct kt_signing {
	const char *name, *pem;
	const char *signer;        /* "kubernetes.io/kubelet-serving" */
	const char *const *usages; /* as in its spec, NULL-terminated */
	int64_t expiration_s;      /* 0: not asked for */
};

/* Whoever has the cluster's CA. check: the common name of the subject on the heap; sign: PEM text
 * on the heap; either -EINVAL when the request does not hold what its signer demands. */
struct kt_signer {
	int (*check)(void *arg, const struct kt_signing *signing, char **ret_common_name,
	        struct kt_err *err);
	int (*sign)(
	        void *arg, const struct kt_signing *signing, char **ret_pem, struct kt_err *err);
	void *arg;
};

struct kt_controllers_options {
	struct kt_client *client; /* outlives them */
	struct kt_loop *loop;
	const char *cluster_ca_pem; /* what kube-root-ca.crt publishes; NULL: that controller does
	                               nothing */
	const struct kt_signer *signer; /* outlives them; NULL: nobody signs */
};

int kt_controllers_create(const struct kt_controllers_options *options,
        struct kt_controllers **ret_controllers, struct kt_err *err);
void kt_controllers_start(struct kt_controllers *controllers);
void kt_controllers_destroy(struct kt_controllers *controllers); /* NULL is ignored */

#endif
