/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is said of a certificate that was refused: Go's words, in Go's order. */
#include "api/client/curl_library.h"
#include "api/client/outbound_words.h"
#include "api/server/pki.h"
#include "base/mem.h"
#include "base/str.h"
#include "support/support.h"

#include <time.h>

#define PREFIX "tls: failed to verify certificate: x509: "
#define YEAR_S INT64_C(31557600)

static void check(const char *pem, const char *host, int64_t now_s, const char *wanted)
{
	kt_auto_free char *said = kt_outbound_certificate_fault(pem, host, now_s);

	if (!strstr(said, wanted) || !kt_starts_with(said, PREFIX))
		fail_msg("it says %s", said);
}

static void test_faults(void **state)
{
	struct kt_pki *pki = NULL;
	kt_auto_err err = KT_ERR_INIT;
	int64_t now_s = time(NULL);
	const char *pem;

	(void)state;
	assert_int_equal(kt_pki_open(NULL, &(struct kt_pki_options){0}, &pki, &err), 0);
	pem = kt_pki_pem(pki, KT_PKI_SERVER_CERT);
	/* nothing is wrong with it but who signed it */
	check(pem, "127.0.0.1", now_s, PREFIX "certificate signed by unknown authority");
	check(pem, "kubernetes.default.svc", now_s,
	        PREFIX "certificate signed by unknown authority");
	check(pem, "127.0.0.2", now_s, PREFIX "certificate is valid for ");
	check(pem, "127.0.0.2", now_s, ", not 127.0.0.2");
	check(pem, "other.default.svc", now_s, ", not other.default.svc");
	/* time is looked at before names */
	check(pem, "127.0.0.2", now_s + 100 * YEAR_S,
	        PREFIX "certificate has expired or is not yet valid: current time ");
	check(pem, "127.0.0.1", now_s + 100 * YEAR_S, " is after ");
	check(pem, "127.0.0.1", now_s - 10 * YEAR_S, " is before ");
	/* a client's certificate names no host */
	pem = kt_pki_pem(pki, KT_PKI_ADMIN_CERT);
	check(pem, "a.example.com", now_s,
	        PREFIX "certificate is not valid for any names, but wanted to match a.example.com");
	check(pem, "127.0.0.1", now_s,
	        PREFIX "cannot validate certificate for 127.0.0.1 because it doesn't contain any "
	               "IP SANs");
	check(NULL, "a", now_s, PREFIX "certificate signed by unknown authority");
	check("no certificate", "a", now_s, PREFIX "certificate signed by unknown authority");
	kt_pki_close(pki);
}

static void test_loopback(void **state)
{
	kt_auto_err err = KT_ERR_INIT;

	(void)state;
	assert_int_equal(kt_curl_load(&err), 0);
	assert_true(kt_outbound_is_loopback("https://127.0.0.1:1/x?timeout=1s"));
	assert_true(kt_outbound_is_loopback("https://localhost/x"));
	assert_true(kt_outbound_is_loopback("https://[::1]:8443/"));
	assert_false(kt_outbound_is_loopback("https://10.0.0.1/"));
	assert_false(kt_outbound_is_loopback("no url"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_faults),
	        cmocka_unit_test(test_loopback),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
