/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The contexts of the kubeconfig; with an argument the word goes to one. */
#include "api/client/kubeconfig.h"
#include "tui/keys.h"
#include "tui/view/list.h"

static struct kt_view *create(struct kt_ui *ui)
{
	static const char *const columns[] = {
	        "Name", "Current", "Cluster", "User", "Namespace", NULL};
	struct kt_view *view =
	        kt_list_view_create(ui, &(struct kt_list_view_options){.title = "Contexts",
	                                        .crumb = "contexts",
	                                        .context = KT_IN_CONTEXTS,
	                                        .columns = columns,
	                                        .enter = "ctx {name}"});
	struct kt_kubeconfig *config = NULL;
	kt_auto_err err = KT_ERR_INIT;
	json_t *context;
	size_t i;

	if (kt_kubeconfig_load(ui->options->kubeconfig, &config, &err) < 0) {
		kt_ui_flash(ui, KT_FLASH_ERROR, "%s", kt_err_message(&err));
		return view;
	}
	json_array_foreach(json_object_get(kt_kubeconfig_tree(config), "contexts"), i, context) {
		const char *name = kt_jstr(context, "name");
		bool current = kt_streq(name, ui->facts.context);

		if (name)
			kt_list_view_add(view, name,
			        (const char *[]){name, current ? "*" : "",
			                kt_jstr(context, "context.cluster"),
			                kt_jstr(context, "context.user"),
			                kt_jstr(context, "context.namespace")},
			        KT_ROW_PLAIN);
	}
	kt_kubeconfig_destroy(config);
	return view;
}

static void run(struct kt_ui *ui, const char *argument)
{
	if (*argument)
		kt_ui_use_context(ui, argument);
	else
		kt_ui_push(ui, create(ui));
}

const struct kt_ui_verb kt_screen_contexts = {.name = "ctx",
        .aliases = "context contexts",
        .help = "contexts, or switch to one",
        .run = run};
