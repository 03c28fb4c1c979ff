/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Credentials: client certificates and CAs as unnamed files in memory (the GnuTLS build of libcurl
 * takes PEM from files only), bearer tokens, token files, and credential plug-ins
 * (client.authentication.k8s.io ExecCredential), which run once at the start and then, shortly
 * before their credential ends or after a 401, on a thread of their own.
 */
#include "api/client/remote_internal.h"
#include "base/log.h"
#include "base/path.h"
#include "base/time.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define TOKEN_BYTES_MAX 65536
#define EXEC_OUTPUT_BYTES_MAX (1024 * 1024)
#define EXEC_TIMEOUT_MS 60000 /* a plug-in may have to ask a cloud */
#define EXEC_RENEW_EARLY_S 60

extern char **environ;

int kt_remote_pem_make(struct kt_remote_pem *pem, const char *text, struct kt_err *err)
{
	kt_auto_close int fd = memfd_create("kube-tui-pem", MFD_CLOEXEC);
	int r;

	if (fd < 0)
		return kt_fail(err, errno, "memfd_create: %s", strerror(errno));
	r = kt_write_all(fd, text, strlen(text), err);
	if (r < 0)
		return r;
	pem->fd = kt_steal_fd(&fd);
	snprintf(pem->path, sizeof(pem->path), "/proc/self/fd/%d", pem->fd);
	return 0;
}

void kt_remote_pem_finish(struct kt_remote_pem *pem)
{
	kt_close_p(&pem->fd);
	pem->fd = -1;
}

struct exec_env {
	KT_VEC(char *) items;
};

static void exec_env_finish(struct exec_env *env)
{
	for (size_t i = 0; i < env->items.n; i++)
		free(env->items.items[i]);
	kt_vec_finish(&env->items);
}

/* What the plug-in is told of the cluster when its config asks for it (provideClusterInfo). */
static json_t *cluster_info(const struct kt_endpoint *e)
{
	json_t *cluster = json_pack("{s:s}", "server", e->server);
	kt_auto_str ca = KT_STR_INIT;

	if (e->tls_server_name)
		json_object_set_new(cluster, "tls-server-name", json_string(e->tls_server_name));
	if (e->insecure)
		json_object_set_new(cluster, "insecure-skip-tls-verify", json_true());
	if (e->ca_pem) {
		kt_base64_encode(&ca, e->ca_pem, strlen(e->ca_pem));
		json_object_set_new(
		        cluster, "certificate-authority-data", json_string(kt_str_text(&ca)));
	}
	if (e->proxy_url)
		json_object_set_new(cluster, "proxy-url", json_string(e->proxy_url));
	return cluster;
}

static char *exec_info(const struct kt_remote *remote)
{
	const json_t *exec = remote->endpoint.exec;
	const char *version = kt_jstr(exec, "apiVersion");
	kt_auto_json json_t *info = json_pack("{s:s, s:s, s:{s:b}}", "kind", "ExecCredential",
	        "apiVersion", version ? version : "client.authentication.k8s.io/v1", "spec",
	        "interactive", 0);
	kt_auto_str text = KT_STR_INIT;

	if (kt_jbool(exec, "provideClusterInfo", false))
		json_object_set_new(
		        json_object_get(info, "spec"), "cluster", cluster_info(&remote->endpoint));
	kt_str_puts(&text, "KUBERNETES_EXEC_INFO=");
	kt_json_write(&text, info, 0);
	return kt_str_steal(&text);
}

static bool is_set_by_config(const json_t *list, const char *variable)
{
	size_t i, len = strcspn(variable, "=");
	json_t *entry;

	json_array_foreach(list, i, entry) {
		const char *name = kt_jstr(entry, "name");

		if (name && strlen(name) == len && !strncmp(name, variable, len))
			return true;
	}
	return kt_starts_with(variable, "KUBERNETES_EXEC_INFO=");
}

/* Our environment, then the config's, then what the protocol tells the plug-in. */
static void make_env(const struct kt_remote *remote, struct exec_env *env)
{
	const json_t *list = json_object_get(remote->endpoint.exec, "env");
	json_t *entry;
	size_t i;

	for (char **e = environ; *e; e++)
		if (!is_set_by_config(list, *e))
			kt_vec_push(&env->items, kt_strdup(*e));
	json_array_foreach(list, i, entry) {
		const char *name = kt_jstr(entry, "name"), *value = kt_jstr(entry, "value");

		if (name)
			kt_vec_push(&env->items, kt_asprintf("%s=%s", name, value ? value : ""));
	}
	kt_vec_push(&env->items, exec_info(remote));
	kt_vec_push(&env->items, NULL);
}

static void make_args(const json_t *exec, struct exec_env *args)
{
	json_t *arg;
	size_t i;

	kt_vec_push(&args->items, kt_strdup(kt_jstr(exec, "command")));
	json_array_foreach(json_object_get(exec, "args"), i, arg)
		if (json_is_string(arg))
			kt_vec_push(&args->items, kt_strdup(json_string_value(arg)));
	kt_vec_push(&args->items, NULL);
}

static int spawn(const struct kt_remote *remote, int output_fd, pid_t *ret_pid, struct kt_err *err)
{
	__attribute__((cleanup(exec_env_finish))) struct exec_env env = {0}, args = {0};
	posix_spawn_file_actions_t actions;
	const char *hint = kt_jstr(remote->endpoint.exec, "installHint");
	int r;

	make_env(remote, &env);
	make_args(remote->endpoint.exec, &args);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, output_fd, 1);
	r = posix_spawnp(
	        ret_pid, args.items.items[0], &actions, NULL, args.items.items, env.items.items);
	posix_spawn_file_actions_destroy(&actions);
	if (r)
		return kt_fail(err, r,
		        "getting credentials: exec: executable %s not found or not runnable: "
		        "%s%s%s",
		        args.items.items[0], strerror(r), hint ? "\n\n" : "", hint ? hint : "");
	return 0;
}

/* Reads to the end, at most EXEC_TIMEOUT_MS between two pieces. */
static int read_output(int fd, struct kt_str *out, struct kt_err *err)
{
	char piece[4096];

	for (;;) {
		struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
		int r = poll(&poll_fd, 1, EXEC_TIMEOUT_MS);
		ssize_t n;

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return kt_fail(err, ETIMEDOUT,
			        "getting credentials: the plug-in did not answer within %d s",
			        EXEC_TIMEOUT_MS / 1000);
		n = read(fd, piece, sizeof(piece));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return kt_fail(err, errno, "getting credentials: %s", strerror(errno));
		if (n == 0)
			return 0;
		if (out->len + (size_t)n > EXEC_OUTPUT_BYTES_MAX)
			return kt_fail(err, EFBIG,
			        "getting credentials: the plug-in's answer is too long");
		kt_str_add(out, piece, (size_t)n);
	}
}

static int run_plugin(const struct kt_remote *remote, struct kt_str *out, struct kt_err *err)
{
	const char *command = kt_jstr(remote->endpoint.exec, "command");
	kt_auto_close int read_fd = -1, write_fd = -1;
	int fds[2], r, status = 0;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return kt_fail(err, errno, "getting credentials: %s", strerror(errno));
	read_fd = fds[0];
	write_fd = fds[1];
	r = spawn(remote, write_fd, &pid, err);
	if (r < 0)
		return r;
	kt_close_p(&write_fd);
	write_fd = -1;
	r = read_output(read_fd, out, err);
	if (r < 0)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (r >= 0 && (!WIFEXITED(status) || WEXITSTATUS(status)))
		return kt_fail(err, EACCES,
		        "getting credentials: exec: executable %s failed with exit code %d",
		        command, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	return r;
}

static int take_certificate(const json_t *status, struct kt_remote_pem *cert,
        struct kt_remote_pem *key, struct kt_err *err)
{
	const char *cert_text = kt_jstr(status, "clientCertificateData"),
	           *key_text = kt_jstr(status, "clientKeyData");
	int r = 0;

	if (cert_text && key_text) {
		r = kt_remote_pem_make(cert, cert_text, err);
		if (r >= 0)
			r = kt_remote_pem_make(key, key_text, err);
	}
	return r;
}

/* Runs the plug-in and puts what it says in the place of what was there. */
static int renew(struct kt_remote *remote, struct kt_err *err)
{
	kt_auto_str text = KT_STR_INIT;
	kt_auto_json json_t *answer = NULL;
	struct kt_remote_pem cert = {.fd = -1}, key = {.fd = -1};
	const char *token, *expires;
	int64_t expires_ns = 0;
	int r = run_plugin(remote, &text, err);

	if (r < 0)
		return r;
	answer = kt_json_parse((struct kt_sv){kt_str_text(&text), text.len}, NULL, NULL);
	token = kt_jstr(answer, "status.token");
	expires = kt_jstr(answer, "status.expirationTimestamp");
	r = take_certificate(kt_jget(answer, "status"), &cert, &key, err);
	if (r >= 0 && !token && cert.fd < 0)
		r = kt_fail(err, EINVAL,
		        "getting credentials: the plug-in's answer holds no ExecCredential with a "
		        "token or a certificate");
	if (r < 0) {
		kt_remote_pem_finish(&cert);
		kt_remote_pem_finish(&key);
		return r;
	}
	if (expires && kt_time_parse(kt_sv_of(expires), &expires_ns) < 0)
		expires_ns = 0;
	pthread_mutex_lock(&remote->lock);
	free(remote->exec_token);
	remote->exec_token = token ? kt_strdup(token) : NULL;
	remote->exec_expires_s = expires_ns / 1000000000;
	if (cert.fd >= 0) {
		kt_remote_pem_finish(&remote->cert);
		kt_remote_pem_finish(&remote->key);
		remote->cert = cert;
		remote->key = key;
	}
	pthread_mutex_unlock(&remote->lock);
	return 0;
}

static void *run_renewal(void *arg)
{
	struct kt_remote *remote = arg;
	kt_auto_err err = KT_ERR_INIT;

	if (renew(remote, &err) < 0)
		kt_log_warning("remote", "%s", kt_err_message(&err));
	pthread_mutex_lock(&remote->lock);
	remote->exec_running = false;
	pthread_mutex_unlock(&remote->lock);
	return NULL;
}

/* With the lock held. */
static void begin_renewal(struct kt_remote *remote)
{
	if (remote->exec_running)
		return;
	if (remote->exec_thread_made)
		pthread_join(remote->exec_thread,
		        NULL); /* it has ended: exec_running was its last word */
	remote->exec_running = true;
	remote->exec_thread_made =
	        pthread_create(&remote->exec_thread, NULL, run_renewal, remote) == 0;
	if (!remote->exec_thread_made)
		remote->exec_running = false;
}

int kt_remote_auth_open(struct kt_remote *remote, struct kt_err *err)
{
	const struct kt_endpoint *e = &remote->endpoint;
	int r = 0;

	remote->ca.fd = remote->cert.fd = remote->key.fd = -1;
	if (e->ca_pem)
		r = kt_remote_pem_make(&remote->ca, e->ca_pem, err);
	if (r >= 0 && e->client_cert_pem)
		r = kt_remote_pem_make(&remote->cert, e->client_cert_pem, err);
	if (r >= 0 && e->client_key_pem)
		r = kt_remote_pem_make(&remote->key, e->client_key_pem, err);
	remote->token = e->token ? kt_strdup(e->token) : NULL;
	if (r >= 0 && e->exec)
		r = renew(remote, err);
	return r;
}

void kt_remote_auth_close(struct kt_remote *remote)
{
	if (remote->exec_thread_made)
		pthread_join(remote->exec_thread, NULL);
	kt_remote_pem_finish(&remote->ca);
	kt_remote_pem_finish(&remote->cert);
	kt_remote_pem_finish(&remote->key);
	free(remote->token);
	free(remote->exec_token);
}

/* A token file is rewritten by others (projected service-account tokens): it is read again now and
 * then. With the lock held. */
static int read_token_file(struct kt_remote *remote, struct kt_err *err)
{
	int64_t now = kt_remote_now_s(CLOCK_MONOTONIC);
	kt_auto_str text = KT_STR_INIT;
	struct kt_sv token;
	int r;

	if (!remote->endpoint.token_file ||
	        (remote->token_read_s && now - remote->token_read_s < KT_REMOTE_TOKEN_FILE_S))
		return 0;
	r = kt_read_file(remote->endpoint.token_file, TOKEN_BYTES_MAX, &text, err);
	if (r < 0)
		return remote->token ? 0
		                     : kt_wrap(err, "failed to read token file %s",
		                               remote->endpoint.token_file);
	token = kt_sv_trim((struct kt_sv){kt_str_text(&text), text.len});
	if (token.len) {
		free(remote->token);
		remote->token = kt_sv_dup(token);
	}
	remote->token_read_s = now + 1;
	return 0;
}

/* Header text must stay one header. */
static bool is_header_value(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return false;
	return true;
}

static int set_bearer(struct kt_transfer *t, const char *token, struct kt_err *err)
{
	kt_auto_free char *line = kt_asprintf("Authorization: Bearer %s", token);

	if (!is_header_value(token))
		return kt_fail(err, EINVAL, "the bearer token holds characters that no token has");
	t->headers = kt_curl.slist_append(t->headers, line);
	return 0;
}

static int apply_locked(struct kt_remote *remote, struct kt_transfer *t, struct kt_err *err)
{
	int r = read_token_file(remote, err);

	if (r < 0)
		return r;
	if (remote->exec_expires_s &&
	        kt_remote_now_s(CLOCK_REALTIME) + EXEC_RENEW_EARLY_S >= remote->exec_expires_s)
		begin_renewal(remote);
	if (remote->cert.fd >= 0) {
		kt_curl.easy_setopt(t->easy, CURLOPT_SSLCERT, remote->cert.path);
		kt_curl.easy_setopt(t->easy, CURLOPT_SSLKEY, remote->key.path);
	}
	if (remote->exec_token || remote->token)
		return set_bearer(t, remote->exec_token ? remote->exec_token : remote->token, err);
	if (remote->endpoint.username) {
		kt_curl.easy_setopt(t->easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		kt_curl.easy_setopt(t->easy, CURLOPT_USERNAME, remote->endpoint.username);
		kt_curl.easy_setopt(t->easy, CURLOPT_PASSWORD,
		        remote->endpoint.password ? remote->endpoint.password : "");
	}
	return 0;
}

int kt_remote_auth_apply(struct kt_remote *remote, struct kt_transfer *t, struct kt_err *err)
{
	int r;

	pthread_mutex_lock(&remote->lock);
	r = apply_locked(remote, t, err);
	pthread_mutex_unlock(&remote->lock);
	return r;
}

void kt_remote_auth_refused(struct kt_remote *remote)
{
	pthread_mutex_lock(&remote->lock);
	remote->token_read_s = 0;
	if (remote->endpoint.exec)
		begin_renewal(remote);
	pthread_mutex_unlock(&remote->lock);
}
