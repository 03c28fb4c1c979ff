/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The store as one file over HTTP: a non-resource URL, so RBAC lets only those in who may get
 * everything. The copy is consistent and is made while writes go on, piece by piece as the client
 * takes it.
 */
#ifndef KT_API_SERVER_SNAPSHOT_H
#define KT_API_SERVER_SNAPSHOT_H

#include "api/server/pipeline.h"

#define KT_SNAPSHOT_PATH "/kube-tui/snapshot"

int kt_snapshot_write(struct kt_request *request);

#endif
