/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Making service-account tokens (TokenRequest, and those of Secrets), and the documents by which
 * others check them. */
#include "api/machinery/field_errors.h"
#include "api/server/auth/tokens.h"
#include "api/status.h"
#include "base/time.h"

#include <errno.h>

#define EXPIRATION_DEFAULT_S 3600
#define EXPIRATION_MIN_S 600
#define EXPIRATION_MAX_S (INT64_C(1) << 32)
/* What kubelets ask for: such a token of a pod lives a year and warns after the hour, for clients
 * that never reload it. */
#define EXPIRATION_POD_S 3607
#define EXPIRATION_EXTENDED_S (INT64_C(365) * 24 * 3600)

/* The object that a token shall be bound to. */
struct bound {
	const char *kind, *name, *uid; /* kind "Pod", "Secret", "Node"; NULL: none */
	const char *node, *node_uid;   /* of a pod */
};

static int validate(json_t *request, struct kt_err *err)
{
	kt_auto_arena arena = {0};
	struct kt_field_errors errors = {.arena = &arena};
	json_t *seconds = kt_jget(request, "spec.expirationSeconds");

	if (kt_jint(request, "spec.expirationSeconds", 0) < EXPIRATION_MIN_S)
		kt_field_invalid(&errors, "spec.expirationSeconds", seconds,
		        "may not specify a duration less than 10 minutes");
	if (kt_jint(request, "spec.expirationSeconds", 0) > EXPIRATION_MAX_S)
		kt_field_invalid(&errors, "spec.expirationSeconds", seconds,
		        "may not specify a duration larger than 2^32 seconds");
	return kt_field_errors_fail(&errors, "authentication.k8s.io", "TokenRequest", "", err);
}

static void set_defaults(const struct kt_authenticator *auth, json_t *request)
{
	json_t *spec = json_object_get(request, "spec");

	if (!json_is_object(spec)) {
		spec = json_object();
		json_object_set_new(request, "spec", spec);
	}
	if (!json_is_integer(json_object_get(spec, "expirationSeconds")))
		json_object_set_new(spec, "expirationSeconds", json_integer(EXPIRATION_DEFAULT_S));
	if (json_array_size(json_object_get(spec, "audiences")) == 0)
		json_object_set_new(spec, "audiences", json_pack("[s]", auth->issuer));
}

/* The name or namespace of the body, which may be missing, is that of the URL. */
static int check_place(const json_t *request, const char *key, const char *wanted,
        const char *service_account, struct kt_err *err)
{
	kt_auto_arena arena = {0};
	struct kt_field_errors errors = {.arena = &arena};
	json_t *given = json_object_get(json_object_get(request, "metadata"), key);
	const char *path = kt_arena_printf(&arena, "metadata.%s", key);

	if (!json_string_length(given) || kt_streq(json_string_value(given), wanted))
		return 0;
	kt_field_invalid(
	        &errors, path, given, "must match the service account %s if specified", key);
	return kt_field_errors_fail(
	        &errors, "authentication.k8s.io", "TokenRequest", service_account, err);
}

static void set_place(
        struct kt_loop *loop, json_t *request, const char *namespace, const char *service_account)
{
	json_t *metadata = json_object_get(request, "metadata");
	char time[KT_TIME_TEXT_MAX];

	if (!json_is_object(metadata)) {
		metadata = json_object();
		json_object_set_new(request, "metadata", metadata);
	}
	kt_time_format(kt_loop_wall_ns(loop), time);
	json_object_set_new(metadata, "name", json_string(service_account));
	json_object_set_new(metadata, "namespace", json_string(namespace));
	json_object_set_new(metadata, "creationTimestamp", json_string(time));
}

static int check_uid(
        const char *kind, const char *name, const char *wanted, const char *uid, struct kt_err *err)
{
	kt_auto_free char *why = NULL;

	if (!wanted || !*wanted || kt_streq(wanted, uid))
		return 0;
	why = kt_asprintf("the UID in the bound object reference (%s) does not match the UID in "
	                  "record. The object might have been deleted and "
	                  "then recreated",
	        wanted);
	return kt_fail_conflict(err, "", kind, name, why);
}

static const struct {
	const char *kind, *resource, *prefix;
	bool namespaced;
} bindable[] = {
        {"Pod", "pods", "/registry/pods", true},
        {"Secret", "secrets", "/registry/secrets", true},
        {"Node", "nodes", "/registry/minions", false},
};

/* Reads the bound object; *ret_object keeps the texts of *ret_bound alive. */
static int resolve(const struct kt_authenticator *auth, const char *namespace, const char *account,
        const json_t *request, struct bound *ret_bound, json_t **ret_object, struct kt_err *err)
{
	const json_t *ref = kt_jget(request, "spec.boundObjectRef");
	const char *kind = kt_jstr(ref, "kind"), *name = kt_jstr(ref, "name"),
	           *version = kt_jstr(ref, "apiVersion");
	size_t i = 0;

	if (!json_is_object(ref))
		return 0;
	while (i < KT_ARRAY_SIZE(bindable) && !kt_streq(kind, bindable[i].kind))
		i++;
	if (i == KT_ARRAY_SIZE(bindable) || !kt_streq(version, "v1"))
		return kt_fail_reason(err, KT_REASON_BAD_REQUEST, EINVAL,
		        "cannot bind token to object of type %s, Kind=%s", version ? version : "",
		        kind ? kind : "");
	*ret_object = bindable[i].namespaced
	                      ? kt_auth_read(auth->storage, "%s/%s/%s", bindable[i].prefix,
	                                namespace, name ? name : "")
	                      : kt_auth_read(auth->storage, "%s/%s", bindable[i].prefix,
	                                name ? name : "");
	if (!*ret_object)
		return kt_fail_not_found(err, "", bindable[i].resource, name ? name : "");
	if (i == 0 && !kt_streq(kt_jstr(*ret_object, "spec.serviceAccountName"), account))
		return kt_fail_reason(err, KT_REASON_BAD_REQUEST, EINVAL,
		        "cannot bind token for serviceaccount \"%s\" to pod running with different "
		        "serviceaccount name.",
		        account);
	*ret_bound = (struct bound){
	        .kind = kind, .name = name, .uid = kt_jstr(*ret_object, "metadata.uid")};
	if (i == 0)
		ret_bound->node = kt_jstr(*ret_object, "spec.nodeName");
	return check_uid(kind, name, kt_jstr(ref, "uid"), ret_bound->uid, err);
}

static void set_reference(json_t *claims, const char *key, const char *name, const char *uid)
{
	json_t *reference = json_object();

	json_object_set_new(reference, "name", json_string(name));
	if (uid)
		json_object_set_new(reference, "uid", json_string(uid));
	json_object_set_new(claims, key, reference);
}

static json_t *private_claims(const struct kt_authenticator *auth, const char *namespace,
        const char *account, const char *uid, const struct bound *bound)
{
	json_t *claims = json_object();

	json_object_set_new(claims, "namespace", json_string(namespace));
	set_reference(claims, "serviceaccount", account, uid);
	if (kt_streq(bound->kind, "Pod"))
		set_reference(claims, "pod", bound->name, bound->uid);
	else if (kt_streq(bound->kind, "Secret"))
		set_reference(claims, "secret", bound->name, bound->uid);
	else if (kt_streq(bound->kind, "Node"))
		set_reference(claims, "node", bound->name, bound->uid);
	if (bound->node) {
		kt_auto_json json_t *node =
		        kt_auth_read(auth->storage, "/registry/minions/%s", bound->node);

		set_reference(claims, "node", bound->node, kt_jstr(node, "metadata.uid"));
	}
	return claims;
}

static bool is_extended(
        const struct kt_authenticator *auth, const struct bound *bound, const json_t *request)
{
	const json_t *audiences = kt_jget(request, "spec.audiences");

	return kt_streq(bound->kind, "Pod") &&
	       kt_jint(request, "spec.expirationSeconds", 0) == EXPIRATION_POD_S &&
	       json_array_size(audiences) == 1 &&
	       kt_streq(json_string_value(json_array_get(audiences, 0)), auth->issuer);
}

static char *sign(const struct kt_authenticator *auth, struct kt_loop *loop, const char *namespace,
        const char *account, const char *uid, const struct bound *bound, const json_t *request)
{
	int64_t now_s = kt_loop_wall_ns(loop) / KT_NS_PER_S,
	        wanted_s = kt_jint(request, "spec.expirationSeconds", 0), life_s = wanted_s;
	kt_auto_json json_t *claims = json_object();
	kt_auto_free char *subject = kt_asprintf("system:serviceaccount:%s:%s", namespace, account);
	json_t *private = private_claims(auth, namespace, account, uid, bound);
	char id[37];

	if (is_extended(auth, bound, request)) {
		life_s = EXPIRATION_EXTENDED_S;
		json_object_set_new(private, "warnafter", json_integer(now_s + wanted_s));
	}
	kt_loop_random_uuid(loop, id);
	json_object_set(claims, "aud", kt_jget(request, "spec.audiences"));
	json_object_set_new(claims, "exp", json_integer(now_s + life_s));
	json_object_set_new(claims, "iat", json_integer(now_s));
	json_object_set_new(claims, "iss", json_string(auth->issuer));
	json_object_set_new(claims, "jti", json_string(id));
	json_object_set_new(claims, "kubernetes.io", private);
	json_object_set_new(claims, "nbf", json_integer(now_s));
	json_object_set_new(claims, "sub", json_string(subject));
	return kt_jwt_sign(auth->key, claims);
}

int kt_token_request(struct kt_authenticator *auth, struct kt_loop *loop, const char *namespace,
        const char *service_account, json_t *request, struct kt_err *err)
{
	kt_auto_json json_t *account = kt_auth_read(
	        auth->storage, "/registry/serviceaccounts/%s/%s", namespace, service_account);
	kt_auto_json json_t *object = NULL;
	struct bound bound = {0};
	kt_auto_free char *token = NULL;
	char time[KT_TIME_TEXT_MAX];
	int r;

	if (check_place(request, "name", service_account, service_account, err) < 0 ||
	        check_place(request, "namespace", namespace, service_account, err) < 0)
		return -EINVAL;
	if (!account)
		return kt_fail_not_found(err, "", "serviceaccounts", service_account);
	set_defaults(auth, request);
	set_place(loop, request, namespace, service_account);
	r = validate(request, err);
	if (r >= 0)
		r = resolve(auth, namespace, service_account, request, &bound, &object, err);
	if (r < 0)
		return r;
	token = sign(auth, loop, namespace, service_account, kt_jstr(account, "metadata.uid"),
	        &bound, request);
	kt_time_format(
	        kt_loop_wall_ns(loop) + kt_jint(request, "spec.expirationSeconds", 0) * KT_NS_PER_S,
	        time);
	json_object_set_new(request, "status",
	        json_pack("{s:s, s:s}", "expirationTimestamp", time, "token", token));
	return 0;
}

char *kt_token_legacy(struct kt_authenticator *auth, const char *namespace, const char *secret,
        const char *service_account, const char *service_account_uid)
{
	kt_auto_free char *subject =
	        kt_asprintf("system:serviceaccount:%s:%s", namespace, service_account);
	kt_auto_json json_t *claims = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "iss",
	        "kubernetes/serviceaccount", "kubernetes.io/serviceaccount/namespace", namespace,
	        "kubernetes.io/serviceaccount/secret.name", secret,
	        "kubernetes.io/serviceaccount/service-account.name", service_account,
	        "kubernetes.io/serviceaccount/service-account.uid", service_account_uid, "sub",
	        subject);

	return kt_jwt_sign(auth->key, claims);
}

void kt_token_jwks(const struct kt_authenticator *auth, struct kt_str *out)
{
	kt_auto_json json_t *keys = json_pack("{s:[o]}", "keys", kt_jwt_jwk(auth->key));

	kt_json_write(out, keys, 0);
}

void kt_token_openid_configuration(const struct kt_authenticator *auth, struct kt_str *out)
{
	kt_auto_free char *jwks = kt_asprintf("%s/openid/v1/jwks", auth->issuer);
	kt_auto_json json_t *document =
	        json_pack("{s:s, s:s, s:[s], s:[s], s:[s]}", "issuer", auth->issuer, "jwks_uri",
	                jwks, "response_types_supported", "id_token", "subject_types_supported",
	                "public", "id_token_signing_alg_values_supported", "ES256");

	kt_json_write(out, document, 0);
}
