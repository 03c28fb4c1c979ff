/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * deletecollection: what the selectors choose is deleted object by object, each as a delete request
 * of its own that is already authorized. A few run at a time, so that the store groups them.
 */
#include "api/server/delete.h"
#include "api/server/encode.h"
#include "api/server/list_options.h"
#include "api/server/operations.h"
#include "api/server/server_impl.h"

#include <errno.h>

#define PARALLEL 16

struct collection {
	struct kt_request *request;
	struct kt_list_options options;
	struct kt_storage_list list;
	size_t next, running;
	bool is_waiting;  /* commit returned KT_STAGE_WAIT */
	bool is_starting; /* one that ends at once must not start the next on top of its stack */
};

static void collection_free(void *arg)
{
	struct collection *collection = arg;

	kt_list_options_finish(&collection->options);
	kt_storage_list_finish(&collection->list);
}

static int collection_decode(struct kt_request *request)
{
	struct collection *collection = kt_arena_new(&request->arena, struct collection);

	if (kt_delete_decode(request) < 0 ||
	        kt_list_options_parse(request, false, &collection->options) < 0)
		return request->err.code;
	collection->request = request;
	request->state->operation_data = collection;
	request->state->operation_free = collection_free;
	return 0;
}

static bool filter(void *arg, const struct kt_object *object)
{
	return kt_list_options_match(arg, object);
}

static void start_some(struct collection *collection);

static void one_done(struct kt_request *one)
{
	struct collection *collection = one->arg;
	struct kt_request *request = collection->request;

	collection->running--;
	/* Somebody else deleted it meanwhile: that is what was wanted. */
	if (one->status >= 300 && one->status != 404 && !request->err.code)
		kt_err_move(&request->err, &one->err);
	kt_request_destroy(one);
	if (request->err.code)
		collection->next = collection->list.n;
	else
		start_some(collection);
	if (collection->is_waiting && !collection->running &&
	        collection->next == collection->list.n) {
		collection->is_waiting = false;
		kt_pipeline_resume(request, request->err.code);
	}
}

static char *target_of(const struct kt_kind *kind, const struct kt_object *object)
{
	struct kt_sv namespace = kt_object_namespace(object), name = kt_object_name(object);
	kt_auto_str path = KT_STR_INIT;

	if (*kind->group)
		kt_str_printf(&path, "/apis/%s/%s/", kind->group, kind->version);
	else
		kt_str_printf(&path, "/api/%s/", kind->version);
	if (kind->flags & KT_KIND_NAMESPACED)
		kt_str_printf(&path, "namespaces/%.*s/", (int)namespace.len, namespace.p);
	kt_str_printf(&path, "%s/%.*s", kind->plural, (int)name.len, name.p);
	return kt_str_steal(&path);
}

static void start_one(struct collection *collection, const struct kt_object *object)
{
	struct kt_request *request = collection->request,
	                  *one = kt_request_create(request->server, request->loop);
	kt_auto_str body = KT_STR_INIT;

	one->method = kt_strdup("DELETE");
	one->target = target_of(request->state->kind, object);
	one->user = kt_user_ref(request->user);
	one->is_part = true;
	one->done = one_done;
	one->arg = collection;
	kt_json_write(&body, request->state->body, 0);
	one->body = kt_buf_from_str(&body);
	collection->running++;
	kt_server_handle(one);
}

static void start_some(struct collection *collection)
{
	if (collection->is_starting)
		return;
	collection->is_starting = true;
	while (collection->running < PARALLEL && collection->next < collection->list.n)
		start_one(collection, collection->list.objects[collection->next++]);
	collection->is_starting = false;
}

static int collection_commit(struct kt_request *request)
{
	struct collection *collection = request->state->operation_data;
	struct kt_storage *storage = request->server->storage;
	struct kt_storage_range range = {.filter = filter, .filter_arg = &collection->options};

	range.prefix = kt_server_key(
	        &request->arena, request->state->kind, request->state->route.namespace, "");
	if (collection->options.limit > 0)
		range.limit = (size_t)collection->options.limit;
	int status = storage->ops->range(storage, &range, &collection->list, &request->err);
	if (status < 0)
		return status;
	start_some(collection);
	if (!collection->running)
		return request->err.code;
	collection->is_waiting = true;
	return KT_STAGE_WAIT;
}

static int collection_encode(struct kt_request *request)
{
	struct collection *collection = request->state->operation_data;
	struct kt_encode_list list = {.objects = collection->list.objects,
	        .n = collection->list.n,
	        .revision = collection->list.revision,
	        .continue_token = ""};

	return kt_encode_list(request, &list);
}

const struct kt_operation kt_operation_deletecollection = {
        .name = "deletecollection",
        .decode = collection_decode,
        .commit = collection_commit,
        .encode = collection_encode,
};
