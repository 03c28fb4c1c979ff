/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/admission/webhook_target.h"

#include "base/mem.h"
#include "base/str.h"

#include <errno.h>

#define DEFAULT_PORT 443
#define SIMULATED_NODE "simulated.kube-tui.io/node"
#define ADDRESSES_MAX 100 /* of one service, to draw from */

void kt_webhook_target_finish(struct kt_webhook_target *target)
{
	free(kt_steal(&target->url));
	free(kt_steal(&target->connect_to));
}

/* The endpoints of a service's port. */
struct endpoints {
	const struct kt_admission_context *a;
	const char *port_name; /* of the service */
	char *places[ADDRESSES_MAX];
	size_t n;
	char *unreachable; /* the first of a simulated node */
};

static void endpoints_finish(struct endpoints *e)
{
	for (size_t i = 0; i < e->n; i++)
		free(e->places[i]);
	free(e->unreachable);
}

static bool is_simulated(struct endpoints *e, const char *node)
{
	kt_auto_json json_t *tree =
	        node && *node ? kt_admission_read(e->a, "", "nodes", "", node) : NULL;
	const json_t *annotations = kt_jget(tree, "metadata.annotations");

	return json_object_get(annotations, SIMULATED_NODE) != NULL;
}

static void add(struct endpoints *e, const char *ip, int64_t port, const char *node)
{
	kt_auto_free char *place = NULL;

	if (!ip || port <= 0 || e->n == ADDRESSES_MAX)
		return;
	place = kt_asprintf(strchr(ip, ':') ? "[%s]:%lld" : "%s:%lld", ip, (long long)port);
	if (!is_simulated(e, node))
		e->places[e->n++] = kt_steal(&place);
	else if (!e->unreachable)
		e->unreachable = kt_steal(&place);
}

/* The number of the port with the service port's name; 0: none. */
static int64_t port_of(const struct endpoints *e, const json_t *ports)
{
	for (size_t i = 0; i < json_array_size(ports); i++) {
		const json_t *port = json_array_get(ports, i);
		const char *name = kt_jstr(port, "name");

		if (kt_streq(name ? name : "", e->port_name))
			return kt_jint(port, "port", 0);
	}
	return 0;
}

static void add_slice(struct endpoints *e, const json_t *slice)
{
	const json_t *list = json_object_get(slice, "endpoints");
	int64_t port = port_of(e, json_object_get(slice, "ports"));

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *endpoint = json_array_get(list, i);

		if (kt_jbool(endpoint, "conditions.ready", true))
			add(e, kt_jstr(endpoint, "addresses.0"), port,
			        kt_jstr(endpoint, "nodeName"));
	}
}

static void add_subsets(struct endpoints *e, const json_t *subsets)
{
	for (size_t i = 0; i < json_array_size(subsets); i++) {
		const json_t *subset = json_array_get(subsets, i);
		const json_t *list = json_object_get(subset, "addresses");
		int64_t port = port_of(e, json_object_get(subset, "ports"));

		for (size_t j = 0; j < json_array_size(list); j++) {
			const json_t *address = json_array_get(list, j);

			add(e, kt_jstr(address, "ip"), port, kt_jstr(address, "nodeName"));
		}
	}
}

/* Slices; without any, which is so where no controller makes them, the older Endpoints. */
static void collect(struct endpoints *e, const char *namespace, const char *name)
{
	struct kt_storage_list list;
	size_t found = 0;

	if (kt_admission_list(e->a, "discovery.k8s.io", "endpointslices", namespace, &list) < 0)
		return;
	for (size_t i = 0; i < list.n; i++) {
		struct kt_sv service;

		if (!kt_object_label(
		            list.objects[i], KT_SV("kubernetes.io/service-name"), &service) ||
		        !kt_sv_is(service, name))
			continue;
		kt_auto_json json_t *slice = kt_object_tree(list.objects[i]);
		add_slice(e, slice);
		found++;
	}
	kt_storage_list_finish(&list);
	if (found)
		return;
	kt_auto_json json_t *endpoints = kt_admission_read(e->a, "", "endpoints", namespace, name);
	add_subsets(e, json_object_get(endpoints, "subsets"));
}

static const json_t *service_port(const json_t *service, int64_t number)
{
	const json_t *ports = kt_jget(service, "spec.ports");

	for (size_t i = 0; i < json_array_size(ports); i++)
		if (kt_jint(json_array_get(ports, i), "port", 0) == number)
			return json_array_get(ports, i);
	return NULL;
}

static int draw(struct endpoints *e, const char *service, char **ret_place, struct kt_err *err)
{
	if (e->n) {
		uint32_t i = kt_loop_random_below(e->a->rules->loop, (uint32_t)e->n);

		*ret_place = kt_steal(&e->places[i]);
		return 0;
	}
	if (e->unreachable)
		return kt_fail(err, EHOSTUNREACH, "dial tcp %s: connect: no route to host",
		        e->unreachable);
	return kt_fail(err, EHOSTUNREACH, "no endpoints available for service \"%s\"", service);
}

/* Where the service's port is to be reached. */
static int resolve(const struct kt_admission_context *a, const json_t *config, char **ret_place,
        struct kt_err *err)
{
	const char *namespace = kt_jstr(config, "namespace"), *name = kt_jstr(config, "name");
	int64_t number = kt_jint(config, "port", DEFAULT_PORT);
	kt_auto_json json_t *service = kt_admission_read(a, "", "services", namespace, name);
	const char *external = kt_jstr(service, "spec.externalName");
	const json_t *port = service_port(service, number);
	const char *port_name = kt_jstr(port, "name");
	struct endpoints e = {.a = a, .port_name = port_name ? port_name : ""};
	int r;

	if (!service)
		return kt_fail(err, ENOENT, "service \"%s\" not found", name);
	if (kt_streq(kt_jstr(service, "spec.type"), "ExternalName") && external) {
		*ret_place = kt_asprintf("%s:%lld", external, (long long)number);
		return 0;
	}
	if (!port)
		return kt_fail(err, ENOENT, "no service port %lld found for service \"%s\"",
		        (long long)number, name);
	collect(&e, namespace, name);
	r = draw(&e, name, ret_place, err);
	endpoints_finish(&e);
	return r;
}

/* As kube-apiserver's client joins paths: "//a/./b/../c/" is "/a/c". */
static void append_path(struct kt_str *out, const char *path)
{
	size_t root = out->len;

	for (const char *part = path; part && *part; part += strspn(part, "/")) {
		size_t len = strcspn(part, "/");

		if (len == 2 && !strncmp(part, "..", 2))
			while (out->len > root && out->data[--out->len] != '/')
				;
		else if (len && !(len == 1 && *part == '.'))
			kt_str_printf(out, "/%.*s", (int)len, part);
		part += len;
	}
	if (out->len == root)
		kt_str_putc(out, '/');
}

/* url NULL: the service's. */
static char *url_of(const char *url, const json_t *service, int timeout_s)
{
	kt_auto_str text = KT_STR_INIT;
	const char *host = url ? strstr(url, "://") : NULL;

	if (host) {
		host += 3;
		kt_str_printf(&text, "%.*s", (int)(host - url + (int)strcspn(host, "/")), url);
		append_path(&text, host + strcspn(host, "/"));
	} else {
		kt_str_printf(&text, "https://%s.%s.svc:%lld", kt_jstr(service, "name"),
		        kt_jstr(service, "namespace"),
		        (long long)kt_jint(service, "port", DEFAULT_PORT));
		append_path(&text, kt_jstr(service, "path"));
	}
	kt_str_printf(&text, "?timeout=%ds", timeout_s);
	return kt_strdup(kt_str_text(&text));
}

int kt_webhook_target_find(const struct kt_webhook *hook, const struct kt_admission_context *a,
        struct kt_webhook_target *ret_target, struct kt_err *err)
{
	const json_t *config = kt_jget(hook->tree, "clientConfig.service");
	const char *url = kt_jstr(hook->tree, "clientConfig.url");
	struct kt_webhook_target target = {.url = url_of(url, config, hook->timeout_s)};

	if (!url && resolve(a, config, &target.connect_to, err) < 0) {
		kt_wrap(err, "Post \"%s\"", target.url);
		kt_webhook_target_finish(&target);
		return -EHOSTUNREACH;
	}
	*ret_target = target;
	return 0;
}
