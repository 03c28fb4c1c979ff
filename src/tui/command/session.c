/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/command/session.h"

#include "api/client/remote.h"
#include "api/schema/schema.h"
#include "api/status.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/path.h"
#include "base/time.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <unistd.h>

struct kt_session {
	char *kubeconfig;     /* NULL: default files */
	char *context;        /* NULL: current */
	char *cluster, *user; /* NULL: the context's */
	char *namespace;
	struct kt_client *client;
	bool owns_client, readonly;
	struct kt_endpoint endpoint; /* as connected */
	struct kt_discovery discovery;
	bool discovery_loaded;
	bool discovery_is_new; /* read by this command */
	/* what it was before the server's kinds changed: targets still point there */
	KT_VEC(struct kt_discovery) past;
	int discovery_timeout_ms;
	struct kt_discovery builtin; /* what --local knows; empty until asked for */
	struct kt_map variables;
	struct kt_cancel cancel;
};

static char *dup_or_null(const char *text)
{
	return text && *text ? kt_strdup(text) : NULL;
}

struct kt_session *kt_session_create(const struct kt_session_options *options)
{
	struct kt_session *session = kt_new(struct kt_session);

	session->kubeconfig = dup_or_null(options->kubeconfig);
	session->context = dup_or_null(options->context);
	session->namespace = dup_or_null(options->namespace);
	session->client = options->client;
	session->readonly = options->readonly;
	kt_map_init(&session->variables, free);
	kt_cancel_open(&session->cancel);
	return session;
}

void kt_session_destroy(struct kt_session *session)
{
	if (!session)
		return;
	if (session->owns_client)
		kt_client_destroy(session->client);
	kt_endpoint_finish(&session->endpoint);
	kt_discovery_finish(&session->discovery);
	for (size_t i = 0; i < session->past.n; i++)
		kt_discovery_finish(&session->past.items[i]);
	kt_vec_finish(&session->past);
	kt_discovery_finish(&session->builtin);
	kt_map_finish(&session->variables);
	kt_cancel_close(&session->cancel);
	free(session->kubeconfig);
	free(session->context);
	free(session->cluster);
	free(session->user);
	free(session->namespace);
	free(session);
}

static int connect_endpoint(struct kt_session *session, struct kt_err *err)
{
	struct kt_remote_options options = {
	        .endpoint = &session->endpoint,
	        .user_agent = "kube-tui/" KT_VERSION " (linux/amd64)",
	};

	if (kt_remote_client_create(&options, &session->client, err) < 0)
		return err->code;
	session->owns_client = true;
	return 0;
}

static int load_endpoint(struct kt_session *session, struct kt_err *err)
{
	struct kt_kubeconfig *config = NULL;
	int r = kt_kubeconfig_load(session->kubeconfig, &config, err);

	if (r == 0)
		r = kt_kubeconfig_endpoint_of(config,
		        &(struct kt_kubeconfig_choice){
		                session->context, session->cluster, session->user},
		        &session->endpoint, err);
	kt_kubeconfig_destroy(config);
	return r;
}

struct kt_client *kt_session_client(struct kt_session *session, struct kt_err *err)
{
	if (session->client)
		return session->client;
	if (load_endpoint(session, err) < 0 || connect_endpoint(session, err) < 0)
		return NULL;
	if (!session->namespace)
		session->namespace = dup_or_null(session->endpoint.namespace);
	return session->client;
}

bool kt_session_readonly(const struct kt_session *session)
{
	return session->readonly;
}

const char *kt_session_namespace(const struct kt_session *session)
{
	return session->namespace ? session->namespace : "default";
}

void kt_session_set_namespace(struct kt_session *session, const char *namespace)
{
	char *copy = dup_or_null(namespace);

	free(session->namespace);
	session->namespace = copy;
}

const char *kt_session_context(const struct kt_session *session)
{
	if (session->endpoint.context)
		return session->endpoint.context;
	return session->context ? session->context : "";
}

const char *kt_session_server(const struct kt_session *session)
{
	return session->endpoint.server ? session->endpoint.server : "the embedded cluster";
}

const char *kt_session_kubeconfig(const struct kt_session *session)
{
	return session->kubeconfig;
}

const char *kt_session_variable(const struct kt_session *session, const char *name)
{
	return kt_map_get(&session->variables, name);
}

void kt_session_set_variable(struct kt_session *session, const char *name, const char *value)
{
	kt_map_set(&session->variables, name, kt_strdup(value));
}

struct kt_cancel *kt_session_cancel(struct kt_session *session)
{
	return &session->cancel;
}

/* Options that name another place to talk to */

static const char *const CONNECTION_OPTIONS[] = {"kubeconfig", "context", "cluster", "user",
        "server", "token", "certificate-authority", "client-certificate", "client-key",
        "insecure-skip-tls-verify", "tls-server-name", "username", "password", "as", "as-group",
        "as-uid", "as-user-extra"};

/* `create rolebinding --user` names a subject, not who connects. */
static bool is_own_option(const struct kt_command *command, const char *name)
{
	for (const struct kt_option *o = command->options; o && o->name; o++)
		if (!strcmp(o->name, name))
			return true;
	return false;
}

static bool names_a_server(const struct kt_command_context *ctx)
{
	for (size_t i = 0; i < KT_ARRAY_SIZE(CONNECTION_OPTIONS); i++)
		if (kt_opt_given(ctx, CONNECTION_OPTIONS[i]) &&
		        !is_own_option(ctx->command, CONNECTION_OPTIONS[i]))
			return true;
	return false;
}

static void replace(char **field, const char *value)
{
	if (!value)
		return;
	free(*field);
	*field = kt_strdup(value);
}

/* The file of an option; noun is what kubectl calls it. */
static int replace_by_file(const struct kt_command_context *ctx, const char *option,
        const char *noun, char **field, struct kt_err *err)
{
	const char *path = kt_opt_string(ctx, option);
	struct kt_str text = KT_STR_INIT;
	kt_auto_err why = KT_ERR_INIT;

	if (!path)
		return 0;
	if (kt_read_file(path, 1 << 20, &text, &why) < 0) {
		kt_auto_free char *problem = kt_open_problem(path, why.code);

		kt_str_finish(&text);
		return kt_fail(err, why.code, "unable to read %s %s for %s due to %s", noun, path,
		        kt_session_context(ctx->session), problem);
	}
	free(*field);
	*field = kt_str_steal(&text);
	return 0;
}

static void replace_list(char ***field, const struct kt_strings *values)
{
	if (!values->n)
		return;
	kt_strv_free(*field);
	*field = kt_new_array(char *, values->n + 1);
	for (size_t i = 0; i < values->n; i++)
		(*field)[i] = kt_strdup(values->items[i]);
}

static int impersonate(
        struct kt_endpoint *endpoint, const struct kt_command_context *ctx, struct kt_err *err)
{
	replace(&endpoint->impersonate_user, kt_opt_string(ctx, "as"));
	replace(&endpoint->impersonate_uid, kt_opt_string(ctx, "as-uid"));
	replace_list(&endpoint->impersonate_groups, kt_opt_strings(ctx, "as-group"));
	replace_list(&endpoint->impersonate_extra, kt_opt_strings(ctx, "as-user-extra"));
	if (!endpoint->impersonate_user &&
	        (endpoint->impersonate_uid || endpoint->impersonate_groups ||
	                endpoint->impersonate_extra))
		return kt_fail(err, EINVAL,
		        "requesting uid, groups or user-extra for %s without impersonating a user",
		        endpoint->user ? endpoint->user : "");
	return 0;
}

static int override_basic(
        struct kt_endpoint *endpoint, const struct kt_command_context *ctx, struct kt_err *err)
{
	if (kt_opt_given(ctx, "token") && kt_opt_given(ctx, "username"))
		return kt_fail(err, EINVAL,
		        "more than one authentication method found for %s; found [token "
		        "basicAuth], "
		        "only one is allowed",
		        endpoint->user ? endpoint->user : "");
	replace(&endpoint->username, kt_opt_string(ctx, "username"));
	replace(&endpoint->password, kt_opt_string(ctx, "password"));
	replace(&endpoint->token, kt_opt_string(ctx, "token"));
	return 0;
}

static int override_endpoint(
        struct kt_endpoint *endpoint, const struct kt_command_context *ctx, struct kt_err *err)
{
	bool insecure = kt_opt_bool(ctx, "insecure-skip-tls-verify");

	if (insecure && kt_opt_given(ctx, "certificate-authority"))
		return kt_fail(err, EINVAL,
		        "specifying a root certificates file with the insecure flag is not "
		        "allowed");
	replace(&endpoint->server, kt_opt_string(ctx, "server"));
	replace(&endpoint->tls_server_name, kt_opt_string(ctx, "tls-server-name"));
	if (insecure) {
		endpoint->insecure = true;
		free(endpoint->ca_pem);
		endpoint->ca_pem = NULL;
	}
	int r = override_basic(endpoint, ctx, err);

	if (r == 0)
		r = impersonate(endpoint, ctx, err);
	if (r == 0)
		r = replace_by_file(ctx, "certificate-authority", "certificate-authority",
		        &endpoint->ca_pem, err);
	if (r == 0)
		r = replace_by_file(
		        ctx, "client-certificate", "client-cert", &endpoint->client_cert_pem, err);
	if (r == 0)
		r = replace_by_file(
		        ctx, "client-key", "client-key", &endpoint->client_key_pem, err);
	return r;
}

static int check_timeout(const struct kt_command_context *ctx, struct kt_err *err)
{
	const char *text = kt_opt_string(ctx, "request-timeout");
	int64_t value;

	if (!text || kt_sv_int64(kt_sv_of(text), &value) == 0 ||
	        kt_duration_parse(kt_sv_of(text), &value) == 0)
		return 0;
	return kt_fail(err, EINVAL,
	        "Invalid timeout value. Timeout must be a single integer in seconds, or an integer "
	        "followed by a corresponding time unit (e.g. 1s | 2m | 3h)");
}

int kt_session_derive(struct kt_session *session, const struct kt_command_context *ctx,
        struct kt_session **ret_session, struct kt_err *err)
{
	const char *namespace = kt_opt_string(ctx, "namespace");

	if (check_timeout(ctx, err) < 0)
		return err->code;
	if (!names_a_server(ctx) && !namespace)
		return 0;
	bool elsewhere = names_a_server(ctx);
	const char *kubeconfig = kt_opt_string(ctx, "kubeconfig"),
	           *context = kt_opt_string(ctx, "context");
	struct kt_session_options options = {
	        .kubeconfig = kubeconfig ? kubeconfig : session->kubeconfig,
	        .context = context ? context : session->context,
	        .namespace = namespace   ? namespace
	                     : elsewhere ? NULL
	                                 : session->namespace,
	        .readonly = session->readonly,
	};

	if (!elsewhere && ctx->command->needs_client)
		options.client = kt_session_client(session, err);
	if (!elsewhere && ctx->command->needs_client && !options.client)
		return err->code;
	struct kt_session *own = kt_session_create(&options);

	if (!is_own_option(ctx->command, "cluster"))
		own->cluster = dup_or_null(kt_opt_string(ctx, "cluster"));
	if (!is_own_option(ctx->command, "user"))
		own->user = dup_or_null(kt_opt_string(ctx, "user"));
	/* a server named by hand needs no kubeconfig */
	if (elsewhere && load_endpoint(own, err) < 0 && !kt_opt_given(ctx, "server")) {
		if (err->code == -ENOENT && context && strstr(kt_err_message(err), "context \""))
			kt_fail(err, ENOENT,
			        "Error in configuration: context was not found for specified "
			        "context: %s",
			        context);
		kt_session_destroy(own);
		return err->code;
	}
	kt_err_clear(err);
	if (elsewhere && (override_endpoint(&own->endpoint, ctx, err) < 0 ||
	                         connect_endpoint(own, err) < 0)) {
		kt_session_destroy(own);
		return err->code;
	}
	if (!own->namespace)
		own->namespace = dup_or_null(own->endpoint.namespace);
	*ret_session = own;
	return 0;
}

/* Discovery */

static int load_discovery(struct kt_session *session, struct kt_client *client,
        struct kt_discovery *ret_discovery, struct kt_err *err)
{
	const struct kt_discovery_options options = {
	        .cancel = &session->cancel,
	        .timeout_ms = session->discovery_timeout_ms,
	};

	return kt_discovery_load(client, &options, ret_discovery, err);
}

const struct kt_discovery *kt_session_discovery(struct kt_session *session, struct kt_err *err)
{
	struct kt_client *client = kt_session_client(session, err);

	if (!client)
		return NULL;
	if (!session->discovery_loaded) {
		if (load_discovery(session, client, &session->discovery, err) < 0)
			return NULL;
		session->discovery_loaded = session->discovery_is_new = true;
	}
	return &session->discovery;
}

void kt_session_limit_discovery(struct kt_session *session, int timeout_ms)
{
	session->discovery_timeout_ms = timeout_ms;
}

void kt_session_start_command(struct kt_session *session)
{
	session->discovery_is_new = false;
}

/* Something unknown was asked for: a CRD may have brought it since. True when the server's kinds
 * are others now. */
static bool look_again(struct kt_session *session)
{
	kt_auto_err ignored = KT_ERR_INIT;
	struct kt_discovery now = {0};

	if (session->discovery_is_new ||
	        load_discovery(session, session->client, &now, &ignored) < 0)
		return false;
	session->discovery_is_new = true;
	if (kt_discovery_equal(&now, &session->discovery)) {
		kt_discovery_finish(&now);
		return false;
	}
	kt_vec_push(&session->past, session->discovery);
	session->discovery = now;
	return true;
}

const struct kt_resource *kt_session_resource(
        struct kt_session *session, const char *word, struct kt_err *err)
{
	const struct kt_discovery *discovery = kt_session_discovery(session, err);
	const struct kt_resource *resource = discovery ? kt_discovery_find(discovery, word) : NULL;

	if (discovery && !resource && look_again(session))
		resource = kt_discovery_find(discovery, word);
	if (!discovery || resource)
		return resource;
	/* group and version are not part of the type */
	kt_fail(err, ENOENT, "the server doesn't have a resource type \"%.*s\"",
	        (int)strcspn(word, "."), word);
	return NULL;
}

const struct kt_resource *kt_session_resource_of_kind(
        struct kt_session *session, const char *api_version, const char *kind, struct kt_err *err)
{
	const struct kt_discovery *discovery = kt_session_discovery(session, err);
	const struct kt_resource *resource =
	        discovery ? kt_discovery_find_kind(discovery, api_version, kind) : NULL;

	if (discovery && !resource && look_again(session))
		resource = kt_discovery_find_kind(discovery, api_version, kind);
	return resource;
}

static char **no_words(void)
{
	return kt_new_array(char *, 1);
}

static void read_builtin(struct kt_discovery *builtin)
{
	const struct kt_kind_set *set = &kt_builtin_kinds;

	builtin->resources = kt_new_array(struct kt_resource, set->n_kinds);
	for (size_t i = 0; i < set->n_kinds; i++) {
		const struct kt_kind *kind = &set->kinds[i];

		builtin->resources[builtin->n++] = (struct kt_resource){
		        .group = kt_strdup(kind->group),
		        .version = kt_strdup(kind->version),
		        .plural = kt_strdup(kind->plural),
		        .singular = kt_strdup(kind->singular),
		        .kind = kt_strdup(kind->kind),
		        .short_names = no_words(),
		        .categories = no_words(),
		        .verbs = no_words(),
		        .subresources = no_words(),
		        .namespaced = kind->flags & KT_KIND_NAMESPACED,
		};
	}
}

const struct kt_resource *kt_session_builtin_resource(
        struct kt_session *session, const char *api_version, const char *kind)
{
	if (!session->builtin.n)
		read_builtin(&session->builtin);
	return kt_discovery_find_kind(&session->builtin, api_version, kind);
}

/* Requests */

static void print_warnings(struct kt_command_context *ctx, const char *warnings)
{
	struct kt_sv rest = kt_sv_of(warnings), line;

	while (warnings && kt_sv_split(&rest, '\n', &line)) {
		if (!line.len)
			continue;
		fprintf(ctx->err, "Warning: %.*s\n", (int)line.len, line.p);
		ctx->n_warnings++;
	}
}

/* -v=6 and more: each request with its answer. */
static void print_request(struct kt_command_context *ctx, const struct kt_call *call)
{
	enum { REQUESTS = 6 };

	if (kt_opt_int(ctx, "v") >= REQUESTS)
		fprintf(ctx->err, "%s %s%s %d\n", call->method,
		        ctx->session->endpoint.server ? ctx->session->endpoint.server : "",
		        call->path, call->status);
}

int kt_request_timeout_ms(const struct kt_command_context *ctx)
{
	const char *text = kt_opt_string(ctx, "request-timeout");
	int64_t ns;

	if (!text || !strcmp(text, "0"))
		return 0;
	if (kt_sv_int64(kt_sv_of(text), &ns) == 0)
		return (int)KT_MIN(ns, INT32_MAX / 1000) * 1000;
	return kt_duration_parse(kt_sv_of(text), &ns) < 0
	               ? 0
	               : (int)KT_MIN(ns / KT_NS_PER_MS, INT32_MAX);
}

static json_t *request(struct kt_command_context *ctx, struct kt_call *call, struct kt_err *err)
{
	struct kt_client *client = kt_session_client(ctx->session, err);
	json_t *tree = NULL;

	if (!client)
		return NULL;
	call->timeout_ms = kt_request_timeout_ms(ctx);
	call->user_agent = "kube-tui/" KT_VERSION;
	int r = kt_client_call_wait(client, call, ctx->cancel);

	print_request(ctx, call);
	print_warnings(ctx, call->ret_warnings);
	if (r < 0)
		kt_err_move(err, &call->err);
	else
		tree = kt_json_parse(kt_call_body(call), NULL, err);
	kt_call_finish(call);
	return tree;
}

json_t *kt_session_request(struct kt_command_context *ctx, const char *method, const char *path,
        const char *content_type, const json_t *body, struct kt_err *err)
{
	kt_auto_str text = KT_STR_INIT;
	kt_auto_buf struct kt_buf *bytes = NULL;

	if (body) {
		kt_json_write(&text, body, 0);
		bytes = kt_buf_from_str(&text);
	}
	struct kt_call call = {
	        .method = method, .path = path, .content_type = content_type, .body = bytes};

	return request(ctx, &call, err);
}

json_t *kt_session_get(
        struct kt_command_context *ctx, const char *path, const char *accept, struct kt_err *err)
{
	struct kt_call call = {.method = "GET", .path = path, .accept = accept};

	return request(ctx, &call, err);
}

/* The server names a cause once for every place it finds it in. */
static bool is_repeated(const struct kt_err *err, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (kt_streq(err->causes[i].field, err->causes[at].field) &&
		        kt_streq(err->causes[i].message, err->causes[at].message))
			return true;
	return false;
}

static void print_causes(struct kt_command_context *ctx, const struct kt_err *err)
{
	size_t n = 0;

	for (size_t i = 0; i < err->n_causes; i++)
		n += !is_repeated(err, i);
	if (n)
		fputs(n > 1 ? ":" : ": ", ctx->err);
	for (size_t i = 0; i < err->n_causes; i++) {
		const struct kt_err_cause *cause = &err->causes[i];

		if (is_repeated(err, i))
			continue;
		fputs(n > 1 ? " \n* " : "", ctx->err);
		if (cause->field && *cause->field)
			fprintf(ctx->err, "%s: ", cause->field);
		fputs(cause->message, ctx->err);
	}
	fputc('\n', ctx->err);
}

/* What a person must correct: the object and its causes, not the machine's sentence around them. */
static void print_invalid(struct kt_command_context *ctx, const struct kt_err *err)
{
	bool about = err->about && err->about->kind && *err->about->kind;

	if (!about && !err->n_causes) {
		fprintf(ctx->err, "The request is invalid: %s\n", kt_err_message(err));
		return;
	}
	if (about)
		fprintf(ctx->err, "The %s \"%s\" is invalid", err->about->kind,
		        err->about->name ? err->about->name : "");
	else
		fputs("The request is invalid", ctx->err);
	print_causes(ctx, err);
}

void kt_command_say(struct kt_command_context *ctx, const struct kt_err *err)
{
	if (err->reason)
		fprintf(ctx->err, "Error from server (%s): ", kt_reason_text(kt_err_reason(err)));
	fprintf(ctx->err, "%s\n", kt_err_message(err));
}

int kt_command_refuse(struct kt_command_context *ctx, const char *fmt, ...)
{
	va_list ap;

	fputs("error: ", ctx->err);
	va_start(ap, fmt);
	vfprintf(ctx->err, fmt, ap);
	va_end(ap);
	fprintf(ctx->err, "\nSee 'kube-tui %s -h' for help and examples\n", ctx->path);
	return KT_EXIT_ERROR;
}

char *kt_open_problem(const char *path, int code)
{
	char *text = kt_asprintf("open %s: %s", path, strerror(code < 0 ? -code : code));
	char *reason = text + strlen("open ") + strlen(path) + strlen(": ");

	*reason = (char)tolower((unsigned char)*reason);
	return text;
}

/* Sentences that kubectl puts no "error: " before. */
static bool stands_alone(const char *message)
{
	static const char *const BEGINNINGS[] = {"error: ", "The connection to the server ",
	        "Unable to connect to the server: ", "Error in configuration: "};

	for (size_t i = 0; i < KT_ARRAY_SIZE(BEGINNINGS); i++)
		if (kt_starts_with(message, BEGINNINGS[i]))
			return true;
	return false;
}

int kt_command_fail(struct kt_command_context *ctx, const struct kt_err *err, const char *fmt, ...)
{
	va_list ap;

	if (err && err->reason == KT_REASON_INVALID && !fmt) {
		print_invalid(ctx, err);
		return KT_EXIT_ERROR;
	}
	if (err && err->reason)
		fprintf(ctx->err, "Error from server (%s): ", kt_reason_text(kt_err_reason(err)));
	else if (fmt || !err || !stands_alone(kt_err_message(err)))
		fputs("error: ", ctx->err);
	if (fmt) {
		va_start(ap, fmt);
		vfprintf(ctx->err, fmt, ap);
		va_end(ap);
		if (err)
			fputs(": ", ctx->err);
	}
	if (err)
		fputs(kt_err_message(err), ctx->err);
	if (!err || !kt_ends_with(kt_err_message(err), "\n"))
		fputc('\n', ctx->err);
	return KT_EXIT_ERROR;
}
