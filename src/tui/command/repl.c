/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/command/repl.h"

#include "tui/command/complete.h"
#include "tui/command/script.h"

#include "base/path.h"

#include <errno.h>
#include <poll.h>
#include <readline/history.h>
#include <readline/readline.h>
#include <signal.h>
#include <unistd.h>

#define HISTORY_LINES_MAX 5000

/* readline's hooks take no argument: the one prompt of the process. */
static struct {
	struct kt_session *session;
	struct kt_candidates candidates;
	size_t next;
	char *text;       /* the prompt of a new statement */
	bool is_going_on; /* "... " is shown */
	bool is_given_up; /* ^C there: what was typed before is dropped */
	char *first_line; /* typed after that: the next statement */
	bool is_at_end;
} prompt;

static char *next_candidate(const char *text, int state)
{
	(void)text;
	if (!state)
		prompt.next = 0;
	if (prompt.next >= prompt.candidates.n)
		return NULL;
	return strdup(prompt.candidates.items[prompt.next++].text);
}

static char **complete(const char *text, int start, int end)
{
	kt_auto_free char *line = kt_strndup(rl_line_buffer, (size_t)end);

	kt_candidates_finish(&prompt.candidates);
	kt_complete(prompt.session, line, &prompt.candidates);
	rl_attempted_completion_over = !prompt.candidates.files;
	/* candidates stand for what begins at word_start; readline's word may begin elsewhere
	 * (behind '=') */
	if (!prompt.candidates.n || prompt.candidates.word_start != (size_t)start)
		return NULL;
	rl_completion_append_character = ' ';
	if (prompt.candidates.n == 1 && kt_ends_with(prompt.candidates.items[0].text, "="))
		rl_completion_append_character = '\0';
	return rl_completion_matches(text, next_candidate);
}

static void on_interrupt(int number)
{
	(void)number;
	kt_cancel_ask(kt_session_cancel(prompt.session));
}

/* ^C while a line is typed: it is thrown away, as in a shell, with the lines before that belong to
 * it. */
static void drop_line(void)
{
	kt_cancel_reset(kt_session_cancel(prompt.session));
	rl_crlf();
	rl_replace_line("", 0);
	if (prompt.is_going_on) {
		prompt.is_given_up = true;
		rl_set_prompt(prompt.text);
	}
	rl_on_new_line();
	rl_redisplay();
}

/* The next key, or ^C first: readline alone notices a ^C only while it reads, and one that comes
 * just before would wait for the next key. */
static int read_key(FILE *in)
{
	struct kt_cancel *cancel = kt_session_cancel(prompt.session);
	struct pollfd fds[] = {
	        {.fd = fileno(in), .events = POLLIN}, {.fd = cancel->fd, .events = POLLIN}};
	sigset_t interrupt, outer;

	sigemptyset(&interrupt);
	sigaddset(&interrupt, SIGINT);
	while (!fds[0].revents) {
		rl_check_signals();
		if (kt_cancel_is_asked(cancel))
			drop_line();
		sigprocmask(SIG_BLOCK, &interrupt, &outer);
		if (!rl_pending_signal() && ppoll(fds, KT_ARRAY_SIZE(fds), NULL, &outer) < 0)
			fds[0].revents = 0;
		sigprocmask(SIG_SETMASK, &outer, NULL);
	}
	return rl_getc(in);
}

/* A blank at the start keeps a line out of the history, and so do tokens. */
static void remember(const char *line, const char *history_path)
{
	const HIST_ENTRY *last =
	        history_length ? history_get(history_base + history_length - 1) : NULL;

	if (!*line || *line == ' ' || strstr(line, "--token") ||
	        (last && !strcmp(last->line, line)))
		return;
	add_history(line);
	if (history_path && append_history(1, history_path) != 0 && errno == ENOENT)
		write_history(history_path);
}

static char *prompt_text(struct kt_session *session, const char *cluster, int code)
{
	const char *namespace = kt_session_namespace(session);

	return kt_asprintf(
	        "\001\033[36m\002%s\001\033[0m\002:\001\033[33m\002%s\001\033[0m\002%s> ", cluster,
	        namespace, code ? " \001\033[31m\002!\001\033[0m\002" : "");
}

/* A further line of a statement; NULL at the end of input, and when the statement was given up:
 * then what was typed instead waits in first_line. */
static char *more_lines(void *arg)
{
	struct kt_script *script = arg;

	prompt.is_going_on = true;
	prompt.is_given_up = false;
	char *line = readline("... ");

	prompt.is_going_on = false;
	if (!prompt.is_given_up)
		return line;
	script->given_up = true;
	prompt.first_line = line;
	prompt.is_at_end = !line;
	return NULL;
}

static char *first_line(void)
{
	char *line = prompt.first_line;

	prompt.first_line = NULL;
	return line || prompt.is_at_end ? line : readline(prompt.text);
}

/* Reads on while quotes or $( are open. Heap; NULL at the end of input. */
static char *read_command(struct kt_script *script)
{
	char *line = first_line();

	while (line && kt_script_is_open(line)) {
		char *more = more_lines(script);

		if (!more && script->given_up) {
			script->given_up = false;
			free(line);
			line = first_line();
			continue;
		}
		if (!more)
			break;
		size_t len = strlen(line);
		bool joined = len && line[len - 1] == '\\';
		char *both = kt_asprintf(
		        "%.*s%s%s", (int)(joined ? len - 1 : len), line, joined ? "" : "\n", more);

		free(line);
		free(more);
		line = both;
	}
	return line;
}

static void set_up(struct kt_session *session, const char *history_path)
{
	prompt.session = session;
	rl_readline_name = "kube-tui";
	rl_attempted_completion_function = complete;
	rl_getc_function = read_key;
	rl_basic_word_break_characters = " \t\n;|<>&=(";
	rl_completer_quote_characters = "'\"";
	/* with the times entries of several lines are read as they were written */
	history_comment_char = '#';
	history_write_timestamps = 1;
	using_history();
	stifle_history(HISTORY_LINES_MAX);
	if (history_path)
		read_history(history_path);
	struct sigaction action = {.sa_handler = on_interrupt};

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
}

static int expand_history(char **line)
{
	char *expanded = NULL;
	int r = history_expand(*line, &expanded);

	if (r < 0 || r == 2)
		fprintf(r < 0 ? stderr : stdout, "%s\n", expanded);
	if (r == 1)
		puts(expanded);
	free(*line);
	*line = expanded;
	return r < 0 || r == 2 ? -1 : 0;
}

static int interactive(struct kt_session *session, const char *cluster, const char *history_path)
{
	struct kt_script script = {
	        .session = session, .in = stdin, .out = stdout, .err = stderr, .name = "prompt"};
	int code = KT_EXIT_OK;

	set_up(session, history_path);
	history_no_expand_chars = " \t\n\r=";
	while (!script.exit_asked) {
		free(prompt.text);
		prompt.text = prompt_text(session, cluster, code);
		char *line = read_command(&script);

		if (!line)
			break;
		script.given_up = false;
		kt_cancel_reset(kt_session_cancel(session));
		/* '!' at the start is the shell's; elsewhere the history's */
		if (!strchr(line, '\n') &&
		        (*line != '!' || (line[1] && strchr("!-0123456789?", line[1])))) {
			if (expand_history(&line) < 0) {
				free(line);
				continue;
			}
		}
		remember(line, history_path);
		/* what was pasted has its here-documents with it */
		code = strchr(line, '\n') ? kt_script_text(&script, line)
		                          : kt_script_line(&script, line, more_lines, &script);
		free(line);
	}
	free(prompt.text);
	kt_candidates_finish(&prompt.candidates);
	if (history_path)
		history_truncate_file(history_path, HISTORY_LINES_MAX);
	return code;
}

int kt_repl_run(struct kt_session *session, const char *cluster_name, const char *history_path)
{
	struct kt_script script = {.session = session,
	        .in = stdin,
	        .out = stdout,
	        .err = stderr,
	        .name = "standard input",
	        .stop_at_error = true};

	if (isatty(STDIN_FILENO) == 1)
		return interactive(session, cluster_name, history_path);
	return kt_script_file(&script, "-");
}
