/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Namespaces' labels say which level of the Pod Security Standards is enforced, and which is warned
 * about. */
#include "api/server/admission/pod_security.h"

#include "api/server/admission/plugins.h"
#include "api/server/rules/check.h"
#include "api/status.h"

#include <errno.h>
#include <limits.h>

#define PREFIX "pod-security.kubernetes.io/"

struct policy {
	enum kt_pod_level level;
	int minor;        /* INT_MAX: latest */
	const char *text; /* "baseline:latest" */
};

static const char *const level_names[] = {"privileged", "baseline", "restricted"};

static bool parse_level(const char *text, enum kt_pod_level *ret_level)
{
	for (size_t i = 0; i < KT_ARRAY_SIZE(level_names); i++) {
		if (strcmp(text, level_names[i]) == 0) {
			*ret_level = (enum kt_pod_level)i;
			return true;
		}
	}
	return false;
}

static bool parse_version(const char *text, int *ret_minor)
{
	char *end;
	*ret_minor = INT_MAX;
	if (strcmp(text, "latest") == 0)
		return true;
	if (!kt_starts_with(text, "v1.") || !text[3])
		return false;
	long minor = strtol(text + 3, &end, 10);
	*ret_minor = (int)minor;
	return !*end && minor >= 0 && minor < 100000;
}

/* The policy of one mode; a bad label counts as the strictest, as upstream does. */
static struct policy policy_of(
        struct kt_admission_context *a, const json_t *labels, const char *mode)
{
	struct policy policy = {.level = KT_POD_PRIVILEGED, .minor = INT_MAX};
	const char *level = kt_text_of(labels, kt_arena_printf(a->rules->arena, PREFIX "%s", mode));
	const char *version =
	        kt_text_of(labels, kt_arena_printf(a->rules->arena, PREFIX "%s-version", mode));
	if (*level && !parse_level(level, &policy.level))
		policy.level = KT_POD_RESTRICTED;
	if (!*version || !parse_version(version, &policy.minor))
		version = "latest";
	policy.text = kt_arena_printf(a->rules->arena, "%s:%s", level_names[policy.level], version);
	return policy;
}

static const json_t *template_spec(const json_t *object)
{
	static const char *const places[] = {
	        "spec.template.spec", "spec.jobTemplate.spec.template.spec", "template.spec"};
	for (size_t i = 0; i < KT_ARRAY_SIZE(places); i++) {
		const json_t *spec = kt_jget(object, places[i]);
		if (spec)
			return spec;
	}
	return NULL;
}

static bool makes_pods(const struct kt_admission_context *a)
{
	static const char *const plurals[] = {
	        "deployments",
	        "replicasets",
	        "statefulsets",
	        "daemonsets",
	        "jobs",
	        "cronjobs",
	        "replicationcontrollers",
	        "podtemplates",
	        NULL,
	};
	static const char *const groups[] = {"", "apps", "batch", NULL};
	return !a->subresource && kt_is_one_of(a->kind->plural, plurals) &&
	       kt_is_one_of(a->kind->group, groups);
}

static void warn_if_bad(struct kt_admission_context *a, const struct policy *policy,
        const json_t *meta, const json_t *spec)
{
	kt_auto_str reasons = KT_STR_INIT, details = KT_STR_INIT;
	if (policy->level != KT_POD_PRIVILEGED &&
	        !kt_pod_security_check(
	                policy->level, policy->minor, meta, spec, &reasons, &details))
		kt_rule_warn(a->rules, "would violate PodSecurity \"%s\": %s", policy->text,
		        kt_str_text(&details));
}

static int check_pod(struct kt_admission_context *a, const json_t *labels, const json_t *pod)
{
	struct policy enforce = policy_of(a, labels, "enforce"),
	              warn = policy_of(a, labels, "warn");
	const json_t *meta = json_object_get(pod, "metadata"), *spec = json_object_get(pod, "spec");
	kt_auto_str reasons = KT_STR_INIT, details = KT_STR_INIT;
	if (enforce.level != KT_POD_PRIVILEGED &&
	        !kt_pod_security_check(
	                enforce.level, enforce.minor, meta, spec, &reasons, &details))
		return kt_admission_forbid(
		        a, "violates PodSecurity \"%s\": %s", enforce.text, kt_str_text(&details));
	warn_if_bad(a, &warn, meta, spec);
	return 0;
}

/* A workload is never refused: its pods would be. */
static void check_template(
        struct kt_admission_context *a, const json_t *labels, const json_t *object)
{
	struct policy enforce = policy_of(a, labels, "enforce"),
	              warn = policy_of(a, labels, "warn");
	const json_t *spec = template_spec(object);
	if (spec)
		warn_if_bad(a, warn.level != KT_POD_PRIVILEGED ? &warn : &enforce, NULL, spec);
}

/* Namespaces */

static void check_label(struct kt_admission_context *a, struct kt_field_errors *errors,
        const json_t *labels, const char *key)
{
	enum kt_pod_level level;
	int minor;
	const json_t *value = json_object_get(labels, key);
	const char *text = json_string_value(value),
	           *field = kt_arena_printf(a->rules->arena, "metadata.labels[%s]", key);
	if (!text)
		return;
	if (kt_ends_with(key, "-version")) {
		if (!parse_version(text, &minor))
			kt_field_invalid(errors, field, value, "must be \"latest\" or \"v1.x\"");
	} else if (!parse_level(text, &level)) {
		kt_field_invalid(
		        errors, field, value, "must be one of privileged, baseline, restricted");
	}
}

static int check_labels(struct kt_admission_context *a, const json_t *labels)
{
	static const char *const keys[] = {
	        PREFIX "enforce",
	        PREFIX "enforce-version",
	        PREFIX "audit",
	        PREFIX "audit-version",
	        PREFIX "warn",
	        PREFIX "warn-version",
	};
	struct kt_field_errors errors = {.arena = a->rules->arena};
	for (size_t i = 0; i < KT_ARRAY_SIZE(keys); i++)
		check_label(a, &errors, labels, keys[i]);
	if (!errors.n)
		return 0;
	kt_field_errors_fail(&errors, "", "Namespace", a->name, &a->err);
	kt_err_set_about(&a->err, "", "Namespace", a->name, NULL);
	return -EINVAL;
}

/* Pods with the same findings are told in one warning. */
struct group {
	const char *reasons, *first;
	size_t n;
};

#define GROUPS_MAX 20

static void warn_about_pods(
        struct kt_admission_context *a, const struct policy *policy, const char *namespace)
{
	struct kt_storage_list list;
	struct group groups[GROUPS_MAX];
	size_t n = 0;
	if (kt_admission_list(a, "", "pods", namespace, &list) < 0)
		return;
	for (size_t i = 0; i < list.n; i++) {
		kt_auto_json json_t *pod = kt_object_tree(list.objects[i]);
		kt_auto_str reasons = KT_STR_INIT, details = KT_STR_INIT;
		size_t g = 0;
		if (kt_pod_security_check(policy->level, policy->minor,
		            json_object_get(pod, "metadata"), json_object_get(pod, "spec"),
		            &reasons, &details))
			continue;
		while (g < n && strcmp(groups[g].reasons, kt_str_text(&reasons)) != 0)
			g++;
		if (g == GROUPS_MAX)
			continue;
		if (g == n)
			groups[n++] = (struct group){
			        kt_arena_strdup(a->rules->arena, kt_str_text(&reasons)),
			        kt_arena_strdup(a->rules->arena, kt_jstr(pod, "metadata.name")), 0};
		groups[g].n++;
	}
	kt_storage_list_finish(&list);
	if (n)
		kt_rule_warn(a->rules,
		        "existing pods in namespace \"%s\" violate the new PodSecurity enforce "
		        "level \"%s\"",
		        namespace, policy->text);
	for (size_t g = 0; g < n; g++) {
		if (groups[g].n == 1)
			kt_rule_warn(a->rules, "%s: %s", groups[g].first, groups[g].reasons);
		else
			kt_rule_warn(a->rules, "%s (and %zu other pod%s): %s", groups[g].first,
			        groups[g].n - 1, groups[g].n > 2 ? "s" : "", groups[g].reasons);
	}
}

static int check_namespace(struct kt_admission_context *a, const json_t *object, const json_t *old)
{
	const json_t *labels = kt_jget(object, "metadata.labels");
	if (a->subresource || !object)
		return 0;
	if (check_labels(a, labels) < 0)
		return a->err.code;
	if (!old)
		return 0;
	struct policy now = policy_of(a, labels, "enforce"),
	              before = policy_of(a, kt_jget(old, "metadata.labels"), "enforce");
	bool stricter = now.level != KT_POD_PRIVILEGED && strcmp(now.text, before.text) != 0 &&
	                !(now.level < before.level && now.minor == before.minor);
	if (stricter)
		warn_about_pods(a, &now, a->name);
	return 0;
}

static bool is_new_pod(
        const struct kt_admission_context *a, const json_t *object, const json_t *old)
{
	if (kt_admission_is(a, "", "pods", "ephemeralcontainers"))
		return true;
	if (!kt_admission_is(a, "", "pods", NULL))
		return false;
	return a->operation == KT_ADMIT_CREATE ||
	       !kt_same(json_object_get(object, "spec"), json_object_get(old, "spec"));
}

static int validate(struct kt_admission_context *a, const json_t *object, const json_t *old)
{
	if (!object || (a->operation != KT_ADMIT_CREATE && a->operation != KT_ADMIT_UPDATE))
		return 0;
	if (!*a->kind->group && kt_streq(a->kind->plural, "namespaces"))
		return check_namespace(a, object, old);
	bool pod = is_new_pod(a, object, old);
	if (!pod && !makes_pods(a))
		return 0;
	kt_auto_json json_t *namespace = kt_admission_read(a, "", "namespaces", "", a->namespace);
	const json_t *labels = kt_jget(namespace, "metadata.labels");
	if (pod)
		return check_pod(a, labels, object);
	check_template(a, labels, object);
	return 0;
}

const struct kt_admission_plugin kt_admission_pod_security = {
        .name = "PodSecurity",
        .on_by_default = true,
        .validate = validate,
};
