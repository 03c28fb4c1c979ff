/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The grammar of `:` as k9s has it: KIND [NAMESPACE] [/FILTER] [-f FUZZY] [LABELS] [@CONTEXT], in
 * any order behind the kind. */
#include "tui/ui.h"

#include "tui/command/words.h"
#include "tui/view/resource.h"
#include "tui/view/xray.h"

#include "api/schema/schema.h"

#include <ctype.h>

struct place {
	char *namespace, *filter, *labels, *context;
};

/* Kinds before discovery */

static bool named(const struct kt_kind *kind, const char *word)
{
	if (!strcasecmp(kind->plural, word) || !strcasecmp(kind->singular, word) ||
	        !strcasecmp(kind->kind, word))
		return true;
	for (const char *const *name = kind->short_names; name && *name; name++)
		if (!strcasecmp(*name, word))
			return true;
	if (!strchr(word, '/'))
		return false;
	kt_auto_free char *path = kt_asprintf(
	        "%s%s%s/%s", kind->group, *kind->group ? "/" : "", kind->version, kind->plural);

	return !strcmp(path, word);
}

/* The built-in kinds as discovery would tell them. One table, made once, for the life of the
 * program. */
static const struct kt_resource *builtin(const char *word)
{
	static struct kt_resource found; /* UI thread only; strings are the kind tables' */
	static char *sub[] = {NULL};

	for (size_t i = 0; i < kt_builtin_kinds.n_kinds; i++) {
		const struct kt_kind *kind = &kt_builtin_kinds.kinds[i];

		if (!(kind->verbs & KT_VERB_LIST) || !named(kind, word))
			continue;
		found = (struct kt_resource){(char *)(uintptr_t)kind->group,
		        (char *)(uintptr_t)kind->version, (char *)(uintptr_t)kind->plural,
		        (char *)(uintptr_t)kind->singular, (char *)(uintptr_t)kind->kind, NULL,
		        NULL, NULL, sub, (kind->flags & KT_KIND_NAMESPACED) != 0, true};
		return &found;
	}
	return NULL;
}

/* k9s' own aliases. */
static const char *alias(const char *word)
{
	static const struct {
		const char *alias, *plural;
	} aliases[] = {{"dp", "deployments"}, {"sec", "secrets"}, {"jo", "jobs"},
	        {"cr", "clusterroles"}, {"crb", "clusterrolebindings"}, {"ro", "roles"},
	        {"rb", "rolebindings"}, {"np", "networkpolicies"}};

	for (size_t i = 0; i < KT_ARRAY_SIZE(aliases); i++)
		if (!strcmp(aliases[i].alias, word))
			return aliases[i].plural;
	return word;
}

/* "apps/v1/deployments", as k9s also takes it. */
static const struct kt_resource *by_path(const struct kt_discovery *discovery, const char *word)
{
	const char *last = strrchr(word, '/');

	if (!last)
		return NULL;
	kt_auto_free char *before = kt_strndup(word, (size_t)(last - word));

	for (size_t i = 0; i < discovery->n; i++) {
		kt_auto_free char *version = kt_resource_api_version(&discovery->resources[i]);

		if (!strcmp(version, before) && !strcmp(discovery->resources[i].plural, last + 1))
			return &discovery->resources[i];
	}
	return NULL;
}

const struct kt_resource *kt_ui_resource(struct kt_ui *ui, const char *word)
{
	const char *name = alias(word);

	if (!ui->discovery.n)
		return builtin(name);
	const struct kt_resource *found = kt_discovery_find(&ui->discovery, name);

	return found ? found : by_path(&ui->discovery, name);
}

const struct kt_resource *kt_ui_resource_of_kind(
        struct kt_ui *ui, const char *api_version, const char *kind)
{
	if (!api_version || !kind)
		return NULL;
	return ui->discovery.n ? kt_discovery_find_kind(&ui->discovery, api_version, kind)
	                       : builtin(kind);
}

bool kt_ui_is_kind(struct kt_ui *ui, struct kt_sv word, const struct kt_resource *resource)
{
	kt_auto_free char *version = kt_resource_api_version(resource);
	kt_auto_free char *path = kt_asprintf("%s/%s", version, resource->plural);
	kt_auto_free char *text = kt_sv_dup(word);

	if (strchr(text, '/'))
		return !strcmp(text, path);
	const struct kt_resource *named = kt_ui_resource(ui, text);

	return named && !strcmp(named->plural, resource->plural) &&
	       !strcmp(named->group, resource->group);
}

/* The line */

static void replace_text(char **text, const char *with)
{
	free(*text);
	*text = kt_strdup(with);
}

static bool is_selector(const char *word, bool quoted)
{
	return strchr(word, '=') || (quoted && (strstr(word, " in ") || strstr(word, " notin ")));
}

/* A filter is taken as it stands: `|` and backslashes belong to the expression. Returns the last
 * token it covers. */
static size_t read_filter(
        const char *line, const struct kt_tokens *tokens, size_t i, struct place *place)
{
	size_t start = tokens->items[i].start, end = start + strcspn(line + start, " ");

	if (tokens->items[i].quoted) {
		replace_text(&place->filter, tokens->items[i].text + 1);
		return i;
	}
	free(place->filter);
	place->filter = kt_strndup(line + start + 1, end - start - 1);
	while (i + 1 < tokens->n && tokens->items[i + 1].start < end)
		i++;
	return i;
}

static void read_place(const char *line, const struct kt_tokens *tokens, struct place *place)
{
	for (size_t i = 1; i < tokens->n; i++) {
		const char *word = tokens->items[i].text;

		if (!word)
			continue;
		if (*word == '/') {
			i = read_filter(line, tokens, i, place);
		} else if (!strcmp(word, "-f") && i + 1 < tokens->n) {
			free(place->filter);
			place->filter = kt_asprintf("-f %s", tokens->items[++i].text);
		} else if (kt_starts_with(word, "-f")) {
			free(place->filter);
			place->filter = kt_asprintf("-f %s", word + 2);
		} else if (*word == '@') {
			replace_text(&place->context, word + 1);
		} else if (is_selector(word, tokens->items[i].quoted)) {
			replace_text(&place->labels, word);
		} else if (strcmp(word, "-A") != 0 && strcmp(word, "-n") != 0) {
			replace_text(&place->namespace, word);
		} else if (word[1] == 'A') {
			replace_text(&place->namespace, "all");
		}
	}
}

static void finish_place(struct place *place)
{
	free(place->namespace);
	free(place->filter);
	free(place->labels);
	free(place->context);
}

static void show(struct kt_ui *ui, struct kt_view *view, bool push)
{
	if (push)
		kt_ui_push(ui, view);
	else
		kt_ui_replace(ui, view);
}

static void go(
        struct kt_ui *ui, const struct kt_resource *resource, const struct place *place, bool push)
{
	if (place->namespace && resource->namespaced)
		kt_ui_use_namespace(ui, place->namespace);
	struct kt_view *view =
	        kt_resource_view_create(ui, &(struct kt_resource_view_options){.resource = resource,
	                                            .namespace = ui->namespace,
	                                            .filter = place->filter,
	                                            .label_selector = place->labels});

	show(ui, view, push);
}

bool kt_ui_xray(struct kt_ui *ui, const char *line)
{
	struct kt_tokens tokens;
	struct place place = {0};

	kt_words_split(line, &tokens);
	const struct kt_resource *resource =
	        tokens.n && tokens.items[0].text ? kt_ui_resource(ui, tokens.items[0].text) : NULL;

	read_place(line, &tokens, &place);
	const char *namespace = !place.namespace                   ? ui->namespace
	                        : kt_streq(place.namespace, "all") ? ""
	                                                           : place.namespace;

	if (resource && place.namespace && resource->namespaced && !ui->of_key)
		kt_ui_use_namespace(
		        ui, place.namespace); /* a key's look elsewhere is a short one */
	if (resource)
		show(ui, kt_xray_view_create(ui, resource, namespace, place.filter), ui->of_key);
	finish_place(&place);
	kt_tokens_finish(&tokens);
	return resource != NULL;
}

bool kt_ui_navigate(struct kt_ui *ui, const char *line, bool push)
{
	struct kt_tokens tokens;
	struct place place = {0};
	bool found = false;

	kt_words_split(line, &tokens);
	if (tokens.n && tokens.items[0].text) {
		const struct kt_resource *resource = kt_ui_resource(ui, tokens.items[0].text);

		read_place(line, &tokens, &place);
		if (resource && place.context) {
			kt_ui_use_context(ui, place.context);
			resource = kt_ui_resource(ui, tokens.items[0].text);
		}
		found = resource != NULL;
		if (resource) {
			kt_ui_echo(ui, line);
			go(ui, resource, &place, push);
		}
	}
	kt_tokens_finish(&tokens);
	finish_place(&place);
	return found;
}
