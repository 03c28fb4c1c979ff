/* SPDX-License-Identifier: GPL-3.0-or-later */
/* DNS, gates, tolerations, topology spread: what a pod says about where and how it is placed. */
#include "api/machinery/names.h"
#include "api/server/rules/names.h"
#include "api/server/rules/pod.h"

#define NAMESERVERS_MAX 3
#define SEARCHES_MAX 32
#define SEARCH_CHARS_MAX 2048

void kt_check_pod_dns(struct kt_pod *pod)
{
	struct kt_rule_context *c = pod->c;
	struct kt_at config = kt_at(pod->spec, "dnsConfig"),
	             servers = kt_at(&config, "nameservers");
	struct kt_at searches = kt_at(&config, "searches"), options = kt_at(&config, "options");
	if (strcmp(kt_text_of(pod->spec->value, "dnsPolicy"), "None") == 0) {
		if (!config.value) {
			kt_add_required(
			        c, &config, "must provide `dnsConfig` when `dnsPolicy` is None");
			return;
		}
		if (!kt_at_n(&servers)) {
			kt_add_required(c, &servers,
			        "must provide at least one DNS nameserver when `dnsPolicy` is "
			        "None");
			return;
		}
	}
	if (kt_at_n(&servers) > NAMESERVERS_MAX)
		kt_add_invalid(
		        c, &servers, "must not have more than %d nameservers", NAMESERVERS_MAX);
	KT_EACH(server, &servers) {
		kt_check_format(c, &server, "ip");
	}
	if (kt_at_n(&searches) > SEARCHES_MAX)
		kt_add_invalid(
		        c, &searches, "must not have more than %d search paths", SEARCHES_MAX);
	size_t chars = 0;
	KT_EACH(search, &searches) {
		const char *text = kt_at_text(&search);
		size_t len = strlen(text);
		chars += len + 1;
		if (strcmp(text, ".") == 0)
			continue;
		struct kt_messages messages = {0};
		size_t n = kt_format_check("dns1123-subdomain-underscore",
		        (struct kt_sv){text, len && text[len - 1] == '.' ? len - 1 : len},
		        &messages);
		for (size_t i = 0; i < n; i++)
			kt_add_invalid(c, &search, "%s", messages.items[i]);
	}
	if (chars > SEARCH_CHARS_MAX + 1)
		kt_add_invalid(c, &searches,
		        "must not have more than %d characters (including spaces) in the search "
		        "list",
		        SEARCH_CHARS_MAX);
	KT_EACH(option, &options) {
		if (!*kt_text_of(option.value, "name"))
			kt_add_required(c, &option, "must not be empty");
	}
}

void kt_check_pod_gates(struct kt_pod *pod)
{
	struct kt_names names = {.arena = pod->c->arena};
	struct kt_at ready = kt_at(pod->spec, "readinessGates"),
	             gates = kt_at(pod->spec, "schedulingGates");
	KT_EACH(gate, &ready) {
		struct kt_at type = kt_at(&gate, "conditionType");
		kt_check_format(pod->c, &type, "qualified-name");
	}
	KT_EACH(gate, &gates) {
		struct kt_at at = kt_at_with(&gate, json_object_get(gate.value, "name"));
		at.type = NULL;
		kt_check_format(pod->c, &at, "qualified-name");
		if (!kt_names_add(&names, kt_at_text(&at)))
			kt_add_duplicate(pod->c, &at);
	}
}

/* Tolerations */

static const char *const effects[] = {"NoSchedule", "PreferNoSchedule", "NoExecute", NULL};

static void check_operator(struct kt_rule_context *c, const struct kt_at *toleration)
{
	static const char *const all[] = {"Equal", "Exists", "Lt", "Gt", NULL}, *const basic[] = {
	                                                                                "Equal",
	                                                                                "Exists",
	                                                                                NULL};
	struct kt_at operator= kt_at(toleration, "operator"), value = kt_at(toleration, "value");
	if (kt_at_is(&operator, "") || kt_at_is(&operator, "Equal")) {
		kt_field_format(
		        &c->errors, kt_at_path(c, &operator), kt_at_text(&value), "label-value");
	} else if (kt_at_is(&operator, "Exists")) {
		if (*kt_at_text(&value))
			kt_add_invalid_text(c, &operator, kt_at_text(&value),
			        "value must be empty when `operator` is 'Exists'");
	} else {
		/* comparing operators are known, and off by default */
		bool compares = kt_at_is(&operator, "Lt") || kt_at_is(&operator, "Gt");
		kt_add_not_supported(c, &operator, compares ? all : basic);
	}
}

void kt_check_tolerations(struct kt_rule_context *c, const struct kt_at *tolerations)
{
	KT_EACH(toleration, tolerations) {
		struct kt_at key = kt_at(&toleration, "key"), operator= kt_at(
		                                                      &toleration, "operator");
		struct kt_at effect = kt_at(&toleration, "effect");
		if (*kt_at_text(&key))
			kt_check_format(c, &key, "qualified-name");
		else if (!kt_at_is(&operator, "Exists"))
			kt_add_invalid(c, &operator,
			        "operator must be Exists when `key` is empty, which "
			        "means \"match all values and all keys\"");
		if (json_object_get(toleration.value, "tolerationSeconds") &&
		        !kt_at_is(&effect, "NoExecute"))
			kt_add_invalid(c, &effect,
			        "effect must be 'NoExecute' when `tolerationSeconds` is set");
		check_operator(c, &toleration);
		if (*kt_at_text(&effect))
			kt_check_in(c, &effect, effects);
	}
}

/* Topology spread */

/* How many requirements of a selector are about the key. */
static size_t requirements_of(const json_t *selector, const char *key)
{
	size_t n = json_object_get(json_object_get(selector, "matchLabels"), key) != NULL, i;
	json_t *expression;
	json_array_foreach(json_object_get(selector, "matchExpressions"), i, expression) {
		n += strcmp(kt_text_of(expression, "key"), key) == 0;
	}
	return n;
}

/* One requirement is what the pod's own label was merged in as. */
static void check_spread_keys(struct kt_rule_context *c, const struct kt_at *constraint)
{
	struct kt_at keys = kt_at(constraint, "matchLabelKeys"),
	             selector = kt_at(constraint, "labelSelector");
	if (!kt_at_n(&keys))
		return;
	if (!selector.value) {
		kt_add_forbidden(c, &keys, "must not be specified when labelSelector is not set");
		return;
	}
	KT_EACH(key, &keys) {
		kt_check_format(c, &key, "qualified-name");
		if (requirements_of(selector.value, kt_at_text(&key)) > 1)
			kt_add_invalid(c, &key, "exists in both matchLabelKeys and labelSelector");
	}
}

static void check_min_domains(struct kt_rule_context *c, const struct kt_at *constraint)
{
	struct kt_at min = kt_at(constraint, "minDomains");
	const char *when = kt_text_of(constraint->value, "whenUnsatisfiable");
	if (!min.value)
		return;
	kt_check_positive(c, &min);
	if (strcmp(when, "DoNotSchedule") != 0)
		kt_add_invalid(c, &min,
		        "can only use minDomains if whenUnsatisfiable=DoNotSchedule, not %s", when);
}

static void check_spread_policy(
        struct kt_rule_context *c, const struct kt_at *constraint, const char *name)
{
	static const char *const policies[] = {"Honor", "Ignore", NULL};
	struct kt_at at = kt_at(constraint, name);
	if (at.value)
		kt_check_in(c, &at, policies);
}

void kt_check_pod_spread(struct kt_pod *pod)
{
	static const char *const whens[] = {"DoNotSchedule", "ScheduleAnyway", NULL};
	struct kt_rule_context *c = pod->c;
	struct kt_at list = kt_at(pod->spec, "topologySpreadConstraints");
	KT_EACH(constraint, &list) {
		struct kt_at skew = kt_at(&constraint, "maxSkew"),
		             key = kt_at(&constraint, "topologyKey");
		struct kt_at when = kt_at(&constraint, "whenUnsatisfiable"),
		             selector = kt_at(&constraint, "labelSelector");
		kt_check_positive(c, &skew);
		if (!*kt_at_text(&key))
			kt_add_required(c, &key, "can not be empty");
		else
			kt_check_format(c, &key, "qualified-name");
		kt_check_in(c, &when, whens);
		/* upstream reports the earlier of two equal ones, under a field that is no field */
		for (size_t j = 0; j < kt_i_constraint; j++) {
			const json_t *other = json_array_get(list.value, j);
			if (strcmp(kt_text_of(other, "topologyKey"), kt_at_text(&key)) != 0 ||
			        strcmp(kt_text_of(other, "whenUnsatisfiable"), kt_at_text(&when)) !=
			                0)
				continue;
			struct kt_at earlier = kt_at_index(&list, j),
			             at = kt_at(&earlier, "{topologyKey, whenUnsatisfiable}");
			kt_auto_json json_t *text = json_string(
			        kt_path(c->arena, "{%s, %s}", kt_at_text(&key), kt_at_text(&when)));
			kt_field_duplicate(&c->errors, kt_at_path(c, &at), text);
		}
		check_min_domains(c, &constraint);
		check_spread_policy(c, &constraint, "nodeAffinityPolicy");
		check_spread_policy(c, &constraint, "nodeTaintsPolicy");
		check_spread_keys(c, &constraint);
		kt_check_label_selector(c, &selector);
	}
}
