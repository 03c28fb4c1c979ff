/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every pod runs as a service account: its token, the cluster's CA and its namespace are mounted,
 * its pull secrets taken over. The account `default` of a namespace is made by a controller: who
 * comes just before that waits for it, as upstream's plugin tries again. */
#include "api/server/admission/plugins.h"
#include "api/server/limits.h"
#include "api/server/rules/check.h"
#include "api/server/rules/lookup.h"

#define MOUNT_PATH "/var/run/secrets/kubernetes.io/serviceaccount"
#define TOKEN_SECONDS \
	3607 /* an hour; the odd seconds tell the bound tokens of this plugin from others */
#define SUFFIX_CHARS 5
#define DEFAULT_ACCOUNT "default"

static bool automounts(const json_t *account, const json_t *spec)
{
	const json_t *of_pod = json_object_get(spec, "automountServiceAccountToken");
	const json_t *of_account = json_object_get(account, "automountServiceAccountToken");
	if (of_pod)
		return json_is_true(of_pod);
	return !of_account || json_is_true(of_account);
}

static json_t *token_volume(const char *name)
{
	return json_pack("{s:s, s:{s:i, s:[{s:{s:i, s:s}}, {s:{s:s, s:[{s:s, s:s}]}}, {s:{s:[{s:s, "
	                 "s:{s:s, s:s}}]}}]}}",
	        "name", name, "projected", "defaultMode", 0644, "sources", "serviceAccountToken",
	        "expirationSeconds", TOKEN_SECONDS, "path", "token", "configMap", "name",
	        "kube-root-ca.crt", "items", "key", "ca.crt", "path", "ca.crt", "downwardAPI",
	        "items", "path", "namespace", "fieldRef", "apiVersion", "v1", "fieldPath",
	        "metadata.namespace");
}

static bool mounts_token(const json_t *container)
{
	size_t i;
	json_t *mount;
	json_array_foreach(json_object_get(container, "volumeMounts"), i, mount) {
		if (strcmp(kt_text_of(mount, "mountPath"), MOUNT_PATH) == 0)
			return true;
	}
	return false;
}

static json_t *list_of(json_t *object, const char *name)
{
	json_t *list = json_object_get(object, name);
	if (!list)
		json_object_set_new(object, name, list = json_array());
	return list;
}

/* A volume of an earlier admission is used again. */
static const char *present_volume(const json_t *spec)
{
	size_t i;
	json_t *volume;
	json_array_foreach(json_object_get(spec, "volumes"), i, volume) {
		if (kt_starts_with(kt_text_of(volume, "name"), "kube-api-access-") &&
		        json_object_get(volume, "projected"))
			return kt_text_of(volume, "name");
	}
	return NULL;
}

static const char *new_volume_name(struct kt_admission_context *a)
{
	static const char letters[] = "bcdfghjklmnpqrstvwxz2456789";
	char suffix[SUFFIX_CHARS + 1] = "";
	for (size_t i = 0; i < SUFFIX_CHARS; i++)
		suffix[i] = letters[kt_loop_random_below(a->rules->loop, sizeof(letters) - 1)];
	return kt_arena_printf(a->rules->arena, "kube-api-access-%s", suffix);
}

static void mount_token(struct kt_admission_context *a, json_t *spec)
{
	static const char *const lists[] = {"initContainers", "containers"};
	const char *name = present_volume(spec);
	bool fresh = !name, used = false;
	if (fresh)
		name = new_volume_name(a);
	for (size_t l = 0; l < 2; l++) {
		size_t i;
		json_t *container;
		json_array_foreach(json_object_get(spec, lists[l]), i, container) {
			if (mounts_token(container))
				continue;
			json_array_append_new(list_of(container, "volumeMounts"),
			        json_pack("{s:s, s:b, s:s}", "name", name, "readOnly", 1,
			                "mountPath", MOUNT_PATH));
			used = true;
		}
	}
	if (fresh && used)
		json_array_append_new(list_of(spec, "volumes"), token_volume(name));
}

/* A pod that a kubelet mirrors has no account and may not use the API's secrets. */
static int admit_mirror(struct kt_admission_context *a, const json_t *spec)
{
	size_t i;
	json_t *volume;
	if (*kt_text_of(spec, "serviceAccountName"))
		return kt_admission_forbid(a, "a mirror pod may not reference service accounts");
	json_array_foreach(json_object_get(spec, "volumes"), i, volume) {
		if (json_object_get(volume, "secret"))
			return kt_admission_forbid(a, "a mirror pod may not reference secrets");
	}
	return 0;
}

static void use_account(struct kt_admission_context *a, json_t *spec, const json_t *account)
{
	json_t *secrets = json_object_get(account, "imagePullSecrets");

	if (automounts(account, spec))
		mount_token(a, spec);
	if (!json_array_size(json_object_get(spec, "imagePullSecrets")) && json_array_size(secrets))
		json_object_set_new(spec, "imagePullSecrets", json_deep_copy(secrets));
}

static int forbid(struct kt_admission_context *a, const char *name)
{
	return kt_admission_forbid(a,
	        "error looking up service account %s/%s: serviceaccount \"%s\" not found",
	        a->namespace, name, name);
}

/* A pod that comes before its account. */
struct waiting {
	struct kt_admission_context *a; /* NULL: nobody waits any more */
	struct kt_storage *storage;
	struct kt_storage_watch *watch; /* of the account */
	struct kt_task wake;
	struct kt_timer timer;
};

static json_t *read_default(const struct kt_admission_context *a)
{
	return kt_admission_read(a, "", "serviceaccounts", a->namespace, DEFAULT_ACCOUNT);
}

static void destroy(struct waiting *waiting)
{
	kt_timer_cancel(&waiting->timer);
	if (waiting->watch)
		waiting->storage->ops->watch_close(waiting->watch);
	waiting->a = NULL;
	if (!atomic_load(&waiting->wake.queued))
		free(waiting); /* else the task, when it runs */
}

static void cancel(struct kt_admission_context *a)
{
	destroy(kt_steal(&a->waiting));
}

static void conclude(struct waiting *waiting, const json_t *account)
{
	struct kt_admission_context *a = waiting->a;
	int r = 0;

	a->waiting = NULL;
	destroy(waiting);
	if (account)
		use_account(a, json_object_get(a->object, "spec"), account);
	else
		r = forbid(a, DEFAULT_ACCOUNT);
	kt_admission_resume(a, r);
}

static void on_wake(struct kt_task *task)
{
	struct waiting *waiting = kt_container_of(task, struct waiting, wake);

	if (!waiting->a) {
		free(waiting);
		return;
	}
	kt_auto_json json_t *account = read_default(waiting->a);
	struct kt_storage_event event;

	if (account) {
		conclude(waiting, account);
		return;
	}
	while (waiting->storage->ops->watch_next(waiting->watch, &event) > 0)
		kt_storage_event_finish(&event);
}

static void on_time_out(struct kt_timer *timer)
{
	struct waiting *waiting = kt_container_of(timer, struct waiting, timer);
	kt_auto_json json_t *account = read_default(waiting->a);

	conclude(waiting, account);
}

/* Until it is made after the revision. KT_ADMIT_WAIT, or negative with a->err. */
static int wait_for_default(struct kt_admission_context *a, int64_t revision)
{
	struct kt_storage *storage = a->rules->storage;
	struct waiting *waiting = kt_new(struct waiting);
	const char *key =
	        kt_rule_key(a->rules, "", "serviceaccounts", a->namespace, DEFAULT_ACCOUNT);

	waiting->a = a;
	waiting->storage = storage;
	kt_task_init(&waiting->wake, on_wake);
	kt_timer_init(&waiting->timer, a->rules->loop, on_time_out);
	if (storage->ops->watch_open(storage, key, revision, a->rules->loop, &waiting->wake,
	            &waiting->watch, &a->err) < 0) {
		destroy(waiting);
		return a->err.code;
	}
	kt_timer_set_after_ms(&waiting->timer, KT_DEFAULT_ACCOUNT_WAIT_MS);
	a->waiting = waiting;
	a->cancel = cancel;
	return KT_ADMIT_WAIT;
}

static int mutate(struct kt_admission_context *a, json_t *object, const json_t *old)
{
	(void)old;
	json_t *spec = json_object_get(object, "spec");
	if (a->operation != KT_ADMIT_CREATE || !kt_admission_is(a, "", "pods", NULL) || !spec)
		return 0;
	if (json_object_get(kt_jget(object, "metadata.annotations"), "kubernetes.io/config.mirror"))
		return admit_mirror(a, spec);
	if (!*kt_text_of(spec, "serviceAccountName")) {
		json_object_set_new(spec, "serviceAccountName", json_string(DEFAULT_ACCOUNT));
		json_object_set_new(spec, "serviceAccount", json_string(DEFAULT_ACCOUNT));
	}
	const char *name = kt_text_of(spec, "serviceAccountName");
	struct kt_storage *storage = a->rules->storage;
	int64_t revision = storage ? storage->ops->revision(storage) : 0;
	kt_auto_json json_t *account =
	        kt_admission_read(a, "", "serviceaccounts", a->namespace, name);
	if (account)
		use_account(a, spec, account);
	else if (a->resume && storage && kt_streq(name, DEFAULT_ACCOUNT))
		return wait_for_default(a, revision);
	else
		return forbid(a, name);
	return 0;
}

const struct kt_admission_plugin kt_admission_service_account = {
        .name = "ServiceAccount",
        .on_by_default = true,
        .mutate = mutate,
};
