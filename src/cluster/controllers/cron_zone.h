/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Time zones for CronJobs: the offset from UTC at a time, read from the system's zone files (TZif,
 * RFC 9636) so that no state of the C library is touched. A zone is immutable once read; any
 * thread.
 */
#ifndef KT_CLUSTER_CONTROLLERS_CRON_ZONE_H
#define KT_CLUSTER_CONTROLLERS_CRON_ZONE_H

#include "base/err.h"

#include <stdint.h>

#define KT_ZONE_FILE_MAX_BYTES (256 * 1024)

struct kt_zone;

/* "Europe/Berlin"; "UTC" needs no file. -ENOENT, -EINVAL. */
int kt_zone_open(const char *name, struct kt_zone **ret_zone, struct kt_err *err);
void kt_zone_close(struct kt_zone *zone); /* NULL is ignored */
/* What to add to UTC to get local time at unix_ns. NULL: UTC. */
int64_t kt_zone_offset_ns(const struct kt_zone *zone, int64_t unix_ns);

#endif
