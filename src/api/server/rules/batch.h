/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Job specs, in jobs and in the templates of cron jobs. */
#ifndef KT_API_SERVER_RULES_BATCH_H
#define KT_API_SERVER_RULES_BATCH_H

#include "api/server/rules/check.h"

void kt_check_job_spec(struct kt_rule_context *c, const struct kt_at *spec);
/* "0,2-3" below completions: NULL and how many indexes there are, or what is wrong (arena). */
const char *kt_job_bad_indexes(
        struct kt_rule_context *c, const char *text, int64_t completions, int64_t *ret_total);

#endif
