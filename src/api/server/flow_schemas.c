/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/flow_schemas.h"

#include "base/log.h"

/* NULL-terminated lists. */
struct resource_rule {
	const char **verbs, **groups, **resources, **namespaces;
	bool cluster_scope;
};
struct path_rule {
	const char **verbs, **paths;
};
struct subject {
	enum { USER, GROUP, SERVICE_ACCOUNT } kind;
	const char *name, *namespace;
};
struct kt_flow_rule {
	struct subject *subjects;
	struct resource_rule *resources;
	struct path_rule *paths;
	size_t n_subjects, n_resources, n_paths;
};

void kt_flow_stats_unref(struct kt_flow_stats *stats)
{
	if (!stats || atomic_fetch_sub(&stats->refs, 1) != 1)
		return;
	free(stats->schema);
	free(stats->level);
	free(stats);
}

static const char *text_of(struct kt_arena *arena, const json_t *tree, const char *path)
{
	const char *text = kt_jstr(tree, path);

	return kt_arena_strdup(arena, kt_or_empty(text));
}

static const char **list_of(struct kt_arena *arena, const json_t *rule, const char *key)
{
	const json_t *list = json_object_get(rule, key);
	const char **texts = kt_arena_alloc(arena, (json_array_size(list) + 1) * sizeof(*texts));
	size_t i, n = 0;
	json_t *item;

	json_array_foreach(list, i, item) {
		if (json_is_string(item))
			texts[n++] = kt_arena_strdup(arena, json_string_value(item));
	}
	texts[n] = NULL;
	return texts;
}

static void *array_of(struct kt_arena *arena, const json_t *list, size_t item_bytes)
{
	size_t bytes = (json_array_size(list) + 1) * item_bytes;

	return memset(kt_arena_alloc(arena, bytes), 0, bytes);
}

static void parse_subjects(struct kt_arena *arena, struct kt_flow_rule *rule, const json_t *list)
{
	size_t i;
	json_t *item;

	rule->subjects = array_of(arena, list, sizeof(*rule->subjects));
	json_array_foreach(list, i, item) {
		struct subject *subject = &rule->subjects[rule->n_subjects];
		const char *kind = kt_or_empty(kt_jstr(item, "kind"));

		if (!strcmp(kind, "User")) {
			subject->kind = USER;
			subject->name = text_of(arena, item, "user.name");
		} else if (!strcmp(kind, "Group")) {
			subject->kind = GROUP;
			subject->name = text_of(arena, item, "group.name");
		} else if (!strcmp(kind, "ServiceAccount")) {
			subject->kind = SERVICE_ACCOUNT;
			subject->name = text_of(arena, item, "serviceAccount.name");
			subject->namespace = text_of(arena, item, "serviceAccount.namespace");
		} else {
			continue;
		}
		rule->n_subjects++;
	}
}

static void parse_rule(struct kt_arena *arena, struct kt_flow_rule *rule, const json_t *tree)
{
	const json_t *resources = json_object_get(tree, "resourceRules"),
	             *paths = json_object_get(tree, "nonResourceRules");
	size_t i;
	json_t *item;

	parse_subjects(arena, rule, json_object_get(tree, "subjects"));
	rule->resources = array_of(arena, resources, sizeof(*rule->resources));
	json_array_foreach(resources, i, item) {
		rule->resources[rule->n_resources++] = (struct resource_rule){
		        .verbs = list_of(arena, item, "verbs"),
		        .groups = list_of(arena, item, "apiGroups"),
		        .resources = list_of(arena, item, "resources"),
		        .namespaces = list_of(arena, item, "namespaces"),
		        .cluster_scope = kt_jbool(item, "clusterScope", false),
		};
	}
	rule->paths = array_of(arena, paths, sizeof(*rule->paths));
	json_array_foreach(paths, i, item) {
		rule->paths[rule->n_paths++] = (struct path_rule){
		        .verbs = list_of(arena, item, "verbs"),
		        .paths = list_of(arena, item, "nonResourceURLs"),
		};
	}
}

struct kt_flow_schemas *kt_flow_schemas_create(size_t n_max)
{
	struct kt_flow_schemas *schemas = kt_new(struct kt_flow_schemas);

	kt_arena_init(&schemas->arena);
	schemas->items = array_of(&schemas->arena, NULL, (n_max + 1) * sizeof(*schemas->items));
	return schemas;
}

void kt_flow_schemas_add(struct kt_flow_schemas *schemas, const json_t *tree,
        struct kt_flow_level *level, const char *level_uid)
{
	struct kt_arena *arena = &schemas->arena;
	const char *method = kt_or_empty(kt_jstr(tree, "spec.distinguisherMethod.type"));
	const json_t *rules = kt_jget(tree, "spec.rules");
	struct kt_flow_schema *schema = &schemas->items[schemas->n];
	size_t i;
	json_t *item;

	*schema = (struct kt_flow_schema){.level = level};
	schema->name = kt_arena_strdup(arena, kt_or_empty(kt_jstr(tree, "metadata.name")));
	schema->uid = kt_arena_strdup(arena, kt_or_empty(kt_jstr(tree, "metadata.uid")));
	schema->level_uid = kt_arena_strdup(arena, level_uid);
	schema->precedence = kt_jint(tree, "spec.matchingPrecedence", 1000);
	schema->distinguisher = !strcmp(method, "ByUser")        ? KT_FLOW_BY_USER
	                        : !strcmp(method, "ByNamespace") ? KT_FLOW_BY_NAMESPACE
	                                                         : KT_FLOW_ALL_ONE;
	schema->rules = array_of(arena, rules, sizeof(*schema->rules));
	json_array_foreach(rules, i, item) {
		parse_rule(arena, &schema->rules[schema->n_rules++], item);
	}
	schemas->n++;
}

static int compare(const void *a, const void *b)
{
	const struct kt_flow_schema *x = a, *y = b;

	if (x->precedence != y->precedence)
		return x->precedence < y->precedence ? -1 : 1;
	return strcmp(x->name, y->name);
}

static struct kt_flow_stats *stats_of(
        const struct kt_flow_schemas *before, const struct kt_flow_schema *schema)
{
	const char *level = kt_flow_level_name(schema->level);

	for (size_t i = 0; before && i < before->n; i++) {
		struct kt_flow_stats *stats = before->items[i].stats;

		if (!strcmp(stats->schema, schema->name) && !strcmp(stats->level, level)) {
			atomic_fetch_add(&stats->refs, 1);
			return stats;
		}
	}
	struct kt_flow_stats *stats = kt_new(struct kt_flow_stats);
	atomic_init(&stats->refs, 1);
	stats->schema = kt_strdup(schema->name);
	stats->level = kt_strdup(level);
	return stats;
}

void kt_flow_schemas_finish(struct kt_flow_schemas *schemas, const struct kt_flow_schemas *before)
{
	if (schemas->n)
		qsort(schemas->items, schemas->n, sizeof(*schemas->items), compare);
	for (size_t i = 0; i < schemas->n; i++)
		schemas->items[i].stats = stats_of(before, &schemas->items[i]);
}

void kt_flow_schemas_destroy(struct kt_flow_schemas *schemas)
{
	if (!schemas)
		return;
	for (size_t i = 0; i < schemas->n; i++) {
		kt_flow_level_unref(schemas->items[i].level);
		kt_flow_stats_unref(schemas->items[i].stats);
	}
	kt_arena_finish(&schemas->arena);
	free(schemas);
}

/* Matching */

static bool has(const char *const *list, const char *text)
{
	for (; *list; list++)
		if (!strcmp(*list, "*") || !strcmp(*list, text))
			return true;
	return false;
}

/* "system:serviceaccount:NAMESPACE:NAME"; name "*": any of the namespace. */
static bool is_account(const struct subject *subject, const char *user)
{
	static const char prefix[] = "system:serviceaccount:";
	size_t len = strlen(subject->namespace);

	if (strncmp(user, prefix, sizeof(prefix) - 1) != 0)
		return false;
	user += sizeof(prefix) - 1;
	if (strncmp(user, subject->namespace, len) != 0 || user[len] != ':')
		return false;
	return !strcmp(subject->name, "*") || !strcmp(subject->name, user + len + 1);
}

static bool is_subject(const struct subject *subject, const struct kt_user *user)
{
	switch (subject->kind) {
	case USER:
		return !strcmp(subject->name, "*") || !strcmp(subject->name, user->name);
	case GROUP:
		return !strcmp(subject->name, "*") || kt_user_in_group(user, subject->name);
	case SERVICE_ACCOUNT:
		return is_account(subject, user->name);
	}
	return false;
}

/* "pods", "pods/log", "*". */
static bool has_resource(const char *const *list, const struct kt_route *route)
{
	size_t len = strlen(route->resource);

	for (; *list; list++) {
		if (!strcmp(*list, "*"))
			return true;
		if (strncmp(*list, route->resource, len) != 0)
			continue;
		if (*route->subresource ? (*list)[len] == '/' &&
		                                  !strcmp(*list + len + 1, route->subresource)
		                        : !(*list)[len])
			return true;
	}
	return false;
}

static bool is_of_resource(const struct resource_rule *rule, const struct kt_route *route)
{
	if (!has(rule->verbs, route->verb) || !has(rule->groups, route->group) ||
	        !has_resource(rule->resources, route))
		return false;
	return *route->namespace ? has(rule->namespaces, route->namespace) : rule->cluster_scope;
}

static bool is_of_path(const struct path_rule *rule, const struct kt_route *route)
{
	if (!has(rule->verbs, route->verb))
		return false;
	for (const char *const *path = rule->paths; *path; path++) {
		size_t len = strlen(*path);

		if (!strcmp(*path, "*") || !strcmp(*path, route->path))
			return true;
		if (len >= 2 && !strcmp(*path + len - 2, "/*") &&
		        !strncmp(*path, route->path, len - 1))
			return true;
	}
	return false;
}

static bool is_of_rule(const struct kt_flow_rule *rule, const struct kt_request *request)
{
	const struct kt_route *route = &request->state->route;
	bool is_known = false;

	for (size_t i = 0; i < rule->n_subjects && !is_known; i++)
		is_known = is_subject(&rule->subjects[i], request->user);
	if (!is_known)
		return false;
	if (!route->is_resource) {
		for (size_t i = 0; i < rule->n_paths; i++)
			if (is_of_path(&rule->paths[i], route))
				return true;
		return false;
	}
	for (size_t i = 0; i < rule->n_resources; i++)
		if (is_of_resource(&rule->resources[i], route))
			return true;
	return false;
}

const struct kt_flow_schema *kt_flow_schemas_match(
        const struct kt_flow_schemas *schemas, const struct kt_request *request)
{
	for (size_t i = 0; i < schemas->n; i++)
		for (size_t r = 0; r < schemas->items[i].n_rules; r++)
			if (is_of_rule(&schemas->items[i].rules[r], request))
				return &schemas->items[i];
	return NULL;
}

uint64_t kt_flow_hash(const struct kt_flow_schema *schema, const struct kt_request *request)
{
	const char *flow = schema->distinguisher == KT_FLOW_BY_USER ? request->user->name
	                   : schema->distinguisher == KT_FLOW_BY_NAMESPACE
	                           ? request->state->route.namespace
	                           : "";

	return kt_hash_bytes(schema->name, strlen(schema->name)) * 31 +
	       kt_hash_bytes(flow, strlen(flow));
}
