/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cluster/store/index.h"

#include "base/log.h"
#include "base/mem.h"

enum {
	FANOUT = 64,
	SPARSE = FANOUT / 4,         /* a node with fewer children looks for a neighbour to join */
	JOINED_MAX = FANOUT * 3 / 4, /* so that the next insert does not split again */
};

struct kt_store_node {
	bool is_leaf;
	uint16_t n;
	size_t live;                       /* entries with an object below here */
	struct kt_store_node *prev, *next; /* leaves only */
	struct kt_store_entry
	        *first[FANOUT]; /* leaf: the entries; inner: the first entry below each child */
	struct kt_store_node *children[]; /* inner only */
};

static struct kt_store_node *new_node(bool is_leaf)
{
	size_t size = sizeof(struct kt_store_node) +
	              (is_leaf ? 0 : FANOUT * sizeof(struct kt_store_node *));
	struct kt_store_node *node = kt_zalloc(size);

	node->is_leaf = is_leaf;
	return node;
}

static void free_entry(struct kt_store_entry *entry)
{
	kt_object_unref(entry->object);
	free(entry->older);
	free(entry);
}

static void free_node(struct kt_store_node *node)
{
	for (size_t i = 0; i < node->n; i++) {
		if (node->is_leaf)
			free_entry(node->first[i]);
		else
			free_node(node->children[i]);
	}
	free(node);
}

void kt_store_index_finish(struct kt_store_index *index)
{
	if (index->root)
		free_node(index->root);
	index->root = NULL;
}

/* The number of items whose key is below `key` (or equal, when `equal_too`). */
static size_t position(const struct kt_store_node *node, const char *key, bool equal_too)
{
	size_t low = 0, high = node->n;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(node->first[middle]->key, key);
		if (order < 0 || (equal_too && order == 0))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Which child holds key, if any does. */
static size_t child_for(const struct kt_store_node *node, const char *key)
{
	size_t pos = position(node, key, true);

	return pos ? pos - 1 : 0;
}

static struct kt_store_node *leaf_for(const struct kt_store_index *index, const char *key)
{
	struct kt_store_node *node = index->root;

	while (node && !node->is_leaf)
		node = node->children[child_for(node, key)];
	return node;
}

struct kt_store_entry *kt_store_index_get(const struct kt_store_index *index, const char *key)
{
	struct kt_store_node *leaf = leaf_for(index, key);

	if (!leaf)
		return NULL;
	size_t pos = position(leaf, key, false);
	return pos < leaf->n && strcmp(leaf->first[pos]->key, key) == 0 ? leaf->first[pos] : NULL;
}

static size_t count_live(const struct kt_store_node *node)
{
	size_t live = 0;

	for (size_t i = 0; i < node->n; i++)
		live += node->is_leaf ? node->first[i]->object != NULL : node->children[i]->live;
	return live;
}

static void insert_at(struct kt_store_node *node, size_t pos, struct kt_store_entry *first,
        struct kt_store_node *child)
{
	kt_assert(node->n < FANOUT && pos <= node->n);
	size_t behind = node->n - pos;

	memmove(&node->first[pos + 1], &node->first[pos], behind * sizeof(*node->first));
	node->first[pos] = first;
	if (child) {
		memmove(&node->children[pos + 1], &node->children[pos],
		        behind * sizeof(struct kt_store_node *));
		node->children[pos] = child;
	}
	node->n++;
}

static void remove_at(struct kt_store_node *node, size_t pos)
{
	size_t behind = node->n - pos - 1;

	memmove(&node->first[pos], &node->first[pos + 1], behind * sizeof(*node->first));
	if (!node->is_leaf)
		memmove(&node->children[pos], &node->children[pos + 1],
		        behind * sizeof(struct kt_store_node *));
	node->n--;
}

/* Moves the items from `from` on to the end of `to`. */
static void move_items(struct kt_store_node *to, struct kt_store_node *node, size_t from)
{
	size_t n = node->n - from;

	kt_assert(to->n + n <= FANOUT);
	memcpy(&to->first[to->n], &node->first[from], n * sizeof(*node->first));
	if (!node->is_leaf)
		memcpy(&to->children[to->n], &node->children[from],
		        n * sizeof(struct kt_store_node *));
	to->n = (uint16_t)(to->n + n);
	node->n = (uint16_t)from;
	to->live = count_live(to);
	node->live = count_live(node);
}

/* Splits a full node; appends keep the left one nearly full, which ascending names make common. */
static struct kt_store_node *split(struct kt_store_node *node, bool at_end)
{
	struct kt_store_node *right = new_node(node->is_leaf);

	move_items(right, node, at_end ? FANOUT - 4 : FANOUT / 2);
	if (node->is_leaf) {
		right->next = node->next;
		right->prev = node;
		if (right->next)
			right->next->prev = right;
		node->next = right;
	}
	return right;
}

/* Inserts below node; returns the new right sibling when it had to split, else NULL. */
static struct kt_store_node *insert_below(struct kt_store_node *node, struct kt_store_entry *entry)
{
	struct kt_store_node *split_child = NULL, *right = NULL;
	size_t pos;

	if (node->is_leaf) {
		pos = position(node, entry->key, false);
	} else {
		size_t i = child_for(node, entry->key);
		split_child = insert_below(node->children[i], entry);
		node->first[i] = node->children[i]->first[0];
		if (!split_child)
			return NULL;
		pos = i + 1;
		entry = split_child->first[0];
	}
	if (node->n == FANOUT) {
		right = split(node, pos == FANOUT);
		if (pos > node->n) {
			pos -= node->n;
			node = right;
		}
	}
	insert_at(node, pos, entry, split_child);
	if (right)
		node->live = count_live(node); /* else unchanged: a new entry has no object yet */
	return right;
}

struct kt_store_entry *kt_store_index_add(struct kt_store_index *index, const char *key)
{
	struct kt_store_entry *entry = kt_store_index_get(index, key);

	if (entry)
		return entry;
	size_t len = strlen(key);
	entry = kt_zalloc(sizeof(*entry) + len + 1);
	memcpy(entry->key, key, len + 1);
	if (!index->root)
		index->root = new_node(true);
	struct kt_store_node *right = insert_below(index->root, entry);
	if (right) {
		struct kt_store_node *root = new_node(false);
		insert_at(root, 0, index->root->first[0], index->root);
		insert_at(root, 1, right->first[0], right);
		root->live = count_live(root);
		index->root = root;
	}
	return entry;
}

static void drop_node(struct kt_store_node *node)
{
	if (node->prev)
		node->prev->next = node->next;
	if (node->next)
		node->next->prev = node->prev;
	free(node);
}

/* Joins child i of node with a neighbour when both are sparse, so that the tree does not fray. */
static void join_child(struct kt_store_node *node, size_t i)
{
	struct kt_store_node *child = node->children[i];

	if (child->n >= SPARSE)
		return;
	if (child->n == 0) {
		remove_at(node, i);
		drop_node(child);
		return;
	}
	size_t left = i ? i - 1 : i;
	if (left + 1 >= node->n)
		return;
	struct kt_store_node *a = node->children[left], *b = node->children[left + 1];
	if (a->n + b->n > JOINED_MAX)
		return;
	move_items(a, b, 0);
	remove_at(node, left + 1);
	drop_node(b);
}

static void remove_below(struct kt_store_node *node, const struct kt_store_entry *entry)
{
	if (node->is_leaf) {
		size_t pos = position(node, entry->key, false);
		kt_assert(pos < node->n && node->first[pos] == entry);
		remove_at(node, pos);
	} else {
		size_t i = child_for(node, entry->key);
		remove_below(node->children[i], entry);
		if (node->children[i]->n)
			node->first[i] = node->children[i]->first[0];
		join_child(node, i);
	}
}

void kt_store_index_remove(struct kt_store_index *index, struct kt_store_entry *entry)
{
	kt_assert(!entry->object); /* so no count changes */
	remove_below(index->root, entry);
	while (!index->root->is_leaf && index->root->n == 1) {
		struct kt_store_node *child = index->root->children[0];
		free(index->root);
		index->root = child;
	}
	if (index->root->n == 0) {
		free(index->root);
		index->root = NULL;
	}
	free_entry(entry);
}

void kt_store_index_set_object(
        struct kt_store_index *index, struct kt_store_entry *entry, struct kt_object *object)
{
	bool was_live = entry->object != NULL, is_live = object != NULL;

	kt_object_unref(entry->object);
	entry->object = object;
	if (was_live == is_live)
		return;
	for (struct kt_store_node *node = index->root;;
	        node = node->children[child_for(node, entry->key)]) {
		node->live = is_live ? node->live + 1 : node->live - 1;
		if (node->is_leaf)
			return;
	}
}

/* Live entries of the subtree below `key`. */
static size_t rank(const struct kt_store_node *node, const char *key)
{
	size_t rank = 0;

	while (!node->is_leaf) {
		size_t i = child_for(node, key);
		for (size_t j = 0; j < i; j++)
			rank += node->children[j]->live;
		node = node->children[i];
	}
	size_t pos = position(node, key, false);
	for (size_t j = 0; j < pos; j++)
		rank += node->first[j]->object != NULL;
	return rank;
}

size_t kt_store_index_count(const struct kt_store_index *index, const char *from, const char *to)
{
	const struct kt_store_node *node = index->root;

	if (!node)
		return 0;
	/* Most of the way both ends lie in the same subtree. */
	while (!node->is_leaf) {
		size_t i = child_for(node, from);
		if (i != (to ? child_for(node, to) : (size_t)node->n - 1))
			break;
		node = node->children[i];
	}
	return (to ? rank(node, to) : node->live) - rank(node, from);
}

struct kt_store_entry *kt_store_index_seek(
        const struct kt_store_index *index, const char *key, struct kt_store_cursor *cursor)
{
	cursor->leaf = leaf_for(index, key);
	cursor->pos = cursor->leaf ? position(cursor->leaf, key, false) : 0;
	return kt_store_index_next(cursor);
}

/* The cursor stands on the entry that comes next. */
struct kt_store_entry *kt_store_index_next(struct kt_store_cursor *cursor)
{
	while (cursor->leaf && cursor->pos >= cursor->leaf->n) {
		cursor->leaf = cursor->leaf->next;
		cursor->pos = 0;
	}
	return cursor->leaf ? cursor->leaf->first[cursor->pos++] : NULL;
}
