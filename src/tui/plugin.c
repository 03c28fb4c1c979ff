/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/plugin.h"

#include "tui/program.h"
#include "tui/widget/dialog.h"

#include <ctype.h>

/* Where a key applies */

static bool in_scope(const struct kt_ui *ui, const struct kt_view *view, const char *scope)
{
	const struct kt_resource *here = view->ops->resource ? view->ops->resource(view) : NULL;

	if (!strcmp(scope, "all") || !strcasecmp(scope, view->crumb))
		return true;
	if (!here)
		return false;
	const struct kt_resource *named = kt_ui_resource((struct kt_ui *)(uintptr_t)ui, scope);

	return named ? !strcmp(named->plural, here->plural) && !strcmp(named->group, here->group)
	             : !strcasecmp(scope, here->plural);
}

bool kt_plugin_applies(
        const struct kt_ui *ui, const struct kt_view *view, const struct kt_custom_key *key)
{
	if ((ui->readonly && key->dangerous) || view->ops->types_text)
		return false;
	if (!key->is_plugin)
		return true;
	for (char **scope = key->scopes; *scope; scope++)
		if (in_scope(ui, view, *scope))
			return true;
	return false;
}

const struct kt_custom_key *kt_plugin_find(
        struct kt_ui *ui, const struct kt_view *view, uint32_t code, bool override)
{
	for (size_t i = 0; i < ui->custom.keys.n; i++) {
		const struct kt_custom_key *key = &ui->custom.keys.items[i];

		if (key->key == code && (key->override || !override) &&
		        kt_plugin_applies(ui, view, key))
			return key;
	}
	return NULL;
}

/* Variables */

struct scope {
	struct kt_ui *ui;
	struct kt_view *view;
};

static bool from_view(const struct scope *scope, const char *name, struct kt_str *out)
{
	return scope->view->ops->expand && scope->view->ops->expand(scope->view, name, out);
}

/* A text about an object knows it as KIND/NAME. */
static void put_name(const struct scope *scope, struct kt_str *out)
{
	kt_auto_str target = KT_STR_INIT;

	if (from_view(scope, "name", out) || !from_view(scope, "target", &target))
		return;
	const char *slash = strchr(kt_str_text(&target), '/');

	kt_str_puts(out, slash ? slash + 1 : kt_str_text(&target));
}

static void put_namespace(const struct scope *scope, struct kt_str *out)
{
	kt_auto_str ns = KT_STR_INIT;

	if (from_view(scope, "namespace", out))
		return;
	if (from_view(scope, "ns", &ns) && kt_starts_with(kt_str_text(&ns), "-n "))
		kt_str_puts(out, kt_str_text(&ns) + 3);
	else
		kt_str_puts(out, scope->ui->namespace);
}

static void put_pod(const struct scope *scope, struct kt_str *out)
{
	kt_auto_str target = KT_STR_INIT;

	if (from_view(scope, "target", &target) && kt_starts_with(kt_str_text(&target), "pod/"))
		kt_str_puts(out, kt_str_text(&target) + strlen("pod/"));
}

static void put_kubeconfig(const struct scope *scope, struct kt_str *out)
{
	const char *given = scope->ui->options->kubeconfig, *environment = getenv("KUBECONFIG"),
	           *home = getenv("HOME");

	if (given || (environment && *environment))
		kt_str_puts(out, given ? given : environment);
	else
		kt_str_printf(out, "%s/.kube/config", home ? home : "");
}

static bool of_resource(const struct scope *scope, const char *name, struct kt_str *out)
{
	const struct kt_view_ops *ops = scope->view->ops;
	const struct kt_resource *resource = ops->resource ? ops->resource(scope->view) : NULL;

	if (!strcmp(name, "RESOURCE_GROUP"))
		kt_str_puts(out, resource ? resource->group : "");
	else if (!strcmp(name, "RESOURCE_VERSION"))
		kt_str_puts(out, resource ? resource->version : "");
	else if (!strcmp(name, "RESOURCE_NAME"))
		kt_str_puts(out, resource ? resource->plural : scope->view->crumb);
	else
		return false;
	return true;
}

static bool of_row(const struct scope *scope, const char *name, struct kt_str *out)
{
	bool containers = scope->view->ops->context & KT_IN_CONTAINERS;

	if (!strcmp(name, "NAME"))
		put_name(scope, out);
	else if (!strcmp(name, "NAMESPACE"))
		put_namespace(scope, out);
	else if (!strcmp(name, "POD"))
		put_pod(scope, out);
	else if (!strcmp(name, "CONTAINER") && containers)
		from_view(scope, "name", out);
	else if (!kt_starts_with(name, "COL-"))
		return false;
	else {
		kt_auto_free char *column = kt_asprintf("column:%s", name + strlen("COL-"));

		return from_view(scope, column, out);
	}
	return true;
}

static bool value_of(void *arg, const char *name, struct kt_str *out)
{
	const struct scope *scope = arg;
	const struct kt_ui_facts *facts = &scope->ui->facts;

	if (!strcmp(name, "CONTEXT"))
		kt_str_puts(out, facts->context);
	else if (!strcmp(name, "CLUSTER"))
		kt_str_puts(out, facts->cluster);
	else if (!strcmp(name, "USER"))
		kt_str_puts(out, facts->user);
	else if (!strcmp(name, "GROUPS"))
		return true;
	else if (!strcmp(name, "KUBECONFIG"))
		put_kubeconfig(scope, out);
	else if (!strcmp(name, "FILTER") && scope->view->ops->filter_text)
		kt_str_puts(out, scope->view->ops->filter_text(scope->view)
		                         ? scope->view->ops->filter_text(scope->view)
		                         : "");
	else
		return of_resource(scope, name, out) || of_row(scope, name, out);
	return true;
}

/* Part of a shell's line: who wrote an object may not have a word in that. */
struct shell_scope {
	const struct scope *scope;
	bool refused;
};

static bool value_for_shell(void *arg, const char *name, struct kt_str *out)
{
	struct shell_scope *shell = arg;
	size_t before = out->len;

	if (!value_of((void *)(uintptr_t)shell->scope, name, out))
		return false;
	shell->refused =
	        shell->refused || strpbrk(kt_str_text(out) + before, "'\"`$\\;&|<>()\n") != NULL;
	return true;
}

/* Running */

/* A plugin about to run on the row it was called on: everything is filled in but its inputs. */
struct call {
	char *description;
	KT_VEC(char *) words; /* program and arguments */
	KT_VEC(char *) pipes;
	bool background, quiet;
	const char *refused; /* why it does not run; NULL */
	size_t n_inputs;
	struct {
		char *name, *label;
		bool tick, choice, number, required;
	} inputs[KT_CUSTOM_INPUTS_MAX];
};

static void free_call(void *arg)
{
	struct call *call = arg;

	for (size_t i = 0; i < call->words.n; i++)
		free(call->words.items[i]);
	for (size_t i = 0; i < call->pipes.n; i++)
		free(call->pipes.items[i]);
	for (size_t i = 0; i < call->n_inputs; i++) {
		free(call->inputs[i].name);
		free(call->inputs[i].label);
	}
	kt_vec_finish(&call->words);
	kt_vec_finish(&call->pipes);
	free(call->description);
	free(call);
}

static char *filled_in(const struct scope *scope, const char *text)
{
	kt_auto_str out = KT_STR_INIT;

	kt_custom_expand(text, value_of, (void *)(uintptr_t)scope, &out);
	return kt_strdup(kt_str_text(&out));
}

static char *filled_in_for_shell(const struct scope *scope, const char *text, struct call *call)
{
	struct shell_scope shell = {.scope = scope};
	kt_auto_str out = KT_STR_INIT;

	kt_custom_expand(text, value_for_shell, &shell, &out);
	if (shell.refused)
		call->refused = "a value for its pipes has characters of the shell's language";
	return kt_strdup(kt_str_text(&out));
}

static struct call *make_call(const struct scope *scope, const struct kt_custom_key *key)
{
	struct call *call = kt_new(struct call);

	call->description = kt_strdup(key->description);
	call->background = key->background;
	call->quiet = key->quiet;
	kt_vec_push(&call->words, filled_in(scope, key->command));
	for (char **arg = key->args; *arg; arg++)
		kt_vec_push(&call->words, filled_in(scope, *arg));
	for (char **pipe = key->pipes; *pipe; pipe++)
		kt_vec_push(&call->pipes, filled_in_for_shell(scope, *pipe, call));
	for (size_t i = 0; i < key->n_inputs; i++) {
		const struct kt_custom_input *input = &key->inputs[i];
		kt_auto_free char *name = kt_strdup(input->name);

		for (char *at = name; *at; at++)
			*at = (char)toupper((unsigned char)*at);
		call->inputs[i].name = kt_asprintf("INPUT_%s", name);
		call->inputs[i].label = kt_strdup(input->label);
		call->inputs[i].tick = !strcmp(input->type, "bool");
		call->inputs[i].choice = !strcmp(input->type, "dropdown");
		call->inputs[i].number = !strcmp(input->type, "number");
		call->inputs[i].required = input->required;
	}
	call->n_inputs = key->n_inputs;
	return call;
}

static void put_quoted(struct kt_str *out, const char *word)
{
	kt_str_putc(out, '\'');
	for (const char *at = word; *at; at++) {
		if (*at == '\'')
			kt_str_puts(out, "'\\''");
		else
			kt_str_putc(out, *at);
	}
	kt_str_putc(out, '\'');
}

/* The program alone, or a shell's line of it and its pipes. */
static char *pipe_line(const struct call *call)
{
	kt_auto_str line = KT_STR_INIT;

	for (size_t i = 0; i < call->words.n; i++) {
		kt_str_puts(&line, i ? " " : "");
		put_quoted(&line, call->words.items[i]);
	}
	for (size_t i = 0; i < call->pipes.n; i++)
		kt_str_printf(&line, " | %s", call->pipes.items[i]);
	return kt_str_steal(&line);
}

static void tell_end(struct kt_ui *ui, const struct call *call, int status)
{
	if (status != 0)
		kt_ui_flash(ui, KT_FLASH_ERROR, "%s: %s ended with status %d", call->description,
		        call->words.items[0], status);
	else if (!call->quiet)
		kt_ui_flash(ui, KT_FLASH_INFO, "%s: done", call->description);
}

static void run_call(struct kt_ui *ui, const struct call *call)
{
	kt_auto_free char *line = pipe_line(call);
	kt_auto_free char *config = ui->options->kubeconfig
	                                    ? kt_asprintf("KUBECONFIG=%s", ui->options->kubeconfig)
	                                    : NULL;
	kt_auto_err err = KT_ERR_INIT;
	KT_VEC(char *) argv = {0};

	if (config) {
		kt_vec_push(&argv, (char *)(uintptr_t) "env");
		kt_vec_push(&argv, config);
	}
	if (call->pipes.n) {
		kt_vec_push(&argv, (char *)(uintptr_t) "sh");
		kt_vec_push(&argv, (char *)(uintptr_t) "-c");
		kt_vec_push(&argv, line);
	} else {
		for (size_t i = 0; i < call->words.n; i++)
			kt_vec_push(&argv, call->words.items[i]);
	}
	kt_vec_push(&argv, NULL);
	int status = call->background ? kt_program_start(ui, argv.items, call->description, &err)
	                              : kt_ui_spawn(ui, argv.items, &err);

	if (status < 0)
		kt_ui_flash(ui, KT_FLASH_ERROR, "%s", kt_err_message(&err));
	else if (!call->background)
		tell_end(ui, call, status);
	kt_vec_finish(&argv);
}

/* Asking */

static bool input_of(void *arg, const char *name, struct kt_str *out)
{
	const char *value = kt_map_get(arg, name);

	if (value)
		kt_str_puts(out, value);
	return value != NULL;
}

static void fill_in_inputs(char **texts, size_t n, struct kt_map *inputs)
{
	for (size_t i = 0; i < n; i++) {
		kt_auto_str out = KT_STR_INIT;

		kt_custom_expand(texts[i], input_of, inputs, &out);
		free(texts[i]);
		texts[i] = kt_strdup(kt_str_text(&out));
	}
}

/* What is wrong with an answer; NULL: nothing. */
static const char *fault_of(bool required, bool number, const char *text)
{
	char *end;

	if (!*text)
		return required ? "a value is needed" : NULL;
	strtod(text, &end);
	return number && *end ? "a number is needed" : NULL;
}

static void on_answered(struct kt_ui *ui, void *arg)
{
	struct call *call = arg;
	struct kt_map inputs;
	const char *fault = NULL;

	kt_map_init(&inputs, free);
	for (size_t i = 0; i < call->n_inputs && !fault; i++) {
		const char *text = call->inputs[i].tick ? kt_dialog_ticked(ui, i) ? "true" : "false"
		                   : call->inputs[i].choice ? kt_dialog_choice(ui, i)
		                                            : kt_dialog_text(ui, i);

		fault = fault_of(call->inputs[i].required, call->inputs[i].number, text);
		if (fault)
			kt_ui_flash(ui, KT_FLASH_ERROR, "%s: %s", call->inputs[i].label, fault);
		kt_map_set(&inputs, call->inputs[i].name, kt_strdup(text));
	}
	if (!fault) {
		fill_in_inputs(call->words.items, call->words.n, &inputs);
		fill_in_inputs(call->pipes.items, call->pipes.n, &inputs);
		run_call(ui, call);
	}
	kt_map_finish(&inputs);
}

static struct kt_ask ask_of(const struct kt_custom_input *input)
{
	struct kt_ask ask = {.label = input->label, .kind = KT_ASK_TEXT, .text = input->fallback};

	if (!strcmp(input->type, "bool")) {
		ask.kind = KT_ASK_TICK;
		ask.ticked = !strcmp(input->fallback, "true");
	} else if (!strcmp(input->type, "dropdown") && input->options[0]) {
		ask.kind = KT_ASK_CHOICE;
		ask.choices = (const char *const *)input->options;
		for (size_t i = 0; input->options[i]; i++)
			if (!strcmp(input->options[i], input->fallback))
				ask.choice = i;
	}
	return ask;
}

static void ask_before(struct kt_ui *ui, const struct kt_custom_key *key, struct call *call)
{
	struct kt_ask asks[KT_CUSTOM_INPUTS_MAX];
	kt_auto_str text = KT_STR_INIT;

	for (size_t i = 0; i < key->n_inputs; i++)
		asks[i] = ask_of(&key->inputs[i]);
	for (size_t i = 0; i < call->words.n; i++)
		kt_str_printf(&text, "%s%s", i ? " " : "", call->words.items[i]);
	for (size_t i = 0; i < call->pipes.n; i++)
		kt_str_printf(&text, " | %s", call->pipes.items[i]);
	kt_str_puts(&text, " ?");
	kt_dialog_open(ui, &(struct kt_dialog_options){.title = key->description,
	                           .text = kt_str_text(&text),
	                           .asks = asks,
	                           .n_asks = key->n_inputs,
	                           .careful = !key->n_inputs,
	                           .done = on_answered,
	                           .arg = call,
	                           .free_arg = free_call});
}

static void run_hotkey(struct kt_ui *ui, const struct scope *scope, const struct kt_custom_key *key)
{
	kt_auto_free char *line = filled_in(scope, key->command);

	ui->of_key = key->keep_history;
	kt_ui_run(ui, line);
	ui->of_key = false;
}

void kt_plugin_run(struct kt_ui *ui, struct kt_view *view, const struct kt_custom_key *key)
{
	struct scope scope = {ui, view};

	if (!key->is_plugin) {
		run_hotkey(ui, &scope, key);
		return;
	}
	struct call *call = make_call(&scope, key);

	if (call->refused) {
		kt_ui_flash(ui, KT_FLASH_ERROR, "%s: %s", call->description, call->refused);
	} else if (key->confirm || key->n_inputs) {
		ask_before(ui, key, call);
		return;
	} else {
		run_call(ui, call);
	}
	free_call(call);
}

/* Life */

/* What holds for a context; app.c asks for the rest once. */
static void use_settings(struct kt_ui *ui)
{
	const struct kt_settings *settings = &ui->custom.settings;
	const char *forced = getenv("K9S_SKIN");
	struct kt_theme theme;

	ui->readonly = ui->options->readonly || settings->readonly;
	for (size_t i = 0; i < settings->favourites.n; i++)
		kt_ui_remember_favourite(ui, settings->favourites.items[i]);
	if (!settings->skin || ui->options->theme || (forced && *forced) ||
	        kt_streq(settings->skin, ui->theme.name) ||
	        kt_theme_load(settings->skin, &theme, NULL, NULL) < 0)
		return;
	kt_theme_finish(&ui->theme);
	ui->theme = theme;
	kt_screen_redraw();
}

void kt_plugins_load(struct kt_ui *ui)
{
	kt_auto_str warnings = KT_STR_INIT;

	kt_custom_load(&ui->custom, ui->facts.cluster, ui->facts.context, &warnings);
	if (warnings.len)
		kt_ui_flash(ui, KT_FLASH_WARN, "%s", kt_str_text(&warnings));
	if (kt_screen_is_open())
		use_settings(ui);
}
