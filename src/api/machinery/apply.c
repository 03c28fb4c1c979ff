/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Server-side apply: merge, take away what its manager no longer applies, refuse conflicts. */
#include "api/machinery/go_text.h"
#include "api/machinery/managed_internal.h"
#include "api/machinery/patch.h"
#include "api/status.h"

#include <errno.h>

#define BEFORE_FIRST_APPLY "before-first-apply"
#define KUBECTL_MANAGER "kubectl"
#define LAST_APPLIED "kubectl.kubernetes.io/last-applied-configuration"
#define ANNOTATIONS_MAX_BYTES (256 * 1024)

struct conflict {
	char *path;
	size_t entry; /* index in managed->entries */
};

struct conflicts {
	const struct kt_managed *managed;
	KT_VEC(struct conflict) items;
	size_t entry; /* while collecting */
};

static void add_conflict(void *arg, const char *path)
{
	struct conflicts *conflicts = arg;

	kt_vec_push(&conflicts->items,
	        ((struct conflict){
	                kt_arena_strdup(conflicts->managed->arena, path), conflicts->entry}));
}

static void print_manager(struct kt_str *out, const struct kt_managed_entry *entry)
{
	kt_go_quote(out, kt_sv_of(entry->manager));
	if (entry->subresource[0]) {
		kt_str_puts(out, " with subresource ");
		kt_go_quote(out, kt_sv_of(entry->subresource));
	}
	if (!entry->applied)
		kt_str_printf(out, " using %s", entry->api_version);
}

static void print_conflicts(struct kt_str *out, const struct conflicts *conflicts)
{
	size_t last = (size_t)-1;

	if (conflicts->items.n == 1) {
		kt_str_puts(out, "Apply failed with 1 conflict: conflict with ");
		print_manager(
		        out, &conflicts->managed->entries.items[conflicts->items.items[0].entry]);
		kt_str_printf(out, ": %s", conflicts->items.items[0].path);
		return;
	}
	kt_str_printf(out, "Apply failed with %zu conflicts: ", conflicts->items.n);
	for (size_t i = 0; i < conflicts->items.n; i++) {
		const struct conflict *conflict = &conflicts->items.items[i];

		if (i)
			kt_str_putc(out, '\n');
		if (conflict->entry != last) {
			kt_str_puts(out, "conflicts with ");
			print_manager(out, &conflicts->managed->entries.items[conflict->entry]);
			kt_str_puts(out, ":\n");
		}
		kt_str_printf(out, "- %s", conflict->path);
		last = conflict->entry;
	}
}

static int fail_conflicts(const struct conflicts *conflicts, struct kt_err *err)
{
	kt_auto_str text = KT_STR_INIT;

	print_conflicts(&text, conflicts);
	kt_fail_reason(err, KT_REASON_CONFLICT, kt_reason_errno(KT_REASON_CONFLICT), "%s",
	        kt_str_text(&text));
	for (size_t i = 0; err && i < conflicts->items.n; i++) {
		const struct conflict *conflict = &conflicts->items.items[i];
		kt_auto_str message = KT_STR_INIT;

		kt_str_puts(&message, "conflict with ");
		print_manager(&message, &conflicts->managed->entries.items[conflict->entry]);
		kt_err_add_cause(
		        err, "FieldManagerConflict", conflict->path, kt_str_text(&message));
	}
	return err ? err->code : -EEXIST;
}

static int fail_plain(struct kt_err *err, const char *text)
{
	kt_fail_reason(err, KT_REASON_UNKNOWN, EINVAL, "%s", text);
	if (err)
		err->status = 500;
	return -EINVAL;
}

/* "apps/v1, Kind=Deployment", "/v1, Kind=Service" */
static void print_gvk(struct kt_str *out, const json_t *config)
{
	const char *api_version = kt_jstr(config, "apiVersion");
	const char *kind = kt_jstr(config, "kind");

	kt_str_printf(out, "%s%s, Kind=%s", api_version && strchr(api_version, '/') ? "" : "/",
	        api_version ? api_version : "", kind ? kind : "");
}

static int check_config(const struct kt_apply *apply, const json_t *config, struct kt_err *err)
{
	const char *api_version = kt_jstr(config, "apiVersion");
	const char *name = kt_jstr(config, "metadata.name");
	const char *namespace = kt_jstr(config, "metadata.namespace");
	kt_auto_str errors = KT_STR_INIT;
	kt_auto_str gvk = KT_STR_INIT;
	kt_auto_str text = KT_STR_INIT;

	print_gvk(&gvk, config);
	if (kt_jget(config, "metadata.managedFields"))
		return kt_fail_reason(
		        err, KT_REASON_BAD_REQUEST, EINVAL, "metadata.managedFields must be nil");
	if (api_version && strcmp(api_version, apply->api_version))
		return kt_fail_reason(err, KT_REASON_BAD_REQUEST, EINVAL, "invalid object type: %s",
		        kt_str_text(&gvk));
	kt_typed_check(apply->type, config, &errors);
	if (!errors.len)
		return 0;
	kt_str_printf(&text, "failed to create typed patch object (%s/%s; %s): %s",
	        namespace ? namespace : "", name ? name : "", kt_str_text(&gvk),
	        kt_str_text(&errors));
	return fail_plain(err, kt_str_text(&text));
}

/* All that any manager owns, with the structs around it. */
static const struct kt_fieldset *owned(const struct kt_managed *managed, const struct kt_type *type)
{
	const struct kt_fieldset *all = NULL;

	for (size_t i = 0; i < managed->entries.n; i++)
		all = kt_fieldset_union(managed->arena, all, managed->entries.items[i].set);
	return kt_fieldset_with_parents(managed->arena, all, type);
}

/* Takes from `merged` what the manager applied last time, unless it does so again or somebody else
 * owns it. New reference. */
static json_t *prune(const struct kt_managed *managed, const struct kt_type *type, json_t *merged,
        const struct kt_fieldset *last, const struct kt_fieldset *applied)
{
	struct kt_arena *arena = managed->arena;
	const struct kt_fieldset *had = kt_fieldset_with_parents(arena, last, type);
	const struct kt_fieldset *keep = kt_fieldset_union(
	        arena, owned(managed, type), kt_fieldset_with_parents(arena, applied, type));
	const struct kt_fieldset *all, *left, *gone;
	kt_auto_json json_t *pruned = NULL;
	kt_auto_json json_t *kept = NULL;

	if (kt_fieldset_is_empty(last))
		return json_incref(merged);
	all = kt_fieldset_with_parents(arena, kt_typed_fields(arena, type, merged), type);
	pruned = kt_typed_remove(type, merged, had);
	left = kt_fieldset_with_parents(arena, kt_typed_fields(arena, type, pruned), type);
	/* back comes what is owned … */
	gone = kt_fieldset_difference(arena, all, kt_fieldset_union(arena, left, keep));
	kept = kt_typed_remove(type, merged, gone);
	left = kt_fieldset_with_parents(arena, kt_typed_fields(arena, type, kept), type);
	/* … and what nobody ever applied */
	gone = kt_fieldset_intersection(arena, kt_fieldset_difference(arena, all, left), had);
	return kt_typed_remove(type, merged, gone);
}

static int compare_conflicts(const void *a, const void *b)
{
	const struct conflict *x = a, *y = b;

	return x->entry != y->entry ? (x->entry < y->entry ? -1 : 1) : strcmp(x->path, y->path);
}

static int compare_names(const void *a, const void *b)
{
	const struct kt_managed_entry *x = a, *y = b;

	return strcmp(x->manager, y->manager);
}

/* Which fields of others this apply changes; minus `allowed`. */
static void find_conflicts(struct conflicts *conflicts, struct kt_managed *managed,
        const struct kt_fieldset *changed, const struct kt_fieldset *allowed)
{
	if (managed->entries.n)
		qsort(managed->entries.items, managed->entries.n, sizeof(*managed->entries.items),
		        compare_names);
	conflicts->managed = managed;
	for (size_t i = 0; i < managed->entries.n; i++) {
		const struct kt_fieldset *set = kt_fieldset_intersection(
		        managed->arena, managed->entries.items[i].set, changed);

		conflicts->entry = i;
		kt_fieldset_each(kt_fieldset_difference(managed->arena, set, allowed), add_conflict,
		        conflicts);
	}
	if (conflicts->items.n)
		qsort(conflicts->items.items, conflicts->items.n, sizeof(*conflicts->items.items),
		        compare_conflicts);
}

/* The fields of kubectl's last-applied annotation that are live as they were applied: server-side
 * kubectl may take those. */
static const struct kt_fieldset *last_applied(
        const struct kt_managed *managed, const struct kt_apply *apply, const json_t *live)
{
	const char *text = json_string_value(
	        json_object_get(kt_jget(live, "metadata.annotations"), LAST_APPLIED));
	struct kt_arena *arena = managed->arena;
	struct kt_typed_skip skip = kt_managed_skip(apply);
	struct kt_comparison comparison;
	const struct kt_fieldset *set;
	json_t *config;

	if (!text || strcmp(apply->manager, KUBECTL_MANAGER))
		return NULL;
	config = kt_json_parse(kt_sv_of(text), NULL, NULL);
	if (!json_is_object(config)) {
		json_decref(config);
		return NULL;
	}
	set = kt_typed_fields(arena, apply->type, config);
	kt_typed_compare(arena, apply->type, config, live, &skip, &comparison);
	set = kt_fieldset_difference(arena, set, comparison.modified);
	set = kt_fieldset_difference(arena, set, comparison.added);
	set = kt_fieldset_difference(arena, set, comparison.removed);
	json_decref(config);
	return set;
}

/* kubectl keeps the annotation of its client-side half up to date where there is one. */
static void sync_last_applied(const struct kt_apply *apply, json_t *object, const json_t *config)
{
	json_t *annotations = kt_jget(object, "metadata.annotations");
	kt_auto_json json_t *copy = NULL;
	kt_auto_str text = KT_STR_INIT;

	if (strcmp(apply->manager, KUBECTL_MANAGER) || !json_object_get(annotations, LAST_APPLIED))
		return;
	copy = json_deep_copy(config);
	json_object_del(kt_jget(copy, "metadata.annotations"), LAST_APPLIED);
	kt_json_write(&text, copy, KT_JSON_SORT | KT_JSON_HTML);
	kt_str_putc(&text, '\n');
	json_object_set_new(annotations, LAST_APPLIED,
	        json_string(text.len > ANNOTATIONS_MAX_BYTES ? "" : kt_str_text(&text)));
}

static struct kt_managed_entry self_of(const struct kt_apply *apply)
{
	return (struct kt_managed_entry){.manager = apply->manager,
	        .api_version = apply->api_version,
	        .subresource = apply->subresource ? apply->subresource : "",
	        .applied = true};
}

/* Takes the applying manager's entry out of the list; its set is what it applied last. */
static struct kt_managed_entry take_self(struct kt_managed *managed, const struct kt_apply *apply)
{
	struct kt_managed_entry self = self_of(apply);
	struct kt_managed_entry *previous = kt_managed_find(managed, &self);

	if (previous) {
		self = *previous;
		kt_vec_remove(&managed->entries, (size_t)(previous - managed->entries.items));
	}
	return self;
}

static int resolve_conflicts(struct kt_managed *managed, const struct kt_apply *apply,
        const json_t *live, const json_t *object, struct kt_err *err)
{
	struct kt_typed_skip skip = kt_managed_skip(apply);
	struct kt_comparison comparison;
	struct conflicts conflicts = {0};
	const struct kt_fieldset *changed;
	int code = 0;

	kt_typed_compare(managed->arena, apply->type, live, object, &skip, &comparison);
	changed = kt_fieldset_union(managed->arena, comparison.added, comparison.modified);
	if (!apply->force)
		find_conflicts(&conflicts, managed, changed, last_applied(managed, apply, live));
	if (conflicts.items.n)
		code = fail_conflicts(&conflicts, err);
	kt_vec_finish(&conflicts.items);
	if (code < 0)
		return code;
	changed = kt_fieldset_union(managed->arena, changed, comparison.removed);
	for (size_t i = managed->entries.n; i-- > 0;)
		kt_managed_set(managed, i,
		        kt_fieldset_difference(
		                managed->arena, managed->entries.items[i].set, changed));
	return 0;
}

/* The bare live object: a shallow copy without managedFields. */
static json_t *bare(const json_t *live)
{
	json_t *object = live ? json_copy((json_t *)(uintptr_t)live) : json_object();
	json_t *metadata = json_object_get(object, "metadata");

	if (json_is_object(metadata)) {
		metadata = json_copy(metadata);
		json_object_del(metadata, "managedFields");
		json_object_set_new(object, "metadata", metadata);
	}
	return object;
}

static json_t *apply_config(struct kt_managed *managed, const struct kt_apply *apply,
        const json_t *live, const json_t *config, struct kt_err *err)
{
	struct kt_managed_entry self = take_self(managed, apply);
	const struct kt_fieldset *applied = kt_typed_fields(managed->arena, apply->type, config);
	const struct kt_fieldset *own = kt_managed_strip(managed, apply, applied);
	kt_auto_json json_t *merged = kt_typed_merge(apply->type, live, config);
	kt_auto_json json_t *shared = prune(managed, apply->type, merged, self.set, applied);
	json_t *object;

	if (resolve_conflicts(managed, apply, live, shared, err) < 0)
		return NULL;
	object = json_deep_copy(shared);
	if (!kt_fieldset_equal(self.set, own) || strcmp(self.api_version, apply->api_version))
		self.source = NULL;
	self.set = own;
	self.api_version = apply->api_version;
	if (!kt_json_equal(live, object)) {
		self.time = kt_managed_now(managed, apply);
		self.source = NULL;
	}
	if (!kt_fieldset_is_empty(own))
		kt_vec_push(&managed->entries, self);
	sync_last_applied(apply, object, config);
	return object;
}

json_t *kt_apply_merge(
        const struct kt_apply *apply, const json_t *live, const json_t *config, struct kt_err *err)
{
	kt_auto_arena arena = {0};
	struct kt_managed managed = {.arena = &arena};
	kt_auto_json json_t *base = NULL;
	json_t *object, *metadata, *list;

	if (check_config(apply, config, err) < 0)
		return NULL;
	kt_arena_init(&arena);
	base = bare(live);
	kt_managed_decode(&managed, kt_jget(live, "metadata.managedFields"));
	if (!managed.entries.n && live)
		kt_managed_track(&managed, apply, BEFORE_FIRST_APPLY, NULL, base);
	object = apply_config(&managed, apply, base, config, err);
	metadata = json_object_get(object, "metadata");
	list = object ? kt_managed_encode(&managed) : NULL;
	if (list && !metadata) {
		metadata = json_object();
		json_object_set_new(object, "metadata", metadata);
	}
	if (list)
		json_object_set_new(metadata, "managedFields", list);
	kt_managed_finish(&managed);
	return object;
}
