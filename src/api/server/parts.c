/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The server's parts in the order in which they need one another. */
#include "api/server/admission/admission.h"
#include "api/server/auth/authenticate.h"
#include "api/server/auth/authorize.h"
#include "api/server/crds.h"
#include "api/server/flow.h"
#include "api/server/pki.h"
#include "api/server/server_impl.h"

static int open_pki(struct kt_server *server, struct kt_err *err)
{
	struct kt_pki_options options = {
	        .service_cluster_ip_range = server->options.service_cluster_ip_range,
	        .advertise_address = server->options.advertise_address,
	};

	if (server->options.pki)
		return 0;
	if (kt_pki_open(server->options.data_dir, &options, &server->own_pki, err) < 0)
		return err->code;
	server->options.pki = server->own_pki;
	return 0;
}

int kt_server_start_parts(struct kt_server *server, struct kt_err *err)
{
	if (open_pki(server, err) < 0)
		return err->code;
	struct kt_authenticator_options options = {
	        .storage = server->storage,
	        .pki = server->options.pki,
	        .issuer = server->options.service_account_issuer,
	        .token_auth_file = server->options.token_auth_file,
	        .anonymous = server->options.anonymous_auth,
	};
	int status = kt_authenticator_create(&options, &server->authenticator, err);
	if (status == 0)
		status = kt_authorizer_create(
		        server->storage, server->loop, &server->authorizer, err);
	if (status == 0)
		status = kt_flow_create(server, &server->flow, err);
	if (status == 0)
		status = kt_admission_create(server->options.enable_admission_plugins,
		        server->options.disable_admission_plugins, &server->admission, err);
	if (status == 0)
		status = kt_crds_create(server, &server->crds, err);
	return status;
}

void kt_server_stop_parts(struct kt_server *server)
{
	kt_crds_destroy(server->crds);
	kt_admission_destroy(server->admission);
	kt_flow_destroy(server->flow);
	kt_authorizer_destroy(server->authorizer);
	kt_authenticator_destroy(server->authenticator);
	kt_pki_close(server->own_pki);
}
