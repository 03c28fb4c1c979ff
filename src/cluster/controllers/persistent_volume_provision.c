/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Claims that no volume fits: one is made by the simulated provisioner, or the claim is told what
 * it waits for; one without a class gets the default when there is one (KEP-3333). */
#include "api/status.h"
#include "base/mem.h"
#include "cluster/controllers/persistent_volume.h"

#define SELECTED_NODE "volume.kubernetes.io/selected-node"
#define NO_PROVISIONER "kubernetes.io/no-provisioner"
#define SAY_AGAIN_MS 15000

struct said {
	int64_t at_ns;
	int64_t revision; /* of the claim */
};

/* The scheduler has chosen one. */
static bool has_node(const struct kt_object *claim)
{
	return volume_has_annotation(claim, SELECTED_NODE);
}

/* A pod that some other way got onto a node consumes, too. */
static bool has_consumer(const struct volume_controller *own, const struct kt_object *claim)
{
	kt_auto_objects pods = {0};

	if (has_node(claim))
		return true;
	kt_collect_users_of_claim(own->pods, claim, &pods);
	for (size_t i = 0; i < pods.n; i++)
		if (kt_field_of(pods.items[i], "spec", "nodeName").p)
			return true;
	return false;
}

static struct kt_object *class_of(const struct volume_controller *own, const json_t *claim)
{
	const char *name = volume_class_name(claim);

	return *name ? kt_informer_get(own->classes, (struct kt_sv){0}, kt_sv_of(name)) : NULL;
}

bool volume_waits_for_consumer(const struct volume_controller *own, const json_t *claim)
{
	const struct kt_object *class = class_of(own, claim);

	return class && kt_json_string_is(kt_json_member(kt_object_doc(class), "volumeBindingMode"),
	                        "WaitForFirstConsumer");
}

bool volume_is_time_to_say(
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

	kt_collect_users_of_claim(own->pods, claim, &pods);
	for (size_t i = 0; i < pods.n; i++)
		if (!kt_field_of(pods.items[i], "spec", "nodeName").p)
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
	const char *provisioner = volume_or_empty(kt_jstr(class, "provisioner"));

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
	        "annotations", VOLUME_PROVISIONED_BY, VOLUME_PROVISIONER, "spec", "capacity",
	        "storage", volume_or_empty(kt_jstr(claim, "spec.resources.requests.storage")),
	        "accessModes", kt_jget(claim, "spec.accessModes"), "persistentVolumeReclaimPolicy",
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
		        name ? name : "", VOLUME_PROVISIONER);
	else if (kt_err_reason(&call->err) != KT_REASON_ALREADY_EXISTS)
		kt_pass_check(pass, call);
}

static void object_free(void *value)
{
	kt_object_unref(value);
}

void volume_provision(struct volume_controller *own, struct kt_pass *pass, struct kt_object *claim,
        const json_t *tree)
{
	const char *class_name = volume_class_name(tree);
	struct kt_object *class_object = class_of(own, tree);
	kt_auto_json json_t *class = class_object ? kt_object_tree(class_object) : NULL,
	                    *body = NULL;
	kt_auto_free char *name = kt_asprintf("pvc-%.*s", KT_SVP(kt_object_uid(claim)));
	bool is_ours = kt_streq(kt_jstr(class, "provisioner"), VOLUME_PROVISIONER);

	if (volume_waits_for_consumer(own, tree) &&
	        (is_ours ? !has_consumer(own, claim) : !has_node(claim))) {
		if (volume_is_time_to_say(own, pass, claim))
			say_who_is_awaited(own, claim);
	} else if (!is_ours) {
		if (volume_is_time_to_say(own, pass, claim))
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

/* --- the default class --- */

struct default_search {
	struct kt_object *best;
};

static bool is_default(const struct kt_object *class)
{
	static const char *const marks[] = {"storageclass.kubernetes.io/is-default-class",
	        "storageclass.beta.kubernetes.io/is-default-class"};

	for (size_t i = 0; i < KT_ARRAY_SIZE(marks); i++) {
		kt_auto_free char *value = kt_annotation(class, marks[i]);

		if (kt_streq(value, "true"))
			return true;
	}
	return false;
}

/* The newest, then by name, as admission chooses for new claims. */
static bool consider_default(void *arg, struct kt_object *class)
{
	struct default_search *search = arg;
	int64_t age = search->best ? kt_created_ns(class) - kt_created_ns(search->best) : 1;

	if (is_default(class) &&
	        (age > 0 || (age == 0 && kt_sv_cmp(kt_object_name(class),
	                                         kt_object_name(search->best)) < 0)))
		search->best = class;
	return true;
}

bool volume_assign_default_class(struct volume_controller *own, struct kt_pass *pass,
        const struct kt_object *claim, const json_t *tree)
{
	struct default_search search = {0};
	kt_auto_free char *path = volume_claim_path(claim);
	kt_auto_json json_t *body = NULL;
	struct kt_sv name;

	if (kt_jget(tree, "spec.storageClassName") || volume_has_annotation(claim, VOLUME_CLASS))
		return false;
	kt_informer_each(own->classes, consider_default, &search);
	if (!search.best)
		return false;
	name = kt_object_name(search.best);
	body = json_pack(
	        "{s:{},s:{s:s%}}", "metadata", "spec", "storageClassName", name.p, name.len);
	volume_patch(pass, own->claims, claim, path, body);
	return true;
}
