/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Pod (anti-)affinity terms, parsed once per pod. Label selectors are api/machinery's. A term
 * speaks of pods in some namespaces and of the nodes' value of one label, its topology. Source: the
 * PodAffinityTerm type.
 */
#ifndef KT_CLUSTER_SCHEDULER_TERMS_H
#define KT_CLUSTER_SCHEDULER_TERMS_H

#include "api/machinery/selector.h"
#include "base/map.h"
#include "base/vec.h"

struct kt_affinity_term {
	struct kt_selector *selector;           /* of pods' labels */
	KT_VEC(char *) namespaces;              /* by name */
	struct kt_selector *namespace_selector; /* NULL: none */
	char *topology_key;
	int32_t weight; /* preferred terms */
};
typedef KT_VEC(struct kt_affinity_term) kt_affinity_terms;

enum kt_affinity_kind {
	KT_AFFINITY_REQUIRED,
	KT_AFFINITY_PREFERRED,
	KT_ANTI_REQUIRED,
	KT_ANTI_PREFERRED,
	KT_AFFINITY_KINDS
};

/* All terms of a spec.affinity (p NULL: none) of a pod in namespace. */
void kt_affinity_terms_read(struct kt_json_at affinity, struct kt_sv namespace,
        kt_affinity_terms terms[KT_AFFINITY_KINDS]);
void kt_affinity_terms_finish(kt_affinity_terms *terms);
/* Does the term speak of this pod? namespaces: the snapshot's Namespace objects by name. */
bool kt_affinity_term_matches(const struct kt_affinity_term *term, const struct kt_object *pod,
        const struct kt_map *namespaces);

#endif
