/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * OpenAPI v2 as protobuf, the only form in which Go clients read it: a walk over the JSON document
 * by small tables that say which member is which field. Source: gnostic's OpenAPIv2.proto (message
 * and field numbers).
 */
#include "api/codec/wire.h"
#include "api/schema/openapi.h"
#include "base/json.h"

enum form {
	FORM_STRING,
	FORM_BOOL,
	FORM_INT,
	FORM_DOUBLE,
	FORM_STRINGS,    /* repeated string */
	FORM_ANY,        /* Any{2: yaml} */
	FORM_ANYS,       /* repeated Any */
	FORM_OBJECT,     /* a message */
	FORM_LIST,       /* repeated message */
	FORM_NAMED,      /* a message {NAMED_NUMBER: repeated {1: name, 2: message}} */
	FORM_TYPE,       /* TypeItem{1: repeated string} from a string */
	FORM_ITEMS,      /* ItemsItem{1: repeated Schema} */
	FORM_ADDITIONAL, /* AdditionalPropertiesItem{1: Schema, 2: bool} */
	FORM_SECURITY,   /* repeated SecurityRequirement */
};

struct message;

struct member {
	const char *key;
	uint32_t number;
	enum form form;
	const struct message *type; /* of what is inside */
	uint32_t named_number;      /* FORM_NAMED: where the entries stand */
};

struct message {
	const struct member *members;
	size_t n_members;
	uint32_t extensions; /* field number of vendor_extension; 0: none */
	uint32_t wrap[2];    /* oneof wrappers around this message, outermost first */
	const struct message *(*choose)(
	        const json_t *value); /* which alternative a value is; NULL: this one */
};

static const struct message schema_type;

static const struct member schema_members[] = {
        {"$ref", 1, FORM_STRING, NULL, 0},
        {"format", 2, FORM_STRING, NULL, 0},
        {"title", 3, FORM_STRING, NULL, 0},
        {"description", 4, FORM_STRING, NULL, 0},
        {"default", 5, FORM_ANY, NULL, 0},
        {"multipleOf", 6, FORM_DOUBLE, NULL, 0},
        {"maximum", 7, FORM_DOUBLE, NULL, 0},
        {"exclusiveMaximum", 8, FORM_BOOL, NULL, 0},
        {"minimum", 9, FORM_DOUBLE, NULL, 0},
        {"exclusiveMinimum", 10, FORM_BOOL, NULL, 0},
        {"maxLength", 11, FORM_INT, NULL, 0},
        {"minLength", 12, FORM_INT, NULL, 0},
        {"pattern", 13, FORM_STRING, NULL, 0},
        {"maxItems", 14, FORM_INT, NULL, 0},
        {"minItems", 15, FORM_INT, NULL, 0},
        {"uniqueItems", 16, FORM_BOOL, NULL, 0},
        {"maxProperties", 17, FORM_INT, NULL, 0},
        {"minProperties", 18, FORM_INT, NULL, 0},
        {"required", 19, FORM_STRINGS, NULL, 0},
        {"enum", 20, FORM_ANYS, NULL, 0},
        {"additionalProperties", 21, FORM_ADDITIONAL, &schema_type, 0},
        {"type", 22, FORM_TYPE, NULL, 0},
        {"items", 23, FORM_ITEMS, &schema_type, 0},
        {"properties", 25, FORM_NAMED, &schema_type, 1},
};
static const struct message schema_type = {
        schema_members, KT_ARRAY_SIZE(schema_members), 31, {0}, NULL};

static const struct message schema_item = {
        schema_members, KT_ARRAY_SIZE(schema_members), 31, {1}, NULL};

static const struct member body_members[] = {
        {"description", 1, FORM_STRING, NULL, 0},
        {"name", 2, FORM_STRING, NULL, 0},
        {"in", 3, FORM_STRING, NULL, 0},
        {"required", 4, FORM_BOOL, NULL, 0},
        {"schema", 5, FORM_OBJECT, &schema_type, 0},
};
/* ParametersItem{1: Parameter{1: body}} */
static const struct message body_parameter = {
        body_members, KT_ARRAY_SIZE(body_members), 6, {1, 1}, NULL};

static const struct member query_members[] = {
        {"required", 1, FORM_BOOL, NULL, 0},
        {"in", 2, FORM_STRING, NULL, 0},
        {"description", 3, FORM_STRING, NULL, 0},
        {"name", 4, FORM_STRING, NULL, 0},
        {"type", 6, FORM_STRING, NULL, 0},
        {"format", 7, FORM_STRING, NULL, 0},
};
static const struct member path_members[] = {
        {"required", 1, FORM_BOOL, NULL, 0},
        {"in", 2, FORM_STRING, NULL, 0},
        {"description", 3, FORM_STRING, NULL, 0},
        {"name", 4, FORM_STRING, NULL, 0},
        {"type", 5, FORM_STRING, NULL, 0},
        {"format", 6, FORM_STRING, NULL, 0},
};
static const struct message query_parameter = {
        query_members, KT_ARRAY_SIZE(query_members), 0, {3}, NULL};
static const struct message path_parameter = {
        path_members, KT_ARRAY_SIZE(path_members), 0, {4}, NULL};

static const struct message *choose_parameter(const json_t *value)
{
	const char *in = kt_jstr(value, "in");

	if (kt_streq(in, "body"))
		return &body_parameter;
	return kt_streq(in, "path") ? &path_parameter : &query_parameter;
}
static const struct message parameter = {.choose = choose_parameter};

static const struct member response_members[] = {
        {"description", 1, FORM_STRING, NULL, 0},
        {"schema", 2, FORM_OBJECT, &schema_item, 0},
};
/* ResponseValue{1: Response} */
static const struct message response = {
        response_members, KT_ARRAY_SIZE(response_members), 5, {1}, NULL};

static const struct member operation_members[] = {
        {"tags", 1, FORM_STRINGS, NULL, 0},
        {"description", 3, FORM_STRING, NULL, 0},
        {"operationId", 5, FORM_STRING, NULL, 0},
        {"produces", 6, FORM_STRINGS, NULL, 0},
        {"consumes", 7, FORM_STRINGS, NULL, 0},
        {"parameters", 8, FORM_LIST, &parameter, 0},
        {"responses", 9, FORM_NAMED, &response, 1},
        {"schemes", 10, FORM_STRINGS, NULL, 0},
};
static const struct message operation = {
        operation_members, KT_ARRAY_SIZE(operation_members), 13, {0}, NULL};

static const struct member path_item_members[] = {
        {"get", 2, FORM_OBJECT, &operation, 0},
        {"put", 3, FORM_OBJECT, &operation, 0},
        {"post", 4, FORM_OBJECT, &operation, 0},
        {"delete", 5, FORM_OBJECT, &operation, 0},
        {"options", 6, FORM_OBJECT, &operation, 0},
        {"head", 7, FORM_OBJECT, &operation, 0},
        {"patch", 8, FORM_OBJECT, &operation, 0},
        {"parameters", 9, FORM_LIST, &parameter, 0},
};
static const struct message path_item = {
        path_item_members, KT_ARRAY_SIZE(path_item_members), 10, {0}, NULL};

static const struct member info_members[] = {
        {"title", 1, FORM_STRING, NULL, 0},
        {"version", 2, FORM_STRING, NULL, 0},
};
static const struct message info = {info_members, KT_ARRAY_SIZE(info_members), 7, {0}, NULL};

static const struct member api_key_members[] = {
        {"type", 1, FORM_STRING, NULL, 0},
        {"name", 2, FORM_STRING, NULL, 0},
        {"in", 3, FORM_STRING, NULL, 0},
        {"description", 4, FORM_STRING, NULL, 0},
};
/* SecurityDefinitionsItem{2: ApiKeySecurity} */
static const struct message api_key = {
        api_key_members, KT_ARRAY_SIZE(api_key_members), 5, {2}, NULL};

static const struct member document_members[] = {
        {"swagger", 1, FORM_STRING, NULL, 0},
        {"info", 2, FORM_OBJECT, &info, 0},
        {"paths", 8, FORM_NAMED, &path_item, 2},
        {"definitions", 9, FORM_NAMED, &schema_type, 1},
        {"security", 12, FORM_SECURITY, NULL, 0},
        {"securityDefinitions", 13, FORM_NAMED, &api_key, 1},
};
static const struct message document_type = {
        document_members, KT_ARRAY_SIZE(document_members), 16, {0}, NULL};

static void put_message(
        struct kt_str *out, uint32_t number, const struct message *type, const json_t *value);

static void put_text(struct kt_str *out, uint32_t number, const json_t *value)
{
	if (json_is_string(value))
		wire_put_bytes(out, number, json_string_value(value), json_string_length(value));
}

static void put_any(struct kt_str *out, uint32_t number, const json_t *value)
{
	size_t at = wire_begin(out, number);
	kt_auto_str yaml = KT_STR_INIT;

	kt_json_write(&yaml, value, KT_JSON_SORT); /* JSON is YAML */
	wire_put_bytes(out, 2, yaml.data, yaml.len);
	wire_end(out, at);
}

static void put_double(struct kt_str *out, uint32_t number, double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	wire_put_tag(out, number, WIRE_FIXED64);
	for (int i = 0; i < 8; i++)
		kt_str_putc(out, (char)(bits >> (8 * i)));
}

static void put_named(struct kt_str *out, const struct member *m, const json_t *value)
{
	size_t at = wire_begin(out, m->number);
	const char *name;
	json_t *entry;

	json_object_foreach((json_t *)(uintptr_t)value, name, entry) {
		size_t one = wire_begin(out, m->named_number);

		wire_put_bytes(out, 1, name, strlen(name));
		put_message(out, 2, m->type, entry);
		wire_end(out, one);
	}
	wire_end(out, at);
}

/* SecurityRequirement{1: repeated {1: name, 2: StringArray}} */
static void put_security(struct kt_str *out, uint32_t number, const json_t *list)
{
	json_t *requirement, *scopes;
	const char *name;
	size_t i;

	json_array_foreach(list, i, requirement) {
		size_t at = wire_begin(out, number);

		json_object_foreach(requirement, name, scopes) {
			size_t one = wire_begin(out, 1);

			wire_put_bytes(out, 1, name, strlen(name));
			wire_end(out, wire_begin(out, 2));
			wire_end(out, one);
		}
		wire_end(out, at);
	}
}

static void put_inside(struct kt_str *out, const struct member *m, const json_t *value)
{
	size_t at = wire_begin(out, m->number);

	if (m->form == FORM_TYPE)
		put_text(out, 1, value);
	else if (json_is_boolean(value))
		wire_put_uint(out, 2, json_is_true(value));
	else
		put_message(out, 1, m->type, value);
	wire_end(out, at);
}

static void put_list(struct kt_str *out, const struct member *m, const json_t *list)
{
	json_t *entry;
	size_t i;

	json_array_foreach(list, i, entry) {
		if (m->form == FORM_STRINGS)
			put_text(out, m->number, entry);
		else if (m->form == FORM_ANYS)
			put_any(out, m->number, entry);
		else
			put_message(out, m->number, m->type, entry);
	}
}

static void put_member(struct kt_str *out, const struct member *m, const json_t *value)
{
	switch (m->form) {
	case FORM_STRING:
		put_text(out, m->number, value);
		break;
	case FORM_BOOL:
		if (json_is_true(value))
			wire_put_uint(out, m->number, 1);
		break;
	case FORM_INT:
		wire_put_uint(out, m->number, (uint64_t)json_integer_value(value));
		break;
	case FORM_DOUBLE:
		put_double(out, m->number, json_number_value(value));
		break;
	case FORM_ANY:
		put_any(out, m->number, value);
		break;
	case FORM_STRINGS:
	case FORM_ANYS:
	case FORM_LIST:
		put_list(out, m, value);
		break;
	case FORM_OBJECT:
		put_message(out, m->number, m->type, value);
		break;
	case FORM_NAMED:
		put_named(out, m, value);
		break;
	case FORM_TYPE:
	case FORM_ITEMS:
	case FORM_ADDITIONAL:
		put_inside(out, m, value);
		break;
	case FORM_SECURITY:
		put_security(out, m->number, value);
		break;
	}
}

/* x-kubernetes-… members: NamedAny{1: name, 2: Any} */
static void put_extensions(struct kt_str *out, uint32_t number, const json_t *object)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)object, key, value) {
		size_t at;

		if (!kt_starts_with(key, "x-"))
			continue;
		at = wire_begin(out, number);
		wire_put_bytes(out, 1, key, strlen(key));
		put_any(out, 2, value);
		wire_end(out, at);
	}
}

static void put_members(struct kt_str *out, const struct message *type, const json_t *object)
{
	for (size_t i = 0; i < type->n_members; i++) {
		const json_t *value = json_object_get(object, type->members[i].key);

		if (value)
			put_member(out, &type->members[i], value);
	}
	if (type->extensions)
		put_extensions(out, type->extensions, object);
}

static void put_message(
        struct kt_str *out, uint32_t number, const struct message *type, const json_t *value)
{
	size_t at = wire_begin(out, number), outer = 0, inner = 0;
	bool is_parameter = type->choose != NULL, plain;

	if (type->choose)
		type = type->choose(value);
	plain = is_parameter && type != &body_parameter;
	/* ParametersItem{1: Parameter{2: NonBodyParameter{wrap: …}}} for what is no body */
	if (plain) {
		outer = wire_begin(out, 1);
		inner = wire_begin(out, 2);
	}
	if (type->wrap[0]) {
		size_t first = wire_begin(out, type->wrap[0]);

		if (type->wrap[1]) {
			size_t second = wire_begin(out, type->wrap[1]);

			put_members(out, type, value);
			wire_end(out, second);
		} else {
			put_members(out, type, value);
		}
		wire_end(out, first);
	} else {
		put_members(out, type, value);
	}
	if (plain) {
		wire_end(out, inner);
		wire_end(out, outer);
	}
	wire_end(out, at);
}

struct kt_buf *kt_openapi_v2_protobuf(const struct kt_buf *document)
{
	kt_auto_json json_t *tree =
	        kt_json_parse((struct kt_sv){document->data, document->len}, NULL, NULL);
	kt_auto_str out = KT_STR_INIT;

	put_members(&out, &document_type, tree);
	return kt_buf_from_str(&out);
}
