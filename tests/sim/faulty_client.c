/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/sim.h"

#include "api/server/request.h"
#include "api/status.h"
#include "base/log.h"
#include "base/mem.h"

#include <errno.h>

enum {
	CALL_DELAY_MAX_MS = 40,
	WATCH_LIFE_MAX_MS = 40000,
	FAULT_ONE_IN = 24, /* calls, for each kind of fault */
};

enum fate {
	FATE_GOOD,
	FATE_REFUSED,  /* never reaches the server */
	FATE_BUSY,     /* the server takes no more now */
	FATE_BROKEN,   /* the server has troubles of its own */
	FATE_CONFLICT, /* a write that the server would refuse because of another one */
	FATE_LOST,     /* done by the server, but nobody learns of it */
};

struct sim_faulty {
	struct kt_client client;
	struct sim *sim;
	struct sim_faulty *next, **prev; /* of the simulation */
	struct kt_user *user;
	bool is_faulty;          /* else only the server's absence is seen */
	struct kt_client *inner; /* NULL: not connected */
	struct flight *flights;
	struct tap *taps;
};

/* A call under way: waits to be sent, is with the server, waits to be answered. */
struct flight {
	struct kt_call inner;
	struct kt_call *outer;
	struct sim_faulty *faulty;
	struct flight *next, **prev;
	struct kt_timer timer;
	enum fate fate;
	bool is_sent, is_answered;
};

static struct sim_faulty *faulty_of(struct kt_client *client)
{
	return kt_container_of(client, struct sim_faulty, client);
}

/* Now and then the server goes away and comes back: connect when there is something to say. */
static bool connect(struct sim_faulty *faulty)
{
	if (!faulty->inner && faulty->sim->server)
		faulty->inner = kt_inprocess_client_create(
		        faulty->sim->server, faulty->user, faulty->user->name);
	return faulty->inner;
}

static bool has_faults(const struct sim_faulty *faulty)
{
	return faulty->is_faulty && faulty->sim->faults;
}

static int64_t delay_ms(struct sim_faulty *faulty, uint32_t max_ms)
{
	return has_faults(faulty) ? kt_loop_random_below(faulty->sim->loop, max_ms) : 0;
}

static void free_flight(struct flight *flight)
{
	*flight->prev = flight->next;
	if (flight->next)
		flight->next->prev = flight->prev;
	kt_timer_cancel(&flight->timer);
	kt_call_finish(&flight->inner);
	free(flight);
}

static void answer(struct flight *flight)
{
	struct kt_call *outer = flight->outer;

	outer->status = flight->inner.status;
	outer->ret_content_type = kt_steal(&flight->inner.ret_content_type);
	outer->ret_warnings = kt_steal(&flight->inner.ret_warnings);
	outer->ret_body = kt_steal(&flight->inner.ret_body);
	outer->ret_object = kt_steal(&flight->inner.ret_object);
	if (flight->inner.err.code)
		kt_err_move(&outer->err, &flight->inner.err);
	outer->impl = NULL;
	free_flight(flight);
	outer->done(outer);
}

static void fail_call(struct flight *flight)
{
	kt_call_finish(&flight->inner);
	switch (flight->fate) {
	case FATE_REFUSED:
		kt_fail(&flight->inner.err, ECONNREFUSED, "simulated: connection refused");
		break;
	case FATE_CONFLICT:
		flight->inner.status = 409;
		kt_fail_reason(&flight->inner.err, KT_REASON_CONFLICT, ESTALE,
		        "Operation cannot be fulfilled: simulated: the object has been modified");
		break;
	case FATE_BUSY:
		flight->inner.status = 429;
		kt_fail_reason(&flight->inner.err, KT_REASON_TOO_MANY_REQUESTS, EBUSY,
		        "simulated: too many requests, please try again later");
		break;
	case FATE_BROKEN:
		flight->inner.status = 500;
		kt_fail_reason(&flight->inner.err, KT_REASON_INTERNAL_ERROR, EIO,
		        "Internal error occurred: simulated");
		break;
	case FATE_LOST:
		kt_fail(&flight->inner.err, ETIMEDOUT, "simulated: the answer was lost");
		break;
	case FATE_GOOD:
		break;
	}
}

static void on_inner_done(struct kt_call *call)
{
	struct flight *flight = kt_container_of(call, struct flight, inner);

	flight->is_sent = false;
	flight->is_answered = true;
	if (flight->fate == FATE_LOST)
		fail_call(flight);
	kt_timer_set_after_ms(&flight->timer, delay_ms(flight->faulty, CALL_DELAY_MAX_MS));
}

static void send(struct flight *flight)
{
	const struct kt_call *outer = flight->outer;

	flight->inner = (struct kt_call){
	        .method = outer->method,
	        .path = outer->path,
	        .content_type = outer->content_type,
	        .accept = outer->accept,
	        .user_agent = outer->user_agent,
	        .body = outer->body,
	        .loop = outer->loop,
	        .done = on_inner_done,
	};
	flight->is_sent = true;
	kt_client_call(flight->faulty->inner, &flight->inner);
}

static void on_flight_timer(struct kt_timer *timer)
{
	struct flight *flight = kt_container_of(timer, struct flight, timer);

	if (flight->is_answered) {
		answer(flight);
		return;
	}
	if (!connect(flight->faulty))
		flight->fate = FATE_REFUSED;
	if (flight->fate != FATE_GOOD && flight->fate != FATE_LOST) {
		fail_call(flight);
		answer(flight);
	} else {
		send(flight);
	}
}

static enum fate draw_fate(struct sim_faulty *faulty, const struct kt_call *call)
{
	struct sim *sim = faulty->sim;
	bool reads = kt_streq(call->method, "GET");
	bool creates = kt_streq(call->method, "POST");

	if (!has_faults(faulty))
		return FATE_GOOD;
	if (sim_chance(sim, FAULT_ONE_IN)) {
		static const enum fate refusals[] = {FATE_REFUSED, FATE_BUSY, FATE_BROKEN};
		return refusals[kt_loop_random_below(sim->loop, KT_ARRAY_SIZE(refusals))];
	}
	if (sim_chance(sim, FAULT_ONE_IN))
		return FATE_LOST;
	if (!reads && !creates && sim_chance(sim, FAULT_ONE_IN))
		return FATE_CONFLICT;
	return FATE_GOOD;
}

/* Leases, and what a node tells of itself from time to time. Events are seen where they are kept.
 */
static bool is_heartbeat(const struct kt_call *call)
{
	const char *node = strstr(call->path, "/nodes/");

	return strstr(call->path, "/leases") || strstr(call->path, "/events") ||
	       (node && strstr(node, "/status"));
}

static void faulty_call(struct kt_client *client, struct kt_call *call)
{
	struct sim_faulty *faulty = faulty_of(client);
	struct flight *flight = kt_new(struct flight);

	kt_assert(!call->on_data); /* components have no use for streamed answers */
	flight->outer = call;
	flight->faulty = faulty;
	flight->next = faulty->flights;
	flight->prev = &faulty->flights;
	if (flight->next)
		flight->next->prev = &flight->next;
	faulty->flights = flight;
	flight->fate = draw_fate(faulty, call);
	faulty->sim->n_calls++;
	faulty->sim->n_writes += !kt_streq(call->method, "GET") && !is_heartbeat(call);
	faulty->sim->n_faults += flight->fate != FATE_GOOD;
	call->impl = flight;
	kt_timer_init(&flight->timer, faulty->sim->loop, on_flight_timer);
	kt_timer_set_after_ms(&flight->timer, delay_ms(faulty, CALL_DELAY_MAX_MS));
}

static void faulty_cancel(struct kt_client *client, struct kt_call *call)
{
	struct flight *flight = call->impl;

	if (!flight)
		return;
	if (flight->is_sent)
		kt_client_cancel(faulty_of(client)->inner, &flight->inner);
	call->impl = NULL;
	free_flight(flight);
}

/* A watch: what comes from the server waits here for its time. */
struct item {
	enum kt_watch_type type;
	struct kt_object *object; /* reference; NULL: the end */
	int64_t due_ns;
};

struct tap {
	struct kt_watch inner;
	struct kt_watch *outer; /* NULL: stopped from within a callback */
	struct sim_faulty *faulty;
	struct tap *next, **prev;
	KT_VEC(struct item) items;
	size_t first;
	struct kt_err end;
	bool is_running; /* the inner one */
	bool is_delivering;
	struct kt_timer timer, break_timer;
};

static void free_tap(struct tap *tap)
{
	*tap->prev = tap->next;
	if (tap->next)
		tap->next->prev = tap->prev;
	if (tap->is_running)
		kt_client_watch_stop(tap->faulty->inner, &tap->inner);
	kt_timer_cancel(&tap->timer);
	kt_timer_cancel(&tap->break_timer);
	for (size_t i = tap->first; i < tap->items.n; i++)
		kt_object_unref(tap->items.items[i].object);
	kt_vec_finish(&tap->items);
	kt_err_clear(&tap->end);
	free(tap);
}

static void push_item(struct tap *tap, enum kt_watch_type type, struct kt_object *object)
{
	struct sim *sim = tap->faulty->sim;
	int64_t due_ns = kt_loop_now_ns(sim->loop) +
	                 delay_ms(tap->faulty, (uint32_t)sim->options.lag_max_ms) * KT_NS_PER_MS;

	/* Late, but in order. */
	if (tap->items.n > tap->first)
		due_ns = KT_MAX(due_ns, tap->items.items[tap->items.n - 1].due_ns);
	struct item item = {type, object ? kt_object_ref(object) : NULL, due_ns};
	kt_vec_push(&tap->items, item);
	kt_timer_set(&tap->timer, tap->items.items[tap->first].due_ns);
}

static void on_inner_event(
        struct kt_watch *watch, enum kt_watch_type type, struct kt_object *object)
{
	push_item(kt_container_of(watch, struct tap, inner), type, object);
}

static void on_inner_end(struct kt_watch *watch, struct kt_err *err)
{
	struct tap *tap = kt_container_of(watch, struct tap, inner);

	tap->is_running = false;
	if (err && err->code)
		kt_err_move(&tap->end, err);
	push_item(tap, KT_WATCH_BOOKMARK, NULL);
}

static void end_tap(struct tap *tap)
{
	struct kt_watch *outer = tap->outer;
	kt_auto_err err = KT_ERR_INIT;

	if (tap->end.code)
		kt_err_move(&err, &tap->end);
	free_tap(tap);
	if (outer) {
		outer->impl = NULL;
		outer->on_end(outer, &err);
	}
}

static void deliver(struct kt_timer *timer)
{
	struct tap *tap = kt_container_of(timer, struct tap, timer);
	int64_t now_ns = kt_loop_now_ns(tap->faulty->sim->loop);

	while (tap->outer && tap->first < tap->items.n &&
	        tap->items.items[tap->first].due_ns <= now_ns) {
		struct item item = tap->items.items[tap->first++];
		if (!item.object) {
			end_tap(tap);
			return;
		}
		tap->is_delivering = true;
		tap->outer->on_event(tap->outer, item.type, item.object);
		tap->is_delivering = false;
		kt_object_unref(item.object);
	}
	if (!tap->outer) {
		free_tap(tap);
		return;
	}
	if (tap->first == tap->items.n)
		tap->first = tap->items.n = 0;
	else
		kt_timer_set(&tap->timer, tap->items.items[tap->first].due_ns);
}

/* The connection breaks: what was on its way is lost. */
static void break_watch(struct kt_timer *timer)
{
	struct tap *tap = kt_container_of(timer, struct tap, break_timer);
	struct sim *sim = tap->faulty->sim;

	if (!sim->faults)
		return;
	sim->n_faults++;
	kt_err_clear(&tap->end);
	switch (kt_loop_random_below(sim->loop, 3)) {
	case 0:
		kt_fail(&tap->end, ECONNRESET, "simulated: connection reset");
		break;
	case 1:
		kt_fail_reason(&tap->end, KT_REASON_EXPIRED, ESTALE,
		        "simulated: too old resource version");
		break;
	default: /* a time-out in good order */
		break;
	}
	end_tap(tap);
}

static void faulty_watch(struct kt_client *client, struct kt_watch *watch)
{
	struct sim_faulty *faulty = faulty_of(client);
	struct sim *sim = faulty->sim;
	struct tap *tap = kt_new(struct tap);

	tap->outer = watch;
	tap->faulty = faulty;
	tap->next = faulty->taps;
	tap->prev = &faulty->taps;
	if (tap->next)
		tap->next->prev = &tap->next;
	faulty->taps = tap;
	tap->inner = (struct kt_watch){
	        .path = watch->path,
	        .from_revision = watch->from_revision,
	        .loop = watch->loop,
	        .on_event = on_inner_event,
	        .on_end = on_inner_end,
	};
	kt_timer_init(&tap->timer, sim->loop, deliver);
	kt_timer_init(&tap->break_timer, sim->loop, break_watch);
	if (has_faults(faulty))
		kt_timer_set_after_ms(
		        &tap->break_timer, 1 + kt_loop_random_below(sim->loop, WATCH_LIFE_MAX_MS));
	watch->impl = tap;
	if (connect(faulty)) {
		tap->is_running = true;
		kt_client_watch(faulty->inner, &tap->inner);
	} else {
		kt_fail(&tap->end, ECONNREFUSED, "simulated: connection refused");
		push_item(tap, KT_WATCH_BOOKMARK, NULL);
	}
}

static void faulty_watch_stop(struct kt_client *client, struct kt_watch *watch)
{
	struct tap *tap = watch->impl;

	(void)client;
	if (!tap)
		return;
	watch->impl = NULL;
	tap->outer = NULL;
	if (!tap->is_delivering)
		free_tap(tap);
}

/* The server is gone: what was with it gets no answer, and nobody knows whether it was done. */
static void disconnect(struct sim_faulty *faulty)
{
	if (!faulty->inner)
		return;
	for (struct flight *flight = faulty->flights; flight; flight = flight->next) {
		if (!flight->is_sent)
			continue;
		kt_client_cancel(faulty->inner, &flight->inner);
		flight->is_sent = false;
		flight->is_answered = true;
		flight->fate = FATE_LOST;
		fail_call(flight);
		kt_timer_set_after_ms(&flight->timer, 0);
	}
	for (struct tap *tap = faulty->taps; tap; tap = tap->next) {
		if (!tap->is_running)
			continue;
		kt_client_watch_stop(faulty->inner, &tap->inner);
		tap->is_running = false;
		kt_fail(&tap->end, ECONNRESET, "simulated: connection reset");
		push_item(tap, KT_WATCH_BOOKMARK, NULL);
	}
	kt_client_destroy(kt_steal(&faulty->inner));
}

void sim_disconnect_all(struct sim *sim)
{
	for (struct sim_faulty *faulty = sim->clients; faulty; faulty = faulty->next)
		disconnect(faulty);
}

static void faulty_destroy(struct kt_client *client)
{
	struct sim_faulty *faulty = faulty_of(client);

	/* Whoever crashes forgets its calls; the server may still do what it was told. */
	while (faulty->flights)
		faulty_cancel(client, faulty->flights->outer);
	while (faulty->taps)
		faulty_watch_stop(client, faulty->taps->outer);
	*faulty->prev = faulty->next;
	if (faulty->next)
		faulty->next->prev = faulty->prev;
	kt_client_destroy(faulty->inner);
	kt_user_unref(faulty->user);
	free(faulty);
}

static const struct kt_client_ops faulty_ops = {
        .call = faulty_call,
        .cancel = faulty_cancel,
        .watch = faulty_watch,
        .watch_stop = faulty_watch_stop,
        .destroy = faulty_destroy,
};

struct kt_client *sim_client(struct sim *sim, const char *user_name, bool is_faulty)
{
	struct sim_faulty *faulty = kt_new(struct sim_faulty);
	const char *groups[] = {"system:masters", "system:authenticated", NULL};

	faulty->client.ops = &faulty_ops;
	faulty->sim = sim;
	faulty->is_faulty = is_faulty;
	faulty->user = kt_user_create(user_name, NULL, groups);
	faulty->prev = &sim->clients;
	faulty->next = sim->clients;
	if (faulty->next)
		faulty->next->prev = &faulty->next;
	sim->clients = faulty;
	return &faulty->client;
}
