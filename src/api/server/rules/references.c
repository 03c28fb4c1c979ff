/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/rules/references.h"

void kt_check_typed_reference(struct kt_rule_context *c, const struct kt_at *reference)
{
	struct kt_at group = kt_at(reference, "apiGroup"), kind = kt_at(reference, "kind"),
	             name = kt_at(reference, "name");
	if (group.value)
		kt_check_format(c, &group, "dns1123-subdomain");
	if (kt_check_required(c, &kind))
		kt_check_format(c, &kind, "path-segment");
	if (kt_check_required(c, &name))
		kt_check_format(c, &name, "path-segment");
}

void kt_check_domain_path(struct kt_rule_context *c, const struct kt_at *at)
{
	const char *text = kt_at_text(at), *slash = strchr(text, '/');
	if (!*text) {
		kt_add_required(c, at, "");
		return;
	}
	if (!slash || slash == text || !slash[1]) {
		kt_add_invalid(c, at, "must be a domain-prefixed path (such as \"acme.io/foo\")");
		return;
	}
	kt_auto_json json_t *host = json_stringn(text, (size_t)(slash - text));
	struct kt_at shown = kt_at_with(at, host);
	kt_check_format(c, &shown, "dns1123-subdomain");
}
