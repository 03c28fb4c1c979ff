/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where writes meet admission (admission/): attributes of the request for the mutating and the
 * validating round. */
#ifndef KT_API_SERVER_ADMIT_H
#define KT_API_SERVER_ADMIT_H

#include "api/server/pipeline.h"

/* 0, KT_STAGE_WAIT is never returned; negative with request->err. */
int kt_admit_mutate(struct kt_request *request);
int kt_admit_validate(struct kt_request *request);
/* connect (exec, attach, portforward, proxy) and delete have no new object. */
int kt_admit_delete(struct kt_request *request);

#endif
