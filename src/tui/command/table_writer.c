/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/command/output.h"

#include "base/vec.h"

#define PADDING 3   /* unless the writer has another */
#define WIDTH_MIN 6 /* kubectl's tabwriter has cells of at least 6 with their padding */

struct row {
	char **cells;
	size_t n;
};

struct kt_table_writer {
	FILE *out;
	size_t padding;
	KT_VEC(struct row) rows;
	KT_VEC(char *) cells;  /* of the row being written */
	KT_VEC(size_t) widths; /* kept over flushes, so that a watch stays aligned */
};

struct kt_table_writer *kt_table_writer_create(FILE *out)
{
	struct kt_table_writer *writer = kt_new(struct kt_table_writer);

	writer->out = out;
	writer->padding = PADDING;
	return writer;
}

void kt_table_writer_set_padding(struct kt_table_writer *writer, size_t padding)
{
	writer->padding = padding;
}

/* One line, and nothing a terminal would act on: control characters as \xNN, line ends as \n. */
static char *escaped(const char *text)
{
	struct kt_str out = KT_STR_INIT;
	size_t len = strlen(text);

	for (size_t i = 0; i < len;) {
		uint32_t cp;
		int n = kt_utf8_decode(text + i, len - i, &cp);

		if (n < 0 || cp < 0x20 || (cp >= 0x7f && cp <= 0x9f)) {
			if (n > 0 && cp == '\n')
				kt_str_puts(&out, "\\n");
			else
				kt_str_printf(&out, "\\x%02x", (unsigned char)text[i]);
			i += n > 0 ? (size_t)n : 1;
			continue;
		}
		kt_str_add(&out, text + i, (size_t)n);
		i += (size_t)n;
	}
	return kt_str_steal(&out);
}

void kt_table_writer_cell(struct kt_table_writer *writer, const char *text)
{
	kt_vec_push(&writer->cells, escaped(text ? text : ""));
}

void kt_table_writer_end_row(struct kt_table_writer *writer)
{
	struct row row = {writer->cells.items, writer->cells.n};

	kt_vec_push(&writer->rows, row);
	writer->cells.items = NULL;
	writer->cells.n = writer->cells.cap = 0;
}

static size_t display_width(const char *text)
{
	size_t len = strlen(text), width = 0;

	for (size_t i = 0; i < len; width++) {
		uint32_t cp;
		int n = kt_utf8_decode(text + i, len - i, &cp);

		i += n > 0 ? (size_t)n : 1;
	}
	return width;
}

static void widen(struct kt_table_writer *writer, const struct row *row)
{
	for (size_t i = 0; i + 1 < row->n; i++) {
		size_t width =
		        KT_MAX(display_width(row->cells[i]) + writer->padding, (size_t)WIDTH_MIN);

		if (i >= writer->widths.n)
			kt_vec_push(&writer->widths, width);
		writer->widths.items[i] = KT_MAX(writer->widths.items[i], width);
	}
}

static void write_row(struct kt_table_writer *writer, const struct row *row)
{
	for (size_t i = 0; i < row->n; i++) {
		fputs(row->cells[i], writer->out);
		if (i + 1 < row->n)
			fprintf(writer->out, "%*s",
			        (int)(writer->widths.items[i] - display_width(row->cells[i])), "");
	}
	fputc('\n', writer->out);
}

void kt_table_writer_flush(struct kt_table_writer *writer)
{
	for (size_t i = 0; i < writer->rows.n; i++)
		widen(writer, &writer->rows.items[i]);
	for (size_t i = 0; i < writer->rows.n; i++) {
		struct row *row = &writer->rows.items[i];

		write_row(writer, row);
		for (size_t j = 0; j < row->n; j++)
			free(row->cells[j]);
		free(row->cells);
	}
	writer->rows.n = 0;
	fflush(writer->out);
}

void kt_table_writer_destroy(struct kt_table_writer *writer)
{
	if (!writer)
		return;
	if (writer->cells.n)
		kt_table_writer_end_row(writer);
	kt_table_writer_flush(writer);
	kt_vec_finish(&writer->rows);
	kt_vec_finish(&writer->cells);
	kt_vec_finish(&writer->widths);
	free(writer);
}
