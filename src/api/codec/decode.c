/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bodies of any media type to trees: who the body says it is, duplicates, unknown fields,
 * upstream's wording. */
#include "api/codec/tree.h"

#include "api/codec/wire.h"
#include "api/machinery/go_text.h"
#include "api/status.h"
#include "base/yaml.h"

#include <errno.h>

#define EXCERPT_MAX 30 /* bytes of an unrecognised body that the message shows */

/* Group versions of earlier releases whose kinds upstream still converts, so that their refusal
 * reads differently. */
static const char *const old_versions[] = {"apps/v1beta1", "apps/v1beta2", "extensions/v1beta1",
        "batch/v1beta1", "autoscaling/v2beta1", "autoscaling/v2beta2", "policy/v1beta1",
        "networking.k8s.io/v1beta1", "rbac.authorization.k8s.io/v1beta1", "storage.k8s.io/v1beta1",
        "discovery.k8s.io/v1beta1", "events.k8s.io/v1beta1", "coordination.k8s.io/v1beta1",
        "scheduling.k8s.io/v1beta1", "node.k8s.io/v1beta1", "admissionregistration.k8s.io/v1beta1",
        "apiextensions.k8s.io/v1beta1", "apiregistration.k8s.io/v1beta1",
        "certificates.k8s.io/v1beta1", "authentication.k8s.io/v1beta1",
        "authorization.k8s.io/v1beta1", "flowcontrol.apiserver.k8s.io/v1beta3",
        "resource.k8s.io/v1beta1", "resource.k8s.io/v1beta2"};

struct body {
	json_t *tree;
	struct kt_warnings duplicates;      /* JSON: paths */
	struct kt_warnings yaml_duplicates; /* YAML: whole texts */
};

static void body_finish(struct body *body)
{
	json_decref(body->tree);
	kt_warnings_finish(&body->duplicates);
	kt_warnings_finish(&body->yaml_duplicates);
}

static void json_duplicate(void *arg, const char *path)
{
	struct body *body = arg;

	kt_warnings_add(&body->duplicates, "%s", path);
}

static void yaml_duplicate(void *arg, const char *path, unsigned line)
{
	struct body *body = arg;
	const char *dot = strrchr(path, '.');

	kt_warnings_add(&body->yaml_duplicates, "line %u: key \"%s\" already set in map", line,
	        dot ? dot + 1 : path);
}

static int parse_body(struct kt_sv text, enum kt_media media, bool go_errors, struct body *body,
        struct kt_err *err)
{
	kt_auto_str repaired = KT_STR_INIT;

	if (media == KT_MEDIA_YAML) {
		struct kt_yaml_options options = {
		        .go_errors = go_errors, .on_duplicate = yaml_duplicate, .arg = body};
		struct kt_yaml_docs docs = {0};
		int r = kt_yaml_parse(text, &options, &docs, err);

		if (r < 0)
			return r;
		if (docs.n && docs.docs[0].value)
			body->tree = json_incref(docs.docs[0].value);
		else
			body->tree = json_null();
		kt_yaml_docs_finish(&docs);
		return 0;
	}
	const struct kt_json_parse_options options = {.on_duplicate = json_duplicate, .arg = body};

	if (!kt_utf8_valid(text.p, text.len)) {
		kt_str_add_repaired(&repaired, text); /* as Go reads it */
		text = (struct kt_sv){repaired.data, repaired.len};
	}
	body->tree = kt_json_parse(text, &options, err);
	return body->tree ? 0 : -EINVAL;
}

/* How upstream shows a body: as text only when it looks like JSON. */
static void write_excerpt(struct kt_sv text, struct kt_str *out)
{
	size_t shown = KT_MIN(text.len, (size_t)EXCERPT_MAX);

	if (text.len == 0)
		kt_str_puts(out, "<empty>");
	else if (*text.p == '{')
		kt_str_add(out, text.p, shown);
	else
		for (size_t i = 0; i < shown; i++)
			kt_str_printf(out, "%02x", (unsigned char)text.p[i]);
	if (text.len > EXCERPT_MAX)
		kt_str_puts(out, " ...");
}

static int fail_unrecognised(struct kt_sv text, const struct kt_codec_options *options,
        struct kt_err *err, const char *reason)
{
	kt_auto_free char *why = kt_strdup(reason);
	kt_auto_str excerpt = KT_STR_INIT;

	write_excerpt(text, &excerpt);
	kt_err_clear(err);
	return kt_fail(err, EINVAL,
	        "the object provided is unrecognized (must be of type %s): %s (%s)",
	        options->kind ? options->kind : "Object", why, kt_str_text(&excerpt));
}

static void split_version(const char *api_version, char **ret_group, const char **ret_version)
{
	const char *slash = strchr(api_version, '/');

	*ret_group = slash ? kt_strndup(api_version, (size_t)(slash - api_version)) : kt_strdup("");
	*ret_version = slash ? slash + 1 : api_version;
}

/* "core", "apps", "rbac": the name of upstream's internal package for a group. */
static void internal_package(const char *api_version, struct kt_str *out)
{
	const char *slash = strchr(api_version, '/');
	size_t len = strcspn(api_version, "./");

	if (slash)
		kt_str_add(out, api_version, len);
	else
		kt_str_puts(out, "core");
}

static bool is_old_version(const char *api_version)
{
	for (size_t i = 0; i < KT_ARRAY_SIZE(old_versions); i++)
		if (strcmp(old_versions[i], api_version) == 0)
			return true;
	return false;
}

static bool is_also(
        const struct kt_codec_options *options, const char *api_version, const char *kind)
{
	for (size_t i = 0; options->also && options->also[i]; i += 2)
		if (strcmp(options->also[i], api_version) == 0 &&
		        strcmp(options->also[i + 1], kind) == 0)
			return true;
	return false;
}

/* Another kind or version than the URL says. */
static int fail_kind(const struct kt_codec_options *options, const char *api_version,
        const char *kind, struct kt_err *err)
{
	kt_auto_free char *group = NULL;
	kt_auto_str package = KT_STR_INIT;
	const char *version;

	if (is_old_version(api_version) && strcmp(api_version, options->api_version) != 0 &&
	        strcmp(kind, options->kind) == 0)
		return kt_fail(err, EINVAL,
		        "the API version in the data (%s) does not match the expected API version "
		        "(%s)",
		        api_version, options->api_version);
	split_version(api_version, &group, &version);
	internal_package(options->api_version, &package);
	if (kt_type_for_body(group, version, kind))
		return kt_fail(err, EINVAL,
		        "%s in version \"%s\" cannot be handled as a %s: converting (%s.%s) to "
		        "(%s.%s): unknown conversion",
		        kind, version, options->kind, version, kind, kt_str_text(&package),
		        options->kind);
	return kt_fail(err, EINVAL,
	        "%s in version \"%s\" cannot be handled as a %s: no kind \"%s\" is registered for "
	        "version \"%s\" in scheme "
	        "\"pkg/runtime/scheme.go:111\"",
	        kind, version, options->kind, kind, api_version);
}

static int fail_custom_kind(const json_t *tree, const char *kind,
        const struct kt_codec_options *options, struct kt_err *err)
{
	const char *slash = strchr(options->api_version, '/'),
	           *name = kt_jstr(tree, "metadata.name");
	kt_auto_free char *what =
	        kt_asprintf("Invalid value: \"%s\": must be %s", kind, options->kind);
	kt_auto_free char *group = kt_asprintf(
	        "%.*s", slash ? (int)(slash - options->api_version) : 0, options->api_version);

	kt_fail_reason(err, KT_REASON_INVALID, EINVAL, "%s.%s \"%s\" is invalid: kind: %s", kind,
	        group, name ? name : "", what);
	kt_err_add_cause(err, "FieldValueInvalid", "kind", what);
	kt_err_set_about(err, group, kind, name, NULL);
	return -EINVAL;
}

/* Custom resources say themselves what they are, and another kind is a matter of validation. */
static int check_custom_kind(struct kt_sv text, const json_t *tree,
        const struct kt_codec_options *options, struct kt_err *err)
{
	const char *api_version = kt_jstr(tree, "apiVersion"), *kind = kt_jstr(tree, "kind");

	if (!kind || !*kind) {
		kt_auto_free char *reason =
		        kt_asprintf("Object 'Kind' is missing in '%.*s'", (int)text.len, text.p);

		return fail_unrecognised(text, options, err, reason);
	}
	if (!kt_streq(api_version, options->api_version))
		return kt_fail(err, EINVAL,
		        "the API version in the data (%s) does not match the expected API version "
		        "(%s)",
		        api_version ? api_version : "", options->api_version);
	if (strcmp(kind, options->kind) == 0)
		return 0;
	return fail_custom_kind(tree, kind, options, err);
}

/* Fills apiVersion and kind in, or refuses what does not fit the URL. */
static int check_kind(struct kt_sv text, json_t *tree, const struct kt_type *type,
        const struct kt_codec_options *options, struct kt_err *err)
{
	const char *api_version = kt_jstr(tree, "apiVersion"), *kind = kt_jstr(tree, "kind");

	if (!options->kind || !options->api_version)
		return 0;
	if (type->flags & KT_FIELD_UNSTRUCTURED)
		return check_custom_kind(text, tree, options, err);
	if (!api_version || !*api_version) {
		json_object_set_new_nocheck(tree, "apiVersion", json_string(options->api_version));
		api_version = options->api_version;
	}
	if (!kind || !*kind) {
		json_object_set_new_nocheck(tree, "kind", json_string(options->kind));
		kind = options->kind;
	}
	if (strchr(api_version, '/') != strrchr(api_version, '/')) {
		kt_auto_free char *reason =
		        kt_asprintf("unexpected GroupVersion string: %s", api_version);

		return fail_unrecognised(text, options, err, reason);
	}
	if ((strcmp(api_version, options->api_version) == 0 && strcmp(kind, options->kind) == 0) ||
	        is_also(options, api_version, kind))
		return 0;
	return fail_kind(options, api_version, kind, err);
}

/* apiVersion and kind are looked at first, so a wrong type there reads differently. */
static int check_type_meta(struct kt_sv text, const json_t *tree,
        const struct kt_codec_options *options, struct kt_err *err)
{
	static const char *const keys[] = {"apiVersion", "kind"};

	for (size_t i = 0; i < KT_ARRAY_SIZE(keys); i++) {
		const json_t *value = json_object_get(tree, keys[i]);
		kt_auto_free char *reason = NULL;

		if (!value || json_is_null(value) || json_is_string(value))
			continue;
		reason = kt_asprintf("couldn't get version/kind; json parse error: json: cannot "
		                     "unmarshal %s into Go struct field .%s "
		                     "of type string",
		        kt_codec_json_kind(value), keys[i]);
		return fail_unrecognised(text, options, err, reason);
	}
	return 0;
}

/* Go leaves a struct as it is for null, and finds what else is no object when it looks for the
 * kind.
 */
static int check_no_object(struct kt_sv text, const struct kt_type *type,
        const struct kt_codec_options *options, struct body *body, struct kt_err *err)
{
	kt_auto_free char *reason = kt_asprintf(
	        "couldn't get version/kind; json parse error: json: cannot unmarshal %s "
	        "into Go value of type struct { APIVersion string "
	        "\"json:\\\"apiVersion,omitempty\\\"\"; Kind string "
	        "\"json:\\\"kind,omitempty\\\"\" }",
	        kt_codec_json_kind(body->tree));

	if (!json_is_null(body->tree))
		return fail_unrecognised(text, options, err, reason);
	if (type->shape != KT_SHAPE_OBJECT || (type->flags & KT_FIELD_UNSTRUCTURED))
		return 0;
	json_decref(body->tree);
	body->tree = json_object();
	return 0;
}

static int wrap_kind(const struct kt_codec_options *options, const json_t *tree, struct kt_err *err)
{
	const char *api_version = kt_jstr(tree, "apiVersion"), *kind = kt_jstr(tree, "kind");
	const char *slash = api_version ? strchr(api_version, '/') : NULL;

	if (options->bare_errors || !options->kind || !kind || !api_version)
		return -EINVAL;
	kt_wrap(err, "%s in version \"%s\" cannot be handled as a %s", kind,
	        slash ? slash + 1 : api_version, options->kind);
	return -EINVAL;
}

/* Reports of one body: YAML's duplicates stand first and share one heading in an error. */
static int settle_reports(const struct kt_codec_options *options, const struct body *body,
        const struct kt_warnings *reports, struct kt_warnings *warnings, struct kt_err *err)
{
	kt_auto_str all = KT_STR_INIT;

	if (options->strict == KT_STRICT_IGNORE ||
	        reports->texts.n + body->yaml_duplicates.texts.n == 0)
		return 0;
	for (size_t i = 0; i < body->yaml_duplicates.texts.n; i++) {
		kt_str_printf(&all, "%s\n  %s",
		        i ? "" : "yaml: unmarshal errors:", body->yaml_duplicates.texts.items[i]);
		if (options->strict == KT_STRICT_WARN)
			kt_warnings_add(warnings, "%s", body->yaml_duplicates.texts.items[i]);
	}
	for (size_t i = 0; i < reports->texts.n; i++) {
		kt_str_printf(&all, "%s%s", all.len ? ", " : "", reports->texts.items[i]);
		if (options->strict == KT_STRICT_WARN)
			kt_warnings_add(warnings, "%s", reports->texts.items[i]);
	}
	if (options->strict == KT_STRICT_WARN)
		return 0;
	return kt_fail(err, EINVAL, "strict decoding error: %s", kt_str_text(&all));
}

static int decode_text(struct kt_sv text, const struct kt_type *type,
        const struct kt_codec_options *options, struct body *body, json_t **ret_tree,
        struct kt_warnings *warnings, struct kt_err *err)
{
	kt_auto_warnings reports = {0};
	struct codec_walk walk = {.strict = options->strict,
	        .sorted = options->media == KT_MEDIA_YAML,
	        .reports = &reports,
	        .duplicates = &body->duplicates,
	        .err = err};
	kt_auto_json json_t *taken = NULL;
	int r = parse_body(text, options->media, !options->bare_errors, body, err);

	if (r < 0) {
		kt_auto_free char *reason = NULL;

		if (options->media == KT_MEDIA_JSON)
			reason = kt_asprintf("couldn't get version/kind; json parse error: %s",
			        kt_go_json_reason(kt_err_message(err)));
		else
			reason = kt_strdup(kt_err_message(err));
		return options->bare_errors ? r : fail_unrecognised(text, options, err, reason);
	}
	if (options->ret_sent)
		*options->ret_sent = json_incref(body->tree);
	if (!json_is_object(body->tree) && !options->bare_errors) {
		r = check_no_object(text, type, options, body, err);
		if (r < 0)
			return r;
	}
	if (json_is_object(body->tree)) {
		r = check_type_meta(text, body->tree, options, err);
		if (r < 0)
			return r;
		r = check_kind(text, body->tree, type, options, err);
		if (r < 0)
			return r;
	}
	taken = kt_codec_take(&walk, type, body->tree, NULL);
	if (!taken)
		return wrap_kind(options, body->tree, err);
	if (settle_reports(options, body, &reports, warnings, err) < 0)
		return wrap_kind(options, body->tree, err);
	*ret_tree = kt_steal(&taken);
	return 0;
}

static int decode_protobuf(struct kt_sv text, const struct kt_type *type,
        const struct kt_codec_options *options, json_t **ret_tree, struct kt_err *err)
{
	kt_auto_json json_t *tree = NULL;
	int r = kt_protobuf_decode(text, type, &tree, err);

	if (r < 0) {
		kt_auto_free char *reason = kt_strdup(kt_err_message(err));

		return options->bare_errors ? r : fail_unrecognised(text, options, err, reason);
	}
	r = check_kind(text, tree, type, options, err);
	if (r < 0)
		return r;
	*ret_tree = kt_steal(&tree);
	return 0;
}

int kt_codec_decode(struct kt_sv text, const struct kt_type *type,
        const struct kt_codec_options *options, json_t **ret_tree, struct kt_warnings *warnings,
        struct kt_err *err)
{
	struct body body = {0};
	struct kt_err own =
	        KT_ERR_INIT; /* the wording looks at the reason, also when the caller wants none */
	int r;

	if (options->media == KT_MEDIA_PROTOBUF)
		r = decode_protobuf(text, type, options, ret_tree, &own);
	else
		r = decode_text(text, type, options, &body, ret_tree, warnings, &own);
	body_finish(&body);
	if (r < 0) {
		if (err)
			kt_err_move(err, &own);
		else
			kt_err_clear(&own);
	}
	return r;
}

static char *dup_or_null(const char *text)
{
	return text ? kt_strdup(text) : NULL;
}

int kt_codec_peek(struct kt_sv text, enum kt_media media, char **ret_api_version, char **ret_kind,
        struct kt_err *err)
{
	struct body body = {0};
	struct wire_envelope envelope;
	int r;

	if (media == KT_MEDIA_PROTOBUF) {
		r = wire_open(text, &envelope, err);
		if (r < 0)
			return r;
		*ret_api_version =
		        envelope.api_version.len ? kt_sv_dup(envelope.api_version) : NULL;
		*ret_kind = envelope.kind.len ? kt_sv_dup(envelope.kind) : NULL;
		return 0;
	}
	r = parse_body(text, media, false, &body, err);
	if (r == 0) {
		*ret_api_version = dup_or_null(kt_jstr(body.tree, "apiVersion"));
		*ret_kind = dup_or_null(kt_jstr(body.tree, "kind"));
	}
	body_finish(&body);
	return r;
}
