/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/list_options.h"

#include "api/machinery/field_errors.h"
#include "api/machinery/go_text.h"

#include <errno.h>
#include <inttypes.h>

int kt_fail_future_revision(struct kt_err *err, int64_t wanted, int64_t current)
{
	kt_fail_reason(err, KT_REASON_TIMEOUT, ERANGE,
	        "Timeout: Too large resource version: %" PRId64 ", current: %" PRId64, wanted,
	        current);
	kt_err_add_cause(err, "ResourceVersionTooLarge", NULL, "Too large resource version");
	err->retry_after_s = 1;
	return err->code;
}

/* strconv.ParseUint: digits alone. */
static int parse_uint(const char *text, int64_t *ret)
{
	if (!*text || text[strspn(text, "0123456789")])
		return -EINVAL;
	return kt_sv_int64(kt_sv_of(text), ret);
}

int kt_revision_parse(struct kt_request *request, bool is_list, int64_t *ret_revision)
{
	const char *text = kt_request_query(request, "resourceVersion");

	*ret_revision = -1;
	if (!text || !*text)
		return 0;
	int status = parse_uint(text, ret_revision);
	if (status == 0)
		return 0;
	const char *why = status == -ERANGE ? "value out of range" : "invalid syntax";
	if (is_list)
		return kt_fail(&request->err, EINVAL,
		        "invalid resource version: resourceVersion: Invalid value: \"%s\": "
		        "strconv.ParseUint: parsing "
		        "\"%s\": %s",
		        text, text, why);
	return kt_fail_reason(&request->err, KT_REASON_UNKNOWN, EPROTO,
	        "resourceVersion: Invalid value: \"%s\": strconv.ParseUint: parsing \"%s\": %s",
	        text, text, why);
}

static int parse_selectors(struct kt_request *request, struct kt_list_options *options)
{
	const char *labels = kt_request_query(request, "labelSelector");
	const char *fields = kt_request_query(request, "fieldSelector");
	int status = 0;

	if (labels && *labels)
		status = kt_selector_parse(labels, &options->labels, &request->err);
	if (status == 0 && fields && *fields)
		status = kt_field_selector_parse(
		        fields, request->state->kind, &options->fields, &request->err);
	if (status < 0)
		return status;
	/* The legacy watch of one name, and a watch of a named path. */
	const char *name = request->state->route.name;
	if (request->state->route.legacy_watch && *name && !options->fields) {
		const char *text = kt_arena_printf(&request->arena, "metadata.name=%s", name);
		return kt_field_selector_parse(
		        text, request->state->kind, &options->fields, &request->err);
	}
	return 0;
}

static int bad_token(struct kt_request *request, const char *why)
{
	return kt_fail(&request->err, EINVAL,
	        "invalid continue token: continue key is not valid: %s", why);
}

static int decode_token(struct kt_request *request, struct kt_list_options *options)
{
	kt_auto_str text = KT_STR_INIT;
	kt_auto_err err = KT_ERR_INIT;
	struct kt_arena *arena = &request->arena;

	if (kt_base64url_decode(&text, kt_sv_of(options->continue_token)) < 0)
		return bad_token(request, "illegal base64 data");
	kt_auto_json json_t *token =
	        kt_json_parse((struct kt_sv){kt_str_text(&text), text.len}, NULL, &err);
	if (!json_is_object(token))
		return bad_token(
		        request, kt_arena_strdup(arena, kt_go_json_reason(kt_err_message(&err))));
	const char *version = kt_jstr(token, "v"), *start = kt_jstr(token, "start");
	int64_t revision = kt_jint(token, "rv", 0);
	if (!kt_streq(version, "meta.k8s.io/v1"))
		return bad_token(request,
		        kt_arena_printf(arena, "server does not recognize this encoded version %s",
		                version ? version : ""));
	if (!revision)
		return bad_token(request,
		        "incorrect encoded start resourceVersion (version meta.k8s.io/v1)");
	if (!start || !*start)
		return bad_token(request, "encoded start key empty (version meta.k8s.io/v1)");
	for (const char *p = start; p; p = strchr(p, '/'), p = p ? p + 1 : NULL)
		if (!strncmp(p, "..", 2) && (p[2] == '/' || !p[2]))
			return bad_token(request, kt_arena_strdup(arena, start));
	options->continue_revision = revision;
	options->continue_start = kt_arena_strdup(arena, start);
	options->continue_left = kt_jint(token, "left", 0);
	return 0;
}

char *kt_list_continue_encode(
        struct kt_arena *arena, int64_t revision, const char *start, int64_t left)
{
	kt_auto_json json_t *token = json_pack(
	        "{s:s,s:I,s:s}", "v", "meta.k8s.io/v1", "rv", (json_int_t)revision, "start", start);
	if (left > 0)
		json_object_set_new(token, "left", json_integer(left));
	kt_auto_str json = KT_STR_INIT, text = KT_STR_INIT;

	kt_json_write(&json, token, 0);
	kt_base64url_encode(&text, kt_str_text(&json), json.len);
	return kt_arena_strdup(arena, kt_str_text(&text));
}

static void check_list_rules(
        struct kt_field_errors *errors, const struct kt_list_options *options, bool has_revision)
{
	static const char *const supported[] = {"Exact", "NotOlderThan", "", NULL};
	const char *match = options->match;

	if (*match) {
		if (!has_revision)
			kt_field_forbidden(errors, "resourceVersionMatch",
			        "resourceVersionMatch is forbidden unless resourceVersion is "
			        "provided");
		if (*options->continue_token)
			kt_field_forbidden(errors, "resourceVersionMatch",
			        "resourceVersionMatch is forbidden when continue is provided");
		if (!kt_streq(match, "Exact") && !kt_streq(match, "NotOlderThan")) {
			kt_auto_json json_t *value = json_string(match);
			kt_field_not_supported(errors, "resourceVersionMatch", value, supported);
		}
		if (kt_streq(match, "Exact") && options->revision == 0)
			kt_field_forbidden(errors, "resourceVersionMatch",
			        "resourceVersionMatch \"exact\" is forbidden for resourceVersion "
			        "\"0\"");
	}
	if (options->initial_events != KT_UNSET)
		kt_field_forbidden(
		        errors, "sendInitialEvents", "sendInitialEvents is forbidden for list");
}

static void check_watch_rules(struct kt_field_errors *errors, const struct kt_list_options *options)
{
	static const char *const supported[] = {"NotOlderThan", NULL};
	const char *match = options->match;
	bool wanted = options->initial_events != KT_UNSET;

	if (!wanted && *match)
		kt_field_forbidden(errors, "resourceVersionMatch",
		        "resourceVersionMatch is forbidden for watch unless sendInitialEvents is "
		        "provided");
	if (wanted && !kt_streq(match, "NotOlderThan"))
		kt_field_forbidden(errors, "resourceVersionMatch",
		        "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
	if (wanted && *match && !kt_streq(match, "NotOlderThan")) {
		kt_auto_json json_t *value = json_string(match);
		kt_field_not_supported(errors, "resourceVersionMatch", value, supported);
	}
	if (*options->continue_token)
		kt_field_forbidden(errors, "resourceVersionMatch",
		        "resourceVersionMatch is forbidden when continue is provided");
}

static int check_rules(
        struct kt_request *request, const struct kt_list_options *options, bool watch)
{
	struct kt_field_errors errors = {.arena = &request->arena};
	const char *revision = kt_request_query(request, "resourceVersion");

	if (watch)
		check_watch_rules(&errors, options);
	else
		check_list_rules(&errors, options, revision && *revision);
	if (!errors.n)
		return 0;
	kt_field_errors_fail(&errors, "meta.k8s.io", "ListOptions", "", &request->err);
	kt_err_set_about(&request->err, "meta.k8s.io", "ListOptions", NULL, NULL);
	return request->err.code;
}

static const char *text_query(struct kt_request *request, const char *name)
{
	const char *value = kt_request_query(request, name);

	return value ? value : "";
}

static int parse(struct kt_request *request, bool watch, struct kt_list_options *options)
{
	int64_t zero;

	if (kt_request_query_int(request, "limit", 0, &options->limit) < 0 ||
	        kt_request_query_int(request, "timeoutSeconds", 0, &options->timeout_s) < 0 ||
	        parse_selectors(request, options) < 0)
		return request->err.code;
	options->match = text_query(request, "resourceVersionMatch");
	options->continue_token = text_query(request, "continue");
	options->bookmarks = kt_request_query_bool(request, "allowWatchBookmarks");
	if (kt_request_query(request, "sendInitialEvents"))
		options->initial_events =
		        kt_request_query_bool(request, "sendInitialEvents") ? KT_TRUE : KT_FALSE;
	const char *text = kt_request_query(request, "resourceVersion");
	zero = text && parse_uint(text, &zero) == 0 ? zero : -1;
	options->revision = zero;
	if (check_rules(request, options, watch) < 0 ||
	        kt_revision_parse(request, !watch, &options->revision) < 0)
		return request->err.code;
	if (watch || !*options->continue_token)
		return 0;
	if (options->revision > 0)
		return kt_fail(&request->err, EINVAL,
		        "specifying resource version is not allowed when using continue");
	return decode_token(request, options);
}

int kt_list_options_parse(struct kt_request *request, bool watch, struct kt_list_options *ret)
{
	struct kt_list_options options = {.match = "", .continue_token = ""};
	int status = parse(request, watch, &options);

	if (status < 0)
		kt_list_options_finish(&options);
	else
		*ret = options;
	return status;
}

void kt_list_options_finish(struct kt_list_options *options)
{
	kt_selector_destroy(options->labels);
	kt_selector_destroy(options->fields);
	options->labels = options->fields = NULL;
}

bool kt_list_options_match(const struct kt_list_options *options, const struct kt_object *object)
{
	return (!options->labels || kt_selector_matches(options->labels, object)) &&
	       (!options->fields || kt_selector_matches(options->fields, object));
}
