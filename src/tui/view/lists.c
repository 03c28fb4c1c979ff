/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/view/lists.h"

#include "tui/view/list.h"

#include "api/client/kubeconfig.h"

struct kt_view *kt_aliases_view_create(struct kt_ui *ui)
{
	static const char *const columns[] = {
	        "Resource", "Group", "Version", "Kind", "Short Names", "Namespaced", NULL};
	struct kt_view *view =
	        kt_list_view_create(ui, &(struct kt_list_view_options){.title = "Aliases",
	                                        .crumb = "aliases",
	                                        .columns = columns,
	                                        .enter = "{name}"});

	const char *alias;
	void *line;
	size_t it = 0;

	while (kt_map_next(&ui->custom.aliases, &it, &alias, &line))
		kt_list_view_add(
		        view, alias, (const char *[]){line, "", "", "", alias, ""}, KT_ROW_PLAIN);
	for (size_t i = 0; i < ui->discovery.n; i++) {
		const struct kt_resource *r = &ui->discovery.resources[i];
		kt_auto_str names = KT_STR_INIT;
		kt_auto_free char *full = kt_resource_full_name(r);

		if (!r->preferred || !kt_resource_has_verb(r, "list"))
			continue;
		for (char **name = r->short_names; name && *name; name++)
			kt_str_printf(&names, "%s%s", names.len ? "," : "", *name);
		kt_list_view_add(view, full,
		        (const char *[]){r->plural, r->group, r->version, r->kind,
		                kt_str_text(&names), r->namespaced ? "true" : "false"},
		        KT_ROW_PLAIN);
	}
	return view;
}

struct kt_view *kt_contexts_view_create(struct kt_ui *ui)
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

struct kt_view *kt_themes_view_create(struct kt_ui *ui)
{
	static const char *const columns[] = {"Name", "Current", NULL};
	struct kt_view *view =
	        kt_list_view_create(ui, &(struct kt_list_view_options){.title = "Themes",
	                                        .crumb = "themes",
	                                        .columns = columns,
	                                        .enter = "skin {name}"});
	char **names = kt_theme_names();

	for (char **name = names; *name; name++) {
		kt_list_view_add(view, *name,
		        (const char *[]){*name, kt_streq(*name, ui->theme.name) ? "*" : ""},
		        KT_ROW_PLAIN);
		free(*name);
	}
	free(names);
	return view;
}
