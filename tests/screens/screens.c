/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A .test file, one word and its argument per line:
 *
 *     size COLUMNS ROWS      of the terminal (80 24)
 *     term NAME              $TERM (xterm-256color)
 *     env NAME=VALUE
 *     file PATH              the lines up to `end` become this file below $HOME
 *     cluster [LIST]         a cluster of these components in the background; without a list
 *                            a bare API server, where only `do` changes what is there
 *     freeze, thaw           it neither answers nor refuses; it does again
 *     do LINE                a line of the script language against that cluster
 *     start ARGS             the terminal UI; $CLUSTER stands for the options that reach the
 *                            cluster, + for a blank inside of a word
 *     wait TEXT              until the screen shows TEXT
 *     gone TEXT              until it does not
 *     key NAME…              "d", "enter", "ctrl-d", "shift-left"
 *     type TEXT
 *     bytes TEXT             as they stand; \e is Esc, \r Enter
 *     click COLUMN ROW
 *     resize COLUMNS ROWS
 *     screen NAME            compare text and attributes with TEST-NAME.screen
 *     monkey SEED COUNT      so many keys, clicks and sizes by chance
 *     kill SIGNAL
 *     exit STATUS            the program ends, the terminal is as it was
 *
 * Nothing sleeps: a comparison goes on reading until it fits or a bound is over. Ages, revisions
 * and the like are masked.
 */
#include "script.h"

#include <stdio.h>

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: screens KUBE-TUI FILE.test\n");
		return 2;
	}
	return script_run(argv[1], argv[2]);
}
