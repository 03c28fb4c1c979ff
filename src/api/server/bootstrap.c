/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/bootstrap.h"

#include "api/machinery/limits.h"
#include "api/server/auth/authorize.h"
#include "api/server/flow.h"
#include "api/server/server_impl.h"
#include "base/log.h"
#include "base/time.h"

#include <arpa/inet.h>
#include <errno.h>

/* What is written in one go. */
struct batch {
	struct kt_server *server;
	struct kt_arena arena;
	struct kt_storage_op ops[KT_STORAGE_OPS_MAX];
	size_t n;
	struct kt_storage_txn txn;
	bool is_done;
	int64_t now_ns;
};

static void on_done(struct kt_storage_txn *txn)
{
	kt_container_of(txn, struct batch, txn)->is_done = true;
}

static int flush(struct batch *batch, struct kt_err *err)
{
	struct kt_storage *storage = batch->server->storage;
	int status = 0;

	if (!batch->n)
		return 0;
	batch->is_done = false;
	batch->txn = (struct kt_storage_txn){
	        .ops = batch->ops, .n_ops = batch->n, .loop = batch->server->loop, .done = on_done};
	if (storage->ops->submit(storage, &batch->txn, err) < 0)
		return err->code;
	while (!batch->is_done && status >= 0)
		status = kt_loop_run_once(batch->server->loop, -1, err);
	for (size_t i = 0; i < batch->n; i++) {
		kt_object_unref(batch->ops[i].object);
		kt_object_unref(batch->ops[i].ret_object);
	}
	batch->n = 0;
	if (status < 0)
		return status;
	if (batch->txn.status < 0)
		return kt_fail(err, batch->txn.status, "writing what an empty cluster holds: %s",
		        strerror(-batch->txn.status));
	return 0;
}

/* Takes over tree. */
static int add(struct batch *batch, const struct kt_kind *kind, json_t *tree, struct kt_err *err)
{
	kt_auto_json json_t *object = tree;
	struct kt_storage *storage = batch->server->storage;
	json_t *metadata = json_object_get(object, "metadata");
	const char *namespace = kt_jstr(metadata, "namespace"), *name = kt_jstr(metadata, "name");
	char *key = kt_server_key(&batch->arena, kind, namespace ? namespace : "", name);
	kt_auto_object struct kt_object *there = NULL;
	kt_auto_err missing = KT_ERR_INIT;
	char uid[37], time[KT_TIME_TEXT_MAX];
	kt_auto_str json = KT_STR_INIT;

	if (storage->ops->get(storage, key, 0, &there, &missing) == 0)
		return 0;
	kt_loop_random_uuid(batch->server->loop, uid);
	kt_time_format(batch->now_ns, time);
	json_object_set_new(metadata, "uid", json_string(uid));
	json_object_set_new(metadata, "creationTimestamp", json_string(time));
	if (kind->flags & KT_KIND_GENERATION)
		json_object_set_new(metadata, "generation", json_integer(1));
	kt_type_default(kind->type, object);
	kt_codec_encode_json(&json, kind->type, object);
	struct kt_storage_op op = {.kind = KT_STORAGE_PUT, .key = key};
	if (kt_object_create(kt_sv_of(key), (struct kt_sv){json.data, json.len}, &op.object, err) <
	        0)
		return err->code;
	batch->ops[batch->n++] = op;
	return batch->n == KT_STORAGE_OPS_MAX ? flush(batch, err) : 0;
}

static int add_new(struct batch *batch, const char *group, const char *kind_name, json_t *tree,
        struct kt_err *err)
{
	const struct kt_kind *kind = kt_builtin_kind(group, "v1", kind_name);
	char api_version[128];

	kt_assert(kind && tree);
	kt_kind_api_version(kind, api_version, sizeof(api_version));
	json_object_set_new(tree, "kind", json_string(kind_name));
	json_object_set_new(tree, "apiVersion", json_string(api_version));
	return add(batch, kind, tree, err);
}

static void fill_namespace(json_t *object)
{
	json_t *metadata = json_object_get(object, "metadata");

	json_object_set_new(metadata, "labels",
	        json_pack(
	                "{s:O}", "kubernetes.io/metadata.name", json_object_get(metadata, "name")));
	json_object_set_new(object, "spec", json_pack("{s:[s]}", "finalizers", "kubernetes"));
	json_object_set_new(object, "status", json_pack("{s:s}", "phase", "Active"));
}

/* The schemas of the table name priority levels of the table. */
static void fill_flow_schema(const struct batch *batch, json_t *object)
{
	const char *level = kt_jstr(object, "spec.priorityLevelConfiguration.name");
	char time[KT_TIME_TEXT_MAX];

	kt_time_format(batch->now_ns, time);
	json_object_set_new(object, "status",
	        json_pack("{s:[{s:s,s:s,s:s,s:s,s:o}]}", "conditions", "type", "Dangling", "status",
	                "False", "lastTransitionTime", time, "reason", "Found", "message",
	                json_sprintf("This FlowSchema references the PriorityLevelConfiguration "
	                             "object named \"%s\" and it exists",
	                        level)));
}

static int add_table(struct batch *batch, struct kt_err *err)
{
	for (const struct kt_bootstrap_entry *entry = kt_bootstrap_entries; entry->group; entry++) {
		const struct kt_kind *kind =
		        kt_builtin_kind(entry->group, entry->version, entry->kind);
		json_t *object = kt_json_parse(kt_sv_of(entry->json), NULL, err);
		if (!kind || !object) {
			json_decref(object);
			return kt_fail(err, EINVAL, "the table of first objects has a bad %s",
			        entry->kind);
		}
		if (kt_streq(entry->kind, "Namespace"))
			fill_namespace(object);
		if (kt_streq(entry->kind, "FlowSchema"))
			fill_flow_schema(batch, object);
		if (add(batch, kind, object, err) < 0)
			return err->code;
	}
	return 0;
}

/* The first address of the service range is the API server's own service. */
static int first_address(
        const char *range, char *ret_text, size_t size, bool *ret_ipv6, struct kt_err *err)
{
	kt_auto_free char *network = kt_strndup(range, strcspn(range, "/"));
	unsigned char bytes[16];
	int family = strchr(network, ':') ? AF_INET6 : AF_INET;

	if (inet_pton(family, network, bytes) != 1)
		return kt_fail(
		        err, EINVAL, "service-cluster-ip-range: \"%s\" is no CIDR block", range);
	bytes[family == AF_INET ? 3 : 15] |= 1;
	*ret_ipv6 = family == AF_INET6;
	inet_ntop(family, bytes, ret_text, (socklen_t)size);
	return 0;
}

static json_t *kubernetes_metadata(void)
{
	return json_pack("{s:s,s:s,s:{s:s,s:s}}", "name", "kubernetes", "namespace", "default",
	        "labels", "component", "apiserver", "provider", "kubernetes");
}

static int add_kubernetes_service(struct batch *batch, struct kt_err *err)
{
	const struct kt_server_options *options = &batch->server->options;
	char address[INET6_ADDRSTRLEN];
	bool ipv6 = false;

	if (first_address(options->service_cluster_ip_range, address, sizeof(address), &ipv6, err) <
	        0)
		return err->code;
	const char *family = ipv6 ? "IPv6" : "IPv4";
	int port = options->secure_port ? options->secure_port : 6443;
	json_t *service = json_pack(
	        "{s:o,s:{s:s,s:s,s:[s],s:[s],s:s,s:s,s:s,s:[{s:s,s:s,s:i,s:i}]},s:{s:{}}}",
	        "metadata", kubernetes_metadata(), "spec", "type", "ClusterIP", "clusterIP",
	        address, "clusterIPs", address, "ipFamilies", family, "ipFamilyPolicy",
	        "SingleStack", "internalTrafficPolicy", "Cluster", "sessionAffinity", "None",
	        "ports", "name", "https", "protocol", "TCP", "port", 443, "targetPort", port,
	        "status", "loadBalancer");
	json_t *cidr = json_pack("{s:{s:s},s:{s:[s]}}", "metadata", "name", "kubernetes", "spec",
	        "cidrs", options->service_cluster_ip_range);
	json_t *ip = json_pack("{s:{s:s,s:{s:s,s:s}},s:{s:{s:s,s:s,s:s,s:s}}}", "metadata", "name",
	        address, "labels", "ipaddress.kubernetes.io/ip-family", family,
	        "ipaddress.kubernetes.io/managed-by", "ipallocator.k8s.io", "spec", "parentRef",
	        "group", "", "resource", "services", "namespace", "default", "name", "kubernetes");
	int status = add_new(batch, "networking.k8s.io", "ServiceCIDR", cidr, err);
	int status_ip = status < 0 ? (json_decref(ip), status)
	                           : add_new(batch, "networking.k8s.io", "IPAddress", ip, err);
	if (status_ip < 0) {
		json_decref(service);
		return status_ip;
	}
	return add_new(batch, "", "Service", service, err);
}

int kt_server_bootstrap(struct kt_server *server, struct kt_err *err)
{
	struct batch *batch = kt_new(struct batch);

	batch->server = server;
	batch->now_ns = kt_loop_wall_ns(server->loop);
	kt_arena_init(&batch->arena);
	int status = add_table(batch, err);
	if (status == 0)
		status = add_kubernetes_service(batch, err);
	if (status == 0)
		status = flush(batch, err);
	kt_arena_finish(&batch->arena);
	free(batch);
	if (status == 0)
		status = kt_authorizer_sync(server->authorizer, err);
	if (status == 0)
		status = kt_flow_sync(server->flow, err);
	atomic_store(&server->ready, status == 0);
	return status;
}
