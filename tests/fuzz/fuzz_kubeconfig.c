/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz: kt_api */
/* A kubeconfig, and the endpoint of each of its contexts. */
#include "fuzz/fuzz.h"

#include "api/client/kubeconfig.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static void look_at(const struct kt_kubeconfig *config, const char *context)
{
	struct kt_endpoint endpoint = {0};
	kt_auto_err err = KT_ERR_INIT;

	if (kt_kubeconfig_endpoint(config, context, &endpoint, &err) == 0)
		kt_endpoint_finish(&endpoint);
	else
		kt_assert(err.message && *err.message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kt_kubeconfig *config = NULL;
	kt_auto_err err = KT_ERR_INIT;
	kt_auto_close int fd = memfd_create("kubeconfig", MFD_CLOEXEC);
	char path[64];
	size_t i;
	json_t *context;

	kt_assert(fd >= 0 && kt_write_all(fd, (const char *)data, size, NULL) == 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (kt_kubeconfig_load(path, &config, &err) < 0) {
		kt_assert(err.message && *err.message);
		return 0;
	}
	look_at(config, NULL);
	json_array_foreach(json_object_get(kt_kubeconfig_tree(config), "contexts"), i, context) {
		const char *name = kt_jstr(context, "name");
		if (name)
			look_at(config, name);
	}
	kt_kubeconfig_destroy(config);
	return 0;
}
