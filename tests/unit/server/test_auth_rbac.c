/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/auth/authorize.h"
#include "cluster/store/store.h"
#include "support/support.h"

#include <errno.h>
#include <stdio.h>

static struct kt_loop *loop;
static struct kt_storage *storage;
static struct kt_authorizer *authorizer;

static void on_done(struct kt_storage_txn *txn)
{
	assert_int_equal(txn->status, 0);
	kt_object_unref(txn->ops[0].ret_object);
}

/* json NULL: delete. */
static void put(const char *key, const char *json)
{
	struct kt_storage_op op = {.kind = json ? KT_STORAGE_PUT : KT_STORAGE_DELETE,
	        .key = key,
	        .expect_revision = KT_STORAGE_ANY};
	struct kt_storage_txn txn = {.ops = &op, .n_ops = 1, .loop = loop, .done = on_done};
	kt_auto_object struct kt_object *object = NULL;

	if (json)
		assert_int_equal(kt_object_create(kt_sv_of(key), kt_sv_of(json), &object, NULL), 0);
	op.object = object;
	assert_int_equal(storage->ops->submit(storage, &txn, NULL), 0);
	kt_loop_run_until(loop, kt_loop_now_ns(loop));
}

static void put_role(const char *where, const char *rules)
{
	kt_auto_free char *key = kt_asprintf("/registry/%s", where);
	kt_auto_free char *json = kt_asprintf(
	        "{\"metadata\":{\"name\":\"%s\"},\"rules\":%s}", strrchr(where, '/') + 1, rules);

	put(key, json);
}

static void put_binding(
        const char *where, const char *role_kind, const char *role, const char *subject)
{
	kt_auto_free char *key = kt_asprintf("/registry/%s", where);
	kt_auto_free char *json = kt_asprintf("{\"metadata\":{\"name\":\"%s\"},\"roleRef\":{"
	                                      "\"kind\":\"%s\",\"name\":\"%s\"},\"subjects\":[%s]}",
	        strrchr(where, '/') + 1, role_kind, role, subject);

	put(key, json);
}

#define JANE "{\"kind\":\"User\",\"name\":\"jane\"}"
#define DEVS "{\"kind\":\"Group\",\"name\":\"devs\"}"

static int set_up(void **state)
{
	(void)state;
	loop = kt_loop_create(&(struct kt_loop_options){.is_virtual = true,
	                              .seed = 1,
	                              .start_wall_ns = INT64_C(1700000000) * KT_NS_PER_S},
	        NULL);
	assert_int_equal(
	        kt_store_open(&(struct kt_store_options){.loop = loop}, &storage, NULL), 0);
	put_role("roles/a/r",
	        "[{\"apiGroups\":[\"\"],\"resources\":[\"configmaps\"],\"verbs\":[\"get\",\"list\"]"
	        "},"
	        "{\"apiGroups\":[\"\"],\"resources\":[\"secrets\"],\"resourceNames\":[\"one\"],"
	        "\"verbs\":[\"get\"]},"
	        "{\"apiGroups\":[\"\"],\"resources\":[\"pods/log\",\"pods/"
	        "*\"],\"verbs\":[\"get\"]},"
	        "{\"apiGroups\":[\"apps\"],\"resources\":[\"*/scale\"],\"verbs\":[\"*\"]}]");
	put_binding("rolebindings/a/b", "Role", "r", JANE);
	put_role("clusterroles/info",
	        "[{\"nonResourceURLs\":[\"/healthz\",\"/api/*\"],\"verbs\":[\"get\"]}]");
	put_binding("clusterrolebindings/info", "ClusterRole", "info", DEVS);
	assert_int_equal(kt_authorizer_create(storage, loop, &authorizer, NULL), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	kt_authorizer_destroy(authorizer);
	storage->ops->destroy(storage);
	kt_loop_destroy(loop);
	return 0;
}

static struct kt_user *jane(void)
{
	static const char *const groups[] = {"devs", "system:authenticated", NULL};

	return kt_user_create("jane", NULL, groups);
}

/* what: "verb group resource[/subresource] namespace [name]", "-" for none; or "verb /path". */
static bool ask_as(struct kt_user *user, const char *what, char **ret_reason)
{
	kt_auto_free char *text = kt_strdup(what);
	char *save = NULL, *verb = strtok_r(text, " ", &save), *group = strtok_r(NULL, " ", &save);
	struct kt_attributes a = {.user = user, .verb = verb};
	char *resource, *namespace, *name, *slash;
	bool allowed;

	if (*group == '/') {
		a.path = group;
	} else {
		resource = strtok_r(NULL, " ", &save);
		namespace = strtok_r(NULL, " ", &save);
		name = strtok_r(NULL, " ", &save);
		slash = strchr(resource, '/');
		if (slash)
			*slash = 0;
		a.group = strcmp(group, "-") ? group : "";
		a.resource = resource;
		a.subresource = slash ? slash + 1 : "";
		a.namespace = namespace && strcmp(namespace, "-") ? namespace : "";
		a.name = name ? name : "";
	}
	allowed = kt_authorize(authorizer, &a, ret_reason);
	kt_user_unref(user);
	return allowed;
}

static void check(const char *what, bool expected)
{
	if (ask_as(jane(), what, NULL) != expected) {
		print_message("%s\n", what);
		fail();
	}
}

static void test_rules(void **state)
{
	(void)state;
	check("get - configmaps a x", true);
	check("list - configmaps a", true);
	check("watch - configmaps a", false);
	check("get - configmaps b x", false);
	check("get - configmaps -", false);
	check("get apps configmaps a x", false);
	check("get - secrets a one", true);
	check("get - secrets a two", false);
	check("get - secrets a", false);
	check("get - pods/log a x", true);
	check("get - pods/exec a x", false);
	check("get - pods a x", false);
	check("update apps deployments/scale a x", true);
	check("update apps deployments a x", false);
	check("update - deployments/scale a x", false);
	check("get /healthz", true);
	check("get /healthz/etcd", false);
	check("get /api/v1", true);
	check("get /api", false);
	check("post /healthz", false);
}

static void test_reasons(void **state)
{
	kt_auto_free char *reason = NULL, *other = NULL, *missing = NULL;
	struct kt_user *user = jane();
	struct kt_attributes a = {
	        .user = user, .verb = "list", .resource = "pods", .namespace = "c"};
	kt_auto_err err = KT_ERR_INIT;

	(void)state;
	assert_true(ask_as(jane(), "get - configmaps a x", &reason));
	assert_string_equal(
	        reason, "RBAC: allowed by RoleBinding \"b/a\" of Role \"r\" to User \"jane\"");
	assert_true(ask_as(jane(), "get /healthz", &other));
	assert_string_equal(other, "RBAC: allowed by ClusterRoleBinding \"info\" of ClusterRole "
	                           "\"info\" to Group \"devs\"");
	put_binding("rolebindings/c/m", "Role", "missing", JANE);
	assert_false(ask_as(jane(), "list - pods c", &missing));
	assert_string_equal(missing, "RBAC: role.rbac.authorization.k8s.io \"missing\" not found");
	assert_int_equal(kt_fail_forbidden(&err, &a, missing), -EPERM);
	assert_string_equal(kt_err_message(&err),
	        "pods is forbidden: User \"jane\" cannot list resource \"pods\" in API group \"\" "
	        "in the "
	        "namespace \"c\": RBAC: role.rbac.authorization.k8s.io \"missing\" not found");
	kt_user_unref(user);
}

static void test_forbidden_words(void **state)
{
	struct kt_user *user = jane();
	struct kt_attributes a = {.user = user,
	        .verb = "get",
	        .group = "apps",
	        .resource = "deployments",
	        .subresource = "scale",
	        .namespace = "n",
	        .name = "x"};
	struct kt_attributes path = {.user = user, .verb = "get", .path = "/metrics"};
	struct kt_attributes nodes = {.user = user, .verb = "list", .resource = "nodes"};
	kt_auto_err err = KT_ERR_INIT, path_err = KT_ERR_INIT, nodes_err = KT_ERR_INIT;

	(void)state;
	kt_fail_forbidden(&err, &a, NULL);
	assert_string_equal(kt_err_message(&err),
	        "deployments.apps \"x\" is forbidden: User \"jane\" cannot get resource "
	        "\"deployments/scale\" in API group \"apps\" in the namespace \"n\"");
	kt_fail_forbidden(&path_err, &path, NULL);
	assert_string_equal(
	        kt_err_message(&path_err), "forbidden: User \"jane\" cannot get path \"/metrics\"");
	kt_fail_forbidden(&nodes_err, &nodes, NULL);
	assert_string_equal(kt_err_message(&nodes_err),
	        "nodes is forbidden: User \"jane\" cannot list resource \"nodes\" in API group "
	        "\"\" at the cluster scope");
	kt_user_unref(user);
}

/* A list of one name is asked about by that name. */
static void test_selected_name(void **state)
{
	struct kt_user *user = jane();
	struct kt_attributes a = {
	        .user = user,
	        .verb = "get",
	        .resource = "secrets",
	        .namespace = "a",
	        .field_selector = "type=x,metadata.name==one",
	};
	kt_auto_err err = KT_ERR_INIT;

	(void)state;
	assert_true(kt_authorize(authorizer, &a, NULL));
	a.field_selector = "metadata.name!=one";
	assert_false(kt_authorize(authorizer, &a, NULL));
	a.field_selector = "metadata.name=two";
	assert_false(kt_authorize(authorizer, &a, NULL));
	kt_fail_forbidden(&err, &a, NULL);
	assert_true(kt_starts_with(kt_err_message(&err), "secrets \"two\" is forbidden"));
	kt_user_unref(user);
}

static void test_index_follows_storage(void **state)
{
	static const char *const none[] = {NULL};

	(void)state;
	assert_false(ask_as(
	        kt_user_create("system:serviceaccount:a:sa", NULL, none), "get - pods b x", NULL));
	put_role("clusterroles/pods",
	        "[{\"apiGroups\":[\"*\"],\"resources\":[\"*\"],\"verbs\":[\"get\"]}]");
	put_binding("rolebindings/b/sa", "ClusterRole", "pods",
	        "{\"kind\":\"ServiceAccount\",\"name\":\"sa\",\"namespace\":\"a\"}");
	assert_true(ask_as(
	        kt_user_create("system:serviceaccount:a:sa", NULL, none), "get - pods b x", NULL));
	assert_false(ask_as(
	        kt_user_create("system:serviceaccount:a:s", NULL, none), "get - pods b x", NULL));
	assert_false(ask_as(
	        kt_user_create("system:serviceaccount:a:sa", NULL, none), "get - pods a x", NULL));
	put_role("clusterroles/pods", "[]");
	assert_false(ask_as(
	        kt_user_create("system:serviceaccount:a:sa", NULL, none), "get - pods b x", NULL));
	put_role("clusterroles/pods",
	        "[{\"apiGroups\":[\"*\"],\"resources\":[\"*\"],\"verbs\":[\"get\"]}]");
	put("/registry/rolebindings/b/sa", NULL);
	assert_false(ask_as(
	        kt_user_create("system:serviceaccount:a:sa", NULL, none), "get - pods b x", NULL));
}

/* The storage with watches that fall behind. */
static const struct kt_storage_ops *real_ops;
static bool falls_behind;

static int next_or_behind(struct kt_storage_watch *watch, struct kt_storage_event *ret_event)
{
	return falls_behind ? -ESTALE : real_ops->watch_next(watch, ret_event);
}

static void close_and_catch_up(struct kt_storage_watch *watch)
{
	falls_behind = false;
	real_ops->watch_close(watch);
}

/* What was revoked while nobody listened is revoked. */
static void test_index_reads_again_what_it_missed(void **state)
{
	struct kt_storage_ops ops = *storage->ops;

	(void)state;
	ops.watch_next = next_or_behind;
	ops.watch_close = close_and_catch_up;
	put_role("roles/m/r",
	        "[{\"apiGroups\":[\"\"],\"resources\":[\"pods\"],\"verbs\":[\"get\"]}]");
	put_binding("rolebindings/m/b", "Role", "r", JANE);
	put_binding("clusterrolebindings/m", "ClusterRole", "info", JANE);
	check("get - pods m x", true);
	real_ops = storage->ops;
	storage->ops = &ops;
	falls_behind = true;
	put("/registry/rolebindings/m/b", NULL);
	assert_false(falls_behind);
	check("get - pods m x", false);
	put_binding("rolebindings/m/b", "Role", "r", JANE);
	check("get - pods m x", true);
	falls_behind = true;
	put("/registry/roles/m/r", NULL);
	assert_false(falls_behind);
	check("get - pods m x", false);
	check("get /healthz", true); /* of the whole cluster: not forgotten with the others */
	storage->ops = real_ops;
	put("/registry/clusterrolebindings/m", NULL);
	put("/registry/rolebindings/m/b", NULL);
}

static void test_masters(void **state)
{
	static const char *const masters[] = {"system:masters", NULL};
	char *reason = NULL;

	(void)state;
	assert_true(ask_as(kt_user_create("x", NULL, masters), "delete - nodes - x", &reason));
	assert_null(reason);
}

static json_t *parse(const char *text)
{
	json_t *tree = kt_json_parse(kt_sv_of(text), NULL, NULL);

	assert_non_null(tree);
	return tree;
}

static void check_write(const char *resource, const char *object, const char *expected)
{
	kt_auto_json json_t *tree = parse(object);
	struct kt_user *user = jane();
	kt_auto_err err = KT_ERR_INIT;
	int r = kt_rbac_check_write(authorizer, user, resource, "a", tree, NULL, &err);

	kt_user_unref(user);
	if (!expected)
		assert_int_equal(r, 0);
	else
		assert_string_equal(kt_err_message(&err), expected);
}

static void test_escalation(void **state)
{
	(void)state;
	check_write("roles",
	        "{\"metadata\":{\"name\":\"x\"},\"rules\":[{\"apiGroups\":[\"\"],\"resources\":["
	        "\"configmaps\"],\"verbs\":[\"get\"]}]}",
	        NULL);
	check_write("roles",
	        "{\"metadata\":{\"name\":\"x\"},\"rules\":[{\"apiGroups\":[\"\"],\"resources\":["
	        "\"secrets\"],\"resourceNames\":[\"one\"],\"verbs\":[\"get\"]}]}",
	        NULL);
	check_write("roles",
	        "{\"metadata\":{\"name\":\"more\"},\"rules\":[{\"apiGroups\":[\"\"],\"resources\":["
	        "\"secrets\"],\"verbs\":[\"get\"]},"
	        "{\"apiGroups\":[\"\"],\"resources\":[\"configmaps\"],\"verbs\":[\"get\","
	        "\"update\",\"delete\"]}]}",
	        "roles.rbac.authorization.k8s.io \"more\" is forbidden: user \"jane\" "
	        "(groups=[\"devs\" \"system:authenticated\"]) is attempting to "
	        "grant RBAC permissions not currently held:\n{APIGroups:[\"\"], "
	        "Resources:[\"configmaps\"], Verbs:[\"update\" \"delete\"]}\n"
	        "{APIGroups:[\"\"], Resources:[\"secrets\"], Verbs:[\"get\"]}");
	check_write("rolebindings",
	        "{\"metadata\":{\"name\":\"x\"},\"roleRef\":{\"kind\":\"Role\",\"name\":\"r\"}}",
	        NULL);
	check_write("rolebindings",
	        "{\"metadata\":{\"name\":\"x\"},\"roleRef\":{\"kind\":\"Role\",\"name\":\"none\"}}",
	        "rolebindings.rbac.authorization.k8s.io \"none\" not found");
	put_role("clusterroles/root", "[{\"apiGroups\":[\"*\"],\"resources\":[\"*\"],\"verbs\":[\"*"
	                              "\"]},{\"nonResourceURLs\":[\"*\"],\"verbs\":[\"*\"]}]");
	check_write("rolebindings",
	        "{\"metadata\":{\"name\":\"z\"},\"roleRef\":{\"kind\":\"ClusterRole\",\"name\":"
	        "\"root\"}}",
	        "rolebindings.rbac.authorization.k8s.io \"z\" is forbidden: user \"jane\" "
	        "(groups=[\"devs\" \"system:authenticated\"]) is attempting to "
	        "grant RBAC permissions not currently held:\n{APIGroups:[\"*\"], "
	        "Resources:[\"*\"], Verbs:[\"*\"]}\n{NonResourceURLs:[\"*\"], Verbs:[\"*\"]}");
}

static void test_rules_review(void **state)
{
	struct kt_user *user = jane();
	kt_auto_json json_t *status = kt_authorizer_rules(authorizer, user, "a");

	(void)state;
	assert_int_equal(json_array_size(kt_jget(status, "resourceRules")), 4);
	assert_int_equal(json_array_size(kt_jget(status, "nonResourceRules")), 1);
	assert_false(kt_jbool(status, "incomplete", true));
	kt_user_unref(user);
}

static void test_node(void **state)
{
	static const char *const groups[] = {"system:nodes", "system:authenticated", NULL};
	struct kt_user *node = kt_user_create("system:node:n1", NULL, groups);
	struct kt_attributes list = {.user = node,
	        .verb = "list",
	        .resource = "pods",
	        .field_selector = "spec.nodeName=n1"};

	(void)state;
	put("/registry/pods/a/p",
	        "{\"metadata\":{\"name\":\"p\",\"namespace\":\"a\"},\"spec\":{\"nodeName\":\"n1\","
	        "\"serviceAccountName\":\"sa\",\"volumes\":"
	        "[{\"name\":\"v\",\"secret\":{\"secretName\":\"mine\"}},{\"name\":\"w\","
	        "\"projected\":{\"sources\":[{\"configMap\":{\"name\":\"ca\"}}]}}]}}");
	put("/registry/pods/a/q", "{\"metadata\":{\"name\":\"q\",\"namespace\":\"a\"},\"spec\":{"
	                          "\"nodeName\":\"n2\",\"volumes\":"
	                          "[{\"name\":\"v\",\"secret\":{\"secretName\":\"other\"}}]}}");
	assert_true(kt_authorize(authorizer, &list, NULL));
	list.field_selector = "spec.nodeName=n2";
	assert_false(kt_authorize(authorizer, &list, NULL));
	assert_true(ask_as(kt_user_ref(node), "get - secrets a mine", NULL));
	assert_false(ask_as(kt_user_ref(node), "get - secrets a other", NULL));
	assert_false(ask_as(kt_user_ref(node), "list - secrets a", NULL));
	assert_true(ask_as(kt_user_ref(node), "get - configmaps a ca", NULL));
	assert_true(ask_as(kt_user_ref(node), "create - serviceaccounts/token a sa", NULL));
	assert_false(ask_as(kt_user_ref(node), "create - serviceaccounts/token a default", NULL));
	assert_true(ask_as(kt_user_ref(node), "get - pods a p", NULL));
	assert_false(ask_as(kt_user_ref(node), "get - pods a q", NULL));
	assert_true(ask_as(kt_user_ref(node), "get - nodes - n1", NULL));
	assert_false(ask_as(kt_user_ref(node), "get - nodes - n2", NULL));
	assert_true(ask_as(kt_user_ref(node), "update - pods/status a p", NULL));
	assert_true(ask_as(
	        kt_user_ref(node), "update coordination.k8s.io leases kube-node-lease n1", NULL));
	assert_false(ask_as(kt_user_ref(node), "delete - nodes - n1", NULL));
	kt_user_unref(node);
}

static void test_impersonation(void **state)
{
	static const char *const masters[] = {"system:masters", NULL};
	struct kt_request *request = kt_request_create(NULL, loop);
	struct kt_user *original = NULL;
	kt_auto_err err = KT_ERR_INIT;

	(void)state;
	request->user = kt_user_create("admin", NULL, masters);
	assert_int_equal(kt_impersonate(authorizer, request, &original, NULL), 0);
	assert_null(original);
	kt_request_add_header(request, "Impersonate-User", "system:serviceaccount:a:sa");
	kt_request_add_header(request, "Impersonate-Extra-a%2f%42", "v");
	assert_int_equal(kt_impersonate(authorizer, request, &original, NULL), 0);
	assert_string_equal(original->name, "admin");
	assert_string_equal(request->user->name, "system:serviceaccount:a:sa");
	assert_true(kt_user_in_group(request->user, "system:serviceaccounts:a"));
	assert_true(kt_user_in_group(request->user, "system:authenticated"));
	assert_string_equal(
	        json_string_value(json_array_get(json_object_get(request->user->extra, "a/B"), 0)),
	        "v");
	kt_user_unref(original);
	assert_int_equal(kt_impersonate(authorizer, request, &original, &err), -EPERM);
	assert_string_equal(kt_err_message(&err),
	        "serviceaccounts \"sa\" is forbidden: User \"system:serviceaccount:a:sa\" cannot "
	        "impersonate "
	        "resource \"serviceaccounts\" in API group \"\" in the namespace \"a\"");
	kt_request_destroy(request);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_rules),
	        cmocka_unit_test(test_reasons),
	        cmocka_unit_test(test_forbidden_words),
	        cmocka_unit_test(test_selected_name),
	        cmocka_unit_test(test_index_follows_storage),
	        cmocka_unit_test(test_index_reads_again_what_it_missed),
	        cmocka_unit_test(test_masters),
	        cmocka_unit_test(test_escalation),
	        cmocka_unit_test(test_rules_review),
	        cmocka_unit_test(test_node),
	        cmocka_unit_test(test_impersonation),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
