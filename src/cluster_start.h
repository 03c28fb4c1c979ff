/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What `up` and the terminal UI have in common when they start a cluster or find it running: the
 * options that shape it, and where others find it.
 *
 * A cluster keeps its shape: an option once given holds for every later start until it is given
 * anew. The options stand as texts in the state (kt_cluster_state.options), under their names on
 * the command line. Any thread, one at a time per state.
 */
#ifndef KT_CLUSTER_START_H
#define KT_CLUSTER_START_H

#include "cluster_main.h"
#include "cluster_state.h"

#define KT_CLUSTER_NODES_MAX 20000

/* The names of the options that shape a cluster, NULL at the end. */
extern const char *const kt_cluster_shaping_options[];

/* The state of the cluster; of one that never ran, with its folder made. */
int kt_cluster_state_load_or_new(
        const char *name, struct kt_cluster_state *ret_state, struct kt_err *err);
/* Sets a shaping option, or with "" takes it back; a file's name becomes absolute. -EINVAL says
 * what is wrong with the value. */
int kt_cluster_shape(
        struct kt_cluster_state *state, const char *option, const char *value, struct kt_err *err);
/* What the state says, at the port of the last run, which keeps kubeconfigs valid. Borrowed from
 * the state. */
void kt_cluster_options_of(
        const struct kt_cluster_state *state, struct kt_cluster_options *ret_options);
/* Tells of the running cluster: its context into the file (NULL: the user's) and as the current
 * one, and state.json. */
int kt_cluster_publish(const struct kt_cluster *cluster, struct kt_cluster_state *state,
        const char *kubeconfig, struct kt_err *err);
/* How to reach a cluster that another process runs, whatever became of the user's kubeconfig. */
int kt_cluster_find(
        const struct kt_cluster_state *state, struct kt_endpoint *ret_endpoint, struct kt_err *err);
/* Writes its context where kt_cluster_publish() did, for a user whose kubeconfig has lost it, or
 * into another file. */
int kt_cluster_publish_again(
        struct kt_cluster_state *state, const char *kubeconfig, struct kt_err *err);

#endif
