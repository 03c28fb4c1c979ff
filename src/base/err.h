/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The error object. Every fallible function takes `struct kt_err *err` last and returns a negative
 * errno (or NULL). Success never touches err; failure fills it exactly once, and each level above
 * may add context with kt_wrap(). err may be NULL where the caller needs only the code.
 *
 * For the API an error also carries what a Status object needs: reason, HTTP status and causes. The
 * numbers are opaque here; api/status.h names them and maps errno -> reason -> HTTP status.
 *
 * Ownership: the holder calls kt_err_clear(), or declares the object with kt_auto_err.
 * Threads: an error object belongs to one thread.
 */
#ifndef KT_BASE_ERR_H
#define KT_BASE_ERR_H

#include <stddef.h>

struct kt_err_cause {
	char *reason;  /* "FieldValueInvalid", … ; may be NULL */
	char *message; /* never NULL */
	char *field;   /* "spec.replicas"; may be NULL */
};

/* What the error is about, for Status.details. Its presence alone makes an (empty) `details`
 * appear. */
struct kt_err_about {
	char *group, *kind, *name, *uid; /* any may be NULL */
};

struct kt_err {
	int code;          /* negative errno; 0 while no error is held */
	int reason;        /* enum kt_reason of api/status.h; 0: derive from code */
	int status;        /* HTTP status; 0: derive from reason */
	int retry_after_s; /* 0: none */
	char *message;
	size_t n_causes;
	struct kt_err_cause *causes;
	struct kt_err_about *about; /* NULL: not known */
};

#define KT_ERR_INIT ((struct kt_err){0})
#define kt_auto_err __attribute__((cleanup(kt_err_clear))) struct kt_err

/* Sets code (the sign of `code` is ignored) and message; returns the negative code. */
int kt_fail(struct kt_err *err, int code, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));

/* Like kt_fail(), with a Status reason of api/status.h. */
int kt_fail_reason(struct kt_err *err, int reason, int code, const char *fmt, ...)
        __attribute__((format(printf, 4, 5)));

/* Puts "context: " before the message; returns the (negative) code held. */
int kt_wrap(struct kt_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Appends a cause; strings are copied, reason and field may be NULL. */
void kt_err_add_cause(
        struct kt_err *err, const char *reason, const char *field, const char *message);

/* Says what the error is about; strings are copied, each may be NULL. Replaces what was said
 * before. */
void kt_err_set_about(
        struct kt_err *err, const char *group, const char *kind, const char *name, const char *uid);

/* Moves *from into *to (clearing what *to held); *from is empty afterwards. Returns the code. */
int kt_err_move(struct kt_err *to, struct kt_err *from);

void kt_err_clear(struct kt_err *err);

/* The message, or strerror of the code, or "" without an error. Never NULL. */
const char *kt_err_message(const struct kt_err *err);

#endif
