/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The format table: what a name, a label, an address and the like must look like, and what upstream
 * says when it does not. Formats are looked up by name (kinds' YAML, kind->name_format, rule
 * files); each check gives zero or more complete messages in upstream's order, all of them static
 * texts. Nothing here allocates; any thread.
 *
 * The table: dns1123-label, dns1123-subdomain, dns1123-subdomain-underscore, dns1035-label,
 * wildcard-dns, fqdn (two segments), fully-qualified-name (three segments), qualified-name,
 * label-value, path-segment, config-map-key, env-var-name, c-identifier, cel-identifier,
 * http-header, port-name, percent, ip, ip-strict, ipv4, cidr, cidr-strict, absolute-path (also
 * http-path), relative-path (no "..").
 */
#ifndef KT_API_MACHINERY_NAMES_H
#define KT_API_MACHINERY_NAMES_H

#include "api/machinery/field_errors.h"

#define KT_FORMAT_MESSAGES_MAX 8

#define KT_LABEL_VALUE_MAX 63
#define KT_DNS1123_SUBDOMAIN_MAX 253
#define KT_DNS1123_LABEL_MAX 63

struct kt_messages {
	const char *items[KT_FORMAT_MESSAGES_MAX];
	size_t n;
};

struct kt_format {
	const char *name;
	void (*check)(struct kt_sv value, struct kt_messages *messages);
};

/* NULL when there is no such format. */
const struct kt_format *kt_format_find(const char *name);

/* Fills messages and returns their number: 0 is a good value. An unknown format is our bug. */
size_t kt_format_check(const char *format, struct kt_sv value, struct kt_messages *messages);

/* Only yes or no. */
bool kt_format_is(const char *format, const char *value);

/* Appends one "Invalid value" error per message. Returns true when the value is good. */
bool kt_field_format(
        struct kt_field_errors *errors, const char *field, const char *value, const char *format);

/* Label and annotation keys and values, as metadata.labels and selectors report them (field is the
 * map's path). */
void kt_field_labels(struct kt_field_errors *errors, const char *field, const json_t *labels);
void kt_field_label_key(struct kt_field_errors *errors, const char *field, const char *key);

/* Textual addresses. Both accept what upstream's sloppy parser does: leading zeros and IPv4-mapped
 * IPv6. */
bool kt_ip_parse(struct kt_sv text, uint8_t ret_bytes[16], int *ret_family /* 4 or 6 */);
bool kt_cidr_parse(struct kt_sv text, uint8_t ret_bytes[16], int *ret_family, int *ret_prefix_len);

#endif
