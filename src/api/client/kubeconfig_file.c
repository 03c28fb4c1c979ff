/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/client/kubeconfig_file.h"

#include "base/path.h"
#include "base/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

void kt_kubeconfig_files(const char *explicit, struct kt_kubeconfig_files *ret_files)
{
	const char *list = getenv("KUBECONFIG"), *home = getenv("HOME");
	struct kt_sv rest = kt_sv_of(list), part;

	if (explicit && *explicit) {
		kt_vec_push(ret_files, kt_strdup(explicit));
		return;
	}
	while (list && kt_sv_split(&rest, ':', &part))
		if (part.len)
			kt_vec_push(ret_files, kt_sv_dup(part));
	if (ret_files->n == 0)
		kt_vec_push(ret_files, kt_path_join(home && *home ? home : "/", ".kube/config"));
}

void kt_kubeconfig_files_finish(struct kt_kubeconfig_files *files)
{
	for (size_t i = 0; i < files->n; i++)
		free(files->items[i]);
	kt_vec_finish(files);
}

static json_t *empty_config(void)
{
	return json_pack("{s:s, s:s, s:[], s:[], s:[], s:s, s:{}}", "apiVersion", "v1", "kind",
	        "Config", "clusters", "contexts", "users", "current-context", "", "preferences");
}

int kt_kubeconfig_file_read(const char *path, bool may_miss, json_t **ret_tree, struct kt_err *err)
{
	kt_auto_str text = KT_STR_INIT;
	kt_auto_err why = KT_ERR_INIT;
	kt_auto_json json_t *tree = NULL;
	int r = kt_read_file(path, KT_KUBECONFIG_BYTES_MAX, &text, &why);

	if (r == -ENOENT && may_miss) {
		*ret_tree = empty_config();
		return 0;
	}
	if (r == -ENOENT)
		return kt_fail(err, ENOENT, "stat %s: no such file or directory", path);
	if (r < 0)
		return kt_err_move(err, &why);
	if (kt_sv_trim((struct kt_sv){kt_str_text(&text), text.len}).len == 0) {
		*ret_tree = empty_config();
		return 0;
	}
	tree = kt_yaml_parse_one((struct kt_sv){text.data, text.len}, &why);
	if (!tree)
		return kt_fail(err, EINVAL, "error loading config file \"%s\": %s", path,
		        kt_err_message(&why));
	if (!json_is_object(tree))
		return kt_fail(err, EINVAL,
		        "error loading config file \"%s\": it does not hold a Config object", path);
	*ret_tree = kt_steal(&tree);
	return 0;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Waits until something in dir was removed, or the time is over. */
static int wait_for_removal(int watch_fd, int64_t until_ms)
{
	struct pollfd poll_fd = {.fd = watch_fd, .events = POLLIN};
	char events[4096];
	int64_t left = until_ms - now_ms();

	if (left <= 0)
		return -EBUSY;
	if (poll(&poll_fd, 1, (int)left) > 0 && read(watch_fd, events, sizeof(events)) < 0 &&
	        errno != EAGAIN)
		return -errno;
	return 0;
}

static int take_lock(const char *path, char **ret_lock, struct kt_err *err)
{
	kt_auto_free char *lock = kt_asprintf("%s.lock", path),
	                  *dir = kt_strndup(path, (size_t)(strrchr(path, '/') - path));
	kt_auto_close int watch_fd = -1;
	int64_t until = now_ms() + KT_KUBECONFIG_LOCK_MS;
	int r = 0;

	while (r >= 0) {
		kt_auto_close int fd = open(lock, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

		if (fd >= 0) {
			*ret_lock = kt_steal(&lock);
			return 0;
		}
		if (errno != EEXIST)
			return kt_fail(err, errno, "%s: %s", lock, strerror(errno));
		if (watch_fd < 0) {
			/* The lock may go between the two calls: it is tried again before waiting.
			 */
			watch_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
			if (watch_fd < 0 ||
			        inotify_add_watch(watch_fd, dir, IN_DELETE | IN_MOVED_FROM) < 0)
				return kt_fail(err, errno, "%s: %s", dir, strerror(errno));
			continue;
		}
		r = wait_for_removal(watch_fd, until);
	}
	return kt_fail(err, EBUSY,
	        "%s exists: another program is changing the file (remove the lock if none is)",
	        lock);
}

/* The file behind symbolic links, so that a link stays one; a new file's folder is made. */
static int real_path(const char *path, char **ret_path, struct kt_err *err)
{
	char *real = realpath(path, NULL);
	kt_auto_free char *absolute = NULL, *dir = NULL;
	int r;

	if (real) {
		*ret_path = real;
		return 0;
	}
	if (errno != ENOENT)
		return kt_fail(err, errno, "%s: %s", path, strerror(errno));
	if (*path == '/') {
		absolute = kt_strdup(path);
	} else {
		kt_auto_free char *here = getcwd(NULL, 0);

		if (!here)
			return kt_fail(err, errno, "current folder: %s", strerror(errno));
		absolute = kt_path_join(here, path);
	}
	dir = kt_strndup(absolute, (size_t)(strrchr(absolute, '/') - absolute));
	r = *dir ? kt_make_dirs(dir, 0700, err) : 0;
	if (r >= 0)
		*ret_path = kt_steal(&absolute);
	return r;
}

static int change_locked(const char *path,
        int (*change)(json_t *tree, void *arg, struct kt_err *err), void *arg, struct kt_err *err)
{
	kt_auto_json json_t *tree = NULL;
	kt_auto_str text = KT_STR_INIT;
	struct stat st;
	int r = kt_kubeconfig_file_read(path, true, &tree, err);

	if (r >= 0)
		r = change(tree, arg, err);
	if (r <= 0)
		return r;
	kt_yaml_write(&text, tree);
	return kt_write_file(path, (struct kt_sv){text.data, text.len},
	        stat(path, &st) == 0 ? st.st_mode & 0777 : 0600, err);
}

int kt_kubeconfig_file_change(const char *path,
        int (*change)(json_t *tree, void *arg, struct kt_err *err), void *arg, struct kt_err *err)
{
	kt_auto_free char *real = NULL, *lock = NULL;
	int r = real_path(path, &real, err);

	if (r >= 0)
		r = take_lock(real, &lock, err);
	if (r < 0)
		return r;
	r = change_locked(real, change, arg, err);
	if (unlink(lock) < 0 && r >= 0)
		return kt_fail(err, errno, "%s: %s", lock, strerror(errno));
	return r;
}
