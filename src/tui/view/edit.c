/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The way of an edit: fetch → editor → checks of the text → dry-run by the server → diff → PUT. The
 * resourceVersion guards it: when somebody else wrote meanwhile the three texts are merged,
 * silently where they do not touch the same lines.
 */
#include "tui/view/edit.h"

#include "tui/asking.h"
#include "tui/conflict.h"
#include "tui/diff.h"
#include "tui/document_type.h"
#include "tui/editor_program.h"
#include "tui/fetch.h"
#include "tui/hints.h"
#include "tui/start.h"
#include "tui/view/review.h"
#include "tui/widget/dialog.h"
#include "tui/widget/editor.h"

#include "base/path.h"
#include "base/yaml.h"

#include <errno.h>
#include <unistd.h>

enum { POPUP_ROWS_MAX = 10, POPUP_WIDTH = 48, MERGES_MAX = 5, CONTEXT_LINES = 3 };

struct edit_view {
	struct kt_view view;
	char *argument; /* "deployment/web -n default" */
	char *label;    /* "deployment.apps/web" */
	char *path;
	char *base;                 /* text as the server had it */
	const struct kt_type *type; /* NULL: no table for it (yet) */
	struct kt_arena arena;      /* of a type the server told */
	json_t *schema;             /* what that type borrows; NULL */
	struct kt_pending *telling; /* the server is asked for it */
	bool is_definition;
	struct kt_editor editor;
	uint64_t checked; /* version the notes belong to */
	struct kt_hints hints;
	size_t hint;
	bool popup;
	struct kt_pending *pending;
	int merges;   /* in a row, without the person seeing one */
	bool dry_run; /* of the request under way */
};

static struct edit_view *of_view(const struct kt_view *view)
{
	return kt_container_of((struct kt_view *)(uintptr_t)view, struct edit_view, view);
}

static char *as_text(json_t *object)
{
	kt_auto_str text = KT_STR_INIT;

	json_object_del(json_object_get(object, "metadata"), "managedFields");
	kt_yaml_write(&text, object);
	return kt_str_steal(&text);
}

static bool is_changed(const struct edit_view *v)
{
	return strcmp(v->base, kt_editor_text(&v->editor)) != 0;
}

/* Screen */

static void title(struct kt_view *view, struct kt_str *out)
{
	struct edit_view *v = of_view(view);

	kt_str_printf(
	        out, "Edit(%s)%s%s", v->label, is_changed(v) ? " *" : "", v->pending ? " …" : "");
}

static void on_fault(void *arg, size_t line, bool error, const char *text)
{
	kt_editor_add_note(arg, line, error, text);
}

/* The lines of the marks, so that a conflict is seen from afar. */
static void mark_conflicts(struct edit_view *v)
{
	const char *text = kt_editor_text(&v->editor);
	struct kt_conflict conflict;

	for (size_t at = 0; kt_conflict_find(text, at, &conflict) && conflict.start >= at;
	        at = conflict.end) {
		kt_editor_add_note(&v->editor, kt_editor_line_of(&v->editor, conflict.start), true,
		        "conflict, yours first: F2 takes it, F3 what is in the cluster");
		kt_editor_add_note(&v->editor, kt_editor_line_of(&v->editor, conflict.end - 1),
		        true, "the end of what is in the cluster");
	}
}

static void check(struct edit_view *v)
{
	if (v->checked == v->editor.version)
		return;
	v->checked = v->editor.version;
	kt_editor_clear_notes(&v->editor);
	if (strstr(kt_editor_text(&v->editor), KT_CONFLICT_MINE))
		mark_conflicts(v);
	else
		kt_hints_check(v->type, kt_editor_text(&v->editor), on_fault, &v->editor);
}

/* Below the text: what is wrong in this line, or what its field is. */
static void draw_status(struct edit_view *v, int row, struct kt_rect area)
{
	size_t line = kt_editor_line_of(&v->editor, v->editor.cursor);
	const struct kt_editor_note *note = kt_editor_note_at(&v->editor, line);
	const struct kt_field *field =
	        kt_hints_field(v->type, kt_editor_text(&v->editor), v->editor.cursor);
	kt_auto_free char *path = kt_hints_path(kt_editor_text(&v->editor), v->editor.cursor);
	kt_auto_free char *text = NULL;
	enum kt_role role = note ? note->error ? KT_ROLE_ROW_ERROR : KT_ROLE_ROW_PENDING
	                         : KT_ROLE_ROW_COMPLETED;

	if (note)
		text = kt_asprintf("line %zu: %s", line + 1, note->text);
	else if (v->editor.notes.n)
		text = kt_asprintf("%zu fault%s, the first in line %zu: %s", v->editor.notes.n,
		        v->editor.notes.n == 1 ? "" : "s", v->editor.notes.items[0].line + 1,
		        v->editor.notes.items[0].text);
	else
		text = kt_asprintf(
		        "%s%s%s", path, field && *field->doc ? " - " : "", field ? field->doc : "");
	kt_draw_cell(row, area.column, area.columns, text,
	        kt_ui_style(v->view.ui, role, KT_ROLE_BODY_BG));
}

static void draw_popup(struct edit_view *v, struct kt_rect area)
{
	int row, column, rows = (int)KT_MIN(v->hints.n, POPUP_ROWS_MAX);
	size_t top = v->hint >= POPUP_ROWS_MAX ? v->hint - POPUP_ROWS_MAX + 1 : 0;
	struct kt_ui *ui = v->view.ui;

	kt_editor_cursor_at(&v->editor, &row, &column);
	row = row + rows + 1 < area.row + area.rows ? row + 1 : KT_MAX(row - rows, area.row);
	column = KT_MIN(column, area.column + area.columns - POPUP_WIDTH);
	for (int i = 0; i < rows && top + (size_t)i < v->hints.n; i++) {
		bool current = top + (size_t)i == v->hint;
		struct kt_style style =
		        current ? kt_ui_style(ui, KT_ROLE_DIALOG_FOCUS_FG, KT_ROLE_DIALOG_FOCUS_BG)
		                : kt_ui_style(
		                          ui, KT_ROLE_DIALOG_BUTTON_FG, KT_ROLE_DIALOG_BUTTON_BG);

		kt_draw_cell(row + i, KT_MAX(column, 0), POPUP_WIDTH,
		        v->hints.items[top + (size_t)i].label, style);
	}
	const char *doc = v->hints.items[v->hint].doc;

	if (*doc)
		kt_draw_cell(area.row + area.rows - 1, area.column, area.columns, doc,
		        kt_ui_style(ui, KT_ROLE_PROMPT_SUGGEST, KT_ROLE_BODY_BG));
}

static void draw(struct kt_view *view, struct kt_rect area)
{
	struct edit_view *v = of_view(view);

	check(v);
	kt_editor_draw(&v->editor, &view->ui->theme,
	        (struct kt_rect){area.row, area.column, area.rows - 1, area.columns});
	draw_status(v, area.row + area.rows - 1, area);
	if (v->popup)
		draw_popup(v, area);
}

/* Completion */

static void close_popup(struct edit_view *v)
{
	kt_hints_finish(&v->hints);
	v->popup = false;
	v->hint = 0;
}

static void take_hint(struct edit_view *v)
{
	kt_auto_free char *text = kt_strdup(v->hints.items[v->hint].text);
	size_t start = v->hints.start;

	close_popup(v);
	kt_editor_replace(&v->editor, start, v->editor.cursor, text);
}

static void complete(struct edit_view *v)
{
	close_popup(v);
	kt_hints_at(v->type, kt_editor_text(&v->editor), v->editor.cursor, &v->hints);
	if (v->hints.n == 1) {
		take_hint(v);
	} else if (v->hints.n) {
		v->popup = true;
	} else {
		kt_editor_replace(&v->editor, v->editor.cursor, v->editor.cursor, "  ");
	}
}

/* Keys of the list; false when it is closed and the key is the editor's. */
static bool popup_key(struct edit_view *v, const struct kt_key *pressed)
{
	switch (pressed->code) {
	case KT_KEY_UP:
	case KT_KEY_BACKTAB:
		v->hint = (v->hint + v->hints.n - 1) % v->hints.n;
		return true;
	case KT_KEY_DOWN:
	case KT_KEY_TAB:
		v->hint = (v->hint + 1) % v->hints.n;
		return true;
	case KT_KEY_ENTER:
		take_hint(v);
		return true;
	case KT_KEY_ESC:
		close_popup(v);
		return true;
	default:
		break;
	}
	bool used = kt_editor_key(&v->editor, pressed);

	close_popup(v);
	if (used && (pressed->code == KT_KEY_BACKSPACE ||
	                    (pressed->code > ' ' && pressed->code < 0x7f))) {
		kt_hints_at(v->type, kt_editor_text(&v->editor), v->editor.cursor, &v->hints);
		v->popup = v->hints.n > 0;
	}
	return used;
}

static bool key(struct kt_view *view, const struct kt_key *pressed)
{
	struct edit_view *v = of_view(view);

	if (v->popup)
		return popup_key(v, pressed);
	if (pressed->code == (KT_KEY_CTRL | 'c')) {
		kt_auto_free char *text = kt_editor_selection(&v->editor);

		if (!*text)
			return false;
		free(v->editor.clip);
		v->editor.clip = kt_strdup(text);
		kt_ui_flash(view->ui, KT_FLASH_INFO, "copied: Ctrl-V puts it in");
		return true;
	}
	return kt_editor_key(&v->editor, pressed);
}

/* Saving */

static void send(struct edit_view *v, bool dry_run);

/* Puts the causes of a refusal beside their lines and goes to the first. */
static void show_refusal(struct edit_view *v, const struct kt_err *err)
{
	const char *text = kt_editor_text(&v->editor);
	size_t first = SIZE_MAX;

	kt_editor_clear_notes(&v->editor);
	for (size_t i = 0; i < err->n_causes; i++) {
		const struct kt_err_cause *cause = &err->causes[i];
		size_t line = cause->field ? kt_hints_line_of(text, cause->field) : 0;
		kt_auto_free char *note =
		        kt_asprintf("%s: %s", cause->field ? cause->field : "", cause->message);

		kt_editor_add_note(&v->editor, line, true, note);
		if (first == SIZE_MAX)
			first = line;
	}
	/* without causes what is found here tells more */
	v->checked = first != SIZE_MAX ? v->editor.version : UINT64_MAX;
	if (first != SIZE_MAX)
		kt_editor_go_to_line(&v->editor, first);
	kt_ui_flash(v->view.ui, KT_FLASH_ERROR, "%s", kt_err_message(err));
}

/* Back from the review, if it is on top of this editor. */
static bool come_back(struct edit_view *v)
{
	struct kt_ui *ui = v->view.ui;

	if (kt_ui_top(ui) != &v->view && ui->views.n > 1 &&
	        ui->views.items[ui->views.n - 2] == &v->view)
		kt_ui_pop(ui);
	return kt_ui_top(ui) == &v->view;
}

/* To the next conflict, with what it is about in sight. False: there is none. */
static bool go_to_conflict(struct edit_view *v)
{
	struct kt_conflict conflict;

	if (!kt_conflict_find(kt_editor_text(&v->editor), v->editor.cursor, &conflict))
		return false;
	v->editor.cursor = conflict.start;
	size_t line = kt_editor_line_of(&v->editor, conflict.start);

	v->editor.top = line > CONTEXT_LINES ? line - CONTEXT_LINES : 0;
	return true;
}

/* Settles the conflict at the cursor, or the next. */
static void take_side(struct edit_view *v, bool mine)
{
	struct kt_conflict conflict;

	if (!kt_conflict_find(kt_editor_text(&v->editor), v->editor.cursor, &conflict)) {
		kt_ui_flash(v->view.ui, KT_FLASH_INFO, "there is no conflict");
		return;
	}
	kt_auto_free char *text = kt_sv_dup(mine ? conflict.mine : conflict.theirs);

	kt_editor_replace(&v->editor, conflict.start, conflict.end, text);
	v->editor.cursor = conflict.start;
	if (!go_to_conflict(v))
		kt_ui_flash(v->view.ui, KT_FLASH_INFO, "no conflict is left: Ctrl-S saves");
}

static void on_theirs(struct kt_ui *ui, void *arg, json_t *object, struct kt_err *err)
{
	struct edit_view *v = arg;
	kt_auto_str merged = KT_STR_INIT;

	v->pending = NULL;
	if (!object) {
		kt_ui_flash(ui, KT_FLASH_ERROR, "%s", kt_err_message(err));
		return;
	}
	kt_auto_free char *theirs = as_text(object);
	size_t conflicts = kt_lines_merge(v->base, kt_editor_text(&v->editor), theirs, &merged);

	free(v->base);
	v->base = kt_strdup(theirs);
	kt_editor_replace(&v->editor, 0, v->editor.text.len, kt_str_text(&merged));
	if (conflicts) {
		v->merges = 0;
		come_back(v);
		v->editor.cursor = 0;
		go_to_conflict(v);
		kt_ui_flash(ui, KT_FLASH_WARN,
		        "%zu conflict%s: F2 takes yours, F3 what is in the cluster; then Ctrl-S",
		        conflicts, conflicts == 1 ? "" : "s");
	} else if (v->merges++ < MERGES_MAX) {
		kt_ui_flash(ui, KT_FLASH_INFO, "it changed meanwhile: merged");
		send(v, v->dry_run);
	} else {
		kt_ui_flash(ui, KT_FLASH_WARN, "it changes all the time: Ctrl-S tries again");
		v->merges = 0;
	}
}

static void merge(struct edit_view *v)
{
	v->pending = kt_request(
	        v->view.ui, &(struct kt_request){
	                            .method = "GET", .path = v->path, .done = on_theirs, .arg = v});
}

static void apply(void *arg)
{
	struct edit_view *v = arg;

	if (!v->pending)
		send(v, false);
}

static void show_review(struct edit_view *v, json_t *object)
{
	struct kt_ui *ui = v->view.ui;
	kt_auto_free char *after = as_text(object);
	kt_auto_free char *head = kt_asprintf("Diff(%s)", v->label);

	if (!come_back(v))
		return;
	kt_ui_push(ui, kt_review_view_create(ui, &(struct kt_review_options){.title = head,
	                                                 .before = v->base,
	                                                 .after = after,
	                                                 .apply = apply,
	                                                 .arg = v}));
}

static void on_sent(struct kt_ui *ui, void *arg, json_t *object, struct kt_err *err)
{
	struct edit_view *v = arg;

	v->pending = NULL;
	if (err->code && err->status == 409) {
		merge(v);
		return;
	}
	if (!object) {
		if (come_back(v))
			show_refusal(v, err);
		return;
	}
	v->merges = 0;
	if (v->dry_run) {
		show_review(v, object);
		return;
	}
	kt_ui_flash(ui, KT_FLASH_INFO, "%s edited", v->label);
	if (v->is_definition)
		kt_start_discover(ui);
	free(v->base); /* nothing is lost by leaving now */
	v->base = kt_strdup(kt_editor_text(&v->editor));
	if (come_back(v))
		kt_ui_pop(ui);
}

static void send(struct edit_view *v, bool dry_run)
{
	kt_auto_err err = KT_ERR_INIT;
	kt_auto_json json_t *object = kt_yaml_parse_one(kt_sv_of(kt_editor_text(&v->editor)), &err);
	kt_auto_free char *path =
	        kt_asprintf("%s?fieldManager=kube-tui-edit&fieldValidation=Strict%s", v->path,
	                dry_run ? "&dryRun=All" : "");

	if (!object) {
		show_refusal(v, &err);
		return;
	}
	v->dry_run = dry_run;
	v->pending = kt_request(v->view.ui,
	        &(struct kt_request){
	                .method = "PUT", .path = path, .body = object, .done = on_sent, .arg = v});
}

static void save(struct edit_view *v)
{
	struct kt_ui *ui = v->view.ui;

	if (v->pending)
		return;
	if (ui->readonly) {
		kt_ui_flash(ui, KT_FLASH_WARN, "read-only: nothing is changed");
	} else if (!is_changed(v)) {
		kt_ui_flash(ui, KT_FLASH_INFO, "no changes");
	} else if (strstr(kt_editor_text(&v->editor), KT_CONFLICT_THEIRS)) {
		go_to_conflict(v);
		kt_ui_flash(ui, KT_FLASH_WARN, "there are conflicts still");
	} else {
		v->merges = 0;
		send(v, true);
	}
}

/* $EDITOR */

static void use_editor(struct edit_view *v)
{
	kt_auto_free char *home = kt_runtime_home();
	kt_auto_free char *file = kt_asprintf("%s/edit-%d.yaml", home, (int)getpid());
	kt_auto_str text = KT_STR_INIT;
	kt_auto_err err = KT_ERR_INIT;

	if (kt_make_dirs(home, 0700, &err) < 0 ||
	        kt_write_file(file, (struct kt_sv){kt_editor_text(&v->editor), v->editor.text.len},
	                0600, &err) < 0 ||
	        kt_editor_program_run(v->view.ui, file, &err) < 0 ||
	        kt_read_file(file, KT_EDITOR_MAX_BYTES, &text, &err) < 0) {
		kt_ui_flash(v->view.ui, KT_FLASH_ERROR, "%s", kt_err_message(&err));
	} else if (strcmp(kt_str_text(&text), kt_editor_text(&v->editor)) != 0) {
		kt_editor_replace(&v->editor, 0, v->editor.text.len, kt_str_text(&text));
		v->editor.cursor = 0;
	}
	unlink(file);
}

/* Verbs */

static void on_find(struct kt_ui *ui, void *arg)
{
	struct edit_view *v = arg;

	if (!kt_editor_find(&v->editor, kt_dialog_text(ui, 0)))
		kt_ui_flash(ui, KT_FLASH_WARN, "not found");
}

static void find(struct edit_view *v)
{
	const struct kt_ask field = {.label = "Find:",
	        .kind = KT_ASK_TEXT,
	        .text = v->editor.search.text ? v->editor.search.text : ""};

	kt_dialog_open(v->view.ui,
	        &(struct kt_dialog_options){
	                .title = "Find", .asks = &field, .n_asks = 1, .done = on_find, .arg = v});
}

static void on_replace(struct kt_ui *ui, void *arg)
{
	struct edit_view *v = arg;
	size_t n = kt_editor_replace_all(&v->editor, kt_dialog_text(ui, 0), kt_dialog_text(ui, 1));

	kt_ui_flash(ui, n ? KT_FLASH_INFO : KT_FLASH_WARN, "%zu place%s replaced", n,
	        n == 1 ? "" : "s");
}

static void replace(struct edit_view *v)
{
	const struct kt_ask fields[] = {
	        {.label = "Find:",
	                .kind = KT_ASK_TEXT,
	                .text = v->editor.search.text ? v->editor.search.text : ""},
	        {.label = "Replace with:", .kind = KT_ASK_TEXT, .text = ""}};

	kt_dialog_open(v->view.ui, &(struct kt_dialog_options){.title = "Replace",
	                                   .asks = fields,
	                                   .n_asks = KT_ARRAY_SIZE(fields),
	                                   .done = on_replace,
	                                   .arg = v});
}

static void paste(struct kt_view *view, const char *text)
{
	struct edit_view *v = of_view(view);

	close_popup(v);
	kt_editor_insert(&v->editor, text);
	if (v->editor.is_full)
		kt_ui_flash(view->ui, KT_FLASH_ERROR,
		        "the text would become larger than a server takes");
}

static bool verb(struct kt_view *view, const char *name, const char *argument)
{
	struct edit_view *v = of_view(view);

	if (!strcmp(name, "save"))
		save(v);
	else if (!strcmp(name, "undo"))
		kt_editor_undo(&v->editor);
	else if (!strcmp(name, "redo"))
		kt_editor_redo(&v->editor);
	else if (!strcmp(name, "complete"))
		complete(v);
	else if (!strcmp(name, "find"))
		find(v);
	else if (!strcmp(name, "substitute"))
		replace(v);
	else if (!strcmp(name, "take"))
		take_side(v, !strcmp(argument, "mine"));
	else if (!strcmp(name, "next"))
		kt_editor_find(&v->editor, NULL);
	else if (!strcmp(name, "editor"))
		use_editor(v);
	else
		return false;
	return true;
}

static void on_leave(struct kt_ui *ui, void *arg)
{
	struct edit_view *v = arg;

	free(v->base);
	v->base = kt_strdup(kt_editor_text(&v->editor));
	kt_ui_pop(ui);
}

static bool leave(struct kt_view *view)
{
	struct edit_view *v = of_view(view);

	if (!is_changed(v))
		return false;
	kt_dialog_open(view->ui, &(struct kt_dialog_options){.title = "Leave",
	                                 .text = "Leave the editor and drop the changes?",
	                                 .careful = true,
	                                 .done = on_leave,
	                                 .arg = v});
	return true;
}

static void destroy(struct kt_view *view)
{
	struct edit_view *v = of_view(view);

	kt_pending_cancel(v->pending);
	kt_pending_cancel(v->telling);
	kt_arena_finish(&v->arena);
	json_decref(v->schema);
	kt_editor_finish(&v->editor);
	kt_hints_finish(&v->hints);
	free(v->argument);
	free(v->label);
	free(v->path);
	free(v->base);
	free(v);
}

static const struct kt_view_ops OPS = {
        .context = KT_IN_EDIT,
        .types_text = true,
        .title = title,
        .draw = draw,
        .key = key,
        .paste = paste,
        .verb = verb,
        .leave = leave,
        .destroy = destroy,
};

/* Opening */

struct opening {
	char *argument, *path, *label;
};

static void free_opening(void *arg)
{
	struct opening *opening = arg;

	free(opening->argument);
	free(opening->path);
	free(opening->label);
	free(opening);
}

struct api_kind {
	char *group, *version, *kind;
};

static void free_api_kind(void *arg)
{
	struct api_kind *of = arg;

	free(of->group);
	free(of->version);
	free(of->kind);
	free(of);
}

static struct api_kind *api_kind_of(const json_t *object)
{
	const char *version = kt_jstr(object, "apiVersion"), *kind = kt_jstr(object, "kind");
	const char *slash = version ? strchr(version, '/') : NULL;
	struct api_kind *of = kt_new(struct api_kind);

	of->group = slash ? kt_strndup(version, (size_t)(slash - version)) : kt_strdup("");
	of->version = kt_strdup(slash ? slash + 1 : version ? version : "");
	of->kind = kt_strdup(kind ? kind : "");
	return of;
}

struct telling {
	struct edit_view *v;
	struct api_kind *of;
};

static void free_telling(void *arg)
{
	struct telling *telling = arg;

	free_api_kind(telling->of);
	free(telling);
}

/* Without a document the editor works without help: that is no reason to trouble anybody. */
static void on_document(struct kt_ui *ui, void *arg, json_t *document, struct kt_err *err)
{
	struct telling *telling = arg;
	struct edit_view *v = telling->v;

	(void)ui;
	(void)err;
	v->telling = NULL;
	if (!document)
		return;
	v->type = kt_document_type(&v->arena, document, telling->of->group, telling->of->version,
	        telling->of->kind, &v->schema);
	v->checked = UINT64_MAX;
}

/* From the tables here, else from what the server tells of it, later. */
static void find_type(struct edit_view *v, const json_t *object)
{
	struct api_kind *of = api_kind_of(object);
	const struct kt_kind *found = kt_builtin_kind(of->group, of->version, of->kind);

	kt_arena_init(&v->arena);
	if (found) {
		v->type = found->type;
		free_api_kind(of);
		return;
	}
	struct telling *telling = kt_new(struct telling);
	kt_auto_free char *path = kt_document_path(of->group, of->version);

	*telling = (struct telling){v, of};
	v->telling = kt_request(v->view.ui, &(struct kt_request){.method = "GET",
	                                            .path = path,
	                                            .done = on_document,
	                                            .arg = telling,
	                                            .free_arg = free_telling,
	                                            .silent = true});
}

static void on_object(struct kt_ui *ui, void *arg, json_t *object, struct kt_err *err)
{
	struct opening *opening = arg;

	if (!object) {
		kt_ui_flash(ui, KT_FLASH_ERROR, "%s", kt_err_message(err));
		return;
	}
	struct edit_view *v = kt_new(struct edit_view);

	v->view = (struct kt_view){.ops = &OPS, .ui = ui, .crumb = kt_strdup("edit")};
	v->argument = kt_strdup(opening->argument);
	v->path = kt_strdup(opening->path);
	v->label = kt_strdup(opening->label);
	find_type(v, object);
	v->is_definition = kt_streq(kt_jstr(object, "kind"), "CustomResourceDefinition");
	v->base = as_text(object);
	kt_editor_init(&v->editor);
	kt_editor_set(&v->editor, v->base);
	v->checked = UINT64_MAX;
	size_t spec = kt_hints_line_of(v->base, "spec");

	kt_editor_go_to_line(&v->editor, spec);
	kt_ui_push(ui, &v->view);
}

void kt_edit_open(struct kt_ui *ui, const char *argument)
{
	const struct kt_resource *resource = NULL;
	char *path = kt_target_path_of(ui, argument, &resource);

	if (!path)
		return;
	struct opening *opening = kt_new(struct opening);
	kt_auto_free char *full = kt_resource_full_name(resource);

	*opening = (struct opening){
	        kt_strdup(argument), path, kt_asprintf("%s/%s", full, strrchr(path, '/') + 1)};
	kt_fetch(ui, path, on_object, opening, free_opening);
}
