/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "unit/cluster/scheduling.h"

static char *double_quotes(const char *json)
{
	char *text = kt_strdup(json);

	for (char *p = text; *p; p++)
		if (*p == '\'')
			*p = '"';
	return text;
}

struct kt_object *scheduling_object(struct scheduling *s, const char *json)
{
	kt_auto_free char *quoted = double_quotes(json);
	kt_auto_json json_t *tree = kt_json_parse(kt_sv_of(quoted), NULL, NULL);
	kt_auto_str text = KT_STR_INIT;
	struct kt_object *object = NULL;

	assert_non_null(tree);
	if (!kt_jstr(tree, "metadata.uid")) {
		kt_auto_free char *uid = kt_asprintf("uid-%zu", ++s->n_objects);

		json_object_set_new(json_object_get(tree, "metadata"), "uid", json_string(uid));
	}
	kt_json_write(&text, tree, 0);
	assert_int_equal(kt_object_create(KT_SV("k"), (struct kt_sv){kt_str_text(&text), text.len},
	                         &object, NULL),
	        0);
	return object;
}

static void take_node(struct kt_snapshot *snapshot, struct kt_object *object)
{
	kt_snapshot_remove_node(snapshot, kt_object_name(object));
}

static void take_pod(struct kt_snapshot *snapshot, struct kt_object *object)
{
	kt_snapshot_remove_pod(snapshot, kt_object_uid(object));
}

static void put_claim(struct kt_snapshot *snapshot, struct kt_object *object)
{
	kt_volumes_set(&snapshot->volumes, KT_VOLUME_CLAIMS, object);
}

static void put_volume(struct kt_snapshot *snapshot, struct kt_object *object)
{
	kt_volumes_set(&snapshot->volumes, KT_VOLUME_VOLUMES, object);
}

static void put_class(struct kt_snapshot *snapshot, struct kt_object *object)
{
	kt_volumes_set(&snapshot->volumes, KT_VOLUME_CLASSES, object);
}

static void put_csi_node(struct kt_snapshot *snapshot, struct kt_object *object)
{
	kt_volumes_set(&snapshot->volumes, KT_VOLUME_CSI_NODES, object);
}

static void put_csi_driver(struct kt_snapshot *snapshot, struct kt_object *object)
{
	kt_volumes_set(&snapshot->volumes, KT_VOLUME_CSI_DRIVERS, object);
}

static void put_capacity(struct kt_snapshot *snapshot, struct kt_object *object)
{
	kt_volumes_set(&snapshot->volumes, KT_VOLUME_CAPACITIES, object);
}

static void put_service(struct kt_snapshot *snapshot, struct kt_object *object)
{
	kt_owners_set_service(&snapshot->owners, object);
}

static void take_service(struct kt_snapshot *snapshot, struct kt_object *object)
{
	kt_owners_remove_service(&snapshot->owners, object);
}

static void put_replication_controller(struct kt_snapshot *snapshot, struct kt_object *object)
{
	kt_owners_set_controller(&snapshot->owners, "ReplicationController", object);
}

static void put_replica_set(struct kt_snapshot *snapshot, struct kt_object *object)
{
	kt_owners_set_controller(&snapshot->owners, "ReplicaSet", object);
}

static void put_stateful_set(struct kt_snapshot *snapshot, struct kt_object *object)
{
	kt_owners_set_controller(&snapshot->owners, "StatefulSet", object);
}

void scheduling_put(struct scheduling *s, const char *resource, const char *json)
{
	static const struct {
		const char *name;
		void (*set)(struct kt_snapshot *, struct kt_object *);
	} table[] = {
	        {"namespaces", kt_snapshot_set_namespace},
	        {"nodes", kt_snapshot_set_node},
	        {"-nodes", take_node},
	        {"pods", kt_snapshot_set_pod},
	        {"-pods", take_pod},
	        {"services", put_service},
	        {"-services", take_service},
	        {"replicationControllers", put_replication_controller},
	        {"replicaSets", put_replica_set},
	        {"statefulSets", put_stateful_set},
	        {"persistentVolumes", put_volume},
	        {"persistentVolumeClaims", put_claim},
	        {"storageClasses", put_class},
	        {"csiNodes", put_csi_node},
	        {"csiDrivers", put_csi_driver},
	        {"csiStorageCapacities", put_capacity},
	        {"podDisruptionBudgets", kt_snapshot_set_budget},
	};
	kt_auto_object struct kt_object *object = scheduling_object(s, json);

	for (size_t i = 0; i < KT_ARRAY_SIZE(table); i++)
		if (kt_streq(table[i].name, resource)) {
			table[i].set(&s->snapshot, object);
			return;
		}
	fail_msg("no resource %s", resource);
}

void scheduling_node(struct scheduling *s, const char *name, const char *zone)
{
	kt_auto_free char *label =
	        zone ? kt_asprintf(",'topology.kubernetes.io/zone':'%s'", zone) : kt_strdup("");
	kt_auto_free char *json = kt_asprintf(
	        "{'metadata':{'name':'%s','uid':'node-%s','labels':{'kubernetes.io/hostname':"
	        "'%s'%s}},'spec':{},'status':{'allocatable':{'cpu':'8','memory':'32Gi','pods':"
	        "'110'}}}",
	        name, name, name, label);

	scheduling_put(s, "nodes", json);
}

void scheduling_pod(
        struct scheduling *s, const char *name, const char *node, const char *cpu, const char *more)
{
	kt_auto_free char *requests = kt_asprintf("{'cpu':'%s'}", cpu ? cpu : "");
	kt_auto_free char *json = kt_asprintf(
	        "{'metadata':{'name':'%s','namespace':'default','uid':'pod-%s','labels':{'app':"
	        "'web'}},'spec':{'nodeName':'%s','containers':[{'name':'c','resources':{'requests':"
	        "%s}}]%s},'status':{'phase':'Running'}}",
	        name, name, node, cpu ? requests : "{}", more ? more : "");

	scheduling_put(s, "pods", json);
}

static void forget_decision(struct scheduling *s)
{
	kt_decision_finish(&s->decision);
	kt_pod_info_destroy(s->pod);
	kt_object_unref(s->object);
	kt_arena_reset(&s->arena);
}

void scheduling_decide(struct scheduling *s, const char *json)
{
	forget_decision(s);
	s->object = scheduling_object(s, json);
	s->pod = kt_pod_info_create(s->object);
	kt_framework_schedule(&s->snapshot, s->pod, NULL, &s->arena, &s->decision);
}

const char *scheduling_refusal(struct scheduling *s, const char *node)
{
	kt_auto_str out = KT_STR_INIT;

	for (size_t i = 0; i < s->decision.n_refusals; i++) {
		const struct kt_node_refusal *refusal = &s->decision.refusals[i];

		if (!kt_streq(refusal->node->name, node))
			continue;
		for (size_t r = 0; r < refusal->n_reasons; r++)
			kt_str_printf(&out, "%s%s", r ? "; " : "", refusal->reasons[r]);
		return kt_arena_strdup(&s->arena, kt_str_text(&out));
	}
	return NULL;
}

int64_t scheduling_total(const struct scheduling *s, const char *node)
{
	for (size_t i = 0; s->decision.totals && i < s->decision.n_feasible; i++)
		if (kt_streq(s->decision.feasible[i]->name, node))
			return s->decision.totals[i];
	fail_msg("no score of %s", node);
	return 0;
}

const char *scheduling_victims(struct scheduling *s, const char *node)
{
	const struct kt_preemption *preemption = &s->decision.preemption;
	kt_auto_str out = KT_STR_INIT;

	for (size_t i = 0; i < preemption->n_candidates; i++) {
		const struct kt_candidate *candidate = &preemption->candidates[i];

		if (!kt_streq(candidate->node->name, node))
			continue;
		for (size_t v = 0; v < candidate->n_victims; v++)
			kt_str_printf(
			        &out, "%s%.*s", v ? " " : "", KT_SVP(candidate->victims[v]->name));
		return kt_arena_strdup(&s->arena, kt_str_text(&out));
	}
	return NULL;
}

int scheduling_setup(void **state)
{
	struct scheduling *s = kt_new(struct scheduling);

	kt_snapshot_init(&s->snapshot);
	kt_arena_init(&s->arena);
	*state = s;
	return 0;
}

int scheduling_teardown(void **state)
{
	struct scheduling *s = *state;

	forget_decision(s);
	kt_snapshot_finish(&s->snapshot);
	kt_arena_finish(&s->arena);
	free(s);
	return 0;
}
