/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The remote client from inside. A kt_remote is shared by all loops; each loop that uses it has a
 * struct kt_remote_loop with a curl multi handle of its own, driven by the loop's descriptors and
 * timers. When a loop is destroyed its handle, with the connections it keeps alive, goes to the
 * remote's idle list and serves the next loop: commands make a loop per call.
 *
 * curl forbids adding and removing transfers from within its callbacks, where a caller's on_data
 * and on_event run: both are put off until curl has returned (remote_loop.c).
 */
#ifndef KT_API_CLIENT_REMOTE_INTERNAL_H
#define KT_API_CLIENT_REMOTE_INTERNAL_H

#include "api/client/curl_library.h"
#include "api/client/remote.h"
#include "base/vec.h"

#include <pthread.h>
#include <time.h>

#define KT_REMOTE_CONNECT_MS 30000
#define KT_REMOTE_ANSWER_BYTES_MAX \
	((size_t)1 << 30) /* one collected body; a list of 100,000 pods has some 500 MB */
#define KT_REMOTE_LINE_BYTES_MAX ((size_t)64 << 20) /* one watch event */
#define KT_REMOTE_LIST_LIMIT 500                    /* per page, as client-go's reflector */
#define KT_REMOTE_TOKEN_FILE_S \
	60 /* how long a token file's content is trusted: client-go's time \
	    */

struct kt_remote_loop;

/* A PEM text that curl can open as a file. */
struct kt_remote_pem {
	int fd; /* -1: none */
	char path[32];
};

struct kt_remote {
	struct kt_client base;
	struct kt_endpoint endpoint;
	char *user_agent;
	int timeout_ms;
	bool follow_redirects;
	bool is_loopback;
	char *url;         /* scheme, host and port of the certificate's name; paths are appended */
	char *connect_to;  /* for CURLOPT_CONNECT_TO when the name to verify is not the host; NULL:
	                      none */
	char *host_header; /* then the true Host */
	struct kt_remote_pem ca;
	atomic_bool no_watch_list; /* the server does not know sendInitialEvents */

	pthread_mutex_t lock; /* protects what follows; taken alone */
	struct kt_remote_loop *loops;
	CURLM **idle; /* multi handles without a loop */
	size_t n_idle, cap_idle;
	/* credentials that change */
	char *token;
	int64_t token_read_s; /* monotonic, of the token file */
	struct kt_remote_pem cert, key;
	char *exec_token;
	int64_t exec_expires_s; /* Unix time; 0: never */
	bool exec_running;
	pthread_t exec_thread;
	bool exec_thread_made;
};

struct kt_transfer {
	struct kt_remote *remote;
	struct kt_remote_loop *home;
	struct kt_transfer *prev, *next; /* of home */
	CURL *easy;
	struct curl_slist *headers, *connect_to;
	char error[CURL_ERROR_SIZE];
	struct kt_err unmade; /* why the request could not even be made */
	bool added;           /* to the multi handle */
	bool ending;          /* on_end runs */
	bool dead;            /* cancelled: freed without a word */
	bool streams;         /* 2xx bodies go to on_piece */
	bool too_large;
	int timeout_ms;
	size_t body_max; /* of a collected body; 0: KT_REMOTE_ANSWER_BYTES_MAX */
	long status;
	struct kt_str body;
	char *content_type;
	struct kt_str warnings;
	/* Within curl's callback; may cancel the transfer. */
	void (*on_piece)(struct kt_transfer *transfer, struct kt_sv piece);
	/* Outside of it. err: transport error, or what a status other than 2xx says. The transfer
	 * is freed afterwards, its outer struct with it by `release`. */
	void (*on_end)(struct kt_transfer *transfer, struct kt_err *err);
	void (*release)(struct kt_transfer *transfer);
	/* Either may be NULL. The last word on curl's options; and what curl said, before on_end.
	 */
	void (*configure)(struct kt_transfer *transfer);
	void (*on_code)(struct kt_transfer *transfer, CURLcode code);
};

struct kt_transfer_request {
	const char *method, *path, *content_type, *accept, *user_agent;
	const struct kt_buf *body;
	int timeout_ms; /* 0: none */
};

/* remote_loop.c: on the loop's thread. The caller has set on_piece, on_end, release, streams. */
void kt_transfer_start(struct kt_transfer *transfer, struct kt_remote *remote, struct kt_loop *loop,
        const struct kt_transfer_request *request);
/* on_end is not called any more; release is, now or when curl has returned. */
void kt_transfer_cancel(struct kt_transfer *transfer);
void kt_remote_loops_destroy(struct kt_remote *remote);

/* remote_transfer.c */
int kt_transfer_set_up(struct kt_transfer *transfer, const struct kt_transfer_request *request,
        struct kt_err *err);
void kt_transfer_tear_down(struct kt_transfer *transfer);
/* What the transfer's end means; success leaves err empty. */
void kt_transfer_outcome(struct kt_transfer *transfer, CURLcode code, struct kt_err *err);

/* remote_auth.c */
int kt_remote_pem_make(struct kt_remote_pem *pem, const char *text, struct kt_err *err);
void kt_remote_pem_finish(struct kt_remote_pem *pem);
int kt_remote_auth_open(struct kt_remote *remote, struct kt_err *err);
void kt_remote_auth_close(struct kt_remote *remote);
/* Sets Authorization and client certificate of a new transfer. */
int kt_remote_auth_apply(
        struct kt_remote *remote, struct kt_transfer *transfer, struct kt_err *err);
/* 401: the plug-in's credential is asked for anew. */
void kt_remote_auth_refused(struct kt_remote *remote);

/* remote_watch.c */
void kt_remote_watch(struct kt_client *client, struct kt_watch *watch);
void kt_remote_watch_stop(struct kt_client *client, struct kt_watch *watch);

static inline int64_t kt_remote_now_s(clockid_t clock)
{
	struct timespec ts = {0};

	clock_gettime(clock, &ts);
	return ts.tv_sec;
}

#endif
