/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Service-account tokens: whom they name, and whether all that they are bound to still exists. */
#include "api/server/auth/tokens.h"
#include "base/time.h"

#include <errno.h>

#define LEGACY_ISSUER "kubernetes/serviceaccount"
#define CLAIM "kubernetes.io/serviceaccount/"
#define NBF_LEEWAY_S 60 /* between machines' clocks */

/* What both forms of a token say. */
struct claims {
	const char *namespace, *account, *account_uid;
	const char *secret, *pod, *pod_uid, *node, *node_uid, *secret_uid;
	const char *id;
};

static int refuse(struct kt_err *err, const char *why)
{
	return kt_fail(err, EACCES, "invalid bearer token: %s", why);
}

/* Going away is allowed to take a minute: preStop hooks still talk to the server. */
static bool is_gone(const json_t *object, const char *uid, int64_t now_ns)
{
	const char *deleted = kt_jstr(object, "metadata.deletionTimestamp");
	int64_t deleted_ns;

	if (!object || !uid || !kt_streq(kt_jstr(object, "metadata.uid"), uid))
		return true;
	return deleted && kt_time_parse(kt_sv_of(deleted), &deleted_ns) == 0 &&
	       now_ns > deleted_ns + KT_AUTH_DELETED_LEEWAY_NS;
}

static int check_account(const struct kt_authenticator *auth, const struct claims *c,
        int64_t now_ns, struct kt_err *err)
{
	kt_auto_json json_t *account = kt_auth_read(
	        auth->storage, "/registry/serviceaccounts/%s/%s", c->namespace, c->account);

	return is_gone(account, c->account_uid, now_ns)
	               ? refuse(err, "service account token has been invalidated")
	               : 0;
}

static int check_bound(const struct kt_authenticator *auth, const struct claims *c, int64_t now_ns,
        struct kt_err *err)
{
	if (c->pod) {
		kt_auto_json json_t *pod =
		        kt_auth_read(auth->storage, "/registry/pods/%s/%s", c->namespace, c->pod);

		if (is_gone(pod, c->pod_uid, now_ns))
			return refuse(err, "service account token has been invalidated");
	} else if (c->node) {
		/* Of a pod-bound token the node is told, not checked. */
		kt_auto_json json_t *node =
		        kt_auth_read(auth->storage, "/registry/minions/%s", c->node);

		if (is_gone(node, c->node_uid, now_ns))
			return refuse(err, "service account token has been invalidated");
	}
	if (c->secret && c->secret_uid) {
		kt_auto_json json_t *secret = kt_auth_read(
		        auth->storage, "/registry/secrets/%s/%s", c->namespace, c->secret);

		if (is_gone(secret, c->secret_uid, now_ns))
			return refuse(err, "service account token has been invalidated");
	}
	return 0;
}

/* A legacy token is good as long as its Secret holds it. */
static int check_legacy_secret(const struct kt_authenticator *auth, const struct claims *c,
        struct kt_sv token, struct kt_err *err)
{
	kt_auto_json json_t *secret =
	        kt_auth_read(auth->storage, "/registry/secrets/%s/%s", c->namespace, c->secret);
	const char *encoded =
	        json_string_value(json_object_get(json_object_get(secret, "data"), "token"));
	kt_auto_str text = KT_STR_INIT;

	if (!encoded || kt_jstr(secret, "metadata.deletionTimestamp") ||
	        kt_base64_decode(&text, kt_sv_of(encoded)) < 0 ||
	        !kt_secret_eq(kt_str_text(&text), text.len, token.p, token.len))
		return refuse(err, "service account token has been invalidated");
	return 0;
}

static void set_extra(struct kt_user *user, const char *key, const char *prefix, const char *value)
{
	kt_auto_free char *text = value ? kt_asprintf("%s%s", prefix, value) : NULL;

	if (!value)
		return;
	if (!user->extra)
		user->extra = json_object();
	json_object_set_new(user->extra, key, json_pack("[s]", text));
}

static struct kt_user *user_of(const struct claims *c)
{
	kt_auto_free char *name =
	        kt_asprintf("system:serviceaccount:%s:%s", c->namespace, c->account);
	kt_auto_free char *group = kt_asprintf("system:serviceaccounts:%s", c->namespace);
	const char *groups[] = {"system:serviceaccounts", group, "system:authenticated", NULL};
	struct kt_user *user = kt_user_create(name, c->account_uid, groups);

	set_extra(user, "authentication.kubernetes.io/credential-id", "JTI=", c->id);
	set_extra(user, "authentication.kubernetes.io/pod-name", "", c->pod);
	set_extra(user, "authentication.kubernetes.io/pod-uid", "", c->pod_uid);
	set_extra(user, "authentication.kubernetes.io/node-name", "", c->node);
	set_extra(user, "authentication.kubernetes.io/node-uid", "", c->node_uid);
	return user;
}

static const char *claim_text(const json_t *tree, const char *name)
{
	return json_string_value(json_object_get(tree, name));
}

static int find_legacy(const struct kt_authenticator *auth, struct kt_sv token, const json_t *tree,
        int64_t now_ns, struct kt_user **ret_user, struct kt_err *err)
{
	struct claims c = {
	        .namespace = claim_text(tree, CLAIM "namespace"),
	        .account = claim_text(tree, CLAIM "service-account.name"),
	        .account_uid = claim_text(tree, CLAIM "service-account.uid"),
	        .secret = claim_text(tree, CLAIM "secret.name"),
	};
	int r;

	if (!c.namespace || !c.account || !c.account_uid || !c.secret)
		return refuse(err, "claims are missing");
	r = check_legacy_secret(auth, &c, token, err);
	if (r >= 0)
		r = check_account(auth, &c, now_ns, err);
	if (r >= 0)
		*ret_user = user_of(&c);
	return r;
}

static int find_bound(const struct kt_authenticator *auth, const json_t *tree, int64_t now_ns,
        struct kt_user **ret_user, struct kt_err *err)
{
	const json_t *private = json_object_get(tree, "kubernetes.io");
	struct claims c = {
	        .namespace = kt_jstr(private, "namespace"),
	        .account = kt_jstr(private, "serviceaccount.name"),
	        .account_uid = kt_jstr(private, "serviceaccount.uid"),
	        .pod = kt_jstr(private, "pod.name"),
	        .pod_uid = kt_jstr(private, "pod.uid"),
	        .secret = kt_jstr(private, "secret.name"),
	        .secret_uid = kt_jstr(private, "secret.uid"),
	        .node = kt_jstr(private, "node.name"),
	        .node_uid = kt_jstr(private, "node.uid"),
	        .id = claim_text(tree, "jti"),
	};
	int64_t now_s = now_ns / KT_NS_PER_S;
	int r;

	if (!c.namespace || !c.account || !c.account_uid)
		return refuse(err, "claims are missing");
	if (now_s >= kt_jint(tree, "exp", 0))
		return refuse(err, "service account token has expired");
	if (now_s + NBF_LEEWAY_S < kt_jint(tree, "nbf", 0))
		return refuse(err, "service account token is not valid yet");
	r = check_account(auth, &c, now_ns, err);
	if (r >= 0)
		r = check_bound(auth, &c, now_ns, err);
	if (r >= 0)
		*ret_user = user_of(&c);
	return r;
}

int kt_service_account_token_find(const struct kt_authenticator *auth, struct kt_sv token,
        int64_t now_ns, struct kt_user **ret_user, json_t **ret_audiences, struct kt_err *err)
{
	kt_auto_json json_t *tree = NULL;
	const char *issuer;
	json_t *audience;
	int r;

	if (!memchr(token.p, '.', token.len))
		return -ENOENT;
	r = kt_jwt_verify(auth->key, token, &tree, err);
	if (r < 0)
		return r;
	issuer = claim_text(tree, "iss");
	if (kt_streq(issuer, LEGACY_ISSUER)) {
		/* Made before audiences: good for the server alone. */
		r = find_legacy(auth, token, tree, now_ns, ret_user, err);
		if (r >= 0)
			*ret_audiences = json_pack("[s]", auth->issuer);
		return r;
	}
	if (!kt_streq(issuer, auth->issuer))
		return refuse(err, "unknown issuer");
	r = find_bound(auth, tree, now_ns, ret_user, err);
	if (r < 0)
		return r;
	audience = json_object_get(tree, "aud");
	*ret_audiences = json_is_array(audience)
	                         ? json_incref(audience)
	                         : json_pack("[O]", audience ? audience : json_null());
	return 0;
}
