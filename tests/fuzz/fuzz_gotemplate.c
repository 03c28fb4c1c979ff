/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz: kt_api */
/* A template, printed for a small document. */
#include "fuzz/fuzz.h"

#include "api/expr/gotemplate.h"

static const char document[] =
        "{\"a\":{\"b\":[1,2.5,\"x\",null,true,{\"c\":\"d\",\"n\":3}]},\"s\":\"text\"}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	kt_auto_free char *text = kt_strndup((const char *)data, size);
	kt_auto_json json_t *tree = kt_json_parse(KT_SV(document), NULL, NULL);
	kt_auto_str out = KT_STR_INIT;
	kt_auto_err err = KT_ERR_INIT;
	struct kt_gotemplate *template;

	if (kt_gotemplate_parse(text, &template, &err) < 0)
		return 0;
	if (kt_gotemplate_print(template, tree, &out, &err) < 0 && !err.code)
		__builtin_trap();
	kt_gotemplate_destroy(template);
	return 0;
}
