/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/command/wait.h"

#include "base/loop.h"

#include <errno.h>
#include <sys/epoll.h>

#define RETRY_MS 100 /* a server that ends watches at once is not asked in a circle */
#define WEEK_NS (7 * 24 * 3600 * KT_NS_PER_S)

struct waiting {
	struct kt_command_context *ctx;
	const struct kt_target *target;
	struct kt_client *client;
	struct kt_loop *loop;
	struct kt_watch watch;
	struct kt_timer deadline, retry;
	struct kt_io cancel;
	bool watching, seen;
	kt_wait_fn *fn;
	void *arg;
	int result; /* of fn, or the reason to stop */
	struct kt_err *err;
};

static void finish(struct waiting *waiting, int result)
{
	if (waiting->result == 0)
		waiting->result = result;
	kt_loop_stop(waiting->loop);
}

static void ask(struct waiting *waiting, const json_t *object)
{
	int r = waiting->fn(waiting->arg, object, waiting->err);

	waiting->seen |= object != NULL;
	if (r != 0)
		finish(waiting, r);
}

static void on_event(struct kt_watch *watch, enum kt_watch_type type, struct kt_object *object)
{
	struct waiting *waiting = kt_container_of(watch, struct waiting, watch);

	if (waiting->result != 0)
		return;
	if (type == KT_WATCH_BOOKMARK) {
		/* the first list is over and did not hold the object */
		if (!waiting->seen)
			ask(waiting, NULL);
		return;
	}
	kt_auto_json json_t *tree = type == KT_WATCH_DELETED ? NULL : kt_object_tree(object);

	ask(waiting, tree);
}

static void on_end(struct kt_watch *watch, struct kt_err *err)
{
	struct waiting *waiting = kt_container_of(watch, struct waiting, watch);

	waiting->watching = false;
	if (waiting->result != 0)
		return;
	if (err && err->code && err->code != -ESTALE) {
		kt_err_move(waiting->err, err);
		finish(waiting, waiting->err->code);
		return;
	}
	kt_timer_set_after_ms(&waiting->retry, RETRY_MS);
}

static void start_watch(struct kt_timer *timer)
{
	struct waiting *waiting = kt_container_of(timer, struct waiting, retry);

	waiting->watching = true;
	waiting->seen = false;
	waiting->watch.from_revision = 0;
	kt_client_watch(waiting->client, &waiting->watch);
}

static void on_deadline(struct kt_timer *timer)
{
	struct waiting *waiting = kt_container_of(timer, struct waiting, deadline);

	finish(waiting,
	        kt_fail(waiting->err, ETIMEDOUT, "timed out waiting for the condition on %s/%s",
	                waiting->target->resource->plural,
	                waiting->target->name ? waiting->target->name : ""));
}

static void on_cancel(struct kt_io *io, uint32_t events)
{
	struct waiting *waiting = kt_container_of(io, struct waiting, cancel);

	(void)events;
	kt_io_remove(io);
	finish(waiting, kt_fail(waiting->err, ECANCELED, "cancelled"));
}

static char *watch_path(const struct kt_target *target)
{
	kt_auto_free char *base = kt_resource_path(target->resource, target->namespace, NULL, NULL);
	kt_auto_str path = KT_STR_INIT;

	kt_str_puts(&path, base);
	if (target->name) {
		kt_str_puts(&path, "?fieldSelector=metadata.name%3D");
		kt_url_escape(&path, target->name);
	}
	return kt_str_steal(&path);
}

static void run(struct waiting *waiting, int64_t timeout_ns)
{
	waiting->cancel.fn = on_cancel;
	waiting->result = kt_io_add(
	        &waiting->cancel, waiting->loop, waiting->ctx->cancel->fd, EPOLLIN, waiting->err);
	kt_auto_free char *path = watch_path(waiting->target);

	waiting->watch = (struct kt_watch){
	        .path = path,
	        .loop = waiting->loop,
	        .on_event = on_event,
	        .on_end = on_end,
	};
	kt_timer_init(&waiting->deadline, waiting->loop, on_deadline);
	kt_timer_init(&waiting->retry, waiting->loop, start_watch);
	if (timeout_ns > 0)
		kt_timer_set(&waiting->deadline, kt_loop_now_ns(waiting->loop) + timeout_ns);
	start_watch(&waiting->retry);
	if (waiting->result == 0) {
		int r = kt_loop_run(waiting->loop, waiting->err);

		if (r < 0 && waiting->result == 0)
			waiting->result = r;
	}
	if (waiting->watching)
		kt_client_watch_stop(waiting->client, &waiting->watch);
	kt_timer_cancel(&waiting->deadline);
	kt_io_remove(&waiting->cancel);
	kt_timer_cancel(&waiting->retry);
}

int kt_wait_for(struct kt_command_context *ctx, const struct kt_target *target, int64_t timeout_ns,
        kt_wait_fn *fn, void *arg, struct kt_err *err)
{
	struct waiting waiting = {
	        .ctx = ctx,
	        .target = target,
	        .client = kt_session_client(ctx->session, err),
	        .fn = fn,
	        .arg = arg,
	        .err = err,
	};

	if (!waiting.client)
		return err->code;
	waiting.loop = kt_loop_create(&(struct kt_loop_options){0}, err);
	if (!waiting.loop)
		return err->code;
	run(&waiting, timeout_ns);
	kt_loop_destroy(waiting.loop);
	return waiting.result < 0 ? waiting.result : 0;
}

static int is_gone(void *arg, const json_t *object, struct kt_err *err)
{
	const char *uid = arg;

	(void)err;
	return !object || (uid && !kt_streq(kt_jstr(object, "metadata.uid"), uid));
}

/* A DELETE answers with the object, or with a Status whose details name its uid. */
static const char *deleted_uid(const json_t *answer)
{
	const char *uid = kt_jstr(answer, "metadata.uid");

	return uid ? uid : kt_jstr(answer, "details.uid");
}

int kt_wait_deleted(
        struct kt_command_context *ctx, const struct kt_targets *targets, int64_t timeout_ns)
{
	int code = KT_EXIT_OK;

	for (size_t i = 0; i < targets->n; i++) {
		const struct kt_target *target = &targets->items[i];
		const char *uid = deleted_uid(target->live);
		kt_auto_free char *copy = uid ? kt_strdup(uid) : NULL;
		kt_auto_err err = KT_ERR_INIT;

		if (kt_wait_for(ctx, target, timeout_ns > 0 ? timeout_ns : WEEK_NS, is_gone, copy,
		            &err) < 0)
			code = kt_command_fail(ctx, &err, NULL);
		if (kt_cancel_is_asked(ctx->cancel))
			break;
	}
	return code;
}
