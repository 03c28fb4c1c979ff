/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/server.h"

#include "api/server/audit.h"
#include "api/server/metrics.h"
#include "api/server/openapi_documents.h"
#include "api/server/server_impl.h"

char *kt_server_key(
        struct kt_arena *arena, const struct kt_kind *kind, const char *namespace, const char *name)
{
	if ((kind->flags & KT_KIND_NAMESPACED) && *namespace)
		return kt_arena_printf(arena, "%s/%s/%s", kind->storage_prefix, namespace, name);
	return kt_arena_printf(arena, "%s/%s", kind->storage_prefix, name);
}

static char *dup_or(const char *text, const char *fallback)
{
	return text ? kt_strdup(text) : fallback ? kt_strdup(fallback) : NULL;
}

static void copy_options(struct kt_server_options *to, const struct kt_server_options *from)
{
	*to = *from;
	to->data_dir = dup_or(from->data_dir, NULL);
	to->advertise_address = dup_or(from->advertise_address, NULL);
	to->service_cluster_ip_range = dup_or(from->service_cluster_ip_range, "10.96.0.0/16");
	to->service_node_port_range = dup_or(from->service_node_port_range, "30000-32767");
	to->service_account_issuer =
	        dup_or(from->service_account_issuer, "https://kubernetes.default.svc");
	to->token_auth_file = dup_or(from->token_auth_file, NULL);
	to->enable_admission_plugins = dup_or(from->enable_admission_plugins, "");
	to->disable_admission_plugins = dup_or(from->disable_admission_plugins, "");
	to->audit_policy_file = dup_or(from->audit_policy_file, NULL);
	to->audit_log_path = dup_or(from->audit_log_path, NULL);
}

static void free_text(const char *text)
{
	free((void *)(uintptr_t)text);
}

static void free_options(struct kt_server_options *options)
{
	free_text(options->data_dir);
	free_text(options->advertise_address);
	free_text(options->service_cluster_ip_range);
	free_text(options->service_node_port_range);
	free_text(options->service_account_issuer);
	free_text(options->token_auth_file);
	free_text(options->enable_admission_plugins);
	free_text(options->disable_admission_plugins);
	free_text(options->audit_policy_file);
	free_text(options->audit_log_path);
}

int kt_server_create(
        const struct kt_server_options *options, struct kt_server **ret_server, struct kt_err *err)
{
	struct kt_server *server = kt_new(struct kt_server);

	copy_options(&server->options, options);
	server->storage = options->storage;
	server->loop = options->loop;
	server->resources = kt_resources_create(options->nodes != NULL);
	server->openapi = kt_openapi_cache_create();
	server->metrics = kt_metrics_create();
	atomic_init(&server->secure_port, options->secure_port);
	server->started_wall_ns = kt_loop_wall_ns(options->loop);
	if (kt_audit_create(
	            options->audit_policy_file, options->audit_log_path, &server->audit, err) < 0 ||
	        kt_server_start_parts(server, err) < 0) {
		kt_server_destroy(server);
		return err ? err->code : -1;
	}
	*ret_server = server;
	return 0;
}

void kt_server_destroy(struct kt_server *server)
{
	if (!server)
		return;
	kt_server_stop_parts(server);
	kt_audit_destroy(server->audit);
	kt_openapi_cache_destroy(server->openapi);
	kt_resources_destroy(server->resources);
	kt_metrics_destroy(server->metrics);
	free_options(&server->options);
	free(server);
}
