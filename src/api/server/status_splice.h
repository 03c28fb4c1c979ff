/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The hot write of a busy cluster: a node or controller of this process patches the status of an
 * object. Only the status is parsed and written anew; the rest of the object's bytes is copied.
 * What such a write skips is what it cannot need: admission, defaults and validation of a part that
 * it does not touch, and the record of field managers (status fields of in-process components have
 * no manager).
 */
#ifndef KT_API_SERVER_STATUS_SPLICE_H
#define KT_API_SERVER_STATUS_SPLICE_H

#include "api/server/patch_request.h"

/* Can the request be answered so? */
bool kt_status_splice_fits(const struct kt_request *request, enum kt_patch_type type);
/* mutate: prepares the write; state->is_spliced tells the later stages. */
int kt_status_splice(struct kt_request *request, enum kt_patch_type type);

#endif
