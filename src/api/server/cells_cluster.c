/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What belongs to the whole cluster: API services, flow control, storage, devices. */
#include "api/server/cells_table.h"

static json_t *api_service_service(const struct kt_cell_context *c)
{
	const json_t *service = kt_jget(c->object, "spec.service");

	if (!json_is_object(service))
		return json_string("Local");
	return json_sprintf("%s/%s", kt_jstr(service, "namespace"), kt_jstr(service, "name"));
}

static json_t *api_service_available(const struct kt_cell_context *c)
{
	json_t *condition;
	size_t i;

	json_array_foreach(kt_jget(c->object, "status.conditions"), i, condition) {
		const char *status = kt_jstr(condition, "status"),
		           *reason = kt_jstr(condition, "reason");
		if (!kt_streq(kt_jstr(condition, "type"), "Available"))
			continue;
		if (kt_streq(status, "True") || !reason || !*reason)
			return json_string(status ? status : "Unknown");
		return json_sprintf("%s (%s)", status, reason);
	}
	return json_string("Unknown");
}

/* Flow control */

static json_t *flow_schema_distinguisher(const struct kt_cell_context *c)
{
	return kt_cell_text_or_none(kt_jstr(c->object, "spec.distinguisherMethod.type"));
}

static json_t *flow_schema_missing(const struct kt_cell_context *c)
{
	json_t *condition;
	size_t i;

	json_array_foreach(kt_jget(c->object, "status.conditions"), i, condition)
		if (kt_streq(kt_jstr(condition, "type"), "Dangling"))
			return json_string(kt_jstr(condition, "status"));
	return json_string("?");
}

static json_t *number_or_none(const struct kt_cell_context *c, const char *path)
{
	const json_t *value = kt_jget(c->object, path);

	return json_is_integer(value) ? json_integer(json_integer_value(value))
	                              : json_string("<none>");
}

static json_t *priority_level_shares(const struct kt_cell_context *c)
{
	if (kt_jget(c->object, "spec.exempt"))
		return number_or_none(c, "spec.exempt.nominalConcurrencyShares");
	return number_or_none(c, "spec.limited.nominalConcurrencyShares");
}

static json_t *priority_level_queues(const struct kt_cell_context *c)
{
	return number_or_none(c, "spec.limited.limitResponse.queuing.queues");
}

static json_t *priority_level_hand_size(const struct kt_cell_context *c)
{
	return number_or_none(c, "spec.limited.limitResponse.queuing.handSize");
}

static json_t *priority_level_queue_length(const struct kt_cell_context *c)
{
	return number_or_none(c, "spec.limited.limitResponse.queuing.queueLengthLimit");
}

/* Storage */

static json_t *csi_driver_token_requests(const struct kt_cell_context *c)
{
	const json_t *requests = kt_jget(c->object, "spec.tokenRequests");

	return json_array_size(requests) ? kt_cell_joined(requests, "audience", ",", 0)
	                                 : json_string("<unset>");
}

static json_t *csi_driver_modes(const struct kt_cell_context *c)
{
	const json_t *modes = kt_jget(c->object, "spec.volumeLifecycleModes");

	return json_array_size(modes) ? kt_cell_joined(modes, NULL, ",", 0) : json_string("<none>");
}

static json_t *csi_node_drivers(const struct kt_cell_context *c)
{
	return json_integer((json_int_t)json_array_size(kt_jget(c->object, "spec.drivers")));
}

/* The class that claims without one get is marked. */
static json_t *storage_class_name(const struct kt_cell_context *c)
{
	static const char *const marks[] = {"storageclass.kubernetes.io/is-default-class",
	        "storageclass.beta.kubernetes.io/is-default-class"};
	const json_t *annotations = kt_jget(c->object, "metadata.annotations");
	const char *name = kt_jstr(c->object, "metadata.name");

	for (size_t i = 0; i < KT_ARRAY_SIZE(marks); i++)
		if (kt_streq(json_string_value(json_object_get(annotations, marks[i])), "true"))
			return json_sprintf("%s (default)", name);
	return json_string(name ? name : "");
}

static json_t *storage_class_expansion(const struct kt_cell_context *c)
{
	return json_boolean(kt_jbool(c->object, "allowVolumeExpansion", false));
}

static json_t *attachment_volume(const struct kt_cell_context *c)
{
	const char *name = kt_jstr(c->object, "spec.source.persistentVolumeName");

	return json_string(name ? name : "");
}

/* Devices */

static json_t *resource_claim_state(const struct kt_cell_context *c)
{
	kt_auto_str text = KT_STR_INIT;

	if (kt_jstr(c->object, "metadata.deletionTimestamp"))
		kt_str_puts(&text, "deleted");
	if (!kt_jget(c->object, "status.allocation")) {
		if (!text.len)
			kt_str_puts(&text, "pending");
		return json_string(kt_str_text(&text));
	}
	kt_str_printf(&text, "%sallocated", text.len ? "," : "");
	if (json_array_size(kt_jget(c->object, "status.reservedFor")))
		kt_str_puts(&text, ",reserved");
	return json_string(kt_str_text(&text));
}

static json_t *resource_slice_node(const struct kt_cell_context *c)
{
	const char *node = kt_jstr(c->object, "spec.nodeName");

	if (node && *node)
		return json_string(node);
	return json_string(kt_jbool(c->object, "spec.allNodes", false) ? "<all>" : "<unset>");
}

static const struct kt_cell_entry entries[] = {
        {"api_service_available", api_service_available},
        {"api_service_service", api_service_service},
        {"attachment_volume", attachment_volume},
        {"csi_driver_modes", csi_driver_modes},
        {"csi_driver_token_requests", csi_driver_token_requests},
        {"csi_node_drivers", csi_node_drivers},
        {"flow_schema_distinguisher", flow_schema_distinguisher},
        {"flow_schema_missing", flow_schema_missing},
        {"priority_level_hand_size", priority_level_hand_size},
        {"priority_level_queue_length", priority_level_queue_length},
        {"priority_level_queues", priority_level_queues},
        {"priority_level_shares", priority_level_shares},
        {"resource_claim_state", resource_claim_state},
        {"resource_slice_node", resource_slice_node},
        {"storage_class_name", storage_class_name},
        {"storage_class_expansion", storage_class_expansion},
        {NULL, NULL},
};

const struct kt_cell_group kt_cells_cluster = {entries};
