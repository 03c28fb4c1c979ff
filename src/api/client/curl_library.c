/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/client/curl_library.h"

#include "base/mem.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

struct kt_curl kt_curl;

static char failure[256]; /* empty: loaded */

static void fail_load(void)
{
	const char *why = dlerror();

	snprintf(failure, sizeof(failure), "loading libcurl: %s", why ? why : "unknown error");
}

static void load(void)
{
	static const char *const files[] = {"libcurl-gnutls.so.4", "libcurl.so.4"};
	void *library = NULL;

	for (size_t i = 0; !library && i < KT_ARRAY_SIZE(files); i++)
		library = dlopen(files[i], RTLD_NOW | RTLD_LOCAL);
	if (!library) {
		fail_load();
		return;
	}
	/* A function's address comes as a pointer to void, which POSIX makes the same thing. */
#define FIND(name) \
	do { \
		void *symbol = dlsym(library, "curl_" #name); \
		memcpy(&kt_curl.name, &symbol, sizeof(symbol)); \
		if (!symbol) { \
			fail_load(); \
			return; \
		} \
	} while (0);
	KT_CURL_FUNCTIONS(FIND)
#undef FIND
	CURLcode code = kt_curl.global_init(CURL_GLOBAL_ALL);
	if (code != CURLE_OK)
		snprintf(failure, sizeof(failure), "starting libcurl: %s",
		        kt_curl.easy_strerror(code));
}

int kt_curl_load(struct kt_err *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, load);
	return *failure ? kt_fail(err, ELIBACC, "%s", failure) : 0;
}
