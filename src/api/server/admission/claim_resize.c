/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A claim may grow when it is bound and its class allows it. */
#include "api/server/admission/plugins.h"
#include "api/server/rules/check.h"
#include "api/server/rules/quantities.h"

static int validate(struct kt_admission_context *a, const json_t *object, const json_t *old)
{
	if (a->operation != KT_ADMIT_UPDATE ||
	        !kt_admission_is(a, "", "persistentvolumeclaims", NULL))
		return 0;
	const json_t *now = kt_jget(object, "spec.resources.requests.storage");
	const json_t *before = kt_jget(old, "spec.resources.requests.storage");
	if (kt_quantities_cmp(now, before) <= 0)
		return 0;
	if (strcmp(kt_text_of(json_object_get(old, "status"), "phase"), "Bound") != 0)
		return kt_admission_forbid(
		        a, "Only bound persistent volume claims can be expanded");
	const char *name = kt_text_of(json_object_get(object, "spec"), "storageClassName");
	kt_auto_json json_t *class =
	        *name ? kt_admission_read(a, "storage.k8s.io", "storageclasses", "", name) : NULL;
	if (class && kt_bool_of(class, "allowVolumeExpansion"))
		return 0;
	return kt_admission_forbid(a, "only dynamically provisioned pvc can be resized and the "
	                              "storageclass that provisions the pvc must support resize");
}

const struct kt_admission_plugin kt_admission_persistent_volume_claim_resize = {
        .name = "PersistentVolumeClaimResize",
        .on_by_default = true,
        .validate = validate,
};
