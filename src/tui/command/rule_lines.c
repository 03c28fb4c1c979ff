/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/command/rule_lines.h"

#include "base/str.h"
#include "base/vec.h"

struct part {
	const char *group, *resource, *name, *url;
};

struct lines {
	struct kt_rule_line *items;
	size_t n, cap;
};

static char *resource_text(const struct part *part)
{
	size_t plain = strcspn(part->resource, "/");

	return kt_asprintf("%.*s%s%s%s", (int)plain, part->resource, *part->group ? "." : "",
	        part->group, part->resource + plain);
}

static bool has_word(const char *words, const char *word)
{
	struct kt_sv rest = kt_sv_of(words), part;

	while (rest.len && kt_sv_split(&rest, ' ', &part))
		if (kt_sv_is(part, word))
			return true;
	return false;
}

static void add(struct lines *lines, const struct part *part, const char *verb)
{
	kt_auto_free char *resource = resource_text(part);

	for (size_t i = 0; !*part->url && i < lines->n; i++) {
		struct kt_rule_line *line = &lines->items[i];

		if (strcmp(line->resource, resource) != 0 || strcmp(line->name, part->name) != 0)
			continue;
		if (!has_word(line->verbs, verb)) {
			char *more = kt_asprintf("%s %s", line->verbs, verb);

			free(line->verbs);
			line->verbs = more;
		}
		return;
	}
	struct kt_rule_line line = {
	        .sort = kt_asprintf("APIGroups:[%s],Resources:[%s],ResourceNames:[%s],"
	                            "NonResourceURLs:[%s],",
	                part->group, part->resource, part->name, part->url),
	        .resource = kt_strdup(resource),
	        .url = kt_strdup(part->url),
	        .name = kt_strdup(part->name),
	        .verbs = kt_strdup(verb),
	};

	kt_vec_push(lines, line);
}

static void add_verbs(struct lines *lines, const struct part *part, const json_t *verbs)
{
	json_t *verb;
	size_t i;

	json_array_foreach(verbs, i, verb)
		add(lines, part, json_string_value(verb));
}

static void add_names(
        struct lines *lines, const char *group, const char *resource, const json_t *rule)
{
	const json_t *names = json_object_get(rule, "resourceNames"),
	             *verbs = json_object_get(rule, "verbs");
	struct part part = {group, resource, "", ""};
	json_t *name;
	size_t i;

	json_array_foreach(names, i, name) {
		part.name = json_string_value(name);
		add_verbs(lines, &part, verbs);
	}
	if (!json_array_size(names))
		add_verbs(lines, &part, verbs);
}

static void add_rule(struct lines *lines, const json_t *rule)
{
	json_t *group, *resource, *url;
	size_t g, r, u;

	json_array_foreach(json_object_get(rule, "apiGroups"), g, group) {
		json_array_foreach(json_object_get(rule, "resources"), r, resource)
			add_names(
			        lines, json_string_value(group), json_string_value(resource), rule);
	}
	json_array_foreach(json_object_get(rule, "nonResourceURLs"), u, url)
		add_verbs(lines, &(struct part){"", "", "", json_string_value(url)},
		        json_object_get(rule, "verbs"));
}

static int by_text(const void *a, const void *b)
{
	const struct kt_rule_line *x = a, *y = b;
	/* as "Verbs:[get list]," they end in a bracket, which is larger than a blank */
	kt_auto_free char *first = kt_asprintf("%s],%s", x->verbs, x->sort);
	kt_auto_free char *second = kt_asprintf("%s],%s", y->verbs, y->sort);

	return strcmp(first, second);
}

struct kt_rule_line *kt_rule_lines(const json_t *rules, size_t *ret_n)
{
	struct lines lines = {0};
	json_t *rule;
	size_t i;

	json_array_foreach(rules, i, rule)
		add_rule(&lines, rule);
	if (lines.n)
		qsort(lines.items, lines.n, sizeof(*lines.items), by_text);
	*ret_n = lines.n;
	return lines.items;
}

void kt_rule_lines_free(struct kt_rule_line *lines, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(lines[i].sort);
		free(lines[i].resource);
		free(lines[i].url);
		free(lines[i].name);
		free(lines[i].verbs);
	}
	free(lines);
}
