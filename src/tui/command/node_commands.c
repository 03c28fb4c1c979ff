/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cordon, uncordon, drain and taint: what is done to nodes. */
#include "tui/command/options.h"
#include "tui/command/output.h"
#include "tui/command/target.h"
#include "tui/command/wait.h"

#include "api/machinery/selector.h"
#include "base/loop.h"
#include "base/time.h"

#include <errno.h>
#include <time.h>

static const struct kt_option CORDON_OPTIONS[] = {
        KT_OPTION_SELECTOR,
        KT_OPTION_DRY_RUN,
        KT_OPTION_END,
};

static const struct kt_option DRAIN_OPTIONS[] = {
        KT_OPTION_SELECTOR,
        KT_OPTION_DRY_RUN,
        {.name = "ignore-daemonsets",
                .type = KT_OPTION_BOOL,
                .help = "leave pods of DaemonSets where they are"},
        {.name = "delete-emptydir-data",
                .type = KT_OPTION_BOOL,
                .help = "pods with emptyDir volumes too: their data goes"},
        {.name = "force",
                .type = KT_OPTION_BOOL,
                .help = "pods without a controller too: nobody makes them again"},
        {.name = "disable-eviction",
                .type = KT_OPTION_BOOL,
                .help = "delete instead of evict: disruption budgets do not count"},
        {.name = "grace-period",
                .type = KT_OPTION_INT,
                .fallback = "-1",
                .value_name = "SECONDS",
                .help = "time for pods to end; -1: their own"},
        KT_OPTION_TIMEOUT("0s", "how long to wait for each pod; 0: for ever"),
        {.name = "pod-selector",
                .type = KT_OPTION_STRING,
                .value_name = "SELECTOR",
                .help = "only pods with these labels"},
        {.name = "skip-wait-for-delete-timeout",
                .type = KT_OPTION_INT,
                .fallback = "0",
                .value_name = "SECONDS",
                .help = "do not wait for pods that have been ending for longer"},
        {.name = "chunk-size",
                .type = KT_OPTION_INT,
                .fallback = "500",
                .value_name = "N",
                .help = "as kubectl has it; pods are read at once"},
        KT_OPTION_END,
};

static const struct kt_option TAINT_OPTIONS[] = {
        KT_OPTION_SELECTOR,
        KT_OPTION_ALL,
        KT_OPTION_DRY_RUN,
        KT_OPTION_OUTPUT,
        {.name = "overwrite",
                .type = KT_OPTION_BOOL,
                .help = "change taints of the same key and effect"},
        KT_OPTION_VALIDATE,
        KT_OPTION_FIELD_MANAGER("kubectl-taint"),
        KT_OPTION_END,
};

/* The nodes named; the word "node" before them is optional as in kubectl. */
static int find_nodes(struct kt_command_context *ctx, int first, int last,
        struct kt_targets *ret_targets, struct kt_err *err)
{
	char **argv = kt_new_array(char *, (size_t)(last - first) + 2), **outer = ctx->argv;
	int argc = 0, outer_argc = ctx->argc;
	bool typed =
	        first < last && (!strcmp(outer[first], "node") || !strcmp(outer[first], "nodes") ||
	                                !strcmp(outer[first], "no"));
	bool slashed = first < last && strchr(outer[first], '/');
	char type[] = "nodes";

	if (!slashed)
		argv[argc++] = type;
	for (int i = first + typed; i < last; i++)
		argv[argc++] = outer[i];
	ctx->argv = argv;
	ctx->argc = argc;
	int r = kt_targets_parse(ctx, 0, KT_TARGET_NEED_NAME, ret_targets, err);

	ctx->argv = outer;
	ctx->argc = outer_argc;
	free(argv);
	return r;
}

/* Calls fn for each of the nodes that the arguments from first to before last name. */
static int each_node(struct kt_command_context *ctx, int last, kt_target_fn *fn, void *arg)
{
	kt_auto_err err = KT_ERR_INIT;
	struct kt_targets nodes = {0};
	int code;

	if (find_nodes(ctx, 0, last, &nodes, &err) < 0)
		return kt_command_fail(ctx, &err, NULL);
	code = kt_targets_each(ctx, &nodes, KT_TARGET_LIVE, fn, arg);
	kt_targets_finish(&nodes);
	return code;
}

static int patch_node(struct kt_command_context *ctx, const struct kt_target *target, json_t *patch,
        struct kt_err *err)
{
	kt_auto_json json_t *owned = patch;
	kt_auto_free char *path = kt_target_path(target, NULL);
	kt_auto_free char *query = kt_write_query(ctx);
	kt_auto_free char *full = kt_asprintf("%s%s", path, query);

	if (kt_is_dry_run_client(ctx))
		return 0;
	kt_auto_json json_t *answer = kt_session_request(
	        ctx, "PATCH", full, "application/strategic-merge-patch+json", owned, err);

	return answer ? 0 : err->code;
}

static int set_unschedulable(struct kt_command_context *ctx, const struct kt_target *target,
        bool wanted, struct kt_err *err)
{
	const char *word = wanted ? "cordoned" : "uncordoned";
	const char *mode = kt_dry_run_note(ctx);
	bool now = kt_jbool(target->live, "spec.unschedulable", false);

	if (now == wanted) {
		fprintf(ctx->out, "node/%s already %s%s\n", target->name, word, mode);
		return 0;
	}
	if (patch_node(ctx, target,
	            json_pack("{s:{s:o}}", "spec", "unschedulable",
	                    wanted ? json_true() : json_null()),
	            err) < 0)
		return err->code;
	fprintf(ctx->out, "node/%s %s%s\n", target->name, word, mode);
	return 0;
}

static bool names_no_node(struct kt_command_context *ctx)
{
	const char *name = ctx->command->name;

	if (ctx->argc || kt_opt_string(ctx, "selector"))
		return false;
	kt_command_fail(ctx, NULL,
	        "USAGE: %s NODE [flags]\nSee 'kube-tui %s -h' for help and examples", name, name);
	return true;
}

static int cordon_one(
        struct kt_command_context *ctx, struct kt_target *node, void *wanted, struct kt_err *err)
{
	return set_unschedulable(ctx, node, *(bool *)wanted, err);
}

static int cordon(struct kt_command_context *ctx, bool wanted)
{
	return each_node(ctx, ctx->argc, cordon_one, &wanted);
}

static int run_cordon(struct kt_command_context *ctx)
{
	if (names_no_node(ctx))
		return KT_EXIT_ERROR;
	return cordon(ctx, true);
}

static int run_uncordon(struct kt_command_context *ctx)
{
	if (names_no_node(ctx))
		return KT_EXIT_ERROR;
	return cordon(ctx, false);
}

/* Drain */

static const char *controller_kind(const json_t *pod)
{
	json_t *owner;
	size_t i;

	json_array_foreach(kt_jget(pod, "metadata.ownerReferences"), i, owner) {
		if (kt_jbool(owner, "controller", false))
			return kt_jstr(owner, "kind");
	}
	return NULL;
}

static bool is_over(const json_t *pod)
{
	const char *phase = kt_jstr(pod, "status.phase");

	return kt_streq(phase, "Succeeded") || kt_streq(phase, "Failed");
}

static bool has_empty_dir(const json_t *pod)
{
	json_t *volume;
	size_t i;

	json_array_foreach(kt_jget(pod, "spec.volumes"), i, volume) {
		if (json_object_get(volume, "emptyDir"))
			return true;
	}
	return false;
}

/* Why the pod must not go without a word; NULL: it may. *ret_skip: it stays. */
static const char *obstacle(const struct kt_command_context *ctx, const json_t *pod, bool *ret_skip)
{
	const char *controller = controller_kind(pod);

	*ret_skip = json_object_get(kt_jget(pod, "metadata.annotations"),
	                    "kubernetes.io/config.mirror") != NULL;
	if (*ret_skip || is_over(pod))
		return NULL;
	if (kt_streq(controller, "DaemonSet")) {
		*ret_skip = kt_opt_bool(ctx, "ignore-daemonsets");
		return *ret_skip ? NULL
		                 : "cannot delete DaemonSet-managed Pods (use --ignore-daemonsets "
		                   "to ignore)";
	}
	if (has_empty_dir(pod) && !kt_opt_bool(ctx, "delete-emptydir-data"))
		return "cannot delete Pods with local storage (use --delete-emptydir-data to "
		       "override)";
	if (!controller && !kt_opt_bool(ctx, "force"))
		return "cannot delete Pods that declare no controller (use --force to override)";
	return NULL;
}

static int evict(struct kt_command_context *ctx, const struct kt_target *pod, struct kt_err *err)
{
	int64_t grace = kt_opt_int(ctx, "grace-period");
	bool plain = kt_opt_bool(ctx, "disable-eviction");
	kt_auto_free char *path = kt_target_path(pod, plain ? NULL : "eviction");
	kt_auto_json json_t *options =
	        json_pack("{s:s, s:s}", "apiVersion", "v1", "kind", "DeleteOptions");

	if (grace >= 0)
		json_object_set_new(options, "gracePeriodSeconds", json_integer(grace));
	kt_auto_json json_t *body =
	        plain ? json_incref(options)
	              : json_pack("{s:s, s:s, s:{s:s, s:s}, s:O}", "apiVersion", "policy/v1",
	                        "kind", "Eviction", "metadata", "name", pod->name, "namespace",
	                        pod->namespace, "deleteOptions", options);

	fprintf(ctx->out, "%s pod %s/%s%s\n", plain ? "deleting" : "evicting", pod->namespace,
	        pod->name, kt_dry_run_note(ctx));
	if (*kt_dry_run_note(ctx))
		return 0;
	kt_auto_json json_t *answer =
	        kt_session_request(ctx, plain ? "DELETE" : "POST", path, NULL, body, err);

	return answer ? 0 : err->code;
}

/* A budget that allows no disruption now (429) is asked again when a pod of the namespace changes.
 */
static int try_evict(void *arg, const json_t *object, struct kt_err *err);

struct eviction {
	struct kt_command_context *ctx;
	const struct kt_target *pod;
};

static int try_evict(void *arg, const json_t *object, struct kt_err *err)
{
	const struct eviction *eviction = arg;
	kt_auto_err one = KT_ERR_INIT;

	(void)object;
	int r = evict(eviction->ctx, eviction->pod, &one);

	if (r == 0 || r == -ENOENT)
		return 1;
	if (one.status != 429 && r != -EAGAIN)
		return kt_err_move(err, &one);
	kt_command_fail(eviction->ctx, &one, "pod %s (will retry)", eviction->pod->name);
	return 0;
}

static int evict_all(struct kt_command_context *ctx, struct kt_targets *pods, struct kt_err *err)
{
	int64_t timeout_ns = kt_opt_int(ctx, "timeout");

	for (size_t i = 0; i < pods->n && !kt_cancel_is_asked(ctx->cancel); i++) {
		struct eviction eviction = {ctx, &pods->items[i]};
		struct kt_target any = {
		        .resource = pods->items[i].resource, .namespace = pods->items[i].namespace};

		if (kt_wait_for(ctx, &any, timeout_ns, try_evict, &eviction, err) < 0)
			return err->code;
	}
	return *kt_dry_run_note(ctx) || kt_wait_deleted(ctx, pods, timeout_ns) == KT_EXIT_OK
	               ? 0
	               : kt_fail(err, ETIMEDOUT, "some pods did not end");
}

/* --skip-wait-for-delete-timeout */
static bool is_ending_long(const struct kt_command_context *ctx, const json_t *pod)
{
	int64_t limit = kt_opt_int(ctx, "skip-wait-for-delete-timeout"), since_ns;
	const char *text = kt_jstr(pod, "metadata.deletionTimestamp");

	return limit > 0 && text && kt_time_parse(kt_sv_of(text), &since_ns) == 0 &&
	       since_ns / KT_NS_PER_S + limit < (int64_t)time(NULL);
}

/* remarks: reasons with the pods they are said of, {"cannot delete …": "a/b, a/c"}. */
static void remark(json_t *remarks, const char *why, const json_t *pod)
{
	const char *before = json_string_value(json_object_get(remarks, why));

	json_object_set_new(remarks, why,
	        json_sprintf("%s%s%s/%s", before ? before : "", before ? ", " : "",
	                kt_jstr(pod, "metadata.namespace"), kt_jstr(pod, "metadata.name")));
}

/* All of them in the order of their words, `between` two. Heap. */
static char *remarks_text(const json_t *remarks, const char *between)
{
	KT_VEC(const char *) reasons = {0};
	struct kt_str text = KT_STR_INIT;
	const char *why;
	json_t *pods;

	json_object_foreach((json_t *)(uintptr_t)remarks, why, pods)
		kt_vec_push(&reasons, why);
	if (reasons.n)
		qsort(reasons.items, reasons.n, sizeof(*reasons.items), kt_strp_cmp);
	for (size_t i = 0; i < reasons.n; i++)
		kt_str_printf(&text, "%s%s: %s", i ? between : "", reasons.items[i],
		        json_string_value(json_object_get(remarks, reasons.items[i])));
	kt_vec_finish(&reasons);
	return kt_str_steal(&text);
}

static json_t *pods_of_node(
        struct kt_command_context *ctx, const struct kt_target *node, struct kt_err *err)
{
	const char *selector = kt_opt_string(ctx, "pod-selector");
	kt_auto_str path = KT_STR_INIT;

	kt_str_printf(&path, "/api/v1/pods?fieldSelector=spec.nodeName%%3D%s", node->name);
	if (selector && *selector) {
		kt_str_puts(&path, "&labelSelector=");
		kt_url_escape(&path, selector);
	}
	return kt_session_get(ctx, kt_str_text(&path), NULL, err);
}

/* What goes although its absence is nobody's care, and what stays: a person is told. */
static void warn(const json_t *pod, bool skip, json_t *warnings)
{
	const char *controller = controller_kind(pod);

	if (skip && kt_streq(controller, "DaemonSet"))
		remark(warnings, "ignoring DaemonSet-managed Pods", pod);
	else if (!skip && !controller && !is_over(pod))
		remark(warnings, "deleting Pods that declare no controller", pod);
}

static int collect_pods(struct kt_command_context *ctx, const struct kt_target *node,
        struct kt_targets *pods, struct kt_err *err)
{
	const struct kt_resource *resource = kt_session_resource(ctx->session, "pods", err);
	kt_auto_json json_t *list = resource ? pods_of_node(ctx, node, err) : NULL;
	kt_auto_json json_t *refusals = json_object(), *warnings = json_object();
	json_t *pod;
	size_t i;

	if (!list)
		return err->code;
	json_array_foreach(json_object_get(list, "items"), i, pod) {
		bool skip;
		const char *why = obstacle(ctx, pod, &skip);

		if (why)
			remark(refusals, why, pod);
		else
			warn(pod, skip, warnings);
		if (why || skip || is_ending_long(ctx, pod))
			continue;
		*kt_targets_push(pods) = (struct kt_target){.resource = resource,
		        .live = json_incref(pod),
		        .name = kt_strdup(kt_jstr(pod, "metadata.name")),
		        .namespace = kt_strdup(kt_jstr(pod, "metadata.namespace"))};
	}
	kt_auto_free char *text = remarks_text(warnings, "; "),
	                  *refused = remarks_text(refusals, "\n");

	if (*refused)
		return kt_fail(err, EBUSY, "%s", refused);
	if (*text)
		fprintf(ctx->err, "Warning: %s\n", text);
	return 0;
}

static int drain_one(struct kt_command_context *ctx, struct kt_target *node, struct kt_err *err)
{
	struct kt_targets pods = {0};
	int r = collect_pods(ctx, node, &pods, err);

	if (r == 0)
		r = evict_all(ctx, &pods, err);
	if (r == 0)
		fprintf(ctx->out, "node/%s drained%s\n", node->name, kt_dry_run_note(ctx));
	kt_targets_finish(&pods);
	return r;
}

/* "a", or "[a, b]" of several lines. Heap. */
static char *as_list(const char *lines)
{
	struct kt_sv rest = kt_sv_of(lines), line;
	struct kt_str text = KT_STR_INIT;
	bool several = strchr(lines, '\n');

	while (rest.len && kt_sv_split(&rest, '\n', &line))
		kt_str_printf(&text, "%s%.*s",
		        text.len  ? ", "
		        : several ? "["
		                  : "",
		        (int)line.len, line.p);
	kt_str_puts(&text, several ? "]" : "");
	return kt_str_steal(&text);
}

/* Each in its turn; one that cannot be drained keeps none of the others. */
static int drain_nodes(struct kt_command_context *ctx, struct kt_targets *nodes)
{
	kt_auto_str pending = KT_STR_INIT, reasons = KT_STR_INIT;
	bool several = nodes->n > 1;

	for (size_t i = 0; i < nodes->n && !kt_cancel_is_asked(ctx->cancel); i++) {
		kt_auto_err err = KT_ERR_INIT;

		if (drain_one(ctx, &nodes->items[i], &err) == 0)
			continue;
		kt_auto_free char *why = as_list(kt_err_message(&err));

		fflush(ctx->out);
		fprintf(ctx->err,
		        "error: unable to drain node \"%s\" due to error: %s, continuing "
		        "command...\n",
		        nodes->items[i].name, why);
		kt_str_printf(&pending, " %s\n", nodes->items[i].name);
		kt_str_printf(&reasons, "%s\n", several ? why : kt_err_message(&err));
	}
	if (!pending.len)
		return KT_EXIT_OK;
	fprintf(ctx->err, "There are pending nodes to be drained:\n%s%s", kt_str_text(&pending),
	        kt_str_text(&reasons));
	return KT_EXIT_ERROR;
}

/* No node gets new pods before the first loses its own. */
static int cordon_and_drain(struct kt_command_context *ctx)
{
	kt_auto_err err = KT_ERR_INIT;
	struct kt_targets nodes = {0};
	bool wanted = true;

	if (find_nodes(ctx, 0, ctx->argc, &nodes, &err) < 0 ||
	        kt_targets_fetch(ctx, &nodes, &err) < 0)
		return kt_command_fail(ctx, &err, NULL);
	int code = kt_targets_each(ctx, &nodes, KT_TARGET_LIVE, cordon_one, &wanted);

	if (code == KT_EXIT_OK)
		code = drain_nodes(ctx, &nodes);
	kt_targets_finish(&nodes);
	return code;
}

static int run_drain(struct kt_command_context *ctx)
{
	const char *selector = kt_opt_string(ctx, "pod-selector");
	kt_auto_err ignored = KT_ERR_INIT;
	struct kt_selector *parsed = NULL;

	if (names_no_node(ctx))
		return KT_EXIT_ERROR;
	if (selector && kt_selector_parse(selector, &parsed, &ignored) < 0)
		return kt_command_fail(
		        ctx, NULL, "--pod-selector=<pod_selector> must be a valid label selector");
	kt_selector_destroy(parsed);
	return cordon_and_drain(ctx);
}

/* Taint */

struct taint {
	char *key, *value, *effect; /* effect NULL: any (removal only) */
	bool remove;
};

static const char *const EFFECTS[] = {"NoSchedule", "PreferNoSchedule", "NoExecute"};

static bool is_effect(const char *text)
{
	for (size_t i = 0; i < KT_ARRAY_SIZE(EFFECTS); i++)
		if (!strcmp(EFFECTS[i], text))
			return true;
	return false;
}

static void taint_finish(struct taint *taint)
{
	free(taint->key);
	free(taint->value);
	free(taint->effect);
}

/* KEY=VALUE:EFFECT, KEY:EFFECT, KEY:EFFECT-, KEY- */
static int parse_taint(const char *text, struct taint *taint, struct kt_err *err)
{
	size_t len = strlen(text);
	kt_auto_free char *copy = kt_strdup(text);

	taint->remove = len && text[len - 1] == '-';
	if (taint->remove)
		copy[len - 1] = '\0';
	char *colon = strrchr(copy, ':');

	if (colon) {
		*colon = '\0';
		taint->effect = kt_strdup(colon + 1);
	}
	char *equals = strchr(copy, '=');

	if (equals)
		*equals = '\0';
	taint->key = kt_strdup(copy);
	taint->value = kt_strdup(equals ? equals + 1 : "");
	if (!*taint->key || (!taint->effect && !taint->remove))
		return kt_fail(err, EINVAL, "invalid taint spec: %s", text);
	if (taint->effect && !is_effect(taint->effect))
		return kt_fail(err, EINVAL, "invalid taint effect: %s, unsupported taint effect",
		        taint->effect);
	return 0;
}

static bool same_taint(const struct taint *taint, const json_t *entry)
{
	return kt_streq(kt_jstr(entry, "key"), taint->key) &&
	       (!taint->effect || kt_streq(kt_jstr(entry, "effect"), taint->effect));
}

static int change_taints(const struct kt_command_context *ctx, const struct taint *taint,
        json_t *list, const char *node, struct kt_err *err)
{
	size_t before = json_array_size(list);

	for (size_t i = json_array_size(list); i-- > 0;) {
		if (!same_taint(taint, json_array_get(list, i)))
			continue;
		if (!taint->remove && !kt_opt_bool(ctx, "overwrite"))
			return kt_fail(err, EEXIST,
			        "node %s already has %s taint(s) with same effect(s) and "
			        "--overwrite is false",
			        node, taint->key);
		json_array_remove(list, i);
	}
	if (taint->remove)
		return json_array_size(list) < before
		               ? 0
		               : kt_fail(err, ENOENT, "taint \"%s\" not found", taint->key);
	json_t *entry = json_pack("{s:s, s:s}", "key", taint->key, "effect", taint->effect);

	if (*taint->value)
		json_object_set_new(entry, "value", json_string(taint->value));
	json_array_append_new(list, entry);
	return 0;
}

struct taints {
	struct taint *items;
	size_t n;
};

static int taint_one(
        struct kt_command_context *ctx, struct kt_target *node, void *arg, struct kt_err *err)
{
	const struct taints *taints = arg;
	json_t *list = json_deep_copy(kt_jget(node->live, "spec.taints"));
	bool only_removed = true;

	if (!list)
		list = json_array();
	for (size_t i = 0; i < taints->n; i++) {
		only_removed &= taints->items[i].remove;
		if (change_taints(ctx, &taints->items[i], list, node->name, err) < 0) {
			json_decref(list);
			return err->code;
		}
	}
	kt_auto_free char *path = kt_target_path(node, NULL);
	kt_auto_free char *query = kt_write_query(ctx);
	kt_auto_free char *full = kt_asprintf("%s%s", path, query);
	kt_auto_json json_t *patch = json_pack("{s:{s:s}, s:{s:o}}", "metadata", "resourceVersion",
	        kt_jstr(node->live, "metadata.resourceVersion"), "spec", "taints", list);
	kt_auto_json json_t *answer = kt_is_dry_run_client(ctx)
	                                      ? json_incref(node->live)
	                                      : kt_session_request(ctx, "PATCH", full,
	                                                "application/merge-patch+json", patch, err);

	if (!answer)
		return err->code;
	/* kubectl does not say of this verb that nothing was stored */
	if (!kt_opt_string(ctx, "output")) {
		fprintf(ctx->out, "node/%s %s\n", node->name,
		        only_removed ? "untainted" : "tainted");
		return 0;
	}
	return kt_print_result(ctx, node->resource, answer, "", err);
}

static int run_taint(struct kt_command_context *ctx)
{
	kt_auto_err err = KT_ERR_INIT;
	int first = ctx->argc, code = KT_EXIT_OK;
	size_t n = 0;

	while (first > 0 &&
	        (strchr(ctx->argv[first - 1], ':') || kt_ends_with(ctx->argv[first - 1], "-")))
		first--;
	struct taint *taints = kt_new_array(struct taint, (size_t)(ctx->argc - first) + 1);

	for (int i = first; i < ctx->argc && !err.code; i++)
		parse_taint(ctx->argv[i], &taints[n++], &err);
	if (err.code)
		code = kt_command_fail(ctx, &err, NULL);
	else if (!n)
		code = kt_command_fail(ctx, NULL, "at least one taint update is required");
	else
		code = each_node(ctx, first, taint_one, &(struct taints){.items = taints, .n = n});
	for (size_t i = 0; i < n; i++)
		taint_finish(&taints[i]);
	free(taints);
	return code;
}

static const enum kt_completion NODES[] = {KT_COMPLETE_NODE, KT_COMPLETE_NONE};

#define NODE_COMMAND(word, how, text, opts) \
	const struct kt_command kt_command_##word = { \
	        .name = #word, \
	        .group = "Cluster", \
	        .usage = #word " " how, \
	        .summary = text, \
	        .options = opts, \
	        .arguments = NODES, \
	        .needs_client = true, \
	        .run = run_##word, \
	};

NODE_COMMAND(cordon, "NODE…", "Let no new pods come to a node", CORDON_OPTIONS)
NODE_COMMAND(uncordon, "NODE…", "Let pods come to a node again", CORDON_OPTIONS)
NODE_COMMAND(drain, "NODE… [--ignore-daemonsets] [--force]", "Move all pods away from a node",
        DRAIN_OPTIONS)
NODE_COMMAND(taint, "NODE… KEY[=VALUE]:EFFECT… KEY[:EFFECT]-…", "Set or remove taints of nodes",
        TAINT_OPTIONS)
