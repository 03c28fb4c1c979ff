/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/command/script.h"

#include "tui/command/assert.h"
#include "tui/command/shell.h"

#include "base/path.h"

#include <ctype.h>
#include <errno.h>

#define DEPTH_MAX 16 /* a file that sources itself ends here */
#define SCRIPT_MAX_BYTES (16u << 20)

static const char *lookup(void *arg, const char *name)
{
	const struct kt_script *script = arg;
	const char *value = kt_session_variable(script->session, name);

	return value ? value : getenv(name);
}

bool kt_script_is_open(const char *line)
{
	struct kt_tokens tokens;

	kt_words_split(line, &tokens);
	bool open = tokens.open;

	kt_tokens_finish(&tokens);
	return open;
}

/* Output and input of one command: redirections and the shell behind a pipe. */
struct plumbing {
	FILE *in, *out;
	struct kt_shell shell; /* behind the pipe */
	FILE *file_in, *file_out;
};

static void plumbing_finish(struct plumbing *plumbing, int *code)
{
	if (plumbing->file_in)
		fclose(plumbing->file_in);
	if (plumbing->file_out && fclose(plumbing->file_out) != 0 && *code == KT_EXIT_OK)
		*code = KT_EXIT_ERROR;
	if (plumbing->shell.pid)
		*code = kt_shell_close(&plumbing->shell);
}

static FILE *open_file(struct kt_script *script, const char *path, const char *mode)
{
	FILE *file = fopen(path, mode);

	if (!file)
		fprintf(script->err, "error: cannot open %s: %s\n", path, strerror(errno));
	return file;
}

/* Lines up to the word, as a temporary file the command reads. */
static FILE *read_here(
        struct kt_script *script, const char *word, kt_script_more_fn *more, void *arg)
{
	FILE *file = tmpfile();
	char *line;
	bool ended = false;

	if (!file)
		return NULL;
	while (!ended && more && (line = more(arg))) {
		ended = !strcmp(line, word);
		if (!ended)
			fprintf(file, "%s\n", line);
		free(line);
	}
	if (script->given_up) {
		fclose(file);
		return NULL;
	}
	if (!ended)
		fprintf(script->err,
		        "warning: here-document ended at the end of input (wanted '%s')\n", word);
	rewind(file);
	return file;
}

static bool is_assignment(const struct kt_token *token)
{
	const char *p = token->text;

	if (token->kind != KT_TOKEN_WORD || (!isalpha((unsigned char)*p) && *p != '_'))
		return false;
	while (isalnum((unsigned char)*p) || *p == '_')
		p++;
	return *p == '=';
}

static void assign(struct kt_script *script, const char *line, const struct kt_token *token)
{
	struct kt_expansion expansion = kt_script_expansion(script);
	kt_auto_free char *text = kt_word_expand_whole(line, token, &expansion);
	char *equals = strchr(text, '=');

	*equals = '\0';
	kt_session_set_variable(script->session, text, equals + 1);
}

void kt_script_set_arguments(struct kt_script *script, int argc, char *const *argv)
{
	for (int i = 0; i < KT_MAX(argc, script->n_arguments); i++) {
		char name[16];

		snprintf(name, sizeof(name), "%d", i + 1);
		kt_session_set_variable(script->session, name, i < argc ? argv[i] : "");
	}
	script->n_arguments = argc;
}

static int run_source(struct kt_script *script, int argc, char **argv)
{
	if (argc < 2) {
		fputs("error: source takes a file and its arguments\n", script->err);
		return KT_EXIT_USAGE;
	}
	if (script->depth >= DEPTH_MAX) {
		fprintf(script->err, "error: %s: files source each other more than %d deep\n",
		        argv[1], DEPTH_MAX);
		return KT_EXIT_ERROR;
	}
	if (argc > 2)
		kt_script_set_arguments(script, argc - 2, argv + 2);
	script->depth++;
	int code = kt_script_file(script, argv[1]);

	script->depth--;
	return code;
}

/* The words of the script itself; everything else is the command table's. */
static int run_words(struct kt_script *script, int argc, char **argv, FILE *in, FILE *out)
{
	if (!strcmp(argv[0], "exit") || !strcmp(argv[0], "quit")) {
		int64_t code = 0;

		script->exit_asked = true;
		return argc > 1 && kt_sv_int64(kt_sv_of(argv[1]), &code) == 0 ? (int)code & 0xff
		                                                              : KT_EXIT_OK;
	}
	if (!strcmp(argv[0], "source"))
		return run_source(script, argc, argv);
	if (!strcmp(argv[0], "assert"))
		return kt_assert_run(script, argc - 1, argv + 1);
	if (!strcmp(argv[0], "echo")) {
		for (int i = 1; i < argc; i++)
			fprintf(out, "%s%s", i > 1 ? " " : "", argv[i]);
		fputc('\n', out);
		return KT_EXIT_OK;
	}
	int code = kt_command_run(script->session, argc, argv, in, out, script->err);

	fflush(out);
	return code;
}

/* The file of a redirection, whose word is the token. */
static FILE *open_redirection(struct kt_script *script, const char *line, enum kt_token_kind kind,
        const struct kt_token *token, kt_script_more_fn *more, void *arg)
{
	struct kt_expansion expansion = kt_script_expansion(script);
	kt_auto_free char *name = kt_word_expand_whole(line, token, &expansion);

	if (kind == KT_TOKEN_HERE)
		return read_here(script, name, more, arg);
	return open_file(script, name,
	        kind == KT_TOKEN_IN       ? "re"
	        : kind == KT_TOKEN_APPEND ? "ae"
	                                  : "we");
}

/* Reads redirections out of tokens [first, last) and collects the words. False after an error. */
static bool set_up(struct kt_script *script, const char *line, const struct kt_tokens *tokens,
        size_t first, size_t last, struct plumbing *plumbing, struct kt_words *words,
        kt_script_more_fn *more, void *arg)
{
	struct kt_expansion expansion = kt_script_expansion(script);

	for (size_t i = first; i < last; i++) {
		const struct kt_token *token = &tokens->items[i];

		if (token->kind == KT_TOKEN_WORD) {
			kt_word_expand(line, token, &expansion, words);
			continue;
		}
		if (i + 1 >= last || tokens->items[i + 1].kind != KT_TOKEN_WORD) {
			fputs("error: a redirection needs a file name\n", script->err);
			return false;
		}
		FILE *file =
		        open_redirection(script, line, token->kind, &tokens->items[++i], more, arg);
		if (!file)
			return false;
		FILE **slot = token->kind == KT_TOKEN_IN || token->kind == KT_TOKEN_HERE
		                      ? &plumbing->file_in
		                      : &plumbing->file_out;

		if (*slot)
			fclose(*slot);
		*slot = file;
	}
	plumbing->in = plumbing->file_in ? plumbing->file_in : script->in;
	plumbing->out = plumbing->file_out ? plumbing->file_out : script->out;
	return true;
}

/* The output of the words goes to the shell. */
static bool open_pipe(struct kt_script *script, const char *shell, struct plumbing *plumbing)
{
	kt_auto_err err = KT_ERR_INIT;

	if (kt_shell_open(shell, script->out, true, &plumbing->shell, &err) < 0) {
		fprintf(script->err, "error: %s\n", kt_err_message(&err));
		return false;
	}
	plumbing->out = plumbing->shell.in;
	return true;
}

/* One command with what belongs to it: tokens [first, last), the shell text behind its pipe or
 * NULL. Alone, assignments have the exit code of what they took their values from. */
static int run_command(struct kt_script *script, const char *line, const struct kt_tokens *tokens,
        size_t first, size_t last, const char *shell, kt_script_more_fn *more, void *arg)
{
	struct plumbing plumbing = {0};
	struct kt_words words = {0};

	script->output_code = KT_EXIT_OK;
	while (first < last && is_assignment(&tokens->items[first]))
		assign(script, line, &tokens->items[first++]);
	int code = script->output_code;

	if (!set_up(script, line, tokens, first, last, &plumbing, &words, more, arg))
		code = KT_EXIT_ERROR;
	else if (words.list.n && shell && !open_pipe(script, shell, &plumbing))
		code = KT_EXIT_ERROR;
	else if (words.list.n)
		code = run_words(
		        script, (int)words.list.n, words.list.items, plumbing.in, plumbing.out);
	plumbing_finish(&plumbing, &code);
	kt_words_finish(&words);
	return code;
}

/* A pipe's right side: the raw text up to the next ; && || at this level. */
static char *shell_text(
        const char *line, const struct kt_tokens *tokens, size_t pipe, size_t *ret_end)
{
	size_t end = pipe + 1;

	while (end < tokens->n && tokens->items[end].kind != KT_TOKEN_NEXT &&
	        tokens->items[end].kind != KT_TOKEN_AND && tokens->items[end].kind != KT_TOKEN_OR)
		end++;
	size_t start = tokens->items[pipe].end;
	size_t stop = end < tokens->n ? tokens->items[end].start : strlen(line);

	*ret_end = end;
	return kt_strndup(line + start, stop - start);
}

static int run_tokens(struct kt_script *script, const char *line, const struct kt_tokens *tokens,
        kt_script_more_fn *more, void *arg)
{
	int code = KT_EXIT_OK;

	for (size_t i = 0; i < tokens->n && !script->exit_asked;) {
		size_t last = i, end;
		kt_auto_free char *shell = NULL;

		while (last < tokens->n && (tokens->items[last].kind == KT_TOKEN_WORD ||
		                                   tokens->items[last].kind >= KT_TOKEN_OUT))
			last++;
		end = last;
		if (last < tokens->n && tokens->items[last].kind == KT_TOKEN_PIPE)
			shell = shell_text(line, tokens, last, &end);
		if (last > i)
			code = run_command(script, line, tokens, i, last, shell, more, arg);
		enum kt_token_kind joint =
		        end < tokens->n ? tokens->items[end].kind : KT_TOKEN_NEXT;

		i = end + 1;
		/* && after a failure and || after a success skip one command */
		while (i < tokens->n && ((joint == KT_TOKEN_AND && code != 0) ||
		                                (joint == KT_TOKEN_OR && code == 0))) {
			while (i < tokens->n && tokens->items[i].kind != KT_TOKEN_NEXT &&
			        tokens->items[i].kind != KT_TOKEN_AND &&
			        tokens->items[i].kind != KT_TOKEN_OR)
				i++;
			joint = i < tokens->n ? tokens->items[i].kind : KT_TOKEN_NEXT;
			i++;
		}
	}
	return code;
}

/* `!` */
static int run_shell(struct kt_script *script, const char *command)
{
	kt_auto_err err = KT_ERR_INIT;
	struct kt_shell shell;

	if (kt_shell_open(command, script->out, false, &shell, &err) == 0)
		return kt_shell_close(&shell);
	fprintf(script->err, "error: %s\n", kt_err_message(&err));
	return KT_EXIT_ERROR;
}

int kt_script_line(struct kt_script *script, const char *line, kt_script_more_fn *more, void *arg)
{
	struct kt_tokens tokens;

	line += strspn(line, " \t");
	if (*line == '!')
		return run_shell(script, line + 1);
	kt_words_split(line, &tokens);
	int code = run_tokens(script, line, &tokens, more, arg);

	kt_tokens_finish(&tokens);
	return code;
}

struct text_lines {
	struct kt_sv rest;
	unsigned number;
};

static char *next_line(void *arg)
{
	struct text_lines *lines = arg;
	struct kt_sv line;

	if (!lines->rest.p || !lines->rest.len || !kt_sv_split(&lines->rest, '\n', &line))
		return NULL;
	lines->number++;
	if (line.len && line.p[line.len - 1] == '\r')
		line.len--;
	return kt_sv_dup(line);
}

/* The text ended inside quotes or $(; a backslash at the very end is only left out. */
static bool is_cut_off(const char *line)
{
	return kt_script_is_open(line) && !kt_ends_with(line, "\\");
}

static int fail_open(const struct kt_script *script)
{
	fputs("error: quotes or $( are opened here and never closed\n", script->err);
	return KT_EXIT_ERROR;
}

int kt_script_text(struct kt_script *script, const char *text)
{
	struct text_lines lines = {.rest = kt_sv_of(text)};
	int code = KT_EXIT_OK;
	char *line;

	while (!script->exit_asked && (line = next_line(&lines))) {
		unsigned number = lines.number;
		char *more;

		while (kt_script_is_open(line) && (more = next_line(&lines))) {
			size_t len = strlen(line);
			bool joined = len && line[len - 1] == '\\';
			char *both = kt_asprintf("%.*s%s%s", (int)(joined ? len - 1 : len), line,
			        joined ? "" : "\n", more);

			free(line);
			free(more);
			line = both;
		}
		code = is_cut_off(line) ? fail_open(script)
		                        : kt_script_line(script, line, next_line, &lines);
		free(line);
		if (code != KT_EXIT_OK && script->stop_at_error && !script->exit_asked) {
			fprintf(script->err, "%s:%u: stopped, exit code %d\n", script->name, number,
			        code);
			return code;
		}
	}
	return code;
}

int kt_script_file(struct kt_script *script, const char *path)
{
	kt_auto_err err = KT_ERR_INIT;
	kt_auto_str text = KT_STR_INIT;
	const char *outer = script->name;

	if (kt_read_file(path, SCRIPT_MAX_BYTES, &text, &err) < 0) {
		fprintf(script->err, "error: %s\n", kt_err_message(&err));
		return KT_EXIT_ERROR;
	}
	script->name = path;
	int code = kt_script_text(script, kt_str_text(&text));

	script->name = outer;
	return code;
}

/* All of a file from its beginning. False when it is too much or cannot be read. */
static bool read_back(FILE *file, struct kt_str *out)
{
	char piece[4096];
	size_t n;

	rewind(file);
	while (out->len <= SCRIPT_MAX_BYTES && (n = fread(piece, 1, sizeof(piece), file)) > 0)
		kt_str_add(out, piece, n);
	return !ferror(file) && out->len <= SCRIPT_MAX_BYTES;
}

/* What $(COMMAND) prints; the exit code stays in the script. A file takes it, so that a shell
 * behind a pipe may write there, too. */
static char *output(void *arg, const char *command)
{
	struct kt_script *script = arg, inner = *script;
	kt_auto_str out = KT_STR_INIT;

	inner.depth++;
	inner.stop_at_error = false;
	inner.out = script->depth < DEPTH_MAX ? tmpfile() : NULL;
	script->output_code = KT_EXIT_ERROR;
	if (!inner.out) {
		fprintf(script->err, "error: $(%s): %s\n", command,
		        script->depth < DEPTH_MAX ? strerror(errno) : "too deep");
		return kt_strdup("");
	}
	int code = kt_script_text(&inner, command);

	if (read_back(inner.out, &out))
		script->output_code = code;
	else
		fprintf(script->err, "error: $(%s): more than %u bytes\n", command,
		        SCRIPT_MAX_BYTES);
	fclose(inner.out);
	return kt_str_steal(&out);
}

struct kt_expansion kt_script_expansion(struct kt_script *script)
{
	return (struct kt_expansion){.variable = lookup, .output = output, .arg = script};
}
