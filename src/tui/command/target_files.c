/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Targets from manifests: files, folders, standard input, URLs. */
#include "tui/command/target.h"

#include "api/client/remote.h"
#include "api/machinery/selector.h"
#include "base/path.h"
#include "base/yaml.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#define MANIFEST_MAX_BYTES (64u << 20) /* a file of CRDs is a few MiB; more is a mistake */

static int add_object(struct kt_command_context *ctx, struct kt_targets *targets,
        const char *source, json_t *object, struct kt_err *err);

/* What cannot be used waits for its turn to be complained of. */
static int add_broken(struct kt_targets *targets, const char *source, struct kt_err *err)
{
	struct kt_target *target = kt_targets_push(targets);

	target->source = kt_strdup(source);
	kt_err_move(&target->error, err);
	return 0;
}

static int add_list(struct kt_command_context *ctx, struct kt_targets *targets, const char *source,
        json_t *list, struct kt_err *err)
{
	json_t *item;
	size_t i;
	int r = 0;

	json_array_foreach(json_object_get(list, "items"), i, item) {
		if (r == 0)
			r = add_object(ctx, targets, source, item, err);
	}
	return r;
}

/* The manifest lacks its apiVersion or kind. Commands that check manifests word it otherwise. */
static int incomplete(struct kt_command_context *ctx, const char *source, const json_t *object,
        const char *field, struct kt_err *err)
{
	const char *validate = kt_opt_string(ctx, "validate");
	kt_auto_str text = KT_STR_INIT;

	if (validate && strcmp(validate, "false") != 0 && strcmp(validate, "ignore") != 0)
		return kt_fail(err, EINVAL,
		        "error validating \"%s\": error validating data: %s not set; if you choose "
		        "to ignore these errors, turn validation off with --validate=false",
		        source, field);
	kt_json_write(&text, object, KT_JSON_SORT);
	return kt_fail(err, EINVAL, "unable to decode \"%s\": Object '%s' is missing in '%s'",
	        source, strcmp(field, "kind") ? field : "Kind", kt_str_text(&text));
}

static int check_object(struct kt_command_context *ctx, const char *source, const json_t *object,
        struct kt_err *err)
{
	const char *api_version = kt_jstr(object, "apiVersion"), *kind = kt_jstr(object, "kind");

	if (!json_is_object(object))
		return kt_fail(err, EINVAL, "error parsing %s: not an object", source);
	if (!kind || !*kind)
		return incomplete(ctx, source, object, "kind", err);
	if (!api_version || !*api_version)
		return incomplete(ctx, source, object, "apiVersion", err);
	return 0;
}

static int check_target(
        struct kt_command_context *ctx, const struct kt_target *target, struct kt_err *err)
{
	const char *given = kt_jstr(target->object, "metadata.namespace"),
	           *wanted = kt_session_namespace(ctx->session);

	if (!target->resource)
		return kt_fail(err, ENOENT,
		        "resource mapping not found for name: \"%s\" namespace: \"%s\" from "
		        "\"%s\": no matches for kind \"%s\" in version \"%s\"\nensure CRDs are "
		        "installed first",
		        target->name ? target->name : "", given ? given : "", target->source,
		        kt_jstr(target->object, "kind"), kt_jstr(target->object, "apiVersion"));
	if (kt_opt_given(ctx, "namespace") && target->namespace && given && *given &&
	        strcmp(given, wanted) != 0)
		return kt_fail(err, EINVAL,
		        "the namespace from the provided object \"%s\" does not match the "
		        "namespace \"%s\". You must pass '--namespace=%s' to perform this "
		        "operation.",
		        given, wanted, given);
	return 0;
}

/* -l leaves out what it does not match. */
static bool is_selected(
        const struct kt_command_context *ctx, const json_t *object, struct kt_err *err)
{
	const char *text = kt_opt_string(ctx, "selector");
	struct kt_selector *selector = NULL;

	if (!text || !*text)
		return true;
	if (kt_selector_parse(text, &selector, err) < 0)
		return false;
	bool matches = kt_selector_matches_labels(selector, kt_jget(object, "metadata.labels"));

	kt_selector_destroy(selector);
	return matches;
}

static int add_object(struct kt_command_context *ctx, struct kt_targets *targets,
        const char *source, json_t *object, struct kt_err *err)
{
	const char *api_version = kt_jstr(object, "apiVersion"), *kind = kt_jstr(object, "kind");
	const char *namespace = kt_jstr(object, "metadata.namespace"),
	           *name = kt_jstr(object, "metadata.name");

	bool local = kt_opt_bool(ctx, "local");

	if (!local && !kt_session_discovery(ctx->session, err))
		return err->code;
	if (check_object(ctx, source, object, err) < 0)
		return add_broken(targets, source, err);
	if (kt_ends_with(kind, "List") && json_is_array(json_object_get(object, "items")))
		return add_list(ctx, targets, source, object, err);
	if (!is_selected(ctx, object, err))
		return err->code;
	struct kt_target *target = kt_targets_push(targets);

	target->resource =
	        local ? kt_session_builtin_resource(ctx->session, api_version, kind)
	              : kt_session_resource_of_kind(ctx->session, api_version, kind, err);
	target->object = json_incref(object);
	target->source = kt_strdup(source);
	target->name = name && *name ? kt_strdup(name) : NULL;
	if (target->resource && target->resource->namespaced)
		target->namespace = kt_strdup(
		        namespace && *namespace ? namespace : kt_session_namespace(ctx->session));
	if (local)
		target->live = json_incref(object);
	else if (target->namespace && json_is_object(json_object_get(object, "metadata")))
		json_object_set_new(json_object_get(object, "metadata"), "namespace",
		        json_string(target->namespace));
	check_target(ctx, target, &target->error);
	return 0;
}

static int read_text(struct kt_command_context *ctx, struct kt_targets *targets, const char *shown,
        struct kt_sv text, struct kt_err *err)
{
	struct kt_yaml_docs docs = {0};
	int r = kt_yaml_parse(text, NULL, &docs, err);

	if (r < 0) {
		kt_wrap(err, "error parsing %s", shown);
		return add_broken(targets, shown, err);
	}
	for (size_t i = 0; i < docs.n && r == 0; i++)
		if (docs.docs[i].value && !json_is_null(docs.docs[i].value))
			r = add_object(ctx, targets, shown, docs.docs[i].value, err);
	kt_yaml_docs_finish(&docs);
	return r;
}

/* What the command is given: standard input, a here-document, a redirected file. */
static int read_input(FILE *in, struct kt_str *out, struct kt_err *err)
{
	char piece[16384];
	size_t n;

	while ((n = fread(piece, 1, sizeof(piece), in)) > 0) {
		kt_str_add(out, piece, n);
		if (out->len > MANIFEST_MAX_BYTES)
			return kt_fail(err, EFBIG, "more than %u bytes", MANIFEST_MAX_BYTES);
	}
	return ferror(in) ? kt_fail(err, EIO, "it cannot be read") : 0;
}

static int read_file(struct kt_command_context *ctx, struct kt_targets *targets, const char *path,
        struct kt_err *err)
{
	const char *shown = strcmp(path, "-") ? path : "STDIN";
	kt_auto_str text = KT_STR_INIT;

	int r = strcmp(path, "-") ? kt_read_file(path, MANIFEST_MAX_BYTES, &text, err)
	                          : read_input(ctx->in, &text, err);

	if (r < 0)
		return err->code == -ENOENT
		               ? kt_fail(err, ENOENT, "the path \"%s\" does not exist", path)
		               : kt_wrap(err, "reading %s", shown);
	return read_text(ctx, targets, shown, (struct kt_sv){kt_str_text(&text), text.len}, err);
}

/* URLs. Tutorials have manifests behind them; redirects are followed. */

static bool is_url(const char *path)
{
	return kt_starts_with(path, "http://") || kt_starts_with(path, "https://");
}

static int fetch_url(struct kt_command_context *ctx, const char *url, struct kt_client *client,
        struct kt_targets *targets, struct kt_err *err)
{
	const char *path = strchr(strstr(url, "://") + 3, '/');
	struct kt_call call = {.method = "GET", .path = path ? path : "/", .accept = "*/*"};
	int r = kt_client_call_wait(client, &call, ctx->cancel);

	if (r < 0 && call.status)
		r = kt_fail(err, EIO,
		        "unable to read URL \"%s\", server reported %d, status code=%d", url,
		        call.status, call.status);
	else if (r < 0)
		kt_err_move(err, &call.err);
	else
		r = read_text(ctx, targets, url, kt_call_body(&call), err);
	kt_call_finish(&call);
	return r;
}

static int read_url(struct kt_command_context *ctx, struct kt_targets *targets, const char *url,
        struct kt_err *err)
{
	const char *host = strstr(url, "://") + 3;
	kt_auto_free char *server = kt_strndup(url, (size_t)(host - url) + strcspn(host, "/"));
	const struct kt_remote_options options = {
	        .endpoint = &(struct kt_endpoint){.server = server},
	        .user_agent = "kube-tui/" KT_VERSION,
	        .follow_redirects = true,
	};
	struct kt_client *client;

	if (kt_remote_client_create(&options, &client, err) < 0)
		return err->code;
	int r = fetch_url(ctx, url, client, targets, err);

	kt_client_destroy(client);
	return r;
}

static bool is_manifest_name(const char *name)
{
	return kt_ends_with(name, ".yaml") || kt_ends_with(name, ".yml") ||
	       kt_ends_with(name, ".json");
}

/* The manifests of a folder, with -R also of those in it; *any: there were some. */
static int read_folder(struct kt_command_context *ctx, struct kt_targets *targets, const char *path,
        bool *any, struct kt_err *err)
{
	struct dirent **entries = NULL;
	int n = scandir(path, &entries, NULL, alphasort), r = 0;

	if (n < 0)
		return kt_fail(err, errno, "cannot read folder \"%s\": %s", path, strerror(errno));
	for (int i = 0; i < n; i++) {
		kt_auto_free char *inner = kt_path_join(path, entries[i]->d_name);
		bool is_dots =
		        !strcmp(entries[i]->d_name, ".") || !strcmp(entries[i]->d_name, "..");
		struct stat st;

		free(entries[i]);
		if (r < 0 || is_dots || stat(inner, &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode) && kt_opt_bool(ctx, "recursive")) {
			r = read_folder(ctx, targets, inner, any, err);
		} else if (!S_ISDIR(st.st_mode) && is_manifest_name(inner)) {
			*any = true;
			r = read_file(ctx, targets, inner, err);
		}
	}
	free(entries);
	return r;
}

static int read_path(struct kt_command_context *ctx, struct kt_targets *targets, const char *path,
        struct kt_err *err)
{
	bool any = false;
	struct stat st;

	if (is_url(path))
		return read_url(ctx, targets, path, err);
	if (!strcmp(path, "-") || stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
		return read_file(ctx, targets, path, err);
	if (read_folder(ctx, targets, path, &any, err) < 0)
		return err->code;
	return any ? 0
	           : kt_fail(err, EINVAL,
	                     "error reading [%s]: recognized file extensions are [.json .yaml "
	                     ".yml]",
	                     path);
}

int kt_targets_read_files(struct kt_command_context *ctx, unsigned flags,
        struct kt_targets *targets, struct kt_err *err)
{
	const struct kt_strings *files = kt_opt_strings(ctx, "filename");
	int r = 0;

	for (size_t i = 0; i < files->n && r == 0; i++)
		r = read_path(ctx, targets, files->items[i], err);
	if (r == 0 && !targets->n && !(flags & KT_TARGET_NONE_IS_FINE))
		r = kt_fail(err, EINVAL, "no objects passed to %s", ctx->command->name);
	for (size_t i = 1; i < targets->n; i++)
		targets->several_types |= targets->items[i].resource != targets->items[0].resource;
	return r;
}
