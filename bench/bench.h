/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a benchmark program prints: one line per number, fields separated by tabs,
 *     name <tab> value <tab> unit <tab> peer's name <tab> peer's value
 * bench/run collects the lines of every program in build/release/bench and of every script
 * bench/bench_*.sh, and prints the table. The peer is what the number stands beside: another
 * program, a library, or the machine's floor.
 */
#ifndef KT_BENCH_BENCH_H
#define KT_BENCH_BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <time.h>

static inline int64_t bench_now_ns(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) != 0)
		return 0;
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* peer NULL: nothing to stand beside. */
static inline void bench_report(
        const char *name, double value, const char *unit, const char *peer, double peer_value)
{
	printf("%s\t%.6g\t%s\t%s\t", name, value, unit, peer ? peer : "");
	if (peer)
		printf("%.6g", peer_value);
	printf("\n");
	fflush(stdout);
}

/*
 * The best of some rounds, in nanoseconds per call: what the code costs without what else the
 * machine does. expr runs `calls` times a round.
 */
#define BENCH_BEST_NS(calls, expr) \
	__extension__({ \
		double bench_best_ = 0; \
		for (int bench_round_ = 0; bench_round_ < 7; bench_round_++) { \
			int64_t bench_start_ = bench_now_ns(); \
			for (long bench_i_ = 0; bench_i_ < (calls); bench_i_++) \
				expr; \
			double bench_ns_ = \
			        (double)(bench_now_ns() - bench_start_) / (double)(calls); \
			if (bench_round_ == 0 || bench_ns_ < bench_best_) \
				bench_best_ = bench_ns_; \
		} \
		bench_best_; \
	})

#endif
