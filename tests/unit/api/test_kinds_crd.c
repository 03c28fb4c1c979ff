/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A definition becomes kinds: names, order of versions, types, pruning, columns, sub-resources. */
#include "support/support.h"

#include "api/codec/codec.h"
#include "api/schema/crd.h"

static const char definition[] =
        "{\"metadata\":{\"name\":\"things.sub.example.com\"},\"spec\":{\"group\":\"sub.example."
        "com\",\"scope\":\"Namespaced\","
        "\"names\":{\"plural\":\"things\",\"kind\":\"Thing\",\"shortNames\":[\"th\"],"
        "\"categories\":[\"all\"]},\"versions\":["
        "{\"name\":\"v1beta1\",\"served\":true,\"storage\":false,\"deprecated\":true,\"schema\":{"
        "\"openAPIV3Schema\":"
        "{\"type\":\"object\",\"x-kubernetes-preserve-unknown-fields\":true}}},"
        "{\"name\":\"v0\",\"served\":false,\"storage\":false},"
        "{\"name\":\"v1\",\"served\":true,\"storage\":true,\"subresources\":{\"status\":{},"
        "\"scale\":{\"specReplicasPath\":\".spec.n\","
        "\"statusReplicasPath\":\".status.n\"}},\"additionalPrinterColumns\":[{\"name\":\"N\","
        "\"type\":\"integer\",\"jsonPath\":\".spec.n\"}],"
        "\"selectableFields\":[{\"jsonPath\":\".spec.color\"}],\"schema\":{\"openAPIV3Schema\":{"
        "\"type\":\"object\",\"required\":[\"spec\"],"
        "\"properties\":{\"spec\":{\"type\":\"object\",\"properties\":{"
        "\"n\":{\"type\":\"integer\",\"minimum\":1,\"default\":3},\"color\":{\"type\":\"string\","
        "\"enum\":[\"red\"],\"nullable\":true},"
        "\"port\":{\"x-kubernetes-int-or-string\":true},\"free\":{\"type\":\"object\",\"x-"
        "kubernetes-preserve-unknown-fields\":true,"
        "\"properties\":{\"known\":{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}"
        "}}}},"
        "\"table\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"object\","
        "\"properties\":{\"x\":{\"type\":\"string\"}}}},"
        "\"pod\":{\"type\":\"object\",\"x-kubernetes-embedded-resource\":true,\"properties\":{"
        "\"spec\":{\"type\":\"object\"}}},"
        "\"ports\":{\"type\":\"array\",\"x-kubernetes-list-type\":\"map\",\"x-kubernetes-list-map-"
        "keys\":[\"port\"],\"items\":"
        "{\"type\":\"object\",\"required\":[\"port\"],\"properties\":{\"port\":{\"type\":"
        "\"integer\"}}}}}},"
        "\"status\":{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\"}}}}}}}]}}";

static struct kt_crd *compile(void)
{
	kt_auto_json json_t *tree = kt_json_parse(kt_sv_of(definition), NULL, NULL);

	assert_non_null(tree);
	return kt_crd_compile(tree);
}

static void names_and_versions(void **state)
{
	kt_auto_crd struct kt_crd *crd = compile();
	const struct kt_kind *v1 = &crd->set.kinds[0];

	(void)state;
	assert_int_equal(crd->set.n_kinds, 2); /* v0 is not served */
	assert_string_equal(v1->version, "v1");
	assert_string_equal(crd->set.kinds[1].version, "v1beta1");
	assert_string_equal(v1->list_kind, "ThingList");
	assert_string_equal(v1->singular, "thing");
	assert_string_equal(v1->short_names[0], "th");
	assert_null(v1->short_names[1]);
	assert_string_equal(v1->type->name, "com.example.sub.v1.Thing");
	assert_string_equal(v1->storage_prefix, "/registry/sub.example.com/things");
	assert_string_equal(crd->set.kinds[1].storage_version, "v1");
	assert_ptr_equal(kt_crd_of_kind(v1), crd);
	assert_null(crd->versions[0].deprecation_warning);
	assert_string_equal(crd->versions[1].deprecation_warning,
	        "sub.example.com/v1beta1 Thing is deprecated; use sub.example.com/v1 Thing");
	assert_true(v1->flags & KT_KIND_HAS_STATUS);
	assert_false(crd->set.kinds[1].flags & KT_KIND_HAS_STATUS);
	assert_string_equal(kt_kind_subresource(v1, "scale")->replicas_path, ".spec.n");
	assert_int_equal(v1->n_columns, 2);
	assert_string_equal(v1->columns[1].path, ".spec.n");
	assert_string_equal(crd->set.kinds[1].columns[1].name, "Age");
	assert_string_equal(v1->selectable[2].field, "spec.color");
}

static void types_of_a_schema(void **state)
{
	kt_auto_crd struct kt_crd *crd = compile();
	const struct kt_type *type = crd->set.kinds[0].type;
	const struct kt_field *field = kt_type_field_path(type, "spec.n");

	(void)state;
	assert_int_equal(field->type->shape, KT_SHAPE_INT64);
	assert_string_equal(field->default_json, "3");
	assert_true(field->limits->has_minimum && field->limits->minimum == 1);
	assert_true(kt_type_field_path(type, "spec")->flags & KT_FIELD_REQUIRED);
	assert_true(kt_type_field_path(type, "spec.color")->flags & KT_FIELD_NULLABLE);
	assert_int_equal(
	        kt_type_field_path(type, "spec.port")->type->shape, KT_SHAPE_INT_OR_STRING);
	assert_int_equal(kt_type_field_path(type, "spec.ports")->list_type, KT_LIST_MAP);
	assert_string_equal(kt_type_field_path(type, "spec.ports")->map_keys[0], "port");
	assert_string_equal(kt_type_field_path(type, "metadata.labels")->name, "labels");
	assert_string_equal(kt_type_field_path(type, "spec.pod.metadata.name")->name, "name");
	assert_null(kt_type_field_path(type, "spec.nothing"));
}

static void unknown_fields_are_pruned(void **state)
{
	static const char body[] =
	        "{\"apiVersion\":\"sub.example.com/"
	        "v1\",\"kind\":\"Thing\",\"metadata\":{\"name\":\"x\",\"labels\":{}},"
	        "\"zap\":1,\"spec\":{\"n\":0,\"color\":null,\"bad\":[],\"free\":{\"any\":{\"x\":"
	        "null},\"known\":{\"a\":\"1\",\"b\":2}},"
	        "\"table\":{\"k\":{\"x\":\"\",\"y\":1}},\"ports\":[],\"pod\":{\"kind\":\"Pod\","
	        "\"spec\":{\"containers\":[]}}}}";
	static const char want[] =
	        "{\"apiVersion\":\"sub.example.com/"
	        "v1\",\"kind\":\"Thing\",\"metadata\":{\"name\":\"x\"},"
	        "\"spec\":{\"color\":null,\"free\":{\"any\":{\"x\":null},\"known\":{\"a\":\"1\"}},"
	        "\"n\":0,\"pod\":{\"kind\":\"Pod\",\"spec\":{}},"
	        "\"ports\":[],\"table\":{\"k\":{\"x\":\"\"}}}}";
	kt_auto_crd struct kt_crd *crd = compile();
	kt_auto_json json_t *tree = NULL;
	kt_auto_warnings warnings = {0};
	kt_auto_str out = KT_STR_INIT;
	kt_auto_err err = KT_ERR_INIT;
	const struct kt_codec_options options = {.media = KT_MEDIA_JSON,
	        .strict = KT_STRICT_WARN,
	        .api_version = "sub.example.com/v1",
	        .kind = "Thing"};

	(void)state;
	assert_int_equal(kt_codec_decode(kt_sv_of(body), crd->set.kinds[0].type, &options, &tree,
	                         &warnings, &err),
	        0);
	kt_codec_encode_json(&out, crd->set.kinds[0].type, tree);
	assert_string_equal(kt_str_text(&out), want);
	assert_int_equal(warnings.texts.n, 5);
	assert_string_equal(warnings.texts.items[0], "unknown field \"zap\"");
	assert_string_equal(warnings.texts.items[2], "unknown field \"spec.free.known.b\"");
	assert_false(kt_codec_has_protobuf(crd->set.kinds[0].type));
}

static void versions_are_ordered_as_discovery_does(void **state)
{
	static const char *const sorted[] = {"v10", "v2", "v1", "v11beta2", "v10beta3", "v3beta1",
	        "v12alpha1", "v11alpha2", "foo1", "foo10"};

	(void)state;
	for (size_t i = 0; i + 1 < KT_ARRAY_SIZE(sorted); i++) {
		assert_true(kt_version_compare(sorted[i], sorted[i + 1]) < 0);
		assert_true(kt_version_compare(sorted[i + 1], sorted[i]) > 0);
	}
	assert_int_equal(kt_version_compare("v1", "v1"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(names_and_versions),
	        cmocka_unit_test(types_of_a_schema),
	        cmocka_unit_test(unknown_fields_are_pruned),
	        cmocka_unit_test(versions_are_ordered_as_discovery_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
