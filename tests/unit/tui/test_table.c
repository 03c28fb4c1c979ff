/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/support.h"

#include "base/loop.h"

#include "tui/widget/table.h"
#include "tui/widget/table_sort.h"

static void put(struct kt_table *table, const char *name, const char *status, const char *count)
{
	const struct kt_sv cells[] = {kt_sv_of(name), kt_sv_of(status), kt_sv_of(count)};

	kt_table_put(table, kt_row_create(name, "default", name, cells, 3, NULL), 0);
}

static void open_table(struct kt_table *table)
{
	kt_table_init(table);
	kt_table_add_column(table, "Name", false, KT_SORT_TEXT);
	kt_table_add_column(table, "Status", false, KT_SORT_TEXT);
	kt_table_add_column(table, "Count", true, KT_SORT_TEXT);
	kt_table_round_begin(table);
	put(table, "b", "Running", "10");
	put(table, "a", "Pending", "9");
	put(table, "c", "Running", "100");
	kt_table_round_end(table);
}

static void assert_order(const struct kt_table *table, const char *names)
{
	char got[64] = "";

	for (size_t i = 0; i < table->order.n; i++)
		strcat(got, table->order.items[i]->name);
	assert_string_equal(got, names);
}

static void test_order(void **state)
{
	struct kt_table table;

	(void)state;
	open_table(&table);
	assert_order(&table, "abc");
	kt_table_sort(&table, 2, false); /* by value, not by text */
	assert_order(&table, "abc");
	kt_table_sort(&table, 2, true);
	assert_order(&table, "cba");
	put(&table, "d", "Running", "11");
	assert_order(&table, "cdba");
	put(&table, "c", "Running", "1"); /* a changed row moves */
	assert_order(&table, "dbac");
	kt_table_finish(&table);
}

static void test_cursor_stays_with_its_row(void **state)
{
	struct kt_table table;

	(void)state;
	open_table(&table);
	assert_true(kt_table_select_name(&table, "default", "b"));
	put(&table, "aa", "Running", "1");
	assert_string_equal(kt_table_current(&table)->name, "b");
	kt_table_remove(&table, "a");
	assert_string_equal(kt_table_current(&table)->name, "b");
	put(&table, "b", "Failed", "1");
	assert_string_equal(kt_table_current(&table)->name, "b");
	kt_table_sort(&table, 0, true);
	assert_string_equal(kt_table_current(&table)->name, "b");
	/* the first row too: somebody may be about to delete it */
	kt_table_move_to(&table, 0);
	assert_string_equal(kt_table_current(&table)->name, "c");
	put(&table, "d", "Running", "1");
	assert_string_equal(kt_table_current(&table)->name, "c");
	kt_table_finish(&table);
}

static void test_filter(void **state)
{
	struct kt_table table;

	(void)state;
	open_table(&table);
	kt_filter_set(&table.filter, "RUNNING");
	kt_table_refilter(&table);
	assert_order(&table, "bc");
	kt_filter_set(&table.filter, "!running");
	kt_table_refilter(&table);
	assert_order(&table, "a");
	put(&table, "a", "Running", "9"); /* it passes no longer */
	assert_order(&table, "");
	assert_null(kt_table_current(&table));
	kt_filter_set(&table.filter, NULL);
	kt_table_refilter(&table);
	assert_order(&table, "abc");
	kt_table_finish(&table);
}

static void test_marks(void **state)
{
	struct kt_table table;

	(void)state;
	open_table(&table);
	kt_table_mark(&table); /* a; the cursor goes on */
	put(&table, "a", "Running", "9");
	kt_table_move_to(&table, 2);
	kt_table_mark_range(&table);
	kt_auto_free struct kt_row **chosen = kt_table_chosen(&table);

	assert_int_equal(table.n_marked, 3);
	assert_non_null(chosen[2]);
	assert_null(chosen[3]);
	kt_table_remove(&table, "b");
	assert_int_equal(table.n_marked, 2);
	kt_table_mark_clear(&table);
	assert_int_equal(table.n_marked, 0);
	kt_table_finish(&table);
}

static void test_a_listing_removes_what_is_gone(void **state)
{
	struct kt_table table;

	(void)state;
	open_table(&table);
	kt_table_round_begin(&table);
	put(&table, "b", "Running", "1");
	kt_table_round_end(&table);
	assert_order(&table, "b");
	kt_table_finish(&table);
}

static void test_cells_compare_as_a_person_reads_them(void **state)
{
	static const struct {
		const char *less, *more;
		enum kt_column_sort sort;
	} cases[] = {{"250m", "1", KT_SORT_TEXT}, {"900Mi", "1Gi", KT_SORT_TEXT},
	        {"3 (2m ago)", "12", KT_SORT_TEXT}, {"0/1", "1/1", KT_SORT_TEXT},
	        {"59s", "1m", KT_SORT_DURATION}, {"3d4h", "5d", KT_SORT_DURATION},
	        {"<none>", "1", KT_SORT_TEXT}, {"alpha", "Beta", KT_SORT_TEXT}};

	(void)state;
	for (size_t i = 0; i < KT_ARRAY_SIZE(cases); i++) {
		assert_true(kt_cell_compare(cases[i].less, cases[i].more, cases[i].sort) < 0);
		assert_true(kt_cell_compare(cases[i].more, cases[i].less, cases[i].sort) > 0);
	}
}

/* A minute told ten minutes ago is more than five told now. */
static void test_what_was_told_long_ago_goes_on_growing(void **state)
{
	static const struct {
		const char *name, *text;
		int64_t read_s;
	} rows[] = {{"a", "1m", 1000}, {"b", "5m", 1600}};
	struct kt_table table;
	char buffer[40];

	(void)state;
	kt_table_init(&table);
	kt_table_add_column(&table, "Name", false, KT_SORT_TEXT);
	kt_table_add_column(&table, "Last Seen", false, KT_SORT_SINCE);
	for (size_t i = 0; i < KT_ARRAY_SIZE(rows); i++) {
		struct kt_sv cells[] = {kt_sv_of(rows[i].name), kt_sv_of(rows[i].text)};
		struct kt_row *row = kt_row_create(rows[i].name, "", rows[i].name, cells, 2, NULL);

		row->read_ns = rows[i].read_s * KT_NS_PER_S;
		kt_table_put(&table, row, 0);
	}
	kt_table_sort(&table, 1, false);
	assert_order(&table, "ba");
	assert_string_equal(
	        kt_table_cell(&table, table.order.items[1], 1, 1600 * KT_NS_PER_S, buffer), "11m");
	kt_table_finish(&table);
}

/* Random changes against a table that is sorted anew. */
static void test_changes_keep_the_order(void **state)
{
	struct kt_table table;
	uint32_t random = 12345;

	(void)state;
	open_table(&table);
	kt_table_sort(&table, 2, false);
	for (int i = 0; i < 20000; i++) {
		char name[16], count[16];

		random = random * 1664525u + 1013904223u;
		snprintf(name, sizeof(name), "n%u", random >> 8 & 255);
		snprintf(count, sizeof(count), "%u", random >> 16 & 63);
		if ((random >> 28) == 0)
			kt_table_remove(&table, name);
		else
			put(&table, name, "Running", count);
	}
	for (size_t i = 1; i < table.order.n; i++)
		assert_true(kt_table_compare(
		                    &table, table.order.items[i - 1], table.order.items[i]) < 0);
	assert_int_equal(table.order.n, table.rows.n);
	kt_table_finish(&table);
}

static void put_used(struct kt_table *table, const char *name, const char *used)
{
	const struct kt_sv cells[] = {kt_sv_of(name), {0}, kt_sv_of("behind")};
	struct kt_row *row = kt_row_create(name, "default", name, cells, 3, NULL);

	kt_table_put(table, row, 0);
	if (used)
		snprintf(row->extra[0], sizeof(row->extra[0]), "%s", used);
}

static void test_extra_cells_outlive_a_change(void **state)
{
	struct kt_table table;
	kt_auto_str cell = KT_STR_INIT;

	(void)state;
	kt_table_init(&table);
	kt_table_add_column(&table, "Name", false, KT_SORT_TEXT);
	kt_table_add_extra_column(&table, "CPU");
	kt_table_add_column(&table, "Age", false, KT_SORT_TEXT);
	put_used(&table, "a", "20m");
	put_used(&table, "b", "100m");
	put_used(&table, "c", NULL);
	assert_true(table.columns.items[1].hidden);
	kt_table_show_extra(&table);
	assert_false(table.columns.items[1].hidden);
	kt_table_sort(&table, 1, true);
	assert_order(&table, "bac");
	put_used(&table, "b", NULL); /* the row is new, what it uses is still known */
	assert_order(&table, "bac");
	assert_true(kt_table_put_cell(&table, table.order.items[0], "column:cpu", &cell));
	assert_string_equal(kt_str_text(&cell), "100m");
	assert_string_equal(table.order.items[0]->cells[2], "behind");
	assert_int_equal(table.by_state[KT_ROW_PLAIN], 3);
	kt_table_remove(&table, "a");
	assert_int_equal(table.by_state[KT_ROW_PLAIN], 2);
	kt_table_finish(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_order),
	        cmocka_unit_test(test_cursor_stays_with_its_row),
	        cmocka_unit_test(test_filter),
	        cmocka_unit_test(test_marks),
	        cmocka_unit_test(test_a_listing_removes_what_is_gone),
	        cmocka_unit_test(test_cells_compare_as_a_person_reads_them),
	        cmocka_unit_test(test_changes_keep_the_order),
	        cmocka_unit_test(test_what_was_told_long_ago_goes_on_growing),
	        cmocka_unit_test(test_extra_cells_outlive_a_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
