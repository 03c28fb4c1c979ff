/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs a fuzz target over the files and folders named; stands in for libFuzzer's main. */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	struct stat st;

	if (!f || fstat(fileno(f), &st) != 0) {
		perror(path);
		return -1;
	}
	size_t size = (size_t)st.st_size;
	/* Exactly as large as the input, so that a sanitizer sees each byte read behind it. */
	uint8_t *data = malloc(size ? size : 1);
	int rc = data && fread(data, 1, size, f) == size ? 0 : -1;
	if (rc == 0)
		rc = LLVMFuzzerTestOneInput(data, size);
	else
		fprintf(stderr, "%s: cannot be read\n", path);
	free(data);
	fclose(f);
	return rc;
}

/* The number of inputs, or -1. */
static int replay(const char *path)
{
	DIR *folder = opendir(path);
	const struct dirent *entry;
	int n = 0;

	if (!folder)
		return replay_file(path) == 0 ? 1 : -1;
	while (n >= 0 && (entry = readdir(folder))) {
		char name[4096];
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		n = replay_file(name) == 0 ? n + 1 : -1;
	}
	closedir(folder);
	return n;
}

int main(int argc, char **argv)
{
	int total = 0;

	for (int i = 1; i < argc; i++) {
		int n = replay(argv[i]);
		if (n < 0)
			return 1;
		total += n;
	}
	printf("%d inputs\n", total);
	return total ? 0 : 1;
}
