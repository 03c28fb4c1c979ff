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

struct kt_controllers_options {
	struct kt_client *client; /* outlives them */
	struct kt_loop *loop;
	const char *cluster_ca_pem; /* what kube-root-ca.crt publishes; NULL: that controller does
	                               nothing */
};

int kt_controllers_create(const struct kt_controllers_options *options,
        struct kt_controllers **ret_controllers, struct kt_err *err);
void kt_controllers_start(struct kt_controllers *controllers);
void kt_controllers_destroy(struct kt_controllers *controllers); /* NULL is ignored */

#endif
