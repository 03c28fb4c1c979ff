/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The whole pipeline on a store in memory, asked by in-process clients: what the tests of this
 * folder share. One thread; the loop turns only while a test waits. setup() and teardown() are
 * cmocka's, the state is a struct kt_pipeline. */
#ifndef KT_TESTS_API_PIPELINE_H
#define KT_TESTS_API_PIPELINE_H

#include "support/support.h"

#include "api/client/calls.h"

struct kt_server;
struct kt_storage;

struct kt_pipeline {
	struct kt_loop *loop;
	struct kt_storage *storage;
	struct kt_server *server;
	struct kt_client *admin, *jane; /* one who may do all, one who may do nothing */
};

struct kt_waited {
	struct kt_call call;
	bool done;
};

int kt_pipeline_setup(void **state);
int kt_pipeline_teardown(void **state);
/* The call's done hook. */
void kt_pipeline_on_done(struct kt_call *call);
void kt_pipeline_turn_until(struct kt_pipeline *f, const bool *flag);
/* One call to its end. The caller finishes it. */
void kt_pipeline_request(struct kt_pipeline *f, struct kt_client *client, struct kt_waited *w,
        const char *method, const char *path, const char *content_type, const char *body);
/* The same, when only the status matters. */
int kt_pipeline_status(struct kt_pipeline *f, struct kt_client *client, const char *method,
        const char *path, const char *body);
/* The object or the list at the path, which must be there. The caller releases it. */
json_t *kt_pipeline_read(struct kt_pipeline *f, const char *path);

#endif
