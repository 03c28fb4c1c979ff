/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Label and field selectors: parsed once, matched against many objects' bytes. Text form of
 * `kubectl -l` and of query parameters, and the LabelSelector object form. Errors worded as
 * upstream ("unable to parse requirement: …"). A parsed selector is immutable; any thread.
 */
#ifndef KT_API_MACHINERY_SELECTOR_H
#define KT_API_MACHINERY_SELECTOR_H

#include "api/schema/schema.h"
#include "api/storage/object.h"
#include "base/err.h"
#include "base/json.h"

struct kt_selector;

/* "a=b,c!=d,e in (f,g),!h,i,j>3"; "" matches everything. */
int kt_selector_parse(const char *text, struct kt_selector **ret_selector, struct kt_err *err);
/* A LabelSelector {matchLabels, matchExpressions}; NULL object: matches nothing; {}: everything. */
int kt_selector_of_json(
        const json_t *label_selector, struct kt_selector **ret_selector, struct kt_err *err);
/* A plain map (Service.spec.selector, nodeSelector). */
struct kt_selector *kt_selector_of_map(const json_t *map);
/* "metadata.name=x,status.phase!=Running". kind gives the fields that may be used (NULL: any);
 * upstream's refusal otherwise. */
int kt_field_selector_parse(const char *text, const struct kt_kind *kind,
        struct kt_selector **ret_selector, struct kt_err *err);
void kt_selector_destroy(struct kt_selector *selector);

bool kt_selector_is_empty(const struct kt_selector *selector);
/* By the object's labels, or for a field selector by its fields. */
bool kt_selector_matches(const struct kt_selector *selector, const struct kt_object *object);
/* Against a labels tree ({key: value}); NULL is no labels. */
bool kt_selector_matches_labels(const struct kt_selector *selector, const json_t *labels);
/* The value a field selector demands with = of this field, or NULL: lets a list by metadata.name
 * become a get. */
const char *kt_selector_exact(const struct kt_selector *selector, const char *field);
/* Canonical text; heap. */
char *kt_selector_text(const struct kt_selector *selector);

#endif
