/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/frame.h"

#include "tui/fetch.h"
#include "tui/widget/dialog.h"
#include "tui/widget/header.h"
#include "tui/widget/prompt.h"

enum {
	FULL_HEADER_ROWS_MIN = 20,
	LINE_HEADER_ROWS_MIN = 10,
	TWO_BOTTOM_ROWS_MIN = 16,
	PROMPT_BOX_ROWS = 3,
	FLASH_ROWS_MAX = 5
};

struct layout {
	struct kt_rect header, prompt, body, crumbs, flash; /* rows 0: not shown */
};

static struct layout lay_out(const struct kt_ui *ui)
{
	int rows, columns, top = 0;
	struct layout l = {0};

	kt_screen_size(&rows, &columns);
	int bottom = rows;

	if (!ui->hide_header && !ui->full_screen && rows >= LINE_HEADER_ROWS_MIN) {
		l.header = (struct kt_rect){
		        0, 0, rows >= FULL_HEADER_ROWS_MIN ? KT_HEADER_ROWS : 1, columns};
		top += l.header.rows;
	}
	if (kt_prompt_is_open(ui->prompt)) {
		l.prompt = (struct kt_rect){
		        top, 0, rows >= LINE_HEADER_ROWS_MIN ? PROMPT_BOX_ROWS : 1, columns};
		top += l.prompt.rows;
	}
	l.flash = (struct kt_rect){--bottom, 0, 1, columns};
	if (rows >= TWO_BOTTOM_ROWS_MIN && !ui->hide_crumbs && !ui->full_screen)
		l.crumbs = (struct kt_rect){--bottom, 0, 1, columns};
	l.body = (struct kt_rect){top, 0, bottom - top, columns};
	return l;
}

/* The title stands in the middle of the upper edge. */
static void draw_title(struct kt_ui *ui, const struct kt_view *view, struct kt_rect box)
{
	kt_auto_str title = KT_STR_INIT;
	struct kt_style style = kt_ui_style(ui, KT_ROLE_TITLE_FG, KT_ROLE_TITLE_BG);
	const char *filter = view->ops->filter_text ? view->ops->filter_text(view) : NULL;

	if (view->ops->title)
		view->ops->title((struct kt_view *)(uintptr_t)view, &title);
	kt_auto_free char *tail =
	        filter && *filter ? kt_asprintf(" </%s> ", filter) : kt_strdup("");
	int room = box.columns - 6, tail_width = kt_text_width(tail, strlen(tail));
	int width = KT_MIN(
	        kt_text_width(kt_str_text(&title), title.len) + 2, KT_MAX(room - tail_width, 10));
	int at = box.column + (box.columns - width - tail_width) / 2;

	style.attributes |= KT_ATTR_BOLD;
	kt_auto_free char *text = kt_asprintf(" %s ", kt_str_text(&title));

	kt_draw_text(box.row, at, width, text, strlen(text), style, true);
	kt_draw_text(box.row, at + width, room, tail, strlen(tail),
	        kt_ui_style(ui, KT_ROLE_TITLE_FILTER, KT_ROLE_TITLE_BG), true);
}

static void draw_body(struct kt_ui *ui, struct kt_rect area)
{
	struct kt_view *view = kt_ui_top(ui);
	struct kt_rect inside = {area.row + 1, area.column + 1, area.rows - 2, area.columns - 2};

	if (!view)
		return;
	if (area.rows < 4) {
		view->ops->draw(view, area);
		return;
	}
	view->ops->draw(view, inside);
	kt_draw_box(area.row, area.column, area.rows, area.columns,
	        kt_ui_style(ui, KT_ROLE_BORDER_FOCUS, KT_ROLE_BODY_BG));
	draw_title(ui, view, area);
}

static void draw_crumbs(struct kt_ui *ui, struct kt_rect area)
{
	int at = area.column + 1;

	for (size_t i = 0; i < ui->views.n && at < area.columns; i++) {
		bool last = i + 1 == ui->views.n;
		struct kt_style style = kt_ui_style(
		        ui, KT_ROLE_CRUMB_FG, last ? KT_ROLE_CRUMB_ACTIVE : KT_ROLE_CRUMB_BG);
		kt_auto_free char *text = kt_asprintf(" <%s> ", ui->views.items[i]->crumb);

		if (last)
			style.attributes |= KT_ATTR_BOLD;
		at += kt_draw_text(
		              area.row, at, area.columns - at, text, strlen(text), style, true) +
		      1;
	}
}

/* Bytes of text that fit in a row, up to a blank where there is one. */
static size_t row_of_text(const char *text, size_t len, int width)
{
	size_t end = 0, blank = 0;
	int used = 0, columns;

	while (end < len) {
		size_t n = kt_text_grapheme(text + end, len - end, &columns);

		if (used + columns > width)
			break;
		if (text[end] == ' ')
			blank = end;
		used += columns;
		end += n;
	}
	return end == len || !blank ? end : blank;
}

/* A message that is longer than its row takes some rows above it as well: it is to be read. */
static void draw_message(struct kt_rect area, const char *text, struct kt_style style)
{
	size_t starts[FLASH_ROWS_MAX + 1] = {0}, len = strlen(text);
	int width = area.columns - 2, rows = 0, most = KT_MIN(FLASH_ROWS_MAX, area.row / 2 + 1);

	while (rows < most && starts[rows] < len) {
		size_t n = row_of_text(text + starts[rows], len - starts[rows], width);

		starts[rows + 1] = starts[rows] + KT_MAX(n, 1);
		starts[rows + 1] += text[starts[rows + 1]] == ' ';
		rows++;
	}
	for (int i = 0; i < rows; i++) {
		bool last = i + 1 == rows;
		size_t end = last ? len : starts[i + 1];
		int row = area.row - rows + 1 + i;

		if (rows > 1)
			kt_draw_fill(row, area.column, area.columns, ' ', style);
		kt_draw_text(row, 1, width, text + starts[i], end - starts[i], style, last);
	}
}

/* A message, or the command line that the last key stood for. */
static void draw_flash(struct kt_ui *ui, struct kt_rect area)
{
	static const enum kt_role roles[] = {[KT_FLASH_INFO] = KT_ROLE_LOGO_INFO,
	        [KT_FLASH_WARN] = KT_ROLE_ROW_PENDING,
	        [KT_FLASH_ERROR] = KT_ROLE_ROW_ERROR};
	struct kt_style style = kt_ui_style(ui, KT_ROLE_ROW_COMPLETED, KT_ROLE_BODY_BG);

	if (ui->flash) {
		style = kt_ui_style(ui, roles[ui->flash_kind], KT_ROLE_BODY_BG);
		style.attributes |= ui->flash_kind == KT_FLASH_INFO ? 0 : KT_ATTR_BOLD;
		draw_message(area, ui->flash, style);
		return;
	}
	const char *awaited = kt_pending_path(ui);
	kt_auto_free char *text =
	        awaited        ? kt_asprintf("waiting for %s (Esc: no longer)", awaited)
	        : ui->starting ? kt_strdup("the cluster is starting")
	                       : kt_asprintf("kube-tui> %s", ui->last_line ? ui->last_line : "");

	if (awaited || ui->starting || ui->last_line)
		kt_draw_text(area.row, 1, area.columns - 2, text, strlen(text), style, true);
}

static void draw_too_small(struct kt_ui *ui)
{
	int rows, columns;
	char text[128];

	kt_screen_size(&rows, &columns);
	snprintf(text, sizeof(text), "terminal too small: %dx%d,", columns, rows);
	kt_draw_text(0, 0, columns, text, strlen(text),
	        kt_ui_style(ui, KT_ROLE_BODY_FG, KT_ROLE_BODY_BG), false);
	snprintf(text, sizeof(text), "%dx%d is needed", KT_SCREEN_COLUMNS_MIN, KT_SCREEN_ROWS_MIN);
	kt_draw_text(1, 0, columns, text, strlen(text),
	        kt_ui_style(ui, KT_ROLE_BODY_FG, KT_ROLE_BODY_BG), false);
	kt_draw_text(2, 0, columns, "Ctrl-C leaves", 13,
	        kt_ui_style(ui, KT_ROLE_BODY_FG, KT_ROLE_BODY_BG), false);
}

void kt_frame_draw(struct kt_ui *ui)
{
	struct layout l = lay_out(ui);

	kt_screen_cursor(-1, 0);
	kt_screen_clear(kt_ui_style(ui, KT_ROLE_BODY_FG, KT_ROLE_BODY_BG));
	if (kt_screen_too_small()) {
		draw_too_small(ui);
		return;
	}
	if (l.header.rows == KT_HEADER_ROWS)
		kt_header_draw(ui, (struct kt_rect){0, 1, KT_HEADER_ROWS, l.header.columns - 1});
	else if (l.header.rows)
		kt_header_draw_line(ui, l.header);
	draw_body(ui, l.body);
	if (l.crumbs.rows)
		draw_crumbs(ui, l.crumbs);
	draw_flash(ui, l.flash);
	if (l.prompt.rows)
		kt_prompt_draw(ui->prompt, l.prompt);
	if (ui->dialog)
		kt_dialog_draw(ui);
}

void kt_frame_click(struct kt_ui *ui, const struct kt_key *key)
{
	struct layout l = lay_out(ui);

	if (key->mouse == KT_MOUSE_CLICK && l.header.rows == KT_HEADER_ROWS &&
	        key->row < KT_HEADER_ROWS) {
		uint32_t code = kt_header_key_at(ui,
		        (struct kt_rect){0, 1, KT_HEADER_ROWS, l.header.columns - 1}, key->row,
		        key->column);

		if (code)
			kt_ui_press(ui, code);
	}
	if (key->mouse != KT_MOUSE_CLICK || !l.crumbs.rows || key->row != l.crumbs.row)
		return;
	int at = 1;

	for (size_t i = 0; i < ui->views.n; i++) {
		int width = kt_text_width(
		                    ui->views.items[i]->crumb, strlen(ui->views.items[i]->crumb)) +
		            4;

		if (key->column >= at && key->column < at + width) {
			while (ui->views.n > i + 1)
				kt_ui_pop(ui);
			return;
		}
		at += width + 1;
	}
}
