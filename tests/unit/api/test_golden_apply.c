/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Field management against what a real server recorded. There is no server here: after each step
 * the recorded object takes the place of ours, so each step stands alone. What a server does around
 * (admission, validation) is taken from the record.
 */
#include "api/codec/codec.h"
#include "api/machinery/limits.h"
#include "api/machinery/managed.h"
#include "api/machinery/patch.h"
#include "api/schema/crd.h"
#include "api/status.h"
#include "golden.h"

struct world {
	const char *scenario;
	json_t *objects; /* by path */
	struct kt_crd *crd;
	size_t checked;
};

static const struct kt_kind *kind_of(const struct world *world, const json_t *object)
{
	const char *api_version = kt_jstr(object, "apiVersion");
	const char *kind = kt_jstr(object, "kind");
	const char *slash = api_version ? strchr(api_version, '/') : NULL;
	kt_auto_free char *group =
	        slash ? kt_strndup(api_version, (size_t)(slash - api_version)) : kt_strdup("");
	const char *version = slash ? slash + 1 : api_version;

	for (size_t i = 0; world->crd && i < world->crd->set.n_kinds; i++) {
		const struct kt_kind *k = &world->crd->set.kinds[i];

		if (kt_streq(k->kind, kind) && kt_streq(k->version, version))
			return k;
	}
	return api_version && kind ? kt_builtin_kind(group, version, kind) : NULL;
}

/* Entries keyed by who and how, without times. */
static json_t *summary(const json_t *object)
{
	const json_t *list = kt_jget(object, "metadata.managedFields");
	json_t *result = json_object();

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *entry = json_array_get(list, i);
		kt_auto_str key = KT_STR_INIT;

		kt_str_printf(&key, "%s %s %s %s%s", kt_jstr(entry, "operation"),
		        kt_jstr(entry, "manager"), kt_jstr(entry, "apiVersion"),
		        kt_jstr(entry, "subresource") ? kt_jstr(entry, "subresource") : "",
		        kt_jstr(entry, "time") ? "" : " timeless");
		json_object_set(result, kt_str_text(&key), json_object_get(entry, "fieldsV1"));
	}
	return result;
}

static void compare_managed(
        const struct world *world, const char *id, const json_t *got, const json_t *want)
{
	kt_auto_json json_t *a = summary(got);
	kt_auto_json json_t *b = summary(want);

	if (!kt_json_equal(a, b)) {
		kt_auto_str text = KT_STR_INIT;

		kt_str_puts(&text, "\n got ");
		kt_json_write(&text, a, KT_JSON_SORT);
		kt_str_puts(&text, "\nwant ");
		kt_json_write(&text, b, KT_JSON_SORT);
		fail_msg("%s: %s: %s", world->scenario, id, kt_str_text(&text));
	}
}

/* Every value of got is in want, lists of the same length; want may have more (defaults, what
 * admission adds). */
static bool within(const json_t *got, const json_t *want)
{
	const char *key;
	json_t *value;

	if (json_is_object(got)) {
		json_object_foreach((json_t *)(uintptr_t)got, key, value) {
			bool gone = json_is_null(value) ||
			            (json_is_object(value) && !json_object_size(value)) ||
			            (json_is_array(value) && !json_array_size(value));

			/* stringData is moved by the kind's rules; the owners' kinds are looked up
			 * and printed anew */
			if (!strcmp(key, "stringData") || !strcmp(key, "ownerReferences"))
				continue;
			if (strcmp(key, "managedFields") && strcmp(key, "generation") &&
			        !(gone && !json_object_get(want, key)) &&
			        !within(value, json_object_get(want, key)))
				return false;
		}
		return true;
	}
	if (json_is_array(got)) {
		if (json_array_size(got) != json_array_size(want))
			return false;
		for (size_t i = 0; i < json_array_size(got); i++)
			if (!within(json_array_get(got, i), json_array_get(want, i)))
				return false;
		return true;
	}
	return kt_json_equal(got, want);
}

static char *object_path(const json_t *step)
{
	const char *url = kt_jstr(step, "request.path");
	const char *name = kt_jstr(step, "response.body.metadata.name");
	kt_auto_free char *plain = kt_strndup(url, strcspn(url, "?"));
	char *version = strstr(plain, ".example.com/v2/");

	if (version) /* another version of the same object */
		version[strlen(".example.com/v")] = '1';
	if (!strcmp(kt_jstr(step, "request.method"), "POST"))
		return kt_asprintf("%s/%s", plain, name ? name : "");
	if (kt_ends_with(plain, "/status"))
		plain[strlen(plain) - strlen("/status")] = 0;
	return kt_steal(&plain);
}

static void check_apply(struct world *world, const json_t *step, struct kt_apply *apply,
        const json_t *live, const json_t *config)
{
	const json_t *body = kt_jget(step, "response.body");
	int64_t status = kt_jint(step, "response.status", 0);
	const char *id = kt_jstr(step, "id");
	kt_auto_err err = KT_ERR_INIT;
	kt_auto_json json_t *result = kt_apply_merge(apply, live, config, &err);

	if (status >= 300) {
		if (result)
			return; /* refused elsewhere: validation */
		assert_int_equal(kt_err_http_status(&err), status);
		if (!json_is_true(json_object_get(step, "unordered")))
			assert_string_equal(kt_err_message(&err), kt_jstr(body, "message"));
		assert_int_equal(err.n_causes, json_array_size(kt_jget(body, "details.causes")));
		world->checked++;
		return;
	}
	if (!result)
		fail_msg("%s: %s: %s", world->scenario, id, kt_err_message(&err));
	if (kt_jget(body, "metadata.managedFields") || kt_jget(result, "metadata.managedFields"))
		compare_managed(world, id, result, body);
	if (!apply->subresource && !(apply->kind->flags & KT_KIND_HAS_STATUS) &&
	        !within(result, body)) {
		kt_auto_str text = KT_STR_INIT;

		kt_json_write(&text, result, KT_JSON_SORT);
		fail_msg("%s: %s: %s", world->scenario, id, kt_str_text(&text));
	}
	world->checked++;
}

/* What the server had before it looked at managed fields: the recorded object without what only it
 * fills in. */
static json_t *before_tracking(const json_t *step, const json_t *live)
{
	json_t *object = json_deep_copy(kt_jget(step, "response.body"));
	json_t *given = kt_jget(step, "request.body.metadata.managedFields");
	const char *const allocated[] = {"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"};

	for (size_t i = 0; !live && i < KT_ARRAY_SIZE(allocated); i++)
		if (!json_object_get(kt_jget(step, "request.body.spec"), allocated[i]))
			json_object_del(kt_jget(object, "spec"), allocated[i]);
	if (given)
		json_object_set(kt_jget(object, "metadata"), "managedFields", given);
	else if (live)
		json_object_set(kt_jget(object, "metadata"), "managedFields",
		        kt_jget(live, "metadata.managedFields"));
	else
		json_object_del(kt_jget(object, "metadata"), "managedFields");
	return object;
}

static void check_update(
        struct world *world, const json_t *step, struct kt_apply *apply, const json_t *live)
{
	const json_t *body = kt_jget(step, "response.body");
	kt_auto_json json_t *object = NULL;

	/* admission adds to new pods what nobody owns */
	if (kt_jint(step, "response.status", 0) >= 300 ||
	        (!live && kt_streq(kt_jstr(body, "kind"), "Pod")))
		return;
	object = before_tracking(step, live);
	assert_int_equal(kt_managed_update(apply, object, live, NULL), 0);
	compare_managed(world, kt_jstr(step, "id"), object, body);
	world->checked++;
}

static json_t *request_body(const json_t *step)
{
	json_t *body = kt_jget(step, "request.body");
	const char *raw = kt_jstr(step, "request.raw");

	return body ? json_incref(body) : raw ? kt_json_parse(kt_sv_of(raw), NULL, NULL) : NULL;
}

static char *manager_of(const json_t *step)
{
	const char *url = kt_jstr(step, "request.path");
	const char *agent = kt_jstr(step, "request.headers.User-Agent");
	char *manager = golden_query(url, "fieldManager");

	if (manager)
		return manager;
	return agent ? kt_strndup(agent, KT_MIN(strcspn(agent, "/"), (size_t)128))
	             : kt_strdup("replay");
}

static void run_step(struct world *world, const json_t *step)
{
	const char *method = kt_jstr(step, "request.method");
	const char *media = kt_jstr(step, "request.headers.Content-Type");
	const char *url = kt_jstr(step, "request.path");
	json_t *answer = kt_jget(step, "response.body");
	kt_auto_json json_t *config = request_body(step);
	kt_auto_free char *path = object_path(step);
	kt_auto_free char *manager = manager_of(step);
	kt_auto_free char *force = golden_query(url, "force");
	kt_auto_free char *plain = kt_strndup(url, strcspn(url, "?"));
	const json_t *live = json_object_get(world->objects, path);
	struct kt_apply apply = {.manager = manager,
	        .now_ns = 1700000000000000000,
	        .force = kt_streq(force, "true")};
	/* a sub-resource with a kind of its own changes the object behind this test's back */
	bool scaled = kt_ends_with(plain, "/scale");
	bool is_apply = media && kt_starts_with(media, "application/apply-patch");
	const struct kt_kind *kind = kind_of(world, is_apply ? config : answer);

	if (kt_streq(kt_jstr(answer, "kind"), "CustomResourceDefinition") &&
	        !strcmp(method, "POST"))
		world->crd = kt_crd_compile(answer);
	if (scaled)
		json_object_clear(world->objects);
	if (!kind || scaled || !json_is_object(config) || !strcmp(method, "DELETE"))
		return;
	apply.kind = kind;
	apply.type = kind->type;
	apply.api_version = kt_jstr(is_apply ? config : answer, "apiVersion");
	apply.subresource = kt_ends_with(plain, "/status") ? "status" : NULL;
	if (is_apply && !live && kt_jint(step, "response.status", 0) != 201)
		return; /* not known how it looks */
	if (is_apply)
		check_apply(world, step, &apply, live, config);
	else if (strcmp(method, "GET") && (live || !strcmp(method, "POST")))
		check_update(world, step, &apply, live);
}

static void remember(struct world *world, const json_t *step)
{
	json_t *answer = kt_jget(step, "response.body");
	kt_auto_free char *path = object_path(step);
	const char *method = kt_jstr(step, "request.method");
	const char *url = kt_jstr(step, "request.path");

	const json_t *entries = kt_jget(answer, "metadata.managedFields");

	if (kt_jint(step, "response.status", 500) >= 300 || strstr(url, "dryRun=All"))
		return;
	/* a real time, older than what the next step will write */
	for (size_t i = 0; i < json_array_size(entries); i++)
		if (kt_jstr(json_array_get(entries, i), "time"))
			json_object_set_new(json_array_get(entries, i), "time",
			        json_string("2020-01-01T00:00:00Z"));
	if (!strcmp(method, "DELETE"))
		json_object_del(world->objects, path);
	else if (kt_jstr(answer, "metadata.name") && !kt_streq(kt_jstr(answer, "kind"), "Scale"))
		json_object_set(world->objects, path, answer);
}

static size_t run_scenario(const char *folder, const char *name)
{
	kt_auto_free char *relative = kt_asprintf("golden/scenarios/%s/%s.json", folder, name);
	const char *path = kt_test_shared(relative);
	kt_auto_json json_t *scenario = path ? golden_load(path) : NULL;
	struct world world = {.scenario = name, .objects = json_object()};
	const json_t *steps = json_object_get(scenario, "steps");

	for (size_t i = 0; i < json_array_size(steps); i++) {
		run_step(&world, json_array_get(steps, i));
		remember(&world, json_array_get(steps, i));
	}
	json_decref(world.objects);
	kt_crd_unref(world.crd);
	return world.checked;
}

static void test_scenarios(void **state)
{
	static const char *const names[] = {
	        "atomic-list",
	        "atomic-map",
	        "before-first-apply",
	        "conflict-many",
	        "conflict-one",
	        "create",
	        "custom-free",
	        "custom-lists",
	        "custom-status",
	        "custom-versions",
	        "defaults-not-owned",
	        "dry-run",
	        "duplicates",
	        "empty-apply",
	        "force",
	        "granular-map",
	        "kinds",
	        "managed-fields-edit",
	        "managed-fields-reset",
	        "many-updaters",
	        "over-update",
	        "owner-references",
	        "pod-template-maps",
	        "ports-default-key",
	        "set-list",
	        "status",
	        "subresource-managers",
	        "union-like",
	        "update-same-name",
	        "update-takes",
	        "user-agent-manager",
	};
	const char *only = getenv("KT_ONLY");

	(void)state;
	KT_TEST_NEEDS_SHARED(first, "golden/scenarios/apply/create.json");
	(void)first;
	for (size_t i = 0; i < KT_ARRAY_SIZE(names); i++) {
		size_t n;

		if (only && strcmp(only, names[i]))
			continue;
		n = run_scenario("apply", names[i]);
		if (!n)
			fail_msg("%s: no step checked", names[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_scenarios)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
