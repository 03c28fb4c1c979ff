/* SPDX-License-Identifier: GPL-3.0-or-later */
/* APIService: a group version served by an extension server, or by this one when it names no
 * service. */
#include "api/machinery/names.h"
#include "api/server/rules/meta.h"
#include "base/time.h"

#define GROUP_PRIORITY_MAX 20000
#define VERSION_PRIORITY_MAX 1000

static void check_name(
        struct kt_rule_context *c, const struct kt_at *root, const char *version, const char *group)
{
	struct kt_at meta = kt_at(root, "metadata"), name = kt_at(&meta, "name"),
	             base = kt_at(&meta, "generateName");
	const char *required = kt_arena_printf(c->arena, "%s.%s", version, group);
	if (*kt_at_text(&base) && !kt_at_is(&base, required))
		kt_add_invalid(
		        c, &base, "must be `spec.version+\".\"+spec.group`: \"%s\"", required);
	if (*kt_at_text(&name) && kt_format_is("path-segment", kt_at_text(&name)) &&
	        !kt_at_is(&name, required))
		kt_add_invalid(
		        c, &name, "must be `spec.version+\".\"+spec.group`: \"%s\"", required);
}

static void check_service(struct kt_rule_context *c, const struct kt_at *spec)
{
	struct kt_at service = kt_at(spec, "service"), name = kt_at(&service, "name"),
	             namespace = kt_at(&service, "namespace");
	struct kt_at port = kt_at(&service, "port"), bundle = kt_at(spec, "caBundle"),
	             insecure = kt_at(spec, "insecureSkipTLSVerify");
	if (!service.value) {
		if (*kt_at_text(&bundle))
			kt_add_invalid_text(c, &bundle,
			        kt_arena_printf(
			                c->arena, "%zu bytes", strlen(kt_at_text(&bundle)) / 4 * 3),
			        "local APIServices may not have a caBundle");
		if (kt_at_bool(&insecure))
			kt_add_invalid(c, &insecure,
			        "local APIServices may not have insecureSkipTLSVerify");
		return;
	}
	kt_check_required(c, &namespace);
	kt_check_required(c, &name);
	if (kt_at_int(&port) < 1 || kt_at_int(&port) > 65535)
		kt_add_invalid(
		        c, &port, "port is not valid: must be between 1 and 65535, inclusive");
	if (kt_at_bool(&insecure) && *kt_at_text(&bundle))
		kt_add_invalid(c, &insecure, "may not be true if caBundle is present");
}

static void validate(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	struct kt_at root = kt_at_root(c, object), spec = kt_at(&root, "spec"),
	             group = kt_at(&spec, "group");
	struct kt_at version = kt_at(&spec, "version"),
	             group_priority = kt_at(&spec, "groupPriorityMinimum");
	struct kt_at version_priority = kt_at(&spec, "versionPriority");
	if (old)
		kt_meta_validate_common_update(c, object, old);
	if (c->subresource)
		return;
	check_name(c, &root, kt_at_text(&version), kt_at_text(&group));
	kt_meta_validate_common(c, object, "path-segment");
	if (!*kt_at_text(&group) && !kt_at_is(&version, "v1"))
		kt_add_required(
		        c, &group, "only v1 may have an empty group and it better be legacy kube");
	kt_check_optional_format(c, &group, "dns1123-subdomain");
	kt_check_format(c, &version, "dns1035-label");
	if (kt_at_int(&group_priority) <= 0 || kt_at_int(&group_priority) > GROUP_PRIORITY_MAX)
		kt_add_invalid(c, &group_priority, "must be positive and less than %d",
		        GROUP_PRIORITY_MAX);
	if (kt_at_int(&version_priority) <= 0 ||
	        kt_at_int(&version_priority) > VERSION_PRIORITY_MAX)
		kt_add_invalid(c, &version_priority, "must be positive and less than %d",
		        VERSION_PRIORITY_MAX);
	check_service(c, &spec);
}

/* What this server answers itself is there at once. */
static int prepare(struct kt_rule_context *c, json_t *object, const json_t *old)
{
	char now[KT_TIME_TEXT_MAX];
	if (old || kt_jget(object, "spec.service"))
		return 0;
	kt_time_format(c->now_ns, now);
	json_object_set_new(object, "status",
	        json_pack("{s:[{s:s,s:s,s:s,s:s,s:s}]}", "conditions", "type", "Available",
	                "status", "True", "lastTransitionTime", now, "reason", "Local", "message",
	                "Local APIServices are always available"));
	return 0;
}

const struct kt_rules kt_rules_apiregistration_api_service = {
        .group = "apiregistration.k8s.io",
        .kind = "APIService",
        .prepare = prepare,
        .validate = validate,
};
