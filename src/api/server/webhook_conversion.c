/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/webhook_conversion.h"

#include "api/codec/codec.h"
#include "api/schema/crd.h"
#include "api/server/server_impl.h"
#include "api/server/versions.h"
#include "api/status.h"
#include "base/log.h"

#include <errno.h>

#define TIMEOUT_S 30
#define GROUP "apiextensions.k8s.io"
#define ANSWER_BYTES_MAX ((size_t)64 << 20) /* a list of many */

const json_t *kt_conversion_webhook(const struct kt_kind *kind)
{
	const struct kt_crd *crd = kind->flags & KT_KIND_CUSTOM ? kt_crd_of_kind(kind) : NULL;

	if (!crd || crd->set.n_kinds < 2 ||
	        !kt_streq(kt_jstr(crd->definition, "spec.conversion.strategy"), "Webhook"))
		return NULL;
	return kt_jget(crd->definition, "spec.conversion.webhook");
}

bool kt_conversion_needed(const struct kt_kind *kind, const struct kt_object *object)
{
	return kt_conversion_webhook(kind) && !kt_versions_is_same(kind, object);
}

/* `conversion webhook for example.com/v1, Kind=Thing failed: …`; the version is what the objects
 * had. */
static int fail(struct kt_conversion *c, const char *fmt, ...)
        __attribute__((format(printf, 2, 3)));

static int fail(struct kt_conversion *c, const char *fmt, ...)
{
	const char *from = c->n ? kt_jstr(c->trees[0], "apiVersion") : NULL;
	va_list ap;

	va_start(ap, fmt);
	kt_auto_free char *why = kt_vasprintf(fmt, ap);
	va_end(ap);
	return kt_fail_reason(&c->err, KT_REASON_UNKNOWN, EPROTO,
	        "conversion webhook for %s, Kind=%s failed: %s", from ? from : "", c->kind->kind,
	        why);
}

static bool same_text(const json_t *a, const json_t *b, const char *path)
{
	return kt_streq(kt_or_empty(kt_jstr(a, path)), kt_or_empty(kt_jstr(b, path)));
}

static void take(json_t *metadata, const json_t *from, const char *key)
{
	json_t *value = json_object_get(from, key);

	if (json_is_object(value) && json_object_size(value))
		json_object_set(metadata, key, value);
	else
		json_object_del(metadata, key);
}

/* The object as a tree of the kind wanted; NULL with err. */
static json_t *accept(struct kt_conversion *c, size_t i, const json_t *converted)
{
	const json_t *before = c->trees[i];
	kt_auto_json json_t *made = json_is_object(converted) ? json_deep_copy(converted) : NULL;
	kt_auto_json json_t *metadata = json_deep_copy(json_object_get(before, "metadata"));
	json_t *pruned = NULL;
	char api_version[256];

	kt_kind_api_version(c->kind, api_version, sizeof(api_version));
	if (!made || !kt_streq(kt_jstr(made, "apiVersion"), api_version) ||
	        !same_text(made, before, "kind")) {
		fail(c,
		        "invalid converted object at index %zu: invalid groupVersion or kind "
		        "(expected %s, Kind=%s)",
		        i, api_version, c->kind->kind);
		return NULL;
	}
	if (!same_text(made, before, "metadata.name") ||
	        !same_text(made, before, "metadata.namespace") ||
	        !same_text(made, before, "metadata.uid")) {
		fail(c,
		        "invalid metadata in converted object at index %zu: must not change name, "
		        "namespace or uid",
		        i);
		return NULL;
	}
	take(metadata, json_object_get(made, "metadata"), "labels");
	take(metadata, json_object_get(made, "metadata"), "annotations");
	json_object_set(made, "metadata", metadata);
	if (kt_codec_normalize(made, c->kind->type, KT_STRICT_IGNORE, &pruned, NULL, &c->err) < 0)
		return NULL;
	return pruned;
}

static int take_objects(struct kt_conversion *c, const json_t *list)
{
	kt_auto_json json_t *made = json_array();

	if (json_array_size(list) != c->n)
		return fail(c, "returned %zu objects, expected %zu", json_array_size(list), c->n);
	for (size_t i = 0; i < c->n; i++) {
		json_t *object = accept(c, i, json_array_get(list, i));

		if (!object)
			return c->err.code;
		json_array_append_new(made, object);
	}
	for (size_t i = 0; i < c->n; i++) {
		json_decref(c->trees[i]);
		c->trees[i] = json_incref(json_array_get(made, i));
	}
	return 0;
}

static int read_answer(struct kt_conversion *c)
{
	const struct kt_outbound_call *out = &c->outbound;
	struct kt_sv body = {kt_str_text(&out->answer), out->answer.len};
	kt_auto_err why = KT_ERR_INIT;

	if (out->err.code)
		return fail(c, "%s", kt_err_message(&out->err));
	if (out->status < 200 || out->status > 206) {
		kt_err_of_status(&why, out->status, body);
		return fail(c, "%s", kt_err_message(&why));
	}
	kt_auto_json json_t *review = kt_json_parse(body, NULL, &why);
	const json_t *response = json_object_get(review, "response");
	const char *uid = kt_jstr(response, "uid"), *status = kt_jstr(response, "result.status");
	const char *message = kt_jstr(response, "result.message");
	if (!review)
		return fail(
		        c, "couldn't get version/kind; json parse error: %s", kt_err_message(&why));
	if (!json_is_object(response))
		return fail(c, "no response provided");
	if (!kt_streq(uid, c->uid))
		return fail(c, "expected response.uid=\"%s\", got \"%s\"", c->uid, uid ? uid : "");
	if (!kt_streq(status, "Success"))
		return fail(c, "%s", message ? message : "no reason given");
	return take_objects(c, json_object_get(response, "convertedObjects"));
}

static void on_done(struct kt_outbound_call *out)
{
	struct kt_conversion *c = kt_container_of(out, struct kt_conversion, outbound);

	read_answer(c);
	c->done(c);
}

static struct kt_buf *make_review(struct kt_conversion *c)
{
	kt_auto_json json_t *objects = json_array();
	kt_auto_str text = KT_STR_INIT;
	char api_version[256];

	kt_kind_api_version(c->kind, api_version, sizeof(api_version));
	for (size_t i = 0; i < c->n; i++)
		json_array_append(objects, c->trees[i]);
	kt_auto_free char *own = kt_asprintf(GROUP "/%s", c->hook.version);
	kt_auto_json json_t *review = json_pack("{s:s,s:s,s:{s:s,s:s,s:O}}", "kind",
	        "ConversionReview", "apiVersion", own, "request", "uid", c->uid,
	        "desiredAPIVersion", api_version, "objects", objects);
	kt_json_write(&text, review, 0);
	return kt_buf_from_str(&text);
}

static int find_target(struct kt_conversion *c)
{
	kt_auto_arena arena = {0};
	struct kt_rule_context rules = {
	        .storage = c->server->storage, .loop = c->loop, .arena = &arena};
	const struct kt_admission_context a = {.rules = &rules};
	kt_auto_err why = KT_ERR_INIT;

	kt_arena_init(&arena);
	if (kt_webhook_target_find(&c->hook, &a, &c->target, &why) < 0)
		return fail(c, "%s", kt_err_message(&why));
	return 0;
}

int kt_conversion_start(struct kt_conversion *c)
{
	const json_t *webhook = kt_conversion_webhook(c->kind);
	const struct kt_admission_context a = {.admission = c->server->admission};
	struct kt_outbound *outbound = kt_webhooks_outbound(kt_admission_webhooks(&a), &c->err);

	kt_assert(webhook);
	c->hook = (struct kt_webhook){.tree = webhook,
	        .timeout_s = TIMEOUT_S,
	        .version = kt_webhook_version(json_object_get(webhook, "conversionReviewVersions")),
	        .ca_pem = kt_webhook_bundle(webhook)};
	if (!outbound || find_target(c) < 0)
		return c->err.code;
	kt_loop_random_uuid(c->loop, c->uid);
	c->review = make_review(c);
	c->outbound = (struct kt_outbound_call){.url = c->target.url,
	        .connect_to = c->target.connect_to,
	        .ca_pem = c->hook.ca_pem,
	        .user_agent = "kube-apiserver-admission",
	        .body = c->review,
	        .timeout_ms = TIMEOUT_S * 1000,
	        .answer_bytes_max = ANSWER_BYTES_MAX,
	        .loop = c->loop,
	        .done = on_done};
	kt_outbound_post(outbound, &c->outbound);
	return 0;
}

void kt_conversion_finish(struct kt_conversion *c)
{
	kt_outbound_cancel(&c->outbound);
	kt_outbound_call_finish(&c->outbound);
	kt_webhook_target_finish(&c->target);
	kt_buf_unref(kt_steal(&c->review));
	free(kt_steal(&c->hook.ca_pem));
	kt_err_clear(&c->err);
}

struct kt_object *kt_conversion_object(
        const struct kt_kind *kind, const struct kt_object *from, const json_t *tree)
{
	kt_auto_str json = KT_STR_INIT;
	struct kt_object *object = NULL;
	int r;

	kt_codec_encode_json(&json, kind->type, tree);
	r = kt_object_create(kt_sv_of(kt_object_key(from)),
	        (struct kt_sv){kt_str_text(&json), json.len}, &object, NULL);
	kt_assert(r == 0); /* its metadata is that of an object */
	object->create_revision = from->create_revision;
	return object;
}
