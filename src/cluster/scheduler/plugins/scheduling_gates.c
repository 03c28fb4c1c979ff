/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SchedulingGates: a pod with gates does not queue (KEP-3521). */
#include "cluster/scheduler/plugin.h"

#include "api/client/sections.h"

static enum kt_plugin_code pre_enqueue(
        const struct kt_object *pod, struct kt_arena *arena, const char **ret_reason)
{
	struct kt_json_at list = kt_object_field(pod, KT_SECTION_SPEC, "schedulingGates"), item;
	struct kt_json_iter it = {0};
	kt_auto_str out = KT_STR_INIT;
	size_t n = 0;

	while (list.p && kt_json_next_element(list, &it, &item)) {
		struct kt_sv name = {0};

		kt_json_string_sv(kt_json_member(item, "name"), &name);
		kt_str_printf(&out, "%s%.*s", n++ ? " " : "", (int)name.len, name.p);
	}
	if (!n)
		return KT_PLUGIN_OK;
	*ret_reason =
	        kt_arena_printf(arena, "waiting for scheduling gates: [%s]", kt_str_text(&out));
	return KT_PLUGIN_UNRESOLVABLE;
}

const struct kt_plugin kt_plugin_scheduling_gates = {
        .name = "SchedulingGates",
        .pre_enqueue = pre_enqueue,
};
