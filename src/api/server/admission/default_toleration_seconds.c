/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A pod outlives its node's silence by five minutes unless it says otherwise. */
#include "api/server/admission/plugins.h"

#define TOLERATION_SECONDS 300

static bool tolerates(const json_t *tolerations, const char *taint)
{
	size_t i;
	json_t *toleration;
	json_array_foreach(tolerations, i, toleration) {
		const char *key = kt_jstr(toleration, "key"),
		           *effect = kt_jstr(toleration, "effect");
		bool any_key = !key || !*key;
		bool any_effect = !effect || !*effect;
		if ((any_key || kt_streq(key, taint)) &&
		        (any_effect || kt_streq(effect, "NoExecute")))
			return true;
	}
	return false;
}

static void add(json_t *tolerations, const char *taint)
{
	json_array_append_new(tolerations,
	        json_pack("{s:s, s:s, s:s, s:i}", "key", taint, "operator", "Exists", "effect",
	                "NoExecute", "tolerationSeconds", TOLERATION_SECONDS));
}

static int mutate(struct kt_admission_context *a, json_t *object, const json_t *old)
{
	(void)old;
	static const char *const taints[] = {
	        "node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"};
	json_t *spec = json_object_get(object, "spec");
	if (!kt_admission_is(a, "", "pods", NULL) || !spec || !object)
		return 0;
	json_t *tolerations = json_object_get(spec, "tolerations");
	if (!tolerations)
		json_object_set_new(spec, "tolerations", tolerations = json_array());
	bool missing[2];
	for (size_t i = 0; i < 2; i++)
		missing[i] = !tolerates(tolerations, taints[i]);
	for (size_t i = 0; i < 2; i++)
		if (missing[i])
			add(tolerations, taints[i]);
	return 0;
}

const struct kt_admission_plugin kt_admission_default_toleration_seconds = {
        .name = "DefaultTolerationSeconds",
        .on_by_default = true,
        .mutate = mutate,
};
