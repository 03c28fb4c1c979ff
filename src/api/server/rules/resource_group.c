/* SPDX-License-Identifier: GPL-3.0-or-later */
/* DeviceClass, ResourceClaim and its template. Fields of features that are off by default are
 * dropped as they come in. */
#include "api/machinery/names.h"
#include "api/server/rules/devices.h"
#include "api/server/rules/lookup.h"
#include "api/server/rules/meta.h"
#include "api/server/rules/names.h"
#include "api/server/rules/volumes.h"

#define SUBREQUESTS_MAX 8
#define RESERVED_MAX 256
#define NO_SUCH_REQUEST \
	"must be the name of a request in the claim or the name of a request and a subrequest " \
	"separated by '/'"

/* DeviceClass */

static int prepare_class(struct kt_rule_context *c, json_t *object, const json_t *old)
{
	(void)c;
	(void)old;
	json_object_del(json_object_get(object, "spec"), "extendedResourceName");
	return 0;
}

static void validate_class(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	struct kt_at root = kt_at_root(c, object), spec = kt_at(&root, "spec"),
	             selectors = kt_at(&spec, "selectors");
	struct kt_at configs = kt_at(&spec, "config");
	kt_meta_validate_both(c, object, old);
	kt_check_device_selectors(c, &selectors);
	kt_check_device_list_size(c, &configs, KT_DEVICE_LIST_MAX);
	KT_EACH(config, &configs) {
		kt_check_device_config(c, &config);
	}
}

const struct kt_rules kt_rules_resource_device_class = {
        .group = "resource.k8s.io",
        .kind = "DeviceClass",
        .prepare = prepare_class,
        .validate = validate_class,
};

/* ResourceClaim: its requests */

static void check_exact(struct kt_rule_context *c, const struct kt_at *request)
{
	static const char *const modes[] = {"All", "ExactCount", NULL};
	struct kt_at class = kt_at(request, "deviceClassName"),
	             selectors = kt_at(request, "selectors");
	struct kt_at mode = kt_at(request, "allocationMode"), count = kt_at(request, "count");
	kt_check_required_format(c, &class, "dns1123-subdomain");
	kt_check_device_selectors(c, &selectors);
	if (kt_at_is(&mode, "All") && kt_at_int(&count) != 0)
		kt_add_invalid(c, &count, "must not be specified when allocationMode is 'All'");
	else if (kt_at_is(&mode, "ExactCount"))
		kt_check_positive(c, &count);
	else
		kt_check_in(c, &mode, modes);
}

static void add_duplicate_name(
        struct kt_rule_context *c, const struct kt_at *at, struct kt_names *seen)
{
	const char *name = kt_text_of(at->value, "name");
	kt_auto_json json_t *shown = json_string(name);
	if (!kt_names_add(seen, name))
		kt_field_duplicate(&c->errors, kt_at_path(c, at), shown);
}

static void check_request(struct kt_rule_context *c, const struct kt_at *request)
{
	struct kt_names seen = {.arena = c->arena};
	struct kt_at name = kt_at(request, "name"), exactly = kt_at(request, "exactly"),
	             first = kt_at(request, "firstAvailable");
	kt_auto_json json_t *none = json_null();
	bool has_first = kt_at_n(&first) > 0;
	kt_check_format(c, &name, "dns1123-label");
	if (exactly.value && has_first) {
		kt_add_invalid_value(c, request, none,
		        "exactly one of `exactly` or `firstAvailable` is required, but multiple "
		        "fields are set");
	} else if (!exactly.value && !has_first) {
		kt_add_required(
		        c, request, "exactly one of `exactly` or `firstAvailable` is required");
	} else if (exactly.value) {
		check_exact(c, &exactly);
	} else {
		kt_check_device_list_size(c, &first, SUBREQUESTS_MAX);
		KT_EACH(choice, &first) {
			struct kt_at choice_name = kt_at(&choice, "name");
			kt_check_format(c, &choice_name, "dns1123-label");
			check_exact(c, &choice);
			add_duplicate_name(c, &choice, &seen);
		}
	}
}

/* Names that constraints, configuration and results may refer to: "gpu", "gpu/small". */
static struct kt_names request_names(struct kt_rule_context *c, const json_t *claim)
{
	struct kt_names names = {.arena = c->arena};
	size_t i, j;
	json_t *request, *choice;
	json_array_foreach(kt_jget(claim, "spec.devices.requests"), i, request) {
		const char *name = kt_text_of(request, "name");
		kt_names_add(&names, name);
		json_array_foreach(json_object_get(request, "firstAvailable"), j, choice) {
			kt_names_add(&names, kt_arena_printf(c->arena, "%s/%s", name,
			                             kt_text_of(choice, "name")));
		}
	}
	return names;
}

static void check_request_ref(
        struct kt_rule_context *c, const struct kt_at *at, const struct kt_names *names)
{
	const char *text = kt_at_text(at), *slash = strchr(text, '/');
	if (slash && strchr(slash + 1, '/')) {
		kt_add_invalid(c, at, NO_SUCH_REQUEST);
		return;
	}
	const char *parts[] = {
	        slash ? kt_arena_strndup(c->arena, text, (size_t)(slash - text)) : text,
	        slash ? slash + 1 : NULL};
	for (size_t i = 0; i < 2 && parts[i]; i++) {
		struct kt_messages messages = {0};
		size_t n = kt_format_check("dns1123-label", kt_sv_of(parts[i]), &messages);
		for (size_t j = 0; j < n; j++)
			kt_add_invalid_text(c, at, parts[i], "%s", messages.items[j]);
	}
	if (!kt_names_has(names, text))
		kt_add_invalid(c, at, NO_SUCH_REQUEST);
}

static void check_request_refs(
        struct kt_rule_context *c, const struct kt_at *holder, const struct kt_names *names)
{
	struct kt_names seen = {.arena = c->arena};
	struct kt_at requests = kt_at(holder, "requests");
	kt_check_device_list_size(c, &requests, KT_DEVICE_LIST_MAX);
	KT_EACH(request, &requests) {
		check_request_ref(c, &request, names);
		if (!kt_names_add(&seen, kt_at_text(&request)))
			kt_add_duplicate(c, &request);
	}
}

static void check_constraint(
        struct kt_rule_context *c, const struct kt_at *constraint, const struct kt_names *names)
{
	struct kt_at attribute = kt_at(constraint, "matchAttribute");
	const char *name = kt_at_text(&attribute);
	check_request_refs(c, constraint, names);
	if (!attribute.value) {
		kt_add_required(c, &attribute, "");
		return;
	}
	kt_check_device_attribute_name(c, &attribute, name);
	if (!strchr(name, '/'))
		kt_add_invalid(c, &attribute,
		        "a fully qualified name must be a domain and a name separated by a slash");
}

static void check_claim_spec(
        struct kt_rule_context *c, const struct kt_at *spec, const struct kt_names *names)
{
	struct kt_names seen = {.arena = c->arena};
	struct kt_at devices = kt_at(spec, "devices"), requests = kt_at(&devices, "requests");
	struct kt_at constraints = kt_at(&devices, "constraints"),
	             configs = kt_at(&devices, "config");
	kt_check_device_list_size(c, &requests, KT_DEVICE_LIST_MAX);
	KT_EACH(request, &requests) {
		check_request(c, &request);
		add_duplicate_name(c, &request, &seen);
	}
	kt_check_device_list_size(c, &constraints, KT_DEVICE_LIST_MAX);
	KT_EACH(constraint, &constraints) {
		check_constraint(c, &constraint, names);
	}
	kt_check_device_list_size(c, &configs, KT_DEVICE_LIST_MAX);
	KT_EACH(config, &configs) {
		check_request_refs(c, &config, names);
		kt_check_device_config(c, &config);
	}
}

/* Devices for administrators are for namespaces that are labelled so. */
static void check_admin_access(
        struct kt_rule_context *c, const struct kt_at *spec, const char *namespace)
{
	struct kt_at devices = kt_at(spec, "devices"), requests = kt_at(&devices, "requests");
	KT_EACH(request, &requests) {
		struct kt_at place = kt_at(&request, "adminAccess");
		if (!kt_jbool(request.value, "exactly.adminAccess", false))
			continue;
		kt_auto_json json_t *space = kt_rule_read(c, "", "namespaces", "", namespace);
		const json_t *labels = kt_jget(space, "metadata.labels");
		if (strcmp(kt_text_of(labels, "resource.kubernetes.io/admin-access"), "true") != 0)
			kt_add_forbidden(c, &place,
			        "admin access to devices requires the "
			        "`resource.kubernetes.io/admin-access: true` label on the "
			        "containing "
			        "namespace");
		return;
	}
}

/* ResourceClaim: its status */

static bool is_allocated(const json_t *results, const json_t *device)
{
	static const char *const key[] = {"driver", "pool", "device"};
	size_t i;
	json_t *result;
	json_array_foreach(results, i, result) {
		size_t same = 0;
		for (size_t j = 0; j < KT_ARRAY_SIZE(key); j++)
			same += strcmp(kt_text_of(result, key[j]), kt_text_of(device, key[j])) == 0;
		if (same == KT_ARRAY_SIZE(key))
			return true;
	}
	return false;
}

static void check_result(
        struct kt_rule_context *c, const struct kt_at *result, const struct kt_names *names)
{
	struct kt_at request = kt_at(result, "request"), driver = kt_at(result, "driver"),
	             pool = kt_at(result, "pool");
	struct kt_at device = kt_at(result, "device");
	check_request_ref(c, &request, names);
	kt_check_csi_driver_name(c, &driver);
	kt_check_pool_name(c, &pool);
	kt_check_format(c, &device, "dns1123-label");
}

static void check_consumer(struct kt_rule_context *c, const struct kt_at *consumer)
{
	static const char *const needed[] = {"resource", "name", "uid"};
	for (size_t i = 0; i < KT_ARRAY_SIZE(needed); i++) {
		struct kt_at at = kt_at(consumer, needed[i]);
		kt_check_required(c, &at);
	}
}

static void check_status(struct kt_rule_context *c, const struct kt_at *status, const json_t *old,
        const struct kt_names *names)
{
	struct kt_at allocation = kt_at(status, "allocation"),
	             devices = kt_at(&allocation, "devices");
	struct kt_at results = kt_at(&devices, "results"), reserved = kt_at(status, "reservedFor"),
	             reports = kt_at(status, "devices");
	const json_t *old_allocation = kt_jget(old, "status.allocation");
	kt_check_device_list_size(c, &reserved, RESERVED_MAX);
	KT_EACH(consumer, &reserved) {
		check_consumer(c, &consumer);
	}
	KT_EACH(report, &reports) {
		if (!is_allocated(results.value, report.value))
			kt_add_invalid(c, &report, "must be an allocated device in the claim");
	}
	if (kt_at_n(&reserved) && !allocation.value)
		kt_add_forbidden(c, &reserved, "may not be specified when `allocated` is not set");
	if (old_allocation && allocation.value)
		kt_check_immutable(c, &allocation, old_allocation);
	else
		KT_EACH(result, &results) {
			check_result(c, &result, names);
		}
}

static void validate_claim(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	struct kt_at root = kt_at_root(c, object), spec = kt_at(&root, "spec"),
	             status = kt_at(&root, "status");
	struct kt_names names = request_names(c, object);
	if (old && c->subresource) {
		kt_meta_validate_update(c, object, old);
		check_status(c, &status, old, &names);
		return;
	}
	check_admin_access(c, &spec, c->namespace);
	kt_meta_validate_both(c, object, old);
	/* What was stored is good: nothing is said about the parts of a changed one. */
	if (old)
		kt_check_immutable(c, &spec, json_object_get(old, "spec"));
	else
		check_claim_spec(c, &spec, &names);
}

static void drop_from_request(json_t *request)
{
	json_object_del(request, "tolerations");
	json_object_del(request, "capacity");
}

static void drop_unsupported(json_t *spec)
{
	size_t i, j;
	json_t *request, *choice, *constraint;
	json_array_foreach(kt_jget(spec, "devices.requests"), i, request) {
		drop_from_request(json_object_get(request, "exactly"));
		json_array_foreach(json_object_get(request, "firstAvailable"), j, choice) {
			drop_from_request(choice);
		}
	}
	json_array_foreach(kt_jget(spec, "devices.constraints"), i, constraint) {
		json_object_del(constraint, "distinctAttribute");
	}
}

static int prepare_claim(struct kt_rule_context *c, json_t *object, const json_t *old)
{
	drop_unsupported(json_object_get(object, "spec"));
	if (old && c->subresource && json_object_get(old, "spec"))
		json_object_set(object, "spec", json_object_get(old, "spec"));
	return 0;
}

static void default_request(json_t *request)
{
	if (request && strcmp(kt_text_of(request, "allocationMode"), "ExactCount") == 0 &&
	        kt_jint(request, "count", 0) == 0)
		json_object_set_new(request, "count", json_integer(1));
}

static void default_spec(json_t *spec)
{
	size_t i, j;
	json_t *request, *choice;
	json_array_foreach(kt_jget(spec, "devices.requests"), i, request) {
		default_request(json_object_get(request, "exactly"));
		json_array_foreach(json_object_get(request, "firstAvailable"), j, choice) {
			default_request(choice);
		}
	}
}

static void default_claim(struct kt_rule_context *c, json_t *object)
{
	(void)c;
	default_spec(json_object_get(object, "spec"));
}

const struct kt_rules kt_rules_resource_claim = {
        .group = "resource.k8s.io",
        .kind = "ResourceClaim",
        .default_object = default_claim,
        .prepare = prepare_claim,
        .validate = validate_claim,
};

/* ResourceClaimTemplate */

static void default_template(struct kt_rule_context *c, json_t *object)
{
	(void)c;
	default_spec(kt_jget(object, "spec.spec"));
}

static int prepare_template(struct kt_rule_context *c, json_t *object, const json_t *old)
{
	(void)c;
	(void)old;
	drop_unsupported(kt_jget(object, "spec.spec"));
	return 0;
}

static void validate_template(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	struct kt_at root = kt_at_root(c, object), spec = kt_at(&root, "spec"),
	             claim_spec = kt_at(&spec, "spec");
	struct kt_at meta = kt_at(&spec, "metadata"), labels = kt_at(&meta, "labels"),
	             annotations = kt_at(&meta, "annotations");
	struct kt_names names = request_names(c, spec.value);
	check_admin_access(c, &claim_spec, c->namespace);
	kt_meta_validate_both(c, object, old);
	kt_check_labels(c, &labels);
	kt_check_annotations(c, &annotations);
	if (old)
		kt_check_immutable(c, &spec, json_object_get(old, "spec"));
	else
		check_claim_spec(c, &claim_spec, &names);
}

const struct kt_rules kt_rules_resource_claim_template = {
        .group = "resource.k8s.io",
        .kind = "ResourceClaimTemplate",
        .default_object = default_template,
        .prepare = prepare_template,
        .validate = validate_template,
};
