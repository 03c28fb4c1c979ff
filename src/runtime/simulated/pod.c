/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The life of one pod: every call of sim_pod_advance() takes it as far as the time allows and sets
 * the timer for the rest. */
#include "runtime/simulated/internal.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"

static void begin_termination(struct sim_pod *pod);

static void timer_fired(struct kt_timer *timer)
{
	sim_pod_advance(kt_container_of(timer, struct sim_pod, timer));
}

struct sim_pod *sim_pod_create(
        struct kt_simulated *simulated, struct sim_node *node, struct kt_object *object)
{
	struct kt_sv namespace = kt_object_namespace(object), name = kt_object_name(object);
	struct sim_pod *pod = kt_new(struct sim_pod);
	struct kt_json_at phase;

	pod->simulated = simulated;
	pod->node = node;
	pod->object = kt_object_ref(object);
	pod->key = kt_asprintf("%.*s/%.*s", (int)namespace.len, namespace.p, (int)name.len, name.p);
	pod->deadline_ns = pod->end_ns = SIM_FOREVER;
	kt_timer_init(&pod->timer, simulated->loop, timer_fired);
	phase = kt_object_field(object, KT_SECTION_STATUS, "phase");
	pod->ended = kt_json_string_is(phase, "Succeeded") || kt_json_string_is(phase, "Failed");
	sim_pod_read(pod);
	sim_pod_adopt_status(pod);
	if (!pod->started_wall_ns)
		pod->references = sim_references_create(pod);
	if (object->deletion_timestamp.len)
		begin_termination(pod);
	return pod;
}

void sim_pod_release_ip(struct sim_pod *pod)
{
	if (pod->holds_ip)
		sim_node_release_ip(pod->node, pod->ip_host);
	pod->holds_ip = false;
}

void sim_pod_destroy(struct sim_pod *pod)
{
	if (!pod)
		return;
	kt_timer_cancel(&pod->timer);
	sim_pod_release_ip(pod);
	for (size_t i = 0; i < sim_pod_n_any(pod); i++) {
		struct sim_container *container = sim_pod_any(pod, i);

		free(container->name);
		free(container->image);
		free(container->plan.pull_error);
	}
	free(pod->containers);
	free(pod->ephemeral);
	sim_references_destroy(pod->references);
	kt_object_unref(pod->object);
	free(pod->key);
	free(pod);
}

void sim_pod_event(struct sim_pod *pod, const struct sim_container *container, bool warning,
        const char *reason, const char *message, ...)
{
	static const char *const lists[] = {
	        [SIM_INIT] = "initContainers",
	        [SIM_SIDECAR] = "initContainers",
	        [SIM_MAIN] = "containers",
	        [SIM_EPHEMERAL] = "ephemeralContainers",
	};
	kt_auto_str text = KT_STR_INIT, path = KT_STR_INIT;
	struct kt_event event = {
	        .about = kt_event_ref_of(pod->object),
	        .type = warning ? "Warning" : "Normal",
	        .reason = reason,
	        .host = pod->node->name,
	};
	va_list ap;

	if (pod->node->stopped)
		return;
	va_start(ap, message);
	kt_str_vprintf(&text, message, ap);
	va_end(ap);
	event.about.api_version = KT_SV("v1");
	event.about.kind = KT_SV("Pod");
	if (container) {
		kt_str_printf(&path, "spec.%s{%s}", lists[container->kind], container->name);
		event.about.field_path = (struct kt_sv){path.data, path.len};
	}
	kt_event_record(pod->simulated->recorder, &event, "%s", kt_str_text(&text));
}

static const char *pod_name_uid(struct sim_pod *pod, char buf[600])
{
	struct kt_sv namespace = kt_object_namespace(pod->object),
	             name = kt_object_name(pod->object);
	struct kt_sv uid = kt_object_uid(pod->object);

	snprintf(buf, 600, "%.*s_%.*s(%.*s)", (int)name.len, name.p, (int)namespace.len,
	        namespace.p, (int)uid.len, uid.p);
	return buf;
}

/* True while due lies ahead. */
static bool waits(const struct sim_pod *pod, int64_t due_ns)
{
	return due_ns == SIM_FOREVER || due_ns > kt_loop_now_ns(pod->simulated->loop);
}

static void start_pull(struct sim_pod *pod, struct sim_container *container)
{
	int64_t now = kt_loop_now_ns(pod->simulated->loop);

	container->state = SIM_PULLING;
	container->due_ns = now + (container->pulled ? 0 : container->plan.pull_ns);
	if (container->always_pull ||
	        (!container->pulled && (container->plan.pull_ns || container->plan.pull_error)))
		sim_pod_event(
		        pod, container, false, "Pulling", "Pulling image \"%s\"", container->image);
}

/* As the kubelet, which tells of a back-off whenever it finds the pod still waiting. */
static void say_later(struct sim_pod *pod, struct sim_container *container)
{
	struct kt_loop *loop = pod->simulated->loop;

	container->say_ns =
	        kt_loop_now_ns(loop) +
	        (SIM_RESYNC_MS + kt_loop_random_below(loop, SIM_RESYNC_MS / 2)) * KT_NS_PER_MS;
}

static void say_pull_backoff(struct sim_pod *pod, struct sim_container *container)
{
	sim_pod_event(pod, container, false, "BackOff", "Back-off pulling image \"%s\"",
	        container->image);
	sim_pod_event(pod, container, true, "Failed", "Error: ImagePullBackOff");
	say_later(pod, container);
}

static void say_backoff(struct sim_pod *pod, struct sim_container *container)
{
	char buf[600];

	sim_pod_event(pod, container, true, "BackOff",
	        "Back-off restarting failed container %s in pod %s", container->name,
	        pod_name_uid(pod, buf));
	say_later(pod, container);
}

/* True while the back-off lasts. */
static bool backs_off(struct sim_pod *pod, struct sim_container *container,
        void (*say)(struct sim_pod *pod, struct sim_container *container))
{
	if (!waits(pod, container->due_ns))
		return false;
	if (container->say_ns && !waits(pod, container->say_ns))
		say(pod, container);
	return true;
}

static void fail_pull(struct sim_pod *pod, struct sim_container *container)
{
	int64_t now = kt_loop_now_ns(pod->simulated->loop);

	sim_pod_event(pod, container, true, "Failed", "Failed to pull image \"%s\": %s",
	        container->image, container->plan.pull_error);
	sim_pod_event(pod, container, true, "Failed", "Error: ErrImagePull");
	container->state = SIM_PULL_BACKOFF;
	container->backoff_ns = container->backoff_ns
	                                ? KT_MIN(container->backoff_ns * 2, SIM_BACKOFF_MAX_NS)
	                                : SIM_BACKOFF_MIN_NS;
	container->due_ns = now + container->backoff_ns;
	say_pull_backoff(pod, container);
}

static void finish_pull(struct sim_pod *pod, struct sim_container *container)
{
	int64_t now = kt_loop_now_ns(pod->simulated->loop);
	char took[KT_TIME_TEXT_MAX];

	if (container->plan.pull_error) {
		fail_pull(pod, container);
		return;
	}
	if (container->always_pull || (container->plan.pull_ns && !container->pulled)) {
		kt_duration_format(container->pulled ? 0 : container->plan.pull_ns, took);
		sim_pod_event(pod, container, false, "Pulled",
		        "Successfully pulled image \"%s\" in %s (%s including waiting). "
		        "Image size: %u bytes.",
		        container->image, took, took,
		        10000000 + (unsigned)(kt_hash_bytes(
		                                      container->image, strlen(container->image)) %
		                              200000000));
	} else {
		sim_pod_event(pod, container, false, "Pulled",
		        "Container image \"%s\" already present on machine and can be accessed "
		        "by the pod",
		        container->image);
	}
	if (!container->pulled)
		container->backoff_ns = 0;
	container->pulled = true;
	container->state = SIM_STARTING;
	container->due_ns = now + container->plan.start_ns;
}

static void start_running(struct sim_pod *pod, struct sim_container *container)
{
	int64_t now = kt_loop_now_ns(pod->simulated->loop);

	sim_pod_event(pod, container, false, "Created", "Container created");
	sim_pod_event(pod, container, false, "Started", "Container started");
	container->state = SIM_RUNNING;
	container->started_ns = now;
	container->started_wall_ns = kt_loop_wall_ns(pod->simulated->loop);
	container->due_ns =
	        container->plan.run_ns == SIM_FOREVER ? SIM_FOREVER : now + container->plan.run_ns;
	container->ready_due_ns = now + container->plan.ready_ns;
}

static int exit_code_of(const struct sim_container *container)
{
	return container->plan.exit_codes[KT_MIN(container->run, container->plan.n_exit_codes - 1)];
}

static void end_run(struct sim_pod *pod, struct sim_container *container, int code)
{
	container->current = (struct sim_exit){
	        .any = true,
	        .code = code,
	        .started_wall_ns = container->started_wall_ns,
	        .finished_wall_ns = kt_loop_wall_ns(pod->simulated->loop),
	        .run = container->run,
	};
	container->state = SIM_EXITED;
	container->due_ns = SIM_FOREVER;
	container->ready = container->started = false;
}

/* After an exit: for good, at once again, or after the back-off. The first restart does not wait.
 */
static void decide_restart(struct sim_pod *pod, struct sim_container *container)
{
	int64_t now = kt_loop_now_ns(pod->simulated->loop);
	bool again = container->restart == SIM_ALWAYS ||
	             (container->restart == SIM_ON_FAILURE && container->current.code != 0);

	if (!again)
		return;
	if (now - container->started_ns >= SIM_BACKOFF_RESET_NS)
		container->backoff_ns = 0;
	container->state = SIM_BACKOFF;
	container->due_ns = now + container->backoff_ns;
	container->say_ns = 0;
	if (container->backoff_ns)
		say_backoff(pod, container);
	container->backoff_ns = container->backoff_ns
	                                ? KT_MIN(container->backoff_ns * 2, SIM_BACKOFF_MAX_NS)
	                                : SIM_BACKOFF_MIN_NS;
}

static void run_again(struct sim_pod *pod, struct sim_container *container)
{
	container->last = container->current;
	container->current = (struct sim_exit){0};
	container->run++;
	start_pull(pod, container);
}

/* Takes one container as far as it gets now. */
static void step(struct sim_pod *pod, struct sim_container *container)
{
	for (;;) {
		switch (container->state) {
		case SIM_IDLE:
			start_pull(pod, container);
			break;
		case SIM_PULLING:
			if (waits(pod, container->due_ns))
				return;
			finish_pull(pod, container);
			break;
		case SIM_CONFIG_ERROR: /* sim_references brings it back */
			if (sim_references_error(pod->references, container->name))
				return;
			container->state = SIM_STARTING;
			container->due_ns = kt_loop_now_ns(pod->simulated->loop);
			break;
		case SIM_PULL_BACKOFF:
			if (backs_off(pod, container, say_pull_backoff))
				return;
			start_pull(pod, container);
			break;
		case SIM_STARTING:
			if (waits(pod, container->due_ns))
				return;
			if (sim_references_error(pod->references, container->name)) {
				sim_pod_event(pod, container, true, "Failed", "Error: %s",
				        sim_references_error(pod->references, container->name));
				container->state = SIM_CONFIG_ERROR;
				container->due_ns = SIM_FOREVER;
				return;
			}
			start_running(pod, container);
			break;
		case SIM_RUNNING:
			container->started = !waits(pod, container->ready_due_ns);
			container->ready = container->started && !container->plan.never_ready;
			if (waits(pod, container->due_ns))
				return;
			end_run(pod, container, exit_code_of(container));
			decide_restart(pod, container);
			break;
		case SIM_BACKOFF:
			if (backs_off(pod, container, say_backoff))
				return;
			run_again(pod, container);
			break;
		case SIM_EXITED:
			return;
		}
	}
}

/* Init containers one after the other; sidecars stay and let the next one go. True when all have
 * done their part. */
static bool step_init(struct sim_pod *pod)
{
	for (size_t i = 0; i < pod->n_init; i++) {
		struct sim_container *container = &pod->containers[i];

		step(pod, container);
		if (container->kind == SIM_SIDECAR
		                ? !container->started
		                : container->state != SIM_EXITED || container->current.code != 0)
			return false;
	}
	return true;
}

/* Neither sidecars nor ephemeral containers hold up the end of their pod: they stop when the main
 * containers are through. */
static void stop_helpers(struct sim_pod *pod)
{
	for (size_t i = pod->n_init; i < pod->n_containers; i++)
		if (pod->containers[i].state != SIM_EXITED)
			return;
	for (size_t i = 0; i < sim_pod_n_any(pod); i++) {
		struct sim_container *container = sim_pod_any(pod, i);

		if (container->kind == SIM_SIDECAR ? container->state != SIM_EXITED
		                                   : container->state == SIM_RUNNING)
			end_run(pod, container, 0);
	}
}

/* Ephemeral containers wait for nobody: they are there to look at what does not start. */
static void step_all(struct sim_pod *pod)
{
	for (size_t i = 0; i < pod->n_ephemeral; i++)
		step(pod, &pod->ephemeral[i]);
	if (!step_init(pod))
		return;
	for (size_t i = pod->n_init; i < pod->n_containers; i++)
		step(pod, &pod->containers[i]);
	stop_helpers(pod);
}

static void begin_life(struct sim_pod *pod)
{
	int64_t deadline_s, now = kt_loop_now_ns(pod->simulated->loop),
	                    wall = kt_loop_wall_ns(pod->simulated->loop);

	if (!pod->started_wall_ns)
		pod->started_wall_ns = wall;
	if (!pod->ip_host && !pod->host_network) {
		pod->ip_host = sim_node_take_ip(pod->node);
		pod->holds_ip = pod->ip_host != 0;
	}
	if (pod->deadline_ns == SIM_FOREVER &&
	        kt_json_int64(
	                kt_object_field(pod->object, KT_SECTION_SPEC, "activeDeadlineSeconds"),
	                &deadline_s))
		pod->deadline_ns = now - (wall - pod->started_wall_ns) + deadline_s * KT_NS_PER_S;
}

static void stop_all(struct sim_pod *pod, int code)
{
	for (size_t i = 0; i < sim_pod_n_any(pod); i++) {
		struct sim_container *container = sim_pod_any(pod, i);

		if (container->state == SIM_RUNNING)
			end_run(pod, container, code);
		else if (container->state == SIM_BACKOFF)
			container->state = SIM_EXITED;
		container->due_ns = SIM_FOREVER;
	}
}

static void earlier(int64_t *next, int64_t due, int64_t now)
{
	if (due != SIM_FOREVER && due > now && (*next == SIM_FOREVER || due < *next))
		*next = due;
}

static void set_timer(struct sim_pod *pod)
{
	int64_t now = kt_loop_now_ns(pod->simulated->loop), next = SIM_FOREVER;

	for (size_t i = 0; i < sim_pod_n_any(pod); i++) {
		struct sim_container *container = sim_pod_any(pod, i);

		if (container->state != SIM_EXITED && container->state != SIM_IDLE)
			earlier(&next, container->due_ns, now);
		if ((container->state == SIM_BACKOFF || container->state == SIM_PULL_BACKOFF) &&
		        container->say_ns)
			earlier(&next, container->say_ns, now);
		if (container->state == SIM_RUNNING && !container->started)
			earlier(&next, container->ready_due_ns, now);
	}
	if (!pod->failed_deadline)
		earlier(&next, pod->deadline_ns, now);
	if (next == SIM_FOREVER)
		kt_timer_cancel(&pod->timer);
	else
		kt_timer_set(&pod->timer, next);
}

/* The object was asked to go: when will its containers have stopped? */
static void begin_termination(struct sim_pod *pod)
{
	int64_t grace_s = 30, longest = 0, end;

	kt_json_int64(
	        kt_object_field(pod->object, KT_SECTION_METADATA, "deletionGracePeriodSeconds"),
	        &grace_s);
	for (size_t i = 0; i < sim_pod_n_any(pod); i++) {
		struct sim_container *container = sim_pod_any(pod, i);

		if (container->state != SIM_RUNNING)
			continue;
		if (pod->end_ns == SIM_FOREVER)
			sim_pod_event(pod, container, false, "Killing", "Stopping container %s",
			        container->name);
		longest = KT_MAX(longest, container->plan.termination_ns);
	}
	end = kt_loop_now_ns(pod->simulated->loop) + KT_MIN(longest, grace_s * KT_NS_PER_S);
	pod->slow_end = longest > 0;
	/* A second delete may shorten the grace, never lengthen it. */
	pod->end_ns = pod->end_ns == SIM_FOREVER ? end : KT_MIN(end, pod->end_ns);
}

static void advance_termination(struct sim_pod *pod)
{
	if (waits(pod, pod->end_ns)) {
		kt_timer_set(&pod->timer, pod->end_ns);
		return;
	}
	kt_timer_cancel(&pod->timer);
	if (pod->stopped)
		return;
	pod->stopped = true;
	stop_all(pod, 0);
	/* Somebody waits for the end to be written down; else the end itself says it. */
	if (pod->object->finalizers.len > 2 || pod->slow_end || pod->write_under_way)
		sim_pod_write_status(pod);
	else
		sim_pod_send_delete(pod);
}

void sim_pod_advance(struct sim_pod *pod)
{
	if (pod->gone || pod->node->stopped || (pod->ended && pod->end_ns == SIM_FOREVER))
		return;
	/* Which addresses are taken is known only when all pods are. */
	if (!kt_informer_synced(pod->simulated->pods_informer))
		return;
	if (pod->end_ns != SIM_FOREVER) {
		advance_termination(pod);
		return;
	}
	begin_life(pod);
	if (!waits(pod, pod->deadline_ns) && !pod->failed_deadline) {
		pod->failed_deadline = true;
		stop_all(pod, 137);
		sim_pod_event(pod, NULL, false, "DeadlineExceeded",
		        "Pod was active on the node longer than the specified deadline");
	}
	if (!pod->failed_deadline && sim_references_volumes_ready(pod->references))
		step_all(pod);
	set_timer(pod);
	/* What must be asked for first is answered in a moment: one status says it all. */
	if (!pod->references || sim_references_known(pod->references))
		sim_pod_write_status(pod);
}

/* A container whose image changed in the spec stops and starts again with the new one. */
static void update_images(struct sim_pod *pod)
{
	for (int init = 0; init < 2; init++) {
		struct kt_json_at list = kt_object_field(pod->object, KT_SECTION_SPEC,
		                          init ? "initContainers" : "containers"),
		                  item;
		struct kt_json_iter it = {0};
		size_t i = init ? 0 : pod->n_init;

		while (list.p && kt_json_next_element(list, &it, &item) && i < pod->n_containers) {
			struct sim_container *container = &pod->containers[i++];

			if (kt_json_string_is(kt_json_member(item, "image"), container->image))
				continue;
			free(container->image);
			container->image = kt_json_string_dup(kt_json_member(item, "image"));
			if (!container->image)
				container->image = kt_strdup("");
			container->pulled = false;
			if (container->state != SIM_RUNNING)
				continue;
			sim_pod_event(pod, container, false, "Killing",
			        "Container %s definition changed, will be restarted",
			        container->name);
			end_run(pod, container, 0);
			run_again(pod, container);
		}
	}
}

void sim_pod_update(struct sim_pod *pod, struct kt_object *object)
{
	struct kt_object *old = pod->object;
	int64_t generation = 0, old_generation = 0;
	bool deleting = object->deletion_timestamp.len > 0;
	bool new_plans = !kt_sv_eq(
	        kt_object_span(old, old->annotations), kt_object_span(object, object->annotations));
	bool more;

	pod->object = kt_object_ref(object);
	more = !deleting && !pod->ended && sim_pod_read_ephemeral(pod);
	kt_json_int64(kt_object_field(old, KT_SECTION_METADATA, "generation"), &old_generation);
	kt_json_int64(kt_object_field(object, KT_SECTION_METADATA, "generation"), &generation);
	if (generation != old_generation && !deleting && !pod->ended)
		update_images(pod);
	if (new_plans) {
		sim_pod_read_plans(pod);
		for (size_t i = 0; i < sim_pod_n_any(pod); i++) {
			struct sim_container *container = sim_pod_any(pod, i);

			if (container->state == SIM_RUNNING && container->due_ns == SIM_FOREVER &&
			        container->plan.run_ns != SIM_FOREVER)
				container->due_ns = container->started_ns + container->plan.run_ns;
			if (container->state == SIM_RUNNING)
				container->ready_due_ns =
				        container->started_ns + container->plan.ready_ns;
		}
	}
	if (deleting && !pod->stopped &&
	        !kt_sv_eq(kt_object_span(old, old->deletion_timestamp),
	                kt_object_span(object, object->deletion_timestamp)))
		begin_termination(pod);
	kt_object_unref(old);
	if (deleting || new_plans || more || generation != old_generation)
		sim_pod_advance(pod);
	else
		sim_pod_check_status(pod);
}
