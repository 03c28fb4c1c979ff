/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The APIService of every group and version that definitions bring: made when the first of its
 * kinds is served, taken away with the last one. Those of the built-in groups stand in
 * bootstrap.yaml; one that a person made is left alone. All on the server's loop.
 *
 * Source: KEP-95; the documentation's page on the aggregation layer.
 */
#ifndef KT_API_SERVER_API_SERVICES_H
#define KT_API_SERVER_API_SERVICES_H

#include "base/loop.h"

struct kt_server;
struct kt_api_services;

struct kt_api_services *kt_api_services_create(struct kt_server *server);
/* The served definitions are others now. Cheap: what is to do is done once per turn of the loop. */
void kt_api_services_wake(struct kt_api_services *services);
void kt_api_services_destroy(struct kt_api_services *services);

#endif
