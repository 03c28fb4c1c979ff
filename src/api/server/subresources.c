/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/subresources.h"

static const struct {
	const char *subresource;
	uint16_t verb;
	const struct kt_operation *operation;
	unsigned offers;
} table[] = {
	{"binding", KT_VERB_CREATE, &kt_operation_binding, 0},
};

const struct kt_operation *kt_subresource_operation(const struct kt_kind *kind, const struct kt_subresource *subresource,
						    uint16_t verb, unsigned *ret_offers)
{
	(void)kind;
	for (size_t i = 0; i < KT_ARRAY_SIZE(table); i++)
		if (kt_streq(table[i].subresource, subresource->name) && (table[i].verb & verb)) {
			*ret_offers = table[i].offers;
			return table[i].operation;
		}
	return NULL;
}

const struct kt_operation *kt_virtual_operation(const struct kt_kind *kind, uint16_t verb)
{
	(void)kind;
	(void)verb;
	return NULL;
}
