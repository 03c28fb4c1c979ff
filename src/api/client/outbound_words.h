/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What went wrong with an outgoing HTTPS request, in the words of Go's net/http, crypto/tls and
 * crypto/x509. curl's GnuTLS says of a certificate only that it was refused; why is found by
 * looking at the certificate that came.
 */
#ifndef KT_API_CLIENT_OUTBOUND_WORDS_H
#define KT_API_CLIENT_OUTBOUND_WORDS_H

#include "api/client/curl_library.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct kt_outbound_failure {
	CURL *easy; /* CERTINFO was asked for */
	CURLcode code;
	const char *text; /* curl's error buffer */
	const char *url;
	const char *connect_to; /* NULL: the URL's own host */
	bool too_large;
};

/* `Post "URL": …`; returns err's code. */
int kt_outbound_fail(const struct kt_outbound_failure *failure, struct kt_err *err);

bool kt_outbound_is_loopback(const char *url);
/* "tls: failed to verify certificate: x509: …": what Go finds first about a leaf certificate (PEM,
 * may be NULL) for a host that was refused at this Unix time. Heap. */
char *kt_outbound_certificate_fault(const char *pem, const char *host, int64_t now_s);

#endif
