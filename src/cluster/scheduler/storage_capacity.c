/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cluster/scheduler/storage_capacity.h"

#include "api/client/sections.h"
#include "api/machinery/selector.h"

/* Drivers opt in; a provisioner without a CSIDriver is none. */
static bool tells_capacity(const struct kt_volumes *volumes, const struct kt_object *class)
{
	const struct kt_object *driver;
	struct kt_sv name;

	if (!kt_json_string_sv(kt_json_member(kt_object_doc(class), "provisioner"), &name))
		return false;
	driver = kt_volumes_get(volumes, KT_VOLUME_CSI_DRIVERS, name);
	return driver &&
	       kt_json_bool(kt_object_field(driver, KT_SECTION_SPEC, "storageCapacity"), false);
}

/* The largest volume that can be made, where it is known; else all that is left. */
static bool is_enough(struct kt_json_at capacity, struct kt_quantity size)
{
	struct kt_json_at limit = kt_json_member(capacity, "maximumVolumeSize");
	struct kt_quantity q;
	struct kt_sv text;

	if (!limit.p)
		limit = kt_json_member(capacity, "capacity");
	if (!limit.p)
		return false;
	if (!kt_json_string_sv(limit, &text))
		text = (struct kt_sv){limit.p, limit.len};
	return kt_quantity_parse(text, &q, NULL) == 0 && kt_quantity_cmp(q, size) >= 0;
}

/* No topology at all: of no node. */
static bool is_reached(struct kt_json_at capacity, const struct kt_object *node)
{
	struct kt_json_at at = kt_json_member(capacity, "nodeTopology");
	kt_auto_json json_t *tree = at.p ? kt_json_tree(at) : NULL;
	struct kt_selector *selector = NULL;
	bool reached;

	if (!tree || kt_selector_of_json(tree, &selector, NULL) < 0)
		return false;
	reached = kt_selector_matches(selector, node);
	kt_selector_destroy(selector);
	return reached;
}

bool kt_storage_has_room(const struct kt_volumes *volumes, const struct kt_object *class,
        struct kt_quantity size, const struct kt_object *node)
{
	size_t it = 0;
	void *value;

	if (!tells_capacity(volumes, class))
		return true;
	while (kt_map_next(&volumes->objects[KT_VOLUME_CAPACITIES], &it, NULL, &value)) {
		struct kt_json_at capacity = kt_object_doc(value), of;
		struct kt_sv name;

		of = kt_json_member(capacity, "storageClassName");
		if (kt_json_string_sv(of, &name) && kt_sv_eq(name, kt_object_name(class)) &&
		        is_enough(capacity, size) && is_reached(capacity, node))
			return true;
	}
	return false;
}
