/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One volume, of a pod or of a PersistentVolume: a table of the kinds with their rows. */
#include "tui/command/describe.h"

struct row {
	const char *label, *field;
	const char *absent;
	bool flag; /* a boolean: absent is false */
};

#define ROWS_MAX 7

static const struct source {
	const char *name, *type;
	struct row rows[ROWS_MAX];
} SOURCES[] = {
        {"hostPath", "HostPath (bare host directory volume)",
                {{"Path", "path", "", false}, {"HostPathType", "type", "", false}}},
        {"emptyDir", "EmptyDir (a temporary directory that shares a pod's lifetime)",
                {{"Medium", "medium", "", false}, {"SizeLimit", "sizeLimit", "<unset>", false}}},
        {"secret", "Secret (a volume populated by a Secret)",
                {{"SecretName", "secretName", "", false}, {"Optional", "optional", "", true}}},
        {"configMap", "ConfigMap (a volume populated by a ConfigMap)",
                {{"Name", "name", "", false}, {"Optional", "optional", "", true}}},
        {"persistentVolumeClaim",
                "PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same "
                "namespace)",
                {{"ClaimName", "claimName", "", false}, {"ReadOnly", "readOnly", "", true}}},
        {"nfs", "NFS (an NFS mount that lasts the lifetime of a pod)",
                {{"Server", "server", "", false}, {"Path", "path", "", false},
                        {"ReadOnly", "readOnly", "", true}}},
        {"csi", "CSI (a Container Storage Interface (CSI) volume source)",
                {{"Driver", "driver", "", false}, {"FSType", "fsType", "", false},
                        {"VolumeHandle", "volumeHandle", NULL, false},
                        {"ReadOnly", "readOnly", "", true}}},
        {"image", "Image (a container image or OCI artifact)",
                {{"Reference", "reference", "", false}, {"PullPolicy", "pullPolicy", "", false}}},
        {"local", "LocalVolume (a persistent volume backed by local storage on a node)",
                {{"Path", "path", "", false}}},
        {"iscsi",
                "ISCSI (an ISCSI Disk resource that is attached to a kubelet's host machine and "
                "then exposed to the pod)",
                {{"TargetPortal", "targetPortal", "", false}, {"IQN", "iqn", "", false},
                        {"Lun", "lun", "0", false}, {"ISCSIInterface", "iscsiInterface", "", false},
                        {"FSType", "fsType", "", false}, {"ReadOnly", "readOnly", "", true}}},
};

static void put_downward(struct kt_describer *d, const json_t *source)
{
	json_t *item;
	size_t i;

	kt_describe_put(d, "    Type:\tDownwardAPI (a volume populated by information about the "
	                   "pod)\n    Items:\n");
	json_array_foreach(json_object_get(source, "items"), i, item) {
		const char *field = kt_jstr(item, "fieldRef.fieldPath");

		kt_describe_put(d, "      %s -> %s\n",
		        field ? field : kt_describe_field(item, "resourceFieldRef.resource"),
		        kt_describe_field(item, "path"));
	}
}

static void put_projected(struct kt_describer *d, const json_t *volume)
{
	json_t *source;
	size_t i;

	kt_describe_put(d, "    Type:\tProjected (a volume that contains injected data from "
	                   "multiple sources)\n");
	json_array_foreach(json_object_get(volume, "sources"), i, source) {
		const json_t *secret = json_object_get(source, "secret"),
		             *config = json_object_get(source, "configMap");
		const json_t *token = json_object_get(source, "serviceAccountToken");

		if (secret || config)
			kt_describe_put(d, "    %s:\t%s\n    Optional:\t%s\n",
			        secret ? "SecretName" : "ConfigMapName",
			        kt_describe_field(secret ? secret : config, "name"),
			        kt_jbool(secret ? secret : config, "optional", false) ? "true"
			                                                              : "false");
		if (json_object_get(source, "downwardAPI"))
			kt_describe_put(d, "    DownwardAPI:\ttrue\n");
		if (token)
			kt_describe_put(d, "    TokenExpirationSeconds:\t%lld\n",
			        (long long)kt_jint(token, "expirationSeconds", 3600));
	}
}

static void put_ephemeral(struct kt_describer *d, const json_t *source)
{
	const json_t *spec = kt_jget(source, "volumeClaimTemplate.spec");
	kt_auto_free char *modes = kt_describe_join(json_object_get(spec, "accessModes"), ",");

	kt_describe_put(d,
	        "    Type:\tEphemeralVolume (an inline specification for a volume that gets "
	        "created and deleted with the pod)\n    StorageClass:\t%s\n    Volume:\t%s\n",
	        kt_describe_field(spec, "storageClassName"), kt_describe_field(spec, "volumeName"));
	kt_describe_labels(
	        d, "    ", "Labels", kt_jget(source, "volumeClaimTemplate.metadata.labels"));
	kt_describe_annotations(d, "    ", "Annotations",
	        kt_jget(source, "volumeClaimTemplate.metadata.annotations"));
	kt_describe_put(d, "    Capacity:\t\n    Access Modes:\t%s\n", modes);
	if (*kt_describe_field(spec, "volumeMode"))
		kt_describe_put(d, "    VolumeMode:\t%s\n", kt_describe_field(spec, "volumeMode"));
}

static void put_rows(struct kt_describer *d, const struct source *source, const json_t *value)
{
	kt_describe_put(d, "    Type:\t%s\n", source->type);
	for (const struct row *row = source->rows; row < source->rows + ROWS_MAX && row->label;
	        row++) {
		const json_t *field = json_object_get(value, row->field);
		kt_auto_free char *text = kt_describe_value(field);

		if (!field && !row->flag && !row->absent)
			continue;
		kt_describe_put(d, "    %s:\t%s\n", row->label,
		        field       ? text
		        : row->flag ? "false"
		                    : row->absent);
	}
}

void kt_describe_volume(struct kt_describer *d, const json_t *volume)
{
	for (size_t i = 0; i < KT_ARRAY_SIZE(SOURCES); i++) {
		if (json_object_get(volume, SOURCES[i].name)) {
			put_rows(d, &SOURCES[i], json_object_get(volume, SOURCES[i].name));
			return;
		}
	}
	if (json_object_get(volume, "downwardAPI"))
		put_downward(d, json_object_get(volume, "downwardAPI"));
	else if (json_object_get(volume, "projected"))
		put_projected(d, json_object_get(volume, "projected"));
	else if (json_object_get(volume, "ephemeral"))
		put_ephemeral(d, json_object_get(volume, "ephemeral"));
	else
		kt_describe_put(d, "    <unknown>\n");
}
