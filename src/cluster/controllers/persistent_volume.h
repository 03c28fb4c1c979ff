/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the files of the volume controller share: persistent_volume.c decides what is to be done,
 * _match.c finds a claim its volume, _bind.c writes both sides, _provision.c makes volumes and
 * tells claims what they wait for. Trees are those of the objects beside them; all on the
 * controllers' loop, within a pass.
 */
#ifndef KT_CLUSTER_CONTROLLERS_PERSISTENT_VOLUME_H
#define KT_CLUSTER_CONTROLLERS_PERSISTENT_VOLUME_H

#include "cluster/controllers/meta.h"

#define VOLUME_PROVISIONER "kube-tui.io/simulated"
#define VOLUME_BOUND_BY_CONTROLLER "pv.kubernetes.io/bound-by-controller"
#define VOLUME_BIND_COMPLETED "pv.kubernetes.io/bind-completed"
#define VOLUME_CLASS "volume.beta.kubernetes.io/storage-class"
#define VOLUME_PROVISIONED_BY "pv.kubernetes.io/provisioned-by"

struct volume_controller {
	struct kt_reconciler *reconciler;
	struct kt_informer *claims, *volumes, *classes, *pods;
	struct kt_map said; /* key of a pending claim -> when it was told why (_provision.c) */
};

static inline const char *volume_or_empty(const char *text)
{
	return text ? text : "";
}

/* --- persistent_volume_match.c --- */

/* Of volumes: "namespace/name" of the claim that has or is promised it, "=CLASS" of others. */
kt_index_fn volume_index_match;
/* Of claims that are not Bound: the volume they name, "=CLASS" of others. */
kt_index_fn volume_index_waits;
/* Of a claim or a volume; "": none. */
const char *volume_class_name(const json_t *object);
bool volume_is_same_mode(const json_t *volume, const json_t *claim);
bool volume_is_reserved_for(const json_t *volume, const struct kt_object *claim);
/* Why the volume that the claim asks for by name cannot be its; NULL: it can. */
const char *volume_mismatch(const json_t *volume, const json_t *claim);
/* The one that names the claim, else the smallest that satisfies it; NULL: none does. With
 * only_reserved those that name nobody are for the scheduler to choose. */
struct kt_object *volume_find(const struct volume_controller *own, const struct kt_object *claim,
        const json_t *tree, bool only_reserved);

/* --- persistent_volume_bind.c --- */

bool volume_has_annotation(const struct kt_object *object, const char *key);
char *volume_path(const struct kt_object *volume);
char *volume_claim_path(const struct kt_object *claim);
void volume_set_phase(struct volume_controller *own, struct kt_pass *pass,
        const struct kt_object *volume, const char *phase);
/* volume NULL: the claim has none. */
void volume_set_claim_phase(struct volume_controller *own, struct kt_pass *pass,
        const struct kt_object *claim, const char *phase, const json_t *volume);
void volume_lose_claim(struct volume_controller *own, struct kt_pass *pass,
        const struct kt_object *claim, const char *reason, const char *why);
/* Only as long as nobody else was faster. */
void volume_patch(struct kt_pass *pass, struct kt_informer *informer,
        const struct kt_object *object, const char *path, json_t *body);
/* The next step of the two towards each other. */
void volume_bind(struct volume_controller *own, struct kt_pass *pass, struct kt_object *claim,
        const struct kt_object *volume);
void volume_unbind(
        struct volume_controller *own, struct kt_pass *pass, const struct kt_object *volume);

/* --- persistent_volume_provision.c --- */

bool volume_waits_for_consumer(const struct volume_controller *own, const json_t *claim);
/* True when the claim is to be told (again) why it waits. */
bool volume_is_time_to_say(
        struct volume_controller *own, struct kt_pass *pass, const struct kt_object *claim);
/* True when the claim, which says nothing of a class, was given the default one. */
bool volume_assign_default_class(struct volume_controller *own, struct kt_pass *pass,
        const struct kt_object *claim, const json_t *tree);
void volume_provision(struct volume_controller *own, struct kt_pass *pass, struct kt_object *claim,
        const json_t *tree);

#endif
