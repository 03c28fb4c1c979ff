/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The generated tables and the look-ups on them. */
#include "support/support.h"

#include "api/machinery/names.h"
#include "api/schema/schema.h"
#include "api/schema/tables.h"
#include "base/path.h"

#include <stdio.h>
#include <sys/wait.h>

static void kinds_are_found(void **state)
{
	const struct kt_kind *deployment = kt_builtin_resource("apps", "v1", "deployments");
	char text[64];

	(void)state;
	assert_non_null(deployment);
	assert_ptr_equal(deployment, kt_builtin_kind("apps", "v1", "Deployment"));
	assert_string_equal(deployment->short_names[0], "deploy");
	assert_string_equal(deployment->storage_prefix, "/registry/deployments");
	assert_true(deployment->flags & KT_KIND_NAMESPACED);
	assert_true(deployment->flags & KT_KIND_HAS_STATUS);
	assert_true(deployment->verbs & KT_VERB_DELETECOLLECTION);
	assert_string_equal(kt_kind_subresource(deployment, "scale")->group, "autoscaling");
	assert_null(kt_kind_subresource(deployment, "nothing"));
	kt_kind_api_version(deployment, text, sizeof(text));
	assert_string_equal(text, "apps/v1");
	kt_kind_api_version(kt_builtin_kind("", "v1", "Pod"), text, sizeof(text));
	assert_string_equal(text, "v1");
	assert_null(kt_builtin_resource("apps", "v2", "deployments"));
	assert_null(kt_builtin_kind("", "v1", "Deployment"));
	assert_string_equal(kt_builtin_resource("", "v1", "services")->storage_prefix,
	        "/registry/services/specs");
	assert_string_equal(
	        kt_builtin_resource("", "v1", "nodes")->storage_prefix, "/registry/minions");
}

static void bodies_have_types(void **state)
{
	(void)state;
	assert_string_equal(
	        kt_type_for_body("", "v1", "PodList")->name, "io.k8s.api.core.v1.PodList");
	assert_string_equal(kt_type_for_body("autoscaling", "v1", "Scale")->name,
	        "io.k8s.api.autoscaling.v1.Scale");
	assert_string_equal(kt_type_for_body("", "v1", "DeleteOptions")->go_name, "DeleteOptions");
	assert_string_equal(
	        kt_type_for_body("policy", "v1", "DeleteOptions")->go_name, "DeleteOptions");
	assert_null(kt_type_for_body("", "v1", "Nothing"));
	assert_non_null(kt_type_lookup("io.k8s.api.core.v1.Container"));
	assert_null(kt_type_lookup("io.k8s.api.core.v1.Nothing"));
}

static void fields_are_found(void **state)
{
	const struct kt_type *pod = kt_builtin_kind("", "v1", "Pod")->type;
	const struct kt_field *image = kt_type_field_path(pod, "spec.containers.image");

	(void)state;
	assert_string_equal(image->name, "image");
	assert_int_equal(image->number, 2);
	/* through an embedded struct, which has no name of its own */
	assert_string_equal(
	        kt_type_field_path(pod, "spec.volumes.emptyDir.medium")->name, "medium");
	assert_null(kt_type_field_path(pod, "spec.volumes.volumeSource"));
	assert_string_equal(kt_type_field_path(pod, "metadata.labels")->name, "labels");
	assert_null(kt_type_field_path(pod, "spec.nothing"));
	assert_null(kt_type_field_path(pod, "spec.hostname.x"));
	assert_string_equal(kt_type_field_number(pod, 2)->name, "spec");
	assert_null(kt_type_field_number(pod, 0));
	assert_string_equal(kt_type_field_path(pod, "spec.containers")->merge_key, "name");
	assert_int_equal(kt_type_field_path(pod, "spec.containers.ports")->list_type, KT_LIST_MAP);
	assert_string_equal(
	        kt_type_field_path(pod, "spec.containers.ports")->map_keys[1], "protocol");
	assert_string_equal(
	        kt_type_field_path(pod, "spec.restartPolicy")->default_json, "\"Always\"");
	assert_true(kt_type_field_path(pod, "spec.nodeSelector")->flags & KT_FIELD_ATOMIC);
}

static void check_type(const struct kt_type *type)
{
	assert_non_null(type->doc);
	for (size_t i = 0; i < type->n_fields; i++) {
		const struct kt_field *field = &type->fields[i];

		assert_true(
		        type->by_name[i] < type->n_fields && type->by_number[i] < type->n_fields);
		assert_non_null(field->type);
		assert_non_null(field->doc);
		if (i)
			assert_true(strcmp(type->fields[type->by_name[i - 1]].name,
			                    type->fields[type->by_name[i]].name) < 0);
		if (i)
			assert_true(type->fields[type->by_number[i - 1]].number <=
			            type->fields[type->by_number[i]].number);
		if (field->list_type == KT_LIST_MAP)
			assert_non_null(field->map_keys);
		for (const char *const *key = field->map_keys; key && *key; key++)
			assert_non_null(kt_type_field(field->type->elem, kt_sv_of(*key)));
		if (field->default_json) {
			kt_auto_json json_t *value =
			        kt_json_parse(kt_sv_of(field->default_json), NULL, NULL);

			assert_non_null(value);
		}
	}
}

static void tables_hold_together(void **state)
{
	(void)state;
	for (size_t i = 0; i < kt_table_types_n; i++) {
		if (i)
			assert_true(
			        strcmp(kt_table_types[i - 1]->name, kt_table_types[i]->name) < 0);
		check_type(kt_table_types[i]);
	}
	for (size_t i = 0; i < kt_builtin_kinds.n_kinds; i++) {
		const struct kt_kind *kind = &kt_builtin_kinds.kinds[i];

		assert_int_equal(kind->index, i);
		assert_ptr_equal(kind->set, &kt_builtin_kinds);
		assert_non_null(kt_format_find(kind->name_format));
		for (size_t c = 0; c < kind->n_columns; c++)
			assert_true(!kind->columns[c].path != !kind->columns[c].cell);
		if (kind->verbs & KT_VERB_LIST)
			assert_non_null(
			        kt_type_for_body(kind->group, kind->version, kind->list_kind));
		if (!*kind->doc)
			fail_msg("%s has no doc", kind->kind);
	}
}

/* A mistake in a YAML file must name the place. */
static void expect_compiler_error(const char *yaml, const char *want)
{
	char *folder = kt_test_make_dir();
	kt_auto_free char *file = kt_path_join(folder, "bad.yaml");
	kt_auto_free char *command = kt_asprintf(
	        "python3 tools/compile_kinds.py --output %s/out.c %s 2>&1", folder, folder);
	char text[512] = "";
	FILE *pipe;

	assert_int_equal(kt_write_file(file, kt_sv_of(yaml), 0600, NULL), 0);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	if (!fgets(text, sizeof(text), pipe))
		text[0] = '\0';
	assert_int_not_equal(pclose(pipe), 0);
	if (!strstr(text, want))
		fail_msg("got %s want %s", text, want);
	kt_test_remove_dir(folder);
}

#define HEAD "group: g\nrank: 1\npackages: {g.v1: io.g.v1}\n"

static void mistakes_name_their_line(void **state)
{
	(void)state;
	expect_compiler_error(HEAD
	        "types:\n  g.v1.A:\n    fields:\n      x: {number: 1, type: strin}\n",
	        "bad.yaml:7: unknown type 'strin'");
	expect_compiler_error(HEAD
	        "types:\n  g.v1.A:\n    fields:\n      x: {number: 1, type: string, colour: red}\n",
	        "bad.yaml:7: unknown key 'colour'");
	expect_compiler_error(HEAD "types:\n  g.v1.A:\n    fields:\n      x: {number: 1, type: "
	                           "string}\n      y: {number: 1, type: string}\n",
	        "bad.yaml:5: a protobuf number is used twice");
	expect_compiler_error(HEAD "types:\n  g.v1.A:\n    fields: {\n", "bad.yaml:");
	expect_compiler_error(HEAD
	        "types:\n  g.v1.A:\n    fields:\n      x: {number: 1, type: string, set: [odd]}\n",
	        "bad.yaml:7: unknown flag 'odd'");
}

/* Importing again changes nothing: what is checked in is what the published schemas and the hands
 * say. */
static void tables_are_up_to_date(void **state)
{
	KT_TEST_NEEDS_SHARED(reference, "reference");
	char *folder = kt_test_make_dir();
	/* what the files say counts, not how a hand wrapped or ordered it */
	kt_auto_free char *command =
	        kt_asprintf("cp src/api/kinds/*.yaml %s && "
	                    "python3 tools/import_kinds.py --reference %s --kinds %s && "
	                    "python3 -c 'import glob, os, sys, yaml\n"
	                    "for f in glob.glob(\"src/api/kinds/*.yaml\"):\n"
	                    "    a, b = (yaml.load(open(p), Loader=yaml.CSafeLoader) for p in\n"
	                    "            (f, os.path.join(sys.argv[1], os.path.basename(f))))\n"
	                    "    if a != b: sys.exit(f + \" is not what the schemas say\")' %s",
	                folder, reference, folder, folder);

	(void)state;
	assert_int_equal(system(command), 0);
	kt_test_remove_dir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(kinds_are_found),
	        cmocka_unit_test(bodies_have_types),
	        cmocka_unit_test(fields_are_found),
	        cmocka_unit_test(tables_hold_together),
	        cmocka_unit_test(mistakes_name_their_line),
	        cmocka_unit_test(tables_are_up_to_date),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
