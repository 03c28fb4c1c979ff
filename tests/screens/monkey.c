/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "monkey.h"

#include "base/mem.h"

#include <string.h>

enum { ROWS_MAX = 50, COLUMNS_MAX = 160 };

static const char *const KEYS[] = {"enter", "esc", "tab", "backspace", "delete", "up", "down",
        "left", "right", "home", "end", "pgup", "pgdn", "space", "shift-left", "shift-right",
        "shift-up", "shift-down", "ctrl-a", "ctrl-b", "ctrl-d", "ctrl-e", "ctrl-f", "ctrl-g",
        "ctrl-k", "ctrl-l", "ctrl-n", "ctrl-o", "ctrl-p", "ctrl-q", "ctrl-r", "ctrl-s", "ctrl-t",
        "ctrl-u", "ctrl-v", "ctrl-w", "ctrl-x", "ctrl-y", "ctrl-z", "f1", "f2", "f3", "f9"};

/* What leads somewhere, so that not all happens in the first view. */
static const char *const LINES[] = {":pods", ":dp", ":deploy all", ":nodes", ":events", ":ns",
        ":xray deploy", ":xray nodes", ":pulses", ":ctx", ":aliases", ":help", ":skin ember",
        ":skin", ":rs", ":sts", ":cronjobs", ":secrets", ":cm", ":crd", ":clusterroles", ":svc",
        ":describe no", ":get po -o yaml", ":logs deploy/web", ":scale deploy/web --replicas=2",
        ":edit deploy/web", ":nonsense", "/web", "/!web", "/-f wb", "/-l app=web", "/[", "/"};

static uint32_t next(uint64_t *state, uint32_t below) /* splitmix64 */
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)((z ^ z >> 31) >> 11) % below;
}

void monkey_act(struct terminal *terminal, uint64_t *state)
{
	static const char letters[] =
	        "abcdefghijklmnopqrstuvwxyzACEFHJNOPSGW0123456789-[]?/: ,.=\"'{}%";
	uint32_t what = next(state, 100);

	if (what < 40) {
		char name[2] = {letters[next(state, sizeof(letters) - 1)], '\0'};

		terminal_type(terminal, name);
	} else if (what < 82) {
		terminal_key(terminal, KEYS[next(state, KT_ARRAY_SIZE(KEYS))]);
	} else if (what < 90) {
		terminal_type(terminal, LINES[next(state, KT_ARRAY_SIZE(LINES))]);
		terminal_key(terminal, "enter");
	} else if (what < 94) {
		uint32_t row = next(state, ROWS_MAX), column = next(state, COLUMNS_MAX);

		terminal_click(terminal, (int)row, (int)column);
	} else if (what < 98) {
		terminal_key(terminal, "esc");
	} else {
		uint32_t rows = next(state, ROWS_MAX), columns = next(state, COLUMNS_MAX);

		terminal_resize(terminal, (int)rows + 1, (int)columns + 1);
	}
}
