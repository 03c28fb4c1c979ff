/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What users do to the cluster while it is in trouble. Each thing is one entry in the table below.
 */
#include "sim/sim.h"

#include "api/status.h"
#include "base/log.h"
#include "base/mem.h"

enum {
	PERIOD_MAX_MS = 2000,
	N_NAMES = 5, /* of each kind: few, so that things meet */
	REPLICAS_MAX = 4,
};

#define VOLUMES \
	"\"volumeClaimTemplates\":[{\"metadata\":{\"name\":\"v\"},\"spec\":{\"accessModes\":[" \
	"\"ReadWriteOnce\"],\"storageClassName\":\"standard\",\"resources\":{\"requests\":{" \
	"\"storage\":\"1Gi\"}}}}],"

struct sim_workload {
	struct sim *sim;
	struct kt_calls *calls;
	struct kt_timer timer;
};

static uint32_t below(struct sim_workload *w, uint32_t n)
{
	return kt_loop_random_below(w->sim->loop, n);
}

/* A wish may meet what is there already or is gone, and the server may be down; anything else is a
 * mistake of ours. */
static void on_answer(void *arg, struct kt_call *call)
{
	struct sim_workload *w = arg;
	enum kt_reason reason = call->err.code ? kt_err_reason(&call->err) : KT_REASON_NONE;

	if (reason == KT_REASON_INVALID || reason == KT_REASON_BAD_REQUEST)
		sim_fail(w->sim, "%s %s: %s", call->method, call->path, kt_err_message(&call->err));
}

static void send(struct sim_workload *w, const char *method, const char *content_type,
        struct kt_str *body, const char *path)
{
	struct kt_call_spec spec = {
	        .method = method,
	        .content_type = content_type,
	        .body = body,
	        .done = on_answer,
	        .arg = w,
	};

	kt_calls_send(w->calls, &spec, "%s", path);
}

static const char *image(struct sim_workload *w)
{
	static const char *const images[] = {"nginx:1.26", "nginx:1.27", "redis:7"};

	return images[below(w, KT_ARRAY_SIZE(images))];
}

/* A pod's spec; requests are such that some nodes fill up, and some pods leave a node in trouble
 * soon. */
static void put_pod_spec(struct sim_workload *w, struct kt_str *body)
{
	static const char *const cpu[] = {"100m", "300m", "600m"};
	static const char *const tolerations[] = {"",
	        "\"tolerations\":[{\"key\":\"node.kubernetes.io/unreachable\",\"operator\":"
	        "\"Exists\",\"effect\":\"NoExecute\",\"tolerationSeconds\":5}],"};

	kt_str_printf(body,
	        "{\"containers\":[{\"name\":\"c\",\"image\":\"%s\",\"resources\":{\"requests\":{"
	        "\"cpu\":\"%s\","
	        "\"memory\":\"256Mi\"}}}],%s\"terminationGracePeriodSeconds\":%u}",
	        image(w), cpu[below(w, KT_ARRAY_SIZE(cpu))],
	        tolerations[below(w, KT_ARRAY_SIZE(tolerations))], below(w, 2) * 5);
}

static void create_deployment(struct sim_workload *w)
{
	static const char *const strategies[] = {"", "", "\"strategy\":{\"type\":\"Recreate\"},",
	        "\"minReadySeconds\":5,\"revisionHistoryLimit\":0,",
	        "\"strategy\":{\"rollingUpdate\":{\"maxSurge\":0,\"maxUnavailable\":2}},"};
	kt_auto_str body = KT_STR_INIT;
	unsigned n = below(w, N_NAMES);

	kt_str_printf(&body,
	        "{\"apiVersion\":\"apps/"
	        "v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"d%u\"},\"spec\":{"
	        "\"replicas\":%u,\"selector\":{\"matchLabels\":{\"app\":\"d%u\"}},%s\"template\":{"
	        "\"metadata\":{"
	        "\"labels\":{\"app\":\"d%u\"}},\"spec\":",
	        n, below(w, REPLICAS_MAX + 1), n, strategies[below(w, KT_ARRAY_SIZE(strategies))],
	        n);
	put_pod_spec(w, &body);
	kt_str_puts(&body, "}}}");
	send(w, "POST", NULL, &body, "/apis/apps/v1/namespaces/default/deployments");
}

static void deployment_path(struct sim_workload *w, char path[128])
{
	snprintf(path, 128, "/apis/apps/v1/namespaces/default/deployments/d%u", below(w, N_NAMES));
}

static void scale_deployment(struct sim_workload *w)
{
	kt_auto_str body = KT_STR_INIT;
	char path[128];

	deployment_path(w, path);
	kt_str_printf(&body, "{\"spec\":{\"replicas\":%u}}", below(w, REPLICAS_MAX + 1));
	send(w, "PATCH", KT_PATCH_MERGE, &body, path);
}

static void update_deployment(struct sim_workload *w)
{
	kt_auto_str body = KT_STR_INIT;
	char path[128];

	deployment_path(w, path);
	kt_str_printf(&body,
	        "{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"%"
	        "s\"}]}}}}",
	        image(w));
	send(w, "PATCH", KT_PATCH_STRATEGIC, &body, path);
}

static void set_paused(struct sim_workload *w, unsigned n, bool on)
{
	kt_auto_str body = KT_STR_INIT;
	char path[128];

	snprintf(path, sizeof(path), "/apis/apps/v1/namespaces/default/deployments/d%u", n);
	kt_str_printf(&body, "{\"spec\":{\"paused\":%s}}", on ? "true" : "null");
	send(w, "PATCH", KT_PATCH_MERGE, &body, path);
}

static void pause_deployment(struct sim_workload *w)
{
	set_paused(w, below(w, N_NAMES), below(w, 2));
}

static void delete_deployment(struct sim_workload *w)
{
	static const char *const policies[] = {"", "?propagationPolicy=Foreground",
	        "?propagationPolicy=Background", "?propagationPolicy=Orphan"};
	char path[128], query[192];

	deployment_path(w, path);
	snprintf(query, sizeof(query), "%s%s", path, policies[below(w, KT_ARRAY_SIZE(policies))]);
	send(w, "DELETE", NULL, NULL, query);
}

static void create_pod(struct sim_workload *w)
{
	kt_auto_str body = KT_STR_INIT;

	kt_str_printf(&body,
	        "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p%u\"},\"spec\":",
	        below(w, N_NAMES));
	put_pod_spec(w, &body);
	kt_str_putc(&body, '}');
	send(w, "POST", NULL, &body, "/api/v1/namespaces/default/pods");
}

static void delete_pod(struct sim_workload *w)
{
	char path[128];

	snprintf(path, sizeof(path), "/api/v1/namespaces/default/pods/p%u%s", below(w, N_NAMES),
	        below(w, 3) ? "" : "?gracePeriodSeconds=0");
	send(w, "DELETE", NULL, NULL, path);
}

/* Someone kills all pods of an application: its controller has to bring them back. */
static void delete_pods_of(struct sim_workload *w)
{
	char path[128];

	snprintf(path, sizeof(path), "/api/v1/namespaces/default/pods?labelSelector=app%%3Dd%u",
	        below(w, N_NAMES));
	send(w, "DELETE", NULL, NULL, path);
}

/* By the budget, if there is one; else like a deletion. */
static void evict(struct sim_workload *w)
{
	kt_auto_str body = KT_STR_INIT;
	char path[128], name[16];

	snprintf(name, sizeof(name), "s%u-%u", below(w, N_NAMES), below(w, REPLICAS_MAX));
	kt_str_printf(&body,
	        "{\"apiVersion\":\"policy/v1\",\"kind\":\"Eviction\",\"metadata\":{\"name\":\"%s\","
	        "\"namespace\":\"default\"}}",
	        name);
	snprintf(path, sizeof(path), "/api/v1/namespaces/default/pods/%s/eviction", name);
	send(w, "POST", NULL, &body, path);
}

static void create_budget(struct sim_workload *w)
{
	static const char *const limits[] = {
	        "\"minAvailable\":1", "\"maxUnavailable\":\"50%\"", "\"minAvailable\":\"30%\""};
	kt_auto_str body = KT_STR_INIT;
	unsigned n = below(w, N_NAMES);

	kt_str_printf(&body,
	        "{\"apiVersion\":\"policy/v1\",\"kind\":\"PodDisruptionBudget\",\"metadata\":{"
	        "\"name\":\"s%u\"},\"spec\":{%s,\"selector\":{\"matchLabels\":{\"app\":\"s%u\"}}}}",
	        n, limits[below(w, KT_ARRAY_SIZE(limits))], n);
	send(w, "POST", NULL, &body, "/apis/policy/v1/namespaces/default/poddisruptionbudgets");
}

static void create_quota(struct sim_workload *w)
{
	kt_auto_str body = KT_STR_INIT;

	kt_str_printf(&body,
	        "{\"apiVersion\":\"v1\",\"kind\":\"ResourceQuota\",\"metadata\":{\"name\":\"q%u\"},"
	        "\"spec\":{\"hard\":{\"pods\":\"200\",\"count/pods\":\"1k\",\"count/"
	        "jobs.batch\":100,"
	        "\"services\":\"100\",\"configmaps\":\"100\"}}}",
	        below(w, N_NAMES));
	send(w, "POST", NULL, &body, "/api/v1/namespaces/default/resourcequotas");
}

/* Too little for all: what is refused must come when it is gone. */
static void create_tight_quota(struct sim_workload *w)
{
	kt_auto_str body = KT_STR_INIT;

	kt_str_puts(&body,
	        "{\"apiVersion\":\"v1\",\"kind\":\"ResourceQuota\",\"metadata\":{\"name\":"
	        "\"tight\"},\"spec\":{\"hard\":{\"pods\":\"200\",\"count/pods\":\"6\","
	        "\"count/jobs.batch\":\"3\",\"services\":\"9\",\"configmaps\":\"9\"}}}");
	send(w, "POST", NULL, &body, "/api/v1/namespaces/default/resourcequotas");
}

static void delete_tight_quota(struct sim_workload *w)
{
	send(w, "DELETE", NULL, NULL, "/api/v1/namespaces/default/resourcequotas/tight");
}

/* The machine is switched off, or on again. */
static void set_stopped(struct sim_workload *w, int node, bool on)
{
	kt_auto_str body = KT_STR_INIT;
	char path[64];

	snprintf(path, sizeof(path), "/api/v1/nodes/node-%04d", node);
	kt_str_printf(&body,
	        "{\"metadata\":{\"annotations\":{\"simulated.kube-tui.io/stopped\":%s}}}",
	        on ? "\"true\"" : "null");
	send(w, "PATCH", KT_PATCH_MERGE, &body, path);
}

static void switch_node(struct sim_workload *w)
{
	set_stopped(w, 1 + (int)below(w, (uint32_t)w->sim->options.n_nodes), below(w, 2));
}

static void delete_node(struct sim_workload *w)
{
	char path[64];

	snprintf(path, sizeof(path), "/api/v1/nodes/node-%04u",
	        1 + below(w, (uint32_t)w->sim->options.n_nodes));
	send(w, "DELETE", NULL, NULL, path);
}

static void set_cordon(struct sim_workload *w, int node, bool on)
{
	kt_auto_str body = KT_STR_INIT;
	char path[64];

	snprintf(path, sizeof(path), "/api/v1/nodes/node-%04d", node);
	kt_str_printf(&body, "{\"spec\":{\"unschedulable\":%s}}", on ? "true" : "null");
	send(w, "PATCH", KT_PATCH_MERGE, &body, path);
}

static void cordon(struct sim_workload *w)
{
	set_cordon(w, 1 + (int)below(w, (uint32_t)w->sim->options.n_nodes), below(w, 2));
}

/* A stateful set one by one or all at once, some with volumes that go with it or stay. */
static void create_stateful_set(struct sim_workload *w)
{
	static const char *const volumes[] = {"", "", VOLUMES,
	        VOLUMES "\"persistentVolumeClaimRetentionPolicy\":{\"whenDeleted\":\"Delete\","
	                "\"whenScaled\":\"Delete\"},"};
	kt_auto_str body = KT_STR_INIT;
	unsigned n = below(w, N_NAMES);

	kt_str_printf(&body,
	        "{\"apiVersion\":\"apps/"
	        "v1\",\"kind\":\"StatefulSet\",\"metadata\":{\"name\":\"s%u\"},"
	        "\"spec\":{\"serviceName\":\"s%u\",\"replicas\":%u,\"podManagementPolicy\":\"%s\",%"
	        "s"
	        "\"selector\":{\"matchLabels\":{\"app\":\"s%u\"}},\"template\":{\"metadata\":{"
	        "\"labels\":{\"app\":\"s%u\"}},\"spec\":",
	        n, n, below(w, REPLICAS_MAX), below(w, 2) ? "Parallel" : "OrderedReady",
	        volumes[below(w, KT_ARRAY_SIZE(volumes))], n, n);
	put_pod_spec(w, &body);
	kt_str_puts(&body, "}}}");
	send(w, "POST", NULL, &body, "/apis/apps/v1/namespaces/default/statefulsets");
}

static void scale_stateful_set(struct sim_workload *w)
{
	kt_auto_str body = KT_STR_INIT;
	char path[128];

	snprintf(path, sizeof(path), "/apis/apps/v1/namespaces/default/statefulsets/s%u",
	        below(w, N_NAMES));
	kt_str_printf(&body, "{\"spec\":{\"replicas\":%u}}", below(w, REPLICAS_MAX));
	send(w, "PATCH", KT_PATCH_MERGE, &body, path);
}

static void delete_stateful_set(struct sim_workload *w)
{
	char path[128];

	snprintf(path, sizeof(path), "/apis/apps/v1/namespaces/default/statefulsets/s%u",
	        below(w, N_NAMES));
	send(w, "DELETE", NULL, NULL, path);
}

/* One pod per node, with small requests. */
static void create_daemon_set(struct sim_workload *w)
{
	kt_auto_str body = KT_STR_INIT;

	kt_str_printf(&body,
	        "{\"apiVersion\":\"apps/"
	        "v1\",\"kind\":\"DaemonSet\",\"metadata\":{\"name\":\"agent\"},"
	        "\"spec\":{\"selector\":{\"matchLabels\":{\"app\":\"agent\"}},\"template\":{"
	        "\"metadata\":{"
	        "\"labels\":{\"app\":\"agent\"}},\"spec\":{\"containers\":[{\"name\":\"c\","
	        "\"image\":\"%s\","
	        "\"resources\":{\"requests\":{\"cpu\":\"50m\"}}}]}}}}",
	        image(w));
	send(w, "POST", NULL, &body, "/apis/apps/v1/namespaces/default/daemonsets");
}

static void delete_daemon_set(struct sim_workload *w)
{
	send(w, "DELETE", NULL, NULL, "/apis/apps/v1/namespaces/default/daemonsets/agent");
}

/* Its pods end by themselves after a second; some fail first. */
static void create_job(struct sim_workload *w)
{
	kt_auto_str body = KT_STR_INIT;

	kt_str_printf(&body,
	        "{\"apiVersion\":\"batch/"
	        "v1\",\"kind\":\"Job\",\"metadata\":{\"name\":\"j%u\"},\"spec\":{"
	        "\"completions\":%u,\"parallelism\":%u,\"template\":{\"spec\":{\"restartPolicy\":"
	        "\"%s\","
	        "\"containers\":[{\"name\":\"c\",\"image\":\"busybox\"}]}}}}",
	        below(w, N_NAMES), 1 + below(w, 3), 1 + below(w, 2),
	        below(w, 2) ? "Never" : "OnFailure");
	send(w, "POST", NULL, &body, "/apis/batch/v1/namespaces/default/jobs");
}

/* Index by index; some pods fail at first or for ever. */
static void create_indexed_job(struct sim_workload *w)
{
	static const char *const codes[] = {"0", "1,0", "1"};
	static const char *const limits[] = {"\"backoffLimit\":2", "\"backoffLimitPerIndex\":1",
	        "\"backoffLimitPerIndex\":0,\"maxFailedIndexes\":1",
	        "\"podReplacementPolicy\":\"Failed\"", "\"ttlSecondsAfterFinished\":5"};
	kt_auto_str body = KT_STR_INIT;

	kt_str_printf(&body,
	        "{\"apiVersion\":\"batch/v1\",\"kind\":\"Job\",\"metadata\":{\"name\":\"i%u\"},"
	        "\"spec\":{\"completions\":%u,\"parallelism\":%u,\"completionMode\":\"Indexed\",%s,"
	        "\"template\":{\"metadata\":{\"annotations\":{"
	        "\"simulated.kube-tui.io/"
	        "exit-code\":\"%s\"}},\"spec\":{\"restartPolicy\":\"Never\","
	        "\"containers\":[{\"name\":\"c\",\"image\":\"busybox\"}]}}}}",
	        below(w, N_NAMES), 1 + below(w, 4), 1 + below(w, 3),
	        limits[below(w, KT_ARRAY_SIZE(limits))], codes[below(w, KT_ARRAY_SIZE(codes))]);
	send(w, "POST", NULL, &body, "/apis/batch/v1/namespaces/default/jobs");
}

static void set_suspended(struct sim_workload *w, const char *job, bool on)
{
	kt_auto_str body = KT_STR_INIT;
	char path[128];

	snprintf(path, sizeof(path), "/apis/batch/v1/namespaces/default/jobs/%s", job);
	kt_str_printf(&body, "{\"spec\":{\"suspend\":%s}}", on ? "true" : "false");
	send(w, "PATCH", KT_PATCH_MERGE, &body, path);
}

static void suspend_job(struct sim_workload *w)
{
	char name[16];

	snprintf(name, sizeof(name), "%c%u", below(w, 2) ? 'i' : 'j', below(w, N_NAMES));
	set_suspended(w, name, below(w, 2));
}

static void create_cron_job(struct sim_workload *w)
{
	static const char *const policies[] = {"Allow", "Forbid", "Replace"};
	kt_auto_str body = KT_STR_INIT;

	kt_str_printf(&body,
	        "{\"apiVersion\":\"batch/v1\",\"kind\":\"CronJob\",\"metadata\":{\"name\":\"c%u\"},"
	        "\"spec\":{\"schedule\":\"* * * * *\",\"concurrencyPolicy\":\"%s\","
	        "\"successfulJobsHistoryLimit\":%u,\"jobTemplate\":{\"spec\":{\"template\":{"
	        "\"spec\":{"
	        "\"restartPolicy\":\"Never\",\"containers\":[{\"name\":\"c\",\"image\":\"busybox\","
	        "\"args\":[\"sleep\",\"%u\"]}]}}}}}}",
	        below(w, N_NAMES), policies[below(w, KT_ARRAY_SIZE(policies))], below(w, 3),
	        1 + below(w, 90));
	send(w, "POST", NULL, &body, "/apis/batch/v1/namespaces/default/cronjobs");
}

static void delete_cron_job(struct sim_workload *w)
{
	char path[128];

	snprintf(path, sizeof(path), "/apis/batch/v1/namespaces/default/cronjobs/c%u",
	        below(w, N_NAMES));
	send(w, "DELETE", NULL, NULL, path);
}

static void delete_job(struct sim_workload *w)
{
	char path[128];

	snprintf(path, sizeof(path),
	        "/apis/batch/v1/namespaces/default/jobs/j%u?propagationPolicy=Background",
	        below(w, N_NAMES));
	send(w, "DELETE", NULL, NULL, path);
}

static void create_service(struct sim_workload *w)
{
	kt_auto_str body = KT_STR_INIT;
	unsigned n = below(w, N_NAMES);

	kt_str_printf(&body,
	        "{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"d%u\"},"
	        "\"spec\":{"
	        "\"selector\":{\"app\":\"d%u\"},\"ports\":[{\"port\":80}]}}",
	        n, n);
	send(w, "POST", NULL, &body, "/api/v1/namespaces/default/services");
}

static void delete_service(struct sim_workload *w)
{
	char path[128];

	snprintf(path, sizeof(path), "/api/v1/namespaces/default/services/d%u", below(w, N_NAMES));
	send(w, "DELETE", NULL, NULL, path);
}

static void create_namespace(struct sim_workload *w)
{
	kt_auto_str body = KT_STR_INIT, config = KT_STR_INIT;
	unsigned n = below(w, N_NAMES);
	char path[64];

	kt_str_printf(&body,
	        "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"ns%u\"}}",
	        n);
	send(w, "POST", NULL, &body, "/api/v1/namespaces");
	snprintf(path, sizeof(path), "/api/v1/namespaces/ns%u/configmaps", n);
	kt_str_puts(&config, "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":"
	                     "\"c\"},\"data\":{\"a\":\"b\"}}");
	send(w, "POST", NULL, &config, path);
}

static void delete_namespace(struct sim_workload *w)
{
	char path[64];

	snprintf(path, sizeof(path), "/api/v1/namespaces/ns%u", below(w, N_NAMES));
	send(w, "DELETE", NULL, NULL, path);
}

static const struct {
	void (*act)(struct sim_workload *w);
	uint32_t weight;
} acts[] = {
        {create_deployment, 8},
        {scale_deployment, 5},
        {update_deployment, 4},
        {delete_deployment, 3},
        {create_pod, 4},
        {delete_pod, 3},
        {delete_pods_of, 2},
        {pause_deployment, 2},
        {evict, 2},
        {create_budget, 1},
        {create_quota, 1},
        {create_tight_quota, 1},
        {delete_tight_quota, 2},
        {switch_node, 1},
        {delete_node, 1},
        {cordon, 2},
        {create_stateful_set, 3},
        {scale_stateful_set, 2},
        {delete_stateful_set, 1},
        {create_daemon_set, 1},
        {delete_daemon_set, 1},
        {create_job, 3},
        {create_indexed_job, 3},
        {suspend_job, 2},
        {create_cron_job, 1},
        {delete_cron_job, 1},
        {delete_job, 1},
        {create_service, 2},
        {delete_service, 1},
        {create_namespace, 2},
        {delete_namespace, 1},
};

static void on_timer(struct kt_timer *timer)
{
	struct sim_workload *w = kt_container_of(timer, struct sim_workload, timer);
	uint32_t total = 0, drawn;

	for (size_t i = 0; i < KT_ARRAY_SIZE(acts); i++)
		total += acts[i].weight;
	drawn = below(w, total);
	for (size_t i = 0; i < KT_ARRAY_SIZE(acts); i++) {
		if (drawn < acts[i].weight) {
			acts[i].act(w);
			break;
		}
		drawn -= acts[i].weight;
	}
	kt_timer_set_after_ms(&w->timer, below(w, PERIOD_MAX_MS));
}

void sim_workload_start(struct sim *sim)
{
	struct sim_workload *w = kt_new(struct sim_workload);

	w->sim = sim;
	w->calls = kt_calls_create(sim->admin, sim->loop, "user");
	kt_timer_init(&w->timer, sim->loop, on_timer);
	kt_timer_set_after_ms(&w->timer, 0);
	sim->workload = w;
}

void sim_workload_stop(struct sim *sim)
{
	struct sim_workload *w = sim->workload;

	kt_timer_cancel(&w->timer);
	for (int i = 1; i <= sim->options.n_nodes; i++) {
		set_cordon(w, i, false);
		set_stopped(w, i, false);
	}
	for (unsigned i = 0; i < N_NAMES; i++) {
		char name[16];

		set_paused(w, i, false);
		snprintf(name, sizeof(name), "j%u", i);
		set_suspended(w, name, false);
		name[0] = 'i';
		set_suspended(w, name, false);
	}
	delete_tight_quota(w);
	send(w, "DELETE", NULL, NULL, "/apis/batch/v1/namespaces/default/cronjobs");
}

void sim_workload_finish(struct sim *sim)
{
	struct sim_workload *w = sim->workload;

	if (!w)
		return;
	kt_timer_cancel(&w->timer);
	kt_calls_destroy(w->calls);
	free(w);
}
