/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The status of a Deployment: counts, Available, Progressing, ReplicaFailure. */
#include "cluster/controllers/deployment.h"

#include "base/log.h"
#include "base/mem.h"

struct counts {
	int64_t replicas, updated, ready, available, terminating;
};

static struct counts count(const struct rollout *rollout)
{
	struct counts counts = {0};

	for (size_t i = 0; i < rollout->sets.n; i++) {
		counts.replicas += rollout->sets.items[i].replicas;
		counts.ready += rollout->sets.items[i].ready;
		counts.available += rollout->sets.items[i].available;
		counts.terminating += rollout->sets.items[i].terminating;
	}
	counts.updated = rollout->newest ? rollout->newest->replicas : 0;
	return counts;
}

static bool counts_complete(const struct rollout *rollout, const struct counts *counts)
{
	return counts->updated == rollout->replicas && counts->replicas == rollout->replicas &&
	       counts->available == rollout->replicas && rollout->newest &&
	       kt_generation(rollout->object) <=
	               kt_int_at(rollout->object, "status", "observedGeneration", 0);
}

bool rollout_is_complete(const struct rollout *rollout)
{
	struct counts counts = count(rollout);

	return counts_complete(rollout, &counts);
}

/* More updated, more ready, more available, or fewer old ones than the status said. */
static bool has_progressed(const struct rollout *rollout, const struct counts *counts)
{
	const json_t *old = json_object_get(rollout->tree, "status");
	int64_t old_updated = kt_jint(old, "updatedReplicas", 0);

	return counts->updated > old_updated ||
	       counts->replicas - counts->updated < kt_jint(old, "replicas", 0) - old_updated ||
	       counts->ready > kt_jint(old, "readyReplicas", 0) ||
	       counts->available > kt_jint(old, "availableReplicas", 0);
}

static int64_t deadline_s(const struct rollout *rollout)
{
	const json_t *value = json_object_get(rollout->spec, "progressDeadlineSeconds");

	return json_is_integer(value) && json_integer_value(value) < INT32_MAX
	               ? json_integer_value(value)
	               : -1;
}

static char *about(const struct rollout *rollout, const char *with_set, const char *without)
{
	struct kt_sv name;

	if (rollout->newest) {
		name = kt_object_name(rollout->newest->object);
		return kt_asprintf("ReplicaSet \"%.*s\" %s", KT_SVP(name), with_set);
	}
	name = kt_object_name(rollout->object);
	return kt_asprintf("Deployment \"%.*s\" %s", KT_SVP(name), without);
}

static int64_t last_progress_ns(const json_t *progressing)
{
	kt_auto_json json_t *copy = json_deep_copy(progressing);
	kt_auto_str text = KT_STR_INIT;

	kt_json_write(&text, copy, 0);
	return kt_time_at(kt_json_doc(text.data, text.len), "lastUpdateTime");
}

/* True when nothing moved for longer than the deadline; else asks for another look when it would be
 * over. */
static bool timed_out(struct rollout *rollout, const json_t *progressing)
{
	int64_t limit_s = deadline_s(rollout), due_ns;
	const char *reason = kt_jstr(progressing, "reason");

	if (kt_streq(reason, "NewReplicaSetAvailable"))
		return false;
	if (kt_streq(reason, "ProgressDeadlineExceeded"))
		return true;
	due_ns = last_progress_ns(progressing) + limit_s * KT_NS_PER_S;
	if (rollout->wall_ns >= due_ns)
		return true;
	kt_pass_again_after_ms(rollout->pass, (due_ns - rollout->wall_ns) / KT_NS_PER_MS + 1000);
	return false;
}

/* A fresh time even where reason and status stay: that is what the deadline counts from. */
static void set_progressing(
        struct rollout *rollout, const char *status, const char *reason, const char *message)
{
	json_t *conditions = kt_status_conditions(rollout->status), *condition;

	kt_set_condition(
	        conditions, "Progressing", status, reason, message, rollout->wall_ns, true);
	condition = kt_find_condition(conditions, "Progressing");
	json_object_set_new(condition, "lastUpdateTime", kt_time_json(rollout->wall_ns));
}

static void update_progressing(struct rollout *rollout, const struct counts *counts)
{
	json_t *conditions = kt_status_conditions(rollout->status),
	       *progressing = kt_find_condition(conditions, "Progressing");
	const char *reason = kt_jstr(progressing, "reason");
	kt_auto_free char *message = NULL;
	bool was_complete =
	        counts->replicas == counts->updated && kt_streq(reason, "NewReplicaSetAvailable");

	if (deadline_s(rollout) < 0) {
		kt_remove_condition(conditions, "Progressing");
		return;
	}
	if (was_complete && !rollout->created)
		return;
	if (counts_complete(rollout, counts)) {
		message = about(
		        rollout, "has successfully progressed.", "has successfully progressed.");
		kt_set_condition(conditions, "Progressing", "True", "NewReplicaSetAvailable",
		        message, rollout->wall_ns, true);
	} else if (!progressing) {
		if (rollout->newest)
			set_progressing(
			        rollout, "True", "FoundNewReplicaSet", "Found new replica set");
	} else if (!rollout->created && has_progressed(rollout, counts)) {
		message = about(rollout, "is progressing.", "is progressing.");
		set_progressing(rollout, "True", "ReplicaSetUpdated", message);
	} else if (!rollout->created && timed_out(rollout, progressing)) {
		message =
		        about(rollout, "has timed out progressing.", "has timed out progressing.");
		kt_set_condition(conditions, "Progressing", "False", "ProgressDeadlineExceeded",
		        message, rollout->wall_ns, true);
	}
}

static void update_paused(struct rollout *rollout)
{
	json_t *conditions = kt_status_conditions(rollout->status),
	       *progressing = kt_find_condition(conditions, "Progressing");
	bool says_paused = kt_streq(kt_jstr(progressing, "reason"), "DeploymentPaused");

	if (deadline_s(rollout) < 0 ||
	        kt_streq(kt_jstr(progressing, "reason"), "ProgressDeadlineExceeded"))
		return;
	if (rollout->paused && !says_paused)
		kt_set_condition(conditions, "Progressing", "Unknown", "DeploymentPaused",
		        "Deployment is paused", rollout->wall_ns, true);
	else if (!rollout->paused && says_paused)
		kt_set_condition(conditions, "Progressing", "Unknown", "DeploymentResumed",
		        "Deployment is resumed", rollout->wall_ns, true);
}

/* A ReplicaSet that cannot create its pods says so; the Deployment passes it on. */
static void update_failure(struct rollout *rollout)
{
	json_t *conditions = kt_status_conditions(rollout->status);

	for (size_t i = rollout->sets.n; i-- > 0;) {
		struct kt_json_at at =
		        kt_condition(rollout->sets.items[i].object, "ReplicaFailure");
		kt_auto_json json_t *failure = at.p ? kt_json_tree(at) : NULL;

		if (!failure)
			continue;
		kt_set_condition(conditions, "ReplicaFailure", kt_jstr(failure, "status"),
		        kt_jstr(failure, "reason"), kt_jstr(failure, "message"), rollout->wall_ns,
		        true);
		return;
	}
	kt_remove_condition(conditions, "ReplicaFailure");
}

void rollout_update_status(struct rollout *rollout, bool with_progress)
{
	struct counts counts = count(rollout);
	json_t *status = rollout->status, *conditions = kt_status_conditions(status);
	bool enough = counts.available >= rollout->replicas - rollout->max_unavailable;

	if (enough)
		kt_set_condition(conditions, "Available", "True", "MinimumReplicasAvailable",
		        "Deployment has minimum availability.", rollout->wall_ns, true);
	else
		kt_set_condition(conditions, "Available", "False", "MinimumReplicasUnavailable",
		        "Deployment does not have minimum availability.", rollout->wall_ns, true);
	update_paused(rollout);
	if (with_progress)
		update_progressing(rollout, &counts);
	update_failure(rollout);
	kt_set_count(status, "replicas", counts.replicas);
	kt_set_count(status, "updatedReplicas", counts.updated);
	kt_set_count(status, "readyReplicas", counts.ready);
	kt_set_count(status, "availableReplicas", counts.available);
	kt_set_count(status, "unavailableReplicas",
	        KT_MAX(rollout_sum_spec(rollout, false) - counts.available, 0));
	json_object_set_new(status, "terminatingReplicas", json_integer(counts.terminating));
	json_object_set_new(
	        status, "observedGeneration", json_integer(kt_generation(rollout->object)));
	kt_patch_status(rollout->pass, rollout->own->deployments, rollout->object, rollout->path,
	        json_incref(status));
}
