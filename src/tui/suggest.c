/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/suggest.h"

#include "tui/keys.h"

#include "api/client/kubeconfig.h"
#include "base/path.h"

#include <dirent.h>
#include <sys/stat.h>

enum { SIMILAR_MAX = 3, SIMILAR_LETTERS = 3 };

struct offers {
	struct kt_candidates *out;
	const char *prefix;
};

static void offer(struct offers *offers, const char *text, const char *help)
{
	if (!text || !*text || !kt_starts_with(text, offers->prefix))
		return;
	for (size_t i = 0; i < offers->out->n; i++)
		if (!strcmp(offers->out->items[i].text, text))
			return;
	offers->out->items = kt_reallocarray(
	        offers->out->items, offers->out->n + 1, sizeof(*offers->out->items));
	offers->out->items[offers->out->n++] =
	        (struct kt_candidate){kt_strdup(text), help ? kt_strdup(help) : NULL};
}

static void offer_kinds(struct kt_ui *ui, struct offers *offers)
{
	for (size_t i = 0; i < ui->discovery.n; i++) {
		const struct kt_resource *resource = &ui->discovery.resources[i];

		if (!resource->preferred || !kt_resource_has_verb(resource, "list"))
			continue;
		offer(offers, resource->plural, resource->kind);
		for (char **name = resource->short_names; *offers->prefix && name && *name; name++)
			offer(offers, *name, resource->plural);
	}
}

static void offer_aliases(struct kt_ui *ui, struct offers *offers)
{
	const char *name;
	void *line;
	size_t it = 0;

	while (kt_map_next(&ui->custom.aliases, &it, &name, &line))
		offer(offers, name, line);
}

static void offer_words(struct offers *offers)
{
	for (const struct kt_ui_verb *const *verb = kt_ui_verbs; *verb; verb++)
		if ((*verb)->help)
			offer(offers, (*verb)->name, (*verb)->help);
	for (const struct kt_command *const *command = kt_commands; *command; command++)
		offer(offers, (*command)->name, (*command)->summary);
}

static void offer_contexts(struct kt_ui *ui, struct offers *offers, const char *sign)
{
	struct kt_kubeconfig *config = NULL;
	json_t *context;
	size_t i;

	if (kt_kubeconfig_load(ui->options->kubeconfig, &config, NULL) < 0)
		return;
	json_array_foreach(json_object_get(kt_kubeconfig_tree(config), "contexts"), i, context) {
		kt_auto_free char *text = kt_asprintf(
		        "%s%s", sign, kt_jstr(context, "name") ? kt_jstr(context, "name") : "");

		offer(offers, text, NULL);
	}
	kt_kubeconfig_destroy(config);
}

static void offer_themes(struct offers *offers)
{
	char **names = kt_theme_names();

	for (char **name = names; *name; name++) {
		offer(offers, *name, NULL);
		free(*name);
	}
	free(names);
}

static void offer_favourites(struct kt_ui *ui, struct offers *offers)
{
	for (size_t i = 0; i < ui->favourites.n; i++)
		offer(offers, ui->favourites.items[i], NULL);
	offer(offers, "default", NULL);
	offer(offers, "kube-system", NULL);
	offer(offers, "all", NULL);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(
	        ((const struct kt_candidate *)a)->text, ((const struct kt_candidate *)b)->text);
}

/* The candidates that need no server; false when the line is one of the command table. */
static bool known(struct kt_ui *ui, const char *line, struct kt_candidates *out)
{
	const char *last = strrchr(line, ' ');
	struct offers offers = {out, last ? last + 1 : line};
	kt_auto_free char *word = kt_strndup(line, strcspn(line, " "));
	const struct kt_ui_verb *verb = kt_ui_verb_find(word);

	out->word_start = (size_t)(offers.prefix - line);
	if (!last) {
		offer_aliases(ui, &offers);
		offer_kinds(ui, &offers);
		offer_words(&offers);
	} else if (verb && !strcmp(verb->name, "skin")) {
		offer_themes(&offers);
	} else if (verb && !strcmp(verb->name, "ctx")) {
		offer_contexts(ui, &offers, "");
	} else if (*offers.prefix == '@') {
		offer_contexts(ui, &offers, "@");
	} else if ((verb && !strcmp(verb->name, "ns")) || kt_ui_resource(ui, word)) {
		offer_favourites(ui, &offers);
	} else {
		return false;
	}
	return true;
}

char *kt_suggest(struct kt_ui *ui, const char *line)
{
	struct kt_candidates candidates = {0};
	char *best = NULL;

	known(ui, line, &candidates);
	for (size_t i = 0; i < candidates.n; i++) {
		const char *text = candidates.items[i].text;

		if (!strcmp(text, line + candidates.word_start)) { /* complete as it stands */
			free(best);
			best = NULL;
			break;
		}
		if (!best)
			best = kt_asprintf("%.*s%s", (int)candidates.word_start, line, text);
	}
	kt_candidates_finish(&candidates);
	return best;
}

/* Namespaces of the server behind a kind. */
static void ask_namespaces(struct kt_ui *ui, const char *line, struct kt_candidates *out)
{
	kt_auto_free char *question =
	        kt_asprintf("get pods --namespace=%s", line + out->word_start);
	struct kt_candidates answer = {0};
	struct offers offers = {out, line + out->word_start};

	kt_complete(ui->session, question, &answer);
	for (size_t i = 0; i < answer.n; i++) {
		const char *equal = strrchr(answer.items[i].text, '=');

		offer(&offers, equal ? equal + 1 : answer.items[i].text, "namespace");
	}
	kt_candidates_finish(&answer);
}

/* Names in the folder that was typed so far; folders end with a slash. `~/` is the home. */
static void offer_files(struct offers *offers)
{
	const char *slash = strrchr(offers->prefix, '/'), *home = getenv("HOME");
	kt_auto_free char *typed =
	        kt_strndup(offers->prefix, slash ? (size_t)(slash - offers->prefix) + 1 : 0);
	kt_auto_free char *folder = kt_starts_with(typed, "~/") && home
	                                    ? kt_asprintf("%s%s", home, typed + 1)
	                                    : kt_strdup(*typed ? typed : "./");
	struct dirent **entries = NULL;
	int n = scandir(folder, &entries, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		const char *name = entries[i]->d_name;
		kt_auto_free char *path = kt_path_join(folder, name);
		struct stat info;
		bool hidden = *name == '.' && !(slash && slash[1] == '.');
		bool is_folder = !hidden && stat(path, &info) == 0 && S_ISDIR(info.st_mode);
		kt_auto_free char *text = kt_asprintf("%s%s%s", typed, name, is_folder ? "/" : "");

		if (!hidden && strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
			offer(offers, text, is_folder ? "folder" : "file");
		free(entries[i]);
	}
	free(entries);
}

void kt_suggest_candidates(struct kt_ui *ui, const char *line, struct kt_candidates *ret_candidates)
{
	kt_auto_free char *word = kt_strndup(line, strcspn(line, " "));

	*ret_candidates = (struct kt_candidates){0};
	if (!known(ui, line, ret_candidates)) {
		if (ui->session && ui->client)
			kt_complete(ui->session, line, ret_candidates);
		if (ret_candidates->files)
			offer_files(&(struct offers){
			        ret_candidates, line + ret_candidates->word_start});
		return;
	}
	if (strchr(line, ' ') && line[ret_candidates->word_start] != '@' && ui->client &&
	        ui->session && (!strcmp(word, "ns") || kt_ui_resource(ui, word)))
		ask_namespaces(ui, line, ret_candidates);
	if (ret_candidates->n)
		qsort(ret_candidates->items, ret_candidates->n, sizeof(*ret_candidates->items),
		        by_text);
}

char *kt_suggest_similar(struct kt_ui *ui, const char *word)
{
	struct kt_candidates all = {0};
	struct offers offers = {&all, ""};
	kt_auto_str text = KT_STR_INIT;

	if (strlen(word) <= SIMILAR_LETTERS) /* everything short looks like it */
		return NULL;
	offer_kinds(ui, &offers);
	offer_words(&offers);
	for (size_t i = 0, n = 0; i < all.n && n < SIMILAR_MAX; i++) {
		if (!kt_command_is_like(word, all.items[i].text))
			continue;
		kt_str_printf(&text, "%s%s", n++ ? ", " : "", all.items[i].text);
	}
	kt_candidates_finish(&all);
	return text.len ? kt_str_steal(&text) : NULL;
}
