/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The encode stage: objects, lists, Status and text in the form and media type that the request
 * agreed on. Objects whose stored bytes are what the client reads are copied, never parsed.
 */
#ifndef KT_API_SERVER_ENCODE_H
#define KT_API_SERVER_ENCODE_H

#include "api/server/pipeline.h"

/* The answer from state->stored, or else from state->result (of result_type). */
int kt_encode_result(struct kt_request *request);
/* A list of objects of the request's kind. Consumes nothing. */
struct kt_encode_list {
	struct kt_object *const *objects;
	size_t n;
	int64_t revision;
	const char *continue_token; /* "": none */
	int64_t remaining;          /* 0: not said */
};
int kt_encode_list(struct kt_request *request, const struct kt_encode_list *list);

/* One object in the request's form and media type, appended to out. `first`: tables carry their
 * column definitions. */
int kt_encode_one(
        struct kt_request *request, const struct kt_object *object, bool first, struct kt_str *out);

/* Tree as JSON, YAML or protobuf of `type`; type NULL: JSON and YAML alone. */
int kt_encode_tree(
        struct kt_request *request, int status, const struct kt_type *type, const json_t *tree);
void kt_encode_text(
        struct kt_request *request, int status, const char *content_type, struct kt_sv text);
/* request->err as Status. */
void kt_encode_error(struct kt_request *request);
/* The Status tree of request->err, with what is known about the request in its details. */
json_t *kt_encode_status(const struct kt_request *request);
void kt_encode_warnings(struct kt_request *request);

#endif
