/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/err.h"

#include "base/log.h"
#include "base/mem.h"

static int vfail(struct kt_err *err, int code, const char *fmt, va_list ap)
{
	kt_assert(code != 0);
	if (code > 0)
		code = -code;
	if (!err)
		return code;
	/* The arguments may point into the message that is replaced. */
	char *message = kt_vasprintf(fmt, ap);
	kt_err_clear(err);
	err->code = code;
	err->message = message;
	return code;
}

int kt_fail(struct kt_err *err, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	code = vfail(err, code, fmt, ap);
	va_end(ap);
	return code;
}

int kt_fail_reason(struct kt_err *err, int reason, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	code = vfail(err, code, fmt, ap);
	va_end(ap);
	if (err)
		err->reason = reason;
	return code;
}

int kt_wrap(struct kt_err *err, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return -1;
	va_start(ap, fmt);
	kt_auto_free char *context = kt_vasprintf(fmt, ap);
	va_end(ap);
	char *message = kt_asprintf("%s: %s", context, kt_err_message(err));
	free(err->message);
	err->message = message;
	return err->code;
}

void kt_err_add_cause(
        struct kt_err *err, const char *reason, const char *field, const char *message)
{
	if (!err)
		return;
	err->causes = kt_reallocarray(err->causes, err->n_causes + 1, sizeof(*err->causes));
	err->causes[err->n_causes++] = (struct kt_err_cause){
	        .reason = reason ? kt_strdup(reason) : NULL,
	        .message = kt_strdup(message),
	        .field = field ? kt_strdup(field) : NULL,
	};
}

static char *dup_or_null(const char *text)
{
	return text ? kt_strdup(text) : NULL;
}

static void about_destroy(struct kt_err_about *about)
{
	if (!about)
		return;
	free(about->group);
	free(about->kind);
	free(about->name);
	free(about->uid);
	free(about);
}

void kt_err_set_about(
        struct kt_err *err, const char *group, const char *kind, const char *name, const char *uid)
{
	if (!err)
		return;
	struct kt_err_about *about = kt_new(struct kt_err_about);
	*about = (struct kt_err_about){
	        dup_or_null(group), dup_or_null(kind), dup_or_null(name), dup_or_null(uid)};
	about_destroy(err->about);
	err->about = about;
}

int kt_err_move(struct kt_err *to, struct kt_err *from)
{
	int code = from->code;

	if (to == from)
		return code;
	if (!to) {
		kt_err_clear(from);
		return code;
	}
	kt_err_clear(to);
	*to = *from;
	*from = KT_ERR_INIT;
	return code;
}

void kt_err_clear(struct kt_err *err)
{
	if (!err)
		return;
	for (size_t i = 0; i < err->n_causes; i++) {
		free(err->causes[i].reason);
		free(err->causes[i].message);
		free(err->causes[i].field);
	}
	free(err->causes);
	free(err->message);
	about_destroy(err->about);
	*err = KT_ERR_INIT;
}

const char *kt_err_message(const struct kt_err *err)
{
	if (!err || !err->code)
		return "";
	return err->message ? err->message : strerror(-err->code);
}
