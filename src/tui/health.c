/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/health.h"

#include <strings.h>

/* Words of a status column. What begins so counts; the first fit. */
static const struct {
	const char *word;
	enum kt_row_state state;
} WORDS[] = {
        {"Terminating", KT_ROW_KILLED},
        {"NotReady", KT_ROW_ERROR},
        {"Ready,SchedulingDisabled", KT_ROW_PENDING},
        {"Ready", KT_ROW_PLAIN},
        {"Running", KT_ROW_PLAIN},
        {"Active", KT_ROW_PLAIN},
        {"Bound", KT_ROW_PLAIN},
        {"Available", KT_ROW_PLAIN},
        {"True", KT_ROW_PLAIN},
        {"Completed", KT_ROW_COMPLETED},
        {"Complete", KT_ROW_COMPLETED},
        {"Succeeded", KT_ROW_COMPLETED},
        {"Released", KT_ROW_COMPLETED},
        {"Pending", KT_ROW_PENDING},
        {"ContainerCreating", KT_ROW_PENDING},
        {"PodInitializing", KT_ROW_PENDING},
        {"Init:Error", KT_ROW_ERROR},
        {"Init:Crash", KT_ROW_ERROR},
        {"Init:", KT_ROW_PENDING},
        {"SchedulingGated", KT_ROW_PENDING},
        {"Suspended", KT_ROW_COMPLETED},
        {"Progressing", KT_ROW_PENDING},
        {"Normal", KT_ROW_PLAIN},
        {"Warning", KT_ROW_ERROR},
        {"Error", KT_ROW_ERROR},
        {"Failed", KT_ROW_ERROR},
        {"CrashLoopBackOff", KT_ROW_ERROR},
        {"ImagePullBackOff", KT_ROW_ERROR},
        {"ErrImage", KT_ROW_ERROR},
        {"OOMKilled", KT_ROW_ERROR},
        {"Evicted", KT_ROW_ERROR},
        {"CreateContainer", KT_ROW_ERROR},
        {"InvalidImageName", KT_ROW_ERROR},
        {"RunContainerError", KT_ROW_ERROR},
        {"Unknown", KT_ROW_ERROR},
        {"Lost", KT_ROW_ERROR},
        {"False", KT_ROW_ERROR},
        {"Denied", KT_ROW_ERROR},
};

static const char *cell(const struct kt_table *table, const struct kt_row *row, const char *column)
{
	int i = kt_table_find_column(table, column);

	return i >= 0 && (size_t)i < row->n_cells ? row->cells[i] : NULL;
}

/* "1/2" is less than whole; "2/2", "0/0" and anything else are not. */
static bool less_than_whole(const char *text)
{
	char *end;
	long have = text ? strtol(text, &end, 10) : 0;

	return text && end != text && *end == '/' && have < strtol(end + 1, NULL, 10);
}

static enum kt_row_state by_word(const char *text)
{
	for (size_t i = 0; i < KT_ARRAY_SIZE(WORDS); i++)
		if (kt_starts_with(text, WORDS[i].word))
			return WORDS[i].state;
	return KT_ROW_PLAIN;
}

/* Desired and Ready as columns of their own: ReplicaSets, DaemonSets. */
static bool short_of_desired(const struct kt_table *table, const struct kt_row *row)
{
	const char *desired = cell(table, row, "Desired"), *ready = cell(table, row, "Ready");

	return desired && ready && strtol(ready, NULL, 10) < strtol(desired, NULL, 10);
}

enum kt_row_state kt_health_of(
        const struct kt_table *table, const struct kt_row *row, bool deleting)
{
	const char *status = cell(table, row, "Status"), *ready = cell(table, row, "Ready");
	enum kt_row_state state = KT_ROW_PLAIN;

	if (!status)
		status = cell(table, row, "Phase");
	if (!status)
		status = cell(table, row, "Type"); /* events */
	if (deleting)
		return KT_ROW_KILLED;
	if (status)
		state = by_word(status);
	if (state == KT_ROW_PLAIN && (less_than_whole(ready) || short_of_desired(table, row)))
		state = KT_ROW_ERROR;
	return state;
}

enum kt_column_sort kt_column_sort_of(const char *name)
{
	static const char *const since[] = {"Last Schedule", "Last Seen", "First Seen"};

	if (!strcasecmp(name, "Age"))
		return KT_SORT_AGE;
	for (size_t i = 0; i < KT_ARRAY_SIZE(since); i++)
		if (!strcasecmp(name, since[i]))
			return KT_SORT_SINCE;
	return strcasecmp(name, "Duration") ? KT_SORT_TEXT : KT_SORT_DURATION;
}
