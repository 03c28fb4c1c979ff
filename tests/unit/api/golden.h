/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading recorded scenarios: shared by the tests of this folder that are driven by them. */
#ifndef KT_TESTS_UNIT_API_GOLDEN_H
#define KT_TESTS_UNIT_API_GOLDEN_H

#include "base/json.h"
#include "support/support.h"

static inline json_t *golden_load(const char *path)
{
	kt_auto_fclose FILE *f = fopen(path, "re");
	json_error_t error;
	json_t *root;

	assert_non_null(f);
	root = json_loadf(f, JSON_DECODE_ANY, &error);
	if (!root)
		fail_msg("%s: %s", path, error.text);
	return root;
}

/* %XX and + decoding; heap. */
static inline char *golden_unescape(const char *text, size_t len)
{
	kt_auto_str out = KT_STR_INIT;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '%' && i + 2 < len) {
			char hex[3] = {text[i + 1], text[i + 2], 0};

			kt_str_putc(&out, (char)strtol(hex, NULL, 16));
			i += 2;
		} else {
			kt_str_putc(&out, text[i] == '+' ? ' ' : text[i]);
		}
	}
	return kt_str_steal(&out);
}

/* One query parameter of a path, decoded; NULL when absent. */
static inline char *golden_query(const char *path, const char *name)
{
	const char *p = strchr(path, '?');
	size_t n = strlen(name);

	while (p) {
		p++;
		if (!strncmp(p, name, n) && p[n] == '=')
			return golden_unescape(p + n + 1, strcspn(p + n + 1, "&"));
		p = strchr(p, '&');
	}
	return NULL;
}

#endif
