/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/client/events.h"

#include "api/client/calls.h"
#include "base/log.h"
#include "base/map.h"
#include "base/time.h"

/* One Event object, known by its correlation key: waiting to be created, or created and maybe
 * counting up. */
struct record {
	char *key;
	char *path; /* of the collection */
	char *name;
	char *text; /* of a combined event, where each one's text is the newest; else NULL */
	struct kt_str head; /* JSON up to the changing part; emptied once created */
	int64_t first_ns, last_ns;
	int count;
	bool created, queued, under_way, stale;
	struct record *next; /* in the queue */
	struct kt_event_recorder *recorder;
};

struct similar {
	int n;
	int64_t last_ns;
};

struct bucket {
	double tokens;
	int64_t last_ns;
};

struct kt_event_recorder {
	struct kt_loop *loop;
	struct kt_calls *calls;
	char *component, *host;
	bool new_form;
	struct kt_map records;  /* correlation key -> record */
	struct kt_map similars; /* object, type, reason -> similar */
	struct kt_map buckets;  /* object -> bucket */
	struct record *first, **last;
	size_t n_queued;
	int64_t last_name_ns;
};

static void record_free(void *value)
{
	struct record *record = value;

	kt_str_finish(&record->head);
	free(record->key);
	free(record->path);
	free(record->name);
	free(record->text);
	free(record);
}

struct kt_event_recorder *kt_event_recorder_create(const struct kt_event_recorder_options *options)
{
	struct kt_event_recorder *recorder = kt_new(struct kt_event_recorder);

	recorder->loop = options->loop;
	recorder->calls = kt_calls_create(options->client, options->loop, options->component);
	recorder->component = kt_strdup(options->component);
	recorder->host = options->host ? kt_strdup(options->host) : NULL;
	recorder->new_form = options->new_form;
	kt_map_init(&recorder->records, record_free);
	kt_map_init(&recorder->similars, free);
	kt_map_init(&recorder->buckets, free);
	recorder->last = &recorder->first;
	return recorder;
}

void kt_event_recorder_destroy(struct kt_event_recorder *recorder)
{
	if (!recorder)
		return;
	kt_calls_destroy(recorder->calls);
	kt_map_finish(&recorder->records);
	kt_map_finish(&recorder->similars);
	kt_map_finish(&recorder->buckets);
	free(recorder->component);
	free(recorder->host);
	free(recorder);
}

static struct kt_sv string_at(struct kt_json_at doc, const char *key)
{
	struct kt_sv text = {0};

	kt_json_string_sv(kt_json_member(doc, key), &text);
	return text;
}

struct kt_event_ref kt_event_ref_of(const struct kt_object *object)
{
	struct kt_json_at doc = kt_object_doc(object);

	return (struct kt_event_ref){
	        .api_version = string_at(doc, "apiVersion"),
	        .kind = string_at(doc, "kind"),
	        .namespace = kt_object_namespace(object),
	        .name = kt_object_name(object),
	        .uid = kt_object_uid(object),
	        .resource_version = kt_object_span(object, object->resource_version),
	};
}

/* Removes what has not changed lately once a map is too long; nothing under way or waiting goes. */
static void forget_old_records(struct kt_event_recorder *recorder)
{
	size_t it = 0, left = KT_EVENT_CACHE_MAX / 2;
	const char *key;
	void *value;

	if (recorder->records.n < KT_EVENT_CACHE_MAX)
		return;
	while (left > 0 && kt_map_next(&recorder->records, &it, &key, &value)) {
		struct record *record = value;

		if (record->queued || record->under_way)
			continue;
		record_free(kt_map_take(&recorder->records, record->key));
		left--;
	}
}

/* Limits one object's events: a burst, then one each five minutes. */
static bool take_token(struct kt_event_recorder *recorder, const char *object_key)
{
	int64_t now = kt_loop_now_ns(recorder->loop);
	struct bucket *bucket = kt_map_get(&recorder->buckets, object_key);

	if (!bucket) {
		if (recorder->buckets.n >= KT_EVENT_CACHE_MAX)
			kt_map_clear(&recorder->buckets);
		bucket = kt_new(struct bucket);
		*bucket = (struct bucket){KT_EVENT_BURST, now};
		kt_map_set(&recorder->buckets, object_key, bucket);
	}
	bucket->tokens += (double)(now - bucket->last_ns) / ((double)KT_EVENT_REFILL_S * 1e9);
	bucket->tokens = KT_MIN(bucket->tokens, (double)KT_EVENT_BURST);
	bucket->last_ns = now;
	if (bucket->tokens < 1)
		return false;
	bucket->tokens -= 1;
	return true;
}

/* True when so many events differ only in their text that they go on as one. */
static bool combine(struct kt_event_recorder *recorder, const char *similar_key)
{
	int64_t now = kt_loop_now_ns(recorder->loop);
	struct similar *similar = kt_map_get(&recorder->similars, similar_key);

	if (!similar) {
		if (recorder->similars.n >= KT_EVENT_CACHE_MAX)
			kt_map_clear(&recorder->similars);
		similar = kt_new(struct similar);
		kt_map_set(&recorder->similars, similar_key, similar);
	} else if (now - similar->last_ns > KT_EVENT_SIMILAR_WINDOW_S * KT_NS_PER_S) {
		similar->n = 0;
	}
	similar->last_ns = now;
	return ++similar->n >= KT_EVENT_SIMILAR_MAX;
}

static void put_member(struct kt_str *out, const char *key, struct kt_sv value)
{
	if (!value.len)
		return;
	kt_str_printf(out, "%s\"%s\":", out->data[out->len - 1] == '{' ? "" : ",", key);
	kt_json_write_string(out, value.p, value.len);
}

/* Everything that stays the same while the event counts up, without the closing brace. */
static void write_head(struct kt_event_recorder *recorder, struct record *record,
        const struct kt_event *event, struct kt_sv namespace, const char *message)
{
	struct kt_str *out = &record->head;
	const struct kt_event_ref *about = &event->about;
	const char *host = event->host ? event->host : recorder->host;

	kt_str_puts(out, "{\"apiVersion\":\"v1\",\"kind\":\"Event\",\"metadata\":{");
	put_member(out, "name", kt_sv_of(record->name));
	put_member(out, "namespace", namespace);
	kt_str_puts(out, "},\"involvedObject\":{");
	put_member(out, "kind", about->kind);
	put_member(out, "namespace", about->namespace);
	put_member(out, "name", about->name);
	put_member(out, "uid", about->uid);
	put_member(out, "apiVersion", about->api_version);
	put_member(out, "resourceVersion", about->resource_version);
	put_member(out, "fieldPath", about->field_path);
	kt_str_puts(out, "}");
	put_member(out, "reason", kt_sv_of(event->reason));
	if (message)
		put_member(out, "message", kt_sv_of(message));
	put_member(out, "type", kt_sv_of(event->type));
	put_member(out, "action", kt_sv_of(event->action));
	put_member(out, "reportingComponent", kt_sv_of(recorder->component));
	if (recorder->new_form) {
		put_member(out, "reportingInstance", kt_sv_of(host ? host : recorder->component));
	} else {
		kt_str_puts(out, ",\"source\":{");
		put_member(out, "component", kt_sv_of(recorder->component));
		put_member(out, "host", kt_sv_of(host));
		kt_str_puts(out, "}");
		put_member(out, "reportingInstance", kt_sv_of(host));
	}
}

static void write_counts(
        const struct kt_event_recorder *recorder, const struct record *record, struct kt_str *out)
{
	char first[KT_TIME_TEXT_MAX], last[KT_TIME_TEXT_MAX];

	if (recorder->new_form) {
		kt_time_format_micro(record->first_ns, first);
		kt_time_format_micro(record->last_ns, last);
		if (!record->created)
			kt_str_printf(out, ",\"eventTime\":\"%s\"", first);
		if (record->count > 1)
			kt_str_printf(out,
			        "%s\"series\":{\"count\":%d,\"lastObservedTime\":\"%s\"}",
			        record->created ? "" : ",", record->count, last);
		return;
	}
	kt_time_format(record->first_ns, first);
	kt_time_format(record->last_ns, last);
	if (!record->created)
		kt_str_printf(out, ",\"firstTimestamp\":\"%s\",", first);
	kt_str_printf(out, "\"lastTimestamp\":\"%s\",\"count\":%d", last, record->count);
}

static void pump(struct kt_event_recorder *recorder);

static void enqueue(struct kt_event_recorder *recorder, struct record *record)
{
	record->queued = true;
	record->next = NULL;
	*recorder->last = record;
	recorder->last = &record->next;
	recorder->n_queued++;
}

static void record_sent(void *arg, struct kt_call *call)
{
	struct record *record = arg;
	struct kt_event_recorder *recorder = record->recorder;

	record->under_way = false;
	if (call->err.code) {
		kt_log_debug("events", "%s %s: %s", call->method, call->path,
		        kt_err_message(&call->err));
		record_free(kt_map_take(&recorder->records, record->key));
	} else {
		record->created = true;
		kt_str_finish(&record->head);
		if (record->stale)
			enqueue(recorder, record);
	}
	pump(recorder);
}

static void send_record(struct kt_event_recorder *recorder, struct record *record)
{
	kt_auto_str body = KT_STR_INIT;
	struct kt_call_spec spec = {.body = &body, .done = record_sent, .arg = record};

	record->under_way = true;
	record->stale = false;
	if (record->created)
		kt_str_putc(&body, '{');
	else
		kt_str_add(&body, record->head.data, record->head.len);
	if (record->text) {
		put_member(&body, "message", kt_sv_of(record->text));
		if (record->created)
			kt_str_putc(&body, ',');
	}
	write_counts(recorder, record, &body);
	kt_str_putc(&body, '}');
	if (record->created) {
		spec.method = "PATCH";
		spec.content_type = KT_PATCH_STRATEGIC;
		kt_calls_send(recorder->calls, &spec, "%s/%s", record->path, record->name);
	} else {
		spec.method = "POST";
		kt_calls_send(recorder->calls, &spec, "%s", record->path);
	}
}

static void pump(struct kt_event_recorder *recorder)
{
	while (recorder->first && kt_calls_under_way(recorder->calls) < KT_EVENT_UNDER_WAY_MAX) {
		struct record *record = recorder->first;

		recorder->first = record->next;
		if (!recorder->first)
			recorder->last = &recorder->first;
		recorder->n_queued--;
		record->queued = false;
		send_record(recorder, record);
	}
}

static struct record *record_create(struct kt_event_recorder *recorder,
        const struct kt_event *event, const char *key, const char *message)
{
	struct record *record = kt_new(struct record);
	struct kt_sv namespace =
	        event->about.namespace.len ? event->about.namespace : KT_SV("default");
	int64_t now = kt_loop_wall_ns(recorder->loop);

	/* The name must be unique also when many events fall into one turn of the loop. */
	recorder->last_name_ns = KT_MAX(now, recorder->last_name_ns + 1);
	record->recorder = recorder;
	record->key = kt_strdup(key);
	record->path =
	        kt_asprintf("/api/v1/namespaces/%.*s/events", (int)namespace.len, namespace.p);
	record->name = kt_asprintf("%.*s.%llx", (int)event->about.name.len, event->about.name.p,
	        (unsigned long long)recorder->last_name_ns);
	record->first_ns = now;
	write_head(recorder, record, event, namespace, message);
	return record;
}

/* Sends the record as it is now, or once what is under way is answered. */
static void tell(struct kt_event_recorder *recorder, struct record *record)
{
	if (record->under_way)
		record->stale = true;
	else if (!record->queued)
		enqueue(recorder, record);
	pump(recorder);
}

/* The record of this event, made when it is new: one of its own, or that of all its like. object:
 * the key so far. */
static struct record *record_of(struct kt_event_recorder *recorder, const struct kt_event *event,
        const char *object, const char *message)
{
	kt_auto_free char *similar = kt_asprintf("%s|%.*s|%s|%s", object,
	                          (int)event->about.field_path.len,
	                          event->about.field_path.p ? event->about.field_path.p : "",
	                          event->type, event->reason),
	                  *own = kt_asprintf("%s|%s", similar, message);
	struct record *record = kt_map_get(&recorder->records, own);
	bool is_combined = !record && combine(recorder, similar);
	const char *key = is_combined ? similar : own;

	if (is_combined)
		record = kt_map_get(&recorder->records, key);
	if (!record) {
		forget_old_records(recorder);
		record = record_create(recorder, event, key, is_combined ? NULL : message);
		kt_map_set(&recorder->records, key, record);
	}
	if (is_combined) {
		free(record->text);
		record->text = kt_asprintf("(combined from similar events): %s", message);
	}
	return record;
}

void kt_event_record(
        struct kt_event_recorder *recorder, const struct kt_event *event, const char *message, ...)
{
	const struct kt_event_ref *about = &event->about;
	kt_auto_str object = KT_STR_INIT, text = KT_STR_INIT;
	struct record *record;
	va_list ap;

	va_start(ap, message);
	kt_str_vprintf(&text, message, ap);
	va_end(ap);
	kt_str_printf(&object, "%.*s|%.*s|%.*s|%.*s", (int)about->kind.len, about->kind.p,
	        (int)about->namespace.len, about->namespace.p, (int)about->name.len, about->name.p,
	        (int)about->uid.len, about->uid.p);
	if (recorder->n_queued >= KT_EVENT_QUEUE_MAX)
		return;
	record = record_of(recorder, event, kt_str_text(&object), kt_str_text(&text));
	record->count++;
	record->last_ns = kt_loop_wall_ns(recorder->loop);
	/* What is held back still counts: the next one that is told says how many there were. */
	if (take_token(recorder, kt_str_text(&object)))
		tell(recorder, record);
}
