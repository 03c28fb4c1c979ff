/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Seats, and who waits for them: the priority levels of API Priority and Fairness.
 *
 * All seats together are shared among the levels by their shares. A level always gets its own seats
 * less those it lends; beyond that, up to its borrowing limit, it gets what no other level may
 * still claim; each with seats of its own gets one at least, and a seat that becomes free goes to
 * the level with the smallest part of its own. Above it requests wait in queues: a flow (one user's
 * requests, or one namespace's) is dealt a hand of queues by its hash and joins the shortest, and
 * the queue that was served least is served next (start-time fair queuing), so that one flow cannot
 * starve the others. A full queue, or a level without queues, refuses.
 *
 * Nothing here runs by itself: a seat that becomes free is given on by who leaves it. One lock
 * protects everything; it is held for a few instructions and across no callback. Any thread.
 * Source: KEP-1040; "Start-time Fair Queuing", Goyal et al. 1996.
 */
#ifndef KT_API_SERVER_FLOW_SEATS_H
#define KT_API_SERVER_FLOW_SEATS_H

#include "base/loop.h"

#include <stddef.h>

/* More queues than that keep no flows apart any better; the API takes ten millions. */
#define KT_FLOW_QUEUES_MAX 1024
#define KT_FLOW_HAND_MAX 64

struct kt_flow_seats;
struct kt_flow_level;

/* A PriorityLevelConfiguration. */
struct kt_flow_limits {
	const char *name, *uid;
	bool is_exempt;
	bool has_queues;
	int64_t shares;
	int64_t lendable_percent;
	int64_t borrowing_percent; /* -1: no limit */
	int64_t queues, hand, queue_length;
};

/* One request at a level; embedded by the caller. */
struct kt_flow_ticket {
	struct kt_flow_level *level;  /* NULL: nowhere */
	struct kt_loop *loop;         /* of the caller: where `admitted` is posted */
	struct kt_task admitted;      /* fn set by the caller: it waited, and has a seat now */
	int64_t entered_ns, begun_ns; /* set by the caller; begun_ns by leave()'s caller, too */
	struct kt_flow_queue *queue;
	struct kt_flow_ticket *prev, *next;
	bool is_waiting;
};

enum kt_flow_entry {
	KT_FLOW_SEATED,
	KT_FLOW_WAITS,      /* `admitted` will be posted, unless kt_flow_give_up() is called */
	KT_FLOW_QUEUE_FULL, /* refused */
	KT_FLOW_NO_SEAT,    /* refused: the level has no queues */
};

struct kt_flow_seats *kt_flow_seats_create(int total);
/* Nobody may be inside any more. */
void kt_flow_seats_destroy(struct kt_flow_seats *seats);
/* The levels are those from now on. Who waits at one that is gone gets a seat at once. */
void kt_flow_seats_configure(
        struct kt_flow_seats *seats, const struct kt_flow_limits *levels, size_t n);
/* A reference, or NULL. */
struct kt_flow_level *kt_flow_level_find(struct kt_flow_seats *seats, const char *name);
void kt_flow_level_unref(struct kt_flow_level *level);
/* As text, for as long as the reference is held. */
const char *kt_flow_level_name(const struct kt_flow_level *level);

/* The ticket keeps a reference of level from SEATED or WAITS on until leave or give_up. */
enum kt_flow_entry kt_flow_level_enter(
        struct kt_flow_level *level, struct kt_flow_ticket *ticket, uint64_t flow_hash);
/* The seat becomes free; took_ns: for how long it was taken. */
void kt_flow_level_leave(struct kt_flow_ticket *ticket, int64_t took_ns);
/* True: it waited, and does no more. False: `admitted` is posted or was called. */
bool kt_flow_give_up(struct kt_flow_ticket *ticket);

/* For metrics. */
struct kt_flow_level_state {
	const char *name;
	bool is_exempt;
	int nominal, lower, upper;
	unsigned executing, waiting;
};
/* Calls visit for every level, with the lock held. */
void kt_flow_seats_visit(struct kt_flow_seats *seats,
        void (*visit)(void *arg, const struct kt_flow_level_state *state), void *arg);

#endif
