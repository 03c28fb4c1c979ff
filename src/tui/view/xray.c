/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/view/xray.h"

#include "tui/view/resource.h"
#include "tui/widget/move.h"
#include "tui/xray_tree.h"

#include "base/time.h"

#include <ctype.h>

enum { MANY_ROWS = 2000, MANY_PAUSE_MS = 250, GAP = 2 };

/* Below a root of any kind. */
static const char OWNED[] = "deployments replicasets statefulsets daemonsets cronjobs jobs pods";
static const char REFERRED[] = "configmaps secrets persistentvolumeclaims serviceaccounts";

struct xray_view {
	struct kt_view view;
	char *namespace, *plural;
	bool namespaced;
	struct kt_xray_tree tree;
	size_t cursor, top;
	char *at; /* key of the line the cursor is on */
	int64_t made_ns;
	struct kt_timer pause; /* of a large tree: it is made anew then */
	struct kt_rect area;
};

static struct xray_view *of_view(const struct kt_view *view)
{
	return kt_container_of((struct kt_view *)(uintptr_t)view, struct xray_view, view);
}

static void title(struct kt_view *view, struct kt_str *out)
{
	struct xray_view *v = of_view(view);

	kt_str_printf(out, "Xray(%s%s%s)[%zu]", v->plural, v->namespaced ? " " : "",
	        !v->namespaced  ? ""
	        : *v->namespace ? v->namespace
	                        : "all",
	        v->tree.roots);
}

/* Lines */

static const struct kt_xray_line *current(const struct xray_view *v)
{
	return v->cursor < v->tree.lines.n ? &v->tree.lines.items[v->cursor] : NULL;
}

static void go_to(struct xray_view *v, size_t line)
{
	v->cursor = v->tree.lines.n ? KT_MIN(line, v->tree.lines.n - 1) : 0;
	free(v->at);
	v->at = current(v) ? kt_strdup(current(v)->key) : NULL;
}

/* Made anew when rows changed, a large tree not with every frame; the cursor stays on its line. */
static void bring_up_to_date(struct xray_view *v)
{
	bool asked = v->tree.made == UINT64_MAX;
	int64_t now = kt_ui_now(v->view.ui);

	if (v->tree.made == kt_xray_tree_version(&v->tree))
		return;
	if (!asked && v->tree.rows > MANY_ROWS && now - v->made_ns < MANY_PAUSE_MS * KT_NS_PER_MS) {
		kt_timer_set(&v->pause, v->made_ns + MANY_PAUSE_MS * KT_NS_PER_MS);
		return;
	}
	v->made_ns = now;
	kt_xray_tree_make(&v->tree);
	for (size_t i = 0; v->at && i < v->tree.lines.n; i++) {
		if (!strcmp(v->tree.lines.items[i].key, v->at)) {
			v->cursor = i;
			return;
		}
	}
	go_to(v, v->cursor);
}

static void on_pause_over(struct kt_timer *timer)
{
	kt_ui_dirty(kt_container_of(timer, struct xray_view, pause)->view.ui);
}

/* Screen */

static enum kt_role role_of(enum kt_row_state state)
{
	static const enum kt_role roles[KT_ROW_STATES] = {[KT_ROW_PLAIN] = KT_ROLE_XRAY_FG,
	        [KT_ROW_PENDING] = KT_ROLE_ROW_PENDING,
	        [KT_ROW_ERROR] = KT_ROLE_ROW_ERROR,
	        [KT_ROW_COMPLETED] = KT_ROLE_ROW_COMPLETED,
	        [KT_ROW_KILLED] = KT_ROLE_ROW_KILLED};

	return roles[state];
}

static void put_branches(const struct kt_xray_line *line, struct kt_str *out)
{
	bool unicode = kt_screen_unicode();

	for (int depth = 1; depth < line->depth; depth++)
		kt_str_puts(out, line->more & (1U << depth) ? unicode ? "│ " : "| " : "  ");
	if (line->depth)
		kt_str_puts(out, line->more & (1U << line->depth) ? unicode ? "├─" : "|-"
		                 : unicode                        ? "└─"
		                                                  : "`-");
	kt_str_puts(out, !line->has_children ? unicode ? "─ " : "- "
	                 : line->open        ? unicode ? "▾ " : "v "
	                 : unicode           ? "▸ "
	                                     : "> ");
}

static void draw_line(
        struct xray_view *v, const struct kt_xray_line *line, int row, bool is_current)
{
	struct kt_ui *ui = v->view.ui;
	int at = v->area.column, end = at + v->area.columns;
	struct kt_style graphic = kt_ui_style(ui, KT_ROLE_XRAY_GRAPHIC, KT_ROLE_XRAY_BG),
	                own = kt_ui_style(ui, role_of(line->state), KT_ROLE_XRAY_BG),
	                sign = kt_ui_style(ui, role_of(line->worst), KT_ROLE_XRAY_BG);
	kt_auto_str branches = KT_STR_INIT, tail = KT_STR_INIT;

	if (is_current) {
		kt_color bar = line->state == KT_ROW_PLAIN ? ui->theme.colors[KT_ROLE_XRAY_CURSOR]
		                                           : own.fg;

		own.fg = graphic.fg = ui->theme.colors[KT_ROLE_XRAY_CURSOR_TEXT];
		own.bg = graphic.bg = sign.bg = bar;
		sign.fg = line->worst == line->state ? own.fg : sign.fg;
		own.attributes |= kt_screen_colors() ? 0 : KT_ATTR_REVERSE;
	}
	kt_draw_fill(row, at, v->area.columns, ' ', own);
	put_branches(line, &branches);
	at += kt_draw_text(row, at, end - at, kt_str_text(&branches), branches.len, graphic, false);
	const char *dot = kt_screen_unicode()                                            ? "● "
	                  : line->worst == KT_ROW_ERROR || line->worst == KT_ROW_PENDING ? "! "
	                                                                                 : "";

	at += kt_draw_text(row, at, end - at, dot, strlen(dot), sign, false);
	kt_auto_free char *label = kt_asprintf("%s/", line->container ? "container" : line->label);

	at += kt_draw_text(row, at, end - at, label, strlen(label), graphic, true);
	const char *name = line->container ? line->container : line->name;

	own.attributes |= line->depth ? 0 : KT_ATTR_BOLD;
	at += kt_draw_text(row, at, end - at, name, strlen(name), own, true) + GAP;
	own.attributes &= ~(unsigned)KT_ATTR_BOLD;
	kt_str_puts(&tail, line->text);
	if (!line->depth && v->namespaced && !*v->namespace)
		kt_str_printf(&tail, "%sin %s", tail.len ? "  " : "", line->namespace);
	if (line->faults)
		kt_str_printf(&tail, "%s%zu fault%s below", tail.len ? "  " : "", line->faults,
		        line->faults == 1 ? "" : "s");
	if (at < end)
		kt_draw_text(row, at, end - at, kt_str_text(&tail), tail.len,
		        is_current || line->state != KT_ROW_PLAIN ? own : graphic, true);
}

static void draw_message(struct xray_view *v)
{
	const struct kt_live *roots = &v->tree.sources.items[0]->live;
	const char *text = roots->problem     ? roots->problem
	                   : !roots->complete ? NULL
	                   : v->tree.roots    ? "Nothing passes the filter"
	                                      : "No resources found";

	if (text && !v->tree.lines.n)
		kt_draw_text(v->area.row + KT_MIN(1, v->area.rows - 1), v->area.column + 2,
		        v->area.columns - 4, text, strlen(text),
		        kt_ui_style(v->view.ui,
		                roots->problem ? KT_ROLE_ROW_ERROR : KT_ROLE_ROW_COMPLETED,
		                KT_ROLE_XRAY_BG),
		        true);
}

static void draw(struct kt_view *view, struct kt_rect area)
{
	struct xray_view *v = of_view(view);
	size_t rows = (size_t)KT_MAX(area.rows, 1);

	v->area = area;
	bring_up_to_date(v);
	v->top = KT_MIN(v->top, v->cursor);
	if (v->cursor >= v->top + rows)
		v->top = v->cursor - rows + 1;
	if (v->top + rows > v->tree.lines.n)
		v->top = v->tree.lines.n > rows ? v->tree.lines.n - rows : 0;
	for (int i = 0; i < area.rows; i++) {
		size_t line = v->top + (size_t)i;

		if (line < v->tree.lines.n)
			draw_line(v, &v->tree.lines.items[line], area.row + i, line == v->cursor);
		else
			kt_draw_fill(area.row + i, area.column, area.columns, ' ',
			        kt_ui_style(view->ui, KT_ROLE_XRAY_FG, KT_ROLE_XRAY_BG));
	}
	draw_message(v);
}

/* Keys and commands */

static void toggle(struct xray_view *v)
{
	const struct kt_xray_line *line = current(v);

	if (line && line->has_children)
		kt_xray_tree_toggle(&v->tree, line->key);
}

/* The line a level up. */
static void go_up(struct xray_view *v)
{
	size_t at = v->cursor;
	int depth = current(v) ? current(v)->depth : 0;

	while (at > 0 && v->tree.lines.items[at].depth >= depth)
		at--;
	go_to(v, at);
}

static void left(struct xray_view *v)
{
	const struct kt_xray_line *line = current(v);

	if (line && line->open && line->has_children)
		toggle(v);
	else if (line && line->depth)
		go_up(v);
}

static void right(struct xray_view *v)
{
	const struct kt_xray_line *line = current(v);

	if (line && !line->open)
		toggle(v);
	else if (line && line->has_children)
		go_to(v, v->cursor + 1);
}

static bool mouse(struct xray_view *v, const struct kt_key *pressed)
{
	size_t line = v->top + (size_t)KT_MAX(pressed->row - v->area.row, 0);

	if (pressed->mouse == KT_MOUSE_WHEEL_UP) {
		go_to(v, v->cursor - KT_MIN(v->cursor, (size_t)3));
		return true;
	}
	if (pressed->mouse == KT_MOUSE_WHEEL_DOWN) {
		go_to(v, v->cursor + 3);
		return true;
	}
	if (pressed->row < v->area.row || line >= v->tree.lines.n)
		return false;
	go_to(v, line);
	if (pressed->mouse == KT_MOUSE_CLICK &&
	        pressed->column < v->area.column + 2 * current(v)->depth + 2)
		toggle(v);
	return pressed->mouse != KT_MOUSE_DOUBLE_CLICK;
}

static bool key(struct kt_view *view, const struct kt_key *pressed)
{
	struct xray_view *v = of_view(view);
	size_t page = (size_t)KT_MAX(v->area.rows - 1, 1);
	enum kt_move move = kt_move_of(pressed->code);

	if (pressed->code == KT_KEY_MOUSE)
		return mouse(v, pressed);
	if (move == KT_MOVE_LEFT)
		left(v);
	else if (move == KT_MOVE_RIGHT)
		right(v);
	else if (move != KT_MOVE_NONE)
		go_to(v, kt_move_index(move, v->cursor, v->tree.lines.n, page));
	return move != KT_MOVE_NONE;
}

static const struct kt_resource *resource_of(
        const struct xray_view *v, const struct kt_xray_line *line)
{
	return kt_ui_resource(v->view.ui, v->tree.sources.items[line->source]->word);
}

static const struct kt_resource *resource(const struct kt_view *view)
{
	const struct kt_xray_line *line = current(of_view(view));

	return line ? resource_of(of_view(view), line) : NULL;
}

static bool expand(struct kt_view *view, const char *name, struct kt_str *out)
{
	struct xray_view *v = of_view(view);
	const struct kt_xray_line *line = current(v);
	const struct kt_resource *of = line ? resource_of(v, line) : NULL;

	if (line && !strcmp(name, "row"))
		return true;
	if (!of)
		return false;
	if (!strcmp(name, "target") || !strcmp(name, "targets"))
		kt_resource_put_target(view->ui, of, line->name, out);
	else if (!strcmp(name, "name") || !strcmp(name, "names"))
		kt_str_puts(out, line->name);
	else if (!strcmp(name, "namespace"))
		kt_str_puts(out, line->namespace);
	else if (!strcmp(name, "ns"))
		kt_str_printf(out, "%s%s", *line->namespace ? "-n " : "", line->namespace);
	else
		return false;
	return true;
}

/* The line's object in its table, or a container's log. */
static void enter(struct xray_view *v)
{
	struct kt_ui *ui = v->view.ui;
	const struct kt_xray_line *line = current(v);
	const struct kt_resource *of = line ? resource_of(v, line) : NULL;

	if (!of)
		return;
	if (line->container) {
		kt_auto_free char *log = kt_asprintf(
		        "logs -f pod/%s -c %s -n %s", line->name, line->container, line->namespace);

		kt_ui_run(ui, log);
		return;
	}
	kt_ui_push(
	        ui, kt_resource_view_create(ui, &(struct kt_resource_view_options){.resource = of,
	                                                .namespace = line->namespace,
	                                                .select = line->name}));
}

static void start(struct xray_view *v)
{
	for (size_t i = 0; i < v->tree.sources.n; i++) {
		struct kt_xray_source *source = v->tree.sources.items[i];
		const struct kt_resource *of = kt_ui_resource(v->view.ui, source->word);

		if (!of || source->started || !v->view.ui->client)
			continue;
		kt_auto_free char *path = kt_resource_path(
		        of, of->namespaced && *v->namespace ? v->namespace : NULL, NULL, NULL);

		source->started = true;
		kt_live_start(&source->live, path, "");
	}
}

static void open_all(struct xray_view *v)
{
	v->tree.mode = v->tree.mode == KT_XRAY_ALL ? KT_XRAY_ROOTS : KT_XRAY_ALL;
	kt_map_clear(&v->tree.toggled);
	v->tree.made = UINT64_MAX;
}

static bool verb(struct kt_view *view, const char *name, const char *argument)
{
	struct xray_view *v = of_view(view);

	(void)argument;
	if (!strcmp(name, "connected") || !strcmp(name, "refresh"))
		for (size_t i = 0; i < v->tree.sources.n; i++)
			v->tree.sources.items[i]->started = false;
	if (!strcmp(name, "connected") || !strcmp(name, "refresh") || !strcmp(name, "discovered"))
		start(v);
	else if (!strcmp(name, "enter"))
		enter(v);
	else if (!strcmp(name, "toggle"))
		toggle(v);
	else if (!strcmp(name, "toggle-all"))
		open_all(v);
	else if (!strcmp(name, "owner"))
		go_up(v);
	else
		return false;
	return true;
}

static void filter(struct kt_view *view, const char *text)
{
	struct xray_view *v = of_view(view);

	kt_filter_set(&v->tree.filter, text);
	v->tree.made = UINT64_MAX;
	kt_ui_dirty(view->ui);
}

static const char *filter_text(const struct kt_view *view)
{
	return of_view(view)->tree.filter.text;
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
	struct xray_view *v = of_view(view);

	kt_timer_cancel(&v->pause);
	kt_xray_tree_finish(&v->tree);
	free(v->namespace);
	free(v->plural);
	free(v->at);
	free(v);
}

static const struct kt_view_ops OPS = {
        .context = KT_IN_XRAY | KT_IN_RESOURCE,
        .title = title,
        .draw = draw,
        .key = key,
        .verb = verb,
        .expand = expand,
        .filter = filter,
        .filter_text = filter_text,
        .resource = resource,
        .leave = leave,
        .destroy = destroy,
};

static void add_kinds(struct xray_view *v, const char *words, bool referred)
{
	struct kt_sv rest = kt_sv_of(words), word;

	while (kt_sv_split(&rest, ' ', &word)) {
		kt_auto_free char *plural = kt_sv_dup(word);
		const struct kt_resource *of = word.len ? kt_ui_resource(v->view.ui, plural) : NULL;

		if (of)
			kt_xray_tree_add(&v->tree, v->view.ui, plural, of->singular)->referred =
			        referred;
	}
}

struct kt_view *kt_xray_view_create(struct kt_ui *ui, const struct kt_resource *of,
        const char *namespace, const char *filter_typed)
{
	struct xray_view *v = kt_new(struct xray_view);
	kt_auto_free char *full = kt_resource_full_name(of), *plural = kt_strdup(of->plural),
	                  *singular = kt_strdup(of->singular);
	const struct kt_ui_kind *kind = kt_ui_kind_of(of);
	bool known = kind && kind->below;

	v->view = (struct kt_view){.ops = &OPS, .ui = ui, .crumb = kt_strdup("xray")};
	v->namespace = kt_strdup(of->namespaced ? namespace : "");
	v->plural = kt_steal(&plural);
	v->namespaced = of->namespaced;
	kt_timer_init(&v->pause, ui->loop, on_pause_over);
	kt_xray_tree_init(&v->tree);
	kt_filter_set(&v->tree.filter, filter_typed);
	v->tree.way = known ? kind->way : KT_XRAY_BY_OWNER;
	kt_xray_tree_add(&v->tree, ui, known ? kind->plural : full, singular);
	add_kinds(v, known ? kind->below : OWNED, false);
	add_kinds(v, REFERRED, true);
	start(v);
	return &v->view;
}
