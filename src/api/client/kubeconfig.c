/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/client/kubeconfig.h"

#include "api/client/kubeconfig_file.h"
#include "base/path.h"
#include "base/vec.h"

#include <errno.h>

#define FILE_BYTES_MAX \
	(64 * 1024 * 1024) /* of a certificate or token a config points at, far above any */

struct kt_kubeconfig {
	json_t *tree;
};

static const char *const lists[] = {"clusters", "contexts", "users"};

void kt_endpoint_finish(struct kt_endpoint *endpoint)
{
	char **texts[] = {
	        &endpoint->context,
	        &endpoint->cluster,
	        &endpoint->user,
	        &endpoint->namespace,
	        &endpoint->server,
	        &endpoint->tls_server_name,
	        &endpoint->proxy_url,
	        &endpoint->ca_pem,
	        &endpoint->client_cert_pem,
	        &endpoint->client_key_pem,
	        &endpoint->token,
	        &endpoint->token_file,
	        &endpoint->username,
	        &endpoint->password,
	        &endpoint->impersonate_user,
	        &endpoint->impersonate_uid,
	};

	if (!endpoint)
		return;
	for (size_t i = 0; i < KT_ARRAY_SIZE(texts); i++)
		free(*texts[i]);
	kt_strv_free(endpoint->impersonate_groups);
	kt_strv_free(endpoint->impersonate_extra);
	json_decref(endpoint->exec);
	*endpoint = (struct kt_endpoint){0};
}

static json_t *find_named(const json_t *tree, const char *list, const char *name)
{
	size_t i;
	json_t *entry;

	json_array_foreach(json_object_get(tree, list), i, entry)
		if (kt_streq(kt_jstr(entry, "name"), name))
			return entry;
	return NULL;
}

/* Files named in a config are relative to the config's folder. */
static void make_absolute(json_t *object, const char *key, const char *dir)
{
	const char *path = json_string_value(json_object_get(object, key));
	kt_auto_free char *absolute = NULL;

	if (!path || !*path || *path == '/')
		return;
	absolute = kt_path_join(dir, path);
	json_object_set_new(object, key, json_string(absolute));
}

static void make_paths_absolute(json_t *tree, const char *file)
{
	const char *slash = strrchr(file, '/');
	kt_auto_free char *dir = slash ? kt_strndup(file, (size_t)(slash - file)) : kt_strdup(".");
	json_t *entry;
	size_t i;

	json_array_foreach(json_object_get(tree, "clusters"), i, entry)
		make_absolute(json_object_get(entry, "cluster"), "certificate-authority", dir);
	json_array_foreach(json_object_get(tree, "users"), i, entry) {
		json_t *user = json_object_get(entry, "user"),
		       *exec = json_object_get(user, "exec");
		const char *command = kt_jstr(exec, "command");

		make_absolute(user, "client-certificate", dir);
		make_absolute(user, "client-key", dir);
		make_absolute(user, "tokenFile", dir);
		if (command && strchr(command, '/'))
			make_absolute(exec, "command", dir);
	}
}

/* What an earlier file says wins. */
static void merge(json_t *into, const json_t *from)
{
	const char *current = kt_jstr(from, "current-context"), *key;
	json_t *value, *entry;
	size_t i;

	for (size_t l = 0; l < KT_ARRAY_SIZE(lists); l++)
		json_array_foreach(json_object_get(from, lists[l]), i, entry) {
			const char *name = kt_jstr(entry, "name");

			if (name && !find_named(into, lists[l], name))
				json_array_append(json_object_get(into, lists[l]), entry);
		}
	if (current && *current && !*kt_jstr(into, "current-context"))
		json_object_set(into, "current-context", json_object_get(from, "current-context"));
	json_object_foreach((json_t *)(uintptr_t)from, key, value)
		if (!json_object_get(into, key))
			json_object_set(into, key, value);
}

int kt_kubeconfig_load(const char *path, struct kt_kubeconfig **ret_config, struct kt_err *err)
{
	kt_auto_json json_t *tree = json_pack("{s:s, s:s, s:[], s:[], s:[], s:s}", "apiVersion",
	        "v1", "kind", "Config", "clusters", "contexts", "users", "current-context", "");
	struct kt_kubeconfig_files files = {0};
	int r = 0;

	kt_kubeconfig_files(path, &files);
	for (size_t i = 0; i < files.n && r >= 0; i++) {
		kt_auto_json json_t *one = NULL;

		r = kt_kubeconfig_file_read(files.items[i], !path, &one, err);
		if (r < 0)
			break;
		make_paths_absolute(one, files.items[i]);
		merge(tree, one);
	}
	kt_kubeconfig_files_finish(&files);
	if (r < 0)
		return r;
	*ret_config = kt_new(struct kt_kubeconfig);
	(*ret_config)->tree = kt_steal(&tree);
	return 0;
}

void kt_kubeconfig_destroy(struct kt_kubeconfig *config)
{
	if (!config)
		return;
	json_decref(config->tree);
	free(config);
}

const json_t *kt_kubeconfig_tree(const struct kt_kubeconfig *config)
{
	return config->tree;
}

const char *kt_kubeconfig_current_context(const struct kt_kubeconfig *config)
{
	const char *current = kt_jstr(config->tree, "current-context");

	return current && *current ? current : NULL;
}

static char *dup_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text && *text ? kt_strdup(text) : NULL;
}

/* "…-data" in base64, or the file named without "-data"; NULL when neither is there. */
static int read_pem(
        const json_t *object, const char *key, const char *what, char **ret_pem, struct kt_err *err)
{
	kt_auto_free char *data_key = kt_asprintf("%s-data", key);
	const char *data = json_string_value(json_object_get(object, data_key)),
	           *file = json_string_value(json_object_get(object, key));
	kt_auto_str text = KT_STR_INIT;

	if (data && *data) {
		if (kt_base64_decode(&text, kt_sv_of(data)) < 0)
			return kt_fail(err, EINVAL,
			        "invalid configuration: %s of \"%s\" is not base64", data_key,
			        what);
	} else if (file && *file) {
		int r = kt_read_file(file, FILE_BYTES_MAX, &text, NULL);

		if (r < 0)
			return kt_fail(err, -r,
			        "invalid configuration: unable to read %s %s for %s due to open "
			        "%s: %s",
			        key, file, what, file, strerror(-r));
	}
	if (text.len)
		*ret_pem = kt_str_steal(&text);
	return 0;
}

static int read_cluster(
        const json_t *cluster, const char *name, struct kt_endpoint *e, struct kt_err *err)
{
	e->cluster = kt_strdup(name);
	e->server = dup_text(cluster, "server");
	if (!e->server)
		return kt_fail(err, EINVAL,
		        "invalid configuration: no server found for cluster \"%s\"", name);
	for (size_t len = strlen(e->server); len && e->server[len - 1] == '/'; len--)
		e->server[len - 1] = 0;
	e->tls_server_name = dup_text(cluster, "tls-server-name");
	e->proxy_url = dup_text(cluster, "proxy-url");
	e->insecure = kt_jbool(cluster, "insecure-skip-tls-verify", false);
	if (e->insecure && (json_object_get(cluster, "certificate-authority") ||
	                           json_object_get(cluster, "certificate-authority-data")))
		return kt_fail(err, EINVAL,
		        "invalid configuration: specifying a root certificates file with the "
		        "insecure flag is not allowed");
	return read_pem(cluster, "certificate-authority", name, &e->ca_pem, err);
}

static void read_impersonation(const json_t *user, struct kt_endpoint *e)
{
	const json_t *groups = json_object_get(user, "as-groups");
	size_t i;
	json_t *group;

	e->impersonate_user = dup_text(user, "as");
	if (json_array_size(groups) == 0)
		return;
	e->impersonate_groups = kt_new_array(char *, json_array_size(groups) + 1);
	json_array_foreach(groups, i, group)
		e->impersonate_groups[i] =
		        kt_strdup(json_is_string(group) ? json_string_value(group) : "");
}

static int read_user(
        const json_t *user, const char *name, struct kt_endpoint *e, struct kt_err *err)
{
	json_t *exec = json_object_get(user, "exec");
	int r;

	e->user = kt_strdup(name);
	e->token = dup_text(user, "token");
	e->token_file = dup_text(user, "tokenFile");
	e->username = dup_text(user, "username");
	e->password = dup_text(user, "password");
	if (json_is_object(exec)) {
		if (!kt_jstr(exec, "command"))
			return kt_fail(err, EINVAL,
			        "invalid configuration: command must be specified for \"%s\" to "
			        "use exec authentication plugin",
			        name);
		e->exec = json_deep_copy(exec);
	}
	read_impersonation(user, e);
	r = read_pem(user, "client-certificate", name, &e->client_cert_pem, err);
	if (r >= 0)
		r = read_pem(user, "client-key", name, &e->client_key_pem, err);
	if (r >= 0 && !e->client_cert_pem != !e->client_key_pem)
		return kt_fail(err, EINVAL,
		        "invalid configuration: %s must be specified for %s to use the %s "
		        "authentication method",
		        e->client_cert_pem ? "client-key-data or client-key"
		                           : "client-certificate-data or client-certificate",
		        name, "clientCert");
	return r;
}

static const char *chosen(const char *text, const char *otherwise)
{
	return text && *text ? text : otherwise ? otherwise : "";
}

static int read_context(const json_t *tree, const struct kt_kubeconfig_choice *choice,
        struct kt_endpoint *e, struct kt_err *err)
{
	const json_t *entry = json_object_get(
	                     find_named(tree, "contexts", choice->context), "context"),
	             *cluster, *user;
	const char *cluster_name = chosen(choice->cluster, kt_jstr(entry, "cluster")),
	           *user_name = chosen(choice->user, kt_jstr(entry, "user"));
	int r;

	if (!entry)
		return kt_fail(err, ENOENT, "context \"%s\" does not exist", choice->context);
	e->context = kt_strdup(choice->context);
	e->namespace = dup_text(entry, "namespace");
	cluster = find_named(tree, "clusters", cluster_name);
	if (!cluster)
		return kt_fail(err, ENOENT, "cluster \"%s\" does not exist", cluster_name);
	r = read_cluster(json_object_get(cluster, "cluster"), cluster_name, e, err);
	if (r < 0 || !*user_name)
		return r;
	user = find_named(tree, "users", user_name);
	if (!user)
		return kt_fail(err, ENOENT, "auth info \"%s\" does not exist", user_name);
	return read_user(json_object_get(user, "user"), user_name, e, err);
}

int kt_kubeconfig_endpoint_of(const struct kt_kubeconfig *config,
        const struct kt_kubeconfig_choice *choice, struct kt_endpoint *ret_endpoint,
        struct kt_err *err)
{
	struct kt_kubeconfig_choice with_context = *choice;
	struct kt_endpoint endpoint = {0};
	int r;

	if (!choice->context || !*choice->context)
		with_context.context = kt_kubeconfig_current_context(config);
	if (!with_context.context)
		return kt_fail(err, ENOENT,
		        "invalid configuration: no configuration has been provided, try setting "
		        "KUBERNETES_MASTER environment variable");
	r = read_context(config->tree, &with_context, &endpoint, err);
	if (r < 0) {
		kt_endpoint_finish(&endpoint);
		return r;
	}
	*ret_endpoint = endpoint;
	return 0;
}

int kt_kubeconfig_endpoint(const struct kt_kubeconfig *config, const char *context,
        struct kt_endpoint *ret_endpoint, struct kt_err *err)
{
	return kt_kubeconfig_endpoint_of(
	        config, &(struct kt_kubeconfig_choice){.context = context}, ret_endpoint, err);
}
