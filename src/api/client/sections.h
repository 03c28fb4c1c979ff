/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Single members of an object's metadata, spec or status, found in its bytes. */
#ifndef KT_API_CLIENT_SECTIONS_H
#define KT_API_CLIENT_SECTIONS_H

#include "api/storage/object.h"

enum kt_section { KT_SECTION_METADATA, KT_SECTION_SPEC, KT_SECTION_STATUS };

/* p NULL: absent. */
static inline struct kt_json_at kt_object_section(
        const struct kt_object *object, enum kt_section section)
{
	return kt_object_part(object, section == KT_SECTION_METADATA ? object->metadata
	                              : section == KT_SECTION_SPEC   ? object->spec
	                                                             : object->status);
}

/* status.phase and the like: one member of a section. */
static inline struct kt_json_at kt_object_field(
        const struct kt_object *object, enum kt_section section, const char *field)
{
	struct kt_json_at at = kt_object_section(object, section);

	return at.p ? kt_json_member(at, field) : at;
}

#endif
