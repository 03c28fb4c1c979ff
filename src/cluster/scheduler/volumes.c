/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cluster/scheduler/volumes.h"

#include "api/client/sections.h"

#define BIND_COMPLETED "pv.kubernetes.io/bind-completed"
#define CLASS_ANNOTATION "volume.beta.kubernetes.io/storage-class"

static void object_free(void *value)
{
	kt_object_unref(value);
}

void kt_volumes_init(struct kt_volumes *volumes)
{
	for (int kind = 0; kind < KT_VOLUME_KINDS; kind++)
		kt_map_init(&volumes->objects[kind], object_free);
	kt_map_init(&volumes->uses, NULL);
	kt_map_init(&volumes->assumed, free);
}

void kt_volumes_finish(struct kt_volumes *volumes)
{
	for (int kind = 0; kind < KT_VOLUME_KINDS; kind++)
		kt_map_finish(&volumes->objects[kind]);
	kt_map_finish(&volumes->uses);
	kt_map_finish(&volumes->assumed);
}

static char *key_of(enum kt_volume_kind kind, const struct kt_object *object)
{
	if (kind != KT_VOLUME_CLAIMS && kind != KT_VOLUME_CAPACITIES)
		return kt_sv_dup(kt_object_name(object));
	return kt_asprintf(
	        "%.*s/%.*s", KT_SVP(kt_object_namespace(object)), KT_SVP(kt_object_name(object)));
}

void kt_volumes_set(struct kt_volumes *volumes, enum kt_volume_kind kind, struct kt_object *object)
{
	kt_auto_free char *key = key_of(kind, object);

	kt_map_set(&volumes->objects[kind], key, kt_object_ref(object));
	/* The object has the last word once it names a claim. */
	if (kind == KT_VOLUME_VOLUMES && kt_object_field(object, KT_SECTION_SPEC, "claimRef").p)
		kt_volumes_forget(volumes, key);
}

void kt_volumes_remove(
        struct kt_volumes *volumes, enum kt_volume_kind kind, const struct kt_object *object)
{
	kt_auto_free char *key = key_of(kind, object);

	kt_map_del(&volumes->objects[kind], key);
	if (kind == KT_VOLUME_VOLUMES)
		kt_volumes_forget(volumes, key);
}

struct kt_object *kt_volumes_get(
        const struct kt_volumes *volumes, enum kt_volume_kind kind, struct kt_sv key)
{
	return kt_map_get_sv(&volumes->objects[kind], key);
}

void kt_volumes_use(struct kt_volumes *volumes, const char *claim, int change)
{
	size_t n = kt_volumes_uses(volumes, claim) + (size_t)change;

	if (n)
		kt_map_set(&volumes->uses, claim, (void *)(uintptr_t)n);
	else
		kt_map_del(&volumes->uses, claim);
}

size_t kt_volumes_uses(const struct kt_volumes *volumes, const char *claim)
{
	return (size_t)(uintptr_t)kt_map_get(&volumes->uses, claim);
}

void kt_volumes_assume(struct kt_volumes *volumes, struct kt_sv volume, const char *claim)
{
	kt_map_set_sv(&volumes->assumed, volume, kt_strdup(claim));
}

void kt_volumes_forget(struct kt_volumes *volumes, const char *volume)
{
	kt_map_del(&volumes->assumed, volume);
}

static struct kt_sv annotation(const struct kt_object *object, const char *name)
{
	struct kt_sv all = kt_object_span(object, object->annotations), value = {0};

	if (all.len)
		kt_json_string_sv(
		        kt_json_member((struct kt_json_at){all.p, all.len}, name), &value);
	return value;
}

struct kt_sv kt_claim_volume_name(const struct kt_object *claim)
{
	struct kt_sv name = {0};

	kt_json_string_sv(kt_object_field(claim, KT_SECTION_SPEC, "volumeName"), &name);
	return name;
}

struct kt_sv kt_claim_class_name(const struct kt_object *claim)
{
	struct kt_sv name = annotation(claim, CLASS_ANNOTATION);

	if (!name.len)
		kt_json_string_sv(
		        kt_object_field(claim, KT_SECTION_SPEC, "storageClassName"), &name);
	return name;
}

struct kt_sv kt_claim_attributes_class(const struct kt_object *claim)
{
	struct kt_sv name = {0};

	kt_json_string_sv(
	        kt_object_field(claim, KT_SECTION_SPEC, "volumeAttributesClassName"), &name);
	return name;
}

bool kt_claim_is_bound(const struct kt_object *claim)
{
	struct kt_sv all = kt_object_span(claim, claim->annotations);

	return kt_claim_volume_name(claim).len && all.len &&
	       kt_json_member((struct kt_json_at){all.p, all.len}, BIND_COMPLETED).p;
}

bool kt_claim_has_mode(const struct kt_object *claim, const char *access_mode)
{
	struct kt_json_at list = kt_object_field(claim, KT_SECTION_SPEC, "accessModes"), item;
	struct kt_json_iter it = {0};

	while (list.p && kt_json_next_element(list, &it, &item))
		if (kt_json_string_is(item, access_mode))
			return true;
	return false;
}

bool kt_class_waits(const struct kt_object *class)
{
	return kt_json_string_is(
	        kt_json_member(kt_object_doc(class), "volumeBindingMode"), "WaitForFirstConsumer");
}
