/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/command/assert.h"

#include "tui/command/wait.h"

#include "base/time.h"

#include <errno.h>

enum relation { SUCCEEDS, FAILS, EQUALS, DIFFERS, CONTAINS };

static const struct {
	const char *word;
	enum relation relation;
	bool takes_text;
} RELATIONS[] = {
        {"==", EQUALS, true},
        {"!=", DIFFERS, true},
        {"contains", CONTAINS, true},
        {"succeeds", SUCCEEDS, false},
        {"fails", FAILS, false},
};

struct assertion {
	struct kt_script *script;
	int argc; /* of the command */
	char **argv;
	enum relation relation;
	const char *text;
	int64_t within_ns; /* 0: once */
	char *got;         /* output of the last run */
	int code;
};

/* Cuts `within TIME` and the relation off the end of the words. */
static int parse(struct assertion *assertion, int argc, char **argv, struct kt_err *err)
{
	if (argc >= 2 && !strcmp(argv[argc - 2], "within")) {
		if (kt_duration_parse(kt_sv_of(argv[argc - 1]), &assertion->within_ns) < 0)
			return kt_fail(err, EINVAL, "assert: \"%s\" is no duration (10s, 2m)",
			        argv[argc - 1]);
		argc -= 2;
	}
	for (size_t i = 0; i < KT_ARRAY_SIZE(RELATIONS); i++) {
		int at = argc - 1 - RELATIONS[i].takes_text;

		if (at < 1 || strcmp(argv[at], RELATIONS[i].word) != 0)
			continue;
		assertion->relation = RELATIONS[i].relation;
		assertion->text = RELATIONS[i].takes_text ? argv[at + 1] : NULL;
		argc = at;
		break;
	}
	assertion->argc = argc;
	assertion->argv = argv;
	return argc > 0 ? 0 : kt_fail(err, EINVAL, "assert: a command is missing");
}

static void run_command(struct assertion *assertion)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	FILE *nothing = fopen("/dev/null", "r+e");

	assertion->code = kt_command_run(assertion->script->session, assertion->argc,
	        assertion->argv, nothing, out, nothing);
	fclose(out);
	if (nothing)
		fclose(nothing);
	free(assertion->got);
	assertion->got = kt_sv_dup(kt_sv_trim((struct kt_sv){text, len}));
	free(text);
}

static bool holds(const struct assertion *assertion)
{
	switch (assertion->relation) {
	case SUCCEEDS:
		return assertion->code == KT_EXIT_OK;
	case FAILS:
		return assertion->code != KT_EXIT_OK;
	case EQUALS:
		return !strcmp(assertion->got, assertion->text);
	case DIFFERS:
		return strcmp(assertion->got, assertion->text) != 0;
	case CONTAINS:
		return strstr(assertion->got, assertion->text) != NULL;
	}
	return false;
}

static int check(void *arg, const json_t *object, struct kt_err *err)
{
	struct assertion *assertion = arg;

	(void)object;
	(void)err;
	run_command(assertion);
	return holds(assertion);
}

/* The first word that names a type: what to watch. */
static const struct kt_resource *watched(const struct assertion *assertion, struct kt_err *err)
{
	for (int i = 1; i < assertion->argc; i++) {
		kt_auto_free char *word =
		        kt_strndup(assertion->argv[i], strcspn(assertion->argv[i], "/,"));
		kt_auto_err ignored = KT_ERR_INIT;
		const struct kt_resource *resource =
		        *word == '-'
		                ? NULL
		                : kt_session_resource(assertion->script->session, word, &ignored);

		if (resource)
			return resource;
	}
	kt_fail(err, EINVAL, "assert: within needs a command that names a type, like `get pods`");
	return NULL;
}

static int wait_until(struct assertion *assertion, struct kt_err *err)
{
	const struct kt_resource *resource = watched(assertion, err);
	struct kt_command_context ctx = {
	        .session = assertion->script->session,
	        .cancel = kt_session_cancel(assertion->script->session),
	        .out = assertion->script->out,
	        .err = assertion->script->err,
	};
	struct kt_target target = {.resource = resource};

	if (!resource)
		return err->code;
	int r = kt_wait_for(&ctx, &target, assertion->within_ns, check, assertion, err);

	if (r != -ETIMEDOUT)
		return r;
	kt_err_clear(err);
	run_command(assertion);
	return 0;
}

static void say_failed(const struct assertion *assertion)
{
	FILE *out = assertion->script->err;

	fputs("assertion failed:", out);
	for (int i = 0; i < assertion->argc; i++)
		fprintf(out, " %s", assertion->argv[i]);
	if (assertion->text)
		fprintf(out, "\n  wanted: %s%s", assertion->relation == DIFFERS ? "not " : "",
		        assertion->text);
	fprintf(out, "\n  got:    %s\n  exit:   %d\n", assertion->got ? assertion->got : "",
	        assertion->code);
}

/* assert 'get pods -o name' …: the whole command as one word. */
static int take_apart(struct assertion *assertion, struct kt_words *words, struct kt_err *err)
{
	const char *line = assertion->argv[0];
	struct kt_expansion expansion = kt_script_expansion(assertion->script);
	struct kt_tokens tokens;
	bool is_one = true;

	kt_words_split(line, &tokens);
	for (size_t i = 0; i < tokens.n && is_one; i++) {
		is_one = tokens.items[i].kind == KT_TOKEN_WORD;
		if (is_one)
			kt_word_expand(line, &tokens.items[i], &expansion, words);
	}
	kt_tokens_finish(&tokens);
	if (!is_one)
		return kt_fail(err, EINVAL,
		        "assert: \"%s\" is more than one command: no ; & | < or > here", line);
	assertion->argc = (int)words->list.n;
	assertion->argv = words->list.items;
	return assertion->argc > 0 ? 0 : kt_fail(err, EINVAL, "assert: a command is missing");
}

int kt_assert_run(struct kt_script *script, int argc, char **argv)
{
	struct assertion assertion = {.script = script, .relation = SUCCEEDS};
	kt_auto_err err = KT_ERR_INIT;
	struct kt_words words = {0};
	int r = parse(&assertion, argc, argv, &err);

	if (r == 0 && assertion.argc == 1)
		r = take_apart(&assertion, &words, &err);
	if (r == 0)
		run_command(&assertion);
	if (r == 0 && !holds(&assertion) && assertion.within_ns > 0)
		r = wait_until(&assertion, &err);
	bool ok = r == 0 && holds(&assertion);

	if (r < 0)
		fprintf(script->err, "error: %s\n", kt_err_message(&err));
	else if (!ok)
		say_failed(&assertion);
	free(assertion.got);
	kt_words_finish(&words);
	return ok ? KT_EXIT_OK : KT_EXIT_ERROR;
}
