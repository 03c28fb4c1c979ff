/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Security contexts of pods and containers, and what an operating system does not know. */
#include "api/server/rules/names.h"
#include "api/server/rules/pod.h"

#define ID_MAX 2147483647
#define APPARMOR_PROFILE_MAX_BYTES 4095
#define GMSA_SPEC_MAX_BYTES (64 * 1024)
#define SYSCTL_NAME_MAX_BYTES 253

static void check_id(struct kt_rule_context *c, const struct kt_at *parent, const char *name)
{
	struct kt_at at = kt_at(parent, name);
	if (at.value)
		kt_check_between(c, &at, 0, ID_MAX);
}

static void check_seccomp(struct kt_rule_context *c, const struct kt_at *profile)
{
	static const char *const types[] = {"Localhost", "RuntimeDefault", "Unconfined", NULL};
	if (!profile->value)
		return;
	struct kt_at type = kt_at(profile, "type"), local = kt_at(profile, "localhostProfile");
	if (!*kt_at_text(&type))
		kt_add_required(c, &type, "type is required when seccompProfile is set");
	else
		kt_check_in(c, &type, types);
	if (kt_at_is(&type, "Localhost")) {
		if (!local.value)
			kt_add_required(c, &local, "must be set when seccomp type is Localhost");
		else
			kt_check_descending_path(c, &local);
	} else if (local.value) {
		kt_add_invalid_other(
		        c, &local, profile, "can only be set when seccomp type is Localhost");
	}
}

static void check_apparmor_local(struct kt_rule_context *c, const struct kt_at *local)
{
	const char *text = kt_at_text(local);
	struct kt_sv trimmed = kt_sv_trim(kt_sv_of(text));
	if (!local->value || (trimmed.len == 0 && !*text))
		kt_add_required(c, local, "must be set when AppArmor type is Localhost");
	else if (trimmed.len != strlen(text))
		kt_add_invalid(c, local, "must not be padded with whitespace");
	else if (trimmed.len > APPARMOR_PROFILE_MAX_BYTES)
		kt_add_too_long(c, local, APPARMOR_PROFILE_MAX_BYTES);
}

static void check_apparmor(struct kt_rule_context *c, const struct kt_at *profile)
{
	static const char *const types[] = {"Localhost", "RuntimeDefault", "Unconfined", NULL};
	if (!profile->value)
		return;
	struct kt_at type = kt_at(profile, "type"), local = kt_at(profile, "localhostProfile");
	if (!*kt_at_text(&type))
		kt_add_required(c, &type, "type is required when appArmorProfile is set");
	else if (!kt_check_in(c, &type, types))
		return;
	else if (kt_at_is(&type, "Localhost"))
		check_apparmor_local(c, &local);
	else if (local.value)
		kt_add_invalid(c, &local, "can only be set when AppArmor type is Localhost");
}

static void check_windows_user(struct kt_rule_context *c, const struct kt_at *user)
{
	const char *text = kt_at_text(user), *slash = strchr(text, '\\');
	if (!*text) {
		kt_add_invalid(c, user, "runAsUserName cannot be an empty string");
		return;
	}
	for (const char *p = text; *p; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f) {
			kt_add_invalid(c, user, "runAsUserName cannot contain control characters");
			break;
		}
	}
	if (slash && strchr(slash + 1, '\\')) {
		kt_add_invalid(c, user, "runAsUserName cannot contain more than one backslash");
		return;
	}
	if (slash && slash == text)
		kt_add_invalid(
		        c, user, "runAsUserName's Domain length must be under 256 characters");
	const char *name = slash ? slash + 1 : text;
	if (!*name)
		kt_add_invalid(c, user, "runAsUserName's User cannot be empty");
	else if (strlen(name) > 104)
		kt_add_invalid(c, user,
		        "runAsUserName's User length must not be longer than 104 characters");
}

static void check_windows_options(struct kt_rule_context *c, const struct kt_at *options)
{
	if (!options->value)
		return;
	struct kt_at name = kt_at(options, "gmsaCredentialSpecName"),
	             spec = kt_at(options, "gmsaCredentialSpec");
	struct kt_at user = kt_at(options, "runAsUserName");
	if (name.value)
		kt_check_format(c, &name, "dns1123-subdomain");
	if (spec.value && !*kt_at_text(&spec))
		kt_add_invalid(c, &spec, "gmsaCredentialSpec cannot be an empty string");
	else if (strlen(kt_at_text(&spec)) > GMSA_SPEC_MAX_BYTES)
		kt_add_invalid(c, &spec, "gmsaCredentialSpec size must be under 64 KiB");
	if (user.value)
		check_windows_user(c, &user);
}

static bool adds_capability(const struct kt_at *security, const char *name)
{
	const json_t *list = kt_jget(security->value, "capabilities.add");
	size_t i;
	json_t *item;
	json_array_foreach(list, i, item) {
		if (kt_streq(json_string_value(item), name))
			return true;
	}
	return false;
}

static void check_escalation(struct kt_rule_context *c, const struct kt_at *security)
{
	if (!json_is_false(json_object_get(security->value, "allowPrivilegeEscalation")))
		return;
	if (kt_bool_of(security->value, "privileged"))
		kt_add_invalid(c, security,
		        "cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
	if (adds_capability(security, "CAP_SYS_ADMIN"))
		kt_add_invalid(c, security,
		        "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` "
		        "CAP_SYS_ADMIN");
}

void kt_check_container_security(struct kt_pod *pod, const struct kt_at *security)
{
	struct kt_rule_context *c = pod->c;
	static const char *const mounts[] = {"Default", "Unmasked", NULL};
	if (!security->value)
		return;
	struct kt_at mount = kt_at(security, "procMount"),
	             seccomp = kt_at(security, "seccompProfile");
	struct kt_at windows = kt_at(security, "windowsOptions"),
	             apparmor = kt_at(security, "appArmorProfile");
	check_id(c, security, "runAsUser");
	check_id(c, security, "runAsGroup");
	if (mount.value && kt_check_in(c, &mount, mounts) && kt_at_is(&mount, "Unmasked") &&
	        pod->host_users)
		kt_add_invalid(c, &mount, "`hostUsers` must be false to use `Unmasked`");
	check_seccomp(c, &seccomp);
	check_escalation(c, security);
	check_windows_options(c, &windows);
	check_apparmor(c, &apparmor);
}

/* Sysctls */

static bool is_sysctl_word(const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		bool alnum = (p[i] >= 'a' && p[i] <= 'z') || (p[i] >= '0' && p[i] <= '9');
		if (!alnum && (i == 0 || i == len - 1 || (p[i] != '-' && p[i] != '_')))
			return false;
	}
	return len > 0;
}

static bool is_sysctl(const char *name)
{
	if (strlen(name) > SYSCTL_NAME_MAX_BYTES)
		return false;
	for (;;) {
		size_t len = strcspn(name, "./");
		if (!is_sysctl_word(name, len))
			return false;
		if (!name[len])
			return true;
		name += len + 1;
	}
}

static bool is_ipc_sysctl(const char *name)
{
	static const char *const prefixes[] = {"kernel.shm", "kernel.msg", "fs.mqueue."};
	for (size_t i = 0; i < KT_ARRAY_SIZE(prefixes); i++)
		if (kt_starts_with(name, prefixes[i]))
			return true;
	return strcmp(name, "kernel.sem") == 0;
}

/* Separators may be slashes when the first separator is one. */
static const char *normal_sysctl(struct kt_rule_context *c, const char *name)
{
	char *text = kt_arena_strdup(c->arena, name);
	size_t first = strcspn(text, "./");
	if (text[first] != '/')
		return text;
	for (char *p = text; *p; p++)
		*p = *p == '/' ? '.' : *p == '.' ? '/' : *p;
	return text;
}

static void check_sysctls(struct kt_pod *pod, const struct kt_at *list)
{
	struct kt_rule_context *c = pod->c;
	struct kt_names names = {.arena = c->arena};
	KT_EACH(entry, list) {
		struct kt_at name = kt_at(&entry, "name");
		const char *normal = normal_sysctl(c, kt_at_text(&name));
		if (!*kt_at_text(&name))
			kt_add_required(c, &name, "");
		else if (!is_sysctl(kt_at_text(&name)))
			kt_add_invalid(c, &name,
			        "must have at most 253 characters and match regex "
			        "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./"
			        "])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$");
		else if (!kt_names_add(&names, normal))
			kt_add_duplicate(c, &name);
		if (pod->host_network && kt_starts_with(normal, "net."))
			kt_add_invalid(c, &name, "may not be specified when 'hostNetwork' is true");
		if (kt_bool_of(pod->spec->value, "hostIPC") && is_ipc_sysctl(normal))
			kt_add_invalid(c, &name, "may not be specified when 'hostIPC' is true");
	}
}

/* A set pointer is checked even when it is empty. */
static void check_set(struct kt_rule_context *c, const struct kt_at *parent, const char *name,
        const char *const *values)
{
	struct kt_at at = kt_at(parent, name);
	if (at.value)
		kt_check_in(c, &at, values);
}

/* Recursive is the only way to relabel while MountOption is not on by default; what is stored may
 * stay. */
static void check_selinux_change(struct kt_pod *pod, const struct kt_at *security)
{
	static const char *const one[] = {"Recursive", NULL}, *const both[] = {"MountOption",
	                                                              "Recursive", NULL};
	bool known = kt_jstr(pod->old_spec, "securityContext.seLinuxChangePolicy") != NULL;
	check_set(pod->c, security, "seLinuxChangePolicy", known ? both : one);
}

void kt_check_pod_security(struct kt_pod *pod)
{
	struct kt_rule_context *c = pod->c;
	struct kt_at security = kt_at(pod->spec, "securityContext");
	struct kt_at groups = kt_at(&security, "supplementalGroups"),
	             sysctls = kt_at(&security, "sysctls");
	struct kt_at share = kt_at(&security, "shareProcessNamespace"),
	             seccomp = kt_at(&security, "seccompProfile");
	struct kt_at windows = kt_at(&security, "windowsOptions"),
	             apparmor = kt_at(&security, "appArmorProfile");
	check_id(c, &security, "fsGroup");
	check_id(c, &security, "runAsUser");
	check_id(c, &security, "runAsGroup");
	KT_EACH(group, &groups) {
		kt_check_between(c, &group, 0, ID_MAX);
	}
	share.value = json_object_get(pod->spec->value, "shareProcessNamespace");
	if (kt_at_bool(&share) && kt_bool_of(pod->spec->value, "hostPID"))
		kt_add_invalid(
		        c, &share, "ShareProcessNamespace and HostPID cannot both be enabled");
	check_sysctls(pod, &sysctls);
	check_set(c, &security, "fsGroupChangePolicy",
	        (const char *const[]){"Always", "OnRootMismatch", NULL});
	check_seccomp(c, &seccomp);
	check_selinux_change(pod, &security);
	check_windows_options(c, &windows);
	check_apparmor(c, &apparmor);
	check_set(c, &security, "supplementalGroupsPolicy",
	        (const char *const[]){"Merge", "Strict", NULL});
}

/* Operating systems */

static const char *const container_lists[] = {
        "containers", "initContainers", "ephemeralContainers"};

static bool is_host_process(const json_t *security, bool inherited)
{
	const json_t *value = kt_jget(security, "windowsOptions.hostProcess");
	return value ? json_is_true(value) : inherited;
}

/* Windows' host-process containers come all or none, and need the host's network. */
void kt_check_pod_windows(struct kt_pod *pod)
{
	struct kt_rule_context *c = pod->c;
	struct kt_at security = kt_at(pod->spec, "securityContext"),
	             first = kt_at(pod->spec, "containers");
	const json_t *own = kt_jget(security.value, "windowsOptions.hostProcess");
	bool pod_value = json_is_true(own);
	size_t with = 0, without = 0;
	for (size_t l = 0; l < KT_ARRAY_SIZE(container_lists); l++) {
		struct kt_at list = kt_at(pod->spec, container_lists[l]);
		KT_EACH(container, &list) {
			const json_t *context = json_object_get(container.value, "securityContext");
			const json_t *set = kt_jget(context, "windowsOptions.hostProcess");
			struct kt_at context_at = kt_at(&container, "securityContext"),
			             at = kt_at(&context_at, "windowsOptions");
			struct kt_at value_at = kt_at(&at, "hostProcess");
			if (own && set && json_is_true(own) != json_is_true(set))
				kt_add_invalid(c, &value_at,
				        "pod hostProcess value must be identical if both are "
				        "specified, was %s",
				        pod_value ? "true" : "false");
			if (is_host_process(context, pod_value))
				with++;
			else
				without++;
		}
	}
	if (with && without)
		kt_add_invalid_text(c, &first, "",
		        "If pod contains any hostProcess containers then all containers must be "
		        "HostProcess containers");
	struct kt_at network = kt_at(pod->spec, "hostNetwork");
	if (with && !pod->host_network)
		kt_add_invalid(c, &network,
		        "hostNetwork must be true if pod contains any hostProcess containers");
	/* users cannot be mapped where the host's namespaces are shared */
	if (!pod->host_users) {
		struct kt_at pid = kt_at(pod->spec, "HostPID"), ipc = kt_at(pod->spec, "HostIPC");
		if (pod->host_network)
			kt_add_forbidden(c, &network, "when `hostUsers` is false");
		if (kt_bool_of(pod->spec->value, "hostPID"))
			kt_add_forbidden(c, &pid, "when `hostUsers` is false");
		if (kt_bool_of(pod->spec->value, "hostIPC"))
			kt_add_forbidden(c, &ipc, "when `hostUsers` is false");
	}
}

static void forbid(struct kt_rule_context *c, const struct kt_at *parent, const char *name)
{
	struct kt_at at = kt_at(parent, name);
	if (at.value && (!json_is_array(at.value) || kt_at_n(&at)))
		kt_add_forbidden(c, &at, "cannot be set for a windows pod");
}

static void check_on_windows(struct kt_pod *pod)
{
	static const char *const of_containers[] = {
	        "appArmorProfile",
	        "seLinuxOptions",
	        "seccompProfile",
	        "capabilities",
	        "readOnlyRootFilesystem",
	        "privileged",
	        "allowPrivilegeEscalation",
	        "procMount",
	        "runAsUser",
	        "runAsGroup",
	};
	struct kt_rule_context *c = pod->c;
	struct kt_at security = kt_at(pod->spec, "securityContext"),
	             resources = kt_at(pod->spec, "resources");
	if (resources.value)
		kt_add_forbidden(c, &resources, "may not be set for a windows pod");
	forbid(c, &security, "appArmorProfile");
	forbid(c, &security, "seLinuxOptions");
	forbid(c, pod->spec, "hostUsers");
	forbid(c, pod->spec, "hostPID");
	forbid(c, pod->spec, "hostIPC");
	forbid(c, &security, "seccompProfile");
	forbid(c, &security, "fsGroup");
	forbid(c, &security, "fsGroupChangePolicy");
	forbid(c, &security, "sysctls");
	forbid(c, pod->spec, "shareProcessNamespace");
	forbid(c, &security, "runAsUser");
	forbid(c, &security, "runAsGroup");
	forbid(c, &security, "supplementalGroups");
	forbid(c, &security, "supplementalGroupsPolicy");
	forbid(c, &security, "seLinuxChangePolicy");
	for (size_t l = 0; l < KT_ARRAY_SIZE(container_lists); l++) {
		struct kt_at list = kt_at(pod->spec, container_lists[l]);
		KT_EACH(container, &list) {
			struct kt_at own = kt_at(&container, "securityContext");
			for (size_t i = 0; own.value && i < KT_ARRAY_SIZE(of_containers); i++)
				forbid(c, &own, of_containers[i]);
		}
	}
}

static void check_on_linux(struct kt_pod *pod)
{
	struct kt_at security = kt_at(pod->spec, "securityContext"),
	             windows = kt_at(&security, "windowsOptions");
	if (windows.value)
		kt_add_forbidden(pod->c, &windows, "windows options cannot be set for a linux pod");
	for (size_t l = 0; l < KT_ARRAY_SIZE(container_lists); l++) {
		struct kt_at list = kt_at(pod->spec, container_lists[l]);
		KT_EACH(container, &list) {
			struct kt_at own = kt_at(&container, "securityContext"),
			             options = kt_at(&own, "windowsOptions");
			if (options.value)
				kt_add_forbidden(pod->c, &options,
				        "windows options cannot be set for a linux pod");
		}
	}
}

void kt_check_pod_os(struct kt_pod *pod)
{
	static const char *const systems[] = {"linux", "windows", NULL};
	struct kt_at os = kt_at(pod->spec, "os"), name = kt_at(&os, "name");
	if (!os.value || !kt_check_required(pod->c, &name))
		return;
	if (!kt_is_one_of(kt_at_text(&name), systems)) {
		struct kt_at at = kt_at_with(&os, name.value);
		at.type = NULL;
		kt_add_not_supported(pod->c, &at, systems);
	} else if (kt_at_is(&name, "linux")) {
		check_on_linux(pod);
	} else {
		check_on_windows(pod);
	}
}
