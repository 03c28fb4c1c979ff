/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/admission/cel_authority.h"

#include "api/server/auth/authorize.h"
#include "api/server/server_impl.h"

static struct kt_user *account_of(const struct kt_cel_question *question)
{
	kt_auto_free char *name = kt_asprintf(
	        "system:serviceaccount:%s:%s", question->account_namespace, question->account);
	kt_auto_free char *group =
	        kt_asprintf("system:serviceaccounts:%s", question->account_namespace);
	const char *const groups[] = {
	        "system:serviceaccounts", group, "system:authenticated", NULL};

	return kt_user_create(name, NULL, groups);
}

static bool authorize(void *arg, const struct kt_cel_question *question, char **ret_reason)
{
	struct kt_admission_context *a = arg;
	struct kt_server *server = a->rules->server;
	struct kt_user *account = question->account ? account_of(question) : NULL;
	struct kt_attributes attributes = {
	        .user = account ? account : a->user,
	        .verb = question->verb,
	        .group = question->group,
	        .version = "*",
	        .resource = question->resource,
	        .subresource = question->subresource,
	        .namespace = question->namespace,
	        .name = question->name,
	        .field_selector = question->field_selector,
	        .path = question->path,
	};
	bool allowed = kt_authorize(server->authorizer, &attributes, ret_reason);

	kt_user_unref(account);
	return allowed;
}

void kt_cel_authority(
        struct kt_admission_context *a, struct kt_cel_question *question, struct kt_cel_run *run)
{
	struct kt_server *server = a->rules ? a->rules->server : NULL;

	if (!server || !server->authorizer)
		return;
	*question = (struct kt_cel_question){
	        .group = a->kind->group,
	        .resource = a->kind->plural,
	        .subresource = a->subresource,
	        .namespace = a->namespace,
	        .name = a->name,
	};
	run->request_resource = question;
	run->authorize = authorize;
	run->authorize_arg = a;
}
