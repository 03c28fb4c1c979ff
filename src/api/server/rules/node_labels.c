/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/rules/node_labels.h"

#include "api/machinery/names.h"

static const struct {
	const char *old, *now;
} renamed[] = {
        {"beta.kubernetes.io/arch", "deprecated since v1.14; use \"kubernetes.io/arch\" instead"},
        {"beta.kubernetes.io/os", "deprecated since v1.14; use \"kubernetes.io/os\" instead"},
        {"failure-domain.beta.kubernetes.io/region",
                "deprecated since v1.17; use \"topology.kubernetes.io/region\" instead"},
        {"failure-domain.beta.kubernetes.io/zone",
                "deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead"},
        {"beta.kubernetes.io/instance-type",
                "deprecated since v1.17; use \"node.kubernetes.io/instance-type\" instead"},
        {"node-role.kubernetes.io/master", "use \"node-role.kubernetes.io/control-plane\" instead"},
};

const char *kt_node_label_deprecation(const char *key)
{
	for (size_t i = 0; i < KT_ARRAY_SIZE(renamed); i++)
		if (!strcmp(renamed[i].old, key))
			return renamed[i].now;
	return NULL;
}

void kt_warn_node_label(struct kt_rule_context *c, const struct kt_at *key)
{
	const char *why = kt_node_label_deprecation(kt_at_text(key));

	if (why)
		kt_rule_warn(c, "%s: %s is %s", kt_at_path(c, key), kt_at_text(key), why);
}

void kt_warn_node_selector(
        struct kt_rule_context *c, const struct kt_at *selector, bool is_one_place)
{
	for (size_t i = 0; i < KT_ARRAY_SIZE(renamed); i++) {
		struct kt_at at = kt_at_key(selector, renamed[i].old);

		if (at.value)
			kt_rule_warn(c, "%s: %s", kt_at_path(c, is_one_place ? selector : &at),
			        renamed[i].now);
	}
}

static void warn_value(struct kt_rule_context *c, const struct kt_at *value)
{
	struct kt_messages messages = {0};
	size_t n = kt_format_check("label-value", kt_sv_of(kt_at_text(value)), &messages);

	for (size_t i = 0; i < n; i++)
		kt_rule_warn(c, "%s: %s is invalid, %s", kt_at_path(c, value), kt_at_text(value),
		        messages.items[i]);
}

void kt_warn_node_term(struct kt_rule_context *c, const struct kt_at *term, bool with_values)
{
	struct kt_at expressions = kt_at(term, "matchExpressions");

	KT_EACH(expression, &expressions) {
		struct kt_at key = kt_at(&expression, "key"), values = kt_at(&expression, "values");

		kt_warn_node_label(c, &key);
		KT_EACH(value, &values) {
			if (with_values)
				warn_value(c, &value);
		}
	}
}

void kt_warn_node_terms(struct kt_rule_context *c, const struct kt_at *selector)
{
	struct kt_at terms = kt_at(selector, "nodeSelectorTerms");

	KT_EACH(term, &terms) {
		kt_warn_node_term(c, &term, false);
	}
}
