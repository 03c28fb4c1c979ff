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
 * struct kt_admission is immutable after creation; any thread may admit. Source: kube-apiserver's
 * admission controllers.
 */
#ifndef KT_API_SERVER_ADMISSION_ADMISSION_H
#define KT_API_SERVER_ADMISSION_ADMISSION_H

#include "api/server/request.h"
#include "api/server/rules/rules.h"

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
};

struct kt_admission;

struct kt_admission_plugin {
	const char *name;
	bool on_by_default;
	/* Either may be NULL. object is NULL for a delete, old for a create. 0, or a negative code
	 * with a->err. */
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

int kt_admission_mutate(const struct kt_admission *admission, struct kt_admission_context *a,
        json_t *object, const json_t *old);
int kt_admission_validate(const struct kt_admission *admission, struct kt_admission_context *a,
        const json_t *object, const json_t *old);

/* For plugins. */

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
