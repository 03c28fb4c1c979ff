/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The remote client against our own HTTPS server; what answers behind it is written here. */
#include "api/client/remote.h"
#include "api/server/http/http_server.h"
#include "api/server/pki.h"
#include "api/status.h"
#include "base/log.h"
#include "base/path.h"
#include "support/support.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>

static struct kt_pki *pki;
static struct kt_http_server *http;
static atomic_bool knows_watch_list, page_expires;
static atomic_int n_connections_seen;
static char last_peer[64];
static pthread_mutex_t peer_lock = PTHREAD_MUTEX_INITIALIZER;

/* A stream of prepared text; afterwards it ends, or waits for ever. */
struct text_stream {
	struct kt_stream base;
	char *text;
	size_t off;
	bool waits;
};

static int text_pull(struct kt_stream *base, struct kt_buf **ret_piece)
{
	struct text_stream *s = kt_container_of(base, struct text_stream, base);
	size_t len = KT_MIN(strlen(s->text + s->off), (size_t)37); /* lines are cut anywhere */

	if (len == 0)
		return s->waits ? 0 : -ENODATA;
	*ret_piece = kt_buf_create(s->text + s->off, len);
	s->off += len;
	return 1;
}

static void text_close(struct kt_stream *base)
{
	struct text_stream *s = kt_container_of(base, struct text_stream, base);

	free(s->text);
	free(s);
}

static void answer(struct kt_request *request, int status, const char *text)
{
	request->status = status;
	kt_request_answer_header(request, "Content-Type", "application/json");
	kt_request_answer_add(request, kt_buf_create(text, strlen(text)));
}

static void answer_status(struct kt_request *request, enum kt_reason reason, const char *message)
{
	kt_auto_err err = KT_ERR_INIT;
	kt_auto_str text = KT_STR_INIT;

	kt_fail_reason(&err, reason, kt_reason_errno(reason), "%s", message);
	kt_auto_json json_t *status = kt_status_of_err(&err, NULL);
	kt_json_write(&text, status, 0);
	answer(request, kt_err_http_status(&err), kt_str_text(&text));
}

static void answer_stream(struct kt_request *request, const char *text, bool waits)
{
	struct text_stream *s = kt_new(struct text_stream);

	s->base.pull = text_pull;
	s->base.close = text_close;
	s->text = kt_strdup(text);
	s->waits = waits;
	request->status = 200;
	request->stream = &s->base;
}

#define OBJECT(name, rv) \
	"{\"kind\":\"Pod\",\"metadata\":{\"name\":\"" name "\",\"resourceVersion\":\"" rv "\"}}"
#define EVENT(type, name, rv) "{\"type\":\"" type "\",\"object\":" OBJECT(name, rv) "}\n"

static void answer_list(struct kt_request *request)
{
	if (!strstr(request->target, "limit=") || strstr(request->target, "continue=next"))
		answer(request, 200,
		        "{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{"
		        "\"resourceVersion\":\"50\"},\"items\":[{\"metadata\":{\"name\":\"c\"}}]}");
	else if (strstr(request->target, "continue=") && atomic_load(&page_expires))
		answer_status(
		        request, KT_REASON_EXPIRED, "The provided continue parameter is too old");
	else
		answer(request, 200,
		        atomic_load(&page_expires)
		                ? "{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{"
		                  "\"resourceVersion\":\"40\",\"continue\":\"old\"},\"items\":[{"
		                  "\"metadata\":{\"name\":\"a\"}}]}"
		                : "{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{"
		                  "\"resourceVersion\":\"50\",\"continue\":\"next\"},\"items\":[{"
		                  "\"metadata\":{\"name\":\"a\"}},{\"metadata\":{\"name\":\"b\"}}]"
		                  "}");
}

static void answer_pods(struct kt_request *request)
{
	const char *t = request->target;

	if (!strstr(t, "watch=1")) {
		answer_list(request);
	} else if (strstr(t, "sendInitialEvents=true")) {
		if (!atomic_load(&knows_watch_list))
			answer_status(request, KT_REASON_INVALID,
			        "sendInitialEvents is forbidden for watch");
		else
			answer_stream(request,
			        EVENT("ADDED", "a",
			                "7") "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"Pod\","
			                     "\"metadata\":{\"resourceVersion\":\"9\","
			                     "\"annotations\":{\"k8s.io/"
			                     "initial-events-end\":\"true\"}}}}\n" EVENT(
			                             "MODIFIED", "a", "10"),
			        true);
	} else if (strstr(t, "resourceVersion=1&") || kt_ends_with(t, "resourceVersion=1")) {
		answer_stream(request,
		        "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"status\":"
		        "\"Failure\",\"message\":\"too "
		        "old\",\"reason\":\"Expired\",\"code\":410}}\n",
		        false);
	} else if (kt_ends_with(t, "resourceVersion=2")) {
		answer_stream(request, EVENT("ADDED", "x", "3"), false);
	} else if (kt_ends_with(t, "resourceVersion=3")) {
		answer_stream(request, "{\"type\":\"ADDED\",\"object\":nonsense}\n", true);
	} else {
		answer_stream(request, EVENT("DELETED", "a", "51"), true);
	}
}

void kt_server_handle(struct kt_request *request)
{
	kt_auto_str text = KT_STR_INIT;

	pthread_mutex_lock(&peer_lock);
	if (strcmp(last_peer, request->remote_address)) {
		snprintf(last_peer, sizeof(last_peer), "%s", request->remote_address);
		atomic_fetch_add(&n_connections_seen, 1);
	}
	pthread_mutex_unlock(&peer_lock);
	if (kt_starts_with(request->target, "/never"))
		return;
	if (kt_starts_with(request->target, "/pods")) {
		answer_pods(request);
	} else if (kt_starts_with(request->target, "/logs")) {
		answer_stream(request,
		        "line one\nline two\nline three, which is longer than a piece\n", false);
	} else if (kt_starts_with(request->target, "/missing")) {
		answer_status(request, KT_REASON_NOT_FOUND, "pods \"x\" not found");
	} else {
		const char *authorization = kt_request_header(request, "authorization"),
		           *agent = kt_request_header(request, "user-agent");

		kt_str_printf(&text, "%s %s user=%s auth=%s agent=%s as=%s body=%s",
		        request->method, request->target, request->user ? request->user->name : "-",
		        authorization ? authorization : "-", agent ? agent : "-",
		        kt_request_header(request, "impersonate-user")
		                ? kt_request_header(request, "impersonate-user")
		                : "-",
		        request->body ? request->body->data : "-");
		kt_request_answer_header(request, "Warning", "299 - \"be \\\"careful\\\"\"");
		kt_request_answer_header(request, "Warning", "299 - \"again\"");
		answer(request, 200, kt_str_text(&text));
	}
	request->done(request);
}

void kt_request_abort(struct kt_request *request)
{
	if (kt_starts_with(request->target, "/never"))
		request->done(request);
}

static int set_up(void **state)
{
	(void)state;
	assert_int_equal(kt_pki_open(NULL, NULL, &pki, NULL), 0);
	struct kt_http_server_options options = {
	        .cert_pem = kt_pki_pem(pki, KT_PKI_SERVER_CERT),
	        .key_pem = kt_pki_pem(pki, KT_PKI_SERVER_KEY),
	        .client_ca_pem = kt_pki_pem(pki, KT_PKI_CA_CERT),
	};
	assert_int_equal(kt_http_server_create(&options, &http, NULL), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	kt_http_server_destroy(http, 1000);
	kt_pki_close(pki);
	return 0;
}

static struct kt_endpoint endpoint_of_server(void)
{
	return (struct kt_endpoint){
	        .server = kt_asprintf("https://127.0.0.1:%d", kt_http_server_port(http)),
	        .ca_pem = kt_strdup(kt_pki_pem(pki, KT_PKI_CA_CERT)),
	        .client_cert_pem = kt_strdup(kt_pki_pem(pki, KT_PKI_ADMIN_CERT)),
	        .client_key_pem = kt_strdup(kt_pki_pem(pki, KT_PKI_ADMIN_KEY)),
	};
}

static struct kt_client *client_of(struct kt_endpoint *endpoint)
{
	struct kt_client *client = NULL;
	struct kt_remote_options options = {.endpoint = endpoint, .user_agent = "test/1"};

	assert_int_equal(kt_remote_client_create(&options, &client, NULL), 0);
	kt_endpoint_finish(endpoint);
	return client;
}

static struct kt_client *new_client(void)
{
	struct kt_endpoint endpoint = endpoint_of_server();

	return client_of(&endpoint);
}

static void check_call(struct kt_client *client, const char *method, const char *path,
        const char *body, const char *expected)
{
	kt_auto_buf struct kt_buf *buf = body ? kt_buf_create(body, strlen(body)) : NULL;
	struct kt_call call = {.method = method, .path = path, .body = buf};

	assert_int_equal(kt_client_call_wait(client, &call, NULL), 0);
	assert_int_equal(call.status, 200);
	assert_string_equal(call.ret_body->data, expected);
	assert_string_equal(call.ret_warnings, "be \"careful\"\nagain");
	assert_string_equal(call.ret_content_type, "application/json");
	kt_call_finish(&call);
}

/* Each waiting call has a loop of its own, and yet all use one connection. */
static void test_calls(void **state)
{
	struct kt_client *client = new_client();
	int before = atomic_load(&n_connections_seen);

	(void)state;
	check_call(client, "GET", "/x?y=%2F", NULL,
	        "GET /x?y=%2F user=kubernetes-admin auth=- agent=test/1 as=- body=-");
	check_call(client, "POST", "/x", "{}",
	        "POST /x user=kubernetes-admin auth=- agent=test/1 as=- body={}");
	check_call(client, "PUT", "/x", "{1}",
	        "PUT /x user=kubernetes-admin auth=- agent=test/1 as=- body={1}");
	check_call(client, "PATCH", "/x", "{2}",
	        "PATCH /x user=kubernetes-admin auth=- agent=test/1 as=- body={2}");
	check_call(client, "DELETE", "/x", NULL,
	        "DELETE /x user=kubernetes-admin auth=- agent=test/1 as=- body=-");
	check_call(client, "DELETE", "/x", "{3}",
	        "DELETE /x user=kubernetes-admin auth=- agent=test/1 as=- body={3}");
	assert_int_equal(atomic_load(&n_connections_seen), before + 1);
	kt_client_destroy(client);
}

static void test_status_and_errors(void **state)
{
	struct kt_client *client = new_client();
	struct kt_call call = {.method = "GET", .path = "/missing"};
	struct kt_endpoint nobody = {.server = kt_strdup("https://127.0.0.1:1")},
	                   strange = endpoint_of_server();
	struct kt_pki *foreign = NULL;

	(void)state;
	assert_int_equal(kt_client_call_wait(client, &call, NULL), -ENOENT);
	assert_int_equal(call.status, 404);
	assert_string_equal(kt_err_message(&call.err), "pods \"x\" not found");
	kt_call_finish(&call);
	call.path = "/never";
	call.timeout_ms = 20;
	assert_int_equal(kt_client_call_wait(client, &call, NULL), -ETIMEDOUT);
	assert_int_equal(call.status, 0);
	kt_call_finish(&call);
	kt_client_destroy(client);

	call.timeout_ms = 0; /* a loaded machine may need longer for a handshake */
	client = client_of(&nobody);
	assert_int_equal(kt_client_call_wait(client, &call, NULL), -ECONNREFUSED);
	assert_string_equal(kt_err_message(&call.err),
	        "The connection to the server 127.0.0.1:1 was refused - "
	        "did you specify the right host or port?");
	kt_call_finish(&call);
	kt_client_destroy(client);

	assert_int_equal(kt_pki_open(NULL, NULL, &foreign, NULL), 0);
	free(strange.ca_pem);
	strange.ca_pem = kt_strdup(kt_pki_pem(foreign, KT_PKI_CA_CERT));
	client = client_of(&strange);
	assert_int_equal(kt_client_call_wait(client, &call, NULL), -EPROTO);
	kt_call_finish(&call);
	kt_client_destroy(client);
	kt_pki_close(foreign);
}

static void test_tls_server_name_and_tokens(void **state)
{
	struct kt_endpoint named = endpoint_of_server(), token = endpoint_of_server(),
	                   bad = endpoint_of_server();
	struct kt_client *client;
	struct kt_call call = {.method = "GET", .path = "/x"};

	(void)state;
	named.tls_server_name = kt_strdup("kubernetes.default.svc");
	client = client_of(&named);
	check_call(client, "GET", "/x", NULL,
	        "GET /x user=kubernetes-admin auth=- agent=test/1 as=- body=-");
	kt_client_destroy(client);

	free(kt_steal(&token.client_cert_pem));
	free(kt_steal(&token.client_key_pem));
	token.token = kt_strdup("secret");
	token.impersonate_user = kt_strdup("jane");
	client = client_of(&token);
	check_call(client, "GET", "/x", NULL,
	        "GET /x user=- auth=Bearer secret agent=test/1 as=jane body=-");
	kt_client_destroy(client);

	bad.token = kt_strdup("two\r\nlines: x");
	client = client_of(&bad);
	assert_int_equal(kt_client_call_wait(client, &call, NULL), -EINVAL);
	kt_call_finish(&call);
	kt_client_destroy(client);
}

static void test_exec_plugin(void **state)
{
	char *dir = kt_test_make_dir();
	kt_auto_free char *path = kt_path_join(dir, "plugin");
	struct kt_endpoint endpoint = endpoint_of_server(), failing = endpoint_of_server();
	struct kt_remote_options options = {.endpoint = &failing};
	struct kt_client *client, *none = NULL;
	kt_auto_err err = KT_ERR_INIT;

	(void)state;
	assert_int_equal(
	        kt_write_file(path,
	                KT_SV("#!/bin/sh\ncase \"$KUBERNETES_EXEC_INFO\" in "
	                      "*ExecCredential*server*) ;; "
	                      "*) exit 3;; esac\n"
	                      "echo \"{\\\"status\\\":{\\\"token\\\":\\\"$1-$NAME\\\"}}\"\n"),
	                0700, NULL),
	        0);
	endpoint.exec = json_pack("{s:s, s:[s], s:[{s:s, s:s}], s:b}", "command", path, "args",
	        "made", "env", "name", "NAME", "value", "here", "provideClusterInfo", 1);
	client = client_of(&endpoint);
	check_call(client, "GET", "/x", NULL,
	        "GET /x user=kubernetes-admin auth=Bearer made-here agent=test/1 as=- body=-");
	kt_client_destroy(client);
	failing.exec = json_pack(
	        "{s:s, s:s}", "command", "/nonexistent/plugin", "installHint", "install it");
	assert_true(kt_remote_client_create(&options, &none, &err) < 0);
	assert_non_null(strstr(kt_err_message(&err), "install it"));
	kt_endpoint_finish(&failing);
	kt_test_remove_dir(dir);
}

static void gather(struct kt_call *call, struct kt_sv piece);

struct gathering {
	struct kt_call call;
	struct kt_str text;
};

static void gather(struct kt_call *call, struct kt_sv piece)
{
	struct gathering *g = kt_container_of(call, struct gathering, call);

	kt_str_add(&g->text, piece.p, piece.len);
}

static void test_streamed_answer(void **state)
{
	struct kt_client *client = new_client();
	struct gathering g = {.call = {.method = "GET", .path = "/logs", .on_data = gather}};

	(void)state;
	assert_int_equal(kt_client_call_wait(client, &g.call, NULL), 0);
	assert_string_equal(kt_str_text(&g.text),
	        "line one\nline two\nline three, which is longer than a piece\n");
	kt_str_finish(&g.text);
	kt_call_finish(&g.call);
	kt_client_destroy(client);
}

struct watching {
	struct kt_watch base;
	struct kt_client *client;
	struct kt_str text; /* "A a, B, M a, " */
	const char *until;  /* stop when text is this */
	bool over;
	int end_code;
};

static void on_event(struct kt_watch *base, enum kt_watch_type type, struct kt_object *object)
{
	struct watching *w = kt_container_of(base, struct watching, base);
	struct kt_sv name = kt_object_name(object);

	kt_str_printf(&w->text, "%c%lld%s%.*s, ", "AMDB"[type], (long long)object -> revision,
	        name.len ? " " : "", (int)name.len, name.p ? name.p : "");
	if (type != KT_WATCH_BOOKMARK)
		assert_true(
		        kt_json_string_is(kt_json_member(kt_object_doc(object), "kind"), "Pod"));
	if (w->until && !strcmp(kt_str_text(&w->text), w->until)) {
		kt_client_watch_stop(w->client, base);
		w->over = true;
	}
}

static void on_end(struct kt_watch *base, struct kt_err *err)
{
	struct watching *w = kt_container_of(base, struct watching, base);

	w->over = true;
	w->end_code = err->code;
}

static void check_watch(struct kt_client *client, int64_t from, const char *until,
        const char *expected, int end_code)
{
	struct kt_loop *loop = kt_loop_create(NULL, NULL);
	struct watching w = {
	        .base = {.path = "/pods",
	                .from_revision = from,
	                .loop = loop,
	                .on_event = on_event,
	                .on_end = on_end},
	        .client = client,
	        .until = until,
	};

	kt_client_watch(client, &w.base);
	while (!w.over)
		assert_true(kt_loop_run_once(loop, 10000, NULL) > 0);
	assert_string_equal(kt_str_text(&w.text), expected);
	assert_int_equal(w.end_code, end_code);
	kt_str_finish(&w.text);
	kt_loop_destroy(loop);
}

static void test_watch(void **state)
{
	struct kt_client *client = new_client();

	(void)state;
	atomic_store(&knows_watch_list, true);
	check_watch(client, 0, "A7 a, B9, M10 a, ", "A7 a, B9, M10 a, ", 0);
	check_watch(client, 0, "A7 a, ", "A7 a, ", 0);
	check_watch(client, 1, NULL, "", -ESTALE);
	check_watch(client, 2, NULL, "A3 x, ", 0);
	check_watch(client, 3, NULL, "", -EINVAL);
	kt_client_destroy(client);
}

static void test_watch_falls_back_to_lists(void **state)
{
	struct kt_client *client = new_client();

	(void)state;
	atomic_store(&knows_watch_list, false);
	check_watch(
	        client, 0, "A0 a, A0 b, A0 c, B50, D51 a, ", "A0 a, A0 b, A0 c, B50, D51 a, ", 0);
	check_watch(client, 0, "A0 a, ", "A0 a, ", 0);
	atomic_store(&page_expires, true);
	check_watch(client, 0, "A0 c, B50, D51 a, ", "A0 c, B50, D51 a, ", 0);
	atomic_store(&page_expires, false);
	kt_client_destroy(client);
}

struct chain {
	struct kt_call call;
	struct kt_client *client;
	int left;
	bool over;
};

static void next_call(struct kt_call *call)
{
	struct chain *chain = kt_container_of(call, struct chain, call);

	assert_int_equal(call->status, 200);
	kt_call_finish(call);
	if (--chain->left > 0)
		kt_client_call(chain->client, call);
	else
		chain->over = true;
}

static void never_called(struct kt_call *call)
{
	(void)call;
	fail();
}

/* Many calls at once on one loop, each followed by the next from within done(); cancelled ones stay
 * silent. */
static void test_many_and_cancel(void **state)
{
	enum { N = 40 };
	struct kt_client *client = new_client();
	struct kt_loop *loop = kt_loop_create(NULL, NULL);
	struct kt_call cancelled[N] = {0};
	struct chain chains[N];
	int over = 0;

	(void)state;
	for (int i = 0; i < N; i++) {
		chains[i] = (struct chain){
		        .call = {.method = "GET", .path = "/x", .loop = loop, .done = next_call},
		        .client = client,
		        .left = 10};
		kt_client_call(client, &chains[i].call);
		cancelled[i] = (struct kt_call){.method = "GET",
		        .path = i % 2 ? "/never" : "/x",
		        .loop = loop,
		        .done = never_called};
		kt_client_call(client, &cancelled[i]);
	}
	for (int i = 0; i < N; i++)
		kt_client_cancel(client, &cancelled[i]);
	while (over < N) {
		assert_true(kt_loop_run_once(loop, 10000, NULL) > 0);
		over = 0;
		for (int i = 0; i < N; i++)
			over += chains[i].over;
	}
	kt_loop_destroy(loop);
	kt_client_destroy(client);
}

static void *use_client(void *arg)
{
	for (int i = 0; i < 20; i++) {
		struct kt_call call = {.method = "GET", .path = "/x"};

		kt_assert(kt_client_call_wait(arg, &call, NULL) == 0);
		kt_call_finish(&call);
	}
	return NULL;
}

static void test_threads(void **state)
{
	struct kt_client *client = new_client();
	pthread_t threads[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, use_client, client), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	kt_client_destroy(client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_calls),
	        cmocka_unit_test(test_status_and_errors),
	        cmocka_unit_test(test_tls_server_name_and_tokens),
	        cmocka_unit_test(test_exec_plugin),
	        cmocka_unit_test(test_streamed_answer),
	        cmocka_unit_test(test_watch),
	        cmocka_unit_test(test_watch_falls_back_to_lists),
	        cmocka_unit_test(test_many_and_cancel),
	        cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
