/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ObjectMeta: what every object's metadata must look like and what an update may not change. Kinds
 * call these from their own `validate` where upstream's validation does; rules.c runs the checks
 * that are common to all updates besides. That is why one bad label gives several equal causes on
 * an update: clients see it so from the real server too.
 */
#ifndef KT_API_SERVER_RULES_META_H
#define KT_API_SERVER_RULES_META_H

#include "api/server/rules/check.h"

/* Name (by name_format; NULL: the kind's own), namespace, labels, annotations, owner references,
 * finalizers. */
void kt_meta_validate(struct kt_rule_context *c, const json_t *object, const char *name_format);
void kt_meta_validate_update(struct kt_rule_context *c, const json_t *object, const json_t *old);
/* The usual beginning: on create the one, on update both. */
void kt_meta_validate_both(struct kt_rule_context *c, const json_t *object, const json_t *old);

/* What all kinds share, without the check of finalizer names that only Kubernetes' own kinds have.
 */
void kt_meta_validate_common(
        struct kt_rule_context *c, const json_t *object, const char *name_format);
void kt_meta_validate_common_update(
        struct kt_rule_context *c, const json_t *object, const json_t *old);

/* Maps of labels and annotations wherever they stand (pod templates). */
void kt_check_labels(struct kt_rule_context *c, const struct kt_at *labels);
void kt_check_annotations(struct kt_rule_context *c, const struct kt_at *annotations);

/* Before storing: what users may not set, and what an update takes from the stored object. */
void kt_meta_prepare(struct kt_rule_context *c, json_t *object, const json_t *old);

#endif
