/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Decoding and encoding: null rules, zero values, strictness, YAML, protobuf oddities, watch
 * frames. */
#include "support/support.h"

#include "api/codec/codec.h"
#include "api/codec/wire.h"
#include "api/machinery/quantity.h"

static const struct kt_type *type_of(const char *group, const char *kind)
{
	return kt_type_for_body(group, "v1", kind);
}

static json_t *decode(const char *group, const char *kind, const char *body, enum kt_strict strict,
        struct kt_warnings *warnings, struct kt_err *err)
{
	kt_auto_free char *api_version = kt_asprintf("%s%sv1", group, *group ? "/" : "");
	const struct kt_codec_options options = {
	        .media = *body == '{' ? KT_MEDIA_JSON : KT_MEDIA_YAML,
	        .strict = strict,
	        .api_version = api_version,
	        .kind = kind};
	json_t *tree = NULL;

	kt_codec_decode(kt_sv_of(body), type_of(group, kind), &options, &tree, warnings, err);
	return tree;
}

static void expect(const char *group, const char *kind, const char *body, const char *want)
{
	kt_auto_err err = KT_ERR_INIT;
	kt_auto_json json_t *tree = decode(group, kind, body, KT_STRICT_STRICT, NULL, &err);
	kt_auto_str out = KT_STR_INIT;

	if (!tree)
		fail_msg("%s", kt_err_message(&err));
	kt_codec_encode_json(&out, type_of(group, kind), tree);
	assert_string_equal(kt_str_text(&out), want);
}

/* Client-go's zero time with something added, and a token that never ends. */
static void times_of_all_years(void **state)
{
	static const char text[] =
	        "{\"kind\":\"Lease\",\"apiVersion\":\"coordination.k8s.io/"
	        "v1\",\"metadata\":{\"creationTimestamp\":\"9999-12-31T23:59:59Z\"},"
	        "\"spec\":{\"acquireTime\":\"0001-01-01T00:00:02.000000Z\","
	        "\"renewTime\":\"2400-01-01T00:00:00.000005Z\"}}";
	const struct kt_type *type = type_of("coordination.k8s.io", "Lease");
	const struct kt_codec_options options = {.media = KT_MEDIA_PROTOBUF};
	kt_auto_json json_t *tree = NULL, *back = NULL;
	kt_auto_str wire = KT_STR_INIT, out = KT_STR_INIT;

	(void)state;
	expect("coordination.k8s.io", "Lease", text, text);
	tree = kt_json_parse(kt_sv_of(text), NULL, NULL);
	assert_int_equal(kt_codec_encode_protobuf(&wire, type, tree, NULL), 0);
	assert_int_equal(kt_codec_decode((struct kt_sv){wire.data, wire.len}, type, &options, &back,
	                         NULL, NULL),
	        0);
	kt_codec_encode_json(&out, type, back);
	assert_string_equal(kt_str_text(&out), text);
}

static void nulls_and_zeros(void **state)
{
	(void)state;
	expect("", "ConfigMap",
	        "{\"metadata\":{\"name\":\"a\",\"labels\":null},\"immutable\":false,\"data\":{"
	        "\"k\":null,\"a\":\"\"}}",
	        "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"a\"},"
	        "\"immutable\":false,\"data\":{\"a\":\"\",\"k\":\"\"}}");
	expect("", "Service",
	        "{\"spec\":{\"ports\":[null],\"externalIPs\":[null],\"publishNotReadyAddresses\":"
	        "false}}",
	        "{\"kind\":\"Service\",\"apiVersion\":\"v1\",\"metadata\":{},\"spec\":{\"ports\":[{"
	        "\"port\":0,\"targetPort\":0}],"
	        "\"externalIPs\":[\"\"]},\"status\":{\"loadBalancer\":{}}}");
	expect("rbac.authorization.k8s.io", "Role", "{\"metadata\":{}}",
	        "{\"kind\":\"Role\",\"apiVersion\":\"rbac.authorization.k8s.io/"
	        "v1\",\"metadata\":{},\"rules\":null}");
}

static void values_become_canonical(void **state)
{
	(void)state;
	expect("", "LimitRange",
	        "{\"spec\":{\"limits\":[{\"type\":\"Pod\",\"max\":{\"cpu\":1000,\"memory\":"
	        "\"1024Mi\",\"x\":\"0.5\"}}]}}",
	        "{\"kind\":\"LimitRange\",\"apiVersion\":\"v1\",\"metadata\":{},\"spec\":{"
	        "\"limits\":[{\"type\":\"Pod\","
	        "\"max\":{\"cpu\":\"1k\",\"memory\":\"1Gi\",\"x\":\"500m\"}}]}}");
	expect("coordination.k8s.io", "Lease",
	        "{\"spec\":{\"renewTime\":\"2024-01-02T03:04:05.000006+01:00\"}}",
	        "{\"kind\":\"Lease\",\"apiVersion\":\"coordination.k8s.io/"
	        "v1\",\"metadata\":{},\"spec\":{\"renewTime\":\"2024-01-02T02:04:05.000006Z\"}}");
	expect("", "Secret", "{\"data\":{\"a\":\"YWI=\\n\"}}",
	        "{\"kind\":\"Secret\",\"apiVersion\":\"v1\",\"metadata\":{},\"data\":{\"a\":\"YWI="
	        "\"}}");
	expect("", "ConfigMap", "{\"data\":{\"k\":\"<&>\"}}",
	        "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{},\"data\":{\"k\":"
	        "\"\\u003c\\u0026\\u003e\"}}");
}

static void bad_utf8_is_replaced(void **state)
{
	(void)state;
	expect("", "ConfigMap", "{\"data\":{\"k\":\"a\xff\xc3z\"}}",
	        "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{},"
	        "\"data\":{\"k\":\"a\xef\xbf\xbd\xef\xbf\xbdz\"}}");
}

static void strictness(void **state)
{
	static const char body[] = "{\"metadata\":{\"name\":\"a\",\"unknown\":1},\"data\":{\"k\":"
	                           "\"a\",\"k\":\"b\"},\"top\":{}}";
	static const char yaml[] = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  foo: 1\ndata:\n  "
	                           "k: a\n  k: b\nextra: true\n";
	kt_auto_warnings warnings = {0};
	kt_auto_err err = KT_ERR_INIT, yaml_err = KT_ERR_INIT;
	kt_auto_json json_t *tree = decode("", "ConfigMap", body, KT_STRICT_WARN, &warnings, NULL);

	(void)state;
	assert_non_null(tree);
	assert_null(json_object_get(tree, "top"));
	assert_int_equal(warnings.texts.n, 3);
	assert_string_equal(warnings.texts.items[0], "unknown field \"metadata.unknown\"");
	assert_string_equal(warnings.texts.items[1], "duplicate field \"data.k\"");
	assert_null(decode("", "ConfigMap", body, KT_STRICT_STRICT, NULL, &err));
	assert_string_equal(kt_err_message(&err),
	        "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding "
	        "error: unknown field "
	        "\"metadata.unknown\", duplicate field \"data.k\", unknown field \"top\"");
	assert_null(decode("", "ConfigMap", yaml, KT_STRICT_STRICT, NULL, &yaml_err));
	assert_string_equal(kt_err_message(&yaml_err),
	        "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding "
	        "error: yaml: unmarshal errors:\n"
	        "  line 7: key \"k\" already set in map, unknown field \"extra\", unknown field "
	        "\"metadata.foo\"");
}

static void expect_refusal(const char *body, const char *want)
{
	kt_auto_err err = KT_ERR_INIT;

	assert_null(decode("", "ConfigMap", body, KT_STRICT_IGNORE, NULL, &err));
	assert_string_equal(kt_err_message(&err), want);
}

static void other_kinds_are_refused(void **state)
{
	(void)state;
	expect_refusal("{\"apiVersion\":\"v1\",\"kind\":\"Secret\"}",
	        "Secret in version \"v1\" cannot be handled as a ConfigMap: converting (v1.Secret) "
	        "to (core.ConfigMap): unknown conversion");
	expect_refusal("{\"apiVersion\":\"example.com/v1\",\"kind\":\"Thing\"}",
	        "Thing in version \"v1\" cannot be handled as a ConfigMap: no kind \"Thing\" is "
	        "registered for version "
	        "\"example.com/v1\" in scheme \"pkg/runtime/scheme.go:111\"");
	expect_refusal("{\"apiVersion\": \"a/b/c\", \"kind\": \"ConfigMap\"}",
	        "the object provided is unrecognized (must be of type ConfigMap): unexpected "
	        "GroupVersion string: a/b/c "
	        "({\"apiVersion\": \"a/b/c\", \"kind\" ...)");
}

static void media_types(void **state)
{
	(void)state;
	assert_int_equal(kt_media_parse("application/json; charset=utf-8"), KT_MEDIA_JSON);
	assert_int_equal(kt_media_parse("APPLICATION/YAML"), KT_MEDIA_YAML);
	assert_int_equal(kt_media_parse("application/vnd.kubernetes.protobuf;stream=watch"),
	        KT_MEDIA_PROTOBUF);
	assert_int_equal(kt_media_parse(NULL), KT_MEDIA_JSON);
	assert_int_equal(kt_media_parse("*/*"), KT_MEDIA_UNKNOWN);
}

static void protobuf_is_not_trusted(void **state)
{
	static const char *const bad[] = {
	        "", "k8s", "{}", "k8s\0\x12\x05", "k8s\0\x12\x02\x0a\x7f", "k8s\0\x12\x02\x08\x01"};
	static const size_t lengths[] = {0, 3, 2, 6, 8, 8};
	const struct kt_codec_options options = {
	        .media = KT_MEDIA_PROTOBUF, .api_version = "v1", .kind = "ConfigMap"};

	(void)state;
	for (size_t i = 0; i < KT_ARRAY_SIZE(bad); i++) {
		kt_auto_err err = KT_ERR_INIT;
		json_t *tree = NULL;

		assert_true(kt_codec_decode((struct kt_sv){bad[i], lengths[i]},
		                    type_of("", "ConfigMap"), &options, &tree, NULL, &err) < 0);
		assert_true(kt_starts_with(
		        kt_err_message(&err), "the object provided is unrecognized"));
	}
}

static void protobuf_keeps_what_json_has(void **state)
{
	static const char body[] = "{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":"
	                           "\"p\"},\"spec\":{\"volumes\":[{\"name\":\"v\","
	                           "\"emptyDir\":{}}],\"containers\":[{\"name\":\"c\","
	                           "\"resources\":{\"limits\":{\"cpu\":\"1\"}},"
	                           "\"readinessProbe\":{\"httpGet\":{\"port\":\"web\"}}}],"
	                           "\"terminationGracePeriodSeconds\":0},\"status\":{}}";
	kt_auto_json json_t *tree = decode("", "Pod", body, KT_STRICT_STRICT, NULL, NULL),
	                    *again = NULL;
	kt_auto_str bytes = KT_STR_INIT, out = KT_STR_INIT;

	(void)state;
	assert_int_equal(kt_codec_encode_protobuf(&bytes, type_of("", "Pod"), tree, NULL), 0);
	assert_int_equal(kt_protobuf_decode((struct kt_sv){bytes.data, bytes.len},
	                         type_of("", "Pod"), &again, NULL),
	        0);
	kt_codec_encode_json(&out, type_of("", "Pod"), again);
	assert_string_equal(kt_str_text(&out), body);
}

static void watch_frames(void **state)
{
	kt_auto_json json_t *tree = decode(
	        "", "ConfigMap", "{\"metadata\":{\"name\":\"a\"}}", KT_STRICT_STRICT, NULL, NULL);
	kt_auto_str frame = KT_STR_INIT;
	struct wire_field field;
	struct wire_envelope envelope;
	struct kt_sv rest;

	(void)state;
	assert_int_equal(kt_codec_encode_protobuf_watch(
	                         &frame, "ADDED", type_of("", "ConfigMap"), tree, NULL),
	        0);
	assert_int_equal((unsigned char)frame.data[3], frame.len - 4);
	rest = (struct kt_sv){frame.data + 4, frame.len - 4};
	assert_int_equal(wire_next(&rest, &field), 1);
	assert_true(kt_sv_is(field.bytes, "ADDED"));
	assert_int_equal(wire_next(&rest, &field), 1);
	rest = field.bytes; /* RawExtension */
	assert_int_equal(wire_next(&rest, &field), 1);
	assert_int_equal(wire_open(field.bytes, &envelope, NULL), 0);
	assert_true(kt_sv_is(envelope.kind, "ConfigMap"));
}

static void expect_quantity(const char *text, const char *canonical, int64_t value, int64_t milli)
{
	struct kt_quantity q;
	char out[KT_QUANTITY_TEXT_MAX];

	assert_int_equal(kt_quantity_parse(kt_sv_of(text), &q, NULL), 0);
	kt_quantity_format(q, out);
	assert_string_equal(out, canonical);
	assert_int_equal(kt_quantity_value(q), value);
	assert_int_equal(kt_quantity_milli(q), milli);
}

static void quantities(void **state)
{
	static const char *const bad[] = {
	        "", "abc", "1.5.5", "1x", "1Kii", "--1", "1e", "m", "1 2"};

	(void)state;
	expect_quantity("0", "0", 0, 0);
	expect_quantity("1000m", "1", 1, 1000);
	expect_quantity("1500m", "1500m", 2, 1500);
	expect_quantity("0.1", "100m", 1, 100);
	expect_quantity("1.5Gi", "1536Mi", 1610612736, 1610612736000);
	expect_quantity("0.5Ki", "512", 512, 512000);
	expect_quantity("0.1Ki", "102400m", 103, 102400);
	expect_quantity("1024Ki", "1Mi", 1048576, 1048576000);
	expect_quantity("1025", "1025", 1025, 1025000);
	expect_quantity("12e2", "1200", 1200, 1200000);
	expect_quantity("1e3", "1e3", 1000, 1000000);
	expect_quantity("1E", "1E", 1000000000000000000, INT64_MAX);
	expect_quantity("-2Gi", "-2Gi", -2147483648, -2147483648000);
	expect_quantity("0.0000000001", "1n", 1, 1);
	expect_quantity("+5", "5", 5, 5000);
	for (size_t i = 0; i < KT_ARRAY_SIZE(bad); i++) {
		struct kt_quantity q;

		if (kt_quantity_parse(kt_sv_of(bad[i]), &q, NULL) == 0)
			fail_msg("'%s' was taken", bad[i]);
	}
	assert_int_equal(kt_quantity_text_milli("250m"), 250);
	assert_int_equal(kt_quantity_text_value(NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(nulls_and_zeros),
	        cmocka_unit_test(times_of_all_years),
	        cmocka_unit_test(values_become_canonical),
	        cmocka_unit_test(strictness),
	        cmocka_unit_test(bad_utf8_is_replaced),
	        cmocka_unit_test(other_kinds_are_refused),
	        cmocka_unit_test(media_types),
	        cmocka_unit_test(protobuf_is_not_trusted),
	        cmocka_unit_test(protobuf_keeps_what_json_has),
	        cmocka_unit_test(watch_frames),
	        cmocka_unit_test(quantities),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
