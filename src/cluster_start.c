/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cluster_start.h"

#include "api/client/kubeconfig.h"
#include "base/path.h"

#include <errno.h>
#include <unistd.h>

#define DEFAULT_PORT 6443
#define DEFAULT_NODES 3

static int check_components(const char *value, struct kt_err *err)
{
	unsigned components;

	return kt_components_parse(value, &components, err);
}

static int check_nodes(const char *value, struct kt_err *err)
{
	int64_t nodes;

	if (kt_sv_int64(kt_sv_of(value), &nodes) < 0 || nodes < 0 || nodes > KT_CLUSTER_NODES_MAX)
		return kt_fail(err, EINVAL, "--nodes: %s is not between 0 and %d", value,
		        KT_CLUSTER_NODES_MAX);
	return 0;
}

const char *const kt_cluster_shaping_options[] = {"nodes", "components", "token-auth-file",
        "service-cluster-ip-range", "service-node-port-range", "enable-admission-plugins",
        "disable-admission-plugins", "audit-policy-file", "audit-log-path", NULL};

/* Those whose value is more than a text for the server to judge. */
static const struct {
	const char *option;
	int (*check)(const char *value, struct kt_err *err);
	bool is_file;
} special[] = {
        {"nodes", check_nodes, false},
        {"components", check_components, false},
        {"token-auth-file", NULL, true},
        {"audit-policy-file", NULL, true},
        {"audit-log-path", NULL, true},
};

int kt_cluster_state_load_or_new(
        const char *name, struct kt_cluster_state *ret_state, struct kt_err *err)
{
	kt_auto_err missing = KT_ERR_INIT;

	if (kt_cluster_state_load(name, ret_state, &missing) == 0)
		return 0;
	char *dir = kt_cluster_dir(name, err);

	if (!dir)
		return err->code;
	*ret_state = (struct kt_cluster_state){.name = kt_strdup(name), .dir = dir};
	return 0;
}

/* "-" is standard output. Heap. */
static char *absolute(const char *path)
{
	kt_auto_free char *here = *path == '/' || kt_streq(path, "-") ? NULL : getcwd(NULL, 0);

	return here ? kt_path_join(here, path) : kt_strdup(path);
}

int kt_cluster_shape(
        struct kt_cluster_state *state, const char *option, const char *value, struct kt_err *err)
{
	kt_auto_free char *path = NULL;

	if (!*value) {
		json_object_del(state->options, option);
		return 0;
	}
	for (size_t i = 0; i < KT_ARRAY_SIZE(special); i++) {
		if (!kt_streq(special[i].option, option))
			continue;
		if (special[i].check && special[i].check(value, err) < 0)
			return err->code;
		if (special[i].is_file)
			value = path = absolute(value);
	}
	if (!state->options)
		state->options = json_object();
	json_object_set_new(state->options, option, json_string(value));
	return 0;
}

void kt_cluster_options_of(
        const struct kt_cluster_state *state, struct kt_cluster_options *ret_options)
{
	const char *nodes = kt_jstr(state->options, "nodes"),
	           *components = kt_jstr(state->options, "components");
	int64_t n = state->nodes ? state->nodes : DEFAULT_NODES;

	*ret_options = (struct kt_cluster_options){
	        .name = state->name,
	        .data_dir = state->data_dir ? state->data_dir : state->dir,
	        .port = state->port ? state->port : DEFAULT_PORT,
	        .port_is_wish = true,
	        .token_auth_file = kt_jstr(state->options, "token-auth-file"),
	        .service_cluster_ip_range = kt_jstr(state->options, "service-cluster-ip-range"),
	        .service_node_port_range = kt_jstr(state->options, "service-node-port-range"),
	        .enable_admission_plugins = kt_jstr(state->options, "enable-admission-plugins"),
	        .disable_admission_plugins = kt_jstr(state->options, "disable-admission-plugins"),
	        .audit_policy_file = kt_jstr(state->options, "audit-policy-file"),
	        .audit_log_path = kt_jstr(state->options, "audit-log-path"),
	};
	/* both were checked when they came */
	if (nodes)
		(void)kt_sv_int64(kt_sv_of(nodes), &n);
	if (components)
		(void)kt_components_parse(components, &ret_options->components, NULL);
	ret_options->nodes = (int)n;
}

/* What kt_cluster_find() reads. Heap. */
static char *own_kubeconfig(const struct kt_cluster_state *state)
{
	return kt_path_join(state->dir, "kubeconfig");
}

/* A second start finds its own context current: what was before that is still to be restored. */
static int add_context(struct kt_cluster_state *state, const char *kubeconfig,
        const struct kt_endpoint *endpoint, struct kt_err *err)
{
	char *previous = NULL;

	if (kt_kubeconfig_add(kubeconfig, endpoint->context, endpoint, &previous, err) < 0)
		return kt_wrap(err, "writing the kubeconfig");
	if (previous && !kt_streq(previous, endpoint->context)) {
		free(state->previous_context);
		state->previous_context = previous;
	} else {
		free(previous);
	}
	return 0;
}

int kt_cluster_publish(const struct kt_cluster *cluster, struct kt_cluster_state *state,
        const char *kubeconfig, struct kt_err *err)
{
	const struct kt_endpoint *endpoint = kt_cluster_endpoint(cluster);
	kt_auto_free char *own = own_kubeconfig(state);
	kt_auto_free char *ignored = NULL;

	if (kt_kubeconfig_add(own, endpoint->context, endpoint, &ignored, err) < 0)
		return kt_wrap(err, "writing the cluster's own kubeconfig");
	if (add_context(state, kubeconfig, endpoint, err) < 0)
		return err->code;
	state->pid = getpid();
	state->port = kt_cluster_port(cluster);
	state->nodes = kt_cluster_nodes(cluster);
	free(state->url);
	state->url = kt_strdup(kt_cluster_url(cluster));
	free(state->kubeconfig);
	state->kubeconfig = kubeconfig ? realpath(kubeconfig, NULL) : NULL;
	return kt_cluster_state_save(state, err);
}

int kt_cluster_find(
        const struct kt_cluster_state *state, struct kt_endpoint *ret_endpoint, struct kt_err *err)
{
	kt_auto_free char *own = own_kubeconfig(state);
	struct kt_kubeconfig *config = NULL;
	int r = kt_kubeconfig_load(own, &config, err);

	if (r == 0)
		r = kt_kubeconfig_endpoint(config, NULL, ret_endpoint, err);
	kt_kubeconfig_destroy(config);
	return r;
}

int kt_cluster_publish_again(
        struct kt_cluster_state *state, const char *kubeconfig, struct kt_err *err)
{
	struct kt_endpoint endpoint = {0};
	kt_auto_free char *ignored = NULL;
	int r = kt_cluster_find(state, &endpoint, err);

	if (r == 0 && kubeconfig)
		r = kt_kubeconfig_add(kubeconfig, endpoint.context, &endpoint, &ignored, err);
	else if (r == 0)
		r = add_context(state, state->kubeconfig, &endpoint, err);
	if (r == 0 && !kubeconfig)
		r = kt_cluster_state_save(state, err);
	kt_endpoint_finish(&endpoint);
	return r;
}
