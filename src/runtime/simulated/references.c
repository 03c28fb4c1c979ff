/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ConfigMaps and Secrets that a pod names and that are not optional: it starts when they are there,
 * as on a real kubelet. A missing one of a volume holds the whole pod, one of the environment its
 * container. Each is asked for once, and again with back-off while it is missing.
 */
#include "runtime/simulated/internal.h"

#include "api/status.h"
#include "base/mem.h"

#define RETRY_MIN_MS 500
#define RETRY_MAX_MS 10000
#define REFERENCES_MAX 64 /* more are taken to be there */

struct reference {
	const char *resource;   /* "configmaps", "secrets" */
	char *name, *container; /* container NULL: a volume's */
	char *volume;
	bool known, missing;
	char *error;
};

struct sim_references {
	struct kt_simulated *simulated;
	char *uid, *namespace;
	KT_VEC(struct reference) list;
	size_t n_under_way;
	int64_t retry_ms;
	struct kt_timer timer;
	bool gone; /* the pod is; freed with the last answer */
};

static void add(struct sim_references *references, const char *resource, struct kt_json_at source,
        const char *name_key, const char *container, const char *volume)
{
	char *name;

	if (!source.p || kt_json_bool(kt_json_member(source, "optional"), false) ||
	        references->list.n >= REFERENCES_MAX)
		return;
	name = kt_json_string_dup(kt_json_member(source, name_key));
	/* The cluster itself sees to this one. */
	if (!name || !*name || strcmp(name, "kube-root-ca.crt") == 0) {
		free(name);
		return;
	}
	kt_vec_push(&references->list, ((struct reference){.resource = resource,
	                                       .name = name,
	                                       .container = container ? kt_strdup(container) : NULL,
	                                       .volume = volume ? kt_strdup(volume) : NULL}));
}

static void read_volumes(struct sim_references *references, const struct kt_object *pod)
{
	struct kt_json_at list = kt_object_field(pod, KT_SECTION_SPEC, "volumes"), volume, sources,
	                  source;
	struct kt_json_iter it = {0};

	while (list.p && kt_json_next_element(list, &it, &volume)) {
		kt_auto_free char *name = kt_json_string_dup(kt_json_member(volume, "name"));
		struct kt_json_iter s = {0};

		add(references, "configmaps", kt_json_member(volume, "configMap"), "name", NULL,
		        name);
		add(references, "secrets", kt_json_member(volume, "secret"), "secretName", NULL,
		        name);
		sources = kt_json_find(volume, "projected", "sources", NULL);
		while (sources.p && kt_json_next_element(sources, &s, &source)) {
			add(references, "configmaps", kt_json_member(source, "configMap"), "name",
			        NULL, name);
			add(references, "secrets", kt_json_member(source, "secret"), "name", NULL,
			        name);
		}
	}
}

static void read_environment(
        struct sim_references *references, const struct kt_object *pod, const char *list_key)
{
	struct kt_json_at list = kt_object_field(pod, KT_SECTION_SPEC, list_key), container, env,
	                  item;
	struct kt_json_iter it = {0};

	while (list.p && kt_json_next_element(list, &it, &container)) {
		kt_auto_free char *name = kt_json_string_dup(kt_json_member(container, "name"));
		struct kt_json_iter e = {0}, f = {0};

		env = kt_json_member(container, "env");
		while (env.p && kt_json_next_element(env, &e, &item)) {
			add(references, "configmaps",
			        kt_json_find(item, "valueFrom", "configMapKeyRef", NULL), "name",
			        name, NULL);
			add(references, "secrets",
			        kt_json_find(item, "valueFrom", "secretKeyRef", NULL), "name", name,
			        NULL);
		}
		env = kt_json_member(container, "envFrom");
		while (env.p && kt_json_next_element(env, &f, &item)) {
			add(references, "configmaps", kt_json_member(item, "configMapRef"), "name",
			        name, NULL);
			add(references, "secrets", kt_json_member(item, "secretRef"), "name", name,
			        NULL);
		}
	}
}

static void references_free(struct sim_references *references)
{
	for (size_t i = 0; i < references->list.n; i++) {
		free(references->list.items[i].name);
		free(references->list.items[i].container);
		free(references->list.items[i].volume);
		free(references->list.items[i].error);
	}
	kt_vec_finish(&references->list);
	free(references->uid);
	free(references->namespace);
	free(references);
}

struct question {
	struct sim_references *references;
	size_t index;
};

static void question_drop(void *value)
{
	struct question *question = value;
	struct sim_references *references = question->references;

	references->n_under_way--;
	if (references->gone && !references->n_under_way)
		references_free(references);
	free(question);
}

static void tell_missing(struct sim_pod *pod, const struct reference *reference)
{
	if (!reference->container)
		sim_pod_event(pod, NULL, true, "FailedMount",
		        "MountVolume.SetUp failed for volume \"%s\" : %s", reference->volume,
		        reference->error);
}

static void all_answered(struct sim_references *references)
{
	struct sim_pod *pod = kt_map_get(&references->simulated->pods, references->uid);
	bool missing = false;

	for (size_t i = 0; i < references->list.n; i++)
		missing = missing || references->list.items[i].missing;
	if (missing) {
		references->retry_ms = references->retry_ms ? KT_MIN(references->retry_ms * 2,
		                                                      (int64_t)RETRY_MAX_MS)
		                                            : RETRY_MIN_MS;
		kt_timer_set_after_ms(&references->timer, references->retry_ms);
	}
	if (pod && pod->references == references)
		sim_pod_advance(pod);
}

static void answered(void *arg, struct kt_call *call)
{
	struct question *question = arg;
	struct sim_references *references = question->references;
	struct reference *reference = &references->list.items[question->index];
	struct sim_pod *pod =
	        references->gone ? NULL : kt_map_get(&references->simulated->pods, references->uid);
	bool was_missing = reference->missing;

	reference->known = true;
	reference->missing = call->err.code && kt_err_reason(&call->err) == KT_REASON_NOT_FOUND;
	if (reference->missing && !was_missing) {
		free(reference->error);
		reference->error = kt_asprintf("%s \"%s\" not found",
		        strcmp(reference->resource, "secrets") == 0 ? "secret" : "configmap",
		        reference->name);
		if (pod)
			tell_missing(pod, reference);
	}
	references->n_under_way--;
	free(question);
	if (references->n_under_way)
		return;
	if (references->gone)
		references_free(references);
	else
		all_answered(references);
}

static void ask(struct sim_references *references)
{
	for (size_t i = 0; i < references->list.n; i++) {
		struct reference *reference = &references->list.items[i];
		struct question *question;

		if (reference->known && !reference->missing)
			continue;
		question = kt_new(struct question);
		question->references = references;
		question->index = i;
		references->n_under_way++;
		kt_calls_send(references->simulated->calls,
		        &(struct kt_call_spec){.method = "GET",
		                .done = answered,
		                .arg = question,
		                .drop = question_drop},
		        "/api/v1/namespaces/%s/%s/%s", references->namespace, reference->resource,
		        reference->name);
	}
}

static void timer_fired(struct kt_timer *timer)
{
	ask(kt_container_of(timer, struct sim_references, timer));
}

struct sim_references *sim_references_create(struct sim_pod *pod)
{
	struct sim_references *references = kt_new(struct sim_references);

	references->simulated = pod->simulated;
	read_volumes(references, pod->object);
	read_environment(references, pod->object, "initContainers");
	read_environment(references, pod->object, "containers");
	if (!references->list.n) {
		free(references);
		return NULL;
	}
	references->uid = kt_sv_dup(kt_object_uid(pod->object));
	references->namespace = kt_sv_dup(kt_object_namespace(pod->object));
	kt_timer_init(&references->timer, pod->simulated->loop, timer_fired);
	ask(references);
	return references;
}

void sim_references_destroy(struct sim_references *references)
{
	if (!references)
		return;
	kt_timer_cancel(&references->timer);
	references->gone = true;
	if (!references->n_under_way)
		references_free(references);
}

bool sim_references_known(const struct sim_references *references)
{
	for (size_t i = 0; i < references->list.n; i++)
		if (!references->list.items[i].known)
			return false;
	return true;
}

bool sim_references_volumes_ready(const struct sim_references *references)
{
	if (!references)
		return true;
	for (size_t i = 0; i < references->list.n; i++)
		if (!references->list.items[i].known ||
		        (references->list.items[i].missing && !references->list.items[i].container))
			return false;
	return true;
}

const char *sim_references_error(const struct sim_references *references, const char *container)
{
	for (size_t i = 0; references && i < references->list.n; i++) {
		const struct reference *reference = &references->list.items[i];

		if (reference->missing && reference->container &&
		        strcmp(reference->container, container) == 0)
			return reference->error;
	}
	return NULL;
}
