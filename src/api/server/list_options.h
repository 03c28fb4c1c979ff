/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ListOptions as list, watch and deletecollection take them from the query: selectors, limit,
 * continue, resourceVersion rules. Source: the API concepts page ("Resource versions"), KEP-3157
 * (sendInitialEvents).
 */
#ifndef KT_API_SERVER_LIST_OPTIONS_H
#define KT_API_SERVER_LIST_OPTIONS_H

#include "api/server/pipeline.h"

enum kt_tristate { KT_UNSET, KT_FALSE, KT_TRUE };

struct kt_list_options {
	struct kt_selector *labels, *fields; /* NULL: everything */
	int64_t limit;
	int64_t revision;  /* of resourceVersion; -1: not given */
	const char *match; /* "", "Exact", "NotOlderThan" */
	const char *continue_token;
	bool bookmarks;
	enum kt_tristate initial_events;
	int64_t timeout_s; /* 0: not given */
	/* from the continue token */
	int64_t continue_revision; /* 0: none */
	char *continue_start;      /* key relative to the kind's prefix; arena */
	int64_t continue_left; /* how many objects this page and those after it had; 0: unknown */
};

/* watch: the rules for watches apply. The result is the caller's to finish. */
int kt_list_options_parse(struct kt_request *request, bool watch, struct kt_list_options *ret);
void kt_list_options_finish(struct kt_list_options *options);
bool kt_list_options_match(const struct kt_list_options *options, const struct kt_object *object);

/* A continue token; arena string. start: a key relative to the kind's prefix. left: how many
 * objects of the snapshot follow, so that later pages can say it although the store counts only
 * what is there now; 0: unknown. */
char *kt_list_continue_encode(
        struct kt_arena *arena, int64_t revision, const char *start, int64_t left);

/* resourceVersion of a get or list. -1 when absent. bad_status: what a malformed one is (400 for
 * lists, 500 else). */
int kt_revision_parse(struct kt_request *request, bool is_list, int64_t *ret_revision);
/* 504 for a revision that is not there yet. */
int kt_fail_future_revision(struct kt_err *err, int64_t wanted, int64_t current);

#endif
