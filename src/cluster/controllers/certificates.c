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
