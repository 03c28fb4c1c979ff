/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/request.h"

#include "base/log.h"

struct kt_user *kt_user_create(const char *name, const char *uid, const char *const *groups)
{
	struct kt_user *user = kt_new(struct kt_user);
	size_t n = 0;

	atomic_init(&user->refs, 1);
	user->name = kt_strdup(name);
	user->uid = uid && *uid ? kt_strdup(uid) : NULL;
	while (groups && groups[n])
		n++;
	user->groups = kt_new_array(char *, n + 1);
	for (size_t i = 0; i < n; i++)
		user->groups[i] = kt_strdup(groups[i]);
	return user;
}

struct kt_user *kt_user_ref(struct kt_user *user)
{
	if (user)
		atomic_fetch_add_explicit(&user->refs, 1, memory_order_relaxed);
	return user;
}

void kt_user_unref(struct kt_user *user)
{
	if (!user || atomic_fetch_sub_explicit(&user->refs, 1, memory_order_acq_rel) != 1)
		return;
	free(user->name);
	free(user->uid);
	for (char **group = user->groups; *group; group++)
		free(*group);
	free(user->groups);
	json_decref(user->extra);
	free(user);
}

bool kt_user_in_group(const struct kt_user *user, const char *group)
{
	for (char **g = user->groups; *g; g++)
		if (!strcmp(*g, group))
			return true;
	return false;
}

struct kt_request *kt_request_create(struct kt_server *server, struct kt_loop *loop)
{
	struct kt_request *request = kt_new(struct kt_request);

	request->server = server;
	request->loop = loop;
	kt_arena_init(&request->arena);
	return request;
}

void kt_request_destroy(struct kt_request *request)
{
	if (!request)
		return;
	if (request->finish)
		request->finish(request);
	kt_vec_finish(&request->headers);
	kt_vec_finish(&request->answer_headers);
	for (size_t i = 0; i < request->answer.n; i++)
		kt_buf_unref(request->answer.items[i]);
	kt_vec_finish(&request->answer);
	if (request->stream)
		request->stream->close(request->stream);
	free(request->method);
	free(request->target);
	free(request->remote_address);
	kt_buf_unref(request->body);
	kt_user_unref(request->user);
	kt_object_unref(request->ret_object);
	kt_err_clear(&request->err);
	kt_arena_finish(&request->arena);
	free(request);
}

const char *kt_request_header(const struct kt_request *request, const char *lower_name)
{
	for (size_t i = 0; i < request->headers.n; i++)
		if (!strcmp(request->headers.items[i].name, lower_name))
			return request->headers.items[i].value;
	return NULL;
}

/* A field name in lower case: HTTP/2 knows no other, and names compare so (RFC 9113 section 8.2.1).
 */
static char *lower_dup(struct kt_arena *arena, const char *name)
{
	char *lower = kt_arena_strdup(arena, name);

	for (char *c = lower; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c + ('a' - 'A'));
	return lower;
}

void kt_request_add_header(struct kt_request *request, const char *name, const char *value)
{
	struct kt_header header = {
	        lower_dup(&request->arena, name), kt_arena_strdup(&request->arena, value)};

	kt_vec_push(&request->headers, header);
}

void kt_request_answer_header(struct kt_request *request, const char *name, const char *value)
{
	struct kt_header header = {
	        lower_dup(&request->arena, name), kt_arena_strdup(&request->arena, value)};

	kt_vec_push(&request->answer_headers, header);
}

void kt_request_answer_add(struct kt_request *request, struct kt_buf *segment)
{
	kt_vec_push(&request->answer, segment);
	request->answer_len += segment->len;
}
