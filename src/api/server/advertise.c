/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where the server is reached, as Service kubernetes tells it: Endpoints, EndpointSlice and the
 * target port hold what the server really listens on, also when that is a loopback address, which
 * no client may write there itself. They are written anew at each start: the port may be another.
 * Beside them the ConfigMap extension-apiserver-authentication, by which servers of further API
 * groups know the same clients.
 */
#include "api/machinery/limits.h"
#include "api/server/pki.h"
#include "api/server/server_impl.h"
#include "base/log.h"
#include "base/time.h"

#include <errno.h>

#define ATTEMPTS_MAX 8 /* against clients that write the same objects at this very moment */

struct advertising {
	struct kt_server *server;
	char *address;
	int port;
	int attempts;
	struct kt_arena arena;
	struct kt_storage_op ops[KT_STORAGE_OPS_MAX];
	size_t n;
	struct kt_storage_txn txn;
};

static json_t *port_entry(const struct advertising *a)
{
	return json_pack("{s:s,s:i,s:s}", "name", "https", "port", a->port, "protocol", "TCP");
}

static void set_endpoints(const struct advertising *a, json_t *object)
{
	json_object_set_new(object, "subsets",
	        json_pack("[{s:[{s:s}],s:[o]}]", "addresses", "ip", a->address, "ports",
	                port_entry(a)));
}

static void set_slice(const struct advertising *a, json_t *object)
{
	json_object_set_new(
	        object, "addressType", json_string(strchr(a->address, ':') ? "IPv6" : "IPv4"));
	json_object_set_new(object, "endpoints",
	        json_pack("[{s:[s],s:{s:b}}]", "addresses", a->address, "conditions", "ready", 1));
	json_object_set_new(object, "ports", json_pack("[o]", port_entry(a)));
}

static void set_service(const struct advertising *a, json_t *object)
{
	json_t *port = json_array_get(kt_jget(object, "spec.ports"), 0);

	if (port)
		json_object_set_new(port, "targetPort", json_integer(a->port));
}

static void set_authentication(const struct advertising *a, json_t *object)
{
	json_t *data = json_object_get(object, "data");

	if (!data)
		json_object_set_new(object, "data", data = json_object());
	json_object_set_new(data, "client-ca-file",
	        json_string(kt_pki_pem(a->server->options.pki, KT_PKI_CA_CERT)));
}

struct part {
	const char *group, *kind, *namespace, *name;
	const char *label, *label_value; /* of a new one; may be NULL */
	bool is_created;                 /* where it is missing */
	void (*set)(const struct advertising *a, json_t *object);
};

static const struct part parts[] = {
        {"", "Endpoints", "default", "kubernetes", "endpointslice.kubernetes.io/skip-mirror",
                "true", true, set_endpoints},
        {"discovery.k8s.io", "EndpointSlice", "default", "kubernetes", "kubernetes.io/service-name",
                "kubernetes", true, set_slice},
        {"", "Service", "default", "kubernetes", NULL, NULL, false, set_service},
        {"", "ConfigMap", "kube-system", "extension-apiserver-authentication", NULL, NULL, true,
                set_authentication},
};

static json_t *make_new(struct advertising *a, const struct kt_kind *kind, const struct part *part)
{
	struct kt_loop *loop = a->server->loop;
	char api_version[128], uid[37], time[KT_TIME_TEXT_MAX];

	kt_kind_api_version(kind, api_version, sizeof(api_version));
	kt_loop_random_uuid(loop, uid);
	kt_time_format(kt_loop_wall_ns(loop), time);
	json_t *object = json_pack("{s:s,s:s,s:{s:s,s:s,s:s,s:s}}", "kind", kind->kind,
	        "apiVersion", api_version, "metadata", "name", part->name, "namespace",
	        part->namespace, "uid", uid, "creationTimestamp", time);
	if (part->label)
		json_object_set_new(json_object_get(object, "metadata"), "labels",
		        json_pack("{s:s}", part->label, part->label_value));
	return object;
}

static void raise_generation(const struct kt_kind *kind, json_t *object)
{
	int64_t generation = kt_jint(object, "metadata.generation", 0);

	if (kind->flags & KT_KIND_GENERATION)
		json_object_set_new(json_object_get(object, "metadata"), "generation",
		        json_integer(generation + 1));
}

/* One object as it should be; nothing when it is so. */
static int add_part(struct advertising *a, const struct part *part, struct kt_err *err)
{
	struct kt_storage *storage = a->server->storage;
	const struct kt_kind *kind = kt_builtin_kind(part->group, "v1", part->kind);
	kt_auto_object struct kt_object *there = NULL;
	kt_auto_err missing = KT_ERR_INIT;
	struct kt_storage_op op = {.kind = KT_STORAGE_PUT};
	kt_auto_str json = KT_STR_INIT;

	op.key = kt_server_key(&a->arena, kind, part->namespace, part->name);
	if (storage->ops->get(storage, op.key, 0, &there, &missing) < 0 && !part->is_created)
		return 0;
	kt_auto_json json_t *object = there ? kt_object_tree(there) : make_new(a, kind, part);
	kt_auto_json json_t *before = there ? kt_object_tree(there) : NULL;
	part->set(a, object);
	kt_type_default(kind->type, object);
	if (before && json_equal(before, object))
		return 0;
	raise_generation(kind, object);
	kt_codec_encode_json(&json, kind->type, object);
	op.expect_revision = there ? there->revision : 0;
	if (kt_object_create(
	            kt_sv_of(op.key), (struct kt_sv){json.data, json.len}, &op.object, err) < 0)
		return err->code;
	a->ops[a->n++] = op;
	return 0;
}

static void drop_ops(struct advertising *a)
{
	for (size_t i = 0; i < a->n; i++) {
		kt_object_unref(a->ops[i].object);
		kt_object_unref(a->ops[i].ret_object);
	}
	a->n = 0;
}

static void finish(struct advertising *a)
{
	drop_ops(a);
	kt_arena_finish(&a->arena);
	free(a->address);
	free(a);
}

static void try_once(struct advertising *a);

static void on_done(struct kt_storage_txn *txn)
{
	struct advertising *a = kt_container_of(txn, struct advertising, txn);
	bool lost = txn->status == -ESTALE || txn->status == -EEXIST || txn->status == -ENOENT;

	drop_ops(a);
	if (lost && ++a->attempts < ATTEMPTS_MAX) {
		try_once(a);
		return;
	}
	if (txn->status < 0)
		kt_log_warning("server", "telling the address of Service kubernetes: %s",
		        strerror(-txn->status));
	finish(a);
}

static void try_once(struct advertising *a)
{
	struct kt_storage *storage = a->server->storage;
	kt_auto_err err = KT_ERR_INIT;
	int status = 0;

	for (size_t i = 0; i < KT_ARRAY_SIZE(parts) && status == 0; i++)
		status = add_part(a, &parts[i], &err);
	a->txn = (struct kt_storage_txn){
	        .ops = a->ops, .n_ops = a->n, .loop = a->server->loop, .done = on_done};
	if (status == 0 && a->n)
		status = storage->ops->submit(storage, &a->txn, &err);
	if (status < 0)
		kt_log_warning("server", "telling the address of Service kubernetes: %s",
		        kt_err_message(&err));
	if (status < 0 || !a->n)
		finish(a);
}

void kt_server_advertise(struct kt_server *server, const char *address, int port)
{
	struct advertising *a = kt_new(struct advertising);

	a->server = server;
	a->address = kt_strdup(address);
	a->port = port;
	kt_arena_init(&a->arena);
	atomic_store(&server->secure_port, port);
	try_once(a);
}
