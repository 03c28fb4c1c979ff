/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Jobs with ttlSecondsAfterFinished go that long after their end. */
#include "api/status.h"
#include "base/mem.h"
#include "cluster/controllers/meta.h"
#include "cluster/controllers/table.h"

struct ttl_controller {
	struct kt_reconciler *reconciler;
	struct kt_informer *jobs;
};

static int64_t end_ns(const struct kt_object *job)
{
	struct kt_json_at complete = kt_condition(job, "Complete"),
	                  failed = kt_condition(job, "Failed");

	if (complete.p && kt_json_string_is(kt_json_member(complete, "status"), "True"))
		return kt_time_at(complete, "lastTransitionTime");
	if (failed.p && kt_json_string_is(kt_json_member(failed, "status"), "True"))
		return kt_time_at(failed, "lastTransitionTime");
	return 0;
}

static void reconcile(void *arg, struct kt_pass *pass, const char *key)
{
	struct ttl_controller *own = arg;
	struct kt_object *job = kt_pass_object(pass, own->jobs);
	int64_t ttl_s = job ? kt_int_at(job, "spec", "ttlSecondsAfterFinished", -1) : -1, end, due;
	kt_auto_json json_t *body = NULL;

	(void)key;
	if (ttl_s < 0 || kt_is_deleting(job) || !(end = end_ns(job)))
		return;
	due = end + ttl_s * KT_NS_PER_S;
	if (due > kt_pass_wall_ns(pass)) {
		kt_pass_again_after_ms(pass, (due - kt_pass_wall_ns(pass)) / KT_NS_PER_MS + 1);
		return;
	}
	body = json_pack("{s:s,s:s,s:s,s:{s:s%}}", "kind", "DeleteOptions", "apiVersion", "v1",
	        "propagationPolicy", "Foreground", "preconditions", "uid", kt_object_uid(job).p,
	        kt_object_uid(job).len);
	kt_pass_send(pass,
	        &(struct kt_pass_write){
	                .method = "DELETE", .body = body, .informer = own->jobs, .target = job},
	        "/apis/batch/v1/namespaces/%.*s/jobs/%.*s", KT_SVP(kt_object_namespace(job)),
	        KT_SVP(kt_object_name(job)));
}

static void job_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct ttl_controller *own = arg;

	(void)old_object;
	if (new_object && kt_int_at(new_object, "spec", "ttlSecondsAfterFinished", -1) >= 0 &&
	        end_ns(new_object))
		kt_reconciler_add_object(own->reconciler, new_object);
}

static void *create(struct kt_controllers *controllers)
{
	struct ttl_controller *own = kt_new(struct ttl_controller);

	own->reconciler =
	        kt_reconciler_create(&(struct kt_reconciler_options){.controllers = controllers,
	                .name = "ttl-after-finished-controller",
	                .reconcile = reconcile,
	                .arg = own});
	own->jobs = kt_controllers_informer(controllers, "/apis/batch/v1/jobs");
	kt_informer_add_handler(
	        own->jobs, &(struct kt_informer_handler){.on_change = job_changed, .arg = own});
	return own;
}

static void destroy(void *controller)
{
	struct ttl_controller *own = controller;

	kt_reconciler_destroy(own->reconciler);
	free(own);
}

const struct kt_controller kt_controller_ttl_after_finished = {
        "ttl-after-finished-controller", create, destroy};
