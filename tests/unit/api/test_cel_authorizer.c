/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CEL's authorizer library: what reaches the host, and what an expression sees of its answer. */
#include "support/support.h"

#include "api/expr/cel.h"

static const struct kt_cel_variable variables[] = {{.name = "authorizer", .authorizer = true}};
static const struct kt_cel_env env = {.variables = variables, .n_variables = 1};

static const char *text(const char *text_or_null)
{
	return text_or_null ? text_or_null : "";
}

/* Allows the verb "get" and keeps the question as text. */
static bool authorize(void *arg, const struct kt_cel_question *q, char **ret_reason)
{
	char **asked = arg;

	free(*asked);
	*asked = kt_asprintf("%s %s/%s/%s %s/%s %s %s:%s", q->verb, text(q->group),
	        text(q->resource), text(q->subresource), text(q->namespace), text(q->name),
	        text(q->path), text(q->account_namespace), text(q->account));
	*ret_reason = kt_strdup("because");
	return !strcmp(q->verb, "get");
}

static void test_questions(void **state)
{
	static const struct {
		const char *expression, *asked;
		int result;
	} cases[] = {
	        {"authorizer.group('apps').resource('deployments').namespace('n').name('d')"
	         ".subresource('scale').check('get').allowed()",
	                "get apps/deployments/scale n/d  :", 1},
	        {"authorizer.path('/healthz').check('post').allowed()", "post // / /healthz :", 0},
	        {"authorizer.serviceAccount('n', 'robot').group('').resource('pods').check('get')"
	         ".reason() == 'because'",
	                "get /pods/ /  n:robot", 1},
	        {"authorizer.requestResource.check('get').errored()", "get batch/jobs/ n/j  :", 0},
	        {"authorizer.requestResource.namespace('m').check('get').error() == ''",
	                "get batch/jobs/ m/j  :", 1},
	};
	static const struct kt_cel_question own = {
	        .group = "batch", .resource = "jobs", .namespace = "n", .name = "j"};

	(void)state;
	for (size_t i = 0; i < KT_ARRAY_SIZE(cases); i++) {
		kt_auto_err err = KT_ERR_INIT;
		kt_auto_cel struct kt_cel *cel = NULL;
		kt_auto_free char *asked = NULL;
		struct kt_cel_run run = {
		        .authorize = authorize, .authorize_arg = &asked, .request_resource = &own};

		assert_int_equal(kt_cel_compile(cases[i].expression, &env, &cel, &err), 0);
		assert_string_equal(kt_cel_type(cel), "bool");
		assert_int_equal(kt_cel_test(cel, &run, &err), cases[i].result);
		assert_string_equal(asked, cases[i].asked);
	}
}

static void test_refusals(void **state)
{
	static const struct {
		const char *expression, *compile, *run;
	} cases[] = {
	        {"authorizer.group(1)", "found no matching overload", NULL},
	        {"authorizer.check('get').allowed()", "found no matching overload", NULL},
	        {"authorizer.user == 'x'",
	                "type 'kubernetes.authorization.Authorizer' does not support field "
	                "selection",
	                NULL},
	        {"authorizer.path('').check('get').allowed()", NULL, "path must not be empty"},
	        {"authorizer.serviceAccount('N', 'x').path('/').check('get').allowed()", NULL,
	                "Invalid service account namespace"},
	        {"authorizer.requestResource.check('get').allowed()", NULL,
	                "no such attribute(s): authorizer.requestResource"},
	};

	(void)state;
	for (size_t i = 0; i < KT_ARRAY_SIZE(cases); i++) {
		kt_auto_err err = KT_ERR_INIT;
		kt_auto_cel struct kt_cel *cel = NULL;
		struct kt_cel_run run = {0};
		int compiled = kt_cel_compile(cases[i].expression, &env, &cel, &err);

		assert_int_equal(compiled < 0, cases[i].compile != NULL);
		if (compiled == 0)
			assert_true(kt_cel_test(cel, &run, &err) < 0);
		assert_non_null(strstr(
		        kt_err_message(&err), cases[i].compile ? cases[i].compile : cases[i].run));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_questions),
	        cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
