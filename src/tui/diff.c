/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/diff.h"

#include "tui/conflict.h"

#include "base/vec.h"

#include <stdint.h>

struct lines {
	KT_VEC(struct kt_sv) v;
};

static void split(const char *text, struct lines *out)
{
	struct kt_sv rest = kt_sv_of(text), line;
	size_t len = strlen(text);

	if (len && text[len - 1] == '\n')
		rest.len--;
	while (len && kt_sv_split(&rest, '\n', &line))
		kt_vec_push(&out->v, line);
}

/* match[i]: the line of b that line i of a is; SIZE_MAX: none. By the longest common subsequence.
 */
static size_t *match_lines(const struct lines *a, const struct lines *b)
{
	size_t *match = kt_new_array(size_t, a->v.n + 1), head = 0, tail = 0;

	for (size_t i = 0; i < a->v.n; i++)
		match[i] = SIZE_MAX;
	while (head < a->v.n && head < b->v.n && kt_sv_eq(a->v.items[head], b->v.items[head])) {
		match[head] = head;
		head++;
	}
	while (tail < a->v.n - head && tail < b->v.n - head &&
	        kt_sv_eq(a->v.items[a->v.n - 1 - tail], b->v.items[b->v.n - 1 - tail])) {
		match[a->v.n - 1 - tail] = b->v.n - 1 - tail;
		tail++;
	}
	size_t n = a->v.n - head - tail, m = b->v.n - head - tail;

	if (!n || !m || n > KT_DIFF_CELLS_MAX / m)
		return match;
	uint32_t *longest = kt_new_array(uint32_t, (n + 1) * (m + 1));

	for (size_t i = n; i-- > 0;)
		for (size_t j = m; j-- > 0;)
			longest[i * (m + 1) + j] =
			        kt_sv_eq(a->v.items[head + i], b->v.items[head + j])
			                ? longest[(i + 1) * (m + 1) + j + 1] + 1
			                : KT_MAX(longest[(i + 1) * (m + 1) + j],
			                          longest[i * (m + 1) + j + 1]);
	for (size_t i = 0, j = 0; i < n && j < m;) {
		if (kt_sv_eq(a->v.items[head + i], b->v.items[head + j])) {
			match[head + i] = head + j;
			i++, j++;
		} else if (longest[(i + 1) * (m + 1) + j] >= longest[i * (m + 1) + j + 1]) {
			i++;
		} else {
			j++;
		}
	}
	free(longest);
	return match;
}

/* Unified */

struct step {
	char sign;
	struct kt_sv line;
	size_t a, b; /* line numbers before it */
};

static void put_hunk(struct kt_str *out, const struct step *steps, size_t from, size_t to)
{
	size_t a = 0, b = 0;

	for (size_t i = from; i < to; i++) {
		a += steps[i].sign != '+';
		b += steps[i].sign != '-';
	}
	kt_str_printf(out, "@@ -%zu,%zu +%zu,%zu @@\n", steps[from].a + (a > 0), a,
	        steps[from].b + (b > 0), b);
	for (size_t i = from; i < to; i++)
		kt_str_printf(
		        out, "%c%.*s\n", steps[i].sign, (int)steps[i].line.len, steps[i].line.p);
}

size_t kt_lines_diff(const char *before, const char *after, int context, struct kt_str *out)
{
	struct lines a = {0}, b = {0};
	KT_VEC(struct step) steps = {0};
	size_t j = 0, changed = 0, around = (size_t)context;

	split(before, &a);
	split(after, &b);
	size_t *match = match_lines(&a, &b);

	for (size_t i = 0; i <= a.v.n; i++) {
		size_t until = i == a.v.n ? b.v.n : match[i];

		for (; until != SIZE_MAX && j < until; j++, changed++) {
			struct step plus = {'+', b.v.items[j], i, j};

			kt_vec_push(&steps, plus);
		}
		if (i == a.v.n)
			break;
		struct step step = {match[i] == SIZE_MAX ? '-' : ' ', a.v.items[i], i, j};

		kt_vec_push(&steps, step);
		changed += match[i] == SIZE_MAX;
		j += match[i] != SIZE_MAX;
	}
	for (size_t i = 0; i < steps.n;) {
		if (steps.items[i].sign == ' ') {
			i++;
			continue;
		}
		size_t from = i > around ? i - around : 0, to = i + 1, quiet = 0;

		while (to < steps.n && quiet <= 2 * around) {
			quiet = steps.items[to].sign == ' ' ? quiet + 1 : 0;
			to++;
		}
		to -= quiet > around ? quiet - around : 0;
		put_hunk(out, steps.items, from, to);
		i = to;
	}
	free(match);
	kt_vec_finish(&steps);
	kt_vec_finish(&a.v);
	kt_vec_finish(&b.v);
	return changed;
}

/* Merge */

static bool same(const struct lines *a, size_t a_from, size_t a_to, const struct lines *b,
        size_t b_from, size_t b_to)
{
	if (a_to - a_from != b_to - b_from)
		return false;
	for (size_t i = 0; i < a_to - a_from; i++)
		if (!kt_sv_eq(a->v.items[a_from + i], b->v.items[b_from + i]))
			return false;
	return true;
}

static void put_lines(struct kt_str *out, const struct lines *lines, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		kt_str_printf(out, "%.*s\n", (int)lines->v.items[i].len, lines->v.items[i].p);
}

struct sides {
	struct lines base, mine, theirs;
	struct kt_str *out;
	size_t conflicts;
};

/* As many lines on all sides, and none changed on both: neighbours may have been changed by
 * different people. */
static bool put_line_by_line(struct sides *s, const size_t from[3], const size_t to[3])
{
	size_t n = to[0] - from[0];

	if (to[1] - from[1] != n || to[2] - from[2] != n)
		return false;
	for (size_t i = 0; i < n; i++) {
		struct kt_sv base = s->base.v.items[from[0] + i],
		             mine = s->mine.v.items[from[1] + i],
		             theirs = s->theirs.v.items[from[2] + i];

		if (!kt_sv_eq(mine, base) && !kt_sv_eq(theirs, base) && !kt_sv_eq(mine, theirs))
			return false;
	}
	for (size_t i = 0; i < n; i++) {
		bool changed =
		        !kt_sv_eq(s->mine.v.items[from[1] + i], s->base.v.items[from[0] + i]);

		put_lines(s->out, changed ? &s->mine : &s->theirs, from[changed ? 1 : 2] + i,
		        from[changed ? 1 : 2] + i + 1);
	}
	return true;
}

/* A stretch between lines that all three have. */
static void put_stretch(struct sides *s, const size_t from[3], const size_t to[3])
{
	bool mine_changed = !same(&s->base, from[0], to[0], &s->mine, from[1], to[1]);
	bool theirs_changed = !same(&s->base, from[0], to[0], &s->theirs, from[2], to[2]);

	if (!mine_changed) {
		put_lines(s->out, &s->theirs, from[2], to[2]);
	} else if (!theirs_changed || same(&s->mine, from[1], to[1], &s->theirs, from[2], to[2])) {
		put_lines(s->out, &s->mine, from[1], to[1]);
	} else if (!put_line_by_line(s, from, to)) {
		s->conflicts++;
		kt_str_puts(s->out, KT_CONFLICT_MINE "\n");
		put_lines(s->out, &s->mine, from[1], to[1]);
		kt_str_puts(s->out, KT_CONFLICT_BASE "\n");
		put_lines(s->out, &s->base, from[0], to[0]);
		kt_str_puts(s->out, KT_CONFLICT_MIDDLE "\n");
		put_lines(s->out, &s->theirs, from[2], to[2]);
		kt_str_puts(s->out, KT_CONFLICT_THEIRS "\n");
	}
}

size_t kt_lines_merge(const char *base, const char *mine, const char *theirs, struct kt_str *out)
{
	struct sides s = {.out = out};
	size_t from[3] = {0, 0, 0};

	split(base, &s.base);
	split(mine, &s.mine);
	split(theirs, &s.theirs);
	size_t *in_mine = match_lines(&s.base, &s.mine),
	       *in_theirs = match_lines(&s.base, &s.theirs);

	for (size_t i = 0; i < s.base.v.n; i++) {
		if (in_mine[i] == SIZE_MAX || in_theirs[i] == SIZE_MAX)
			continue;
		put_stretch(&s, from, (const size_t[3]){i, in_mine[i], in_theirs[i]});
		put_lines(out, &s.base, i, i + 1);
		from[0] = i + 1, from[1] = in_mine[i] + 1, from[2] = in_theirs[i] + 1;
	}
	put_stretch(&s, from, (const size_t[3]){s.base.v.n, s.mine.v.n, s.theirs.v.n});
	free(in_mine);
	free(in_theirs);
	kt_vec_finish(&s.base.v);
	kt_vec_finish(&s.mine.v);
	kt_vec_finish(&s.theirs.v);
	return s.conflicts;
}
