/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A strict, incremental parser of HTTP/1.1 requests. It takes exactly what RFC 9112 calls a request
 * and refuses what two readers could understand differently (request smuggling): bare CR or LF,
 * white space before a colon, folded lines, two Content-Lengths, Content-Length beside
 * Transfer-Encoding, any coding but "chunked", signs or blanks in numbers.
 *
 * Embed it; init/finish. Pure: no clock, no descriptor. It consumes bytes up to the next event, so
 * that what follows a request (pipelining) stays with the caller. Limits: limits.h. Source: RFC
 * 9110, RFC 9112; fuzzed by tests/fuzz/fuzz_http1.c.
 */
#ifndef KT_API_SERVER_HTTP_HTTP1_PARSER_H
#define KT_API_SERVER_HTTP_HTTP1_PARSER_H

#include "base/err.h"
#include "base/str.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>

enum kt_http1_event {
	KT_HTTP1_MORE,  /* all input is used up; nothing to tell yet */
	KT_HTTP1_HEAD,  /* method, target and headers are there */
	KT_HTTP1_BODY,  /* a piece of the body */
	KT_HTTP1_DONE,  /* the request is complete; the next call begins another */
	KT_HTTP1_ERROR, /* err->status says with what to answer; the connection cannot go on */
};

struct kt_http1_field {
	struct kt_sv name; /* lower case */
	struct kt_sv value;
};

struct kt_http1_parser {
	struct kt_str head; /* bytes of the head so far; the slices below point into it until the
	                       next request begins */
	size_t scanned;     /* of head: no end was found before here */
	struct kt_str line; /* chunk-size line or trailer section under way */
	size_t trailer_bytes;
	uint64_t body_left; /* of the body, or of the chunk */
	int state;

	struct kt_sv method;
	struct kt_sv target; /* origin form; an absolute form is cut down to it */
	struct kt_sv host;   /* of an absolute form; else empty */
	KT_VEC(struct kt_http1_field) fields;
	int64_t content_length; /* -1: none was given */
	bool chunked;
	bool is_11; /* HTTP/1.1, not 1.0 */
	bool keep_alive;
	bool expect_continue;
};

void kt_http1_parser_init(struct kt_http1_parser *parser);
void kt_http1_parser_finish(struct kt_http1_parser *parser);
/* Uses *ret_used bytes of input. BODY: *ret_piece is inside input. */
enum kt_http1_event kt_http1_parser_next(struct kt_http1_parser *parser, struct kt_sv input,
        size_t *ret_used, struct kt_sv *ret_piece, struct kt_err *err);

#endif
