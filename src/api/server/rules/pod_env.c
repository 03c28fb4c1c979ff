/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Environment variables of containers, and the references to fields and resources they share with
 * volumes. */
#include "api/machinery/names.h"
#include "api/server/rules/names.h"
#include "api/server/rules/pod.h"
#include "api/server/rules/quantities.h"

#include <ctype.h>

/* "metadata.labels['app']" is split into path and subscript. */
static bool split_subscript(struct kt_rule_context *c, const char *text, const char **ret_path,
        const char **ret_subscript)
{
	size_t len = strlen(text);
	const char *open = strstr(text, "['");
	*ret_path = text;
	*ret_subscript = NULL;
	if (!open || open == text || len < 4 || strcmp(text + len - 2, "']") != 0)
		return false;
	*ret_path = kt_arena_strndup(c->arena, text, (size_t)(open - text));
	*ret_subscript = kt_arena_strndup(c->arena, open + 2, len - 4 - (size_t)(open - text));
	return true;
}

/* Why a field path is none, or NULL. */
static const char *bad_label(struct kt_rule_context *c, const char *version, const char *text,
        const char *path, const char *subscript)
{
	static const char *const known[] = {
	        "metadata.annotations",
	        "metadata.labels",
	        "metadata.name",
	        "metadata.namespace",
	        "metadata.uid",
	        "spec.nodeName",
	        "spec.restartPolicy",
	        "spec.serviceAccountName",
	        "spec.schedulerName",
	        "spec.host",
	        "status.phase",
	        "status.hostIP",
	        "status.hostIPs",
	        "status.podIP",
	        "status.podIPs",
	        NULL,
	};
	if (strcmp(version, "v1") != 0)
		return kt_arena_printf(c->arena, "unsupported pod version: %s", version);
	if (subscript && strcmp(path, "metadata.annotations") != 0 &&
	        strcmp(path, "metadata.labels") != 0)
		return kt_arena_printf(
		        c->arena, "field label does not support subscript: %s", text);
	if (!subscript && !kt_is_one_of(path, known))
		return kt_arena_printf(c->arena, "field label not supported: %s", text);
	return NULL;
}

void kt_check_field_ref(
        struct kt_rule_context *c, const struct kt_at *ref, const char *const *supported)
{
	struct kt_at version = kt_at(ref, "apiVersion"), field = kt_at(ref, "fieldPath");
	if (!kt_check_required(c, &version) || !kt_check_required(c, &field))
		return;
	const char *path, *subscript;
	split_subscript(c, kt_at_text(&field), &path, &subscript);
	const char *why = bad_label(c, kt_at_text(&version), kt_at_text(&field), path, subscript);
	if (why) {
		kt_add_invalid(c, &field, "error converting fieldPath: %s", why);
		return;
	}
	if (!subscript) {
		if (strcmp(path, "spec.host") == 0)
			path = "spec.nodeName";
		if (!kt_is_one_of(path, supported))
			kt_add_not_supported(c, &field, supported);
		return;
	}
	char *key = kt_arena_strdup(c->arena, subscript);
	if (strcmp(path, "metadata.annotations") == 0)
		for (char *p = key; *p; p++)
			*p = (char)tolower((unsigned char)*p);
	struct kt_messages messages = {0};
	size_t n = kt_format_check("qualified-name", kt_sv_of(key), &messages);
	for (size_t i = 0; i < n; i++)
		kt_add_invalid_text(c, ref, subscript, "%s", messages.items[i]);
}

/* A divisor is one of the units a resource is usually given in. */
static void check_divisor(struct kt_rule_context *c, const struct kt_at *ref, const char *resource)
{
	static const char *const byte_units[] = {
	        "1",
	        "1k",
	        "1M",
	        "1G",
	        "1T",
	        "1P",
	        "1E",
	        "1Ki",
	        "1Mi",
	        "1Gi",
	        "1Ti",
	        "1Pi",
	        "1Ei",
	        NULL,
	};
	static const char *const cpu_units[] = {"1m", "1", NULL};
	struct kt_at divisor = kt_at(ref, "divisor");
	const char *what = strchr(resource, '.') ? strchr(resource, '.') + 1 : resource;
	bool cpu = strcmp(what, "cpu") == 0;
	if (kt_quantities_nanos(divisor.value) == 0)
		return;
	if (kt_is_one_of(kt_quantities_text(c, divisor.value), cpu ? cpu_units : byte_units))
		return;
	if (cpu)
		kt_add_invalid_text(c, &divisor, resource,
		        "only divisor's values 1m and 1 are supported with the cpu resource");
	else
		kt_add_invalid_text(c, &divisor, resource,
		        "only divisor's values 1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, "
		        "1Ei are supported with the %s "
		        "resource",
		        strcmp(what, "ephemeral-storage") == 0 ? "local ephemeral storage"
		        : kt_resource_is_hugepages(what)       ? "hugepages"
		                                               : what);
}

void kt_check_resource_field_ref(
        struct kt_rule_context *c, const struct kt_at *ref, bool needs_container)
{
	static const char *const supported[] = {
	        "limits.cpu",
	        "limits.ephemeral-storage",
	        "limits.memory",
	        "requests.cpu",
	        "requests.ephemeral-storage",
	        "requests.memory",
	        NULL,
	};
	struct kt_at container = kt_at(ref, "containerName"), resource = kt_at(ref, "resource");
	const char *name = kt_at_text(&resource);
	if (needs_container && !*kt_at_text(&container))
		kt_add_required(c, &container, "");
	else if (!*name)
		kt_add_required(c, &resource, "");
	bool is_known = kt_is_one_of(name, supported) ||
	                kt_starts_with(name, "limits.hugepages-") ||
	                kt_starts_with(name, "requests.hugepages-");
	if (is_known)
		check_divisor(c, ref, name);
	else if (*name && (*kt_at_text(&container) || !needs_container))
		kt_add_not_supported(c, &resource, supported);
}

static void check_key_selector(struct kt_rule_context *c, const struct kt_at *ref)
{
	struct kt_at name = kt_at(ref, "name"), key = kt_at(ref, "key");
	kt_check_format(c, &name, "dns1123-subdomain");
	kt_check_required_format(c, &key, "config-map-key");
}

static void check_file_ref(struct kt_rule_context *c, const struct kt_at *ref)
{
	struct kt_at volume = kt_at(ref, "volumeName"), path = kt_at(ref, "path"),
	             key = kt_at(ref, "key");
	kt_check_required(c, &volume);
	if (kt_check_required(c, &path))
		kt_check_descending_path(c, &path);
	kt_check_required_format(c, &key, "env-var-name");
}

static void check_value_from(struct kt_rule_context *c, const struct kt_at *variable)
{
	static const char *const fields[] = {
	        "metadata.name",
	        "metadata.namespace",
	        "metadata.uid",
	        "spec.nodeName",
	        "spec.serviceAccountName",
	        "status.hostIP",
	        "status.hostIPs",
	        "status.podIP",
	        "status.podIPs",
	        NULL,
	};
	struct kt_at from = kt_at(variable, "valueFrom");
	if (!from.value)
		return;
	struct kt_at field = kt_at(&from, "fieldRef"), resource = kt_at(&from, "resourceFieldRef");
	struct kt_at map = kt_at(&from, "configMapKeyRef"), secret = kt_at(&from, "secretKeyRef"),
	             file = kt_at(&from, "fileKeyRef");
	if (field.value)
		kt_check_field_ref(c, &field, fields);
	if (resource.value)
		kt_check_resource_field_ref(c, &resource, false);
	if (map.value)
		check_key_selector(c, &map);
	if (secret.value)
		check_key_selector(c, &secret);
	if (file.value)
		check_file_ref(c, &file);
	int n = !!field.value + !!resource.value + !!map.value + !!secret.value + !!file.value;
	if (n == 0)
		kt_add_invalid_text(c, &from, "",
		        "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, "
		        "`secretKeyRef` or `fileKeyRef`");
	if (n && *kt_text_of(variable->value, "value"))
		kt_add_invalid_text(c, &from, "", "may not be specified when `value` is not empty");
	else if (n > 1)
		kt_add_invalid_text(
		        c, &from, "", "may not have more than one field specified at a time");
}

static void check_env_from(
        struct kt_rule_context *c, const struct kt_at *list, const struct kt_at *source)
{
	struct kt_at prefix = kt_at(source, "prefix");
	struct kt_at map = kt_at(source, "configMapRef"), secret = kt_at(source, "secretRef");
	kt_check_optional_format(c, &prefix, "env-var-name");
	if (map.value) {
		struct kt_at name = kt_at(&map, "name");
		kt_check_required_format(c, &name, "dns1123-subdomain");
	}
	if (secret.value) {
		struct kt_at name = kt_at(&secret, "name");
		kt_check_required_format(c, &name, "dns1123-subdomain");
	}
	if (map.value && secret.value)
		kt_add_invalid_text(
		        c, list, "", "may not have more than one field specified at a time");
	if (!map.value && !secret.value)
		kt_add_invalid_text(
		        c, list, "", "must specify one of: `configMapRef` or `secretRef`");
}

void kt_check_container_env(struct kt_pod *pod, const struct kt_at *container)
{
	struct kt_at env = kt_at(container, "env"), from = kt_at(container, "envFrom");
	KT_EACH(variable, &env) {
		struct kt_at name = kt_at(&variable, "name");
		kt_check_required_format(pod->c, &name, "env-var-name");
		check_value_from(pod->c, &variable);
	}
	KT_EACH(source, &from) {
		check_env_from(pod->c, &from, &source);
	}
}

void kt_check_descending_path(struct kt_rule_context *c, const struct kt_at *at)
{
	if (kt_at_text(at)[0] == '/')
		kt_add_invalid(c, at, "must be a relative path");
	kt_check_no_backsteps(c, at);
}

void kt_check_no_backsteps(struct kt_rule_context *c, const struct kt_at *at)
{
	if (kt_has_backsteps(kt_at_text(at)))
		kt_add_invalid(c, at, "must not contain '..'");
}
