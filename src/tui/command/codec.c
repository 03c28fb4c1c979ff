/* SPDX-License-Identifier: GPL-3.0-or-later */
/* codec: one object from one form to another, without a cluster. */
#include "tui/command/options.h"

#include "api/codec/codec.h"
#include "base/yaml.h"

#include <errno.h>

#define INPUT_BYTES_MAX (64 << 20) /* more than any object a server takes */

static const char *const FORMS[] = {"json", "yaml", "protobuf", NULL};

static const struct kt_option OPTIONS[] = {
        {.name = "from",
                .type = KT_OPTION_STRING,
                .value_name = "json|yaml|protobuf",
                .help = "form of the input",
                .fallback = "json",
                .completion = KT_COMPLETE_WORDS,
                .words = FORMS},
        {.name = "to",
                .type = KT_OPTION_STRING,
                .value_name = "json|yaml|protobuf",
                .help = "form of the output",
                .fallback = "json",
                .completion = KT_COMPLETE_WORDS,
                .words = FORMS},
        {.name = "pretty", .type = KT_OPTION_BOOL, .help = "indent JSON"},
        KT_OPTION_END,
};

static enum kt_media parse_form(const char *text)
{
	static const enum kt_media media[] = {KT_MEDIA_JSON, KT_MEDIA_YAML, KT_MEDIA_PROTOBUF};

	for (size_t i = 0; FORMS[i]; i++)
		if (strcmp(FORMS[i], text) == 0)
			return media[i];
	return KT_MEDIA_UNKNOWN;
}

static int read_all(FILE *in, struct kt_str *out, struct kt_err *err)
{
	char block[16384];
	size_t n;

	while ((n = fread(block, 1, sizeof(block), in)) > 0) {
		kt_str_add(out, block, n);
		if (out->len > INPUT_BYTES_MAX)
			return kt_fail(err, EFBIG, "the input is larger than %d MiB",
			        INPUT_BYTES_MAX >> 20);
	}
	return ferror(in) ? kt_fail(err, EIO, "cannot read the input") : 0;
}

/* The type the body names; NULL for kinds that are not built in. */
static int find_type(
        struct kt_sv body, enum kt_media from, const struct kt_type **ret_type, struct kt_err *err)
{
	char *api_version = NULL, *kind = NULL;
	int r = kt_codec_peek(body, from, &api_version, &kind, err);
	kt_auto_free char *version_owner = api_version, *kind_owner = kind;
	const char *slash = api_version ? strchr(api_version, '/') : NULL;
	kt_auto_free char *group =
	        slash ? kt_strndup(api_version, (size_t)(slash - api_version)) : kt_strdup("");

	(void)version_owner;
	(void)kind_owner;
	if (r < 0)
		return r;
	if (!api_version || !kind)
		return kt_fail(err, EINVAL, "the input has no apiVersion or no kind");
	*ret_type = kt_type_for_body(group, slash ? slash + 1 : api_version, kind);
	return 0;
}

/* What no table knows goes through as it is: JSON and YAML say the same. */
static int read_plain(struct kt_sv body, enum kt_media from, json_t **ret_tree, struct kt_err *err)
{
	if (from == KT_MEDIA_PROTOBUF)
		return kt_fail(err, ENOTSUP, "only built-in kinds have a protobuf form");
	*ret_tree = from == KT_MEDIA_YAML ? kt_yaml_parse_one(body, err)
	                                  : kt_json_parse(body, NULL, err);
	return *ret_tree ? 0 : -EINVAL;
}

static int write_tree(struct kt_command_context *ctx, const struct kt_type *type,
        const json_t *tree, enum kt_media to, struct kt_err *err)
{
	kt_auto_str out = KT_STR_INIT;
	kt_auto_json json_t *canonical = NULL;

	if (to == KT_MEDIA_PROTOBUF) {
		if (!type)
			return kt_fail(err, ENOTSUP, "only built-in kinds have a protobuf form");
		if (kt_codec_encode_protobuf(&out, type, tree, err) < 0)
			return -ENOTSUP;
	} else {
		canonical = type ? kt_codec_canonical(type, tree)
		                 : json_incref((json_t *)(uintptr_t)tree);
		if (to == KT_MEDIA_YAML)
			kt_yaml_write(&out, canonical);
		else
			kt_json_write(
			        &out, canonical, kt_opt_bool(ctx, "pretty") ? KT_JSON_PRETTY : 0);
		if (to == KT_MEDIA_JSON)
			kt_str_putc(&out, '\n');
	}
	fwrite(out.data, 1, out.len, ctx->out);
	return 0;
}

static int convert(
        struct kt_command_context *ctx, enum kt_media from, enum kt_media to, struct kt_err *err)
{
	kt_auto_str body = KT_STR_INIT;
	kt_auto_json json_t *tree = NULL;
	kt_auto_warnings warnings = {0};
	const struct kt_type *type = NULL;
	const struct kt_codec_options options = {
	        .media = from, .strict = KT_STRICT_WARN, .bare_errors = true};
	int r = read_all(ctx->in, &body, err);

	if (r == 0)
		r = find_type((struct kt_sv){body.data, body.len}, from, &type, err);
	if (r < 0)
		return r;
	if (type)
		r = kt_codec_decode(
		        (struct kt_sv){body.data, body.len}, type, &options, &tree, &warnings, err);
	else
		r = read_plain((struct kt_sv){body.data, body.len}, from, &tree, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < warnings.texts.n; i++)
		fprintf(ctx->err, "Warning: %s\n", warnings.texts.items[i]);
	return write_tree(ctx, type, tree, to, err);
}

static int run_codec(struct kt_command_context *ctx)
{
	kt_auto_err err = KT_ERR_INIT;
	enum kt_media from = parse_form(kt_opt_string(ctx, "from")),
	              to = parse_form(kt_opt_string(ctx, "to"));

	if (from == KT_MEDIA_UNKNOWN || to == KT_MEDIA_UNKNOWN)
		return kt_command_fail(ctx, NULL, "--from and --to take json, yaml or protobuf");
	if (convert(ctx, from, to, &err) < 0)
		return kt_command_fail(ctx, &err, NULL);
	return KT_EXIT_OK;
}

const struct kt_command kt_command_codec = {
        .name = "codec",
        .group = "Cluster",
        .usage = "codec --from json|yaml|protobuf --to json|yaml|protobuf [--pretty]",
        .summary = "Turn one object from one form into another",
        .help = "Reads one object from standard input and writes it to standard output, with "
                "canonical values and the fields in\n"
                "the order the API has them. Unknown fields are named as warnings and left out. "
                "Kinds that are not built in go\n"
                "between JSON and YAML as they are.",
        .options = OPTIONS,
        .run = run_codec,
};
