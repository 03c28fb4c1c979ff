/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Inside of the terminal UI: what its screens share. One struct kt_ui per process, UI thread only.
 *
 * A screen is a struct kt_view on the stack ui->views; the last one is shown. Keys go to the
 * dialog, else to the prompt, else through the key table (keys.c) to kt_ui_run() as a command line,
 * else to the view. Data that arrives calls kt_ui_dirty(): frames are painted at most every
 * KT_FRAME_MS, and at once after a key.
 */
#ifndef KT_TUI_UI_H
#define KT_TUI_UI_H

#include "tui/app.h"
#include "tui/command/session.h"
#include "tui/custom.h"
#include "tui/screen.h"
#include "tui/theme.h"
#include "tui/widget/table.h"

#include <stdbool.h>

#define KT_FRAME_MS 16
#define KT_FLASH_MS 6000

struct kt_ui;
struct kt_view;
struct kt_dialog;
struct kt_prompt;
struct kt_job;
struct kt_start;
struct kt_info;
struct kt_pending;
struct kt_program;

enum kt_key_context {
	KT_IN_ALL = 1,
	KT_IN_TABLE = 2,
	KT_IN_RESOURCE = 4,
	KT_IN_TEXT = 8,
	KT_IN_LOG = 16,
	KT_IN_EDIT = 32,
	KT_IN_DIFF = 64,
	KT_IN_YAML = 128,
	KT_IN_CONTEXTS = 256,
	KT_IN_CONTAINERS = 512,
	KT_IN_XRAY = 1024,
	KT_IN_FOLDER = 2048
};

struct kt_view_ops {
	unsigned context; /* enum kt_key_context, beside KT_IN_ALL */
	bool types_text;  /* printable keys belong to the view (the editor) */
	void (*title)(struct kt_view *view, struct kt_str *out);
	void (*draw)(struct kt_view *view, struct kt_rect area);
	/* What the key table left over: moving, typing. True when it was used. May be NULL. */
	bool (*key)(struct kt_view *view, const struct kt_key *key);
	/* What was pasted, with its line ends. NULL: nothing is typed here. */
	void (*paste)(struct kt_view *view, const char *text);
	/* A UI command (keys.c) with its argument ("" without). False: it does not concern this
	 * view. May be NULL. */
	bool (*verb)(struct kt_view *view, const char *verb, const char *argument);
	/* What {name} in a command line of the key table stands for. False: not known here, the key
	 * does nothing. May be NULL. */
	bool (*expand)(struct kt_view *view, const char *name, struct kt_str *out);
	/* What it cannot expand may be there soon. May be NULL. */
	bool (*is_loading)(const struct kt_view *view);
	/* `/`: what was typed; "" takes the filter away. NULL: nothing to filter. */
	void (*filter)(struct kt_view *view, const char *text);
	const char *(*filter_text)(const struct kt_view *view); /* NULL or "": none */
	/* Plural of the kind shown, for keys that only some kinds have; NULL. */
	const struct kt_resource *(*resource)(const struct kt_view *view);
	void (*shown)(struct kt_view *view);  /* it is on top (again); may be NULL */
	void (*hidden)(struct kt_view *view); /* another covers it; may be NULL */
	bool (*leave)(struct kt_view *
	                view); /* Esc: true when used up here (a filter was cleared); may be NULL */
	void (*destroy)(struct kt_view *view);
};

struct kt_view {
	const struct kt_view_ops *ops;
	struct kt_ui *ui;
	char *crumb;
	char *line; /* the command line that it stands for, shown at the bottom; NULL: none */
};

enum kt_flash { KT_FLASH_INFO, KT_FLASH_WARN, KT_FLASH_ERROR };

/* What the header tells; "" where not known. */
struct kt_ui_facts {
	char context[128], cluster[128], user[128], server_version[64];
	int64_t revision;
	int nodes;
	double cpu_used, cpu_all, memory_used, memory_all; /* cores, bytes; used < 0: no metrics */
};

struct kt_ui {
	const struct kt_tui_options *options;
	struct kt_loop *loop;
	struct kt_theme theme;
	struct kt_session *session;    /* of the present context */
	struct kt_client *client;      /* NULL until the cluster is there */
	struct kt_map sessions;        /* context name -> session, kept while the UI runs */
	struct kt_discovery discovery; /* n 0 until loaded */
	KT_VEC(struct kt_view *) views;
	KT_VEC(struct kt_job *) jobs;         /* under way */
	KT_VEC(struct kt_pending *) pending;  /* requests under way; fetch.c */
	KT_VEC(struct kt_program *) programs; /* in the background; program.c */
	struct kt_custom custom;              /* aliases, hotkeys and plugins of the person */
	KT_VEC(char *) trail;                 /* commands of `[` and `]` */
	size_t trail_at;
	KT_VEC(char *) favourites; /* namespaces used lately: keys 1 … 9 */
	char *namespace;           /* "": all */
	struct kt_dialog *dialog;  /* NULL: none */
	struct kt_prompt *prompt;
	struct kt_ui_facts facts;
	struct kt_start *start;      /* start.c */
	struct kt_info *info;        /* where the facts come from; header_info.c */
	char *awaited_line;          /* is run (again) when discovery is there; NULL */
	uint64_t moves;              /* counts changes of the stack of views */
	char *output, *output_title; /* of a program, not shown yet; NULL */
	char *last_line;             /* what the bottom shows: the last key's command line */
	char *flash;
	enum kt_flash flash_kind;
	struct kt_timer flash_timer, frame_timer, tick_timer;
	int64_t painted_ns;
	bool readonly, hide_header, hide_crumbs, full_screen, leaving, starting;
	uint32_t held_key;    /* pressed when its row was not there yet; KT_KEY_NONE */
	uint64_t held_moves;  /* `moves` at that time */
	bool pasting;         /* paste.c */
	struct kt_str pasted; /* so far */
	bool of_key; /* the line being run stands for a key: views are pushed, not replaced */
	char *start_error;
	int exit_code;
};

/* app.c */
void kt_ui_dirty(struct kt_ui *ui);
void kt_ui_paint(struct kt_ui *ui);
void kt_ui_flash(struct kt_ui *ui, enum kt_flash kind, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));
void kt_ui_flash_clear(struct kt_ui *ui);
struct kt_view *kt_ui_top(const struct kt_ui *ui);
void kt_ui_push(struct kt_ui *ui, struct kt_view *view);    /* takes it */
void kt_ui_replace(struct kt_ui *ui, struct kt_view *view); /* the whole stack */
void kt_ui_pop(struct kt_ui *ui);
int64_t kt_ui_now(const struct kt_ui *ui);
struct kt_style kt_ui_style(const struct kt_ui *ui, enum kt_role fg, enum kt_role bg);
/* As if the key were pressed. */
void kt_ui_press(struct kt_ui *ui, uint32_t code);
/* Gives the screen to a program (argv) and takes it back; its exit status, negative errno. */
int kt_ui_spawn(struct kt_ui *ui, char *const argv[], struct kt_err *err);
/* The same in another context of the kubeconfig. */
void kt_ui_use_context(struct kt_ui *ui, const char *context);
void kt_ui_use_namespace(struct kt_ui *ui, const char *namespace); /* "": all */
void kt_ui_remember_favourite(struct kt_ui *ui, const char *namespace);

/* actions.c: one command line, typed or of a key. */
void kt_ui_run(struct kt_ui *ui, const char *line);
/* The command line that does what is done now; shown until another one is, and again when the view
 * that it opened is on top again. */
void kt_ui_echo(struct kt_ui *ui, const char *line);
/* Shows a view: one that a typed line opened takes the place of all others, one of a key comes on
 * top of them. */
void kt_ui_open(struct kt_ui *ui, struct kt_view *view); /* takes it */
/* navigate.c: the k9s grammar of `:`; false when the first word is no kind. */
bool kt_ui_navigate(struct kt_ui *ui, const char *line, bool push);
/* `xray KIND [NAMESPACE] [/FILTER]` without its first word; false when that is no kind. */
bool kt_ui_xray(struct kt_ui *ui, const char *line);
/* By plural, singular, short name or kind; before discovery is there, of the built-in kinds.
 * Borrowed until discovery changes. */
const struct kt_resource *kt_ui_resource(struct kt_ui *ui, const char *word);
/* Whether the word, also "apps/v1/deployments", names this kind. */
bool kt_ui_is_kind(struct kt_ui *ui, struct kt_sv word, const struct kt_resource *resource);
const struct kt_resource *kt_ui_resource_of_kind(
        struct kt_ui *ui, const char *api_version, const char *kind);

#endif
