/* SPDX-License-Identifier: GPL-3.0-or-later */
/* wait: until a condition holds, a field has a value, or an object is gone. */
#include "tui/command/wait.h"
#include "tui/command/options.h"

#include "api/expr/jsonpath.h"

#include <errno.h>
#include <strings.h>

static const struct kt_option OPTIONS[] = {
        {.name = "for",
                .type = KT_OPTION_STRING,
                .value_name = "CONDITION",
                .help = "delete, create, condition=NAME[=VALUE], jsonpath='{PATH}'[=VALUE]"},
        KT_OPTION_FILENAME,
        KT_OPTION_RECURSIVE,
        KT_OPTION_SELECTOR,
        KT_OPTION_FIELD_SELECTOR,
        KT_OPTION_ALL,
        KT_OPTION_ALL_NAMESPACES,
        KT_OPTION_OUTPUT,
        KT_OPTION_TIMEOUT("30s", "how long to wait"),
        KT_OPTION_END,
};

struct condition {
	enum { GONE, EXISTS, CONDITION, PATH } kind;
	char *name, *value;
	struct kt_jsonpath *path;
};

static void condition_finish(struct condition *condition)
{
	free(condition->name);
	free(condition->value);
	kt_jsonpath_destroy(condition->path);
}

static int parse_path(struct condition *condition, const char *text, struct kt_err *err)
{
	const char *end = strrchr(text, '}');
	const char *equals = strchr(end ? end : text, '=');
	kt_auto_free char *path =
	        equals ? kt_strndup(text, (size_t)(equals - text)) : kt_strdup(text);

	condition->kind = PATH;
	condition->value = equals ? kt_strdup(equals + 1) : NULL;
	if (equals && !equals[1])
		return kt_fail(err, EINVAL, "jsonpath wait has to have a value after equal sign");
	return kt_jsonpath_parse(path, true, &condition->path, err);
}

static int parse_condition(struct condition *condition, const char *text, struct kt_err *err)
{
	text = text ? text : "";
	if (!strcasecmp(text, "delete")) {
		condition->kind = GONE;
		return 0;
	}
	if (!strcasecmp(text, "create")) {
		condition->kind = EXISTS;
		return 0;
	}
	if (kt_starts_with(text, "jsonpath="))
		return parse_path(condition, text + strlen("jsonpath="), err);
	if (!kt_starts_with(text, "condition="))
		return kt_fail(err, EINVAL, "unrecognized condition: \"%s\"", text);
	text += strlen("condition=");
	const char *equals = strchr(text, '=');

	condition->kind = CONDITION;
	condition->name = equals ? kt_strndup(text, (size_t)(equals - text)) : kt_strdup(text);
	condition->value = kt_strdup(equals ? equals + 1 : "true");
	return 0;
}

static bool has_condition(const struct condition *condition, const json_t *object)
{
	int64_t observed = kt_jint(object, "status.observedGeneration", -1);
	json_t *entry;
	size_t i;

	if (observed >= 0 && observed < kt_jint(object, "metadata.generation", 0))
		return false;
	json_array_foreach(kt_jget(object, "status.conditions"), i, entry) {
		const char *type = kt_jstr(entry, "type"), *status = kt_jstr(entry, "status");

		if (type && !strcasecmp(type, condition->name))
			return status && !strcasecmp(status, condition->value);
	}
	return false;
}

static bool has_value(const struct condition *condition, const json_t *object, struct kt_err *err)
{
	kt_auto_json json_t *found = kt_jsonpath_find(condition->path, object, true, err);
	kt_auto_str text = KT_STR_INIT;
	json_t *value = json_array_get(found, 0);

	if (!value || json_is_null(value))
		return false;
	if (!condition->value)
		return true;
	if (json_is_string(value))
		return !strcmp(json_string_value(value), condition->value);
	kt_json_write(&text, value, 0);
	return !strcmp(kt_str_text(&text), condition->value);
}

static int check(void *arg, const json_t *object, struct kt_err *err)
{
	const struct condition *condition = arg;

	switch (condition->kind) {
	case GONE:
		return object == NULL;
	case EXISTS:
		return object != NULL;
	case CONDITION:
		return object && has_condition(condition, object);
	case PATH:
		return object && has_value(condition, object, err);
	}
	return 0;
}

/* --timeout=0: how it is now, without waiting. */
static int check_once(struct kt_command_context *ctx, const struct kt_target *target,
        struct condition *condition, struct kt_err *err)
{
	kt_auto_free char *path = kt_target_path(target, NULL);
	kt_auto_json json_t *live = kt_session_get(ctx, path, NULL, err);

	if (!live && err->code != -ENOENT)
		return err->code;
	kt_err_clear(err);
	int r = check(condition, live, err);

	return r ? r
	         : kt_fail(err, ETIMEDOUT, "condition not met for %s/%s", target->resource->plural,
	                   target->name);
}

static int wait_one(struct kt_command_context *ctx, const struct kt_target *target,
        struct condition *condition, struct kt_err *err)
{
	int64_t timeout_ns = kt_opt_int(ctx, "timeout");

	if (timeout_ns == 0)
		return check_once(ctx, target, condition, err);
	/* a negative time is as long as it takes */
	return kt_wait_for(ctx, target, KT_MAX(timeout_ns, 0), check, condition, err);
}

/* What was waited for in vain is told at the end. */
static int wait_all(struct kt_command_context *ctx, struct condition *condition,
        const struct kt_targets *targets)
{
	KT_VEC(struct kt_err) errors = {0};

	for (size_t i = 0; i < targets->n && !kt_cancel_is_asked(ctx->cancel); i++) {
		const struct kt_target *target = &targets->items[i];
		kt_auto_free char *label = kt_target_label(target);
		struct kt_err err = KT_ERR_INIT;

		if (wait_one(ctx, target, condition, &err) < 0)
			kt_vec_push(&errors, err);
		else if (condition->kind != GONE || target->live)
			fprintf(ctx->out, "%s condition met\n", label);
		fflush(ctx->out);
	}
	int code = errors.n ? KT_EXIT_ERROR : KT_EXIT_OK;

	if (errors.n == 1)
		kt_command_fail(ctx, &errors.items[0], NULL);
	for (size_t i = 0; i < errors.n; i++) {
		if (errors.n > 1)
			kt_command_say(ctx, &errors.items[i]);
		kt_err_clear(&errors.items[i]);
	}
	kt_vec_finish(&errors);
	return code;
}

/* Those that are there when the waiting for their end begins get `live`. */
static int find_living(
        struct kt_command_context *ctx, struct kt_targets *targets, struct kt_err *err)
{
	for (size_t i = 0; i < targets->n; i++) {
		struct kt_target *target = &targets->items[i];

		if (kt_target_error(target, err) < 0)
			return err->code;
		kt_auto_free char *path = kt_target_path(target, NULL);

		if (!target->live)
			target->live = kt_session_get(ctx, path, NULL, err);
		if (!target->live && err->code != -ENOENT)
			return err->code;
		kt_err_clear(err);
	}
	return 0;
}

/* A named object must exist unless its creation or its end is what is waited for. */
static int find_targets(struct kt_command_context *ctx, const struct condition *condition,
        struct kt_targets *targets, struct kt_err *err)
{
	if (kt_targets_parse(ctx, 0, KT_TARGET_FILES | KT_TARGET_NEED_NAME, targets, err) < 0)
		return err->code;
	if (targets->by_name && condition->kind == EXISTS)
		return 0;
	if (targets->by_name && condition->kind == GONE)
		return find_living(ctx, targets, err);
	if (kt_targets_fetch(ctx, targets, err) < 0)
		return err->code;
	return targets->n || condition->kind == GONE
	               ? 0
	               : kt_fail(err, ENOENT, "no matching resources found");
}

static int run(struct kt_command_context *ctx)
{
	kt_auto_err err = KT_ERR_INIT;
	struct condition condition = {0};
	struct kt_targets targets = {0};
	int code;

	if (parse_condition(&condition, kt_opt_string(ctx, "for"), &err) < 0 ||
	        find_targets(ctx, &condition, &targets, &err) < 0)
		code = kt_command_fail(ctx, &err, NULL);
	else
		code = wait_all(ctx, &condition, &targets);
	condition_finish(&condition);
	kt_targets_finish(&targets);
	return code;
}

static const enum kt_completion ARGUMENTS[] = {KT_COMPLETE_RESOURCE_OR_NAME, KT_COMPLETE_NONE};

const struct kt_command kt_command_wait = {
        .name = "wait",
        .group = "Look",
        .usage = "wait (-f FILE | TYPE [NAME… | -l SELECTOR | --all]) --for=CONDITION "
                 "[--timeout=TIME]",
        .summary = "Wait until objects are in a condition",
        .help = "Examples:\n"
                "  kube-tui wait deploy/web --for=condition=Available\n"
                "  kube-tui wait pod/web-0 --for=jsonpath='{.status.phase}'=Running\n"
                "  kube-tui wait pod/web-0 --for=delete --timeout=60s",
        .options = OPTIONS,
        .arguments = ARGUMENTS,
        .needs_client = true,
        .reads = true,
        .run = run,
};
