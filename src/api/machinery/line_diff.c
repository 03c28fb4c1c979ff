/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/machinery/line_diff.h"

#include "base/map.h"
#include "base/mem.h"

#include <stdint.h>

#define CONTEXT 3
#define POPULAR_FROM 200 /* lines; in longer texts a line that fills over 1 % anchors nothing */
#define NONE SIZE_MAX

struct line {
	struct kt_sv text;
	size_t id; /* equal lines have equal ones */
};

struct lines {
	struct line *items;
	size_t n;
};

/* The same n lines of both sides. */
struct block {
	size_t a, b, n;
};

struct matcher {
	struct lines a, b;
	size_t *first, *next;     /* by id: where in b it stands first; by place: where again */
	size_t *run, *run_before; /* by place in b: how long the match that ends there is */
	struct block *blocks;
	size_t n_blocks;
};

static struct lines split(const char *text, struct kt_map *ids)
{
	struct lines lines = {.items = kt_new_array(struct line, strlen(text) + 1)};

	while (*text) {
		size_t len = strcspn(text, "\n");
		struct kt_sv line = {text, len};
		uintptr_t id = (uintptr_t)kt_map_get_sv(ids, line);
		if (!id) {
			id = ids->n + 1;
			kt_map_set_sv(ids, line, (void *)id);
		}
		lines.items[lines.n++] = (struct line){line, id};
		text += len + (text[len] == '\n');
	}
	return lines;
}

static void index_lines(struct matcher *m, size_t n_ids)
{
	kt_auto_free size_t *counts = kt_new_array(size_t, n_ids + 1);

	m->first = kt_new_array(size_t, n_ids + 1);
	m->next = kt_new_array(size_t, m->b.n + 1);
	for (size_t i = 0; i <= n_ids; i++)
		m->first[i] = NONE;
	for (size_t i = m->b.n; i-- > 0;) {
		size_t id = m->b.items[i].id;
		m->next[i] = m->first[id];
		m->first[id] = i;
		counts[id]++;
	}
	for (size_t i = 0; m->b.n >= POPULAR_FROM && i <= n_ids; i++)
		if (counts[i] > m->b.n / 100 + 1)
			m->first[i] = NONE;
}

/* Forgets what ended at the places of this line. */
static void clear_runs(struct matcher *m, size_t *runs, size_t line)
{
	for (size_t j = m->first[m->a.items[line].id]; j != NONE; j = m->next[j])
		runs[j + 1] = 0;
}

/* The longest match within the two ranges, the first of several. */
static struct block longest(
        struct matcher *m, size_t a_from, size_t a_to, size_t b_from, size_t b_to)
{
	struct block best = {a_from, b_from, 0};

	for (size_t i = a_from; i < a_to; i++) {
		for (size_t j = m->first[m->a.items[i].id]; j != NONE && j < b_to; j = m->next[j]) {
			if (j < b_from)
				continue;
			size_t n = m->run[j + 1] = m->run_before[j] + 1;
			if (n > best.n)
				best = (struct block){i + 1 - n, j + 1 - n, n};
		}
		if (i > a_from)
			clear_runs(m, m->run_before, i - 1);
		size_t *swap = m->run;
		m->run = m->run_before;
		m->run_before = swap;
	}
	if (a_to > a_from)
		clear_runs(m, m->run_before, a_to - 1);
	while (best.a > a_from && best.b > b_from &&
	        m->a.items[best.a - 1].id == m->b.items[best.b - 1].id)
		best = (struct block){best.a - 1, best.b - 1, best.n + 1};
	while (best.a + best.n < a_to && best.b + best.n < b_to &&
	        m->a.items[best.a + best.n].id == m->b.items[best.b + best.n].id)
		best.n++;
	return best;
}

/* Appends the blocks within the ranges, in order; neighbours become one. */
static void match(struct matcher *m, size_t a_from, size_t a_to, size_t b_from, size_t b_to)
{
	struct block block = longest(m, a_from, a_to, b_from, b_to);

	if (!block.n)
		return;
	match(m, a_from, block.a, b_from, block.b);
	struct block *last = m->n_blocks ? &m->blocks[m->n_blocks - 1] : NULL;
	if (last && last->a + last->n == block.a && last->b + last->n == block.b)
		last->n += block.n;
	else
		m->blocks[m->n_blocks++] = block;
	match(m, block.a + block.n, a_to, block.b + block.n, b_to);
}

static void put_range(struct kt_str *out, size_t from, size_t to)
{
	size_t n = to - from;

	if (n == 1)
		kt_str_printf(out, "%zu", from + 1);
	else
		kt_str_printf(out, "%zu,%zu", n ? from + 1 : from, n);
}

static void put_lines(
        struct kt_str *out, char mark, const struct lines *lines, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		kt_str_printf(out, "%c%.*s\n", mark, (int)lines->items[i].text.len,
		        lines->items[i].text.p);
}

/* One hunk: what lies between the blocks first and last, with some lines of both of them. */
static void put_hunk(struct kt_str *out, const struct matcher *m, size_t first, size_t last)
{
	const struct block *head = &m->blocks[first], *tail = &m->blocks[last];
	size_t before = KT_MIN(head->n, (size_t)CONTEXT), after = KT_MIN(tail->n, (size_t)CONTEXT);
	size_t a = head->a + head->n - before, b = head->b + head->n - before;

	kt_str_puts(out, "@@ -");
	put_range(out, a, tail->a + after);
	kt_str_puts(out, " +");
	put_range(out, b, tail->b + after);
	kt_str_puts(out, " @@\n");
	put_lines(out, ' ', &m->a, a, a + before);
	for (size_t i = first; i < last; i++) {
		const struct block *one = &m->blocks[i], *two = &m->blocks[i + 1];
		size_t same = i + 1 == last ? after : two->n;
		put_lines(out, '-', &m->a, one->a + one->n, two->a);
		put_lines(out, '+', &m->b, one->b + one->n, two->b);
		put_lines(out, ' ', &m->a, two->a, two->a + same);
	}
}

static void put_hunks(struct kt_str *out, const struct matcher *m)
{
	for (size_t first = 0, last; first + 1 < m->n_blocks; first = last) {
		for (last = first + 1; last + 1 < m->n_blocks; last++)
			if (m->blocks[last].n > (size_t)2 * CONTEXT)
				break;
		put_hunk(out, m, first, last);
	}
}

void kt_line_diff(struct kt_str *out, const char *old_text, const char *new_text)
{
	struct kt_map ids;
	struct matcher m = {0};

	if (strcmp(old_text, new_text) == 0)
		return;
	kt_map_init(&ids, NULL);
	m.a = split(old_text, &ids);
	m.b = split(new_text, &ids);
	index_lines(&m, ids.n);
	m.run = kt_new_array(size_t, m.b.n + 1);
	m.run_before = kt_new_array(size_t, m.b.n + 1);
	m.blocks = kt_new_array(struct block, KT_MIN(m.a.n, m.b.n) + 2);
	/* Blocks at both ends, empty ones where the texts differ there. */
	m.blocks[m.n_blocks++] = (struct block){0, 0, 0};
	match(&m, 0, m.a.n, 0, m.b.n);
	const struct block *last = &m.blocks[m.n_blocks - 1];
	if (last->a + last->n < m.a.n || last->b + last->n < m.b.n)
		m.blocks[m.n_blocks++] = (struct block){m.a.n, m.b.n, 0};
	put_hunks(out, &m);
	free(m.a.items);
	free(m.b.items);
	free(m.first);
	free(m.next);
	free(m.run);
	free(m.run_before);
	free(m.blocks);
	kt_map_finish(&ids);
}
