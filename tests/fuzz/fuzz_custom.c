/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz: kt_tui */
/* The user's files: aliases, config, hotkeys, jumps, plugins, views, a skin; and a line of the
 * prompt. The first byte chooses. */
#include "fuzz/fuzz.h"

#include "base/log.h"
#include "base/mem.h"
#include "tui/command/words.h"
#include "tui/custom.h"
#include "tui/theme.h"

static bool value_of(void *arg, const char *name, struct kt_str *out)
{
	(void)arg;
	kt_str_puts(out, name);
	return name[0] != 'X';
}

static const char *variable(void *arg, const char *name)
{
	(void)arg;
	return name[0] == 'X' ? NULL : name;
}

static char *output(void *arg, const char *command)
{
	(void)arg;
	return kt_strdup(command);
}

static void check_custom(char what, struct kt_sv text)
{
	struct kt_custom custom;
	kt_auto_str warnings = KT_STR_INIT, out = KT_STR_INIT;

	kt_custom_init(&custom);
	kt_custom_parse(&custom, what, "file", text, &warnings);
	for (size_t i = 0; i < custom.keys.n; i++)
		if (custom.keys.items[i].command)
			kt_custom_expand(custom.keys.items[i].command, value_of, NULL, &out);
	free(kt_custom_unalias(&custom, "po a b"));
	kt_custom_finish(&custom);
}

static void check_theme(struct kt_sv text)
{
	struct kt_theme theme;
	kt_auto_err err = KT_ERR_INIT;
	char *warnings = NULL;

	if (kt_theme_parse("fuzz", text, &theme, &warnings, &err) == 0)
		kt_theme_finish(&theme);
	else
		kt_assert(err.message && *err.message);
	free(warnings);
}

static void check_line(struct kt_sv text)
{
	kt_auto_free char *line = kt_sv_dup(text);
	const struct kt_expansion expansion = {.variable = variable, .output = output};
	struct kt_tokens tokens;
	struct kt_words words = {0};
	uint32_t key;

	kt_words_split(line, &tokens);
	kt_assert(kt_words_innermost(line) <= strlen(line));
	for (size_t i = 0; i < tokens.n; i++) {
		kt_assert(tokens.items[i].start <= tokens.items[i].end);
		kt_assert(tokens.items[i].end <= strlen(line));
		if (tokens.items[i].kind == KT_TOKEN_WORD)
			kt_word_expand(line, &tokens.items[i], &expansion, &words);
	}
	kt_words_finish(&words);
	kt_tokens_finish(&tokens);
	kt_custom_key_parse(line, &key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char whats[] = "achjpv";

	if (!size)
		return 0;
	struct kt_sv text = {(const char *)data + 1, size - 1};
	size_t what = data[0] % (sizeof(whats) + 1);

	if (what < sizeof(whats) - 1)
		check_custom(whats[what], text);
	else if (what == sizeof(whats) - 1)
		check_theme(text);
	else
		check_line(text);
	return 0;
}
