/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/encode.h"

#include "api/server/table.h"
#include "api/server/versions.h"
#include "base/log.h"
#include "base/yaml.h"

#include <errno.h>
#include <inttypes.h>

#define SEGMENT_BYTES (256 * 1024) /* of a list's answer */
#define WARNINGS_BYTES_MAX \
	4096 /* all Warning texts of one answer together; kube-apiserver's bound */

static int answer_str(
        struct kt_request *request, int status, const char *content_type, struct kt_str *text)
{
	request->status = status;
	if (text->len)
		kt_request_answer_add(request, kt_buf_from_str(text));
	kt_request_answer_header(request, "content-type", content_type);
	kt_request_answer_header(request, "cache-control", "no-cache, private");
	return 0;
}

void kt_encode_text(
        struct kt_request *request, int status, const char *content_type, struct kt_sv text)
{
	kt_auto_str copy = KT_STR_INIT;

	kt_str_add(&copy, text.p, text.len);
	answer_str(request, status, content_type, &copy);
}

static void write_json(const struct kt_request *request, struct kt_str *out,
        const struct kt_type *type, const json_t *tree)
{
	if (request->state->accept.pretty) {
		kt_auto_json json_t *canonical = type ? kt_codec_canonical(type, tree) : NULL;
		kt_json_write(out, canonical ? canonical : tree, KT_JSON_INDENT);
	} else if (type) {
		kt_codec_encode_json(out, type, tree);
	} else {
		kt_json_write(out, tree, 0);
	}
}

/* Without the line break that ends a JSON answer. */
static int write_tree(struct kt_request *request, const struct kt_type *type, const json_t *tree,
        struct kt_str *out)
{
	switch (request->state->accept.media) {
	case KT_MEDIA_YAML: {
		kt_auto_json json_t *canonical = type ? kt_codec_canonical(type, tree) : NULL;
		kt_yaml_write(out, canonical ? canonical : tree);
		return 0;
	}
	case KT_MEDIA_PROTOBUF:
		if (type)
			return kt_codec_encode_protobuf(out, type, tree, &request->err);
		break;
	default:
		break;
	}
	write_json(request, out, type, tree);
	return 0;
}

static const char *media_name(const struct kt_request *request, const struct kt_type *type)
{
	enum kt_media media = request->state->accept.media;

	if (media == KT_MEDIA_UNKNOWN || (media == KT_MEDIA_PROTOBUF && !type))
		media = KT_MEDIA_JSON;
	return kt_media_name(media);
}

static int finish_answer(
        struct kt_request *request, int status, const char *content_type, struct kt_str *out)
{
	/* Go's encoder ends with one, its indented text doesn't. */
	if (kt_streq(content_type, "application/json") && !request->state->accept.pretty)
		kt_str_putc(out, '\n');
	return answer_str(request, status, content_type, out);
}

int kt_encode_tree(
        struct kt_request *request, int status, const struct kt_type *type, const json_t *tree)
{
	kt_auto_str out = KT_STR_INIT;
	int code = write_tree(request, type, tree, &out);

	if (code < 0)
		return code;
	return finish_answer(request, status, media_name(request, type), &out);
}

/* "*core.ConfigMap": what Go calls the type, in refusals. */
static void go_type(const struct kt_kind *kind, bool list, char *text, size_t size)
{
	const char *name = list ? kind->list_kind : kind->kind;

	if (kind->flags & KT_KIND_CUSTOM)
		snprintf(text, size,
		        list ? "*unstructured.UnstructuredList" : "*unstructured.Unstructured");
	else
		snprintf(text, size, "*%.*s.%s", *kind->group ? (int)strcspn(kind->group, ".") : 4,
		        *kind->group ? kind->group : "core", name);
}

static int check_partial(struct kt_request *request, bool is_list)
{
	const struct kt_accept *accept = &request->state->accept;
	char name[256];

	if (accept->partial_list == is_list)
		return 0;
	go_type(request->state->kind, is_list, name, sizeof(name));
	return kt_fail_reason(&request->err, KT_REASON_NOT_ACCEPTABLE,
	        kt_reason_errno(KT_REASON_NOT_ACCEPTABLE),
	        "you requested %s, but the requested object is %s list (%s)",
	        is_list ? "PartialObjectMetadata" : "PartialObjectMetadataList",
	        is_list ? "a" : "not a", name);
}

static json_t *table_head(const struct kt_request *request, json_t *metadata, bool columns)
{
	const struct kt_accept *accept = &request->state->accept;
	json_t *table = json_object();

	json_object_set_new(table, "kind", json_string("Table"));
	json_object_set_new(table, "apiVersion",
	        json_sprintf("meta.k8s.io/%s", accept->form_version ? accept->form_version : "v1"));
	json_object_set_new(table, "metadata", metadata);
	json_object_set_new(table, "columnDefinitions",
	        columns ? kt_table_columns(request->state->table_kind ? request->state->table_kind
	                                                              : request->state->kind)
	                : json_null());
	return table;
}

static int add_row(struct kt_request *request, json_t *rows, json_t *object)
{
	enum kt_include include;
	const struct kt_request_state *state = request->state;
	int status = kt_table_include(
	        kt_request_query(request, "includeObject"), &include, &request->err);

	if (status < 0)
		return status;
	json_array_append_new(
	        rows, kt_table_row(state->table_kind ? state->table_kind : state->kind, object,
	                      include, state->accept.form_version, kt_loop_wall_ns(request->loop)));
	return 0;
}

static json_t *table_of_one(struct kt_request *request, json_t *object, bool columns)
{
	json_t *metadata = json_object(), *rows = json_array();
	const char *revision = kt_jstr(object, "metadata.resourceVersion");

	if (revision)
		json_object_set_new(metadata, "resourceVersion", json_string(revision));
	json_t *table = table_head(request, metadata, columns);
	json_object_set_new(table, "rows", rows);
	/* A list that no store made, such as of ComponentStatuses, comes as one tree. */
	json_t *items = kt_streq(kt_jstr(object, "kind"), request->state->kind->list_kind)
	                        ? json_object_get(object, "items")
	                        : NULL;
	int status = items ? 0 : add_row(request, rows, object);
	for (size_t i = 0; i < json_array_size(items) && status == 0; i++)
		status = add_row(request, rows, json_array_get(items, i));
	if (status < 0) {
		json_decref(table);
		return NULL;
	}
	return table;
}

/* A tree in the form asked for; NULL with request->err. A new reference. */
static json_t *in_form(
        struct kt_request *request, json_t *tree, bool first, const struct kt_type **type)
{
	switch (request->state->accept.form) {
	case KT_FORM_TABLE:
		*type = NULL;
		return table_of_one(request, tree, first);
	case KT_FORM_PARTIAL:
		*type = kt_type_lookup(
		        "io.k8s.apimachinery.pkg.apis.meta.v1.PartialObjectMetadata");
		return kt_table_partial(tree, request->state->accept.form_version);
	default:
		return json_incref(tree);
	}
}

static bool is_plain_json(const struct kt_request *request)
{
	const struct kt_accept *accept = &request->state->accept;

	return accept->form == KT_FORM_OBJECT && !accept->pretty &&
	       (accept->media == KT_MEDIA_JSON || accept->media == KT_MEDIA_UNKNOWN);
}

int kt_encode_one(
        struct kt_request *request, const struct kt_object *object, bool first, struct kt_str *out)
{
	const struct kt_kind *kind = request->state->kind;
	const struct kt_type *type = kind->type;

	if (is_plain_json(request) && kt_versions_is_native(kind, object)) {
		kt_str_add(out, kt_object_json(object), object->json_len);
		return 0;
	}
	kt_auto_json json_t *tree = request->state->accept.form == KT_FORM_OBJECT
	                                    ? kt_versions_tree(kind, object)
	                                    : kt_versions_hub(kind, object);
	kt_auto_json json_t *formed = in_form(request, tree, first, &type);
	if (!formed)
		return request->err.code;
	return write_tree(request, type, formed, out);
}

static int encode_stored(struct kt_request *request, int status)
{
	struct kt_request_state *state = request->state;
	kt_auto_str out = KT_STR_INIT;

	if (request->in_process && is_plain_json(request) &&
	        kt_versions_is_native(state->kind, state->stored)) {
		request->status = status;
		request->ret_object = kt_object_ref(state->stored);
		return 0;
	}
	if (state->accept.form == KT_FORM_PARTIAL && check_partial(request, false) < 0)
		return request->err.code;
	int code = kt_encode_one(request, state->stored, true, &out);
	if (code < 0)
		return code;
	bool table = state->accept.form == KT_FORM_TABLE;
	return finish_answer(
	        request, status, media_name(request, table ? NULL : state->kind->type), &out);
}

int kt_encode_result(struct kt_request *request)
{
	struct kt_request_state *state = request->state;
	int status = state->success_status ? state->success_status : 200;

	if (state->stored)
		return encode_stored(request, status);
	kt_assert(state->result);
	const struct kt_type *type = state->result_type;
	/* Status stays what it is, whatever form was asked for. */
	if (kt_streq(kt_jstr(state->result, "kind"), "Status") ||
	        state->accept.form == KT_FORM_OBJECT)
		return kt_encode_tree(request, status, type, state->result);
	if (state->accept.form == KT_FORM_PARTIAL && check_partial(request, false) < 0)
		return request->err.code;
	kt_auto_json json_t *formed = in_form(request, state->result, true, &type);
	if (!formed)
		return request->err.code;
	return kt_encode_tree(request, status, type, formed);
}

static json_t *list_metadata(const struct kt_request *request, const struct kt_encode_list *list)
{
	json_t *metadata = json_object();
	bool custom = (request->state->kind->flags & KT_KIND_CUSTOM) &&
	              request->state->accept.form == KT_FORM_OBJECT;

	json_object_set_new(metadata, "resourceVersion", json_sprintf("%" PRId64, list->revision));
	/* Lists of custom resources always say it. */
	if (custom || *list->continue_token)
		json_object_set_new(metadata, "continue", json_string(list->continue_token));
	if (list->remaining)
		json_object_set_new(metadata, "remainingItemCount", json_integer(list->remaining));
	return metadata;
}

static void flush_segment(struct kt_request *request, struct kt_str *segment)
{
	kt_request_answer_add(request, kt_buf_create(segment->data, segment->len));
	kt_str_clear(segment);
}

/* Items of typed lists stand without kind and apiVersion; those of custom resources keep them. */
static void add_item(struct kt_str *out, const struct kt_kind *kind, const struct kt_object *object,
        size_t head_len)
{
	const char *json = kt_object_json(object);

	if ((kind->flags & KT_KIND_CUSTOM) || object->json_len < head_len) {
		kt_str_add(out, json, object->json_len);
		return;
	}
	kt_str_putc(out, '{');
	kt_str_add(out, json + head_len, object->json_len - head_len);
}

static size_t item_head_len(const struct kt_kind *kind)
{
	char api_version[256];

	kt_kind_api_version(kind, api_version, sizeof(api_version));
	return strlen("{\"kind\":\"\",\"apiVersion\":\"\",") + strlen(kind->kind) +
	       strlen(api_version);
}

static int list_item(struct kt_request *request, const struct kt_object *object, size_t head_len,
        struct kt_str *out)
{
	const struct kt_kind *kind = request->state->kind;

	if (kt_versions_is_native(kind, object)) {
		add_item(out, kind, object, head_len);
		return 0;
	}
	kt_auto_json json_t *tree = kt_versions_tree(kind, object);
	if (!(kind->flags & KT_KIND_CUSTOM)) {
		json_object_del(tree, "kind");
		json_object_del(tree, "apiVersion");
	}
	kt_codec_encode_json(out, kind->type, tree);
	return 0;
}

/* The common case: bytes behind bytes. */
static int list_of_bytes(struct kt_request *request, const struct kt_encode_list *list)
{
	const struct kt_kind *kind = request->state->kind;
	kt_auto_str out = KT_STR_INIT;
	char api_version[256];
	size_t head_len = item_head_len(kind);

	kt_kind_api_version(kind, api_version, sizeof(api_version));
	kt_str_printf(&out, "{\"kind\":\"%s\",\"apiVersion\":\"%s\",\"metadata\":", kind->list_kind,
	        api_version);
	kt_auto_json json_t *metadata = list_metadata(request, list);
	kt_json_write(&out, metadata, 0);
	kt_str_puts(&out, ",\"items\":[");
	for (size_t i = 0; i < list->n; i++) {
		if (i)
			kt_str_putc(&out, ',');
		list_item(request, list->objects[i], head_len, &out);
		if (out.len > SEGMENT_BYTES)
			flush_segment(request, &out);
	}
	kt_str_puts(&out, "]}");
	return finish_answer(request, 200, "application/json", &out);
}

/* YAML, protobuf and pretty JSON: a tree of everything. */
static int list_of_trees(struct kt_request *request, const struct kt_encode_list *list)
{
	const struct kt_kind *kind = request->state->kind;
	kt_auto_json json_t *tree = json_object();
	json_t *items = json_array();
	char api_version[256], type_name[512];

	kt_kind_api_version(kind, api_version, sizeof(api_version));
	json_object_set_new(tree, "kind", json_string(kind->list_kind));
	json_object_set_new(tree, "apiVersion", json_string(api_version));
	json_object_set_new(tree, "metadata", list_metadata(request, list));
	json_object_set_new(tree, "items", items);
	for (size_t i = 0; i < list->n; i++) {
		json_t *item = kt_versions_tree(kind, list->objects[i]);
		if (!(kind->flags & KT_KIND_CUSTOM)) {
			json_object_del(item, "kind");
			json_object_del(item, "apiVersion");
		}
		json_array_append_new(items, item);
	}
	const struct kt_type *type = NULL;
	if (kind->type->name) {
		snprintf(type_name, sizeof(type_name), "%sList", kind->type->name);
		type = kt_type_lookup(type_name);
	}
	return kt_encode_tree(request, 200, type, tree);
}

static int list_as_table(struct kt_request *request, const struct kt_encode_list *list)
{
	kt_auto_json json_t *table = table_head(request, list_metadata(request, list), true);
	json_t *rows = json_array();
	enum kt_include include;

	json_object_set_new(table, "rows", rows);
	int status = kt_table_include(
	        kt_request_query(request, "includeObject"), &include, &request->err);
	for (size_t i = 0; i < list->n && status == 0; i++) {
		kt_auto_json json_t *tree = kt_versions_hub(request->state->kind, list->objects[i]);
		status = add_row(request, rows, tree);
	}
	return status < 0 ? status : kt_encode_tree(request, 200, NULL, table);
}

static int list_as_partial(struct kt_request *request, const struct kt_encode_list *list)
{
	const char *version = request->state->accept.form_version;
	kt_auto_json json_t *tree = json_object();
	json_t *items = json_array();

	if (check_partial(request, true) < 0) {
		json_decref(items);
		return request->err.code;
	}
	for (size_t i = 0; i < list->n; i++) {
		kt_auto_json json_t *object =
		        kt_versions_hub(request->state->kind, list->objects[i]);
		json_array_append_new(items, kt_table_partial(object, version));
	}
	json_object_set_new(tree, "kind", json_string("PartialObjectMetadataList"));
	json_object_set_new(tree, "apiVersion", json_sprintf("meta.k8s.io/%s", version));
	json_object_set_new(tree, "metadata", list_metadata(request, list));
	/* Go's nil slice */
	json_object_set(tree, "items", list->n ? items : json_null());
	json_decref(items);
	const struct kt_type *type = NULL;
	if (request->state->accept.media == KT_MEDIA_PROTOBUF)
		type = kt_type_lookup(
		        "io.k8s.apimachinery.pkg.apis.meta.v1.PartialObjectMetadataList");
	return kt_encode_tree(request, 200, type, tree);
}

int kt_encode_list(struct kt_request *request, const struct kt_encode_list *list)
{
	if (request->state->accept.form == KT_FORM_TABLE)
		return list_as_table(request, list);
	if (request->state->accept.form == KT_FORM_PARTIAL)
		return list_as_partial(request, list);
	return is_plain_json(request) ? list_of_bytes(request, list) : list_of_trees(request, list);
}

json_t *kt_encode_status(const struct kt_request *request)
{
	const struct kt_request_state *state = request->state;
	enum kt_reason reason = kt_err_reason(&request->err);
	struct kt_status_details details = {0};

	if (!state->kind || request->err.about)
		return kt_status_of_err(&request->err, NULL);
	details.group = state->kind->group;
	details.name = state->error_name ? state->error_name : state->route.name;
	if (reason == KT_REASON_INVALID)
		details.kind = state->kind->kind;
	else if (reason == KT_REASON_FORBIDDEN || reason == KT_REASON_NOT_FOUND)
		details.kind = state->kind->plural;
	else
		return kt_status_of_err(&request->err, NULL);
	return kt_status_of_err(&request->err, &details);
}

void kt_encode_error(struct kt_request *request)
{
	struct kt_request_state *state = request->state;
	kt_auto_json json_t *status = kt_encode_status(request);
	int code = kt_err_http_status(&request->err);
	char seconds[24];

	/* What was begun for a success is taken back. */
	for (size_t i = 0; i < request->answer.n; i++)
		kt_buf_unref(request->answer.items[i]);
	request->answer.n = 0;
	request->answer_len = 0;
	state->accept.form = KT_FORM_OBJECT;
	if (code >= 500)
		kt_log_warning("server", "%s %s: %s", request->method, state->route.path,
		        kt_err_message(&request->err));
	if (request->err.retry_after_s) {
		snprintf(seconds, sizeof(seconds), "%d", request->err.retry_after_s);
		kt_request_answer_header(request, "retry-after", seconds);
	}
	kt_encode_tree(request, code, kt_type_lookup("io.k8s.apimachinery.pkg.apis.meta.v1.Status"),
	        status);
}

/* RFC 9111's warn-text is a quoted string; control characters have no place in a header. */
static void quote(struct kt_str *out, const char *text)
{
	kt_str_putc(out, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			kt_str_putc(out, '\\');
		if ((unsigned char)*text >= 0x20 && *text != 0x7f)
			kt_str_putc(out, *text);
	}
	kt_str_putc(out, '"');
}

void kt_encode_warnings(struct kt_request *request)
{
	const struct kt_warnings *warnings = &request->state->warnings;
	size_t total = 0;

	for (size_t i = 0; i < warnings->texts.n; i++) {
		kt_auto_str value = KT_STR_INIT;
		bool seen = false;
		for (size_t j = 0; j < i && !seen; j++)
			seen = kt_streq(warnings->texts.items[j], warnings->texts.items[i]);
		if (seen)
			continue;
		total += strlen(warnings->texts.items[i]);
		if (total > WARNINGS_BYTES_MAX)
			break; /* a body can earn very many, and each is held against those before
			        */
		kt_str_puts(&value, "299 - ");
		quote(&value, warnings->texts.items[i]);
		kt_request_answer_header(request, "warning", kt_str_text(&value));
	}
}
