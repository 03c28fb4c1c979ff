/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the server serves, as a table of resources: read once per session by aggregated discovery
 * (and by the plain documents of an older server), asked by every command that takes a TYPE. Owned
 * by the session; its thread only.
 */
#ifndef KT_TUI_COMMAND_DISCOVERY_H
#define KT_TUI_COMMAND_DISCOVERY_H

#include "api/client/client.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct kt_resource {
	char *group, *version, *plural, *singular, *kind;
	char **short_names, **categories, **verbs, **subresources; /* NULL-terminated */
	bool namespaced;
	bool preferred; /* the group's preferred version */
};

struct kt_discovery {
	struct kt_resource *resources; /* core first, then groups in the server's order */
	size_t n;
};

struct kt_discovery_options {
	const struct kt_cancel
	        *cancel; /* may be NULL; asked for: the reading ends with -ECANCELED */
	int timeout_ms;  /* of each request; 0: none */
};

int kt_discovery_load(struct kt_client *client, const struct kt_discovery_options *options,
        struct kt_discovery *ret_discovery, struct kt_err *err);
void kt_discovery_finish(struct kt_discovery *discovery);
bool kt_discovery_equal(const struct kt_discovery *a, const struct kt_discovery *b);

/* By plural, singular, short name or kind, any case, with ".GROUP" or ".VERSION.GROUP" behind it.
 * NULL when there is none. */
const struct kt_resource *kt_discovery_find(const struct kt_discovery *discovery, const char *word);
const struct kt_resource *kt_discovery_find_kind(
        const struct kt_discovery *discovery, const char *api_version, const char *kind);
bool kt_resource_in_category(const struct kt_resource *resource, const char *category);
bool kt_resource_has_verb(const struct kt_resource *resource, const char *verb);
bool kt_resource_has_subresource(const struct kt_resource *resource, const char *name);

/* "/apis/apps/v1/namespaces/NS/deployments/NAME/SUB"; namespace NULL: the collection over all;
 * name, sub may be NULL. Heap. */
char *kt_resource_path(const struct kt_resource *resource, const char *namespace, const char *name,
        const char *sub);
/* "deployments.apps" or "pods": what kubectl prints. Heap. */
char *kt_resource_full_name(const struct kt_resource *resource);
/* "apps/v1" or "v1". Heap. */
char *kt_resource_api_version(const struct kt_resource *resource);
/* Percent-encodes text for a query value or path segment. */
void kt_url_escape(struct kt_str *out, const char *text);

#endif
