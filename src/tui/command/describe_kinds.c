/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What describe says of the kinds people read most: one table of rows per kind, and functions for
 * what is no single field. */
#include "tui/command/describe.h"

#include "tui/command/output.h"

#include "base/time.h"

typedef void describe_fn(struct kt_describer *d, const json_t *object);

struct row {
	const char *label;
	const char *path; /* a field, or NULL with fn */
	describe_fn *fn;
	const char *absent; /* shown when the field is absent; NULL: no row */
};

struct kind {
	const char *api_version, *kind;
	const struct row *rows; /* ends with label and fn NULL */
};

static const char *text_or(const json_t *object, const char *path, const char *fallback)
{
	const char *text = kt_jstr(object, path);

	return text && *text ? text : fallback;
}

/* "a=b,c in (d)" from a LabelSelector or a plain map. */
static void selector_row(struct kt_describer *d, const json_t *object)
{
	const json_t *selector = kt_jget(object, "spec.selector"),
	             *labels = json_object_get(selector, "matchLabels");
	kt_auto_str text = KT_STR_INIT;
	const char *key;
	json_t *value, *entry;
	size_t i, j;

	if (!labels && !json_object_get(selector, "matchExpressions"))
		labels = selector;
	json_object_foreach((json_t *)(uintptr_t)labels, key, value)
		kt_str_printf(&text, "%s%s=%s", text.len ? "," : "", key, json_string_value(value));
	json_array_foreach(json_object_get(selector, "matchExpressions"), i, entry) {
		kt_str_printf(&text, "%s%s %s", text.len ? "," : "", kt_jstr(entry, "key"),
		        kt_jstr(entry, "operator"));
		json_array_foreach(json_object_get(entry, "values"), j, value)
			kt_str_printf(&text, "%s%s", j ? "," : " (", json_string_value(value));
		kt_str_puts(&text, json_array_size(json_object_get(entry, "values")) ? ")" : "");
	}
	kt_describe_row(d, "Selector", "%s", text.len ? kt_str_text(&text) : "<none>");
}

static void conditions_rows(struct kt_describer *d, const json_t *object)
{
	const json_t *conditions = kt_jget(object, "status.conditions");
	static const char *const NAMES[] = {"", "Type", "Status", "Reason", "Message"};
	json_t *condition;
	size_t i;

	if (!json_array_size(conditions))
		return;
	kt_describe_heading(d, "Conditions");
	struct kt_table_writer *table = kt_table_writer_create(d->out);

	for (i = 0; i < KT_ARRAY_SIZE(NAMES); i++)
		kt_table_writer_cell(table, NAMES[i]);
	kt_table_writer_end_row(table);
	json_array_foreach(conditions, i, condition) {
		kt_table_writer_cell(table, "");
		kt_table_writer_cell(table, kt_jstr(condition, "type"));
		kt_table_writer_cell(table, kt_jstr(condition, "status"));
		kt_table_writer_cell(table, kt_jstr(condition, "reason"));
		kt_table_writer_cell(table, kt_jstr(condition, "message"));
		kt_table_writer_end_row(table);
	}
	kt_table_writer_destroy(table);
}

/* Pods and pod templates */

static void amounts(struct kt_describer *d, const char *label, const json_t *map)
{
	const char *key;
	json_t *value;

	if (!json_object_size(map))
		return;
	kt_describe_heading(d, label);
	d->level++;
	json_object_foreach((json_t *)(uintptr_t)map, key, value)
		kt_describe_row(d, key, "%s", json_string_value(value));
	d->level--;
}

static void container_ports(struct kt_describer *d, const json_t *container)
{
	kt_auto_str ports = KT_STR_INIT, host_ports = KT_STR_INIT;
	json_t *port;
	size_t i;

	json_array_foreach(json_object_get(container, "ports"), i, port) {
		const char *protocol = text_or(port, "protocol", "TCP");

		kt_str_printf(&ports, "%s%lld/%s", i ? ", " : "",
		        (long long)kt_jint(port, "containerPort", 0), protocol);
		kt_str_printf(&host_ports, "%s%lld/%s", i ? ", " : "",
		        (long long)kt_jint(port, "hostPort", 0), protocol);
	}
	kt_describe_row(d, i > 1 ? "Ports" : "Port", "%s", i ? kt_str_text(&ports) : "<none>");
	kt_describe_row(d, i > 1 ? "Host Ports" : "Host Port", "%s",
	        i ? kt_str_text(&host_ports) : "<none>");
}

static void probe_row(struct kt_describer *d, const char *label, const json_t *probe)
{
	kt_auto_str how = KT_STR_INIT;

	if (!probe)
		return;
	if (json_object_get(probe, "httpGet")) {
		const json_t *port = kt_jget(probe, "httpGet.port");

		kt_str_printf(&how, "http-get %s://%s:", text_or(probe, "httpGet.scheme", "HTTP"),
		        text_or(probe, "httpGet.host", ""));
		if (json_is_string(port))
			kt_str_puts(&how, json_string_value(port));
		else
			kt_str_printf(&how, "%lld", (long long)json_integer_value(port));
		kt_str_puts(&how, text_or(probe, "httpGet.path", "/"));
	} else if (json_object_get(probe, "exec")) {
		kt_str_puts(&how, "exec ");
		kt_json_write(&how, kt_jget(probe, "exec.command"), 0);
	} else if (json_object_get(probe, "tcpSocket")) {
		kt_str_puts(&how, "tcp-socket :");
		kt_json_write(&how, kt_jget(probe, "tcpSocket.port"), 0);
	} else {
		kt_str_printf(&how, "grpc :%lld", (long long)kt_jint(probe, "grpc.port", 0));
	}
	kt_describe_row(d, label,
	        "%s delay=%llds timeout=%llds period=%llds #success=%lld #failure=%lld",
	        kt_str_text(&how), (long long)kt_jint(probe, "initialDelaySeconds", 0),
	        (long long)kt_jint(probe, "timeoutSeconds", 1),
	        (long long)kt_jint(probe, "periodSeconds", 10),
	        (long long)kt_jint(probe, "successThreshold", 1),
	        (long long)kt_jint(probe, "failureThreshold", 3));
}

static void env_source(struct kt_str *text, const json_t *source)
{
	if (kt_jstr(source, "fieldRef.fieldPath"))
		kt_str_printf(text, "(v1:%s)", kt_jstr(source, "fieldRef.fieldPath"));
	else if (json_object_get(source, "configMapKeyRef"))
		kt_str_printf(text, "<set to the key '%s' of config map '%s'>",
		        text_or(source, "configMapKeyRef.key", ""),
		        text_or(source, "configMapKeyRef.name", ""));
	else if (json_object_get(source, "secretKeyRef"))
		kt_str_printf(text, "<set to the key '%s' in secret '%s'>",
		        text_or(source, "secretKeyRef.key", ""),
		        text_or(source, "secretKeyRef.name", ""));
	else
		kt_str_printf(text, "(%s)", text_or(source, "resourceFieldRef.resource", ""));
}

static void container_env(struct kt_describer *d, const json_t *container)
{
	json_t *entry;
	size_t i;

	if (!json_array_size(json_object_get(container, "env"))) {
		kt_describe_row(d, "Environment", "<none>");
		return;
	}
	kt_describe_heading(d, "Environment");
	d->level++;
	json_array_foreach(json_object_get(container, "env"), i, entry) {
		kt_auto_str text = KT_STR_INIT;

		if (json_object_get(entry, "valueFrom"))
			env_source(&text, json_object_get(entry, "valueFrom"));
		else
			kt_str_puts(&text, text_or(entry, "value", ""));
		kt_describe_row(d, kt_jstr(entry, "name"), "%s", kt_str_text(&text));
	}
	d->level--;
}

static void container_mounts(struct kt_describer *d, const json_t *container)
{
	kt_auto_str text = KT_STR_INIT;
	json_t *mount;
	size_t i;

	json_array_foreach(json_object_get(container, "volumeMounts"), i, mount)
		kt_str_printf(&text, "%s%s from %s (%s)", i ? "\n" : "",
		        kt_jstr(mount, "mountPath"), kt_jstr(mount, "name"),
		        kt_jbool(mount, "readOnly", false) ? "ro" : "rw");
	kt_describe_row(d, "Mounts", "%s", text.len ? kt_str_text(&text) : "<none>");
}

static void state_rows(struct kt_describer *d, const char *label, const json_t *state)
{
	const char *word;
	json_t *detail;

	json_object_foreach((json_t *)(uintptr_t)state, word, detail) {
		kt_auto_free char *title = kt_describe_words(word);

		kt_describe_row(d, label, "%s", title);
		d->level++;
		if (kt_jstr(detail, "reason"))
			kt_describe_row(d, "Reason", "%s", kt_jstr(detail, "reason"));
		if (kt_jstr(detail, "message"))
			kt_describe_row(d, "Message", "%s", kt_jstr(detail, "message"));
		if (json_object_get(detail, "exitCode"))
			kt_describe_row(
			        d, "Exit Code", "%lld", (long long)kt_jint(detail, "exitCode", 0));
		kt_describe_time(d, "Started", kt_jstr(detail, "startedAt"));
		kt_describe_time(d, "Finished", kt_jstr(detail, "finishedAt"));
		d->level--;
	}
}

static void container_status(struct kt_describer *d, const json_t *status)
{
	if (!status)
		return;
	state_rows(d, "State", json_object_get(status, "state"));
	state_rows(d, "Last State", json_object_get(status, "lastState"));
	kt_describe_row(d, "Ready", "%s", kt_jbool(status, "ready", false) ? "True" : "False");
	kt_describe_row(d, "Restart Count", "%lld", (long long)kt_jint(status, "restartCount", 0));
}

static const json_t *named(const json_t *list, const char *name)
{
	json_t *entry;
	size_t i;

	json_array_foreach(list, i, entry) {
		if (kt_streq(kt_jstr(entry, "name"), name))
			return entry;
	}
	return NULL;
}

static void describe_container(
        struct kt_describer *d, const json_t *container, const json_t *status)
{
	json_t *words;

	kt_describe_heading(d, kt_jstr(container, "name"));
	d->level++;
	if (kt_jstr(status, "containerID"))
		kt_describe_row(d, "Container ID", "%s", kt_jstr(status, "containerID"));
	kt_describe_row(d, "Image", "%s", text_or(container, "image", ""));
	if (kt_jstr(status, "imageID"))
		kt_describe_row(d, "Image ID", "%s", kt_jstr(status, "imageID"));
	container_ports(d, container);
	words = json_object_get(container, "command");
	if (words)
		kt_describe_tree(d, "Command", words);
	words = json_object_get(container, "args");
	if (words)
		kt_describe_tree(d, "Args", words);
	container_status(d, status);
	amounts(d, "Limits", kt_jget(container, "resources.limits"));
	amounts(d, "Requests", kt_jget(container, "resources.requests"));
	probe_row(d, "Liveness", json_object_get(container, "livenessProbe"));
	probe_row(d, "Readiness", json_object_get(container, "readinessProbe"));
	probe_row(d, "Startup", json_object_get(container, "startupProbe"));
	container_env(d, container);
	container_mounts(d, container);
	d->level--;
}

static void containers_of(
        struct kt_describer *d, const char *label, const json_t *containers, const json_t *statuses)
{
	json_t *container;
	size_t i;

	if (!json_array_size(containers))
		return;
	kt_describe_heading(d, label);
	d->level++;
	json_array_foreach(containers, i, container)
		describe_container(d, container, named(statuses, kt_jstr(container, "name")));
	d->level--;
}

static void volumes_of(struct kt_describer *d, const json_t *spec)
{
	const char *key;
	json_t *volume, *value;
	size_t i;

	if (!json_array_size(json_object_get(spec, "volumes"))) {
		kt_describe_row(d, "Volumes", "<none>");
		return;
	}
	kt_describe_heading(d, "Volumes");
	d->level++;
	json_array_foreach(json_object_get(spec, "volumes"), i, volume) {
		kt_describe_heading(d, kt_jstr(volume, "name"));
		d->level++;
		json_object_foreach(volume, key, value) {
			kt_auto_free char *label = kt_describe_words(key);

			if (strcmp(key, "name") != 0)
				kt_describe_tree(d, label, value);
		}
		d->level--;
	}
	d->level--;
}

static void tolerations_row(struct kt_describer *d, const json_t *spec)
{
	kt_auto_str text = KT_STR_INIT;
	json_t *entry;
	size_t i;

	json_array_foreach(json_object_get(spec, "tolerations"), i, entry) {
		kt_str_printf(&text, "%s%s", i ? "\n" : "", text_or(entry, "key", ""));
		if (kt_jstr(entry, "value"))
			kt_str_printf(&text, "=%s", kt_jstr(entry, "value"));
		if (kt_jstr(entry, "effect"))
			kt_str_printf(&text, ":%s", kt_jstr(entry, "effect"));
		if (kt_streq(kt_jstr(entry, "operator"), "Exists"))
			kt_str_puts(&text, " op=Exists");
		if (json_object_get(entry, "tolerationSeconds"))
			kt_str_printf(&text, " for %llds",
			        (long long)kt_jint(entry, "tolerationSeconds", 0));
	}
	kt_describe_row(d, "Tolerations", "%s", text.len ? kt_str_text(&text) : "<none>");
}

static void pod_spec_tail(struct kt_describer *d, const json_t *spec)
{
	volumes_of(d, spec);
	kt_describe_map(d, "Node-Selectors", json_object_get(spec, "nodeSelector"), "=");
	tolerations_row(d, spec);
}

static void pod_rows(struct kt_describer *d, const json_t *pod)
{
	const json_t *spec = json_object_get(pod, "spec"), *status = json_object_get(pod, "status");

	containers_of(d, "Init Containers", json_object_get(spec, "initContainers"),
	        json_object_get(status, "initContainerStatuses"));
	containers_of(d, "Containers", json_object_get(spec, "containers"),
	        json_object_get(status, "containerStatuses"));
	containers_of(d, "Ephemeral Containers", json_object_get(spec, "ephemeralContainers"),
	        json_object_get(status, "ephemeralContainerStatuses"));
	conditions_rows(d, pod);
	pod_spec_tail(d, spec);
}

static void node_of_pod(struct kt_describer *d, const json_t *pod)
{
	const char *node = kt_jstr(pod, "spec.nodeName"), *ip = kt_jstr(pod, "status.hostIP");

	kt_describe_row(d, "Node", "%s%s%s", node ? node : "<none>", node && ip ? "/" : "",
	        node && ip ? ip : "");
}

static void template_rows(struct kt_describer *d, const json_t *object)
{
	const json_t *template = kt_jget(object, "spec.template"),
	             *spec = json_object_get(template, "spec");

	kt_describe_heading(d, "Pod Template");
	d->level++;
	kt_describe_map(d, "Labels", kt_jget(template, "metadata.labels"), "=");
	if (kt_jget(template, "metadata.annotations"))
		kt_describe_map(d, "Annotations", kt_jget(template, "metadata.annotations"), ": ");
	containers_of(d, "Init Containers", json_object_get(spec, "initContainers"), NULL);
	containers_of(d, "Containers", json_object_get(spec, "containers"), NULL);
	pod_spec_tail(d, spec);
	d->level--;
}

static void deployment_replicas(struct kt_describer *d, const json_t *object)
{
	kt_describe_row(d, "Replicas",
	        "%lld desired | %lld updated | %lld total | %lld available | %lld unavailable",
	        (long long)kt_jint(object, "spec.replicas", 1),
	        (long long)kt_jint(object, "status.updatedReplicas", 0),
	        (long long)kt_jint(object, "status.replicas", 0),
	        (long long)kt_jint(object, "status.availableReplicas", 0),
	        (long long)kt_jint(object, "status.unavailableReplicas", 0));
}

static void current_replicas(struct kt_describer *d, const json_t *object)
{
	kt_describe_row(d, "Replicas", "%lld current / %lld desired",
	        (long long)kt_jint(object, "status.replicas", 0),
	        (long long)kt_jint(object, "spec.replicas", 1));
}

static void rolling_row(struct kt_describer *d, const json_t *object)
{
	const json_t *rolling = kt_jget(object, "spec.strategy.rollingUpdate");
	kt_auto_str text = KT_STR_INIT;

	if (!rolling)
		return;
	kt_json_write(&text, json_object_get(rolling, "maxUnavailable"), 0);
	kt_str_puts(&text, " max unavailable, ");
	kt_json_write(&text, json_object_get(rolling, "maxSurge"), 0);
	kt_str_puts(&text, " max surge");
	kt_describe_row(d, "RollingUpdateStrategy", "%s", kt_str_text(&text));
}

static void service_ports(struct kt_describer *d, const json_t *object)
{
	json_t *port;
	size_t i;

	json_array_foreach(kt_jget(object, "spec.ports"), i, port) {
		kt_auto_str target = KT_STR_INIT;

		kt_json_write(&target, json_object_get(port, "targetPort"), 0);
		kt_describe_row(d, "Port", "%s  %lld/%s", text_or(port, "name", "<unset>"),
		        (long long)kt_jint(port, "port", 0), text_or(port, "protocol", "TCP"));
		kt_describe_row(d, "TargetPort", "%s/%s", kt_str_text(&target),
		        text_or(port, "protocol", "TCP"));
		if (kt_jint(port, "nodePort", 0))
			kt_describe_row(d, "NodePort", "%s  %lld/%s",
			        text_or(port, "name", "<unset>"),
			        (long long)kt_jint(port, "nodePort", 0),
			        text_or(port, "protocol", "TCP"));
	}
}

static void data_rows(struct kt_describer *d, const json_t *object)
{
	const char *key;
	json_t *value;

	fputs("\nData\n====\n", d->out);
	json_object_foreach(json_object_get(object, "data"), key, value) {
		fprintf(d->out, "%s:\n----\n", key);
		kt_auto_free char *text =
		        kt_strdup(json_is_string(value) ? json_string_value(value) : "");
		struct kt_sv rest = kt_sv_of(text), line;

		while (rest.len && kt_sv_split(&rest, '\n', &line)) {
			kt_auto_free char *one = kt_sv_dup(line);

			for (char *p = one; *p; p++)
				if ((unsigned char)*p < 0x20 && *p != '\t')
					*p = '?';
			fprintf(d->out, "%s\n", one);
		}
		fputc('\n', d->out);
	}
}

/* The values stay hidden: only their sizes. */
static void secret_rows(struct kt_describer *d, const json_t *object)
{
	const char *key;
	json_t *value;

	fputs("\nData\n====\n", d->out);
	json_object_foreach(json_object_get(object, "data"), key, value) {
		kt_auto_str bytes = KT_STR_INIT;
		const char *text = json_string_value(value);

		if (text && kt_base64_decode(&bytes, kt_sv_of(text)) == 0)
			kt_describe_row(d, key, "%zu bytes", bytes.len);
	}
}

static void node_amounts(struct kt_describer *d, const json_t *object)
{
	amounts(d, "Capacity", kt_jget(object, "status.capacity"));
	amounts(d, "Allocatable", kt_jget(object, "status.allocatable"));
}

static void node_taints(struct kt_describer *d, const json_t *object)
{
	kt_auto_str text = KT_STR_INIT;
	json_t *taint;
	size_t i;

	json_array_foreach(kt_jget(object, "spec.taints"), i, taint) {
		const char *value = kt_jstr(taint, "value");

		kt_str_printf(&text, "%s%s%s%s:%s", i ? "\n" : "", kt_jstr(taint, "key"),
		        value ? "=" : "", value ? value : "", kt_jstr(taint, "effect"));
	}
	kt_describe_row(d, "Taints", "%s", text.len ? kt_str_text(&text) : "<none>");
}

static const struct row POD[] = {
        {"Priority", "spec.priority", NULL, "0"},
        {"Priority Class Name", "spec.priorityClassName", NULL, NULL},
        {"Service Account", "spec.serviceAccountName", NULL, "default"},
        {NULL, NULL, node_of_pod, NULL},
        {"Start Time", "status.startTime", NULL, NULL},
        {"Status", "status.phase", NULL, "Unknown"},
        {"Reason", "status.reason", NULL, NULL},
        {"Message", "status.message", NULL, NULL},
        {"IP", "status.podIP", NULL, ""},
        {"QoS Class", "status.qosClass", NULL, NULL},
        {NULL, NULL, pod_rows, NULL},
        {NULL, NULL, NULL, NULL},
};
static const struct row DEPLOYMENT[] = {
        {NULL, NULL, selector_row, NULL},
        {NULL, NULL, deployment_replicas, NULL},
        {"StrategyType", "spec.strategy.type", NULL, NULL},
        {"MinReadySeconds", "spec.minReadySeconds", NULL, "0"},
        {NULL, NULL, rolling_row, NULL},
        {NULL, NULL, template_rows, NULL},
        {NULL, NULL, conditions_rows, NULL},
        {NULL, NULL, NULL, NULL},
};
static const struct row REPLICAS[] = {
        {NULL, NULL, selector_row, NULL},
        {NULL, NULL, current_replicas, NULL},
        {NULL, NULL, template_rows, NULL},
        {NULL, NULL, conditions_rows, NULL},
        {NULL, NULL, NULL, NULL},
};
static const struct row DAEMONSET[] = {
        {NULL, NULL, selector_row, NULL},
        {"Desired", "status.desiredNumberScheduled", NULL, "0"},
        {"Current", "status.currentNumberScheduled", NULL, "0"},
        {"Up-to-date", "status.updatedNumberScheduled", NULL, "0"},
        {"Available", "status.numberAvailable", NULL, "0"},
        {NULL, NULL, template_rows, NULL},
        {NULL, NULL, NULL, NULL},
};
static const struct row JOB[] = {
        {NULL, NULL, selector_row, NULL},
        {"Parallelism", "spec.parallelism", NULL, "1"},
        {"Completions", "spec.completions", NULL, "<unset>"},
        {"Completion Mode", "spec.completionMode", NULL, NULL},
        {"Suspend", "spec.suspend", NULL, NULL},
        {"Backoff Limit", "spec.backoffLimit", NULL, NULL},
        {"Start Time", "status.startTime", NULL, NULL},
        {"Completed At", "status.completionTime", NULL, NULL},
        {"Active", "status.active", NULL, "0"},
        {"Succeeded", "status.succeeded", NULL, "0"},
        {"Failed", "status.failed", NULL, "0"},
        {NULL, NULL, template_rows, NULL},
        {NULL, NULL, conditions_rows, NULL},
        {NULL, NULL, NULL, NULL},
};
static const struct row SERVICE[] = {
        {NULL, NULL, selector_row, NULL},
        {"Type", "spec.type", NULL, NULL},
        {"IP Families", "spec.ipFamilies", NULL, NULL},
        {"IP", "spec.clusterIP", NULL, "<none>"},
        {"External Name", "spec.externalName", NULL, NULL},
        {NULL, NULL, service_ports, NULL},
        {"Session Affinity", "spec.sessionAffinity", NULL, NULL},
        {"Internal Traffic Policy", "spec.internalTrafficPolicy", NULL, NULL},
        {"External Traffic Policy", "spec.externalTrafficPolicy", NULL, NULL},
        {NULL, NULL, NULL, NULL},
};
static const struct row NODE[] = {
        {NULL, NULL, node_taints, NULL},
        {"Unschedulable", "spec.unschedulable", NULL, "false"},
        {NULL, NULL, conditions_rows, NULL},
        {"Addresses", "status.addresses", NULL, NULL},
        {NULL, NULL, node_amounts, NULL},
        {"System Info", "status.nodeInfo", NULL, NULL},
        {"PodCIDR", "spec.podCIDR", NULL, NULL},
        {"ProviderID", "spec.providerID", NULL, NULL},
        {NULL, NULL, NULL, NULL},
};
static const struct row NAMESPACE[] = {
        {"Status", "status.phase", NULL, NULL},
        {NULL, NULL, conditions_rows, NULL},
        {NULL, NULL, NULL, NULL},
};
static const struct row CONFIGMAP[] = {{NULL, NULL, data_rows, NULL}, {NULL, NULL, NULL, NULL}};
static const struct row SECRET[] = {
        {"Type", "type", NULL, "Opaque"},
        {NULL, NULL, secret_rows, NULL},
        {NULL, NULL, NULL, NULL},
};

static const struct kind KINDS[] = {
        {"v1", "Pod", POD},
        {"apps/v1", "Deployment", DEPLOYMENT},
        {"apps/v1", "ReplicaSet", REPLICAS},
        {"apps/v1", "StatefulSet", REPLICAS},
        {"v1", "ReplicationController", REPLICAS},
        {"apps/v1", "DaemonSet", DAEMONSET},
        {"batch/v1", "Job", JOB},
        {"v1", "Service", SERVICE},
        {"v1", "Node", NODE},
        {"v1", "Namespace", NAMESPACE},
        {"v1", "ConfigMap", CONFIGMAP},
        {"v1", "Secret", SECRET},
};

static void describe_field(struct kt_describer *d, const struct row *row, const json_t *object)
{
	const json_t *value = kt_jget(object, row->path);

	if (value)
		kt_describe_tree(d, row->label, value);
	else if (row->absent)
		kt_describe_row(d, row->label, "%s", row->absent);
}

bool kt_describe_kind(struct kt_describer *d, const json_t *object)
{
	for (size_t i = 0; i < KT_ARRAY_SIZE(KINDS); i++) {
		if (!kt_streq(KINDS[i].kind, kt_jstr(object, "kind")) ||
		        !kt_streq(KINDS[i].api_version, kt_jstr(object, "apiVersion")))
			continue;
		for (const struct row *row = KINDS[i].rows; row->path || row->fn; row++) {
			if (row->fn)
				row->fn(d, object);
			else
				describe_field(d, row, object);
		}
		return true;
	}
	return false;
}
