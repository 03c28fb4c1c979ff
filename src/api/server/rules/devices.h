/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What claims, classes and slices of devices have in common. */
#ifndef KT_API_SERVER_RULES_DEVICES_H
#define KT_API_SERVER_RULES_DEVICES_H

#include "api/server/rules/check.h"

#define KT_DEVICE_LIST_MAX 32

void kt_check_device_selectors(struct kt_rule_context *c, const struct kt_at *selectors);
/* opaque of one entry of config */
void kt_check_device_config(struct kt_rule_context *c, const struct kt_at *config);
/* "gpu.example.com/model" or "model" */
void kt_check_device_attribute_name(
        struct kt_rule_context *c, const struct kt_at *at, const char *name);
void kt_check_pool_name(struct kt_rule_context *c, const struct kt_at *at);
void kt_check_device_list_size(struct kt_rule_context *c, const struct kt_at *list, size_t max);

#endif
