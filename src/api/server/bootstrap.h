/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an empty cluster holds: the table that bootstrap.yaml compiles to. kt_server_bootstrap() is
 * in server.h. */
#ifndef KT_API_SERVER_BOOTSTRAP_H
#define KT_API_SERVER_BOOTSTRAP_H

struct kt_bootstrap_entry {
	const char *group, *version, *kind; /* group NULL ends the table */
	const char *json;
};
extern const struct kt_bootstrap_entry kt_bootstrap_entries[]; /* generated */

#endif
