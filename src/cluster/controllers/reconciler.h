/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a controller is made of.
 *
 * A reconciler is a work queue whose keys are reconciled in passes. A pass reads the shared
 * informers, decides, and sends any number of writes; it is over when all writes are answered AND
 * the informers have seen what they changed. So the next pass on that key reads its own writes, and
 * no controller needs to remember what it expects to see. A pass that failed comes back with
 * back-off.
 *
 * Nothing is reconciled before every informer has its first list.
 */
#ifndef KT_CLUSTER_CONTROLLERS_RECONCILER_H
#define KT_CLUSTER_CONTROLLERS_RECONCILER_H

#include "api/client/calls.h"
#include "api/client/events.h"
#include "api/client/informer.h"
#include "cluster/controllers/controllers.h"

#define KT_PASS_SEE_MAX_MS \
	10000 /* how long a pass waits for the informers before it gives up reading its own writes \
	       */

struct kt_reconciler;
struct kt_pass;

/* One entry of the table in controllers.c. */
struct kt_controller {
	const char *name;
	void *(*create)(struct kt_controllers *controllers);
	void (*destroy)(void *controller);
};

struct kt_loop *kt_controllers_loop(struct kt_controllers *controllers);
struct kt_client *kt_controllers_client(struct kt_controllers *controllers);
const char *kt_controllers_ca(struct kt_controllers *controllers);                 /* may be NULL */
const struct kt_signer *kt_controllers_signer(struct kt_controllers *controllers); /* may be NULL */
/* The shared informer of a collection ("/apis/apps/v1/deployments"); the same one for every caller.
 * With indexes "namespace" and "controller" (uid of the controlling owner). Only while controllers
 * are created. */
struct kt_informer *kt_controllers_informer(struct kt_controllers *controllers, const char *path);
/* Adds an index once, whoever asks. */
void kt_controllers_index(
        struct kt_controllers *controllers, const char *path, const char *name, kt_index_fn *fn);

struct kt_reconciler_options {
	struct kt_controllers *controllers;
	const char *name; /* of the component in events: "deployment-controller" */
	void (*reconcile)(void *arg, struct kt_pass *pass, const char *key);
	void *arg;
	size_t parallel; /* 0: 5, as upstream */
};
struct kt_reconciler *kt_reconciler_create(const struct kt_reconciler_options *options);
void kt_reconciler_destroy(struct kt_reconciler *reconciler);
void kt_reconciler_add(struct kt_reconciler *reconciler, const char *key);
void kt_reconciler_add_after_ms(
        struct kt_reconciler *reconciler, const char *key, int64_t after_ms);
/* Key "namespace/name" ("name" without namespace). */
void kt_reconciler_add_object(struct kt_reconciler *reconciler, const struct kt_object *object);
void kt_reconciler_event(struct kt_reconciler *reconciler, const struct kt_object *about,
        const char *type, const char *reason, const char *message, ...)
        __attribute__((format(printf, 5, 6)));

/* --- inside a pass --- */

struct kt_pass_write {
	const char *method;
	const char *content_type;     /* NULL: application/json */
	const json_t *body;           /* borrowed; NULL: none */
	struct kt_str *text;          /* instead of body; taken over */
	struct kt_informer *informer; /* that will see the change; NULL: nobody waits for it */
	/* May send more on the pass. NULL: an error other than "not found" on DELETE fails the
	 * pass. */
	void (*done)(struct kt_pass *pass, struct kt_call *call, void *arg);
	void *arg;
	void (*free_arg)(
	        void *arg); /* after done, or when the controller is destroyed first; may be NULL */
	struct kt_object *target; /* DELETE: what goes; the pass waits until the informer has no
	                             such uid without deletionTimestamp */
};
void kt_pass_send(struct kt_pass *pass, const struct kt_pass_write *write, const char *path, ...)
        __attribute__((format(printf, 3, 4)));
/* Comes back after its back-off. */
void kt_pass_fail(struct kt_pass *pass);
/* What happens to an answer that nobody looks at; a done hook may pass its error on here. */
void kt_pass_check(struct kt_pass *pass, struct kt_call *call);
void kt_pass_again_after_ms(struct kt_pass *pass, int64_t after_ms);
struct kt_reconciler *kt_pass_reconciler(struct kt_pass *pass);
struct kt_loop *kt_pass_loop(struct kt_pass *pass);
const char *kt_pass_key(const struct kt_pass *pass);
/* The object of the pass's key in the informer's cache; borrowed, NULL when it is gone. */
struct kt_object *kt_pass_object(struct kt_pass *pass, struct kt_informer *informer);
int64_t kt_pass_wall_ns(struct kt_pass *pass);

#endif
