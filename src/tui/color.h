/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Colours: 24-bit values as themes name them, and the nearest thing a terminal has (direct colour,
 * 256, 16, 8, none). Pure. Names are those of k9s skins: the 16 base names and the CSS set.
 */
#ifndef KT_TUI_COLOR_H
#define KT_TUI_COLOR_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define KT_COLOR_DEFAULT UINT32_C(0xff000000) /* the terminal's own */

typedef uint32_t kt_color; /* 0xRRGGBB or KT_COLOR_DEFAULT */

/* "#rrggbb", a name, "default", "-" or "". False for anything else (then *ret_color is the
 * default). */
bool kt_color_parse(const char *text, kt_color *ret_color);
/* Index in the xterm palette of 256, 16 or 8 colours; -1 for KT_COLOR_DEFAULT. */
int kt_color_nearest(kt_color color, int n_colors);

#endif
