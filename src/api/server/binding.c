/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pods/binding and the older bindings: a pod gets its node. The hot write of a busy cluster: the
 * node's name and the condition PodScheduled are spliced into the stored bytes; a tree is built
 * only for what is rare (labels, annotations).
 */
#include "api/server/admit.h"
#include "api/server/encode.h"
#include "api/server/server_impl.h"
#include "api/server/subresources.h"
#include "api/server/write.h"
#include "base/time.h"

#include <errno.h>

static int binding_decode(struct kt_request *request)
{
	struct kt_request_state *state = request->state;
	static const char type_name[] = "io.k8s.api.core.v1.Binding";

	if (kt_write_options(request, "CreateOptions") < 0 ||
	        kt_write_decode(request, kt_type_lookup(type_name), "v1", "Binding") < 0)
		return request->err.code;
	const char *name = kt_jstr(state->body, "metadata.name"),
	           *node = kt_jstr(state->body, "target.name");
	const char *kind = kt_jstr(state->body, "target.kind");
	if (!state->subresource) {
		/* The older form names the pod in the body alone. */
		state->kind = kt_builtin_resource("", "v1", "pods");
		state->route.name = kt_arena_strdup(&request->arena, name ? name : "");
	} else if (name && *name && !kt_streq(name, state->route.name)) {
		return kt_fail(
		        &request->err, EINVAL, "name in URL does not match name in Binding object");
	}
	if (kind && *kind && !kt_streq(kind, "Node"))
		return kt_fail_reason(&request->err, KT_REASON_UNKNOWN, EPROTO,
		        "target.kind: Unsupported value: \"%s\": supported values: \"Node\", "
		        "\"<empty>\"",
		        kind);
	if (!node || !*node)
		return kt_fail_reason(
		        &request->err, KT_REASON_UNKNOWN, EPROTO, "target.name: Required value");
	/* The older form is a resource of its own that nobody has rules for. */
	return state->subresource ? kt_admit_create(request, state->body) : 0;
}

static int fail_binding(struct kt_request *request, const char *why)
{
	return kt_fail_conflict(&request->err, "", "pods/binding", request->state->route.name, why);
}

static int check_pod(struct kt_request *request)
{
	const struct kt_request_state *state = request->state;
	struct kt_json_at spec = kt_object_part(state->current, state->current->spec);
	struct kt_json_at gates = kt_json_member(spec, "schedulingGates"), gate;
	struct kt_json_iter it = {0};
	const char *name = state->route.name;
	kt_auto_free char *why = NULL;
	kt_auto_free char *node = kt_json_string_dup(kt_json_member(spec, "nodeName"));

	if (state->current->deletion_timestamp.len)
		why = kt_asprintf("pod %s is being deleted, cannot be assigned to a host", name);
	else if (node && *node)
		why = kt_asprintf("pod %s is already assigned to node \"%s\"", name, node);
	else if (gates.p && kt_json_next_element(gates, &it, &gate))
		why = kt_asprintf("pod %s has non-empty .spec.schedulingGates", name);
	return why ? fail_binding(request, why) : 0;
}

static int check_uid(struct kt_request *request)
{
	const struct kt_request_state *state = request->state;
	const char *uid = kt_jstr(state->body, "metadata.uid");
	struct kt_sv there = kt_object_uid(state->current);

	if (!uid || !*uid || kt_sv_is(there, uid))
		return 0;
	kt_auto_free char *why =
	        kt_asprintf("StorageError: invalid object, Code: 4, Key: %s, ResourceVersion: 0, "
	                    "AdditionalErrorMsg: Precondition "
	                    "failed: UID in precondition: %s, UID in object meta: %.*s",
	                state->key, uid, (int)there.len, there.p);
	return kt_fail_conflict(&request->err, "", "pods", state->route.name, why);
}

/* status.conditions with PodScheduled=True in it. */
static void write_conditions(
        struct kt_request *request, struct kt_json_at conditions, struct kt_str *out)
{
	char time[KT_TIME_TEXT_MAX];
	struct kt_json_iter it = {0};
	struct kt_json_at item;

	kt_time_format(kt_loop_wall_ns(request->loop), time);
	kt_str_putc(out, '[');
	while (conditions.p && kt_json_next_element(conditions, &it, &item)) {
		if (kt_json_string_is(kt_json_member(item, "type"), "PodScheduled"))
			continue;
		kt_str_puts(out, out->len > 1 ? "," : "");
		kt_str_add(out, item.p, item.len);
	}
	kt_str_printf(out,
	        "%s{\"type\":\"PodScheduled\",\"status\":\"True\",\"lastProbeTime\":null,"
	        "\"lastTransitionTime\":\"%s\"}",
	        out->len > 1 ? "," : "", time);
	kt_str_putc(out, ']');
}

/* value NULL: none is left. */
static int splice(
        struct kt_str *doc, const char *const *path, const struct kt_str *value, struct kt_err *err)
{
	kt_auto_str out = KT_STR_INIT;
	struct kt_sv text = value ? (struct kt_sv){kt_str_text(value), value->len} : KT_SV("");
	int status = kt_json_splice(
	        &out, kt_json_doc(kt_str_text(doc), doc->len), path, value ? &text : NULL, err);

	if (status < 0)
		return status;
	kt_str_finish(doc);
	*doc = out;
	out = KT_STR_INIT;
	return 0;
}

/* The node that the pod was nominated for is history (upstream's
 * ClearingNominatedNodeNameAfterBinding). */
static int clear_nomination(
        struct kt_request *request, struct kt_json_at status, struct kt_str *doc)
{
	static const char *const path[] = {"status", "nominatedNodeName", NULL};

	if (!kt_json_member(status, "nominatedNodeName").p)
		return 0;
	return splice(doc, path, NULL, &request->err);
}

/* Labels and annotations of the binding are added to the pod's. */
static int merge_map(struct kt_request *request, struct kt_str *doc, const char *key)
{
	kt_auto_free char *path_text = kt_asprintf("metadata.%s", key);
	json_t *more = kt_jget(request->state->body, path_text);
	const char *const path[] = {"metadata", key, NULL};
	kt_auto_str text = KT_STR_INIT;

	if (!json_object_size(more))
		return 0;
	kt_auto_json json_t *map = kt_json_tree(
	        kt_json_find(kt_json_doc(kt_str_text(doc), doc->len), "metadata", key, NULL));
	if (!map)
		map = json_object();
	json_object_update(map, more);
	kt_json_write(&text, map, KT_JSON_SORT);
	return splice(doc, path, &text, &request->err);
}

static int make_bound(struct kt_request *request, struct kt_str *doc)
{
	struct kt_request_state *state = request->state;
	static const char *const node_path[] = {"spec", "nodeName", NULL};
	static const char *const conditions_path[] = {"status", "conditions", NULL};
	const char *node = kt_jstr(state->body, "target.name");
	struct kt_json_at status = kt_object_part(state->current, state->current->status);
	kt_auto_str value = KT_STR_INIT, conditions = KT_STR_INIT;

	kt_json_write_string(&value, node, strlen(node));
	write_conditions(request, kt_json_member(status, "conditions"), &conditions);
	kt_str_add(doc, kt_object_json(state->current), state->current->json_len);
	if (splice(doc, node_path, &value, &request->err) < 0 ||
	        splice(doc, conditions_path, &conditions, &request->err) < 0 ||
	        clear_nomination(request, status, doc) < 0 ||
	        merge_map(request, doc, "labels") < 0 || merge_map(request, doc, "annotations") < 0)
		return request->err.code;
	return 0;
}

static int binding_mutate(struct kt_request *request)
{
	struct kt_request_state *state = request->state;
	struct kt_storage *storage = request->server->storage;
	kt_auto_str doc = KT_STR_INIT;
	struct kt_object *object = NULL;

	kt_write_begin(request);
	state->key = kt_server_key(
	        &request->arena, state->kind, state->route.namespace, state->route.name);
	if (storage->ops->get(storage, state->key, 0, &state->current, &request->err) < 0)
		return kt_fail_not_found(&request->err, "", "pods", state->route.name);
	if (check_uid(request) < 0 || check_pod(request) < 0 || make_bound(request, &doc) < 0)
		return request->err.code;
	if (kt_object_create(kt_sv_of(state->key), (struct kt_sv){doc.data, doc.len}, &object,
	            &request->err) < 0)
		return request->err.code;
	kt_write_add_op(request, (struct kt_storage_op){.kind = KT_STORAGE_PUT,
	                                 .key = state->key,
	                                 .expect_revision = state->current->revision,
	                                 .object = object});
	return 0;
}

static int binding_commit(struct kt_request *request)
{
	struct kt_request_state *state = request->state;

	if (!state->result) {
		state->result = json_pack("{s:s,s:s,s:{},s:s,s:i}", "kind", "Status", "apiVersion",
		        "v1", "metadata", "status", "Success", "code", 201);
		state->result_type = kt_type_lookup("io.k8s.apimachinery.pkg.apis.meta.v1.Status");
	}
	state->success_status = 201;
	return state->dry_run ? 0 : kt_write_submit(request);
}

const struct kt_operation kt_operation_binding = {
        .name = "binding",
        .decode = binding_decode,
        .mutate = binding_mutate,
        .commit = binding_commit,
        .encode = kt_encode_result,
};
