/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "terminal.h"

#include "base/mem.h"

#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>
#include <vterm.h>

enum { STYLES_MAX = 52 };

struct terminal {
	VTerm *vt;
	VTermScreen *screen;
	int fd, slave; /* the slave stays open so that its modes can be looked at */
	pid_t pid;
	int rows, columns, status;
	bool ended, alternate, cursor_visible;
	size_t bad_bytes;
};

static int on_property(VTermProp prop, VTermValue *value, void *user)
{
	struct terminal *terminal = user;

	if (prop == VTERM_PROP_ALTSCREEN)
		terminal->alternate = value->boolean;
	if (prop == VTERM_PROP_CURSORVISIBLE)
		terminal->cursor_visible = value->boolean;
	return 1;
}

static const VTermScreenCallbacks CALLBACKS = {.settermprop = on_property};

static void on_output(const char *bytes, size_t len, void *user)
{
	const struct terminal *terminal = user;
	ssize_t written = write(terminal->fd, bytes, len);

	(void)written;
}

struct terminal *terminal_start(int rows, int columns, const char *term, char *const argv[])
{
	struct terminal *terminal = kt_new(struct terminal);
	struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};

	terminal->rows = rows;
	terminal->columns = columns;
	terminal->cursor_visible = true;
	if (openpty(&terminal->fd, &terminal->slave, NULL, NULL, &size) < 0) {
		free(terminal);
		return NULL;
	}
	terminal->pid = fork();
	if (terminal->pid == 0) {
		setenv("TERM", term, 1);
		unsetenv("COLORTERM");
		close(terminal->fd);
		login_tty(terminal->slave);
		execv(argv[0], argv);
		_exit(127);
	}
	terminal->vt = vterm_new(rows, columns);
	vterm_set_utf8(terminal->vt, 1);
	vterm_output_set_callback(terminal->vt, on_output, terminal);
	terminal->screen = vterm_obtain_screen(terminal->vt);
	vterm_screen_set_callbacks(terminal->screen, &CALLBACKS, terminal);
	vterm_screen_enable_altscreen(terminal->screen, 1);
	vterm_screen_reset(terminal->screen, 1);
	return terminal;
}

void terminal_destroy(struct terminal *terminal)
{
	if (!terminal)
		return;
	if (!terminal->ended) {
		kill(terminal->pid, SIGKILL);
		waitpid(terminal->pid, NULL, 0);
	}
	close(terminal->fd);
	close(terminal->slave);
	vterm_free(terminal->vt);
	free(terminal);
}

/* ncurses sends CR, LF, BS, HT, ESC and BEL; nothing else below 0x20. */
static void count_bad(struct terminal *terminal, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)bytes[i] < 0x20 && !strchr("\r\n\b\t\033\a\016\017", bytes[i]))
			terminal->bad_bytes++;
}

bool terminal_read(struct terminal *terminal, int timeout_ms)
{
	struct pollfd fd = {.fd = terminal->fd, .events = POLLIN};
	char bytes[65536];

	if (poll(&fd, 1, timeout_ms) <= 0)
		return false;
	ssize_t n = read(terminal->fd, bytes, sizeof(bytes));

	if (n <= 0)
		return false;
	count_bad(terminal, bytes, (size_t)n);
	vterm_input_write(terminal->vt, bytes, (size_t)n);
	return true;
}

bool terminal_key(struct terminal *terminal, const char *name)
{
	static const struct {
		const char *name;
		VTermKey key;
	} keys[] = {{"enter", VTERM_KEY_ENTER}, {"tab", VTERM_KEY_TAB},
	        {"backspace", VTERM_KEY_BACKSPACE}, {"esc", VTERM_KEY_ESCAPE}, {"up", VTERM_KEY_UP},
	        {"down", VTERM_KEY_DOWN}, {"left", VTERM_KEY_LEFT}, {"right", VTERM_KEY_RIGHT},
	        {"home", VTERM_KEY_HOME}, {"end", VTERM_KEY_END}, {"pgup", VTERM_KEY_PAGEUP},
	        {"pgdn", VTERM_KEY_PAGEDOWN}, {"delete", VTERM_KEY_DEL}};
	VTermModifier modifier = VTERM_MOD_NONE;

	if (kt_starts_with(name, "ctrl-")) {
		modifier = VTERM_MOD_CTRL;
		name += 5;
	} else if (kt_starts_with(name, "shift-")) {
		modifier = VTERM_MOD_SHIFT;
		name += 6;
	}
	if (*name == 'f' && name[1] >= '1' && name[1] <= '9') {
		vterm_keyboard_key(
		        terminal->vt, (VTermKey)VTERM_KEY_FUNCTION(atoi(name + 1)), modifier);
		return true;
	}
	for (size_t i = 0; i < KT_ARRAY_SIZE(keys); i++) {
		if (!strcmp(keys[i].name, name)) {
			vterm_keyboard_key(terminal->vt, keys[i].key, modifier);
			return true;
		}
	}
	if (!strcmp(name, "space"))
		name = " ";
	if (strlen(name) != 1)
		return false;
	vterm_keyboard_unichar(terminal->vt, (unsigned char)*name,
	        modifier == VTERM_MOD_CTRL ? VTERM_MOD_CTRL : VTERM_MOD_NONE);
	return true;
}

/* As xterm reports it (SGR); libvterm does not take in ncurses' way to ask for that. */
void terminal_click(struct terminal *terminal, int row, int column)
{
	char report[64];

	snprintf(report, sizeof(report), "\033[<0;%d;%dM\033[<0;%d;%dm", column + 1, row + 1,
	        column + 1, row + 1);
	terminal_type(terminal, report);
}

void terminal_type(struct terminal *terminal, const char *text)
{
	ssize_t written = write(terminal->fd, text, strlen(text));

	(void)written;
}

void terminal_resize(struct terminal *terminal, int rows, int columns)
{
	struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};

	terminal->rows = rows;
	terminal->columns = columns;
	vterm_set_size(terminal->vt, rows, columns);
	ioctl(terminal->fd, TIOCSWINSZ, &size);
}

pid_t terminal_pid(const struct terminal *terminal)
{
	return terminal->pid;
}

int terminal_wait(struct terminal *terminal, int timeout_ms)
{
	int fd = (int)syscall(SYS_pidfd_open, terminal->pid, 0), status;
	struct pollfd fds[2] = {
	        {.fd = fd, .events = POLLIN}, {.fd = terminal->fd, .events = POLLIN}};

	while (!terminal->ended && poll(fds, 2, timeout_ms) > 0) {
		if (fds[1].revents & POLLIN)
			terminal_read(terminal, 0);
		else if (fds[1].revents)
			fds[1].fd = -1;
		if (!(fds[0].revents & POLLIN))
			continue;
		while (terminal_read(terminal, 0))
			continue;
		waitpid(terminal->pid, &status, 0);
		terminal->ended = true;
		terminal->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
	close(fd);
	return terminal->ended ? terminal->status : -1;
}

void terminal_text(const struct terminal *terminal, struct kt_str *out)
{
	VTermScreenCell cell;

	for (int row = 0; row < terminal->rows; row++) {
		size_t end = out->len;

		for (int column = 0;
		        column<terminal->columns; column += cell.width> 1 ? cell.width : 1) {
			vterm_screen_get_cell(terminal->screen, (VTermPos){row, column}, &cell);
			if (!cell.chars[0] || cell.chars[0] == (uint32_t)-1) {
				kt_str_putc(out, ' ');
				continue;
			}
			for (int i = 0; i < VTERM_MAX_CHARS_PER_CELL && cell.chars[i]; i++) {
				char bytes[4];

				kt_str_add(out, bytes, kt_utf8_encode(cell.chars[i], bytes));
			}
			if (cell.chars[0] != ' ')
				end = out->len;
		}
		kt_str_truncate(out, end);
		kt_str_putc(out, '\n');
	}
}

void terminal_cells(const struct terminal *terminal, int row, struct kt_str *out)
{
	VTermScreenCell cell;

	for (int column = 0; column < terminal->columns; column++) {
		vterm_screen_get_cell(terminal->screen, (VTermPos){row, column}, &cell);
		kt_str_putc(out, (char)(!cell.chars[0]          ? ' '
		                         : cell.chars[0] < 0x80 ? cell.chars[0]
		                                                : 0x80));
	}
}

static void describe_color(VTermColor color, struct kt_str *out)
{
	if (VTERM_COLOR_IS_DEFAULT_FG(&color) || VTERM_COLOR_IS_DEFAULT_BG(&color))
		kt_str_puts(out, "default");
	else if (VTERM_COLOR_IS_INDEXED(&color))
		kt_str_printf(out, "%u", color.indexed.idx);
	else
		kt_str_printf(out, "#%02x%02x%02x", color.rgb.red, color.rgb.green, color.rgb.blue);
}

/* A blank shows no foreground. */
static void describe_cell(const VTermScreenCell *cell, struct kt_str *out)
{
	bool blank = !cell->chars[0] || cell->chars[0] == ' ' || cell->chars[0] == (uint32_t)-1;

	kt_str_puts(out, "fg ");
	if (blank && !cell->attrs.reverse && !cell->attrs.underline)
		kt_str_puts(out, "any");
	else
		describe_color(cell->fg, out);
	kt_str_puts(out, " bg ");
	describe_color(cell->bg, out);
	if (cell->attrs.bold && !blank)
		kt_str_puts(out, " bold");
	if (cell->attrs.underline)
		kt_str_puts(out, " underline");
	if (cell->attrs.reverse)
		kt_str_puts(out, " reverse");
}

void terminal_styles(const struct terminal *terminal, struct kt_str *out)
{
	char *styles[STYLES_MAX] = {NULL};
	size_t n = 0;

	for (int row = 0; row < terminal->rows; row++) {
		for (int column = 0; column < terminal->columns; column++) {
			kt_auto_str text = KT_STR_INIT;
			VTermScreenCell cell;
			size_t i = 0;

			vterm_screen_get_cell(terminal->screen, (VTermPos){row, column}, &cell);
			describe_cell(&cell, &text);
			while (i < n && strcmp(styles[i], kt_str_text(&text)) != 0)
				i++;
			if (i == n && n < STYLES_MAX)
				styles[n++] = kt_strdup(kt_str_text(&text));
			kt_str_putc(out, (char)(i < 26 ? 'a' + (int)i : 'A' + (int)i - 26));
		}
		kt_str_putc(out, '\n');
	}
	for (size_t i = 0; i < n; i++) {
		kt_str_printf(out, "%c: %s\n", (char)(i < 26 ? 'a' + (int)i : 'A' + (int)i - 26),
		        styles[i]);
		free(styles[i]);
	}
}

bool terminal_is_restored(const struct terminal *terminal)
{
	struct termios modes;

	return !terminal->alternate && terminal->cursor_visible &&
	       tcgetattr(terminal->slave, &modes) == 0 && (modes.c_lflag & ICANON) &&
	       (modes.c_lflag & ECHO);
}

size_t terminal_bad_bytes(const struct terminal *terminal)
{
	return terminal->bad_bytes;
}
