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

int controllers_setup(void **state)
{
	struct kt_controllers *controllers;
	struct world *world;
	kt_auto_err err = KT_ERR_INIT;

	world_setup(state);
	world = *state;
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
