/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One function per control of the standards, in the order in which findings are told. */
#include "api/server/admission/pod_security.h"
#include "api/server/rules/check.h"

/* What one control finds. */
struct finding {
	const json_t *meta, *spec;
	struct kt_str detail; /* empty: nothing is wrong */
};

static const char *const lists[] = {"initContainers", "containers", "ephemeralContainers"};

typedef bool (*container_fn)(const json_t *container, struct kt_str *values);

/* Names of the containers for which fn is true: `"a", "b"`. Returns how many. */
static size_t collect(
        const struct finding *f, container_fn fn, struct kt_str *names, struct kt_str *values)
{
	size_t n = 0;
	for (size_t l = 0; l < KT_ARRAY_SIZE(lists); l++) {
		size_t i;
		json_t *container;
		json_array_foreach(json_object_get(f->spec, lists[l]), i, container) {
			if (fn(container, values))
				kt_str_printf(names, "%s\"%s\"", n++ ? ", " : "",
				        kt_text_of(container, "name"));
		}
	}
	return n;
}

/* `container "a" TEXT`, `containers "a", "b" TEXT`. */
static void tell_containers(struct finding *f, container_fn fn, const char *text)
{
	kt_auto_str names = KT_STR_INIT, values = KT_STR_INIT;
	size_t n = collect(f, fn, &names, &values);
	if (n)
		kt_str_printf(&f->detail, "%scontainer%s %s %s", f->detail.len ? "; " : "",
		        n > 1 ? "s" : "", kt_str_text(&names), text);
}

static const json_t *context_of(const json_t *holder)
{
	return json_object_get(holder, "securityContext");
}

static bool is_windows(const struct finding *f)
{
	return strcmp(kt_text_of(json_object_get(f->spec, "os"), "name"), "windows") == 0;
}

/* With its own users, a pod's root is nobody outside. */
static bool has_own_users(const struct finding *f)
{
	return json_is_false(json_object_get(f->spec, "hostUsers"));
}

static void add_value(struct kt_str *values, const char *quoted)
{
	kt_auto_free char *text = kt_asprintf("\"%s\"", quoted);
	if (!strstr(kt_str_text(values), text))
		kt_str_printf(values, "%s%s", values->len ? ", " : "", text);
}

/* Baseline */

static bool bad_apparmor(const json_t *holder, struct kt_str *values)
{
	const char *type =
	        kt_text_of(json_object_get(context_of(holder), "appArmorProfile"), "type");
	if (strcmp(type, "Unconfined") != 0)
		return false;
	add_value(values, type);
	return true;
}

static void check_apparmor(struct finding *f)
{
	kt_auto_str values = KT_STR_INIT;
	if (bad_apparmor(f->spec, &values))
		kt_str_printf(&f->detail, "pod must not set AppArmor profile type to %s",
		        kt_str_text(&values));
	tell_containers(f, bad_apparmor, "must not set AppArmor profile type to \"Unconfined\"");
}

static bool adds_more_than(
        const json_t *container, const char *const *allowed, struct kt_str *values)
{
	size_t i;
	json_t *name;
	bool more = false;
	json_array_foreach(kt_jget(context_of(container), "capabilities.add"), i, name) {
		if (kt_is_one_of(json_string_value(name), allowed))
			continue;
		add_value(values, json_string_value(name));
		more = true;
	}
	return more;
}

static bool adds_non_default(const json_t *container, struct kt_str *values)
{
	static const char *const allowed[] = {"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER",
	        "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP",
	        "SETUID", "SYS_CHROOT", NULL};
	return adds_more_than(container, allowed, values);
}

static bool adds_restricted(const json_t *container, struct kt_str *values)
{
	static const char *const allowed[] = {"NET_BIND_SERVICE", NULL};
	return adds_more_than(container, allowed, values);
}

static void tell_capabilities(struct finding *f, container_fn fn)
{
	kt_auto_str names = KT_STR_INIT, values = KT_STR_INIT;
	size_t n = collect(f, fn, &names, &values);
	if (n)
		kt_str_printf(&f->detail,
		        "%scontainer%s %s must not include %s in securityContext.capabilities.add",
		        f->detail.len ? "; " : "", n > 1 ? "s" : "", kt_str_text(&names),
		        kt_str_text(&values));
}

static void check_capabilities(struct finding *f)
{
	tell_capabilities(f, adds_non_default);
}

static void check_namespaces(struct finding *f)
{
	static const char *const shared[] = {"hostNetwork", "hostPID", "hostIPC"};
	for (size_t i = 0; i < KT_ARRAY_SIZE(shared); i++)
		if (kt_bool_of(f->spec, shared[i]))
			kt_str_printf(
			        &f->detail, "%s%s=true", f->detail.len ? ", " : "", shared[i]);
}

static void check_host_paths(struct finding *f)
{
	kt_auto_str names = KT_STR_INIT;
	size_t i, n = 0;
	json_t *volume;
	json_array_foreach(json_object_get(f->spec, "volumes"), i, volume) {
		if (json_object_get(volume, "hostPath"))
			kt_str_printf(
			        &names, "%s\"%s\"", n++ ? ", " : "", kt_text_of(volume, "name"));
	}
	if (n)
		kt_str_printf(&f->detail, "volume%s %s", n > 1 ? "s" : "", kt_str_text(&names));
}

static bool uses_host_port(const json_t *container, struct kt_str *values)
{
	size_t i;
	json_t *port;
	bool any = false;
	json_array_foreach(json_object_get(container, "ports"), i, port) {
		int64_t number = json_integer_value(json_object_get(port, "hostPort"));
		if (number)
			kt_str_printf(values, "%s%lld", values->len ? ", " : "", (long long)number);
		any |= number != 0;
	}
	return any;
}

static void check_host_ports(struct finding *f)
{
	kt_auto_str names = KT_STR_INIT, values = KT_STR_INIT;
	size_t n = collect(f, uses_host_port, &names, &values);
	bool many = strchr(kt_str_text(&values), ',') != NULL;
	if (n)
		kt_str_printf(&f->detail, "container%s %s use%s hostPort%s %s", n > 1 ? "s" : "",
		        kt_str_text(&names), n > 1 ? "" : "s", many ? "s" : "",
		        kt_str_text(&values));
}

static bool uses_probe_host(const json_t *container, struct kt_str *values)
{
	static const char *const places[] = {
	        "livenessProbe.httpGet.host",
	        "readinessProbe.httpGet.host",
	        "startupProbe.httpGet.host",
	        "livenessProbe.tcpSocket.host",
	        "readinessProbe.tcpSocket.host",
	        "startupProbe.tcpSocket.host",
	        "lifecycle.postStart.httpGet.host",
	        "lifecycle.preStop.httpGet.host",
	        "lifecycle.postStart.tcpSocket.host",
	        "lifecycle.preStop.tcpSocket.host",
	};
	bool any = false;
	for (size_t i = 0; i < KT_ARRAY_SIZE(places); i++) {
		const char *host = kt_jstr(container, places[i]);
		if (!host || !*host)
			continue;
		add_value(values, host);
		any = true;
	}
	return any;
}

static void check_probe_hosts(struct finding *f)
{
	kt_auto_str names = KT_STR_INIT, values = KT_STR_INIT;
	size_t n = collect(f, uses_probe_host, &names, &values);
	bool many = strchr(kt_str_text(&values), ',') != NULL;
	if (n)
		kt_str_printf(&f->detail, "container%s %s use%s probe or lifecycle host%s %s",
		        n > 1 ? "s" : "", kt_str_text(&names), n > 1 ? "" : "s", many ? "s" : "",
		        kt_str_text(&values));
}

static bool is_privileged(const json_t *container, struct kt_str *values)
{
	(void)values;
	return kt_bool_of(context_of(container), "privileged");
}

static void check_privileged(struct finding *f)
{
	tell_containers(f, is_privileged, "must not set securityContext.privileged=true");
}

static bool unmasks_proc(const json_t *container, struct kt_str *values)
{
	(void)values;
	return strcmp(kt_text_of(context_of(container), "procMount"), "Unmasked") == 0;
}

static void check_proc_mount(struct finding *f)
{
	if (!has_own_users(f))
		tell_containers(
		        f, unmasks_proc, "must not set securityContext.procMount to \"Unmasked\"");
}

static bool is_unconfined(const json_t *holder, struct kt_str *values)
{
	(void)values;
	return strcmp(kt_text_of(json_object_get(context_of(holder), "seccompProfile"), "type"),
	               "Unconfined") == 0;
}

static void check_seccomp(struct finding *f)
{
	if (is_unconfined(f->spec, NULL))
		kt_str_puts(&f->detail,
		        "pod must not set securityContext.seccompProfile.type to \"Unconfined\"");
	tell_containers(f, is_unconfined,
	        "must not set securityContext.seccompProfile.type to \"Unconfined\"");
}

static bool bad_selinux(const json_t *holder, struct kt_str *values)
{
	static const char *const types[] = {"", "container_t", "container_init_t",
	        "container_kvm_t", "container_engine_t", NULL};
	const json_t *options = json_object_get(context_of(holder), "seLinuxOptions");
	const char *type = kt_text_of(options, "type");
	bool bad = !kt_is_one_of(type, types);
	if (bad)
		kt_str_printf(values, "%stype \"%s\"", values->len ? "; " : "", type);
	for (size_t i = 0; i < 2; i++) {
		const char *name = i ? "role" : "user";
		if (!*kt_text_of(options, name))
			continue;
		kt_str_printf(values, "%s%s may not be set", values->len ? "; " : "", name);
		bad = true;
	}
	return bad;
}

static void check_selinux(struct finding *f)
{
	kt_auto_str names = KT_STR_INIT, values = KT_STR_INIT;
	bool pod = bad_selinux(f->spec, &values);
	size_t n = collect(f, bad_selinux, &names, &values);
	if (!pod && !n)
		return;
	kt_str_puts(&f->detail, pod ? "pod" : "");
	if (n)
		kt_str_printf(&f->detail, "%scontainer%s %s", pod ? " and " : "", n > 1 ? "s" : "",
		        kt_str_text(&names));
	kt_str_printf(&f->detail, " set forbidden securityContext.seLinuxOptions: %s",
	        kt_str_text(&values));
}

static void check_sysctls(struct finding *f)
{
	static const char *const safe[] = {"kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range",
	        "net.ipv4.ip_unprivileged_port_start", "net.ipv4.tcp_syncookies",
	        "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports",
	        "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout",
	        "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes",
	        "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem", NULL};
	size_t i;
	json_t *sysctl;
	json_array_foreach(json_object_get(context_of(f->spec), "sysctls"), i, sysctl) {
		if (!kt_is_one_of(kt_text_of(sysctl, "name"), safe))
			kt_str_printf(&f->detail, "%s%s", f->detail.len ? ", " : "",
			        kt_text_of(sysctl, "name"));
	}
}

static bool is_host_process(const json_t *holder, struct kt_str *values)
{
	(void)values;
	return kt_jbool(context_of(holder), "windowsOptions.hostProcess", false);
}

static void check_host_process(struct finding *f)
{
	if (is_host_process(f->spec, NULL))
		kt_str_puts(&f->detail,
		        "pod must not set securityContext.windowsOptions.hostProcess=true");
	tell_containers(
	        f, is_host_process, "must not set securityContext.windowsOptions.hostProcess=true");
}

/* Restricted */

static bool may_escalate(const json_t *container, struct kt_str *values)
{
	(void)values;
	return !json_is_false(json_object_get(context_of(container), "allowPrivilegeEscalation"));
}

static void check_escalation(struct finding *f)
{
	if (!is_windows(f))
		tell_containers(
		        f, may_escalate, "must set securityContext.allowPrivilegeEscalation=false");
}

static bool keeps_capabilities(const json_t *container, struct kt_str *values)
{
	size_t i;
	json_t *name;
	(void)values;
	json_array_foreach(kt_jget(context_of(container), "capabilities.drop"), i, name) {
		if (kt_streq(json_string_value(name), "ALL"))
			return false;
	}
	return true;
}

static void check_restricted_capabilities(struct finding *f)
{
	if (is_windows(f))
		return;
	tell_containers(
	        f, keeps_capabilities, "must set securityContext.capabilities.drop=[\"ALL\"]");
	tell_capabilities(f, adds_restricted);
}

static void check_volume_types(struct finding *f)
{
	static const char *const allowed[] = {"name", "configMap", "csi", "downwardAPI", "emptyDir",
	        "ephemeral", "image", "persistentVolumeClaim", "projected", "secret", NULL};
	kt_auto_str names = KT_STR_INIT, types = KT_STR_INIT;
	size_t i, n = 0;
	json_t *volume, *source;
	const char *type;
	json_array_foreach(json_object_get(f->spec, "volumes"), i, volume) {
		json_object_foreach(volume, type, source) {
			if (kt_is_one_of(type, allowed))
				continue;
			kt_str_printf(
			        &names, "%s\"%s\"", n++ ? ", " : "", kt_text_of(volume, "name"));
			add_value(&types, type);
		}
	}
	bool many = strchr(kt_str_text(&types), ',') != NULL;
	if (n)
		kt_str_printf(&f->detail, "volume%s %s use%s restricted volume type%s %s",
		        n > 1 ? "s" : "", kt_str_text(&names), n > 1 ? "" : "s", many ? "s" : "",
		        kt_str_text(&types));
}

static bool denies_non_root(const json_t *holder, struct kt_str *values)
{
	(void)values;
	return json_is_false(json_object_get(context_of(holder), "runAsNonRoot"));
}

static bool leaves_root_open(const json_t *container, struct kt_str *values)
{
	(void)values;
	return json_object_get(context_of(container), "runAsNonRoot") == NULL;
}

/* `pod or container "a" must set …`, for what a pod can say for all its containers. */
static void tell_pod_or_containers(struct finding *f, container_fn fn, const char *text)
{
	kt_auto_str names = KT_STR_INIT, values = KT_STR_INIT;
	size_t n = collect(f, fn, &names, &values);
	if (n)
		kt_str_printf(&f->detail, "%spod or container%s %s %s", f->detail.len ? "; " : "",
		        n > 1 ? "s" : "", kt_str_text(&names), text);
}

static void check_non_root(struct finding *f)
{
	if (has_own_users(f))
		return;
	const json_t *own = json_object_get(context_of(f->spec), "runAsNonRoot");
	if (denies_non_root(f->spec, NULL))
		kt_str_puts(&f->detail, "pod must not set securityContext.runAsNonRoot=false");
	tell_containers(f, denies_non_root, "must not set securityContext.runAsNonRoot=false");
	if (!f->detail.len && !json_is_true(own))
		tell_pod_or_containers(
		        f, leaves_root_open, "must set securityContext.runAsNonRoot=true");
}

static bool is_root(const json_t *holder, struct kt_str *values)
{
	const json_t *user = json_object_get(context_of(holder), "runAsUser");
	(void)values;
	return user && json_integer_value(user) == 0;
}

static void check_user(struct finding *f)
{
	if (has_own_users(f))
		return;
	if (is_root(f->spec, NULL))
		kt_str_puts(&f->detail, "pod must not set runAsUser=0");
	tell_containers(f, is_root, "must not set runAsUser=0");
}

static bool has_no_profile(const json_t *container, struct kt_str *values)
{
	(void)values;
	return !*kt_text_of(json_object_get(context_of(container), "seccompProfile"), "type");
}

static void check_restricted_seccomp(struct finding *f)
{
	if (is_windows(f))
		return;
	check_seccomp(f);
	if (has_no_profile(f->spec, NULL))
		tell_pod_or_containers(f, has_no_profile,
		        "must set securityContext.seccompProfile.type to \"RuntimeDefault\" or "
		        "\"Localhost\"");
}

static const struct control {
	const char *reason;
	void (*check)(struct finding *f);
	enum kt_pod_level level;
	bool replaced; /* at restricted by a stricter one below */
	int since_minor;
} controls[] = {
        {"forbidden AppArmor profile", check_apparmor, KT_POD_BASELINE, false, 0},
        {"non-default capabilities", check_capabilities, KT_POD_BASELINE, true, 0},
        {"host namespaces", check_namespaces, KT_POD_BASELINE, false, 0},
        {"hostPath volumes", check_host_paths, KT_POD_BASELINE, true, 0},
        {"hostPort", check_host_ports, KT_POD_BASELINE, false, 0},
        {"probe or lifecycle host", check_probe_hosts, KT_POD_BASELINE, false, 34},
        {"privileged", check_privileged, KT_POD_BASELINE, false, 0},
        {"procMount", check_proc_mount, KT_POD_BASELINE, false, 0},
        {"seccompProfile", check_seccomp, KT_POD_BASELINE, true, 0},
        {"seLinuxOptions", check_selinux, KT_POD_BASELINE, false, 0},
        {"forbidden sysctls", check_sysctls, KT_POD_BASELINE, false, 0},
        {"hostProcess", check_host_process, KT_POD_BASELINE, false, 0},
        {"allowPrivilegeEscalation != false", check_escalation, KT_POD_RESTRICTED, false, 8},
        {"unrestricted capabilities", check_restricted_capabilities, KT_POD_RESTRICTED, false, 22},
        {"restricted volume types", check_volume_types, KT_POD_RESTRICTED, false, 0},
        {"runAsNonRoot != true", check_non_root, KT_POD_RESTRICTED, false, 0},
        {"runAsUser=0", check_user, KT_POD_RESTRICTED, false, 23},
        {"seccompProfile", check_restricted_seccomp, KT_POD_RESTRICTED, false, 19},
};

bool kt_pod_security_check(enum kt_pod_level level, int minor, const json_t *meta,
        const json_t *spec, struct kt_str *reasons, struct kt_str *details)
{
	bool fine = true;
	for (size_t i = 0; i < KT_ARRAY_SIZE(controls); i++) {
		const struct control *control = &controls[i];
		struct finding f = {.meta = meta, .spec = spec};
		if (control->level > level || (control->replaced && level == KT_POD_RESTRICTED) ||
		        minor < control->since_minor)
			continue;
		control->check(&f);
		if (f.detail.len) {
			kt_str_printf(reasons, "%s%s", fine ? "" : ", ", control->reason);
			kt_str_printf(details, "%s%s (%s)", fine ? "" : ", ", control->reason,
			        kt_str_text(&f.detail));
			fine = false;
		}
		kt_str_finish(&f.detail);
	}
	return fine;
}
