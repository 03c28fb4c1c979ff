/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/admission/admission.h"

#include "api/server/admission/webhook_set.h"
#include "api/server/rules/lookup.h"
#include "api/status.h"

#include <errno.h>

#define PLUGINS_MAX 64

struct kt_admission {
	const struct kt_admission_plugin *on[PLUGINS_MAX];
	size_t n;
	struct kt_webhooks *webhooks; /* has a lock of its own */
};

static bool names(const char *list, const char *name)
{
	struct kt_sv rest = kt_sv_of(list), part;
	while (list && kt_sv_split(&rest, ',', &part))
		if (kt_sv_is(kt_sv_trim(part), name))
			return true;
	return false;
}

static int check_names(const char *flag, const char *list, struct kt_err *err)
{
	struct kt_sv rest = kt_sv_of(list), part;
	while (list && *list && kt_sv_split(&rest, ',', &part)) {
		bool known = false;
		for (size_t i = 0; kt_admission_plugins[i]; i++)
			known |= kt_sv_is(kt_sv_trim(part), kt_admission_plugins[i]->name);
		if (!known)
			return kt_fail(err, EINVAL, "%s plugin \"%.*s\" is unknown", flag,
			        (int)part.len, part.p);
	}
	return 0;
}

int kt_admission_create(const char *enable, const char *disable,
        struct kt_admission **ret_admission, struct kt_err *err)
{
	if (check_names("enable-admission-plugins", enable, err) < 0 ||
	        check_names("disable-admission-plugins", disable, err) < 0)
		return -EINVAL;
	struct kt_admission *admission = kt_new(struct kt_admission);
	for (size_t i = 0; kt_admission_plugins[i] && admission->n < PLUGINS_MAX; i++) {
		const struct kt_admission_plugin *plugin = kt_admission_plugins[i];
		if ((plugin->on_by_default || names(enable, plugin->name)) &&
		        !names(disable, plugin->name))
			admission->on[admission->n++] = plugin;
	}
	admission->webhooks = kt_webhooks_create();
	*ret_admission = admission;
	return 0;
}

void kt_admission_destroy(struct kt_admission *admission)
{
	if (!admission)
		return;
	kt_webhooks_destroy(admission->webhooks);
	free(admission);
}

static int ask(struct kt_admission_context *a, const struct kt_admission_plugin *plugin)
{
	if (a->is_validating)
		return plugin->validate ? plugin->validate(a, a->seen, a->old) : 0;
	return plugin->mutate ? plugin->mutate(a, a->object, a->old) : 0;
}

/* From a->next on. */
static int walk(struct kt_admission_context *a)
{
	const struct kt_admission *admission = a->admission;

	for (;;) {
		while (a->next < admission->n) {
			int r = ask(a, admission->on[a->next++]);
			if (r != 0)
				return r;
		}
		if (a->is_again || !a->wants_again)
			return 0;
		a->is_again = true;
		a->next = 0;
	}
}

int kt_admission_mutate(const struct kt_admission *admission, struct kt_admission_context *a,
        json_t *object, const json_t *old)
{
	a->admission = admission;
	a->object = object;
	a->seen = object;
	a->old = old;
	return walk(a);
}

int kt_admission_validate(const struct kt_admission *admission, struct kt_admission_context *a,
        const json_t *object, const json_t *old)
{
	a->admission = admission;
	a->is_validating = true;
	a->seen = object;
	a->old = old;
	return walk(a);
}

void kt_admission_resume(struct kt_admission_context *a, int status)
{
	a->cancel = NULL;
	if (status == 0)
		status = walk(a);
	if (status != KT_ADMIT_WAIT)
		a->resume(a, status);
}

void kt_admission_finish(struct kt_admission_context *a)
{
	kt_admission_cancel(a);
	kt_webhook_reinvocation_free(kt_steal(&a->reinvocation));
	json_decref(kt_steal(&a->annotations));
	json_decref(kt_steal(&a->options));
	kt_err_clear(&a->err);
}

void kt_admission_cancel(struct kt_admission_context *a)
{
	if (a->cancel)
		a->cancel(a);
	a->cancel = NULL;
}

void kt_admission_annotate(struct kt_admission_context *a, const char *key, const char *value)
{
	if (!a->annotations)
		a->annotations = json_object();
	if (!json_object_get(a->annotations, key))
		json_object_set_new(a->annotations, key, json_string(value));
}

json_t *kt_admission_options(struct kt_admission_context *a)
{
	if (!a->options && a->make_options)
		a->options = a->make_options(a);
	return a->options;
}

struct kt_webhooks *kt_admission_webhooks(const struct kt_admission_context *a)
{
	return a->admission->webhooks;
}

int kt_admission_forbid(struct kt_admission_context *a, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	kt_auto_free char *why = kt_vasprintf(fmt, ap);
	va_end(ap);
	int r = kt_fail_reason(&a->err, KT_REASON_FORBIDDEN, EACCES,
	        "%s%s%s \"%s\" is forbidden: %s", a->kind->plural, *a->kind->group ? "." : "",
	        a->kind->group, a->name, why);
	kt_err_set_about(&a->err, a->kind->group, a->kind->plural, a->name, NULL);
	return r;
}

bool kt_admission_is(const struct kt_admission_context *a, const char *group, const char *plural,
        const char *subresource)
{
	return kt_streq(a->kind->group, group) && kt_streq(a->kind->plural, plural) &&
	       kt_streq(a->subresource, subresource);
}

json_t *kt_admission_read(const struct kt_admission_context *a, const char *group,
        const char *plural, const char *namespace, const char *name)
{
	return kt_rule_read(a->rules, group, plural, namespace, name);
}

int kt_admission_list(const struct kt_admission_context *a, const char *group, const char *plural,
        const char *namespace, struct kt_storage_list *ret_list)
{
	return kt_rule_list(a->rules, group, plural, namespace, ret_list);
}
