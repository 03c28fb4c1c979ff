/* SPDX-License-Identifier: GPL-3.0-or-later */
/* create configmap and secret: entries from words, files, folders and env files. */
#include "tui/command/create_kinds.h"
#include "tui/command/options.h"

#include "base/log.h"
#include "base/path.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <gnutls/crypto.h>
#include <sys/stat.h>

#define ENTRY_MAX_BYTES (1u << 20) /* what a ConfigMap or Secret may hold */
#define HASH_LETTERS 10            /* of the suffix that --append-hash puts behind the name */
#define KEY_RULE \
	"a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. " \
	"'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is " \
	"'[-._a-zA-Z0-9]+')"
#define VARIABLE_RULE \
	"a valid environment variable name must consist of alphabetic characters, digits, '_', " \
	"'-', or '.', and must not start with a digit (e.g. 'my.env-name',  or 'MY_ENV.NAME',  " \
	"or 'MyEnvName1', regex used for validation is '[-._a-zA-Z][-._a-zA-Z0-9]*')"

/* What is gathered: data, and of a ConfigMap binaryData for what is no text. */
struct entries {
	const char *name;
	bool secret;
	json_t *data, *binary;
};

static bool is_key(const char *text)
{
	for (const char *p = text; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("-_.", *p))
			return false;
	return *text;
}

static void set_coded(json_t *data, const char *key, const struct kt_str *value)
{
	kt_auto_str coded = KT_STR_INIT;

	kt_base64_encode(&coded, kt_str_text(value), value->len);
	json_object_set_new(data, key, json_string(kt_str_text(&coded)));
}

static int add_entry(
        struct entries *entries, const char *key, const struct kt_str *value, struct kt_err *err)
{
	if (!is_key(key))
		return kt_fail(err, EINVAL, "\"%s\" is not %s " KEY_RULE, key,
		        entries->secret ? "valid key name for a Secret"
		                        : "a valid key name for a ConfigMap:");
	bool in_binary = json_object_get(entries->binary, key) != NULL;

	if ((in_binary || json_object_get(entries->data, key)) && entries->secret)
		return kt_fail(err, EEXIST,
		        "cannot add key %s, another key by that name already exists", key);
	if (in_binary || json_object_get(entries->data, key))
		return kt_fail(err, EEXIST,
		        "cannot add key \"%s\", another key by that name already exists in %s for "
		        "ConfigMap \"%s\"",
		        key, in_binary ? "BinaryData" : "Data", entries->name);
	if (entries->secret)
		set_coded(entries->data, key, value);
	else if (!kt_utf8_valid(kt_str_text(value), value->len))
		set_coded(entries->binary, key, value);
	else
		json_object_set_new(
		        entries->data, key, json_stringn(kt_str_text(value), value->len));
	return 0;
}

static int add_literal(struct entries *entries, const char *text, struct kt_err *err)
{
	const char *equals = strchr(text, '=');
	kt_auto_str value = KT_STR_INIT;

	if (!equals || equals == text)
		return kt_fail(err, EINVAL, "invalid literal source %s, expected key=value", text);
	kt_auto_free char *key = kt_strndup(text, (size_t)(equals - text));

	kt_str_puts(&value, equals + 1);
	return add_entry(entries, key, &value, err);
}

static int read_entry(
        struct entries *entries, const char *key, const char *path, struct kt_err *err)
{
	kt_auto_str value = KT_STR_INIT;

	if (kt_read_file(path, ENTRY_MAX_BYTES, &value, err) < 0)
		return err->code;
	return add_entry(entries, key, &value, err);
}

/* The files of a folder, not those of folders in it. */
static int add_folder(struct entries *entries, const char *path, struct kt_err *err)
{
	struct dirent **found = NULL;
	int n = scandir(path, &found, NULL, alphasort), r = 0;

	if (n < 0)
		return kt_fail(err, errno, "error listing files in %s: %s", path, strerror(errno));
	for (int i = 0; i < n; i++) {
		kt_auto_free char *inner = kt_path_join(path, found[i]->d_name);
		struct stat st;

		if (r == 0 && lstat(inner, &st) == 0 && S_ISREG(st.st_mode))
			r = read_entry(entries, found[i]->d_name, inner, err);
		free(found[i]);
	}
	free(found);
	return r;
}

static int fail_reading(const char *path, struct kt_err *err)
{
	int code = errno;
	kt_auto_free char *problem = kt_open_problem("", code);

	return kt_fail(err, code, "error reading %s: %s", path, problem + strlen("open : "));
}

/* FILE, KEY=FILE or FOLDER. */
static int add_file(struct entries *entries, const char *text, struct kt_err *err)
{
	const char *equals = strchr(text, '='), *path = equals ? equals + 1 : text;
	const char *slash = strrchr(path, '/');
	kt_auto_free char *key = equals ? kt_strndup(text, (size_t)(equals - text))
	                                : kt_strdup(slash ? slash + 1 : path);
	struct stat st;

	if (equals && strchr(path, '='))
		return kt_fail(err, EINVAL, "key names or file paths cannot contain '='");
	if (equals == text)
		return kt_fail(err, EINVAL, "key name for file path %s missing", path);
	if (!*path)
		return kt_fail(err, EINVAL, "file path for key name %s missing", key);
	if (stat(path, &st) < 0)
		return fail_reading(path, err);
	if (!S_ISDIR(st.st_mode))
		return read_entry(entries, key, path, err);
	return equals ? kt_fail(err, EINVAL, "cannot give a key name for a directory path")
	              : add_folder(entries, path, err);
}

int kt_check_variable_name(const char *name, struct kt_err *err)
{
	return is_key(name) && !isdigit((unsigned char)*name)
	               ? 0
	               : kt_fail(err, EINVAL, "\"%s\" is not a valid key name: " VARIABLE_RULE,
	                         name);
}

/* NAME=VALUE, NAME for what the environment has, an empty line or a remark. */
static int add_env_line(struct entries *entries, struct kt_sv line, struct kt_err *err)
{
	while (line.len && isspace((unsigned char)*line.p))
		line = (struct kt_sv){line.p + 1, line.len - 1};
	if (!line.len || *line.p == '#')
		return 0;
	kt_auto_free char *name = kt_sv_dup(line);
	char *equals = strchr(name, '=');
	const char *text = equals ? equals + 1 : NULL;
	kt_auto_str value = KT_STR_INIT;

	if (equals)
		*equals = '\0';
	if (kt_check_variable_name(name, err) < 0)
		return err->code;
	kt_str_puts(&value, text ? text : getenv(name) ? getenv(name) : "");
	return add_entry(entries, name, &value, err);
}

static int add_env_file(struct entries *entries, const char *path, struct kt_err *err)
{
	kt_auto_str text = KT_STR_INIT;
	struct stat st;
	struct kt_sv line;

	if (stat(path, &st) < 0)
		return fail_reading(path, err);
	if (S_ISDIR(st.st_mode))
		return kt_fail(err, EISDIR, "env config file cannot be a directory");
	if (kt_read_file(path, ENTRY_MAX_BYTES, &text, err) < 0)
		return err->code;
	struct kt_sv rest = {kt_str_text(&text), text.len};

	if (kt_starts_with(kt_str_text(&text), "\xef\xbb\xbf"))
		rest = (struct kt_sv){rest.p + 3, rest.len - 3};
	while (rest.len && kt_sv_split(&rest, '\n', &line)) {
		if (line.len && line.p[line.len - 1] == '\r')
			line.len--;
		if (add_env_line(entries, line, err) < 0)
			return err->code;
	}
	return 0;
}

static int add_entries(struct kt_command_context *ctx, struct entries *entries, struct kt_err *err)
{
	static const struct {
		const char *option;
		int (*add)(struct entries *entries, const char *text, struct kt_err *err);
	} WAYS[] = {{"from-file", add_file}, {"from-literal", add_literal},
	        {"from-env-file", add_env_file}};

	if (kt_opt_strings(ctx, "from-env-file")->n &&
	        (kt_opt_strings(ctx, "from-file")->n || kt_opt_strings(ctx, "from-literal")->n))
		return kt_fail(err, EINVAL,
		        "from-env-file cannot be combined with from-file or from-literal");
	for (size_t way = 0; way < KT_ARRAY_SIZE(WAYS); way++) {
		const struct kt_strings *given = kt_opt_strings(ctx, WAYS[way].option);

		for (size_t i = 0; i < given->n; i++)
			if (WAYS[way].add(entries, given->items[i], err) < 0)
				return err->code;
	}
	return 0;
}

/* What --append-hash puts behind the name: the object's content as letters that make no words. */
static void append_hash(json_t *object)
{
	static const char FROM[] = "013ae", TO[] = "ghkmt";
	bool secret = kt_streq(kt_jstr(object, "kind"), "Secret");
	json_t *metadata = json_object_get(object, "metadata");
	const char *name = kt_jstr(metadata, "name"), *type = kt_jstr(object, "type");
	kt_auto_json json_t *content =
	        json_pack("{s:s, s:s}", "kind", kt_jstr(object, "kind"), "name", name);
	const json_t *data = json_object_get(object, "data");
	kt_auto_str text = KT_STR_INIT, hex = KT_STR_INIT;
	unsigned char digest[32];

	json_object_set_new(
	        content, "data", data ? json_incref((json_t *)(uintptr_t)data) : json_object());
	if (json_object_get(object, "binaryData"))
		json_object_set(content, "binaryData", json_object_get(object, "binaryData"));
	if (secret)
		json_object_set_new(content, "type", json_string(type ? type : ""));
	kt_json_write(&text, content, KT_JSON_SORT | KT_JSON_HTML);
	kt_assert(gnutls_hash_fast(GNUTLS_DIG_SHA256, kt_str_text(&text), text.len, digest) == 0);
	for (size_t i = 0; i < HASH_LETTERS / 2; i++)
		kt_str_printf(&hex, "%02x", digest[i]);
	kt_auto_free char *letters = kt_str_steal(&hex);

	for (char *p = letters; *p; p++)
		*p = strchr(FROM, *p) ? TO[strchr(FROM, *p) - FROM] : *p;
	json_object_set_new(metadata, "name", json_sprintf("%s-%s", name, letters));
}

static int finish(struct kt_command_context *ctx, const char *word, json_t *object)
{
	if (kt_opt_bool(ctx, "append-hash"))
		append_hash(object);
	return kt_create_finish(ctx, word, object);
}

static int create_data(
        struct kt_command_context *ctx, const char *kind, const char *word, const char *name)
{
	kt_auto_err err = KT_ERR_INIT;
	kt_auto_json json_t *data = json_object(), *binary = json_object();
	struct entries entries = {
	        .name = name, .secret = !strcmp(kind, "Secret"), .data = data, .binary = binary};

	if (add_entries(ctx, &entries, &err) < 0)
		return kt_command_fail(ctx, &err, NULL);
	json_t *object = kt_create_object_of("v1", kind, name);

	if (json_object_size(data))
		json_object_set(object, "data", data);
	if (json_object_size(binary))
		json_object_set(object, "binaryData", binary);
	if (entries.secret && kt_opt_string(ctx, "type"))
		json_object_set_new(object, "type", json_string(kt_opt_string(ctx, "type")));
	return finish(ctx, word, object);
}

int kt_create_configmap(struct kt_command_context *ctx)
{
	const char *name = kt_create_name(ctx);

	return name ? create_data(ctx, "ConfigMap", "configmaps", name) : KT_EXIT_ERROR;
}

/* Secrets */

/* generic may be left out. */
int kt_create_secret(struct kt_command_context *ctx)
{
	const char *name = kt_create_name(ctx);

	return name ? create_data(ctx, "Secret", "secrets", name) : KT_EXIT_ERROR;
}

static json_t *secret_of(const char *name, const char *type, json_t *data)
{
	json_t *object = kt_create_object_of("v1", "Secret", name);

	json_object_set_new(object, "data", data);
	json_object_set_new(object, "type", json_string(type));
	return object;
}

int kt_create_secret_tls(struct kt_command_context *ctx)
{
	static const char *const FILES[][3] = {
	        {"cert", "tls.crt", "certificate"}, {"key", "tls.key", "key"}};
	const char *name = kt_create_name(ctx);
	kt_auto_json json_t *data = json_object();
	kt_auto_err err = KT_ERR_INIT;

	if (!name)
		return KT_EXIT_ERROR;
	for (size_t i = 0; i < KT_ARRAY_SIZE(FILES); i++) {
		const char *path = kt_opt_string(ctx, FILES[i][0]);
		kt_auto_str text = KT_STR_INIT;

		if (!path)
			return kt_command_fail(ctx, NULL, "key and cert must be specified");
		if (kt_read_file(path, ENTRY_MAX_BYTES, &text, &err) < 0)
			return kt_command_fail(ctx, &err, NULL);
		if (!strstr(kt_str_text(&text), "-----BEGIN "))
			return kt_command_fail(ctx, NULL,
			        "tls: failed to find any PEM data in %s input", FILES[i][2]);
		set_coded(data, FILES[i][1], &text);
	}
	return finish(ctx, "secrets", secret_of(name, "kubernetes.io/tls", json_incref(data)));
}

/* A login that is there already, as its only entry. */
static int docker_from_file(struct kt_command_context *ctx, const char *name)
{
	const char *file = kt_opt_strings(ctx, "from-file")->items[0], *equals = strchr(file, '=');
	kt_auto_err err = KT_ERR_INIT;
	kt_auto_str text = KT_STR_INIT;
	json_t *data = json_object();

	if (kt_read_file(equals ? equals + 1 : file, ENTRY_MAX_BYTES, &text, &err) < 0) {
		json_decref(data);
		return kt_command_fail(ctx, &err, NULL);
	}
	set_coded(data, ".dockerconfigjson", &text);
	return finish(ctx, "secrets", secret_of(name, "kubernetes.io/dockerconfigjson", data));
}

/* The login of a registry as container runtimes read it. */
int kt_create_secret_docker(struct kt_command_context *ctx)
{
	const char *name = kt_create_name(ctx), *user = kt_opt_string(ctx, "docker-username"),
	           *password = kt_opt_string(ctx, "docker-password"),
	           *email = kt_opt_string(ctx, "docker-email");
	kt_auto_str both = KT_STR_INIT, coded = KT_STR_INIT, text = KT_STR_INIT;

	if (!name)
		return KT_EXIT_ERROR;
	if (kt_opt_strings(ctx, "from-file")->n)
		return docker_from_file(ctx, name);
	if (!user || !password)
		return kt_command_fail(ctx, NULL,
		        "either --from-file or the combination of --docker-username, "
		        "--docker-password and --docker-server is required");
	kt_str_printf(&both, "%s:%s", user, password);
	kt_base64_encode(&coded, kt_str_text(&both), both.len);
	kt_auto_json json_t *login =
	        json_pack("{s:s, s:s}", "username", user, "password", password);

	if (email)
		json_object_set_new(login, "email", json_string(email));
	json_object_set_new(login, "auth", json_string(kt_str_text(&coded)));
	kt_auto_json json_t *config =
	        json_pack("{s:{s:O}}", "auths", kt_opt_string(ctx, "docker-server"), login);
	json_t *data = json_object();

	kt_json_write(&text, config, 0);
	set_coded(data, ".dockerconfigjson", &text);
	return finish(ctx, "secrets", secret_of(name, "kubernetes.io/dockerconfigjson", data));
}
