/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/conflict.h"

/* The next line that is this mark, from a byte on; NULL: none. */
static const char *mark_at(const char *text, const char *mark)
{
	size_t len = strlen(mark);

	for (const char *line = text; line && *line;) {
		if (!strncmp(line, mark, len) && (!line[len] || line[len] == '\n'))
			return line;
		line = strchr(line, '\n');
		line += line != NULL;
	}
	return NULL;
}

static const char *behind(const char *line)
{
	const char *end = strchr(line, '\n');

	return end ? end + 1 : line + strlen(line);
}

static bool read_conflict(const char *text, const char *start, struct kt_conflict *ret_conflict)
{
	const char *middle = mark_at(start, KT_CONFLICT_MIDDLE),
	           *end = middle ? mark_at(middle, KT_CONFLICT_THEIRS) : NULL,
	           *base = mark_at(start, KT_CONFLICT_BASE);

	if (!end)
		return false;
	const char *mine = behind(start), *mine_end = base && base < middle ? base : middle,
	           *theirs = behind(middle);

	*ret_conflict = (struct kt_conflict){.start = (size_t)(start - text),
	        .end = (size_t)(behind(end) - text),
	        .mine = {mine, (size_t)(mine_end - mine)},
	        .theirs = {theirs, (size_t)(end - theirs)}};
	return true;
}

bool kt_conflict_find(const char *text, size_t at, struct kt_conflict *ret_conflict)
{
	struct kt_conflict first, now;
	bool any = false;

	for (const char *start = mark_at(text, KT_CONFLICT_MINE);
	        start && read_conflict(text, start, &now);
	        start = mark_at(text + now.end, KT_CONFLICT_MINE)) {
		if (!any)
			first = now;
		any = true;
		if (at < now.end) {
			*ret_conflict = now;
			return true;
		}
	}
	if (any)
		*ret_conflict = first;
	return any;
}
