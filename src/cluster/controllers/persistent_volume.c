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
#include "api/machinery/quantity.h"
#include "api/status.h"
#include "base/log.h"
#include "base/mem.h"
#include "cluster/controllers/meta.h"
#include "cluster/controllers/table.h"

#define PROVISIONER "kube-tui.io/simulated"
#define BOUND_BY_CONTROLLER "pv.kubernetes.io/bound-by-controller"
#define BIND_COMPLETED "pv.kubernetes.io/bind-completed"
#define CLASS_ANNOTATION "volume.beta.kubernetes.io/storage-class"
#define PROVISIONED_BY "pv.kubernetes.io/provisioned-by"
#define SELECTED_NODE "volume.kubernetes.io/selected-node"
#define NO_PROVISIONER "kubernetes.io/no-provisioner"
#define SAY_AGAIN_MS 15000

struct volume_controller {
	struct kt_reconciler *reconciler;
	struct kt_informer *claims, *volumes, *classes, *pods;
	struct kt_map said; /* key of a pending claim -> struct said */
};

struct said {
	int64_t at_ns;
	int64_t revision; /* of the claim */
};

static bool is_to_delete(const struct kt_object *volume)
{
	return kt_json_string_is(
	        kt_field_of(volume, "spec", "persistentVolumeReclaimPolicy"), "Delete");
}

static struct kt_quantity storage_of(const json_t *object, const char *path)
{
	struct kt_quantity q = kt_quantity_from_int64(0, KT_QUANTITY_BINARY_SI);
	const char *text = kt_jstr(object, path);

	if (text)
		kt_quantity_parse(kt_sv_of(text), &q, NULL);
	return q;
}

static char *volume_path(const struct kt_object *volume)
{
	return kt_asprintf("/api/v1/persistentvolumes/%.*s", KT_SVP(kt_object_name(volume)));
}

static char *claim_path(const struct kt_object *claim)
{
	return kt_asprintf("/api/v1/namespaces/%.*s/persistentvolumeclaims/%.*s",
	        KT_SVP(kt_object_namespace(claim)), KT_SVP(kt_object_name(claim)));
}

static void set_volume_phase(struct volume_controller *own, struct kt_pass *pass,
        const struct kt_object *volume, const char *phase)
{
	kt_auto_free char *path = volume_path(volume);
	json_t *status;

	if (kt_json_string_is(kt_field_of(volume, "status", "phase"), phase))
		return;
	status = kt_status_tree(volume);
	json_object_set_new(status, "phase", json_string(phase));
	json_object_set_new(status, "lastPhaseTransitionTime", kt_time_json(kt_pass_wall_ns(pass)));
	kt_patch_status(pass, own->volumes, volume, path, status);
}

/* volume NULL: it has none. The capacity is that at the moment of binding: a resize changes it
 * later. */
static void set_claim_phase(struct volume_controller *own, struct kt_pass *pass,
        const struct kt_object *claim, const char *phase, const json_t *volume)
{
	kt_auto_free char *path = claim_path(claim);
	json_t *status = kt_status_tree(claim);
	bool becomes = !kt_streq(kt_jstr(status, "phase"), phase);

	json_object_set_new(status, "phase", json_string(phase));
	if (!volume) {
		json_object_del(status, "accessModes");
		json_object_del(status, "capacity");
	} else {
		json_object_set(status, "accessModes", kt_jget(volume, "spec.accessModes"));
		if (becomes)
			json_object_set(status, "capacity", kt_jget(volume, "spec.capacity"));
	}
	kt_patch_status(pass, own->claims, claim, path, status);
}

static void lose_claim(struct volume_controller *own, struct kt_pass *pass,
        const struct kt_object *claim, const char *reason, const char *why)
{
	if (!kt_json_string_is(kt_field_of(claim, "status", "phase"), "Lost"))
		kt_reconciler_event(own->reconciler, claim, "Warning", reason, "%s", why);
	set_claim_phase(own, pass, claim, "Lost", NULL);
}

static bool has_annotation(const struct kt_object *object, const char *key)
{
	kt_auto_free char *value = kt_annotation(object, key);

	return value != NULL;
}

/* --- matching --- */

static bool has_modes(const json_t *volume, const json_t *claim)
{
	json_t *want, *have;
	size_t w, h;

	json_array_foreach(kt_jget(claim, "spec.accessModes"), w, want) {
		bool found = false;

		json_array_foreach(kt_jget(volume, "spec.accessModes"), h, have)
			found = found || json_equal(have, want);
		if (!found)
			return false;
	}
	return true;
}

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

/* Of a claim or a volume; "": none. */
static const char *class_name_of(const json_t *object)
{
	const char *old = json_string_value(
	        json_object_get(kt_jget(object, "metadata.annotations"), CLASS_ANNOTATION));

	return old ? old : or_empty(kt_jstr(object, "spec.storageClassName"));
}

static bool is_same_mode(const json_t *volume, const json_t *claim)
{
	const char *mode = kt_jstr(volume, "spec.volumeMode"),
	           *want = kt_jstr(claim, "spec.volumeMode");

	return kt_streq(mode ? mode : "Filesystem", want ? want : "Filesystem");
}

static bool is_large_enough(const json_t *volume, const json_t *claim)
{
	return kt_quantity_cmp(storage_of(volume, "spec.capacity.storage"),
	               storage_of(claim, "spec.resources.requests.storage")) >= 0;
}

static bool is_selected(const struct kt_object *volume, const json_t *claim)
{
	const json_t *selector_json = kt_jget(claim, "spec.selector");
	struct kt_selector *selector = NULL;
	kt_auto_err err = KT_ERR_INIT;
	bool matches = true;

	if (selector_json && kt_selector_of_json(selector_json, &selector, &err) == 0) {
		matches = kt_selector_matches(selector, volume);
		kt_selector_destroy(selector);
	}
	return matches;
}

/* Why the volume that the claim asks for by name cannot be its; NULL: it can. */
static const char *mismatch(const json_t *volume, const json_t *claim)
{
	if (!is_large_enough(volume, claim))
		return "requested PV is too small";
	if (!kt_streq(class_name_of(volume), class_name_of(claim)))
		return "storageClassName does not match";
	if (!is_same_mode(volume, claim))
		return "incompatible volumeMode";
	return has_modes(volume, claim) ? NULL : "incompatible accessMode";
}

struct search {
	const struct kt_object *claim_object;
	const json_t *claim;
	struct kt_object *best;
	struct kt_quantity best_size;
	bool best_is_reserved;
	bool only_reserved; /* which of the others is for the scheduler to choose */
};

static bool is_reserved_for(const json_t *volume, const struct kt_object *claim)
{
	const char *uid = kt_jstr(volume, "spec.claimRef.uid");

	return kt_sv_is(kt_object_name(claim), kt_jstr(volume, "spec.claimRef.name")) &&
	       kt_sv_is(kt_object_namespace(claim), kt_jstr(volume, "spec.claimRef.namespace")) &&
	       (!uid || !*uid || kt_sv_is(kt_object_uid(claim), uid));
}

/* Class and labels are no matter to a volume that names the claim. */
static bool fits(const struct search *search, const struct kt_object *object, const json_t *volume)
{
	if (kt_is_deleting(object) || !is_large_enough(volume, search->claim) ||
	        !is_same_mode(volume, search->claim) || !has_modes(volume, search->claim))
		return false;
	if (kt_jget(volume, "spec.claimRef"))
		return is_reserved_for(volume, search->claim_object);
	return !search->only_reserved && kt_streq(kt_jstr(volume, "status.phase"), "Available") &&
	       kt_streq(class_name_of(volume), class_name_of(search->claim)) &&
	       is_selected(object, search->claim);
}

static bool consider(void *arg, struct kt_object *object)
{
	struct search *search = arg;
	kt_auto_json json_t *volume = kt_object_tree(object);
	bool reserved = kt_jget(volume, "spec.claimRef") != NULL;
	struct kt_quantity size = storage_of(volume, "spec.capacity.storage");

	if (!fits(search, object, volume))
		return true;
	if (!search->best || (reserved && !search->best_is_reserved) ||
	        (reserved == search->best_is_reserved &&
	                kt_quantity_cmp(size, search->best_size) < 0)) {
		search->best = object;
		search->best_size = size;
		search->best_is_reserved = reserved;
	}
	return true;
}

/* --- binding --- */

/* The version in the body makes it a compare and swap: the user or the scheduler may have been
 * faster. The change brings us back for the rest. */
static void patch(struct kt_pass *pass, struct kt_informer *informer,
        const struct kt_object *object, const char *path, json_t *body)
{
	struct kt_sv version = kt_object_span(object, object->resource_version);
	json_t *metadata = json_object_get(body, "metadata");

	json_object_set_new(metadata, "resourceVersion", json_stringn(version.p, version.len));
	kt_pass_send(pass,
	        &(struct kt_pass_write){.method = "PATCH",
	                .content_type = KT_PATCH_MERGE,
	                .body = body,
	                .informer = informer},
	        "%s", path);
}

/* True when the volume says so already. */
static bool bind_volume(struct volume_controller *own, struct kt_pass *pass,
        const struct kt_object *claim, const struct kt_object *volume, const json_t *tree)
{
	struct kt_sv namespace = kt_object_namespace(claim), name = kt_object_name(claim),
	             uid = kt_object_uid(claim);
	struct kt_sv version = kt_object_span(claim, claim->resource_version);
	kt_auto_free char *path = volume_path(volume);
	kt_auto_json json_t *body = NULL;

	if (kt_sv_is(uid, kt_jstr(tree, "spec.claimRef.uid")))
		return true;
	body = json_pack("{s:{},s:{s:{s:s,s:s,s:s%,s:s%,s:s%,s:s%}}}", "metadata", "spec",
	        "claimRef", "apiVersion", "v1", "kind", "PersistentVolumeClaim", "namespace",
	        namespace.p, namespace.len, "name", name.p, name.len, "uid", uid.p, uid.len,
	        "resourceVersion", version.p, version.len);
	if (!is_reserved_for(tree, claim))
		json_object_set_new(json_object_get(body, "metadata"), "annotations",
		        json_pack("{s:s}", BOUND_BY_CONTROLLER, "yes"));
	patch(pass, own->volumes, volume, path, body);
	return false;
}

/* True when the claim says so already. */
static bool bind_claim(struct volume_controller *own, struct kt_pass *pass,
        const struct kt_object *claim, const struct kt_object *volume)
{
	struct kt_sv named = {0};
	bool is_named = kt_json_string_sv(kt_field_of(claim, "spec", "volumeName"), &named) &&
	                kt_sv_eq(named, kt_object_name(volume));
	kt_auto_free char *path = claim_path(claim);
	kt_auto_json json_t *body = NULL;
	struct kt_sv name = kt_object_name(volume);

	if (is_named && has_annotation(claim, BIND_COMPLETED))
		return true;
	body = json_pack("{s:{s:{s:s}}}", "metadata", "annotations", BIND_COMPLETED, "yes");
	if (!is_named) {
		json_object_set_new(kt_jget(body, "metadata.annotations"), BOUND_BY_CONTROLLER,
		        json_string("yes"));
		json_object_set_new(
		        body, "spec", json_pack("{s:s%}", "volumeName", name.p, name.len));
	}
	patch(pass, own->claims, claim, path, body);
	return false;
}

static void bind(struct volume_controller *own, struct kt_pass *pass, struct kt_object *claim,
        const struct kt_object *volume)
{
	kt_auto_json json_t *tree = kt_object_tree(volume);

	if (!bind_volume(own, pass, claim, volume, tree))
		return;
	set_volume_phase(own, pass, volume, "Bound");
	if (bind_claim(own, pass, claim, volume))
		set_claim_phase(own, pass, claim, "Bound", tree);
}

/* Of a volume whose claim took another: what the controller chose is forgotten, of what the user
 * wrote the uid alone. */
static void unbind(
        struct volume_controller *own, struct kt_pass *pass, const struct kt_object *volume)
{
	kt_auto_free char *path = volume_path(volume);
	kt_auto_json json_t *body =
	        has_annotation(volume, BOUND_BY_CONTROLLER)
	                ? json_pack("{s:{s:{s:n}},s:{s:n}}", "metadata", "annotations",
	                          BOUND_BY_CONTROLLER, "spec", "claimRef")
	                : json_pack("{s:{},s:{s:{s:n}}}", "metadata", "spec", "claimRef", "uid");

	patch(pass, own->volumes, volume, path, body);
}

/* --- provisioning --- */

/* The scheduler has chosen one. */
static bool has_node(const struct kt_object *claim)
{
	return has_annotation(claim, SELECTED_NODE);
}

/* A pod that some other way got onto a node consumes, too. */
static bool has_consumer(const struct volume_controller *own, const struct kt_object *claim)
{
	kt_auto_objects pods = {0};

	if (has_node(claim))
		return true;
	kt_collect_indexed(own->pods, "namespace", kt_object_namespace(claim), &pods);
	for (size_t i = 0; i < pods.n; i++)
		if (kt_field_of(pods.items[i], "spec", "nodeName").p &&
		        kt_pod_uses_claim(pods.items[i], kt_object_name(claim)))
			return true;
	return false;
}

static struct kt_object *class_of(const struct volume_controller *own, const json_t *claim)
{
	const char *name = class_name_of(claim);

	return *name ? kt_informer_get(own->classes, (struct kt_sv){0}, kt_sv_of(name)) : NULL;
}

static bool waits_for_consumer(const struct volume_controller *own, const json_t *claim)
{
	const struct kt_object *class = class_of(own, claim);

	return class && kt_json_string_is(kt_json_member(kt_object_doc(class), "volumeBindingMode"),
	                        "WaitForFirstConsumer");
}

/* True when the claim is to be told (again) why it waits. */
static bool is_time_to_say(
        struct volume_controller *own, struct kt_pass *pass, const struct kt_object *claim)
{
	int64_t now = kt_loop_now_ns(kt_pass_loop(pass)), next = now + SAY_AGAIN_MS * KT_NS_PER_MS;
	struct said *said = kt_map_get(&own->said, kt_pass_key(pass));

	if (said && said->revision == claim->revision &&
	        now < said->at_ns + SAY_AGAIN_MS * KT_NS_PER_MS) {
		next = said->at_ns + SAY_AGAIN_MS * KT_NS_PER_MS;
	} else {
		if (!said) {
			said = kt_new(struct said);
			kt_map_set(&own->said, kt_pass_key(pass), said);
		}
		*said = (struct said){now, claim->revision};
	}
	kt_pass_again_after_ms(pass, (next - now + KT_NS_PER_MS - 1) / KT_NS_PER_MS);
	return next == now + SAY_AGAIN_MS * KT_NS_PER_MS;
}

/* Of a claim whose class waits for a consumer. */
static void say_who_is_awaited(const struct volume_controller *own, const struct kt_object *claim)
{
	kt_auto_objects pods = {0};
	kt_auto_str names = KT_STR_INIT;
	size_t n = 0;

	kt_collect_indexed(own->pods, "namespace", kt_object_namespace(claim), &pods);
	for (size_t i = 0; i < pods.n; i++)
		if (!kt_field_of(pods.items[i], "spec", "nodeName").p &&
		        kt_pod_uses_claim(pods.items[i], kt_object_name(claim)))
			kt_str_printf(&names, "%s%.*s", n++ ? "," : "",
			        KT_SVP(kt_object_name(pods.items[i])));
	if (n)
		kt_reconciler_event(own->reconciler, claim, "Normal", "WaitForPodScheduled",
		        "waiting for pod%s %s to be scheduled", n > 1 ? "s" : "",
		        kt_str_text(&names));
	else
		kt_reconciler_event(own->reconciler, claim, "Normal", "WaitForFirstConsumer",
		        "waiting for first consumer to be created before binding");
}

/* Why nobody here makes a volume for the claim. class NULL: it does not exist. */
static void say_what_is_missing(const struct volume_controller *own, const struct kt_object *claim,
        const char *class_name, const json_t *class)
{
	const char *provisioner = or_empty(kt_jstr(class, "provisioner"));

	if (!*class_name)
		kt_reconciler_event(own->reconciler, claim, "Normal", "FailedBinding",
		        "no persistent volumes available for this claim and no storage class is "
		        "set");
	else if (!class)
		kt_reconciler_event(own->reconciler, claim, "Warning", "ProvisioningFailed",
		        "storageclass.storage.k8s.io \"%s\" not found", class_name);
	else if (kt_streq(provisioner, NO_PROVISIONER))
		kt_reconciler_event(own->reconciler, claim, "Warning", "ProvisioningFailed",
		        "no volume plugin matched name: %s", provisioner);
	else
		kt_reconciler_event(own->reconciler, claim, "Normal", "ExternalProvisioning",
		        "Waiting for a volume to be created either by the external provisioner "
		        "'%s' or manually by the system administrator. If volume creation is "
		        "delayed, please verify that the provisioner is running and correctly "
		        "registered.",
		        provisioner);
}

static json_t *new_volume(const struct kt_object *claim_object, const json_t *claim,
        const json_t *class, const char *name)
{
	struct kt_sv namespace = kt_object_namespace(claim_object),
	             claim_name = kt_object_name(claim_object);
	struct kt_sv uid = kt_object_uid(claim_object);
	const char *policy = kt_jstr(class, "reclaimPolicy"),
	           *mode = kt_jstr(claim, "spec.volumeMode");
	kt_auto_free char *path = kt_asprintf("/var/lib/kube-tui/volumes/%s", name);

	return json_pack("{s:s,s:s,s:{s:s,s:{s:s}},s:{s:{s:s},s:O,s:s,s:s,s:s,s:{s:s,s:s},s:{s:s,s:"
	                 "s,s:s%,s:s%,s:s%}}}",
	        "apiVersion", "v1", "kind", "PersistentVolume", "metadata", "name", name,
	        "annotations", PROVISIONED_BY, PROVISIONER, "spec", "capacity", "storage",
	        or_empty(kt_jstr(claim, "spec.resources.requests.storage")), "accessModes",
	        kt_jget(claim, "spec.accessModes"), "persistentVolumeReclaimPolicy",
	        policy ? policy : "Delete", "storageClassName", kt_jstr(class, "metadata.name"),
	        "volumeMode", mode ? mode : "Filesystem", "hostPath", "path", path, "type",
	        "DirectoryOrCreate", "claimRef", "apiVersion", "v1", "kind",
	        "PersistentVolumeClaim", "namespace", namespace.p, namespace.len, "name",
	        claim_name.p, claim_name.len, "uid", uid.p, uid.len);
}

static void made(struct kt_pass *pass, struct kt_call *call, void *arg)
{
	struct kt_object *claim = arg;
	kt_auto_free char *name =
	        kt_json_string_dup(kt_json_find(kt_call_answer(call), "metadata", "name", NULL));

	if (!call->err.code)
		kt_reconciler_event(kt_pass_reconciler(pass), claim, "Normal",
		        "ProvisioningSucceeded", "Successfully provisioned volume %s using %s",
		        name ? name : "", PROVISIONER);
	else if (kt_err_reason(&call->err) != KT_REASON_ALREADY_EXISTS)
		kt_pass_check(pass, call);
}

static void object_free(void *value)
{
	kt_object_unref(value);
}

static void provision(struct volume_controller *own, struct kt_pass *pass, struct kt_object *claim,
        const json_t *tree)
{
	const char *class_name = class_name_of(tree);
	struct kt_object *class_object = class_of(own, tree);
	kt_auto_json json_t *class = class_object ? kt_object_tree(class_object) : NULL,
	                    *body = NULL;
	kt_auto_free char *name = kt_asprintf("pvc-%.*s", KT_SVP(kt_object_uid(claim)));
	bool is_ours = kt_streq(kt_jstr(class, "provisioner"), PROVISIONER);

	if (waits_for_consumer(own, tree) &&
	        (is_ours ? !has_consumer(own, claim) : !has_node(claim))) {
		if (is_time_to_say(own, pass, claim))
			say_who_is_awaited(own, claim);
	} else if (!is_ours) {
		if (is_time_to_say(own, pass, claim))
			say_what_is_missing(own, claim, class_name, class);
	} else if (!kt_informer_get(own->volumes, (struct kt_sv){0}, kt_sv_of(name))) {
		body = new_volume(claim, tree, class, name);
		kt_pass_send(pass,
		        &(struct kt_pass_write){.method = "POST",
		                .body = body,
		                .informer = own->volumes,
		                .done = made,
		                .arg = kt_object_ref(claim),
		                .free_arg = object_free},
		        "/api/v1/persistentvolumes");
	}
}

/* The user chose the volume. */
static void sync_named(struct volume_controller *own, struct kt_pass *pass, struct kt_object *claim,
        const json_t *tree)
{
	const char *name = kt_jstr(tree, "spec.volumeName");
	struct kt_object *volume = kt_informer_get(own->volumes, (struct kt_sv){0}, kt_sv_of(name));
	kt_auto_json json_t *v = volume ? kt_object_tree(volume) : NULL;
	bool is_taken = kt_jget(v, "spec.claimRef") != NULL;
	const char *why = v && !is_taken ? mismatch(v, tree) : NULL;

	if (v && (is_taken ? is_reserved_for(v, claim) : !why)) {
		bind(own, pass, claim, volume);
		return;
	}
	set_claim_phase(own, pass, claim, "Pending", NULL);
	if (!v || !is_time_to_say(own, pass, claim))
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
	const char *name = or_empty(kt_jstr(tree, "spec.volumeName"));
	struct kt_object *volume = kt_informer_get(own->volumes, (struct kt_sv){0}, kt_sv_of(name));
	kt_auto_json json_t *v = volume ? kt_object_tree(volume) : NULL;

	if (!*name)
		lose_claim(own, pass, claim, "ClaimLost",
		        "Bound claim has lost reference to PersistentVolume. Data on the volume "
		        "is lost!");
	else if (!v)
		lose_claim(own, pass, claim, "ClaimLost",
		        "Bound claim has lost its PersistentVolume. Data on the volume is lost!");
	else if (kt_jget(v, "spec.claimRef") && !is_reserved_for(v, claim))
		lose_claim(own, pass, claim, "ClaimMisbound",
		        "Two claims are bound to the same volume, this one is bound incorrectly");
	else
		bind(own, pass, claim, volume);
}

static void sync_claim(struct volume_controller *own, struct kt_pass *pass, struct kt_object *claim)
{
	kt_auto_json json_t *tree = kt_object_tree(claim);
	struct search search = {.claim_object = claim, .claim = tree};

	if (kt_is_deleting(claim))
		return;
	if (has_annotation(claim, BIND_COMPLETED)) {
		sync_completed(own, pass, claim, tree);
		return;
	}
	if (*or_empty(kt_jstr(tree, "spec.volumeName"))) {
		sync_named(own, pass, claim, tree);
		return;
	}
	search.only_reserved = waits_for_consumer(own, tree);
	kt_informer_each(own->volumes, consider, &search);
	if (search.best) {
		bind(own, pass, claim, search.best);
		return;
	}
	set_claim_phase(own, pass, claim, "Pending", NULL);
	provision(own, pass, claim, tree);
}

/* Its claim is gone, or did not take it. */
static void release(struct volume_controller *own, struct kt_pass *pass, struct kt_object *volume)
{
	kt_auto_free char *path = volume_path(volume),
	                  *provisioned = kt_annotation(volume, PROVISIONED_BY);

	set_volume_phase(own, pass, volume, "Released");
	if (!kt_is_deleting(volume) && kt_streq(provisioned, PROVISIONER) && is_to_delete(volume))
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
	const char *name = or_empty(kt_jstr(wants, "spec.volumeName"));

	if (!*name && !is_same_mode(tree, wants)) {
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
			set_volume_phase(own, pass, volume, "Bound");
		kt_reconciler_add_object(own->reconciler, claim);
	} else if (has_annotation(volume, PROVISIONED_BY) && is_to_delete(volume)) {
		release(own, pass, volume);
	} else {
		unbind(own, pass, volume);
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
		set_volume_phase(own, pass, volume, "Available");
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

static bool add_pending(void *arg, struct kt_object *claim)
{
	struct volume_controller *own = arg;

	if (!kt_json_string_is(kt_field_of(claim, "status", "phase"), "Bound"))
		kt_reconciler_add_object(own->reconciler, claim);
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

/* A bound claim that its volume no longer names, or whose volume is gone. */
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

static void volume_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct volume_controller *own = arg;

	if (new_object)
		kt_reconciler_add_object(own->reconciler, new_object);
	if (old_object)
		add_claim_of(own, old_object);
	kt_informer_each(own->claims, add_pending, own);
}

static void class_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct volume_controller *own = arg;

	(void)old_object;
	if (new_object)
		kt_informer_each(own->claims, add_pending, own);
}

/* The first consumer of a claim that waits for one: a new pod, or one that got its node. */
static void pod_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct volume_controller *own = arg;
	bool was = old_object && kt_field_of(old_object, "spec", "nodeName").p;

	if (new_object &&
	        (!old_object || (!was && kt_field_of(new_object, "spec", "nodeName").p)) &&
	        kt_informer_count(own->claims))
		kt_informer_each_indexed(own->claims, "namespace", kt_object_namespace(new_object),
		        add_pending, own);
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
	own->claims = kt_controllers_informer(controllers, "/api/v1/persistentvolumeclaims");
	own->volumes = kt_controllers_informer(controllers, "/api/v1/persistentvolumes");
	own->classes =
	        kt_controllers_informer(controllers, "/apis/storage.k8s.io/v1/storageclasses");
	own->pods = kt_controllers_informer(controllers, "/api/v1/pods");
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
