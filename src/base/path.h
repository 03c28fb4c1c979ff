/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files, safely: names below a directory are resolved with openat2(2) (RESOLVE_BENEATH |
 * RESOLVE_NO_MAGICLINKS), whole files are written to a temporary name, synced and renamed.
 */
#ifndef KT_BASE_PATH_H
#define KT_BASE_PATH_H

#include "base/err.h"
#include "base/str.h"

#include <stddef.h>
#include <sys/types.h>

/* O_CLOEXEC is added. Returns a descriptor or negative errno. */
int kt_open_beneath(int dir_fd, const char *name, int flags, mode_t mode, struct kt_err *err);
/* mkdir -p with mode for what is created; an existing last part must be a directory. */
int kt_make_dirs(const char *path, mode_t mode, struct kt_err *err);
/* -EFBIG past max_bytes. "-" reads standard input. */
int kt_read_file(const char *path, size_t max_bytes, struct kt_str *out, struct kt_err *err);
/* Temporary file in the same directory, fsync, rename, fsync of the directory. */
int kt_write_file(const char *path, struct kt_sv content, mode_t mode, struct kt_err *err);
/* XDG base directories with their fallbacks; the result ends without '/', heap. */
char *kt_config_home(void);  /* $XDG_CONFIG_HOME/kube-tui */
char *kt_state_home(void);   /* $XDG_STATE_HOME/kube-tui: clusters, history, logs */
char *kt_runtime_home(void); /* $XDG_RUNTIME_DIR/kube-tui or a 0700 folder in the state home */
char *kt_path_join(const char *a, const char *b);
/* Writes all, retrying after EINTR and short writes. */
int kt_write_all(int fd, const void *data, size_t len, struct kt_err *err);

#endif
