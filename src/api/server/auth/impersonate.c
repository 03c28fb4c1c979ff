/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Acting as somebody else: each part of the wanted identity is a permission of its own (verb
 * impersonate). */
#include "api/server/auth/authorize.h"
#include "api/status.h"
#include "base/vec.h"

#include <errno.h>

#define EXTRA_PREFIX "impersonate-extra-"
#define ACCOUNT_PREFIX "system:serviceaccount:"

struct wanted {
	const char *user, *uid;
	KT_VEC(char *) groups;
	json_t *extra;
};

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Keys of extra come percent-encoded, since field names know neither case nor '/'. */
static char *decode_key(const char *text)
{
	char *key = kt_strdup(text), *out = key;

	for (const char *p = key; *p; p++) {
		if (*p == '%' && hex_value(p[1]) >= 0 && hex_value(p[2]) >= 0) {
			*out++ = (char)(hex_value(p[1]) * 16 + hex_value(p[2]));
			p += 2;
		} else {
			*out++ = *p;
		}
	}
	*out = 0;
	return key;
}

static void add_extra(struct wanted *wanted, const char *encoded, const char *value)
{
	kt_auto_free char *key = decode_key(encoded);
	json_t *values;

	if (!wanted->extra)
		wanted->extra = json_object();
	values = json_object_get(wanted->extra, key);
	if (!values) {
		values = json_array();
		if (json_object_set_new(wanted->extra, key, values) < 0)
			return; /* no UTF-8 */
	}
	json_array_append_new(values, json_string(value));
}

static void read_headers(const struct kt_request *request, struct wanted *wanted)
{
	for (size_t i = 0; i < request->headers.n; i++) {
		const struct kt_header *header = &request->headers.items[i];

		if (!strcmp(header->name, "impersonate-user"))
			wanted->user = *header->value ? header->value : NULL;
		else if (!strcmp(header->name, "impersonate-uid"))
			wanted->uid = *header->value ? header->value : NULL;
		else if (!strcmp(header->name, "impersonate-group"))
			kt_vec_push(&wanted->groups, kt_strdup(header->value));
		else if (kt_starts_with(header->name, EXTRA_PREFIX))
			add_extra(wanted, header->name + sizeof(EXTRA_PREFIX) - 1, header->value);
	}
}

static void wanted_finish(struct wanted *wanted)
{
	for (size_t i = 0; i < wanted->groups.n; i++)
		free(wanted->groups.items[i]);
	kt_vec_finish(&wanted->groups);
	json_decref(wanted->extra);
}

static int ask(
        struct kt_authorizer *authorizer, struct kt_attributes *attributes, struct kt_err *err)
{
	kt_auto_free char *reason = NULL;

	attributes->verb = "impersonate";
	attributes->version = "v1";
	return kt_authorize(authorizer, attributes, &reason)
	               ? 0
	               : kt_fail_forbidden(err, attributes, reason);
}

static int ask_user(struct kt_authorizer *authorizer, const struct kt_user *caller,
        const char *name, struct kt_err *err)
{
	struct kt_attributes attributes = {.user = caller, .resource = "users", .name = name};
	kt_auto_free char *namespace = NULL;

	if (kt_starts_with(name, ACCOUNT_PREFIX) &&
	        strchr(name + sizeof(ACCOUNT_PREFIX) - 1, ':')) {
		const char *rest = name + sizeof(ACCOUNT_PREFIX) - 1, *colon = strchr(rest, ':');

		namespace = kt_strndup(rest, (size_t)(colon - rest));
		attributes.resource = "serviceaccounts";
		attributes.namespace = namespace;
		attributes.name = colon + 1;
	}
	return ask(authorizer, &attributes, err);
}

static int ask_extra(struct kt_authorizer *authorizer, const struct kt_user *caller, json_t *extra,
        struct kt_err *err)
{
	const char *key;
	json_t *values, *value;
	size_t i;

	json_object_foreach(extra, key, values) {
		json_array_foreach(values, i, value) {
			struct kt_attributes attributes = {
			        .user = caller,
			        .group = "authentication.k8s.io",
			        .resource = "userextras",
			        .subresource = key,
			        .name = json_string_value(value),
			};
			int r = ask(authorizer, &attributes, err);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int ask_all(struct kt_authorizer *authorizer, const struct kt_user *caller,
        const struct wanted *wanted, struct kt_err *err)
{
	int r = ask_user(authorizer, caller, wanted->user, err);

	if (r >= 0 && wanted->uid) {
		struct kt_attributes attributes = {.user = caller,
		        .group = "authentication.k8s.io",
		        .resource = "uids",
		        .name = wanted->uid};

		r = ask(authorizer, &attributes, err);
	}
	for (size_t i = 0; i < wanted->groups.n && r >= 0; i++) {
		struct kt_attributes attributes = {
		        .user = caller, .resource = "groups", .name = wanted->groups.items[i]};

		r = ask(authorizer, &attributes, err);
	}
	return r < 0 ? r : ask_extra(authorizer, caller, wanted->extra, err);
}

static bool has_group(const struct wanted *wanted, const char *group)
{
	for (size_t i = 0; i < wanted->groups.n; i++)
		if (!strcmp(wanted->groups.items[i], group))
			return true;
	return false;
}

/* The groups that follow from the name: those of a service account when none were given, and
 * whether it is authenticated. */
static void add_groups(struct wanted *wanted)
{
	if (kt_starts_with(wanted->user, ACCOUNT_PREFIX) && wanted->groups.n == 0) {
		const char *rest = wanted->user + sizeof(ACCOUNT_PREFIX) - 1;

		kt_vec_push(&wanted->groups, kt_strdup("system:serviceaccounts"));
		kt_vec_push(&wanted->groups,
		        kt_asprintf("system:serviceaccounts:%.*s", (int)strcspn(rest, ":"), rest));
	}
	if (!strcmp(wanted->user, "system:anonymous")) {
		if (!has_group(wanted, "system:unauthenticated"))
			kt_vec_push(&wanted->groups, kt_strdup("system:unauthenticated"));
	} else if (!has_group(wanted, "system:authenticated") &&
	           !has_group(wanted, "system:unauthenticated")) {
		kt_vec_push(&wanted->groups, kt_strdup("system:authenticated"));
	}
	kt_vec_push(&wanted->groups, NULL);
}

int kt_impersonate(struct kt_authorizer *authorizer, struct kt_request *request,
        struct kt_user **ret_original, struct kt_err *err)
{
	__attribute__((cleanup(wanted_finish))) struct wanted wanted = {0};
	struct kt_user *user;
	int r;

	*ret_original = NULL;
	read_headers(request, &wanted);
	if (!wanted.user && (wanted.uid || wanted.groups.n || wanted.extra))
		return kt_fail_reason(err, KT_REASON_INTERNAL_ERROR, EIO,
		        "requested impersonation of a uid, groups or extra without impersonating a "
		        "user");
	if (!wanted.user)
		return 0;
	r = ask_all(authorizer, request->user, &wanted, err);
	if (r < 0)
		return r;
	add_groups(&wanted);
	user = kt_user_create(wanted.user, wanted.uid, (const char *const *)wanted.groups.items);
	user->extra = kt_steal(&wanted.extra);
	*ret_original = request->user;
	request->user = user;
	return 0;
}
