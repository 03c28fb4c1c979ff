/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * CEL, the Common Expression Language, with the libraries Kubernetes adds: strings, lists, sets,
 * regex, url, quantity, ip, cidr, format, semver, authorizer, optionals, two-variable
 * comprehensions. Compiled once against what names mean (a schema, or anything), then evaluated any
 * number of times on JSON trees. Errors are worded as upstream words them.
 *
 * A compiled expression is immutable; any thread may evaluate. Evaluation allocates in an arena of
 * its own and has a cost limit; size and depth of an expression are limited. Type checking is
 * lighter than upstream's: where it does not know it says dyn. Source: the CEL language definition,
 * Kubernetes' "Common Expression Language" reference.
 */
#ifndef KT_API_EXPR_CEL_H
#define KT_API_EXPR_CEL_H

#include "api/schema/schema.h"
#include "base/err.h"
#include "base/json.h"

#define KT_CEL_LENGTH_MAX 16384
#define KT_CEL_DEPTH_MAX 100
#define KT_CEL_COST_MAX 1000000 /* per expression, as for one validation rule */

struct kt_cel;

/* A name an expression may use. */
struct kt_cel_variable {
	const char *name;
	const struct kt_type *type; /* NULL: dyn */
	bool optional;              /* optional(type): oldSelf with optionalOldSelf */
	bool authorizer;            /* Kubernetes' Authorizer; needs no binding */
};

struct kt_cel_env {
	const struct kt_cel_variable *variables;
	size_t n_variables;
	/* Fields of the `variables` object of an admission policy, NULL-terminated; NULL: there is
	 * none. */
	const char *const *policy_variables;
};

/* err: "ERROR: <input>:1:5: undefined field 'b'\n | self.b > 1\n | ....^", several joined by
 * newlines. */
int kt_cel_compile(const char *text, const struct kt_cel_env *env, struct kt_cel **ret_cel,
        struct kt_err *err);
void kt_cel_destroy(struct kt_cel *cel); /* NULL is ignored */
KT_DEFINE_CLEANUP(struct kt_cel, kt_cel_destroy)
#define kt_auto_cel __attribute__((cleanup(kt_cel_destroy_p)))

/* The type the checker found: "bool", "int", "string", "list(int)", "dyn", …; lives with cel. */
const char *kt_cel_type(const struct kt_cel *cel);
/* Does the expression mention the variable? */
bool kt_cel_uses(const struct kt_cel *cel, const char *variable);

/* The value of a variable. value NULL with an optional variable: optional.none(). */
struct kt_cel_binding {
	const char *name;
	const json_t *value;
};

/* What an expression asks the authorizer: may somebody do something with a resource or, with path,
 * a path? NULL is absent. */
struct kt_cel_question {
	const char *verb, *group, *resource, *subresource, *namespace, *name;
	const char *field_selector, *label_selector, *path;
	const char *account_namespace,
	        *account; /* a service account; NULL: who makes the request */
};

struct kt_cel_run {
	const struct kt_cel_binding *bindings;
	size_t n_bindings;
	/* Values of `variables.NAME`; called at most once per name and run by the caller's own
	 * cache. NULL: undefined. */
	const json_t *(*policy_variable)(void *arg, const char *name, struct kt_err *err);
	void *arg;
	/* *ret_reason: heap or NULL. NULL: there is no authorizer. */
	bool (*authorize)(void *arg, const struct kt_cel_question *question, char **ret_reason);
	void *authorize_arg;
	const struct kt_cel_question *request_resource; /* authorizer.requestResource */
	uint64_t cost_max;                              /* 0: KT_CEL_COST_MAX */
	uint64_t cost;                                  /* out: what was spent */
	int64_t now_ns; /* unused by the language itself; kept for hosts that bind a clock */
};

/* The result as JSON (timestamps, durations, quantities, … as their text; optional.none() as null).
 * -EOVERFLOW: cost limit. */
int kt_cel_eval(
        const struct kt_cel *cel, struct kt_cel_run *run, json_t **ret_value, struct kt_err *err);
/* The same for a condition: 1, 0 or negative; another type is an error. */
int kt_cel_test(const struct kt_cel *cel, struct kt_cel_run *run, struct kt_err *err);

/* An upper bound of what an evaluation may cost, from the limits of the schemas of its variables;
 * how many values a type may hold at most in one request, and whether that is a limit of its own;
 * how many values of the type one request may hold. Estimates follow upstream's ideas, not its
 * every number. */
double kt_cel_estimate(const struct kt_cel *cel);
double kt_cel_estimate_size(const struct kt_type *type);
bool kt_cel_size_is_limited(const struct kt_type *type);
double kt_cel_estimate_count(const struct kt_type *type);

#endif
