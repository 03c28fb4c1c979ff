/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/screen.h"

#include "base/mem.h"
#include "base/path.h"

#include "tui/sequence.h"

#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <term.h>
#include <unistd.h>
#include <wchar.h>

#undef columns /* term.h names a capability so */

#define ESC_WAIT_MS 25 /* an escape sequence arrives at once; a person's Esc stands alone */
#define MARKS_MAX 4    /* combining marks kept per cell; more is an attack on the eye */

static struct {
	bool open, direct, unicode, mouse;
	int colors;    /* as kt_screen_colors() */
	int resize_fd; /* eventfd, written by the handler of SIGWINCH; 0: none yet */
	SCREEN *screen;
	struct sigaction old[NSIG];
} tty;

static const int FATAL[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTERM, SIGHUP, SIGQUIT};

/* What must be sent to leave a usable terminal, without ncurses: a signal may have come in the
 * middle of it. */
static const char RESTORE[] =
        "\033[?1000l\033[?1002l\033[?1006l\033[?2004l\033[0m\033[?25h\033[?1049l\r\n";

static void on_fatal(int number)
{
	ssize_t written = write(STDOUT_FILENO, RESTORE, sizeof(RESTORE) - 1);

	(void)written;
	reset_shell_mode();
	sigaction(number, &tty.old[number], NULL);
	raise(number);
}

static void on_resize(int number)
{
	int saved = errno;
	uint64_t one = 1;
	ssize_t written = write(tty.resize_fd, &one, sizeof(one));

	(void)number;
	(void)written;
	errno = saved;
}

/* A handler and not a signalfd: threads that do not block SIGWINCH may be there already. */
static void catch_resize(void)
{
	struct sigaction action = {.sa_handler = on_resize, .sa_flags = SA_RESTART};

	if (!tty.resize_fd)
		tty.resize_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	sigemptyset(&action.sa_mask);
	sigaction(SIGWINCH, &action, NULL);
}

/* Before newterm(), which installs handlers of its own. */
static void remember_signals(void)
{
	for (size_t i = 0; i < KT_ARRAY_SIZE(FATAL); i++)
		sigaction(FATAL[i], NULL, &tty.old[FATAL[i]]);
}

static void catch_fatal_signals(bool on)
{
	struct sigaction action = {.sa_handler = on_fatal, .sa_flags = SA_RESETHAND | SA_NODEFER};

	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < KT_ARRAY_SIZE(FATAL); i++) {
		if (on)
			sigaction(FATAL[i], &action, NULL);
		else
			sigaction(FATAL[i], &tty.old[FATAL[i]], NULL);
	}
}

/* With COLORTERM=truecolor the "-direct" entry of the same terminal takes RGB as colour numbers. */
static const char *term_name(const char *term)
{
	static char direct[64];
	const char *colorterm = getenv("COLORTERM");
	size_t len = strcspn(term, "-");
	int status;

	if (!colorterm || (strcmp(colorterm, "truecolor") != 0 && strcmp(colorterm, "24bit") != 0))
		return term;
	snprintf(direct, sizeof(direct), "%.*s-direct", (int)len, term);
	if (setupterm(direct, STDOUT_FILENO, &status) == OK && status == 1) {
		bool rgb = tigetflag("RGB") == 1 || tigetnum("RGB") > 0;

		del_curterm(cur_term);
		return rgb ? direct : term;
	}
	return term;
}

static int check_term(const char *term, struct kt_err *err)
{
	int status;

	if (!term || !*term || setupterm(term, STDOUT_FILENO, &status) != OK)
		return kt_fail(err, EINVAL,
		        "the terminal type \"%s\" (environment variable TERM) is not known here; "
		        "try TERM=xterm-256color",
		        term ? term : "");
	const char *move = tigetstr("cup");
	bool can = move && move != (char *)-1 && tigetflag("hc") != 1;

	del_curterm(cur_term);
	return can ? 0
	           : kt_fail(err, EINVAL,
	                     "a terminal of type \"%s\" cannot move its cursor; use the prompt: "
	                     "kube-tui repl",
	                     term);
}

static void start_colors(void)
{
	const char *no_color = getenv("NO_COLOR"); /* no-color.org */

	if ((no_color && *no_color) || !has_colors() || start_color() == ERR) {
		tty.colors = 0;
		return;
	}
	use_default_colors();
	tty.direct = COLORS >= 1 << 24;
	tty.colors = tty.direct      ? 1 << 24
	             : COLORS >= 256 ? 256
	             : COLORS >= 16  ? 16
	             : COLORS >= 8   ? 8
	                             : 0;
}

static void set_modes(void)
{
	raw();
	noecho();
	nonl();
	intrflush(stdscr, FALSE);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(ESC_WAIT_MS);
	leaveok(stdscr, FALSE);
	curs_set(0);
	if (tty.mouse) {
		mouseinterval(0);
		mousemask(ALL_MOUSE_EVENTS, NULL);
	}
	define_key("\033[200~", (int)(KEY_MAX + 1));
	define_key("\033[201~", (int)(KEY_MAX + 2));
	define_key("\033[1;5D", (int)(KEY_MAX + 3));
	define_key("\033[1;5C", (int)(KEY_MAX + 4));
	ssize_t written = write(STDOUT_FILENO, "\033[?2004h", 8);

	(void)written;
}

int kt_screen_open(bool mouse, struct kt_err *err)
{
	const char *term = getenv("TERM");

	if (tty.open)
		return 0;
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return kt_fail(err, ENOTTY,
		        "the terminal UI needs a terminal; for scripts there are `kube-tui "
		        "COMMAND` and `kube-tui -c`");
	setlocale(LC_CTYPE, "");
	if (check_term(term, err) < 0)
		return err ? err->code : -EINVAL;
	tty.unicode = !strcmp(nl_langinfo(CODESET), "UTF-8");
	tty.mouse = mouse;
	remember_signals();
	tty.screen = newterm(term_name(term), stdout, stdin);
	if (!tty.screen)
		return kt_fail(err, EINVAL, "the terminal of type \"%s\" cannot be opened", term);
	tty.open = true;
	start_colors();
	set_modes();
	catch_resize();
	catch_fatal_signals(true);
	return 0;
}

/* ncurses may think that it is visible: after another program had the screen. */
static void show_cursor(void)
{
	const char *normal = tigetstr("cnorm");

	if (normal && normal != (const char *)-1)
		putp(normal);
	fflush(stdout);
}

void kt_screen_close(void)
{
	if (!tty.open)
		return;
	catch_fatal_signals(false);
	ssize_t written = write(STDOUT_FILENO, "\033[?2004l", 8);

	(void)written;
	if (tty.mouse)
		mousemask(0, NULL);
	endwin();
	show_cursor();
	delscreen(tty.screen);
	tty.screen = NULL;
	tty.open = false;
}

bool kt_screen_is_open(void)
{
	return tty.open;
}

void kt_screen_suspend(void)
{
	if (!tty.open)
		return;
	def_prog_mode();
	endwin();
}

void kt_screen_resume(void)
{
	if (!tty.open)
		return;
	reset_prog_mode();
	set_modes();
	clearok(curscr, TRUE);
	refresh();
}

int kt_screen_resize_fd(void)
{
	return tty.resize_fd;
}

void kt_screen_resized(void)
{
	struct winsize size;
	uint64_t count;
	ssize_t got = read(tty.resize_fd, &count, sizeof(count));

	(void)got;
	if (tty.open && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 &&
	        size.ws_col > 0)
		resizeterm(size.ws_row, size.ws_col);
}

void kt_screen_size(int *ret_rows, int *ret_columns)
{
	*ret_rows = LINES;
	*ret_columns = COLS;
}

bool kt_screen_too_small(void)
{
	return LINES < KT_SCREEN_ROWS_MIN || COLS < KT_SCREEN_COLUMNS_MIN;
}

int kt_screen_colors(void)
{
	return tty.colors;
}

bool kt_screen_unicode(void)
{
	return tty.unicode;
}

void kt_screen_copy(const char *base64)
{
	static const char begin[] = "\033]52;c;", end[] = "\a";

	if (!tty.open || kt_write_all(STDOUT_FILENO, begin, sizeof(begin) - 1, NULL) < 0 ||
	        kt_write_all(STDOUT_FILENO, base64, strlen(base64), NULL) < 0)
		return;
	kt_write_all(STDOUT_FILENO, end, sizeof(end) - 1, NULL);
}

/* Keys */

static const struct {
	int curses;
	uint32_t code;
} KEYS[] = {
        {KEY_ENTER, KT_KEY_ENTER},
        {KEY_BACKSPACE, KT_KEY_BACKSPACE},
        {KEY_DC, KT_KEY_DELETE},
        {KEY_IC, KT_KEY_INSERT},
        {KEY_UP, KT_KEY_UP},
        {KEY_DOWN, KT_KEY_DOWN},
        {KEY_LEFT, KT_KEY_LEFT},
        {KEY_RIGHT, KT_KEY_RIGHT},
        {KEY_SR, KT_KEY_SHIFT_UP},
        {KEY_SF, KT_KEY_SHIFT_DOWN},
        {KEY_SLEFT, KT_KEY_SHIFT_LEFT},
        {KEY_SRIGHT, KT_KEY_SHIFT_RIGHT},
        {KEY_HOME, KT_KEY_HOME},
        {KEY_END, KT_KEY_END},
        {KEY_PPAGE, KT_KEY_PAGE_UP},
        {KEY_NPAGE, KT_KEY_PAGE_DOWN},
        {KEY_BTAB, KT_KEY_BACKTAB},
        {KEY_RESIZE, KT_KEY_RESIZE},
        {KEY_MAX + 1, KT_KEY_PASTE_BEGIN},
        {KEY_MAX + 2, KT_KEY_PASTE_END},
        {KEY_MAX + 3, KT_KEY_CTRL | KT_KEY_LEFT},
        {KEY_MAX + 4, KT_KEY_CTRL | KT_KEY_RIGHT},
};

static uint32_t function_key(int key)
{
	if (key >= KEY_F(1) && key <= KEY_F(12))
		return KT_KEY_F1 + (uint32_t)(key - KEY_F(1));
	for (size_t i = 0; i < KT_ARRAY_SIZE(KEYS); i++)
		if (KEYS[i].curses == key)
			return KEYS[i].code;
	return KT_KEY_NONE;
}

static uint32_t plain_key(wint_t c)
{
	switch (c) {
	case '\r':
	case '\n':
		return KT_KEY_ENTER;
	case '\t':
		return KT_KEY_TAB;
	case 0x1b:
		return KT_KEY_ESC;
	case 0x7f:
	case 0x08:
		return KT_KEY_BACKSPACE;
	case 0:
		return KT_KEY_CTRL | ' ';
	default:
		break;
	}
	if (c < 0x1b)
		return KT_KEY_CTRL | ((uint32_t)c + 'a' - 1);
	if (c < 0x20)
		return KT_KEY_CTRL | ((uint32_t)c + '@');
	return (uint32_t)c;
}

static bool mouse_of(const MEVENT *event, enum kt_mouse *ret_mouse)
{
	static const struct {
		mmask_t mask;
		enum kt_mouse mouse;
	} kinds[] = {{BUTTON4_PRESSED, KT_MOUSE_WHEEL_UP}, {BUTTON5_PRESSED, KT_MOUSE_WHEEL_DOWN},
	        {BUTTON1_DOUBLE_CLICKED | BUTTON1_TRIPLE_CLICKED, KT_MOUSE_DOUBLE_CLICK},
	        {BUTTON1_PRESSED | BUTTON1_CLICKED, KT_MOUSE_CLICK},
	        {BUTTON3_PRESSED | BUTTON3_CLICKED, KT_MOUSE_RIGHT_CLICK}};

	for (size_t i = 0; i < KT_ARRAY_SIZE(kinds); i++) {
		if (event->bstate & kinds[i].mask) {
			*ret_mouse = kinds[i].mouse;
			return true;
		}
	}
	return false;
}

/* One KEY_MOUSE may stand for several events, the newest first: a press and its release that came
 * together. */
static bool read_mouse(struct kt_key *ret_key)
{
	bool found = false;
	MEVENT event;

	while (getmouse(&event) == OK) {
		enum kt_mouse mouse;

		if (!mouse_of(&event, &mouse))
			continue;
		*ret_key = (struct kt_key){KT_KEY_MOUSE, mouse, event.y, event.x};
		found = true;
	}
	return found;
}

static bool terminal_gone(void)
{
	struct pollfd fd = {.fd = STDIN_FILENO, .events = POLLIN};

	return poll(&fd, 1, 0) == 1 && (fd.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
}

/* A sequence that ncurses does not know, read to its end; Alt and the letter when there is none. */
static uint32_t read_sequence(char first)
{
	char text[KT_SEQUENCE_MAX] = {first};
	size_t len = 1;
	wint_t c;

	while (!kt_sequence_ends(text, len)) {
		if (get_wch(&c) != OK)
			return len == 1 ? KT_KEY_ALT | (uint32_t)first : KT_KEY_NONE;
		text[len++] = c < 0x80 ? (char)c : '\0';
	}
	return kt_sequence_key(text, len);
}

/* One key. *ret_swallowed: it was a sequence of no key, and more may follow. */
static int read_key(struct kt_key *ret_key, bool *ret_swallowed)
{
	wint_t c;
	int r = get_wch(&c);

	*ret_key = (struct kt_key){.code = KT_KEY_NONE};
	if (r == ERR)
		return terminal_gone() ? -EIO : 0;
	if (r == KEY_CODE_YES && (int)c == KEY_MOUSE)
		return *ret_swallowed = !read_mouse(ret_key), 0;
	if (r == KEY_CODE_YES) {
		ret_key->code = function_key((int)c);
		*ret_swallowed = ret_key->code == KT_KEY_NONE;
		return 0;
	}
	ret_key->code = plain_key(c);
	if (ret_key->code != KT_KEY_ESC)
		return 0;
	/* Alt comes as Esc and the key at once */
	r = get_wch(&c);
	if (r == OK && (c == '[' || c == 'O')) {
		ret_key->code = read_sequence((char)c);
		*ret_swallowed = ret_key->code == KT_KEY_NONE;
	} else if (r == OK) {
		ret_key->code = KT_KEY_ALT | plain_key(c);
	} else if (r == KEY_CODE_YES) {
		ret_key->code = KT_KEY_ALT | function_key((int)c);
	}
	return 0;
}

int kt_screen_read(struct kt_key *ret_key)
{
	bool swallowed;
	int r;

	do {
		swallowed = false;
		r = read_key(ret_key, &swallowed);
	} while (r == 0 && swallowed);
	return r;
}

/* Styles */

/* The nearest of 256 colours is a search; a screen has some dozen colours. */
static int nearest(kt_color color)
{
	static struct {
		kt_color color;
		int number; /* 0: empty; else one more than it is */
	} known[64];
	size_t slot = (color ^ color >> 8 ^ color >> 16) % KT_ARRAY_SIZE(known);

	if (!known[slot].number || known[slot].color != color) {
		known[slot].color = color;
		known[slot].number = kt_color_nearest(color, tty.colors) + 1;
	}
	return known[slot].number - 1;
}

static int color_number(kt_color color)
{
	if (color == KT_COLOR_DEFAULT)
		return -1;
	if (tty.direct) /* ncurses keeps 0-7 of a direct terminal as palette colours */
		return color < 8 ? 0 : (int)color;
	return nearest(color);
}

static attr_t attributes(struct kt_style style, int *ret_pair)
{
	attr_t attrs = A_NORMAL;

	if (style.attributes & KT_ATTR_BOLD)
		attrs |= A_BOLD;
	if (style.attributes & KT_ATTR_DIM)
		attrs |= A_DIM;
	if (style.attributes & KT_ATTR_UNDERLINE)
		attrs |= A_UNDERLINE;
	if (style.attributes & KT_ATTR_REVERSE)
		attrs |= A_REVERSE;
	*ret_pair = 0;
	if (!tty.colors) {
		/* without colours a background stands out as reverse */
		if (style.bg != KT_COLOR_DEFAULT && style.fg != style.bg && style.bg != 0)
			attrs |= A_REVERSE;
		return attrs;
	}
	int pair = alloc_pair(color_number(style.fg), color_number(style.bg));

	*ret_pair = pair > 0 ? pair : 0;
	return attrs;
}

/* Frames */

void kt_screen_clear(struct kt_style style)
{
	for (int row = 0; row < LINES; row++)
		kt_draw_fill(row, 0, COLS, ' ', style);
}

void kt_screen_present(void)
{
	refresh();
}

void kt_screen_redraw(void)
{
	clearok(curscr, TRUE);
}

void kt_screen_cursor(int row, int column)
{
	curs_set(row >= 0);
	if (row >= 0)
		move(row, column);
}

/* Text */

size_t kt_text_grapheme(const char *text, size_t len, int *ret_columns)
{
	uint32_t cp;
	int n = kt_utf8_decode(text, len, &cp);

	if (n <= 0) {
		*ret_columns = 4; /* \xNN */
		return 1;
	}
	if (cp < 0x20 || (cp >= 0x7f && cp <= 0x9f)) {
		*ret_columns = cp == '\t' ? 1 : 4;
		return (size_t)n;
	}
	int width = wcwidth((wchar_t)cp);
	size_t used = (size_t)n;

	*ret_columns = width < 0 ? 1 : width;
	while (used < len) {
		n = kt_utf8_decode(text + used, len - used, &cp);
		if (n <= 0 || cp < 0x300 || wcwidth((wchar_t)cp) != 0)
			break;
		used += (size_t)n;
	}
	if (*ret_columns == 0)
		*ret_columns = 1; /* a mark without a character stands on a blank */
	return used;
}

/* Printable ASCII at the beginning: a column each. The last character may have a mark behind it. */
static size_t plain_run(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && text[n] >= 0x20 && text[n] < 0x7f)
		n++;
	return n < len && n && (unsigned char)text[n] >= 0x80 ? n - 1 : n;
}

int kt_text_width(const char *text, size_t len)
{
	size_t plain = plain_run(text, len);
	int width = (int)plain, columns;

	for (size_t i = plain; i < len; width += columns)
		i += kt_text_grapheme(text + i, len - i, &columns);
	return width;
}

/* What joins or chooses pictures: terminals do not agree how wide the outcome is, and one that
 * differs moves all that follows in the row. */
static bool is_joiner(uint32_t cp)
{
	return cp == 0x200c || cp == 0x200d || (cp >= 0xfe00 && cp <= 0xfe0f);
}

/* The one place where cluster data becomes what a terminal is sent. Fills at most 4 cells' worth of
 * wide characters; returns their number. */
static int escape(const char *text, size_t len, wchar_t out[MARKS_MAX + 2])
{
	uint32_t cp;
	int n = kt_utf8_decode(text, len, &cp), count = 0;

	if (n > 0 && cp == '\t') {
		out[0] = L' ';
		return 1;
	}
	if (n <= 0 || cp < 0x20 || (cp >= 0x7f && cp <= 0x9f)) {
		static const char digits[] = "0123456789abcdef";
		unsigned value = n <= 0 ? (unsigned char)*text : cp;

		out[0] = L'\\';
		out[1] = L'x';
		out[2] = (wchar_t)digits[value >> 4 & 15];
		out[3] = (wchar_t)digits[value & 15];
		return 4;
	}
	if (wcwidth((wchar_t)cp) == 0)
		out[count++] = L' ';
	out[count++] = wcwidth((wchar_t)cp) < 0 ? L'?' : (wchar_t)cp;
	for (size_t used = (size_t)n; used < len && count <= MARKS_MAX; used += (size_t)n) {
		n = kt_utf8_decode(text + used, len - used, &cp);
		if (n <= 0 || wcwidth((wchar_t)cp) != 0)
			break;
		if (!is_joiner(cp))
			out[count++] = (wchar_t)cp;
	}
	return count;
}

static void put_cell(int row, int column, const wchar_t *chars, attr_t attrs, int pair)
{
	cchar_t cell;

	if (setcchar(&cell, chars, attrs, 0, &pair) == OK)
		mvadd_wch(row, column, &cell);
}

static int put_grapheme(int row, int column, const char *text, size_t len, attr_t attrs, int pair)
{
	wchar_t chars[MARKS_MAX + 2] = {0};
	int n = escape(text, len, chars);

	if (n == 4 && chars[0] == L'\\' && chars[1] == L'x') {
		for (int i = 0; i < 4; i++)
			put_cell(row, column + i, (const wchar_t[]){chars[i], 0}, attrs, pair);
		return 4;
	}
	chars[n] = 0;
	put_cell(row, column, chars, attrs, pair);
	return 0;
}

static void put_plain(int row, int column, const char *text, size_t len, attr_t attrs, int pair)
{
	cchar_t cells[128];

	for (size_t i = 0; i < len;) {
		size_t n = KT_MIN(len - i, KT_ARRAY_SIZE(cells));

		for (size_t k = 0; k < n; k++)
			setcchar(&cells[k], (const wchar_t[]){(wchar_t)text[i + k], 0}, attrs, 0,
			        &pair);
		mvadd_wchnstr(row, column + (int)i, cells, (int)n);
		i += n;
	}
}

int kt_draw_text(int row, int column, int width, const char *text, size_t len,
        struct kt_style style, bool ellipsis)
{
	int pair, used = 0;
	attr_t attrs = attributes(style, &pair);

	if (row < 0 || row >= LINES || column < 0 || column >= COLS)
		return 0;
	width = KT_MIN(width, COLS - column);
	bool cut = ellipsis && kt_text_width(text, len) > width;
	int room = cut ? width - 1 : width;

	for (size_t i = 0; i < len;) {
		size_t run = KT_MIN(plain_run(text + i, len - i), (size_t)KT_MAX(room - used, 0));
		int columns;

		if (run) {
			put_plain(row, column + used, text + i, run, attrs, pair);
			used += (int)run;
			i += run;
			continue;
		}
		size_t n = kt_text_grapheme(text + i, len - i, &columns);

		if (used + columns > room)
			break;
		put_grapheme(row, column + used, text + i, n, attrs, pair);
		used += columns;
		i += n;
	}
	if (cut && width > 0)
		put_cell(row, column + used++, tty.unicode ? L"…" : L">", attrs, pair);
	return used;
}

void kt_draw_fill(int row, int column, int width, char c, struct kt_style style)
{
	int pair;
	attr_t attrs = attributes(style, &pair);

	if (row < 0 || row >= LINES || column >= COLS)
		return;
	int from = KT_MAX(column, 0), to = KT_MIN(column + width, COLS);
	cchar_t cell;

	if (from < to && setcchar(&cell, (const wchar_t[]){(wchar_t)c, 0}, attrs, 0, &pair) == OK)
		mvhline_set(row, from, &cell, to - from);
}

int kt_draw_cell(int row, int column, int width, const char *text, struct kt_style style)
{
	int used = kt_draw_text(row, column, width, text, strlen(text), style, true);

	kt_draw_fill(row, column + used, width - used, ' ', style);
	return used;
}

void kt_draw_hline(int row, int column, int width, struct kt_style style)
{
	int pair;
	attr_t attrs = attributes(style, &pair);

	width = KT_MIN(width, COLS - column);
	cchar_t cell;

	if (row >= 0 && row < LINES && width > 0 &&
	        setcchar(&cell, tty.unicode ? L"─" : L"-", attrs, 0, &pair) == OK)
		mvhline_set(row, column, &cell, width);
}

void kt_draw_vline(int row, int column, int height, struct kt_style style)
{
	int pair;
	attr_t attrs = attributes(style, &pair);

	for (int i = 0; i < height && row + i < LINES && column >= 0 && column < COLS; i++)
		put_cell(row + i, column, tty.unicode ? L"│" : L"|", attrs, pair);
}

void kt_draw_box(int row, int column, int rows, int columns, struct kt_style style)
{
	int pair, last_row = row + rows - 1, last_column = column + columns - 1;
	attr_t attrs = attributes(style, &pair);
	const wchar_t *corners[4] = {L"╭", L"╮", L"╰", L"╯"};

	kt_draw_hline(row, column + 1, columns - 2, style);
	kt_draw_hline(last_row, column + 1, columns - 2, style);
	kt_draw_vline(row + 1, column, rows - 2, style);
	kt_draw_vline(row + 1, last_column, rows - 2, style);
	for (int i = 0; i < 4; i++) {
		int r = i < 2 ? row : last_row, c = i % 2 ? last_column : column;

		if (r >= 0 && r < LINES && c >= 0 && c < COLS)
			put_cell(r, c, tty.unicode ? corners[i] : L"+", attrs, pair);
	}
}
