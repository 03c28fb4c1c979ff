/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/auth/authenticate.h"

#include "api/server/auth/tokens.h"
#include "api/status.h"
#include "base/log.h"
#include "base/map.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <strings.h>

#define DEFAULT_ISSUER "https://kubernetes.default.svc"

/* What a token was found to be. Immutable; several threads hold one at a time (jansson's own
 * reference count reads without an atomic). */
struct found {
	atomic_uint refs;
	struct kt_user *user;
	json_t *audiences;
	int64_t until_ns; /* Unix time */
};

static void found_unref(void *value)
{
	struct found *found = value;

	if (!found || atomic_fetch_sub_explicit(&found->refs, 1, memory_order_acq_rel) != 1)
		return;
	kt_user_unref(found->user);
	json_decref(found->audiences);
	free(found);
}

json_t *kt_auth_read(struct kt_storage *storage, const char *fmt, ...)
{
	kt_auto_free char *key = NULL;
	kt_auto_object struct kt_object *object = NULL;
	va_list ap;

	va_start(ap, fmt);
	key = kt_vasprintf(fmt, ap);
	va_end(ap);
	return storage->ops->get(storage, key, 0, &object, NULL) < 0 ? NULL
	                                                             : kt_object_tree(object);
}

int kt_authenticator_create(const struct kt_authenticator_options *options,
        struct kt_authenticator **ret_auth, struct kt_err *err)
{
	struct kt_authenticator *auth = kt_new(struct kt_authenticator);
	int r = kt_jwt_key_create(kt_pki_pem(options->pki, KT_PKI_TOKEN_KEY), &auth->key, err);

	auth->storage = options->storage;
	auth->issuer = kt_strdup(options->issuer ? options->issuer : DEFAULT_ISSUER);
	auth->anonymous = options->anonymous;
	auth->cache = kt_new(struct kt_map);
	kt_map_init(auth->cache, found_unref);
	pthread_mutex_init(&auth->cache_lock, NULL);
	if (r >= 0 && options->token_auth_file)
		r = kt_token_file_read(options->token_auth_file, &auth->file, err);
	if (r < 0) {
		kt_authenticator_destroy(auth);
		return r;
	}
	*ret_auth = auth;
	return 0;
}

void kt_authenticator_destroy(struct kt_authenticator *auth)
{
	if (!auth)
		return;
	kt_jwt_key_destroy(auth->key);
	kt_token_file_free(auth->file);
	kt_map_finish(auth->cache);
	free(auth->cache);
	pthread_mutex_destroy(&auth->cache_lock);
	free(auth->issuer);
	free(auth);
}

/* Tokens themselves are not kept: a memory dump must not hold more of them than it has to. */
static void cache_key(struct kt_sv token, char ret_key[65])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char digest[32];
	int r = gnutls_hash_fast(GNUTLS_DIG_SHA256, token.p, token.len, digest);

	kt_assert(r >= 0); /* or two tokens would share an entry */
	for (size_t i = 0; i < sizeof(digest); i++) {
		ret_key[2 * i] = digits[digest[i] >> 4];
		ret_key[2 * i + 1] = digits[digest[i] & 15];
	}
	ret_key[2 * sizeof(digest)] = 0;
}

static struct found *cache_get(struct kt_authenticator *auth, const char *key, int64_t now_ns)
{
	struct found *found;

	pthread_mutex_lock(&auth->cache_lock);
	found = kt_map_get(auth->cache, key);
	if (found && now_ns >= found->until_ns)
		found = NULL;
	if (found)
		atomic_fetch_add_explicit(&found->refs, 1, memory_order_relaxed);
	pthread_mutex_unlock(&auth->cache_lock);
	return found;
}

static void cache_put(struct kt_authenticator *auth, const char *key, struct found *found)
{
	atomic_fetch_add_explicit(&found->refs, 1, memory_order_relaxed);
	pthread_mutex_lock(&auth->cache_lock);
	if (auth->cache->n >= KT_AUTH_CACHE_MAX)
		kt_map_clear(auth->cache);
	kt_map_set(auth->cache, key, found);
	pthread_mutex_unlock(&auth->cache_lock);
}

static int find_user(struct kt_authenticator *auth, struct kt_sv token, int64_t now_ns,
        struct kt_user **ret_user, json_t **ret_audiences, struct kt_err *err)
{
	int r = kt_token_file_find(auth->file, token, ret_user);

	if (r == -ENOENT)
		r = kt_bootstrap_token_find(auth->storage, token, now_ns, ret_user);
	if (r == 0) {
		*ret_audiences = json_pack("[s]", auth->issuer);
		return 0;
	}
	if (r == -ENOENT)
		r = kt_service_account_token_find(
		        auth, token, now_ns, ret_user, ret_audiences, err);
	return r;
}

static bool has_audience(const json_t *of_token, const char *name)
{
	size_t i;
	json_t *audience;

	json_array_foreach(of_token, i, audience) {
		if (kt_streq(json_string_value(audience), name))
			return true;
	}
	return false;
}

/* Those of wanted that the token has; the server's own name when nothing is wanted. NULL: none. */
static json_t *common_audiences(
        const struct kt_authenticator *auth, const json_t *of_token, const char *const *wanted)
{
	const char *const own[] = {auth->issuer, NULL};
	json_t *common = NULL;

	for (const char *const *w = wanted && *wanted ? wanted : own; *w; w++) {
		if (!has_audience(of_token, *w))
			continue;
		if (!common)
			common = json_array();
		json_array_append_new(common, json_string(*w));
	}
	return common;
}

static bool is_for_us(const struct kt_authenticator *auth, const json_t *of_token,
        const char *const *wanted, json_t **ret_common)
{
	/* The way of every request: no list is made. */
	if (!ret_common && !wanted)
		return has_audience(of_token, auth->issuer);
	kt_auto_json json_t *common = common_audiences(auth, of_token, wanted);
	if (!common)
		return false;
	if (ret_common)
		*ret_common = kt_steal(&common);
	return true;
}

/* From memory, or by asking every method. NULL: nobody's. */
static struct found *find(
        struct kt_authenticator *auth, struct kt_sv token, int64_t now_ns, struct kt_err *err)
{
	struct found *found;
	char key[65];
	int r;

	cache_key(token, key);
	found = cache_get(auth, key, now_ns);
	if (found)
		return found;
	found = kt_new(struct found);
	atomic_init(&found->refs, 1);
	found->until_ns = now_ns + KT_AUTH_CACHE_NS;
	r = find_user(auth, token, now_ns, &found->user, &found->audiences, err);
	if (r < 0) {
		found_unref(found);
		return NULL;
	}
	cache_put(auth, key, found);
	return found;
}

int kt_authenticate_token(struct kt_authenticator *auth, struct kt_sv token,
        const char *const *audiences, int64_t now_ns, struct kt_user **ret_user,
        json_t **ret_audiences, struct kt_err *err)
{
	kt_auto_err why = KT_ERR_INIT;
	struct found *found = NULL;

	if (token.len > 0 && token.len <= KT_JWT_BYTES_MAX)
		found = find(auth, token, now_ns, &why);
	if (!found)
		return why.code == -EACCES ? kt_err_move(err, &why)
		                           : kt_fail_reason(err, KT_REASON_UNAUTHORIZED, EACCES,
		                                     "invalid bearer token");
	if (!is_for_us(auth, found->audiences, audiences, ret_audiences)) {
		found_unref(found);
		return kt_fail_reason(err, KT_REASON_UNAUTHORIZED, EACCES,
		        "invalid bearer token: the token is for other audiences");
	}
	*ret_user = kt_user_ref(found->user);
	found_unref(found);
	return 0;
}

/* "Bearer TOKEN"; empty when the header is absent or of another kind. */
static struct kt_sv bearer_token(const struct kt_request *request)
{
	const char *header = kt_request_header(request, "authorization");
	struct kt_sv text = kt_sv_of(header);

	if (!header || text.len < 7 || strncasecmp(text.p, "bearer ", 7))
		return (struct kt_sv){NULL, 0};
	return kt_sv_trim((struct kt_sv){text.p + 7, text.len - 7});
}

int kt_authenticate(struct kt_authenticator *auth, struct kt_request *request, struct kt_err *err)
{
	static const char *const nobody[] = {"system:unauthenticated", NULL};
	struct kt_sv token = bearer_token(request);

	if (request->user)
		return 0;
	if (token.len) {
		kt_auto_err why = KT_ERR_INIT;

		if (kt_authenticate_token(auth, token, NULL, kt_loop_wall_ns(request->loop),
		            &request->user, NULL, &why) == 0)
			return 0;
		/* The reason stays here: it would help a guesser more than a user. */
		return kt_fail_reason(err, KT_REASON_UNAUTHORIZED, EACCES, "Unauthorized");
	}
	if (!auth->anonymous)
		return kt_fail_reason(err, KT_REASON_UNAUTHORIZED, EACCES, "Unauthorized");
	request->user = kt_user_create("system:anonymous", NULL, nobody);
	return 0;
}

static json_t *user_tree(const struct kt_user *user)
{
	json_t *tree = json_object(), *groups = json_array();

	json_object_set_new(tree, "username", json_string(user->name));
	if (user->uid)
		json_object_set_new(tree, "uid", json_string(user->uid));
	for (char **group = user->groups; *group; group++)
		json_array_append_new(groups, json_string(*group));
	json_object_set_new(tree, "groups", groups);
	if (user->extra)
		json_object_set_new(tree, "extra", json_deep_copy(user->extra));
	return tree;
}

int kt_token_review(
        struct kt_authenticator *auth, json_t *review, int64_t now_ns, struct kt_err *err)
{
	const char *token = kt_jstr(review, "spec.token");
	const json_t *list = kt_jget(review, "spec.audiences");
	const char **audiences = kt_new_array(const char *, json_array_size(list) + 1);
	struct kt_user *user = NULL;
	json_t *common = NULL, *status = json_object();
	kt_auto_err why = KT_ERR_INIT;
	size_t n = 0, i;
	json_t *item;

	if (!token || !*token) {
		free(audiences);
		json_decref(status);
		return kt_fail_reason(err, KT_REASON_BAD_REQUEST, EINVAL,
		        "token is required for TokenReview in authentication");
	}
	json_array_foreach(list, i, item)
		if (json_is_string(item))
			audiences[n++] = json_string_value(item);
	if (kt_authenticate_token(auth, kt_sv_of(token), audiences, now_ns, &user, &common, &why) ==
	        0) {
		json_object_set_new(status, "authenticated", json_true());
		json_object_set_new(status, "user", user_tree(user));
		json_object_set_new(status, "audiences", common);
	} else {
		json_object_set_new(status, "user", json_object());
		json_object_set_new(status, "error", json_string(kt_err_message(&why)));
	}
	json_object_set_new(review, "status", status);
	kt_user_unref(user);
	free(audiences);
	return 0;
}
