/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * `kube-tui [NAME]` and `kube-tui --context C`: the terminal UI on an embedded cluster, which runs
 * in this process or, when another one runs it already, is reached over HTTPS; or on any cluster of
 * the kubeconfig.
 */
#ifndef KT_UI_MAIN_H
#define KT_UI_MAIN_H

#include <stdbool.h>

/* Whether these words (without the program's name) ask for the terminal UI: none, options alone, or
 * a cluster's name that is no command. */
bool kt_ui_is_asked(int argc, char *const *argv);
/* Returns an exit code. */
int kt_ui_main(int argc, char *const *argv);

#endif
