/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The ReplicaSets of a Deployment: found, made, annotated, scaled and cleaned up. */
#include "cluster/controllers/deployment.h"

#include "api/status.h"
#include "base/log.h"
#include "base/mem.h"

#include <math.h>

#define REVISION_HISTORY_BYTES_MAX 2000

static int64_t int_annotation(const struct kt_object *object, const char *key, int64_t fallback)
{
	kt_auto_free char *text = kt_annotation(object, key);
	int64_t value;

	return text && kt_sv_int64(kt_sv_of(text), &value) == 0 ? value : fallback;
}

static int compare_age(const void *va, const void *vb)
{
	const struct replica_set *a = va, *b = vb;

	if (a->created_ns != b->created_ns)
		return a->created_ns < b->created_ns ? -1 : 1;
	return kt_sv_cmp(kt_object_name(a->object), kt_object_name(b->object));
}

void rollout_read_sets(struct rollout *rollout)
{
	for (size_t i = 0; i < rollout->sets.n; i++) {
		struct replica_set *set = &rollout->sets.items[i];

		set->spec_replicas = kt_int_at(set->object, "spec", "replicas", 1);
		set->replicas = kt_int_at(set->object, "status", "replicas", 0);
		set->available = kt_int_at(set->object, "status", "availableReplicas", 0);
		set->ready = kt_int_at(set->object, "status", "readyReplicas", 0);
		set->terminating = kt_int_at(set->object, "status", "terminatingReplicas", 0);
		set->revision = int_annotation(set->object, DEPLOYMENT_REVISION, 0);
		set->created_ns = kt_created_ns(set->object);
	}
	if (rollout->sets.n)
		qsort(rollout->sets.items, rollout->sets.n, sizeof(*rollout->sets.items),
		        compare_age);
}

int64_t rollout_sum_spec(const struct rollout *rollout, bool old_only)
{
	int64_t sum = 0;

	for (size_t i = 0; i < rollout->sets.n; i++)
		if (!old_only || &rollout->sets.items[i] != rollout->newest)
			sum += rollout->sets.items[i].spec_replicas;
	return sum;
}

int64_t rollout_sum_lasting(const struct rollout *rollout)
{
	int64_t sum = 0;

	for (size_t i = 0; i < rollout->sets.n; i++)
		sum += KT_MIN(
		        rollout->sets.items[i].available, rollout->sets.items[i].spec_replicas);
	return sum;
}

/* A template without the label that its hash becomes. */
static char *template_text(const json_t *template)
{
	kt_auto_json json_t *copy = json_deep_copy(template);
	json_t *labels = kt_jget(copy, "metadata.labels");

	json_object_del(labels, DEPLOYMENT_HASH_LABEL);
	return kt_canonical(copy);
}

static void find_newest(struct rollout *rollout)
{
	kt_auto_free char *want = template_text(json_object_get(rollout->spec, "template"));

	for (size_t i = 0; i < rollout->sets.n && !rollout->newest; i++) {
		kt_auto_json json_t *template = kt_json_tree(
		        kt_field_of(rollout->sets.items[i].object, "spec", "template"));
		kt_auto_free char *have = template_text(template);

		if (strcmp(want, have) == 0)
			rollout->newest = &rollout->sets.items[i];
	}
}

/* What a Deployment's annotations have that its ReplicaSets should not. */
static bool is_own_annotation(const char *key)
{
	return strcmp(key, "kubectl.kubernetes.io/last-applied-configuration") == 0 ||
	       strcmp(key, DEPLOYMENT_REVISION) == 0 ||
	       strcmp(key, DEPLOYMENT_REVISION_HISTORY) == 0 ||
	       strcmp(key, DEPLOYMENT_DESIRED) == 0 || strcmp(key, DEPLOYMENT_MAX) == 0 ||
	       strcmp(key, "deprecated.deployment.rollback.to") == 0;
}

static void set_int(json_t *annotations, const char *key, int64_t value)
{
	kt_auto_free char *text = kt_asprintf("%lld", (long long)value);

	json_object_set_new(annotations, key, json_string(text));
}

/* The annotations that the newest ReplicaSet should have on top of `have`. */
static json_t *newest_annotations(const struct rollout *rollout, const json_t *have)
{
	json_t *annotations = json_object(), *value;
	const json_t *own = kt_jget(rollout->tree, "metadata.annotations");
	const char *key, *old_revision = kt_jstr(have, "");
	int64_t old = 0;

	json_object_foreach((json_t *)(uintptr_t)own, key, value)
		if (!is_own_annotation(key))
			json_object_set(annotations, key, value);
	old_revision = json_string_value(json_object_get(have, DEPLOYMENT_REVISION));
	if (old_revision)
		kt_sv_int64(kt_sv_of(old_revision), &old);
	if (old < rollout->revision) {
		const char *history =
		        json_string_value(json_object_get(have, DEPLOYMENT_REVISION_HISTORY));

		set_int(annotations, DEPLOYMENT_REVISION, rollout->revision);
		if (old_revision && (!history || strlen(history) < REVISION_HISTORY_BYTES_MAX)) {
			kt_auto_free char *text =
			        history ? kt_asprintf("%s,%s", history, old_revision)
			                : kt_strdup(old_revision);

			json_object_set_new(
			        annotations, DEPLOYMENT_REVISION_HISTORY, json_string(text));
		}
	}
	set_int(annotations, DEPLOYMENT_DESIRED, rollout->replicas);
	set_int(annotations, DEPLOYMENT_MAX, rollout->replicas + rollout->max_surge);
	return annotations;
}

/* The revision of the Deployment itself follows that of its newest ReplicaSet. It is written
 * through /status: a changed annotation of the main resource counts as a new generation. */
static void annotate_deployment(struct rollout *rollout, int64_t revision)
{
	kt_auto_json json_t *body = NULL;
	kt_auto_free char *text = kt_asprintf("%lld", (long long)revision);

	if (int_annotation(rollout->object, DEPLOYMENT_REVISION, 0) == revision)
		return;
	body = json_pack("{s:{s:{s:s}}}", "metadata", "annotations", DEPLOYMENT_REVISION, text);
	kt_pass_send(rollout->pass,
	        &(struct kt_pass_write){.method = "PATCH",
	                .content_type = KT_PATCH_MERGE,
	                .body = body,
	                .informer = rollout->own->deployments},
	        "%s/status", rollout->path);
}

static void send_set_patch(
        struct rollout *rollout, const struct replica_set *set, const json_t *body)
{
	kt_pass_send(rollout->pass,
	        &(struct kt_pass_write){.method = "PATCH",
	                .content_type = KT_PATCH_MERGE,
	                .body = body,
	                .informer = rollout->own->sets},
	        "/apis/apps/v1/namespaces/%.*s/replicasets/%.*s",
	        KT_SVP(kt_object_namespace(set->object)), KT_SVP(kt_object_name(set->object)));
}

static void annotate_newest(struct rollout *rollout)
{
	struct replica_set *newest = rollout->newest;
	struct kt_sv text = kt_object_span(newest->object, newest->object->annotations);
	kt_auto_json json_t *have =
	        text.len ? kt_json_tree(kt_json_doc(text.p, text.len)) : json_object();
	kt_auto_json json_t *want = newest_annotations(rollout, have), *body = NULL;
	int64_t min_ready_s = kt_jint(rollout->spec, "minReadySeconds", 0);
	const char *key;
	json_t *value;
	bool differs = kt_int_at(newest->object, "spec", "minReadySeconds", 0) != min_ready_s;

	json_object_foreach(want, key, value)
		differs = differs || !json_equal(value, json_object_get(have, key));
	if (!differs)
		return;
	body = json_pack("{s:{s:O},s:{s:I}}", "metadata", "annotations", want, "spec",
	        "minReadySeconds", (json_int_t)min_ready_s);
	send_set_patch(rollout, newest, body);
}

static void bump_collision_count(struct rollout *rollout)
{
	int64_t count = kt_jint(rollout->status, "collisionCount", 0) + 1;
	kt_auto_json json_t *body =
	        json_pack("{s:{s:I}}", "status", "collisionCount", (json_int_t)count);

	kt_pass_send(rollout->pass,
	        &(struct kt_pass_write){.method = "PATCH",
	                .content_type = KT_PATCH_MERGE,
	                .body = body,
	                .informer = rollout->own->deployments},
	        "%s/status", rollout->path);
}

/* What happens to the answer outlives the pass's rollout; this is what it needs. */
struct making {
	struct deployment_controller *own;
	struct kt_object *deployment;
	char *name, *path;
	int64_t replicas, collisions;
};

static void making_free(void *value)
{
	struct making *making = value;

	kt_object_unref(making->deployment);
	free(making->name);
	free(making->path);
	free(making);
}

static void set_made(struct kt_pass *pass, struct kt_call *call, void *arg)
{
	struct making *making = arg;

	if (!call->err.code) {
		if (making->replicas > 0)
			kt_reconciler_event(making->own->reconciler, making->deployment, "Normal",
			        "ScalingReplicaSet", "Scaled up replica set %s from 0 to %lld",
			        making->name, (long long)making->replicas);
		return;
	}
	if (kt_err_reason(&call->err) == KT_REASON_ALREADY_EXISTS) {
		/* Another template with the same hash: the count makes the next hash another. */
		struct rollout rollout = {.own = making->own,
		        .pass = pass,
		        .path = making->path,
		        .status = json_pack(
		                "{s:I}", "collisionCount", (json_int_t)making->collisions)};

		bump_collision_count(&rollout);
		json_decref(rollout.status);
	} else if (kt_err_reason(&call->err) != KT_REASON_NOT_FOUND) {
		kt_reconciler_event(making->own->reconciler, making->deployment, "Warning",
		        "ReplicaSetCreateError", "Failed to create new replica set \"%s\": %s",
		        making->name, kt_err_message(&call->err));
	}
	kt_pass_check(pass, call);
}

static json_t *with_label(const json_t *labels, const char *hash)
{
	json_t *copy = labels ? json_deep_copy(labels) : json_object();

	json_object_set_new(copy, DEPLOYMENT_HASH_LABEL, json_string(hash));
	return copy;
}

static json_t *new_set(
        struct rollout *rollout, const char *name, const char *hash, int64_t replicas)
{
	struct kt_sv namespace = kt_object_namespace(rollout->object);
	json_t *template = json_deep_copy(json_object_get(rollout->spec, "template")), *metadata,
	       *selector, *spec;
	int64_t min_ready_s = kt_jint(rollout->spec, "minReadySeconds", 0);

	metadata = json_object_get(template, "metadata");
	if (!metadata)
		json_object_set_new(template, "metadata", metadata = json_object());
	json_object_set_new(
	        metadata, "labels", with_label(json_object_get(metadata, "labels"), hash));
	selector = json_deep_copy(json_object_get(rollout->spec, "selector"));
	json_object_set_new(selector, "matchLabels",
	        with_label(json_object_get(selector, "matchLabels"), hash));
	spec = json_pack("{s:I,s:o,s:O}", "replicas", (json_int_t)replicas, "selector", selector,
	        "template", template);
	if (min_ready_s)
		json_object_set_new(spec, "minReadySeconds", json_integer(min_ready_s));
	metadata = json_pack("{s:s,s:s%,s:O,s:o,s:[o]}", "name", name, "namespace", namespace.p,
	        namespace.len, "labels", json_object_get(metadata, "labels"), "annotations",
	        newest_annotations(rollout, NULL), "ownerReferences",
	        kt_owner_reference(rollout->object, "apps/v1", "Deployment"));
	json_decref(template);
	return json_pack("{s:s,s:s,s:o,s:o}", "apiVersion", "apps/v1", "kind", "ReplicaSet",
	        "metadata", metadata, "spec", spec);
}

static void make_newest(struct rollout *rollout)
{
	int64_t collisions = kt_jint(rollout->status, "collisionCount", 0),
	        most = rollout->replicas + rollout->max_surge;
	int64_t room = rollout->recreate ? rollout->replicas
	                                 : KT_MAX(most - rollout_sum_spec(rollout, false), 0);
	struct kt_sv namespace = kt_object_namespace(rollout->object),
	             name = kt_object_name(rollout->object);
	kt_auto_free char *text = template_text(json_object_get(rollout->spec, "template"));
	struct making *making = kt_new(struct making);
	kt_auto_json json_t *body = NULL;
	uint32_t sum = kt_fnv32a(text, 0);
	char hash[16], count[32];

	if (collisions) {
		snprintf(count, sizeof(count), "%lld", (long long)collisions);
		sum = kt_fnv32a(count, sum);
	}
	kt_safe_encode(sum, hash);
	making->own = rollout->own;
	making->deployment = kt_object_ref(rollout->object);
	making->name = kt_asprintf("%.*s-%s", KT_SVP(name), hash);
	making->path = kt_strdup(rollout->path);
	making->replicas = KT_MIN(room, rollout->replicas);
	making->collisions = collisions;
	body = new_set(rollout, making->name, hash, making->replicas);
	rollout->created = true;
	kt_set_condition(kt_status_conditions(rollout->status), "Progressing", "True",
	        "NewReplicaSetCreated", "", rollout->wall_ns, true);
	json_object_set_new(kt_find_condition(kt_status_conditions(rollout->status), "Progressing"),
	        "message", json_sprintf("Created new replica set \"%s\"", making->name));
	kt_pass_send(rollout->pass,
	        &(struct kt_pass_write){.method = "POST",
	                .body = body,
	                .informer = rollout->own->sets,
	                .done = set_made,
	                .arg = making,
	                .free_arg = making_free},
	        "/apis/apps/v1/namespaces/%.*s/replicasets", KT_SVP(namespace));
}

bool rollout_ensure_newest(struct rollout *rollout, bool create)
{
	int64_t old = 0;

	if (!rollout->newest)
		find_newest(rollout);
	for (size_t i = 0; i < rollout->sets.n; i++)
		if (&rollout->sets.items[i] != rollout->newest)
			old = KT_MAX(old, rollout->sets.items[i].revision);
	rollout->revision = old + 1;
	if (rollout->newest) {
		annotate_newest(rollout);
		annotate_deployment(rollout, KT_MAX(rollout->revision, rollout->newest->revision));
		return true;
	}
	if (create && !rollout->created) {
		make_newest(rollout);
		annotate_deployment(rollout, rollout->revision);
	}
	return false;
}

void rollout_scale_set(
        struct rollout *rollout, struct replica_set *set, int64_t replicas, bool record)
{
	kt_auto_json json_t *body = NULL;
	kt_auto_free char *desired = kt_asprintf("%lld", (long long)rollout->replicas);
	kt_auto_free char *most =
	        kt_asprintf("%lld", (long long)(rollout->replicas + rollout->max_surge));
	bool differs = replicas != set->spec_replicas;

	if (!differs && int_annotation(set->object, DEPLOYMENT_DESIRED, -1) == rollout->replicas &&
	        int_annotation(set->object, DEPLOYMENT_MAX, -1) ==
	                rollout->replicas + rollout->max_surge)
		return;
	body = json_pack("{s:{s:{s:s,s:s}},s:{s:I}}", "metadata", "annotations", DEPLOYMENT_DESIRED,
	        desired, DEPLOYMENT_MAX, most, "spec", "replicas", (json_int_t)replicas);
	send_set_patch(rollout, set, body);
	if (!differs)
		return;
	rollout->scaled = true;
	if (record)
		kt_reconciler_event(rollout->own->reconciler, rollout->object, "Normal",
		        "ScalingReplicaSet", "Scaled %s replica set %.*s from %lld to %lld",
		        replicas > set->spec_replicas ? "up" : "down",
		        KT_SVP(kt_object_name(set->object)), (long long)set->spec_replicas,
		        (long long)replicas);
	set->spec_replicas = replicas;
}

bool rollout_is_scaling(const struct rollout *rollout)
{
	size_t n_active = 0;

	/* Of several old ones none is the one to scale when all are to go: recreating ends that. */
	for (size_t i = 0; i < rollout->sets.n; i++)
		n_active += rollout->sets.items[i].spec_replicas > 0;
	if (rollout->recreate && n_active > 1)
		return false;
	for (size_t i = 0; i < rollout->sets.n; i++) {
		const struct replica_set *set = &rollout->sets.items[i];
		int64_t desired = int_annotation(set->object, DEPLOYMENT_DESIRED, -1);

		if (set->spec_replicas > 0 && desired >= 0 && desired != rollout->replicas)
			return true;
	}
	return false;
}

/* The only active one, or with none active the newest; NULL when several are active. */
static struct replica_set *only_active(struct rollout *rollout)
{
	struct replica_set *active = NULL;

	for (size_t i = 0; i < rollout->sets.n; i++) {
		if (rollout->sets.items[i].spec_replicas == 0)
			continue;
		if (active)
			return NULL;
		active = &rollout->sets.items[i];
	}
	if (active)
		return active;
	return rollout->newest   ? rollout->newest
	       : rollout->sets.n ? &rollout->sets.items[rollout->sets.n - 1]
	                         : NULL;
}

static int compare_size(const void *va, const void *vb)
{
	const struct replica_set *a = *(struct replica_set *const *)va,
	                         *b = *(struct replica_set *const *)vb;

	if (a->spec_replicas != b->spec_replicas)
		return a->spec_replicas > b->spec_replicas ? -1 : 1;
	return compare_age(a, b);
}

/* This set's share of the change, never past what is left of it. */
static int64_t share(const struct rollout *rollout, const struct replica_set *set, int64_t to_add,
        int64_t added, int64_t allowed)
{
	int64_t most = int_annotation(set->object, DEPLOYMENT_MAX, 0), left = to_add - added,
	        fraction;

	if (!set->spec_replicas || !left)
		return 0;
	if (!rollout->replicas)
		return -set->spec_replicas;
	if (!most)
		most = kt_jint(rollout->status, "replicas", 0);
	if (!most)
		return 0;
	fraction = (int64_t)round((double)set->spec_replicas * (double)allowed / (double)most) -
	           set->spec_replicas;
	return to_add > 0 ? KT_MIN(fraction, left) : KT_MAX(fraction, left);
}

static void scale_in_proportion(struct rollout *rollout)
{
	KT_VEC(struct replica_set *) active = {0};
	int64_t allowed = rollout->replicas > 0 ? rollout->replicas + rollout->max_surge : 0,
	        to_add, added = 0, *targets;

	for (size_t i = 0; i < rollout->sets.n; i++)
		if (rollout->sets.items[i].spec_replicas > 0)
			kt_vec_push(&active, &rollout->sets.items[i]);
	if (active.n) {
		qsort(active.items, active.n, sizeof(*active.items), compare_size);
		targets = kt_new_array(int64_t, active.n);
		to_add = allowed - rollout_sum_spec(rollout, false);
		for (size_t i = 0; i < active.n; i++) {
			int64_t n = to_add ? share(rollout, active.items[i], to_add, added, allowed)
			                   : 0;

			targets[i] = active.items[i]->spec_replicas + n;
			added += n;
		}
		targets[0] = KT_MAX(
		        targets[0] + to_add - added, 0); /* the largest takes what rounding left */
		for (size_t i = 0; i < active.n; i++)
			rollout_scale_set(rollout, active.items[i], targets[i], true);
		free(targets);
	}
	kt_vec_finish(&active);
}

void rollout_scale_event(struct rollout *rollout)
{
	struct replica_set *only = only_active(rollout);
	bool saturated = rollout->newest && rollout->newest->spec_replicas == rollout->replicas &&
	                 rollout->newest->available == rollout->replicas &&
	                 int_annotation(rollout->newest->object, DEPLOYMENT_DESIRED, -1) ==
	                         rollout->replicas;

	if (only) {
		rollout_scale_set(rollout, only, rollout->replicas, true);
	} else if (saturated) {
		for (size_t i = 0; i < rollout->sets.n; i++)
			if (&rollout->sets.items[i] != rollout->newest &&
			        rollout->sets.items[i].spec_replicas)
				rollout_scale_set(rollout, &rollout->sets.items[i], 0, true);
	} else if (!rollout->recreate) {
		scale_in_proportion(rollout);
	}
}

static int compare_revision(const void *va, const void *vb)
{
	const struct replica_set *a = *(struct replica_set *const *)va,
	                         *b = *(struct replica_set *const *)vb;

	if (a->revision != b->revision)
		return a->revision < b->revision ? -1 : 1;
	return compare_age(a, b);
}

void rollout_delete_old_sets(struct rollout *rollout)
{
	int64_t limit = kt_jint(rollout->spec, "revisionHistoryLimit", 10);
	KT_VEC(struct replica_set *) old = {0};

	for (size_t i = 0; i < rollout->sets.n; i++)
		if (&rollout->sets.items[i] != rollout->newest &&
		        !kt_is_deleting(rollout->sets.items[i].object))
			kt_vec_push(&old, &rollout->sets.items[i]);
	if (old.n)
		qsort(old.items, old.n, sizeof(*old.items), compare_revision);
	for (size_t i = 0; (int64_t)(old.n - i) > limit && i < old.n; i++) {
		struct kt_object *object = old.items[i]->object;

		if (old.items[i]->replicas || old.items[i]->spec_replicas ||
		        kt_generation(object) >
		                kt_int_at(object, "status", "observedGeneration", 0))
			continue;
		kt_pass_send(rollout->pass,
		        &(struct kt_pass_write){.method = "DELETE",
		                .informer = rollout->own->sets,
		                .target = object},
		        "/apis/apps/v1/namespaces/%.*s/replicasets/%.*s",
		        KT_SVP(kt_object_namespace(object)), KT_SVP(kt_object_name(object)));
	}
	kt_vec_finish(&old);
}
