/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CPU and memory usage for `kubectl top`: a share of the request that drifts by the minute, or what
 * an annotation says. */
#include "runtime/simulated/internal.h"

#include "api/status.h"
#include "base/mem.h"
#include "base/time.h"

#include <errno.h>

#define WINDOW "10s"

struct usage {
	int64_t nano_cpu, memory_bytes;
};

/* Good enough for usage numbers: digits, a fraction, and the usual suffixes. */
static double quantity(const char *text, double fallback)
{
	static const struct {
		const char *suffix;
		double factor;
	} table[] = {{"", 1}, {"n", 1e-9}, {"u", 1e-6}, {"m", 1e-3}, {"k", 1e3}, {"M", 1e6},
	        {"G", 1e9}, {"T", 1e12}, {"Ki", 0x1p10}, {"Mi", 0x1p20}, {"Gi", 0x1p30},
	        {"Ti", 0x1p40}};
	char *end;
	double value;

	if (!text)
		return fallback;
	value = strtod(text, &end);
	for (size_t i = 0; end != text && i < KT_ARRAY_SIZE(table); i++)
		if (strcmp(end, table[i].suffix) == 0)
			return value * table[i].factor;
	return fallback;
}

static double request(struct kt_json_at container, const char *resource)
{
	kt_auto_free char *text = kt_json_string_dup(
	        kt_json_find(container, "resources", "requests", resource, NULL));

	return quantity(text, 0);
}

/* 0.2 … 0.8, another value each minute, near to the one before. */
static double share(const char *name, int64_t wall_ns)
{
	uint64_t h = kt_hash_bytes(name, strlen(name));
	int64_t minute = wall_ns / (60 * KT_NS_PER_S) + (int64_t)(h % 60);

	return 0.2 + 0.01 * (double)(h % 30) +
	       0.3 * (double)(minute % 20 < 10 ? minute % 10 : 10 - minute % 10) / 10;
}

static struct usage container_usage(
        const struct kt_object *pod, struct kt_json_at container, const char *name, int64_t wall_ns)
{
	kt_auto_free char *cpu_text = sim_annotation(pod, name, "cpu-usage");
	kt_auto_free char *memory_text = sim_annotation(pod, name, "memory-usage");
	kt_auto_free char *uid = kt_sv_dup(kt_object_uid(pod));
	double s = share(uid, wall_ns), cpu = request(container, "cpu"),
	       memory = request(container, "memory");

	cpu = quantity(cpu_text, cpu > 0 ? cpu * s : 0.001 + 0.01 * s);
	memory = quantity(memory_text, memory > 0 ? memory * (0.4 + s / 2) : (8 + 40 * s) * 0x1p20);
	return (struct usage){(int64_t)(cpu * 1e9), (int64_t)memory};
}

static json_t *usage_json(struct usage usage)
{
	kt_auto_free char *cpu = kt_asprintf("%lldn", (long long)usage.nano_cpu);
	kt_auto_free char *memory = kt_asprintf("%lldKi", (long long)(usage.memory_bytes >> 10));

	return json_pack("{s:s,s:s}", "cpu", cpu, "memory", memory);
}

static bool is_running(const struct kt_object *pod)
{
	return kt_json_string_is(kt_object_field(pod, KT_SECTION_STATUS, "phase"), "Running");
}

static struct usage add_containers(const struct kt_object *pod, json_t *list, int64_t wall_ns)
{
	struct kt_json_at containers = kt_object_field(pod, KT_SECTION_SPEC, "containers"),
	                  container;
	struct kt_json_iter it = {0};
	struct usage sum = {0};

	while (containers.p && kt_json_next_element(containers, &it, &container)) {
		kt_auto_free char *name = kt_json_string_dup(kt_json_member(container, "name"));
		struct usage one = container_usage(pod, container, name ? name : "", wall_ns);

		sum.nano_cpu += one.nano_cpu;
		sum.memory_bytes += one.memory_bytes;
		if (list)
			json_array_append_new(list, json_pack("{s:s,s:o}", "name", name ? name : "",
			                                    "usage", usage_json(one)));
	}
	return sum;
}

json_t *kt_simulated_pod_metrics(
        struct kt_simulated *simulated, const char *namespace, const char *pod, struct kt_err *err)
{
	kt_auto_free char *key = kt_asprintf("%s/%s", namespace, pod);
	kt_auto_object struct kt_object *object = NULL;
	int64_t wall_ns = kt_loop_wall_ns(simulated->loop);
	kt_auto_json json_t *labels = NULL;
	const struct sim_node *node;
	json_t *list, *metrics;
	char now[KT_TIME_TEXT_MAX];
	struct kt_sv text;

	object = sim_shared_pod(simulated, key);
	node = object ? sim_node_of(simulated, object) : NULL;
	if (!object || !is_running(object) || !node || node->stopped) {
		kt_fail(err, ENOENT, "podmetrics.metrics.k8s.io \"%s\" not found", key);
		return NULL;
	}
	list = json_array();
	add_containers(object, list, wall_ns);
	kt_time_format(wall_ns, now);
	text = kt_object_span(object, object->labels);
	labels = text.len ? kt_json_tree(kt_json_doc(text.p, text.len)) : NULL;
	metrics = json_pack("{s:s,s:s,s:{s:s,s:s,s:s},s:s,s:s,s:o}", "kind", "PodMetrics",
	        "apiVersion", "metrics.k8s.io/v1beta1", "metadata", "name", pod, "namespace",
	        namespace, "creationTimestamp", now, "timestamp", now, "window", WINDOW,
	        "containers", list);
	if (labels)
		json_object_set(json_object_get(metrics, "metadata"), "labels", labels);
	return metrics;
}

typedef KT_VEC(struct kt_object *) node_pods;

/* References to the pods of one node; the lock is held only to compare pointers. */
static void collect_pods(
        struct kt_simulated *simulated, const struct sim_node *node, node_pods *out)
{
	size_t it = 0;
	void *value;

	pthread_mutex_lock(&simulated->lock);
	while (kt_map_next(&simulated->shared, &it, NULL, &value)) {
		const struct sim_shared *shared = value;

		if (shared->node == node)
			kt_vec_push(out, kt_object_ref(shared->object));
	}
	pthread_mutex_unlock(&simulated->lock);
}

json_t *kt_simulated_node_metrics(
        struct kt_simulated *simulated, const char *node, struct kt_err *err)
{
	struct usage sum = {30000000, INT64_C(200) << 20}; /* the node's own */
	int64_t wall_ns = kt_loop_wall_ns(simulated->loop);
	char now[KT_TIME_TEXT_MAX];
	const struct sim_node *own = kt_map_get(&simulated->nodes_by_name, node);
	node_pods pods = {0};

	if (!own || own->stopped) {
		kt_fail(err, ENOENT, "nodemetrics.metrics.k8s.io \"%s\" not found", node);
		return NULL;
	}
	collect_pods(simulated, own, &pods);
	for (size_t i = 0; i < pods.n; i++) {
		struct usage one = is_running(pods.items[i])
		                           ? add_containers(pods.items[i], NULL, wall_ns)
		                           : (struct usage){0};

		sum.nano_cpu += one.nano_cpu;
		sum.memory_bytes += one.memory_bytes;
		kt_object_unref(pods.items[i]);
	}
	kt_vec_finish(&pods);
	kt_time_format(wall_ns, now);
	return json_pack("{s:s,s:s,s:{s:s,s:s,s:{s:s}},s:s,s:s,s:o}", "kind", "NodeMetrics",
	        "apiVersion", "metrics.k8s.io/v1beta1", "metadata", "name", node,
	        "creationTimestamp", now, "labels", "kubernetes.io/hostname", node, "timestamp",
	        now, "window", WINDOW, "usage", usage_json(sum));
}
