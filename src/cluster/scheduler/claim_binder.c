/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cluster/scheduler/claim_binder.h"

#include "api/client/sections.h"

#define SELECTED_NODE "volume.kubernetes.io/selected-node"
#define BOUND_BY_CONTROLLER "pv.kubernetes.io/bound-by-controller"

/* One claim of a waiting pod. */
struct item {
	char *claim;  /* key */
	char *volume; /* chosen for it; NULL: one is being made */
};

struct wait {
	struct kt_claim_binder *binder;
	struct kt_object *pod;
	char *node;
	KT_VEC(struct item) items;
	struct kt_timer timer;
};

struct kt_claim_binder {
	struct kt_claim_binder_options options;
	struct kt_map waits; /* by the pod's uid; owns them */
};

/* A call under way; the wait may end before it. */
struct write {
	struct kt_claim_binder *binder;
	char *uid;
};

static void wait_free(void *value)
{
	struct wait *wait = value;

	kt_timer_cancel(&wait->timer);
	for (size_t i = 0; i < wait->items.n; i++) {
		free(wait->items.items[i].claim);
		free(wait->items.items[i].volume);
	}
	kt_vec_finish(&wait->items);
	kt_object_unref(wait->pod);
	free(wait->node);
	free(wait);
}

static struct wait *take(struct kt_claim_binder *binder, struct kt_sv uid)
{
	kt_auto_free char *key = kt_sv_dup(uid);

	return kt_map_take(&binder->waits, key);
}

static void end(struct wait *wait, const char *why)
{
	struct kt_claim_binder *binder = wait->binder;

	take(binder, kt_object_uid(wait->pod));
	/* What was chosen and not written is free again. */
	for (size_t i = 0; why && i < wait->items.n; i++)
		if (wait->items.items[i].volume)
			kt_volumes_forget(
			        &binder->options.snapshot->volumes, wait->items.items[i].volume);
	binder->options.done(binder->options.arg, wait->pod, wait->node, why);
	wait_free(wait);
}

static void timed_out(struct kt_timer *timer)
{
	end(kt_container_of(timer, struct wait, timer), "context deadline exceeded");
}

static void write_free(void *value)
{
	struct write *write = value;

	free(write->uid);
	free(write);
}

static void written(void *arg, struct kt_call *call)
{
	struct write *write = arg;
	struct wait *wait = kt_map_get(&write->binder->waits, write->uid);

	if (call->err.code && wait)
		end(wait, kt_err_message(&call->err));
	write_free(write);
}

static struct kt_call_spec new_write(struct wait *wait, struct kt_str *body)
{
	struct write *write = kt_new(struct write);

	write->binder = wait->binder;
	write->uid = kt_sv_dup(kt_object_uid(wait->pod));
	return (struct kt_call_spec){.method = "PATCH",
	        .content_type = KT_PATCH_MERGE,
	        .body = body,
	        .done = written,
	        .arg = write,
	        .drop = write_free};
}

/* The version in the body makes it a compare and swap: another may have taken the volume. */
static void reserve_volume(
        struct wait *wait, const struct kt_object *claim, const struct kt_object *volume)
{
	kt_auto_str body = KT_STR_INIT;
	struct kt_call_spec spec = new_write(wait, &body);

	kt_str_printf(&body,
	        "{\"metadata\":{\"resourceVersion\":\"%.*s\",\"annotations\":{\"%s\":\"yes\"}},"
	        "\"spec\":{\"claimRef\":{\"apiVersion\":\"v1\",\"kind\":\"PersistentVolumeClaim\","
	        "\"namespace\":\"%.*s\",\"name\":\"%.*s\",\"uid\":\"%.*s\","
	        "\"resourceVersion\":\"%.*s\"}}}",
	        KT_SVP(kt_object_span(volume, volume->resource_version)), BOUND_BY_CONTROLLER,
	        KT_SVP(kt_object_namespace(claim)), KT_SVP(kt_object_name(claim)),
	        KT_SVP(kt_object_uid(claim)),
	        KT_SVP(kt_object_span(claim, claim->resource_version)));
	kt_calls_send(wait->binder->options.calls, &spec, "/api/v1/persistentvolumes/%.*s",
	        KT_SVP(kt_object_name(volume)));
}

static void select_node(struct wait *wait, const struct kt_object *claim)
{
	kt_auto_str body = KT_STR_INIT;
	struct kt_call_spec spec = new_write(wait, &body);

	kt_str_printf(&body, "{\"metadata\":{\"uid\":\"%.*s\",\"annotations\":{\"%s\":\"%s\"}}}",
	        KT_SVP(kt_object_uid(claim)), SELECTED_NODE, wait->node);
	kt_calls_send(wait->binder->options.calls, &spec,
	        "/api/v1/namespaces/%.*s/persistentvolumeclaims/%.*s",
	        KT_SVP(kt_object_namespace(claim)), KT_SVP(kt_object_name(claim)));
}

void kt_claim_binder_bind(struct kt_claim_binder *binder, struct kt_object *pod, const char *node,
        const struct kt_volume_plan *plan)
{
	struct wait *wait = kt_new(struct wait);

	wait->binder = binder;
	wait->pod = kt_object_ref(pod);
	wait->node = kt_strdup(node);
	kt_timer_init(&wait->timer, binder->options.loop, timed_out);
	kt_timer_set(&wait->timer,
	        kt_loop_now_ns(binder->options.loop) + KT_CLAIM_BIND_TIMEOUT_MS * KT_NS_PER_MS);
	kt_map_set_sv(&binder->waits, kt_object_uid(pod), wait);
	for (size_t i = 0; i < plan->n; i++) {
		const struct kt_claim_plan *one = &plan->items[i];
		struct item item = {
		        .claim = kt_asprintf("%.*s/%.*s", KT_SVP(kt_object_namespace(one->claim)),
		                KT_SVP(kt_object_name(one->claim)))};

		if (one->volume) {
			item.volume = kt_sv_dup(kt_object_name(one->volume));
			kt_volumes_assume(&binder->options.snapshot->volumes,
			        kt_object_name(one->volume), item.claim);
			reserve_volume(wait, one->claim, one->volume);
		} else {
			select_node(wait, one->claim);
		}
		kt_vec_push(&wait->items, item);
	}
}

/* NULL: bound. Else "" while it may still become so, or why it will not. */
static const char *not_bound(const struct wait *wait, const char *key)
{
	const struct kt_object *claim = kt_volumes_get(
	        &wait->binder->options.snapshot->volumes, KT_VOLUME_CLAIMS, kt_sv_of(key));

	if (!claim || claim->deletion_timestamp.len)
		return "the claim is gone";
	if (kt_json_string_is(kt_object_field(claim, KT_SECTION_STATUS, "phase"), "Bound") &&
	        kt_claim_is_bound(claim))
		return NULL;
	return "";
}

static bool concerns(const struct wait *wait, const char *claim)
{
	for (size_t i = 0; i < wait->items.n; i++)
		if (kt_streq(wait->items.items[i].claim, claim))
			return true;
	return false;
}

static void look(struct wait *wait)
{
	for (size_t i = 0; i < wait->items.n; i++) {
		const char *why = not_bound(wait, wait->items.items[i].claim);

		if (why && *why)
			end(wait, why);
		if (why)
			return;
	}
	end(wait, NULL);
}

void kt_claim_binder_look(struct kt_claim_binder *binder, const char *claim)
{
	size_t it = 0;
	void *value;

	/* end() takes the entry just returned out, which iteration allows */
	while (kt_map_next(&binder->waits, &it, NULL, &value))
		if (concerns(value, claim))
			look(value);
}

void kt_claim_binder_forget(struct kt_claim_binder *binder, struct kt_sv pod_uid)
{
	struct wait *wait = take(binder, pod_uid);

	for (size_t i = 0; wait && i < wait->items.n; i++)
		if (wait->items.items[i].volume)
			kt_volumes_forget(
			        &binder->options.snapshot->volumes, wait->items.items[i].volume);
	if (wait)
		wait_free(wait);
}

struct kt_claim_binder *kt_claim_binder_create(const struct kt_claim_binder_options *options)
{
	struct kt_claim_binder *binder = kt_new(struct kt_claim_binder);

	binder->options = *options;
	kt_map_init(&binder->waits, wait_free);
	return binder;
}

void kt_claim_binder_destroy(struct kt_claim_binder *binder)
{
	if (!binder)
		return;
	kt_map_finish(&binder->waits);
	free(binder);
}
