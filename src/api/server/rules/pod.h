/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Pod specs, wherever they stand: in pods and in the templates of workloads. Validated once here,
 * used everywhere. One file per topic: pod_containers.c, pod_probes.c, pod_env.c, pod_resources.c,
 * pod_volumes.c, pod_security.c, pod_affinity.c, pod_scheduling.c; pod_spec.c calls them in
 * upstream's order, pod_update.c holds what may change.
 */
#ifndef KT_API_SERVER_RULES_POD_H
#define KT_API_SERVER_RULES_POD_H

#include "api/server/rules/check.h"
#include "api/server/rules/names.h"

/* A pod spec under validation. */
struct kt_pod {
	struct kt_rule_context *c;
	const struct kt_at *spec;
	const json_t *meta; /* metadata of the pod or of the template */
	const json_t
	        *old_spec; /* the stored one on an update; tolerated mistakes are looked up there */
	bool is_pod;       /* not a template */
	bool host_network, host_users;
	int64_t grace_seconds;
	const char *restart_policy;
	struct kt_names volumes; /* those without a mistake: only they can be mounted */
};

/* Defaults that depend on other fields; object is the pod spec. Templates get fewer than pods. */
void kt_pod_spec_default(json_t *spec);
void kt_pod_default(struct kt_rule_context *c, json_t *pod);
/* "Guaranteed", "Burstable" or "BestEffort". */
const char *kt_pod_qos(const json_t *spec);

/* pod_spec.c */
void kt_check_pod_spec(struct kt_rule_context *c, const struct kt_at *spec, const json_t *meta,
        const json_t *old_spec, bool is_pod);
/* Labels, annotations and spec of a template (workloads, PodTemplate). */
void kt_check_pod_template(
        struct kt_rule_context *c, const struct kt_at *template, const json_t *old_template);
void kt_check_pod_annotations(
        struct kt_rule_context *c, const struct kt_at *annotations, const struct kt_at *spec);

/* The parts, in the order in which they are called. */
void kt_check_pod_volumes(struct kt_pod *pod);
void kt_check_pod_resource_claims(struct kt_pod *pod);
void kt_check_pod_containers(struct kt_pod *pod);
void kt_check_pod_resources(struct kt_pod *pod);
void kt_check_pod_security(struct kt_pod *pod);
void kt_check_pod_affinity(struct kt_pod *pod);
void kt_check_pod_dns(struct kt_pod *pod);
void kt_check_pod_gates(struct kt_pod *pod);
void kt_check_pod_spread(struct kt_pod *pod);
void kt_check_pod_windows(struct kt_pod *pod);
void kt_check_pod_os(struct kt_pod *pod);

/* Of one container. */
void kt_check_container_ports(struct kt_pod *pod, const struct kt_at *ports);
void kt_check_container_env(struct kt_pod *pod, const struct kt_at *container);
void kt_check_container_mounts(struct kt_pod *pod, const struct kt_at *container);
void kt_check_container_resources(struct kt_pod *pod, const struct kt_at *resources);
void kt_check_container_security(struct kt_pod *pod, const struct kt_at *security);
void kt_check_probes(struct kt_pod *pod, const struct kt_at *container);
void kt_check_lifecycle(struct kt_pod *pod, const struct kt_at *lifecycle);

/* Shared with others. */
void kt_check_tolerations(struct kt_rule_context *c, const struct kt_at *tolerations);
void kt_check_node_selector(struct kt_rule_context *c, const struct kt_at *selector);
void kt_check_node_selector_term(struct kt_rule_context *c, const struct kt_at *term);
void kt_check_label_selector(struct kt_rule_context *c, const struct kt_at *selector);
void kt_check_field_ref(
        struct kt_rule_context *c, const struct kt_at *ref, const char *const *supported);
void kt_check_resource_field_ref(
        struct kt_rule_context *c, const struct kt_at *ref, bool needs_container);
void kt_check_descending_path(struct kt_rule_context *c, const struct kt_at *at);
void kt_check_no_backsteps(struct kt_rule_context *c, const struct kt_at *at);

/* pod_update.c */
void kt_check_pod_update(struct kt_rule_context *c, const json_t *pod, const json_t *old);
void kt_check_pod_status_update(struct kt_rule_context *c, const json_t *pod, const json_t *old);
void kt_check_pod_resize(struct kt_rule_context *c, const json_t *pod, const json_t *old);
void kt_check_pod_debug_update(struct kt_rule_context *c, const json_t *pod, const json_t *old);

/* pod_warnings.c */
void kt_pod_warn(struct kt_rule_context *c, const struct kt_at *spec, const json_t *meta,
        const json_t *old_spec, bool is_pod);
/* Of a new object whose pods are called after it. */
void kt_pod_names_warn(struct kt_rule_context *c, const json_t *object);
void kt_pod_template_warn(
        struct kt_rule_context *c, const struct kt_at *template, const json_t *old_template);

/* AppArmor profiles that stand in annotations: into the fields of the containers where those say
 * nothing; and what is wrong with the annotations. */
void kt_pod_take_apparmor(json_t *pod);
void kt_check_apparmor_annotations(
        struct kt_rule_context *c, const struct kt_at *annotations, const struct kt_at *spec);

/* Files of one volume that hide one another, and projected sources that are none. */
void kt_pod_warn_overlaps(struct kt_rule_context *c, const json_t *volume);

#endif
