/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/rules/pod.h"
#include "api/server/rules/quantities.h"

#define IMAGE_NAME_MAX 255
#define IMAGE_ID_LEN 64 /* hexadecimal: names an image, no repository */

static const char *const container_lists[] = {
        "initContainers", "containers", "ephemeralContainers"};

static void set_text(json_t *object, const char *name, const char *text)
{
	json_object_set_new(object, name, json_string(text));
}

/* Always for ":latest" and for no tag at all, else IfNotPresent. A digest is a fixed version. */
static const char *pull_policy(const char *image)
{
	if (strchr(image, '@'))
		return "IfNotPresent";
	const char *last = strrchr(image, '/');
	const char *tag = strchr(last ? last : image, ':');
	return !tag || strcmp(tag, ":latest") == 0 ? "Always" : "IfNotPresent";
}

/* Upstream parses the image; a name that does not parse has no tag and is not "latest" either. */
static bool is_image_reference(const char *image)
{
	const char *last = strrchr(image, '/');
	size_t len = strcspn(image, ":@");
	if (len > IMAGE_NAME_MAX ||
	        (len == IMAGE_ID_LEN && strspn(image, "0123456789abcdef") == len))
		return false;
	for (const char *p = last ? last + 1 : image; *p && *p != ':' && *p != '@'; p++)
		if (!((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '.' ||
		            *p == '_' || *p == '-'))
			return false;
	char first = last ? last[1] : image[0];
	return (first >= 'a' && first <= 'z') || (first >= '0' && first <= '9');
}

static void default_resources(json_t *holder)
{
	json_t *resources = json_object_get(holder, "resources");
	if (!resources)
		return;
	kt_quantities_default_list(json_object_get(resources, "limits"));
	kt_quantities_default_list(json_object_get(resources, "requests"));
}

static void default_container(json_t *container)
{
	default_resources(container);
	if (!*kt_text_of(container, "imagePullPolicy")) {
		const char *image = kt_text_of(container, "image");
		set_text(container, "imagePullPolicy",
		        is_image_reference(image) ? pull_policy(image) : "IfNotPresent");
	}
}

/* With the host's network a container port is the host's port. */
static void default_host_ports(json_t *container)
{
	size_t i;
	json_t *port;
	json_array_foreach(json_object_get(container, "ports"), i, port) {
		if (!json_integer_value(json_object_get(port, "hostPort")) &&
		        json_object_get(port, "containerPort"))
			json_object_set(port, "hostPort", json_object_get(port, "containerPort"));
	}
}

/* A volume that names no source is an empty directory. */
static void default_volumes(json_t *volumes)
{
	size_t i;
	json_t *volume;
	json_array_foreach(volumes, i, volume) {
		size_t n = json_object_size(volume) - (json_object_get(volume, "name") != NULL);
		if (n == 0)
			json_object_set_new(volume, "emptyDir", json_object());
		json_t *image = json_object_get(volume, "image");
		if (image && !*kt_text_of(image, "pullPolicy"))
			set_text(image, "pullPolicy", pull_policy(kt_text_of(image, "reference")));
	}
}

/* serviceAccount is the old name of serviceAccountName; both are always shown alike. */
static void default_service_account(json_t *spec)
{
	const char *name = kt_text_of(spec, "serviceAccountName");
	if (!*name)
		name = kt_text_of(spec, "serviceAccount");
	if (*name) {
		json_t *text = json_string(name);
		json_object_set(spec, "serviceAccountName", text);
		json_object_set_new(spec, "serviceAccount", text);
	}
}

void kt_pod_spec_default(json_t *spec)
{
	if (!json_is_object(spec))
		return;
	bool host_network = kt_bool_of(spec, "hostNetwork");
	for (size_t l = 0; l < KT_ARRAY_SIZE(container_lists); l++) {
		size_t i;
		json_t *container;
		json_array_foreach(json_object_get(spec, container_lists[l]), i, container) {
			default_container(container);
			if (host_network && strcmp(container_lists[l], "ephemeralContainers") != 0)
				default_host_ports(container);
		}
	}
	default_volumes(json_object_get(spec, "volumes"));
	default_service_account(spec);
}

/* A limit without a request is a request. */
static void default_requests(json_t *container)
{
	json_t *resources = json_object_get(container, "resources"),
	       *limits = json_object_get(resources, "limits");
	const char *name;
	json_t *limit;
	if (!json_object_size(limits))
		return;
	json_t *requests = json_object_get(resources, "requests");
	if (!requests)
		json_object_set_new(resources, "requests", requests = json_object());
	json_object_foreach(limits, name, limit) {
		if (!json_object_get(requests, name))
			json_object_set(requests, name, limit);
	}
}

/* What all containers together ask for: the larger of the biggest init container and the sum of the
 * others. */
static kt_nanos aggregate(
        const json_t *spec, const char *resource, bool *ret_any, const json_t **ret_like)
{
	kt_nanos sum = 0, init_max = 0, sidecars = 0;
	for (size_t l = 0; l < 2; l++) {
		size_t i;
		json_t *container;
		json_array_foreach(json_object_get(spec, container_lists[l]), i, container) {
			const json_t *value =
			        json_object_get(kt_jget(container, "resources.requests"), resource);
			if (value) {
				*ret_any = true;
				*ret_like = value;
			}
			kt_nanos n = kt_quantities_nanos(value);
			if (l == 1)
				sum += n;
			else if (strcmp(kt_text_of(container, "restartPolicy"), "Always") == 0)
				sidecars += n;
			else
				init_max = KT_MAX(init_max, n + sidecars);
		}
	}
	return KT_MAX(sum + sidecars, init_max);
}

static bool is_pod_level(const char *resource)
{
	return strcmp(resource, "cpu") == 0 || strcmp(resource, "memory") == 0 ||
	       kt_resource_is_hugepages(resource);
}

/* What containers ask for and may get more of, the pod asks for as a whole. */
static void take_container_requests(struct kt_rule_context *c, const json_t *spec, json_t *requests)
{
	static const char *const summed[] = {"cpu", "memory"};
	for (size_t i = 0; i < KT_ARRAY_SIZE(summed); i++) {
		bool any = false;
		const json_t *like = NULL;
		kt_nanos n = aggregate(spec, summed[i], &any, &like);
		if (any && !json_object_get(requests, summed[i]))
			json_object_set_new(
			        requests, summed[i], json_string(kt_quantities_print(c, n, like)));
	}
}

/* Limits of the whole pod give its requests: those of its containers where they have any, else the
 * limits. */
static void default_pod_requests(struct kt_rule_context *c, json_t *spec)
{
	json_t *resources = json_object_get(spec, "resources"),
	       *limits = json_object_get(resources, "limits"), *limit;
	if (!json_object_size(limits))
		return;
	json_t *requests = json_object_get(resources, "requests");
	kt_auto_json json_t *merged = requests ? json_copy(requests) : json_object();
	const char *name;
	take_container_requests(c, spec, merged);
	json_object_foreach(limits, name, limit) {
		if (is_pod_level(name) && !json_object_get(merged, name))
			json_object_set(merged, name, limit);
	}
	if (json_object_size(merged))
		json_object_set(resources, "requests", merged);
}

void kt_pod_default(struct kt_rule_context *c, json_t *pod)
{
	json_t *spec = json_object_get(pod, "spec"), *container;
	if (!spec)
		return;
	kt_pod_spec_default(spec);
	for (size_t l = 0; l < 2; l++) {
		size_t i;
		json_array_foreach(json_object_get(spec, container_lists[l]), i, container) {
			default_requests(container);
		}
	}
	default_pod_requests(c, spec);
	if (!json_object_get(spec, "enableServiceLinks"))
		json_object_set_new(spec, "enableServiceLinks", json_true());
	json_t *grace = json_object_get(spec, "terminationGracePeriodSeconds");
	if (json_integer_value(grace) < 0)
		json_object_set_new(spec, "terminationGracePeriodSeconds", json_integer(1));
}

/* Adds one resources block to the tally: whether anything is asked for, and whether cpu and memory
 * are fixed and equal. */
static void tally(const json_t *resources, bool *any, bool *guaranteed)
{
	static const char *const computed[] = {"cpu", "memory"};
	for (size_t i = 0; i < KT_ARRAY_SIZE(computed); i++) {
		const json_t *request =
		        json_object_get(json_object_get(resources, "requests"), computed[i]);
		const json_t *limit =
		        json_object_get(json_object_get(resources, "limits"), computed[i]);
		if (kt_quantities_nanos(request) > 0 || kt_quantities_nanos(limit) > 0)
			*any = true;
		if (kt_quantities_nanos(limit) <= 0 ||
		        (request && kt_quantities_cmp(request, limit) != 0))
			*guaranteed = false;
	}
}

const char *kt_pod_qos(const json_t *spec)
{
	bool any = false, guaranteed = true;
	const json_t *whole = json_object_get(spec, "resources");
	if (whole) { /* also one that says nothing */
		tally(whole, &any, &guaranteed);
	} else {
		for (size_t l = 0; l < 2; l++) {
			size_t i;
			json_t *container;
			json_array_foreach(
			        json_object_get(spec, container_lists[l]), i, container) {
				tally(json_object_get(container, "resources"), &any, &guaranteed);
			}
		}
	}
	return !any ? "BestEffort" : guaranteed ? "Guaranteed" : "Burstable";
}
