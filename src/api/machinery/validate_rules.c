/* SPDX-License-Identifier: GPL-3.0-or-later */
/* x-kubernetes-validations: walking an object by its type and asking CEL at each place that has
 * rules. */
#include "api/machinery/limits.h"

bool kt_type_has_rules(const struct kt_type *type)
{
	if (!(type->flags & KT_FIELD_UNSTRUCTURED))
		return false;
	if (type->limits && type->limits->n_rules)
		return true;
	if (type->elem && kt_type_has_rules(type->elem))
		return true;
	for (uint16_t i = 0; i < type->n_fields; i++)
		if (kt_type_has_rules(type->fields[i].type))
			return true;
	return false;
}
