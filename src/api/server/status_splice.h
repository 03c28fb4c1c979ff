/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The hot write of a busy cluster: a node or controller of this process patches the status of an
 * object. Only the status and the record of field managers are parsed and written anew; the rest of
 * the object's bytes is copied. What such a write skips is what it cannot need: defaults and
 * validation of a part that it does not touch, and the built-in admission plugins, none of which
 * has a say in a status. While a policy or a webhook is configured, writes go the long way.
 */
#ifndef KT_API_SERVER_STATUS_SPLICE_H
#define KT_API_SERVER_STATUS_SPLICE_H

#include "api/server/patch_request.h"

/* Can the request be answered so? */
bool kt_status_splice_fits(struct kt_request *request, enum kt_patch_type type);
/* mutate: prepares the write; state->is_spliced tells the later stages. */
int kt_status_splice(struct kt_request *request, enum kt_patch_type type);

#endif
