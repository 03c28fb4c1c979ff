/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The query options and the body of writes. */
#include "api/server/write.h"

#include "api/machinery/field_errors.h"

#include <errno.h>

#define MANAGER_BYTES_MAX 128

static void check_dry_run(struct kt_request *request, struct kt_field_errors *errors)
{
	struct kt_request_state *state = request->state;
	static const char *const supported[] = {"All", NULL};

	for (size_t i = 0; i < state->query.n; i++) {
		if (!kt_streq(state->query.items[i].name, "dryRun"))
			continue;
		state->dry_run = true;
		if (kt_streq(state->query.items[i].value, "All"))
			continue;
		kt_auto_json json_t *value = json_pack("[s]", state->query.items[i].value);
		kt_field_not_supported(errors, "dryRun", value, supported);
	}
}

static void check_manager(struct kt_request *request, struct kt_field_errors *errors)
{
	const char *manager = kt_request_query(request, "fieldManager");

	if (!manager)
		return;
	kt_auto_json json_t *value = json_string(manager);
	if (strlen(manager) > MANAGER_BYTES_MAX)
		kt_field_too_long(errors, "fieldManager", MANAGER_BYTES_MAX);
	for (const char *p = manager; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f) {
			kt_field_invalid(errors, "fieldManager", value,
			        "should only contain printable characters");
			break;
		}
}

static void check_validation(struct kt_request *request, struct kt_field_errors *errors)
{
	static const char *const supported[] = {"", "Ignore", "Strict", "Warn", NULL};
	const char *text = kt_request_query(request, "fieldValidation");
	struct kt_request_state *state = request->state;

	state->strict = KT_STRICT_WARN;
	if (!text || !*text || kt_streq(text, "Warn"))
		return;
	if (kt_streq(text, "Ignore")) {
		state->strict = KT_STRICT_IGNORE;
		return;
	}
	if (kt_streq(text, "Strict")) {
		state->strict = KT_STRICT_STRICT;
		return;
	}
	kt_auto_json json_t *value = json_string(text);
	kt_field_not_supported(errors, "fieldValidation", value, supported);
}

static bool is_apply(const struct kt_request *request)
{
	const char *type = kt_request_header(request, "content-type");

	return kt_streq(request->state->route.verb, "patch") && type &&
	       kt_starts_with(type, "application/apply-patch+");
}

int kt_write_options(struct kt_request *request, const char *options)
{
	struct kt_request_state *state = request->state;
	struct kt_field_errors errors = {.arena = &request->arena};
	bool patch = kt_streq(options, "PatchOptions");

	if (patch && is_apply(request) &&
	        !*(kt_or_empty(kt_request_query(request, "fieldManager"))))
		kt_field_required(&errors, "fieldManager", "is required for apply patch");
	state->force = kt_request_query_bool(request, "force");
	if (patch && !is_apply(request) && kt_request_query(request, "force"))
		kt_field_forbidden(&errors, "force", "may not be specified for non-apply patch");
	check_manager(request, &errors);
	check_dry_run(request, &errors);
	check_validation(request, &errors);
	if (!errors.n)
		return 0;
	kt_field_errors_fail(&errors, "meta.k8s.io", options, "", &request->err);
	kt_err_set_about(&request->err, "meta.k8s.io", options, NULL, NULL);
	return request->err.code;
}

int kt_write_media(struct kt_request *request, enum kt_media *ret_media)
{
	*ret_media = kt_media_parse(kt_request_header(request, "content-type"));
	bool custom = request->state->kind && (request->state->kind->flags & KT_KIND_CUSTOM);

	if (*ret_media != KT_MEDIA_UNKNOWN && !(custom && *ret_media == KT_MEDIA_PROTOBUF))
		return 0;
	return kt_fail_reason(&request->err, KT_REASON_UNSUPPORTED_MEDIA_TYPE,
	        kt_reason_errno(KT_REASON_UNSUPPORTED_MEDIA_TYPE),
	        "the body of the request was in an unknown format - accepted media types include: "
	        "application/json, application/yaml%s",
	        custom ? "" : ", application/vnd.kubernetes.protobuf");
}

int kt_write_decode(struct kt_request *request, const struct kt_type *type, const char *api_version,
        const char *kind)
{
	struct kt_request_state *state = request->state;
	struct kt_codec_options options = {.strict = state->strict,
	        .api_version = api_version,
	        .kind = kind,
	        .ret_sent = &state->sent};
	struct kt_sv body = {
	        request->body ? request->body->data : "", request->body ? request->body->len : 0};

	if (kt_write_media(request, &options.media) < 0)
		return request->err.code;
	json_decref(kt_steal(&state->sent));
	return kt_codec_decode(body, type, &options, &state->body, &state->warnings, &request->err);
}

const char *kt_write_manager(struct kt_request *request)
{
	const char *manager = kt_request_query(request, "fieldManager");
	const char *agent = kt_request_header(request, "user-agent");

	if (manager && *manager)
		return manager;
	size_t len = agent ? strcspn(agent, "/") : 0;
	return kt_arena_strndup(
	        &request->arena, agent ? agent : "", KT_MIN(len, (size_t)MANAGER_BYTES_MAX));
}
