/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "script.h"

#include "monkey.h"
#include "terminal.h"

#include "base/mem.h"
#include "base/path.h"

#include <ctype.h>
#include <errno.h>
#include <ftw.h>
#include <glob.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MS = 60000, QUIET_MS = 250, AGE_CELLS = 8 };

struct script {
	const char *binary, *path;
	char *home; /* of this run; removed at its end */
	char *kubeconfig;
	int rows, columns, line;
	char term[64];
	char *started;      /* the words of `start` */
	struct kt_str told; /* lines that the bottom of the screen showed, since the last step */
	bool has_cluster;
	pid_t frozen; /* the cluster's process, stopped by `freeze`; 0: it runs */
	struct terminal *terminal;
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool fail(const struct script *s, const char *what)
{
	kt_auto_str text = KT_STR_INIT;

	if (s->terminal)
		terminal_text(s->terminal, &text);
	fprintf(stderr, "%s:%d: %s\n%s", s->path, s->line, what, kt_str_text(&text));
	if (s->told.len)
		fprintf(stderr, "messages meanwhile:\n%s", kt_str_text(&s->told));
	return false;
}

/* Messages at the bottom go away by themselves: a failure names them. */
static void note_message(struct script *s)
{
	kt_auto_str text = KT_STR_INIT;

	terminal_text(s->terminal, &text);
	while (text.len && text.data[text.len - 1] == '\n')
		kt_str_truncate(&text, text.len - 1);
	const char *last = strrchr(kt_str_text(&text), '\n');
	size_t len = last ? strlen(last + 1) : 0;

	if (!len || (s->told.len > len &&
	                    !strncmp(s->told.data + s->told.len - len - 1, last + 1, len)))
		return;
	kt_str_printf(&s->told, "%s\n", last + 1);
}

/* Programs beside the terminal */

static bool run(const struct script *s, char *const argv[])
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		dup2(STDERR_FILENO, STDOUT_FILENO);
		execv(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return fail(s, "cannot run the program");
	return status == 0 ? true : fail(s, "the command failed");
}

/* Without more words a bare API server, where nothing changes by itself. */
static bool start_cluster(struct script *s, const char *components)
{
	char *argv[] = {(char *)(uintptr_t)s->binary, (char *)(uintptr_t) "up",
	        (char *)(uintptr_t) "screens", (char *)(uintptr_t) "--components",
	        (char *)(uintptr_t)(*components ? components : "api"),
	        (char *)(uintptr_t) "--kubeconfig", s->kubeconfig, NULL};

	s->has_cluster = true;
	return run(s, argv);
}

/* Whether all threads of it have stopped: the signal reaches each in its own time. */
static bool has_stopped(pid_t pid)
{
	kt_auto_free char *pattern = kt_asprintf("/proc/%d/task/*/stat", (int)pid);
	glob_t found;
	bool stopped = glob(pattern, 0, NULL, &found) == 0;

	for (size_t i = 0; stopped && i < found.gl_pathc; i++) {
		kt_auto_str text = KT_STR_INIT;

		if (kt_read_file(found.gl_pathv[i], 4096, &text, NULL) < 0)
			continue;                                     /* it has ended */
		const char *state = strrchr(kt_str_text(&text), ')'); /* "12 (name) T …" */

		stopped = state && state[1] == ' ' && state[2] == 'T';
	}
	globfree(&found);
	return stopped;
}

/* `freeze` and `thaw`: the cluster neither answers nor refuses, and does again. */
static bool freeze(struct script *s)
{
	kt_auto_free char *lock = kt_asprintf("%s/kube-tui/clusters/screens/lock", s->home);
	kt_auto_str holder = KT_STR_INIT; /* its process, then its name */

	if (kt_read_file(lock, 4096, &holder, NULL) < 0 || atoi(kt_str_text(&holder)) <= 1)
		return fail(s, "there is no cluster to freeze");
	s->frozen = atoi(kt_str_text(&holder));
	if (kill(s->frozen, SIGSTOP) < 0)
		return fail(s, "the cluster is gone");
	for (int64_t until = now_ms() + PATIENCE_MS; !has_stopped(s->frozen) && now_ms() < until;)
		sched_yield();
	return true;
}

static void thaw(struct script *s)
{
	if (s->frozen)
		kill(s->frozen, SIGCONT);
	s->frozen = 0;
}

static bool do_line(struct script *s, const char *line)
{
	char *argv[] = {(char *)(uintptr_t)s->binary, (char *)(uintptr_t) "-c",
	        (char *)(uintptr_t)line, NULL};

	setenv("KUBECONFIG", s->kubeconfig, 1);
	bool done = run(s, argv);

	unsetenv("KUBECONFIG");
	return done;
}

static bool start(struct script *s, const char *arguments)
{
	char *words[64] = {(char *)(uintptr_t)s->binary};
	kt_auto_free char *copy = kt_strdup(arguments);
	size_t n = 1;
	char *rest = NULL;

	for (char *word = strtok_r(copy, " ", &rest); word && n < 60;
	        word = strtok_r(NULL, " ", &rest)) {
		if (strcmp(word, "$CLUSTER") != 0) {
			for (char *c = word; *c; c++) /* a word with blanks is written with + */
				*c = *c == '+' ? ' ' : *c;
			words[n++] = word;
			continue;
		}
		words[n++] = (char *)(uintptr_t) "--kubeconfig";
		words[n++] = s->kubeconfig;
		words[n++] = (char *)(uintptr_t) "--context";
		words[n++] = (char *)(uintptr_t) "kube-tui-screens";
	}
	if (arguments != s->started) {
		free(s->started);
		s->started = kt_strdup(arguments);
	}
	terminal_destroy(s->terminal);
	s->terminal = terminal_start(s->rows, s->columns, s->term, words);
	return s->terminal ? true : fail(s, "cannot start the program");
}

/* What the screen shows */

static bool shows(const struct script *s, const char *text)
{
	kt_auto_str screen = KT_STR_INIT;

	terminal_text(s->terminal, &screen);
	return strstr(kt_str_text(&screen), text) != NULL;
}

static bool wait_for(struct script *s, const char *text, bool wanted)
{
	int64_t until = now_ms() + PATIENCE_MS;

	kt_str_clear(&s->told);
	while (shows(s, text) != wanted && now_ms() < until) {
		if (!terminal_read(s->terminal, (int)(until - now_ms())))
			break;
		note_message(s);
	}
	return shows(s, text) == wanted
	               ? true
	               : fail(s, wanted ? "this is not shown" : "this is still shown");
}

/* "12s", "3m10s", "2d4h": the length of one, 0 when there is none. */
static size_t age_length(const char *text)
{
	size_t at = 0;

	while (isdigit((unsigned char)text[at])) {
		while (isdigit((unsigned char)text[at]))
			at++;
		if (!strchr("smhdy", text[at]) || !text[at])
			return 0;
		at++;
	}
	return !text[at] || text[at] == ' ' || text[at] == '\n' || (unsigned char)text[at] >= 0x80
	               ? at
	               : 0;
}

/* Ages and the blanks behind them; what the header tells of the moment. */
static char *masked(const char *text)
{
	static const char *const labels[] = {"Version:", "Revision:", "CPU:", "MEM:"};
	kt_auto_str out = KT_STR_INIT;
	bool word_start = true;

	for (const char *c = text; *c;) {
		size_t age = word_start ? age_length(c) : 0;

		if (age) {
			kt_str_puts(&out, "AGE");
			c += age;
			c += strspn(c, " ");
			continue;
		}
		for (size_t i = 0; i < KT_ARRAY_SIZE(labels); i++) {
			if (!word_start || !kt_starts_with(c, labels[i]))
				continue;
			kt_str_printf(&out, "%s ~",
			        labels[i]); /* up to the menu, which begins at a '<' */
			c += strcspn(c, "<\n");
		}
		word_start = *c == ' ' || *c == '\n' || (unsigned char)*c >= 0x80;
		if (*c)
			kt_str_putc(&out, *c++);
	}
	return kt_str_steal(&out);
}

/* `styles` has a letter per cell: those of ages and of some blanks behind them become '~', since an
 * age of "9s" has one cell less than "10s". */
static void mask_ages(const struct script *s, char *styles)
{
	for (int row = 0; row < s->rows; row++, styles += s->columns + 1) {
		kt_auto_str cells = KT_STR_INIT;
		bool word_start = true;

		terminal_cells(s->terminal, row, &cells);
		const char *start = kt_str_text(&cells), *c = start;

		while (*c) {
			size_t age = word_start ? age_length(c) : 0, len = age ? age : 1;

			if (age) {
				len = KT_MIN(age + strspn(c + age, " "), (size_t)AGE_CELLS);
				memset(styles + (c - start), '~', len);
			}
			word_start = c[len - 1] == ' ' || (unsigned char)c[len - 1] >= 0x80;
			c += len;
		}
	}
}

static char *current(const struct script *s)
{
	kt_auto_str text = KT_STR_INIT, styles = KT_STR_INIT, all = KT_STR_INIT;

	terminal_text(s->terminal, &text);
	terminal_styles(s->terminal, &styles);
	kt_auto_free char *plain = masked(kt_str_text(&text));
	kt_auto_free char *letters = kt_str_steal(&styles);

	mask_ages(s, letters);
	kt_str_printf(&all, "%s--- styles\n%s", plain, letters);
	return kt_str_steal(&all);
}

static bool compare(struct script *s, const char *name)
{
	kt_auto_free char *stem = kt_strndup(s->path, strlen(s->path) - strlen(".test"));
	kt_auto_free char *file = kt_asprintf("%s-%s.screen", stem, name);
	kt_auto_str wanted = KT_STR_INIT;
	int64_t until = now_ms() + PATIENCE_MS;
	bool update = getenv("KT_SCREENS_UPDATE") != NULL;

	while (update && terminal_read(s->terminal, QUIET_MS))
		continue;
	if (update) {
		kt_auto_free char *now = current(s);

		return kt_write_file(file, kt_sv_of(now), 0644, NULL) == 0;
	}
	if (kt_read_file(file, 1 << 20, &wanted, NULL) < 0)
		return fail(s, "there is no stored screen of this name");
	for (;;) {
		kt_auto_free char *now = current(s);

		if (!strcmp(now, kt_str_text(&wanted)))
			return true;
		if (now_ms() >= until || !terminal_read(s->terminal, (int)(until - now_ms()))) {
			kt_auto_free char *got = kt_asprintf("%s/got.screen", s->home);
			kt_auto_free char *diff = kt_asprintf("diff -u '%s' '%s' >&2", file, got);

			if (kt_write_file(got, kt_sv_of(now), 0644, NULL) == 0 && system(diff) < 0)
				return false;
			return fail(s, "the screen differs from the stored one");
		}
	}
}

static bool ends(struct script *s, const char *argument)
{
	int status = terminal_wait(s->terminal, PATIENCE_MS);

	if (status != atoi(argument)) {
		fprintf(stderr, "status %d\n", status);
		return fail(s, "the program did not end with this status");
	}
	if (!terminal_is_restored(s->terminal))
		return fail(s, "the terminal is not as it was");
	return terminal_bad_bytes(s->terminal) == 0
	               ? true
	               : fail(s, "control bytes were sent to the terminal");
}

/* Whether it still answers: Esc until nothing is open, then `?` shows the help. */
static bool answers(struct script *s)
{
	terminal_resize(s->terminal, 30, 100);
	for (int64_t until = now_ms() + PATIENCE_MS; now_ms() < until;) {
		int status = terminal_wait(s->terminal, 0);

		if (status >= 0)
			return status == 0 ? true : ends(s, "0");
		if (shows(s, "Help("))
			return true;
		terminal_key(s->terminal, "esc");
		while (terminal_read(s->terminal, QUIET_MS / 2))
			continue;
		if (shows(s, "<Leave>")) /* an editor with changes */
			terminal_type(s->terminal, "y");
		else
			terminal_type(s->terminal, "?");
		while (terminal_read(s->terminal, QUIET_MS / 2))
			continue;
	}
	return fail(s, "it does not answer any more");
}

/* monkey SEED COUNT: it may leave by `q`, and is then started again. */
static bool monkey(struct script *s, const char *argument)
{
	unsigned long long seed;
	int count;

	if (sscanf(argument, "%llu %d", &seed, &count) != 2)
		return fail(s, "monkey SEED COUNT");
	for (uint64_t state = seed; count > 0; count--) {
		int status = terminal_wait(s->terminal, 0);

		if (status > 0)
			return ends(s, "0");
		if (status == 0 && !start(s, s->started))
			return false;
		monkey_act(s->terminal, &state);
		while (terminal_read(s->terminal, 2))
			continue;
		if (count % 100 == 1 && !answers(s))
			return false;
	}
	return true;
}

static bool press(struct script *s, const char *names)
{
	kt_auto_free char *copy = kt_strdup(names);
	char *rest = NULL;

	for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		if (!terminal_key(s->terminal, word))
			return fail(s, "unknown key");
	return true;
}

/* As they stand; \e is Esc, \r Enter. */
static void send_bytes(struct script *s, const char *text)
{
	kt_auto_str bytes = KT_STR_INIT;

	for (; *text; text++) {
		bool escape = text[0] == '\\' && (text[1] == 'e' || text[1] == 'r');

		text += escape;
		kt_str_putc(&bytes, !escape ? *text : *text == 'e' ? '\033' : '\r');
	}
	terminal_type(s->terminal, kt_str_text(&bytes));
}

static bool step(struct script *s, const char *word, const char *argument)
{
	if (!strcmp(word, "size"))
		return sscanf(argument, "%d %d", &s->columns, &s->rows) == 2;
	if (!strcmp(word, "term"))
		return snprintf(s->term, sizeof(s->term), "%s", argument) > 0;
	if (!strcmp(word, "env")) {
		kt_auto_free char *name = kt_strndup(argument, strcspn(argument, "="));

		return setenv(name, argument + strlen(name) + 1, 1) == 0;
	}
	if (!strcmp(word, "cluster"))
		return start_cluster(s, argument);
	if (!strcmp(word, "freeze"))
		return freeze(s);
	if (!strcmp(word, "thaw"))
		return thaw(s), true;
	if (!strcmp(word, "do"))
		return do_line(s, argument);
	if (!strcmp(word, "start"))
		return start(s, argument);
	if (!s->terminal)
		return fail(s, "nothing was started");
	if (!strcmp(word, "wait") || !strcmp(word, "gone"))
		return wait_for(s, argument, *word == 'w');
	if (!strcmp(word, "key"))
		return press(s, argument);
	if (!strcmp(word, "type"))
		return terminal_type(s->terminal, argument), true;
	if (!strcmp(word, "bytes"))
		return send_bytes(s, argument), true;
	if (!strcmp(word, "click")) {
		int row, column;

		if (sscanf(argument, "%d %d", &column, &row) != 2)
			return fail(s, "click COLUMN ROW");
		terminal_click(s->terminal, row, column);
		return true;
	}
	if (!strcmp(word, "resize")) {
		if (sscanf(argument, "%d %d", &s->columns, &s->rows) != 2)
			return fail(s, "resize COLUMNS ROWS");
		terminal_resize(s->terminal, s->rows, s->columns);
		return true;
	}
	if (!strcmp(word, "monkey"))
		return monkey(s, argument);
	if (!strcmp(word, "screen"))
		return compare(s, argument);
	if (!strcmp(word, "kill"))
		return kill(terminal_pid(s->terminal), atoi(argument)) == 0;
	if (!strcmp(word, "exit"))
		return ends(s, argument);
	return fail(s, "unknown word");
}

/* `file PATH` takes the lines up to `end` as they are and puts them below the home. */
static bool take_file(struct script *s, const char *path, struct kt_sv *rest)
{
	kt_auto_free char *full = kt_asprintf("%s/%s", s->home, path);
	kt_auto_free char *folder = kt_strndup(full, (size_t)(strrchr(full, '/') - full));
	kt_auto_str text = KT_STR_INIT;
	struct kt_sv line;

	while (kt_sv_split(rest, '\n', &line)) {
		s->line++;
		if (kt_sv_is(kt_sv_trim(line), "end"))
			return kt_make_dirs(folder, 0700, NULL) >= 0 &&
			       kt_write_file(full, (struct kt_sv){kt_str_text(&text), text.len},
			               0600, NULL) == 0;
		kt_str_add(&text, line.p, line.len);
		kt_str_putc(&text, '\n');
	}
	return fail(s, "the file has no end");
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
	(void)info;
	(void)kind;
	(void)where;
	return remove(path);
}

static bool prepare(struct script *s)
{
	const char *tmp = getenv("TMPDIR");

	s->home = kt_asprintf("%s/kube-tui-screens-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(s->home))
		return false;
	s->kubeconfig = kt_asprintf("%s/config", s->home);
	setenv("HOME", s->home, 1);
	setenv("XDG_STATE_HOME", s->home, 1);
	setenv("XDG_CONFIG_HOME", s->home, 1);
	setenv("XDG_RUNTIME_DIR", s->home, 1);
	setenv("LC_ALL", "C.UTF-8", 1);
	static const char *const names[] = {"KUBECONFIG", "K9S_SKIN", "K9S_CONFIG_DIR",
	        "K9S_EDITOR", "KUBE_EDITOR", "VISUAL", "EDITOR"};

	for (size_t i = 0; i < KT_ARRAY_SIZE(names); i++)
		unsetenv(names[i]);
	return true;
}

static void finish(struct script *s)
{
	char *argv[] = {(char *)(uintptr_t)s->binary, (char *)(uintptr_t) "delete",
	        (char *)(uintptr_t) "screens", NULL};

	terminal_destroy(s->terminal);
	s->terminal = NULL;
	thaw(s);
	if (s->has_cluster)
		run(s, argv);
	nftw(s->home, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(s->home);
	free(s->kubeconfig);
	free(s->started);
	kt_str_finish(&s->told);
}

int script_run(const char *binary, const char *path)
{
	struct script s = {.binary = binary,
	        .path = path,
	        .rows = 24,
	        .columns = 80,
	        .term = "xterm-256color"};
	kt_auto_str text = KT_STR_INIT;
	struct kt_sv rest, line;
	bool good = true;

	if (kt_read_file(path, 1 << 20, &text, NULL) < 0 || !prepare(&s)) {
		fprintf(stderr, "%s: cannot be read\n", path);
		return 1;
	}
	signal(SIGPIPE, SIG_IGN);
	rest = (struct kt_sv){kt_str_text(&text), text.len};
	while (good && kt_sv_split(&rest, '\n', &line)) {
		kt_auto_free char *copy = kt_sv_dup(kt_sv_trim(line));
		char *argument = copy + strcspn(copy, " ");

		s.line++;
		if (!*copy || *copy == '#')
			continue;
		if (*argument)
			*argument++ = '\0';
		good = strcmp(copy, "file") ? step(&s, copy, argument)
		                            : take_file(&s, argument, &rest);
	}
	finish(&s);
	return good ? 0 : 1;
}
