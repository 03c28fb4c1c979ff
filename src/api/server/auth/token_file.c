/* SPDX-License-Identifier: GPL-3.0-or-later */
/* --token-auth-file: lines of token,user,uid,"group1,group2" in CSV as Go reads it (RFC 4180, #
 * begins no comment). */
#include "api/server/auth/tokens.h"
#include "base/log.h"
#include "base/path.h"

#include <errno.h>

#define FILE_BYTES_MAX (4 * 1024 * 1024)

struct entry {
	char *token;
	struct kt_user *user;
};

struct kt_token_file {
	KT_VEC(struct entry) entries;
};

typedef KT_VEC(char *) record;

static void record_finish(record *fields)
{
	for (size_t i = 0; i < fields->n; i++)
		free(fields->items[i]);
	kt_vec_finish(fields);
}

/* One field from *pp up to the comma or line end; NULL: an unclosed quote, or one where none may
 * be. */
static char *read_field(const char **pp)
{
	kt_auto_str text = KT_STR_INIT;
	const char *p = *pp;

	if (*p != '"') {
		size_t len = strcspn(p, ",\n");
		size_t end = len && p[len] != ',' && p[len - 1] == '\r' ? len - 1 : len;

		if (memchr(p, '"', len))
			return NULL;
		*pp = p + len;
		return kt_strndup(p, end);
	}
	for (p++; *p; p++) {
		if (*p == '"' && p[1] != '"')
			break;
		if (*p == '"')
			p++;
		kt_str_putc(&text, *p);
	}
	if (*p != '"')
		return NULL;
	p++;
	if (*p == '\r' && p[1] == '\n')
		p++;
	if (*p && *p != ',' && *p != '\n')
		return NULL;
	*pp = p;
	return kt_str_steal(&text);
}

static int read_record(const char **pp, record *fields)
{
	for (;;) {
		char *field = read_field(pp);

		if (!field)
			return -EINVAL;
		kt_vec_push(fields, field);
		if (**pp != ',')
			break;
		(*pp)++;
	}
	if (**pp == '\n')
		(*pp)++;
	return 0;
}

static struct kt_user *user_of(const record *fields)
{
	record groups = {0};
	struct kt_sv rest = kt_sv_of(fields->n > 3 ? fields->items[3] : ""), group;
	struct kt_user *user;

	while (rest.p && kt_sv_split(&rest, ',', &group)) {
		group = kt_sv_trim(group);
		if (group.len)
			kt_vec_push(&groups, kt_sv_dup(group));
	}
	kt_vec_push(&groups, kt_strdup("system:authenticated"));
	kt_vec_push(&groups, NULL);
	user = kt_user_create(
	        fields->items[1], fields->items[2], (const char *const *)groups.items);
	record_finish(&groups);
	return user;
}

static int take_record(struct kt_token_file *file, record *fields, const char *path, unsigned line,
        struct kt_err *err)
{
	struct entry entry;

	if (fields->n == 1 && !*fields->items[0])
		return 0; /* an empty line */
	if (fields->n < 3)
		return kt_fail(err, EINVAL,
		        "token file %s, record %u: it needs at least 3 columns (token, user name, "
		        "user uid), it has %zu",
		        path, line, fields->n);
	if (!*fields->items[0]) {
		kt_log_warning("auth", "token file %s, record %u: empty token, record ignored",
		        path, line);
		return 0;
	}
	entry.user = user_of(fields);
	entry.token = kt_steal(&fields->items[0]);
	kt_vec_push(&file->entries, entry);
	return 0;
}

int kt_token_file_read(const char *path, struct kt_token_file **ret_file, struct kt_err *err)
{
	struct kt_token_file *file = kt_new(struct kt_token_file);
	kt_auto_str text = KT_STR_INIT;
	int r = kt_read_file(path, FILE_BYTES_MAX, &text, err);
	const char *p = kt_str_text(&text);

	for (unsigned line = 1; r >= 0 && *p; line++) {
		record fields = {0};

		r = read_record(&p, &fields);
		if (r < 0)
			kt_fail(err, EINVAL, "token file %s, record %u: misplaced quote", path,
			        line);
		else
			r = take_record(file, &fields, path, line, err);
		record_finish(&fields);
	}
	if (r < 0) {
		kt_token_file_free(file);
		return r;
	}
	*ret_file = file;
	return 0;
}

void kt_token_file_free(struct kt_token_file *file)
{
	if (!file)
		return;
	for (size_t i = 0; i < file->entries.n; i++) {
		free(file->entries.items[i].token);
		kt_user_unref(file->entries.items[i].user);
	}
	kt_vec_finish(&file->entries);
	free(file);
}

int kt_token_file_find(
        const struct kt_token_file *file, struct kt_sv token, struct kt_user **ret_user)
{
	struct kt_user *found = NULL;

	/* All are compared, each in constant time: how long it takes says nothing about where a
	 * guess comes near. */
	for (size_t i = 0; file && i < file->entries.n; i++) {
		const struct entry *entry = &file->entries.items[i];

		if (kt_secret_eq(entry->token, strlen(entry->token), token.p, token.len))
			found = entry->user;
	}
	if (!found)
		return -ENOENT;
	*ret_user = kt_user_ref(found);
	return 0;
}
