/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/support.h"
#include "tui/health.h"

/* What a row says whose table has the columns Name, `column` and READY. */
static enum kt_row_state health(
        const char *column, const char *cell, const char *ready, bool deleting)
{
	const struct kt_sv cells[] = {kt_sv_of("x"), kt_sv_of(cell), kt_sv_of(ready)};
	struct kt_table table;

	kt_table_init(&table);
	kt_table_add_column(&table, "Name", false, KT_SORT_TEXT);
	kt_table_add_column(&table, column, false, KT_SORT_TEXT);
	kt_table_add_column(&table, "Ready", false, KT_SORT_TEXT);
	kt_table_round_begin(&table);
	struct kt_row *row = kt_row_create("x", "default", "x", cells, 3, NULL);

	kt_table_put(&table, row, 0);
	enum kt_row_state state = kt_health_of(&table, row, deleting);

	kt_table_finish(&table);
	return state;
}

static void test_words(void **state)
{
	(void)state;
	assert_int_equal(health("Status", "Running", "1/1", false), KT_ROW_PLAIN);
	assert_int_equal(health("Status", "CrashLoopBackOff", "0/1", false), KT_ROW_ERROR);
	assert_int_equal(health("Status", "Init:0/2", "0/1", false), KT_ROW_PENDING);
	assert_int_equal(health("Status", "Init:CrashLoopBackOff", "0/1", false), KT_ROW_ERROR);
	assert_int_equal(health("Status", "Ready,SchedulingDisabled", "", false), KT_ROW_PENDING);
	assert_int_equal(health("Status", "NotReady", "", false), KT_ROW_ERROR);
	assert_int_equal(health("Status", "Completed", "0/1", false), KT_ROW_COMPLETED);
	assert_int_equal(health("Phase", "Lost", "", false), KT_ROW_ERROR);
	assert_int_equal(health("Type", "Warning", "", false), KT_ROW_ERROR);
	assert_int_equal(health("Other", "Failed", "", false), KT_ROW_PLAIN);
}

static void test_deleting_comes_first(void **state)
{
	(void)state;
	assert_int_equal(health("Status", "CrashLoopBackOff", "0/1", true), KT_ROW_KILLED);
	assert_int_equal(health("Status", "Terminating", "1/1", false), KT_ROW_KILLED);
}

static void test_less_than_whole(void **state)
{
	(void)state;
	assert_int_equal(health("Status", "Running", "1/2", false), KT_ROW_ERROR);
	assert_int_equal(health("Status", "Running", "0/0", false), KT_ROW_PLAIN);
	assert_int_equal(health("Status", "Pending", "0/1", false), KT_ROW_PENDING);
	assert_int_equal(health("Desired", "3", "2", false), KT_ROW_ERROR);
	assert_int_equal(health("Desired", "3", "3", false), KT_ROW_PLAIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_words),
	        cmocka_unit_test(test_deleting_comes_first),
	        cmocka_unit_test(test_less_than_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
