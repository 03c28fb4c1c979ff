/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/usage.h"

#include "tui/header_info.h"
#include "tui/kinds.h"

#include "base/json.h"

enum { ROWS_PER_PERIOD = 2000, MIB = 1 << 20 };

const char *const kt_usage_names[] = {"CPU", "MEM", NULL};

const char *const *kt_usage_columns(const struct kt_resource *resource)
{
	const struct kt_ui_kind *kind = kt_ui_kind_of(resource);

	return kind && kind->usage ? kt_usage_names : NULL;
}

static double quantity_at(struct kt_json_at usage, const char *name)
{
	kt_auto_free char *text = kt_json_string_dup(kt_json_member(usage, name));

	return text ? kt_usage_value(text) : 0;
}

/* A node's usage is its own, a pod's the sum of its containers. */
static void read_item(struct kt_json_at item, double *ret_cpu, double *ret_memory)
{
	struct kt_json_at containers = kt_json_member(item, "containers"), container,
	                  usage = kt_json_member(item, "usage");
	struct kt_json_iter it = {0};

	*ret_cpu = usage.p ? quantity_at(usage, "cpu") : 0;
	*ret_memory = usage.p ? quantity_at(usage, "memory") : 0;
	while (containers.p && kt_json_next_element(containers, &it, &container)) {
		usage = kt_json_member(container, "usage");
		*ret_cpu += quantity_at(usage, "cpu");
		*ret_memory += quantity_at(usage, "memory");
	}
}

static void index_rows(const struct kt_table *table, struct kt_map *rows)
{
	size_t it = 0;
	void *value;

	while (kt_map_next(&table->rows, &it, NULL, &value)) {
		struct kt_row *row = value;
		kt_auto_free char *key = kt_asprintf("%s/%s", row->namespace, row->name);

		kt_map_set(rows, key, row);
	}
}

static void put_usage(struct kt_map *rows, struct kt_json_at item)
{
	struct kt_json_at metadata = kt_json_member(item, "metadata");

	if (!metadata.p) /* a container */
		metadata = item;
	kt_auto_free char *namespace = kt_json_string_dup(kt_json_member(metadata, "namespace")),
	                  *name = kt_json_string_dup(kt_json_member(metadata, "name"));
	kt_auto_free char *key = kt_asprintf("%s/%s", namespace ? namespace : "", name ? name : "");
	struct kt_row *row = kt_map_get(rows, key);
	double cpu, memory;

	if (!row)
		return;
	read_item(item, &cpu, &memory);
	snprintf(row->extra[0], sizeof(row->extra[0]), "%.0fm", cpu * 1000);
	snprintf(row->extra[1], sizeof(row->extra[1]), "%.0fMi", memory / MIB);
}

static void take(struct kt_usage *usage, struct kt_json_at list)
{
	struct kt_json_at items = kt_json_member(list, usage->of_pod ? "containers" : "items"),
	                  item;
	struct kt_json_iter it = {0};
	struct kt_map rows;

	kt_map_init(&rows, NULL);
	index_rows(usage->table, &rows);
	while (items.p && kt_json_next_element(items, &it, &item))
		put_usage(&rows, item);
	kt_map_finish(&rows);
	kt_table_show_extra(usage->table);
	kt_ui_dirty(usage->ui);
}

static void on_answer(struct kt_call *call)
{
	struct kt_usage *usage = kt_container_of(call, struct kt_usage, call);
	const struct kt_buf *body = call->ret_body;

	usage->under_way = false;
	if (call->err.code == 0 && body)
		take(usage, kt_json_doc(body->data, body->len));
	if (call->err.status != 404) { /* it serves metrics, if not just now */
		kt_timer_set_after_ms(&usage->timer,
		        KT_USAGE_MS * (int64_t)(1 + usage->table->rows.n / ROWS_PER_PERIOD));
	}
	kt_call_finish(call);
}

static void ask(struct kt_usage *usage)
{
	if (usage->under_way || !usage->path || !usage->ui->client)
		return;
	usage->under_way = true;
	usage->client = usage->ui->client;
	usage->call = (struct kt_call){
	        .method = "GET", .path = usage->path, .loop = usage->ui->loop, .done = on_answer};
	kt_client_call(usage->client, &usage->call);
}

static void on_timer(struct kt_timer *timer)
{
	ask(kt_container_of(timer, struct kt_usage, timer));
}

static void stop(struct kt_usage *usage)
{
	kt_timer_cancel(&usage->timer);
	if (usage->under_way) {
		kt_client_cancel(usage->client, &usage->call);
		kt_call_finish(&usage->call);
		usage->under_way = false;
	}
}

void kt_usage_init(struct kt_usage *usage, struct kt_ui *ui, struct kt_table *table)
{
	*usage = (struct kt_usage){.ui = ui, .table = table};
	kt_timer_init(&usage->timer, ui->loop, on_timer);
}

void kt_usage_start(
        struct kt_usage *usage, const struct kt_resource *resource, const char *namespace)
{
	stop(usage);
	free(usage->path);
	usage->path = NULL;
	usage->of_pod = false;
	if (!kt_usage_columns(resource))
		return;
	usage->path = *namespace ? kt_asprintf("/apis/metrics.k8s.io/v1beta1/namespaces/%s/%s",
	                                   namespace, resource->plural)
	                         : kt_asprintf("/apis/metrics.k8s.io/v1beta1/%s", resource->plural);
}

void kt_usage_start_pod(struct kt_usage *usage, const char *namespace, const char *pod)
{
	stop(usage);
	free(usage->path);
	usage->path =
	        kt_asprintf("/apis/metrics.k8s.io/v1beta1/namespaces/%s/pods/%s", namespace, pod);
	usage->of_pod = true;
}

void kt_usage_ask(struct kt_usage *usage)
{
	ask(usage);
}

void kt_usage_finish(struct kt_usage *usage)
{
	stop(usage);
	free(usage->path);
	usage->path = NULL;
}
