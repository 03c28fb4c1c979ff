/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz: kt_api */
/* An expression, compiled and evaluated on a small document within its cost limit. */
#include "fuzz/fuzz.h"

#include "api/expr/cel.h"

static const char document[] =
        "{\"a\":1,\"b\":[1,2.5,\"x\",null,true],\"s\":\"text\",\"m\":{\"k\":\"v\",\"n\":{}}}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct kt_cel_variable variables[] = {
	        {.name = "self"}, {.name = "old", .optional = true}};
	const struct kt_cel_env env = {.variables = variables, .n_variables = 2};
	kt_auto_free char *text = kt_strndup((const char *)data, size);
	kt_auto_json json_t *tree = kt_json_parse(KT_SV(document), NULL, NULL);
	const struct kt_cel_binding bindings[] = {{"self", tree}, {"old", NULL}};
	struct kt_cel_run run = {.bindings = bindings, .n_bindings = 2, .cost_max = 20000};
	kt_auto_cel struct kt_cel *cel = NULL;
	kt_auto_json json_t *result = NULL;
	kt_auto_err err = KT_ERR_INIT;

	if (kt_cel_compile(text, &env, &cel, &err) == 0)
		kt_cel_eval(cel, &run, &result, &err);
	return 0;
}
