/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/command/target.h"

#include "tui/command/options.h"

#include "base/vec.h"

#include <errno.h>

struct kt_target *kt_targets_push(struct kt_targets *targets)
{
	targets->items = kt_reallocarray(targets->items, targets->n + 1, sizeof(*targets->items));
	targets->items[targets->n] = (struct kt_target){0};
	return &targets->items[targets->n++];
}

void kt_targets_finish(struct kt_targets *targets)
{
	for (size_t i = 0; i < targets->n; i++) {
		free(targets->items[i].namespace);
		free(targets->items[i].name);
		free(targets->items[i].source);
		json_decref(targets->items[i].object);
		json_decref(targets->items[i].live);
		kt_err_clear(&targets->items[i].error);
	}
	free(targets->items);
	*targets = (struct kt_targets){0};
}

static char *namespace_for(const struct kt_command_context *ctx, const struct kt_resource *resource)
{
	if (!resource->namespaced || kt_opt_bool(ctx, "all-namespaces"))
		return NULL;
	return kt_strdup(kt_session_namespace(ctx->session));
}

static void add(struct kt_targets *targets, const struct kt_command_context *ctx,
        const struct kt_resource *resource, const char *name)
{
	struct kt_target *target = kt_targets_push(targets);

	target->resource = resource;
	target->namespace = namespace_for(ctx, resource);
	target->name = name ? kt_strdup(name) : NULL;
}

/* "all" and other categories stand for every resource that belongs to them. */
static bool add_category(struct kt_targets *targets, const struct kt_command_context *ctx,
        const struct kt_discovery *discovery, const char *word)
{
	bool found = false;

	for (size_t i = 0; i < discovery->n; i++) {
		const struct kt_resource *resource = &discovery->resources[i];

		if (!resource->preferred || !kt_resource_in_category(resource, word) ||
		        !kt_resource_has_verb(resource, "list"))
			continue;
		add(targets, ctx, resource, NULL);
		found = true;
	}
	return found;
}

static int add_types(struct kt_command_context *ctx, struct kt_targets *targets, const char *words,
        int n_names, char *const *names, struct kt_err *err)
{
	const struct kt_discovery *discovery = kt_session_discovery(ctx->session, err);
	struct kt_sv rest = kt_sv_of(words), part;
	size_t n_types = 0;

	if (!discovery)
		return err->code;
	while (kt_sv_split(&rest, ',', &part)) {
		kt_auto_free char *word = kt_sv_dup(part);

		n_types++;
		if (n_names == 0 && add_category(targets, ctx, discovery, word)) {
			n_types++;
			continue;
		}
		const struct kt_resource *resource = kt_session_resource(ctx->session, word, err);

		/* looking for the resource may have brought a new category */
		if (!resource && n_names == 0 && add_category(targets, ctx, discovery, word)) {
			kt_err_clear(err);
			n_types++;
			continue;
		}
		if (!resource)
			return err->code;
		for (int i = 0; i < n_names; i++) {
			/* the path of no name is that of all objects */
			if (!*names[i])
				return kt_fail(err, EINVAL, "resource name may not be empty");
			add(targets, ctx, resource, names[i]);
		}
		if (n_names == 0)
			add(targets, ctx, resource, NULL);
	}
	targets->several_types = n_types > 1;
	return 0;
}

static int add_pair(struct kt_command_context *ctx, struct kt_targets *targets, const char *word,
        struct kt_err *err)
{
	const char *slash = strchr(word, '/');

	if (!slash)
		return kt_fail(err, EINVAL,
		        "there is no need to specify a resource type as a separate argument when "
		        "passing "
		        "arguments in resource/name form (e.g. 'kube-tui get "
		        "resource/<resource_name>' instead of "
		        "'kube-tui get resource resource/<resource_name>'");
	if (strchr(slash + 1, '/'))
		return kt_fail(err, EINVAL,
		        "arguments in resource/name form may not have more than one slash");
	if (slash == word || !slash[1])
		return kt_fail(err, EINVAL,
		        "arguments in resource/name form must have a single resource and name");
	kt_auto_free char *type = kt_strndup(word, (size_t)(slash - word));
	const struct kt_resource *resource = kt_session_resource(ctx->session, type, err);

	if (!resource)
		return err->code;
	targets->several_types |=
	        targets->n > 0 && targets->items[targets->n - 1].resource != resource;
	add(targets, ctx, resource, slash + 1);
	return 0;
}

static int add_arguments(
        struct kt_command_context *ctx, struct kt_targets *targets, int first, struct kt_err *err)
{
	int last = ctx->dash_at >= 0 ? ctx->dash_at : ctx->argc;
	int r = 0;

	if (!strchr(ctx->argv[first], '/')) {
		for (int i = first + 1; i < last; i++)
			if (strchr(ctx->argv[i], '/'))
				return add_pair(ctx, targets, ctx->argv[first], err);
		return add_types(ctx, targets, ctx->argv[first], last - first - 1,
		        &ctx->argv[first + 1], err);
	}
	for (int i = first; i < last && r == 0; i++)
		r = add_pair(ctx, targets, ctx->argv[i], err);
	return r;
}

static bool has_selector(const struct kt_command_context *ctx)
{
	const char *labels = kt_opt_string(ctx, "selector"),
	           *fields = kt_opt_string(ctx, "field-selector");

	return (labels && *labels) || (fields && *fields);
}

static int check(struct kt_command_context *ctx, const struct kt_targets *targets, unsigned flags,
        struct kt_err *err)
{
	for (size_t i = 0; i < targets->n; i++) {
		const struct kt_target *target = &targets->items[i];

		if (target->error.code)
			continue;
		if (target->name && !target->object && has_selector(ctx))
			return kt_fail(err, EINVAL,
			        "name cannot be provided when a selector is specified");
		if (target->name && kt_opt_bool(ctx, "all-namespaces") &&
		        target->resource->namespaced)
			return kt_fail(err, EINVAL,
			        "a resource cannot be retrieved by name across all namespaces");
		if (!target->name && !target->object && (flags & KT_TARGET_NEED_NAME) &&
		        !has_selector(ctx) && !kt_opt_bool(ctx, "all"))
			return kt_fail(err, EINVAL,
			        "resource(s) were provided, but no name was specified");
	}
	return 0;
}

int kt_targets_parse(struct kt_command_context *ctx, int first, unsigned flags,
        struct kt_targets *ret_targets, struct kt_err *err)
{
	struct kt_targets targets = {.by_name = true};
	int last = ctx->dash_at >= 0 ? ctx->dash_at : ctx->argc;
	bool files = (flags & KT_TARGET_FILES) &&
	             (kt_opt_strings(ctx, "filename")->n || kt_opt_given(ctx, "kustomize"));
	int r = 0;

	if (kt_opt_bool(ctx, "local") && !files)
		r = kt_fail(err, EINVAL,
		        "you must specify resources by --filename when --local is set.\nExample "
		        "resource specifications include:\n   '-f rsrc.yaml'\n   "
		        "'--filename=rsrc.json'");
	else if (files && first < last)
		r = kt_fail(err, EINVAL,
		        "when paths, URLs, or stdin is provided as input, you may not specify "
		        "resource arguments as well");
	else if (files)
		r = kt_targets_read_files(ctx, flags, &targets, err);
	else if (first >= last)
		r = kt_fail(err, EINVAL,
		        "You must provide one or more resources by argument or filename.\nExample "
		        "resource specifications include:\n   '-f rsrc.yaml'\n   "
		        "'--filename=rsrc.json'\n   '<resource> <name>'\n   '<resource>'");
	else
		r = add_arguments(ctx, &targets, first, err);
	if (r == 0)
		r = check(ctx, &targets, flags, err);
	for (size_t i = 0; i < targets.n; i++)
		targets.by_name &= targets.items[i].name || targets.items[i].error.code;
	if (r < 0) {
		kt_targets_finish(&targets);
		return r;
	}
	*ret_targets = targets;
	return 0;
}

/* Names and paths */

char *kt_target_path(const struct kt_target *target, const char *sub)
{
	return kt_resource_path(target->resource, target->namespace, target->name, sub);
}

char *kt_target_label(const struct kt_target *target)
{
	const struct kt_resource *resource = target->resource;

	return *resource->group
	               ? kt_asprintf("%s.%s/%s", resource->singular, resource->group, target->name)
	               : kt_asprintf("%s/%s", resource->singular, target->name);
}

void kt_target_say_deleted(struct kt_command_context *ctx, const struct kt_target *target)
{
	kt_auto_free char *label = kt_target_label(target);
	const char *dry_run = kt_opt_string(ctx, "dry-run");

	if (kt_streq(kt_opt_string(ctx, "output"), "name")) {
		fprintf(ctx->out, "%s\n", label);
		return;
	}
	const char *slash = strchr(label, '/');

	fprintf(ctx->out, "%.*s \"%s\" %sdeleted", (int)(slash - label), label, target->name,
	        kt_opt_bool(ctx, "force") && !strcmp(ctx->command->name, "delete") ? "force " : "");
	if (target->namespace)
		fprintf(ctx->out, " from %s namespace", target->namespace);
	fprintf(ctx->out, "%s\n",
	        kt_streq(dry_run, "server")   ? " (server dry run)"
	        : kt_streq(dry_run, "client") ? " (dry run)"
	                                      : "");
}

char *kt_targets_query(const struct kt_command_context *ctx)
{
	static const char *const pairs[][2] = {
	        {"selector", "labelSelector"}, {"field-selector", "fieldSelector"}};
	struct kt_str query = KT_STR_INIT;

	for (size_t i = 0; i < KT_ARRAY_SIZE(pairs); i++) {
		const char *text = kt_opt_string(ctx, pairs[i][0]);

		if (!text || !*text)
			continue;
		kt_str_printf(&query, "%s%s=", query.len ? "&" : "", pairs[i][1]);
		kt_url_escape(&query, text);
	}
	return kt_str_steal(&query);
}

void kt_targets_wrap_list(const struct kt_command_context *ctx, const struct kt_target *collection,
        struct kt_err *err)
{
	const char *labels = kt_opt_string(ctx, "selector"),
	           *fields = kt_opt_string(ctx, "field-selector");
	const struct kt_resource *resource = collection->resource;

	if (err->status != 400 && err->status != 404)
		return;
	if (has_selector(ctx))
		kt_wrap(err,
		        "Unable to find \"%s/%s, Resource=%s\" that match label selector \"%s\", "
		        "field selector \"%s\"",
		        resource->group, resource->version, resource->plural, labels ? labels : "",
		        fields ? fields : "");
	else
		kt_wrap(err, "Unable to list \"%s/%s, Resource=%s\"", resource->group,
		        resource->version, resource->plural);
}

static int expand(struct kt_command_context *ctx, const struct kt_target *collection,
        struct kt_targets *out, struct kt_err *err)
{
	kt_auto_free char *path = kt_target_path(collection, NULL);
	kt_auto_free char *query = kt_targets_query(ctx);
	kt_auto_free char *full = kt_asprintf("%s%s%s", path, *query ? "?" : "", query);
	kt_auto_json json_t *list = kt_session_get(ctx, full, NULL, err);
	kt_auto_free char *api_version = kt_resource_api_version(collection->resource);
	json_t *item;
	size_t i;

	if (!list) {
		kt_targets_wrap_list(ctx, collection, err);
		return err->code;
	}
	json_array_foreach(json_object_get(list, "items"), i, item) {
		struct kt_target *target = kt_targets_push(out);
		const char *namespace = kt_jstr(item, "metadata.namespace");

		/* items of a list come without them */
		json_object_set_new(item, "apiVersion", json_string(api_version));
		json_object_set_new(item, "kind", json_string(collection->resource->kind));
		target->resource = collection->resource;
		target->namespace = namespace ? kt_strdup(namespace) : NULL;
		target->name = kt_strdup(
		        kt_jstr(item, "metadata.name") ? kt_jstr(item, "metadata.name") : "");
		target->live = json_incref(item);
	}
	return 0;
}

int kt_target_error(struct kt_target *target, struct kt_err *err)
{
	if (!target->error.code)
		return 0;
	kt_err_move(err, &target->error);
	return err->code;
}

/* Its state on the server, once. */
static int fetch_named(struct kt_command_context *ctx, struct kt_target *target, struct kt_err *err)
{
	if (kt_target_error(target, err) < 0)
		return err->code;
	kt_auto_free char *path = kt_target_path(target, NULL);

	if (!target->live)
		target->live = kt_session_get(ctx, path, NULL, err);
	return target->live ? 0 : err->code;
}

int kt_targets_fetch(struct kt_command_context *ctx, struct kt_targets *targets, struct kt_err *err)
{
	struct kt_targets out = {
	        .several_types = targets->several_types, .by_name = targets->by_name};
	int r = 0;

	for (size_t i = 0; i < targets->n && r == 0; i++) {
		struct kt_target *target = &targets->items[i];

		if (target->resource && !target->name && !target->error.code) {
			r = expand(ctx, target, &out, err);
			continue;
		}
		r = fetch_named(ctx, target, err);
		if (r == 0) {
			*kt_targets_push(&out) = *target;
			*target = (struct kt_target){0};
		}
	}
	kt_targets_finish(targets);
	if (r < 0)
		kt_targets_finish(&out);
	else
		*targets = out;
	return r;
}

/* One run over objects: what failed is said at the end, as one error is worded otherwise than many.
 */
struct batch {
	struct kt_command_context *ctx;
	kt_target_fn *fn;
	void *arg;
	KT_VEC(struct kt_err) errors;
};

static void batch_failed(struct batch *batch, struct kt_err *err)
{
	struct kt_err moved = KT_ERR_INIT;

	kt_err_move(&moved, err);
	kt_vec_push(&batch->errors, moved);
}

static void batch_run(struct batch *batch, struct kt_targets *targets, unsigned flags);

/* A collection: its objects, each of which fn is called for. */
static void batch_collection(struct batch *batch, const struct kt_target *collection)
{
	struct kt_targets objects = {0};
	kt_auto_err err = KT_ERR_INIT;

	if (expand(batch->ctx, collection, &objects, &err) < 0)
		batch_failed(batch, &err);
	else
		batch_run(batch, &objects, 0);
	kt_targets_finish(&objects);
}

static void batch_run(struct batch *batch, struct kt_targets *targets, unsigned flags)
{
	for (size_t i = 0; i < targets->n && !kt_cancel_is_asked(batch->ctx->cancel); i++) {
		struct kt_target *target = &targets->items[i];
		kt_auto_err err = KT_ERR_INIT;

		if (kt_target_error(target, &err) < 0)
			batch_failed(batch, &err);
		else if (!target->name && !target->object)
			batch_collection(batch, target);
		else if (((flags & KT_TARGET_LIVE) && fetch_named(batch->ctx, target, &err) < 0) ||
		         batch->fn(batch->ctx, target, batch->arg, &err) < 0)
			batch_failed(batch, &err);
	}
}

int kt_targets_each(struct kt_command_context *ctx, struct kt_targets *targets, unsigned flags,
        kt_target_fn *fn, void *arg)
{
	struct batch batch = {.ctx = ctx, .fn = fn, .arg = arg};

	batch_run(&batch, targets, flags);
	bool failed = batch.errors.n > 0;

	if (batch.errors.n == 1)
		kt_command_fail(ctx, &batch.errors.items[0], NULL);
	else if (failed)
		fflush(ctx->out);
	for (size_t i = 0; i < batch.errors.n; i++) {
		if (batch.errors.n > 1)
			kt_command_say(ctx, &batch.errors.items[i]);
		kt_err_clear(&batch.errors.items[i]);
	}
	kt_vec_finish(&batch.errors);
	return failed ? KT_EXIT_ERROR : KT_EXIT_OK;
}

int kt_targets_run(struct kt_command_context *ctx, unsigned flags, kt_target_fn *fn, void *arg)
{
	kt_auto_err err = KT_ERR_INIT;
	struct kt_targets targets = {0};
	int code;

	if (kt_check_write_options(ctx, &err) < 0 ||
	        kt_targets_parse(ctx, 0, flags, &targets, &err) < 0)
		return kt_command_fail(ctx, &err, NULL);
	code = kt_targets_each(ctx, &targets, flags, fn, arg);
	kt_targets_finish(&targets);
	return code;
}
