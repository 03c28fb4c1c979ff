/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/command/kyaml.h"

#include "base/mem.h"
#include "base/yaml.h"

#include <ctype.h>

#define INDENT 2 /* blanks of a level */

static void write_value(struct kt_str *out, const json_t *value, int indent);

static void new_line(struct kt_str *out, int indent)
{
	kt_str_printf(out, "\n%*s", indent, "");
}

/* Characters YAML has short names for, beyond the quote and the backslash. */
static char short_escape(uint32_t cp)
{
	static const struct {
		uint32_t cp;
		char letter;
	} SHORT[] = {{'\0', '0'}, {'\a', 'a'}, {'\b', 'b'}, {'\v', 'v'}, {'\f', 'f'}, {'\r', 'r'},
	        {0x1b, 'e'}, {0x85, 'N'}, {0xa0, '_'}, {0x2028, 'L'}, {0x2029, 'P'}};

	for (size_t i = 0; i < KT_ARRAY_SIZE(SHORT); i++)
		if (SHORT[i].cp == cp)
			return SHORT[i].letter;
	return '\0';
}

/* A part of a string without line ends. */
static void write_part(struct kt_str *out, struct kt_sv text)
{
	for (size_t i = 0; i < text.len;) {
		uint32_t cp = (unsigned char)text.p[i];
		int n = kt_utf8_decode(text.p + i, text.len - i, &cp);
		char letter = short_escape(cp);

		if (n < 0) {
			kt_str_printf(out, "\\x%02x", (unsigned char)text.p[i]);
			n = 1;
		} else if (cp == '"' || cp == '\\') {
			kt_str_printf(out, "\\%c", (char)cp);
		} else if (letter) {
			kt_str_printf(out, "\\%c", letter);
		} else if ((cp < 0x20 && cp != '\t') || (cp >= 0x7f && cp < 0xa0)) {
			kt_str_printf(out, "\\x%02x", cp);
		} else if (cp == 0xfeff) {
			kt_str_puts(out, "\\ufeff");
		} else {
			kt_str_add(out, text.p + i, (size_t)n);
		}
		i += (size_t)n;
	}
}

/* Several lines stand below each other: each ends in \n\, and a blank at its start is kept by a
 * backslash before it. */
static void write_lines(struct kt_str *out, struct kt_sv text, int indent)
{
	kt_str_puts(out, "\"\\");
	while (text.len) {
		const char *end = memchr(text.p, '\n', text.len);
		struct kt_sv line = {text.p, end ? (size_t)(end - text.p) : text.len};
		bool blank = line.len && (*line.p == ' ' || *line.p == '\t');

		new_line(out, indent + INDENT + !blank);
		kt_str_puts(out, blank ? "\\" : "");
		write_part(out, line);
		kt_str_puts(out, end ? "\\n\\" : "\\");
		text.p += line.len + (end != NULL);
		text.len -= line.len + (end != NULL);
	}
	new_line(out, indent + INDENT);
	kt_str_putc(out, '"');
}

static void write_string(struct kt_str *out, struct kt_sv text, int indent)
{
	if (memchr(text.p, '\n', text.len)) {
		write_lines(out, text, indent);
		return;
	}
	kt_str_putc(out, '"');
	write_part(out, text);
	kt_str_putc(out, '"');
}

/* A key that can be taken for nothing but a string stands without quotes. */
static bool is_plain_key(const char *key)
{
	size_t len = strlen(key);
	kt_auto_json json_t *text = json_string(key);
	kt_auto_str plain = KT_STR_INIT;
	char *end;

	if (!len || !text || (!isalnum((unsigned char)*key) && *key != '_') ||
	        (!isalnum((unsigned char)key[len - 1]) && key[len - 1] != '_'))
		return false;
	for (const char *p = key; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("-_./", *p))
			return false;
	(void)strtod(key, &end);
	if (!*end)
		return false;
	kt_yaml_write(&plain, text); /* quoted where an older YAML has another type for it */
	return *kt_str_text(&plain) != '"' && *kt_str_text(&plain) != '\'';
}

static void write_object(struct kt_str *out, const json_t *object, int indent)
{
	const char *key;
	json_t *value;

	kt_str_putc(out, '{');
	json_object_foreach((json_t *)(uintptr_t)object, key, value) {
		new_line(out, indent + INDENT);
		if (is_plain_key(key))
			kt_str_puts(out, key);
		else
			write_string(out, kt_sv_of(key), indent + INDENT);
		kt_str_puts(out, ": ");
		write_value(out, value, indent + INDENT);
		kt_str_putc(out, ',');
	}
	if (json_object_size(object))
		new_line(out, indent);
	kt_str_putc(out, '}');
}

/* Objects and lists inside a list cuddle its brackets: [{ … }, { … }]. */
static void write_array(struct kt_str *out, const json_t *array, int indent)
{
	const json_t *first = json_array_get(array, 0);
	bool cuddled = json_is_object(first) || json_is_array(first);
	json_t *item;
	size_t i;

	kt_str_putc(out, '[');
	json_array_foreach(array, i, item) {
		if (cuddled)
			kt_str_puts(out, i ? ", " : "");
		else
			new_line(out, indent + INDENT);
		write_value(out, item, cuddled ? indent : indent + INDENT);
		kt_str_puts(out, cuddled ? "" : ",");
	}
	if (!cuddled && first)
		new_line(out, indent);
	kt_str_putc(out, ']');
}

static void write_value(struct kt_str *out, const json_t *value, int indent)
{
	kt_auto_str text = KT_STR_INIT;

	if (json_is_object(value)) {
		write_object(out, value, indent);
	} else if (json_is_array(value)) {
		write_array(out, value, indent);
	} else if (json_is_string(value)) {
		write_string(out,
		        (struct kt_sv){json_string_value(value), json_string_length(value)},
		        indent);
	} else {
		kt_json_write(&text, value, 0);
		kt_str_puts(out, kt_str_text(&text));
	}
}

void kt_kyaml_write(struct kt_str *out, const json_t *value)
{
	kt_str_puts(out, "---\n");
	write_value(out, value, 0);
	kt_str_putc(out, '\n');
}
