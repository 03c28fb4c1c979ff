/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/widget/table_sort.h"

#include "base/loop.h"

#include <ctype.h>
#include <strings.h>

/* Seconds in "3d4h", "5m10s", "12s (x3 over 5m)". */
bool kt_duration_value(const char *text, double *ret_value)
{
	double total = 0;
	bool any = false;

	while (isdigit((unsigned char)*text)) {
		char *end;
		double number = strtod(text, &end);

		switch (*end) {
		case 's':
			break;
		case 'm':
			number *= 60;
			break;
		case 'h':
			number *= 3600;
			break;
		case 'd':
			number *= 86400;
			break;
		case 'y':
			number *= 365 * 86400.0;
			break;
		default:
			return false;
		}
		total += number;
		any = true;
		text = end + 1;
	}
	*ret_value = total;
	return any;
}

/* "250m", "12Mi", "3 (2m ago)", "1/2", "40%". */
static bool number_value(const char *text, double *ret_value)
{
	static const struct {
		const char *suffix;
		double factor;
	} units[] = {{"Ki", 1024.0}, {"Mi", 1048576.0}, {"Gi", 1073741824.0},
	        {"Ti", 1099511627776.0}, {"n", 1e-9}, {"u", 1e-6}, {"m", 1e-3}, {"k", 1e3},
	        {"M", 1e6}, {"G", 1e9}, {"T", 1e12}};
	char *end;
	double value = strtod(text, &end);

	if (end == text || !(isdigit((unsigned char)*text) || *text == '-'))
		return false;
	for (size_t i = 0; i < KT_ARRAY_SIZE(units); i++) {
		size_t len = strlen(units[i].suffix);

		if (!strncmp(end, units[i].suffix, len) && !isalnum((unsigned char)end[len])) {
			*ret_value = value * units[i].factor;
			return true;
		}
	}
	*ret_value = value;
	return *end == '\0' || *end == ' ' || *end == '/' || *end == '%';
}

int kt_cell_compare(const char *a, const char *b, enum kt_column_sort sort)
{
	double x, y;
	bool x_is, y_is;

	if (sort != KT_SORT_TEXT)
		x_is = kt_duration_value(a, &x), y_is = kt_duration_value(b, &y);
	else
		x_is = number_value(a, &x), y_is = number_value(b, &y);
	if (x_is && y_is && (x < y || x > y))
		return x < y ? -1 : 1;
	if (x_is != y_is)
		return x_is ? 1 : -1; /* <none> and the like first */
	return strcasecmp(a, b);
}

static int by_name(const struct kt_row *a, const struct kt_row *b)
{
	int order = strcmp(a->namespace, b->namespace);

	if (!order)
		order = strcmp(a->name, b->name);
	return order ? order : strcmp(a->uid, b->uid);
}

/* By how long ago it is by now. */
static int by_since(const struct kt_row *a, const struct kt_row *b, size_t column)
{
	double x, y;

	if (column >= a->n_cells || column >= b->n_cells ||
	        !kt_duration_value(a->cells[column], &x) ||
	        !kt_duration_value(b->cells[column], &y))
		return 0;
	x += (double)(b->read_ns - a->read_ns) / (double)KT_NS_PER_S;
	return (x > y) - (x < y);
}

static int by_column(const struct kt_table *table, const struct kt_row *a, const struct kt_row *b)
{
	size_t column = (size_t)table->sort_column;
	enum kt_column_sort sort = table->columns.items[column].sort;

	if (sort == KT_SORT_AGE) /* young first, as k9s has it */
		return (a->created_ns < b->created_ns) - (a->created_ns > b->created_ns);
	if (sort == KT_SORT_SINCE && by_since(a, b, column))
		return by_since(a, b, column);
	return kt_cell_compare(column < a->n_cells ? a->cells[column] : "",
	        column < b->n_cells ? b->cells[column] : "", sort);
}

int kt_table_compare(const struct kt_table *table, const struct kt_row *a, const struct kt_row *b)
{
	int order = 0;

	if (table->sort_column >= 0 && (size_t)table->sort_column < table->columns.n)
		order = by_column(table, a, b);
	if (!order)
		order = by_name(a, b);
	return table->descending ? -order : order;
}
