/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pods/eviction: a deletion that a PodDisruptionBudget may refuse. Pod and budget change in one
 * transaction; only preconditions that fail cost a disruption, as upstream. Source: the
 * documentation's page on API-initiated eviction.
 */
#include "api/server/admit.h"
#include "api/server/delete.h"
#include "api/server/encode.h"
#include "api/server/server_impl.h"
#include "api/server/subresources.h"
#include "api/server/write.h"
#include "base/time.h"

#include <errno.h>

#define DISRUPTED_PODS_MAX 2000 /* upstream's bound on status.disruptedPods */

static char spent_in_vain; /* operation_data of such a request */

static int eviction_decode(struct kt_request *request)
{
	struct kt_request_state *state = request->state;
	const struct kt_type *type = kt_type_lookup("io.k8s.api.policy.v1.Eviction");
	/* The beta spelling of the same kind is still accepted. */
	static const char *const also[] = {"policy/v1beta1", "Eviction", NULL};
	struct kt_codec_options options = {.strict = KT_STRICT_WARN,
	        .api_version = "policy/v1",
	        .kind = "Eviction",
	        .also = also};
	struct kt_sv body = {
	        request->body ? request->body->data : "", request->body ? request->body->len : 0};

	if (kt_write_options(request, "CreateOptions") < 0 ||
	        kt_write_media(request, &options.media) < 0 ||
	        kt_codec_decode(
	                body, type, &options, &state->body, &state->warnings, &request->err) < 0)
		return request->err.code;
	const char *name = kt_jstr(state->body, "metadata.name");
	if (name && *name && !kt_streq(name, state->route.name))
		return kt_fail(&request->err, EINVAL,
		        "name in URL does not match name in Eviction object");
	if (json_array_size(kt_jget(state->body, "deleteOptions.dryRun")))
		state->dry_run = true;
	return kt_admit_create(request, state->body);
}

/* The body becomes what a delete would have brought. */
static void take_options(struct kt_request_state *state)
{
	json_t *options = json_object_get(state->body, "deleteOptions");

	if (!kt_streq(kt_jstr(state->body, "kind"), "Eviction"))
		return; /* an earlier attempt did it */
	options = options ? json_incref(options) : json_object();
	json_decref(state->body);
	state->body = options;
}

static bool has_true_condition(const json_t *object, const char *type)
{
	size_t i;
	json_t *condition;

	json_array_foreach(kt_jget(object, "status.conditions"), i, condition)
		if (kt_streq(kt_jstr(condition, "type"), type))
			return kt_streq(kt_jstr(condition, "status"), "True");
	return false;
}

/* Pods that serve nobody are evicted without asking. */
static bool ignores_budgets(const json_t *pod)
{
	const char *phase = kt_jstr(pod, "status.phase");

	return kt_jget(pod, "metadata.deletionTimestamp") || kt_streq(phase, "Succeeded") ||
	       kt_streq(phase, "Failed") || kt_streq(phase, "Pending");
}

static bool selects(const json_t *budget, const struct kt_object *pod)
{
	struct kt_selector *selector = NULL;

	if (kt_selector_of_json(kt_jget(budget, "spec.selector"), &selector, NULL) < 0)
		return false;
	bool match = kt_selector_matches(selector, pod);
	kt_selector_destroy(selector);
	return match;
}

/* The one budget of the pod: *ret_object NULL when there is none. */
static int find_budget(
        struct kt_request *request, const struct kt_kind *kind, struct kt_object **ret_object)
{
	struct kt_request_state *state = request->state;
	struct kt_storage *storage = request->server->storage;
	struct kt_storage_list list = {0};
	struct kt_storage_range range = {
	        .prefix = kt_server_key(&request->arena, kind, state->route.namespace, "")};
	size_t n = 0;

	*ret_object = NULL;
	if (storage->ops->range(storage, &range, &list, &request->err) < 0)
		return request->err.code;
	for (size_t i = 0; i < list.n; i++) {
		kt_auto_json json_t *budget = kt_object_tree(list.objects[i]);
		if (!selects(budget, state->current))
			continue;
		if (n++ == 0)
			*ret_object = kt_object_ref(list.objects[i]);
	}
	kt_storage_list_finish(&list);
	if (n <= 1)
		return 0;
	kt_object_unref(kt_steal(ret_object));
	return kt_fail_reason(&request->err, KT_REASON_UNKNOWN, EPROTO,
	        "This pod has more than one PodDisruptionBudget, which the eviction subresource "
	        "does not support.");
}

static int refuse(struct kt_request *request, const char *why, int retry_after_s)
{
	kt_fail_reason(&request->err, KT_REASON_TOO_MANY_REQUESTS, EAGAIN,
	        "Cannot evict pod as it would violate the pod's disruption budget.");
	kt_err_add_cause(&request->err, "DisruptionBudget", NULL, why);
	request->err.retry_after_s = retry_after_s;
	return request->err.code;
}

/* 0: it may and costs one disruption; 1: it may for nothing; negative: refused. */
static int ask_budget(struct kt_request *request, const json_t *budget)
{
	const json_t *status = json_object_get(budget, "status");
	int64_t healthy = kt_jint(status, "currentHealthy", 0),
	        desired = kt_jint(status, "desiredHealthy", 0);
	const char *name = kt_jstr(budget, "metadata.name");

	if (!has_true_condition(request->state->old, "Ready")) {
		bool always =
		        kt_streq(kt_jstr(budget, "spec.unhealthyPodEvictionPolicy"), "AlwaysAllow");
		if (always || (healthy >= desired && desired > 0))
			return 1;
	}
	if (kt_jint(status, "observedGeneration", 0) < kt_jint(budget, "metadata.generation", 0)) {
		kt_auto_free char *why = kt_asprintf(
		        "The disruption budget %s is still being processed by the server.", name);
		return refuse(request, why, 10);
	}
	int64_t allowed = kt_jint(status, "disruptionsAllowed", 0);
	if (allowed < 0 ||
	        json_object_size(json_object_get(status, "disruptedPods")) > DISRUPTED_PODS_MAX)
		return kt_fail_reason(&request->err, KT_REASON_FORBIDDEN, EPERM,
		        "poddisruptionbudgets.policy \"%s\" is forbidden: %s", name,
		        allowed < 0 ? "pdb disruptions allowed is negative"
		                    : "DisruptedPods map too big - too many evictions not "
		                      "confirmed by PDB controller");
	if (allowed > 0)
		return 0;
	kt_auto_free char *why = kt_asprintf(
	        "The disruption budget %s needs %lld healthy pods and has %lld currently", name,
	        (long long)desired, (long long)healthy);
	return refuse(request, why, 0);
}

static void set_condition(struct kt_request *request, json_t *budget, int64_t left)
{
	json_t *status = json_object_get(budget, "status"),
	       *conditions = json_object_get(status, "conditions"), *old;
	const char *value = left > 0 ? "True" : "False";
	char time[KT_TIME_TEXT_MAX];
	size_t i;

	kt_time_format(kt_loop_wall_ns(request->loop), time);
	if (!conditions) {
		conditions = json_array();
		json_object_set_new(status, "conditions", conditions);
	}
	json_t *condition = json_pack("{s:s,s:s,s:s,s:s,s:s,s:I}", "type", "DisruptionAllowed",
	        "status", value, "reason", left > 0 ? "SufficientPods" : "InsufficientPods",
	        "message", "", "lastTransitionTime", time, "observedGeneration",
	        (json_int_t)kt_jint(status, "observedGeneration", 0));
	json_array_foreach(conditions, i, old)
		if (kt_streq(kt_jstr(old, "type"), "DisruptionAllowed")) {
			if (kt_streq(kt_jstr(old, "status"), value))
				json_object_set(condition, "lastTransitionTime",
				        json_object_get(old, "lastTransitionTime"));
			json_array_set_new(conditions, i, condition);
			return;
		}
	json_array_append_new(conditions, condition);
}

static int spend(struct kt_request *request, const struct kt_kind *kind, struct kt_object *object,
        json_t *budget)
{
	json_t *status = json_object_get(budget, "status"),
	       *pods = json_object_get(status, "disruptedPods");
	int64_t left = kt_jint(status, "disruptionsAllowed", 0) - 1;
	char time[KT_TIME_TEXT_MAX];
	kt_auto_str json = KT_STR_INIT;
	struct kt_storage_op op = {.kind = KT_STORAGE_PUT, .expect_revision = object->revision};

	kt_time_format(kt_loop_wall_ns(request->loop), time);
	if (!pods) {
		pods = json_object();
		json_object_set_new(status, "disruptedPods", pods);
	}
	json_object_set_new(pods, request->state->route.name, json_string(time));
	json_object_set_new(status, "disruptionsAllowed", json_integer(left));
	set_condition(request, budget, left);
	op.key = kt_arena_strdup(&request->arena, kt_object_key(object));
	kt_codec_encode_json(&json, kind->type, budget);
	if (kt_object_create(kt_sv_of(op.key), (struct kt_sv){json.data, json.len}, &op.object,
	            &request->err) < 0)
		return request->err.code;
	kt_write_add_op(request, op);
	return 0;
}

/* The pod says why it goes. */
static void mark_disrupted(struct kt_request *request)
{
	json_t *status = json_object_get(request->state->old, "status");
	json_t *conditions = json_object_get(status, "conditions"), *old;
	char time[KT_TIME_TEXT_MAX];
	size_t i;

	kt_time_format(kt_loop_wall_ns(request->loop), time);
	if (!status || kt_jget(request->state->old, "metadata.deletionTimestamp"))
		return;
	if (!conditions) {
		conditions = json_array();
		json_object_set_new(status, "conditions", conditions);
	}
	json_array_foreach(conditions, i, old)
		if (kt_streq(kt_jstr(old, "type"), "DisruptionTarget")) {
			json_array_remove(conditions, i);
			break;
		}
	json_array_append_new(
	        conditions, json_pack("{s:s,s:s,s:s,s:s,s:s}", "type", "DisruptionTarget", "status",
	                            "True", "reason", "EvictionByEvictionAPI", "message",
	                            "Eviction API: evicting", "lastTransitionTime", time));
}

/* Upstream spends a disruption before it tries to delete: an eviction that its own preconditions
 * refuse has cost one all the same. The budget is written, then the refusal is said. */
static int spend_in_vain(struct kt_request *request, const struct kt_kind *kind,
        struct kt_object *object, json_t *budget)
{
	if (request->state->dry_run)
		return request->err.code;
	kt_err_clear(&request->err);
	request->state->operation_data = &spent_in_vain;
	return spend(request, kind, object, budget);
}

static int eviction_mutate(struct kt_request *request)
{
	const struct kt_kind *kind = kt_builtin_kind("policy", "v1", "PodDisruptionBudget");
	kt_auto_object struct kt_object *object = NULL;
	int asked = 1;

	request->state->operation_data = NULL;
	take_options(request->state);
	kt_write_begin(request);
	if (kt_write_load(request, false) < 0)
		return request->err.code;
	kt_write_rules(request, KT_RULE_UPDATE);
	if (ignores_budgets(request->state->old)) {
		mark_disrupted(request);
		return kt_delete_plan(request);
	}
	if (find_budget(request, kind, &object) < 0)
		return request->err.code;
	kt_auto_json json_t *budget = object ? kt_object_tree(object) : NULL;
	if (budget)
		asked = ask_budget(request, budget);
	if (asked >= 0)
		mark_disrupted(request);
	if (asked < 0)
		return request->err.code;
	if (kt_delete_plan(request) < 0)
		return asked == 0 ? spend_in_vain(request, kind, object, budget)
		                  : request->err.code;
	return asked == 0 ? spend(request, kind, object, budget) : 0;
}

static int eviction_commit(struct kt_request *request)
{
	struct kt_request_state *state = request->state;
	struct kt_rule_context *rules = state->rules;

	if (state->operation_data)
		return kt_write_submit(request);
	state->success_status = 201;
	if (!state->result) {
		state->result = json_pack("{s:s,s:s,s:{},s:s,s:i}", "kind", "Status", "apiVersion",
		        "v1", "metadata", "status", "Success", "code", 201);
		state->result_type = kt_type_lookup("io.k8s.apimachinery.pkg.apis.meta.v1.Status");
	}
	if (state->dry_run || (state->is_unchanged && state->n_ops == 1))
		return 0;
	for (size_t i = 0; i < rules->n_also; i++)
		kt_write_add_op(request, rules->also[i]);
	rules->n_also = 0;
	return kt_write_submit(request);
}

static int eviction_encode(struct kt_request *request)
{
	/* The plan fails again as it did. */
	if (request->state->operation_data)
		return kt_delete_plan(request);
	return kt_encode_result(request);
}

const struct kt_operation kt_operation_eviction = {
        .name = "eviction",
        .decode = eviction_decode,
        .mutate = eviction_mutate,
        .commit = eviction_commit,
        .encode = eviction_encode,
};
