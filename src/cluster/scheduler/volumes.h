/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Volumes as the scheduler sees them: claims, volumes, storage classes, what CSI drivers say of
 * their nodes and of the room they have, and which claims pods on nodes use. Part of the snapshot;
 * the volume plugins read it.
 *
 * A volume that was chosen for a claim is assumed: taken for others until the object says so.
 */
#ifndef KT_CLUSTER_SCHEDULER_VOLUMES_H
#define KT_CLUSTER_SCHEDULER_VOLUMES_H

#include "api/storage/object.h"
#include "base/map.h"

enum kt_volume_kind {
	KT_VOLUME_CLAIMS,  /* PersistentVolumeClaims, by "namespace/name" */
	KT_VOLUME_VOLUMES, /* PersistentVolumes */
	KT_VOLUME_CLASSES, /* StorageClasses */
	KT_VOLUME_CSI_NODES,
	KT_VOLUME_CSI_DRIVERS,
	KT_VOLUME_CAPACITIES, /* CSIStorageCapacities, by "namespace/name" */
	KT_VOLUME_KINDS
};

struct kt_volumes {
	struct kt_map objects[KT_VOLUME_KINDS]; /* references */
	struct kt_map uses;    /* claim key → how many pods on nodes use it, as uintptr_t */
	struct kt_map assumed; /* volume name → key of the claim it was chosen for */
};

void kt_volumes_init(struct kt_volumes *volumes);
void kt_volumes_finish(struct kt_volumes *volumes);
void kt_volumes_set(struct kt_volumes *volumes, enum kt_volume_kind kind, struct kt_object *object);
void kt_volumes_remove(
        struct kt_volumes *volumes, enum kt_volume_kind kind, const struct kt_object *object);
/* NULL when absent. */
struct kt_object *kt_volumes_get(
        const struct kt_volumes *volumes, enum kt_volume_kind kind, struct kt_sv key);
void kt_volumes_use(struct kt_volumes *volumes, const char *claim, int change);
size_t kt_volumes_uses(const struct kt_volumes *volumes, const char *claim);
void kt_volumes_assume(struct kt_volumes *volumes, struct kt_sv volume, const char *claim);
void kt_volumes_forget(struct kt_volumes *volumes, const char *volume);

/* Questions of objects. Slices are empty when absent. */
struct kt_sv kt_claim_volume_name(const struct kt_object *claim);
struct kt_sv kt_claim_class_name(const struct kt_object *claim);
struct kt_sv kt_claim_attributes_class(const struct kt_object *claim);
/* Names a volume, and both sides agree. */
bool kt_claim_is_bound(const struct kt_object *claim);
bool kt_claim_has_mode(const struct kt_object *claim, const char *access_mode);
bool kt_class_waits(const struct kt_object *class); /* WaitForFirstConsumer */

#endif
