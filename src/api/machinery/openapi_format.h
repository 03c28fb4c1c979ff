/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The `format` keyword of a CRD's schema: which strings are dates, addresses, UUIDs …. A format
 * nobody knows accepts everything. Pure. */
#ifndef KT_API_MACHINERY_OPENAPI_FORMAT_H
#define KT_API_MACHINERY_OPENAPI_FORMAT_H

#include "base/str.h"

/* Is there such a format? */
bool kt_openapi_format_is_known(const char *format);
bool kt_openapi_format_is(const char *format, struct kt_sv text);

#endif
