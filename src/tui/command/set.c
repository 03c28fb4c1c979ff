/* SPDX-License-Identifier: GPL-3.0-or-later */
/* set image, env, resources, serviceaccount: one field of the pods that a workload makes. */
#include "tui/command/create_kinds.h"
#include "tui/command/options.h"
#include "tui/command/output.h"
#include "tui/command/target.h"

#include "api/machinery/patch.h"
#include "api/schema/schema.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>

#define COMMON_OPTIONS \
	KT_OPTION_FILENAME, KT_OPTION_RECURSIVE, KT_OPTION_SELECTOR, KT_OPTION_ALL, \
	        KT_OPTION_OUTPUT, KT_OPTION_DRY_RUN, KT_OPTION_FIELD_MANAGER("kubectl-set"), \
	        KT_OPTION_END

#define CONTAINERS_OPTION \
	{ \
		.name = "containers", .letter = 'c', .type = KT_OPTION_STRING, .fallback = "*", \
		.value_name = "NAME", \
		.help = "only containers of this name; * stands for any text" \
	}

static const struct kt_option PLAIN_OPTIONS[] = {COMMON_OPTIONS};

static const struct kt_option ENV_OPTIONS[] = {
        CONTAINERS_OPTION,
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
        {.name = "list", .type = KT_OPTION_BOOL, .help = "show what is there"},
        COMMON_OPTIONS,
};

static const struct kt_option RESOURCES_OPTIONS[] = {
        CONTAINERS_OPTION,
        {.name = "limits",
                .type = KT_OPTION_STRING,
                .value_name = "cpu=1,memory=1Gi",
                .help = "what a container may use"},
        {.name = "requests",
                .type = KT_OPTION_STRING,
                .value_name = "cpu=1,memory=1Gi",
                .help = "what a container is given at least"},
        COMMON_OPTIONS,
};

struct change {
	/* Changes the pod spec. */
	int (*apply)(struct kt_command_context *ctx, json_t *spec, const struct change *change,
	        struct kt_err *err);
	const char *done;   /* "image updated" */
	char *const *words; /* the arguments behind the objects */
	int n_words;
	json_t *from; /* env: variables of --from */
};

static json_t *pod_spec(const json_t *object)
{
	static const char *const PATHS[] = {
	        "spec.template.spec", "spec.jobTemplate.spec.template.spec"};

	for (size_t i = 0; i < KT_ARRAY_SIZE(PATHS); i++)
		if (kt_jget(object, PATHS[i]))
			return kt_jget(object, PATHS[i]);
	return kt_jget(object, "spec.containers") ? json_object_get(object, "spec") : NULL;
}

/* Sends what differs. */
static int set_one(
        struct kt_command_context *ctx, struct kt_target *target, void *arg, struct kt_err *err)
{
	const struct change *change = arg;
	kt_auto_json json_t *after = json_deep_copy(target->live);
	const struct kt_kind *kind = kt_builtin_kind(
	        target->resource->group, target->resource->version, target->resource->kind);
	json_t *spec = pod_spec(after);

	if (!spec)
		return kt_fail(err, EINVAL, "%s/%s does not have a pod template",
		        target->resource->plural, target->name);
	if (change->apply(ctx, spec, change, err) < 0)
		return err->code;
	if (json_equal(target->live, after))
		return 0;
	if (kt_is_dry_run_client(ctx))
		return kt_print_result(ctx, target->resource, after, change->done, err);
	kt_auto_json json_t *patch =
	        kind ? kt_diff_three_way(target->live, after, target->live, kind->type, err)
	             : kt_diff_merge(target->live, after);

	if (!patch)
		return err->code;
	kt_auto_free char *path = kt_target_path(target, NULL);
	kt_auto_free char *query = kt_write_query(ctx);
	kt_auto_free char *full = kt_asprintf("%s%s", path, query);
	kt_auto_json json_t *answer = kt_session_request(ctx, "PATCH", full,
	        kind ? "application/strategic-merge-patch+json" : "application/merge-patch+json",
	        patch, err);

	return answer ? kt_print_result(ctx, target->resource, answer, change->done, err)
	              : err->code;
}

static bool is_assignment(const char *word)
{
	return strchr(word, '=') || (strlen(word) > 1 && kt_ends_with(word, "-"));
}

/* The words that are no objects stand behind them; what the objects are is in front. */
static int run_change(struct kt_command_context *ctx, struct change change, kt_target_fn *fn)
{
	int all = ctx->argc, first = all;

	while (first > 0 && is_assignment(ctx->argv[first - 1]))
		first--;
	change.words = &ctx->argv[first];
	change.n_words = all - first;
	ctx->argc = first;
	int code = kt_targets_run(
	        ctx, KT_TARGET_FILES | KT_TARGET_NEED_NAME | KT_TARGET_LIVE, fn, &change);

	ctx->argc = all;
	return code;
}

/* Image */

static const char *const LISTS[] = {"initContainers", "containers"};

static bool set_image_of(json_t *spec, const char *name, const char *image)
{
	bool found = false;
	json_t *container;
	size_t i;

	for (size_t list = 0; list < KT_ARRAY_SIZE(LISTS); list++) {
		json_array_foreach(json_object_get(spec, LISTS[list]), i, container) {
			if (strcmp(name, "*") != 0 && !kt_streq(kt_jstr(container, "name"), name))
				continue;
			json_object_set_new(container, "image", json_string(image));
			found = true;
		}
	}
	return found;
}

static int apply_images(struct kt_command_context *ctx, json_t *spec, const struct change *change,
        struct kt_err *err)
{
	(void)ctx;
	for (int i = 0; i < change->n_words; i++) {
		const char *equals = strchr(change->words[i], '=');

		if (!equals || equals == change->words[i] || !equals[1])
			return kt_fail(err, EINVAL,
			        "invalid image specification %s, expected "
			        "CONTAINER=IMAGE",
			        change->words[i]);
		kt_auto_free char *name =
		        kt_strndup(change->words[i], (size_t)(equals - change->words[i]));

		if (!set_image_of(spec, name, equals + 1))
			return kt_fail(err, ENOENT, "unable to find container named \"%s\"", name);
	}
	return 0;
}

static int run_image(struct kt_command_context *ctx)
{
	if (!ctx->argc || !is_assignment(ctx->argv[ctx->argc - 1]))
		return kt_command_fail(ctx, NULL, "at least one image update is required");
	return run_change(
	        ctx, (struct change){.apply = apply_images, .done = "image updated"}, set_one);
}

/* Environment */

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

static int apply_word(json_t *container, const char *word, struct kt_err *err)
{
	const char *equals = strchr(word, '=');

	if (!equals && !kt_ends_with(word, "-"))
		return kt_fail(err, EINVAL, "environment variables must be of the form key=value");
	kt_auto_free char *name =
	        kt_strndup(word, equals ? (size_t)(equals - word) : strlen(word) - 1);

	if (!equals) {
		remove_variable(container, name);
		return 0;
	}
	kt_auto_json json_t *variable = json_pack("{s:s, s:s}", "name", name, "value", equals + 1);

	set_variable(container, variable);
	return 0;
}

static bool is_meant(const struct kt_command_context *ctx, const json_t *container)
{
	const char *name = kt_jstr(container, "name");

	return fnmatch(kt_opt_string(ctx, "containers"), name ? name : "", 0) == 0;
}

static int apply_env(struct kt_command_context *ctx, json_t *spec, const struct change *change,
        struct kt_err *err)
{
	const struct kt_strings *more = kt_opt_strings(ctx, "env");
	json_t *container, *variable;
	size_t i, j;

	json_array_foreach(json_object_get(spec, "containers"), i, container) {
		if (!is_meant(ctx, container))
			continue;
		json_array_foreach(change->from, j, variable)
			set_variable(container, variable);
		for (j = 0; j < more->n; j++)
			if (apply_word(container, more->items[j], err) < 0)
				return err->code;
		for (int k = 0; k < change->n_words; k++)
			if (apply_word(container, change->words[k], err) < 0)
				return err->code;
	}
	return 0;
}

static void list_variable(struct kt_command_context *ctx, const json_t *variable)
{
	const char *name = kt_jstr(variable, "name"), *value = kt_jstr(variable, "value");
	const json_t *config = kt_jget(variable, "valueFrom.configMapKeyRef"),
	             *secret = kt_jget(variable, "valueFrom.secretKeyRef");

	if (config || secret)
		fprintf(ctx->out, "# %s from %s %s, key %s\n", name,
		        config ? "configmap" : "secret", kt_jstr(config ? config : secret, "name"),
		        kt_jstr(config ? config : secret, "key"));
	else if (kt_jget(variable, "valueFrom.fieldRef"))
		fprintf(ctx->out, "# %s from field path %s\n", name,
		        kt_jstr(variable, "valueFrom.fieldRef.fieldPath"));
	else
		fprintf(ctx->out, "%s=%s\n", name, value ? value : "");
}

static int list_one(
        struct kt_command_context *ctx, struct kt_target *target, void *arg, struct kt_err *err)
{
	json_t *spec = pod_spec(target->live), *container, *variable;
	size_t i, j;

	(void)arg;
	(void)err;
	json_array_foreach(json_object_get(spec, "containers"), i, container) {
		if (!is_meant(ctx, container))
			continue;
		fprintf(ctx->out, "# %s %s, container %s\n", target->resource->kind, target->name,
		        kt_jstr(container, "name"));
		json_array_foreach(json_object_get(container, "env"), j, variable)
			list_variable(ctx, variable);
	}
	return 0;
}

/* "app.color" as APP_COLOR. Heap. */
static char *variable_name(const char *prefix, const char *key)
{
	char *name = kt_asprintf("%s%s", prefix ? prefix : "", key);

	for (char *p = name; *p; p++)
		*p = isalnum((unsigned char)*p) ? (char)toupper((unsigned char)*p) : '_';
	return name;
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
		kt_fail(err, EINVAL, "--from needs configmap/NAME or secret/NAME, got \"%s\"",
		        from);
		return NULL;
	}
	kt_auto_free char *path =
	        kt_resource_path(resource, kt_session_namespace(ctx->session), slash + 1, NULL);
	kt_auto_json json_t *source = kt_session_get(ctx, path, NULL, err);

	if (!source)
		return NULL;
	variables = json_array();
	json_object_foreach(json_object_get(source, "data"), key, value) {
		kt_auto_free char *name = variable_name(kt_opt_string(ctx, "prefix"), key);

		json_array_append_new(
		        variables, json_pack("{s:s, s:{s:{s:s, s:s}}}", "name", name, "valueFrom",
		                           secret ? "secretKeyRef" : "configMapKeyRef", "key", key,
		                           "name", slash + 1));
	}
	return variables;
}

static int run_env(struct kt_command_context *ctx)
{
	const char *from = kt_opt_string(ctx, "from");
	kt_auto_err err = KT_ERR_INIT;
	struct change change = {.apply = apply_env, .done = "env updated"};

	if (kt_opt_bool(ctx, "list"))
		return run_change(ctx, change, list_one);
	if (from && !(change.from = variables_from(ctx, from, &err)))
		return kt_command_fail(ctx, &err, NULL);
	int code = run_change(ctx, change, set_one);

	json_decref(change.from);
	return code;
}

/* Resources and service account */

static int apply_resources(struct kt_command_context *ctx, json_t *spec,
        const struct change *change, struct kt_err *err)
{
	static const char *const SIDES[] = {"limits", "requests"};
	json_t *container;
	size_t i;

	(void)change;
	json_array_foreach(json_object_get(spec, "containers"), i, container) {
		if (!is_meant(ctx, container))
			continue;
		if (!json_object_get(container, "resources"))
			json_object_set_new(container, "resources", json_object());
		for (size_t side = 0; side < KT_ARRAY_SIZE(SIDES); side++) {
			json_t *resources = json_object_get(container, "resources");
			kt_auto_json json_t *amounts = kt_create_map(
			        kt_opt_string(ctx, SIDES[side]), "argument syntax", err);

			if (!amounts)
				return err->code;
			if (!json_object_size(amounts))
				continue;
			if (!json_object_get(resources, SIDES[side]))
				json_object_set_new(resources, SIDES[side], json_object());
			json_object_update(json_object_get(resources, SIDES[side]), amounts);
		}
	}
	return 0;
}

static int run_resources(struct kt_command_context *ctx)
{
	if (!kt_opt_string(ctx, "limits") && !kt_opt_string(ctx, "requests"))
		return kt_command_fail(ctx, NULL,
		        "you must specify an update to requests or limits (in the form of "
		        "--requests/--limits)");
	return run_change(ctx,
	        (struct change){.apply = apply_resources, .done = "resource requirements updated"},
	        set_one);
}

static int apply_account(struct kt_command_context *ctx, json_t *spec, const struct change *change,
        struct kt_err *err)
{
	(void)ctx;
	(void)err;
	json_object_set_new(spec, "serviceAccountName", json_string(change->words[0]));
	return 0;
}

/* The account is the last word. */
static int run_account(struct kt_command_context *ctx)
{
	if (ctx->argc < 2)
		return kt_command_fail(ctx, NULL, "serviceaccount is required");
	struct change change = {.apply = apply_account,
	        .done = "serviceaccount updated",
	        .words = &ctx->argv[ctx->argc - 1],
	        .n_words = 1};

	ctx->argc--;
	int code = kt_targets_run(
	        ctx, KT_TARGET_FILES | KT_TARGET_NEED_NAME | KT_TARGET_LIVE, set_one, &change);

	ctx->argc++;
	return code;
}

static const enum kt_completion OBJECTS[] = {KT_COMPLETE_RESOURCE_OR_NAME, KT_COMPLETE_NONE};

#define SUBCOMMAND(word, text, how, opts) \
	static const struct kt_command set_##word = { \
	        .name = #word, \
	        .group = "Change", \
	        .usage = "set " how, \
	        .summary = text, \
	        .options = opts, \
	        .arguments = OBJECTS, \
	        .needs_client = true, \
	        .prints_typed = true, \
	        .run = run_##word, \
	};

SUBCOMMAND(env, "Set or remove variables of containers",
        "env TYPE NAME (NAME=VALUE | NAME- | --list | --from=configmap/NAME)…", ENV_OPTIONS)
SUBCOMMAND(
        image, "Give containers another image", "image TYPE NAME CONTAINER=IMAGE…", PLAIN_OPTIONS)
SUBCOMMAND(resources, "Set what containers may use and are given",
        "resources TYPE NAME [--limits=cpu=1,memory=1Gi] [--requests=…]", RESOURCES_OPTIONS)

static const struct kt_command set_account = {
        .name = "serviceaccount",
        .aliases = (const char *const[]){"sa", NULL},
        .group = "Change",
        .usage = "set serviceaccount TYPE NAME ACCOUNT",
        .summary = "Give pods another service account",
        .options = PLAIN_OPTIONS,
        .arguments = OBJECTS,
        .prints_typed = true,
        .needs_client = true,
        .run = run_account,
};

const struct kt_command kt_command_set = {
        .name = "set",
        .group = "Change",
        .usage = "set (env|image|resources|serviceaccount) TYPE NAME …",
        .summary = "Set a field of workloads",
        .help = "Examples:\n"
                "  kube-tui set image deploy/web nginx=nginx:1.29\n"
                "  kube-tui set env deploy/web COLOR=blue DEBUG-\n"
                "  kube-tui set resources deploy/web --limits=cpu=1,memory=512Mi",
        .subcommands = (const struct kt_command *const[]){&set_env, &set_image, &set_resources,
                &set_account, NULL},
};
