/* SPDX-License-Identifier: GPL-3.0-or-later */
/* create role, clusterrole, rolebinding, clusterrolebinding, quota, priorityclass, pdb, token. */
#include "tui/command/create_kinds.h"
#include "tui/command/options.h"
#include "tui/command/output.h"

#include "base/loop.h"

#include <errno.h>

#define RBAC "rbac.authorization.k8s.io"

json_t *kt_create_words(const struct kt_command_context *ctx, const char *option)
{
	const struct kt_strings *given = kt_opt_strings(ctx, option);
	json_t *words = json_array();

	for (size_t i = 0; i < given->n; i++) {
		struct kt_sv rest = kt_sv_of(given->items[i]), part;

		while (rest.len && kt_sv_split(&rest, ',', &part))
			json_array_append_new(words, json_stringn(part.p, part.len));
	}
	return words;
}

json_t *kt_create_map(const char *text, const char *what, struct kt_err *err)
{
	struct kt_sv rest = kt_sv_of(text ? text : ""), part;
	json_t *map = json_object();

	while (rest.len && kt_sv_split(&rest, ',', &part)) {
		const char *equals = memchr(part.p, '=', part.len);

		if (!equals) {
			kt_fail(err, EINVAL, "Invalid %s \"%.*s\", expected key=value", what,
			        (int)part.len, part.p);
			json_decref(map);
			return NULL;
		}
		kt_auto_free char *key = kt_strndup(part.p, (size_t)(equals - part.p));

		json_object_set_new(map, key,
		        json_stringn(equals + 1, (size_t)(part.p + part.len - equals - 1)));
	}
	return map;
}

/* Rules */

static json_t *rule_of_group(json_t *rules, const char *group)
{
	json_t *rule;
	size_t i;

	json_array_foreach(rules, i, rule) {
		if (kt_streq(json_string_value(
		                     json_array_get(json_object_get(rule, "apiGroups"), 0)),
		            group))
			return rule;
	}
	rule = json_pack("{s:[s], s:[]}", "apiGroups", group, "resources");
	json_array_append_new(rules, rule);
	return rule;
}

/* "deployments.apps/scale" into the rule of its group. */
static int add_resource(
        struct kt_command_context *ctx, json_t *rules, const char *word, struct kt_err *err)
{
	const char *slash = strchr(word, '/');
	kt_auto_free char *type =
	        slash ? kt_strndup(word, (size_t)(slash - word)) : kt_strdup(word);
	const struct kt_resource *resource =
	        strcmp(type, "*") ? kt_session_resource(ctx->session, type, err) : NULL;

	if (!resource && strcmp(type, "*") != 0)
		return err->code;
	json_t *rule = rule_of_group(rules, resource ? resource->group : "*");

	json_array_append_new(json_object_get(rule, "resources"),
	        json_sprintf("%s%s", resource ? resource->plural : "*", slash ? slash : ""));
	return 0;
}

/* New reference; NULL with err. */
static json_t *rules_of(struct kt_command_context *ctx, struct kt_err *err)
{
	kt_auto_json json_t *verbs = kt_create_words(ctx, "verb");
	kt_auto_json json_t *resources = kt_create_words(ctx, "resource");
	kt_auto_json json_t *names = kt_create_words(ctx, "resource-name");
	kt_auto_json json_t *urls = kt_create_words(ctx, "non-resource-url");
	json_t *rules = json_array(), *entry;
	size_t i;

	if (!json_array_size(verbs))
		kt_fail(err, EINVAL, "at least one verb must be specified");
	else if (!json_array_size(resources) && !json_array_size(urls))
		kt_fail(err, EINVAL, "at least one resource must be specified");
	json_array_foreach(resources, i, entry) {
		if (!err->code)
			add_resource(ctx, rules, json_string_value(entry), err);
	}
	if (json_array_size(urls))
		json_array_append_new(rules, json_pack("{s:O}", "nonResourceURLs", urls));
	json_array_foreach(rules, i, entry) {
		json_object_set(entry, "verbs", verbs);
		if (json_array_size(names) && json_object_get(entry, "resources"))
			json_object_set(entry, "resourceNames", names);
	}
	if (!err->code)
		return rules;
	json_decref(rules);
	return NULL;
}

static int create_any_role(struct kt_command_context *ctx, const char *kind, const char *word)
{
	const char *name = kt_create_name(ctx),
	           *aggregated = kt_opt_string(ctx, "aggregation-rule");
	kt_auto_err err = KT_ERR_INIT;

	if (!name)
		return KT_EXIT_ERROR;
	kt_auto_json json_t *object = kt_create_object_of(RBAC "/v1", kind, name);
	json_t *labels = aggregated ? kt_create_map(aggregated, "aggregation rule", &err) : NULL;
	json_t *rules = aggregated ? json_null() : rules_of(ctx, &err);

	if (err.code)
		return kt_command_fail(ctx, &err, NULL);
	if (labels)
		json_object_set_new(object, "aggregationRule",
		        json_pack("{s:[{s:o}]}", "clusterRoleSelectors", "matchLabels", labels));
	json_object_set_new(object, "rules", rules);
	return kt_create_finish(ctx, word, json_incref(object));
}

int kt_create_role(struct kt_command_context *ctx)
{
	return create_any_role(ctx, "Role", "roles." RBAC);
}

int kt_create_clusterrole(struct kt_command_context *ctx)
{
	return create_any_role(ctx, "ClusterRole", "clusterroles." RBAC);
}

/* Bindings */

static int add_accounts(struct kt_command_context *ctx, json_t *subjects, struct kt_err *err)
{
	kt_auto_json json_t *accounts = kt_create_words(ctx, "serviceaccount");
	json_t *entry;
	size_t i;

	json_array_foreach(accounts, i, entry) {
		const char *text = json_string_value(entry), *colon = strchr(text, ':');

		if (!colon || !colon[1] || colon == text)
			return kt_fail(err, EINVAL, "serviceaccount must be <namespace>:<name>");
		kt_auto_free char *namespace = kt_strndup(text, (size_t)(colon - text));

		json_array_append_new(
		        subjects, json_pack("{s:s, s:s, s:s}", "kind", "ServiceAccount", "name",
		                          colon + 1, "namespace", namespace));
	}
	return 0;
}

static int create_any_binding(struct kt_command_context *ctx, const char *kind, const char *word)
{
	static const char *const OPTIONS[][2] = {{"user", "User"}, {"group", "Group"}};
	const char *name = kt_create_name(ctx), *role = kt_opt_string(ctx, "role"),
	           *cluster_role = kt_opt_string(ctx, "clusterrole");
	bool in_cluster = !strcmp(kind, "ClusterRoleBinding");
	kt_auto_json json_t *subjects = json_array();
	kt_auto_err err = KT_ERR_INIT;

	if (!name)
		return KT_EXIT_ERROR;
	if (in_cluster && !cluster_role)
		return kt_command_fail(ctx, NULL, "clusterrole must be specified");
	if (!role == !cluster_role)
		return kt_command_fail(
		        ctx, NULL, "exactly one of clusterrole or role must be specified");
	for (size_t i = 0; i < KT_ARRAY_SIZE(OPTIONS); i++) {
		kt_auto_json json_t *names = kt_create_words(ctx, OPTIONS[i][0]);
		json_t *entry;
		size_t j;

		json_array_foreach(names, j, entry)
			json_array_append_new(
			        subjects, json_pack("{s:s, s:s, s:O}", "apiGroup", RBAC, "kind",
			                          OPTIONS[i][1], "name", entry));
	}
	if (add_accounts(ctx, subjects, &err) < 0)
		return kt_command_fail(ctx, &err, NULL);
	json_t *object = kt_create_object_of(RBAC "/v1", kind, name);

	json_object_set_new(object, "roleRef",
	        json_pack("{s:s, s:s, s:s}", "apiGroup", RBAC, "kind",
	                role ? "Role" : "ClusterRole", "name", role ? role : cluster_role));
	if (json_array_size(subjects))
		json_object_set(object, "subjects", subjects);
	return kt_create_finish(ctx, word, object);
}

int kt_create_rolebinding(struct kt_command_context *ctx)
{
	return create_any_binding(ctx, "RoleBinding", "rolebindings." RBAC);
}

int kt_create_clusterrolebinding(struct kt_command_context *ctx)
{
	return create_any_binding(ctx, "ClusterRoleBinding", "clusterrolebindings." RBAC);
}

/* Quotas, budgets, priorities */

int kt_create_quota(struct kt_command_context *ctx)
{
	const char *name = kt_create_name(ctx);
	kt_auto_err err = KT_ERR_INIT;
	kt_auto_json json_t *scopes = kt_create_words(ctx, "scopes");
	json_t *hard = kt_create_map(kt_opt_string(ctx, "hard"), "argument syntax", &err);

	if (!name || !hard) {
		json_decref(hard);
		return name ? kt_command_fail(ctx, &err, NULL) : KT_EXIT_ERROR;
	}
	json_t *object = kt_create_object_of("v1", "ResourceQuota", name),
	       *spec = json_pack("{s:o}", "hard", hard);

	if (json_array_size(scopes))
		json_object_set(spec, "scopes", scopes);
	json_object_set_new(object, "spec", spec);
	json_object_set_new(object, "status", json_object());
	return kt_create_finish(ctx, "resourcequotas", object);
}

/* 2 or 50% */
static json_t *amount(const char *text)
{
	int64_t number;

	return kt_sv_int64(kt_sv_of(text), &number) == 0 ? json_integer(number) : json_string(text);
}

int kt_create_poddisruptionbudget(struct kt_command_context *ctx)
{
	const char *name = kt_create_name(ctx), *min = kt_opt_string(ctx, "min-available"),
	           *max = kt_opt_string(ctx, "max-unavailable");
	kt_auto_err err = KT_ERR_INIT;

	if (!name)
		return KT_EXIT_ERROR;
	if (!kt_opt_string(ctx, "selector"))
		return kt_command_fail(ctx, NULL, "a selector must be specified");
	if (!min == !max)
		return kt_command_fail(ctx, NULL,
		        min ? "min-available and max-unavailable cannot be both specified"
		            : "one of min-available or max-unavailable must be specified");
	json_t *labels = kt_create_map(kt_opt_string(ctx, "selector"), "selector", &err);

	if (!labels)
		return kt_command_fail(ctx, &err, NULL);
	json_t *object = kt_create_object_of("policy/v1", "PodDisruptionBudget", name);

	json_object_set_new(object, "spec",
	        json_pack("{s:o, s:{s:o}}", min ? "minAvailable" : "maxUnavailable",
	                amount(min ? min : max), "selector", "matchLabels", labels));
	json_object_set_new(object, "status",
	        json_pack("{s:i, s:i, s:i, s:i}", "currentHealthy", 0, "desiredHealthy", 0,
	                "disruptionsAllowed", 0, "expectedPods", 0));
	return kt_create_finish(ctx, "poddisruptionbudgets.policy", object);
}

int kt_create_priorityclass(struct kt_command_context *ctx)
{
	const char *name = kt_create_name(ctx), *text = kt_opt_string(ctx, "description");

	if (!name)
		return KT_EXIT_ERROR;
	json_t *object = kt_create_object_of("scheduling.k8s.io/v1", "PriorityClass", name);

	json_object_set_new(object, "value", json_integer(kt_opt_int(ctx, "value")));
	json_object_set_new(
	        object, "preemptionPolicy", json_string(kt_opt_string(ctx, "preemption-policy")));
	if (text && *text)
		json_object_set_new(object, "description", json_string(text));
	if (kt_opt_bool(ctx, "global-default"))
		json_object_set_new(object, "globalDefault", json_true());
	return kt_create_finish(ctx, "priorityclasses.scheduling.k8s.io", object);
}

static int check_token(const struct kt_command_context *ctx, struct kt_err *err)
{
	const char *kind = kt_opt_string(ctx, "bound-object-kind"),
	           *name = kt_opt_string(ctx, "bound-object-name");

	if (kt_opt_int(ctx, "duration") < 0)
		return kt_fail(err, EINVAL, "--duration must be greater than or equal to 0");
	if (!kind && name)
		return kt_fail(err, EINVAL,
		        "--bound-object-name can only be set if --bound-object-kind is provided");
	if (!kind && kt_opt_string(ctx, "bound-object-uid"))
		return kt_fail(err, EINVAL,
		        "--bound-object-uid can only be set if --bound-object-kind is provided");
	if (kind && strcmp(kind, "Node") != 0 && strcmp(kind, "Pod") != 0 &&
	        strcmp(kind, "Secret") != 0)
		return kt_fail(
		        err, EINVAL, "supported --bound-object-kind values are Node, Pod, Secret");
	if (kind && !name)
		return kt_fail(err, EINVAL,
		        "--bound-object-name is required if --bound-object-kind is provided");
	return 0;
}

static json_t *token_request(const struct kt_command_context *ctx)
{
	const char *kind = kt_opt_string(ctx, "bound-object-kind"),
	           *uid = kt_opt_string(ctx, "bound-object-uid");
	int64_t seconds = kt_opt_int(ctx, "duration") / KT_NS_PER_S;
	json_t *spec = json_pack("{s:o}", "audiences", kt_create_words(ctx, "audience"));

	if (seconds)
		json_object_set_new(spec, "expirationSeconds", json_integer(seconds));
	if (kind) {
		json_t *bound = json_pack("{s:s, s:s, s:s}", "apiVersion", "v1", "kind", kind,
		        "name", kt_opt_string(ctx, "bound-object-name"));

		if (uid)
			json_object_set_new(bound, "uid", json_string(uid));
		json_object_set_new(spec, "boundObjectRef", bound);
	}
	return json_pack("{s:s, s:s, s:o}", "apiVersion", "authentication.k8s.io/v1", "kind",
	        "TokenRequest", "spec", spec);
}

int kt_create_token(struct kt_command_context *ctx)
{
	const char *name = kt_create_name(ctx);
	kt_auto_err err = KT_ERR_INIT;
	const struct kt_resource *accounts =
	        name ? kt_session_resource(ctx->session, "serviceaccounts", &err) : NULL;

	if (!name)
		return KT_EXIT_ERROR;
	if (!accounts || check_token(ctx, &err) < 0)
		return kt_command_fail(ctx, &err, NULL);
	kt_auto_json json_t *body = token_request(ctx);
	kt_auto_free char *path =
	        kt_resource_path(accounts, kt_session_namespace(ctx->session), name, "token");
	kt_auto_json json_t *answer = kt_session_request(ctx, "POST", path, NULL, body, &err);

	if (!answer)
		return kt_command_fail(
		        ctx, NULL, "failed to create token: %s", kt_err_message(&err));
	if (kt_opt_string(ctx, "output"))
		return kt_print_result(ctx, accounts, answer, "", &err) < 0
		               ? kt_command_fail(ctx, &err, NULL)
		               : KT_EXIT_OK;
	fprintf(ctx->out, "%s%s", kt_jstr(answer, "status.token"), ctx->out_is_tty ? "\n" : "");
	return KT_EXIT_OK;
}
