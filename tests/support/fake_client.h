/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A client without a server: objects in a map with revisions, watches, the three patches, the
 * sub-resources status, scale-free binding, generateName, generation, grace and finalizers. For
 * unit tests of components on a virtual loop. A SubjectAccessReview is granted to the group
 * "granted:SUBRESOURCE".
 *
 * It does what components rely on and nothing else: no defaults, no validation, no admission. Paths
 * are built-in resources'.
 */
#ifndef KT_TESTS_SUPPORT_FAKE_CLIENT_H
#define KT_TESTS_SUPPORT_FAKE_CLIENT_H

#include "api/client/client.h"

#include <jansson.h>

struct fake_client;

struct fake_client *fake_client_create(struct kt_loop *loop);
struct kt_client *fake_client_get(struct fake_client *fake);
void fake_client_destroy(struct fake_client *fake);

/* Puts an object given as JSON text (single quotes stand for double ones); uid, times and revision
 * are filled in. path: its collection
 * ("/api/v1/namespaces/default/pods"). */
void fake_put(struct fake_client *fake, const char *collection, const char *json);
/* A new tree of the stored object; NULL when absent. path: "/api/v1/namespaces/default/pods/a". */
json_t *fake_get(struct fake_client *fake, const char *path);
/* Merge-patches it (single quotes again); the generation moves when spec changes. */
void fake_patch(struct fake_client *fake, const char *path, const char *json);
void fake_delete(struct fake_client *fake, const char *path);
/* How many objects a collection has ("/api/v1/pods": of all namespaces). */
size_t fake_count(struct fake_client *fake, const char *collection);
/* The i-th object of a collection in order of creation; borrowed tree owned by the caller. */
json_t *fake_nth(struct fake_client *fake, const char *collection, size_t i);
/* The next n writes whose path contains `part` fail with 409 and change nothing; so do questions of
 * what is served, with another error. */
void fake_refuse(struct fake_client *fake, const char *part, int n);
/* Number of writes so far. */
size_t fake_writes(const struct fake_client *fake);
/* All watches end as if the connection broke. */
void fake_break_watches(struct fake_client *fake);

#endif
