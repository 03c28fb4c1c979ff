/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What every test program needs: cmocka in the right order, ../shared when it is there, scratch
 * folders. */
#ifndef KT_TESTS_SUPPORT_SUPPORT_H
#define KT_TESTS_SUPPORT_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Path below the shared reference data, or NULL (then the test skips with a reason). Static
 * storage, one thread. */
const char *kt_test_shared(const char *relative);

/* Prints the reason and skips the running cmocka test when the shared file is missing. */
#define KT_TEST_NEEDS_SHARED(var, relative) \
	const char *var = kt_test_shared(relative); \
	if (!var) { \
		print_message("skipped: ../shared/%s is not on this machine\n", relative); \
		skip(); \
	}

/* A fresh folder under $TMPDIR; kt_test_remove_dir() takes it away with all it holds. */
char *kt_test_make_dir(void);
void kt_test_remove_dir(char *path);

#endif
