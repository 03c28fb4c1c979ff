/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cluster/controllers/certificates.h"

#include "base/mem.h"

#include <errno.h>

int kt_certificate_request_read(
        struct kt_certificate_request *request, const struct kt_object *object)
{
	const char *encoded;
	json_t *usage;
	size_t i;

	*request = (struct kt_certificate_request){.tree = kt_object_tree(object),
	        .name = kt_sv_dup(kt_object_name(object)),
	        .pem = KT_STR_INIT};
	encoded = kt_jstr(request->tree, "spec.request");
	json_array_foreach(kt_jget(request->tree, "spec.usages"), i, usage)
		if (i + 1 < KT_CERTIFICATE_USAGES_MAX)
			request->usages[i] = json_string_value(usage);
	if (!encoded || kt_base64_decode(&request->pem, kt_sv_of(encoded)) < 0)
		return -EINVAL;
	request->signing = (struct kt_signing){.name = request->name,
	        .pem = kt_str_text(&request->pem),
	        .signer = kt_jstr(request->tree, "spec.signerName"),
	        .usages = request->usages,
	        .expiration_s = kt_jint(request->tree, "spec.expirationSeconds", 0)};
	return 0;
}

void kt_certificate_request_finish(struct kt_certificate_request *request)
{
	json_decref(request->tree);
	free(request->name);
	kt_str_finish(&request->pem);
}

static void request_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct kt_certificate_controller *own = arg;

	(void)old_object;
	if (new_object)
		kt_reconciler_add_object(own->reconciler, new_object);
}

struct kt_certificate_controller *kt_certificate_controller_create(
        struct kt_controllers *controllers, const char *name,
        void (*reconcile)(void *arg, struct kt_pass *pass, const char *key))
{
	struct kt_certificate_controller *own = kt_new(struct kt_certificate_controller);

	own->signer = kt_controllers_signer(controllers);
	own->reconciler = kt_reconciler_create(&(struct kt_reconciler_options){
	        .controllers = controllers, .name = name, .reconcile = reconcile, .arg = own});
	own->requests = kt_controllers_informer(controllers, KT_CERTIFICATE_REQUESTS);
	kt_informer_add_handler(own->requests,
	        &(struct kt_informer_handler){.on_change = request_changed, .arg = own});
	return own;
}

void kt_certificate_controller_destroy(void *controller)
{
	struct kt_certificate_controller *own = controller;

	kt_reconciler_destroy(own->reconciler);
	free(own);
}
