/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz: kt_store */
/* The rows of a snapshot, whose checksum is made right: what is restored can be opened and read. */
#include "fuzz/fuzz.h"

#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/path.h"
#include "cluster/store/store.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static const char magic[] = "kube-tui snap 1\n";

static int make_file(const uint8_t *data, size_t size)
{
	kt_auto_str text = KT_STR_INIT;
	unsigned char digest[32];
	int fd = memfd_create("snapshot", MFD_CLOEXEC);

	kt_str_add(&text, magic, sizeof(magic) - 1);
	kt_str_add(&text, (const char *)data, size);
	kt_assert(gnutls_hash_fast(GNUTLS_DIG_SHA256, text.data, text.len, digest) == 0);
	kt_str_add(&text, (const char *)digest, sizeof(digest));
	kt_assert(fd >= 0 && kt_write_all(fd, text.data, text.len, NULL) == 0);
	return fd;
}

static void read_all(const char *dir)
{
	struct kt_storage *storage = NULL;
	struct kt_storage_range range = {.prefix = ""};
	struct kt_storage_list list = {0};
	struct kt_loop *loop = kt_loop_create(&(struct kt_loop_options){.is_virtual = true}, NULL);
	kt_auto_err err = KT_ERR_INIT;

	if (kt_store_open(&(struct kt_store_options){.path = dir, .loop = loop}, &storage, &err) ==
	        0) {
		if (storage->ops->range(storage, &range, &list, NULL) == 0)
			kt_storage_list_finish(&list);
		(void)kt_loop_run_once(loop, 0, NULL); /* what has expired goes */
		storage->ops->destroy(storage);
	} else {
		kt_assert(err.message && *err.message);
	}
	kt_loop_destroy(loop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char dir[] = "/dev/shm/kube-tui-fuzz-XXXXXX", path[64];
	static const char *const files[] = {"store.mdb", "store.mdb-lock", "lock", "reserve"};
	kt_auto_close int fd = make_file(data, size);
	kt_auto_err err = KT_ERR_INIT;

	kt_log_open(STDERR_FILENO, KT_LOG_ERROR);
	kt_assert(mkdtemp(dir) != NULL);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (kt_store_restore(path, dir, &err) == 0)
		read_all(dir);
	else
		kt_assert(err.message && *err.message);
	for (size_t i = 0; i < KT_ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		unlink(path);
	}
	kt_assert(rmdir(dir) == 0);
	return 0;
}
