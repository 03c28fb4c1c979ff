/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "controllers_world.h"

#include "base/mem.h"
#include "base/str.h"
#include "cluster/controllers/controllers.h"

#include <errno.h>

/* Signs nothing but tells what it was asked for; "bad" requests are refused. */
static int sign(void *arg, const struct kt_signing *signing, char **ret_pem, struct kt_err *err)
{
	(void)arg;
	if (strcmp(signing->pem, "bad") == 0)
		return kt_fail(err, EINVAL, "not for %s", signing->signer);
	*ret_pem = kt_asprintf("%s for %s", signing->pem, signing->usages[0]);
	return 0;
}

/* The PEM text is the common name. */
static int check(
        void *arg, const struct kt_signing *signing, char **ret_common_name, struct kt_err *err)
{
	(void)arg;
	if (strcmp(signing->pem, "bad") == 0)
		return kt_fail(err, EINVAL, "not for %s", signing->signer);
	*ret_common_name = kt_strdup(signing->pem);
	return 0;
}

static const struct kt_signer signer = {.check = check, .sign = sign};

static void destroy(void *part)
{
	kt_controllers_destroy(part);
}

int controllers_start(struct world *world)
{
	struct kt_controllers *controllers;
	kt_auto_err err = KT_ERR_INIT;

	if (kt_controllers_create(
	            &(struct kt_controllers_options){.client = fake_client_get(world->fake),
	                    .loop = world->loop,
	                    .cluster_ca_pem = "PEM",
	                    .signer = &signer},
	            &controllers, &err) < 0)
		return -1;
	kt_controllers_start(controllers);
	world->part = controllers;
	world->destroy_part = destroy;
	return 0;
}

int controllers_setup(void **state)
{
	world_setup(state);
	return controllers_start(*state);
}

void world_play_node(struct world *world, const char *status)
{
	for (size_t i = 0;; i++) {
		kt_auto_json json_t *pod = fake_nth(world->fake, "/api/v1/pods", i);
		kt_auto_free char *path = NULL;

		if (!pod)
			return;
		path = kt_asprintf(
		        "/api/v1/namespaces/default/pods/%s/status", kt_jstr(pod, "metadata.name"));
		if (!kt_jget(pod, "status.phase"))
			fake_patch(world->fake, path, status);
	}
}

const char world_running[] =
        "{'status':{'phase':'Running','conditions':[{'type':'Ready','status':'True',"
        "'lastTransitionTime':'2023-11-14T22:13:20Z'}]}}";

void world_settle(struct world *world, const char *status)
{
	for (int i = 0; i < 20; i++) {
		world_run_ms(world, 1000);
		world_play_node(world, status);
	}
	world_run_ms(world, 1000);
}

const char *world_condition(const json_t *object, const char *type, const char *field)
{
	json_t *item;
	size_t i;

	json_array_foreach(kt_jget(object, "status.conditions"), i, item)
		if (kt_streq(kt_jstr(item, "type"), type))
			return kt_jstr(item, field);
	return NULL;
}

bool world_has_event(struct world *world, const char *reason, const char *message)
{
	for (size_t i = 0;; i++) {
		kt_auto_json json_t *event = fake_nth(world->fake, "/api/v1/events", i);

		if (!event)
			return false;
		if (kt_streq(kt_jstr(event, "reason"), reason) &&
		        kt_streq(kt_jstr(event, "message"), message))
			return true;
	}
}
