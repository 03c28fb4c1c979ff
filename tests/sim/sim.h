/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The simulator: a whole control plane (store, API server, controllers, scheduler, simulated nodes)
 * in one thread on one virtual loop. Everything that happens follows from one seed; what happened
 * is summed up in a hash, so that a second run of the seed can be compared with the first.
 *
 * A run has two parts. First `chaos`: a workload creates, scales, updates and deletes things while
 * components crash and come back and their clients lose watches, answers and patience. Meanwhile
 * every event of the store is held against what must never happen (check.c). Then the faults stop,
 * and the cluster must come to rest in the state that was asked for.
 *
 * A new component is one entry in the table of sim.c; a new invariant one function in check.c
 * (always) or rest.c (in the end); a new thing that users do one entry in the table of workload.c.
 */
#ifndef KT_TESTS_SIM_SIM_H
#define KT_TESTS_SIM_SIM_H

#include "api/client/calls.h"
#include "api/client/client.h"
#include "api/server/server.h"
#include "api/storage/storage.h"
#include "base/loop.h"
#include "base/map.h"
#include "base/vec.h"

#include <stdio.h>

struct sim_options {
	uint64_t seed;
	int n_nodes;
	int chaos_s;     /* of virtual time; 0: none, straight to rest */
	int settle_s;    /* within which the cluster must come to rest */
	int lag_max_ms;  /* by which what happened is told late */
	int down_max_ms; /* how long a component stays away */
	const char *dir; /* where the store has its file; NULL: it lives in memory and survives the
	                    server */
	bool verbose;    /* every event on stderr */
};

struct sim_component; /* sim.c */
struct sim_faulty;    /* faulty_client.c */
struct sim_check;     /* check.c */
struct sim_workload;  /* workload.c */
struct sim_observer;  /* observer.c */

struct sim {
	struct sim_options options;
	struct kt_loop *loop;
	struct kt_storage *storage;
	struct kt_server *server; /* NULL: crashed */
	int64_t server_due_ns;    /* when it comes back */
	struct sim_faulty *clients;
	struct kt_client *admin; /* without faults */
	bool faults;             /* on while the chaos lasts */
	struct sim_component *components;
	struct sim_check *check;
	struct sim_workload *workload;
	struct sim_observer *observer; /* NULL: crashed */
	uint64_t hash;                 /* of all that the store has seen */
	uint64_t n_events, n_calls, n_faults, n_crashes;
	uint64_t n_writes; /* calls of components that are to change something, but no heartbeats */
	char *failure;     /* the first invariant that broke */
};

/* Runs the seed to its end. 0, or -1 with sim->failure set. */
int sim_run(struct sim *sim, const struct sim_options *options);
void sim_finish(struct sim *sim);
/* Keeps the first failure only. */
void sim_fail(struct sim *sim, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* True once in `n` times. */
bool sim_chance(struct sim *sim, uint32_t n);
int64_t sim_seconds(const struct sim *sim);

/* faulty_client.c: a client that finds the server again when it was away. If it is_faulty, its
 * calls are late, refused, answered with a conflict or not answered, and its watches are late and
 * break, as long as sim->faults. Destroying it ends everything under way, as a crash does. */
struct kt_client *sim_client(struct sim *sim, const char *user, bool is_faulty);
/* The server goes away under all clients. */
void sim_disconnect_all(struct sim *sim);

/* check.c */
int sim_check_start(struct sim *sim);
/* Around a restart of the store: the checker goes on where it was. */
void sim_check_pause(struct sim *sim);
int sim_check_resume(struct sim *sim);
void sim_check_finish(struct sim *sim);
/* Reads what the store has to say. */
void sim_check_pump(struct sim *sim);
/* NULL: the cluster is at rest as asked; else what is not yet so (heap). */
char *sim_check_unrest(struct sim *sim);
/* Events since the start that are more than a heartbeat. */
uint64_t sim_check_n_changes(const struct sim *sim);
/* The same without what a restart of the components is a reason for. */
uint64_t sim_check_n_restless(const struct sim *sim);

/* rest.c: the same of a copy of the store, key -> object. */
char *sim_rest_unrest(const struct kt_map *live);

/* observer.c: a component, and whether it knows what is true (NULL), heap. */
void *sim_observer_start(struct sim *sim, struct kt_client *client);
void sim_observer_stop(void *component);
char *sim_observer_unrest(struct sim *sim);

/* workload.c */
void sim_workload_start(struct sim *sim);
void sim_workload_stop(
        struct sim *sim); /* no more new wishes; undoes what would keep the cluster from resting */
void sim_workload_finish(struct sim *sim);

#endif
