/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz: kt_api */
/* Bodies in JSON, YAML and protobuf. The first byte chooses the kind, the second the media type.
 * What decodes must encode, and that must decode to the same again. */
#include "fuzz/fuzz.h"

#include "api/codec/codec.h"
#include "base/log.h"

static void check_protobuf(const struct kt_type *type, const json_t *tree)
{
	kt_auto_str bytes = {0}, again = {0};
	kt_auto_json json_t *back = NULL;

	if (!kt_codec_has_protobuf(type))
		return;
	kt_assert(kt_codec_encode_protobuf(&bytes, type, tree, NULL) == 0);
	if (kt_protobuf_decode((struct kt_sv){bytes.data, bytes.len}, type, &back, NULL) < 0)
		return; /* deeper than messages may be */
	kt_codec_encode_json(&again, type, back);
}

static void check_tree(const struct kt_type *type, const json_t *tree)
{
	kt_auto_str first = {0}, second = {0};
	kt_auto_json json_t *back = NULL;
	const struct kt_codec_options options = {.media = KT_MEDIA_JSON};

	kt_codec_encode_json(&first, type, tree);
	kt_assert(kt_codec_decode((struct kt_sv){first.data, first.len}, type, &options, &back,
	                  NULL, NULL) == 0);
	kt_codec_encode_json(&second, type, back);
	kt_assert(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
	check_protobuf(type, tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum kt_media media[] = {KT_MEDIA_JSON, KT_MEDIA_YAML, KT_MEDIA_PROTOBUF};
	const struct kt_kind *kind;
	struct kt_codec_options options = {.strict = KT_STRICT_WARN};
	kt_auto_warnings warnings = {0};
	kt_auto_json json_t *tree = NULL;
	kt_auto_err err = KT_ERR_INIT;
	char *api_version = NULL, *name = NULL;

	if (size < 2)
		return 0;
	kind = &kt_builtin_kinds.kinds[data[0] % kt_builtin_kinds.n_kinds];
	options.media = media[data[1] % KT_ARRAY_SIZE(media)];
	struct kt_sv body = {(const char *)data + 2, size - 2};

	if (kt_codec_peek(body, options.media, &api_version, &name, NULL) == 0) {
		free(api_version);
		free(name);
	}
	if (kt_codec_decode(body, kind->type, &options, &tree, &warnings, &err) == 0)
		check_tree(kind->type, tree);
	else
		kt_assert(err.message && *err.message);
	return 0;
}
