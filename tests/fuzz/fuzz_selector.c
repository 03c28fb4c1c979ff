/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz: kt_api */
/* Label and field selectors: what parses prints, and the print parses to the same. */
#include "fuzz/fuzz.h"

#include "api/machinery/selector.h"
#include "base/log.h"

static void check(const char *text, int (*parse)(const char *, struct kt_selector **))
{
	struct kt_selector *selector, *again;

	if (parse(text, &selector) < 0)
		return;
	kt_auto_free char *first = kt_selector_text(selector);
	/* Fields are in the order of their text, which the first print may have changed ("a==" is
	 * printed "a="). */
	if (parse(first, &again) == 0) {
		kt_auto_free char *second = kt_selector_text(again);

		kt_selector_destroy(again);
		kt_assert(strlen(first) == strlen(second));
		kt_assert(parse(second, &again) == 0);
		kt_auto_free char *third = kt_selector_text(again);
		kt_assert(strcmp(second, third) == 0);
		kt_selector_destroy(again);
	}
	kt_selector_matches_labels(selector, NULL);
	kt_selector_destroy(selector);
}

static int parse_labels(const char *text, struct kt_selector **ret_selector)
{
	return kt_selector_parse(text, ret_selector, NULL);
}

static int parse_fields(const char *text, struct kt_selector **ret_selector)
{
	return kt_field_selector_parse(text, NULL, ret_selector, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	kt_auto_free char *text = kt_strndup((const char *)data, size);

	check(text, parse_labels);
	check(text, parse_fields);
	return 0;
}
