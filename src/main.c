/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Picks what to run; with cluster_main.c the only place that knows all parts. */
#include "cluster_commands.h"

#include "base/log.h"
#include "base/loop.h"
#include "base/path.h"
#include "tui/command/repl.h"
#include "tui/command/script.h"
#include "tui/command/session.h"
#include "ui_main.h"

#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

static int64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * KT_NS_PER_S + now.tv_nsec;
}

/* The session of this process, for the signal handler. */
static struct kt_session *session;

static void on_interrupt(int number)
{
	(void)number;
	/* the second time nobody seems to look */
	if (kt_cancel_is_asked(kt_session_cancel(session)))
		_exit(130);
	kt_cancel_ask(kt_session_cancel(session));
}

static void catch_interrupt(void)
{
	struct sigaction action = {.sa_handler = on_interrupt};

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int run_repl(void)
{
	kt_auto_free char *home = kt_state_home();
	kt_auto_free char *history = kt_path_join(home, "history");
	kt_auto_err err = KT_ERR_INIT;

	if (kt_make_dirs(home, 0700, &err) < 0)
		kt_log_warning("repl", "%s", kt_err_message(&err));
	if (!kt_session_client(session, &err)) {
		fprintf(stderr, "error: %s\n", kt_err_message(&err));
		return KT_EXIT_ERROR;
	}
	return kt_repl_run(session, kt_session_context(session), history);
}

static int run_script(
        const char *name, const char *text, const char *path, int argc, char *const *argv)
{
	struct kt_script script = {
	        .session = session,
	        .in = stdin,
	        .out = stdout,
	        .err = stderr,
	        .name = name,
	        .stop_at_error = true,
	};

	kt_script_set_arguments(&script, argc, argv);
	return path ? kt_script_file(&script, path) : kt_script_text(&script, text);
}

/* --context C, -n NAMESPACE and --kubeconfig FILE at the head of the words, as they stand before
 * (and behind) `repl`, before -c and FILE.kt. Returns how many words they are. */
static int take_session_options(int argc, char *const *argv, struct kt_session_options *options)
{
	const struct {
		const char *name, **value;
	} known[] = {
	        {"--context", &options->context},
	        {"--namespace", &options->namespace},
	        {"-n", &options->namespace},
	        {"--kubeconfig", &options->kubeconfig},
	};
	int at = 0;

	while (at < argc) {
		size_t i = 0, len = strcspn(argv[at], "=");

		while (i < KT_ARRAY_SIZE(known) &&
		        (strlen(known[i].name) != len ||
		                strncmp(known[i].name, argv[at], len) != 0))
			i++;
		if (i == KT_ARRAY_SIZE(known) || (!argv[at][len] && at + 1 == argc))
			break;
		*known[i].value = argv[at][len] ? argv[at] + len + 1 : argv[at + 1];
		at += argv[at][len] ? 1 : 2;
	}
	return at;
}

static bool is_script(int argc, char *const *argv)
{
	return argc &&
	       (!strcmp(argv[0], "repl") || !strcmp(argv[0], "-c") || kt_ends_with(argv[0], ".kt"));
}

/* The prompt or a script, for which is_script() is true. */
static int run_lines(int argc, char *const *argv)
{
	if (strcmp(argv[0], "-c") != 0 && strcmp(argv[0], "repl") != 0)
		return run_script(argv[0], NULL, argv[0], argc - 1, argv + 1);
	if (!strcmp(argv[0], "-c") && argc > 1)
		return run_script("-c", argv[1], NULL, argc - 2, argv + 2);
	if (!strcmp(argv[0], "repl") && argc == 1)
		return run_repl();
	if (argc == 1)
		fputs("error: -c needs the lines to run\n", stderr);
	else
		fprintf(stderr, "error: repl takes no \"%s\"\n", argv[1]);
	return KT_EXIT_USAGE;
}

/* What was printed and could not be written is no success: a full disk behind `>`. */
static int finish_output(int code)
{
	int problem = fflush(stdout) != 0 ? errno : 0;

	if (!problem && ferror(stdout)) /* an earlier write failed: asked again for the reason */
		problem = write(STDOUT_FILENO, "\n", 1) < 0 ? errno : EIO;
	if (!problem || problem == EPIPE || problem == EBADF)
		return code;
	kt_auto_free char *why = kt_open_problem("/dev/stdout", problem);

	fprintf(stderr, "error: write %s\n", why + strlen("open "));
	return code ? code : KT_EXIT_ERROR;
}

static void seed_hash_tables(void)
{
	uint64_t seed;

	/* 256 bytes and less come whole once the kernel's source is ready */
	if (getrandom(&seed, sizeof(seed), 0) == (ssize_t)sizeof(seed))
		kt_hash_seed(seed);
}

int main(int argc, char **argv)
{
	seed_hash_tables();
	setlocale(LC_ALL, "");
	prctl(PR_SET_NAME, "kube-tui"); /* `up` executes /proc/self/exe */
	kt_log_open(STDERR_FILENO, KT_LOG_WARNING);
	kt_cluster_commands_init(argc - 1, argv + 1, monotonic_ns());
	struct kt_session_options options = {0};
	int at = 1 + take_session_options(argc - 1, argv + 1, &options), code;
	bool script = is_script(argc - at, argv + at);

	if (script && !strcmp(argv[at], "repl")) {
		int more = take_session_options(argc - at - 1, argv + at + 1, &options);

		argv[at + more] = argv[at];
		at += more;
	}
	if (!script && kt_ui_is_asked(argc - 1, argv + 1))
		return kt_ui_main(argc - 1, argv + 1);
	session = kt_session_create(script ? &options : &(struct kt_session_options){0});
	catch_interrupt();
	code = script ? run_lines(argc - at, argv + at)
	              : kt_command_run(session, argc - 1, argv + 1, stdin, stdout, stderr);
	code = finish_output(code);
	kt_session_destroy(session);
	return code;
}
