/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Container logs that nobody stores: line n of a run is a function of the pod, the container and n,
 * said at start + n / rate. A reader therefore needs only the pod's newest object and the time.
 */
#include "runtime/simulated/internal.h"

#include "api/status.h"
#include "base/mem.h"
#include "base/time.h"

#include <errno.h>
#include <math.h>

#define PIECE_BYTES (64 * 1024)
#define DEFAULT_RATE 1.0

struct kt_simulated_log {
	struct kt_simulated *simulated;
	struct kt_simulated_log *next, *prev;
	char *key, *container;
	bool follow, previous, timestamps, started;
	int64_t tail_lines, limit_bytes; /* -1: no limit */
	int64_t since_ns;                /* wall; 0: all */
	int64_t since_s;                 /* -1: none */
	int64_t run;                     /* restart count of the run that is read */
	int64_t line;                    /* next */
	double rate;
	char **lines; /* said in turn */
	size_t n_lines;
	struct kt_loop *loop;
	struct kt_task *wake;
	struct kt_timer timer;
};

/* One run of a container, as the pod's status tells it. */
struct run {
	int64_t number, start_ns, end_ns; /* wall; end 0: still running */
};

struct kt_object *sim_shared_pod(struct kt_simulated *simulated, const char *key)
{
	struct kt_object *object = NULL;
	struct sim_shared *shared;

	pthread_mutex_lock(&simulated->lock);
	shared = kt_map_get(&simulated->shared, key);
	if (shared)
		object = kt_object_ref(shared->object);
	pthread_mutex_unlock(&simulated->lock);
	return object;
}

static int64_t time_at(struct kt_json_at object, const char *key)
{
	struct kt_sv text;
	int64_t ns;

	return kt_json_string_sv(kt_json_member(object, key), &text) &&
	                       kt_time_parse(text, &ns) == 0
	               ? ns
	               : 0;
}

static struct kt_json_at container_status(const struct kt_object *pod, const char *container)
{
	static const char *const lists[] = {
	        "containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"};

	for (size_t l = 0; l < KT_ARRAY_SIZE(lists); l++) {
		struct kt_json_at list = kt_object_field(pod, KT_SECTION_STATUS, lists[l]), item;
		struct kt_json_iter it = {0};

		while (list.p && kt_json_next_element(list, &it, &item))
			if (kt_json_string_is(kt_json_member(item, "name"), container))
				return item;
	}
	return (struct kt_json_at){0};
}

/* The run to read; false when there is none (yet). */
static bool find_run(
        const struct kt_object *pod, const char *container, bool previous, struct run *ret_run)
{
	struct kt_json_at status = container_status(pod, container), state, at;
	int64_t restarts = 0;

	if (!status.p)
		return false;
	kt_json_int64(kt_json_member(status, "restartCount"), &restarts);
	state = kt_json_member(status, previous ? "lastState" : "state");
	if (!previous && (at = kt_json_member(state, "running")).p) {
		*ret_run = (struct run){restarts, time_at(at, "startedAt"), 0};
		return true;
	}
	if ((at = kt_json_member(state, "terminated")).p) {
		*ret_run = (struct run){
		        restarts - previous, time_at(at, "startedAt"), time_at(at, "finishedAt")};
		return true;
	}
	/* Waiting in back-off: the last run is what there is to read. */
	if (!previous && (at = kt_json_find(status, "lastState", "terminated", NULL)).p) {
		*ret_run =
		        (struct run){restarts, time_at(at, "startedAt"), time_at(at, "finishedAt")};
		return true;
	}
	return false;
}

static void read_lines(struct kt_simulated_log *log, const struct kt_object *pod)
{
	kt_auto_free char *rate = sim_annotation(pod, log->container, "log-rate");
	kt_auto_free char *text = sim_annotation(pod, log->container, "log-lines");
	struct kt_sv rest = kt_sv_of(text), part;
	char *end;

	log->rate = DEFAULT_RATE;
	if (rate) {
		double value = strtod(rate, &end);

		if (end != rate && *end == '\0' && value >= 0 && value <= 100000)
			log->rate = value;
	}
	while (text && kt_sv_split(&rest, '\n', &part)) {
		log->lines = kt_reallocarray(log->lines, log->n_lines + 1, sizeof(*log->lines));
		log->lines[log->n_lines++] = kt_sv_dup(part);
	}
}

static void decode(char *text)
{
	char *out = text;

	for (const char *p = text; *p; p++) {
		if (*p == '%' && p[1] && p[2]) {
			char hex[3] = {p[1], p[2], '\0'};

			*out++ = (char)strtol(hex, NULL, 16);
			p += 2;
		} else {
			*out++ = *p == '+' ? ' ' : *p;
		}
	}
	*out = '\0';
}

static int read_option(
        struct kt_simulated_log *log, const char *key, const char *value, struct kt_err *err)
{
	bool flag = strcmp(value, "true") == 0 || strcmp(value, "1") == 0;
	int64_t *number = NULL;

	if (strcmp(key, "container") == 0) {
		free(log->container);
		log->container = kt_strdup(value);
	} else if (strcmp(key, "follow") == 0) {
		log->follow = flag;
	} else if (strcmp(key, "previous") == 0) {
		log->previous = flag;
	} else if (strcmp(key, "timestamps") == 0) {
		log->timestamps = flag;
	} else if (strcmp(key, "sinceTime") == 0) {
		if (kt_time_parse(kt_sv_of(value), &log->since_ns) < 0)
			return kt_fail(err, EINVAL, "sinceTime: not a time: \"%s\"", value);
	} else if (strcmp(key, "sinceSeconds") == 0) {
		number = &log->since_s;
	} else if (strcmp(key, "tailLines") == 0) {
		number = &log->tail_lines;
	} else if (strcmp(key, "limitBytes") == 0) {
		number = &log->limit_bytes;
	}
	if (number && kt_sv_int64(kt_sv_of(value), number) < 0)
		return kt_fail(err, EINVAL, "%s: not a number: \"%s\"", key, value);
	return 0;
}

static int read_query(struct kt_simulated_log *log, const char *query, struct kt_err *err)
{
	struct kt_sv rest = kt_sv_of(query), part;
	int r;

	while (query && *query && kt_sv_split(&rest, '&', &part)) {
		kt_auto_free char *key = kt_sv_dup(part);
		char *value = strchr(key, '=');

		if (!value)
			continue;
		*value++ = '\0';
		decode(value);
		if ((r = read_option(log, key, value, err)) < 0)
			return r;
	}
	return 0;
}

static int check_container(struct kt_simulated_log *log, const struct kt_object *pod,
        const char *name, struct kt_err *err)
{
	struct run run;

	if (!log->container) {
		struct kt_json_at list = kt_object_field(pod, KT_SECTION_SPEC, "containers"), first;
		struct kt_json_iter it = {0};

		if (list.p && kt_json_next_element(list, &it, &first))
			log->container = kt_json_string_dup(kt_json_member(first, "name"));
	}
	if (!log->container)
		return kt_fail(err, EINVAL, "pod \"%s\" has no container", name);
	if (find_run(pod, log->container, log->previous, &run)) {
		log->run = run.number;
		return 0;
	}
	if (log->previous)
		return kt_fail_reason(err, KT_REASON_BAD_REQUEST, EINVAL,
		        "previous terminated container \"%s\" in pod \"%s\" not found",
		        log->container, name);
	return kt_fail_reason(err, KT_REASON_BAD_REQUEST, EINVAL,
	        "container \"%s\" in pod \"%s\" is waiting to start: ContainerCreating",
	        log->container, name);
}

static int check_node(const struct sim_node *node, struct kt_err *err)
{
	if (!node || !node->stopped)
		return 0;
	return kt_fail_reason(err, KT_REASON_INTERNAL_ERROR, EHOSTUNREACH,
	        "dial tcp %s:10250: connect: no route to host", node->ip);
}

static void log_free(struct kt_simulated_log *log)
{
	for (size_t i = 0; i < log->n_lines; i++)
		free(log->lines[i]);
	free(log->lines);
	free(log->key);
	free(log->container);
	free(log);
}

int kt_simulated_log_open(struct kt_simulated *simulated, const char *namespace, const char *pod,
        const char *query, struct kt_simulated_log **ret_log, struct kt_err *err)
{
	struct kt_simulated_log *log = kt_new(struct kt_simulated_log);
	kt_auto_object struct kt_object *object = NULL;
	int r;

	log->simulated = simulated;
	log->key = kt_asprintf("%s/%s", namespace, pod);
	log->tail_lines = log->limit_bytes = log->since_s = -1;
	object = sim_shared_pod(simulated, log->key);
	r = read_query(log, query, err);
	if (r == 0 && !object)
		r = kt_fail_not_found(err, "", "pods", pod);
	if (r == 0)
		r = check_node(sim_node_of(simulated, object), err);
	if (r == 0)
		r = check_container(log, object, pod, err);
	if (r < 0) {
		log_free(log);
		return r;
	}
	read_lines(log, object);
	pthread_mutex_lock(&simulated->lock);
	log->next = simulated->logs;
	if (log->next)
		log->next->prev = log;
	simulated->logs = log;
	pthread_mutex_unlock(&simulated->lock);
	*ret_log = log;
	return 0;
}

static void timer_fired(struct kt_timer *timer)
{
	struct kt_simulated_log *log = kt_container_of(timer, struct kt_simulated_log, timer);

	kt_loop_post(log->loop, log->wake);
}

void kt_simulated_log_set_wake(
        struct kt_simulated_log *log, struct kt_loop *loop, struct kt_task *wake)
{
	kt_timer_init(&log->timer, loop, timer_fired);
	pthread_mutex_lock(&log->simulated->lock);
	log->loop = loop;
	log->wake = wake;
	pthread_mutex_unlock(&log->simulated->lock);
}

void sim_logs_pod_changed(struct kt_simulated *simulated, const char *key, struct kt_object *object)
{
	(void)object;
	pthread_mutex_lock(&simulated->lock);
	for (struct kt_simulated_log *log = simulated->logs; log; log = log->next)
		if (log->loop && log->follow && strcmp(log->key, key) == 0)
			kt_loop_post(log->loop, log->wake);
	pthread_mutex_unlock(&simulated->lock);
}

static uint32_t mix(uint64_t seed, uint64_t n)
{
	uint64_t h = (seed ^ n) * UINT64_C(0x9E3779B97F4A7C15);

	h = (h ^ (h >> 31)) * UINT64_C(0xBF58476D1CE4E5B9);
	return (uint32_t)(h >> 32);
}

static void say_default(
        struct kt_str *out, const struct kt_simulated_log *log, const char *time, int64_t n)
{
	static const char *const paths[] = {
	        "/", "/healthz", "/api/items", "/api/items/7", "/login", "/static/app.js"};
	static const char *const methods[] = {"GET", "GET", "GET", "POST"};
	uint32_t r;
	uint64_t seed = 1469598103u;

	for (const char *p = log->key; *p; p++)
		seed = (seed ^ (unsigned char)*p) * UINT64_C(1099511628211);
	r = mix(seed, (uint64_t)n);
	if (n == 0) {
		kt_str_printf(out, "%s INFO  %s: started", time, log->container);
		return;
	}
	kt_str_printf(out, "%s %s %s: %s %s %d %u ms", time, r % 50 == 0 ? "WARN " : "INFO ",
	        log->container, methods[r / 64 % KT_ARRAY_SIZE(methods)],
	        paths[r / 512 % KT_ARRAY_SIZE(paths)], r % 50 == 0 ? 503 : 200, 1 + r / 4096 % 240);
}

static void say_pattern(struct kt_str *out, const struct kt_simulated_log *log, const char *pattern,
        const char *time, int64_t n)
{
	const char *slash = strchr(log->key, '/');

	for (const char *p = pattern; *p;) {
		if (strncmp(p, "{n}", 3) == 0) {
			kt_str_printf(out, "%lld", (long long)n);
			p += 3;
		} else if (strncmp(p, "{time}", 6) == 0) {
			kt_str_puts(out, time);
			p += 6;
		} else if (strncmp(p, "{pod}", 5) == 0) {
			kt_str_puts(out, slash + 1);
			p += 5;
		} else if (strncmp(p, "{container}", 11) == 0) {
			kt_str_puts(out, log->container);
			p += 11;
		} else {
			kt_str_putc(out, *p++);
		}
	}
}

static int64_t line_time(const struct kt_simulated_log *log, const struct run *run, int64_t n)
{
	return run->start_ns + (log->rate > 0 ? (int64_t)((double)n / log->rate * 1e9) : 0);
}

static int64_t lines_until(
        const struct kt_simulated_log *log, const struct run *run, int64_t wall_ns)
{
	int64_t end = run->end_ns ? run->end_ns : wall_ns;

	if (log->rate <= 0)
		return 0;
	return end < run->start_ns
	               ? 1
	               : (int64_t)floor((double)(end - run->start_ns) / 1e9 * log->rate + 1e-6) + 1;
}

static void say(
        struct kt_str *out, const struct kt_simulated_log *log, const struct run *run, int64_t n)
{
	char time[KT_TIME_TEXT_MAX];

	kt_time_format_micro(line_time(log, run, n), time);
	if (log->timestamps)
		kt_str_printf(out, "%.*s000Z ", (int)strlen(time) - 1, time);
	if (log->n_lines)
		say_pattern(out, log, log->lines[(size_t)n % log->n_lines], time, n);
	else
		say_default(out, log, time, n);
	kt_str_putc(out, '\n');
}

static void begin(struct kt_simulated_log *log, const struct run *run, int64_t wall_ns)
{
	int64_t n = lines_until(log, run, wall_ns);

	log->started = true;
	log->line = KT_MAX(0, n - KT_SIMULATED_LOG_LINES_MAX);
	if (log->since_s >= 0)
		log->since_ns = wall_ns - log->since_s * KT_NS_PER_S;
	if (log->since_ns > run->start_ns && log->rate > 0)
		log->line = KT_MAX(log->line,
		        (int64_t)ceil(
		                (double)(log->since_ns - run->start_ns) / 1e9 * log->rate - 1e-6));
	if (log->tail_lines >= 0)
		log->line = KT_MAX(log->line, n - log->tail_lines);
}

static int give(struct kt_simulated_log *log, struct kt_str *text, struct kt_buf **ret_piece)
{
	if (log->limit_bytes >= 0) {
		kt_str_truncate(text, KT_MIN(text->len, (size_t)log->limit_bytes));
		log->limit_bytes -= (int64_t)text->len;
	}
	*ret_piece = kt_buf_from_str(text);
	return 1;
}

int kt_simulated_log_pull(struct kt_simulated_log *log, struct kt_buf **ret_piece)
{
	kt_auto_object struct kt_object *pod = sim_shared_pod(log->simulated, log->key);
	int64_t wall_ns = kt_loop_wall_ns(log->loop), until;
	kt_auto_str text = KT_STR_INIT;
	struct run run;

	if (log->limit_bytes == 0 || !pod || !find_run(pod, log->container, log->previous, &run) ||
	        run.number != log->run)
		return -ENODATA;
	if (!log->started)
		begin(log, &run, wall_ns);
	until = lines_until(log, &run, wall_ns);
	while (log->line < until && text.len < PIECE_BYTES)
		say(&text, log, &run, log->line++);
	if (text.len)
		return give(log, &text, ret_piece);
	if (!log->follow || run.end_ns)
		return -ENODATA;
	if (log->rate > 0)
		kt_timer_set(&log->timer,
		        kt_loop_now_ns(log->loop) +
		                KT_MAX(line_time(log, &run, log->line) - wall_ns, KT_NS_PER_MS));
	return 0;
}

void kt_simulated_log_close(struct kt_simulated_log *log)
{
	if (!log)
		return;
	if (log->loop)
		kt_timer_cancel(&log->timer);
	pthread_mutex_lock(&log->simulated->lock);
	if (log->prev)
		log->prev->next = log->next;
	else
		log->simulated->logs = log->next;
	if (log->next)
		log->next->prev = log->prev;
	pthread_mutex_unlock(&log->simulated->lock);
	log_free(log);
}
