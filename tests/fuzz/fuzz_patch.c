/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz: kt_api */
/* A document and a patch behind a NUL, put together in all three ways: what comes of them can be
 * written and read back. */
#include "fuzz/fuzz.h"

#include "api/machinery/patch.h"
#include "api/schema/schema.h"
#include "base/log.h"
#include "base/mem.h"

static void check(json_t *result)
{
	kt_auto_str text = KT_STR_INIT;

	if (!result)
		return;
	kt_json_write(&text, result, 0);
	kt_auto_json json_t *back = kt_json_parse((struct kt_sv){text.data, text.len}, NULL, NULL);
	/* a number may be written as what is too large to be read */
	kt_assert(back || strchr(kt_str_text(&text), 'e') || strchr(kt_str_text(&text), 'E'));
	json_decref(result);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
	const struct kt_kind *kind = kt_builtin_kind("", "v1", "Pod");

	kt_assert(kind);
	if (!nul)
		return 0;
	size_t len = (size_t)(nul - data);
	kt_auto_json json_t *document =
	        kt_json_parse((struct kt_sv){(const char *)data, len}, NULL, NULL);
	kt_auto_json json_t *patch =
	        kt_json_parse((struct kt_sv){(const char *)nul + 1, size - len - 1}, NULL, NULL);
	if (!document || !patch)
		return 0;
	check(kt_patch_json(document, patch, NULL));
	check(kt_patch_merge(document, patch, NULL));
	if (json_is_object(document) && json_is_object(patch))
		check(kt_patch_strategic(document, patch, kind->type, NULL));
	return 0;
}
