/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Words to a command run: finds the command, reads options by the table as kubectl's flags are
 * read, runs it. */
#include "tui/command/command.h"
#include "tui/command/help.h"
#include "tui/command/session.h"

#include "base/json.h"
#include "base/time.h"

#include <ctype.h>
#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct option_value {
	char *text;
	struct kt_strings list;
};

static void option_value_free(void *arg)
{
	struct option_value *value = arg;

	for (size_t i = 0; i < value->list.n; i++)
		free(value->list.items[i]);
	free(value->list.items);
	free(value->text);
	free(value);
}

static const struct kt_option *find_in(
        const struct kt_option *options, struct kt_sv name, char letter)
{
	for (; options && options->name; options++)
		if (letter ? options->letter == letter : kt_sv_is(name, options->name))
			return options;
	return NULL;
}

static const struct kt_option *find_option(
        const struct kt_command *command, struct kt_sv name, char letter)
{
	const struct kt_option *option = find_in(command->options, name, letter);

	return option ? option : find_in(kt_global_options, name, letter);
}

static int usage_error(struct kt_command_context *ctx, const char *fmt, ...)
        __attribute__((format(printf, 2, 3)));
static int usage_error(struct kt_command_context *ctx, const char *fmt, ...)
{
	va_list ap;

	fputs("error: ", ctx->err);
	va_start(ap, fmt);
	vfprintf(ctx->err, fmt, ap);
	va_end(ap);
	fputc('\n', ctx->err);
	fprintf(ctx->err, "See 'kube-tui %s --help' for usage.\n", ctx->path);
	return -EINVAL;
}

static bool parse_bool(const char *text, bool *ret_value)
{
	static const char *const yes[] = {"true", "True", "TRUE", "1", "t", "T"};
	static const char *const no[] = {"false", "False", "FALSE", "0", "f", "F"};

	for (size_t i = 0; i < KT_ARRAY_SIZE(yes); i++) {
		if (!strcmp(text, yes[i]) || !strcmp(text, no[i])) {
			*ret_value = !strcmp(text, yes[i]);
			return true;
		}
	}
	return false;
}

/* Why a text is no duration, in the words of Go. */
static void complain_of_duration(struct kt_str *out, const char *text)
{
	size_t digits = strspn(text + strspn(text, "+-"), "0123456789.");
	const char *unit = text + strspn(text, "+-") + digits;

	if (digits && !*unit)
		kt_str_printf(out, "time: missing unit in duration \"%s\"", text);
	else if (digits && isalpha((unsigned char)*unit))
		kt_str_printf(out, "time: unknown unit \"%.*s\" in duration \"%s\"",
		        (int)strcspn(unit, "0123456789."), unit, text);
	else
		kt_str_printf(out, "time: invalid duration \"%s\"", text);
}

/* True, or false with the reason in the words of the library that reads kubectl's flags. */
static bool value_fits(const struct kt_option *option, const char *text, struct kt_str *why)
{
	int64_t number;
	bool flag;

	switch (option->type) {
	case KT_OPTION_BOOL:
		if (parse_bool(text, &flag))
			return true;
		kt_str_printf(why, "strconv.ParseBool: parsing \"%s\": invalid syntax", text);
		return false;
	case KT_OPTION_INT:
		if (kt_sv_int64(kt_sv_of(text), &number) == 0)
			return true;
		kt_str_printf(why, "strconv.ParseInt: parsing \"%s\": %s", text,
		        *text && !text[strspn(text, "0123456789")] ? "value out of range"
		                                                   : "invalid syntax");
		return false;
	case KT_OPTION_DURATION:
		if (kt_duration_parse(kt_sv_of(text), &number) == 0 || !strcmp(text, "0"))
			return true;
		complain_of_duration(why, text);
		return false;
	case KT_OPTION_STRING:
	case KT_OPTION_STRINGS:
		break;
	}
	return true;
}

static int set_option(
        struct kt_command_context *ctx, const struct kt_option *option, const char *text)
{
	kt_auto_str why = KT_STR_INIT;

	if (!value_fits(option, text, &why)) {
		char letter[] = {'-', option->letter, ',', ' ', '\0'};

		return usage_error(ctx, "invalid argument \"%s\" for \"%s--%s\" flag: %s", text,
		        option->letter ? letter : "", option->name, kt_str_text(&why));
	}
	struct option_value *value = kt_map_get(&ctx->options, option->name);

	if (!value) {
		value = kt_new(struct option_value);
		kt_map_set(&ctx->options, option->name, value);
	}
	if (option->type == KT_OPTION_STRINGS) {
		value->list.items =
		        kt_reallocarray(value->list.items, value->list.n + 1, sizeof(char *));
		value->list.items[value->list.n++] = kt_strdup(text);
		return 0;
	}
	free(value->text);
	value->text = kt_strdup(text);
	return 0;
}

/* What an option means when it stands without a value; NULL: it needs one. */
static const char *bare_value(const struct kt_option *option)
{
	if (option->type == KT_OPTION_BOOL)
		return "true";
	return option->optional_value ? option->bare : NULL;
}

static int parse_long(struct kt_command_context *ctx, int argc, char *const *argv, int *i)
{
	const char *word = argv[*i] + 2;
	const char *equals = strchr(word, '=');
	struct kt_sv name = {word, equals ? (size_t)(equals - word) : strlen(word)};
	const struct kt_option *option = find_option(ctx->command, name, 0);

	if (!option)
		return usage_error(ctx, "unknown flag: --%.*s", (int)name.len, name.p);
	if (equals)
		return set_option(ctx, option, equals + 1);
	if (bare_value(option))
		return set_option(ctx, option, bare_value(option));
	if (*i + 1 >= argc)
		return usage_error(ctx, "flag needs an argument: --%s", option->name);
	return set_option(ctx, option, argv[++*i]);
}

/* -it, -n NS, -nNS, -n=NS */
static int parse_short(struct kt_command_context *ctx, int argc, char *const *argv, int *i)
{
	for (const char *p = argv[*i] + 1; *p; p++) {
		const struct kt_option *option = find_option(ctx->command, KT_SV(""), *p);

		if (!option)
			return usage_error(ctx, "unknown shorthand flag: '%c' in %s", *p, argv[*i]);
		if (p[1] == '=')
			return set_option(ctx, option, p + 2);
		if (bare_value(option)) {
			if (set_option(ctx, option, bare_value(option)) < 0)
				return -EINVAL;
			continue;
		}
		if (p[1])
			return set_option(ctx, option, p + 1);
		if (*i + 1 >= argc)
			return usage_error(ctx, "flag needs an argument: '%c' in %s", *p, argv[*i]);
		return set_option(ctx, option, argv[++*i]);
	}
	return 0;
}

static int parse_words(struct kt_command_context *ctx, int argc, char *const *argv)
{
	ctx->argv = kt_new_array(char *, (size_t)argc + 1);
	ctx->dash_at = -1;
	for (int i = 0; i < argc; i++) {
		int r = 0;

		if (ctx->dash_at < 0 && !strcmp(argv[i], "--"))
			ctx->dash_at = ctx->argc;
		else if (ctx->dash_at < 0 && kt_starts_with(argv[i], "--"))
			r = parse_long(ctx, argc, argv, &i);
		else if (ctx->dash_at < 0 && argv[i][0] == '-' && argv[i][1])
			r = parse_short(ctx, argc, argv, &i);
		else
			ctx->argv[ctx->argc++] = argv[i];
		if (r < 0)
			return r;
	}
	return 0;
}

static bool command_is(const struct kt_command *command, const char *word)
{
	if (!strcmp(command->name, word))
		return true;
	for (size_t i = 0; command->aliases && command->aliases[i]; i++)
		if (!strcmp(command->aliases[i], word))
			return true;
	return false;
}

const struct kt_command *kt_command_find(const struct kt_command *const *commands, const char *word)
{
	for (; commands && *commands; commands++)
		if (command_is(*commands, word))
			return *commands;
	return NULL;
}

int kt_command_position(int argc, char *const *argv)
{
	for (int i = 0; i < argc; i++) {
		if (argv[i][0] != '-')
			return i;
		const char *name = argv[i] + (argv[i][1] == '-' ? 2 : 1);
		const struct kt_option *option =
		        argv[i][1] == '-' ? find_in(kt_global_options, kt_sv_of(name), 0)
		                          : find_in(kt_global_options, KT_SV(""), *name);

		if (option && option->type != KT_OPTION_BOOL && (argv[i][1] == '-' || !name[1]))
			i++;
	}
	return -1;
}

static int terminal_columns(FILE *out)
{
	struct winsize size;
	const char *columns = getenv("COLUMNS");
	int64_t n;

	if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col)
		return size.ws_col;
	return columns && kt_sv_int64(kt_sv_of(columns), &n) == 0 && n > 0 && n < 10000 ? (int)n
	                                                                                : 80;
}

/* Are they alike: one begins with the other, or at most two letters were mistyped? */
bool kt_command_is_like(const char *typed, const char *name)
{
	enum { WORD_MAX = 32, MISTYPED_MAX = 2 };
	size_t distance[WORD_MAX + 1], n = strlen(name);

	if (n > WORD_MAX || strlen(typed) > WORD_MAX)
		return false;
	for (size_t j = 0; j <= n; j++)
		distance[j] = j;
	for (size_t i = 0; typed[i]; i++) {
		size_t diagonal = distance[0]++;

		for (size_t j = 0; j < n; j++) {
			size_t change = diagonal + (tolower((unsigned char)typed[i]) != name[j]);
			size_t skip = KT_MIN(distance[j], distance[j + 1]) + 1;

			diagonal = distance[j + 1];
			distance[j + 1] = KT_MIN(change, skip);
		}
	}
	return distance[n] <= MISTYPED_MAX || !strncasecmp(name, typed, strlen(typed));
}

bool kt_command_suggest(const char *word, FILE *out)
{
	bool any = false;

	for (const struct kt_command *const *c = kt_commands; *c; c++) {
		if (!(*c)->group || !kt_command_is_like(word, (*c)->name))
			continue;
		if (out)
			fprintf(out, "%s\t%s\n", any ? "" : "\nDid you mean this?\n", (*c)->name);
		any = true;
	}
	return any;
}

static int unknown_command(const char *word, FILE *err)
{
	fprintf(err, "error: unknown command \"%s\" for \"kube-tui\"\n", word);
	kt_command_suggest(word, err);
	return KT_EXIT_ERROR;
}

/* A command that is only a name for others. */
static int run_group(struct kt_command_context *ctx)
{
	if (!ctx->argc) {
		kt_help_command(ctx->command, ctx->err);
		return KT_EXIT_ERROR;
	}
	fprintf(ctx->err,
	        "error: unknown command \"%s\"\nSee 'kube-tui %s -h' for help and examples\n",
	        ctx->argv[0], ctx->path);
	return KT_EXIT_ERROR;
}

static int run_parsed(struct kt_command_context *ctx)
{
	struct kt_session *own = NULL;
	kt_auto_err err = KT_ERR_INIT;
	int code;

	if (kt_opt_bool(ctx, "help")) {
		kt_help_command(ctx->command, ctx->out);
		return KT_EXIT_OK;
	}
	if (ctx->command->run && !ctx->reads && kt_session_readonly(ctx->session))
		return kt_command_fail(ctx, NULL, "read-only: nothing is changed");
	if (kt_session_derive(ctx->session, ctx, &own, &err) < 0) {
		/* `up --kubeconfig FILE` writes the file that others read */
		if (ctx->command->needs_client && !kt_opt_bool(ctx, "local"))
			return kt_command_fail(ctx, &err, NULL);
		kt_err_clear(&err);
	}
	if (own)
		ctx->session = own;
	kt_session_start_command(ctx->session);
	if (!ctx->command->run)
		code = run_group(ctx);
	else if (ctx->command->needs_client && !kt_opt_bool(ctx, "local") &&
	         !kt_session_client(ctx->session, &err))
		code = kt_command_fail(ctx, &err, NULL);
	else
		code = ctx->command->run(ctx);
	if (code == KT_EXIT_OK && ctx->n_warnings && kt_opt_bool(ctx, "warnings-as-errors")) {
		fprintf(ctx->err, "error: %zu warning%s received\n", ctx->n_warnings,
		        ctx->n_warnings > 1 ? "s" : "");
		code = KT_EXIT_ERROR;
	}
	kt_session_destroy(own);
	return code;
}

/* Does the option in this word take the next word as its value? */
static bool takes_next(const struct kt_command *command, const char *word)
{
	const struct kt_option *option = word[1] == '-'
	                                         ? find_option(command, kt_sv_of(word + 2), 0)
	                                 : !word[2] ? find_option(command, KT_SV(""), word[1])
	                                            : NULL;

	return option && !bare_value(option);
}

/* The words behind the command's name, without those that name a subcommand: these may only stand
 * before any other argument. */
static int take_command_words(struct kt_command_context *ctx, int argc, char *const *argv, int at,
        char **words, struct kt_str *path)
{
	bool deeper = true;
	int n = 0;

	kt_str_puts(path, ctx->command->name);
	ctx->reads = ctx->command->reads;
	for (int i = 0; i < argc; i++) {
		const struct kt_command *sub = NULL;

		if (i == at)
			continue;
		if (i > at && deeper && argv[i][0] != '-') {
			sub = kt_command_find(ctx->command->subcommands, argv[i]);
			deeper = sub;
		}
		if (sub) {
			ctx->command = sub;
			ctx->reads = ctx->reads || sub->reads;
			kt_str_printf(path, " %s", sub->name);
			continue;
		}
		words[n++] = argv[i];
		if (argv[i][0] == '-' && argv[i][1] && i + 1 < argc && i + 1 != at &&
		        takes_next(ctx->command, argv[i]))
			words[n++] = argv[++i];
	}
	return n;
}

int kt_command_run(
        struct kt_session *session, int argc, char *const *argv, FILE *in, FILE *out, FILE *err)
{
	int at = kt_command_position(argc, argv);

	if (at >= 0 && !strcmp(argv[at], "kubectl") && at == 0)
		return kt_command_run(session, argc - 1, argv + 1, in, out, err);
	if (at < 0) {
		kt_help_overview(argc ? err : out);
		return argc ? KT_EXIT_USAGE : KT_EXIT_OK;
	}
	struct kt_command_context ctx = {
	        .command = kt_command_find(kt_commands, argv[at]),
	        .session = session,
	        .in = in,
	        .out = out,
	        .err = err,
	        .out_is_tty = isatty(fileno(out)) == 1,
	        .in_is_tty = isatty(fileno(in)) == 1,
	        .columns = terminal_columns(out),
	        .cancel = kt_session_cancel(session),
	};

	if (!ctx.command)
		return unknown_command(argv[at], err);
	kt_auto_free char **words = kt_new_array(char *, (size_t)argc + 1);
	kt_auto_str path = KT_STR_INIT;
	int n = take_command_words(&ctx, argc, argv, at, words, &path);

	ctx.path = kt_str_text(&path);
	kt_map_init(&ctx.options, option_value_free);
	int code = parse_words(&ctx, n, words) < 0 ? KT_EXIT_ERROR : run_parsed(&ctx);

	kt_map_finish(&ctx.options);
	free(ctx.argv);
	return code;
}

static const char *option_text(const struct kt_command_context *ctx, const char *name)
{
	const struct option_value *value = kt_map_get(&ctx->options, name);

	if (value)
		return value->text;
	const struct kt_option *option = find_option(ctx->command, kt_sv_of(name), 0);

	return option ? option->fallback : NULL;
}

bool kt_opt_bool(const struct kt_command_context *ctx, const char *name)
{
	const char *text = option_text(ctx, name);
	bool value = false;

	return text && parse_bool(text, &value) && value;
}

const char *kt_opt_string(const struct kt_command_context *ctx, const char *name)
{
	return option_text(ctx, name);
}

const struct kt_strings *kt_opt_strings(const struct kt_command_context *ctx, const char *name)
{
	static const struct kt_strings none;
	const struct option_value *value = kt_map_get(&ctx->options, name);

	return value ? &value->list : &none;
}

int64_t kt_opt_int(const struct kt_command_context *ctx, const char *name)
{
	const char *text = option_text(ctx, name);
	int64_t value = 0;

	if (text && kt_sv_int64(kt_sv_of(text), &value) < 0 &&
	        kt_duration_parse(kt_sv_of(text), &value) < 0)
		return 0;
	return value;
}

bool kt_opt_given(const struct kt_command_context *ctx, const char *name)
{
	return kt_map_has(&ctx->options, name);
}
