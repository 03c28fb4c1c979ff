/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ConfigMaps, Secrets, claims, volumes and their classes. */
#include "tui/command/describe.h"

static size_t decoded_size(const char *text)
{
	kt_auto_str bytes = KT_STR_INIT;

	return text && kt_base64_decode(&bytes, kt_sv_of(text)) == 0 ? bytes.len : 0;
}

/* Values stay hidden: only their sizes. */
static void put_sizes(struct kt_describer *d, const json_t *data)
{
	size_t n;
	const char **keys = kt_describe_keys(data, &n);

	for (size_t i = 0; i < n; i++)
		kt_describe_put(d, "%s:\t%zu bytes\n", keys[i],
		        decoded_size(json_string_value(json_object_get(data, keys[i]))));
	free(keys);
}

/* Keys may hold dots, which kt_jstr() takes for steps. */
static void put_texts(struct kt_describer *d, const json_t *data)
{
	size_t n;
	const char **keys = kt_describe_keys(data, &n);

	for (size_t i = 0; i < n; i++) {
		const char *text = json_string_value(json_object_get(data, keys[i]));

		kt_describe_put(d, "%s:\n----\n%s\n\n", keys[i], text ? text : "");
	}
	free(keys);
}

void kt_describe_configmap(struct kt_describer *d, const json_t *object)
{
	const json_t *binary = json_object_get(object, "binaryData");
	size_t n;
	const char **keys = kt_describe_keys(binary, &n);

	kt_describe_metadata(d, object);
	kt_describe_put(d, "\nData\n====\n");
	put_texts(d, json_object_get(object, "data"));
	kt_describe_put(d, "\nBinaryData\n====\n");
	for (size_t i = 0; i < n; i++)
		kt_describe_put(d, "%s: %zu bytes\n", keys[i],
		        decoded_size(json_string_value(json_object_get(binary, keys[i]))));
	free(keys);
	kt_describe_put(d, "\n");
	kt_describe_events(d, object);
}

void kt_describe_secret(struct kt_describer *d, const json_t *object)
{
	kt_describe_metadata(d, object);
	kt_describe_put(d, "\nType:\t%s\n\nData\n====\n", kt_describe_field(object, "type"));
	put_sizes(d, json_object_get(object, "data"));
}

/* ReadWriteOnce as RWO, each once. Heap. */
static char *short_modes(const json_t *modes)
{
	static const char *const NAMES[][2] = {{"ReadWriteOnce", "RWO"}, {"ReadOnlyMany", "ROX"},
	        {"ReadWriteMany", "RWX"}, {"ReadWriteOncePod", "RWOP"}};
	struct kt_str text = KT_STR_INIT;
	json_t *mode;
	size_t i, j;

	for (i = 0; i < KT_ARRAY_SIZE(NAMES); i++) {
		bool found = false;

		json_array_foreach(modes, j, mode)
			found |= kt_streq(json_string_value(mode), NAMES[i][0]);
		if (found)
			kt_str_printf(&text, "%s%s", text.len ? "," : "", NAMES[i][1]);
	}
	return kt_str_steal(&text);
}

static void put_finalizers(struct kt_describer *d, const json_t *object)
{
	kt_auto_free char *text = kt_describe_join(kt_jget(object, "metadata.finalizers"), " ");

	kt_describe_put(d, "Finalizers:\t[%s]\n", text);
}

static void put_phase(struct kt_describer *d, const json_t *object)
{
	const char *deleted = kt_jstr(object, "metadata.deletionTimestamp");
	char age[KT_DESCRIBE_TIME_MAX];

	if (deleted)
		kt_describe_put(
		        d, "Status:\tTerminating (lasts %s)\n", kt_describe_age(d, deleted, age));
	else
		kt_describe_put(d, "Status:\t%s\n", kt_describe_field(object, "status.phase"));
}

static void put_users(struct kt_describer *d, const json_t *claim)
{
	const char *name = kt_describe_field(claim, "metadata.name");
	kt_auto_json json_t *pods = kt_describe_get(
	        d, "/api/v1/namespaces/%s/pods", kt_describe_field(claim, "metadata.namespace"));
	json_t *pod, *volume;
	size_t i, j, n = 0;

	kt_describe_put(d, "Used By:\t");
	json_array_foreach(json_object_get(pods, "items"), i, pod) {
		json_array_foreach(kt_jget(pod, "spec.volumes"), j, volume) {
			if (strcmp(kt_describe_field(volume, "persistentVolumeClaim.claimName"),
			            name) != 0)
				continue;
			kt_describe_put(d, "%s%s\n", n++ ? "\t" : "",
			        kt_describe_field(pod, "metadata.name"));
			break;
		}
	}
	if (!n)
		kt_describe_put(d, "<none>\n");
}

static void put_claim_conditions(struct kt_describer *d, const json_t *object)
{
	json_t *condition;
	size_t i;

	if (json_array_size(kt_jget(object, "status.conditions")))
		kt_describe_put(d,
		        "Conditions:\n  Type\tStatus\tLastProbeTime\tLastTransitionTime\t"
		        "Reason\tMessage\n  ----\t------\t-----------------\t"
		        "------------------\t------\t-------\n");
	json_array_foreach(kt_jget(object, "status.conditions"), i, condition) {
		char probed[KT_DESCRIBE_TIME_MAX], changed[KT_DESCRIBE_TIME_MAX];

		kt_describe_put(d, "  %s \t%s \t%s \t%s \t%s \t%s\n",
		        kt_describe_field(condition, "type"),
		        kt_describe_field(condition, "status"),
		        kt_describe_time_text(kt_jstr(condition, "lastProbeTime"), probed),
		        kt_describe_time_text(kt_jstr(condition, "lastTransitionTime"), changed),
		        kt_describe_field(condition, "reason"),
		        kt_describe_field(condition, "message"));
	}
}

void kt_describe_pvc(struct kt_describer *d, const json_t *object)
{
	bool bound = *kt_describe_field(object, "spec.volumeName");
	kt_auto_free char *modes = short_modes(kt_jget(object, "status.accessModes"));

	kt_describe_put(d, "Name:\t%s\nNamespace:\t%s\nStorageClass:\t%s\n",
	        kt_describe_field(object, "metadata.name"),
	        kt_describe_field(object, "metadata.namespace"),
	        kt_describe_field(object, "spec.storageClassName"));
	put_phase(d, object);
	kt_describe_put(d, "Volume:\t%s\n", kt_describe_field(object, "spec.volumeName"));
	kt_describe_labels(d, "", "Labels", kt_jget(object, "metadata.labels"));
	kt_describe_annotations(d, "", "Annotations", kt_jget(object, "metadata.annotations"));
	put_finalizers(d, object);
	kt_describe_put(d, "Capacity:\t%s\nAccess Modes:\t%s\n",
	        bound ? kt_describe_field(object, "status.capacity.storage") : "",
	        bound ? modes : "");
	if (*kt_describe_field(object, "spec.volumeMode"))
		kt_describe_put(
		        d, "VolumeMode:\t%s\n", kt_describe_field(object, "spec.volumeMode"));
	if (kt_jget(object, "spec.dataSource"))
		kt_describe_put(d, "DataSource:\n  APIGroup:\t%s\n  Kind:\t%s\n  Name:\t%s\n",
		        kt_describe_field(object, "spec.dataSource.apiGroup"),
		        kt_describe_field(object, "spec.dataSource.kind"),
		        kt_describe_field(object, "spec.dataSource.name"));
	put_users(d, object);
	put_claim_conditions(d, object);
	kt_describe_events(d, object);
}

static void put_affinity(struct kt_describer *d, const json_t *object)
{
	const json_t *terms = kt_jget(object, "spec.nodeAffinity.required.nodeSelectorTerms");
	json_t *term;
	size_t i;

	if (!terms) {
		kt_describe_put(d, "Node Affinity:\t<none>\n");
		return;
	}
	kt_describe_put(d, "Node Affinity:\n  Required Terms:\n");
	json_array_foreach(terms, i, term) {
		kt_auto_free char *text = kt_describe_selector(term, "<none>");

		kt_describe_put(d, "    Term %zu:\t%s\n", i, text);
	}
}

void kt_describe_pv(struct kt_describer *d, const json_t *object)
{
	const json_t *claim = kt_jget(object, "spec.claimRef");
	kt_auto_free char *modes = short_modes(kt_jget(object, "spec.accessModes"));

	kt_describe_put(d, "Name:\t%s\n", kt_describe_field(object, "metadata.name"));
	kt_describe_labels(d, "", "Labels", kt_jget(object, "metadata.labels"));
	kt_describe_annotations(d, "", "Annotations", kt_jget(object, "metadata.annotations"));
	put_finalizers(d, object);
	kt_describe_put(
	        d, "StorageClass:\t%s\n", kt_describe_field(object, "spec.storageClassName"));
	put_phase(d, object);
	kt_describe_put(d, "Claim:\t%s%s%s\n", kt_describe_field(claim, "namespace"),
	        claim ? "/" : "", kt_describe_field(claim, "name"));
	kt_describe_put(d, "Reclaim Policy:\t%s\nAccess Modes:\t%s\n",
	        kt_describe_field(object, "spec.persistentVolumeReclaimPolicy"), modes);
	if (*kt_describe_field(object, "spec.volumeMode"))
		kt_describe_put(
		        d, "VolumeMode:\t%s\n", kt_describe_field(object, "spec.volumeMode"));
	kt_describe_put(d, "Capacity:\t%s\n", kt_describe_field(object, "spec.capacity.storage"));
	put_affinity(d, object);
	kt_describe_put(d, "Message:\t%s\nSource:\n", kt_describe_field(object, "status.message"));
	kt_describe_volume(d, json_object_get(object, "spec"));
	kt_describe_events(d, object);
}

void kt_describe_storageclass(struct kt_describer *d, const json_t *object)
{
	const json_t *notes = kt_jget(object, "metadata.annotations"),
	             *grow = json_object_get(object, "allowVolumeExpansion");
	const char *is_default = json_string_value(
	        json_object_get(notes, "storageclass.kubernetes.io/is-default-class"));
	kt_auto_free char *annotations = kt_describe_selector(notes, "<none>");
	kt_auto_free char *parameters =
	        kt_describe_selector(json_object_get(object, "parameters"), "<none>");
	const json_t *options = json_object_get(object, "mountOptions");
	json_t *option;
	size_t i;

	kt_describe_put(d,
	        "Name:\t%s\nIsDefaultClass:\t%s\nAnnotations:\t%s\nProvisioner:\t%s\n"
	        "Parameters:\t%s\nAllowVolumeExpansion:\t%s\n",
	        kt_describe_field(object, "metadata.name"),
	        kt_streq(is_default, "true") ? "Yes" : "No", annotations,
	        kt_describe_field(object, "provisioner"), parameters,
	        !grow                ? "<unset>"
	        : json_is_true(grow) ? "True"
	                             : "False");
	kt_describe_put(d, "MountOptions:%s\n", json_array_size(options) ? "" : "\t<none>");
	json_array_foreach(options, i, option)
		kt_describe_put(d, "  %s\n", json_string_value(option));
	kt_describe_put(d, "ReclaimPolicy:\t%s\nVolumeBindingMode:\t%s\n",
	        kt_describe_field(object, "reclaimPolicy"),
	        kt_describe_field(object, "volumeBindingMode"));
	kt_describe_events(d, object);
}
