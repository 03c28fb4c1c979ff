/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cluster/scheduler/snapshot.h"

#include "api/client/sections.h"
#include "base/mem.h"

/* What scoring assumes of a container that requests nothing, so that such pods spread too. */
#define DEFAULT_MILLI_CPU 100
#define DEFAULT_MEMORY_BYTES (INT64_C(200) << 20)

struct container_sums {
	struct kt_resources total;
	int64_t scored_milli_cpu, scored_memory_bytes;
};

static struct kt_sv string_member(struct kt_json_at object, const char *key)
{
	struct kt_sv text = {0};

	kt_json_string_sv(kt_json_member(object, key), &text);
	return text;
}

/* --- requests --- */

/* What a pod's status says of its containers while they are resized (KEP-1287). */
struct statuses {
	struct kt_json_at containers, init_containers;
	bool infeasible; /* the resize was refused: what the spec asks for does not count */
};

static struct statuses read_statuses(const struct kt_object *object)
{
	struct kt_json_at status = kt_object_section(object, KT_SECTION_STATUS), list, item;
	struct statuses statuses = {0};
	struct kt_json_iter it = {0};

	if (!status.p)
		return statuses;
	statuses.containers = kt_json_member(status, "containerStatuses");
	statuses.init_containers = kt_json_member(status, "initContainerStatuses");
	if (!statuses.containers.p && !statuses.init_containers.p)
		return statuses;
	list = kt_json_member(status, "conditions");
	while (list.p && kt_json_next_element(list, &it, &item))
		if (kt_json_string_is(kt_json_member(item, "type"), "PodResizePending"))
			statuses.infeasible =
			        kt_json_string_is(kt_json_member(item, "reason"), "Infeasible");
	return statuses;
}

static struct kt_json_at named(struct kt_json_at list, struct kt_sv name)
{
	struct kt_json_iter it = {0};
	struct kt_json_at item;

	while (list.p && kt_json_next_element(list, &it, &item))
		if (kt_sv_eq(string_member(item, "name"), name))
			return item;
	return (struct kt_json_at){0};
}

/* Of one container. What it asks for in so many words is no default, be it nothing. */
struct request {
	struct kt_resources own;
	bool names_cpu, names_memory;
};

static void take_larger(struct request *request, struct kt_json_at map)
{
	struct kt_resources more = {0};

	if (!map.p)
		return;
	kt_resources_add_json(&more, map);
	kt_resources_max(&request->own, &more);
	kt_resources_finish(&more);
	request->names_cpu |= kt_json_member(map, "cpu").p != NULL;
	request->names_memory |= kt_json_member(map, "memory").p != NULL;
}

/* statuses: .p NULL: the container cannot be resized. */
static struct request read_container(
        struct kt_json_at container, struct kt_json_at statuses, bool infeasible)
{
	struct kt_json_at status = named(statuses, string_member(container, "name")), have = {0};
	struct request request = {0};

	if (status.p)
		have = kt_json_member(status, "resources");
	if (!infeasible || !have.p)
		take_larger(&request, kt_json_find(container, "resources", "requests", NULL));
	if (have.p) {
		take_larger(&request, kt_json_member(have, "requests"));
		take_larger(&request, kt_json_member(status, "allocatedResources"));
	}
	return request;
}

/* Frees the request. */
static void add_container(struct container_sums *sums, struct request *request)
{
	const struct kt_resources *own = &request->own;

	kt_resources_add(&sums->total, own);
	sums->scored_milli_cpu += request->names_cpu ? own->milli_cpu : DEFAULT_MILLI_CPU;
	sums->scored_memory_bytes +=
	        request->names_memory ? own->memory_bytes : DEFAULT_MEMORY_BYTES;
	kt_resources_finish(&request->own);
}

/* An init container needs its request beside the sidecars started before it; sidecars stay for the
 * pod's life. */
static void read_init_containers(struct kt_json_at spec, const struct statuses *statuses,
        struct container_sums *sidecars, struct container_sums *peak)
{
	struct kt_json_at list = kt_json_member(spec, "initContainers"), container;
	struct kt_json_iter it = {0};

	while (list.p && kt_json_next_element(list, &it, &container)) {
		bool stays =
		        kt_json_string_is(kt_json_member(container, "restartPolicy"), "Always");
		struct request request = read_container(container,
		        stays ? statuses->init_containers : (struct kt_json_at){0},
		        statuses->infeasible);
		struct container_sums here = {0};

		if (stays) {
			add_container(sidecars, &request);
			continue;
		}
		add_container(&here, &request);
		kt_resources_add(&here.total, &sidecars->total);
		here.scored_milli_cpu += sidecars->scored_milli_cpu;
		here.scored_memory_bytes += sidecars->scored_memory_bytes;
		kt_resources_max(&peak->total, &here.total);
		peak->scored_milli_cpu = KT_MAX(peak->scored_milli_cpu, here.scored_milli_cpu);
		peak->scored_memory_bytes =
		        KT_MAX(peak->scored_memory_bytes, here.scored_memory_bytes);
		kt_resources_finish(&here.total);
	}
}

/* Requests of the pod as a whole stand for the sum of its containers' (KEP-2837): for CPU, memory
 * and hugepages. Scoring then assumes nothing of containers, unless nobody asks for anything. */
static void override_by_pod(struct kt_pod_info *pod, struct kt_resources *total)
{
	struct kt_json_at requests = kt_json_find(pod->spec, "resources", "requests", NULL);
	struct kt_resources own = {0};
	bool any;

	if (!requests.p)
		return;
	kt_resources_add_json(&own, requests);
	any = kt_json_member(requests, "cpu").p || kt_json_member(requests, "memory").p;
	if (kt_json_member(requests, "cpu").p)
		total->milli_cpu = own.milli_cpu;
	if (kt_json_member(requests, "memory").p)
		total->memory_bytes = own.memory_bytes;
	for (size_t i = 0; i < own.scalars.n; i++) {
		const struct kt_scalar_resource *scalar = &own.scalars.items[i];

		if (strncmp(scalar->name, "hugepages-", strlen("hugepages-")) != 0)
			continue;
		kt_resources_set_scalar(total, scalar->name, scalar->value);
		any = true;
	}
	kt_resources_finish(&own);
	if (any && total->milli_cpu)
		pod->scored_milli_cpu = total->milli_cpu;
	if (any && total->memory_bytes)
		pod->scored_memory_bytes = total->memory_bytes;
}

static void add_overhead(struct kt_pod_info *pod, struct kt_resources *total)
{
	struct kt_json_at overhead = kt_json_member(pod->spec, "overhead");
	struct kt_resources more = {0};

	if (!overhead.p)
		return;
	kt_resources_add_json(&more, overhead);
	kt_resources_add(total, &more);
	pod->scored_milli_cpu += more.milli_cpu;
	pod->scored_memory_bytes += more.memory_bytes;
	pod->asked_milli_cpu += more.milli_cpu;
	pod->asked_memory_bytes += more.memory_bytes;
	kt_resources_finish(&more);
}

static void read_requests(struct kt_pod_info *pod)
{
	struct container_sums sums = {0}, peak = {0};
	struct kt_json_at list = kt_json_member(pod->spec, "containers"), container;
	struct statuses statuses = read_statuses(pod->object);
	struct kt_json_iter it = {0};

	read_init_containers(pod->spec, &statuses, &sums, &peak);
	while (list.p && kt_json_next_element(list, &it, &container)) {
		struct request request =
		        read_container(container, statuses.containers, statuses.infeasible);

		add_container(&sums, &request);
	}
	kt_resources_max(&sums.total, &peak.total);
	pod->asked_milli_cpu = pod->scored_milli_cpu =
	        KT_MAX(sums.scored_milli_cpu, peak.scored_milli_cpu);
	pod->asked_memory_bytes = pod->scored_memory_bytes =
	        KT_MAX(sums.scored_memory_bytes, peak.scored_memory_bytes);
	kt_resources_finish(&peak.total);
	override_by_pod(pod, &sums.total);
	add_overhead(pod, &sums.total);
	sums.total.pods = 1;
	pod->requests = sums.total;
}

static void read_tolerations(struct kt_pod_info *pod)
{
	struct kt_json_at list = kt_json_member(pod->spec, "tolerations"), item;
	struct kt_json_iter it = {0};

	while (list.p && kt_json_next_element(list, &it, &item))
		kt_vec_push(&pod->tolerations, ((struct kt_toleration){
		                                       .key = string_member(item, "key"),
		                                       .operator= string_member(item, "operator"),
		                                       .value = string_member(item, "value"),
		                                       .effect = string_member(item, "effect"),
		                               }));
}

/* Ports of containers that live with the pod: an init container's count only when it is a sidecar.
 */
static void read_ports(struct kt_pod_info *pod, const char *field, bool sidecars_only)
{
	struct kt_json_at list = kt_json_member(pod->spec, field), container, ports, port;
	struct kt_json_iter it = {0};

	while (list.p && kt_json_next_element(list, &it, &container)) {
		struct kt_json_iter each = {0};

		if (sidecars_only &&
		        !kt_json_string_is(kt_json_member(container, "restartPolicy"), "Always"))
			continue;
		ports = kt_json_member(container, "ports");
		while (ports.p && kt_json_next_element(ports, &each, &port)) {
			struct kt_host_port host = {.ip = string_member(port, "hostIP"),
			        .protocol = string_member(port, "protocol")};

			if (!kt_json_int64(kt_json_member(port, "hostPort"), &host.port) ||
			        host.port <= 0)
				continue;
			if (!host.protocol.len)
				host.protocol = KT_SV("TCP");
			kt_vec_push(&pod->host_ports, host);
		}
	}
}

static void add_claim(struct kt_pod_info *pod, char *name, bool ephemeral)
{
	struct kt_pod_claim claim = {.ephemeral = ephemeral};

	claim.key = kt_asprintf("%.*s/%s", KT_SVP(pod->namespace), name);
	claim.name = claim.key + pod->namespace.len + 1;
	kt_vec_push(&pod->claims, claim);
}

/* One pass over a volume: projected ones are long. */
static void read_volume(struct kt_pod_info *pod, struct kt_json_at volume)
{
	static const char *const disks[] = {
	        "gcePersistentDisk", "awsElasticBlockStore", "iscsi", "rbd"};
	struct kt_json_iter it = {0};
	struct kt_json_at value, claim = {0};
	struct kt_sv key, own = {0};
	bool ephemeral = false;
	kt_auto_free char *name = NULL;

	while (kt_json_next_member(volume, &it, &key, &value)) {
		if (kt_sv_is(key, "name"))
			kt_json_string_sv(value, &own);
		else if (kt_sv_is(key, "persistentVolumeClaim"))
			claim = value;
		else if (kt_sv_is(key, "ephemeral"))
			ephemeral = true;
		else
			for (size_t i = 0; i < KT_ARRAY_SIZE(disks); i++)
				pod->has_disks |= kt_sv_is(key, disks[i]);
	}
	if (!claim.p && !ephemeral)
		return;
	name = claim.p ? kt_sv_dup(string_member(claim, "claimName"))
	               : kt_asprintf("%.*s-%.*s", KT_SVP(pod->name), KT_SVP(own));
	add_claim(pod, name, ephemeral);
}

static void read_volumes(struct kt_pod_info *pod)
{
	struct kt_json_at list = kt_json_member(pod->spec, "volumes"), volume;
	struct kt_json_iter it = {0};

	while (list.p && kt_json_next_element(list, &it, &volume))
		read_volume(pod, volume);
}

struct kt_pod_info *kt_pod_info_create(struct kt_object *object)
{
	struct kt_pod_info *pod = kt_new(struct kt_pod_info);
	int64_t priority = 0;

	pod->object = kt_object_ref(object);
	pod->spec = kt_object_section(object, KT_SECTION_SPEC);
	pod->namespace = kt_object_namespace(object);
	pod->name = kt_object_name(object);
	pod->uid = kt_object_uid(object);
	pod->node_name = string_member(pod->spec, "nodeName");
	pod->scheduler_name = string_member(pod->spec, "schedulerName");
	if (kt_json_int64(kt_json_member(pod->spec, "priority"), &priority))
		pod->priority = (int32_t)priority;
	pod->node_selector = kt_json_member(pod->spec, "nodeSelector");
	pod->affinity = kt_json_member(pod->spec, "affinity");
	read_requests(pod);
	read_tolerations(pod);
	read_ports(pod, "containers", false);
	read_ports(pod, "initContainers", true);
	kt_affinity_terms_read(pod->affinity, pod->namespace, pod->terms);
	read_volumes(pod);
	return pod;
}

void kt_pod_info_destroy(struct kt_pod_info *pod)
{
	if (!pod)
		return;
	kt_resources_finish(&pod->requests);
	kt_vec_finish(&pod->tolerations);
	kt_vec_finish(&pod->host_ports);
	for (int kind = 0; kind < KT_AFFINITY_KINDS; kind++)
		kt_affinity_terms_finish(&pod->terms[kind]);
	for (size_t i = 0; i < pod->claims.n; i++)
		free(pod->claims.items[i].key);
	kt_vec_finish(&pod->claims);
	kt_object_unref(pod->object);
	free(pod);
}

bool kt_pod_has_ended(const struct kt_object *pod)
{
	struct kt_json_at phase = kt_object_field(pod, KT_SECTION_STATUS, "phase");

	return kt_json_string_is(phase, "Succeeded") || kt_json_string_is(phase, "Failed");
}

struct kt_sv kt_pod_nominated_node(const struct kt_object *pod)
{
	struct kt_sv name = {0};

	kt_json_string_sv(kt_object_field(pod, KT_SECTION_STATUS, "nominatedNodeName"), &name);
	return name;
}
