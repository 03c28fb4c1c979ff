/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Secrets of type kubernetes.io/service-account-token: each gets a token of the account its
 * annotation names, with the certificate and the namespace beside it. One whose account is gone
 * goes too.
 */
#include "api/status.h"
#include "base/log.h"
#include "base/mem.h"
#include "cluster/controllers/meta.h"
#include "cluster/controllers/table.h"

#define TYPE "kubernetes.io/service-account-token"
#define ACCOUNT_NAME "kubernetes.io/service-account.name"
#define ACCOUNT_UID "kubernetes.io/service-account.uid"
#define EXPIRATION_S INT64_C(315360000) /* ten years: such tokens have no end of their own */

struct token_controller {
	struct kt_controllers *controllers;
	struct kt_reconciler *reconciler;
	struct kt_informer *secrets, *accounts;
};

struct token_work {
	struct token_controller *own;
	struct kt_object *secret, *account;
};

static void work_free(void *value)
{
	struct token_work *work = value;

	kt_object_unref(work->secret);
	kt_object_unref(work->account);
	free(work);
}

static bool is_token_secret(const struct kt_object *secret)
{
	return kt_json_string_is(kt_json_member(kt_object_doc(secret), "type"), TYPE);
}

static void set_data(json_t *data, const char *key, struct kt_sv value)
{
	kt_auto_str text = KT_STR_INIT;

	kt_base64_encode(&text, value.p, value.len);
	json_object_set_new(data, key, json_string(kt_str_text(&text)));
}

static void write_secret(struct kt_pass *pass, const struct token_work *work, const char *token)
{
	struct kt_sv namespace = kt_object_namespace(work->secret);
	struct kt_sv uid = kt_object_uid(work->account);
	const char *pem = kt_controllers_ca(work->own->controllers);
	json_t *data = json_object();
	kt_auto_json json_t *body = json_pack("{s:{s:{s:s%}},s:o}", "metadata", "annotations",
	        ACCOUNT_UID, uid.p, uid.len, "data", data);

	set_data(data, "token", kt_sv_of(token));
	set_data(data, "namespace", namespace);
	if (pem)
		set_data(data, "ca.crt", kt_sv_of(pem));
	kt_pass_send(pass,
	        &(struct kt_pass_write){.method = "PATCH",
	                .content_type = KT_PATCH_MERGE,
	                .body = body,
	                .informer = work->own->secrets},
	        "/api/v1/namespaces/%.*s/secrets/%.*s", KT_SVP(namespace),
	        KT_SVP(kt_object_name(work->secret)));
}

static void token_made(struct kt_pass *pass, struct kt_call *call, void *arg)
{
	kt_auto_free char *token = NULL;

	if (call->err.code) {
		kt_pass_check(pass, call);
		return;
	}
	token = kt_json_string_dup(kt_json_find(kt_call_answer(call), "status", "token", NULL));
	if (token)
		write_secret(pass, arg, token);
}

static void request_token(struct token_controller *own, struct kt_pass *pass,
        struct kt_object *secret, struct kt_object *account)
{
	struct kt_sv name = kt_object_name(secret), uid = kt_object_uid(secret);
	struct token_work *work = kt_new(struct token_work);
	kt_auto_json json_t *body = json_pack("{s:s,s:s,s:{s:I,s:{s:s,s:s,s:s%,s:s%}}}",
	        "apiVersion", "authentication.k8s.io/v1", "kind", "TokenRequest", "spec",
	        "expirationSeconds", (json_int_t)EXPIRATION_S, "boundObjectRef", "kind", "Secret",
	        "apiVersion", "v1", "name", name.p, name.len, "uid", uid.p, uid.len);

	work->own = own;
	work->secret = kt_object_ref(secret);
	work->account = kt_object_ref(account);
	kt_pass_send(pass,
	        &(struct kt_pass_write){.method = "POST",
	                .body = body,
	                .done = token_made,
	                .arg = work,
	                .free_arg = work_free},
	        "/api/v1/namespaces/%.*s/serviceaccounts/%.*s/token",
	        KT_SVP(kt_object_namespace(account)), KT_SVP(kt_object_name(account)));
}

static void reconcile(void *arg, struct kt_pass *pass, const char *key)
{
	struct token_controller *own = arg;
	struct kt_object *secret = kt_pass_object(pass, own->secrets), *account;
	kt_auto_free char *name = NULL, *uid = NULL;

	(void)key;
	if (!secret || kt_is_deleting(secret) || !is_token_secret(secret))
		return;
	name = kt_annotation(secret, ACCOUNT_NAME);
	uid = kt_annotation(secret, ACCOUNT_UID);
	if (!name)
		return;
	account = kt_informer_get(own->accounts, kt_object_namespace(secret), kt_sv_of(name));
	if (!account || (uid && !kt_sv_is(kt_object_uid(account), uid))) {
		kt_pass_send(pass,
		        &(struct kt_pass_write){
		                .method = "DELETE", .informer = own->secrets, .target = secret},
		        "/api/v1/namespaces/%.*s/secrets/%.*s", KT_SVP(kt_object_namespace(secret)),
		        KT_SVP(kt_object_name(secret)));
		return;
	}
	if (!kt_json_find(kt_object_doc(secret), "data", "token", NULL).p)
		request_token(own, pass, secret, account);
}

static void secret_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct token_controller *own = arg;

	(void)old_object;
	if (new_object && is_token_secret(new_object))
		kt_reconciler_add_object(own->reconciler, new_object);
}

static bool add_secret(void *arg, struct kt_object *secret)
{
	secret_changed(arg, NULL, secret);
	return true;
}

/* Only a coming or going account matters to its secrets. */
static void account_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct token_controller *own = arg;

	if (!old_object || !new_object)
		kt_informer_each_indexed(own->secrets, "namespace",
		        kt_object_namespace(new_object ? new_object : old_object), add_secret, own);
}

static void *create(struct kt_controllers *controllers)
{
	struct token_controller *own = kt_new(struct token_controller);

	own->controllers = controllers;
	own->reconciler =
	        kt_reconciler_create(&(struct kt_reconciler_options){.controllers = controllers,
	                .name = "serviceaccount-token-controller",
	                .reconcile = reconcile,
	                .arg = own});
	own->secrets = kt_controllers_informer(controllers, "/api/v1/secrets");
	own->accounts = kt_controllers_informer(controllers, "/api/v1/serviceaccounts");
	kt_informer_add_handler(own->secrets,
	        &(struct kt_informer_handler){.on_change = secret_changed, .arg = own});
	kt_informer_add_handler(own->accounts,
	        &(struct kt_informer_handler){.on_change = account_changed, .arg = own});
	return own;
}

static void destroy(void *controller)
{
	struct token_controller *own = controller;

	kt_reconciler_destroy(own->reconciler);
	free(own);
}

const struct kt_controller kt_controller_service_account_token = {
        "serviceaccount-token-controller", create, destroy};
