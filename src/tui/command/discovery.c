/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/command/discovery.h"

#include "base/json.h"
#include "base/mem.h"

#include <ctype.h>
#include <errno.h>
#include <strings.h>

#define ACCEPT_AGGREGATED \
	"application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList," \
	"application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/" \
	"json"

static char **strings_of_array(const json_t *array)
{
	size_t n = json_array_size(array);
	char **strings = kt_new_array(char *, n + 1);

	for (size_t i = 0; i < n; i++) {
		const char *text = json_string_value(json_array_get(array, i));

		strings[i] = kt_strdup(text ? text : "");
	}
	return strings;
}

static void strings_free(char **strings)
{
	for (size_t i = 0; strings && strings[i]; i++)
		free(strings[i]);
	free(strings);
}

static bool strings_have(char *const *strings, const char *text)
{
	for (size_t i = 0; strings && strings[i]; i++)
		if (!strcasecmp(strings[i], text))
			return true;
	return false;
}

static void strings_push(char ***strings, const char *text)
{
	size_t n = 0;

	while ((*strings)[n])
		n++;
	*strings = kt_reallocarray(*strings, n + 2, sizeof(char *));
	(*strings)[n] = kt_strdup(text);
	(*strings)[n + 1] = NULL;
}

static struct kt_resource *resource_push(struct kt_discovery *discovery)
{
	discovery->resources = kt_reallocarray(
	        discovery->resources, discovery->n + 1, sizeof(*discovery->resources));
	discovery->resources[discovery->n] = (struct kt_resource){0};
	return &discovery->resources[discovery->n++];
}

static char *dup_or_empty(const char *text)
{
	return kt_strdup(text ? text : "");
}

static void add_aggregated_resource(struct kt_discovery *discovery, const char *group,
        const char *version, bool preferred, const json_t *entry)
{
	const char *kind = kt_jstr(entry, "responseKind.kind");
	json_t *sub;
	size_t i;

	if (!kind || !kt_jstr(entry, "resource"))
		return;
	struct kt_resource *resource = resource_push(discovery);

	resource->group = dup_or_empty(group);
	resource->version = dup_or_empty(version);
	resource->plural = kt_strdup(kt_jstr(entry, "resource"));
	resource->singular = dup_or_empty(kt_jstr(entry, "singularResource"));
	resource->kind = kt_strdup(kind);
	resource->namespaced = kt_streq(kt_jstr(entry, "scope"), "Namespaced");
	resource->preferred = preferred;
	resource->short_names = strings_of_array(json_object_get(entry, "shortNames"));
	resource->categories = strings_of_array(json_object_get(entry, "categories"));
	resource->verbs = strings_of_array(json_object_get(entry, "verbs"));
	resource->subresources = kt_new_array(char *, 1);
	json_array_foreach(json_object_get(entry, "subresources"), i, sub) {
		if (kt_jstr(sub, "subresource"))
			strings_push(&resource->subresources, kt_jstr(sub, "subresource"));
	}
}

static void add_aggregated(struct kt_discovery *discovery, const json_t *list)
{
	json_t *group, *version, *entry;
	size_t g, v, r;

	json_array_foreach(json_object_get(list, "items"), g, group) {
		json_array_foreach(json_object_get(group, "versions"), v, version) {
			json_array_foreach(json_object_get(version, "resources"), r, entry)
				add_aggregated_resource(discovery, kt_jstr(group, "metadata.name"),
				        kt_jstr(version, "version"), v == 0, entry);
		}
	}
}

static void add_plain_resource(struct kt_discovery *discovery, const char *group,
        const char *version, bool preferred, const json_t *entry)
{
	const char *name = kt_jstr(entry, "name");
	const char *slash = name ? strchr(name, '/') : NULL;

	if (!name || !kt_jstr(entry, "kind"))
		return;
	if (slash) {
		struct kt_resource *last =
		        discovery->n ? &discovery->resources[discovery->n - 1] : NULL;

		if (last && !strncmp(last->plural, name, (size_t)(slash - name)))
			strings_push(&last->subresources, slash + 1);
		return;
	}
	struct kt_resource *resource = resource_push(discovery);

	resource->group = dup_or_empty(group);
	resource->version = dup_or_empty(version);
	resource->plural = kt_strdup(name);
	resource->singular = dup_or_empty(kt_jstr(entry, "singularName"));
	resource->kind = kt_strdup(kt_jstr(entry, "kind"));
	resource->namespaced = kt_jbool(entry, "namespaced", false);
	resource->preferred = preferred;
	resource->short_names = strings_of_array(json_object_get(entry, "shortNames"));
	resource->categories = strings_of_array(json_object_get(entry, "categories"));
	resource->verbs = strings_of_array(json_object_get(entry, "verbs"));
	resource->subresources = kt_new_array(char *, 1);
}

/* Who is asked, and until when. */
struct asking {
	struct kt_client *client;
	const struct kt_discovery_options *options;
};

static json_t *get_document(
        const struct asking *asking, const char *path, const char *accept, struct kt_err *err)
{
	struct kt_call call = {.method = "GET",
	        .path = path,
	        .accept = accept,
	        .timeout_ms = asking->options->timeout_ms};
	json_t *tree = NULL;

	if (kt_client_call_wait(asking->client, &call, asking->options->cancel) < 0)
		kt_err_move(err, &call.err);
	else
		tree = kt_json_parse(kt_call_body(&call), NULL, err);
	kt_call_finish(&call);
	return tree;
}

static int add_plain_version(struct kt_discovery *discovery, const struct asking *asking,
        const char *group, const char *version, bool preferred, struct kt_err *err)
{
	kt_auto_free char *path = *group ? kt_asprintf("/apis/%s/%s", group, version)
	                                 : kt_asprintf("/api/%s", version);
	kt_auto_json json_t *list = get_document(asking, path, NULL, err);
	json_t *entry;
	size_t i;

	if (!list)
		return err->code;
	json_array_foreach(json_object_get(list, "resources"), i, entry)
		add_plain_resource(discovery, group, version, preferred, entry);
	return 0;
}

/* Servers before aggregated discovery, or without it for /api. */
static int add_plain(struct kt_discovery *discovery, const struct asking *asking,
        const json_t *document, struct kt_err *err)
{
	json_t *entry, *version;
	size_t i, v;
	int r = 0;

	json_array_foreach(json_object_get(document, "versions"), i, entry) {
		if (json_is_string(entry) && r == 0)
			r = add_plain_version(
			        discovery, asking, "", json_string_value(entry), i == 0, err);
	}
	json_array_foreach(json_object_get(document, "groups"), i, entry) {
		json_array_foreach(json_object_get(entry, "versions"), v, version) {
			if (r == 0)
				r = add_plain_version(discovery, asking, kt_jstr(entry, "name"),
				        kt_jstr(version, "version"), v == 0, err);
		}
	}
	return r;
}

int kt_discovery_load(struct kt_client *client, const struct kt_discovery_options *options,
        struct kt_discovery *ret_discovery, struct kt_err *err)
{
	const struct asking asking = {client, options};
	static const char *const roots[] = {"/api", "/apis"};
	struct kt_discovery discovery = {0};
	int r = 0;

	for (size_t i = 0; i < KT_ARRAY_SIZE(roots) && r == 0; i++) {
		kt_auto_json json_t *document =
		        get_document(&asking, roots[i], ACCEPT_AGGREGATED, err);

		if (!document)
			r = err->code;
		else if (json_object_get(document, "items"))
			add_aggregated(&discovery, document);
		else
			r = add_plain(&discovery, &asking, document, err);
	}
	if (r < 0) {
		kt_discovery_finish(&discovery);
		return r;
	}
	*ret_discovery = discovery;
	return 0;
}

void kt_discovery_finish(struct kt_discovery *discovery)
{
	for (size_t i = 0; i < discovery->n; i++) {
		struct kt_resource *resource = &discovery->resources[i];

		free(resource->group);
		free(resource->version);
		free(resource->plural);
		free(resource->singular);
		free(resource->kind);
		strings_free(resource->short_names);
		strings_free(resource->categories);
		strings_free(resource->verbs);
		strings_free(resource->subresources);
	}
	free(discovery->resources);
	*discovery = (struct kt_discovery){0};
}

static bool strings_equal(char *const *a, char *const *b)
{
	size_t i = 0;

	while (a[i] && b[i] && !strcmp(a[i], b[i]))
		i++;
	return !a[i] && !b[i];
}

static bool resources_equal(const struct kt_resource *a, const struct kt_resource *b)
{
	return !strcmp(a->group, b->group) && !strcmp(a->version, b->version) &&
	       !strcmp(a->plural, b->plural) && !strcmp(a->singular, b->singular) &&
	       !strcmp(a->kind, b->kind) && a->namespaced == b->namespaced &&
	       a->preferred == b->preferred && strings_equal(a->short_names, b->short_names) &&
	       strings_equal(a->categories, b->categories) && strings_equal(a->verbs, b->verbs) &&
	       strings_equal(a->subresources, b->subresources);
}

bool kt_discovery_equal(const struct kt_discovery *a, const struct kt_discovery *b)
{
	bool equal = a->n == b->n;

	for (size_t i = 0; i < a->n && equal; i++)
		equal = resources_equal(&a->resources[i], &b->resources[i]);
	return equal;
}

static bool word_names(const struct kt_resource *resource, const char *word)
{
	return !strcasecmp(resource->plural, word) || !strcasecmp(resource->singular, word) ||
	       !strcasecmp(resource->kind, word) || strings_have(resource->short_names, word);
}

/* suffix is what stands behind the first dot: GROUP or VERSION or VERSION.GROUP; NULL: none. */
static bool suffix_fits(const struct kt_resource *resource, const char *suffix)
{
	if (!suffix)
		return resource->preferred;
	if (!strcmp(suffix, resource->group))
		return resource->preferred;
	size_t len = strlen(resource->version);

	if (strncmp(suffix, resource->version, len) != 0)
		return false;
	return *resource->group ? suffix[len] == '.' && !strcmp(suffix + len + 1, resource->group)
	                        : suffix[len] == '\0' || !strcmp(suffix + len, ".");
}

const struct kt_resource *kt_discovery_find(const struct kt_discovery *discovery, const char *word)
{
	const char *dot = strchr(word, '.');
	kt_auto_free char *name = dot ? kt_strndup(word, (size_t)(dot - word)) : kt_strdup(word);

	for (size_t i = 0; i < discovery->n; i++) {
		const struct kt_resource *resource = &discovery->resources[i];

		if (word_names(resource, name) && suffix_fits(resource, dot ? dot + 1 : NULL))
			return resource;
	}
	return NULL;
}

const struct kt_resource *kt_discovery_find_kind(
        const struct kt_discovery *discovery, const char *api_version, const char *kind)
{
	const char *slash = strchr(api_version, '/');
	struct kt_sv group =
	        slash ? (struct kt_sv){api_version, (size_t)(slash - api_version)} : KT_SV("");
	const char *version = slash ? slash + 1 : api_version;

	for (size_t i = 0; i < discovery->n; i++) {
		const struct kt_resource *resource = &discovery->resources[i];

		if (kt_sv_is(group, resource->group) && !strcmp(version, resource->version) &&
		        !strcmp(kind, resource->kind))
			return resource;
	}
	return NULL;
}

bool kt_resource_in_category(const struct kt_resource *resource, const char *category)
{
	return strings_have(resource->categories, category);
}

bool kt_resource_has_verb(const struct kt_resource *resource, const char *verb)
{
	return strings_have(resource->verbs, verb);
}

bool kt_resource_has_subresource(const struct kt_resource *resource, const char *name)
{
	return strings_have(resource->subresources, name);
}

void kt_url_escape(struct kt_str *out, const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (isalnum(*p) || strchr("-._~", *p))
			kt_str_putc(out, (char)*p);
		else
			kt_str_printf(out, "%%%02X", *p);
	}
}

char *kt_resource_path(const struct kt_resource *resource, const char *namespace, const char *name,
        const char *sub)
{
	struct kt_str path = KT_STR_INIT;

	if (*resource->group)
		kt_str_printf(&path, "/apis/%s/%s", resource->group, resource->version);
	else
		kt_str_printf(&path, "/api/%s", resource->version);
	if (namespace && resource->namespaced) {
		kt_str_puts(&path, "/namespaces/");
		kt_url_escape(&path, namespace);
	}
	kt_str_printf(&path, "/%s", resource->plural);
	if (name) {
		kt_str_putc(&path, '/');
		kt_url_escape(&path, name);
	}
	if (sub)
		kt_str_printf(&path, "/%s", sub);
	return kt_str_steal(&path);
}

char *kt_resource_full_name(const struct kt_resource *resource)
{
	return *resource->group ? kt_asprintf("%s.%s", resource->plural, resource->group)
	                        : kt_strdup(resource->plural);
}

char *kt_resource_api_version(const struct kt_resource *resource)
{
	return *resource->group ? kt_asprintf("%s/%s", resource->group, resource->version)
	                        : kt_strdup(resource->version);
}
