/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Probes and life-cycle handlers. */
#include "api/server/rules/pod.h"

static void check_port_or_name(struct kt_rule_context *c, const struct kt_at *port)
{
	if (json_is_string(port->value))
		kt_check_format(c, port, "port-name");
	else
		kt_check_port(c, port);
}

static void check_http(struct kt_rule_context *c, const struct kt_at *action)
{
	static const char *const schemes[] = {"HTTP", "HTTPS", NULL};
	struct kt_at path = kt_at(action, "path"), port = kt_at(action, "port"),
	             scheme = kt_at(action, "scheme");
	struct kt_at headers = kt_at(action, "httpHeaders");
	kt_check_required(c, &path);
	check_port_or_name(c, &port);
	kt_check_in(c, &scheme, schemes);
	KT_EACH(header, &headers) { /* reported at the list */
		struct kt_at name = kt_at_with(&headers, json_object_get(header.value, "name"));
		name.type = NULL;
		kt_check_format(c, &name, "http-header");
	}
}

/* One more handler; false, with an error, when there was one before. */
static bool first_handler(struct kt_rule_context *c, const struct kt_at *handler, int *n)
{
	if ((*n)++ == 0)
		return true;
	kt_add_forbidden(c, handler, "may not specify more than 1 handler type");
	return false;
}

static void check_sleep(struct kt_pod *pod, const struct kt_at *sleep)
{
	int64_t seconds = json_integer_value(json_object_get(sleep->value, "seconds"));
	if (seconds >= 0 && seconds <= pod->grace_seconds)
		return;
	kt_auto_json json_t *value = json_integer(seconds);
	kt_add_invalid_value(pod->c, sleep, value,
	        "must be non-negative and less than terminationGracePeriodSeconds (%lld)",
	        (long long)pod->grace_seconds);
}

static void check_handler(struct kt_pod *pod, const struct kt_at *handler)
{
	struct kt_rule_context *c = pod->c;
	struct kt_at exec = kt_at(handler, "exec"), http = kt_at(handler, "httpGet"),
	             tcp = kt_at(handler, "tcpSocket");
	struct kt_at grpc = kt_at(handler, "grpc"), sleep = kt_at(handler, "sleep");
	int n = 0;
	if (exec.value && first_handler(c, &exec, &n)) {
		struct kt_at command = kt_at(&exec, "command");
		if (!kt_at_n(&command))
			kt_add_required(c, &command, "");
	}
	if (http.value && first_handler(c, &http, &n))
		check_http(c, &http);
	if (tcp.value && first_handler(c, &tcp, &n)) {
		struct kt_at port = kt_at(&tcp, "port");
		check_port_or_name(c, &port);
	}
	if (grpc.value && first_handler(c, &grpc, &n)) {
		struct kt_at port = kt_at(&grpc, "port");
		kt_check_port(c, &port);
	}
	if (sleep.value && first_handler(c, &sleep, &n))
		check_sleep(pod, &sleep);
	if (n == 0)
		kt_add_required(c, handler, "must specify a handler type");
}

static void check_probe(struct kt_pod *pod, const struct kt_at *probe)
{
	static const char *const counts[] = {
	        "initialDelaySeconds",
	        "timeoutSeconds",
	        "periodSeconds",
	        "successThreshold",
	        "failureThreshold",
	};
	check_handler(pod, probe);
	for (size_t i = 0; i < KT_ARRAY_SIZE(counts); i++) {
		struct kt_at at = kt_at(probe, counts[i]);
		kt_check_non_negative(pod->c, &at);
	}
	struct kt_at grace = kt_at(probe, "terminationGracePeriodSeconds");
	if (grace.value && kt_at_int(&grace) <= 0)
		kt_add_invalid(pod->c, &grace, "must be greater than 0");
}

static void check_needs_one_success(struct kt_pod *pod, const struct kt_at *probe)
{
	struct kt_at success = kt_at(probe, "successThreshold");
	if (kt_at_int(&success) != 1)
		kt_add_invalid(pod->c, &success, "must be 1");
}

void kt_check_probes(struct kt_pod *pod, const struct kt_at *container)
{
	struct kt_at live = kt_at(container, "livenessProbe"),
	             ready = kt_at(container, "readinessProbe");
	struct kt_at start = kt_at(container, "startupProbe");
	if (live.value) {
		check_probe(pod, &live);
		check_needs_one_success(pod, &live);
	}
	if (ready.value) {
		struct kt_at grace = kt_at(&ready, "terminationGracePeriodSeconds");
		check_probe(pod, &ready);
		if (grace.value)
			kt_add_invalid(pod->c, &grace, "must not be set for readinessProbes");
	}
	if (start.value) {
		check_probe(pod, &start);
		check_needs_one_success(pod, &start);
	}
}

void kt_check_lifecycle(struct kt_pod *pod, const struct kt_at *lifecycle)
{
	struct kt_at start = kt_at(lifecycle, "postStart"), stop = kt_at(lifecycle, "preStop");
	if (start.value)
		check_handler(pod, &start);
	if (stop.value)
		check_handler(pod, &stop);
	struct kt_at signal = kt_at(lifecycle, "stopSignal");
	if (!signal.value)
		return;
	const char *os = kt_text_of(json_object_get(pod->spec->value, "os"), "name");
	if (!*os)
		kt_add_forbidden(
		        pod->c, &signal, "may not be set for containers with empty `spec.os.name`");
	else
		kt_check_enum(pod->c, &signal);
}
