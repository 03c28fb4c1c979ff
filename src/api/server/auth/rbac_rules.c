/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/auth/rbac.h"

#include "base/vec.h"

static const char **parse_list(struct kt_arena *arena, const json_t *list)
{
	const char **items = kt_arena_alloc(arena, (json_array_size(list) + 1) * sizeof(*items));
	size_t i, n = 0;
	json_t *item;

	json_array_foreach(list, i, item)
		if (json_is_string(item))
			items[n++] = kt_arena_strdup(arena, json_string_value(item));
	return items;
}

struct kt_rbac_rules kt_rbac_rules_parse(struct kt_arena *arena, const json_t *rules)
{
	struct kt_rbac_rules parsed = {
	        kt_arena_alloc(arena, (json_array_size(rules) + 1) * sizeof(*parsed.items)), 0};
	size_t i;
	json_t *rule;

	json_array_foreach(rules, i, rule) {
		parsed.items[parsed.n++] = (struct kt_rbac_rule){
		        .verbs = parse_list(arena, json_object_get(rule, "verbs")),
		        .groups = parse_list(arena, json_object_get(rule, "apiGroups")),
		        .resources = parse_list(arena, json_object_get(rule, "resources")),
		        .names = parse_list(arena, json_object_get(rule, "resourceNames")),
		        .urls = parse_list(arena, json_object_get(rule, "nonResourceURLs")),
		};
	}
	return parsed;
}

static bool has(const char *const *list, const char *value)
{
	for (; *list; list++)
		if (!strcmp(*list, value))
			return true;
	return false;
}

static bool has_or_all(const char **list, const char *value)
{
	return has((const char *const *)list, "*") || has((const char *const *)list, value);
}

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

/* "pods/log" matches "pods/log", "*" and every resource's sub-resource "*" + "/log"; "pods/" + "*"
 * means nothing. */
static bool resource_matches(const char **resources, const char *resource, const char *subresource)
{
	size_t len = strlen(resource);

	for (; *resources; resources++) {
		const char *r = *resources;

		if (!strcmp(r, "*"))
			return true;
		if (!*subresource && !strcmp(r, resource))
			return true;
		if (*subresource && !strncmp(r, resource, len) && r[len] == '/' &&
		        !strcmp(r + len + 1, subresource))
			return true;
		if (*subresource && !strncmp(r, "*/", 2) && !strcmp(r + 2, subresource))
			return true;
	}
	return false;
}

static bool url_matches(const char **urls, const char *path)
{
	for (; *urls; urls++) {
		size_t len = strlen(*urls);

		if (!strcmp(*urls, path))
			return true;
		if (len && (*urls)[len - 1] == '*' && !strncmp(*urls, path, len - 1))
			return true;
	}
	return false;
}

bool kt_rbac_rule_allows(const struct kt_rbac_rule *rule, const struct kt_attributes *a)
{
	if (!has_or_all(rule->verbs, a->verb))
		return false;
	if (a->path)
		return url_matches(rule->urls, a->path);
	return has_or_all(rule->groups, or_empty(a->group)) &&
	       resource_matches(rule->resources, or_empty(a->resource), or_empty(a->subresource)) &&
	       (!*rule->names || has((const char *const *)rule->names, or_empty(a->name)));
}

static void set_list(json_t *tree, const char *key, const char **items)
{
	json_t *list;

	if (!*items)
		return;
	list = json_array();
	for (; *items; items++)
		json_array_append_new(list, json_string(*items));
	json_object_set_new(tree, key, list);
}

json_t *kt_rbac_rule_tree(const struct kt_rbac_rule *rule)
{
	json_t *tree = json_object();

	set_list(tree, "verbs", rule->verbs);
	set_list(tree, "apiGroups", rule->groups);
	set_list(tree, "resources", rule->resources);
	set_list(tree, "resourceNames", rule->names);
	set_list(tree, "nonResourceURLs", rule->urls);
	return tree;
}

/* One permission that cannot be divided: one verb on one resource (and name), or on one path. */
struct simple {
	const char *verb, *group, *resource, *name, *url; /* name NULL: all; url NULL: a resource */
};

/* Does an owner's rule give all of it? As for requests, but "*" wanted is covered by "*" alone. */
static bool rule_covers(const struct kt_rbac_rule *rule, const struct simple *s)
{
	const char *slash;

	if (!has_or_all(rule->verbs, s->verb))
		return false;
	if (s->url)
		return url_matches(rule->urls, s->url);
	if (!has_or_all(rule->groups, s->group))
		return false;
	if (*rule->names && (!s->name || !has((const char *const *)rule->names, s->name)))
		return false;
	if (has_or_all(rule->resources, s->resource))
		return true;
	slash = strchr(s->resource, '/');
	if (slash)
		for (const char **r = rule->resources; *r; r++)
			if (!strncmp(*r, "*/", 2) && !strcmp(*r + 2, slash + 1))
				return true;
	return false;
}

static bool is_covered(const struct kt_rbac_rules *owned, const struct simple *s)
{
	for (size_t i = 0; i < owned->n; i++)
		if (rule_covers(&owned->items[i], s))
			return true;
	return false;
}

/* A line of the refusal: missing verbs of one resource (and name) or path. */
struct missing {
	struct simple about;
	KT_VEC(const char *) verbs;
	char *text;
};
typedef KT_VEC(struct missing) missing_list;

static bool is_same(const struct simple *a, const struct simple *b)
{
	if (a->url || b->url)
		return false; /* paths are not merged */
	return !strcmp(a->group, b->group) && !strcmp(a->resource, b->resource) &&
	       kt_streq(a->name, b->name);
}

static void note_missing(missing_list *list, const struct simple *s)
{
	struct missing one = {.about = *s};

	for (size_t i = 0; i < list->n; i++) {
		if (!is_same(&list->items[i].about, s))
			continue;
		for (size_t v = 0; v < list->items[i].verbs.n; v++)
			if (!strcmp(list->items[i].verbs.items[v], s->verb))
				return;
		kt_vec_push(&list->items[i].verbs, s->verb);
		return;
	}
	kt_vec_push(&one.verbs, s->verb);
	kt_vec_push(list, one);
}

static void divide_resources(const struct kt_rbac_rules *owned, const struct kt_rbac_rule *rule,
        const char *verb, missing_list *list)
{
	static const char *const all[] = {NULL};

	for (const char **group = rule->groups; *group; group++) {
		for (const char **resource = rule->resources; *resource; resource++) {
			const char *const *name =
			        *rule->names ? (const char *const *)rule->names : all;

			do {
				struct simple s = {verb, *group, *resource, *name, NULL};

				if (!is_covered(owned, &s))
					note_missing(list, &s);
			} while (*name && *++name);
		}
	}
}

static void divide(
        const struct kt_rbac_rules *owned, const struct kt_rbac_rule *rule, missing_list *list)
{
	for (const char **verb = rule->verbs; *verb; verb++) {
		divide_resources(owned, rule, *verb, list);
		for (const char **url = rule->urls; *url; url++) {
			struct simple s = {.verb = *verb, .url = *url};

			if (!is_covered(owned, &s))
				note_missing(list, &s);
		}
	}
}

static int compare_text(const void *a, const void *b)
{
	return strcmp(((const struct missing *)a)->text, ((const struct missing *)b)->text);
}

static char *describe(const struct missing *m)
{
	kt_auto_str text = KT_STR_INIT;

	if (m->about.url)
		kt_str_printf(&text, "{NonResourceURLs:[\"%s\"], ", m->about.url);
	else
		kt_str_printf(&text, "{APIGroups:[\"%s\"], Resources:[\"%s\"], ", m->about.group,
		        m->about.resource);
	if (m->about.name)
		kt_str_printf(&text, "ResourceNames:[\"%s\"], ", m->about.name);
	kt_str_puts(&text, "Verbs:[");
	for (size_t i = 0; i < m->verbs.n; i++)
		kt_str_printf(&text, "%s\"%s\"", i ? " " : "", m->verbs.items[i]);
	kt_str_puts(&text, "]}");
	return kt_str_steal(&text);
}

bool kt_rbac_rules_missing(
        const struct kt_rbac_rules *owned, const struct kt_rbac_rules *wanted, struct kt_str *out)
{
	missing_list list = {0};
	bool any;

	for (size_t i = 0; i < wanted->n; i++)
		divide(owned, &wanted->items[i], &list);
	for (size_t i = 0; i < list.n; i++)
		list.items[i].text = describe(&list.items[i]);
	if (list.n)
		qsort(list.items, list.n, sizeof(*list.items), compare_text);
	for (size_t i = 0; i < list.n; i++) {
		if (i == 0 || strcmp(list.items[i].text, list.items[i - 1].text))
			kt_str_printf(out, "\n%s", list.items[i].text);
		kt_vec_finish(&list.items[i].verbs);
	}
	for (size_t i = 0; i < list.n; i++)
		free(list.items[i].text);
	any = list.n > 0;
	kt_vec_finish(&list);
	return any;
}
