/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/http/http1_parser.h"
#include "api/server/limits.h"
#include "support/support.h"

/* Feeds text in pieces of `step` bytes and writes what happened: "HEAD GET /x; BODY abc; DONE; …",
 * "ERROR 400". */
static void trace(const char *text, size_t len, size_t step, struct kt_str *out)
{
	struct kt_http1_parser parser;
	kt_auto_str body = KT_STR_INIT;
	size_t at = 0;

	kt_http1_parser_init(&parser);
	for (size_t end = KT_MIN(step, len); at <= len;) {
		kt_auto_err err = KT_ERR_INIT;
		struct kt_sv piece = {NULL, 0};
		size_t used = 0;
		enum kt_http1_event event = kt_http1_parser_next(
		        &parser, (struct kt_sv){text + at, end - at}, &used, &piece, &err);

		at += used;
		assert_true(at <= end);
		if (event == KT_HTTP1_MORE) {
			assert_int_equal(at, end);
			if (end == len)
				break;
			end = KT_MIN(end + step, len);
		} else if (event == KT_HTTP1_HEAD) {
			kt_str_printf(out, "HEAD %.*s %.*s%s; ", (int)parser.method.len,
			        parser.method.p, (int)parser.target.len, parser.target.p,
			        parser.keep_alive ? "" : " close");
		} else if (event == KT_HTTP1_BODY) {
			kt_str_add(&body, piece.p, piece.len);
		} else if (event == KT_HTTP1_DONE) {
			kt_str_printf(out, "DONE [%s]; ", kt_str_text(&body));
			kt_str_clear(&body);
		} else {
			assert_true(err.code < 0);
			kt_str_printf(out, "ERROR %d", err.status);
			break;
		}
	}
	kt_http1_parser_finish(&parser);
}

static void check(const char *text, const char *expected)
{
	static const size_t steps[] = {1, 2, 3, 7, 1000000};

	for (size_t i = 0; i < KT_ARRAY_SIZE(steps); i++) {
		kt_auto_str out = KT_STR_INIT;

		trace(text, strlen(text), steps[i], &out);
		assert_string_equal(kt_str_text(&out), expected);
	}
}

#define H "Host: a\r\n"

static void test_requests(void **state)
{
	(void)state;
	check("GET /x?y=1 HTTP/1.1\r\n" H "\r\n", "HEAD GET /x?y=1; DONE []; ");
	check("GET / HTTP/1.0\r\n\r\n", "HEAD GET / close; DONE []; ");
	check("GET / HTTP/1.1\r\n" H "Connection: foo , CLOSE\r\n\r\n",
	        "HEAD GET / close; DONE []; ");
	check("POST /p HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nabcde",
	        "HEAD POST /p; DONE [abcde]; ");
	check("GET https://h:1/a?b HTTP/1.1\r\n" H "\r\n", "HEAD GET /a?b; DONE []; ");
	check("GET http://h HTTP/1.1\r\n" H "\r\n", "HEAD GET /; DONE []; ");
}

static void test_pipelining(void **state)
{
	(void)state;
	check("PUT /1 HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nabGET /2 HTTP/1.1\r\n" H
	      "\r\nGET /3 HTTP/1.1\r\n" H "\r\n",
	        "HEAD PUT /1; DONE [ab]; HEAD GET /2; DONE []; HEAD GET /3; DONE []; ");
}

static void test_chunks(void **state)
{
	(void)state;
	check("POST /p HTTP/1.1\r\n" H
	      "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nT: "
	      "v\r\n\r\nGET /2 HTTP/1.1\r\n" H "\r\n",
	        "HEAD POST /p; DONE [abc0123456789]; HEAD GET /2; DONE []; ");
}

/* Each of these has fooled some pair of servers. */
static void test_smuggling_is_refused(void **state)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
	        {"GET / HTTP/1.1\n" H "\n", "ERROR 400"},
	        {"GET / HTTP/1.1\r\nHost: a\n\r\n", "ERROR 400"},
	        {"GET / HTTP/1.1\r\n" H "X: a\rb\r\n\r\n", "ERROR 400"},
	        {"GET / HTTP/1.1\r\n" H "X : a\r\n\r\n", "ERROR 400"},
	        {"GET / HTTP/1.1\r\n" H " X: a\r\n\r\n", "ERROR 400"},
	        {"GET / HTTP/1.1\r\n" H "X: a\r\n b\r\n\r\n", "ERROR 400"},
	        {"GET / HTTP/1.1\r\n" H ": a\r\n\r\n", "ERROR 400"},
	        {"GET / HTTP/1.1\r\n" H "X\r\n\r\n", "ERROR 400"},
	        {"GET / HTTP/1.1\r\nX: a\r\n\r\n", "ERROR 400"},
	        {"GET / HTTP/1.1\r\n" H H "\r\n", "ERROR 400"},
	        {"POST / HTTP/1.1\r\n" H "Content-Length: 1\r\nContent-Length: 1\r\n\r\na",
	                "ERROR 400"},
	        {"POST / HTTP/1.1\r\n" H "Content-Length: +1\r\n\r\na", "ERROR 400"},
	        {"POST / HTTP/1.1\r\n" H "Content-Length: 1, 1\r\n\r\na", "ERROR 400"},
	        {"POST / HTTP/1.1\r\n" H "Content-Length:\r\n\r\na", "ERROR 400"},
	        {"POST / HTTP/1.1\r\n" H "Content-Length: 9999999999999999999\r\n\r\na",
	                "ERROR 400"},
	        {"POST / HTTP/1.1\r\n" H
	         "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	                "ERROR 400"},
	        {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "ERROR 400"},
	        {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n", "ERROR 501"},
	        {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n", "ERROR 501"},
	        {"POST / HTTP/1.1\r\n" H
	         "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
	                "ERROR 501"},
	        {"GET  / HTTP/1.1\r\n" H "\r\n", "ERROR 400"},
	        {"GET /a b HTTP/1.1\r\n" H "\r\n", "ERROR 400"},
	        {"GET / HTTP/2.0\r\n" H "\r\n", "ERROR 505"},
	        {"GET / http/1.1\r\n" H "\r\n", "ERROR 400"},
	        {"G@T / HTTP/1.1\r\n" H "\r\n", "ERROR 400"},
	        {"GET a HTTP/1.1\r\n" H "\r\n", "ERROR 400"},
	        {"GET /\x01 HTTP/1.1\r\n" H "\r\n", "ERROR 400"},
	        {"GET / HTTP/1.1\r\n" H "X: \x01\r\n\r\n", "ERROR 400"},
	        {"GET / HTTP/1.1\r\n" H "Expect: teapot\r\n\r\n", "ERROR 417"},
	};

	(void)state;
	for (size_t i = 0; i < KT_ARRAY_SIZE(cases); i++)
		check(cases[i].text, cases[i].expected);
}

static void test_bad_chunks_are_refused(void **state)
{
	static const char *const bodies[] = {
	        "\r\n",
	        "x\r\n",
	        "0x1\r\na\r\n",
	        "-1\r\n",
	        " 1\r\na\r\n",
	        "1 \r\na\r\n",
	        "1\na\r\n",
	        "fffffffffffffffff\r\n",
	        "1\r\nab\r\n",
	        "1;\x01\r\na\r\n",
	        "0\r\n bad\r\n\r\n",
	        "0\r\nT : v\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < KT_ARRAY_SIZE(bodies); i++) {
		kt_auto_free char *text = kt_asprintf(
		        "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n%s", bodies[i]);

		check(text, "HEAD POST /; ERROR 400");
	}
}

static void test_limits(void **state)
{
	kt_auto_str text = KT_STR_INIT, out = KT_STR_INIT;

	(void)state;
	kt_str_puts(&text, "GET / HTTP/1.1\r\n" H "X: ");
	while (text.len < KT_HTTP_HEAD_BYTES_MAX + 10)
		kt_str_putc(&text, 'a');
	trace(text.data, text.len, 1000, &out);
	assert_string_equal(kt_str_text(&out), "ERROR 431");

	kt_str_clear(&text);
	kt_str_clear(&out);
	kt_str_puts(&text, "GET / HTTP/1.1\r\n" H);
	for (int i = 0; i < KT_HTTP_HEADERS_MAX; i++)
		kt_str_puts(&text, "A:b\r\n");
	kt_str_puts(&text, "\r\n");
	trace(text.data, text.len, 1000, &out);
	assert_string_equal(kt_str_text(&out), "ERROR 431");
}

static void test_fields(void **state)
{
	static const char text[] =
	        "GET / HTTP/1.1\r\nHOST:a\r\nX-Mixed-Case: \t v w \t\r\nEmpty:\r\n\r\n";
	struct kt_http1_parser parser;
	struct kt_sv piece;
	size_t used;

	(void)state;
	kt_http1_parser_init(&parser);
	assert_int_equal(
	        kt_http1_parser_next(&parser, KT_SV(text), &used, &piece, NULL), KT_HTTP1_HEAD);
	assert_int_equal(parser.fields.n, 3);
	assert_true(kt_sv_is(parser.fields.items[0].name, "host"));
	assert_true(kt_sv_is(parser.fields.items[1].name, "x-mixed-case"));
	assert_true(kt_sv_is(parser.fields.items[1].value, "v w"));
	assert_true(kt_sv_is(parser.fields.items[2].value, ""));
	kt_http1_parser_finish(&parser);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_requests),
	        cmocka_unit_test(test_pipelining),
	        cmocka_unit_test(test_chunks),
	        cmocka_unit_test(test_smuggling_is_refused),
	        cmocka_unit_test(test_bad_chunks_are_refused),
	        cmocka_unit_test(test_limits),
	        cmocka_unit_test(test_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
