/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cluster_main.h"

#include "api/client/kubeconfig.h"
#include "api/server/http/http_server.h"
#include "api/server/pki.h"
#include "api/server/server.h"
#include "base/log.h"
#include "base/path.h"
#include "cluster/controllers/controllers.h"
#include "cluster/scheduler/scheduler.h"
#include "cluster/store/store.h"
#include "node_connector.h"
#include "runtime/simulated/simulated.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <time.h>

#define LISTEN_ADDRESS "127.0.0.1" /* nobody outside this machine, unless asked for */
#define HTTP_GRACE_MS 500          /* for answers on their way when the cluster stops */

/* A loop and the thread that runs it. */
struct runner {
	struct kt_loop *loop;
	pthread_t thread;
	bool is_running;
	const char *name;
	struct kt_task task; /* start and stop of what lives on the loop */
	void (*fn)(struct kt_cluster *cluster);
	struct kt_cluster *cluster;
	sem_t done;
};

struct kt_cluster {
	struct kt_cluster_options options; /* strings are the caller's until create returns */
	char *name, *url;
	struct kt_pki *pki;
	struct kt_signer signer; /* by the pki's CA, for the controllers */
	struct kt_storage *storage;
	struct kt_server *server;
	struct kt_http_server *http;
	struct runner api, scheduling, controlling, nodes;
	struct kt_client *scheduler_client, *controllers_client, *nodes_client;
	struct kt_scheduler *scheduler;
	struct kt_controllers *controllers;
	struct kt_simulated *simulated;
	struct kt_node_connector connector;
	struct kt_endpoint endpoint;
	sem_t nodes_ready;
};

static const struct {
	const char *name;
	unsigned component;
} components[] = {{"api", KT_COMPONENT_API}, {"scheduler", KT_COMPONENT_SCHEDULER},
        {"controllers", KT_COMPONENT_CONTROLLERS}, {"nodes", KT_COMPONENT_NODES}};

int kt_components_parse(const char *list, unsigned *ret_components, struct kt_err *err)
{
	struct kt_sv rest = kt_sv_of(list), word;
	unsigned found = 0;

	while (kt_sv_split(&rest, ',', &word)) {
		unsigned before = found;
		word = kt_sv_trim(word);
		for (size_t i = 0; i < KT_ARRAY_SIZE(components); i++)
			if (kt_sv_is(word, components[i].name))
				found |= components[i].component;
		if (found == before && word.len)
			return kt_fail(err, EINVAL,
			        "unknown component \"%.*s\": any of api, scheduler, controllers, "
			        "nodes",
			        (int)word.len, word.p);
	}
	*ret_components = found | KT_COMPONENT_API;
	return 0;
}

static void *run_loop(void *arg)
{
	struct runner *runner = arg;
	kt_auto_err err = KT_ERR_INIT;

	pthread_setname_np(pthread_self(), runner->name);
	if (kt_loop_run(runner->loop, &err) < 0)
		kt_log_error("cluster", "%s: %s", runner->name, kt_err_message(&err));
	/* A component that has ended still has mail: stopped watches are closed by it. */
	while (kt_loop_run_once(runner->loop, 0, NULL) > 0)
		;
	return NULL;
}

static int runner_start(
        struct runner *runner, struct kt_cluster *cluster, const char *name, struct kt_err *err)
{
	runner->cluster = cluster;
	runner->name = name;
	if (!runner->loop)
		runner->loop = kt_loop_create(&(struct kt_loop_options){0}, err);
	if (!runner->loop)
		return err->code;
	sem_init(&runner->done, 0, 0);
	int code = pthread_create(&runner->thread, NULL, run_loop, runner);
	if (code)
		return kt_fail(err, code, "starting a thread: %s", strerror(code));
	runner->is_running = true;
	return 0;
}

static void on_task(struct kt_task *task)
{
	struct runner *runner = kt_container_of(task, struct runner, task);

	runner->fn(runner->cluster);
	sem_post(&runner->done);
}

static void wait_for(sem_t *sem)
{
	while (sem_wait(sem) < 0 && errno == EINTR)
		;
}

/* Runs fn on the runner's loop and waits for it. */
static void runner_do(struct runner *runner, void (*fn)(struct kt_cluster *cluster))
{
	runner->fn = fn;
	kt_task_init(&runner->task, on_task);
	kt_loop_post(runner->loop, &runner->task);
	wait_for(&runner->done);
}

static void runner_stop(struct runner *runner)
{
	if (runner->is_running) {
		kt_loop_stop(runner->loop);
		pthread_join(runner->thread, NULL);
		sem_destroy(&runner->done);
		runner->is_running = false;
	}
}

static int open_pki(struct kt_cluster *cluster, struct kt_err *err)
{
	struct kt_pki_options options = {
	        .service_cluster_ip_range = cluster->options.service_cluster_ip_range};
	kt_auto_free char *dir =
	        cluster->options.data_dir ? kt_path_join(cluster->options.data_dir, "pki") : NULL;

	if (dir && kt_make_dirs(dir, 0700, err) < 0)
		return err->code;
	return kt_pki_open(dir, &options, &cluster->pki, err);
}

static int open_store(struct kt_cluster *cluster, struct kt_err *err)
{
	kt_auto_free char *dir =
	        cluster->options.data_dir ? kt_path_join(cluster->options.data_dir, "store") : NULL;
	struct kt_store_options options = {.path = dir};

	return kt_store_open(&options, &cluster->storage, err);
}

static int start_server(struct kt_cluster *cluster, struct kt_err *err)
{
	const struct kt_cluster_options *from = &cluster->options;
	struct kt_server_options options = {
	        .storage = cluster->storage,
	        .loop = cluster->api.loop,
	        .data_dir = from->data_dir,
	        .secure_port = kt_cluster_port(cluster),
	        .service_cluster_ip_range = from->service_cluster_ip_range,
	        .service_node_port_range = from->service_node_port_range,
	        .token_auth_file = from->token_auth_file,
	        .enable_admission_plugins = from->enable_admission_plugins,
	        .disable_admission_plugins = from->disable_admission_plugins,
	        .audit_policy_file = from->audit_policy_file,
	        .audit_log_path = from->audit_log_path,
	        .anonymous_auth = true,
	        .nodes = from->components & KT_COMPONENT_NODES ? &cluster->connector : NULL,
	        .pki = cluster->pki,
	};

	if (kt_server_create(&options, &cluster->server, err) < 0)
		return err->code;
	return kt_server_bootstrap(cluster->server, err);
}

static void begin_advertising(struct kt_cluster *cluster)
{
	kt_server_advertise(cluster->server, LISTEN_ADDRESS, kt_cluster_port(cluster));
}

static int start_http(struct kt_cluster *cluster, struct kt_err *err)
{
	struct kt_http_server_options options = {
	        .server = cluster->server,
	        .address = LISTEN_ADDRESS,
	        .port = cluster->options.port,
	        .port_is_wish = cluster->options.port_is_wish,
	        .cert_file = kt_pki_file(cluster->pki, KT_PKI_SERVER_CERT),
	        .key_file = kt_pki_file(cluster->pki, KT_PKI_SERVER_KEY),
	        .client_ca_file = kt_pki_file(cluster->pki, KT_PKI_CA_CERT),
	};

	/* A cluster that lives in memory alone is reached by its own process alone. */
	if (!cluster->options.data_dir)
		return 0;
	if (kt_http_server_create(&options, &cluster->http, err) < 0)
		return err->code;
	runner_do(&cluster->api, begin_advertising);
	return 0;
}

static void fill_endpoint(struct kt_cluster *cluster)
{
	cluster->url = kt_asprintf("https://" LISTEN_ADDRESS ":%d", kt_cluster_port(cluster));
	cluster->endpoint = (struct kt_endpoint){
	        .context = kt_asprintf("kube-tui-%s", cluster->name),
	        .cluster = kt_asprintf("kube-tui-%s", cluster->name),
	        .user = kt_asprintf("kube-tui-%s", cluster->name),
	        .server = kt_strdup(cluster->url),
	        .ca_pem = kt_strdup(kt_pki_pem(cluster->pki, KT_PKI_CA_CERT)),
	        .client_cert_pem = kt_strdup(kt_pki_pem(cluster->pki, KT_PKI_ADMIN_CERT)),
	        .client_key_pem = kt_strdup(kt_pki_pem(cluster->pki, KT_PKI_ADMIN_KEY)),
	};
}

static struct kt_client *client_as(struct kt_cluster *cluster, const char *user_name,
        const char *const *groups, const char *user_agent)
{
	struct kt_user *user = kt_user_create(user_name, NULL, groups);
	struct kt_client *client = kt_inprocess_client_create(cluster->server, user, user_agent);

	kt_user_unref(user);
	return client;
}

struct kt_client *kt_cluster_client(struct kt_cluster *cluster, const char *user_agent)
{
	static const char *const groups[] = {"system:masters", "system:authenticated", NULL};

	return client_as(cluster, "kubernetes-admin", groups, user_agent);
}

static void begin_scheduler(struct kt_cluster *cluster)
{
	kt_scheduler_start(cluster->scheduler);
}

static void end_scheduler(struct kt_cluster *cluster)
{
	kt_scheduler_destroy(cluster->scheduler);
	cluster->scheduler = NULL;
}

static int start_scheduler(struct kt_cluster *cluster, struct kt_err *err)
{
	static const char *const groups[] = {"system:authenticated", NULL};

	cluster->scheduler_client =
	        client_as(cluster, "system:kube-scheduler", groups, "kube-scheduler/kube-tui");
	cluster->scheduling.loop = kt_loop_create(&(struct kt_loop_options){0}, err);
	if (!cluster->scheduling.loop)
		return err->code;
	struct kt_scheduler_options options = {
	        .client = cluster->scheduler_client, .loop = cluster->scheduling.loop};
	if (kt_scheduler_create(&options, &cluster->scheduler, err) < 0 ||
	        runner_start(&cluster->scheduling, cluster, "scheduler", err) < 0)
		return err->code;
	runner_do(&cluster->scheduling, begin_scheduler);
	return 0;
}

static void begin_controllers(struct kt_cluster *cluster)
{
	kt_controllers_start(cluster->controllers);
}

static void end_controllers(struct kt_cluster *cluster)
{
	kt_controllers_destroy(cluster->controllers);
	cluster->controllers = NULL;
}

static struct kt_pki_request pki_request(const struct kt_signing *signing)
{
	return (struct kt_pki_request){.name = signing->name,
	        .pem = signing->pem,
	        .signer = signing->signer,
	        .usages = signing->usages,
	        .expiration_s = signing->expiration_s};
}

static int sign_request(
        void *arg, const struct kt_signing *signing, char **ret_pem, struct kt_err *err)
{
	struct kt_pki_request request = pki_request(signing);

	return kt_pki_sign_request(arg, &request, ret_pem, err);
}

static int check_request(
        void *arg, const struct kt_signing *signing, char **ret_common_name, struct kt_err *err)
{
	struct kt_pki_request request = pki_request(signing);

	(void)arg;
	return kt_pki_check_request(&request, ret_common_name, err);
}

static int start_controllers(struct kt_cluster *cluster, struct kt_err *err)
{
	/* One process stands for all controllers, each of which has a role of its own in a real
	 * cluster. */
	static const char *const groups[] = {"system:masters", "system:authenticated", NULL};

	cluster->controllers_client = client_as(cluster, "system:kube-controller-manager", groups,
	        "kube-controller-manager/kube-tui");
	cluster->controlling.loop = kt_loop_create(&(struct kt_loop_options){0}, err);
	if (!cluster->controlling.loop)
		return err->code;
	cluster->signer = (struct kt_signer){
	        .check = check_request, .sign = sign_request, .arg = cluster->pki};
	struct kt_controllers_options options = {.client = cluster->controllers_client,
	        .loop = cluster->controlling.loop,
	        .signer = &cluster->signer,
	        .cluster_ca_pem = kt_pki_pem(cluster->pki, KT_PKI_CA_CERT)};
	if (kt_controllers_create(&options, &cluster->controllers, err) < 0 ||
	        runner_start(&cluster->controlling, cluster, "controllers", err) < 0)
		return err->code;
	runner_do(&cluster->controlling, begin_controllers);
	return 0;
}

static void on_nodes_ready(void *arg)
{
	struct kt_cluster *cluster = arg;

	sem_post(&cluster->nodes_ready);
}

static void begin_nodes(struct kt_cluster *cluster)
{
	kt_simulated_start(cluster->simulated);
}

static void end_nodes(struct kt_cluster *cluster)
{
	kt_node_connector_detach(&cluster->connector);
	kt_simulated_destroy(cluster->simulated);
	cluster->simulated = NULL;
}

static int start_nodes(struct kt_cluster *cluster, struct kt_err *err)
{
	static const char *const groups[] = {
	        "system:masters", "system:nodes", "system:authenticated", NULL};
	kt_auto_free char *prefix = kt_asprintf("%s-worker-", cluster->name);

	cluster->nodes_client =
	        client_as(cluster, "system:kubelet-simulator", groups, "kubelet/kube-tui");
	cluster->nodes.loop = kt_loop_create(&(struct kt_loop_options){0}, err);
	if (!cluster->nodes.loop)
		return err->code;
	struct kt_simulated_options options = {.client = cluster->nodes_client,
	        .loop = cluster->nodes.loop,
	        .n_nodes = cluster->options.nodes,
	        .name_prefix = prefix,
	        .on_ready = on_nodes_ready,
	        .arg = cluster};
	if (kt_simulated_create(&options, &cluster->simulated, err) < 0 ||
	        runner_start(&cluster->nodes, cluster, "nodes", err) < 0)
		return err->code;
	kt_node_connector_attach(&cluster->connector, cluster->simulated);
	runner_do(&cluster->nodes, begin_nodes);
	return 0;
}

static int start_all(struct kt_cluster *cluster, struct kt_err *err)
{
	unsigned parts = cluster->options.components;

	cluster->api.loop = kt_loop_create(&(struct kt_loop_options){0}, err);
	if (!cluster->api.loop || open_pki(cluster, err) < 0 || open_store(cluster, err) < 0 ||
	        start_server(cluster, err) < 0 ||
	        runner_start(&cluster->api, cluster, "api", err) < 0 ||
	        start_http(cluster, err) < 0)
		return err->code;
	fill_endpoint(cluster);
	if ((parts & KT_COMPONENT_NODES) && cluster->options.nodes > 0 &&
	        start_nodes(cluster, err) < 0)
		return err->code;
	if ((parts & KT_COMPONENT_CONTROLLERS) && start_controllers(cluster, err) < 0)
		return err->code;
	if ((parts & KT_COMPONENT_SCHEDULER) && start_scheduler(cluster, err) < 0)
		return err->code;
	return 0;
}

int kt_cluster_create(const struct kt_cluster_options *options, struct kt_cluster **ret_cluster,
        struct kt_err *err)
{
	struct kt_cluster *cluster = kt_new(struct kt_cluster);

	cluster->options = *options;
	if (!cluster->options.components)
		cluster->options.components = KT_COMPONENTS_ALL;
	cluster->name = kt_strdup(options->name ? options->name : "dev");
	sem_init(&cluster->nodes_ready, 0, 0);
	kt_node_connector_init(&cluster->connector);
	if (start_all(cluster, err) < 0) {
		kt_cluster_destroy(cluster);
		return err ? err->code : -EIO;
	}
	*ret_cluster = cluster;
	return 0;
}

int kt_cluster_wait_ready(struct kt_cluster *cluster, int timeout_ms, struct kt_err *err)
{
	struct timespec until;

	if (!cluster->simulated)
		return 0;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += timeout_ms / 1000;
	until.tv_nsec += (long)(timeout_ms % 1000) * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	while (sem_clockwait(&cluster->nodes_ready, CLOCK_MONOTONIC, &until) < 0)
		if (errno != EINTR)
			return kt_fail(
			        err, ETIMEDOUT, "the nodes are not ready after %d ms", timeout_ms);
	sem_post(&cluster->nodes_ready);
	return 0;
}

int kt_cluster_port(const struct kt_cluster *cluster)
{
	return cluster->http ? kt_http_server_port(cluster->http) : cluster->options.port;
}

int kt_cluster_nodes(const struct kt_cluster *cluster)
{
	return cluster->simulated ? cluster->options.nodes : 0;
}

const char *kt_cluster_url(const struct kt_cluster *cluster)
{
	return cluster->url;
}

const struct kt_endpoint *kt_cluster_endpoint(const struct kt_cluster *cluster)
{
	return &cluster->endpoint;
}

/* Components end on their own loop, while it runs; without a thread yet, here. */
static void end_part(
        struct kt_cluster *cluster, struct runner *runner, void (*end)(struct kt_cluster *cluster))
{
	if (runner->is_running)
		runner_do(runner, end);
	else
		end(cluster);
	runner_stop(runner);
}

void kt_cluster_destroy(struct kt_cluster *cluster)
{
	if (!cluster)
		return;
	end_part(cluster, &cluster->scheduling, end_scheduler);
	end_part(cluster, &cluster->controlling, end_controllers);
	kt_http_server_destroy(cluster->http, HTTP_GRACE_MS);
	end_part(cluster, &cluster->nodes, end_nodes);
	kt_client_destroy(cluster->scheduler_client);
	kt_client_destroy(cluster->controllers_client);
	kt_client_destroy(cluster->nodes_client);
	runner_stop(&cluster->api);
	kt_server_destroy(cluster->server);
	if (cluster->storage)
		cluster->storage->ops->destroy(cluster->storage);
	kt_loop_destroy(cluster->scheduling.loop);
	kt_loop_destroy(cluster->controlling.loop);
	kt_loop_destroy(cluster->nodes.loop);
	kt_loop_destroy(cluster->api.loop);
	kt_pki_close(cluster->pki);
	kt_node_connector_finish(&cluster->connector);
	kt_endpoint_finish(&cluster->endpoint);
	sem_destroy(&cluster->nodes_ready);
	free(cluster->url);
	free(cluster->name);
	free(cluster);
}
