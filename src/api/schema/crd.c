/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A definition to kinds: names, versions, columns, sub-resources. The schema's types are made in
 * crd_schema.c. */
#include "api/schema/crd.h"

#include "api/schema/crd_internal.h"
#include "base/log.h"

#include <ctype.h>

#define ALL_VERBS \
	(KT_VERB_GET | KT_VERB_LIST | KT_VERB_WATCH | KT_VERB_CREATE | KT_VERB_UPDATE | \
	        KT_VERB_PATCH | KT_VERB_DELETE | KT_VERB_DELETECOLLECTION)
#define SUB_VERBS (KT_VERB_GET | KT_VERB_UPDATE | KT_VERB_PATCH)

/* "v1beta2" -> stability 1, major 1, minor 2; false for other names. */
static bool split_version(const char *name, int *ret_stability, long *ret_major, long *ret_minor)
{
	char *end;

	*ret_minor = 0;
	if (name[0] != 'v' || !isdigit((unsigned char)name[1]))
		return false;
	*ret_major = strtol(name + 1, &end, 10);
	*ret_stability = 2;
	if (*end == '\0')
		return true;
	if (kt_starts_with(end, "alpha"))
		*ret_stability = 0;
	else if (kt_starts_with(end, "beta"))
		*ret_stability = 1;
	else
		return false;
	end += *ret_stability ? 4 : 5;
	if (!isdigit((unsigned char)*end))
		return false;
	*ret_minor = strtol(end, &end, 10);
	return *end == '\0';
}

int kt_version_compare(const char *a, const char *b)
{
	int a_stability, b_stability;
	long a_major, a_minor, b_major, b_minor;
	bool a_known = split_version(a, &a_stability, &a_major, &a_minor);
	bool b_known = split_version(b, &b_stability, &b_major, &b_minor);

	if (!a_known || !b_known)
		return a_known != b_known ? (a_known ? -1 : 1) : strcmp(a, b);
	if (a_stability != b_stability)
		return b_stability - a_stability;
	if (a_major != b_major)
		return b_major > a_major ? 1 : -1;
	return (b_minor > a_minor) - (b_minor < a_minor);
}

const char *crd_string(struct kt_arena *arena, const json_t *object, const char *path)
{
	const char *text = kt_jstr(object, path);

	return text ? kt_arena_strdup(arena, text) : NULL;
}

const char *const *crd_strings(struct kt_arena *arena, const json_t *list)
{
	size_t n = json_array_size(list), kept = 0, i;
	const char **strings;
	json_t *element;

	if (n == 0)
		return NULL;
	strings = kt_arena_alloc(arena, (n + 1) * sizeof(*strings));
	json_array_foreach(list, i, element)
		if (json_is_string(element))
			strings[kept++] = kt_arena_strdup(arena, json_string_value(element));
	return strings;
}

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

static void add_columns(struct kt_arena *arena, struct kt_kind *kind, const json_t *version)
{
	const json_t *list = json_object_get(version, "additionalPrinterColumns");
	size_t n = json_array_size(list), i;
	struct kt_column *columns =
	        kt_arena_alloc(arena, (KT_MAX(n, (size_t)1) + 1) * sizeof(*columns));
	json_t *column;

	columns[0] = (struct kt_column){.name = "Name",
	        .type = "string",
	        .format = "name",
	        .doc = "",
	        .path = ".metadata.name"};
	if (n == 0) {
		columns[1] = (struct kt_column){.name = "Age",
		        .type = "date",
		        .format = "",
		        .doc = "",
		        .path = ".metadata.creationTimestamp"};
		n = 1;
	}
	json_array_foreach(list, i, column)
		columns[i + 1] = (struct kt_column){
		        .name = or_empty(crd_string(arena, column, "name")),
		        .type = or_empty(crd_string(arena, column, "type")),
		        .format = or_empty(crd_string(arena, column, "format")),
		        .priority = (int)kt_jint(column, "priority", 0),
		        .doc = or_empty(crd_string(arena, column, "description")),
		        .path = or_empty(crd_string(arena, column, "jsonPath")),
		};
	kind->columns = columns;
	kind->n_columns = n + 1;
}

static void add_subresources(struct kt_arena *arena, struct kt_kind *kind, const json_t *version)
{
	const json_t *subresources = json_object_get(version, "subresources");
	const json_t *scale = json_object_get(subresources, "scale");
	struct kt_subresource *out = kt_arena_alloc(arena, 2 * sizeof(*out));

	if (json_is_object(json_object_get(subresources, "status"))) {
		out[kind->n_subresources++] = (struct kt_subresource){.name = "status",
		        .group = kind->group,
		        .version = kind->version,
		        .kind = kind->kind,
		        .verbs = SUB_VERBS};
		kind->flags |= KT_KIND_HAS_STATUS;
	}
	if (json_is_object(scale))
		out[kind->n_subresources++] = (struct kt_subresource){.name = "scale",
		        .group = "autoscaling",
		        .version = "v1",
		        .kind = "Scale",
		        .verbs = SUB_VERBS,
		        .replicas_path = crd_string(arena, scale, "specReplicasPath"),
		        .status_replicas_path = crd_string(arena, scale, "statusReplicasPath"),
		        .label_selector_path = crd_string(arena, scale, "labelSelectorPath")};
	kind->subresources = out;
}

static void add_selectable(struct kt_arena *arena, struct kt_kind *kind, const json_t *version)
{
	const json_t *list = json_object_get(version, "selectableFields");
	struct kt_selectable *out =
	        kt_arena_alloc(arena, (json_array_size(list) + 2) * sizeof(*out));
	json_t *entry;
	size_t i, n = 0;

	out[n++] = (struct kt_selectable){"metadata.name", "metadata.name"};
	if (kind->flags & KT_KIND_NAMESPACED)
		out[n++] = (struct kt_selectable){"metadata.namespace", "metadata.namespace"};
	json_array_foreach(list, i, entry) {
		const char *path = crd_string(arena, entry, "jsonPath");

		if (path && path[0] == '.')
			out[n++] = (struct kt_selectable){path + 1, path + 1};
	}
	kind->selectable = out;
	kind->n_selectable = n;
}

/* com.example.v1.Thing for the group example.com: how upstream names a definition in OpenAPI. */
static const char *type_name(
        struct kt_arena *arena, const char *group, const char *version, const char *kind)
{
	kt_auto_str name = KT_STR_INIT;
	size_t end = strlen(group);

	while (end > 0) {
		size_t start = end;

		while (start > 0 && group[start - 1] != '.')
			start--;
		kt_str_add(&name, group + start, end - start);
		kt_str_putc(&name, '.');
		end = start > 0 ? start - 1 : 0;
	}
	kt_str_printf(&name, "%s.%s", version, kind);
	return kt_arena_strdup(arena, kt_str_text(&name));
}

/* The newest served version that is not deprecated and newer than `than`; NULL when there is none.
 */
static const char *replacement_of(const json_t *versions, const char *than)
{
	const char *best = NULL;
	json_t *version;
	size_t i;

	json_array_foreach(versions, i, version) {
		const char *name = or_empty(kt_jstr(version, "name"));

		if (!kt_jbool(version, "served", false) || kt_jbool(version, "deprecated", false) ||
		        kt_version_compare(name, than) >= 0)
			continue;
		if (!best || kt_version_compare(name, best) < 0)
			best = name;
	}
	return best;
}

static const char *deprecation_of(
        struct kt_crd *crd, const struct kt_kind *kind, const json_t *version)
{
	const char *warning = crd_string(&crd->arena, version, "deprecationWarning"), *newer;

	if (!kt_jbool(version, "deprecated", false))
		return NULL;
	if (warning)
		return warning;
	newer = replacement_of(kt_jget(crd->definition, "spec.versions"), kind->version);
	if (!newer)
		return kt_arena_printf(&crd->arena, "%s/%s %s is deprecated", kind->group,
		        kind->version, kind->kind);
	return kt_arena_printf(&crd->arena, "%s/%s %s is deprecated; use %s/%s %s", kind->group,
	        kind->version, kind->kind, kind->group, newer, kind->kind);
}

static void build_kind(struct kt_crd *crd, struct kt_kind *kind, struct kt_crd_version *info,
        const json_t *version)
{
	struct kt_arena *arena = &crd->arena;
	const json_t *spec = json_object_get(crd->definition, "spec"),
	             *names = json_object_get(spec, "names");
	const json_t *schema = kt_jget(version, "schema.openAPIV3Schema");
	const char *plural;

	kind->group = or_empty(crd_string(arena, spec, "group"));
	kind->version = or_empty(crd_string(arena, version, "name"));
	kind->kind = or_empty(crd_string(arena, names, "kind"));
	kind->list_kind = crd_string(arena, names, "listKind");
	if (!kind->list_kind)
		kind->list_kind = kt_arena_printf(arena, "%sList", kind->kind);
	kind->plural = plural = or_empty(crd_string(arena, names, "plural"));
	kind->singular = crd_string(arena, names, "singular");
	if (!kind->singular) {
		char *singular = kt_arena_strdup(arena, kind->kind);

		for (char *p = singular; *p; p++)
			*p = (char)tolower((unsigned char)*p);
		kind->singular = singular;
	}
	kind->short_names = crd_strings(arena, json_object_get(names, "shortNames"));
	kind->categories = crd_strings(arena, json_object_get(names, "categories"));
	kind->flags = KT_KIND_CUSTOM | KT_KIND_GENERATION | KT_KIND_REQUIRE_RV;
	if (kt_streq(kt_jstr(spec, "scope"), "Namespaced"))
		kind->flags |= KT_KIND_NAMESPACED;
	kind->verbs = ALL_VERBS;
	kind->name_format = "dns1123-subdomain";
	kind->storage_version = crd->storage_version;
	kind->storage_prefix = kt_arena_printf(arena, "/registry/%s/%s", kind->group, plural);
	kind->doc = or_empty(crd_string(arena, schema, "description"));
	kind->type = crd_root_type(
	        arena, schema, type_name(arena, kind->group, kind->version, kind->kind));
	kind->set = &crd->set;
	add_columns(arena, kind, version);
	add_subresources(arena, kind, version);
	add_selectable(arena, kind, version);
	*info = (struct kt_crd_version){.name = kind->version,
	        .deprecation_warning = deprecation_of(crd, kind, version),
	        .schema = schema};
}

static int compare_versions(const void *a, const void *b)
{
	json_t *const *left = a, *const *right = b;

	return kt_version_compare(
	        or_empty(kt_jstr(*left, "name")), or_empty(kt_jstr(*right, "name")));
}

struct kt_crd *kt_crd_compile(const json_t *definition)
{
	struct kt_crd *crd = kt_new(struct kt_crd);
	const json_t *versions;
	json_t *version, **served;
	struct kt_kind *kinds;
	struct kt_crd_version *infos;
	size_t i, n = 0;

	atomic_init(&crd->refs, 1);
	kt_arena_init(&crd->arena);
	crd->definition = json_deep_copy(definition);
	crd->name = or_empty(crd_string(&crd->arena, crd->definition, "metadata.name"));
	versions = kt_jget(crd->definition, "spec.versions");
	served = kt_arena_alloc(&crd->arena, (json_array_size(versions) + 1) * sizeof(json_t *));
	crd->storage_version = "";
	json_array_foreach(versions, i, version) {
		if (kt_jbool(version, "storage", false))
			crd->storage_version = or_empty(crd_string(&crd->arena, version, "name"));
		if (kt_jbool(version, "served", false))
			served[n++] = version;
	}
	qsort(served, n, sizeof(served[0]), compare_versions);
	kinds = kt_arena_alloc(&crd->arena, (n + 1) * sizeof(*kinds));
	infos = kt_arena_alloc(&crd->arena, (n + 1) * sizeof(*infos));
	for (i = 0; i < n; i++) {
		build_kind(crd, &kinds[i], &infos[i], served[i]);
		kinds[i].index = (uint16_t)i;
	}
	crd->set = (struct kt_kind_set){kinds, n};
	crd->versions = infos;
	return crd;
}

struct kt_crd *kt_crd_ref(struct kt_crd *crd)
{
	if (crd)
		atomic_fetch_add_explicit(&crd->refs, 1, memory_order_relaxed);
	return crd;
}

void kt_crd_unref(struct kt_crd *crd)
{
	if (!crd || atomic_fetch_sub_explicit(&crd->refs, 1, memory_order_acq_rel) != 1)
		return;
	json_decref(crd->definition);
	kt_arena_finish(&crd->arena);
	free(crd);
}

struct kt_crd *kt_crd_of_kind(const struct kt_kind *kind)
{
	if (!(kind->flags & KT_KIND_CUSTOM))
		return NULL;
	return kt_container_of((struct kt_kind_set *)(uintptr_t)kind->set, struct kt_crd, set);
}

void kt_crd_default(json_t *definition)
{
	json_t *names = kt_jget(definition, "spec.names"),
	       *status = json_object_get(definition, "status");
	const char *kind = kt_jstr(names, "kind");
	json_t *version;
	size_t i;

	if (kind && *kind && !kt_jstr(names, "singular")) {
		kt_auto_free char *singular = kt_strdup(kind);

		for (char *p = singular; *p; p++)
			*p = (char)tolower((unsigned char)*p);
		json_object_set_new(names, "singular", json_string(singular));
	}
	if (kind && *kind && !kt_jstr(names, "listKind"))
		json_object_set_new(names, "listKind", json_sprintf("%sList", kind));
	if (!status) {
		status = json_object();
		json_object_set_new(definition, "status", status);
	}
	if (json_array_size(json_object_get(status, "storedVersions")) > 0)
		return;
	json_array_foreach(kt_jget(definition, "spec.versions"), i, version) {
		if (!kt_jbool(version, "storage", false))
			continue;
		json_object_set_new(status, "storedVersions",
		        json_pack("[s]", or_empty(kt_jstr(version, "name"))));
		break;
	}
}
