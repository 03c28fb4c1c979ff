/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/rules/meta.h"
#include "api/server/rules/pod.h"
#include "api/server/rules/quantities.h"
#include "api/server/rules/volumes.h"
#include "api/server/rules/workload.h"

#define FORBIDDEN \
	"updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', " \
	"'updateStrategy', " \
	"'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' " \
	"are forbidden"

static bool is_status(const struct kt_rule_context *c)
{
	return c->subresource && strcmp(c->subresource, "status") == 0;
}

/* A claim template is shown as the claim it will be, whatever type was written there. */
static void default_claim(json_t *claim)
{
	json_object_set_new(claim, "apiVersion", json_string("v1"));
	json_object_set_new(claim, "kind", json_string("PersistentVolumeClaim"));
	json_t *status = json_object_get(claim, "status");
	if (!status)
		json_object_set_new(claim, "status", status = json_object());
	if (!json_object_get(status, "phase"))
		json_object_set_new(status, "phase", json_string("Pending"));
}

static void default_object(struct kt_rule_context *c, json_t *object)
{
	(void)c;
	json_t *spec = json_object_get(object, "spec"),
	       *strategy = json_object_get(spec, "updateStrategy"), *claim;
	size_t i;
	kt_pod_spec_default(kt_jget(spec, "template.spec"));
	json_array_foreach(json_object_get(spec, "volumeClaimTemplates"), i, claim) {
		default_claim(claim);
	}
	if (!strategy && spec)
		json_object_set_new(spec, "updateStrategy", strategy = json_object());
	/* One that is asked for by name alone keeps no partition. */
	if (!*kt_text_of(strategy, "type")) {
		json_object_set_new(strategy, "type", json_string("RollingUpdate"));
		if (!json_object_get(strategy, "rollingUpdate"))
			json_object_set_new(strategy, "rollingUpdate", json_object());
	}
	if (strcmp(kt_text_of(strategy, "type"), "RollingUpdate") != 0)
		return;
	json_t *rolling = json_object_get(strategy, "rollingUpdate");
	if (rolling && !json_object_get(rolling, "partition"))
		json_object_set_new(rolling, "partition", json_integer(0));
}

static int prepare(struct kt_rule_context *c, json_t *object, const json_t *old)
{
	/* A feature that is off by default. */
	json_t *rolling = kt_jget(object, "spec.updateStrategy.rollingUpdate");
	(void)c;
	if (!kt_jget(old, "spec.updateStrategy.rollingUpdate.maxUnavailable"))
		json_object_del(rolling, "maxUnavailable");
	return 0;
}

static void check_strategy(struct kt_rule_context *c, const struct kt_at *strategy)
{
	struct kt_at type = kt_at(strategy, "type"), rolling = kt_at(strategy, "rollingUpdate");
	struct kt_at partition = kt_at(&rolling, "partition"),
	             unavailable = kt_at(&rolling, "maxUnavailable");
	if (!*kt_at_text(&type)) {
		kt_add_required(c, strategy, "");
	} else if (kt_at_is(&type, "OnDelete")) {
		if (rolling.value)
			kt_add_invalid(
			        c, &rolling, "only allowed for updateStrategy 'RollingUpdate'");
	} else if (!kt_at_is(&type, "RollingUpdate")) {
		kt_add_invalid(c, strategy, "must be 'RollingUpdate' or 'OnDelete'");
	} else if (rolling.value) {
		kt_check_non_negative(c, &partition);
		if (!unavailable.value)
			return;
		kt_check_int_or_percent(c, &unavailable);
		if (kt_int_or_percent_is_zero(unavailable.value))
			kt_add_invalid(c, &unavailable, "cannot be 0");
		kt_check_at_most_100_percent(c, &unavailable);
	}
}

static void check_retention(struct kt_rule_context *c, const struct kt_at *policy)
{
	static const char *const values[] = {"Retain", "Delete", NULL};
	struct kt_at deleted = kt_at(policy, "whenDeleted"), scaled = kt_at(policy, "whenScaled");
	if (!policy->value)
		return;
	kt_check_in(c, &deleted, values);
	kt_check_in(c, &scaled, values);
}

static void check_selector(
        struct kt_rule_context *c, const struct kt_at *selector, const struct kt_at *template)
{
	if (!selector->value) {
		kt_add_required(c, selector, "");
		kt_check_template_selected(c, template, NULL);
		return;
	}
	size_t before = c->errors.n;
	kt_check_label_selector(c, selector);
	if (c->errors.n > before)
		kt_add_invalid(c, selector, "%s", "");
	else if (kt_selector_is_blank(selector->value))
		kt_add_invalid(c, selector, "empty selector is invalid for statefulset");
	else
		kt_check_template_selected(c, template, selector->value);
}

static void drop_volume(json_t *volumes, const char *name)
{
	for (size_t i = json_array_size(volumes); i-- > 0;)
		if (strcmp(kt_text_of(json_array_get(volumes, i), "name"), name) == 0)
			json_array_remove(volumes, i);
}

/* A pod of the set has its claims as volumes besides the template's own. */
static json_t *with_claims(const json_t *template, const struct kt_at *claims)
{
	json_t *copy = json_copy((json_t *)(uintptr_t) template),
	       *spec = json_copy(json_object_get(template, "spec"));
	const json_t *own = json_object_get(spec, "volumes");
	json_t *volumes = json_array();
	if (own)
		json_array_extend(volumes, (json_t *)(uintptr_t)own);
	KT_EACH(claim, claims) {
		const char *name = kt_text_of(json_object_get(claim.value, "metadata"), "name");
		drop_volume(volumes, name);
		json_array_append_new(volumes, json_pack("{s:s, s:{s:s}}", "name", name,
		                                       "persistentVolumeClaim", "claimName", name));
	}
	if (spec) {
		json_object_set(spec, "volumes", volumes);
		json_object_set_new(copy, "spec", spec);
	}
	json_decref(volumes);
	return copy;
}

static void validate_spec(struct kt_rule_context *c, const struct kt_at *spec, const json_t *old)
{
	struct kt_at management = kt_at(spec, "podManagementPolicy"),
	             strategy = kt_at(spec, "updateStrategy");
	struct kt_at retention = kt_at(spec, "persistentVolumeClaimRetentionPolicy"),
	             replicas = kt_at(spec, "replicas");
	struct kt_at ready = kt_at(spec, "minReadySeconds"), ordinals = kt_at(spec, "ordinals"),
	             start = kt_at(&ordinals, "start");
	struct kt_at service = kt_at(spec, "serviceName"), template = kt_at(spec, "template"),
	             selector = kt_at(spec, "selector");
	struct kt_at claims = kt_at(spec, "volumeClaimTemplates"),
	             labels = kt_at(&template, "labels");
	if (!*kt_at_text(&management))
		kt_add_required(c, &management, "");
	else if (!kt_at_is(&management, "OrderedReady") && !kt_at_is(&management, "Parallel"))
		kt_add_invalid(c, &management, "must be 'OrderedReady' or 'Parallel'");
	check_strategy(c, &strategy);
	check_retention(c, &retention);
	kt_check_non_negative(c, &replicas);
	kt_check_non_negative(c, &ready);
	if (ordinals.value)
		kt_check_non_negative(c, &start);
	if (!old)
		kt_check_optional_format(c, &service, "dns1123-label");
	check_selector(c, &selector, &template);
	for (size_t i = 0; !old && i < kt_at_n(&claims); i++) {
		struct kt_at claim = kt_at_index(&claims, i), claim_spec = kt_at(&claim, "spec");
		kt_check_claim_spec(c, &claim_spec, true);
	}
	labels.value = kt_jget(template.value, "metadata.labels");
	kt_check_labels(c, &labels); /* and once more with the template */
	kt_auto_json json_t *mounted = with_claims(template.value, &claims);
	struct kt_at complete = kt_at_with(&template, mounted);
	kt_check_pod_template(c, &complete, kt_jget(old, "spec.template"));
	kt_check_always_restarts(c, &template, "StatefulSet");
}

static void check_update(struct kt_rule_context *c, const struct kt_at *spec, const json_t *old)
{
	static const char *const fixed[] = {
	        "serviceName", "selector", "podManagementPolicy", "volumeClaimTemplates"};
	for (size_t i = 0; i < KT_ARRAY_SIZE(fixed); i++) {
		if (kt_same(json_object_get(spec->value, fixed[i]),
		            json_object_get(json_object_get(old, "spec"), fixed[i])))
			continue;
		kt_add_forbidden(c, spec, FORBIDDEN);
		return;
	}
}

static const struct kt_status_checks status_checks = {
        .counts = (const char *const[]){"replicas", "readyReplicas", "currentReplicas",
                "updatedReplicas", "availableReplicas", "observedGeneration", "collisionCount",
                NULL},
        .bounds = (const struct kt_status_bound[]){{"readyReplicas", "replicas", "status.replicas"},
                {"currentReplicas", "replicas", "status.replicas"},
                {"updatedReplicas", "replicas", "status.replicas"},
                {"availableReplicas", "replicas", "status.replicas"},
                {"availableReplicas", "readyReplicas", "status.readyReplicas"}, {NULL, NULL, NULL}},
        .collisions = true,
};

static void validate(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	struct kt_at root = kt_at_root(c, object), spec = kt_at(&root, "spec"),
	             status = kt_at(&root, "status");
	if (old && is_status(c)) {
		kt_check_workload_status(c, &status, old, &status_checks);
		kt_meta_validate_update(c, object, old);
		return;
	}
	if (old)
		kt_meta_validate_update(c, object, old);
	else
		kt_meta_validate(c, object, NULL);
	validate_spec(c, &spec, old);
	if (old)
		check_update(c, &spec, old);
}

static void warn_claims(struct kt_rule_context *c, const struct kt_at *spec)
{
	struct kt_at claims = kt_at(spec, "volumeClaimTemplates");
	KT_EACH(claim, &claims) {
		struct kt_at resources = kt_at(&claim, "resources"),
		             requests = kt_at(&resources, "requests");
		struct kt_at storage = kt_at_key(&requests, "storage");
		storage.value = kt_jget(claim.value, "spec.resources.requests.storage");
		kt_warn_fraction(c, kt_at_path(c, &storage), storage.value);
	}
}

static void warn(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	struct kt_at root = kt_at_root(c, object), spec = kt_at(&root, "spec"),
	             template = kt_at(&spec, "template");
	struct kt_at history = kt_at(&spec, "revisionHistoryLimit");
	if (c->subresource || kt_is_same_generation(object, old))
		return;
	kt_pod_template_warn(c, &template, kt_jget(old, "spec.template"));
	warn_claims(c, &spec);
	if (kt_at_int(&history) < 0)
		kt_rule_warn(c, "spec.revisionHistoryLimit: a negative value retains all "
		                "historical revisions; a value >= 0 is recommended");
}

const struct kt_rules kt_rules_apps_stateful_set = {
        .group = "apps",
        .kind = "StatefulSet",
        .default_object = default_object,
        .prepare = prepare,
        .validate = validate,
        .warn = warn,
};
