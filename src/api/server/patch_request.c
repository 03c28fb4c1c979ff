/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/patch_request.h"

#include "api/machinery/field_errors.h"
#include "api/machinery/go_text.h"
#include "api/machinery/patch.h"
#include "api/server/write.h"
#include "base/yaml.h"

#include <errno.h>

static const struct {
	const char *media;
	enum kt_patch_type type;
	bool custom; /* custom resources take it as well */
} patch_types[] = {
        {"application/json-patch+json", KT_PATCH_JSON, true},
        {"application/merge-patch+json", KT_PATCH_MERGE, true},
        {"application/strategic-merge-patch+json", KT_PATCH_STRATEGIC, false},
        {"application/apply-patch+yaml", KT_PATCH_APPLY, true},
};

/* A patch that needs merge keys, which a definition does not have. */
static int refuse_custom(struct kt_request *request)
{
	kt_auto_str known = KT_STR_INIT;

	for (size_t i = 0; i < KT_ARRAY_SIZE(patch_types); i++)
		if (patch_types[i].custom)
			kt_str_printf(&known, "%s%s", known.len ? ", " : "", patch_types[i].media);
	return kt_fail_reason(&request->err, KT_REASON_UNSUPPORTED_MEDIA_TYPE,
	        kt_reason_errno(KT_REASON_UNSUPPORTED_MEDIA_TYPE),
	        "the body of the request was in an unknown format - accepted media types include: "
	        "%s",
	        kt_str_text(&known));
}

static int find_type(struct kt_request *request, enum kt_patch_type *ret_type)
{
	const char *header = kt_request_header(request, "content-type");
	struct kt_sv rest = kt_sv_of(header ? header : ""), media = {0};
	bool custom = request->state->kind->flags & KT_KIND_CUSTOM;

	kt_sv_split(&rest, ';', &media);
	media = kt_sv_trim(media);
	for (size_t i = 0; i < KT_ARRAY_SIZE(patch_types); i++)
		if (kt_sv_is(media, patch_types[i].media)) {
			*ret_type = patch_types[i].type;
			return !custom || patch_types[i].custom ? 0 : refuse_custom(request);
		}
	kt_fail_reason(&request->err, KT_REASON_UNSUPPORTED_MEDIA_TYPE,
	        kt_reason_errno(KT_REASON_UNSUPPORTED_MEDIA_TYPE), "415: Unsupported Media Type");
	kt_err_set_about(&request->err, NULL, NULL, NULL, NULL);
	return request->err.code;
}

/* what: of `what "path"`. */
static void report(struct kt_request *request, const char *what, const char *path)
{
	struct kt_request_state *state = request->state;

	if (state->strict == KT_STRICT_WARN)
		kt_request_warn(request, "%s \"%s\"", what, path);
	else if (state->strict == KT_STRICT_STRICT && !state->strict_error)
		state->strict_error = kt_arena_printf(
		        &request->arena, "strict decoding error: %s \"%s\"", what, path);
}

static void on_duplicate(void *arg, const char *path)
{
	report(arg, "duplicate field", path);
}

/* An operation has four members. */
static void check_operations(struct kt_request *request)
{
	static const char *const known[] = {"op", "path", "from", "value"};
	const char *key;
	json_t *operation, *value;
	size_t i;

	json_array_foreach(request->state->body, i, operation) {
		json_object_foreach(operation, key, value) {
			size_t k = 0;

			while (k < KT_ARRAY_SIZE(known) && !kt_streq(key, known[k]))
				k++;
			if (k < KT_ARRAY_SIZE(known))
				continue;
			kt_auto_free char *path = kt_asprintf("[%zu].%s", i, key);
			report(request, "json patch unknown field", path);
		}
	}
}

static void on_yaml_duplicate(void *arg, const char *path, unsigned line)
{
	const char *key = strrchr(path, '.');

	kt_warnings_add(arg, "line %u: key \"%s\" already set in map", line, key ? key + 1 : path);
}

static int decode_apply(struct kt_request *request, struct kt_sv body)
{
	struct kt_request_state *state = request->state;
	kt_auto_warnings duplicates = {0};
	struct kt_yaml_options options = {
	        .go_errors = true, .on_duplicate = on_yaml_duplicate, .arg = &duplicates};
	struct kt_yaml_docs docs = {0};
	kt_auto_err err = KT_ERR_INIT;

	if (kt_yaml_parse(body, &options, &docs, &err) < 0)
		return kt_fail(&request->err, EINVAL,
		        "error decoding YAML: error converting YAML to JSON: %s",
		        kt_err_message(&err));
	if (docs.n)
		state->body = json_incref(docs.docs[0].value);
	kt_yaml_docs_finish(&docs);
	if (duplicates.texts.n && state->strict == KT_STRICT_STRICT)
		return kt_fail(&request->err, EINVAL,
		        "error strict decoding YAML: error converting YAML to JSON: yaml: "
		        "unmarshal errors:\n  %s",
		        duplicates.texts.items[0]);
	for (size_t i = 0; i < duplicates.texts.n && state->strict == KT_STRICT_WARN; i++)
		kt_request_warn(request, "%s", duplicates.texts.items[i]);
	if (!state->body || json_is_null(state->body)) {
		json_decref(state->body);
		state->body = json_object();
	}
	if (!json_is_object(state->body))
		return kt_fail(&request->err, EINVAL,
		        "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: "
		        "cannot unmarshal %s into Go value of type map[string]interface {}",
		        json_is_array(state->body)    ? "array"
		        : json_is_string(state->body) ? "string"
		        : json_is_number(state->body) ? "number"
		                                      : "bool");
	return 0;
}

static const char *go_type(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "object";
	case JSON_ARRAY:
		return "array";
	case JSON_STRING:
		return "string";
	case JSON_TRUE:
	case JSON_FALSE:
		return "bool";
	default:
		return "number";
	}
}

static const char *context(enum kt_patch_type type)
{
	return type == KT_PATCH_STRATEGIC ? "" : "error decoding patch: ";
}

static int check_shape(struct kt_request *request, enum kt_patch_type type)
{
	json_t *body = request->state->body;

	if (json_is_null(body)) {
		/* Go leaves what it decodes into untouched: a patch that changes nothing. */
		json_decref(body);
		request->state->body = type == KT_PATCH_JSON ? json_array() : json_object();
		return 0;
	}
	if (type == KT_PATCH_JSON && !json_is_array(body))
		return kt_fail(&request->err, EINVAL,
		        "error decoding patch: json: cannot unmarshal %s into Go value of type "
		        "[]handlers.jsonPatchOp",
		        go_type(body));
	if (type != KT_PATCH_JSON && !json_is_object(body))
		return kt_fail(&request->err, EINVAL,
		        "%sjson: cannot unmarshal %s into Go value of type map[string]interface {}",
		        context(type), go_type(body));
	return 0;
}

int kt_patch_decode(struct kt_request *request, enum kt_patch_type *ret_type)
{
	struct kt_request_state *state = request->state;
	struct kt_sv body = {
	        request->body ? request->body->data : "", request->body ? request->body->len : 0};
	struct kt_json_parse_options options = {.on_duplicate = on_duplicate, .arg = request};
	kt_auto_err err = KT_ERR_INIT;

	if (find_type(request, ret_type) < 0 || kt_write_options(request, "PatchOptions") < 0)
		return request->err.code;
	state->is_patch = true;
	if (*ret_type == KT_PATCH_APPLY)
		return decode_apply(request, body);
	state->body = kt_json_parse(body, &options, &err);
	if (!state->body)
		return kt_fail(&request->err, EINVAL, "%s%s", context(*ret_type),
		        body.len ? kt_go_json_reason(kt_err_message(&err))
		                 : "unexpected end of JSON input");
	if (check_shape(request, *ret_type) < 0)
		return request->err.code;
	if (*ret_type == KT_PATCH_JSON)
		check_operations(request);
	return 0;
}

/* A value as Go's %v prints it. */
static void write_go(struct kt_str *out, json_t *value)
{
	const char *key;
	json_t *item;
	size_t i;
	bool first = true;

	switch (json_typeof(value)) {
	case JSON_OBJECT: {
		kt_auto_str sorted = KT_STR_INIT;
		kt_json_write(&sorted, value, KT_JSON_SORT);
		kt_auto_json json_t *tree =
		        kt_json_parse((struct kt_sv){sorted.data, sorted.len}, NULL, NULL);
		kt_str_puts(out, "map[");
		json_object_foreach(tree, key, item) {
			kt_str_printf(out, "%s%s:", first ? "" : " ", key);
			write_go(out, item);
			first = false;
		}
		kt_str_putc(out, ']');
		break;
	}
	case JSON_ARRAY:
		kt_str_putc(out, '[');
		json_array_foreach(value, i, item) {
			kt_str_puts(out, i ? " " : "");
			write_go(out, item);
		}
		kt_str_putc(out, ']');
		break;
	case JSON_STRING:
		kt_str_puts(out, json_string_value(value));
		break;
	case JSON_NULL:
		kt_str_puts(out, "<nil>");
		break;
	default:
		kt_json_write(out, value, 0);
	}
}

/* As a patched document is printed: its own keys sorted, what is below as it was. */
static void write_top_sorted(struct kt_str *out, json_t *document)
{
	kt_auto_free const char **keys = kt_new_array(const char *, json_object_size(document) + 1);
	size_t n = 0;
	const char *key;
	json_t *value;

	json_object_foreach(document, key, value)
		keys[n++] = key;
	qsort(keys, n, sizeof(*keys), kt_strp_cmp);
	kt_str_putc(out, '{');
	for (size_t i = 0; i < n; i++) {
		kt_str_puts(out, i ? "," : "");
		kt_json_write_string(out, keys[i], strlen(keys[i]));
		kt_str_putc(out, ':');
		kt_json_write(out, json_object_get(document, keys[i]), 0);
	}
	kt_str_putc(out, '}');
}

/* ` "" is invalid: patch: Invalid value: …`: what is wrong with the result is said about the patch.
 */
static void fail_patch(struct kt_request *request, enum kt_patch_type type, json_t *patched)
{
	struct kt_field_errors errors = {.arena = &request->arena};
	kt_auto_str text = KT_STR_INIT;
	kt_auto_free char *why = kt_strdup(kt_err_message(&request->err));

	if (type == KT_PATCH_STRATEGIC)
		write_go(&text, request->state->body);
	else
		write_top_sorted(&text, patched);
	kt_auto_json json_t *value = json_stringn(kt_str_text(&text), text.len);
	kt_field_invalid(&errors, "patch", value, "%s", why);
	kt_field_errors_fail(&errors, "", "", "", &request->err);
	kt_err_set_about(&request->err, NULL, NULL, NULL, NULL);
}

static int fail_custom_type(
        struct kt_request *request, const json_t *patched, const char *field, const char *expected)
{
	const struct kt_kind *kind = request->state->kind;
	const char *name = kt_jstr(patched, "metadata.name"), *now = kt_jstr(patched, "kind");
	struct kt_field_errors errors = {.arena = &request->arena};

	kt_field_invalid(&errors, field, json_object_get(patched, field), "must be %s", expected);
	kt_field_errors_fail(&errors, kind->group, now ? now : "", name, &request->err);
	kt_err_set_about(&request->err, kind->group, now ? now : "", name, NULL);
	return request->err.code;
}

/* What an object is cannot be patched: a strategic patch has no say in it, the others are refused.
 */
static int check_type_meta(struct kt_request *request, enum kt_patch_type patch_type,
        const json_t *document, json_t *patched)
{
	static const char *const fields[] = {"kind", "apiVersion"};

	for (size_t i = 0; i < 2; i++) {
		const char *before = kt_jstr(document, fields[i]),
		           *now = kt_jstr(patched, fields[i]);
		const char *version = kt_jstr(patched, "apiVersion"),
		           *kind = kt_jstr(patched, "kind");

		if (kt_streq(before, now) || !json_is_object(patched))
			continue;
		if (patch_type == KT_PATCH_STRATEGIC) {
			json_object_set(patched, fields[i], json_object_get(document, fields[i]));
			continue;
		}
		if (request->state->kind->flags & KT_KIND_CUSTOM && !request->state->subresource)
			return fail_custom_type(request, patched, fields[i], before);
		kt_fail(&request->err, EINVAL,
		        "no kind \"%s\" is registered for version \"%s\" in scheme "
		        "\"pkg/runtime/scheme.go:111\"",
		        kind ? kind : "", version ? version : "");
		fail_patch(request, patch_type, patched);
		return request->err.code;
	}
	return 0;
}

json_t *kt_patch_document(struct kt_request *request, enum kt_patch_type patch_type,
        const json_t *document, const struct kt_type *type)
{
	struct kt_request_state *state = request->state;
	kt_auto_json json_t *patched = NULL;
	json_t *result = NULL;

	if (patch_type == KT_PATCH_JSON)
		patched = kt_patch_json(document, state->body, &request->err);
	else if (patch_type == KT_PATCH_MERGE)
		patched = kt_patch_merge(document, state->body, &request->err);
	else
		patched = kt_patch_strategic(document, state->body, type, &request->err);
	if (!patched) {
		if (kt_err_reason(&request->err) == KT_REASON_INVALID && !request->err.about)
			kt_err_set_about(&request->err, NULL, NULL, NULL, NULL);
		return NULL;
	}
	if (json_object_size(patched) &&
	        check_type_meta(request, patch_type, document, patched) < 0)
		return NULL;
	json_decref(kt_steal(&state->sent));
	state->sent = json_incref(patched);
	int status = kt_codec_normalize(
	        patched, type, state->strict, &result, &state->warnings, &request->err);
	if (status == 0 && state->strict_error) {
		json_decref(kt_steal(&result));
		status = kt_fail(&request->err, EINVAL, "%s", state->strict_error);
	}
	if (status < 0) {
		fail_patch(request, patch_type, patched);
		return NULL;
	}
	return result;
}
