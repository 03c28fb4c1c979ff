/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/map.h"
#include "base/mem.h"
#include "support/support.h"

static void test_set_get_del(void **state)
{
	struct kt_map map;

	(void)state;
	kt_map_init(&map, free);
	assert_null(kt_map_get(&map, "none"));
	assert_false(kt_map_del(&map, "none"));
	kt_map_set(&map, "a", kt_strdup("1"));
	kt_map_set(&map, "a", kt_strdup("2"));
	kt_map_set_sv(&map, (struct kt_sv){"bcd", 1}, kt_strdup("3"));
	kt_map_set(&map, "null", NULL);
	assert_int_equal(map.n, 3);
	assert_string_equal(kt_map_get(&map, "a"), "2");
	assert_string_equal(kt_map_get_sv(&map, KT_SV("b")), "3");
	assert_true(kt_map_has(&map, "null"));
	kt_auto_free char *taken = kt_map_take(&map, "a");
	assert_string_equal(taken, "2");
	assert_false(kt_map_has(&map, "a"));
	assert_true(kt_map_del(&map, "b"));
	assert_int_equal(map.n, 1);
	kt_map_finish(&map);
	kt_map_set(&map, "again", kt_strdup("x"));
	kt_map_finish(&map);
}

/* Against a plain array: the same random operations, the same content, in order of insertion. */
static void test_against_model(void **state)
{
	enum { KEYS = 400, ROUNDS = 40000 };
	static long value[KEYS], order[KEYS];
	struct kt_map map;
	uint64_t random = 1;
	long clock = 0;
	size_t alive = 0;
	char key[16];

	(void)state;
	kt_map_init(&map, NULL);
	for (int round = 0; round < ROUNDS; round++) {
		random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
		size_t k = (random >> 33) % KEYS;
		snprintf(key, sizeof(key), "key-%zu", k);
		if ((random >> 60) < 9) {
			if (!value[k]) {
				order[k] = ++clock;
				alive++;
			}
			value[k] = round + 1;
			kt_map_set(&map, key, (void *)(intptr_t)value[k]);
		} else {
			assert_int_equal(kt_map_del(&map, key), value[k] != 0);
			alive -= value[k] != 0;
			value[k] = 0;
		}
		assert_int_equal(map.n, alive);
	}
	size_t it = 0, seen = 0;
	const char *found;
	long last = 0;
	void *held;
	while (kt_map_next(&map, &it, &found, &held)) {
		size_t k = strtoul(found + 4, NULL, 10);
		assert_int_equal((intptr_t)held, value[k]);
		assert_true(order[k] > last);
		last = order[k];
		seen++;
	}
	assert_int_equal(seen, alive);
	kt_map_finish(&map);
}

static void test_delete_while_iterating(void **state)
{
	struct kt_map map;
	char name[16];
	const char *key;
	size_t it = 0;

	(void)state;
	kt_map_init(&map, free);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "%d", i);
		kt_map_set(&map, name, kt_strdup(name));
	}
	while (kt_map_next(&map, &it, &key, NULL)) {
		kt_auto_free char *copy = kt_strdup(key);
		if (atoi(copy) % 3)
			assert_true(kt_map_del(&map, copy));
	}
	assert_int_equal(map.n, 34);
	kt_map_clear(&map);
	assert_int_equal(map.n, 0);
	assert_null(kt_map_get(&map, "3"));
	kt_map_set(&map, "3", kt_strdup("new"));
	assert_string_equal(kt_map_get(&map, "3"), "new");
	kt_map_finish(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_set_get_del),
	        cmocka_unit_test(test_against_model),
	        cmocka_unit_test(test_delete_while_iterating),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
