/* SPDX-License-Identifier: GPL-3.0-or-later */
/* explain: the fields of a kind, from the built-in tables or, for custom resources, from the
 * server's OpenAPI document. */
#include "tui/command/options.h"
#include "tui/command/output.h"

#include "api/schema/schema.h"

#include <ctype.h>
#include <errno.h>

static const struct kt_option OPTIONS[] = {
        {.name = "recursive",
                .type = KT_OPTION_BOOL,
                .help = "the fields of the fields too, without their texts"},
        {.name = "api-version",
                .type = KT_OPTION_STRING,
                .value_name = "GROUP/VERSION",
                .help = "this version of the type"},
        {.name = "output",
                .type = KT_OPTION_STRING,
                .value_name = "plaintext",
                .fallback = "plaintext",
                .help = "the form of the text; there is one"},
        KT_OPTION_END,
};

/* A node of either source: a table type or a JSON schema. */
struct node {
	const struct kt_type *type;
	const json_t *schema;
	const json_t *schemas; /* components.schemas of the document, for $ref */
};

struct member {
	const char *name, *doc;
	struct node node;
	bool required;
	const char *const *enum_values;
	char type_text[96];
};

/* Table types */

static const char *shape_word(enum kt_shape shape)
{
	switch (shape) {
	case KT_SHAPE_OBJECT:
		return "Object";
	case KT_SHAPE_FIELDS_V1:
		return "FieldsV1";
	case KT_SHAPE_MAP:
		return "map";
	case KT_SHAPE_LIST:
		return "[]";
	case KT_SHAPE_INT32:
	case KT_SHAPE_INT64:
	case KT_SHAPE_UINT32:
	case KT_SHAPE_UINT64:
		return "integer";
	case KT_SHAPE_DOUBLE:
		return "number";
	case KT_SHAPE_BOOL:
		return "boolean";
	case KT_SHAPE_QUANTITY:
		return "Quantity";
	case KT_SHAPE_INT_OR_STRING:
		return "IntOrString";
	case KT_SHAPE_JSON:
	case KT_SHAPE_ANY:
		return "any";
	default:
		return "string";
	}
}

static void type_text(const struct kt_type *type, char *out, size_t size)
{
	if (type->shape == KT_SHAPE_LIST || type->shape == KT_SHAPE_MAP) {
		char inner[64];

		type_text(type->elem, inner, sizeof(inner));
		snprintf(out, size, "%s%s", type->shape == KT_SHAPE_LIST ? "[]" : "map[string]",
		        inner);
		return;
	}
	bool has_fields = type->shape == KT_SHAPE_OBJECT || type->shape == KT_SHAPE_RAW ||
	                  type->shape == KT_SHAPE_SCHEMA_OR_BOOL ||
	                  type->shape == KT_SHAPE_SCHEMA_OR_ARRAY ||
	                  type->shape == KT_SHAPE_SCHEMA_OR_STRINGS;
	const char *dot = has_fields && type->name ? strrchr(type->name, '.') : NULL;

	snprintf(out, size, "%s", dot ? dot + 1 : shape_word(type->shape));
}

/* The type whose fields a path goes on with: lists and maps are entered silently. */
static const struct kt_type *entered(const struct kt_type *type)
{
	while (type->shape == KT_SHAPE_LIST || type->shape == KT_SHAPE_MAP)
		type = type->elem;
	return type;
}

/* JSON schemas */

static const json_t *resolved(const json_t *schemas, const json_t *schema)
{
	const char *ref = kt_jstr(schema, "$ref");

	if (!ref && json_array_size(json_object_get(schema, "allOf")) == 1)
		ref = kt_jstr(json_array_get(json_object_get(schema, "allOf"), 0), "$ref");
	const char *slash = ref ? strrchr(ref, '/') : NULL;

	return slash ? json_object_get(schemas, slash + 1) : schema;
}

static void schema_text(const json_t *schemas, const json_t *schema, char *out, size_t size)
{
	const json_t *real = resolved(schemas, schema);
	const char *type = kt_jstr(real, "type");
	char inner[64];

	if (kt_streq(type, "array")) {
		schema_text(schemas, json_object_get(real, "items"), inner, sizeof(inner));
		snprintf(out, size, "[]%s", inner);
	} else if (json_is_object(json_object_get(real, "additionalProperties"))) {
		schema_text(schemas, json_object_get(real, "additionalProperties"), inner,
		        sizeof(inner));
		snprintf(out, size, "map[string]%s", inner);
	} else {
		snprintf(out, size, "%s", !type || !strcmp(type, "object") ? "Object" : type);
	}
}

static const json_t *entered_schema(const json_t *schemas, const json_t *schema)
{
	for (int depth = 0; depth < 16; depth++) {
		schema = resolved(schemas, schema);
		if (kt_streq(kt_jstr(schema, "type"), "array"))
			schema = json_object_get(schema, "items");
		else if (json_is_object(json_object_get(schema, "additionalProperties")))
			schema = json_object_get(schema, "additionalProperties");
		else
			break;
	}
	return resolved(schemas, schema);
}

static bool in_array(const json_t *array, const char *text)
{
	json_t *value;
	size_t i;

	json_array_foreach(array, i, value) {
		if (kt_streq(json_string_value(value), text))
			return true;
	}
	return false;
}

/* Members of a node, sorted by name. Heap array of *ret_n. */

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct member *)a)->name, ((const struct member *)b)->name);
}

/* With those of embedded structs, which stand in for the field that has them. */
static size_t count_fields(const struct kt_type *type)
{
	size_t n = 0;

	for (size_t i = 0; i < type->n_fields; i++)
		n += type->fields[i].flags & KT_FIELD_INLINE ? count_fields(type->fields[i].type)
		                                             : 1;
	return n;
}

static struct member *put_fields(const struct kt_type *type, struct member *to)
{
	for (size_t i = 0; i < type->n_fields; i++) {
		const struct kt_field *field = &type->fields[i];

		if (field->flags & KT_FIELD_INLINE) {
			to = put_fields(field->type, to);
			continue;
		}
		*to = (struct member){.name = field->name,
		        .doc = field->doc,
		        .node = {.type = field->type},
		        .required = field->flags & KT_FIELD_REQUIRED,
		        .enum_values = field->limits && entered(field->type) == field->type
		                               ? field->limits->enum_values
		                               : NULL};
		type_text(field->type, to->type_text, sizeof(to->type_text));
		to++;
	}
	return to;
}

static struct member *members_of(const struct node *node, size_t *ret_n)
{
	const json_t *properties = json_object_get(node->schema, "properties");
	size_t n = node->type ? count_fields(node->type) : json_object_size(properties), i = 0;
	struct member *members = kt_new_array(struct member, n + 1);

	if (node->type)
		put_fields(node->type, members);
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)properties, key, value) {
		const char *doc = kt_jstr(value, "description");

		members[i] = (struct member){.name = key,
		        .doc = doc ? doc : "",
		        .node = {.schema = value, .schemas = node->schemas},
		        .required = in_array(json_object_get(node->schema, "required"), key)};
		schema_text(
		        node->schemas, value, members[i].type_text, sizeof(members[i].type_text));
		i++;
	}
	qsort(members, n, sizeof(*members), by_name);
	*ret_n = n;
	return members;
}

static struct node enter(const struct node *node)
{
	if (node->type)
		return (struct node){.type = entered(node->type)};
	return (struct node){
	        .schema = entered_schema(node->schemas, node->schema), .schemas = node->schemas};
}

static bool has_members(const struct node *node)
{
	return node->type ? node->type->n_fields > 0
	                  : json_object_size(json_object_get(node->schema, "properties")) > 0;
}

/* Printing */

static void print_wrapped(FILE *out, const char *text, int indent, int width)
{
	int column = 0;

	while (*text) {
		size_t len = strcspn(text, " \n");

		if (column && column + 1 + (int)len > width - indent) {
			fputc('\n', out);
			column = 0;
		}
		fprintf(out, "%*s%.*s", column ? 1 : indent, "", (int)len, text);
		column += (int)len + (column ? 1 : 0);
		text += len;
		text += strspn(text, " \n");
	}
	fputc('\n', out);
}

#define ENUM_SHOWN_MAX 4 /* in a list of fields; the field itself shows all */

static void print_enum(FILE *out, const char *const *values, int indent)
{
	fprintf(out, "%*senum: ", indent, "");
	for (size_t i = 0; values[i]; i++) {
		if (i == ENUM_SHOWN_MAX) {
			fputs(", ....", out);
			break;
		}
		fprintf(out, "%s%s", i ? ", " : "", *values[i] ? values[i] : "\"\"");
	}
	fputc('\n', out);
}

#define RECURSION_MAX 12

/* What a member is in; a type that is among them is not entered again (JSONSchemaProps). */
struct outer {
	const struct outer *outer;
	const struct kt_type *type;
	int depth;
};

static bool may_enter(const struct outer *outer, const struct node *node)
{
	if (outer->depth >= RECURSION_MAX || !has_members(node))
		return false;
	for (; outer; outer = outer->outer)
		if (node->type && outer->type == node->type)
			return false;
	return true;
}

static void print_members(
        const struct kt_command_context *ctx, const struct node *node, const struct outer *outer)
{
	const struct outer here = {outer, node->type, outer ? outer->depth + 1 : 0};
	bool recursive = kt_opt_bool(ctx, "recursive");
	int indent = 2 + 2 * here.depth;
	size_t n;
	struct member *members = members_of(node, &n);

	for (size_t i = 0; i < n; i++) {
		const struct member *member = &members[i];
		struct node inside = enter(&member->node);

		fprintf(ctx->out, "%*s%s\t<%s>%s\n", indent, "", member->name, member->type_text,
		        member->required ? " -required-" : "");
		if (member->enum_values)
			print_enum(ctx->out, member->enum_values, indent);
		if (recursive && may_enter(&here, &inside))
			print_members(ctx, &inside, &here);
		if (!recursive) {
			if (member->doc && *member->doc)
				print_wrapped(ctx->out, member->doc, indent + 2,
				        KT_MIN(ctx->columns, 100));
			fputc('\n', ctx->out);
		}
	}
	free(members);
}

/* Walks the words behind the type; *ret_member is the last field (name NULL: the kind itself). */
static int walk(struct node *node, const char *path, struct member *ret_member, struct kt_err *err)
{
	struct kt_sv rest = kt_sv_of(path), part;

	*ret_member = (struct member){0};
	while (path && kt_sv_split(&rest, '.', &part)) {
		size_t n, i;
		struct member *members;

		if (!part.len)
			continue;
		*node = enter(node);
		members = members_of(node, &n);
		for (i = 0; i < n && !kt_sv_is(part, members[i].name); i++)
			;
		if (i < n) {
			*ret_member = members[i];
			*node = members[i].node;
		}
		free(members);
		if (i == n)
			return kt_fail(err, ENOENT, "field \"%.*s\" does not exist", (int)part.len,
			        part.p);
	}
	return 0;
}

static const json_t *find_schema(const json_t *schemas, const struct kt_resource *resource)
{
	const char *key;
	json_t *schema, *gvk;
	size_t i;

	json_object_foreach((json_t *)(uintptr_t)schemas, key, schema) {
		json_array_foreach(
		        json_object_get(schema, "x-kubernetes-group-version-kind"), i, gvk) {
			if (kt_streq(kt_jstr(gvk, "group"), resource->group) &&
			        kt_streq(kt_jstr(gvk, "version"), resource->version) &&
			        kt_streq(kt_jstr(gvk, "kind"), resource->kind))
				return schema;
		}
	}
	return NULL;
}

static void print_kind(struct kt_command_context *ctx, const struct kt_resource *resource)
{
	if (*resource->group)
		fprintf(ctx->out, "GROUP:      %s\n", resource->group);
	fprintf(ctx->out, "KIND:       %s\nVERSION:    %s\n\n", resource->kind, resource->version);
}

static void print_head(struct kt_command_context *ctx, const struct kt_resource *resource,
        const struct member *member, const char *doc, const char *type_doc)
{
	print_kind(ctx, resource);
	if (member->name) {
		fprintf(ctx->out, "FIELD: %s <%s>\n", member->name, member->type_text);
		fputs(member->enum_values ? "ENUM:\n" : "\n", ctx->out);
		for (size_t i = 0; member->enum_values && member->enum_values[i]; i++)
			fprintf(ctx->out, "    %s\n", member->enum_values[i]);
		fputc('\n', ctx->out);
	}
	int width = KT_MIN(ctx->columns, 100);
	bool more = type_doc && *type_doc && !kt_streq(type_doc, doc);

	fputs("DESCRIPTION:\n", ctx->out);
	if ((doc && *doc) || !more)
		print_wrapped(ctx->out, doc && *doc ? doc : "<empty>", 4, width);
	if (more)
		print_wrapped(ctx->out, type_doc, 4, width);
	fputs("    \n", ctx->out); /* kubectl indents the blank line, too */
}

static int explain(struct kt_command_context *ctx, const struct kt_resource *resource,
        struct node node, const char *path, const char *doc, struct kt_err *err)
{
	struct member member;

	if (walk(&node, path, &member, err) < 0) {
		print_kind(ctx, resource);
		return err->code;
	}
	struct node inside = enter(&node);

	print_head(ctx, resource, &member, member.name ? member.doc : doc,
	        member.name && inside.type ? inside.type->doc : NULL);
	if (has_members(&inside)) {
		fputs("FIELDS:\n", ctx->out);
		print_members(ctx, &inside, NULL);
	}
	fputc('\n', ctx->out);
	return 0;
}

static int explain_custom(struct kt_command_context *ctx, const struct kt_resource *resource,
        const char *path, struct kt_err *err)
{
	kt_auto_free char *url =
	        kt_asprintf("/openapi/v3/apis/%s/%s", resource->group, resource->version);
	kt_auto_json json_t *document = kt_session_get(ctx, url, NULL, err);
	const json_t *schemas = kt_jget(document, "components.schemas");
	const json_t *schema = find_schema(schemas, resource);

	if (!document)
		return err->code;
	if (!schema)
		return kt_fail(err, ENOENT, "couldn't find resource for \"%s/%s, Kind=%s\"",
		        resource->group, resource->version, resource->kind);
	return explain(ctx, resource, (struct node){.schema = schema, .schemas = schemas}, path,
	        kt_jstr(schema, "description"), err);
}

static const struct kt_resource *find_resource(
        struct kt_command_context *ctx, const char *word, struct kt_err *err)
{
	const char *api_version = kt_opt_string(ctx, "api-version");
	const struct kt_resource *resource = kt_session_resource(ctx->session, word, err);

	if (!resource || !api_version)
		return resource;
	const char *plural = resource->plural;

	resource = kt_session_resource_of_kind(ctx->session, api_version, resource->kind, err);
	if (!resource)
		kt_fail(err, ENOENT, "couldn't find resource for \"%s, Resource=%s\"", api_version,
		        plural);
	return resource;
}

/* The bytes of the type in TYPE.FIELD…: up to the first dot, or all of "PLURAL.GROUP". */
static size_t type_length(struct kt_command_context *ctx, const char *text)
{
	const struct kt_discovery *discovery = kt_session_discovery(ctx->session, NULL);
	size_t longest = strcspn(text, ".");

	for (size_t i = 0; discovery && i < discovery->n; i++) {
		kt_auto_free char *name = kt_resource_full_name(&discovery->resources[i]);
		size_t len = strlen(name);

		if (len > longest && !strncmp(text, name, len) && (!text[len] || text[len] == '.'))
			longest = len;
	}
	return longest;
}

static int run(struct kt_command_context *ctx)
{
	kt_auto_err err = KT_ERR_INIT;

	if (ctx->argc != 1)
		return kt_command_fail(ctx, NULL,
		        ctx->argc ? "We accept only this format: explain RESOURCE"
		                  : "You must specify the type of resource to explain. Use "
		                    "\"kube-tui api-resources\" for a complete list of "
		                    "supported resources.");
	if (!kt_streq(kt_opt_string(ctx, "output"), "plaintext"))
		return kt_command_fail(
		        ctx, NULL, "unrecognized format: %s", kt_opt_string(ctx, "output"));
	size_t length = type_length(ctx, ctx->argv[0]);
	kt_auto_free char *word = kt_strndup(ctx->argv[0], length);
	const char *dot = ctx->argv[0][length] ? ctx->argv[0] + length : NULL;
	const struct kt_resource *resource = find_resource(ctx, word, &err);

	if (!resource && kt_opt_given(ctx, "api-version"))
		return kt_command_fail(ctx, &err, NULL);
	if (!resource) { /* kubectl hands this one on as it is */
		kt_command_say(ctx, &err);
		return KT_EXIT_ERROR;
	}
	const struct kt_kind *kind =
	        kt_builtin_kind(resource->group, resource->version, resource->kind);
	int r = kind ? explain(ctx, resource, (struct node){.type = kind->type},
	                       dot ? dot + 1 : NULL, kind->doc, &err)
	             : explain_custom(ctx, resource, dot ? dot + 1 : NULL, &err);

	return r < 0 ? kt_command_fail(ctx, &err, NULL) : KT_EXIT_OK;
}

static const enum kt_completion ARGUMENTS[] = {KT_COMPLETE_FIELD_PATH, KT_COMPLETE_NONE};

const struct kt_command kt_command_explain = {
        .name = "explain",
        .group = "Look",
        .usage = "explain TYPE[.FIELD…] [--recursive]",
        .summary = "Explain a type or one of its fields",
        .help = "Examples:\n"
                "  kube-tui explain pod.spec.containers.livenessProbe\n"
                "  kube-tui explain deploy --recursive",
        .options = OPTIONS,
        .arguments = ARGUMENTS,
        .needs_client = true,
        .reads = true,
        .run = run,
};
