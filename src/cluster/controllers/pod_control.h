/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Creating and deleting pods for an owner, with the events that tell of it. */
#ifndef KT_CLUSTER_CONTROLLERS_POD_CONTROL_H
#define KT_CLUSTER_CONTROLLERS_POD_CONTROL_H

#include "cluster/controllers/meta.h"

/* Creates a pod (borrowed tree) of the owner's namespace; a failure is told by an event and fails
 * the pass. */
void kt_create_pod(
        struct kt_pass *pass, struct kt_informer *pods, struct kt_object *owner, const json_t *pod);
void kt_delete_pod(struct kt_pass *pass, struct kt_informer *pods, struct kt_object *owner,
        struct kt_object *pod);
/* The same, saying WHAT ("create Pod web-0 in StatefulSet web"): "WHAT successful" or "WHAT failed
 * error: …". */
void kt_create_pod_saying(struct kt_pass *pass, struct kt_informer *pods, struct kt_object *owner,
        const json_t *pod, const char *what);
void kt_delete_pod_saying(struct kt_pass *pass, struct kt_informer *pods, struct kt_object *owner,
        struct kt_object *pod, const char *what);

#endif
