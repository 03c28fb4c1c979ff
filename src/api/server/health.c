/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/health.h"

#include "api/machinery/go_text.h"
#include "api/server/documents.h"
#include "api/server/encode.h"
#include "api/server/server_impl.h"

static bool check_true(struct kt_server *server)
{
	(void)server;
	return true;
}

static bool check_ready(struct kt_server *server)
{
	return atomic_load(&server->ready);
}

/* A store that stopped after a failed sync goes on answering reads; nobody should send it writes.
 */
static bool check_storage(struct kt_server *server)
{
	return server->storage->ops->health(server->storage) == 0;
}

static const struct check {
	const char *name;
	bool (*run)(struct kt_server *server);
	bool ready_only;
} checks[] = {
        {"ping", check_true, false},
        {"log", check_true, false},
        {"etcd", check_storage, false},
        {"etcd-readiness", check_storage, true},
        {"informer-sync", check_ready, true},
        {"poststarthook/rbac/bootstrap-roles", check_ready, false},
        {"poststarthook/scheduling/bootstrap-system-priority-classes", check_ready, false},
        {"poststarthook/start-apiextensions-controllers", check_ready, false},
};

static bool is_excluded(const struct kt_request *request, const char *name)
{
	for (size_t i = 0; i < request->state->query.n; i++)
		if (kt_streq(request->state->query.items[i].name, "exclude") &&
		        kt_streq(request->state->query.items[i].value, name))
			return true;
	return false;
}

static bool is_check(const char *name, bool ready)
{
	for (size_t i = 0; i < KT_ARRAY_SIZE(checks); i++)
		if (kt_streq(checks[i].name, name))
			return ready || !checks[i].ready_only;
	return false;
}

/* What was to be excluded and is no check: sorted, each once. */
static void warn_of_exclusions(struct kt_request *request, bool ready, struct kt_str *text)
{
	const struct kt_request_state *state = request->state;
	const char **names = kt_arena_alloc(&request->arena, (state->query.n + 1) * sizeof(*names));
	const char *comma = "";
	size_t n = 0;

	for (size_t i = 0; i < state->query.n; i++)
		if (kt_streq(state->query.items[i].name, "exclude") &&
		        !is_check(state->query.items[i].value, ready))
			names[n++] = state->query.items[i].value;
	if (n == 0)
		return;
	qsort(names, n, sizeof(*names), kt_strp_cmp);
	kt_str_puts(text, "warn: some health checks cannot be excluded: no matches for ");
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && kt_streq(names[i], names[i - 1]))
			continue;
		kt_str_puts(text, comma);
		kt_go_quote(text, kt_sv_of(names[i]));
		comma = ",";
	}
	kt_str_puts(text, "\n");
}

static int write_one(struct kt_request *request, const char *name, bool ready)
{
	for (size_t i = 0; i < KT_ARRAY_SIZE(checks); i++) {
		if (!kt_streq(checks[i].name, name) || (checks[i].ready_only && !ready))
			continue;
		bool ok = checks[i].run(request->server);
		kt_encode_text(request, ok ? 200 : 500, "text/plain; charset=utf-8",
		        ok ? KT_SV("ok") : KT_SV("internal server error: not yet\n"));
		return 0;
	}
	return kt_operation_no_page.encode(request);
}

int kt_health_write(struct kt_request *request)
{
	const char *path = request->state->route.path + 1;
	size_t len = strcspn(path, "/");
	const char *which = kt_arena_strndup(&request->arena, path, len);
	bool ready = kt_streq(which, "readyz"), ok = true;
	kt_auto_str text = KT_STR_INIT;

	if (path[len] && path[len + 1])
		return write_one(request, path + len + 1, ready);
	for (size_t i = 0; i < KT_ARRAY_SIZE(checks); i++) {
		if (checks[i].ready_only && !ready)
			continue;
		if (is_excluded(request, checks[i].name)) {
			kt_str_printf(&text, "[+]%s excluded: ok\n", checks[i].name);
			continue;
		}
		bool passed = checks[i].run(request->server);
		kt_str_printf(&text, passed ? "[+]%s ok\n" : "[-]%s failed: reason withheld\n",
		        checks[i].name);
		ok = ok && passed;
	}
	warn_of_exclusions(request, ready, &text);
	kt_str_printf(&text, "%s check %s\n", which, ok ? "passed" : "failed");
	if (ok && !kt_request_query(request, "verbose")) {
		kt_str_clear(&text);
		kt_str_puts(&text, "ok");
	}
	kt_request_answer_header(request, "x-content-type-options", "nosniff");
	kt_encode_text(request, ok ? 200 : 500, "text/plain; charset=utf-8",
	        (struct kt_sv){text.data, text.len});
	return 0;
}

void kt_health_paths(json_t *set)
{
	static const char *const groups[] = {"healthz", "livez", "readyz"};

	for (size_t g = 0; g < KT_ARRAY_SIZE(groups); g++)
		for (size_t i = 0; i < KT_ARRAY_SIZE(checks); i++) {
			kt_auto_free char *path = kt_asprintf("/%s/%s", groups[g], checks[i].name);
			if (is_check(checks[i].name, kt_streq(groups[g], "readyz")))
				json_object_set_new(set, path, json_null());
		}
}
