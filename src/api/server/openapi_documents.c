/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/openapi_documents.h"

#include "api/schema/openapi.h"
#include "api/server/discovery.h"
#include "api/server/documents.h"
#include "api/server/encode.h"
#include "api/server/server_impl.h"
#include "base/map.h"

#include <pthread.h>

#define V2_PROTOBUF "v2 protobuf" /* its name in the cache; no path has a blank */

struct kt_openapi_cache {
	pthread_mutex_t lock; /* protects all below; taken before the resources' lock. Held while a
	                         document is made, so that it is made once. */
	uint64_t generation;
	struct kt_map documents; /* "v2", "api/v1", "apis/apps/v1", "" (index) -> struct kt_buf */
	struct kt_map hashes; /* of those that were asked for: half a megabyte is not hashed again
	                         for every request */
};

static void free_document(void *value)
{
	kt_buf_unref(value);
}

struct kt_openapi_cache *kt_openapi_cache_create(void)
{
	struct kt_openapi_cache *cache = kt_new(struct kt_openapi_cache);

	pthread_mutex_init(&cache->lock, NULL);
	kt_map_init(&cache->documents, free_document);
	kt_map_init(&cache->hashes, free);
	return cache;
}

void kt_openapi_cache_destroy(struct kt_openapi_cache *cache)
{
	if (!cache)
		return;
	kt_map_finish(&cache->documents);
	kt_map_finish(&cache->hashes);
	pthread_mutex_destroy(&cache->lock);
	free(cache);
}

static void group_path(const struct kt_kind *kind, char *text, size_t size)
{
	if (*kind->group)
		snprintf(text, size, "apis/%s/%s", kind->group, kind->version);
	else
		snprintf(text, size, "api/%s", kind->version);
}

static struct kt_buf *make_v3(const struct kt_discovery_kinds *kinds, const char *path)
{
	kt_auto_free const struct kt_kind **chosen =
	        kt_new_array(const struct kt_kind *, kinds->n + 1);
	struct kt_openapi_kinds set = {.kinds = chosen};
	char text[512];

	for (size_t i = 0; i < kinds->n; i++) {
		group_path(kinds->kinds[i], text, sizeof(text));
		if (kt_streq(text, path))
			chosen[set.n_kinds++] = kinds->kinds[i];
	}
	if (!set.n_kinds)
		return NULL;
	return kt_openapi_v3(chosen[0]->group, chosen[0]->version, &set);
}

static struct kt_buf *cached(
        struct kt_openapi_cache *cache, const struct kt_discovery_kinds *kinds, const char *name);

/* Hashes are part of the index: it needs every document. */
static struct kt_buf *make_index(
        struct kt_openapi_cache *cache, const struct kt_discovery_kinds *kinds)
{
	KT_VEC(struct kt_openapi_path) paths = {0};
	kt_auto_arena arena;
	char text[512];

	kt_arena_init(&arena);
	for (size_t i = 0; i < kinds->n; i++) {
		bool seen = false;
		group_path(kinds->kinds[i], text, sizeof(text));
		for (size_t p = 0; p < paths.n && !seen; p++)
			seen = kt_streq(paths.items[p].path, text);
		if (seen)
			continue;
		char *hash = kt_arena_alloc(&arena, KT_OPENAPI_HASH_TEXT);
		kt_openapi_hash(cached(cache, kinds, text), hash);
		struct kt_openapi_path path = {kt_arena_strdup(&arena, text), hash};
		kt_vec_push(&paths, path);
	}
	struct kt_buf *index = kt_openapi_v3_index(paths.items, paths.n);
	kt_vec_finish(&paths);
	return index;
}

/* Borrowed from the cache; NULL when there is no such document. */
static struct kt_buf *cached(
        struct kt_openapi_cache *cache, const struct kt_discovery_kinds *kinds, const char *name)
{
	struct kt_buf *document = kt_map_get(&cache->documents, name);

	if (document)
		return document;
	if (!*name)
		document = make_index(cache, kinds);
	else if (kt_streq(name, "v2"))
		document = kt_openapi_v2(&(struct kt_openapi_kinds){kinds->kinds, kinds->n});
	else if (kt_streq(name, V2_PROTOBUF))
		document = kt_openapi_v2_protobuf(cached(cache, kinds, "v2"));
	else
		document = make_v3(kinds, name);
	if (document)
		kt_map_set(&cache->documents, name, document);
	return document;
}

static void hash_of(struct kt_openapi_cache *cache, const char *name, const struct kt_buf *document,
        char ret_hash[KT_OPENAPI_HASH_TEXT])
{
	const char *known = kt_map_get(&cache->hashes, name);

	if (known) {
		snprintf(ret_hash, KT_OPENAPI_HASH_TEXT, "%s", known);
		return;
	}
	kt_openapi_hash(document, ret_hash);
	kt_map_set(&cache->hashes, name, kt_strdup(ret_hash));
}

static struct kt_buf *find(
        struct kt_server *server, const char *name, char ret_hash[KT_OPENAPI_HASH_TEXT])
{
	struct kt_openapi_cache *cache = server->openapi;
	struct kt_discovery_kinds kinds;

	pthread_mutex_lock(&cache->lock);
	uint64_t generation = kt_resources_generation(server->resources);
	if (cache->generation != generation) {
		kt_map_clear(&cache->documents);
		kt_map_clear(&cache->hashes);
		cache->generation = generation;
	}
	kt_discovery_kinds(server, &kinds);
	struct kt_buf *document = cached(cache, &kinds, name);
	if (document) {
		kt_buf_ref(document);
		hash_of(cache, name, document, ret_hash);
	}
	kt_discovery_kinds_finish(&kinds);
	pthread_mutex_unlock(&cache->lock);
	return document;
}

static int answer(struct kt_request *request, const char *name, const char *content_type)
{
	char hash[KT_OPENAPI_HASH_TEXT], etag[KT_OPENAPI_HASH_TEXT + 2];
	kt_auto_buf struct kt_buf *document = find(request->server, name, hash);
	const char *known = kt_request_header(request, "if-none-match");

	if (!document)
		return kt_operation_no_page.encode(request);
	snprintf(etag, sizeof(etag), "\"%s\"", hash);
	kt_request_answer_header(request, "etag", etag);
	kt_request_answer_header(request, "content-type", content_type);
	kt_request_answer_header(request, "cache-control",
	        kt_request_query(request, "hash") ? "public, immutable" : "no-cache, private");
	request->status = 200;
	if (known && kt_streq(known, etag))
		request->status = 304;
	else
		kt_request_answer_add(request, kt_steal(&document));
	return 0;
}

int kt_openapi_write_v2(struct kt_request *request)
{
	const char *accept = kt_request_header(request, "accept");

	/* Go clients read nothing else. They ask with "v2@v1.0", which no answer may carry. */
	if (accept && strstr(accept, "com.github.proto-openapi.spec.v2"))
		return answer(request, V2_PROTOBUF,
		        "application/com.github.proto-openapi.spec.v2.v1.0+protobuf");
	return answer(request, "v2", "application/json");
}

int kt_openapi_write_v3(struct kt_request *request)
{
	const char *path = request->state->route.path + strlen("/openapi/v3");

	return answer(request, *path == '/' ? path + 1 : path, "application/json");
}
