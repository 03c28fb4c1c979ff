/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/stream.h"

#include "tui/job.h"

/* Said by our command when the server would open the stream. */
static const char WOULD[] = "opens no streams into containers";
static const char SHELL[] = "command -v bash >/dev/null && exec bash || exec sh";

struct asking {
	struct kt_ui *ui;
	char *argument;
	bool shell;
	struct kt_str answer;
};

/* kubectl's words; the argument's are cut apart in place. */
static void run_kubectl(struct kt_ui *ui, char *argument, bool shell)
{
	const char *config = ui->options->kubeconfig;
	kt_auto_free char *config_flag = kt_asprintf("--kubeconfig=%s", config ? config : "");
	kt_auto_free char *context_flag = kt_asprintf("--context=%s", ui->facts.context);
	const char *words[32] = {"kubectl", context_flag, shell ? "exec" : "attach", "-it"};
	size_t n = 4;
	char *rest = NULL;
	kt_auto_err err = KT_ERR_INIT;

	if (config)
		words[n++] = config_flag;
	for (char *word = strtok_r(argument, " ", &rest); word && n < 24;
	        word = strtok_r(NULL, " ", &rest))
		words[n++] = word;
	if (shell) {
		words[n++] = "--";
		words[n++] = "sh";
		words[n++] = "-c";
		words[n++] = SHELL;
	}
	int status = kt_ui_spawn(ui, (char *const *)(uintptr_t)words, &err);

	if (status < 0)
		kt_ui_flash(ui, KT_FLASH_ERROR, "%s", kt_err_message(&err));
	else if (status == 127)
		kt_ui_flash(ui, KT_FLASH_ERROR, "kubectl, which opens the stream, is not found");
	else if (status)
		kt_ui_flash(ui, KT_FLASH_WARN, "kubectl %s ended with status %d", words[2], status);
}

static void on_output(void *arg, struct kt_sv piece)
{
	kt_str_add(&((struct asking *)arg)->answer, piece.p, piece.len);
}

static void free_asking(struct asking *asking)
{
	kt_str_finish(&asking->answer);
	free(asking->argument);
	free(asking);
}

static void on_done(void *arg, int exit_code)
{
	struct asking *asking = arg;

	(void)exit_code;
	if (strstr(kt_str_text(&asking->answer), WOULD))
		run_kubectl(asking->ui, asking->argument, asking->shell);
	else
		kt_ui_flash(asking->ui, KT_FLASH_ERROR, "%s", kt_str_text(&asking->answer));
	free_asking(asking);
}

static void open_stream(struct kt_ui *ui, const char *argument, bool shell)
{
	kt_auto_free char *line =
	        kt_asprintf("%s %s%s", shell ? "exec" : "attach", argument, shell ? " -- sh" : "");
	struct asking *asking = kt_new(struct asking);

	*asking = (struct asking){.ui = ui, .argument = kt_strdup(argument), .shell = shell};
	if (!kt_job_start(ui, &(struct kt_job_options){.line = line,
	                              .on_output = on_output,
	                              .on_done = on_done,
	                              .arg = asking}))
		free_asking(asking);
}

void kt_stream_shell(struct kt_ui *ui, const char *argument)
{
	open_stream(ui, argument, true);
}

void kt_stream_attach(struct kt_ui *ui, const char *argument)
{
	open_stream(ui, argument, false);
}
