/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A fuzz target is one function over bytes from nowhere. It must not crash, read outside, leak or
 * hang, and it checks with kt_assert what holds for every input: what was written reads back, two
 * ways to one answer agree.
 */
#ifndef KT_TESTS_FUZZ_FUZZ_H
#define KT_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* libFuzzer's entry; returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
