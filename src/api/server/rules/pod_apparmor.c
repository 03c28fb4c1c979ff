/* SPDX-License-Identifier: GPL-3.0-or-later */
/* AppArmor profiles by annotation, as manifests older than the field name them. Source: KEP-24. */
#include "api/server/rules/pod.h"

#define PREFIX "container.apparmor.security.beta.kubernetes.io/"
#define LOCALHOST "localhost/"

static const char *const lists[] = {"initContainers", "containers", "ephemeralContainers"};

static json_t *find_container(const json_t *spec, const char *name)
{
	json_t *container;
	size_t i;
	for (size_t l = 0; l < KT_ARRAY_SIZE(lists); l++)
		json_array_foreach(json_object_get(spec, lists[l]), i, container) {
			if (strcmp(kt_text_of(container, "name"), name) == 0)
				return container;
		}
	return NULL;
}

/* The field that says what the annotation says; NULL when it says nothing that is understood. */
static json_t *profile_of(const char *annotation)
{
	if (strcmp(annotation, "unconfined") == 0)
		return json_pack("{s:s}", "type", "Unconfined");
	if (strcmp(annotation, "runtime/default") == 0)
		return json_pack("{s:s}", "type", "RuntimeDefault");
	if (kt_starts_with(annotation, LOCALHOST) && annotation[strlen(LOCALHOST)])
		return json_pack("{s:s,s:s}", "type", "Localhost", "localhostProfile",
		        annotation + strlen(LOCALHOST));
	return NULL;
}

void kt_pod_take_apparmor(json_t *pod)
{
	json_t *spec = json_object_get(pod, "spec"), *value;
	const char *key;
	if (kt_streq(kt_jstr(spec, "os.name"), "windows"))
		return;
	json_object_foreach(kt_jget(pod, "metadata.annotations"), key, value) {
		json_t *container = kt_starts_with(key, PREFIX)
		                            ? find_container(spec, key + strlen(PREFIX))
		                            : NULL;
		json_t *security = json_object_get(container, "securityContext");
		json_t *profile = NULL;
		if (container && !json_object_get(security, "appArmorProfile"))
			profile = profile_of(json_string_value(value));
		if (!profile)
			continue;
		if (!security)
			json_object_set_new(container, "securityContext", security = json_object());
		json_object_set_new(security, "appArmorProfile", profile);
	}
}

void kt_check_apparmor_annotations(
        struct kt_rule_context *c, const struct kt_at *annotations, const struct kt_at *spec)
{
	struct kt_keys keys = kt_at_keys(c, annotations);
	for (size_t i = 0; i < keys.n; i++) {
		struct kt_at at = kt_at_key(annotations, keys.names[i]);
		const char *name = keys.names[i] + strlen(PREFIX), *profile = kt_at_text(&at);
		if (!kt_starts_with(keys.names[i], PREFIX))
			continue;
		if (!find_container(spec->value, name))
			kt_add_invalid_text(c, &at, name, "container not found");
		if (*profile && strcmp(profile, "runtime/default") != 0 &&
		        strcmp(profile, "unconfined") != 0 && !kt_starts_with(profile, LOCALHOST))
			kt_add_invalid(c, &at, "invalid AppArmor profile name: \"%s\"", profile);
	}
}
