/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The loop of the terminal UI: terminal and clock in, frames out; the stack of views; start and
 * end. */
#include "tui/app.h"

#include "tui/fetch.h"
#include "tui/frame.h"
#include "tui/header_info.h"
#include "tui/job.h"
#include "tui/keys.h"
#include "tui/paste.h"
#include "tui/plugin.h"
#include "tui/program.h"
#include "tui/start.h"
#include "tui/ui.h"
#include "tui/widget/dialog.h"
#include "tui/widget/prompt.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KEYS_PER_TURN = 256, TICK_MS = 1000 };

struct app {
	struct kt_ui ui;
	struct kt_io stdin_io, resize_io;
};

int64_t kt_ui_now(const struct kt_ui *ui)
{
	return kt_loop_now_ns(ui->loop);
}

struct kt_style kt_ui_style(const struct kt_ui *ui, enum kt_role fg, enum kt_role bg)
{
	return (struct kt_style){ui->theme.colors[fg], ui->theme.colors[bg], 0};
}

/* The key that waits, when what it needs is there. */
static void press_held(struct kt_ui *ui)
{
	const struct kt_view *view = kt_ui_top(ui);
	bool is_here = ui->held_moves == ui->moves && !ui->dialog && !ui->leaving;

	if (ui->held_key == KT_KEY_NONE)
		return;
	if (!is_here)
		ui->held_key = KT_KEY_NONE;
	else if (!view->ops->is_loading(view))
		kt_ui_press(ui, ui->held_key);
}

/* Frames */

void kt_ui_paint(struct kt_ui *ui)
{
	press_held(ui);
	kt_timer_cancel(&ui->frame_timer);
	kt_frame_draw(ui);
	kt_screen_present();
	ui->painted_ns = kt_ui_now(ui);
}

static void on_frame(struct kt_timer *timer)
{
	kt_ui_paint(kt_container_of(timer, struct kt_ui, frame_timer));
}

void kt_ui_dirty(struct kt_ui *ui)
{
	if (!ui->leaving && !kt_timer_is_set(&ui->frame_timer))
		kt_timer_set(&ui->frame_timer, ui->painted_ns + KT_FRAME_MS * KT_NS_PER_MS);
}

/* Ages grow and colours of changes fade without an event. */
static void on_tick(struct kt_timer *timer)
{
	struct kt_ui *ui = kt_container_of(timer, struct kt_ui, tick_timer);

	kt_ui_dirty(ui);
	kt_timer_set_after_ms(timer, TICK_MS);
}

void kt_ui_flash_clear(struct kt_ui *ui)
{
	free(ui->flash);
	ui->flash = NULL;
	kt_timer_cancel(&ui->flash_timer);
	kt_ui_dirty(ui);
}

static void on_flash_over(struct kt_timer *timer)
{
	kt_ui_flash_clear(kt_container_of(timer, struct kt_ui, flash_timer));
}

void kt_ui_flash(struct kt_ui *ui, enum kt_flash kind, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	free(ui->flash);
	ui->flash = kt_vasprintf(fmt, ap);
	va_end(ap);
	ui->flash[strcspn(ui->flash, "\n")] = '\0';
	ui->flash_kind = kind;
	kt_timer_set_after_ms(&ui->flash_timer, kind == KT_FLASH_INFO   ? KT_FLASH_MS
	                                        : kind == KT_FLASH_WARN ? 2 * KT_FLASH_MS
	                                                                : 5 * KT_FLASH_MS);
	kt_ui_dirty(ui);
}

/* Views */

struct kt_view *kt_ui_top(const struct kt_ui *ui)
{
	return ui->views.n ? ui->views.items[ui->views.n - 1] : NULL;
}

static void destroy_view(struct kt_view *view)
{
	char *crumb = view->crumb, *line = view->line;

	kt_dialog_abandon(view->ui);
	view->ops->destroy(view);
	free(crumb);
	free(line);
}

void kt_ui_push(struct kt_ui *ui, struct kt_view *view)
{
	struct kt_view *below = kt_ui_top(ui);

	if (below && below->ops->hidden)
		below->ops->hidden(below);
	kt_vec_push(&ui->views, view);
	view->line = ui->last_line ? kt_strdup(ui->last_line) : NULL;
	ui->moves++;
	if (view->ops->shown)
		view->ops->shown(view);
	kt_ui_dirty(ui);
}

void kt_ui_replace(struct kt_ui *ui, struct kt_view *view)
{
	while (ui->views.n)
		destroy_view(ui->views.items[--ui->views.n]);
	kt_ui_push(ui, view);
}

void kt_ui_pop(struct kt_ui *ui)
{
	if (ui->views.n < 2)
		return;
	destroy_view(ui->views.items[--ui->views.n]);
	ui->moves++;
	struct kt_view *top = kt_ui_top(ui);

	free(ui->last_line);
	ui->last_line = top->line ? kt_strdup(top->line) : NULL;
	if (top->ops->shown)
		top->ops->shown(top);
	kt_ui_dirty(ui);
}

/* Keys */

/* {name} of a line are filled in by the view; false when it cannot. */
static bool expand(struct kt_view *view, const char *line, struct kt_str *out)
{
	while (*line) {
		const char *open = strchr(line, '{'), *close = open ? strchr(open, '}') : NULL;

		if (!close) {
			kt_str_puts(out, line);
			break;
		}
		kt_str_add(out, line, (size_t)(open - line));
		kt_auto_free char *name = kt_strndup(open + 1, (size_t)(close - open - 1));

		if (!view->ops->expand || !view->ops->expand(view, name, out))
			return false;
		line = close + 1;
	}
	while (out->len && out->data[out->len - 1] == ' ')
		kt_str_truncate(out, out->len - 1);
	return true;
}

/* What the key would do has nothing to do it to: it waits for a table that is loading, unless it
 * changes something, for nobody has seen what. Any other key gives it up. */
static void refuse_key(
        struct kt_ui *ui, const struct kt_view *view, const struct kt_binding *binding)
{
	const char *what = binding->help ? binding->help : binding->line;
	bool is_loading = view->ops->is_loading && view->ops->is_loading(view);

	if (is_loading && !(binding->flags & KT_BINDING_WRITES)) {
		ui->held_key = binding->key;
		ui->held_moves = ui->moves;
		kt_ui_flash(ui, KT_FLASH_INFO, "%s: waiting for the rows", what);
	} else if (!ui->flash) { /* else the view has said why */
		kt_ui_flash(ui, KT_FLASH_WARN, "%s: there is nothing to do it to%s", what,
		        is_loading ? " yet" : " here");
	}
}

static bool run_binding(struct kt_ui *ui, struct kt_view *view, const struct kt_key *key)
{
	const struct kt_custom_key *own = kt_plugin_find(ui, view, key->code, true);
	const struct kt_binding *binding = own ? NULL : kt_binding_find(ui, view, key->code);
	kt_auto_str line = KT_STR_INIT;

	if (!binding && !own)
		own = kt_plugin_find(ui, view, key->code, false);
	if (own)
		kt_plugin_run(ui, view, own);
	if (!binding)
		return own != NULL;
	kt_ui_flash_clear(ui); /* it told of what was done before */
	if (!expand(view, binding->line, &line)) {
		refuse_key(ui, view, binding);
		return true;
	}
	ui->of_key = true;
	kt_ui_run(ui, kt_str_text(&line));
	ui->of_key = false;
	return true;
}

/* Esc and a key that follow each other closely arrive as Alt and that key; only lines of text know
 * some of these. */
static bool is_esc_and_key(const struct kt_ui *ui, uint32_t code)
{
	const struct kt_view *view = kt_ui_top(ui);
	uint32_t rest = code & ~(uint32_t)KT_KEY_ALT;
	bool in_line = ui->dialog || kt_prompt_is_open(ui->prompt);

	if (!(code & KT_KEY_ALT) || (!in_line && view && view->ops->types_text))
		return false;
	return !in_line || !(rest == 'b' || rest == 'f' || rest == 'd' || rest == KT_KEY_BACKSPACE);
}

static void handle_key(struct kt_ui *ui, const struct kt_key *key)
{
	struct kt_view *view = kt_ui_top(ui);

	ui->held_key = KT_KEY_NONE;
	if (key->code == KT_KEY_RESIZE || key->code == KT_KEY_NONE || kt_paste_key(ui, key))
		return;
	if (kt_screen_too_small()) { /* what cannot be seen is not done */
		ui->leaving = key->code == (KT_KEY_CTRL | 'c');
		return;
	}
	if (is_esc_and_key(ui, key->code)) {
		handle_key(ui, &(struct kt_key){.code = KT_KEY_ESC});
		handle_key(ui, &(struct kt_key){.code = key->code & ~(uint32_t)KT_KEY_ALT});
		return;
	}
	if (ui->dialog) {
		kt_dialog_key(ui, key);
		return;
	}
	if (kt_prompt_is_open(ui->prompt)) {
		kt_prompt_key(ui->prompt, key);
		return;
	}
	if (!view)
		return;
	/* an editor takes what it can use: letters are text there, commands are on Ctrl */
	if (view->ops->types_text && view->ops->key && view->ops->key(view, key))
		return;
	bool text = view->ops->types_text && key->code < 0x110000 && key->code >= 0x20;

	if (!text && run_binding(ui, view, key))
		return;
	if (!view->ops->types_text && view->ops->key && view->ops->key(view, key))
		return;
	if (key->code == KT_KEY_MOUSE && key->mouse == KT_MOUSE_DOUBLE_CLICK)
		run_binding(ui, view, &(struct kt_key){.code = KT_KEY_ENTER});
	else if (key->code == KT_KEY_MOUSE)
		kt_frame_click(ui, key);
}

void kt_ui_press(struct kt_ui *ui, uint32_t code)
{
	handle_key(ui, &(struct kt_key){.code = code});
}

static void on_terminal(struct kt_io *io, uint32_t events)
{
	struct app *app = kt_container_of(io, struct app, stdin_io);
	struct kt_key key;
	int r = 0;

	for (int i = 0; i < KEYS_PER_TURN && !app->ui.leaving; i++) {
		r = kt_screen_read(&key);
		if (r < 0 || key.code == KT_KEY_NONE)
			break;
		handle_key(&app->ui, &key);
	}
	if (r < 0 || (events & (EPOLLHUP | EPOLLERR))) {
		app->ui.leaving = true;
		app->ui.exit_code = KT_EXIT_ERROR;
	}
	if (app->ui.leaving)
		kt_loop_stop(app->ui.loop);
	else if (!app->ui.pasting)
		kt_ui_paint(&app->ui);
}

static void on_resize(struct kt_io *io, uint32_t events)
{
	struct app *app = kt_container_of(io, struct app, resize_io);

	(void)events;
	kt_screen_resized();
	kt_screen_redraw();
	kt_ui_paint(&app->ui);
}

int kt_ui_spawn(struct kt_ui *ui, char *const argv[], struct kt_err *err)
{
	int status = 0;

	kt_screen_suspend();
	pid_t child = fork();

	if (child == 0) {
		signal(SIGPIPE, SIG_DFL);
		execvp(argv[0], argv);
		fprintf(stderr, "cannot run %s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	kt_screen_resume();
	kt_ui_dirty(ui);
	if (child < 0)
		return kt_fail(err, errno, "cannot start %s: %s", argv[0], strerror(errno));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Namespaces and contexts */

void kt_ui_remember_favourite(struct kt_ui *ui, const char *namespace)
{
	if (!*namespace)
		return;
	for (size_t i = 0; i < ui->favourites.n; i++)
		if (!strcmp(ui->favourites.items[i], namespace))
			return;
	if (ui->favourites.n == KT_FAVOURITES_MAX) {
		free(ui->favourites.items[KT_FAVOURITES_MAX - 1]);
		ui->favourites.n--;
	}
	kt_vec_push(&ui->favourites, kt_strdup(namespace));
}

void kt_ui_use_namespace(struct kt_ui *ui, const char *namespace)
{
	char *copy = kt_strdup(kt_streq(namespace, "all") ? "" : namespace);

	free(ui->namespace);
	ui->namespace = copy;
	if (ui->session && *copy)
		kt_session_set_namespace(ui->session, copy);
	kt_ui_remember_favourite(ui, copy);
	kt_ui_dirty(ui);
}

/* Start and end */

static int open_theme(struct kt_ui *ui, struct kt_err *err)
{
	const char *name = ui->options->theme ? ui->options->theme : getenv("K9S_SKIN");

	if (!name || !*name)
		name = ui->custom.settings.skin;
	if (!name || !*name) {
		kt_theme_stock(&ui->theme);
		return 0;
	}
	int r = kt_theme_load(name, &ui->theme, NULL, ui->options->theme ? err : NULL);

	if (r < 0 && !ui->options->theme) {
		kt_theme_stock(&ui->theme);
		return 0;
	}
	return r;
}

static void free_session(void *session)
{
	kt_session_destroy(session);
}

static void init_ui(struct app *app, const struct kt_tui_options *options)
{
	struct kt_ui *ui = &app->ui;

	ui->options = options;
	kt_map_init(&ui->sessions, free_session);
	kt_custom_init(&ui->custom);
	kt_timer_init(&ui->frame_timer, ui->loop, on_frame);
	kt_timer_init(&ui->flash_timer, ui->loop, on_flash_over);
	kt_timer_init(&ui->tick_timer, ui->loop, on_tick);
	kt_timer_set_after_ms(&ui->tick_timer, TICK_MS);
	ui->namespace = kt_strdup("");
	ui->prompt = kt_prompt_create(ui);
	ui->info = kt_info_create(ui);
	kt_ui_use_namespace(ui, options->all_namespaces ? ""
	                        : options->namespace    ? options->namespace
	                                                : "default");
	kt_plugins_load(ui);
	ui->readonly = options->readonly || ui->custom.settings.readonly;
	ui->hide_header = ui->custom.settings.headless;
	ui->hide_crumbs = ui->custom.settings.crumbsless;
	ui->full_screen = ui->custom.settings.full_screen;
}

static void finish_ui(struct app *app)
{
	struct kt_ui *ui = &app->ui;

	/* The loop runs once more, until the jobs have ended: nothing is read or painted then. */
	ui->leaving = true;
	kt_io_remove(&app->stdin_io);
	kt_io_remove(&app->resize_io);
	kt_timer_cancel(&ui->frame_timer);
	kt_timer_cancel(&ui->tick_timer);
	kt_dialog_close(ui);
	while (ui->views.n)
		destroy_view(ui->views.items[--ui->views.n]);
	kt_prompt_destroy(ui->prompt);
	kt_info_destroy(ui->info);
	kt_job_cancel_all(ui);
	kt_programs_forget(ui);
	kt_custom_finish(&ui->custom);
	kt_pending_cancel_all(ui);
	kt_start_destroy(ui->start);
	kt_timer_cancel(&ui->flash_timer);
	for (size_t i = 0; i < ui->trail.n; i++)
		free(ui->trail.items[i]);
	for (size_t i = 0; i < ui->favourites.n; i++)
		free(ui->favourites.items[i]);
	kt_vec_finish(&ui->trail);
	kt_vec_finish(&ui->favourites);
	kt_vec_finish(&ui->views);
	kt_vec_finish(&ui->jobs);
	kt_vec_finish(&ui->pending);
	kt_discovery_finish(&ui->discovery);
	kt_map_finish(&ui->sessions);
	kt_theme_finish(&ui->theme);
	free(ui->namespace);
	free(ui->awaited_line);
	free(ui->last_line);
	free(ui->output);
	free(ui->output_title);
	free(ui->flash);
	free(ui->start_error);
	kt_str_finish(&ui->pasted);
	kt_loop_destroy(ui->loop);
}

static int run(struct app *app, struct kt_err *err)
{
	struct kt_ui *ui = &app->ui;

	if (kt_io_add(&app->stdin_io, ui->loop, STDIN_FILENO, EPOLLIN, err) < 0 ||
	        kt_io_add(&app->resize_io, ui->loop, kt_screen_resize_fd(), EPOLLIN, err) < 0)
		return err->code;
	kt_ui_run(ui, ui->options->command       ? ui->options->command
	              : ui->custom.settings.view ? ui->custom.settings.view
	                                         : "pods");
	if (!ui->views.n)
		kt_ui_run(ui, "pods");
	kt_ui_paint(ui);
	kt_start_begin(ui);
	return ui->leaving ? 0 : kt_loop_run(ui->loop, err);
}

int kt_tui_run(const struct kt_tui_options *options, struct kt_err *err)
{
	struct app app = {.stdin_io = {.fn = on_terminal}, .resize_io = {.fn = on_resize}};
	int r;

	app.ui.loop = kt_loop_create(&(struct kt_loop_options){0}, err);
	if (!app.ui.loop)
		return err->code;
	init_ui(&app, options);
	signal(SIGPIPE, SIG_IGN);
	r = open_theme(&app.ui, err);
	if (r == 0)
		r = kt_screen_open(!options->no_mouse, err);
	if (r == 0)
		r = run(&app, err);
	kt_screen_close();
	finish_ui(&app);
	return r < 0 ? r : app.ui.exit_code;
}
