/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The words of a .test file; script.c runs them. */
#ifndef KT_TESTS_SCREENS_SCRIPT_H
#define KT_TESTS_SCREENS_SCRIPT_H

/* 0: all as expected; 1: not (told on stderr); 77: skipped. */
int script_run(const char *binary, const char *path);

#endif
