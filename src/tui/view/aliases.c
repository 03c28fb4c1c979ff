/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All kinds with their short names, after the person's own aliases. */
#include "tui/keys.h"
#include "tui/view/list.h"

static struct kt_view *create(struct kt_ui *ui)
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

static void run(struct kt_ui *ui, const char *argument)
{
	struct kt_view *view = create(ui);

	kt_ui_push(ui, view);
	if (*argument == '/')
		view->ops->filter(view, argument + 1);
}

const struct kt_ui_verb kt_screen_aliases = {.name = "aliases",
        .aliases = "a alias",
        .help = "all kinds and their short names",
        .run = run};
