/* SPDX-License-Identifier: GPL-3.0-or-later */
/* EndpointSlices by address family, and what they tell clients of zones and nodes. */
#include "support/support.h"

#include "base/mem.h"
#include "controllers_world.h"

#define SERVICES "/api/v1/namespaces/default/services"
#define PODS "/api/v1/namespaces/default/pods"
#define SLICES "/apis/discovery.k8s.io/v1/endpointslices"

static void put_service(struct world *world, const char *spec)
{
	kt_auto_free char *text = kt_asprintf(
	        "{'apiVersion':'v1','kind':'Service','metadata':{'name':'web'},'spec':{'selector':{"
	        "'app':'web'},'ports':[{'port':80,'protocol':'TCP'}]%s}}",
	        spec);

	fake_put(world->fake, SERVICES, text);
}

static void put_pod(struct world *world, const char *ips, const char *ready)
{
	kt_auto_free char *text = kt_asprintf(
	        "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'p','labels':{'app':'web'}},"
	        "'spec':{'nodeName':'n','containers':[{'name':'c'}]},'status':{'podIP':'10.0.0.1',"
	        "'podIPs':[%s],'phase':'Running','conditions':[{'type':'Ready','status':'%s'}]}}",
	        ips, ready);

	fake_put(world->fake, "/api/v1/nodes",
	        "{'apiVersion':'v1','kind':'Node','metadata':{'name':'n','labels':{"
	        "'topology.kubernetes.io/zone':'z1'}},'status':{'conditions':[{'type':'Ready',"
	        "'status':'True','lastHeartbeatTime':'2099-01-01T00:00:00Z'}]}}");
	fake_put(world->fake, PODS, text);
}

/* The slice of a family; NULL when there is none. The caller releases it. */
static json_t *slice_of(struct world *world, const char *family)
{
	for (size_t i = 0;; i++) {
		json_t *slice = fake_nth(world->fake, SLICES, i);

		if (!slice || kt_streq(kt_jstr(slice, "addressType"), family))
			return slice;
		json_decref(slice);
	}
}

static void assert_address(struct world *world, const char *family, const char *address)
{
	kt_auto_json json_t *slice = slice_of(world, family);

	assert_non_null(slice);
	assert_true(kt_streq(kt_jstr(slice, "endpoints.0.addresses.0"), address));
}

static void each_family_has_its_slices(void **state)
{
	struct world *world = *state;

	put_service(world, ",'ipFamilies':['IPv4','IPv6']");
	put_pod(world, "{'ip':'10.0.0.1'}", "True");
	world_run_ms(world, 1000);
	assert_address(world, "IPv4", "10.0.0.1");
	assert_address(world, "IPv6", NULL); /* of that family the pod has none */
	fake_patch(world->fake, PODS "/p/status",
	        "{'status':{'podIPs':[{'ip':'10.0.0.1'},{'ip':'fd00::1'}]}}");
	world_run_ms(world, 1000);
	assert_address(world, "IPv4", "10.0.0.1");
	assert_address(world, "IPv6", "fd00::1");
	fake_patch(world->fake, SERVICES "/web", "{'spec':{'ipFamilies':['IPv6']}}");
	world_run_ms(world, 1000);
	assert_null(slice_of(world, "IPv4"));
	assert_address(world, "IPv6", "fd00::1");
}

static void traffic_stays_near(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *slice = NULL;

	put_service(world, ",'trafficDistribution':'PreferClose'");
	put_pod(world, "{'ip':'10.0.0.1'}", "True");
	world_run_ms(world, 1000);
	slice = slice_of(world, "IPv4");
	assert_string_equal(kt_jstr(slice, "endpoints.0.hints.forZones.0.name"), "z1");
	assert_null(kt_jget(slice, "endpoints.0.hints.forNodes"));
	json_decref(slice);
	fake_patch(
	        world->fake, SERVICES "/web", "{'spec':{'trafficDistribution':'PreferSameNode'}}");
	world_run_ms(world, 1000);
	slice = slice_of(world, "IPv4");
	assert_string_equal(kt_jstr(slice, "endpoints.0.hints.forZones.0.name"), "z1");
	assert_string_equal(kt_jstr(slice, "endpoints.0.hints.forNodes.0.name"), "n");
	json_decref(slice);
	fake_patch(world->fake, SERVICES "/web", "{'spec':{'trafficDistribution':null}}");
	world_run_ms(world, 1000);
	slice = slice_of(world, "IPv4");
	assert_null(kt_jget(slice, "endpoints.0.hints"));
}

/* To publish an address is not to say that the pod serves. */
static void what_is_published_need_not_serve(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *slice = NULL;

	put_service(world, ",'publishNotReadyAddresses':true,'trafficDistribution':'PreferClose'");
	put_pod(world, "{'ip':'10.0.0.1'}", "False");
	world_run_ms(world, 1000);
	slice = slice_of(world, "IPv4");
	assert_true(kt_jbool(slice, "endpoints.0.conditions.ready", false));
	assert_false(kt_jbool(slice, "endpoints.0.conditions.serving", true));
	assert_false(kt_jbool(slice, "endpoints.0.conditions.terminating", true));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, controllers_setup, world_teardown)
	const struct CMUnitTest tests[] = {
	        T(each_family_has_its_slices),
	        T(traffic_stays_near),
	        T(what_is_published_need_not_serve),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
