/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How much a CSI driver can still provision where: CSIStorageCapacity objects, which count when the
 * driver's CSIDriver says so. A driver that does not is taken to have room everywhere. Borrows from
 * the snapshot; the scheduler's thread. Source: KEP-1472.
 */
#ifndef KT_CLUSTER_SCHEDULER_STORAGE_CAPACITY_H
#define KT_CLUSTER_SCHEDULER_STORAGE_CAPACITY_H

#include "api/machinery/quantity.h"
#include "cluster/scheduler/volumes.h"

/* Whether the class's provisioner can make a volume of this size that the node reaches. */
bool kt_storage_has_room(const struct kt_volumes *volumes, const struct kt_object *class,
        struct kt_quantity size, const struct kt_object *node);

#endif
