/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/auth/node.h"

#include "api/server/auth/rbac.h"

#define PODS_PREFIX "/registry/pods/"

const char *kt_node_of_user(const struct kt_user *user)
{
	static const char prefix[] = "system:node:";

	if (!kt_starts_with(user->name, prefix) || !kt_user_in_group(user, "system:nodes"))
		return NULL;
	return user->name + sizeof(prefix) - 1;
}

/* What kubelets do that is safe for every node, one line per rule: verbs, groups, resources
 * separated by blanks; "" is core. */
static const struct {
	const char *verbs, *group, *resources;
} node_rules[] = {
        {"create", "authentication.k8s.io", "tokenreviews"},
        {"create", "authorization.k8s.io", "localsubjectaccessreviews subjectaccessreviews"},
        {"get list watch", "", "services"},
        {"create patch update", "", "nodes"},
        {"patch update", "", "nodes/status"},
        {"create patch update", "", "events"},
        {"create patch update", "events.k8s.io", "events"},
        {"create delete", "", "pods"},
        {"patch update", "", "pods/status"},
        {"create", "", "pods/eviction"},
        {"get patch update", "", "persistentvolumeclaims/status"},
        {"get", "", "endpoints"},
        {"create get list watch", "certificates.k8s.io", "certificatesigningrequests"},
        {"create delete get patch update", "coordination.k8s.io", "leases"},
        {"get list watch", "storage.k8s.io", "csidrivers"},
        {"create delete get patch update", "storage.k8s.io", "csinodes"},
        {"get list watch", "node.k8s.io", "runtimeclasses"},
        {"deletecollection", "resource.k8s.io", "resourceslices"},
};

static bool has_word(const char *words, const char *word)
{
	struct kt_sv rest = kt_sv_of(words), part;

	while (kt_sv_split(&rest, ' ', &part))
		if (kt_sv_is(part, word))
			return true;
	return false;
}

static bool in_node_rules(const struct kt_attributes *a)
{
	kt_auto_free char *resource = a->subresource && *a->subresource
	                                      ? kt_asprintf("%s/%s", a->resource, a->subresource)
	                                      : kt_strdup(a->resource);

	for (size_t i = 0; i < KT_ARRAY_SIZE(node_rules); i++)
		if (!strcmp(node_rules[i].group, a->group ? a->group : "") &&
		        has_word(node_rules[i].verbs, a->verb) &&
		        has_word(node_rules[i].resources, resource))
			return true;
	return false;
}

static bool selects_node(const char *selector, const char *node)
{
	struct kt_sv rest = kt_sv_of(selector), part;
	kt_auto_free char *one = kt_asprintf("spec.nodeName=%s", node),
	                  *two = kt_asprintf("spec.nodeName==%s", node);

	while (selector && kt_sv_split(&rest, ',', &part))
		if (kt_sv_is(part, one) || kt_sv_is(part, two))
			return true;
	return false;
}

static bool is_on_node(void *arg, const struct kt_object *pod)
{
	return kt_json_string_is(kt_json_find(kt_object_doc(pod), "spec", "nodeName", NULL), arg);
}

/* Looks for key: name anywhere below a pod's value that is one of `parents` ("secret" covers
 * volumes, env, pull secrets). */
static bool names_object(
        const json_t *value, const char *const *parents, const char *const *keys, const char *name)
{
	const char *member;
	json_t *child;
	size_t i;

	if (json_is_array(value)) {
		json_array_foreach(value, i, child)
			if (names_object(child, parents, keys, name))
				return true;
		return false;
	}
	json_object_foreach((json_t *)(uintptr_t)value, member, child) {
		for (size_t p = 0; parents[p]; p++)
			for (size_t k = 0; !strcmp(member, parents[p]) && keys[k]; k++)
				if (kt_streq(kt_jstr(child, keys[k]), name))
					return true;
		if (names_object(child, parents, keys, name))
			return true;
	}
	return false;
}

static bool names_in_list(const json_t *list, const char *name)
{
	size_t i;
	json_t *item;

	json_array_foreach(list, i, item)
		if (kt_streq(kt_jstr(item, "name"), name))
			return true;
	return false;
}

static bool pod_names(const json_t *pod, const char *resource, const char *name)
{
	static const char *const secret_parents[] = {
	        "secret",
	        "secretRef",
	        "secretKeyRef",
	        "nodePublishSecretRef",
	        NULL,
	};
	static const char *const config_parents[] = {
	        "configMap", "configMapRef", "configMapKeyRef", NULL};
	static const char *const claim_parents[] = {"persistentVolumeClaim", NULL};
	static const char *const names[] = {"name", "secretName", NULL}, *const claims[] = {
	                                                                         "claimName", NULL};
	const json_t *spec = json_object_get(pod, "spec");

	if (!strcmp(resource, "secrets"))
		return names_object(spec, secret_parents, names, name) ||
		       names_in_list(json_object_get(spec, "imagePullSecrets"), name);
	if (!strcmp(resource, "configmaps"))
		return names_object(spec, config_parents, names, name);
	if (!strcmp(resource, "persistentvolumeclaims"))
		return names_object(spec, claim_parents, claims, name);
	if (!strcmp(resource, "serviceaccounts"))
		return kt_streq(kt_jstr(spec, "serviceAccountName"), name);
	if (!strcmp(resource, "resourceclaims"))
		return names_object(json_object_get(pod, "status"),
		               (const char *const[]){"resourceClaimStatuses", NULL}, names, name) ||
		       names_object(spec, (const char *const[]){"resourceClaims", NULL},
		               (const char *const[]){"resourceClaimName", NULL}, name);
	return false;
}

/* Does a pod of the node name it? */
static bool is_needed(struct kt_storage *storage, const char *node, const struct kt_attributes *a)
{
	kt_auto_free char *prefix =
	        kt_asprintf(PODS_PREFIX "%s/", a->namespace ? a->namespace : "");
	struct kt_storage_range range = {
	        .prefix = prefix, .filter = is_on_node, .filter_arg = (void *)(uintptr_t)node};
	struct kt_storage_list list = {0};
	bool found = false;

	if (!a->namespace || !*a->namespace || !a->name || !*a->name ||
	        storage->ops->range(storage, &range, &list, NULL) < 0)
		return false;
	for (size_t i = 0; i < list.n && !found; i++) {
		kt_auto_json json_t *pod = kt_object_tree(list.objects[i]);

		found = pod_names(pod, a->resource, a->name);
	}
	kt_storage_list_finish(&list);
	return found;
}

/* A volume is needed when the claim it is bound to is. */
static bool is_volume_needed(
        struct kt_storage *storage, const char *node, const struct kt_attributes *a)
{
	kt_auto_free char *key =
	        kt_asprintf("/registry/persistentvolumes/%s", a->name ? a->name : "");
	kt_auto_object struct kt_object *volume = NULL;
	kt_auto_json json_t *tree = NULL;
	struct kt_attributes claim = {.resource = "persistentvolumeclaims"};

	if (storage->ops->get(storage, key, 0, &volume, NULL) < 0)
		return false;
	tree = kt_object_tree(volume);
	claim.namespace = kt_jstr(tree, "spec.claimRef.namespace");
	claim.name = kt_jstr(tree, "spec.claimRef.name");
	return is_needed(storage, node, &claim);
}

static bool is_attachment_of(
        struct kt_storage *storage, const char *node, const struct kt_attributes *a)
{
	kt_auto_free char *key =
	        kt_asprintf("/registry/volumeattachments/%s", a->name ? a->name : "");
	kt_auto_object struct kt_object *attachment = NULL;

	return storage->ops->get(storage, key, 0, &attachment, NULL) == 0 &&
	       kt_json_string_is(
	               kt_json_find(kt_object_doc(attachment), "spec", "nodeName", NULL), node);
}

static bool is_own_pod(struct kt_storage *storage, const char *node, const struct kt_attributes *a)
{
	kt_auto_free char *key = kt_asprintf(
	        PODS_PREFIX "%s/%s", a->namespace ? a->namespace : "", a->name ? a->name : "");
	kt_auto_object struct kt_object *pod = NULL;

	return storage->ops->get(storage, key, 0, &pod, NULL) == 0 &&
	       is_on_node((void *)(uintptr_t)node, pod);
}

static bool is_read(const char *verb)
{
	return !strcmp(verb, "get") || !strcmp(verb, "list") || !strcmp(verb, "watch");
}

bool kt_node_authorize(struct kt_storage *storage, const char *node, const struct kt_attributes *a,
        char **ret_reason)
{
	const char *group = a->group ? a->group : "", *sub = a->subresource ? a->subresource : "";
	bool reads = !a->path && is_read(a->verb), allowed = false;

	if (a->path)
		return false;
	if (!*group && !strcmp(a->resource, "nodes") && !*sub && reads)
		allowed = kt_streq(a->name, node);
	else if (!*group && !strcmp(a->resource, "pods") && !*sub && !strcmp(a->verb, "get"))
		allowed = is_own_pod(storage, node, a);
	else if (!*group && !strcmp(a->resource, "pods") && !*sub && reads)
		allowed = selects_node(a->field_selector, node);
	else if (!*group && reads && !*sub &&
	         (!strcmp(a->resource, "secrets") || !strcmp(a->resource, "configmaps")))
		allowed = is_needed(storage, node, a);
	else if (!*group && !strcmp(a->verb, "get") && !*sub &&
	         (!strcmp(a->resource, "persistentvolumeclaims") ||
	                 !strcmp(a->resource, "serviceaccounts")))
		allowed = is_needed(storage, node, a);
	else if (!*group && !strcmp(a->verb, "get") && !strcmp(a->resource, "persistentvolumes"))
		allowed = is_volume_needed(storage, node, a);
	else if (!*group && !strcmp(a->verb, "create") && !strcmp(a->resource, "serviceaccounts") &&
	         !strcmp(sub, "token"))
		allowed = is_needed(storage, node, a);
	else if (!strcmp(group, "resource.k8s.io") && !strcmp(a->verb, "get") &&
	         !strcmp(a->resource, "resourceclaims"))
		allowed = is_needed(storage, node, a);
	else if (!strcmp(group, "storage.k8s.io") && !strcmp(a->verb, "get") &&
	         !strcmp(a->resource, "volumeattachments"))
		allowed = is_attachment_of(storage, node, a);
	else
		return in_node_rules(a);
	if (!allowed && ret_reason && !*ret_reason)
		*ret_reason = kt_asprintf(
		        "no relationship found between node '%s' and this object", node);
	return allowed;
}
