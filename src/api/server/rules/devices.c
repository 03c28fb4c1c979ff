/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/rules/devices.h"

#include "api/machinery/names.h"
#include "api/server/rules/admission_match.h"
#include "api/server/rules/volumes.h"

#include <ctype.h>

#define EXPRESSION_MAX (10 * 1024)
#define NAME_MAX_LEN 32
#define POOL_NAME_MAX 253

void kt_check_device_list_size(struct kt_rule_context *c, const struct kt_at *list, size_t max)
{
	if (kt_at_n(list) > max)
		kt_add_too_many(c, list, max);
}

/* What selectors call `device`. */
static struct kt_cel_env device_env(void)
{
	static const struct kt_type text = {.shape = KT_SHAPE_STRING},
	                            truth = {.shape = KT_SHAPE_BOOL}, any = {.shape = KT_SHAPE_ANY};
	static const struct kt_type value = {.shape = KT_SHAPE_MAP, .elem = &any},
	                            domains = {.shape = KT_SHAPE_MAP, .elem = &value};
	static const struct kt_field fields[] = {
	        {.name = "allowMultipleAllocations", .type = &truth},
	        {.name = "attributes", .type = &domains},
	        {.name = "capacity", .type = &domains},
	        {.name = "driver", .type = &text},
	};
	static const uint16_t by_name[] = {0, 1, 2, 3};
	static const struct kt_type device = {
	        .shape = KT_SHAPE_OBJECT,
	        .fields = fields,
	        .n_fields = KT_ARRAY_SIZE(fields),
	        .by_name = by_name,
	        .by_number = by_name,
	};
	static const struct kt_cel_variable variables[] = {{.name = "device", .type = &device}};
	return (struct kt_cel_env){.variables = variables, .n_variables = KT_ARRAY_SIZE(variables)};
}

static void check_expression(struct kt_rule_context *c, const struct kt_at *at)
{
	kt_auto_err err = KT_ERR_INIT;
	kt_auto_cel struct kt_cel *cel = NULL;
	struct kt_cel_env env = device_env();
	if (strlen(kt_at_text(at)) > EXPRESSION_MAX) {
		kt_add_too_long(c, at, EXPRESSION_MAX);
		return;
	}
	if (kt_cel_compile(kt_at_text(at), &env, &cel, &err) < 0) {
		kt_add_invalid(c, at, "compilation failed: %s", err.message);
		return;
	}
	const char *type = kt_cel_type(cel);
	if (strcmp(type, "bool") != 0 && strcmp(type, "dyn") != 0)
		kt_add_invalid(c, at, "must evaluate to bool or the unknown type, not %s", type);
}

void kt_check_device_selectors(struct kt_rule_context *c, const struct kt_at *selectors)
{
	kt_check_device_list_size(c, selectors, KT_DEVICE_LIST_MAX);
	KT_EACH(selector, selectors) {
		struct kt_at cel = kt_at(&selector, "cel"), expression = kt_at(&cel, "expression");
		if (!cel.value)
			kt_add_required(c, &cel, "");
		else
			check_expression(c, &expression);
	}
}

void kt_check_device_config(struct kt_rule_context *c, const struct kt_at *config)
{
	struct kt_at opaque = kt_at(config, "opaque"), driver = kt_at(&opaque, "driver"),
	             parameters = kt_at(&opaque, "parameters");
	if (!opaque.value) {
		kt_add_required(c, &opaque, "");
		return;
	}
	kt_check_csi_driver_name(c, &driver);
	if (!parameters.value || json_is_null(parameters.value))
		kt_add_required(c, &parameters, "");
	else if (!json_is_object(parameters.value))
		kt_add_invalid_text(
		        c, &parameters, "<value omitted>", "must be a valid JSON object");
}

static void add_messages(
        struct kt_rule_context *c, const struct kt_at *at, const char *text, const char *format)
{
	struct kt_messages messages = {0};
	size_t n = kt_format_check(format, kt_sv_of(text), &messages);
	for (size_t i = 0; i < n; i++)
		kt_add_invalid_text(c, at, text, "%s", messages.items[i]);
}

static void check_identifier(struct kt_rule_context *c, const struct kt_at *at, const char *name)
{
	if (strlen(name) > NAME_MAX_LEN)
		kt_add_too_long(c, at, NAME_MAX_LEN);
	add_messages(c, at, name, "c-identifier");
}

static void check_domain(struct kt_rule_context *c, const struct kt_at *at, const char *domain)
{
	char *lower = kt_arena_strdup(c->arena, domain);
	if (!*domain) {
		kt_add_invalid_text(c, at, "", "the domain must not be empty");
		return;
	}
	if (strlen(domain) > 63)
		kt_add_too_long(c, at, 63);
	for (char *p = lower; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	add_messages(c, at, lower, "dns1123-subdomain");
}

void kt_check_device_attribute_name(
        struct kt_rule_context *c, const struct kt_at *at, const char *name)
{
	const char *slash = strchr(name, '/');
	if (!slash) {
		check_identifier(c, at, name);
	} else if (strchr(slash + 1, '/')) {
		kt_add_invalid_text(c, at, name,
		        "must be a domain and a name separated by a slash or a name by itself");
	} else {
		check_domain(c, at, kt_arena_strndup(c->arena, name, (size_t)(slash - name)));
		if (slash[1])
			check_identifier(c, at, slash + 1);
		else
			kt_add_invalid_text(c, at, "", "the name must not be empty");
	}
}

void kt_check_pool_name(struct kt_rule_context *c, const struct kt_at *at)
{
	const char *name = kt_at_text(at);
	if (!kt_check_required(c, at))
		return;
	if (strlen(name) > POOL_NAME_MAX)
		kt_add_too_long(c, at, POOL_NAME_MAX);
	for (;;) {
		size_t len = strcspn(name, "/");
		add_messages(c, at, kt_arena_strndup(c->arena, name, len), "dns1123-subdomain");
		name += len;
		if (!*name)
			return;
		name++;
	}
}
