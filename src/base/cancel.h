/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The wish that a piece of work ends: asked for by a signal handler or another thread, seen by code
 * that looks and by loops that sleep, without polling. It stays until reset.
 *
 *	struct kt_io io = {.fn = on_cancel};
 *	kt_io_add(&io, loop, cancel->fd, EPOLLIN, err);   readable while asked: remove it when seen
 *
 * kt_cancel_ask() is async-signal-safe (write(2) and a lock-free atomic); ask and is_asked may be
 * called from any thread, the others by the owner alone. Source: eventfd(2), signal-safety(7).
 */
#ifndef KT_BASE_CANCEL_H
#define KT_BASE_CANCEL_H

#include <stdatomic.h>
#include <stdbool.h>

struct kt_cancel {
	atomic_bool asked;
	int fd; /* eventfd */
};

void kt_cancel_open(struct kt_cancel *cancel);
void kt_cancel_close(struct kt_cancel *cancel);
void kt_cancel_ask(struct kt_cancel *cancel);
void kt_cancel_reset(struct kt_cancel *cancel);
static inline bool kt_cancel_is_asked(const struct kt_cancel *cancel)
{
	return atomic_load(&cancel->asked);
}

#endif
