/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/pod_parts.h"

static const char CONFIG_MAPS[] = "configmaps", SECRETS[] = "secrets",
                  CLAIMS[] = "persistentvolumeclaims", ACCOUNTS[] = "serviceaccounts";

const char *kt_container_state(const json_t *status, enum kt_row_state *ret_state)
{
	const char *reason = kt_jstr(status, "state.waiting.reason");

	*ret_state = KT_ROW_PLAIN;
	if (kt_jget(status, "state.running"))
		return "Running";
	if (reason) {
		*ret_state = strstr(reason, "BackOff") || strstr(reason, "Err") ? KT_ROW_ERROR
		                                                                : KT_ROW_PENDING;
		return reason;
	}
	reason = kt_jstr(status, "state.terminated.reason");
	*ret_state = !reason                        ? KT_ROW_PENDING
	             : !strcmp(reason, "Completed") ? KT_ROW_COMPLETED
	                                            : KT_ROW_ERROR;
	return reason ? reason : "Waiting";
}

/* Containers */

static const json_t *status_of(const json_t *pod, const char *list, const char *name)
{
	const json_t *status;
	size_t i;

	json_array_foreach(kt_jget(pod, list), i, status)
		if (kt_streq(kt_jstr(status, "name"), name))
			return status;
	return NULL;
}

static void add_containers(
        struct kt_pod_parts *parts, const json_t *pod, const char *list, const char *statuses)
{
	const json_t *container;
	size_t i;

	json_array_foreach(kt_jget(pod, list), i, container) {
		const char *name = kt_jstr(container, "name");
		const json_t *status = status_of(pod, statuses, name);
		long long restarts = (long long)kt_jint(status, "restartCount", 0);
		struct kt_pod_container item = {.name = kt_strdup(name ? name : "")};
		const char *text = kt_container_state(status, &item.state);

		item.text = restarts ? kt_asprintf("%s, %lld restart%s", text, restarts,
		                               restarts == 1 ? "" : "s")
		                     : kt_strdup(text);
		kt_vec_push(&parts->containers, item);
	}
}

/* References */

static void add(struct kt_pod_parts *parts, const char *plural, const char *name, bool optional)
{
	if (!name || !*name)
		return;
	for (size_t i = 0; i < parts->references.n; i++) {
		struct kt_pod_reference *old = &parts->references.items[i];

		if (old->plural == plural && !strcmp(old->name, name)) {
			old->optional = old->optional && optional;
			return;
		}
	}
	struct kt_pod_reference reference = {plural, kt_strdup(name), optional};

	kt_vec_push(&parts->references, reference);
}

/* {name, optional} of a source. */
static void add_source(struct kt_pod_parts *parts, const char *plural, const json_t *source)
{
	add(parts, plural, kt_jstr(source, "name"), kt_jbool(source, "optional", false));
}

static void add_volume(struct kt_pod_parts *parts, const json_t *volume)
{
	const json_t *secret = json_object_get(volume, "secret"), *source;
	size_t i;

	add_source(parts, CONFIG_MAPS, json_object_get(volume, "configMap"));
	add(parts, SECRETS, kt_jstr(secret, "secretName"), kt_jbool(secret, "optional", false));
	add(parts, CLAIMS, kt_jstr(volume, "persistentVolumeClaim.claimName"), false);
	json_array_foreach(kt_jget(volume, "projected.sources"), i, source) {
		add_source(parts, CONFIG_MAPS, json_object_get(source, "configMap"));
		add_source(parts, SECRETS, json_object_get(source, "secret"));
	}
}

static void add_environment(struct kt_pod_parts *parts, const json_t *container)
{
	const json_t *item;
	size_t i;

	json_array_foreach(json_object_get(container, "env"), i, item) {
		add_source(parts, CONFIG_MAPS, kt_jget(item, "valueFrom.configMapKeyRef"));
		add_source(parts, SECRETS, kt_jget(item, "valueFrom.secretKeyRef"));
	}
	json_array_foreach(json_object_get(container, "envFrom"), i, item) {
		add_source(parts, CONFIG_MAPS, json_object_get(item, "configMapRef"));
		add_source(parts, SECRETS, json_object_get(item, "secretRef"));
	}
}

static void add_references(struct kt_pod_parts *parts, const json_t *pod)
{
	static const char *const lists[] = {
	        "spec.initContainers", "spec.containers", "spec.ephemeralContainers"};
	const json_t *item;
	size_t i;

	add(parts, ACCOUNTS, kt_jstr(pod, "spec.serviceAccountName"), false);
	for (size_t list = 0; list < KT_ARRAY_SIZE(lists); list++)
		json_array_foreach(kt_jget(pod, lists[list]), i, item)
			add_environment(parts, item);
	json_array_foreach(kt_jget(pod, "spec.volumes"), i, item)
		add_volume(parts, item);
	json_array_foreach(kt_jget(pod, "spec.imagePullSecrets"), i, item)
		add(parts, SECRETS, kt_jstr(item, "name"), true);
}

struct kt_pod_parts *kt_pod_parts_create(const json_t *pod)
{
	struct kt_pod_parts *parts = kt_new(struct kt_pod_parts);
	const char *node = kt_jstr(pod, "spec.nodeName"), *key;
	json_t *value;

	add_containers(parts, pod, "spec.initContainers", "status.initContainerStatuses");
	add_containers(parts, pod, "spec.containers", "status.containerStatuses");
	add_containers(parts, pod, "spec.ephemeralContainers", "status.ephemeralContainerStatuses");
	add_references(parts, pod);
	json_object_foreach(kt_jget(pod, "metadata.labels"), key, value)
		if (json_is_string(value))
			kt_vec_push(&parts->labels,
			        kt_asprintf("%s=%s", key, json_string_value(value)));
	parts->node = kt_strdup(node ? node : "");
	return parts;
}

void kt_pod_parts_destroy(struct kt_pod_parts *parts)
{
	if (!parts)
		return;
	for (size_t i = 0; i < parts->containers.n; i++) {
		free(parts->containers.items[i].name);
		free(parts->containers.items[i].text);
	}
	for (size_t i = 0; i < parts->references.n; i++)
		free(parts->references.items[i].name);
	for (size_t i = 0; i < parts->labels.n; i++)
		free(parts->labels.items[i]);
	kt_vec_finish(&parts->containers);
	kt_vec_finish(&parts->references);
	kt_vec_finish(&parts->labels);
	free(parts->node);
	free(parts);
}

static bool has_label(const struct kt_pod_parts *parts, const char *label)
{
	for (size_t i = 0; i < parts->labels.n; i++)
		if (!strcmp(parts->labels.items[i], label))
			return true;
	return false;
}

bool kt_pod_parts_selected(const struct kt_pod_parts *parts, char *const *selector, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!has_label(parts, selector[i]))
			return false;
	return n > 0;
}
