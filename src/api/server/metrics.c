/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/metrics.h"

#include "api/server/flow.h"
#include "api/server/server_impl.h"

#include <inttypes.h>
#include <sys/resource.h>

static const char *const verbs[] = {
        "get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "other"};
#define VERBS KT_ARRAY_SIZE(verbs)
static const int codes[] = {
        200, 201, 202, 400, 401, 403, 404, 405, 406, 409, 410, 413, 415, 422, 429, 500, 503, 504};
#define CODES KT_ARRAY_SIZE(codes)
/* seconds */
static const double buckets[] = {
        0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10};
#define BUCKETS KT_ARRAY_SIZE(buckets)

struct kt_metrics {
	atomic_ullong requests[VERBS][CODES];
	atomic_ullong durations[VERBS][BUCKETS + 1];
	atomic_ullong duration_ns[VERBS];
	atomic_int running;
};

struct kt_metrics *kt_metrics_create(void)
{
	return kt_new(struct kt_metrics);
}

void kt_metrics_destroy(struct kt_metrics *metrics)
{
	free(metrics);
}

static size_t verb_index(const char *verb)
{
	for (size_t i = 0; i + 1 < VERBS; i++)
		if (kt_streq(verbs[i], verb))
			return i;
	return VERBS - 1;
}

static size_t code_index(int code)
{
	for (size_t i = 0; i < CODES; i++)
		if (codes[i] == code)
			return i;
	return code_index(500);
}

void kt_metrics_begin(struct kt_request *request)
{
	atomic_fetch_add_explicit(&request->server->metrics->running, 1, memory_order_relaxed);
}

void kt_metrics_request(struct kt_request *request)
{
	struct kt_metrics *metrics = request->server->metrics;
	size_t verb = verb_index(request->state->route.verb);
	int64_t took_ns = kt_loop_now_ns(request->loop) - request->state->started_ns;
	size_t bucket = 0;

	while (bucket < BUCKETS && (double)took_ns / 1e9 > buckets[bucket])
		bucket++;
	atomic_fetch_sub_explicit(&metrics->running, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(
	        &metrics->requests[verb][code_index(request->status)], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&metrics->durations[verb][bucket], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(
	        &metrics->duration_ns[verb], (unsigned long long)took_ns, memory_order_relaxed);
}

static void head(struct kt_str *out, const char *name, const char *type, const char *help)
{
	kt_str_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_requests(const struct kt_metrics *metrics, struct kt_str *out)
{
	head(out, "apiserver_request_total", "counter", "Requests answered, by verb and code.");
	for (size_t v = 0; v < VERBS; v++)
		for (size_t c = 0; c < CODES; c++) {
			unsigned long long n = atomic_load(&metrics->requests[v][c]);
			if (n)
				kt_str_printf(out,
				        "apiserver_request_total{code=\"%d\",verb=\"%s\"} %llu\n",
				        codes[c], verbs[v], n);
		}
}

static void write_durations(const struct kt_metrics *metrics, struct kt_str *out)
{
	static const char name[] = "apiserver_request_duration_seconds";

	head(out, name, "histogram", "Time from a request's arrival to its answer.");
	for (size_t v = 0; v < VERBS; v++) {
		unsigned long long sum = 0;
		for (size_t b = 0; b <= BUCKETS; b++) {
			sum += atomic_load(&metrics->durations[v][b]);
			if (b < BUCKETS)
				kt_str_printf(out, "%s_bucket{verb=\"%s\",le=\"%g\"} %llu\n", name,
				        verbs[v], buckets[b], sum);
		}
		kt_str_printf(
		        out, "%s_bucket{verb=\"%s\",le=\"+Inf\"} %llu\n", name, verbs[v], sum);
		kt_str_printf(out, "%s_sum{verb=\"%s\"} %g\n", name, verbs[v],
		        (double)atomic_load(&metrics->duration_ns[v]) / 1e9);
		kt_str_printf(out, "%s_count{verb=\"%s\"} %llu\n", name, verbs[v], sum);
	}
}

/* Versions of one resource share what is stored. */
static bool is_another_version(size_t i)
{
	const struct kt_kind *kind = &kt_builtin_kinds.kinds[i];

	for (size_t k = 0; k < i; k++)
		if (kt_streq(kt_builtin_kinds.kinds[k].storage_prefix, kind->storage_prefix))
			return true;
	return false;
}

static void write_objects(struct kt_server *server, struct kt_str *out)
{
	struct kt_storage *storage = server->storage;

	head(out, "apiserver_storage_objects", "gauge", "Objects stored, by resource.");
	for (size_t i = 0; i < kt_builtin_kinds.n_kinds; i++) {
		const struct kt_kind *kind = &kt_builtin_kinds.kinds[i];
		if ((kind->flags & KT_KIND_VIRTUAL) || !kind->storage_prefix ||
		        is_another_version(i))
			continue;
		kt_auto_free char *prefix = kt_asprintf("%s/", kind->storage_prefix);
		kt_str_printf(out, "apiserver_storage_objects{resource=\"%s%s%s\"} %zu\n",
		        kind->plural, *kind->group ? "." : "", kind->group,
		        storage->ops->count(storage, prefix));
	}
	head(out, "etcd_debugging_mvcc_current_revision", "gauge", "Newest revision.");
	kt_str_printf(out, "etcd_debugging_mvcc_current_revision %" PRId64 "\n",
	        storage->ops->revision(storage));
}

static void write_process(struct kt_server *server, struct kt_str *out)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	head(out, "process_cpu_seconds_total", "counter", "User and system time.");
	kt_str_printf(out, "process_cpu_seconds_total %.2f\n",
	        (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	                (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
	head(out, "process_resident_memory_max_bytes", "gauge", "Largest resident set so far.");
	kt_str_printf(
	        out, "process_resident_memory_max_bytes %lld\n", (long long)usage.ru_maxrss * 1024);
	head(out, "process_start_time_seconds", "gauge", "When the server started.");
	kt_str_printf(
	        out, "process_start_time_seconds %.2f\n", (double)server->started_wall_ns / 1e9);
	head(out, "kubernetes_build_info", "gauge", "What runs here.");
	kt_str_printf(out, "kubernetes_build_info{git_version=\"%s\",major=\"1\",minor=\"35\"} 1\n",
	        KT_SERVER_GIT_VERSION);
}

void kt_metrics_write(struct kt_server *server, struct kt_str *out)
{
	const struct kt_metrics *metrics = server->metrics;

	write_requests(metrics, out);
	write_durations(metrics, out);
	head(out, "apiserver_current_inflight_requests", "gauge", "Requests being worked on.");
	kt_str_printf(
	        out, "apiserver_current_inflight_requests %d\n", atomic_load(&metrics->running));
	kt_flow_metrics(server->flow, out);
	write_objects(server, out);
	write_process(server, out);
}
