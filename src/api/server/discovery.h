/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Discovery documents from the kind tables and the definitions: /api, /apis, /apis/GROUP,
 * /apis/GROUP/VERSION, and all of it at once (KEP-3352). New references; pure functions of what is
 * served at the moment.
 */
#ifndef KT_API_SERVER_DISCOVERY_H
#define KT_API_SERVER_DISCOVERY_H

#include "base/json.h"

struct kt_server;

json_t *kt_discovery_versions(struct kt_server *server); /* APIVersions */
json_t *kt_discovery_groups(struct kt_server *server);   /* APIGroupList */
/* NULL when there is none. */
json_t *kt_discovery_group(struct kt_server *server, const char *group);
json_t *kt_discovery_resources(struct kt_server *server, const char *group, const char *version);
/* APIGroupDiscoveryList: of the core group for /api, of all others for /apis. */
json_t *kt_discovery_aggregated(struct kt_server *server, bool core);
/* All kinds served, of one group version when given (NULL: any): borrowed from tables and from
 * *ret_crds, which holds references; the caller ends with kt_discovery_kinds_finish(). */
struct kt_discovery_kinds {
	const struct kt_kind **kinds;
	size_t n;
	struct kt_crd **crds;
	size_t n_crds;
};
void kt_discovery_kinds(struct kt_server *server, struct kt_discovery_kinds *ret);
void kt_discovery_kinds_finish(struct kt_discovery_kinds *kinds);

#endif
