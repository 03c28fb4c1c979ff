/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How fast an autoscaler may go. */
#include "support/support.h"

#include "base/mem.h"
#include "cluster/controllers/hpa.h"

struct fixture {
	struct hpa_memory memory;
	struct hpa_work work;
};

static int setup(void **state)
{
	struct fixture *own = kt_new(struct fixture);

	own->work = (struct hpa_work){.memory = &own->memory,
	        .status = json_object(),
	        .current = 5,
	        .least = 2,
	        .most = 100,
	        .wall_ns = 1000 * KT_NS_PER_S};
	*state = own;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *own = *state;

	json_decref(own->work.status);
	json_decref(own->work.tree);
	free(own);
	return 0;
}

static void behave(struct fixture *own, const char *behavior)
{
	own->work.tree = json_loads(behavior, 0, NULL);
	assert_non_null(own->work.tree);
	own->work.behavior = own->work.tree;
}

/* Wishes for so many `after_s` later and gets those; the reason of this condition is then this. */
static void assert_limited(struct fixture *own, int64_t after_s, int64_t wish, int64_t want,
        const char *type, const char *reason)
{
	const json_t *condition;
	int64_t got;

	own->work.wall_ns += after_s * KT_NS_PER_S;
	got = hpa_limit(&own->work, wish);
	assert_int_equal(got, want);
	condition = kt_find_condition(json_object_get(own->work.status, "conditions"), type);
	assert_string_equal(kt_jstr(condition, "reason"), reason);
	if (got != own->work.current)
		hpa_remember(got > own->work.current ? &own->memory.ups : &own->memory.downs,
		        own->work.wall_ns,
		        got > own->work.current ? got - own->work.current
		                                : own->work.current - got);
	own->work.current = got;
}

static void without_behaviour_flags_hold(void **state)
{
	struct fixture *own = *state;

	assert_limited(own, 0, 5, 5, "ScalingLimited", "DesiredWithinRange");
	assert_limited(own, 15, 50, 10, "ScalingLimited", "ScaleUpLimit");
	assert_limited(own, 15, 500, 20, "ScalingLimited", "ScaleUpLimit");
	own->work.current = 80;
	assert_limited(own, 15, 500, 100, "ScalingLimited", "TooManyReplicas");
	/* Down only to the highest wish of five minutes. */
	assert_limited(own, 15, 1, 100, "AbleToScale", "ScaleDownStabilized");
	assert_limited(own, 280, 3, 100, "AbleToScale", "ScaleDownStabilized");
	assert_limited(own, 301, 1, 2, "ScalingLimited", "TooFewReplicas");
	own->work.current = own->work.least = 1;
	own->memory.wishes.n = 0;
	assert_limited(own, 15, 9, 4, "ScalingLimited", "ScaleUpLimit");
}

static void policies_count_by_their_period(void **state)
{
	struct fixture *own = *state;

	behave(own, "{\"scaleUp\":{\"policies\":[{\"type\":\"Pods\",\"value\":3,"
	            "\"periodSeconds\":60},{\"type\":\"Percent\",\"value\":10,"
	            "\"periodSeconds\":60}]},\"scaleDown\":{\"stabilizationWindowSeconds\":0,"
	            "\"selectPolicy\":\"Min\",\"policies\":[{\"type\":\"Pods\",\"value\":1,"
	            "\"periodSeconds\":30},{\"type\":\"Percent\",\"value\":50,"
	            "\"periodSeconds\":30}]}}");
	assert_limited(own, 0, 50, 8, "ScalingLimited", "ScaleUpLimit");
	assert_limited(own, 15, 50, 8, "ScalingLimited", "ScaleUpLimit");
	assert_limited(own, 60, 50, 11, "ScalingLimited", "ScaleUpLimit");
	assert_limited(own, 61, 2, 10, "ScalingLimited", "ScaleDownLimit");
	assert_limited(own, 15, 2, 10, "ScalingLimited", "ScaleDownLimit");
	assert_limited(own, 16, 9, 9, "ScalingLimited", "DesiredWithinRange");
}

static void a_direction_can_be_disabled(void **state)
{
	struct fixture *own = *state;

	behave(own, "{\"scaleDown\":{\"selectPolicy\":\"Disabled\"},"
	            "\"scaleUp\":{\"stabilizationWindowSeconds\":60}}");
	assert_limited(own, 0, 5, 5, "AbleToScale", "ReadyForNewScale");
	assert_limited(own, 15, 9, 5, "AbleToScale", "ScaleUpStabilized");
	assert_limited(own, 61, 8, 8, "AbleToScale", "ReadyForNewScale");
	assert_limited(own, 600, 2, 8, "ScalingLimited", "ScaleDownLimit");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	        T(without_behaviour_flags_hold),
	        T(policies_count_by_their_period),
	        T(a_direction_can_be_disabled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
