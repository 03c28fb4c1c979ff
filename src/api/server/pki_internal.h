/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What pki_request.c needs of the CA that pki.c keeps. */
#ifndef KT_API_SERVER_PKI_INTERNAL_H
#define KT_API_SERVER_PKI_INTERNAL_H

#include "api/server/pki.h"

#include <gnutls/x509.h>

/* Makes it a leaf of the CA: identifiers, constraints, signature. crt has all else. */
int pki_sign(const struct kt_pki *pki, gnutls_x509_crt_t crt, struct kt_err *err);
/* Version 3, a random serial, valid from a little before now until then, but never longer than the
 * CA. */
int pki_date(const struct kt_pki *pki, gnutls_x509_crt_t crt, int64_t seconds);
int pki_crt_pem(gnutls_x509_crt_t crt, char **ret_pem, struct kt_err *err);

#endif
