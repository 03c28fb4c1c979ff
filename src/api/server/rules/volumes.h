/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Volume sources as pods and persistent volumes have them in common, and claim specs as claims and
 * templates have them. */
#ifndef KT_API_SERVER_RULES_VOLUMES_H
#define KT_API_SERVER_RULES_VOLUMES_H

#include "api/server/rules/check.h"

/* Checks of one source by its member name ("nfs"); NULL for names that are no plain source. */
struct kt_volume_source {
	const char *name;
	const char *shown; /* the field upstream reports, where it is another one */
	void (*check)(struct kt_rule_context *c, const struct kt_at *source);
};
const struct kt_volume_source *kt_volume_source_find(const char *name);

void kt_check_claim_spec(struct kt_rule_context *c, const struct kt_at *spec, bool is_template);
/* The spec of a persistent volume; meta (its metadata) may be NULL. In an attachment it stands
 * inline, without claim and capacity. */
void kt_check_volume_spec(struct kt_rule_context *c, const struct kt_at *spec,
        const struct kt_at *meta, bool is_inline);
void kt_check_csi_driver_name(struct kt_rule_context *c, const struct kt_at *name);
void kt_check_access_modes(struct kt_rule_context *c, const struct kt_at *modes);

/* Sources of a pod's volume or of a PersistentVolume's spec that are on their way out. */
void kt_warn_old_sources(struct kt_rule_context *c, const struct kt_at *volume, bool of_pod);

#endif
