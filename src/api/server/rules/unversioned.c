/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/rules/unversioned.h"

#include "api/codec/codec.h"
#include "api/machinery/line_diff.h"

#include <ctype.h>

#define FIELDS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Where the fields are not those of the versioned struct or stand in another order. */
static const struct {
	const char *type;
	const char *const *fields;
} layouts[] = {
        {"io.k8s.api.core.v1.PodSpec",
                FIELDS("volumes", "initContainers", "containers", "ephemeralContainers",
                        "restartPolicy", "terminationGracePeriodSeconds", "activeDeadlineSeconds",
                        "dnsPolicy", "nodeSelector", "serviceAccountName",
                        "automountServiceAccountToken", "nodeName", "securityContext",
                        "imagePullSecrets", "hostname", "subdomain", "setHostnameAsFQDN",
                        "affinity", "schedulerName", "tolerations", "hostAliases",
                        "priorityClassName", "priority", "preemptionPolicy", "dnsConfig",
                        "readinessGates", "runtimeClassName", "overhead", "enableServiceLinks",
                        "topologySpreadConstraints", "os", "schedulingGates", "resourceClaims",
                        "resources", "hostnameOverride", "workloadRef")},
        {"io.k8s.api.core.v1.PodSecurityContext",
                FIELDS("seLinuxOptions", "windowsOptions", "runAsUser", "runAsGroup",
                        "runAsNonRoot", "supplementalGroups", "supplementalGroupsPolicy", "fsGroup",
                        "fsGroupChangePolicy", "sysctls", "seccompProfile", "appArmorProfile",
                        "seLinuxChangePolicy")},
        {"io.k8s.api.core.v1.VolumeSource",
                FIELDS("hostPath", "emptyDir", "gcePersistentDisk", "awsElasticBlockStore",
                        "gitRepo", "secret", "nfs", "iscsi", "glusterfs", "persistentVolumeClaim",
                        "rbd", "quobyte", "flexVolume", "cinder", "cephfs", "flocker",
                        "downwardAPI", "fc", "azureFile", "configMap", "vsphereVolume", "azureDisk",
                        "photonPersistentDisk", "projected", "portworxVolume", "scaleIO",
                        "storageos", "csi", "ephemeral", "image")},
        {"io.k8s.api.core.v1.PersistentVolumeSource",
                FIELDS("gcePersistentDisk", "awsElasticBlockStore", "hostPath", "glusterfs", "nfs",
                        "rbd", "quobyte", "iscsi", "flexVolume", "cinder", "cephfs", "fc",
                        "flocker", "azureFile", "vsphereVolume", "azureDisk",
                        "photonPersistentDisk", "portworxVolume", "scaleIO", "local", "storageos",
                        "csi")},
};

/* Fields of a pod that stand in its unversioned security context. */
static const char *const host_fields[] = {
        "hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace", "hostUsers", NULL};

static const struct {
	const char *json, *go;
} names[] = {
        {"cephfs", "CephFS"},
        {"chapAuthDiscovery", "DiscoveryCHAPAuth"},
        {"chapAuthSession", "SessionCHAPAuth"},
        {"cidrs", "CIDRs"},
        {"storageos", "StorageOS"},
        {"wwids", "WWIDs"},
};

/* First words of names that are all capitals in Go. */
static const char *const initialisms[] = {"api", "aws", "ca", "cel", "cidr", "csi", "dns", "fc",
        "fs", "gce", "gid", "gmsa", "grpc", "http", "ip", "iqn", "iscsi", "nfs", "os", "pd", "qos",
        "rbd", "se", "ssl", "tcp", "tls", "ttl", "tty", "uid", "url", NULL};

static const char *const *layout_of(const struct kt_type *type)
{
	for (size_t i = 0; i < KT_ARRAY_SIZE(layouts); i++)
		if (kt_streq(type->name, layouts[i].type))
			return layouts[i].fields;
	return NULL;
}

static char *go_name(const char *json)
{
	char *name = kt_strdup(json);
	size_t word = strspn(json, "abcdefghijklmnopqrstuvwxyz0123456789"), n = 1;

	for (size_t i = 0; i < KT_ARRAY_SIZE(names); i++)
		if (strcmp(names[i].json, json) == 0)
			return strcpy(name, names[i].go);
	for (size_t i = 0; initialisms[i]; i++)
		if (strlen(initialisms[i]) == word && strncmp(initialisms[i], json, word) == 0)
			n = word;
	for (size_t i = 0; i < n; i++)
		name[i] = (char)toupper((unsigned char)name[i]);
	return name;
}

static json_t *zero_of(const struct kt_field *field, const json_t *sent)
{
	const struct kt_type *type = field->type;
	bool is_list = type->shape == KT_SHAPE_LIST, is_map = type->shape == KT_SHAPE_MAP;

	if (field->flags & KT_FIELD_POINTER)
		return json_null();
	if (is_list && json_is_array(sent) && !json_array_size(sent))
		return json_array();
	if (is_map && json_is_object(sent) && !json_object_size(sent))
		return json_object();
	if (type->shape == KT_SHAPE_OBJECT)
		return kt_unversioned(type, NULL, sent);
	json_t *zero = type->shape == KT_SHAPE_BYTES ? NULL : kt_codec_zero(type);
	return zero ? zero : json_null();
}

static void put_field(
        json_t *into, const struct kt_field *field, const json_t *value, const json_t *sent)
{
	kt_auto_free char *name = go_name(field->name);

	json_object_set_new(into, name,
	        value ? kt_unversioned(field->type, value, sent) : zero_of(field, sent));
}

static void put_named(json_t *into, const struct kt_type *type, const char *name,
        const json_t *object, const json_t *sent)
{
	const struct kt_field *field = kt_type_field(type, kt_sv_of(name));

	if (field)
		put_field(into, field, json_object_get(object, name), json_object_get(sent, name));
}

static void put_fields(
        json_t *into, const struct kt_type *type, const json_t *object, const json_t *sent)
{
	const char *const *layout = layout_of(type);

	for (; layout && *layout; layout++)
		put_named(into, type, *layout, object, sent);
	if (layout)
		return;
	bool is_kind = kt_type_field(type, KT_SV("metadata")) != NULL;
	for (size_t i = 0; i < type->n_fields; i++) {
		const struct kt_field *field = &type->fields[i];
		const json_t *value = json_object_get(object, field->name);

		if (field->flags & KT_FIELD_INLINE) {
			put_fields(into, field->type, object, sent);
		} else if (strcmp(field->name, "metadata") == 0) { /* embedded: its own names */
			kt_auto_json json_t *empty = json_object();
			kt_auto_json json_t *meta =
			        kt_codec_canonical(field->type, value ? value : empty);
			json_object_update(into, meta);
		} else if (!is_kind || (strcmp(field->name, "kind") != 0 &&
		                               strcmp(field->name, "apiVersion") != 0)) {
			put_field(into, field, value, json_object_get(sent, field->name));
		}
	}
}

/* The security context of a pod holds what concerns its host, and is always there. */
static void put_host_fields(
        json_t *spec, const struct kt_type *type, const json_t *object, const json_t *sent)
{
	const struct kt_field *field = kt_type_field(type, KT_SV("securityContext"));
	json_t *context = json_object();

	for (size_t i = 0; host_fields[i]; i++)
		put_named(context, type, host_fields[i], object, sent);
	put_fields(context, field->type, json_object_get(object, field->name),
	        json_object_get(sent, field->name));
	json_object_set_new(spec, "SecurityContext", context);
}

static json_t *print_object(const struct kt_type *type, const json_t *object, const json_t *sent)
{
	json_t *printed = json_object();

	put_fields(printed, type, object, sent);
	if (kt_streq(type->name, "io.k8s.api.core.v1.PodSpec"))
		put_host_fields(printed, type, object, sent);
	return printed;
}

static json_t *print_list(const struct kt_type *type, const json_t *list, const json_t *sent)
{
	json_t *printed = json_array(), *element;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)list, i, element)
		json_array_append_new(
		        printed, kt_unversioned(type->elem, element, json_array_get(sent, i)));
	return printed;
}

static json_t *print_map(const struct kt_type *type, const json_t *map, const json_t *sent)
{
	json_t *printed = json_object(), *borrowed = (json_t *)(uintptr_t)map, *element;
	const char *key;
	size_t n = 0, count = json_object_size(map);
	kt_auto_free const char **keys = kt_new_array(const char *, count + 1);

	json_object_foreach(borrowed, key, element)
		keys[n++] = key;
	qsort(keys, n, sizeof(*keys), kt_strp_cmp);
	for (size_t i = 0; i < n; i++)
		json_object_set_new(printed, keys[i],
		        kt_unversioned(type->elem, json_object_get(map, keys[i]),
		                json_object_get(sent, keys[i])));
	return printed;
}

json_t *kt_unversioned(const struct kt_type *type, const json_t *value, const json_t *sent)
{
	json_t *borrowed = (json_t *)(uintptr_t)value;

	if (type->shape == KT_SHAPE_OBJECT && kt_starts_with(type->name, "io.k8s.api."))
		return print_object(type, value, sent);
	if (json_is_array(value) && type->shape == KT_SHAPE_LIST)
		return print_list(type, value, sent);
	if (json_is_object(value) && type->shape == KT_SHAPE_MAP)
		return print_map(type, value, sent);
	if (json_is_object(value))
		return kt_codec_canonical(type, value);
	return value ? json_incref(borrowed) : json_object();
}

/* One member or element a line, one blank for each level. */
static void put_indented(struct kt_str *out, const json_t *value, int depth)
{
	json_t *borrowed = (json_t *)(uintptr_t)value, *element;
	const char *key, *between = "";
	size_t i;

	if (!json_array_size(value) && !json_object_size(value)) {
		kt_json_write(out, value, KT_JSON_HTML);
		return;
	}
	kt_str_putc(out, json_is_array(value) ? '[' : '{');
	json_array_foreach(borrowed, i, element) {
		kt_str_printf(out, "%s\n%*s", i ? "," : "", depth + 1, "");
		put_indented(out, element, depth + 1);
	}
	json_object_foreach(borrowed, key, element) {
		kt_str_printf(out, "%s\n%*s", between, depth + 1, "");
		kt_json_write_string(out, key, strlen(key));
		kt_str_puts(out, ": ");
		put_indented(out, element, depth + 1);
		between = ",";
	}
	kt_str_printf(out, "\n%*s%c", depth, "", json_is_array(value) ? ']' : '}');
}

void kt_unversioned_diff(struct kt_str *out, const struct kt_type *type, const json_t *old,
        const json_t *now, const json_t *sent)
{
	kt_auto_json json_t *before = kt_unversioned(type, old, NULL),
	                    *after = kt_unversioned(type, now, sent);
	kt_auto_str old_text = KT_STR_INIT, new_text = KT_STR_INIT;

	put_indented(&old_text, before, 0);
	put_indented(&new_text, after, 0);
	kt_line_diff(out, kt_str_text(&old_text), kt_str_text(&new_text));
}
