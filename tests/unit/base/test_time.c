/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "base/time.h"
#include "support/support.h"

#include <errno.h>
#include <time.h>

#define S INT64_C(1000000000)

static void test_format(void **state)
{
	char text[KT_TIME_TEXT_MAX], want[KT_TIME_TEXT_MAX];

	(void)state;
	/* The C library's calendar is the oracle, over seven centuries. */
	for (int64_t day = -100000; day < 100000; day += 7) {
		time_t t = (time_t)(day * 86400 + (day & 0xffff));
		struct tm tm;
		assert_non_null(gmtime_r(&t, &tm));
		strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%SZ", &tm);
		kt_time_format((int64_t)t * S + 999999999, text);
		assert_string_equal(text, want);
		int64_t back;
		assert_int_equal(kt_time_parse(kt_sv_of(text), &back), 0);
		assert_true(back == (int64_t)t * S);
	}
	kt_time_format(-1, text);
	assert_string_equal(text, "1969-12-31T23:59:59Z");
	kt_time_format_micro(INT64_C(1767323045000006789), text);
	assert_string_equal(text, "2026-01-02T03:04:05.000006Z");
	kt_time_format_micro(-1000, text);
	assert_string_equal(text, "1969-12-31T23:59:59.999999Z");
}

static void test_parse(void **state)
{
	static const struct {
		const char *text;
		int64_t ns;
	} good[] = {
	        {"1970-01-01T00:00:00Z", 0},
	        {"1970-01-01T02:00:00+02:00", 0},
	        {"1969-12-31T19:00:00-05:00", 0},
	        {"1970-01-01T00:00:01.5Z", 1500000000},
	        {"1970-01-01T00:00:01,5Z", 1500000000},
	        {"1970-01-01T00:00:00.0000000019Z", 1},
	        {"2024-02-29T00:00:00Z", INT64_C(1709164800) * S},
	        {"2000-02-29T23:59:59Z", INT64_C(951868799) * S},
	        {"0001-01-01T00:00:00Z", INT64_MIN},
	        {"9999-12-31T23:59:59Z", INT64_MAX},
	};
	static const char *const bad[] = {"", "2024", "2024-02-30T00:00:00Z",
	        "2023-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2024-13-01T00:00:00Z",
	        "2024-00-01T00:00:00Z", "2024-01-00T00:00:00Z", "2024-01-01T24:00:00Z",
	        "2024-01-01T00:60:00Z", "2024-01-01T00:00:60Z", "2024-01-01 00:00:00Z",
	        "2024-01-01T00:00:00", "2024-01-01T00:00:00z", "2024-01-01T00:00:00.Z",
	        "2024-01-01T00:00:00+0200", "2024-01-01T00:00:00+25:00", "2024-01-01T00:00:00Zx",
	        "24-01-01T00:00:00Z", "x024-01-01T00:00:00Z"};

	(void)state;
	for (size_t i = 0; i < KT_ARRAY_SIZE(good); i++) {
		int64_t ns = 42;
		assert_int_equal(kt_time_parse(kt_sv_of(good[i].text), &ns), 0);
		assert_true(ns == good[i].ns);
	}
	for (size_t i = 0; i < KT_ARRAY_SIZE(bad); i++) {
		int64_t ns;
		assert_int_equal(kt_time_parse(kt_sv_of(bad[i]), &ns), -EINVAL);
	}
}

/* Years that int64 nanoseconds do not reach. */
static void test_instants(void **state)
{
	static const char *const texts[] = {"0000-01-01T00:00:00.000000Z",
	        "0001-01-01T00:00:02.000003Z", "1677-09-21T00:12:43.145224Z",
	        "1969-12-31T23:59:59.999999Z", "2262-04-11T23:47:17.000000Z",
	        "9999-12-31T23:59:59.999999Z"};
	struct kt_instant instant;
	char text[KT_TIME_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < KT_ARRAY_SIZE(texts); i++) {
		assert_int_equal(kt_instant_parse(kt_sv_of(texts[i]), &instant), 0);
		kt_instant_format_micro(instant, text);
		assert_string_equal(text, texts[i]);
		kt_instant_format(instant, text);
		assert_memory_equal(text, texts[i], 19);
		assert_string_equal(text + 19, "Z");
	}
	assert_int_equal(kt_instant_parse(KT_SV("0001-01-01T00:00:02Z"), &instant), 0);
	assert_true(instant.seconds == INT64_C(-62135596798));
	assert_int_equal(kt_instant_parse(KT_SV("0000-01-01T00:00:00Z"), &instant), 0);
	assert_true(instant.seconds == KT_TIME_SECONDS_MIN);
	assert_int_equal(kt_instant_parse(KT_SV("9999-12-31T23:59:59Z"), &instant), 0);
	assert_true(instant.seconds == KT_TIME_SECONDS_MAX);
}

static void test_duration_parse(void **state)
{
	static const struct {
		const char *text;
		int rc;
		int64_t ns;
	} cases[] = {
	        {"0", 0, 0},
	        {"-0", 0, 0},
	        {"1h30m", 0, 5400 * S},
	        {"1.5s", 0, 1500000000},
	        {"-2ms", 0, -2000000},
	        {"+5s", 0, 5 * S},
	        {".5h", 0, 1800 * S},
	        {"5.s", 0, 5 * S},
	        {"1us", 0, 1000},
	        {"1\xc2\xb5s", 0, 1000},
	        {"1\xce\xbcs", 0, 1000},
	        {"0.3333333333333333333h", 0, INT64_C(1200000000000)},
	        {"9223372036854775807ns", 0, INT64_MAX},
	        {"-9223372036854775808ns", 0, INT64_MIN},
	        {"9223372036854775808ns", -ERANGE, 0},
	        {"3000000h", -ERANGE, 0},
	        {"", -EINVAL, 0},
	        {"3", -EINVAL, 0},
	        {"-", -EINVAL, 0},
	        {"s", -EINVAL, 0},
	        {".s", -EINVAL, 0},
	        {"1d", -EINVAL, 0},
	        {"1h 2m", -EINVAL, 0},
	        {"--1s", -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < KT_ARRAY_SIZE(cases); i++) {
		int64_t ns = 42;
		assert_int_equal(kt_duration_parse(kt_sv_of(cases[i].text), &ns), cases[i].rc);
		assert_true(ns == (cases[i].rc ? 42 : cases[i].ns));
	}
}

static void test_duration_format(void **state)
{
	static const struct {
		int64_t ns;
		const char *text;
	} cases[] = {
	        {0, "0s"},
	        {1, "1ns"},
	        {1100, "1.1\xc2\xb5s"},
	        {2200000, "2.2ms"},
	        {3300 * (S / 1000), "3.3s"},
	        {90 * S, "1m30s"},
	        {3600 * S, "1h0m0s"},
	        {5 * 60 * S + 5 * S + 1000000, "5m5.001s"},
	        {-90 * S, "-1m30s"},
	        {INT64_MIN, "-2562047h47m16.854775808s"},
	        {INT64_MAX, "2562047h47m16.854775807s"},
	};

	(void)state;
	for (size_t i = 0; i < KT_ARRAY_SIZE(cases); i++) {
		char text[KT_TIME_TEXT_MAX];
		int64_t back;
		kt_duration_format(cases[i].ns, text);
		assert_string_equal(text, cases[i].text);
		assert_int_equal(kt_duration_parse(kt_sv_of(text), &back), 0);
		assert_true(back == cases[i].ns);
	}
}

static void test_duration_human(void **state)
{
	static const struct {
		int64_t s;
		const char *text;
	} cases[] = {
	        {-5, "<invalid>"},
	        {-1, "0s"},
	        {0, "0s"},
	        {119, "119s"},
	        {120, "2m"},
	        {200, "3m20s"},
	        {599, "9m59s"},
	        {600, "10m"},
	        {3 * 3600 - 1, "179m"},
	        {3 * 3600, "3h"},
	        {4 * 3600 + 300, "4h5m"},
	        {8 * 3600 + 300, "8h"},
	        {47 * 3600, "47h"},
	        {48 * 3600, "2d"},
	        {49 * 3600, "2d1h"},
	        {12 * 86400, "12d"},
	        {729 * 86400, "729d"},
	        {730 * 86400, "2y"},
	        {(3 * 365 + 41) * 86400, "3y41d"},
	        {INT64_C(9) * 365 * 86400 + 86400, "9y"},
	};

	(void)state;
	for (size_t i = 0; i < KT_ARRAY_SIZE(cases); i++) {
		char text[KT_TIME_TEXT_MAX];
		kt_duration_human(cases[i].s * S, text);
		assert_string_equal(text, cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_format),
	        cmocka_unit_test(test_parse),
	        cmocka_unit_test(test_instants),
	        cmocka_unit_test(test_duration_parse),
	        cmocka_unit_test(test_duration_format),
	        cmocka_unit_test(test_duration_human),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
