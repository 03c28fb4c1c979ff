/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cluster/scheduler/inputs.h"

#include "api/client/informer.h"
#include "cluster/scheduler/plugin.h"

/* One watched kind. object is the new state, or with `gone` the last one. */
struct input_kind {
	const char *path;
	void (*apply)(struct kt_snapshot *snapshot, const struct input_kind *kind,
	        struct kt_object *object, bool gone);
	const char *controller; /* the kind of a pod's controller */
	enum kt_volume_kind volume;
	uint32_t events;
};

static void apply_service(struct kt_snapshot *snapshot, const struct input_kind *kind,
        struct kt_object *object, bool gone)
{
	(void)kind;
	if (gone)
		kt_owners_remove_service(&snapshot->owners, object);
	else
		kt_owners_set_service(&snapshot->owners, object);
}

static void apply_controller(struct kt_snapshot *snapshot, const struct input_kind *kind,
        struct kt_object *object, bool gone)
{
	if (gone)
		kt_owners_remove_controller(&snapshot->owners, kind->controller, object);
	else
		kt_owners_set_controller(&snapshot->owners, kind->controller, object);
}

static void apply_volume(struct kt_snapshot *snapshot, const struct input_kind *kind,
        struct kt_object *object, bool gone)
{
	if (gone)
		kt_volumes_remove(&snapshot->volumes, kind->volume, object);
	else
		kt_volumes_set(&snapshot->volumes, kind->volume, object);
}

static void apply_budget(struct kt_snapshot *snapshot, const struct input_kind *kind,
        struct kt_object *object, bool gone)
{
	(void)kind;
	if (gone)
		kt_snapshot_remove_budget(snapshot, object);
	else
		kt_snapshot_set_budget(snapshot, object);
}

static const struct input_kind kinds[] = {
        {.path = "/api/v1/services", .apply = apply_service},
        {.path = "/api/v1/replicationcontrollers",
                .apply = apply_controller,
                .controller = "ReplicationController"},
        {.path = "/apis/apps/v1/replicasets",
                .apply = apply_controller,
                .controller = "ReplicaSet"},
        {.path = "/apis/apps/v1/statefulsets",
                .apply = apply_controller,
                .controller = "StatefulSet"},
        {.path = "/apis/policy/v1/poddisruptionbudgets", .apply = apply_budget},
        {.path = "/apis/storage.k8s.io/v1/storageclasses",
                .apply = apply_volume,
                .volume = KT_VOLUME_CLASSES,
                .events = KT_EVENT_VOLUME},
        {.path = "/apis/storage.k8s.io/v1/csinodes",
                .apply = apply_volume,
                .volume = KT_VOLUME_CSI_NODES,
                .events = KT_EVENT_VOLUME},
        {.path = "/apis/storage.k8s.io/v1/csidrivers",
                .apply = apply_volume,
                .volume = KT_VOLUME_CSI_DRIVERS,
                .events = KT_EVENT_VOLUME},
        {.path = "/apis/storage.k8s.io/v1/csistoragecapacities",
                .apply = apply_volume,
                .volume = KT_VOLUME_CAPACITIES,
                .events = KT_EVENT_VOLUME},
        {.path = "/api/v1/persistentvolumes",
                .apply = apply_volume,
                .volume = KT_VOLUME_VOLUMES,
                .events = KT_EVENT_VOLUME},
        {.path = "/api/v1/persistentvolumeclaims",
                .apply = apply_volume,
                .volume = KT_VOLUME_CLAIMS,
                .events = KT_EVENT_VOLUME},
};

struct input {
	struct kt_inputs *inputs;
	const struct input_kind *kind;
	struct kt_informer *informer;
};

struct kt_inputs {
	struct kt_inputs_options options;
	struct input items[KT_ARRAY_SIZE(kinds)];
};

static void changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct input *input = arg;
	const struct kt_inputs_options *options = &input->inputs->options;
	struct kt_object *object = new_object ? new_object : old_object;
	kt_auto_free char *claim = NULL;

	input->kind->apply(options->snapshot, input->kind, object, !new_object);
	if (input->kind->apply == apply_volume && input->kind->volume == KT_VOLUME_CLAIMS)
		claim = kt_asprintf("%.*s/%.*s", KT_SVP(kt_object_namespace(object)),
		        KT_SVP(kt_object_name(object)));
	if (input->kind->events)
		options->on_change(options->arg, input->kind->events, claim);
}

static void synced(void *arg)
{
	struct input *input = arg;

	input->inputs->options.on_synced(input->inputs->options.arg);
}

struct kt_inputs *kt_inputs_create(const struct kt_inputs_options *options)
{
	struct kt_inputs *inputs = kt_new(struct kt_inputs);

	inputs->options = *options;
	for (size_t i = 0; i < KT_ARRAY_SIZE(kinds); i++) {
		struct input *input = &inputs->items[i];

		input->inputs = inputs;
		input->kind = &kinds[i];
		input->informer = kt_informer_create(options->client, options->loop, kinds[i].path);
		kt_informer_add_handler(input->informer,
		        &(struct kt_informer_handler){
		                .on_change = changed, .on_synced = synced, .arg = input});
	}
	return inputs;
}

void kt_inputs_start(struct kt_inputs *inputs)
{
	for (size_t i = 0; i < KT_ARRAY_SIZE(kinds); i++)
		kt_informer_start(inputs->items[i].informer);
}

bool kt_inputs_synced(const struct kt_inputs *inputs)
{
	for (size_t i = 0; i < KT_ARRAY_SIZE(kinds); i++)
		if (!kt_informer_synced(inputs->items[i].informer))
			return false;
	return true;
}

void kt_inputs_destroy(struct kt_inputs *inputs)
{
	if (!inputs)
		return;
	for (size_t i = 0; i < KT_ARRAY_SIZE(kinds); i++)
		kt_informer_destroy(inputs->items[i].informer);
	free(inputs);
}
