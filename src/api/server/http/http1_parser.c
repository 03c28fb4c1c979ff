/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/http/http1_parser.h"

#include "api/server/limits.h"

#include <errno.h>

enum state {
	STATE_HEAD,
	STATE_HEAD_TOLD, /* HEAD was returned; the body begins */
	STATE_BODY,
	STATE_CHUNK_SIZE,
	STATE_CHUNK_DATA,
	STATE_CHUNK_END,
	STATE_TRAILER,
	STATE_DONE,
	STATE_FAILED,
};

void kt_http1_parser_init(struct kt_http1_parser *parser)
{
	*parser = (struct kt_http1_parser){.content_length = -1};
}

void kt_http1_parser_finish(struct kt_http1_parser *parser)
{
	kt_str_finish(&parser->head);
	kt_str_finish(&parser->line);
	kt_vec_finish(&parser->fields);
}

static int refuse(struct kt_err *err, int status, const char *why)
{
	kt_fail(err, EBADMSG, "%s", why);
	if (err)
		err->status = status;
	return -EBADMSG;
}

/* tchar of RFC 9110 section 5.6.2. */
static bool is_token_char(unsigned char c)
{
	if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
		return true;
	return c && strchr("!#$%&'*+-.^_`|~", c);
}

static bool is_token(struct kt_sv s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_token_char((unsigned char)s.p[i]))
			return false;
	return s.len > 0;
}

/* field-vchar, blanks and tabs; obs-text is let through as Go does. */
static bool is_field_value(struct kt_sv s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct kt_sv trim_blanks(struct kt_sv s)
{
	while (s.len && is_blank(s.p[0]))
		s.p++, s.len--;
	while (s.len && is_blank(s.p[s.len - 1]))
		s.len--;
	return s;
}

static bool equals_nocase(struct kt_sv s, const char *text)
{
	return s.len == strlen(text) && !strncasecmp(s.p, text, s.len);
}

/* "http://host/path" -> host, "/path" (RFC 9112 section 3.2.2: a server must take it). */
static int cut_absolute_target(struct kt_http1_parser *parser, struct kt_err *err)
{
	struct kt_sv t = parser->target;
	size_t scheme = t.len >= 8 && !strncasecmp(t.p, "https://", 8) ? 8 : 7;
	size_t i;

	if (t.len < 8 || (scheme == 7 && strncasecmp(t.p, "http://", 7)))
		return refuse(err, 400, "malformed request target");
	for (i = scheme; i < t.len && t.p[i] != '/' && t.p[i] != '?'; i++)
		;
	if (i == scheme)
		return refuse(err, 400, "malformed request target");
	parser->host = (struct kt_sv){t.p + scheme, i - scheme};
	parser->target = (struct kt_sv){t.p + i, t.len - i};
	if (i == t.len)
		parser->target = KT_SV("/");
	else if (t.p[i] == '?')
		return refuse(err, 400, "malformed request target");
	return 0;
}

static int parse_target(struct kt_http1_parser *parser, struct kt_err *err)
{
	struct kt_sv t = parser->target;

	if (t.len == 0)
		return refuse(err, 400, "malformed request target");
	for (size_t i = 0; i < t.len; i++)
		if ((unsigned char)t.p[i] <= 0x20 || (unsigned char)t.p[i] >= 0x7f)
			return refuse(err, 400, "malformed request target");
	if (t.p[0] == '/' || kt_sv_is(t, "*"))
		return 0;
	return cut_absolute_target(parser, err);
}

static int parse_request_line(struct kt_http1_parser *parser, struct kt_sv line, struct kt_err *err)
{
	struct kt_sv rest = line, version;

	if (!kt_sv_split(&rest, ' ', &parser->method) ||
	        !kt_sv_split(&rest, ' ', &parser->target) || !rest.p)
		return refuse(err, 400, "malformed request line");
	version = rest;
	if (!is_token(parser->method))
		return refuse(err, 400, "malformed method");
	if (version.len != 8 || strncmp(version.p, "HTTP/", 5) || version.p[6] != '.')
		return refuse(err, 400, "malformed HTTP version");
	if (version.p[5] != '1' || (version.p[7] != '0' && version.p[7] != '1'))
		return refuse(err, 505, "unsupported HTTP version");
	parser->keep_alive = parser->is_11 = version.p[7] == '1';
	return parse_target(parser, err);
}

/* Splits "Name: value" and lowers the name in place. */
static int parse_field(char *p, size_t len, struct kt_http1_field *ret_field, struct kt_err *err)
{
	char *colon = memchr(p, ':', len);

	if (!colon || !is_token((struct kt_sv){p, (size_t)(colon - p)}))
		return refuse(err, 400, "malformed header field");
	for (char *c = p; c < colon; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c + ('a' - 'A'));
	ret_field->name = (struct kt_sv){p, (size_t)(colon - p)};
	ret_field->value = trim_blanks((struct kt_sv){colon + 1, len - ret_field->name.len - 1});
	if (!is_field_value(ret_field->value))
		return refuse(err, 400, "malformed header value");
	return 0;
}

/* Every line ends in CRLF, and CR or LF stand nowhere else. */
static int next_line(struct kt_sv *rest, char **ret_line, size_t *ret_len, struct kt_err *err)
{
	const char *end = memchr(rest->p, '\n', rest->len);
	size_t len = end ? (size_t)(end - rest->p) : 0;

	if (!end || len == 0 || end[-1] != '\r' || memchr(rest->p, '\r', len - 1))
		return refuse(err, 400, "malformed line ending");
	*ret_line = (char *)(uintptr_t)rest->p;
	*ret_len = len - 1;
	rest->p += len + 1;
	rest->len -= len + 1;
	return 0;
}

static int parse_content_length(
        struct kt_http1_parser *parser, struct kt_sv value, struct kt_err *err)
{
	int64_t n = 0;

	if (parser->content_length >= 0)
		return refuse(err, 400, "more than one Content-Length");
	if (value.len == 0 || value.len > 18)
		return refuse(err, 400, "malformed Content-Length");
	for (size_t i = 0; i < value.len; i++) {
		if (value.p[i] < '0' || value.p[i] > '9')
			return refuse(err, 400, "malformed Content-Length");
		n = n * 10 + (value.p[i] - '0');
	}
	parser->content_length = n;
	return 0;
}

static void parse_connection(struct kt_http1_parser *parser, struct kt_sv value)
{
	struct kt_sv option;

	while (kt_sv_split(&value, ',', &option)) {
		option = trim_blanks(option);
		if (equals_nocase(option, "close"))
			parser->keep_alive = false;
	}
}

static int parse_framing_field(struct kt_http1_parser *parser, const struct kt_http1_field *field,
        int *n_hosts, struct kt_err *err)
{
	if (kt_sv_is(field->name, "content-length"))
		return parse_content_length(parser, field->value, err);
	if (kt_sv_is(field->name, "transfer-encoding")) {
		if (parser->chunked || !equals_nocase(field->value, "chunked"))
			return refuse(err, 501, "unsupported transfer encoding");
		parser->chunked = true;
	} else if (kt_sv_is(field->name, "connection")) {
		parse_connection(parser, field->value);
	} else if (kt_sv_is(field->name, "expect")) {
		if (!equals_nocase(field->value, "100-continue"))
			return refuse(err, 417, "unsupported expectation");
		parser->expect_continue = true;
	} else if (kt_sv_is(field->name, "host")) {
		(*n_hosts)++;
	}
	return 0;
}

static int check_framing(const struct kt_http1_parser *parser, int n_hosts, struct kt_err *err)
{
	if (parser->chunked && parser->content_length >= 0)
		return refuse(err, 400, "Content-Length beside Transfer-Encoding");
	if (parser->chunked && !parser->is_11)
		return refuse(err, 400, "Transfer-Encoding in HTTP/1.0");
	if (n_hosts > 1)
		return refuse(err, 400, "too many Host headers");
	if (parser->is_11 && n_hosts == 0)
		return refuse(err, 400, "missing required Host header");
	return 0;
}

static int parse_head(struct kt_http1_parser *parser, struct kt_err *err)
{
	struct kt_sv rest = {parser->head.data, parser->head.len};
	int n_hosts = 0;
	char *line;
	size_t len;
	int r = next_line(&rest, &line, &len, err);

	if (r >= 0)
		r = parse_request_line(parser, (struct kt_sv){line, len}, err);
	if (r < 0)
		return r;
	while ((r = next_line(&rest, &line, &len, err)) == 0 && len > 0) {
		struct kt_http1_field field;

		if (parser->fields.n == KT_HTTP_HEADERS_MAX)
			return refuse(err, 431, "too many header fields");
		r = parse_field(line, len, &field, err);
		if (r >= 0)
			r = parse_framing_field(parser, &field, &n_hosts, err);
		if (r < 0)
			return r;
		kt_vec_push(&parser->fields, field);
	}
	if (r < 0)
		return r;
	return check_framing(parser, n_hosts, err);
}

/* Where the empty line ends; 0: not there yet. A bare LF counts as an end too, so that it is
 * refused at once. */
static size_t find_head_end(const struct kt_str *head, size_t from)
{
	for (size_t i = from; i < head->len; i++) {
		if (head->data[i] != '\n')
			continue;
		if (i == 0 || head->data[i - 1] != '\r')
			return i + 1;
		if (i >= 3 && !memcmp(head->data + i - 3, "\r\n\r", 3))
			return i + 1;
	}
	return 0;
}

static enum kt_http1_event take_head(
        struct kt_http1_parser *parser, struct kt_sv input, size_t *ret_used, struct kt_err *err)
{
	size_t before = parser->head.len, room = KT_HTTP_HEAD_BYTES_MAX - before, end;

	kt_str_add(&parser->head, input.p, KT_MIN(input.len, room));
	end = find_head_end(&parser->head, parser->scanned);
	if (!end) {
		*ret_used = parser->head.len - before;
		parser->scanned = parser->head.len;
		if (parser->head.len < KT_HTTP_HEAD_BYTES_MAX)
			return KT_HTTP1_MORE;
		refuse(err, 431, "request header fields too large");
		return KT_HTTP1_ERROR;
	}
	*ret_used = end - before;
	kt_str_truncate(&parser->head, end);
	if (parse_head(parser, err) < 0)
		return KT_HTTP1_ERROR;
	parser->state = STATE_HEAD_TOLD;
	return KT_HTTP1_HEAD;
}

static enum kt_http1_event take_body(struct kt_http1_parser *parser, struct kt_sv input,
        size_t *ret_used, struct kt_sv *ret_piece)
{
	size_t n = KT_MIN(input.len, parser->body_left);

	*ret_used = n;
	*ret_piece = (struct kt_sv){input.p, n};
	parser->body_left -= n;
	return n ? KT_HTTP1_BODY : KT_HTTP1_MORE;
}

/* Collects a line up to and with its LF. 1: complete, 0: more input is needed. */
static int take_line(
        struct kt_http1_parser *parser, struct kt_sv input, size_t *ret_used, struct kt_err *err)
{
	const char *end = memchr(input.p, '\n', input.len);
	size_t n = end ? (size_t)(end - input.p) + 1 : input.len;

	if (parser->line.len + n > KT_HTTP_CHUNK_LINE_BYTES_MAX && parser->state != STATE_TRAILER)
		return refuse(err, 400, "chunk line too long");
	if (parser->trailer_bytes + parser->line.len + n > KT_HTTP_TRAILER_BYTES_MAX)
		return refuse(err, 431, "trailer section too large");
	kt_str_add(&parser->line, input.p, n);
	*ret_used = n;
	if (!end)
		return 0;
	n = parser->line.len;
	if (n < 2 || parser->line.data[n - 2] != '\r' || memchr(parser->line.data, '\r', n - 2))
		return refuse(err, 400, "malformed line ending");
	kt_str_truncate(&parser->line, n - 2);
	return 1;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static int parse_chunk_size(struct kt_http1_parser *parser, struct kt_err *err)
{
	const char *p = kt_str_text(&parser->line);
	uint64_t size = 0;
	int n = 0;

	for (int digit; (digit = hex_digit(p[n])) >= 0; n++) {
		if (n == 15)
			return refuse(err, 400, "chunk too large");
		size = size * 16 + (uint64_t)digit;
	}
	/* Extensions are let through unread; they are plain text up to the line's end. */
	if (n == 0 || (p[n] && p[n] != ';') ||
	        !is_field_value((struct kt_sv){p + n, parser->line.len - (size_t)n}))
		return refuse(err, 400, "malformed chunk size");
	parser->body_left = size;
	parser->state = size ? STATE_CHUNK_DATA : STATE_TRAILER;
	kt_str_clear(&parser->line);
	return 0;
}

/* Trailer fields are checked and dropped: nothing here reads them. */
static int parse_trailer_line(struct kt_http1_parser *parser, struct kt_err *err)
{
	struct kt_http1_field field;

	if (parser->line.len == 0) {
		parser->state = STATE_DONE;
		return 0;
	}
	parser->trailer_bytes += parser->line.len;
	int r = parse_field(parser->line.data, parser->line.len, &field, err);
	kt_str_clear(&parser->line);
	return r;
}

static int parse_chunk_end(struct kt_http1_parser *parser, struct kt_err *err)
{
	if (parser->line.len)
		return refuse(err, 400, "malformed chunk end");
	parser->state = STATE_CHUNK_SIZE;
	return 0;
}

static void begin_body(struct kt_http1_parser *parser)
{
	parser->body_left = parser->content_length > 0 ? (uint64_t)parser->content_length : 0;
	parser->state = parser->chunked ? STATE_CHUNK_SIZE : STATE_BODY;
}

static void begin_request(struct kt_http1_parser *parser)
{
	struct kt_http1_parser next = {
	        .head = parser->head, .line = parser->line, .content_length = -1};

	kt_str_clear(&next.head);
	kt_str_clear(&next.line);
	next.fields.items = parser->fields.items;
	next.fields.cap = parser->fields.cap;
	*parser = next;
}

/* One step that may or may not end in an event. */
static enum kt_http1_event step(struct kt_http1_parser *parser, struct kt_sv input,
        size_t *ret_used, struct kt_sv *ret_piece, struct kt_err *err)
{
	int r;

	switch ((enum state)parser->state) {
	case STATE_HEAD:
		return take_head(parser, input, ret_used, err);
	case STATE_BODY:
	case STATE_CHUNK_DATA:
		return take_body(parser, input, ret_used, ret_piece);
	default:
		break;
	}
	r = take_line(parser, input, ret_used, err);
	if (r == 1 && parser->state == STATE_CHUNK_SIZE)
		r = parse_chunk_size(parser, err);
	else if (r == 1 && parser->state == STATE_CHUNK_END)
		r = parse_chunk_end(parser, err);
	else if (r == 1)
		r = parse_trailer_line(parser, err);
	if (r < 0)
		return KT_HTTP1_ERROR;
	return parser->state == STATE_DONE ? KT_HTTP1_DONE : KT_HTTP1_MORE;
}

/* States that end without a byte of input. */
static bool settle(struct kt_http1_parser *parser)
{
	if (parser->state == STATE_HEAD_TOLD)
		begin_body(parser);
	if (parser->state == STATE_CHUNK_DATA && parser->body_left == 0)
		parser->state = STATE_CHUNK_END;
	if (parser->state == STATE_BODY && parser->body_left == 0) {
		parser->state = STATE_DONE;
		return true;
	}
	return false;
}

enum kt_http1_event kt_http1_parser_next(struct kt_http1_parser *parser, struct kt_sv input,
        size_t *ret_used, struct kt_sv *ret_piece, struct kt_err *err)
{
	*ret_used = 0;
	if (parser->state == STATE_FAILED) {
		refuse(err, 400, "malformed request");
		return KT_HTTP1_ERROR;
	}
	if (parser->state == STATE_DONE && input.len > 0)
		begin_request(parser);
	for (;;) {
		enum kt_http1_event event;
		size_t used = 0;

		if (settle(parser))
			return KT_HTTP1_DONE;
		if (input.len == 0)
			return KT_HTTP1_MORE;
		event = step(parser, input, &used, ret_piece, err);
		*ret_used += used;
		input.p += used;
		input.len -= used;
		if (event == KT_HTTP1_ERROR)
			parser->state = STATE_FAILED;
		if (event != KT_HTTP1_MORE)
			return event;
	}
}
