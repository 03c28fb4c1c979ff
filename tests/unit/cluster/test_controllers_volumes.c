/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a claim and a volume come to belong to each other, whoever of them was named beforehand, and
 * how they part. */
#include "support/support.h"

#include "base/mem.h"
#include "base/str.h"
#include "controllers_world.h"

#define VOLUMES "/api/v1/persistentvolumes"
#define CLAIMS "/api/v1/namespaces/default/persistentvolumeclaims"
#define EVENTS "/api/v1/events"

/* spec: more members of the spec, with their commas. */
static void put_volume(struct world *world, const char *name, const char *spec)
{
	kt_auto_free char *text = kt_asprintf(
	        "{'apiVersion':'v1','kind':'PersistentVolume','metadata':{'name':'%s'},'spec':{%s"
	        "'capacity':{'storage':'5Gi'},'accessModes':['ReadWriteOnce','ReadOnlyMany'],"
	        "'persistentVolumeReclaimPolicy':'Retain'}}",
	        name, spec);

	fake_put(world->fake, VOLUMES, text);
}

static void put_claim(struct world *world, const char *name, const char *spec)
{
	kt_auto_free char *text = kt_asprintf(
	        "{'apiVersion':'v1','kind':'PersistentVolumeClaim','metadata':{'name':'%s'},'spec':"
	        "{%s'accessModes':['ReadWriteOnce'],'resources':{'requests':{'storage':'1Gi'}}}}",
	        name, spec);

	fake_put(world->fake, CLAIMS, text);
}

static json_t *get(struct world *world, const char *list, const char *name)
{
	kt_auto_free char *path = kt_asprintf("%s/%s", list, name);

	return fake_get(world->fake, path);
}

static const char *annotation(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(kt_jget(object, "metadata.annotations"), key));
}

static void assert_phase(struct world *world, const char *list, const char *name, const char *phase)
{
	kt_auto_json json_t *object = get(world, list, name);

	assert_non_null(object);
	assert_string_equal(kt_jstr(object, "status.phase"), phase);
}

/* c and v are bound; by_us: what the annotation says of either. */
static void assert_bound(struct world *world, const char *claim_by_us, const char *volume_by_us)
{
	kt_auto_json json_t *claim = get(world, CLAIMS, "c"), *volume = get(world, VOLUMES, "v");
	const char *mark;

	assert_phase(world, CLAIMS, "c", "Bound");
	assert_phase(world, VOLUMES, "v", "Bound");
	assert_string_equal(kt_jstr(claim, "spec.volumeName"), "v");
	assert_string_equal(kt_jstr(claim, "status.capacity.storage"), "5Gi");
	assert_string_equal(kt_jstr(claim, "status.accessModes.1"), "ReadOnlyMany");
	assert_string_equal(annotation(claim, "pv.kubernetes.io/bind-completed"), "yes");
	assert_string_equal(kt_jstr(volume, "spec.claimRef.kind"), "PersistentVolumeClaim");
	assert_string_equal(kt_jstr(volume, "spec.claimRef.name"), "c");
	assert_string_equal(kt_jstr(volume, "spec.claimRef.namespace"), "default");
	assert_string_equal(kt_jstr(volume, "spec.claimRef.uid"), kt_jstr(claim, "metadata.uid"));
	mark = annotation(claim, "pv.kubernetes.io/bound-by-controller");
	assert_true(kt_streq(mark, claim_by_us));
	mark = annotation(volume, "pv.kubernetes.io/bound-by-controller");
	assert_true(kt_streq(mark, volume_by_us));
}

static void nobody_names_the_other(void **state)
{
	struct world *world = *state;

	put_volume(world, "v", "");
	world_run_ms(world, 1000);
	assert_phase(world, VOLUMES, "v", "Available");
	put_claim(world, "c", "");
	world_run_ms(world, 1000);
	assert_bound(world, "yes", "yes");
}

static void attributes_must_be_those_asked_for(void **state)
{
	struct world *world = *state;

	put_volume(world, "other", "");
	put_claim(world, "c", "'volumeAttributesClassName':'fast',");
	world_run_ms(world, 1000);
	assert_phase(world, CLAIMS, "c", "Pending");
	put_volume(world, "v", "'volumeAttributesClassName':'fast',");
	world_run_ms(world, 1000);
	assert_bound(world, "yes", "yes");
	assert_phase(world, VOLUMES, "other", "Available");
}

static void the_claim_names_the_volume(void **state)
{
	struct world *world = *state;

	put_claim(world, "c", "'volumeName':'v',");
	world_run_ms(world, 1000);
	assert_phase(world, CLAIMS, "c", "Pending");
	put_volume(world, "v", "");
	world_run_ms(world, 1000);
	assert_bound(world, NULL, "yes");
}

static void the_volume_names_the_claim(void **state)
{
	struct world *world = *state;

	/* of its class, but not meant */
	put_volume(world, "other", "");
	put_volume(world, "v",
	        "'storageClassName':'manual','claimRef':{'namespace':'default','name':'c'},");
	world_run_ms(world, 1000);
	assert_phase(world, VOLUMES, "v", "Available");
	put_claim(world, "c", "");
	world_run_ms(world, 1000);
	assert_bound(world, "yes", NULL);
	assert_phase(world, VOLUMES, "other", "Available");
}

static void both_name_each_other(void **state)
{
	struct world *world = *state;

	put_volume(world, "v", "'claimRef':{'namespace':'default','name':'c'},");
	put_claim(world, "c", "'volumeName':'v',");
	world_run_ms(world, 1000);
	assert_bound(world, NULL, NULL);
}

static void a_named_volume_must_do(void **state)
{
	struct world *world = *state;

	put_volume(world, "v", "'storageClassName':'manual',");
	put_claim(world, "c", "'volumeName':'v',");
	world_run_ms(world, 1000);
	assert_phase(world, CLAIMS, "c", "Pending");
	assert_phase(world, VOLUMES, "v", "Available");
	assert_true(world_has_event(world, "VolumeMismatch",
	        "Cannot bind to requested volume \"v\": storageClassName does not match"));
	fake_patch(world->fake, VOLUMES "/v", "{'spec':{'storageClassName':null}}");
	world_run_ms(world, 1000);
	assert_bound(world, NULL, "yes");
	put_claim(world, "late", "'volumeName':'v',");
	world_run_ms(world, 1000);
	assert_phase(world, CLAIMS, "late", "Pending");
	assert_true(world_has_event(
	        world, "FailedBinding", "volume \"v\" already bound to a different claim."));
}

static void a_resized_claim_keeps_its_size(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *claim = NULL;

	put_volume(world, "v", "");
	put_claim(world, "c", "");
	world_run_ms(world, 1000);
	fake_patch(world->fake, CLAIMS "/c/status", "{'status':{'capacity':{'storage':'7Gi'}}}");
	world_run_ms(world, 1000);
	claim = get(world, CLAIMS, "c");
	assert_string_equal(kt_jstr(claim, "status.capacity.storage"), "7Gi");
}

static void a_claim_without_its_volume_is_lost(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *claim = NULL, *event = NULL;
	size_t n_events;

	put_volume(world, "v", "");
	put_claim(world, "c", "");
	world_run_ms(world, 1000);
	assert_bound(world, "yes", "yes");
	fake_delete(world->fake, VOLUMES "/v");
	world_run_ms(world, 1000);
	assert_phase(world, CLAIMS, "c", "Lost");
	assert_true(world_has_event(world, "ClaimLost",
	        "Bound claim has lost its PersistentVolume. Data on the volume is lost!"));
	claim = get(world, CLAIMS, "c");
	assert_null(kt_jget(claim, "status.capacity"));
	/* it is told once, whatever happens to the claim */
	n_events = fake_count(world->fake, EVENTS);
	fake_patch(world->fake, CLAIMS "/c", "{'metadata':{'labels':{'x':'y'}}}");
	world_run_ms(world, 1000);
	assert_int_equal(fake_count(world->fake, EVENTS), n_events);
	event = fake_nth(world->fake, EVENTS, n_events - 1);
	assert_string_equal(kt_jstr(event, "reason"), "ClaimLost");
	assert_int_equal(kt_jint(event, "count", 1), 1);
	/* restored, by hand */
	put_volume(world, "v", "'claimRef':{'namespace':'default','name':'c'},");
	world_run_ms(world, 1000);
	assert_bound(world, "yes", NULL);
}

static void a_claim_whose_volume_is_anothers_is_lost(void **state)
{
	struct world *world = *state;

	put_volume(world, "v", "");
	put_claim(world, "c", "");
	world_run_ms(world, 1000);
	fake_patch(world->fake, VOLUMES "/v",
	        "{'spec':{'claimRef':{'name':'another','uid':'of-another'}}}");
	world_run_ms(world, 1000);
	assert_phase(world, CLAIMS, "c", "Lost");
	assert_true(world_has_event(world, "ClaimMisbound",
	        "Two claims are bound to the same volume, this one is bound incorrectly"));
	assert_phase(world, VOLUMES, "v", "Released");
}

static void a_released_volume_is_free_when_its_claim_is_struck_out(void **state)
{
	struct world *world = *state;

	put_volume(world, "v", "");
	put_claim(world, "c", "");
	world_run_ms(world, 1000);
	fake_delete(world->fake, CLAIMS "/c");
	world_run_ms(world, 1000);
	assert_phase(world, VOLUMES, "v", "Released");
	put_claim(world, "c", "");
	world_run_ms(world, 1000);
	assert_phase(world, CLAIMS, "c", "Pending");
	fake_patch(world->fake, VOLUMES "/v", "{'spec':{'claimRef':null}}");
	world_run_ms(world, 1000);
	assert_bound(world, "yes", "yes");
}

/* A volume that names a claim, uid and all, that has another. */
static void bind_to_another(struct world *world, const char *annotations)
{
	kt_auto_json json_t *claim = NULL;
	kt_auto_free char *text = NULL;

	put_volume(world, "v", "");
	put_claim(world, "c", "");
	world_run_ms(world, 1000);
	assert_bound(world, "yes", "yes");
	claim = get(world, CLAIMS, "c");
	text = kt_asprintf("{'apiVersion':'v1','kind':'PersistentVolume','metadata':{'name':"
	                   "'second','annotations':{%s}},'spec':{'claimRef':{'namespace':'default',"
	                   "'name':'c','uid':'%s'},'capacity':{'storage':'5Gi'},'accessModes':['"
	                   "ReadWriteOnce'],'persistentVolumeReclaimPolicy':'Retain'}}",
	        annotations, kt_jstr(claim, "metadata.uid"));
	fake_put(world->fake, VOLUMES, text);
	world_run_ms(world, 1000);
	assert_phase(world, VOLUMES, "second", "Available");
}

static void a_volume_that_was_not_taken_is_free_again(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *volume = NULL;

	bind_to_another(world, "'pv.kubernetes.io/bound-by-controller':'yes'");
	volume = get(world, VOLUMES, "second");
	assert_null(kt_jget(volume, "spec.claimRef"));
	assert_null(annotation(volume, "pv.kubernetes.io/bound-by-controller"));
}

static void a_volume_the_user_reserved_stays_reserved(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *volume = NULL;

	bind_to_another(world, "");
	volume = get(world, VOLUMES, "second");
	assert_string_equal(kt_jstr(volume, "spec.claimRef.name"), "c");
	assert_null(kt_jget(volume, "spec.claimRef.uid"));
}

/* A claim that came before there was a default class; one that wants none stays without. */
/* A pod without a node cannot get one while its claim goes; neither waits for the other. */
static void a_waiting_pod_does_not_hold_its_claim(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *claim = NULL;

	fake_put(world->fake, CLAIMS,
	        "{'apiVersion':'v1','kind':'PersistentVolumeClaim','metadata':{'name':'c',"
	        "'finalizers':['kubernetes.io/pvc-protection']},'spec':{'storageClassName':'x'}}");
	fake_put(world->fake, "/api/v1/namespaces/default/pods",
	        "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'p'},'spec':{'volumes':[{"
	        "'name':'v','persistentVolumeClaim':{'claimName':'c'}}]}}");
	world_run_ms(world, 1000);
	fake_delete(world->fake, CLAIMS "/c");
	world_run_ms(world, 1000);
	claim = get(world, CLAIMS, "c");
	assert_null(claim);
}

static void a_default_class_comes_late(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *claim = NULL, *none = NULL, *volume = NULL;

	put_claim(world, "c", "");
	put_claim(world, "none", "'storageClassName':'',");
	world_run_ms(world, 1000);
	assert_phase(world, CLAIMS, "c", "Pending");
	fake_put(world->fake, "/apis/storage.k8s.io/v1/storageclasses",
	        "{'apiVersion':'storage.k8s.io/v1','kind':'StorageClass','metadata':{'name':'old',"
	        "'creationTimestamp':'2023-11-14T22:00:00Z','annotations':{"
	        "'storageclass.kubernetes.io/is-default-class':'true'}},'provisioner':"
	        "'kube-tui.io/simulated','volumeBindingMode':'Immediate'}");
	world_run_ms(world, 1000);
	claim = get(world, CLAIMS, "c");
	assert_string_equal(kt_jstr(claim, "spec.storageClassName"), "old");
	assert_phase(world, CLAIMS, "c", "Bound");
	none = get(world, CLAIMS, "none");
	assert_string_equal(kt_jstr(none, "spec.storageClassName"), "");
	assert_phase(world, CLAIMS, "none", "Pending");
	/* A volume of no class is for the one that wants none. */
	put_volume(world, "plain", "");
	world_run_ms(world, 1000);
	assert_phase(world, CLAIMS, "none", "Bound");
	volume = get(world, VOLUMES, "plain");
	assert_string_equal(kt_jstr(volume, "spec.claimRef.name"), "none");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, controllers_setup, world_teardown)
	const struct CMUnitTest tests[] = {
	        T(nobody_names_the_other),
	        T(attributes_must_be_those_asked_for),
	        T(the_claim_names_the_volume),
	        T(the_volume_names_the_claim),
	        T(both_name_each_other),
	        T(a_named_volume_must_do),
	        T(a_resized_claim_keeps_its_size),
	        T(a_claim_without_its_volume_is_lost),
	        T(a_claim_whose_volume_is_anothers_is_lost),
	        T(a_released_volume_is_free_when_its_claim_is_struck_out),
	        T(a_volume_that_was_not_taken_is_free_again),
	        T(a_volume_the_user_reserved_stays_reserved),
	        T(a_waiting_pod_does_not_hold_its_claim),
	        T(a_default_class_comes_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
