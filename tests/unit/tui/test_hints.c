/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/support.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_path),
	        cmocka_unit_test(test_hints), cmocka_unit_test(test_checks),
	        cmocka_unit_test(test_line_of_a_field)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
