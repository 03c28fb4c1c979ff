/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/flow.h"

#include "api/server/bootstrap.h"
#include "api/server/flow_schemas.h"
#include "api/server/limits.h"
#include "api/server/server_impl.h"
#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>

#define GROUP "flowcontrol.apiserver.k8s.io"

enum source_kind { LEVELS, SCHEMAS, N_SOURCES };
static const struct {
	const char *kind, *prefix;
} kinds[N_SOURCES] = {
        {"PriorityLevelConfiguration", "/registry/prioritylevelconfigurations/"},
        {"FlowSchema", "/registry/flowschemas/"},
};
static const char *const mandatory[] = {"exempt", "catch-all"};

/* On the heap of its own: its task may still be posted when the flow control goes. */
struct source {
	struct kt_flow *flow; /* NULL: gone */
	struct kt_storage_watch *watch;
	struct kt_task wake;
};

struct kt_flow {
	struct kt_storage *storage;
	struct kt_loop *loop;
	struct source *sources[N_SOURCES];
	struct kt_flow_seats *seats;
	pthread_rwlock_t
	        lock; /* protects the pointer; the set is constant. Before the seats' lock */
	struct kt_flow_schemas *schemas;
};

/* A request's way through; in its arena. */
struct kt_flow_pass {
	struct kt_request *request;
	struct kt_flow_stats *stats; /* reference */
	struct kt_flow_ticket ticket;
	struct kt_timer timer;
	struct kt_task refused; /* posted by abort */
	bool waits;
};

/* Configuration */

static bool is_among(const json_t *trees, const char *name)
{
	size_t i;
	json_t *tree;

	json_array_foreach(trees, i, tree) {
		if (kt_streq(kt_jstr(tree, "metadata.name"), name))
			return true;
	}
	return false;
}

/* What nobody can do without is as it was at first, while it is missing. */
static void add_mandatory(json_t *trees, enum source_kind kind)
{
	for (const struct kt_bootstrap_entry *entry = kt_bootstrap_entries; entry->group; entry++) {
		if (!kt_streq(entry->group, GROUP) || !kt_streq(entry->kind, kinds[kind].kind))
			continue;
		kt_auto_json json_t *tree = kt_json_parse(kt_sv_of(entry->json), NULL, NULL);
		const char *name = kt_or_empty(kt_jstr(tree, "metadata.name"));
		for (size_t i = 0; i < KT_ARRAY_SIZE(mandatory); i++)
			if (kt_streq(name, mandatory[i]) && !is_among(trees, name))
				json_array_append(trees, tree);
	}
}

/* All stored objects of a kind. New reference, or NULL. */
static json_t *read_all(
        struct kt_flow *flow, enum source_kind kind, int64_t *ret_revision, struct kt_err *err)
{
	struct kt_storage_range range = {.prefix = kinds[kind].prefix};
	struct kt_storage_list list = {0};

	if (flow->storage->ops->range(flow->storage, &range, &list, err) < 0) {
		kt_wrap(err, "reading %s", range.prefix);
		return NULL;
	}
	json_t *trees = json_array();
	for (size_t i = 0; i < list.n; i++) {
		json_t *tree = kt_object_tree(list.objects[i]);
		if (tree)
			json_array_append_new(trees, tree);
	}
	*ret_revision = list.revision;
	kt_storage_list_finish(&list);
	add_mandatory(trees, kind);
	return trees;
}

static struct kt_flow_limits limits_of(const json_t *tree)
{
	bool is_exempt = kt_streq(kt_jstr(tree, "spec.type"), "Exempt");
	const json_t *part = kt_jget(tree, is_exempt ? "spec.exempt" : "spec.limited");

	return (struct kt_flow_limits){
	        .name = kt_or_empty(kt_jstr(tree, "metadata.name")),
	        .uid = kt_or_empty(kt_jstr(tree, "metadata.uid")),
	        .is_exempt = is_exempt,
	        .has_queues = kt_streq(kt_jstr(part, "limitResponse.type"), "Queue"),
	        .shares = kt_jint(part, "nominalConcurrencyShares", is_exempt ? 0 : 30),
	        .lendable_percent = kt_jint(part, "lendablePercent", 0),
	        .borrowing_percent = kt_jint(part, "borrowingLimitPercent", -1),
	        .queues = kt_jint(part, "limitResponse.queuing.queues", 64),
	        .hand = kt_jint(part, "limitResponse.queuing.handSize", 8),
	        .queue_length = kt_jint(part, "limitResponse.queuing.queueLengthLimit", 50),
	};
}

static void use_schema(struct kt_flow *flow, struct kt_flow_schemas *schemas, const json_t *tree,
        const struct kt_flow_limits *levels, size_t n_levels)
{
	const char *name = kt_or_empty(kt_jstr(tree, "spec.priorityLevelConfiguration.name"));

	for (size_t i = 0; i < n_levels; i++)
		if (kt_streq(levels[i].name, name))
			kt_flow_schemas_add(schemas, tree, kt_flow_level_find(flow->seats, name),
			        levels[i].uid);
}

static void configure(struct kt_flow *flow, const json_t *levels, const json_t *schemas)
{
	size_t n = json_array_size(levels), i;
	kt_auto_free struct kt_flow_limits *limits = kt_new_array(struct kt_flow_limits, n + 1);
	struct kt_flow_schemas *set = kt_flow_schemas_create(json_array_size(schemas)), *old;
	json_t *tree;

	json_array_foreach(levels, i, tree) {
		limits[i] = limits_of(tree);
	}
	kt_flow_seats_configure(flow->seats, limits, n);
	json_array_foreach(schemas, i, tree) {
		use_schema(flow, set, tree, limits, n);
	}
	kt_flow_schemas_finish(set, flow->schemas);
	pthread_rwlock_wrlock(&flow->lock);
	old = flow->schemas;
	flow->schemas = set;
	pthread_rwlock_unlock(&flow->lock);
	kt_flow_schemas_destroy(old);
}

static void close_watch(struct source *source)
{
	if (source->watch)
		source->flow->storage->ops->watch_close(source->watch);
	source->watch = NULL;
}

/* Reads everything anew: it is little, and seldom changes. */
static int load(struct kt_flow *flow, struct kt_err *err)
{
	kt_auto_json json_t *levels = NULL, *schemas = NULL;
	int64_t revisions[N_SOURCES] = {0};

	levels = read_all(flow, LEVELS, &revisions[LEVELS], err);
	schemas = levels ? read_all(flow, SCHEMAS, &revisions[SCHEMAS], err) : NULL;
	if (!schemas)
		return err ? err->code : -EIO;
	configure(flow, levels, schemas);
	for (int i = 0; i < N_SOURCES; i++) {
		struct source *source = flow->sources[i];

		if (!source->watch &&
		        flow->storage->ops->watch_open(flow->storage, kinds[i].prefix, revisions[i],
		                flow->loop, &source->wake, &source->watch, err) < 0)
			return kt_wrap(err, "watching %s", kinds[i].prefix);
	}
	return 0;
}

/* Whether anything came. */
static bool drain(struct source *source)
{
	const struct kt_storage_ops *ops = source->flow->storage->ops;
	struct kt_storage_event event;
	bool any = !source->watch;
	int r = 0;

	while (source->watch && (r = ops->watch_next(source->watch, &event)) > 0) {
		kt_storage_event_finish(&event);
		any = true;
	}
	if (r < 0) {
		close_watch(source);
		any = true;
	}
	return any;
}

int kt_flow_sync(struct kt_flow *flow, struct kt_err *err)
{
	bool any = false;

	for (int i = 0; i < N_SOURCES; i++)
		any = drain(flow->sources[i]) || any;
	return any ? load(flow, err) : 0;
}

static void on_wake(struct kt_task *task)
{
	struct source *source = kt_container_of(task, struct source, wake);
	kt_auto_err err = KT_ERR_INIT;

	if (!source->flow)
		free(source);
	else if (kt_flow_sync(source->flow, &err) < 0)
		kt_log_error("flow", "%s", kt_err_message(&err));
}

int kt_flow_create(struct kt_server *server, struct kt_flow **ret_flow, struct kt_err *err)
{
	struct kt_flow *flow = kt_new(struct kt_flow);

	flow->storage = server->storage;
	flow->loop = server->loop;
	flow->seats = kt_flow_seats_create(KT_FLOW_REQUESTS_MAX);
	pthread_rwlock_init(&flow->lock, NULL);
	for (int i = 0; i < N_SOURCES; i++) {
		flow->sources[i] = kt_new(struct source);
		flow->sources[i]->flow = flow;
		kt_task_init(&flow->sources[i]->wake, on_wake);
	}
	*ret_flow = flow;
	return load(flow, err);
}

void kt_flow_destroy(struct kt_flow *flow)
{
	if (!flow)
		return;
	for (int i = 0; i < N_SOURCES; i++) {
		struct source *source = flow->sources[i];

		close_watch(source);
		source->flow = NULL;
		if (!atomic_load(&source->wake.queued))
			free(source); /* else the task, when it runs */
	}
	kt_flow_schemas_destroy(flow->schemas);
	kt_flow_seats_destroy(flow->seats);
	pthread_rwlock_destroy(&flow->lock);
	free(flow);
}

/* Requests */

/* seconds; the real server's */
static const double bounds[KT_FLOW_BUCKETS - 1] = {
        0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30};

static void observe(atomic_ullong *buckets, atomic_ullong *sum_ns, int64_t took_ns)
{
	size_t i = 0;

	while (i < KT_ARRAY_SIZE(bounds) && (double)took_ns / 1e9 > bounds[i])
		i++;
	atomic_fetch_add_explicit(&buckets[i], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(sum_ns, (unsigned long long)took_ns, memory_order_relaxed);
}

/* Streams that last as long as their client likes, but for watches. */
static bool is_long_running(const struct kt_request *request)
{
	static const char *const parts[] = {"attach", "exec", "proxy", "log", "portforward"};
	const struct kt_route *route = &request->state->route;

	if (kt_streq(route->verb, "proxy"))
		return true;
	for (size_t i = 0; route->is_resource && i < KT_ARRAY_SIZE(parts); i++)
		if (kt_streq(route->subresource, parts[i]))
			return true;
	return false;
}

static int refuse(struct kt_flow_pass *pass, enum kt_flow_reason reason)
{
	struct kt_request *request = pass->request;

	atomic_fetch_add_explicit(&pass->stats->rejected[reason], 1, memory_order_relaxed);
	kt_flow_stats_unref(pass->stats);
	request->state->flow = NULL;
	kt_fail_reason(&request->err, KT_REASON_TOO_MANY_REQUESTS, EAGAIN,
	        "Too many requests, please try again later.");
	request->err.retry_after_s = 1;
	return -EAGAIN;
}

static void begin(struct kt_flow_pass *pass)
{
	struct kt_flow_stats *stats = pass->stats;
	struct kt_flow_ticket *ticket = &pass->ticket;

	ticket->begun_ns = kt_loop_now_ns(pass->request->loop);
	observe(stats->waited, &stats->waited_ns, ticket->begun_ns - ticket->entered_ns);
	atomic_fetch_add_explicit(&stats->dispatched, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&stats->executing, 1, memory_order_relaxed);
}

static void stop_waiting(struct kt_flow_pass *pass)
{
	pass->waits = false;
	kt_timer_cancel(&pass->timer);
	atomic_fetch_sub_explicit(&pass->stats->waiting, 1, memory_order_relaxed);
}

static void on_admitted(struct kt_task *task)
{
	struct kt_flow_pass *pass = kt_container_of(task, struct kt_flow_pass, ticket.admitted);

	stop_waiting(pass);
	begin(pass);
	kt_pipeline_resume(pass->request, 0);
}

static void on_time_out(struct kt_timer *timer)
{
	struct kt_flow_pass *pass = kt_container_of(timer, struct kt_flow_pass, timer);

	if (!kt_flow_give_up(&pass->ticket))
		return; /* its turn has come at this very moment */
	stop_waiting(pass);
	kt_pipeline_resume(pass->request, refuse(pass, KT_FLOW_REASON_TIME_OUT));
}

static void on_refused(struct kt_task *task)
{
	struct kt_flow_pass *pass = kt_container_of(task, struct kt_flow_pass, refused);

	kt_pipeline_resume(pass->request, refuse(pass, KT_FLOW_REASON_CANCELLED));
}

void kt_flow_abort(struct kt_request *request)
{
	struct kt_flow_pass *pass = request->state->flow;

	if (!pass || !pass->waits || !kt_flow_give_up(&pass->ticket))
		return;
	stop_waiting(pass);
	kt_loop_post(request->loop, &pass->refused); /* the caller is not done with the request */
}

static void answer_header(struct kt_request *request, const char *name, const char *uid)
{
	if (*uid)
		kt_request_answer_header(request, name, uid);
}

static struct kt_flow_pass *create_pass(
        struct kt_request *request, const struct kt_flow_schema *schema)
{
	struct kt_flow_pass *pass = kt_arena_new(&request->arena, struct kt_flow_pass);

	pass->request = request;
	pass->stats = schema->stats;
	atomic_fetch_add_explicit(&pass->stats->refs, 1, memory_order_relaxed);
	pass->ticket.loop = request->loop;
	pass->ticket.entered_ns = kt_loop_now_ns(request->loop);
	kt_task_init(&pass->ticket.admitted, on_admitted);
	request->state->flow = pass;
	return pass;
}

/* Which flow it belongs to, told in the answer's headers; and the way into its level. Seated where
 * no schema knows it, which `catch-all` prevents. */
static enum kt_flow_entry enter(struct kt_request *request)
{
	struct kt_flow *flow = request->server->flow;
	enum kt_flow_entry entry = KT_FLOW_SEATED;

	pthread_rwlock_rdlock(&flow->lock);
	const struct kt_flow_schema *schema = kt_flow_schemas_match(flow->schemas, request);
	if (schema) {
		answer_header(request, "x-kubernetes-pf-flowschema-uid", schema->uid);
		answer_header(request, "x-kubernetes-pf-prioritylevel-uid", schema->level_uid);
		entry = kt_flow_level_enter(schema->level, &create_pass(request, schema)->ticket,
		        kt_flow_hash(schema, request));
	}
	pthread_rwlock_unlock(&flow->lock);
	return entry;
}

static int wait(struct kt_flow_pass *pass)
{
	pass->waits = true;
	kt_task_init(&pass->refused, on_refused);
	kt_timer_init(&pass->timer, pass->request->loop, on_time_out);
	kt_timer_set_after_ms(&pass->timer, KT_FLOW_WAIT_MS);
	atomic_fetch_add_explicit(&pass->stats->waiting, 1, memory_order_relaxed);
	return KT_STAGE_WAIT;
}

int kt_flow_enter(struct kt_request *request)
{
	if (request->in_process || request->is_part || is_long_running(request))
		return 0;
	enum kt_flow_entry entry = enter(request);
	struct kt_flow_pass *pass = request->state->flow;
	switch (entry) {
	case KT_FLOW_SEATED:
		if (pass)
			begin(pass);
		return 0;
	case KT_FLOW_WAITS:
		return wait(pass);
	case KT_FLOW_QUEUE_FULL:
		return refuse(pass, KT_FLOW_REASON_QUEUE_FULL);
	case KT_FLOW_NO_SEAT:
		break;
	}
	return refuse(pass, KT_FLOW_REASON_CONCURRENCY_LIMIT);
}

void kt_flow_leave(struct kt_request *request)
{
	struct kt_flow_pass *pass = request->state->flow;

	if (!pass)
		return;
	int64_t took_ns = kt_loop_now_ns(request->loop) - pass->ticket.begun_ns;
	kt_flow_level_leave(&pass->ticket, took_ns);
	observe(pass->stats->executed, &pass->stats->executed_ns, took_ns);
	atomic_fetch_sub_explicit(&pass->stats->executing, 1, memory_order_relaxed);
	kt_flow_stats_unref(pass->stats);
	request->state->flow = NULL;
}

/* Metrics */

static void head(struct kt_str *out, const char *name, const char *type, const char *help)
{
	kt_str_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

#define PREFIX "apiserver_flowcontrol_"
#define LABELS "flow_schema=\"%s\",priority_level=\"%s\""

static void write_histogram(struct kt_str *out, const char *name, const char *more,
        const struct kt_flow_stats *stats, const atomic_ullong *buckets, unsigned long long sum_ns)
{
	unsigned long long n = 0;

	for (size_t i = 0; i < KT_FLOW_BUCKETS; i++) {
		char bound[24] = "+Inf";
		if (i < KT_ARRAY_SIZE(bounds))
			snprintf(bound, sizeof(bound), "%g", bounds[i]);
		n += atomic_load(&buckets[i]);
		kt_str_printf(out, "%s_bucket{%s" LABELS ",le=\"%s\"} %llu\n", name, more,
		        stats->schema, stats->level, bound, n);
	}
	kt_str_printf(out, "%s_sum{%s" LABELS "} %g\n", name, more, stats->schema, stats->level,
	        (double)sum_ns / 1e9);
	kt_str_printf(
	        out, "%s_count{%s" LABELS "} %llu\n", name, more, stats->schema, stats->level, n);
}

static void write_rejected(struct kt_str *out, const struct kt_flow_schemas *schemas)
{
	static const char *const reasons[KT_FLOW_REASONS] = {
	        "queue-full", "concurrency-limit", "time-out", "cancelled"};

	head(out, PREFIX "rejected_requests_total", "counter", "Requests refused.");
	for (size_t i = 0; i < schemas->n; i++)
		for (size_t r = 0; r < KT_FLOW_REASONS; r++) {
			const struct kt_flow_stats *stats = schemas->items[i].stats;
			unsigned long long n = atomic_load(&stats->rejected[r]);
			if (n)
				kt_str_printf(out,
				        PREFIX "rejected_requests_total{" LABELS
				               ",reason=\"%s\"} %llu\n",
				        stats->schema, stats->level, reasons[r], n);
		}
}

/* A gauge of each schema; at: its place in the stats, an atomic_int. */
static void write_gauge(struct kt_str *out, const struct kt_flow_schemas *schemas, const char *name,
        const char *help, size_t at)
{
	head(out, name, "gauge", help);
	for (size_t i = 0; i < schemas->n; i++) {
		struct kt_flow_stats *stats = schemas->items[i].stats;
		kt_str_printf(out, "%s{" LABELS "} %d\n", name, stats->schema, stats->level,
		        atomic_load((atomic_int *)(void *)((char *)stats + at)));
	}
}

static void write_schemas(struct kt_str *out, const struct kt_flow_schemas *schemas)
{
	static const char waited[] = PREFIX "request_wait_duration_seconds",
	                  executed[] = PREFIX "request_execution_seconds";
	const size_t waiting = offsetof(struct kt_flow_stats, waiting),
	             executing = offsetof(struct kt_flow_stats, executing);

	head(out, PREFIX "dispatched_requests_total", "counter", "Requests that got a seat.");
	for (size_t i = 0; i < schemas->n; i++)
		kt_str_printf(out, PREFIX "dispatched_requests_total{" LABELS "} %llu\n",
		        schemas->items[i].stats->schema, schemas->items[i].stats->level,
		        (unsigned long long)atomic_load(&schemas->items[i].stats->dispatched));
	write_rejected(out, schemas);
	write_gauge(
	        out, schemas, PREFIX "current_inqueue_requests", "Requests that wait.", waiting);
	write_gauge(out, schemas, PREFIX "current_executing_requests", "Requests that have a seat.",
	        executing);
	/* each takes one */
	write_gauge(out, schemas, PREFIX "current_inqueue_seats", "Seats that are waited for.",
	        waiting);
	write_gauge(
	        out, schemas, PREFIX "current_executing_seats", "Seats that are taken.", executing);
	head(out, waited, "histogram", "Time in a queue.");
	for (size_t i = 0; i < schemas->n; i++)
		write_histogram(out, waited, "execute=\"true\",", schemas->items[i].stats,
		        schemas->items[i].stats->waited,
		        atomic_load(&schemas->items[i].stats->waited_ns));
	head(out, executed, "histogram", "Time on a seat.");
	for (size_t i = 0; i < schemas->n; i++)
		write_histogram(out, executed, "", schemas->items[i].stats,
		        schemas->items[i].stats->executed,
		        atomic_load(&schemas->items[i].stats->executed_ns));
}

static const struct level_gauge {
	const char *name, *help;
	size_t at; /* an int */
} level_gauges[] = {
        {PREFIX "nominal_limit_seats", "A level's own seats.",
                offsetof(struct kt_flow_level_state, nominal)},
        {PREFIX "lower_limit_seats", "Those it does not lend.",
                offsetof(struct kt_flow_level_state, lower)},
        {PREFIX "upper_limit_seats", "Its own and those it may borrow.",
                offsetof(struct kt_flow_level_state, upper)},
};

struct gauge_visit {
	struct kt_str *out;
	const struct level_gauge *gauge;
};

static void write_level(void *arg, const struct kt_flow_level_state *state)
{
	const struct gauge_visit *visit = arg;
	const void *value = (const char *)state + visit->gauge->at;

	kt_str_printf(visit->out, "%s{priority_level=\"%s\"} %d\n", visit->gauge->name, state->name,
	        *(const int *)value);
}

void kt_flow_metrics(struct kt_flow *flow, struct kt_str *out)
{
	pthread_rwlock_rdlock(&flow->lock);
	write_schemas(out, flow->schemas);
	pthread_rwlock_unlock(&flow->lock);
	for (size_t i = 0; i < KT_ARRAY_SIZE(level_gauges); i++) {
		struct gauge_visit visit = {out, &level_gauges[i]};

		head(out, visit.gauge->name, "gauge", visit.gauge->help);
		kt_flow_seats_visit(flow->seats, write_level, &visit);
	}
}
