/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/client/informer.h"

#include "api/client/informer_cache.h"
#include "api/client/sections.h"
#include "base/log.h"
#include "base/mem.h"

#include <errno.h>

/* client-go's reflector waits 0.8 s to 30 s; within one machine a shorter start is kinder. */
enum { BACKOFF_MIN_MS = 200, BACKOFF_MAX_MS = 30000 };

struct kt_informer {
	struct kt_client *client;
	struct kt_loop *loop;
	char *path;
	struct kt_cache cache;
	KT_VEC(struct kt_informer_handler) handlers;
	struct kt_watch watch;
	bool watching;
	bool progressed; /* the running watch has brought something */
	bool synced;     /* the first list is complete */
	bool listing;    /* ADDED events are a list until the bookmark */
	uint64_t round;  /* number of the list */
	int64_t revision;
	int64_t backoff_ms;
	struct kt_timer timer; /* starts the next watch */
};

static void call_handlers(
        struct kt_informer *informer, struct kt_object *old_object, struct kt_object *new_object)
{
	for (size_t i = 0; i < informer->handlers.n; i++) {
		struct kt_informer_handler *handler = &informer->handlers.items[i];
		if (handler->on_change)
			handler->on_change(handler->arg, old_object, new_object);
	}
}

static void set_object(struct kt_informer *informer, struct kt_object *object)
{
	kt_auto_object struct kt_object *old_object = NULL;
	struct kt_cache_node *node = kt_cache_set(&informer->cache, object, &old_object);

	node->round = informer->round;
	/* A list shows again what we know. */
	if (old_object && old_object->revision == object->revision && object->revision)
		return;
	call_handlers(informer, old_object, object);
}

static void delete_object(struct kt_informer *informer, struct kt_object *last)
{
	struct kt_cache_node *node =
	        kt_cache_find(&informer->cache, kt_object_namespace(last), kt_object_name(last));

	if (!node)
		return;
	struct kt_object *known = kt_cache_remove(&informer->cache, node);
	call_handlers(informer, last, NULL);
	kt_object_unref(known);
}

/* What the new list did not show was deleted while nobody watched. */
static void delete_unseen(struct kt_informer *informer)
{
	KT_VEC(struct kt_cache_node *) unseen = {0};

	for (struct kt_cache_node *node = informer->cache.head[0]; node; node = node->next[0]) {
		if (node->round != informer->round)
			kt_vec_push(&unseen, node);
	}
	for (size_t i = 0; i < unseen.n; i++) {
		kt_auto_object struct kt_object *last =
		        kt_cache_remove(&informer->cache, unseen.items[i]);
		call_handlers(informer, last, NULL);
	}
	kt_vec_finish(&unseen);
}

static void end_list(struct kt_informer *informer)
{
	informer->listing = false;
	delete_unseen(informer);
	if (informer->synced)
		return;
	informer->synced = true;
	for (size_t i = 0; i < informer->handlers.n; i++) {
		struct kt_informer_handler *handler = &informer->handlers.items[i];
		if (handler->on_synced)
			handler->on_synced(handler->arg);
	}
}

static void on_event(struct kt_watch *watch, enum kt_watch_type type, struct kt_object *object)
{
	struct kt_informer *informer = kt_container_of(watch, struct kt_informer, watch);

	informer->progressed = true;
	/* While a list runs its items come in any order of revision; the bookmark names the list's.
	 */
	if (!informer->listing || type == KT_WATCH_BOOKMARK)
		informer->revision = KT_MAX(informer->revision, object->revision);
	switch (type) {
	case KT_WATCH_ADDED:
	case KT_WATCH_MODIFIED:
		set_object(informer, object);
		break;
	case KT_WATCH_DELETED:
		delete_object(informer, object);
		break;
	case KT_WATCH_BOOKMARK:
		if (informer->listing)
			end_list(informer);
		break;
	}
}

static void start_watch(struct kt_timer *timer)
{
	struct kt_informer *informer = kt_container_of(timer, struct kt_informer, timer);

	if (informer->listing) {
		informer->round++;
		informer->revision = 0;
	}
	informer->watch.from_revision = informer->revision;
	informer->watching = true;
	informer->progressed = false;
	kt_client_watch(informer->client, &informer->watch);
}

static void on_end(struct kt_watch *watch, struct kt_err *err)
{
	struct kt_informer *informer = kt_container_of(watch, struct kt_informer, watch);
	int code = err ? err->code : 0;
	int64_t wait_ms = 0;

	informer->watching = false;
	if (informer->progressed)
		informer->backoff_ms = 0;
	if (code == -ESTALE)
		informer->listing = true;
	if (code && code != -ESTALE)
		kt_log_debug(
		        "informer", "watch of %s ended: %s", informer->path, kt_err_message(err));
	/* A watch that brought something and ended in good order goes on at once; others wait,
	 * longer each time. */
	if (code || !informer->progressed) {
		informer->backoff_ms = informer->backoff_ms ? KT_MIN(informer->backoff_ms * 2,
		                                                      (int64_t)BACKOFF_MAX_MS)
		                                            : BACKOFF_MIN_MS;
		wait_ms = informer->backoff_ms / 2 +
		          kt_loop_random_below(informer->loop, (uint32_t)informer->backoff_ms);
	}
	kt_timer_set_after_ms(&informer->timer, wait_ms);
}

struct kt_informer *kt_informer_create(
        struct kt_client *client, struct kt_loop *loop, const char *path)
{
	struct kt_informer *informer = kt_new(struct kt_informer);

	informer->client = client;
	informer->loop = loop;
	informer->path = kt_strdup(path);
	informer->listing = true;
	informer->watch = (struct kt_watch){
	        .path = informer->path,
	        .loop = loop,
	        .on_event = on_event,
	        .on_end = on_end,
	};
	kt_cache_init(&informer->cache);
	kt_timer_init(&informer->timer, loop, start_watch);
	return informer;
}

void kt_informer_destroy(struct kt_informer *informer)
{
	if (!informer)
		return;
	kt_timer_cancel(&informer->timer);
	if (informer->watching)
		kt_client_watch_stop(informer->client, &informer->watch);
	kt_cache_finish(&informer->cache);
	kt_vec_finish(&informer->handlers);
	free(informer->path);
	free(informer);
}

void kt_informer_add_handler(
        struct kt_informer *informer, const struct kt_informer_handler *handler)
{
	kt_vec_push(&informer->handlers, *handler);
	/* Whoever comes late sees what is there. */
	for (struct kt_cache_node *node = informer->cache.head[0]; node && handler->on_change;
	        node = node->next[0])
		handler->on_change(handler->arg, NULL, node->object);
	if (informer->synced && handler->on_synced)
		handler->on_synced(handler->arg);
}

void kt_informer_add_index(struct kt_informer *informer, const char *name, kt_index_fn *fn)
{
	kt_cache_add_index(&informer->cache, name, fn);
}

void kt_informer_start(struct kt_informer *informer)
{
	if (!informer->watching && !kt_timer_is_set(&informer->timer))
		kt_timer_set_after_ms(&informer->timer, 0);
}

bool kt_informer_synced(const struct kt_informer *informer)
{
	return informer->synced;
}

int64_t kt_informer_revision(const struct kt_informer *informer)
{
	return informer->revision;
}

struct kt_object *kt_informer_get(
        const struct kt_informer *informer, struct kt_sv namespace, struct kt_sv name)
{
	struct kt_cache_node *node = kt_cache_find(&informer->cache, namespace, name);

	return node ? node->object : NULL;
}

size_t kt_informer_count(const struct kt_informer *informer)
{
	return informer->cache.n;
}

void kt_informer_each(const struct kt_informer *informer,
        bool (*fn)(void *arg, struct kt_object *object), void *arg)
{
	for (struct kt_cache_node *node = informer->cache.head[0]; node; node = node->next[0]) {
		if (!fn(arg, node->object))
			return;
	}
}

void kt_informer_each_indexed(const struct kt_informer *informer, const char *index,
        struct kt_sv value, bool (*fn)(void *arg, struct kt_object *object), void *arg)
{
	const struct kt_cache_bucket *bucket = kt_cache_bucket(&informer->cache, index, value);

	for (size_t i = 0; bucket && i < bucket->nodes.n; i++) {
		if (!fn(arg, bucket->nodes.items[i]->object))
			return;
	}
}

void kt_index_by_namespace(
        const struct kt_object *object, void (*emit)(void *ctx, struct kt_sv value), void *ctx)
{
	emit(ctx, object->namespace.len ? kt_object_namespace(object) : KT_SV(""));
}

static void emit_owners(const struct kt_object *object, bool controllers_only,
        void (*emit)(void *ctx, struct kt_sv value), void *ctx)
{
	struct kt_sv owners = kt_object_span(object, object->owner_references);
	struct kt_json_iter it = {0};
	struct kt_json_at owner;
	struct kt_sv uid;

	while (owners.p && kt_json_next_element(kt_json_doc(owners.p, owners.len), &it, &owner)) {
		if (controllers_only && !kt_json_bool(kt_json_member(owner, "controller"), false))
			continue;
		if (kt_json_string_sv(kt_json_member(owner, "uid"), &uid))
			emit(ctx, uid);
	}
}

void kt_index_by_owner_uid(
        const struct kt_object *object, void (*emit)(void *ctx, struct kt_sv value), void *ctx)
{
	emit_owners(object, false, emit, ctx);
}

void kt_index_by_controller_uid(
        const struct kt_object *object, void (*emit)(void *ctx, struct kt_sv value), void *ctx)
{
	emit_owners(object, true, emit, ctx);
}

void kt_index_by_node(
        const struct kt_object *object, void (*emit)(void *ctx, struct kt_sv value), void *ctx)
{
	struct kt_sv node;

	if (kt_json_string_sv(kt_object_field(object, KT_SECTION_SPEC, "nodeName"), &node))
		emit(ctx, node);
}
