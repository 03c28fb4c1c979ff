/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz: kt_server */
/* The HTTP/1.1 parser: however a request is cut into pieces, it is read the same. */
#include "fuzz/fuzz.h"

#include "api/server/http/http1_parser.h"
#include "api/server/limits.h"
#include "base/log.h"

/* What a parser told, as text that two runs can be compared by. */
static void note(const struct kt_http1_parser *parser, struct kt_str *out)
{
	kt_assert(parser->method.len > 0 && parser->target.len > 0);
	kt_assert(parser->fields.n <= KT_HTTP_HEADERS_MAX);
	kt_assert(!(parser->chunked && parser->content_length >= 0));
	kt_str_add(out, parser->method.p, parser->method.len);
	kt_str_putc(out, ' ');
	kt_str_add(out, parser->target.p, parser->target.len);
	kt_str_printf(out, " %d %d %lld\n", parser->keep_alive, parser->chunked,
	        (long long)parser->content_length);
	for (size_t i = 0; i < parser->fields.n; i++) {
		kt_assert(parser->fields.items[i].name.len > 0);
		kt_assert(!memchr(
		        parser->fields.items[i].value.p, '\n', parser->fields.items[i].value.len));
		kt_str_add(out, parser->fields.items[i].name.p, parser->fields.items[i].name.len);
		kt_str_putc(out, ':');
		kt_str_add(out, parser->fields.items[i].value.p, parser->fields.items[i].value.len);
		kt_str_putc(out, '\n');
	}
}

/* False: the input was refused. */
static bool feed(struct kt_http1_parser *parser, struct kt_sv input, struct kt_str *out)
{
	for (;;) {
		kt_auto_err err = KT_ERR_INIT;
		struct kt_sv piece = {NULL, 0};
		size_t used = 0;
		enum kt_http1_event event =
		        kt_http1_parser_next(parser, input, &used, &piece, &err);

		kt_assert(used <= input.len);
		input.p += used;
		input.len -= used;
		switch (event) {
		case KT_HTTP1_MORE:
			kt_assert(input.len == 0);
			return true;
		case KT_HTTP1_HEAD:
			note(parser, out);
			break;
		case KT_HTTP1_BODY:
			kt_assert(piece.len > 0);
			kt_str_add(out, piece.p, piece.len);
			break;
		case KT_HTTP1_DONE:
			kt_str_puts(out, "\nDONE\n");
			break;
		case KT_HTTP1_ERROR:
			kt_assert(err.status >= 400 && err.status < 600);
			return false;
		}
	}
}

/* step 0: all at once. */
static void run(struct kt_sv input, size_t step, struct kt_str *out)
{
	struct kt_http1_parser parser;

	kt_http1_parser_init(&parser);
	do {
		struct kt_sv part = {input.p, step && step < input.len ? step : input.len};

		if (!feed(&parser, part, out))
			break;
		input.p += part.len;
		input.len -= part.len;
	} while (input.len);
	kt_http1_parser_finish(&parser);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kt_sv input = {(const char *)data, size};
	kt_auto_str whole = KT_STR_INIT, bytes = KT_STR_INIT, pieces = KT_STR_INIT;

	run(input, 0, &whole);
	run(input, 1, &bytes);
	run(input, 7, &pieces);
	kt_assert(whole.len == bytes.len && whole.len == pieces.len);
	kt_assert(!whole.len || (!memcmp(whole.data, bytes.data, whole.len) &&
	                                !memcmp(whole.data, pieces.data, whole.len)));
	return 0;
}
