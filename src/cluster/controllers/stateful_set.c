/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * StatefulSets: pods with a name, a number and claims of their own, made in order and taken away in
 * reverse. With OrderedReady one pod at a time moves and waits until it is ready; with Parallel all
 * at once. An update replaces pods from the highest number down to the partition.
 */
#include "api/status.h"
#include "base/log.h"
#include "base/mem.h"
#include "cluster/controllers/history.h"
#include "cluster/controllers/owned.h"
#include "cluster/controllers/pod_control.h"
#include "cluster/controllers/table.h"

#define POD_NAME_LABEL "statefulset.kubernetes.io/pod-name"
#define POD_INDEX_LABEL "apps.kubernetes.io/pod-index"

struct stateful_controller {
	struct kt_reconciler *reconciler;
	struct kt_informer *sets, *pods, *claims, *revisions;
	struct kt_owned owned;
};

struct stateful_work {
	struct stateful_controller *own;
	struct kt_pass *pass;
	struct kt_object *object;
	json_t *tree, *status;
	const json_t *spec;
	struct kt_history history;
	kt_objects pods;
	struct kt_object **slots; /* by ordinal - start; NULL: no such pod */
	int64_t n, start, min_ready_s, wall_ns, after_ms;
	bool ordered, moved; /* moved: with OrderedReady nothing else may happen in this pass */
	struct kt_sv current_name, update_name; /* of revisions */
};

static int64_t ordinal_of(const struct kt_object *set, const struct kt_object *pod)
{
	struct kt_sv name = kt_object_name(pod), base = kt_object_name(set);
	int64_t ordinal;

	if (name.len <= base.len + 1 || memcmp(name.p, base.p, base.len) != 0 ||
	        name.p[base.len] != '-' ||
	        kt_sv_int64((struct kt_sv){name.p + base.len + 1, name.len - base.len - 1},
	                &ordinal) < 0)
		return -1;
	return ordinal;
}

static struct kt_sv revision_of(const struct kt_object *pod)
{
	struct kt_sv label = {0};

	kt_object_label(pod, KT_SV(KT_REVISION_LABEL), &label);
	return label;
}

static bool is_available(struct stateful_work *work, const struct kt_object *pod)
{
	int64_t after_ms = -1;
	bool available = !kt_is_deleting(pod) &&
	                 kt_pod_is_available(pod, work->min_ready_s, work->wall_ns, &after_ms);

	if (after_ms >= 0 && (work->after_ms < 0 || after_ms < work->after_ms))
		work->after_ms = after_ms;
	return available;
}

/* --- making pods --- */

static void add_claim_volumes(const json_t *spec, const char *pod_name, json_t *pod_spec)
{
	json_t *volumes = json_object_get(pod_spec, "volumes"), *kept = json_array(), *template,
	       *volume;
	size_t i, v;

	json_array_foreach(volumes, v, volume) {
		bool replaced = false;

		json_array_foreach(json_object_get(spec, "volumeClaimTemplates"), i, template)
			replaced = replaced || kt_streq(kt_jstr(template, "metadata.name"),
			                               kt_jstr(volume, "name"));
		if (!replaced)
			json_array_append(kept, volume);
	}
	json_array_foreach(json_object_get(spec, "volumeClaimTemplates"), i, template) {
		const char *name = kt_jstr(template, "metadata.name");
		kt_auto_free char *claim = kt_asprintf("%s-%s", name, pod_name);

		json_array_append_new(kept, json_pack("{s:s,s:{s:s}}", "name", name,
		                                    "persistentVolumeClaim", "claimName", claim));
	}
	if (json_array_size(kept))
		json_object_set_new(pod_spec, "volumes", kept);
	else
		json_decref(kept);
}

struct claim_made {
	struct kt_object *set; /* reference */
	char *claim, *pod;
};

static void claim_made_free(void *arg)
{
	struct claim_made *made = arg;

	kt_object_unref(made->set);
	free(made->claim);
	free(made->pod);
	free(made);
}

static void claim_made(struct kt_pass *pass, struct kt_call *call, void *arg)
{
	const struct claim_made *made = arg;
	struct kt_sv set = kt_object_name(made->set);

	if (!call->err.code) {
		kt_reconciler_event(kt_pass_reconciler(pass), made->set, "Normal",
		        "SuccessfulCreate", "create Claim %s Pod %s in StatefulSet %.*s success",
		        made->claim, made->pod, KT_SVP(set));
		return;
	}
	if (kt_err_reason(&call->err) != KT_REASON_ALREADY_EXISTS)
		kt_reconciler_event(kt_pass_reconciler(pass), made->set, "Warning", "FailedCreate",
		        "create Claim %s for Pod %s in StatefulSet %.*s failed error: %s",
		        made->claim, made->pod, KT_SVP(set), kt_err_message(&call->err));
	kt_pass_check(pass, call);
}

static void make_claim(
        struct stateful_work *work, const json_t *template, const char *name, const char *pod_name)
{
	struct kt_sv namespace = kt_object_namespace(work->object);
	struct claim_made *made = kt_new(struct claim_made);
	kt_auto_json json_t *claim = NULL,
	                    *labels = json_deep_copy(kt_jget(template, "metadata.labels"));

	*made = (struct claim_made){
	        kt_object_ref(work->object), kt_strdup(name), kt_strdup(pod_name)};
	if (!labels)
		labels = json_object();
	json_object_update_missing(labels, kt_jget(work->spec, "selector.matchLabels"));
	claim = json_pack("{s:s,s:s,s:{s:s,s:s%,s:O},s:O}", "apiVersion", "v1", "kind",
	        "PersistentVolumeClaim", "metadata", "name", name, "namespace", namespace.p,
	        namespace.len, "labels", labels, "spec", json_object_get(template, "spec"));
	kt_pass_send(work->pass,
	        &(struct kt_pass_write){.method = "POST",
	                .body = claim,
	                .informer = work->own->claims,
	                .done = claim_made,
	                .arg = made,
	                .free_arg = claim_made_free},
	        "/api/v1/namespaces/%.*s/persistentvolumeclaims", KT_SVP(namespace));
}

/* An earlier pod's of that name, still on its way out or about to be collected after it. */
static bool is_stale(const struct kt_object *claim, const char *pod_name)
{
	struct kt_json_at owners = kt_field_of(claim, "metadata", "ownerReferences"), owner;
	struct kt_json_iter it = {0};

	while (owners.p && kt_json_next_element(owners, &it, &owner))
		if (kt_json_string_is(kt_json_member(owner, "kind"), "Pod") &&
		        kt_json_string_is(kt_json_member(owner, "name"), pod_name))
			return true;
	return kt_is_deleting(claim);
}

/* Asks for those of the pod's claims that are missing, and comes back then. True when a new pod can
 * be made with them; the end of one that is stale wakes the set. */
static bool make_claims(struct stateful_work *work, const char *pod_name)
{
	bool complete = true;
	json_t *template;
	size_t i;

	json_array_foreach(json_object_get(work->spec, "volumeClaimTemplates"), i, template) {
		kt_auto_free char *name =
		        kt_asprintf("%s-%s", kt_jstr(template, "metadata.name"), pod_name);
		struct kt_object *claim = kt_informer_get(
		        work->own->claims, kt_object_namespace(work->object), kt_sv_of(name));

		if (!claim) {
			make_claim(work, template, name, pod_name);
			kt_pass_again_after_ms(work->pass, 0);
		}
		complete = complete && claim && !is_stale(claim, pod_name);
	}
	return complete;
}

static struct kt_revision *revision_for(struct stateful_work *work, int64_t ordinal)
{
	int64_t partition = kt_jint(work->spec, "updateStrategy.rollingUpdate.partition", 0);
	struct kt_revision *current = kt_history_find(&work->history, work->current_name);
	bool on_delete = kt_streq(kt_jstr(work->spec, "updateStrategy.type"), "OnDelete");

	if (current && !on_delete && ordinal < work->start + partition)
		return current;
	return work->history.newest;
}

/* After its claims. */
static void make_pod(struct stateful_work *work, int64_t ordinal)
{
	struct kt_sv set_name = kt_object_name(work->object);
	struct kt_revision *revision = revision_for(work, ordinal);
	kt_auto_json json_t *template = kt_revision_template(revision), *pod = NULL;
	kt_auto_free char *name = kt_asprintf("%.*s-%lld", KT_SVP(set_name), (long long)ordinal),
	                  *what = NULL;
	kt_auto_free char *index = kt_asprintf("%lld", (long long)ordinal);
	json_t *metadata, *labels, *spec;

	if (!make_claims(work, name))
		return;
	pod = kt_pod_of_template(template, work->object, "apps/v1", "StatefulSet");
	metadata = json_object_get(pod, "metadata");
	labels = json_object_get(metadata, "labels");
	if (!labels)
		json_object_set_new(metadata, "labels", labels = json_object());
	json_object_set_new(metadata, "name", json_string(name));
	json_object_set_new(labels, POD_NAME_LABEL, json_string(name));
	json_object_set_new(labels, POD_INDEX_LABEL, json_string(index));
	json_object_set_new(labels, KT_REVISION_LABEL,
	        json_stringn(
	                kt_object_name(revision->object).p, kt_object_name(revision->object).len));
	spec = json_deep_copy(json_object_get(pod, "spec"));
	json_object_set_new(spec, "hostname", json_string(name));
	if (kt_jstr(work->spec, "serviceName") && *kt_jstr(work->spec, "serviceName"))
		json_object_set_new(
		        spec, "subdomain", json_string(kt_jstr(work->spec, "serviceName")));
	add_claim_volumes(work->spec, name, spec);
	json_object_set_new(pod, "spec", spec);
	what = kt_asprintf("create Pod %s in StatefulSet %.*s", name, KT_SVP(set_name));
	kt_create_pod_saying(work->pass, work->own->pods, work->object, pod, what);
}

static void remove_pod(struct stateful_work *work, struct kt_object *pod)
{
	kt_auto_free char *what = kt_asprintf("delete Pod %.*s in StatefulSet %.*s",
	        KT_SVP(kt_object_name(pod)), KT_SVP(kt_object_name(work->object)));

	kt_delete_pod_saying(work->pass, work->own->pods, work->object, pod, what);
}

/* --- who owns the claims --- */

/* Those of others stay; ours are what persistentVolumeClaimRetentionPolicy says: the set owns the
 * claim (whenDeleted), or the pod that goes because there shall be fewer (whenScaled). */
static json_t *wanted_owners(const struct stateful_work *work, const struct kt_object *pod,
        const json_t *have, bool condemned)
{
	const json_t *policy = json_object_get(work->spec, "persistentVolumeClaimRetentionPolicy");
	bool when_deleted = kt_streq(kt_jstr(policy, "whenDeleted"), "Delete"),
	     when_scaled = kt_streq(kt_jstr(policy, "whenScaled"), "Delete");
	json_t *wanted = json_array(), *item;
	size_t i;

	json_array_foreach(have, i, item)
		if (!kt_sv_is(kt_object_uid(work->object), kt_jstr(item, "uid")) &&
		        !kt_sv_is(kt_object_uid(pod), kt_jstr(item, "uid")))
			json_array_append(wanted, item);
	if (condemned && when_scaled)
		json_array_append_new(wanted, kt_owner_reference(pod, "v1", "Pod"));
	else if (when_deleted)
		json_array_append_new(
		        wanted, kt_owner_reference(work->object, "apps/v1", "StatefulSet"));
	return wanted;
}

/* Whether the claim is somebody else's to keep or to delete. What an earlier pod of the name left
 * there is not. */
static bool has_other_controller(
        const struct stateful_work *work, const struct kt_object *pod, const json_t *owners)
{
	json_t *item;
	size_t i;

	json_array_foreach(owners, i, item) {
		const char *uid = kt_jstr(item, "uid");

		if (kt_jbool(item, "controller", false) &&
		        !kt_sv_is(kt_object_uid(work->object), uid) &&
		        !kt_sv_is(kt_object_uid(pod), uid) &&
		        !(kt_streq(kt_jstr(item, "kind"), "Pod") &&
		                kt_sv_is(kt_object_name(pod), kt_jstr(item, "name"))))
			return true;
	}
	return false;
}

static bool has_owner(const json_t *owners, const char *uid)
{
	json_t *item;
	size_t i;

	json_array_foreach(owners, i, item)
		if (kt_streq(kt_jstr(item, "uid"), uid))
			return true;
	return false;
}

static bool same_owners(const json_t *a, const json_t *b)
{
	json_t *item;
	size_t i;

	json_array_foreach(a, i, item)
		if (!has_owner(b, kt_jstr(item, "uid")))
			return false;
	return json_array_size(a) == json_array_size(b);
}

/* True when all of the pod's claims are owned as they should be. */
static bool claims_are_owned(
        struct stateful_work *work, const struct kt_object *pod, bool condemned)
{
	struct kt_sv namespace = kt_object_namespace(work->object);
	json_t *template;
	bool good = true;
	size_t i;

	json_array_foreach(json_object_get(work->spec, "volumeClaimTemplates"), i, template) {
		kt_auto_free char *name = kt_asprintf(
		        "%s-%.*s", kt_jstr(template, "metadata.name"), KT_SVP(kt_object_name(pod)));
		struct kt_object *claim =
		        kt_informer_get(work->own->claims, namespace, kt_sv_of(name));
		struct kt_json_at at = claim ? kt_field_of(claim, "metadata", "ownerReferences")
		                             : (struct kt_json_at){0};
		kt_auto_json json_t *have = at.p ? kt_json_tree(at) : json_array(), *wanted = NULL,
		                    *body = NULL;

		if (!claim || kt_is_deleting(claim) || has_other_controller(work, pod, have))
			continue;
		wanted = wanted_owners(work, pod, have, condemned);
		if (same_owners(have, wanted))
			continue;
		good = false;
		body = json_pack("{s:{s:s%,s:O}}", "metadata", "uid", kt_object_uid(claim).p,
		        kt_object_uid(claim).len, "ownerReferences", wanted);
		kt_pass_send(work->pass,
		        &(struct kt_pass_write){.method = "PATCH",
		                .content_type = KT_PATCH_MERGE,
		                .body = body,
		                .informer = work->own->claims},
		        "/api/v1/namespaces/%.*s/persistentvolumeclaims/%s", KT_SVP(namespace),
		        name);
	}
	return good;
}

/* A pod that goes takes its claims along only when they are its own by then. */
static void remove_condemned(struct stateful_work *work, struct kt_object *pod)
{
	if (claims_are_owned(work, pod, true))
		remove_pod(work, pod);
	else
		kt_pass_again_after_ms(work->pass, 0);
}

/* --- the steps --- */

static void tell_recreation(struct stateful_work *work, const struct kt_object *pod)
{
	bool failed = kt_pod_phase_is(pod, "Failed");

	kt_reconciler_event(work->own->reconciler, work->object, failed ? "Warning" : "Normal",
	        failed ? "RecreatingFailedPod" : "RecreatingTerminatedPod",
	        "StatefulSet %.*s/%.*s is recreating %s Pod %.*s",
	        KT_SVP(kt_object_namespace(work->object)), KT_SVP(kt_object_name(work->object)),
	        failed ? "failed" : "terminated", KT_SVP(kt_object_name(pod)));
}

/* A claim that was deleted before its pod could start is made again. */
static void complete_claims(struct stateful_work *work, const struct kt_object *pod)
{
	kt_auto_free char *name = kt_sv_dup(kt_object_name(pod));

	if (kt_pod_phase_is(pod, "Pending") && !kt_is_deleting(pod))
		make_claims(work, name);
}

/* Missing and ended pods are made again, in order. True: go on. */
static bool fill_slots(struct stateful_work *work)
{
	for (int64_t i = 0; i < work->n; i++) {
		struct kt_object *pod = work->slots[i];

		if (pod) {
			complete_claims(work, pod);
			claims_are_owned(work, pod, false);
		}
		if (pod && (kt_pod_phase_is(pod, "Failed") || kt_pod_phase_is(pod, "Succeeded"))) {
			if (!kt_is_deleting(pod)) {
				tell_recreation(work, pod);
				remove_pod(work, pod);
			}
			if (work->ordered)
				return false;
			continue;
		}
		if (!pod) {
			make_pod(work, work->start + i);
			if (work->ordered)
				return false;
			continue;
		}
		if (work->ordered && (kt_is_deleting(pod) || !is_available(work, pod)))
			return false;
	}
	return true;
}

static bool in_range(const struct stateful_work *work, int64_t ordinal)
{
	return ordinal >= work->start && ordinal < work->start + work->n;
}

/* Those with too high a number go, the highest first. True: go on. */
static bool drop_condemned(struct stateful_work *work)
{
	struct kt_object *last = NULL;
	int64_t last_ordinal = -1;

	for (size_t i = 0; i < work->pods.n; i++) {
		int64_t ordinal = ordinal_of(work->object, work->pods.items[i]);

		if (ordinal < 0 || in_range(work, ordinal))
			continue;
		if (!work->ordered && !kt_is_deleting(work->pods.items[i]))
			remove_condemned(work, work->pods.items[i]);
		if (ordinal > last_ordinal) {
			last_ordinal = ordinal;
			last = work->pods.items[i];
		}
	}
	if (!last)
		return true;
	if (work->ordered && !kt_is_deleting(last))
		remove_condemned(work, last);
	return !work->ordered;
}

static bool all_old_ready_above(struct stateful_work *work, int64_t slot)
{
	for (int64_t i = work->n - 1; i > slot; i--)
		if (!work->slots[i] || !is_available(work, work->slots[i]))
			return false;
	return true;
}

/* With maxUnavailable as many old ones go at once as may be missing. */
static void roll_many(struct stateful_work *work, int64_t partition, int64_t spare)
{
	for (int64_t i = 0; i < work->n; i++)
		spare -= !work->slots[i] || !is_available(work, work->slots[i]);
	for (int64_t i = work->n - 1; i >= partition && spare > 0; i--) {
		struct kt_object *pod = work->slots[i];

		if (!pod || kt_is_deleting(pod) || kt_sv_eq(revision_of(pod), work->update_name))
			continue;
		remove_pod(work, pod);
		spare--;
	}
}

static void roll(struct stateful_work *work)
{
	int64_t partition = kt_jint(work->spec, "updateStrategy.rollingUpdate.partition", 0);
	int64_t at_once = kt_int_or_percent(
	        kt_jget(work->spec, "updateStrategy.rollingUpdate.maxUnavailable"), work->n, false,
	        1);

	if (kt_streq(kt_jstr(work->spec, "updateStrategy.type"), "OnDelete") ||
	        !work->history.newest)
		return;
	if (at_once > 1) {
		roll_many(work, partition, at_once);
		return;
	}
	for (int64_t i = work->n - 1; i >= partition; i--) {
		struct kt_object *pod = work->slots[i];

		if (!pod || kt_is_deleting(pod))
			return;
		if (!kt_sv_eq(revision_of(pod), work->update_name)) {
			if (all_old_ready_above(work, i))
				remove_pod(work, pod);
			return;
		}
		if (!is_available(work, pod))
			return;
	}
}

/* --- status --- */

static void update_status(struct stateful_work *work)
{
	int64_t replicas = 0, ready = 0, available = 0, current = 0, updated = 0;
	kt_auto_free char *path = kt_asprintf("/apis/apps/v1/namespaces/%.*s/statefulsets/%.*s",
	        KT_SVP(kt_object_namespace(work->object)), KT_SVP(kt_object_name(work->object)));
	json_t *status = work->status;

	for (size_t i = 0; i < work->pods.n; i++) {
		struct kt_object *pod = work->pods.items[i];

		if (ordinal_of(work->object, pod) < 0 || kt_pod_phase_is(pod, "Failed") ||
		        kt_pod_phase_is(pod, "Succeeded"))
			continue;
		replicas++;
		ready += kt_pod_is_ready(pod) && !kt_is_deleting(pod);
		available += is_available(work, pod);
		if (kt_is_deleting(pod))
			continue;
		current += kt_sv_eq(revision_of(pod), work->current_name);
		updated += kt_sv_eq(revision_of(pod), work->update_name);
	}
	/* The update is through: the new revision is the current one. */
	if (work->update_name.len && updated == work->n && replicas == work->n &&
	        ready == work->n &&
	        kt_jint(work->spec, "updateStrategy.rollingUpdate.partition", 0) == 0) {
		work->current_name = work->update_name;
		current = updated;
	}
	json_object_set_new(status, "replicas", json_integer(replicas));
	kt_set_count(status, "readyReplicas", ready);
	json_object_set_new(status, "availableReplicas", json_integer(available));
	kt_set_count(status, "currentReplicas", current);
	kt_set_count(status, "updatedReplicas", updated);
	if (work->current_name.len)
		json_object_set_new(status, "currentRevision",
		        json_stringn(work->current_name.p, work->current_name.len));
	if (work->update_name.len)
		json_object_set_new(status, "updateRevision",
		        json_stringn(work->update_name.p, work->update_name.len));
	json_object_set_new(
	        status, "observedGeneration", json_integer(kt_generation(work->object)));
	if (!json_object_get(status, "collisionCount"))
		json_object_set_new(status, "collisionCount", json_integer(0));
	kt_patch_status(work->pass, work->own->sets, work->object, path, json_incref(status));
	if (work->after_ms >= 0)
		kt_pass_again_after_ms(work->pass, work->after_ms);
}

static void trim_history(struct stateful_work *work)
{
	struct kt_map used;

	kt_map_init(&used, NULL);
	for (size_t i = 0; i < work->pods.n; i++)
		kt_map_set_sv(&used, revision_of(work->pods.items[i]), work);
	kt_map_set_sv(&used, work->current_name, work);
	kt_map_set_sv(&used, work->update_name, work);
	kt_history_trim(&work->history, &used, kt_jint(work->spec, "revisionHistoryLimit", 10));
	kt_map_finish(&used);
}

/* --- the pass --- */

static bool read_set(struct stateful_work *work)
{
	struct kt_selector *selector = NULL;
	kt_auto_err err = KT_ERR_INIT;

	if (kt_selector_of_json(json_object_get(work->spec, "selector"), &selector, &err) < 0)
		return false;
	kt_claim_objects(&(struct kt_claim){.pass = work->pass,
	                         .informer = work->own->pods,
	                         .group_path = "/api/v1",
	                         .resource = "pods",
	                         .owner = work->object,
	                         .api_version = "apps/v1",
	                         .kind = "StatefulSet",
	                         .selector = selector},
	        &work->pods);
	kt_selector_destroy(selector);
	work->slots = kt_new_array(struct kt_object *, (size_t)KT_MAX(work->n, 0) + 1);
	for (size_t i = 0; i < work->pods.n; i++) {
		int64_t ordinal = ordinal_of(work->object, work->pods.items[i]);

		if (in_range(work, ordinal))
			work->slots[ordinal - work->start] = work->pods.items[i];
	}
	kt_history_read(&work->history, work->tree, kt_jint(work->status, "collisionCount", 0));
	work->current_name = kt_sv_of(
	        kt_jstr(work->tree, "status.currentRevision")); /* not of the status being made */
	if (work->history.newest) {
		work->update_name = kt_object_name(work->history.newest->object);
		if (!work->current_name.len)
			work->current_name = work->update_name;
	}
	return true;
}

static void run(struct stateful_work *work)
{
	if (!read_set(work))
		return;
	if (!kt_is_deleting(work->object) && work->history.newest && fill_slots(work) &&
	        drop_condemned(work)) {
		roll(work);
		trim_history(work);
	}
	update_status(work);
}

static void reconcile(void *arg, struct kt_pass *pass, const char *key)
{
	struct stateful_controller *own = arg;
	struct stateful_work work = {.own = own,
	        .pass = pass,
	        .object = kt_pass_object(pass, own->sets),
	        .wall_ns = kt_pass_wall_ns(pass),
	        .after_ms = -1};

	(void)key;
	if (!work.object)
		return;
	work.tree = kt_object_tree(work.object);
	work.spec = json_object_get(work.tree, "spec");
	work.status = kt_status_tree(work.object);
	work.n = kt_jint(work.spec, "replicas", 1);
	work.start = kt_jint(work.spec, "ordinals.start", 0);
	work.min_ready_s = kt_jint(work.spec, "minReadySeconds", 0);
	work.ordered = !kt_streq(kt_jstr(work.spec, "podManagementPolicy"), "Parallel");
	work.history = (struct kt_history){.pass = pass,
	        .revisions = own->revisions,
	        .owner = work.object,
	        .kind = "StatefulSet"};
	run(&work);
	kt_history_finish(&work.history);
	free(work.slots);
	kt_vec_finish(&work.pods);
	json_decref(work.status);
	json_decref(work.tree);
}

struct claim_gone {
	struct stateful_controller *own;
	struct kt_sv name; /* "data-db-0" */
};

static bool wake_set_of_claim(void *arg, struct kt_object *set)
{
	const struct claim_gone *gone = arg;
	kt_auto_free char *name = kt_sv_dup(gone->name),
	                  *part = kt_asprintf("-%.*s-", KT_SVP(kt_object_name(set)));

	if (strstr(name, part))
		kt_reconciler_add_object(gone->own->reconciler, set);
	return true;
}

/* A claim that is gone can be made anew: a pod may wait for that. */
static void claim_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct claim_gone gone = {.own = arg};

	if (new_object)
		return;
	gone.name = kt_object_name(old_object);
	kt_informer_each_indexed(gone.own->sets, "namespace", kt_object_namespace(old_object),
	        wake_set_of_claim, &gone);
}

static void *create(struct kt_controllers *controllers)
{
	struct stateful_controller *own = kt_new(struct stateful_controller);

	own->reconciler =
	        kt_reconciler_create(&(struct kt_reconciler_options){.controllers = controllers,
	                .name = "statefulset-controller",
	                .reconcile = reconcile,
	                .arg = own});
	own->sets = kt_controllers_informer(controllers, "/apis/apps/v1/statefulsets");
	own->claims = kt_controllers_informer(controllers, "/api/v1/persistentvolumeclaims");
	kt_informer_add_handler(
	        own->claims, &(struct kt_informer_handler){.on_change = claim_changed, .arg = own});
	own->revisions = kt_controllers_informer(controllers, KT_REVISIONS);
	own->owned = (struct kt_owned){.reconciler = own->reconciler,
	        .owners = own->sets,
	        .kind = "StatefulSet",
	        .takes_over = true};
	own->pods = kt_owned_watch(&own->owned, controllers, "/api/v1/pods");
	return own;
}

static void destroy(void *controller)
{
	struct stateful_controller *own = controller;

	kt_reconciler_destroy(own->reconciler);
	free(own);
}

const struct kt_controller kt_controller_stateful_set = {"statefulset-controller", create, destroy};
