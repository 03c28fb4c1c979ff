/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Volumes and claims in use are not deleted under their users. */
#include "api/server/admission/plugins.h"

static void add_finalizer(json_t *object, const char *name)
{
	json_t *meta = json_object_get(object, "metadata"),
	       *list = json_object_get(meta, "finalizers"), *item;
	size_t i;
	if (!list)
		json_object_set_new(meta, "finalizers", list = json_array());
	json_array_foreach(list, i, item) {
		if (kt_streq(json_string_value(item), name))
			return;
	}
	json_array_append_new(list, json_string(name));
}

static int mutate(struct kt_admission_context *a, json_t *object, const json_t *old)
{
	(void)old;
	if (a->operation != KT_ADMIT_CREATE || !object)
		return 0;
	if (kt_admission_is(a, "", "persistentvolumes", NULL))
		add_finalizer(object, "kubernetes.io/pv-protection");
	else if (kt_admission_is(a, "", "persistentvolumeclaims", NULL))
		add_finalizer(object, "kubernetes.io/pvc-protection");
	else if (kt_admission_is(a, "storage.k8s.io", "volumeattributesclasses", NULL))
		add_finalizer(object, "kubernetes.io/vac-protection");
	return 0;
}

const struct kt_admission_plugin kt_admission_storage_object_in_use_protection = {
        .name = "StorageObjectInUseProtection",
        .on_by_default = true,
        .mutate = mutate,
};
