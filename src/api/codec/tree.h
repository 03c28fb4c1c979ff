/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of api/codec share: where a value stands, zero values, scalars to their canonical
 * form. */
#ifndef KT_API_CODEC_TREE_H
#define KT_API_CODEC_TREE_H

#include "api/codec/codec.h"
#include "base/map.h"

/* The way from the root, for messages; frames live on the C stack. */
struct codec_at {
	const struct codec_at *parent;
	const char *name; /* a field or map key; NULL: a list element */
	size_t index;
	const struct kt_type
	        *owner; /* the struct that has the field; NULL for map keys and elements */
};

struct codec_walk {
	enum kt_strict strict;
	bool sorted;                 /* visit members by name: YAML bodies report in that order */
	struct kt_warnings *reports; /* unknown and duplicate fields, in the order met */
	struct kt_warnings *duplicates; /* paths seen twice, from the parser; may be NULL */
	struct kt_err *err;
};

/* A new tree; raw parts and scalars are shared with value. NULL with err set. */
json_t *kt_codec_take(struct codec_walk *walk, const struct kt_type *type, json_t *value,
        const struct codec_at *at);

/* "spec.containers[0].image" */
void kt_codec_path(struct kt_str *out, const struct codec_at *at);

/* "string", "number", "bool": as Go's decoder calls a value. */
const char *kt_codec_json_kind(const json_t *value);

/* True when value is what an absent field of this type stands for. */
bool kt_codec_is_zero(const struct kt_type *type, const json_t *value);

#endif
