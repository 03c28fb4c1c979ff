/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/path.h"

#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int kt_open_beneath(int dir_fd, const char *name, int flags, mode_t mode, struct kt_err *err)
{
	struct open_how how = {
	        .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
	        .mode = flags & (O_CREAT | O_TMPFILE) ? mode : 0,
	        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	long fd;

	/* EAGAIN: a rename raced with the walk, and the kernel could not rule out an escape. */
	do {
		fd = syscall(SYS_openat2, dir_fd, name, &how, sizeof(how));
	} while (fd < 0 && (errno == EINTR || errno == EAGAIN));
	if (fd < 0)
		return kt_fail(err, errno, "opening %s: %s", name,
		        errno == EXDEV ? "it leads out of its folder" : strerror(errno));
	return (int)fd;
}

static int make_dir(const char *path, mode_t mode, struct kt_err *err)
{
	struct stat st;

	if (mkdir(path, mode) == 0)
		return 0;
	if (errno != EEXIST)
		return kt_fail(err, errno, "creating folder %s: %s", path, strerror(errno));
	if (stat(path, &st) < 0)
		return kt_fail(err, errno, "%s: %s", path, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return kt_fail(err, ENOTDIR, "%s is not a folder", path);
	return 0;
}

int kt_make_dirs(const char *path, mode_t mode, struct kt_err *err)
{
	kt_auto_free char *copy = kt_strdup(path);

	if (!*path)
		return kt_fail(err, ENOENT, "the name of a folder is empty");
	for (char *p = copy + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		int rc = make_dir(copy, mode, err);
		if (rc < 0)
			return rc;
		*p = '/';
	}
	return make_dir(copy, mode, err);
}

static int read_all(
        int fd, const char *path, size_t max_bytes, struct kt_str *out, struct kt_err *err)
{
	size_t start = out->len;

	for (;;) {
		kt_str_reserve(out, 16 * 1024);
		ssize_t n = read(fd, out->data + out->len, out->cap - out->len - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return kt_fail(err, errno, "reading %s: %s", path, strerror(errno));
		if (n == 0)
			return 0;
		out->len += (size_t)n;
		out->data[out->len] = '\0';
		if (out->len - start > max_bytes)
			return kt_fail(err, EFBIG, "%s is larger than %zu bytes", path, max_bytes);
	}
}

int kt_read_file(const char *path, size_t max_bytes, struct kt_str *out, struct kt_err *err)
{
	size_t start = out->len;
	kt_auto_close int own = -1;
	int fd = STDIN_FILENO;

	if (!kt_streq(path, "-")) {
		fd = own = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return kt_fail(err, errno, "opening %s: %s", path, strerror(errno));
	} else {
		path = "standard input";
	}
	int rc = read_all(fd, path, max_bytes, out, err);
	if (rc < 0)
		kt_str_truncate(out, start);
	return rc;
}

/* A rename lasts only when its folder is synced. */
static int sync_folder_of(const char *path, struct kt_err *err)
{
	const char *slash = strrchr(path, '/');
	kt_auto_free char *folder =
	        slash ? kt_strndup(path, slash == path ? 1 : (size_t)(slash - path))
	              : kt_strdup(".");
	kt_auto_close int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return kt_fail(err, errno, "opening %s: %s", folder, strerror(errno));
	/* Some file systems have nothing to sync in a folder and say EINVAL. */
	if (fsync(fd) < 0 && errno != EINVAL)
		return kt_fail(err, errno, "syncing %s: %s", folder, strerror(errno));
	return 0;
}

static int fill(int fd, const char *path, struct kt_sv content, mode_t mode, struct kt_err *err)
{
	int rc = kt_write_all(fd, content.p, content.len, err);

	if (rc < 0)
		return kt_wrap(err, "%s", path), rc;
	if (fchmod(fd, mode) < 0 || fsync(fd) < 0)
		return kt_fail(err, errno, "writing %s: %s", path, strerror(errno));
	return 0;
}

int kt_write_file(const char *path, struct kt_sv content, mode_t mode, struct kt_err *err)
{
	kt_auto_free char *temporary = kt_asprintf("%s.XXXXXX", path);
	kt_auto_close int fd = mkostemp(temporary, O_CLOEXEC);

	if (fd < 0)
		return kt_fail(err, errno, "creating %s: %s", path, strerror(errno));
	int rc = fill(fd, path, content, mode, err);
	if (rc == 0 && rename(temporary, path) < 0)
		rc = kt_fail(err, errno, "replacing %s: %s", path, strerror(errno));
	if (rc < 0) {
		if (unlink(temporary) < 0)
			kt_log_warning("files", "removing %s: %s", temporary, strerror(errno));
		return rc;
	}
	return sync_folder_of(path, err);
}

/* $variable/kube-tui, or ~/fallback/kube-tui. A relative path in the variable is to be ignored
 * (XDG). */
static char *xdg_home(const char *variable, const char *fallback)
{
	const char *value = getenv(variable), *home = getenv("HOME");

	if (value && value[0] == '/')
		return kt_path_join(value, "kube-tui");
	return kt_asprintf("%s/%s/kube-tui", home && home[0] == '/' ? home : "", fallback);
}

char *kt_config_home(void)
{
	return xdg_home("XDG_CONFIG_HOME", ".config");
}

char *kt_state_home(void)
{
	return xdg_home("XDG_STATE_HOME", ".local/state");
}

char *kt_runtime_home(void)
{
	const char *value = getenv("XDG_RUNTIME_DIR");

	if (value && value[0] == '/')
		return kt_path_join(value, "kube-tui");
	kt_auto_free char *state = kt_state_home();
	kt_auto_free char *folder = kt_path_join(state, "run");
	kt_auto_err err = {0};
	if (kt_make_dirs(folder, 0700, &err) < 0)
		kt_log_debug("files", "%s", kt_err_message(&err));
	return kt_steal(&folder);
}

char *kt_path_join(const char *a, const char *b)
{
	size_t len = strlen(a);

	if (!*a)
		return kt_strdup(b);
	while (len > 1 && a[len - 1] == '/')
		len--;
	while (*b == '/')
		b++;
	if (!*b)
		return kt_strndup(a, len);
	return kt_asprintf("%.*s%s%s", (int)len, a, a[len - 1] == '/' ? "" : "/", b);
}

int kt_write_all(int fd, const void *data, size_t len, struct kt_err *err)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return kt_fail(err, errno, "writing: %s", strerror(errno));
		p += n;
		len -= (size_t)n;
	}
	return 0;
}
