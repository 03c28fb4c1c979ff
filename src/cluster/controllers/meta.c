/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cluster/controllers/meta.h"

#include "api/client/sections.h"
#include "api/machinery/patch.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"

#include <math.h>

static struct kt_sv string_at(struct kt_json_at object, const char *key)
{
	struct kt_sv text = {0};

	kt_json_string_sv(kt_json_member(object, key), &text);
	return text;
}

bool kt_controller_owner(const struct kt_object *object, struct kt_owner *ret_owner)
{
	struct kt_sv text = kt_object_span(object, object->owner_references);
	struct kt_json_at list = kt_json_doc(text.p, text.len), item;
	struct kt_json_iter it = {0};

	while (list.p && kt_json_next_element(list, &it, &item)) {
		if (!kt_json_bool(kt_json_member(item, "controller"), false))
			continue;
		if (ret_owner)
			*ret_owner = (struct kt_owner){string_at(item, "apiVersion"),
			        string_at(item, "kind"), string_at(item, "name"),
			        string_at(item, "uid")};
		return true;
	}
	return false;
}

json_t *kt_owner_reference(const struct kt_object *owner, const char *api_version, const char *kind)
{
	struct kt_sv name = kt_object_name(owner), uid = kt_object_uid(owner);

	return json_pack("{s:s,s:s,s:s%,s:s%,s:b,s:b}", "apiVersion", api_version, "kind", kind,
	        "name", name.p, name.len, "uid", uid.p, uid.len, "controller", 1,
	        "blockOwnerDeletion", 1);
}

bool kt_is_deleting(const struct kt_object *object)
{
	return object->deletion_timestamp.len > 0;
}

struct kt_json_at kt_field_of(
        const struct kt_object *object, const char *section, const char *field)
{
	if (strcmp(section, "spec") == 0)
		return kt_object_field(object, KT_SECTION_SPEC, field);
	if (strcmp(section, "status") == 0)
		return kt_object_field(object, KT_SECTION_STATUS, field);
	if (strcmp(section, "metadata") == 0)
		return kt_object_field(object, KT_SECTION_METADATA, field);
	return kt_json_find(kt_object_doc(object), section, field, NULL);
}

int64_t kt_int_at(
        const struct kt_object *object, const char *section, const char *field, int64_t fallback)
{
	int64_t value;

	return kt_json_int64(kt_field_of(object, section, field), &value) ? value : fallback;
}

int64_t kt_generation(const struct kt_object *object)
{
	return kt_int_at(object, "metadata", "generation", 0);
}

int64_t kt_time_at(struct kt_json_at object, const char *key)
{
	struct kt_sv text = object.p ? string_at(object, key) : (struct kt_sv){0};
	int64_t ns;

	return text.len && kt_time_parse(text, &ns) == 0 ? ns : 0;
}

int64_t kt_created_ns(const struct kt_object *object)
{
	return kt_time_at(kt_json_member(kt_object_doc(object), "metadata"), "creationTimestamp");
}

char *kt_annotation(const struct kt_object *object, const char *key)
{
	struct kt_sv text = kt_object_span(object, object->annotations);

	return text.len ? kt_json_string_dup(kt_json_member(kt_json_doc(text.p, text.len), key))
	                : NULL;
}

bool kt_has_finalizer(const struct kt_object *object, const char *finalizer)
{
	struct kt_sv text = kt_object_span(object, object->finalizers);
	struct kt_json_at list = kt_json_doc(text.p, text.len), item;
	struct kt_json_iter it = {0};

	while (list.p && kt_json_next_element(list, &it, &item))
		if (kt_json_string_is(item, finalizer))
			return true;
	return false;
}

json_t *kt_finalizers_without(const struct kt_object *object, const char *finalizer)
{
	struct kt_sv text = kt_object_span(object, object->finalizers);
	struct kt_json_at list = kt_json_doc(text.p, text.len), item;
	struct kt_json_iter it = {0};
	json_t *out = json_array();

	while (list.p && kt_json_next_element(list, &it, &item))
		if (!kt_json_string_is(item, finalizer))
			json_array_append_new(out, kt_json_tree(item));
	return out;
}

struct kt_json_at kt_condition(const struct kt_object *object, const char *type)
{
	struct kt_json_at list = kt_field_of(object, "status", "conditions"), item;
	struct kt_json_iter it = {0};

	while (list.p && kt_json_next_element(list, &it, &item))
		if (kt_json_string_is(kt_json_member(item, "type"), type))
			return item;
	return (struct kt_json_at){0};
}

bool kt_condition_is_true(const struct kt_object *object, const char *type)
{
	struct kt_json_at condition = kt_condition(object, type);

	return condition.p && kt_json_string_is(kt_json_member(condition, "status"), "True");
}

bool kt_pod_phase_is(const struct kt_object *pod, const char *phase)
{
	return kt_json_string_is(kt_field_of(pod, "status", "phase"), phase);
}

bool kt_pod_is_active(const struct kt_object *pod)
{
	return !kt_is_deleting(pod) && !kt_pod_phase_is(pod, "Succeeded") &&
	       !kt_pod_phase_is(pod, "Failed");
}

bool kt_pod_is_ready(const struct kt_object *pod)
{
	return kt_condition_is_true(pod, "Ready");
}

bool kt_pod_is_available(
        const struct kt_object *pod, int64_t min_ready_s, int64_t wall_ns, int64_t *ret_after_ms)
{
	struct kt_json_at ready = kt_condition(pod, "Ready");
	int64_t since, due;

	if (!ready.p || !kt_json_string_is(kt_json_member(ready, "status"), "True"))
		return false;
	if (!min_ready_s)
		return true;
	since = kt_time_at(ready, "lastTransitionTime");
	due = since + min_ready_s * KT_NS_PER_S;
	if (since && due <= wall_ns)
		return true;
	if (ret_after_ms)
		*ret_after_ms = (due - wall_ns) / KT_NS_PER_MS + 1;
	return false;
}

struct kt_sv kt_pod_node(const struct kt_object *pod)
{
	struct kt_sv name = {0};

	kt_json_string_sv(kt_field_of(pod, "spec", "nodeName"), &name);
	return name;
}

json_t *kt_time_json(int64_t wall_ns)
{
	char text[KT_TIME_TEXT_MAX];

	kt_time_format(wall_ns, text);
	return json_string(text);
}

json_t *kt_find_condition(const json_t *conditions, const char *type)
{
	json_t *item;
	size_t i;

	json_array_foreach(conditions, i, item)
		if (kt_streq(kt_jstr(item, "type"), type))
			return item;
	return NULL;
}

bool kt_set_condition(json_t *conditions, const char *type, const char *status, const char *reason,
        const char *message, int64_t wall_ns, bool with_update)
{
	json_t *condition = kt_find_condition(conditions, type);
	bool flips = !condition || !kt_streq(kt_jstr(condition, "status"), status);

	if (!flips && kt_streq(kt_jstr(condition, "reason"), reason) &&
	        kt_streq(kt_jstr(condition, "message"), message))
		return false;
	if (!condition) {
		condition = json_pack("{s:s}", "type", type);
		json_array_append_new(conditions, condition);
	}
	json_object_set_new(condition, "status", json_string(status));
	if (with_update)
		json_object_set_new(condition, "lastUpdateTime", kt_time_json(wall_ns));
	if (flips)
		json_object_set_new(condition, "lastTransitionTime", kt_time_json(wall_ns));
	json_object_set_new(condition, "reason", json_string(reason));
	json_object_set_new(condition, "message", json_string(message));
	return true;
}

bool kt_remove_condition(json_t *conditions, const char *type)
{
	for (size_t i = 0; i < json_array_size(conditions); i++)
		if (kt_streq(kt_jstr(json_array_get(conditions, i), "type"), type)) {
			json_array_remove(conditions, i);
			return true;
		}
	return false;
}

char *kt_canonical(const json_t *value)
{
	struct kt_str out = KT_STR_INIT;

	kt_json_write(&out, value, KT_JSON_SORT);
	return kt_str_steal(&out);
}

uint32_t kt_fnv32a(const char *text, uint32_t start)
{
	uint32_t h = start ? start : UINT32_C(2166136261);

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * UINT32_C(16777619);
	return h;
}

static const char safe_alphabet[] = "bcdfghjklmnpqrstvwxz2456789";

void kt_safe_encode(uint32_t value, char ret_text[16])
{
	char digits[16];
	size_t i;

	snprintf(digits, sizeof(digits), "%u", value);
	for (i = 0; digits[i]; i++)
		ret_text[i] = safe_alphabet[(unsigned char)digits[i] % (sizeof(safe_alphabet) - 1)];
	ret_text[i] = '\0';
}

int64_t kt_int_or_percent(const json_t *value, int64_t total, bool up, int64_t fallback)
{
	const char *text = json_string_value(value);
	char *end;
	double percent;

	if (json_is_integer(value))
		return json_integer_value(value);
	if (!text)
		return fallback;
	percent = strtod(text, &end);
	if (end == text || strcmp(end, "%") != 0)
		return fallback;
	percent = percent * (double)total / 100;
	return (int64_t)(up ? ceil(percent - 1e-9) : floor(percent + 1e-9));
}

void kt_objects_finish(kt_objects *objects)
{
	kt_vec_finish(objects);
}

static bool collect(void *arg, struct kt_object *object)
{
	kt_objects *out = arg;

	kt_vec_push(out, object);
	return true;
}

void kt_collect_indexed(
        const struct kt_informer *informer, const char *index, struct kt_sv value, kt_objects *out)
{
	kt_informer_each_indexed(informer, index, value, collect, out);
}

void kt_index_orphans(
        const struct kt_object *object, void (*emit)(void *ctx, struct kt_sv value), void *ctx)
{
	if (!kt_controller_owner(object, NULL))
		emit(ctx, kt_object_namespace(object));
}

/* Both directions carry the uid, so that a namesake is never touched. finalizers: the key under
 * which the claim's one stands. */
static void send_owner_patch(const struct kt_claim *claim, struct kt_object *object,
        json_t *reference, const char *finalizers)
{
	struct kt_sv namespace = kt_object_namespace(object), name = kt_object_name(object),
	             uid = kt_object_uid(object);
	kt_auto_json json_t *body = json_pack("{s:{s:s%,s:[o]}}", "metadata", "uid", uid.p, uid.len,
	        "ownerReferences", reference);

	if (claim->finalizer)
		json_object_set_new(json_object_get(body, "metadata"), finalizers,
		        json_pack("[s]", claim->finalizer));
	kt_pass_send(claim->pass,
	        &(struct kt_pass_write){.method = "PATCH",
	                .content_type = KT_PATCH_STRATEGIC,
	                .body = body,
	                .informer = claim->informer},
	        "%s/namespaces/%.*s/%s/%.*s", claim->group_path, KT_SVP(namespace), claim->resource,
	        KT_SVP(name));
}

static void adopt(const struct kt_claim *claim, struct kt_object *object)
{
	send_owner_patch(claim, object,
	        kt_owner_reference(claim->owner, claim->api_version, claim->kind), "finalizers");
}

static void release(const struct kt_claim *claim, struct kt_object *object)
{
	struct kt_sv uid = kt_object_uid(claim->owner);

	send_owner_patch(claim, object,
	        json_pack("{s:s,s:s%}", "$patch", "delete", "uid", uid.p, uid.len),
	        "$deleteFromPrimitiveList/finalizers");
}

void kt_claim_objects(const struct kt_claim *claim, kt_objects *out)
{
	kt_auto_objects mine = {0}, orphans = {0};
	bool deleting = kt_is_deleting(claim->owner);

	kt_collect_indexed(claim->informer, "controller", kt_object_uid(claim->owner), &mine);
	for (size_t i = 0; i < mine.n; i++) {
		if (!claim->selector || kt_selector_matches(claim->selector, mine.items[i]))
			kt_vec_push(out, mine.items[i]);
		else if (!deleting)
			release(claim, mine.items[i]);
	}
	if (deleting || !claim->selector)
		return;
	kt_collect_indexed(claim->informer, "orphan", kt_object_namespace(claim->owner), &orphans);
	for (size_t i = 0; i < orphans.n; i++) {
		if (kt_is_deleting(orphans.items[i]) ||
		        !kt_selector_matches(claim->selector, orphans.items[i]))
			continue;
		adopt(claim, orphans.items[i]);
		kt_vec_push(out, orphans.items[i]);
	}
}

json_t *kt_pod_of_template(const json_t *template, const struct kt_object *owner,
        const char *api_version, const char *kind)
{
	static const char *const kept[] = {"labels", "annotations", "finalizers"};
	struct kt_sv namespace = kt_object_namespace(owner);
	json_t *metadata = json_pack("{s:s%,s:[o]}", "namespace", namespace.p, namespace.len,
	        "ownerReferences", kt_owner_reference(owner, api_version, kind));

	for (size_t i = 0; i < KT_ARRAY_SIZE(kept); i++) {
		json_t *value = json_object_get(json_object_get(template, "metadata"), kept[i]);

		if (value)
			json_object_set_new(metadata, kept[i], json_deep_copy(value));
	}
	return json_pack("{s:s,s:s,s:o,s:O}", "apiVersion", "v1", "kind", "Pod", "metadata",
	        metadata, "spec", json_object_get(template, "spec"));
}

struct selecting {
	const struct kt_object *orphan;
	void (*fn)(void *arg, struct kt_object *object);
	void *arg;
};

static bool check_selecting(void *arg, struct kt_object *object)
{
	struct selecting *s = arg;
	kt_auto_json json_t *json = kt_json_tree(kt_field_of(object, "spec", "selector"));
	struct kt_selector *selector = NULL;
	kt_auto_err err = KT_ERR_INIT;

	if (!json)
		return true;
	if (json_object_get(json, "matchLabels") || json_object_get(json, "matchExpressions")) {
		if (kt_selector_of_json(json, &selector, &err) < 0)
			return true;
	} else {
		selector = kt_selector_of_map(json);
	}
	if (!kt_selector_is_empty(selector) && kt_selector_matches(selector, s->orphan))
		s->fn(s->arg, object);
	kt_selector_destroy(selector);
	return true;
}

void kt_each_selecting(const struct kt_informer *informer, const struct kt_object *orphan,
        void (*fn)(void *arg, struct kt_object *object), void *arg)
{
	struct selecting s = {orphan, fn, arg};

	kt_informer_each_indexed(
	        informer, "namespace", kt_object_namespace(orphan), check_selecting, &s);
}

json_t *kt_status_tree(const struct kt_object *object)
{
	struct kt_json_at at = kt_json_member(kt_object_doc(object), "status");
	json_t *tree = at.p ? kt_json_tree(at) : NULL;

	return tree ? tree : json_object();
}

void kt_set_count(json_t *object, const char *key, int64_t n)
{
	if (n)
		json_object_set_new(object, key, json_integer(n));
	else
		json_object_del(object, key);
}

json_t *kt_status_conditions(json_t *status)
{
	json_t *conditions = json_object_get(status, "conditions");

	if (!json_is_array(conditions)) {
		conditions = json_array();
		json_object_set_new(status, "conditions", conditions);
	}
	return conditions;
}

void kt_patch_status(struct kt_pass *pass, struct kt_informer *informer,
        const struct kt_object *object, const char *path, json_t *status)
{
	kt_auto_json json_t *old = kt_status_tree(object), *new = status, *diff = NULL,
	                    *body = NULL;
	struct kt_sv uid = kt_object_uid(object);

	if (json_array_size(json_object_get(new, "conditions")) == 0)
		json_object_del(new, "conditions");
	diff = kt_diff_merge(old, new);
	if (!diff || json_object_size(diff) == 0)
		return;
	body = json_pack("{s:{s:s%},s:O}", "metadata", "uid", uid.p, uid.len, "status", diff);
	kt_pass_send(pass,
	        &(struct kt_pass_write){.method = "PATCH",
	                .content_type = KT_PATCH_MERGE,
	                .body = body,
	                .informer = informer},
	        "%s/status", path);
}

void kt_index_by_claim(
        const struct kt_object *pod, void (*emit)(void *ctx, struct kt_sv value), void *ctx)
{
	struct kt_json_at list = kt_field_of(pod, "spec", "volumes"), item;
	struct kt_sv namespace = kt_object_namespace(pod), name;
	struct kt_json_iter it = {0};

	while (list.p && kt_json_next_element(list, &it, &item)) {
		kt_auto_free char *key = NULL;

		if (kt_json_string_sv(
		            kt_json_find(item, "persistentVolumeClaim", "claimName", NULL), &name))
			key = kt_asprintf("%.*s/%.*s", KT_SVP(namespace), KT_SVP(name));
		else if (kt_json_member(item, "ephemeral").p &&
		         kt_json_string_sv(kt_json_member(item, "name"), &name))
			key = kt_asprintf("%.*s/%.*s-%.*s", KT_SVP(namespace),
			        KT_SVP(kt_object_name(pod)), KT_SVP(name));
		if (key)
			emit(ctx, kt_sv_of(key));
	}
}

void kt_collect_users_of_claim(
        const struct kt_informer *pods, const struct kt_object *claim, kt_objects *out)
{
	kt_auto_free char *key = kt_asprintf(
	        "%.*s/%.*s", KT_SVP(kt_object_namespace(claim)), KT_SVP(kt_object_name(claim)));

	kt_collect_indexed(pods, "claim", kt_sv_of(key), out);
}
