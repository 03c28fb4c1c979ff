/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * DaemonSets: one pod on every node that the template's node selector, affinity and tolerations
 * allow. Each pod is bound to its node by a required affinity to the node's name, and the scheduler
 * does the rest. Updates replace pods within maxUnavailable, or beside the old ones with maxSurge.
 */
#include "api/status.h"
#include "base/log.h"
#include "base/mem.h"
#include "cluster/controllers/history.h"
#include "cluster/controllers/owned.h"
#include "cluster/controllers/pod_control.h"
#include "cluster/controllers/table.h"
#include "cluster/scheduler/plugin.h"

#define PODS_PER_PASS_MAX 250 /* upstream's burst */
/* A pod that fails at once is not replaced at once each time; a quiet half hour forgives. */
#define FAILED_MIN_MS 1000
#define FAILED_MAX_MS (INT64_C(15) * 60 * 1000)
#define REQUIRED "requiredDuringSchedulingIgnoredDuringExecution"

struct daemon_controller {
	struct kt_reconciler *reconciler;
	struct kt_informer *sets, *pods, *nodes, *revisions;
	struct kt_owned owned;
	struct kt_map failed; /* "set's uid/node" -> struct failed_pods */
};

/* When the set's pod on a node failed last, and how long the next such one is left alone. */
struct failed_pods {
	int64_t last_ns, delay_ms;
};

struct daemon_node {
	struct kt_object *node;
	kt_objects pods;          /* of this set on it, neither ended nor deleting; oldest first */
	struct kt_object *oldest; /* of all; the one that the status tells of */
	bool wanted, kept;        /* should have a pod; may keep one it has */
	bool is_held;             /* by a pod that ended or goes: a new one waits for that */
};

struct daemon_work {
	struct daemon_controller *own;
	struct kt_pass *pass;
	struct kt_object *object;
	json_t *tree, *status, *template; /* template with the tolerations every daemon pod gets */
	const json_t *spec;
	struct kt_history history;
	kt_objects pods;
	struct kt_map nodes;       /* name -> daemon_node */
	struct kt_pod_info *probe; /* a pod of the template, for its tolerations and selectors */
	struct kt_object *probe_object;
	int64_t min_ready_s, wall_ns, after_ms, n_made;
};

static void node_free(void *value)
{
	struct daemon_node *node = value;

	kt_vec_finish(&node->pods);
	free(node);
}

static void add_toleration(json_t *tolerations, const char *key, const char *effect)
{
	json_t *item;
	size_t i;

	json_array_foreach(tolerations, i, item)
		if (kt_streq(kt_jstr(item, "key"), key) &&
		        kt_streq(kt_jstr(item, "effect"), effect) &&
		        kt_streq(kt_jstr(item, "operator"), "Exists"))
			return;
	json_array_append_new(tolerations,
	        json_pack("{s:s,s:s,s:s}", "key", key, "operator", "Exists", "effect", effect));
}

/* What every daemon pod lives with. */
static void add_tolerations(json_t *pod_spec)
{
	json_t *tolerations = json_object_get(pod_spec, "tolerations");

	if (!tolerations)
		json_object_set_new(pod_spec, "tolerations", tolerations = json_array());
	add_toleration(tolerations, "node.kubernetes.io/not-ready", "NoExecute");
	add_toleration(tolerations, "node.kubernetes.io/unreachable", "NoExecute");
	add_toleration(tolerations, "node.kubernetes.io/disk-pressure", "NoSchedule");
	add_toleration(tolerations, "node.kubernetes.io/memory-pressure", "NoSchedule");
	add_toleration(tolerations, "node.kubernetes.io/pid-pressure", "NoSchedule");
	add_toleration(tolerations, "node.kubernetes.io/unschedulable", "NoSchedule");
	if (json_is_true(json_object_get(pod_spec, "hostNetwork")))
		add_toleration(tolerations, "node.kubernetes.io/network-unavailable", "NoSchedule");
}

static void make_probe(struct daemon_work *work)
{
	kt_auto_json json_t *pod = NULL;
	kt_auto_str text = KT_STR_INIT;
	kt_auto_err err = KT_ERR_INIT;

	work->template = json_deep_copy(json_object_get(work->spec, "template"));
	add_tolerations(json_object_get(work->template, "spec"));
	pod = json_pack("{s:{s:s},s:O}", "metadata", "name", "probe", "spec",
	        json_object_get(work->template, "spec"));
	kt_json_write(&text, pod, 0);
	if (kt_object_create(KT_SV("probe"), (struct kt_sv){text.data, text.len},
	            &work->probe_object, &err) == 0)
		work->probe = kt_pod_info_create(work->probe_object);
	kt_assert(work->probe);
}

static bool selector_matches(struct kt_json_at selector, const struct kt_object *node)
{
	struct kt_json_iter it = {0};
	struct kt_json_at value;
	struct kt_sv key, want, have;

	while (selector.p && kt_json_next_member(selector, &it, &key, &value))
		if (!kt_json_string_sv(value, &want) || !kt_object_label(node, key, &have) ||
		        !kt_sv_eq(want, have))
			return false;
	return true;
}

static void judge(struct daemon_work *work, struct daemon_node *entry)
{
	struct kt_json_at taints = kt_field_of(entry->node, "spec", "taints"), item, required = {0};
	struct kt_json_iter it = {0};
	struct kt_sv name = {0};

	if (work->probe->affinity.p)
		required = kt_json_find(work->probe->affinity, "nodeAffinity", REQUIRED, NULL);
	name = work->probe->node_name;
	entry->wanted = entry->kept =
	        (!name.len || kt_sv_eq(name, kt_object_name(entry->node))) &&
	        selector_matches(work->probe->node_selector, entry->node) &&
	        (!required.p || kt_node_selector_matches(required, entry->node));
	while (entry->kept && taints.p && kt_json_next_element(taints, &it, &item)) {
		struct kt_taint taint = {0};

		kt_json_string_sv(kt_json_member(item, "key"), &taint.key);
		kt_json_string_sv(kt_json_member(item, "value"), &taint.value);
		kt_json_string_sv(kt_json_member(item, "effect"), &taint.effect);
		if (kt_sv_is(taint.effect, "PreferNoSchedule") ||
		        kt_tolerates(
		                work->probe->tolerations.items, work->probe->tolerations.n, &taint))
			continue;
		entry->wanted = false;
		entry->kept = !kt_sv_is(taint.effect, "NoExecute");
	}
}

static bool add_node(void *arg, struct kt_object *node)
{
	struct daemon_work *work = arg;
	struct daemon_node *entry = kt_new(struct daemon_node);

	entry->node = node;
	judge(work, entry);
	kt_map_set_sv(&work->nodes, kt_object_name(node), entry);
	return true;
}

/* The node a pod is bound to, or the one its affinity names. */
static struct kt_sv node_of(const struct kt_object *pod)
{
	struct kt_json_at terms, term, field, value;
	struct kt_json_iter t = {0}, f = {0}, v = {0};
	struct kt_sv name = kt_pod_node(pod);

	if (name.len)
		return name;
	terms = kt_json_find(kt_object_doc(pod), "spec", "affinity", "nodeAffinity", REQUIRED,
	        "nodeSelectorTerms", NULL);
	if (terms.p && kt_json_next_element(terms, &t, &term) &&
	        kt_json_next_element(kt_json_member(term, "matchFields"), &f, &field) &&
	        kt_json_next_element(kt_json_member(field, "values"), &v, &value))
		kt_json_string_sv(value, &name);
	return name;
}

/* --- making pods --- */

static void bind_by_affinity(json_t *spec, struct kt_sv node)
{
	json_t *affinity = json_object_get(spec, "affinity"), *node_affinity, *required, *terms,
	       *term;
	json_t *field = json_pack("[{s:s,s:s,s:[s%]}]", "key", "metadata.name", "operator", "In",
	        "values", node.p, node.len);
	size_t i;

	if (!affinity)
		json_object_set_new(spec, "affinity", affinity = json_object());
	node_affinity = json_object_get(affinity, "nodeAffinity");
	if (!node_affinity)
		json_object_set_new(affinity, "nodeAffinity", node_affinity = json_object());
	required = json_object_get(node_affinity, REQUIRED);
	terms = json_object_get(required, "nodeSelectorTerms");
	if (!json_array_size(terms)) {
		json_object_set_new(node_affinity, REQUIRED,
		        json_pack("{s:[{s:O}]}", "nodeSelectorTerms", "matchFields", field));
	} else {
		json_array_foreach(terms, i, term)
			json_object_set(term, "matchFields", field);
	}
	json_decref(field);
}

static void make_pod(struct daemon_work *work, const struct daemon_node *entry)
{
	kt_auto_json json_t *pod = NULL;
	kt_auto_free char *prefix = kt_asprintf("%.*s-", KT_SVP(kt_object_name(work->object)));
	struct kt_sv hash = kt_revision_hash(work->history.newest);
	kt_auto_free char *generation = kt_asprintf("%lld", (long long)kt_generation(work->object));
	json_t *metadata, *labels, *spec;

	if (++work->n_made > PODS_PER_PASS_MAX) {
		kt_pass_again_after_ms(work->pass, 0);
		return;
	}
	pod = kt_pod_of_template(work->template, work->object, "apps/v1", "DaemonSet");
	metadata = json_object_get(pod, "metadata");
	json_object_set_new(metadata, "generateName", json_string(prefix));
	labels = json_object_get(metadata, "labels");
	if (!labels)
		json_object_set_new(metadata, "labels", labels = json_object());
	json_object_set_new(labels, KT_REVISION_LABEL, json_stringn(hash.p, hash.len));
	json_object_set_new(labels, "pod-template-generation", json_string(generation));
	spec = json_deep_copy(json_object_get(pod, "spec"));
	bind_by_affinity(spec, kt_object_name(entry->node));
	json_object_set_new(pod, "spec", spec);
	kt_create_pod(work->pass, work->own->pods, work->object, pod);
}

static bool is_new(const struct daemon_work *work, const struct kt_object *pod)
{
	struct kt_sv have;

	return work->history.newest && kt_object_label(pod, KT_SV(KT_REVISION_LABEL), &have) &&
	       kt_sv_eq(have, kt_revision_hash(work->history.newest));
}

static bool is_available(struct daemon_work *work, const struct kt_object *pod)
{
	int64_t after_ms = -1;
	bool available = kt_pod_is_available(pod, work->min_ready_s, work->wall_ns, &after_ms);

	if (after_ms >= 0 && (work->after_ms < 0 || after_ms < work->after_ms))
		work->after_ms = after_ms;
	return available;
}

/* A failed pod's turn to be replaced has come; else the pass is asked for again then. */
static bool may_replace(struct daemon_work *work, const struct kt_object *pod)
{
	kt_auto_free char *key =
	        kt_asprintf("%.*s/%.*s", KT_SVP(kt_object_uid(work->object)), KT_SVP(node_of(pod)));
	struct failed_pods *failed = kt_map_get(&work->own->failed, key);
	int64_t since_ms;

	if (!failed) {
		failed = kt_new(struct failed_pods);
		kt_map_set(&work->own->failed, key, failed);
	}
	since_ms = (work->wall_ns - failed->last_ns) / KT_NS_PER_MS;
	if (since_ms < failed->delay_ms) {
		kt_pass_again_after_ms(work->pass, failed->delay_ms - since_ms);
		return false;
	}
	failed->delay_ms = KT_MIN(KT_MAX(2 * failed->delay_ms, FAILED_MIN_MS), FAILED_MAX_MS);
	failed->last_ns = work->wall_ns;
	return true;
}

/* What no longer matters: it is of another time, and so is its set perhaps. */
static void forget_failed(struct daemon_controller *own, int64_t wall_ns)
{
	size_t it = 0;
	const char *key;
	void *value;

	while (kt_map_next(&own->failed, &it, &key, &value))
		if (wall_ns - ((struct failed_pods *)value)->last_ns >
		        2 * FAILED_MAX_MS * KT_NS_PER_MS) {
			kt_auto_free char *copy = kt_strdup(key);

			kt_map_del(&own->failed, copy);
		}
}

/* Pods that have ended, and those of nodes that are gone. */
static void clean_up(struct daemon_work *work, struct kt_object *pod)
{
	bool failed = kt_pod_phase_is(pod, "Failed"), ended = kt_pod_phase_is(pod, "Succeeded");

	if (kt_map_get_sv(&work->nodes, node_of(pod)) && !failed && !ended)
		return;
	if (failed && !may_replace(work, pod))
		return;
	if (failed || ended)
		kt_reconciler_event(work->own->reconciler, work->object,
		        failed ? "Warning" : "Normal",
		        failed ? "FailedDaemonPod" : "SucceededDaemonPod",
		        "Found %s daemon pod %.*s/%.*s on node %.*s, will try to %s it",
		        failed ? "failed" : "succeeded", KT_SVP(kt_object_namespace(pod)),
		        KT_SVP(kt_object_name(pod)), KT_SVP(node_of(pod)),
		        failed ? "kill" : "delete");
	kt_delete_pod(work->pass, work->own->pods, work->object, pod);
}

static void manage(struct daemon_work *work)
{
	bool surge = kt_int_or_percent(kt_jget(work->spec, "updateStrategy.rollingUpdate.maxSurge"),
	                     100, true, 0) > 0;
	size_t it = 0;
	void *value;

	while (kt_map_next(&work->nodes, &it, NULL, &value)) {
		struct daemon_node *entry = value;
		size_t n_new = 0;

		for (size_t i = 0; i < entry->pods.n; i++)
			n_new += is_new(work, entry->pods.items[i]);
		if (entry->wanted && !entry->pods.n && !entry->is_held)
			make_pod(work, entry);
		for (size_t i = 0; i < entry->pods.n && !entry->kept; i++)
			kt_delete_pod(
			        work->pass, work->own->pods, work->object, entry->pods.items[i]);
		/* One too many; while surging an old and a new one live side by side. */
		for (size_t i = surge && n_new && n_new < entry->pods.n ? 2 : 1;
		        entry->kept && i < entry->pods.n; i++)
			kt_delete_pod(
			        work->pass, work->own->pods, work->object, entry->pods.items[i]);
	}
	for (size_t i = 0; i < work->pods.n; i++)
		if (!kt_is_deleting(work->pods.items[i]))
			clean_up(work, work->pods.items[i]);
}

/* --- updates --- */

/* How far a node is. */
struct daemon_update {
	const struct daemon_node *entry;
	struct kt_object *old, *new; /* NULL: none */
	bool is_served;              /* either is available */
};

static struct daemon_update update_of(struct daemon_work *work, const struct daemon_node *entry)
{
	struct daemon_update update = {.entry = entry};

	for (size_t i = 0; i < entry->pods.n; i++) {
		struct kt_object *pod = entry->pods.items[i];

		*(is_new(work, pod) ? &update.new : &update.old) = pod;
		update.is_served = is_available(work, pod) || update.is_served;
	}
	return update;
}

static void roll(struct daemon_work *work)
{
	const json_t *rolling = kt_jget(work->spec, "updateStrategy.rollingUpdate");
	int64_t n_wanted = 0, unavailable = 0, surging = 0, most_unavailable, most_surge;
	size_t it = 0;
	void *value;

	if (kt_streq(kt_jstr(work->spec, "updateStrategy.type"), "OnDelete") ||
	        !work->history.newest)
		return;
	while (kt_map_next(&work->nodes, &it, NULL, &value))
		n_wanted += ((struct daemon_node *)value)->wanted;
	most_surge = kt_int_or_percent(json_object_get(rolling, "maxSurge"), n_wanted, true, 0);
	most_unavailable =
	        kt_int_or_percent(json_object_get(rolling, "maxUnavailable"), n_wanted, true, 1);
	for (it = 0; kt_map_next(&work->nodes, &it, NULL, &value);) {
		struct daemon_update update = update_of(work, value);

		unavailable += update.entry->wanted && !update.is_served;
		surging += update.old && update.new && !is_available(work, update.new);
	}
	for (it = 0; kt_map_next(&work->nodes, &it, NULL, &value);) {
		struct daemon_update update = update_of(work, value);

		if (!update.old || !update.entry->wanted)
			continue;
		if (most_surge && !update.new) {
			if (!update.is_served || surging++ < most_surge)
				make_pod(work, update.entry);
		} else if (update.new ? is_available(work, update.new) ||
		                                (most_surge && !kt_pod_is_ready(update.old))
		                      : !update.is_served || unavailable++ < most_unavailable) {
			kt_delete_pod(work->pass, work->own->pods, work->object, update.old);
		}
	}
}

/* --- status --- */

struct daemon_counts {
	int64_t desired, current, misscheduled, ready, available, updated;
};

static void count_node(
        struct daemon_work *work, const struct daemon_node *entry, struct daemon_counts *counts)
{
	if (!entry->wanted) {
		counts->misscheduled += entry->oldest != NULL;
		return;
	}
	counts->desired++;
	if (!entry->oldest)
		return;
	counts->current++;
	counts->ready += kt_pod_is_ready(entry->oldest);
	counts->available += is_available(work, entry->oldest);
	counts->updated += is_new(work, entry->oldest);
}

static void update_status(struct daemon_work *work)
{
	kt_auto_free char *path = kt_asprintf("/apis/apps/v1/namespaces/%.*s/daemonsets/%.*s",
	        KT_SVP(kt_object_namespace(work->object)), KT_SVP(kt_object_name(work->object)));
	struct daemon_counts counts = {0};
	json_t *status = work->status;
	size_t it = 0;
	void *value;

	while (kt_map_next(&work->nodes, &it, NULL, &value))
		count_node(work, value, &counts);
	json_object_set_new(status, "desiredNumberScheduled", json_integer(counts.desired));
	json_object_set_new(status, "currentNumberScheduled", json_integer(counts.current));
	json_object_set_new(status, "numberMisscheduled", json_integer(counts.misscheduled));
	json_object_set_new(status, "numberReady", json_integer(counts.ready));
	kt_set_count(status, "updatedNumberScheduled", counts.updated);
	kt_set_count(status, "numberAvailable", counts.available);
	kt_set_count(status, "numberUnavailable", counts.desired - counts.available);
	json_object_set_new(
	        status, "observedGeneration", json_integer(kt_generation(work->object)));
	kt_patch_status(work->pass, work->own->sets, work->object, path, json_incref(status));
	if (work->after_ms >= 0)
		kt_pass_again_after_ms(work->pass, work->after_ms);
}

static void trim_history(struct daemon_work *work)
{
	struct kt_map used;

	kt_map_init(&used, NULL);
	for (size_t r = 0; r < work->history.all.n; r++)
		for (size_t i = 0; i < work->pods.n; i++) {
			struct kt_sv have;

			if (kt_object_label(work->pods.items[i], KT_SV(KT_REVISION_LABEL), &have) &&
			        kt_sv_eq(have, kt_revision_hash(&work->history.all.items[r])))
				kt_map_set_sv(&used,
				        kt_object_name(work->history.all.items[r].object), work);
		}
	kt_history_trim(&work->history, &used, kt_jint(work->spec, "revisionHistoryLimit", 10));
	kt_map_finish(&used);
}

/* --- the pass --- */

/* The older first; what has no node yet comes last. */
static int compare_age(const void *a, const void *b)
{
	const struct kt_object *x = *(struct kt_object *const *)a,
	                       *y = *(struct kt_object *const *)b;
	bool x_waits = !kt_pod_node(x).len, y_waits = !kt_pod_node(y).len;
	int64_t x_ns = kt_created_ns(x), y_ns = kt_created_ns(y);

	if (x_waits != y_waits)
		return x_waits ? 1 : -1;
	return x_ns != y_ns ? (x_ns < y_ns ? -1 : 1)
	                    : kt_sv_cmp(kt_object_name(x), kt_object_name(y));
}

static void put_on_node(struct daemon_node *entry, struct kt_object *pod)
{
	bool ended = kt_pod_phase_is(pod, "Failed") || kt_pod_phase_is(pod, "Succeeded");

	if (ended && kt_is_deleting(pod))
		return;
	if (!entry->oldest || compare_age(&pod, &entry->oldest) < 0)
		entry->oldest = pod;
	if (!kt_pod_is_active(pod)) {
		entry->is_held = true;
		return;
	}
	kt_vec_push(&entry->pods, pod);
	qsort(entry->pods.items, entry->pods.n, sizeof(*entry->pods.items), compare_age);
}

static bool read_set(struct daemon_work *work)
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
	                         .kind = "DaemonSet",
	                         .selector = selector},
	        &work->pods);
	kt_selector_destroy(selector);
	kt_informer_each(work->own->nodes, add_node, work);
	for (size_t i = 0; i < work->pods.n; i++) {
		struct daemon_node *entry =
		        kt_map_get_sv(&work->nodes, node_of(work->pods.items[i]));

		if (entry)
			put_on_node(entry, work->pods.items[i]);
	}
	kt_history_read(&work->history, work->tree, kt_jint(work->status, "collisionCount", 0));
	return true;
}

static void reconcile(void *arg, struct kt_pass *pass, const char *key)
{
	struct daemon_controller *own = arg;
	struct daemon_work work = {.own = own,
	        .pass = pass,
	        .object = kt_pass_object(pass, own->sets),
	        .wall_ns = kt_pass_wall_ns(pass),
	        .after_ms = -1};

	(void)key;
	forget_failed(own, work.wall_ns);
	if (!work.object)
		return;
	work.tree = kt_object_tree(work.object);
	work.spec = json_object_get(work.tree, "spec");
	work.status = kt_status_tree(work.object);
	work.min_ready_s = kt_jint(work.spec, "minReadySeconds", 0);
	work.history = (struct kt_history){.pass = pass,
	        .revisions = own->revisions,
	        .owner = work.object,
	        .kind = "DaemonSet"};
	kt_map_init(&work.nodes, node_free);
	make_probe(&work);
	if (read_set(&work)) {
		if (!kt_is_deleting(work.object) && work.history.newest) {
			manage(&work);
			roll(&work);
			trim_history(&work);
		}
		update_status(&work);
	}
	kt_history_finish(&work.history);
	kt_map_finish(&work.nodes);
	kt_pod_info_destroy(work.probe);
	kt_object_unref(work.probe_object);
	kt_vec_finish(&work.pods);
	json_decref(work.template);
	json_decref(work.status);
	json_decref(work.tree);
}

static bool add_each_set(void *arg, struct kt_object *set)
{
	struct daemon_controller *own = arg;

	kt_reconciler_add_object(own->reconciler, set);
	return true;
}

static bool differs(struct kt_json_at a, struct kt_json_at b)
{
	return !kt_sv_eq((struct kt_sv){a.p, a.len}, (struct kt_sv){b.p, b.len});
}

/* Only what decides where pods may run. */
static void node_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct daemon_controller *own = arg;

	if (old_object && new_object &&
	        kt_sv_eq(kt_object_span(old_object, old_object->labels),
	                kt_object_span(new_object, new_object->labels)) &&
	        !differs(kt_field_of(old_object, "spec", "taints"),
	                kt_field_of(new_object, "spec", "taints")))
		return;
	kt_informer_each(own->sets, add_each_set, own);
}

static void *create(struct kt_controllers *controllers)
{
	struct daemon_controller *own = kt_new(struct daemon_controller);

	kt_map_init(&own->failed, free);
	own->reconciler =
	        kt_reconciler_create(&(struct kt_reconciler_options){.controllers = controllers,
	                .name = "daemonset-controller",
	                .reconcile = reconcile,
	                .arg = own});
	own->sets = kt_controllers_informer(controllers, "/apis/apps/v1/daemonsets");
	own->nodes = kt_controllers_informer(controllers, "/api/v1/nodes");
	own->revisions = kt_controllers_informer(controllers, KT_REVISIONS);
	own->owned = (struct kt_owned){.reconciler = own->reconciler,
	        .owners = own->sets,
	        .kind = "DaemonSet",
	        .takes_over = true};
	own->pods = kt_owned_watch(&own->owned, controllers, "/api/v1/pods");
	kt_informer_add_handler(
	        own->nodes, &(struct kt_informer_handler){.on_change = node_changed, .arg = own});
	return own;
}

static void destroy(void *controller)
{
	struct daemon_controller *own = controller;

	kt_reconciler_destroy(own->reconciler);
	kt_map_finish(&own->failed);
	free(own);
}

const struct kt_controller kt_controller_daemon_set = {"daemonset-controller", create, destroy};
