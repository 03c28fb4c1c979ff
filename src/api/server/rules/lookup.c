/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/rules/lookup.h"

#include "api/codec/codec.h"
#include "base/log.h"

#include <errno.h>

/* Any version of a group knows the resource's place. */
static const struct kt_kind *find_kind(const char *group, const char *plural)
{
	for (size_t i = 0; i < kt_builtin_kinds.n_kinds; i++) {
		const struct kt_kind *kind = &kt_builtin_kinds.kinds[i];
		/* Asked many times for each write: most differ in the first letter. */
		if (*kind->plural == *plural && !strcmp(kind->plural, plural) &&
		        !strcmp(kind->group, group))
			return kind;
	}
	return NULL;
}

const char *kt_rule_key(struct kt_rule_context *c, const char *group, const char *plural,
        const char *namespace, const char *name)
{
	const struct kt_kind *kind = find_kind(group, plural);
	if (!kind)
		return NULL;
	if (*namespace && (kind->flags & KT_KIND_NAMESPACED))
		return kt_arena_printf(c->arena, "%s/%s/%s", kind->storage_prefix, namespace, name);
	return kt_arena_printf(c->arena, "%s/%s", kind->storage_prefix, name);
}

static struct kt_object *get(struct kt_rule_context *c, const char *key)
{
	struct kt_object *object = NULL;
	kt_auto_err err = KT_ERR_INIT;
	if (!c->storage || !key || c->storage->ops->get(c->storage, key, 0, &object, &err) < 0)
		return NULL;
	return object;
}

json_t *kt_rule_read_key(struct kt_rule_context *c, const char *key, int64_t *ret_revision)
{
	kt_auto_object struct kt_object *object = get(c, key);
	if (!object)
		return NULL;
	if (ret_revision)
		*ret_revision = object->revision;
	return kt_object_tree(object);
}

bool kt_rule_exists(struct kt_rule_context *c, const char *key)
{
	kt_auto_object struct kt_object *object = get(c, key);
	return object != NULL;
}

json_t *kt_rule_read(struct kt_rule_context *c, const char *group, const char *plural,
        const char *namespace, const char *name)
{
	return kt_rule_read_key(c, kt_rule_key(c, group, plural, namespace, name), NULL);
}

int kt_rule_list(struct kt_rule_context *c, const char *group, const char *plural,
        const char *namespace, struct kt_storage_list *ret_list)
{
	*ret_list = (struct kt_storage_list){0};
	const char *prefix = kt_rule_key(c, group, plural, namespace, "");
	if (!c->storage || !prefix)
		return -ENOENT;
	kt_auto_err err = KT_ERR_INIT;
	struct kt_storage_range range = {.prefix = prefix};
	return c->storage->ops->range(c->storage, &range, ret_list, &err);
}

static void add(struct kt_rule_context *c, struct kt_storage_op op)
{
	kt_assert(c->n_also < KT_STORAGE_OPS_MAX - 1);
	c->also = kt_reallocarray(c->also, c->n_also + 1, sizeof(*c->also));
	c->also[c->n_also++] = op;
}

void kt_rule_also_put(struct kt_rule_context *c, const char *key, int64_t expect_revision,
        const struct kt_type *type, const json_t *value)
{
	if (c->dry_run)
		return;
	kt_auto_str json = KT_STR_INIT;
	kt_auto_err err = KT_ERR_INIT;
	struct kt_storage_op op = {
	        .kind = KT_STORAGE_PUT, .key = key, .expect_revision = expect_revision};
	if (type)
		kt_codec_encode_json(&json, type, value);
	else
		kt_json_write(&json, value, 0);
	int r = kt_object_create(
	        kt_sv_of(key), (struct kt_sv){json.data, json.len}, &op.object, &err);
	kt_assert(r == 0);
	add(c, op);
}

void kt_rule_also_delete(struct kt_rule_context *c, const char *key)
{
	if (!c->dry_run && kt_rule_exists(c, key))
		add(c, (struct kt_storage_op){.kind = KT_STORAGE_DELETE,
		               .key = key,
		               .expect_revision = KT_STORAGE_ANY});
}
