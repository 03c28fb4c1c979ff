/* SPDX-License-Identifier: GPL-3.0-or-later */
/* get and list. */
#include "api/server/encode.h"
#include "api/server/list_options.h"
#include "api/server/operations.h"
#include "api/server/server_impl.h"
#include "api/server/webhook_versions.h"

#include <errno.h>

static int get_commit(struct kt_request *request)
{
	struct kt_request_state *state = request->state;
	struct kt_storage *storage = request->server->storage;
	int64_t wanted;

	if (kt_revision_parse(request, false, &wanted) < 0)
		return request->err.code;
	int64_t current = storage->ops->revision(storage);
	if (wanted > current)
		return kt_fail_future_revision(&request->err, wanted, current);
	const char *key = kt_server_key(
	        &request->arena, state->kind, state->route.namespace, state->route.name);
	int status = storage->ops->get(storage, key, 0, &state->stored, &request->err);
	if (status == -ENOENT)
		return kt_fail_not_found(
		        &request->err, state->kind->group, state->kind->plural, state->route.name);
	return status;
}

const struct kt_operation kt_operation_get = {
        .name = "get",
        .commit = get_commit,
        .encode = kt_encode_result,
};

struct list_data {
	struct kt_list_options options;
	struct kt_storage_list list;
};

static void list_free(void *arg)
{
	struct list_data *data = arg;

	kt_list_options_finish(&data->options);
	kt_storage_list_finish(&data->list);
}

static int list_decode(struct kt_request *request)
{
	struct list_data *data = kt_arena_new(&request->arena, struct list_data);
	int status = kt_list_options_parse(request, false, &data->options);

	if (status == 0) {
		request->state->operation_data = data;
		request->state->operation_free = list_free;
	}
	return status;
}

static bool list_filter(void *arg, const struct kt_object *object)
{
	return kt_list_options_match(arg, object);
}

/* Which snapshot the list is of. */
static int list_revision(
        struct kt_request *request, const struct kt_list_options *options, int64_t *ret_revision)
{
	struct kt_storage *storage = request->server->storage;
	int64_t current = storage->ops->revision(storage);
	bool exact = kt_streq(options->match, "Exact") || (!*options->match && options->limit > 0);

	*ret_revision = 0;
	if (options->revision > current)
		return kt_fail_future_revision(&request->err, options->revision, current);
	if (options->continue_start)
		*ret_revision = options->continue_revision > 0 ? options->continue_revision : 0;
	else if (options->revision > 0 && exact)
		*ret_revision = options->revision;
	return 0;
}

/* A collection selected by name is one key. */
static void list_one(struct kt_request *request, struct list_data *data, const char *name)
{
	struct kt_storage *storage = request->server->storage;
	const char *namespace = request->state->route.namespace;
	struct kt_object *object = NULL;
	const char *key = kt_server_key(&request->arena, request->state->kind, namespace, name);

	data->list.revision = storage->ops->revision(storage);
	if (storage->ops->get(storage, key, 0, &object, &request->err) == 0) {
		if (kt_list_options_match(&data->options, object)) {
			data->list.objects = kt_new_array(struct kt_object *, 1);
			data->list.objects[data->list.n++] = object;
		} else {
			kt_object_unref(object);
		}
	}
	kt_err_clear(&request->err);
}

static int fail_compacted(struct kt_request *request, bool is_continue)
{
	if (is_continue)
		return kt_fail_reason(&request->err, KT_REASON_EXPIRED, ESTALE,
		        "The provided continue parameter is too old to display a consistent list "
		        "result. You can "
		        "start a new list without the continue parameter.");
	return kt_fail_reason(&request->err, KT_REASON_EXPIRED, ESTALE,
	        "The resourceVersion for the provided list is too old.");
}

static int list_commit(struct kt_request *request)
{
	struct kt_request_state *state = request->state;
	struct list_data *data = state->operation_data;
	struct kt_list_options *options = &data->options;
	struct kt_storage *storage = request->server->storage;
	const char *name =
	        options->fields ? kt_selector_exact(options->fields, "metadata.name") : NULL;
	struct kt_storage_range range = {.filter_arg = options};

	if (list_revision(request, options, &range.revision) < 0)
		return request->err.code;
	bool named =
	        name && (*state->route.namespace || !(state->kind->flags & KT_KIND_NAMESPACED));
	if (named && !range.revision) {
		list_one(request, data, name);
		return kt_convert_list(request, &data->list);
	}
	range.prefix = kt_server_key(&request->arena, state->kind, state->route.namespace, "");
	if (options->labels || options->fields)
		range.filter = list_filter;
	/* A list from "anywhere" comes whole: kube-apiserver answers it from its cache. */
	if (options->limit > 0 && options->revision != 0)
		range.limit = (size_t)options->limit;
	if (options->continue_start)
		range.start = kt_arena_printf(&request->arena, "%s/%s", state->kind->storage_prefix,
		        options->continue_start);
	int status = storage->ops->range(storage, &range, &data->list, &request->err);
	if (status == -ESTALE)
		return fail_compacted(request, options->continue_start != NULL);
	return status < 0 ? status : kt_convert_list(request, &data->list);
}

/* How many objects follow this page. 0: not told, as of lists with a selector. */
static int64_t count_left(const struct list_data *data)
{
	const struct kt_list_options *options = &data->options;

	if (options->labels || options->fields)
		return 0;
	if (options->continue_left > (int64_t)data->list.n)
		return options->continue_left - (int64_t)data->list.n;
	return (int64_t)data->list.remaining;
}

static int list_encode(struct kt_request *request)
{
	const struct kt_request_state *state = request->state;
	struct list_data *data = state->operation_data;
	const struct kt_storage_list *found = &data->list;
	struct kt_encode_list list = {.objects = found->objects,
	        .n = found->n,
	        .revision = found->revision,
	        .continue_token = ""};

	if (found->more) {
		size_t prefix = strlen(state->kind->storage_prefix) + 1;
		list.remaining = count_left(data);
		list.continue_token = kt_list_continue_encode(
		        &request->arena, found->revision, found->next_key + prefix, list.remaining);
	}
	return kt_encode_list(request, &list);
}

const struct kt_operation kt_operation_list = {
        .name = "list",
        .decode = list_decode,
        .commit = list_commit,
        .encode = list_encode,
};
