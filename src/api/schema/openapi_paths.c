/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kinds to paths and operations, named as upstream names them: client generators build method names
 * from operationId. */
#include "api/schema/openapi_internal.h"

#include <ctype.h>

#define META_V1 "io.k8s.apimachinery.pkg.apis.meta.v1."

struct parameter {
	const char *name, *type, *doc;
};

static const struct parameter list_parameters[] = {
        {"allowWatchBookmarks", "boolean", "Whether a watch may send BOOKMARK events."},
        {"continue", "string",
                "Token of the previous page; the list goes on where that one ended."},
        {"fieldSelector", "string", "Only objects whose fields match."},
        {"labelSelector", "string", "Only objects whose labels match."},
        {"limit", "integer", "At most this many objects in one answer."},
        {"resourceVersion", "string", "How new the answer must be, or where a watch begins."},
        {"resourceVersionMatch", "string", "How resourceVersion is meant: Exact or NotOlderThan."},
        {"sendInitialEvents", "boolean", "A watch begins with the present objects and a bookmark."},
        {"timeoutSeconds", "integer", "The longest a list or watch may take."},
        {"watch", "boolean", "Stream changes instead of listing."},
};
static const struct parameter delete_parameters[] = {
        {"dryRun", "string", "All: check everything, keep nothing."},
        {"gracePeriodSeconds", "integer", "Seconds until the object is taken away; 0 is at once."},
        {"ignoreStoreReadErrorWithClusterBreakingPotential", "boolean",
                "Delete even what cannot be read any more."},
        {"orphanDependents", "boolean", "Old form of propagationPolicy."},
        {"propagationPolicy", "string",
                "What becomes of dependents: Orphan, Background or Foreground."},
};
static const struct parameter write_parameters[] = {
        {"dryRun", "string", "All: check everything, keep nothing."},
        {"fieldManager", "string", "The name this change is recorded under in managedFields."},
        {"fieldValidation", "string", "Unknown and duplicate fields: Ignore, Warn or Strict."},
};
static const struct parameter force = {"force", "boolean", "Take fields that other appliers own."};
static const struct parameter pretty = {"pretty", "string", "Indent the answer."};

struct op {
	struct openapi *doc;
	const struct kt_kind *kind;
	char *group_camel;   /* "RbacAuthorization" */
	char *version_camel; /* "V1" */
	char *tag;           /* "rbacAuthorization_v1" */
	bool namespaced;
};

/* --- words --- */

static char *camel(const char *group, bool upper)
{
	kt_auto_str out = KT_STR_INIT;
	size_t len = strlen(group);

	if (len == 0)
		return kt_strdup(upper ? "Core" : "core");
	if (kt_ends_with(group, ".k8s.io"))
		len -= strlen(".k8s.io");
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)group[i])) {
			upper = true;
			continue;
		}
		kt_str_putc(&out, upper ? (char)toupper((unsigned char)group[i]) : group[i]);
		upper = false;
	}
	return kt_str_steal(&out);
}

static char *capital(const char *word)
{
	char *out = kt_strdup(word);

	out[0] = (char)toupper((unsigned char)out[0]);
	return out;
}

static char *root_of(const char *group, const char *version)
{
	return *group ? kt_asprintf("/apis/%s/%s", group, version)
	              : kt_asprintf("/api/%s", version);
}

/* --- parameters and bodies --- */

static json_t *make_parameter(const struct openapi *doc, const char *in, const struct parameter *p)
{
	json_t *out = json_pack("{s:s, s:s}", "in", in, "name", p->name);

	if (p->doc)
		json_object_set_new(out, "description", json_string(p->doc));
	if (strcmp(in, "path") == 0)
		json_object_set_new(out, "required", json_true());
	if (doc->v3) {
		json_object_set_new(
		        out, "schema", json_pack("{s:s, s:b}", "type", p->type, "uniqueItems", 1));
	} else {
		json_object_set_new(out, "type", json_string(p->type));
		json_object_set_new(out, "uniqueItems", json_true());
	}
	return out;
}

static json_t *parameters_of(json_t *owner)
{
	json_t *list = json_object_get(owner, "parameters");

	if (!list) {
		list = json_array();
		json_object_set_new(owner, "parameters", list);
	}
	return list;
}

static void add_query(
        const struct openapi *doc, json_t *owner, const struct parameter *parameters, size_t n)
{
	for (size_t i = 0; i < n; i++)
		json_array_append_new(
		        parameters_of(owner), make_parameter(doc, "query", &parameters[i]));
}

static void add_path_parameter(
        const struct openapi *doc, json_t *owner, const char *name, const char *text)
{
	const struct parameter p = {name, "string", text};

	json_array_append_new(parameters_of(owner), make_parameter(doc, "path", &p));
}

static void add_body(const struct op *op, json_t *operation, json_t *schema, bool required)
{
	if (op->doc->v3) {
		json_t *body = json_pack("{s:{s:{s:o}}}", "content", "*/*", "schema", schema);

		if (required)
			json_object_set_new(body, "required", json_true());
		json_object_set_new(operation, "requestBody", body);
		return;
	}
	json_t *body = json_pack("{s:s, s:s, s:o}", "in", "body", "name", "body", "schema", schema);

	if (required)
		json_object_set_new(body, "required", json_true());
	json_array_insert_new(parameters_of(operation), 0, body);
}

static const char *const plain_media[] = {
        "application/json", "application/yaml", "application/vnd.kubernetes.protobuf"};
static const char *const stream_media[] = {
        "application/json;stream=watch", "application/vnd.kubernetes.protobuf;stream=watch"};

static void add_produced(const struct op *op, json_t *operation, bool stream, const char *extra)
{
	json_t *produces;

	if (op->doc->v3)
		return;
	produces = json_array();
	if (extra)
		json_array_append_new(produces, json_string(extra));
	for (size_t i = 0; i < KT_ARRAY_SIZE(plain_media); i++)
		json_array_append_new(produces, json_string(plain_media[i]));
	for (size_t i = 0; stream && i < KT_ARRAY_SIZE(stream_media); i++)
		json_array_append_new(produces, json_string(stream_media[i]));
	json_object_set_new(operation, "produces", produces);
}

static json_t *response(const struct op *op, json_t *schema, bool stream, const char *extra)
{
	json_t *content, *out;

	if (!op->doc->v3)
		return json_pack("{s:s, s:o}", "description", "OK", "schema", schema);
	content = json_object();
	for (size_t i = 0; i < KT_ARRAY_SIZE(plain_media); i++)
		json_object_set_new(content, plain_media[i], json_pack("{s:O}", "schema", schema));
	for (size_t i = 0; stream && i < KT_ARRAY_SIZE(stream_media); i++)
		json_object_set_new(content, stream_media[i], json_pack("{s:O}", "schema", schema));
	if (extra)
		json_object_set_new(content, extra, json_pack("{s:O}", "schema", schema));
	out = json_pack("{s:s, s:o}", "description", "OK", "content", content);
	json_decref(schema);
	return out;
}

/* One operation with its answers; codes like "200 201", schema is taken. */
static json_t *make_operation(
        const struct op *op, const char *id, json_t *schema, const char *codes, bool stream)
{
	json_t *operation = json_pack("{s:s, s:[s]}", "operationId", id, "tags", op->tag),
	       *responses = json_object();
	struct kt_sv rest = kt_sv_of(codes), code;

	while (*codes && kt_sv_split(&rest, ' ', &code)) {
		kt_auto_free char *text = kt_sv_dup(code);

		json_object_set_new(
		        responses, text, response(op, json_incref(schema), stream, NULL));
	}
	json_decref(schema);
	json_object_set_new(responses, "401", json_pack("{s:s}", "description", "Unauthorized"));
	json_object_set_new(operation, "responses", responses);
	if (!op->doc->v3) {
		json_object_set_new(operation, "schemes", json_pack("[s]", "https"));
		json_object_set_new(operation, "consumes", json_pack("[s]", "*/*"));
		add_produced(op, operation, stream, NULL);
	}
	return operation;
}

static void set_action(json_t *operation, const char *action, const char *group,
        const char *version, const char *kind)
{
	json_object_set_new(operation, "x-kubernetes-action", json_string(action));
	json_object_set_new(
	        operation, "x-kubernetes-group-version-kind", openapi_gvk(group, version, kind));
}

/* "listAppsV1NamespacedDeployment" with prefix "list", after "" and suffix "". */
static char *operation_id(const struct op *op, const char *verb, const char *after, bool namespaced,
        const char *suffix)
{
	return kt_asprintf("%s%s%s%s%s%s%s", verb, op->group_camel, op->version_camel, after,
	        namespaced ? "Namespaced" : "", op->kind->kind, suffix);
}

static json_t *path_item(const struct op *op, const char *path)
{
	json_t *item = json_object_get(op->doc->paths, path);

	if (!item) {
		item = json_object();
		json_object_set_new(op->doc->paths, path, item);
	}
	return item;
}

static void add_pretty(const struct op *op, json_t *item)
{
	json_array_append_new(parameters_of(item), make_parameter(op->doc, "query", &pretty));
}

/* A path below /namespaces/{namespace} where the kind has namespaces; with pretty unless it is a
 * connection. */
static json_t *open_item(const struct op *op, const char *path, bool named, bool with_pretty)
{
	json_t *item = path_item(op, path);

	if (json_object_get(item, "parameters"))
		return item;
	if (named) {
		kt_auto_free char *text = kt_asprintf("Name of the %s.", op->kind->kind);

		add_path_parameter(op->doc, item, "name", text);
	}
	if (op->namespaced)
		add_path_parameter(op->doc, item, "namespace", "The namespace.");
	if (with_pretty)
		add_pretty(op, item);
	return item;
}

/* --- the verbs --- */

static json_t *list_ref(const struct op *op)
{
	kt_auto_free char *name = openapi_list_name(op->kind);
	const struct kt_type *type = kt_type_lookup(name);

	return type ? openapi_ref(op->doc, type) : openapi_ref_name(op->doc, name);
}

static json_t *object_ref(const struct op *op)
{
	if (op->kind->flags & KT_KIND_CUSTOM)
		return openapi_ref_name(op->doc, op->kind->type->name);
	return openapi_ref(op->doc, op->kind->type);
}

static json_t *meta_ref(const struct op *op, const char *name)
{
	kt_auto_free char *full = kt_asprintf(META_V1 "%s", name);

	return openapi_ref(op->doc, kt_type_lookup(full));
}

static void own_action(const struct op *op, json_t *operation, const char *action)
{
	set_action(operation, action, op->kind->group, op->kind->version, op->kind->kind);
}

static void add_list(const struct op *op, json_t *item, bool all_namespaces)
{
	kt_auto_free char *id = operation_id(op, "list", "", op->namespaced && !all_namespaces,
	        all_namespaces ? "ForAllNamespaces" : "");
	json_t *operation = make_operation(op, id, list_ref(op), "200", true);

	add_query(op->doc, operation, list_parameters, KT_ARRAY_SIZE(list_parameters));
	own_action(op, operation, "list");
	json_object_set_new(item, "get", operation);
}

static void add_create(const struct op *op, json_t *item)
{
	kt_auto_free char *id = operation_id(op, "create", "", op->namespaced, "");
	json_t *operation = make_operation(op, id, object_ref(op), "200 201 202", false);

	add_query(op->doc, operation, write_parameters, KT_ARRAY_SIZE(write_parameters));
	add_body(op, operation, object_ref(op), true);
	own_action(op, operation, "post");
	json_object_set_new(item, "post", operation);
}

static void add_delete_collection(const struct op *op, json_t *item)
{
	kt_auto_free char *id = operation_id(op, "delete", "Collection", op->namespaced, "");
	json_t *operation = make_operation(op, id, meta_ref(op, "Status"), "200", false);

	add_query(op->doc, operation, delete_parameters, KT_ARRAY_SIZE(delete_parameters));
	for (size_t i = 0; i < KT_ARRAY_SIZE(list_parameters); i++)
		if (strcmp(list_parameters[i].name, "watch") != 0 &&
		        strcmp(list_parameters[i].name, "allowWatchBookmarks") != 0)
			add_query(op->doc, operation, &list_parameters[i], 1);
	add_body(op, operation, meta_ref(op, "DeleteOptions"), false);
	own_action(op, operation, "deletecollection");
	json_object_set_new(item, "delete", operation);
}

static void add_delete(const struct op *op, json_t *item)
{
	kt_auto_free char *id = operation_id(op, "delete", "", op->namespaced, "");
	bool object = op->kind->flags & KT_KIND_RETURNS_DELETED;
	json_t *operation = make_operation(
	        op, id, object ? object_ref(op) : meta_ref(op, "Status"), "200 202", false);

	add_query(op->doc, operation, delete_parameters, KT_ARRAY_SIZE(delete_parameters));
	add_body(op, operation, meta_ref(op, "DeleteOptions"), false);
	own_action(op, operation, "delete");
	json_object_set_new(item, "delete", operation);
}

/* What a sub-resource exchanges; the object itself for status. */
struct target {
	const char *suffix; /* "", "Status", "Scale" */
	const char *group, *version, *kind;
	json_t *ref;
};

static void add_read(const struct op *op, json_t *item, const struct target *target)
{
	kt_auto_free char *id = operation_id(op, "read", "", op->namespaced, target->suffix);
	json_t *operation = make_operation(op, id, json_incref(target->ref), "200", false);

	set_action(operation, "get", target->group, target->version, target->kind);
	json_object_set_new(item, "get", operation);
}

static void add_replace(const struct op *op, json_t *item, const struct target *target)
{
	kt_auto_free char *id = operation_id(op, "replace", "", op->namespaced, target->suffix);
	json_t *operation = make_operation(op, id, json_incref(target->ref), "200 201", false);

	add_query(op->doc, operation, write_parameters, KT_ARRAY_SIZE(write_parameters));
	add_body(op, operation, json_incref(target->ref), true);
	set_action(operation, "put", target->group, target->version, target->kind);
	json_object_set_new(item, "put", operation);
}

static void add_patch(const struct op *op, json_t *item, const struct target *target)
{
	static const char *const media[] = {"application/apply-patch+yaml",
	        "application/json-patch+json", "application/merge-patch+json",
	        "application/strategic-merge-patch+json"};
	kt_auto_free char *id = operation_id(op, "patch", "", op->namespaced, target->suffix);
	json_t *operation = make_operation(op, id, json_incref(target->ref), "200 201", false);
	json_t *content = json_object(), *consumes = json_array();
	size_t n = KT_ARRAY_SIZE(media) - (op->kind->flags & KT_KIND_CUSTOM ? 1 : 0);

	for (size_t i = 0; i < n; i++) {
		json_object_set_new(content, media[i],
		        json_pack("{s:o}", "schema", openapi_ref_name(op->doc, META_V1 "Patch")));
		json_array_append_new(consumes, json_string(media[i]));
	}
	json_object_set_new(op->doc->schemas, META_V1 "Patch",
	        json_pack("{s:s, s:s}", "type", "object", "description",
	                "A patch in the form its Content-Type names."));
	add_query(op->doc, operation, write_parameters, KT_ARRAY_SIZE(write_parameters));
	add_query(op->doc, operation, &force, 1);
	if (op->doc->v3) {
		json_object_set_new(operation, "requestBody",
		        json_pack("{s:O, s:b}", "content", content, "required", 1));
	} else {
		add_body(op, operation, openapi_ref_name(op->doc, META_V1 "Patch"), true);
		json_object_set(operation, "consumes", consumes);
	}
	json_decref(content);
	json_decref(consumes);
	set_action(operation, "patch", target->group, target->version, target->kind);
	json_object_set_new(item, "patch", operation);
}

static void add_watches(const struct op *op, const char *root)
{
	const char *plural = op->kind->plural,
	           *middle = op->namespaced ? "namespaces/{namespace}/" : "";
	kt_auto_free char *list = kt_asprintf("%s/watch/%s%s", root, middle, plural);
	kt_auto_free char *one = kt_asprintf("%s/watch/%s%s/{name}", root, middle, plural);
	kt_auto_free char *all = op->namespaced ? kt_asprintf("%s/watch/%s", root, plural) : NULL;
	const char *const paths[] = {list, one, all};
	static const char *const suffixes[] = {"List", "", "ListForAllNamespaces"};

	for (size_t i = 0; i < KT_ARRAY_SIZE(paths) && paths[i]; i++) {
		kt_auto_free char *id =
		        operation_id(op, "watch", "", op->namespaced && i < 2, suffixes[i]);
		json_t *operation = make_operation(op, id, meta_ref(op, "WatchEvent"), "200", true),
		       *item = path_item(op, paths[i]);

		own_action(op, operation, i == 1 ? "watch" : "watchlist");
		json_object_set_new(item, "get", operation);
		if (i == 1)
			add_path_parameter(op->doc, item, "name", "Name of the object.");
		if (op->namespaced && i < 2)
			add_path_parameter(op->doc, item, "namespace", "The namespace.");
		add_pretty(op, item);
		add_query(op->doc, item, list_parameters, KT_ARRAY_SIZE(list_parameters));
	}
}

/* --- sub-resources --- */

static bool is_connection(const struct kt_subresource *sub)
{
	return kt_ends_with(sub->kind, "Options");
}

static void add_option_parameters(
        const struct op *op, json_t *item, const struct kt_type *options, const char *without)
{
	for (size_t i = 0; options && i < options->n_fields; i++) {
		const struct kt_field *field = &options->fields[options->by_name[i]];
		const struct kt_type *type =
		        field->type->shape == KT_SHAPE_LIST ? field->type->elem : field->type;
		struct parameter p = {field->name, "string", *field->doc ? field->doc : NULL};

		if (!field->number || kt_streq(field->name, without))
			continue;
		if (type->shape == KT_SHAPE_BOOL)
			p.type = "boolean";
		else if (type->shape == KT_SHAPE_INT32 || type->shape == KT_SHAPE_INT64)
			p.type = "integer";
		json_array_append_new(parameters_of(item), make_parameter(op->doc, "query", &p));
	}
}

static json_t *connection(const struct op *op, const char *id)
{
	json_t *text = json_pack("{s:s}", "type", "string"),
	       *operation = make_operation(op, id, json_incref(text), "", false);

	if (op->doc->v3) {
		json_object_set_new(json_object_get(operation, "responses"), "200",
		        json_pack("{s:s, s:{s:{s:O}}}", "description", "OK", "content", "*/*",
		                "schema", text));
	} else {
		json_object_set_new(json_object_get(operation, "responses"), "200",
		        json_pack("{s:s, s:O}", "description", "OK", "schema", text));
		json_object_set_new(operation, "produces", json_pack("[s]", "*/*"));
	}
	json_decref(text);
	return operation;
}

static void add_connection(
        const struct op *op, const struct kt_subresource *sub, const char *path, const char *suffix)
{
	static const char *const all[] = {
	        "get", "post", "put", "patch", "delete", "head", "options"};
	bool proxy = strcmp(sub->name, "proxy") == 0;
	kt_auto_free char *sub_camel = capital(sub->name);
	kt_auto_free char *last = kt_asprintf("%s%s", sub_camel, suffix);
	json_t *item = open_item(op, path, true, false);

	add_option_parameters(
	        op, item, kt_type_for_body(sub->group, sub->version, sub->kind), NULL);
	if (*suffix)
		add_path_parameter(op->doc, item, "path", "The rest of the path.");
	for (size_t i = 0; i < (proxy ? KT_ARRAY_SIZE(all) : 2); i++) {
		kt_auto_free char *method = capital(all[i]);
		kt_auto_free char *id = operation_id(op, "connect", method, op->namespaced, last);
		json_t *operation = connection(op, id);

		set_action(operation, "connect", sub->group, sub->version, sub->kind);
		json_object_set_new(item, all[i], operation);
	}
}

static void add_log(const struct op *op, const struct kt_subresource *sub, const char *path)
{
	kt_auto_free char *id = operation_id(op, "read", "", op->namespaced, "Log");
	json_t *item = open_item(op, path, true, true),
	       *text = json_pack("{s:s}", "type", "string");
	json_t *operation = make_operation(op, id, json_incref(text), "", false);

	json_object_set_new(json_object_get(operation, "responses"), "200",
	        response(op, text, false, "text/plain"));
	add_produced(op, operation, false, "text/plain");
	add_option_parameters(op, item, kt_type_for_body("", "v1", "PodLogOptions"), "sinceTime");
	set_action(operation, "get", sub->group, sub->version, sub->kind);
	json_object_set_new(item, "get", operation);
}

static void add_subresource(const struct op *op, const struct kt_subresource *sub, const char *one)
{
	kt_auto_free char *path = kt_asprintf("%s/%s", one, sub->name);
	kt_auto_free char *suffix = capital(sub->name);
	const struct kt_type *type = op->kind->type;
	struct target target = {suffix, sub->group, sub->version, sub->kind, NULL};
	json_t *item;

	if (is_connection(sub)) {
		add_connection(op, sub, path, "");
		if (strcmp(sub->name, "proxy") == 0) {
			kt_auto_free char *rest = kt_asprintf("%s/{path}", path);

			add_connection(op, sub, rest, "WithPath");
		}
		return;
	}
	if (strcmp(sub->name, "log") == 0) {
		add_log(op, sub, path);
		return;
	}
	if (strcmp(sub->kind, op->kind->kind) != 0)
		type = kt_type_for_body(sub->group, sub->version, sub->kind);
	target.ref = type == op->kind->type ? object_ref(op) : openapi_ref(op->doc, type);
	item = open_item(op, path, true, true);
	if (sub->verbs & KT_VERB_GET)
		add_read(op, item, &target);
	if (sub->verbs & KT_VERB_UPDATE)
		add_replace(op, item, &target);
	if (sub->verbs & KT_VERB_PATCH)
		add_patch(op, item, &target);
	if (sub->verbs & KT_VERB_CREATE) {
		kt_auto_free char *id = operation_id(op, "create", "", op->namespaced, suffix);
		json_t *operation =
		        make_operation(op, id, json_incref(target.ref), "200 201 202", false);

		add_query(op->doc, operation, write_parameters, KT_ARRAY_SIZE(write_parameters));
		add_body(op, operation, json_incref(target.ref), true);
		set_action(operation, "post", sub->group, sub->version, sub->kind);
		json_object_set_new(item, "post", operation);
	}
	json_decref(target.ref);
}

/* --- a kind --- */

static void add_collection(const struct op *op, const char *path)
{
	uint16_t verbs = op->kind->verbs;
	json_t *item;

	if (!(verbs & (KT_VERB_LIST | KT_VERB_CREATE | KT_VERB_DELETECOLLECTION)))
		return;
	item = open_item(op, path, false, true);
	if (verbs & KT_VERB_LIST)
		add_list(op, item, false);
	if (verbs & KT_VERB_CREATE)
		add_create(op, item);
	if (verbs & KT_VERB_DELETECOLLECTION)
		add_delete_collection(op, item);
}

static void add_object(const struct op *op, const char *path)
{
	struct target target = {"", op->kind->group, op->kind->version, op->kind->kind, NULL};
	uint16_t verbs = op->kind->verbs;
	json_t *item;

	if (!(verbs & KT_VERB_GET))
		return;
	item = open_item(op, path, true, true);
	target.ref = object_ref(op);
	add_read(op, item, &target);
	if (verbs & KT_VERB_UPDATE)
		add_replace(op, item, &target);
	if (verbs & KT_VERB_PATCH)
		add_patch(op, item, &target);
	if (verbs & KT_VERB_DELETE)
		add_delete(op, item);
	json_decref(target.ref);
}

void openapi_add_kind(struct openapi *doc, const struct kt_kind *kind)
{
	kt_auto_free char *lower = camel(kind->group, false), *upper = camel(kind->group, true);
	kt_auto_free char *version = capital(kind->version),
	                  *tag = kt_asprintf("%s_%s", lower, kind->version);
	kt_auto_free char *root = root_of(kind->group, kind->version);
	const struct op op = {doc, kind, upper, version, tag, kind->flags & KT_KIND_NAMESPACED};
	kt_auto_free char *collection = kt_asprintf(
	        "%s/%s%s", root, op.namespaced ? "namespaces/{namespace}/" : "", kind->plural);
	kt_auto_free char *one = kt_asprintf("%s/{name}", collection);

	if (kind->flags & KT_KIND_CUSTOM)
		openapi_add_custom(doc, kind);
	add_collection(&op, collection);
	add_object(&op, one);
	if (op.namespaced && (kind->verbs & KT_VERB_LIST)) {
		kt_auto_free char *all = kt_asprintf("%s/%s", root, kind->plural);
		json_t *item = path_item(&op, all);

		add_pretty(&op, item);
		add_list(&op, item, true);
	}
	if ((kind->verbs & KT_VERB_WATCH) && !(kind->flags & KT_KIND_CUSTOM))
		add_watches(&op, root);
	for (size_t i = 0; i < kind->n_subresources; i++)
		add_subresource(&op, &kind->subresources[i], one);
}

/* --- discovery --- */

static void add_discovery(
        struct openapi *doc, const char *path, const char *tag, const char *id, const char *type)
{
	struct op op = {.doc = doc, .tag = (char *)(uintptr_t)tag};
	json_t *operation = make_operation(&op, id, meta_ref(&op, type), "200", false);

	if (!doc->v3)
		json_object_set_new(operation, "consumes",
		        json_pack("[sss]", plain_media[0], plain_media[1], plain_media[2]));
	json_object_set_new(path_item(&op, path), "get", operation);
}

void openapi_add_group_version(struct openapi *doc, const char *group, const char *version)
{
	kt_auto_free char *lower = camel(group, false), *upper = camel(group, true),
	                  *camel_version = capital(version);
	kt_auto_free char *tag = kt_asprintf("%s_%s", lower, version),
	                  *root = root_of(group, version);
	kt_auto_free char *path = kt_asprintf("%s/", root),
	                  *id = kt_asprintf("get%s%sAPIResources", upper, camel_version);

	add_discovery(doc, path, tag, id, "APIResourceList");
}

void openapi_add_group(struct openapi *doc, const char *group)
{
	kt_auto_free char *lower = camel(group, false), *upper = camel(group, true);
	kt_auto_free char *path = kt_asprintf("/apis/%s/", group),
	                  *id = kt_asprintf("get%sAPIGroup", upper);

	add_discovery(doc, path, lower, id, "APIGroup");
}

static void add_text(
        struct openapi *doc, const char *path, const char *tag, const char *id, const char *media)
{
	json_object_set_new(doc->paths, path,
	        json_pack("{s:{s:s, s:[s], s:[s], s:[s], s:{s:{s:s, s:{s:s}}, s:{s:s}}}}", "get",
	                "operationId", id, "tags", tag, "schemes", "https", "produces", media,
	                "responses", "200", "description", "OK", "schema", "type", "string", "401",
	                "description", "Unauthorized"));
}

void openapi_add_roots(struct openapi *doc)
{
	static const char info[] = "io.k8s.apimachinery.pkg.version.Info";
	struct op op = {.doc = doc, .tag = (char *)(uintptr_t) "version"};
	json_t *operation;

	add_discovery(doc, "/api/", "core", "getCoreAPIVersions", "APIVersions");
	add_discovery(doc, "/apis/", "apis", "getAPIVersions", "APIGroupList");
	add_text(doc, "/.well-known/openid-configuration/", "WellKnown",
	        "getServiceAccountIssuerOpenIDConfiguration", "application/json");
	add_text(doc, "/openid/v1/jwks/", "openid", "getServiceAccountIssuerOpenIDKeyset",
	        "application/jwk-set+json");
	operation = make_operation(
	        &op, "getCodeVersion", openapi_ref(doc, kt_type_lookup(info)), "200", false);
	json_object_set_new(operation, "consumes", json_pack("[s]", plain_media[0]));
	json_object_set_new(operation, "produces", json_pack("[s]", plain_media[0]));
	json_object_set_new(path_item(&op, "/version/"), "get", operation);
}
