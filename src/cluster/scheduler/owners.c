/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cluster/scheduler/owners.h"

#include "api/client/sections.h"
#include "base/vec.h"

struct service {
	struct kt_object *object;
	struct kt_selector *selector;
};

typedef KT_VEC(struct service) services;

static void service_finish(struct service *service)
{
	kt_selector_destroy(service->selector);
	kt_object_unref(service->object);
}

static void services_free(void *value)
{
	services *list = value;

	for (size_t i = 0; i < list->n; i++)
		service_finish(&list->items[i]);
	kt_vec_finish(list);
	free(list);
}

static void object_free(void *value)
{
	kt_object_unref(value);
}

void kt_owners_init(struct kt_owners *owners)
{
	kt_map_init(&owners->services, services_free);
	kt_map_init(&owners->controllers, object_free);
}

void kt_owners_finish(struct kt_owners *owners)
{
	kt_map_finish(&owners->services);
	kt_map_finish(&owners->controllers);
}

void kt_owners_remove_service(struct kt_owners *owners, const struct kt_object *object)
{
	services *list = kt_map_get_sv(&owners->services, kt_object_namespace(object));
	kt_auto_free char *namespace = kt_sv_dup(kt_object_namespace(object));

	for (size_t i = 0; list && i < list->n; i++)
		if (kt_sv_eq(kt_object_name(list->items[i].object), kt_object_name(object))) {
			service_finish(&list->items[i]);
			kt_vec_remove(list, i);
			break;
		}
	if (list && !list->n)
		kt_map_del(&owners->services, namespace);
}

void kt_owners_set_service(struct kt_owners *owners, struct kt_object *object)
{
	struct kt_json_at at = kt_object_field(object, KT_SECTION_SPEC, "selector");
	kt_auto_json json_t *tree = at.p ? kt_json_tree(at) : NULL;
	services *list;

	kt_owners_remove_service(owners, object);
	if (!json_object_size(tree))
		return;
	list = kt_map_get_sv(&owners->services, kt_object_namespace(object));
	if (!list) {
		list = kt_zalloc(sizeof(*list));
		kt_map_set_sv(&owners->services, kt_object_namespace(object), list);
	}
	kt_vec_push(list, ((struct service){kt_object_ref(object), kt_selector_of_map(tree)}));
}

static char *controller_key(const char *kind, struct kt_sv namespace, struct kt_sv name)
{
	return kt_asprintf("%s/%.*s/%.*s", kind, KT_SVP(namespace), KT_SVP(name));
}

void kt_owners_set_controller(
        struct kt_owners *owners, const char *kind, struct kt_object *controller)
{
	kt_auto_free char *key =
	        controller_key(kind, kt_object_namespace(controller), kt_object_name(controller));

	kt_map_set(&owners->controllers, key, kt_object_ref(controller));
}

void kt_owners_remove_controller(
        struct kt_owners *owners, const char *kind, const struct kt_object *controller)
{
	kt_auto_free char *key =
	        controller_key(kind, kt_object_namespace(controller), kt_object_name(controller));

	kt_map_del(&owners->controllers, key);
}

/* The object behind the pod's controller reference, when its kind is known here. */
static const struct kt_object *controller_of(const struct kt_owners *owners,
        const struct kt_object *pod, struct kt_json_at *ret_selector, bool *ret_is_map)
{
	struct kt_sv text = kt_object_span(pod, pod->owner_references);
	struct kt_json_at list = {text.p, text.len}, item;
	struct kt_json_iter it = {0};
	struct kt_sv kind, name;
	const struct kt_object *found;

	while (list.p && kt_json_next_element(list, &it, &item)) {
		if (!kt_json_bool(kt_json_member(item, "controller"), false))
			continue;
		if (!kt_json_string_sv(kt_json_member(item, "kind"), &kind) ||
		        !kt_json_string_sv(kt_json_member(item, "name"), &name))
			return NULL;
		kt_auto_free char *kind_text = kt_sv_dup(kind);
		kt_auto_free char *key = controller_key(kind_text, kt_object_namespace(pod), name);

		found = kt_map_get(&owners->controllers, key);
		if (found)
			*ret_selector = kt_object_field(found, KT_SECTION_SPEC, "selector");
		*ret_is_map = kt_streq(kind_text, "ReplicationController");
		return found;
	}
	return NULL;
}

/* {"a":"1"} → {"key":"a","operator":"In","values":["1"]}, each with a comma behind it. Keys that
 * `but` has are left out. */
static void write_labels(struct kt_str *out, struct kt_json_at map, struct kt_json_at but)
{
	struct kt_json_iter it = {0};
	struct kt_json_at value;
	struct kt_sv key;

	while (map.p && kt_json_next_member(map, &it, &key, &value)) {
		kt_auto_free char *text = kt_sv_dup(key);

		if (!but.p || !kt_json_member(but, text).p)
			kt_str_printf(out,
			        "{\"key\":\"%s\",\"operator\":\"In\",\"values\":[%.*s]},", text,
			        (int)value.len, value.p);
	}
}

struct kt_json_at kt_owners_selector(
        const struct kt_owners *owners, const struct kt_object *pod, struct kt_arena *arena)
{
	const services *list = kt_map_get_sv(&owners->services, kt_object_namespace(pod));
	struct kt_json_at selector = {0}, none = {0}, item;
	bool is_map = false;
	kt_auto_str out = KT_STR_INIT;
	struct kt_json_iter it = {0};

	controller_of(owners, pod, &selector, &is_map);
	kt_str_puts(&out, "{\"matchExpressions\":[");
	size_t empty = out.len;

	for (size_t i = 0; list && i < list->n; i++)
		if (kt_selector_matches(list->items[i].selector, pod))
			write_labels(&out,
			        kt_object_field(list->items[i].object, KT_SECTION_SPEC, "selector"),
			        is_map ? selector : none);
	if (is_map) {
		write_labels(&out, selector, none);
	} else if (selector.p) {
		struct kt_json_at expressions = kt_json_member(selector, "matchExpressions");

		write_labels(&out, kt_json_member(selector, "matchLabels"), none);
		while (expressions.p && kt_json_next_element(expressions, &it, &item))
			kt_str_printf(&out, "%.*s,", (int)item.len, item.p);
	}
	if (out.len == empty)
		return none;
	out.len--; /* the last comma */
	kt_str_puts(&out, "]}");
	return (struct kt_json_at){kt_arena_strndup(arena, kt_str_text(&out), out.len), out.len};
}
