/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command table as a whole, and how words are read by it; no server. */
#include "support/support.h"

#include "base/mem.h"
#include "tui/command/command.h"
#include "tui/command/output.h"
#include "tui/command/session.h"

#include <stdio.h>

static void check_options(const struct kt_command *command)
{
	for (const struct kt_option *o = command->options; o && o->name; o++) {
		assert_non_null(o->help);
		if (o->type == KT_OPTION_BOOL)
			assert_null(o->value_name);
		if (o->completion == KT_COMPLETE_WORDS)
			assert_non_null(o->words);
		for (const struct kt_option *p = o + 1; p->name; p++) {
			assert_string_not_equal(o->name, p->name);
			assert_false(o->letter && o->letter == p->letter);
		}
		/* but for --user of bindings, which is kubectl's name for whom they are given to,
		 * and for what is written into a context */
		bool subject =
		        (!strcmp(o->name, "user") && (strstr(command->name, "rolebinding") ||
		                                             !strcmp(command->name, "subject"))) ||
		        !strcmp(command->name, "set-context");

		for (const struct kt_option *g = kt_global_options; g->name && !subject; g++)
			assert_string_not_equal(o->name, g->name);
	}
}

static void check_command(const struct kt_command *command)
{
	assert_non_null(command->summary);
	assert_non_null(command->usage);
	assert_true(command->run || command->subcommands);
	check_options(command);
	for (size_t i = 0; command->subcommands && command->subcommands[i]; i++)
		check_command(command->subcommands[i]);
}

static void test_table(void **state)
{
	(void)state;
	for (const struct kt_command *const *c = kt_commands; *c; c++) {
		check_command(*c);
		for (const struct kt_command *const *d = c + 1; *d; d++) {
			assert_string_not_equal((*c)->name, (*d)->name);
			for (size_t i = 0; (*c)->aliases && (*c)->aliases[i]; i++)
				assert_null(kt_command_find(d, (*c)->aliases[i]));
		}
	}
}

/* Runs a line without a server and returns what it wrote to `err`. */
static int run(const char *const *words, char *err_text, size_t size)
{
	struct kt_session *session =
	        kt_session_create(&(struct kt_session_options){.kubeconfig = "/nonexistent"});
	char *text = NULL;
	size_t len = 0;
	FILE *err = open_memstream(&text, &len), *nothing = fopen("/dev/null", "r+");
	int argc = 0;

	while (words[argc])
		argc++;
	int code = kt_command_run(
	        session, argc, (char *const *)(uintptr_t)words, nothing, nothing, err);

	fclose(err);
	fclose(nothing);
	snprintf(err_text, size, "%s", text);
	free(text);
	kt_session_destroy(session);
	return code;
}

static void check_refused(const char *const *words, const char *wanted)
{
	char text[1024];

	assert_int_not_equal(run(words, text, sizeof(text)), KT_EXIT_OK);
	if (!strstr(text, wanted))
		print_error("wanted: %s\ngot: %s\n", wanted, text);
	assert_non_null(strstr(text, wanted));
}

static void test_refusals(void **state)
{
	(void)state;
	check_refused((const char *const[]){"gett", NULL}, "unknown command \"gett\"");
	check_refused((const char *const[]){"gett", NULL}, "\tget\n");
	check_refused((const char *const[]){"get", "--bogus", NULL}, "unknown flag: --bogus");
	check_refused(
	        (const char *const[]){"get", "-X", NULL}, "unknown shorthand flag: 'X' in -X");
	check_refused(
	        (const char *const[]){"get", "-o", NULL}, "flag needs an argument: 'o' in -o");
	check_refused(
	        (const char *const[]){"get", "--output", NULL}, "flag needs an argument: --output");
	check_refused((const char *const[]){"logs", "x", "--tail=ten", NULL},
	        "invalid argument \"ten\" for \"--tail\" flag");
	check_refused((const char *const[]){"get", "-w=maybe", NULL},
	        "invalid argument \"maybe\" for \"-w, --watch\" flag");
}

static void test_help_needs_no_server(void **state)
{
	char text[1024];

	(void)state;
	assert_int_equal(
	        run((const char *const[]){"get", "--help", NULL}, text, sizeof(text)), KT_EXIT_OK);
	assert_int_equal(run((const char *const[]){"-n", "x", "rollout", "status", "-h", NULL},
	                         text, sizeof(text)),
	        KT_EXIT_OK);
	assert_int_equal(run((const char *const[]){"kubectl", "version", "--client", NULL}, text,
	                         sizeof(text)),
	        KT_EXIT_OK);
}

static void test_table_writer(void **state)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct kt_table_writer *table = kt_table_writer_create(out);
	static const char *const CELLS[] = {"NAME", "AGE", "x", "1\x1b[31m2", "a-long-name", "é"};

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		kt_table_writer_cell(table, CELLS[i]);
		if (i % 2)
			kt_table_writer_end_row(table);
	}
	kt_table_writer_destroy(table);
	fclose(out);
	assert_string_equal(text, "NAME          AGE\n"
	                          "x             1\\x1b[31m2\n"
	                          "a-long-name   é\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_table),
	        cmocka_unit_test(test_refusals),
	        cmocka_unit_test(test_help_needs_no_server),
	        cmocka_unit_test(test_table_writer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
