/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cluster_commands.h"

#include "api/client/kubeconfig.h"
#include "api/server/snapshot.h"
#include "base/path.h"
#include "cluster/store/store.h"
#include "cluster_start.h"
#include "cluster_up.h"
#include "tui/command/cluster.h"
#include "tui/command/output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DOWN_TIMEOUT_MS 15000

/* Waits for the process to be gone, which its lock tells, too. */
static int stop(const struct kt_cluster_state *state, struct kt_err *err)
{
	int fd = (int)syscall(SYS_pidfd_open, state->pid, 0);
	struct pollfd poller = {.fd = fd, .events = POLLIN};

	if (fd < 0)
		return errno == ESRCH ? 0
		                      : kt_fail(err, errno, "process %d: %s", (int)state->pid,
		                                strerror(errno));
	int status = 0;
	if (syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0) < 0 && errno != ESRCH)
		status = kt_fail(
		        err, errno, "stopping process %d: %s", (int)state->pid, strerror(errno));
	else if (poll(&poller, 1, DOWN_TIMEOUT_MS) == 0)
		status = kt_fail(err, ETIMEDOUT, "process %d does not end", (int)state->pid);
	close(fd);
	return status;
}

static int load_named(const struct kt_command_context *ctx, int at, struct kt_cluster_state *state,
        struct kt_err *err)
{
	const char *name = ctx->argc > at ? ctx->argv[at] : "dev";

	if (kt_cluster_name_check(name, err) < 0)
		return err->code;
	return kt_cluster_state_load(name, state, err);
}

static int command_down(struct kt_command_context *ctx)
{
	struct kt_cluster_state state = {0};
	kt_auto_err err = KT_ERR_INIT;
	int status = load_named(ctx, 0, &state, &err);

	if (status == 0 && !state.is_running)
		fprintf(ctx->out, "%s does not run\n", state.name);
	else if (status == 0 && (status = stop(&state, &err)) == 0)
		fprintf(ctx->out, "%s stopped\n", state.name);
	kt_cluster_state_finish(&state);
	return status < 0 ? kt_command_fail(ctx, &err, NULL) : KT_EXIT_OK;
}

static int remove_context(const struct kt_cluster_state *state, struct kt_err *err)
{
	kt_auto_free char *context = kt_asprintf("kube-tui-%s", state->name);
	int status = kt_kubeconfig_remove(state->kubeconfig, context, state->previous_context, err);

	if (status != -ENOENT)
		return status;
	kt_err_clear(err);
	return 0;
}

static int command_delete(struct kt_command_context *ctx)
{
	struct kt_cluster_state state = {0};
	kt_auto_free char *keeper = NULL;
	kt_auto_err err = KT_ERR_INIT;
	int status = load_named(ctx, 0, &state, &err);

	if (status == 0 && state.is_running)
		status = stop(&state, &err);
	if (status == 0)
		status = remove_context(&state, &err);
	if (status == 0)
		status = kt_cluster_state_remove(&state, &keeper, &err);
	if (keeper)
		fprintf(ctx->out, "%s stays: cluster %s has its data there\n", state.data_dir,
		        keeper);
	if (status == 0)
		fprintf(ctx->out, "%s deleted\n", state.name);
	kt_cluster_state_finish(&state);
	return status < 0 ? kt_command_fail(ctx, &err, NULL) : KT_EXIT_OK;
}

static bool cluster_exists(const char *name)
{
	struct kt_cluster_state state = {0};
	bool exists = kt_cluster_name_check(name, NULL) == 0 &&
	              kt_cluster_state_load(name, &state, NULL) == 0;

	kt_cluster_state_finish(&state);
	return exists;
}

static void print_cluster(struct kt_table_writer *table, const struct kt_cluster_state *state)
{
	kt_auto_free char *nodes = kt_asprintf("%d", state->nodes);
	kt_auto_free char *pid =
	        state->is_running ? kt_asprintf("%d", (int)state->pid) : kt_strdup("-");

	kt_table_writer_cell(table, state->name);
	kt_table_writer_cell(table, state->is_running ? "Running" : "Stopped");
	kt_table_writer_cell(table, state->is_running && state->url ? state->url : "-");
	kt_table_writer_cell(table, nodes);
	kt_table_writer_cell(table, pid);
	kt_table_writer_end_row(table);
}

static int command_list(struct kt_command_context *ctx)
{
	static const char *const NAMES[] = {"NAME", "STATUS", "SERVER", "NODES", "PID"};
	struct kt_cluster_state *states = NULL;
	kt_auto_err err = KT_ERR_INIT;
	size_t n = 0;

	if (kt_cluster_state_list(&states, &n, &err) < 0)
		return kt_command_fail(ctx, &err, NULL);
	struct kt_table_writer *table = kt_table_writer_create(ctx->out);

	for (size_t i = 0; n && i < KT_ARRAY_SIZE(NAMES); i++)
		kt_table_writer_cell(table, NAMES[i]);
	if (n)
		kt_table_writer_end_row(table);
	else
		fputs("No clusters. `kube-tui up` makes one.\n", ctx->err);
	for (size_t i = 0; i < n; i++) {
		print_cluster(table, &states[i]);
		kt_cluster_state_finish(&states[i]);
	}
	kt_table_writer_destroy(table);
	free(states);
	return KT_EXIT_OK;
}

/* Snapshots */

struct saving {
	struct kt_call call;
	int fd;
	struct kt_err err;
};

static void on_snapshot_data(struct kt_call *call, struct kt_sv piece)
{
	struct saving *saving = kt_container_of(call, struct saving, call);

	if (!saving->err.code)
		kt_write_all(saving->fd, piece.p, piece.len, &saving->err);
}

static int fetch_snapshot(struct kt_command_context *ctx, const struct kt_cluster_state *state,
        int fd, struct kt_err *err)
{
	kt_auto_free char *context = kt_asprintf("kube-tui-%s", state->name);
	struct kt_session_options options = {.kubeconfig = state->kubeconfig, .context = context};
	struct kt_session *session = kt_session_create(&options);
	struct kt_client *client = kt_session_client(session, err);
	struct saving saving = {
	        .call = {.method = "GET",
	                .path = KT_SNAPSHOT_PATH,
	                .accept = "*/*",
	                .on_data = on_snapshot_data},
	        .fd = fd,
	};
	int r = client ? kt_client_call_wait(client, &saving.call, ctx->cancel) : err->code;

	if (client && r < 0)
		kt_err_move(err, &saving.call.err);
	else if (client && saving.err.code)
		r = kt_err_move(err, &saving.err);
	kt_call_finish(&saving.call);
	kt_session_destroy(session);
	return r;
}

/* A cluster that does not run is opened here for as long as it takes. */
static int save_stopped(const struct kt_cluster_state *state, const char *path, struct kt_err *err)
{
	kt_auto_free char *store =
	        kt_path_join(state->data_dir ? state->data_dir : state->dir, "store");
	struct kt_store_options options = {.path = store};
	struct kt_storage *storage = NULL;

	if (kt_store_open(&options, &storage, err) < 0)
		return err->code;
	int r = storage->ops->snapshot_save(storage, path, err);

	storage->ops->destroy(storage);
	return r;
}

/* The file appears whole or not at all. */
static int save_running(struct kt_command_context *ctx, const struct kt_cluster_state *state,
        const char *path, struct kt_err *err)
{
	kt_auto_free char *part = kt_asprintf("%s.part", path);
	kt_auto_close int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		return kt_fail(err, errno, "cannot write %s: %s", part, strerror(errno));
	int r = fetch_snapshot(ctx, state, fd, err);

	if (r == 0 && fsync(fd) < 0)
		r = kt_fail(err, errno, "writing %s: %s", part, strerror(errno));
	if (r == 0 && rename(part, path) < 0)
		r = kt_fail(err, errno, "cannot rename %s to %s: %s", part, path, strerror(errno));
	if (r < 0)
		unlink(part);
	return r;
}

static int command_snapshot_save(struct kt_command_context *ctx)
{
	struct kt_cluster_state state = {0};
	kt_auto_err err = KT_ERR_INIT;

	if (ctx->argc < 1)
		return kt_command_fail(ctx, NULL, "snapshot save needs a FILE");
	int status = load_named(ctx, 1, &state, &err);

	if (status == 0)
		status = state.is_running ? save_running(ctx, &state, ctx->argv[0], &err)
		                          : save_stopped(&state, ctx->argv[0], &err);
	if (status == 0)
		fprintf(ctx->out, "%s saved to %s\n", state.name, ctx->argv[0]);
	kt_cluster_state_finish(&state);
	return status < 0 ? kt_command_fail(ctx, &err, NULL) : KT_EXIT_OK;
}

/* Where the cluster has its data, or is going to have it; created, heap. */
static char *restore_dir(const char *name, struct kt_err *err)
{
	struct kt_cluster_state state = {0};
	char *dir = NULL;

	if (kt_cluster_state_load(name, &state, NULL) == 0)
		dir = kt_steal(&state.data_dir);
	kt_cluster_state_finish(&state);
	return dir ? dir : kt_cluster_dir(name, err);
}

static int command_snapshot_restore(struct kt_command_context *ctx)
{
	const char *name = ctx->argc > 1 ? ctx->argv[1] : "dev";
	kt_auto_err err = KT_ERR_INIT;

	if (ctx->argc < 1)
		return kt_command_fail(ctx, NULL, "snapshot restore needs a FILE");
	if (kt_cluster_name_new(name, &err) < 0)
		return kt_command_fail(ctx, &err, NULL);
	kt_auto_free char *dir = restore_dir(name, &err);
	kt_auto_free char *store = dir ? kt_path_join(dir, "store") : NULL;

	if (!dir)
		return kt_command_fail(ctx, &err, NULL);
	if (kt_store_restore(ctx->argv[0], store, &err) < 0) {
		(void)rmdir(dir); /* a new cluster's, which is still empty */
		return err.code == -EEXIST ? kt_command_fail(ctx, NULL,
		                                     "cluster %s has data already; `kube-tui "
		                                     "delete %s` takes it away",
		                                     name, name)
		                           : kt_command_fail(ctx, &err, NULL);
	}
	fprintf(ctx->out, "%s restored from %s; `kube-tui up %s` starts it\n", name, ctx->argv[0],
	        name);
	return KT_EXIT_OK;
}

static const struct kt_cluster_hooks hooks = {
        .up = kt_cluster_up,
        .down = command_down,
        .delete = command_delete,
        .exists = cluster_exists,
        .list = command_list,
        .snapshot_save = command_snapshot_save,
        .snapshot_restore = command_snapshot_restore,
};

void kt_cluster_commands_init(int argc, char *const *argv, int64_t started_ns)
{
	kt_cluster_up_init(argc, argv, started_ns);
	kt_cluster_hooks_set(&hooks);
}
