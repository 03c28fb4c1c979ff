/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What wakes a controller whose objects own others: a change of the owner itself, a change of an
 * object it controls (both the old and the new owner, when that changed), and an orphan that an
 * owner's selector matches and that it may therefore take over.
 *
 * Embedded in the controller; lives as long as the informers call. On the controllers' loop.
 */
#ifndef KT_CLUSTER_CONTROLLERS_OWNED_H
#define KT_CLUSTER_CONTROLLERS_OWNED_H

#include "cluster/controllers/meta.h"

struct kt_owned {
	struct kt_reconciler *reconciler;
	struct kt_informer *owners;
	const char *kind; /* of the owners: "StatefulSet" */
	bool takes_over;  /* orphans count */
};

/* Adds the handlers to the owners' informer and to that of the objects they own (and the latter's
 * index "orphan" where orphans count). Returns the second one. */
struct kt_informer *kt_owned_watch(
        struct kt_owned *owned, struct kt_controllers *controllers, const char *owned_path);
/* Reconciles the owner that controls this object, if it is still the same one. */
void kt_owned_wake(const struct kt_owned *owned, const struct kt_object *object);

#endif
