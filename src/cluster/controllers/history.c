/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cluster/controllers/history.h"

#include "base/log.h"
#include "base/mem.h"

static int compare_number(const void *va, const void *vb)
{
	const struct kt_revision *a = va, *b = vb;

	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	return kt_sv_cmp(kt_object_name(a->object), kt_object_name(b->object));
}

/* With its keys in order: clients compare the bytes of a revision with those they make of the
 * template. */
static json_t *data_of(const json_t *owner)
{
	json_t *template = json_deep_copy(kt_jget(owner, "spec.template"));
	kt_auto_json json_t *data = json_pack("{s:{s:o}}", "spec", "template", template);
	kt_auto_free char *text = NULL;

	json_object_set_new(template, "$patch", json_string("replace"));
	text = kt_canonical(data);
	return kt_json_parse(kt_sv_of(text), NULL, NULL);
}

static void make_revision(struct kt_history *history, const json_t *data, const char *text,
        int64_t number, int64_t collisions)
{
	struct kt_sv namespace = kt_object_namespace(history->owner),
	             name = kt_object_name(history->owner);
	uint32_t sum = kt_fnv32a(text, 0);
	char hash[16], count[32];
	kt_auto_free char *full = NULL;
	kt_auto_json json_t *body = NULL, *labels = NULL;

	if (collisions) {
		snprintf(count, sizeof(count), "%lld", (long long)collisions);
		sum = kt_fnv32a(count, sum);
	}
	kt_safe_encode(sum, hash);
	full = kt_asprintf("%.*s-%s", KT_SVP(name), hash);
	labels = json_deep_copy(kt_jget(data, "spec.template.metadata.labels"));
	if (!labels)
		labels = json_object();
	json_object_set_new(labels, KT_REVISION_LABEL, json_string(hash));
	body = json_pack("{s:s,s:s,s:{s:s,s:s%,s:O,s:[o]},s:O,s:I}", "apiVersion", "apps/v1",
	        "kind", "ControllerRevision", "metadata", "name", full, "namespace", namespace.p,
	        namespace.len, "labels", labels, "ownerReferences",
	        kt_owner_reference(history->owner, "apps/v1", history->kind), "data", data,
	        "revision", (json_int_t)number);
	kt_pass_send(history->pass,
	        &(struct kt_pass_write){
	                .method = "POST", .body = body, .informer = history->revisions},
	        "/apis/apps/v1/namespaces/%.*s/controllerrevisions", KT_SVP(namespace));
	/* Nothing else need tell that it is there now. */
	kt_pass_again_after_ms(history->pass, 0);
}

static void renumber(struct kt_history *history, struct kt_revision *revision, int64_t number)
{
	kt_auto_json json_t *body = json_pack("{s:I}", "revision", (json_int_t)number);

	revision->number = number;
	kt_pass_send(history->pass,
	        &(struct kt_pass_write){.method = "PATCH",
	                .content_type = KT_PATCH_MERGE,
	                .body = body,
	                .informer = history->revisions},
	        "/apis/apps/v1/namespaces/%.*s/controllerrevisions/%.*s",
	        KT_SVP(kt_object_namespace(revision->object)),
	        KT_SVP(kt_object_name(revision->object)));
}

void kt_history_read(struct kt_history *history, const json_t *owner, int64_t collisions)
{
	kt_auto_json json_t *data = data_of(owner);
	kt_auto_free char *text = kt_canonical(data);
	kt_auto_objects objects = {0};
	int64_t most = 0;

	kt_collect_indexed(
	        history->revisions, "controller", kt_object_uid(history->owner), &objects);
	for (size_t i = 0; i < objects.n; i++) {
		kt_auto_json json_t *tree = kt_object_tree(objects.items[i]);

		kt_vec_push(&history->all,
		        ((struct kt_revision){.object = objects.items[i],
		                .number = kt_jint(tree, "revision", 0),
		                .data = kt_canonical(json_object_get(tree, "data"))}));
		most = KT_MAX(most, kt_jint(tree, "revision", 0));
	}
	if (history->all.n)
		qsort(history->all.items, history->all.n, sizeof(*history->all.items),
		        compare_number);
	for (size_t i = 0; i < history->all.n; i++)
		if (strcmp(history->all.items[i].data, text) == 0)
			history->newest = &history->all.items[i];
	if (!history->newest && !kt_is_deleting(history->owner))
		make_revision(history, data, text, most + 1, collisions);
	else if (history->newest && history->newest->number < most &&
	         !kt_is_deleting(history->owner))
		renumber(history, history->newest,
		        most + 1); /* rolled back: the old one is the newest again */
}

void kt_history_finish(struct kt_history *history)
{
	for (size_t i = 0; i < history->all.n; i++)
		free(history->all.items[i].data);
	kt_vec_finish(&history->all);
}

struct kt_revision *kt_history_find(struct kt_history *history, struct kt_sv name)
{
	for (size_t i = 0; i < history->all.n; i++)
		if (kt_sv_eq(kt_object_name(history->all.items[i].object), name))
			return &history->all.items[i];
	return NULL;
}

struct kt_sv kt_revision_hash(const struct kt_revision *revision)
{
	struct kt_sv hash = {0};

	kt_object_label(revision->object, KT_SV(KT_REVISION_LABEL), &hash);
	return hash;
}

void kt_history_trim(struct kt_history *history, const struct kt_map *used, int64_t limit)
{
	size_t n_old = 0;

	for (size_t i = 0; i < history->all.n; i++)
		n_old += !kt_map_get_sv(used, kt_object_name(history->all.items[i].object));
	for (size_t i = 0; i < history->all.n && (int64_t)n_old > limit; i++) {
		struct kt_object *object = history->all.items[i].object;

		if (kt_map_get_sv(used, kt_object_name(object)) ||
		        &history->all.items[i] == history->newest)
			continue;
		n_old--;
		kt_pass_send(history->pass,
		        &(struct kt_pass_write){.method = "DELETE",
		                .informer = history->revisions,
		                .target = object},
		        "/apis/apps/v1/namespaces/%.*s/controllerrevisions/%.*s",
		        KT_SVP(kt_object_namespace(object)), KT_SVP(kt_object_name(object)));
	}
}

json_t *kt_revision_template(const struct kt_revision *revision)
{
	kt_auto_json json_t *data =
	        kt_json_tree(kt_json_doc(revision->data, strlen(revision->data)));
	json_t *template = json_deep_copy(kt_jget(data, "spec.template"));

	json_object_del(template, "$patch");
	return template;
}
