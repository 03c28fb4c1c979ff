/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every namespace has a ConfigMap kube-root-ca.crt with the certificate that pods verify the API
 * server with. */
#include "api/status.h"
#include "base/mem.h"
#include "cluster/controllers/meta.h"
#include "cluster/controllers/table.h"

#define NAME "kube-root-ca.crt"

struct root_ca {
	struct kt_controllers *controllers;
	struct kt_reconciler *reconciler;
	struct kt_informer *namespaces, *config_maps;
};

static void written(struct kt_pass *pass, struct kt_call *call, void *arg)
{
	(void)arg;
	if (call->err.code && kt_err_reason(&call->err) != KT_REASON_ALREADY_EXISTS &&
	        kt_err_reason(&call->err) != KT_REASON_NOT_FOUND)
		kt_pass_check(pass, call);
}

static void reconcile(void *arg, struct kt_pass *pass, const char *key)
{
	struct root_ca *own = arg;
	const char *pem = kt_controllers_ca(own->controllers);
	struct kt_object *namespace =
	        kt_informer_get(own->namespaces, (struct kt_sv){0}, kt_sv_of(key)),
	                 *have;
	kt_auto_json json_t *body = NULL;

	if (!pem || !namespace || kt_is_deleting(namespace))
		return;
	have = kt_informer_get(own->config_maps, kt_sv_of(key), KT_SV(NAME));
	if (have) {
		kt_auto_free char *text = kt_json_string_dup(kt_field_of(have, "data", "ca.crt"));

		if (kt_streq(text, pem))
			return;
		body = json_pack("{s:{s:s}}", "data", "ca.crt", pem);
		kt_pass_send(pass,
		        &(struct kt_pass_write){.method = "PATCH",
		                .content_type = KT_PATCH_MERGE,
		                .body = body,
		                .informer = own->config_maps,
		                .done = written},
		        "/api/v1/namespaces/%s/configmaps/" NAME, key);
		return;
	}
	body = json_pack("{s:s,s:s,s:{s:s,s:s,s:{s:s}},s:{s:s}}", "apiVersion", "v1", "kind",
	        "ConfigMap", "metadata", "name", NAME, "namespace", key, "annotations",
	        "kubernetes.io/description",
	        "Contains a CA bundle that can be used to verify the kube-apiserver when using "
	        "internal endpoints such as the internal service "
	        "IP or kubernetes.default.svc. No other usage is guaranteed across distributions "
	        "of Kubernetes clusters.",
	        "data", "ca.crt", pem);
	kt_pass_send(pass,
	        &(struct kt_pass_write){.method = "POST",
	                .body = body,
	                .informer = own->config_maps,
	                .done = written},
	        "/api/v1/namespaces/%s/configmaps", key);
}

static void namespace_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct root_ca *own = arg;

	(void)old_object;
	if (new_object)
		kt_reconciler_add_object(own->reconciler, new_object);
}

static void config_map_changed(
        void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct root_ca *own = arg;
	struct kt_object *object = new_object ? new_object : old_object;

	if (kt_sv_is(kt_object_name(object), NAME)) {
		kt_auto_free char *key = kt_sv_dup(kt_object_namespace(object));

		kt_reconciler_add(own->reconciler, key);
	}
}

static void *create(struct kt_controllers *controllers)
{
	struct root_ca *own = kt_new(struct root_ca);

	own->controllers = controllers;
	own->reconciler =
	        kt_reconciler_create(&(struct kt_reconciler_options){.controllers = controllers,
	                .name = "root-ca-cert-publisher",
	                .reconcile = reconcile,
	                .arg = own});
	own->namespaces = kt_controllers_informer(controllers, "/api/v1/namespaces");
	own->config_maps = kt_controllers_informer(controllers, "/api/v1/configmaps");
	kt_informer_add_handler(own->namespaces,
	        &(struct kt_informer_handler){.on_change = namespace_changed, .arg = own});
	kt_informer_add_handler(own->config_maps,
	        &(struct kt_informer_handler){.on_change = config_map_changed, .arg = own});
	return own;
}

static void destroy(void *controller)
{
	struct root_ca *own = controller;

	kt_reconciler_destroy(own->reconciler);
	free(own);
}

const struct kt_controller kt_controller_root_ca = {"root-ca-cert-publisher", create, destroy};
