/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * JSON beside jansson: a parser to jansson trees that knows positions and duplicate keys, a
 * canonical writer, a scanner that reads single fields out of bytes without a tree, and a splicer
 * that replaces them.
 *
 * Trees are jansson's; they end with kt_auto_json. Integers of int64 stay integers, others are
 * reals. UTF-8 only; a lone \ud800 reads as U+FFFD; keys hold no NUL; depth ends at
 * KT_JSON_DEPTH_MAX. RFC 8259.
 */
#ifndef KT_BASE_JSON_H
#define KT_BASE_JSON_H

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

#include <jansson.h>

#define KT_JSON_DEPTH_MAX \
	512 /* deeper input is an attack (CVE-2019-11253); the real server stops near 10,000 */

static inline void kt_json_decref_p(json_t **pj)
{
	json_decref(*pj);
}
#define kt_auto_json __attribute__((cleanup(kt_json_decref_p)))

/* A parsed document. */
struct kt_json_parse_options {
	/* Called for each object key seen twice; path is like "spec.containers[0].name". The last
	 * value wins. */
	void (*on_duplicate)(void *arg, const char *path);
	void *arg;
	int depth_max; /* 0: KT_JSON_DEPTH_MAX */
};
/* NULL with err "line L, column C: reason" (code EINVAL). The whole input must be one value. */
json_t *kt_json_parse(
        struct kt_sv text, const struct kt_json_parse_options *options, struct kt_err *err);

enum kt_json_write_flags {
	KT_JSON_SORT = 1,   /* keys bytewise sorted */
	KT_JSON_PRETTY = 2, /* four blanks, as kubectl -o json prints */
	KT_JSON_INDENT = 8, /* two blanks, as a server's pretty answer */
	KT_JSON_HTML = 4,   /* < > & as \u003c … as Go's encoder does */
};
void kt_json_write(struct kt_str *out, const json_t *value, unsigned flags);
/* A string literal with quotes. */
void kt_json_write_string(struct kt_str *out, const char *text, size_t len);

/*
 * The scanner. Input is trusted to be well-formed (it came from our own writer); malformed bytes
 * give "absent", never a read out of bounds.
 */
struct kt_json_at {
	const char *p; /* the value's bytes inside the document; NULL: absent */
	size_t len;
};
/* One member of an object value. */
struct kt_json_at kt_json_member(struct kt_json_at object, const char *key);
/* Through members: kt_json_find(doc, "metadata", "name", NULL). */
struct kt_json_at kt_json_find(struct kt_json_at doc, ...) __attribute__((sentinel));
static inline struct kt_json_at kt_json_doc(const char *p, size_t len)
{
	return (struct kt_json_at){p, len};
}
/* Iteration over an object's members or an array's elements; *it starts zeroed. Key is raw
 * (unescaped only if it had no escapes). */
struct kt_json_iter {
	const char *p;
	bool started;
};
bool kt_json_next_member(struct kt_json_at object, struct kt_json_iter *it, struct kt_sv *ret_key,
        struct kt_json_at *ret_value);
bool kt_json_next_element(
        struct kt_json_at array, struct kt_json_iter *it, struct kt_json_at *ret_value);
/* Scalars. A string without escapes is borrowed (the slice points into the document). */
bool kt_json_is_string(struct kt_json_at v);
/* False when v is no string or has escapes: use kt_json_string_dup then. */
bool kt_json_string_sv(struct kt_json_at v, struct kt_sv *ret_text);
char *kt_json_string_dup(struct kt_json_at v); /* NULL when v is no string */
bool kt_json_int64(struct kt_json_at v, int64_t *ret_value);
bool kt_json_bool(struct kt_json_at v, bool fallback);
/* True for a string value equal to text. */
bool kt_json_string_is(struct kt_json_at v, const char *text);
/* Builds a jansson tree of just this value. */
json_t *kt_json_tree(struct kt_json_at v);

/*
 * The splicer: writes doc with one value replaced. path is a NULL-terminated list of keys; missing
 * objects on the way are created at the end of their parent. value NULL removes the key.
 */
int kt_json_splice(struct kt_str *out, struct kt_json_at doc, const char *const *path,
        const struct kt_sv *value, struct kt_err *err);

/* Tree helpers. All borrow; NULL-safe: any argument NULL or of another type gives the fallback. */
json_t *kt_jget(const json_t *root,
        const char *dotted_path); /* "metadata.name", "spec.containers.0.image" */
const char *kt_jstr(const json_t *root, const char *dotted_path); /* NULL when absent */
int64_t kt_jint(const json_t *root, const char *dotted_path, int64_t fallback);
bool kt_jbool(const json_t *root, const char *dotted_path, bool fallback);

#endif
