/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Storage classes, CSI drivers and nodes, attachments. */
#include "api/machinery/names.h"
#include "api/server/rules/meta.h"
#include "api/server/rules/names.h"
#include "api/server/rules/node_labels.h"
#include "api/server/rules/pod.h"
#include "api/server/rules/quantities.h"
#include "api/server/rules/volumes.h"

#include <ctype.h>

#define PARAMETERS_MAX 512
#define PARAMETERS_MAX_BYTES (256 * 1024)
#define NODE_ID_MAX_CHARS 256
#define TOKEN_SECONDS_MIN 600
#define UPDATE_SECONDS_MIN 10

static void validate_meta(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	if (old)
		kt_meta_validate_update(c, object, old);
	else
		kt_meta_validate(c, object, NULL);
}

/* StorageClass */

static void check_provisioner(struct kt_rule_context *c, const struct kt_at *at)
{
	if (!kt_check_required(c, at))
		return;
	char *lower = kt_arena_strdup(c->arena, kt_at_text(at));
	for (char *p = lower; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	kt_auto_json json_t *text = json_string(lower);
	struct kt_at shown = kt_at_with(at, text);
	kt_check_format(c, &shown, "qualified-name");
}

static void check_parameters(struct kt_rule_context *c, const struct kt_at *parameters)
{
	size_t bytes = 0;
	struct kt_keys keys = kt_at_keys(c, parameters);
	if (keys.n > PARAMETERS_MAX) {
		kt_add_too_long(c, parameters, PARAMETERS_MAX);
		return;
	}
	for (size_t i = 0; i < keys.n; i++) {
		if (!*keys.names[i])
			kt_add_invalid_text(c, parameters, "", "field can not be empty.");
		bytes += strlen(keys.names[i]) +
		         json_string_length(json_object_get(parameters->value, keys.names[i]));
	}
	if (bytes > PARAMETERS_MAX_BYTES)
		kt_add_too_long(c, parameters, PARAMETERS_MAX_BYTES);
}

static void check_topology(struct kt_rule_context *c, const struct kt_at *term)
{
	struct kt_names keys = {.arena = c->arena};
	struct kt_at expressions = kt_at(term, "matchLabelExpressions");
	KT_EACH(expression, &expressions) {
		struct kt_names seen = {.arena = c->arena};
		struct kt_at key = kt_at(&expression, "key"), values = kt_at(&expression, "values");
		if (!kt_at_n(&values))
			kt_add_required(c, &values, "");
		KT_EACH(value, &values) {
			if (!kt_names_add(&seen, kt_at_text(&value)))
				kt_add_duplicate(c, &value);
		}
		kt_check_format(c, &key, "qualified-name");
		if (!kt_names_add(&keys, kt_at_text(&key)))
			kt_add_duplicate(c, &key);
	}
}

static bool same_values(const json_t *a, const json_t *b)
{
	size_t i, j;
	json_t *x, *y;
	if (json_array_size(a) != json_array_size(b))
		return false;
	json_array_foreach(a, i, x) {
		bool found = false;
		json_array_foreach(b, j, y) {
			found |= json_equal(x, y);
		}
		if (!found)
			return false;
	}
	return true;
}

/* Equal but for the order of requirements and values. */
static bool same_topology(const json_t *a, const json_t *b)
{
	const json_t *list = json_object_get(a, "matchLabelExpressions"),
	             *other = json_object_get(b, "matchLabelExpressions");
	size_t i, j;
	json_t *x, *y;
	if (json_array_size(list) != json_array_size(other))
		return false;
	json_array_foreach(list, i, x) {
		bool found = false;
		json_array_foreach(other, j, y) {
			found |= strcmp(kt_text_of(x, "key"), kt_text_of(y, "key")) == 0 &&
			         same_values(json_object_get(x, "values"),
			                 json_object_get(y, "values"));
		}
		if (!found)
			return false;
	}
	return true;
}

static void check_topologies(struct kt_rule_context *c, const struct kt_at *terms)
{
	KT_EACH(term, terms) {
		struct kt_at at = kt_at(&term, "matchLabelExpressions");
		check_topology(c, &term);
		/* Upstream compares with as many empty terms as there are terms, too. */
		size_t same = kt_at_n(&at) ? 0 : kt_at_n(terms);
		for (size_t j = 0; j < kt_i_term; j++)
			same += same_topology(term.value, json_array_get(terms->value, j));
		kt_auto_json json_t *empty = json_string("");
		for (; same; same--)
			kt_field_duplicate(&c->errors, kt_at_path(c, &at), empty);
	}
}

/* fields: NULL-terminated */
static void forbid_updates(struct kt_rule_context *c, const struct kt_at *root, const json_t *old,
        const char *const *fields)
{
	for (; *fields; fields++) {
		struct kt_at at = kt_at(root, *fields);
		if (!kt_same(at.value, json_object_get(old, *fields)))
			kt_add_forbidden(c, &at, "updates to %s are forbidden.", *fields);
	}
}

static void check_class_update(
        struct kt_rule_context *c, const struct kt_at *root, const json_t *old)
{
	static const char *const fixed[] = {"parameters", "provisioner", "reclaimPolicy", NULL};
	struct kt_at mode = kt_at(root, "volumeBindingMode");
	forbid_updates(c, root, old, fixed);
	kt_check_immutable(c, &mode, json_object_get(old, "volumeBindingMode"));
}

static void validate_storage_class(
        struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	static const char *const policies[] = {"Delete", "Retain", NULL};
	static const char *const modes[] = {"Immediate", "WaitForFirstConsumer", NULL};
	struct kt_at root = kt_at_root(c, object), provisioner = kt_at(&root, "provisioner"),
	             parameters = kt_at(&root, "parameters");
	struct kt_at policy = kt_at(&root, "reclaimPolicy"),
	             mode = kt_at(&root, "volumeBindingMode");
	struct kt_at terms = kt_at(&root, "allowedTopologies");
	kt_meta_validate(c, object, NULL);
	check_provisioner(c, &provisioner);
	check_parameters(c, &parameters);
	if (*kt_at_text(&policy))
		kt_check_in(c, &policy, policies);
	if (!mode.value)
		kt_add_required(c, &mode, "");
	else
		kt_check_in(c, &mode, modes);
	check_topologies(c, &terms);
	if (old) {
		kt_meta_validate_update(c, object, old);
		check_class_update(c, &root, old);
	}
}

static void warn_storage_class(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	struct kt_at root = kt_at_root(c, object), terms = kt_at(&root, "allowedTopologies");
	(void)old;
	KT_EACH(term, &terms) {
		struct kt_at expressions = kt_at(&term, "matchLabelExpressions");
		KT_EACH(expression, &expressions) {
			struct kt_at key = kt_at(&expression, "key");
			kt_warn_node_label(c, &key);
		}
	}
}

const struct kt_rules kt_rules_storage_storage_class = {
        .group = "storage.k8s.io",
        .kind = "StorageClass",
        .validate = validate_storage_class,
        .warn = warn_storage_class,
};

/* CSIDriver */

static void need(struct kt_rule_context *c, const struct kt_at *spec, const char *name)
{
	struct kt_at at = kt_at(spec, name);
	if (!at.value)
		kt_add_required(c, &at, "");
}

static void check_token_requests(struct kt_rule_context *c, const struct kt_at *requests)
{
	struct kt_names audiences = {.arena = c->arena};
	KT_EACH(request, requests) {
		struct kt_at audience = kt_at(&request, "audience"),
		             seconds = kt_at(&request, "expirationSeconds");
		if (!kt_names_add(&audiences, kt_at_text(&audience)))
			kt_add_duplicate(c, &audience);
		if (!seconds.value)
			continue;
		if (kt_at_int(&seconds) < TOKEN_SECONDS_MIN)
			kt_add_invalid(
			        c, &seconds, "may not specify a duration less than 10 minutes");
		if (kt_at_int(&seconds) > (INT64_C(1) << 32))
			kt_add_invalid(
			        c, &seconds, "may not specify a duration larger than 2^32 seconds");
	}
}

static void validate_driver(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	static const char *const modes[] = {"Persistent", "Ephemeral", NULL};
	static const char *const policies[] = {"File", "None", "ReadWriteOnceWithFSType", NULL};
	struct kt_at root = kt_at_root(c, object), spec = kt_at(&root, "spec"),
	             group = kt_at(&spec, "fsGroupPolicy");
	struct kt_at requests = kt_at(&spec, "tokenRequests"),
	             lifecycle = kt_at(&spec, "volumeLifecycleModes");
	struct kt_at period = kt_at(&spec, "nodeAllocatableUpdatePeriodSeconds"),
	             secrets = kt_at(&spec, "serviceAccountTokenInSecrets");
	validate_meta(c, object, old);
	need(c, &spec, "attachRequired");
	need(c, &spec, "podInfoOnMount");
	need(c, &spec, "storageCapacity");
	if (!group.value)
		kt_add_required(c, &group, "");
	else
		kt_check_in(c, &group, policies);
	check_token_requests(c, &requests);
	KT_EACH(mode, &lifecycle) { /* reported at the list */
		struct kt_at at = kt_at_with(&lifecycle, mode.value);
		at.type = NULL;
		kt_check_in(c, &at, modes);
	}
	need(c, &spec, "seLinuxMount");
	if (period.value && kt_at_int(&period) < UPDATE_SECONDS_MIN)
		kt_add_invalid(c, &period, "must be greater than or equal to %d seconds",
		        UPDATE_SECONDS_MIN);
	if (kt_at_bool(&secrets) && !kt_at_n(&requests))
		kt_add_invalid(c, &secrets,
		        "serviceAccountTokenInSecrets is set but no tokenRequests are specified");
	if (!old)
		return;
	struct kt_at attach = kt_at(&spec, "attachRequired");
	attach.name = "attachedRequired"; /* as upstream spells it */
	kt_check_immutable(c, &attach, kt_jget(old, "spec.attachRequired"));
	kt_check_immutable(c, &lifecycle, kt_jget(old, "spec.volumeLifecycleModes"));
}

static void warn_driver(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	(void)old;
	if (json_array_size(kt_jget(object, "spec.tokenRequests")) &&
	        !kt_jget(object, "spec.serviceAccountTokenInSecrets"))
		kt_rule_warn(c, "spec.serviceAccountTokenInSecrets is unset; if supported by this "
		                "CSI driver, set to true to prevent possible logging "
		                "of tokens in volume attributes");
}

const struct kt_rules kt_rules_storage_csi_driver = {
        .group = "storage.k8s.io",
        .kind = "CSIDriver",
        .validate = validate_driver,
        .warn = warn_driver,
};

/* CSINode */

static void check_topology_keys(struct kt_rule_context *c, const struct kt_at *driver)
{
	struct kt_names seen = {.arena = c->arena};
	size_t i;
	json_t *key;
	json_array_foreach(json_object_get(driver->value, "topologyKeys"), i, key) {
		struct kt_at at = kt_at_with(driver, key); /* reported at the driver */
		at.type = NULL;
		kt_check_required(c, &at);
		if (!kt_names_add(&seen, kt_at_text(&at)))
			kt_add_duplicate(c, &at);
		kt_check_format(c, &at, "qualified-name");
	}
}

static void check_node_driver(
        struct kt_rule_context *c, const struct kt_at *driver, struct kt_names *names)
{
	struct kt_at name = kt_at(driver, "name"), id = kt_at(driver, "nodeID"),
	             allocatable = kt_at(driver, "allocatable");
	struct kt_at count = kt_at(&allocatable, "count");
	kt_check_csi_driver_name(c, &name);
	if (!*kt_at_text(&id))
		kt_add_required(c, &id, "");
	else if (strlen(kt_at_text(&id)) > NODE_ID_MAX_CHARS)
		kt_add_invalid(c, &id, "must be %d characters or less", NODE_ID_MAX_CHARS);
	kt_check_non_negative(c, &count);
	if (*kt_at_text(&name) && !kt_names_add(names, kt_at_text(&name)))
		kt_add_duplicate(c, &name);
	check_topology_keys(c, driver);
}

/* What a driver has registered stays; only its allocatable count may change. */
static void check_registered(
        struct kt_rule_context *c, const struct kt_at *drivers, const json_t *old)
{
	size_t i;
	json_t *before;
	json_array_foreach(kt_jget(old, "spec.drivers"), i, before) {
		KT_EACH(driver, drivers) {
			static const char *const fixed[] = {"nodeID", "topologyKeys"};
			bool same = true;
			if (strcmp(kt_text_of(driver.value, "name"), kt_text_of(before, "name")) !=
			        0)
				continue;
			for (size_t f = 0; f < 2; f++)
				same &= kt_same(json_object_get(driver.value, fixed[f]),
				        json_object_get(before, fixed[f]));
			if (!same)
				kt_add_invalid_other(c, drivers, &driver, "field is immutable");
		}
	}
}

static void validate_csi_node(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	struct kt_at root = kt_at_root(c, object), spec = kt_at(&root, "spec"),
	             drivers = kt_at(&spec, "drivers");
	for (int i = 0; i < (old ? 2 : 1); i++) { /* for the node, and again for its update */
		struct kt_names names = {.arena = c->arena};
		kt_meta_validate(c, object, NULL);
		KT_EACH(driver, &drivers) {
			check_node_driver(c, &driver, &names);
		}
	}
	if (old)
		check_registered(c, &drivers, old);
}

const struct kt_rules kt_rules_storage_csi_node = {
        .group = "storage.k8s.io",
        .kind = "CSINode",
        .validate = validate_csi_node,
};

/* VolumeAttachment */

static void check_source(struct kt_rule_context *c, const struct kt_at *source)
{
	struct kt_at inline_spec = kt_at(source, "inlineVolumeSpec"),
	             name = kt_at(source, "persistentVolumeName");
	if (inline_spec.value && name.value) {
		kt_add_forbidden(c, source,
		        "must specify exactly one of inlineVolumeSpec and persistentVolumeName");
	} else if (!inline_spec.value && !name.value) {
		kt_add_required(c, source,
		        "must specify exactly one of inlineVolumeSpec and persistentVolumeName");
	} else if (name.value) {
		if (!*kt_at_text(&name))
			kt_add_required(c, &name, "must specify non empty persistentVolumeName");
	} else {
		kt_check_volume_spec(c, &inline_spec, NULL, true);
	}
}

static void validate_attachment(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	struct kt_at root = kt_at_root(c, object), spec = kt_at(&root, "spec"),
	             attacher = kt_at(&spec, "attacher");
	struct kt_at source = kt_at(&spec, "source"), node = kt_at(&spec, "nodeName");
	kt_meta_validate(c, object, NULL);
	if (c->subresource)
		return;
	kt_check_required(c, &attacher);
	check_source(c, &source);
	kt_check_format(c, &node, "dns1123-subdomain");
	if (old) {
		if (!kt_same(spec.value, json_object_get(old, "spec")))
			kt_add_invalid(c, &spec, "field is immutable");
		return;
	}
	struct kt_at volume =
	        kt_at(&source, "persistentVolumeName"); /* names are newer rules than the rest */
	kt_check_csi_driver_name(c, &attacher);
	kt_check_optional_format(c, &volume, "dns1123-subdomain");
}

const struct kt_rules kt_rules_storage_volume_attachment = {
        .group = "storage.k8s.io",
        .kind = "VolumeAttachment",
        .validate = validate_attachment,
};

/* VolumeAttributesClass */

static void validate_attributes_class(
        struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	static const char *const fixed[] = {"driverName", "parameters", NULL};
	struct kt_at root = kt_at_root(c, object), driver = kt_at(&root, "driverName"),
	             parameters = kt_at(&root, "parameters");
	kt_meta_validate(c, object, NULL);
	check_provisioner(c, &driver);
	check_parameters(c, &parameters);
	if (!kt_at_n(&parameters))
		kt_add_required(c, &parameters, "must contain at least one key/value pair");
	if (!old)
		return;
	kt_meta_validate_update(c, object, old);
	forbid_updates(c, &root, old, fixed);
}

const struct kt_rules kt_rules_storage_volume_attributes_class = {
        .group = "storage.k8s.io",
        .kind = "VolumeAttributesClass",
        .validate = validate_attributes_class,
};

/* CSIStorageCapacity */

static void validate_capacity(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	struct kt_at root = kt_at_root(c, object), topology = kt_at(&root, "nodeTopology"),
	             class = kt_at(&root, "storageClassName");
	struct kt_at capacity = kt_at(&root, "capacity"),
	             maximum = kt_at(&root, "maximumVolumeSize");
	kt_meta_validate(c, object, NULL);
	kt_check_label_selector(c, &topology);
	kt_check_format(c, &class, "dns1123-subdomain");
	if (capacity.value)
		kt_check_non_negative_quantity(c, &capacity);
	if (maximum.value)
		kt_check_non_negative_quantity(c, &maximum);
	if (!old)
		return;
	kt_meta_validate_update(c, object, old);
	kt_check_immutable(c, &topology, json_object_get(old, "nodeTopology"));
	kt_check_immutable(c, &class, json_object_get(old, "storageClassName"));
}

const struct kt_rules kt_rules_storage_capacity = {
        .group = "storage.k8s.io",
        .kind = "CSIStorageCapacity",
        .validate = validate_capacity,
};
