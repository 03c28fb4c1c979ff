/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What an untagged plain scalar means in the YAML 1.1 of Kubernetes; private to base/yaml*.c. The
 * parser asks what a text is, the writer whether a string would be taken for something else and so
 * needs quotes.
 */
#ifndef KT_BASE_YAML_RESOLVE_H
#define KT_BASE_YAML_RESOLVE_H

#include "base/str.h"

enum yaml_type {
	YAML_TYPE_STRING,
	YAML_TYPE_NULL,
	YAML_TYPE_BOOL,
	YAML_TYPE_INTEGER,
	YAML_TYPE_FLOAT, /* also integers beyond int64 */
	YAML_TYPE_TIMESTAMP,
};

struct yaml_scalar {
	enum yaml_type type;
	bool boolean;
	int64_t integer;
	double real; /* may be infinite or NaN: ".inf", ".nan" */
};

struct yaml_scalar yaml_resolve(struct kt_sv text);
/* "190:20:30", which YAML 1.1 reads as a number in base 60 though we do not. */
bool yaml_is_base60(struct kt_sv text);

#endif
