/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/settings.h"

#include "base/mem.h"
#include "base/str.h"

#include <ctype.h>
#include <strings.h>

/* Life */

static void finish_column(struct kt_column_wish *column)
{
	free(column->name);
	free(column->path);
}

static void finish_view(struct kt_view_wish *view)
{
	for (size_t i = 0; i < view->columns.n; i++)
		finish_column(&view->columns.items[i]);
	kt_vec_finish(&view->columns);
	free(view->key);
	free(view->sort);
}

static void finish_jump(struct kt_jump *jump)
{
	free(jump->source);
	free(jump->target);
	free(jump->labels);
	free(jump->fields);
	free(jump->namespace);
}

void kt_settings_finish(struct kt_settings *settings)
{
	for (size_t i = 0; i < settings->views.n; i++)
		finish_view(&settings->views.items[i]);
	for (size_t i = 0; i < settings->jumps.n; i++)
		finish_jump(&settings->jumps.items[i]);
	for (size_t i = 0; i < settings->favourites.n; i++)
		free(settings->favourites.items[i]);
	kt_vec_finish(&settings->views);
	kt_vec_finish(&settings->jumps);
	kt_vec_finish(&settings->favourites);
	free(settings->skin);
	free(settings->view);
	free(settings->dump_folder);
}

/* config.yaml */

static void take_bool(const json_t *root, const char *path, bool *to)
{
	*to = kt_jbool(root, path, *to);
}

static void take_text(const json_t *root, const char *path, char **to)
{
	const char *text = kt_jstr(root, path);

	if (!text || !*text)
		return;
	free(*to);
	*to = kt_strdup(text);
}

void kt_settings_read_config(struct kt_settings *settings, const json_t *tree)
{
	const json_t *root = json_object_get(tree, "k9s"), *favourite;
	const json_t *favourites = kt_jget(root, "namespace.favorites");
	size_t i;

	take_bool(root, "readOnly", &settings->readonly);
	take_bool(root, "noExitOnCtrlC", &settings->stays_on_ctrl_c);
	take_bool(root, "ui.headless", &settings->headless);
	take_bool(root, "ui.crumbsless", &settings->crumbsless);
	take_bool(root, "ui.defaultsToFullScreen", &settings->full_screen);
	take_bool(root, "logger.textWrap", &settings->logs_wrap);
	take_bool(root, "logger.disableAutoscroll", &settings->logs_still);
	take_bool(root, "logger.showTime", &settings->logs_times);
	settings->logs_tail = kt_jint(root, "logger.tail", settings->logs_tail);
	take_text(root, "screenDumpDir", &settings->dump_folder);
	take_text(root, "defaultView", &settings->view);
	take_text(root, "ui.skin", &settings->skin);
	take_text(root, "skin", &settings->skin); /* of a context */
	json_array_foreach((json_t *)(uintptr_t)favourites, i, favourite)
		if (json_is_string(favourite) && settings->favourites.n < KT_FAVOURITES_MAX &&
		        strcmp(json_string_value(favourite), "all") != 0)
			kt_vec_push(&settings->favourites, kt_strdup(json_string_value(favourite)));
}

/* views.yaml */

/* Where the flags begin: behind the last `|`, or the end when there are none. */
static size_t flags_at(const char *text)
{
	const char *bar = strrchr(text, '|');

	if (!bar || strspn(bar + 1, "NTWSLRH") != strlen(bar + 1) || strlen(bar + 1) > 3)
		return strlen(text);
	return (size_t)(bar - text);
}

static bool is_header_char(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("_ %/-", c));
}

bool kt_column_wish_parse(
        const char *text, struct kt_column_wish *ret_wish, const char **ret_reason)
{
	size_t name = 0, end = flags_at(text);
	const char *flags = text + end;

	while (name < end && is_header_char(text[name]))
		name++;
	kt_auto_free char *path = text[name] == ':' && name < end
	                                  ? kt_strndup(text + name + 1, end - name - 1)
	                                  : NULL;
	const char *bar = path ? strchr(path, '|') : NULL;

	if (!name || (name < end && text[name] != ':'))
		*ret_reason = "is no HEADER[:EXPR][|FLAGS]";
	else if (bar && strchr(bar + 1, '|'))
		*ret_reason = "is an expression of jq, which is not known here";
	else {
		*ret_wish = (struct kt_column_wish){.name = kt_strndup(text, name),
		        .path = path && *path ? kt_steal(&path) : NULL,
		        .wide = strchr(flags, 'W') != NULL,
		        .hidden = strchr(flags, 'H') != NULL,
		        .right = strpbrk(flags, "RN") && !strchr(flags, 'L'),
		        .time = strchr(flags, 'T') != NULL};
		return true;
	}
	return false;
}

static void read_view(struct kt_settings *settings, const char *key, const json_t *entry,
        kt_settings_warn_fn *warn, void *arg)
{
	struct kt_view_wish view = {.key = kt_strdup(key)};
	const char *sort = kt_jstr(entry, "sortColumn"), *colon = sort ? strrchr(sort, ':') : NULL;
	const json_t *item;
	size_t i;

	json_array_foreach(json_object_get(entry, "columns"), i, item) {
		const char *text = json_string_value(item), *reason = "is no text";
		struct kt_column_wish column;

		if (text && kt_column_wish_parse(text, &column, &reason)) {
			kt_vec_push(&view.columns, column);
			continue;
		}
		kt_auto_free char *told = kt_asprintf("\"%s\" %s", text ? text : "", reason);

		warn(arg, key, told);
	}
	if (sort) {
		view.sort = kt_strndup(sort, colon ? (size_t)(colon - sort) : strlen(sort));
		view.descending = colon && !strcasecmp(colon + 1, "desc");
	}
	for (i = 0; i < settings->views.n; i++) {
		if (!strcmp(settings->views.items[i].key, key)) {
			finish_view(&settings->views.items[i]);
			settings->views.items[i] = view;
			return;
		}
	}
	kt_vec_push(&settings->views, view);
}

void kt_settings_read_views(
        struct kt_settings *settings, const json_t *tree, kt_settings_warn_fn *warn, void *arg)
{
	const char *key;
	json_t *entry;

	json_object_foreach(json_object_get(tree, "views"), key, entry) {
		if (json_is_object(entry))
			read_view(settings, key, entry, warn, arg);
		else
			warn(arg, key, "is no map");
	}
}

/* jumps.yaml */

static char *text_at(const json_t *entry, const char *key)
{
	const char *text = kt_jstr(entry, key);

	return kt_strdup(text ? text : "");
}

void kt_settings_read_jumps(
        struct kt_settings *settings, const json_t *tree, kt_settings_warn_fn *warn, void *arg)
{
	const char *key;
	json_t *entry;

	json_object_foreach(json_object_get(tree, "jumps"), key, entry) {
		struct kt_jump jump = {.source = kt_strdup(key),
		        .target = text_at(entry, "targetGVR"),
		        .labels = text_at(entry, "labelSelector"),
		        .fields = text_at(entry, "fieldSelector"),
		        .namespace = text_at(entry, "targetNamespace")};

		if (!*jump.target) {
			warn(arg, key, "there is no targetGVR");
			finish_jump(&jump);
			continue;
		}
		kt_vec_push(&settings->jumps, jump);
	}
}
