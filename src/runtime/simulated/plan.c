/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a pod is to do: read from its spec, its annotations, and the status an earlier life of ours
 * wrote. */
#include "runtime/simulated/internal.h"

#include "base/mem.h"
#include "base/time.h"

static char *annotation(struct kt_json_at annotations, const char *key)
{
	return annotations.p ? kt_json_string_dup(kt_json_member(annotations, key)) : NULL;
}

char *sim_annotation(const struct kt_object *pod, const char *container, const char *key)
{
	struct kt_sv text = kt_object_span(pod, pod->annotations);
	struct kt_json_at annotations = kt_json_doc(text.p, text.len);
	kt_auto_free char *general = kt_asprintf(SIM_ANNOTATION "%s", key);
	kt_auto_free char *own = kt_asprintf(SIM_ANNOTATION "%s.%s", container, key);
	char *value = annotation(annotations, own);

	return value ? value : annotation(annotations, general);
}

static int64_t duration(
        const struct sim_pod *pod, const char *container, const char *key, int64_t fallback)
{
	kt_auto_free char *text = sim_annotation(pod->object, container, key);
	int64_t ns;

	if (!text)
		return fallback;
	if (strcmp(text, "forever") == 0)
		return SIM_FOREVER;
	return kt_duration_parse(kt_sv_of(text), &ns) < 0 || ns < 0 ? fallback : ns;
}

static int64_t probe_delay_ns(struct kt_json_at spec)
{
	static const char *const probes[] = {"startupProbe", "readinessProbe"};
	int64_t sum = 0, s;

	for (size_t i = 0; i < KT_ARRAY_SIZE(probes); i++)
		if (kt_json_int64(kt_json_find(spec, probes[i], "initialDelaySeconds", NULL), &s))
			sum += s * KT_NS_PER_S;
	return sum;
}

/* The words of command and args; the caller frees them. */
static size_t command_words(struct kt_json_at spec, char *words[8])
{
	static const char *const lists[] = {"command", "args"};
	size_t n = 0;

	for (size_t l = 0; l < KT_ARRAY_SIZE(lists); l++) {
		struct kt_json_at list = kt_json_member(spec, lists[l]), item;
		struct kt_json_iter it = {0};

		while (list.p && n < 8 && kt_json_next_element(list, &it, &item))
			if ((words[n] = kt_json_string_dup(item)))
				n++;
	}
	return n;
}

static bool is_program(const char *word, const char *name)
{
	const char *slash = strrchr(word, '/');

	return strcmp(slash ? slash + 1 : word, name) == 0;
}

/* What can be told from a command without running it. Returns false when nothing can. */
static bool guess_command(const char *word, const char *argument, struct sim_plan *plan)
{
	int64_t value;

	plan->exit_codes[0] = 0;
	plan->run_ns = 0;
	if (is_program(word, "sleep")) {
		kt_auto_free char *with_unit = argument ? kt_asprintf("%ss", argument) : NULL;

		if (argument && (strcmp(argument, "infinity") == 0 || strcmp(argument, "inf") == 0))
			plan->run_ns = SIM_FOREVER;
		else if (argument && kt_duration_parse(kt_sv_of(with_unit), &plan->run_ns) < 0 &&
		         kt_duration_parse(kt_sv_of(argument), &plan->run_ns) < 0)
			plan->run_ns = 0;
		return true;
	}
	if (is_program(word, "true") || is_program(word, "echo"))
		return true;
	if (is_program(word, "false")) {
		plan->exit_codes[0] = 1;
		return true;
	}
	if (strcmp(word, "exit") == 0) {
		if (argument && kt_sv_int64(kt_sv_of(argument), &value) == 0)
			plan->exit_codes[0] = (int)(value & 255);
		return true;
	}
	return false;
}

/* `sh -c "a; b; sleep 3; exit 1"`: the last sleep and the last exit that can be seen decide. */
static bool guess_script(const char *script, struct sim_plan *plan)
{
	kt_auto_free char *copy = kt_strdup(script);
	struct sim_plan sum = {.run_ns = 0};
	char *save = NULL;
	bool any = false;

	if (strstr(script, "while ") || strstr(script, "for ") || strstr(script, "tail -f"))
		return false;
	for (char *part = strtok_r(copy, ";&|\n", &save); part;
	        part = strtok_r(NULL, ";&|\n", &save)) {
		char *inner = NULL, *word = strtok_r(part, " \t", &inner),
		     *argument = word ? strtok_r(NULL, " \t", &inner) : NULL;
		struct sim_plan one = {0};

		if (!word)
			continue;
		if (!guess_command(word, argument, &one))
			return false;
		any = true;
		sum.exit_codes[0] = one.exit_codes[0];
		if (sum.run_ns != SIM_FOREVER)
			sum.run_ns =
			        one.run_ns == SIM_FOREVER ? SIM_FOREVER : sum.run_ns + one.run_ns;
	}
	if (!any)
		return false;
	plan->run_ns = sum.run_ns;
	plan->exit_codes[0] = sum.exit_codes[0];
	return true;
}

static bool guess_from_command(struct kt_json_at spec, struct sim_plan *plan)
{
	char *words[8];
	size_t n = command_words(spec, words);
	struct sim_plan guess = {0};
	bool known = false;

	if (n >= 3 && (is_program(words[0], "sh") || is_program(words[0], "bash")) &&
	        strcmp(words[1], "-c") == 0)
		known = guess_script(words[2], &guess);
	else if (n >= 1)
		known = guess_command(words[0], n > 1 ? words[1] : NULL, &guess);
	for (size_t i = 0; i < n; i++)
		free(words[i]);
	if (known) {
		plan->run_ns = guess.run_ns;
		plan->exit_codes[0] = guess.exit_codes[0];
	}
	return known;
}

/* "registry.k8s.io/pause:3.10": what it runs waits to be ended. */
static bool is_pause_image(struct kt_json_at spec)
{
	kt_auto_free char *image = kt_json_string_dup(kt_json_member(spec, "image"));
	const char *slash = image ? strrchr(image, '/') : NULL, *name = slash ? slash + 1 : image;

	return name && strncmp(name, "pause", 5) == 0 && strchr(":@", name[5]);
}

static bool owned_by_job(const struct kt_object *pod)
{
	struct kt_sv text = kt_object_span(pod, pod->owner_references);
	struct kt_json_at list = kt_json_doc(text.p, text.len), item;
	struct kt_json_iter it = {0};

	while (list.p && kt_json_next_element(list, &it, &item))
		if (kt_json_string_is(kt_json_member(item, "kind"), "Job"))
			return true;
	return false;
}

static void read_exit_codes(struct sim_pod *pod, struct sim_container *container)
{
	kt_auto_free char *text = sim_annotation(pod->object, container->name, "exit-code");
	struct kt_sv rest = kt_sv_of(text), part;
	struct sim_plan *plan = &container->plan;
	int64_t value;

	if (!text)
		return;
	plan->n_exit_codes = 0;
	while (plan->n_exit_codes < SIM_EXIT_CODES_MAX && kt_sv_split(&rest, ',', &part))
		if (kt_sv_int64(kt_sv_trim(part), &value) == 0)
			plan->exit_codes[plan->n_exit_codes++] = (int)(value & 255);
	if (!plan->n_exit_codes)
		plan->exit_codes[plan->n_exit_codes++] = 0;
}

static void read_plan(struct sim_pod *pod, struct sim_container *container, struct kt_json_at spec)
{
	struct sim_plan *plan = &container->plan;
	kt_auto_free char *ready = sim_annotation(pod->object, container->name, "ready");
	bool guessed, runs_once = container->kind == SIM_INIT;
	int64_t pre_stop_s = 0;

	free(plan->pull_error);
	*plan = (struct sim_plan){.run_ns = runs_once ? 0 : SIM_FOREVER, .n_exit_codes = 1};
	guessed = container->kind != SIM_SIDECAR && guess_from_command(spec, plan);
	if (!guessed && container->kind == SIM_MAIN && owned_by_job(pod->object) &&
	        !is_pause_image(spec))
		plan->run_ns = SIM_JOB_RUN_NS;
	plan->pull_ns = KT_MAX(duration(pod, container->name, "pull-time", 0), 0);
	plan->start_ns = KT_MAX(duration(pod, container->name, "start-time", 0), 0);
	plan->ready_ns =
	        KT_MAX(duration(pod, container->name, "ready-time", probe_delay_ns(spec)), 0);
	/* What a pod's annotation says of its run is about its main containers; others need their
	 * own. */
	if (container->kind == SIM_MAIN) {
		plan->run_ns = duration(pod, container->name, "run-time", plan->run_ns);
		read_exit_codes(pod, container);
	} else {
		kt_auto_free char *own = kt_asprintf("%s.run-time", container->name);
		kt_auto_free char *own_exit = kt_asprintf("%s.exit-code", container->name);
		kt_auto_free char *exit_text = sim_annotation(pod->object, "", own_exit);

		plan->run_ns = duration(pod, "", own, plan->run_ns);
		if (exit_text)
			read_exit_codes(pod, container);
	}
	plan->never_ready = kt_streq(ready, "false");
	plan->pull_error = sim_annotation(pod->object, container->name, "pull-error");
	kt_json_int64(
	        kt_json_find(spec, "lifecycle", "preStop", "sleep", "seconds", NULL), &pre_stop_s);
	plan->termination_ns = pre_stop_s * KT_NS_PER_S +
	                       KT_MAX(duration(pod, container->name, "termination-time", 0), 0);
}

static enum sim_restart restart_of(struct kt_json_at value, enum sim_restart fallback)
{
	if (kt_json_string_is(value, "Always"))
		return SIM_ALWAYS;
	if (kt_json_string_is(value, "OnFailure"))
		return SIM_ON_FAILURE;
	return kt_json_string_is(value, "Never") ? SIM_NEVER : fallback;
}

static struct kt_json_at container_list(const struct sim_pod *pod, bool init)
{
	return kt_object_field(
	        pod->object, KT_SECTION_SPEC, init ? "initContainers" : "containers");
}

static struct kt_json_at ephemeral_list(const struct sim_pod *pod)
{
	return kt_object_field(pod->object, KT_SECTION_SPEC, "ephemeralContainers");
}

static size_t count(struct kt_json_at list)
{
	struct kt_json_iter it = {0};
	struct kt_json_at item;
	size_t n = 0;

	while (list.p && kt_json_next_element(list, &it, &item))
		n++;
	return n;
}

/* What all kinds of containers have. */
static void read_container(struct sim_container *container, struct kt_json_at spec)
{
	container->name = kt_json_string_dup(kt_json_member(spec, "name"));
	container->image = kt_json_string_dup(kt_json_member(spec, "image"));
	if (!container->name)
		container->name = kt_strdup("");
	if (!container->image)
		container->image = kt_strdup("");
	container->always_pull =
	        kt_json_string_is(kt_json_member(spec, "imagePullPolicy"), "Always");
	container->due_ns = container->ready_due_ns = SIM_FOREVER;
}

static void read_containers(struct sim_pod *pod, bool init, struct sim_container *out)
{
	struct kt_json_at list = container_list(pod, init), item;
	struct kt_json_iter it = {0};
	enum sim_restart restart = restart_of(
	        kt_object_field(pod->object, KT_SECTION_SPEC, "restartPolicy"), SIM_ALWAYS);

	while (list.p && kt_json_next_element(list, &it, &item)) {
		struct kt_json_at own = kt_json_member(item, "restartPolicy");
		struct sim_container *container = out++;

		read_container(container, item);
		container->kind = !init                              ? SIM_MAIN
		                  : kt_json_string_is(own, "Always") ? SIM_SIDECAR
		                                                     : SIM_INIT;
		container->restart =
		        restart_of(own, init && restart == SIM_ALWAYS ? SIM_ON_FAILURE : restart);
	}
}

bool sim_pod_read_ephemeral(struct sim_pod *pod)
{
	struct kt_json_at list = ephemeral_list(pod), item;
	struct kt_json_iter it = {0};
	size_t had = pod->n_ephemeral, n = count(list), i = 0;

	if (n <= had)
		return false;
	pod->ephemeral = kt_reallocarray(pod->ephemeral, n, sizeof(*pod->ephemeral));
	pod->n_ephemeral = n;
	for (; kt_json_next_element(list, &it, &item); i++) {
		struct sim_container *container = &pod->ephemeral[i];

		if (i < had)
			continue;
		*container = (struct sim_container){.kind = SIM_EPHEMERAL, .restart = SIM_NEVER};
		read_container(container, item);
		read_plan(pod, container, item);
	}
	return true;
}

void sim_pod_read_plans(struct sim_pod *pod)
{
	struct kt_json_at ephemeral = ephemeral_list(pod), spec;
	struct kt_json_iter e = {0};

	for (size_t i = 0; i < pod->n_ephemeral && kt_json_next_element(ephemeral, &e, &spec); i++)
		read_plan(pod, &pod->ephemeral[i], spec);
	for (int init = 1; init >= 0; init--) {
		struct sim_container *container =
		        init ? pod->containers : pod->containers + pod->n_init;
		struct kt_json_at list = container_list(pod, init), item;
		struct kt_json_iter it = {0};

		while (list.p && kt_json_next_element(list, &it, &item) &&
		        container < pod->containers + pod->n_containers)
			read_plan(pod, container++, item);
	}
}

void sim_pod_read(struct sim_pod *pod)
{
	pod->n_init = count(container_list(pod, true));
	pod->n_containers = pod->n_init + count(container_list(pod, false));
	pod->containers = kt_new_array(struct sim_container, pod->n_containers + 1);
	pod->host_network =
	        kt_json_bool(kt_object_field(pod->object, KT_SECTION_SPEC, "hostNetwork"), false);
	read_containers(pod, true, pod->containers);
	read_containers(pod, false, pod->containers + pod->n_init);
	sim_pod_read_plans(pod);
	sim_pod_read_ephemeral(pod);
}

static int64_t time_at(struct kt_json_at object, const char *key)
{
	struct kt_sv text;
	int64_t ns;

	if (!object.p || !kt_json_string_sv(kt_json_member(object, key), &text) ||
	        kt_time_parse(text, &ns) < 0)
		return 0;
	return ns;
}

static void adopt_exit(struct kt_json_at terminated, int run, struct sim_exit *ret_exit)
{
	int64_t code = 0;

	if (!terminated.p)
		return;
	kt_json_int64(kt_json_member(terminated, "exitCode"), &code);
	*ret_exit = (struct sim_exit){
	        .any = true,
	        .code = (int)code,
	        .started_wall_ns = time_at(terminated, "startedAt"),
	        .finished_wall_ns = time_at(terminated, "finishedAt"),
	        .run = run,
	};
}

static void adopt_container(
        struct sim_pod *pod, struct sim_container *container, struct kt_json_at status)
{
	struct kt_json_at state = kt_json_member(status, "state"),
	                  running = kt_json_member(state, "running");
	struct kt_json_at terminated = kt_json_member(state, "terminated");
	int64_t now = kt_loop_now_ns(pod->simulated->loop),
	        wall = kt_loop_wall_ns(pod->simulated->loop), restarts = 0;

	kt_json_int64(kt_json_member(status, "restartCount"), &restarts);
	container->run = (int)restarts;
	adopt_exit(kt_json_find(status, "lastState", "terminated", NULL), container->run - 1,
	        &container->last);
	if (running.p) {
		container->state = SIM_RUNNING;
		container->pulled = true;
		container->started_wall_ns = time_at(running, "startedAt");
		container->started_ns = now - (wall - container->started_wall_ns);
		container->due_ns = container->plan.run_ns == SIM_FOREVER
		                            ? SIM_FOREVER
		                            : container->started_ns + container->plan.run_ns;
		container->ready_due_ns = container->started_ns + container->plan.ready_ns;
	} else if (terminated.p) {
		container->state = SIM_EXITED;
		container->pulled = true;
		adopt_exit(terminated, container->run, &container->current);
	} else if (container->last.any) {
		container->state = SIM_BACKOFF;
		container->pulled = true;
		container->current = container->last;
		container->backoff_ns = SIM_BACKOFF_MIN_NS;
		container->due_ns = now + container->backoff_ns;
	}
}

static void adopt_list(struct sim_pod *pod, const char *list_key)
{
	struct kt_json_at list = kt_object_field(pod->object, KT_SECTION_STATUS, list_key), item;
	struct kt_json_iter it = {0};

	while (list.p && kt_json_next_element(list, &it, &item))
		for (size_t i = 0; i < sim_pod_n_any(pod); i++)
			if (kt_json_string_is(
			            kt_json_member(item, "name"), sim_pod_any(pod, i)->name))
				adopt_container(pod, sim_pod_any(pod, i), item);
}

static void adopt_ip(struct sim_pod *pod, struct kt_json_at status)
{
	struct kt_sv ip, last = {0}, part;
	int64_t host;

	if (!kt_json_string_sv(kt_json_member(status, "podIP"), &ip))
		return;
	while (kt_sv_split(&ip, '.', &part))
		last = part;
	if (pod->host_network || kt_sv_int64(last, &host) < 0 || host < 1 || host > 254)
		return;
	pod->ip_host = (uint8_t)host;
	if (pod->ended)
		return; /* it is free for others */
	pod->holds_ip = true;
	pod->node->used_ips[host / 64] |= UINT64_C(1) << (host % 64);
}

void sim_pod_adopt_status(struct sim_pod *pod)
{
	static const char *const types[SIM_N_CONDITIONS] = {
	        "PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady"};
	struct kt_json_at status = kt_json_member(kt_object_doc(pod->object), "status");
	struct kt_json_at list = status.p ? kt_json_member(status, "conditions")
	                                  : (struct kt_json_at){0},
	                  item;
	struct kt_json_iter it = {0};

	if (!status.p || !(pod->started_wall_ns = time_at(status, "startTime")))
		return;
	adopt_ip(pod, status);
	adopt_list(pod, "initContainerStatuses");
	adopt_list(pod, "containerStatuses");
	adopt_list(pod, "ephemeralContainerStatuses");
	while (list.p && kt_json_next_element(list, &it, &item))
		for (size_t c = 0; c < SIM_N_CONDITIONS; c++)
			if (kt_json_string_is(kt_json_member(item, "type"), types[c])) {
				pod->condition[c] =
				        kt_json_string_is(kt_json_member(item, "status"), "True");
				pod->condition_was_false[c] = !pod->condition[c];
				pod->condition_wall_ns[c] = time_at(item, "lastTransitionTime");
			}
}
