/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ctest-labels: threads */
/* Requests and answers of both versions of HTTP, through libcurl. */
#include "http_harness.h"

static void test_get(void **state)
{
	(void)state;
	EACH_VERSION(v)
	{
		struct answer answer;
		CURL *curl = new_curl("/a?b=c", versions[v], &answer);
		struct curl_slist *headers = curl_slist_append(NULL, "X-Test: Value");

		curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
		perform(curl, &answer);
		assert_int_equal(answer.code, CURLE_OK);
		assert_int_equal(answer.status, 200);
		assert_int_equal(answer.version, seen[v]);
		assert_string_equal(
		        kt_str_text(&answer.body), "GET /a?b=c user=- x-test=Value body=0 ");
		assert_non_null(strstr(kt_str_text(&answer.headers), "audit-id: "));
		assert_non_null(strstr(kt_str_text(&answer.headers), " GMT\r\n"));
		assert_non_null(strstr(kt_str_text(&answer.headers), "content-length: 38\r\n"));
		curl_easy_cleanup(curl);
		curl_slist_free_all(headers);
		answer_finish(&answer);
	}
}

static void test_keep_alive_and_later(void **state)
{
	(void)state;
	EACH_VERSION(v)
	{
		struct answer answer;
		CURL *curl = new_curl("/later", versions[v], &answer);

		for (int i = 0; i < 50; i++) {
			long connects = 0;

			perform(curl, &answer);
			assert_int_equal(answer.status, 200);
			curl_easy_getinfo(curl, CURLINFO_NUM_CONNECTS, &connects);
			assert_int_equal(connects, i == 0 ? 1 : 0);
		}
		curl_easy_cleanup(curl);
		answer_finish(&answer);
	}
}

static void test_bodies(void **state)
{
	static const size_t sizes[] = {1, 1000, 200000, KT_HTTP_BODY_BYTES_MAX};

	(void)state;
	EACH_VERSION(v)
	{
		for (size_t i = 0; i < KT_ARRAY_SIZE(sizes); i++) {
			struct answer answer;
			CURL *curl = new_curl("/p", versions[v], &answer);
			kt_auto_free char *body = kt_zalloc(sizes[i]);
			kt_auto_free char *expected =
			        kt_asprintf("POST /p user=- x-test=- body=%zu ", sizes[i]);

			memset(body, 'x', sizes[i]);
			curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)sizes[i]);
			curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
			perform(curl, &answer);
			assert_int_equal(answer.status, 200);
			assert_true(kt_starts_with(kt_str_text(&answer.body), expected));
			curl_easy_cleanup(curl);
			answer_finish(&answer);
		}
	}
}

struct upload {
	size_t left;
};

static size_t give(char *data, size_t size, size_t n, void *arg)
{
	struct upload *upload = arg;
	size_t len = KT_MIN(size * n, upload->left);

	memset(data, 'y', len);
	upload->left -= len;
	return len;
}

/* Length told beforehand and not: both end in 413 with a Status, and the answer is not lost. */
static void test_too_large(void **state)
{
	(void)state;
	EACH_VERSION(v)
	{
		for (int chunked = 0; chunked < 2; chunked++) {
			struct answer answer;
			CURL *curl = new_curl("/p", versions[v], &answer);
			struct upload upload = {KT_HTTP_BODY_BYTES_MAX + 1};

			curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
			curl_easy_setopt(curl, CURLOPT_READFUNCTION, give);
			curl_easy_setopt(curl, CURLOPT_READDATA, &upload);
			if (!chunked)
				curl_easy_setopt(
				        curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)upload.left);
			perform(curl, &answer);
			assert_int_equal(answer.status, 413);
			assert_non_null(strstr(kt_str_text(&answer.body),
			        "Request entity too large: limit is 3145728"));
			curl_easy_cleanup(curl);
			answer_finish(&answer);
		}
	}
}

/* Header fields past the limit are told so; the connection of HTTP/2 goes on. */
static void test_large_heads(void **state)
{
	(void)state;
	EACH_VERSION(v)
	{
		struct answer answer;
		CURL *curl = new_curl("/x", versions[v], &answer);
		struct curl_slist *headers = NULL;

		for (int i = 0; i < KT_HTTP_HEADERS_MAX; i++) {
			kt_auto_free char *line = kt_asprintf("X-%d: v", i);

			headers = curl_slist_append(headers, line);
		}
		curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
		perform(curl, &answer);
		assert_int_equal(answer.code, CURLE_OK);
		assert_int_equal(answer.status, 431);
		curl_easy_setopt(curl, CURLOPT_HTTPHEADER, NULL);
		perform(curl, &answer);
		assert_int_equal(answer.status, 200);
		curl_easy_cleanup(curl);
		curl_slist_free_all(headers);
		answer_finish(&answer);
	}
}

static void test_streams(void **state)
{
	(void)state;
	EACH_VERSION(v)
	{
		struct answer answer;
		CURL *curl = new_curl("/stream?n=300", versions[v], &answer);
		int closed = atomic_load(&n_stream_closed);

		perform(curl, &answer);
		assert_int_equal(answer.code, CURLE_OK);
		assert_int_equal(answer.body.len, 300 * 17);
		assert_null(strstr(kt_str_text(&answer.headers), "content-length"));
		curl_easy_cleanup(curl);
		answer_finish(&answer);
		curl = new_curl("/broken", versions[v], &answer);
		perform(curl, &answer);
		assert_int_not_equal(answer.code, CURLE_OK);
		curl_easy_cleanup(curl);
		answer_finish(&answer);
		assert_true(atomic_load(&n_stream_closed) > closed);
	}
}

static void test_large_answers_and_gzip(void **state)
{
	static const size_t sizes[] = {1000, KT_HTTP_GZIP_BYTES_MIN, 5000000};

	(void)state;
	EACH_VERSION(v)
	{
		for (size_t i = 0; i < KT_ARRAY_SIZE(sizes); i++) {
			for (int gzip = 0; gzip < 2; gzip++) {
				kt_auto_free char *path = kt_asprintf("/big?n=%zu", sizes[i]);
				struct answer answer;
				CURL *curl = new_curl(path, versions[v], &answer);

				if (gzip)
					curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "gzip");
				perform(curl, &answer);
				assert_int_equal(answer.code, CURLE_OK);
				assert_int_equal(answer.body.len, sizes[i]);
				for (size_t at = 0; at < sizes[i]; at += 997)
					assert_int_equal(answer.body.data[at], 'a' + at % 23);
				assert_int_equal(strstr(kt_str_text(&answer.headers),
				                         "content-encoding: gzip") != NULL,
				        gzip && sizes[i] > KT_HTTP_GZIP_BYTES_MIN);
				curl_easy_cleanup(curl);
				answer_finish(&answer);
			}
		}
	}
}

static void test_head(void **state)
{
	(void)state;
	EACH_VERSION(v)
	{
		struct answer answer;
		CURL *curl = new_curl("/big?n=5000", versions[v], &answer);

		curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
		perform(curl, &answer);
		assert_int_equal(answer.code, CURLE_OK);
		assert_int_equal(answer.body.len, 0);
		assert_non_null(strstr(kt_str_text(&answer.headers), "content-length: 5000"));
		perform(curl, &answer);
		assert_int_equal(answer.status, 200);
		curl_easy_cleanup(curl);
		answer_finish(&answer);
	}
}

static void test_client_certificates(void **state)
{
	static const char *const groups[] = {"dev", "ops", NULL};
	kt_auto_free char *cert = NULL, *key = NULL;
	struct kt_pki *foreign = NULL;
	struct pem_file files[4];

	(void)state;
	assert_int_equal(kt_pki_issue_client(pki, "jane", groups, &cert, &key, NULL), 0);
	assert_int_equal(kt_pki_open(NULL, NULL, &foreign, NULL), 0);
	files[0] = pem_file(cert);
	files[1] = pem_file(key);
	files[2] = pem_file(kt_pki_pem(foreign, KT_PKI_ADMIN_CERT));
	files[3] = pem_file(kt_pki_pem(foreign, KT_PKI_ADMIN_KEY));
	EACH_VERSION(v)
	{
		for (int with_token = 0; with_token < 3; with_token++) {
			struct answer answer;
			CURL *curl = new_curl("/who", versions[v], &answer);
			struct curl_slist *headers =
			        curl_slist_append(NULL, "Authorization: Bearer x");
			const struct pem_file *pair = with_token == 0 ? files : files + 2;

			curl_easy_setopt(curl, CURLOPT_SSLCERT, pair[0].path);
			curl_easy_setopt(curl, CURLOPT_SSLKEY, pair[1].path);
			if (with_token == 2)
				curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
			perform(curl, &answer);
			/* GnuTLS clients leave a certificate at home that the server's list of CAs
			 * does not name. */
			if (with_token == 0)
				assert_string_equal(kt_str_text(&answer.body),
				        "GET /who user=jane x-test=- body=0 "
				        "[dev][ops][system:authenticated]");
			else
				assert_true(answer.status == 401 ||
				            strstr(kt_str_text(&answer.body), "user=- "));
			curl_easy_cleanup(curl);
			curl_slist_free_all(headers);
			answer_finish(&answer);
		}
	}
	for (int i = 0; i < 4; i++)
		close(files[i].fd);
	kt_pki_close(foreign);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_get),
	        cmocka_unit_test(test_keep_alive_and_later),
	        cmocka_unit_test(test_bodies),
	        cmocka_unit_test(test_too_large),
	        cmocka_unit_test(test_large_heads),
	        cmocka_unit_test(test_streams),
	        cmocka_unit_test(test_large_answers_and_gzip),
	        cmocka_unit_test(test_head),
	        cmocka_unit_test(test_client_certificates),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
