/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/rules/quantities.h"

#include "api/machinery/names.h"

#define NANO 1000000000

static struct kt_quantity read(const json_t *value)
{
	struct kt_quantity q = {0};
	kt_auto_err err = KT_ERR_INIT;
	if (json_is_string(value) &&
	        kt_quantity_parse(kt_sv_of(json_string_value(value)), &q, &err) < 0)
		return (struct kt_quantity){0};
	if (json_is_integer(value))
		q = kt_quantity_from_int64(json_integer_value(value), KT_QUANTITY_DECIMAL_SI);
	return q;
}

kt_nanos kt_quantities_nanos(const json_t *value)
{
	return read(value).nano;
}

/* Up to eighteen digits upstream counts in an int64 with a decimal exponent, beyond and for large
 * binary suffixes in a big number. */
static bool is_big(const struct kt_quantity *q, const char *text)
{
	size_t digits = 0;
	text += strspn(text, "+-0");
	for (; *text; text++)
		digits += *text >= '0' && *text <= '9';
	return q->format == KT_QUANTITY_BINARY_SI || digits > 18;
}

/* As an int64 in units of so many billionths: what does not fit is nothing when it is counted in an
 * int64, and loses its upper bits when it is a big number. */
static int64_t in_units(const json_t *value, int unit)
{
	struct kt_quantity q = read(value);
	kt_nanos n = q.nano / unit, rest = q.nano % unit;
	n += (rest > 0) - (rest < 0); /* away from zero */
	if (n >= INT64_MIN && n <= INT64_MAX)
		return (int64_t)n;
	return json_is_string(value) && is_big(&q, json_string_value(value)) ? (int64_t)(uint64_t)n
	                                                                     : 0;
}

int64_t kt_quantities_value(const json_t *value)
{
	return in_units(value, NANO);
}

bool kt_quantities_is_whole(const json_t *value)
{
	return in_units(value, NANO / 1000) % 1000 == 0;
}

void kt_warn_fraction(struct kt_rule_context *c, const char *path, const json_t *value)
{
	if (!kt_quantities_is_whole(value))
		kt_rule_warn(c, "%s: fractional byte value \"%s\" is invalid, must be an integer",
		        path, kt_quantities_text(c, value));
}

void kt_check_basic_resource(struct kt_rule_context *c, const struct kt_at *at)
{
	kt_auto_json json_t *number = json_integer(kt_quantities_value(at->value));
	if (json_integer_value(number) < 0)
		kt_add_invalid_value(c, at, number, "must be a valid resource quantity");
}

int kt_quantities_cmp(const json_t *a, const json_t *b)
{
	kt_nanos x = kt_quantities_nanos(a), y = kt_quantities_nanos(b);
	return (x > y) - (x < y);
}

void kt_quantities_default_list(json_t *list)
{
	const char *name;
	json_t *value;
	json_object_foreach(list, name, value) {
		const char *text = json_string_value(value);
		size_t len = text ? strlen(text) : 0;
		char rounded[KT_QUANTITY_TEXT_MAX];
		if (len < 2 || (text[len - 1] != 'n' && text[len - 1] != 'u'))
			continue;
		struct kt_quantity q = read(value);
		kt_quantity_format(kt_quantity_from_milli(kt_quantity_milli(q), q.format), rounded);
		json_object_set_new(list, name, json_string(rounded));
	}
}

const char *kt_quantities_text(struct kt_rule_context *c, const json_t *value)
{
	if (json_is_string(value))
		return json_string_value(value);
	return json_is_integer(value)
	               ? kt_arena_printf(c->arena, "%lld", (long long)json_integer_value(value))
	               : "0";
}

const char *kt_quantities_print(struct kt_rule_context *c, kt_nanos nanos, const json_t *like)
{
	char text[KT_QUANTITY_TEXT_MAX];
	kt_quantity_format((struct kt_quantity){.nano = nanos, .format = read(like).format}, text);
	return kt_arena_strdup(c->arena, text);
}

bool kt_resource_is_native(const char *name)
{
	return !strchr(name, '/') || strstr(name, "kubernetes.io/");
}

bool kt_resource_is_hugepages(const char *name)
{
	return kt_starts_with(name, "hugepages-");
}

bool kt_resource_is_extended(const char *name)
{
	if (kt_resource_is_native(name) || kt_starts_with(name, "requests."))
		return false;
	kt_auto_free char *quota_name = kt_asprintf("requests.%s", name);
	return kt_format_is("qualified-name", quota_name);
}

bool kt_resource_may_overcommit(const char *name)
{
	return kt_resource_is_native(name) && !kt_resource_is_hugepages(name);
}

bool kt_check_non_negative_quantity(struct kt_rule_context *c, const struct kt_at *at)
{
	if (kt_quantities_nanos(at->value) >= 0)
		return true;
	kt_add_invalid_text(
	        c, at, kt_quantities_text(c, at->value), "must be greater than or equal to 0");
	return false;
}

static bool counts_things(const char *resource)
{
	static const char *const counted[] = {
	        "pods",
	        "services",
	        "replicationcontrollers",
	        "resourcequotas",
	        "secrets",
	        "configmaps",
	        "persistentvolumeclaims",
	        "services.nodeports",
	        "services.loadbalancers",
	        NULL,
	};
	return kt_is_one_of(resource, counted) || kt_resource_is_extended(resource);
}

void kt_check_quantity(struct kt_rule_context *c, const struct kt_at *at, const char *resource)
{
	kt_check_non_negative_quantity(c, at);
	if (counts_things(resource) && !kt_quantities_is_whole(at->value))
		kt_add_invalid(c, at, "must be an integer");
}

static bool is_standard(const char *name)
{
	static const char *const standard[] = {
	        "cpu",
	        "memory",
	        "ephemeral-storage",
	        "requests.cpu",
	        "requests.memory",
	        "requests.ephemeral-storage",
	        "limits.cpu",
	        "limits.memory",
	        "limits.ephemeral-storage",
	        "pods",
	        "resourcequotas",
	        "services",
	        "replicationcontrollers",
	        "secrets",
	        "configmaps",
	        "persistentvolumeclaims",
	        "storage",
	        "requests.storage",
	        "services.nodeports",
	        "services.loadbalancers",
	        NULL,
	};
	return kt_is_one_of(name, standard) || kt_resource_is_hugepages(name) ||
	       kt_starts_with(name, "requests.hugepages-");
}

bool kt_check_resource_name(struct kt_rule_context *c, const struct kt_at *at, const char *name)
{
	struct kt_messages messages = {0};
	size_t n = kt_format_check("qualified-name", kt_sv_of(name), &messages);
	for (size_t i = 0; i < n; i++)
		kt_add_invalid_text(c, at, name, "%s", messages.items[i]);
	if (n)
		return false;
	if (strchr(name, '/') || is_standard(name))
		return true;
	kt_add_invalid_text(c, at, name, "must be a standard resource type or fully qualified");
	return false;
}

void kt_check_container_resource_name(
        struct kt_rule_context *c, const struct kt_at *at, const char *name)
{
	static const char *const standard[] = {"cpu", "memory", "ephemeral-storage", NULL};
	kt_check_resource_name(c, at, name);
	if (!strchr(name, '/')) {
		if (!kt_is_one_of(name, standard) && !kt_resource_is_hugepages(name))
			kt_add_invalid_text(
			        c, at, name, "must be a standard resource for containers");
	} else if (!kt_resource_is_native(name) && !kt_resource_is_extended(name)) {
		kt_add_invalid_text(c, at, name, "doesn't follow extended resource name standard");
	}
}
