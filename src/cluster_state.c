/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cluster_state.h"

#include "base/path.h"
#include "base/vec.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/file.h>
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

int kt_cluster_lock(const char *name, const char *data_dir, int *ret_fd, struct kt_err *err)
{
	kt_auto_free char *dir = data_dir ? kt_strdup(data_dir) : kt_cluster_dir(name, err);
	if (!dir || (data_dir && kt_make_dirs(dir, 0700, err) < 0))
		return err->code;
	kt_auto_free char *path = kt_path_join(dir, "lock");
	kt_auto_close int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return kt_fail(err, errno, "%s: %s", path, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK)
			return kt_fail(err, EBUSY, "cluster %s is running already", name);
		return kt_fail(err, errno, "%s: %s", path, strerror(errno));
	}
	*ret_fd = kt_steal_fd(&fd);
	return 0;
}

static bool is_locked(const char *dir)
{
	kt_auto_free char *path = kt_path_join(dir, "lock");
	kt_auto_close int fd = open(path, O_RDWR | O_CLOEXEC);

	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0;
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
	}
	state.is_running = is_locked(state.data_dir ? state.data_dir : state.dir);
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

int kt_cluster_state_remove(const struct kt_cluster_state *state, struct kt_err *err)
{
	int code = nftw(state->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);

	if (code)
		return kt_fail(err, code > 0 ? code : errno, "removing %s: %s", state->dir,
		        strerror(code > 0 ? code : errno));
	return 0;
}
