/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/machinery/names.h"
#include "api/server/rules/addresses.h"
#include "api/server/rules/lookup.h"
#include "api/server/rules/names.h"
#include "api/server/rules/options.h"
#include "api/server/rules/service.h"
#include "api/status.h"

#include <errno.h>

#define RANDOM_TRIES 32 /* then every address in turn */

/* Refuses with what was found so far as a 422 of its own: these mistakes come before all
 * validation. */
static int refuse(struct kt_rule_context *c, const json_t *service)
{
	const char *name = kt_jstr(service, "metadata.name");
	kt_field_errors_fail(&c->errors, c->kind->group, c->kind->kind, name ? name : "", &c->err);
	kt_err_set_about(&c->err, c->kind->group, c->kind->kind, name, NULL);
	c->errors.n = 0;
	return -EINVAL;
}

static json_t *allocation(struct kt_rule_context *c, const json_t *service, const char *name)
{
	char uid[37];
	kt_loop_random_uuid(c->loop, uid);
	return json_pack("{s:s, s:s, s:{s:s, s:s, s:O*, s:{s:s, s:s}}, s:{s:{s:s, s:s, s:s}}}",
	        "apiVersion", "networking.k8s.io/v1", "kind", "IPAddress", "metadata", "name", name,
	        "uid", uid, "creationTimestamp", kt_jget(service, "metadata.creationTimestamp"),
	        "labels", "ipaddress.kubernetes.io/ip-family", strchr(name, ':') ? "IPv6" : "IPv4",
	        "ipaddress.kubernetes.io/managed-by", "ipallocator.k8s.io", "spec", "parentRef",
	        "resource", "services", "namespace", kt_jstr(service, "metadata.namespace"), "name",
	        kt_jstr(service, "metadata.name"));
}

/* Cluster IPs */

struct range {
	uint8_t base[16];
	int family, bits;
	const char *cidr;
};

static bool service_range(struct kt_rule_context *c, struct range *ret_range)
{
	ret_range->cidr = kt_rule_service_cidr(c);
	return kt_cidr_parse(
	        kt_sv_of(ret_range->cidr), ret_range->base, &ret_range->family, &ret_range->bits);
}

static uint64_t range_size(const struct range *range)
{
	int host_bits = (range->family == 4 ? 32 : 128) - range->bits;
	return UINT64_C(1) << KT_MIN(
	               host_bits, 20); /* a million services are enough for any cluster */
}

static const char *address_at(struct kt_rule_context *c, const struct range *range, uint64_t offset)
{
	uint8_t bytes[16];
	memcpy(bytes, range->base, sizeof(bytes));
	for (int i = (range->family == 4 ? 4 : 16) - 1; i >= 0 && offset; i--) {
		offset += bytes[i];
		bytes[i] = (uint8_t)offset;
		offset >>= 8;
	}
	return kt_ip_text(c, bytes, range->family);
}

static bool is_free(struct kt_rule_context *c, const char *ip)
{
	return !kt_rule_exists(c, kt_rule_key(c, "networking.k8s.io", "ipaddresses", "", ip));
}

/* The first address of the range is the API's own Service. */
static bool is_reserved(
        struct kt_rule_context *c, const struct range *range, const json_t *service, const char *ip)
{
	bool is_kubernetes = kt_streq(kt_jstr(service, "metadata.name"), "kubernetes") &&
	                     kt_streq(kt_jstr(service, "metadata.namespace"), "default");
	return !is_kubernetes && strcmp(address_at(c, range, 1), ip) == 0;
}

/* The lower part of the range is for addresses that people choose; random ones come from above
 * while there are any. */
static const char *pick_address(struct kt_rule_context *c, const struct range *range)
{
	uint64_t size = range_size(range),
	         lower = KT_MIN(KT_MAX(size / 16, UINT64_C(16)), UINT64_C(256));
	if (size <= lower + 2)
		lower = 1;
	for (int i = 0; i < RANDOM_TRIES; i++) {
		uint64_t offset = lower + kt_loop_random(c->loop) % (size - lower - 1);
		const char *ip = address_at(c, range, offset);
		if (is_free(c, ip))
			return ip;
	}
	for (uint64_t offset = 2; offset + 1 < size; offset++) {
		const char *ip = address_at(c, range, offset);
		if (is_free(c, ip))
			return ip;
	}
	return NULL;
}

static void write_address(struct kt_rule_context *c, const json_t *service, const char *ip)
{
	kt_auto_json json_t *object = allocation(c, service, ip);
	kt_rule_also_put(
	        c, kt_rule_key(c, "networking.k8s.io", "ipaddresses", "", ip), 0, NULL, object);
}

/* Why an address that was asked for cannot be had, or NULL. */
static const char *why_not(
        struct kt_rule_context *c, const struct range *range, const json_t *service, const char *ip)
{
	uint8_t bytes[16];
	int family;
	if (!kt_ip_parse(kt_sv_of(ip), bytes, &family) || family != range->family ||
	        !kt_ip_in_net(bytes, range->cidr))
		return "the provided network does not match the current range";
	if (!is_free(c, ip) || is_reserved(c, range, service, ip))
		return "provided IP is already allocated";
	return NULL;
}

static int allocate_ip(struct kt_rule_context *c, json_t *service)
{
	json_t *spec = json_object_get(service, "spec");
	struct kt_at root = kt_at_root(c, service), at = kt_at(&root, "spec"),
	             ips = kt_at(&at, "clusterIPs");
	const char *wanted = kt_text_of(spec, "clusterIP");
	struct range range;
	if (!service_range(c, &range))
		return kt_fail_reason(&c->err, KT_REASON_INTERNAL_ERROR, EIO,
		        "the service range %s is no network", range.cidr);
	if (*wanted && c->dry_run)
		return 0;
	if (*wanted) {
		const char *why = why_not(c, &range, service, wanted);
		if (why) {
			kt_add_invalid(c, &ips, "failed to allocate IP %s: %s", wanted, why);
			return refuse(c, service);
		}
	} else {
		wanted = pick_address(c, &range);
		if (!wanted)
			return kt_fail_reason(&c->err, KT_REASON_INTERNAL_ERROR, ENOSPC,
			        "failed to allocate a serviceIP: range is full");
		json_object_set_new(spec, "clusterIP", json_string(wanted));
		json_object_set_new(spec, "clusterIPs", json_pack("[s]", wanted));
	}
	write_address(c, service, wanted);
	return 0;
}

/* Families: a cluster with one range has one family, whatever a service would prefer. */

static bool has_family(const json_t *families, const char *name)
{
	size_t i;
	json_t *family;
	json_array_foreach(families, i, family) {
		if (kt_streq(json_string_value(family), name))
			return true;
	}
	return false;
}

static void check_wishes(struct kt_rule_context *c, const struct kt_at *spec, const char *available)
{
	struct kt_at policy = kt_at(spec, "ipFamilyPolicy"), families = kt_at(spec, "ipFamilies"),
	             ips = kt_at(spec, "clusterIPs");
	bool dual_wish = kt_at_n(&families) > 1 || kt_at_n(&ips) > 1;
	if (dual_wish && kt_at_is(&policy, "SingleStack")) {
		kt_add_invalid(c, &policy,
		        "must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families "
		        "are specified");
		return;
	}
	if (kt_at_is(&policy, "RequireDualStack"))
		kt_add_invalid(
		        c, &policy, "this cluster is not configured for dual-stack services");
	KT_EACH(family, &families) {
		if (!kt_at_is(&family, available))
			kt_add_invalid(c, &family, "not configured on this cluster");
	}
}

/* Without selector and address, a headless service is only names: any family may be behind them. */
static bool is_nameless(const json_t *spec)
{
	return kt_service_is_headless(spec) && !json_object_size(json_object_get(spec, "selector"));
}

static void default_nameless(json_t *spec, const char *available)
{
	json_t *families = json_object_get(spec, "ipFamilies");
	if (!json_object_get(spec, "ipFamilyPolicy"))
		json_object_set_new(spec, "ipFamilyPolicy",
		        json_string(json_array_size(families) == 1 ? "SingleStack"
		                                                   : "RequireDualStack"));
	if (!json_array_size(families))
		json_object_set_new(spec, "ipFamilies", families = json_pack("[s]", available));
	if (json_array_size(families) == 1 &&
	        strcmp(kt_text_of(spec, "ipFamilyPolicy"), "SingleStack") != 0)
		json_array_append_new(
		        families, json_string(has_family(families, "IPv4") ? "IPv6" : "IPv4"));
}

/* An update that repeats what a service with this policy got: it asks for nothing. */
static bool repeats_preference(const json_t *spec, const json_t *old_spec)
{
	static const char *const members[] = {"type", "ipFamilyPolicy", "ipFamilies", "clusterIPs"};
	if (strcmp(kt_text_of(spec, "ipFamilyPolicy"), "PreferDualStack") != 0)
		return false;
	for (size_t i = 0; i < KT_ARRAY_SIZE(members); i++)
		if (!kt_same(json_object_get(spec, members[i]),
		            json_object_get(old_spec, members[i])))
			return false;
	return true;
}

static int set_families(struct kt_rule_context *c, json_t *service, const json_t *old)
{
	json_t *spec = json_object_get(service, "spec");
	struct kt_at root = kt_at_root(c, service), at = kt_at(&root, "spec");
	struct range range;
	if (!kt_service_needs_cluster_ip(spec) || !service_range(c, &range))
		return 0;
	const json_t *old_spec = json_object_get(old, "spec");
	bool was_same_kind = old && kt_service_needs_cluster_ip(old_spec);
	if (was_same_kind && repeats_preference(spec, old_spec))
		return 0;
	if (was_same_kind && !json_array_size(json_object_get(spec, "ipFamilies")))
		json_object_set_new(spec, "ipFamilies",
		        json_deep_copy(json_object_get(old_spec, "ipFamilies")));
	if (was_same_kind && !json_object_get(spec, "ipFamilyPolicy") &&
	        json_object_get(old_spec, "ipFamilyPolicy"))
		json_object_set(
		        spec, "ipFamilyPolicy", json_object_get(old_spec, "ipFamilyPolicy"));
	kt_service_check_ips(c, &at);
	if (c->errors.n)
		return refuse(c, service);
	const char *available = range.family == 4 ? "IPv4" : "IPv6";
	if (is_nameless(spec)) {
		default_nameless(spec, available);
		return 0;
	}
	if (was_same_kind && kt_service_is_headless(spec) == kt_service_is_headless(old_spec) &&
	        kt_same(json_object_get(spec, "ipFamilies"),
	                json_object_get(old_spec, "ipFamilies")) &&
	        kt_same(json_object_get(spec, "ipFamilyPolicy"),
	                json_object_get(old_spec, "ipFamilyPolicy")))
		return 0;
	check_wishes(c, &at, available);
	if (c->errors.n)
		return refuse(c, service);
	if (!json_object_get(spec, "ipFamilyPolicy"))
		json_object_set_new(spec, "ipFamilyPolicy", json_string("SingleStack"));
	if (!json_array_size(json_object_get(spec, "ipFamilies")))
		json_object_set_new(spec, "ipFamilies", json_pack("[s]", available));
	return 0;
}

/* Node ports */

static const char *port_key(struct kt_rule_context *c, int64_t port)
{
	return kt_arena_printf(c->arena, KT_NODE_PORTS_PREFIX "%lld", (long long)port);
}

static void write_port(struct kt_rule_context *c, const json_t *service, int64_t port)
{
	const char *key = port_key(c, port);
	kt_auto_json json_t *object = json_pack("{s:{s:s}, s:s?, s:s?}", "metadata", "name",
	        key + strlen(KT_NODE_PORTS_PREFIX), "namespace",
	        kt_jstr(service, "metadata.namespace"), "service",
	        kt_jstr(service, "metadata.name"));
	kt_rule_also_put(c, key, 0, NULL, object);
}

struct port_set {
	int64_t numbers[KT_STORAGE_OPS_MAX];
	size_t n;
};

static bool port_in(const struct port_set *set, int64_t port)
{
	for (size_t i = 0; i < set->n; i++)
		if (set->numbers[i] == port)
			return true;
	return false;
}

static void collect_ports(struct port_set *set, const json_t *spec)
{
	size_t i;
	json_t *port;
	json_array_foreach(json_object_get(spec, "ports"), i, port) {
		int64_t number = json_integer_value(json_object_get(port, "nodePort"));
		if (number && !port_in(set, number) && set->n < KT_ARRAY_SIZE(set->numbers))
			set->numbers[set->n++] = number;
	}
	int64_t health = json_integer_value(json_object_get(spec, "healthCheckNodePort"));
	if (health && !port_in(set, health) && set->n < KT_ARRAY_SIZE(set->numbers))
		set->numbers[set->n++] = health;
}

static const char *why_not_port(struct kt_rule_context *c, int64_t port)
{
	int low, high;
	kt_rule_node_ports(c, &low, &high);
	if (port < low || port > high)
		return kt_arena_printf(c->arena,
		        "provided port is not in the valid range. The range of valid ports is "
		        "%d-%d",
		        low, high);
	return kt_rule_exists(c, port_key(c, port)) ? "provided port is already allocated" : NULL;
}

static int64_t pick_port(struct kt_rule_context *c, const struct port_set *taken)
{
	int low, high;
	kt_rule_node_ports(c, &low, &high);
	uint32_t size = (uint32_t)(high - low + 1), start = kt_loop_random_below(c->loop, size);
	for (uint32_t i = 0; i < size; i++) {
		int64_t port = low + (int64_t)((start + i) % size);
		if (!port_in(taken, port) && !kt_rule_exists(c, port_key(c, port)))
			return port;
	}
	return 0;
}

/* One number serves all protocols of the same service port. */
static int64_t sibling_port(const json_t *ports, size_t index)
{
	const json_t *own = json_array_get(ports, index);
	for (size_t i = 0; i < index; i++) {
		const json_t *other = json_array_get(ports, i);
		if (json_equal(json_object_get(own, "port"), json_object_get(other, "port")) &&
		        json_object_get(other, "nodePort"))
			return json_integer_value(json_object_get(other, "nodePort"));
	}
	return 0;
}

/* Another port of the service has this number already, and not for another protocol of the same
 * port. */
static bool is_taken_within(const json_t *ports, size_t index, int64_t number)
{
	const json_t *own = json_array_get(ports, index);
	for (size_t i = 0; i < index; i++) {
		const json_t *other = json_array_get(ports, i);
		if (json_integer_value(json_object_get(other, "nodePort")) == number &&
		        !json_equal(json_object_get(own, "port"), json_object_get(other, "port")))
			return true;
	}
	return false;
}

static int allocate_port(
        struct kt_rule_context *c, json_t *service, const struct kt_at *port, struct port_set *held)
{
	struct kt_at node_port = kt_at(port, "nodePort");
	int64_t number = kt_at_int(&node_port);
	if (port_in(held, number) || c->dry_run)
		return 0;
	const char *why = is_taken_within(port->up->value, port->index, number)
	                          ? "provided port is already allocated"
	                          : why_not_port(c, number);
	if (why) {
		kt_add_invalid(c, &node_port, "%s", why);
		return refuse(c, service);
	}
	write_port(c, service, number);
	return 0;
}

static int allocate_ports(struct kt_rule_context *c, json_t *service, const json_t *old)
{
	struct kt_at root = kt_at_root(c, service), spec = kt_at(&root, "spec"),
	             ports = kt_at(&spec, "ports");
	struct port_set held = {.n = 0}, mine = {.n = 0};
	collect_ports(&held, json_object_get(old, "spec"));
	collect_ports(&mine, spec.value);
	KT_EACH(port, &ports) {
		int64_t number = json_integer_value(json_object_get(port.value, "nodePort"));
		bool shared = number != 0 && sibling_port(ports.value, kt_i_port) == number;
		if (number == 0) {
			number = sibling_port(ports.value, kt_i_port);
			shared = number != 0;
		}
		if (number == 0) {
			number = pick_port(c, &mine);
			if (number == 0)
				return kt_fail_reason(&c->err, KT_REASON_INTERNAL_ERROR, ENOSPC,
				        "failed to allocate a nodePort: range is full");
			mine.numbers[mine.n++] = number;
		}
		json_object_set_new(port.value, "nodePort", json_integer(number));
		if (!shared && allocate_port(c, service, &port, &held) < 0)
			return c->err.code;
	}
	return 0;
}

static int fail_internal(struct kt_rule_context *c, const char *why)
{
	int r = kt_fail_reason(
	        &c->err, KT_REASON_INTERNAL_ERROR, EIO, "Internal error occurred: %s", why);
	kt_err_add_cause(&c->err, NULL, NULL, why);
	return r;
}

static int allocate_health_port(struct kt_rule_context *c, json_t *service, const json_t *old)
{
	json_t *spec = json_object_get(service, "spec");
	struct port_set mine = {.n = 0};
	int64_t number = json_integer_value(json_object_get(spec, "healthCheckNodePort"));
	if (old && kt_service_needs_health_port(json_object_get(old, "spec")))
		return 0;
	collect_ports(&mine, spec);
	if (number && c->dry_run)
		return 0;
	if (number) {
		const char *why = why_not_port(c, number);
		if (why)
			return fail_internal(c, kt_arena_printf(c->arena,
			                                "failed to allocate requested HealthCheck "
			                                "NodePort %lld: %s",
			                                (long long)number, why));
	} else {
		number = pick_port(c, &mine);
		json_object_set_new(spec, "healthCheckNodePort", json_integer(number));
	}
	write_port(c, service, number);
	return 0;
}

/* Two equal node ports of one update are a mistake upstream's repair loop would find: it fails at
 * once. */
static int check_double_node_ports(struct kt_rule_context *c, const json_t *spec)
{
	const json_t *ports = json_object_get(spec, "ports");
	for (size_t i = 0; i < json_array_size(ports); i++) {
		const json_t *a = json_array_get(ports, i);
		int64_t number = json_integer_value(json_object_get(a, "nodePort"));
		for (size_t j = 0; number && j < i; j++) {
			const json_t *b = json_array_get(ports, j);
			if (json_integer_value(json_object_get(b, "nodePort")) == number &&
			        strcmp(kt_text_of(a, "protocol"), kt_text_of(b, "protocol")) == 0)
				return kt_fail_reason(&c->err, KT_REASON_UNKNOWN, EIO,
				        "duplicate nodePort: {%s %lld}", kt_text_of(a, "protocol"),
				        (long long)number);
		}
	}
	return 0;
}

int kt_service_allocate(struct kt_rule_context *c, json_t *service, const json_t *old)
{
	json_t *spec = json_object_get(service, "spec");
	const json_t *old_spec = json_object_get(old, "spec");
	int r = set_families(c, service, old);
	bool had_ip =
	        old && kt_service_needs_cluster_ip(old_spec) && *kt_text_of(old_spec, "clusterIP");
	if (r == 0 && kt_service_needs_cluster_ip(spec) && !kt_service_is_headless(spec) && !had_ip)
		r = allocate_ip(c, service);
	if (r == 0 && old && kt_service_needs_node_port(spec))
		r = check_double_node_ports(c, spec);
	if (r == 0 && kt_service_needs_node_port(spec))
		r = allocate_ports(c, service, old);
	if (r == 0 && kt_service_needs_health_port(spec))
		r = allocate_health_port(c, service, old);
	return r;
}

void kt_service_release(struct kt_rule_context *c, const json_t *service, const json_t *old)
{
	const json_t *spec = json_object_get(service, "spec"),
	             *old_spec = json_object_get(old, "spec");
	struct port_set before = {.n = 0}, now = {.n = 0};
	const char *ip = kt_text_of(old_spec, "clusterIP");
	if (*ip && strcmp(ip, "None") != 0 && strcmp(ip, kt_text_of(spec, "clusterIP")) != 0)
		kt_rule_also_delete(c, kt_rule_key(c, "networking.k8s.io", "ipaddresses", "", ip));
	collect_ports(&before, old_spec);
	collect_ports(&now, spec);
	for (size_t i = 0; i < before.n; i++)
		if (!port_in(&now, before.numbers[i]))
			kt_rule_also_delete(c, port_key(c, before.numbers[i]));
}
