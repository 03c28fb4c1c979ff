/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The subcommands of create and their options. */
#include "tui/command/create_kinds.h"
#include "tui/command/options.h"

#define COMMON_OPTIONS \
	KT_OPTION_OUTPUT, KT_OPTION_DRY_RUN, KT_OPTION_VALIDATE, KT_OPTION_SAVE_CONFIG, \
	        KT_OPTION_FIELD_MANAGER("kubectl-create"), KT_OPTION_END

#define HASH_OPTION \
	{ \
		.name = "append-hash", .type = KT_OPTION_BOOL, \
		.help = "a hash of the content behind the name" \
	}

#define TEXT(word, value, what) \
	{ \
		.name = (word), .type = KT_OPTION_STRING, .value_name = (value), .help = (what) \
	}
#define TEXTS(word, value, what) \
	{ \
		.name = (word), .type = KT_OPTION_STRINGS, .value_name = (value), .help = (what) \
	}
#define FILE_TEXT(word, what) \
	{ \
		.name = (word), .type = KT_OPTION_STRING, .value_name = "FILE", .help = (what), \
		.completion = KT_COMPLETE_FILE \
	}

static const struct kt_option PLAIN_OPTIONS[] = {COMMON_OPTIONS};

static const struct kt_option WORKLOAD_OPTIONS[] = {
        TEXTS("image", "IMAGE", "image of a container; repeat for more"),
        {.name = "replicas",
                .letter = 'r',
                .type = KT_OPTION_INT,
                .fallback = "1",
                .value_name = "N",
                .help = "how many pods"},
        {.name = "port",
                .type = KT_OPTION_INT,
                .value_name = "PORT",
                .help = "a port the first container listens on"},
        COMMON_OPTIONS,
};

static const struct kt_option JOB_OPTIONS[] = {
        TEXTS("image", "IMAGE", "image of the container"),
        TEXT("from", "cronjob/NAME", "the job that this cron job makes"),
        COMMON_OPTIONS,
};

static const struct kt_option CRONJOB_OPTIONS[] = {
        TEXTS("image", "IMAGE", "image of the container"),
        TEXT("schedule", "CRON", "when: '0 3 * * *', @daily, …"),
        TEXT("restart", "POLICY", "OnFailure or Never"),
        COMMON_OPTIONS,
};

#define ENTRY_OPTIONS \
	TEXTS("from-literal", "KEY=VALUE", "one entry"), \
	        {.name = "from-file", \
	                .type = KT_OPTION_STRINGS, \
	                .value_name = "[KEY=]FILE", \
	                .help = "an entry with a file's content, or one for each file of a " \
	                        "folder", \
	                .completion = KT_COMPLETE_FILE}, \
	        {.name = "from-env-file", \
	                .type = KT_OPTION_STRINGS, \
	                .value_name = "FILE", \
	                .help = "an entry for each line NAME=VALUE", \
	                .completion = KT_COMPLETE_FILE}, \
	        HASH_OPTION

static const struct kt_option CONFIGMAP_OPTIONS[] = {ENTRY_OPTIONS, COMMON_OPTIONS};

static const struct kt_option SECRET_OPTIONS[] = {
        ENTRY_OPTIONS,
        TEXT("type", "TYPE", "type of the secret"),
        COMMON_OPTIONS,
};

static const struct kt_option TLS_OPTIONS[] = {
        FILE_TEXT("cert", "the certificate, PEM"),
        FILE_TEXT("key", "its private key, PEM"),
        HASH_OPTION,
        COMMON_OPTIONS,
};

static const struct kt_option DOCKER_OPTIONS[] = {
        TEXT("docker-username", "NAME", "who logs in"),
        TEXT("docker-password", "PASSWORD", "with this password"),
        TEXT("docker-email", "ADDRESS", "mail address"),
        {.name = "from-file",
                .type = KT_OPTION_STRINGS,
                .value_name = "[.dockerconfigjson=]FILE",
                .help = "a login that is there already",
                .completion = KT_COMPLETE_FILE},
        HASH_OPTION,
        {.name = "docker-server",
                .type = KT_OPTION_STRING,
                .fallback = "https://index.docker.io/v1/",
                .value_name = "URL",
                .help = "the registry"},
        COMMON_OPTIONS,
};

static const struct kt_option ROLE_OPTIONS[] = {
        TEXTS("verb", "VERB,…", "what is allowed: get, list, watch, …"),
        {.name = "resource",
                .type = KT_OPTION_STRINGS,
                .value_name = "TYPE,…",
                .help = "on these types: pods, deployments.apps/scale",
                .completion = KT_COMPLETE_RESOURCE},
        TEXTS("resource-name", "NAME", "only on objects of this name"),
        COMMON_OPTIONS,
};

static const struct kt_option CLUSTERROLE_OPTIONS[] = {
        TEXTS("verb", "VERB,…", "what is allowed: get, list, watch, …"),
        {.name = "resource",
                .type = KT_OPTION_STRINGS,
                .value_name = "TYPE,…",
                .help = "on these types: nodes, deployments.apps/scale",
                .completion = KT_COMPLETE_RESOURCE},
        TEXTS("resource-name", "NAME", "only on objects of this name"),
        TEXTS("non-resource-url", "PATH", "on this path: /healthz"),
        TEXT("aggregation-rule", "A=B,…", "the rules of all roles with these labels"),
        COMMON_OPTIONS,
};

static const struct kt_option BINDING_OPTIONS[] = {
        TEXT("clusterrole", "NAME", "the ClusterRole that is given"),
        TEXT("role", "NAME", "the Role that is given"),
        TEXTS("user", "NAME", "to this user"),
        TEXTS("group", "NAME", "to this group"),
        TEXTS("serviceaccount", "NAMESPACE:NAME", "to this service account"),
        COMMON_OPTIONS,
};

static const struct kt_option CLUSTERBINDING_OPTIONS[] = {
        TEXT("clusterrole", "NAME", "the ClusterRole that is given"),
        TEXTS("user", "NAME", "to this user"),
        TEXTS("group", "NAME", "to this group"),
        TEXTS("serviceaccount", "NAMESPACE:NAME", "to this service account"),
        COMMON_OPTIONS,
};

static const struct kt_option QUOTA_OPTIONS[] = {
        TEXT("hard", "A=N,…", "the limits: pods=10,requests.cpu=4"),
        TEXTS("scopes", "SCOPE,…", "which objects count"),
        COMMON_OPTIONS,
};

static const struct kt_option BUDGET_OPTIONS[] = {
        TEXT("selector", "A=B,…", "labels of the pods"),
        TEXT("min-available", "N|N%", "so many must stay"),
        TEXT("max-unavailable", "N|N%", "so many may be missing"),
        COMMON_OPTIONS,
};

static const struct kt_option PRIORITY_OPTIONS[] = {
        {.name = "value",
                .type = KT_OPTION_INT,
                .fallback = "0",
                .value_name = "N",
                .help = "the priority"},
        {.name = "global-default", .type = KT_OPTION_BOOL, .help = "of pods that name no class"},
        TEXT("description", "TEXT", "when to use it"),
        {.name = "preemption-policy",
                .type = KT_OPTION_STRING,
                .fallback = "PreemptLowerPriority",
                .value_name = "POLICY",
                .help = "PreemptLowerPriority or Never"},
        COMMON_OPTIONS,
};

static const char *const BOUND_WORDS[] = {"Node", "Pod", "Secret", NULL};

static const struct kt_option TOKEN_OPTIONS[] = {
        TEXTS("audience", "NAME", "who is to accept the token"),
        {.name = "duration",
                .type = KT_OPTION_DURATION,
                .value_name = "TIME",
                .help = "how long it is good"},
        {.name = "bound-object-kind",
                .type = KT_OPTION_STRING,
                .value_name = "KIND",
                .help = "it is good as long as this object lives: Node, Pod or Secret",
                .completion = KT_COMPLETE_WORDS,
                .words = BOUND_WORDS},
        TEXT("bound-object-name", "NAME", "name of that object"),
        TEXT("bound-object-uid", "UID", "its uid; else that of the object there is"),
        KT_OPTION_OUTPUT,
        KT_OPTION_END,
};

#define PORTS_OPTION TEXTS("tcp", "PORT[:TARGET],…", "port of the service and of the pods")

static const struct kt_option CLUSTERIP_OPTIONS[] = {
        PORTS_OPTION,
        TEXT("clusterip", "IP|None", "this address; None: no address at all"),
        COMMON_OPTIONS,
};
static const struct kt_option NODEPORT_OPTIONS[] = {
        PORTS_OPTION,
        {.name = "node-port",
                .type = KT_OPTION_INT,
                .value_name = "PORT",
                .help = "the port of the nodes"},
        COMMON_OPTIONS,
};
static const struct kt_option BALANCER_OPTIONS[] = {PORTS_OPTION, COMMON_OPTIONS};
static const struct kt_option EXTERNAL_OPTIONS[] = {
        PORTS_OPTION,
        TEXT("external-name", "NAME", "the name it stands for"),
        COMMON_OPTIONS,
};

static const struct kt_option INGRESS_OPTIONS[] = {
        TEXTS("rule", "HOST/PATH=SERVICE:PORT[,tls[=SECRET]]",
                "where a path leads; /x* for all "
                "below it"),
        TEXT("class", "NAME", "the ingress class"),
        TEXT("default-backend", "SERVICE:PORT", "where all else leads"),
        TEXTS("annotation", "A=B", "an annotation"),
        COMMON_OPTIONS,
};

#define SUB(id, word, also, text, how, opts) \
	static const struct kt_command id = { \
	        .name = (word), \
	        .aliases = (const char *const[]){also, NULL}, \
	        .group = "Change", \
	        .usage = "create " how, \
	        .summary = text, \
	        .options = opts, \
	        .needs_client = true, \
	        .prints_typed = true, \
	        .run = kt_create_##id, \
	};

#define KIND(word, also, text, how, opts) SUB(word, #word, also, text, #word " " how, opts)

KIND(clusterrole, NULL, "Create a ClusterRole", "NAME --verb=VERB --resource=TYPE",
        CLUSTERROLE_OPTIONS)
KIND(clusterrolebinding, NULL, "Create a ClusterRoleBinding",
        "NAME --clusterrole=NAME [--user=NAME] [--group=NAME] [--serviceaccount=NAMESPACE:NAME]",
        CLUSTERBINDING_OPTIONS)
KIND(configmap, "cm", "Create a ConfigMap", "NAME [--from-literal=KEY=VALUE] [--from-file=FILE]",
        CONFIGMAP_OPTIONS)
KIND(cronjob, "cj", "Create a CronJob", "NAME --image=IMAGE --schedule=CRON [-- COMMAND…]",
        CRONJOB_OPTIONS)
KIND(deployment, "deploy", "Create a Deployment", "NAME --image=IMAGE [--replicas=N] [-- COMMAND…]",
        WORKLOAD_OPTIONS)
KIND(ingress, "ing", "Create an Ingress", "NAME --rule=HOST/PATH=SERVICE:PORT", INGRESS_OPTIONS)
KIND(job, NULL, "Create a Job", "NAME (--image=IMAGE [-- COMMAND…] | --from=cronjob/NAME)",
        JOB_OPTIONS)
KIND(namespace, "ns", "Create a Namespace", "NAME", PLAIN_OPTIONS)
KIND(poddisruptionbudget, "pdb", "Create a PodDisruptionBudget",
        "NAME --selector=A=B (--min-available=N | --max-unavailable=N)", BUDGET_OPTIONS)
KIND(priorityclass, "pc", "Create a PriorityClass", "NAME --value=N", PRIORITY_OPTIONS)
SUB(quota, "quota", "resourcequota", "Create a ResourceQuota", "quota NAME --hard=A=N,…",
        QUOTA_OPTIONS)
KIND(role, NULL, "Create a Role", "NAME --verb=VERB --resource=TYPE", ROLE_OPTIONS)
KIND(rolebinding, NULL, "Create a RoleBinding",
        "NAME (--clusterrole=NAME | --role=NAME) [--user=NAME] [--group=NAME] "
        "[--serviceaccount=NAMESPACE:NAME]",
        BINDING_OPTIONS)
KIND(serviceaccount, "sa", "Create a ServiceAccount", "NAME", PLAIN_OPTIONS)
KIND(token, NULL, "Ask for a token of a ServiceAccount", "NAME [--duration=TIME]", TOKEN_OPTIONS)

SUB(secret_docker, "docker-registry", NULL, "Create the secret of a registry's login",
        "secret docker-registry NAME --docker-username=NAME --docker-password=PASSWORD",
        DOCKER_OPTIONS)
SUB(secret_tls, "tls", NULL, "Create the secret of a certificate",
        "secret tls NAME --cert=FILE --key=FILE", TLS_OPTIONS)

static const struct kt_command secret_generic = {
        .name = "generic",
        .group = "Change",
        .usage = "create secret generic NAME [--from-literal=KEY=VALUE] [--from-file=FILE]",
        .summary = "Create a Secret from entries",
        .options = SECRET_OPTIONS,
        .prints_typed = true,
        .needs_client = true,
        .run = kt_create_secret,
};

static const struct kt_command secret = {
        .name = "secret",
        .group = "Change",
        .usage = "create secret [generic|tls|docker-registry] NAME …",
        .summary = "Create a Secret",
        .options = SECRET_OPTIONS,
        .subcommands = (const struct kt_command *const[]){&secret_docker, &secret_generic,
                &secret_tls, NULL},
        .prints_typed = true,
        .needs_client = true,
        .run = kt_create_secret,
};

SUB(service_clusterip, "clusterip", NULL, "Create a Service with an address in the cluster",
        "service clusterip NAME --tcp=PORT[:TARGET]", CLUSTERIP_OPTIONS)
SUB(service_externalname, "externalname", NULL, "Create a Service that stands for a name",
        "service externalname NAME --external-name=NAME", EXTERNAL_OPTIONS)
SUB(service_loadbalancer, "loadbalancer", NULL, "Create a Service with a load balancer",
        "service loadbalancer NAME --tcp=PORT[:TARGET]", BALANCER_OPTIONS)
SUB(service_nodeport, "nodeport", NULL, "Create a Service with a port of the nodes",
        "service nodeport NAME --tcp=PORT[:TARGET]", NODEPORT_OPTIONS)

static const struct kt_command service = {
        .name = "service",
        .aliases = (const char *const[]){"svc", NULL},
        .group = "Change",
        .usage = "create service (clusterip|externalname|loadbalancer|nodeport) NAME …",
        .summary = "Create a Service",
        .options = PLAIN_OPTIONS,
        .subcommands = (const struct kt_command *const[]){&service_clusterip, &service_externalname,
                &service_loadbalancer, &service_nodeport, NULL},
        .prints_typed = true,
        .needs_client = true,
        .run = kt_create_service,
};

const struct kt_command *const kt_create_kinds[] = {
        &clusterrole,
        &clusterrolebinding,
        &configmap,
        &cronjob,
        &deployment,
        &ingress,
        &job,
        &namespace,
        &poddisruptionbudget,
        &priorityclass,
        &quota,
        &role,
        &rolebinding,
        &secret,
        &service,
        &serviceaccount,
        &token,
        NULL,
};
