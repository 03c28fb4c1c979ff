/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kinds that nothing stores: metrics.k8s.io, answered by the nodes, and componentstatuses. */
#include "api/server/encode.h"
#include "api/server/list_options.h"
#include "api/server/server_impl.h"
#include "api/server/subresources.h"

#include <errno.h>

/* Takes over items; a list, or for a named path its only item. */
static int answer(struct kt_request *request, json_t *items)
{
	struct kt_request_state *state = request->state;
	const struct kt_kind *kind = state->kind;
	char api_version[256];

	kt_kind_api_version(kind, api_version, sizeof(api_version));
	if (*state->route.name) {
		state->result = json_incref(json_array_get(items, 0));
		json_decref(items);
		if (!state->result)
			return kt_fail_not_found(
			        &request->err, kind->group, kind->plural, state->route.name);
		json_object_set_new(state->result, "kind", json_string(kind->kind));
		json_object_set_new(state->result, "apiVersion", json_string(api_version));
		state->result_type = kind->type;
		return 0;
	}
	state->result = json_pack("{s:s,s:s,s:{},s:o}", "kind", kind->list_kind, "apiVersion",
	        api_version, "metadata", "items", items);
	return 0;
}

/* Asks for each object of the stored kind that stands behind the metrics. */
static int collect(struct kt_request *request, const struct kt_kind *kind,
        json_t *(*ask)(struct kt_request *request, const struct kt_object *object))
{
	struct kt_request_state *state = request->state;
	struct kt_storage *storage = request->server->storage;
	struct kt_list_options options = {0};
	struct kt_storage_list list = {0};
	json_t *items = json_array();

	if (kt_list_options_parse(request, false, &options) < 0) {
		json_decref(items);
		return request->err.code;
	}
	struct kt_storage_range range = {.prefix = kt_server_key(&request->arena, kind,
	                                         state->route.namespace, state->route.name)};
	int status = storage->ops->range(storage, &range, &list, &request->err);
	for (size_t i = 0; i < list.n && status == 0; i++) {
		if (!kt_list_options_match(&options, list.objects[i]))
			continue;
		json_t *item = ask(request, list.objects[i]);
		if (item)
			json_array_append_new(items, item);
	}
	kt_storage_list_finish(&list);
	kt_list_options_finish(&options);
	if (status < 0) {
		json_decref(items);
		return status;
	}
	return answer(request, items);
}

static json_t *ask_node(struct kt_request *request, const struct kt_object *object)
{
	const struct kt_node_connector *nodes = request->server->options.nodes;
	kt_auto_free char *name = kt_sv_dup(kt_object_name(object));
	kt_auto_err ignored = KT_ERR_INIT;

	return nodes->node_metrics(nodes->arg, name, &ignored);
}

static json_t *ask_pod(struct kt_request *request, const struct kt_object *object)
{
	const struct kt_node_connector *nodes = request->server->options.nodes;
	kt_auto_free char *name = kt_sv_dup(kt_object_name(object));
	kt_auto_free char *namespace = kt_sv_dup(kt_object_namespace(object));
	kt_auto_err ignored = KT_ERR_INIT;

	return nodes->pod_metrics(nodes->arg, namespace, name, &ignored);
}

static int node_metrics_commit(struct kt_request *request)
{
	return collect(request, kt_builtin_kind("", "v1", "Node"), ask_node);
}

static int pod_metrics_commit(struct kt_request *request)
{
	return collect(request, kt_builtin_kind("", "v1", "Pod"), ask_pod);
}

static int statuses_commit(struct kt_request *request)
{
	static const struct {
		const char *name, *message;
	} components[] = {{"controller-manager", "ok"}, {"etcd-0", "ok"}, {"scheduler", "ok"}};
	const char *wanted = request->state->route.name;
	json_t *items = json_array();

	for (size_t i = 0; i < KT_ARRAY_SIZE(components); i++)
		if (!*wanted || kt_streq(wanted, components[i].name))
			json_array_append_new(
			        items, json_pack("{s:{s:s},s:[{s:s,s:s,s:s}]}", "metadata", "name",
			                       components[i].name, "conditions", "type", "Healthy",
			                       "status", "True", "message", components[i].message));
	return answer(request, items);
}

const struct kt_operation kt_operation_node_metrics = {
        .name = "node metrics", .commit = node_metrics_commit, .encode = kt_encode_result};
const struct kt_operation kt_operation_pod_metrics = {
        .name = "pod metrics", .commit = pod_metrics_commit, .encode = kt_encode_result};
const struct kt_operation kt_operation_component_statuses = {
        .name = "component statuses", .commit = statuses_commit, .encode = kt_encode_result};
