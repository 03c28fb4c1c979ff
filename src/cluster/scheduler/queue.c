/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cluster/scheduler/queue.h"

#include "api/client/sections.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/vec.h"

enum place { UNDER_WAY, ACTIVE, BACKOFF, UNSCHEDULABLE, GATED };

typedef bool before_fn(const struct kt_queued_pod *a, const struct kt_queued_pod *b);

struct heap {
	KT_VEC(struct kt_queued_pod *) v;
	before_fn *before;
};

struct kt_pod_queue {
	struct kt_loop *loop;
	void (*wake)(void *arg);
	void *arg;
	struct kt_map pods;  /* uid -> pod; owns */
	struct heap active;  /* by priority, age */
	struct heap waiting; /* BACKOFF and UNSCHEDULABLE by due time */
	size_t n_unschedulable;
	uint64_t seq;
	struct kt_timer timer;
};

static bool active_before(const struct kt_queued_pod *a, const struct kt_queued_pod *b)
{
	return a->priority != b->priority ? a->priority > b->priority : a->seq < b->seq;
}

static bool due_before(const struct kt_queued_pod *a, const struct kt_queued_pod *b)
{
	return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->seq < b->seq;
}

static void heap_place(struct heap *heap, size_t i, struct kt_queued_pod *pod)
{
	heap->v.items[i] = pod;
	pod->heap_index = (uint32_t)i;
}

static void sift_up(struct heap *heap, size_t i)
{
	struct kt_queued_pod *pod = heap->v.items[i];

	for (; i > 0 && heap->before(pod, heap->v.items[(i - 1) / 2]); i = (i - 1) / 2)
		heap_place(heap, i, heap->v.items[(i - 1) / 2]);
	heap_place(heap, i, pod);
}

static void sift_down(struct heap *heap, size_t i)
{
	struct kt_queued_pod *pod = heap->v.items[i];

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= heap->v.n)
			break;
		if (child + 1 < heap->v.n &&
		        heap->before(heap->v.items[child + 1], heap->v.items[child]))
			child++;
		if (!heap->before(heap->v.items[child], pod))
			break;
		heap_place(heap, i, heap->v.items[child]);
		i = child;
	}
	heap_place(heap, i, pod);
}

static void heap_push(struct heap *heap, struct kt_queued_pod *pod)
{
	kt_vec_push(&heap->v, pod);
	sift_up(heap, heap->v.n - 1);
}

static void heap_remove(struct heap *heap, struct kt_queued_pod *pod)
{
	size_t i = pod->heap_index;
	struct kt_queued_pod *last = heap->v.items[--heap->v.n];

	kt_assert(i <= heap->v.n);
	if (last == pod)
		return;
	heap_place(heap, i, last);
	sift_up(heap, i);
	sift_down(heap, last->heap_index);
}

static void pod_free(void *value)
{
	struct kt_queued_pod *pod = value;

	kt_object_unref(pod->object);
	free(pod);
}

static void set_timer(struct kt_pod_queue *queue)
{
	if (queue->waiting.v.n)
		kt_timer_set(&queue->timer, queue->waiting.v.items[0]->due_ns);
	else
		kt_timer_cancel(&queue->timer);
}

static void leave_place(struct kt_pod_queue *queue, struct kt_queued_pod *pod)
{
	if (pod->place == ACTIVE)
		heap_remove(&queue->active, pod);
	else if (pod->place == BACKOFF || pod->place == UNSCHEDULABLE)
		heap_remove(&queue->waiting, pod);
	if (pod->place == UNSCHEDULABLE)
		queue->n_unschedulable--;
	pod->place = UNDER_WAY;
}

static void make_active(struct kt_pod_queue *queue, struct kt_queued_pod *pod)
{
	leave_place(queue, pod);
	pod->place = ACTIVE;
	heap_push(&queue->active, pod);
}

static int64_t backoff_ns(const struct kt_queued_pod *pod)
{
	uint32_t shift = pod->attempts > 1 ? KT_MIN(pod->attempts - 1, 8u) : 0;

	return KT_MIN(INT64_C(1) * KT_QUEUE_BACKOFF_MIN_MS << shift, KT_QUEUE_BACKOFF_MAX_MS) *
	       KT_NS_PER_MS;
}

static void make_wait(
        struct kt_pod_queue *queue, struct kt_queued_pod *pod, enum place place, int64_t due_ns)
{
	leave_place(queue, pod);
	pod->place = (uint8_t)place;
	pod->due_ns = due_ns;
	heap_push(&queue->waiting, pod);
	if (place == UNSCHEDULABLE)
		queue->n_unschedulable++;
	set_timer(queue);
}

static void timer_fired(struct kt_timer *timer)
{
	struct kt_pod_queue *queue = kt_container_of(timer, struct kt_pod_queue, timer);
	int64_t now = kt_loop_now_ns(queue->loop);
	bool any = false;

	while (queue->waiting.v.n && queue->waiting.v.items[0]->due_ns <= now) {
		make_active(queue, queue->waiting.v.items[0]);
		any = true;
	}
	set_timer(queue);
	if (any)
		queue->wake(queue->arg);
}

struct kt_pod_queue *kt_pod_queue_create(struct kt_loop *loop, void (*wake)(void *arg), void *arg)
{
	struct kt_pod_queue *queue = kt_new(struct kt_pod_queue);

	queue->loop = loop;
	queue->wake = wake;
	queue->arg = arg;
	queue->active.before = active_before;
	queue->waiting.before = due_before;
	kt_map_init(&queue->pods, pod_free);
	kt_timer_init(&queue->timer, loop, timer_fired);
	return queue;
}

void kt_pod_queue_destroy(struct kt_pod_queue *queue)
{
	if (!queue)
		return;
	kt_timer_cancel(&queue->timer);
	kt_vec_finish(&queue->active.v);
	kt_vec_finish(&queue->waiting.v);
	kt_map_finish(&queue->pods);
	free(queue);
}

struct kt_queued_pod *kt_pod_queue_find(struct kt_pod_queue *queue, struct kt_sv uid)
{
	return kt_map_get_sv(&queue->pods, uid);
}

static struct kt_queued_pod *add_pod(struct kt_pod_queue *queue, struct kt_object *object)
{
	struct kt_sv uid = kt_object_uid(object);
	struct kt_queued_pod *pod = kt_zalloc(sizeof(*pod) + uid.len + 1);

	if (uid.len)
		memcpy(pod->uid, uid.p, uid.len);
	pod->place = UNDER_WAY;
	pod->since_ns = kt_loop_now_ns(queue->loop);
	pod->seq = ++queue->seq;
	kt_map_set(&queue->pods, pod->uid, pod);
	return pod;
}

/* Something may have changed for a pod that was tried in vain: it is tried again, after its
 * back-off at the earliest. True when it is active now. */
static bool try_again(struct kt_pod_queue *queue, struct kt_queued_pod *pod)
{
	int64_t tried_ns = pod->due_ns - KT_QUEUE_UNSCHEDULABLE_MAX_MS * KT_NS_PER_MS;

	if (tried_ns + backoff_ns(pod) > kt_loop_now_ns(queue->loop)) {
		make_wait(queue, pod, BACKOFF, tried_ns + backoff_ns(pod));
		return false;
	}
	make_active(queue, pod);
	return true;
}

/* Only what decisions are made of; our own writes to the status are no news. */
static bool is_news(const struct kt_object *old_object, const struct kt_object *new_object)
{
	struct kt_json_at a = kt_object_section(old_object, KT_SECTION_SPEC),
	                  b = kt_object_section(new_object, KT_SECTION_SPEC);

	return !kt_sv_eq((struct kt_sv){a.p, a.len}, (struct kt_sv){b.p, b.len}) ||
	       !kt_sv_eq(kt_object_span(old_object, old_object->labels),
	               kt_object_span(new_object, new_object->labels));
}

void kt_pod_queue_put(struct kt_pod_queue *queue, struct kt_object *object, bool gated)
{
	struct kt_queued_pod *pod = kt_pod_queue_find(queue, kt_object_uid(object));
	bool is_new = !pod, was_gated = pod && pod->place == GATED;
	bool news = pod && pod->place == UNSCHEDULABLE && is_news(pod->object, object);
	struct kt_object *old;
	int64_t priority = 0;

	if (is_new)
		pod = add_pod(queue, object);
	old = pod->object;
	pod->object = kt_object_ref(object);
	kt_object_unref(old);
	kt_json_int64(kt_object_field(object, KT_SECTION_SPEC, "priority"), &priority);
	pod->priority = (int32_t)priority;
	if (gated) {
		leave_place(queue, pod);
		pod->place = GATED;
	} else if (is_new || was_gated) {
		make_active(queue, pod);
		queue->wake(queue->arg);
	} else if (news && try_again(queue, pod)) {
		set_timer(queue);
		queue->wake(queue->arg);
	}
}

void kt_pod_queue_remove(struct kt_pod_queue *queue, struct kt_sv uid)
{
	struct kt_queued_pod *pod = kt_pod_queue_find(queue, uid);

	if (!pod)
		return;
	leave_place(queue, pod);
	pod_free(kt_map_take(&queue->pods, pod->uid));
	set_timer(queue);
}

struct kt_queued_pod *kt_pod_queue_pop(struct kt_pod_queue *queue)
{
	struct kt_queued_pod *pod;

	if (!queue->active.v.n)
		return NULL;
	pod = queue->active.v.items[0];
	leave_place(queue, pod);
	pod->attempts++;
	return pod;
}

void kt_pod_queue_return(struct kt_pod_queue *queue, struct kt_queued_pod *pod, uint32_t wakes)
{
	int64_t now = kt_loop_now_ns(queue->loop);

	pod->wakes = wakes;
	if (wakes)
		make_wait(queue, pod, UNSCHEDULABLE,
		        now + KT_QUEUE_UNSCHEDULABLE_MAX_MS * KT_NS_PER_MS);
	else
		make_wait(queue, pod, BACKOFF, now + backoff_ns(pod));
}

void kt_pod_queue_event(struct kt_pod_queue *queue, uint32_t events)
{
	size_t it = 0;
	void *value;
	bool any = false;

	if (!queue->n_unschedulable)
		return;
	while (kt_map_next(&queue->pods, &it, NULL, &value)) {
		struct kt_queued_pod *pod = value;

		if (pod->place == UNSCHEDULABLE && (pod->wakes & events))
			any |= try_again(queue, pod);
	}
	set_timer(queue);
	if (any)
		queue->wake(queue->arg);
}
