/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench: kt_tui util */
/*
 * The terminal UI in a pty: time to its first full screen of rows, and from a key press to the
 * bytes that show it, while 10,000 rows change 1,000 times a second. The server is a client without
 * one, on the UI's own loop, so that the UI alone is measured.
 */
#include "bench/bench.h"

#include "base/buf.h"
#include "base/mem.h"
#include "tui/app.h"

#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROWS = 10000, CHANGES_PER_S = 1000, KEYS = 400, KEY_EVERY_MS = 12 };

/* The cluster: ROWS pods, one of which changes each millisecond. */
struct cluster {
	struct kt_client client;
	struct kt_timer changes;
	struct kt_call *watch;
	struct kt_task answer;
	struct kt_call *asked[8];
	size_t n_asked;
	uint64_t revision;
};

static void add_row(struct kt_str *out, unsigned i, uint64_t revision)
{
	kt_str_printf(out,
	        "{\"cells\":[\"pod-%05u\",\"1/1\",\"%s\",%llu,\"5m\"],\"object\":{\"metadata\":{"
	        "\"name\":\"pod-%05u\",\"namespace\":\"default\",\"uid\":\"u-%05u\","
	        "\"creationTimestamp\":\"2026-01-02T03:04:05Z\",\"resourceVersion\":\"%llu\"}}}",
	        i, revision % 7 ? "Running" : "Pending", (unsigned long long)revision % 50, i, i,
	        (unsigned long long)revision);
}

static struct kt_buf *page(void)
{
	static const char *const columns[] = {"Name", "Ready", "Status", "Restarts", "Age"};
	kt_auto_str out = KT_STR_INIT;

	kt_str_puts(&out, "{\"kind\":\"Table\",\"metadata\":{\"resourceVersion\":\"1\"},"
	                  "\"columnDefinitions\":[");
	for (size_t i = 0; i < KT_ARRAY_SIZE(columns); i++)
		kt_str_printf(&out, "%s{\"name\":\"%s\",\"priority\":0}", i ? "," : "", columns[i]);
	kt_str_puts(&out, "],\"rows\":[");
	for (unsigned i = 0; i < ROWS; i++) {
		kt_str_puts(&out, i ? "," : "");
		add_row(&out, i, 1);
	}
	kt_str_puts(&out, "]}");
	return kt_buf_from_str(&out);
}

static void on_answer(struct kt_task *task)
{
	struct cluster *cluster = kt_container_of(task, struct cluster, answer);

	while (cluster->n_asked) {
		struct kt_call *call = cluster->asked[--cluster->n_asked];

		call->status = strstr(call->path, "/pods") ? 200 : 404;
		if (call->status == 200)
			call->ret_body = page();
		else
			kt_fail(&call->err, 2, "not found");
		call->done(call);
	}
}

static void on_change(struct kt_timer *timer)
{
	struct cluster *cluster = kt_container_of(timer, struct cluster, changes);
	kt_auto_str line = KT_STR_INIT;

	if (!cluster->watch)
		return;
	cluster->revision++;
	kt_str_puts(&line, "{\"type\":\"MODIFIED\",\"object\":{\"kind\":\"Table\",\"rows\":[");
	add_row(&line, (unsigned)(cluster->revision * 7919 % ROWS), cluster->revision);
	kt_str_puts(&line, "]}}\n");
	cluster->watch->on_data(cluster->watch, (struct kt_sv){line.data, line.len});
	kt_timer_set(timer, timer->due_ns + KT_NS_PER_S / CHANGES_PER_S);
}

static void begin(struct kt_client *client, struct kt_call *call)
{
	struct cluster *cluster = kt_container_of(client, struct cluster, client);

	if (call->on_data) {
		cluster->watch = call;
		kt_timer_init(&cluster->changes, call->loop, on_change);
		kt_timer_set_after_ms(&cluster->changes, 1);
	} else if (cluster->n_asked < KT_ARRAY_SIZE(cluster->asked)) {
		cluster->asked[cluster->n_asked++] = call;
		kt_loop_post(call->loop, &cluster->answer);
	}
}

static void cancel(struct kt_client *client, struct kt_call *call)
{
	struct cluster *cluster = kt_container_of(client, struct cluster, client);

	if (cluster->watch == call) {
		kt_timer_cancel(&cluster->changes);
		cluster->watch = NULL;
	}
	for (size_t i = 0; i < cluster->n_asked; i++)
		if (cluster->asked[i] == call)
			cluster->asked[i] = cluster->asked[--cluster->n_asked];
}

static const struct kt_client_ops OPS = {.call = begin, .cancel = cancel};

static int run_ui(void)
{
	struct cluster cluster = {.client = {.ops = &OPS}, .revision = 1};
	kt_auto_err err = KT_ERR_INIT;

	kt_task_init(&cluster.answer, on_answer);
	return kt_tui_run(&(struct kt_tui_options){.client = &cluster.client,
	                          .kubeconfig = "/dev/null",
	                          .cluster = "bench",
	                          .user = "bench"},
	        &err);
}

/* The person */

static char seen[1 << 20];
static size_t seen_n;

/* Reads until `text` came; false after five seconds. */
static bool read_until(int fd, const char *text)
{
	struct pollfd poller = {.fd = fd, .events = POLLIN};
	int64_t until = bench_now_ns() + 5 * INT64_C(1000000000);

	while (bench_now_ns() < until) {
		if (memmem(seen, seen_n, text, strlen(text)))
			return true;
		if (poll(&poller, 1, 1000) <= 0)
			continue;
		if (seen_n > sizeof(seen) / 2)
			seen_n = 0;
		ssize_t n = read(fd, seen + seen_n, sizeof(seen) - seen_n);

		if (n <= 0)
			return false;
		seen_n += (size_t)n;
	}
	return false;
}

/* What else comes in this time. */
static void read_for(int fd, int64_t ms)
{
	struct pollfd poller = {.fd = fd, .events = POLLIN};
	int64_t until = bench_now_ns() + ms * 1000000;

	for (int64_t left; (left = until - bench_now_ns()) > 0;) {
		if (poll(&poller, 1, (int)(left / 1000000)) > 0 &&
		        read(fd, seen, sizeof(seen)) <= 0)
			break;
		if (left < 1000000)
			break;
	}
	seen_n = 0;
}

static void press(int fd, char key)
{
	ssize_t written = write(fd, &key, 1);

	(void)written;
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Characters that nothing else on this screen has. */
static int measure_keys(int fd)
{
	static const char marks[] = "~^`@";
	static int64_t taken[KEYS];
	char text[2] = {0};

	read_for(fd, 1000);
	press(fd, ':');
	for (int i = 0; i < KEYS; i++) {
		text[0] = marks[i % 4];
		read_for(fd, KEY_EVERY_MS + i % 7); /* at any moment of a frame */
		int64_t start = bench_now_ns();

		press(fd, text[0]);
		if (!read_until(fd, text))
			return -1;
		taken[i] = bench_now_ns() - start;
		press(fd, 0x15); /* clears the line */
	}
	qsort(taken, KEYS, sizeof(*taken), compare);
	bench_report("tui key press to bytes, p50, 1,000 changes/s", (double)taken[KEYS / 2] / 1e6,
	        "ms", "asked for", 10);
	bench_report("tui key press to bytes, p99, 1,000 changes/s",
	        (double)taken[KEYS * 99 / 100] / 1e6, "ms", "asked for", 10);
	return 0;
}

int main(void)
{
	struct winsize size = {.ws_row = 50, .ws_col = 160};
	int64_t start = bench_now_ns();
	int fd;
	char state[] = "/tmp/kube-tui-bench-XXXXXX";

	if (!mkdtemp(state))
		return 1;
	setenv("XDG_STATE_HOME", state, 1);
	setenv("TERM", "xterm-256color", 1);
	setenv("LC_ALL", "C.UTF-8", 1);
	pid_t pid = forkpty(&fd, NULL, NULL, &size);

	if (pid == 0)
		_exit(run_ui());
	if (pid < 0 || !read_until(fd, "pod-00020")) {
		fprintf(stderr, "the UI shows nothing\n");
		return 77;
	}
	bench_report("tui first full screen of 10,000 rows", (double)(bench_now_ns() - start) / 1e6,
	        "ms", "asked for", 60);
	int code = measure_keys(fd);

	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	rmdir(state);
	return code ? 1 : 0;
}
