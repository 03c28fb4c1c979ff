/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/command/raw.h"

#include "tui/command/session.h"

#include "base/path.h"

#include <errno.h>

#define BODY_MAX_BYTES (64u << 20) /* the server refuses far smaller ones with a reason */

static int read_input(FILE *in, struct kt_str *out, struct kt_err *err)
{
	char piece[16384];
	size_t n;

	while ((n = fread(piece, 1, sizeof(piece), in)) > 0) {
		kt_str_add(out, piece, n);
		if (out->len > BODY_MAX_BYTES)
			return kt_fail(err, EFBIG, "more than %u bytes", BODY_MAX_BYTES);
	}
	return ferror(in) ? kt_fail(err, EIO, "standard input cannot be read") : 0;
}

static int read_body(
        struct kt_command_context *ctx, const char *file, struct kt_str *out, struct kt_err *err)
{
	kt_auto_err why = KT_ERR_INIT;

	if (!strcmp(file, "-"))
		return read_input(ctx->in, out, err);
	if (kt_read_file(file, BODY_MAX_BYTES, out, &why) == 0)
		return 0;
	kt_auto_free char *problem = kt_open_problem(file, why.code);

	return kt_fail(err, why.code, "%s", problem);
}

static int check(struct kt_command_context *ctx, const char *path, bool needs_file)
{
	static const char *const OTHERS[] = {"edit", "output", "dry-run"};
	const struct kt_strings *files = kt_opt_strings(ctx, "filename");

	if (needs_file && !files->n)
		return kt_command_fail(ctx, NULL, "must specify one of -f and -k");
	for (size_t i = 0; needs_file && i < KT_ARRAY_SIZE(OTHERS); i++)
		if (kt_opt_given(ctx, OTHERS[i]))
			return kt_command_fail(
			        ctx, NULL, "--raw and --%s are mutually exclusive", OTHERS[i]);
	if (files->n > 1)
		return kt_command_fail(
		        ctx, NULL, "--raw can only use a single local file or stdin");
	if (*path != '/')
		return kt_command_fail(ctx, NULL,
		        "--raw must be a valid URL path: parse \"%s\": invalid URI for request",
		        path);
	return KT_EXIT_OK;
}

int kt_run_raw(struct kt_command_context *ctx, const char *method, bool needs_file)
{
	const char *path = kt_opt_string(ctx, "raw");
	const struct kt_strings *files = kt_opt_strings(ctx, "filename");
	kt_auto_err err = KT_ERR_INIT;
	kt_auto_str body = KT_STR_INIT;
	int code = check(ctx, path, needs_file);

	if (code != KT_EXIT_OK)
		return code;
	struct kt_client *client = kt_session_client(ctx->session, &err);

	if (!client || (files->n && read_body(ctx, files->items[0], &body, &err) < 0))
		return kt_command_fail(ctx, &err, NULL);
	kt_auto_buf struct kt_buf *bytes = files->n ? kt_buf_from_str(&body) : NULL;
	struct kt_call call = {.method = method, .path = path, .accept = "*/*", .body = bytes};

	if (kt_client_call_wait(client, &call, ctx->cancel) < 0)
		code = kt_command_fail(ctx, &call.err, NULL);
	else
		fwrite(kt_call_body(&call).p, 1, kt_call_body(&call).len, ctx->out);
	kt_call_finish(&call);
	return code;
}
