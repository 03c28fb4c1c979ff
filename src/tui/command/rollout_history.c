/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/command/rollout_history.h"

#include "tui/command/options.h"
#include "tui/command/output.h"

#include "api/machinery/patch.h"
#include "base/yaml.h"

#include <errno.h>

#define REVISION_ANNOTATION "deployment.kubernetes.io/revision"
#define CAUSE_ANNOTATION "kubernetes.io/change-cause"
#define HASH_LABEL "pod-template-hash"

struct revision {
	int64_t number;
	const json_t *object; /* borrowed from the list */
};

struct revisions {
	struct revision *items; /* ascending */
	size_t n;
	json_t *list;
};

static void revisions_finish(struct revisions *revisions)
{
	free(revisions->items);
	json_decref(revisions->list);
}

static bool owned_by(const json_t *object, const char *uid)
{
	json_t *owner;
	size_t i;

	json_array_foreach(kt_jget(object, "metadata.ownerReferences"), i, owner) {
		if (kt_streq(kt_jstr(owner, "uid"), uid))
			return true;
	}
	return false;
}

static int64_t revision_number(const json_t *object)
{
	const char *text = json_string_value(
	        json_object_get(kt_jget(object, "metadata.annotations"), REVISION_ANNOTATION));
	int64_t number = kt_jint(object, "revision", 0);

	if (text && kt_sv_int64(kt_sv_of(text), &number) < 0)
		return 0;
	return number;
}

static int compare_revisions(const void *a, const void *b)
{
	const struct revision *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

/* A workload with revision objects of its own kind keeps them as ControllerRevisions, a Deployment
 * as ReplicaSets. */
static const char *revisions_resource(const struct kt_target *target)
{
	return kt_streq(target->resource->plural, "deployments") ? "replicasets.apps"
	                                                         : "controllerrevisions.apps";
}

static int load(struct kt_command_context *ctx, const struct kt_target *target,
        struct revisions *ret_revisions, struct kt_err *err)
{
	const struct kt_resource *resource =
	        kt_session_resource(ctx->session, revisions_resource(target), err);
	struct revisions revisions = {0};
	json_t *item;
	size_t i;

	if (!resource)
		return err->code;
	kt_auto_free char *path = kt_resource_path(resource, target->namespace, NULL, NULL);

	revisions.list = kt_session_get(ctx, path, NULL, err);
	if (!revisions.list)
		return err->code;
	json_array_foreach(json_object_get(revisions.list, "items"), i, item) {
		if (!owned_by(item, kt_jstr(target->live, "metadata.uid")) ||
		        revision_number(item) == 0)
			continue;
		revisions.items =
		        kt_reallocarray(revisions.items, revisions.n + 1, sizeof(*revisions.items));
		revisions.items[revisions.n++] = (struct revision){revision_number(item), item};
	}
	if (revisions.n)
		qsort(revisions.items, revisions.n, sizeof(*revisions.items), compare_revisions);
	*ret_revisions = revisions;
	return 0;
}

static const struct revision *find(const struct revisions *revisions, int64_t number)
{
	for (size_t i = 0; i < revisions->n; i++)
		if (revisions->items[i].number == number)
			return &revisions->items[i];
	return NULL;
}

/* The pod template of a revision without the hash its owner adds. New reference. */
static json_t *template_of(const struct revision *revision)
{
	const json_t *template = kt_jget(revision->object, "spec.template");

	if (!template)
		template = kt_jget(revision->object, "data.spec.template");
	json_t *copy = json_deep_copy(template);

	json_object_del(kt_jget(copy, "metadata.labels"), HASH_LABEL);
	json_object_del(copy, "$patch");
	return copy;
}

static void print_template(struct kt_command_context *ctx, const struct kt_target *target,
        const struct revision *revision)
{
	kt_auto_json json_t *template = template_of(revision);
	kt_auto_free char *label = kt_target_label(target);
	kt_auto_str text = KT_STR_INIT;

	kt_yaml_write(&text, template);
	fprintf(ctx->out, "%s with revision #%lld\nPod Template:\n", label,
	        (long long)revision->number);
	struct kt_sv rest = {kt_str_text(&text), text.len}, line;

	while (kt_sv_split(&rest, '\n', &line))
		if (line.len)
			fprintf(ctx->out, "  %.*s\n", (int)line.len, line.p);
}

static void print_list(struct kt_command_context *ctx, const struct kt_target *target,
        const struct revisions *revisions)
{
	struct kt_table_writer *table = kt_table_writer_create(ctx->out);
	kt_auto_free char *label = kt_target_label(target);

	kt_table_writer_set_padding(table, 2);
	fprintf(ctx->out, "%s \n", label);
	kt_table_writer_cell(table, "REVISION");
	kt_table_writer_cell(table, "CHANGE-CAUSE");
	kt_table_writer_end_row(table);
	for (size_t i = 0; i < revisions->n; i++) {
		const struct revision *revision = &revisions->items[i];
		kt_auto_free char *number = kt_asprintf("%lld", (long long)revision->number);
		const char *cause = json_string_value(json_object_get(
		        kt_jget(revision->object, "metadata.annotations"), CAUSE_ANNOTATION));

		kt_table_writer_cell(table, number);
		kt_table_writer_cell(table, cause ? cause : "<none>");
		kt_table_writer_end_row(table);
	}
	kt_table_writer_destroy(table);
	fputc('\n', ctx->out);
}

int kt_rollout_history_print(struct kt_command_context *ctx, const struct kt_target *target,
        int64_t number, struct kt_err *err)
{
	struct revisions revisions;
	int r = load(ctx, target, &revisions, err);

	if (r < 0)
		return r;
	const struct revision *revision = number ? find(&revisions, number) : NULL;

	if (number && !revision)
		r = kt_fail(err, ENOENT, "unable to find the specified revision");
	else if (revision)
		print_template(ctx, target, revision);
	else
		print_list(ctx, target, &revisions);
	revisions_finish(&revisions);
	return r;
}

/* The revision to go back to: the one named, or the one before the newest. */
static const struct revision *choose(
        const struct revisions *revisions, int64_t number, struct kt_err *err)
{
	const struct revision *revision = number             ? find(revisions, number)
	                                  : revisions->n > 1 ? &revisions->items[revisions->n - 2]
	                                                     : NULL;

	if (!revision && number)
		kt_fail(err, ENOENT, "unable to find specified revision %lld in history",
		        (long long)number);
	else if (!revision)
		kt_fail(err, ENOENT, "no rollout history found to roll back to");
	return revision;
}

/* The template is set whole: what the newer one added must go, so a JSON patch, not a merge. */
static int put_template(struct kt_command_context *ctx, const struct kt_target *target,
        const struct revision *revision, struct kt_err *err)
{
	kt_auto_json json_t *template = template_of(revision);
	kt_auto_json json_t *patch = json_pack(
	        "[{s:s, s:s, s:O}]", "op", "replace", "path", "/spec/template", "value", template);
	kt_auto_free char *path = kt_target_path(target, NULL);
	kt_auto_free char *query = kt_write_query(ctx);
	kt_auto_free char *full = kt_asprintf("%s%s", path, query);
	kt_auto_json json_t *now = json_deep_copy(kt_jget(target->live, "spec.template"));

	if (json_equal(now, template)) {
		kt_auto_free char *done = kt_asprintf(
		        "skipped rollback (current template already matches revision %lld)",
		        (long long)revision->number);

		return kt_print_result(ctx, target->resource, target->live, done, err);
	}
	if (kt_is_dry_run_client(ctx))
		return kt_print_result(ctx, target->resource, target->live, "rolled back", err);
	kt_auto_json json_t *answer =
	        kt_session_request(ctx, "PATCH", full, "application/json-patch+json", patch, err);

	return answer ? kt_print_result(ctx, target->resource, answer, "rolled back", err)
	              : err->code;
}

int kt_rollout_undo(struct kt_command_context *ctx, const struct kt_target *target, int64_t number,
        struct kt_err *err)
{
	struct revisions revisions;

	if (kt_jbool(target->live, "spec.paused", false))
		return kt_fail(err, EINVAL,
		        "you cannot rollback a paused deployment; resume it first with 'rollout "
		        "resume' and try again");
	int r = load(ctx, target, &revisions, err);

	if (r < 0)
		return r;
	const struct revision *revision = choose(&revisions, number, err);

	r = revision ? put_template(ctx, target, revision, err) : err->code;
	revisions_finish(&revisions);
	return r;
}
