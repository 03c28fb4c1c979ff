/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The public side: compile, inspect, evaluate. */
#include "api/expr/cel_internal.h"

#include <errno.h>

static void add_snippet(struct cel_errors *errors, const char *line, size_t len, size_t column)
{
	kt_str_printf(&errors->out, "\n | %.*s\n | ", (int)len, line);
	for (size_t i = 0; i < column; i++)
		kt_str_putc(&errors->out, '.');
	kt_str_putc(&errors->out, '^');
}

void cel_error_add(struct cel_errors *errors, uint32_t pos, const char *fmt, ...)
{
	size_t line = 1, start = 0;
	va_list ap;

	if (errors->n++ >= 20)
		return;
	for (size_t i = 0; i < pos && errors->text[i]; i++)
		if (errors->text[i] == '\n') {
			line++;
			start = i + 1;
		}
	if (errors->n > 1)
		kt_str_putc(&errors->out, '\n');
	kt_str_printf(&errors->out, "ERROR: <input>:%zu:%zu: ", line,
	        *errors->text ? pos - start + 1 : 0);
	va_start(ap, fmt);
	kt_str_vprintf(&errors->out, fmt, ap);
	va_end(ap);
	if (*errors->text)
		add_snippet(errors, errors->text + start, strcspn(errors->text + start, "\n"),
		        pos - start);
}

static void copy_variables(struct kt_cel *cel, const struct kt_cel_env *env)
{
	struct kt_cel_variable *variables =
	        kt_arena_alloc(&cel->arena, (env->n_variables + 1) * sizeof(*variables));

	for (size_t i = 0; i < env->n_variables; i++) {
		variables[i] = env->variables[i];
		variables[i].name = kt_arena_strdup(&cel->arena, env->variables[i].name);
	}
	cel->variables = variables;
	cel->n_variables = env->n_variables;
}

int kt_cel_compile(
        const char *text, const struct kt_cel_env *env, struct kt_cel **ret_cel, struct kt_err *err)
{
	struct kt_cel *cel;
	struct cel_errors errors = {0};
	int code = 0;

	if (strlen(text) > KT_CEL_LENGTH_MAX)
		return kt_fail(err, E2BIG,
		        "expression code point size exceeds limit: size: %zu, limit %d",
		        strlen(text), KT_CEL_LENGTH_MAX);
	cel = kt_new(struct kt_cel);
	kt_arena_init(&cel->arena);
	cel->text = errors.text = kt_arena_strdup(&cel->arena, text);
	copy_variables(cel, env);
	cel->root = cel_parse(&cel->arena, cel->text, &errors);
	if (cel->root)
		cel_check(cel, env, &errors);
	if (errors.n) {
		code = kt_fail(err, EINVAL, "%s", kt_str_text(&errors.out));
		kt_cel_destroy(cel);
	} else {
		*ret_cel = cel;
	}
	kt_str_finish(&errors.out);
	return code;
}

void kt_cel_destroy(struct kt_cel *cel)
{
	if (!cel)
		return;
	for (size_t i = 0; i < cel->regexes.n; i++)
		kt_regex_destroy(cel->regexes.items[i]);
	kt_vec_finish(&cel->regexes);
	kt_arena_finish(&cel->arena);
	free(cel);
}

const char *kt_cel_type(const struct kt_cel *cel)
{
	return cel->type_text;
}

static bool uses(const struct cel_node *node, const char *name)
{
	if (node->kind == NODE_IDENT && !strcmp(node->text, name))
		return true;
	if (node->filter && uses(node->filter, name))
		return true;
	for (size_t i = 0; i < node->n_args; i++)
		if (uses(node->args[i], name))
			return true;
	return false;
}

bool kt_cel_uses(const struct kt_cel *cel, const char *variable)
{
	return uses(cel->root, variable);
}

static int evaluate(const struct kt_cel *cel, struct kt_cel_run *host, struct cel_run *run,
        struct cel_value *ret_value, struct kt_err *err)
{
	int code;

	run->cel = cel;
	run->host = host;
	run->cost_max = host->cost_max ? host->cost_max : KT_CEL_COST_MAX;
	code = cel_eval_node(run, cel->root, ret_value);
	host->cost = run->cost;
	if (code < 0)
		kt_fail(err, -code, "%s", run->error ? run->error : "evaluation failed");
	return code;
}

int kt_cel_eval(
        const struct kt_cel *cel, struct kt_cel_run *run, json_t **ret_value, struct kt_err *err)
{
	kt_auto_arena arena = {0};
	struct cel_run inner = {.arena = &arena};
	struct cel_value value;
	int code = evaluate(cel, run, &inner, &value, err);

	if (code == 0)
		*ret_value = cel_to_json(&value);
	return code;
}

int kt_cel_test(const struct kt_cel *cel, struct kt_cel_run *run, struct kt_err *err)
{
	kt_auto_arena arena = {0};
	struct cel_run inner = {.arena = &arena};
	struct cel_value value;
	int code = evaluate(cel, run, &inner, &value, err);

	if (code < 0)
		return code;
	if (value.kind != CEL_BOOL)
		return kt_fail(
		        err, EINVAL, "expected a bool but got %s", cel_kind_name(value.kind));
	return value.b;
}
