/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/client/informer_cache.h"

#include "base/log.h"
#include "base/mem.h"

struct name {
	struct kt_sv namespace, name;
};

static struct name name_of(const struct kt_object *object)
{
	return (struct name){kt_object_namespace(object), kt_object_name(object)};
}

/* As the store orders its keys: bytes of "namespace/name", where '-' and '.' come before '/'. */
static int compare(struct name a, struct name b)
{
	size_t n = KT_MIN(a.namespace.len, b.namespace.len);
	int order = n ? memcmp(a.namespace.p, b.namespace.p, n) : 0;

	if (order)
		return order;
	if (a.namespace.len < b.namespace.len)
		return '/' - (unsigned char)b.namespace.p[n];
	if (a.namespace.len > b.namespace.len)
		return (unsigned char)a.namespace.p[n] - '/';
	return kt_sv_cmp(a.name, b.name);
}

void kt_cache_init(struct kt_cache *cache)
{
	*cache = (struct kt_cache){.random = UINT64_C(0x9e3779b97f4a7c15)};
}

static void free_bucket(void *value)
{
	struct kt_cache_bucket *bucket = value;

	kt_vec_finish(&bucket->nodes);
	free(bucket);
}

void kt_cache_finish(struct kt_cache *cache)
{
	for (struct kt_cache_node *node = cache->head[0]; node;) {
		struct kt_cache_node *next = node->next[0];
		kt_object_unref(node->object);
		free(node);
		node = next;
	}
	for (size_t i = 0; i < cache->indexes.n; i++) {
		kt_map_finish(&cache->indexes.items[i]->buckets);
		free(cache->indexes.items[i]->name);
		free(cache->indexes.items[i]);
	}
	kt_vec_finish(&cache->indexes);
}

/* links[i]: the pointer on level i that leads to the first node not before `name`. */
static void find_links(
        struct kt_cache *cache, struct name name, struct kt_cache_node **links[KT_CACHE_LEVELS])
{
	struct kt_cache_node **row = cache->head;

	for (size_t level = KT_CACHE_LEVELS; level-- > 0;) {
		while (row[level] && compare(name_of(row[level]->object), name) < 0)
			row = row[level]->next;
		links[level] = &row[level];
	}
}

struct kt_cache_node *kt_cache_find(
        const struct kt_cache *cache, struct kt_sv namespace, struct kt_sv name)
{
	struct kt_cache_node *const *row = cache->head;
	struct name wanted = {namespace, name};

	for (size_t level = KT_CACHE_LEVELS; level-- > 0;) {
		while (row[level]) {
			int order = compare(name_of(row[level]->object), wanted);
			if (order == 0)
				return row[level];
			if (order > 0)
				break;
			row = row[level]->next;
		}
	}
	return NULL;
}

/* Where node is, or would be, in the bucket. */
static size_t bucket_position(const struct kt_cache_bucket *bucket, struct name name)
{
	size_t low = 0, high = bucket->nodes.n;

	while (low < high) {
		size_t middle = (low + high) / 2;
		if (compare(name_of(bucket->nodes.items[middle]->object), name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct indexing {
	struct kt_cache_index *index;
	struct kt_cache_node *node;
};

static void add_value(void *ctx, struct kt_sv value)
{
	struct indexing *indexing = ctx;
	struct kt_cache_bucket *bucket = kt_map_get_sv(&indexing->index->buckets, value);

	if (!bucket) {
		bucket = kt_new(struct kt_cache_bucket);
		kt_map_set_sv(&indexing->index->buckets, value, bucket);
	}
	size_t pos = bucket_position(bucket, name_of(indexing->node->object));
	if (pos < bucket->nodes.n && bucket->nodes.items[pos] == indexing->node)
		return; /* the same value twice */
	kt_vec_reserve(&bucket->nodes, 1);
	memmove(&bucket->nodes.items[pos + 1], &bucket->nodes.items[pos],
	        (bucket->nodes.n - pos) * sizeof(*bucket->nodes.items));
	bucket->nodes.items[pos] = indexing->node;
	bucket->nodes.n++;
}

static void remove_value(void *ctx, struct kt_sv value)
{
	struct indexing *indexing = ctx;
	struct kt_cache_bucket *bucket = kt_map_get_sv(&indexing->index->buckets, value);

	if (!bucket)
		return;
	size_t pos = bucket_position(bucket, name_of(indexing->node->object));
	if (pos >= bucket->nodes.n || bucket->nodes.items[pos] != indexing->node)
		return;
	kt_vec_remove(&bucket->nodes, pos);
	if (bucket->nodes.n == 0) {
		kt_auto_free char *key = kt_sv_dup(value);
		kt_map_del(&indexing->index->buckets, key);
	}
}

static void collect_value(void *ctx, struct kt_sv value)
{
	kt_str_add(ctx, value.p, value.len);
	kt_str_putc(ctx, '\0');
}

static bool same_values(kt_index_fn *fn, const struct kt_object *a, const struct kt_object *b)
{
	kt_auto_str left = KT_STR_INIT, right = KT_STR_INIT;

	fn(a, collect_value, &left);
	fn(b, collect_value, &right);
	return left.len == right.len && (!left.len || memcmp(left.data, right.data, left.len) == 0);
}

/* Either state may be NULL. node->object has the name of both. */
static void update_indexes(struct kt_cache *cache, struct kt_cache_node *node,
        const struct kt_object *old_object, const struct kt_object *new_object)
{
	for (size_t i = 0; i < cache->indexes.n; i++) {
		struct indexing indexing = {cache->indexes.items[i], node};
		kt_index_fn *fn = indexing.index->fn;
		if (old_object && new_object && same_values(fn, old_object, new_object))
			continue;
		if (old_object)
			fn(old_object, remove_value, &indexing);
		if (new_object)
			fn(new_object, add_value, &indexing);
	}
}

/* Each level has a quarter of the one below. */
static uint32_t random_levels(struct kt_cache *cache)
{
	uint32_t levels = 1;

	cache->random ^= cache->random << 13;
	cache->random ^= cache->random >> 7;
	cache->random ^= cache->random << 17;
	for (uint64_t bits = cache->random; (bits & 3) == 0 && levels < KT_CACHE_LEVELS; bits >>= 2)
		levels++;
	return levels;
}

struct kt_cache_node *kt_cache_set(
        struct kt_cache *cache, struct kt_object *object, struct kt_object **ret_old)
{
	struct kt_cache_node **links[KT_CACHE_LEVELS];

	*ret_old = NULL;
	find_links(cache, name_of(object), links);
	struct kt_cache_node *node = *links[0];
	if (node && compare(name_of(node->object), name_of(object)) == 0) {
		*ret_old = node->object;
		node->object = kt_object_ref(object);
		update_indexes(cache, node, *ret_old, object);
		return node;
	}
	uint32_t n_levels = random_levels(cache);
	node = kt_zalloc(sizeof(*node) + n_levels * sizeof(node->next[0]));
	node->object = kt_object_ref(object);
	node->n_levels = n_levels;
	for (uint32_t i = 0; i < n_levels; i++) {
		node->next[i] = *links[i];
		*links[i] = node;
	}
	cache->n++;
	update_indexes(cache, node, NULL, object);
	return node;
}

struct kt_object *kt_cache_remove(struct kt_cache *cache, struct kt_cache_node *node)
{
	struct kt_cache_node **links[KT_CACHE_LEVELS];
	struct kt_object *object = node->object;

	update_indexes(cache, node, object, NULL);
	find_links(cache, name_of(object), links);
	kt_assert(*links[0] == node);
	for (uint32_t i = 0; i < node->n_levels; i++)
		*links[i] = node->next[i];
	cache->n--;
	free(node);
	return object;
}

void kt_cache_add_index(struct kt_cache *cache, const char *name, kt_index_fn *fn)
{
	struct kt_cache_index *index = kt_new(struct kt_cache_index);

	index->name = kt_strdup(name);
	index->fn = fn;
	kt_map_init(&index->buckets, free_bucket);
	kt_vec_push(&cache->indexes, index);
	for (struct kt_cache_node *node = cache->head[0]; node; node = node->next[0])
		fn(node->object, add_value, &(struct indexing){index, node});
}

const struct kt_cache_bucket *kt_cache_bucket(
        const struct kt_cache *cache, const char *index, struct kt_sv value)
{
	for (size_t i = 0; i < cache->indexes.n; i++) {
		if (kt_streq(cache->indexes.items[i]->name, index))
			return kt_map_get_sv(&cache->indexes.items[i]->buckets, value);
	}
	kt_assert(!"an index that was never added");
	return NULL;
}
