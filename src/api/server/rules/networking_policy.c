/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/machinery/names.h"
#include "api/server/rules/addresses.h"
#include "api/server/rules/meta.h"
#include "api/server/rules/pod.h"

static void default_object(struct kt_rule_context *c, json_t *object)
{
	(void)c;
	json_t *spec = json_object_get(object, "spec");
	if (json_array_size(json_object_get(spec, "policyTypes")))
		return;
	json_t *types = json_pack("[s]", "Ingress");
	if (json_array_size(json_object_get(spec, "egress")))
		json_array_append_new(types, json_string("Egress"));
	json_object_set_new(spec, "policyTypes", types);
}

static void check_port(struct kt_rule_context *c, const struct kt_at *entry)
{
	static const char *const protocols[] = {"TCP", "UDP", "SCTP", NULL};
	struct kt_at protocol = kt_at(entry, "protocol"), port = kt_at(entry, "port"),
	             end = kt_at(entry, "endPort");
	if (protocol.value)
		kt_check_in(c, &protocol, protocols);
	if (!port.value) {
		if (end.value)
			kt_add_invalid(
			        c, &end, "may not be specified when `port` is not specified");
	} else if (json_is_string(port.value)) {
		if (end.value)
			kt_add_invalid(c, &end, "may not be specified when `port` is non-numeric");
		kt_check_format(c, &port, "port-name");
	} else {
		kt_check_port(c, &port);
		if (!end.value)
			return;
		if (kt_at_int(&end) < kt_at_int(&port))
			kt_add_invalid_value(
			        c, &end, port.value, "must be greater than or equal to `port`");
		kt_check_port(c, &end);
	}
}

/* `inner` is a part of `outer`, and a smaller one. */
static bool is_strict_part(const char *outer, const char *inner)
{
	uint8_t a[16], b[16];
	int family_a, family_b, bits_a, bits_b;
	if (!kt_cidr_parse(kt_sv_of(outer), a, &family_a, &bits_a) ||
	        !kt_cidr_parse(kt_sv_of(inner), b, &family_b, &bits_b))
		return false;
	return family_a == family_b && bits_b > bits_a && kt_ip_in_net(b, outer);
}

static void check_block(struct kt_rule_context *c, const struct kt_at *block)
{
	struct kt_at cidr = kt_at(block, "cidr"), except = kt_at(block, "except");
	if (!*kt_at_text(&cidr)) {
		kt_add_required(c, &cidr, "");
		return;
	}
	if (!kt_check_format(c, &cidr, "cidr"))
		return;
	KT_EACH(hole, &except) {
		if (kt_check_format(c, &hole, "cidr") &&
		        !is_strict_part(kt_at_text(&cidr), kt_at_text(&hole)))
			kt_add_invalid(c, &hole, "must be a strict subset of `cidr`");
	}
}

static void check_peer(struct kt_rule_context *c, const struct kt_at *peer)
{
	struct kt_at pods = kt_at(peer, "podSelector"),
	             namespaces = kt_at(peer, "namespaceSelector"), block = kt_at(peer, "ipBlock");
	kt_check_label_selector(c, &pods);
	kt_check_label_selector(c, &namespaces);
	if (block.value)
		check_block(c, &block);
	if (!pods.value && !namespaces.value && !block.value)
		kt_add_required(c, peer, "must specify a peer");
	else if (block.value && (pods.value || namespaces.value))
		kt_add_forbidden(c, peer, "may not specify both ipBlock and another peer");
}

static void check_rules(struct kt_rule_context *c, const struct kt_at *spec, const char *name,
        const char *peers_name)
{
	struct kt_at rules = kt_at(spec, name);
	KT_EACH(rule, &rules) {
		struct kt_at ports = kt_at(&rule, "ports"), peers = kt_at(&rule, peers_name);
		KT_EACH(port, &ports) {
			check_port(c, &port);
		}
		KT_EACH(peer, &peers) {
			check_peer(c, &peer);
		}
	}
}

static void check_spec(struct kt_rule_context *c, const struct kt_at *spec)
{
	static const char *const types[] = {"Ingress", "Egress", NULL};
	struct kt_at selector = kt_at(spec, "podSelector"), list = kt_at(spec, "policyTypes");
	kt_check_label_selector(c, &selector);
	check_rules(c, spec, "ingress", "from");
	check_rules(c, spec, "egress", "to");
	if (kt_at_n(&list) > 2) {
		kt_add_invalid(c, &list, "may not specify more than two policyTypes");
		return;
	}
	KT_EACH(type, &list) {
		kt_check_in(c, &type, types);
	}
}

static void validate(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	struct kt_at root = kt_at_root(c, object), spec = kt_at(&root, "spec");
	kt_meta_validate(c, object, NULL);
	check_spec(c, &spec);
	if (!old)
		return;
	kt_meta_validate_update(c, object, old);
	check_spec(c, &spec);
}

static void warn(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	static const char *const lists[][2] = {{"ingress", "from"}, {"egress", "to"}};
	struct kt_at root = kt_at_root(c, object), spec = kt_at(&root, "spec");
	(void)old;
	for (size_t i = 0; i < 2; i++) {
		struct kt_at rules = kt_at(&spec, lists[i][0]);
		KT_EACH(rule, &rules) {
			struct kt_at peers = kt_at(&rule, lists[i][1]);
			KT_EACH(peer, &peers) {
				struct kt_at block = kt_at(&peer, "ipBlock"),
				             cidr = kt_at(&block, "cidr"),
				             except = kt_at(&block, "except");
				if (cidr.value)
					kt_warn_cidr(c, &cidr);
				KT_EACH(hole, &except) {
					kt_warn_cidr(c, &hole);
				}
			}
		}
	}
}

const struct kt_rules kt_rules_networking_network_policy = {
        .group = "networking.k8s.io",
        .kind = "NetworkPolicy",
        .default_object = default_object,
        .validate = validate,
        .warn = warn,
};
