/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Config maps and secrets. */
#include "api/machinery/go_text.h"
#include "api/machinery/names.h"
#include "api/server/rules/meta.h"

#define DATA_MAX_BYTES (1024 * 1024)
#define IMMUTABLE "field is immutable when `immutable` is set"

static size_t decoded_length(const char *base64)
{
	size_t len = strlen(base64), pad = 0;
	while (len && pad < 2 && base64[len - 1 - pad] == '=')
		pad++;
	return len / 4 * 3 - KT_MIN(pad, len / 4 * 3);
}

static void check_key(struct kt_rule_context *c, const struct kt_at *map, const char *key)
{
	struct kt_messages messages = {0};
	size_t n = kt_format_check("config-map-key", kt_sv_of(key), &messages);
	struct kt_at at = kt_at_key(map, key);
	for (size_t i = 0; i < n; i++)
		kt_add_invalid_text(c, &at, key, "%s", messages.items[i]);
}

/* What is marked immutable stays so, and what it holds too. */
static void check_frozen(struct kt_rule_context *c, const struct kt_at *root, const json_t *old,
        const char *const *fields)
{
	struct kt_at immutable = kt_at(root, "immutable");
	if (!kt_bool_of(old, "immutable"))
		return;
	if (!kt_at_bool(&immutable))
		kt_add_forbidden(c, &immutable, IMMUTABLE);
	for (; *fields; fields++) {
		struct kt_at at = kt_at(root, *fields);
		if (!kt_same(at.value, json_object_get(old, *fields)))
			kt_add_forbidden(c, &at, IMMUTABLE);
	}
}

/* ConfigMap */

static void validate_config_map(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	static const char *const fields[] = {"data", "binaryData", NULL};
	struct kt_at root = kt_at_root(c, object), data = kt_at(&root, "data"),
	             binary = kt_at(&root, "binaryData");
	size_t total = 0;
	if (old) {
		kt_meta_validate_update(c, object, old);
		check_frozen(c, &root, old, fields);
	}
	kt_meta_validate(c, object, NULL);
	struct kt_keys keys = kt_at_keys(c, &data);
	for (size_t i = 0; i < keys.n; i++) {
		struct kt_at at = kt_at_key(&data, keys.names[i]);
		check_key(c, &data, keys.names[i]);
		if (json_object_get(binary.value, keys.names[i]))
			kt_add_invalid_text(
			        c, &at, keys.names[i], "duplicate of key present in binaryData");
		total += json_string_length(at.value);
	}
	keys = kt_at_keys(c, &binary);
	for (size_t i = 0; i < keys.n; i++) {
		struct kt_at at = kt_at_key(&binary, keys.names[i]);
		check_key(c, &binary, keys.names[i]);
		total += decoded_length(kt_at_text(&at));
	}
	if (total > DATA_MAX_BYTES)
		kt_field_too_long(
		        &c->errors, "[]", DATA_MAX_BYTES); /* of the whole object: no field */
}

const struct kt_rules kt_rules_core_config_map = {
        .group = "",
        .kind = "ConfigMap",
        .validate = validate_config_map,
};

/* Secret */

/* stringData is how people write; data is what is kept. */
static void default_secret(struct kt_rule_context *c, json_t *object)
{
	(void)c;
	json_t *texts = json_object_get(object, "stringData"), *value;
	const char *key;
	if (texts && !json_object_get(object, "data"))
		json_object_set_new(object, "data", json_object());
	json_object_foreach(texts, key, value) {
		kt_auto_str base64 = KT_STR_INIT;
		kt_base64_encode(&base64, json_string_value(value), json_string_length(value));
		json_object_set_new_nocheck(
		        json_object_get(object, "data"), key, json_string(kt_str_text(&base64)));
	}
	json_object_del(object, "stringData");
}

static void need_key(struct kt_rule_context *c, const struct kt_at *data, const char *key)
{
	struct kt_at at = kt_at_key(data, key);
	if (!at.value)
		kt_add_required(c, &at, "");
}

static void check_json_key(struct kt_rule_context *c, const struct kt_at *data, const char *key)
{
	struct kt_at at = kt_at_key(data, key);
	kt_auto_str text = KT_STR_INIT;
	kt_auto_err err = KT_ERR_INIT;
	if (!at.value) {
		kt_add_required(c, &at, "");
		return;
	}
	if (kt_base64_decode(&text, kt_sv_of(kt_at_text(&at))) < 0)
		return;
	kt_auto_json json_t *parsed =
	        kt_json_parse((struct kt_sv){text.data, text.len}, NULL, &err);
	if (!json_is_object(parsed))
		kt_add_invalid_text(c, &at, "<secret contents redacted>", "%s",
		        parsed ? "json: cannot unmarshal into Go value of type "
		                 "map[string]interface {}"
		               : kt_go_json_reason(kt_err_message(&err)));
}

static void check_type(
        struct kt_rule_context *c, const struct kt_at *root, const struct kt_at *data)
{
	static const char *const account = "kubernetes.io/service-account.name";
	struct kt_at type = kt_at(root, "type"), meta = kt_at(root, "metadata"),
	             annotations = kt_at(&meta, "annotations");
	if (kt_at_is(&type, "kubernetes.io/service-account-token")) {
		struct kt_at at = kt_at_key(&annotations, account);
		if (!*kt_at_text(&at))
			kt_add_required(c, &at, "");
	} else if (kt_at_is(&type, "kubernetes.io/dockercfg")) {
		check_json_key(c, data, ".dockercfg");
	} else if (kt_at_is(&type, "kubernetes.io/dockerconfigjson")) {
		check_json_key(c, data, ".dockerconfigjson");
	} else if (kt_at_is(&type, "kubernetes.io/basic-auth")) {
		if (!json_object_get(data->value, "username") &&
		        !json_object_get(data->value, "password")) {
			need_key(c, data, "username");
			need_key(c, data, "password");
		}
	} else if (kt_at_is(&type, "kubernetes.io/ssh-auth")) {
		struct kt_at at = kt_at_key(data, "ssh-privatekey");
		if (!*kt_at_text(&at))
			kt_add_required(c, &at, "");
	} else if (kt_at_is(&type, "kubernetes.io/tls")) {
		need_key(c, data, "tls.crt");
		need_key(c, data, "tls.key");
	}
}

static void validate_secret(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	static const char *const fields[] = {"data", NULL};
	struct kt_at root = kt_at_root(c, object), data = kt_at(&root, "data"),
	             type = kt_at(&root, "type");
	size_t total = 0;
	if (old) {
		kt_meta_validate_update(c, object, old);
		kt_check_immutable(c, &type, json_object_get(old, "type"));
		check_frozen(c, &root, old, fields);
	}
	kt_meta_validate(c, object, NULL);
	struct kt_keys keys = kt_at_keys(c, &data);
	for (size_t i = 0; i < keys.n; i++) {
		struct kt_at at = kt_at_key(&data, keys.names[i]);
		check_key(c, &data, keys.names[i]);
		total += decoded_length(kt_at_text(&at));
	}
	if (total > DATA_MAX_BYTES)
		kt_add_too_long(c, &data, DATA_MAX_BYTES);
	check_type(c, &root, &data);
}

static void warn_secret(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	(void)old;
	if (strcmp(kt_text_of(object, "type"), "kubernetes.io/tls") != 0)
		return;
	kt_auto_str text = KT_STR_INIT;
	const char *base64 = kt_text_of(json_object_get(object, "data"), "tls.crt");
	if (kt_base64_decode(&text, kt_sv_of(base64)) == 0 &&
	        !strstr(kt_str_text(&text), "-----BEGIN"))
		kt_rule_warn(c, "tls: failed to find any PEM data in certificate input");
}

const struct kt_rules kt_rules_core_secret = {
        .group = "",
        .kind = "Secret",
        .default_object = default_secret,
        .validate = validate_secret,
        .warn = warn_secret,
};
