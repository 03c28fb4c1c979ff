/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/codec/codec.h"

#include <strings.h>

enum kt_media kt_media_parse(const char *content_type)
{
	struct kt_sv rest, name;

	if (!content_type || !*content_type)
		return KT_MEDIA_JSON;
	rest = kt_sv_of(content_type);
	kt_sv_split(&rest, ';', &name);
	name = kt_sv_trim(name);
	for (enum kt_media media = KT_MEDIA_JSON; media <= KT_MEDIA_PROTOBUF; media++) {
		const char *known = kt_media_name(media);

		if (name.len == strlen(known) && strncasecmp(name.p, known, name.len) == 0)
			return media;
	}
	return KT_MEDIA_UNKNOWN;
}

const char *kt_media_name(enum kt_media media)
{
	switch (media) {
	case KT_MEDIA_JSON:
		return "application/json";
	case KT_MEDIA_YAML:
		return "application/yaml";
	case KT_MEDIA_PROTOBUF:
		return "application/vnd.kubernetes.protobuf";
	case KT_MEDIA_UNKNOWN:
		break;
	}
	return "";
}

void kt_warnings_add(struct kt_warnings *warnings, const char *fmt, ...)
{
	va_list ap;

	if (!warnings)
		return;
	va_start(ap, fmt);
	kt_vec_push(&warnings->texts, kt_vasprintf(fmt, ap));
	va_end(ap);
}

void kt_warnings_finish(struct kt_warnings *warnings)
{
	for (size_t i = 0; i < warnings->texts.n; i++)
		free(warnings->texts.items[i]);
	kt_vec_finish(&warnings->texts);
}
