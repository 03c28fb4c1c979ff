/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/custom.h"

#include "tui/screen.h"

#include "base/json.h"
#include "base/path.h"
#include "base/yaml.h"

#include <ctype.h>
#include <dirent.h>
#include <sys/stat.h>

enum { FILE_MAX_BYTES = 1 << 20, ALIAS_DEPTH_MAX = 8, FOLDER_DEPTH_MAX = 4 };

/* Life */

static void free_list(char **list)
{
	for (char **item = list; item && *item; item++)
		free(*item);
	free(list);
}

static void finish_key(struct kt_custom_key *key)
{
	for (size_t i = 0; i < key->n_inputs; i++) {
		free(key->inputs[i].name);
		free(key->inputs[i].label);
		free(key->inputs[i].type);
		free(key->inputs[i].fallback);
		free_list(key->inputs[i].options);
	}
	free(key->id);
	free(key->description);
	free(key->command);
	free_list(key->args);
	free_list(key->pipes);
	free_list(key->scopes);
}

void kt_custom_init(struct kt_custom *custom)
{
	*custom = (struct kt_custom){0};
	kt_map_init(&custom->aliases, free);
}

void kt_custom_finish(struct kt_custom *custom)
{
	for (size_t i = 0; i < custom->keys.n; i++)
		finish_key(&custom->keys.items[i]);
	kt_vec_finish(&custom->keys);
	kt_map_finish(&custom->aliases);
	kt_settings_finish(&custom->settings);
}

/* Keys */

static bool special_key(const char *name, uint32_t *ret_key)
{
	static const struct {
		const char *name;
		uint32_t key;
	} keys[] = {{"space", ' '}, {"Space", ' '}, {"Enter", KT_KEY_ENTER}, {"Tab", KT_KEY_TAB},
	        {"Backtab", KT_KEY_BACKTAB}, {"Delete", KT_KEY_DELETE}, {"Insert", KT_KEY_INSERT},
	        {"Home", KT_KEY_HOME}, {"End", KT_KEY_END}};

	for (size_t i = 0; i < KT_ARRAY_SIZE(keys); i++) {
		if (!strcmp(keys[i].name, name)) {
			*ret_key = keys[i].key;
			return true;
		}
	}
	if (*name == 'F' && isdigit((unsigned char)name[1])) {
		unsigned long number = strtoul(name + 1, NULL, 10);

		*ret_key = (uint32_t)(KT_KEY_F1 + number - 1);
		return number >= 1 && number <= 12;
	}
	return false;
}

bool kt_custom_key_parse(const char *name, uint32_t *ret_key)
{
	static const char shifted[] = ")!@#$%^&*("; /* of a US keyboard, as in k9s */
	const char *dash = strrchr(name, '-');
	unsigned char last = dash ? (unsigned char)dash[1] : (unsigned char)*name;

	if (*name && !name[1]) {
		*ret_key = (unsigned char)*name;
		return *name > ' ' && *name < 0x7f;
	}
	if (!dash || dash == name || (dash[1] && dash[2]))
		return special_key(name, ret_key);
	if (kt_starts_with(name, "Shift-") && isalnum(last))
		*ret_key = (uint32_t)(isdigit(last) ? shifted[last - '0'] : toupper(last));
	else if (kt_starts_with(name, "Ctrl-") && isalpha(last))
		*ret_key = KT_KEY_CTRL | (uint32_t)tolower(last);
	else if (kt_starts_with(name, "Alt-") && isalnum(last))
		*ret_key = KT_KEY_ALT | (uint32_t)tolower(last);
	else
		return false;
	return true;
}

/* Files */

struct reading {
	struct kt_custom *custom;
	const char *path;
	struct kt_str *warnings;
};

static void warn(void *arg, const char *id, const char *text)
{
	struct reading *r = arg;
	const char *slash = strrchr(r->path, '/');

	kt_str_printf(r->warnings, "%s: %s%s%s\n", slash ? slash + 1 : r->path, id, *id ? ": " : "",
	        text);
}

/* Texts and numbers as texts; NULL-terminated, never NULL. */
static char **texts_of(const json_t *list)
{
	char **texts = kt_new_array(char *, json_array_size(list) + 1);
	size_t i, n = 0;
	json_t *item;

	json_array_foreach((json_t *)(uintptr_t)list, i, item) {
		kt_auto_str text = KT_STR_INIT;

		if (json_is_string(item))
			kt_str_puts(&text, json_string_value(item));
		else
			kt_json_write(&text, item, 0);
		texts[n++] = kt_str_steal(&text);
	}
	return texts;
}

static char *text_of(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);
	kt_auto_str text = KT_STR_INIT;

	if (json_is_string(value))
		kt_str_puts(&text, json_string_value(value));
	else if (value && !json_is_null(value))
		kt_json_write(&text, value, 0);
	return kt_strdup(kt_str_text(&text));
}

static void put_key(struct kt_custom *custom, struct kt_custom_key *key)
{
	for (size_t i = 0; i < custom->keys.n; i++) {
		struct kt_custom_key *old = &custom->keys.items[i];

		if (old->is_plugin == key->is_plugin && !strcmp(old->id, key->id)) {
			finish_key(old);
			*old = *key;
			return;
		}
	}
	kt_vec_push(&custom->keys, *key);
}

static void read_inputs(struct kt_custom_key *key, const json_t *inputs)
{
	json_t *input;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)inputs, i, input) {
		if (key->n_inputs == KT_CUSTOM_INPUTS_MAX || !kt_jstr(input, "name"))
			continue;
		struct kt_custom_input *to = &key->inputs[key->n_inputs++];
		kt_auto_free char *label = text_of(input, "label");

		*to = (struct kt_custom_input){.name = text_of(input, "name"),
		        .type = text_of(input, "type"),
		        .fallback = text_of(input, "default"),
		        .options = texts_of(json_object_get(input, "options")),
		        .required = kt_jbool(input, "required", false)};
		to->label = kt_strdup(*label ? label : to->name);
	}
}

static void read_key(struct reading *r, const char *id, const json_t *entry, bool is_plugin)
{
	const char *name = kt_jstr(entry, "shortCut"), *command = kt_jstr(entry, "command");
	const json_t *scopes = json_object_get(entry, "scopes");
	struct kt_custom_key key = {.is_plugin = is_plugin};

	if (!json_is_object(entry) || !command || !*command)
		warn(r, id, "there is no command");
	else if (!name || !kt_custom_key_parse(name, &key.key))
		warn(r, id, "shortCut is no key");
	else if (is_plugin && !json_array_size(scopes))
		warn(r, id, "there are no scopes");
	else {
		kt_auto_free char *description = text_of(entry, "description");

		key.id = kt_strdup(id);
		key.description = kt_strdup(*description ? description : id);
		key.command = kt_strdup(command);
		key.args = texts_of(json_object_get(entry, "args"));
		key.pipes = texts_of(json_object_get(entry, "pipes"));
		key.scopes = texts_of(scopes);
		read_inputs(&key, json_object_get(entry, "inputs"));
		key.background = kt_jbool(entry, "background", false);
		key.confirm = kt_jbool(entry, "confirm", key.n_inputs > 0);
		key.override = kt_jbool(entry, "override", false);
		key.dangerous = kt_jbool(entry, "dangerous", false);
		key.quiet = kt_jbool(entry, "overwriteOutput", false);
		key.keep_history = kt_jbool(entry, "keepHistory", false);
		put_key(r->custom, &key);
	}
}

static void read_keys(struct reading *r, const json_t *entries, bool plugins)
{
	json_t *entry;
	const char *id;

	json_object_foreach((json_t *)(uintptr_t)entries, id, entry)
		read_key(r, id, entry, plugins);
}

/* Three shapes: {plugins: {ID: …}}, {ID: …}, or one entry whose name is the file's. */
static void read_plugins(struct reading *r, const json_t *tree)
{
	const char *slash = strrchr(r->path, '/'), *base = slash ? slash + 1 : r->path;

	if (json_object_get(tree, "plugins")) {
		read_keys(r, json_object_get(tree, "plugins"), true);
	} else if (json_is_string(json_object_get(tree, "shortCut"))) {
		kt_auto_free char *id = kt_strndup(base, strcspn(base, "."));

		read_key(r, id, tree, true);
	} else {
		read_keys(r, tree, true);
	}
}

static void read_aliases(struct reading *r, const json_t *aliases)
{
	json_t *value;
	const char *name;

	json_object_foreach((json_t *)(uintptr_t)aliases, name, value) {
		if (json_is_string(value))
			kt_map_set(&r->custom->aliases, name, kt_strdup(json_string_value(value)));
		else
			warn(r, name, "is no text");
	}
}

/* Names are keys here, and may be `no` or `y`. */
static json_t *read_tree(struct kt_sv text, struct kt_err *err)
{
	const struct kt_yaml_options options = {.plain_keys = true};
	struct kt_yaml_docs docs;
	json_t *tree = NULL;

	if (kt_yaml_parse(text, &options, &docs, err) < 0)
		return NULL;
	for (size_t i = 0; i < docs.n && !tree; i++)
		tree = json_incref(docs.docs[i].value);
	kt_yaml_docs_finish(&docs);
	return tree;
}

void kt_custom_parse(struct kt_custom *custom, char what, const char *path, struct kt_sv text,
        struct kt_str *warnings)
{
	struct reading r = {custom, path, warnings};
	kt_auto_err err = KT_ERR_INIT;
	kt_auto_json json_t *tree = read_tree(text, &err);

	if (!json_is_object(tree))
		warn(&r, "", tree || !err.code ? "is no map" : kt_err_message(&err));
	else if (what == 'a')
		read_aliases(&r, json_object_get(tree, "aliases"));
	else if (what == 'h')
		read_keys(&r, json_object_get(tree, "hotKeys"), false);
	else if (what == 'c')
		kt_settings_read_config(&custom->settings, tree);
	else if (what == 'v')
		kt_settings_read_views(&custom->settings, tree, warn, &r);
	else if (what == 'j')
		kt_settings_read_jumps(&custom->settings, tree, warn, &r);
	else
		read_plugins(&r, tree);
}

static void load_file(struct kt_custom *custom, char what, const char *folder, const char *name,
        struct kt_str *warnings)
{
	kt_auto_free char *path = kt_path_join(folder, name);
	kt_auto_str text = KT_STR_INIT;

	if (kt_read_file(path, FILE_MAX_BYTES, &text, NULL) == 0 && text.len)
		kt_custom_parse(
		        custom, what, path, (struct kt_sv){kt_str_text(&text), text.len}, warnings);
}

static void load_folder(struct kt_custom *custom, const char *folder, struct kt_str *warnings)
{
	load_file(custom, 'c', folder, "config.yaml", warnings);
	load_file(custom, 'v', folder, "views.yaml", warnings);
	load_file(custom, 'j', folder, "jumps.yaml", warnings);
	load_file(custom, 'a', folder, "aliases.yaml", warnings);
	load_file(custom, 'h', folder, "hotkeys.yaml", warnings);
	load_file(custom, 'p', folder, "plugins.yaml", warnings);
}

static int not_hidden(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void load_snippets(
        struct kt_custom *custom, const char *folder, int depth, struct kt_str *warnings)
{
	struct dirent **entries = NULL;
	int n = scandir(folder, &entries, not_hidden, alphasort);

	for (int i = 0; i < n; i++) {
		const char *name = entries[i]->d_name, *dot = strrchr(name, '.');
		kt_auto_free char *path = kt_path_join(folder, name);
		struct stat info;

		if (stat(path, &info) == 0 && S_ISDIR(info.st_mode) && depth < FOLDER_DEPTH_MAX)
			load_snippets(custom, path, depth + 1, warnings);
		else if (kt_streq(dot, ".yaml") || kt_streq(dot, ".yml"))
			load_file(custom, 'p', folder, name, warnings);
		free(entries[i]);
	}
	free(entries);
}

/* $variable/below, else $HOME/instead/below. */
static char *home_of(const char *variable, const char *instead, const char *below)
{
	const char *base = getenv(variable), *home = getenv("HOME");
	kt_auto_free char *folder =
	        base && *base ? kt_strdup(base) : kt_path_join(home && *home ? home : "/", instead);

	return kt_path_join(folder, below);
}

static char *safe_name(const char *name)
{
	char *copy = kt_strdup(name);

	for (char *at = copy; *at; at++)
		if (strchr(":/\\ ", *at))
			*at = '-';
	return copy;
}

void kt_custom_load(
        struct kt_custom *custom, const char *cluster, const char *context, struct kt_str *warnings)
{
	const char *own = getenv("K9S_CONFIG_DIR");
	bool given = own && *own;
	kt_auto_free char *config =
	        given ? kt_strdup(own) : home_of("XDG_CONFIG_HOME", ".config", "k9s");
	kt_auto_free char *data =
	        given ? kt_strdup(own) : home_of("XDG_DATA_HOME", ".local/share", "k9s");
	kt_auto_free char *of_cluster = safe_name(cluster), *of_context = safe_name(context);
	kt_auto_free char *contexts =
	        kt_asprintf("%s/clusters/%s/%s", data, of_cluster, of_context);
	kt_auto_free char *in_data = kt_path_join(data, "plugins"),
	                  *in_config = kt_path_join(config, "plugins"),
	                  *kube_tui = kt_config_home();

	kt_custom_finish(custom);
	kt_custom_init(custom);
	load_folder(custom, config, warnings);
	if (*of_context)
		load_folder(custom, contexts, warnings);
	load_snippets(custom, in_data, 0, warnings);
	if (strcmp(in_data, in_config) != 0)
		load_snippets(custom, in_config, 0, warnings);
	load_folder(custom, kube_tui, warnings);
}

/* Lines */

char *kt_custom_unalias(const struct kt_custom *custom, const char *line)
{
	char *now = kt_strdup(line);

	for (int i = 0; i < ALIAS_DEPTH_MAX; i++) {
		size_t len = strcspn(now, " ");
		const char *value = kt_map_get_sv(&custom->aliases, (struct kt_sv){now, len});

		if (!value || (!strncmp(value, now, len) && (!value[len] || value[len] == ' ')))
			break;
		char *next = kt_asprintf("%s%s", value, now + len);

		free(now);
		now = next;
	}
	return now;
}

static bool is_name_char(char c, bool braces)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' ||
	       (braces && (c == '%' || c == '/' || c == ':' || c == ' '));
}

/* How much of the text behind `$` is a variable; 0: it is none. */
static size_t read_variable(const char *text, struct kt_sv *ret_name, bool *ret_negated)
{
	bool braces = *text == '{';
	const char *at = text + braces;

	*ret_negated = *at == '!';
	at += *ret_negated;
	const char *name = at;

	while (is_name_char(*at, braces))
		at++;
	*ret_name = (struct kt_sv){name, (size_t)(at - name)};
	if (at == name || (braces && *at != '}'))
		return 0;
	return (size_t)(at - text) + braces;
}

static bool put_value(
        struct kt_sv name, bool negated, kt_custom_value_fn *value, void *arg, struct kt_str *out)
{
	kt_auto_free char *upper = kt_sv_dup(name);
	kt_auto_str text = KT_STR_INIT;

	for (char *at = upper; *at; at++)
		*at = (char)toupper((unsigned char)*at);
	if (!value(arg, upper, &text))
		return false;
	if (negated)
		kt_str_puts(out, !strcmp(kt_str_text(&text), "true") ? "false" : "true");
	else
		kt_str_puts(out, kt_str_text(&text));
	return true;
}

void kt_custom_expand(const char *text, kt_custom_value_fn *value, void *arg, struct kt_str *out)
{
	while (*text) {
		struct kt_sv name;
		bool negated;
		size_t used = *text == '$' ? read_variable(text + 1, &name, &negated) : 0;

		if (used && put_value(name, negated, value, arg, out)) {
			text += 1 + used;
			continue;
		}
		kt_str_putc(out, *text++);
	}
}
