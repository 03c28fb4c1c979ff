/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From method and target to a struct kt_route (pipeline.h): the path grammar of the API, without
 * knowing any kind. Source: the API concepts page ("Resource URIs"), and how kube-apiserver names
 * verbs for authorization.
 */
#ifndef KT_API_SERVER_ROUTE_H
#define KT_API_SERVER_ROUTE_H

#include "api/server/pipeline.h"

/* Fills state->route and state->query. 0, or -EINVAL (400) for a target that is no path. */
int kt_route_parse(struct kt_request *request);

#endif
