/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What all writes share: their options, the object before and after, the rules' context, the
 * transaction and its outcome.
 *
 * The walk of a write: decode reads the body; mutate loads what is stored, makes the new object of
 * it, puts in defaults, records who manages which field and asks the mutating admission; default
 * lets the rules prepare it; validate checks it and asks the validating admission; commit writes
 * it, and starts over at mutate when another writer was first. Both rounds of admission may have to
 * wait for webhooks: mutate and validate end with them.
 */
#ifndef KT_API_SERVER_WRITE_H
#define KT_API_SERVER_WRITE_H

#include "api/server/pipeline.h"
#include "api/server/rules/rules.h"

/* dryRun, fieldManager, fieldValidation, force; options: "CreateOptions", "UpdateOptions",
 * "PatchOptions". */
int kt_write_options(struct kt_request *request, const char *options);
/* The media type of the body; 415 for one that is not known. */
int kt_write_media(struct kt_request *request, enum kt_media *ret_media);
/* Decodes the body as `type` (of api_version and kind) into state->body. */
int kt_write_decode(struct kt_request *request, const struct kt_type *type, const char *api_version,
        const char *kind);

/* Forgets what an earlier attempt made. */
void kt_write_begin(struct kt_request *request);
/* Loads state->current and state->old; 404 when the object is not there and missing_ok is false. */
int kt_write_load(struct kt_request *request, bool missing_ok);
/* The name and namespace of the body against those of the path; fills in what is missing. */
int kt_write_check_names(struct kt_request *request, json_t *object);
/* resourceVersion of the new object: a precondition against state->current. */
int kt_write_check_revision(struct kt_request *request);
/* After state->object (and old) are there: defaults, managers, mutating admission. applied:
 * managers are in it already. What it returns is what the stage has to return. */
int kt_write_mutate(struct kt_request *request, bool applied);
/* Fills in what creation gives: namespace, name, uid, creationTimestamp. */
int kt_write_fill_create(struct kt_request *request);

int kt_write_default(struct kt_request *request);
int kt_write_validate(struct kt_request *request);
int kt_write_commit(struct kt_request *request);

/* One more operation in the transaction; key and object are taken over as they are (arena, one
 * reference). */
void kt_write_add_op(struct kt_request *request, struct kt_storage_op op);
/* The object of the tree as it is stored: canonical bytes in the storage version. */
struct kt_object *kt_write_object(struct kt_request *request, const char *key, json_t *tree);
/* Submits what kt_write_add_op() gathered; the answer is the object of the first operation. */
int kt_write_submit(struct kt_request *request);
/* "kubectl", from fieldManager or the User-Agent. */
const char *kt_write_manager(struct kt_request *request);
/* The rules' context of this request, made on first use. operation is set anew each time. */
struct kt_rule_context *kt_write_rules(
        struct kt_request *request, enum kt_rule_operation operation);
/* Warnings of the rules become those of the request. */
void kt_write_take_warnings(struct kt_request *request);

#endif
