/* SPDX-License-Identifier: GPL-3.0-or-later */
/* expose: a Service for the pods of a workload. */
#include "tui/command/create_kinds.h"
#include "tui/command/options.h"
#include "tui/command/output.h"

#include <errno.h>

static const struct kt_option EXPOSE_OPTIONS[] = {
        {.name = "port",
                .type = KT_OPTION_STRING,
                .value_name = "PORT,…",
                .help = "the ports the service listens on"},
        {.name = "target-port",
                .type = KT_OPTION_STRING,
                .value_name = "PORT",
                .help = "the pods' port, by number or name"},
        {.name = "name",
                .type = KT_OPTION_STRING,
                .value_name = "NAME",
                .help = "name of the service"},
        {.name = "type",
                .type = KT_OPTION_STRING,
                .value_name = "TYPE",
                .help = "ClusterIP, NodePort, LoadBalancer"},
        {.name = "protocol",
                .type = KT_OPTION_STRING,
                .fallback = "TCP",
                .value_name = "PROTOCOL",
                .help = "TCP, UDP or SCTP"},
        {.name = "labels",
                .letter = 'l',
                .type = KT_OPTION_STRING,
                .value_name = "A=B,…",
                .help = "labels of the service"},
        {.name = "selector",
                .type = KT_OPTION_STRING,
                .value_name = "A=B,…",
                .help = "labels of the pods; else those of the workload"},
        {.name = "cluster-ip",
                .type = KT_OPTION_STRING,
                .value_name = "IP|None",
                .help = "this address; None: no address at all"},
        {.name = "external-ip",
                .type = KT_OPTION_STRING,
                .value_name = "IP",
                .help = "an address from outside that leads here"},
        {.name = "session-affinity",
                .type = KT_OPTION_STRING,
                .value_name = "None|ClientIP",
                .help = "keep a client with its pod"},
        {.name = "load-balancer-ip",
                .type = KT_OPTION_STRING,
                .value_name = "IP",
                .help = "the address the load balancer is asked for"},
        KT_OPTION_OVERRIDES,
        KT_OPTION_SAVE_CONFIG,
        KT_OPTION_FILENAME,
        KT_OPTION_RECURSIVE,
        KT_OPTION_OUTPUT,
        KT_OPTION_DRY_RUN,
        KT_OPTION_VALIDATE,
        KT_OPTION_FIELD_MANAGER("kubectl-expose"),
        KT_OPTION_END,
};

/* What selects the pods of an object: a service's or controller's selector, a pod's own labels. */
static const json_t *selector_of(const json_t *object)
{
	const json_t *selector = kt_jget(object, "spec.selector");

	if (!selector)
		return kt_jget(object, "metadata.labels");
	return json_object_get(selector, "matchLabels") ? json_object_get(selector, "matchLabels")
	                                                : selector;
}

static json_t *target_port(const char *text, int64_t fallback)
{
	int64_t number;

	if (!text)
		return json_integer(fallback);
	return kt_sv_int64(kt_sv_of(text), &number) == 0 ? json_integer(number) : json_string(text);
}

static json_t *port_of(const struct kt_command_context *ctx, int64_t port)
{
	return json_pack("{s:I, s:s, s:o}", "port", (json_int_t)port, "protocol",
	        kt_opt_string(ctx, "protocol"), "targetPort",
	        target_port(kt_opt_string(ctx, "target-port"), port));
}

static void append_port(const struct kt_command_context *ctx, json_t *ports, const json_t *found,
        const char *member)
{
	json_t *entry = port_of(ctx, kt_jint(found, member, 0));

	if (!kt_opt_given(ctx, "protocol") && kt_jstr(found, "protocol"))
		json_object_set_new(entry, "protocol", json_string(kt_jstr(found, "protocol")));
	json_array_append_new(ports, entry);
}

/* All ports that the containers name, or the service's own. */
static void add_found_ports(
        const struct kt_command_context *ctx, const json_t *object, json_t *ports)
{
	static const char *const PATHS[] = {"spec.template.spec.containers", "spec.containers"};
	json_t *container, *port;
	size_t i, j;

	for (size_t p = 0; p < KT_ARRAY_SIZE(PATHS); p++) {
		json_array_foreach(kt_jget(object, PATHS[p]), i, container) {
			json_array_foreach(json_object_get(container, "ports"), j, port)
				append_port(ctx, ports, port, "containerPort");
		}
	}
	json_array_foreach(kt_jget(object, "spec.ports"), i, port)
		append_port(ctx, ports, port, "port");
}

/* --port: one or several. */
static int add_given_ports(const struct kt_command_context *ctx, json_t *ports, struct kt_err *err)
{
	struct kt_sv rest = kt_sv_of(kt_opt_string(ctx, "port")), part;

	while (rest.len && kt_sv_split(&rest, ',', &part)) {
		int64_t port;

		if (kt_sv_int64(part, &port) < 0)
			return kt_fail(err, EINVAL,
			        "strconv.Atoi: parsing \"%.*s\": invalid syntax", (int)part.len,
			        part.p);
		json_array_append_new(ports, port_of(ctx, port));
	}
	return 0;
}

/* Several ports need names. */
static void name_ports(json_t *ports)
{
	json_t *port;
	size_t i;

	if (json_array_size(ports) < 2)
		return;
	json_array_foreach(ports, i, port)
		json_object_set_new(port, "name", json_sprintf("port-%zu", i + 1));
}

static json_t *service_of(const struct kt_command_context *ctx, const json_t *object, json_t *ports,
        struct kt_err *err)
{
	static const char *const FIELDS[][2] = {{"type", "type"}, {"cluster-ip", "clusterIP"},
	        {"session-affinity", "sessionAffinity"}, {"load-balancer-ip", "loadBalancerIP"}};
	const char *name = kt_opt_string(ctx, "name"), *labels = kt_opt_string(ctx, "labels"),
	           *selector = kt_opt_string(ctx, "selector"),
	           *ip = kt_opt_string(ctx, "external-ip");
	json_t *spec = json_pack("{s:O}", "ports", ports), *metadata = json_object();
	const json_t *own = kt_jget(object, "metadata.labels");

	json_object_set_new(spec, "selector",
	        selector ? kt_run_labels(selector, "", err) : json_deep_copy(selector_of(object)));
	for (size_t i = 0; i < KT_ARRAY_SIZE(FIELDS); i++)
		if (kt_opt_string(ctx, FIELDS[i][0]))
			json_object_set_new(
			        spec, FIELDS[i][1], json_string(kt_opt_string(ctx, FIELDS[i][0])));
	if (ip)
		json_object_set_new(spec, "externalIPs", json_pack("[s]", ip));
	json_object_set_new(
	        metadata, "name", json_string(name ? name : kt_jstr(object, "metadata.name")));
	if (labels)
		json_object_set_new(metadata, "labels", kt_run_labels(labels, "", err));
	else if (own)
		json_object_set_new(metadata, "labels", json_deep_copy(own));
	return json_pack("{s:s, s:s, s:o, s:o, s:{s:{}}}", "apiVersion", "v1", "kind", "Service",
	        "metadata", metadata, "spec", spec, "status", "loadBalancer");
}

static int expose_one(
        struct kt_command_context *ctx, struct kt_target *target, void *arg, struct kt_err *err)
{
	static const char *const KINDS[] = {
	        "Deployment", "Pod", "ReplicaSet", "ReplicationController", "Service"};
	kt_auto_json json_t *ports = json_array();
	bool known = false;

	for (size_t i = 0; i < KT_ARRAY_SIZE(KINDS); i++)
		known |= !strcmp(KINDS[i], target->resource->kind);
	if (!known)
		return kt_fail(err, EINVAL, "cannot expose a %s%s%s", target->resource->kind,
		        *target->resource->group ? "." : "", target->resource->group);
	if (!kt_opt_string(ctx, "selector") && !json_object_size(selector_of(target->live)))
		return kt_fail(err, EINVAL,
		        "couldn't retrieve selectors via --selector flag or introspection: the %s "
		        "has no labels and cannot be exposed",
		        target->resource->singular);
	if (!kt_opt_given(ctx, "port"))
		add_found_ports(ctx, target->live, ports);
	else if (add_given_ports(ctx, ports, err) < 0)
		return err->code;
	name_ports(ports);
	if (!json_array_size(ports))
		return kt_fail(err, EINVAL,
		        "couldn't find port via --port flag or introspection\nSee 'kube-tui expose "
		        "-h' for help and examples");
	json_t *service = service_of(ctx, target->live, ports, err);

	if (err->code) {
		json_decref(service);
		return err->code;
	}
	if (kt_run_create(ctx, "services", service, "exposed") != KT_EXIT_OK)
		*(int *)arg = KT_EXIT_ERROR;
	return 0;
}

static int run_expose(struct kt_command_context *ctx)
{
	int failed = KT_EXIT_OK;
	int code = kt_targets_run(
	        ctx, KT_TARGET_FILES | KT_TARGET_NEED_NAME | KT_TARGET_LIVE, expose_one, &failed);

	return code != KT_EXIT_OK ? code : failed;
}

static const enum kt_completion OBJECTS[] = {KT_COMPLETE_RESOURCE_OR_NAME, KT_COMPLETE_NONE};

const struct kt_command kt_command_expose = {
        .name = "expose",
        .group = "Change",
        .usage = "expose TYPE NAME [--port=PORT]",
        .summary = "Make a Service for the pods of a workload",
        .options = EXPOSE_OPTIONS,
        .arguments = OBJECTS,
        .prints_typed = true,
        .needs_client = true,
        .run = run_expose,
};
