/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Defaulting, validation and admission against recorded answers of a real kube-apiserver
 * (../shared/golden/validation): one valid object of a kind and many changes of it per file. Prints
 * "good of total" for each file; the floors below only rise.
 *
 * KT_GOLDEN_ONLY=part of a file name, KT_GOLDEN_SHOW=N differences to print per file.
 */
#include "rules_harness.h"

#include <ctype.h>
#include <dirent.h>
#include <sys/stat.h>

#define NAMESPACE "golden"

/* Whole-table floors, in thousandths of all answers; raised as rules come. */
#define FLOOR_PER_MILLE 986

static int show_left;

/* Recorded answers hide what differs from run to run. */

static bool looks_like_time(const char *s)
{
	return strlen(s) >= 20 && isdigit((unsigned char)s[0]) && s[4] == '-' && s[10] == 'T' &&
	       s[strlen(s) - 1] == 'Z';
}

static bool is_uuid_at(const char *p)
{
	static const char *const shape = "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh";
	for (const char *s = shape; *s; s++, p++)
		if (*s == '-' ? *p != '-' : !isxdigit((unsigned char)*p))
			return false;
	return true;
}

static json_t *normal_text(const char *s)
{
	static const char access[] = "kube-api-access-";
	kt_auto_str out = KT_STR_INIT;
	if (looks_like_time(s))
		return json_string("<time>");
	while (*s) {
		if (is_uuid_at(s)) {
			kt_str_puts(&out, "<uid>");
			s += 36;
		} else if (kt_starts_with(s, access) && strlen(s) >= sizeof(access) + 4) {
			kt_str_printf(&out, "%s<suffix>", access);
			s += sizeof(access) - 1 + 5;
		} else if (kt_starts_with(s, NAMESPACE "-ns")) {
			kt_str_puts(&out, "{ns}");
			s += sizeof(NAMESPACE "-ns") - 1;
		} else {
			kt_str_putc(&out, *s++);
		}
	}
	return json_stringn_nocheck(kt_str_text(&out), out.len);
}

static json_t *normal(const json_t *value);

static json_t *normal_member(const char *key, const json_t *value)
{
	const char *text = json_string_value(value);
	if (strcmp(key, "resourceVersion") == 0 && text && *text && strcmp(text, "0") != 0)
		return json_string("<rv>");
	if (strcmp(key, "uid") == 0 && text && *text)
		return json_string("<uid>");
	if (strcmp(key, "clusterIP") == 0 && text && *text && strcmp(text, "None") != 0)
		return json_string("<ip>");
	if (strcmp(key, "clusterIPs") == 0 && json_is_array(value)) {
		json_t *list = json_array(), *ip;
		size_t i;
		json_array_foreach(value, i, ip) {
			const char *s = json_string_value(ip);
			json_array_append_new(
			        list, json_string(s && *s && strcmp(s, "None") != 0 ? "<ip>"
			                          : s                               ? s
			                                                            : ""));
		}
		return list;
	}
	if ((strcmp(key, "nodePort") == 0 || strcmp(key, "healthCheckNodePort") == 0) &&
	        json_integer_value(value) >= 30000)
		return json_string("<port>");
	return normal(value);
}

static json_t *normal(const json_t *value)
{
	if (json_is_string(value))
		return normal_text(json_string_value(value));
	if (json_is_array(value)) {
		json_t *list = json_array(), *item;
		size_t i;
		json_array_foreach(value, i, item) {
			json_array_append_new(list, normal(item));
		}
		return list;
	}
	if (!json_is_object(value))
		return json_incref((json_t *)(uintptr_t)value);
	json_t *object = json_object(), *member, *members = (json_t *)(uintptr_t)value;
	const char *key;
	json_object_foreach(members, key, member) {
		kt_auto_json json_t *name = normal_text(key);
		if (strcmp(key, "managedFields") != 0)
			json_object_set_new_nocheck(
			        object, json_string_value(name), normal_member(key, member));
	}
	json_t *meta = json_object_get(object, "metadata");
	const char *base = kt_jstr(meta, "generateName"), *name = kt_jstr(meta, "name");
	if (base && *base && name && kt_starts_with(name, base))
		json_object_set_new(meta, "name", json_sprintf("%s<suffix>", base));
	return object;
}

/* Differences as replay.py lists them: [pointer, before, after]. */

static bool same_value(const json_t *a, const json_t *b)
{
	if (json_is_number(a) && json_is_number(b))
		return json_number_value(a) == json_number_value(b);
	return a && b && json_equal(a, b);
}

static json_t *child_pointer(const char *path, const char *key)
{
	kt_auto_str out = KT_STR_INIT;
	kt_str_printf(&out, "%s/", path);
	for (; *key; key++) {
		if (*key == '~' || *key == '/')
			kt_str_puts(&out, *key == '~' ? "~0" : "~1");
		else
			kt_str_putc(&out, *key);
	}
	return json_stringn_nocheck(kt_str_text(&out), out.len);
}

static void differences(json_t *out, const char *path, const json_t *a, const json_t *b)
{
	if (json_is_object(a) && json_is_object(b)) {
		const char *keys[2048];
		size_t n = 0;
		const char *key;
		json_t *value, *x = (json_t *)(uintptr_t)a, *y = (json_t *)(uintptr_t)b;
		json_object_foreach(x, key, value) {
			keys[n++] = key;
		}
		json_object_foreach(y, key, value) {
			if (!json_object_get(a, key))
				keys[n++] = key;
		}
		qsort(keys, n, sizeof(*keys), kt_strp_cmp);
		for (size_t i = 0; i < n; i++) {
			kt_auto_json json_t *child = child_pointer(path, keys[i]);
			differences(out, json_string_value(child), json_object_get(a, keys[i]),
			        json_object_get(b, keys[i]));
		}
		return;
	}
	if (json_is_array(a) && json_is_array(b) && json_array_size(a) == json_array_size(b)) {
		for (size_t i = 0; i < json_array_size(a); i++) {
			kt_auto_free char *child = kt_asprintf("%s/%zu", path, i);
			differences(out, child, json_array_get(a, i), json_array_get(b, i));
		}
		return;
	}
	if (same_value(a, b) || (!a && !b))
		return;
	json_t *entry = json_array();
	json_array_append_new(entry, json_string_nocheck(path));
	json_array_append(entry, a ? (json_t *)(uintptr_t)a : json_null());
	json_array_append(entry, b ? (json_t *)(uintptr_t)b : json_null());
	json_array_append_new(out, entry);
}

/* A case's change. */

static json_t *merged(const json_t *target, const json_t *patch)
{
	if (!json_is_object(patch))
		return json_deep_copy(patch);
	json_t *out = json_is_object(target) ? json_deep_copy(target) : json_object();
	const char *key;
	json_t *value, *members = (json_t *)(uintptr_t)patch;
	json_object_foreach(members, key, value) {
		if (json_is_null(value))
			json_object_del(out, key);
		else
			json_object_set_new_nocheck(
			        out, key, merged(json_object_get(out, key), value));
	}
	return out;
}

static char *unescape(struct kt_sv part)
{
	kt_auto_str out = KT_STR_INIT;
	for (size_t i = 0; i < part.len; i++) {
		if (part.p[i] == '~' && i + 1 < part.len)
			kt_str_putc(&out, part.p[++i] == '1' ? '/' : '~');
		else
			kt_str_putc(&out, part.p[i]);
	}
	return kt_str_steal(&out);
}

static json_t *case_value(const json_t *one)
{
	int64_t fill = kt_jint(one, "fill", -1);
	if (fill < 0)
		return json_deep_copy(json_object_get(one, "value"));
	kt_auto_str text = KT_STR_INIT;
	while (fill-- > 0)
		kt_str_putc(&text, 'x');
	return json_string(kt_str_text(&text));
}

static bool change_in(json_t *node, const char *key, const json_t *one)
{
	const char *op = kt_jstr(one, "op");
	size_t index = (size_t)strtoul(key, NULL, 10);
	bool list = json_is_array(node);
	json_t *now = list ? json_array_get(node, index) : json_object_get(node, key);
	if (strcmp(op, "remove") == 0)
		return (list ? json_array_remove(node, index) : json_object_del(node, key)) == 0;
	if (strcmp(op, "copy") == 0)
		return now && json_array_append_new(node, json_deep_copy(now)) == 0;
	json_t *value = strcmp(op, "merge") == 0 ? merged(now, json_object_get(one, "value"))
	                                         : case_value(one);
	if (!list)
		return json_object_set_new_nocheck(node, key, value) == 0;
	return (index == json_array_size(node) ? json_array_append_new(node, value)
	                                       : json_array_set_new(node, index, value)) == 0;
}

/* NULL when the place is not there. */
static json_t *changed(const json_t *document, const json_t *one)
{
	const char *path = kt_jstr(one, "path");
	if (!*path)
		return strcmp(kt_jstr(one, "op"), "merge") == 0
		               ? merged(document, json_object_get(one, "value"))
		               : case_value(one);
	kt_auto_json json_t *copy = json_deep_copy(document);
	json_t *node = copy;
	struct kt_sv rest = kt_sv_of(path + 1), part;
	while (kt_sv_split(&rest, '/', &part)) {
		kt_auto_free char *key = unescape(part);
		if (!rest.p)
			return change_in(node, key, one) ? kt_steal(&copy) : NULL;
		node = json_is_array(node) ? json_array_get(node, (size_t)strtoul(key, NULL, 10))
		                           : json_object_get(node, key);
		if (!node)
			return NULL;
	}
	return NULL;
}

/* Judging */

static void drop_generation(json_t *changes)
{
	for (size_t i = 0; i < json_array_size(changes);) {
		const char *path = json_string_value(json_array_get(json_array_get(changes, i), 0));
		if (kt_streq(path, "/metadata/generation"))
			json_array_remove(changes, i);
		else
			i++;
	}
}

static json_t *only_codes(const json_t *answer)
{
	const json_t *body = json_object_get(answer, "body");
	json_t *causes = json_array(), *cause;
	size_t i;
	json_array_foreach(kt_jget(body, "details.causes"), i, cause) {
		json_array_append_new(
		        causes, json_pack("{s:s*, s:s*}", "reason", kt_jstr(cause, "reason"),
		                        "field", kt_jstr(cause, "field")));
	}
	return json_pack("{s:O*, s:s*, s:s*, s:o}", "status", json_object_get(answer, "status"),
	        "kind", kt_jstr(body, "kind"), "reason", kt_jstr(body, "reason"), "causes", causes);
}

static json_t *answer_json(const struct answer *answer, const json_t *reference)
{
	json_t *out = json_pack("{s:i}", "status", answer->status);
	kt_auto_json json_t *body = normal(answer->body);
	if (answer->warning) {
		json_object_set_new(out, "warning", normal_text(answer->warning));
	}
	if (reference && answer->status < 300) {
		json_t *changes = json_array();
		differences(changes, "", reference, body);
		drop_generation(changes);
		json_object_set_new(out, "changes", changes);
	} else {
		json_object_set(out, "body", body);
	}
	return out;
}

static void show(const char *file, const json_t *one, const json_t *want, const json_t *got)
{
	kt_auto_json json_t *list = json_array();
	if (show_left-- <= 0)
		return;
	differences(list, "", want, got);
	char *what = one ? json_dumps(json_object_get(one, "value"), JSON_ENCODE_ANY | JSON_COMPACT)
	                 : NULL;
	print_message("%s: %s %s %s %s %.200s\n", file, one ? kt_jstr(one, "on") : "base",
	        one && kt_jstr(one, "sub") ? kt_jstr(one, "sub") : "",
	        one ? kt_jstr(one, "op") : "", one ? kt_jstr(one, "path") : "", what ? what : "");
	free(what);
	size_t i;
	json_t *entry;
	json_array_foreach(list, i, entry) {
		char *a = json_dumps(json_array_get(entry, 1), JSON_ENCODE_ANY | JSON_COMPACT);
		char *b = json_dumps(json_array_get(entry, 2), JSON_ENCODE_ANY | JSON_COMPACT);
		print_message("    %s\n      want %.900s\n      got  %.900s\n",
		        json_string_value(json_array_get(entry, 0)), a, b);
		free(a);
		free(b);
		if (i > 4)
			break;
	}
}

static bool judge(const char *file, const json_t *one, const json_t *want,
        const struct answer *answer, const json_t *reference)
{
	kt_auto_json json_t *got = answer_json(answer, reference);
	bool go_text = one && kt_jbool(one, "goText", false);
	kt_auto_json json_t *a =
	        go_text ? only_codes(want) : json_incref((json_t *)(uintptr_t)want);
	kt_auto_json json_t *b = go_text ? only_codes(got) : json_incref(got);
	kt_auto_json json_t *list = json_array();
	differences(list, "", a, b);
	if (json_array_size(list) == 0)
		return true;
	show(file, one, a, b);
	return false;
}

/* One file */

struct table {
	struct harness h;
	const char *file;
	json_t *root; /* with {ns} replaced */
	const struct kt_kind *kind;
	json_t *base_answer; /* normalised */
	json_t *stored;      /* the object updates start from */
	size_t good, total;
};

static const struct kt_kind *kind_of_path(const char *path)
{
	char group[128] = "", version[32] = "", plural[64] = "";
	const char *rest = path;
	if (sscanf(path, "/api/%31[^/]", version) == 1)
		rest = path + 5 + strlen(version);
	else if (sscanf(path, "/apis/%127[^/]/%31[^/]", group, version) == 2)
		rest = path + 7 + strlen(group) + strlen(version);
	const char *last = strrchr(rest, '/');
	snprintf(plural, sizeof(plural), "%s", last ? last + 1 : rest);
	return kt_builtin_resource(group, version, plural);
}

static json_t *substituted(const char *path)
{
	kt_auto_fclose FILE *f = fopen(path, "r");
	assert_non_null(f);
	kt_auto_str raw = KT_STR_INIT, text = KT_STR_INIT;
	char piece[65536];
	for (size_t n; (n = fread(piece, 1, sizeof(piece), f)) > 0;)
		kt_str_add(&raw, piece, n);
	kt_str_add(&text, raw.data, raw.len);
	kt_auto_err err = KT_ERR_INIT;
	json_t *root = kt_json_parse((struct kt_sv){text.data, text.len}, NULL, &err);
	if (!root)
		print_message("%s: %s\n", path, kt_err_message(&err));
	assert_non_null(root);
	return root;
}

/* Answers stay as recorded; what is sent gets the namespace's name. */
static json_t *with_namespace(const json_t *value)
{
	if (json_is_string(value)) {
		kt_auto_str out = KT_STR_INIT;
		for (const char *s = json_string_value(value); *s;) {
			if (kt_starts_with(s, "{ns}")) {
				kt_str_puts(&out, NAMESPACE "-ns");
				s += 4;
			} else {
				kt_str_putc(&out, *s++);
			}
		}
		return json_stringn_nocheck(kt_str_text(&out), out.len);
	}
	if (json_is_array(value)) {
		json_t *list = json_array(), *item;
		size_t i;
		json_array_foreach(value, i, item) {
			json_array_append_new(list, with_namespace(item));
		}
		return list;
	}
	if (!json_is_object(value))
		return json_incref((json_t *)(uintptr_t)value);
	json_t *object = json_object(), *member, *members = (json_t *)(uintptr_t)value;
	const char *key;
	json_object_foreach(members, key, member) {
		kt_auto_json json_t *text = json_string_nocheck(key), *name = with_namespace(text);
		json_object_set_new_nocheck(
		        object, json_string_value(name), with_namespace(member));
	}
	return object;
}

static struct answer send(struct table *t, const json_t *body, const json_t *old, const json_t *one,
        json_t **ret_object)
{
	bool namespaced = t->kind->flags & KT_KIND_NAMESPACED;
	struct harness_write write = {
	        .kind = t->kind,
	        .namespace = namespaced ? NAMESPACE "-ns" : "",
	        .subresource = one ? kt_jstr(one, "sub") : NULL,
	        .old = old,
	        .body = body,
	        .live = one && kt_jbool(one, "live", false),
	};
	return harness_do(&t->h, &write, ret_object);
}

static void put(struct table *t, const char *key, const char *json)
{
	kt_auto_json json_t *tree = json_loads(json, 0, NULL);
	assert_non_null(tree);
	harness_store(&t->h, key, tree);
}

/* What an empty cluster holds and rules look at. */
static void seed(struct table *t)
{
	put(t, "/registry/namespaces/" NAMESPACE "-ns",
	        "{\"metadata\":{\"name\":\"golden-ns\"},\"status\":{\"phase\":\"Active\"}}");
	put(t, "/registry/serviceaccounts/" NAMESPACE "-ns/default",
	        "{\"metadata\":{\"name\":\"default\",\"namespace\":\"golden-ns\"}}");
	put(t, "/registry/priorityclasses/system-node-critical",
	        "{\"metadata\":{\"name\":\"system-node-critical\"},\"value\":2000001000}");
	put(t, "/registry/priorityclasses/system-cluster-critical",
	        "{\"metadata\":{\"name\":\"system-cluster-critical\"},\"value\":2000000000}");
}

static void store_before(struct table *t)
{
	size_t i;
	json_t *entry;
	json_array_foreach(json_object_get(t->root, "before"), i, entry) {
		kt_auto_json json_t *sent = with_namespace(entry);
		const struct kt_kind *kind = kind_of_path(kt_jstr(sent, "path"));
		assert_non_null(kind);
		bool namespaced = kind->flags & KT_KIND_NAMESPACED;
		struct harness_write write = {.kind = kind,
		        .namespace = namespaced ? NAMESPACE "-ns" : "",
		        .body = json_object_get(sent, "body"),
		        .live = true};
		kt_auto_json json_t *object = NULL;
		struct answer answer = harness_do(&t->h, &write, &object);
		answer_finish(&answer);
		if (!object)
			continue;
		kt_auto_free char *key =
		        namespaced ? kt_asprintf("%s/%s/%s", kind->storage_prefix, write.namespace,
		                             kt_jstr(object, "metadata.name"))
		                   : kt_asprintf("%s/%s", kind->storage_prefix,
		                             kt_jstr(object, "metadata.name"));
		harness_store(&t->h, key, object);
	}
}

static void run_base(struct table *t)
{
	kt_auto_json json_t *base = with_namespace(json_object_get(t->root, "base"));
	struct answer answer = send(t, base, NULL, NULL, NULL);
	t->base_answer = normal(answer.body);
	t->total++;
	t->good += judge(t->file, NULL, json_object_get(t->root, "response"), &answer, NULL);
	answer_finish(&answer);
	kt_auto_json json_t *live = json_pack("{s:b}", "live", 1);
	answer = send(t, base, NULL, live, &t->stored);
	answer_finish(&answer);
	if (!t->stored)
		return;
	json_object_set_new(
	        json_object_get(t->stored, "metadata"), "resourceVersion", json_string("7"));
	if (json_object_get(t->root, "status")) {
		kt_auto_json json_t *status = with_namespace(json_object_get(t->root, "status"));
		json_object_set(t->stored, "status", status);
	}
}

static void run_case(struct table *t, const json_t *one, json_t *same)
{
	bool update = strcmp(kt_jstr(one, "on"), "update") == 0;
	kt_auto_json json_t *sent = with_namespace(one);
	kt_auto_json json_t *base = NULL, *document = NULL;
	const char *sub = kt_jstr(one, "sub");
	t->total++;
	if (update && !t->stored)
		return;
	base = update ? kt_codec_canonical(t->kind->type, t->stored)
	              : with_namespace(json_object_get(t->root, "base"));
	document = changed(base, sent);
	if (!document)
		return;
	const json_t *reference = t->base_answer;
	if (update) {
		reference = json_object_get(same, sub ? sub : "");
		if (!reference) {
			struct answer unchanged = send(t, base, t->stored, sent, NULL);
			json_object_set_new(same, sub ? sub : "", normal(unchanged.body));
			reference = json_object_get(same, sub ? sub : "");
			answer_finish(&unchanged);
		}
	}
	struct answer answer = send(t, document, update ? t->stored : NULL, sent, NULL);
	t->good += judge(t->file, one, json_object_get(one, "response"), &answer, reference);
	answer_finish(&answer);
}

static void run_file(const char *folder, const char *name, size_t *good, size_t *total)
{
	kt_auto_free char *path = kt_asprintf("%s/%s", folder, name);
	struct table t = {.file = name, .root = substituted(path)};
	kt_auto_json json_t *same = json_object();
	const char *limit = getenv("KT_GOLDEN_SHOW");
	show_left = limit ? atoi(limit) : 0;
	t.kind = kind_of_path(kt_jstr(t.root, "path"));
	assert_non_null(t.kind);
	harness_init(&t.h);
	seed(&t);
	store_before(&t);
	run_base(&t);
	size_t i;
	json_t *one;
	json_array_foreach(json_object_get(t.root, "cases"), i, one) {
		run_case(&t, one, same);
	}
	print_message("%5zu of %5zu  %s\n", t.good, t.total, name);
	*good += t.good;
	*total += t.total;
	json_decref(t.base_answer);
	json_decref(t.stored);
	json_decref(t.root);
	harness_finish(&t.h);
}

static void test_recorded_answers(void **state)
{
	(void)state;
	KT_TEST_NEEDS_SHARED(folder, "golden/validation");
	const char *only = getenv("KT_GOLDEN_ONLY");
	struct dirent **names;
	size_t good = 0, total = 0;
	kt_auto_free char *dir = kt_strdup(folder);
	int n = scandir(dir, &names, NULL, alphasort);
	assert_true(n > 0);
	for (int i = 0; i < n; i++) {
		if (kt_ends_with(names[i]->d_name, ".json") &&
		        (!only || strstr(names[i]->d_name, only)))
			run_file(dir, names[i]->d_name, &good, &total);
		free(names[i]);
	}
	free(names);
	print_message("%zu of %zu answers as recorded\n", good, total);
	if (!only)
		assert_true(good * 1000 >= total * FLOOR_PER_MILLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_recorded_answers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
