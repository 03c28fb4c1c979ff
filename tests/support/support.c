/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/support.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *kt_test_shared(const char *relative)
{
	static char path[4096];
	const char *root = getenv("KT_SHARED");

	snprintf(path, sizeof(path), "%s/%s", root && *root ? root : "../shared", relative);
	return access(path, R_OK) == 0 ? path : NULL;
}

char *kt_test_make_dir(void)
{
	const char *tmp = getenv("TMPDIR");
	char path[4096];

	snprintf(path, sizeof(path), "%s/kube-tui-test-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(path));
	return strdup(path);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void kt_test_remove_dir(char *path)
{
	if (path)
		nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	free(path);
}
