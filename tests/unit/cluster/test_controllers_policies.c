/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is found odd about admission policies, on a virtual loop against a client without a server.
 */
#include "support/support.h"

#include "base/mem.h"
#include "base/str.h"
#include "controllers_world.h"

#define POLICIES "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
#define DEFINITIONS "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

static void put_policy(struct world *world, const char *rules, const char *validations)
{
	kt_auto_free char *text = kt_asprintf(
	        "{'apiVersion':'admissionregistration.k8s.io/v1',"
	        "'kind':'ValidatingAdmissionPolicy','metadata':{'name':'a'},'spec':{"
	        "'variables':[{'name':'count',"
	        "'expression':'object.spec.replicas'}],'matchConstraints':{'resourceRules':[%s]},"
	        "'validations':[%s]}}",
	        rules, validations);

	fake_put(world->fake, POLICIES, text);
	world_run_ms(world, 1000);
}

static json_t *status_of_policy(struct world *world)
{
	kt_auto_json json_t *policy = fake_get(world->fake, POLICIES "/a");

	return json_incref(json_object_get(policy, "status"));
}

static void assert_warning(const json_t *status, size_t i, const char *field, const char *text)
{
	const json_t *warning =
	        json_array_get(kt_jget(status, "typeChecking.expressionWarnings"), i);

	assert_non_null(warning);
	assert_string_equal(kt_jstr(warning, "fieldRef"), field);
	assert_string_equal(kt_jstr(warning, "warning"), text);
}

static void sound_expressions_have_no_warning(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *status = NULL;

	put_policy(world,
	        "{'apiGroups':['apps'],'apiVersions':['v1'],'resources':['deployments','*']}",
	        "{'expression':'object.spec.replicas > 1 && variables.count > 1'}");
	status = status_of_policy(world);
	assert_int_equal(kt_jint(status, "observedGeneration", 0), 1);
	assert_non_null(kt_jget(status, "typeChecking"));
	assert_null(kt_jget(status, "typeChecking.expressionWarnings"));
}

static void each_kind_an_expression_is_wrong_for_is_named(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *status = NULL;

	put_policy(world,
	        "{'apiGroups':['apps'],'apiVersions':['v1'],'resources':['deployments']},"
	        "{'apiGroups':['','apps'],'apiVersions':['v1'],'resources':['pods','deployments',"
	        "'pods/status','nothings']}",
	        "{'expression':'object.spec.replicas < 5'},"
	        "{'expression':'true','messageExpression':'object.name'}");
	status = status_of_policy(world);
	assert_int_equal(json_array_size(kt_jget(status, "typeChecking.expressionWarnings")), 2);
	assert_warning(status, 0, "spec.validations[0].expression",
	        "/v1, Kind=Pod: ERROR: <input>:1:12: undefined field 'replicas'\n"
	        " | object.spec.replicas < 5\n"
	        " | ...........^");
	assert_warning(status, 1, "spec.validations[1].messageExpression",
	        "apps/v1, Kind=Deployment: ERROR: <input>:1:7: undefined field 'name'\n"
	        " | object.name\n"
	        " | ......^\n"
	        "/v1, Kind=Pod: ERROR: <input>:1:7: undefined field 'name'\n"
	        " | object.name\n"
	        " | ......^");
}

static void a_new_generation_is_looked_at_again(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *status = NULL;

	put_policy(world, "{'apiGroups':['apps'],'apiVersions':['v1'],'resources':['deployments']}",
	        "{'expression':'object.replicas > 1'}");
	fake_patch(world->fake, POLICIES "/a", "{'spec':{'validations':[{'expression':'true'}]}}");
	world_run_ms(world, 1000);
	status = status_of_policy(world);
	assert_int_equal(kt_jint(status, "observedGeneration", 0), 2);
	assert_null(kt_jget(status, "typeChecking.expressionWarnings"));
}

/* Ten kinds are tried, the eleventh is not. */
static void so_many_kinds_are_enough(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *status = NULL;
	const char *text;
	size_t n = 1;

	put_policy(world,
	        "{'apiGroups':[''],'apiVersions':['v1'],'resources':['pods','services','secrets',"
	        "'configmaps','nodes','endpoints','events','namespaces','serviceaccounts',"
	        "'limitranges','resourcequotas']}",
	        "{'expression':'object.nothing'}");
	status = status_of_policy(world);
	text = kt_jstr(status, "typeChecking.expressionWarnings.0.warning");
	assert_non_null(text);
	for (const char *at = text; (at = strstr(at, "\n/v1, Kind=")); at++)
		n++;
	assert_int_equal(n, 10);
}

#define GADGET \
	"{'apiVersion':'apiextensions.k8s.io/v1','kind':'CustomResourceDefinition'," \
	"'metadata':{'name':'gadgets.example.com'}," \
	"'spec':{'group':'example.com','scope':'Namespaced','names':{'plural':'gadgets'," \
	"'singular':'gadget','kind':'Gadget','listKind':'GadgetList'}," \
	"'versions':[{'name':'v1','served':true,'storage':true,'schema':" \
	"{'openAPIV3Schema':{'type':'object','properties':{'size':{'type':'integer'}" \
	"}}}}]}}"

/* What changes elsewhere, or in its metadata, is no reason to look again. */
static void a_generation_is_looked_at_once(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *status = NULL;

	put_policy(world,
	        "{'apiGroups':['example.com'],'apiVersions':['v1'],'resources':['gadgets']}",
	        "{'expression':'object.colour > 1'}");
	fake_put(world->fake, DEFINITIONS, GADGET);
	world_run_ms(world, 1000);
	fake_patch(world->fake, POLICIES "/a", "{'metadata':{'labels':{'x':'y'}}}");
	world_run_ms(world, 1000);
	status = status_of_policy(world);
	assert_null(kt_jget(status, "typeChecking.expressionWarnings"));
}

static void custom_kinds_have_fields_as_well(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *status = NULL;

	fake_put(world->fake, DEFINITIONS, GADGET);
	world_run_ms(world, 1000);
	put_policy(world,
	        "{'apiGroups':['example.com'],'apiVersions':['v1'],'resources':['gadgets']}",
	        "{'expression':'object.size > 1'},{'expression':'object.colour > 1'}");
	status = status_of_policy(world);
	assert_int_equal(json_array_size(kt_jget(status, "typeChecking.expressionWarnings")), 1);
	assert_warning(status, 0, "spec.validations[1].expression",
	        "example.com/v1, Kind=Gadget: ERROR: <input>:1:7: undefined field 'colour'\n"
	        " | object.colour > 1\n"
	        " | ......^");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, controllers_setup, world_teardown)
	const struct CMUnitTest tests[] = {
	        T(sound_expressions_have_no_warning),
	        T(each_kind_an_expression_is_wrong_for_is_named),
	        T(a_new_generation_is_looked_at_again),
	        T(so_many_kinds_are_enough),
	        T(a_generation_is_looked_at_once),
	        T(custom_kinds_have_fields_as_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
