/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/rules/batch.h"

#include "api/machinery/cron.h"
#include "api/server/rules/meta.h"
#include "api/server/rules/pod.h"
#include "api/server/rules/workload.h"

#include <strings.h>
#include <unistd.h>

#define NAME_MAX_BYTES 52 /* a job's name has the time of its run behind it and must be a label */
#define ZONES "/usr/share/zoneinfo"

static void default_object(struct kt_rule_context *c, json_t *object)
{
	(void)c;
	kt_pod_spec_default(kt_jget(object, "spec.jobTemplate.spec.template.spec"));
}

static void check_schedule(struct kt_rule_context *c, const struct kt_at *schedule)
{
	struct kt_cron cron;
	kt_auto_err err = KT_ERR_INIT;
	const char *text = kt_at_text(schedule);
	if (!*text) {
		kt_add_required(c, schedule, "");
		return;
	}
	if (strstr(text, "TZ")) {
		kt_add_invalid(c, schedule,
		        "cannot use TZ or CRON_TZ in schedule, use timeZone field instead");
		return;
	}
	if (kt_cron_parse(kt_sv_of(text), &cron, &err) < 0)
		kt_add_invalid(c, schedule, "%s", kt_err_message(&err));
}

/* A name of the zone database, where this machine has one; without it any well-formed name passes.
 */
static bool is_zone(const char *name)
{
	if (strcmp(name, "UTC") == 0)
		return true;
	if (*name == '/' || strstr(name, "..") || strchr(name, '\\') || !*name)
		return false;
	if (access(ZONES, R_OK) != 0)
		return strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
		                    "_+-/") == strlen(name);
	kt_auto_free char *path = kt_asprintf(ZONES "/%s", name);
	return access(path, R_OK) == 0;
}

static void check_zone(struct kt_rule_context *c, const struct kt_at *zone)
{
	const char *text = kt_at_text(zone);
	if (!zone->value)
		return;
	if (!*text)
		kt_add_invalid(c, zone, "timeZone must be nil or non-empty string");
	else if (strcasecmp(text, "Local") == 0)
		kt_add_invalid(c, zone,
		        "timeZone must be an explicit time zone as defined in "
		        "https://www.iana.org/time-zones");
	else if (!is_zone(text))
		kt_add_invalid(c, zone, "unknown time zone %s", text);
}

static void check_template(struct kt_rule_context *c, const struct kt_at *template)
{
	static const char *const manual[] = {"nil", "false", NULL};
	struct kt_at spec = kt_at(template, "spec"), selector = kt_at(&spec, "selector"),
	             own = kt_at(&spec, "manualSelector");
	kt_check_job_spec(c, &spec);
	if (selector.value)
		kt_add_invalid(c, &selector, "`selector` will be auto-generated");
	if (kt_at_bool(&own))
		kt_add_not_supported(c, &own, manual);
}

static void validate(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	static const char *const policies[] = {"Allow", "Forbid", "Replace", NULL};
	struct kt_at root = kt_at_root(c, object), meta = kt_at(&root, "metadata"),
	             name = kt_at(&meta, "name");
	struct kt_at spec = kt_at(&root, "spec"), schedule = kt_at(&spec, "schedule"),
	             zone = kt_at(&spec, "timeZone");
	struct kt_at deadline = kt_at(&spec, "startingDeadlineSeconds"),
	             policy = kt_at(&spec, "concurrencyPolicy");
	struct kt_at template = kt_at(&spec, "jobTemplate"),
	             kept = kt_at(&spec, "successfulJobsHistoryLimit");
	struct kt_at failed = kt_at(&spec, "failedJobsHistoryLimit");
	if (old)
		kt_meta_validate_update(c, object, old);
	else
		kt_meta_validate(c, object, NULL);
	if (c->subresource)
		return;
	check_schedule(c, &schedule);
	kt_check_non_negative(c, &deadline);
	if (!old || !kt_same(zone.value, kt_jget(old, "spec.timeZone")))
		check_zone(c, &zone);
	if (kt_check_required(c, &policy))
		kt_check_in(c, &policy, policies);
	check_template(c, &template);
	kt_check_non_negative(c, &kept);
	kt_check_non_negative(c, &failed);
	if (!old && strlen(kt_at_text(&name)) > NAME_MAX_BYTES)
		kt_add_invalid(c, &name, "must be no more than %d characters", NAME_MAX_BYTES);
}

static void warn(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	struct kt_at root = kt_at_root(c, object), spec = kt_at(&root, "spec"),
	             job = kt_at(&spec, "jobTemplate");
	struct kt_at job_spec = kt_at(&job, "spec"), template = kt_at(&job_spec, "template");
	if (c->subresource || kt_is_same_generation(object, old))
		return;
	if (!old)
		kt_pod_names_warn(c, object);
	kt_pod_template_warn(c, &template, kt_jget(old, "spec.jobTemplate.spec.template"));
}

const struct kt_rules kt_rules_batch_cron_job = {
        .group = "batch",
        .kind = "CronJob",
        .default_object = default_object,
        .validate = validate,
        .warn = warn,
};
