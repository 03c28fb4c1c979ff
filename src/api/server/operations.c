/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/operations.h"

#include "api/server/accept.h"
#include "api/server/documents.h"
#include "api/server/server_impl.h"
#include "api/server/subresources.h"

#include <errno.h>

int kt_fail_no_resource(struct kt_err *err)
{
	kt_fail_reason(err, KT_REASON_NOT_FOUND, ENOENT,
	        "the server could not find the requested resource");
	kt_err_set_about(err, NULL, NULL, NULL, NULL);
	return err->code;
}

int kt_fail_no_method(struct kt_err *err)
{
	kt_fail_reason(err, KT_REASON_METHOD_NOT_ALLOWED,
	        kt_reason_errno(KT_REASON_METHOD_NOT_ALLOWED),
	        "the server does not allow this method on the requested resource");
	kt_err_set_about(err, NULL, NULL, NULL, NULL);
	return err->code;
}

#define NAMED_VERBS (KT_VERB_GET | KT_VERB_UPDATE | KT_VERB_PATCH | KT_VERB_DELETE)
#define COLLECTION_VERBS (KT_VERB_LIST | KT_VERB_WATCH | KT_VERB_CREATE | KT_VERB_DELETECOLLECTION)
/* Across all namespaces one may only look. */
#define EVERYWHERE_VERBS (KT_VERB_LIST | KT_VERB_WATCH)

static const struct {
	const char *verb;
	uint16_t bit;
	const struct kt_operation *operation;
	unsigned offers;
} verbs[] = {
        {"get", KT_VERB_GET, &kt_operation_get, KT_OFFER_TABLE | KT_OFFER_PARTIAL},
        {"list", KT_VERB_LIST, &kt_operation_list,
                KT_OFFER_TABLE | KT_OFFER_PARTIAL | KT_OFFER_STREAM},
        {"watch", KT_VERB_WATCH, &kt_operation_watch,
                KT_OFFER_TABLE | KT_OFFER_PARTIAL | KT_OFFER_STREAM},
        {"create", KT_VERB_CREATE, &kt_operation_create, KT_OFFER_TABLE | KT_OFFER_PARTIAL},
        {"update", KT_VERB_UPDATE, &kt_operation_update, KT_OFFER_TABLE | KT_OFFER_PARTIAL},
        {"patch", KT_VERB_PATCH, &kt_operation_patch, KT_OFFER_TABLE | KT_OFFER_PARTIAL},
        {"delete", KT_VERB_DELETE, &kt_operation_delete, KT_OFFER_TABLE | KT_OFFER_PARTIAL},
        {"deletecollection", KT_VERB_DELETECOLLECTION, &kt_operation_deletecollection,
                KT_OFFER_TABLE | KT_OFFER_PARTIAL},
};

static size_t verb_index(const char *verb)
{
	for (size_t i = 0; i < KT_ARRAY_SIZE(verbs); i++)
		if (kt_streq(verbs[i].verb, verb))
			return i;
	return KT_ARRAY_SIZE(verbs);
}

/* The verbs that the shape of the path leaves over; 0: no such path. */
static uint16_t path_verbs(const struct kt_route *route, const struct kt_kind *kind)
{
	bool namespaced = kind->flags & KT_KIND_NAMESPACED;

	if (!namespaced && *route->namespace && !kt_streq(kind->plural, "namespaces"))
		return 0;
	if (route->legacy_watch)
		return kind->verbs & KT_VERB_WATCH;
	if (*route->name) {
		if (namespaced && !*route->namespace)
			return 0;
		return kind->verbs & NAMED_VERBS;
	}
	if (namespaced && !*route->namespace)
		return kind->verbs & EVERYWHERE_VERBS;
	return kind->verbs & COLLECTION_VERBS;
}

static int fail_no_watch(struct kt_request *request)
{
	const struct kt_kind *kind = request->state->kind;

	kt_fail_reason(&request->err, KT_REASON_METHOD_NOT_ALLOWED,
	        kt_reason_errno(KT_REASON_METHOD_NOT_ALLOWED),
	        "watch is not supported on resources of kind \"%s\"", kind->plural);
	kt_err_set_about(&request->err, kind->group, kind->plural, NULL, NULL);
	return request->err.code;
}

static unsigned protobuf_offer(const struct kt_kind *kind)
{
	return kind->flags & KT_KIND_CUSTOM ? 0 : KT_OFFER_PROTOBUF;
}

/* Who can only be posted to, such as reviews, bindings, evictions and tokens, has no table. */
static unsigned table_offer(uint16_t possible)
{
	return possible == KT_VERB_CREATE ? 0 : KT_OFFER_TABLE;
}

static int find_subresource(struct kt_request *request)
{
	struct kt_request_state *state = request->state;
	const struct kt_route *route = &state->route;
	unsigned offers = 0;

	state->subresource = kt_kind_subresource(state->kind, route->subresource);
	bool namespaced = state->kind->flags & KT_KIND_NAMESPACED;
	/* One handler answers all paths of a custom resource: to it, it is the object's part that
	 * is missing. */
	if (!state->subresource && state->crd && *route->name)
		return kt_fail_not_found(
		        &request->err, state->kind->group, state->kind->plural, route->name);
	if (!state->subresource || (namespaced && !*route->namespace) || route->legacy_watch)
		return kt_fail_no_resource(&request->err);
	size_t i = verb_index(route->verb);
	if (kt_streq(request->method, "HEAD") || i == KT_ARRAY_SIZE(verbs) ||
	        !(state->subresource->verbs & verbs[i].bit))
		return kt_fail_no_method(&request->err);
	state->operation =
	        kt_subresource_operation(state->kind, state->subresource, verbs[i].bit, &offers);
	if (!state->operation)
		state->operation = verbs[i].operation;
	else if (*route->rest && !(offers & KT_OFFER_REST))
		return kt_fail_no_resource(&request->err);
	if (offers & KT_OFFER_TEXT)
		return 0;
	return kt_accept_negotiate(request, table_offer(state->subresource->verbs) |
	                                            KT_OFFER_PARTIAL | protobuf_offer(state->kind));
}

static const struct {
	const char *group, *version, *kind, *text;
} deprecated[] = {
        {"", "v1", "ComponentStatus", "v1 ComponentStatus is deprecated in v1.19+"},
        {"", "v1", "Endpoints",
                "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"},
};

static void warn_deprecated(struct kt_request *request)
{
	const struct kt_request_state *state = request->state;
	const struct kt_kind *kind = state->kind;

	for (size_t i = 0; i < KT_ARRAY_SIZE(deprecated); i++)
		if (kt_streq(kind->kind, deprecated[i].kind) &&
		        kt_streq(kind->group, deprecated[i].group) &&
		        kt_streq(kind->version, deprecated[i].version))
			kt_request_warn(request, "%s", deprecated[i].text);
	if (!state->crd)
		return;
	size_t version = (size_t)(kind - state->crd->set.kinds);
	if (state->crd->versions[version].deprecation_warning)
		kt_request_warn(request, "%s", state->crd->versions[version].deprecation_warning);
}

static int find_resource(struct kt_request *request)
{
	struct kt_request_state *state = request->state;
	const struct kt_route *route = &state->route;
	unsigned offers;

	state->kind = kt_resources_find(request->server->resources, route->group, route->version,
	        route->resource, &state->crd);
	if (!state->kind) {
		if (*route->group && !kt_resources_is_builtin_group(route->group)) {
			state->operation = &kt_operation_no_page;
			return 0;
		}
		return kt_fail_no_resource(&request->err);
	}
	if (*route->subresource)
		return find_subresource(request);
	size_t i = verb_index(route->verb);
	uint16_t possible = path_verbs(route, state->kind);
	if (kt_streq(route->verb, "watch") && (possible & KT_VERB_LIST) &&
	        !(possible & KT_VERB_WATCH))
		return fail_no_watch(request);
	if (!possible && (state->kind->flags & KT_KIND_CUSTOM)) {
		state->operation = &kt_operation_no_page;
		return 0;
	}
	if (!possible)
		return kt_fail_no_resource(&request->err);
	if (kt_streq(request->method, "HEAD") || i == KT_ARRAY_SIZE(verbs) ||
	        !(possible & verbs[i].bit))
		return kt_fail_no_method(&request->err);
	warn_deprecated(request);
	state->operation = verbs[i].operation;
	if (state->kind->flags & KT_KIND_VIRTUAL) {
		const struct kt_operation *virtual = kt_virtual_operation(
		        state->kind, verbs[i].bit);
		if (virtual)
			state->operation = virtual;
	}
	offers = verbs[i].offers | protobuf_offer(state->kind);
	if (!table_offer(state->kind->verbs))
		offers &= ~(unsigned)KT_OFFER_TABLE;
	return kt_accept_negotiate(request, offers);
}

int kt_operation_find(struct kt_request *request)
{
	if (request->state->route.is_resource)
		return find_resource(request);
	return kt_document_find(request);
}
