/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/fake_client.h"

#include "api/client/calls.h"
#include "api/machinery/patch.h"
#include "api/status.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/time.h"
#include "base/vec.h"

#include <errno.h>

struct fake_watch {
	struct fake_client *fake;
	struct kt_watch *watch;
	char *prefix; /* of keys */
	size_t sent;  /* of the log */
	bool listing;
	struct kt_timer timer;
};

struct fake_call {
	struct fake_client *fake;
	struct kt_call *call;
	struct kt_timer timer;
};

struct change {
	enum kt_watch_type type;
	struct kt_object *object;
	char *key;
};

struct fake_client {
	struct kt_client client;
	struct kt_loop *loop;
	struct kt_map objects; /* key "/api/v1/pods/NAMESPACE/NAME" -> kt_object */
	KT_VEC(struct change) log;
	KT_VEC(struct fake_watch *) watches;
	KT_VEC(struct fake_call *) calls;
	int64_t revision;
	size_t n_writes;
	char *refuse;
	int n_refuse;
	uint64_t names;
};

/* A path taken apart. */
struct target {
	char *collection;                                          /* "/api/v1/pods" */
	char *group, *version, *resource, *namespace, *name, *sub; /* NULL: absent */
	char *copy;
};

static void target_finish(struct target *t)
{
	free(t->collection);
	free(t->copy);
}

static void parse_target(const char *path, struct target *ret)
{
	char *save = NULL, *word;
	char *words[10] = {0};
	size_t n = 0, i = 0;
	struct target t = {.copy = kt_strndup(path, strcspn(path, "?"))};

	for (word = strtok_r(t.copy, "/", &save); word && n < 9; word = strtok_r(NULL, "/", &save))
		words[n++] = word;
	kt_assert(n >= 3);
	if (strcmp(words[i++], "apis") == 0)
		t.group = words[i++];
	t.version = words[i++];
	if (words[i] && strcmp(words[i], "namespaces") == 0 && words[i + 1] && words[i + 2] &&
	        strcmp(words[i + 2], "finalize") != 0 && strcmp(words[i + 2], "status") != 0) {
		t.namespace = words[i + 1];
		i += 2;
	}
	t.resource = words[i++];
	t.name = i < n ? words[i++] : NULL;
	t.sub = i < n ? words[i] : NULL;
	t.collection = t.group ? kt_asprintf("/apis/%s/%s/%s", t.group, t.version, t.resource)
	                       : kt_asprintf("/api/%s/%s", t.version, t.resource);
	*ret = t;
}

static char *key_of(const struct target *t, const char *name)
{
	return kt_asprintf("%s/%s/%s", t->collection, t->namespace ? t->namespace : "", name);
}

static void object_free(void *value)
{
	kt_object_unref(value);
}

static void wake_watches(struct fake_client *fake)
{
	for (size_t i = 0; i < fake->watches.n; i++)
		kt_timer_set(&fake->watches.items[i]->timer, kt_loop_now_ns(fake->loop));
}

static struct kt_object *store(
        struct fake_client *fake, const char *key, json_t *tree, enum kt_watch_type type)
{
	struct kt_object *object;
	kt_auto_str text = KT_STR_INIT;
	kt_auto_err err = KT_ERR_INIT;
	char revision[24];

	snprintf(revision, sizeof(revision), "%lld", (long long)++fake->revision);
	json_object_set_new(
	        json_object_get(tree, "metadata"), "resourceVersion", json_string(revision));
	kt_json_write(&text, tree, 0);
	kt_assert(kt_object_create(
	                  kt_sv_of(key), (struct kt_sv){text.data, text.len}, &object, &err) == 0);
	if (type == KT_WATCH_DELETED)
		kt_map_del(&fake->objects, key);
	else
		kt_map_set(&fake->objects, key, kt_object_ref(object));
	kt_vec_push(&fake->log, ((struct change){type, object, kt_strdup(key)}));
	wake_watches(fake);
	return kt_object_ref(object);
}

static void finish_new(struct fake_client *fake, const struct target *t, json_t *tree)
{
	json_t *metadata = json_object_get(tree, "metadata");
	char uid[37], now[KT_TIME_TEXT_MAX];
	const char *prefix = kt_jstr(metadata, "generateName");

	if (prefix && !kt_jstr(metadata, "name")) {
		kt_auto_free char *name =
		        kt_asprintf("%s%05llu", prefix, (unsigned long long)++fake->names);

		json_object_set_new(metadata, "name", json_string(name));
	}
	if (t->namespace)
		json_object_set_new(metadata, "namespace", json_string(t->namespace));
	kt_loop_random_uuid(fake->loop, uid);
	json_object_set_new(metadata, "uid", json_string(uid));
	kt_time_format(kt_loop_wall_ns(fake->loop), now);
	if (!json_object_get(metadata, "creationTimestamp"))
		json_object_set_new(metadata, "creationTimestamp", json_string(now));
	json_object_set_new(metadata, "generation", json_integer(1));
}

/* Access is granted to the group "granted:SUBRESOURCE". Nothing is kept. */
static int review(json_t *tree, struct kt_object **ret, struct kt_err *err)
{
	const char *subresource = kt_jstr(tree, "spec.resourceAttributes.subresource");
	kt_auto_free char *group = kt_asprintf("granted:%s", subresource ? subresource : "");
	kt_auto_str text = KT_STR_INIT;
	bool allowed = false;
	json_t *item;
	size_t i;

	json_array_foreach(kt_jget(tree, "spec.groups"), i, item)
		allowed = allowed || kt_streq(json_string_value(item), group);
	json_object_set_new(tree, "metadata", json_pack("{s:s}", "name", "review"));
	json_object_set_new(tree, "status", json_pack("{s:b}", "allowed", allowed));
	kt_json_write(&text, tree, 0);
	return kt_object_create(KT_SV("review"), (struct kt_sv){text.data, text.len}, ret, err);
}

static int create(struct fake_client *fake, const struct target *t, json_t *tree,
        struct kt_object **ret, struct kt_err *err)
{
	kt_auto_free char *key = NULL;

	if (strcmp(t->resource, "subjectaccessreviews") == 0)
		return review(tree, ret, err);
	finish_new(fake, t, tree);
	key = key_of(t, kt_jstr(tree, "metadata.name"));
	if (kt_map_has(&fake->objects, key))
		return kt_fail_already_exists(
		        err, t->group ? t->group : "", t->resource, kt_jstr(tree, "metadata.name"));
	*ret = store(fake, key, tree, KT_WATCH_ADDED);
	return 0;
}

/* Removes it, or marks it when finalizers or grace are left. */
static struct kt_object *delete_tree(
        struct fake_client *fake, const char *key, json_t *tree, int64_t grace_s)
{
	json_t *metadata = json_object_get(tree, "metadata");
	char now[KT_TIME_TEXT_MAX];

	if (json_array_size(json_object_get(metadata, "finalizers")) == 0 && grace_s == 0 &&
	        json_array_size(kt_jget(tree, "spec.finalizers")) == 0)
		return store(fake, key, tree, KT_WATCH_DELETED);
	kt_time_format(kt_loop_wall_ns(fake->loop), now);
	if (!json_object_get(metadata, "deletionTimestamp"))
		json_object_set_new(metadata, "deletionTimestamp", json_string(now));
	json_object_set_new(metadata, "deletionGracePeriodSeconds", json_integer(grace_s));
	return store(fake, key, tree, KT_WATCH_MODIFIED);
}

static void set_finalizer(json_t *tree, const char *finalizer)
{
	json_t *list = kt_jget(tree, "metadata.finalizers"), *item;
	size_t i;

	if (!list)
		json_object_set_new(
		        json_object_get(tree, "metadata"), "finalizers", list = json_array());
	json_array_foreach(list, i, item)
		if (kt_streq(json_string_value(item), finalizer))
			return;
	json_array_append_new(list, json_string(finalizer));
}

static int delete (struct fake_client *fake, const struct target *t, const char *key, json_t *tree,
        const json_t *options, struct kt_object **ret, struct kt_err *err)
{
	const char *uid = kt_jstr(options, "preconditions.uid"),
	           *policy = kt_jstr(options, "propagationPolicy");
	bool graceful = strcmp(t->resource, "pods") == 0 && kt_jstr(tree, "spec.nodeName") &&
	                !kt_streq(kt_jstr(tree, "status.phase"), "Succeeded") &&
	                !kt_streq(kt_jstr(tree, "status.phase"), "Failed");

	if (uid && !kt_streq(uid, kt_jstr(tree, "metadata.uid")))
		return kt_fail_conflict(err, t->group ? t->group : "", t->resource, t->name,
		        "Precondition failed: UID in precondition");
	if (kt_streq(policy, "Foreground"))
		set_finalizer(tree, "foregroundDeletion");
	else if (kt_streq(policy, "Orphan"))
		set_finalizer(tree, "orphan");
	*ret = delete_tree(
	        fake, key, tree, kt_jint(options, "gracePeriodSeconds", graceful ? 30 : 0));
	return 0;
}

static void bind(struct fake_client *fake, json_t *tree, const json_t *binding)
{
	char now[KT_TIME_TEXT_MAX];
	json_t *status = json_object_get(tree, "status");

	kt_time_format(kt_loop_wall_ns(fake->loop), now);
	json_object_set_new(json_object_get(tree, "spec"), "nodeName",
	        json_string(kt_jstr(binding, "target.name")));
	if (!status)
		json_object_set_new(tree, "status", status = json_object());
	json_object_set_new(status, "conditions",
	        json_pack("[{s:s,s:s,s:s}]", "type", "PodScheduled", "status", "True",
	                "lastTransitionTime", now));
}

static json_t *apply_patch(const struct target *t, const char *type, const json_t *tree,
        const json_t *patch, struct kt_err *err)
{
	const struct kt_kind *kind =
	        kt_builtin_resource(t->group ? t->group : "", t->version, t->resource);

	if (kt_streq(type, KT_PATCH_JSON))
		return kt_patch_json(tree, patch, err);
	if (kt_streq(type, KT_PATCH_STRATEGIC) && kind)
		return kt_patch_strategic(tree, patch, kind->type, err);
	return kt_patch_merge(tree, patch, err);
}

/* The part of `now` that the sub-resource may not change comes from `old`. */
static void settle(const struct target *t, const json_t *old, json_t *now)
{
	if (kt_streq(t->sub, "status")) {
		json_t *spec = json_object_get(old, "spec");

		if (spec)
			json_object_set_new(now, "spec", json_deep_copy(spec));
	} else if (json_object_get(old, "status") && !t->sub) {
		json_object_set_new(now, "status", json_deep_copy(json_object_get(old, "status")));
	}
	if (!json_equal(json_object_get(old, "spec"), json_object_get(now, "spec")))
		json_object_set_new(json_object_get(now, "metadata"), "generation",
		        json_integer(kt_jint(old, "metadata.generation", 0) + 1));
}

static int update(struct fake_client *fake, const struct target *t, const char *key,
        const json_t *old, json_t *now, struct kt_object **ret, struct kt_err *err)
{
	if (!kt_streq(kt_jstr(old, "metadata.uid"), kt_jstr(now, "metadata.uid")))
		return kt_fail_conflict(err, t->group ? t->group : "", t->resource, t->name,
		        "Precondition failed: UID in precondition");
	if (!kt_streq(kt_jstr(old, "metadata.resourceVersion"),
	            kt_jstr(now, "metadata.resourceVersion")))
		return kt_fail_conflict(err, t->group ? t->group : "", t->resource, t->name,
		        "the object has been modified");
	settle(t, old, now);
	if (json_equal(old, now)) {
		*ret = kt_object_ref(kt_map_get(&fake->objects, key));
		return 0;
	}
	if (kt_jget(now, "metadata.deletionTimestamp") &&
	        json_array_size(kt_jget(now, "metadata.finalizers")) == 0 &&
	        kt_jint(now, "metadata.deletionGracePeriodSeconds", 0) == 0 &&
	        json_array_size(kt_jget(now, "spec.finalizers")) == 0)
		*ret = store(fake, key, now, KT_WATCH_DELETED);
	else
		*ret = store(fake, key, now, KT_WATCH_MODIFIED);
	return 0;
}

static int finalize(
        struct fake_client *fake, const char *key, const json_t *body, struct kt_object **ret);

static int change(struct fake_client *fake, const struct kt_call *call, const struct target *t,
        const json_t *body, struct kt_object **ret, struct kt_err *err)
{
	kt_auto_free char *key = key_of(t, t->name);
	struct kt_object *object = kt_map_get(&fake->objects, key);
	kt_auto_json json_t *old = NULL, *now = NULL;

	if (!object)
		return kt_fail_not_found(err, t->group ? t->group : "", t->resource, t->name);
	old = kt_object_tree(object);
	if (strcmp(call->method, "DELETE") == 0)
		return delete (fake, t, key, old, body, ret, err);
	if (kt_streq(t->sub, "binding")) {
		bind(fake, old, body);
		*ret = store(fake, key, old, KT_WATCH_MODIFIED);
		return 0;
	}
	if (kt_streq(t->sub, "finalize"))
		return finalize(fake, key, body, ret);
	if (kt_streq(t->sub, "eviction"))
		return delete (fake, t, key, old, NULL, ret, err);
	if (strcmp(call->method, "PUT") == 0)
		now = json_deep_copy(body);
	else
		now = apply_patch(t, call->content_type, old, body, err);
	return now ? update(fake, t, key, old, now, ret, err) : -EINVAL;
}

static int list(struct fake_client *fake, const struct target *t, struct kt_buf **ret)
{
	kt_auto_free char *prefix = t->namespace
	                                    ? kt_asprintf("%s/%s/", t->collection, t->namespace)
	                                    : kt_asprintf("%s/", t->collection);
	kt_auto_str out = KT_STR_INIT;
	const char *key;
	size_t it = 0, n = 0;
	void *value;

	kt_str_printf(&out,
	        "{\"kind\":\"List\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"%"
	        "lld\"},\"items\":[",
	        (long long)fake->revision);
	while (kt_map_next(&fake->objects, &it, &key, &value)) {
		if (!kt_starts_with(key, prefix))
			continue;
		if (n++)
			kt_str_putc(&out, ',');
		kt_str_add(&out, kt_object_json(value), ((struct kt_object *)value)->json_len);
	}
	kt_str_puts(&out, "]}");
	*ret = kt_buf_from_str(&out);
	return 0;
}

static int get(struct fake_client *fake, const struct target *t, struct kt_call *call,
        struct kt_object **ret)
{
	kt_auto_free char *key = NULL;

	if (!t->name)
		return list(fake, t, &call->ret_body);
	key = key_of(t, t->name);
	*ret = kt_map_get(&fake->objects, key);
	if (!*ret)
		return kt_fail_not_found(
		        &call->err, t->group ? t->group : "", t->resource, t->name);
	kt_object_ref(*ret);
	return 0;
}

/* Discovery of the few resources that tests own through. */
static const char *discovery(const char *path)
{
#define VERBS "\"verbs\":[\"create\",\"delete\",\"deletecollection\",\"get\",\"list\",\"watch\"]}"
	if (strcmp(path, "/api/v1") == 0)
		return "{\"groupVersion\":\"v1\",\"resources\":["
		       "{\"name\":\"pods\",\"kind\":\"Pod\",\"namespaced\":true," VERBS ","
		       "{\"name\":\"configmaps\",\"kind\":\"ConfigMap\",\"namespaced\":true," VERBS
		       ","
		       "{\"name\":\"serviceaccounts\",\"kind\":\"ServiceAccount\",\"namespaced\":"
		       "true," VERBS ","
		       "{\"name\":\"events\",\"kind\":\"Event\",\"namespaced\":true," VERBS ","
		       "{\"name\":\"namespaces\",\"kind\":\"Namespace\",\"namespaced\":false," VERBS
		       "]}";
	if (strcmp(path, "/apis") == 0)
		return "{\"groups\":[{\"name\":\"apps\",\"preferredVersion\":{\"groupVersion\":"
		       "\"apps/v1\"}}]}";
	if (strcmp(path, "/apis/apps/v1") == 0)
		return "{\"groupVersion\":\"apps/v1\",\"resources\":["
		       "{\"name\":\"deployments\",\"kind\":\"Deployment\",\"namespaced\":"
		       "true," VERBS ","
		       "{\"name\":\"replicasets\",\"kind\":\"ReplicaSet\",\"namespaced\":"
		       "true," VERBS "]}";
	return NULL;
#undef VERBS
}

static int delete_collection(struct fake_client *fake, const struct target *t, struct kt_err *err)
{
	kt_auto_free char *prefix =
	        kt_asprintf("%s/%s/", t->collection, t->namespace ? t->namespace : "");
	KT_VEC(char *) keys = {0};
	const char *key;
	size_t it = 0;

	while (kt_map_next(&fake->objects, &it, &key, NULL))
		if (kt_starts_with(key, prefix))
			kt_vec_push(&keys, kt_strdup(key));
	for (size_t i = 0; i < keys.n; i++) {
		kt_auto_json json_t *tree =
		        kt_object_tree(kt_map_get(&fake->objects, keys.items[i]));
		struct kt_object *object = NULL;

		delete (fake, t, keys.items[i], tree, NULL, &object, err);
		kt_object_unref(object);
		free(keys.items[i]);
	}
	kt_vec_finish(&keys);
	return 0;
}

static int finalize(
        struct fake_client *fake, const char *key, const json_t *body, struct kt_object **ret)
{
	kt_auto_json json_t *tree = kt_object_tree(kt_map_get(&fake->objects, key));

	json_object_set_new(json_object_get(tree, "spec"), "finalizers",
	        json_deep_copy(kt_jget(body, "spec.finalizers")));
	*ret = store(fake, key, tree,
	        json_array_size(kt_jget(tree, "spec.finalizers")) ? KT_WATCH_MODIFIED
	                                                          : KT_WATCH_DELETED);
	return 0;
}

static bool is_refused(struct fake_client *fake, const struct kt_call *call)
{
	if (fake->n_refuse <= 0 || !strstr(call->path, fake->refuse))
		return false;
	fake->n_refuse--;
	return true;
}

static int serve(struct fake_client *fake, struct kt_call *call)
{
	struct kt_object *object = NULL;
	struct target t;
	kt_auto_json json_t *body = NULL;
	int r;

	if (call->body)
		body = kt_json_parse(
		        (struct kt_sv){call->body->data, call->body->len}, NULL, &call->err);
	if (call->err.code)
		return call->err.code;
	if (discovery(call->path)) {
		if (is_refused(fake, call))
			return kt_fail(&call->err, EAGAIN, "refused by the test");
		call->ret_body =
		        kt_buf_create(discovery(call->path), strlen(discovery(call->path)));
		return 0;
	}
	parse_target(call->path, &t);
	if (strcmp(call->method, "GET") == 0) {
		r = get(fake, &t, call, &object);
	} else {
		fake->n_writes++;
		if (is_refused(fake, call)) {
			r = kt_fail_conflict(&call->err, "", t.resource, t.name ? t.name : "",
			        "refused by the test");
		} else if (strcmp(call->method, "POST") == 0 && !t.sub) {
			r = create(fake, &t, body, &object, &call->err);
		} else if (strcmp(call->method, "DELETE") == 0 && !t.name) {
			r = delete_collection(fake, &t, &call->err);
		} else {
			r = change(fake, call, &t, body, &object, &call->err);
		}
	}
	call->ret_object = object;
	target_finish(&t);
	return r;
}

static void call_timer(struct kt_timer *timer)
{
	struct fake_call *own = kt_container_of(timer, struct fake_call, timer);
	struct fake_client *fake = own->fake;
	struct kt_call *call = own->call;

	for (size_t i = 0; i < fake->calls.n; i++)
		if (fake->calls.items[i] == own) {
			kt_vec_remove(&fake->calls, i);
			break;
		}
	free(own);
	call->status = serve(fake, call) < 0 ? kt_err_http_status(&call->err) : 200;
	call->done(call);
}

static void op_call(struct kt_client *client, struct kt_call *call)
{
	struct fake_client *fake = kt_container_of(client, struct fake_client, client);
	struct fake_call *own = kt_new(struct fake_call);

	own->fake = fake;
	own->call = call;
	kt_vec_push(&fake->calls, own);
	kt_timer_init(&own->timer, fake->loop, call_timer);
	kt_timer_set(&own->timer, kt_loop_now_ns(fake->loop));
}

static void op_cancel(struct kt_client *client, struct kt_call *call)
{
	struct fake_client *fake = kt_container_of(client, struct fake_client, client);

	for (size_t i = 0; i < fake->calls.n; i++)
		if (fake->calls.items[i]->call == call) {
			kt_timer_cancel(&fake->calls.items[i]->timer);
			free(fake->calls.items[i]);
			kt_vec_remove(&fake->calls, i);
			return;
		}
}

static void send_list(struct fake_watch *own)
{
	struct fake_client *fake = own->fake;
	struct kt_watch *watch = own->watch;
	KT_VEC(struct kt_object *) found = {0};
	struct kt_object *bookmark;
	kt_auto_str text = KT_STR_INIT;
	kt_auto_err err = KT_ERR_INIT;
	const char *key;
	size_t it = 0;
	void *value;

	while (kt_map_next(&fake->objects, &it, &key, &value))
		if (kt_starts_with(key, own->prefix))
			kt_vec_push(&found, kt_object_ref(value));
	own->sent = fake->log.n;
	own->listing = false;
	kt_str_printf(
	        &text, "{\"metadata\":{\"resourceVersion\":\"%lld\"}}", (long long)fake->revision);
	kt_assert(kt_object_create(KT_SV("bookmark"), (struct kt_sv){text.data, text.len},
	                  &bookmark, &err) == 0);
	for (size_t i = 0; i < found.n; i++) {
		watch->on_event(watch, KT_WATCH_ADDED, found.items[i]);
		kt_object_unref(found.items[i]);
	}
	watch->on_event(watch, KT_WATCH_BOOKMARK, bookmark);
	kt_object_unref(bookmark);
	kt_vec_finish(&found);
}

static void watch_timer(struct kt_timer *timer)
{
	struct fake_watch *own = kt_container_of(timer, struct fake_watch, timer);
	struct fake_client *fake = own->fake;

	if (own->listing)
		send_list(own);
	while (own->sent < fake->log.n) {
		struct change change = fake->log.items[own->sent++];

		if (change.object->revision > own->watch->from_revision &&
		        kt_starts_with(change.key, own->prefix))
			own->watch->on_event(own->watch, change.type, change.object);
	}
}

static void op_watch(struct kt_client *client, struct kt_watch *watch)
{
	struct fake_client *fake = kt_container_of(client, struct fake_client, client);
	struct fake_watch *own = kt_new(struct fake_watch);
	struct target t;

	parse_target(watch->path, &t);
	own->fake = fake;
	own->watch = watch;
	own->prefix = kt_asprintf("%s/", t.collection);
	own->listing = watch->from_revision == 0;
	target_finish(&t);
	kt_vec_push(&fake->watches, own);
	kt_timer_init(&own->timer, fake->loop, watch_timer);
	kt_timer_set(&own->timer, kt_loop_now_ns(fake->loop));
}

static void watch_free(struct fake_client *fake, size_t i)
{
	struct fake_watch *own = fake->watches.items[i];

	kt_timer_cancel(&own->timer);
	kt_vec_remove(&fake->watches, i);
	free(own->prefix);
	free(own);
}

static void op_watch_stop(struct kt_client *client, struct kt_watch *watch)
{
	struct fake_client *fake = kt_container_of(client, struct fake_client, client);

	for (size_t i = 0; i < fake->watches.n; i++)
		if (fake->watches.items[i]->watch == watch) {
			watch_free(fake, i);
			return;
		}
}

static void op_destroy(struct kt_client *client)
{
	fake_client_destroy(kt_container_of(client, struct fake_client, client));
}

static const struct kt_client_ops ops = {op_call, op_cancel, op_watch, op_watch_stop, op_destroy};

struct fake_client *fake_client_create(struct kt_loop *loop)
{
	struct fake_client *fake = kt_new(struct fake_client);

	fake->client.ops = &ops;
	fake->loop = loop;
	kt_map_init(&fake->objects, object_free);
	return fake;
}

struct kt_client *fake_client_get(struct fake_client *fake)
{
	return &fake->client;
}

void fake_client_destroy(struct fake_client *fake)
{
	kt_assert(fake->calls.n == 0 && fake->watches.n == 0);
	for (size_t i = 0; i < fake->log.n; i++) {
		kt_object_unref(fake->log.items[i].object);
		free(fake->log.items[i].key);
	}
	kt_vec_finish(&fake->log);
	kt_vec_finish(&fake->watches);
	kt_vec_finish(&fake->calls);
	kt_map_finish(&fake->objects);
	free(fake->refuse);
	free(fake);
}

static json_t *parse_quoted(const char *json)
{
	kt_auto_free char *text = kt_strdup(json);
	kt_auto_err err = KT_ERR_INIT;
	json_t *tree;

	for (char *p = text; *p; p++)
		if (*p == '\'')
			*p = '"';
	tree = kt_json_parse(kt_sv_of(text), NULL, &err);
	if (!tree)
		kt_log_error("fake", "%s: %s", kt_err_message(&err), text);
	kt_assert(tree);
	return tree;
}

void fake_put(struct fake_client *fake, const char *collection, const char *json)
{
	kt_auto_json json_t *tree = parse_quoted(json);
	kt_auto_err err = KT_ERR_INIT;
	struct kt_object *object;
	kt_auto_free char *path =
	        kt_asprintf("%s/x", collection); /* so that the collection is parsed as one */
	struct target t;

	parse_target(path, &t);
	kt_assert(create(fake, &t, tree, &object, &err) == 0);
	kt_object_unref(object);
	target_finish(&t);
}

json_t *fake_get(struct fake_client *fake, const char *path)
{
	struct kt_object *object;
	struct target t;

	parse_target(path, &t);
	{
		kt_auto_free char *key = key_of(&t, t.name);

		object = kt_map_get(&fake->objects, key);
	}
	target_finish(&t);
	return object ? kt_object_tree(object) : NULL;
}

static void do_change(
        struct fake_client *fake, const char *method, const char *path, const json_t *body)
{
	struct kt_call call = {.method = method, .path = path, .content_type = KT_PATCH_MERGE};
	kt_auto_err err = KT_ERR_INIT;
	struct kt_object *object = NULL;
	struct target t;

	parse_target(path, &t);
	if (change(fake, &call, &t, body, &object, &err) < 0)
		kt_log_error("fake", "%s %s: %s", method, path, kt_err_message(&err));
	kt_assert(!err.code);
	kt_object_unref(object);
	target_finish(&t);
}

void fake_patch(struct fake_client *fake, const char *path, const char *json)
{
	kt_auto_json json_t *body = parse_quoted(json);

	do_change(fake, "PATCH", path, body);
}

void fake_delete(struct fake_client *fake, const char *path)
{
	do_change(fake, "DELETE", path, NULL);
}

json_t *fake_nth(struct fake_client *fake, const char *collection, size_t i)
{
	struct target t;
	kt_auto_free char *prefix = NULL;
	const char *key;
	size_t it = 0;
	void *value;

	parse_target(collection, &t);
	prefix = t.namespace ? kt_asprintf("%s/%s/", t.collection, t.namespace)
	                     : kt_asprintf("%s/", t.collection);
	target_finish(&t);
	while (kt_map_next(&fake->objects, &it, &key, &value))
		if (kt_starts_with(key, prefix) && i-- == 0)
			return kt_object_tree(value);
	return NULL;
}

size_t fake_count(struct fake_client *fake, const char *collection)
{
	size_t n = 0;

	for (;; n++) {
		kt_auto_json json_t *tree = fake_nth(fake, collection, n);

		if (!tree)
			return n;
	}
}

void fake_refuse(struct fake_client *fake, const char *part, int n)
{
	free(fake->refuse);
	fake->refuse = kt_strdup(part);
	fake->n_refuse = n;
}

size_t fake_writes(const struct fake_client *fake)
{
	return fake->n_writes;
}

void fake_break_watches(struct fake_client *fake)
{
	while (fake->watches.n) {
		struct kt_watch *watch = fake->watches.items[0]->watch;

		watch_free(fake, 0);
		watch->on_end(watch, NULL);
	}
}
