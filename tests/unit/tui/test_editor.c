/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/support.h"

#include "tui/widget/editor.h"

#include <locale.h>

static void press(struct kt_editor *editor, uint32_t code)
{
	kt_editor_key(editor, &(struct kt_key){.code = code});
}

static void type(struct kt_editor *editor, const char *text)
{
	for (; *text; text++)
		press(editor, *text == '\n' ? KT_KEY_ENTER : (uint32_t)(unsigned char)*text);
}

static void test_typing_and_undo(void **state)
{
	struct kt_editor editor;

	(void)state;
	kt_editor_init(&editor);
	kt_editor_set(&editor, "a: 1\n");
	press(&editor, KT_KEY_END);
	type(&editor, "23");
	assert_string_equal(kt_editor_text(&editor), "a: 123\n");
	press(&editor, KT_KEY_BACKSPACE);
	assert_string_equal(kt_editor_text(&editor), "a: 12\n");
	assert_true(kt_editor_undo(&editor));
	assert_true(kt_editor_undo(&editor)); /* what was typed in one go */
	assert_string_equal(kt_editor_text(&editor), "a: 1\n");
	assert_false(kt_editor_undo(&editor));
	assert_true(kt_editor_redo(&editor));
	assert_string_equal(kt_editor_text(&editor), "a: 123\n");
	type(&editor, "x"); /* what was undone is gone now */
	assert_false(kt_editor_redo(&editor));
	kt_editor_finish(&editor);
}

static void test_indentation(void **state)
{
	struct kt_editor editor;

	(void)state;
	kt_editor_init(&editor);
	kt_editor_set(&editor, "");
	type(&editor, "spec:\nreplicas: 1\npaused: true");
	assert_string_equal(kt_editor_text(&editor), "spec:\n  replicas: 1\n  paused: true");
	kt_editor_set(&editor, "");
	type(&editor, "- name: a\nimage: b");
	assert_string_equal(kt_editor_text(&editor), "- name: a\n  image: b");
	kt_editor_finish(&editor);
}

static void test_selection(void **state)
{
	struct kt_editor editor;

	(void)state;
	kt_editor_init(&editor);
	kt_editor_set(&editor, "hello world");
	for (int i = 0; i < 5; i++)
		press(&editor, KT_KEY_SHIFT_RIGHT);
	kt_auto_free char *text = kt_editor_selection(&editor);

	assert_string_equal(text, "hello");
	type(&editor, "J");
	assert_string_equal(kt_editor_text(&editor), "J world");
	kt_editor_finish(&editor);
}

static void test_moving_over_wide_characters(void **state)
{
	struct kt_editor editor;

	(void)state;
	kt_editor_init(&editor);
	kt_editor_set(&editor, "漢字\ne\xcc\x81x\n");
	press(&editor, KT_KEY_RIGHT);
	assert_int_equal(editor.cursor, 3);
	press(&editor, KT_KEY_END);
	press(&editor, KT_KEY_RIGHT);
	press(&editor, KT_KEY_RIGHT); /* a letter with its mark */
	assert_int_equal(editor.cursor, 10);
	press(&editor, KT_KEY_BACKSPACE);
	assert_string_equal(kt_editor_text(&editor), "漢字\nx\n");
	kt_editor_finish(&editor);
}

static void test_find(void **state)
{
	struct kt_editor editor;

	(void)state;
	kt_editor_init(&editor);
	kt_editor_set(&editor, "a b a b");
	assert_true(kt_editor_find(&editor, "b"));
	assert_int_equal(editor.cursor, 2);
	assert_true(kt_editor_find(&editor, NULL));
	assert_int_equal(editor.cursor, 6);
	assert_true(kt_editor_find(&editor, NULL)); /* around the end */
	assert_int_equal(editor.cursor, 2);
	assert_true(kt_editor_find(&editor, "b")); /* asked for once more */
	assert_int_equal(editor.cursor, 6);
	assert_false(kt_editor_find(&editor, "z"));
	assert_true(kt_editor_find(&editor, "a"));
	assert_true(kt_editor_has_selection(&editor));
	assert_true(kt_editor_key(&editor, &(struct kt_key){.code = KT_KEY_ESC}));
	assert_false(kt_editor_has_selection(&editor));
	assert_false(kt_editor_key(&editor, &(struct kt_key){.code = KT_KEY_ESC}));
	kt_editor_finish(&editor);
}

int main(void)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_typing_and_undo),
	        cmocka_unit_test(test_indentation), cmocka_unit_test(test_selection),
	        cmocka_unit_test(test_moving_over_wide_characters), cmocka_unit_test(test_find)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
