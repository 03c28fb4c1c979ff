/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/xray_tree.h"

struct kt_xray_selector {
	KT_VEC(char *) labels;
};

static void free_parts(void *parts)
{
	kt_pod_parts_destroy(parts);
}

static void free_selector(void *arg)
{
	struct kt_xray_selector *selector = arg;

	for (size_t i = 0; i < selector->labels.n; i++)
		free(selector->labels.items[i]);
	kt_vec_finish(&selector->labels);
	free(selector);
}

void kt_xray_tree_init(struct kt_xray_tree *tree)
{
	*tree = (struct kt_xray_tree){.made = UINT64_MAX};
	kt_map_init(&tree->toggled, NULL);
	kt_map_init(&tree->parts, free_parts);
	kt_map_init(&tree->selectors, free_selector);
	kt_arena_init(&tree->arena);
}

void kt_xray_tree_finish(struct kt_xray_tree *tree)
{
	for (size_t i = 0; i < tree->sources.n; i++) {
		struct kt_xray_source *source = tree->sources.items[i];

		kt_live_finish(&source->live);
		kt_table_finish(&source->table);
		free(source->word);
		free(source->label);
		free(source);
	}
	kt_vec_finish(&tree->sources);
	kt_vec_finish(&tree->lines);
	kt_map_finish(&tree->toggled);
	kt_map_finish(&tree->parts);
	kt_map_finish(&tree->selectors);
	kt_filter_finish(&tree->filter);
	kt_arena_finish(&tree->arena);
}

/* Rows as they come */

static void on_pod(void *arg, const struct kt_row *row, struct kt_json_at object)
{
	struct kt_xray_tree *tree = arg;
	kt_auto_json json_t *pod = kt_json_parse((struct kt_sv){object.p, object.len}, NULL, NULL);

	if (pod)
		kt_map_set(&tree->parts, row->uid, kt_pod_parts_create(pod));
}

static void on_selecting(void *arg, const struct kt_row *row, struct kt_json_at object)
{
	struct kt_xray_tree *tree = arg;
	struct kt_json_at labels = kt_json_find(object, "spec", "selector", NULL);
	kt_auto_json json_t *map =
	        labels.p ? kt_json_parse((struct kt_sv){labels.p, labels.len}, NULL, NULL) : NULL;
	struct kt_xray_selector *selector = kt_new(struct kt_xray_selector);
	const char *key;
	json_t *value;

	json_object_foreach(map, key, value)
		if (json_is_string(value))
			kt_vec_push(&selector->labels,
			        kt_asprintf("%s=%s", key, json_string_value(value)));
	kt_map_set(&tree->selectors, row->uid, selector);
}

struct kt_xray_source *kt_xray_tree_add(
        struct kt_xray_tree *tree, struct kt_ui *ui, const char *word, const char *label)
{
	struct kt_xray_source *source = kt_new(struct kt_xray_source);
	bool root = !tree->sources.n;

	source->word = kt_strdup(word);
	source->label = kt_strdup(label);
	kt_table_init(&source->table);
	kt_live_init(&source->live, ui, &source->table);
	if (!strcmp(word, "pods"))
		source->live.seen = on_pod;
	else if (root && tree->way == KT_XRAY_BY_SELECTOR)
		source->live.seen = on_selecting;
	source->live.seen_arg = tree;
	source->live.whole = source->live.seen != NULL;
	kt_vec_push(&tree->sources, source);
	return source;
}

uint64_t kt_xray_tree_version(const struct kt_xray_tree *tree)
{
	uint64_t version = 0;

	for (size_t i = 0; i < tree->sources.n; i++)
		version += tree->sources.items[i]->table.version +
		           tree->sources.items[i]->live.complete;
	return version;
}

void kt_xray_tree_toggle(struct kt_xray_tree *tree, const char *key)
{
	static char there;

	if (!kt_map_del(&tree->toggled, key))
		kt_map_set(&tree->toggled, key, &there);
	tree->made = UINT64_MAX;
}

/* Making */

struct item {
	struct kt_sv above; /* key of what it may lie below; len 0: nothing */
	size_t source;
	const struct kt_row *row;
	const struct kt_pod_parts *parts; /* of a pod; NULL */
};

struct making {
	struct kt_xray_tree *tree;
	struct item *items; /* all but the roots, by what is above them, source and name */
	size_t n;
	size_t pods;         /* source; SIZE_MAX: none */
	struct kt_map there; /* "source/namespace/name" of what pods may name */
	bool filtered;
	int inside; /* of lines that pass the filter: all below them is kept */
};

static struct kt_sv owner_of(const struct kt_row *row)
{
	struct kt_sv uid = {"", 0};

	if (row->owner)
		kt_json_string_sv(
		        kt_json_member(kt_json_doc(row->owner, strlen(row->owner)), "uid"), &uid);
	return uid;
}

/* What leads from one above to those below it: its uid, but to the pods of a root that selects them
 * the namespace, to those of a node its name. */
static struct kt_sv key_of(const struct making *m, const struct kt_row *row, int depth)
{
	enum kt_xray_way way = depth ? KT_XRAY_BY_OWNER : m->tree->way;

	return kt_sv_of(way == KT_XRAY_BY_NODE       ? row->name
	                : way == KT_XRAY_BY_SELECTOR ? row->namespace
	                                             : row->uid);
}

static struct item item_of(const struct making *m, size_t source, const struct kt_row *row)
{
	enum kt_xray_way way = m->tree->way;
	struct item item = {.source = source, .row = row};

	if (source == m->pods)
		item.parts = kt_map_get(&m->tree->parts, row->uid);
	item.above = way == KT_XRAY_BY_OWNER      ? owner_of(row)
	             : way == KT_XRAY_BY_SELECTOR ? kt_sv_of(row->namespace)
	             : item.parts                 ? kt_sv_of(item.parts->node)
	                                          : (struct kt_sv){0};
	return item;
}

static int by_above(const void *a, const void *b)
{
	const struct item *left = a, *right = b;
	int order = kt_sv_cmp(left->above, right->above);

	if (!order)
		order = (left->source > right->source) - (left->source < right->source);
	if (!order)
		order = strcmp(left->row->namespace, right->row->namespace);
	return order ? order : strcmp(left->row->name, right->row->name);
}

static void note_there(struct making *m, size_t which)
{
	static char there;
	size_t it = 0;
	void *value;

	while (kt_map_next(&m->tree->sources.items[which]->table.rows, &it, NULL, &value)) {
		const struct kt_row *row = value;
		kt_auto_free char *key = kt_asprintf("%zu/%s/%s", which, row->namespace, row->name);

		kt_map_set(&m->there, key, &there);
	}
}

static bool is_there(const struct making *m, size_t which, const char *namespace, const char *name)
{
	kt_auto_free char *key = kt_asprintf("%zu/%s/%s", which, namespace, name);

	return kt_map_has(&m->there, key);
}

static void collect(struct making *m)
{
	struct kt_xray_tree *tree = m->tree;
	size_t room = 0;

	for (size_t i = 1; i < tree->sources.n; i++)
		room += tree->sources.items[i]->table.rows.n;
	m->items = kt_new_array(struct item, room + 1);
	m->pods = SIZE_MAX;
	for (size_t i = 0; i < tree->sources.n; i++) {
		const struct kt_xray_source *source = tree->sources.items[i];
		size_t it = 0;
		void *row;

		if (!strcmp(source->word, "pods"))
			m->pods = i;
		if (source->referred)
			note_there(m, i);
		if (!i || source->referred)
			continue;
		while (kt_map_next(&source->table.rows, &it, NULL, &row))
			m->items[m->n++] = item_of(m, i, row);
	}
	qsort(m->items, m->n, sizeof(*m->items), by_above);
}

static bool is_open(const struct making *m, const struct kt_xray_line *line, bool pod)
{
	enum kt_xray_mode mode = m->tree->mode;
	bool open = mode == KT_XRAY_ALL || (mode == KT_XRAY_USUAL && !pod && !line->container);

	return (m->filtered && !m->inside) || open != kt_map_has(&m->tree->toggled, line->key);
}

/* What is told of an object behind its name: how much of it is ready, its state. */
static const char *row_text(
        struct kt_arena *arena, const struct kt_table *table, const struct kt_row *row)
{
	static const char *const columns[] = {"Ready", "Status", "Completions", "Restarts"};
	int desired = kt_table_find_column(table, "Desired");
	kt_auto_str text = KT_STR_INIT;

	for (size_t i = 0; i < KT_ARRAY_SIZE(columns); i++) {
		int column = kt_table_find_column(table, columns[i]);

		if (column < 0 || (size_t)column >= row->n_cells)
			continue;
		if (i == 3 && !strcmp(row->cells[column], "0"))
			continue;
		kt_str_printf(&text, "%s%s%s", text.len ? "  " : "", i == 3 ? "restarts " : "",
		        row->cells[column]);
		if (!i && desired >= 0 && (size_t)desired < row->n_cells)
			kt_str_printf(&text, "/%s", row->cells[desired]);
	}
	return kt_arena_strdup(arena, kt_str_text(&text));
}

static bool matches(const struct making *m, const struct kt_xray_line *line)
{
	kt_auto_free char *text = kt_asprintf("%s %s/%s %s", line->namespace,
	        line->container ? "container" : line->label,
	        line->container ? line->container : line->name, line->text);

	return kt_filter_matches(&m->tree->filter, text, strlen(text));
}

static void note_worst(struct kt_xray_line *line, enum kt_row_state state)
{
	if (state == KT_ROW_ERROR || (state == KT_ROW_PENDING && line->worst != KT_ROW_ERROR))
		line->worst = state;
}

struct sum {
	enum kt_row_state worst;
	size_t faults;
	bool kept;
};

/* One line begins; its children follow it. */
static size_t begin_line(struct making *m, struct kt_xray_line line)
{
	m->inside += m->filtered && (m->inside || matches(m, &line));
	line.worst = line.state == KT_ROW_KILLED ? KT_ROW_PENDING : line.state;
	kt_vec_push(&m->tree->lines, line);
	return m->tree->lines.n - 1;
}

/* Its children are there: a closed line takes them in again, an unwanted one goes with them. */
static struct sum end_line(struct making *m, size_t at, struct sum below, bool pod)
{
	struct kt_xray_line *line = &m->tree->lines.items[at];
	struct sum sum;

	line->faults = below.faults;
	note_worst(line, below.worst);
	line->open = is_open(m, line, pod);
	sum = (struct sum){line->worst, below.faults + (line->state == KT_ROW_ERROR),
	        !m->filtered || below.kept || m->inside > 0};
	m->inside -= m->inside > 0;
	if (!sum.kept)
		m->tree->lines.n = at;
	else if (!line->open)
		m->tree->lines.n = at + 1;
	return sum;
}

static void add_sum(struct sum *sum, const struct sum *more)
{
	sum->faults += more->faults;
	sum->kept = sum->kept || more->kept;
	if (more->worst == KT_ROW_ERROR ||
	        (more->worst == KT_ROW_PENDING && sum->worst != KT_ROW_ERROR))
		sum->worst = more->worst;
}

static struct sum add_container(
        struct making *m, const struct kt_xray_line *pod, const struct kt_pod_container *container)
{
	struct kt_arena *arena = &m->tree->arena;
	size_t at = begin_line(m, (struct kt_xray_line){.key = kt_arena_printf(arena, "%s/c/%s",
	                                                        pod->key, container->name),
	                                  .label = pod->label,
	                                  .namespace = pod->namespace,
	                                  .name = pod->name,
	                                  .container = kt_arena_strdup(arena, container->name),
	                                  .text = kt_arena_strdup(arena, container->text),
	                                  .source = pod->source,
	                                  .state = container->state,
	                                  .depth = pod->depth + 1});

	return end_line(m, at, (struct sum){0}, false);
}

static size_t source_of(const struct kt_xray_tree *tree, const char *word)
{
	for (size_t i = 1; i < tree->sources.n; i++)
		if (!strcmp(tree->sources.items[i]->word, word))
			return i;
	return SIZE_MAX;
}

static struct sum add_reference(
        struct making *m, const struct kt_xray_line *pod, const struct kt_pod_reference *reference)
{
	struct kt_arena *arena = &m->tree->arena;
	size_t which = source_of(m->tree, reference->plural);
	const struct kt_xray_source *source =
	        which == SIZE_MAX ? NULL : m->tree->sources.items[which];

	if (!source)
		return (struct sum){0};
	bool missing = source->live.complete && !source->live.problem &&
	               !is_there(m, which, pod->namespace, reference->name);
	size_t at = begin_line(
	        m, (struct kt_xray_line){.key = kt_arena_printf(arena, "%s/%s/%s", pod->key,
	                                         reference->plural, reference->name),
	                   .label = source->label,
	                   .namespace = pod->namespace,
	                   .name = kt_arena_strdup(arena, reference->name),
	                   .text = !missing              ? ""
	                           : reference->optional ? "not there, optional"
	                                                 : "not there",
	                   .source = which,
	                   .state = missing && !reference->optional ? KT_ROW_ERROR : KT_ROW_PLAIN,
	                   .depth = pod->depth + 1});

	return end_line(m, at, (struct sum){0}, false);
}

static struct sum add_parts(
        struct making *m, const struct kt_xray_line *pod, const struct kt_pod_parts *parts)
{
	struct sum sum = {0};

	for (size_t i = 0; i < parts->containers.n; i++) {
		struct sum one = add_container(m, pod, &parts->containers.items[i]);

		add_sum(&sum, &one);
	}
	for (size_t i = 0; i < parts->references.n; i++) {
		struct sum one = add_reference(m, pod, &parts->references.items[i]);

		add_sum(&sum, &one);
	}
	return sum;
}

static struct sum add_object(struct making *m, const struct item *item, int depth);

/* The items below one lie side by side. */
static size_t first_of(const struct making *m, struct kt_sv above)
{
	size_t low = 0, high = m->n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (kt_sv_cmp(m->items[middle].above, above) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct sum add_children(
        struct making *m, const struct item *of, const struct kt_xray_line *line)
{
	struct kt_sv key = key_of(m, of->row, line->depth);
	bool selects = !line->depth && m->tree->way == KT_XRAY_BY_SELECTOR;
	const struct kt_xray_selector *selector =
	        selects ? kt_map_get(&m->tree->selectors, of->row->uid) : NULL;
	struct sum sum = {0};

	if (line->depth + 1 >= KT_XRAY_DEPTH_MAX || (selects && !selector))
		return sum;
	for (size_t i = first_of(m, key); i < m->n && !kt_sv_cmp(m->items[i].above, key); i++) {
		const struct item *item = &m->items[i];

		if (selects &&
		        (!item->parts || !kt_pod_parts_selected(item->parts, selector->labels.items,
		                                 selector->labels.n)))
			continue;
		struct sum one = add_object(m, item, line->depth + 1);

		add_sum(&sum, &one);
	}
	return sum;
}

static struct sum add_object(struct making *m, const struct item *item, int depth)
{
	struct kt_arena *arena = &m->tree->arena;
	const struct kt_xray_source *source = m->tree->sources.items[item->source];
	const struct kt_row *row = item->row;
	bool pod = item->source == m->pods;
	size_t at = begin_line(m, (struct kt_xray_line){.key = kt_arena_strdup(arena, row->uid),
	                                  .label = source->label,
	                                  .namespace = kt_arena_strdup(arena, row->namespace),
	                                  .name = kt_arena_strdup(arena, row->name),
	                                  .text = row_text(arena, &source->table, row),
	                                  .source = item->source,
	                                  .state = row->state,
	                                  .depth = depth});
	struct kt_xray_line line = m->tree->lines.items[at]; /* the vector may move */
	struct sum sum =
	        item->parts ? add_parts(m, &line, item->parts) : add_children(m, item, &line);

	m->tree->lines.items[at].has_children = m->tree->lines.n > at + 1;
	return end_line(m, at, sum, pod);
}

static int by_name(const void *a, const void *b)
{
	const struct kt_row *left = *(struct kt_row *const *)a, *right = *(struct kt_row *const *)b;
	int order = strcmp(left->namespace, right->namespace);

	return order ? order : strcmp(left->name, right->name);
}

/* Where a branch goes on below a line: seen from the end. */
static void join_siblings(struct kt_xray_tree *tree)
{
	unsigned below = 0;

	for (size_t i = tree->lines.n; i-- > 0;) {
		struct kt_xray_line *line = &tree->lines.items[i];
		unsigned own = 1U << line->depth;

		line->more = below & (own | (own - 1));
		below = line->more | own;
	}
}

/* Parts of pods that are gone. */
static void forget_pods(struct kt_xray_tree *tree, size_t pods)
{
	const struct kt_map *rows =
	        pods == SIZE_MAX ? NULL : &tree->sources.items[pods]->table.rows;
	const char *uid;
	size_t it = 0;
	void *parts;

	if (!rows || tree->parts.n == rows->n)
		return;
	while (kt_map_next(&tree->parts, &it, &uid, &parts))
		if (!kt_map_has(rows, uid))
			kt_map_del(&tree->parts, uid);
}

void kt_xray_tree_make(struct kt_xray_tree *tree)
{
	struct making m = {.tree = tree, .filtered = kt_filter_is_set(&tree->filter)};
	const struct kt_map *roots = &tree->sources.items[0]->table.rows;
	struct kt_row **sorted = kt_new_array(struct kt_row *, roots->n + 1);
	size_t it = 0, n = 0;
	void *row;

	tree->made = kt_xray_tree_version(tree);
	kt_map_init(&m.there, NULL);
	tree->lines.n = 0;
	kt_arena_reset(&tree->arena);
	collect(&m);
	while (kt_map_next(roots, &it, NULL, &row))
		sorted[n++] = row;
	qsort(sorted, n, sizeof(struct kt_row *), by_name);
	for (size_t i = 0; i < n; i++) {
		struct item root = item_of(&m, 0, sorted[i]);

		add_object(&m, &root, 0);
	}
	tree->roots = n;
	tree->rows = n + m.n;
	join_siblings(tree);
	forget_pods(tree, m.pods);
	kt_map_finish(&m.there);
	free(sorted);
	free(m.items);
}
