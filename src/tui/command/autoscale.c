/* SPDX-License-Identifier: GPL-3.0-or-later */
/* autoscale: makes a HorizontalPodAutoscaler for a workload. */
#include "tui/command/create_kinds.h"
#include "tui/command/options.h"

#include <errno.h>

static const struct kt_option OPTIONS[] = {
        {.name = "min",
                .type = KT_OPTION_INT,
                .fallback = "-1",
                .value_name = "N",
                .help = "so many pods at least"},
        {.name = "max",
                .type = KT_OPTION_INT,
                .fallback = "-1",
                .value_name = "N",
                .help = "so many pods at most"},
        {.name = "cpu",
                .type = KT_OPTION_STRING,
                .value_name = "N%|AMOUNT",
                .help = "how much of its request a pod should use, or how much CPU"},
        {.name = "cpu-percent",
                .type = KT_OPTION_INT,
                .fallback = "-1",
                .value_name = "N",
                .help = "older spelling of --cpu=N%"},
        {.name = "memory",
                .type = KT_OPTION_STRING,
                .value_name = "N%|AMOUNT",
                .help = "the same for memory"},
        {.name = "name",
                .type = KT_OPTION_STRING,
                .value_name = "NAME",
                .help = "name of the autoscaler; else the workload's"},
        KT_OPTION_FILENAME,
        KT_OPTION_RECURSIVE,
        KT_OPTION_OUTPUT,
        KT_OPTION_DRY_RUN,
        KT_OPTION_SAVE_CONFIG,
        KT_OPTION_FIELD_MANAGER("kubectl-autoscale"),
        KT_OPTION_END,
};

/* "50%" of the request, or an amount. */
static void add_metric(json_t *metrics, const char *name, const char *text)
{
	int64_t percent;
	json_t *target;

	if (!text || !*text)
		return;
	kt_auto_free char *number = kt_strndup(text, strcspn(text, "%"));

	if (kt_ends_with(text, "%") && kt_sv_int64(kt_sv_of(number), &percent) == 0)
		target = json_pack("{s:I, s:s}", "averageUtilization", (json_int_t)percent, "type",
		        "Utilization");
	else
		target = json_pack("{s:s, s:s}", "averageValue", text, "type", "AverageValue");
	json_array_append_new(metrics, json_pack("{s:{s:s, s:o}, s:s}", "resource", "name", name,
	                                       "target", target, "type", "Resource"));
}

static json_t *metrics_of(const struct kt_command_context *ctx)
{
	int64_t percent = kt_opt_int(ctx, "cpu-percent");
	json_t *metrics = json_array();

	if (percent >= 0) {
		kt_auto_free char *text = kt_asprintf("%lld%%", (long long)percent);

		add_metric(metrics, "cpu", text);
	} else {
		add_metric(metrics, "cpu", kt_opt_string(ctx, "cpu"));
	}
	add_metric(metrics, "memory", kt_opt_string(ctx, "memory"));
	return metrics;
}

static int autoscale_one(
        struct kt_command_context *ctx, struct kt_target *target, void *arg, struct kt_err *err)
{
	const char *name = kt_opt_string(ctx, "name");
	kt_auto_json json_t *metrics = metrics_of(ctx);
	kt_auto_free char *api_version = kt_resource_api_version(target->resource);
	kt_auto_json json_t *object = kt_create_object_of(
	        "autoscaling/v2", "HorizontalPodAutoscaler", name ? name : target->name);
	json_t *spec = json_pack("{s:I, s:{s:s, s:s, s:s}}", "maxReplicas",
	        (json_int_t)kt_opt_int(ctx, "max"), "scaleTargetRef", "apiVersion", api_version,
	        "kind", target->resource->kind, "name", target->name);

	(void)arg;
	if (!kt_resource_has_subresource(target->resource, "scale")) {
		json_decref(spec);
		return kt_fail(err, EINVAL,
		        "cannot autoscale a %s: could not find scale subresource for %s/%s, "
		        "Resource=%s in discovery information",
		        target->resource->kind, target->resource->group, target->resource->version,
		        target->resource->plural);
	}
	if (kt_opt_int(ctx, "min") > 0)
		json_object_set_new(spec, "minReplicas", json_integer(kt_opt_int(ctx, "min")));
	if (json_array_size(metrics))
		json_object_set(spec, "metrics", metrics);
	json_object_set_new(object, "spec", spec);
	json_object_set_new(
	        object, "status", json_pack("{s:n, s:i}", "currentMetrics", "desiredReplicas", 0));
	struct kt_target scaler = {
	        .resource = kt_session_resource(
	                ctx->session, "horizontalpodautoscalers.v2.autoscaling", err),
	        .namespace = target->namespace,
	        .object = object,
	};

	return scaler.resource ? kt_create_object_as(ctx, &scaler, "autoscaled", err) : err->code;
}

static int run(struct kt_command_context *ctx)
{
	int64_t min = kt_opt_int(ctx, "min"), max = kt_opt_int(ctx, "max");

	if (!kt_opt_given(ctx, "max"))
		return kt_command_fail(ctx, NULL, "required flag(s) \"max\" not set");
	if (max < 1)
		return kt_command_fail(ctx, NULL,
		        "--max=MAXPODS is required and must be at least 1, max: %lld",
		        (long long)max);
	if (max < min)
		return kt_command_fail(ctx, NULL,
		        "--max=MAXPODS must be larger or equal to --min=MINPODS, max: %lld, min: "
		        "%lld",
		        (long long)max, (long long)min);
	return kt_targets_run(
	        ctx, KT_TARGET_FILES | KT_TARGET_NEED_NAME | KT_TARGET_LIVE, autoscale_one, NULL);
}

static const enum kt_completion ARGUMENTS[] = {KT_COMPLETE_RESOURCE_OR_NAME, KT_COMPLETE_NONE};

const struct kt_command kt_command_autoscale = {
        .name = "autoscale",
        .group = "Change",
        .usage = "autoscale TYPE NAME --max=N [--min=N] [--cpu=N%]",
        .summary = "Let the number of pods follow their load",
        .help = "Examples:\n"
                "  kube-tui autoscale deploy web --min=2 --max=10 --cpu=80%",
        .options = OPTIONS,
        .arguments = ARGUMENTS,
        .prints_typed = true,
        .needs_client = true,
        .run = run,
};
