/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Colours of lines: YAML, describe, diffs, logs. Line by line: no state is carried over. */
#include "tui/widget/text.h"

#include <ctype.h>

struct painter {
	const struct kt_theme *theme;
	kt_piece_fn *put;
	void *arg;
	enum kt_role background;
};

static void put(
        const struct painter *p, size_t start, size_t end, enum kt_role role, unsigned attributes)
{
	if (start < end)
		p->put(p->arg, start, end,
		        (struct kt_style){p->theme->colors[role], p->theme->colors[p->background],
		                attributes});
}

/* Where a YAML key ends (at its colon): behind blanks and dashes, quotes minded. len when the line
 * has none. */
static size_t yaml_colon(struct kt_sv line, size_t from)
{
	char quote = 0;

	for (size_t i = from; i < line.len; i++) {
		char c = line.p[i];

		if (quote) {
			quote = c == quote ? 0 : quote;
		} else if ((c == '"' || c == '\'') && i == from) {
			quote = c;
		} else if (c == '#' && i > from && line.p[i - 1] == ' ') {
			return line.len;
		} else if (c == ':' && (i + 1 == line.len || line.p[i + 1] == ' ')) {
			return i;
		}
	}
	return line.len;
}

static void yaml(const struct painter *p, struct kt_sv line)
{
	size_t at = 0;

	while (at < line.len &&
	        (line.p[at] == ' ' ||
	                (line.p[at] == '-' && (at + 1 == line.len || line.p[at + 1] == ' '))))
		at++;
	put(p, 0, at, KT_ROLE_YAML_COLON, 0);
	if (at < line.len && line.p[at] == '#') {
		put(p, at, line.len, KT_ROLE_ROW_COMPLETED, 0);
		return;
	}
	size_t colon = yaml_colon(line, at);

	if (colon == line.len) {
		put(p, at, line.len, KT_ROLE_YAML_VALUE, 0);
		return;
	}
	put(p, at, colon, KT_ROLE_YAML_KEY, KT_ATTR_BOLD);
	put(p, colon, colon + 1, KT_ROLE_YAML_COLON, 0);
	put(p, colon + 1, line.len, KT_ROLE_YAML_VALUE, 0);
}

static void describe(const struct painter *p, struct kt_sv line)
{
	size_t at = 0, colon;

	while (at < line.len && line.p[at] == ' ')
		at++;
	for (colon = at; colon < line.len && line.p[colon] != ':'; colon++)
		if (line.p[colon] == ' ' && colon + 1 < line.len && line.p[colon + 1] == ' ')
			break;
	if (colon == line.len || line.p[colon] != ':' ||
	        (colon + 1 < line.len && line.p[colon + 1] != ' ')) {
		put(p, 0, line.len, KT_ROLE_YAML_VALUE, 0);
		return;
	}
	put(p, 0, colon, KT_ROLE_YAML_KEY, KT_ATTR_BOLD);
	put(p, colon, colon + 1, KT_ROLE_YAML_COLON, 0);
	put(p, colon + 1, line.len, KT_ROLE_YAML_VALUE, 0);
}

static void diff(const struct painter *p, struct kt_sv line)
{
	char c = line.len ? line.p[0] : ' ';
	enum kt_role role = c == '+'   ? KT_ROLE_LOG_ON
	                    : c == '-' ? KT_ROLE_ROW_ERROR
	                    : c == '@' ? KT_ROLE_ROW_HIGHLIGHT
	                    : c == '!' ? KT_ROLE_ROW_PENDING
	                               : KT_ROLE_YAML_VALUE;

	put(p, 0, line.len, role, c == '+' || c == '-' || c == '!' ? KT_ATTR_BOLD : 0);
}

/* Words that tell how bad it is, in the first part of the line. */
static enum kt_role log_level(struct kt_sv line)
{
	static const struct {
		const char *word;
		enum kt_role role;
	} levels[] = {{"ERROR", KT_ROLE_ROW_ERROR}, {"FATAL", KT_ROLE_ROW_ERROR},
	        {"PANIC", KT_ROLE_ROW_ERROR}, {"WARN", KT_ROLE_ROW_PENDING},
	        {"DEBUG", KT_ROLE_ROW_COMPLETED}, {"TRACE", KT_ROLE_ROW_COMPLETED}};
	size_t end = KT_MIN(line.len, (size_t)120);

	for (size_t i = 0; i < KT_ARRAY_SIZE(levels); i++) {
		size_t n = strlen(levels[i].word);

		for (size_t at = 0; at + n <= end; at++)
			if ((at == 0 || !isalnum((unsigned char)line.p[at - 1])) &&
			        !strncasecmp(line.p + at, levels[i].word, n))
				return levels[i].role;
	}
	return KT_ROLE_LOG_FG;
}

static void logs(const struct painter *p, struct kt_sv line)
{
	size_t at = 0;

	if (line.len && line.p[0] == '[') { /* [pod/x/container] */
		const char *close = memchr(line.p, ']', line.len);

		at = close ? (size_t)(close - line.p) + 1 : 0;
	}
	put(p, 0, at, KT_ROLE_ROW_HIGHLIGHT, 0);
	put(p, at, line.len, log_level(line), 0);
}

void kt_highlight_line(const struct kt_theme *theme, enum kt_highlight highlight, struct kt_sv line,
        kt_piece_fn *put_piece, void *arg)
{
	struct painter p = {
	        theme, put_piece, arg, highlight == KT_LOGS ? KT_ROLE_LOG_BG : KT_ROLE_BODY_BG};

	switch (highlight) {
	case KT_YAML:
		yaml(&p, line);
		break;
	case KT_DESCRIBE:
		describe(&p, line);
		break;
	case KT_DIFF:
		diff(&p, line);
		break;
	case KT_LOGS:
		logs(&p, line);
		break;
	case KT_PLAIN:
		put(&p, 0, line.len, KT_ROLE_BODY_FG, 0);
		break;
	}
}
