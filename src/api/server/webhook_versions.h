/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where a request of a custom resource meets the webhook that converts its versions
 * (webhook_conversion.h). What is stored is in the storage version; a request that speaks another
 * has the object converted before the write begins, back before it is stored, and once more for the
 * answer. Stages of the pipeline; all of them are nothing for other kinds.
 *
 * A deletion changes nothing but metadata: that is put into the stored version as it is. Not
 * converted are the list that a deletion of many answers with, what in-process watches see, and the
 * field sets that managers of another version own.
 */
#ifndef KT_API_SERVER_WEBHOOK_VERSIONS_H
#define KT_API_SERVER_WEBHOOK_VERSIONS_H

#include "api/server/pipeline.h"

/* Stages; 0, KT_STAGE_WAIT or negative with request->err. */
int kt_convert_current(struct kt_request *request);
int kt_convert_back(struct kt_request *request);
int kt_convert_answer(struct kt_request *request);
/* At the end of a commit: the objects of a list are replaced by converted ones. */
int kt_convert_list(struct kt_request *request, struct kt_storage_list *list);

/* state->current as a new tree of the request's version. NULL: it was written anew since
 * kt_convert_current(), which has to be run again (kt_convert_again()). */
json_t *kt_convert_old(const struct kt_request_state *state);
/* Should the failed stage be repeated from kt_convert_current() on? Clears the wish. */
bool kt_convert_again(struct kt_request *request);
/* The tree (state->object, or that with other metadata) as it is stored; a new reference. */
json_t *kt_convert_stored(const struct kt_request_state *state, json_t *tree);

void kt_convert_abort(struct kt_request *request);
void kt_convert_finish(struct kt_request *request);

#endif
