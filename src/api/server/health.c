/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/health.h"

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

static int write_one(struct kt_request *request, const char *name)
{
	for (size_t i = 0; i < KT_ARRAY_SIZE(checks); i++) {
		if (!kt_streq(checks[i].name, name))
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
		return write_one(request, path + len + 1);
	for (size_t i = 0; i < KT_ARRAY_SIZE(checks); i++) {
		if ((checks[i].ready_only && !ready) || is_excluded(request, checks[i].name))
			continue;
		bool passed = checks[i].run(request->server);
		kt_str_printf(&text, passed ? "[+]%s ok\n" : "[-]%s failed: reason withheld\n",
		        checks[i].name);
		ok = ok && passed;
	}
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
