/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/command/text_diff.h"

#include "base/mem.h"
#include "base/vec.h"

#define CONTEXT_LINES 3

struct lines {
	struct kt_sv *items;
	size_t n;
};

static void split(const char *text, struct lines *ret_lines)
{
	KT_VEC(struct kt_sv) lines = {0};
	struct kt_sv rest = kt_sv_of(text), line;

	while (rest.p && rest.len && kt_sv_split(&rest, '\n', &line))
		kt_vec_push(&lines, line);
	ret_lines->items = lines.items;
	ret_lines->n = lines.n;
}

static void push(struct kt_diff *diff, enum kt_diff_kind kind, struct kt_sv text, size_t old_line,
        size_t new_line)
{
	if ((diff->n & (diff->n + 1)) == 0 || diff->n == 0)
		diff->lines = kt_reallocarray(
		        diff->lines, KT_MAX((diff->n + 1) * 2, (size_t)16), sizeof(*diff->lines));
	diff->lines[diff->n++] = (struct kt_diff_line){kind, text, old_line, new_line};
	diff->n_changed += kind != KT_DIFF_SAME;
}

/* Forward search; trace[d] is the furthest x per diagonal k (index k + d) after d edits. */
static size_t search(const struct lines *a, const struct lines *b, long **trace, size_t max)
{
	long *v = kt_new_array(long, 2 * max + 3);
	long *mid = v + max + 1;
	size_t d;

	for (d = 0; d <= max; d++) {
		for (long k = -(long)d; k <= (long)d; k += 2) {
			bool down = k == -(long)d || (k != (long)d && mid[k - 1] < mid[k + 1]);
			long x = down ? mid[k + 1] : mid[k - 1] + 1, y = x - k;

			while (x < (long)a->n && y < (long)b->n &&
			        kt_sv_eq(a->items[x], b->items[y])) {
				x++;
				y++;
			}
			mid[k] = x;
			if (x >= (long)a->n && y >= (long)b->n) {
				trace[d] = kt_memdup(mid - d, (2 * d + 1) * sizeof(*mid));
				free(v);
				return d;
			}
		}
		trace[d] = kt_memdup(mid - d, (2 * d + 1) * sizeof(*mid));
	}
	free(v);
	return max;
}

static long furthest(long *const *trace, size_t d, long k)
{
	return k < -(long)d || k > (long)d ? -1 : trace[d][k + (long)d];
}

/* Walks the trace back from the end; steps come out in reverse. */
static void backtrack(const struct lines *a, const struct lines *b, long *const *trace, size_t d,
        struct kt_diff *reversed)
{
	long x = (long)a->n, y = (long)b->n;

	for (; d > 0; d--) {
		long k = x - y;
		bool down = k == -(long)d ||
		            (k != (long)d &&
		                    furthest(trace, d - 1, k - 1) < furthest(trace, d - 1, k + 1));
		long prev_k = down ? k + 1 : k - 1, prev_x = furthest(trace, d - 1, prev_k),
		     prev_y = prev_x - prev_k;

		while (x > prev_x + !down && y > prev_y + down) {
			x--;
			y--;
			push(reversed, KT_DIFF_SAME, a->items[x], (size_t)x, (size_t)y);
		}
		if (down)
			push(reversed, KT_DIFF_ADDED, b->items[prev_y], (size_t)prev_x,
			        (size_t)prev_y);
		else
			push(reversed, KT_DIFF_REMOVED, a->items[prev_x], (size_t)prev_x,
			        (size_t)prev_y);
		x = prev_x;
		y = prev_y;
	}
	while (x > 0) {
		x--;
		push(reversed, KT_DIFF_SAME, a->items[x], (size_t)x, (size_t)x);
	}
}

static void whole_change(const struct lines *a, const struct lines *b, struct kt_diff *diff)
{
	for (size_t i = 0; i < a->n; i++)
		push(diff, KT_DIFF_REMOVED, a->items[i], i, 0);
	for (size_t i = 0; i < b->n; i++)
		push(diff, KT_DIFF_ADDED, b->items[i], a->n, i);
}

void kt_text_diff(const char *old_text, const char *new_text, struct kt_diff *ret_diff)
{
	struct lines a, b;
	struct kt_diff diff = {0};

	split(old_text, &a);
	split(new_text, &b);
	size_t max = a.n + b.n;

	if (max > KT_DIFF_LINES_MAX) {
		whole_change(&a, &b, &diff);
	} else {
		long **trace = kt_new_array(long *, max + 1);
		size_t d = search(&a, &b, trace, max);

		backtrack(&a, &b, trace, d, &diff);
		for (size_t i = 0; i < diff.n / 2; i++) {
			struct kt_diff_line swap = diff.lines[i];

			diff.lines[i] = diff.lines[diff.n - 1 - i];
			diff.lines[diff.n - 1 - i] = swap;
		}
		for (size_t i = 0; i <= d && i <= max; i++)
			free(trace[i]);
		free(trace);
	}
	free(a.items);
	free(b.items);
	*ret_diff = diff;
}

void kt_diff_finish(struct kt_diff *diff)
{
	free(diff->lines);
	*diff = (struct kt_diff){0};
}

/* Unified form */

static bool near_change(const struct kt_diff *diff, size_t i)
{
	size_t first = i > CONTEXT_LINES ? i - CONTEXT_LINES : 0;

	for (size_t j = first; j < diff->n && j <= i + CONTEXT_LINES; j++)
		if (diff->lines[j].kind != KT_DIFF_SAME)
			return true;
	return false;
}

static void print_hunk(FILE *out, const struct kt_diff *diff, size_t first, size_t last, bool color)
{
	static const char *const MARKS[] = {" ", "-", "+"}, *const COLORS[] = {
	                                                            "", "\033[31m", "\033[32m"};
	size_t n_old = 0, n_new = 0;

	for (size_t i = first; i < last; i++) {
		n_old += diff->lines[i].kind != KT_DIFF_ADDED;
		n_new += diff->lines[i].kind != KT_DIFF_REMOVED;
	}
	fprintf(out, "@@ -%zu,%zu +%zu,%zu @@\n", diff->lines[first].old_line + (n_old > 0), n_old,
	        diff->lines[first].new_line + (n_new > 0), n_new);
	for (size_t i = first; i < last; i++) {
		const struct kt_diff_line *line = &diff->lines[i];
		bool colored = color && line->kind != KT_DIFF_SAME;

		fprintf(out, "%s%s%.*s%s\n", colored ? COLORS[line->kind] : "", MARKS[line->kind],
		        (int)line->text.len, line->text.p, colored ? "\033[0m" : "");
	}
}

int kt_text_diff_print(FILE *out, const char *old_text, const char *new_text,
        const struct kt_diff_names *names, bool color)
{
	struct kt_diff diff;

	kt_text_diff(old_text, new_text, &diff);
	int differs = diff.n_changed > 0;

	if (differs)
		fprintf(out, "--- LIVE/%s\n+++ MERGED/%s\n", names->old_name, names->new_name);
	for (size_t i = 0; i < diff.n;) {
		size_t last = i;

		while (last < diff.n && near_change(&diff, last))
			last++;
		if (last > i)
			print_hunk(out, &diff, i, last, color);
		i = last > i ? last : i + 1;
	}
	kt_diff_finish(&diff);
	return differs;
}
