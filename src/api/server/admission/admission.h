/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Admission: what the cluster adds to an object before it is stored, and what it refuses although
 * the object is valid. plugins.c has the one table of plugins in their fixed order; each is a file
 * of its own here, named after it.
 *
 * A plugin may change the object in its mutating hook, refuse in either, warn, and add writes that
 * belong to the same transaction (a-> rules' kt_rule_also). Hooks never block: they read synced
 * memory through storage. A refusal is 403 (kt_admission_forbid) unless the plugin says otherwise.
 *
 * A hook that has to ask somebody (webhooks) returns KT_ADMIT_WAIT and calls kt_admission_resume()
 * on the request's loop when it knows; the walk then goes on with the plugins behind it. The
 * context lives as long as its walk. When a webhook changed the object, the mutating walk is done
 * once more, as upstream does.
 *
 * struct kt_admission is immutable after creation; any thread may admit. Source: kube-apiserver's
 * admission controllers.
 */
#ifndef KT_API_SERVER_ADMISSION_ADMISSION_H
#define KT_API_SERVER_ADMISSION_ADMISSION_H

#include "api/server/request.h"
#include "api/server/rules/rules.h"

#define KT_ADMIT_WAIT 1

struct kt_admission;
struct kt_admission_reinvocation;

enum kt_admission_operation { KT_ADMIT_CREATE, KT_ADMIT_UPDATE, KT_ADMIT_DELETE, KT_ADMIT_CONNECT };

/* One write. Filled by the caller. */
struct kt_admission_context {
	const struct kt_kind *kind; /* of the resource in the URL */
	const char *subresource;    /* NULL for the main resource */
	enum kt_admission_operation operation;
	const char *namespace,
	        *name; /* "" where there is none; name may be "" while one is generated */
	bool dry_run;
	const struct kt_user *user;
	struct kt_rule_context *rules; /* storage, loop, arena, clock, warnings, further writes */
	struct kt_err err;             /* why it was refused */

	/* For plugins that wait; all may be absent where none is configured. */
	int64_t deadline_ns; /* loop time by which the request has to be over; 0: none */
	json_t *(*make_options)(
	        const struct kt_admission_context *a); /* CreateOptions and the like */
	void (*resume)(struct kt_admission_context *a, int status);
	void *arg; /* of resume and of the views */
	/* Where a sub-resource exchanges another kind than its object's (scale): that object (a new
	 * tree) and what a change of it means. NULL: the object itself is exchanged. */
	json_t *(*view)(const struct kt_admission_context *a, const json_t *object);
	void (*take_view)(const struct kt_admission_context *a, json_t *object, const json_t *view);
	const struct kt_type *view_type;

	/* Results beside err. */
	json_t *annotations; /* for the audit log; NULL: none */
	bool is_changed; /* by somebody outside: what the caller may not write must be put back */

	/* The walk's own. */
	const struct kt_admission *admission;
	json_t *object; /* of the mutating walk */
	const json_t *seen, *old;
	size_t next; /* plugin */
	bool is_validating;
	bool is_again, wants_again;
	json_t *options;
	struct kt_admission_reinvocation *reinvocation; /* of webhooks */
	void (*cancel)(
	        struct kt_admission_context *a); /* while waiting: stop, resume is not called */
	void *waiting;
};

struct kt_admission_plugin {
	const char *name;
	bool on_by_default;
	/* Either may be NULL. object is NULL for a delete, old for a create. 0, KT_ADMIT_WAIT, or a
	 * negative code with a->err. */
	int (*mutate)(struct kt_admission_context *a, json_t *object, const json_t *old);
	int (*validate)(struct kt_admission_context *a, const json_t *object, const json_t *old);
};
extern const struct kt_admission_plugin
        *const kt_admission_plugins[]; /* in order, NULL-terminated */

/* Comma-separated plugin names added to and taken from the defaults; either may be NULL. EINVAL for
 * a name nobody knows. */
int kt_admission_create(const char *enable, const char *disable,
        struct kt_admission **ret_admission, struct kt_err *err);
void kt_admission_destroy(struct kt_admission *admission);

/* 0, negative with a->err, or KT_ADMIT_WAIT: a->resume is called with either. */
int kt_admission_mutate(const struct kt_admission *admission, struct kt_admission_context *a,
        json_t *object, const json_t *old);
int kt_admission_validate(const struct kt_admission *admission, struct kt_admission_context *a,
        const json_t *object, const json_t *old);
/* After a walk: frees what the context holds, its error too. */
void kt_admission_finish(struct kt_admission_context *a);
/* The request went away: what is waited for is dropped, a->resume is not called any more. */
void kt_admission_cancel(struct kt_admission_context *a);

/* For plugins. */

/* Goes on after KT_ADMIT_WAIT. */
void kt_admission_resume(struct kt_admission_context *a, int status);
/* CreateOptions, UpdateOptions, PatchOptions or DeleteOptions of the request; borrowed, may be
 * NULL.
 */
json_t *kt_admission_options(struct kt_admission_context *a);
/* For the audit log; the first value of a key stays. */
void kt_admission_annotate(struct kt_admission_context *a, const char *key, const char *value);
/* What is known of webhooks, shared by all requests. */
struct kt_webhooks *kt_admission_webhooks(const struct kt_admission_context *a);

/* `pods "x" is forbidden: …`; returns -EACCES. */
int kt_admission_forbid(struct kt_admission_context *a, const char *fmt, ...)
        __attribute__((format(printf, 2, 3)));
/* True for this kind, main resource or the named sub-resource. */
bool kt_admission_is(const struct kt_admission_context *a, const char *group, const char *plural,
        const char *subresource);
/* Reads another object; a new tree, or NULL when there is none. */
json_t *kt_admission_read(const struct kt_admission_context *a, const char *group,
        const char *plural, const char *namespace, const char *name);
/* All of a kind in a namespace ("" : everywhere), as stored. Finish with kt_storage_list_finish().
 */
int kt_admission_list(const struct kt_admission_context *a, const char *group, const char *plural,
        const char *namespace, struct kt_storage_list *ret_list);

#endif
