/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The cluster's own certificates: a CA, the server's certificate, an administrator's client
 * certificate, and the key that signs service-account tokens. ECDSA P-256 throughout: making all of
 * them costs about a millisecond.
 *
 * Below `dir` (0700, files 0600): authority.pem holds what cannot be made again (CA, token key) and
 * is synced to the disk; ca.crt, server.crt, server.key, admin.crt, admin.key, sa.pub are written
 * anew when missing, broken, near their end or, for the server's, when it must carry other names.
 * Without a dir everything stays in memory.
 *
 * A pki is immutable once open: any thread may read it. Source: RFC 5280; names as kubeadm's
 * certificates have them.
 */
#ifndef KT_API_SERVER_PKI_H
#define KT_API_SERVER_PKI_H

#include "base/err.h"

#include <stdint.h>

struct kt_pki;

struct kt_pki_options {
	const char *service_cluster_ip_range; /* its first address is the service `kubernetes`;
	                                         NULL: 10.96.0.0/16 */
	const char *advertise_address;        /* one more address of the server; may be NULL */
	const char *const *names; /* further DNS names or addresses, NULL-terminated; may be NULL */
};

enum kt_pki_item {
	KT_PKI_CA_CERT,
	KT_PKI_SERVER_CERT,
	KT_PKI_SERVER_KEY,
	KT_PKI_ADMIN_CERT, /* kubernetes-admin of system:masters */
	KT_PKI_ADMIN_KEY,
	KT_PKI_TOKEN_KEY,    /* private; signs service-account tokens */
	KT_PKI_TOKEN_PUBLIC, /* its public half */
	KT_PKI_N_ITEMS,
};

/* dir NULL: in memory only. A folder that others may enter is refused with -EPERM. */
int kt_pki_open(const char *dir, const struct kt_pki_options *options, struct kt_pki **ret_pki,
        struct kt_err *err);
void kt_pki_close(struct kt_pki *pki);
const char *kt_pki_pem(const struct kt_pki *pki, enum kt_pki_item item);
/* NULL without a dir, and for TOKEN_KEY, which lives in authority.pem. */
const char *kt_pki_file(const struct kt_pki *pki, enum kt_pki_item item);
/* A client certificate for cn, a member of groups (NULL-terminated, may be NULL); PEM texts on the
 * heap. */
int kt_pki_issue_client(const struct kt_pki *pki, const char *cn, const char *const *groups,
        char **ret_cert_pem, char **ret_key_pem, struct kt_err *err);

#define KT_SIGNER_CLIENT "kubernetes.io/kube-apiserver-client"
#define KT_SIGNER_KUBELET_CLIENT "kubernetes.io/kube-apiserver-client-kubelet"
#define KT_SIGNER_KUBELET_SERVING "kubernetes.io/kubelet-serving"
#define KT_SIGNER_LEGACY "kubernetes.io/legacy-unknown"

/* What a CertificateSigningRequest asks for. */
struct kt_pki_request {
	const char *name, *pem;
	const char *signer;        /* one of KT_SIGNER_… */
	const char *const *usages; /* as its spec spells them, NULL-terminated */
	int64_t expiration_s;      /* 0: a year, which is the longest */
};
/* The common name of its subject on the heap; errors as below. */
int kt_pki_check_request(
        const struct kt_pki_request *request, char **ret_common_name, struct kt_err *err);
/* Signs it with the CA. -EINVAL: it does not hold what its signer demands, in upstream's words. */
int kt_pki_sign_request(const struct kt_pki *pki, const struct kt_pki_request *request,
        char **ret_cert_pem, struct kt_err *err);

#endif
