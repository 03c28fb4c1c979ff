/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * describe: an object as a person wants to read it, in the layout of kubectl. describe.c has the
 * verb, what all kinds share and the way of a kind that has none of its own (field by field, so
 * that nothing is hidden); describe_<part>.c have a function per kind, listed in describe_kinds.c.
 *
 * A function writes lines with tabs between label and value; describe_text.h makes columns of them.
 */
#ifndef KT_TUI_COMMAND_DESCRIBE_H
#define KT_TUI_COMMAND_DESCRIBE_H

#include "tui/command/session.h"

struct kt_describer {
	struct kt_command_context *ctx;
	const struct kt_resource *resource;
	struct kt_str text;
	int64_t now_ns; /* Unix time, for ages */
};

typedef void kt_describe_fn(struct kt_describer *d, const json_t *object);

/* The kind's own function; NULL: it has none. */
kt_describe_fn *kt_describe_fn_of(const char *group, const char *kind);

/* Writes; "\t" ends a cell, "\n" the line. */
void kt_describe_put(struct kt_describer *d, const char *fmt, ...)
        __attribute__((format(printf, 2, 3)));
/* "LABEL:\ta=b" and more lines below; <none> when empty. indent stands before every line. */
void kt_describe_labels(
        struct kt_describer *d, const char *indent, const char *label, const json_t *map);
void kt_describe_annotations(
        struct kt_describer *d, const char *indent, const char *label, const json_t *map);
/* Name, Namespace (when it has one), Labels, Annotations. */
void kt_describe_metadata(struct kt_describer *d, const json_t *object);
/* "LABEL:\tMon, 02 Jan 2006 15:04:05 +0000" of a field, nothing when it is absent. */
void kt_describe_time(
        struct kt_describer *d, const char *label, const json_t *object, const char *path);
/* The same text alone, "<unset>" for none. */
#define KT_DESCRIBE_TIME_MAX 48
const char *kt_describe_time_text(const char *rfc3339, char out[KT_DESCRIBE_TIME_MAX]);
/* "Controlled By:\tReplicaSet/x", when it is. */
void kt_describe_controller(struct kt_describer *d, const json_t *object);
/* What happened to the object: the last part. */
void kt_describe_events(struct kt_describer *d, const json_t *object);
/* "Conditions:" with Type, Status, Reason. */
void kt_describe_conditions(struct kt_describer *d, const json_t *object);
/* Any kind. */
void kt_describe_whole(struct kt_describer *d, const json_t *object);
/* "3m" since an RFC 3339 time; "<unknown>". */
const char *kt_describe_age(
        const struct kt_describer *d, const char *rfc3339, char out[KT_DESCRIBE_TIME_MAX]);

/* A text field, "" when absent. */
const char *kt_describe_field(const json_t *object, const char *path);
/* Keys of an object in order; free the array. */
const char **kt_describe_keys(const json_t *map, size_t *ret_n);
/* A number or text as it is written. Heap. */
char *kt_describe_value(const json_t *value);
/* "a,b" of an array of texts. Heap. */
char *kt_describe_join(const json_t *array, const char *separator);
/* A LabelSelector or a plain map: "a=b,c in (d)"; `none` when it says nothing. Heap. */
char *kt_describe_selector(const json_t *selector, const char *none);
/* Answers of other reads; NULL when the server has none. New reference. */
json_t *kt_describe_get(struct kt_describer *d, const char *fmt, ...)
        __attribute__((format(printf, 2, 3)));

/* describe_pod.c: the template of a workload, and how many of its pods are in which phase. */
void kt_describe_template(struct kt_describer *d, const json_t *template);
void kt_describe_pod_phases(struct kt_describer *d, const json_t *object);
/* describe_volume.c: the rows under a volume's name. */
void kt_describe_volume(struct kt_describer *d, const json_t *volume);
kt_describe_fn kt_describe_pod;

/* describe_workloads.c */
kt_describe_fn kt_describe_deployment, kt_describe_replicaset, kt_describe_statefulset,
        kt_describe_daemonset, kt_describe_job, kt_describe_cronjob, kt_describe_hpa,
        kt_describe_pdb, kt_describe_priorityclass;
/* describe_network.c */
kt_describe_fn kt_describe_service, kt_describe_ingress, kt_describe_networkpolicy,
        kt_describe_endpoints, kt_describe_endpointslice, kt_describe_ingressclass;
/* describe_storage.c */
kt_describe_fn kt_describe_configmap, kt_describe_secret, kt_describe_pvc, kt_describe_pv,
        kt_describe_storageclass;
/* describe_cluster.c */
kt_describe_fn kt_describe_node, kt_describe_namespace, kt_describe_quota, kt_describe_limits,
        kt_describe_serviceaccount, kt_describe_role, kt_describe_binding;

#endif
