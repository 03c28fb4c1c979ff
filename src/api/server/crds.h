/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Serving CustomResourceDefinitions: follows them in the store on the server's loop, accepts their
 * names, says so in their status, compiles them to kinds (schema/crd.h) and puts those among the
 * served resources. A deleted definition first loses its instances, then its finalizer.
 *
 * Source: KEP-95; the documentation's page on custom resources.
 */
#ifndef KT_API_SERVER_CRDS_H
#define KT_API_SERVER_CRDS_H

#include "base/err.h"

#include <jansson.h>

struct kt_server;
struct kt_crds;

#define KT_CRD_FINALIZER "customresourcecleanup.apiextensions.k8s.io"

/* Serves what is established already; follows changes from then on. */
int kt_crds_create(struct kt_server *server, struct kt_crds **ret_crds, struct kt_err *err);
void kt_crds_destroy(struct kt_crds *crds);

#endif
