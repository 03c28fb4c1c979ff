/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz: kt_api */
/* A template, evaluated on a small document. */
#include "fuzz/fuzz.h"

#include "api/expr/jsonpath.h"

static const char document[] = "{\"a\":{\"b\":[1,2.5,\"x\",null,true,{\"c\":\"d\",\"n\":3},{\"c\":"
                               "\"e\"}]},\"k.l/m\":\"v\"}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	kt_auto_free char *text = kt_strndup((const char *)data, size);
	kt_auto_json json_t *tree = kt_json_parse(KT_SV(document), NULL, NULL);
	struct kt_jsonpath *path;

	for (int relaxed = 0; relaxed < 2; relaxed++) {
		kt_auto_str out = KT_STR_INIT;
		kt_auto_err err = KT_ERR_INIT;

		if (kt_jsonpath_parse(text, relaxed, &path, &err) < 0)
			continue;
		kt_jsonpath_print(path, tree, false, &out, &err);
		kt_jsonpath_destroy(path);
	}
	return 0;
}
