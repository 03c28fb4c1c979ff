/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Warnings about volumes made of several files of which one hides another. */
#include "api/machinery/go_text.h"
#include "api/server/rules/pod.h"
#include "base/vec.h"

struct file {
	const char *path;
	const char *source; /* "Secret \"a\"" within a projected volume; NULL: there is but one */
};

struct files {
	struct kt_arena *arena;
	KT_VEC(struct file) list;
};

/* Is `path` the directory `other`, or below it? */
static bool is_within(const char *path, const char *other)
{
	size_t path_len = strlen(path), len = strlen(other);
	while (path_len && path[path_len - 1] == '/')
		path_len--;
	while (len && other[len - 1] == '/')
		len--;
	return path_len >= len && !strncmp(path, other, len) &&
	       (path_len == len || path[len] == '/');
}

static void print_file(struct kt_str *out, const struct file *file)
{
	kt_go_quote(out, kt_sv_of(file->path));
	if (file->source)
		kt_str_printf(out, " (%s)", file->source);
}

static void add_file(struct files *files, const json_t *holder, const char *source)
{
	const char *path = kt_text_of(holder, "path");
	if (*path)
		kt_vec_push(&files->list, ((struct file){path, source}));
}

static void add_items(struct files *files, const json_t *holder, const char *source)
{
	size_t i;
	json_t *item;
	json_array_foreach(json_object_get(holder, "items"), i, item) {
		add_file(files, item, source);
	}
}

static const char *named(struct files *files, const char *kind, const char *name)
{
	kt_auto_str text = KT_STR_INIT;
	kt_str_printf(&text, "%s ", kind);
	kt_go_quote(&text, kt_sv_of(name));
	return kt_arena_strdup(files->arena, kt_str_text(&text));
}

static void add_source(struct files *files, const json_t *source)
{
	const json_t *secret = json_object_get(source, "secret"),
	             *map = json_object_get(source, "configMap"),
	             *bundle = json_object_get(source, "clusterTrustBundle");
	if (secret)
		add_items(files, secret, named(files, "Secret", kt_text_of(secret, "name")));
	else if (map)
		add_items(files, map, named(files, "ConfigMap", kt_text_of(map, "name")));
	else if (json_object_get(source, "downwardAPI"))
		add_items(files, json_object_get(source, "downwardAPI"), "DownwardAPI");
	else if (json_object_get(source, "serviceAccountToken"))
		add_file(files, json_object_get(source, "serviceAccountToken"),
		        "ServiceAccountToken");
	else if (bundle)
		add_file(files, bundle,
		        named(files, "ClusterTrustBundle",
		                *kt_text_of(bundle, "name") ? kt_text_of(bundle, "name")
		                                            : kt_text_of(bundle, "signerName")));
}

static void add_projected(
        struct kt_rule_context *c, struct files *files, const json_t *projected, const char *volume)
{
	size_t i;
	json_t *source;
	json_array_foreach(json_object_get(projected, "sources"), i, source) {
		if (json_object_size(source) == 0)
			kt_rule_warn(
			        c, "volume \"%s\" (Projected) has no sources provided", volume);
		add_source(files, source);
	}
}

/* Each file with those before it that it covers or that cover it. */
static void find_overlaps(const struct files *files, struct kt_str *out)
{
	for (size_t i = 0; i < files->list.n; i++) {
		const struct file *file = &files->list.items[i];
		for (size_t j = 0; j < i; j++) {
			const struct file *other = &files->list.items[j];
			if (!is_within(file->path, other->path) &&
			        !is_within(other->path, file->path))
				continue;
			if (out->len)
				kt_str_puts(out, ", ");
			print_file(out, file);
			kt_str_puts(out, " with ");
			print_file(out, other);
		}
	}
}

void kt_pod_warn_overlaps(struct kt_rule_context *c, const json_t *volume)
{
	struct files files = {.arena = c->arena};
	const json_t *map = json_object_get(volume, "configMap"),
	             *secret = json_object_get(volume, "secret"),
	             *downward = json_object_get(volume, "downwardAPI"),
	             *projected = json_object_get(volume, "projected");
	const char *name = kt_text_of(volume, "name"), *what = "Projected";
	kt_auto_str overlaps = KT_STR_INIT;
	if (map) {
		what = named(&files, "ConfigMap", kt_text_of(map, "name"));
		add_items(&files, map, NULL);
	} else if (secret) {
		what = named(&files, "Secret", kt_text_of(secret, "secretName"));
		add_items(&files, secret, NULL);
	} else if (downward) {
		what = "DownwardAPI";
		add_items(&files, downward, NULL);
	} else if (projected) {
		add_projected(c, &files, projected, name);
	}
	find_overlaps(&files, &overlaps);
	if (overlaps.len)
		kt_rule_warn(c, "volume \"%s\" (%s): overlapping paths: %s", name, what,
		        kt_str_text(&overlaps));
	kt_vec_finish(&files.list);
}
