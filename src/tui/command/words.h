/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Splitting a line of the script language into words and operators. Pure; used by the script, the
 * prompt and completion. */
#ifndef KT_TUI_COMMAND_WORDS_H
#define KT_TUI_COMMAND_WORDS_H

#include "base/err.h"
#include "base/str.h"

enum kt_token_kind {
	KT_TOKEN_WORD,
	KT_TOKEN_NEXT,   /* ; */
	KT_TOKEN_AND,    /* && */
	KT_TOKEN_OR,     /* || */
	KT_TOKEN_PIPE,   /* | */
	KT_TOKEN_OUT,    /* > */
	KT_TOKEN_APPEND, /* >> */
	KT_TOKEN_IN,     /* < */
	KT_TOKEN_HERE,   /* << */
};

struct kt_token {
	enum kt_token_kind kind;
	char *text;        /* words: quotes taken away and variables replaced */
	size_t start, end; /* bytes in the line */
	bool quoted;       /* some part stood in quotes */
};

struct kt_tokens {
	struct kt_token *items;
	size_t n;
	bool open; /* ended inside quotes or behind a backslash */
};

/* lookup gives a variable's value (NULL: empty). An unknown operator or open quotes are no error
 * here: see `open`. */
void kt_words_split(const char *line, const char *(*lookup)(void *arg, const char *name), void *arg,
        struct kt_tokens *ret_tokens);
void kt_tokens_finish(struct kt_tokens *tokens);

#endif
