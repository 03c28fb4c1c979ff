/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/storage/object.h"

#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

/* The inside of a string value (without quotes), or the whole value for objects and arrays. */
static struct kt_span span_of(const char *json, struct kt_json_at value)
{
	if (!value.p)
		return (struct kt_span){0};
	uint32_t off = (uint32_t)(value.p - json);
	if (kt_json_is_string(value) && value.len >= 2)
		return (struct kt_span){off + 1, (uint32_t)value.len - 2};
	if (*value.p != '{' && *value.p != '[')
		return (struct kt_span){0}; /* null */
	return (struct kt_span){off, (uint32_t)value.len};
}

/* Which member of metadata goes to which span. */
static const struct {
	const char *key;
	size_t offset;
} metadata_fields[] = {
        {"name", offsetof(struct kt_object, name)},
        {"namespace", offsetof(struct kt_object, namespace)},
        {"uid", offsetof(struct kt_object, uid)},
        {"resourceVersion", offsetof(struct kt_object, resource_version)},
        {"labels", offsetof(struct kt_object, labels)},
        {"annotations", offsetof(struct kt_object, annotations)},
        {"ownerReferences", offsetof(struct kt_object, owner_references)},
        {"finalizers", offsetof(struct kt_object, finalizers)},
        {"deletionTimestamp", offsetof(struct kt_object, deletion_timestamp)},
};

static struct kt_span *span_at(struct kt_object *object, size_t i)
{
	return (struct kt_span *)(void *)((char *)object + metadata_fields[i].offset);
}

/* The top-level parts. Components ask many small questions of one object: a scan for each would
 * step over all of its managedFields. */
static void scan_parts(struct kt_object *object)
{
	struct kt_json_iter it = {0};
	struct kt_json_at value;
	struct kt_sv key;

	while (kt_json_next_member(kt_object_doc(object), &it, &key, &value)) {
		struct kt_span *span = kt_sv_is(key, "metadata") ? &object->metadata
		                       : kt_sv_is(key, "spec")   ? &object->spec
		                       : kt_sv_is(key, "status") ? &object->status
		                                                 : NULL;
		if (span && *value.p == '{')
			*span = span_of(kt_object_json(object), value);
	}
}

static void scan_metadata(struct kt_object *object, struct kt_json_at metadata)
{
	const char *json = kt_object_json(object);
	struct kt_json_iter it = {0};
	struct kt_sv key;
	struct kt_json_at value;

	while (kt_json_next_member(metadata, &it, &key, &value)) {
		for (size_t i = 0; i < KT_ARRAY_SIZE(metadata_fields); i++) {
			if (kt_sv_is(key, metadata_fields[i].key)) {
				*span_at(object, i) = span_of(json, value);
				break;
			}
		}
	}
}

static struct kt_object *alloc_object(struct kt_sv key, size_t json_len)
{
	kt_assert(key.len <= UINT16_MAX && json_len <= UINT32_MAX / 2);
	struct kt_object *object = kt_alloc(sizeof(*object) + key.len + 1 + json_len + 1);

	*object = (struct kt_object){
	        .json_len = (uint32_t)json_len,
	        .key_len = (uint16_t)key.len,
	};
	atomic_init(&object->refs, 1);
	memcpy(object->data, key.p, key.len);
	object->data[key.len] = '\0';
	object->data[key.len + 1 + json_len] = '\0';
	return object;
}

static char *writable_json(struct kt_object *object)
{
	return object->data + object->key_len + 1;
}

int kt_object_create(
        struct kt_sv key, struct kt_sv json, struct kt_object **ret_object, struct kt_err *err)
{
	if (key.len > UINT16_MAX || json.len > UINT32_MAX / 2)
		return kt_fail(err, EINVAL, "object or its key is too long");
	kt_auto_object struct kt_object *object = alloc_object(key.p ? key : KT_SV(""), json.len);

	if (json.len)
		memcpy(writable_json(object), json.p, json.len);
	scan_parts(object);
	if (!object->metadata.len)
		return kt_fail(err, EINVAL, "object has no metadata");
	scan_metadata(object, kt_object_part(object, object->metadata));
	if (object->resource_version.len &&
	        kt_sv_int64(kt_object_span(object, object->resource_version), &object->revision) <
	                0)
		object->revision = 0; /* another server's resourceVersion may be no number */
	*ret_object = kt_steal(&object);
	return 0;
}

/* Where resourceVersion's new bytes go: they replace `cut` bytes at `off`; the value begins `value`
 * bytes into them. */
struct edit {
	uint32_t off, cut, len, value;
	char text[64];
};

/*
 * An object without the member gets it where the encoder would write it, so that an update that
 * changes nothing has the same bytes: behind uid in the order of Go's struct (those begin with
 * kind), before uid where keys are sorted.
 */
static bool plan_beside_uid(const struct kt_object *object, int64_t revision, struct edit *edit)
{
	static const char uid[] = "\"uid\":\"";
	const char *json = kt_object_json(object);
	const size_t before = sizeof(uid) - 1;
	bool go_order = object->json_len > 7 && memcmp(json, "{\"kind\"", 7) == 0;

	if (!object->uid.off || object->uid.off < before ||
	        memcmp(json + object->uid.off - before, uid, before) != 0)
		return false;
	edit->cut = 0;
	edit->off = go_order ? object->uid.off + object->uid.len + 1
	                     : object->uid.off - (uint32_t)before;
	edit->value = go_order ? 20 : 19;
	edit->len = (uint32_t)snprintf(edit->text, sizeof(edit->text),
	        go_order ? ",\"resourceVersion\":\"%" PRId64 "\""
	                 : "\"resourceVersion\":\"%" PRId64 "\",",
	        revision);
	return true;
}

static void plan_edit(const struct kt_object *object, int64_t revision, struct edit *ret_edit)
{
	int len;

	if (object->resource_version.off) {
		ret_edit->off = object->resource_version.off;
		ret_edit->cut = object->resource_version.len;
		ret_edit->value = 0;
		len = snprintf(ret_edit->text, sizeof(ret_edit->text), "%" PRId64, revision);
	} else if (plan_beside_uid(object, revision, ret_edit)) {
		return;
	} else {
		const char *p = kt_object_json(object) + object->metadata.off + 1;
		while (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')
			p++;
		ret_edit->off = object->metadata.off + 1;
		ret_edit->cut = 0;
		ret_edit->value = 19; /* behind `"resourceVersion":"` */
		len = snprintf(ret_edit->text, sizeof(ret_edit->text),
		        "\"resourceVersion\":\"%" PRId64 "\"%s", revision, *p == '}' ? "" : ",");
	}
	ret_edit->len = (uint32_t)len;
}

/* Where a span lies that is not changed itself. */
static struct kt_span moved(struct kt_span span, const struct edit *edit)
{
	if (span.off > edit->off || (span.off == edit->off && !edit->cut && span.off))
		span.off = span.off - edit->cut + edit->len;
	return span;
}

struct kt_object *kt_object_at_revision(const struct kt_object *object, int64_t revision)
{
	struct edit edit;
	const char *json = kt_object_json(object);

	plan_edit(object, revision, &edit);
	struct kt_object *copy = alloc_object((struct kt_sv){object->data, object->key_len},
	        (size_t)object->json_len - edit.cut + edit.len);
	char *to = writable_json(copy);
	memcpy(to, json, edit.off);
	memcpy(to + edit.off, edit.text, edit.len);
	memcpy(to + edit.off + edit.len, json + edit.off + edit.cut,
	        object->json_len - edit.off - edit.cut);

	copy->revision = revision;
	copy->create_revision = object->create_revision;
	copy->expires_wall_ns = object->expires_wall_ns;
	copy->metadata = object->metadata;
	copy->metadata.len += edit.len - edit.cut;
	copy->spec = moved(object->spec, &edit);
	copy->status = moved(object->status, &edit);
	for (size_t i = 0; i < KT_ARRAY_SIZE(metadata_fields); i++) {
		struct kt_span span;
		memcpy(&span, (const char *)object + metadata_fields[i].offset, sizeof(span));
		*span_at(copy, i) = moved(span, &edit);
	}
	if (object->resource_version.off)
		copy->resource_version = (struct kt_span){edit.off, edit.len};
	else
		copy->resource_version = (struct kt_span){
		        edit.off + edit.value, (uint32_t)strcspn(edit.text + edit.value, "\"")};
	return copy;
}

struct kt_object *kt_object_ref(struct kt_object *object)
{
	unsigned before = atomic_fetch_add_explicit(&object->refs, 1, memory_order_relaxed);

	kt_assert(before > 0);
	return object;
}

void kt_object_unref(struct kt_object *object)
{
	if (!object)
		return;
	unsigned before = atomic_fetch_sub_explicit(&object->refs, 1, memory_order_acq_rel);
	kt_assert(before > 0);
	if (before == 1)
		free(object);
}

bool kt_object_label(const struct kt_object *object, struct kt_sv key, struct kt_sv *ret_value)
{
	struct kt_sv labels = kt_object_span(object, object->labels);
	struct kt_json_iter it = {0};
	struct kt_sv name;
	struct kt_json_at value;

	while (labels.p &&
	        kt_json_next_member(kt_json_doc(labels.p, labels.len), &it, &name, &value)) {
		if (kt_sv_eq(name, key))
			return kt_json_string_sv(value, ret_value);
	}
	return false;
}

json_t *kt_object_tree(const struct kt_object *object)
{
	return kt_json_tree(kt_object_doc(object));
}
