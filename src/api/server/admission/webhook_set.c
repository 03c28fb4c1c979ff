/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/admission/webhook_set.h"

#include "api/client/outbound.h"
#include "api/server/rules/admission_match.h"
#include "api/storage/storage.h"

#include <pthread.h>

#define GROUP "admissionregistration.k8s.io"
#define DEFAULT_TIMEOUT_S 10

struct kt_webhooks {
	pthread_mutex_t lock;           /* protects what follows; taken alone */
	struct kt_webhook_set *sets[2]; /* validating, mutating */
	struct kt_outbound *outbound;
};

struct kt_webhooks *kt_webhooks_create(void)
{
	struct kt_webhooks *webhooks = kt_new(struct kt_webhooks);

	pthread_mutex_init(&webhooks->lock, NULL);
	return webhooks;
}

void kt_webhooks_destroy(struct kt_webhooks *webhooks)
{
	if (!webhooks)
		return;
	kt_webhook_set_unref(webhooks->sets[0]);
	kt_webhook_set_unref(webhooks->sets[1]);
	kt_outbound_destroy(webhooks->outbound);
	pthread_mutex_destroy(&webhooks->lock);
	free(webhooks);
}

struct kt_outbound *kt_webhooks_outbound(struct kt_webhooks *webhooks, struct kt_err *err)
{
	struct kt_outbound *outbound;

	pthread_mutex_lock(&webhooks->lock);
	if (!webhooks->outbound)
		kt_outbound_create(&webhooks->outbound, err);
	outbound = webhooks->outbound;
	pthread_mutex_unlock(&webhooks->lock);
	return outbound;
}

static void compile(struct kt_webhook_condition *condition, const json_t *tree)
{
	const struct kt_cel_env env = kt_admission_cel_env(NULL, false);
	const char *expression = kt_jstr(tree, "expression");
	kt_auto_err err = KT_ERR_INIT;

	condition->expression = expression ? expression : "";
	if (kt_cel_compile(condition->expression, &env, &condition->cel, &err) < 0)
		condition->fault = kt_asprintf("compilation failed: %s", kt_err_message(&err));
}

static struct kt_selector *selector_of(const json_t *tree)
{
	struct kt_selector *selector = NULL;

	if (!json_object_size(tree))
		return NULL;
	/* Checked when it was stored. */
	return kt_selector_of_json(tree, &selector, NULL) < 0 ? NULL : selector;
}

const char *kt_webhook_version(const json_t *versions)
{
	for (size_t i = 0; i < json_array_size(versions); i++) {
		const char *version = json_string_value(json_array_get(versions, i));

		if (kt_streq(version, "v1"))
			return "v1";
		if (kt_streq(version, "v1beta1"))
			return "v1beta1";
	}
	return "v1";
}

char *kt_webhook_bundle(const json_t *tree)
{
	const char *base64 = kt_jstr(tree, "clientConfig.caBundle");
	struct kt_str text = KT_STR_INIT;

	if (!base64 || !*base64)
		return NULL;
	kt_base64_decode(&text, kt_sv_of(base64)); /* checked when it was stored */
	return kt_str_steal(&text);
}

static void fill(struct kt_webhook *hook, const json_t *configuration, const json_t *tree)
{
	const json_t *conditions = json_object_get(tree, "matchConditions");
	const char *name = kt_jstr(tree, "name"), *of = kt_jstr(configuration, "metadata.name");

	*hook = (struct kt_webhook){
	        .configuration = of ? of : "",
	        .name = name ? name : "",
	        .tree = tree,
	        .ignores_failure = kt_streq(kt_jstr(tree, "failurePolicy"), "Ignore"),
	        .matches_equivalent = !kt_streq(kt_jstr(tree, "matchPolicy"), "Exact"),
	        .is_reinvoked = kt_streq(kt_jstr(tree, "reinvocationPolicy"), "IfNeeded"),
	        .timeout_s = (int)kt_jint(tree, "timeoutSeconds", DEFAULT_TIMEOUT_S),
	        .version = kt_webhook_version(json_object_get(tree, "admissionReviewVersions")),
	        .ca_pem = kt_webhook_bundle(tree),
	        .namespaces = selector_of(json_object_get(tree, "namespaceSelector")),
	        .objects = selector_of(json_object_get(tree, "objectSelector")),
	        .n_conditions = json_array_size(conditions),
	};
	hook->conditions = kt_new_array(struct kt_webhook_condition, hook->n_conditions + 1);
	for (size_t i = 0; i < hook->n_conditions; i++)
		compile(&hook->conditions[i], json_array_get(conditions, i));
}

struct kt_webhook_set *kt_webhook_set_create(json_t **configurations, size_t n)
{
	struct kt_webhook_set *set = kt_new(struct kt_webhook_set);
	size_t n_hooks = 0;

	atomic_init(&set->refs, 1);
	set->configurations = kt_new_array(json_t *, n + 1);
	set->revisions = kt_new_array(int64_t, n + 1);
	set->n_configurations = n;
	for (size_t i = 0; i < n; i++) {
		set->configurations[i] = configurations[i];
		n_hooks += json_array_size(json_object_get(configurations[i], "webhooks"));
	}
	set->hooks = kt_new_array(struct kt_webhook, n_hooks + 1);
	for (size_t i = 0; i < n; i++) {
		const json_t *list = json_object_get(configurations[i], "webhooks");

		for (size_t j = 0; j < json_array_size(list); j++)
			fill(&set->hooks[set->n++], configurations[i], json_array_get(list, j));
	}
	return set;
}

static void finish_hook(struct kt_webhook *hook)
{
	for (size_t i = 0; i < hook->n_conditions; i++) {
		kt_cel_destroy(hook->conditions[i].cel);
		free(hook->conditions[i].fault);
	}
	free(hook->conditions);
	free(hook->ca_pem);
	kt_selector_destroy(hook->namespaces);
	kt_selector_destroy(hook->objects);
}

void kt_webhook_set_unref(struct kt_webhook_set *set)
{
	if (!set || atomic_fetch_sub(&set->refs, 1) > 1)
		return;
	for (size_t i = 0; i < set->n; i++)
		finish_hook(&set->hooks[i]);
	for (size_t i = 0; i < set->n_configurations; i++)
		json_decref(set->configurations[i]);
	free(set->hooks);
	free(set->configurations);
	free(set->revisions);
	free(set);
}

static bool is_current(const struct kt_webhook_set *set, const struct kt_storage_list *list)
{
	if (!set || set->n_configurations != list->n)
		return false;
	/* A revision is one write of one object. */
	for (size_t i = 0; i < list->n; i++)
		if (set->revisions[i] != list->objects[i]->revision)
			return false;
	return true;
}

static struct kt_webhook_set *make(const struct kt_storage_list *list)
{
	kt_auto_free json_t **trees = kt_new_array(json_t *, list->n + 1);
	struct kt_webhook_set *set;

	for (size_t i = 0; i < list->n; i++)
		trees[i] = kt_object_tree(list->objects[i]);
	set = kt_webhook_set_create(trees, list->n);
	for (size_t i = 0; i < list->n; i++)
		set->revisions[i] = list->objects[i]->revision;
	return set;
}

/* The set for the list; made outside of the lock, since conditions are compiled. */
static struct kt_webhook_set *find(
        struct kt_webhooks *webhooks, bool mutating, const struct kt_storage_list *list)
{
	struct kt_webhook_set *set = NULL, *before = NULL;

	pthread_mutex_lock(&webhooks->lock);
	if (is_current(webhooks->sets[mutating], list)) {
		set = webhooks->sets[mutating];
		atomic_fetch_add(&set->refs, 1);
	}
	pthread_mutex_unlock(&webhooks->lock);
	if (set)
		return set;
	set = make(list);
	atomic_fetch_add(&set->refs, 1); /* one to keep, one to give */
	pthread_mutex_lock(&webhooks->lock);
	before = webhooks->sets[mutating];
	webhooks->sets[mutating] = set;
	pthread_mutex_unlock(&webhooks->lock);
	kt_webhook_set_unref(before);
	return set;
}

struct kt_webhook_set *kt_webhook_set_get(const struct kt_admission_context *a, bool mutating)
{
	struct kt_storage_list list;
	struct kt_webhook_set *set = NULL;

	if (kt_admission_list(a, GROUP,
	            mutating ? "mutatingwebhookconfigurations" : "validatingwebhookconfigurations",
	            "", &list) < 0)
		return NULL;
	if (list.n)
		set = find(kt_admission_webhooks(a), mutating, &list);
	kt_storage_list_finish(&list);
	return set;
}
