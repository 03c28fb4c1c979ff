/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/auth/authenticate.h"
#include "api/server/auth/jwt.h"
#include "base/path.h"
#include "cluster/store/store.h"
#include "support/support.h"

#include <errno.h>
#include <stdio.h>

static struct kt_loop *loop;
static struct kt_storage *storage;
static struct kt_pki *pki;
static struct kt_authenticator *auth;
static char *dir;

static void on_done(struct kt_storage_txn *txn)
{
	assert_int_equal(txn->status, 0);
	kt_object_unref(txn->ops[0].ret_object);
}

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

static int64_t now_ns(void)
{
	return kt_loop_wall_ns(loop);
}

static int set_up(void **state)
{
	kt_auto_free char *path = NULL;

	(void)state;
	dir = kt_test_make_dir();
	path = kt_path_join(dir, "tokens.csv");
	assert_int_equal(kt_write_file(path,
	                         KT_SV("admin-token,admin,admin-uid,\"system:masters,ops\"\nplain,"
	                               "bob,\r\n\"quo\"\"ted\",eve,1\n\n"),
	                         0600, NULL),
	        0);
	loop = kt_loop_create(&(struct kt_loop_options){.is_virtual = true,
	                              .seed = 1,
	                              .start_wall_ns = INT64_C(1700000000) * KT_NS_PER_S},
	        NULL);
	assert_int_equal(
	        kt_store_open(&(struct kt_store_options){.loop = loop}, &storage, NULL), 0);
	assert_int_equal(kt_pki_open(NULL, NULL, &pki, NULL), 0);
	struct kt_authenticator_options options = {
	        .storage = storage, .pki = pki, .token_auth_file = path, .anonymous = true};
	assert_int_equal(kt_authenticator_create(&options, &auth, NULL), 0);
	put("/registry/serviceaccounts/a/sa",
	        "{\"metadata\":{\"name\":\"sa\",\"namespace\":\"a\",\"uid\":\"u1\"}}");
	put("/registry/minions/n1", "{\"metadata\":{\"name\":\"n1\",\"uid\":\"nu\"}}");
	put("/registry/pods/a/p",
	        "{\"metadata\":{\"name\":\"p\",\"namespace\":\"a\",\"uid\":\"pu\"},\"spec\":{"
	        "\"serviceAccountName\":\"sa\",\"nodeName\":\"n1\"}}");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	kt_authenticator_destroy(auth);
	kt_pki_close(pki);
	storage->ops->destroy(storage);
	kt_loop_destroy(loop);
	kt_test_remove_dir(dir);
	return 0;
}

/* The user's name and groups, or NULL; heap. */
static char *ask(const char *header)
{
	struct kt_request *request = kt_request_create(NULL, loop);
	kt_auto_str text = KT_STR_INIT;
	kt_auto_err err = KT_ERR_INIT;

	if (header)
		kt_request_add_header(request, "Authorization", header);
	if (kt_authenticate(auth, request, &err) < 0) {
		assert_string_equal(kt_err_message(&err), "Unauthorized");
	} else {
		kt_str_printf(&text, "%s/%s", request->user->name,
		        request->user->uid ? request->user->uid : "");
		for (char **group = request->user->groups; *group; group++)
			kt_str_printf(&text, " %s", *group);
	}
	kt_request_destroy(request);
	return text.len ? kt_str_steal(&text) : NULL;
}

static void check(const char *header, const char *expected)
{
	kt_auto_free char *user = ask(header);

	if (!expected)
		assert_null(user);
	else
		assert_string_equal(user ? user : "(nobody)", expected);
}

static void test_static_tokens_and_anonymous(void **state)
{
	(void)state;
	check("Bearer admin-token", "admin/admin-uid system:masters ops system:authenticated");
	check("bearer plain", "bob/ system:authenticated");
	check("Bearer quo\"ted", "eve/1 system:authenticated");
	check("Bearer admin-toke", NULL);
	check("Bearer admin-token2", NULL);
	check("Bearer wrong", NULL);
	check(NULL, "system:anonymous/ system:unauthenticated");
	check("Basic YTpi", "system:anonymous/ system:unauthenticated");
	check("Bearer", "system:anonymous/ system:unauthenticated");
	check("Bearer ", "system:anonymous/ system:unauthenticated");
}

static void test_bad_token_file(void **state)
{
	kt_auto_free char *path = kt_path_join(dir, "bad.csv");
	struct kt_authenticator *bad = NULL;
	struct kt_authenticator_options options = {
	        .storage = storage, .pki = pki, .token_auth_file = path};
	kt_auto_err err = KT_ERR_INIT, quote = KT_ERR_INIT;

	(void)state;
	assert_int_equal(kt_write_file(path, KT_SV("a,b,c\nx,y\n"), 0600, NULL), 0);
	assert_int_equal(kt_authenticator_create(&options, &bad, &err), -EINVAL);
	assert_non_null(strstr(kt_err_message(&err), "record 2"));
	assert_int_equal(kt_write_file(path, KT_SV("\"a,b,c\n"), 0600, NULL), 0);
	assert_int_equal(kt_authenticator_create(&options, &bad, &quote), -EINVAL);
}

/* A token of account a/sa; spec is JSON or NULL. */
static char *request_token(const char *spec, struct kt_err *err)
{
	kt_auto_free char *text = kt_asprintf("{\"spec\":%s}", spec ? spec : "{}");
	kt_auto_json json_t *request = kt_json_parse(kt_sv_of(text), NULL, NULL);

	if (kt_token_request(auth, loop, "a", "sa", request, err) < 0)
		return NULL;
	assert_non_null(kt_jstr(request, "status.expirationTimestamp"));
	return kt_strdup(kt_jstr(request, "status.token"));
}

static void test_service_account(void **state)
{
	kt_auto_free char *token = request_token(NULL, NULL),
	                  *header = kt_asprintf("Bearer %s", token);
	kt_auto_free char *other = request_token("{\"audiences\":[\"vault\"]}", NULL),
	                  *other_header = kt_asprintf("Bearer %s", other);
	static const char *const vault[] = {"x", "vault", NULL};
	struct kt_user *user = NULL;
	kt_auto_json json_t *audiences = NULL;

	(void)state;
	check(header, "system:serviceaccount:a:sa/u1 system:serviceaccounts "
	              "system:serviceaccounts:a system:authenticated");
	check(other_header, NULL);
	assert_int_equal(kt_authenticate_token(
	                         auth, kt_sv_of(other), vault, now_ns(), &user, &audiences, NULL),
	        0);
	assert_int_equal(json_array_size(audiences), 1);
	kt_user_unref(user);
	/* every single changed character is noticed, but for the unused bits of the last one */
	for (size_t i = 0; i + 1 < strlen(token); i++) {
		kt_auto_free char *broken = kt_strdup(token);

		broken[i] = broken[i] == 'A' ? 'B' : 'A';
		assert_true(kt_authenticate_token(
		                    auth, kt_sv_of(broken), NULL, now_ns(), &user, NULL, NULL) < 0);
	}
}

static void test_expiry_and_bounds(void **state)
{
	kt_auto_free char *plain = request_token(NULL, NULL);
	kt_auto_free char *bound = request_token("{\"boundObjectRef\":{\"apiVersion\":\"v1\","
	                                         "\"kind\":\"Pod\",\"name\":\"p\",\"uid\":\"pu\"},"
	                                         "\"expirationSeconds\":3607}",
	        NULL);
	struct kt_user *user = NULL;

	(void)state;
	assert_int_equal(
	        kt_authenticate_token(auth, kt_sv_of(bound), NULL, now_ns(), &user, NULL, NULL), 0);
	assert_string_equal(
	        json_string_value(json_array_get(
	                json_object_get(user->extra, "authentication.kubernetes.io/pod-name"), 0)),
	        "p");
	assert_string_equal(
	        json_string_value(json_array_get(
	                json_object_get(user->extra, "authentication.kubernetes.io/node-name"), 0)),
	        "n1");
	kt_user_unref(user);
	assert_int_equal(
	        kt_authenticate_token(auth, kt_sv_of(plain), NULL, now_ns(), &user, NULL, NULL), 0);
	kt_user_unref(user);
	kt_loop_run_until(loop, kt_loop_now_ns(loop) + 3601 * KT_NS_PER_S);
	assert_int_equal(
	        kt_authenticate_token(auth, kt_sv_of(plain), NULL, now_ns(), &user, NULL, NULL),
	        -EACCES);
	assert_int_equal(
	        kt_authenticate_token(auth, kt_sv_of(bound), NULL, now_ns(), &user, NULL, NULL), 0);
	kt_user_unref(user);
	put("/registry/pods/a/p", NULL);
	kt_loop_run_until(loop, kt_loop_now_ns(loop) + 11 * KT_NS_PER_S);
	assert_int_equal(
	        kt_authenticate_token(auth, kt_sv_of(bound), NULL, now_ns(), &user, NULL, NULL),
	        -EACCES);
}

static void check_request_fails(const char *spec, const char *expected)
{
	kt_auto_err err = KT_ERR_INIT;

	assert_null(request_token(spec, &err));
	assert_non_null(strstr(kt_err_message(&err), expected));
}

static void test_request_is_checked(void **state)
{
	kt_auto_err err = KT_ERR_INIT;
	kt_auto_json json_t *request = json_object();

	(void)state;
	check_request_fails("{\"expirationSeconds\":599}",
	        "spec.expirationSeconds: Invalid value: 599: may "
	        "not specify a duration less than 10 minutes");
	check_request_fails("{\"expirationSeconds\":4294967297}",
	        "may not specify a duration larger than 2^32 seconds");
	check_request_fails(
	        "{\"boundObjectRef\":{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"name\":\"none\"}}",
	        "pods \"none\" not found");
	check_request_fails(
	        "{\"boundObjectRef\":{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"name\":\"x\"}}",
	        "cannot bind token to object of type");
	check_request_fails("{\"boundObjectRef\":{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"name\":"
	                    "\"n1\",\"uid\":\"z\"}}",
	        "does not match the UID in record");
	assert_int_equal(kt_token_request(auth, loop, "a", "nobody", request, &err), -ENOENT);
	assert_string_equal(kt_err_message(&err), "serviceaccounts \"nobody\" not found");
}

static void test_deleted_account(void **state)
{
	kt_auto_free char *token = NULL, *header = NULL;

	(void)state;
	token = request_token(NULL, NULL);
	header = kt_asprintf("Bearer %s", token);
	put("/registry/serviceaccounts/a/sa",
	        "{\"metadata\":{\"name\":\"sa\",\"namespace\":\"a\",\"uid\":\"u2\"}}");
	check(header, NULL);
	put("/registry/serviceaccounts/a/sa",
	        "{\"metadata\":{\"name\":\"sa\",\"namespace\":\"a\",\"uid\":\"u1\"}}");
	check(header, "system:serviceaccount:a:sa/u1 system:serviceaccounts "
	              "system:serviceaccounts:a system:authenticated");
}

static void test_legacy_token(void **state)
{
	kt_auto_free char *token = kt_token_legacy(auth, "a", "s", "sa", "u1"),
	                  *header = kt_asprintf("Bearer %s", token), *json = NULL;
	kt_auto_str encoded = KT_STR_INIT;

	(void)state;
	check(header, NULL);
	kt_base64_encode(&encoded, token, strlen(token));
	json = kt_asprintf("{\"metadata\":{\"name\":\"s\"},\"data\":{\"token\":\"%s\"}}",
	        kt_str_text(&encoded));
	put("/registry/secrets/a/s", json);
	check(header, "system:serviceaccount:a:sa/u1 system:serviceaccounts "
	              "system:serviceaccounts:a system:authenticated");
}

/* The header says "none", or another key signed: nothing of it is believed. */
static void test_foreign_signatures(void **state)
{
	kt_auto_free char *token = request_token(NULL, NULL), *stolen = NULL,
	                  *unsigned_token = NULL;
	kt_auto_str header = KT_STR_INIT;
	struct kt_pki *foreign = NULL;
	struct kt_jwt_key *key = NULL, *own = NULL;
	struct kt_user *user = NULL;
	kt_auto_json json_t *claims = NULL;

	(void)state;
	assert_int_equal(kt_pki_open(NULL, NULL, &foreign, NULL), 0);
	assert_int_equal(kt_jwt_key_create(kt_pki_pem(foreign, KT_PKI_TOKEN_KEY), &key, NULL), 0);
	assert_int_equal(kt_jwt_key_create(kt_pki_pem(pki, KT_PKI_TOKEN_KEY), &own, NULL), 0);
	assert_int_equal(kt_jwt_verify(own, kt_sv_of(token), &claims, NULL), 0);
	stolen = kt_jwt_sign(key, claims);
	assert_int_equal(
	        kt_authenticate_token(auth, kt_sv_of(stolen), NULL, now_ns(), &user, NULL, NULL),
	        -EACCES);
	kt_base64url_encode(&header, "{\"alg\":\"none\"}", 14);
	unsigned_token = kt_asprintf("%s.%.*s.", kt_str_text(&header),
	        (int)(strrchr(token, '.') - strchr(token, '.') - 1), strchr(token, '.') + 1);
	assert_int_equal(kt_authenticate_token(
	                         auth, kt_sv_of(unsigned_token), NULL, now_ns(), &user, NULL, NULL),
	        -EACCES);
	kt_jwt_key_destroy(key);
	kt_jwt_key_destroy(own);
	kt_pki_close(foreign);
}

static void put_bootstrap(const char *expiration)
{
	kt_auto_str secret = KT_STR_INIT, end = KT_STR_INIT;
	kt_auto_free char *json = NULL;

	kt_base64_encode(&secret, "0123456789abcdef", 16);
	kt_base64_encode(&end, expiration, strlen(expiration));
	json = kt_asprintf("{\"metadata\":{\"name\":\"bootstrap-token-abcdef\"},\"type\":"
	                   "\"bootstrap.kubernetes.io/token\",\"data\":{\"token-id\":\"YWJjZGVm\","
	                   "\"token-secret\":\"%s\",\"expiration\":\"%s\",\"usage-bootstrap-"
	                   "authentication\":\"dHJ1ZQ==\","
	                   "\"auth-extra-groups\":\"c3lzdGVtOmJvb3RzdHJhcHBlcnM6d29ya2Vy\"}}",
	        kt_str_text(&secret), kt_str_text(&end));
	put("/registry/secrets/kube-system/bootstrap-token-abcdef", json);
}

static void test_bootstrap_token(void **state)
{
	(void)state;
	put_bootstrap("2020-01-01T00:00:00Z");
	check("Bearer abcdef.0123456789abcdef", NULL);
	put_bootstrap("2100-01-01T00:00:00Z");
	check("Bearer abcdef.0123456789abcdee", NULL);
	check("Bearer abcdef.0123456789abcdef", "system:bootstrap:abcdef/ system:bootstrappers "
	                                        "system:bootstrappers:worker system:authenticated");
}

static void test_review_and_documents(void **state)
{
	kt_auto_free char *token = request_token(NULL, NULL),
	                  *text = kt_asprintf("{\"spec\":{\"token\":\"%s\"}}", token);
	kt_auto_json json_t *good = kt_json_parse(kt_sv_of(text), NULL, NULL);
	kt_auto_json json_t *bad = kt_json_parse(KT_SV("{\"spec\":{\"token\":\"x\"}}"), NULL, NULL);
	kt_auto_str jwks = KT_STR_INIT, configuration = KT_STR_INIT;

	(void)state;
	assert_int_equal(kt_token_review(auth, good, now_ns(), NULL), 0);
	assert_true(kt_jbool(good, "status.authenticated", false));
	assert_string_equal(kt_jstr(good, "status.user.username"), "system:serviceaccount:a:sa");
	assert_string_equal(kt_jstr(good, "status.audiences.0"), "https://kubernetes.default.svc");
	assert_int_equal(kt_token_review(auth, bad, now_ns(), NULL), 0);
	assert_false(kt_jbool(bad, "status.authenticated", false));
	kt_token_jwks(auth, &jwks);
	kt_auto_json json_t *keys = kt_json_parse((struct kt_sv){jwks.data, jwks.len}, NULL, NULL);
	assert_string_equal(kt_jstr(keys, "keys.0.crv"), "P-256");
	assert_int_equal(strlen(kt_jstr(keys, "keys.0.x")), 43);
	kt_token_openid_configuration(auth, &configuration);
	assert_non_null(strstr(kt_str_text(&configuration), "/openid/v1/jwks"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_static_tokens_and_anonymous),
	        cmocka_unit_test(test_bad_token_file),
	        cmocka_unit_test(test_service_account),
	        cmocka_unit_test(test_expiry_and_bounds),
	        cmocka_unit_test(test_request_is_checked),
	        cmocka_unit_test(test_deleted_account),
	        cmocka_unit_test(test_legacy_token),
	        cmocka_unit_test(test_foreign_signatures),
	        cmocka_unit_test(test_bootstrap_token),
	        cmocka_unit_test(test_review_and_documents),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
