/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Deployments, sets, jobs, autoscalers. */
#include "api/server/cells_table.h"

#include "base/time.h"

static json_t *replicas_ready(const struct kt_cell_context *c)
{
	return json_sprintf("%lld/%lld", (long long)kt_jint(c->object, "status.readyReplicas", 0),
	        (long long)kt_jint(c->object, "spec.replicas", 0));
}

static json_t *label_selector(const struct kt_cell_context *c)
{
	return kt_cell_selector_text(kt_jget(c->object, "spec.selector"));
}

/* A PodTemplate holds its template at the top. */
static const json_t *template_of(const struct kt_cell_context *c)
{
	const json_t *template = kt_jget(c->object, "spec.template");

	return template ? template : json_object_get(c->object, "template");
}

static json_t *template_containers(const struct kt_cell_context *c)
{
	return kt_cell_joined(kt_jget(template_of(c), "spec.containers"), "name", ",", 0);
}

static json_t *template_images(const struct kt_cell_context *c)
{
	return kt_cell_joined(kt_jget(template_of(c), "spec.containers"), "image", ",", 0);
}

static json_t *template_labels(const struct kt_cell_context *c)
{
	return kt_cell_map_text(kt_jget(template_of(c), "metadata.labels"));
}

static json_t *template_node_selector(const struct kt_cell_context *c)
{
	return kt_cell_map_text(kt_jget(template_of(c), "spec.nodeSelector"));
}

static json_t *revision_controller(const struct kt_cell_context *c)
{
	json_t *owner;
	size_t i;

	json_array_foreach(kt_jget(c->object, "metadata.ownerReferences"), i, owner) {
		const char *version = kt_jstr(owner, "apiVersion"),
		           *slash = version ? strchr(version, '/') : NULL;
		kt_auto_free char *kind =
		        kt_strdup(kt_jstr(owner, "kind") ? kt_jstr(owner, "kind") : "");
		if (!kt_jbool(owner, "controller", false))
			continue;
		for (char *p = kind; *p; p++)
			*p = (char)(*p >= 'A' && *p <= 'Z' ? *p + 'a' - 'A' : *p);
		return json_sprintf("%s%s%.*s/%s", kind, slash ? "." : "",
		        slash ? (int)(slash - version) : 0, version ? version : "",
		        kt_jstr(owner, "name"));
	}
	return json_string("<none>");
}

/* Jobs */

static bool has_condition(const struct kt_cell_context *c, const char *type)
{
	json_t *condition;
	size_t i;

	json_array_foreach(kt_jget(c->object, "status.conditions"), i, condition)
		if (kt_streq(kt_jstr(condition, "type"), type))
			return kt_streq(kt_jstr(condition, "status"), "True");
	return false;
}

static json_t *job_status(const struct kt_cell_context *c)
{
	static const char *const words[] = {"Complete", "Failed"};
	static const char *const early[] = {"Suspended", "FailureTarget", "SuccessCriteriaMet"};

	for (size_t i = 0; i < KT_ARRAY_SIZE(words); i++)
		if (has_condition(c, words[i]))
			return json_string(words[i]);
	if (kt_jstr(c->object, "metadata.deletionTimestamp"))
		return json_string("Terminating");
	for (size_t i = 0; i < KT_ARRAY_SIZE(early); i++)
		if (has_condition(c, early[i]))
			return json_string(early[i]);
	return json_string("Running");
}

static json_t *job_completions(const struct kt_cell_context *c)
{
	long long done = kt_jint(c->object, "status.succeeded", 0),
	          parallel = kt_jint(c->object, "spec.parallelism", 0);

	if (kt_jget(c->object, "spec.completions"))
		return json_sprintf(
		        "%lld/%lld", done, (long long)kt_jint(c->object, "spec.completions", 0));
	return parallel > 1 ? json_sprintf("%lld/1 of %lld", done, parallel)
	                    : json_sprintf("%lld/1", done);
}

static json_t *job_duration(const struct kt_cell_context *c)
{
	const char *start = kt_jstr(c->object, "status.startTime"),
	           *end = kt_jstr(c->object, "status.completionTime");
	int64_t from, to = c->now_ns;
	char text[KT_TIME_TEXT_MAX];

	if (!start || kt_time_parse(kt_sv_of(start), &from) < 0)
		return json_string("");
	if (end && kt_time_parse(kt_sv_of(end), &to) < 0)
		return json_string("");
	kt_duration_human(to - from, text);
	return json_string(text);
}

static json_t *cron_job_time_zone(const struct kt_cell_context *c)
{
	return kt_cell_text_or_none(kt_jstr(c->object, "spec.timeZone"));
}

static json_t *cron_job_suspend(const struct kt_cell_context *c)
{
	return json_string(kt_jbool(c->object, "spec.suspend", false) ? "True" : "False");
}

static json_t *cron_job_active(const struct kt_cell_context *c)
{
	return json_integer((json_int_t)json_array_size(kt_jget(c->object, "status.active")));
}

static json_t *cron_job_last_schedule(const struct kt_cell_context *c)
{
	const char *last = kt_jstr(c->object, "status.lastScheduleTime");

	return last ? kt_cell_age_of(c, last) : json_string("<none>");
}

static json_t *job_template_containers(const struct kt_cell_context *c)
{
	return kt_cell_joined(kt_jget(c->object, "spec.jobTemplate.spec.template.spec.containers"),
	        "name", ",", 0);
}

static json_t *job_template_images(const struct kt_cell_context *c)
{
	return kt_cell_joined(kt_jget(c->object, "spec.jobTemplate.spec.template.spec.containers"),
	        "image", ",", 0);
}

static json_t *job_template_selector(const struct kt_cell_context *c)
{
	return kt_cell_selector_text(kt_jget(c->object, "spec.jobTemplate.spec.selector"));
}

static const struct kt_cell_entry entries[] = {
        {"cron_job_active", cron_job_active},
        {"cron_job_last_schedule", cron_job_last_schedule},
        {"cron_job_suspend", cron_job_suspend},
        {"cron_job_time_zone", cron_job_time_zone},
        {"job_completions", job_completions},
        {"job_duration", job_duration},
        {"job_status", job_status},
        {"job_template_containers", job_template_containers},
        {"job_template_images", job_template_images},
        {"job_template_selector", job_template_selector},
        {"label_selector", label_selector},
        {"replicas_ready", replicas_ready},
        {"revision_controller", revision_controller},
        {"template_containers", template_containers},
        {"template_images", template_images},
        {"template_labels", template_labels},
        {"template_node_selector", template_node_selector},
        {NULL, NULL},
};

const struct kt_cell_group kt_cells_workloads = {entries};
