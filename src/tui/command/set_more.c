/* SPDX-License-Identifier: GPL-3.0-or-later */
/* set selector: which pods a Service leads to. set subject: to whom a role is given. */
#include "tui/command/create_kinds.h"
#include "tui/command/set.h"

#include "api/machinery/selector.h"

#include <errno.h>

#define RBAC "rbac.authorization.k8s.io"

static const struct kt_option SELECTOR_OPTIONS[] = {
        KT_OPTION_FILENAME,
        KT_OPTION_RECURSIVE,
        KT_OPTION_ALL,
        KT_OPTION_RESOURCE_VERSION,
        KT_OPTION_OUTPUT,
        KT_OPTION_DRY_RUN,
        KT_OPTION_LOCAL,
        KT_OPTION_FIELD_MANAGER("kubectl-set"),
        KT_OPTION_END,
};

static const struct kt_option SUBJECT_OPTIONS[] = {
        {.name = "user", .type = KT_OPTION_STRINGS, .value_name = "NAME", .help = "to this user"},
        {.name = "group", .type = KT_OPTION_STRINGS, .value_name = "NAME", .help = "to this group"},
        {.name = "serviceaccount",
                .type = KT_OPTION_STRINGS,
                .value_name = "NAMESPACE:NAME",
                .help = "to this service account"},
        KT_SET_OPTIONS,
};

static int apply_selector(struct kt_command_context *ctx, json_t *object,
        const struct kt_set_change *change, struct kt_err *err)
{
	const char *version = kt_opt_string(ctx, "resource-version");

	if (!kt_streq(kt_jstr(object, "kind"), "Service"))
		return kt_fail(err, EINVAL, "setting a selector is only supported for Services");
	json_object_set(json_object_get(object, "spec"), "selector", change->from);
	if (version)
		json_object_set_new(json_object_get(object, "metadata"), "resourceVersion",
		        json_string(version));
	return 0;
}

/* "a=b,c=d", as no other form fits into a Service. New reference, NULL with err. */
static json_t *labels_of(const char *text, struct kt_err *err)
{
	struct kt_selector *selector = NULL;
	kt_auto_err why = KT_ERR_INIT;

	if (kt_selector_parse(text, &selector, &why) < 0) {
		kt_fail(err, EINVAL, "couldn't parse the selector string \"%s\": %s", text,
		        kt_err_message(&why));
		return NULL;
	}
	kt_selector_destroy(selector);
	if (strpbrk(text, "()!") || !strchr(text, '=')) {
		kt_fail(err, EINVAL, "match expression [%s] not supported on this object", text);
		return NULL;
	}
	return kt_create_map(text, "selector", err);
}

/* The last word is the selector. */
static int run_selector(struct kt_command_context *ctx)
{
	kt_auto_err err = KT_ERR_INIT;

	if (!ctx->argc)
		return kt_command_fail(ctx, NULL, "one selector is required");
	if (ctx->argc == 2 && !strchr(ctx->argv[0], '/') && !kt_opt_bool(ctx, "all") &&
	        !kt_opt_strings(ctx, "filename")->n)
		return kt_command_fail(
		        ctx, NULL, "resource(s) were provided, but no name was specified");
	kt_auto_json json_t *labels = ctx->argc > 1 || kt_opt_strings(ctx, "filename")->n
	                                      ? labels_of(ctx->argv[ctx->argc - 1], &err)
	                                      : json_object();
	struct kt_set_change change = {
	        .apply = apply_selector, .whole = true, .done = "selector updated", .from = labels};

	if (!labels)
		return kt_command_fail(ctx, &err, NULL);
	ctx->argc--;
	int code = kt_targets_run(
	        ctx, KT_TARGET_FILES | KT_TARGET_NEED_NAME | KT_TARGET_LIVE, kt_set_one, &change);

	ctx->argc++;
	return code;
}

static void add_subject(json_t *subjects, json_t *subject)
{
	json_t *now;
	size_t i;

	json_array_foreach(subjects, i, now) {
		if (json_equal(now, subject)) {
			json_decref(subject);
			return;
		}
	}
	json_array_append_new(subjects, subject);
}

static int apply_subjects(struct kt_command_context *ctx, json_t *object,
        const struct kt_set_change *change, struct kt_err *err)
{
	const char *kind = kt_jstr(object, "kind");
	json_t *subjects = json_object_get(object, "subjects"), *subject;
	size_t i;

	if (!kt_streq(kind, "RoleBinding") && !kt_streq(kind, "ClusterRoleBinding")) {
		const struct kt_resource *resource = kt_session_builtin_resource(
		        ctx->session, kt_jstr(object, "apiVersion"), kind);

		return kt_fail(err, EINVAL,
		        "error: %s/%s setting subjects is only supported for "
		        "RoleBinding/ClusterRoleBinding\n",
		        resource ? resource->plural : kind, kt_jstr(object, "metadata.name"));
	}
	if (!subjects) {
		subjects = json_array();
		json_object_set_new(object, "subjects", subjects);
	}
	json_array_foreach(change->from, i, subject)
		add_subject(subjects, json_incref(subject));
	return 0;
}

static int add_accounts(const struct kt_command_context *ctx, json_t *subjects, struct kt_err *err)
{
	const struct kt_strings *accounts = kt_opt_strings(ctx, "serviceaccount");

	for (size_t i = 0; i < accounts->n; i++) {
		const char *text = accounts->items[i], *colon = strchr(text, ':');

		if (!colon || colon == text || !colon[1] || strchr(colon + 1, ':'))
			return kt_fail(err, EINVAL, "serviceaccount must be <namespace>:<name>");
		kt_auto_free char *namespace = kt_strndup(text, (size_t)(colon - text));

		json_array_append_new(
		        subjects, json_pack("{s:s, s:s, s:s}", "kind", "ServiceAccount", "name",
		                          colon + 1, "namespace", namespace));
	}
	return 0;
}

static int run_subject(struct kt_command_context *ctx)
{
	static const char *const KINDS[][2] = {{"user", "User"}, {"group", "Group"}};
	kt_auto_json json_t *subjects = json_array();
	kt_auto_err err = KT_ERR_INIT;
	struct kt_set_change change = {.apply = apply_subjects,
	        .whole = true,
	        .done = "subjects updated",
	        .failure = "failed to patch subjects to rolebinding:",
	        .from = subjects};

	for (size_t i = 0; i < KT_ARRAY_SIZE(KINDS); i++) {
		const struct kt_strings *names = kt_opt_strings(ctx, KINDS[i][0]);

		for (size_t j = 0; j < names->n; j++)
			json_array_append_new(
			        subjects, json_pack("{s:s, s:s, s:s}", "apiGroup", RBAC, "kind",
			                          KINDS[i][1], "name", names->items[j]));
	}
	if (add_accounts(ctx, subjects, &err) < 0)
		return kt_command_fail(ctx, &err, NULL);
	if (!json_array_size(subjects) && (ctx->argc || kt_opt_strings(ctx, "filename")->n))
		return kt_command_fail(ctx, NULL,
		        "you must specify at least one value of user, group or serviceaccount");
	return kt_targets_run(
	        ctx, KT_TARGET_FILES | KT_TARGET_NEED_NAME | KT_TARGET_LIVE, kt_set_one, &change);
}

static const enum kt_completion OBJECTS[] = {KT_COMPLETE_RESOURCE_OR_NAME, KT_COMPLETE_NONE};

const struct kt_command kt_command_set_selector = {
        .name = "selector",
        .group = "Change",
        .usage = "set selector (-f FILE | TYPE NAME) A=B,…",
        .summary = "Lead a Service to other pods",
        .options = SELECTOR_OPTIONS,
        .arguments = OBJECTS,
        .needs_client = true,
        .prints_typed = true,
        .run = run_selector,
};

const struct kt_command kt_command_set_subject = {
        .name = "subject",
        .group = "Change",
        .usage = "set subject (-f FILE | TYPE NAME) [--user=NAME] [--group=NAME] "
                 "[--serviceaccount=NAMESPACE:NAME]",
        .summary = "Give a role to more users, groups or service accounts",
        .options = SUBJECT_OPTIONS,
        .arguments = OBJECTS,
        .needs_client = true,
        .prints_typed = true,
        .run = run_subject,
};
