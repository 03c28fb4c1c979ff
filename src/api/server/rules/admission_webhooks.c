/* SPDX-License-Identifier: GPL-3.0-or-later */
/* MutatingWebhookConfiguration and ValidatingWebhookConfiguration. */
#include "api/machinery/names.h"
#include "api/server/rules/admission_match.h"
#include "api/server/rules/meta.h"
#include "api/server/rules/names.h"
#include "api/server/rules/pod.h"
#include "base/str.h"

#define URL_FORM "; desired format: https://host[/path]"

/* All messages of a format in one error. */
static bool check_joined(
        struct kt_rule_context *c, const struct kt_at *at, const char *text, const char *format)
{
	struct kt_messages messages = {0};
	kt_auto_str joined = KT_STR_INIT;
	size_t n = kt_format_check(format, kt_sv_of(text), &messages);
	for (size_t i = 0; i < n; i++)
		kt_str_printf(&joined, "%s%s", i ? "," : "", messages.items[i]);
	if (n)
		kt_add_invalid_text(c, at, text, "%s", kt_str_text(&joined));
	return n == 0;
}

static size_t count_dots(const char *text)
{
	size_t n = 0;
	for (; *text; text++)
		n += *text == '.';
	return n;
}

/* Where a webhook is */

static const char *cut(struct kt_rule_context *c, const char **rest, char at)
{
	const char *start = strchr(*rest, at);
	if (!start)
		return NULL;
	const char *tail = start + 1;
	*rest = kt_arena_strndup(c->arena, *rest, (size_t)(start - *rest));
	return tail;
}

static void check_url(struct kt_rule_context *c, const struct kt_at *at)
{
	const char *rest = kt_at_text(at), *scheme = "", *host = "", *user = NULL;
	const char *fragment = cut(c, &rest, '#'), *query = cut(c, &rest, '?');
	size_t len = strcspn(rest, ":/");
	if (rest[len] == ':') {
		scheme = kt_arena_strndup(c->arena, rest, len);
		rest += len + 1;
	}
	if (kt_starts_with(rest, "//")) {
		host = kt_arena_strndup(c->arena, rest + 2, strcspn(rest + 2, "/"));
		const char *at_sign = strrchr(host, '@');
		if (at_sign) {
			user = kt_arena_strndup(c->arena, host, (size_t)(at_sign - host));
			host = at_sign + 1;
		}
	}
	if (strcmp(scheme, "https") != 0)
		kt_add_invalid_text(
		        c, at, scheme, "'https' is the only allowed URL scheme" URL_FORM);
	if (!*host)
		kt_add_invalid_text(c, at, host, "host must be specified" URL_FORM);
	if (user)
		kt_add_invalid_text(c, at, user, "user information is not permitted in the URL");
	if (fragment && *fragment)
		kt_add_invalid_text(c, at, fragment, "fragments are not permitted in the URL");
	if (query && *query)
		kt_add_invalid_text(c, at, query, "query parameters are not permitted in the URL");
}

static void check_path(struct kt_rule_context *c, const struct kt_at *at)
{
	const char *path = kt_at_text(at);
	size_t len = strlen(path), index = 0;
	if (len == 0 || strcmp(path, "/") == 0)
		return;
	if (strcmp(path, "//") == 0) {
		kt_add_invalid(c, at, "segment[0] may not be empty");
		return;
	}
	if (*path != '/')
		kt_add_invalid(c, at, "must start with a '/'");
	const char *end = path + len - (len > 1 && path[len - 1] == '/' ? 1 : 0);
	for (const char *step = path + 1; step <= end; index++) {
		const char *stop = memchr(step, '/', (size_t)(end - step));
		struct kt_sv text = {step, (size_t)((stop ? stop : end) - step)};
		struct kt_messages messages = {0};
		if (text.len == 0)
			kt_add_invalid(c, at, "segment[%zu] may not be empty", index);
		else
			kt_format_check("dns1123-subdomain", text, &messages);
		for (size_t i = 0; i < messages.n; i++)
			kt_add_invalid(c, at, "segment[%zu]: %s", index, messages.items[i]);
		step = (stop ? stop : end) + 1;
	}
}

static void check_service(struct kt_rule_context *c, const struct kt_at *service)
{
	struct kt_at name = kt_at(service, "name"), namespace = kt_at(service, "namespace"),
	             port = kt_at(service, "port");
	struct kt_at path = kt_at(service, "path");
	/* Upstream hands the two over in the wrong order. */
	if (!*kt_at_text(&namespace))
		kt_add_required(c, &name, "");
	if (!*kt_at_text(&name))
		kt_add_required(c, &namespace, "");
	if (kt_at_int(&port) < 1 || kt_at_int(&port) > 65535)
		kt_add_invalid(
		        c, &port, "port is not valid: must be between 1 and 65535, inclusive");
	check_path(c, &path);
}

void kt_check_webhook_client(struct kt_rule_context *c, const struct kt_at *client)
{
	struct kt_at url = kt_at(client, "url"), service = kt_at(client, "service");
	if (!url.value == !service.value)
		kt_add_required(c, client, "exactly one of url or service is required");
	else if (url.value)
		check_url(c, &url);
	else
		check_service(c, &service);
}

/* Webhooks */

static void check_name(struct kt_rule_context *c, const struct kt_at *name)
{
	if (kt_check_required(c, name) &&
	        check_joined(c, name, kt_at_text(name), "dns1123-subdomain") &&
	        count_dots(kt_at_text(name)) < 2)
		kt_add_invalid(c, name,
		        "should be a domain with at least three segments separated by dots");
}

static void check_choice(struct kt_rule_context *c, const struct kt_at *webhook, const char *name,
        const char *const *choices)
{
	struct kt_at at = kt_at(webhook, name);
	if (at.value)
		kt_check_in(c, &at, choices);
}

static void check_webhook(struct kt_rule_context *c, const struct kt_at *webhook)
{
	static const char *const failures[] = {"Fail", "Ignore", NULL}, *const matches[] = {
	                                                                        "Equivalent",
	                                                                        "Exact", NULL};
	static const char *const effects[] = {"None", "NoneOnDryRun", NULL}, *const again[] = {
	                                                                             "IfNeeded",
	                                                                             "Never", NULL};
	struct kt_at name = kt_at(webhook, "name"), rules = kt_at(webhook, "rules"),
	             side = kt_at(webhook, "sideEffects");
	struct kt_at timeout = kt_at(webhook, "timeoutSeconds"),
	             namespaces = kt_at(webhook, "namespaceSelector");
	struct kt_at objects = kt_at(webhook, "objectSelector"),
	             client = kt_at(webhook, "clientConfig");
	struct kt_at conditions = kt_at(webhook, "matchConditions");
	check_name(c, &name);
	KT_EACH(rule, &rules) {
		kt_check_admission_rule(c, &rule);
	}
	check_choice(c, webhook, "failurePolicy", failures);
	check_choice(c, webhook, "matchPolicy", matches);
	if (!side.value)
		kt_add_required(c, &side, "must specify one of None, NoneOnDryRun");
	check_choice(c, webhook, "sideEffects", effects);
	if (timeout.value && (kt_at_int(&timeout) < 1 || kt_at_int(&timeout) > 30))
		kt_add_invalid(c, &timeout, "the timeout value must be between 1 and 30 seconds");
	kt_check_label_selector(c, &namespaces);
	kt_check_label_selector(c, &objects);
	check_choice(c, webhook, "reinvocationPolicy", again);
	kt_check_webhook_client(c, &client);
	kt_check_match_conditions(c, &conditions, false);
}

static void check_versions(struct kt_rule_context *c, const struct kt_at *versions)
{
	static const char *const spoken[] = {"v1", "v1beta1", NULL};
	struct kt_names seen = {.arena = c->arena};
	bool understood = false;
	if (!kt_at_n(versions)) {
		kt_add_required(c, versions, "must specify one of v1, v1beta1");
		return;
	}
	KT_EACH(version, versions) {
		if (!kt_names_add(&seen, kt_at_text(&version)))
			kt_add_invalid(c, &version, "duplicate version");
		else
			kt_check_format(c, &version, "dns1035-label");
		understood |= kt_is_one_of(kt_at_text(&version), spoken);
	}
	if (!understood)
		kt_add_invalid(c, versions, "must include at least one of v1, v1beta1");
}

static void validate(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	struct kt_names seen = {.arena = c->arena};
	struct kt_at root = kt_at_root(c, object), webhooks = kt_at(&root, "webhooks");
	(void)old;
	kt_meta_validate_common(c, object, NULL);
	KT_EACH(webhook, &webhooks) {
		struct kt_at versions = kt_at(&webhook, "admissionReviewVersions"),
		             name = kt_at(&webhook, "name");
		check_webhook(c, &webhook);
		check_versions(c, &versions);
		if (*kt_at_text(&name) && !kt_names_add(&seen, kt_at_text(&name)))
			kt_add_duplicate(c, &name);
	}
}

const struct kt_rules kt_rules_admission_mutating_webhooks = {
        .group = "admissionregistration.k8s.io",
        .kind = "MutatingWebhookConfiguration",
        .validate = validate,
};

const struct kt_rules kt_rules_admission_validating_webhooks = {
        .group = "admissionregistration.k8s.io",
        .kind = "ValidatingWebhookConfiguration",
        .validate = validate,
};
