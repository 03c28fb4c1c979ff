/* SPDX-License-Identifier: GPL-3.0-or-later */
/* run and expose: small things without a manifest. */
#include "tui/command/create_kinds.h"
#include "tui/command/options.h"
#include "tui/command/output.h"

#include <errno.h>

static const char *const RESTART_WORDS[] = {"Always", "OnFailure", "Never", NULL};

static const struct kt_option RUN_OPTIONS[] = {
        {.name = "image",
                .type = KT_OPTION_STRING,
                .value_name = "IMAGE",
                .help = "image of the container"},
        {.name = "port",
                .type = KT_OPTION_INT,
                .value_name = "PORT",
                .help = "a port the container listens on"},
        {.name = "env",
                .type = KT_OPTION_STRINGS,
                .value_name = "NAME=VALUE",
                .help = "an environment variable"},
        {.name = "labels",
                .letter = 'l',
                .type = KT_OPTION_STRING,
                .value_name = "A=B,…",
                .help = "labels of the pod"},
        {.name = "restart",
                .type = KT_OPTION_STRING,
                .fallback = "Always",
                .value_name = "POLICY",
                .help = "Always, OnFailure or Never",
                .completion = KT_COMPLETE_WORDS,
                .words = RESTART_WORDS},
        {.name = "command",
                .type = KT_OPTION_BOOL,
                .help = "the words behind -- are the command, not its arguments"},
        {.name = "stdin", .letter = 'i', .type = KT_OPTION_BOOL, .help = "refused: see below"},
        {.name = "tty", .letter = 't', .type = KT_OPTION_BOOL, .help = "refused: see below"},
        {.name = "attach", .type = KT_OPTION_BOOL, .help = "refused: see below"},
        {.name = "rm", .type = KT_OPTION_BOOL, .help = "refused: see below"},
        KT_OPTION_OUTPUT,
        KT_OPTION_DRY_RUN,
        KT_OPTION_VALIDATE,
        KT_OPTION_FIELD_MANAGER("kubectl-run"),
        KT_OPTION_END,
};

static const struct kt_option EXPOSE_OPTIONS[] = {
        {.name = "port",
                .type = KT_OPTION_INT,
                .value_name = "PORT",
                .help = "the port the service listens on"},
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
        KT_OPTION_FILENAME,
        KT_OPTION_RECURSIVE,
        KT_OPTION_OUTPUT,
        KT_OPTION_DRY_RUN,
        KT_OPTION_VALIDATE,
        KT_OPTION_FIELD_MANAGER("kubectl-expose"),
        KT_OPTION_END,
};

static int create(
        struct kt_command_context *ctx, const char *word, json_t *object, const char *done)
{
	kt_auto_err err = KT_ERR_INIT;
	struct kt_target target = {
	        .object = object, .resource = kt_session_resource(ctx->session, word, &err)};
	int code = KT_EXIT_OK;

	target.namespace = kt_strdup(kt_session_namespace(ctx->session));
	if (!target.resource || kt_check_write_options(ctx, &err) < 0 ||
	        kt_create_object_as(ctx, &target, done, &err) < 0)
		code = kt_command_fail(ctx, &err, NULL);
	free(target.namespace);
	json_decref(object);
	return code;
}

/* "a=b,c=d", or run=NAME. New reference. */
static json_t *labels_of(const char *text, const char *name)
{
	json_t *labels = json_object();
	struct kt_sv rest = kt_sv_of(text), part;

	while (text && kt_sv_split(&rest, ',', &part)) {
		const char *equals = memchr(part.p, '=', part.len);
		kt_auto_free char *key =
		        kt_strndup(part.p, equals ? (size_t)(equals - part.p) : part.len);
		kt_auto_free char *value =
		        equals ? kt_strndup(equals + 1, (size_t)(part.p + part.len - equals - 1))
		               : kt_strdup("");

		json_object_set_new(labels, key, json_string(value));
	}
	if (!text)
		json_object_set_new(labels, "run", json_string(name));
	return labels;
}

static json_t *run_container(struct kt_command_context *ctx, const char *name)
{
	const struct kt_strings *env = kt_opt_strings(ctx, "env");
	json_t *container = json_pack("{s:s, s:s, s:{}}", "name", name, "image",
	        kt_opt_string(ctx, "image"), "resources");
	json_t *words = json_array(), *variables = json_array();

	for (int i = ctx->dash_at; ctx->dash_at >= 0 && i < ctx->argc; i++)
		json_array_append_new(words, json_string(ctx->argv[i]));
	for (size_t i = 0; i < env->n; i++) {
		const char *equals = strchr(env->items[i], '=');
		kt_auto_free char *key = kt_strndup(env->items[i], strcspn(env->items[i], "="));

		json_array_append_new(variables,
		        json_pack("{s:s, s:s}", "name", key, "value", equals ? equals + 1 : ""));
	}
	if (json_array_size(words))
		json_object_set(container, kt_opt_bool(ctx, "command") ? "command" : "args", words);
	if (json_array_size(variables))
		json_object_set(container, "env", variables);
	if (kt_opt_int(ctx, "port") > 0)
		json_object_set_new(container, "ports",
		        json_pack("[{s:I}]", "containerPort", (json_int_t)kt_opt_int(ctx, "port")));
	json_decref(words);
	json_decref(variables);
	return container;
}

/* Nothing here speaks to a running process; said before the pod is there. */
static bool wants_to_attach(const struct kt_command_context *ctx)
{
	return kt_opt_bool(ctx, "stdin") || kt_opt_bool(ctx, "tty") || kt_opt_bool(ctx, "attach") ||
	       kt_opt_bool(ctx, "rm");
}

static int run_run(struct kt_command_context *ctx)
{
	int n = ctx->dash_at >= 0 ? ctx->dash_at : ctx->argc;

	if (!kt_opt_string(ctx, "image"))
		return kt_command_fail(ctx, NULL, "required flag(s) \"image\" not set");
	if (n < 1)
		return kt_command_fail(ctx, NULL, "NAME is required for run");
	if (wants_to_attach(ctx))
		return kt_command_fail(ctx, NULL,
		        "cannot attach to a container (-i, -t, --attach, --rm): simulated nodes "
		        "run "
		        "no processes. Leave the flags out and read what the pod says with `logs "
		        "-f`");
	const char *name = ctx->argv[0];
	kt_auto_json json_t *container = run_container(ctx, name);

	for (int i = 1; i < n; i++) { /* words before -- are arguments, too */
		if (!json_object_get(container, "args"))
			json_object_set_new(container, "args", json_array());
		json_array_insert_new(json_object_get(container, "args"), (size_t)i - 1,
		        json_string(ctx->argv[i]));
	}
	return create(ctx, "pods",
	        json_pack("{s:s, s:s, s:{s:s, s:o}, s:{s:[O], s:s, s:s}, s:{}}", "apiVersion", "v1",
	                "kind", "Pod", "metadata", "name", name, "labels",
	                labels_of(kt_opt_string(ctx, "labels"), name), "spec", "containers",
	                container, "dnsPolicy", "ClusterFirst", "restartPolicy",
	                kt_opt_string(ctx, "restart"), "status"),
	        "created");
}

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
	if (json_array_size(ports) < 2)
		return;
	json_array_foreach(ports, i, port)
		json_object_set_new(port, "name", json_sprintf("port-%zu", i + 1));
}

static json_t *service_of(const struct kt_command_context *ctx, const json_t *object, json_t *ports)
{
	static const char *const FIELDS[][2] = {{"type", "type"}, {"cluster-ip", "clusterIP"},
	        {"session-affinity", "sessionAffinity"}};
	const char *name = kt_opt_string(ctx, "name"), *labels = kt_opt_string(ctx, "labels"),
	           *selector = kt_opt_string(ctx, "selector"),
	           *ip = kt_opt_string(ctx, "external-ip");
	json_t *spec = json_pack("{s:O}", "ports", ports), *metadata = json_object();
	const json_t *own = kt_jget(object, "metadata.labels");

	json_object_set_new(spec, "selector",
	        selector ? labels_of(selector, "") : json_deep_copy(selector_of(object)));
	for (size_t i = 0; i < KT_ARRAY_SIZE(FIELDS); i++)
		if (kt_opt_string(ctx, FIELDS[i][0]))
			json_object_set_new(
			        spec, FIELDS[i][1], json_string(kt_opt_string(ctx, FIELDS[i][0])));
	if (ip)
		json_object_set_new(spec, "externalIPs", json_pack("[s]", ip));
	json_object_set_new(
	        metadata, "name", json_string(name ? name : kt_jstr(object, "metadata.name")));
	if (labels)
		json_object_set_new(metadata, "labels", labels_of(labels, ""));
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
	if (kt_opt_given(ctx, "port"))
		json_array_append_new(ports, port_of(ctx, kt_opt_int(ctx, "port")));
	else
		add_found_ports(ctx, target->live, ports);
	if (!json_array_size(ports))
		return kt_fail(err, EINVAL,
		        "couldn't find port via --port flag or introspection\nSee 'kube-tui expose "
		        "-h' for help and examples");
	if (create(ctx, "services", service_of(ctx, target->live, ports), "exposed") != KT_EXIT_OK)
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

const struct kt_command kt_command_run_pod = {
        .name = "run",
        .group = "Change",
        .usage = "run NAME --image=IMAGE [-- ARGS…]",
        .summary = "Start one pod",
        .help = "Simulated nodes run no processes, so there is nothing to attach to.",
        .options = RUN_OPTIONS,
        .prints_typed = true,
        .needs_client = true,
        .run = run_run,
};

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
