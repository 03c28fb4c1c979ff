/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where embedded clusters live: below $XDG_STATE_HOME/kube-tui/clusters/NAME the store, the keys,
 * the log, a lock that the running process holds, the administrator's kubeconfig, and state.json,
 * which says what runs. With --data-dir, store, keys and lock are in that folder.
 *
 * A cluster runs when its lock is held in its name. A second lock is held while it starts: who
 * wants to attach waits for that one, and then state.json and the kubeconfig are there. Names are
 * DNS labels, so that they are file names as well.
 *
 * A data folder is one cluster's: another name is refused it. Who runs watches the lock file and
 * ends when it is gone, because nobody could find the process any more.
 */
#ifndef KT_CLUSTER_STATE_H
#define KT_CLUSTER_STATE_H

#include "base/err.h"
#include "base/json.h"

#include <stdbool.h>
#include <sys/types.h>

struct kt_cluster_state {
	char *name, *dir;
	bool is_running;
	/* of the running or the last process */
	pid_t pid;
	int port, nodes;
	char *url;
	char *kubeconfig;       /* file given to `up`; NULL: the user's */
	char *data_dir;         /* --data-dir; NULL: dir */
	char *previous_context; /* of the user's kubeconfig before `up` */
	json_t *options;        /* what shapes it (cluster_start.h): texts by name; NULL: nothing */
};
void kt_cluster_state_finish(struct kt_cluster_state *state);

/* -EINVAL for a name that is none. */
int kt_cluster_name_check(const char *name, struct kt_err *err);
/* The same for a cluster that may have to be made: the name of a kind or of a command is refused
 * then, for `delete NAME` and `kube-tui NAME` would mean those. */
int kt_cluster_name_new(const char *name, struct kt_err *err);
/* A cluster that never ran: -ENOENT. */
int kt_cluster_state_load(const char *name, struct kt_cluster_state *ret_state, struct kt_err *err);
int kt_cluster_state_save(const struct kt_cluster_state *state, struct kt_err *err);
/* Takes the locks of the cluster's folder (data_dir NULL: its own), the one that says it runs for
 * the life of the process; the descriptor is the caller's. Waits while another process starts it;
 * -EBUSY when one runs it, which others can reach then. */
int kt_cluster_lock(const char *name, const char *data_dir, int *ret_fd, struct kt_err *err);
/* -EEXIST when the folder is another cluster's. Asked with the lock held, it stays true. */
int kt_cluster_check_folder(const char *name, const char *data_dir, struct kt_err *err);
/* Makes watch_fd, an inotify(7) descriptor, readable when something happens to the lock file. Open
 * it before the lock: the kernel closes the files of a killed process from the last to the first,
 * and an inotify takes so long that the lock would outlive the process visibly. */
int kt_cluster_lock_watch(const char *data_dir, int watch_fd, struct kt_err *err);
/* False when the folder has no lock file, or another one. Takes what the watch (-1: none) has to
 * say. */
bool kt_cluster_lock_is_there(const char *data_dir, int lock_fd, int watch_fd);
/* Others can reach it now. */
void kt_cluster_started(int lock_fd);
/* Until nobody is just starting it; load the state again then. */
void kt_cluster_wait_started(const struct kt_cluster_state *state);
/* The folder of a cluster, created; heap. */
char *kt_cluster_dir(const char *name, struct kt_err *err);
/* All clusters; the caller finishes each and frees the array. */
int kt_cluster_state_list(struct kt_cluster_state **ret_states, size_t *ret_n, struct kt_err *err);
/* Removes the cluster's folder and all below, and its data where --data-dir put it, unless that is
 * another cluster's as well, which ret_keeper names then; heap. */
int kt_cluster_state_remove(
        const struct kt_cluster_state *state, char **ret_keeper, struct kt_err *err);

#endif
