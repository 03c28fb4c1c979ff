/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/rules/quantities.h"

#include "api/machinery/names.h"

#define NANO ((kt_nanos)1000000000)
#define NANOS_MAX (NANO * NANO * 100000000000) /* 10^29 */

struct suffix {
	const char *text;
	int power;   /* of ten, or of two for binary suffixes */
	bool binary;
};

static const struct suffix suffixes[] = {
	{"", 0, false}, {"n", -9, false}, {"u", -6, false}, {"m", -3, false}, {"k", 3, false}, {"M", 6, false},
	{"G", 9, false}, {"T", 12, false}, {"P", 15, false}, {"E", 18, false}, {"Ki", 10, true}, {"Mi", 20, true},
	{"Gi", 30, true}, {"Ti", 40, true}, {"Pi", 50, true}, {"Ei", 60, true},
};

static kt_nanos scale(kt_nanos value, int power, int base)
{
	for (; power > 0 && value < NANOS_MAX && value > -NANOS_MAX; power--)
		value *= base;
	for (; power < 0; power++)
		value = value / base + (value % base > 0); /* rounded up, as upstream rounds */
	return value;
}

/* The suffix, or "e3": its effect on nanos. */
static kt_nanos apply_suffix(kt_nanos nanos, const char *p)
{
	if ((*p == 'e' || *p == 'E') && p[1])
		return p[1] == 'i' ? scale(nanos, 60, 2) : scale(nanos, atoi(p + 1), 10);
	for (size_t i = 0; i < KT_ARRAY_SIZE(suffixes); i++)
		if (strcmp(p, suffixes[i].text) == 0)
			return scale(nanos, suffixes[i].power, suffixes[i].binary ? 2 : 10);
	return 0;
}

static kt_nanos parse(const char *p)
{
	bool negative = *p == '-';
	p += *p == '-' || *p == '+';
	kt_nanos nanos = 0;
	for (; *p >= '0' && *p <= '9'; p++)
		if (nanos < NANOS_MAX)
			nanos = nanos * 10 + (*p - '0') * NANO;
	if (*p == '.') {
		kt_nanos unit = NANO / 10;
		for (p++; *p >= '0' && *p <= '9'; p++, unit /= 10)
			nanos += (*p - '0') * unit;
	}
	nanos = apply_suffix(nanos, p);
	return negative ? -nanos : nanos;
}

kt_nanos kt_quantity(const json_t *value)
{
	if (json_is_string(value))
		return parse(json_string_value(value));
	if (json_is_integer(value))
		return (kt_nanos)json_integer_value(value) * NANO;
	return json_is_real(value) ? (kt_nanos)(json_real_value(value) * 1e9) : 0;
}

int kt_quantity_cmp(const json_t *a, const json_t *b)
{
	kt_nanos x = kt_quantity(a), y = kt_quantity(b);
	return (x > y) - (x < y);
}

const char *kt_quantity_text(struct kt_rule_context *c, const json_t *value)
{
	if (json_is_string(value))
		return json_string_value(value);
	return json_is_integer(value) ? kt_arena_printf(c->arena, "%lld", (long long)json_integer_value(value)) : "0";
}

const char *kt_quantity_print(struct kt_rule_context *c, kt_nanos nanos, const json_t *like)
{
	const char *style = kt_quantity_text(c, like);
	size_t len = strlen(style);
	bool binary = len && style[len - 1] == 'i';
	for (size_t i = KT_ARRAY_SIZE(suffixes); i-- > 0;) {
		const struct suffix *s = &suffixes[i];
		if (s->binary != binary && *s->text)
			continue;
		kt_nanos unit = scale(NANO, s->power, s->binary ? 2 : 10);
		if (s->power < 0 ? false : nanos % unit != 0 || (*s->text && nanos == 0))
			continue;
		if (s->power >= 0)
			return kt_arena_printf(c->arena, "%lld%s", (long long)(nanos / unit), s->text);
	}
	static const struct suffix small[] = {{"m", 6, false}, {"u", 3, false}, {"n", 0, false}};
	for (size_t i = 0; i < KT_ARRAY_SIZE(small); i++) {
		kt_nanos unit = scale(1, small[i].power, 10);
		if (nanos % unit == 0)
			return kt_arena_printf(c->arena, "%lld%s", (long long)(nanos / unit), small[i].text);
	}
	return "0";
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
	if (kt_quantity(at->value) >= 0)
		return true;
	kt_add_invalid_text(c, at, kt_quantity_text(c, at->value), "must be greater than or equal to 0");
	return false;
}

static bool counts_things(const char *resource)
{
	static const char *const counted[] = {
		"pods", "services", "replicationcontrollers", "resourcequotas", "secrets", "configmaps",
		"persistentvolumeclaims", "services.nodeports", "services.loadbalancers", NULL,
	};
	return kt_is_one_of(resource, counted) || kt_resource_is_extended(resource);
}

void kt_check_quantity(struct kt_rule_context *c, const struct kt_at *at, const char *resource)
{
	kt_check_non_negative_quantity(c, at);
	if (counts_things(resource) && kt_quantity(at->value) % NANO != 0)
		kt_add_invalid(c, at, "must be an integer");
}

static bool is_standard(const char *name)
{
	static const char *const standard[] = {
		"cpu", "memory", "ephemeral-storage", "requests.cpu", "requests.memory", "requests.ephemeral-storage",
		"limits.cpu", "limits.memory", "limits.ephemeral-storage", "pods", "resourcequotas", "services",
		"replicationcontrollers", "secrets", "configmaps", "persistentvolumeclaims", "storage", "requests.storage",
		"services.nodeports", "services.loadbalancers", NULL,
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

void kt_check_container_resource_name(struct kt_rule_context *c, const struct kt_at *at, const char *name)
{
	static const char *const standard[] = {"cpu", "memory", "ephemeral-storage", NULL};
	kt_check_resource_name(c, at, name);
	if (!strchr(name, '/')) {
		if (!kt_is_one_of(name, standard) && !kt_resource_is_hugepages(name))
			kt_add_invalid_text(c, at, name, "must be a standard resource for containers");
	} else if (!kt_resource_is_native(name) && !kt_resource_is_extended(name)) {
		kt_add_invalid_text(c, at, name, "doesn't follow extended resource name standard");
	}
}
