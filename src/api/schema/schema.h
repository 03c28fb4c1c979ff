/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a kind is: the structs that the YAML files of src/api/kinds compile to, and that a CRD's
 * structural schema compiles to at run time. Everything that depends on a kind's shape walks these:
 * decoding, defaulting, structural validation, protobuf, patches, server-side apply, Table,
 * OpenAPI, explain, the editor's completion.
 *
 * Compiled-in tables are const and live for ever. A run-time schema (schema/crd.h) is immutable
 * once built, lives in one arena and is reference-counted as a whole through its struct
 * kt_kind_set; holders of a kind keep that set referenced. Any thread may read.
 */
#ifndef KT_API_SCHEMA_SCHEMA_H
#define KT_API_SCHEMA_SCHEMA_H

#include "base/json.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* What a value looks like in JSON and in protobuf. */
enum kt_shape {
	KT_SHAPE_OBJECT, /* fields[] */
	KT_SHAPE_MAP,    /* string keys -> elem */
	KT_SHAPE_LIST,   /* elem */
	KT_SHAPE_STRING,
	KT_SHAPE_INT32,
	KT_SHAPE_INT64,
	KT_SHAPE_UINT32,
	KT_SHAPE_UINT64,
	KT_SHAPE_DOUBLE,
	KT_SHAPE_BOOL,
	KT_SHAPE_BYTES,         /* base64 in JSON */
	KT_SHAPE_QUANTITY,      /* string or number in JSON; message Quantity{1: string} */
	KT_SHAPE_INT_OR_STRING, /* message IntOrString{1: type, 2: int32, 3: string} */
	KT_SHAPE_TIME, /* RFC 3339 seconds; message Time{1: seconds, 2: nanos}; null when zero */
	KT_SHAPE_MICRO_TIME,
	KT_SHAPE_DURATION,  /* Go duration string; message Duration{1: int64 ns} */
	KT_SHAPE_RAW,       /* any JSON object: RawExtension{1: bytes}; embedded objects */
	KT_SHAPE_JSON,      /* any JSON value: apiextensions JSON{1: bytes} */
	KT_SHAPE_FIELDS_V1, /* FieldsV1{1: bytes}: any JSON object */
	KT_SHAPE_ANY,       /* x-kubernetes-preserve-unknown-fields without a type */
	/* Unions inside JSONSchemaProps, which is `elem`; in protobuf messages of their own. */
	KT_SHAPE_SCHEMA_OR_ARRAY,   /* {1: schema, 2: repeated schema} */
	KT_SHAPE_SCHEMA_OR_BOOL,    /* {1: bool, 2: schema} */
	KT_SHAPE_SCHEMA_OR_STRINGS, /* {1: schema, 2: repeated string} */
};

enum kt_list_type { KT_LIST_ATOMIC, KT_LIST_SET, KT_LIST_MAP };

enum kt_field_flags {
	KT_FIELD_REQUIRED = 1 << 0,   /* OpenAPI `required`; for a CRD also enforced */
	KT_FIELD_OMIT_EMPTY = 1 << 1, /* absent when it holds its zero value; without it the zero
	                                 value is written ("status": {}) */
	KT_FIELD_POINTER =
	        1 << 2,           /* Go pointer: an explicit zero is kept and differs from absent */
	KT_FIELD_INLINE = 1 << 3, /* embedded Go struct: its fields stand in the parent's JSON,
	                             nested in protobuf */
	KT_FIELD_PATCH_REPLACE_KEYS = 1 << 4, /* patchStrategy retainKeys */
	KT_FIELD_PATCH_MERGE = 1 << 5,        /* patchStrategy merge */
	KT_FIELD_ATOMIC = 1 << 6,             /* map or struct that server-side apply owns whole
	                                         (x-kubernetes-map-type: atomic) */
	KT_FIELD_NULLABLE = 1 << 7,
	KT_FIELD_IMMUTABLE = 1 << 8, /* may not change after creation: `field is immutable` */
	KT_FIELD_EMBEDDED = 1 << 9,  /* x-kubernetes-embedded-resource */
	KT_FIELD_PRESERVE = 1 << 10, /* x-kubernetes-preserve-unknown-fields */
	KT_FIELD_UNION_DISCRIMINATOR = 1 << 11,
	KT_FIELD_DEPRECATED = 1 << 12,
	KT_FIELD_UNSTRUCTURED =
	        1 << 13, /* of a type from a CRD: nulls, zeros and empty lists are kept as sent */
	KT_FIELD_GRANULAR =
	        1 << 14, /* x-kubernetes-map-type: granular: beats ATOMIC of the field's type */
	KT_FIELD_PATCH_REPLACE =
	        1 << 15, /* patchStrategy replace: a strategic patch replaces the whole value */
};

struct kt_type;

/* Declarative limits, checked by machinery/validate. NULL where a field has none. */
struct kt_limits {
	const char *const *enum_values; /* NULL-terminated; accepted strings, in the order messages
	                                   list them */
	const char *format;  /* a name from the format table: "dns1123-subdomain", "qualified-name",
	                        "port", "ip", … */
	const char *pattern; /* CRDs */
	bool has_minimum, has_maximum, exclusive_minimum, exclusive_maximum;
	double minimum, maximum;
	double multiple_of;             /* 0: none */
	int64_t length_min, length_max; /* -1: none; strings count code points */
	int64_t items_min, items_max;   /* -1: none */
	int64_t properties_min, properties_max;
	bool unique_items;
	const struct kt_cel_rule *rules; /* x-kubernetes-validations */
	size_t n_rules;
	/* allOf / anyOf / oneOf / not of a CRD, kept as the schema JSON; NULL for built-in kinds */
	const json_t *junctors;
	const json_t *enum_json; /* CRD enums of any JSON type */
};

struct kt_cel_rule {
	const char *rule, *message, *message_expression, *reason, *field_path;
	bool optional_old_self;
};

struct kt_field {
	const char *name; /* JSON name */
	const struct kt_type *type;
	uint32_t number;                /* protobuf; 0: none (CRDs) */
	uint16_t flags;                 /* enum kt_field_flags */
	uint8_t list_type;              /* enum kt_list_type, for lists */
	const char *merge_key;          /* strategic merge; NULL: none */
	const char *const *map_keys;    /* list_type map: NULL-terminated key names */
	const char *default_json;       /* JSON text of the declarative default; NULL: none */
	const struct kt_limits *limits; /* may be NULL */
	const char *doc;                /* one or two sentences of our own; may be "" */
};

struct kt_type {
	enum kt_shape shape;
	const char *name;              /* "io.k8s.api.core.v1.Container"; NULL for anonymous ones */
	const char *go_name;           /* "Container": in decoder messages */
	const struct kt_field *fields; /* KT_SHAPE_OBJECT, in Go's declaration order */
	uint16_t n_fields;
	const uint16_t *by_name;    /* n_fields indexes sorted by JSON name */
	const uint16_t *by_number;  /* n_fields indexes sorted by protobuf number */
	const struct kt_type *elem; /* MAP and LIST */
	uint16_t flags; /* KT_FIELD_ATOMIC, _PRESERVE, _EMBEDDED, _NULLABLE of the type itself */
	const struct kt_limits *limits; /* of list elements and map values */
	const char *doc;
};

enum kt_verb {
	KT_VERB_GET = 1 << 0,
	KT_VERB_LIST = 1 << 1,
	KT_VERB_WATCH = 1 << 2,
	KT_VERB_CREATE = 1 << 3,
	KT_VERB_UPDATE = 1 << 4,
	KT_VERB_PATCH = 1 << 5,
	KT_VERB_DELETE = 1 << 6,
	KT_VERB_DELETECOLLECTION = 1 << 7,
};

struct kt_column {
	const char *name;
	const char *type;   /* "string", "integer", "date", "boolean", "number" */
	const char *format; /* "name" or "" */
	int priority;       /* 0: always; 1: wide */
	const char *doc;
	const char *path; /* jsonpath without braces (".spec.replicas"); NULL: the cell is computed,
	                     see `cell` */
	const char *cell; /* name of a cell function of api/server/cells.h; NULL with path */
};

struct kt_subresource {
	const char *name; /* "status", "scale", "binding", "eviction", "log", "exec", … */
	const char *group, *version, *kind; /* what is exchanged: autoscaling/v1 Scale */
	uint16_t verbs;
	/* scale of a CRD: jsonpaths */
	const char *replicas_path, *status_replicas_path, *label_selector_path;
};

/* A selectable field: `fieldSelector=status.phase=Running`. */
struct kt_selectable {
	const char *field; /* as written in the selector */
	const char *path;  /* where it is in the object as it is stored */
};

enum kt_kind_flags {
	KT_KIND_NAMESPACED = 1 << 0,
	KT_KIND_HAS_STATUS = 1 << 1, /* /status exists: status is dropped on create and update of
	                                the main resource */
	KT_KIND_GENERATION =
	        1
	        << 2, /* metadata.generation counts changes of everything but metadata and status */
	KT_KIND_REQUIRE_RV = 1 << 3,       /* update without resourceVersion is 422 */
	KT_KIND_CREATE_ON_UPDATE = 1 << 4, /* PUT of a missing object creates it */
	KT_KIND_VIRTUAL = 1 << 5,          /* never stored: reviews, bindings, componentstatuses */
	KT_KIND_GRACEFUL = 1 << 6,         /* deletion may take a grace period */
	KT_KIND_CUSTOM = 1 << 7,           /* from a CRD */
	KT_KIND_AGGREGATED =
	        1
	        << 8, /* metrics.k8s.io: served only where something answers for it; VIRTUAL too */
	KT_KIND_RETURNS_DELETED =
	        1 << 9, /* DELETE of one object answers with that object, not with a Status */
	KT_KIND_STATUS_ON_CREATE = 1 << 10, /* the status sent with a create is kept (nodes) */
};

/* One served resource of one version. */
struct kt_kind {
	const char *group; /* "" for core */
	const char *version;
	const char *kind, *list_kind;
	const char *plural, *singular;
	const char *const *short_names; /* NULL-terminated; may be NULL */
	const char *const *categories;
	const struct kt_type *type;
	uint16_t flags; /* enum kt_kind_flags */
	uint16_t verbs; /* enum kt_verb */
	const struct kt_column *columns;
	size_t n_columns;
	const struct kt_subresource *subresources;
	size_t n_subresources;
	const struct kt_selectable *selectable;
	size_t n_selectable;
	const char *name_format; /* format of metadata.name: "dns1123-subdomain", "dns1035-label",
	                            "path-segment", … */
	const char *storage_version; /* version objects are stored in; equals version for most */
	const char *storage_prefix;  /* "/registry/pods", "/registry/services/specs" */
	const char
	        *default_delete; /* "Background", "Orphan": propagation when a delete names none */
	const char *doc;
	uint16_t index; /* position in its kind set: array index for per-kind tables */
	const struct kt_kind_set *set;
};

/* All built-in kinds in discovery order (group, version, resource), or the kinds of one CRD. */
struct kt_kind_set {
	const struct kt_kind *kinds;
	size_t n_kinds;
};

extern const struct kt_kind_set kt_builtin_kinds; /* generated */

/* Every compiled-in object type by full name, also those no resource serves (List, Status,
 * DeleteOptions, WatchEvent…). */
const struct kt_type *kt_type_lookup(const char *full_name);
/* The type of a body with this apiVersion and kind, also lists, options, Scale, Eviction …; NULL
 * when unknown. DeleteOptions, Status, Table and the like are found under any group and version. */
const struct kt_type *kt_type_for_body(const char *group, const char *version, const char *kind);
const struct kt_kind *kt_builtin_kind(const char *group, const char *version, const char *kind);
const struct kt_kind *kt_builtin_resource(
        const char *group, const char *version, const char *plural);

/* A field by JSON name; fields of embedded structs (KT_FIELD_INLINE) stand in for their parent's,
 * the embedding itself is not found. */
const struct kt_field *kt_type_field(const struct kt_type *type, struct kt_sv name);
const struct kt_field *kt_type_field_number(const struct kt_type *type, uint32_t number);
/* Follows "spec.template.spec.containers.image" (list and map elements are entered silently); NULL
 * when there is none. */
const struct kt_field *kt_type_field_path(const struct kt_type *type, const char *path);
const struct kt_subresource *kt_kind_subresource(const struct kt_kind *kind, const char *name);
/* "apps/v1" or "v1". Writes at most size bytes. */
void kt_kind_api_version(const struct kt_kind *kind, char *ret_text, size_t size);

#endif
