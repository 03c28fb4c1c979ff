/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/start.h"

#include "tui/header_info.h"
#include "tui/plugin.h"

#include "api/client/kubeconfig.h"

#include <errno.h>
#include <pthread.h>

struct kt_start {
	struct kt_ui *ui;
	struct kt_cancel cancel; /* the UI ends, or goes elsewhere */
	pthread_t thread;
	bool running; /* the thread must be joined */
	bool again;   /* another discovery was asked for meanwhile */
	struct kt_task done;
	bool connecting;
	struct kt_client *client; /* to discover, or what start brought */
	struct kt_discovery discovery;
	struct kt_err err;
};

static void begin_thread(struct kt_start *start);

/* Connecting and discovery are steps of their own: the table need not wait for the second. */
static void *work(void *arg)
{
	struct kt_start *start = arg;
	const struct kt_tui_options *options = start->ui->options;

	if (start->connecting)
		options->start(options->start_arg, &start->client, &start->err);
	else
		kt_discovery_load(start->client,
		        &(struct kt_discovery_options){.cancel = &start->cancel}, &start->discovery,
		        &start->err);
	kt_loop_post(start->ui->loop, &start->done);
	return NULL;
}

static void set_client(struct kt_ui *ui, struct kt_client *client)
{
	ui->client = client;
	ui->starting = false;
	kt_info_refresh(ui->info);
	for (size_t i = 0; i < ui->views.n; i++)
		if (ui->views.items[i]->ops->verb)
			ui->views.items[i]->ops->verb(ui->views.items[i], "connected", "");
	kt_ui_dirty(ui);
}

static struct kt_session *new_session(
        struct kt_ui *ui, const char *context, struct kt_client *client)
{
	struct kt_session *session = kt_session_create(
	        &(struct kt_session_options){.kubeconfig = ui->options->kubeconfig,
	                .context = context,
	                .namespace = ui->options->namespace,
	                .client = client});

	kt_map_set(&ui->sessions, context ? context : "", session);
	return session;
}

static void on_connected(struct kt_start *start)
{
	struct kt_ui *ui = start->ui;

	if (!start->client) {
		ui->starting = false;
		free(ui->start_error);
		ui->start_error = kt_strdup(kt_err_message(&start->err));
		kt_ui_flash(ui, KT_FLASH_ERROR, "%s", ui->start_error);
		return;
	}
	ui->session = new_session(ui, NULL, start->client);
	set_client(ui, start->client);
	kt_start_discover(ui);
}

static void take_discovery(struct kt_start *start)
{
	struct kt_ui *ui = start->ui;

	if (start->err.code == -ECANCELED)
		return;
	if (start->err.code) {
		kt_ui_flash(ui, KT_FLASH_WARN, "reading what the server serves: %s",
		        kt_err_message(&start->err));
		return;
	}
	if (start->client != ui->client) { /* the context changed meanwhile */
		kt_discovery_finish(&start->discovery);
		return;
	}
	kt_discovery_finish(&ui->discovery);
	ui->discovery = start->discovery;
	start->discovery = (struct kt_discovery){0};
	for (size_t i = 0; i < ui->views.n; i++)
		if (ui->views.items[i]->ops->verb)
			ui->views.items[i]->ops->verb(ui->views.items[i], "discovered", "");
}

/* The awaited line stays set while it runs, so that it does not wait for itself. */
static void on_discovered(struct kt_start *start)
{
	struct kt_ui *ui = start->ui;

	take_discovery(start);
	if (!ui->awaited_line || start->again)
		return;
	kt_ui_run(ui, ui->awaited_line);
	free(ui->awaited_line);
	ui->awaited_line = NULL;
}

bool kt_start_await(struct kt_ui *ui, const char *line)
{
	if (ui->awaited_line || (ui->start && !ui->client && !ui->starting))
		return false;
	ui->awaited_line = kt_strdup(line);
	if (ui->start && (!ui->start->running || ui->client))
		kt_start_discover(ui);
	return true;
}

static void on_done(struct kt_task *task)
{
	struct kt_start *start = kt_container_of(task, struct kt_start, done);

	pthread_join(start->thread, NULL);
	start->running = false;
	if (start->connecting) {
		start->connecting = false;
		on_connected(start);
	} else {
		on_discovered(start);
	}
	kt_err_clear(&start->err);
	if (start->again && !start->running) {
		start->again = false;
		kt_start_discover(start->ui);
	}
	kt_ui_dirty(start->ui);
}

static void begin_thread(struct kt_start *start)
{
	start->running = pthread_create(&start->thread, NULL, work, start) == 0;
	if (!start->running)
		kt_ui_flash(start->ui, KT_FLASH_ERROR, "cannot start a thread");
}

void kt_start_discover(struct kt_ui *ui)
{
	if (!ui->start || !ui->client)
		return;
	if (ui->start->running) {
		ui->start->again = true;
		if (ui->start->client != ui->client)
			kt_cancel_ask(&ui->start->cancel);
		return;
	}
	ui->start->client = ui->client;
	kt_cancel_reset(&ui->start->cancel);
	begin_thread(ui->start);
}

static void set_facts(struct kt_ui *ui, struct kt_session *session)
{
	const struct kt_tui_options *options = ui->options;
	struct kt_kubeconfig *config = NULL;
	struct kt_endpoint endpoint = {0};
	const char *context = kt_session_context(session);
	bool first = !*context || kt_streq(context, options->context); /* not switched to */
	bool known =
	        !(first && options->start) &&
	        kt_kubeconfig_load(options->kubeconfig, &config, NULL) == 0 &&
	        kt_kubeconfig_endpoint(config, *context ? context : NULL, &endpoint, NULL) == 0;
	const char *cluster = first && options->cluster ? options->cluster
	                      : known                   ? endpoint.cluster
	                                                : NULL;
	const char *user = first && options->user ? options->user : known ? endpoint.user : NULL;

	snprintf(ui->facts.context, sizeof(ui->facts.context), "%s",
	        known && endpoint.context ? endpoint.context
	        : cluster                 ? cluster
	                                  : "");
	snprintf(ui->facts.cluster, sizeof(ui->facts.cluster), "%s", cluster ? cluster : "");
	snprintf(ui->facts.user, sizeof(ui->facts.user), "%s", user ? user : "");
	if (known && endpoint.namespace && !options->namespace && !options->all_namespaces)
		kt_ui_use_namespace(ui, endpoint.namespace);
	kt_endpoint_finish(&endpoint);
	kt_kubeconfig_destroy(config);
	kt_plugins_load(ui);
}

void kt_ui_use_context(struct kt_ui *ui, const char *context)
{
	kt_auto_err err = KT_ERR_INIT;
	struct kt_session *session = kt_map_get(&ui->sessions, context);

	if (!session)
		session = new_session(ui, context, NULL);
	struct kt_client *client = kt_session_client(session, &err);

	if (!client) {
		kt_ui_flash(ui, KT_FLASH_ERROR, "%s", kt_err_message(&err));
		return;
	}
	ui->session = session;
	kt_discovery_finish(&ui->discovery);
	ui->discovery = (struct kt_discovery){0};
	ui->facts = (struct kt_ui_facts){.cpu_used = -1};
	set_facts(ui, session);
	ui->client = client;
	kt_ui_navigate(ui, "pods", false);
	set_client(ui, client);
	kt_start_discover(ui);
}

void kt_start_begin(struct kt_ui *ui)
{
	struct kt_start *start = kt_new(struct kt_start);
	kt_auto_err err = KT_ERR_INIT;

	ui->start = start;
	start->ui = ui;
	kt_cancel_open(&start->cancel);
	kt_task_init(&start->done, on_done);
	ui->facts.cpu_used = -1;
	if (ui->options->start) {
		struct kt_session *none = kt_session_create(&(struct kt_session_options){0});

		set_facts(ui, none);
		kt_session_destroy(none);
		ui->starting = start->connecting = true;
		begin_thread(start);
		return;
	}
	ui->session = new_session(ui, ui->options->context, ui->options->client);
	struct kt_client *client = kt_session_client(ui->session, &err);

	set_facts(ui, ui->session);
	if (client) {
		set_client(ui, client);
		kt_start_discover(ui);
	} else {
		ui->start_error = kt_strdup(kt_err_message(&err));
		kt_ui_flash(ui, KT_FLASH_ERROR, "%s", ui->start_error);
	}
}

void kt_start_destroy(struct kt_start *start)
{
	if (!start)
		return;
	kt_cancel_ask(&start->cancel);
	if (start->running)
		pthread_join(start->thread, NULL);
	kt_discovery_finish(&start->discovery);
	kt_err_clear(&start->err);
	kt_cancel_close(&start->cancel);
	start->ui->start = NULL;
	free(start);
}
