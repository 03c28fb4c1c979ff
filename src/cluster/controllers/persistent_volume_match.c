/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which volume a claim gets: one that names it, or the smallest that satisfies it. */
#include "api/machinery/quantity.h"
#include "base/mem.h"
#include "cluster/controllers/persistent_volume.h"

static struct kt_quantity storage_of(const json_t *object, const char *path)
{
	struct kt_quantity q = kt_quantity_from_int64(0, KT_QUANTITY_BINARY_SI);
	const char *text = kt_jstr(object, path);

	if (text)
		kt_quantity_parse(kt_sv_of(text), &q, NULL);
	return q;
}

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

const char *volume_class_name(const json_t *object)
{
	const char *old = json_string_value(
	        json_object_get(kt_jget(object, "metadata.annotations"), VOLUME_CLASS));

	return old ? old : volume_or_empty(kt_jstr(object, "spec.storageClassName"));
}

bool volume_is_same_mode(const json_t *volume, const json_t *claim)
{
	const char *mode = kt_jstr(volume, "spec.volumeMode"),
	           *want = kt_jstr(claim, "spec.volumeMode");

	return kt_streq(mode ? mode : "Filesystem", want ? want : "Filesystem");
}

static bool has_attributes(const json_t *volume, const json_t *claim)
{
	return kt_streq(volume_or_empty(kt_jstr(volume, "spec.volumeAttributesClassName")),
	        volume_or_empty(kt_jstr(claim, "spec.volumeAttributesClassName")));
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

const char *volume_mismatch(const json_t *volume, const json_t *claim)
{
	if (!is_large_enough(volume, claim))
		return "requested PV is too small";
	if (!kt_streq(volume_class_name(volume), volume_class_name(claim)))
		return "storageClassName does not match";
	if (!volume_is_same_mode(volume, claim))
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

bool volume_is_reserved_for(const json_t *volume, const struct kt_object *claim)
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
	        !volume_is_same_mode(volume, search->claim) ||
	        !has_attributes(volume, search->claim) || !has_modes(volume, search->claim))
		return false;
	if (kt_jget(volume, "spec.claimRef"))
		return volume_is_reserved_for(volume, search->claim_object);
	return !search->only_reserved && kt_streq(kt_jstr(volume, "status.phase"), "Available") &&
	       kt_streq(volume_class_name(volume), volume_class_name(search->claim)) &&
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

struct kt_object *volume_find(const struct volume_controller *own, const struct kt_object *claim,
        const json_t *tree, bool only_reserved)
{
	struct search search = {
	        .claim_object = claim, .claim = tree, .only_reserved = only_reserved};
	kt_auto_free char *key = kt_asprintf(
	        "%.*s/%.*s", KT_SVP(kt_object_namespace(claim)), KT_SVP(kt_object_name(claim)));
	kt_auto_free char *class = kt_asprintf("=%s", volume_class_name(tree));

	kt_informer_each_indexed(own->volumes, "match", kt_sv_of(key), consider, &search);
	if (!search.best && !only_reserved)
		kt_informer_each_indexed(own->volumes, "match", kt_sv_of(class), consider, &search);
	return search.best;
}

/* "=CLASS" of a claim or a volume. */
static void emit_class(
        const struct kt_object *object, void (*emit)(void *ctx, struct kt_sv value), void *ctx)
{
	kt_auto_free char *old = kt_annotation(object, VOLUME_CLASS), *value = NULL;
	struct kt_sv class = {0};

	if (old)
		class = kt_sv_of(old);
	else
		kt_json_string_sv(kt_field_of(object, "spec", "storageClassName"), &class);
	value = kt_asprintf("=%.*s", KT_SVP(class));
	emit(ctx, kt_sv_of(value));
}

void volume_index_match(
        const struct kt_object *object, void (*emit)(void *ctx, struct kt_sv value), void *ctx)
{
	struct kt_json_at ref = kt_field_of(object, "spec", "claimRef");
	struct kt_sv namespace = {0}, name = {0};

	if (!ref.p) {
		emit_class(object, emit, ctx);
		return;
	}
	kt_json_string_sv(kt_json_member(ref, "namespace"), &namespace);
	kt_json_string_sv(kt_json_member(ref, "name"), &name);
	kt_auto_free char *key = kt_asprintf("%.*s/%.*s", KT_SVP(namespace), KT_SVP(name));
	emit(ctx, kt_sv_of(key));
}

void volume_index_waits(
        const struct kt_object *object, void (*emit)(void *ctx, struct kt_sv value), void *ctx)
{
	struct kt_sv volume = {0};

	if (kt_json_string_is(kt_field_of(object, "status", "phase"), "Bound"))
		return;
	if (kt_json_string_sv(kt_field_of(object, "spec", "volumeName"), &volume) && volume.len)
		emit(ctx, volume);
	else
		emit_class(object, emit, ctx);
}
