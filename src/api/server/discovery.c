/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/discovery.h"

#include "api/server/server_impl.h"
#include "api/server/versions.h"

#include <gnutls/crypto.h>

/* Verbs in the order in which the handlers of built-in and of custom resources name them. */
static const struct {
	uint16_t bit;
	const char *name;
} builtin_verbs[] = {{KT_VERB_CREATE, "create"}, {KT_VERB_DELETE, "delete"},
        {KT_VERB_DELETECOLLECTION, "deletecollection"}, {KT_VERB_GET, "get"},
        {KT_VERB_LIST, "list"}, {KT_VERB_PATCH, "patch"}, {KT_VERB_UPDATE, "update"},
        {KT_VERB_WATCH, "watch"}},
  custom_verbs[] = {{KT_VERB_DELETE, "delete"}, {KT_VERB_DELETECOLLECTION, "deletecollection"},
          {KT_VERB_GET, "get"}, {KT_VERB_LIST, "list"}, {KT_VERB_PATCH, "patch"},
          {KT_VERB_CREATE, "create"}, {KT_VERB_UPDATE, "update"}, {KT_VERB_WATCH, "watch"}};

static json_t *verb_list(uint16_t verbs, bool custom)
{
	json_t *list = json_array();

	for (size_t i = 0; i < KT_ARRAY_SIZE(builtin_verbs); i++) {
		uint16_t bit = custom ? custom_verbs[i].bit : builtin_verbs[i].bit;
		if (verbs & bit)
			json_array_append_new(list,
			        json_string(custom ? custom_verbs[i].name : builtin_verbs[i].name));
	}
	return list;
}

static json_t *text_list(const char *const *texts)
{
	json_t *list = json_array();

	for (; texts && *texts; texts++)
		json_array_append_new(list, json_string(*texts));
	return list;
}

static void set_list(json_t *object, const char *key, const char *const *texts)
{
	if (texts && *texts)
		json_object_set_new(object, key, text_list(texts));
}

void kt_discovery_kinds(struct kt_server *server, struct kt_discovery_kinds *ret)
{
	size_t n = kt_builtin_kinds.n_kinds;

	ret->n = 0;
	ret->crds = kt_resources_custom(server->resources, &ret->n_crds);
	for (size_t i = 0; i < ret->n_crds; i++)
		n += ret->crds[i]->set.n_kinds;
	ret->kinds = kt_new_array(const struct kt_kind *, n + 1);
	for (size_t i = 0; i < kt_builtin_kinds.n_kinds; i++)
		if (kt_resources_is_served(server->resources, &kt_builtin_kinds.kinds[i]))
			ret->kinds[ret->n++] = &kt_builtin_kinds.kinds[i];
	for (size_t i = 0; i < ret->n_crds; i++)
		for (size_t k = 0; k < ret->crds[i]->set.n_kinds; k++)
			ret->kinds[ret->n++] = &ret->crds[i]->set.kinds[k];
}

void kt_discovery_kinds_finish(struct kt_discovery_kinds *kinds)
{
	for (size_t i = 0; i < kinds->n_crds; i++)
		kt_crd_unref(kinds->crds[i]);
	free(kinds->crds);
	free(kinds->kinds);
}

json_t *kt_discovery_versions(struct kt_server *server)
{
	kt_auto_free char *address = kt_asprintf("127.0.0.1:%d", atomic_load(&server->secure_port));

	return json_pack("{s:s,s:[s],s:[{s:s,s:s}]}", "kind", "APIVersions", "versions", "v1",
	        "serverAddressByClientCIDRs", "clientCIDR", "0.0.0.0/0", "serverAddress", address);
}

/* The versions of a group, in order. */
struct group {
	const char *name;
	KT_VEC(const char *) versions;
};
typedef KT_VEC(struct group) group_vec;

static struct group *find_group(group_vec *groups, const char *name)
{
	for (size_t i = 0; i < groups->n; i++)
		if (kt_streq(groups->items[i].name, name))
			return &groups->items[i];
	struct group group = {.name = name};
	kt_vec_push(groups, group);
	return &groups->items[groups->n - 1];
}

static void add_version(struct group *group, const char *version, bool custom)
{
	size_t at = 0;

	for (size_t i = 0; i < group->versions.n; i++)
		if (kt_streq(group->versions.items[i], version))
			return;
	kt_vec_push(&group->versions, version);
	/* Built-in versions stand in the table's order, custom ones are sorted. */
	for (at = group->versions.n - 1; custom && at > 0; at--) {
		if (kt_version_compare(group->versions.items[at - 1], version) <= 0)
			break;
		group->versions.items[at] = group->versions.items[at - 1];
		group->versions.items[at - 1] = version;
	}
}

static int group_cmp(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static void collect_groups(const struct kt_discovery_kinds *kinds, group_vec *groups)
{
	size_t n_builtin = 0;

	for (size_t i = 0; i < kinds->n; i++) {
		bool custom = kinds->kinds[i]->flags & KT_KIND_CUSTOM;
		add_version(find_group(groups, kinds->kinds[i]->group), kinds->kinds[i]->version,
		        custom);
		if (!custom)
			n_builtin = groups->n;
	}
	if (groups->n > n_builtin)
		qsort(groups->items + n_builtin, groups->n - n_builtin, sizeof(*groups->items),
		        group_cmp);
}

static void finish_groups(group_vec *groups)
{
	for (size_t i = 0; i < groups->n; i++)
		kt_vec_finish(&groups->items[i].versions);
	kt_vec_finish(groups);
}

static json_t *version_tree(const char *group, const char *version)
{
	return json_pack("{s:o,s:s}", "groupVersion", json_sprintf("%s/%s", group, version),
	        "version", version);
}

static json_t *group_tree(const struct group *group)
{
	json_t *tree = json_object(), *versions = json_array();

	json_object_set_new(tree, "name", json_string(group->name));
	for (size_t i = 0; i < group->versions.n; i++)
		json_array_append_new(
		        versions, version_tree(group->name, group->versions.items[i]));
	json_object_set_new(tree, "versions", versions);
	json_object_set_new(
	        tree, "preferredVersion", version_tree(group->name, group->versions.items[0]));
	return tree;
}

json_t *kt_discovery_groups(struct kt_server *server)
{
	struct kt_discovery_kinds kinds;
	group_vec groups = {0};
	json_t *list = json_array();

	kt_discovery_kinds(server, &kinds);
	collect_groups(&kinds, &groups);
	for (size_t i = 0; i < groups.n; i++)
		if (*groups.items[i].name)
			json_array_append_new(list, group_tree(&groups.items[i]));
	finish_groups(&groups);
	kt_discovery_kinds_finish(&kinds);
	return json_pack(
	        "{s:s,s:s,s:o}", "kind", "APIGroupList", "apiVersion", "v1", "groups", list);
}

json_t *kt_discovery_group(struct kt_server *server, const char *name)
{
	struct kt_discovery_kinds kinds;
	group_vec groups = {0};
	json_t *tree = NULL;

	kt_discovery_kinds(server, &kinds);
	collect_groups(&kinds, &groups);
	for (size_t i = 0; i < groups.n && *name; i++)
		if (kt_streq(groups.items[i].name, name))
			tree = group_tree(&groups.items[i]);
	finish_groups(&groups);
	kt_discovery_kinds_finish(&kinds);
	if (tree) {
		json_object_set_new(tree, "kind", json_string("APIGroup"));
		json_object_set_new(tree, "apiVersion", json_string("v1"));
	}
	return tree;
}

/* Eight bytes of the SHA-256 of "GROUP/VERSION/KIND": tells clients when objects are stored
 * otherwise. */
static json_t *storage_version_hash(const struct kt_kind *kind)
{
	const struct kt_kind *stored = kt_versions_stored_kind(kind);
	unsigned char digest[32];
	char text[512];
	kt_auto_str base64 = KT_STR_INIT;

	int len = snprintf(
	        text, sizeof(text), "%s/%s/%s", stored->group, kind->storage_version, stored->kind);
	gnutls_hash_fast(GNUTLS_DIG_SHA256, text, (size_t)len, digest);
	kt_base64_encode(&base64, digest, 8);
	return json_string(kt_str_text(&base64));
}

static json_t *resource_tree(const struct kt_kind *kind)
{
	json_t *tree = json_object();

	json_object_set_new(tree, "name", json_string(kind->plural));
	json_object_set_new(tree, "singularName", json_string(kind->singular));
	json_object_set_new(tree, "namespaced", json_boolean(kind->flags & KT_KIND_NAMESPACED));
	json_object_set_new(tree, "kind", json_string(kind->kind));
	json_object_set_new(tree, "verbs", verb_list(kind->verbs, kind->flags & KT_KIND_CUSTOM));
	set_list(tree, "shortNames", kind->short_names);
	set_list(tree, "categories", kind->categories);
	if (!(kind->flags & KT_KIND_VIRTUAL))
		json_object_set_new(tree, "storageVersionHash", storage_version_hash(kind));
	return tree;
}

/* Does the sub-resource exchange something of another group version than its resource's? */
static bool is_foreign(const struct kt_kind *kind, const struct kt_subresource *sub)
{
	return sub->group && sub->version &&
	       (!kt_streq(sub->group, kind->group) || !kt_streq(sub->version, kind->version));
}

static json_t *subresource_tree(const struct kt_kind *kind, const struct kt_subresource *sub)
{
	json_t *tree = json_object();

	json_object_set_new(tree, "name", json_sprintf("%s/%s", kind->plural, sub->name));
	json_object_set_new(tree, "singularName", json_string(""));
	json_object_set_new(tree, "namespaced", json_boolean(kind->flags & KT_KIND_NAMESPACED));
	if (is_foreign(kind, sub)) {
		json_object_set_new(tree, "group", json_string(sub->group));
		json_object_set_new(tree, "version", json_string(sub->version));
	}
	json_object_set_new(tree, "kind", json_string(sub->kind ? sub->kind : kind->kind));
	json_object_set_new(tree, "verbs", verb_list(sub->verbs, false));
	return tree;
}

static int subresource_cmp(const void *a, const void *b)
{
	const struct kt_subresource *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static const struct kt_subresource **sorted_subresources(const struct kt_kind *kind)
{
	const struct kt_subresource **list =
	        kt_new_array(const struct kt_subresource *, kind->n_subresources + 1);

	for (size_t i = 0; i < kind->n_subresources; i++)
		list[i] = &kind->subresources[i];
	if (kind->n_subresources)
		qsort(list, kind->n_subresources, sizeof(const struct kt_subresource *),
		        subresource_cmp);
	return list;
}

static void add_resource(json_t *resources, const struct kt_kind *kind)
{
	kt_auto_free const struct kt_subresource **subs = sorted_subresources(kind);

	json_array_append_new(resources, resource_tree(kind));
	for (size_t i = 0; i < kind->n_subresources; i++)
		json_array_append_new(resources, subresource_tree(kind, subs[i]));
}

json_t *kt_discovery_resources(struct kt_server *server, const char *group, const char *version)
{
	struct kt_discovery_kinds kinds;
	json_t *resources = json_array();

	kt_discovery_kinds(server, &kinds);
	for (size_t i = 0; i < kinds.n; i++)
		if (kt_streq(kinds.kinds[i]->group, group) &&
		        kt_streq(kinds.kinds[i]->version, version))
			add_resource(resources, kinds.kinds[i]);
	kt_discovery_kinds_finish(&kinds);
	if (!json_array_size(resources)) {
		json_decref(resources);
		return NULL;
	}
	json_t *tree = json_pack("{s:s,s:o,s:o}", "kind", "APIResourceList", "groupVersion",
	        *group ? json_sprintf("%s/%s", group, version) : json_string(version), "resources",
	        resources);
	if (*group)
		json_object_set_new(tree, "apiVersion", json_string("v1"));
	return tree;
}

static json_t *response_kind(const char *group, const char *version, const char *kind)
{
	return json_pack("{s:s,s:s,s:s}", "group", group, "version", version, "kind", kind);
}

/* Built-in resources leave group and version of their own kind empty. */
static json_t *own_response_kind(const struct kt_kind *kind, const char *name)
{
	bool custom = kind->flags & KT_KIND_CUSTOM;

	return response_kind(custom ? kind->group : "", custom ? kind->version : "", name);
}

static json_t *aggregated_subresource(const struct kt_kind *kind, const struct kt_subresource *sub)
{
	json_t *shown = is_foreign(kind, sub)
	                        ? response_kind(sub->group, sub->version, sub->kind)
	                        : own_response_kind(kind, sub->kind ? sub->kind : kind->kind);

	return json_pack("{s:s,s:o,s:o}", "subresource", sub->name, "responseKind", shown, "verbs",
	        verb_list(sub->verbs, false));
}

static json_t *aggregated_resource(const struct kt_kind *kind)
{
	kt_auto_free const struct kt_subresource **subs = sorted_subresources(kind);
	json_t *tree = json_object(), *list = json_array();

	json_object_set_new(tree, "resource", json_string(kind->plural));
	json_object_set_new(tree, "responseKind", own_response_kind(kind, kind->kind));
	json_object_set_new(tree, "scope",
	        json_string(kind->flags & KT_KIND_NAMESPACED ? "Namespaced" : "Cluster"));
	json_object_set_new(tree, "singularResource", json_string(kind->singular));
	json_object_set_new(tree, "verbs", verb_list(kind->verbs, kind->flags & KT_KIND_CUSTOM));
	set_list(tree, "shortNames", kind->short_names);
	set_list(tree, "categories", kind->categories);
	for (size_t i = 0; i < kind->n_subresources; i++)
		json_array_append_new(list, aggregated_subresource(kind, subs[i]));
	if (json_array_size(list))
		json_object_set(tree, "subresources", list);
	json_decref(list);
	return tree;
}

static json_t *aggregated_version(
        const struct kt_discovery_kinds *kinds, const char *group, const char *version)
{
	json_t *resources = json_array();

	for (size_t i = 0; i < kinds->n; i++)
		if (kt_streq(kinds->kinds[i]->group, group) &&
		        kt_streq(kinds->kinds[i]->version, version))
			json_array_append_new(resources, aggregated_resource(kinds->kinds[i]));
	return json_pack("{s:s,s:o,s:s}", "version", version, "resources", resources, "freshness",
	        "Current");
}

json_t *kt_discovery_aggregated(struct kt_server *server, bool core)
{
	struct kt_discovery_kinds kinds;
	group_vec groups = {0};
	json_t *items = json_array();

	kt_discovery_kinds(server, &kinds);
	collect_groups(&kinds, &groups);
	for (size_t i = 0; i < groups.n; i++) {
		const struct group *group = &groups.items[i];
		if ((*group->name == '\0') != core)
			continue;
		json_t *versions = json_array(), *metadata = json_object();
		for (size_t v = 0; v < group->versions.n; v++)
			json_array_append_new(versions,
			        aggregated_version(&kinds, group->name, group->versions.items[v]));
		if (*group->name)
			json_object_set_new(metadata, "name", json_string(group->name));
		json_array_append_new(
		        items, json_pack("{s:o,s:o}", "metadata", metadata, "versions", versions));
	}
	finish_groups(&groups);
	kt_discovery_kinds_finish(&kinds);
	return json_pack("{s:s,s:s,s:{},s:o}", "kind", "APIGroupDiscoveryList", "apiVersion",
	        "apidiscovery.k8s.io/v2", "metadata", "items", items);
}
