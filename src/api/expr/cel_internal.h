/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the cel*.c files share. */
#ifndef KT_API_EXPR_CEL_INTERNAL_H
#define KT_API_EXPR_CEL_INTERNAL_H

#include "api/expr/cel.h"
#include "api/expr/regex.h"
#include "api/machinery/names.h"
#include "api/machinery/quantity.h"
#include "base/mem.h"
#include "base/vec.h"

enum cel_kind {
	CEL_DYN, /* only as a static type */
	CEL_NULL,
	CEL_BOOL,
	CEL_INT,
	CEL_UINT,
	CEL_DOUBLE,
	CEL_STRING,
	CEL_BYTES,
	CEL_LIST,
	CEL_MAP,
	CEL_OBJECT, /* only as a static type; its values are maps */
	CEL_TIMESTAMP,
	CEL_DURATION,
	CEL_TYPE,
	CEL_OPTIONAL,
	CEL_QUANTITY,
	CEL_URL,
	CEL_IP,
	CEL_CIDR,
	CEL_SEMVER,
	CEL_FORMAT,
	CEL_AUTHORIZER,
	CEL_PATH_CHECK,
	CEL_GROUP_CHECK,
	CEL_RESOURCE_CHECK,
	CEL_DECISION,
	CEL_KINDS
};

/* A static type. */
struct cel_type {
	enum cel_kind kind;
	const struct cel_type *a; /* element, key, or what is optional */
	const struct cel_type *b; /* map value */
	const struct kt_type
	        *schema; /* of an object its fields; of others what bounds their size, or NULL */
};

struct cel_list;
struct cel_map;
struct cel_url;

struct cel_ip {
	uint8_t bytes[16];
	int family;
	int prefix_len; /* CIDR */
};

struct cel_semver {
	int64_t major, minor, patch;
	struct kt_sv pre; /* "" or what stands behind '-' */
};

struct cel_decision {
	bool allowed;
	const char *reason;
};

struct cel_value {
	enum cel_kind kind;
	union {
		bool b;
		int64_t i; /* INT; TIMESTAMP and DURATION in nanoseconds */
		uint64_t u;
		double d;
		struct kt_sv s; /* STRING, BYTES */
		enum cel_kind type;
		const struct cel_list *list;
		const struct cel_map *map;
		const struct cel_value *optional; /* NULL: none */
		const struct kt_quantity *quantity;
		const struct cel_url *url;
		const struct cel_ip *ip;
		const struct cel_semver *semver;
		const struct kt_cel_question *question; /* AUTHORIZER and the checks */
		const struct cel_decision *decision;
		const char *format; /* a name of names.h's table */
	};
};

/* From JSON or made: items is NULL for JSON. */
struct cel_list {
	const json_t *json;
	const struct kt_type *elem;
	struct cel_value *items;
	size_t n;
};

struct cel_map {
	const json_t *json;
	const struct kt_type *type;      /* OBJECT or MAP; NULL: free-form */
	struct cel_value *keys, *values; /* made */
	size_t n;
};

struct cel_url {
	struct kt_sv scheme, host, hostname, port, path, query;
	struct kt_sv text;
};

enum cel_node_kind {
	NODE_LITERAL,
	NODE_IDENT,
	NODE_SELECT, /* args[0].text */
	NODE_CALL,   /* text(args…); member: args[0] is the target */
	NODE_LIST,
	NODE_MAP, /* args: key, value, key, value … */
	NODE_MACRO,
};

enum cel_macro {
	MACRO_ALL,
	MACRO_EXISTS,
	MACRO_EXISTS_ONE,
	MACRO_MAP,
	MACRO_FILTER,
	MACRO_TRANSFORM_LIST,
	MACRO_TRANSFORM_MAP,
	MACRO_TRANSFORM_MAP_ENTRY,
	MACRO_BIND,
	MACRO_OPT_MAP,
	MACRO_OPT_FLAT_MAP,
};

struct cel_function;

struct cel_node {
	enum cel_node_kind kind;
	uint32_t pos; /* byte offset in the text, for errors */
	const char *text;
	struct cel_value literal;
	struct cel_node **args;
	size_t n_args;
	bool member, test_only, optional; /* target.f(), has(), .?f and [?i] */
	bool *optional_items;             /* [?x], {?k: v} */
	enum cel_macro macro;
	const char *var, *var2;
	struct cel_node *filter;             /* of map() and transform*(); NULL: none */
	const struct cel_function *function; /* first overload of that name */
	struct kt_regex *regex;              /* of a literal pattern */
	const struct cel_type *type;
};

struct kt_cel {
	struct kt_arena arena;
	const char *text;
	struct cel_node *root;
	const char *type_text;
	KT_VEC(struct kt_regex *) regexes;
	const struct kt_cel_variable *variables;
	size_t n_variables;
};

/* Errors of a compilation: positions become snippets. */
struct cel_errors {
	const char *text;
	struct kt_str out;
	size_t n;
};
void cel_error_add(struct cel_errors *errors, uint32_t pos, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));

/* cel_parse.c: NULL with errors. */
struct cel_node *cel_parse(struct kt_arena *arena, const char *text, struct cel_errors *errors);
/* cel_check.c: types, function names, regular expressions. */
void cel_check(struct kt_cel *cel, const struct kt_cel_env *env, struct cel_errors *errors);
const struct cel_type *cel_type_of_schema(struct kt_arena *arena, const struct kt_type *schema);
void cel_type_print(struct kt_str *out, const struct cel_type *type);
/* The JSON name behind an identifier of a schema: __namespace__, a__dash__b …; in arena. */
const char *cel_unescape_name(struct kt_arena *arena, const char *name);
const char *cel_kind_name(enum cel_kind kind);

/* One evaluation. */
struct cel_scope {
	const char *name;
	struct cel_value value;
	struct cel_scope *outer;
};
struct cel_run {
	struct kt_arena *arena;
	const struct kt_cel *cel;
	struct kt_cel_run *host;
	struct cel_scope *scope;
	const char *error; /* arena; set when an evaluation returned negative */
	uint64_t cost, cost_max;
	int depth;
};
int cel_fail(struct cel_run *run, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int cel_charge(struct cel_run *run, uint64_t cost);
int cel_eval_node(struct cel_run *run, const struct cel_node *node, struct cel_value *ret_value);

/* cel_value.c */
struct cel_value cel_of_json(struct cel_run *run, const json_t *value, const struct kt_type *type);
json_t *cel_to_json(const struct cel_value *value);
struct cel_value cel_list_at(struct cel_run *run, const struct cel_list *list, size_t i);
size_t cel_map_size(const struct cel_map *map);
/* Walks a map; false at the end. */
struct cel_map_iter {
	size_t i;
	void *it;
	bool started;
};
bool cel_map_next(struct cel_run *run, const struct cel_map *map, struct cel_map_iter *iter,
        struct cel_value *ret_key, struct cel_value *ret_value);
/* false when there is no such key. */
bool cel_map_get(struct cel_run *run, const struct cel_map *map, const struct cel_value *key,
        struct cel_value *ret_value);
bool cel_equal(struct cel_run *run, const struct cel_value *a, const struct cel_value *b);
/* false when the two have no order. */
bool cel_compare(const struct cel_value *a, const struct cel_value *b, int *ret_order);

static inline struct cel_value cel_null(void)
{
	return (struct cel_value){.kind = CEL_NULL};
}
static inline struct cel_value cel_bool(bool b)
{
	return (struct cel_value){.kind = CEL_BOOL, .b = b};
}
static inline struct cel_value cel_int(int64_t i)
{
	return (struct cel_value){.kind = CEL_INT, .i = i};
}
static inline struct cel_value cel_double(double d)
{
	return (struct cel_value){.kind = CEL_DOUBLE, .d = d};
}
static inline struct cel_value cel_sv(struct kt_sv s)
{
	return (struct cel_value){.kind = CEL_STRING, .s = s};
}
struct cel_value cel_string(struct cel_run *run, const char *text, size_t len); /* copies */
struct cel_value cel_str(struct cel_run *run, const struct kt_str *text);
struct cel_value cel_optional(struct cel_run *run, const struct cel_value *value); /* NULL: none */
struct cel_value cel_list_new(struct cel_run *run, size_t n, struct cel_value **ret_items);

/*
 * Functions. A signature is a string of codes, one per argument: b i u d s y (bytes) t (timestamp)
 * D (duration) n L (list(A)) M (map(A, B)) T (type) o (optional(A)) q U (url) P (ip) C (cidr) V
 * (semver) F (format) a (authorizer) p g r (its checks) e (its decision), A and B for any type, *
 * for dyn. Members have their target first.
 */
struct cel_function {
	const char *name;
	bool member;
	const char *args;
	const char *result; /* one code; "LA" list(A), "Ls" list(string), "oA", "os" … */
	int (*call)(struct cel_run *run, const struct cel_value *args, size_t n,
	        struct cel_value *ret_value);
};
/* Tables end with a NULL name and have the overloads of a name one behind the other. */
extern const struct cel_function cel_operators[], cel_conversions[], cel_string_functions[],
        cel_list_functions[], cel_kubernetes_functions[], cel_time_functions[], cel_url_functions[],
        cel_authorizer_functions[];
const struct cel_function *cel_function_find(const char *name, bool member);
/* The kind a code names; false for A, B, *, L, M, o. */
bool cel_code_kind(char code, enum cel_kind *ret_kind);
bool cel_code_fits(char code, enum cel_kind kind);

/* cel_authorizer.c: authorizer.requestResource */
int cel_request_resource(struct cel_run *run, struct cel_value *ret_value);

/* Shared by conversions and the Kubernetes library. */
int cel_to_string(struct cel_run *run, const struct cel_value *value, struct cel_value *ret_value);

#endif
