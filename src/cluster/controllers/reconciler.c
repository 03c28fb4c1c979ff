/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cluster/controllers/internal.h"

#include "api/status.h"
#include "base/log.h"
#include "base/mem.h"

/* A change that the pass made and an informer has still to show. */
struct wait {
	struct shared_informer *shared;
	int64_t revision;         /* > 0: seen when the informer is there */
	struct kt_object *target; /* a deletion: seen when this uid is gone or going; reference */
};

struct kt_pass {
	struct kt_reconciler *reconciler;
	char *key;
	size_t n_under_way;
	bool failed, finished;  /* finished: the reconcile function returned */
	int64_t again_after_ms; /* -1: not asked */
	KT_VEC(struct wait) waits;
	size_t first_unseen; /* waits before it are over */
	struct kt_timer timer;
	struct kt_pass *next, *prev;
};

struct kt_reconciler {
	struct kt_controllers *controllers;
	char *name;
	void (*reconcile)(void *arg, struct kt_pass *pass, const char *key);
	void *arg;
	struct kt_workqueue *queue;
	struct kt_calls *calls;
	struct kt_event_recorder *recorder;
	struct kt_map early; /* keys added before the informers were synced */
	struct kt_pass *passes;
};

struct pass_call {
	struct kt_pass *pass;
	struct kt_pass_write write; /* body and text are not kept */
	struct kt_object *target;
};

static void forget_waits(struct kt_pass *pass)
{
	for (size_t i = 0; i < pass->waits.n; i++) {
		struct shared_informer *shared = pass->waits.items[i].shared;

		for (size_t w = 0; w < shared->waiting.n; w++) /* at most once in each */
			if (shared->waiting.items[w] == pass) {
				kt_vec_remove(&shared->waiting, w);
				break;
			}
		kt_object_unref(pass->waits.items[i].target);
	}
	pass->waits.n = 0;
}

static void pass_free(struct kt_pass *pass)
{
	struct kt_reconciler *reconciler = pass->reconciler;

	kt_timer_cancel(&pass->timer);
	forget_waits(pass);
	kt_vec_finish(&pass->waits);
	if (pass->prev)
		pass->prev->next = pass->next;
	else
		reconciler->passes = pass->next;
	if (pass->next)
		pass->next->prev = pass->prev;
	free(pass->key);
	free(pass);
}

static void pass_over(struct kt_pass *pass)
{
	struct kt_reconciler *reconciler = pass->reconciler;
	kt_auto_free char *key = kt_steal(&pass->key);
	int64_t again_after_ms = pass->again_after_ms;
	bool failed = pass->failed;

	pass_free(pass);
	kt_workqueue_done(reconciler->queue, key, failed);
	if (!failed && again_after_ms >= 0)
		kt_workqueue_add_after_ms(reconciler->queue, key, again_after_ms);
}

static bool is_seen(const struct wait *wait)
{
	const struct kt_object *object;

	if (!wait->target)
		return wait->shared->seen_revision >= wait->revision ||
		       kt_informer_revision(wait->shared->informer) >= wait->revision;
	object = kt_informer_get(wait->shared->informer, kt_object_namespace(wait->target),
	        kt_object_name(wait->target));
	return !object || object->deletion_timestamp.len ||
	       !kt_sv_eq(kt_object_uid(object), kt_object_uid(wait->target));
}

void pass_look_again(struct kt_pass *pass)
{
	for (; pass->first_unseen < pass->waits.n; pass->first_unseen++)
		if (!is_seen(&pass->waits.items[pass->first_unseen]))
			return;
	if (pass->finished && !pass->n_under_way)
		pass_over(pass);
}

static void see_timer_fired(struct kt_timer *timer)
{
	struct kt_pass *pass = kt_container_of(timer, struct kt_pass, timer);

	kt_log_debug("controllers", "%s: %s: the caches do not show what was written",
	        pass->reconciler->name, pass->key);
	pass_over(pass);
}

static void wait_in(struct shared_informer *shared, struct kt_pass *pass)
{
	for (size_t i = 0; i < shared->waiting.n; i++)
		if (shared->waiting.items[i] == pass)
			return;
	kt_vec_push(&shared->waiting, pass);
}

/* The last answer is here: now the informers have to see it. */
static void pass_settle(struct kt_pass *pass)
{
	if (!pass->finished || pass->n_under_way)
		return;
	for (size_t i = 0; i < pass->waits.n; i++)
		wait_in(pass->waits.items[i].shared, pass);
	if (pass->waits.n)
		kt_timer_set_after_ms(&pass->timer, KT_PASS_SEE_MAX_MS);
	pass_look_again(pass);
}

static void process(void *arg, const char *key)
{
	struct kt_reconciler *reconciler = arg;
	struct kt_pass *pass = kt_new(struct kt_pass);

	pass->reconciler = reconciler;
	pass->key = kt_strdup(key);
	pass->again_after_ms = -1;
	pass->next = reconciler->passes;
	if (pass->next)
		pass->next->prev = pass;
	reconciler->passes = pass;
	kt_timer_init(&pass->timer, reconciler->controllers->loop, see_timer_fired);
	reconciler->reconcile(reconciler->arg, pass, pass->key);
	pass->finished = true;
	pass_settle(pass);
}

struct kt_reconciler *kt_reconciler_create(const struct kt_reconciler_options *options)
{
	struct kt_controllers *controllers = options->controllers;
	struct kt_reconciler *reconciler = kt_new(struct kt_reconciler);
	kt_auto_free char *agent = kt_asprintf("kube-controller-manager/%s", options->name);

	reconciler->controllers = controllers;
	reconciler->name = kt_strdup(options->name);
	reconciler->reconcile = options->reconcile;
	reconciler->arg = options->arg;
	reconciler->queue =
	        kt_workqueue_create(&(struct kt_workqueue_options){.loop = controllers->loop,
	                .process = process,
	                .arg = reconciler,
	                .parallel = options->parallel ? options->parallel : 5});
	reconciler->calls = kt_calls_create(controllers->client, controllers->loop, agent);
	reconciler->recorder = kt_event_recorder_create(
	        &(struct kt_event_recorder_options){.client = controllers->client,
	                .loop = controllers->loop,
	                .component = options->name});
	kt_map_init(&reconciler->early, NULL);
	kt_vec_push(&controllers->reconcilers, reconciler);
	return reconciler;
}

void kt_reconciler_destroy(struct kt_reconciler *reconciler)
{
	struct kt_controllers *controllers;

	if (!reconciler)
		return;
	controllers = reconciler->controllers;
	for (size_t i = 0; i < controllers->reconcilers.n; i++)
		if (controllers->reconcilers.items[i] == reconciler) {
			kt_vec_remove(&controllers->reconcilers, i);
			break;
		}
	kt_calls_destroy(reconciler->calls);
	while (reconciler->passes)
		pass_free(reconciler->passes);
	kt_workqueue_destroy(reconciler->queue);
	kt_event_recorder_destroy(reconciler->recorder);
	kt_map_finish(&reconciler->early);
	free(reconciler->name);
	free(reconciler);
}

void reconciler_synced(struct kt_reconciler *reconciler)
{
	const char *key;
	size_t it = 0;

	while (kt_map_next(&reconciler->early, &it, &key, NULL))
		kt_workqueue_add(reconciler->queue, key);
	kt_map_clear(&reconciler->early);
}

void kt_reconciler_add(struct kt_reconciler *reconciler, const char *key)
{
	if (reconciler->controllers->synced)
		kt_workqueue_add(reconciler->queue, key);
	else
		kt_map_set(&reconciler->early, key, reconciler);
}

void kt_reconciler_add_after_ms(struct kt_reconciler *reconciler, const char *key, int64_t after_ms)
{
	kt_workqueue_add_after_ms(reconciler->queue, key, after_ms);
}

void kt_reconciler_add_object(struct kt_reconciler *reconciler, const struct kt_object *object)
{
	struct kt_sv namespace = kt_object_namespace(object), name = kt_object_name(object);
	char key[600];

	snprintf(key, sizeof(key), "%.*s%s%.*s", (int)namespace.len, namespace.p,
	        namespace.len ? "/" : "", (int)name.len, name.p);
	kt_reconciler_add(reconciler, key);
}

void kt_reconciler_event(struct kt_reconciler *reconciler, const struct kt_object *about,
        const char *type, const char *reason, const char *message, ...)
{
	kt_auto_str text = KT_STR_INIT;
	struct kt_event event = {.about = kt_event_ref_of(about), .type = type, .reason = reason};
	va_list ap;

	va_start(ap, message);
	kt_str_vprintf(&text, message, ap);
	va_end(ap);
	kt_event_record(reconciler->recorder, &event, "%s", kt_str_text(&text));
}

static void pass_call_free(void *value)
{
	struct pass_call *own = value;

	if (own->write.free_arg)
		own->write.free_arg(own->write.arg);
	kt_object_unref(own->target);
	free(own);
}

static void add_wait(struct pass_call *own, const struct kt_call *call)
{
	struct kt_pass *pass = own->pass;
	struct wait wait = {
	        .shared = controllers_shared(pass->reconciler->controllers, own->write.informer)};

	if (own->target) {
		wait.target = kt_object_ref(own->target);
	} else {
		wait.revision = kt_call_revision(call);
		/* Of many writes to one resource the last is enough. */
		for (size_t i = 0; i < pass->waits.n; i++)
			if (pass->waits.items[i].shared == wait.shared &&
			        !pass->waits.items[i].target) {
				pass->waits.items[i].revision =
				        KT_MAX(pass->waits.items[i].revision, wait.revision);
				return;
			}
	}
	kt_vec_push(&pass->waits, wait);
}

static void call_done(void *arg, struct kt_call *call)
{
	struct pass_call *own = arg;
	struct kt_pass *pass = own->pass;

	if (!call->err.code && own->write.informer)
		add_wait(own, call);
	if (own->write.done)
		own->write.done(pass, call, own->write.arg);
	else
		kt_pass_check(pass, call);
	pass_call_free(own);
	pass->n_under_way--;
	pass_settle(pass);
}

void kt_pass_check(struct kt_pass *pass, struct kt_call *call)
{
	enum kt_reason reason;

	if (!call->err.code)
		return;
	reason = kt_err_reason(&call->err);
	if (reason == KT_REASON_NOT_FOUND && strcmp(call->method, "DELETE") == 0)
		return;
	kt_log_debug("controllers", "%s: %s: %s %s: %s", pass->reconciler->name,
	        pass->key ? pass->key : "", call->method, call->path, kt_err_message(&call->err));
	pass->failed = true;
}

void kt_pass_send(struct kt_pass *pass, const struct kt_pass_write *write, const char *path, ...)
{
	struct pass_call *own = kt_new(struct pass_call);
	struct kt_call_spec spec = {.method = write->method,
	        .content_type = write->content_type,
	        .done = call_done,
	        .arg = own,
	        .drop = pass_call_free};
	kt_auto_str text = KT_STR_INIT, target = KT_STR_INIT;
	va_list ap;

	own->pass = pass;
	own->write = *write;
	own->write.body = NULL;
	own->write.text = NULL;
	if (write->target)
		own->target = kt_object_ref(write->target);
	va_start(ap, path);
	kt_str_vprintf(&target, path, ap);
	va_end(ap);
	if (write->body)
		kt_json_write(&text, write->body, 0);
	spec.body = write->text ? write->text : write->body ? &text : NULL;
	pass->n_under_way++;
	kt_calls_send(pass->reconciler->calls, &spec, "%s", kt_str_text(&target));
}

void kt_pass_fail(struct kt_pass *pass)
{
	pass->failed = true;
}

void kt_pass_again_after_ms(struct kt_pass *pass, int64_t after_ms)
{
	if (pass->again_after_ms < 0 || after_ms < pass->again_after_ms)
		pass->again_after_ms = KT_MAX(after_ms, 0);
}

struct kt_reconciler *kt_pass_reconciler(struct kt_pass *pass)
{
	return pass->reconciler;
}

struct kt_loop *kt_pass_loop(struct kt_pass *pass)
{
	return pass->reconciler->controllers->loop;
}

const char *kt_pass_key(const struct kt_pass *pass)
{
	return pass->key;
}

struct kt_object *kt_pass_object(struct kt_pass *pass, struct kt_informer *informer)
{
	const char *slash = strchr(pass->key, '/');

	if (!slash)
		return kt_informer_get(informer, (struct kt_sv){0}, kt_sv_of(pass->key));
	return kt_informer_get(informer, (struct kt_sv){pass->key, (size_t)(slash - pass->key)},
	        kt_sv_of(slash + 1));
}

int64_t kt_pass_wall_ns(struct kt_pass *pass)
{
	return kt_loop_wall_ns(pass->reconciler->controllers->loop);
}
