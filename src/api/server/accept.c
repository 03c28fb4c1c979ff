/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/accept.h"

#define CLAUSES_MAX 32

/* One comma-separated part of the header. */
struct clause {
	struct kt_sv type;
	struct kt_sv as, group, version;
	bool pretty;
	double quality;
};

static const struct {
	const char *name;
	enum kt_media media;
	unsigned needs; /* offer; 0: always there */
} media_types[] = {
        {"application/json", KT_MEDIA_JSON, 0},
        {"application/yaml", KT_MEDIA_YAML, 0},
        {"application/vnd.kubernetes.protobuf", KT_MEDIA_PROTOBUF, KT_OFFER_PROTOBUF},
};

static void parse_parameter(struct clause *clause, struct kt_sv text)
{
	struct kt_sv value = text, name;

	if (!kt_sv_split(&value, '=', &name) || !value.p)
		return;
	name = kt_sv_trim(name);
	value = kt_sv_trim(value);
	if (kt_sv_is(name, "as"))
		clause->as = value;
	else if (kt_sv_is(name, "g"))
		clause->group = value;
	else if (kt_sv_is(name, "v"))
		clause->version = value;
	else if (kt_sv_is(name, "pretty"))
		clause->pretty = kt_sv_is(value, "1");
	else if (kt_sv_is(name, "q")) {
		kt_auto_free char *number = kt_sv_dup(value);
		clause->quality = strtod(number, NULL);
	}
}

static size_t parse_header(const char *header, struct clause clauses[CLAUSES_MAX])
{
	struct kt_sv rest = kt_sv_of(header), part, parameter;
	size_t n = 0;

	while (n < CLAUSES_MAX && kt_sv_split(&rest, ',', &part)) {
		struct clause clause = {.quality = 1.0};
		if (!kt_sv_split(&part, ';', &parameter))
			continue;
		clause.type = kt_sv_trim(parameter);
		while (part.p && kt_sv_split(&part, ';', &parameter))
			parse_parameter(&clause, parameter);
		size_t at = n++;
		for (; at > 0 && clauses[at - 1].quality < clause.quality; at--)
			clauses[at] = clauses[at - 1];
		clauses[at] = clause;
	}
	return n;
}

static bool is_offered(size_t i, unsigned offers)
{
	return !media_types[i].needs || (offers & media_types[i].needs);
}

/* "application/json, application/yaml, …" */
static void list_media(struct kt_str *out, unsigned offers, const char *suffix)
{
	for (size_t i = 0; i < KT_ARRAY_SIZE(media_types); i++) {
		if (!is_offered(i, offers) || (*suffix && media_types[i].media == KT_MEDIA_YAML))
			continue;
		kt_str_printf(out, "%s%s%s", out->len ? ", " : "", media_types[i].name, suffix);
	}
}

/* The outer check knows full media types and the one that fits all. */
static bool outer_match(const struct clause *clauses, size_t n, unsigned offers)
{
	for (size_t c = 0; c < n; c++) {
		if (kt_sv_is(clauses[c].type, "*/*") || !clauses[c].type.len)
			return true;
		for (size_t i = 0; i < KT_ARRAY_SIZE(media_types); i++)
			if (is_offered(i, offers) && kt_sv_is(clauses[c].type, media_types[i].name))
				return true;
	}
	return n == 0;
}

static bool match_discovery(const struct clause *clause, struct kt_accept *ret)
{
	if (!kt_sv_is(clause->as, "APIGroupDiscoveryList") ||
	        !kt_sv_is(clause->group, "apidiscovery.k8s.io"))
		return false;
	if (!kt_sv_is(clause->version, "v2"))
		return false;
	ret->form = KT_FORM_DISCOVERY_V2;
	return true;
}

/* Is the transformation one that is offered? */
static bool match_form(const struct clause *clause, unsigned offers, struct kt_accept *ret)
{
	if (!clause->as.len) {
		ret->form = KT_FORM_OBJECT;
		return true;
	}
	if (offers & KT_OFFER_DISCOVERY)
		return match_discovery(clause, ret);
	bool v1 = kt_sv_is(clause->version, "v1");
	if (!kt_sv_is(clause->group, "meta.k8s.io") ||
	        (!v1 && !kt_sv_is(clause->version, "v1beta1")))
		return false;
	ret->form_version = v1 ? "v1" : "v1beta1";
	if ((offers & KT_OFFER_TABLE) && kt_sv_is(clause->as, "Table") &&
	        ret->media != KT_MEDIA_PROTOBUF) {
		ret->form = KT_FORM_TABLE;
		return true;
	}
	if (!(offers & KT_OFFER_PARTIAL))
		return false;
	ret->form = KT_FORM_PARTIAL;
	ret->partial_list = kt_sv_is(clause->as, "PartialObjectMetadataList");
	return ret->partial_list || kt_sv_is(clause->as, "PartialObjectMetadata");
}

static bool match_clause(const struct clause *clause, unsigned offers, struct kt_accept *ret)
{
	for (size_t i = 0; i < KT_ARRAY_SIZE(media_types); i++) {
		struct kt_accept accept = {.media = media_types[i].media,
		        .form_version = "v1",
		        .pretty = clause->pretty};
		bool fits = !clause->type.len || kt_sv_is(clause->type, "*/*") ||
		            kt_sv_is(clause->type, "application/*") ||
		            kt_sv_is(clause->type, media_types[i].name);
		if (!fits || !is_offered(i, offers) || !match_form(clause, offers, &accept))
			continue;
		*ret = accept;
		return true;
	}
	return false;
}

static int refuse_outer(struct kt_request *request, unsigned offers)
{
	kt_auto_str media = KT_STR_INIT, streams = KT_STR_INIT;

	list_media(&media, offers, "");
	if (offers & KT_OFFER_STREAM)
		list_media(&streams, offers, ";stream=watch");
	kt_fail_reason(&request->err, KT_REASON_NOT_ACCEPTABLE,
	        kt_reason_errno(KT_REASON_NOT_ACCEPTABLE),
	        "406: Not Acceptable\n\nAvailable representations: %s%s%s", kt_str_text(&media),
	        streams.len ? ", " : "", kt_str_text(&streams));
	kt_err_set_about(&request->err, NULL, NULL, NULL, NULL);
	return request->err.code;
}

/* What Go's strconv.ParseBool takes for true; and browsers and tools that a person reads. */
static bool wants_pretty(const struct kt_request *request)
{
	static const char *const yes[] = {"1", "t", "T", "TRUE", "true", "True"};
	const char *pretty = kt_request_query(request, "pretty");
	const char *agent = kt_request_header(request, "user-agent");

	for (size_t i = 0; i < KT_ARRAY_SIZE(yes); i++)
		if (kt_streq(pretty, yes[i]))
			return true;
	if (pretty && *pretty)
		return false;
	return agent && (kt_starts_with(agent, "curl") || kt_starts_with(agent, "Wget") ||
	                        kt_starts_with(agent, "Mozilla/5.0"));
}

int kt_accept_negotiate(struct kt_request *request, unsigned offers)
{
	const char *header = kt_request_header(request, "accept");
	struct clause clauses[CLAUSES_MAX];
	size_t n = header ? parse_header(header, clauses) : 0;
	struct kt_accept *accept = &request->state->accept;

	*accept = (struct kt_accept){.media = KT_MEDIA_JSON, .form_version = "v1"};
	if (!outer_match(clauses, n, offers))
		return refuse_outer(request, offers);
	bool found = n == 0;
	for (size_t i = 0; i < n && !found; i++)
		found = match_clause(&clauses[i], offers, accept);
	accept->pretty = accept->pretty || wants_pretty(request);
	if (found)
		return 0;
	kt_auto_str media = KT_STR_INIT;
	list_media(&media, offers, "");
	return kt_fail_reason(&request->err, KT_REASON_NOT_ACCEPTABLE,
	        kt_reason_errno(KT_REASON_NOT_ACCEPTABLE),
	        "only the following media types are accepted: %s", kt_str_text(&media));
}
