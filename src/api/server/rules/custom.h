/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Custom resources: what upstream says about an object of a CRD apart from its metadata, in its
 * order: structure, the paths of /scale, the definition's rules. A write of /status is held against
 * the schema of the status alone.
 */
#ifndef KT_API_SERVER_RULES_CUSTOM_H
#define KT_API_SERVER_RULES_CUSTOM_H

#include "api/server/rules/rules.h"

void kt_custom_validate(struct kt_rule_context *c, const json_t *object, const json_t *old);

#endif
