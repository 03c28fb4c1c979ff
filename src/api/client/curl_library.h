/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libcurl, loaded when the first remote client is made: with what it needs itself it is 3 MB of
 * memory and a good part of the time at start, and a process that runs a cluster never calls it.
 *
 * kt_curl.easy_init is curl_easy_init, and so on. Any thread, after kt_curl_load() has succeeded.
 */
#ifndef KT_API_CLIENT_CURL_LIBRARY_H
#define KT_API_CLIENT_CURL_LIBRARY_H

#include "base/err.h"

#include <curl/curl.h>

#define KT_CURL_FUNCTIONS(X) \
	X(global_init) \
	X(free) \
	X(url) \
	X(url_cleanup) \
	X(url_get) \
	X(url_set) \
	X(slist_append) \
	X(slist_free_all) \
	X(easy_init) \
	X(easy_cleanup) \
	X(easy_setopt) \
	X(easy_getinfo) \
	X(easy_escape) \
	X(easy_strerror) \
	X(multi_init) \
	X(multi_cleanup) \
	X(multi_setopt) \
	X(multi_assign) \
	X(multi_add_handle) \
	X(multi_remove_handle) \
	X(multi_info_read) \
	X(multi_socket_action)

struct kt_curl {
#define KT_CURL_MEMBER(name) __typeof__(&curl_##name) name;
	KT_CURL_FUNCTIONS(KT_CURL_MEMBER)
#undef KT_CURL_MEMBER
};
extern struct kt_curl kt_curl; /* written once, by kt_curl_load() */

/* -ELIBACC when the library is missing. */
int kt_curl_load(struct kt_err *err);

#endif
