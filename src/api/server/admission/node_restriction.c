/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A kubelet changes its own node and the pods bound to it, and nothing else of either kind. */
#include "api/server/admission/plugins.h"
#include "api/server/rules/check.h"

#define NODE_USER "system:node:"

/* The node whose kubelet asks, "" for a nameless one, NULL for everybody else. */
static const char *node_of(const struct kt_admission_context *a)
{
	if (!a->user || !kt_user_in_group(a->user, "system:nodes") ||
	        !kt_starts_with(a->user->name, NODE_USER))
		return NULL;
	return a->user->name + strlen(NODE_USER);
}

static int check_pod_create(struct kt_admission_context *a, const char *node, const json_t *pod)
{
	static const char *const volumes[] = {
	        "secret", "configMap", "projected", "persistentVolumeClaim", NULL};
	const json_t *spec = json_object_get(pod, "spec");
	size_t i;
	json_t *volume;
	if (!json_object_get(kt_jget(pod, "metadata.annotations"), "kubernetes.io/config.mirror"))
		return kt_admission_forbid(a,
		        "pod does not have \"kubernetes.io/config.mirror\" annotation, node \"%s\" "
		        "can only create mirror pods",
		        node);
	if (strcmp(kt_text_of(spec, "nodeName"), node) != 0)
		return kt_admission_forbid(a,
		        "node \"%s\" can only create pods with spec.nodeName set to itself", node);
	if (*kt_text_of(spec, "serviceAccountName"))
		return kt_admission_forbid(a,
		        "node \"%s\" can not create pods that reference a service account", node);
	json_array_foreach(json_object_get(spec, "volumes"), i, volume) {
		for (size_t v = 0; volumes[v]; v++)
			if (json_object_get(volume, volumes[v]))
				return kt_admission_forbid(a,
				        "node \"%s\" can not create pods that reference %ss", node,
				        volumes[v]);
	}
	return 0;
}

static int check_pod(
        struct kt_admission_context *a, const char *node, const json_t *object, const json_t *old)
{
	const char *bound = kt_text_of(json_object_get(old, "spec"), "nodeName");
	if (a->operation == KT_ADMIT_CREATE && !a->subresource)
		return check_pod_create(a, node, object);
	if (old && strcmp(bound, node) != 0)
		return kt_admission_forbid(a,
		        "node \"%s\" can only %s pods with spec.nodeName set to itself", node,
		        a->operation == KT_ADMIT_DELETE ? "delete" : "update pod status for");
	return 0;
}

static bool labels_changed(const json_t *object, const json_t *old, const char *prefix)
{
	json_t *now = kt_jget(object, "metadata.labels"), *before = kt_jget(old, "metadata.labels"),
	       *value;
	const char *key;
	json_object_foreach(now, key, value) {
		if (strstr(key, prefix) && !json_equal(value, json_object_get(before, key)))
			return true;
	}
	json_object_foreach(before, key, value) {
		if (strstr(key, prefix) && !json_object_get(now, key))
			return true;
	}
	return false;
}

static int check_node(
        struct kt_admission_context *a, const char *node, const json_t *object, const json_t *old)
{
	if (strcmp(a->name, node) != 0)
		return kt_admission_forbid(
		        a, "node \"%s\" is not allowed to modify node \"%s\"", node, a->name);
	if (!object)
		return 0;
	if (old && !kt_same(kt_jget(object, "spec.taints"), kt_jget(old, "spec.taints")))
		return kt_admission_forbid(a, "node \"%s\" is not allowed to modify taints", node);
	if (labels_changed(object, old, "node-restriction.kubernetes.io/"))
		return kt_admission_forbid(
		        a, "is not allowed to modify labels: node-restriction.kubernetes.io/");
	return 0;
}

static int validate(struct kt_admission_context *a, const json_t *object, const json_t *old)
{
	const char *node = node_of(a);
	if (!node)
		return 0;
	if (!*node)
		return kt_admission_forbid(
		        a, "could not determine node from user \"%s\"", a->user->name);
	if (!*a->kind->group && kt_streq(a->kind->plural, "pods") &&
	        (!a->subresource || kt_streq(a->subresource, "status") ||
	                kt_streq(a->subresource, "eviction")))
		return check_pod(a, node, object, old);
	if (!*a->kind->group && kt_streq(a->kind->plural, "nodes"))
		return check_node(a, node, object, old);
	if (kt_streq(a->kind->group, "coordination.k8s.io") &&
	        kt_streq(a->kind->plural, "leases")) {
		if (!kt_streq(a->namespace, "kube-node-lease"))
			return kt_admission_forbid(a, "can only access leases in the "
			                              "\"kube-node-lease\" system namespace");
		if (strcmp(a->name, node) != 0)
			return kt_admission_forbid(a, "can only access node lease with the same "
			                              "name as the requesting node");
	}
	return 0;
}

const struct kt_admission_plugin kt_admission_node_restriction = {
        .name = "NodeRestriction",
        .on_by_default = false, /* as upstream: enabled by name */
        .validate = validate,
};
