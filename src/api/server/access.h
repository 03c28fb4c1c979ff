/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The stages authenticate and authorize: who calls, and may they? auth/ has the methods; here is
 * what a request makes of them, impersonation and the words of refusals.
 */
#ifndef KT_API_SERVER_ACCESS_H
#define KT_API_SERVER_ACCESS_H

#include "api/server/pipeline.h"

int kt_access_authenticate(struct kt_request *request);
int kt_access_authorize(struct kt_request *request);
/* A write that turns out to need another verb (a PUT that creates) asks for it. 0, or 403. */
int kt_access_second_verb(struct kt_request *request, const char *verb);

#endif
