/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * YAML <-> JSON as Kubernetes understands it: YAML 1.1 scalars as sigs.k8s.io/yaml resolves them
 * (yes/no/on/off are booleans, 0o and 0x numbers, time stamps stay strings), anchors and aliases
 * within a node budget, merge keys, keys turned into strings. Positions are kept so that an error
 * or an editor can point at a line.
 */
#ifndef KT_BASE_YAML_H
#define KT_BASE_YAML_H

#include "base/err.h"
#include "base/json.h"
#include "base/str.h"

#include <stddef.h>

#define KT_YAML_NODES_MAX \
	1000000 /* after alias expansion: the alias bomb of CVE-2019-11253 ends here */

struct kt_yaml_position {
	char *path;            /* "spec.containers[0].image"; "" is the document */
	unsigned line, column; /* from 1; of the key, or of the element */
	unsigned value_line, value_column;
	unsigned end_line; /* last line of the value */
};

struct kt_yaml_doc {
	json_t *value; /* NULL for an empty document */
	size_t n_positions;
	struct kt_yaml_position *positions; /* document order; only when asked for */
	size_t start_offset, end_offset;    /* bytes of this document in the text */
};

struct kt_yaml_docs {
	size_t n;
	struct kt_yaml_doc *docs;
};

struct kt_yaml_options {
	bool positions;
	bool go_errors;  /* errors as go-yaml words them: "yaml: line L: reason" */
	bool plain_keys; /* keys are as written: `no:` is "no" and not "false" */
	void (*on_duplicate)(void *arg, const char *path, unsigned line);
	void *arg;
};

/* All documents of a stream ("---"); JSON is YAML. Error text: "line L, column C: reason" (EINVAL).
 */
int kt_yaml_parse(struct kt_sv text, const struct kt_yaml_options *options,
        struct kt_yaml_docs *ret_docs, struct kt_err *err);
void kt_yaml_docs_finish(struct kt_yaml_docs *docs);
/* Exactly one document. */
json_t *kt_yaml_parse_one(struct kt_sv text, struct kt_err *err);

/* As `kubectl -o yaml` prints: keys sorted, two blanks, lists not indented below their key, block
 * literals for multi-line text. */
void kt_yaml_write(struct kt_str *out, const json_t *value);

#endif
