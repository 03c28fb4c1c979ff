/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/command/options.h"

#include "tui/command/discovery.h"

#include <errno.h>

const char *const kt_dry_run_words[] = {"none", "client", "server", NULL};
const char *const kt_validate_words[] = {"strict", "warn", "ignore", "true", "false", NULL};
const char *const kt_cascade_words[] = {"background", "foreground", "orphan", NULL};

static bool one_of(const char *const *words, const char *text)
{
	for (; *words; words++)
		if (!strcmp(*words, text))
			return true;
	return false;
}

int kt_check_write_options(const struct kt_command_context *ctx, struct kt_err *err)
{
	const char *dry_run = kt_opt_string(ctx, "dry-run"),
	           *validate = kt_opt_string(ctx, "validate");

	if (dry_run && !one_of(kt_dry_run_words, dry_run))
		return kt_fail(err, EINVAL,
		        "Invalid dry-run value (%s). Must be \"none\", \"server\", or \"client\".",
		        dry_run);
	if (validate && !one_of(kt_validate_words, validate))
		return kt_fail(err, EINVAL,
		        "invalid - validate option \"%s\"; must be one of: strict (or true), warn, "
		        "ignore (or false)",
		        validate);
	return 0;
}

const char *kt_propagation(const char *cascade)
{
	if (!strcmp(cascade, "orphan") || !strcmp(cascade, "false"))
		return "Orphan";
	return !strcmp(cascade, "foreground") ? "Foreground" : "Background";
}

int kt_check_cascade(const struct kt_command_context *ctx, struct kt_err *err)
{
	static const char *const OLD_WORDS[] = {"true", "false", NULL};
	const char *cascade = kt_opt_string(ctx, "cascade");

	return one_of(kt_cascade_words, cascade) || one_of(OLD_WORDS, cascade)
	               ? 0
	               : kt_fail(err, EINVAL,
	                         "invalid cascade value (%s). Must be \"background\", "
	                         "\"foreground\", or \"orphan\"",
	                         cascade);
}

const char *kt_dry_run_note(const struct kt_command_context *ctx)
{
	const char *mode = kt_opt_string(ctx, "dry-run");

	if (kt_streq(mode, "server"))
		return " (server dry run)";
	return kt_streq(mode, "client") ? " (dry run)" : "";
}

bool kt_is_dry_run_client(const struct kt_command_context *ctx)
{
	return kt_streq(kt_opt_string(ctx, "dry-run"), "client") || kt_opt_bool(ctx, "local");
}

static const char *field_validation(const char *validate)
{
	if (!validate || !strcmp(validate, "strict") || !strcmp(validate, "true"))
		return "Strict";
	return !strcmp(validate, "warn") ? "Warn" : "Ignore";
}

char *kt_write_query(const struct kt_command_context *ctx)
{
	const char *manager = kt_opt_string(ctx, "field-manager");
	struct kt_str query = KT_STR_INIT;

	if (manager) {
		kt_str_puts(&query, "?fieldManager=");
		kt_url_escape(&query, manager);
	}
	if (kt_opt_string(ctx, "validate"))
		kt_str_printf(&query, "%cfieldValidation=%s", query.len ? '&' : '?',
		        field_validation(kt_opt_string(ctx, "validate")));
	if (kt_streq(kt_opt_string(ctx, "dry-run"), "server"))
		kt_str_printf(&query, "%cdryRun=All", query.len ? '&' : '?');
	return kt_str_steal(&query);
}
