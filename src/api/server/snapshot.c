/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GET /kube-tui/snapshot: all of the store as one file (cluster/store says in which form), for
 * `kube-tui snapshot save`. */
#include "api/server/snapshot.h"

#include "api/server/server_impl.h"
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define PIECE_BYTES (256u << 10)

struct file_stream {
	struct kt_stream stream;
	int fd;
};

static int pull(struct kt_stream *stream, struct kt_buf **ret_piece)
{
	struct file_stream *file = kt_container_of(stream, struct file_stream, stream);
	kt_auto_buf struct kt_buf *piece = kt_buf_alloc(PIECE_BYTES);
	ssize_t n;

	do {
		n = read(file->fd, piece->data, PIECE_BYTES);
	} while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n < 0 ? -errno : -ENODATA;
	piece->len = (uint32_t)n;
	*ret_piece = kt_steal(&piece);
	return 1;
}

static void close_file(struct kt_stream *stream)
{
	struct file_stream *file = kt_container_of(stream, struct file_stream, stream);

	close(file->fd);
	free(file);
}

/* Writes the snapshot to a file without a name; its descriptor. */
static int save(struct kt_server *server, struct kt_err *err)
{
	kt_auto_free char *path = kt_path_join(server->options.data_dir, "snapshot-XXXXXX");
	int fd = mkostemp(path, O_CLOEXEC);

	if (fd < 0)
		return kt_fail(err, errno, "cannot write a snapshot: %s", strerror(errno));
	close(fd);
	int r = server->storage->ops->snapshot_save(server->storage, path, err);

	if (r == 0) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		r = fd < 0 ? kt_fail(err, errno, "cannot read the snapshot: %s", strerror(errno))
		           : fd;
	}
	unlink(path);
	return r;
}

int kt_snapshot_write(struct kt_request *request)
{
	if (!request->server->options.data_dir)
		return kt_fail(&request->err, ENOTSUP, "a cluster in memory has no snapshots");
	int fd = save(request->server, &request->err);

	if (fd < 0)
		return fd;
	struct file_stream *file = kt_new(struct file_stream);

	file->fd = fd;
	file->stream.pull = pull;
	file->stream.close = close_file;
	request->status = 200;
	kt_request_answer_header(request, "content-type", "application/octet-stream");
	request->stream = &file->stream;
	return 0;
}
