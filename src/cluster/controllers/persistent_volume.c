/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * PersistentVolumes and claims: a claim is bound to the smallest volume that satisfies it; where
 * its class has the simulated provisioner, a volume is made for it. A released volume is deleted or
 * kept as its reclaim policy says.
 *
 * Classes with volumeBindingMode WaitForFirstConsumer wait until the scheduler names a node, or a
 * pod on a node uses the claim. Which of the volumes that are there such a claim gets is for the
 * scheduler to say, too: it reserves one.
 *
 * Either side may name the other beforehand: a claim by spec.volumeName, a volume by spec.claimRef,
 * whose uid is filled in. Both sides agree in this order: claimRef with the uid, the volume's
 * phase, volumeName and bind-completed, the claim's phase; who stops in between goes on from what
 * is written. bound-by-controller marks what the user did not choose and may be undone. A claim
 * that had completed and whose volume is gone or another's is Lost.
 *
 * A claim that stays pending is told why when it changes and every SAY_AGAIN_MS, upstream's resync;
 * what wakes it in between (volumes, classes, pods) repeats nothing.
 */
#include "cluster/controllers/persistent_volume.h"
#include "api/status.h"
#include "base/mem.h"
#include "cluster/controllers/table.h"

#define CLAIMS "/api/v1/persistentvolumeclaims"
#define VOLUMES "/api/v1/persistentvolumes"
#define PODS "/api/v1/pods"

static bool is_to_delete(const struct kt_object *volume)
{
	return kt_json_string_is(
	        kt_field_of(volume, "spec", "persistentVolumeReclaimPolicy"), "Delete");
}

/* The user chose the volume. */
static void sync_named(struct volume_controller *own, struct kt_pass *pass, struct kt_object *claim,
        const json_t *tree)
{
	const char *name = kt_jstr(tree, "spec.volumeName");
	struct kt_object *volume = kt_informer_get(own->volumes, (struct kt_sv){0}, kt_sv_of(name));
	kt_auto_json json_t *v = volume ? kt_object_tree(volume) : NULL;
	bool is_taken = kt_jget(v, "spec.claimRef") != NULL;
	const char *why = v && !is_taken ? volume_mismatch(v, tree) : NULL;

	if (v && (is_taken ? volume_is_reserved_for(v, claim) : !why)) {
		volume_bind(own, pass, claim, volume);
		return;
	}
	volume_set_claim_phase(own, pass, claim, "Pending", NULL);
	if (!v || !volume_is_time_to_say(own, pass, claim))
		return;
	if (why)
		kt_reconciler_event(own->reconciler, claim, "Warning", "VolumeMismatch",
		        "Cannot bind to requested volume \"%s\": %s", name, why);
	else
		kt_reconciler_event(own->reconciler, claim, "Warning", "FailedBinding",
		        "volume \"%s\" already bound to a different claim.", name);
}

/* Binding had completed: what is missing now is lost. */
static void sync_completed(struct volume_controller *own, struct kt_pass *pass,
        struct kt_object *claim, const json_t *tree)
{
	const char *name = volume_or_empty(kt_jstr(tree, "spec.volumeName"));
	struct kt_object *volume = kt_informer_get(own->volumes, (struct kt_sv){0}, kt_sv_of(name));
	kt_auto_json json_t *v = volume ? kt_object_tree(volume) : NULL;

	if (!*name)
		volume_lose_claim(own, pass, claim, "ClaimLost",
		        "Bound claim has lost reference to PersistentVolume. Data on the volume "
		        "is lost!");
	else if (!v)
		volume_lose_claim(own, pass, claim, "ClaimLost",
		        "Bound claim has lost its PersistentVolume. Data on the volume is lost!");
	else if (kt_jget(v, "spec.claimRef") && !volume_is_reserved_for(v, claim))
		volume_lose_claim(own, pass, claim, "ClaimMisbound",
		        "Two claims are bound to the same volume, this one is bound incorrectly");
	else
		volume_bind(own, pass, claim, volume);
}

static void sync_claim(struct volume_controller *own, struct kt_pass *pass, struct kt_object *claim)
{
	kt_auto_json json_t *tree = kt_object_tree(claim);
	struct kt_object *volume;

	if (kt_is_deleting(claim))
		return;
	if (volume_has_annotation(claim, VOLUME_BIND_COMPLETED)) {
		sync_completed(own, pass, claim, tree);
		return;
	}
	if (*volume_or_empty(kt_jstr(tree, "spec.volumeName"))) {
		sync_named(own, pass, claim, tree);
		return;
	}
	volume = volume_find(own, claim, tree, volume_waits_for_consumer(own, tree));
	if (volume) {
		volume_bind(own, pass, claim, volume);
		return;
	}
	volume_set_claim_phase(own, pass, claim, "Pending", NULL);
	if (!volume_assign_default_class(own, pass, claim, tree))
		volume_provision(own, pass, claim, tree);
}

/* Its claim is gone, or did not take it. */
static void release(struct volume_controller *own, struct kt_pass *pass, struct kt_object *volume)
{
	kt_auto_free char *path = volume_path(volume),
	                  *provisioned = kt_annotation(volume, VOLUME_PROVISIONED_BY);

	volume_set_phase(own, pass, volume, "Released");
	if (!kt_is_deleting(volume) && kt_streq(provisioned, VOLUME_PROVISIONER) &&
	        is_to_delete(volume))
		kt_pass_send(pass,
		        &(struct kt_pass_write){
		                .method = "DELETE", .informer = own->volumes, .target = volume},
		        "%s", path);
}

/* The volume names the claim, uid and all. */
static void sync_with_claim(struct volume_controller *own, struct kt_pass *pass,
        struct kt_object *volume, const json_t *tree, struct kt_object *claim)
{
	kt_auto_json json_t *wants = kt_object_tree(claim);
	const char *name = volume_or_empty(kt_jstr(wants, "spec.volumeName"));

	if (!*name && !volume_is_same_mode(tree, wants)) {
		kt_reconciler_event(own->reconciler, volume, "Warning", "VolumeMismatch",
		        "Cannot bind PersistentVolume to requested PersistentVolumeClaim \"%.*s\" "
		        "due to incompatible volumeMode.",
		        KT_SVP(kt_object_name(claim)));
		kt_reconciler_event(own->reconciler, claim, "Warning", "VolumeMismatch",
		        "Cannot bind PersistentVolume \"%.*s\" to requested "
		        "PersistentVolumeClaim due to incompatible volumeMode.",
		        KT_SVP(kt_object_name(volume)));
	} else if (!*name || kt_sv_is(kt_object_name(volume), name)) {
		if (*name)
			volume_set_phase(own, pass, volume, "Bound");
		kt_reconciler_add_object(own->reconciler, claim);
	} else if (volume_has_annotation(volume, VOLUME_PROVISIONED_BY) && is_to_delete(volume)) {
		release(own, pass, volume);
	} else {
		volume_unbind(own, pass, volume);
	}
}

static void sync_volume(
        struct volume_controller *own, struct kt_pass *pass, struct kt_object *volume)
{
	kt_auto_json json_t *tree = kt_object_tree(volume);
	const char *namespace = kt_jstr(tree, "spec.claimRef.namespace"),
	           *name = kt_jstr(tree, "spec.claimRef.name");
	const char *uid = kt_jstr(tree, "spec.claimRef.uid");
	struct kt_object *claim;

	if (!name || !uid || !*uid) {
		volume_set_phase(own, pass, volume, "Available");
		return;
	}
	claim = kt_informer_get(own->claims, kt_sv_of(namespace), kt_sv_of(name));
	if (claim && kt_sv_is(kt_object_uid(claim), uid))
		sync_with_claim(own, pass, volume, tree, claim);
	else
		release(own, pass, volume);
}

static void reconcile(void *arg, struct kt_pass *pass, const char *key)
{
	struct volume_controller *own = arg;
	bool is_claim = strchr(key, '/') != NULL;
	struct kt_object *object = kt_pass_object(pass, is_claim ? own->claims : own->volumes);

	if (is_claim &&
	        (!object || kt_json_string_is(kt_field_of(object, "status", "phase"), "Bound")))
		kt_map_del(&own->said, key);
	if (!object)
		return;
	if (is_claim)
		sync_claim(own, pass, object);
	else
		sync_volume(own, pass, object);
}

static bool add_claim(void *arg, struct kt_object *claim)
{
	struct volume_controller *own = arg;

	kt_reconciler_add_object(own->reconciler, claim);
	return true;
}

static bool add_pending(void *arg, struct kt_object *claim)
{
	if (!kt_json_string_is(kt_field_of(claim, "status", "phase"), "Bound"))
		add_claim(arg, claim);
	return true;
}

static void claim_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct volume_controller *own = arg;
	struct kt_sv volume = {0};

	if (new_object) {
		kt_reconciler_add_object(own->reconciler, new_object);
	} else if (kt_json_string_sv(kt_field_of(old_object, "spec", "volumeName"), &volume)) {
		kt_auto_free char *key = kt_sv_dup(volume);

		kt_reconciler_add(own->reconciler, key);
	}
}

/* The claim that the volume names: its volume may be gone, or promised to it. */
static void add_claim_of(struct volume_controller *own, const struct kt_object *volume)
{
	struct kt_json_at ref = kt_field_of(volume, "spec", "claimRef");
	struct kt_sv namespace, name;

	if (ref.p && kt_json_string_sv(kt_json_member(ref, "namespace"), &namespace) &&
	        kt_json_string_sv(kt_json_member(ref, "name"), &name)) {
		kt_auto_free char *key = kt_asprintf("%.*s/%.*s", KT_SVP(namespace), KT_SVP(name));

		kt_reconciler_add(own->reconciler, key);
	}
}

static void add_waiting(void *ctx, struct kt_sv value)
{
	struct volume_controller *own = ctx;

	kt_informer_each_indexed(own->claims, "waits", value, add_claim, own);
}

/* Who waits for it by its name, or for any like it. */
static void volume_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct volume_controller *own = arg;

	if (old_object)
		add_claim_of(own, old_object);
	if (!new_object)
		return;
	kt_reconciler_add_object(own->reconciler, new_object);
	add_claim_of(own, new_object);
	add_waiting(own, kt_object_name(new_object));
	if (kt_json_string_is(kt_field_of(new_object, "status", "phase"), "Available"))
		volume_index_match(new_object, add_waiting, own);
}

static void class_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct volume_controller *own = arg;

	(void)old_object;
	if (new_object)
		kt_informer_each(own->claims, add_pending, own);
}

static void add_key(void *ctx, struct kt_sv key)
{
	struct volume_controller *own = ctx;
	kt_auto_free char *text = kt_sv_dup(key);

	kt_reconciler_add(own->reconciler, text);
}

/* The first consumer of a claim that waits for one: a new pod, or one that got its node. */
static void pod_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	bool was = old_object && kt_field_of(old_object, "spec", "nodeName").p;

	if (new_object && (!old_object || (!was && kt_field_of(new_object, "spec", "nodeName").p)))
		kt_index_by_claim(new_object, add_key, arg);
}

static void *create(struct kt_controllers *controllers)
{
	struct volume_controller *own = kt_new(struct volume_controller);

	kt_map_init(&own->said, free);
	own->reconciler =
	        kt_reconciler_create(&(struct kt_reconciler_options){.controllers = controllers,
	                .name = "persistentvolume-controller",
	                .reconcile = reconcile,
	                .arg = own});
	own->claims = kt_controllers_informer(controllers, CLAIMS);
	own->volumes = kt_controllers_informer(controllers, VOLUMES);
	own->classes =
	        kt_controllers_informer(controllers, "/apis/storage.k8s.io/v1/storageclasses");
	own->pods = kt_controllers_informer(controllers, PODS);
	kt_controllers_index(controllers, PODS, "claim", kt_index_by_claim);
	kt_controllers_index(controllers, VOLUMES, "match", volume_index_match);
	kt_controllers_index(controllers, CLAIMS, "waits", volume_index_waits);
	kt_informer_add_handler(
	        own->claims, &(struct kt_informer_handler){.on_change = claim_changed, .arg = own});
	kt_informer_add_handler(own->volumes,
	        &(struct kt_informer_handler){.on_change = volume_changed, .arg = own});
	kt_informer_add_handler(own->classes,
	        &(struct kt_informer_handler){.on_change = class_changed, .arg = own});
	kt_informer_add_handler(
	        own->pods, &(struct kt_informer_handler){.on_change = pod_changed, .arg = own});
	return own;
}

static void destroy(void *controller)
{
	struct volume_controller *own = controller;

	kt_reconciler_destroy(own->reconciler);
	kt_map_finish(&own->said);
	free(own);
}

const struct kt_controller kt_controller_persistent_volume = {
        "persistentvolume-binder-controller", create, destroy};
