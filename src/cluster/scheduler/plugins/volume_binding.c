/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * VolumeBinding: bound claims must be reachable from the node; claims that wait for their first
 * consumer must find a volume there, or a class that makes one. Source: the volume topology-aware
 * scheduling design.
 */
#include "cluster/scheduler/plugins/volume_binding.h"

#include "api/client/sections.h"
#include "cluster/scheduler/storage_capacity.h"

#define SELECTED_NODE "volume.kubernetes.io/selected-node"

/* A claim without a volume and the volumes that would do, wherever they are; by size. */
struct open_claim {
	const struct kt_object *claim;
	const struct kt_object *class; /* NULL: gone */
	struct kt_quantity size;
	struct kt_sv selected_node; /* empty: none yet */
	const struct kt_object **volumes;
	size_t n_volumes;
};

struct binding {
	const struct kt_object **bound; /* volumes of bound claims; NULL: does not exist */
	size_t n_bound;
	struct open_claim *open; /* the smallest first */
	size_t n_open;
	bool has_unbound; /* a claim that should have been bound before the pod came */
};

/* --- before the nodes --- */

static struct kt_quantity quantity_at(struct kt_json_at at)
{
	struct kt_quantity q = kt_quantity_from_int64(0, KT_QUANTITY_BINARY_SI);
	struct kt_sv text;

	if (!kt_json_string_sv(at, &text))
		text = (struct kt_sv){at.p, at.len};
	if (text.len)
		kt_quantity_parse(text, &q, NULL);
	return q;
}

static struct kt_quantity capacity_of(const struct kt_object *volume)
{
	struct kt_json_at capacity = kt_object_field(volume, KT_SECTION_SPEC, "capacity");

	return quantity_at(kt_json_member(capacity, "storage"));
}

static bool reserved_for(const struct kt_object *volume, const struct kt_object *claim)
{
	struct kt_json_at ref = kt_object_field(volume, KT_SECTION_SPEC, "claimRef");
	struct kt_sv namespace = {0}, name = {0}, uid = {0};

	if (!ref.p)
		return false;
	kt_json_string_sv(kt_json_member(ref, "namespace"), &namespace);
	kt_json_string_sv(kt_json_member(ref, "name"), &name);
	kt_json_string_sv(kt_json_member(ref, "uid"), &uid);
	return kt_sv_eq(namespace, kt_object_namespace(claim)) &&
	       kt_sv_eq(name, kt_object_name(claim)) &&
	       (!uid.len || kt_sv_eq(uid, kt_object_uid(claim)));
}

static bool has_modes(const struct kt_object *volume, const struct kt_object *claim)
{
	struct kt_json_at list = kt_object_field(claim, KT_SECTION_SPEC, "accessModes"), item;
	struct kt_json_iter it = {0};

	while (list.p && kt_json_next_element(list, &it, &item)) {
		kt_auto_free char *mode = kt_json_string_dup(item);

		if (mode && !kt_claim_has_mode(volume, mode))
			return false;
	}
	return true;
}

static struct kt_sv volume_mode(const struct kt_object *object)
{
	struct kt_sv mode = KT_SV("Filesystem");

	kt_json_string_sv(kt_object_field(object, KT_SECTION_SPEC, "volumeMode"), &mode);
	return mode;
}

/* A volume's class is named by the same field and annotation as a claim's. */
static bool would_do(const struct kt_object *volume, const struct open_claim *open,
        const struct kt_selector *selector)
{
	return kt_quantity_cmp(capacity_of(volume), open->size) >= 0 &&
	       kt_sv_eq(volume_mode(volume), volume_mode(open->claim)) &&
	       kt_sv_eq(
	               kt_claim_attributes_class(volume), kt_claim_attributes_class(open->claim)) &&
	       !volume->deletion_timestamp.len &&
	       (reserved_for(volume, open->claim) ||
	               (!kt_object_field(volume, KT_SECTION_SPEC, "claimRef").p &&
	                       kt_json_string_is(
	                               kt_object_field(volume, KT_SECTION_STATUS, "phase"),
	                               "Available") &&
	                       (!selector || kt_selector_matches(selector, volume)) &&
	                       has_modes(volume, open->claim))) &&
	       kt_sv_eq(kt_claim_class_name(volume), kt_claim_class_name(open->claim));
}

static int compare_volumes(const void *a, const void *b)
{
	const struct kt_object *x = *(const struct kt_object *const *)a,
	                       *y = *(const struct kt_object *const *)b;
	int order = kt_quantity_cmp(capacity_of(x), capacity_of(y));

	return order ? order : kt_sv_cmp(kt_object_name(x), kt_object_name(y));
}

static void find_volumes(
        const struct kt_snapshot *snapshot, struct open_claim *open, struct kt_arena *arena)
{
	const struct kt_map *all = &snapshot->volumes.objects[KT_VOLUME_VOLUMES];
	struct kt_json_at at = kt_object_field(open->claim, KT_SECTION_SPEC, "selector");
	kt_auto_json json_t *tree = at.p ? kt_json_tree(at) : NULL;
	struct kt_selector *selector = NULL;
	const char *name;
	size_t it = 0;
	void *value;

	if (tree && kt_selector_of_json(tree, &selector, NULL) < 0)
		return;
	open->volumes = kt_arena_alloc(arena, (all->n + 1) * sizeof(*open->volumes));
	while (kt_map_next(all, &it, &name, &value)) {
		const char *taken = kt_map_get(&snapshot->volumes.assumed, name);

		if (!taken && would_do(value, open, selector))
			open->volumes[open->n_volumes++] = value;
	}
	qsort(open->volumes, open->n_volumes, sizeof(*open->volumes), compare_volumes);
	kt_selector_destroy(selector);
}

static void add_open(const struct kt_snapshot *snapshot, struct binding *binding,
        const struct kt_object *claim, struct kt_arena *arena)
{
	struct open_claim *open = &binding->open[binding->n_open++];
	struct kt_sv class = kt_claim_class_name(claim),
	             annotations = kt_object_span(claim, claim->annotations);
	struct kt_json_at requests = kt_json_find(
	        kt_object_doc(claim), "spec", "resources", "requests", "storage", NULL);

	open->claim = claim;
	open->class =
	        class.len ? kt_volumes_get(&snapshot->volumes, KT_VOLUME_CLASSES, class) : NULL;
	open->size = quantity_at(requests);
	if (annotations.len)
		kt_json_string_sv(
		        kt_json_member(
		                (struct kt_json_at){annotations.p, annotations.len}, SELECTED_NODE),
		        &open->selected_node);
	if (!open->selected_node.len)
		find_volumes(snapshot, open, arena);
}

static int compare_open(const void *a, const void *b)
{
	const struct open_claim *x = a, *y = b;
	int order = kt_quantity_cmp(x->size, y->size);

	return order ? order : kt_sv_cmp(kt_object_name(x->claim), kt_object_name(y->claim));
}

static bool waits_for_consumer(const struct kt_snapshot *snapshot, const struct kt_object *claim)
{
	struct kt_sv name = kt_claim_class_name(claim);
	const struct kt_object *class =
	        name.len ? kt_volumes_get(&snapshot->volumes, KT_VOLUME_CLASSES, name) : NULL;

	return class && kt_class_waits(class) && !kt_claim_volume_name(claim).len;
}

/* An ephemeral volume's claim belongs to its pod; another's of that name must not be taken. */
static bool is_owned_by(const struct kt_object *claim, const struct kt_pod_info *pod)
{
	struct kt_sv text = kt_object_span(claim, claim->owner_references), uid;
	struct kt_json_at list = {text.p, text.len}, item;
	struct kt_json_iter it = {0};

	while (list.p && kt_json_next_element(list, &it, &item))
		if (kt_json_bool(kt_json_member(item, "controller"), false))
			return kt_json_string_sv(kt_json_member(item, "uid"), &uid) &&
			       kt_sv_eq(uid, pod->uid);
	return false;
}

/* NULL: the claim can be dealt with; else why not, in arena memory or constant. */
static const char *read_claim(const struct kt_snapshot *snapshot, const struct kt_pod_info *pod,
        const struct kt_pod_claim *own, struct binding *binding, struct kt_arena *arena)
{
	const struct kt_object *claim =
	        kt_volumes_get(&snapshot->volumes, KT_VOLUME_CLAIMS, kt_sv_of(own->key));
	struct kt_sv name;

	if (!claim)
		return own->ephemeral
		               ? kt_arena_printf(arena,
		                         "waiting for ephemeral volume controller to create the "
		                         "persistentvolumeclaim \"%s\"",
		                         own->name)
		               : kt_arena_printf(arena, "persistentvolumeclaim \"%s\" not found",
		                         own->name);
	name = kt_claim_volume_name(claim);
	if (kt_json_string_is(kt_object_field(claim, KT_SECTION_STATUS, "phase"), "Lost"))
		return kt_arena_printf(arena,
		        "persistentvolumeclaim \"%s\" bound to non-existent persistentvolume "
		        "\"%.*s\"",
		        own->name, KT_SVP(name));
	if (claim->deletion_timestamp.len)
		return kt_arena_printf(
		        arena, "persistentvolumeclaim \"%s\" is being deleted", own->name);
	if (own->ephemeral && !is_owned_by(claim, pod))
		return kt_arena_printf(arena,
		        "PVC %s was not created for pod %.*s/%.*s (pod is not owner)", own->key,
		        KT_SVP(pod->namespace), KT_SVP(pod->name));
	if (kt_claim_is_bound(claim))
		binding->bound[binding->n_bound++] =
		        kt_volumes_get(&snapshot->volumes, KT_VOLUME_VOLUMES, name);
	else if (waits_for_consumer(snapshot, claim))
		add_open(snapshot, binding, claim, arena);
	else
		binding->has_unbound = true;
	return NULL;
}

/* Reads all claims. What is wrong with one for another reason than that it is unbound comes first.
 */
static const char *read_claims(const struct kt_snapshot *snapshot, const struct kt_pod_info *pod,
        struct kt_arena *arena, struct binding **ret_binding)
{
	struct binding *binding = kt_arena_new(arena, struct binding);

	binding->bound = kt_arena_alloc(arena, (pod->claims.n + 1) * sizeof(*binding->bound));
	binding->open = kt_arena_alloc(arena, (pod->claims.n + 1) * sizeof(*binding->open));
	for (size_t i = 0; i < pod->claims.n; i++) {
		const char *why = read_claim(snapshot, pod, &pod->claims.items[i], binding, arena);

		if (why)
			return why;
	}
	if (binding->has_unbound)
		return "pod has unbound immediate PersistentVolumeClaims";
	qsort(binding->open, binding->n_open, sizeof(*binding->open), compare_open);
	*ret_binding = binding;
	return NULL;
}

static enum kt_plugin_code pre_filter(
        struct kt_cycle *cycle, void **state, struct kt_reasons *reasons)
{
	struct binding *binding = NULL;
	const char *why;

	if (!cycle->pod->claims.n)
		return KT_PLUGIN_SKIP;
	why = read_claims(cycle->snapshot, cycle->pod, cycle->arena, &binding);
	if (why) {
		kt_vec_push(&reasons->texts, why);
		return KT_PLUGIN_UNRESOLVABLE;
	}
	*state = binding;
	return KT_PLUGIN_OK;
}

/* --- one node --- */

static bool reachable(const struct kt_object *volume, const struct kt_object *node)
{
	struct kt_json_at affinity = kt_object_field(volume, KT_SECTION_SPEC, "nodeAffinity");
	struct kt_json_at required = affinity.p ? kt_json_member(affinity, "required") : affinity;

	return !required.p || kt_node_selector_matches(required, node);
}

static bool is_chosen(const struct kt_volume_plan *plan, const struct kt_object *volume)
{
	for (size_t i = 0; i < plan->n; i++)
		if (plan->items[i].volume == volume)
			return true;
	return false;
}

/* The smallest that is there and free. A volume made for this claim is the only choice. */
static const struct kt_object *choose(const struct open_claim *open, const struct kt_object *node,
        const struct kt_volume_plan *plan)
{
	for (size_t i = 0; i < open->n_volumes; i++)
		if (reserved_for(open->volumes[i], open->claim))
			return reachable(open->volumes[i], node) ? open->volumes[i] : NULL;
	for (size_t i = 0; i < open->n_volumes; i++)
		if (!is_chosen(plan, open->volumes[i]) && reachable(open->volumes[i], node))
			return open->volumes[i];
	return NULL;
}

static bool label_allowed(struct kt_json_at expression, const struct kt_object *node)
{
	struct kt_json_at values = kt_json_member(expression, "values"), item;
	struct kt_json_iter it = {0};
	struct kt_sv key, have, value;

	if (!kt_json_string_sv(kt_json_member(expression, "key"), &key) ||
	        !kt_object_label(node, key, &have))
		return false;
	while (values.p && kt_json_next_element(values, &it, &item))
		if (kt_json_string_sv(item, &value) && kt_sv_eq(value, have))
			return true;
	return false;
}

static bool term_allowed(struct kt_json_at term, const struct kt_object *node)
{
	struct kt_json_at list = kt_json_member(term, "matchLabelExpressions"), item;
	struct kt_json_iter it = {0};
	bool any = false;

	while (list.p && kt_json_next_element(list, &it, &item)) {
		if (!label_allowed(item, node))
			return false;
		any = true;
	}
	return any;
}

/* Would the class make a volume for this node, if there is room? */
static bool can_provision(const struct kt_object *class, const struct kt_object *node)
{
	struct kt_json_at provisioner, terms, term;
	struct kt_json_iter it = {0};
	bool any = false;

	if (!class)
		return false;
	provisioner = kt_json_member(kt_object_doc(class), "provisioner");
	if (!provisioner.p || kt_json_string_is(provisioner, "") ||
	        kt_json_string_is(provisioner, "kubernetes.io/no-provisioner"))
		return false;
	terms = kt_json_member(kt_object_doc(class), "allowedTopologies");
	while (terms.p && kt_json_next_element(terms, &it, &term)) {
		if (term_allowed(term, node))
			return true;
		any = true;
	}
	return !any;
}

/* A claim whose volume is being made for another node. */
static bool is_made_elsewhere(const struct binding *binding, const struct kt_node_info *node)
{
	for (size_t i = 0; i < binding->n_open; i++)
		if (binding->open[i].selected_node.len &&
		        !kt_sv_is(binding->open[i].selected_node, node->name))
			return true;
	return false;
}

/* NULL, or why the claims cannot be dealt with on this node. */
static const char *plan_open(const struct kt_volumes *volumes, const struct binding *binding,
        const struct kt_node_info *node, struct kt_arena *arena, struct kt_volume_plan *plan)
{
	static const char none[] = "node(s) didn't find available persistent volumes to bind";

	if (is_made_elsewhere(binding, node))
		return none;
	plan->items = kt_arena_alloc(arena, (binding->n_open + 1) * sizeof(*plan->items));
	for (size_t i = 0; i < binding->n_open; i++) {
		const struct open_claim *open = &binding->open[i];
		const struct kt_object *volume =
		        open->selected_node.len ? NULL : choose(open, node->object, plan);

		if (!volume && !can_provision(open->class, node->object))
			return none;
		if (!volume && !kt_storage_has_room(volumes, open->class, open->size, node->object))
			return "node(s) did not have enough free storage";
		plan->items[plan->n++] = (struct kt_claim_plan){open->claim, volume};
	}
	return NULL;
}

static enum kt_plugin_code filter(struct kt_cycle *cycle, void *state,
        const struct kt_node_info *node, struct kt_reasons *reasons)
{
	const struct binding *binding = state;
	struct kt_volume_plan plan = {0};
	bool all_exist = true, all_reachable = true;
	const char *why;

	for (size_t i = 0; i < binding->n_bound; i++) {
		if (!binding->bound[i])
			all_exist = false;
		else if (!reachable(binding->bound[i], node->object))
			all_reachable = false;
	}
	if (!all_exist)
		kt_vec_push(&reasons->texts, "node(s) unavailable due to one or more pvc(s) bound "
		                             "to non-existent pv(s)");
	if (!all_reachable)
		kt_vec_push(
		        &reasons->texts, "node(s) didn't match PersistentVolume's node affinity");
	why = plan_open(&cycle->snapshot->volumes, binding, node, cycle->arena, &plan);
	if (why)
		kt_vec_push(&reasons->texts, why);
	return reasons->texts.n ? KT_PLUGIN_UNRESOLVABLE : KT_PLUGIN_OK;
}

void kt_volume_binding_plan(const struct kt_snapshot *snapshot, const struct kt_pod_info *pod,
        const struct kt_node_info *node, struct kt_arena *arena, struct kt_volume_plan *ret_plan)
{
	struct binding *binding = NULL;

	*ret_plan = (struct kt_volume_plan){0};
	if (pod->claims.n && !read_claims(snapshot, pod, arena, &binding) && binding->n_open)
		plan_open(&snapshot->volumes, binding, node, arena, ret_plan);
}

const struct kt_plugin kt_plugin_volume_binding = {
        .name = "VolumeBinding",
        .wakes = KT_EVENT_NODE_ADDED | KT_EVENT_NODE_LABELS | KT_EVENT_VOLUME,
        .pre_filter = pre_filter,
        .filter = filter,
};
