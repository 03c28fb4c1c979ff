/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Access, admission, budgets, certificates, autoscalers. */
#include "api/server/cells_table.h"

#define TARGETS_SHOWN 2

/* Role bindings */

static json_t *role_ref(const struct kt_cell_context *c)
{
	return json_sprintf(
	        "%s/%s", kt_jstr(c->object, "roleRef.kind"), kt_jstr(c->object, "roleRef.name"));
}

static json_t *subjects(const struct kt_cell_context *c, const char *kind)
{
	kt_auto_str text = KT_STR_INIT;
	json_t *subject;
	size_t i;

	json_array_foreach(json_object_get(c->object, "subjects"), i, subject) {
		const char *namespace = kt_jstr(subject, "namespace");
		if (!kt_streq(kt_jstr(subject, "kind"), kind))
			continue;
		kt_str_puts(&text, text.len ? ", " : "");
		if (kt_streq(kind, "ServiceAccount"))
			kt_str_printf(&text, "%s/", namespace ? namespace : "");
		kt_str_puts(&text, kt_jstr(subject, "name"));
	}
	return json_string(kt_str_text(&text));
}

static json_t *binding_users(const struct kt_cell_context *c)
{
	return subjects(c, "User");
}

static json_t *binding_groups(const struct kt_cell_context *c)
{
	return subjects(c, "Group");
}

static json_t *binding_service_accounts(const struct kt_cell_context *c)
{
	return subjects(c, "ServiceAccount");
}

/* Admission */

static json_t *webhooks_count(const struct kt_cell_context *c)
{
	return json_integer((json_int_t)json_array_size(json_object_get(c->object, "webhooks")));
}

static json_t *policy_validations_count(const struct kt_cell_context *c)
{
	return json_integer((json_int_t)json_array_size(kt_jget(c->object, "spec.validations")));
}

static json_t *policy_param_kind(const struct kt_cell_context *c)
{
	if (!kt_jget(c->object, "spec.paramKind"))
		return json_string("<unset>");
	return json_sprintf("%s/%s", kt_jstr(c->object, "spec.paramKind.apiVersion"),
	        kt_jstr(c->object, "spec.paramKind.kind"));
}

static json_t *policy_binding_param_ref(const struct kt_cell_context *c)
{
	const json_t *ref = kt_jget(c->object, "spec.paramRef");
	const char *namespace = kt_jstr(ref, "namespace"), *name = kt_jstr(ref, "name");

	if (!ref)
		return json_string("<unset>");
	if (!name)
		return kt_cell_selector_text(json_object_get(ref, "selector"));
	return namespace ? json_sprintf("%s/%s", namespace, name) : json_string(name);
}

/* Disruption budgets */

static json_t *int_or_percent(const struct kt_cell_context *c, const char *path)
{
	const json_t *value = kt_jget(c->object, path);

	if (json_is_integer(value))
		return json_sprintf("%lld", (long long)json_integer_value(value));
	return json_string(json_is_string(value) ? json_string_value(value) : "N/A");
}

static json_t *pdb_min_available(const struct kt_cell_context *c)
{
	return int_or_percent(c, "spec.minAvailable");
}

static json_t *pdb_max_unavailable(const struct kt_cell_context *c)
{
	return int_or_percent(c, "spec.maxUnavailable");
}

/* Certificates */

static json_t *csr_signer_name(const struct kt_cell_context *c)
{
	return kt_cell_text_or_none(kt_jstr(c->object, "spec.signerName"));
}

static json_t *csr_duration(const struct kt_cell_context *c)
{
	long long seconds = kt_jint(c->object, "spec.expirationSeconds", 0);
	char text[64];

	if (!seconds)
		return json_string("<none>");
	/* kubectl's HumanDuration: years, days, hours, minutes, seconds, the coarsest that says
	 * enough */
	if (seconds < 120)
		snprintf(text, sizeof(text), "%llds", seconds);
	else if (seconds < 3 * 3600)
		snprintf(text, sizeof(text), "%lldm", seconds / 60);
	else if (seconds < 48 * 3600)
		snprintf(text, sizeof(text), "%lldh", seconds / 3600);
	else if (seconds < 2 * 365 * 86400LL)
		snprintf(text, sizeof(text), "%lldd", seconds / 86400);
	else
		snprintf(text, sizeof(text), "%lldy", seconds / (365 * 86400LL));
	return json_string(text);
}

static json_t *csr_condition(const struct kt_cell_context *c)
{
	bool approved = false, denied = false, failed = false;
	const char *certificate = kt_jstr(c->object, "status.certificate");
	json_t *condition;
	size_t i;

	json_array_foreach(kt_jget(c->object, "status.conditions"), i, condition) {
		approved |= kt_streq(kt_jstr(condition, "type"), "Approved");
		denied |= kt_streq(kt_jstr(condition, "type"), "Denied");
		failed |= kt_streq(kt_jstr(condition, "type"), "Failed");
	}
	return json_sprintf("%s%s%s",
	        denied     ? "Denied"
	        : approved ? "Approved"
	                   : "Pending",
	        failed ? ",Failed" : "", certificate && *certificate ? ",Issued" : "");
}

/* Autoscalers: "cpu: 33%/50%, memory: 50Mi/100Mi + 1 more..." */

static json_t *hpa_reference(const struct kt_cell_context *c)
{
	return json_sprintf("%s/%s", kt_jstr(c->object, "spec.scaleTargetRef.kind"),
	        kt_jstr(c->object, "spec.scaleTargetRef.name"));
}

static json_t *hpa_min_pods(const struct kt_cell_context *c)
{
	if (!kt_jget(c->object, "spec.minReplicas"))
		return json_string("<unset>");
	return json_sprintf("%lld", (long long)kt_jint(c->object, "spec.minReplicas", 0));
}

/* The part of a metric spec or status that its type names: resource, pods, object, external,
 * containerResource. */
static const json_t *metric_part(const json_t *metric)
{
	static const char *const names[][2] = {{"Resource", "resource"}, {"Pods", "pods"},
	        {"Object", "object"}, {"External", "external"},
	        {"ContainerResource", "containerResource"}};
	const char *type = kt_jstr(metric, "type");

	for (size_t i = 0; i < KT_ARRAY_SIZE(names); i++)
		if (kt_streq(names[i][0], type))
			return json_object_get(metric, names[i][1]);
	return NULL;
}

static void put_target(struct kt_str *out, const json_t *spec, const json_t *status)
{
	const json_t *part = metric_part(spec), *now = metric_part(status);
	const char *resource = kt_jstr(part, "name");
	const char *average = kt_jstr(part, "target.averageValue"),
	           *value = kt_jstr(part, "target.value");
	bool plain = kt_streq(kt_jstr(spec, "type"), "Object") ||
	             kt_streq(kt_jstr(spec, "type"), "External");

	if (resource)
		kt_str_printf(out, "%s: ", resource);
	if (average) {
		const char *current = kt_jstr(now, "current.averageValue");
		kt_str_printf(out, "%s/%s%s", current ? current : "<unknown>", average,
		        plain ? " (avg)" : "");
	} else if (value) {
		const char *current = kt_jstr(now, "current.value");
		kt_str_printf(out, "%s/%s", current ? current : "<unknown>", value);
	} else {
		if (kt_jget(now, "current.averageUtilization"))
			kt_str_printf(out, "%lld%%/",
			        (long long)kt_jint(now, "current.averageUtilization", 0));
		else
			kt_str_puts(out, "<unknown>/");
		if (kt_jget(part, "target.averageUtilization"))
			kt_str_printf(out, "%lld%%",
			        (long long)kt_jint(part, "target.averageUtilization", 0));
		else
			kt_str_puts(out, "<auto>");
	}
}

/* The v1 form holds one target; the others rest in an annotation and are counted there. */
static json_t *hpa_targets(const struct kt_cell_context *c)
{
	json_t *metrics = kt_jget(c->object, "spec.metrics"),
	       *now = kt_jget(c->object, "status.currentMetrics"), *metric;
	size_t n = json_array_size(metrics), i;
	kt_auto_str text = KT_STR_INIT;

	json_array_foreach(metrics, i, metric) {
		if (i == TARGETS_SHOWN) {
			kt_str_printf(&text, " + %zu more...", n - i);
			break;
		}
		kt_str_puts(&text, i ? ", " : "");
		put_target(&text, metric, json_array_get(now, i));
	}
	return kt_cell_text_or_none(kt_str_text(&text));
}

/* Priority */

static json_t *priority_class_default(const struct kt_cell_context *c)
{
	return json_boolean(kt_jbool(c->object, "globalDefault", false));
}

static const struct kt_cell_entry entries[] = {
        {"binding_groups", binding_groups},
        {"binding_service_accounts", binding_service_accounts},
        {"binding_users", binding_users},
        {"csr_condition", csr_condition},
        {"csr_duration", csr_duration},
        {"csr_signer_name", csr_signer_name},
        {"hpa_min_pods", hpa_min_pods},
        {"hpa_reference", hpa_reference},
        {"hpa_targets", hpa_targets},
        {"pdb_max_unavailable", pdb_max_unavailable},
        {"pdb_min_available", pdb_min_available},
        {"policy_binding_param_ref", policy_binding_param_ref},
        {"policy_param_kind", policy_param_kind},
        {"policy_validations_count", policy_validations_count},
        {"priority_class_default", priority_class_default},
        {"role_ref", role_ref},
        {"webhooks_count", webhooks_count},
        {NULL, NULL},
};

const struct kt_cell_group kt_cells_policy = {entries};
