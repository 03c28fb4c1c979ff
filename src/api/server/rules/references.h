/* SPDX-License-Identifier: GPL-3.0-or-later */
/* References to other objects, and names with a domain, as several groups check them. */
#ifndef KT_API_SERVER_RULES_REFERENCES_H
#define KT_API_SERVER_RULES_REFERENCES_H

#include "api/server/rules/check.h"

/* {apiGroup, kind, name} */
void kt_check_typed_reference(struct kt_rule_context *c, const struct kt_at *reference);
/* "example.com/path" */
void kt_check_domain_path(struct kt_rule_context *c, const struct kt_at *at);

#endif
