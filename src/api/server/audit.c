/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/audit.h"

#include "api/server/server_impl.h"
#include "base/path.h"
#include "base/time.h"
#include "base/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#define POLICY_BYTES_MAX (1024 * 1024)

struct kt_audit {
	pthread_mutex_t lock; /* keeps lines whole; leaf */
	int fd;
	json_t *policy; /* NULL: everything at level Metadata */
};

int kt_audit_create(const char *policy_file, const char *log_path, struct kt_audit **ret_audit,
        struct kt_err *err)
{
	kt_auto_str text = KT_STR_INIT;
	kt_auto_json json_t *policy = NULL;

	*ret_audit = NULL;
	if (policy_file) {
		if (kt_read_file(policy_file, POLICY_BYTES_MAX, &text, err) < 0)
			return kt_wrap(err, "audit policy %s", policy_file);
		policy = kt_yaml_parse_one((struct kt_sv){kt_str_text(&text), text.len}, err);
		if (!policy)
			return kt_wrap(err, "audit policy %s", policy_file);
		if (!json_array_size(kt_jget(policy, "rules")))
			return kt_fail(
			        err, EINVAL, "audit policy %s: rules: Required value", policy_file);
	}
	if (!log_path)
		return 0;
	int fd = kt_streq(log_path, "-")
	                 ? dup(STDOUT_FILENO)
	                 : open(log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return kt_fail(err, errno, "audit log %s: %s", log_path, strerror(errno));
	struct kt_audit *audit = kt_new(struct kt_audit);
	pthread_mutex_init(&audit->lock, NULL);
	audit->fd = fd;
	audit->policy = kt_steal(&policy);
	*ret_audit = audit;
	return 0;
}

void kt_audit_destroy(struct kt_audit *audit)
{
	if (!audit)
		return;
	close(audit->fd);
	json_decref(audit->policy);
	pthread_mutex_destroy(&audit->lock);
	free(audit);
}

/* Does an absent or matching list select the text? */
static bool selects(const json_t *list, const char *text)
{
	size_t i;
	json_t *item;

	if (!json_array_size(list))
		return true;
	json_array_foreach(list, i, item) {
		const char *wanted = json_string_value(item);
		if (kt_streq(wanted, text) || kt_streq(wanted, "*"))
			return true;
		size_t len = wanted ? strlen(wanted) : 0;
		if (len && wanted[len - 1] == '*' && text && !strncmp(wanted, text, len - 1))
			return true;
	}
	return false;
}

static bool selects_group(const struct kt_request *request, const json_t *list)
{
	size_t i;
	json_t *item;

	if (!json_array_size(list))
		return true;
	json_array_foreach(list, i, item)
		if (request->user && kt_user_in_group(request->user, json_string_value(item)))
			return true;
	return false;
}

static bool selects_resource(const struct kt_route *route, const json_t *resources)
{
	size_t i;
	json_t *item;
	char full[256];

	if (!json_array_size(resources))
		return true;
	snprintf(full, sizeof(full), "%s%s%s", route->resource, *route->subresource ? "/" : "",
	        route->subresource);
	json_array_foreach(resources, i, item) {
		const char *group = kt_jstr(item, "group");
		if (kt_streq(group ? group : "", route->group) &&
		        selects(kt_jget(item, "resources"), full))
			return true;
	}
	return false;
}

static bool rule_selects(const struct kt_request *request, const json_t *rule)
{
	const struct kt_route *route = &request->state->route;
	const json_t *urls = json_object_get(rule, "nonResourceURLs"),
	             *resources = json_object_get(rule, "resources");

	if (!selects(json_object_get(rule, "users"), request->user ? request->user->name : NULL) ||
	        !selects_group(request, json_object_get(rule, "userGroups")) ||
	        !selects(json_object_get(rule, "verbs"), route->verb) ||
	        !selects(json_object_get(rule, "namespaces"), route->namespace))
		return false;
	if (route->is_resource)
		return !json_array_size(urls) && selects_resource(route, resources);
	return !json_array_size(resources) && selects(urls, route->path);
}

static const char *level_of(const struct kt_audit *audit, const struct kt_request *request)
{
	size_t i;
	json_t *rule;

	if (!audit->policy)
		return "Metadata";
	json_array_foreach(json_object_get(audit->policy, "rules"), i, rule)
		if (rule_selects(request, rule))
			return kt_jstr(rule, "level");
	return "None";
}

static json_t *user_tree(const struct kt_user *user)
{
	json_t *tree = json_object(), *groups = json_array();

	json_object_set_new(tree, "username", json_string(user->name));
	if (user->uid)
		json_object_set_new(tree, "uid", json_string(user->uid));
	for (char **group = user->groups; *group; group++)
		json_array_append_new(groups, json_string(*group));
	json_object_set_new(tree, "groups", groups);
	return tree;
}

static void set_text(json_t *tree, const char *key, const char *text)
{
	if (text && *text)
		json_object_set_new(tree, key, json_string(text));
}

static json_t *object_ref(const struct kt_route *route)
{
	json_t *ref = json_object();

	set_text(ref, "resource", route->resource);
	set_text(ref, "namespace", route->namespace);
	set_text(ref, "name", route->name);
	set_text(ref, "apiGroup", route->group);
	set_text(ref, "apiVersion", route->version);
	set_text(ref, "subresource", route->subresource);
	return ref;
}

/* Secrets stay secret even from the log. */
static bool may_show_body(const struct kt_route *route)
{
	return !kt_streq(route->resource, "secrets") && !kt_streq(route->resource, "configmaps") &&
	       !kt_streq(route->resource, "tokenreviews") && !kt_streq(route->subresource, "token");
}

static json_t *event_tree(const struct kt_request *request, const char *level)
{
	const struct kt_route *route = &request->state->route;
	int64_t now = kt_loop_wall_ns(request->loop),
	        took = kt_loop_now_ns(request->loop) - request->state->started_ns;
	char uid[37], received[KT_TIME_TEXT_MAX], stamp[KT_TIME_TEXT_MAX];
	json_t *event = json_pack(
	        "{s:s,s:s,s:s}", "kind", "Event", "apiVersion", "audit.k8s.io/v1", "level", level);

	kt_loop_random_uuid(request->loop, uid);
	kt_time_format_micro(now - took, received);
	kt_time_format_micro(now, stamp);
	json_object_set_new(event, "auditID", json_string(uid));
	json_object_set_new(event, "stage", json_string("ResponseComplete"));
	json_object_set_new(event, "requestURI", json_string(request->target));
	json_object_set_new(event, "verb", json_string(route->verb));
	if (request->state->impersonator) {
		json_object_set_new(event, "user", user_tree(request->state->impersonator));
		json_object_set_new(event, "impersonatedUser", user_tree(request->user));
	} else if (request->user) {
		json_object_set_new(event, "user", user_tree(request->user));
	}
	if (request->remote_address)
		json_object_set_new(event, "sourceIPs", json_pack("[s]", request->remote_address));
	set_text(event, "userAgent", kt_request_header(request, "user-agent"));
	if (route->is_resource)
		json_object_set_new(event, "objectRef", object_ref(route));
	json_object_set_new(event, "responseStatus",
	        json_pack("{s:{},s:i}", "metadata", "code", request->status));
	if (kt_starts_with(level, "Request") && request->state->body && may_show_body(route))
		json_object_set(event, "requestObject", request->state->body);
	if (request->state->audit_annotations)
		json_object_set(event, "annotations", request->state->audit_annotations);
	json_object_set_new(event, "requestReceivedTimestamp", json_string(received));
	json_object_set_new(event, "stageTimestamp", json_string(stamp));
	return event;
}

void kt_audit_request(struct kt_request *request)
{
	struct kt_audit *audit = request->server->audit;

	if (!audit)
		return;
	const char *level = level_of(audit, request);
	if (!level || kt_streq(level, "None"))
		return;
	kt_auto_json json_t *event = event_tree(request, level);
	kt_auto_str line = KT_STR_INIT;
	kt_json_write(&line, event, 0);
	kt_str_putc(&line, '\n');
	pthread_mutex_lock(&audit->lock);
	/* A full disk must not stop the cluster; the log says so once per start at most through its
	 * gap. */
	(void)!kt_write_all(audit->fd, line.data, line.len, NULL);
	pthread_mutex_unlock(&audit->lock);
}
