/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cluster/controllers/pod_control.h"

#include "api/status.h"
#include "base/mem.h"

struct told {
	struct kt_object *owner;
	char *what, *name;
};

static void told_free(void *value)
{
	struct told *told = value;

	kt_object_unref(told->owner);
	free(told->what);
	free(told->name);
	free(told);
}

static struct told *told_create(struct kt_object *owner, const char *what, struct kt_sv name)
{
	struct told *told = kt_new(struct told);

	told->owner = kt_object_ref(owner);
	told->what = what ? kt_strdup(what) : NULL;
	told->name = kt_sv_dup(name);
	return told;
}

static void say(struct kt_pass *pass, struct kt_call *call, const struct told *told, bool created,
        const char *name)
{
	struct kt_reconciler *reconciler = kt_pass_reconciler(pass);
	const char *reason = call->err.code ? created ? "FailedCreate" : "FailedDelete"
	                     : created      ? "SuccessfulCreate"
	                                    : "SuccessfulDelete";

	if (call->err.code && kt_err_reason(&call->err) == KT_REASON_NOT_FOUND)
		return; /* the namespace or the pod is gone */
	if (told->what && call->err.code)
		kt_reconciler_event(reconciler, told->owner, "Warning", reason,
		        "%s failed error: %s", told->what, kt_err_message(&call->err));
	else if (told->what)
		kt_reconciler_event(
		        reconciler, told->owner, "Normal", reason, "%s successful", told->what);
	else if (call->err.code)
		kt_reconciler_event(reconciler, told->owner, "Warning", reason, "Error %s: %s",
		        created ? "creating" : "deleting", kt_err_message(&call->err));
	else
		kt_reconciler_event(reconciler, told->owner, "Normal", reason, "%s pod: %s",
		        created ? "Created" : "Deleted", name);
}

static void pod_created(struct kt_pass *pass, struct kt_call *call, void *arg)
{
	kt_auto_free char *name =
	        kt_json_string_dup(kt_json_find(kt_call_answer(call), "metadata", "name", NULL));

	say(pass, call, arg, true, name ? name : "");
	kt_pass_check(pass, call);
}

static void pod_deleted(struct kt_pass *pass, struct kt_call *call, void *arg)
{
	struct told *told = arg;

	say(pass, call, told, false, told->name);
	kt_pass_check(pass, call);
}

void kt_create_pod_saying(struct kt_pass *pass, struct kt_informer *pods, struct kt_object *owner,
        const json_t *pod, const char *what)
{
	kt_pass_send(pass,
	        &(struct kt_pass_write){.method = "POST",
	                .body = pod,
	                .informer = pods,
	                .done = pod_created,
	                .arg = told_create(owner, what, (struct kt_sv){0}),
	                .free_arg = told_free},
	        "/api/v1/namespaces/%.*s/pods", KT_SVP(kt_object_namespace(owner)));
}

void kt_delete_pod_saying(struct kt_pass *pass, struct kt_informer *pods, struct kt_object *owner,
        struct kt_object *pod, const char *what)
{
	struct kt_sv namespace = kt_object_namespace(pod), name = kt_object_name(pod),
	             uid = kt_object_uid(pod);
	kt_auto_str text = KT_STR_INIT;

	kt_str_printf(&text,
	        "{\"kind\":\"DeleteOptions\",\"apiVersion\":\"v1\",\"preconditions\":{\"uid\":\"%.*"
	        "s\"}}",
	        KT_SVP(uid));
	kt_pass_send(pass,
	        &(struct kt_pass_write){.method = "DELETE",
	                .text = &text,
	                .informer = pods,
	                .target = pod,
	                .done = pod_deleted,
	                .arg = told_create(owner, what, name),
	                .free_arg = told_free},
	        "/api/v1/namespaces/%.*s/pods/%.*s", KT_SVP(namespace), KT_SVP(name));
}

void kt_create_pod(
        struct kt_pass *pass, struct kt_informer *pods, struct kt_object *owner, const json_t *pod)
{
	kt_create_pod_saying(pass, pods, owner, pod, NULL);
}

void kt_delete_pod(struct kt_pass *pass, struct kt_informer *pods, struct kt_object *owner,
        struct kt_object *pod)
{
	kt_delete_pod_saying(pass, pods, owner, pod, NULL);
}
