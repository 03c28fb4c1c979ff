/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Pulses: the cluster at a glance. A tile for each kind of kinds.c that has one with how many
 * objects there are and how they fare, and two for CPU and memory with their course; live, by the
 * same watches and rules of health as the tables. Enter opens the kind. UI thread.
 */
#include "tui/keys.h"
#include "tui/kinds.h"
#include "tui/live.h"
#include "tui/widget/move.h"

enum {
	TILE_WIDTH_MIN = 25,
	TILE_ROWS = 4,
	SAMPLE_MS = 5000,
	SAMPLES = 256,
	N_USAGES = 2,
	PULSES_MAX = 32
};

struct pulse {
	const struct kt_ui_kind *kind;
	struct kt_table table;
	struct kt_live live;
	bool started;
};

struct pulses_view {
	struct kt_view view;
	char *namespace;
	struct pulse kinds[PULSES_MAX];
	size_t n_kinds;
	float samples[N_USAGES][SAMPLES]; /* parts of the whole; the newest is the last */
	size_t n_samples;
	struct kt_timer timer;
	size_t selected, top; /* tile; first row of tiles shown */
	struct kt_rect area;
};

static struct pulses_view *of_view(const struct kt_view *view)
{
	return kt_container_of((struct kt_view *)(uintptr_t)view, struct pulses_view, view);
}

static size_t tiles(const struct pulses_view *v)
{
	return N_USAGES + v->n_kinds;
}

static void title(struct kt_view *view, struct kt_str *out)
{
	const char *namespace = of_view(view)->namespace;

	kt_str_printf(out, "Pulses(%s)", *namespace ? namespace : "all");
}

/* Data */

static void start(struct pulses_view *v)
{
	for (size_t i = 0; i < v->n_kinds; i++) {
		const struct kt_resource *resource =
		        kt_ui_resource(v->view.ui, v->kinds[i].kind->plural);

		if (!resource || v->kinds[i].started)
			continue;
		kt_auto_free char *path = kt_resource_path(resource,
		        resource->namespaced && *v->namespace ? v->namespace : NULL, NULL, NULL);

		v->kinds[i].started = true;
		kt_live_start(&v->kinds[i].live, path, "");
	}
}

static float part_of(double used, double all)
{
	return all > 0 && used > 0 ? (float)KT_MIN(used / all, 1) : 0;
}

static void sample(struct pulses_view *v)
{
	const struct kt_ui_facts *facts = &v->view.ui->facts;
	float now[N_USAGES] = {part_of(facts->cpu_used, facts->cpu_all),
	        part_of(facts->memory_used, facts->memory_all)};

	for (size_t i = 0; i < N_USAGES; i++) {
		memmove(&v->samples[i][0], &v->samples[i][1],
		        (SAMPLES - 1) * sizeof(v->samples[i][0]));
		v->samples[i][SAMPLES - 1] = now[i];
	}
	v->n_samples = KT_MIN(v->n_samples + 1, (size_t)SAMPLES);
}

static void on_timer(struct kt_timer *timer)
{
	struct pulses_view *v = kt_container_of(timer, struct pulses_view, timer);

	sample(v);
	kt_ui_dirty(v->view.ui);
	kt_timer_set_after_ms(timer, SAMPLE_MS);
}

/* Screen */

static size_t per_row(struct kt_rect area)
{
	return (size_t)KT_MAX(area.columns / TILE_WIDTH_MIN, 1);
}

static void draw_course(struct pulses_view *v, size_t which, int row, int column, int width)
{
	static const char *const eighths[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	static const char *const plain[] = {"_", ".", ".", "-", "-", "=", "#", "#"};

	for (int i = 0; i < width; i++) {
		size_t back = (size_t)(width - i);

		if (back > v->n_samples)
			continue;
		float part = v->samples[which][SAMPLES - back];
		int step = KT_MIN((int)(part * 8), 7);
		const char *cell = kt_screen_unicode() ? eighths[step] : plain[step];
		enum kt_role role = part >= 0.9F   ? KT_ROLE_ROW_ERROR
		                    : part >= 0.7F ? KT_ROLE_ROW_PENDING
		                    : which        ? KT_ROLE_INFO_MEM
		                                   : KT_ROLE_INFO_CPU;

		kt_draw_text(row, column + i, 1, cell, strlen(cell),
		        kt_ui_style(v->view.ui, role, KT_ROLE_CHART_BG), false);
	}
}

static void draw_usage(struct pulses_view *v, size_t which, struct kt_rect inside)
{
	const struct kt_ui_facts *facts = &v->view.ui->facts;
	double used = which ? facts->memory_used : facts->cpu_used,
	       all = which ? facts->memory_all : facts->cpu_all, unit = which ? 1073741824.0 : 1;
	kt_auto_free char *text =
	        facts->cpu_used < 0 || all <= 0
	                ? kt_strdup("n/a")
	                : kt_asprintf("%.3g of %.4g %s, %.0f%%", used / unit, all / unit,
	                          which ? "GiB" : "cores", 100 * part_of(used, all));

	kt_draw_text(inside.row, inside.column, inside.columns, text, strlen(text),
	        kt_ui_style(
	                v->view.ui, which ? KT_ROLE_INFO_MEM : KT_ROLE_INFO_CPU, KT_ROLE_CHART_BG),
	        true);
	draw_course(v, which, inside.row + 1, inside.column, inside.columns);
}

static const struct {
	const char *name;
	enum kt_role role;
	unsigned states; /* bits of enum kt_row_state */
} PARTS[] = {
        {"fault", KT_ROLE_ROW_ERROR, 1 << KT_ROW_ERROR},
        {"pending", KT_ROLE_ROW_PENDING, 1 << KT_ROW_PENDING | 1 << KT_ROW_KILLED},
        {"ok", KT_ROLE_LOGO_INFO, 1 << KT_ROW_PLAIN},
        {"done", KT_ROLE_ROW_COMPLETED, 1 << KT_ROW_COMPLETED},
};

static size_t count(const struct kt_table *table, unsigned states)
{
	size_t n = 0;

	for (unsigned i = 0; i < KT_ROW_STATES; i++)
		if (states & (1U << i))
			n += table->by_state[i];
	return n;
}

/* One line in the proportions of the parts; each that is there has a cell at least. */
static void draw_parts(
        struct pulses_view *v, const struct kt_table *table, int row, int column, int width)
{
	size_t left = table->rows.n;
	int at = 0;

	for (size_t i = 0; i < KT_ARRAY_SIZE(PARTS); i++) {
		size_t n = count(table, PARTS[i].states);
		bool last = n && n == left;

		left -= n;
		int cells = !n     ? 0
		            : last ? width - at
		                   : KT_MAX((int)((double)n / (double)table->rows.n * width), 1);
		const char *cell = kt_screen_unicode() ? "▄" : i < 2 ? "#" : "=";

		for (int c = 0; c < cells && at < width; c++, at++)
			kt_draw_text(row, column + at, 1, cell, strlen(cell),
			        kt_ui_style(v->view.ui, PARTS[i].role, KT_ROLE_CHART_BG), false);
	}
}

static void draw_kind(struct pulses_view *v, size_t which, struct kt_rect inside)
{
	const struct pulse *pulse = &v->kinds[which];
	int at = inside.column, end = inside.column + inside.columns;
	char text[64];

	if (!pulse->started || pulse->live.problem) {
		const char *why = pulse->live.problem ? pulse->live.problem : "not served";

		kt_draw_text(inside.row, at, inside.columns, why, strlen(why),
		        kt_ui_style(v->view.ui, KT_ROLE_ROW_COMPLETED, KT_ROLE_CHART_BG), true);
		return;
	}
	struct kt_style style = kt_ui_style(v->view.ui, KT_ROLE_BODY_FG, KT_ROLE_CHART_BG);

	style.attributes |= KT_ATTR_BOLD;
	snprintf(text, sizeof(text), "%zu%s", pulse->table.rows.n,
	        pulse->live.complete  ? ""
	        : kt_screen_unicode() ? "…"
	                              : "..");
	at += kt_draw_text(inside.row, at, end - at, text, strlen(text), style, false) + 1;
	for (size_t i = 0; i < KT_ARRAY_SIZE(PARTS); i++) {
		size_t n = count(&pulse->table, PARTS[i].states);

		if (!n || at >= end)
			continue;
		snprintf(text, sizeof(text), " %s %zu", PARTS[i].name, n);
		at += kt_draw_text(inside.row, at, end - at, text, strlen(text),
		        kt_ui_style(v->view.ui, PARTS[i].role, KT_ROLE_CHART_BG), true);
	}
	if (pulse->table.rows.n)
		draw_parts(v, &pulse->table, inside.row + 1, inside.column, inside.columns);
}

static void draw_tile(struct pulses_view *v, size_t tile, struct kt_rect area)
{
	static const char *const usages[N_USAGES] = {"CPU", "Memory"};
	const char *name = tile < N_USAGES ? usages[tile] : v->kinds[tile - N_USAGES].kind->plural;
	struct kt_rect inside = {area.row + 1, area.column + 2, area.rows - 2, area.columns - 4};
	bool selected = tile == v->selected;
	struct kt_style style =
	        kt_ui_style(v->view.ui, selected ? KT_ROLE_CHART_FOCUS_FG : KT_ROLE_TITLE_FG,
	                selected ? KT_ROLE_CHART_FOCUS_BG : KT_ROLE_CHART_BG);

	if (tile < N_USAGES)
		draw_usage(v, tile, inside);
	else
		draw_kind(v, tile - N_USAGES, inside);
	kt_draw_box(area.row, area.column, area.rows, area.columns,
	        kt_ui_style(v->view.ui, selected ? KT_ROLE_BORDER_FOCUS : KT_ROLE_BORDER,
	                KT_ROLE_CHART_BG));
	kt_auto_free char *text = kt_asprintf(" %s ", name);

	style.attributes |= KT_ATTR_BOLD | (selected && !kt_screen_colors() ? KT_ATTR_REVERSE : 0);
	kt_draw_text(area.row, area.column + 2, area.columns - 4, text, strlen(text), style, true);
}

static void draw(struct kt_view *view, struct kt_rect area)
{
	struct pulses_view *v = of_view(view);
	size_t columns = per_row(area), rows = (size_t)KT_MAX(area.rows / TILE_ROWS, 1),
	       all = (tiles(v) + columns - 1) / columns;
	int width = area.columns / (int)columns;

	v->area = area;
	for (int i = 0; i < area.rows; i++)
		kt_draw_fill(area.row + i, area.column, area.columns, ' ',
		        kt_ui_style(view->ui, KT_ROLE_BODY_FG, KT_ROLE_CHART_BG));
	v->top = KT_MIN(v->top, all > rows ? all - rows : 0);
	v->top = KT_MIN(v->top, v->selected / columns);
	if (v->selected / columns >= v->top + rows)
		v->top = v->selected / columns - rows + 1;
	for (size_t tile = v->top * columns; tile < tiles(v); tile++) {
		size_t row = tile / columns - v->top;

		if (row >= rows)
			break;
		draw_tile(v, tile,
		        (struct kt_rect){area.row + (int)row * TILE_ROWS,
		                area.column + (int)(tile % columns) * width,
		                KT_MIN(TILE_ROWS, area.rows), width});
	}
}

/* Keys */

static void open_selected(struct pulses_view *v)
{
	struct kt_ui *ui = v->view.ui;
	const char *kind =
	        v->selected < N_USAGES ? "nodes" : v->kinds[v->selected - N_USAGES].kind->plural;

	if (*v->namespace || v->selected >= N_USAGES)
		kt_ui_use_namespace(ui, v->namespace);
	kt_ui_navigate(ui, kind, true);
}

static bool mouse(struct pulses_view *v, const struct kt_key *pressed)
{
	size_t columns = per_row(v->area), tile;
	int width = v->area.columns / (int)columns;

	if (pressed->mouse == KT_MOUSE_WHEEL_UP || pressed->mouse == KT_MOUSE_WHEEL_DOWN) {
		size_t step = pressed->mouse == KT_MOUSE_WHEEL_UP ? 0 : 2 * columns;

		v->selected = KT_MIN(v->selected + step, columns + tiles(v) - 1);
		v->selected -= KT_MIN(v->selected, columns);
		return true;
	}
	if (pressed->row < v->area.row || pressed->row >= v->area.row + v->area.rows)
		return false;
	tile = ((size_t)(pressed->row - v->area.row) / TILE_ROWS + v->top) * columns +
	       (size_t)KT_MAX(pressed->column - v->area.column, 0) / (size_t)width;
	if (tile >= tiles(v))
		return false;
	v->selected = tile;
	if (pressed->mouse == KT_MOUSE_DOUBLE_CLICK)
		open_selected(v);
	return true;
}

static bool key(struct kt_view *view, const struct kt_key *pressed)
{
	struct pulses_view *v = of_view(view);
	size_t columns = per_row(v->area), last = tiles(v) - 1;

	if (pressed->code == KT_KEY_MOUSE)
		return mouse(v, pressed);
	if (pressed->code == KT_KEY_ENTER) {
		open_selected(v);
		return true;
	}
	switch (pressed->code == KT_KEY_TAB       ? KT_MOVE_RIGHT
	        : pressed->code == KT_KEY_BACKTAB ? KT_MOVE_LEFT
	                                          : kt_move_of(pressed->code)) {
	case KT_MOVE_LEFT:
		v->selected = v->selected ? v->selected - 1 : last;
		return true;
	case KT_MOVE_RIGHT:
		v->selected = v->selected < last ? v->selected + 1 : 0;
		return true;
	case KT_MOVE_UP:
		v->selected -= v->selected >= columns ? columns : 0;
		return true;
	case KT_MOVE_DOWN:
		v->selected += v->selected + columns <= last ? columns : 0;
		return true;
	case KT_MOVE_FIRST:
		v->selected = 0;
		return true;
	case KT_MOVE_LAST:
		v->selected = last;
		return true;
	default:
		return false;
	}
}

static bool verb(struct kt_view *view, const char *name, const char *argument)
{
	struct pulses_view *v = of_view(view);

	(void)argument;
	if (!strcmp(name, "connected") || !strcmp(name, "refresh"))
		for (size_t i = 0; i < v->n_kinds; i++)
			v->kinds[i].started = false;
	else if (strcmp(name, "discovered") != 0)
		return false;
	start(v);
	return true;
}

static void destroy(struct kt_view *view)
{
	struct pulses_view *v = of_view(view);

	kt_timer_cancel(&v->timer);
	for (size_t i = 0; i < v->n_kinds; i++) {
		kt_live_finish(&v->kinds[i].live);
		kt_table_finish(&v->kinds[i].table);
	}
	free(v->namespace);
	free(v);
}

static const struct kt_view_ops OPS = {
        .title = title, .draw = draw, .key = key, .verb = verb, .destroy = destroy};

static struct kt_view *create(struct kt_ui *ui, const char *namespace)
{
	struct pulses_view *v = kt_new(struct pulses_view);

	v->view = (struct kt_view){.ops = &OPS, .ui = ui, .crumb = kt_strdup("pulses")};
	v->namespace = kt_strdup(namespace);
	v->selected = N_USAGES + 2;
	kt_timer_init(&v->timer, ui->loop, on_timer);
	for (const struct kt_ui_kind *kind = kt_ui_kinds; kind->plural; kind++) {
		struct pulse *pulse = &v->kinds[v->n_kinds];

		if (!kind->pulse || v->n_kinds == PULSES_MAX)
			continue;
		pulse->kind = kind;
		kt_table_init(&pulse->table);
		kt_live_init(&pulse->live, ui, &pulse->table);
		v->n_kinds++;
	}
	if (ui->client)
		start(v);
	on_timer(&v->timer);
	return &v->view;
}

static void run(struct kt_ui *ui, const char *argument)
{
	if (*argument)
		kt_ui_use_namespace(ui, argument);
	kt_ui_open(ui, create(ui, ui->namespace));
}

const struct kt_ui_verb kt_screen_pulses = {
        .name = "pulses", .aliases = "pulse pu hz", .help = "the cluster at a glance", .run = run};
