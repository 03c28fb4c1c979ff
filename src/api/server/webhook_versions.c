/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/webhook_versions.h"

#include "api/server/server_impl.h"
#include "api/server/versions.h"
#include "api/server/webhook_conversion.h"
#include "base/log.h"

#include <errno.h>

#define ATTEMPTS_MAX 64 /* at one object, as for writes that meet */

/* What a request keeps of its conversions; arena. */
struct kt_convert {
	struct kt_request *request;
	struct kt_conversion conversion; /* under way, or the last */
	struct kt_task aborting;
	bool is_waiting, wants_again;
	json_t **trees; /* of the conversion */
	size_t n_trees;
	void (*take)(struct kt_convert *c); /* what becomes of them */

	json_t *before; /* the current object in the request's version */
	int64_t before_revision;
	json_t *storable; /* state->object in the storage version */
	struct kt_storage_list *list;
	size_t *places; /* of the trees in the list */
};

static struct kt_convert *convert_of(struct kt_request *request);

static void free_trees(struct kt_convert *c)
{
	for (size_t i = 0; i < c->n_trees; i++)
		json_decref(c->trees[i]);
	free(kt_steal(&c->trees));
	free(kt_steal(&c->places));
	c->n_trees = 0;
	kt_conversion_finish(&c->conversion);
}

void kt_convert_finish(struct kt_request *request)
{
	struct kt_convert *c = request->state->convert;

	if (!c)
		return;
	request->state->convert = NULL;
	free_trees(c);
	json_decref(kt_steal(&c->before));
	json_decref(kt_steal(&c->storable));
}

static void on_abort(struct kt_task *task)
{
	struct kt_convert *c = kt_container_of(task, struct kt_convert, aborting);

	kt_pipeline_resume(c->request,
	        kt_fail_reason(&c->request->err, KT_REASON_TIMEOUT, ECANCELED, "context canceled"));
}

void kt_convert_abort(struct kt_request *request)
{
	struct kt_convert *c = request->state->convert;

	if (!c || !c->is_waiting)
		return;
	c->is_waiting = false;
	free_trees(c);
	kt_loop_post(request->loop, &c->aborting);
}

static struct kt_convert *convert_of(struct kt_request *request)
{
	struct kt_request_state *state = request->state;

	if (!state->convert) {
		state->convert = kt_arena_new(&request->arena, struct kt_convert);
		state->convert->request = request;
		kt_task_init(&state->convert->aborting, on_abort);
	}
	return state->convert;
}

static void on_done(struct kt_conversion *conversion)
{
	struct kt_convert *c = conversion->arg;
	struct kt_request *request = c->request;
	int r = conversion->err.code;

	c->is_waiting = false;
	if (r < 0)
		kt_err_move(&request->err, &conversion->err);
	else
		c->take(c);
	free_trees(c);
	kt_pipeline_resume(request, r);
}

/* Converts c->trees. */
static int start(struct kt_convert *c, const struct kt_kind *kind)
{
	struct kt_request *request = c->request;

	c->conversion = (struct kt_conversion){.server = request->server,
	        .loop = request->loop,
	        .kind = kind,
	        .trees = c->trees,
	        .n = c->n_trees,
	        .done = on_done,
	        .arg = c};
	if (kt_conversion_start(&c->conversion) < 0) {
		kt_err_move(&request->err, &c->conversion.err);
		free_trees(c);
		return request->err.code;
	}
	c->is_waiting = true;
	return KT_STAGE_WAIT;
}

/* Takes the tree. */
static int start_one(struct kt_convert *c, json_t *tree, const struct kt_kind *kind,
        void (*take)(struct kt_convert *c))
{
	c->trees = kt_new_array(json_t *, 1);
	c->trees[0] = tree;
	c->n_trees = 1;
	c->take = take;
	return start(c, kind);
}

static void take_before(struct kt_convert *c)
{
	json_decref(c->before);
	c->before = kt_steal(&c->trees[0]);
}

int kt_convert_current(struct kt_request *request)
{
	struct kt_request_state *state = request->state;
	struct kt_storage *storage = request->server->storage;
	kt_auto_object struct kt_object *current = NULL;
	kt_auto_err err = KT_ERR_INIT;

	if (state->convert) /* of an earlier attempt */
		json_decref(kt_steal(&state->convert->storable));
	if (!state->kind || !state->operation->mutate || !*state->route.name ||
	        !kt_conversion_webhook(state->kind))
		return 0;
	const char *key = kt_server_key(
	        &request->arena, state->kind, state->route.namespace, state->route.name);
	/* What is missing is for the write to say. */
	if (storage->ops->get(storage, key, 0, &current, &err) < 0 ||
	        !kt_conversion_needed(state->kind, current))
		return 0;
	struct kt_convert *c = convert_of(request);
	if (c->before && c->before_revision == current->revision)
		return 0;
	c->before_revision = current->revision;
	return start_one(c, kt_object_tree(current), state->kind, take_before);
}

json_t *kt_convert_old(const struct kt_request_state *state)
{
	struct kt_convert *c = state->convert;

	if (!kt_conversion_needed(state->kind, state->current))
		return kt_versions_tree(state->kind, state->current);
	if (c && c->before && c->before_revision == state->current->revision)
		return json_deep_copy(c->before);
	if (c)
		c->wants_again = true;
	return NULL;
}

bool kt_convert_again(struct kt_request *request)
{
	struct kt_convert *c = request->state->convert;
	bool again = c && c->wants_again;

	if (!again)
		return false;
	c->wants_again = false;
	if (request->aborted || ++request->state->attempts > ATTEMPTS_MAX)
		return false;
	kt_err_clear(&request->err);
	return true;
}

static void take_storable(struct kt_convert *c)
{
	json_decref(c->storable);
	c->storable = kt_steal(&c->trees[0]);
}

int kt_convert_back(struct kt_request *request)
{
	struct kt_request_state *state = request->state;

	/* A write that is ready has changed nothing but metadata. */
	if (!state->kind || !state->object || state->n_ops || !state->operation->mutate ||
	        !kt_conversion_webhook(state->kind) ||
	        kt_versions_stored_kind(state->kind) == state->kind)
		return 0;
	return start_one(convert_of(request), json_deep_copy(state->object),
	        kt_versions_stored_kind(state->kind), take_storable);
}

json_t *kt_convert_stored(const struct kt_request_state *state, json_t *tree)
{
	const struct kt_convert *c = state->convert;
	json_t *made;

	if (!kt_conversion_webhook(state->kind) ||
	        kt_versions_stored_kind(state->kind) == state->kind)
		return kt_versions_to_stored(state->kind, tree);
	if (c && c->storable) {
		made = json_deep_copy(c->storable);
		json_object_set(json_object_get(made, "metadata"), "resourceVersion",
		        kt_jget(tree, "metadata.resourceVersion"));
		return made;
	}
	kt_assert(state->current);
	made = kt_object_tree(state->current);
	json_object_set(made, "metadata", json_object_get(tree, "metadata"));
	return made;
}

static void take_answer(struct kt_convert *c)
{
	struct kt_request_state *state = c->request->state;
	struct kt_object *made = kt_conversion_object(state->kind, state->stored, c->trees[0]);

	kt_object_unref(state->stored);
	state->stored = made;
}

int kt_convert_answer(struct kt_request *request)
{
	struct kt_request_state *state = request->state;

	if (!state->kind || !state->stored || !kt_conversion_needed(state->kind, state->stored))
		return 0;
	return start_one(
	        convert_of(request), kt_object_tree(state->stored), state->kind, take_answer);
}

static void take_list(struct kt_convert *c)
{
	const struct kt_kind *kind = c->request->state->kind;

	for (size_t i = 0; i < c->n_trees; i++) {
		struct kt_object **place = &c->list->objects[c->places[i]];
		struct kt_object *made = kt_conversion_object(kind, *place, c->trees[i]);

		kt_object_unref(*place);
		*place = made;
	}
}

int kt_convert_list(struct kt_request *request, struct kt_storage_list *list)
{
	struct kt_request_state *state = request->state;
	struct kt_convert *c;

	if (!list->n || !kt_conversion_webhook(state->kind))
		return 0;
	c = convert_of(request);
	c->trees = kt_new_array(json_t *, list->n);
	c->places = kt_new_array(size_t, list->n);
	c->list = list;
	c->take = take_list;
	for (size_t i = 0; i < list->n; i++) {
		if (!kt_conversion_needed(state->kind, list->objects[i]))
			continue;
		c->places[c->n_trees] = i;
		c->trees[c->n_trees++] = kt_object_tree(list->objects[i]);
	}
	if (c->n_trees)
		return start(c, state->kind);
	free_trees(c);
	return 0;
}
