/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/admission/plugins.h"

#define ENTRY(name) &kt_admission_##name,
const struct kt_admission_plugin *const kt_admission_plugins[] = {KT_ADMISSION_PLUGINS(ENTRY) NULL};
