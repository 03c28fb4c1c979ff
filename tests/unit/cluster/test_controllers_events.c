/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The event recorder and the set of calls, on a virtual loop against a client without a server. */
#include "support/support.h"

#include "api/client/calls.h"
#include "api/client/events.h"
#include "base/mem.h"
#include "controllers_world.h"

static struct kt_event_recorder *make_recorder(struct world *world, bool new_form)
{
	return kt_event_recorder_create(
	        &(struct kt_event_recorder_options){.client = fake_client_get(world->fake),
	                .loop = world->loop,
	                .component = "tester",
	                .new_form = new_form});
}

static void destroy(void *part)
{
	kt_event_recorder_destroy(part);
}

static int setup(void **state)
{
	struct world *world;

	world_setup(state);
	world = *state;
	world->part = make_recorder(world, false);
	world->destroy_part = destroy;
	return 0;
}

static void run(struct world *world, int64_t s)
{
	world_run_ms(world, s * 1000);
}

static void say(struct world *world, const char *name, const char *text)
{
	struct kt_event event = {
	        .about = {.api_version = KT_SV("v1"),
	                .kind = KT_SV("Pod"),
	                .namespace = KT_SV("default"),
	                .name = kt_sv_of(name),
	                .uid = kt_sv_of(name)},
	        .type = "Normal",
	        .reason = "Tested",
	};

	kt_event_record(world->part, &event, "%s", text);
}

static size_t count(struct world *world)
{
	return fake_count(world->fake, "/api/v1/events");
}

static void what_repeats_is_counted(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *event = NULL;

	say(world, "a", "again");
	run(world, 5);
	say(world, "a", "again");
	say(world, "a", "again");
	run(world, 1);
	assert_int_equal(count(world), 1);
	event = fake_nth(world->fake, "/api/v1/events", 0);
	assert_int_equal(kt_jint(event, "count", 0), 3);
	assert_string_equal(kt_jstr(event, "firstTimestamp"), "2023-11-14T22:13:20Z");
	assert_string_equal(kt_jstr(event, "lastTimestamp"), "2023-11-14T22:13:25Z");
	assert_string_equal(kt_jstr(event, "source.component"), "tester");
	assert_string_equal(kt_jstr(event, "involvedObject.name"), "a");
}

static void what_is_similar_is_combined(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *event = NULL;
	char text[32];

	for (int i = 0; i < 20; i++) {
		snprintf(text, sizeof(text), "text %d", i);
		say(world, "a", text);
	}
	run(world, 1);
	assert_int_equal(count(world), KT_EVENT_SIMILAR_MAX);
	event = fake_nth(world->fake, "/api/v1/events", KT_EVENT_SIMILAR_MAX - 1);
	assert_string_equal(kt_jstr(event, "message"), "(combined from similar events): text 19");
	assert_int_equal(kt_jint(event, "count", 0), 20 - (KT_EVENT_SIMILAR_MAX - 1));
}

static void a_chatty_source_is_limited(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *event = NULL;

	for (int i = 0; i < 100; i++) {
		say(world, "a", "noise");
		run(world, 1);
	}
	say(world, "b", "another object");
	run(world, 1);
	event = fake_nth(world->fake, "/api/v1/events", 0);
	assert_int_equal(kt_jint(event, "count", 0), KT_EVENT_BURST);
	assert_int_equal(count(world), 2);
	/* One more is let through after a while, and says how many there were. */
	run(world, KT_EVENT_REFILL_S);
	say(world, "a", "noise");
	run(world, 1);
	json_decref(event);
	event = fake_nth(world->fake, "/api/v1/events", 0);
	assert_int_equal(kt_jint(event, "count", 0), 101);
}

static void the_queue_is_bounded(void **state)
{
	struct world *world = *state;
	char name[32];

	for (int i = 0; i < 2 * KT_EVENT_QUEUE_MAX; i++) {
		snprintf(name, sizeof(name), "pod-%d", i);
		say(world, name, "burst");
	}
	run(world, 10);
	assert_in_range(count(world), KT_EVENT_QUEUE_MAX, KT_EVENT_QUEUE_MAX + 10);
}

static void the_new_form_has_a_series(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *event = NULL;

	kt_event_recorder_destroy(world->part);
	world->part = make_recorder(world, true);
	say(world, "a", "again");
	run(world, 1);
	say(world, "a", "again");
	run(world, 1);
	event = fake_nth(world->fake, "/api/v1/events", 0);
	assert_string_equal(kt_jstr(event, "eventTime"), "2023-11-14T22:13:20.000000Z");
	assert_int_equal(kt_jint(event, "series.count", 0), 2);
	assert_null(kt_jstr(event, "firstTimestamp"));
}

static void count_drop(void *arg)
{
	++*(int *)arg;
}

static void count_done(void *arg, struct kt_call *call)
{
	(void)call;
	*(int *)arg += 100;
}

static void calls_under_way_are_dropped(void **state)
{
	struct world *world = *state;
	struct kt_calls *calls =
	        kt_calls_create(fake_client_get(world->fake), world->loop, "tester");
	int n = 0;
	struct kt_call_spec spec = {
	        .method = "GET", .done = count_done, .drop = count_drop, .arg = &n};

	kt_calls_send(calls, &spec, "/api/v1/namespaces/%s/pods", "default");
	run(world, 1);
	assert_int_equal(n, 100);
	kt_calls_send(calls, &spec, "/api/v1/pods");
	kt_calls_send(calls, &spec, "/api/v1/pods");
	assert_int_equal(kt_calls_under_way(calls), 2);
	kt_calls_destroy(calls);
	assert_int_equal(n, 102);
	run(world, 1);
}

/* What is served is not known at once after a start; that is no reason to give up a target. */
static void autoscalers_wait_for_discovery(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *autoscaler = NULL;

	fake_put(world->fake, "/apis/apps/v1/namespaces/default/deployments",
	        "{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'name':'d'},'spec':{"
	        "'replicas':1,'selector':{'matchLabels':{'app':'d'}},'template':{'metadata':{"
	        "'labels':{'app':'d'}},'spec':{'containers':[{'name':'c'}]}}}}");
	fake_put(world->fake, "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers",
	        "{'apiVersion':'autoscaling/v2','kind':'HorizontalPodAutoscaler','metadata':{"
	        "'name':'h'},'spec':{'minReplicas':1,'maxReplicas':3,'scaleTargetRef':{"
	        "'apiVersion':'apps/v1','kind':'Deployment','name':'d'}}}");
	fake_refuse(world->fake, "/apis/apps/v1", 1);
	assert_int_equal(controllers_start(world), 0);
	world_run_ms(world, 5000);
	autoscaler = fake_get(
	        world->fake, "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers/h");
	assert_non_null(world_condition(autoscaler, "AbleToScale", "reason"));
	assert_string_not_equal(
	        world_condition(autoscaler, "AbleToScale", "reason"), "FailedGetScale");
	assert_false(world_has_event(
	        world, "FailedGetScale", "no matches for kind \"Deployment\" in group \"apps\""));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, world_teardown)
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(
	                autoscalers_wait_for_discovery, world_setup, world_teardown),
	        T(what_repeats_is_counted),
	        T(what_is_similar_is_combined),
	        T(a_chatty_source_is_limited),
	        T(the_queue_is_bounded),
	        T(the_new_form_has_a_series),
	        T(calls_under_way_are_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
