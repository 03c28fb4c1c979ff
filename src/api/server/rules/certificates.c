/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CertificateSigningRequest. Its spec is fixed once created; approvers and signers write their
 * parts of the status. */
#include "api/machinery/names.h"
#include "api/server/request.h"
#include "api/server/rules/meta.h"
#include "api/server/rules/names.h"
#include "base/str.h"
#include "base/time.h"

#define LEAST_SECONDS 600
#define PATH_MAX_LEN (253 + 63 + 1)

static const char *const decided[] = {"Approved", "Denied", "Failed", NULL};

/* Text of a field with base64; NULL when there is none. */
static bool decode(const struct kt_at *at, struct kt_str *text)
{
	return *kt_at_text(at) && kt_base64_decode(text, kt_sv_of(kt_at_text(at))) == 0;
}

static void check_request(struct kt_rule_context *c, const struct kt_at *at)
{
	kt_auto_str text = KT_STR_INIT;
	if (decode(at, &text) &&
	        strstr(kt_str_text(&text), "-----BEGIN CERTIFICATE REQUEST-----") &&
	        strstr(kt_str_text(&text), "-----END CERTIFICATE REQUEST-----"))
		return;
	kt_add_invalid(c, at, "PEM block type must be CERTIFICATE REQUEST");
}

static void check_usages(struct kt_rule_context *c, const struct kt_at *usages)
{
	static const char *const known[] = {
	        "any",
	        "cert sign",
	        "client auth",
	        "code signing",
	        "content commitment",
	        "crl sign",
	        "data encipherment",
	        "decipher only",
	        "digital signature",
	        "email protection",
	        "encipher only",
	        "ipsec end system",
	        "ipsec tunnel",
	        "ipsec user",
	        "key agreement",
	        "key encipherment",
	        "microsoft sgc",
	        "netscape sgc",
	        "ocsp signing",
	        "s/mime",
	        "server auth",
	        "signing",
	        "timestamping",
	        NULL,
	};
	struct kt_names seen = {.arena = c->arena};
	if (!kt_at_n(usages))
		kt_add_required(c, usages, "");
	KT_EACH(usage, usages) {
		kt_check_in(c, &usage, known);
	}
	KT_EACH(usage, usages) {
		if (!kt_names_add(&seen, kt_at_text(&usage)))
			kt_add_duplicate(c, &usage);
	}
}

/* Signer names */

static void check_labels_of(
        struct kt_rule_context *c, const struct kt_at *at, const char *segment, const char *format)
{
	const char *start = segment;
	for (;;) {
		size_t len = strcspn(start, ".");
		const char *label = kt_arena_strndup(c->arena, start, len);
		struct kt_messages messages = {0};
		size_t n = kt_format_check(format, kt_sv_of(label), &messages);
		for (size_t i = 0; i < n; i++)
			kt_add_invalid_text(c, at, segment, "validating label \"%s\": %s", label,
			        messages.items[i]);
		start += len;
		if (!*start)
			return;
		start++;
	}
}

static void check_signer(struct kt_rule_context *c, const struct kt_at *at)
{
	const char *name = kt_at_text(at), *slash = strchr(name, '/');
	if (strcmp(name, "kubernetes.io/legacy-unknown") == 0) {
		kt_add_invalid(c, at, "the legacy signerName is not allowed via this API version");
		return;
	}
	if (!kt_check_required(c, at))
		return;
	if (!slash || strchr(slash + 1, '/')) {
		kt_add_invalid(c, at,
		        "must be a fully qualified domain and path of the form "
		        "'example.com/signer-name'");
		return;
	}
	const char *domain = kt_arena_strndup(c->arena, name, (size_t)(slash - name));
	if (strlen(domain) > 253)
		kt_add_too_long(c, at, 253);
	check_labels_of(c, at, domain, "dns1123-label");
	if (!strchr(domain, '.'))
		kt_add_invalid_text(c, at, domain,
		        "should be a domain with at least two segments separated by dots");
	check_labels_of(c, at, slash + 1, "dns1123-subdomain");
	if (strlen(name) > 253 + PATH_MAX_LEN + 1)
		kt_add_too_long(c, at, 253 + PATH_MAX_LEN + 1);
}

/* Status */

static void check_condition(
        struct kt_rule_context *c, const struct kt_at *condition, struct kt_names *seen)
{
	static const char *const truth[] = {"True", NULL}, *const any[] = {"False", "True",
	                                                           "Unknown", NULL};
	struct kt_at type = kt_at(condition, "type"), status = kt_at(condition, "status");
	bool is_decision = kt_is_one_of(kt_at_text(&type), decided);
	kt_check_required(c, &type);
	if (kt_check_required(c, &status))
		kt_check_in(c, &status, is_decision ? truth : any);
	if (!kt_names_add(seen, kt_at_text(&type)))
		kt_add_duplicate(c, &type);
}

static void check_conditions(struct kt_rule_context *c, const struct kt_at *conditions)
{
	struct kt_names seen = {.arena = c->arena};
	bool refused = false;
	KT_EACH(condition, conditions) {
		check_condition(c, &condition, &seen);
		if (!refused && kt_names_has(&seen, "Approved") && kt_names_has(&seen, "Denied")) {
			refused = true;
			kt_add_invalid_text(c, conditions, kt_text_of(condition.value, "type"),
			        "Approved and Denied conditions are mutually exclusive");
		}
	}
}

static void check_certificate(struct kt_rule_context *c, const struct kt_at *at)
{
	kt_auto_str text = KT_STR_INIT;
	if (!*kt_at_text(at) ||
	        (decode(at, &text) && strstr(kt_str_text(&text), "-----BEGIN CERTIFICATE-----")))
		return;
	kt_add_invalid_text(
	        c, at, "<certificate data>", "must contain at least one CERTIFICATE PEM block");
}

static const json_t *find_condition(const json_t *list, const char *type)
{
	size_t i;
	json_t *condition;
	json_array_foreach(list, i, condition) {
		if (strcmp(kt_text_of(condition, "type"), type) == 0)
			return condition;
	}
	return NULL;
}

static void check_decisions_kept(
        struct kt_rule_context *c, const struct kt_at *conditions, const json_t *old)
{
	bool may_decide = c->subresource && strcmp(c->subresource, "approval") == 0;
	for (size_t i = 0; decided[i]; i++) {
		const json_t *was = find_condition(old, decided[i]),
		             *is = find_condition(conditions->value, decided[i]);
		if (was && !is)
			kt_add_forbidden(c, conditions,
			        "updates may not remove a condition of type \"%s\"", decided[i]);
	}
	for (size_t i = 0; i < 2 && !may_decide; i++) { /* signers may report a failure */
		const json_t *was = find_condition(old, decided[i]),
		             *is = find_condition(conditions->value, decided[i]);
		if (!was && is)
			kt_add_forbidden(c, conditions,
			        "updates may not add a condition of type \"%s\"", decided[i]);
		else if (was && is && !json_equal(was, is))
			kt_add_forbidden(c, conditions,
			        "updates may not modify a condition of type \"%s\"", decided[i]);
	}
}

static void validate(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	struct kt_at root = kt_at_root(c, object), spec = kt_at(&root, "spec"),
	             status = kt_at(&root, "status");
	struct kt_at request = kt_at(&spec, "request"), usages = kt_at(&spec, "usages"),
	             signer = kt_at(&spec, "signerName");
	struct kt_at seconds = kt_at(&spec, "expirationSeconds"),
	             conditions = kt_at(&status, "conditions");
	struct kt_at certificate = kt_at(&status, "certificate");
	const json_t *old_certificate = kt_jget(old, "status.certificate");
	kt_meta_validate(c, object, NULL);
	check_request(c, &request);
	check_usages(c, &usages);
	check_signer(c, &signer);
	if (seconds.value && kt_at_int(&seconds) < LEAST_SECONDS)
		kt_add_invalid(c, &seconds,
		        "may not specify a duration less than 600 seconds (10 minutes)");
	check_conditions(c, &conditions);
	check_certificate(c, &certificate);
	if (!old)
		return;
	kt_meta_validate_update(c, object, old);
	check_decisions_kept(c, &conditions, kt_jget(old, "status.conditions"));
	if (c->subresource && old_certificate && !kt_same(certificate.value, old_certificate))
		kt_add_forbidden(c, &certificate, "updates may not modify an issued certificate");
}

/* Who asks is part of the request: the signer relies on it. */
static void note_requester(const struct kt_user *user, json_t *spec)
{
	static const char *const ours[] = {"username", "uid", "groups", "extra", NULL};
	for (size_t i = 0; ours[i]; i++)
		json_object_del(spec, ours[i]);
	if (!user)
		return;
	json_t *groups = json_array();
	for (char **group = user->groups; group && *group; group++)
		json_array_append_new(groups, json_string(*group));
	json_object_set_new(spec, "username", json_string(user->name));
	if (user->uid && *user->uid)
		json_object_set_new(spec, "uid", json_string(user->uid));
	json_object_set_new(spec, "groups", groups);
	if (json_object_size(user->extra))
		json_object_set_new(spec, "extra", json_deep_copy(user->extra));
}

static void stamp_conditions(const struct kt_rule_context *c, json_t *conditions, const json_t *old)
{
	size_t i;
	json_t *condition;
	char now[KT_TIME_TEXT_MAX];
	kt_time_format(c->now_ns, now);
	json_array_foreach(conditions, i, condition) {
		const json_t *was = find_condition(old, kt_text_of(condition, "type"));
		bool same = was &&
		            strcmp(kt_text_of(was, "status"), kt_text_of(condition, "status")) == 0;
		json_t *since = same ? json_object_get(was, "lastTransitionTime") : NULL;
		if (!json_is_string(json_object_get(condition, "lastUpdateTime")))
			json_object_set_new(condition, "lastUpdateTime", json_string(now));
		if (!json_is_string(json_object_get(condition, "lastTransitionTime")))
			json_object_set_new(condition, "lastTransitionTime",
			        since ? json_incref(since) : json_string(now));
	}
}

static void keep(json_t *object, const json_t *old, const char *name)
{
	json_t *value = json_object_get(old, name);
	if (value)
		json_object_set(object, name, value);
	else
		json_object_del(object, name);
}

static int prepare(struct kt_rule_context *c, json_t *object, const json_t *old)
{
	json_t *status = json_object_get(object, "status");
	if (!old) {
		note_requester(c->requester, json_object_get(object, "spec"));
		return 0;
	}
	keep(object, old, "spec");
	if (!c->subresource) {
		keep(object, old, "status");
		return 0;
	}
	if (strcmp(c->subresource, "approval") == 0 && status)
		keep(status, json_object_get(old, "status"), "certificate");
	stamp_conditions(
	        c, json_object_get(status, "conditions"), kt_jget(old, "status.conditions"));
	return 0;
}

const struct kt_rules kt_rules_certificates_signing_request = {
        .group = "certificates.k8s.io",
        .kind = "CertificateSigningRequest",
        .prepare = prepare,
        .validate = validate,
};
