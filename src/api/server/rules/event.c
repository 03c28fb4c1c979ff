/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Events: core's, which take nearly anything, and those of events.k8s.io, which do not. Both are
 * one object in the store. */
#include "api/server/rules/meta.h"

#define NAME_MAX_CHARS 128
#define NOTE_MAX_CHARS 1024

static void check_length(struct kt_rule_context *c, const struct kt_at *root,
        const char *value_name, const char *shown, size_t max)
{
	struct kt_at at = kt_at(root, shown);
	if (strlen(kt_text_of(root->value, value_name)) > max)
		kt_add_invalid_text(c, &at, "", "can have at most %zu characters", max);
}

/*
 * The event lies in the namespace of what it is about; what has no namespace is reported in
 * default. Events of the newer group may be about another namespace.
 */
static void check_namespace(struct kt_rule_context *c, const struct kt_at *root,
        const char *object_name, bool may_differ)
{
	struct kt_at object = kt_at(root, "involvedObject"), at = kt_at(&object, "namespace");
	const char *namespace = kt_jstr(root->value, "metadata.namespace");
	const char *about = kt_text_of(json_object_get(root->value, object_name), "namespace");
	namespace = namespace ? namespace : "";
	if (*about ? may_differ || strcmp(about, namespace) == 0
	           : !*namespace || strcmp(namespace, "default") == 0)
		return;
	kt_add_invalid_text(c, &at, about, "does not match event.namespace");
}

static void check_reporter(struct kt_rule_context *c, const struct kt_at *root, const char *name)
{
	struct kt_at reporter = kt_at(root, name);
	kt_check_required(c, &reporter);
	kt_check_format(c, &reporter, "qualified-name");
}

static void check_texts(struct kt_rule_context *c, const struct kt_at *root, const char *note)
{
	static const char *const names[] = {"reportingInstance", "action", "reason"};
	for (size_t i = 0; i < KT_ARRAY_SIZE(names); i++) {
		struct kt_at at = kt_at(root, names[i]);
		kt_check_required(c, &at);
		check_length(c, root, names[i], names[i], NAME_MAX_CHARS);
	}
	if (note)
		check_length(c, root, note, "message", NOTE_MAX_CHARS);
}

static void validate_core(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	struct kt_at root = kt_at_root(c, object);
	(void)old;
	check_namespace(c, &root, "involvedObject", false);
	if (!json_object_get(object, "eventTime"))
		return;
	check_reporter(c, &root, "reportingComponent");
	check_texts(c, &root, "message");
}

const struct kt_rules kt_rules_core_event = {
        .group = "",
        .kind = "Event",
        .validate = validate_core,
};

/* events.k8s.io */

/* Fields by their names in core, as upstream reports them. */
static const struct {
	const char *name, *shown;
} fixed[] = {
        {"regarding", "involvedObject"},
        {"reason", "reason"},
        {"reason", "reason"},
        {"note", "message"},
        {"deprecatedSource", "source"},
        {"deprecatedFirstTimestamp", "firstTimestamp"},
        {"deprecatedLastTimestamp", "lastTimestamp"},
        {"deprecatedCount", "count"},
        {"type", "type"},
        {"eventTime", "eventTime"},
        {"action", "action"},
        {"related", "related"},
        {"reportingController", "reportingController"},
        {"reportingInstance", "reportingInstance"},
};

static void check_unset(
        struct kt_rule_context *c, const struct kt_at *root, const char *name, const char *shown)
{
	struct kt_at at = kt_at(root, shown);
	if (!kt_same(json_object_get(root->value, name), NULL))
		kt_add_invalid_text(c, &at, "", "needs to be unset");
}

static void check_series(struct kt_rule_context *c, const struct kt_at *root)
{
	struct kt_at series = kt_at(root, "series"), count = kt_at(&series, "count"),
	             last = kt_at(&series, "lastObservedTime");
	if (!series.value)
		return;
	if (kt_at_int(&count) < 2)
		kt_add_invalid_text(c, &count, "", "should be at least 2");
	if (!last.value)
		kt_add_required(c, &last, "");
}

static void validate_change(struct kt_rule_context *c, const struct kt_at *root,
        const json_t *object, const json_t *old)
{
	kt_meta_validate_update(c, object, old);
	check_namespace(c, root, "regarding", true);
	check_reporter(c, root, "reportingController");
	check_texts(c, root, NULL);
	for (size_t i = 0; i < KT_ARRAY_SIZE(fixed); i++) {
		struct kt_at at = kt_at(root, fixed[i].name);
		at.name = fixed[i].shown;
		kt_check_immutable(c, &at, json_object_get(old, fixed[i].name));
	}
	check_series(c, root);
}

static void validate_new(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	struct kt_at root = kt_at_root(c, object), type = kt_at(&root, "type"),
	             time = kt_at(&root, "eventTime");
	if (old) {
		validate_change(c, &root, object, old);
		return;
	}
	kt_meta_validate(c, object, NULL);
	check_namespace(c, &root, "regarding", true);
	if (!time.value)
		kt_add_required(c, &time, "");
	if (!kt_at_is(&type, "Normal") && !kt_at_is(&type, "Warning"))
		kt_add_invalid_text(c, &type, "", "has invalid value: %s", kt_at_text(&type));
	check_unset(c, &root, "deprecatedFirstTimestamp", "firstTimestamp");
	check_unset(c, &root, "deprecatedLastTimestamp", "lastTimestamp");
	check_unset(c, &root, "deprecatedCount", "count");
	check_unset(c, &root, "deprecatedSource", "source");
	check_reporter(c, &root, "reportingController");
	check_texts(c, &root, "note");
	check_series(c, &root);
}

const struct kt_rules kt_rules_events_event = {
        .group = "events.k8s.io",
        .kind = "Event",
        .error_group = "",
        .validate = validate_new,
};
