/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/route.h"

#include <errno.h>

#define SEGMENTS_MAX \
	24 /* of a resource path; what follows belongs to the last one (proxy paths) \
	    */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-decoding; NULL when an escape is broken or hides a NUL. */
static char *url_decode(struct kt_arena *arena, struct kt_sv text, bool plus_is_blank)
{
	char *out = kt_arena_alloc(arena, text.len + 1);
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.p[i];
		if (c == '%') {
			if (i + 2 >= text.len)
				return NULL;
			int high = hex_digit(text.p[i + 1]), low = hex_digit(text.p[i + 2]);
			if (high < 0 || low < 0 || (!high && !low))
				return NULL;
			c = (char)(high * 16 + low);
			i += 2;
		} else if (c == '+' && plus_is_blank) {
			c = ' ';
		}
		out[n++] = c;
	}
	out[n] = '\0';
	return out;
}

/* Broken pairs are skipped, as net/url does. */
static void parse_query(struct kt_request *request, struct kt_sv query)
{
	struct kt_sv part;

	while (kt_sv_split(&query, '&', &part)) {
		const char *equals = part.len ? memchr(part.p, '=', part.len) : NULL;
		struct kt_sv name = {part.p, equals ? (size_t)(equals - part.p) : part.len};
		struct kt_sv value =
		        equals ? (struct kt_sv){equals + 1, part.len - name.len - 1} : KT_SV("");
		struct kt_query_param param = {url_decode(&request->arena, name, true),
		        url_decode(&request->arena, value, true)};
		if (param.name && *param.name && param.value)
			kt_vec_push(&request->state->query, param);
	}
}

struct segments {
	const char *items[SEGMENTS_MAX];
	const char *rest[SEGMENTS_MAX]; /* the path from this segment on */
	size_t n;
};

static void split_path(struct kt_arena *arena, const char *path, struct segments *ret)
{
	/* One trailing slash means nothing; an empty segment elsewhere is one that no resource has.
	 */
	while (*path == '/' && path[1] && ret->n < SEGMENTS_MAX) {
		path++;
		size_t len = strcspn(path, "/");
		ret->items[ret->n] = kt_arena_strndup(arena, path, len);
		ret->rest[ret->n++] = path;
		path += len;
	}
}

static const char *segment(const struct segments *segments, size_t i)
{
	return i < segments->n ? segments->items[i] : "";
}

static const char *lower(struct kt_arena *arena, const char *text)
{
	char *copy = kt_arena_strdup(arena, text);

	for (char *c = copy; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c | 0x20);
	return copy;
}

static const char *resource_verb(const struct kt_request *request, const struct kt_route *route)
{
	const char *method = request->method;
	bool named = *route->name != '\0';

	if (route->legacy_watch)
		return "watch";
	if (kt_streq(method, "GET") || kt_streq(method, "HEAD")) {
		if (named)
			return "get";
		return kt_request_query_bool(request, "watch") ? "watch" : "list";
	}
	if (kt_streq(method, "POST"))
		return "create";
	if (kt_streq(method, "PUT"))
		return "update";
	if (kt_streq(method, "PATCH"))
		return "patch";
	if (kt_streq(method, "DELETE"))
		return named ? "delete" : "deletecollection";
	return "";
}

static bool is_namespace_subresource(const char *word)
{
	return kt_streq(word, "status") || kt_streq(word, "finalize");
}

/* Segments from the one behind the version on. */
static void resource_route(struct kt_route *route, const struct segments *s, size_t i)
{
	if (kt_streq(segment(s, i), "watch") && i + 1 < s->n) {
		route->legacy_watch = true;
		i++;
	}
	if (kt_streq(segment(s, i), "namespaces") && i + 1 < s->n) {
		route->namespace = segment(s, i + 1);
		if (i + 2 < s->n && !is_namespace_subresource(segment(s, i + 2)))
			i += 2;
	}
	route->resource = segment(s, i);
	route->name = segment(s, i + 1);
	route->subresource = segment(s, i + 2);
	route->rest = i + 3 < s->n ? s->rest[i + 3] : "";
}

static void parse_path(struct kt_request *request)
{
	struct kt_route *route = &request->state->route;
	struct segments s = {.n = 0};

	split_path(&request->arena, route->path, &s);
	size_t head = kt_streq(segment(&s, 0), "api")    ? 2
	              : kt_streq(segment(&s, 0), "apis") ? 3
	                                                 : 0;
	if (head && s.n > head) {
		route->is_resource = true;
		route->group = head == 3 ? segment(&s, 1) : "";
		route->version = segment(&s, head - 1);
		resource_route(route, &s, head);
	}
}

int kt_route_parse(struct kt_request *request)
{
	struct kt_request_state *state = request->state;
	struct kt_route *route = &state->route;
	const char *target = request->target;
	const char *question = strchr(target, '?');
	struct kt_sv raw = {target, question ? (size_t)(question - target) : strlen(target)};

	*route = (struct kt_route){false, "", "", "", "", "", "", "", "", "", false};
	if (question)
		parse_query(request, kt_sv_of(question + 1));
	route->path = url_decode(&request->arena, raw, false);
	if (!route->path || route->path[0] != '/') {
		route->path = "/";
		return kt_fail(&request->err, EINVAL, "the request's path is not valid");
	}
	parse_path(request);
	route->verb = route->is_resource ? resource_verb(request, route)
	                                 : lower(&request->arena, request->method);
	return 0;
}

const char *kt_request_query(const struct kt_request *request, const char *name)
{
	for (size_t i = 0; i < request->state->query.n; i++)
		if (kt_streq(request->state->query.items[i].name, name))
			return request->state->query.items[i].value;
	return NULL;
}

/* Everything but "false" and "0" is true, the empty value too: how the API's query decoder reads
 * booleans. */
bool kt_request_query_bool(const struct kt_request *request, const char *name)
{
	const char *value = kt_request_query(request, name);

	if (!value)
		return false;
	return strcasecmp(value, "false") != 0 && strcmp(value, "0") != 0;
}

int kt_request_query_int(
        struct kt_request *request, const char *name, int64_t fallback, int64_t *ret_value)
{
	const char *value = kt_request_query(request, name);

	*ret_value = fallback;
	if (!value || !*value)
		return 0;
	int status = kt_sv_int64(kt_sv_of(value), ret_value);
	if (status == -ERANGE)
		return kt_fail(&request->err, EINVAL,
		        "strconv.ParseInt: parsing \"%s\": value out of range", value);
	if (status < 0)
		return kt_fail(&request->err, EINVAL,
		        "strconv.ParseInt: parsing \"%s\": invalid syntax", value);
	return 0;
}
