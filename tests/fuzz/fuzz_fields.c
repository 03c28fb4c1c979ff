/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz: kt_api */
/* What clients write into managedFields, and three patches of one document by another, through the
 * Pod's type. */
#include "fuzz/fuzz.h"

#include "api/machinery/managed.h"
#include "api/machinery/patch.h"

static void patch_all(const json_t *document, const json_t *patch, const struct kt_type *type)
{
	json_decref(kt_patch_json(document, patch, NULL));
	json_decref(kt_patch_merge(document, patch, NULL));
	json_decref(kt_patch_strategic(document, patch, type, NULL));
	if (json_is_object(document) && json_is_object(patch))
		json_decref(kt_diff_three_way(document, patch, document, type, NULL));
}

/* The input is two JSON values, one behind the other, parted by a newline. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct kt_kind *kind = kt_builtin_kind("", "v1", "Pod");
	struct kt_apply apply = {.type = kind->type,
	        .kind = kind,
	        .api_version = "v1",
	        .manager = "fuzz",
	        .now_ns = 1};
	const char *text = (const char *)data;
	const char *middle = size ? memchr(text, '\n', size) : NULL;
	size_t len = middle ? (size_t)(middle - text) : size;
	kt_auto_json json_t *a = kt_json_parse((struct kt_sv){text, len}, NULL, NULL);
	kt_auto_json json_t *b =
	        middle ? kt_json_parse((struct kt_sv){middle + 1, size - len - 1}, NULL, NULL)
	               : NULL;

	if (!a || !b)
		return 0;
	patch_all(a, b, kind->type);
	if (!json_is_object(a) || !json_is_object(b))
		return 0;
	json_decref(kt_apply_merge(&apply, a, b, NULL));
	kt_managed_update(&apply, b, a, NULL);
	return 0;
}
