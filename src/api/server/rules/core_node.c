/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/machinery/go_text.h"
#include "api/machinery/names.h"
#include "api/server/rules/addresses.h"
#include "api/server/rules/meta.h"
#include "api/server/rules/names.h"
#include "api/server/rules/quantities.h"

#include <ctype.h>

/* podCIDR and the first of podCIDRs are one thing. */
static void default_object(struct kt_rule_context *c, json_t *node)
{
	(void)c;
	kt_quantities_default_list(kt_jget(node, "status.capacity"));
	kt_quantities_default_list(kt_jget(node, "status.allocatable"));
	json_t *spec = json_object_get(node, "spec"), *list = json_object_get(spec, "podCIDRs");
	const char *one = kt_text_of(spec, "podCIDR"),
	           *first = json_string_value(json_array_get(list, 0));
	if (*one && !first)
		json_object_set_new(spec, "podCIDRs", json_pack("[s]", one));
	else if (*one && !kt_streq(one, first))
		json_object_set_new(spec, "podCIDRs", json_pack("[s]", one));
	else if (!*one && first)
		json_object_set(spec, "podCIDR", json_array_get(list, 0));
}

/* Taints are reported below metadata, where they once were. */
static void check_taints(
        struct kt_rule_context *c, const struct kt_at *meta, const struct kt_at *spec)
{
	static const char *const effects[] = {"NoSchedule", "PreferNoSchedule", "NoExecute", NULL};
	struct kt_names seen = {.arena = c->arena};
	struct kt_at own = kt_at(spec, "taints"), taints = kt_at(meta, "taints");
	taints.value = own.value;
	taints.type = own.type;
	taints.field = own.field;
	KT_EACH(taint, &taints) {
		struct kt_at key = kt_at(&taint, "key"), value = kt_at(&taint, "value"),
		             effect = kt_at(&taint, "effect");
		kt_check_format(c, &key, "qualified-name");
		kt_check_format(c, &value, "label-value");
		if (kt_check_required(c, &effect))
			kt_check_in(c, &effect, effects);
		const char *pair =
		        kt_path(c->arena, "%s:%s", kt_at_text(&key), kt_at_text(&effect));
		if (kt_names_add(&seen, pair))
			continue;
		kt_auto_json json_t *shown =
		        json_pack("{s:s, s:s, s:s, s:n}", "Key", kt_at_text(&key), "Value",
		                kt_at_text(&value), "Effect", kt_at_text(&effect), "TimeAdded");
		kt_auto_str text = KT_STR_INIT;
		kt_json_write(&text, shown, 0);
		kt_field_error_add(&c->errors, KT_FIELD_ERROR_DUPLICATE, kt_at_path(c, &taint),
		        kt_path(c->arena,
		                "Duplicate value: %s: taints must be unique by key and effect pair",
		                kt_str_text(&text)));
	}
}

static void check_cidrs(struct kt_rule_context *c, const struct kt_at *spec)
{
	struct kt_at list = kt_at(spec, "podCIDRs");
	int families[2] = {0, 0};
	size_t bad = SIZE_MAX;
	KT_EACH(cidr, &list) {
		uint8_t bytes[16];
		int family = 0, bits;
		kt_check_format(c, &cidr, "cidr");
		if (kt_cidr_parse(kt_sv_of(kt_at_text(&cidr)), bytes, &family, &bits))
			families[family == 6]++;
		else if (bad == SIZE_MAX)
			bad = kt_i_cidr;
	}
	if (kt_at_n(&list) < 2)
		return;
	if (bad != SIZE_MAX) {
		struct kt_at at = kt_at_index(&list, bad);
		kt_field_error_add(&c->errors, KT_FIELD_ERROR_INTERNAL, kt_at_path(c, &list),
		        kt_path(c->arena,
		                "Internal error: invalid PodCIDRs. failed to check with dual stack "
		                "with error:invalid CIDR[%zu]: <nil> (invalid CIDR "
		                "address: %s)",
		                bad, kt_at_text(&at)));
	}
	if (bad != SIZE_MAX || families[0] != 1 || families[1] != 1 || kt_at_n(&list) > 2)
		if (bad == SIZE_MAX || kt_at_n(&list) > 2)
			kt_add_invalid(
			        c, &list, "may specify no more than one CIDR for each IP family");
}

/* Amounts are reported with dots instead of brackets. */
static void check_amounts(struct kt_rule_context *c, const struct kt_at *status, const char *name)
{
	struct kt_at map = kt_at(status, name);
	struct kt_keys keys = kt_at_keys(c, &map);
	for (size_t i = 0; i < keys.n; i++) {
		struct kt_at at = kt_at_key(&map, keys.names[i]);
		at.is_key = false;
		kt_check_quantity(c, &at, keys.names[i]);
	}
}

static bool is_feature(const char *name)
{
	bool start = true;
	for (const char *p = name; *p; p++) {
		if (*p == '/'                ? start
		        : start && p == name ? !isupper((unsigned char)*p)
		                             : !isalnum((unsigned char)*p))
			return false;
		start = *p == '/';
	}
	return *name && !start;
}

static void check_features(struct kt_rule_context *c, const struct kt_at *status)
{
	struct kt_at list = kt_at(status, "declaredFeatures");
	const char *last = "";
	KT_EACH(feature, &list) {
		const char *name = kt_at_text(&feature);
		if (kt_i_feature && strcmp(name, last) < 0)
			kt_add_invalid(c, &feature, "list must be sorted alphabetically");
		else if (kt_i_feature && strcmp(name, last) == 0)
			kt_add_duplicate(c, &feature);
		if (!is_feature(name))
			kt_add_invalid(c, &feature,
			        "invalid feature name \"%s\": must start with an UpperCamelCase "
			        "segment, with subsequent segments separated by '/' "
			        "(e.g., MyFeature or MyFeature/mySubFeature), and contain only "
			        "alphanumeric characters and slashes",
			        name);
		last = name;
	}
}

static void check_update(struct kt_rule_context *c, const struct kt_at *spec, const json_t *old)
{
	const json_t *before = json_object_get(old, "spec");
	struct kt_at cidrs = kt_at(spec, "podCIDRs"), provider = kt_at(spec, "providerID");
	const json_t *old_cidrs = json_object_get(before, "podCIDRs");
	if (json_array_size(old_cidrs) && !kt_same(cidrs.value, old_cidrs))
		kt_add_forbidden(
		        c, &cidrs, "node updates may not change podCIDR except from \"\" to valid");
	if (*kt_text_of(before, "providerID") &&
	        !kt_at_is(&provider, kt_text_of(before, "providerID")))
		kt_add_forbidden(c, &provider,
		        "node updates may not change providerID except from \"\" to valid");
}

/* An old annotation that a scheduler once read; still checked. */
static void check_avoided(struct kt_rule_context *c, const struct kt_at *meta)
{
	static const char key[] = "scheduler.alpha.kubernetes.io/preferAvoidPods";
	struct kt_at annotations = kt_at(meta, "annotations"), value = kt_at_key(&annotations, key);
	kt_auto_err err = KT_ERR_INIT;
	if (!*kt_at_text(&value))
		return;
	kt_auto_json json_t *parsed = kt_json_parse(kt_sv_of(kt_at_text(&value)), NULL, &err);
	struct kt_at at = kt_at_alone(value.type, value.value, "metadata.annotations.AvoidPods");
	if (!parsed) {
		kt_add_invalid_text(c, &at, key, "%s", kt_go_json_reason(kt_err_message(&err)));
		return;
	}
	size_t i;
	json_t *entry;
	json_array_foreach(json_object_get(parsed, "preferAvoidPods"), i, entry) {
		const char *path =
		        kt_path(c->arena, "metadata.annotations.%s[%zu].PodSignature", key, i);
		if (!kt_jget(entry, "podSignature.podController"))
			kt_field_required(&c->errors, path, "");
	}
}

static void validate(struct kt_rule_context *c, const json_t *node, const json_t *old)
{
	struct kt_at root = kt_at_root(c, node), spec = kt_at(&root, "spec"),
	             status = kt_at(&root, "status");
	struct kt_at meta = kt_at(&root, "metadata");
	kt_meta_validate(c, node, NULL);
	check_avoided(c, &meta);
	check_taints(c, &meta, &spec);
	if (!old)
		check_amounts(c, &status, "capacity");
	if (!old)
		check_amounts(c, &status, "allocatable");
	check_features(c, &status);
	check_cidrs(c, &spec);
	if (!old)
		return;
	kt_meta_validate_update(c, node, old);
	check_avoided(c, &meta);
	check_amounts(c, &status, "capacity");
	check_amounts(c, &status, "allocatable");
	check_update(c, &spec, old);
	check_taints(c, &meta, &spec);
}

static int prepare(struct kt_rule_context *c, json_t *node, const json_t *old)
{
	json_t *status = json_object_get(node, "status");
	(void)c;
	/* Kubelets are no longer configured through the API. */
	if (!kt_jget(old, "spec.configSource"))
		json_object_del(json_object_get(node, "spec"), "configSource");
	if (!kt_jget(old, "status.config"))
		json_object_del(status, "config");
	if (json_object_get(status, "capacity") && !json_object_get(status, "allocatable"))
		json_object_set(status, "allocatable", json_object_get(status, "capacity"));
	return 0;
}

static void warn(struct kt_rule_context *c, const json_t *node, const json_t *old)
{
	struct kt_at root = kt_at_root(c, node), spec = kt_at(&root, "spec"),
	             cidrs = kt_at(&spec, "podCIDRs");
	if (kt_jget(node, "spec.configSource"))
		kt_rule_warn(c, "spec.configSource: the feature is no longer supported");
	if (*kt_text_of(spec.value, "externalID") &&
	        !*kt_text_of(json_object_get(old, "spec"), "externalID"))
		kt_rule_warn(c,
		        "spec.externalID: this field is deprecated, and is unused by Kubernetes");
	KT_EACH(cidr, &cidrs) {
		kt_warn_cidr(c, &cidr);
	}
}

const struct kt_rules kt_rules_core_node = {
        .group = "",
        .kind = "Node",
        .creates_status = true, /* a kubelet registers itself with what it is */
        .default_object = default_object,
        .prepare = prepare,
        .validate = validate,
        .warn = warn,
};
