/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The top-level parts of an object (metadata, spec, status), found by scanning once and remembered
 * for a while: components ask many small questions of the same object one after the other, and each
 * scan would step over all of its managedFields.
 *
 * The memory is per thread and holds positions only; what it says is checked against the bytes
 * before it is used.
 */
#ifndef KT_API_CLIENT_SECTIONS_H
#define KT_API_CLIENT_SECTIONS_H

#include "api/storage/object.h"

enum kt_section { KT_SECTION_METADATA, KT_SECTION_SPEC, KT_SECTION_STATUS, KT_SECTION_COUNT };

/* p NULL: absent. */
struct kt_json_at kt_object_section(const struct kt_object *object, enum kt_section section);

/* status.phase and the like: one member of a section. */
static inline struct kt_json_at kt_object_field(
        const struct kt_object *object, enum kt_section section, const char *field)
{
	struct kt_json_at at = kt_object_section(object, section);

	return at.p ? kt_json_member(at, field) : at;
}

#endif
