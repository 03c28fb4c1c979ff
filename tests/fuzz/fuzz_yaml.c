/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz: kt_base */
/* The reader, with positions; and what the writer makes reads back. */
#include "fuzz/fuzz.h"

#include "base/log.h"
#include "base/yaml.h"

static void ignore_duplicate(void *arg, const char *path, unsigned line)
{
	(void)arg;
	kt_assert(path && line > 0);
}

static void check_positions(const struct kt_yaml_doc *doc)
{
	for (size_t i = 0; i < doc->n_positions; i++) {
		const struct kt_yaml_position *p = &doc->positions[i];
		kt_assert(p->path && p->line > 0 && p->column > 0 && p->value_line >= p->line);
		kt_assert(p->value_column > 0 && p->end_line >= p->value_line);
	}
}

static void check_round_trip(const json_t *value)
{
	kt_auto_str yaml = {0}, before = {0}, after = {0};
	kt_auto_err err = {0};

	kt_yaml_write(&yaml, value);
	kt_auto_json json_t *back = kt_yaml_parse_one((struct kt_sv){yaml.data, yaml.len}, &err);
	kt_assert(back);
	kt_json_write(&before, value, KT_JSON_SORT);
	kt_json_write(&after, back, KT_JSON_SORT);
	kt_assert(before.len == after.len && memcmp(before.data, after.data, before.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kt_yaml_options options = {.positions = true, .on_duplicate = ignore_duplicate};
	struct kt_sv text = {(const char *)data, size};
	struct kt_yaml_docs docs = {0};
	kt_auto_err err = {0};

	if (kt_yaml_parse(text, &options, &docs, &err) < 0) {
		kt_assert(err.message && docs.n == 0);
		return 0;
	}
	for (size_t i = 0; i < docs.n; i++) {
		kt_assert(docs.docs[i].start_offset <= docs.docs[i].end_offset);
		kt_assert(docs.docs[i].end_offset <= size);
		check_positions(&docs.docs[i]);
		if (docs.docs[i].value)
			check_round_trip(docs.docs[i].value);
	}
	kt_yaml_docs_finish(&docs);
	return 0;
}
