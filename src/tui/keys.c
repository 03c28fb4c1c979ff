/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lint: table. Keys of the UI; the functions behind them look them up. */
#include "tui/keys.h"

#define CTRL(c) (KT_KEY_CTRL | (c))
#define W KT_BINDING_WRITES
#define M KT_BINDING_MENU

/* clang-format off: one binding, one line */
static const char WORKLOADS[] =
        "deployments statefulsets daemonsets replicasets jobs services pods";
static const char ROLLED[] = "deployments statefulsets daemonsets";
static const char NAMED_BY_PODS[] = "configmaps secrets persistentvolumeclaims serviceaccounts";

const struct kt_binding kt_bindings[] = {
        /* kinds with keys of their own come first */
        {KT_IN_RESOURCE, WORKLOADS, 'l', "logs -f {target} {ns}", "Logs", "Resource", M},
        {KT_IN_RESOURCE, WORKLOADS, 'p', "logs --previous {target} {ns}", "Logs Previous",
                "Resource", M},
        {KT_IN_RESOURCE, "pods", CTRL('k'), "delete {targets} {ns} --grace-period=0 --force",
                "Kill", "Resource", W | M},
        {KT_IN_RESOURCE, "pods", 's', "shell {target} {ns}", "Shell", "Resource", W | M},
        {KT_IN_RESOURCE, "pods", 'a', "attach-to {target} {ns}", "Attach", "Resource", W | M},
        {KT_IN_RESOURCE, "pods services", 'F', "prompt port-forward {target} {ns}", "Port Forward",
                "Resource", W},
        {KT_IN_RESOURCE, "pods", 'o', "nodes /^{node}$", "Show Node", "Resource", M},
        {KT_IN_RESOURCE, "pods", 'z',
                "delete pods "
                "--field-selector=status.phase!=Pending,status.phase!=Running,status.phase!="
                "Unknown {where}",
                "Sanitize", "Resource", W},
        {KT_IN_RESOURCE, NULL, 's', "scale {target} {ns}", "Scale", "Resource",
                W | M | KT_BINDING_SCALES},
        {KT_IN_RESOURCE, ROLLED, 'r', "rollout restart {targets} {ns}", "Restart", "Resource",
                W | M},
        {KT_IN_RESOURCE, ROLLED, CTRL('l'), "rollout undo {target} {ns}", "Rollout Undo",
                "Resource", W | M},
        {KT_IN_RESOURCE, ROLLED, 'H', "rollout history {target} {ns}", "Rollout History",
                "Resource", 0},
        {KT_IN_RESOURCE, "deployments", 'z', "owned replicasets {row}", "ReplicaSets", "Resource",
                M},
        {KT_IN_RESOURCE, "replicasets", CTRL('l'), "rollback {target} {ns}", "Rollback", "Resource",
                W | M},
        {KT_IN_RESOURCE, ROLLED, 'i', "image {target} {ns}", "Set Image", "Resource", W | M},
        {KT_IN_RESOURCE, "cronjobs", 't', "trigger {target} {ns}", "Trigger", "Resource", W | M},
        {KT_IN_RESOURCE, "cronjobs", 's', "suspend {target} {ns}", "Suspend/Resume", "Resource",
                W | M},
        {KT_IN_RESOURCE, "nodes", 'c', "cordon {names}", "Cordon", "Resource", W | M},
        {KT_IN_RESOURCE, "nodes", 'u', "uncordon {names}", "Uncordon", "Resource", W | M},
        {KT_IN_RESOURCE, "nodes", 'r', "drain {names}", "Drain", "Resource", W | M},
        {KT_IN_RESOURCE, "namespaces", 'u', "ns {name}", "Use", "Resource", M},
        {KT_IN_RESOURCE, "secrets", 'x', "decode {target} {ns}", "Decode", "Resource", M},
        {KT_IN_RESOURCE, NAMED_BY_PODS, 'u', "xray pods {namespace} /{target}\\b", "Used By",
                "Resource", 0},
        {KT_IN_CONTEXTS, NULL, KT_KEY_ENTER, "ctx {name}", "Switch", "Resource", M},
        {KT_IN_CONTAINERS, NULL, 'l', "logs -f {target} -c {name} {ns}", "Logs", "Resource", M},
        {KT_IN_CONTAINERS, NULL, 'p', "logs --previous {target} -c {name} {ns}", "Logs Previous",
                "Resource", M},
        {KT_IN_CONTAINERS, NULL, 's', "shell {target} -c {name} {ns}", "Shell", "Resource", W | M},
        {KT_IN_CONTAINERS, NULL, 'a', "attach-to {target} -c {name} {ns}", "Attach", "Resource",
                W | M},
        {KT_IN_CONTAINERS, NULL, 'd', "describe {target} {ns}", "Describe Pod", "Resource", M},
        {KT_IN_CONTAINERS, NULL, 'y', "yaml {target} {ns}", "YAML Of Pod", "Resource", M},
        {KT_IN_CONTAINERS, NULL, 'c', "copy name", "Copy Name", "Resource", 0},
        {KT_IN_FOLDER, NULL, 'y', "dir {name}", "View", "Resource", M},
        {KT_IN_FOLDER, NULL, 'e', "edit-file {name}", "Edit", "Resource", M},
        {KT_IN_FOLDER, NULL, 'D', "diff -f {name}", "Diff", "Resource", M},
        {KT_IN_FOLDER, NULL, 'a', "prompt apply -f {name}", "Apply", "Resource", W | M},
        {KT_IN_FOLDER, NULL, CTRL('d'), "prompt delete -f {name}", "Delete What Is In It",
                "Resource", W | M},
        {KT_IN_XRAY, NULL, ' ', "toggle", "Open/Close", "Resource", M},
        {KT_IN_XRAY, NULL, 'x', "toggle-all", "Open/Close All", "Resource", M},
        {KT_IN_RESOURCE, NULL, KT_KEY_ENTER, "enter {row}", "View", "Resource", 0},
        {KT_IN_RESOURCE, NULL, 'd', "describe {target} {ns}", "Describe", "Resource", M},
        {KT_IN_RESOURCE, NULL, 'y', "yaml {target} {ns}", "YAML", "Resource", M},
        {KT_IN_RESOURCE, NULL, 'e', "edit {target} {ns}", "Edit", "Resource", W | M},
        {KT_IN_RESOURCE, NULL, 'E', "events --for {target} {ns}", "Events", "Resource", M},
        {KT_IN_RESOURCE, NULL, CTRL('d'), "delete {targets} {ns}", "Delete", "Resource", W | M},
        {KT_IN_RESOURCE, NULL, 'J', "owner {row}", "Jump Owner", "Resource", M},
        {KT_IN_RESOURCE, NULL, 'w', "warp {namespace}", "Warp To Namespace", "Resource", 0},
        {KT_IN_RESOURCE, NULL, 'c', "copy name", "Copy Name", "Resource", 0},
        {KT_IN_RESOURCE, NULL, 'n', "copy namespace", "Copy Namespace", "Resource", 0},
        {KT_IN_RESOURCE, NULL, 'a', "prompt apply -f", "Apply A File", "Resource", W},

        {KT_IN_TABLE, NULL, ' ', "mark", "Mark", "General", 0},
        {KT_IN_TABLE, NULL, CTRL(' '), "mark range", "Mark Range", "General", 0},
        {KT_IN_TABLE, NULL, CTRL('\\'), "mark clear", "Marks Off", "General", 0},
        {KT_IN_TABLE, NULL, CTRL('w'), "wide", "Wide Columns", "General", 0},
        {KT_IN_TABLE, NULL, CTRL('z'), "faults", "Faults Only", "General", 0},
        {KT_IN_TABLE, NULL, CTRL('s'), "save", "Save", "General", 0},
        {KT_IN_TABLE, NULL, 'N', "sort Name", "Sort Name", "General", 0},
        {KT_IN_TABLE, NULL, 'A', "sort Age", "Sort Age", "General", 0},
        {KT_IN_TABLE, NULL, 'S', "sort Status", "Sort Status", "General", 0},
        {KT_IN_TABLE, NULL, 'P', "sort Namespace", "Sort Namespace", "General", 0},
        {KT_IN_TABLE, NULL, 'O', "sort", "Sort Picked Column", "General", 0},

        {KT_IN_EDIT, NULL, CTRL('s'), "save", "Check and Save", "Editor", M},
        {KT_IN_EDIT, NULL, CTRL('e'), "editor", "$EDITOR", "Editor", M},
        {KT_IN_EDIT, NULL, CTRL('f'), "find", "Find", "Editor", M},
        {KT_IN_EDIT, NULL, CTRL('n'), "next", "Next Hit", "Editor", 0},
        {KT_IN_EDIT, NULL, CTRL('r'), "substitute", "Replace", "Editor", M},
        {KT_IN_EDIT, NULL, CTRL('z'), "undo", "Undo", "Editor", M},
        {KT_IN_EDIT, NULL, CTRL('y'), "redo", "Redo", "Editor", M},
        {KT_IN_EDIT, NULL, KT_KEY_TAB, "complete", "Complete", "Editor", M},
        {KT_IN_EDIT, NULL, KT_KEY_F1 + 1, "take mine", "Take Yours", "Editor", M},
        {KT_IN_EDIT, NULL, KT_KEY_F1 + 2, "take theirs", "Take Theirs", "Editor", M},
        {KT_IN_EDIT, NULL, CTRL(' '), "complete", NULL, "Editor", 0},
        /* the editor takes these itself, they lead nowhere else */
        {KT_IN_EDIT, NULL, CTRL('a'), "", "Begin Of Line", "Editor", 0},
        {KT_IN_EDIT, NULL, CTRL('x'), "", "Cut The Line Or What Is Selected", "Editor", 0},
        {KT_IN_EDIT, NULL, CTRL('k'), "", NULL, "Editor", 0},
        {KT_IN_EDIT, NULL, CTRL('v'), "", "Put It In", "Editor", 0},
        {KT_IN_EDIT, NULL, CTRL('u'), "", NULL, "Editor", 0},
        {KT_IN_EDIT, NULL, CTRL('d'), "", NULL, "Editor", 0},
        {KT_IN_EDIT, NULL, CTRL('c'), "back", "Copy What Is Selected, Or Leave", "Editor", 0},
        {KT_IN_EDIT, NULL, CTRL('q'), "back", "Leave", "Editor", M},
        {KT_IN_DIFF, NULL, KT_KEY_ENTER, "confirm", "Apply", "Diff", W | M},
        {KT_IN_DIFF, NULL, 'e', "back", "Back to the Editor", "Diff", M},
        {KT_IN_DIFF, NULL, 'q', "back", NULL, "Diff", 0},

        {KT_IN_LOG, NULL, '0', "since tail", "Tail", "Logs", M},
        {KT_IN_LOG, NULL, '1', "since head", "Head", "Logs", M},
        {KT_IN_LOG, NULL, '2', "since 1m", "1m", "Logs", M},
        {KT_IN_LOG, NULL, '3', "since 5m", "5m", "Logs", M},
        {KT_IN_LOG, NULL, '4', "since 15m", "15m", "Logs", M},
        {KT_IN_LOG, NULL, '5', "since 30m", "30m", "Logs", 0},
        {KT_IN_LOG, NULL, '6', "since 1h", "1h", "Logs", 0},
        {KT_IN_LOG, NULL, 's', "autoscroll", "Autoscroll", "Logs", M},
        {KT_IN_LOG, NULL, 't', "timestamps", "Timestamps", "Logs", M},
        {KT_IN_LOG, NULL, 'a', "allcontainers", "All Containers", "Logs", M},
        {KT_IN_LOG, NULL, 'c', "container", "Container", "Logs", M},
        {KT_IN_LOG, NULL, 'p', "previous", "Previous", "Logs", M},
        {KT_IN_LOG, NULL, 'm', "line", "Mark", "Logs", 0},
        {KT_IN_LOG, NULL, 'C', "clear", "Clear", "Logs", 0},
        {KT_IN_YAML, NULL, 'm', "managed", "Managed Fields", "Text", M},
        {KT_IN_YAML, NULL, 'e', "edit {target} {ns}", "Edit", "Text", W | M},
        {KT_IN_YAML, NULL, 'x', "decode {target} {ns}", "Decode", "Text", 0},
        {KT_IN_YAML | KT_IN_TEXT, NULL, 'r', "refresh", "Refresh", "Text", M},
        {KT_IN_TEXT | KT_IN_LOG, NULL, 'w', "wrap", "Wrap", "Text", M},
        {KT_IN_TEXT | KT_IN_LOG, NULL, 'f', "fullscreen", "Full Screen", "Text", M},
        {KT_IN_TEXT | KT_IN_LOG, NULL, 'n', "next", "Next Hit", "Text", 0},
        {KT_IN_TEXT | KT_IN_LOG, NULL, 'N', "previous-hit", "Hit Before", "Text", 0},
        {KT_IN_TEXT | KT_IN_LOG, NULL, CTRL('s'), "save", "Save", "Text", M},
        {KT_IN_TEXT, NULL, 'c', "copy all", "Copy", "Text", 0},

        {KT_IN_ALL, NULL, ':', "prompt", "Command", "General", 0},
        {KT_IN_ALL, NULL, '/', "filter", "Filter", "General", 0},
        {KT_IN_ALL, NULL, '?', "help", "Help", "General", 0}, /* the menu begins with it */
        {KT_IN_ALL, NULL, KT_KEY_F1, "help", NULL, "General", 0},
        {KT_IN_ALL, NULL, KT_KEY_ESC, "back", "Back/Clear", "General", 0},
        {KT_IN_ALL, NULL, 'q', "back", "Back", "General", 0},
        {KT_IN_ALL, NULL, CTRL('a'), "aliases", "Aliases", "General", 0},
        {KT_IN_ALL, NULL, CTRL('c'), "quit", "Quit", "General", 0},
        {KT_IN_ALL, NULL, CTRL('e'), "header", "Header", "General", 0},
        {KT_IN_ALL, NULL, CTRL('g'), "crumbs", "Crumbs", "General", 0},
        {KT_IN_ALL, NULL, CTRL('r'), "redraw", "Redraw", "General", 0},
        {KT_IN_ALL, NULL, CTRL('u'), "filter-clear", "Clear Filter", "General", 0},
        {KT_IN_ALL, NULL, '[', "history back", "History Back", "Navigation", 0},
        {KT_IN_ALL, NULL, ']', "history forward", "History Forward", "Navigation", 0},
        {KT_IN_ALL, NULL, '-', "history last", "Last View", "Navigation", 0},
        {KT_IN_TABLE, NULL, '0', "favourite 0", "All Namespaces", "Namespaces", 0},
        {KT_IN_TABLE, NULL, '1', "favourite 1", NULL, "Namespaces", 0},
        {KT_IN_TABLE, NULL, '2', "favourite 2", NULL, "Namespaces", 0},
        {KT_IN_TABLE, NULL, '3', "favourite 3", NULL, "Namespaces", 0},
        {KT_IN_TABLE, NULL, '4', "favourite 4", NULL, "Namespaces", 0},
        {KT_IN_TABLE, NULL, '5', "favourite 5", NULL, "Namespaces", 0},
        {KT_IN_TABLE, NULL, '6', "favourite 6", NULL, "Namespaces", 0},
        {KT_IN_TABLE, NULL, '7', "favourite 7", NULL, "Namespaces", 0},
        {KT_IN_TABLE, NULL, '8', "favourite 8", NULL, "Namespaces", 0},
        {KT_IN_TABLE, NULL, '9', "favourite 9", NULL, "Namespaces", 0},
        {.line = NULL},
};

/* clang-format on */

/* Whether a blank-separated list has this word. */
static bool has_word(const char *list, const char *word)
{
	struct kt_sv rest = kt_sv_of(list), part;

	while (list && kt_sv_split(&rest, ' ', &part))
		if (kt_sv_is(part, word))
			return true;
	return false;
}

const struct kt_ui_verb *kt_ui_verb_find(const char *word)
{
	for (const struct kt_ui_verb *const *verb = kt_ui_verbs; *verb; verb++)
		if (!strcmp((*verb)->name, word) || has_word((*verb)->aliases, word))
			return *verb;
	return NULL;
}

bool kt_binding_applies(
        const struct kt_ui *ui, const struct kt_view *view, const struct kt_binding *binding)
{
	const struct kt_resource *resource = view->ops->resource ? view->ops->resource(view) : NULL;

	if (!(binding->contexts & (view->ops->context | KT_IN_ALL)))
		return false;
	if (view->ops->types_text && binding->key >= ' ' && binding->key < 0x110000)
		return false;
	if (ui->readonly && binding->flags & KT_BINDING_WRITES)
		return false;
	if (binding->resources && (!resource || !has_word(binding->resources, resource->plural)))
		return false;
	if (binding->flags & KT_BINDING_SCALES &&
	        (!resource || !kt_resource_has_subresource(resource, "scale")))
		return false;
	return true;
}

const struct kt_binding *kt_binding_find(
        const struct kt_ui *ui, const struct kt_view *view, uint32_t key)
{
	for (const struct kt_binding *binding = kt_bindings; binding->line; binding++)
		if (binding->key == key && kt_binding_applies(ui, view, binding))
			return binding;
	return NULL;
}

static const char *special_name(uint32_t key)
{
	static const char *const names[] = {"Enter", "Esc", "Tab", "Shift-Tab", "Backspace",
	        "Delete", "Insert", "Up", "Down", "Left", "Right", "Shift-Up", "Shift-Down",
	        "Shift-Left", "Shift-Right", "Home", "End", "PgUp", "PgDn"};

	return key >= KT_KEY_ENTER && key - KT_KEY_ENTER < KT_ARRAY_SIZE(names)
	               ? names[key - KT_KEY_ENTER]
	               : "?";
}

void kt_key_name(uint32_t key, char ret_name[32])
{
	uint32_t base = key & ~(uint32_t)(KT_KEY_CTRL | KT_KEY_ALT);
	const char *prefix = key & KT_KEY_CTRL ? "Ctrl-" : key & KT_KEY_ALT ? "Alt-" : "";

	if (base >= KT_KEY_F1 && base <= KT_KEY_F12)
		snprintf(ret_name, 32, "%sF%u", prefix, (unsigned)(base - KT_KEY_F1 + 1));
	else if (base >= KT_KEY_ENTER)
		snprintf(ret_name, 32, "%s%s", prefix, special_name(base));
	else if (base == ' ')
		snprintf(ret_name, 32, "%sSpace", prefix);
	else if (base >= 'A' && base <= 'Z')
		snprintf(ret_name, 32, "Shift-%c", (char)base);
	else
		snprintf(ret_name, 32, "%s%c", prefix,
		        (char)(*prefix && base >= 'a' && base <= 'z' ? base - 32 : base));
}
