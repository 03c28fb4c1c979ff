/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every namespace has a service account "default". */
#include "api/status.h"
#include "base/mem.h"
#include "cluster/controllers/meta.h"
#include "cluster/controllers/table.h"

struct service_account {
	struct kt_reconciler *reconciler;
	struct kt_informer *namespaces, *accounts;
};

static void created(struct kt_pass *pass, struct kt_call *call, void *arg)
{
	(void)arg;
	/* Somebody else was quicker, or the namespace is going away. */
	if (call->err.code && kt_err_reason(&call->err) != KT_REASON_ALREADY_EXISTS &&
	        kt_err_reason(&call->err) != KT_REASON_NOT_FOUND)
		kt_pass_check(pass, call);
}

static void reconcile(void *arg, struct kt_pass *pass, const char *key)
{
	struct service_account *own = arg;
	struct kt_object *namespace =
	        kt_informer_get(own->namespaces, (struct kt_sv){0}, kt_sv_of(key));
	kt_auto_json json_t *body = NULL;

	if (!namespace || kt_is_deleting(namespace) ||
	        kt_informer_get(own->accounts, kt_sv_of(key), KT_SV("default")))
		return;
	body = json_pack("{s:s,s:s,s:{s:s,s:s}}", "apiVersion", "v1", "kind", "ServiceAccount",
	        "metadata", "name", "default", "namespace", key);
	kt_pass_send(pass,
	        &(struct kt_pass_write){
	                .method = "POST", .body = body, .informer = own->accounts, .done = created},
	        "/api/v1/namespaces/%s/serviceaccounts", key);
}

static void namespace_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct service_account *own = arg;

	(void)old_object;
	if (new_object)
		kt_reconciler_add_object(own->reconciler, new_object);
}

static void account_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct service_account *own = arg;

	if (!new_object && kt_sv_is(kt_object_name(old_object), "default")) {
		kt_auto_free char *key = kt_sv_dup(kt_object_namespace(old_object));

		kt_reconciler_add(own->reconciler, key);
	}
}

static void *create(struct kt_controllers *controllers)
{
	struct service_account *own = kt_new(struct service_account);

	own->reconciler =
	        kt_reconciler_create(&(struct kt_reconciler_options){.controllers = controllers,
	                .name = "serviceaccount-controller",
	                .reconcile = reconcile,
	                .arg = own});
	own->namespaces = kt_controllers_informer(controllers, "/api/v1/namespaces");
	own->accounts = kt_controllers_informer(controllers, "/api/v1/serviceaccounts");
	kt_informer_add_handler(own->namespaces,
	        &(struct kt_informer_handler){.on_change = namespace_changed, .arg = own});
	kt_informer_add_handler(own->accounts,
	        &(struct kt_informer_handler){.on_change = account_changed, .arg = own});
	return own;
}

static void destroy(void *controller)
{
	struct service_account *own = controller;

	kt_reconciler_destroy(own->reconciler);
	free(own);
}

const struct kt_controller kt_controller_service_account = {
        "serviceaccount-controller", create, destroy};
