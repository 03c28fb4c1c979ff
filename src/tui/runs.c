/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/runs.h"

#include "tui/live.h"

struct kt_runs {
	struct kt_table pods;
	struct kt_live live;
	char *container;
	void (*fn)(void *arg, const char *started_at);
	void *arg;
};

/* The newest start of those that run; times of this form sort as texts. */
static const char *newest_start(const json_t *pod, const char *container)
{
	const json_t *status;
	const char *newest = NULL;
	size_t i;

	json_array_foreach(kt_jget(pod, "status.containerStatuses"), i, status) {
		const char *start = kt_jstr(status, "state.running.startedAt");

		if (start && (!container || kt_streq(kt_jstr(status, "name"), container)) &&
		        (!newest || strcmp(start, newest) > 0))
			newest = start;
	}
	return newest;
}

static void on_seen(void *arg, const struct kt_row *row, struct kt_json_at object)
{
	struct kt_runs *runs = arg;
	kt_auto_json json_t *pod = kt_json_parse((struct kt_sv){object.p, object.len}, NULL, NULL);

	(void)row;
	if (pod)
		runs->fn(runs->arg, newest_start(pod, runs->container));
}

struct kt_runs *kt_runs_watch(struct kt_ui *ui, const char *namespace, const char *pod,
        const char *container, void (*fn)(void *arg, const char *started_at), void *arg)
{
	const struct kt_resource *pods = kt_ui_resource(ui, "pods");

	if (!pods || !ui->client)
		return NULL;
	struct kt_runs *runs = kt_new(struct kt_runs);
	kt_auto_free char *path = kt_resource_path(pods, namespace, NULL, NULL);
	kt_auto_free char *selector = kt_asprintf("fieldSelector=metadata.name%%3D%s", pod);

	runs->container = container ? kt_strdup(container) : NULL;
	runs->fn = fn;
	runs->arg = arg;
	kt_table_init(&runs->pods);
	kt_live_init(&runs->live, ui, &runs->pods);
	runs->live.whole = true;
	runs->live.seen = on_seen;
	runs->live.seen_arg = runs;
	kt_live_start(&runs->live, path, selector);
	return runs;
}

void kt_runs_unwatch(struct kt_runs *runs)
{
	if (!runs)
		return;
	kt_live_finish(&runs->live);
	kt_table_finish(&runs->pods);
	free(runs->container);
	free(runs);
}
