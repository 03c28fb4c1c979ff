/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cluster/controllers/cron_zone.h"

#include "base/loop.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define ZONE_DIR "/usr/share/zoneinfo/"
#define HEADER_BYTES 44

struct transition {
	int64_t at_s;
	int32_t offset_s; /* from then on */
};

struct kt_zone {
	int32_t first_offset_s; /* before the first transition */
	size_t n;
	struct transition transitions[];
};

/* Names are path components of letters, digits and _ + - only. */
static bool is_zone_name(const char *name)
{
	if (!*name || *name == '/' || strstr(name, "..") || strlen(name) > 100)
		return false;
	return strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/") ==
	       strlen(name);
}

static uint32_t be32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t be64(const unsigned char *p)
{
	return (int64_t)((uint64_t)be32(p) << 32 | be32(p + 4));
}

struct counts {
	uint32_t isut, isstd, leap, time, type, chars;
};

static bool read_header(const unsigned char *p, size_t len, struct counts *ret)
{
	if (len < HEADER_BYTES || memcmp(p, "TZif", 4) != 0)
		return false;
	*ret = (struct counts){
	        be32(p + 20), be32(p + 24), be32(p + 28), be32(p + 32), be32(p + 36), be32(p + 40)};
	return ret->time < 10000 && ret->type < 256 && ret->type > 0 && ret->chars < 10000 &&
	       ret->leap < 10000 && ret->isut < 256 && ret->isstd < 256;
}

static size_t block_bytes(const struct counts *c, size_t time_bytes)
{
	return c->time * (time_bytes + 1) + c->type * 6 + c->chars + c->leap * (time_bytes + 4) +
	       c->isstd + c->isut;
}

/* The 64-bit block of a version 2 file. */
static struct kt_zone *parse(const unsigned char *p, size_t len)
{
	struct counts c;
	const unsigned char *indexes, *types;
	struct kt_zone *zone;

	if (!read_header(p, len, &c) || p[4] < '2' || len < HEADER_BYTES + block_bytes(&c, 4))
		return NULL;
	p += HEADER_BYTES + block_bytes(&c, 4);
	len -= HEADER_BYTES + block_bytes(&c, 4);
	if (!read_header(p, len, &c) || len < HEADER_BYTES + block_bytes(&c, 8))
		return NULL;
	p += HEADER_BYTES;
	indexes = p + (size_t)c.time * 8;
	types = indexes + c.time;
	zone = kt_zalloc(sizeof(*zone) + c.time * sizeof(zone->transitions[0]));
	zone->first_offset_s = (int32_t)be32(types);
	for (; zone->n < c.time; zone->n++) {
		size_t type = indexes[zone->n];

		if (type >= c.type) {
			free(zone);
			return NULL;
		}
		zone->transitions[zone->n].at_s = be64(p + zone->n * 8);
		zone->transitions[zone->n].offset_s = (int32_t)be32(types + type * 6);
	}
	return zone;
}

int kt_zone_open(const char *name, struct kt_zone **ret_zone, struct kt_err *err)
{
	kt_auto_free char *path = NULL, *bytes = NULL;
	kt_auto_close int fd = -1;
	size_t len = 0;
	ssize_t n;

	if (!is_zone_name(name))
		return kt_fail(err, EINVAL, "unknown time zone %s", name);
	if (strcmp(name, "UTC") == 0 || strcmp(name, "Etc/UTC") == 0) {
		*ret_zone = kt_new(struct kt_zone);
		return 0;
	}
	path = kt_asprintf(ZONE_DIR "%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return kt_fail(err, ENOENT, "unknown time zone %s", name);
	bytes = kt_alloc(KT_ZONE_FILE_MAX_BYTES);
	while (len < KT_ZONE_FILE_MAX_BYTES &&
	        (n = read(fd, bytes + len, KT_ZONE_FILE_MAX_BYTES - len)) > 0)
		len += (size_t)n;
	*ret_zone = parse((unsigned char *)bytes, len);
	return *ret_zone ? 0 : kt_fail(err, EINVAL, "malformed time zone information of %s", name);
}

void kt_zone_close(struct kt_zone *zone)
{
	free(zone);
}

int64_t kt_zone_offset_ns(const struct kt_zone *zone, int64_t unix_ns)
{
	int64_t at_s = unix_ns / KT_NS_PER_S;
	int32_t offset_s;

	if (!zone)
		return 0;
	offset_s = zone->first_offset_s;
	for (size_t i = 0; i < zone->n && zone->transitions[i].at_s <= at_s; i++)
		offset_s = zone->transitions[i].offset_s;
	return offset_s * KT_NS_PER_S;
}
