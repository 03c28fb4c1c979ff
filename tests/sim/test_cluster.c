/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Seeds, each a cluster in trouble that must come to rest. KT_SIM_SEED=N runs that one alone and
 * tells what happens; KT_SIM_SEEDS=N that many from KT_SIM_FIRST on. One process per processor: a
 * simulation has one thread.
 */
#include "support/support.h"

#include "sim/sim.h"

#include "base/log.h"
#include "base/mem.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* A sanitizer takes its time. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SEEDS = 32, REPLAYED_EVERY = 16 };
#else
enum { SEEDS = 200, REPLAYED_EVERY = 20 };
#endif

/* Most are short and fast. In every seventh all learn late what happened; every thirtieth lasts so
 * long, and its components stay away so long, that nodes are given up and their pods evicted. */
static struct sim_options options_of(uint64_t seed)
{
	bool is_late = seed % 7 == 3, is_long = seed % 30 == 5;

	return (struct sim_options){
	        .seed = seed,
	        .n_nodes = 2 + (int)(seed % 3),
	        .chaos_s = is_long ? 900 : 60,
	        .settle_s = 900,
	        .lag_max_ms = is_late ? 4000 : 150,
	        .down_max_ms = is_long ? 400000 : 5000,
	};
}

static uint64_t env_number(const char *name, uint64_t fallback)
{
	const char *value = getenv(name);

	return value ? strtoull(value, NULL, 10) : fallback;
}

/* Where a sync costs nothing, if there is such a place. */
static char *make_dir(void)
{
	char path[] = "/dev/shm/kube-tui-sim-XXXXXX";

	return mkdtemp(path) ? strdup(path) : kt_test_make_dir();
}

/* Every fourth cluster keeps its store in a file and opens it anew with each restart of the server.
 */
static bool run_seed(struct sim_options *options, uint64_t *ret_hash)
{
	char *dir = options->seed % 4 == 0 ? make_dir() : NULL;
	struct sim sim;

	options->dir = dir;
	bool is_good = sim_run(&sim, options) == 0;
	if (!is_good)
		fprintf(stderr, "seed %llu: %s\nagain with: KT_SIM_SEED=%llu tests/sim_cluster\n",
		        (unsigned long long)options->seed, sim.failure,
		        (unsigned long long)options->seed);
	if (is_good && options->verbose)
		fprintf(stderr,
		        "seed %llu: %llu events, %llu calls, %llu faults, %llu crashes, hash "
		        "%016llx\n",
		        (unsigned long long)options->seed, (unsigned long long)sim.n_events,
		        (unsigned long long)sim.n_calls, (unsigned long long)sim.n_faults,
		        (unsigned long long)sim.n_crashes, (unsigned long long)sim.hash);
	*ret_hash = sim.hash;
	sim_finish(&sim);
	kt_test_remove_dir(dir);
	return is_good;
}

/* Some are run twice: the second time must be the first one, byte for byte. */
static bool run_and_replay(uint64_t seed)
{
	struct sim_options options = options_of(seed);
	uint64_t first, second;

	if (!run_seed(&options, &first))
		return false;
	if (seed % REPLAYED_EVERY)
		return true;
	if (!run_seed(&options, &second))
		return false;
	if (first != second)
		fprintf(stderr, "seed %llu: ran differently the second time\n",
		        (unsigned long long)seed);
	return first == second;
}

static void test_rest_without_faults(void **state)
{
	struct sim_options options = options_of(1);
	uint64_t hash;

	(void)state;
	options.chaos_s = 0;
	assert_true(run_seed(&options, &hash));
}

static pid_t start_worker(uint64_t first, uint64_t end, uint64_t step)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	bool is_good = true;

	for (uint64_t seed = first; seed < end; seed += step)
		is_good = run_and_replay(seed) && is_good;
	if (!is_good)
		_exit(1);
	exit(0); /* where a leak would be told */
}

static void test_seeds_come_to_rest(void **state)
{
	uint64_t first = env_number("KT_SIM_FIRST", 1), n = env_number("KT_SIM_SEEDS", SEEDS);
	long n_workers = KT_MAX(sysconf(_SC_NPROCESSORS_ONLN), 1);
	int status, n_failed = 0;

	(void)state;
	for (long i = 0; i < n_workers; i++)
		assert_true(start_worker(first + (uint64_t)i, first + n, (uint64_t)n_workers) > 0);
	for (long i = 0; i < n_workers; i++) {
		assert_true(wait(&status) > 0);
		n_failed += !WIFEXITED(status) || WEXITSTATUS(status) != 0;
	}
	assert_int_equal(n_failed, 0);
}

static void test_one_seed(void **state)
{
	struct sim_options options = options_of(env_number("KT_SIM_SEED", 1));
	uint64_t hash;

	(void)state;
	options.verbose = true;
	assert_true(run_seed(&options, &hash));
}

int main(void)
{
	const struct CMUnitTest all[] = {
	        cmocka_unit_test(test_rest_without_faults),
	        cmocka_unit_test(test_seeds_come_to_rest),
	};
	const struct CMUnitTest one[] = {cmocka_unit_test(test_one_seed)};

	/* Components warn about each fault they meet, and there are thousands. */
	kt_log_open(STDERR_FILENO, getenv("KT_SIM_SEED") ? KT_LOG_DEBUG : KT_LOG_ERROR);
	/* Each seed frees all it took; giving that back to the system each time is a third of the
	 * run. */
	mallopt(M_TRIM_THRESHOLD, 1 << 30);
	if (getenv("KT_SIM_SEED"))
		return cmocka_run_group_tests(one, NULL, NULL);
	return cmocka_run_group_tests(all, NULL, NULL);
}
