/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/program.h"

#include "tui/view/output.h"
#include "tui/widget/prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FLASH_LINES_MAX = 1 };

struct kt_program {
	struct kt_ui *ui;
	char *description;
	uint64_t moves; /* of the UI when it began */
	pid_t pid;
	int output_fd, pid_fd;
	struct kt_io output_io, pid_io;
	struct kt_str output;
};

static void forget(struct kt_program *program)
{
	struct kt_ui *ui = program->ui;

	for (size_t i = 0; i < ui->programs.n; i++) {
		if (ui->programs.items[i] == program) {
			kt_vec_remove(&ui->programs, i);
			break;
		}
	}
	kt_io_remove(&program->output_io);
	kt_io_remove(&program->pid_io);
	if (program->output_fd >= 0)
		close(program->output_fd);
	if (program->pid_fd >= 0)
		close(program->pid_fd);
	kt_str_finish(&program->output);
	free(program->description);
	free(program);
}

/* All that is there now; what is too much is read and dropped. */
static void read_output(struct kt_program *program)
{
	char piece[4096];
	ssize_t n;

	while ((n = read(program->output_fd, piece, sizeof(piece))) > 0 ||
	        (n < 0 && errno == EINTR))
		if (n > 0 && program->output.len < KT_PROGRAM_OUTPUT_MAX)
			kt_str_add(&program->output, piece, (size_t)n);
	if (n == 0)
		kt_io_remove(&program->output_io);
}

static void on_output(struct kt_io *io, uint32_t events)
{
	(void)events;
	read_output(kt_container_of(io, struct kt_program, output_io));
}

void kt_program_show_output(struct kt_ui *ui, const char *argument)
{
	(void)argument;
	if (ui->output)
		kt_ui_push(ui, kt_text_view_create(ui, ui->output_title, "output",
		                       kt_sv_of(ui->output), KT_PLAIN));
	else
		kt_ui_flash(ui, KT_FLASH_WARN, "there is no output of a program");
}

/* More than a line is a page, at once where the person still is, else when asked for. True when
 * all is told. */
static bool tell_page(struct kt_program *program, int status)
{
	struct kt_ui *ui = program->ui;

	free(ui->output);
	free(ui->output_title);
	ui->output = kt_strndup(program->output.data, program->output.len);
	ui->output_title = kt_strdup(program->description);
	if (program->moves == ui->moves && !ui->dialog && !kt_prompt_is_open(ui->prompt)) {
		kt_program_show_output(ui, "");
		return false;
	}
	kt_ui_flash(ui, status ? KT_FLASH_ERROR : KT_FLASH_INFO,
	        "%s: ended with status %d; :output shows what it said", program->description,
	        status);
	return true;
}

static void tell(struct kt_program *program, int status)
{
	struct kt_str *output = &program->output;
	size_t lines = 0;

	while (output->len && output->data[output->len - 1] == '\n')
		kt_str_truncate(output, output->len - 1);
	for (size_t i = 0; i < output->len; i++)
		lines += output->data[i] == '\n';
	if (lines >= FLASH_LINES_MAX && tell_page(program, status))
		return;
	if (status)
		kt_ui_flash(program->ui, KT_FLASH_ERROR, "%s: ended with status %d%s%s",
		        program->description, status, lines || !output->len ? "" : ": ",
		        lines || !output->len ? "" : output->data);
	else
		kt_ui_flash(program->ui, KT_FLASH_INFO, "%s: %s", program->description,
		        lines || !output->len ? "done" : output->data);
}

static void on_end(struct kt_io *io, uint32_t events)
{
	struct kt_program *program = kt_container_of(io, struct kt_program, pid_io);
	int status = 0;

	(void)events;
	if (waitpid(program->pid, &status, WNOHANG) == 0)
		return;
	read_output(program);
	tell(program, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	forget(program);
}

/* The child: nothing of the terminal, its own session so that Ctrl-C here does not end it. */
static void become(char *const argv[], int output)
{
	int null = open("/dev/null", O_RDWR);

	setsid();
	signal(SIGPIPE, SIG_DFL);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
	        dup2(output, STDERR_FILENO) < 0)
		_exit(126);
	execvp(argv[0], argv);
	dprintf(STDERR_FILENO, "cannot run %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

int kt_program_start(
        struct kt_ui *ui, char *const argv[], const char *description, struct kt_err *err)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return kt_fail(err, errno, "cannot start %s: %s", argv[0], strerror(errno));
	pid_t pid = fork();

	if (pid == 0)
		become(argv, fds[1]);
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		return kt_fail(err, errno, "cannot start %s: %s", argv[0], strerror(errno));
	}
	struct kt_program *program = kt_new(struct kt_program);

	*program = (struct kt_program){.ui = ui,
	        .description = kt_strdup(description),
	        .moves = ui->moves,
	        .pid = pid,
	        .output_fd = fds[0],
	        .pid_fd = (int)syscall(SYS_pidfd_open, pid, 0),
	        .output_io = {.fn = on_output},
	        .pid_io = {.fn = on_end}};
	kt_vec_push(&ui->programs, program);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	if (program->pid_fd < 0 ||
	        kt_io_add(&program->output_io, ui->loop, fds[0], EPOLLIN, err) < 0 ||
	        kt_io_add(&program->pid_io, ui->loop, program->pid_fd, EPOLLIN, err) < 0) {
		forget(program);
		return kt_fail(err, EAGAIN, "cannot follow %s", argv[0]);
	}
	kt_ui_flash(ui, KT_FLASH_INFO, "%s: started", description);
	return 0;
}

void kt_programs_forget(struct kt_ui *ui)
{
	while (ui->programs.n)
		forget(ui->programs.items[ui->programs.n - 1]);
	kt_vec_finish(&ui->programs);
}
