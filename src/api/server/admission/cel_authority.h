/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What CEL's `authorizer` asks in admission: answered by the server's own authorizer, for the user
 * of the request or a service account that the expression names. Any thread. */
#ifndef KT_API_SERVER_ADMISSION_CEL_AUTHORITY_H
#define KT_API_SERVER_ADMISSION_CEL_AUTHORITY_H

#include "api/expr/cel.h"
#include "api/server/admission/admission.h"

/* Lets the run's expression ask. *question, to live as long as run, becomes
 * authorizer.requestResource. */
void kt_cel_authority(
        struct kt_admission_context *a, struct kt_cel_question *question, struct kt_cel_run *run);

#endif
