/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/api_services.h"

#include "api/schema/crd.h"
#include "api/server/server_impl.h"
#include "base/log.h"
#include "base/map.h"
#include "base/time.h"

#include <errno.h>

#define AUTOMANAGED "kube-aggregator.kubernetes.io/automanaged"
#define GROUP_PRIORITY 1000 /* behind the built-in groups */
#define VERSION_PRIORITY 100

/* What is written in one go. Outlives the services when it is under way at their end. */
struct round {
	struct kt_api_services *services; /* NULL: gone */
	struct kt_arena arena;
	struct kt_storage_op ops[KT_STORAGE_OPS_MAX];
	size_t n;
	struct kt_storage_txn txn;
};

struct kt_api_services {
	struct kt_server *server;
	struct kt_timer wake;  /* a timer, not a task: it can be taken back */
	struct round *running; /* NULL: none */
	bool again;            /* after it */
};

static const struct kt_kind *service_kind(void)
{
	return kt_builtin_kind("apiregistration.k8s.io", "v1", "APIService");
}

static void round_free(struct round *round)
{
	for (size_t i = 0; i < round->n; i++) {
		kt_object_unref(round->ops[i].object);
		kt_object_unref(round->ops[i].ret_object);
	}
	kt_arena_finish(&round->arena);
	free(round);
}

static json_t *make_service(struct kt_server *server, const struct kt_kind *kind, const char *name)
{
	char uid[37], time[KT_TIME_TEXT_MAX];
	json_t *object;

	kt_loop_random_uuid(server->loop, uid);
	kt_time_format(kt_loop_wall_ns(server->loop), time);
	object = json_pack("{s:s,s:s,s:{s:s,s:s,s:s,s:{s:s}},s:{s:s,s:s,s:i,s:i}}", "kind",
	        "APIService", "apiVersion", "apiregistration.k8s.io/v1", "metadata", "name", name,
	        "uid", uid, "creationTimestamp", time, "labels", AUTOMANAGED, "true", "spec",
	        "group", kind->group, "version", kind->version, "groupPriorityMinimum",
	        GROUP_PRIORITY, "versionPriority", VERSION_PRIORITY);
	json_object_set_new(object, "status",
	        json_pack("{s:[{s:s,s:s,s:s,s:s,s:s}]}", "conditions", "type", "Available",
	                "status", "True", "lastTransitionTime", time, "reason", "Local", "message",
	                "Local APIServices are always available"));
	return object;
}

static int add_missing(struct round *round, const struct kt_kind *kind, struct kt_err *err)
{
	struct kt_server *server = round->services->server;
	struct kt_storage *storage = server->storage;
	kt_auto_object struct kt_object *there = NULL;
	kt_auto_err missing = KT_ERR_INIT;
	kt_auto_str json = KT_STR_INIT;
	struct kt_storage_op op = {.kind = KT_STORAGE_PUT};
	const char *name = kt_arena_printf(&round->arena, "%s.%s", kind->version, kind->group);

	op.key = kt_server_key(&round->arena, service_kind(), "", name);
	for (size_t i = 0; i < round->n; i++)
		if (kt_streq(round->ops[i].key, op.key))
			return 0;
	if (storage->ops->get(storage, op.key, 0, &there, &missing) == 0)
		return 0;
	kt_auto_json json_t *object = make_service(server, kind, name);
	kt_codec_encode_json(&json, service_kind()->type, object);
	if (kt_object_create(
	            kt_sv_of(op.key), (struct kt_sv){json.data, json.len}, &op.object, err) < 0)
		return err->code;
	round->ops[round->n++] = op;
	return 0;
}

/* Groups and versions of the definitions that are served: `wanted` holds their names. */
static int add_all_missing(struct round *round, struct kt_map *wanted, struct kt_err *err)
{
	size_t n;
	struct kt_crd **crds = kt_resources_custom(round->services->server->resources, &n);
	int status = 0;

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < crds[i]->set.n_kinds; k++) {
			const struct kt_kind *kind = &crds[i]->set.kinds[k];
			kt_auto_free char *name = kt_asprintf("%s.%s", kind->version, kind->group);

			kt_map_set(wanted, name, wanted);
			if (status == 0 && round->n < KT_STORAGE_OPS_MAX)
				status = add_missing(round, kind, err);
		}
		kt_crd_unref(crds[i]);
	}
	free(crds);
	return status;
}

static bool is_ours(const struct kt_object *object)
{
	struct kt_json_at label =
	        kt_json_find(kt_object_doc(object), "metadata", "labels", AUTOMANAGED, NULL);

	return label.p && kt_json_string_is(label, "true");
}

static int remove_left_over(struct round *round, const struct kt_map *wanted, struct kt_err *err)
{
	struct kt_storage *storage = round->services->server->storage;
	struct kt_storage_list list = {0};
	struct kt_storage_range range = {
	        .prefix = kt_server_key(&round->arena, service_kind(), "", "")};

	if (storage->ops->range(storage, &range, &list, err) < 0)
		return err->code;
	for (size_t i = 0; i < list.n && round->n < KT_STORAGE_OPS_MAX; i++) {
		const struct kt_object *object = list.objects[i];
		kt_auto_free char *name = kt_sv_dup(kt_object_name(object));

		if (is_ours(object) && !kt_map_has(wanted, name))
			round->ops[round->n++] = (struct kt_storage_op){.kind = KT_STORAGE_DELETE,
			        .key = kt_arena_strdup(&round->arena, kt_object_key(object)),
			        .expect_revision = object->revision};
	}
	kt_storage_list_finish(&list);
	return 0;
}

static void on_done(struct kt_storage_txn *txn)
{
	struct round *round = kt_container_of(txn, struct round, txn);
	struct kt_api_services *services = round->services;
	bool lost = txn->status == -ESTALE || txn->status == -EEXIST || txn->status == -ENOENT;
	bool full = round->n == KT_STORAGE_OPS_MAX;

	if (services) {
		services->running = NULL;
		if (txn->status < 0 && !lost)
			kt_log_error("crds", "writing APIServices: %s", strerror(-txn->status));
		if (services->again || lost || full)
			kt_api_services_wake(services);
	}
	round_free(round);
}

static void run_round(struct kt_timer *timer)
{
	struct kt_api_services *services = kt_container_of(timer, struct kt_api_services, wake);
	kt_auto_err err = KT_ERR_INIT;
	struct kt_map wanted;

	struct kt_storage *storage = services->server->storage;
	services->again = services->running != NULL;
	if (services->again)
		return;
	struct round *round = kt_new(struct round);
	round->services = services;
	kt_arena_init(&round->arena);
	kt_map_init(&wanted, NULL);
	int status = add_all_missing(round, &wanted, &err);
	if (status == 0)
		status = remove_left_over(round, &wanted, &err);
	kt_map_finish(&wanted);
	round->txn = (struct kt_storage_txn){.ops = round->ops,
	        .n_ops = round->n,
	        .loop = services->server->loop,
	        .done = on_done};
	if (status == 0 && round->n)
		status = storage->ops->submit(storage, &round->txn, &err);
	if (status < 0)
		kt_log_error("crds", "writing APIServices: %s", kt_err_message(&err));
	if (status < 0 || !round->n)
		round_free(round);
	else
		services->running = round;
}

struct kt_api_services *kt_api_services_create(struct kt_server *server)
{
	struct kt_api_services *services = kt_new(struct kt_api_services);

	services->server = server;
	kt_timer_init(&services->wake, server->loop, run_round);
	return services;
}

void kt_api_services_wake(struct kt_api_services *services)
{
	kt_timer_set_after_ms(&services->wake, 0);
}

void kt_api_services_destroy(struct kt_api_services *services)
{
	if (!services)
		return;
	if (services->running)
		services->running->services = NULL;
	kt_timer_cancel(&services->wake);
	free(services);
}
