/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/view/containers.h"

#include "tui/live.h"
#include "tui/pod_parts.h"
#include "tui/usage.h"
#include "tui/view/list.h"

#include "base/time.h"

/* The pod is watched as a table of one row, whose object the rows here are made of. */
struct containers {
	struct kt_view *view;
	struct kt_table pods;
	struct kt_live live;
	struct kt_usage usage;
};

static const json_t *status_of(const json_t *pod, const char *list, const char *name)
{
	kt_auto_free char *path = kt_asprintf("status.%s", list);
	const json_t *status;
	size_t i;

	json_array_foreach(kt_jget(pod, path), i, status)
		if (kt_streq(kt_jstr(status, "name"), name))
			return status;
	return NULL;
}

static void put_ports(const json_t *container, struct kt_str *out)
{
	const json_t *port;
	size_t i;

	json_array_foreach(json_object_get(container, "ports"), i, port)
		kt_str_printf(out, "%s%lld/%s", i ? "," : "",
		        (long long)kt_jint(port, "containerPort", 0),
		        kt_jstr(port, "protocol") ? kt_jstr(port, "protocol") : "TCP");
}

/* A row that is as it was is no change. */
static bool is_same(const struct kt_row *old, const struct kt_row *row)
{
	if (!old || old->state != row->state || old->created_ns != row->created_ns)
		return false;
	for (size_t i = 0; i < row->n_cells; i++)
		if (strcmp(old->cells[i], row->cells[i]) != 0)
			return false;
	return true;
}

static void put(struct containers *c, const char *name, const char *const *cells, size_t n_cells,
        enum kt_row_state state, int64_t since_ns)
{
	struct kt_table *table = kt_list_view_table(c->view);
	struct kt_row *old = kt_map_get(&table->rows, name);
	struct kt_sv texts[16];
	size_t n = 0;

	for (; n < n_cells; n++)
		texts[n] = kt_sv_of(cells[n] ? cells[n] : "");
	for (size_t extra = 0; kt_usage_names[extra]; extra++)
		texts[n++] = (struct kt_sv){NULL, extra};
	struct kt_row *row = kt_row_create(name, "", name, texts, n, NULL);

	row->state = state;
	row->created_ns = since_ns;
	if (old)
		memcpy(row->extra, old->extra, sizeof(row->extra));
	if (is_same(old, row)) {
		old->round = table->round;
		free(row);
		return;
	}
	kt_table_put(table, row, old || c->live.complete ? kt_ui_now(c->view->ui) : 0);
}

static void add(struct containers *c, const json_t *pod, const char *list, const char *statuses,
        const char *sign)
{
	kt_auto_free char *path = kt_asprintf("spec.%s", list);
	const json_t *container;
	size_t i;

	json_array_foreach(kt_jget(pod, path), i, container) {
		const char *name = kt_jstr(container, "name");
		const json_t *status = status_of(pod, statuses, name);
		const char *since = kt_jstr(status, "state.running.startedAt");
		kt_auto_str ports = KT_STR_INIT;
		enum kt_row_state state;
		const char *text = kt_container_state(status, &state);
		int64_t since_ns = 0;

		if (!since || kt_time_parse(kt_sv_of(since), &since_ns) < 0)
			since_ns = 0;
		put_ports(container, &ports);
		kt_auto_free char *index = kt_asprintf("%s%zu", sign, i + 1);
		kt_auto_free char *restarts =
		        kt_asprintf("%lld", (long long)kt_jint(status, "restartCount", 0));
		kt_auto_free char *probes =
		        kt_asprintf("%s:%s:%s", kt_jget(container, "livenessProbe") ? "on" : "off",
		                kt_jget(container, "readinessProbe") ? "on" : "off",
		                kt_jget(container, "startupProbe") ? "on" : "off");
		const char *cells[] = {name, index, kt_jstr(container, "image"),
		        kt_jbool(status, "ready", false) ? "true" : "false", text, restarts, probes,
		        kt_str_text(&ports), ""};

		if (name)
			put(c, name, cells, KT_ARRAY_SIZE(cells), state, since_ns);
	}
}

static void add_all(struct containers *c, const json_t *pod)
{
	struct kt_table *table = kt_list_view_table(c->view);

	kt_table_round_begin(table);
	add(c, pod, "initContainers", "initContainerStatuses", "i");
	add(c, pod, "containers", "containerStatuses", "");
	add(c, pod, "ephemeralContainers", "ephemeralContainerStatuses", "e");
	kt_table_round_end(table);
	kt_ui_dirty(c->view->ui);
}

static void on_seen(void *arg, const struct kt_row *row, struct kt_json_at object)
{
	kt_auto_json json_t *pod = kt_json_parse((struct kt_sv){object.p, object.len}, NULL, NULL);

	(void)row;
	if (pod)
		add_all(arg, pod);
}

static void on_listed(void *arg)
{
	struct containers *c = arg;

	if (c->pods.rows.n) {
		kt_usage_ask(&c->usage);
		return;
	}
	kt_table_clear(kt_list_view_table(c->view));
	kt_list_view_tell(c->view, "The pod is gone");
}

static void finish(void *arg)
{
	struct containers *c = arg;

	kt_usage_finish(&c->usage);
	kt_live_finish(&c->live);
	kt_table_finish(&c->pods);
	free(c);
}

static void watch(struct containers *c, const char *namespace, const char *name)
{
	struct kt_ui *ui = c->view->ui;
	const struct kt_resource *pods = kt_ui_resource(ui, "pods");
	kt_auto_free char *selector = kt_asprintf("fieldSelector=metadata.name%%3D%s", name);

	kt_table_init(&c->pods);
	kt_live_init(&c->live, ui, &c->pods);
	kt_usage_init(&c->usage, ui, kt_list_view_table(c->view));
	c->live.whole = true;
	c->live.seen = on_seen;
	c->live.listed = on_listed;
	c->live.removed = on_listed;
	c->live.seen_arg = c->live.listed_arg = c->live.removed_arg = c;
	if (!pods)
		return;
	kt_auto_free char *path = kt_resource_path(pods, namespace, NULL, NULL);

	kt_usage_start_pod(&c->usage, namespace, name);
	kt_live_start(&c->live, path, selector);
}

struct kt_view *kt_containers_view_create(struct kt_ui *ui, const json_t *pod)
{
	static const char *const columns[] = {"Name", "Idx", "Image", "Ready", "State", "Restarts",
	        "Probes(L:R:S)", "Ports", "Age", NULL};
	const char *name = kt_jstr(pod, "metadata.name"),
	           *namespace = kt_jstr(pod, "metadata.namespace");
	kt_auto_free char *title = kt_asprintf("Containers(%s/%s)", namespace, name);
	kt_auto_free char *enter = kt_asprintf("logs -f pod/%s -c {name} -n %s", name, namespace);
	kt_auto_free char *target = kt_asprintf("pod/%s", name),
	                  *ns = kt_asprintf("-n %s", namespace);
	struct containers *c = kt_new(struct containers);

	c->view = kt_list_view_create(ui, &(struct kt_list_view_options){.title = title,
	                                          .crumb = "containers",
	                                          .context = KT_IN_CONTAINERS,
	                                          .columns = columns,
	                                          .extra = kt_usage_names,
	                                          .enter = enter,
	                                          .target = target,
	                                          .ns = ns,
	                                          .arg = c,
	                                          .finish = finish});
	add_all(c, pod);
	watch(c, namespace, name);
	return c->view;
}
