/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What controllers.c, reconciler.c and the informer registry share. */
#ifndef KT_CLUSTER_CONTROLLERS_INTERNAL_H
#define KT_CLUSTER_CONTROLLERS_INTERNAL_H

#include "cluster/controllers/reconciler.h"
#include "cluster/controllers/resources.h"

#include "api/client/workqueue.h"
#include "base/map.h"
#include "base/vec.h"

/* One shared informer, and the passes that wait for it to see their writes. */
struct shared_informer {
	struct kt_controllers *controllers;
	struct kt_informer *informer;
	char *path;
	int64_t seen_revision;
	struct kt_map indexes; /* names */
	KT_VEC(struct kt_pass *) waiting;
};

struct kt_controllers {
	struct kt_client *client;
	struct kt_loop *loop;
	char *cluster_ca_pem;
	const struct kt_signer *signer;
	struct kt_map informers; /* path -> shared_informer */
	KT_VEC(struct kt_reconciler *) reconcilers;
	struct kt_cluster_resources *resources; /* NULL: nobody asked */
	void **controllers;                     /* parallel to the table */
	size_t n_unsynced;
	bool started, synced;
};

struct shared_informer *controllers_shared(
        struct kt_controllers *controllers, const struct kt_informer *informer);
void reconciler_synced(struct kt_reconciler *reconciler);
/* Looks again whether the pass has seen what it waits for. */
void pass_look_again(struct kt_pass *pass);

#endif
