/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Somebody who presses keys without looking: the same for the same seed. */
#ifndef KT_TESTS_SCREENS_MONKEY_H
#define KT_TESTS_SCREENS_MONKEY_H

#include "terminal.h"

#include <stdint.h>

/* One thing: a key, a word and Enter, a click, another size. */
void monkey_act(struct terminal *terminal, uint64_t *state);

#endif
