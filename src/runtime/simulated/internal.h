/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the files of the simulated runtime share. A sim_pod lives on the loop; other threads see
 * pods only as immutable objects in `shared`, under its lock (a leaf: nothing else is locked or
 * called while it is held).
 */
#ifndef KT_RUNTIME_SIMULATED_INTERNAL_H
#define KT_RUNTIME_SIMULATED_INTERNAL_H

#include "api/client/calls.h"
#include "api/client/events.h"
#include "api/client/informer.h"
#include "api/client/sections.h"
#include "base/map.h"
#include "base/vec.h"
#include "runtime/simulated/simulated.h"

#include <pthread.h>
#include <stdatomic.h>

#define SIM_ANNOTATION "simulated.kube-tui.io/"
#define SIM_FOREVER INT64_C(-1)
#define SIM_JOB_RUN_NS KT_NS_PER_S
#define SIM_BACKOFF_MIN_NS (10 * KT_NS_PER_S) /* the kubelet's */
#define SIM_BACKOFF_MAX_NS (300 * KT_NS_PER_S)
#define SIM_RESYNC_MS 10000 /* and up to half of it more: a pod in back-off is looked at again */
#define SIM_BACKOFF_RESET_NS (600 * KT_NS_PER_S) /* a run this long forgives */
#define SIM_EXIT_CODES_MAX 16

enum sim_node_condition {
	SIM_MEMORY_PRESSURE,
	SIM_DISK_PRESSURE,
	SIM_PID_PRESSURE,
	SIM_NODE_READY,
	SIM_N_NODE_CONDITIONS
};

struct sim_node {
	char *name;
	char *uid; /* NULL until registered */
	char *ip;
	uint32_t index;
	uint64_t used_ips[4]; /* bit i: address .i of the node's /24 is taken */
	bool has_lease;
	bool registered;
	/* What its annotations say (node_state.c). */
	atomic_bool stopped; /* read by any thread */
	bool bad[SIM_N_NODE_CONDITIONS];
	char *not_ready;                         /* the message of Ready; NULL: it is */
	int64_t since_ns[SIM_N_NODE_CONDITIONS]; /* wall; 0: from the next status on */
	bool resync;                             /* its pods have to write their status again */
};

enum sim_container_kind { SIM_INIT, SIM_SIDECAR, SIM_MAIN, SIM_EPHEMERAL };

enum sim_state {
	SIM_IDLE, /* not allowed to start yet */
	SIM_PULLING,
	SIM_PULL_BACKOFF,
	SIM_CONFIG_ERROR, /* a ConfigMap or Secret it needs is not there */
	SIM_STARTING,
	SIM_RUNNING,
	SIM_BACKOFF, /* exited, will start again */
	SIM_EXITED,  /* for good */
};

/* What the annotations and the spec say of one container. */
struct sim_plan {
	int64_t pull_ns, start_ns, ready_ns, run_ns, termination_ns;
	bool never_ready;
	int exit_codes[SIM_EXIT_CODES_MAX];
	int n_exit_codes;
	char *pull_error; /* NULL: pulls work */
};

enum sim_restart { SIM_ALWAYS, SIM_ON_FAILURE, SIM_NEVER };

/* How one run ended. */
struct sim_exit {
	bool any;
	int code;
	int64_t started_wall_ns, finished_wall_ns;
	int run; /* 0 for the first */
};

struct sim_container {
	char *name, *image;
	bool always_pull; /* imagePullPolicy */
	enum sim_container_kind kind;
	enum sim_restart restart;
	struct sim_plan plan;
	enum sim_state state;
	int64_t due_ns; /* end of this state in loop time; SIM_FOREVER: never by time */
	int64_t ready_due_ns;
	int64_t started_ns, started_wall_ns;
	int64_t backoff_ns;
	int64_t say_ns; /* in a back-off: when to tell of it again, in loop time */
	int run;        /* restart count */
	bool pulled, ready, started;
	struct sim_exit last, current; /* current: while EXITED or BACKOFF */
};

enum sim_condition {
	SIM_READY_TO_START,
	SIM_INITIALIZED,
	SIM_READY,
	SIM_CONTAINERS_READY,
	SIM_N_CONDITIONS
};

struct sim_pod {
	struct kt_simulated *simulated;
	struct sim_node *node;
	struct kt_object *object; /* newest known; reference */
	char *key;                /* namespace/name */
	struct sim_container
	        *containers; /* init containers and sidecars in order, then main ones */
	size_t n_containers, n_init;
	struct sim_container *ephemeral; /* added while the pod lives, never taken away */
	size_t n_ephemeral;
	struct kt_timer timer;
	int64_t started_wall_ns; /* status.startTime */
	int64_t deadline_ns;     /* activeDeadlineSeconds in loop time; SIM_FOREVER */
	int64_t end_ns;          /* when termination is over; SIM_FOREVER: not terminating */
	uint8_t ip_host;         /* last octet; 0: none (host network or not yet) */
	bool holds_ip;           /* until it has ended: its status goes on showing it */
	bool host_network;
	struct sim_references
	        *references; /* what it needs before it starts; NULL: nothing, or all is there */
	bool failed_deadline;
	bool ended;    /* in an earlier life: nothing left to do but to be deleted */
	bool slow_end; /* termination takes time, so that its end is worth a status */
	bool stopped;  /* termination is over: containers have exited, delete follows the status */
	bool write_under_way, write_again, delete_sent, gone;
	uint64_t written_hash;
	int64_t written_revision; /* of the last status that was written */
	bool condition[SIM_N_CONDITIONS], condition_was_false[SIM_N_CONDITIONS];
	int64_t condition_wall_ns[SIM_N_CONDITIONS];
};

static inline size_t sim_pod_n_any(const struct sim_pod *pod)
{
	return pod->n_containers + pod->n_ephemeral;
}

/* The i-th of all containers, the ephemeral ones last. */
static inline struct sim_container *sim_pod_any(const struct sim_pod *pod, size_t i)
{
	return i < pod->n_containers ? &pod->containers[i] : &pod->ephemeral[i - pod->n_containers];
}

/* What other threads see of a pod. */
struct sim_shared {
	struct kt_object *object; /* reference */
	const struct sim_node *node;
};

struct kt_simulated {
	struct kt_client *client;
	struct kt_loop *loop;
	struct kt_calls *calls;
	struct kt_event_recorder *recorder;
	struct kt_informer *pods_informer, *nodes_informer;
	struct kt_timer resync_timer;
	struct kt_map pods; /* uid -> sim_pod */
	struct sim_node *nodes;
	struct kt_map nodes_by_name; /* -> sim_node; immutable after create */
	int n_nodes;
	char *cpu, *memory, *ephemeral_storage;
	int pods_max;
	void (*on_ready)(void *arg);
	void *arg;
	KT_VEC(struct sim_node *) to_register;
	int n_registered, under_way;
	struct kt_timer register_timer; /* after a refusal */
	int next_lease;
	int64_t lease_round_ns; /* time between two renewals of one lease */
	struct kt_timer lease_timer;
	int n_pod_writes;
	KT_VEC(char *)
	waiting_writes; /* uids of pods that wait for a free write, oldest first; each at most once
	                 */
	size_t first_waiting;

	pthread_mutex_t lock;          /* protects what follows */
	struct kt_map shared;          /* "namespace/name" -> sim_shared, the pods of our nodes */
	struct kt_simulated_log *logs; /* open ones that follow */
};

/* node.c */
void sim_nodes_create(struct kt_simulated *simulated, const char *prefix);
void sim_nodes_destroy(struct kt_simulated *simulated);
/* Once the nodes of an earlier life are known: those that are stopped are not ours to register. */
void sim_nodes_register(struct kt_simulated *simulated);
/* The node life-cycle controller has not heard of it for too long. */
bool sim_node_is_given_up(const struct kt_object *object);
void sim_node_post_status(struct kt_simulated *simulated, struct sim_node *node);
void sim_node_renew_lease(
        struct kt_simulated *simulated, struct sim_node *node); /* unless stopped */
/* A last time, for as long as a real kubelet would: however many nodes there are, one that stops is
 * missed as soon as it is in a small cluster. */
void sim_node_end_lease(struct kt_simulated *simulated, struct sim_node *node);
void sim_node_pod_ip(const struct sim_node *node, uint8_t host, char ret_text[16]);
uint8_t sim_node_take_ip(struct sim_node *node); /* 0: none left */
void sim_node_release_ip(struct sim_node *node, uint8_t host);

/* The node a pod is bound to, if it is one of ours; any thread. */
struct sim_node *sim_node_of(const struct kt_simulated *simulated, const struct kt_object *pod);

/* node_state.c */
void sim_node_states_create(struct kt_simulated *simulated);
void sim_node_states_destroy(struct kt_simulated *simulated);
json_t *sim_node_conditions(struct kt_simulated *simulated, struct sim_node *node);

/* pod.c: the state machine */
struct sim_pod *sim_pod_create(
        struct kt_simulated *simulated, struct sim_node *node, struct kt_object *object);
void sim_pod_destroy(struct sim_pod *pod);
void sim_pod_update(struct sim_pod *pod, struct kt_object *object);
void sim_pod_advance(struct sim_pod *pod);
void sim_pod_release_ip(struct sim_pod *pod);
void sim_pod_event(struct sim_pod *pod, const struct sim_container *container, bool warning,
        const char *reason, const char *message, ...) __attribute__((format(printf, 5, 6)));

/* plan.c: reads spec, annotations and what an earlier life wrote into status */
void sim_pod_read(struct sim_pod *pod);
void sim_pod_read_plans(struct sim_pod *pod);
void sim_pod_adopt_status(struct sim_pod *pod);
/* Ephemeral containers that the spec has and the pod not yet. True when there were any. */
bool sim_pod_read_ephemeral(struct sim_pod *pod);
/* The annotation KEY, for the container when it has one of its own; heap, NULL: absent. */
char *sim_annotation(const struct kt_object *pod, const char *container, const char *key);

/* references.c: ConfigMaps and Secrets that must be there before a pod starts */
struct sim_references *sim_references_create(struct sim_pod *pod);
void sim_references_destroy(struct sim_references *references); /* NULL is ignored */
/* False while a volume's is missing or not yet known. */
bool sim_references_volumes_ready(const struct sim_references *references);
/* The text of the error for a container whose environment needs what is missing; NULL: none. */
const char *sim_references_error(const struct sim_references *references, const char *container);
bool sim_references_known(const struct sim_references *references);

/* status.c */
void sim_pod_write_status(struct sim_pod *pod);
/* Says it again when somebody else has spoken for it, or a readiness gate has changed. */
void sim_pod_check_status(struct sim_pod *pod);
void sim_pod_send_delete(struct sim_pod *pod);
const char *sim_pod_phase(const struct sim_pod *pod);
void sim_container_id(struct kt_sv uid, const char *container, int run, char ret_hex[65]);
void sim_next_waiting_write(struct kt_simulated *simulated);

/* log.c */
/* The newest object of a pod of ours; any thread; a reference, or NULL. */
struct kt_object *sim_shared_pod(struct kt_simulated *simulated, const char *key);
void sim_logs_pod_changed(
        struct kt_simulated *simulated, const char *key, struct kt_object *object);

#endif
