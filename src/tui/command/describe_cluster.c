/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Nodes, namespaces and their limits, accounts and their rights. */
#include "tui/command/describe.h"
#include "tui/command/rule_lines.h"

#include "api/machinery/quantity.h"

/* Node */

#define ROLE_PREFIX "node-role.kubernetes.io/"

static void put_roles(struct kt_describer *d, const json_t *node)
{
	const json_t *labels = kt_jget(node, "metadata.labels");
	size_t n, found = 0;
	const char **keys = kt_describe_keys(labels, &n);

	kt_describe_put(d, "Roles:\t");
	for (size_t i = 0; i < n; i++) {
		const char *role = kt_starts_with(keys[i], ROLE_PREFIX)
		                           ? keys[i] + strlen(ROLE_PREFIX)
		                   : !strcmp(keys[i], "kubernetes.io/role")
		                           ? json_string_value(json_object_get(labels, keys[i]))
		                           : NULL;

		if (role && *role)
			kt_describe_put(d, "%s%s", found++ ? "," : "", role);
	}
	kt_describe_put(d, found ? "\n" : "<none>\n");
	free(keys);
}

static void put_taints(struct kt_describer *d, const json_t *node)
{
	const json_t *taints = kt_jget(node, "spec.taints");
	json_t *taint;
	size_t i;

	kt_describe_put(d, "Taints:\t%s", json_array_size(taints) ? "" : "<none>\n");
	json_array_foreach(taints, i, taint) {
		const char *value = kt_describe_field(taint, "value");

		kt_describe_put(d, "%s%s%s%s:%s\n", i ? "\t" : "", kt_describe_field(taint, "key"),
		        *value ? "=" : "", value, kt_describe_field(taint, "effect"));
	}
}

static void put_lease(struct kt_describer *d, const json_t *node)
{
	kt_auto_json json_t *lease = kt_describe_get(d,
	        "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/%s",
	        kt_describe_field(node, "metadata.name"));
	const char *holder = kt_jstr(lease, "spec.holderIdentity");
	char acquired[KT_DESCRIBE_TIME_MAX], renewed[KT_DESCRIBE_TIME_MAX];

	if (!lease)
		return;
	kt_describe_put(d, "Lease:\n  HolderIdentity:\t%s\n  AcquireTime:\t%s\n  RenewTime:\t%s\n",
	        holder ? holder : "<unset>",
	        kt_describe_time_text(kt_jstr(lease, "spec.acquireTime"), acquired),
	        kt_describe_time_text(kt_jstr(lease, "spec.renewTime"), renewed));
}

static void put_node_conditions(struct kt_describer *d, const json_t *node)
{
	json_t *condition;
	size_t i;

	if (json_array_size(kt_jget(node, "status.conditions")))
		kt_describe_put(d,
		        "Conditions:\n  "
		        "Type\tStatus\tLastHeartbeatTime\tLastTransitionTime\tReason\t"
		        "Message\n  ----\t------\t-----------------\t------------------\t------\t"
		        "-------\n");
	json_array_foreach(kt_jget(node, "status.conditions"), i, condition) {
		char seen[KT_DESCRIBE_TIME_MAX], changed[KT_DESCRIBE_TIME_MAX];

		kt_describe_put(d, "  %s \t%s \t%s \t%s \t%s \t%s\n",
		        kt_describe_field(condition, "type"),
		        kt_describe_field(condition, "status"),
		        kt_describe_time_text(kt_jstr(condition, "lastHeartbeatTime"), seen),
		        kt_describe_time_text(kt_jstr(condition, "lastTransitionTime"), changed),
		        kt_describe_field(condition, "reason"),
		        kt_describe_field(condition, "message"));
	}
}

static void put_map(struct kt_describer *d, const char *label, const json_t *map)
{
	size_t n;
	const char **keys = kt_describe_keys(map, &n);

	if (n)
		kt_describe_put(d, "%s:\n", label);
	for (size_t i = 0; i < n; i++)
		kt_describe_put(d, "  %s:\t%s\n", keys[i],
		        json_string_value(json_object_get(map, keys[i])));
	free(keys);
}

static void put_node_facts(struct kt_describer *d, const json_t *node)
{
	static const char *const INFO[][2] = {{"Machine ID", "machineID"},
	        {"System UUID", "systemUUID"}, {"Boot ID", "bootID"},
	        {"Kernel Version", "kernelVersion"}, {"OS Image", "osImage"},
	        {"Operating System", "operatingSystem"}, {"Architecture", "architecture"},
	        {"Container Runtime Version", "containerRuntimeVersion"},
	        {"Kubelet Version", "kubeletVersion"}, {"Kube-Proxy Version", "kubeProxyVersion"}};
	const json_t *info = kt_jget(node, "status.nodeInfo");
	kt_auto_free char *cidrs = kt_describe_join(kt_jget(node, "spec.podCIDRs"), ",");
	json_t *address;
	size_t i;

	kt_describe_put(d, "Addresses:\n");
	json_array_foreach(kt_jget(node, "status.addresses"), i, address)
		kt_describe_put(d, "  %s:\t%s\n", kt_describe_field(address, "type"),
		        kt_describe_field(address, "address"));
	put_map(d, "Capacity", kt_jget(node, "status.capacity"));
	put_map(d, "Allocatable", kt_jget(node, "status.allocatable"));
	kt_describe_put(d, "System Info:\n");
	for (i = 0; i < KT_ARRAY_SIZE(INFO); i++)
		kt_describe_put(d, "  %s:\t%s\n", INFO[i][0], kt_describe_field(info, INFO[i][1]));
	if (*kt_describe_field(node, "spec.podCIDR"))
		kt_describe_put(d, "PodCIDR:\t%s\n", kt_describe_field(node, "spec.podCIDR"));
	if (*cidrs)
		kt_describe_put(d, "PodCIDRs:\t%s\n", cidrs);
	if (*kt_describe_field(node, "spec.providerID"))
		kt_describe_put(d, "ProviderID:\t%s\n", kt_describe_field(node, "spec.providerID"));
}

/* What pods ask of a node */

static struct kt_quantity amount_of(const json_t *map, const char *resource)
{
	const char *text = json_string_value(json_object_get(map, resource));
	struct kt_quantity q = kt_quantity_from_int64(0, KT_QUANTITY_DECIMAL_SI);

	if (text && kt_quantity_parse(kt_sv_of(text), &q, NULL) < 0)
		q = kt_quantity_from_int64(0, KT_QUANTITY_DECIMAL_SI);
	return q;
}

static struct kt_quantity larger(struct kt_quantity a, struct kt_quantity b)
{
	return kt_quantity_cmp(a, b) < 0 ? b : a;
}

/* Of all containers together, or of the largest step of the start, if that is more. side:
 * "requests" or "limits". */
static struct kt_quantity pod_amount(const json_t *pod, const char *side, const char *resource)
{
	struct kt_quantity sum = kt_quantity_from_int64(0, KT_QUANTITY_DECIMAL_SI), start = sum,
	                   sidecars = sum;
	json_t *container;
	size_t i;

	json_array_foreach(kt_jget(pod, "spec.containers"), i, container)
		sum = kt_quantity_add(sum,
		        amount_of(json_object_get(json_object_get(container, "resources"), side),
		                resource));
	json_array_foreach(kt_jget(pod, "spec.initContainers"), i, container) {
		struct kt_quantity one = amount_of(
		        json_object_get(json_object_get(container, "resources"), side), resource);

		if (kt_streq(kt_jstr(container, "restartPolicy"), "Always")) {
			sum = kt_quantity_add(sum, one);
			sidecars = kt_quantity_add(sidecars, one);
			start = larger(start, sidecars);
		} else {
			start = larger(start, kt_quantity_add(sidecars, one));
		}
	}
	return kt_quantity_add(
	        larger(sum, start), amount_of(kt_jget(pod, "spec.overhead"), resource));
}

/* "100m (1%)" of what the node has. */
static void put_share(struct kt_describer *d, struct kt_quantity amount, const json_t *node,
        const char *resource, const char *end)
{
	struct kt_quantity all = amount_of(kt_jget(node, "status.allocatable"), resource);
	char text[KT_QUANTITY_TEXT_MAX];

	kt_quantity_format(amount, text);
	kt_describe_put(d, "%s (%lld%%)%s", text,
	        all.nano > 0 ? (long long)(amount.nano * 100 / all.nano) : 0LL, end);
}

static bool is_countable(const char *resource)
{
	return kt_starts_with(resource, "hugepages-") || strchr(resource, '/');
}

static void put_total(
        struct kt_describer *d, const json_t *pods, const json_t *node, const char *resource)
{
	static const char *const SIDES[] = {"requests", "limits"};
	json_t *pod;
	size_t i;

	kt_describe_put(d, "  %s\t", resource);
	for (size_t side = 0; side < KT_ARRAY_SIZE(SIDES); side++) {
		struct kt_quantity sum = kt_quantity_from_int64(0, KT_QUANTITY_DECIMAL_SI);
		char text[KT_QUANTITY_TEXT_MAX];

		json_array_foreach(pods, i, pod)
			sum = kt_quantity_add(sum, pod_amount(pod, SIDES[side], resource));
		if (strchr(resource, '/')) {
			kt_quantity_format(sum, text);
			kt_describe_put(d, "%s%s", text, side ? "\n" : "\t");
		} else {
			put_share(d, sum, node, resource, side ? "\n" : "\t");
		}
	}
}

static void put_totals(struct kt_describer *d, const json_t *pods, const json_t *node)
{
	static const char *const USUAL[] = {"cpu", "memory", "ephemeral-storage"};
	size_t n;
	const char **keys = kt_describe_keys(kt_jget(node, "status.allocatable"), &n);

	kt_describe_put(d, "Allocated resources:\n  (Total limits may be over 100 percent, i.e., "
	                   "overcommitted.)\n  Resource\tRequests\tLimits\n"
	                   "  --------\t--------\t------\n");
	for (size_t i = 0; i < KT_ARRAY_SIZE(USUAL); i++)
		put_total(d, pods, node, USUAL[i]);
	for (size_t i = 0; i < n; i++)
		if (is_countable(keys[i]))
			put_total(d, pods, node, keys[i]);
	free(keys);
}

static void put_node_pods(struct kt_describer *d, const json_t *node)
{
	kt_auto_free char *plain =
	        kt_asprintf("spec.nodeName=%s,status.phase!=Succeeded,status.phase!=Failed",
	                kt_describe_field(node, "metadata.name"));
	kt_auto_str query = KT_STR_INIT;

	kt_url_escape(&query, plain);
	kt_auto_json json_t *list =
	        kt_describe_get(d, "/api/v1/pods?fieldSelector=%s", kt_str_text(&query));
	const json_t *pods = json_object_get(list, "items");
	char age[KT_DESCRIBE_TIME_MAX];
	json_t *pod;
	size_t i;

	if (!list) {
		kt_describe_put(d, "Pods:\tnot authorized\n");
		return;
	}
	kt_describe_put(d,
	        "Non-terminated Pods:\t(%zu in total)\n  Namespace\tName\t\tCPU Requests\tCPU "
	        "Limits\tMemory Requests\tMemory Limits\tAge\n  ---------\t----\t\t------------\t"
	        "----------\t---------------\t-------------\t---\n",
	        json_array_size(pods));
	json_array_foreach(pods, i, pod) {
		kt_describe_put(d, "  %s\t%s\t\t", kt_describe_field(pod, "metadata.namespace"),
		        kt_describe_field(pod, "metadata.name"));
		put_share(d, pod_amount(pod, "requests", "cpu"), node, "cpu", "\t");
		put_share(d, pod_amount(pod, "limits", "cpu"), node, "cpu", "\t");
		put_share(d, pod_amount(pod, "requests", "memory"), node, "memory", "\t");
		put_share(d, pod_amount(pod, "limits", "memory"), node, "memory", "\t");
		kt_describe_put(d, "%s\n",
		        kt_describe_age(d, kt_jstr(pod, "metadata.creationTimestamp"), age));
	}
	put_totals(d, pods, node);
}

void kt_describe_node(struct kt_describer *d, const json_t *object)
{
	kt_describe_put(d, "Name:\t%s\n", kt_describe_field(object, "metadata.name"));
	put_roles(d, object);
	kt_describe_labels(d, "", "Labels", kt_jget(object, "metadata.labels"));
	kt_describe_annotations(d, "", "Annotations", kt_jget(object, "metadata.annotations"));
	kt_describe_time(d, "CreationTimestamp", object, "metadata.creationTimestamp");
	put_taints(d, object);
	kt_describe_put(d, "Unschedulable:\t%s\n",
	        kt_jbool(object, "spec.unschedulable", false) ? "true" : "false");
	put_lease(d, object);
	put_node_conditions(d, object);
	put_node_facts(d, object);
	put_node_pods(d, object);
	kt_describe_events(d, object);
}

/* Quotas and limits */

static void put_quota(struct kt_describer *d, const json_t *quota, const char *indent)
{
	const json_t *hard = kt_jget(quota, "status.hard");
	bool alone = !*indent;
	size_t n;
	const char **keys = kt_describe_keys(hard, &n);

	kt_describe_put(d, "%sResource\tUsed\tHard\n%s--------\t%s\t%s\n", indent, indent,
	        alone ? "----" : "---", alone ? "----" : "---");
	for (size_t i = 0; i < n; i++) {
		const char *used =
		        json_string_value(json_object_get(kt_jget(quota, "status.used"), keys[i]));

		kt_describe_put(d, "%s%s\t%s\t%s\n", indent, keys[i], used ? used : "",
		        json_string_value(json_object_get(hard, keys[i])));
	}
	free(keys);
}

static void put_scopes(struct kt_describer *d, const json_t *quota, const char *indent)
{
	static const char *const MEANINGS[][2] = {
	        {"Terminating",
	                "Matches all pods that have an active deadline. These pods have a "
	                "limited lifespan on a node before being actively terminated by the "
	                "system."},
	        {"NotTerminating", "Matches all pods that do not have an active deadline. These "
	                           "pods usually include long running pods whose container command "
	                           "is not expected to terminate."},
	        {"BestEffort", "Matches all pods that do not have resource requirements set. These "
	                       "pods have a best effort quality of service."},
	        {"NotBestEffort", "Matches all pods that have at least one resource requirement "
	                          "set. These pods have a burstable or guaranteed quality of "
	                          "service."},
	};
	const json_t *scopes = kt_jget(quota, "spec.scopes");
	kt_auto_free char *all = kt_describe_join(scopes, ", ");
	json_t *scope;
	size_t i;

	if (*all)
		kt_describe_put(d, "%sScopes:\t%s\n", indent, all);
	json_array_foreach(scopes, i, scope) {
		for (size_t j = 0; j < KT_ARRAY_SIZE(MEANINGS); j++)
			if (kt_streq(json_string_value(scope), MEANINGS[j][0]))
				kt_describe_put(d, "%s * %s\n", indent, MEANINGS[j][1]);
	}
}

void kt_describe_quota(struct kt_describer *d, const json_t *object)
{
	kt_describe_put(d, "Name:\t%s\nNamespace:\t%s\n",
	        kt_describe_field(object, "metadata.name"),
	        kt_describe_field(object, "metadata.namespace"));
	put_scopes(d, object, "");
	put_quota(d, object, "");
}

static const char *limit_text(const json_t *item, const char *member, const char *resource)
{
	const char *text =
	        json_string_value(json_object_get(json_object_get(item, member), resource));

	return text ? text : "-";
}

static void put_limit(struct kt_describer *d, const json_t *item, const char *indent)
{
	static const char *const MEMBERS[] = {
	        "max", "min", "default", "defaultRequest", "maxLimitRequestRatio"};
	kt_auto_json json_t *all = json_object();
	size_t n;

	for (size_t i = 0; i < KT_ARRAY_SIZE(MEMBERS); i++)
		if (json_object_get(item, MEMBERS[i]))
			json_object_update(all, json_object_get(item, MEMBERS[i]));
	const char **keys = kt_describe_keys(all, &n);

	for (size_t i = 0; i < n; i++)
		kt_describe_put(d, "%s%s\t%s\t%s\t%s\t%s\t%s\t%s\n", indent,
		        kt_describe_field(item, "type"), keys[i], limit_text(item, "min", keys[i]),
		        limit_text(item, "max", keys[i]),
		        limit_text(item, "defaultRequest", keys[i]),
		        limit_text(item, "default", keys[i]),
		        limit_text(item, "maxLimitRequestRatio", keys[i]));
	free(keys);
}

static void put_limits(struct kt_describer *d, const json_t *range, const char *indent)
{
	json_t *item;
	size_t i;

	json_array_foreach(kt_jget(range, "spec.limits"), i, item)
		put_limit(d, item, indent);
}

static void put_limits_head(struct kt_describer *d, const char *indent)
{
	kt_describe_put(d,
	        "%sType\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request "
	        "Ratio\n%s----\t--------\t---\t---\t---------------\t-------------\t"
	        "-----------------------\n",
	        indent, indent);
}

void kt_describe_limits(struct kt_describer *d, const json_t *object)
{
	kt_describe_put(d, "Name:\t%s\nNamespace:\t%s\n",
	        kt_describe_field(object, "metadata.name"),
	        kt_describe_field(object, "metadata.namespace"));
	put_limits_head(d, "");
	put_limits(d, object, "");
}

void kt_describe_namespace(struct kt_describer *d, const json_t *object)
{
	const char *name = kt_describe_field(object, "metadata.name");
	kt_auto_json json_t *quotas =
	        kt_describe_get(d, "/api/v1/namespaces/%s/resourcequotas", name);
	kt_auto_json json_t *ranges = kt_describe_get(d, "/api/v1/namespaces/%s/limitranges", name);
	json_t *entry;
	size_t i;

	kt_describe_metadata(d, object);
	kt_describe_put(d, "Status:\t%s\n\n", kt_describe_field(object, "status.phase"));
	if (json_array_size(json_object_get(quotas, "items")))
		kt_describe_put(d, "Resource Quotas\n");
	else
		kt_describe_put(d, "No resource quota.\n");
	json_array_foreach(json_object_get(quotas, "items"), i, entry) {
		kt_describe_put(d, "  Name:\t%s\n", kt_describe_field(entry, "metadata.name"));
		put_scopes(d, entry, "  ");
		put_quota(d, entry, "  ");
	}
	kt_describe_put(d, "\n");
	if (json_array_size(json_object_get(ranges, "items"))) {
		kt_describe_put(d, "Resource Limits\n");
		put_limits_head(d, " ");
	} else {
		kt_describe_put(d, "No LimitRange resource.\n");
	}
	json_array_foreach(json_object_get(ranges, "items"), i, entry)
		put_limits(d, entry, " ");
}

/* Accounts and rights */

static void put_names(struct kt_describer *d, const char *label, const json_t *list)
{
	json_t *entry;
	size_t i;

	kt_describe_put(d, "%s:\t%s", label, json_array_size(list) ? "" : "<none>\n");
	json_array_foreach(list, i, entry)
		kt_describe_put(d, "%s%s\n", i ? "\t" : "", kt_describe_field(entry, "name"));
}

void kt_describe_serviceaccount(struct kt_describer *d, const json_t *object)
{
	kt_describe_metadata(d, object);
	put_names(d, "Image pull secrets", json_object_get(object, "imagePullSecrets"));
	if (json_array_size(json_object_get(object, "secrets")))
		put_names(d, "Mountable secrets", json_object_get(object, "secrets"));
	kt_describe_events(d, object);
}

/* Metadata of kinds of which the namespace is not said. */
static void put_marks(struct kt_describer *d, const json_t *object)
{
	kt_describe_put(d, "Name:\t%s\n", kt_describe_field(object, "metadata.name"));
	kt_describe_labels(d, "", "Labels", kt_jget(object, "metadata.labels"));
	kt_describe_annotations(d, "", "Annotations", kt_jget(object, "metadata.annotations"));
}

void kt_describe_role(struct kt_describer *d, const json_t *object)
{
	struct kt_rule_line *lines;
	size_t n;

	put_marks(d, object);
	kt_describe_put(d, "PolicyRule:\n  Resources\tNon-Resource URLs\tResource Names\tVerbs\n"
	                   "  ---------\t-----------------\t--------------\t-----\n");
	lines = kt_rule_lines(json_object_get(object, "rules"), &n);
	for (size_t i = 0; i < n; i++)
		kt_describe_put(d, "  %s\t[%s]\t[%s]\t[%s]\n", lines[i].resource, lines[i].url,
		        lines[i].name, lines[i].verbs);
	kt_rule_lines_free(lines, n);
}

void kt_describe_binding(struct kt_describer *d, const json_t *object)
{
	json_t *subject;
	size_t i;

	put_marks(d, object);
	kt_describe_put(d,
	        "Role:\n  Kind:\t%s\n  Name:\t%s\nSubjects:\n  Kind\tName\tNamespace\n"
	        "  ----\t----\t---------\n",
	        kt_describe_field(object, "roleRef.kind"),
	        kt_describe_field(object, "roleRef.name"));
	json_array_foreach(json_object_get(object, "subjects"), i, subject)
		kt_describe_put(d, "  %s\t%s\t%s\n", kt_describe_field(subject, "kind"),
		        kt_describe_field(subject, "name"),
		        kt_describe_field(subject, "namespace"));
}
