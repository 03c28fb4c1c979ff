/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cluster_commands.h"

#include "api/client/kubeconfig.h"
#include "api/server/snapshot.h"
#include "base/log.h"
#include "base/path.h"
#include "cluster/store/store.h"
#include "cluster_main.h"
#include "cluster_state.h"
#include "tui/command/cluster.h"
#include "tui/command/output.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define READY_TIMEOUT_MS 30000
#define DOWN_TIMEOUT_MS 15000
#define NODES_MAX 20000
#define DEFAULT_PORT 6443
#define LOG_KEPT_BYTES (1 << 20) /* a longer one starts anew with the cluster */
/* While it runs: what a full disk makes of refused writes in a day is a thousand times as much. */
#define LOG_MAX_BYTES (8 << 20)
#define LAST_LINE_BYTES_MAX 4096

struct up {
	struct kt_cluster_options options;
	const char *kubeconfig;
	bool foreground;
	int wanted_port; /* -1: none named, 0: any */
	int ready_fd;    /* -1: standard output */
	int lock, watch; /* watch: of the lock's file, inotify(7) */
	int64_t started_ns;
	struct kt_cluster_state state;
};

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * KT_NS_PER_S + now.tv_nsec;
}

/* How the program was called: `up` starts itself again with the same words. */
static struct {
	int argc;
	char *const *argv;
	int64_t started_ns;
} invocation;

static int number_option(const struct kt_command_context *ctx, const char *name, int max,
        int *ret_value, struct kt_err *err)
{
	int64_t value = kt_opt_int(ctx, name);

	if (value < 0 || value > max)
		return kt_fail(err, EINVAL, "--%s: %lld is not between 0 and %d", name,
		        (long long)value, max);
	*ret_value = (int)value;
	return 0;
}

static int read_options(const struct kt_command_context *ctx, struct up *up, struct kt_err *err)
{
	struct kt_cluster_options *options = &up->options;
	const char *components = kt_opt_string(ctx, "components");

	if (ctx->argc > 1)
		return kt_fail(err, EINVAL, "unexpected argument \"%s\"", ctx->argv[1]);
	if (ctx->argc)
		options->name = ctx->argv[0];
	if (components && kt_components_parse(components, &options->components, err) < 0)
		return err->code;
	if (number_option(ctx, "nodes", NODES_MAX, &options->nodes, err) < 0)
		return err->code;
	options->port_is_wish = true;
	up->wanted_port = -1;
	if (kt_opt_given(ctx, "port")) {
		if (number_option(ctx, "port", 65535, &options->port, err) < 0)
			return err->code;
		up->wanted_port = options->port;
	}
	options->data_dir = kt_opt_string(ctx, "data-dir");
	options->token_auth_file = kt_opt_string(ctx, "token-auth-file");
	options->service_cluster_ip_range = kt_opt_string(ctx, "service-cluster-ip-range");
	options->service_node_port_range = kt_opt_string(ctx, "service-node-port-range");
	options->enable_admission_plugins = kt_opt_string(ctx, "enable-admission-plugins");
	options->disable_admission_plugins = kt_opt_string(ctx, "disable-admission-plugins");
	options->audit_policy_file = kt_opt_string(ctx, "audit-policy-file");
	options->audit_log_path = kt_opt_string(ctx, "audit-log-path");
	up->kubeconfig = kt_opt_string(ctx, "kubeconfig");
	up->foreground = kt_opt_bool(ctx, "foreground");
	up->ready_fd = (int)kt_opt_int(ctx, "ready-fd");
	if (kt_opt_given(ctx, "started-at"))
		up->started_ns = kt_opt_int(ctx, "started-at");
	return kt_cluster_name_new(options->name, err);
}

/* A taken port is no reason not to run: the kubeconfig says where. But who named it wants to know.
 */
static void warn_other_port(const struct up *up, int port)
{
	if (up->wanted_port > 0 && port != up->wanted_port)
		fprintf(stderr, "warning: port %d is taken; %s is at port %d\n", up->wanted_port,
		        up->options.name, port);
}

static void write_ready(const struct up *up, const struct kt_cluster *cluster)
{
	int fd = up->ready_fd >= 0 ? up->ready_fd : STDOUT_FILENO;
	kt_auto_str line = KT_STR_INIT;
	int nodes = kt_cluster_nodes(cluster);

	kt_str_printf(&line, "%s ready at %s (%d node%s) in %lld ms\n", up->options.name,
	        kt_cluster_url(cluster), nodes, nodes == 1 ? "" : "s",
	        (long long)((now_ns() - up->started_ns) / KT_NS_PER_MS));
	warn_other_port(up, kt_cluster_port(cluster));
	(void)!kt_write_all(fd, line.data, line.len, NULL);
	if (up->ready_fd >= 0)
		close(up->ready_fd);
}

static int write_kubeconfig(struct up *up, const struct kt_cluster *cluster, struct kt_err *err)
{
	const struct kt_endpoint *endpoint = kt_cluster_endpoint(cluster);
	char *previous = NULL;

	if (kt_kubeconfig_add(up->kubeconfig, endpoint->context, endpoint, &previous, err) < 0)
		return kt_wrap(err, "writing the kubeconfig");
	/* A second `up` finds its own context current: what was before that is still to be
	 * restored. */
	if (previous && !kt_streq(previous, endpoint->context)) {
		free(up->state.previous_context);
		up->state.previous_context = previous;
	} else {
		free(previous);
	}
	return 0;
}

static int save_state(struct up *up, const struct kt_cluster *cluster, struct kt_err *err)
{
	struct kt_cluster_state *state = &up->state;

	state->pid = getpid();
	state->port = kt_cluster_port(cluster);
	state->nodes = kt_cluster_nodes(cluster);
	free(state->url);
	state->url = kt_strdup(kt_cluster_url(cluster));
	free(state->kubeconfig);
	state->kubeconfig = up->kubeconfig ? realpath(up->kubeconfig, NULL) : NULL;
	return kt_cluster_state_save(state, err);
}

static sigset_t ending_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	return signals;
}

/* Until a signal asks it to end, or its lock file is gone: then `down` and `delete` cannot find it
 * any more. */
static int wait_for_end(const struct up *up, struct kt_err *err)
{
	const char *data_dir = up->options.data_dir;
	sigset_t signals = ending_signals();
	struct signalfd_siginfo info;
	kt_auto_err unwatched = KT_ERR_INIT;
	kt_auto_close int signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	int watch_fd = up->watch;

	if (signal_fd < 0)
		return kt_fail(err, errno, "signalfd: %s", strerror(errno));
	if (kt_cluster_lock_watch(data_dir, watch_fd, &unwatched) < 0)
		kt_log_warning("cluster", "%s", kt_err_message(&unwatched));
	while (kt_cluster_lock_is_there(data_dir, up->lock, watch_fd)) {
		struct pollfd fds[] = {
		        {.fd = signal_fd, .events = POLLIN}, {.fd = watch_fd, .events = POLLIN}};

		if (poll(fds, KT_ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
			return kt_fail(err, errno, "poll: %s", strerror(errno));
		if (read(signal_fd, &info, sizeof(info)) == sizeof(info)) {
			kt_log_info("cluster", "%s stops after signal %d", up->options.name,
			        (int)info.ssi_signo);
			return 0;
		}
	}
	return kt_fail(
	        err, ENOENT, "cluster %s stops: %s/lock was removed", up->options.name, data_dir);
}

/* Threads inherit the mask: only the main thread sees the signals, where it waits for them. */
static void block_signals(void)
{
	sigset_t signals = ending_signals();

	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int serve(struct up *up, struct kt_err *err)
{
	struct kt_cluster *cluster = NULL;

	if (kt_cluster_create(&up->options, &cluster, err) < 0)
		return err->code;
	int status = write_kubeconfig(up, cluster, err);
	if (status == 0)
		status = save_state(up, cluster, err);
	if (status == 0)
		kt_cluster_started(up->lock);
	if (status == 0)
		status = kt_cluster_wait_ready(cluster, READY_TIMEOUT_MS, err);
	if (status == 0) {
		write_ready(up, cluster);
		kt_log_info(
		        "cluster", "%s serves at %s", up->options.name, kt_cluster_url(cluster));
		status = wait_for_end(up, err);
	}
	kt_cluster_destroy(cluster);
	return status;
}

static int load_or_new_state(struct up *up, struct kt_err *err)
{
	kt_auto_err missing = KT_ERR_INIT;

	if (kt_cluster_state_load(up->options.name, &up->state, &missing) == 0)
		return 0;
	char *dir = kt_cluster_dir(up->options.name, err);
	if (!dir)
		return err->code;
	up->state = (struct kt_cluster_state){.name = kt_strdup(up->options.name), .dir = dir};
	return 0;
}

/* The log of the last run is worth something only until the next one has begun well. */
static void begin_log(const struct up *up)
{
	struct stat st;

	if (up->ready_fd < 0)
		return;
	if (fstat(STDERR_FILENO, &st) == 0 && st.st_size > LOG_KEPT_BYTES)
		(void)!ftruncate(STDERR_FILENO, 0);
	kt_auto_free char *path = kt_path_join(up->state.dir, "log");
	kt_log_limit(path, LOG_MAX_BYTES);
}

static int run_foreground(struct up *up, struct kt_err *err)
{
	const char *data_dir = up->options.data_dir ? up->options.data_dir : up->state.data_dir;
	kt_auto_close int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	kt_auto_close int lock = -1;

	block_signals();
	if (kt_cluster_lock(up->options.name, data_dir, &lock, err) < 0 ||
	        kt_cluster_check_folder(
	                up->options.name, data_dir ? data_dir : up->state.dir, err) < 0)
		return err->code;
	up->lock = lock;
	up->watch = watch;
	begin_log(up);
	if (up->options.data_dir) {
		free(up->state.data_dir);
		up->state.data_dir = realpath(up->options.data_dir, NULL);
	}
	up->options.data_dir = up->state.data_dir ? up->state.data_dir : up->state.dir;
	/* The port of the last run keeps kubeconfigs valid. */
	if (up->wanted_port < 0 && up->state.port)
		up->options.port = up->state.port;
	return serve(up, err);
}

/* The other half: this program again, in a session of its own, with the log as its output. */
static void exec_background(struct up *up, int fd, const char *log_path)
{
	kt_auto_free char **words = kt_new_array(char *, (size_t)invocation.argc + 8);
	char fd_text[16], started_text[32];
	int n = 0;

	snprintf(fd_text, sizeof(fd_text), "%d", fd);
	snprintf(started_text, sizeof(started_text), "%lld", (long long)up->started_ns);
	words[n++] = (char *)(uintptr_t) "kube-tui";
	for (int i = 0; i < invocation.argc; i++)
		words[n++] = invocation.argv[i];
	words[n++] = (char *)(uintptr_t) "--foreground";
	words[n++] = (char *)(uintptr_t) "--ready-fd";
	words[n++] = fd_text;
	words[n++] = (char *)(uintptr_t) "--started-at";
	words[n++] = started_text;
	setsid();
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int log = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (null < 0 || log < 0 || dup2(null, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0)
		_exit(127);
	/* Files of the caller (a terminal multiplexer's, a test's pipe) must not stay open for the
	 * life of the cluster. */
	if (fd > 3)
		syscall(SYS_close_range, 3, fd - 1, 0);
	syscall(SYS_close_range, fd + 1, ~0U, 0);
	execv("/proc/self/exe", words);
	_exit(127);
}

static int read_ready(int fd, char *line, size_t size)
{
	size_t len = 0;
	struct pollfd poller = {.fd = fd, .events = POLLIN};

	while (len + 1 < size) {
		int ready = poll(&poller, 1, READY_TIMEOUT_MS);
		if (ready < 0 && errno == EINTR)
			continue;
		ssize_t n = ready > 0 ? read(fd, line + len, size - 1 - len) : -1;
		if (n <= 0)
			break;
		len += (size_t)n;
		if (line[len - 1] == '\n')
			break;
	}
	line[len] = '\0';
	return len > 0 && line[len - 1] == '\n';
}

/* What the log says about why it did not start: the last line behind `from`. */
static void print_last_line(const char *log_path, off_t from)
{
	kt_auto_close int fd = open(log_path, O_RDONLY | O_CLOEXEC);
	char text[LAST_LINE_BYTES_MAX + 1];
	off_t end = fd >= 0 ? lseek(fd, 0, SEEK_END) : 0;

	from = KT_MAX(from > end ? 0 : from, end - LAST_LINE_BYTES_MAX);
	ssize_t n = fd >= 0 ? pread(fd, text, LAST_LINE_BYTES_MAX, from) : 0;
	while (n > 0 && text[n - 1] == '\n')
		n--;
	if (n <= 0)
		return;
	text[n] = '\0';
	const char *newline = memrchr(text, '\n', (size_t)n);
	fprintf(stderr, "%s\n", newline ? newline + 1 : text);
}

static off_t size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_size : 0;
}

static void print_runs(const struct up *up, FILE *out)
{
	fprintf(out, "%s runs at %s already\n", up->options.name,
	        up->state.url ? up->state.url : "?");
}

static int load_again(struct up *up, struct kt_err *err)
{
	kt_cluster_state_finish(&up->state);
	return kt_cluster_state_load(up->options.name, &up->state, err);
}

/* Whether it was another `up` at the same moment that started the cluster. */
static bool was_overtaken(struct up *up, pid_t pid)
{
	return load_again(up, NULL) == 0 && up->state.is_running && up->state.pid != pid;
}

/* A cluster that was refused before it had anything but a log leaves nothing that `list` would
 * show. False: there is more. */
static bool forget_new(const struct up *up, const char *log_path)
{
	DIR *dir = opendir(up->state.dir);
	const struct dirent *entry;
	bool more = !dir;

	while (dir && (entry = readdir(dir)))
		more = more || (entry->d_name[0] != '.' && !kt_streq(entry->d_name, "log"));
	if (dir)
		closedir(dir);
	return !more && (unlink(log_path) == 0 || errno == ENOENT) && rmdir(up->state.dir) == 0;
}

/* The process has closed its end of the pipe, or takes too long. */
static int fail_start(const struct up *up, pid_t pid, const char *log_path, struct kt_err *err)
{
	int status = 0;

	kill(pid, SIGTERM);
	if (waitpid(pid, &status, WNOHANG) == pid && WIFSIGNALED(status) &&
	        WTERMSIG(status) != SIGTERM)
		return kt_fail(err, EIO,
		        "cluster %s did not start: it was ended by signal %d (%s); "
		        "its log is %s",
		        up->options.name, WTERMSIG(status), strsignal(WTERMSIG(status)), log_path);
	if (forget_new(up, log_path))
		return kt_fail(err, EIO, "cluster %s did not start", up->options.name);
	return kt_fail(
	        err, EIO, "cluster %s did not start; its log is %s", up->options.name, log_path);
}

static int run_background(struct up *up, FILE *out, struct kt_err *err)
{
	kt_auto_free char *log_path = kt_path_join(up->state.dir, "log");
	char line[512];
	int fds[2];

	if (pipe2(fds, 0) < 0)
		return kt_fail(err, errno, "pipe: %s", strerror(errno));
	off_t log_bytes = size_of(log_path);
	pid_t pid = fork();
	if (pid < 0)
		return kt_fail(err, errno, "fork: %s", strerror(errno));
	if (pid == 0) {
		close(fds[0]);
		exec_background(up, fds[1], log_path);
	}
	close(fds[1]);
	bool ready = read_ready(fds[0], line, sizeof(line));
	close(fds[0]);
	if (ready) {
		const char *port = strstr(line, "127.0.0.1:");
		warn_other_port(up, port ? atoi(port + strlen("127.0.0.1:")) : up->wanted_port);
		fputs(line, out);
		return 0;
	}
	if (was_overtaken(up, pid)) {
		print_runs(up, out);
		return 0;
	}
	print_last_line(log_path, log_bytes);
	return fail_start(up, pid, log_path, err);
}

static int command_up(struct kt_command_context *ctx)
{
	struct up up = {.options = {.name = "dev", .port = DEFAULT_PORT},
	        .started_ns = invocation.started_ns};
	kt_auto_err err = KT_ERR_INIT;
	int status = read_options(ctx, &up, &err);

	if (status == 0)
		status = load_or_new_state(&up, &err);
	if (status == 0 && up.state.is_running && !up.foreground) {
		kt_cluster_wait_started(&up.state);
		status = load_again(&up, &err);
	}
	if (status == 0 && up.foreground)
		status = run_foreground(&up, &err);
	else if (status == 0 && up.state.is_running)
		print_runs(&up, ctx->out);
	else if (status == 0)
		status = run_background(&up, ctx->out, &err);
	if (status < 0 && up.state.dir)
		(void)rmdir(up.state.dir); /* a new cluster's, which is still empty */
	kt_cluster_state_finish(&up.state);
	return status < 0 ? kt_command_fail(ctx, &err, NULL) : KT_EXIT_OK;
}

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
        .up = command_up,
        .down = command_down,
        .delete = command_delete,
        .exists = cluster_exists,
        .list = command_list,
        .snapshot_save = command_snapshot_save,
        .snapshot_restore = command_snapshot_restore,
};

void kt_cluster_commands_init(int argc, char *const *argv, int64_t started_ns)
{
	invocation.argc = argc;
	invocation.argv = argv;
	invocation.started_ns = started_ns;
	kt_cluster_hooks_set(&hooks);
}
