/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libyaml's events to jansson trees. */
#include "base/yaml.h"

#include "base/log.h"
#include "base/map.h"
#include "base/vec.h"
#include "base/yaml_resolve.h"

#include <errno.h>
#include <math.h>
#include <yaml.h>

/* A string counts as one node more for each so many bytes, or aliases could multiply a long one. */
enum { BYTES_PER_NODE = 64 };

struct anchor {
	json_t *value; /* NULL while the node is being read */
	size_t cost;
	size_t id;
};

struct composer {
	yaml_parser_t parser;
	yaml_event_t event; /* the current one */
	bool has_event;
	struct kt_sv text; /* without a byte order mark */
	const struct kt_yaml_options *options;
	bool wants_path;
	struct kt_str path;
	struct kt_map anchors; /* of this document */
	size_t n_anchors;      /* ever opened */
	size_t spent;          /* nodes of this stream, aliases expanded */
	size_t cost;           /* the same with long strings counted in full */
	unsigned depth;
	unsigned last_line; /* where the last scalar or flow bracket ended, from 1 */
	KT_VEC(struct kt_yaml_position) positions;
	struct kt_err *err;
};

static json_t *compose_node(struct composer *c);

static void free_anchor(void *value)
{
	struct anchor *anchor = value;

	json_decref(anchor->value);
	free(anchor);
}

static json_t *fail_at(struct composer *c, yaml_mark_t mark, const char *reason)
{
	if (c->options && c->options->go_errors) {
		kt_fail(c->err, EINVAL, "yaml: %s", reason);
		return NULL;
	}
	kt_fail(c->err, EINVAL, "line %zu, column %zu: %s", mark.line + 1, mark.column + 1, reason);
	return NULL;
}

static json_t *fail_name(struct composer *c, const char *fmt, const char *name)
        __attribute__((format(printf, 2, 0)));
static json_t *fail_name(struct composer *c, const char *fmt, const char *name)
{
	char reason[256];

	snprintf(reason, sizeof(reason), fmt, name);
	return fail_at(c, c->event.start_mark, reason);
}

/* Bytes that are no text: libyaml tells the offset, its mark is that of the token before. */
static yaml_mark_t mark_of_offset(const struct composer *c, size_t offset)
{
	yaml_mark_t mark = {0};

	for (size_t i = 0; i < offset && i < c->text.len; i++) {
		if (c->text.p[i] == '\n') {
			mark.line++;
			mark.column = 0;
		} else if ((c->text.p[i] & 0xc0) != 0x80) {
			mark.column++;
		}
	}
	return mark;
}

/* go-yaml names no first line, and counts from 0 where the parser and not the scanner fails. */
static int fail_as_go(struct composer *c)
{
	const yaml_parser_t *p = &c->parser;
	size_t line = p->context_mark.line ? p->context_mark.line : p->problem_mark.line;

	if (line)
		return kt_fail(c->err, EINVAL, "yaml: line %zu: %s",
		        line + (p->error == YAML_SCANNER_ERROR), p->problem);
	return kt_fail(c->err, EINVAL, "yaml: %s", p->problem);
}

static int fail_parser(struct composer *c)
{
	const yaml_parser_t *p = &c->parser;
	kt_auto_str reason = {0};
	yaml_mark_t mark = p->problem_mark;

	kt_assert(p->error != YAML_MEMORY_ERROR);
	if (c->options && c->options->go_errors && p->problem)
		return fail_as_go(c);
	if (p->error == YAML_READER_ERROR)
		mark = mark_of_offset(c, p->problem_offset);
	kt_str_puts(&reason, p->problem ? p->problem : "malformed YAML");
	if (p->error == YAML_PARSER_ERROR && p->context)
		kt_str_printf(&reason, " (%s that begins on line %zu)", p->context,
		        p->context_mark.line + 1);
	fail_at(c, mark, kt_str_text(&reason));
	return -EINVAL;
}

/* Comes to the next event. */
static bool next_event(struct composer *c)
{
	if (c->has_event)
		yaml_event_delete(&c->event);
	c->has_event = yaml_parser_parse(&c->parser, &c->event);
	if (!c->has_event)
		fail_parser(c);
	return c->has_event;
}

/* Counts one node of so many bytes of text. */
static bool spend(struct composer *c, size_t nodes, size_t cost)
{
	c->spent += nodes;
	c->cost += cost;
	if (c->spent <= KT_YAML_NODES_MAX)
		return true;
	fail_at(c, c->event.start_mark, "document contains excessive aliasing or too many values");
	return false;
}

static void note_end(struct composer *c)
{
	yaml_mark_t start = c->event.start_mark, end = c->event.end_mark;

	/* What has no text, like the end of a block mapping, is marked where the next thing begins.
	 */
	if (end.index == start.index)
		return;
	/* A block scalar ends where the next line begins. */
	bool next_line = end.column == 0 && end.line > start.line;
	c->last_line = KT_MAX(c->last_line, (unsigned)(end.line + !next_line));
}

/* Opens an anchor and returns its id, 0 without a name; the alias of a node inside itself finds it
 * without a value. */
static size_t open_anchor(struct composer *c, const yaml_char_t *name)
{
	if (!name)
		return 0;
	struct anchor *anchor = kt_new(struct anchor);
	anchor->cost = c->cost;
	anchor->id = ++c->n_anchors;
	kt_map_set(&c->anchors, (const char *)name, anchor);
	return anchor->id;
}

/* The anchor may have been replaced by one of the same name inside the node. */
static json_t *close_anchor(struct composer *c, const char *name, size_t id, json_t *value)
{
	struct anchor *anchor = id && value ? kt_map_get(&c->anchors, name) : NULL;

	if (anchor && anchor->id == id) {
		anchor->value = json_incref(value);
		anchor->cost = c->cost - anchor->cost;
	}
	return value;
}

static json_t *real_value(struct composer *c, double value)
{
	if (isnan(value))
		return fail_at(c, c->event.start_mark, "JSON has no value for NaN");
	if (isinf(value))
		return fail_at(c, c->event.start_mark, "JSON has no value for infinity");
	/* JSON text knows one kind of number: 1.0 and 1 are the same. */
	if (fabs(value) < 9.2e18 && value == (double)(int64_t)value)
		return json_integer((int64_t)value);
	return json_real(value);
}

static json_t *typed_value(struct composer *c, struct kt_sv text, const struct yaml_scalar *scalar)
{
	switch (scalar->type) {
	case YAML_TYPE_NULL:
		return json_null();
	case YAML_TYPE_BOOL:
		return json_boolean(scalar->boolean);
	case YAML_TYPE_INTEGER:
		return json_integer(scalar->integer);
	case YAML_TYPE_FLOAT:
		return real_value(c, scalar->real);
	case YAML_TYPE_STRING:
	case YAML_TYPE_TIMESTAMP:
		break;
	}
	return json_stringn_nocheck(text.p, text.len);
}

static json_t *binary_value(struct composer *c, struct kt_sv text)
{
	kt_auto_str bytes = {0};

	if (kt_base64_decode(&bytes, text) < 0)
		return fail_at(
		        c, c->event.start_mark, "!!binary value contains invalid base64 data");
	if (!kt_utf8_valid(bytes.data, bytes.len))
		return fail_at(c, c->event.start_mark, "!!binary value is not UTF-8");
	return json_stringn_nocheck(kt_str_text(&bytes), bytes.len);
}

/* A scalar with an explicit tag. Tags that nobody here knows leave the text as it is. */
static json_t *tagged_value(struct composer *c, struct kt_sv text, const char *tag)
{
	static const struct {
		const char *tag;
		unsigned types; /* bits of enum yaml_type that are right */
	} known[] = {
	        {YAML_NULL_TAG, 1 << YAML_TYPE_NULL},
	        {YAML_BOOL_TAG, 1 << YAML_TYPE_BOOL},
	        {YAML_INT_TAG, 1 << YAML_TYPE_INTEGER},
	        {YAML_FLOAT_TAG, 1 << YAML_TYPE_FLOAT | 1 << YAML_TYPE_INTEGER},
	        {YAML_TIMESTAMP_TAG, 1 << YAML_TYPE_TIMESTAMP | 1 << YAML_TYPE_STRING},
	};

	if (kt_streq(tag, "tag:yaml.org,2002:binary"))
		return binary_value(c, text);
	for (size_t i = 0; i < KT_ARRAY_SIZE(known); i++) {
		if (!kt_streq(tag, known[i].tag))
			continue;
		struct yaml_scalar scalar = yaml_resolve(text);
		if (known[i].types >> scalar.type & 1)
			return typed_value(c, text, &scalar);
		return fail_name(c, "the value is no %s", strrchr(tag, ':') + 1);
	}
	return json_stringn_nocheck(text.p, text.len);
}

static json_t *scalar_value(struct composer *c)
{
	const char *tag = (const char *)c->event.data.scalar.tag;
	struct kt_sv text = {(const char *)c->event.data.scalar.value, c->event.data.scalar.length};

	if (tag && !kt_streq(tag, "!"))
		return tagged_value(c, text, tag);
	if (tag || !c->event.data.scalar.plain_implicit)
		return json_stringn_nocheck(text.p, text.len);
	struct yaml_scalar scalar = yaml_resolve(text);
	return typed_value(c, text, &scalar);
}

static json_t *compose_scalar(struct composer *c)
{
	size_t cost = 1 + c->event.data.scalar.length / BYTES_PER_NODE;
	const char *name = (const char *)c->event.data.scalar.anchor;
	size_t id = open_anchor(c, c->event.data.scalar.anchor);

	note_end(c);
	if (!spend(c, 1, cost))
		return NULL;
	return close_anchor(c, name, id, scalar_value(c));
}

static json_t *compose_alias(struct composer *c)
{
	const char *name = (const char *)c->event.data.alias.anchor;
	const struct anchor *anchor = kt_map_get(&c->anchors, name);

	note_end(c);
	if (!anchor)
		return fail_name(c, "unknown anchor '%s' referenced", name);
	if (!anchor->value)
		return fail_name(c, "anchor '%s' value contains itself", name);
	if (!spend(c, anchor->cost, anchor->cost))
		return NULL;
	return json_deep_copy(anchor->value);
}

/* Opens the position of the node whose key or dash is at mark; SIZE_MAX when none is wanted. */
static size_t open_position(struct composer *c, yaml_mark_t mark)
{
	if (!c->options || !c->options->positions)
		return SIZE_MAX;
	struct kt_yaml_position position = {
	        .path = kt_strdup(kt_str_text(&c->path)),
	        .line = (unsigned)mark.line + 1,
	        .column = (unsigned)mark.column + 1,
	};
	kt_vec_push(&c->positions, position);
	return c->positions.n - 1;
}

/* The current event begins the value. */
static json_t *compose_positioned(struct composer *c, size_t position)
{
	yaml_mark_t mark = c->event.start_mark;
	unsigned before = c->last_line;

	c->last_line = (unsigned)mark.line + 1;
	json_t *value = compose_node(c);
	if (position != SIZE_MAX) {
		struct kt_yaml_position *at = &c->positions.items[position];
		at->value_line = (unsigned)mark.line + 1;
		at->value_column = (unsigned)mark.column + 1;
		at->end_line = c->last_line;
	}
	c->last_line = KT_MAX(before, c->last_line);
	return value;
}

static json_t *compose_sequence(struct composer *c)
{
	kt_auto_json json_t *array = json_array();
	size_t path_len = c->path.len;

	for (size_t i = 0;; i++) {
		if (!next_event(c))
			return NULL;
		if (c->event.type == YAML_SEQUENCE_END_EVENT)
			break;
		if (c->wants_path)
			kt_str_printf(&c->path, "[%zu]", i);
		json_t *value = compose_positioned(c, open_position(c, c->event.start_mark));
		if (!value)
			return NULL;
		json_array_append_new(array, value);
		kt_str_truncate(&c->path, path_len);
	}
	note_end(c);
	return kt_steal(&array);
}

/* A key's text: scalars of other types are written as JSON would write them. NULL with err. */
static char *key_text(struct composer *c)
{
	kt_auto_str text = {0};

	if (c->event.type != YAML_SCALAR_EVENT && c->event.type != YAML_ALIAS_EVENT)
		return fail_at(c, c->event.start_mark, "invalid map key: it must be a scalar"),
		       NULL;
	if (c->options && c->options->plain_keys && c->event.type == YAML_SCALAR_EVENT &&
	        c->event.data.scalar.plain_implicit && !c->event.data.scalar.anchor) {
		note_end(c);
		return spend(c, 1, 1 + c->event.data.scalar.length / BYTES_PER_NODE)
		               ? kt_strdup((const char *)c->event.data.scalar.value)
		               : NULL;
	}
	kt_auto_json json_t *key = compose_node(c);
	if (!key)
		return NULL;
	if (json_is_null(key) || json_is_object(key) || json_is_array(key))
		return fail_at(c, c->event.start_mark, "invalid map key: it must be a string"),
		       NULL;
	if (!json_is_string(key)) {
		kt_json_write(&text, key, 0);
		return kt_str_steal(&text);
	}
	if (strlen(json_string_value(key)) != json_string_length(key))
		return fail_at(c, c->event.start_mark,
		               "invalid map key: it holds a null character"),
		       NULL;
	return kt_strdup(json_string_value(key));
}

static bool is_merge_key(const yaml_event_t *event)
{
	if (event->type != YAML_SCALAR_EVENT)
		return false;
	return event->data.scalar.plain_implicit &&
	       kt_streq((const char *)event->data.scalar.value, "<<");
}

static void merge_missing(json_t *into, json_t *from)
{
	const char *key;
	json_t *value;

	json_object_foreach(from, key, value) {
		if (!json_object_get(into, key))
			json_object_set_nocheck(into, key, value);
	}
}

/* What stands in the map itself wins over what is merged, and earlier merges over later ones. */
static void apply_merges(json_t *object, json_t *merges)
{
	size_t i, k;
	json_t *merge, *element;

	json_array_foreach(merges, i, merge) {
		if (json_is_object(merge))
			merge_missing(object, merge);
		json_array_foreach(merge, k, element)
			merge_missing(object, element);
	}
}

/* The value of "<<", current event its key. */
static bool compose_merge(struct composer *c, json_t *merges)
{
	size_t i;
	json_t *element;

	if (!next_event(c))
		return false;
	yaml_mark_t mark = c->event.start_mark;
	json_t *value = compose_node(c);
	if (!value)
		return false;
	json_array_append_new(merges, value);
	bool valid = json_is_object(value) || json_is_array(value);
	json_array_foreach(value, i, element)
		valid = valid && json_is_object(element);
	if (!valid)
		fail_at(c, mark, "map merge requires map or sequence of maps as the value");
	return valid;
}

/* One key and value, current event the key. */
static bool compose_pair(struct composer *c, json_t *object)
{
	yaml_mark_t mark = c->event.start_mark;
	kt_auto_free char *key = key_text(c);

	if (!key)
		return false;
	if (c->wants_path)
		kt_str_printf(&c->path, "%s%s", c->path.len ? "." : "", key);
	size_t position = open_position(c, mark);
	if (!next_event(c))
		return false;
	json_t *value = compose_positioned(c, position);
	if (!value)
		return false;
	size_t before = json_object_size(object);
	json_object_set_new_nocheck(object, key, value);
	if (json_object_size(object) == before && c->options && c->options->on_duplicate)
		c->options->on_duplicate(
		        c->options->arg, kt_str_text(&c->path), (unsigned)mark.line + 1);
	return true;
}

static json_t *compose_mapping(struct composer *c)
{
	kt_auto_json json_t *object = json_object();
	kt_auto_json json_t *merges = json_array();
	size_t path_len = c->path.len;

	for (;;) {
		if (!next_event(c))
			return NULL;
		if (c->event.type == YAML_MAPPING_END_EVENT)
			break;
		bool done = is_merge_key(&c->event) ? compose_merge(c, merges)
		                                    : compose_pair(c, object);
		if (!done)
			return NULL;
		kt_str_truncate(&c->path, path_len);
	}
	note_end(c);
	apply_merges(object, merges);
	return kt_steal(&object);
}

static json_t *compose_collection(struct composer *c)
{
	bool is_map = c->event.type == YAML_MAPPING_START_EVENT;
	const yaml_char_t *anchor_name =
	        is_map ? c->event.data.mapping_start.anchor : c->event.data.sequence_start.anchor;
	kt_auto_free char *name = anchor_name ? kt_strdup((const char *)anchor_name) : NULL;
	size_t id = open_anchor(c, anchor_name);

	if (!spend(c, 1, 1))
		return NULL;
	if (c->depth == KT_JSON_DEPTH_MAX)
		return fail_at(c, c->event.start_mark, "exceeded max depth");
	c->depth++;
	json_t *value = is_map ? compose_mapping(c) : compose_sequence(c);
	c->depth--;
	return close_anchor(c, name, id, value);
}

static json_t *compose_node(struct composer *c)
{
	switch (c->event.type) {
	case YAML_SCALAR_EVENT:
		return compose_scalar(c);
	case YAML_ALIAS_EVENT:
		return compose_alias(c);
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		return compose_collection(c);
	default:
		return fail_at(c, c->event.start_mark, "expected a value");
	}
}

/* libyaml counts characters, the callers bytes. Marks only go forward. */
struct cursor {
	struct kt_sv text;
	size_t chars, bytes;
};

static size_t byte_offset(struct cursor *cursor, size_t chars)
{
	while (cursor->chars < chars && cursor->bytes < cursor->text.len) {
		cursor->bytes++;
		while (cursor->bytes < cursor->text.len &&
		        (cursor->text.p[cursor->bytes] & 0xc0) == 0x80)
			cursor->bytes++;
		cursor->chars++;
	}
	return cursor->bytes;
}

/* Current event: the document's start. */
static bool compose_document(struct composer *c, struct cursor *cursor, struct kt_yaml_doc *ret_doc)
{
	struct kt_yaml_doc doc = {.start_offset = byte_offset(cursor, c->event.start_mark.index)};

	kt_map_clear(&c->anchors);
	kt_str_clear(&c->path);
	c->last_line = 0;
	if (!next_event(c))
		return false;
	bool empty = c->event.type == YAML_SCALAR_EVENT && c->event.data.scalar.length == 0 &&
	             c->event.data.scalar.plain_implicit;
	if (!empty) {
		doc.value = compose_positioned(c, open_position(c, c->event.start_mark));
		if (!doc.value)
			return false;
	}
	if (!next_event(c)) {
		json_decref(doc.value);
		return false;
	}
	kt_assert(c->event.type == YAML_DOCUMENT_END_EVENT);
	doc.end_offset = byte_offset(cursor, c->event.end_mark.index);
	doc.n_positions = c->positions.n;
	doc.positions = kt_steal(&c->positions.items);
	c->positions.n = c->positions.cap = 0;
	*ret_doc = doc;
	return true;
}

static int compose_stream(struct composer *c, struct cursor *cursor, struct kt_yaml_docs *docs)
{
	while (next_event(c)) {
		if (c->event.type == YAML_STREAM_END_EVENT)
			return 0;
		if (c->event.type != YAML_DOCUMENT_START_EVENT)
			continue;
		struct kt_yaml_doc doc;
		if (!compose_document(c, cursor, &doc))
			return -EINVAL;
		if ((docs->n & (docs->n - 1)) == 0) /* 0 or a power of two: it is full */
			docs->docs = kt_reallocarray(
			        docs->docs, docs->n ? 2 * docs->n : 1, sizeof(*docs->docs));
		docs->docs[docs->n++] = doc;
	}
	return -EINVAL;
}

static void free_positions(struct kt_yaml_position *positions, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(positions[i].path);
	free(positions);
}

static int parse_stream(struct kt_sv text, const struct kt_yaml_options *options,
        struct kt_yaml_docs *docs, struct kt_err *err)
{
	struct composer c = {
	        .options = options,
	        .wants_path = options && (options->positions || options->on_duplicate),
	        .err = err,
	};
	struct cursor cursor = {.text = text};
	kt_auto_str ended = {0};

	/* kubectl ends the last line if nobody else did, which a block literal there shows. */
	if (text.len && text.p[text.len - 1] != '\n' && memchr(text.p, '|', text.len)) {
		kt_str_add(&ended, text.p, text.len);
		kt_str_putc(&ended, '\n');
		text = (struct kt_sv){ended.data, ended.len};
	}
	/* libyaml does not count a byte order mark. */
	if (text.len >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0)
		cursor.bytes = 3;
	int ready = yaml_parser_initialize(&c.parser);
	kt_assert(ready);
	kt_map_init(&c.anchors, free_anchor);
	yaml_parser_set_encoding(&c.parser, YAML_UTF8_ENCODING);
	c.text = (struct kt_sv){text.p + cursor.bytes, text.len - cursor.bytes};
	yaml_parser_set_input_string(&c.parser, (const unsigned char *)c.text.p, c.text.len);
	int rc = compose_stream(&c, &cursor, docs);
	if (c.has_event)
		yaml_event_delete(&c.event);
	yaml_parser_delete(&c.parser);
	kt_map_finish(&c.anchors);
	kt_str_finish(&c.path);
	free_positions(c.positions.items, c.positions.n);
	return rc;
}

/* A single JSON document, as most requests are. Anything else, and every error, is left to YAML. */
static bool parse_as_json(
        struct kt_sv text, const struct kt_yaml_options *options, struct kt_yaml_docs *docs)
{
	struct kt_sv trimmed = kt_sv_trim(text);

	if (options || !trimmed.len || trimmed.p[0] != '{')
		return false;
	json_t *value = kt_json_parse(trimmed, NULL, NULL);
	if (!value)
		return false;
	size_t start = (size_t)(trimmed.p - text.p);
	docs->n = 1;
	docs->docs = kt_new_array(struct kt_yaml_doc, 1);
	docs->docs[0] = (struct kt_yaml_doc){
	        .value = value,
	        .start_offset = start,
	        .end_offset = start + trimmed.len,
	};
	return true;
}

int kt_yaml_parse(struct kt_sv text, const struct kt_yaml_options *options,
        struct kt_yaml_docs *ret_docs, struct kt_err *err)
{
	struct kt_yaml_docs docs = {0};

	if (!text.p)
		text = KT_SV("");
	if (!parse_as_json(text, options, &docs)) {
		int rc = parse_stream(text, options, &docs, err);
		if (rc < 0) {
			kt_yaml_docs_finish(&docs);
			return rc;
		}
	}
	*ret_docs = docs;
	return 0;
}

void kt_yaml_docs_finish(struct kt_yaml_docs *docs)
{
	if (!docs)
		return;
	for (size_t i = 0; i < docs->n; i++) {
		json_decref(docs->docs[i].value);
		free_positions(docs->docs[i].positions, docs->docs[i].n_positions);
	}
	free(docs->docs);
	*docs = (struct kt_yaml_docs){0};
}

static unsigned line_of(struct kt_sv text, size_t offset)
{
	unsigned line = 1;

	for (size_t i = 0; i < offset && i < text.len; i++)
		line += text.p[i] == '\n';
	return line;
}

json_t *kt_yaml_parse_one(struct kt_sv text, struct kt_err *err)
{
	struct kt_yaml_docs docs;
	json_t *value = NULL;
	size_t n = 0;

	if (kt_yaml_parse(text, NULL, &docs, err) < 0)
		return NULL;
	for (size_t i = 0; i < docs.n; i++) {
		if (!docs.docs[i].value)
			continue;
		if (n++ == 0) {
			value = json_incref(docs.docs[i].value);
			continue;
		}
		kt_fail(err, EINVAL, "line %u, column 1: expected one document, found another",
		        line_of(text, docs.docs[i].start_offset));
		json_decref(value);
		value = NULL;
		break;
	}
	if (!n)
		kt_fail(err, EINVAL, "line 1, column 1: the document is empty");
	kt_yaml_docs_finish(&docs);
	return value;
}
