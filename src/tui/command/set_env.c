/* SPDX-License-Identifier: GPL-3.0-or-later */
/* set env: variables of containers, by word or from ConfigMaps and Secrets. */
#include "tui/command/create_kinds.h"
#include "tui/command/set.h"

#include <ctype.h>
#include <errno.h>

static const struct kt_option ENV_OPTIONS[] = {
        KT_SET_CONTAINERS,
        {.name = "env",
                .letter = 'e',
                .type = KT_OPTION_STRINGS,
                .value_name = "NAME=VALUE",
                .help = "a variable"},
        {.name = "from",
                .type = KT_OPTION_STRING,
                .value_name = "configmap/NAME|secret/NAME",
                .help = "a variable for each of its entries"},
        {.name = "prefix",
                .type = KT_OPTION_STRING,
                .value_name = "TEXT",
                .help = "before the names of --from"},
        {.name = "keys",
                .type = KT_OPTION_STRINGS,
                .value_name = "KEY,…",
                .help = "only these entries of --from"},
        {.name = "overwrite",
                .type = KT_OPTION_BOOL,
                .fallback = "true",
                .help = "change variables that have another value"},
        {.name = "list", .type = KT_OPTION_BOOL, .help = "show what is there"},
        {.name = "resolve",
                .type = KT_OPTION_BOOL,
                .help = "--list: the values of ConfigMaps and Secrets"},
        KT_SET_OPTIONS,
};

static void set_variable(json_t *container, json_t *variable)
{
	json_t *env = json_object_get(container, "env"), *entry;
	size_t i;

	if (!env) {
		env = json_array();
		json_object_set_new(container, "env", env);
	}
	json_array_foreach(env, i, entry) {
		if (kt_streq(kt_jstr(entry, "name"), kt_jstr(variable, "name"))) {
			json_array_set(env, i, variable);
			return;
		}
	}
	json_array_append(env, variable);
}

static void remove_variable(json_t *container, const char *name)
{
	json_t *env = json_object_get(container, "env");

	for (size_t i = json_array_size(env); i-- > 0;)
		if (kt_streq(kt_jstr(json_array_get(env, i), "name"), name))
			json_array_remove(env, i);
	if (env && !json_array_size(env))
		json_object_del(container, "env");
}

static const char *value_now(const json_t *container, const char *name)
{
	json_t *entry;
	size_t i;

	json_array_foreach(json_object_get(container, "env"), i, entry) {
		const char *value = kt_jstr(entry, "value");

		if (kt_streq(kt_jstr(entry, "name"), name))
			return value ? value : "";
	}
	return NULL;
}

static int apply_word(const struct kt_command_context *ctx, json_t *container,
        const struct kt_set_change *change, const char *word, struct kt_err *err)
{
	const char *equals = strchr(word, '=');

	if (!equals && !kt_ends_with(word, "-"))
		return kt_fail(err, EINVAL, "environment variables must be of the form key=value");
	kt_auto_free char *name =
	        kt_strndup(word, equals ? (size_t)(equals - word) : strlen(word) - 1);
	const char *now = value_now(container, name);

	if (!equals) {
		remove_variable(container, name);
		return 0;
	}
	if (now && !kt_opt_bool(ctx, "overwrite"))
		return kt_fail(err, EEXIST,
		        "%s '%s' already has a value (%s), and --overwrite is false",
		        change->target, name, now);
	kt_auto_json json_t *variable = json_pack("{s:s, s:s}", "name", name, "value", equals + 1);

	set_variable(container, variable);
	return 0;
}

static int change_container(const struct kt_command_context *ctx, json_t *container,
        const struct kt_set_change *change, struct kt_err *err)
{
	const struct kt_strings *more = kt_opt_strings(ctx, "env");
	json_t *variable;
	size_t i;

	json_array_foreach(change->from, i, variable)
		set_variable(container, variable);
	for (i = 0; i < more->n; i++)
		if (apply_word(ctx, container, change, more->items[i], err) < 0)
			return err->code;
	for (int k = 0; k < change->n_words; k++)
		if (apply_word(ctx, container, change, change->words[k], err) < 0)
			return err->code;
	return 0;
}

static const char *const LISTS[] = {"containers", "initContainers"};

static int apply_env(struct kt_command_context *ctx, json_t *spec,
        const struct kt_set_change *change, struct kt_err *err)
{
	json_t *container;
	bool any = false;
	size_t i;

	for (size_t list = 0; list < KT_ARRAY_SIZE(LISTS); list++) {
		json_array_foreach(json_object_get(spec, LISTS[list]), i, container) {
			if (!kt_set_is_meant(ctx, container))
				continue;
			any = true;
			if (change_container(ctx, container, change, err) < 0)
				return err->code;
		}
	}
	if (!any)
		fprintf(ctx->err, "Warning: %s does not have any containers matching \"%s\"\n",
		        change->object, kt_opt_string(ctx, "containers"));
	return 0;
}

/* List */

/* The entry of a ConfigMap or Secret. Heap; NULL with err. */
static char *entry_value(
        struct kt_command_context *ctx, const json_t *reference, bool secret, struct kt_err *err)
{
	const char *name = kt_jstr(reference, "name"), *key = kt_jstr(reference, "key");
	kt_auto_free char *path = kt_asprintf("/api/v1/namespaces/%s/%s/%s",
	        kt_session_namespace(ctx->session), secret ? "secrets" : "configmaps", name);
	kt_auto_json json_t *source = kt_session_get(ctx, path, NULL, err);
	const char *text = json_string_value(json_object_get(json_object_get(source, "data"), key));
	kt_auto_str plain = KT_STR_INIT;

	if (!source)
		return NULL;
	if (!text) {
		kt_fail(err, ENOENT, "key %s not found in %s %s", key,
		        secret ? "secret" : "config map", name);
		return NULL;
	}
	if (!secret)
		return kt_strdup(text);
	if (kt_base64_decode(&plain, kt_sv_of(text)) < 0) {
		kt_fail(err, EINVAL, "key %s of secret %s is no base64", key, name);
		return NULL;
	}
	return kt_str_steal(&plain);
}

/* What a field of the pod gives, for those that are known before it runs. Heap. */
static char *field_value(const struct kt_target *target, const char *field, struct kt_err *err)
{
	static const char *const FIELDS[] = {"metadata.name", "metadata.namespace", "metadata.uid"};

	for (size_t i = 0; i < KT_ARRAY_SIZE(FIELDS); i++) {
		const char *value = kt_jstr(target->live, FIELDS[i]);

		if (kt_streq(field, FIELDS[i]))
			return kt_strdup(value ? value : "");
	}
	kt_fail(err, EINVAL, "unsupported fieldPath: %s", field);
	return NULL;
}

struct source {
	const json_t *config, *secret, *field, *resource;
};

static char *resolve(struct kt_command_context *ctx, const struct kt_target *target,
        const struct source *from, struct kt_err *err)
{
	if (from->config || from->secret)
		return entry_value(
		        ctx, from->config ? from->config : from->secret, from->secret, err);
	return from->field ? field_value(target, kt_jstr(from->field, "fieldPath"), err) : NULL;
}

static void tell_source(struct kt_command_context *ctx, const char *name, const struct source *from)
{
	const json_t *entry = from->config ? from->config : from->secret;

	if (entry)
		fprintf(ctx->out, "# %s from %s %s, key %s\n", name,
		        from->config ? "configmap" : "secret", kt_jstr(entry, "name"),
		        kt_jstr(entry, "key"));
	else if (from->field)
		fprintf(ctx->out, "# %s from field path %s\n", name,
		        kt_jstr(from->field, "fieldPath"));
	else
		fprintf(ctx->out, "# %s from resource field %s\n", name,
		        kt_jstr(from->resource, "resource"));
}

static void list_variable(
        struct kt_command_context *ctx, const struct kt_target *target, const json_t *variable)
{
	const char *name = kt_jstr(variable, "name"), *value = kt_jstr(variable, "value");
	const struct source from = {
	        .config = kt_jget(variable, "valueFrom.configMapKeyRef"),
	        .secret = kt_jget(variable, "valueFrom.secretKeyRef"),
	        .field = kt_jget(variable, "valueFrom.fieldRef"),
	        .resource = kt_jget(variable, "valueFrom.resourceFieldRef"),
	};
	kt_auto_err err = KT_ERR_INIT;
	kt_auto_free char *found = NULL;

	if (!kt_jget(variable, "valueFrom")) {
		fprintf(ctx->out, "%s=%s\n", name, value ? value : "");
		return;
	}
	if (kt_opt_bool(ctx, "resolve"))
		found = resolve(ctx, target, &from, &err);
	if (err.code)
		fprintf(ctx->err, "error retrieving reference for %s: %s\n", name,
		        kt_err_message(&err));
	if (found)
		fprintf(ctx->out, "%s=%s\n", name, found);
	else
		tell_source(ctx, name, &from);
}

static int list_one(
        struct kt_command_context *ctx, struct kt_target *target, void *arg, struct kt_err *err)
{
	json_t *spec = kt_set_pod_spec(target->live), *container, *variable;
	size_t i, j;

	(void)arg;
	(void)err;
	for (size_t list = 0; list < KT_ARRAY_SIZE(LISTS); list++) {
		json_array_foreach(json_object_get(spec, LISTS[list]), i, container) {
			if (!kt_set_is_meant(ctx, container))
				continue;
			fprintf(ctx->out, "# %s %s, container %s\n", target->resource->kind,
			        target->name, kt_jstr(container, "name"));
			json_array_foreach(json_object_get(container, "env"), j, variable)
				list_variable(ctx, target, variable);
		}
	}
	return 0;
}

/* From ConfigMaps and Secrets */

/* "app.color" as APP_COLOR, which is said. Heap. */
static char *variable_name(struct kt_command_context *ctx, const char *key)
{
	const char *prefix = kt_opt_string(ctx, "prefix");
	kt_auto_free char *name = kt_strdup(key);

	for (char *p = name; *p; p++)
		*p = isalnum((unsigned char)*p) ? (char)toupper((unsigned char)*p) : '_';
	if (strcmp(name, key) != 0)
		fprintf(ctx->err, "Warning: key %s transferred to %s\n", key, name);
	return kt_asprintf("%s%s", prefix ? prefix : "", name);
}

static bool is_wanted(const json_t *keys, const char *key)
{
	json_t *wanted;
	size_t i;

	json_array_foreach(keys, i, wanted) {
		if (!strcmp(json_string_value(wanted), key))
			return true;
	}
	return !json_array_size(keys);
}

/* A variable for each entry of a ConfigMap or Secret. New reference, NULL with err. */
static json_t *variables_from(struct kt_command_context *ctx, const char *from, struct kt_err *err)
{
	const char *slash = strchr(from, '/'), *key;
	kt_auto_free char *type =
	        slash ? kt_strndup(from, (size_t)(slash - from)) : kt_strdup(from);
	const struct kt_resource *resource = kt_session_resource(ctx->session, type, err);
	json_t *variables = NULL, *value;

	if (!resource)
		return NULL;
	bool secret = !strcmp(resource->kind, "Secret");

	if (!slash || (!secret && strcmp(resource->kind, "ConfigMap") != 0)) {
		kt_fail(err, EINVAL, "unsupported resource specified in --from");
		return NULL;
	}
	kt_auto_free char *path =
	        kt_resource_path(resource, kt_session_namespace(ctx->session), slash + 1, NULL);
	kt_auto_json json_t *source = kt_session_get(ctx, path, NULL, err),
	                    *keys = kt_create_words(ctx, "keys");

	if (!source)
		return NULL;
	variables = json_array();
	json_object_foreach(json_object_get(source, "data"), key, value) {
		if (!is_wanted(keys, key))
			continue;
		kt_auto_free char *name = variable_name(ctx, key);

		json_array_append_new(
		        variables, json_pack("{s:s, s:{s:{s:s, s:s}}}", "name", name, "valueFrom",
		                           secret ? "secretKeyRef" : "configMapKeyRef", "key", key,
		                           "name", slash + 1));
	}
	return variables;
}

static int check_words(const struct kt_command_context *ctx, struct kt_err *err)
{
	KT_VEC(const char *) set = {0}, removed = {0};
	const struct kt_strings *more = kt_opt_strings(ctx, "env");
	int r = 0;

	for (int i = 0; i < ctx->argc + (int)more->n && r == 0; i++) {
		const char *word = i < ctx->argc ? ctx->argv[i] : more->items[i - ctx->argc];
		kt_auto_free char *name = kt_strndup(word, strcspn(word, "="));

		if (strchr(word, '=') && *name)
			r = kt_check_variable_name(name, err);
		if (strchr(word, '='))
			kt_vec_push(&set, word);
		else if (strlen(word) > 1 && kt_ends_with(word, "-"))
			kt_vec_push(&removed, word);
	}
	for (size_t i = 0; i < set.n * removed.n && r == 0; i++) {
		const char *a = set.items[i % set.n], *b = removed.items[i / set.n];

		if (strcspn(a, "=") == strlen(b) - 1 && !strncmp(a, b, strlen(b) - 1))
			r = kt_fail(err, EINVAL,
			        "can not both modify and remove the same environment variable in "
			        "the same command");
	}
	kt_vec_finish(&set);
	kt_vec_finish(&removed);
	return r;
}

static int run_env(struct kt_command_context *ctx)
{
	const char *from = kt_opt_string(ctx, "from");
	kt_auto_err err = KT_ERR_INIT;
	struct kt_set_change change = {.apply = apply_env,
	        .done = "env updated",
	        .failure = "failed to patch env update to pod template:"};

	if (kt_opt_strings(ctx, "keys")->n && !from)
		return kt_command_fail(ctx, NULL,
		        "when specifying --keys, a configmap or secret must be provided with "
		        "--from");
	if (!ctx->argc && !kt_opt_strings(ctx, "filename")->n)
		return kt_command_fail(ctx, NULL,
		        "one or more resources must be specified as <resource> <name> or "
		        "<resource>/<name>");
	if (kt_opt_bool(ctx, "list"))
		return kt_set_run(ctx, change, list_one);
	if (check_words(ctx, &err) < 0)
		return kt_command_fail(ctx, &err, NULL);
	if (from && !(change.from = variables_from(ctx, from, &err)))
		return kt_command_fail(ctx, &err, NULL);
	int code = kt_set_run(ctx, change, kt_set_one);

	json_decref(change.from);
	return code;
}

static const enum kt_completion OBJECTS[] = {KT_COMPLETE_RESOURCE_OR_NAME, KT_COMPLETE_NONE};

const struct kt_command kt_command_set_env = {
        .name = "env",
        .group = "Change",
        .usage = "set env TYPE NAME (NAME=VALUE | NAME- | --list | --from=configmap/NAME)…",
        .summary = "Set or remove variables of containers",
        .options = ENV_OPTIONS,
        .arguments = OBJECTS,
        .needs_client = true,
        .prints_typed = true,
        .run = run_env,
};
