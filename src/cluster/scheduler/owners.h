/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Services and the controllers of pods (ReplicationControllers, ReplicaSets, StatefulSets), by what
 * the default topology spread asks: which selector do this pod's services and its controller share?
 * Source: the "System" defaulting of PodTopologySpread, KEP-1258.
 */
#ifndef KT_CLUSTER_SCHEDULER_OWNERS_H
#define KT_CLUSTER_SCHEDULER_OWNERS_H

#include "api/machinery/selector.h"
#include "base/map.h"
#include "base/mem.h"

struct kt_owners {
	struct kt_map services;    /* namespace → its services with a selector */
	struct kt_map controllers; /* "Kind/namespace/name" → object */
};

void kt_owners_init(struct kt_owners *owners);
void kt_owners_finish(struct kt_owners *owners);
void kt_owners_set_service(struct kt_owners *owners, struct kt_object *service);
void kt_owners_remove_service(struct kt_owners *owners, const struct kt_object *service);
/* kind: "ReplicationController", "ReplicaSet", "StatefulSet". */
void kt_owners_set_controller(
        struct kt_owners *owners, const char *kind, struct kt_object *controller);
void kt_owners_remove_controller(
        struct kt_owners *owners, const char *kind, const struct kt_object *controller);

/* A LabelSelector (JSON in the arena) that all of them ask for; p NULL: none asks for anything. */
struct kt_json_at kt_owners_selector(
        const struct kt_owners *owners, const struct kt_object *pod, struct kt_arena *arena);

#endif
