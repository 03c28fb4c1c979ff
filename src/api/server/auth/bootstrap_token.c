/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bootstrap tokens: "abcdef.0123456789abcdef" is the Secret kube-system/bootstrap-token-abcdef (how
 * new nodes join). */
#include "api/server/auth/tokens.h"
#include "base/time.h"

#include <errno.h>

#define ID_LEN 6
#define SECRET_LEN 16

static bool is_lower_alnum(struct kt_sv s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!(s.p[i] >= 'a' && s.p[i] <= 'z') && !(s.p[i] >= '0' && s.p[i] <= '9'))
			return false;
	return true;
}

/* A value of the Secret's data; false when absent or no base64. */
static bool read_data(const json_t *secret, const char *key, struct kt_str *out)
{
	const char *text = json_string_value(json_object_get(json_object_get(secret, "data"), key));

	kt_str_clear(out);
	return text && kt_base64_decode(out, kt_sv_of(text)) == 0;
}

static bool data_is(const json_t *secret, const char *key, struct kt_sv expected)
{
	kt_auto_str value = KT_STR_INIT;

	return read_data(secret, key, &value) &&
	       kt_secret_eq(kt_str_text(&value), value.len, expected.p, expected.len);
}

static bool is_expired(const json_t *secret, int64_t now_ns)
{
	kt_auto_str value = KT_STR_INIT;
	int64_t end_ns;

	if (!read_data(secret, "expiration", &value))
		return false;
	return kt_time_parse((struct kt_sv){kt_str_text(&value), value.len}, &end_ns) < 0 ||
	       now_ns >= end_ns;
}

static struct kt_user *user_of(const json_t *secret, struct kt_sv id)
{
	kt_auto_free char *name = kt_asprintf("system:bootstrap:%.*s", (int)id.len, id.p);
	kt_auto_str extra = KT_STR_INIT;
	KT_VEC(char *) groups = {0};
	struct kt_user *user;

	kt_vec_push(&groups, kt_strdup("system:bootstrappers"));
	if (read_data(secret, "auth-extra-groups", &extra)) {
		struct kt_sv rest = {kt_str_text(&extra), extra.len}, group;

		while (rest.p && kt_sv_split(&rest, ',', &group))
			if (group.len > 21 && !strncmp(group.p, "system:bootstrappers:", 21))
				kt_vec_push(&groups, kt_sv_dup(group));
	}
	kt_vec_push(&groups, kt_strdup("system:authenticated"));
	kt_vec_push(&groups, NULL);
	user = kt_user_create(name, NULL, (const char *const *)groups.items);
	for (size_t i = 0; i < groups.n; i++)
		free(groups.items[i]);
	kt_vec_finish(&groups);
	return user;
}

int kt_bootstrap_token_find(
        struct kt_storage *storage, struct kt_sv token, int64_t now_ns, struct kt_user **ret_user)
{
	struct kt_sv id = {token.p, ID_LEN}, secret_part = {token.p + ID_LEN + 1, SECRET_LEN};
	kt_auto_json json_t *secret = NULL;

	if (token.len != ID_LEN + 1 + SECRET_LEN || token.p[ID_LEN] != '.' || !is_lower_alnum(id) ||
	        !is_lower_alnum(secret_part))
		return -ENOENT;
	secret = kt_auth_read(
	        storage, "/registry/secrets/kube-system/bootstrap-token-%.*s", ID_LEN, id.p);
	if (!secret || !kt_streq(kt_jstr(secret, "type"), "bootstrap.kubernetes.io/token") ||
	        kt_jstr(secret, "metadata.deletionTimestamp"))
		return -ENOENT;
	if (!data_is(secret, "token-id", id) || !data_is(secret, "token-secret", secret_part) ||
	        is_expired(secret, now_ns) ||
	        !data_is(secret, "usage-bootstrap-authentication", KT_SV("true")))
		return -EACCES;
	*ret_user = user_of(secret, id);
	return 0;
}
