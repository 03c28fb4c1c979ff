/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/command/describe_text.h"

#include "base/vec.h"

#define PADDING 2

struct line {
	struct kt_sv *cells; /* all but the last were ended by a tab */
	size_t n;
};

struct layout {
	KT_VEC(struct line) lines;
	KT_VEC(size_t) widths; /* of the columns that hold the lines at hand */
	struct kt_str *out;
};

static void read_lines(struct layout *layout, struct kt_sv text)
{
	struct kt_sv line, cell;

	while (text.len && kt_sv_split(&text, '\n', &line)) {
		KT_VEC(struct kt_sv) cells = {0};

		while (kt_sv_split(&line, '\t', &cell))
			kt_vec_push(&cells, cell);
		if (!cells.n)
			kt_vec_push(&cells, KT_SV(""));
		kt_vec_push(&layout->lines, ((struct line){cells.items, cells.n}));
	}
}

static size_t width_of(struct kt_sv cell)
{
	size_t width = 0;

	for (size_t i = 0; i < cell.len; width++) {
		uint32_t cp;
		int n = kt_utf8_decode(cell.p + i, cell.len - i, &cp);

		i += n > 0 ? (size_t)n : 1;
	}
	return width;
}

static void write_cell(struct kt_str *out, struct kt_sv cell)
{
	for (size_t i = 0; i < cell.len;) {
		uint32_t cp;
		int n = kt_utf8_decode(cell.p + i, cell.len - i, &cp);

		if (n < 0 || cp < 0x20 || (cp >= 0x7f && cp <= 0x9f)) {
			kt_str_printf(out, "\\x%02x", (unsigned char)cell.p[i]);
			i += n > 0 ? (size_t)n : 1;
			continue;
		}
		kt_str_add(out, cell.p + i, (size_t)n);
		i += (size_t)n;
	}
}

static void write_lines(struct layout *layout, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		const struct line *line = &layout->lines.items[i];

		for (size_t j = 0; j < line->n; j++) {
			write_cell(layout->out, line->cells[j]);
			if (j < layout->widths.n && j + 1 < line->n)
				kt_str_printf(layout->out, "%*s",
				        (int)(layout->widths.items[j] - width_of(line->cells[j])),
				        "");
		}
		kt_str_putc(layout->out, '\n');
	}
}

/* The lines from..to stand in layout->widths.n columns; finds the blocks of the next one. */
static void lay_out(struct layout *layout, size_t from, size_t to)
{
	size_t column = layout->widths.n;

	for (size_t i = from; i < to;) {
		size_t end = i, width = 0;

		for (; end < to && column + 1 < layout->lines.items[end].n; end++)
			width = KT_MAX(
			        width, width_of(layout->lines.items[end].cells[column]) + PADDING);
		if (end == i) {
			i++;
			continue;
		}
		write_lines(layout, from, i);
		kt_vec_push(&layout->widths, width);
		lay_out(layout, i, end);
		layout->widths.n--;
		from = i = end;
	}
	write_lines(layout, from, to);
}

void kt_describe_align(struct kt_sv text, struct kt_str *out)
{
	struct layout layout = {.out = out};

	read_lines(&layout, text);
	lay_out(&layout, 0, layout.lines.n);
	for (size_t i = 0; i < layout.lines.n; i++)
		free(layout.lines.items[i].cells);
	kt_vec_finish(&layout.lines);
	kt_vec_finish(&layout.widths);
}
