/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pods/log, and the sub-resources that open a connection to a pod or node. */
#include "api/machinery/field_errors.h"
#include "api/server/admit.h"
#include "api/server/encode.h"
#include "api/server/rules/check.h"
#include "api/server/server_impl.h"
#include "api/server/subresources.h"
#include "base/time.h"

#include <errno.h>

/* The stored object of the path; NULL with 404. */
static struct kt_object *load(struct kt_request *request)
{
	const struct kt_request_state *state = request->state;
	struct kt_storage *storage = request->server->storage;
	const char *name = kt_arena_strndup(
	        &request->arena, state->route.name, strcspn(state->route.name, ":"));
	const char *key = kt_server_key(&request->arena, state->kind, state->route.namespace, name);
	struct kt_object *object = NULL;

	if (storage->ops->get(storage, key, 0, &object, &request->err) == 0)
		return object;
	kt_fail_not_found(&request->err, state->kind->group, state->kind->plural, name);
	return NULL;
}

static void check_positive(
        struct kt_request *request, struct kt_field_errors *errors, const char *name, int64_t min)
{
	const char *text = kt_request_query(request, name);
	int64_t value;

	if (!text || !*text || kt_sv_int64(kt_sv_of(text), &value) < 0 || value >= min)
		return;
	kt_auto_json json_t *number = json_integer(value);
	kt_field_invalid(errors, name, number,
	        min ? "must be greater than 0" : "must be greater than or equal to 0");
}

static int check_numbers(struct kt_request *request)
{
	static const char *const names[] = {"tailLines", "limitBytes", "sinceSeconds"};
	int64_t value;

	for (size_t i = 0; i < KT_ARRAY_SIZE(names); i++)
		if (kt_request_query_int(request, names[i], 0, &value) < 0)
			return request->err.code;
	return 0;
}

static int log_decode(struct kt_request *request)
{
	struct kt_field_errors errors = {.arena = &request->arena};
	const char *name = request->state->route.name;

	if (check_numbers(request) < 0)
		return request->err.code;
	check_positive(request, &errors, "tailLines", 0);
	check_positive(request, &errors, "limitBytes", 1);
	if (kt_request_query(request, "sinceSeconds") && kt_request_query(request, "sinceTime"))
		kt_field_forbidden(&errors, "[]",
		        "at most one of `sinceTime` or `sinceSeconds` may be specified");
	else
		check_positive(request, &errors, "sinceSeconds", 1);
	/* Choosing one of the two streams is behind a feature gate that is off. */
	if (kt_request_query(request, "stream"))
		kt_field_forbidden(&errors, "stream", "may not be specified");
	if (!errors.n)
		return 0;
	kt_field_errors_fail(&errors, "", "PodLogOptions", name, &request->err);
	kt_err_set_about(&request->err, NULL, "PodLogOptions", name, NULL);
	return request->err.code;
}

static bool names_container(const json_t *pod, const char *name)
{
	static const char *const lists[] = {
	        "spec.containers", "spec.initContainers", "spec.ephemeralContainers"};
	size_t i;
	json_t *container;

	for (size_t l = 0; l < KT_ARRAY_SIZE(lists); l++)
		json_array_foreach(kt_jget(pod, lists[l]), i, container)
			if (kt_streq(kt_jstr(container, "name"), name))
				return true;
	return false;
}

static void list_names(const json_t *list, struct kt_str *out)
{
	size_t i;
	json_t *container;

	json_array_foreach(list, i, container)
		kt_str_printf(out, "%s%s", i ? " " : "", kt_jstr(container, "name"));
}

/* Which container. */
static int choose_container(struct kt_request *request, const json_t *pod, const char **ret_name)
{
	const char *name = kt_request_query(request, "container");
	const json_t *containers = kt_jget(pod, "spec.containers"),
	             *inits = kt_jget(pod, "spec.initContainers");
	kt_auto_str names = KT_STR_INIT;

	if (name && *name) {
		*ret_name = name;
		if (names_container(pod, name))
			return 0;
		return kt_fail(&request->err, EINVAL, "container %s is not valid for pod %s", name,
		        request->state->route.name);
	}
	*ret_name = kt_jstr(json_array_get(containers, 0), "name");
	if (json_array_size(containers) + json_array_size(inits) == 1)
		return 0;
	kt_str_putc(&names, '[');
	list_names(containers, &names);
	kt_str_putc(&names, ']');
	if (json_array_size(inits)) {
		kt_str_puts(&names, " or one of the init containers: [");
		list_names(inits, &names);
		kt_str_putc(&names, ']');
	}
	return kt_fail(&request->err, EINVAL,
	        "a container name must be specified for pod %s, choose one of: %s",
	        request->state->route.name, kt_str_text(&names));
}

/* Options as a query of their own for the node: with the container in it. */
static char *node_query(struct kt_request *request, const char *container)
{
	static const char *const passed[] = {"follow", "previous", "sinceSeconds", "sinceTime",
	        "timestamps", "tailLines", "limitBytes"};
	kt_auto_str query = KT_STR_INIT;

	kt_str_printf(&query, "container=%s", container);
	for (size_t i = 0; i < KT_ARRAY_SIZE(passed); i++) {
		const char *value = kt_request_query(request, passed[i]);
		if (value && *value)
			kt_str_printf(&query, "&%s=%s", passed[i], value);
	}
	return kt_arena_strdup(&request->arena, kt_str_text(&query));
}

static int open_log(struct kt_request *request, const json_t *pod, const char *container)
{
	const struct kt_node_connector *nodes = request->server->options.nodes;
	const char *node = kt_jstr(pod, "spec.nodeName");
	const struct kt_route *route = &request->state->route;

	if (!nodes || !nodes->logs)
		return kt_fail_not_found(&request->err, "", "pods", node);
	int status = nodes->logs(nodes->arg, node, route->namespace, route->name,
	        node_query(request, container), &request->stream, &request->err);
	if (status == -ENOENT && !request->err.reason)
		return kt_fail_not_found(&request->err, "", "pods", node);
	return status;
}

static int log_commit(struct kt_request *request)
{
	kt_auto_object struct kt_object *object = load(request);
	const char *container;

	if (!object)
		return request->err.code;
	kt_auto_json json_t *pod = kt_object_tree(object);
	if (choose_container(request, pod, &container) < 0)
		return request->err.code;
	const char *node = kt_jstr(pod, "spec.nodeName");
	request->status = 204;
	if (!node || !*node)
		return 0;
	request->status = 200;
	return open_log(request, pod, container);
}

static int log_encode(struct kt_request *request)
{
	kt_request_answer_header(request, "cache-control", "no-cache, private");
	if (request->status == 200)
		kt_request_answer_header(request, "content-type", "text/plain");
	return 0;
}

const struct kt_operation kt_operation_log = {
        .name = "log",
        .decode = log_decode,
        .commit = log_commit,
        .encode = log_encode,
};

/* A query parameter as the field of PodExecOptions and the like that it is. */
static void set_option(json_t *options, const struct kt_query_param *param)
{
	static const char *const flags[] = {"stdin", "stdout", "stderr", "tty", NULL};
	json_t *list = json_object_get(options, param->name);

	if (kt_is_one_of(param->name, flags)) {
		if (kt_streq(param->value, "true") || kt_streq(param->value, "1"))
			json_object_set_new(options, param->name, json_true());
	} else if (kt_streq(param->name, "container") || kt_streq(param->name, "path")) {
		json_object_set_new(options, param->name, json_string(param->value));
	} else if (kt_streq(param->name, "command") || kt_streq(param->name, "ports")) {
		if (!list) {
			list = json_array();
			json_object_set_new(options, param->name, list);
		}
		json_array_append_new(list, *param->name == 'c'
		                                    ? json_string(param->value)
		                                    : json_integer(atoll(param->value)));
	}
}

/* What admission is shown of a connection. */
static int connect_decode(struct kt_request *request)
{
	struct kt_request_state *state = request->state;
	const char *kind = state->subresource->kind;

	json_decref(state->body);
	state->body = json_pack("{s:s,s:s}", "kind", kind ? kind : state->kind->kind, "apiVersion",
	        state->kind->version);
	for (size_t i = 0; i < state->query.n; i++)
		set_option(state->body, &state->query.items[i]);
	if (kt_streq(state->subresource->name, "proxy") && *state->route.rest)
		json_object_set_new(state->body, "path", json_string(state->route.rest));
	return kt_admit_connect(request, state->body);
}

/*
 * exec, attach, portforward, proxy: simulated nodes run no processes, so there is nothing to
 * connect to. What can be wrong before that is said in the usual words.
 */
static int connect_commit(struct kt_request *request)
{
	const struct kt_request_state *state = request->state;
	const char *subresource = state->subresource->name;
	kt_auto_object struct kt_object *object = load(request);

	if (!object)
		return request->err.code;
	if (!kt_streq(state->kind->plural, "pods"))
		return kt_fail_reason(&request->err, KT_REASON_SERVICE_UNAVAILABLE, EHOSTDOWN,
		        "no endpoints available for %s \"%s\"", state->kind->singular,
		        state->route.name);
	kt_auto_json json_t *pod = kt_object_tree(object);
	const char *node = kt_jstr(pod, "spec.nodeName"), *ip = kt_jstr(pod, "status.podIP");
	if (kt_streq(subresource, "proxy")) {
		if (!ip || !*ip)
			return kt_fail(&request->err, EINVAL, "address not allowed");
	} else if (!node || !*node) {
		return kt_fail(&request->err, EINVAL, "pod %s does not have a host assigned",
		        state->route.name);
	}
	const struct kt_kind *nodes = kt_builtin_kind("", "v1", "Node");
	struct kt_storage *storage = request->server->storage;
	kt_auto_object struct kt_object *host = NULL;
	const char *key = kt_server_key(&request->arena, nodes, "", node ? node : "");
	if (storage->ops->get(storage, key, 0, &host, &request->err) < 0)
		return kt_fail_not_found(&request->err, "", "pods", node ? node : "");
	return kt_fail(&request->err, EINVAL,
	        "%s is not possible in pod %s: the containers of node %s are simulated",
	        subresource, state->route.name, node);
}

const struct kt_operation kt_operation_connect = {
        .name = "connect",
        .decode = connect_decode,
        .commit = connect_commit,
        .encode = log_encode,
};
