/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/command/config_change.h"

#include "tui/command/create_kinds.h"
#include "tui/command/help.h"
#include "tui/command/options.h"

#include "api/client/kubeconfig.h"
#include "base/path.h"

#include <errno.h>

#define CERTIFICATE_MAX_BYTES (1u << 20)

/* The address, the certificate and the like are options of every command. */
static const struct kt_option CLUSTER_OPTIONS[] = {
        {.name = "embed-certs",
                .type = KT_OPTION_BOOL,
                .help = "the certificate itself instead of its file's name"},
        {.name = "proxy-url",
                .type = KT_OPTION_STRING,
                .value_name = "URL",
                .help = "through this proxy"},
        KT_OPTION_END,
};

static const struct kt_option USER_OPTIONS[] = {
        {.name = "embed-certs",
                .type = KT_OPTION_BOOL,
                .help = "certificate and key themselves instead of their files' names"},
        {.name = "exec-command",
                .type = KT_OPTION_STRING,
                .value_name = "COMMAND",
                .help = "a program that gives the credentials"},
        {.name = "exec-api-version",
                .type = KT_OPTION_STRING,
                .value_name = "VERSION",
                .help = "the version it speaks"},
        {.name = "exec-arg",
                .type = KT_OPTION_STRINGS,
                .value_name = "WORD,…",
                .help = "its arguments"},
        {.name = "exec-env",
                .type = KT_OPTION_STRINGS,
                .value_name = "NAME=VALUE|NAME-",
                .help = "a variable of its environment"},
        {.name = "exec-interactive-mode",
                .type = KT_OPTION_STRING,
                .value_name = "Never|IfAvailable|Always",
                .help = "whether it speaks to a person"},
        {.name = "exec-provide-cluster-info",
                .type = KT_OPTION_BOOL,
                .help = "tell it of the cluster"},
        {.name = "auth-provider",
                .type = KT_OPTION_STRING,
                .value_name = "NAME",
                .help = "an old way to get credentials"},
        {.name = "auth-provider-arg",
                .type = KT_OPTION_STRINGS,
                .value_name = "KEY=VALUE",
                .help = "its setting"},
        KT_OPTION_END,
};

static const struct kt_option SET_OPTIONS[] = {
        {.name = "set-raw-bytes",
                .type = KT_OPTION_BOOL,
                .help = "the value of a field of bytes is not base64 yet"},
        KT_OPTION_END,
};

static const struct kt_option NO_OPTIONS[] = {KT_OPTION_END};

static const char *file_of(const struct kt_command_context *ctx)
{
	const char *path = kt_opt_string(ctx, "kubeconfig");

	return path ? path : kt_session_kubeconfig(ctx->session);
}

/* Without its argument a command shows its help. */
static int refuse(struct kt_command_context *ctx)
{
	kt_auto_str words = KT_STR_INIT;

	for (int i = 0; i < ctx->argc; i++)
		kt_str_printf(&words, "%s%s", i ? " " : "", ctx->argv[i]);
	kt_help_command(ctx->command, ctx->err);
	return kt_command_fail(ctx, NULL, "Unexpected args: [%s]", kt_str_text(&words));
}

static void copy_text(const struct kt_command_context *ctx, json_t *value, const char *option)
{
	if (kt_opt_given(ctx, option))
		json_object_set_new(value, option, json_string(kt_opt_string(ctx, option)));
}

/* The file's name, or with --embed-certs its content, of which there is never both. */
static int set_file(
        const struct kt_command_context *ctx, json_t *value, const char *option, struct kt_err *err)
{
	const char *path = kt_opt_string(ctx, option);
	kt_auto_free char *data = kt_asprintf("%s-data", option);
	kt_auto_str text = KT_STR_INIT, coded = KT_STR_INIT;
	kt_auto_err why = KT_ERR_INIT;

	if (!kt_opt_given(ctx, option))
		return 0;
	if (!kt_opt_bool(ctx, "embed-certs")) {
		kt_auto_free char *full = *path ? realpath(path, NULL) : NULL;

		json_object_set_new(value, option, json_string(full ? full : path));
		json_object_del(value, data);
		return 0;
	}
	if (kt_read_file(path, CERTIFICATE_MAX_BYTES, &text, &why) < 0) {
		kt_auto_free char *problem = kt_open_problem(path, why.code);

		return kt_fail(err, why.code, "could not stat %s file %s: stat %s", option, path,
		        problem + strlen("open "));
	}
	kt_base64_encode(&coded, kt_str_text(&text), text.len);
	json_object_set_new(value, data, json_string(kt_str_text(&coded)));
	json_object_del(value, option);
	return 0;
}

static int change_cluster(json_t *value, void *arg, struct kt_err *err)
{
	const struct kt_command_context *ctx = arg;

	copy_text(ctx, value, "server");
	copy_text(ctx, value, "tls-server-name");
	copy_text(ctx, value, "proxy-url");
	if (kt_opt_bool(ctx, "insecure-skip-tls-verify")) {
		json_object_set_new(value, "insecure-skip-tls-verify", json_true());
		json_object_del(value, "certificate-authority");
		json_object_del(value, "certificate-authority-data");
	} else if (kt_opt_given(ctx, "insecure-skip-tls-verify")) {
		json_object_del(value, "insecure-skip-tls-verify");
	}
	if (kt_opt_given(ctx, "certificate-authority"))
		json_object_del(value, "insecure-skip-tls-verify");
	return set_file(ctx, value, "certificate-authority", err);
}

static int run_cluster(struct kt_command_context *ctx)
{
	kt_auto_err err = KT_ERR_INIT;

	if (ctx->argc != 1)
		return refuse(ctx);
	if (kt_opt_bool(ctx, "embed-certs") && !kt_opt_given(ctx, "certificate-authority"))
		return kt_command_fail(
		        ctx, NULL, "you must specify a --certificate-authority to embed");
	if (kt_opt_bool(ctx, "insecure-skip-tls-verify") &&
	        kt_opt_given(ctx, "certificate-authority"))
		return kt_command_fail(ctx, NULL,
		        "you cannot specify a certificate authority and insecure mode at the same "
		        "time");
	if (kt_kubeconfig_change(
	            file_of(ctx), "clusters", ctx->argv[0], change_cluster, ctx, &err) < 0)
		return kt_command_fail(ctx, &err, NULL);
	fprintf(ctx->out, "Cluster \"%s\" set.\n", ctx->argv[0]);
	return KT_EXIT_OK;
}

/* Credentials */

static void set_environment(const struct kt_command_context *ctx, json_t *exec)
{
	const struct kt_strings *given = kt_opt_strings(ctx, "exec-env");
	json_t *env = json_object_get(exec, "env");

	if (!json_is_array(env)) {
		env = given->n ? json_array() : json_null();
		json_object_set_new(exec, "env", env);
	}
	for (size_t i = 0; i < given->n; i++) {
		const char *equals = strchr(given->items[i], '=');
		kt_auto_free char *name = kt_strndup(given->items[i],
		        equals ? (size_t)(equals - given->items[i]) : strlen(given->items[i]) - 1);

		for (size_t j = json_array_size(env); j-- > 0;)
			if (kt_streq(kt_jstr(json_array_get(env, j), "name"), name))
				json_array_remove(env, j);
		if (equals)
			json_array_append_new(
			        env, json_pack("{s:s, s:s}", "name", name, "value", equals + 1));
	}
}

static void set_exec(const struct kt_command_context *ctx, json_t *value)
{
	static const char *const FIELDS[][2] = {{"exec-command", "command"},
	        {"exec-api-version", "apiVersion"}, {"exec-interactive-mode", "interactiveMode"}};
	json_t *exec = json_object_get(value, "exec");

	if (!exec && !kt_opt_given(ctx, "exec-command"))
		return;
	if (!exec) {
		exec = json_pack("{s:n, s:s, s:n, s:b}", "args", "command", "", "env",
		        "provideClusterInfo", 0);
		json_object_set_new(value, "exec", exec);
	}
	for (size_t i = 0; i < KT_ARRAY_SIZE(FIELDS); i++)
		if (kt_opt_given(ctx, FIELDS[i][0]))
			json_object_set_new(
			        exec, FIELDS[i][1], json_string(kt_opt_string(ctx, FIELDS[i][0])));
	if (kt_opt_given(ctx, "exec-arg"))
		json_object_set_new(exec, "args", kt_create_words(ctx, "exec-arg"));
	if (kt_opt_given(ctx, "exec-provide-cluster-info"))
		json_object_set_new(exec, "provideClusterInfo",
		        json_boolean(kt_opt_bool(ctx, "exec-provide-cluster-info")));
	set_environment(ctx, exec);
}

static void set_provider(const struct kt_command_context *ctx, json_t *value)
{
	const char *name = kt_opt_string(ctx, "auth-provider");
	const struct kt_strings *given = kt_opt_strings(ctx, "auth-provider-arg");
	json_t *settings = kt_jget(value, "auth-provider.config");

	if (name) {
		settings = json_object();
		json_object_set_new(value, "auth-provider",
		        json_pack("{s:o, s:s}", "config", settings, "name", name));
	}
	for (size_t i = 0; settings && i < given->n; i++) {
		const char *equals = strchr(given->items[i], '=');
		kt_auto_free char *key = kt_strndup(given->items[i], strcspn(given->items[i], "="));

		if (equals)
			json_object_set_new(settings, key, json_string(equals + 1));
	}
}

static int change_user(json_t *value, void *arg, struct kt_err *err)
{
	const struct kt_command_context *ctx = arg;

	if (kt_opt_given(ctx, "token")) { /* one way at a time */
		json_object_del(value, "username");
		json_object_del(value, "password");
	}
	if (kt_opt_given(ctx, "username") || kt_opt_given(ctx, "password"))
		json_object_del(value, "token");
	copy_text(ctx, value, "token");
	copy_text(ctx, value, "username");
	copy_text(ctx, value, "password");
	set_exec(ctx, value);
	set_provider(ctx, value);
	return set_file(ctx, value, "client-certificate", err) < 0
	               ? err->code
	               : set_file(ctx, value, "client-key", err);
}

static int run_credentials(struct kt_command_context *ctx)
{
	kt_auto_err err = KT_ERR_INIT;

	if (ctx->argc != 1)
		return refuse(ctx);
	if (kt_opt_given(ctx, "token") && kt_opt_given(ctx, "username"))
		return kt_command_fail(ctx, NULL,
		        "you cannot specify more than one authentication method at the same time: "
		        "--token, --username/--password");
	if (kt_opt_bool(ctx, "embed-certs") && !kt_opt_given(ctx, "client-certificate") &&
	        !kt_opt_given(ctx, "client-key"))
		return kt_command_fail(ctx, NULL,
		        "you must specify a --client-certificate or --client-key to embed");
	if (kt_kubeconfig_change(file_of(ctx), "users", ctx->argv[0], change_user, ctx, &err) < 0)
		return kt_command_fail(ctx, &err, NULL);
	fprintf(ctx->out, "User \"%s\" set.\n", ctx->argv[0]);
	return KT_EXIT_OK;
}

/* Fields by their path */

static const struct field {
	const char *list, *name;
	enum { FIELD_TEXT, FIELD_BOOL, FIELD_BYTES } type;
} FIELDS[] = {
        {"clusters", "server", FIELD_TEXT},
        {"clusters", "tls-server-name", FIELD_TEXT},
        {"clusters", "insecure-skip-tls-verify", FIELD_BOOL},
        {"clusters", "certificate-authority", FIELD_TEXT},
        {"clusters", "certificate-authority-data", FIELD_BYTES},
        {"clusters", "proxy-url", FIELD_TEXT},
        {"clusters", "disable-compression", FIELD_BOOL},
        {"contexts", "cluster", FIELD_TEXT},
        {"contexts", "user", FIELD_TEXT},
        {"contexts", "namespace", FIELD_TEXT},
        {"users", "client-certificate", FIELD_TEXT},
        {"users", "client-certificate-data", FIELD_BYTES},
        {"users", "client-key", FIELD_TEXT},
        {"users", "client-key-data", FIELD_BYTES},
        {"users", "token", FIELD_TEXT},
        {"users", "tokenFile", FIELD_TEXT},
        {"users", "as", FIELD_TEXT},
        {"users", "as-uid", FIELD_TEXT},
        {"users", "username", FIELD_TEXT},
        {"users", "password", FIELD_TEXT},
};

struct property {
	struct kt_command_context *ctx;
	char *list, *name, *field; /* name, field: NULL when the path ends before */
	const struct field *known; /* NULL: none of that name */
	const char *value;         /* NULL: taken away */
};

static void property_finish(struct property *property)
{
	free(property->list);
	free(property->name);
	free(property->field);
}

/* "clusters.NAME.server"; a name may have dots in it. */
static void property_parse(const char *path, struct property *property)
{
	const char *dot = strchr(path, '.'), *last = strrchr(path, '.');

	property->list = kt_strndup(path, strcspn(path, "."));
	for (size_t i = 0; dot && last > dot && i < KT_ARRAY_SIZE(FIELDS); i++)
		if (!strcmp(FIELDS[i].list, property->list) && !strcmp(FIELDS[i].name, last + 1))
			property->known = &FIELDS[i];
	if (!dot)
		return;
	bool has_field = last > dot;

	property->name =
	        has_field ? kt_strndup(dot + 1, (size_t)(last - dot - 1)) : kt_strdup(dot + 1);
	property->field = has_field ? kt_strdup(last + 1) : NULL;
}

static int set_value(json_t *value, void *arg, struct kt_err *err)
{
	const struct property *property = arg;
	const struct field *field = property->known;
	kt_auto_str bytes = KT_STR_INIT;

	if (!property->value) {
		if (field && !strcmp(field->name, "server"))
			json_object_set_new(value, "server", json_string(""));
		else
			json_object_del(value, property->field);
		return 0;
	}
	if (field->type == FIELD_BOOL) {
		bool yes = !strcmp(property->value, "true");

		if (!yes && strcmp(property->value, "false") != 0)
			return kt_fail(err, EINVAL,
			        "strconv.ParseBool: parsing \"%s\": invalid syntax",
			        property->value);
		json_object_set_new(value, field->name, json_boolean(yes));
		return 0;
	}
	if (field->type == FIELD_BYTES && kt_opt_bool(property->ctx, "set-raw-bytes")) {
		kt_base64_encode(&bytes, property->value, strlen(property->value));
		json_object_set_new(value, field->name, json_string(kt_str_text(&bytes)));
		return 0;
	}
	if (field->type == FIELD_BYTES && kt_base64_decode(&bytes, kt_sv_of(property->value)) < 0)
		return kt_fail(err, EINVAL, "error decoding base64 data: %s", property->value);
	json_object_set_new(value, field->name, json_string(property->value));
	return 0;
}

static bool is_list(const char *word)
{
	return !strcmp(word, "clusters") || !strcmp(word, "contexts") || !strcmp(word, "users");
}

static int set_property(
        struct kt_command_context *ctx, const char *path, const char *value, struct kt_err *err)
{
	struct property property = {.ctx = ctx, .value = value};
	int r;

	property_parse(path, &property);
	if (!strcmp(path, "current-context"))
		r = kt_kubeconfig_set_current(file_of(ctx), value ? value : "", err);
	else if (!is_list(property.list))
		r = kt_fail(err, EINVAL, "unable to parse %s after [] at api.Config", path);
	else if (!property.field && value)
		r = kt_fail(err, EINVAL, "can't set a map to a value: %s", path);
	else if (!property.name)
		r = kt_fail(err, EINVAL, "%s is a list: name the entry, %s.NAME", path, path);
	else if (!property.field)
		r = kt_kubeconfig_delete(file_of(ctx), property.list, property.name, NULL);
	else if (!property.known && value)
		r = kt_fail(err, EINVAL, "unable to parse %s after [%s %s]", property.field,
		        property.list, property.name);
	else
		r = kt_kubeconfig_change(
		        file_of(ctx), property.list, property.name, set_value, &property, err);
	property_finish(&property);
	return r < 0 && err->code ? r : 0;
}

static int run_set(struct kt_command_context *ctx)
{
	kt_auto_err err = KT_ERR_INIT;

	if (ctx->argc != 2)
		return refuse(ctx);
	if (set_property(ctx, ctx->argv[0], ctx->argv[1], &err) < 0)
		return kt_command_fail(ctx, &err, NULL);
	fprintf(ctx->out, "Property \"%s\" set.\n", ctx->argv[0]);
	return KT_EXIT_OK;
}

static int run_unset(struct kt_command_context *ctx)
{
	kt_auto_err err = KT_ERR_INIT;

	if (ctx->argc != 1)
		return refuse(ctx);
	if (set_property(ctx, ctx->argv[0], NULL, &err) < 0)
		return kt_command_fail(ctx, &err, NULL);
	fprintf(ctx->out, "Property \"%s\" unset.\n", ctx->argv[0]);
	return KT_EXIT_OK;
}

const struct kt_command kt_command_config_cluster = {
        .name = "set-cluster",
        .group = "Settings",
        .usage = "config set-cluster NAME [--server=URL] [--certificate-authority=FILE]",
        .summary = "Change a cluster's entry, or make one",
        .options = CLUSTER_OPTIONS,
        .run = run_cluster,
};

const struct kt_command kt_command_config_credentials = {
        .name = "set-credentials",
        .group = "Settings",
        .usage = "config set-credentials NAME [--client-certificate=FILE --client-key=FILE] "
                 "[--token=TOKEN] [--exec-command=COMMAND]",
        .summary = "Change a user's entry, or make one",
        .options = USER_OPTIONS,
        .run = run_credentials,
};

const struct kt_command kt_command_config_set = {
        .name = "set",
        .group = "Settings",
        .usage = "config set PROPERTY VALUE",
        .summary = "Set one field: clusters.NAME.server, current-context, …",
        .options = SET_OPTIONS,
        .run = run_set,
};

const struct kt_command kt_command_config_unset = {
        .name = "unset",
        .group = "Settings",
        .usage = "config unset PROPERTY",
        .summary = "Take one field or entry away",
        .options = NO_OPTIONS,
        .run = run_unset,
};
