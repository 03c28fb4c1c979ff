/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small questions that many controllers ask of objects' bytes, and the building blocks of what they
 * write. */
#ifndef KT_CLUSTER_CONTROLLERS_META_H
#define KT_CLUSTER_CONTROLLERS_META_H

#include "api/machinery/selector.h"
#include "base/vec.h"
#include "cluster/controllers/reconciler.h"

struct kt_owner {
	struct kt_sv api_version, kind, name, uid;
};
/* The owner with controller: true; false when there is none. */
bool kt_controller_owner(const struct kt_object *object, struct kt_owner *ret_owner);
/* metadata.ownerReferences' entry for an owner that controls; apiVersion and kind as given. */
json_t *kt_owner_reference(
        const struct kt_object *owner, const char *api_version, const char *kind);

bool kt_is_deleting(const struct kt_object *object);
struct kt_json_at kt_field_of(const struct kt_object *object, const char *section,
        const char *field); /* "spec", "replicas" */
int64_t kt_int_at(
        const struct kt_object *object, const char *section, const char *field, int64_t fallback);
int64_t kt_generation(const struct kt_object *object);
int64_t kt_created_ns(const struct kt_object *object);                /* wall */
int64_t kt_time_at(struct kt_json_at object, const char *key);        /* wall ns; 0: absent */
char *kt_annotation(const struct kt_object *object, const char *key); /* heap; NULL: absent */
bool kt_has_finalizer(const struct kt_object *object, const char *finalizer);
/* An array of all but `finalizer`. */
json_t *kt_finalizers_without(const struct kt_object *object, const char *finalizer);

/* Pods. */
struct kt_json_at kt_condition(const struct kt_object *object,
        const char *type); /* of status.conditions; p NULL: absent */
bool kt_condition_is_true(const struct kt_object *object, const char *type);
bool kt_pod_phase_is(const struct kt_object *pod, const char *phase);
bool kt_pod_is_active(const struct kt_object *pod); /* neither ended nor deleting */
bool kt_pod_is_ready(const struct kt_object *pod);
/* Ready for min_ready_s; *ret_after_ms (may be NULL) says when it will be, if only time is missing.
 */
bool kt_pod_is_available(
        const struct kt_object *pod, int64_t min_ready_s, int64_t wall_ns, int64_t *ret_after_ms);
/* Index "claim" of pods: "namespace/claim" of each claim they name, and of those that their generic
 * ephemeral volumes have. */
kt_index_fn kt_index_by_claim;
struct kt_sv kt_pod_node(const struct kt_object *pod); /* empty: not bound */

/* Status conditions as a tree: sets type to status; lastTransitionTime moves only when the status
 * changes. With lastUpdateTime when `with_update`. True when anything changed. */
bool kt_set_condition(json_t *conditions, const char *type, const char *status, const char *reason,
        const char *message, int64_t wall_ns, bool with_update);
bool kt_remove_condition(json_t *conditions, const char *type);
json_t *kt_find_condition(const json_t *conditions, const char *type);

json_t *kt_time_json(int64_t wall_ns);
/* A copy of a JSON value with keys sorted; for comparing. Heap. */
char *kt_canonical(const json_t *value);
uint32_t kt_fnv32a(const char *text, uint32_t start); /* start 0: FNV's own */
/* Decimal digits spelled in the alphabet that makes no words, as upstream writes hashes into names.
 * ret has room for 16. */
void kt_safe_encode(uint32_t value, char ret_text[16]);

/* "25%" or 3 of total; rounded up or down. -EINVAL gives the fallback. */
int64_t kt_int_or_percent(const json_t *value, int64_t total, bool up, int64_t fallback);

typedef KT_VEC(struct kt_object *)
        kt_objects; /* borrowed from an informer, good until the next turn of the loop */
#define kt_auto_objects __attribute__((cleanup(kt_objects_finish))) kt_objects
void kt_objects_finish(kt_objects *objects);
void kt_collect_indexed(
        const struct kt_informer *informer, const char *index, struct kt_sv value, kt_objects *out);
/* By the index "claim". */
void kt_collect_users_of_claim(
        const struct kt_informer *pods, const struct kt_object *claim, kt_objects *out);

/* The objects an owner controls: those with its uid as controller and, where a selector is given,
 * orphans of its namespace that match (taken over by a patch) minus those that do not match any
 * more (let go by a patch). Needs the index "orphan". */
struct kt_claim {
	struct kt_pass *pass;
	struct kt_informer *informer;
	const char *group_path, *resource; /* "/api/v1", "pods" */
	struct kt_object *owner;
	const char *api_version, *kind;
	const struct kt_selector *selector;
	const char *finalizer; /* what objects have while they are claimed; NULL: none */
};
void kt_claim_objects(const struct kt_claim *claim, kt_objects *out);
kt_index_fn kt_index_orphans; /* by namespace: objects without a controlling owner */

/* What of a template makes a pod: labels, annotations, finalizers, spec, the owner. Borrowed
 * template; a new tree without a name. */
json_t *kt_pod_of_template(const json_t *template, const struct kt_object *owner,
        const char *api_version, const char *kind);

/* Calls fn for each selector-carrying object of the namespace whose selector matches the labels:
 * who might own an orphan. */
void kt_each_selecting(const struct kt_informer *informer, const struct kt_object *orphan,
        void (*fn)(void *arg, struct kt_object *object), void *arg);

/* A new tree of status ({} when absent), to change and hand to kt_patch_status(). */
json_t *kt_status_tree(const struct kt_object *object);
/* A count that is left out when zero, as the API writes it. */
void kt_set_count(json_t *object, const char *key, int64_t n);
/* status.conditions, added when absent; borrowed. */
json_t *kt_status_conditions(json_t *status);
/* Writes status when it differs from what is stored: a merge patch of the whole status. status is
 * taken over. */
void kt_patch_status(struct kt_pass *pass, struct kt_informer *informer,
        const struct kt_object *object, const char *path, json_t *status);

#endif
