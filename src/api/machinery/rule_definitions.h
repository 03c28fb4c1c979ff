/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * x-kubernetes-validations as they stand in a definition: is each rule well-formed, does it compile
 * against its schema, may it use oldSelf, is it cheap enough. Texts are upstream's. Pure; any
 * thread.
 */
#ifndef KT_API_MACHINERY_RULE_DEFINITIONS_H
#define KT_API_MACHINERY_RULE_DEFINITIONS_H

#include "api/machinery/field_errors.h"

/* path: of the schema, "spec.validation.openAPIV3Schema". compile: false checks only what needs no
 * expression, for schemas that are not structural. */
void kt_rule_definitions_check(
        const json_t *schema, const char *path, bool compile, struct kt_field_errors *errors);

#endif
