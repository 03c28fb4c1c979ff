/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/expr/gotemplate_internal.h"

#include <errno.h>

struct variable {
	const char *name;
	json_t *value;
};

struct run {
	const struct kt_gotemplate *template;
	struct kt_str *out;
	KT_VEC(struct variable) variables;
	unsigned steps;
	int depth;
	struct kt_err *err;
};

enum outcome { FAILED = -1, DONE, BROKEN, CONTINUED };

/* `template: output:1:2: executing "output" at <.a.b>: …` */
static int fail_at(struct run *run, size_t at, size_t start, size_t end, const char *why)
{
	const char *source = run->template->source;
	size_t line = 1, line_start = 0;

	for (size_t i = 0; i < at; i++) {
		if (source[i] != '\n')
			continue;
		line++;
		line_start = i + 1;
	}
	return kt_fail(run->err, EINVAL,
	        "template: output:%zu:%zu: executing \"output\" at <%.*s>: %s", line,
	        at - line_start, (int)(end - start), source + start, why);
}

static int fail_operand(struct run *run, const struct gt_operand *operand, const char *why)
{
	return fail_at(run, operand->at, operand->start, operand->end, why);
}

static int step(struct run *run, size_t at)
{
	return ++run->steps > GT_STEPS_MAX ? fail_at(run, at, at, at, "too many steps") : 0;
}

static void set_variable(struct run *run, const char *name, const json_t *value)
{
	struct variable variable = {name, json_incref((json_t *)(uintptr_t)value)};

	kt_vec_push(&run->variables, variable);
}

static void assign_variable(struct run *run, const char *name, const json_t *value)
{
	for (size_t i = run->variables.n; i-- > 0;) {
		struct variable *variable = &run->variables.items[i];

		if (strcmp(variable->name, name) != 0)
			continue;
		json_decref(variable->value);
		variable->value = json_incref((json_t *)(uintptr_t)value);
		return;
	}
}

static void drop_variables(struct run *run, size_t n)
{
	while (run->variables.n > n)
		json_decref(run->variables.items[--run->variables.n].value);
}

static json_t *variable_value(const struct run *run, const char *name)
{
	for (size_t i = run->variables.n; i-- > 0;)
		if (!strcmp(run->variables.items[i].name, name))
			return json_incref(run->variables.items[i].value);
	return json_null();
}

/* Values; a missing one is null. New references, NULL with an error. */

static json_t *evaluate_pipe(struct run *run, const struct gt_pipe *pipe, json_t *dot);

static json_t *walk(struct run *run, const struct gt_operand *operand, json_t *value)
{
	for (const struct gt_field *field = operand->fields; field; field = field->next) {
		json_t *inner = json_object_get(value, field->name);

		if (!json_is_object(value) && !json_is_null(value)) {
			kt_auto_free char *why = kt_asprintf(
			        "can't evaluate field %s in type interface {}", field->name);

			fail_operand(run, operand, why);
			json_decref(value);
			return NULL;
		}
		inner = inner ? json_incref(inner) : json_null();
		json_decref(value);
		value = inner;
	}
	return value;
}

static json_t *evaluate_operand(struct run *run, const struct gt_operand *operand, json_t *dot);

/* and, or: what follows is looked at only while it can matter. */
static json_t *evaluate_lazily(
        struct run *run, const struct gt_operand *function, json_t *dot, const json_t *final)
{
	bool stop_at = !strcmp(function->name, "or");
	json_t *value = NULL;

	for (const struct gt_operand *o = function->next; o; o = o->next) {
		json_decref(value);
		value = evaluate_operand(run, o, dot);
		if (!value || gt_truth(value) == stop_at)
			return value;
	}
	if (!final && !value) {
		kt_auto_free char *why = kt_asprintf(
		        "wrong number of args for %s: want at least 1 got 0", function->name);

		fail_operand(run, function, why);
		return NULL;
	}
	if (!final)
		return value;
	json_decref(value);
	return json_incref((json_t *)(uintptr_t) final);
}

static json_t *evaluate_call(
        struct run *run, const struct gt_command *command, json_t *dot, const json_t *final)
{
	const struct gt_operand *function = command->operands;
	size_t end = command->end;
	json_t *result = NULL;
	KT_VEC(json_t *) args = {0};
	kt_auto_err why = KT_ERR_INIT;

	if (!strcmp(function->name, "and") || !strcmp(function->name, "or"))
		return evaluate_lazily(run, function, dot, final);
	for (const struct gt_operand *o = function->next; o; o = o->next) {
		json_t *value = evaluate_operand(run, o, dot);

		if (!value)
			goto out;
		kt_vec_push(&args, value);
	}
	if (final)
		kt_vec_push(&args, json_incref((json_t *)(uintptr_t) final));
	result = gt_call(function->name, args.items, args.n, &why);
	if (!result)
		fail_at(run, function->at, command->start, end, kt_err_message(&why));
out:
	for (size_t i = 0; i < args.n; i++)
		json_decref(args.items[i]);
	kt_vec_finish(&args);
	return result;
}

static json_t *evaluate_operand(struct run *run, const struct gt_operand *operand, json_t *dot)
{
	struct gt_command alone = {
	        (struct gt_operand *)(uintptr_t)operand, operand->start, operand->end, NULL};
	struct gt_operand single;
	json_t *value = NULL;

	if (step(run, operand->at) < 0)
		return NULL;
	switch (operand->kind) {
	case GT_DOT:
		return walk(run, operand, json_incref(dot));
	case GT_VARIABLE:
		return walk(run, operand, variable_value(run, operand->name));
	case GT_LITERAL:
		return json_incref(operand->literal);
	case GT_NIL:
		return json_null();
	case GT_PARENS:
		value = evaluate_pipe(run, operand->parens, dot);
		return value ? walk(run, operand, value) : NULL;
	case GT_FUNCTION:
		single = *operand; /* as an argument it has none itself */
		single.next = NULL;
		alone.operands = &single;
		return evaluate_call(run, &alone, dot, NULL);
	}
	return NULL;
}

static json_t *evaluate_command(
        struct run *run, const struct gt_command *command, json_t *dot, const json_t *final)
{
	const struct gt_operand *first = command->operands;

	if (first->kind == GT_FUNCTION)
		return evaluate_call(run, command, dot, final);
	if (first->kind == GT_NIL) {
		fail_operand(run, first, "nil is not a command");
		return NULL;
	}
	if (first->next || final) {
		const struct gt_field *last = first->fields;

		while (last && last->next)
			last = last->next;
		kt_auto_free char *why =
		        last ? kt_asprintf("%s is not a method but has arguments", last->name)
		             : kt_asprintf("can't give argument to non-function %.*s",
		                       (int)(first->end - first->start),
		                       run->template->source + first->start);

		fail_operand(run, first, why);
		return NULL;
	}
	return evaluate_operand(run, first, dot);
}

static json_t *evaluate_pipe(struct run *run, const struct gt_pipe *pipe, json_t *dot)
{
	json_t *value = NULL;

	for (const struct gt_command *c = pipe->commands; c; c = c->next) {
		json_t *next = evaluate_command(run, c, dot, value);

		json_decref(value);
		value = next;
		if (!value)
			return NULL;
	}
	return value;
}

/* The variables of a pipeline that is no range's. */
static void declare(struct run *run, const struct gt_pipe *pipe, const json_t *value)
{
	for (int i = 0; i < pipe->n_variables; i++) {
		if (pipe->assigns)
			assign_variable(run, pipe->variables[i], value);
		else
			set_variable(run, pipe->variables[i], value);
	}
}

/* Nodes */

static enum outcome run_list(struct run *run, const struct gt_node *node, json_t *dot);

static enum outcome run_branch(struct run *run, const struct gt_node *node, json_t *dot)
{
	size_t scope = run->variables.n;
	kt_auto_json json_t *value = evaluate_pipe(run, node->pipe, dot);
	enum outcome outcome;

	if (!value)
		return FAILED;
	declare(run, node->pipe, value);
	if (gt_truth(value))
		outcome = run_list(run, node->body, node->kind == GT_WITH ? value : dot);
	else
		outcome = run_list(run, node->otherwise, dot);
	drop_variables(run, scope);
	return outcome;
}

static enum outcome run_round(
        struct run *run, const struct gt_node *node, json_t *key, json_t *value)
{
	const struct gt_pipe *pipe = node->pipe;
	size_t scope = run->variables.n;

	if (step(run, pipe->start) < 0)
		return FAILED;
	json_t *const values[] = {pipe->n_variables == 2 ? key : value, value};

	for (int i = 0; i < pipe->n_variables; i++) {
		if (pipe->assigns)
			assign_variable(run, pipe->variables[i], values[i]);
		else
			set_variable(run, pipe->variables[i], values[i]);
	}
	enum outcome outcome = run_list(run, node->body, value);

	drop_variables(run, scope);
	return outcome;
}

static enum outcome run_over_map(struct run *run, const struct gt_node *node, json_t *map)
{
	const char **keys = kt_new_array(const char *, json_object_size(map) + 1), *key;
	enum outcome outcome = DONE;
	json_t *value;
	size_t n = 0;

	json_object_foreach(map, key, value)
		keys[n++] = key;
	qsort(keys, n, sizeof(*keys), kt_strp_cmp);
	for (size_t i = 0; i < n && outcome != FAILED && outcome != BROKEN; i++) {
		kt_auto_json json_t *name = json_string(keys[i]);

		outcome = run_round(run, node, name, json_object_get(map, keys[i]));
	}
	free(keys);
	return outcome == FAILED ? FAILED : DONE;
}

static enum outcome run_over_list(struct run *run, const struct gt_node *node, json_t *value)
{
	size_t n =
	        json_is_integer(value) ? (size_t)json_integer_value(value) : json_array_size(value);
	enum outcome outcome = DONE;

	for (size_t i = 0; i < n && outcome != FAILED && outcome != BROKEN; i++) {
		kt_auto_json json_t *number = json_integer((json_int_t)i);

		outcome = run_round(run, node, number,
		        json_is_integer(value) ? number : json_array_get(value, i));
	}
	return outcome == FAILED ? FAILED : DONE;
}

static enum outcome run_range(struct run *run, const struct gt_node *node, json_t *dot)
{
	kt_auto_json json_t *value = evaluate_pipe(run, node->pipe, dot);
	bool count = json_is_integer(value);

	if (!value)
		return FAILED;
	if (!count && !json_is_array(value) && !json_is_object(value) && !json_is_null(value)) {
		kt_auto_str text = KT_STR_INIT;

		gt_print(&text, value);
		kt_auto_free char *why =
		        kt_asprintf("range can't iterate over %s", kt_str_text(&text));

		fail_at(run, node->pipe->commands->operands->at,
		        node->pipe->commands->operands->start, node->pipe->end, why);
		return FAILED;
	}
	if (count ? json_integer_value(value) <= 0
	          : !json_array_size(value) && !json_object_size(value))
		return run_list(run, node->otherwise, dot);
	return json_is_object(value) ? run_over_map(run, node, value)
	                             : run_over_list(run, node, value);
}

static enum outcome run_template(struct run *run, const struct gt_node *node, json_t *dot)
{
	const struct gt_definition *definition = run->template->definitions;
	size_t scope = run->variables.n;
	kt_auto_json json_t *value = node->pipe ? evaluate_pipe(run, node->pipe, dot) : json_null();

	while (definition && strcmp(definition->name, node->text) != 0)
		definition = definition->next;
	if (!definition) {
		kt_auto_free char *why = kt_asprintf("template \"%s\" not defined", node->text);

		fail_at(run, node->at, node->start, node->end, why);
		return FAILED;
	}
	if (!value)
		return FAILED;
	if (++run->depth > GT_DEPTH_MAX) {
		fail_at(run, node->at, node->start, node->end, "exceeded maximum template depth");
		return FAILED;
	}
	set_variable(run, "$", value);
	enum outcome outcome = run_list(run, definition->body, value);

	drop_variables(run, scope);
	run->depth--;
	return outcome;
}

static enum outcome run_action(struct run *run, const struct gt_node *node, json_t *dot)
{
	kt_auto_json json_t *value = evaluate_pipe(run, node->pipe, dot);

	if (!value)
		return FAILED;
	declare(run, node->pipe, value);
	if (!node->pipe->n_variables)
		gt_print(run->out, value);
	return DONE;
}

static enum outcome run_node(struct run *run, const struct gt_node *node, json_t *dot)
{
	switch (node->kind) {
	case GT_TEXT:
		kt_str_add(run->out, node->text, node->len);
		return DONE;
	case GT_ACTION:
		return run_action(run, node, dot);
	case GT_IF:
	case GT_WITH:
		return run_branch(run, node, dot);
	case GT_RANGE:
		return run_range(run, node, dot);
	case GT_TEMPLATE:
		return run_template(run, node, dot);
	case GT_BREAK:
		return BROKEN;
	case GT_CONTINUE:
		return CONTINUED;
	}
	return DONE;
}

static enum outcome run_list(struct run *run, const struct gt_node *node, json_t *dot)
{
	enum outcome outcome = DONE;

	for (; node && outcome == DONE; node = node->next)
		outcome = step(run, node->at) < 0 ? FAILED : run_node(run, node, dot);
	return outcome;
}

int kt_gotemplate_print(const struct kt_gotemplate *template, const json_t *data,
        struct kt_str *out, struct kt_err *err)
{
	struct run run = {.template = template, .out = out, .err = err};
	kt_auto_json json_t *dot = json_incref((json_t *)(uintptr_t)data);

	set_variable(&run, "$", dot);
	enum outcome outcome = run_list(&run, template->root, dot);

	drop_variables(&run, 0);
	kt_vec_finish(&run.variables);
	return outcome == FAILED ? err->code : 0;
}
