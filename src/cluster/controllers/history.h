/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ControllerRevisions: the history of pod templates that StatefulSets and DaemonSets keep. A
 * revision's data is the strategic patch
 * {"spec":{"template":{…,"$patch":"replace"}}} that kubectl rollout undo applies.
 */
#ifndef KT_CLUSTER_CONTROLLERS_HISTORY_H
#define KT_CLUSTER_CONTROLLERS_HISTORY_H

#include "cluster/controllers/meta.h"

#define KT_REVISION_LABEL "controller-revision-hash"
#define KT_REVISIONS "/apis/apps/v1/controllerrevisions"

struct kt_revision {
	struct kt_object *object; /* borrowed */
	int64_t number;
	char *data; /* canonical */
};

struct kt_history {
	struct kt_pass *pass;
	struct kt_informer *revisions;
	struct kt_object *owner;
	const char *kind;               /* "StatefulSet" */
	KT_VEC(struct kt_revision) all; /* by number */
	struct kt_revision *newest;     /* of the present template; NULL: being made by this pass */
};

/* Reads the owner's revisions and sees to it that the present template has one, with the highest
 * number. collisions is status.collisionCount. */
void kt_history_read(struct kt_history *history, const json_t *owner, int64_t collisions);
void kt_history_finish(struct kt_history *history);
/* By name ("web-7d9c"); NULL. */
struct kt_revision *kt_history_find(struct kt_history *history, struct kt_sv name);
/* Deletes the oldest beyond `limit` that `used` (names) does not hold. */
void kt_history_trim(struct kt_history *history, const struct kt_map *used, int64_t limit);
/* The template of a revision; new tree. */
json_t *kt_revision_template(const struct kt_revision *revision);
/* The hash part of its name, as the label carries it (StatefulSets carry the whole name). */
struct kt_sv kt_revision_hash(const struct kt_revision *revision);

#endif
