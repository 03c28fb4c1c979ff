/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What managed.c (updates), apply.c (server-side apply) and managed_entries.c
 * (metadata.managedFields) share. */
#ifndef KT_API_MACHINERY_MANAGED_INTERNAL_H
#define KT_API_MACHINERY_MANAGED_INTERNAL_H

#include "api/machinery/managed.h"
#include "api/machinery/typed.h"
#include "base/vec.h"

#define KT_UPDATE_MANAGERS_MAX 10 /* more are folded into "ancient-changes", as upstream does */

struct kt_managed_entry {
	const char *manager, *api_version,
	        *subresource; /* arena or borrowed; subresource "" for none */
	const char *time;     /* RFC 3339; NULL: none */
	bool applied;         /* operation Apply */
	const struct kt_fieldset *set;
	json_t *source; /* the entry as it was found, borrowed; NULL once something about it changed
	                 */
};

struct kt_managed {
	struct kt_arena *arena;
	KT_VEC(struct kt_managed_entry) entries;
};

/* Reads an array of entries. -EINVAL when it cannot be understood; entries is then empty. */
int kt_managed_decode(struct kt_managed *managed, const json_t *list);
/* The array, sorted as upstream sorts it; NULL when there is no entry. New reference. */
json_t *kt_managed_encode(struct kt_managed *managed);
void kt_managed_finish(struct kt_managed *managed);

/* The entry of this manager, operation, version and sub-resource; NULL when there is none. */
struct kt_managed_entry *kt_managed_find(
        struct kt_managed *managed, const struct kt_managed_entry *like);
/* Changes an entry's set, removing it when the set is empty. */
void kt_managed_set(struct kt_managed *managed, size_t i, const struct kt_fieldset *set);

/* Gives all fields that differ between old (NULL: nothing) and new to `self`, an Update entry, and
 * takes them from the others. */
void kt_managed_track(struct kt_managed *managed, const struct kt_apply *apply, const char *manager,
        const json_t *old, const json_t *new);

/* The root and metadata fields nobody owns for this request. */
struct kt_typed_skip kt_managed_skip(const struct kt_apply *apply);
/* set without those. */
const struct kt_fieldset *kt_managed_strip(const struct kt_managed *managed,
        const struct kt_apply *apply, const struct kt_fieldset *set);

const char *kt_managed_now(const struct kt_managed *managed, const struct kt_apply *apply);

#endif
