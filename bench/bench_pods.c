/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench: kt_api */
/*
 * A whole cluster at work: pods created over HTTPS by 64 writers on a cluster of its own process
 * with 1,000 simulated nodes, until each is bound and Running. Beside it what a real control plane
 * (kube-apiserver, etcd, scheduler, KWOK) does on two cores: 34 ms of CPU per pod. Also exec to
 * ready, and the memory of an idle cluster of three nodes.
 */
#include "bench/bench.h"

#include "api/client/remote.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define REST_S 3 /* a burst of writes is over after one */
#define NODES "1000"
#define PODS 10000
#define WRITERS 64
#define PEER_CPU_MS 34.0
#define PEER_PODS_PER_S 59.0 /* 2 cores / 34 ms */
#define PEER_START_MS 2400.0 /* kube-apiserver and etcd alone */
#define PEER_MEMORY_MB 305.0
#define READY_NODES 3
#define TIMEOUT_S 300

static const char pod_text[] = "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":"
                               "\"pod-%d\",\"labels\":{\"app\":\"bench\"}},\"spec\":{"
                               "\"containers\":[{\"name\":\"main\",\"image\":\"example.org/"
                               "app:1\",\"resources\":{\"requests\":{\"cpu\":\"10m\","
                               "\"memory\":\"16Mi\"}}}]}}";

struct cluster {
	pid_t pid;
	char kubeconfig[256];
	double ready_ms;
};

struct writer {
	struct kt_call call;
	struct run *run;
};

struct run {
	struct kt_loop *loop;
	struct kt_client *client;
	struct kt_watch watch;
	struct writer writers[WRITERS];
	int next, created, running, failed;
	bool runs[PODS]; /* by the pod's number */
	int64_t all_created_ns;
};

static void die(const char *what, const struct kt_err *err)
{
	fprintf(stderr, "%s: %s\n", what, kt_err_message(err));
	exit(1);
}

/* Runs `kube-tui up` in the foreground and waits for its line. */
static void cluster_start(struct cluster *cluster, const char *dir, const char *nodes)
{
	kt_auto_free char *data = kt_asprintf("%s/data-%s", dir, nodes);
	int fds[2];
	char line[512];
	int64_t start = bench_now_ns();

	snprintf(cluster->kubeconfig, sizeof(cluster->kubeconfig), "%s/kubeconfig-%s", dir, nodes);
	if (pipe(fds) < 0)
		exit(1);
	cluster->pid = fork();
	if (cluster->pid == 0) {
		setenv("XDG_STATE_HOME", dir, 1);
		dup2(fds[1], STDOUT_FILENO);
		close(fds[0]);
		execl(getenv("KT_BINARY"), "kube-tui", "up", "bench", "--foreground", "--nodes",
		        nodes, "--port", "0", "--data-dir", data, "--kubeconfig",
		        cluster->kubeconfig, (char *)NULL);
		_exit(127);
	}
	close(fds[1]);
	FILE *out = fdopen(fds[0], "r");
	if (!out || !fgets(line, sizeof(line), out)) {
		fprintf(stderr, "the cluster did not start\n");
		exit(1);
	}
	cluster->ready_ms = (double)(bench_now_ns() - start) / 1e6;
	fclose(out);
}

static void cluster_stop(struct cluster *cluster)
{
	kill(cluster->pid, SIGTERM);
	waitpid(cluster->pid, NULL, 0);
}

static double resident_mb(pid_t pid)
{
	char path[64], line[256];
	long kb = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	FILE *file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "VmRSS: %ld kB", &kb) == 1)
			break;
	if (file)
		fclose(file);
	return (double)kb / 1024;
}

/* User and system time of the process so far. */
static double cpu_ms(pid_t pid)
{
	char path[64];
	unsigned long user = 0, kernel = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	FILE *file = fopen(path, "r");
	if (!file ||
	        fscanf(file, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
	                &user, &kernel) != 2)
		user = kernel = 0;
	if (file)
		fclose(file);
	return (double)(user + kernel) * 1000 / (double)sysconf(_SC_CLK_TCK);
}

static void create_next(struct writer *writer);

static void on_created(struct kt_call *call)
{
	struct writer *writer = kt_container_of(call, struct writer, call);
	struct run *run = writer->run;

	if (call->status != 201 && run->failed++ == 0)
		fprintf(stderr, "create: %d %s\n", call->status, kt_err_message(&call->err));
	run->created++;
	if (run->created == PODS)
		run->all_created_ns = bench_now_ns();
	kt_buf_unref(call->body);
	kt_call_finish(call);
	create_next(writer);
}

static void create_next(struct writer *writer)
{
	struct run *run = writer->run;

	if (run->next == PODS)
		return;
	kt_auto_free char *body = kt_asprintf(pod_text, run->next++);
	writer->call = (struct kt_call){.method = "POST",
	        .path = "/api/v1/namespaces/default/pods",
	        .body = kt_buf_create(body, strlen(body)),
	        .loop = run->loop,
	        .done = on_created};
	kt_client_call(run->client, &writer->call);
}

static void on_event(struct kt_watch *watch, enum kt_watch_type type, struct kt_object *object)
{
	struct run *run = kt_container_of(watch, struct run, watch);
	struct kt_json_at phase = kt_json_find(kt_object_doc(object), "status", "phase", NULL);
	kt_auto_free char *name = NULL;
	int pod;

	if (type == KT_WATCH_BOOKMARK || !kt_json_string_is(phase, "Running"))
		return;
	name = kt_sv_dup(kt_object_name(object));
	if (sscanf(name, "pod-%d", &pod) != 1 || pod < 0 || pod >= PODS || run->runs[pod])
		return;
	run->runs[pod] = true;
	run->running++;
}

static void on_end(struct kt_watch *watch, struct kt_err *err)
{
	(void)watch;
	die("watch", err);
}

static void measure_pods(const char *dir)
{
	struct cluster cluster = {0};
	struct run *run = kt_new(struct run);
	struct kt_kubeconfig *config = NULL;
	struct kt_endpoint endpoint = {0};
	kt_auto_err err = KT_ERR_INIT;

	cluster_start(&cluster, dir, NODES);
	run->loop = kt_loop_create(&(struct kt_loop_options){0}, &err);
	if (!run->loop || kt_kubeconfig_load(cluster.kubeconfig, &config, &err) < 0 ||
	        kt_kubeconfig_endpoint(config, NULL, &endpoint, &err) < 0)
		die("kubeconfig", &err);
	struct kt_remote_options options = {.endpoint = &endpoint, .user_agent = "bench/1"};
	if (kt_remote_client_create(&options, &run->client, &err) < 0)
		die("client", &err);
	run->watch = (struct kt_watch){
	        .path = "/api/v1/pods", .loop = run->loop, .on_event = on_event, .on_end = on_end};
	kt_client_watch(run->client, &run->watch);
	double cpu_before = cpu_ms(cluster.pid);
	int64_t start = bench_now_ns();
	for (int i = 0; i < WRITERS; i++) {
		run->writers[i].run = run;
		create_next(&run->writers[i]);
	}
	while (run->running < PODS && bench_now_ns() - start < (int64_t)TIMEOUT_S * 1000000000)
		if (kt_loop_run_once(run->loop, 1000, &err) < 0)
			die("loop", &err);
	double seconds = (double)(bench_now_ns() - start) / 1e9;
	if (run->running < PODS) {
		fprintf(stderr, "%d of %d pods run after %d s\n", run->running, PODS, TIMEOUT_S);
		cluster_stop(&cluster);
		exit(1);
	}
	bench_report("pods created, 64 writers",
	        PODS / ((double)(run->all_created_ns - start) / 1e9), "pods/s",
	        "a real control plane", PEER_PODS_PER_S);
	bench_report("pods created, bound and Running", PODS / seconds, "pods/s",
	        "a real control plane", PEER_PODS_PER_S);
	bench_report("CPU from create to Running", (cpu_ms(cluster.pid) - cpu_before) / PODS,
	        "ms/pod", "a real control plane", PEER_CPU_MS);
	bench_report(
	        "memory with 1,000 nodes, 10,000 pods", resident_mb(cluster.pid), "MB", NULL, 0);
	sleep(REST_S);
	bench_report("the same, a moment later", resident_mb(cluster.pid), "MB", NULL, 0);
	cluster_stop(&cluster);
	_exit(0);
}

int main(void)
{
	char dir[] = "/tmp/kube-tui-bench-XXXXXX";
	struct cluster small = {0};

	if (!getenv("KT_BINARY") || access(getenv("KT_BINARY"), X_OK) < 0) {
		fprintf(stderr, "KT_BINARY does not name kube-tui\n");
		return 77;
	}
	if (!mkdtemp(dir))
		return 1;
	cluster_start(&small, dir, "3");
	bench_report("exec to three nodes Ready", small.ready_ms, "ms",
	        "kube-apiserver and etcd alone", PEER_START_MS);
	bench_report("memory, idle, three nodes", resident_mb(small.pid), "MB",
	        "kube-apiserver and etcd alone", PEER_MEMORY_MB);
	cluster_stop(&small);
	measure_pods(dir);
	return 0;
}
