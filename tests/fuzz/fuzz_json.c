/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz: kt_base */
/* The parser against the writer, the scanner and the splicer. */
#include "fuzz/fuzz.h"

#include "base/json.h"
#include "base/log.h"

/* What is written reads back and is written the same. */
static void check_round_trip(const json_t *value, unsigned flags)
{
	kt_auto_str first = {0}, second = {0};

	kt_json_write(&first, value, flags);
	kt_auto_json json_t *back =
	        kt_json_parse((struct kt_sv){first.data, first.len}, NULL, NULL);
	kt_assert(back);
	kt_json_write(&second, back, flags);
	kt_assert(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
}

static void check_same(const json_t *tree, struct kt_json_at at)
{
	kt_auto_json json_t *found = kt_json_tree(at);

	kt_assert(found && json_equal(found, tree));
}

/* The scanner finds what the parser found; of a key seen twice it takes the first, so those are
 * left out. */
static void check_scan(json_t *tree, struct kt_json_at doc)
{
	const char *key;
	json_t *value;
	size_t i = 0;
	struct kt_json_iter it = {0};
	struct kt_json_at at;

	json_object_foreach(tree, key, value)
		check_same(value, kt_json_member(doc, key));
	if (!json_is_array(tree))
		return;
	while (kt_json_next_element(doc, &it, &at))
		check_same(json_array_get(tree, i++), at);
	kt_assert(i == json_array_size(tree));
}

/* Bytes that are no JSON: any answer, inside the bounds. */
static void scan_anything(struct kt_json_at doc)
{
	struct kt_json_iter members = {0}, elements = {0};
	struct kt_json_at at;
	struct kt_sv key;

	while (kt_json_next_member(doc, &members, &key, &at))
		kt_assert(at.p >= doc.p && at.p + at.len <= doc.p + doc.len);
	while (kt_json_next_element(doc, &elements, &at))
		kt_assert(at.p >= doc.p && at.p + at.len <= doc.p + doc.len);
	at = kt_json_find(doc, "a", "b", NULL);
	kt_assert(!at.p || (at.p >= doc.p && at.p + at.len <= doc.p + doc.len));
}

static void check_splice(struct kt_json_at doc, bool valid)
{
	static const char *const path[] = {"a", "b", NULL};
	const struct kt_sv value = KT_SV("[7]");
	kt_auto_str out = {0}, removed = {0};

	if (kt_json_splice(&out, doc, path, &value, NULL) < 0 || !valid)
		return;
	kt_auto_json json_t *tree = kt_json_parse((struct kt_sv){out.data, out.len}, NULL, NULL);
	kt_assert(tree);
	struct kt_json_at at = kt_json_find(kt_json_doc(out.data, out.len), "a", "b", NULL);
	kt_assert(at.len == 3 && memcmp(at.p, "[7]", 3) == 0);
	kt_assert(kt_json_splice(&removed, kt_json_doc(out.data, out.len), path, NULL, NULL) == 0);
	kt_auto_json json_t *rest =
	        kt_json_parse((struct kt_sv){removed.data, removed.len}, NULL, NULL);
	kt_assert(rest);
}

static void note_duplicate(void *arg, const char *path)
{
	(void)path;
	*(bool *)arg = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kt_sv text = {(const char *)data, size};
	struct kt_json_at doc = kt_json_doc(text.p, text.len);
	bool duplicates = false;
	struct kt_json_parse_options options = {.on_duplicate = note_duplicate, .arg = &duplicates};
	kt_auto_err err = {0};

	kt_auto_json json_t *tree = kt_json_parse(text, &options, &err);
	kt_assert(tree ? err.code == 0 : err.message != NULL);
	scan_anything(doc);
	check_splice(doc, tree != NULL);
	if (!tree)
		return 0;
	check_round_trip(tree, 0);
	check_round_trip(tree, KT_JSON_SORT | KT_JSON_PRETTY | KT_JSON_HTML);
	if (!duplicates)
		check_scan(tree, doc);
	return 0;
}
