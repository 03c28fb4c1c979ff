/* SPDX-License-Identifier: GPL-3.0-or-later */
/* completion: scripts for bash, zsh and fish; they ask `kube-tui __complete LINE`, which is the
 * prompt's own completion. */
#include "tui/command/complete.h"
#include "tui/command/options.h"

#include <errno.h>

static const struct kt_option NO_OPTIONS[] = {KT_OPTION_END};

static const char BASH[] =
        "_kube_tui() {\n"
        "    local line=\"${COMP_LINE:0:COMP_POINT}\" word=\"${COMP_WORDS[COMP_CWORD]}\" "
        "IFS=$'\\n' reply\n"
        "    line=\"${line#* }\"\n"
        "    mapfile -t reply < <(kube-tui __complete bash -- \"$line\" 2>/dev/null)\n"
        "    if [ \"${reply[0]}\" = files ]; then\n"
        "        compopt -o filenames\n"
        "        mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
        "        return\n"
        "    fi\n"
        "    [[ ${reply[1]} == *= ]] && compopt -o nospace\n"
        "    COMPREPLY=(\"${reply[@]:1}\")\n"
        "    # readline splits at = and :\n"
        "    if [[ $word == = || $word == : ]]; then word=; fi\n"
        "    __ltrim_colon_completions \"$word\" 2>/dev/null || true\n"
        "}\n"
        "complete -F _kube_tui kube-tui\n";

static const char ZSH[] =
        "#compdef kube-tui\n"
        "_kube_tui() {\n"
        "    local -a reply\n"
        "    reply=(\"${(@f)$(kube-tui __complete zsh -- \"${LBUFFER#* }\" 2>/dev/null)}\")\n"
        "    if [[ $reply[1] == files ]]; then _files; return; fi\n"
        "    shift reply\n"
        "    _describe -t values 'kube-tui' reply\n"
        "}\n"
        "compdef _kube_tui kube-tui\n";

static const char FISH[] = "function __kube_tui_complete\n"
                           "    set -l line (commandline -cp | string replace -r '^\\S+\\s' '')\n"
                           "    kube-tui __complete fish -- \"$line\" 2>/dev/null | tail -n +2\n"
                           "end\n"
                           "complete -c kube-tui -f -a '(__kube_tui_complete)'\n";

static const struct {
	const char *shell, *script;
} SCRIPTS[] = {{"bash", BASH}, {"zsh", ZSH}, {"fish", FISH}};

static int run_completion(struct kt_command_context *ctx)
{
	for (size_t i = 0; ctx->argc == 1 && i < KT_ARRAY_SIZE(SCRIPTS); i++) {
		if (!strcmp(SCRIPTS[i].shell, ctx->argv[0])) {
			fputs(SCRIPTS[i].script, ctx->out);
			return KT_EXIT_OK;
		}
	}
	return kt_command_fail(ctx, NULL, "name a shell: bash, zsh or fish");
}

/* zsh splits "value:help" at the first unescaped colon. */
static void print_zsh(FILE *out, const struct kt_candidate *candidate)
{
	for (const char *p = candidate->text; *p; p++)
		fprintf(out, "%s%c", *p == ':' ? "\\" : "", *p);
	fprintf(out, ":%s\n", candidate->help ? candidate->help : "");
}

/* First line: "files" or "values"; then one candidate per line. */
static int run_complete(struct kt_command_context *ctx)
{
	struct kt_candidates candidates;
	const char *shell = ctx->argc ? ctx->argv[0] : "";

	if (ctx->argc != 2)
		return KT_EXIT_USAGE;
	kt_complete(ctx->session, ctx->argv[1], &candidates);
	fputs(candidates.files && !candidates.n ? "files\n" : "values\n", ctx->out);
	for (size_t i = 0; i < candidates.n; i++) {
		const struct kt_candidate *candidate = &candidates.items[i];

		if (!strcmp(shell, "zsh"))
			print_zsh(ctx->out, candidate);
		else if (!strcmp(shell, "fish") && candidate->help)
			fprintf(ctx->out, "%s\t%s\n", candidate->text, candidate->help);
		else
			fprintf(ctx->out, "%s\n", candidate->text);
	}
	kt_candidates_finish(&candidates);
	return KT_EXIT_OK;
}

const struct kt_command kt_command_completion = {
        .name = "completion",
        .group = "Settings",
        .usage = "completion (bash|zsh|fish)",
        .summary = "Print the completion script of a shell",
        .help = "  source <(kube-tui completion bash)",
        .options = NO_OPTIONS,
        .run = run_completion,
};

const struct kt_command kt_command_complete_line = {
        .name = "__complete",
        .usage = "__complete SHELL -- LINE",
        .summary = "Candidates for the completion scripts",
        .options = NO_OPTIONS,
        .run = run_complete,
};
