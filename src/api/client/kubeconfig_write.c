/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Changing kubeconfig files: only the entries of one name are touched, all else stays as others
 * wrote it. */
#include "api/client/kubeconfig.h"
#include "api/client/kubeconfig_file.h"

#include <errno.h>
#include <unistd.h>

static const char *const lists[] = {"clusters", "contexts", "users"};

static json_t *list_of(json_t *tree, const char *name)
{
	json_t *list = json_object_get(tree, name);

	if (!json_is_array(list)) {
		list = json_array();
		json_object_set_new(tree, name, list);
	}
	return list;
}

static json_t *find_named(const json_t *list, const char *name)
{
	size_t i;
	json_t *entry;

	json_array_foreach(list, i, entry)
		if (kt_streq(kt_jstr(entry, "name"), name))
			return entry;
	return NULL;
}

static bool remove_named(json_t *list, const char *name)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (kt_streq(kt_jstr(json_array_get(list, i), "name"), name))
			return json_array_remove(list, i) == 0;
	return false;
}

/* Steals value. */
static void put_named(
        json_t *tree, const char *list_name, const char *key, const char *name, json_t *value)
{
	json_t *list = list_of(tree, list_name), *entry = find_named(list, name);

	if (!entry) {
		entry = json_pack("{s:s}", "name", name);
		json_array_append_new(list, entry);
	}
	json_object_set_new(entry, key, value);
}

/* The file kubectl would write: the given one, else the first of $KUBECONFIG that exists, else its
 * last. */
static char *file_to_write(const char *path)
{
	struct kt_kubeconfig_files files = {0};
	size_t i = 0;
	char *chosen;

	kt_kubeconfig_files(path, &files);
	while (i + 1 < files.n && access(files.items[i], F_OK) < 0)
		i++;
	chosen = kt_strdup(files.items[i]);
	kt_kubeconfig_files_finish(&files);
	return chosen;
}

/* The file that has the entry; NULL: none has. */
static char *file_with(const char *path, const char *list, const char *name)
{
	struct kt_kubeconfig_files files = {0};
	char *found = NULL;

	kt_kubeconfig_files(path, &files);
	for (size_t i = 0; i < files.n && !found; i++) {
		kt_auto_json json_t *tree = NULL;

		if (kt_kubeconfig_file_read(files.items[i], true, &tree, NULL) == 0 &&
		        find_named(json_object_get(tree, list), name))
			found = kt_strdup(files.items[i]);
	}
	kt_kubeconfig_files_finish(&files);
	return found;
}

static char *file_with_context(const char *path, const char *context)
{
	return file_with(path, "contexts", context);
}

static void set_text(json_t *object, const char *key, const char *text)
{
	if (text)
		json_object_set_new(object, key, json_string(text));
}

static void set_data(json_t *object, const char *key, const char *text)
{
	kt_auto_str encoded = KT_STR_INIT;

	if (!text)
		return;
	kt_base64_encode(&encoded, text, strlen(text));
	json_object_set_new(object, key, json_string(kt_str_text(&encoded)));
}

struct adding {
	const char *name;
	const struct kt_endpoint *endpoint;
	char *previous;
};

static int add(json_t *tree, void *arg, struct kt_err *err)
{
	struct adding *adding = arg;
	const struct kt_endpoint *e = adding->endpoint;
	json_t *cluster = json_object(), *user = json_object(), *context = json_object();
	const char *current = kt_jstr(tree, "current-context");

	(void)err;
	set_data(cluster, "certificate-authority-data", e->ca_pem);
	set_text(cluster, "server", e->server);
	set_text(cluster, "tls-server-name", e->tls_server_name);
	set_text(cluster, "proxy-url", e->proxy_url);
	if (e->insecure)
		json_object_set_new(cluster, "insecure-skip-tls-verify", json_true());
	set_data(user, "client-certificate-data", e->client_cert_pem);
	set_data(user, "client-key-data", e->client_key_pem);
	set_text(user, "token", e->token);
	set_text(user, "tokenFile", e->token_file);
	set_text(user, "username", e->username);
	set_text(user, "password", e->password);
	if (e->exec)
		json_object_set(user, "exec", e->exec);
	set_text(context, "cluster", adding->name);
	set_text(context, "user", adding->name);
	set_text(context, "namespace", e->namespace);
	put_named(tree, "clusters", "cluster", adding->name, cluster);
	put_named(tree, "users", "user", adding->name, user);
	put_named(tree, "contexts", "context", adding->name, context);
	if (current && *current && strcmp(current, adding->name))
		adding->previous = kt_strdup(current);
	set_text(tree, "current-context", adding->name);
	return 1;
}

int kt_kubeconfig_add(const char *path, const char *name, const struct kt_endpoint *endpoint,
        char **ret_previous, struct kt_err *err)
{
	kt_auto_free char *file = file_to_write(path);
	struct adding adding = {.name = name, .endpoint = endpoint};
	int r = kt_kubeconfig_file_change(file, add, &adding, err);

	if (r >= 0 && ret_previous)
		*ret_previous = kt_steal(&adding.previous);
	free(adding.previous);
	return r;
}

struct removing {
	const char *name;
	const char *restore; /* NULL: unset */
};

static int take_away(json_t *tree, void *arg, struct kt_err *err)
{
	const struct removing *removing = arg;
	bool changed = false;

	(void)err;
	for (size_t i = 0; i < KT_ARRAY_SIZE(lists); i++)
		changed |= remove_named(json_object_get(tree, lists[i]), removing->name);
	if (kt_streq(kt_jstr(tree, "current-context"), removing->name)) {
		set_text(tree, "current-context", removing->restore ? removing->restore : "");
		changed = true;
	}
	return changed;
}

/* The context to go back to must be in one of the files. */
static bool context_exists(const char *path, const char *context)
{
	kt_auto_free char *file = context ? file_with_context(path, context) : NULL;

	return file != NULL;
}

int kt_kubeconfig_remove(
        const char *path, const char *name, const char *restore, struct kt_err *err)
{
	struct removing removing = {
	        .name = name, .restore = context_exists(path, restore) ? restore : NULL};
	struct kt_kubeconfig_files files = {0};
	int r = 0;

	kt_kubeconfig_files(path, &files);
	for (size_t i = 0; i < files.n && r >= 0; i++)
		if (access(files.items[i], F_OK) == 0)
			r = kt_kubeconfig_file_change(files.items[i], take_away, &removing, err);
	kt_kubeconfig_files_finish(&files);
	return r;
}

static int use(json_t *tree, void *arg, struct kt_err *err)
{
	(void)err;
	set_text(tree, "current-context", arg);
	return 1;
}

/* The first file that sets a current context is the one that counts. */
static char *file_with_current(const char *path)
{
	struct kt_kubeconfig_files files = {0};
	char *found = NULL;

	kt_kubeconfig_files(path, &files);
	for (size_t i = 0; i < files.n && !found; i++) {
		kt_auto_json json_t *tree = NULL;
		const char *current;

		if (kt_kubeconfig_file_read(files.items[i], true, &tree, NULL) < 0)
			continue;
		current = kt_jstr(tree, "current-context");
		if (current && *current)
			found = kt_strdup(files.items[i]);
	}
	kt_kubeconfig_files_finish(&files);
	return found ? found : file_to_write(path);
}

int kt_kubeconfig_use_context(const char *path, const char *name, struct kt_err *err)
{
	kt_auto_free char *file = NULL, *text = kt_strdup(name);

	if (!context_exists(path, name))
		return kt_fail(err, ENOENT, "no context exists with the name: \"%s\"", name);
	file = file_with_current(path);
	return kt_kubeconfig_file_change(file, use, text, err);
}

int kt_kubeconfig_set_current(const char *path, const char *name, struct kt_err *err)
{
	kt_auto_free char *file = file_with_current(path), *text = kt_strdup(name);
	int r = kt_kubeconfig_file_change(file, use, text, err);

	return r < 0 ? r : 0;
}

char *kt_kubeconfig_file(const char *path)
{
	return file_to_write(path);
}

struct setting {
	const char *name;
	const json_t *fields;
	bool created;
};

static int set_fields(json_t *tree, void *arg, struct kt_err *err)
{
	struct setting *setting = arg;
	json_t *entry = find_named(json_object_get(tree, "contexts"), setting->name), *value;
	const char *key;

	(void)err;
	setting->created = !entry;
	if (!json_is_object(json_object_get(entry, "context"))) {
		put_named(tree, "contexts", "context", setting->name,
		        json_pack("{s:s, s:s}", "cluster", "", "user", ""));
		entry = find_named(json_object_get(tree, "contexts"), setting->name);
	}
	json_t *context = json_object_get(entry, "context");

	json_object_foreach((json_t *)(uintptr_t)setting->fields, key, value) {
		/* kubectl leaves out only an empty namespace */
		if (!*json_string_value(value) && !strcmp(key, "namespace"))
			json_object_del(context, key);
		else
			json_object_set(context, key, value);
	}
	return 1;
}

int kt_kubeconfig_set_context(const char *path, const char *name, const json_t *fields,
        bool *ret_created, struct kt_err *err)
{
	kt_auto_free char *with = file_with_context(path, name);
	kt_auto_free char *file = with ? kt_strdup(with) : file_to_write(path);
	struct setting setting = {.name = name, .fields = fields};
	int r = kt_kubeconfig_file_change(file, set_fields, &setting, err);

	*ret_created = setting.created;
	return r;
}

struct change {
	const char *list, *name;
	kt_kubeconfig_change_fn *fn;
	void *arg;
};

/* "clusters": "cluster", and what is in a new one. */
static json_t *new_value(const char *list)
{
	if (!strcmp(list, "contexts"))
		return json_pack("{s:s, s:s}", "cluster", "", "user", "");
	return !strcmp(list, "clusters") ? json_pack("{s:s}", "server", "") : json_object();
}

static int change_entry(json_t *tree, void *arg, struct kt_err *err)
{
	const struct change *change = arg;
	kt_auto_free char *key = kt_strndup(change->list, strlen(change->list) - 1);
	json_t *entry = find_named(json_object_get(tree, change->list), change->name);

	if (!json_is_object(json_object_get(entry, key))) {
		put_named(tree, change->list, key, change->name, new_value(change->list));
		entry = find_named(json_object_get(tree, change->list), change->name);
	}
	int r = change->fn(json_object_get(entry, key), change->arg, err);

	return r < 0 ? r : 1;
}

int kt_kubeconfig_change(const char *path, const char *list, const char *name,
        kt_kubeconfig_change_fn *fn, void *arg, struct kt_err *err)
{
	kt_auto_free char *with = file_with(path, list, name);
	kt_auto_free char *file = with ? kt_strdup(with) : file_to_write(path);
	struct change change = {.list = list, .name = name, .fn = fn, .arg = arg};
	int r = kt_kubeconfig_file_change(file, change_entry, &change, err);

	return r < 0 ? r : 0;
}

struct entry {
	const char *list, *name, *to;
};

static int remove_entry(json_t *tree, void *arg, struct kt_err *err)
{
	const struct entry *entry = arg;

	(void)err;
	return remove_named(json_object_get(tree, entry->list), entry->name);
}

int kt_kubeconfig_delete(const char *path, const char *list, const char *name, struct kt_err *err)
{
	kt_auto_free char *file = file_with(path, list, name);
	struct entry entry = {.list = list, .name = name};

	if (!file)
		return kt_fail(err, ENOENT, "no entry of %s is called \"%s\"", list, name);
	return kt_kubeconfig_file_change(file, remove_entry, &entry, err);
}

static int rename_entry(json_t *tree, void *arg, struct kt_err *err)
{
	const struct entry *entry = arg;
	json_t *found = find_named(json_object_get(tree, entry->list), entry->name);

	(void)err;
	set_text(found, "name", entry->to);
	return found != NULL;
}

static int rename_current(json_t *tree, void *arg, struct kt_err *err)
{
	const struct entry *entry = arg;

	(void)err;
	if (!kt_streq(kt_jstr(tree, "current-context"), entry->name))
		return 0;
	set_text(tree, "current-context", entry->to);
	return 1;
}

int kt_kubeconfig_rename_context(
        const char *path, const char *from, const char *to, struct kt_err *err)
{
	kt_auto_free char *file = file_with_context(path, from), *current = file_with_current(path);
	struct entry entry = {.list = "contexts", .name = from, .to = to};

	if (!file)
		return kt_fail(err, ENOENT, "no context exists with the name: \"%s\"", from);
	int r = kt_kubeconfig_file_change(file, rename_entry, &entry, err);

	return r < 0 ? r : kt_kubeconfig_file_change(current, rename_current, &entry, err);
}
