/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ResourceSlice: the devices a driver offers. */
#include "api/server/rules/devices.h"
#include "api/server/rules/meta.h"
#include "api/server/rules/names.h"
#include "api/server/rules/pod.h"
#include "api/server/rules/quantities.h"
#include "api/server/rules/volumes.h"
#include "base/str.h"

#include <ctype.h>

#define VALUE_MAX 64
#define DEVICES_MAX 128
#define PROPERTIES_MAX 32
#define PLACES \
	"exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is " \
	"required"

/* Semantic versions */

static bool is_number(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isdigit((unsigned char)text[i]))
			return false;
	return len > 0 && (len == 1 || text[0] != '0');
}

static bool all_digits(const char *text, size_t len)
{
	return strspn(text, "0123456789") >= len;
}

/* Identifiers separated by dots; numbers among those of a pre-release have no leading zero. */
static bool are_identifiers(const char *text, size_t len, bool prerelease)
{
	size_t start = 0;
	for (size_t i = 0; i <= len; i++) {
		if (i < len && (isalnum((unsigned char)text[i]) || text[i] == '-'))
			continue;
		if (i < len && text[i] != '.')
			return false;
		if (i == start || (prerelease && all_digits(text + start, i - start) &&
		                          !is_number(text + start, i - start)))
			return false;
		start = i + 1;
	}
	return true;
}

static bool is_semver(const char *text)
{
	size_t core = strcspn(text, "-+"), at = 0;
	for (int part = 0; part < 3; part++) {
		size_t len = strcspn(text + at, ".-+");
		if (!is_number(text + at, len))
			return false;
		at += len;
		if (part < 2 && text[at++] != '.')
			return false;
	}
	if (at != core)
		return false;
	if (text[at] == '-') {
		size_t len = strcspn(text + at + 1, "+");
		if (!are_identifiers(text + at + 1, len, true))
			return false;
		at += 1 + len;
	}
	return !text[at] || are_identifiers(text + at + 1, strlen(text + at + 1), false);
}

/* Devices */

static void check_attribute(struct kt_rule_context *c, const struct kt_at *attribute)
{
	static const char *const kinds[] = {"int", "bool", "string", "version"};
	struct kt_at text = kt_at(attribute, "string"), version = kt_at(attribute, "version");
	size_t n = 0;
	for (size_t i = 0; i < KT_ARRAY_SIZE(kinds); i++)
		n += json_object_get(attribute->value, kinds[i]) != NULL;
	if (text.value && strlen(kt_at_text(&text)) > VALUE_MAX)
		kt_add_too_long(c, &text, VALUE_MAX);
	if (version.value && !is_semver(kt_at_text(&version)))
		kt_add_invalid(
		        c, &version, "must be a string compatible with semver.org spec 2.0.0");
	if (version.value && strlen(kt_at_text(&version)) > VALUE_MAX)
		kt_add_too_long(c, &version, VALUE_MAX);
	if (n == 0)
		kt_add_invalid_text(c, attribute, "", "exactly one value must be specified");
	else if (n > 1)
		kt_add_invalid(c, attribute, "exactly one value must be specified");
}

static void check_device(struct kt_rule_context *c, const struct kt_at *device)
{
	struct kt_at name = kt_at(device, "name"), attributes = kt_at(device, "attributes"),
	             capacity = kt_at(device, "capacity");
	struct kt_keys keys = kt_at_keys(c, &attributes), amounts = kt_at_keys(c, &capacity);
	kt_check_format(c, &name, "dns1123-label");
	for (size_t i = 0; i < keys.n; i++) {
		struct kt_at at = kt_at_key(&attributes, keys.names[i]);
		kt_check_device_attribute_name(c, &at, keys.names[i]);
		check_attribute(c, &at);
	}
	for (size_t i = 0; i < amounts.n; i++) {
		struct kt_at at = kt_at_key(&capacity, amounts.names[i]);
		kt_check_device_attribute_name(c, &at, amounts.names[i]);
	}
	if (keys.n + amounts.n > PROPERTIES_MAX)
		kt_add_invalid_text(c, device, kt_arena_printf(c->arena, "%zu", keys.n + amounts.n),
		        "the total number of attributes and capacities must not exceed %d",
		        PROPERTIES_MAX);
}

static void check_pool(struct kt_rule_context *c, const struct kt_at *pool)
{
	struct kt_at name = kt_at(pool, "name"), count = kt_at(pool, "resourceSliceCount"),
	             generation = kt_at(pool, "generation");
	kt_check_pool_name(c, &name);
	kt_check_positive(c, &count);
	if (kt_at_int(&generation) < 0)
		kt_add_invalid(c, &generation, "must be greater than or equal to zero");
}

/* Where the devices are */

static void check_flag(struct kt_rule_context *c, const struct kt_at *spec, const char *name,
        struct kt_str *set, size_t *n)
{
	struct kt_at flag = kt_at(spec, name);
	if (!flag.value)
		return;
	if (!kt_at_bool(&flag)) {
		kt_add_invalid(c, &flag, "must be either unset or set to true");
		return;
	}
	kt_str_printf(set, "%s`%s`", set->len ? ", " : "", name);
	++*n;
}

static void check_places(struct kt_rule_context *c, const struct kt_at *spec)
{
	struct kt_at node = kt_at(spec, "nodeName"), selector = kt_at(spec, "nodeSelector");
	struct kt_at terms = kt_at(&selector, "nodeSelectorTerms");
	kt_auto_str set = KT_STR_INIT;
	size_t n = 0;
	if (node.value && *kt_at_text(&node)) {
		n++;
		kt_str_puts(&set, "`nodeName`");
		kt_check_format(c, &node, "dns1123-subdomain");
	} else if (node.value) {
		kt_add_invalid(c, &node, "must be either unset or set to a non-empty string");
	}
	if (selector.value) {
		n++;
		kt_str_puts(&set, set.len ? ", `nodeSelector`" : "`nodeSelector`");
		kt_check_node_selector(c, &selector);
		if (kt_at_n(&terms) != 1)
			kt_add_invalid(c, &terms, "must have exactly one node selector term");
	}
	check_flag(c, spec, "allNodes", &set, &n);
	check_flag(c, spec, "perDeviceNodeSelection", &set, &n);
	if (n == 0)
		kt_add_required(c, spec, PLACES);
	else if (n > 1)
		kt_add_invalid_text(c, spec, kt_arena_printf(c->arena, "{%s}", kt_str_text(&set)),
		        PLACES ", but multiple fields are set");
}

static void check_kept(struct kt_rule_context *c, const struct kt_at *spec, const json_t *old)
{
	struct kt_at pool = kt_at(spec, "pool"), pool_name = kt_at(&pool, "name"),
	             driver = kt_at(spec, "driver");
	struct kt_at node = kt_at(spec, "nodeName");
	kt_auto_json json_t *none = json_null();
	kt_check_immutable(c, &pool_name, kt_jget(old, "pool.name"));
	kt_check_immutable(c, &driver, json_object_get(old, "driver"));
	if (!node.value && json_object_get(old, "nodeName"))
		kt_add_invalid_value(c, &node, none, "field is immutable");
	else
		kt_check_immutable(c, &node, json_object_get(old, "nodeName"));
}

static void validate(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	struct kt_names seen = {.arena = c->arena};
	struct kt_at root = kt_at_root(c, object), spec = kt_at(&root, "spec"),
	             driver = kt_at(&spec, "driver");
	struct kt_at pool = kt_at(&spec, "pool"), devices = kt_at(&spec, "devices");
	if (old)
		kt_meta_validate_update(c, object, old);
	else
		kt_meta_validate(c, object, NULL);
	kt_check_csi_driver_name(c, &driver);
	check_pool(c, &pool);
	if (old)
		check_kept(c, &spec, json_object_get(old, "spec"));
	check_places(c, &spec);
	kt_check_device_list_size(c, &devices, DEVICES_MAX);
	KT_EACH(device, &devices) {
		kt_auto_json json_t *name = json_string(kt_text_of(device.value, "name"));
		check_device(c, &device);
		if (!kt_names_add(&seen, kt_text_of(device.value, "name")))
			kt_field_duplicate(&c->errors, kt_at_path(c, &device), name);
	}
}

static void warn(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	const char *driver = kt_text_of(json_object_get(object, "spec"), "driver");
	(void)old;
	for (const char *p = driver; *p; p++)
		if (isupper((unsigned char)*p)) {
			kt_rule_warn(c,
			        "spec.driver: driver names should be lowercase; \"%s\" contains "
			        "uppercase characters",
			        driver);
			return;
		}
}

/* Fields of features that are off by default. */
static int prepare(struct kt_rule_context *c, json_t *object, const json_t *old)
{
	static const char *const dropped[] = {
	        "taints",
	        "consumesCounters",
	        "nodeName",
	        "nodeSelector",
	        "allNodes",
	        "bindsToNode",
	        "bindingConditions",
	        "bindingFailureConditions",
	        "allowMultipleAllocations",
	};
	json_t *spec = json_object_get(object, "spec"), *device;
	size_t i;
	(void)c;
	(void)old;
	json_object_del(spec, "sharedCounters");
	json_object_del(spec, "perDeviceNodeSelection");
	json_array_foreach(json_object_get(spec, "devices"), i, device) {
		for (size_t j = 0; j < KT_ARRAY_SIZE(dropped); j++)
			json_object_del(device, dropped[j]);
	}
	return 0;
}

const struct kt_rules kt_rules_resource_slice = {
        .group = "resource.k8s.io",
        .kind = "ResourceSlice",
        .prepare = prepare,
        .validate = validate,
        .warn = warn,
};
