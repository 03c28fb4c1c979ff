/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/command/complete.h"

#include "tui/command/words.h"

#include "api/client/kubeconfig.h"
#include "api/schema/schema.h"

#include <errno.h>

#define NAMES_MAX 500  /* live names offered */
#define TIMEOUT_MS 700 /* a slow server must not block the prompt for longer than one notices */

struct completion {
	struct kt_session *session;
	struct kt_candidates *out;
	const char *prefix; /* of the word under the cursor */
	const struct kt_command *command;
	const char *namespace;
	char *words[64]; /* positional words before the cursor */
	size_t n_words;
};

static void offer(struct completion *c, const char *text, const char *help)
{
	if (!text || !*text || !kt_starts_with(text, c->prefix))
		return;
	c->out->items = kt_reallocarray(c->out->items, c->out->n + 1, sizeof(*c->out->items));
	c->out->items[c->out->n++] =
	        (struct kt_candidate){kt_strdup(text), help ? kt_strdup(help) : NULL};
}

/* Sources */

static void offer_commands(struct completion *c, const struct kt_command *const *commands)
{
	for (; commands && *commands; commands++)
		if ((*commands)->group)
			offer(c, (*commands)->name, (*commands)->summary);
}

static void offer_options(struct completion *c, const struct kt_option *options)
{
	for (; options && options->name; options++) {
		kt_auto_free char *text = kt_asprintf(
		        "--%s%s", options->name, options->type == KT_OPTION_BOOL ? "" : "=");

		offer(c, text, options->help);
	}
}

/* Nothing is read again while a person types. */
static const struct kt_resource *known_resource(struct completion *c, const char *type)
{
	kt_auto_err err = KT_ERR_INIT;
	const struct kt_discovery *discovery = kt_session_discovery(c->session, &err);

	return discovery ? kt_discovery_find(discovery, type) : NULL;
}

static void offer_resources(struct completion *c, const char *suffix)
{
	kt_auto_err err = KT_ERR_INIT;
	const struct kt_discovery *discovery = kt_session_discovery(c->session, &err);

	for (size_t i = 0; discovery && i < discovery->n; i++) {
		const struct kt_resource *resource = &discovery->resources[i];
		kt_auto_free char *text = kt_asprintf("%s%s", resource->plural, suffix);

		if (resource->preferred && kt_resource_has_verb(resource, "list"))
			offer(c, text, resource->kind);
	}
}

/* Metadata only: names of many objects without their bodies. */
static json_t *fetch_metadata(struct completion *c, const struct kt_resource *resource)
{
	kt_auto_err err = KT_ERR_INIT;
	struct kt_client *client = kt_session_client(c->session, &err);
	const char *namespace = c->namespace ? c->namespace : kt_session_namespace(c->session);
	kt_auto_free char *base = kt_resource_path(resource, namespace, NULL, NULL);
	kt_auto_free char *path = kt_asprintf("%s?limit=%d", base, NAMES_MAX);
	struct kt_call call = {
	        .method = "GET",
	        .path = path,
	        .accept = "application/"
	                  "json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json",
	        .timeout_ms = TIMEOUT_MS,
	};
	json_t *list = NULL;

	if (client && kt_client_call_wait(client, &call, NULL) == 0)
		list = kt_json_parse(kt_call_body(&call), NULL, NULL);
	kt_call_finish(&call);
	return list;
}

static void offer_names(struct completion *c, const char *type, const char *before)
{
	const struct kt_resource *resource = known_resource(c, type);
	kt_auto_json json_t *list = resource ? fetch_metadata(c, resource) : NULL;
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(list, "items"), i, item) {
		kt_auto_free char *text =
		        kt_asprintf("%s%s", before, kt_jstr(item, "metadata.name"));

		offer(c, text, NULL);
	}
}

/* TYPE, TYPE/NAME, or the next NAME of the TYPE given before. */
static void offer_resource_or_name(struct completion *c)
{
	const char *slash = strchr(c->prefix, '/');

	if (slash) {
		kt_auto_free char *type = kt_strndup(c->prefix, (size_t)(slash - c->prefix));
		kt_auto_free char *before = kt_asprintf("%s/", type);

		offer_names(c, type, before);
	} else if (c->n_words && !strchr(c->words[0], '/')) {
		offer_names(c, c->words[0], "");
	} else {
		offer_resources(c, "");
	}
}

static void offer_pods(struct completion *c)
{
	if (strchr(c->prefix, '/')) {
		offer_resource_or_name(c);
		return;
	}
	offer_names(c, "pods", "");
	if (*c->prefix)
		offer_resources(c, "/");
}

static void offer_containers(struct completion *c)
{
	kt_auto_err err = KT_ERR_INIT;
	struct kt_client *client = kt_session_client(c->session, &err);
	const char *namespace = c->namespace ? c->namespace : kt_session_namespace(c->session);
	json_t *container;
	size_t i;

	if (!client || !c->n_words || strchr(c->words[0], '/'))
		return;
	kt_auto_free char *path =
	        kt_asprintf("/api/v1/namespaces/%s/pods/%s", namespace, c->words[0]);
	struct kt_call call = {.method = "GET", .path = path, .timeout_ms = TIMEOUT_MS};

	if (kt_client_call_wait(client, &call, NULL) == 0) {
		kt_auto_json json_t *pod = kt_json_parse(kt_call_body(&call), NULL, NULL);

		json_array_foreach(kt_jget(pod, "spec.containers"), i, container)
			offer(c, kt_jstr(container, "name"), kt_jstr(container, "image"));
		json_array_foreach(kt_jget(pod, "spec.initContainers"), i, container)
			offer(c, kt_jstr(container, "name"), kt_jstr(container, "image"));
	}
	kt_call_finish(&call);
}

static void offer_contexts(struct completion *c)
{
	struct kt_kubeconfig *config = NULL;
	kt_auto_err err = KT_ERR_INIT;
	json_t *context;
	size_t i;

	if (kt_kubeconfig_load(kt_session_kubeconfig(c->session), &config, &err) < 0)
		return;
	json_array_foreach(json_object_get(kt_kubeconfig_tree(config), "contexts"), i, context)
		offer(c, kt_jstr(context, "name"), kt_jstr(context, "context.cluster"));
	kt_kubeconfig_destroy(config);
}

/* "deploy.spec.tem": the fields below what is written. */
static void offer_fields(struct completion *c)
{
	const char *dot = strchr(c->prefix, '.'), *last = strrchr(c->prefix, '.');

	if (!dot) {
		offer_resources(c, "");
		return;
	}
	kt_auto_free char *type = kt_strndup(c->prefix, (size_t)(dot - c->prefix));
	const struct kt_resource *resource = known_resource(c, type);
	const struct kt_kind *kind =
	        resource ? kt_builtin_kind(resource->group, resource->version, resource->kind)
	                 : NULL;

	if (!kind)
		return;
	kt_auto_free char *path = last > dot ? kt_strndup(dot + 1, (size_t)(last - dot - 1)) : NULL;
	const struct kt_field *field = path ? kt_type_field_path(kind->type, path) : NULL;
	const struct kt_type *inside = path ? (field ? field->type : NULL) : kind->type;

	while (inside && (inside->shape == KT_SHAPE_LIST || inside->shape == KT_SHAPE_MAP))
		inside = inside->elem;
	for (size_t i = 0; inside && i < inside->n_fields; i++) {
		kt_auto_free char *text = kt_asprintf(
		        "%.*s.%s", (int)(last - c->prefix), c->prefix, inside->fields[i].name);

		offer(c, text, inside->fields[i].doc);
	}
}

static void offer_words(struct completion *c, const char *const *words)
{
	for (; words && *words; words++)
		offer(c, *words, NULL);
}

static const char *const OUTPUTS[] = {"json", "yaml", "kyaml", "name", "wide",
        "jsonpath=", "jsonpath-as-json=", "jsonpath-file=", "go-template=", "go-template-file=",
        "custom-columns=", "custom-columns-file=", NULL};

static void offer_kind(
        struct completion *c, enum kt_completion completion, const struct kt_option *option)
{
	switch (completion) {
	case KT_COMPLETE_FILE:
		c->out->files = true;
		break;
	case KT_COMPLETE_RESOURCE:
		offer_resources(c, "");
		break;
	case KT_COMPLETE_NAME:
		if (c->n_words)
			offer_names(c, c->words[0], "");
		break;
	case KT_COMPLETE_RESOURCE_OR_NAME:
		offer_resource_or_name(c);
		break;
	case KT_COMPLETE_POD:
		offer_pods(c);
		break;
	case KT_COMPLETE_CONTAINER:
		offer_containers(c);
		break;
	case KT_COMPLETE_NODE:
		offer_names(c, "nodes", "");
		break;
	case KT_COMPLETE_NAMESPACE:
		offer_names(c, "namespaces", "");
		break;
	case KT_COMPLETE_CONTEXT:
		offer_contexts(c);
		break;
	case KT_COMPLETE_FIELD_PATH:
		offer_fields(c);
		break;
	case KT_COMPLETE_OUTPUT:
		offer_words(c, OUTPUTS);
		break;
	case KT_COMPLETE_COMMAND:
		offer_commands(c, kt_commands);
		break;
	case KT_COMPLETE_WORDS:
		offer_words(c, option ? option->words : NULL);
		break;
	case KT_COMPLETE_CLUSTER:
	case KT_COMPLETE_NONE:
		break;
	}
}

/* Where the cursor is */

static const struct kt_option *option_named(
        const struct kt_command *command, struct kt_sv name, char letter)
{
	const struct kt_option *lists[] = {command->options, kt_global_options};

	for (size_t i = 0; i < KT_ARRAY_SIZE(lists); i++)
		for (const struct kt_option *o = lists[i]; o && o->name; o++)
			if (letter ? o->letter == letter : kt_sv_is(name, o->name))
				return o;
	return NULL;
}

/* The option a word names when its value is the next word; NULL otherwise. */
static const struct kt_option *waits_for_value(const struct kt_command *command, const char *word)
{
	const struct kt_option *option = NULL;

	if (strchr(word, '=') || word[0] != '-' || !word[1])
		return NULL;
	if (word[1] == '-')
		option = option_named(command, kt_sv_of(word + 2), 0);
	else if (!word[2])
		option = option_named(command, KT_SV(""), word[1]);
	return option && option->type != KT_OPTION_BOOL && !option->optional_value ? option : NULL;
}

static void offer_argument(struct completion *c)
{
	const enum kt_completion *arguments = c->command->arguments;
	size_t at = 0;

	if (!c->n_words)
		offer_commands(c, c->command->subcommands);
	if (!arguments)
		return;
	while (at < c->n_words && arguments[at + 1] != KT_COMPLETE_NONE)
		at++;
	offer_kind(c, arguments[at], NULL);
}

static void read_words(struct completion *c, const struct kt_tokens *tokens, size_t first,
        size_t last, const struct kt_option **ret_pending)
{
	*ret_pending = NULL;
	for (size_t i = first; i < last; i++) {
		const char *word = tokens->items[i].text;

		if (tokens->items[i].kind != KT_TOKEN_WORD)
			continue;
		if (!c->command) {
			if (strcmp(word, "kubectl") != 0 && strcmp(word, "assert") != 0)
				c->command = kt_command_find(kt_commands, word);
			continue;
		}
		const struct kt_command *sub =
		        c->command->subcommands ? kt_command_find(c->command->subcommands, word)
		                                : NULL;

		if (*ret_pending) {
			if (kt_streq((*ret_pending)->name, "namespace"))
				c->namespace = word;
			*ret_pending = NULL;
		} else if (sub) {
			c->command = sub;
		} else if (word[0] == '-') {
			*ret_pending = waits_for_value(c->command, word);
		} else if (c->n_words < KT_ARRAY_SIZE(c->words)) {
			c->words[c->n_words++] = tokens->items[i].text;
		}
	}
}

/* --name=va|: only the value is completed. */
static bool complete_option_value(struct completion *c)
{
	const char *equals = strchr(c->prefix, '=');

	if (!kt_starts_with(c->prefix, "--") || !equals)
		return false;
	const struct kt_option *option = option_named(
	        c->command, (struct kt_sv){c->prefix + 2, (size_t)(equals - c->prefix - 2)}, 0);

	c->out->word_start += (size_t)(equals - c->prefix) + 1;
	c->prefix = equals + 1;
	if (option)
		offer_kind(c, option->completion, option);
	return true;
}

static int compare(const void *a, const void *b)
{
	return strcmp(
	        ((const struct kt_candidate *)a)->text, ((const struct kt_candidate *)b)->text);
}

static void complete_commands(
        struct kt_session *session, const char *line, struct kt_candidates *ret_candidates)
{
	struct kt_candidates out = {.word_start = strlen(line)};
	struct completion c = {.session = session, .out = &out, .prefix = ""};
	const struct kt_option *pending;
	struct kt_tokens tokens;

	kt_session_limit_discovery(session, TIMEOUT_MS);
	kt_words_split(line, &tokens);
	size_t last = tokens.n, first;
	bool in_word = tokens.n && tokens.items[tokens.n - 1].kind == KT_TOKEN_WORD &&
	               tokens.items[tokens.n - 1].end == strlen(line);

	if (in_word) {
		last--;
		c.prefix = tokens.items[last].text;
		out.word_start = tokens.items[last].start;
	}
	for (first = last; first > 0; first--) {
		enum kt_token_kind kind = tokens.items[first - 1].kind;

		if (kind == KT_TOKEN_NEXT || kind == KT_TOKEN_AND || kind == KT_TOKEN_OR)
			break;
	}
	read_words(&c, &tokens, first, last, &pending);
	bool redirect = last > first && tokens.items[last - 1].kind >= KT_TOKEN_OUT;

	if (redirect)
		out.files = true;
	else if (!c.command)
		offer_commands(&c, kt_commands);
	else if (pending)
		offer_kind(&c, pending->completion, pending);
	else if (complete_option_value(&c))
		; /* done there */
	else if (c.prefix[0] == '-') {
		offer_options(&c, c.command->options);
		offer_options(&c, kt_global_options);
	} else
		offer_argument(&c);
	if (out.n)
		qsort(out.items, out.n, sizeof(*out.items), compare);
	kt_session_limit_discovery(session, 0);
	kt_tokens_finish(&tokens);
	*ret_candidates = out;
}

void kt_complete(struct kt_session *session, const char *line, struct kt_candidates *ret_candidates)
{
	size_t start = kt_words_innermost(line);

	complete_commands(session, line + start, ret_candidates);
	ret_candidates->word_start += start;
}

void kt_candidates_finish(struct kt_candidates *candidates)
{
	for (size_t i = 0; i < candidates->n; i++) {
		free(candidates->items[i].text);
		free(candidates->items[i].help);
	}
	free(candidates->items);
	*candidates = (struct kt_candidates){0};
}
