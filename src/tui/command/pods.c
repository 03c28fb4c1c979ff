/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/command/pods.h"

#include <errno.h>

#define DEFAULT_CONTAINER "kubectl.kubernetes.io/default-container"

static json_t *list_pods(struct kt_command_context *ctx, const char *selector, struct kt_err *err)
{
	kt_auto_str path = KT_STR_INIT;

	kt_str_printf(&path,
	        "/api/v1/namespaces/%s/pods?labelSelector=", kt_session_namespace(ctx->session));
	kt_url_escape(&path, selector);
	kt_auto_json json_t *list = kt_session_get(ctx, kt_str_text(&path), NULL, err);

	return list ? json_incref(json_object_get(list, "items")) : NULL;
}

/* matchLabels and matchExpressions, or a plain map, as text for -l. */
static void add_requirement(struct kt_str *out, const json_t *expression)
{
	const char *key = kt_jstr(expression, "key"), *operator= kt_jstr(expression, "operator");
	json_t *value;
	size_t i;

	kt_str_puts(out, out->len ? "," : "");
	if (kt_streq(operator, "Exists") || kt_streq(operator, "DoesNotExist")) {
		kt_str_printf(out, "%s%s", kt_streq(operator, "Exists") ? "" : "!", key);
		return;
	}
	kt_str_printf(out, "%s %s (", key, kt_streq(operator, "In") ? "in" : "notin");
	json_array_foreach(json_object_get(expression, "values"), i, value)
		kt_str_printf(out, "%s%s", i ? "," : "", json_string_value(value));
	kt_str_putc(out, ')');
}

static char *selector_text(const json_t *selector)
{
	json_t *labels = json_object_get(selector, "matchLabels"), *expressions, *value;
	struct kt_str out = KT_STR_INIT;
	const char *key;
	size_t i;

	expressions = json_object_get(selector, "matchExpressions");
	if (!labels && !expressions)
		labels = (json_t *)(uintptr_t)selector;
	json_object_foreach(labels, key, value)
		kt_str_printf(&out, "%s%s=%s", out.len ? "," : "", key, json_string_value(value));
	json_array_foreach(expressions, i, value)
		add_requirement(&out, value);
	return kt_str_steal(&out);
}

static json_t *pods_of_object(
        struct kt_command_context *ctx, const json_t *object, struct kt_err *err)
{
	const json_t *selector = kt_jget(object, "spec.selector");

	if (!json_object_size(selector)) {
		kt_fail(err, EINVAL, "cannot get the logs from %s: it selects no pods",
		        kt_jstr(object, "kind"));
		return NULL;
	}
	kt_auto_free char *text = selector_text(selector);

	return list_pods(ctx, text, err);
}

/* `deployments.apps "x"`. Heap. */
static char *missing(const struct kt_resource *resource, const char *name)
{
	return *resource->group
	               ? kt_asprintf("%s.%s \"%s\"", resource->plural, resource->group, name)
	               : kt_asprintf("%s \"%s\"", resource->plural, name);
}

json_t *kt_pods_of(struct kt_command_context *ctx, const char *word, struct kt_err *err)
{
	const char *slash = word ? strchr(word, '/') : NULL;

	if (!word)
		return list_pods(ctx, kt_opt_string(ctx, "selector"), err);
	kt_auto_free char *type =
	        slash ? kt_strndup(word, (size_t)(slash - word)) : kt_strdup("pods");
	const struct kt_resource *resource = kt_session_resource(ctx->session, type, err);

	if (!resource)
		return NULL;
	kt_auto_free char *path = kt_resource_path(
	        resource, kt_session_namespace(ctx->session), slash ? slash + 1 : word, NULL);
	kt_auto_json json_t *object = kt_session_get(ctx, path, NULL, err);

	if (!object) {
		kt_auto_free char *what = missing(resource, slash ? slash + 1 : word);

		if (err->code != -ENOENT)
			return NULL;
		kt_err_clear(err);
		kt_fail(err, ENOENT,
		        "error from server (NotFound): %s not found in namespace \"%s\"", what,
		        kt_session_namespace(ctx->session));
		return NULL;
	}
	if (json_is_array(kt_jget(object, "spec.containers")))
		return json_pack("[O]", object);
	return pods_of_object(ctx, object, err);
}

static const char *find_container(const json_t *pod, const char *wanted)
{
	static const char *const FIELDS[] = {"containers", "initContainers", "ephemeralContainers"};
	json_t *container;
	size_t i;

	for (size_t f = 0; f < KT_ARRAY_SIZE(FIELDS); f++) {
		json_array_foreach(
		        json_object_get(json_object_get(pod, "spec"), FIELDS[f]), i, container) {
			if (kt_streq(kt_jstr(container, "name"), wanted))
				return kt_jstr(container, "name");
		}
	}
	return NULL;
}

static void say_default(struct kt_command_context *ctx, const json_t *pod, const char *name)
{
	json_t *containers = kt_jget(pod, "spec.containers"), *container;
	size_t i;

	if (json_array_size(containers) < 2)
		return;
	fprintf(ctx->err, "Defaulted container \"%s\" out of: ", name);
	json_array_foreach(containers, i, container)
		fprintf(ctx->err, "%s%s", i ? ", " : "", kt_jstr(container, "name"));
	json_array_foreach(kt_jget(pod, "spec.initContainers"), i, container)
		fprintf(ctx->err, ", %s (init)", kt_jstr(container, "name"));
	fputc('\n', ctx->err);
}

const char *kt_pod_container(
        struct kt_command_context *ctx, const json_t *pod, const char *wanted, struct kt_err *err)
{
	const char *name;

	if (wanted) {
		name = find_container(pod, wanted);
		if (!name)
			kt_fail(err, ENOENT, "container %s is not valid for pod %s", wanted,
			        kt_jstr(pod, "metadata.name"));
		return name;
	}
	const char *annotated = json_string_value(
	        json_object_get(kt_jget(pod, "metadata.annotations"), DEFAULT_CONTAINER));

	name = annotated ? find_container(pod, annotated) : NULL;
	if (name)
		return name;
	name = kt_jstr(pod, "spec.containers.0.name");
	if (!name)
		kt_fail(err, ENOENT, "pod %s has no containers", kt_jstr(pod, "metadata.name"));
	else
		say_default(ctx, pod, name);
	return name;
}
