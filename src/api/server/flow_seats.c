/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/flow_seats.h"

#include "base/log.h"
#include "base/mem.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

/* What a request is taken to cost before any was measured. */
#define FIRST_COST_NS 1e6
/* Each measured one moves the estimate by this part. */
#define COST_WEIGHT 0.05

struct kt_flow_queue {
	struct kt_flow_ticket *head, *tail;
	unsigned n, executing;
	double start; /* virtual time at which its next request begins; service in ns */
};

struct kt_flow_level {
	struct kt_flow_seats *seats;
	struct kt_flow_level *next;
	unsigned refs;
	bool is_gone;
	char *name;
	bool is_exempt, has_queues;
	int nominal, lower, upper;
	size_t n_queues, hand;
	unsigned queue_length;
	struct kt_flow_queue *queues; /* KT_FLOW_QUEUES_MAX, made for the first request that waits:
	                                 their number may change, tickets keep theirs */
	unsigned executing, waiting;
	double now;     /* virtual time: the start of the request served last */
	double cost_ns; /* of a request, as measured */
};

struct kt_flow_seats {
	pthread_mutex_t lock;
	int total;
	int claimed; /* by all levels: what they use, at least what they do not lend */
	unsigned waiting;
	struct kt_flow_level *levels;
};

struct kt_flow_seats *kt_flow_seats_create(int total)
{
	struct kt_flow_seats *seats = kt_new(struct kt_flow_seats);

	pthread_mutex_init(&seats->lock, NULL);
	seats->total = total;
	return seats;
}

static void unref(struct kt_flow_level *level)
{
	kt_assert(level->refs > 0);
	if (--level->refs)
		return;
	kt_assert(level->is_gone && !level->executing && !level->waiting);
	free(level->queues);
	free(level->name);
	free(level);
}

void kt_flow_level_unref(struct kt_flow_level *level)
{
	if (!level)
		return;
	struct kt_flow_seats *seats = level->seats;

	pthread_mutex_lock(&seats->lock);
	unref(level);
	pthread_mutex_unlock(&seats->lock);
}

void kt_flow_seats_destroy(struct kt_flow_seats *seats)
{
	if (!seats)
		return;
	kt_flow_seats_configure(seats, NULL, 0);
	pthread_mutex_destroy(&seats->lock);
	free(seats);
}

const char *kt_flow_level_name(const struct kt_flow_level *level)
{
	return level->name;
}

static struct kt_flow_level *find(struct kt_flow_seats *seats, const char *name)
{
	struct kt_flow_level *level = seats->levels;

	while (level && strcmp(level->name, name) != 0)
		level = level->next;
	return level;
}

struct kt_flow_level *kt_flow_level_find(struct kt_flow_seats *seats, const char *name)
{
	pthread_mutex_lock(&seats->lock);
	struct kt_flow_level *level = find(seats, name);
	if (level)
		level->refs++;
	pthread_mutex_unlock(&seats->lock);
	return level;
}

/* Seats */

static int claim_of(const struct kt_flow_level *level)
{
	return level->is_exempt || level->is_gone ? 0 : KT_MAX((int)level->executing, level->lower);
}

/* A level that lent everything still gets one seat: others' long requests do not stop it. */
static bool has_seat(const struct kt_flow_level *level)
{
	int executing = (int)level->executing, own = KT_MAX(level->lower, level->nominal > 0);

	return level->is_exempt || level->is_gone || executing < own ||
	       (executing < level->upper && level->seats->claimed < level->seats->total);
}

static void take_seat(struct kt_flow_level *level)
{
	level->seats->claimed -= claim_of(level);
	level->executing++;
	level->seats->claimed += claim_of(level);
}

static void free_seat(struct kt_flow_level *level)
{
	level->seats->claimed -= claim_of(level);
	level->executing--;
	level->seats->claimed += claim_of(level);
}

/* Queues */

static void push(struct kt_flow_queue *queue, struct kt_flow_ticket *ticket)
{
	ticket->queue = queue;
	ticket->next = NULL;
	ticket->prev = queue->tail;
	if (queue->tail)
		queue->tail->next = ticket;
	else
		queue->head = ticket;
	queue->tail = ticket;
	queue->n++;
}

static void unlink_ticket(struct kt_flow_ticket *ticket)
{
	struct kt_flow_queue *queue = ticket->queue;

	if (ticket->prev)
		ticket->prev->next = ticket->next;
	else
		queue->head = ticket->next;
	if (ticket->next)
		ticket->next->prev = ticket->prev;
	else
		queue->tail = ticket->prev;
	ticket->prev = ticket->next = NULL;
	queue->n--;
	ticket->is_waiting = false;
	ticket->level->waiting--;
	ticket->level->seats->waiting--;
}

/* Deals `hand` different queues out of all by the hash, and gives the shortest: the flow's own
 * requests are what makes its hand long. */
static struct kt_flow_queue *choose(struct kt_flow_level *level, uint64_t hash)
{
	size_t dealt[KT_FLOW_HAND_MAX], n = 0;
	struct kt_flow_queue *best = NULL;

	for (; n < level->hand; n++) {
		size_t left = level->n_queues - n, card = (size_t)(hash % left), at = 0;

		hash /= left;
		/* the card-th of those not dealt yet; dealt[] is in order */
		while (at < n && dealt[at] <= card) {
			card++;
			at++;
		}
		memmove(dealt + at + 1, dealt + at, (n - at) * sizeof(*dealt));
		dealt[at] = card;
		struct kt_flow_queue *queue = &level->queues[card];
		if (!best || queue->n + queue->executing < best->n + best->executing)
			best = queue;
	}
	return best;
}

/* The waiting request that is served next. */
static struct kt_flow_ticket *pick(const struct kt_flow_level *level)
{
	const struct kt_flow_queue *best = NULL;

	for (size_t i = 0; i < level->n_queues; i++) {
		const struct kt_flow_queue *queue = &level->queues[i];
		if (queue->n && (!best || queue->start < best->start))
			best = queue;
	}
	return best ? best->head : NULL;
}

static void serve(struct kt_flow_level *level, struct kt_flow_queue *queue)
{
	if (!queue)
		return;
	level->now = KT_MAX(level->now, queue->start);
	queue->start += level->cost_ns;
	queue->executing++;
}

static void admit_one(struct kt_flow_level *level)
{
	struct kt_flow_ticket *ticket = pick(level);

	unlink_ticket(ticket);
	serve(level, ticket->queue);
	take_seat(level);
	kt_loop_post(ticket->loop, &ticket->admitted);
}

static void admit_all_of(struct kt_flow_level *level)
{
	while (level->waiting && has_seat(level))
		admit_one(level);
}

/* How far it is into its own seats; above 1 it borrows. */
static double load_of(const struct kt_flow_level *level)
{
	return level->executing / (level->nominal > 0 ? level->nominal : 0.5);
}

/* Gives out every seat that is free, each to the level that has the smallest part of its own: who
 * lent gets its seats back before who borrows gets more. */
static void admit_waiting(struct kt_flow_seats *seats)
{
	while (seats->waiting) {
		struct kt_flow_level *best = NULL;

		for (struct kt_flow_level *level = seats->levels; level; level = level->next)
			if (level->waiting && has_seat(level) &&
			        (!best || load_of(level) < load_of(best)))
				best = level;
		if (!best)
			return;
		admit_one(best);
	}
}

enum kt_flow_entry kt_flow_level_enter(
        struct kt_flow_level *level, struct kt_flow_ticket *ticket, uint64_t flow_hash)
{
	struct kt_flow_seats *seats = level->seats;
	enum kt_flow_entry entry = KT_FLOW_SEATED;

	ticket->queue = NULL;
	ticket->is_waiting = false;
	pthread_mutex_lock(&seats->lock);
	if (!level->waiting && has_seat(level)) {
		take_seat(level);
	} else if (!level->has_queues) {
		entry = KT_FLOW_NO_SEAT;
	} else {
		if (!level->queues)
			level->queues = kt_new_array(struct kt_flow_queue, KT_FLOW_QUEUES_MAX);
		struct kt_flow_queue *queue = choose(level, flow_hash);
		if (queue->n >= level->queue_length) {
			entry = KT_FLOW_QUEUE_FULL;
		} else {
			if (!queue->n && !queue->executing)
				queue->start = KT_MAX(queue->start, level->now);
			entry = KT_FLOW_WAITS;
			ticket->is_waiting = true;
			push(queue, ticket);
			level->waiting++;
			seats->waiting++;
		}
	}
	if (entry == KT_FLOW_SEATED || entry == KT_FLOW_WAITS) {
		ticket->level = level;
		level->refs++;
	}
	pthread_mutex_unlock(&seats->lock);
	return entry;
}

static void account(struct kt_flow_level *level, struct kt_flow_queue *queue, int64_t took_ns)
{
	if (queue) {
		queue->executing--;
		queue->start += (double)took_ns - level->cost_ns;
	}
	level->cost_ns += ((double)took_ns - level->cost_ns) * COST_WEIGHT;
}

void kt_flow_level_leave(struct kt_flow_ticket *ticket, int64_t took_ns)
{
	struct kt_flow_level *level = ticket->level;
	struct kt_flow_seats *seats = level->seats;

	pthread_mutex_lock(&seats->lock);
	free_seat(level);
	account(level, ticket->queue, took_ns);
	ticket->level = NULL;
	admit_waiting(seats);
	unref(level);
	pthread_mutex_unlock(&seats->lock);
}

bool kt_flow_give_up(struct kt_flow_ticket *ticket)
{
	if (!ticket->level)
		return false;
	struct kt_flow_seats *seats = ticket->level->seats;

	pthread_mutex_lock(&seats->lock);
	bool waited = ticket->is_waiting;
	if (waited) {
		struct kt_flow_level *level = ticket->level;
		unlink_ticket(ticket);
		ticket->level = NULL;
		unref(level);
	}
	pthread_mutex_unlock(&seats->lock);
	return waited;
}

/* Configuration */

/* Nobody is left waiting in queues of another shape. */
static void empty_queues(struct kt_flow_level *level)
{
	bool was_gone = level->is_gone;

	level->seats->claimed -= claim_of(level);
	level->is_gone = true;
	admit_all_of(level);
	level->is_gone = was_gone;
	level->seats->claimed += claim_of(level);
	kt_assert(!level->waiting);
}

static void set_queues(struct kt_flow_level *level, const struct kt_flow_limits *limits)
{
	size_t n = (size_t)KT_MIN(KT_MAX(limits->queues, 1), KT_FLOW_QUEUES_MAX);
	size_t hand = (size_t)KT_MAX(limits->hand, 1);

	level->queue_length = (unsigned)KT_MIN(KT_MAX(limits->queue_length, 1), INT32_MAX);
	level->hand = KT_MIN(KT_MIN(hand, n), (size_t)KT_FLOW_HAND_MAX);
	if (level->has_queues == limits->has_queues && level->n_queues == n)
		return;
	empty_queues(level);
	level->has_queues = limits->has_queues;
	level->n_queues = n;
}

static void set_limits(
        struct kt_flow_level *level, const struct kt_flow_limits *limits, int64_t all_shares)
{
	double total = level->seats->total;
	double nominal = all_shares ? ceil(total * (double)limits->shares / (double)all_shares) : 0;
	double upper = limits->borrowing_percent < 0
	                       ? total
	                       : nominal + round(nominal * (double)limits->borrowing_percent / 100);

	level->seats->claimed -= claim_of(level);
	level->is_exempt = limits->is_exempt;
	level->nominal = (int)KT_MIN(nominal, total);
	level->lower = level->nominal -
	               (int)round(level->nominal * (double)limits->lendable_percent / 100);
	level->upper = (int)KT_MIN(upper, total);
	level->seats->claimed += claim_of(level);
	set_queues(level, limits);
}

static struct kt_flow_level *create(struct kt_flow_seats *seats, const char *name)
{
	struct kt_flow_level *level = kt_new(struct kt_flow_level);

	level->seats = seats;
	level->refs = 1;
	level->name = kt_strdup(name);
	level->cost_ns = FIRST_COST_NS;
	level->next = seats->levels;
	seats->levels = level;
	return level;
}

static bool is_among(
        const struct kt_flow_level *level, const struct kt_flow_limits *levels, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(level->name, levels[i].name))
			return true;
	return false;
}

static void drop_others(struct kt_flow_seats *seats, const struct kt_flow_limits *levels, size_t n)
{
	for (struct kt_flow_level **at = &seats->levels; *at;) {
		struct kt_flow_level *level = *at;

		if (is_among(level, levels, n)) {
			at = &level->next;
			continue;
		}
		*at = level->next;
		seats->claimed -= claim_of(level);
		level->is_gone = true;
		admit_all_of(level);
		unref(level);
	}
}

void kt_flow_seats_configure(
        struct kt_flow_seats *seats, const struct kt_flow_limits *levels, size_t n)
{
	int64_t all_shares = 0;

	pthread_mutex_lock(&seats->lock);
	drop_others(seats, levels, n);
	for (size_t i = 0; i < n; i++)
		all_shares += levels[i].shares;
	for (size_t i = 0; i < n; i++) {
		struct kt_flow_level *level = find(seats, levels[i].name);

		set_limits(level ? level : create(seats, levels[i].name), &levels[i], all_shares);
	}
	admit_waiting(seats);
	pthread_mutex_unlock(&seats->lock);
}

void kt_flow_seats_visit(struct kt_flow_seats *seats,
        void (*visit)(void *arg, const struct kt_flow_level_state *state), void *arg)
{
	pthread_mutex_lock(&seats->lock);
	for (const struct kt_flow_level *level = seats->levels; level; level = level->next) {
		struct kt_flow_level_state state = {
		        .name = level->name,
		        .is_exempt = level->is_exempt,
		        .nominal = level->nominal,
		        .lower = level->lower,
		        .upper = level->upper,
		        .executing = level->executing,
		        .waiting = level->waiting,
		};
		visit(arg, &state);
	}
	pthread_mutex_unlock(&seats->lock);
}
