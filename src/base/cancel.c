/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/cancel.h"

#include "base/log.h"

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

void kt_cancel_open(struct kt_cancel *cancel)
{
	atomic_init(&cancel->asked, false);
	cancel->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	kt_assert(cancel->fd >= 0);
}

void kt_cancel_close(struct kt_cancel *cancel)
{
	close(cancel->fd);
	cancel->fd = -1;
}

void kt_cancel_ask(struct kt_cancel *cancel)
{
	static const uint64_t one = 1;
	int saved = errno;

	atomic_store(&cancel->asked, true);
	/* It fails only when the counter is full, and then the descriptor is readable. */
	if (write(cancel->fd, &one, sizeof(one)) < 0)
		errno = saved;
}

void kt_cancel_reset(struct kt_cancel *cancel)
{
	uint64_t count;

	if (read(cancel->fd, &count, sizeof(count)) < 0)
		kt_assert(errno == EAGAIN);
	atomic_store(&cancel->asked, false);
}
