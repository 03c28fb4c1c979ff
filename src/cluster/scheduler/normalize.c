/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cluster/scheduler/plugin.h"

void kt_normalize_scores(int64_t *scores, size_t n, bool reverse)
{
	int64_t max = 0;

	for (size_t i = 0; i < n; i++)
		max = KT_MAX(max, scores[i]);
	for (size_t i = 0; i < n; i++) {
		if (max)
			scores[i] = scores[i] * KT_SCORE_MAX / max;
		if (reverse)
			scores[i] = KT_SCORE_MAX - scores[i];
	}
}
