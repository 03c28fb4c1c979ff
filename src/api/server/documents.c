/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/documents.h"
#include "api/server/snapshot.h"

#include "api/server/accept.h"
#include "api/server/auth/authenticate.h"
#include "api/server/discovery.h"
#include "api/server/encode.h"
#include "api/server/health.h"
#include "api/server/metrics.h"
#include "api/server/openapi_documents.h"
#include "api/server/operations.h"
#include "api/server/server_impl.h"

static int write_no_page(struct kt_request *request)
{
	kt_encode_text(request, 404, "text/plain; charset=utf-8", KT_SV("404 page not found\n"));
	return 0;
}

const struct kt_operation kt_operation_no_page = {.name = "no page", .encode = write_no_page};

static int write_version(struct kt_request *request)
{
	static const char platform[] =
#if defined(__aarch64__)
	        "linux/arm64";
#else
	        "linux/amd64";
#endif
	kt_auto_json json_t *version = json_pack(
	        "{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "major", "1", "minor",
	        "35", "emulationMajor", "1", "emulationMinor", "35", "minCompatibilityMajor", "1",
	        "minCompatibilityMinor", "34", "gitVersion", KT_SERVER_GIT_VERSION, "gitCommit",
	        KT_VERSION, "gitTreeState", "clean", "buildDate", "1970-01-01T00:00:00Z",
	        "goVersion", "none", "compiler", __VERSION__, "platform", platform);

	request->state->accept.pretty = true;
	return kt_encode_tree(request, 200, NULL, version);
}

static int write_metrics(struct kt_request *request)
{
	kt_auto_str text = KT_STR_INIT;

	kt_metrics_write(request->server, &text);
	kt_encode_text(request, 200, "text/plain; version=0.0.4; charset=utf-8",
	        (struct kt_sv){text.data, text.len});
	return 0;
}

static int write_jwks(struct kt_request *request)
{
	kt_auto_str text = KT_STR_INIT;

	kt_token_jwks(request->server->authenticator, &text);
	kt_encode_text(
	        request, 200, "application/jwk-set+json", (struct kt_sv){text.data, text.len});
	return 0;
}

static int write_openid(struct kt_request *request)
{
	kt_auto_str text = KT_STR_INIT;

	kt_token_openid_configuration(request->server->authenticator, &text);
	kt_encode_text(request, 200, "application/json", (struct kt_sv){text.data, text.len});
	return 0;
}

static int encode_discovery(struct kt_request *request, const char *type_name, json_t *tree)
{
	kt_auto_json json_t *owned = tree;
	const struct kt_type *type = NULL;

	if (request->state->accept.media == KT_MEDIA_PROTOBUF && type_name)
		type = kt_type_lookup(type_name);
	if (request->state->accept.media == KT_MEDIA_PROTOBUF)
		json_object_set_new(owned, "apiVersion", json_string("v1"));
	return kt_encode_tree(request, 200, type, owned);
}

static int write_aggregated(struct kt_request *request, bool core)
{
	kt_auto_json json_t *tree = kt_discovery_aggregated(request->server, core);
	kt_auto_str text = KT_STR_INIT;

	kt_json_write(&text, tree, 0);
	request->status = 200;
	kt_request_answer_header(request, "content-type",
	        "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
	kt_request_answer_header(request, "cache-control", "public");
	kt_request_answer_header(request, "vary", "Accept");
	kt_request_answer_add(request, kt_buf_from_str(&text));
	return 0;
}

#define META "io.k8s.apimachinery.pkg.apis.meta.v1."

static int write_api(struct kt_request *request)
{
	if (request->state->accept.form == KT_FORM_DISCOVERY_V2)
		return write_aggregated(request, true);
	return encode_discovery(
	        request, META "APIVersions", kt_discovery_versions(request->server));
}

static int write_apis(struct kt_request *request)
{
	if (request->state->accept.form == KT_FORM_DISCOVERY_V2)
		return write_aggregated(request, false);
	return encode_discovery(request, META "APIGroupList", kt_discovery_groups(request->server));
}

/* The part of the path behind "/apis/". */
static const char *tail(struct kt_request *request, const char *prefix)
{
	char *text = kt_arena_strdup(&request->arena, request->state->route.path + strlen(prefix));
	size_t len = strlen(text);

	if (len && text[len - 1] == '/')
		text[len - 1] = '\0';
	return text;
}

static int write_core_resources(struct kt_request *request)
{
	json_t *tree = kt_discovery_resources(request->server, "", tail(request, "/api/"));

	if (!tree)
		return kt_fail_no_resource(&request->err);
	return encode_discovery(request, META "APIResourceList", tree);
}

static int write_group(struct kt_request *request)
{
	const char *group = tail(request, "/apis/"), *slash = strchr(group, '/');

	if (!slash) {
		json_t *tree = kt_discovery_group(request->server, group);
		return tree ? encode_discovery(request, META "APIGroup", tree)
		            : write_no_page(request);
	}
	const char *name = kt_arena_strndup(&request->arena, group, (size_t)(slash - group));
	json_t *tree = kt_discovery_resources(request->server, name, slash + 1);
	if (tree)
		return encode_discovery(request, META "APIResourceList", tree);
	/* A group of definitions has no handler for versions that nobody defined. */
	if (!kt_resources_is_builtin_group(name))
		return write_no_page(request);
	return kt_fail_no_resource(&request->err);
}

static int write_index(struct kt_request *request);

struct document {
	const char *path;
	bool is_prefix; /* and everything below it */
	bool any_method;
	unsigned offers; /* of accept.h; 0: no negotiation */
	int (*write)(struct kt_request *request);
};

static const struct document documents[] = {
        {"/.well-known/openid-configuration", false, false, 0, write_openid},
        {"/api", false, false, KT_OFFER_PROTOBUF | KT_OFFER_DISCOVERY, write_api},
        {"/api/", true, false, KT_OFFER_PROTOBUF, write_core_resources},
        {"/apis", false, false, KT_OFFER_PROTOBUF | KT_OFFER_DISCOVERY, write_apis},
        {"/apis/", true, false, KT_OFFER_PROTOBUF, write_group},
        {"/healthz", true, true, 0, kt_health_write},
        {KT_SNAPSHOT_PATH, false, false, 0, kt_snapshot_write},
        {"/livez", true, true, 0, kt_health_write},
        {"/metrics", false, false, 0, write_metrics},
        {"/openapi/v2", false, false, 0, kt_openapi_write_v2},
        {"/openapi/v3", true, false, 0, kt_openapi_write_v3},
        {"/openid/v1/jwks", false, false, 0, write_jwks},
        {"/readyz", true, true, 0, kt_health_write},
        {"/version", false, false, KT_OFFER_PROTOBUF, write_version},
        {"/", false, false, 0, write_index},
};

/* The keys of the set. */
static void add_sorted(json_t *list, json_t *set)
{
	size_t n = 0;
	kt_auto_free const char **keys = kt_new_array(const char *, json_object_size(set));
	const char *key;
	json_t *none;

	json_object_foreach(set, key, none)
		keys[n++] = key;
	qsort(keys, n, sizeof(*keys), kt_strp_cmp);
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_string(keys[i]));
}

static int write_index(struct kt_request *request)
{
	kt_auto_json json_t *tree = json_object();
	json_t *paths = json_array();
	kt_auto_json json_t *set = json_object();
	struct kt_discovery_kinds kinds;

	for (size_t i = 0; i < KT_ARRAY_SIZE(documents); i++)
		if (!kt_ends_with(documents[i].path, "/") &&
		        strcmp(documents[i].path, KT_SNAPSHOT_PATH) != 0)
			json_object_set_new(set, documents[i].path, json_null());
	kt_health_paths(set);
	kt_discovery_kinds(request->server, &kinds);
	for (size_t i = 0; i < kinds.n; i++) {
		const struct kt_kind *kind = kinds.kinds[i];
		kt_auto_free char *group = kt_asprintf("/apis/%s", kind->group);
		kt_auto_free char *path = *kind->group ? kt_asprintf("%s/%s", group, kind->version)
		                                       : kt_asprintf("/api/%s", kind->version);
		if (*kind->group)
			json_object_set_new(set, group, json_null());
		json_object_set_new(set, path, json_null());
	}
	kt_discovery_kinds_finish(&kinds);
	add_sorted(paths, set);
	json_object_set_new(tree, "paths", paths);
	request->state->accept.pretty = true;
	return kt_encode_tree(request, 200, NULL, tree);
}

static int document_encode(struct kt_request *request)
{
	const struct document *document = request->state->operation_data;

	return document->write(request);
}

static const struct kt_operation operation_document = {
        .name = "document", .encode = document_encode};

static const struct document *find(const char *path)
{
	size_t len = strlen(path);

	for (size_t i = 0; i < KT_ARRAY_SIZE(documents); i++) {
		const struct document *document = &documents[i];
		size_t n = strlen(document->path);
		if (kt_streq(path, document->path))
			return document;
		/* A trailing slash means nothing. */
		if (len == n + 1 && path[n] == '/' && kt_starts_with(path, document->path))
			return document;
		bool below = n > 1 && (document->path[n - 1] == '/' || path[n] == '/');
		if (document->is_prefix && kt_starts_with(path, document->path) && below)
			return document;
	}
	return NULL;
}

int kt_document_find(struct kt_request *request)
{
	struct kt_request_state *state = request->state;
	const struct document *document = find(state->route.path);

	if (!document) {
		state->operation = &kt_operation_no_page;
		return 0;
	}
	if (!document->any_method && !kt_streq(request->method, "GET"))
		return kt_fail_no_method(&request->err);
	state->operation = &operation_document;
	state->operation_data = (void *)(uintptr_t)document;
	return document->offers ? kt_accept_negotiate(request, document->offers) : 0;
}
