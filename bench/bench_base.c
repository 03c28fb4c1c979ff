/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench: kt_base */
#include "bench/bench.h"

#include "base/json.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/map.h"
#include "base/yaml.h"

#include <pthread.h>
#include <unistd.h>

enum { PING_PONGS = 20000 };

/* A pod as a cluster stores it: managed fields, a spec with two containers, conditions. About 6 KB.
 */
static char *make_pod(void)
{
	kt_auto_str s = {0};

	kt_str_puts(&s,
	        "{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"web-7f5d8c6b9-"
	        "x2x7q\","
	        "\"generateName\":\"web-7f5d8c6b9-\",\"namespace\":\"default\","
	        "\"uid\":\"0f4a2d0e-5c1b-4d7e-9a38-0c2a4b8d6e1f\",\"resourceVersion\":\"123456\","
	        "\"labels\":{\"app\":\"web\",\"pod-template-hash\":\"7f5d8c6b9\"},"
	        "\"managedFields\":[");
	for (int m = 0; m < 3; m++) {
		kt_str_printf(&s,
		        "%s{\"manager\":\"manager-%d\",\"operation\":\"Update\",\"time\":\"2026-01-"
		        "02T03:04:05Z\","
		        "\"fieldsType\":\"FieldsV1\",\"fieldsV1\":{\"f:metadata\":{\"f:labels\":{"
		        "\".\":{}",
		        m ? "," : "", m);
		for (int i = 0; i < 25; i++)
			kt_str_printf(&s, ",\"f:example.com/key-%d\":{}", i);
		kt_str_puts(&s, "}}}}");
	}
	kt_str_puts(&s, "]},\"spec\":{\"containers\":[");
	for (int c = 0; c < 2; c++) {
		kt_str_printf(&s,
		        "%s{\"name\":\"c%d\",\"image\":\"registry.example.com/team/"
		        "web:v1.2.%d\",\"ports\":"
		        "[{\"containerPort\":80%d,\"protocol\":\"TCP\"}],\"env\":[",
		        c ? "," : "", c, c, c);
		for (int i = 0; i < 12; i++)
			kt_str_printf(&s,
			        "%s{\"name\":\"VARIABLE_%d\",\"value\":\"some value, number %d\"}",
			        i ? "," : "", i, i);
		kt_str_puts(&s,
		        "],\"resources\":{\"limits\":{\"cpu\":\"500m\",\"memory\":\"128Mi\"}}}");
	}
	kt_str_puts(&s,
	        "],\"nodeName\":\"node-17\",\"tolerations\":[{\"key\":\"a\",\"operator\":"
	        "\"Exists\","
	        "\"tolerationSeconds\":300}]},\"status\":{\"phase\":\"Running\",\"conditions\":[");
	for (int i = 0; i < 5; i++)
		kt_str_printf(&s,
		        "%s{\"type\":\"Condition%d\",\"status\":\"True\",\"lastProbeTime\":null,"
		        "\"lastTransitionTime\":\"2026-01-02T03:04:05Z\"}",
		        i ? "," : "", i);
	kt_str_puts(&s, "],\"hostIP\":\"10.0.0.17\",\"podIP\":\"10.244.17.5\",\"startTime\":\"2026-"
	                "01-02T03:04:05Z\"}}");
	return kt_str_steal(&s);
}

static void parse_ours(struct kt_sv text)
{
	json_t *value = kt_json_parse(text, NULL, NULL);

	kt_assert(value);
	json_decref(value);
}

static void parse_jansson(struct kt_sv text)
{
	json_t *value = json_loadb(text.p, text.len, 0, NULL);

	kt_assert(value);
	json_decref(value);
}

static void dump_jansson(const json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT);

	kt_assert(text);
	free(text);
}

/* The floor of everything that looks at each byte. */
static __attribute__((noinline)) const void *find_byte(struct kt_sv text, int c)
{
	__asm__ volatile("" : : "r"(text.p) : "memory");
	return memchr(text.p, c, text.len);
}

static void bench_json(void)
{
	kt_auto_free char *pod = make_pod();
	struct kt_sv text = kt_sv_of(pod);
	struct kt_json_at doc = kt_json_doc(text.p, text.len);
	kt_auto_json json_t *tree = kt_json_parse(text, NULL, NULL);
	kt_auto_str out = {0};
	double mb = (double)text.len / 1e6;

	double ours = BENCH_BEST_NS(1000, parse_ours(text));
	double theirs = BENCH_BEST_NS(1000, parse_jansson(text));
	bench_report("json parse", mb / ours * 1e9, "MB/s", "json_loadb", mb / theirs * 1e9);
	double scan =
	        BENCH_BEST_NS(5000, kt_assert(kt_json_find(doc, "status", "startTime", NULL).p));
	double floor = BENCH_BEST_NS(5000, kt_assert(!find_byte(text, 1)));
	bench_report("json scan to the end", mb / scan * 1e9, "MB/s", "memchr", mb / floor * 1e9);
	double find = BENCH_BEST_NS(5000, kt_assert(kt_json_find(doc, "metadata", "name", NULL).p));
	bench_report("json metadata.name", find, "ns", NULL, 0);
	double write = BENCH_BEST_NS(1000, (kt_str_clear(&out), kt_json_write(&out, tree, 0)));
	double dump = BENCH_BEST_NS(1000, dump_jansson(tree));
	bench_report("json write", mb / write * 1e9, "MB/s", "json_dumps", mb / dump * 1e9);
	const char *path[] = {"spec", "nodeName", NULL};
	double splice = BENCH_BEST_NS(
	        5000, (kt_str_clear(&out), kt_json_splice(&out, doc, path, &KT_SV("\"n\""), NULL)));
	bench_report("json splice spec.nodeName", splice, "ns", "parse and write", ours + write);
	kt_str_clear(&out);
	kt_yaml_write(&out, tree);
	kt_auto_str yaml = out;
	out = KT_STR_INIT;
	double read = BENCH_BEST_NS(
	        100, json_decref(kt_yaml_parse_one((struct kt_sv){yaml.data, yaml.len}, NULL)));
	bench_report("yaml read", (double)yaml.len / read * 1e3, "MB/s", NULL, 0);
}

struct ping {
	struct kt_task task;
	struct kt_loop *here, *there;
	struct ping *other;
	long left;
};

static void throw_back(struct kt_task *task)
{
	struct ping *ping = kt_container_of(task, struct ping, task);

	if (ping->left == 0) {
		kt_loop_stop(ping->here);
		kt_loop_stop(ping->there);
		return;
	}
	ping->other->left = ping->left - 1;
	kt_loop_post(ping->there, &ping->other->task);
}

static void *run_loop(void *loop)
{
	kt_assert(kt_loop_run(loop, NULL) == 0);
	return NULL;
}

static int pipes[2][2];

static void *echo(void *arg)
{
	char c;

	(void)arg;
	for (int i = 0; i < PING_PONGS; i++) {
		kt_assert(read(pipes[0][0], &c, 1) == 1);
		kt_assert(write(pipes[1][1], &c, 1) == 1);
	}
	return NULL;
}

/* The floor: two threads and two pipes. */
static double pipe_round_trip_us(void)
{
	pthread_t thread;
	char c = 0;

	kt_assert(pipe(pipes[0]) == 0 && pipe(pipes[1]) == 0);
	kt_assert(pthread_create(&thread, NULL, echo, NULL) == 0);
	int64_t start = bench_now_ns();
	for (int i = 0; i < PING_PONGS; i++) {
		kt_assert(write(pipes[0][1], &c, 1) == 1);
		kt_assert(read(pipes[1][0], &c, 1) == 1);
	}
	int64_t took = bench_now_ns() - start;
	pthread_join(thread, NULL);
	for (int i = 0; i < 4; i++)
		close(pipes[i / 2][i % 2]);
	return (double)took / PING_PONGS / 1e3;
}

static void bench_round_trip(void)
{
	struct kt_loop *one = kt_loop_create(NULL, NULL), *two = kt_loop_create(NULL, NULL);
	struct ping a = {.here = one, .there = two, .left = 2 * PING_PONGS},
	            b = {.here = two, .there = one};
	pthread_t thread;

	a.other = &b;
	b.other = &a;
	kt_task_init(&a.task, throw_back);
	kt_task_init(&b.task, throw_back);
	int64_t start = bench_now_ns();
	kt_assert(pthread_create(&thread, NULL, run_loop, two) == 0);
	kt_loop_post(one, &a.task);
	run_loop(one);
	pthread_join(thread, NULL);
	double us = (double)(bench_now_ns() - start) / PING_PONGS / 1e3;
	bench_report("loop post, there and back", us, "us", "two pipes", pipe_round_trip_us());
	kt_loop_destroy(one);
	kt_loop_destroy(two);
}

static void nothing(struct kt_task *task)
{
	(void)task;
}

static void bench_turn(void)
{
	struct kt_loop *loop = kt_loop_create(NULL, NULL);
	struct kt_task task;

	kt_task_init(&task, nothing);
	double ns =
	        BENCH_BEST_NS(20000, (kt_loop_post(loop, &task), kt_loop_run_once(loop, 0, NULL)));
	bench_report("loop post and turn, one thread", ns, "ns", NULL, 0);
	kt_loop_destroy(loop);
}

static void bench_map(void)
{
	struct kt_map map;
	char keys[1000][16];
	long i = 0;

	kt_map_init(&map, NULL);
	for (int k = 0; k < 1000; k++) {
		snprintf(keys[k], sizeof(keys[k]), "key-%d", k);
		kt_map_set(&map, keys[k], keys[k]);
	}
	double ns = BENCH_BEST_NS(100000, kt_assert(kt_map_get(&map, keys[i++ % 1000])));
	bench_report("map get of 1000", ns, "ns", NULL, 0);
	kt_map_finish(&map);
}

int main(void)
{
	bench_json();
	bench_map();
	bench_turn();
	bench_round_trip();
	return 0;
}
