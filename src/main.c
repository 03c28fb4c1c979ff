/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Picks the subcommand; with cluster_main.c the only place that knows all parts. */
#include "cluster_commands.h"
#include "base/log.h"
#include "base/loop.h"
#include "tui/command/command.h"

#include <locale.h>
#include <time.h>
#include <unistd.h>

static int64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * KT_NS_PER_S + now.tv_nsec;
}

static int run_command(int argc, char *const *argv)
{
	struct kt_session_options options = {0};
	struct kt_session *session = kt_session_create(&options);
	int code = kt_command_run(session, argc, argv, stdin, stdout, stderr);

	kt_session_destroy(session);
	return code;
}

int main(int argc, char **argv)
{
	int64_t started_ns = monotonic_ns();

	setlocale(LC_ALL, "");
	kt_log_open(STDERR_FILENO, KT_LOG_WARNING);
	if (kt_cluster_command_is(argc - 1, argv + 1))
		return kt_cluster_command_run(argc - 1, argv + 1, started_ns);
	return run_command(argc - 1, argv + 1);
}
