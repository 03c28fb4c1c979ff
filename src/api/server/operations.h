/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * All the ways a request can be answered, and which one a route means. One file per group of
 * operations; a new sub-resource or document is an entry in the tables of operations.c and its
 * functions.
 */
#ifndef KT_API_SERVER_OPERATIONS_H
#define KT_API_SERVER_OPERATIONS_H

#include "api/server/pipeline.h"

/*
 * Finds kind, sub-resource and operation of the route and agrees on the form of the answer. 404,
 * 405, 406 otherwise. Called when the caller is known to be allowed to ask.
 */
int kt_operation_find(struct kt_request *request);

/* 404 and 405 in the words of the generic handlers. */
int kt_fail_no_resource(struct kt_err *err);
int kt_fail_no_method(struct kt_err *err);

/* resources: read.c, list.c, watch.c, write.c, patch.c, delete.c, collection.c */
extern const struct kt_operation kt_operation_get;
extern const struct kt_operation kt_operation_list;
extern const struct kt_operation kt_operation_watch;
extern const struct kt_operation kt_operation_create;
extern const struct kt_operation kt_operation_update;
extern const struct kt_operation kt_operation_patch;
extern const struct kt_operation kt_operation_delete;
extern const struct kt_operation kt_operation_deletecollection;

#endif
