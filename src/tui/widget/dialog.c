/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/widget/dialog.h"

#include "base/log.h"

enum { WIDTH_MIN = 36, TEXT_WIDTH_MIN = 48, LIST_ROWS_MAX = 12 };

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
	int row_of[KT_DIALOG_FIELDS_MAX +
	           1]; /* on the screen, for the mouse; the last: the buttons */
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
			kt_dialog_close(ui);
		return;
	}
	for (size_t i = 0; i < dialog->n_fields; i++) {
		struct field *field = &dialog->fields[i];

		if (field->kind == KT_ASK_LIST && key->row >= dialog->row_of[i] &&
		        key->row < dialog->row_of[i] + LIST_ROWS_MAX &&
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
		kt_dialog_close(ui);
	} else if (key->code == KT_KEY_MOUSE) {
		mouse(ui, key);
	} else if (key->code == KT_KEY_ENTER) {
		if (dialog->focus == dialog->n_fields)
			kt_dialog_close(ui);
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
		kt_dialog_close(ui);
	}
}

/* Drawing */

static int measure(const struct kt_dialog *dialog, int *ret_rows)
{
	int width = KT_MAX(WIDTH_MIN, kt_text_width(dialog->title, strlen(dialog->title)) + 8),
	    rows = 4;
	struct kt_sv rest = kt_sv_of(dialog->text), line;

	while (*dialog->text && kt_sv_split(&rest, '\n', &line)) {
		width = KT_MAX(width, kt_text_width(line.p, line.len) + 6);
		rows++;
	}
	for (size_t i = 0; i < dialog->n_fields; i++) {
		const struct field *field = &dialog->fields[i];

		rows += field->kind == KT_ASK_LIST ? (int)KT_MIN(field->n_choices, LIST_ROWS_MAX)
		                                   : 1;
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
	*ret_rows = rows + 1;
	return width;
}

static int draw_list(
        struct kt_ui *ui, struct field *field, int row, int column, int width, bool focused)
{
	size_t shown = KT_MIN(field->n_choices, LIST_ROWS_MAX);

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

		kt_draw_cell(row + (int)i, column, width, text, style);
	}
	return row + (int)shown;
}

static int draw_field(
        struct kt_ui *ui, struct field *field, int row, int column, int width, bool focused)
{
	struct kt_style label = kt_ui_style(ui, KT_ROLE_DIALOG_LABEL, KT_ROLE_DIALOG_BG);
	struct kt_style value =
	        focused ? kt_ui_style(ui, KT_ROLE_DIALOG_FOCUS_FG, KT_ROLE_DIALOG_FOCUS_BG)
	                : kt_ui_style(ui, KT_ROLE_DIALOG_FIELD, KT_ROLE_DIALOG_BG);
	int label_width = (int)strlen(field->label) + 2;

	if (field->kind == KT_ASK_LIST)
		return draw_list(ui, field, row, column, width, focused);
	kt_draw_cell(row, column, label_width, field->label, label);
	if (field->kind == KT_ASK_TEXT) {
		value.attributes |= KT_ATTR_UNDERLINE;
		kt_line_draw(&field->line, row, column + label_width, width - label_width, value,
		        focused);
	} else if (field->kind == KT_ASK_TICK) {
		kt_draw_cell(row, column + label_width, 3, field->ticked ? "[x]" : "[ ]", value);
	} else {
		kt_auto_free char *text = kt_asprintf("< %s >", field->choices[field->choice]);

		kt_draw_cell(
		        row, column + label_width, kt_text_width(text, strlen(text)), text, value);
	}
	return row + 1;
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
	int screen_rows, screen_columns, rows, width = measure(dialog, &rows);
	struct kt_sv rest = kt_sv_of(dialog->text), line;

	kt_screen_size(&screen_rows, &screen_columns);
	width = KT_MIN(width, screen_columns - 2);
	rows = KT_MIN(rows, screen_rows);
	int top = (screen_rows - rows) / 2, left = (screen_columns - width) / 2, row = top + 1;

	for (int i = 0; i < rows; i++)
		kt_draw_fill(top + i, left, width, ' ', plain);
	kt_draw_box(top, left, rows, width, edge);
	kt_auto_free char *title = kt_asprintf("<%s>", dialog->title);

	edge.attributes |= KT_ATTR_BOLD;
	kt_draw_text(top, left + (width - kt_text_width(title, strlen(title))) / 2, width - 4,
	        title, strlen(title), edge, true);
	while (*dialog->text && kt_sv_split(&rest, '\n', &line))
		kt_draw_text(row++, left + 3, width - 6, line.p, line.len, plain, true);
	row += *dialog->text != '\0';
	for (size_t i = 0; i < dialog->n_fields; i++) {
		dialog->row_of[i] = row;
		row = draw_field(
		        ui, &dialog->fields[i], row, left + 3, width - 6, dialog->focus == i);
	}
	row = top + rows - 2;
	dialog->row_of[KT_DIALOG_FIELDS_MAX] = row;
	dialog->cancel_at = left + width / 2 - 10;
	dialog->ok_at = left + width / 2 + 2;
	draw_button(ui, row, dialog->cancel_at, " Cancel ", dialog->focus == dialog->n_fields);
	draw_button(ui, row, dialog->ok_at, "   OK   ", dialog->focus == dialog->n_fields + 1);
}
