/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Deployments: one ReplicaSet per pod template, scaled against each other so that never more than
 * maxUnavailable pods miss and never more than maxSurge are too many. Each pass makes one step;
 * what it changes brings the next.
 */
#include "cluster/controllers/deployment.h"

#include "base/log.h"
#include "base/mem.h"
#include "cluster/controllers/table.h"

static void read_strategy(struct rollout *rollout)
{
	const json_t *rolling = kt_jget(rollout->spec, "strategy.rollingUpdate");

	rollout->recreate = kt_streq(kt_jstr(rollout->spec, "strategy.type"), "Recreate");
	if (rollout->recreate)
		return;
	rollout->max_surge =
	        kt_int_or_percent(json_object_get(rolling, "maxSurge"), rollout->replicas, true, 0);
	rollout->max_unavailable = kt_int_or_percent(
	        json_object_get(rolling, "maxUnavailable"), rollout->replicas, false, 0);
	/* Both zero would never move. */
	if (!rollout->max_surge && !rollout->max_unavailable)
		rollout->max_unavailable = 1;
	rollout->max_unavailable = KT_MIN(rollout->max_unavailable, rollout->replicas);
}

/* --- rolling update --- */

static int64_t newest_target(const struct rollout *rollout)
{
	const struct replica_set *newest = rollout->newest;
	int64_t most = rollout->replicas + rollout->max_surge,
	        now = rollout_sum_spec(rollout, false);

	if (rollout->recreate)
		return rollout->replicas;
	if (now >= most)
		return newest->spec_replicas;
	return newest->spec_replicas +
	       KT_MIN(most - now, rollout->replicas - newest->spec_replicas);
}

static bool scale_newest(struct rollout *rollout)
{
	struct replica_set *newest = rollout->newest;

	if (newest->spec_replicas == rollout->replicas)
		return false;
	rollout_scale_set(rollout, newest,
	        newest->spec_replicas > rollout->replicas ? rollout->replicas
	                                                  : newest_target(rollout),
	        true);
	return rollout->scaled;
}

/* Old pods that are not available anyway may go first. */
static int64_t remove_unhealthy(struct rollout *rollout, int64_t most)
{
	int64_t removed = 0;

	for (size_t i = 0; i < rollout->sets.n && removed < most; i++) {
		struct replica_set *set = &rollout->sets.items[i];
		int64_t n;

		if (set == rollout->newest || set->spec_replicas == 0 ||
		        set->spec_replicas == set->available)
			continue;
		n = KT_MIN(most - removed, set->spec_replicas - set->available);
		if (n <= 0)
			continue;
		rollout_scale_set(rollout, set, set->spec_replicas - n, true);
		removed += n;
	}
	return removed;
}

static void scale_down_old(struct rollout *rollout)
{
	int64_t least = rollout->replicas - rollout->max_unavailable,
	        spare = rollout_sum_lasting(rollout) - least;

	for (size_t i = 0; i < rollout->sets.n && spare > 0; i++) {
		struct replica_set *set = &rollout->sets.items[i];
		int64_t n = KT_MIN(set->spec_replicas, spare);

		if (set == rollout->newest || n == 0)
			continue;
		rollout_scale_set(rollout, set, set->spec_replicas - n, true);
		spare -= n;
	}
}

static void shrink_old(struct rollout *rollout)
{
	int64_t least = rollout->replicas - rollout->max_unavailable;
	int64_t new_unavailable = rollout->newest->spec_replicas - rollout->newest->available;
	int64_t most = rollout_sum_spec(rollout, false) - least - new_unavailable;

	if (rollout_sum_spec(rollout, true) == 0 || most <= 0)
		return;
	remove_unhealthy(rollout, most);
	scale_down_old(rollout);
}

static void roll(struct rollout *rollout)
{
	if (!rollout_ensure_newest(rollout, true)) {
		rollout_update_status(rollout, true);
		return;
	}
	if (!scale_newest(rollout))
		shrink_old(rollout);
	if (!rollout->scaled && rollout_is_complete(rollout))
		rollout_delete_old_sets(rollout);
	rollout_update_status(rollout, true);
}

/* --- recreate --- */

static bool old_pods_run(const struct rollout *rollout)
{
	for (size_t i = 0; i < rollout->sets.n; i++) {
		const struct replica_set *set = &rollout->sets.items[i];
		kt_auto_objects pods = {0};

		if (set == rollout->newest)
			continue;
		kt_collect_indexed(
		        rollout->own->pods, "controller", kt_object_uid(set->object), &pods);
		for (size_t p = 0; p < pods.n; p++)
			if (!kt_pod_phase_is(pods.items[p], "Succeeded") &&
			        !kt_pod_phase_is(pods.items[p], "Failed"))
				return true;
	}
	return false;
}

static void recreate(struct rollout *rollout)
{
	rollout_ensure_newest(rollout, false);
	for (size_t i = 0; i < rollout->sets.n; i++)
		if (&rollout->sets.items[i] != rollout->newest &&
		        rollout->sets.items[i].spec_replicas > 0)
			rollout_scale_set(rollout, &rollout->sets.items[i], 0, true);
	if (!rollout->scaled && !old_pods_run(rollout) && rollout_ensure_newest(rollout, true)) {
		scale_newest(rollout);
		if (!rollout->scaled && rollout_is_complete(rollout))
			rollout_delete_old_sets(rollout);
	}
	rollout_update_status(rollout, true);
}

/* --- the pass --- */

static void pause_or_scale(struct rollout *rollout)
{
	rollout_ensure_newest(rollout, false);
	rollout_scale_event(rollout);
	if (rollout->paused && !rollout->scaled)
		rollout_delete_old_sets(rollout);
	rollout_update_status(rollout, false);
}

static bool claim_sets(struct rollout *rollout)
{
	struct kt_selector *selector = NULL;
	kt_auto_objects sets = {0};
	kt_auto_err err = KT_ERR_INIT;

	if (kt_selector_of_json(json_object_get(rollout->spec, "selector"), &selector, &err) < 0)
		return false;
	if (kt_selector_is_empty(selector)) {
		kt_selector_destroy(selector);
		kt_reconciler_event(rollout->own->reconciler, rollout->object, "Warning",
		        "SelectingAll",
		        "This deployment is selecting all pods. A non-empty selector is required.");
		return false;
	}
	kt_claim_objects(&(struct kt_claim){.pass = rollout->pass,
	                         .informer = rollout->own->sets,
	                         .group_path = "/apis/apps/v1",
	                         .resource = "replicasets",
	                         .owner = rollout->object,
	                         .api_version = "apps/v1",
	                         .kind = "Deployment",
	                         .selector = selector},
	        &sets);
	kt_selector_destroy(selector);
	for (size_t i = 0; i < sets.n; i++)
		kt_vec_push(&rollout->sets, (struct replica_set){.object = sets.items[i]});
	rollout_read_sets(rollout);
	return true;
}

static void run(struct rollout *rollout)
{
	if (!claim_sets(rollout))
		return;
	if (kt_is_deleting(rollout->object)) {
		rollout_ensure_newest(rollout, false);
		rollout_update_status(rollout, false);
	} else if (rollout->paused || rollout_is_scaling(rollout)) {
		pause_or_scale(rollout);
	} else if (rollout->recreate) {
		recreate(rollout);
	} else {
		roll(rollout);
	}
}

static void reconcile(void *arg, struct kt_pass *pass, const char *key)
{
	struct deployment_controller *own = arg;
	struct rollout rollout = {
	        .own = own, .pass = pass, .object = kt_pass_object(pass, own->deployments)};

	(void)key;
	if (!rollout.object)
		return;
	rollout.tree = kt_object_tree(rollout.object);
	rollout.spec = json_object_get(rollout.tree, "spec");
	rollout.replicas = kt_jint(rollout.spec, "replicas", 1);
	rollout.paused = kt_jbool(rollout.spec, "paused", false);
	rollout.wall_ns = kt_pass_wall_ns(pass);
	rollout.path = kt_asprintf("/apis/apps/v1/namespaces/%.*s/deployments/%.*s",
	        KT_SVP(kt_object_namespace(rollout.object)),
	        KT_SVP(kt_object_name(rollout.object)));
	rollout.status = kt_status_tree(rollout.object);
	read_strategy(&rollout);
	run(&rollout);
	json_decref(rollout.status);
	json_decref(rollout.tree);
	kt_vec_finish(&rollout.sets);
	free(rollout.path);
}

/* A Recreate rollout waits for the last old pod to be gone. */
static void pod_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct deployment_controller *own = arg;
	struct kt_owner owner;
	struct kt_object *set;

	if (new_object || !kt_controller_owner(old_object, &owner) ||
	        !kt_sv_is(owner.kind, "ReplicaSet"))
		return;
	set = kt_informer_get(own->sets, kt_object_namespace(old_object), owner.name);
	if (set)
		kt_owned_wake(&own->owned, set);
}

static void *create(struct kt_controllers *controllers)
{
	struct deployment_controller *own = kt_new(struct deployment_controller);

	own->reconciler =
	        kt_reconciler_create(&(struct kt_reconciler_options){.controllers = controllers,
	                .name = "deployment-controller",
	                .reconcile = reconcile,
	                .arg = own});
	own->deployments = kt_controllers_informer(controllers, "/apis/apps/v1/deployments");
	own->pods = kt_controllers_informer(controllers, "/api/v1/pods");
	own->owned = (struct kt_owned){.reconciler = own->reconciler,
	        .owners = own->deployments,
	        .kind = "Deployment",
	        .takes_over = true};
	own->sets = kt_owned_watch(&own->owned, controllers, "/apis/apps/v1/replicasets");
	kt_informer_add_handler(
	        own->pods, &(struct kt_informer_handler){.on_change = pod_changed, .arg = own});
	return own;
}

static void destroy(void *controller)
{
	struct deployment_controller *own = controller;

	kt_reconciler_destroy(own->reconciler);
	free(own);
}

const struct kt_controller kt_controller_deployment = {"deployment-controller", create, destroy};
