/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz: kt_base */
/* Times, durations, and the small text formats that stand beside them: base64, UTF-8, numbers. */
#include "fuzz/fuzz.h"

#include "base/log.h"
#include "base/time.h"

static void check_time(struct kt_sv text)
{
	char first[KT_TIME_TEXT_MAX], second[KT_TIME_TEXT_MAX];
	int64_t ns, back;

	if (kt_time_parse(text, &ns) < 0)
		return;
	kt_time_format_micro(ns, first);
	kt_assert(kt_time_parse(kt_sv_of(first), &back) == 0);
	kt_time_format_micro(back, second);
	/* The ends of the range are held, so the first and last moments come back as the next whole
	 * one. */
	kt_assert(kt_streq(first, second) || ns < INT64_MIN + 1000);
}

static void check_duration(struct kt_sv text)
{
	char out[KT_TIME_TEXT_MAX];
	int64_t ns, back;

	if (kt_duration_parse(text, &ns) < 0)
		return;
	kt_duration_format(ns, out);
	kt_assert(kt_duration_parse(kt_sv_of(out), &back) == 0 && back == ns);
	kt_duration_human(ns, out);
	kt_assert(*out);
}

static void check_base64(struct kt_sv text)
{
	kt_auto_str encoded = {0}, back = {0};

	kt_base64_encode(&encoded, text.p, text.len);
	kt_assert(kt_base64_decode(&back, (struct kt_sv){encoded.data, encoded.len}) == 0);
	kt_assert(kt_sv_eq((struct kt_sv){back.data, back.len}, text));
	kt_str_clear(&back);
	if (kt_base64_decode(&back, text) == 0)
		kt_assert(back.len <= text.len);
	kt_str_clear(&back);
	if (kt_base64url_decode(&back, text) == 0)
		kt_assert(back.len <= text.len);
}

static void check_utf8(struct kt_sv text)
{
	bool valid = true;
	uint32_t cp;

	for (size_t i = 0; i < text.len;) {
		int n = kt_utf8_decode(text.p + i, text.len - i, &cp);
		char again[4];
		valid = valid && n > 0;
		if (n > 0) {
			kt_assert(kt_utf8_encode(cp, again) == (size_t)n);
			kt_assert(memcmp(again, text.p + i, (size_t)n) == 0);
		}
		i += (size_t)(n > 0 ? n : 1);
	}
	kt_assert(kt_utf8_valid(text.p, text.len) == valid);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kt_sv text = {(const char *)data, size};
	int64_t number;

	check_time(text);
	check_duration(text);
	check_base64(text);
	check_utf8(text);
	if (kt_sv_int64(text, &number) == 0)
		kt_assert(size > 0);
	return 0;
}
