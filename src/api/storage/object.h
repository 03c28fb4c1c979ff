/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One version of one stored object: immutable, reference-counted bytes of canonical JSON with a
 * small header. It is what rests in the store, travels in lists and watch events, and sits in
 * informer caches; nobody copies it.
 *
 * The header's offsets point into the JSON so that names, labels and the like are read without
 * parsing. Any thread may ref, unref and read.
 */
#ifndef KT_API_STORAGE_OBJECT_H
#define KT_API_STORAGE_OBJECT_H

#include "base/err.h"
#include "base/json.h"
#include "base/str.h"

#include <stdatomic.h>
#include <stdint.h>

/* A byte range inside the JSON; len 0: absent. Strings are without their quotes. */
struct kt_span {
	uint32_t off, len;
};

struct kt_object {
	atomic_uint refs;
	uint32_t json_len;
	int64_t revision; /* mod revision = metadata.resourceVersion; 0 before it is stored */
	int64_t create_revision; /* 0 when not known (objects from a remote server) */
	int64_t expires_wall_ns; /* Unix time of expiry (events); 0: never */
	struct kt_span name, namespace, uid, resource_version;
	struct kt_span labels; /* the whole {…} value of metadata.labels */
	struct kt_span annotations, owner_references, finalizers, deletion_timestamp;
	struct kt_span metadata, spec, status; /* the {…} values; others count as absent */
	uint16_t key_len;
	char data[]; /* key, NUL, JSON, NUL */
};

/* Builds an object from JSON bytes; the revision is read from metadata.resourceVersion when it is
 * there. -EINVAL when it is no object with a metadata object. */
int kt_object_create(
        struct kt_sv key, struct kt_sv json, struct kt_object **ret_object, struct kt_err *err);
/* The same with metadata.resourceVersion set to `revision` (added right behind the '{' of metadata,
 * or replaced). */
struct kt_object *kt_object_at_revision(const struct kt_object *object, int64_t revision);
struct kt_object *kt_object_ref(struct kt_object *object);
void kt_object_unref(struct kt_object *object); /* NULL is ignored */
KT_DEFINE_CLEANUP(struct kt_object, kt_object_unref)
#define kt_auto_object __attribute__((cleanup(kt_object_unref_p)))

static inline const char *kt_object_key(const struct kt_object *object)
{
	return object->data;
}
static inline const char *kt_object_json(const struct kt_object *object)
{
	return object->data + object->key_len + 1;
}
static inline struct kt_json_at kt_object_doc(const struct kt_object *object)
{
	return kt_json_doc(kt_object_json(object), object->json_len);
}
static inline struct kt_sv kt_object_span(const struct kt_object *object, struct kt_span span)
{
	return (struct kt_sv){span.len ? kt_object_json(object) + span.off : NULL, span.len};
}
static inline struct kt_json_at kt_object_part(
        const struct kt_object *object, struct kt_span part) /* p NULL: absent */
{
	return part.len ? kt_json_doc(kt_object_json(object) + part.off, part.len)
	                : (struct kt_json_at){0};
}
static inline struct kt_sv kt_object_name(const struct kt_object *object)
{
	return kt_object_span(object, object->name);
}
static inline struct kt_sv kt_object_namespace(const struct kt_object *object)
{
	return kt_object_span(object, object->namespace);
}
static inline struct kt_sv kt_object_uid(const struct kt_object *object)
{
	return kt_object_span(object, object->uid);
}
/* The value of one label; false when absent. Label values have no JSON escapes. */
bool kt_object_label(const struct kt_object *object, struct kt_sv key, struct kt_sv *ret_value);
/* A new jansson tree. */
json_t *kt_object_tree(const struct kt_object *object);

#endif
