/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench: kt_store */
#include "bench/bench.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "cluster/store/store.h"

#include <fcntl.h>
#include <ftw.h>
#include <malloc.h>
#include <unistd.h>

enum {
	WRITERS = 64,
	OBJECT_BYTES = 2048,
	SECONDS = 3,
	LISTED = 10000,
	GETS = 1000000,
	WATCHES = 5000,
	FAN_OUT_ROUNDS = 50,
	MEMORY_OBJECTS = 100000,
};
/* etcd 3.4.23, one member, `etcdctl check perf` on the same kind of machine: 4,999 … 6,693 writes/s
 */
#define ETCD_WRITES_PER_S 6693.0
/* append of 512 B and fdatasync, timed by itself below */

static void check(int rc, struct kt_err *err, const char *what)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "%s: %s\n", what, kt_err_message(err));
	exit(1);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static struct kt_object *make_object(const char *key, int number)
{
	struct kt_object *object = NULL;
	kt_auto_str json = KT_STR_INIT;

	kt_str_printf(&json,
	        "{\"metadata\":{\"name\":\"n%d\",\"namespace\":\"default\"},\"data\":\"", number);
	while (json.len < OBJECT_BYTES - 2)
		kt_str_putc(&json, 'a' + (char)(json.len % 26));
	kt_str_puts(&json, "\"}");
	check(kt_object_create(kt_sv_of(key), (struct kt_sv){json.data, json.len}, &object, NULL),
	        NULL, "object");
	return object;
}

/* A client that writes again as soon as it has its answer. */
struct writer {
	struct kt_storage_txn txn;
	struct kt_storage_op op;
	struct bench *bench;
	struct kt_object *object;
	char key[64];
};

struct bench {
	struct kt_loop *loop;
	struct kt_storage *storage;
	struct writer writers[WRITERS];
	int n_writers, n_running;
	bool creates;
	long n_done, n_wanted;
	int64_t until_ns;
};

static void submit(struct writer *writer)
{
	struct bench *bench = writer->bench;
	kt_auto_err err = KT_ERR_INIT;

	if (bench->creates) {
		kt_object_unref(writer->object);
		snprintf(writer->key, sizeof(writer->key), "/registry/pods/default/pod-%07ld",
		        bench->n_wanted++);
		writer->object = make_object(writer->key, 0);
	}
	writer->op = (struct kt_storage_op){
	        .kind = KT_STORAGE_PUT,
	        .key = writer->key,
	        .expect_revision = KT_STORAGE_ANY,
	        .object = writer->object,
	};
	check(bench->storage->ops->submit(bench->storage, &writer->txn, &err), &err, "submit");
}

static void on_done(struct kt_storage_txn *txn)
{
	struct writer *writer = kt_container_of(txn, struct writer, txn);
	struct bench *bench = writer->bench;

	check(txn->status, NULL, "write");
	kt_object_unref(writer->op.ret_object);
	bench->n_done++;
	if (bench->until_ns ? bench_now_ns() < bench->until_ns
	                    : bench->n_wanted > bench->n_done + WRITERS)
		submit(writer);
	else
		bench->n_running--;
}

/* Each of n writers overwrites an object of its own until the time is over; writes per second. */
static double run_writers(struct bench *bench, int n, int seconds)
{
	int64_t start_ns = bench_now_ns();

	bench->n_done = 0;
	bench->until_ns = start_ns + seconds * KT_NS_PER_S;
	bench->n_running = n;
	for (int i = 0; i < n; i++) {
		struct writer *writer = &bench->writers[i];
		*writer = (struct writer){.bench = bench};
		snprintf(writer->key, sizeof(writer->key), "/registry/pods/default/writer-%d", i);
		writer->object = make_object(writer->key, i);
		writer->txn = (struct kt_storage_txn){
		        .ops = &writer->op, .n_ops = 1, .loop = bench->loop, .done = on_done};
		submit(writer);
	}
	while (bench->n_running)
		kt_loop_run_once(bench->loop, -1, NULL);
	for (int i = 0; i < n; i++)
		kt_object_unref(bench->writers[i].object);
	return (double)bench->n_done * 1e9 / (double)(bench_now_ns() - start_ns);
}

static double fdatasyncs_per_s(const char *dir)
{
	kt_auto_free char *path = kt_asprintf("%s/floor", dir);
	kt_auto_close int fd = open(path, O_WRONLY | O_CREAT, 0600);
	char block[512] = {0};
	int64_t start_ns = bench_now_ns();
	long n = 0;

	for (; bench_now_ns() < start_ns + KT_NS_PER_S; n++) {
		if (write(fd, block, sizeof(block)) < 0 || fdatasync(fd) < 0)
			exit(1);
	}
	return (double)n * 1e9 / (double)(bench_now_ns() - start_ns);
}

/* Fills the store with n objects, many in one transaction. */
static void fill(struct bench *bench, const char *prefix, int n)
{
	for (int done = 0; done < n;) {
		struct kt_storage_op ops[KT_STORAGE_OPS_MAX] = {0};
		char keys[KT_STORAGE_OPS_MAX][64];
		struct writer *writer = &bench->writers[0];
		size_t count = 0;
		for (; count < KT_STORAGE_OPS_MAX && done < n; count++, done++) {
			snprintf(keys[count], sizeof(keys[0]), "%s%07d", prefix, done);
			ops[count] = (struct kt_storage_op){
			        .kind = KT_STORAGE_PUT,
			        .key = keys[count],
			        .object = make_object(keys[count], done),
			};
		}
		*writer = (struct writer){.bench = bench};
		writer->txn = (struct kt_storage_txn){
		        .ops = ops, .n_ops = count, .loop = bench->loop, .done = on_done};
		bench->n_running = 1;
		bench->until_ns = 1;
		check(bench->storage->ops->submit(bench->storage, &writer->txn, NULL), NULL,
		        "fill");
		while (bench->n_running)
			kt_loop_run_once(bench->loop, -1, NULL);
		for (size_t i = 0; i < count; i++) {
			kt_object_unref(ops[i].object);
			kt_object_unref(ops[i].ret_object);
		}
	}
}

static void range_once(struct bench *bench)
{
	struct kt_storage_list list = {0};
	struct kt_storage_range range = {.prefix = "/registry/list/"};

	check(bench->storage->ops->range(bench->storage, &range, &list, NULL), NULL, "range");
	if (list.n != LISTED)
		exit(1);
	kt_storage_list_finish(&list);
}

static void get_once(struct bench *bench, long i)
{
	char key[64];
	struct kt_object *object = NULL;

	snprintf(key, sizeof(key), "/registry/list/%07ld", i * 7919 % LISTED);
	check(bench->storage->ops->get(bench->storage, key, 0, &object, NULL), NULL, "get");
	kt_object_unref(object);
}

struct watching {
	struct kt_task wake;
	struct kt_storage_watch *watch;
	struct bench *bench;
};

static void on_wake(struct kt_task *task)
{
	struct watching *watching = kt_container_of(task, struct watching, wake);
	struct kt_storage_event event;

	while (watching->bench->storage->ops->watch_next(watching->watch, &event) == 1) {
		watching->bench->n_wanted--;
		kt_storage_event_finish(&event);
	}
}

/* Milliseconds from submitting a write until 5,000 watches have its event, less what the write
 * alone takes. */
static double fan_out_ms(struct bench *bench)
{
	struct watching *all = kt_new_array(struct watching, WATCHES);
	struct kt_storage *storage = bench->storage;
	double ms;

	for (int i = 0; i < WATCHES; i++) {
		all[i].bench = bench;
		kt_task_init(&all[i].wake, on_wake);
		check(storage->ops->watch_open(storage, "/registry/fan/",
		              storage->ops->revision(storage), bench->loop, &all[i].wake,
		              &all[i].watch, NULL),
		        NULL, "watch");
	}
	int64_t start_ns = bench_now_ns();
	for (int round = 0; round < FAN_OUT_ROUNDS; round++) {
		kt_auto_free char *prefix = kt_asprintf("/registry/fan/%d-", round);
		bench->n_wanted = WATCHES;
		fill(bench, prefix, 1);
		while (bench->n_wanted > 0)
			kt_loop_run_once(bench->loop, -1, NULL);
	}
	ms = (double)(bench_now_ns() - start_ns) / 1e6 / FAN_OUT_ROUNDS;
	for (int i = 0; i < WATCHES; i++)
		storage->ops->watch_close(all[i].watch);
	while (kt_loop_run_once(bench->loop, 0, NULL) > 0)
		;
	free(all);
	return ms;
}

static double open_ms(struct bench *bench, const char *path)
{
	kt_auto_err err = KT_ERR_INIT;
	int64_t start_ns = bench_now_ns();

	check(kt_store_open(&(struct kt_store_options){.path = path}, &bench->storage, &err), &err,
	        "open");
	return (double)(bench_now_ns() - start_ns) / 1e6;
}

static void close_store(struct bench *bench)
{
	bench->storage->ops->destroy(bench->storage);
	bench->storage = NULL;
}

static void bench_writes(struct bench *bench, const char *dir)
{
	kt_auto_free char *path = kt_asprintf("%s/writes", dir);
	double floor = fdatasyncs_per_s(dir);

	bench_report("store: open an empty folder", open_ms(bench, path), "ms", "goal", 5);
	bench_report("store: durable writes, 64 writers, 2 KB",
	        run_writers(bench, WRITERS, SECONDS), "1/s", "etcd 3.4", ETCD_WRITES_PER_S);
	bench_report("store: durable writes, 1 writer, 2 KB", run_writers(bench, 1, SECONDS), "1/s",
	        "append 512 B + fdatasync", floor);
	close_store(bench);
}

static void bench_reads(struct bench *bench, const char *dir)
{
	kt_auto_free char *path = kt_asprintf("%s/reads", dir);

	open_ms(bench, path);
	fill(bench, "/registry/list/", LISTED);
	bench_report("store: range of 10,000 objects", BENCH_BEST_NS(20, range_once(bench)) / 1e6,
	        "ms", NULL, 0);
	bench_report("store: get by key", 1e9 / BENCH_BEST_NS(GETS / 10, get_once(bench, bench_i_)),
	        "1/s", "LMDB", 1.34e6);
	bench_report("store: one event to 5,000 watches", fan_out_ms(bench), "ms", "goal", 10);
	close_store(bench);
}

static void bench_memory(struct bench *bench, const char *dir)
{
	kt_auto_free char *path = kt_asprintf("%s/memory", dir);
	size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;

	open_ms(bench, path);
	fill(bench, "/registry/pods/default/memory-", MEMORY_OBJECTS);
	size_t used = mallinfo2().uordblks + mallinfo2().hblkhd - before;
	bench_report("store: memory per object of 2 KB", (double)used / MEMORY_OBJECTS, "B",
	        "its bytes", OBJECT_BYTES);
	close_store(bench);
	bench_report("store: open with 100,000 objects", open_ms(bench, path), "ms", NULL, 0);
	close_store(bench);
}

int main(void)
{
	struct bench bench = {0};
	char dir[] = "/var/tmp/kube-tui-bench-XXXXXX"; /* /tmp may be memory, where a sync costs
	                                                  nothing */

	bench.loop = kt_loop_create(&(struct kt_loop_options){0}, NULL);
	if (!bench.loop || !mkdtemp(dir))
		return 1;
	bench_writes(&bench, dir);
	bench_reads(&bench, dir);
	bench_memory(&bench, dir);
	kt_loop_destroy(bench.loop);
	nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	return 0;
}
