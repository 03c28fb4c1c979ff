/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the subcommands of set share: words that change objects, sent as a patch of each. */
#ifndef KT_TUI_COMMAND_SET_H
#define KT_TUI_COMMAND_SET_H

#include "tui/command/options.h"
#include "tui/command/target.h"

#define KT_SET_OPTIONS \
	KT_OPTION_FILENAME, KT_OPTION_RECURSIVE, KT_OPTION_SELECTOR, KT_OPTION_ALL, \
	        KT_OPTION_OUTPUT, KT_OPTION_DRY_RUN, KT_OPTION_LOCAL, \
	        KT_OPTION_FIELD_MANAGER("kubectl-set"), KT_OPTION_END

#define KT_SET_CONTAINERS \
	{ \
		.name = "containers", .letter = 'c', .type = KT_OPTION_STRING, .fallback = "*", \
		.value_name = "NAME", \
		.help = "only containers of this name; * stands for any text" \
	}

struct kt_set_change {
	/* Changes the pod spec, or the object if `whole`. */
	int (*apply)(struct kt_command_context *ctx, json_t *what,
	        const struct kt_set_change *change, struct kt_err *err);
	bool whole;
	const char *done;    /* "image updated" */
	const char *failure; /* before the server's reason; NULL: nothing */
	char *const *words;  /* the arguments behind the objects */
	int n_words;
	json_t *from; /* what is set: variables, labels, subjects */
	/* which object it is, while apply() runs: "pods/full", "Pod/full" */
	const char *target, *object;
};

/* Words with "=" and those that end in "-" stand behind the objects; fn, with the change as its
 * argument, is called for each object. */
int kt_set_run(struct kt_command_context *ctx, struct kt_set_change change, kt_target_fn *fn);
/* Sends what differs. */
int kt_set_one(
        struct kt_command_context *ctx, struct kt_target *target, void *change, struct kt_err *err);
/* Borrowed; NULL: it makes no pods. */
json_t *kt_set_pod_spec(const json_t *object);
bool kt_set_is_assignment(const char *word);
/* Does --containers name it? */
bool kt_set_is_meant(const struct kt_command_context *ctx, const json_t *container);

extern const struct kt_command kt_command_set_env;
extern const struct kt_command kt_command_set_selector;
extern const struct kt_command kt_command_set_subject;

#endif
