/* SPDX-License-Identifier: GPL-3.0-or-later */
/* watch: a stream over a feed, written as JSON lines, YAML-free, or protobuf frames. */
#include "api/server/encode.h"
#include "api/server/operations.h"
#include "api/server/server_impl.h"
#include "api/server/table.h"
#include "api/server/versions.h"
#include "api/server/watch_feed.h"
#include "api/server/webhook_conversion.h"

#include <errno.h>

#define PIECE_BYTES \
	(64 * 1024) /* events are gathered up to about this much before they are sent \
	             */

struct watch_stream {
	struct kt_stream stream;
	struct kt_watch_feed *feed;
	struct kt_request view; /* what encoding needs to know; never sent anywhere */
	struct kt_request_state state;
	bool ended, rows_begun;
	/* An event whose object a webhook converts; those behind it wait. */
	struct kt_conversion conversion;
	struct kt_watch_item converted;
	json_t *tree;
	bool is_converting, is_converted;
};

static const char *type_name(enum kt_watch_type type)
{
	static const char *const names[] = {"ADDED", "MODIFIED", "DELETED", "BOOKMARK"};

	return names[type];
}

/* A bookmark is an empty object of the kind with a revision. */
static json_t *bookmark_tree(const struct kt_kind *kind, const struct kt_watch_item *item)
{
	json_t *tree = json_object(), *metadata = json_object();
	char api_version[256];

	kt_kind_api_version(kind, api_version, sizeof(api_version));
	json_object_set_new(tree, "kind", json_string(kind->kind));
	json_object_set_new(tree, "apiVersion", json_string(api_version));
	json_object_set_new(
	        metadata, "resourceVersion", json_sprintf("%lld", (long long)item->revision));
	if (item->initial_end)
		json_object_set_new(metadata, "annotations",
		        json_pack("{s:s}", "k8s.io/initial-events-end", "true"));
	json_object_set_new(tree, "metadata", metadata);
	return tree;
}

static void begin_event(struct kt_str *out, const char *type)
{
	kt_str_printf(out, "{\"type\":\"%s\",\"object\":", type);
}

static int write_protobuf(struct watch_stream *watch, const char *type,
        const struct kt_type *object_type, const json_t *tree, struct kt_str *out)
{
	return kt_codec_encode_protobuf_watch(out, type, object_type, tree, &watch->view.err);
}

static int write_bookmark(
        struct watch_stream *watch, const struct kt_watch_item *item, struct kt_str *out)
{
	const struct kt_kind *kind = watch->state.kind;
	kt_auto_json json_t *tree = bookmark_tree(kind, item);

	if (watch->state.accept.media == KT_MEDIA_PROTOBUF)
		return write_protobuf(watch, "BOOKMARK", kind->type, tree, out);
	begin_event(out, "BOOKMARK");
	if (watch->state.accept.form == KT_FORM_PARTIAL) {
		kt_auto_json json_t *partial =
		        kt_table_partial(tree, watch->state.accept.form_version);
		kt_json_write(out, partial, 0);
	} else if (watch->state.accept.form == KT_FORM_TABLE) {
		kt_auto_json json_t *table =
		        kt_table_of_bookmark(kind, tree, watch->state.accept.form_version,
		                !watch->rows_begun, kt_loop_wall_ns(watch->stream.loop));
		watch->rows_begun = true;
		kt_json_write(out, table, 0);
	} else {
		kt_codec_encode_json(out, kind->type, tree);
	}
	kt_str_puts(out, "}\n");
	return 0;
}

static int write_item(
        struct watch_stream *watch, const struct kt_watch_item *item, struct kt_str *out)
{
	const struct kt_kind *kind = watch->state.kind;

	if (item->type == KT_WATCH_BOOKMARK)
		return write_bookmark(watch, item, out);
	if (watch->state.accept.media == KT_MEDIA_PROTOBUF) {
		const struct kt_type *type = kind->type;
		bool is_partial = watch->state.accept.form == KT_FORM_PARTIAL;
		kt_auto_json json_t *tree = is_partial ? kt_versions_hub(kind, item->object)
		                                       : kt_versions_tree(kind, item->object);
		kt_auto_json json_t *partial = NULL;
		if (is_partial) {
			type = kt_type_lookup(
			        "io.k8s.apimachinery.pkg.apis.meta.v1.PartialObjectMetadata");
			partial = kt_table_partial(tree, watch->state.accept.form_version);
		}
		return write_protobuf(
		        watch, type_name(item->type), type, partial ? partial : tree, out);
	}
	begin_event(out, type_name(item->type));
	int status = kt_encode_one(&watch->view, item->object, !watch->rows_begun, out);
	watch->rows_begun = true;
	kt_str_puts(out, "}\n");
	return status;
}

static void write_error(struct watch_stream *watch, struct kt_err *err, struct kt_str *out)
{
	kt_auto_json json_t *status = kt_status_of_err(err, NULL);
	const struct kt_type *type = kt_type_lookup("io.k8s.apimachinery.pkg.apis.meta.v1.Status");

	if (watch->state.accept.media == KT_MEDIA_PROTOBUF) {
		write_protobuf(watch, "ERROR", type, status, out);
		return;
	}
	begin_event(out, "ERROR");
	kt_json_write(out, status, 0);
	kt_str_puts(out, "}\n");
}

/* as=PartialObjectMetadataList fits no event: such a watch stays silent, as it does with a real
 * server. */
static bool is_silent(const struct watch_stream *watch)
{
	return watch->state.accept.form == KT_FORM_PARTIAL && watch->state.accept.partial_list;
}

static void on_converted(struct kt_conversion *conversion)
{
	struct watch_stream *watch = conversion->arg;

	watch->is_converting = false;
	watch->is_converted = true;
	kt_loop_post(watch->stream.loop, watch->stream.wake);
}

/* Takes the item's object. */
static void convert(struct watch_stream *watch, const struct kt_watch_item *item)
{
	watch->converted = *item;
	watch->tree = kt_object_tree(item->object);
	watch->conversion = (struct kt_conversion){.server = watch->view.server,
	        .loop = watch->stream.loop,
	        .kind = watch->state.kind,
	        .trees = &watch->tree,
	        .n = 1,
	        .done = on_converted,
	        .arg = watch};
	watch->is_converting = kt_conversion_start(&watch->conversion) == 0;
	watch->is_converted = !watch->is_converting;
}

/* 1: the event that was waited for; negative with err. */
static int take_converted(
        struct watch_stream *watch, struct kt_watch_item *ret_item, struct kt_err *err)
{
	int status = 1;

	*ret_item = watch->converted;
	watch->is_converted = false;
	if (watch->conversion.err.code)
		status = kt_err_move(err, &watch->conversion.err);
	else
		ret_item->object = kt_conversion_object(
		        watch->state.kind, watch->converted.object, watch->tree);
	kt_object_unref(kt_steal(&watch->converted.object));
	json_decref(kt_steal(&watch->tree));
	kt_conversion_finish(&watch->conversion);
	return status;
}

/* 1, 0: nothing now, or negative with err. */
static int next_item(struct watch_stream *watch, struct kt_watch_item *ret_item, struct kt_err *err)
{
	struct kt_stream *stream = &watch->stream;
	int status;

	if (!watch->is_converting && !watch->is_converted) {
		status = kt_watch_feed_next(watch->feed, stream->loop, stream->wake, ret_item, err);
		if (status != 1 || ret_item->type == KT_WATCH_BOOKMARK ||
		        !kt_conversion_needed(watch->state.kind, ret_item->object))
			return status;
		convert(watch, ret_item);
	}
	return watch->is_converting ? 0 : take_converted(watch, ret_item, err);
}

static int watch_pull(struct kt_stream *stream, struct kt_buf **ret_piece)
{
	struct watch_stream *watch = kt_container_of(stream, struct watch_stream, stream);
	kt_auto_str out = KT_STR_INIT;
	int status = 1;

	if (watch->ended)
		return -ENODATA;
	watch->view.loop = stream->loop;
	while (out.len < PIECE_BYTES) {
		kt_auto_err err = KT_ERR_INIT;
		struct kt_watch_item item;
		status = next_item(watch, &item, &err);
		if (status < 0 && status != -ENODATA)
			write_error(watch, &err, &out);
		if (status != 1)
			break;
		size_t mark = out.len;
		if (is_silent(watch) || write_item(watch, &item, &out) < 0)
			kt_str_truncate(&out, mark);
		kt_object_unref(item.object);
	}
	watch->ended = status < 0;
	if (!out.len)
		return status < 0 ? -ENODATA : 0;
	*ret_piece = kt_buf_from_str(&out);
	return 1;
}

static void watch_close(struct kt_stream *stream)
{
	struct watch_stream *watch = kt_container_of(stream, struct watch_stream, stream);

	if (watch->is_converting || watch->is_converted) {
		kt_conversion_finish(&watch->conversion);
		kt_object_unref(watch->converted.object);
		json_decref(watch->tree);
	}
	kt_watch_feed_destroy(watch->feed);
	kt_crd_unref(watch->state.crd);
	kt_err_clear(&watch->view.err);
	for (size_t i = 0; i < watch->state.query.n; i++) {
		free((char *)(uintptr_t)watch->state.query.items[i].name);
		free((char *)(uintptr_t)watch->state.query.items[i].value);
	}
	kt_vec_finish(&watch->state.query);
	free(watch);
}

struct kt_watch_feed *kt_watch_stream_feed(struct kt_stream *stream)
{
	if (!stream || stream->pull != watch_pull)
		return NULL;
	return kt_container_of(stream, struct watch_stream, stream)->feed;
}

/* The stream outlives the request: it keeps copies of what it needs of it. */
static struct watch_stream *stream_create(const struct kt_request *request)
{
	const struct kt_request_state *state = request->state;
	struct watch_stream *watch = kt_new(struct watch_stream);
	const char *include = kt_request_query(request, "includeObject");

	watch->stream = (struct kt_stream){.pull = watch_pull, .close = watch_close};
	watch->view.server = request->server;
	watch->view.state = &watch->state;
	watch->state.kind = state->kind;
	watch->state.crd = kt_crd_ref(state->crd);
	watch->state.accept = state->accept;
	watch->state.accept.pretty = false;
	/* Only two versions of meta.k8s.io exist; the literal outlives the request. */
	watch->state.accept.form_version =
	        kt_streq(state->accept.form_version, "v1beta1") ? "v1beta1" : "v1";
	if (include) {
		struct kt_query_param param = {kt_strdup("includeObject"), kt_strdup(include)};
		kt_vec_push(&watch->state.query, param);
	}
	return watch;
}

static int watch_commit(struct kt_request *request)
{
	struct kt_request_state *state = request->state;
	struct kt_list_options options;
	enum kt_include include;

	if (state->accept.form == KT_FORM_TABLE &&
	        kt_table_include(
	                kt_request_query(request, "includeObject"), &include, &request->err) < 0)
		return request->err.code;
	if (kt_list_options_parse(request, true, &options) < 0)
		return request->err.code;
	struct watch_stream *watch = stream_create(request);
	const char *prefix =
	        kt_server_key(&request->arena, state->kind, state->route.namespace, "");
	watch->feed = kt_watch_feed_create(request->server->storage, prefix, &options);
	request->stream = &watch->stream;
	return 0;
}

static int watch_encode(struct kt_request *request)
{
	const struct kt_accept *accept = &request->state->accept;
	kt_auto_str type = KT_STR_INIT;

	request->status = 200;
	kt_str_puts(&type,
	        kt_media_name(accept->media == KT_MEDIA_YAML ? KT_MEDIA_JSON : accept->media));
	if (accept->media == KT_MEDIA_PROTOBUF)
		kt_str_puts(&type, ";stream=watch");
	kt_request_answer_header(request, "content-type", kt_str_text(&type));
	kt_request_answer_header(request, "cache-control", "no-cache, private");
	return 0;
}

const struct kt_operation kt_operation_watch = {
        .name = "watch",
        .commit = watch_commit,
        .encode = watch_encode,
};
