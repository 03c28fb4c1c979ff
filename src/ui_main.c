/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui_main.h"

#include "api/client/kubeconfig.h"
#include "api/client/remote.h"
#include "base/log.h"
#include "base/path.h"
#include "cluster_start.h"
#include "tui/app.h"
#include "tui/command/session.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <unistd.h>

#define USER_AGENT "kube-tui/" KT_VERSION " (linux/amd64)"

/* The embedded cluster, made on the thread that starts it. */
struct embedded {
	const char *name, *nodes; /* nodes: --nodes; NULL: not given */
	int lock, port;           /* port: -1: not given */
	struct kt_cluster_state state;
	struct kt_cluster *cluster;
	struct kt_client *client;
};

/* A word that is no cluster yet: who has no terminal meant a command, and so did who mistyped one.
 */
static bool is_mistyped(const char *word)
{
	struct kt_cluster_state state = {0};
	bool exists = kt_cluster_name_check(word, NULL) == 0 &&
	              kt_cluster_state_load(word, &state, NULL) == 0;

	kt_cluster_state_finish(&state);
	return !exists && (isatty(STDOUT_FILENO) != 1 || kt_command_suggest(word, NULL));
}

bool kt_ui_is_asked(int argc, char *const *argv)
{
	static const char *const elsewhere[] = {"--help", "-h", "--version", "-c"};

	if (!argc)
		return true;
	for (size_t i = 0; i < KT_ARRAY_SIZE(elsewhere); i++)
		if (!strcmp(argv[0], elsewhere[i]))
			return false;
	if (argv[0][0] == '-') {
		int at = kt_command_position(argc, argv);

		return at < 0 || !kt_command_find(kt_commands, argv[at]);
	}
	if (kt_command_find(kt_commands, argv[0]) || !strcmp(argv[0], "repl") ||
	        strchr(argv[0], '.') || is_mistyped(argv[0]))
		return false;
	return argc == 1 || argv[1][0] == '-';
}

/* Attaching */

static int attach(struct embedded *embedded, struct kt_client **ret_client, struct kt_err *err)
{
	struct kt_endpoint endpoint = {0};
	int r = kt_cluster_find(&embedded->state, &endpoint, err);

	if (r == 0)
		r = kt_remote_client_create(&(struct kt_remote_options){.endpoint = &endpoint,
		                                    .user_agent = USER_AGENT},
		        ret_client, err);
	embedded->client = r == 0 ? *ret_client : NULL;
	kt_endpoint_finish(&endpoint);
	return r;
}

/* Starting */

static int serve(struct embedded *embedded, struct kt_err *err)
{
	struct kt_cluster_options options;

	if (embedded->nodes &&
	        kt_cluster_shape(&embedded->state, "nodes", embedded->nodes, err) < 0)
		return err->code;
	kt_cluster_options_of(&embedded->state, &options);
	if (embedded->port >= 0) {
		options.port = embedded->port;
		options.port_is_wish = false;
	}
	if (kt_cluster_create(&options, &embedded->cluster, err) < 0)
		return err->code;
	return kt_cluster_publish(embedded->cluster, &embedded->state, NULL, err);
}

static int start(void *arg, struct kt_client **ret_client, struct kt_err *err)
{
	struct embedded *embedded = arg;

	if (kt_cluster_state_load_or_new(embedded->name, &embedded->state, err) < 0)
		return err->code;
	int r = kt_cluster_lock(embedded->name, embedded->state.data_dir, &embedded->lock, err);

	if (r == -EBUSY) {
		kt_err_clear(err);
		kt_cluster_state_finish(&embedded->state); /* it may have started meanwhile */
		r = kt_cluster_state_load(embedded->name, &embedded->state, err);
		return r == 0 ? attach(embedded, ret_client, err) : r;
	}
	if (r == 0)
		r = serve(embedded, err);
	if (r < 0)
		return r;
	kt_cluster_started(embedded->lock);
	embedded->client = *ret_client = kt_cluster_client(embedded->cluster, USER_AGENT);
	return 0;
}

static void finish(struct embedded *embedded)
{
	kt_client_destroy(embedded->client);
	kt_cluster_destroy(embedded->cluster);
	kt_cluster_state_finish(&embedded->state);
	if (embedded->lock >= 0)
		close(embedded->lock);
}

/* Options */

enum {
	OPTION_NODES = 256,
	OPTION_CONTEXT,
	OPTION_KUBECONFIG,
	OPTION_THEME,
	OPTION_READONLY,
	OPTION_COMMAND,
	OPTION_NO_MOUSE,
	OPTION_PORT
};

static const struct option OPTIONS[] = {
        {"nodes", required_argument, NULL, OPTION_NODES},
        {"context", required_argument, NULL, OPTION_CONTEXT},
        {"kubeconfig", required_argument, NULL, OPTION_KUBECONFIG},
        {"namespace", required_argument, NULL, 'n'},
        {"all-namespaces", no_argument, NULL, 'A'},
        {"theme", required_argument, NULL, OPTION_THEME},
        {"readonly", no_argument, NULL, OPTION_READONLY},
        {"command", required_argument, NULL, OPTION_COMMAND},
        {"no-mouse", no_argument, NULL, OPTION_NO_MOUSE},
        {"port", required_argument, NULL, OPTION_PORT},
        {NULL, 0, NULL, 0},
};

static int number(const char *name, const char *text, int max, int *ret_value, struct kt_err *err)
{
	int64_t value;

	if (kt_sv_int64(kt_sv_of(text), &value) < 0 || value < 0 || value > max)
		return kt_fail(
		        err, EINVAL, "--%s: %s is not a number between 0 and %d", name, text, max);
	*ret_value = (int)value;
	return 0;
}

static int take_option(
        int option, struct embedded *embedded, struct kt_tui_options *ui, struct kt_err *err)
{
	int nodes;

	switch (option) {
	case OPTION_NODES:
		embedded->nodes = optarg;
		return number("nodes", optarg, KT_CLUSTER_NODES_MAX, &nodes, err);
	case OPTION_PORT:
		return number("port", optarg, 65535, &embedded->port, err);
	case OPTION_CONTEXT:
		ui->context = optarg;
		return 0;
	case OPTION_KUBECONFIG:
		ui->kubeconfig = optarg;
		return 0;
	case OPTION_THEME:
		ui->theme = optarg;
		return 0;
	case OPTION_READONLY:
		ui->readonly = true;
		return 0;
	case OPTION_COMMAND:
		ui->command = optarg;
		return 0;
	case OPTION_NO_MOUSE:
		ui->no_mouse = true;
		return 0;
	case 'n':
		ui->namespace = optarg;
		return 0;
	case 'A':
		ui->all_namespaces = true;
		return 0;
	default:
		return kt_fail(err, EINVAL, "see kube-tui --help");
	}
}

static int read_options(int argc, char *const *argv, struct embedded *embedded,
        struct kt_tui_options *ui, struct kt_err *err)
{
	kt_auto_free char **words = kt_new_array(char *, (size_t)argc + 2);
	int option;

	words[0] = (char *)(uintptr_t) "kube-tui";
	memcpy(words + 1, argv, (size_t)argc * sizeof(*words));
	optind = 0;
	while ((option = getopt_long(argc + 1, words, "n:A", OPTIONS, NULL)) != -1)
		if (take_option(option, embedded, ui, err) < 0)
			return err->code;
	if (optind + 1 < argc + 1)
		return kt_fail(err, EINVAL, "unexpected argument \"%s\"", words[optind + 1]);
	if (optind < argc + 1)
		embedded->name = words[optind];
	return kt_cluster_name_new(embedded->name, err);
}

/* Messages of the cluster's threads must not be written over the screen. */
static int open_log(struct kt_err *err)
{
	kt_auto_free char *home = kt_state_home();
	kt_auto_free char *path = kt_path_join(home, "ui.log");

	if (kt_make_dirs(home, 0700, err) < 0)
		return err->code;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		return kt_fail(err, errno, "cannot open %s: %s", path, strerror(errno));
	kt_log_open(fd, KT_LOG_WARNING);
	return fd;
}

int kt_ui_main(int argc, char *const *argv)
{
	struct embedded embedded = {.name = "dev", .port = -1, .lock = -1};
	struct kt_tui_options options = {0};
	kt_auto_free char *cluster = NULL;
	kt_auto_err err = KT_ERR_INIT;
	int r = read_options(argc, argv, &embedded, &options, &err);
	kt_auto_close int log = r < 0 ? -1 : open_log(&err);

	if (r == 0 && log >= 0) {
		if (!options.context && !options.kubeconfig) {
			cluster = kt_asprintf("kube-tui-%s", embedded.name);
			options.cluster = cluster;
			options.user = "kubernetes-admin";
			options.start = start;
			options.start_arg = &embedded;
		}
		r = kt_tui_run(&options, &err);
		finish(&embedded);
	}
	kt_log_open(STDERR_FILENO, KT_LOG_WARNING);
	if (err.code) {
		fprintf(stderr, "kube-tui: %s\n", kt_err_message(&err));
		return err.code == -EINVAL ? KT_EXIT_USAGE : KT_EXIT_ERROR;
	}
	return r;
}
