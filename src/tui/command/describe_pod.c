/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pods and the templates of pods. */
#include "tui/command/describe.h"

#include "api/machinery/quantity.h"

#include <ctype.h>

/* Where a list of containers stands: a template's is moved in by two blanks, its names by three. */
struct place {
	struct kt_describer *d;
	const char *space;
	const json_t *pod; /* NULL: a template, whose variables have no values yet */
};

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

/* By one text member; what is equal keeps its order. New array. */
static json_t *sorted_by(const json_t *list, const char *member)
{
	json_t *sorted = json_array(), *entry;
	size_t i;

	json_array_foreach(list, i, entry) {
		const char *text = kt_describe_field(entry, member);
		size_t at = json_array_size(sorted);

		while (at > 0 &&
		        strcmp(kt_describe_field(json_array_get(sorted, at - 1), member), text) > 0)
			at--;
		json_array_insert(sorted, at, entry);
	}
	return sorted;
}

static const char *yes_no(bool value)
{
	return value ? "True" : "False";
}

/* Ports, command, state, resources */

static void put_ports(struct kt_describer *d, const json_t *container)
{
	const json_t *ports = json_object_get(container, "ports");
	kt_auto_str own = KT_STR_INIT, host = KT_STR_INIT;
	const char *plural = json_array_size(ports) > 1 ? "s" : "";
	json_t *port;
	size_t i;

	json_array_foreach(ports, i, port) {
		const char *name = kt_describe_field(port, "name"),
		           *protocol = kt_describe_field(port, "protocol");

		kt_str_printf(&own, "%s%lld/%s", i ? ", " : "",
		        (long long)kt_jint(port, "containerPort", 0), protocol);
		kt_str_printf(&host, "%s%lld/%s", i ? ", " : "",
		        (long long)kt_jint(port, "hostPort", 0), protocol);
		if (*name) {
			kt_str_printf(&own, " (%s)", name);
			kt_str_printf(&host, " (%s)", name);
		}
	}
	kt_describe_put(d, "    Port%s:\t%s\n    Host Port%s:\t%s\n", plural,
	        own.len ? kt_str_text(&own) : "<none>", plural,
	        host.len ? kt_str_text(&host) : "<none>");
}

static void put_words(struct kt_describer *d, const char *label, const json_t *words)
{
	json_t *word;
	size_t i;

	if (!json_array_size(words))
		return;
	kt_describe_put(d, "    %s:\n", label);
	json_array_foreach(words, i, word) {
		struct kt_sv rest = kt_sv_of(json_string_value(word)), line;

		while (kt_sv_split(&rest, '\n', &line))
			kt_describe_put(d, "      %.*s\n", (int)line.len, line.p);
	}
}

static void put_terminated(struct kt_describer *d, const json_t *detail)
{
	if (*kt_describe_field(detail, "reason"))
		kt_describe_put(d, "      Reason:\t%s\n", kt_describe_field(detail, "reason"));
	if (*kt_describe_field(detail, "message"))
		kt_describe_put(d, "      Message:\t%s\n", kt_describe_field(detail, "message"));
	kt_describe_put(d, "      Exit Code:\t%lld\n", (long long)kt_jint(detail, "exitCode", 0));
	if (kt_jint(detail, "signal", 0) > 0)
		kt_describe_put(
		        d, "      Signal:\t%lld\n", (long long)kt_jint(detail, "signal", 0));
	kt_describe_time(d, "      Started", detail, "startedAt");
	kt_describe_time(d, "      Finished", detail, "finishedAt");
}

static void put_state(struct kt_describer *d, const char *label, const json_t *state)
{
	const json_t *detail;

	if (json_object_get(state, "running")) {
		kt_describe_put(d, "    %s:\tRunning\n", label);
		kt_describe_time(d, "      Started", state, "running.startedAt");
	} else if ((detail = json_object_get(state, "terminated"))) {
		kt_describe_put(d, "    %s:\tTerminated\n", label);
		put_terminated(d, detail);
	} else {
		kt_describe_put(d, "    %s:\tWaiting\n", label);
		if (*kt_describe_field(state, "waiting.reason"))
			kt_describe_put(d, "      Reason:\t%s\n",
			        kt_describe_field(state, "waiting.reason"));
	}
}

static void put_status(struct kt_describer *d, const json_t *status)
{
	if (!status)
		return;
	put_state(d, "State", json_object_get(status, "state"));
	if (kt_jget(status, "lastState.terminated"))
		put_state(d, "Last State", json_object_get(status, "lastState"));
	kt_describe_put(d, "    Ready:\t%s\n    Restart Count:\t%lld\n",
	        yes_no(kt_jbool(status, "ready", false)),
	        (long long)kt_jint(status, "restartCount", 0));
}

static void put_amounts(struct kt_describer *d, const char *label, const json_t *map)
{
	size_t n;
	const char **keys = kt_describe_keys(map, &n);

	if (n)
		kt_describe_put(d, "    %s:\n", label);
	for (size_t i = 0; i < n; i++)
		kt_describe_put(d, "      %s:\t%s\n", keys[i],
		        json_string_value(json_object_get(map, keys[i])));
	free(keys);
}

/* Probes */

static void probe_action(struct kt_str *out, const json_t *probe)
{
	const json_t *action;

	if ((action = json_object_get(probe, "exec"))) {
		kt_auto_free char *words =
		        kt_describe_join(json_object_get(action, "command"), " ");

		kt_str_printf(out, "exec [%s]", words);
	} else if ((action = json_object_get(probe, "httpGet"))) {
		kt_auto_free char *port = kt_describe_value(json_object_get(action, "port"));
		kt_auto_free char *scheme = kt_strdup(kt_describe_field(action, "scheme"));

		for (char *p = scheme; *p; p++)
			*p = (char)tolower((unsigned char)*p);
		kt_str_printf(out, "http-get %s://%s:%s%s", scheme,
		        kt_describe_field(action, "host"), port, kt_describe_field(action, "path"));
	} else if ((action = json_object_get(probe, "tcpSocket"))) {
		kt_auto_free char *port = kt_describe_value(json_object_get(action, "port"));

		kt_str_printf(out, "tcp-socket %s:%s", kt_describe_field(action, "host"), port);
	} else if ((action = json_object_get(probe, "grpc"))) {
		kt_str_printf(out, "grpc <pod>:%lld %s", (long long)kt_jint(action, "port", 0),
		        kt_describe_field(action, "service"));
	} else {
		kt_str_puts(out, "unknown");
	}
}

static void put_probe(struct kt_describer *d, const char *label, const json_t *probe)
{
	kt_auto_str action = KT_STR_INIT;

	if (!probe)
		return;
	probe_action(&action, probe);
	kt_describe_put(d,
	        "    %s:\t%s delay=%llds timeout=%llds period=%llds #success=%lld "
	        "#failure=%lld\n",
	        label, kt_str_text(&action), (long long)kt_jint(probe, "initialDelaySeconds", 0),
	        (long long)kt_jint(probe, "timeoutSeconds", 0),
	        (long long)kt_jint(probe, "periodSeconds", 0),
	        (long long)kt_jint(probe, "successThreshold", 0),
	        (long long)kt_jint(probe, "failureThreshold", 0));
}

/* Environment */

static void put_env_from(struct kt_describer *d, const json_t *list)
{
	json_t *entry;
	size_t i;

	if (!json_array_size(list))
		return;
	kt_describe_put(d, "    Environment Variables from:\n");
	json_array_foreach(list, i, entry) {
		const json_t *config = json_object_get(entry, "configMapRef"),
		             *source = config ? config : json_object_get(entry, "secretRef");
		const char *prefix = kt_describe_field(entry, "prefix");

		kt_describe_put(d, "      %s\t%s%s%s%s\tOptional: %s\n",
		        kt_describe_field(source, "name"), config ? "ConfigMap" : "Secret",
		        *prefix ? " with prefix '" : "", prefix, *prefix ? "'" : "",
		        kt_jbool(source, "optional", false) ? "true" : "false");
	}
}

/* metadata.labels['x'] and the like: what the pod itself says. */
static const char *own_field(const json_t *pod, const char *path)
{
	static const char *const PLAIN[] = {"metadata.name", "metadata.namespace", "metadata.uid"};
	static const char *const MAPS[] = {"metadata.labels", "metadata.annotations"};

	for (size_t i = 0; pod && i < KT_ARRAY_SIZE(PLAIN); i++)
		if (!strcmp(path, PLAIN[i]))
			return kt_describe_field(pod, path);
	for (size_t i = 0; pod && i < KT_ARRAY_SIZE(MAPS); i++) {
		size_t len = strlen(MAPS[i]), all = strlen(path);

		if (strncmp(path, MAPS[i], len) != 0 || all < len + 4 || path[len] != '[')
			continue;
		kt_auto_free char *key = kt_strndup(path + len + 2, all - len - 4);
		const char *text = json_string_value(json_object_get(kt_jget(pod, MAPS[i]), key));

		return text ? text : "";
	}
	return "";
}

/* "limits.cpu" over the divisor, rounded up. */
static void resource_value(struct kt_str *out, const json_t *container, const json_t *ref)
{
	const char *path = kt_describe_field(ref, "resource"), *dot = strchr(path, '.');
	struct kt_quantity amount, divisor = kt_quantity_from_int64(1, KT_QUANTITY_DECIMAL_SI);

	if (!dot)
		return;
	kt_auto_free char *which = kt_asprintf("resources.%.*s", (int)(dot - path), path);
	const char *text = json_string_value(json_object_get(kt_jget(container, which), dot + 1));
	struct kt_quantity given;

	if (kt_quantity_parse(kt_sv_of(kt_describe_field(ref, "divisor")), &given, NULL) == 0 &&
	        kt_quantity_sign(given) > 0)
		divisor = given;
	if (!text || kt_quantity_parse(kt_sv_of(text), &amount, NULL) < 0)
		kt_str_puts(out, "0");
	else
		kt_str_printf(
		        out, "%lld", (long long)((amount.nano + divisor.nano - 1) / divisor.nano));
}

static void put_variable_from(
        const struct place *place, const json_t *container, const json_t *variable)
{
	struct kt_describer *d = place->d;
	const json_t *from = json_object_get(variable, "valueFrom"), *ref;
	const char *name = kt_describe_field(variable, "name");

	if ((ref = json_object_get(from, "fieldRef"))) {
		const char *path = kt_describe_field(ref, "fieldPath");

		kt_describe_put(d, "      %s:\t%s (%s:%s)\n", name, own_field(place->pod, path),
		        kt_describe_field(ref, "apiVersion"), path);
	} else if ((ref = json_object_get(from, "resourceFieldRef"))) {
		kt_auto_str value = KT_STR_INIT;

		resource_value(&value, container, ref);
		kt_describe_put(d, "      %s:\t%s (%s)\n", name, kt_str_text(&value),
		        kt_describe_field(ref, "resource"));
	} else if ((ref = json_object_get(from, "secretKeyRef"))) {
		kt_describe_put(d,
		        "      %s:\t<set to the key '%s' in secret '%s'>\tOptional: %s\n", name,
		        kt_describe_field(ref, "key"), kt_describe_field(ref, "name"),
		        kt_jbool(ref, "optional", false) ? "true" : "false");
	} else if ((ref = json_object_get(from, "configMapKeyRef"))) {
		kt_describe_put(d,
		        "      %s:\t<set to the key '%s' of config map '%s'>\tOptional: %s\n", name,
		        kt_describe_field(ref, "key"), kt_describe_field(ref, "name"),
		        kt_jbool(ref, "optional", false) ? "true" : "false");
	}
}

static void put_env(const struct place *place, const json_t *container)
{
	const json_t *env = json_object_get(container, "env");
	json_t *variable;
	size_t i;

	kt_describe_put(place->d, "    Environment:%s\n", json_array_size(env) ? "" : "\t<none>");
	json_array_foreach(env, i, variable) {
		struct kt_sv rest = kt_sv_of(kt_describe_field(variable, "value")), line;

		if (json_object_get(variable, "valueFrom")) {
			put_variable_from(place, container, variable);
			continue;
		}
		kt_sv_split(&rest, '\n', &line);
		kt_describe_put(place->d, "      %s:\t%.*s\n", kt_describe_field(variable, "name"),
		        (int)line.len, line.len ? line.p : "");
		while (rest.len && kt_sv_split(&rest, '\n', &line))
			kt_describe_put(place->d, "      \t%.*s\n", (int)line.len, line.p);
	}
}

/* Mounts */

static void put_mounts(struct kt_describer *d, const json_t *container)
{
	kt_auto_json json_t *mounts =
	        sorted_by(json_object_get(container, "volumeMounts"), "mountPath");
	const json_t *devices = json_object_get(container, "volumeDevices");
	json_t *entry;
	size_t i;

	kt_describe_put(d, "    Mounts:%s\n", json_array_size(mounts) ? "" : "\t<none>");
	json_array_foreach(mounts, i, entry) {
		const char *path = kt_describe_field(entry, "subPath");

		kt_describe_put(d, "      %s from %s (%s", kt_describe_field(entry, "mountPath"),
		        kt_describe_field(entry, "name"),
		        kt_jbool(entry, "readOnly", false) ? "ro" : "rw");
		kt_describe_put(d, *path ? ",path=\"%s\")\n" : ")\n", path);
	}
	if (json_array_size(devices))
		kt_describe_put(d, "    Devices:\n");
	json_array_foreach(devices, i, entry)
		kt_describe_put(d, "      %s from %s\n", kt_describe_field(entry, "devicePath"),
		        kt_describe_field(entry, "name"));
}

static void put_container(const struct place *place, const json_t *container, const json_t *status)
{
	struct kt_describer *d = place->d;
	const char *seccomp = kt_describe_field(container, "securityContext.seccompProfile.type");

	kt_describe_put(
	        d, "  %s%s:\n", *place->space ? " " : "", kt_describe_field(container, "name"));
	if (status)
		kt_describe_put(
		        d, "    Container ID:\t%s\n", kt_describe_field(status, "containerID"));
	kt_describe_put(d, "    Image:\t%s\n", kt_describe_field(container, "image"));
	if (status)
		kt_describe_put(d, "    Image ID:\t%s\n", kt_describe_field(status, "imageID"));
	put_ports(d, container);
	if (*seccomp)
		kt_describe_put(d, "    SeccompProfile:\t%s\n", seccomp);
	put_words(d, "Command", json_object_get(container, "command"));
	put_words(d, "Args", json_object_get(container, "args"));
	put_status(d, status);
	put_amounts(d, "Limits", kt_jget(container, "resources.limits"));
	put_amounts(d, "Requests", kt_jget(container, "resources.requests"));
	put_probe(d, "Liveness", json_object_get(container, "livenessProbe"));
	put_probe(d, "Readiness", json_object_get(container, "readinessProbe"));
	put_probe(d, "Startup", json_object_get(container, "startupProbe"));
	put_env_from(d, json_object_get(container, "envFrom"));
	put_env(place, container);
	put_mounts(d, container);
}

static void put_containers(const struct place *place, const char *label, const json_t *containers,
        const json_t *statuses)
{
	json_t *container;
	size_t i;

	if (!json_array_size(containers))
		return;
	kt_describe_put(place->d, "%s%s:\n", place->space, label);
	json_array_foreach(containers, i, container)
		put_container(place, container, named(statuses, kt_jstr(container, "name")));
}

/* The rest of a pod's spec */

static void put_tolerations(const struct place *place, const json_t *spec)
{
	struct kt_describer *d = place->d;
	kt_auto_json json_t *list = sorted_by(json_object_get(spec, "tolerations"), "key");
	json_t *entry;
	size_t i;

	kt_describe_put(
	        d, "%sTolerations:\t%s", place->space, json_array_size(list) ? "" : "<none>\n");
	json_array_foreach(list, i, entry) {
		const char *key = kt_describe_field(entry, "key"),
		           *value = kt_describe_field(entry, "value"),
		           *effect = kt_describe_field(entry, "effect");

		kt_describe_put(d, "%s%s%s%s%s%s%s", i ? place->space : "", i ? "\t" : "", key,
		        *value ? "=" : "", value, *effect ? ":" : "", effect);
		if (kt_streq(kt_jstr(entry, "operator"), "Exists") && !*value)
			kt_describe_put(d, "%sop=Exists", *key || *effect ? " " : "");
		if (json_object_get(entry, "tolerationSeconds"))
			kt_describe_put(
			        d, " for %llds", (long long)kt_jint(entry, "tolerationSeconds", 0));
		kt_describe_put(d, "\n");
	}
}

static void put_volumes(const struct place *place, const json_t *spec)
{
	const json_t *list = json_object_get(spec, "volumes");
	json_t *volume;
	size_t i;

	kt_describe_put(
	        place->d, "%sVolumes:%s\n", place->space, json_array_size(list) ? "" : "\t<none>");
	json_array_foreach(list, i, volume) {
		kt_describe_put(place->d, "  %s%s:\n", *place->space ? " " : "",
		        kt_describe_field(volume, "name"));
		kt_describe_volume(place->d, volume);
	}
}

static void put_spread(const struct place *place, const json_t *spec)
{
	json_t *entry;
	size_t i;

	json_array_foreach(json_object_get(spec, "topologySpreadConstraints"), i, entry) {
		kt_auto_free char *selector =
		        kt_describe_selector(json_object_get(entry, "labelSelector"), "");

		kt_describe_put(place->d, "%s%s\t%s:%s when max skew %lld is exceeded",
		        place->space, i ? "" : "Topology Spread Constraints:",
		        kt_describe_field(entry, "topologyKey"),
		        kt_describe_field(entry, "whenUnsatisfiable"),
		        (long long)kt_jint(entry, "maxSkew", 0));
		kt_describe_put(place->d, *selector ? " for selector %s\n" : "\n", selector);
	}
}

void kt_describe_template(struct kt_describer *d, const json_t *template)
{
	const json_t *spec = json_object_get(template, "spec");
	const struct place place = {.d = d, .space = "  "};
	const char *account = kt_describe_field(spec, "serviceAccountName"),
	           *priority = kt_describe_field(spec, "priorityClassName");

	kt_describe_put(d, "Pod Template:\n");
	kt_describe_labels(d, "  ", "Labels", kt_jget(template, "metadata.labels"));
	if (json_object_size(kt_jget(template, "metadata.annotations")))
		kt_describe_annotations(
		        d, "  ", "Annotations", kt_jget(template, "metadata.annotations"));
	if (*account)
		kt_describe_put(d, "  Service Account:\t%s\n", account);
	put_containers(&place, "Init Containers", json_object_get(spec, "initContainers"), NULL);
	put_containers(&place, "Containers", json_object_get(spec, "containers"), NULL);
	put_volumes(&place, spec);
	put_spread(&place, spec);
	if (*priority)
		kt_describe_put(d, "  Priority Class Name:\t%s\n", priority);
	kt_describe_labels(d, "  ", "Node-Selectors", json_object_get(spec, "nodeSelector"));
	put_tolerations(&place, spec);
}

void kt_describe_pod_phases(struct kt_describer *d, const json_t *object)
{
	kt_auto_free char *selector = kt_describe_selector(kt_jget(object, "spec.selector"), "");
	kt_auto_str query = KT_STR_INIT;
	const char *uid = kt_jstr(object, "metadata.uid");
	int running = 0, waiting = 0, succeeded = 0, failed = 0;
	json_t *pod, *owner;
	size_t i, j;

	kt_url_escape(&query, selector);
	kt_auto_json json_t *list =
	        kt_describe_get(d, "/api/v1/namespaces/%s/pods?labelSelector=%s",
	                kt_describe_field(object, "metadata.namespace"), kt_str_text(&query));

	json_array_foreach(json_object_get(list, "items"), i, pod) {
		const char *phase = kt_describe_field(pod, "status.phase");
		bool ours = false;

		json_array_foreach(kt_jget(pod, "metadata.ownerReferences"), j, owner)
			ours |= kt_jbool(owner, "controller", false) &&
			        kt_streq(kt_jstr(owner, "uid"), uid);
		running += ours && !strcmp(phase, "Running");
		waiting += ours && !strcmp(phase, "Pending");
		succeeded += ours && !strcmp(phase, "Succeeded");
		failed += ours && !strcmp(phase, "Failed");
	}
	if (list)
		kt_describe_put(d,
		        "Pods Status:\t%d Running / %d Waiting / %d Succeeded / %d Failed\n",
		        running, waiting, succeeded, failed);
	else
		kt_describe_put(d, "Pods Status:\terror in fetching pods\n");
}

/* The pod */

static void put_optional(
        struct kt_describer *d, const char *label, const json_t *object, const char *path)
{
	if (*kt_describe_field(object, path))
		kt_describe_put(d, "%s:\t%s\n", label, kt_describe_field(object, path));
}

static void put_head(struct kt_describer *d, const json_t *pod)
{
	const char *node = kt_describe_field(pod, "spec.nodeName"),
	           *host = kt_describe_field(pod, "status.hostIP");

	kt_describe_put(d, "Name:\t%s\nNamespace:\t%s\n", kt_describe_field(pod, "metadata.name"),
	        kt_describe_field(pod, "metadata.namespace"));
	if (kt_jget(pod, "spec.priority"))
		kt_describe_put(
		        d, "Priority:\t%lld\n", (long long)kt_jint(pod, "spec.priority", 0));
	put_optional(d, "Priority Class Name", pod, "spec.priorityClassName");
	put_optional(d, "Runtime Class Name", pod, "spec.runtimeClassName");
	kt_describe_put(
	        d, "Service Account:\t%s\n", kt_describe_field(pod, "spec.serviceAccountName"));
	if (*node)
		kt_describe_put(d, "Node:\t%s/%s\n", node, host);
	else
		kt_describe_put(d, "Node:\t<none>\n");
	kt_describe_time(d, "Start Time", pod, "status.startTime");
	kt_describe_labels(d, "", "Labels", kt_jget(pod, "metadata.labels"));
	kt_describe_annotations(d, "", "Annotations", kt_jget(pod, "metadata.annotations"));
}

static void put_pod_status(struct kt_describer *d, const json_t *pod)
{
	const char *deleted = kt_jstr(pod, "metadata.deletionTimestamp");
	const json_t *ips = kt_jget(pod, "status.podIPs");
	char age[KT_DESCRIBE_TIME_MAX];
	json_t *ip;
	size_t i;

	if (deleted && strcmp(kt_describe_field(pod, "status.reason"), "NodeLost") != 0)
		kt_describe_put(d,
		        "Status:\tTerminating (lasts %s)\nTermination Grace Period:\t%llds\n",
		        kt_describe_age(d, deleted, age),
		        (long long)kt_jint(pod, "metadata.deletionGracePeriodSeconds", 0));
	else
		kt_describe_put(d, "Status:\t%s\n", kt_describe_field(pod, "status.phase"));
	put_optional(d, "Reason", pod, "status.reason");
	put_optional(d, "Message", pod, "status.message");
	put_optional(d, "SeccompProfile", pod, "spec.securityContext.seccompProfile.type");
	kt_describe_put(d, "IP:\t%s\nIPs:%s\n", kt_describe_field(pod, "status.podIP"),
	        json_array_size(ips) ? "" : "\t<none>");
	json_array_foreach(ips, i, ip)
		kt_describe_put(d, "  IP:\t%s\n", kt_describe_field(ip, "ip"));
	kt_describe_controller(d, pod);
	put_optional(d, "NominatedNodeName", pod, "status.nominatedNodeName");
}

static const char *condition_status(const json_t *pod, const char *type)
{
	json_t *condition;
	size_t i;

	json_array_foreach(kt_jget(pod, "status.conditions"), i, condition) {
		if (kt_streq(kt_jstr(condition, "type"), type))
			return kt_describe_field(condition, "status");
	}
	return "<none>";
}

static void put_pod_conditions(struct kt_describer *d, const json_t *pod)
{
	const json_t *gates = kt_jget(pod, "spec.readinessGates"),
	             *conditions = kt_jget(pod, "status.conditions");
	json_t *entry;
	size_t i;

	if (json_array_size(gates))
		kt_describe_put(d, "Readiness Gates:\n  Type\tStatus\n");
	json_array_foreach(gates, i, entry)
		kt_describe_put(d, "  %s \t%s \n", kt_describe_field(entry, "conditionType"),
		        condition_status(pod, kt_describe_field(entry, "conditionType")));
	if (json_array_size(conditions))
		kt_describe_put(d, "Conditions:\n  Type\tStatus\n");
	json_array_foreach(conditions, i, entry)
		kt_describe_put(d, "  %s \t%s \n", kt_describe_field(entry, "type"),
		        kt_describe_field(entry, "status"));
}

void kt_describe_pod(struct kt_describer *d, const json_t *pod)
{
	const struct place place = {.d = d, .space = "", .pod = pod};
	const json_t *spec = json_object_get(pod, "spec"), *status = json_object_get(pod, "status");

	put_head(d, pod);
	put_pod_status(d, pod);
	put_containers(&place, "Init Containers", json_object_get(spec, "initContainers"),
	        json_object_get(status, "initContainerStatuses"));
	put_containers(&place, "Containers", json_object_get(spec, "containers"),
	        json_object_get(status, "containerStatuses"));
	put_containers(&place, "Ephemeral Containers", json_object_get(spec, "ephemeralContainers"),
	        json_object_get(status, "ephemeralContainerStatuses"));
	put_pod_conditions(d, pod);
	put_volumes(&place, spec);
	kt_describe_put(d, "QoS Class:\t%s\n", kt_describe_field(status, "qosClass"));
	kt_describe_labels(d, "", "Node-Selectors", json_object_get(spec, "nodeSelector"));
	put_tolerations(&place, spec);
	put_spread(&place, spec);
	kt_describe_events(d, pod);
}
