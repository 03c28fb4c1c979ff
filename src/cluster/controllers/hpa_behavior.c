/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How fast an autoscaler may go: stabilisation by what was wanted lately, policies by what was
 * scaled lately, the bounds. Without spec.behavior the controller's own flags hold. */
#include "cluster/controllers/hpa.h"

#include "base/log.h"
#include "base/mem.h"

#include <math.h>

#define DOWN_WINDOW_S 300
#define UP_FACTOR 2
#define UP_LEAST 4

struct policy {
	bool percent;
	int64_t value, period_s;
};

static const struct policy default_up[] = {{false, 4, 15}, {true, 100, 15}};
static const struct policy default_down[] = {{true, 100, 15}};

struct verdict {
	int64_t replicas;
	const char *reason, *message;
};

#define WITHIN "DesiredWithinRange", "the desired count is within the acceptable range"
#define TOO_MANY \
	"TooManyReplicas", "the desired replica count is more than the maximum replica count"
#define TOO_FEW "TooFewReplicas", "the desired replica count is less than the minimum replica count"
#define UP_LIMIT \
	"ScaleUpLimit", "the desired replica count is increasing faster than the maximum scale " \
	                "rate"
#define DOWN_LIMIT \
	"ScaleDownLimit", \
	        "the desired replica count is decreasing faster than the maximum scale rate"

void hpa_remember(struct hpa_past *past, int64_t wall_ns, int64_t n)
{
	if (past->n == HPA_HISTORY_MAX)
		memmove(past->items, past->items + 1, --past->n * sizeof(past->items[0]));
	past->items[past->n].wall_ns = wall_ns;
	past->items[past->n++].n = n;
}

static int64_t sum_since(const struct hpa_past *past, int64_t wall_ns)
{
	int64_t sum = 0;

	for (size_t i = 0; i < past->n; i++)
		if (past->items[i].wall_ns > wall_ns)
			sum += past->items[i].n;
	return sum;
}

/* Up only to the lowest wish of its window, down only to the highest. */
static int64_t stabilize(struct hpa_work *work, int64_t wanted, int64_t up_s, int64_t down_s)
{
	const struct hpa_past *past = &work->memory->wishes;
	int64_t lowest = wanted, highest = wanted, n = work->current;

	for (size_t i = 0; i < past->n; i++) {
		int64_t age_ns = work->wall_ns - past->items[i].wall_ns;

		if (age_ns < up_s * KT_NS_PER_S)
			lowest = KT_MIN(lowest, past->items[i].n);
		if (age_ns < down_s * KT_NS_PER_S)
			highest = KT_MAX(highest, past->items[i].n);
	}
	hpa_remember(&work->memory->wishes, work->wall_ns, wanted);
	if (n < lowest)
		n = lowest;
	if (n > highest)
		n = highest;
	return n;
}

static void tell_stable(struct hpa_work *work, int64_t wanted, int64_t stable)
{
	if (stable == wanted)
		hpa_condition(work, "AbleToScale", true, "ReadyForNewScale",
		        "recommended size matches current size");
	else if (wanted >= work->current)
		hpa_condition(work, "AbleToScale", true, "ScaleUpStabilized",
		        "recent recommendations were lower than current one, applying the lowest "
		        "recent recommendation");
	else
		hpa_condition(work, "AbleToScale", true, "ScaleDownStabilized",
		        "recent recommendations were higher than current one, applying the highest "
		        "recent recommendation");
}

/* --- policies --- */

/* How far one policy lets it go, from where it was when its period began. */
static int64_t policy_limit(const struct hpa_work *work, const struct policy *policy, bool up)
{
	int64_t since_ns = work->wall_ns - policy->period_s * KT_NS_PER_S;
	int64_t start = work->current - sum_since(&work->memory->ups, since_ns) +
	                sum_since(&work->memory->downs, since_ns);
	double share = (double)policy->value / 100;

	if (!policy->percent)
		return up ? start + policy->value : start - policy->value;
	return up ? (int64_t)ceil((double)start * (1 + share))
	          : (int64_t)((double)start * (1 - share));
}

static struct policy policy_of(const json_t *item)
{
	return (struct policy){.percent = kt_streq(kt_jstr(item, "type"), "Percent"),
	        .value = kt_jint(item, "value", 0),
	        .period_s = kt_jint(item, "periodSeconds", 15)};
}

static int64_t rules_limit(const struct hpa_work *work, const json_t *rules, bool up)
{
	const char *select = kt_jstr(rules, "selectPolicy");
	const json_t *own = kt_jget(rules, "policies");
	const struct policy *fixed = up ? default_up : default_down;
	size_t n = json_array_size(own),
	       n_fixed = up ? KT_ARRAY_SIZE(default_up) : KT_ARRAY_SIZE(default_down);
	bool farthest = !kt_streq(select, "Min"), any = false;
	int64_t limit = work->current;

	if (kt_streq(select, "Disabled"))
		return work->current;
	for (size_t i = 0; i < (n ? n : n_fixed); i++) {
		struct policy policy = n ? policy_of(json_array_get(own, i)) : fixed[i];
		int64_t one = policy_limit(work, &policy, up);

		if (!any || (farthest == up ? one > limit : one < limit))
			limit = one;
		any = true;
	}
	return up ? KT_MAX(limit, work->current) : KT_MIN(limit, work->current);
}

static struct verdict by_rules(const struct hpa_work *work, int64_t wanted)
{
	int64_t limit;

	if (wanted > work->current) {
		limit = rules_limit(work, kt_jget(work->behavior, "scaleUp"), true);
		if (wanted > limit && limit < work->most)
			return (struct verdict){limit, UP_LIMIT};
		if (wanted > work->most)
			return (struct verdict){work->most, TOO_MANY};
	} else if (wanted < work->current) {
		limit = rules_limit(work, kt_jget(work->behavior, "scaleDown"), false);
		if (wanted < limit && limit > work->least)
			return (struct verdict){limit, DOWN_LIMIT};
		if (wanted < work->least)
			return (struct verdict){work->least, TOO_FEW};
	}
	return (struct verdict){wanted, WITHIN};
}

static struct verdict by_flags(const struct hpa_work *work, int64_t wanted)
{
	int64_t limit = KT_MAX(UP_FACTOR * work->current, UP_LEAST);

	if (wanted < work->least)
		return (struct verdict){work->least, TOO_FEW};
	if (wanted > limit && limit < work->most)
		return (struct verdict){limit, UP_LIMIT};
	if (wanted > work->most)
		return (struct verdict){work->most, TOO_MANY};
	return (struct verdict){wanted, WITHIN};
}

int64_t hpa_limit(struct hpa_work *work, int64_t wanted)
{
	int64_t up_s = kt_jint(work->behavior, "scaleUp.stabilizationWindowSeconds", 0),
	        down_s = kt_jint(
	                work->behavior, "scaleDown.stabilizationWindowSeconds", DOWN_WINDOW_S);
	int64_t stable = stabilize(work, wanted, up_s, down_s);
	struct verdict verdict;

	tell_stable(work, wanted, stable);
	verdict = work->behavior ? by_rules(work, stable) : by_flags(work, stable);
	hpa_condition(work, "ScalingLimited", verdict.replicas != stable, verdict.reason, "%s",
	        verdict.message);
	return verdict.replicas;
}
