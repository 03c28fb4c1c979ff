/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cluster_state.h"

#include "api/schema/schema.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "base/vec.h"
#include "tui/command/session.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATE_BYTES_MAX 65536
#define NAME_MAX_CHARS 63

void kt_cluster_state_finish(struct kt_cluster_state *state)
{
	free(state->name);
	free(state->dir);
	free(state->url);
	free(state->kubeconfig);
	free(state->data_dir);
	free(state->previous_context);
	json_decref(state->options);
	*state = (struct kt_cluster_state){0};
}

int kt_cluster_name_check(const char *name, struct kt_err *err)
{
	size_t len = strlen(name);
	bool ok = len && len <= NAME_MAX_CHARS && name[0] != '-' && name[len - 1] != '-' &&
	          name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';

	if (ok)
		return 0;
	return kt_fail(err, EINVAL,
	        "\"%s\" is no name for a cluster: lower case letters, digits and '-', at most 63 "
	        "characters",
	        name);
}

static bool is_of_kind(const struct kt_kind *kind, const char *name)
{
	if (!strcasecmp(kind->plural, name) || !strcasecmp(kind->singular, name) ||
	        !strcasecmp(kind->kind, name))
		return true;
	for (const char *const *s = kind->short_names; s && *s; s++)
		if (!strcmp(*s, name))
			return true;
	return false;
}

static int refuse_taken(const char *name, struct kt_err *err)
{
	for (size_t i = 0; i < kt_builtin_kinds.n_kinds; i++)
		if (is_of_kind(&kt_builtin_kinds.kinds[i], name))
			return kt_fail(err, EINVAL,
			        "a cluster cannot be called \"%s\": `delete %s` would mean the "
			        "objects of kind %s",
			        name, name, kt_builtin_kinds.kinds[i].kind);
	if (kt_command_find(kt_commands, name) || !strcmp(name, "repl"))
		return kt_fail(err, EINVAL,
		        "a cluster cannot be called \"%s\": `kube-tui %s` is a command", name,
		        name);
	return 0;
}

static char *clusters_dir(void)
{
	kt_auto_free char *home = kt_state_home();

	return kt_path_join(home, "clusters");
}

static char *dir_of(const char *name)
{
	kt_auto_free char *dir = clusters_dir();

	return kt_path_join(dir, name);
}

char *kt_cluster_dir(const char *name, struct kt_err *err)
{
	char *dir = dir_of(name);

	if (kt_make_dirs(dir, 0700, err) == 0)
		return dir;
	free(dir);
	return NULL;
}

/* Bytes of the lock file. They are locked for an open file description (fcntl(2)), which can be
 * asked for without taking the lock, so that a look never keeps a start from it. */
enum { LOCK_STARTING = 0, LOCK_RUNNING = 1 };

static struct flock lock_of(short type, off_t byte)
{
	return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
}

static int set_lock(int fd, int command, short type, off_t byte)
{
	struct flock lock = lock_of(type, byte);
	int rc;

	do {
		rc = fcntl(fd, command, &lock);
	} while (rc < 0 && errno == EINTR);
	return rc < 0 ? -errno : 0;
}

/* What the lock file says of who holds it. */
struct holder {
	pid_t pid;                     /* 0: unknown */
	char name[NAME_MAX_CHARS + 1]; /* of the cluster; "": unknown */
};

static struct holder read_holder(int fd)
{
	char text[NAME_MAX_CHARS + 32] = "";
	struct holder holder = {0};
	struct kt_sv rest, pid, name;
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	int64_t number;

	if (n <= 0)
		return holder;
	rest = (struct kt_sv){text, (size_t)n};
	if (kt_sv_split(&rest, '\n', &pid) && kt_sv_int64(pid, &number) == 0 && number > 0)
		holder.pid = (pid_t)number;
	if (kt_sv_split(&rest, '\n', &name) && name.len <= NAME_MAX_CHARS)
		memcpy(holder.name, name.p, name.len);
	return holder;
}

static int note_holder(int fd, const char *name, const char *path, struct kt_err *err)
{
	kt_auto_free char *text = kt_asprintf("%d\n%s\n", (int)getpid(), name);
	ssize_t len = (ssize_t)strlen(text);

	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)len, 0) != len)
		return kt_fail(err, errno, "writing %s: %s", path, strerror(errno));
	return 0;
}

int kt_cluster_lock(const char *name, const char *data_dir, int *ret_fd, struct kt_err *err)
{
	kt_auto_free char *dir = data_dir ? kt_strdup(data_dir) : kt_cluster_dir(name, err);
	if (!dir || (data_dir && kt_make_dirs(dir, 0700, err) < 0))
		return err->code;
	kt_auto_free char *path = kt_path_join(dir, "lock");
	kt_auto_close int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return kt_fail(err, errno, "%s: %s", path, strerror(errno));
	int rc = set_lock(fd, F_OFD_SETLKW, F_WRLCK, LOCK_STARTING);
	if (rc == 0)
		rc = set_lock(fd, F_OFD_SETLK, F_WRLCK, LOCK_RUNNING);
	if (rc == -EAGAIN || rc == -EACCES)
		return data_dir ? kt_fail(err, EBUSY, "%s is in use by process %d", dir,
		                          (int)read_holder(fd).pid)
		                : kt_fail(err, EBUSY, "cluster %s is running already", name);
	if (rc < 0)
		return kt_fail(err, rc, "%s: %s", path, strerror(-rc));
	if (note_holder(fd, name, path, err) < 0)
		return err->code;
	*ret_fd = kt_steal_fd(&fd);
	return 0;
}

void kt_cluster_started(int lock_fd)
{
	int rc = set_lock(lock_fd, F_OFD_SETLK, F_UNLCK, LOCK_STARTING);

	kt_assert(rc == 0);
}

static const char *data_dir_of(const struct kt_cluster_state *state)
{
	return state->data_dir ? state->data_dir : state->dir;
}

static int open_lock(const struct kt_cluster_state *state)
{
	kt_auto_free char *path = kt_path_join(data_dir_of(state), "lock");

	return open(path, O_RDONLY | O_CLOEXEC);
}

void kt_cluster_wait_started(const struct kt_cluster_state *state)
{
	kt_auto_close int fd = open_lock(state);

	if (fd >= 0)
		(void)set_lock(fd, F_OFD_SETLKW, F_RDLCK, LOCK_STARTING);
}

/* Whether the lock is held, and not by another cluster that was given the same folder; the process
 * that does is worth more than what state.json says. */
static void look_at_lock(struct kt_cluster_state *state)
{
	struct flock lock = lock_of(F_RDLCK, LOCK_RUNNING);
	kt_auto_close int fd = open_lock(state);

	if (fd < 0 || fcntl(fd, F_OFD_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
		return;
	struct holder holder = read_holder(fd);
	if (holder.name[0] && !kt_streq(holder.name, state->name))
		return;
	state->is_running = true;
	if (holder.pid)
		state->pid = holder.pid;
}

static char *dup_text(const json_t *tree, const char *key)
{
	const char *text = kt_jstr(tree, key);

	return text ? kt_strdup(text) : NULL;
}

int kt_cluster_state_load(const char *name, struct kt_cluster_state *ret_state, struct kt_err *err)
{
	struct kt_cluster_state state = {.name = kt_strdup(name), .dir = dir_of(name)};
	kt_auto_free char *path = kt_path_join(state.dir, "state.json");
	kt_auto_str text = KT_STR_INIT;
	kt_auto_err ignored = KT_ERR_INIT;

	if (access(state.dir, F_OK) < 0) {
		kt_cluster_state_finish(&state);
		return kt_fail(err, ENOENT, "there is no cluster \"%s\"", name);
	}
	/* A first start that was killed leaves a folder without a state. */
	if (kt_read_file(path, STATE_BYTES_MAX, &text, &ignored) == 0) {
		kt_auto_json json_t *tree =
		        kt_json_parse((struct kt_sv){text.data, text.len}, NULL, NULL);
		state.pid = (pid_t)kt_jint(tree, "pid", 0);
		state.port = (int)kt_jint(tree, "port", 0);
		state.nodes = (int)kt_jint(tree, "nodes", 0);
		state.url = dup_text(tree, "url");
		state.kubeconfig = dup_text(tree, "kubeconfig");
		state.data_dir = dup_text(tree, "dataDir");
		state.previous_context = dup_text(tree, "previousContext");
		state.options = json_incref(json_object_get(tree, "options"));
	}
	look_at_lock(&state);
	*ret_state = state;
	return 0;
}

static void set_text(json_t *tree, const char *key, const char *text)
{
	if (text)
		json_object_set_new(tree, key, json_string(text));
}

int kt_cluster_state_save(const struct kt_cluster_state *state, struct kt_err *err)
{
	kt_auto_json json_t *tree = json_pack("{s:i,s:i,s:i}", "pid", (int)state->pid, "port",
	        state->port, "nodes", state->nodes);
	kt_auto_free char *path = kt_path_join(state->dir, "state.json");
	kt_auto_str text = KT_STR_INIT;

	set_text(tree, "url", state->url);
	set_text(tree, "kubeconfig", state->kubeconfig);
	set_text(tree, "dataDir", state->data_dir);
	set_text(tree, "previousContext", state->previous_context);
	if (state->options)
		json_object_set(tree, "options", state->options);
	kt_json_write(&text, tree, KT_JSON_PRETTY);
	kt_str_putc(&text, '\n');
	return kt_write_file(path, (struct kt_sv){text.data, text.len}, 0600, err);
}

static int state_cmp(const void *a, const void *b)
{
	const struct kt_cluster_state *x = a, *y = b;

	return strcmp(x->name, y->name);
}

int kt_cluster_state_list(struct kt_cluster_state **ret_states, size_t *ret_n, struct kt_err *err)
{
	kt_auto_free char *path = clusters_dir();
	KT_VEC(struct kt_cluster_state) states = {0};
	DIR *dir = opendir(path);
	struct dirent *entry;

	if (!dir && errno != ENOENT)
		return kt_fail(err, errno, "%s: %s", path, strerror(errno));
	while (dir && (entry = readdir(dir))) {
		struct kt_cluster_state state;
		kt_auto_err ignored = KT_ERR_INIT;
		if (kt_cluster_name_check(entry->d_name, &ignored) == 0 &&
		        kt_cluster_state_load(entry->d_name, &state, &ignored) == 0)
			kt_vec_push(&states, state);
	}
	if (dir)
		closedir(dir);
	if (states.n)
		qsort(states.items, states.n, sizeof(*states.items), state_cmp);
	*ret_states = states.items;
	*ret_n = states.n;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path) < 0 && errno != ENOENT ? errno : 0;
}

static int remove_tree(const char *path, struct kt_err *err)
{
	int code = nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);

	if (code < 0)
		code = errno;
	if (code && code != ENOENT)
		return kt_fail(err, code, "removing %s: %s", path, strerror(code));
	return 0;
}

/* The folder was the user's choice: only what a cluster puts there goes, and then the folder if it
 * is empty. */
static int remove_data(const char *data_dir, struct kt_err *err)
{
	static const char *const names[] = {"store", "pki", "lock"};

	for (size_t i = 0; i < KT_ARRAY_SIZE(names); i++) {
		kt_auto_free char *path = kt_path_join(data_dir, names[i]);
		if (remove_tree(path, err) < 0)
			return err->code;
	}
	if (rmdir(data_dir) < 0 && errno != ENOTEMPTY && errno != EEXIST && errno != ENOENT)
		return kt_fail(err, errno, "removing %s: %s", data_dir, strerror(errno));
	return 0;
}

static bool is_same_file(const char *path, const struct stat *other)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_dev == other->st_dev && st.st_ino == other->st_ino;
}

/* ret_owner: another cluster that has its data in the folder, heap; NULL: none. */
static int find_owner(const char *name, const char *data_dir, char **ret_owner, struct kt_err *err)
{
	struct kt_cluster_state *states = NULL;
	struct stat folder;
	size_t n = 0;

	*ret_owner = NULL;
	if (stat(data_dir, &folder) < 0)
		return 0;
	if (kt_cluster_state_list(&states, &n, err) < 0)
		return err->code;
	for (size_t i = 0; i < n; i++) {
		if (!*ret_owner && !kt_streq(states[i].name, name) &&
		        is_same_file(data_dir_of(&states[i]), &folder))
			*ret_owner = kt_strdup(states[i].name);
		kt_cluster_state_finish(&states[i]);
	}
	free(states);
	return 0;
}

int kt_cluster_check_folder(const char *name, const char *data_dir, struct kt_err *err)
{
	kt_auto_free char *owner = NULL;

	if (find_owner(name, data_dir, &owner, err) < 0)
		return err->code;
	if (!owner)
		return 0;
	return kt_fail(err, EEXIST,
	        "%s has the data of cluster %s; `kube-tui up %s` starts it, `kube-tui delete %s` "
	        "takes it away",
	        data_dir, owner, owner, owner);
}

int kt_cluster_lock_watch(const char *data_dir, int watch_fd, struct kt_err *err)
{
	kt_auto_free char *path = kt_path_join(data_dir, "lock");

	/* An open file that is unlinked changes its link count; it is deleted only once closed. */
	if (inotify_add_watch(watch_fd, path, IN_ATTRIB | IN_MOVE_SELF) < 0)
		return kt_fail(err, errno, "watching %s: %s", path, strerror(errno));
	return 0;
}

bool kt_cluster_lock_is_there(const char *data_dir, int lock_fd, int watch_fd)
{
	kt_auto_free char *path = kt_path_join(data_dir, "lock");
	char events[1024];
	struct stat st;

	while (watch_fd >= 0 && read(watch_fd, events, sizeof(events)) > 0)
		;
	return fstat(lock_fd, &st) == 0 && is_same_file(path, &st);
}

int kt_cluster_state_remove(
        const struct kt_cluster_state *state, char **ret_keeper, struct kt_err *err)
{
	kt_auto_free char *keeper = NULL;

	if (state->data_dir && find_owner(state->name, state->data_dir, &keeper, err) < 0)
		return err->code;
	if (state->data_dir && !keeper && remove_data(state->data_dir, err) < 0)
		return err->code;
	if (remove_tree(state->dir, err) < 0)
		return err->code;
	*ret_keeper = kt_steal(&keeper);
	return 0;
}

int kt_cluster_name_new(const char *name, struct kt_err *err)
{
	struct kt_cluster_state state = {0};

	if (kt_cluster_name_check(name, err) < 0)
		return err->code;
	bool exists = kt_cluster_state_load(name, &state, NULL) == 0;

	kt_cluster_state_finish(&state);
	return exists ? 0 : refuse_taken(name, err);
}
