/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Nothing is created in a namespace that is not there or is ending, and the cluster's own
 * namespaces stay. */
#include "api/server/admission/plugins.h"
#include "api/status.h"

#include <errno.h>

static bool is_immortal(const char *name)
{
	return kt_streq(name, "default") || kt_streq(name, "kube-system") ||
	       kt_streq(name, "kube-public");
}

/* These may be written anywhere: they are how one learns about access. */
static bool is_review(const struct kt_admission_context *a)
{
	return kt_streq(a->kind->group, "authorization.k8s.io") &&
	       kt_streq(a->kind->plural, "localsubjectaccessreviews");
}

static int mutate(struct kt_admission_context *a, json_t *object, const json_t *old)
{
	(void)object;
	(void)old;
	bool is_namespace = !*a->kind->group && kt_streq(a->kind->plural, "namespaces");
	if (a->operation == KT_ADMIT_DELETE && is_namespace && is_immortal(a->name))
		return kt_admission_forbid(a, "this namespace may not be deleted");
	if (a->operation == KT_ADMIT_DELETE || !*a->namespace || is_namespace || is_review(a))
		return 0;
	kt_auto_json json_t *namespace = kt_admission_read(a, "", "namespaces", "", a->namespace);
	if (!namespace)
		return kt_fail_not_found(&a->err, "", "namespaces", a->namespace);
	if (a->operation != KT_ADMIT_CREATE ||
	        !kt_streq(kt_jstr(namespace, "status.phase"), "Terminating"))
		return 0;
	int r = kt_admission_forbid(a,
	        "unable to create new content in namespace %s because it is being terminated",
	        a->namespace);
	kt_auto_free char *message = kt_asprintf("namespace %s is being terminated", a->namespace);
	kt_err_add_cause(&a->err, "NamespaceTerminating", "metadata.namespace", message);
	return r;
}

const struct kt_admission_plugin kt_admission_namespace_lifecycle = {
        .name = "NamespaceLifecycle",
        .on_by_default = true,
        .mutate = mutate,
};
