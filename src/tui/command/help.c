/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/command/help.h"

static bool group_seen(const struct kt_command *const *at)
{
	for (const struct kt_command *const *c = kt_commands; c != at; c++)
		if (kt_streq((*c)->group, (*at)->group))
			return true;
	return false;
}

void kt_help_overview(FILE *out)
{
	fputs("kube-tui: a terminal for Kubernetes with a complete cluster inside.\n\n"
	      "Usage:\n"
	      "  kube-tui [NAME] [--nodes N]      terminal UI on the embedded cluster NAME\n"
	      "  kube-tui --context CONTEXT       terminal UI on a cluster of the kubeconfig\n"
	      "  kube-tui COMMAND [flags]         one command\n"
	      "  kube-tui -c 'LINES' | FILE.kt    a script\n",
	        out);
	for (const struct kt_command *const *c = kt_commands; *c; c++) {
		/* without a group: for scripts, not for people */
		if (!(*c)->group || group_seen(c))
			continue;
		fprintf(out, "\n%s:\n", (*c)->group);
		for (const struct kt_command *const *d = c; *d; d++)
			if (kt_streq((*d)->group, (*c)->group))
				fprintf(out, "  %-16s %s\n", (*d)->name, (*d)->summary);
	}
	fputs("\nUse \"kube-tui COMMAND --help\" for more about a command.\n", out);
}

static bool takes_value(const struct kt_option *option)
{
	return option->type != KT_OPTION_BOOL;
}

void kt_help_options(const struct kt_option *options, FILE *out)
{
	for (const struct kt_option *o = options; o && o->name; o++) {
		kt_auto_free char *left = kt_asprintf("%s%c%s--%s%s%s", o->letter ? "-" : "  ",
		        o->letter ? o->letter : ' ', o->letter ? ", " : " ", o->name,
		        takes_value(o) ? "=" : "",
		        takes_value(o) ? (o->value_name ? o->value_name : "VALUE") : "");

		fprintf(out, "  %-36s %s", left, o->help);
		if (o->fallback && *o->fallback && strcmp(o->fallback, "false") != 0)
			fprintf(out, " (default %s)", o->fallback);
		fputc('\n', out);
	}
}

void kt_help_command(const struct kt_command *command, FILE *out)
{
	fprintf(out, "%s\n", command->summary);
	if (command->help && *command->help)
		fprintf(out, "\n%s\n", command->help);
	if (command->aliases && command->aliases[0]) {
		fputs("\nAliases:\n  ", out);
		for (size_t i = 0; command->aliases[i]; i++)
			fprintf(out, "%s%s", i ? ", " : "", command->aliases[i]);
		fputc('\n', out);
	}
	if (command->subcommands) {
		fputs("\nCommands:\n", out);
		for (size_t i = 0; command->subcommands[i]; i++)
			fprintf(out, "  %-16s %s\n", command->subcommands[i]->name,
			        command->subcommands[i]->summary);
	}
	fprintf(out, "\nUsage:\n  kube-tui %s\n", command->usage);
	if (command->options && command->options->name) {
		fputs("\nOptions:\n", out);
		kt_help_options(command->options, out);
	}
	fputs("\nGlobal options:\n", out);
	kt_help_options(kt_global_options, out);
}
