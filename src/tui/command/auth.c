/* SPDX-License-Identifier: GPL-3.0-or-later */
/* auth: who one is and what one may do. */
#include "tui/command/options.h"
#include "tui/command/output.h"
#include "tui/command/rule_lines.h"

#include <errno.h>

#define REVIEWS "/apis/authorization.k8s.io/v1/"

static const struct kt_option CAN_OPTIONS[] = {
        KT_OPTION_ALL_NAMESPACES,
        {.name = "quiet", .letter = 'q', .type = KT_OPTION_BOOL, .help = "only the exit code"},
        {.name = "list",
                .type = KT_OPTION_BOOL,
                .help = "everything that is allowed in the namespace"},
        {.name = "subresource",
                .type = KT_OPTION_STRING,
                .value_name = "NAME",
                .help = "of this sub-resource"},
        {.name = "no-headers", .type = KT_OPTION_BOOL, .help = "--list without its head"},
        KT_OPTION_END,
};

static const struct kt_option WHO_OPTIONS[] = {
        KT_OPTION_OUTPUT,
        KT_OPTION_END,
};

static void warn_unknown(struct kt_command_context *ctx, const char *type)
{
	size_t len = strcspn(type, ".");

	fprintf(ctx->err, "Warning: the server doesn't have a resource type '%.*s'", (int)len,
	        type);
	if (type[len])
		fprintf(ctx->err, " in group '%s'", type + len + 1);
	fputs("\n\n", ctx->err);
}

static void warn_of_verb(struct kt_command_context *ctx, const char *verb)
{
	static const char *const KNOWN[] = {"*", "get", "list", "watch", "create", "update",
	        "patch", "delete", "deletecollection", "use", "bind", "escalate", "impersonate",
	        "approve", "sign", "post", "put", "head", "options"};

	for (size_t i = 0; i < KT_ARRAY_SIZE(KNOWN); i++)
		if (!strcasecmp(verb, KNOWN[i]))
			return;
	fprintf(ctx->err, "Warning: verb '%s' is not a known verb\n\n", verb);
}

static json_t *resource_attributes(
        struct kt_command_context *ctx, const char *verb, const char *word)
{
	const char *slash = strchr(word, '/'), *sub = kt_opt_string(ctx, "subresource");
	kt_auto_free char *type =
	        slash ? kt_strndup(word, (size_t)(slash - word)) : kt_strdup(word);
	kt_auto_err err = KT_ERR_INIT;
	const struct kt_resource *resource = kt_session_resource(ctx->session, type, &err);
	json_t *attributes = json_pack("{s:s, s:s, s:s}", "verb", verb, "group",
	        resource ? resource->group : "", "resource", resource ? resource->plural : type);

	if (!resource && strcmp(type, "*") != 0)
		warn_unknown(ctx, type);
	if (resource && !resource->namespaced)
		fprintf(ctx->err, "Warning: resource '%s' is not namespace scoped\n\n",
		        resource->plural);
	if (!kt_opt_bool(ctx, "all-namespaces") && (!resource || resource->namespaced))
		json_object_set_new(
		        attributes, "namespace", json_string(kt_session_namespace(ctx->session)));
	if (slash)
		json_object_set_new(attributes, "name", json_string(slash + 1));
	if (sub)
		json_object_set_new(attributes, "subresource", json_string(sub));
	return attributes;
}

static json_t *review(struct kt_command_context *ctx)
{
	const char *verb = ctx->argv[0], *what = ctx->argv[1];
	json_t *spec = json_object();

	if (*what == '/') {
		json_object_set_new(spec, "nonResourceAttributes",
		        json_pack("{s:s, s:s}", "verb", verb, "path", what));
		return spec;
	}
	json_t *attributes = resource_attributes(ctx, verb, what);

	json_object_set_new(spec, "resourceAttributes", attributes);
	return spec;
}

static void join(const json_t *array, struct kt_str *out)
{
	json_t *value;
	size_t i;

	kt_str_putc(out, '[');
	json_array_foreach(array, i, value)
		kt_str_printf(out, "%s%s", i ? " " : "", json_string_value(value));
	kt_str_putc(out, ']');
}

static void rule_row(struct kt_table_writer *table, const struct kt_rule_line *line)
{
	const char *const lists[] = {line->url, line->name, line->verbs};

	kt_table_writer_cell(table, line->resource);
	for (size_t i = 0; i < KT_ARRAY_SIZE(lists); i++) {
		kt_auto_free char *text = kt_asprintf("[%s]", lists[i]);

		kt_table_writer_cell(table, text);
	}
	kt_table_writer_end_row(table);
}

static int list_rules(struct kt_command_context *ctx)
{
	static const char *const NAMES[] = {
	        "Resources", "Non-Resource URLs", "Resource Names", "Verbs"};
	kt_auto_err err = KT_ERR_INIT;
	kt_auto_json json_t *body = json_pack("{s:s, s:s, s:{s:s}}", "apiVersion",
	        "authorization.k8s.io/v1", "kind", "SelfSubjectRulesReview", "spec", "namespace",
	        kt_session_namespace(ctx->session));
	kt_auto_json json_t *answer = kt_session_request(
	        ctx, "POST", REVIEWS "selfsubjectrulesreviews", NULL, body, &err);
	if (!answer)
		return kt_command_fail(ctx, &err, NULL);
	kt_auto_json json_t *rules = json_copy(kt_jget(answer, "status.resourceRules"));

	if (rules)
		json_array_extend(rules, kt_jget(answer, "status.nonResourceRules"));
	size_t n;
	struct kt_rule_line *lines = kt_rule_lines(rules, &n);
	struct kt_table_writer *table = kt_table_writer_create(ctx->out);

	for (size_t i = 0; !kt_opt_bool(ctx, "no-headers") && i < KT_ARRAY_SIZE(NAMES); i++)
		kt_table_writer_cell(table, NAMES[i]);
	if (!kt_opt_bool(ctx, "no-headers"))
		kt_table_writer_end_row(table);
	for (size_t i = 0; i < n; i++)
		rule_row(table, &lines[i]);
	kt_table_writer_destroy(table);
	kt_rule_lines_free(lines, n);
	return KT_EXIT_OK;
}

static int run_can(struct kt_command_context *ctx)
{
	kt_auto_err err = KT_ERR_INIT;

	if (kt_opt_bool(ctx, "list") && ctx->argc)
		return kt_command_fail(
		        ctx, NULL, "list option must be specified with no arguments");
	if (kt_opt_bool(ctx, "list"))
		return list_rules(ctx);
	if (ctx->argc != 2) {
		kt_command_fail(ctx, NULL,
		        "you must specify two arguments: verb resource or verb "
		        "resource/resourceName.");
		fputs("See 'kube-tui auth can-i -h' for help and examples.\n", ctx->err);
		return KT_EXIT_ERROR;
	}
	warn_of_verb(ctx, ctx->argv[0]);
	kt_auto_json json_t *body = json_pack("{s:s, s:s, s:o}", "apiVersion",
	        "authorization.k8s.io/v1", "kind", "SelfSubjectAccessReview", "spec", review(ctx));
	kt_auto_json json_t *answer = kt_session_request(
	        ctx, "POST", REVIEWS "selfsubjectaccessreviews", NULL, body, &err);

	if (!answer)
		return kt_command_fail(ctx, &err, NULL);
	bool allowed = kt_jbool(answer, "status.allowed", false);
	const char *reason = kt_jstr(answer, "status.reason");

	if (!kt_opt_bool(ctx, "quiet"))
		fprintf(ctx->out, "%s%s%s\n", allowed ? "yes" : "no",
		        !allowed && reason && *reason ? " - " : "",
		        !allowed && reason ? reason : "");
	return allowed ? KT_EXIT_OK : KT_EXIT_ERROR;
}

static void user_row(struct kt_table_writer *table, const char *name, const json_t *value)
{
	kt_auto_str text = KT_STR_INIT;

	if (json_is_array(value))
		join(value, &text);
	else
		kt_str_puts(&text, json_string_value(value));
	kt_table_writer_cell(table, name);
	kt_table_writer_cell(table, kt_str_text(&text));
	kt_table_writer_end_row(table);
}

static void show_user(struct kt_command_context *ctx, const json_t *user)
{
	static const char *const ROWS[][2] = {
	        {"Username", "username"}, {"UID", "uid"}, {"Groups", "groups"}};
	struct kt_table_writer *table = kt_table_writer_create(ctx->out);
	const char *key;
	json_t *value;

	kt_table_writer_cell(table, "ATTRIBUTE");
	kt_table_writer_cell(table, "VALUE");
	kt_table_writer_end_row(table);
	for (size_t i = 0; i < KT_ARRAY_SIZE(ROWS); i++)
		if (json_object_get(user, ROWS[i][1]))
			user_row(table, ROWS[i][0], json_object_get(user, ROWS[i][1]));
	json_object_foreach(json_object_get(user, "extra"), key, value) {
		kt_auto_free char *name = kt_asprintf("Extra: %s", key);

		user_row(table, name, value);
	}
	kt_table_writer_destroy(table);
}

static int run_who(struct kt_command_context *ctx)
{
	kt_auto_err err = KT_ERR_INIT;
	kt_auto_json json_t *body = json_pack("{s:s, s:s}", "apiVersion",
	        "authentication.k8s.io/v1", "kind", "SelfSubjectReview");
	kt_auto_json json_t *answer = kt_session_request(
	        ctx, "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", NULL, body, &err);

	if (!answer)
		return kt_command_fail(ctx, &err, NULL);
	if (kt_opt_string(ctx, "output")) {
		struct kt_printer *printer = NULL;
		int r = kt_printer_create(ctx, false, false, &printer, &err);

		if (r == 0)
			r = kt_printer_object(printer,
			        kt_session_resource(ctx->session, "selfsubjectreviews", &err),
			        answer, &err);
		kt_printer_destroy(printer);
		return r < 0 ? kt_command_fail(ctx, &err, NULL) : KT_EXIT_OK;
	}
	show_user(ctx, kt_jget(answer, "status.userInfo"));
	return KT_EXIT_OK;
}

static const struct kt_command auth_can = {
        .name = "can-i",
        .group = "Cluster",
        .usage = "auth can-i VERB (TYPE[/NAME] | /PATH) [--list]",
        .summary = "Ask whether something is allowed",
        .options = CAN_OPTIONS,
        .needs_client = true,
        .run = run_can,
};

static const struct kt_command auth_who = {
        .name = "whoami",
        .group = "Cluster",
        .usage = "auth whoami",
        .summary = "Show who the server takes one for",
        .options = WHO_OPTIONS,
        .prints_typed = true,
        .needs_client = true,
        .run = run_who,
};

const struct kt_command kt_command_auth = {
        .name = "auth",
        .group = "Cluster",
        .usage = "auth (can-i|whoami)",
        .summary = "Show who one is and what one may do",
        .subcommands = (const struct kt_command *const[]){&auth_can, &auth_who, NULL},
        .reads = true,
};
