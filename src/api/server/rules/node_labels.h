/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Warnings of node labels that were renamed, wherever nodes are chosen by label. */
#ifndef KT_API_SERVER_RULES_NODE_LABELS_H
#define KT_API_SERVER_RULES_NODE_LABELS_H

#include "api/server/rules/check.h"

/* "deprecated since v1.14; use … instead"; NULL when the label is fine. */
const char *kt_node_label_deprecation(const char *key);
/* "PATH: KEY is deprecated since …", at the place of the key. */
void kt_warn_node_label(struct kt_rule_context *c, const struct kt_at *key);
/* The keys of a nodeSelector; is_one_place: all are told at the map itself. */
void kt_warn_node_selector(
        struct kt_rule_context *c, const struct kt_at *selector, bool is_one_place);
/* A node selector term; with_values: values that no label can have are told as well. */
void kt_warn_node_term(struct kt_rule_context *c, const struct kt_at *term, bool with_values);
/* requiredDuringScheduling…, or a volume's required. */
void kt_warn_node_terms(struct kt_rule_context *c, const struct kt_at *selector);

#endif
