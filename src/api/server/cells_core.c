/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Config, secrets, nodes, events, volumes, quotas. */
#include "api/server/cells_table.h"

#include "base/time.h"

#include <ctype.h>

static json_t *config_map_data(const struct kt_cell_context *c)
{
	return json_integer(
	        (json_int_t)(json_object_size(json_object_get(c->object, "data")) +
	                     json_object_size(json_object_get(c->object, "binaryData"))));
}

static json_t *secret_data(const struct kt_cell_context *c)
{
	return json_integer((json_int_t)json_object_size(json_object_get(c->object, "data")));
}

static json_t *component_condition(const struct kt_cell_context *c, const char *field)
{
	const char *text =
	        kt_jstr(json_array_get(json_object_get(c->object, "conditions"), 0), field);

	return json_string(text ? text : "");
}

static json_t *component_status(const struct kt_cell_context *c)
{
	const char *status =
	        kt_jstr(json_array_get(json_object_get(c->object, "conditions"), 0), "status");

	return json_string(kt_streq(status, "True")    ? "Healthy"
	                   : kt_streq(status, "False") ? "Unhealthy"
	                                               : "Unknown");
}

static json_t *component_message(const struct kt_cell_context *c)
{
	return component_condition(c, "message");
}

static json_t *component_error(const struct kt_cell_context *c)
{
	return component_condition(c, "error");
}

/* Nodes */

static json_t *node_status(const struct kt_cell_context *c)
{
	const char *word = "Unknown";
	json_t *condition;
	size_t i;

	json_array_foreach(kt_jget(c->object, "status.conditions"), i, condition)
		if (kt_streq(kt_jstr(condition, "type"), "Ready"))
			word = kt_streq(kt_jstr(condition, "status"), "True") ? "Ready"
			                                                      : "NotReady";
	return json_sprintf("%s%s", word,
	        kt_jbool(c->object, "spec.unschedulable", false) ? ",SchedulingDisabled" : "");
}

#define ROLE_PREFIX "node-role.kubernetes.io/"

/* node-role.kubernetes.io/ROLE labels, and the old kubernetes.io/role. */
static json_t *node_roles(const struct kt_cell_context *c)
{
	json_t *labels = kt_jget(c->object, "metadata.labels"), *value;
	size_t n = 0;
	const char **roles = kt_new_array(const char *, json_object_size(labels) + 1), *key;
	kt_auto_str text = KT_STR_INIT;

	json_object_foreach(labels, key, value) {
		if (kt_starts_with(key, ROLE_PREFIX) && key[strlen(ROLE_PREFIX)])
			roles[n++] = key + strlen(ROLE_PREFIX);
		else if (!strcmp(key, "kubernetes.io/role") && *json_string_value(value))
			roles[n++] = json_string_value(value);
	}
	qsort(roles, n, sizeof(*roles), kt_strp_cmp);
	for (size_t i = 0; i < n; i++)
		if (!i || strcmp(roles[i], roles[i - 1]) != 0)
			kt_str_printf(&text, "%s%s", text.len ? "," : "", roles[i]);
	free(roles);
	return kt_cell_text_or_none(kt_str_text(&text));
}

static json_t *node_address(const struct kt_cell_context *c, const char *type)
{
	json_t *address;
	size_t i;

	json_array_foreach(kt_jget(c->object, "status.addresses"), i, address)
		if (kt_streq(kt_jstr(address, "type"), type))
			return kt_cell_text_or_none(kt_jstr(address, "address"));
	return json_string("<none>");
}

static json_t *node_internal_ip(const struct kt_cell_context *c)
{
	return node_address(c, "InternalIP");
}

static json_t *node_external_ip(const struct kt_cell_context *c)
{
	return node_address(c, "ExternalIP");
}

static json_t *node_info(const struct kt_cell_context *c, const char *path)
{
	const char *text = kt_jstr(c->object, path);

	return json_string(text && *text ? text : "<unknown>");
}

static json_t *node_os_image(const struct kt_cell_context *c)
{
	return node_info(c, "status.nodeInfo.osImage");
}

static json_t *node_kernel_version(const struct kt_cell_context *c)
{
	return node_info(c, "status.nodeInfo.kernelVersion");
}

static json_t *node_container_runtime(const struct kt_cell_context *c)
{
	return node_info(c, "status.nodeInfo.containerRuntimeVersion");
}

/* Events of both groups: the newer one keeps the old fields under other names. */

static const char *first_text(const json_t *object, const char *const *paths)
{
	for (; *paths; paths++) {
		const char *text = kt_jstr(object, *paths);
		if (text && *text)
			return text;
	}
	return NULL;
}

static json_t *event_last_seen(const struct kt_cell_context *c)
{
	static const char *const paths[] = {"series.lastObservedTime", "lastTimestamp",
	        "deprecatedLastTimestamp", "eventTime", NULL};

	return kt_cell_age_of(c, first_text(c->object, paths));
}

static json_t *event_first_seen(const struct kt_cell_context *c)
{
	static const char *const paths[] = {
	        "firstTimestamp", "deprecatedFirstTimestamp", "eventTime", NULL};

	return kt_cell_age_of(c, first_text(c->object, paths));
}

static const json_t *event_target(const struct kt_cell_context *c)
{
	const json_t *target = json_object_get(c->object, "involvedObject");

	return target ? target : json_object_get(c->object, "regarding");
}

static json_t *event_object(const struct kt_cell_context *c)
{
	const char *kind = kt_jstr(event_target(c), "kind"),
	           *name = kt_jstr(event_target(c), "name");
	kt_auto_free char *lower = kt_strdup(kind ? kind : "");

	for (char *p = lower; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return name && *name ? json_sprintf("%s/%s", lower, name) : json_string(lower);
}

static json_t *event_subobject(const struct kt_cell_context *c)
{
	const char *path = kt_jstr(event_target(c), "fieldPath");

	return json_string(path ? path : "");
}

static json_t *event_source(const struct kt_cell_context *c)
{
	static const char *const components[] = {"source.component", "deprecatedSource.component",
	        "reportingComponent", "reportingController", NULL};
	static const char *const hosts[] = {
	        "source.host", "deprecatedSource.host", "reportingInstance", NULL};
	const char *component = first_text(c->object, components),
	           *host = first_text(c->object, hosts);

	if (component && host)
		return json_sprintf("%s, %s", component, host);
	return json_string(component ? component : host ? host : "");
}

static json_t *event_message(const struct kt_cell_context *c)
{
	static const char *const paths[] = {"message", "note", NULL};
	const char *text = first_text(c->object, paths);
	kt_auto_free char *copy = kt_sv_dup(kt_sv_trim(kt_sv_of(text ? text : "")));

	return json_string(copy);
}

static json_t *event_count(const struct kt_cell_context *c)
{
	int64_t count = kt_jint(c->object, "series.count",
	        kt_jint(c->object, "count", kt_jint(c->object, "deprecatedCount", 0)));

	return json_integer(count ? count : 1);
}

/* Volumes */

static json_t *access_modes(const json_t *modes)
{
	static const char *const names[][2] = {{"ReadWriteOnce", "RWO"}, {"ReadOnlyMany", "ROX"},
	        {"ReadWriteMany", "RWX"}, {"ReadWriteOncePod", "RWOP"}};
	kt_auto_str text = KT_STR_INIT;
	json_t *mode;
	size_t i;

	for (size_t n = 0; n < KT_ARRAY_SIZE(names); n++) {
		bool found = false;
		json_array_foreach(modes, i, mode)
			found |= kt_streq(json_string_value(mode), names[n][0]);
		if (found)
			kt_str_printf(&text, "%s%s", text.len ? "," : "", names[n][1]);
	}
	return json_string(kt_str_text(&text));
}

static json_t *text_at(const struct kt_cell_context *c, const char *path, const char *fallback)
{
	const char *text = kt_jstr(c->object, path);

	return json_string(text ? text : fallback);
}

static json_t *phase_or_terminating(const struct kt_cell_context *c)
{
	if (kt_jstr(c->object, "metadata.deletionTimestamp"))
		return json_string("Terminating");
	return text_at(c, "status.phase", "");
}

static json_t *pv_access_modes(const struct kt_cell_context *c)
{
	return access_modes(kt_jget(c->object, "spec.accessModes"));
}

static json_t *pv_capacity(const struct kt_cell_context *c)
{
	return text_at(c, "spec.capacity.storage", "");
}

static json_t *pv_claim(const struct kt_cell_context *c)
{
	const char *namespace = kt_jstr(c->object, "spec.claimRef.namespace"),
	           *name = kt_jstr(c->object, "spec.claimRef.name");

	if (!kt_jget(c->object, "spec.claimRef"))
		return json_string("");
	return json_sprintf("%s/%s", namespace ? namespace : "", name ? name : "");
}

/* The annotation of old wins over the field. */
static json_t *storage_class(const struct kt_cell_context *c)
{
	const char *old =
	        json_string_value(json_object_get(kt_jget(c->object, "metadata.annotations"),
	                "volume.beta.kubernetes.io/storage-class"));

	return old ? json_string(old) : text_at(c, "spec.storageClassName", "");
}

static json_t *attributes_class(const struct kt_cell_context *c)
{
	return text_at(c, "spec.volumeAttributesClassName", "<unset>");
}

static json_t *volume_mode(const struct kt_cell_context *c)
{
	return text_at(c, "spec.volumeMode", "<unset>");
}

/* What a claim really has is known once it is bound. */
static json_t *pvc_access_modes(const struct kt_cell_context *c)
{
	const char *volume = kt_jstr(c->object, "spec.volumeName");

	return volume && *volume ? access_modes(kt_jget(c->object, "status.accessModes"))
	                         : json_string("");
}

static json_t *pvc_capacity(const struct kt_cell_context *c)
{
	const char *volume = kt_jstr(c->object, "spec.volumeName");

	return volume && *volume ? text_at(c, "status.capacity.storage", "0") : json_string("");
}

/* Quotas: "name: used/hard", limits apart from the rest. */
static json_t *quota(const struct kt_cell_context *c, bool limits)
{
	json_t *hard = kt_jget(c->object, "status.hard"), *used = kt_jget(c->object, "status.used"),
	       *value;
	size_t n = 0;
	const char **keys, *key;
	kt_auto_str text = KT_STR_INIT;

	keys = kt_new_array(const char *, json_object_size(hard) + 1);
	json_object_foreach(hard, key, value)
		if (kt_starts_with(key, "limits.") == limits)
			keys[n++] = key;
	qsort(keys, n, sizeof(*keys), kt_strp_cmp);
	for (size_t i = 0; i < n; i++) {
		const char *now = json_string_value(json_object_get(used, keys[i]));
		kt_str_printf(&text, "%s%s: %s/%s", i ? ", " : "", keys[i], now ? now : "0",
		        json_string_value(json_object_get(hard, keys[i])));
	}
	free(keys);
	return json_string(kt_str_text(&text));
}

static json_t *quota_requests(const struct kt_cell_context *c)
{
	return quota(c, false);
}

static json_t *quota_limits(const struct kt_cell_context *c)
{
	return quota(c, true);
}

static const struct kt_cell_entry entries[] = {
        {"component_error", component_error},
        {"component_message", component_message},
        {"component_status", component_status},
        {"config_map_data", config_map_data},
        {"event_count", event_count},
        {"event_first_seen", event_first_seen},
        {"event_last_seen", event_last_seen},
        {"event_message", event_message},
        {"event_object", event_object},
        {"event_source", event_source},
        {"event_subobject", event_subobject},
        {"node_container_runtime", node_container_runtime},
        {"node_external_ip", node_external_ip},
        {"node_internal_ip", node_internal_ip},
        {"node_kernel_version", node_kernel_version},
        {"node_os_image", node_os_image},
        {"node_roles", node_roles},
        {"node_status", node_status},
        {"pv_access_modes", pv_access_modes},
        {"pv_attributes_class", attributes_class},
        {"pv_capacity", pv_capacity},
        {"pv_claim", pv_claim},
        {"pv_status", phase_or_terminating},
        {"pv_storage_class", storage_class},
        {"pvc_access_modes", pvc_access_modes},
        {"pvc_attributes_class", attributes_class},
        {"pvc_capacity", pvc_capacity},
        {"pvc_status", phase_or_terminating},
        {"pvc_storage_class", storage_class},
        {"quota_limits", quota_limits},
        {"quota_requests", quota_requests},
        {"secret_data", secret_data},
        {"volume_mode", volume_mode},
        {NULL, NULL},
};

const struct kt_cell_group kt_cells_core = {entries};
