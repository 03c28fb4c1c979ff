/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cluster_up.h"

#include "api/client/kubeconfig.h"
#include "base/log.h"
#include "base/path.h"
#include "cluster_start.h"

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
#define LOG_KEPT_BYTES (1 << 20) /* a longer one starts anew with the cluster */
/* While it runs: what a full disk makes of refused writes in a day is a thousand times as much. */
#define LOG_MAX_BYTES (8 << 20)
#define LAST_LINE_BYTES_MAX 4096

struct up {
	struct kt_cluster_options
	        options; /* of kt_cluster_create(); once it is to be served here */
	const char *name, *kubeconfig, *data_dir;
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

void kt_cluster_up_init(int argc, char *const *argv, int64_t started_ns)
{
	invocation.argc = argc;
	invocation.argv = argv;
	invocation.started_ns = started_ns;
}

static int read_options(const struct kt_command_context *ctx, struct up *up, struct kt_err *err)
{
	if (ctx->argc > 1)
		return kt_fail(err, EINVAL, "unexpected argument \"%s\"", ctx->argv[1]);
	if (ctx->argc)
		up->name = ctx->argv[0];
	up->wanted_port = -1;
	if (kt_opt_given(ctx, "port")) {
		int64_t port = kt_opt_int(ctx, "port");

		if (port < 0 || port > 65535)
			return kt_fail(err, EINVAL, "--port: %lld is not between 0 and 65535",
			        (long long)port);
		up->wanted_port = (int)port;
	}
	up->data_dir = kt_opt_string(ctx, "data-dir");
	up->kubeconfig = kt_opt_string(ctx, "kubeconfig");
	up->foreground = kt_opt_bool(ctx, "foreground");
	up->ready_fd = (int)kt_opt_int(ctx, "ready-fd");
	if (kt_opt_given(ctx, "started-at"))
		up->started_ns = kt_opt_int(ctx, "started-at");
	return kt_cluster_name_new(up->name, err);
}

/* The shaping options that are given, into the state. unused: gets those that are other than
 * before. */
static int shape(const struct kt_command_context *ctx, struct up *up, struct kt_str *unused,
        struct kt_err *err)
{
	kt_auto_json json_t *before = json_copy(up->state.options);

	for (const char *const *name = kt_cluster_shaping_options; *name; name++) {
		if (!kt_opt_given(ctx, *name))
			continue;
		if (kt_cluster_shape(&up->state, *name, kt_opt_string(ctx, *name), err) < 0)
			return err->code;
		if (!json_equal(json_object_get(before, *name),
		            json_object_get(up->state.options, *name)))
			kt_str_printf(unused, "%s--%s", unused->len ? ", " : "", *name);
	}
	return 0;
}

/* A taken port is no reason not to run: the kubeconfig says where. But who named it wants to know.
 */
static void warn_other_port(const struct up *up, int port)
{
	if (up->wanted_port > 0 && port != up->wanted_port)
		fprintf(stderr, "warning: port %d is taken; %s is at port %d\n", up->wanted_port,
		        up->name, port);
}

static void write_ready(const struct up *up, const struct kt_cluster *cluster)
{
	int fd = up->ready_fd >= 0 ? up->ready_fd : STDOUT_FILENO;
	kt_auto_str line = KT_STR_INIT;
	int nodes = kt_cluster_nodes(cluster);

	kt_str_printf(&line, "%s ready at %s (%d node%s) in %lld ms\n", up->name,
	        kt_cluster_url(cluster), nodes, nodes == 1 ? "" : "s",
	        (long long)((now_ns() - up->started_ns) / KT_NS_PER_MS));
	warn_other_port(up, kt_cluster_port(cluster));
	(void)!kt_write_all(fd, line.data, line.len, NULL);
	if (up->ready_fd >= 0)
		close(up->ready_fd);
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
			kt_log_info("cluster", "%s stops after signal %d", up->name,
			        (int)info.ssi_signo);
			return 0;
		}
	}
	return kt_fail(err, ENOENT, "cluster %s stops: %s/lock was removed", up->name, data_dir);
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
	int status = kt_cluster_publish(cluster, &up->state, up->kubeconfig, err);
	if (status == 0)
		kt_cluster_started(up->lock);
	if (status == 0)
		status = kt_cluster_wait_ready(cluster, READY_TIMEOUT_MS, err);
	if (status == 0) {
		write_ready(up, cluster);
		kt_log_info("cluster", "%s serves at %s", up->name, kt_cluster_url(cluster));
		status = wait_for_end(up, err);
	}
	kt_cluster_destroy(cluster);
	return status;
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
	const char *data_dir = up->data_dir ? up->data_dir : up->state.data_dir;
	kt_auto_close int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	kt_auto_close int lock = -1;

	block_signals();
	if (kt_cluster_lock(up->name, data_dir, &lock, err) < 0 ||
	        kt_cluster_check_folder(up->name, data_dir ? data_dir : up->state.dir, err) < 0)
		return err->code;
	up->lock = lock;
	up->watch = watch;
	begin_log(up);
	if (up->data_dir) {
		free(up->state.data_dir);
		up->state.data_dir = realpath(up->data_dir, NULL);
	}
	kt_cluster_options_of(&up->state, &up->options);
	if (up->wanted_port >= 0)
		up->options.port = up->wanted_port;
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

/* Another process runs it: the context is written as if it had been started now. */
static int join(struct up *up, const char *unused, FILE *out, struct kt_err *err)
{
	if (kt_cluster_publish_again(&up->state, up->kubeconfig, err) < 0)
		return err->code;
	if (*unused)
		fprintf(stderr, "warning: %s runs already, without regard to %s\n", up->name,
		        unused);
	fprintf(out, "%s runs at %s already\n", up->name, up->state.url ? up->state.url : "?");
	return 0;
}

static int load_again(struct up *up, struct kt_err *err)
{
	kt_cluster_state_finish(&up->state);
	return kt_cluster_state_load(up->name, &up->state, err);
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
		        up->name, WTERMSIG(status), strsignal(WTERMSIG(status)), log_path);
	if (forget_new(up, log_path))
		return kt_fail(err, EIO, "cluster %s did not start", up->name);
	return kt_fail(err, EIO, "cluster %s did not start; its log is %s", up->name, log_path);
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
	if (was_overtaken(up, pid))
		return join(up, "", out, err);
	print_last_line(log_path, log_bytes);
	return fail_start(up, pid, log_path, err);
}

/* A background process that is just starting is waited for. */
static int load_state(struct up *up, struct kt_err *err)
{
	if (kt_cluster_state_load_or_new(up->name, &up->state, err) < 0)
		return err->code;
	if (!up->state.is_running || up->foreground)
		return 0;
	kt_cluster_wait_started(&up->state);
	return load_again(up, err);
}

int kt_cluster_up(struct kt_command_context *ctx)
{
	struct up up = {.name = "dev", .started_ns = invocation.started_ns};
	kt_auto_str unused = KT_STR_INIT;
	kt_auto_err err = KT_ERR_INIT;
	int status = read_options(ctx, &up, &err);

	if (status == 0)
		status = load_state(&up, &err);
	bool runs = up.state.is_running;
	if (status == 0)
		status = shape(ctx, &up, &unused, &err);
	if (status == 0 && up.foreground)
		status = run_foreground(&up, &err);
	else if (status == 0 && runs)
		status = load_again(&up, &err) < 0
		                 ? err.code
		                 : join(&up, kt_str_text(&unused), ctx->out, &err);
	else if (status == 0)
		status = run_background(&up, ctx->out, &err);
	if (status < 0 && up.state.dir)
		(void)rmdir(up.state.dir); /* a new cluster's, which is still empty */
	kt_cluster_state_finish(&up.state);
	return status < 0 ? kt_command_fail(ctx, &err, NULL) : KT_EXIT_OK;
}
