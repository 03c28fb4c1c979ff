/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which kubeconfig files there are, reading one, and changing one under kubectl's lock (FILE.lock,
 * made with O_EXCL): a writer that finds the lock waits for its removal, told by inotify, up to
 * KT_KUBECONFIG_LOCK_MS.
 */
#ifndef KT_API_CLIENT_KUBECONFIG_FILE_H
#define KT_API_CLIENT_KUBECONFIG_FILE_H

#include "base/err.h"
#include "base/json.h"
#include "base/vec.h"

#define KT_KUBECONFIG_LOCK_MS 5000 /* nobody holds it longer than one small write takes */
#define KT_KUBECONFIG_BYTES_MAX (16 * 1024 * 1024)

struct kt_kubeconfig_files {
	char **items;
	size_t n, cap;
};

/* explicit not NULL: that one; else $KUBECONFIG's, else ~/.kube/config. */
void kt_kubeconfig_files(const char *explicit, struct kt_kubeconfig_files *ret_files);
void kt_kubeconfig_files_finish(struct kt_kubeconfig_files *files);
/* A Config object; a missing file is an empty one when may_miss. */
int kt_kubeconfig_file_read(const char *path, bool may_miss, json_t **ret_tree, struct kt_err *err);
/* Reads, calls change (1: write it, 0: leave it, negative: failed), writes; all under the lock. A
 * missing file is an empty Config. */
int kt_kubeconfig_file_change(const char *path,
        int (*change)(json_t *tree, void *arg, struct kt_err *err), void *arg, struct kt_err *err);

#endif
