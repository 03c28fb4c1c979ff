/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/command/shell.h"

#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* What our program ignores or catches is as usual again. */
static void use_default_signals(posix_spawnattr_t *attributes)
{
	static const int signals[] = {SIGINT, SIGQUIT, SIGPIPE};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < KT_ARRAY_SIZE(signals); i++)
		sigaddset(&set, signals[i]);
	posix_spawnattr_setsigdefault(attributes, &set);
	posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF);
}

/* in, out: -1: ours. */
static int spawn(const char *command, int in, int out, pid_t *ret_pid)
{
	kt_auto_free char *text = kt_strdup(command);
	char name[] = "sh", option[] = "-c";
	char *argv[] = {name, option, text, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;

	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	use_default_signals(&attributes);
	if (in >= 0)
		posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	if (out >= 0)
		posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	int r = posix_spawn(ret_pid, "/bin/sh", &actions, &attributes, argv, environ);

	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return r;
}

int kt_shell_open(
        const char *command, FILE *out, bool piped, struct kt_shell *ret_shell, struct kt_err *err)
{
	int ends[2] = {-1, -1};
	int r = piped && pipe2(ends, O_CLOEXEC) < 0 ? errno : 0;

	fflush(out);
	*ret_shell = (struct kt_shell){0};
	if (!r)
		r = spawn(command, ends[0], fileno(out), &ret_shell->pid);
	kt_close_p(&ends[0]);
	if (!r && piped) {
		ret_shell->in = fdopen(ends[1], "w");
		kt_assert(ret_shell->in);
		return 0;
	}
	kt_close_p(&ends[1]);
	return r ? kt_fail(err, r, "cannot start /bin/sh: %s", strerror(r)) : 0;
}

int kt_shell_close(struct kt_shell *shell)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct sigaction usual;
	bool ignores = !shell->in;
	int status;
	pid_t pid;

	if (shell->in)
		fclose(shell->in);
	if (ignores)
		sigaction(SIGINT, &ignore, &usual);
	do
		pid = waitpid(shell->pid, &status, 0);
	while (pid < 0 && errno == EINTR);
	if (ignores)
		sigaction(SIGINT, &usual, NULL);
	*shell = (struct kt_shell){0};
	if (pid < 0)
		return 127;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
