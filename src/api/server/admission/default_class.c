/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The class a claim or an ingress gets when it names none: the newest of those marked as default.
 */
#include "api/server/admission/plugins.h"
#include "api/server/rules/check.h"

struct class_kind {
	const char *group, *plural;
	const char *annotations[2]; /* the second may be NULL */
};

static bool is_marked(const json_t *class, const struct class_kind *kind)
{
	const json_t *annotations = kt_jget(class, "metadata.annotations");
	for (size_t i = 0; i < 2 && kind->annotations[i]; i++)
		if (strcmp(kt_text_of(annotations, kind->annotations[i]), "true") == 0)
			return true;
	return false;
}

/* By creation, newest first; then by name. */
static bool goes_before(const json_t *a, const json_t *b)
{
	const char *x = kt_jstr(a, "metadata.creationTimestamp"),
	           *y = kt_jstr(b, "metadata.creationTimestamp");
	int order = strcmp(x ? x : "", y ? y : "");
	return order ? order > 0
	             : strcmp(kt_jstr(a, "metadata.name"), kt_jstr(b, "metadata.name")) < 0;
}

/* Name of the default, an arena string; NULL when there is none. */
static const char *default_class(struct kt_admission_context *a, const struct class_kind *kind)
{
	struct kt_storage_list list;
	kt_auto_json json_t *best = NULL;
	if (kt_admission_list(a, kind->group, kind->plural, "", &list) < 0)
		return NULL;
	for (size_t i = 0; i < list.n; i++) {
		kt_auto_json json_t *class = kt_object_tree(list.objects[i]);
		if (!is_marked(class, kind) || (best && !goes_before(class, best)))
			continue;
		json_decref(best);
		best = json_incref(class);
	}
	kt_storage_list_finish(&list);
	return best ? kt_arena_strdup(a->rules->arena, kt_jstr(best, "metadata.name")) : NULL;
}

static void fill(json_t *object, const char *field, const char *old_annotation, const char *class)
{
	json_t *spec = json_object_get(object, "spec");
	if (class && spec && !json_object_get(spec, field) &&
	        !json_object_get(kt_jget(object, "metadata.annotations"), old_annotation))
		json_object_set_new(spec, field, json_string(class));
}

static int mutate_claim(struct kt_admission_context *a, json_t *object, const json_t *old)
{
	static const struct class_kind kind = {"storage.k8s.io", "storageclasses",
	        {"storageclass.kubernetes.io/is-default-class",
	                "storageclass.beta.kubernetes.io/is-default-class"}};
	(void)old;
	if (a->operation == KT_ADMIT_CREATE &&
	        kt_admission_is(a, "", "persistentvolumeclaims", NULL))
		fill(object, "storageClassName", "volume.beta.kubernetes.io/storage-class",
		        default_class(a, &kind));
	return 0;
}

const struct kt_admission_plugin kt_admission_default_storage_class = {
        .name = "DefaultStorageClass",
        .on_by_default = true,
        .mutate = mutate_claim,
};

static int mutate_ingress(struct kt_admission_context *a, json_t *object, const json_t *old)
{
	static const struct class_kind kind = {"networking.k8s.io", "ingressclasses",
	        {"ingressclass.kubernetes.io/is-default-class", NULL}};
	(void)old;
	if (a->operation == KT_ADMIT_CREATE &&
	        kt_admission_is(a, "networking.k8s.io", "ingresses", NULL))
		fill(object, "ingressClassName", "kubernetes.io/ingress.class",
		        default_class(a, &kind));
	return 0;
}

const struct kt_admission_plugin kt_admission_default_ingress_class = {
        .name = "DefaultIngressClass",
        .on_by_default = true,
        .mutate = mutate_ingress,
};
