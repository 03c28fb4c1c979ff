/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/client/kubeconfig.h"
#include "base/path.h"
#include "support/support.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char *dir;

static int set_up(void **state)
{
	(void)state;
	dir = kt_test_make_dir();
	setenv("HOME", dir, 1);
	unsetenv("KUBECONFIG");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	kt_test_remove_dir(dir);
	return 0;
}

static char *file(const char *name, const char *text)
{
	char *path = kt_path_join(dir, name);

	assert_int_equal(kt_write_file(path, kt_sv_of(text), 0600, NULL), 0);
	return path;
}

static char *read_all(const char *path)
{
	kt_auto_str text = KT_STR_INIT;

	assert_int_equal(kt_read_file(path, 1 << 20, &text, NULL), 0);
	return kt_str_steal(&text);
}

/* One that only has to be there. */
static void put_ca(void)
{
	free(file("ca.pem", "CA\n"));
}

static const char full[] =
        "apiVersion: v1\nkind: Config\ncurrent-context: one\n"
        "clusters:\n- name: c1\n  cluster:\n    server: https://h:6443/\n    "
        "certificate-authority: ca.pem\n    tls-server-name: inner\n"
        "- name: c2\n  cluster:\n    server: https://other\n    insecure-skip-tls-verify: true\n   "
        " proxy-url: http://p:1\n"
        "contexts:\n- name: one\n  context: {cluster: c1, user: u1, namespace: ns}\n- name: two\n  "
        "context: {cluster: c2, user: u2}\n"
        "- name: broken\n  context: {cluster: none, user: u2}\n- name: nouser\n  context: "
        "{cluster: c2, user: none}\n"
        "users:\n- name: u1\n  user:\n    client-certificate-data: Q0VSVA==\n    client-key-data: "
        "S0VZ\n"
        "- name: u2\n  user:\n    token: secret\n    as: jane\n    as-groups: [a, b]\n    exec: "
        "{command: ./plugin, args: [x]}\n    x-unknown: {kept: true}\n";

static void test_endpoint(void **state)
{
	kt_auto_free char *path = file("config", full), *plugin = kt_path_join(dir, "./plugin");
	struct kt_kubeconfig *config = NULL;
	struct kt_endpoint e = {0};

	(void)state;
	put_ca();
	assert_int_equal(kt_kubeconfig_load(path, &config, NULL), 0);
	assert_string_equal(kt_kubeconfig_current_context(config), "one");
	assert_int_equal(kt_kubeconfig_endpoint(config, NULL, &e, NULL), 0);
	assert_string_equal(e.server, "https://h:6443");
	assert_string_equal(e.ca_pem, "CA\n");
	assert_string_equal(e.tls_server_name, "inner");
	assert_string_equal(e.client_cert_pem, "CERT");
	assert_string_equal(e.client_key_pem, "KEY");
	assert_string_equal(e.namespace, "ns");
	kt_endpoint_finish(&e);
	assert_int_equal(kt_kubeconfig_endpoint(config, "two", &e, NULL), 0);
	assert_true(e.insecure);
	assert_null(e.namespace);
	assert_string_equal(e.token, "secret");
	assert_string_equal(e.proxy_url, "http://p:1");
	assert_string_equal(e.impersonate_user, "jane");
	assert_string_equal(e.impersonate_groups[1], "b");
	assert_null(e.impersonate_groups[2]);
	assert_string_equal(kt_jstr(e.exec, "command"), plugin);
	kt_endpoint_finish(&e);
	kt_kubeconfig_destroy(config);
}

static void check_fails(
        const struct kt_kubeconfig *config, const char *context, const char *expected)
{
	struct kt_endpoint e = {0};
	kt_auto_err err = KT_ERR_INIT;

	assert_true(kt_kubeconfig_endpoint(config, context, &e, &err) < 0);
	assert_non_null(strstr(kt_err_message(&err), expected));
}

static void test_errors(void **state)
{
	kt_auto_free char *path = file("config", full), *bad = file("bad", "clusters: [\n"),
	                  *ca = kt_path_join(dir, "ca.pem");
	struct kt_kubeconfig *config = NULL, *empty = NULL;
	kt_auto_err err = KT_ERR_INIT, missing = KT_ERR_INIT;

	(void)state;
	remove(ca);
	assert_int_equal(kt_kubeconfig_load(path, &config, NULL), 0);
	check_fails(config, "none", "context \"none\" does not exist");
	check_fails(config, "broken", "cluster \"none\" does not exist");
	check_fails(config, "nouser", "auth info \"none\" does not exist");
	check_fails(config, "one", "unable to read certificate-authority");
	kt_kubeconfig_destroy(config);
	assert_int_equal(kt_kubeconfig_load(bad, &config, &err), -EINVAL);
	assert_non_null(strstr(kt_err_message(&err), "error loading config file"));
	assert_int_equal(kt_kubeconfig_load("/nonexistent/file", &config, &missing), -ENOENT);
	assert_int_equal(kt_kubeconfig_load(NULL, &empty, NULL), 0);
	check_fails(empty, NULL, "no configuration has been provided");
	kt_kubeconfig_destroy(empty);
}

static void test_merge(void **state)
{
	kt_auto_free char *a =
	        file("a", "clusters:\n- name: c\n  cluster: {server: https://first}\ncontexts:\n- "
	                  "name: x\n  context: {cluster: c, user: u}\n");
	kt_auto_free char *b =
	        file("b", "current-context: x\nclusters:\n- name: c\n  cluster: {server: "
	                  "https://second}\nusers:\n- name: u\n  user: {token: t}\n");
	kt_auto_free char *list = kt_asprintf("%s:/nonexistent/f:%s", a, b);
	struct kt_kubeconfig *config = NULL;
	struct kt_endpoint e = {0};

	(void)state;
	setenv("KUBECONFIG", list, 1);
	assert_int_equal(kt_kubeconfig_load(NULL, &config, NULL), 0);
	unsetenv("KUBECONFIG");
	assert_int_equal(kt_kubeconfig_endpoint(config, NULL, &e, NULL), 0);
	assert_string_equal(e.server, "https://first");
	assert_string_equal(e.token, "t");
	kt_endpoint_finish(&e);
	kt_kubeconfig_destroy(config);
}

/* Adding and removing leaves what was there; the current context comes back. */
static void test_add_and_remove(void **state)
{
	kt_auto_free char *path = file("config", full), *before = NULL, *after = NULL,
	                  *previous = NULL, *lock = NULL;
	struct kt_endpoint mine = {.server = (char[]){"https://127.0.0.1:1"},
	        .ca_pem = (char[]){"PEM"},
	        .client_cert_pem = (char[]){"C"},
	        .client_key_pem = (char[]){"K"}};
	struct kt_kubeconfig *config = NULL;
	struct kt_endpoint e = {0};
	struct stat st;

	(void)state;
	put_ca();
	/* once through our own writer, so that only what changes differs */
	assert_int_equal(kt_kubeconfig_use_context(path, "two", NULL), 0);
	before = read_all(path);
	assert_non_null(strstr(before, "kept: true"));
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(kt_kubeconfig_add(path, "kube-tui-dev", &mine, &previous, NULL), 0);
	assert_string_equal(previous, "two");
	assert_int_equal(kt_kubeconfig_load(path, &config, NULL), 0);
	assert_int_equal(kt_kubeconfig_endpoint(config, NULL, &e, NULL), 0);
	assert_string_equal(e.context, "kube-tui-dev");
	assert_string_equal(e.ca_pem, "PEM");
	assert_string_equal(e.client_key_pem, "K");
	kt_endpoint_finish(&e);
	kt_kubeconfig_destroy(config);
	assert_int_equal(kt_kubeconfig_remove(path, "kube-tui-dev", previous, NULL), 0);
	after = read_all(path);
	assert_string_equal(before, after);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	lock = kt_asprintf("%s.lock", path);
	assert_int_equal(access(lock, F_OK), -1);
}

static void test_new_file(void **state)
{
	kt_auto_free char *path = kt_path_join(dir, ".kube/config"), *previous = NULL, *text = NULL;
	struct kt_endpoint mine = {.server = (char[]){"https://127.0.0.1:1"}};
	json_t *fields = json_pack("{s:s}", "namespace", "here");
	bool created = true;
	struct stat st;

	(void)state;
	assert_int_equal(kt_kubeconfig_add(NULL, "n", &mine, &previous, NULL), 0);
	assert_null(previous);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(kt_kubeconfig_set_context(NULL, "n", fields, &created, NULL), 0);
	text = read_all(path);
	assert_non_null(strstr(text, "namespace: here"));
	assert_false(created);
	assert_int_equal(kt_kubeconfig_delete(NULL, "contexts", "none", NULL), -ENOENT);
	json_decref(fields);
	assert_int_equal(kt_kubeconfig_use_context(NULL, "none", NULL), -ENOENT);
	assert_int_equal(kt_kubeconfig_remove(NULL, "n", "gone", NULL), 0);
	free(text);
	text = read_all(path);
	assert_non_null(strstr(text, "current-context: \"\""));
}

/* A link to the file, as dotfile managers make them, stays a link. */
static void test_symbolic_link(void **state)
{
	kt_auto_free char *target = file("target", full), *link = kt_path_join(dir, "link");
	struct stat st;

	(void)state;
	assert_int_equal(symlink(target, link), 0);
	assert_int_equal(kt_kubeconfig_use_context(link, "two", NULL), 0);
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_endpoint),
	        cmocka_unit_test(test_errors),
	        cmocka_unit_test(test_merge),
	        cmocka_unit_test(test_add_and_remove),
	        cmocka_unit_test(test_new_file),
	        cmocka_unit_test(test_symbolic_link),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
