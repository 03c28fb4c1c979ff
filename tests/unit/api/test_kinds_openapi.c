/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The generated OpenAPI documents against the published ones: same schemas, same paths, same
 * operations. */
#include "support/support.h"

#include "api/codec/wire.h"
#include "api/schema/crd.h"
#include "api/schema/openapi.h"
#include "base/json.h"
#include "base/path.h"

static int n_differences;

static json_t *read_shared(const char *path)
{
	kt_auto_str text = KT_STR_INIT;
	json_t *value;

	assert_int_equal(kt_read_file(path, 64 << 20, &text, NULL), 0);
	value = kt_json_parse((struct kt_sv){text.data, text.len}, NULL, NULL);
	assert_non_null(value);
	return value;
}

static int compare_text(const void *a, const void *b)
{
	json_t *const *left = a, *const *right = b;
	kt_auto_str l = KT_STR_INIT, r = KT_STR_INIT;

	kt_json_write(&l, *left, KT_JSON_SORT);
	kt_json_write(&r, *right, KT_JSON_SORT);
	return strcmp(kt_str_text(&l), kt_str_text(&r));
}

static json_t *sorted(const json_t *list)
{
	size_t n = json_array_size(list), i;
	json_t **items = kt_new_array(json_t *, n + 1), *out = json_array(), *item;

	json_array_foreach(list, i, item)
		items[i] = item;
	qsort(items, n, sizeof(items[0]), compare_text);
	for (i = 0; i < n; i++)
		json_array_append(out, items[i]);
	free(items);
	return out;
}

/*
 * Without descriptions (ours are our own), unions (not in the tables), defaults (the tables know
 * more of them, and test_codec_recorded checks the zero values) and the one-element allOf that only
 * carries a description; lists of names and parameters in one order.
 */
static json_t *comparable(const json_t *value, const json_t *root, bool properties)
{
	const char *key;
	json_t *member, *out;
	size_t i;

	if (json_is_array(value)) {
		json_t *list = json_array(), *ordered;

		json_array_foreach(value, i, member)
			json_array_append_new(list, comparable(member, root, false));
		ordered = sorted(list);
		json_decref(list);
		return ordered;
	}
	if (!json_is_object(value))
		return json_incref((json_t *)(uintptr_t)value);
	const char *ref = properties ? NULL : json_string_value(json_object_get(value, "$ref"));

	if (ref && kt_starts_with(ref, "#/parameters/"))
		return comparable(json_object_get(json_object_get(root, "parameters"),
		                          ref + strlen("#/parameters/")),
		        root, false);
	if (!properties && json_array_size(json_object_get(value, "allOf")) == 1 &&
	        !json_object_get(value, "default") && json_object_size(value) == 1)
		return comparable(json_array_get(json_object_get(value, "allOf"), 0), root, false);
	out = json_object();
	bool bytes = kt_streq(json_string_value(json_object_get(value, "format")),
	        "byte"); /* upstream marks some as lists */

	json_object_foreach((json_t *)(uintptr_t)value, key, member) {
		if (bytes && strcmp(key, "x-kubernetes-list-type") == 0)
			continue;
		if (!properties && (strcmp(key, "description") == 0 ||
		                           strcmp(key, "x-kubernetes-unions") == 0 ||
		                           strcmp(key, "default") == 0))
			continue;
		json_object_set_new(out, key,
		        comparable(member, root, strcmp(key, "properties") == 0 && !properties));
	}
	if (json_array_size(json_object_get(out, "allOf")) == 1 && json_object_size(out) == 1) {
		json_t *inner = json_incref(json_array_get(json_object_get(out, "allOf"), 0));

		json_decref(out);
		return inner;
	}
	return out;
}

static void differ(const char *where, const json_t *got, const json_t *want)
{
	kt_auto_str g = KT_STR_INIT, w = KT_STR_INIT;
	size_t at = 0;

	if (n_differences++ >= 20)
		return;
	kt_json_write(&g, got, KT_JSON_SORT);
	kt_json_write(&w, want, KT_JSON_SORT);
	while (at < g.len && at < w.len && g.data[at] == w.data[at])
		at++;
	at = at > 60 ? at - 60 : 0;
	print_message("%s\n  got  …%.260s\n  want …%.260s\n", where, g.data + KT_MIN(at, g.len),
	        w.data + KT_MIN(at, w.len));
}

/* Path parameters moved into each operation. */
static json_t *flattened(const json_t *item, const json_t *root)
{
	json_t *clean = comparable(item, root, false), *out = json_object(),
	       *shared = json_object_get(clean, "parameters"), *operation;
	const char *method;

	json_object_foreach(clean, method, operation) {
		json_t *all;

		if (strcmp(method, "parameters") == 0)
			continue;
		all = json_array();
		json_array_extend(all, json_object_get(operation, "parameters"));
		json_array_extend(all, shared);
		json_object_set_new(operation, "parameters", sorted(all));
		json_decref(all);
		json_object_set(out, method, operation);
	}
	json_decref(clean);
	return out;
}

static void compare_members(const char *what, const json_t *got, const json_t *want,
        const json_t *got_root, const json_t *want_root, bool paths)
{
	const char *name;
	json_t *member;

	json_object_foreach((json_t *)(uintptr_t)want, name, member) {
		kt_auto_json json_t *a = NULL, *b = NULL;
		kt_auto_free char *where = kt_asprintf("%s %s", what, name);

		if (!json_object_get(got, name)) {
			differ(where, NULL, member);
			continue;
		}
		a = paths ? flattened(json_object_get(got, name), got_root)
		          : comparable(json_object_get(got, name), got_root, false);
		b = paths ? flattened(member, want_root) : comparable(member, want_root, false);
		if (strstr(name, "DeleteOptions") || strstr(name, "WatchEvent")) {
			json_object_del(
			        a, "x-kubernetes-group-version-kind"); /* upstream lists versions it
			                                                  does not serve */
			json_object_del(b, "x-kubernetes-group-version-kind");
		}
		if (!json_equal(a, b))
			differ(where, a, b);
	}
	json_object_foreach((json_t *)(uintptr_t)got, name, member) {
		kt_auto_free char *where = kt_asprintf("%s %s is not published", what, name);

		if (!json_object_get(want, name))
			differ(where, member, NULL);
	}
}

static size_t select_kinds(const struct kt_kind **kinds, const char *path)
{
	size_t n = 0;

	for (size_t i = 0; i < kt_builtin_kinds.n_kinds; i++) {
		const struct kt_kind *kind = &kt_builtin_kinds.kinds[i];
		char own[128];

		if (kind->flags & KT_KIND_AGGREGATED)
			continue;
		snprintf(own, sizeof(own), *kind->group ? "apis/%s/%s" : "api/%s%s",
		        *kind->group ? kind->group : kind->version,
		        *kind->group ? kind->version : "");
		if (!path || strcmp(own, path) == 0)
			kinds[n++] = kind;
	}
	return n;
}

static void v3_is_as_published(void **state)
{
	KT_TEST_NEEDS_SHARED(file, "reference/openapi-v3.json");
	kt_auto_json json_t *published = read_shared(file);
	const char *path;
	json_t *want;
	int n = 0;

	(void)state;
	n_differences = 0;
	json_object_foreach(published, path, want) {
		const struct kt_kind *kinds[512];
		const struct kt_openapi_kinds all = {kinds, select_kinds(kinds, path)};
		kt_auto_json json_t *got = NULL;

		if (!json_is_object(want) || all.n_kinds == 0)
			continue;
		struct kt_buf *text = kt_openapi_v3(kinds[0]->group, kinds[0]->version, &all);

		n++;
		got = kt_json_parse((struct kt_sv){text->data, text->len}, NULL, NULL);
		kt_buf_unref(text);
		assert_non_null(got);
		compare_members(path, kt_jget(got, "components.schemas"),
		        kt_jget(want, "components.schemas"), got, want, false);
		compare_members(path, json_object_get(got, "paths"), json_object_get(want, "paths"),
		        got, want, true);
	}
	assert_true(n >= 20);
	assert_int_equal(n_differences, 0);
}

static void v2_is_as_published(void **state)
{
	KT_TEST_NEEDS_SHARED(file, "reference/openapi-v2.json");
	kt_auto_json json_t *want = read_shared(file), *got = NULL;
	const struct kt_kind *kinds[512];
	const struct kt_openapi_kinds all = {kinds, select_kinds(kinds, NULL)};
	struct kt_buf *text = kt_openapi_v2(&all);

	(void)state;
	n_differences = 0;
	got = kt_json_parse((struct kt_sv){text->data, text->len}, NULL, NULL);
	kt_buf_unref(text);
	assert_non_null(got);
	compare_members("v2", json_object_get(got, "definitions"),
	        json_object_get(want, "definitions"), got, want, false);
	compare_members("v2", json_object_get(got, "paths"), json_object_get(want, "paths"), got,
	        want, true);
	assert_int_equal(n_differences, 0);
}

static void the_hash_names_the_text(void **state)
{
	struct kt_buf *one = kt_buf_create("{}", 2), *two = kt_buf_create("{ }", 3);
	char a[KT_OPENAPI_HASH_TEXT], b[KT_OPENAPI_HASH_TEXT];
	const struct kt_openapi_path path = {"apis/apps/v1", a};
	struct kt_buf *index;

	(void)state;
	kt_openapi_hash(one, a);
	kt_openapi_hash(two, b);
	assert_int_equal(strlen(a), 128);
	assert_string_not_equal(a, b);
	index = kt_openapi_v3_index(&path, 1);
	assert_non_null(strstr(index->data,
	        "\"apis/apps/v1\":{\"serverRelativeURL\":\"/openapi/v3/apis/apps/v1?hash="));
	kt_buf_unref(index);
	kt_buf_unref(one);
	kt_buf_unref(two);
}

/* Follows field numbers into a message: the bytes of the first field of each number. */
static struct kt_sv follow(struct kt_sv bytes, const uint32_t *numbers)
{
	for (; *numbers; numbers++) {
		struct wire_field field = {0};
		bool found = false;

		while (!found && wire_next(&bytes, &field) > 0)
			found = field.number == *numbers && field.type == WIRE_BYTES;
		assert_true(found);
		bytes = field.bytes;
	}
	return bytes;
}

static void v2_has_a_protobuf_form(void **state)
{
	const struct kt_kind *kinds[512];
	const struct kt_openapi_kinds all = {kinds, select_kinds(kinds, "apis/apps/v1")};
	struct kt_buf *text = kt_openapi_v2(&all), *bytes = kt_openapi_v2_protobuf(text);
	struct kt_sv document = {bytes->data, bytes->len};
	struct kt_sv definitions = follow(document, (uint32_t[]){9, 0});
	struct wire_field field;
	bool found = false;

	(void)state;
	assert_true(kt_sv_is(follow(document, (uint32_t[]){1, 0}), "2.0"));
	assert_true(kt_sv_is(follow(document, (uint32_t[]){2, 1, 0}), "Kubernetes"));
	while (wire_next(&definitions, &field) > 0) {
		struct kt_sv name = follow(field.bytes, (uint32_t[]){1, 0}),
		             schema = follow(field.bytes, (uint32_t[]){2, 0});

		if (!kt_sv_is(name, "io.k8s.api.apps.v1.Deployment"))
			continue;
		found = true;
		assert_true(kt_sv_is(follow(schema, (uint32_t[]){22, 1, 0}), "object"));
		assert_true(kt_sv_is(
		        follow(schema, (uint32_t[]){31, 1, 0}), "x-kubernetes-group-version-kind"));
		assert_true(kt_sv_is(follow(schema, (uint32_t[]){31, 2, 2, 0}),
		        "[{\"group\":\"apps\",\"kind\":\"Deployment\",\"version\":\"v1\"}]"));
		assert_true(kt_sv_is(follow(schema, (uint32_t[]){25, 1, 1, 0}), "apiVersion"));
	}
	assert_true(found);
	kt_buf_unref(bytes);
	kt_buf_unref(text);
}

/* One property would make kubectl refuse all others. */
static void v2_says_nothing_of_free_objects(void **state)
{
	static const char definition[] =
	        "{\"metadata\":{\"name\":\"frees.example.com\"},\"spec\":{\"group\":\"example."
	        "com\","
	        "\"scope\":\"Namespaced\",\"names\":{\"plural\":\"frees\",\"singular\":\"free\","
	        "\"kind\":\"Free\",\"listKind\":\"FreeList\"},\"versions\":[{\"name\":\"v1\","
	        "\"served\":"
	        "true,\"storage\":true,\"schema\":{\"openAPIV3Schema\":{\"type\":\"object\","
	        "\"properties\":{\"spec\":{\"type\":\"object\"}},"
	        "\"x-kubernetes-preserve-unknown-fields\":true}}}]}}";
	kt_auto_json json_t *tree = kt_json_parse(kt_sv_of(definition), NULL, NULL), *got = NULL;
	kt_auto_crd struct kt_crd *crd = kt_crd_compile(tree);
	const struct kt_kind *kinds[] = {&crd->set.kinds[0]};
	const struct kt_openapi_kinds all = {kinds, 1};
	struct kt_buf *text = kt_openapi_v2(&all);
	const json_t *schema;

	(void)state;
	got = kt_json_parse((struct kt_sv){text->data, text->len}, NULL, NULL);
	kt_buf_unref(text);
	schema = json_object_get(json_object_get(got, "definitions"), "com.example.v1.Free");
	assert_string_equal(kt_jstr(schema, "type"), "object");
	assert_int_equal(json_object_size(schema), 2); /* and group, version, kind */
	text = kt_openapi_v3("example.com", "v1", &all);
	json_decref(got);
	got = kt_json_parse((struct kt_sv){text->data, text->len}, NULL, NULL);
	kt_buf_unref(text);
	schema = json_object_get(kt_jget(got, "components.schemas"), "com.example.v1.Free");
	assert_non_null(kt_jget(schema, "properties.spec"));
	assert_true(kt_jbool(schema, "x-kubernetes-preserve-unknown-fields", false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(v3_is_as_published),
	        cmocka_unit_test(v2_is_as_published),
	        cmocka_unit_test(v2_says_nothing_of_free_objects),
	        cmocka_unit_test(the_hash_names_the_text),
	        cmocka_unit_test(v2_has_a_protobuf_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
