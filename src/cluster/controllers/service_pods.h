/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What EndpointSlices and Endpoints have in common: the pods behind a Service, and its ports as
 * each pod names them. */
#ifndef KT_CLUSTER_CONTROLLERS_SERVICE_PODS_H
#define KT_CLUSTER_CONTROLLERS_SERVICE_PODS_H

#include "cluster/controllers/meta.h"

struct service_pod {
	struct kt_object *pod; /* borrowed */
	struct kt_sv ip;
	bool ready, serving, terminating;
	char *ports; /* canonical JSON of its resolved ports: what groups pods into slices */
	json_t *ports_tree;
};
typedef KT_VEC(struct service_pod) service_pods;

/* The pods that the Service selects and that have an address. with_terminating: those being deleted
 * too. publish_not_ready (spec.publishNotReadyAddresses) makes all of them ready. */
void service_pods_collect(const json_t *service, const struct kt_informer *pods,
        struct kt_sv namespace, bool with_terminating, bool with_app_protocol, service_pods *out);
void service_pods_finish(service_pods *pods);

/* True when a change of a pod can matter to a Service. */
bool service_pod_differs(const struct kt_object *old_object, const struct kt_object *new_object);

json_t *service_pod_reference(const struct kt_object *pod);

#endif
