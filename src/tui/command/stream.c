/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/command/stream.h"

#include <errno.h>

struct stream {
	struct kt_call call;
	struct kt_str line;
	kt_stream_fn *fn;
	void *arg;
};

static void on_data(struct kt_call *call, struct kt_sv piece)
{
	struct stream *stream = kt_container_of(call, struct stream, call);
	char *end;

	kt_str_add(&stream->line, piece.p, piece.len);
	while (stream->line.len && (end = memchr(stream->line.data, '\n', stream->line.len))) {
		size_t used = (size_t)(end - stream->line.data) + 1;
		kt_auto_json json_t *event =
		        kt_json_parse((struct kt_sv){stream->line.data, used - 1}, NULL, NULL);

		if (event)
			stream->fn(stream->arg, event);
		memmove(stream->line.data, stream->line.data + used, stream->line.len - used);
		kt_str_truncate(&stream->line, stream->line.len - used);
	}
}

int kt_stream_watch(struct kt_command_context *ctx, const char *path, const char *accept,
        kt_stream_fn *fn, void *arg, struct kt_err *err)
{
	struct kt_client *client = kt_session_client(ctx->session, err);
	struct stream stream = {
	        .call = {.method = "GET",
	                .path = path,
	                .on_data = on_data,
	                .accept = accept,
	                .timeout_ms = kt_request_timeout_ms(ctx)},
	        .fn = fn,
	        .arg = arg,
	};

	if (!client)
		return err->code;
	int r = kt_client_call_wait(client, &stream.call, ctx->cancel);

	bool over = r == -ECANCELED || (r == -ETIMEDOUT && stream.call.timeout_ms);

	if (r < 0 && !over)
		kt_err_move(err, &stream.call.err);
	kt_call_finish(&stream.call);
	kt_str_finish(&stream.line);
	return over ? 0 : r;
}
