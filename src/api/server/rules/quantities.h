/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Quantities as numbers, and the names of resources they may stand under. Trees hold canonical
 * quantity strings (codec.h), so reading one cannot fail for what was decoded; text that is no
 * quantity reads as 0.
 */
#ifndef KT_API_SERVER_RULES_QUANTITIES_H
#define KT_API_SERVER_RULES_QUANTITIES_H

#include "api/machinery/quantity.h"
#include "api/server/rules/check.h"

typedef kt_int128 kt_nanos; /* billionths */

kt_nanos kt_quantities_nanos(const json_t *value);
/* As Go's Value() has it, which is not the amount where that is past an int64. */
int64_t kt_quantities_value(const json_t *value);
/* No thousandths. */
bool kt_quantities_is_whole(const json_t *value);
int kt_quantities_cmp(const json_t *a, const json_t *b);
/* "100m", "1Gi": as the quantity prints, also for a number in the tree. */
const char *kt_quantities_text(struct kt_rule_context *c, const json_t *value);
/* Canonical text of a sum, in the suffix style of `like`. Arena string. */
const char *kt_quantities_print(struct kt_rule_context *c, kt_nanos nanos, const json_t *like);

/* Amounts of resources are kept in thousandths: finer ones are rounded up in place. */
void kt_quantities_default_list(json_t *list);

bool kt_resource_is_native(const char *name); /* no domain, or kubernetes.io's */
bool kt_resource_is_hugepages(const char *name);
bool kt_resource_is_extended(const char *name);
bool kt_resource_may_overcommit(const char *name);

/* "must be greater than or equal to 0", "must be an integer" for resources that count things. */
void kt_check_quantity(struct kt_rule_context *c, const struct kt_at *at, const char *resource);
bool kt_check_non_negative_quantity(struct kt_rule_context *c, const struct kt_at *at);
void kt_check_basic_resource(struct kt_rule_context *c,
        const struct kt_at *at); /* "must be a valid resource quantity": not below 0 */
/* Warns of bytes in parts. */
void kt_warn_fraction(struct kt_rule_context *c, const char *path, const json_t *value);
bool kt_check_resource_name(struct kt_rule_context *c, const struct kt_at *at, const char *name);
void kt_check_container_resource_name(
        struct kt_rule_context *c, const struct kt_at *at, const char *name);

#endif
