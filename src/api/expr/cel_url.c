/* SPDX-License-Identifier: GPL-3.0-or-later */
/* URLs, as Go's url.ParseRequestURI takes them apart. */
#include "api/expr/cel_internal.h"

#include "api/machinery/go_text.h"

#include <ctype.h>
#include <errno.h>

#define CALL_ARGS \
	struct cel_run *run, const struct cel_value *args, size_t n, struct cel_value *ret_value

static struct kt_sv empty_if_null(struct kt_sv s)
{
	return s.p ? s : (struct kt_sv){"", 0};
}

/* NULL, or what Go's url.ParseRequestURI says. */
static const char *split_scheme(struct kt_sv text, struct kt_sv *ret_scheme, struct kt_sv *ret_rest)
{
	*ret_scheme = (struct kt_sv){"", 0};
	*ret_rest = text;
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (isalpha(c) || (i && (isdigit(c) || strchr("+-.", c))))
			continue;
		if (c == ':' && !i)
			return "missing protocol scheme";
		if (c == ':') {
			*ret_scheme = (struct kt_sv){text.p, i};
			*ret_rest = (struct kt_sv){text.p + i + 1, text.len - i - 1};
		}
		break;
	}
	return NULL;
}

static void split_host(struct cel_url *url)
{
	const char *colon = NULL,
	           *bracket = url->host.len ? memrchr(url->host.p, ']', url->host.len) : NULL;
	const char *from = bracket ? bracket : url->host.p;

	if (url->host.len)
		colon = memrchr(from, ':', url->host.len - (size_t)(from - url->host.p));
	url->hostname = url->host;
	url->port = (struct kt_sv){"", 0};
	if (colon) {
		url->hostname.len = (size_t)(colon - url->host.p);
		url->port = (struct kt_sv){colon + 1, url->host.len - url->hostname.len - 1};
	}
	if (url->hostname.len > 1 && url->hostname.p[0] == '[')
		url->hostname = (struct kt_sv){url->hostname.p + 1, url->hostname.len - 2};
}

static const char *parse_url(struct kt_sv text, struct cel_url *url)
{
	struct kt_sv rest;
	const char *error, *cut;

	*url = (struct cel_url){.text = text};
	if (!text.len)
		return "empty url";
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f)
			return "net/url: invalid control character in URL";
	error = split_scheme(text, &url->scheme, &rest);
	if (error)
		return error;
	if (!rest.len || rest.p[0] != '/')
		return "invalid URI for request";
	cut = memchr(rest.p, '?', rest.len);
	url->query = (struct kt_sv){"", 0};
	if (cut) {
		url->query = (struct kt_sv){cut + 1, rest.len - (size_t)(cut - rest.p) - 1};
		rest.len = (size_t)(cut - rest.p);
	}
	url->host = (struct kt_sv){"", 0};
	if (url->scheme.len && rest.len > 1 && rest.p[1] == '/') {
		const char *slash = memchr(rest.p + 2, '/', rest.len - 2);
		size_t len = slash ? (size_t)(slash - rest.p) - 2 : rest.len - 2;
		const char *at = len ? memrchr(rest.p + 2, '@', len) : NULL;

		url->host = (struct kt_sv){rest.p + 2, len};
		if (at)
			url->host = (struct kt_sv){at + 1, len - (size_t)(at - rest.p - 2) - 1};
		if (url->host.len && memchr(url->host.p, ' ', url->host.len))
			return "invalid character \" \" in host name";
		rest = (struct kt_sv){rest.p + 2 + len, rest.len - 2 - len};
	}
	url->path = rest;
	split_host(url);
	for (size_t i = 0; i < url->port.len; i++)
		if (!isdigit((unsigned char)url->port.p[i]))
			return "invalid port after host";
	return NULL;
}

static int f_url(CALL_ARGS)
{
	struct cel_url *url = kt_arena_new(run->arena, struct cel_url);
	const char *error = parse_url(empty_if_null(args[0].s), url);
	kt_auto_str quoted = KT_STR_INIT;

	(void)n;
	if (error) {
		kt_go_quote(&quoted, args[0].s);
		return cel_fail(run, "URL parse error during conversion from string: parse %s: %s",
		        kt_str_text(&quoted), error);
	}
	*ret_value = (struct cel_value){.kind = CEL_URL, .url = url};
	return cel_charge(run, args[0].s.len / 10 + 1);
}

static int f_is_url(CALL_ARGS)
{
	struct cel_url url;

	(void)run;
	(void)n;
	*ret_value = cel_bool(!parse_url(empty_if_null(args[0].s), &url));
	return 0;
}

#define DEFINE_URL_PART(name, part) \
	static int name(CALL_ARGS) \
	{ \
		(void)run; \
		(void)n; \
		*ret_value = cel_sv(args[0].url->part); \
		return 0; \
	}
DEFINE_URL_PART(f_get_scheme, scheme)
DEFINE_URL_PART(f_get_host, host)
DEFINE_URL_PART(f_get_hostname, hostname)
DEFINE_URL_PART(f_get_port, port)
DEFINE_URL_PART(f_get_escaped_path, path)

static struct cel_value unescaped(struct cel_run *run, struct kt_sv s)
{
	kt_auto_str out = KT_STR_INIT;

	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == '%' && i + 2 < s.len && isxdigit((unsigned char)s.p[i + 1]) &&
		        isxdigit((unsigned char)s.p[i + 2])) {
			char hex[3] = {s.p[i + 1], s.p[i + 2], 0};

			kt_str_putc(&out, (char)strtol(hex, NULL, 16));
			i += 2;
		} else {
			kt_str_putc(&out, s.p[i] == '+' ? ' ' : s.p[i]);
		}
	}
	return cel_str(run, &out);
}

static void add_query_value(struct cel_run *run, struct cel_map *map, const struct cel_value *key,
        const struct cel_value *value)
{
	struct cel_value *items;
	size_t i = 0;

	while (i < map->n && !kt_sv_eq(map->keys[i].s, key->s))
		i++;
	if (i == map->n) {
		map->keys[map->n] = *key;
		map->values[map->n++] = cel_list_new(run, 1, &items);
	} else {
		struct cel_value old = map->values[i];

		map->values[i] = cel_list_new(run, old.list->n + 1, &items);
		memcpy(items, old.list->items, old.list->n * sizeof(*items));
		items += old.list->n;
	}
	*items = *value;
}

static int f_get_query(CALL_ARGS)
{
	struct cel_map *map = kt_arena_new(run->arena, struct cel_map);
	struct kt_sv rest = args[0].url->query, part;
	size_t cap = 1;

	(void)n;
	for (size_t i = 0; i < rest.len; i++)
		cap += rest.p[i] == '&';
	map->keys = kt_arena_alloc(run->arena, cap * sizeof(*map->keys));
	map->values = kt_arena_alloc(run->arena, cap * sizeof(*map->values));
	while (rest.len && kt_sv_split(&rest, '&', &part)) {
		const char *eq = part.len ? memchr(part.p, '=', part.len) : NULL;
		size_t len = eq ? (size_t)(eq - part.p) : part.len;
		struct cel_value key = unescaped(run, (struct kt_sv){part.p, len});
		struct cel_value value = unescaped(run,
		        eq ? (struct kt_sv){eq + 1, part.len - len - 1} : (struct kt_sv){"", 0});

		if (!part.len)
			continue;
		add_query_value(run, map, &key, &value);
		if (cel_charge(run, 1 + map->n) < 0)
			return -EOVERFLOW;
	}
	*ret_value = (struct cel_value){.kind = CEL_MAP, .map = map};
	return 0;
}

const struct cel_function cel_url_functions[] = {
        {"url", false, "s", "U", f_url},
        {"isURL", false, "s", "b", f_is_url},
        {"getScheme", true, "U", "s", f_get_scheme},
        {"getHost", true, "U", "s", f_get_host},
        {"getHostname", true, "U", "s", f_get_hostname},
        {"getPort", true, "U", "s", f_get_port},
        {"getEscapedPath", true, "U", "s", f_get_escaped_path},
        {"getQuery", true, "U", "*", f_get_query},
        {0},
};
