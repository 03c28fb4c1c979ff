/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ctest-labels: threads */
/*
 * The store beside a model that is too simple to be wrong: the list of all changes. Random writes,
 * transactions, compactions and restarts; then any range at any revision and any watch from any
 * revision must say what the list says.
 */
#include "store_support.h"

#include "base/vec.h"

enum { SEEDS = 12, STEPS = 400, N_KEYS = 24 };

struct change_note {
	int64_t revision;
	char key[16];
	int value; /* -1: deleted */
	int64_t create_revision;
};

struct model {
	struct test_store store;
	struct kt_loop *random; /* only for its random source */
	struct kt_store_options options;
	char *dir;
	KT_VEC(struct change_note) changes;
	int64_t revision, oldest;
	int next_value;
};

static uint32_t below(struct model *m, uint32_t n)
{
	return kt_loop_random_below(m->random, n);
}

static void random_key(struct model *m, char key[16])
{
	static const char *const folders[] = {"/a/", "/a/b/", "/ab/", "/c/"};

	snprintf(key, 16, "%s%u", folders[below(m, 4)], below(m, N_KEYS / 4));
}

/* The newest change of key at or before revision; NULL when it does not exist then. */
static const struct change_note *at(const struct model *m, const char *key, int64_t revision)
{
	for (size_t i = m->changes.n; i-- > 0;) {
		const struct change_note *note = &m->changes.items[i];
		if (note->revision <= revision && strcmp(note->key, key) == 0)
			return note->value < 0 ? NULL : note;
	}
	return NULL;
}

static void note_change(struct model *m, const struct kt_storage_op *op, int value)
{
	const struct change_note *before = at(m, op->key, m->revision);
	struct change_note note = {.revision = m->revision + 1, .value = value};

	note.create_revision = before ? before->create_revision : note.revision;
	snprintf(note.key, sizeof(note.key), "%s", op->key);
	kt_vec_push(&m->changes, note);
}

static int expected_of(const struct model *m, const struct kt_storage_op *op)
{
	const struct change_note *now = at(m, op->key, m->revision);

	if (op->expect_revision == 0)
		return now ? -EEXIST : op->kind == KT_STORAGE_DELETE ? -ENOENT : 0;
	if (!now)
		return op->expect_revision == KT_STORAGE_ANY && op->kind != KT_STORAGE_DELETE
		               ? 0
		               : -ENOENT;
	return op->expect_revision == KT_STORAGE_ANY || op->expect_revision == now->revision
	               ? 0
	               : -ESTALE;
}

static int64_t random_expectation(struct model *m, const char *key)
{
	const struct change_note *now = at(m, key, m->revision);

	switch (below(m, 4)) {
	case 0:
		return 0;
	case 1:
		return 1 + below(m, (uint32_t)m->revision);
	case 2:
		return now ? now->revision : KT_STORAGE_ANY;
	default:
		return KT_STORAGE_ANY;
	}
}

/* One transaction of one to three operations on different keys. */
static void step_write(struct model *m)
{
	struct kt_storage_op ops[3] = {0};
	char keys[3][16], text[16];
	int values[3];
	size_t n = 1 + (below(m, 4) == 0 ? below(m, 3) : 0);
	int expected = 0;
	bool writes = false;
	int64_t revision;

	for (size_t i = 0; i < n; i++) {
		bool taken = true;
		while (taken) {
			random_key(m, keys[i]);
			taken = false;
			for (size_t j = 0; j < i; j++)
				taken |= strcmp(keys[i], keys[j]) == 0;
		}
		ops[i].kind = (enum kt_storage_op_kind[]){KT_STORAGE_PUT, KT_STORAGE_PUT,
		        KT_STORAGE_DELETE, KT_STORAGE_CHECK}[below(m, 4)];
		ops[i].key = keys[i];
		ops[i].expect_revision = random_expectation(m, keys[i]);
		values[i] = ops[i].kind == KT_STORAGE_PUT ? m->next_value++ : -1;
		snprintf(text, sizeof(text), "%d", values[i]);
		ops[i].object = ops[i].kind == KT_STORAGE_PUT ? make_object(keys[i], text) : NULL;
		writes |= ops[i].kind != KT_STORAGE_CHECK;
		if (!expected)
			expected = expected_of(m, &ops[i]);
	}
	assert_int_equal(run_txn(&m->store, ops, n, &revision), expected);
	for (size_t i = 0; i < n; i++) {
		if (expected == 0 && ops[i].kind != KT_STORAGE_CHECK)
			note_change(m, &ops[i], values[i]);
		kt_object_unref(ops[i].object);
		kt_object_unref(ops[i].ret_object);
	}
	if (expected == 0) {
		m->revision += writes;
		assert_int_equal(revision, m->revision);
	}
}

static int order_notes(const void *a, const void *b)
{
	return strcmp(((const struct change_note *)a)->key, ((const struct change_note *)b)->key);
}

/* What a range must give: sorted notes, heap. */
static struct change_note *expected_range(
        const struct model *m, const char *prefix, int64_t revision, size_t *ret_n)
{
	struct change_note *notes = kt_new_array(struct change_note, m->changes.n);
	size_t n = 0;

	for (size_t i = 0; i < m->changes.n; i++) {
		const struct change_note *note = &m->changes.items[i];
		if (note->revision <= revision && strncmp(note->key, prefix, strlen(prefix)) == 0 &&
		        at(m, note->key, revision) == note)
			notes[n++] = *note;
	}
	qsort(notes, n, sizeof(*notes), order_notes);
	*ret_n = n;
	return notes;
}

/* In pages of a random size, at a random revision. */
static void step_range(struct model *m)
{
	static const char *const prefixes[] = {"", "/", "/a/", "/a/b/", "/ab/", "/nothing/"};
	struct kt_storage *storage = m->store.storage;
	const char *prefix = prefixes[below(m, KT_ARRAY_SIZE(prefixes))];
	int64_t revision = m->oldest + below(m, (uint32_t)(m->revision - m->oldest + 1));
	size_t n, seen = 0;
	kt_auto_free struct change_note *notes = expected_range(m, prefix, revision, &n);
	struct kt_storage_range range = {
	        .prefix = prefix, .revision = revision, .limit = below(m, 6)};
	bool more = true;

	while (more) {
		struct kt_storage_list list = {0};
		assert_int_equal(storage->ops->range(storage, &range, &list, NULL), 0);
		assert_int_equal(list.revision, revision);
		for (size_t i = 0; i < list.n; i++, seen++) {
			assert_true(seen < n);
			assert_string_equal(kt_object_key(list.objects[i]), notes[seen].key);
			assert_int_equal(atoi(value_of(list.objects[i])), notes[seen].value);
			assert_int_equal(list.objects[i]->revision, notes[seen].revision);
			assert_int_equal(
			        list.objects[i]->create_revision, notes[seen].create_revision);
		}
		free((char *)(uintptr_t)range.start);
		range.start = kt_steal(&list.next_key);
		more = list.more;
		assert_int_equal(more, seen < n);
		kt_storage_list_finish(&list);
	}
	assert_int_equal(seen, n);
	if (revision == m->revision && *prefix)
		assert_int_equal(storage->ops->count(storage, prefix), n);
}

static void ignore_wake(struct kt_task *task)
{
	(void)task;
}

static void step_watch(struct model *m)
{
	static const char *const prefixes[] = {"", "/a/", "/a/b/", "/c/1"};
	struct kt_storage *storage = m->store.storage;
	const char *prefix = prefixes[below(m, KT_ARRAY_SIZE(prefixes))];
	int64_t from = m->oldest + below(m, (uint32_t)(m->revision - m->oldest + 1));
	struct kt_storage_watch *watch = NULL;
	struct kt_storage_event event;
	struct kt_task wake;

	kt_task_init(&wake, ignore_wake);
	assert_int_equal(
	        storage->ops->watch_open(storage, prefix, from, m->store.loop, &wake, &watch, NULL),
	        0);
	for (size_t i = 0; i < m->changes.n; i++) {
		const struct change_note *note = &m->changes.items[i];
		bool exact = *prefix && prefix[strlen(prefix) - 1] != '/';
		if (note->revision <= from ||
		        (exact ? strcmp(note->key, prefix) != 0
		               : strncmp(note->key, prefix, strlen(prefix)) != 0))
			continue;
		assert_true(storage->ops->watch_progress(watch) < note->revision);
		assert_int_equal(storage->ops->watch_next(watch, &event), 1);
		const struct change_note *before = at(m, note->key, note->revision - 1);
		assert_string_equal(kt_object_key(event.object), note->key);
		assert_int_equal(event.revision, note->revision);
		assert_int_equal(event.object->revision, note->revision);
		assert_int_equal(event.type,
		        note->value < 0 ? KT_STORAGE_EVENT_DELETE : KT_STORAGE_EVENT_PUT);
		assert_int_equal(event.prev != NULL, before != NULL);
		if (before)
			assert_int_equal(event.prev->revision, before->revision);
		assert_int_equal(atoi(value_of(event.object)),
		        note->value < 0 ? before->value : note->value);
		kt_storage_event_finish(&event);
	}
	assert_int_equal(storage->ops->watch_next(watch, &event), 0);
	assert_int_equal(storage->ops->watch_progress(watch), m->revision);
	storage->ops->watch_close(watch);
	while (kt_loop_run_once(m->store.loop, 0, NULL) > 0)
		;
}

static void step_compact(struct model *m)
{
	struct kt_storage *storage = m->store.storage;
	int64_t revision = m->oldest + below(m, (uint32_t)(m->revision - m->oldest + 1) / 2 + 1);

	assert_int_equal(storage->ops->compact(storage, revision, NULL), 0);
	m->oldest = revision;
	assert_int_equal(storage->ops->compacted(storage), revision - 1);
	/* A watch from there is told that it is too old. */
	struct kt_storage_watch *watch = NULL;
	struct kt_task wake;
	kt_task_init(&wake, ignore_wake);
	assert_int_equal(storage->ops->watch_open(
	                         storage, "", revision - 1, m->store.loop, &wake, &watch, NULL),
	        -ESTALE);
}

static void step_restart(struct model *m)
{
	if (!m->dir)
		return;
	close_store(&m->store);
	open_store(&m->store, &m->options);
	assert_int_equal(m->store.storage->ops->revision(m->store.storage), m->revision);
	assert_int_equal(m->store.storage->ops->compacted(m->store.storage), m->oldest - 1);
}

static void run_model(uint64_t seed, bool on_disk)
{
	struct model m = {.revision = 1, .oldest = 1};

	m.random =
	        kt_loop_create(&(struct kt_loop_options){.is_virtual = true, .seed = seed}, NULL);
	if (on_disk)
		m.dir = kt_test_make_dir();
	m.options.path = m.dir;
	open_store(&m.store, &m.options);
	for (int i = 0; i < STEPS; i++) {
		uint32_t drawn = below(&m, 100);
		if (drawn < 70)
			step_write(&m);
		else if (drawn < 82)
			step_range(&m);
		else if (drawn < 94)
			step_watch(&m);
		else if (drawn < 97)
			step_compact(&m);
		else
			step_restart(&m);
	}
	close_store(&m.store);
	kt_vec_finish(&m.changes);
	kt_loop_destroy(m.random);
	kt_test_remove_dir(m.dir);
}

static void test_memory_is_as_the_model(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		run_model(seed, false);
}

static void test_disk_is_as_the_model(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		run_model(seed, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_memory_is_as_the_model),
	        cmocka_unit_test(test_disk_is_as_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
