/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/view/containers.h"

#include "tui/pod_parts.h"
#include "tui/view/list.h"

static const json_t *status_of(const json_t *pod, const char *list, const char *name)
{
	kt_auto_free char *path = kt_asprintf("status.%s", list);
	const json_t *status;
	size_t i;

	json_array_foreach(kt_jget(pod, path), i, status)
		if (kt_streq(kt_jstr(status, "name"), name))
			return status;
	return NULL;
}

static void add(struct kt_view *view, const json_t *pod, const char *list, const char *statuses,
        const char *sign)
{
	kt_auto_free char *path = kt_asprintf("spec.%s", list);
	const json_t *container, *port;
	size_t i, k;

	json_array_foreach(kt_jget(pod, path), i, container) {
		const char *name = kt_jstr(container, "name");
		const json_t *status = status_of(pod, statuses, name);
		kt_auto_str ports = KT_STR_INIT;
		enum kt_row_state state;
		const char *text = kt_container_state(status, &state);

		json_array_foreach(json_object_get(container, "ports"), k, port)
			kt_str_printf(&ports, "%s%lld/%s", k ? "," : "",
			        (long long)kt_jint(port, "containerPort", 0),
			        kt_jstr(port, "protocol") ? kt_jstr(port, "protocol") : "TCP");
		kt_auto_free char *index = kt_asprintf("%s%zu", sign, i + 1);
		kt_auto_free char *restarts =
		        kt_asprintf("%lld", (long long)kt_jint(status, "restartCount", 0));
		const char *cells[] = {name, index, kt_jstr(container, "image"),
		        kt_jbool(status, "ready", false) ? "true" : "false", text, restarts,
		        kt_jget(container, "livenessProbe") ? "on" : "off",
		        kt_jget(container, "readinessProbe") ? "on" : "off", kt_str_text(&ports)};

		if (name)
			kt_list_view_add(view, name, cells, state);
	}
}

struct kt_view *kt_containers_view_create(struct kt_ui *ui, const json_t *pod)
{
	static const char *const columns[] = {"Name", "Idx", "Image", "Ready", "State", "Restarts",
	        "Live", "Readiness", "Ports", NULL};
	const char *name = kt_jstr(pod, "metadata.name"),
	           *namespace = kt_jstr(pod, "metadata.namespace");
	kt_auto_free char *title = kt_asprintf("Containers(%s/%s)", namespace, name);
	kt_auto_free char *enter = kt_asprintf("logs -f pod/%s -c {name} -n %s", name, namespace);
	kt_auto_free char *target = kt_asprintf("pod/%s", name),
	                  *ns = kt_asprintf("-n %s", namespace);
	struct kt_view *view =
	        kt_list_view_create(ui, &(struct kt_list_view_options){.title = title,
	                                        .crumb = "containers",
	                                        .context = KT_IN_CONTAINERS,
	                                        .columns = columns,
	                                        .enter = enter,
	                                        .target = target,
	                                        .ns = ns});

	add(view, pod, "initContainers", "initContainerStatuses", "i");
	add(view, pod, "containers", "containerStatuses", "");
	add(view, pod, "ephemeralContainers", "ephemeralContainerStatuses", "e");
	return view;
}
