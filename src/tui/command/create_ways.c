/* SPDX-License-Identifier: GPL-3.0-or-later */
/* create service, ingress, cronjob, job: what leads to pods, and what runs them in time. */
#include "tui/command/create_kinds.h"
#include "tui/command/options.h"

#include <errno.h>

/* Services */

/* "80:http", "80": {name, port, protocol, targetPort}. */
static json_t *service_port(struct kt_sv text, int64_t node_port, struct kt_err *err)
{
	kt_auto_free char *all = kt_sv_dup(text);
	char *colon = strchr(all, ':');
	int64_t port, target;

	if (colon)
		*colon++ = '\0';
	if (kt_sv_int64(kt_sv_of(all), &port) < 0 || port < 1 || port > 65535) {
		kt_fail(err, EINVAL, "invalid port number: %s", all);
		return NULL;
	}
	json_t *entry = json_pack("{s:o, s:I, s:s}", "name",
	        colon ? json_sprintf("%s-%s", all, colon) : json_string(all), "port",
	        (json_int_t)port, "protocol", "TCP");

	if (colon && kt_sv_int64(kt_sv_of(colon), &target) < 0)
		json_object_set_new(entry, "targetPort", json_string(colon));
	else
		json_object_set_new(entry, "targetPort", json_integer(colon ? target : port));
	if (node_port > 0)
		json_object_set_new(entry, "nodePort", json_integer(node_port));
	return entry;
}

static json_t *service_ports(struct kt_command_context *ctx, struct kt_err *err)
{
	kt_auto_json json_t *given = kt_create_words(ctx, "tcp");
	json_t *ports = json_array(), *entry;
	size_t i;

	json_array_foreach(given, i, entry) {
		json_t *port = err->code ? NULL
		                         : service_port(kt_sv_of(json_string_value(entry)),
		                                   kt_opt_int(ctx, "node-port"), err);

		if (port)
			json_array_append_new(ports, port);
	}
	return ports;
}

static int create_service(struct kt_command_context *ctx, const char *type)
{
	const char *name = kt_create_name(ctx), *ip = kt_opt_string(ctx, "clusterip"),
	           *external = kt_opt_string(ctx, "external-name");
	bool headless = kt_streq(ip, "None");
	kt_auto_err err = KT_ERR_INIT;

	if (!name)
		return KT_EXIT_ERROR;
	kt_auto_json json_t *ports = service_ports(ctx, &err);

	if (err.code)
		return kt_command_fail(ctx, &err, NULL);
	if (!json_array_size(ports) && !headless && !external)
		return kt_command_fail(
		        ctx, NULL, "at least one tcp port specifier must be provided");
	json_t *object = kt_create_object_of("v1", "Service", name),
	       *spec = json_pack("{s:{s:s}, s:s}", "selector", "app", name, "type", type);

	if (json_array_size(ports))
		json_object_set(spec, "ports", ports);
	if (ip && *ip)
		json_object_set_new(spec, "clusterIP", json_string(ip));
	if (external)
		json_object_set_new(spec, "externalName", json_string(external));
	json_object_set_new(
	        json_object_get(object, "metadata"), "labels", json_pack("{s:s}", "app", name));
	json_object_set_new(object, "spec", spec);
	json_object_set_new(object, "status", json_pack("{s:{}}", "loadBalancer"));
	return kt_create_finish(ctx, "services", object);
}

int kt_create_service_clusterip(struct kt_command_context *ctx)
{
	return create_service(ctx, "ClusterIP");
}

int kt_create_service_nodeport(struct kt_command_context *ctx)
{
	return create_service(ctx, "NodePort");
}

int kt_create_service_loadbalancer(struct kt_command_context *ctx)
{
	return create_service(ctx, "LoadBalancer");
}

int kt_create_service_externalname(struct kt_command_context *ctx)
{
	if (!kt_opt_string(ctx, "external-name"))
		return kt_command_fail(ctx, NULL, "required flag(s) \"external-name\" not set");
	return create_service(ctx, "ExternalName");
}

int kt_create_service(struct kt_command_context *ctx)
{
	return kt_command_refuse(ctx, "%s \"%s\"",
	        ctx->argc ? "unknown command"
	                  : "a type is needed: clusterip, externalname, "
	                    "loadbalancer or nodeport, not",
	        ctx->argc ? ctx->argv[0] : "");
}

/* Ingress */

/* "web:80" or "web:http" */
static json_t *backend(const char *text, size_t len, struct kt_err *err)
{
	kt_auto_free char *service = kt_strndup(text, len);
	char *colon = strchr(service, ':');
	int64_t number;

	if (!colon || colon == service || !colon[1]) {
		kt_fail(err, EINVAL, "invalid backend %s, expected service:port", service);
		return NULL;
	}
	*colon++ = '\0';
	json_t *port = kt_sv_int64(kt_sv_of(colon), &number) == 0
	                       ? json_pack("{s:I}", "number", (json_int_t)number)
	                       : json_pack("{s:s}", "name", colon);

	return json_pack("{s:{s:s, s:o}}", "service", "name", service, "port", port);
}

static json_t *rule_of_host(json_t *rules, const char *host)
{
	json_t *rule;
	size_t i;

	json_array_foreach(rules, i, rule) {
		const char *name = kt_jstr(rule, "host");

		if (!strcmp(name ? name : "", host))
			return rule;
	}
	rule = json_pack("{s:{s:[]}}", "http", "paths");
	if (*host)
		json_object_set_new(rule, "host", json_string(host));
	json_array_append_new(rules, rule);
	return rule;
}

/* "host/path=service:port[,tls[=secret]]"; a path that ends in * means all below it. */
static int add_rule(json_t *spec, const char *text, struct kt_err *err)
{
	const char *slash = strchr(text, '/'), *equals = slash ? strchr(slash, '=') : NULL;

	if (!equals)
		return kt_fail(err, EINVAL,
		        "rule %s is invalid and should be in format host/path=svcname:svcport[,tls"
		        "[=secret]]",
		        text);
	kt_auto_free char *host = kt_strndup(text, (size_t)(slash - text));
	kt_auto_free char *path = kt_strndup(slash, (size_t)(equals - slash));
	size_t len = strcspn(equals + 1, ",");
	const char *tls = equals[1 + len] ? equals + 2 + len : NULL;
	bool prefix = kt_ends_with(path, "*");
	json_t *target = backend(equals + 1, len, err);

	if (!target)
		return err->code;
	if (prefix)
		path[strlen(path) - 1] = '\0';
	json_array_append_new(
	        kt_jget(rule_of_host(json_object_get(spec, "rules"), host), "http.paths"),
	        json_pack("{s:o, s:s, s:s}", "backend", target, "path", path, "pathType",
	                prefix ? "Prefix" : "Exact"));
	if (!tls)
		return 0;
	if (!json_object_get(spec, "tls"))
		json_object_set_new(spec, "tls", json_array());
	json_t *entry = json_pack("{s:[]}", "hosts");

	if (*host)
		json_array_append_new(json_object_get(entry, "hosts"), json_string(host));
	if (kt_starts_with(tls, "tls="))
		json_object_set_new(entry, "secretName", json_string(tls + strlen("tls=")));
	json_array_append_new(json_object_get(spec, "tls"), entry);
	return 0;
}

static json_t *ingress_spec(struct kt_command_context *ctx, struct kt_err *err)
{
	const struct kt_strings *rules = kt_opt_strings(ctx, "rule");
	const char *class = kt_opt_string(ctx, "class"),
	           *fallback = kt_opt_string(ctx, "default-backend");
	json_t *spec = json_pack("{s:[]}", "rules");

	for (size_t i = 0; i < rules->n && !err->code; i++)
		add_rule(spec, rules->items[i], err);
	if (fallback && !err->code) {
		json_t *target = backend(fallback, strlen(fallback), err);

		if (target)
			json_object_set_new(spec, "defaultBackend", target);
	}
	if (class)
		json_object_set_new(spec, "ingressClassName", json_string(class));
	if (!rules->n && !fallback)
		kt_fail(err, EINVAL,
		        "not enough information provided: every ingress has to either "
		        "specify a default-backend (which catches all traffic) or a "
		        "list of rules (which catch specific paths)");
	if (!rules->n)
		json_object_del(spec, "rules");
	return spec;
}

int kt_create_ingress(struct kt_command_context *ctx)
{
	const char *name = kt_create_name(ctx);
	const struct kt_strings *notes = kt_opt_strings(ctx, "annotation");
	kt_auto_err err = KT_ERR_INIT;

	if (!name)
		return KT_EXIT_ERROR;
	kt_auto_json json_t *spec = ingress_spec(ctx, &err);
	kt_auto_json json_t *annotations = json_object();

	for (size_t i = 0; i < notes->n && !err.code; i++) {
		kt_auto_json json_t *one = kt_create_map(notes->items[i], "annotation", &err);

		json_object_update(annotations, one);
	}
	if (err.code)
		return kt_command_fail(ctx, &err, NULL);
	json_t *object = kt_create_object_of("networking.k8s.io/v1", "Ingress", name);

	if (json_object_size(annotations))
		json_object_set(json_object_get(object, "metadata"), "annotations", annotations);
	json_object_set(object, "spec", spec);
	json_object_set_new(object, "status", json_pack("{s:{}}", "loadBalancer"));
	return kt_create_finish(ctx, "ingresses.networking.k8s.io", object);
}

/* Jobs */

static json_t *job_template(
        const struct kt_command_context *ctx, const char *name, const char *restart)
{
	json_t *list = kt_create_containers(ctx, kt_opt_strings(ctx, "image"));

	json_object_set_new(json_array_get(list, 0), "name", json_string(name));
	return json_pack("{s:{}, s:{s:o, s:s}}", "metadata", "spec", "containers", list,
	        "restartPolicy", restart);
}

int kt_create_cronjob(struct kt_command_context *ctx)
{
	const char *name = kt_create_name_before_dash(ctx),
	           *restart = kt_opt_string(ctx, "restart");

	if (!name)
		return KT_EXIT_ERROR;
	if (kt_opt_strings(ctx, "image")->n != 1)
		return kt_command_fail(ctx, NULL, "required flag(s) \"image\" not set");
	if (!kt_opt_string(ctx, "schedule"))
		return kt_command_fail(ctx, NULL, "required flag(s) \"schedule\" not set");
	json_t *object = kt_create_object_of("batch/v1", "CronJob", name);

	json_object_set_new(object, "spec",
	        json_pack("{s:{s:{s:s}, s:{s:o}}, s:s}", "jobTemplate", "metadata", "name", name,
	                "spec", "template",
	                job_template(ctx, name, restart ? restart : "OnFailure"), "schedule",
	                kt_opt_string(ctx, "schedule")));
	json_object_set_new(object, "status", json_object());
	return kt_create_finish(ctx, "cronjobs.batch", object);
}

/* The job that a cron job would make now. */
static int job_from(struct kt_command_context *ctx, const char *name, const char *from)
{
	kt_auto_err err = KT_ERR_INIT;
	const char *slash = strchr(from, '/');
	kt_auto_free char *type = slash ? kt_strndup(from, (size_t)(slash - from)) : NULL;
	const struct kt_resource *resource =
	        type ? kt_session_resource(ctx->session, type, &err) : NULL;

	if (!slash)
		return kt_command_fail(ctx, NULL, "--from needs TYPE/NAME, got \"%s\"", from);
	if (!resource)
		return kt_command_fail(ctx, &err, NULL);
	if (strcmp(resource->kind, "CronJob") != 0)
		return kt_command_fail(ctx, NULL, "from must be an existing cronjob");
	kt_auto_free char *path =
	        kt_resource_path(resource, kt_session_namespace(ctx->session), slash + 1, NULL);
	kt_auto_json json_t *cron = kt_session_get(ctx, path, NULL, &err);

	if (!cron)
		return kt_command_fail(ctx, &err, NULL);
	json_t *object = kt_create_object_of("batch/v1", "Job", name);
	json_t *metadata = json_object_get(object, "metadata"),
	       *notes = json_deep_copy(kt_jget(cron, "spec.jobTemplate.metadata.annotations"));
	const json_t *labels = kt_jget(cron, "spec.jobTemplate.metadata.labels");

	notes = notes ? notes : json_object();
	json_object_set_new(notes, "cronjob.kubernetes.io/instantiate", json_string("manual"));
	json_object_set_new(metadata, "annotations", notes);
	if (labels)
		json_object_set_new(metadata, "labels", json_deep_copy(labels));
	json_object_set_new(metadata, "ownerReferences",
	        json_pack("[{s:s, s:b, s:s, s:s, s:s}]", "apiVersion", "batch/v1", "controller", 1,
	                "kind", "CronJob", "name", slash + 1, "uid",
	                kt_jstr(cron, "metadata.uid")));
	json_object_set_new(object, "spec", json_deep_copy(kt_jget(cron, "spec.jobTemplate.spec")));
	json_object_set_new(object, "status", json_object());
	return kt_create_finish(ctx, "jobs.batch", object);
}

int kt_create_job(struct kt_command_context *ctx)
{
	const char *name = kt_create_name_before_dash(ctx), *from = kt_opt_string(ctx, "from");
	size_t images = kt_opt_strings(ctx, "image")->n;

	if (!name)
		return KT_EXIT_ERROR;
	if ((images > 0) == (from != NULL))
		return kt_command_fail(ctx, NULL, "either --image or --from must be specified");
	if (from)
		return job_from(ctx, name, from);
	json_t *object = kt_create_object_of("batch/v1", "Job", name);

	json_object_set_new(
	        object, "spec", json_pack("{s:o}", "template", job_template(ctx, name, "Never")));
	json_object_set_new(object, "status", json_object());
	return kt_create_finish(ctx, "jobs.batch", object);
}
