/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/access.h"

#include "api/server/auth/authenticate.h"
#include "api/server/auth/authorize.h"
#include "api/server/server_impl.h"

static bool has_impersonation(const struct kt_request *request)
{
	for (size_t i = 0; i < request->headers.n; i++)
		if (kt_starts_with(request->headers.items[i].name, "impersonate-"))
			return true;
	return false;
}

int kt_access_authenticate(struct kt_request *request)
{
	struct kt_server *server = request->server;

	if (!request->user && kt_authenticate(server->authenticator, request, &request->err) < 0)
		return request->err.code;
	if (!has_impersonation(request))
		return 0;
	return kt_impersonate(
	        server->authorizer, request, &request->state->impersonator, &request->err);
}

/* A collection selected by name is that name to authorization. */
static const char *selected_name(struct kt_request *request, const char *field_selector)
{
	struct kt_selector *selector = NULL;
	const char *name = NULL;

	if (!field_selector || kt_field_selector_parse(field_selector, NULL, &selector, NULL) < 0)
		return NULL;
	name = kt_selector_exact(selector, "metadata.name");
	name = name ? kt_arena_strdup(&request->arena, name) : NULL;
	kt_selector_destroy(selector);
	return name;
}

static struct kt_attributes attributes_of(struct kt_request *request, const char *verb)
{
	const struct kt_route *route = &request->state->route;
	struct kt_attributes attributes = {.user = request->user, .verb = verb};

	if (!route->is_resource) {
		attributes.path = route->path;
		return attributes;
	}
	attributes.group = route->group;
	attributes.version = route->version;
	attributes.resource = route->resource;
	attributes.subresource = route->subresource;
	attributes.namespace = route->namespace;
	attributes.name = route->name;
	if (kt_streq(verb, "list") || kt_streq(verb, "watch") || kt_streq(verb, "deletecollection"))
		attributes.field_selector = kt_request_query(request, "fieldSelector");
	if (attributes.field_selector && !*route->name)
		attributes.name = selected_name(request, attributes.field_selector);
	return attributes;
}

static int check(struct kt_request *request, const char *verb)
{
	struct kt_attributes attributes = attributes_of(request, verb);
	kt_auto_free char *reason = NULL;

	if (request->is_part || kt_authorize(request->server->authorizer, &attributes, &reason))
		return 0;
	return kt_fail_forbidden(&request->err, &attributes, reason);
}

int kt_access_authorize(struct kt_request *request)
{
	return check(request, request->state->route.verb);
}

int kt_access_second_verb(struct kt_request *request, const char *verb)
{
	return check(request, verb);
}
