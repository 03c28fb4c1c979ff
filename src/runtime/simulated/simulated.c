/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runtime/simulated/internal.h"

#include "base/log.h"
#include "base/mem.h"

#include <errno.h>

static void pod_free(void *value)
{
	sim_pod_destroy(value);
}

static void shared_free(void *value)
{
	struct sim_shared *shared = value;

	kt_object_unref(shared->object);
	free(shared);
}

struct sim_node *sim_node_of(const struct kt_simulated *simulated, const struct kt_object *pod)
{
	struct kt_sv name = {0};

	if (!pod || !kt_json_string_sv(kt_object_field(pod, KT_SECTION_SPEC, "nodeName"), &name) ||
	        !name.len)
		return NULL;
	return kt_map_get_sv(&simulated->nodes_by_name, name);
}

/* Other threads read pods here. */
static void share(
        struct kt_simulated *simulated, struct kt_object *identity, struct kt_object *newest)
{
	struct kt_sv namespace = kt_object_namespace(identity), name = kt_object_name(identity);
	kt_auto_free char *key =
	        kt_asprintf("%.*s/%.*s", (int)namespace.len, namespace.p, (int)name.len, name.p);

	struct sim_shared *shared = NULL;

	if (newest) {
		shared = kt_new(struct sim_shared);
		shared->object = kt_object_ref(newest);
		shared->node = sim_node_of(simulated, newest);
	}
	pthread_mutex_lock(&simulated->lock);
	if (shared)
		kt_map_set(&simulated->shared, key, shared);
	else
		kt_map_del(&simulated->shared, key);
	pthread_mutex_unlock(&simulated->lock);
	sim_logs_pod_changed(simulated, key, newest);
}

static void forget(struct kt_simulated *simulated, struct kt_object *object)
{
	kt_auto_free char *uid = kt_sv_dup(kt_object_uid(object));
	struct sim_pod *pod = kt_map_take(&simulated->pods, uid);

	if (!pod)
		return;
	share(simulated, object, NULL);
	sim_pod_destroy(pod);
}

static void pod_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct kt_simulated *simulated = arg;
	struct sim_node *node = sim_node_of(simulated, new_object);
	struct sim_pod *pod;

	if (old_object &&
	        (!new_object || !kt_sv_eq(kt_object_uid(old_object), kt_object_uid(new_object))))
		forget(simulated, old_object);
	if (!node)
		return;
	pod = kt_map_get_sv(&simulated->pods, kt_object_uid(new_object));
	share(simulated, new_object, new_object);
	if (pod) {
		sim_pod_update(pod, new_object);
		return;
	}
	pod = sim_pod_create(simulated, node, new_object);
	kt_map_set_sv(&simulated->pods, kt_object_uid(new_object), pod);
	sim_pod_advance(pod);
}

/* Those of an earlier life have said which addresses they have; now all go on. */
static void pods_synced(void *arg)
{
	struct kt_simulated *simulated = arg;
	size_t it = 0;
	void *pod;

	while (kt_map_next(&simulated->pods, &it, NULL, &pod))
		sim_pod_advance(pod);
}

int kt_simulated_create(const struct kt_simulated_options *options,
        struct kt_simulated **ret_simulated, struct kt_err *err)
{
	struct kt_simulated *simulated;

	if (options->n_nodes < 0 || options->n_nodes > KT_SIMULATED_NODES_MAX)
		return kt_fail(err, EINVAL,
		        "the number of simulated nodes must be between 0 and %d, not %d",
		        KT_SIMULATED_NODES_MAX, options->n_nodes);
	simulated = kt_new(struct kt_simulated);
	simulated->client = options->client;
	simulated->loop = options->loop;
	simulated->calls = kt_calls_create(options->client, options->loop, "kubelet");
	simulated->recorder = kt_event_recorder_create(&(struct kt_event_recorder_options){
	        .client = options->client, .loop = options->loop, .component = "kubelet"});
	simulated->pods_informer =
	        kt_informer_create(options->client, options->loop, "/api/v1/pods");
	kt_informer_add_handler(simulated->pods_informer,
	        &(struct kt_informer_handler){
	                .on_change = pod_changed, .on_synced = pods_synced, .arg = simulated});
	simulated->n_nodes = options->n_nodes;
	simulated->cpu = kt_strdup(options->cpu ? options->cpu : "8");
	simulated->memory = kt_strdup(options->memory ? options->memory : "32Gi");
	simulated->ephemeral_storage =
	        kt_strdup(options->ephemeral_storage ? options->ephemeral_storage : "100Gi");
	simulated->pods_max = options->pods ? options->pods : 110;
	simulated->on_ready = options->on_ready;
	simulated->arg = options->arg;
	kt_map_init(&simulated->pods, pod_free);
	kt_map_init(&simulated->shared, shared_free);
	pthread_mutex_init(&simulated->lock, NULL);
	sim_nodes_create(simulated, options->name_prefix ? options->name_prefix : "node-");
	sim_node_states_create(simulated);
	*ret_simulated = simulated;
	return 0;
}

/* Claims find a class: its volumes cost nothing here. Whoever has one of that name already keeps
 * it. */
static void create_storage_class(struct kt_simulated *simulated)
{
	kt_auto_json json_t *class = json_pack("{s:s,s:s,s:{s:s,s:{s:s}},s:s,s:s,s:s}",
	        "apiVersion", "storage.k8s.io/v1", "kind", "StorageClass", "metadata", "name",
	        "standard", "annotations", "storageclass.kubernetes.io/is-default-class", "true",
	        "provisioner", "kube-tui.io/simulated", "reclaimPolicy", "Delete",
	        "volumeBindingMode", "WaitForFirstConsumer");

	kt_calls_send_json(simulated->calls, &(struct kt_call_spec){.method = "POST"}, class,
	        "/apis/storage.k8s.io/v1/storageclasses");
}

void kt_simulated_start(struct kt_simulated *simulated)
{
	if (simulated->n_nodes)
		create_storage_class(simulated);
	kt_informer_start(simulated->nodes_informer); /* goes on when it is synced */
}

void kt_simulated_destroy(struct kt_simulated *simulated)
{
	if (!simulated)
		return;
	kt_assert(!simulated->logs);
	kt_informer_destroy(simulated->pods_informer);
	kt_calls_destroy(simulated->calls);
	kt_map_finish(&simulated->pods);
	kt_map_finish(&simulated->shared);
	kt_event_recorder_destroy(simulated->recorder);
	sim_node_states_destroy(simulated);
	sim_nodes_destroy(simulated);
	for (size_t i = 0; i < simulated->waiting_writes.n; i++)
		free(simulated->waiting_writes.items[i]);
	kt_vec_finish(&simulated->waiting_writes);
	pthread_mutex_destroy(&simulated->lock);
	free(simulated->cpu);
	free(simulated->memory);
	free(simulated->ephemeral_storage);
	free(simulated);
}

bool kt_simulated_has_node(const struct kt_simulated *simulated, const char *node)
{
	return kt_map_has(&simulated->nodes_by_name, node);
}
