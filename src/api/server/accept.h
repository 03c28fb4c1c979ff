/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Content negotiation: which of the forms that an endpoint offers the Accept header asks for.
 * Source: RFC 9110 section 12.5.1 and the API concepts page ("Alternate representations of
 * resources").
 */
#ifndef KT_API_SERVER_ACCEPT_H
#define KT_API_SERVER_ACCEPT_H

#include "api/server/pipeline.h"

enum kt_accept_offer {
	KT_OFFER_PROTOBUF = 1 << 0,
	KT_OFFER_TABLE = 1 << 1,     /* as=Table */
	KT_OFFER_PARTIAL = 1 << 2,   /* as=PartialObjectMetadata or …List */
	KT_OFFER_STREAM = 1 << 3,    /* a watch: the refusal names the stream types as well */
	KT_OFFER_DISCOVERY = 1 << 4, /* as=APIGroupDiscoveryList */
	KT_OFFER_LIST = 1 << 5,      /* a collection: as=…List forms */
};

/* Fills state->accept. 406 when nothing fits. */
int kt_accept_negotiate(struct kt_request *request, unsigned offers);

#endif
