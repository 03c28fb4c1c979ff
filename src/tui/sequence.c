/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/sequence.h"

#include "tui/screen.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { SHIFT = 1, CONTROL = 4 };

bool kt_sequence_ends(const char *text, size_t len)
{
	unsigned char last = len ? (unsigned char)text[len - 1] : 0;

	if (len < 2)
		return false;
	if (len >= KT_SEQUENCE_MAX || last < 0x20 || last > 0x7e)
		return true;
	/* parameters and intermediates are below the final byte */
	return last >= 0x40 && !(len == 2 && text[0] == '[' && last == '[');
}

static uint32_t key_of_number(unsigned long number)
{
	static const uint32_t keys[] = {[1] = KT_KEY_HOME,
	        [2] = KT_KEY_INSERT,
	        [3] = KT_KEY_DELETE,
	        [4] = KT_KEY_END,
	        [5] = KT_KEY_PAGE_UP,
	        [6] = KT_KEY_PAGE_DOWN,
	        [7] = KT_KEY_HOME,
	        [8] = KT_KEY_END,
	        [11] = KT_KEY_F1,
	        [12] = KT_KEY_F1 + 1,
	        [13] = KT_KEY_F1 + 2,
	        [14] = KT_KEY_F1 + 3,
	        [15] = KT_KEY_F1 + 4,
	        [17] = KT_KEY_F1 + 5,
	        [18] = KT_KEY_F1 + 6,
	        [19] = KT_KEY_F1 + 7,
	        [20] = KT_KEY_F1 + 8,
	        [21] = KT_KEY_F1 + 9,
	        [23] = KT_KEY_F1 + 10,
	        [24] = KT_KEY_F12};

	return number < KT_ARRAY_SIZE(keys) ? keys[number] : KT_KEY_NONE;
}

static uint32_t key_of_letter(char letter)
{
	static const struct {
		char letter;
		uint32_t key;
	} keys[] = {{'A', KT_KEY_UP}, {'B', KT_KEY_DOWN}, {'C', KT_KEY_RIGHT}, {'D', KT_KEY_LEFT},
	        {'F', KT_KEY_END}, {'H', KT_KEY_HOME}, {'M', KT_KEY_ENTER}, {'P', KT_KEY_F1},
	        {'Q', KT_KEY_F1 + 1}, {'R', KT_KEY_F1 + 2}, {'S', KT_KEY_F1 + 3},
	        {'Z', KT_KEY_BACKTAB}};

	for (size_t i = 0; i < KT_ARRAY_SIZE(keys); i++)
		if (keys[i].letter == letter)
			return keys[i].key;
	return KT_KEY_NONE;
}

/* The arrows have keys of their own with Shift; Alt is as if it were not pressed. */
static uint32_t with_modifiers(uint32_t key, unsigned long modifiers)
{
	if (modifiers & SHIFT && key >= KT_KEY_UP && key <= KT_KEY_RIGHT)
		key += KT_KEY_SHIFT_UP - KT_KEY_UP;
	if (key != KT_KEY_NONE && modifiers & CONTROL)
		key |= KT_KEY_CTRL;
	return key;
}

uint32_t kt_sequence_key(const char *text, size_t len)
{
	char copy[KT_SEQUENCE_MAX + 1] = {0}, *at = copy + 1;
	unsigned long first, modifier = 1;

	if (len < 2 || len > KT_SEQUENCE_MAX)
		return KT_KEY_NONE;
	memcpy(copy, text, len);
	first = strtoul(at, &at, 10);
	if (*at == ';')
		modifier = strtoul(at + 1, &at, 10);
	if (at != copy + len - 1) /* more parameters, or another kind of them */
		return KT_KEY_NONE;
	if (*at == '~')
		return with_modifiers(key_of_number(first), modifier ? modifier - 1 : 0);
	if (*at == 'M' && copy[0] == '[') /* the mouse of an older kind */
		return KT_KEY_NONE;
	return with_modifiers(key_of_letter(*at), modifier ? modifier - 1 : 0);
}
