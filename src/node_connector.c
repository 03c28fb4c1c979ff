/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "node_connector.h"

#include <errno.h>
#include <pthread.h>

struct link {
	pthread_rwlock_t lock; /* protects simulated; held while a question is answered, so that
	                          nodes do not go away under it */
	struct kt_simulated *simulated;
};

struct log_stream {
	struct kt_stream stream;
	struct kt_simulated_log *log;
	bool has_wake;
};

static int log_pull(struct kt_stream *stream, struct kt_buf **ret_piece)
{
	struct log_stream *log = kt_container_of(stream, struct log_stream, stream);

	if (!log->has_wake) {
		kt_simulated_log_set_wake(log->log, stream->loop, stream->wake);
		log->has_wake = true;
	}
	return kt_simulated_log_pull(log->log, ret_piece);
}

static void log_close(struct kt_stream *stream)
{
	struct log_stream *log = kt_container_of(stream, struct log_stream, stream);

	kt_simulated_log_close(log->log);
	free(log);
}

static int fail_gone(struct kt_err *err, const char *node)
{
	return kt_fail(err, ENOENT, "node \"%s\" is not reachable", node ? node : "");
}

static int connector_logs(void *arg, const char *node, const char *namespace, const char *pod,
        const char *query, struct kt_stream **ret_stream, struct kt_err *err)
{
	struct link *link = arg;
	struct kt_simulated_log *opened = NULL;
	int status;

	pthread_rwlock_rdlock(&link->lock);
	if (link->simulated && kt_simulated_has_node(link->simulated, node))
		status =
		        kt_simulated_log_open(link->simulated, namespace, pod, query, &opened, err);
	else
		status = fail_gone(err, node);
	pthread_rwlock_unlock(&link->lock);
	if (status < 0)
		return status;
	struct log_stream *log = kt_new(struct log_stream);
	log->stream = (struct kt_stream){.pull = log_pull, .close = log_close};
	log->log = opened;
	*ret_stream = &log->stream;
	return 0;
}

static json_t *connector_node_metrics(void *arg, const char *node, struct kt_err *err)
{
	struct link *link = arg;
	json_t *metrics = NULL;

	pthread_rwlock_rdlock(&link->lock);
	if (link->simulated)
		metrics = kt_simulated_node_metrics(link->simulated, node, err);
	else
		fail_gone(err, node);
	pthread_rwlock_unlock(&link->lock);
	return metrics;
}

static json_t *connector_pod_metrics(
        void *arg, const char *namespace, const char *pod, struct kt_err *err)
{
	struct link *link = arg;
	json_t *metrics = NULL;

	pthread_rwlock_rdlock(&link->lock);
	if (link->simulated)
		metrics = kt_simulated_pod_metrics(link->simulated, namespace, pod, err);
	else
		kt_fail(err, ENOENT, "no node answers");
	pthread_rwlock_unlock(&link->lock);
	return metrics;
}

void kt_node_connector_init(struct kt_node_connector *connector)
{
	struct link *link = kt_new(struct link);

	pthread_rwlock_init(&link->lock, NULL);
	*connector = (struct kt_node_connector){
	        .logs = connector_logs,
	        .node_metrics = connector_node_metrics,
	        .pod_metrics = connector_pod_metrics,
	        .arg = link,
	};
}

void kt_node_connector_attach(struct kt_node_connector *connector, struct kt_simulated *simulated)
{
	struct link *link = connector->arg;

	pthread_rwlock_wrlock(&link->lock);
	link->simulated = simulated;
	pthread_rwlock_unlock(&link->lock);
}

void kt_node_connector_detach(struct kt_node_connector *connector)
{
	kt_node_connector_attach(connector, NULL);
}

void kt_node_connector_finish(struct kt_node_connector *connector)
{
	struct link *link = connector->arg;

	if (!link)
		return;
	pthread_rwlock_destroy(&link->lock);
	free(link);
	connector->arg = NULL;
}
