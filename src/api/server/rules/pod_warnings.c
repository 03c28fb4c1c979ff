/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Warning headers for pods: what is accepted and likely a mistake. */
#include "api/machinery/names.h"
#include "api/server/rules/names.h"
#include "api/server/rules/node_labels.h"
#include "api/server/rules/pod.h"
#include "api/server/rules/quantities.h"
#include "api/server/rules/volumes.h"

static const char *const container_lists[] = {"initContainers", "containers"};

static const char *path_of(struct kt_rule_context *c, const struct kt_at *at)
{
	return kt_at_path(c, at);
}

/* Ports */

struct seen_port {
	const json_t *port;
	const char *path;
	struct seen_port *next;
};

static bool same_text(const json_t *a, const json_t *b, const char *name)
{
	return strcmp(kt_text_of(a, name), kt_text_of(b, name)) == 0;
}

static int64_t number(const json_t *port, const char *name)
{
	return json_integer_value(json_object_get(port, name));
}

static void compare_ports(
        struct kt_rule_context *c, const struct kt_at *port, const struct seen_port *seen)
{
	const char *path = path_of(c, port);
	for (const struct seen_port *s = seen; s; s = s->next) {
		if (!same_text(port->value, s->port, "protocol") ||
		        number(port->value, "containerPort") != number(s->port, "containerPort"))
			continue;
		bool exact = same_text(port->value, s->port, "hostIP") &&
		             number(port->value, "hostPort") == number(s->port, "hostPort");
		bool overlaps =
		        number(port->value, "hostPort") == 0 || number(s->port, "hostPort") == 0;
		if (exact)
			kt_rule_warn(c, "%s: duplicate port definition with %s", path, s->path);
		else if (overlaps)
			kt_rule_warn(c, "%s: overlapping port definition with %s", path, s->path);
	}
}

static void warn_ports(struct kt_rule_context *c, const struct kt_at *spec)
{
	struct seen_port *seen = NULL, **tail = &seen;
	for (size_t l = 0; l < KT_ARRAY_SIZE(container_lists); l++) {
		struct kt_at list = kt_at(spec, container_lists[l]);
		KT_EACH(container, &list) {
			struct kt_at ports = kt_at(&container, "ports");
			KT_EACH(port, &ports) {
				compare_ports(c, &port, seen);
				const char *name = kt_text_of(port.value, "name");
				for (struct seen_port *s = seen; *name && s; s = s->next) {
					if (strcmp(kt_text_of(s->port, "name"), name) != 0)
						continue;
					kt_rule_warn(c,
					        "%s: duplicate port name \"%s\" with %s, services "
					        "and probes that select ports by name will use %s",
					        path_of(c, &port), name, s->path, s->path);
					s = NULL;
					break;
				}
				struct seen_port *mine = kt_arena_new(c->arena, struct seen_port);
				mine->port = port.value;
				mine->path = path_of(c, &port);
				*tail = mine;
				tail = &mine->next;
			}
		}
	}
}

/* Resources */

static void warn_fractions_of(struct kt_rule_context *c, const struct kt_at *map)
{
	static const char *const names[] = {"ephemeral-storage", "memory"};
	for (size_t n = 0; n < KT_ARRAY_SIZE(names); n++) {
		struct kt_at at = kt_at_key(map, names[n]);
		kt_warn_fraction(c, path_of(c, &at), at.value);
	}
}

static void warn_fractions(struct kt_rule_context *c, const struct kt_at *resources)
{
	struct kt_at limits = kt_at(resources, "limits"), requests = kt_at(resources, "requests");
	warn_fractions_of(c, &limits);
	warn_fractions_of(c, &requests);
}

static void warn_environment(struct kt_rule_context *c, const struct kt_at *container)
{
	struct kt_at env = kt_at(container, "env");
	KT_EACH(variable, &env) {
		for (size_t j = 0; j < kt_i_variable; j++) {
			const json_t *before = json_array_get(env.value, j);
			if (!same_text(variable.value, before, "name"))
				continue;
			/* a variable that uses its own earlier value is meant so */
			const char *name = kt_text_of(variable.value, "name");
			kt_auto_free char *use = kt_asprintf("$(%s)", name);
			if (!strstr(kt_text_of(variable.value, "value"), use))
				kt_rule_warn(c,
				        "%s: hides previous definition of \"%s\", which may be "
				        "dropped when using apply",
				        path_of(c, &variable), name);
			break;
		}
	}
}

/* Volumes */

void kt_warn_old_sources(struct kt_rule_context *c, const struct kt_at *volume, bool of_pod)
{
	static const struct {
		const char *name, *why;
		bool of_pods; /* nothing is said of it in a PersistentVolume */
	} old[] = {
	        {"gitRepo", "deprecated in v1.11, and disabled by default in v1.33+", true},
	        {"glusterfs",
	                "deprecated in v1.25, this feature will be removed soon after in a "
	                "subsequent release",
	                false},
	        {"cephfs", "deprecated in v1.28, non-functional in v1.31+", false},
	        {"rbd", "deprecated in v1.28, non-functional in v1.31+", false},
	        {"scaleIO", "deprecated in v1.16, non-functional in v1.22+", false},
	        {"flocker", "deprecated in v1.22, non-functional in v1.25+", true},
	        {"storageos", "deprecated in v1.22, non-functional in v1.25+", false},
	        {"quobyte", "deprecated in v1.22, non-functional in v1.25+", true},
	        {"photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+", false},
	};
	for (size_t i = 0; i < KT_ARRAY_SIZE(old); i++) {
		struct kt_at at = kt_at(volume, old[i].name);
		if (at.value && (of_pod || !old[i].of_pods))
			kt_rule_warn(c, "%s: %s", path_of(c, &at), old[i].why);
	}
}

static void warn_volumes(struct kt_rule_context *c, const struct kt_at *spec)
{
	struct kt_at volumes = kt_at(spec, "volumes");
	KT_EACH(volume, &volumes) {
		kt_warn_old_sources(c, &volume, true);
	}
	KT_EACH(holder, &volumes) {
		kt_pod_warn_overlaps(c, holder.value);
	}
}

/* The rest */

static void warn_names(struct kt_rule_context *c, const struct kt_at *list, bool references)
{
	KT_EACH(item, list) {
		struct kt_at name = kt_at(&item, "name");
		if (references && !*kt_at_text(&name)) {
			kt_rule_warn(c, "%s: invalid empty name \"\"", path_of(c, &name));
			continue;
		}
		for (size_t j = 0; j < kt_i_item; j++) {
			if (!same_text(item.value, json_array_get(list->value, j), "name"))
				continue;
			kt_rule_warn(c, "%s: duplicate name \"%s\"", path_of(c, &name),
			        kt_at_text(&name));
			break;
		}
	}
}

static void warn_spread(struct kt_rule_context *c, const struct kt_at *spec)
{
	struct kt_at list = kt_at(spec, "topologySpreadConstraints");
	KT_EACH(constraint, &list) {
		struct kt_at selector = kt_at(&constraint, "labelSelector"),
		             key = kt_at(&constraint, "topologyKey");
		kt_warn_node_label(c, &key);
		if (!selector.value)
			kt_rule_warn(c, "%s: a null labelSelector results in matching no pod",
			        path_of(c, &selector));
	}
}

static void warn_annotations(struct kt_rule_context *c, const json_t *meta, bool is_pod)
{
	static const char *const apparmor = "container.apparmor.security.beta.kubernetes.io/";
	static const char *const seccomp = "container.seccomp.security.alpha.kubernetes.io/";
	const char *key;
	json_t *value, *annotations = json_object_get(meta, "annotations");
	const char *prefix = is_pod ? "metadata.annotations" : "template.metadata.annotations";
	json_object_foreach(annotations, key, value) {
		if (kt_starts_with(key, apparmor))
			kt_rule_warn(c,
			        "%s[%s]: deprecated since v1.30; use the \"appArmorProfile\" field "
			        "instead",
			        prefix, key);
		else if (kt_starts_with(key, seccomp) ||
		         strcmp(key, "seccomp.security.alpha.kubernetes.io/pod") == 0)
			kt_rule_warn(c,
			        "%s[%s]: non-functional in v1.27+; use the \"seccompProfile\" "
			        "field instead",
			        prefix, key);
		else if (strcmp(key, "pod.alpha.kubernetes.io/initialized") == 0)
			kt_rule_warn(c,
			        "%s[%s]: non-functional in v1.18+; use the \"spec.readinessGates\" "
			        "field instead",
			        prefix, key);
	}
}

static void warn_node_labels(struct kt_rule_context *c, const struct kt_at *spec)
{
	struct kt_at selector = kt_at(spec, "nodeSelector"), affinity = kt_at(spec, "affinity"),
	             nodes = kt_at(&affinity, "nodeAffinity");
	struct kt_at required = kt_at(&nodes, "requiredDuringSchedulingIgnoredDuringExecution"),
	             preferred = kt_at(&nodes, "preferredDuringSchedulingIgnoredDuringExecution");
	kt_warn_node_selector(c, &selector, false);
	kt_warn_node_terms(c, &required);
	KT_EACH(weighted, &preferred) {
		struct kt_at term = kt_at(&weighted, "preference");
		kt_warn_node_term(c, &term, true);
	}
}

static void warn_hosts(struct kt_rule_context *c, const struct kt_at *spec)
{
	struct kt_at aliases = kt_at(spec, "hostAliases");
	KT_EACH(alias, &aliases) {
		struct kt_at ip = kt_at(&alias, "ip");
		for (size_t j = 0; j < kt_i_alias; j++) {
			if (!same_text(alias.value, json_array_get(aliases.value, j), "ip"))
				continue;
			kt_rule_warn(
			        c, "%s: duplicate ip \"%s\"", path_of(c, &ip), kt_at_text(&ip));
			break;
		}
	}
}

static void warn_name(struct kt_rule_context *c, const json_t *meta, const char *use)
{
	struct kt_messages messages = {0};
	const char *name = kt_text_of(meta, "name");
	if (!*name || kt_format_check("dns1123-label", kt_sv_of(name), &messages) == 0)
		return;
	kt_auto_str text = KT_STR_INIT;
	for (size_t i = 0; i < messages.n; i++)
		kt_str_printf(&text, "%s%s", i ? " " : "", messages.items[i]);
	kt_rule_warn(c,
	        "metadata.name: this is used in %s, which can result in surprising behavior; a DNS "
	        "label is recommended: [%s]",
	        use, kt_str_text(&text));
}

void kt_pod_names_warn(struct kt_rule_context *c, const json_t *object)
{
	warn_name(c, json_object_get(object, "metadata"), "Pod names and hostnames");
}

void kt_pod_warn(struct kt_rule_context *c, const struct kt_at *spec, const json_t *meta,
        const json_t *old_spec, bool is_pod)
{
	struct kt_at pull = kt_at(spec, "imagePullSecrets"), overhead = kt_at(spec, "overhead");
	if (is_pod && !old_spec)
		warn_name(c, meta, "the Pod's hostname");
	warn_node_labels(c, spec);
	warn_annotations(c, meta, is_pod);
	warn_spread(c, spec);
	warn_volumes(c, spec);
	warn_hosts(c, spec);
	warn_names(c, &pull, true);
	warn_fractions_of(c, &overhead);
	for (size_t l = 0; l < KT_ARRAY_SIZE(container_lists); l++) {
		struct kt_at list = kt_at(spec, container_lists[l]);
		KT_EACH(container, &list) {
			struct kt_at resources = kt_at(&container, "resources");
			warn_fractions(c, &resources);
			warn_environment(c, &container);
		}
	}
	warn_ports(c, spec);
	struct kt_at grace = kt_at(spec, "terminationGracePeriodSeconds");
	if (!is_pod && kt_at_int(&grace) < 0)
		kt_rule_warn(c,
		        "%s: must be >= 0; negative values are invalid and will be treated as 1",
		        path_of(c, &grace));
}

void kt_pod_template_warn(
        struct kt_rule_context *c, const struct kt_at *template, const json_t *old_template)
{
	struct kt_at spec = kt_at(template, "spec");
	kt_pod_warn(c, &spec, json_object_get(template->value, "metadata"),
	        json_object_get(old_template, "spec"), false);
}
