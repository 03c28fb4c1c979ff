/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/asking.h"

#include "tui/fetch.h"
#include "tui/view/output.h"
#include "tui/widget/dialog.h"

#include "base/yaml.h"

enum { DELETE_LINES_MAX = 6 };

static const char *const PROPAGATION[] = {"Background", "Foreground", "Orphan", NULL};

/* Questions about a line */

static void append_delete(struct kt_ui *ui, struct kt_str *line)
{
	const char *choice = kt_dialog_choice(ui, 0);

	kt_str_printf(line, " --cascade=%s",
	        *choice == 'F'   ? "foreground"
	        : *choice == 'O' ? "orphan"
	                         : "background");
	if (kt_dialog_ticked(ui, 1))
		kt_str_puts(line, " --force --grace-period=0");
	kt_str_puts(line, " --wait=false");
}

static void do_delete(struct kt_ui *ui, void *arg)
{
	kt_auto_str line = KT_STR_INIT;

	kt_str_puts(&line, arg);
	append_delete(ui, &line);
	kt_ui_run_quiet(ui, kt_str_text(&line));
	struct kt_view *view = kt_ui_top(ui);

	if (view->ops->verb)
		view->ops->verb(view, "mark", "clear");
}

static void do_scale(struct kt_ui *ui, void *arg)
{
	kt_auto_free char *line =
	        kt_asprintf("%s --replicas=%s", (const char *)arg, kt_dialog_text(ui, 0));

	kt_ui_run_quiet(ui, line);
}

static void do_drain(struct kt_ui *ui, void *arg)
{
	kt_auto_str line = KT_STR_INIT;

	kt_str_printf(&line, "%s --grace-period=%s", (const char *)arg, kt_dialog_text(ui, 0));
	if (kt_dialog_ticked(ui, 1))
		kt_str_puts(&line, " --ignore-daemonsets");
	if (kt_dialog_ticked(ui, 2))
		kt_str_puts(&line, " --delete-emptydir-data");
	if (kt_dialog_ticked(ui, 3))
		kt_str_puts(&line, " --force");
	if (kt_dialog_ticked(ui, 4))
		kt_str_puts(&line, " --disable-eviction");
	kt_ui_push(ui, kt_output_view_create(
	                       ui, &(struct kt_output_view_options){.line = kt_str_text(&line),
	                                   .title = kt_str_text(&line),
	                                   .crumb = "drain",
	                                   .highlight = KT_PLAIN}));
}

static void do_line(struct kt_ui *ui, void *arg)
{
	kt_ui_run_quiet(ui, arg);
}

static void do_apply(struct kt_ui *ui, void *arg)
{
	kt_auto_free char *line = kt_asprintf("apply -f '%s'%s", kt_dialog_text(ui, 0),
	        kt_dialog_ticked(ui, 1) ? " --server-side" : "");

	(void)arg;
	if (*kt_dialog_text(ui, 0))
		kt_ui_run_quiet(ui, line);
}

static void ask(struct kt_ui *ui, const char *title, const char *text, const struct kt_ask *asks,
        size_t n, void (*done)(struct kt_ui *, void *), const char *line)
{
	kt_dialog_open(ui, &(struct kt_dialog_options){.title = title,
	                           .text = text,
	                           .asks = asks,
	                           .n_asks = n,
	                           .careful = !n || done == do_delete,
	                           .done = done,
	                           .arg = kt_strdup(line),
	                           .free_arg = free});
}

/* What is deleted: as typed when it is little, else each on a line as far as they fit. */
static char *delete_text(const char *argument)
{
	kt_auto_str names = KT_STR_INIT;
	struct kt_sv rest = kt_sv_of(argument), word;
	const char *where = ""; /* "-n default": its options */
	size_t n = 0;

	while (!*where && kt_sv_split(&rest, ' ', &word)) {
		if (!word.len)
			continue;
		if (*word.p == '-') {
			where = word.p;
			continue;
		}
		if (n++ < DELETE_LINES_MAX)
			kt_str_printf(&names, "\n  %.*s", (int)word.len, word.p);
	}
	if (n <= 2)
		return kt_asprintf("Delete %s ?", argument);
	if (n > DELETE_LINES_MAX)
		kt_str_printf(&names, "\n  and %zu more", n - DELETE_LINES_MAX);
	return kt_asprintf(
	        "Delete these %zu%s%s ?%s", n, *where ? " " : "", where, kt_str_text(&names));
}

static void ask_delete(struct kt_ui *ui, const char *line, const char *argument)
{
	static const struct kt_ask asks[] = {
	        {.label = "Propagation:", .kind = KT_ASK_CHOICE, .choices = PROPAGATION},
	        {.label = "Force:", .kind = KT_ASK_TICK}};
	kt_auto_free char *text = delete_text(argument);

	ask(ui, "Delete", text, asks, 2, do_delete, line);
}

static void ask_drain(struct kt_ui *ui, const char *line, const char *argument)
{
	static const struct kt_ask asks[] = {
	        {.label = "Grace period (s):", .kind = KT_ASK_TEXT, .text = "-1"},
	        {.label = "Ignore DaemonSets:", .kind = KT_ASK_TICK, .ticked = true},
	        {.label = "Delete emptyDir data:", .kind = KT_ASK_TICK},
	        {.label = "Force:", .kind = KT_ASK_TICK},
	        {.label = "Disable eviction:", .kind = KT_ASK_TICK}};
	kt_auto_free char *text = kt_asprintf("Drain %s ?", argument);

	ask(ui, "Drain", text, asks, 5, do_drain, line);
}

static void on_scale_known(struct kt_ui *ui, void *arg, json_t *object, struct kt_err *err)
{
	char replicas[24] = "1";

	if (object)
		snprintf(replicas, sizeof(replicas), "%lld",
		        (long long)kt_jint(object, "spec.replicas", 1));
	else
		kt_ui_flash(ui, KT_FLASH_WARN, "%s", kt_err_message(err));
	const struct kt_ask field[] = {
	        {.label = "Replicas:", .kind = KT_ASK_TEXT, .text = replicas}};

	ask(ui, "Scale", arg, field, 1, do_scale, arg);
}

bool kt_ask_before(struct kt_ui *ui, const char *command, const char *line, const char *argument)
{
	static const struct kt_ask file[] = {
	        {.label = "File or folder:", .kind = KT_ASK_TEXT, .text = ""},
	        {.label = "Server-side:", .kind = KT_ASK_TICK}};

	if (!strcmp(command, "delete") && !strstr(line, "--cascade") &&
	        !strstr(line, "--grace-period")) {
		ask_delete(ui, line, argument);
	} else if (!strcmp(command, "drain") && !strstr(line, "--")) {
		ask_drain(ui, line, argument);
	} else if (!strcmp(command, "scale") && !strstr(line, "--replicas")) {
		kt_auto_free char *path = kt_target_path_of(ui, argument, NULL);

		if (path)
			kt_fetch(ui, path, on_scale_known, kt_strdup(line), free);
	} else if (!strcmp(command, "apply") && !*argument) {
		ask(ui, "Apply", "", file, 2, do_apply, line);
	} else if (!strcmp(command, "rollout") && ui->of_key) {
		ask(ui, "Rollout", line, NULL, 0, do_line, line);
	} else if (!strcmp(command, "cordon") && ui->of_key) {
		ask(ui, "Cordon", line, NULL, 0, do_line, line);
	} else {
		return false;
	}
	return true;
}

/* Targets */

char *kt_target_path_of(
        struct kt_ui *ui, const char *argument, const struct kt_resource **ret_resource)
{
	kt_auto_free char *target = kt_strndup(argument, strcspn(argument, " "));
	char *slash = strchr(target, '/'), *name = slash ? slash + 1 : NULL;
	const char *namespace = strstr(argument, "-n ");
	kt_auto_free char *ns = NULL, *second = NULL;

	if (slash) {
		*slash = '\0';
	} else { /* "pod web" */
		const char *rest =
		        argument + strlen(target) + strspn(argument + strlen(target), " ");

		second = kt_strndup(rest, strcspn(rest, " "));
		name = second;
	}
	const struct kt_resource *resource = kt_ui_resource(ui, target);

	if (namespace) {
		namespace += 3;
		ns = kt_strndup(namespace, strcspn(namespace, " "));
	} else {
		ns = kt_strdup(*ui->namespace ? ui->namespace : "default");
	}
	if (!resource || !*name || *name == '-') {
		kt_ui_flash(ui, KT_FLASH_ERROR, "%s \"%s\"%s",
		        resource ? "say TYPE/NAME: which"
		                 : "the server doesn't have a resource type",
		        target, resource ? "?" : "");
		return NULL;
	}
	if (ret_resource)
		*ret_resource = resource;
	return kt_resource_path(resource, resource->namespaced ? ns : NULL, name, NULL);
}

static void with_object(struct kt_ui *ui, const char *argument, kt_fetched_fn *fn)
{
	kt_auto_free char *path = kt_target_path_of(ui, argument, NULL);

	if (path)
		kt_fetch(ui, path, fn, kt_strdup(argument), free);
}

/* Image */

struct image {
	char *argument;
	char *names[KT_DIALOG_FIELDS_MAX];
	size_t n;
};

static void free_image(void *arg)
{
	struct image *image = arg;

	for (size_t i = 0; i < image->n; i++)
		free(image->names[i]);
	free(image->argument);
	free(image);
}

static void do_image(struct kt_ui *ui, void *arg)
{
	const struct image *image = arg;
	kt_auto_json json_t *containers = json_array();
	kt_auto_str text = KT_STR_INIT;

	for (size_t i = 0; i < image->n; i++)
		json_array_append_new(containers, json_pack("{s:s, s:s}", "name", image->names[i],
		                                          "image", kt_dialog_text(ui, i)));
	kt_auto_json json_t *patch = json_pack(
	        "{s:{s:{s:{s:O}}}}", "spec", "template", "spec", "containers", containers);

	kt_json_write(&text, patch, 0);
	kt_auto_free char *line =
	        kt_asprintf("patch %s -p '%s'", image->argument, kt_str_text(&text));

	kt_ui_run_quiet(ui, line);
}

static void on_images(struct kt_ui *ui, void *arg, json_t *object, struct kt_err *err)
{
	struct kt_ask asks[KT_DIALOG_FIELDS_MAX] = {0};
	struct image *image;
	const json_t *container;
	size_t i;

	if (!object) {
		kt_ui_flash(ui, KT_FLASH_ERROR, "%s", kt_err_message(err));
		return;
	}
	image = kt_new(struct image);
	image->argument = kt_strdup(arg);
	json_array_foreach(kt_jget(object, "spec.template.spec.containers"), i, container) {
		if (image->n == KT_DIALOG_FIELDS_MAX || !kt_jstr(container, "name"))
			break;
		image->names[image->n] = kt_strdup(kt_jstr(container, "name"));
		asks[image->n] = (struct kt_ask){.label = image->names[image->n],
		        .kind = KT_ASK_TEXT,
		        .text = kt_jstr(container, "image")};
		image->n++;
	}
	kt_dialog_open(ui, &(struct kt_dialog_options){.title = "Set Image",
	                           .text = arg,
	                           .asks = asks,
	                           .n_asks = image->n,
	                           .done = do_image,
	                           .arg = image,
	                           .free_arg = free_image});
}

void kt_ask_image(struct kt_ui *ui, const char *argument)
{
	with_object(ui, argument, on_images);
}

/* Cron jobs, replica sets */

void kt_ask_trigger(struct kt_ui *ui, const char *argument)
{
	const char *slash = strchr(argument, '/');
	kt_auto_free char *name = kt_strndup(
	        slash ? slash + 1 : argument, strcspn(slash ? slash + 1 : argument, " "));
	const char *ns = strstr(argument, "-n ");
	kt_auto_free char *line = kt_asprintf("create job %.40s-manual-%05x --from=cronjob/%s %s",
	        name, kt_loop_random_below(ui->loop, 0x100000), name, ns ? ns : "");

	ask(ui, "Trigger", line, NULL, 0, do_line, line);
}

static void on_cron_job(struct kt_ui *ui, void *arg, json_t *object, struct kt_err *err)
{
	bool suspended = kt_jbool(object, "spec.suspend", false);

	if (!object) {
		kt_ui_flash(ui, KT_FLASH_ERROR, "%s", kt_err_message(err));
		return;
	}
	kt_auto_free char *line =
	        kt_asprintf("patch %s --type=merge -p '{\"spec\":{\"suspend\":%s}}'",
	                (const char *)arg, suspended ? "false" : "true");

	ask(ui, suspended ? "Resume" : "Suspend", line, NULL, 0, do_line, line);
}

void kt_ask_suspend(struct kt_ui *ui, const char *argument)
{
	with_object(ui, argument, on_cron_job);
}

static void on_replica_set(struct kt_ui *ui, void *arg, json_t *object, struct kt_err *err)
{
	const json_t *annotations = kt_jget(object, "metadata.annotations"), *owner;
	const char *revision = json_string_value(
	                   json_object_get(annotations, "deployment.kubernetes.io/revision")),
	           *name = NULL;
	const char *ns = strstr(arg, "-n ");
	size_t i;

	json_array_foreach(kt_jget(object, "metadata.ownerReferences"), i, owner)
		if (kt_jbool(owner, "controller", false) &&
		        kt_streq(kt_jstr(owner, "kind"), "Deployment"))
			name = kt_jstr(owner, "name");
	if (!object || !revision || !name) {
		kt_ui_flash(ui, KT_FLASH_ERROR, "%s",
		        object ? "no Deployment's revision" : kt_err_message(err));
		return;
	}
	kt_auto_free char *line = kt_asprintf(
	        "rollout undo deployment/%s --to-revision=%s %s", name, revision, ns ? ns : "");

	ask(ui, "Rollback", line, NULL, 0, do_line, line);
}

void kt_ask_rollback(struct kt_ui *ui, const char *argument)
{
	with_object(ui, argument, on_replica_set);
}

/* Secrets */

static void on_secret(struct kt_ui *ui, void *arg, json_t *object, struct kt_err *err)
{
	kt_auto_json json_t *clear = json_object();
	kt_auto_str text = KT_STR_INIT;
	const char *key;
	json_t *value;

	if (!object) {
		kt_ui_flash(ui, KT_FLASH_ERROR, "%s", kt_err_message(err));
		return;
	}
	json_object_foreach(json_object_get(object, "data"), key, value) {
		kt_auto_str decoded = KT_STR_INIT;

		if (json_string_value(value) &&
		        kt_base64_decode(&decoded, kt_sv_of(json_string_value(value))) == 0 &&
		        kt_utf8_valid(kt_str_text(&decoded), decoded.len) &&
		        !memchr(kt_str_text(&decoded), 0, decoded.len))
			json_object_set_new(
			        clear, key, json_stringn(kt_str_text(&decoded), decoded.len));
		else
			json_object_set(clear, key, value);
	}
	kt_yaml_write(&text, clear);
	kt_auto_free char *title =
	        kt_asprintf("Decoded(%.*s)", (int)strcspn(arg, " "), (const char *)arg);

	kt_ui_push(ui, kt_text_view_create(ui, title, "decoded",
	                       (struct kt_sv){kt_str_text(&text), text.len}, KT_YAML));
}

void kt_decode_open(struct kt_ui *ui, const char *argument)
{
	with_object(ui, argument, on_secret);
}
