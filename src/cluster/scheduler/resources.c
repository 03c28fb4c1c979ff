/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cluster/scheduler/resources.h"

#include "base/mem.h"

#include <errno.h>
#include <math.h>

void kt_resources_finish(struct kt_resources *resources)
{
	for (size_t i = 0; i < resources->scalars.n; i++)
		free(resources->scalars.items[i].name);
	kt_vec_finish(&resources->scalars);
}

static bool suffix_factor(struct kt_sv suffix, long double *ret_factor)
{
	static const struct {
		const char *text;
		long double factor;
	} table[] = {
	        {"", 1},
	        {"m", 1e-3L},
	        {"u", 1e-6L},
	        {"n", 1e-9L},
	        {"k", 1e3L},
	        {"M", 1e6L},
	        {"G", 1e9L},
	        {"T", 1e12L},
	        {"P", 1e15L},
	        {"E", 1e18L},
	        {"Ki", 0x1p10L},
	        {"Mi", 0x1p20L},
	        {"Gi", 0x1p30L},
	        {"Ti", 0x1p40L},
	        {"Pi", 0x1p50L},
	        {"Ei", 0x1p60L},
	};

	for (size_t i = 0; i < KT_ARRAY_SIZE(table); i++)
		if (kt_sv_is(suffix, table[i].text)) {
			*ret_factor = table[i].factor;
			return true;
		}
	if (suffix.len > 1 && (suffix.p[0] == 'e' || suffix.p[0] == 'E')) {
		struct kt_sv digits = {suffix.p + 1, suffix.len - 1};
		int64_t exponent;

		if (digits.p[0] == '+' && digits.len > 1)
			digits = (struct kt_sv){digits.p + 1, digits.len - 1};
		if (kt_sv_int64(digits, &exponent) < 0 || exponent < -18 || exponent > 18)
			return false;
		*ret_factor = powl(10, (long double)exponent);
		return true;
	}
	return false;
}

int kt_resource_parse(struct kt_sv text, bool milli, int64_t *ret_value)
{
	long double value = 0, scale = 1, factor;
	size_t i = 0, n_digits = 0;
	bool negative = false, fraction = false;

	if (text.len && (text.p[0] == '-' || text.p[0] == '+'))
		negative = text.p[i++] == '-';
	for (; i < text.len &&
	        ((text.p[i] >= '0' && text.p[i] <= '9') || (text.p[i] == '.' && !fraction));
	        i++) {
		if (text.p[i] == '.') {
			fraction = true;
			continue;
		}
		n_digits++;
		value = value * 10 + (text.p[i] - '0');
		if (fraction)
			scale *= 10;
	}
	if (!n_digits || !suffix_factor((struct kt_sv){text.p + i, text.len - i}, &factor))
		return -EINVAL;
	/* Rounding up must not be fooled by the last bit of a binary fraction. */
	value = ceill(value / scale * factor * (milli ? 1000 : 1) - 1e-9L);
	*ret_value = value >= 0x1p63L ? INT64_MAX : (int64_t)value;
	if (negative)
		*ret_value = -*ret_value;
	return 0;
}

static int64_t *scalar_slot(struct kt_resources *resources, struct kt_sv name)
{
	for (size_t i = 0; i < resources->scalars.n; i++)
		if (kt_sv_is(name, resources->scalars.items[i].name))
			return &resources->scalars.items[i].value;
	kt_vec_push(&resources->scalars, ((struct kt_scalar_resource){kt_sv_dup(name), 0}));
	return &resources->scalars.items[resources->scalars.n - 1].value;
}

void kt_resources_add_json(struct kt_resources *resources, struct kt_json_at map)
{
	struct kt_json_iter it = {0};
	struct kt_json_at at;
	struct kt_sv key, text;

	while (map.p && kt_json_next_member(map, &it, &key, &at)) {
		bool cpu = kt_sv_is(key, "cpu");
		int64_t value = 0;

		/* A quantity may also be a bare number. */
		if (!kt_json_string_sv(at, &text))
			text = (struct kt_sv){at.p, at.len};
		if (kt_resource_parse(text, cpu, &value) < 0)
			continue;
		if (cpu)
			resources->milli_cpu += value;
		else if (kt_sv_is(key, "memory"))
			resources->memory_bytes += value;
		else if (kt_sv_is(key, "ephemeral-storage"))
			resources->ephemeral_bytes += value;
		else if (kt_sv_is(key, "pods"))
			resources->pods += value;
		else
			*scalar_slot(resources, key) += value;
	}
}

void kt_resources_add(struct kt_resources *to, const struct kt_resources *what)
{
	to->milli_cpu += what->milli_cpu;
	to->memory_bytes += what->memory_bytes;
	to->ephemeral_bytes += what->ephemeral_bytes;
	to->pods += what->pods;
	for (size_t i = 0; i < what->scalars.n; i++)
		*scalar_slot(to, kt_sv_of(what->scalars.items[i].name)) +=
		        what->scalars.items[i].value;
}

void kt_resources_sub(struct kt_resources *from, const struct kt_resources *what)
{
	from->milli_cpu -= what->milli_cpu;
	from->memory_bytes -= what->memory_bytes;
	from->ephemeral_bytes -= what->ephemeral_bytes;
	from->pods -= what->pods;
	for (size_t i = 0; i < what->scalars.n; i++)
		*scalar_slot(from, kt_sv_of(what->scalars.items[i].name)) -=
		        what->scalars.items[i].value;
}

void kt_resources_max(struct kt_resources *to, const struct kt_resources *what)
{
	to->milli_cpu = KT_MAX(to->milli_cpu, what->milli_cpu);
	to->memory_bytes = KT_MAX(to->memory_bytes, what->memory_bytes);
	to->ephemeral_bytes = KT_MAX(to->ephemeral_bytes, what->ephemeral_bytes);
	to->pods = KT_MAX(to->pods, what->pods);
	for (size_t i = 0; i < what->scalars.n; i++) {
		int64_t *slot = scalar_slot(to, kt_sv_of(what->scalars.items[i].name));

		*slot = KT_MAX(*slot, what->scalars.items[i].value);
	}
}

int64_t kt_resources_scalar(const struct kt_resources *resources, const char *name)
{
	for (size_t i = 0; i < resources->scalars.n; i++)
		if (kt_streq(resources->scalars.items[i].name, name))
			return resources->scalars.items[i].value;
	return 0;
}

void kt_resources_set_scalar(struct kt_resources *resources, const char *name, int64_t value)
{
	*scalar_slot(resources, kt_sv_of(name)) = value;
}
