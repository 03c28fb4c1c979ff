/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The writer: libyaml's emitter lays the text out, as Go's port of it does for kubectl (80 columns,
 * two blanks); here is decided what is quoted and in which order keys come.
 */
#include "base/yaml.h"

#include "base/json_lex.h"
#include "base/log.h"
#include "base/yaml_resolve.h"

#include <math.h>
#include <yaml.h>

static void write_value(yaml_emitter_t *emitter, const json_t *value);

static int append(void *arg, unsigned char *bytes, size_t len)
{
	kt_str_add(arg, bytes, len);
	return 1;
}

/* Events are well-formed by construction: the emitter can only run out of memory. */
static void emit(yaml_emitter_t *emitter, yaml_event_t *event, int initialized)
{
	kt_assert(initialized);
	int done = yaml_emitter_emit(emitter, event);
	kt_assert(done);
}

static void emit_scalar(
        yaml_emitter_t *emitter, const char *tag, struct kt_sv text, yaml_scalar_style_t style)
{
	yaml_event_t event;

	emit(emitter, &event,
	        yaml_scalar_event_initialize(&event, NULL, (const yaml_char_t *)tag,
	                (const yaml_char_t *)text.p, (int)text.len, tag == NULL, tag == NULL,
	                style));
}

static void write_string(yaml_emitter_t *emitter, struct kt_sv text)
{
	yaml_scalar_style_t style = YAML_DOUBLE_QUOTED_SCALAR_STYLE;

	if (!kt_utf8_valid(text.p, text.len)) {
		kt_auto_str base64 = {0};
		kt_base64_encode(&base64, text.p, text.len);
		emit_scalar(emitter, "tag:yaml.org,2002:binary",
		        (struct kt_sv){kt_str_text(&base64), base64.len}, style);
		return;
	}
	/* "<<" would be read as a merge key. */
	if (text.len && memchr(text.p, '\n', text.len))
		style = YAML_LITERAL_SCALAR_STYLE;
	else if (yaml_resolve(text).type == YAML_TYPE_STRING && !yaml_is_base60(text) &&
	         !kt_sv_is(text, "<<"))
		style = YAML_PLAIN_SCALAR_STYLE;
	emit_scalar(emitter, NULL, text, style);
}

static bool is_whole(double value)
{
	if (value >= 0 && value < 18446744073709551616.0)
		return value == (double)(uint64_t)value;
	return value < 0 && value >= -9223372036854775808.0 && value == (double)(int64_t)value;
}

/*
 * Numbers without a fraction went through JSON text, where they are integers as far as 64 bits
 * reach. The others are printed with an exponent below 1e-4 and from 1e6 on, as Go's strconv does
 * for %g.
 */
static void write_real(yaml_emitter_t *emitter, double value)
{
	kt_auto_str text = {0};
	char digits[20];
	int exponent = 0;
	size_t n = 0;

	bool whole = is_whole(value);
	if (!whole && isfinite(value))
		n = json_shortest_digits(fabs(value), digits, &exponent);
	if (n && (exponent < -4 || exponent >= 6)) {
		kt_str_printf(&text, "%s%c%s%.*se%c%02d", value < 0 ? "-" : "", digits[0],
		        n > 1 ? "." : "", (int)n - 1, digits + 1, exponent < 0 ? '-' : '+',
		        abs(exponent));
	} else {
		kt_auto_json json_t *number = json_real(value);
		kt_json_write(&text, number, 0);
	}
	emit_scalar(emitter, NULL, (struct kt_sv){text.data, text.len}, YAML_PLAIN_SCALAR_STYLE);
}

static void write_array(yaml_emitter_t *emitter, const json_t *array)
{
	yaml_event_t event;

	emit(emitter, &event,
	        yaml_sequence_start_event_initialize(
	                &event, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE));
	for (size_t i = 0; i < json_array_size(array); i++)
		write_value(emitter, json_array_get(array, i));
	emit(emitter, &event, yaml_sequence_end_event_initialize(&event));
}

struct member {
	struct kt_sv key;
	const json_t *value;
};

/* The rune at i, and behind it; bytes that are no UTF-8 stand for themselves. */
static uint32_t rune_at(struct kt_sv s, size_t i, size_t *ret_next)
{
	uint32_t cp;
	int n = kt_utf8_decode(s.p + i, s.len - i, &cp);

	*ret_next = i + (size_t)(n > 0 ? n : 1);
	return n > 0 ? cp : (unsigned char)s.p[i];
}

/* Unicode's letters by block: exact for ASCII and Latin-1, and for the symbols that come up beyond.
 */
static bool is_letter(uint32_t cp)
{
	if (cp < 0x80)
		return (cp | 0x20) >= 'a' && (cp | 0x20) <= 'z';
	if (cp < 0xc0)
		return cp == 0xaa || cp == 0xb5 || cp == 0xba;
	if (cp == 0xd7 || cp == 0xf7 || cp == 0xfeff)
		return false;
	return !(cp >= 0x2000 && cp < 0x2c00) && !(cp >= 0x1f000 && cp < 0x20000);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The number that begins at i, and its length; first is what stands for the digits before it. */
static uint64_t number_at(struct kt_sv s, size_t i, uint64_t first, size_t *ret_len)
{
	uint64_t value = first;
	size_t n = 0;

	for (; i + n < s.len && is_digit(s.p[i + n]); n++)
		value = value * 10 + (uint64_t)(s.p[i + n] - '0');
	*ret_len = n;
	return value;
}

static bool follows_digit(struct kt_sv s, size_t i)
{
	while (i > 0 && is_digit(s.p[i - 1])) {
		if (s.p[--i] != '0')
			return true;
	}
	return false;
}

/*
 * Keys that first differ at i: letters last, numbers by value ("a2" before "a10"), then by code
 * point.
 */
static int compare_at(struct kt_sv a, struct kt_sv b, size_t i)
{
	size_t next, a_len, b_len;
	uint32_t ra = rune_at(a, i, &next), rb = rune_at(b, i, &next);

	if (is_letter(ra) != is_letter(rb))
		return is_letter(ra) ? 1 : -1;
	if (!is_letter(ra)) {
		/* A zero inside a number counts as a digit, not as the start of another number. */
		uint64_t first = (ra == '0' || rb == '0') && follows_digit(a, i);
		uint64_t na = number_at(a, i, first, &a_len), nb = number_at(b, i, first, &b_len);
		if (na != nb)
			return na < nb ? -1 : 1;
		if (a_len != b_len)
			return a_len < b_len ? -1 : 1;
	}
	return ra < rb ? -1 : 1;
}

static int compare_members(const void *pa, const void *pb)
{
	struct kt_sv a = ((const struct member *)pa)->key, b = ((const struct member *)pb)->key;
	size_t i = 0, next;

	while (i < a.len && i < b.len && a.p[i] == b.p[i])
		i++;
	if (i == a.len || i == b.len)
		return (a.len > b.len) - (a.len < b.len);
	/* Back to the start of the rune that differs. */
	while (i > 0 && (a.p[i] & 0xc0) == 0x80)
		i--;
	rune_at(a, i, &next);
	return compare_at(a, b, i);
}

static void write_object(yaml_emitter_t *emitter, const json_t *constant)
{
	json_t *object = (json_t *)(uintptr_t)constant;
	size_t n = json_object_size(object), i = 0;
	kt_auto_free struct member *members = kt_new_array(struct member, n);
	yaml_event_t event;

	for (void *it = json_object_iter(object); it; it = json_object_iter_next(object, it)) {
		kt_assert(i < n);
		members[i++] =
		        (struct member){{json_object_iter_key(it), json_object_iter_key_len(it)},
		                json_object_iter_value(it)};
	}
	if (n)
		qsort(members, n, sizeof(*members), compare_members);
	emit(emitter, &event,
	        yaml_mapping_start_event_initialize(
	                &event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE));
	for (i = 0; i < n; i++) {
		write_string(emitter, members[i].key);
		write_value(emitter, members[i].value);
	}
	emit(emitter, &event, yaml_mapping_end_event_initialize(&event));
}

static void write_value(yaml_emitter_t *emitter, const json_t *value)
{
	if (json_is_object(value)) {
		write_object(emitter, value);
	} else if (json_is_array(value)) {
		write_array(emitter, value);
	} else if (json_is_string(value)) {
		write_string(emitter,
		        (struct kt_sv){json_string_value(value), json_string_length(value)});
	} else if (json_is_real(value)) {
		write_real(emitter, json_real_value(value));
	} else {
		kt_auto_str text = {0};
		kt_json_write(&text, value, 0);
		emit_scalar(emitter, NULL, (struct kt_sv){text.data, text.len},
		        YAML_PLAIN_SCALAR_STYLE);
	}
}

void kt_yaml_write(struct kt_str *out, const json_t *value)
{
	yaml_emitter_t emitter;
	yaml_event_t event;
	size_t start = out->len;

	int ready = yaml_emitter_initialize(&emitter);
	kt_assert(ready);
	yaml_emitter_set_output(&emitter, append, out);
	yaml_emitter_set_unicode(&emitter, 1);
	yaml_emitter_set_width(&emitter, 80);
	emit(&emitter, &event, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING));
	emit(&emitter, &event, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1));
	write_value(&emitter, value);
	emit(&emitter, &event, yaml_document_end_event_initialize(&event, 1));
	emit(&emitter, &event, yaml_stream_end_event_initialize(&event));
	yaml_emitter_delete(&emitter);
	/* libyaml marks the end after a block scalar that keeps its last lines; kubectl does not.
	 */
	struct kt_sv written = {out->data + start, out->len - start};
	if (written.len >= 5 && memcmp(written.p + written.len - 5, "\n...\n", 5) == 0)
		kt_str_truncate(out, out->len - 4);
}
