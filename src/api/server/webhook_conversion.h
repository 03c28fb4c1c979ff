/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Versions of a custom resource that a webhook converts (spec.conversion.strategy Webhook): one
 * ConversionReview from question to answer. What a webhook may change is checked: name, namespace
 * and uid stay, and of the metadata only labels and annotations are taken. Source: KEP-598, the
 * documentation's page "Versions in CustomResourceDefinitions".
 *
 * A conversion is memory of the caller and belongs to one loop. Nothing here blocks.
 */
#ifndef KT_API_SERVER_WEBHOOK_CONVERSION_H
#define KT_API_SERVER_WEBHOOK_CONVERSION_H

#include "api/client/outbound.h"
#include "api/server/admission/webhook_target.h"

/* spec.conversion.webhook of a kind whose versions a webhook converts; NULL: they differ in
 * apiVersion alone. Borrowed from the kind's definition. */
const json_t *kt_conversion_webhook(const struct kt_kind *kind);
/* Has the stored object to be converted before it is one of this kind? */
bool kt_conversion_needed(const struct kt_kind *kind, const struct kt_object *object);

struct kt_conversion {
	/* filled by the caller */
	struct kt_server *server;
	struct kt_loop *loop;
	const struct kt_kind *kind; /* what the objects become */
	json_t **trees;             /* the objects, replaced by the converted ones on success */
	size_t n;
	void (*done)(struct kt_conversion *conversion);
	void *arg;

	struct kt_err err; /* why it failed */

	/* its own */
	struct kt_outbound_call outbound;
	struct kt_webhook hook; /* as far as a target needs one */
	struct kt_webhook_target target;
	struct kt_buf *review;
	char uid[37];
};

/* 0: done() follows. Negative: err says why not. */
int kt_conversion_start(struct kt_conversion *conversion);
/* Ends it: done() is not called any more. Trees stay the caller's. */
void kt_conversion_finish(struct kt_conversion *conversion);

/* The object of a converted tree, in place of the one it was. */
struct kt_object *kt_conversion_object(
        const struct kt_kind *kind, const struct kt_object *from, const json_t *tree);

#endif
