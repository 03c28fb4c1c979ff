/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/support.h"

#include "tui/document_type.h"
#include "tui/hints.h"

static const char DEPLOYMENT[] = "apiVersion: apps/v1\n"
                                 "kind: Deployment\n"
                                 "metadata:\n"
                                 "  name: web\n"
                                 "spec:\n"
                                 "  replicas: 3\n"
                                 "  template:\n"
                                 "    spec:\n"
                                 "      containers:\n"
                                 "      - image: nginx\n"
                                 "        name: web\n"
                                 "        ports:\n"
                                 "        - containerPort: 80\n"
                                 "      dnsPolicy: ClusterFirst\n";

static const struct kt_type *deployment(void)
{
	const struct kt_kind *kind = kt_builtin_kind("apps", "v1", "Deployment");

	assert_non_null(kind);
	return kind->type;
}

static void assert_path(const char *at, const char *expected)
{
	kt_auto_free char *path =
	        kt_hints_path(DEPLOYMENT, (size_t)(strstr(DEPLOYMENT, at) - DEPLOYMENT));

	assert_string_equal(path, expected);
}

static void test_path(void **state)
{
	(void)state;
	assert_path("replicas", "spec.replicas");
	assert_path("nginx", "spec.template.spec.containers.image");
	assert_path("80", "spec.template.spec.containers.ports.containerPort");
	assert_path("ClusterFirst", "spec.template.spec.dnsPolicy");
	assert_path("kind", "kind");
}

static bool offers(const char *before, const char *typed, const char *expected)
{
	size_t at = (size_t)(strstr(DEPLOYMENT, before) - DEPLOYMENT);
	kt_auto_str text = KT_STR_INIT;
	struct kt_hints hints;
	bool found = false;

	kt_str_add(&text, DEPLOYMENT, at);
	kt_str_puts(&text, typed);
	size_t cursor = text.len;

	kt_str_printf(&text, "\n%s", DEPLOYMENT + at);
	kt_hints_at(deployment(), kt_str_text(&text), cursor, &hints);
	for (size_t i = 0; i < hints.n; i++)
		found = found || !strcmp(hints.items[i].text, expected);
	kt_hints_finish(&hints);
	return found;
}

static void test_hints(void **state)
{
	(void)state;
	assert_true(offers("  template:", "  pau", "paused: "));
	assert_true(offers("        ports:", "        im", "imagePullPolicy: "));
	assert_true(offers("        ports:", "        res", "resources:"));
	assert_true(offers("        ports:", "        imagePullPolicy: If", "IfNotPresent"));
	assert_true(offers("        ports:", "        tty: ", "true"));
	assert_false(offers("        ports:", "        res", "replicas: "));
	assert_true(offers("      dnsPolicy", "        - host", "hostPort: "));
	/* what is there is not offered again; another item may have it */
	assert_false(offers("  template:", "  rep", "replicas: "));
	assert_false(offers("  replicas:", "  templ", "template:"));
	assert_false(offers("        ports:", "        ima", "image: "));
	assert_true(offers("      dnsPolicy", "      - ima", "image: "));
	assert_false(offers("      - image", "      dnsP", "dnsPolicy: "));
}

struct faults {
	size_t n, line;
	char text[512];
};

static void on_fault(void *arg, size_t line, bool error, const char *text)
{
	struct faults *faults = arg;

	(void)error;
	if (!faults->n++) {
		faults->line = line;
		snprintf(faults->text, sizeof(faults->text), "%s", text);
	}
}

static struct faults check(const char *from, const char *to)
{
	const char *at = strstr(DEPLOYMENT, from);
	struct faults faults = {0};
	kt_auto_str text = KT_STR_INIT;

	kt_str_add(&text, DEPLOYMENT, (size_t)(at - DEPLOYMENT));
	kt_str_puts(&text, to);
	kt_str_puts(&text, at + strlen(from));
	kt_hints_check(deployment(), kt_str_text(&text), on_fault, &faults);
	return faults;
}

static void test_checks(void **state)
{
	(void)state;
	assert_int_equal(check("web", "web").n, 0);
	struct faults faults = check("image: nginx", "imag: nginx");

	assert_int_equal(faults.n, 1);
	assert_int_equal(faults.line, 9);
	assert_non_null(
	        strstr(faults.text, "unknown field \"spec.template.spec.containers[0].imag\""));
	faults = check("replicas: 3", "replicas: three");
	assert_int_equal(faults.line, 5);
	assert_non_null(strstr(faults.text, "integer"));
	faults = check("replicas: 3", "replicas: [3");
	assert_int_equal(faults.n, 1);
	faults = check("  replicas: 3\n", "  replicas: 3\n  replicas: 4\n");
	assert_int_equal(faults.n, 1);
	assert_int_equal(faults.line, 6);
}

static void test_line_of_a_field(void **state)
{
	(void)state;
	assert_int_equal(kt_hints_line_of(DEPLOYMENT, "spec.template.spec.containers[0].name"), 10);
	assert_int_equal(
	        kt_hints_line_of(DEPLOYMENT, "spec.template.spec.containers[0].resources.limits"),
	        9);
	assert_int_equal(kt_hints_line_of(DEPLOYMENT, "nothing"), 0);
}

/* A document as a server gives it for the group of a custom resource. */
static const char DOCUMENT[] =
        "{\"components\":{\"schemas\":{"
        "\"com.example.v1.Boat\":{\"type\":\"object\",\"properties\":{"
        "\"metadata\":{\"allOf\":[{\"$ref\":\"#/components/schemas/Meta\"}]},"
        "\"spec\":{\"type\":\"object\",\"required\":[\"hull\"],\"properties\":{"
        "\"hull\":{\"type\":\"string\",\"enum\":[\"wood\",\"steel\"],\"description\":\"What "
        "it\\nis "
        "made of.\"},"
        "\"sails\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":9,\"default\":2},"
        "\"draft\":{\"$ref\":\"#/components/schemas/Quantity\"},"
        "\"tender\":{\"$ref\":\"#/components/schemas/com.example.v1.Boat\"},"
        "\"crew\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{"
        "\"name\":{\"type\":\"string\"}}}}}}},"
        "\"x-kubernetes-group-version-kind\":[{\"group\":\"example.com\",\"version\":\"v1\","
        "\"kind\":\"Boat\"}]},"
        "\"Meta\":{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"}}},"
        "\"Quantity\":{\"oneOf\":[{\"type\":\"string\"},{\"type\":\"number\"}]}}}}";

static const char BOAT[] = "apiVersion: example.com/v1\n"
                           "kind: Boat\n"
                           "metadata:\n"
                           "  name: ark\n"
                           "spec:\n";

struct told {
	struct kt_arena arena;
	json_t *schema;
	const struct kt_type *type;
};

static int tell_boat(void **state)
{
	struct told *told = kt_new(struct told);
	kt_auto_json json_t *document = kt_json_parse(kt_sv_of(DOCUMENT), NULL, NULL);

	kt_arena_init(&told->arena);
	told->type = kt_document_type(
	        &told->arena, document, "example.com", "v1", "Boat", &told->schema);
	*state = told;
	return told->type ? 0 : -1;
}

static int forget_boat(void **state)
{
	struct told *told = *state;

	kt_arena_finish(&told->arena);
	json_decref(told->schema);
	free(told);
	return 0;
}

static struct faults check_boat(const struct told *told, const char *spec)
{
	struct faults faults = {0};
	kt_auto_free char *text = kt_asprintf("%s%s", BOAT, spec);

	kt_hints_check(told->type, text, on_fault, &faults);
	return faults;
}

static void test_told_checks(void **state)
{
	assert_int_equal(check_boat(*state, "  hull: wood\n  draft: 2\n").n, 0);
	assert_int_equal(
	        check_boat(*state, "  hull: wood\n  tender: {spec: {hull: wood, tender: {x: 1}}}\n")
	                .n,
	        0);
	struct faults faults = check_boat(*state, "  hull: paper\n");

	assert_int_equal(faults.n, 1);
	assert_int_equal(faults.line, 5);
	assert_string_equal(faults.text, "\"paper\" is none of \"wood\", \"steel\"");
	faults = check_boat(*state, "  hull: wood\n  sails: 12\n");
	assert_int_equal(faults.line, 6);
	assert_string_equal(faults.text, "spec.sails: should be less than or equal to 9");
	faults = check_boat(*state, "  sails: 1\n");
	assert_int_equal(faults.line, 4);
	assert_string_equal(faults.text, "spec.hull: Required value");
	faults = check_boat(*state, "  hull: wood\n  crew:\n  - nam: noah\n");
	assert_string_equal(faults.text, "unknown field \"spec.crew[0].nam\"");
}

static void assert_boat_hint(const struct told *told, const char *typed, const char *expected)
{
	kt_auto_free char *text = kt_asprintf("%s%s", BOAT, typed);
	struct kt_hints hints;

	kt_hints_at(told->type, text, strlen(text), &hints);
	assert_true(hints.n > 0);
	assert_string_equal(hints.items[0].text, expected);
	kt_hints_finish(&hints);
}

static void test_told_hints(void **state)
{
	const struct told *told = *state;
	kt_auto_free char *text = kt_asprintf("%s  hull: wood", BOAT);

	assert_boat_hint(told, "  hu", "hull: ");
	assert_boat_hint(told, "  hull: s", "steel");
	assert_boat_hint(told, "  sails: ", "2");
	assert_boat_hint(told, "  crew:\n  - na", "name: ");
	assert_string_equal(
	        kt_hints_field(told->type, text, strlen(text))->doc, "What it is made of.");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_path),
	        cmocka_unit_test(test_hints), cmocka_unit_test(test_checks),
	        cmocka_unit_test(test_line_of_a_field),
	        cmocka_unit_test_setup_teardown(test_told_checks, tell_boat, forget_boat),
	        cmocka_unit_test_setup_teardown(test_told_hints, tell_boat, forget_boat)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
