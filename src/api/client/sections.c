/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/client/sections.h"

#define CACHE_BITS \
	13 /* as many objects as one controller looks at in one pass on a large owner; touched \
	      pages only */

struct entry {
	const struct kt_object *object;
	int64_t revision;
	uint32_t json_len;
	struct {
		uint32_t off, len; /* len 0: absent */
	} sections[KT_SECTION_COUNT];
};

static _Thread_local struct entry cache[1 << CACHE_BITS];

static const struct kt_sv names[KT_SECTION_COUNT] = {
        [KT_SECTION_METADATA] = {"metadata", 8},
        [KT_SECTION_SPEC] = {"spec", 4},
        [KT_SECTION_STATUS] = {"status", 6},
};

static void scan(const struct kt_object *object, struct entry *entry)
{
	struct kt_json_iter it = {0};
	struct kt_json_at value;
	struct kt_sv key;

	*entry = (struct entry){
	        .object = object, .revision = object->revision, .json_len = object->json_len};
	while (kt_json_next_member(kt_object_doc(object), &it, &key, &value))
		for (size_t i = 0; i < KT_SECTION_COUNT; i++)
			if (kt_sv_eq(key, names[i])) {
				entry->sections[i].off =
				        (uint32_t)(value.p - kt_object_json(object));
				entry->sections[i].len = (uint32_t)value.len;
			}
}

/* The memory may be of another object that lay at the same address: the bytes decide. */
static bool still_true(const struct kt_object *object, const struct entry *entry)
{
	for (size_t i = 0; i < KT_SECTION_COUNT; i++) {
		uint32_t off = entry->sections[i].off, len = entry->sections[i].len;
		const char *p = kt_object_json(object) + off;

		if (!len)
			continue;
		if (off < names[i].len + 3 || p[-1] != ':' ||
		        memcmp(p - 2 - names[i].len, names[i].p, names[i].len) != 0 ||
		        p[-3 - (ptrdiff_t)names[i].len] != '"' || *p != '{' || p[len - 1] != '}')
			return false;
	}
	return true;
}

struct kt_json_at kt_object_section(const struct kt_object *object, enum kt_section section)
{
	struct entry *entry = &cache[((uintptr_t)object >> 5) * UINT64_C(0x9E3779B97F4A7C15) >>
	                             (64 - CACHE_BITS)];

	if (entry->object != object || entry->revision != object->revision ||
	        entry->json_len != object->json_len || !object->revision ||
	        !still_true(object, entry))
		scan(object, entry);
	if (!entry->sections[section].len)
		return (struct kt_json_at){0};
	return kt_json_doc(kt_object_json(object) + entry->sections[section].off,
	        entry->sections[section].len);
}
