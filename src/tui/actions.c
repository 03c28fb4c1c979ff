/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One command line of the UI, typed or of a key: words of the UI, then kinds, then the command
 * table. */
#include "tui/asking.h"
#include "tui/fetch.h"
#include "tui/job.h"
#include "tui/keys.h"
#include "tui/program.h"
#include "tui/save.h"
#include "tui/start.h"
#include "tui/stream.h"
#include "tui/suggest.h"
#include "tui/ui.h"
#include "tui/view/edit.h"
#include "tui/view/help.h"
#include "tui/view/log.h"
#include "tui/view/output.h"
#include "tui/widget/prompt.h"

enum { TRAIL_MAX = 50, FLASH_LINES_MAX = 3 };

/* Words of the UI */

void kt_ui_echo(struct kt_ui *ui, const char *line)
{
	char *copy = kt_strdup(line);

	free(ui->last_line);
	ui->last_line = copy;
}

static void do_quit(struct kt_ui *ui, const char *argument)
{
	(void)argument;
	if (ui->of_key && ui->custom.settings.stays_on_ctrl_c) {
		kt_ui_flash(ui, KT_FLASH_INFO, ":q leaves (config.yaml: noExitOnCtrlC)");
		return;
	}
	ui->leaving = true;
	kt_loop_stop(ui->loop);
}

static void do_help(struct kt_ui *ui, const char *argument)
{
	const struct kt_command *command =
	        *argument ? kt_command_find(kt_commands, argument) : NULL;

	if (command)
		kt_ui_push(ui, kt_command_help_view_create(ui, command));
	else if (kt_ui_top(ui) && !strcmp(kt_ui_top(ui)->crumb, "help"))
		kt_ui_pop(ui);
	else
		kt_ui_push(ui, kt_help_view_create(ui));
}

static void do_ns(struct kt_ui *ui, const char *argument)
{
	if (!*argument || *argument == '/') {
		kt_auto_free char *line = kt_asprintf("namespaces %s", argument);

		kt_ui_navigate(ui, line, ui->of_key);
		return;
	}
	kt_auto_free char *line = kt_asprintf("pods %s", argument);

	kt_ui_navigate(ui, line, false);
}

void kt_ui_open(struct kt_ui *ui, struct kt_view *view)
{
	if (ui->of_key)
		kt_ui_push(ui, view);
	else
		kt_ui_replace(ui, view);
}

static void do_xray(struct kt_ui *ui, const char *argument)
{
	kt_auto_free char *line = kt_asprintf("xray %s", argument);

	if (!*argument)
		kt_ui_flash(ui, KT_FLASH_WARN, "xray of which kind? xray deployments [NAMESPACE]");
	else if (!kt_ui_xray(ui, argument) && !kt_start_await(ui, line))
		kt_ui_flash(ui, KT_FLASH_ERROR, "\"%s\" is no kind", argument);
}

static void do_back(struct kt_ui *ui, const char *argument)
{
	struct kt_view *view = kt_ui_top(ui);

	(void)argument;
	if (kt_pending_forget(ui)) {
		kt_ui_flash(ui, KT_FLASH_INFO, "not waited for any more");
		return;
	}
	ui->full_screen = false;
	if (view && view->ops->leave && view->ops->leave(view))
		return;
	kt_ui_pop(ui);
}

static void do_prompt(struct kt_ui *ui, const char *argument)
{
	kt_auto_free char *line = kt_asprintf("%s%s", argument, *argument ? " " : "");

	kt_prompt_open(ui->prompt, ':', line);
}

static void do_filter(struct kt_ui *ui, const char *argument)
{
	struct kt_view *view = kt_ui_top(ui);
	const char *now = view && view->ops->filter_text ? view->ops->filter_text(view) : NULL;

	if (view && view->ops->filter)
		kt_prompt_open(ui->prompt, '/', *argument ? argument : now ? now : "");
}

static void do_filter_clear(struct kt_ui *ui, const char *argument)
{
	struct kt_view *view = kt_ui_top(ui);

	(void)argument;
	if (view && view->ops->filter)
		view->ops->filter(view, "");
}

static void do_header(struct kt_ui *ui, const char *argument)
{
	(void)argument;
	ui->hide_header = !ui->hide_header;
}

static void do_crumbs(struct kt_ui *ui, const char *argument)
{
	(void)argument;
	ui->hide_crumbs = !ui->hide_crumbs;
}

static void do_fullscreen(struct kt_ui *ui, const char *argument)
{
	(void)argument;
	ui->full_screen = !ui->full_screen;
}

static void do_redraw(struct kt_ui *ui, const char *argument)
{
	struct kt_view *view = kt_ui_top(ui);

	(void)argument;
	kt_screen_redraw();
	if (view && view->ops->verb)
		view->ops->verb(view, "refresh", "");
}

static void do_history(struct kt_ui *ui, const char *argument)
{
	size_t to = ui->trail_at;

	if (!strcmp(argument, "back") && to > 0)
		to--;
	else if (!strcmp(argument, "forward") && to + 1 < ui->trail.n)
		to++;
	else if (!strcmp(argument, "last") && ui->trail.n > 1)
		to = to + 1 == ui->trail.n ? to - 1 : ui->trail.n - 1;
	if (to == ui->trail_at || to >= ui->trail.n)
		return;
	ui->trail_at = to;
	kt_ui_navigate(ui, ui->trail.items[to], false);
}

static void do_favourite(struct kt_ui *ui, const char *argument)
{
	size_t number = strtoul(argument, NULL, 10);
	struct kt_view *view = kt_ui_top(ui);
	const struct kt_resource *resource =
	        view && view->ops->resource ? view->ops->resource(view) : NULL;

	if (number > ui->favourites.n)
		return;
	kt_ui_use_namespace(ui, number ? ui->favourites.items[number - 1] : "");
	if (resource) {
		kt_auto_free char *name = kt_resource_full_name(resource);
		kt_auto_free char *line =
		        kt_asprintf("%s %s", name, *ui->namespace ? ui->namespace : "all");

		kt_ui_navigate(ui, line, false);
	}
}

static void do_warp(struct kt_ui *ui, const char *argument)
{
	struct kt_view *view = kt_ui_top(ui);
	const struct kt_resource *resource =
	        view && view->ops->resource ? view->ops->resource(view) : NULL;

	if (!resource || !*argument)
		return;
	kt_auto_free char *name = kt_resource_full_name(resource);
	kt_auto_free char *line = kt_asprintf("%s %s", name, argument);

	kt_ui_navigate(ui, line, true);
}

static void do_copy(struct kt_ui *ui, const char *argument)
{
	struct kt_view *view = kt_ui_top(ui);
	kt_auto_str text = KT_STR_INIT;

	if (view && view->ops->verb && view->ops->verb(view, "copy", argument))
		return;
	if (view && view->ops->expand &&
	        view->ops->expand(
	                view, !strcmp(argument, "namespace") ? "namespace" : "names", &text))
		kt_copy(ui, (struct kt_sv){kt_str_text(&text), text.len});
}

static void do_yaml(struct kt_ui *ui, const char *argument)
{
	kt_auto_free char *line = kt_asprintf("get %s -o yaml", argument);
	kt_auto_free char *target = kt_strndup(argument, strcspn(argument, " "));
	kt_auto_free char *title = kt_asprintf("YAML(%s)", target);
	const char *ns = strstr(argument, "-n ");

	kt_ui_echo(ui, line);
	kt_ui_push(ui, kt_output_view_create(ui, &(struct kt_output_view_options){.line = line,
	                                                 .title = title,
	                                                 .crumb = "yaml",
	                                                 .target = target,
	                                                 .ns = ns,
	                                                 .highlight = KT_YAML}));
}

/* Screens of a word: one file of view/ each, which says word, help and how it opens. */
#define SCREENS(X) \
	X(aliases) \
	X(contexts) \
	X(dumps) \
	X(edit_file) \
	X(folder) \
	X(pulses) \
	X(themes)

#define DECLARE(name) extern const struct kt_ui_verb kt_screen_##name;
SCREENS(DECLARE)

#define SCREEN(name) &kt_screen_##name,
#define WORD(word, ...) \
	&(const struct kt_ui_verb) \
	{ \
		.name = word, __VA_ARGS__ \
	}

/* clang-format off: one word, one line */
const struct kt_ui_verb *const kt_ui_verbs[] = {
        WORD("quit", "q q! qa exit", "leave", do_quit),
        WORD("help", "h ?", "keys of this view", do_help),
        SCREENS(SCREEN) WORD("ns", NULL, "namespaces, or pods in one", do_ns),
        WORD("xray", "x xr", "the tree below a kind: xray deploy [ns] [/filter]", do_xray),
        WORD("edit", NULL, "edit an object in place", kt_edit_open, .writes = true),
        WORD("yaml", NULL, "an object as YAML", do_yaml),
        WORD("image", NULL, "set a container's image", kt_ask_image, .writes = true),
        WORD("trigger", NULL, "run a cron job now", kt_ask_trigger, .writes = true),
        WORD("suspend", NULL, "suspend or resume a cron job", kt_ask_suspend, .writes = true),
        WORD("rollback", NULL, "back to a replica set's revision", kt_ask_rollback, .writes = true),
        WORD("decode", NULL, "a secret's values in clear", kt_decode_open),
        WORD("shell", NULL, "a shell in a container", kt_stream_shell, .writes = true),
        WORD("output", NULL, "what a plugin in the background said", kt_program_show_output),
        WORD("attach-to", .run = kt_stream_attach, .writes = true),
        WORD("back", .run = do_back),
        WORD("prompt", .run = do_prompt),
        WORD("filter", .run = do_filter),
        WORD("filter-clear", .run = do_filter_clear),
        WORD("header", .run = do_header),
        WORD("crumbs", .run = do_crumbs),
        WORD("redraw", .run = do_redraw),
        WORD("history", .run = do_history),
        WORD("favourite", .run = do_favourite),
        WORD("warp", .run = do_warp),
        WORD("copy", .run = do_copy),
        WORD("fullscreen", .run = do_fullscreen),
        /* the views' own */
        WORD("enter", NULL),
        WORD("mark", NULL),
        WORD("wide", NULL),
        WORD("faults", NULL),
        WORD("save", NULL),
        WORD("sort", NULL),
        WORD("toggle", NULL),
        WORD("toggle-all", NULL),
        WORD("owner", NULL),
        WORD("owned", NULL),
        WORD("editor", NULL),
        WORD("find", NULL),
        WORD("substitute", NULL),
        WORD("undo", NULL),
        WORD("redo", NULL),
        WORD("complete", NULL),
        WORD("take", NULL),
        WORD("confirm", NULL),
        WORD("since", NULL),
        WORD("autoscroll", NULL),
        WORD("timestamps", NULL),
        WORD("allcontainers", NULL),
        WORD("container", NULL),
        WORD("previous", NULL),
        WORD("line", NULL),
        WORD("clear", NULL),
        WORD("managed", NULL),
        WORD("refresh", NULL),
        WORD("wrap", NULL),
        WORD("next", NULL),
        WORD("previous-hit", NULL),
        NULL,
};
/* clang-format on */

static bool run_word(
        struct kt_ui *ui, const struct kt_ui_verb *verb, const char *line, const char *argument)
{
	struct kt_view *view = kt_ui_top(ui);

	if (!verb->run)
		return view && view->ops->verb && view->ops->verb(view, verb->name, argument);
	if (verb->writes && ui->readonly) {
		kt_ui_flash(ui, KT_FLASH_WARN, "read-only: nothing is changed");
		return true;
	}
	if (verb->help)
		kt_ui_echo(ui, line);
	verb->run(ui, argument);
	return true;
}

/* Commands of the table */

/* Output of a command that changes something: one line is told below, more become a text. */
struct telling {
	struct kt_ui *ui;
	char *line;
	struct kt_str output;
};

static void on_told(void *arg, struct kt_sv piece)
{
	struct telling *telling = arg;

	kt_str_add(&telling->output, piece.p, piece.len);
}

/* A few lines fit below; errors and more want a page. */
static void on_told_all(void *arg, int exit_code)
{
	struct telling *telling = arg;
	struct kt_str *output = &telling->output;
	bool good = exit_code == KT_EXIT_OK;
	size_t lines = 0;

	while (output->len && output->data[output->len - 1] == '\n')
		kt_str_truncate(output, output->len - 1);
	for (size_t i = 0; i < output->len; i++)
		lines += output->data[i] == '\n';
	if (lines > (good ? FLASH_LINES_MAX : 0)) {
		kt_ui_push(
		        telling->ui, kt_text_view_create(telling->ui, telling->line, "output",
		                             (struct kt_sv){output->data, output->len}, KT_PLAIN));
	} else {
		for (size_t i = 0; i < output->len; i++)
			output->data[i] = output->data[i] == '\n' ? ';' : output->data[i];
		kt_ui_flash(telling->ui, good ? KT_FLASH_INFO : KT_FLASH_ERROR, "%s",
		        output->len ? output->data
		        : good      ? "done"
		                    : "failed");
	}
	kt_str_finish(output);
	free(telling->line);
	free(telling);
}

void kt_ui_run_quiet(struct kt_ui *ui, const char *line)
{
	struct telling *telling = kt_new(struct telling);

	*telling = (struct telling){.ui = ui, .line = kt_strdup(line)};
	kt_ui_echo(ui, line);
	if (!kt_job_start(ui, &(struct kt_job_options){.line = line,
	                              .on_output = on_told,
	                              .on_done = on_told_all,
	                              .arg = telling})) {
		free(telling->line);
		free(telling);
	}
}

static bool only_reads(const struct kt_command *command, const char *argument)
{
	kt_auto_free char *word = kt_strndup(argument, strcspn(argument, " "));
	const struct kt_command *sub =
	        command->subcommands ? kt_command_find(command->subcommands, word) : NULL;

	return command->reads || (sub && sub->reads);
}

/* A shell would write over the screen. */
static bool wants_shell(const char *line)
{
	bool quoted = false;

	for (const char *c = line; *c; c++) {
		if (*c == '\'' || *c == '"')
			quoted = !quoted;
		if (!quoted && (*c == '|' || *c == '`'))
			return true;
	}
	return *line == '!';
}

static void show_output(
        struct kt_ui *ui, const struct kt_command *command, const char *line, const char *argument)
{
	bool describes = !strcmp(command->name, "describe"),
	     yaml = strstr(line, "-o yaml") || strstr(line, "-oyaml");
	kt_auto_free char *target = kt_strndup(argument, strcspn(argument, " "));
	kt_auto_free char *title =
	        describes ? kt_asprintf("Describe(%s)", target) : kt_strdup(line);
	const char *ns = strstr(argument, "-n ");

	kt_ui_push(ui, kt_output_view_create(ui, &(struct kt_output_view_options){.line = line,
	                                                 .title = title,
	                                                 .crumb = command->name,
	                                                 .target = target,
	                                                 .ns = ns,
	                                                 .highlight = describes ? KT_DESCRIBE
	                                                              : yaml    ? KT_YAML
	                                                                        : KT_PLAIN}));
}

static void run_command(
        struct kt_ui *ui, const struct kt_command *command, const char *line, const char *argument)
{
	bool reads = only_reads(command, argument);

	if (wants_shell(line)) {
		kt_ui_flash(
		        ui, KT_FLASH_WARN, "pipes to a shell work at the prompt: kube-tui repl");
		return;
	}
	if (ui->readonly && !reads) {
		kt_ui_flash(ui, KT_FLASH_WARN, "read-only: nothing is changed");
		return;
	}
	kt_ui_echo(ui, line);
	if (!strcmp(command->name, "logs"))
		kt_ui_push(ui, kt_log_view_create(ui, line));
	else if (reads)
		show_output(ui, command, line, argument);
	else if (!kt_ask_before(ui, command->name, line, argument))
		kt_ui_run_quiet(ui, line);
}

/* The line */

static void remember_trail(struct kt_ui *ui, const char *line)
{
	if (ui->trail.n && !strcmp(ui->trail.items[ui->trail.n - 1], line))
		return;
	if (ui->trail.n == TRAIL_MAX) {
		free(ui->trail.items[0]);
		kt_vec_remove(&ui->trail, 0);
	}
	kt_vec_push(&ui->trail, kt_strdup(line));
	ui->trail_at = ui->trail.n - 1;
}

/* `events` is a kind and a command: the command when it has options of one. */
static bool looks_like_command(const char *argument)
{
	for (const char *at = argument; (at = strchr(at, '-')); at++)
		if ((at == argument || at[-1] == ' ') && at[1] && strncmp(at, "-f", 2) != 0 &&
		        strncmp(at, "-A", 2) != 0)
			return true;
	return false;
}

static void tell_unknown(struct kt_ui *ui, const char *word)
{
	kt_auto_free char *similar = kt_suggest_similar(ui, word);

	if (similar)
		kt_ui_flash(ui, KT_FLASH_ERROR,
		        "\"%s\" is neither a kind nor a command; did you mean %s?", word, similar);
	else
		kt_ui_flash(ui, KT_FLASH_ERROR,
		        "\"%s\" is neither a kind nor a command; Ctrl-A lists the kinds, ? the "
		        "keys",
		        word);
}

static void run_line(struct kt_ui *ui, const char *line)
{
	kt_auto_free char *word = kt_strndup(line, strcspn(line, " "));
	const char *argument = line + strlen(word) + strspn(line + strlen(word), " ");
	const struct kt_ui_verb *verb = kt_ui_verb_find(word);
	const struct kt_command *command = kt_command_find(kt_commands, word);

	if (verb && run_word(ui, verb, line, argument))
		return;
	if (!(command && (looks_like_command(argument) || !kt_ui_resource(ui, word))) &&
	        kt_ui_navigate(ui, line, ui->of_key)) {
		if (!ui->of_key)
			remember_trail(ui, line);
		return;
	}
	if (command)
		run_command(ui, command, line, argument);
	else if (!verb && !kt_start_await(ui, line))
		tell_unknown(ui, word);
}

void kt_ui_run(struct kt_ui *ui, const char *line)
{
	kt_auto_free char *copy = NULL;

	line += strspn(line, " :");
	if (kt_starts_with(line, "kubectl "))
		line += strlen("kubectl ");
	copy = kt_custom_unalias(&ui->custom, line);
	for (size_t n = strlen(copy); n && copy[n - 1] == ' '; n--)
		copy[n - 1] = '\0';
	if (*copy)
		run_line(ui, copy);
	kt_ui_dirty(ui);
}
