/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/job.h"

#include "tui/command/script.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { READS_PER_TURN = 16 }; /* then keys get their turn */

struct kt_job {
	struct kt_ui *ui;
	struct kt_job_options options;
	char *line;
	struct kt_session *session;
	struct kt_client *client;
	FILE *out; /* the thread's end */
	int fd;    /* ours */
	struct kt_io io;
	struct kt_task ended;
	pthread_t thread;
	int exit_code;
	bool cancelled;
};

static void *run_job(void *arg)
{
	struct kt_job *job = arg;
	FILE *in = fopen("/dev/null", "re");
	struct kt_script script = {.session = job->session,
	        .in = in,
	        .out = job->out,
	        .err = job->out,
	        .name = "line"};

	job->exit_code = in ? kt_script_line(&script, job->line, NULL, NULL) : KT_EXIT_ERROR;
	if (in)
		fclose(in);
	fclose(job->out);
	kt_loop_post(job->ui->loop, &job->ended);
	return NULL;
}

enum { READ_END, READ_MORE, READ_LATER };

static int read_some(struct kt_job *job)
{
	char piece[16384];

	for (int i = 0; i < READS_PER_TURN; i++) {
		ssize_t n = read(job->fd, piece, sizeof(piece));

		if (n < 0)
			return errno == EAGAIN ? READ_LATER : errno == EINTR ? READ_MORE : READ_END;
		if (n == 0)
			return READ_END;
		if (!job->cancelled && job->options.on_output)
			job->options.on_output(job->options.arg, (struct kt_sv){piece, (size_t)n});
		kt_ui_dirty(job->ui);
	}
	return READ_MORE;
}

static void on_readable(struct kt_io *io, uint32_t events)
{
	struct kt_job *job = kt_container_of(io, struct kt_job, io);

	(void)events;
	if (read_some(job) == READ_END)
		kt_io_remove(&job->io);
}

static void forget(struct kt_job *job)
{
	struct kt_ui *ui = job->ui;

	for (size_t i = 0; i < ui->jobs.n; i++) {
		if (ui->jobs.items[i] == job) {
			kt_vec_remove(&ui->jobs, i);
			break;
		}
	}
	kt_io_remove(&job->io);
	if (job->fd >= 0)
		close(job->fd);
	kt_session_destroy(job->session);
	free(job->line);
	free(job);
}

static void on_ended(struct kt_task *task)
{
	struct kt_job *job = kt_container_of(task, struct kt_job, ended);
	struct kt_job_options options = job->options;
	int exit_code = job->exit_code;
	bool tell = !job->cancelled && options.on_done;

	pthread_join(job->thread, NULL);
	/* the writer is gone: what is left in the pipe ends with an end of file */
	while (!job->cancelled && read_some(job) == READ_MORE)
		continue;
	kt_ui_dirty(job->ui);
	forget(job);
	if (tell)
		options.on_done(options.arg, exit_code);
}

static bool open_pipe(struct kt_job *job)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return false;
	job->fd = fds[0];
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	job->out = fdopen(fds[1], "w");
	if (!job->out)
		close(fds[1]);
	return job->out != NULL;
}

struct kt_job *kt_job_start(struct kt_ui *ui, const struct kt_job_options *options)
{
	struct kt_job *job = kt_new(struct kt_job);
	const char *namespace = options->namespace ? options->namespace : ui->namespace;

	job->ui = ui;
	job->options = *options;
	job->options.line = NULL;
	job->options.namespace = NULL;
	job->line = kt_strdup(options->line);
	job->fd = -1;
	job->session = kt_session_create(
	        &(struct kt_session_options){.kubeconfig = ui->options->kubeconfig,
	                .context = kt_session_context(ui->session),
	                .namespace = *namespace ? namespace : NULL,
	                .client = ui->client,
	                .readonly = ui->readonly});
	kt_task_init(&job->ended, on_ended);
	job->io.fn = on_readable;
	kt_vec_push(&ui->jobs, job);
	if (!open_pipe(job) || kt_io_add(&job->io, ui->loop, job->fd, EPOLLIN, NULL) < 0) {
		kt_ui_flash(ui, KT_FLASH_ERROR, "cannot start: %s", strerror(errno));
		if (job->out)
			fclose(job->out);
		forget(job);
		return NULL;
	}
	if (pthread_create(&job->thread, NULL, run_job, job) != 0) {
		kt_ui_flash(ui, KT_FLASH_ERROR, "cannot start a thread");
		fclose(job->out);
		forget(job);
		return NULL;
	}
	return job;
}

void kt_job_cancel(struct kt_job *job)
{
	if (!job || job->cancelled)
		return;
	job->cancelled = true;
	kt_cancel_ask(kt_session_cancel(job->session));
	/* a writer that waits for us fails now */
	kt_io_remove(&job->io);
	close(job->fd);
	job->fd = -1;
}

void kt_job_cancel_all(struct kt_ui *ui)
{
	for (size_t i = 0; i < ui->jobs.n; i++)
		kt_job_cancel(ui->jobs.items[i]);
	while (ui->jobs.n)
		if (kt_loop_run_once(ui->loop, -1, NULL) < 0)
			break;
}
