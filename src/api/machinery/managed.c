/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Updates: who changed what. */
#include "api/machinery/managed_internal.h"

#include "base/time.h"

#define ANCIENT_MANAGER "ancient-changes"

static const char *const no_fields[] = {"apiVersion", "kind", NULL};
static const char *const no_fields_no_status[] = {"apiVersion", "kind", "status", NULL};
static const char *const only_status[] = {"apiVersion", "kind", "spec", NULL};
#define NO_METADATA \
	"name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName", "generation", \
	        "managedFields", "resourceVersion"
static const char *const no_metadata[] = {NO_METADATA, NULL};

/* Status strategies that put back parts of metadata, too. */
static const struct {
	const char *group, *kind;
	const char *const *metadata;
} status_resets[] = {
        {"apps", "Deployment", (const char *const[]){"labels", NO_METADATA, NULL}},
        {"", "Pod",
                (const char *const[]){"deletionTimestamp", "ownerReferences", NO_METADATA, NULL}},
};

static bool has_status(const struct kt_apply *apply)
{
	if (apply->kind)
		return apply->kind->flags & KT_KIND_HAS_STATUS;
	return !(apply->type->flags & KT_FIELD_UNSTRUCTURED) &&
	       kt_type_field(apply->type, KT_SV("status")) != NULL;
}

struct kt_typed_skip kt_managed_skip(const struct kt_apply *apply)
{
	struct kt_typed_skip skip = {no_fields, no_metadata};

	if (!apply->subresource || !*apply->subresource) {
		if (has_status(apply))
			skip.root = no_fields_no_status;
	} else if (!strcmp(apply->subresource, "status")) {
		skip.root = only_status;
		for (size_t i = 0; apply->kind && i < KT_ARRAY_SIZE(status_resets); i++)
			if (!strcmp(status_resets[i].kind, apply->kind->kind) &&
			        !strcmp(status_resets[i].group, apply->kind->group))
				skip.metadata = status_resets[i].metadata;
	}
	return skip;
}

static void attach_names(
        struct kt_arena *arena, struct kt_fieldset *parent, const char *const *names)
{
	for (; *names; names++)
		kt_fieldset_attach(arena, parent, kt_arena_printf(arena, "f:%s", *names),
		        kt_fieldset_node(arena, true));
}

const struct kt_fieldset *kt_managed_strip(const struct kt_managed *managed,
        const struct kt_apply *apply, const struct kt_fieldset *set)
{
	struct kt_typed_skip skip = kt_managed_skip(apply);
	struct kt_fieldset *gone = kt_fieldset_node(managed->arena, false);
	struct kt_fieldset *metadata = kt_fieldset_node(managed->arena, false);
	struct kt_fieldset *own = kt_fieldset_node(managed->arena, false);
	const struct kt_fieldset *result;

	attach_names(managed->arena, gone, skip.root);
	attach_names(managed->arena, metadata, skip.metadata);
	kt_fieldset_attach(managed->arena, gone, "f:metadata", metadata);
	result = kt_fieldset_without(managed->arena, set, gone);
	/* metadata itself is nobody's, what is in it may be */
	kt_fieldset_attach(
	        managed->arena, own, "f:metadata", kt_fieldset_node(managed->arena, true));
	return kt_fieldset_difference(managed->arena, result, own);
}

const char *kt_managed_now(const struct kt_managed *managed, const struct kt_apply *apply)
{
	char text[KT_TIME_TEXT_MAX];

	if (!apply->now_ns)
		return NULL;
	kt_time_format(apply->now_ns, text);
	return kt_arena_strdup(managed->arena, text);
}

/* Takes the fields in `taken` from every entry. */
static void take(struct kt_managed *managed, const struct kt_fieldset *taken)
{
	for (size_t i = managed->entries.n; i-- > 0;) {
		const struct kt_fieldset *set = managed->entries.items[i].set;

		kt_managed_set(managed, i, kt_fieldset_difference(managed->arena, set, taken));
	}
}

static int compare_age(const void *a, const void *b)
{
	const struct kt_managed_entry *const *x = a, *const *y = b;
	int order = strcmp((*x)->time ? (*x)->time : "", (*y)->time ? (*y)->time : "");

	return order ? order : strcmp((*x)->manager, (*y)->manager);
}

/* Folds `entry` into the bucket of its version, or remembers it as the first of that version. */
static bool fold(struct kt_managed *managed, struct kt_managed_entry **firsts, size_t *n_firsts,
        struct kt_managed_entry *entry)
{
	for (size_t i = 0; i < *n_firsts; i++) {
		struct kt_managed_entry *bucket = firsts[i];

		if (strcmp(bucket->api_version, entry->api_version))
			continue;
		bucket->manager = ANCIENT_MANAGER;
		bucket->subresource = "";
		bucket->set = kt_fieldset_union(managed->arena, bucket->set, entry->set);
		bucket->time = entry->time;
		bucket->source = NULL;
		entry->set = NULL; /* swept by the caller */
		return true;
	}
	firsts[(*n_firsts)++] = entry;
	return false;
}

static void cap_updaters(struct kt_managed *managed)
{
	size_t n = 0, n_firsts = 0, left;
	struct kt_managed_entry **updaters, **firsts;

	for (size_t i = 0; i < managed->entries.n; i++)
		n += !managed->entries.items[i].applied;
	if (n <= KT_UPDATE_MANAGERS_MAX)
		return;
	updaters = kt_arena_alloc(managed->arena, n * sizeof(*updaters));
	firsts = kt_arena_alloc(managed->arena, n * sizeof(*firsts));
	n = 0;
	for (size_t i = 0; i < managed->entries.n; i++)
		if (!managed->entries.items[i].applied)
			updaters[n++] = &managed->entries.items[i];
	qsort(updaters, n, sizeof(struct kt_managed_entry *), compare_age);
	left = n;
	for (size_t i = 0; i < n && left > KT_UPDATE_MANAGERS_MAX; i++)
		left -= fold(managed, firsts, &n_firsts, updaters[i]);
	for (size_t i = managed->entries.n; i-- > 0;)
		if (!managed->entries.items[i].set)
			kt_vec_remove(&managed->entries, i);
}

/* Is this a version the kind is served in? */
static bool is_served(const struct kt_apply *apply, const char *api_version)
{
	const struct kt_kind *kind = apply->kind;

	if (!strcmp(api_version, apply->api_version))
		return true;
	for (size_t i = 0; kind && kind->set && i < kind->set->n_kinds; i++) {
		const struct kt_kind *other = &kind->set->kinds[i];
		char text[256];

		kt_kind_api_version(other, text, sizeof(text));
		if (!strcmp(other->kind, kind->kind) && !strcmp(text, api_version))
			return true;
	}
	return !kind || !kind->set;
}

/* Entries that own nothing, or something of a version that is no more, go. */
static void sweep(struct kt_managed *managed, const struct kt_apply *apply)
{
	for (size_t i = managed->entries.n; i-- > 0;) {
		const struct kt_managed_entry *entry = &managed->entries.items[i];

		if (kt_fieldset_is_empty(entry->set) || !is_served(apply, entry->api_version))
			kt_vec_remove(&managed->entries, i);
	}
}

void kt_managed_track(struct kt_managed *managed, const struct kt_apply *apply, const char *manager,
        const json_t *old, const json_t *new)
{
	struct kt_typed_skip skip = kt_managed_skip(apply);
	struct kt_managed_entry self = {.manager = manager,
	        .api_version = apply->api_version,
	        .subresource = apply->subresource ? apply->subresource : ""};
	struct kt_comparison comparison;
	const struct kt_fieldset *changed;
	struct kt_managed_entry *previous;

	sweep(managed, apply);
	kt_typed_compare(managed->arena, apply->type, old, new, &skip, &comparison);
	changed = kt_fieldset_union(managed->arena, comparison.added, comparison.modified);
	if (!changed && !comparison.removed)
		return;
	previous = kt_managed_find(managed, &self);
	self.set =
	        previous ? kt_fieldset_difference(managed->arena, previous->set, comparison.removed)
	                 : NULL;
	self.set = kt_fieldset_union(managed->arena, self.set, changed);
	self.source = previous ? previous->source : NULL;
	self.time = previous ? previous->time : NULL;
	if (previous)
		kt_vec_remove(&managed->entries, (size_t)(previous - managed->entries.items));
	take(managed, kt_fieldset_union(managed->arena, changed, comparison.removed));
	if (changed) {
		self.time = kt_managed_now(managed, apply);
		self.source = NULL;
	} else if (previous) {
		self.source = NULL;
	}
	if (!kt_fieldset_is_empty(self.set))
		kt_vec_push(&managed->entries, self);
	cap_updaters(managed);
}

static bool is_reset(const json_t *list)
{
	return json_array_size(list) == 1 && json_is_object(json_array_get(list, 0)) &&
	       !json_object_size(json_array_get(list, 0));
}

/* What the request says about managedFields, unless it says nothing or nonsense: then what is
 * stored. */
static void start(struct kt_managed *managed, const struct kt_apply *apply, const json_t *object,
        const json_t *old)
{
	const json_t *given = kt_jget(object, "metadata.managedFields");

	if (old && (!apply->subresource || !*apply->subresource)) {
		if (is_reset(given))
			return;
		if (kt_managed_decode(managed, given) == 0 && managed->entries.n)
			return;
	}
	kt_managed_decode(managed, kt_jget(old, "metadata.managedFields"));
}

int kt_managed_update(
        const struct kt_apply *apply, json_t *object, const json_t *old, struct kt_err *err)
{
	kt_auto_arena arena = {0};
	struct kt_managed managed = {.arena = &arena};
	json_t *metadata = json_object_get(object, "metadata");
	kt_auto_json json_t *given = NULL;
	json_t *list;

	const char *manager = apply->manager && *apply->manager ? apply->manager : "unknown";

	(void)err;
	if (!json_is_object(metadata))
		return 0;
	kt_arena_init(&arena);
	given = json_incref(json_object_get(metadata, "managedFields")); /* entries point into it */
	start(&managed, apply, object, old);
	json_object_del(metadata, "managedFields");
	if (managed.entries.n || !old)
		kt_managed_track(&managed, apply, manager, old, object);
	list = kt_managed_encode(&managed);
	if (list)
		json_object_set_new(metadata, "managedFields", list);
	kt_managed_finish(&managed);
	return 0;
}
