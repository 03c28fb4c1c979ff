/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GET /kube-tui/snapshot: all of the store as one file (cluster/store says in which form), for
 * `kube-tui snapshot save`. */
#include "api/server/snapshot.h"

#include "api/server/server_impl.h"

#include <errno.h>

struct snapshot_stream {
	struct kt_stream stream;
	struct kt_storage *storage;
	struct kt_storage_snapshot *snapshot;
};

static int pull(struct kt_stream *stream, struct kt_buf **ret_piece)
{
	struct snapshot_stream *saving = kt_container_of(stream, struct snapshot_stream, stream);
	int r = saving->storage->ops->snapshot_next(saving->snapshot, ret_piece, NULL);

	return r == 0 ? -ENODATA : r;
}

static void close_snapshot(struct kt_stream *stream)
{
	struct snapshot_stream *saving = kt_container_of(stream, struct snapshot_stream, stream);

	saving->storage->ops->snapshot_close(saving->snapshot);
	free(saving);
}

int kt_snapshot_write(struct kt_request *request)
{
	struct kt_storage *storage = request->server->storage;
	struct kt_storage_snapshot *snapshot = NULL;
	int r = storage->ops->snapshot_open(storage, &snapshot, &request->err);

	if (r < 0)
		return r;
	struct snapshot_stream *saving = kt_new(struct snapshot_stream);

	saving->storage = storage;
	saving->snapshot = snapshot;
	saving->stream.pull = pull;
	saving->stream.close = close_snapshot;
	request->status = 200;
	kt_request_answer_header(request, "content-type", "application/octet-stream");
	request->stream = &saving->stream;
	return 0;
}
