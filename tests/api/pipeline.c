/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/pipeline.h"

#include "api/server/server.h"
#include "base/loop.h"
#include "cluster/store/store.h"

#define TURNS_MAX 100000 /* of the loop, before a test gives up */

int kt_pipeline_setup(void **state)
{
	static const char *const masters[] = {"system:masters", "system:authenticated", NULL};
	static const char *const others[] = {"system:authenticated", NULL};
	struct kt_pipeline *f = kt_new(struct kt_pipeline);
	kt_auto_err err = KT_ERR_INIT;

	f->loop = kt_loop_create(&(struct kt_loop_options){0}, &err);
	struct kt_store_options store = {.loop = f->loop};
	assert_int_equal(kt_store_open(&store, &f->storage, &err), 0);
	struct kt_server_options options = {
	        .storage = f->storage, .loop = f->loop, .anonymous_auth = true};
	assert_int_equal(kt_server_create(&options, &f->server, &err), 0);
	assert_int_equal(kt_server_bootstrap(f->server, &err), 0);
	struct kt_user *user = kt_user_create("admin", NULL, masters);
	f->admin = kt_inprocess_client_create(f->server, user, "test/1");
	kt_user_unref(user);
	user = kt_user_create("jane", NULL, others);
	f->jane = kt_inprocess_client_create(f->server, user, "test/1");
	kt_user_unref(user);
	*state = f;
	return 0;
}

int kt_pipeline_teardown(void **state)
{
	struct kt_pipeline *f = *state;
	kt_auto_err err = KT_ERR_INIT;

	/* What is on its way into the store arrives. */
	while (kt_loop_run_once(f->loop, 0, &err) > 0)
		;
	kt_client_destroy(f->admin);
	kt_client_destroy(f->jane);
	kt_server_destroy(f->server);
	f->storage->ops->destroy(f->storage);
	kt_loop_destroy(f->loop);
	free(f);
	return 0;
}

void kt_pipeline_on_done(struct kt_call *call)
{
	kt_container_of(call, struct kt_waited, call)->done = true;
}

void kt_pipeline_turn_until(struct kt_pipeline *f, const bool *flag)
{
	kt_auto_err err = KT_ERR_INIT;

	for (int i = 0; !*flag && i < TURNS_MAX; i++)
		assert_true(kt_loop_run_once(f->loop, 1000, &err) >= 0);
	assert_true(*flag);
}

void kt_pipeline_request(struct kt_pipeline *f, struct kt_client *client, struct kt_waited *w,
        const char *method, const char *path, const char *content_type, const char *body)
{
	*w = (struct kt_waited){.call = {.method = method,
	                                .path = path,
	                                .content_type = content_type,
	                                .loop = f->loop,
	                                .done = kt_pipeline_on_done}};
	if (body)
		w->call.body = kt_buf_create(body, strlen(body));
	kt_client_call(client, &w->call);
	/* The contract: never before call() returned. */
	assert_false(w->done);
	kt_pipeline_turn_until(f, &w->done);
	kt_buf_unref(w->call.body);
}

int kt_pipeline_status(struct kt_pipeline *f, struct kt_client *client, const char *method,
        const char *path, const char *body)
{
	struct kt_waited w;

	kt_pipeline_request(f, client, &w, method, path, NULL, body);
	int status = w.call.status;
	kt_call_finish(&w.call);
	return status;
}

json_t *kt_pipeline_read(struct kt_pipeline *f, const char *path)
{
	struct kt_waited w;

	kt_pipeline_request(f, f->admin, &w, "GET", path, NULL, NULL);
	assert_int_equal(w.call.status, 200);
	json_t *tree = w.call.ret_object ? kt_object_tree(w.call.ret_object)
	                                 : kt_json_tree(kt_call_answer(&w.call));
	kt_call_finish(&w.call);
	return tree;
}
