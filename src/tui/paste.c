/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/paste.h"

#include "tui/widget/dialog.h"
#include "tui/widget/prompt.h"

enum { PASTE_BYTES_MAX = 4 << 20 };

static void paste_in_line(struct kt_ui *ui, struct kt_str *text)
{
	uint32_t cp;

	while (text->len && text->data[text->len - 1] == '\n')
		kt_str_truncate(text, text->len - 1);
	for (size_t i = 0; i < text->len;) {
		int n = kt_utf8_decode(text->data + i, text->len - i, &cp);
		const struct kt_key key = {.code = n <= 0 || cp < ' ' ? ' ' : cp};

		if (ui->dialog)
			kt_dialog_key(ui, &key);
		else
			kt_prompt_key(ui->prompt, &key);
		i += (size_t)KT_MAX(n, 1);
	}
}

static void deliver(struct kt_ui *ui)
{
	struct kt_view *view = kt_ui_top(ui);

	if (!ui->pasted.len)
		return;
	if (ui->dialog || kt_prompt_is_open(ui->prompt))
		paste_in_line(ui, &ui->pasted);
	else if (view && view->ops->paste)
		view->ops->paste(view, kt_str_text(&ui->pasted));
	else
		kt_ui_flash(ui, KT_FLASH_WARN,
		        "pasted text is not taken as keys; : opens the prompt for it");
}

static void add_key(struct kt_str *text, uint32_t code)
{
	char bytes[4];

	if (text->len >= PASTE_BYTES_MAX)
		return;
	if (code == KT_KEY_ENTER)
		kt_str_putc(text, '\n');
	else if (code == KT_KEY_TAB)
		kt_str_putc(text, '\t');
	else if (code >= ' ' && code < 0x110000)
		kt_str_add(text, bytes, kt_utf8_encode(code, bytes));
}

bool kt_paste_key(struct kt_ui *ui, const struct kt_key *key)
{
	bool was = ui->pasting;

	switch (key->code) {
	case KT_KEY_PASTE_BEGIN:
		ui->pasting = true;
		return true;
	case KT_KEY_PASTE_END:
		if (was)
			deliver(ui);
		break;
	case KT_KEY_ESC:
	case KT_KEY_CTRL | 'c':
		if (!was)
			return false;
		break;
	default:
		if (was)
			add_key(&ui->pasted, key->code);
		return was;
	}
	ui->pasting = false;
	kt_str_finish(&ui->pasted);
	return true;
}
