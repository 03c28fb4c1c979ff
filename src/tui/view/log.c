/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/view/log.h"

#include "tui/asking.h"
#include "tui/fetch.h"
#include "tui/job.h"
#include "tui/runs.h"
#include "tui/save.h"
#include "tui/widget/dialog.h"
#include "tui/widget/text.h"

#include "tui/command/words.h"

enum { TAIL = 100 /* lines at first, as k9s has it */, AGAIN_MS = 2000 };

struct log_view {
	struct kt_view view;
	char *target, *namespace, *container;
	char *rest;     /* options given that have no key here */
	char since[16]; /* "tail", "head", "5m" */
	bool follow, previous, timestamps, all_containers;
	struct kt_text text;
	struct kt_job *job;
	int exit_code;
	/* a log that is followed beyond the end of a run */
	struct kt_runs *runs;
	struct kt_timer again;
	char *latest, *shown; /* when the runs began; latest NULL: it does not run */
	bool goes_on;
};

static struct log_view *of_view(const struct kt_view *view)
{
	return kt_container_of((struct kt_view *)(uintptr_t)view, struct log_view, view);
}

static void title(struct kt_view *view, struct kt_str *out)
{
	struct log_view *v = of_view(view);

	kt_str_printf(out, "Logs(%s%s%s)", v->target,
	        v->all_containers ? ":all"
	        : v->container    ? ":"
	                          : "",
	        v->container && !v->all_containers ? v->container : "");
	kt_str_printf(out, "[%s]", v->previous ? "previous" : v->since);
}

static void draw_indicator(struct log_view *v, struct kt_rect area)
{
	const struct {
		const char *name;
		bool on;
	} states[] = {{"Autoscroll", v->text.follow}, {"Timestamps", v->timestamps},
	        {"Wrap", v->text.wrap}, {"All", v->all_containers}, {"Previous", v->previous}};
	struct kt_ui *ui = v->view.ui;
	const char *end = v->job ? "" : v->exit_code ? "failed" : "ended";
	int at = area.column + 1, room = area.columns - (int)strlen(end) - 2;

	kt_draw_fill(area.row, area.column, area.columns, ' ',
	        kt_ui_style(ui, KT_ROLE_LOG_INDICATOR_FG, KT_ROLE_LOG_INDICATOR_BG));
	kt_draw_text(area.row, area.column + 1 + room, area.columns, end, strlen(end),
	        kt_ui_style(ui, v->exit_code ? KT_ROLE_ROW_ERROR : KT_ROLE_LOG_INDICATOR_FG,
	                KT_ROLE_LOG_INDICATOR_BG),
	        true);
	for (size_t i = 0; i < KT_ARRAY_SIZE(states); i++) {
		kt_auto_free char *text =
		        kt_asprintf("%s:%s", states[i].name, states[i].on ? "On" : "Off");

		at += 2 + kt_draw_text(area.row, at, KT_MAX(room - at, 0), text, strlen(text),
		                  kt_ui_style(ui, states[i].on ? KT_ROLE_LOG_ON : KT_ROLE_LOG_OFF,
		                          KT_ROLE_LOG_INDICATOR_BG),
		                  true);
	}
}

static void draw(struct kt_view *view, struct kt_rect area)
{
	struct log_view *v = of_view(view);

	draw_indicator(v, area);
	kt_text_draw(&v->text, &view->ui->theme,
	        (struct kt_rect){area.row + 1, area.column, area.rows - 1, area.columns});
}

static bool key(struct kt_view *view, const struct kt_key *pressed)
{
	return kt_text_key(&of_view(view)->text, pressed);
}

/* The command */

static void on_output(void *arg, struct kt_sv piece)
{
	kt_text_add(&((struct log_view *)arg)->text, piece);
}

/* A followed log goes on with the container's next run – and with the same one when only the
 * stream ended: then a little later, for the pod may not tell yet that it stopped. */
static void go_on(struct log_view *v)
{
	bool same = kt_streq(v->latest, v->shown);

	if (v->job || !v->latest || v->exit_code)
		return;
	kt_timer_set_after_ms(&v->again, same ? AGAIN_MS : 0);
}

static void on_run(void *arg, const char *started_at)
{
	struct log_view *v = arg;

	free(v->latest);
	v->latest = started_at ? kt_strdup(started_at) : NULL;
	if (v->job && v->latest && !v->shown)
		v->shown = kt_strdup(v->latest);
	go_on(v);
}

static void on_done(void *arg, int exit_code)
{
	struct log_view *v = arg;

	v->job = NULL;
	v->exit_code = exit_code;
	go_on(v);
}

static char *command_line(const struct log_view *v)
{
	int64_t tail = v->view.ui->custom.settings.logs_tail;
	kt_auto_str line = KT_STR_INIT;

	kt_str_printf(&line, "logs %s", v->target);
	if (*v->namespace)
		kt_str_printf(&line, " -n %s", v->namespace);
	if (v->all_containers)
		kt_str_puts(&line, " --all-containers --prefix");
	else if (v->container)
		kt_str_printf(&line, " -c %s", v->container);
	if (v->previous)
		kt_str_puts(&line, " --previous");
	else if (v->follow)
		kt_str_puts(&line, " -f");
	if (v->timestamps)
		kt_str_puts(&line, " --timestamps");
	if (v->goes_on && kt_streq(v->latest, v->shown))
		kt_str_puts(&line, " --tail=0");
	else if (v->goes_on)
		kt_str_printf(&line, " --since-time=%s", v->latest);
	else if (!strcmp(v->since, "tail"))
		kt_str_printf(&line, " --tail=%lld", (long long)(tail > 0 ? tail : TAIL));
	else if (strcmp(v->since, "head") != 0)
		kt_str_printf(&line, " --since=%s", v->since);
	kt_str_puts(&line, v->rest);
	return kt_str_steal(&line);
}

static void begin(struct log_view *v)
{
	kt_auto_free char *line = command_line(v);
	struct kt_ui *ui = v->view.ui;

	if (!v->goes_on)
		kt_ui_echo(ui, line);
	v->job = kt_job_start(
	        ui, &(struct kt_job_options){
	                    .line = line, .on_output = on_output, .on_done = on_done, .arg = v});
}

static void on_again(struct kt_timer *timer)
{
	struct log_view *v = kt_container_of(timer, struct log_view, again);

	if (v->job || !v->latest)
		return;
	v->goes_on = true;
	if (!kt_streq(v->latest, v->shown))
		kt_text_add(&v->text, KT_SV("--- started again ---\n"));
	begin(v);
	free(v->shown);
	v->shown = kt_strdup(v->latest);
}

static void forget_runs(struct log_view *v)
{
	free(v->latest);
	free(v->shown);
	v->latest = v->shown = NULL;
	v->goes_on = false;
}

static void stop(struct log_view *v)
{
	kt_timer_cancel(&v->again);
	kt_runs_unwatch(v->runs);
	v->runs = NULL;
	kt_job_cancel(v->job);
	v->job = NULL;
	forget_runs(v);
}

/* From the beginning. */
static void run(struct log_view *v)
{
	stop(v);
	kt_text_clear(&v->text);
	begin(v);
	if (v->follow && !v->previous && *v->namespace && kt_starts_with(v->target, "pod/"))
		v->runs = kt_runs_watch(v->view.ui, v->namespace, v->target + strlen("pod/"),
		        v->all_containers ? NULL : v->container, on_run, v);
}

/* Choosing a container */

static void on_chosen(struct kt_ui *ui, void *arg)
{
	struct log_view *v = arg;

	free(v->container);
	v->container = kt_strdup(kt_dialog_choice(ui, 0));
	v->all_containers = false;
	run(v);
}

static void on_pod(struct kt_ui *ui, void *arg, json_t *object, struct kt_err *err)
{
	static const char *const lists[] = {"spec.containers", "spec.initContainers",
	        "spec.template.spec.containers", "spec.template.spec.initContainers"};
	const char *names[33] = {NULL};
	const json_t *container;
	size_t n = 0, i;

	if (!object) {
		kt_ui_flash(ui, KT_FLASH_ERROR, "%s", kt_err_message(err));
		return;
	}
	if (kt_ui_top(ui) != arg) /* it was left meanwhile */
		return;
	for (size_t l = 0; l < KT_ARRAY_SIZE(lists); l++)
		json_array_foreach(kt_jget(object, lists[l]), i, container)
			if (n < 32 && kt_jstr(container, "name"))
				names[n++] = kt_jstr(container, "name");
	const struct kt_ask list = {.label = "", .kind = KT_ASK_LIST, .choices = names};

	if (n)
		kt_dialog_open(ui, &(struct kt_dialog_options){.title = "Containers",
		                           .asks = &list,
		                           .n_asks = 1,
		                           .done = on_chosen,
		                           .arg = of_view(arg)});
}

static void choose_container(struct log_view *v)
{
	kt_auto_free char *argument =
	        kt_asprintf("%s %s%s", v->target, *v->namespace ? "-n " : "", v->namespace);
	kt_auto_free char *path = kt_target_path_of(v->view.ui, argument, NULL);

	if (path)
		kt_fetch(v->view.ui, path, on_pod, &v->view, NULL);
}

/* Keys */

static void save(struct log_view *v)
{
	kt_auto_free char *name = kt_asprintf("%s-%lld.log", v->target,
	        (long long)(kt_loop_wall_ns(v->view.ui->loop) / KT_NS_PER_S));

	kt_save_dump(
	        v->view.ui, name, (struct kt_sv){kt_str_text(&v->text.bytes), v->text.bytes.len});
}

static bool text_verb(struct log_view *v, const char *name)
{
	if (!strcmp(name, "autoscroll"))
		v->text.follow = !v->text.follow;
	else if (!strcmp(name, "wrap"))
		v->text.wrap = !v->text.wrap;
	else if (!strcmp(name, "clear"))
		kt_text_clear(&v->text);
	else if (!strcmp(name, "line"))
		kt_text_add(&v->text, KT_SV("----------------------------------------\n"));
	else if (!strcmp(name, "next") || !strcmp(name, "previous-hit"))
		kt_text_next_hit(&v->text, !strcmp(name, "next"));
	else if (!strcmp(name, "save"))
		save(v);
	else if (!strcmp(name, "copy"))
		kt_copy(v->view.ui, (struct kt_sv){kt_str_text(&v->text.bytes), v->text.bytes.len});
	else
		return false;
	return true;
}

static bool verb(struct kt_view *view, const char *name, const char *argument)
{
	struct log_view *v = of_view(view);

	if (text_verb(v, name))
		return true;
	if (!strcmp(name, "since"))
		snprintf(v->since, sizeof(v->since), "%s", argument);
	else if (!strcmp(name, "timestamps"))
		v->timestamps = !v->timestamps;
	else if (!strcmp(name, "allcontainers"))
		v->all_containers = !v->all_containers;
	else if (!strcmp(name, "previous"))
		v->previous = !v->previous;
	else if (!strcmp(name, "container")) {
		choose_container(v);
		return true;
	} else if (strcmp(name, "refresh") != 0)
		return false;
	v->text.follow = strcmp(v->since, "head") != 0;
	run(v);
	return true;
}

static void filter(struct kt_view *view, const char *text)
{
	kt_text_filter(&of_view(view)->text, text);
	kt_ui_dirty(view->ui);
}

static const char *filter_text(const struct kt_view *view)
{
	return of_view(view)->text.filter.text;
}

static bool leave(struct kt_view *view)
{
	if (!filter_text(view))
		return false;
	filter(view, "");
	return true;
}

static void destroy(struct kt_view *view)
{
	struct log_view *v = of_view(view);

	stop(v);
	kt_text_finish(&v->text);
	free(v->target);
	free(v->namespace);
	free(v->container);
	free(v->rest);
	free(v);
}

static const struct kt_view_ops OPS = {
        .context = KT_IN_LOG,
        .title = title,
        .draw = draw,
        .key = key,
        .verb = verb,
        .filter = filter,
        .filter_text = filter_text,
        .leave = leave,
        .destroy = destroy,
};

static void take(char **place, const char *text)
{
	free(*place);
	*place = kt_strdup(text);
}

/* Options that have a key become its state; others stay as they are. */
static void read_line(struct log_view *v, const char *line)
{
	struct kt_tokens tokens;
	kt_auto_str rest = KT_STR_INIT;

	kt_words_split(line, &tokens);
	for (size_t i = 1; i < tokens.n; i++) {
		const char *word = tokens.items[i].text,
		           *next = i + 1 < tokens.n ? tokens.items[i + 1].text : NULL;

		if (!word)
			continue;
		if (!strcmp(word, "-f") || !strcmp(word, "--follow"))
			v->follow = true;
		else if (!strcmp(word, "-p") || !strcmp(word, "--previous"))
			v->previous = true;
		else if (!strcmp(word, "--timestamps"))
			v->timestamps = true;
		else if (!strcmp(word, "--all-containers"))
			v->all_containers = true;
		else if (!strcmp(word, "-c") && next)
			take(&v->container, tokens.items[++i].text);
		else if (!strcmp(word, "-n") && next)
			take(&v->namespace, tokens.items[++i].text);
		else if (kt_starts_with(word, "--since=") && strlen(word) < 20)
			snprintf(v->since, sizeof(v->since), "%s", word + strlen("--since="));
		else if (kt_starts_with(word, "--tail="))
			strcpy(v->since, "head"), kt_str_printf(&rest, " %s", word);
		else if (*word == '-' || *v->target)
			kt_str_printf(&rest, " %s", word);
		else
			take(&v->target, word);
	}
	kt_tokens_finish(&tokens);
	v->rest = kt_str_steal(&rest);
}

struct kt_view *kt_log_view_create(struct kt_ui *ui, const char *line)
{
	struct log_view *v = kt_new(struct log_view);

	v->view = (struct kt_view){.ops = &OPS, .ui = ui, .crumb = kt_strdup("logs")};
	v->target = kt_strdup("");
	v->namespace = kt_strdup("");
	kt_timer_init(&v->again, ui->loop, on_again);
	strcpy(v->since, "tail");
	read_line(v, line);
	kt_text_init(&v->text, KT_LOGS);
	v->text.hits_only = true;
	v->text.follow = !v->previous && !ui->custom.settings.logs_still;
	v->text.wrap = ui->custom.settings.logs_wrap;
	v->timestamps = v->timestamps || ui->custom.settings.logs_times;
	run(v);
	return &v->view;
}
