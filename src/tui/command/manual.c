/* SPDX-License-Identifier: GPL-3.0-or-later */
/* __manual TEMPLATE: the manual page, its lists of commands and options taken from the table. */
#include "tui/command/options.h"

#include "base/path.h"

#include <errno.h>

#define TEMPLATE_MAX_BYTES (1u << 20)

static const struct kt_option NO_OPTIONS[] = {KT_OPTION_END};

/* Text for roff: a backslash and a leading dot or quote mean something there. */
static void put_text(FILE *out, const char *text)
{
	bool line_start = true;

	for (const char *p = text; *p; p++) {
		if (line_start && (*p == '.' || *p == '\''))
			fputs("\\&", out);
		if (*p == '\\')
			fputs("\\e", out);
		else if (*p == '-')
			fputs("\\-", out);
		else
			fputc(*p, out);
		line_start = *p == '\n';
	}
}

static void put_options(FILE *out, const struct kt_option *options)
{
	for (; options && options->name; options++) {
		fputs(".TP\n.B ", out);
		if (options->letter)
			fprintf(out, "\\-%c, ", options->letter);
		fputs("\\-\\-", out);
		put_text(out, options->name);
		if (options->value_name) {
			fputs("=", out);
			put_text(out, options->value_name);
		}
		fputc('\n', out);
		put_text(out, options->help);
		if (options->fallback && *options->fallback && options->type != KT_OPTION_BOOL) {
			fputs(" (default ", out);
			put_text(out, options->fallback);
			fputc(')', out);
		}
		fputc('\n', out);
	}
}

static void put_command(FILE *out, const struct kt_command *command)
{
	fputs(".SS ", out);
	put_text(out, command->usage);
	fputc('\n', out);
	put_text(out, command->summary);
	fputs(".\n", out);
	if (command->help && *command->help) {
		fputs(".PP\n.nf\n", out);
		put_text(out, command->help);
		fputs("\n.fi\n", out);
	}
	put_options(out, command->options);
	for (size_t i = 0; command->subcommands && command->subcommands[i]; i++)
		put_command(out, command->subcommands[i]);
}

static void put_line(FILE *out, struct kt_sv line)
{
	static const char VERSION_MARK[] = "@VERSION@";
	const char *mark = memmem(line.p, line.len, VERSION_MARK, strlen(VERSION_MARK));

	if (kt_sv_is(line, "@COMMANDS@")) {
		for (const struct kt_command *const *c = kt_commands; *c; c++)
			if ((*c)->group)
				put_command(out, *c);
	} else if (kt_sv_is(line, "@OPTIONS@")) {
		put_options(out, kt_global_options);
	} else if (mark) {
		const char *rest = mark + strlen(VERSION_MARK);

		fprintf(out, "%.*s" KT_VERSION "%.*s\n", (int)(mark - line.p), line.p,
		        (int)(line.p + line.len - rest), rest);
	} else {
		fprintf(out, "%.*s\n", (int)line.len, line.p);
	}
}

static int run(struct kt_command_context *ctx)
{
	kt_auto_err err = KT_ERR_INIT;
	kt_auto_str text = KT_STR_INIT;
	struct kt_sv rest, line;

	if (ctx->argc != 1)
		return KT_EXIT_USAGE;
	if (kt_read_file(ctx->argv[0], TEMPLATE_MAX_BYTES, &text, &err) < 0)
		return kt_command_fail(ctx, &err, NULL);
	rest = (struct kt_sv){kt_str_text(&text), text.len};
	while (rest.len && kt_sv_split(&rest, '\n', &line))
		put_line(ctx->out, line);
	return KT_EXIT_OK;
}

const struct kt_command kt_command_manual = {
        .name = "__manual",
        .usage = "__manual TEMPLATE",
        .summary = "The manual page from its template",
        .options = NO_OPTIONS,
        .run = run,
};
