/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/widget/dialog.h"

#include "base/log.h"

#include <limits.h>

enum {
	WIDTH_MIN = 36,
	TEXT_WIDTH_MIN = 48,
	LIST_ROWS_MAX = 12,
	EDGE_ROWS = 3, /* the edge and the buttons */
	SIDES = 6
};

struct field {
	char *label;
	enum kt_field_kind kind;
	char **choices;
	size_t n_choices, choice, top;
	bool ticked;
	struct kt_line line;
};

struct kt_dialog {
	char *title, *text;
	struct field fields[KT_DIALOG_FIELDS_MAX];
	size_t n_fields;
	size_t focus; /* field, then n_fields: Cancel, n_fields + 1: OK */
	void (*done)(struct kt_ui *ui, void *arg);
	void *arg;
	void (*free_arg)(void *arg);
	/* on the screen, for the mouse; the last: the buttons; -1: not in sight */
	int row_of[KT_DIALOG_FIELDS_MAX + 1];
	int list_rows; /* as many as a list may have there */
	int cancel_at, ok_at;
	bool accepting; /* done() runs: whoever closes it now leaves it to accept() */
};

void kt_dialog_open(struct kt_ui *ui, const struct kt_dialog_options *options)
{
	struct kt_dialog *dialog = kt_new(struct kt_dialog);

	kt_assert(options->n_asks <= KT_DIALOG_FIELDS_MAX);
	kt_dialog_close(ui);
	dialog->title = kt_strdup(options->title);
	dialog->text = kt_strdup(options->text ? options->text : "");
	dialog->done = options->done;
	dialog->arg = options->arg;
	dialog->free_arg = options->free_arg;
	dialog->n_fields = options->n_asks;
	for (size_t i = 0; i < options->n_asks; i++) {
		const struct kt_ask *ask = &options->asks[i];
		struct field *field = &dialog->fields[i];

		field->label = kt_strdup(ask->label);
		field->kind = ask->kind;
		field->ticked = ask->ticked;
		field->choice = ask->choice;
		kt_line_set(&field->line, ask->text ? ask->text : "");
		while (ask->choices && ask->choices[field->n_choices])
			field->n_choices++;
		field->choices = kt_new_array(char *, field->n_choices + 1);
		for (size_t c = 0; c < field->n_choices; c++)
			field->choices[c] = kt_strdup(ask->choices[c]);
	}
	dialog->focus = options->n_asks && !options->careful ? 0
	                : options->careful                   ? options->n_asks
	                                                     : options->n_asks + 1;
	ui->dialog = dialog;
	kt_ui_dirty(ui);
}

static void free_dialog(struct kt_dialog *dialog)
{
	for (size_t i = 0; i < dialog->n_fields; i++) {
		struct field *field = &dialog->fields[i];

		for (size_t c = 0; c < field->n_choices; c++)
			free(field->choices[c]);
		free(field->choices);
		free(field->label);
		kt_line_finish(&field->line);
	}
	if (dialog->free_arg)
		dialog->free_arg(dialog->arg);
	free(dialog->title);
	free(dialog->text);
	free(dialog);
}

void kt_dialog_close(struct kt_ui *ui)
{
	struct kt_dialog *dialog = ui->dialog;

	ui->dialog = NULL;
	if (dialog && !dialog->accepting)
		free_dialog(dialog);
	kt_ui_dirty(ui);
}

void kt_dialog_abandon(struct kt_ui *ui)
{
	if (ui->dialog && !ui->dialog->accepting)
		kt_dialog_close(ui);
}

/* What was asked about is not done: the bottom tells of the view again. */
static void refuse(struct kt_ui *ui)
{
	const struct kt_view *view = kt_ui_top(ui);

	kt_dialog_close(ui);
	if (view && view->line)
		kt_ui_echo(ui, view->line);
}

const char *kt_dialog_text(const struct kt_ui *ui, size_t field)
{
	return kt_line_text(&ui->dialog->fields[field].line);
}

const char *kt_dialog_choice(const struct kt_ui *ui, size_t field)
{
	const struct field *f = &ui->dialog->fields[field];

	return f->choice < f->n_choices ? f->choices[f->choice] : "";
}

bool kt_dialog_ticked(const struct kt_ui *ui, size_t field)
{
	return ui->dialog->fields[field].ticked;
}

/* done() may open the next dialog. */
static void accept(struct kt_ui *ui)
{
	struct kt_dialog *dialog = ui->dialog;

	dialog->accepting = true;
	if (dialog->done)
		dialog->done(ui, dialog->arg);
	if (ui->dialog == dialog)
		ui->dialog = NULL;
	free_dialog(dialog);
}

static bool field_key(struct field *field, const struct kt_key *key)
{
	switch (field->kind) {
	case KT_ASK_TEXT:
		return kt_line_key(&field->line, key);
	case KT_ASK_TICK:
		if (key->code != ' ' && key->code != 'x')
			return false;
		field->ticked = !field->ticked;
		return true;
	case KT_ASK_CHOICE:
		if (key->code == KT_KEY_LEFT)
			field->choice = (field->choice + field->n_choices - 1) % field->n_choices;
		else if (key->code == KT_KEY_RIGHT || key->code == ' ')
			field->choice = (field->choice + 1) % field->n_choices;
		else
			return false;
		return true;
	case KT_ASK_LIST:
		if ((key->code == KT_KEY_UP || key->code == 'k') && field->choice > 0)
			field->choice--;
		else if ((key->code == KT_KEY_DOWN || key->code == 'j') &&
		         field->choice + 1 < field->n_choices)
			field->choice++;
		else
			return key->code == KT_KEY_UP || key->code == KT_KEY_DOWN;
		return true;
	}
	return false;
}

static void mouse(struct kt_ui *ui, const struct kt_key *key)
{
	struct kt_dialog *dialog = ui->dialog;

	if (key->mouse != KT_MOUSE_CLICK)
		return;
	if (key->row == dialog->row_of[KT_DIALOG_FIELDS_MAX] && key->column >= dialog->cancel_at) {
		if (key->column >= dialog->ok_at)
			accept(ui);
		else
			refuse(ui);
		return;
	}
	for (size_t i = 0; i < dialog->n_fields; i++) {
		struct field *field = &dialog->fields[i];

		if (dialog->row_of[i] < 0)
			continue;
		if (field->kind == KT_ASK_LIST && key->row >= dialog->row_of[i] &&
		        key->row < dialog->row_of[i] + dialog->list_rows &&
		        field->top + (size_t)(key->row - dialog->row_of[i]) < field->n_choices) {
			field->choice = field->top + (size_t)(key->row - dialog->row_of[i]);
			dialog->focus = i;
		} else if (key->row == dialog->row_of[i]) {
			dialog->focus = i;
			field_key(field, &(struct kt_key){.code = ' '});
		}
	}
}

void kt_dialog_key(struct kt_ui *ui, const struct kt_key *key)
{
	struct kt_dialog *dialog = ui->dialog;
	size_t stops = dialog->n_fields + 2;
	bool on_button = dialog->focus >= dialog->n_fields;

	if (key->code == KT_KEY_ESC || key->code == (KT_KEY_CTRL | 'c')) {
		refuse(ui);
	} else if (key->code == KT_KEY_MOUSE) {
		mouse(ui, key);
	} else if (key->code == KT_KEY_ENTER) {
		if (dialog->focus == dialog->n_fields)
			refuse(ui);
		else if (on_button || dialog->fields[dialog->focus].kind != KT_ASK_TICK)
			accept(ui);
		else
			dialog->focus = dialog->n_fields + 1;
	} else if (!on_button && field_key(&dialog->fields[dialog->focus], key)) {
		kt_ui_dirty(ui);
	} else if (key->code == KT_KEY_TAB || key->code == KT_KEY_DOWN ||
	           key->code == KT_KEY_RIGHT) {
		dialog->focus = (dialog->focus + 1) % stops;
	} else if (key->code == KT_KEY_BACKTAB || key->code == KT_KEY_UP ||
	           key->code == KT_KEY_LEFT) {
		dialog->focus = (dialog->focus + stops - 1) % stops;
	} else if (on_button && (key->code == 'y' || key->code == 'Y')) {
		accept(ui);
	} else if (on_button && (key->code == 'n' || key->code == 'q')) {
		refuse(ui);
	}
}

/* Drawing */

/* The next line of a text, broken between words where it is too long; cut by who draws it. */
static bool next_line(struct kt_sv *rest, int width, struct kt_sv *ret_line)
{
	const char *end = memchr(rest->p, '\n', rest->len);
	size_t len = end ? (size_t)(end - rest->p) : rest->len, at = len;

	if (!rest->len)
		return false;
	while (at && kt_text_width(rest->p, at) > width)
		while (at && rest->p[--at] != ' ') {
		}
	at = at ? at : len;
	*ret_line = (struct kt_sv){rest->p, at};
	at += at < rest->len; /* the blank or the end of the line */
	*rest = (struct kt_sv){rest->p + at, rest->len - at};
	return true;
}

static int rows_of(const struct kt_dialog *dialog, const struct field *field)
{
	return field->kind == KT_ASK_LIST
	               ? KT_MIN((int)field->n_choices, KT_MAX(dialog->list_rows, 1))
	               : 1;
}

static int measure_width(const struct kt_dialog *dialog)
{
	int width = KT_MAX(WIDTH_MIN, kt_text_width(dialog->title, strlen(dialog->title)) + 8);
	struct kt_sv rest = kt_sv_of(dialog->text), line;

	while (next_line(&rest, INT_MAX, &line))
		width = KT_MAX(width, kt_text_width(line.p, line.len) + SIDES);
	for (size_t i = 0; i < dialog->n_fields; i++) {
		const struct field *field = &dialog->fields[i];

		width = KT_MAX(width, (int)strlen(field->label) + 30);
		if (field->kind == KT_ASK_TEXT) {
			int text = kt_text_width(kt_line_text(&field->line), field->line.text.len);

			width = KT_MAX(width,
			        (int)strlen(field->label) + KT_MAX(text + 10, TEXT_WIDTH_MIN));
		}
		for (size_t c = 0; c < field->n_choices; c++)
			width = KT_MAX(
			        width, kt_text_width(field->choices[c], strlen(field->choices[c])) +
			                       (int)strlen(field->label) + 14);
	}
	return width;
}

/* With a blank row below the text and one above the buttons. */
static int measure_rows(const struct kt_dialog *dialog, int text_width)
{
	struct kt_sv rest = kt_sv_of(dialog->text), line;
	int rows = EDGE_ROWS + 2;

	while (next_line(&rest, text_width, &line))
		rows++;
	for (size_t i = 0; i < dialog->n_fields; i++)
		rows += rows_of(dialog, &dialog->fields[i]);
	return rows;
}

static void draw_list(struct kt_ui *ui, struct field *field, struct kt_rect area, bool focused)
{
	size_t shown = (size_t)area.rows;

	if (field->choice < field->top)
		field->top = field->choice;
	if (field->choice >= field->top + shown)
		field->top = field->choice - shown + 1;
	for (size_t i = 0; i < shown; i++) {
		bool current = field->top + i == field->choice;
		struct kt_style style =
		        current && focused
		                ? kt_ui_style(ui, KT_ROLE_DIALOG_FOCUS_FG, KT_ROLE_DIALOG_FOCUS_BG)
		                : kt_ui_style(ui,
		                          current ? KT_ROLE_PICKER_FOCUS : KT_ROLE_PICKER_MAIN,
		                          KT_ROLE_DIALOG_BG);
		kt_auto_free char *text =
		        kt_asprintf("%c %s", current ? '>' : ' ', field->choices[field->top + i]);

		kt_draw_cell(area.row + (int)i, area.column, area.columns, text, style);
	}
}

static void draw_field(struct kt_ui *ui, struct field *field, struct kt_rect area, bool focused)
{
	struct kt_style label = kt_ui_style(ui, KT_ROLE_DIALOG_LABEL, KT_ROLE_DIALOG_BG);
	struct kt_style value =
	        focused ? kt_ui_style(ui, KT_ROLE_DIALOG_FOCUS_FG, KT_ROLE_DIALOG_FOCUS_BG)
	                : kt_ui_style(ui, KT_ROLE_DIALOG_FIELD, KT_ROLE_DIALOG_BG);
	int label_width = (int)strlen(field->label) + 2;

	if (field->kind == KT_ASK_LIST) {
		draw_list(ui, field, area, focused);
		return;
	}
	if (label_width > area.columns / 2) /* a narrow screen */
		label_width = KT_MIN(label_width, area.columns / 3 + 1);
	kt_draw_cell(area.row, area.column, label_width - 1, field->label, label);
	int column = area.column + label_width, width = area.columns - label_width;

	if (field->kind == KT_ASK_TEXT) {
		value.attributes |= KT_ATTR_UNDERLINE;
		kt_line_draw(&field->line, area.row, column, width, value, focused);
	} else if (field->kind == KT_ASK_TICK) {
		kt_draw_cell(area.row, column, 3, field->ticked ? "[x]" : "[ ]", value);
	} else {
		kt_auto_free char *text = kt_asprintf("< %s >", field->choices[field->choice]);

		kt_draw_text(area.row, column, width, text, strlen(text), value, true);
	}
}

/* The text and the fields in what room there is between the edge and the buttons: where it is too
 * little, so much of it that the field with the focus is in sight. */
static void draw_inside(struct kt_ui *ui, struct kt_rect room)
{
	struct kt_dialog *dialog = ui->dialog;
	struct kt_sv rest = kt_sv_of(dialog->text), line;
	int row = room.row, end = room.row + room.rows, above = 0;

	while (next_line(&rest, room.columns, &line))
		above++;
	above += above > 0;
	for (size_t i = 0; dialog->focus < dialog->n_fields && i <= dialog->focus; i++)
		above += rows_of(dialog, &dialog->fields[i]);
	if (dialog->focus < dialog->n_fields)
		row -= KT_MAX(above - room.rows, 0);
	rest = kt_sv_of(dialog->text);
	for (; next_line(&rest, room.columns, &line); row++)
		if (row >= room.row && row < end)
			kt_draw_text(row, room.column, room.columns, line.p, line.len,
			        kt_ui_style(ui, KT_ROLE_DIALOG_FG, KT_ROLE_DIALOG_BG), true);
	row += *dialog->text != '\0';
	for (size_t i = 0; i < dialog->n_fields; i++) {
		struct field *field = &dialog->fields[i];
		int rows = rows_of(dialog, field);
		bool seen = row >= room.row && row < end;

		dialog->row_of[i] = seen ? row : -1;
		if (seen)
			draw_field(ui, field,
			        (struct kt_rect){
			                row, room.column, KT_MIN(rows, end - row), room.columns},
			        dialog->focus == i);
		row += rows;
	}
}

static void draw_button(struct kt_ui *ui, int row, int column, const char *text, bool focused)
{
	struct kt_style style =
	        focused ? kt_ui_style(ui, KT_ROLE_DIALOG_FOCUS_FG, KT_ROLE_DIALOG_FOCUS_BG)
	                : kt_ui_style(ui, KT_ROLE_DIALOG_BUTTON_FG, KT_ROLE_DIALOG_BUTTON_BG);

	if (focused)
		style.attributes |= KT_ATTR_BOLD | (kt_screen_colors() ? 0 : KT_ATTR_UNDERLINE);
	kt_draw_text(row, column, (int)strlen(text), text, strlen(text), style, false);
}

void kt_dialog_draw(struct kt_ui *ui)
{
	struct kt_dialog *dialog = ui->dialog;
	struct kt_style plain = kt_ui_style(ui, KT_ROLE_DIALOG_FG, KT_ROLE_DIALOG_BG);
	struct kt_style edge = kt_ui_style(ui, KT_ROLE_BORDER_FOCUS, KT_ROLE_DIALOG_BG);
	int screen_rows, screen_columns, width = measure_width(dialog), rows;

	kt_screen_size(&screen_rows, &screen_columns);
	width = KT_MIN(width, screen_columns - 2);
	dialog->list_rows = KT_MIN(LIST_ROWS_MAX, screen_rows - EDGE_ROWS);
	rows = KT_MIN(measure_rows(dialog, width - SIDES), screen_rows);
	int top = (screen_rows - rows) / 2, left = (screen_columns - width) / 2,
	    row = top + rows - 2;

	for (int i = 0; i < rows; i++)
		kt_draw_fill(top + i, left, width, ' ', plain);
	kt_draw_box(top, left, rows, width, edge);
	kt_auto_free char *title = kt_asprintf("<%s>", dialog->title);

	edge.attributes |= KT_ATTR_BOLD;
	kt_draw_text(top, left + (width - kt_text_width(title, strlen(title))) / 2, width - 4,
	        title, strlen(title), edge, true);
	draw_inside(
	        ui, (struct kt_rect){top + 1, left + SIDES / 2, rows - EDGE_ROWS, width - SIDES});
	dialog->row_of[KT_DIALOG_FIELDS_MAX] = row;
	dialog->cancel_at = left + width / 2 - 10;
	dialog->ok_at = left + width / 2 + 2;
	draw_button(ui, row, dialog->cancel_at, " Cancel ", dialog->focus == dialog->n_fields);
	draw_button(ui, row, dialog->ok_at, "   OK   ", dialog->focus == dialog->n_fields + 1);
}
