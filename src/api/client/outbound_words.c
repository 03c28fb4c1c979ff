/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/client/outbound_words.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/x509.h>
#include <time.h>

#define SECOND_NS INT64_C(1000000000)
#define NAME_BYTES_MAX 256
#define NAMES_MAX 100 /* of a certificate that are looked at */

/* The part of a URL; heap, NULL when there is none. */
static char *url_part(const char *text, CURLUPart part)
{
	CURLU *url = kt_curl.url();
	char *value = NULL, *copy = NULL;

	if (kt_curl.url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK &&
	        kt_curl.url_get(url, part, &value, CURLU_DEFAULT_PORT) == CURLUE_OK)
		copy = kt_strdup(value);
	kt_curl.free(value);
	kt_curl.url_cleanup(url);
	return copy;
}

bool kt_outbound_is_loopback(const char *url)
{
	kt_auto_free char *host = url_part(url, CURLUPART_HOST);

	return host && (!strcmp(host, "localhost") || kt_starts_with(host, "127.") ||
	                       !strcmp(host, "[::1]"));
}

/* The names a certificate is for: DNS names, or addresses as text. */
struct names {
	struct kt_str dns, ips;
	size_t n_dns, n_ips;
};

static void add_name(struct kt_str *list, size_t *n, const char *text)
{
	kt_str_printf(list, "%s%s", (*n)++ ? ", " : "", text);
}

static void read_names(gnutls_x509_crt_t crt, struct names *names)
{
	for (unsigned i = 0; i < NAMES_MAX; i++) {
		char text[NAME_BYTES_MAX], ip[INET6_ADDRSTRLEN];
		size_t len = sizeof(text) - 1;
		int type = gnutls_x509_crt_get_subject_alt_name(crt, i, text, &len, NULL);

		if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			break;
		if (type == GNUTLS_SAN_DNSNAME) {
			text[len] = '\0';
			add_name(&names->dns, &names->n_dns, text);
		} else if (type == GNUTLS_SAN_IPADDRESS &&
		           inet_ntop(len == 4 ? AF_INET : AF_INET6, text, ip, sizeof(ip))) {
			add_name(&names->ips, &names->n_ips, ip);
		}
	}
}

static bool is_address(const char *host)
{
	unsigned char bytes[16];

	return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

static char *name_fault(gnutls_x509_crt_t crt, const char *host)
{
	struct names names = {0};
	char *fault;

	read_names(crt, &names);
	if (is_address(host) && !names.n_ips)
		fault = kt_asprintf("cannot validate certificate for %s because it doesn't contain "
		                    "any IP SANs",
		        host);
	else if (is_address(host))
		fault = kt_asprintf(
		        "certificate is valid for %s, not %s", kt_str_text(&names.ips), host);
	else if (names.n_dns)
		fault = kt_asprintf(
		        "certificate is valid for %s, not %s", kt_str_text(&names.dns), host);
	else
		fault = kt_asprintf("certificate is not valid for any names, but wanted to match "
		                    "%s",
		        host);
	kt_str_finish(&names.dns);
	kt_str_finish(&names.ips);
	return fault;
}

static char *leaf_fault(gnutls_x509_crt_t crt, const char *host, int64_t now_s)
{
	int64_t from = gnutls_x509_crt_get_activation_time(crt),
	        until = gnutls_x509_crt_get_expiration_time(crt);
	char now[KT_TIME_TEXT_MAX], limit[KT_TIME_TEXT_MAX];

	kt_time_format(now_s * SECOND_NS, now);
	if (now_s < from || now_s > until) {
		kt_time_format((now_s < from ? from : until) * SECOND_NS, limit);
		return kt_asprintf(
		        "certificate has expired or is not yet valid: current time %s is "
		        "%s %s",
		        now, now_s < from ? "before" : "after", limit);
	}
	return gnutls_x509_crt_check_hostname(crt, host) ? NULL : name_fault(crt, host);
}

char *kt_outbound_certificate_fault(const char *pem, const char *host, int64_t now_s)
{
	kt_auto_free char *fault = NULL;
	gnutls_x509_crt_t crt;

	if (pem && gnutls_x509_crt_init(&crt) == 0) {
		gnutls_datum_t data = {(unsigned char *)(uintptr_t)pem, (unsigned)strlen(pem)};

		if (gnutls_x509_crt_import(crt, &data, GNUTLS_X509_FMT_PEM) == 0)
			fault = leaf_fault(crt, host, now_s);
		gnutls_x509_crt_deinit(crt);
	}
	return kt_asprintf("tls: failed to verify certificate: x509: %s",
	        fault ? fault : "certificate signed by unknown authority");
}

/* The PEM of the server's own certificate; borrowed from curl. */
static const char *leaf_pem(CURL *easy)
{
	struct curl_certinfo *info = NULL;

	if (kt_curl.easy_getinfo(easy, CURLINFO_CERTINFO, &info) != CURLE_OK || !info ||
	        info->num_of_certs < 1)
		return NULL;
	for (const struct curl_slist *entry = info->certinfo[0]; entry; entry = entry->next)
		if (kt_starts_with(entry->data, "Cert:"))
			return entry->data + strlen("Cert:");
	return NULL;
}

static char *certificate_words(const struct kt_outbound_failure *failure)
{
	kt_auto_free char *host = url_part(failure->url, CURLUPART_HOST);
	size_t len = host ? strlen(host) : 0;

	if (len > 2 && *host == '[') { /* an IPv6 address */
		host[len - 1] = '\0';
		memmove(host, host + 1, len - 1);
	}
	return kt_outbound_certificate_fault(leaf_pem(failure->easy), host ? host : "", time(NULL));
}

/* "127.0.0.1:8443", where the connection was to go. */
static char *place_of(const struct kt_outbound_failure *failure)
{
	kt_auto_free char *host = url_part(failure->url, CURLUPART_HOST);
	kt_auto_free char *port = url_part(failure->url, CURLUPART_PORT);
	const char *ip = NULL;

	if (failure->connect_to)
		return kt_strdup(failure->connect_to);
	kt_curl.easy_getinfo(failure->easy, CURLINFO_PRIMARY_IP, &ip);
	if (!ip || !*ip)
		return kt_asprintf("%s:%s", host ? host : "", port ? port : "");
	return kt_asprintf(strchr(ip, ':') ? "[%s]:%s" : "%s:%s", ip, port ? port : "");
}

static char *connect_words(const struct kt_outbound_failure *failure)
{
	kt_auto_free char *place = place_of(failure);
	long code = 0;

	kt_curl.easy_getinfo(failure->easy, CURLINFO_OS_ERRNO, &code);
	switch (code) {
	case ECONNREFUSED:
		return kt_asprintf("dial tcp %s: connect: connection refused", place);
	case EHOSTUNREACH:
		return kt_asprintf("dial tcp %s: connect: no route to host", place);
	case ENETUNREACH:
		return kt_asprintf("dial tcp %s: connect: network is unreachable", place);
	default:
		return kt_asprintf("dial tcp %s: %s", place, failure->text);
	}
}

static char *handshake_words(const struct kt_outbound_failure *failure)
{
	if (strstr(failure->text, "unexpected TLS packet"))
		return kt_strdup("http: server gave HTTP response to HTTPS client");
	if (strstr(failure->text, "properly terminated") || strstr(failure->text, "reset"))
		return kt_strdup("EOF");
	return kt_asprintf("tls: %s", failure->text);
}

static char *lookup_words(const struct kt_outbound_failure *failure)
{
	kt_auto_free char *host = url_part(failure->url, CURLUPART_HOST);
	kt_auto_free char *named = NULL;
	const char *colon = failure->connect_to ? strrchr(failure->connect_to, ':') : NULL;

	if (colon)
		named = kt_strndup(failure->connect_to, (size_t)(colon - failure->connect_to));
	return kt_asprintf("dial tcp: lookup %s: no such host", named ? named : host ? host : "");
}

static char *words_of(const struct kt_outbound_failure *failure)
{
	switch (failure->code) {
	case CURLE_COULDNT_CONNECT:
		return connect_words(failure);
	case CURLE_COULDNT_RESOLVE_HOST:
		return lookup_words(failure);
	case CURLE_OPERATION_TIMEDOUT:
		return kt_strdup("context deadline exceeded");
	case CURLE_PEER_FAILED_VERIFICATION:
		return certificate_words(failure);
	case CURLE_SSL_CACERT_BADFILE:
		return kt_strdup("unable to load root certificates: unable to parse bytes as PEM "
		                 "block");
	case CURLE_SSL_CONNECT_ERROR:
		return handshake_words(failure);
	case CURLE_GOT_NOTHING:
		return kt_strdup("EOF");
	default:
		if (failure->too_large)
			return kt_strdup("the answer is too large");
		return kt_strdup(
		        *failure->text ? failure->text : kt_curl.easy_strerror(failure->code));
	}
}

int kt_outbound_fail(const struct kt_outbound_failure *failure, struct kt_err *err)
{
	kt_auto_free char *words = words_of(failure);
	bool late = failure->code == CURLE_OPERATION_TIMEDOUT;

	return kt_fail(err, late ? ETIMEDOUT : EIO, "Post \"%s\": %s", failure->url, words);
}
