/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/sim.h"

#include "base/log.h"
#include "base/mem.h"
#include "cluster/controllers/controllers.h"
#include "cluster/scheduler/scheduler.h"
#include "cluster/store/store.h"
#include "runtime/simulated/simulated.h"

#include <errno.h>
#include <stdlib.h>

enum {
	CRASH_PERIOD_MAX_MS = 30000,
	SERVER_DOWN_MAX_MS = 5000,
	STEP_MS = 2000, /* between two looks at the server and at whether the cluster rests */
	SERVER_CRASH_ONE_IN = 10,  /* such looks */
	QUIET_S = 60,              /* for which a cluster at rest must not change */
	START_WALL_S = 1767225600, /* 2026-01-01 */
};

/* A component is created from nothing each time it comes back. */
struct component_kind {
	const char *user;
	void *(*start)(struct sim *sim, struct kt_client *client);
	void (*stop)(void *component);
};

struct sim_component {
	const struct component_kind *kind;
	struct sim *sim;
	struct kt_client *client;
	void *running; /* NULL: crashed */
	struct kt_timer timer;
};

static void *start_scheduler(struct sim *sim, struct kt_client *client)
{
	struct kt_scheduler *scheduler = NULL;
	struct kt_scheduler_options options = {.client = client, .loop = sim->loop};

	kt_assert(kt_scheduler_create(&options, &scheduler, NULL) == 0);
	kt_scheduler_start(scheduler);
	return scheduler;
}

static void stop_scheduler(void *component)
{
	kt_scheduler_destroy(component);
}

static void *start_controllers(struct sim *sim, struct kt_client *client)
{
	struct kt_controllers *controllers = NULL;
	struct kt_controllers_options options = {.client = client, .loop = sim->loop};

	kt_assert(kt_controllers_create(&options, &controllers, NULL) == 0);
	kt_controllers_start(controllers);
	return controllers;
}

static void stop_controllers(void *component)
{
	kt_controllers_destroy(component);
}

static void *start_nodes(struct sim *sim, struct kt_client *client)
{
	struct kt_simulated *simulated = NULL;
	struct kt_simulated_options options = {
	        .client = client,
	        .loop = sim->loop,
	        .n_nodes = sim->options.n_nodes,
	        .cpu = "10", /* little, so that the limits matter */
	        .pods = 24,
	};

	kt_assert(kt_simulated_create(&options, &simulated, NULL) == 0);
	kt_simulated_start(simulated);
	return simulated;
}

static void stop_nodes(void *component)
{
	kt_simulated_destroy(component);
}

static const struct component_kind kinds[] = {
        {"system:kube-scheduler", start_scheduler, stop_scheduler},
        {"system:kube-controller-manager", start_controllers, stop_controllers},
        {"system:node-simulator", start_nodes, stop_nodes},
        {"observer", sim_observer_start, sim_observer_stop},
};

int64_t sim_seconds(const struct sim *sim)
{
	return kt_loop_now_ns(sim->loop) / KT_NS_PER_S;
}

bool sim_chance(struct sim *sim, uint32_t n)
{
	return kt_loop_random_below(sim->loop, n) == 0;
}

void sim_fail(struct sim *sim, const char *fmt, ...)
{
	va_list ap;

	if (sim->failure)
		return;
	va_start(ap, fmt);
	kt_auto_free char *text = kt_vasprintf(fmt, ap);
	va_end(ap);
	sim->failure = kt_asprintf("at %lld s, revision %lld: %s", (long long)sim_seconds(sim),
	        (long long)(sim->storage ? sim->storage->ops->revision(sim->storage) : 0), text);
}

static void start_component(struct sim_component *component)
{
	struct sim *sim = component->sim;

	component->client = sim_client(sim, component->kind->user, true);
	component->running = component->kind->start(sim, component->client);
	kt_timer_set_after_ms(
	        &component->timer, 1000 + kt_loop_random_below(sim->loop, CRASH_PERIOD_MAX_MS));
}

static void stop_component(struct sim_component *component)
{
	kt_timer_cancel(&component->timer);
	if (!component->running)
		return;
	component->kind->stop(component->running);
	kt_client_destroy(component->client);
	component->running = NULL;
	component->client = NULL;
}

/* The life of a component: it runs, crashes, is down for a while, runs again. Without faults it
 * stays. */
static void on_component_timer(struct kt_timer *timer)
{
	struct sim_component *component = kt_container_of(timer, struct sim_component, timer);
	struct sim *sim = component->sim;

	if (!component->running) {
		start_component(component);
	} else if (sim->faults) {
		if (sim->options.verbose)
			fprintf(stderr, "%6lld s  %s crashes\n", (long long)sim_seconds(sim),
			        component->kind->user);
		sim->n_crashes++;
		stop_component(component);
		kt_timer_set_after_ms(&component->timer,
		        kt_loop_random_below(sim->loop, (uint32_t)sim->options.down_max_ms));
	}
}

static void restart_component(struct sim_component *component)
{
	stop_component(component);
	start_component(component);
}

/* With the store when that is a file: it is opened anew. */
static int start_server(struct sim *sim, struct kt_err *err)
{
	struct kt_store_options store_options = {.path = sim->options.dir, .loop = sim->loop};
	bool is_anew = !sim->storage;
	int rc = is_anew ? kt_store_open(&store_options, &sim->storage, err) : 0;

	if (rc == 0 && is_anew && sim->check)
		rc = sim_check_resume(sim);
	if (rc < 0)
		return rc;
	struct kt_server_options options = {
	        .storage = sim->storage,
	        .loop = sim->loop,
	        .secure_port = 6443,
	        .anonymous_auth = true,
	};
	rc = kt_server_create(&options, &sim->server, err);
	return rc < 0 ? rc : kt_server_bootstrap(sim->server, err);
}

static void stop_server(struct sim *sim)
{
	sim_disconnect_all(sim);
	/* what was told to stop ends on the loop */
	kt_loop_run_until(sim->loop, kt_loop_now_ns(sim->loop));
	kt_server_destroy(kt_steal(&sim->server));
	kt_loop_run_until(sim->loop, kt_loop_now_ns(sim->loop));
	if (!sim->options.dir || !sim->storage)
		return;
	if (sim->check)
		sim_check_pause(sim);
	sim->storage->ops->destroy(kt_steal(&sim->storage));
}

/* The life of the server, looked at between turns of the loop, because it waits on the loop itself.
 */
static void live_server(struct sim *sim)
{
	kt_auto_err err = KT_ERR_INIT;
	int64_t now_ns = kt_loop_now_ns(sim->loop);

	if (sim->server && sim->faults && sim_chance(sim, SERVER_CRASH_ONE_IN)) {
		if (sim->options.verbose)
			fprintf(stderr, "%6lld s  the server crashes\n",
			        (long long)sim_seconds(sim));
		sim->n_crashes++;
		stop_server(sim);
		sim->server_due_ns =
		        now_ns + kt_loop_random_below(sim->loop, SERVER_DOWN_MAX_MS) * KT_NS_PER_MS;
	} else if (!sim->server && now_ns >= sim->server_due_ns && start_server(sim, &err) < 0) {
		sim->failure = kt_asprintf("starting the server again: %s", kt_err_message(&err));
	}
}

static void start_components(struct sim *sim)
{
	sim->components = kt_new_array(struct sim_component, KT_ARRAY_SIZE(kinds));
	for (size_t i = 0; i < KT_ARRAY_SIZE(kinds); i++) {
		struct sim_component *component = &sim->components[i];
		component->kind = &kinds[i];
		component->sim = sim;
		kt_timer_init(&component->timer, sim->loop, on_component_timer);
		start_component(component);
	}
}

/* Runs for a while, or until something broke. */
static void run_ms(struct sim *sim, int64_t ms)
{
	int64_t end_ns = kt_loop_now_ns(sim->loop) + ms * KT_NS_PER_MS;

	while (!sim->failure && kt_loop_now_ns(sim->loop) < end_ns) {
		kt_loop_run_until(sim->loop,
		        KT_MIN(end_ns, kt_loop_now_ns(sim->loop) + STEP_MS * KT_NS_PER_MS));
		sim_check_pump(sim);
		live_server(sim);
	}
}

static void restart_components(struct sim *sim)
{
	for (size_t i = 0; i < KT_ARRAY_SIZE(kinds); i++)
		restart_component(&sim->components[i]);
}

static void run_chaos(struct sim *sim)
{
	sim->faults = sim->options.chaos_s > 0;
	sim_workload_start(sim);
	run_ms(sim, (int64_t)sim->options.chaos_s * 1000);
	sim->faults = false;
	while (!sim->server && !sim->failure)
		run_ms(sim, STEP_MS);
	sim_workload_stop(sim);
	/* A node that was deleted registers again when its machine starts. */
	restart_components(sim);
}

/* For whoever looks into a seed: KT_SIM_DUMP=/registry/pods/ shows what is there. */
static void dump(struct sim *sim)
{
	struct kt_storage_list list = {0};
	struct kt_storage_range range = {.prefix = getenv("KT_SIM_DUMP")};

	if (!range.prefix || !sim->storage ||
	        sim->storage->ops->range(sim->storage, &range, &list, NULL) < 0)
		return;
	for (size_t i = 0; i < list.n; i++)
		fprintf(stderr, "%s\n", kt_object_json(list.objects[i]));
	kt_storage_list_finish(&list);
}

/* Whoever starts finds all as it should be and has nothing to write. */
static void restart_at_rest(struct sim *sim)
{
	uint64_t before = sim_check_n_restless(sim);

	restart_components(sim);
	run_ms(sim, QUIET_S * 1000);
	if (sim_check_n_restless(sim) != before)
		sim_fail(sim, "%llu changes after a restart at rest",
		        (unsigned long long)(sim_check_n_restless(sim) - before));
}

static void run_to_rest(struct sim *sim)
{
	int64_t limit_s = sim_seconds(sim) + sim->options.settle_s;
	kt_auto_free char *unrest = NULL;

	do {
		run_ms(sim, STEP_MS);
		free(unrest);
		unrest = sim->server ? sim_check_unrest(sim) : kt_strdup("the server is down");
		if (!unrest)
			unrest = sim_observer_unrest(sim);
	} while (unrest && !sim->failure && sim_seconds(sim) < limit_s);
	if (unrest) {
		dump(sim);
		sim_fail(sim, "not at rest after %d s: %s", sim->options.settle_s, unrest);
		return;
	}
	run_ms(sim, QUIET_S * 1000); /* events and finished work fade out */
	uint64_t before = sim_check_n_changes(sim), writes_before = sim->n_writes;
	run_ms(sim, QUIET_S * 1000);
	uint64_t changes = sim_check_n_changes(sim) - before;
	uint64_t writes = sim->n_writes - writes_before;
	if (changes || writes)
		sim_fail(sim,
		        "%llu changes and %llu calls to make some in %d s of a cluster at "
		        "rest",
		        (unsigned long long)changes, (unsigned long long)writes, QUIET_S);
	unrest = sim_check_unrest(sim);
	if (unrest)
		sim_fail(sim, "at rest, and then no more: %s", unrest);
	if (!sim->failure)
		restart_at_rest(sim);
}

int sim_run(struct sim *sim, const struct sim_options *options)
{
	kt_auto_err err = KT_ERR_INIT;

	*sim = (struct sim){.options = *options, .hash = UINT64_C(0xcbf29ce484222325)};
	sim->loop = kt_loop_create(
	        &(struct kt_loop_options){
	                .is_virtual = true,
	                .seed = options->seed,
	                .start_wall_ns = START_WALL_S * KT_NS_PER_S,
	        },
	        &err);
	if (!sim->loop || start_server(sim, &err) < 0) {
		sim->failure = kt_asprintf("starting: %s", kt_err_message(&err));
		return -1;
	}
	sim->admin = sim_client(sim, "admin", false);
	if (sim_check_start(sim) < 0)
		return -1;
	start_components(sim);
	run_chaos(sim);
	run_to_rest(sim);
	return sim->failure ? -1 : 0;
}

void sim_finish(struct sim *sim)
{
	for (size_t i = 0; sim->components && i < KT_ARRAY_SIZE(kinds); i++)
		stop_component(&sim->components[i]);
	free(sim->components);
	sim_workload_finish(sim);
	kt_client_destroy(sim->admin);
	if (sim->loop)
		stop_server(sim);
	sim_check_finish(sim);
	if (sim->storage)
		sim->storage->ops->destroy(sim->storage);
	kt_loop_destroy(sim->loop);
	free(sim->failure);
	*sim = (struct sim){0};
}
