/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The spec of a claim for storage, in claims, stateful sets' templates and pods' ephemeral volumes.
 */
#include "api/server/rules/pod.h"
#include "api/server/rules/quantities.h"
#include "api/server/rules/volumes.h"

static bool list_has(const json_t *list, const char *text)
{
	size_t i;
	json_t *item;
	json_array_foreach(list, i, item) {
		if (kt_streq(json_string_value(item), text))
			return true;
	}
	return false;
}

static bool has_other(const json_t *list, const char *text)
{
	size_t i;
	json_t *item;
	json_array_foreach(list, i, item) {
		if (json_is_string(item) && strcmp(json_string_value(item), text) != 0)
			return true;
	}
	return false;
}

/* ReadWriteOncePod excludes every other mode. */
void kt_check_access_modes(struct kt_rule_context *c, const struct kt_at *modes)
{
	static const char *const supported[] = {
	        "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod", NULL};
	KT_EACH(mode, modes) {
		struct kt_at at = kt_at_with(modes, mode.value); /* reported at the list */
		at.type = NULL;
		kt_check_in(c, &at, supported);
	}
	if (list_has(modes->value, "ReadWriteOncePod") &&
	        has_other(modes->value, "ReadWriteOncePod"))
		kt_add_forbidden(c, modes, "may not use ReadWriteOncePod with other access modes");
}

/* dataSource and dataSourceRef name the same thing in two ways. */
static void check_data_source(struct kt_rule_context *c, const struct kt_at *source)
{
	struct kt_at name = kt_at(source, "name"), kind = kt_at(source, "kind"),
	             group = kt_at(source, "apiGroup");
	if (!source->value)
		return;
	kt_check_required(c, &name);
	kt_check_required(c, &kind);
	const char *text = kt_at_text(&group);
	if (!*text && !kt_at_is(&kind, "PersistentVolumeClaim"))
		kt_add_invalid_text(c, source, kt_text_of(source->value, "kind"),
		        "must be 'PersistentVolumeClaim' when referencing the default apiGroup");
	if (*text)
		kt_check_format(c, &group, "dns1123-subdomain");
}

static void check_storage(struct kt_rule_context *c, const struct kt_at *spec)
{
	struct kt_at resources = kt_at(spec, "resources"), requests = kt_at(&resources, "requests");
	struct kt_at by_key = kt_at_key(&resources, "storage");
	const json_t *storage = json_object_get(requests.value, "storage");
	if (!storage) {
		kt_add_required(c, &by_key, "");
		return;
	}
	by_key.value = (json_t *)(uintptr_t)storage;
	if (kt_quantities_nanos(storage) <= 0)
		kt_add_invalid_text(
		        c, &by_key, kt_quantities_text(c, storage), "must be greater than zero");
}

void kt_check_claim_spec(struct kt_rule_context *c, const struct kt_at *spec, bool is_template)
{
	static const char *const modes[] = {"Block", "Filesystem", NULL};
	struct kt_at access = kt_at(spec, "accessModes"), selector = kt_at(spec, "selector");
	struct kt_at class = kt_at(spec, "storageClassName"), mode = kt_at(spec, "volumeMode");
	struct kt_at source = kt_at(spec, "dataSource"), ref = kt_at(spec, "dataSourceRef");
	struct kt_at attributes = kt_at(spec, "volumeAttributesClassName");
	kt_auto_json json_t *nothing = json_object();
	(void)is_template;
	if (!kt_at_n(&access))
		kt_add_required(c, &access, "at least 1 access mode is required");
	kt_check_label_selector(c, &selector);
	kt_check_access_modes(c, &access);
	check_storage(c, spec);
	if (*kt_at_text(&class))
		kt_check_format(c, &class, "dns1123-subdomain");
	if (mode.value)
		kt_check_in(c, &mode, modes);
	check_data_source(c, &source);
	check_data_source(c, &ref);
	if (ref.value && source.value && !kt_same(ref.value, source.value) &&
	        !*kt_text_of(ref.value, "namespace"))
		kt_field_invalid(
		        &c->errors, kt_at_path(c, spec), nothing, "must match dataSourceRef");
	if (*kt_at_text(&attributes))
		kt_check_format(c, &attributes, "dns1123-subdomain");
}
