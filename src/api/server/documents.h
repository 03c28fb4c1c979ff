/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is no resource: discovery, version, health, metrics, OpenAPI, the index of paths. Each
 * document is an entry in the table of documents.c.
 */
#ifndef KT_API_SERVER_DOCUMENTS_H
#define KT_API_SERVER_DOCUMENTS_H

#include "api/server/pipeline.h"

/* Finds the operation of a path that is no resource. */
int kt_document_find(struct kt_request *request);

/* "404 page not found" */
extern const struct kt_operation kt_operation_no_page;

#endif
