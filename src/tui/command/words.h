/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Splitting a line of the script language into words and operators, and what a word means once
 * $NAME and $(COMMAND) in it are replaced. Used by the script, the prompt and completion. Pure, but
 * for what the caller's expansion does.
 */
#ifndef KT_TUI_COMMAND_WORDS_H
#define KT_TUI_COMMAND_WORDS_H

#include "base/err.h"
#include "base/str.h"
#include "base/vec.h"

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
	char *text;        /* words: quotes taken away; $NAME and $(COMMAND) as they are written */
	size_t start, end; /* bytes in the line */
	bool quoted;       /* some part stood in quotes */
};

struct kt_tokens {
	struct kt_token *items;
	size_t n;
	bool open; /* ended inside quotes or $( or behind a backslash */
};

/* What stands for $NAME and $(COMMAND). */
struct kt_expansion {
	const char *(*variable)(void *arg, const char *name); /* NULL: empty */
	char *(*output)(void *arg, const char *command);      /* heap: what the command prints */
	void *arg;
};

struct kt_words {
	KT_VEC(char *) list; /* each on the heap */
};

/* An unknown operator or open quotes are no error here: see `open`. */
void kt_words_split(const char *line, struct kt_tokens *ret_tokens);
void kt_tokens_finish(struct kt_tokens *tokens);

/* Appends the words that one word of the line stands for: one, or as many as the output of an
 * unquoted $(COMMAND) has, maybe none. */
void kt_word_expand(const char *line, const struct kt_token *token,
        const struct kt_expansion *expansion, struct kt_words *words);
/* The same as one word whatever comes out. Heap. */
char *kt_word_expand_whole(
        const char *line, const struct kt_token *token, const struct kt_expansion *expansion);
void kt_words_finish(struct kt_words *words);

/* Where the innermost command begins that the line's end is in: behind its last open `$(`. */
size_t kt_words_innermost(const char *line);

#endif
