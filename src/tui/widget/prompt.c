/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/widget/prompt.h"

#include "tui/command/complete.h"
#include "tui/keys.h"
#include "tui/suggest.h"
#include "tui/widget/line.h"

#include "base/path.h"

enum { HISTORY_MAX = 500, HISTORY_MAX_BYTES = 1 << 20, POPUP_ROWS_MAX = 10 };

struct history {
	KT_VEC(char *) lines; /* oldest first */
};

struct kt_prompt {
	struct kt_ui *ui;
	char mode; /* 0: closed */
	struct kt_line line;
	struct history commands, filters;
	size_t at;   /* place in the history; its length: the line being typed */
	char *typed; /* that line while the history is walked */
	struct kt_candidates candidates; /* after Tab */
	size_t candidate;
	bool listing;
	char *suggestion; /* the whole line; NULL */
};

/* History */

static char *history_path(void)
{
	kt_auto_free char *home = kt_state_home();

	return kt_path_join(home, "ui-history");
}

static void remember(struct history *history, const char *line)
{
	if (!*line || *line == ' ' ||
	        (history->lines.n && !strcmp(history->lines.items[history->lines.n - 1], line)))
		return;
	for (size_t i = 0; i < history->lines.n; i++) {
		if (strcmp(history->lines.items[i], line))
			continue;
		free(history->lines.items[i]);
		kt_vec_remove(&history->lines, i);
		break;
	}
	if (history->lines.n >= HISTORY_MAX) {
		free(history->lines.items[0]);
		kt_vec_remove(&history->lines, 0);
	}
	kt_vec_push(&history->lines, kt_strdup(line));
}

static void load_history(struct kt_prompt *prompt)
{
	kt_auto_free char *path = history_path();
	kt_auto_str text = KT_STR_INIT;
	struct kt_sv rest, line;

	if (kt_read_file(path, HISTORY_MAX_BYTES, &text, NULL) < 0)
		return;
	rest = (struct kt_sv){kt_str_text(&text), text.len};
	while (kt_sv_split(&rest, '\n', &line)) {
		kt_auto_free char *copy = kt_sv_dup(line);

		if (line.len > 1)
			remember(*copy == '/' ? &prompt->filters : &prompt->commands, copy + 1);
	}
}

static void save_history(const struct kt_prompt *prompt)
{
	kt_auto_free char *home = kt_state_home();
	kt_auto_free char *path = history_path();
	kt_auto_str text = KT_STR_INIT;

	for (size_t i = 0; i < prompt->commands.lines.n; i++)
		kt_str_printf(&text, ":%s\n", prompt->commands.lines.items[i]);
	for (size_t i = 0; i < prompt->filters.lines.n; i++)
		kt_str_printf(&text, "/%s\n", prompt->filters.lines.items[i]);
	/* a history that cannot be kept is no reason to disturb anybody */
	if (text.len && kt_make_dirs(home, 0700, NULL) == 0 &&
	        kt_write_file(path, (struct kt_sv){kt_str_text(&text), text.len}, 0600, NULL) < 0)
		return;
}

static struct history *history_of(struct kt_prompt *prompt)
{
	return prompt->mode == '/' ? &prompt->filters : &prompt->commands;
}

struct kt_prompt *kt_prompt_create(struct kt_ui *ui)
{
	struct kt_prompt *prompt = kt_new(struct kt_prompt);

	prompt->ui = ui;
	load_history(prompt);
	return prompt;
}

static void finish_history(struct history *history)
{
	for (size_t i = 0; i < history->lines.n; i++)
		free(history->lines.items[i]);
	kt_vec_finish(&history->lines);
}

void kt_prompt_destroy(struct kt_prompt *prompt)
{
	if (!prompt)
		return;
	save_history(prompt);
	kt_prompt_close(prompt);
	finish_history(&prompt->commands);
	finish_history(&prompt->filters);
	kt_line_finish(&prompt->line);
	free(prompt);
}

/* Suggestions */

static void stop_listing(struct kt_prompt *prompt)
{
	kt_candidates_finish(&prompt->candidates);
	prompt->candidates = (struct kt_candidates){0};
	prompt->listing = false;
}

/* What the history or the names known here continue the line with. */
static void suggest(struct kt_prompt *prompt)
{
	const char *text = kt_line_text(&prompt->line);
	struct history *history = history_of(prompt);

	free(prompt->suggestion);
	prompt->suggestion = NULL;
	if (!*text || prompt->line.cursor != prompt->line.text.len)
		return;
	if (prompt->mode == ':')
		prompt->suggestion = kt_suggest(prompt->ui, text);
	for (size_t i = history->lines.n; i-- > 0 && !prompt->suggestion;)
		if (kt_starts_with(history->lines.items[i], text) &&
		        strcmp(history->lines.items[i], text))
			prompt->suggestion = kt_strdup(history->lines.items[i]);
}

void kt_prompt_open(struct kt_prompt *prompt, char mode, const char *text)
{
	prompt->mode = mode;
	kt_line_set(&prompt->line, text);
	prompt->at = history_of(prompt)->lines.n;
	stop_listing(prompt);
	suggest(prompt);
	kt_ui_dirty(prompt->ui);
}

void kt_prompt_close(struct kt_prompt *prompt)
{
	prompt->mode = 0;
	stop_listing(prompt);
	free(prompt->suggestion);
	free(prompt->typed);
	prompt->suggestion = prompt->typed = NULL;
	kt_ui_dirty(prompt->ui);
}

bool kt_prompt_is_open(const struct kt_prompt *prompt)
{
	return prompt->mode != 0;
}

/* Keys */

static void apply_filter(struct kt_prompt *prompt)
{
	struct kt_view *view = kt_ui_top(prompt->ui);

	if (view && view->ops->filter)
		view->ops->filter(view, kt_line_text(&prompt->line));
}

static void accept(struct kt_prompt *prompt)
{
	kt_auto_free char *text = kt_strdup(kt_line_text(&prompt->line));
	char mode = prompt->mode;
	struct kt_ui *ui = prompt->ui;

	remember(history_of(prompt), text);
	if (mode == '/')
		apply_filter(prompt);
	kt_prompt_close(prompt);
	if (mode == ':' && text[strspn(text, " ")])
		kt_ui_run(ui, text);
}

static void walk_history(struct kt_prompt *prompt, int step)
{
	struct history *history = history_of(prompt);

	if ((step < 0 && !prompt->at) || (step > 0 && prompt->at >= history->lines.n))
		return;
	if (prompt->at == history->lines.n) {
		free(prompt->typed);
		prompt->typed = kt_strdup(kt_line_text(&prompt->line));
	}
	/* with something typed only lines that begin so */
	size_t at = prompt->at;

	do {
		at = step < 0 ? at - 1 : at + 1;
		if (at >= history->lines.n ||
		        kt_starts_with(history->lines.items[at], prompt->typed))
			break;
	} while (at > 0);
	if (at < history->lines.n && !kt_starts_with(history->lines.items[at], prompt->typed))
		return;
	prompt->at = at;
	kt_line_set(
	        &prompt->line, at < history->lines.n ? history->lines.items[at] : prompt->typed);
}

static void put_candidate(struct kt_prompt *prompt, const char *text)
{
	kt_auto_str line = KT_STR_INIT;

	kt_str_add(&line, kt_line_text(&prompt->line),
	        KT_MIN(prompt->candidates.word_start, prompt->line.text.len));
	kt_str_puts(&line, text);
	kt_line_set(&prompt->line, kt_str_text(&line));
}

static size_t common_prefix(const struct kt_candidates *candidates)
{
	size_t len = strlen(candidates->items[0].text);

	for (size_t i = 1; i < candidates->n; i++) {
		size_t same = 0;

		while (same < len &&
		        candidates->items[i].text[same] == candidates->items[0].text[same])
			same++;
		len = same;
	}
	return len;
}

static void tab(struct kt_prompt *prompt, int step)
{
	struct kt_candidates *candidates = &prompt->candidates;

	if (prompt->mode != ':') {
		if (prompt->suggestion)
			kt_line_set(&prompt->line, prompt->suggestion);
		return;
	}
	if (prompt->listing) {
		prompt->candidate =
		        (prompt->candidate + candidates->n + (size_t)step) % candidates->n;
		put_candidate(prompt, candidates->items[prompt->candidate].text);
		return;
	}
	kt_suggest_candidates(prompt->ui, kt_line_text(&prompt->line), candidates);
	if (!candidates->n) {
		stop_listing(prompt);
		return;
	}
	kt_auto_free char *common =
	        kt_strndup(candidates->items[0].text, common_prefix(candidates));
	bool longer = strlen(common) >
	              prompt->line.text.len - KT_MIN(candidates->word_start, prompt->line.text.len);

	if (candidates->n == 1) {
		put_candidate(prompt, common);
		if (!kt_ends_with(common, "=") && !kt_ends_with(common, "/"))
			kt_line_key(&prompt->line, &(struct kt_key){.code = ' '});
		stop_listing(prompt);
		return;
	}
	prompt->listing = true;
	prompt->candidate = candidates->n - 1;
	if (longer)
		put_candidate(prompt, common);
}

static bool takes_suggestion(const struct kt_prompt *prompt, uint32_t code)
{
	return prompt->suggestion && prompt->line.cursor == prompt->line.text.len &&
	       (code == KT_KEY_RIGHT || code == (KT_KEY_CTRL | 'f') || code == KT_KEY_END ||
	               code == (KT_KEY_CTRL | 'e'));
}

static void edit(struct kt_prompt *prompt, const struct kt_key *key)
{
	if (takes_suggestion(prompt, key->code))
		kt_line_set(&prompt->line, prompt->suggestion);
	else if (!kt_line_key(&prompt->line, key))
		return;
	stop_listing(prompt);
	prompt->at = history_of(prompt)->lines.n;
	if (prompt->mode == '/') /* the filter follows what is typed */
		apply_filter(prompt);
}

void kt_prompt_key(struct kt_prompt *prompt, const struct kt_key *key)
{
	switch (key->code) {
	case KT_KEY_ENTER:
		accept(prompt);
		return;
	case KT_KEY_ESC:
	case KT_KEY_CTRL | 'c':
		if (prompt->mode == '/') {
			kt_line_set(&prompt->line, "");
			apply_filter(prompt);
		}
		kt_prompt_close(prompt);
		return;
	case KT_KEY_UP:
		walk_history(prompt, -1);
		break;
	case KT_KEY_DOWN:
		walk_history(prompt, 1);
		break;
	case KT_KEY_TAB:
		tab(prompt, 1);
		break;
	case KT_KEY_BACKTAB:
		tab(prompt, -1);
		break;
	default:
		edit(prompt, key);
		break;
	}
	suggest(prompt);
}

/* Drawing */

static void draw_candidates(struct kt_prompt *prompt, struct kt_rect area)
{
	const struct kt_candidates *candidates = &prompt->candidates;
	size_t shown = KT_MIN(candidates->n, POPUP_ROWS_MAX);
	size_t top = prompt->candidate < candidates->n && prompt->candidate >= shown
	                     ? prompt->candidate - shown + 1
	                     : 0;
	int width = 20, column = area.column + 3;
	struct kt_ui *ui = prompt->ui;

	if (!prompt->listing)
		return;
	if (prompt->candidate + 1 == candidates->n && candidates->n > shown &&
	        kt_line_text(&prompt->line)[0] &&
	        strcmp(kt_line_text(&prompt->line) +
	                        KT_MIN(candidates->word_start, prompt->line.text.len),
	                candidates->items[prompt->candidate].text))
		top = 0;
	for (size_t i = 0; i < candidates->n; i++) {
		int help = candidates->items[i].help
		                   ? KT_MIN(kt_text_width(candidates->items[i].help,
		                                    strlen(candidates->items[i].help)),
		                             50)
		                   : 0;

		width = KT_MAX(width, kt_text_width(candidates->items[i].text,
		                              strlen(candidates->items[i].text)) +
		                              2 + help);
	}
	width = KT_MIN(width + 2, area.columns - 6);
	for (size_t i = 0; i < shown; i++) {
		const struct kt_candidate *c = &candidates->items[top + i];
		bool current = top + i == prompt->candidate;
		struct kt_style style =
		        current ? kt_ui_style(ui, KT_ROLE_DIALOG_FOCUS_FG, KT_ROLE_DIALOG_FOCUS_BG)
		                : kt_ui_style(
		                          ui, KT_ROLE_DIALOG_BUTTON_FG, KT_ROLE_DIALOG_BUTTON_BG);
		kt_auto_free char *text = kt_asprintf(
		        " %s%s%s", c->text, c->help ? "  " : "", c->help ? c->help : "");

		kt_draw_cell(area.row + area.rows - (area.rows > 1) + (int)i, column, width, text,
		        style);
	}
}

void kt_prompt_draw(struct kt_prompt *prompt, struct kt_rect area)
{
	struct kt_ui *ui = prompt->ui;
	struct kt_style text = kt_ui_style(ui, KT_ROLE_PROMPT_FG, KT_ROLE_PROMPT_BG);
	struct kt_style edge = kt_ui_style(ui,
	        prompt->mode == ':' ? KT_ROLE_PROMPT_BORDER_COMMAND : KT_ROLE_PROMPT_BORDER,
	        KT_ROLE_PROMPT_BG);
	int row = area.row, column = area.column, width = area.columns;
	const char sign[3] = {prompt->mode, ' ', 0};

	if (area.rows >= 3) {
		kt_draw_box(area.row, area.column, area.rows, area.columns, edge);
		row++, column++, width -= 2;
	}
	kt_draw_cell(row, column, width, "", text);
	kt_draw_text(row, column, 2, sign, 2, edge, false);
	int end = kt_line_draw(&prompt->line, row, column + 2, width - 3, text, true);

	if (prompt->suggestion) {
		const char *rest = prompt->suggestion + prompt->line.text.len;

		kt_draw_text(row, end, width - (end - column), rest, strlen(rest),
		        kt_ui_style(ui, KT_ROLE_PROMPT_SUGGEST, KT_ROLE_PROMPT_BG), true);
	}
	draw_candidates(prompt, area);
}
