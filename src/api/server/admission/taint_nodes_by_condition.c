/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A new node is not ready until its kubelet has said so. */
#include "api/server/admission/plugins.h"
#include "api/server/rules/check.h"

#define NOT_READY "node.kubernetes.io/not-ready"

static int mutate(struct kt_admission_context *a, json_t *object, const json_t *old)
{
	(void)old;
	if (a->operation != KT_ADMIT_CREATE || !kt_admission_is(a, "", "nodes", NULL))
		return 0;
	json_t *spec = json_object_get(object, "spec"), *taint;
	if (!spec)
		json_object_set_new(object, "spec", spec = json_object());
	json_t *taints = json_object_get(spec, "taints");
	size_t i;
	json_array_foreach(taints, i, taint) {
		if (strcmp(kt_text_of(taint, "key"), NOT_READY) == 0 &&
		        strcmp(kt_text_of(taint, "effect"), "NoSchedule") == 0)
			return 0;
	}
	if (!taints)
		json_object_set_new(spec, "taints", taints = json_array());
	json_array_append_new(
	        taints, json_pack("{s:s, s:s}", "key", NOT_READY, "effect", "NoSchedule"));
	return 0;
}

const struct kt_admission_plugin kt_admission_taint_nodes_by_condition = {
        .name = "TaintNodesByCondition",
        .on_by_default = true,
        .mutate = mutate,
};
