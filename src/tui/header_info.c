/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/header_info.h"

#include "base/json.h"

enum {
	REFRESH_MS = 15000,
	FIRST_MS = 1000,
	NODES_PER_REFRESH = 200,
	ASK_VERSION = 0,
	ASK_NODES,
	ASK_USAGE,
	N_ASKED
};

struct asked {
	struct kt_call call;
	struct kt_info *info;
	bool under_way;
};

struct kt_info {
	struct kt_ui *ui;
	struct kt_client *client; /* of the calls under way */
	struct asked asked[N_ASKED];
	struct kt_timer timer;
	int rounds;
};

double kt_usage_value(const char *text)
{
	static const struct {
		const char *suffix;
		double factor;
	} units[] = {{"Ki", 1024.0}, {"Mi", 1048576.0}, {"Gi", 1073741824.0},
	        {"Ti", 1099511627776.0}, {"n", 1e-9}, {"u", 1e-6}, {"m", 1e-3}, {"k", 1e3},
	        {"M", 1e6}, {"G", 1e9}, {"T", 1e12}, {"e3", 1e3}, {"e6", 1e6}};
	char *end;
	double value = text ? strtod(text, &end) : 0;

	for (size_t i = 0; text && *end && i < KT_ARRAY_SIZE(units); i++)
		if (!strcmp(end, units[i].suffix))
			return value * units[i].factor;
	return value;
}

static json_t *answer(struct asked *asked)
{
	const struct kt_buf *body = asked->call.ret_body;

	return asked->call.err.code == 0 && body
	               ? kt_json_parse((struct kt_sv){body->data, body->len}, NULL, NULL)
	               : NULL;
}

static void read_version(struct kt_ui *ui, const json_t *tree)
{
	const char *version = kt_jstr(tree, "gitVersion");

	if (version)
		snprintf(ui->facts.server_version, sizeof(ui->facts.server_version), "%s", version);
}

static void note_revision(struct kt_ui *ui, const json_t *tree)
{
	const char *text = kt_jstr(tree, "metadata.resourceVersion");
	int64_t revision;

	if (text && kt_sv_int64(kt_sv_of(text), &revision) == 0)
		ui->facts.revision = KT_MAX(ui->facts.revision, revision);
}

static void read_nodes(struct kt_ui *ui, const json_t *tree)
{
	const json_t *node;
	size_t i;

	ui->facts.cpu_all = ui->facts.memory_all = 0;
	ui->facts.nodes = (int)json_array_size(json_object_get(tree, "items"));
	json_array_foreach(json_object_get(tree, "items"), i, node) {
		ui->facts.cpu_all += kt_usage_value(kt_jstr(node, "status.allocatable.cpu"));
		ui->facts.memory_all += kt_usage_value(kt_jstr(node, "status.allocatable.memory"));
	}
	note_revision(ui, tree);
}

static void read_usage(struct kt_ui *ui, const json_t *tree)
{
	const json_t *node;
	size_t i;

	ui->facts.cpu_used = ui->facts.memory_used = 0;
	json_array_foreach(json_object_get(tree, "items"), i, node) {
		ui->facts.cpu_used += kt_usage_value(kt_jstr(node, "usage.cpu"));
		ui->facts.memory_used += kt_usage_value(kt_jstr(node, "usage.memory"));
	}
}

static void on_answer(struct kt_call *call)
{
	struct asked *asked = kt_container_of(call, struct asked, call);
	struct kt_ui *ui = asked->info->ui;
	kt_auto_json json_t *tree = answer(asked);
	size_t which = (size_t)(asked - asked->info->asked);

	asked->under_way = false;
	kt_call_finish(call);
	if (!tree) {
		if (which == ASK_USAGE)
			ui->facts.cpu_used = -1;
		return;
	}
	if (which == ASK_VERSION)
		read_version(ui, tree);
	else if (which == ASK_NODES)
		read_nodes(ui, tree);
	else
		read_usage(ui, tree);
	kt_ui_dirty(ui);
}

static void ask(struct kt_info *info, size_t which)
{
	static const char *const paths[N_ASKED] = {
	        "/version", "/api/v1/nodes?limit=5000", "/apis/metrics.k8s.io/v1beta1/nodes"};
	struct asked *asked = &info->asked[which];

	if (asked->under_way || !info->client)
		return;
	asked->under_way = true;
	asked->info = info;
	asked->call = (struct kt_call){
	        .method = "GET", .path = paths[which], .loop = info->ui->loop, .done = on_answer};
	kt_client_call(info->client, &asked->call);
}

static void on_timer(struct kt_timer *timer)
{
	struct kt_info *info = kt_container_of(timer, struct kt_info, timer);

	if (!*info->ui->facts.server_version)
		ask(info, ASK_VERSION);
	ask(info, ASK_NODES);
	ask(info, ASK_USAGE);
	/* nodes and their first usage appear soon after a start; a list of thousands is asked for
	 * seldom */
	kt_timer_set_after_ms(timer,
	        info->rounds++ < 4 ? FIRST_MS
	                           : REFRESH_MS * (1 + info->ui->facts.nodes / NODES_PER_REFRESH));
}

static void stop(struct kt_info *info)
{
	for (size_t i = 0; i < N_ASKED; i++) {
		struct asked *asked = &info->asked[i];

		if (!asked->under_way)
			continue;
		kt_client_cancel(info->client, &asked->call);
		kt_call_finish(&asked->call);
		asked->under_way = false;
	}
	kt_timer_cancel(&info->timer);
}

struct kt_info *kt_info_create(struct kt_ui *ui)
{
	struct kt_info *info = kt_new(struct kt_info);

	info->ui = ui;
	kt_timer_init(&info->timer, ui->loop, on_timer);
	return info;
}

void kt_info_destroy(struct kt_info *info)
{
	if (!info)
		return;
	stop(info);
	free(info);
}

void kt_info_refresh(struct kt_info *info)
{
	stop(info);
	info->client = info->ui->client;
	info->rounds = 0;
	if (info->client)
		on_timer(&info->timer);
}
