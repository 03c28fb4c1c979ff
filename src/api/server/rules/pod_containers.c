/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Containers of a pod: what all have in common, ports, mounts, and what init and ephemeral
 * containers may not have. */
#include "api/server/rules/names.h"
#include "api/server/rules/pod.h"

static const char *const always[] = {"Always", "Never", "OnFailure", NULL};

static bool seen_before(struct kt_names *names, struct kt_rule_context *c, const struct kt_at *name)
{
	if (kt_names_add(names, kt_at_text(name)))
		return false;
	kt_add_duplicate(c, name);
	return true;
}

/* Ports */

static void check_port(struct kt_pod *pod, const struct kt_at *port, struct kt_names *names)
{
	struct kt_rule_context *c = pod->c;
	struct kt_at name = kt_at(port, "name"), number = kt_at(port, "containerPort");
	struct kt_at host_port = kt_at(port, "hostPort"), protocol = kt_at(port, "protocol");
	if (*kt_at_text(&name) && kt_check_format(c, &name, "port-name"))
		seen_before(names, c, &name);
	if (kt_at_int(&number) == 0)
		kt_add_required(c, &number, "");
	else
		kt_check_port(c, &number);
	if (kt_at_int(&host_port) != 0)
		kt_check_port(c, &host_port);
	if (kt_check_required(c, &protocol))
		kt_check_enum(c, &protocol);
}

void kt_check_container_ports(struct kt_pod *pod, const struct kt_at *ports)
{
	struct kt_names names = {.arena = pod->c->arena};
	KT_EACH(port, ports) {
		check_port(pod, &port, &names);
	}
}

/* One host port can be taken once per protocol and address. */
static void check_host_port_conflicts(struct kt_pod *pod, const struct kt_at *containers)
{
	struct kt_names taken = {.arena = pod->c->arena};
	KT_EACH(container, containers) {
		struct kt_at ports = kt_at(&container, "ports");
		KT_EACH(port, &ports) {
			struct kt_at host_port = kt_at(&port, "hostPort");
			if (kt_at_int(&host_port) == 0)
				continue;
			const char *key = kt_path(pod->c->arena, "%s/%s/%lld",
			        kt_text_of(port.value, "protocol"),
			        kt_text_of(port.value, "hostIP"), (long long)kt_at_int(&host_port));
			if (kt_names_add(&taken, key))
				continue;
			kt_auto_json json_t *shown = json_string(key);
			kt_field_duplicate(&pod->c->errors, kt_at_path(pod->c, &host_port), shown);
		}
	}
}

/* Mounts */

static const json_t *find_named(const json_t *list, const char *name)
{
	size_t i;
	json_t *item;
	json_array_foreach(list, i, item) {
		if (strcmp(kt_text_of(item, "name"), name) == 0)
			return item;
	}
	return NULL;
}

static bool has_member(const json_t *list, const char *member, const char *text)
{
	size_t i;
	json_t *item;
	json_array_foreach(list, i, item) {
		if (strcmp(kt_text_of(item, member), text) == 0)
			return true;
	}
	return false;
}

/* A volume with a mistake of its own does not count as there. */
static const json_t *find_volume(struct kt_pod *pod, const char *name)
{
	if (!kt_names_has(&pod->volumes, name))
		return NULL;
	return find_named(json_object_get(pod->spec->value, "volumes"), name);
}

static void check_propagation(struct kt_pod *pod, const struct kt_at *mounts,
        const struct kt_at *container, const struct kt_at *mount)
{
	struct kt_at at = kt_at(mounts, "mountPropagation"), own = kt_at(mount, "mountPropagation");
	if (!own.value)
		return;
	at.value = own.value;
	at.field = own.field;
	if (!kt_check_enum(pod->c, &at))
		return;
	if (kt_at_is(&at, "Bidirectional") &&
	        !kt_jbool(container->value, "securityContext.privileged", false))
		kt_add_forbidden(pod->c, &at,
		        "Bidirectional mount propagation is available only to privileged "
		        "containers");
}

static void check_recursive_read_only(
        struct kt_pod *pod, const struct kt_at *mounts, const struct kt_at *mount)
{
	static const char *const supported[] = {"Disabled", "Enabled", "IfPossible", NULL};
	struct kt_at at = kt_at(mounts, "recursiveReadOnly");
	at.value = json_object_get(mount->value, "recursiveReadOnly");
	if (!at.value || kt_at_is(&at, "Disabled") || !kt_check_in(pod->c, &at, supported))
		return;
	if (!kt_bool_of(mount->value, "readOnly"))
		kt_add_forbidden(pod->c, &at, "may only be specified when readOnly is true");
	const char *propagation = kt_text_of(mount->value, "mountPropagation");
	if (*propagation && strcmp(propagation, "None") != 0)
		kt_add_forbidden(pod->c, &at,
		        "may only be specified when mountPropagation is None or not specified");
}

static void check_sub_path(
        struct kt_pod *pod, const struct kt_at *mounts, const struct kt_at *mount)
{
	/* upstream reports the path at the list, without the index */
	struct kt_at path = kt_at(mounts, "subPath"), expr = kt_at(mounts, "subPathExpr");
	path.value = json_object_get(mount->value, "subPath");
	expr.value = json_object_get(mount->value, "subPathExpr");
	if (*kt_at_text(&path))
		kt_check_descending_path(pod->c, &path);
	if (!*kt_at_text(&expr))
		return;
	if (*kt_at_text(&path)) {
		struct kt_at own = kt_at(mount, "subPathExpr");
		kt_add_invalid(pod->c, &own, "subPathExpr and subPath are mutually exclusive");
	}
	kt_check_descending_path(pod->c, &expr);
}

static void check_mount(struct kt_pod *pod, const struct kt_at *mounts,
        const struct kt_at *container, const struct kt_at *mount, struct kt_names *paths)
{
	struct kt_rule_context *c = pod->c;
	const json_t *devices = json_object_get(container->value, "volumeDevices");
	struct kt_at name = kt_at(mount, "name"), path = kt_at(mount, "mountPath");
	kt_check_required(c, &name);
	if (!find_volume(pod, kt_at_text(&name)))
		kt_add_not_found(c, &name);
	kt_check_required(c, &path);
	if (!kt_names_add(paths, kt_at_text(&path)))
		kt_add_invalid(c, &path, "must be unique");
	if (has_member(devices, "name", kt_at_text(&name)))
		kt_add_invalid(c, &name, "must not already exist in volumeDevices");
	if (has_member(devices, "devicePath", kt_at_text(&path)))
		kt_add_invalid(c, &path, "must not already exist as a path in volumeDevices");
	check_sub_path(pod, mounts, mount);
	check_propagation(pod, mounts, container, mount);
	check_recursive_read_only(pod, mounts, mount);
}

static void check_device(struct kt_pod *pod, const struct kt_at *container,
        const struct kt_at *device, struct kt_names *names, struct kt_names *paths)
{
	struct kt_rule_context *c = pod->c;
	const json_t *mounts = json_object_get(container->value, "volumeMounts");
	struct kt_at name = kt_at(device, "name"), path = kt_at(device, "devicePath");
	const json_t *volume = find_volume(pod, kt_at_text(&name));
	kt_check_required(c, &name);
	if (*kt_at_text(&name) && !kt_names_add(names, kt_at_text(&name)))
		kt_add_invalid(c, &name, "must be unique");
	if (volume && !json_object_get(volume, "persistentVolumeClaim") &&
	        !json_object_get(volume, "ephemeral"))
		kt_add_invalid(c, &name,
		        "can only use volume source type of PersistentVolumeClaim or Ephemeral for "
		        "block mode");
	if (!volume)
		kt_add_not_found(c, &name);
	kt_check_required(c, &path);
	if (kt_names_has(paths, kt_at_text(&path)))
		kt_add_invalid(c, &path, "must be unique");
	if (kt_has_backsteps(kt_at_text(&path)))
		kt_add_invalid(c, &path, "can not contain backsteps ('..')");
	else
		kt_names_add(paths, kt_at_text(&path));
	if (has_member(mounts, "name", kt_at_text(&name)))
		kt_add_invalid(c, &name, "must not already exist in volumeMounts");
	if (has_member(mounts, "mountPath", kt_at_text(&path)))
		kt_add_invalid(c, &path, "must not already exist as a path in volumeMounts");
}

void kt_check_container_mounts(struct kt_pod *pod, const struct kt_at *container)
{
	struct kt_names paths = {.arena = pod->c->arena}, device_names = {.arena = pod->c->arena};
	struct kt_names device_paths = {.arena = pod->c->arena};
	struct kt_at mounts = kt_at(container, "volumeMounts"),
	             devices = kt_at(container, "volumeDevices");
	KT_EACH(mount, &mounts) {
		check_mount(pod, &mounts, container, &mount, &paths);
	}
	KT_EACH(device, &devices) {
		check_device(pod, container, &device, &device_names, &device_paths);
	}
}

/* Containers */

static void check_resize_policy(struct kt_pod *pod, const struct kt_at *list)
{
	static const char *const resources[] = {"cpu", "memory", NULL};
	static const char *const policies[] = {"NotRequired", "RestartContainer", NULL};
	struct kt_names names = {.arena = pod->c->arena};
	KT_EACH(entry, list) {
		struct kt_at resource =
		        kt_at_with(list, json_object_get(entry.value, "resourceName"));
		struct kt_at policy =
		        kt_at_with(list, json_object_get(entry.value, "restartPolicy"));
		resource.type = policy.type = NULL;
		if (!kt_names_add(&names, kt_at_text(&resource))) {
			struct kt_at at = kt_at_with(&entry, resource.value);
			at.type = NULL;
			kt_add_duplicate(pod->c, &at);
		}
		if (kt_check_required(pod->c, &resource))
			kt_check_in(pod->c, &resource, resources);
		if (kt_check_required(pod->c, &policy))
			kt_check_in(pod->c, &policy, policies);
		if (strcmp(pod->restart_policy, "Never") == 0 && !kt_at_is(&policy, "NotRequired"))
			kt_add_invalid(pod->c, &policy,
			        "must be 'NotRequired' when `restartPolicy` is 'Never'");
	}
}

/* Everything that regular, init and ephemeral containers share. */
static void check_common(struct kt_pod *pod, const struct kt_at *container)
{
	static const char *const message_policies[] = {"File", "FallbackToLogsOnError", NULL};
	struct kt_rule_context *c = pod->c;
	struct kt_at name = kt_at(container, "name"), image = kt_at(container, "image");
	struct kt_at policy = kt_at(container, "terminationMessagePolicy"),
	             pull = kt_at(container, "imagePullPolicy");
	struct kt_at ports = kt_at(container, "ports"), resources = kt_at(container, "resources");
	struct kt_at resize = kt_at(container, "resizePolicy"),
	             security = kt_at(container, "securityContext");
	kt_check_required_format(c, &name, "dns1123-label");
	if (kt_check_required(c, &image) && pod->is_pod && !c->subresource) {
		const char *text = kt_at_text(&image);
		if (kt_sv_trim(kt_sv_of(text)).len != strlen(text))
			kt_add_invalid(c, &image, "must not have leading or trailing whitespace");
	}
	if (kt_check_required(c, &policy))
		kt_check_in(c, &policy, message_policies);
	kt_check_container_ports(pod, &ports);
	kt_check_container_env(pod, container);
	if (kt_check_required(c, &pull))
		kt_check_enum(c, &pull);
	kt_check_container_mounts(pod, container);
	kt_check_container_resources(pod, &resources);
	check_resize_policy(pod, &resize);
	kt_check_container_security(pod, &security);
}

/* What a container does when it ends; rules by exit code need a policy of the container's own. */
static void check_restart_rules(struct kt_pod *pod, const struct kt_at *container)
{
	static const char *const actions[] = {"Restart", "RestartAllContainers", NULL};
	static const char *const operators[] = {"In", "NotIn", NULL};
	struct kt_rule_context *c = pod->c;
	struct kt_at rules = kt_at(container, "restartPolicyRules"),
	             policy = kt_at(container, "restartPolicy");
	if (policy.value)
		kt_check_in(c, &policy, always);
	if (kt_at_n(&rules) && !policy.value)
		kt_add_required(
		        c, &policy, "must specify restartPolicy when restart rules are used");
	if (kt_at_n(&rules) > 20)
		kt_add_too_long(c, &rules, 20);
	KT_EACH(rule, &rules) {
		struct kt_at action = kt_at(&rule, "action"), codes = kt_at(&rule, "exitCodes");
		if (kt_at_is(&action, "RestartAllContainers") ||
		        !kt_is_one_of(kt_at_text(&action), actions))
			kt_add_not_supported(c, &action, (const char *const[]){"Restart", NULL});
		if (!codes.value) {
			kt_add_required(c, &codes, "must be specified");
			continue;
		}
		struct kt_at operator= kt_at(&codes, "operator"), values = kt_at(&codes, "values");
		kt_check_in(c, &operator, operators);
		if (kt_at_n(&values) > 255)
			kt_add_too_long(c, &values, 255);
	}
}

static void check_regular(struct kt_pod *pod, struct kt_names *names)
{
	struct kt_at containers = kt_at(pod->spec, "containers");
	if (!kt_at_n(&containers)) {
		kt_add_required(pod->c, &containers, "");
		return;
	}
	KT_EACH(container, &containers) {
		struct kt_at name = kt_at(&container, "name"),
		             lifecycle = kt_at(&container, "lifecycle");
		check_common(pod, &container);
		seen_before(names, pod->c, &name);
		kt_check_lifecycle(pod, &lifecycle);
		kt_check_probes(pod, &container);
		check_restart_rules(pod, &container);
	}
	check_host_port_conflicts(pod, &containers);
}

/* An init container that restarts always is a sidecar: it lives on and may be probed. */
static void check_init(struct kt_pod *pod, const struct kt_at *container, struct kt_names *names)
{
	static const char *const sidecar_only[] = {
	        "lifecycle", "livenessProbe", "readinessProbe", "startupProbe"};
	struct kt_rule_context *c = pod->c;
	struct kt_at policy = kt_at(container, "restartPolicy"), name = kt_at(container, "name");
	struct kt_at lifecycle = kt_at(container, "lifecycle");
	bool sidecar = kt_at_is(&policy, "Always");
	struct kt_at rules = kt_at(container, "restartPolicyRules");
	check_common(pod, container);
	if (sidecar && kt_at_n(&rules))
		kt_add_forbidden(c, &rules,
		        "restartPolicyRules are not allowed for init containers with restart "
		        "policy Always");
	else
		check_restart_rules(pod, container);
	if (*kt_at_text(&name))
		seen_before(names, c, &name);
	if (sidecar) {
		kt_check_lifecycle(pod, &lifecycle);
		kt_check_probes(pod, container);
		return;
	}
	for (size_t i = 0; i < KT_ARRAY_SIZE(sidecar_only); i++) {
		struct kt_at at = kt_at(container, sidecar_only[i]);
		bool only_empty = i == 0 && json_object_size(at.value) == 0;
		if (at.value && !only_empty)
			kt_add_forbidden(c, &at,
			        "may not be set for init containers without restartPolicy=Always");
	}
}

static void check_ephemeral(
        struct kt_pod *pod, const struct kt_at *container, struct kt_names *names)
{
	static const char *const forbidden[] = {
	        "ports",
	        "resources",
	        "resizePolicy",
	        "restartPolicy",
	        "livenessProbe",
	        "readinessProbe",
	        "startupProbe",
	        "lifecycle",
	};
	struct kt_rule_context *c = pod->c;
	struct kt_at name = kt_at(container, "name"),
	             target = kt_at(container, "targetContainerName");
	struct kt_at mounts = kt_at(container, "volumeMounts");
	check_common(pod, container);
	seen_before(names, c, &name);
	if (*kt_at_text(&target) &&
	        !find_named(json_object_get(pod->spec->value, "containers"), kt_at_text(&target)) &&
	        !find_named(
	                json_object_get(pod->spec->value, "initContainers"), kt_at_text(&target)))
		kt_add_not_found(c, &target);
	for (size_t i = 0; i < KT_ARRAY_SIZE(forbidden); i++) {
		struct kt_at at = kt_at(container, forbidden[i]);
		if (at.value && !kt_same(at.value, NULL))
			kt_add_forbidden(c, &at, "cannot be set for an Ephemeral Container");
	}
	KT_EACH(mount, &mounts) {
		struct kt_at sub_path = kt_at(&mount, "subPath"),
		             expr = kt_at(&mount, "subPathExpr");
		if (*kt_at_text(&sub_path))
			kt_add_forbidden(c, &sub_path, "cannot be set for an Ephemeral Container");
		if (*kt_at_text(&expr))
			kt_add_forbidden(c, &expr, "cannot be set for an Ephemeral Container");
	}
}

void kt_check_pod_containers(struct kt_pod *pod)
{
	struct kt_names names = {.arena = pod->c->arena};
	struct kt_at init = kt_at(pod->spec, "initContainers"),
	             ephemeral = kt_at(pod->spec, "ephemeralContainers");
	check_regular(pod, &names);
	KT_EACH(container, &init) {
		check_init(pod, &container, &names);
	}
	KT_EACH(container, &ephemeral) {
		check_ephemeral(pod, &container, &names);
	}
}
